/* The lean client against a server that is driven by hand: its bytes cut anywhere, and every lie that the client should see. */
#include "engine_peer.h"
#include "engine_rig.h"

/* One handshake against the peer. */
struct bout {
    struct lean l;
    struct shake k;
    struct peer p;
};

static const struct load_engine_conf once = {.share_uses = 1}, resuming = {.share_uses = 1, .resume = true};
static const char *const alpn[] = {"http/1.1", NULL};

static void begin(struct bout *b, struct load_engine_conf conf)
{
    lean_start(&b->l, conf, NULL, alpn);
    shake_begin(&b->k, &b->l, "www.example.com");
    peer_init(&b->p, b->k.pipe);
    assert_int_equal(shake_step(&b->k), SL_ENGINE_WANT_BYTES);
    peer_listen(&b->p);
}

static void end(struct bout *b)
{
    th_raw_done(&b->p.c);
    shake_end(&b->k);
    lean_stop(&b->l);
}

static void up_to_keys(struct bout *b)
{
    peer_hello(&b->p, PEER_HELLO);
    peer_keys(&b->p);
}

static void up_to_extensions(struct bout *b)
{
    up_to_keys(b);
    peer_say(&b->p, TH_ENCRYPTED_EXTENSIONS, "\0\0", 2);
}

static void keys_are_the_peers(struct bout *b)
{
    struct sl_tls_secrets secrets;

    peer_end(&b->p, false);
    assert_true(load_engine.finish(b->k.e, &secrets));
    assert_memory_equal(secrets.tx.secret, b->p.c_ap, 32);
    assert_memory_equal(secrets.rx.secret, b->p.s_ap, 32);
    assert_int_equal(secrets.tx.seq, 0);
}

/* ---- honest ---- */

/* The client's random and share differ each time, so each cut is of a handshake of its own. */
static void the_servers_bytes_cut_anywhere(void **state)
{
    size_t all = 1;

    for (size_t cut = 0; cut < all; cut++) {
        struct th_pipe *hold;
        struct bout b;

        begin(&b, once);
        hold = th_pipe_new(b.l.feed);
        b.p.c.pipe = hold;
        peer_flight(&b.p);
        b.p.c.pipe = b.k.pipe;
        all = hold->in.len;
        th_pipe_feed(b.k.pipe, hold->in.p, cut);
        assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
        th_pipe_feed(b.k.pipe, hold->in.p + cut, all - cut);
        assert_int_equal(shake_step(&b.k), SL_ENGINE_DONE);
        keys_are_the_peers(&b);
        hold->stream.ops->release(&hold->stream);
        th_pipe_free(hold);
        end(&b);
    }
}

/* Messages of the flight in records of any size, change_cipher_spec between them. */
static void messages_cut_into_records(void **state)
{
    for (size_t piece = 1; piece < 900; piece += piece < 20 ? 1 : 37) {
        static const uint8_t zeros[700], head[] = {8, 0, 0, 2, 0, 0, 11, 0, 2, 188},
                                         verify[] = {15, 0, 0, 4, 1, 2, 3, 4};
        uint8_t flight[1024];
        size_t n = 0;
        struct bout b;

        begin(&b, once);
        up_to_keys(&b);
        memcpy(flight + n, head, sizeof head);
        memcpy(flight + n + sizeof head, zeros, sizeof zeros);
        memcpy(flight + n + sizeof head + sizeof zeros, verify, sizeof verify);
        n = sizeof head + sizeof zeros + sizeof verify;
        for (size_t at = 0; at < n; at += piece) {
            th_raw_record(&b.p.c, TH_HANDSHAKE, flight + at, SL_MIN(piece, n - at));
            assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
        }
        th_raw_plain(&b.p.c, TH_CCS, "\x01", 1);
        peer_note(&b.p, flight, n);
        peer_finished(&b.p, 0);
        assert_int_equal(shake_step(&b.k), SL_ENGINE_DONE);
        keys_are_the_peers(&b);
        end(&b);
    }
}

/* As long as one may be, and a request for our certificate, which names many authorities. */
static void a_long_flight_and_a_request(void **state)
{
    static uint8_t request[20000] = {3, 'c', 't', 'x', 78, 28}, certificate[30000];

    for (int pieces = 0; pieces < 2; pieces++) {
        struct bout b;

        begin(&b, once);
        up_to_extensions(&b);
        if (pieces) {
            peer_say(&b.p, TH_CERTIFICATE_REQUEST, request, 90);
        } else {
            static uint8_t m[4 + sizeof request] = {TH_CERTIFICATE_REQUEST, 0, sizeof request >> 8,
                                                    sizeof request & 255};

            memcpy(m + 4, request, sizeof request);
            th_raw_record(&b.p.c, TH_HANDSHAKE, m, 10);
            th_raw_record(&b.p.c, TH_HANDSHAKE, m + 10, 10000);
            th_raw_record(&b.p.c, TH_HANDSHAKE, m + 10010, sizeof m - 10010);
            peer_note(&b.p, m, sizeof m);
        }
        peer_say(&b.p, TH_CERTIFICATE, certificate, 15000);
        peer_say(&b.p, TH_CERTIFICATE_VERIFY, certificate, 300);
        peer_finished(&b.p, 0);
        assert_int_equal(shake_step(&b.k), SL_ENGINE_DONE);
        peer_end(&b.p, true);
        assert_int_equal(b.p.c.seen[TH_CERTIFICATE], 1);
        assert_memory_equal(b.p.c.log.p + b.p.c.log.len - 36 - 7,
                            "\x03"
                            "ctx\0\0\0",
                            7);
        end(&b);
    }
}

/* ---- lies ---- */

static void fails(struct bout *b, enum sl_tls_fail why, int alert)
{
    assert_int_equal(shake_step(&b->k), SL_ENGINE_FAILED);
    assert_int_equal(b->k.report.failure.why, why);
    assert_int_equal(b->k.report.failure.alert_sent, alert);
    assert_int_equal(shake_step(&b->k), SL_ENGINE_FAILED);
    if (alert) /* under the keys that are in force */
        assert_int_equal(b->k.pipe->out.p[b->k.pipe->out.taken], b->p.c.seal ? TH_DATA : TH_ALERT);
    b->p.c.open = b->k.report.failure.alert_sent && b->p.c.seal;
    th_raw_read(&b->p.c);
    assert_false(b->p.c.broken);
    assert_int_equal(b->p.c.alert, alert ? alert : -1);
}

static void hellos(void **state)
{
    static const struct {
        const char *text;
        enum sl_tls_fail why;
        int alert;
    } v[] = {
        {"0303 11*32 [] c02b 00", SL_TLS_FAIL_VERSION, 70}, /* an old server */
        {"0303 11*32 [22*32] c02b 00 (ff01([]) 0017())", SL_TLS_FAIL_VERSION, 70},
        {"0303 11*32 [] 1301 00 (002b(0303) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0302 11*32 [] 1301 00 (002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [22*32] 1301 00 (002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1304 00 (002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] c02b 00 (002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 01 (002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 00 (002b(0304))", SL_TLS_FAIL_MESSAGE, 109},
        {"0303 11*32 [] 1301 00 (002b(0304) 0033(0017 (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 00 (002b(0304) 0033(001d (11*31)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 00 (002b(0304) 0033(001d (00*32)))", SL_TLS_FAIL_MESSAGE, 47}, /* a secret of zeros */
        {"0303 11*32 [] 1301 00 (002b(0304) 002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 00 (0010((05*2)) 002b(0304) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 110},
        {"0303 11*32 [] 1301 00 (002b(0304) 0033(001d (SHARE)) 0029(0000))", SL_TLS_FAIL_MESSAGE, 47},
        {"0303 11*32 [] 1301 00 (002b(0304 00) 0033(001d (SHARE)))", SL_TLS_FAIL_MESSAGE, 50},
        {"0303 11*32 [] 1301 00 (002b(0304) 0033(001d (SHARE))) 00", SL_TLS_FAIL_MESSAGE, 50},
        {"0303 11*32 [] 1301 00 00", SL_TLS_FAIL_MESSAGE, 50},
        {"0303 11*31", SL_TLS_FAIL_MESSAGE, 50},
        {"", SL_TLS_FAIL_MESSAGE, 50},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct bout b;

        begin(&b, once);
        peer_hello(&b.p, v[i].text);
        fails(&b, v[i].why, v[i].alert);
        assert_int_equal(b.k.report.failure.code, 0);
        end(&b);
    }
}

static void a_retry_request(void **state)
{
    struct bout b;

    begin(&b, once);
    peer_hello(&b.p, "0303 cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c [] 1301 00 (002b(0304) "
                     "0033(0017))");
    fails(&b, SL_TLS_FAIL_SUITE, 40);
    assert_int_equal(b.k.report.failure.code, LOAD_ENGINE_ASKED_AGAIN);
    end(&b);
}

/* Bytes in clear where a ServerHello should come. */
static void rubbish(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum sl_tls_fail why;
        int alert, received;
    } v[] = {
        {"HTTP/1.1 400 Bad Request", 24, SL_TLS_FAIL_NOT_TLS, 10, 0},
        {"\x15\x03\x03\0\x02\x02\x28", 7, SL_TLS_FAIL_ALERT, 0, 40},
        {"\x15\x03\x01\0\x02\x01\x46", 7, SL_TLS_FAIL_ALERT, 0, 70},
        {"\x15\x03\x03\0\x02\x01\0", 7, SL_TLS_FAIL_CLOSED, 0, 0},
        {"\x15\x03\x03\0\x03\x02\x28\0", 8, SL_TLS_FAIL_MESSAGE, 50, 0},
        {"\x17\x03\x03\0\x01\0", 6, SL_TLS_FAIL_MESSAGE, 10, 0},
        {"\x16\x03\x03\0\0", 5, SL_TLS_FAIL_MESSAGE, 10, 0},
        {"\x16\x03\x03\x40\x01", 5, SL_TLS_FAIL_RECORD, 22, 0},
        {"\x14\x03\x03\0\x01\x02", 6, SL_TLS_FAIL_MESSAGE, 10, 0},
        {"\x16\x03\x03\0\x04\x02\0\x10\0", 9, SL_TLS_FAIL_LIMIT, 80, 0},
        {"\x16\x03\x03\0\x01\x0b", 6, SL_TLS_FAIL_MESSAGE, 10, 0},
        {"\x16\x03\x03\0\x01\x02\x19\x03\x03\0\0", 11, SL_TLS_FAIL_RECORD, 10, 0},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct bout b;

        begin(&b, once);
        th_pipe_feed(b.k.pipe, v[i].bytes, v[i].len);
        fails(&b, v[i].why, v[i].alert);
        assert_int_equal(b.k.report.failure.alert_received, v[i].received);
        end(&b);
    }
}

static void the_end_of_the_stream(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct bout b;

        begin(&b, once);
        if (i)
            up_to_keys(&b);
        if (i == 2)
            th_pipe_feed(b.k.pipe, "\x17\x03\x03\0\x40 half", 10);
        th_pipe_fin(b.k.pipe);
        fails(&b, SL_TLS_FAIL_CLOSED, 0);
        end(&b);
    }
}

/* A record under the keys of the handshake, behind what `from` says. */
struct sealed {
    void (*from)(struct bout *b);
    uint8_t type;
    const char *bytes;
    size_t len;
    enum sl_tls_fail why;
    int alert, received;
};

static void up_to_certificates(struct bout *b)
{
    up_to_extensions(b);
    peer_certificates(&b->p);
}

static void sealed_records(void **state)
{
    static const struct sealed v[] = {
        {up_to_keys, TH_HANDSHAKE, "", 0, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_keys, 0, "", 0, SL_TLS_FAIL_MESSAGE, 10, 0}, /* nothing but padding */
        {up_to_keys, TH_DATA, "data", 4, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_keys, TH_CCS, "\x01", 1, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_keys, TH_HANDSHAKE, "\x14\0\0\x20", 4, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_keys, TH_HANDSHAKE, "\x0b", 1, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\x06\0\x04\0\x2a\0\0", 10, SL_TLS_FAIL_MESSAGE, 110, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\x0b\0\x09\0\x10\0\x05\0\x03\x02h2", 15, SL_TLS_FAIL_MESSAGE, 47, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\x0a\0\x08\0\0\0\0\0\0\0\0", 14, SL_TLS_FAIL_MESSAGE, 47, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\x06\0\x04\0\0\0\x01", 10, SL_TLS_FAIL_MESSAGE, 50, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\x03\0\0\0", 7, SL_TLS_FAIL_MESSAGE, 50, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\0\0", 4, SL_TLS_FAIL_MESSAGE, 50, 0},
        {up_to_keys, TH_HANDSHAKE, "\x08\0\x08\0", 4, SL_TLS_FAIL_LIMIT, 80, 0},
        {up_to_keys, TH_ALERT, "\x02\x28", 2, SL_TLS_FAIL_ALERT, 0, 40},
        {up_to_keys, TH_ALERT, "\x01\0", 2, SL_TLS_FAIL_CLOSED, 0, 0},
        {up_to_extensions, TH_HANDSHAKE, "\x08\0\0\x02\0\0", 6, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_extensions, TH_HANDSHAKE, "\x0f\0\0\0", 4, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_extensions, TH_HANDSHAKE, "\x14\0\0\x20", 4, SL_TLS_FAIL_MESSAGE, 10, 0},
        {up_to_extensions, TH_HANDSHAKE, "\x0d\0\0\x02\x02x", 6, SL_TLS_FAIL_MESSAGE, 50, 0},
        {up_to_extensions, TH_HANDSHAKE, "\x0b\x01\0\0", 4, SL_TLS_FAIL_LIMIT, 80, 0},
        {up_to_certificates, TH_HANDSHAKE, "\x14\0\0\x20zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 36, SL_TLS_FAIL_MESSAGE, 51,
         0},
        {up_to_certificates, TH_HANDSHAKE, "\x14\0\0\x01z", 5, SL_TLS_FAIL_MESSAGE, 50, 0},
        {up_to_certificates, TH_HANDSHAKE, "\x0f\0\0\0", 4, SL_TLS_FAIL_MESSAGE, 10, 0},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct bout b;

        begin(&b, once);
        v[i].from(&b);
        th_raw_record(&b.p.c, v[i].type, v[i].bytes, v[i].len);
        fails(&b, v[i].why, v[i].alert);
        assert_int_equal(b.k.report.failure.alert_received, v[i].received);
        end(&b);
    }
}

/* One bit of Finished is wrong; it would be right otherwise. */
static void a_wrong_finished(void **state)
{
    struct bout b;

    begin(&b, once);
    up_to_certificates(&b);
    peer_finished(&b.p, 0x80);
    fails(&b, SL_TLS_FAIL_MESSAGE, 51);
    end(&b);
}

/* Messages do not span a change of keys. */
static void more_behind_a_change_of_keys(void **state)
{
    uint8_t record[512], verify[32];
    uint32_t n;
    struct bout b;

    begin(&b, once);
    b.p.c.pipe = th_pipe_new(b.l.feed); /* out of the way */
    peer_hello(&b.p, PEER_HELLO);
    n = (uint32_t)b.p.c.pipe->in.len;
    memcpy(record, b.p.c.pipe->in.p, n);
    memcpy(record + n, "\x08\0\0\x02\0\0", 6);
    sl_put_u16(record + 3, (uint16_t)(n + 6 - 5));
    th_pipe_feed(b.k.pipe, record, n + 6);
    b.p.c.pipe->stream.ops->release(&b.p.c.pipe->stream);
    th_pipe_free(b.p.c.pipe);
    b.p.c.pipe = b.k.pipe;
    fails(&b, SL_TLS_FAIL_MESSAGE, 10);
    end(&b);
    begin(&b, once);
    up_to_certificates(&b);
    memcpy(b.p.c.c_ap, b.p.c.c_hs, 32);
    memcpy(b.p.c.c_hs, b.p.c.s_hs, 32);
    th_raw_verify_data(&b.p.c, verify, &n);
    memcpy(record, "\x14\0\0\x20", 4);
    memcpy(record + 4, verify, 32);
    record[36] = 4;
    th_raw_record(&b.p.c, TH_HANDSHAKE, record, 37);
    fails(&b, SL_TLS_FAIL_MESSAGE, 10);
    end(&b);
}

static void a_bad_record(void **state)
{
    static const struct {
        size_t len, at; /* spoiled there */
    } v[] = {{38, 7}, {38, 37}, {13, 4}, {5, 4}};

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        uint8_t record[128];
        struct bout b;

        begin(&b, once);
        up_to_keys(&b);
        assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
        th_twin_seal(&b.p.c.keys, TH_HANDSHAKE, "\x08\0\0\x02\0\0", 6, 10, record);
        record[v[i].at] ^= 1;
        if (v[i].len < 38)
            record[4] = (uint8_t)(v[i].len - 5);
        th_pipe_feed(b.k.pipe, record, v[i].len);
        fails(&b, SL_TLS_FAIL_RECORD, 20);
        end(&b);
    }
}

static void a_record_that_is_too_long(void **state)
{
    static uint8_t big[16385];
    struct bout b;

    begin(&b, once);
    up_to_keys(&b);
    th_raw_record(&b.p.c, TH_HANDSHAKE, big, sizeof big);
    fails(&b, SL_TLS_FAIL_RECORD, 22);
    end(&b);
    begin(&b, once);
    up_to_keys(&b);
    th_pipe_feed(b.k.pipe, "\x17\x03\x03\x41\x01", 5);
    fails(&b, SL_TLS_FAIL_RECORD, 22);
    end(&b);
}

static void messages_in_clear_behind_keys(void **state)
{
    struct bout b;

    begin(&b, once);
    up_to_keys(&b);
    th_raw_plain(&b.p.c, TH_HANDSHAKE, "\x08\0\0\x02\0\0", 6);
    fails(&b, SL_TLS_FAIL_MESSAGE, 10);
    end(&b);
    begin(&b, once);
    up_to_keys(&b);
    th_raw_plain(&b.p.c, TH_ALERT, "\x02\x2a", 2);
    fails(&b, SL_TLS_FAIL_ALERT, 0);
    assert_int_equal(b.k.report.failure.alert_received, 42);
    end(&b);
}

/* Floods of what means nothing come to an end. */
static void floods(void **state)
{
    for (int i = 0; i < 2; i++) {
        enum sl_engine_step step = SL_ENGINE_WANT_BYTES;
        static uint8_t big[16000];
        struct bout b;
        uint32_t n = 0;

        begin(&b, once);
        up_to_extensions(&b);
        if (i)
            th_raw_record(&b.p.c, TH_HANDSHAKE, "\x0b\0\xff\xfb", 4);
        while (step == SL_ENGINE_WANT_BYTES && n++ < 20000) {
            if (i)
                th_raw_record(&b.p.c, TH_HANDSHAKE, big, sizeof big);
            else
                th_raw_record(&b.p.c, TH_ALERT, "\x01\x5a", 2);
            step = shake_step(&b.k);
        }
        assert_int_equal(step, SL_ENGINE_FAILED);
        assert_int_equal(b.k.report.failure.why, SL_TLS_FAIL_LIMIT);
        assert_true(b.k.wire.in_bytes <= 65536);
        end(&b);
    }
}

/* ---- while a ticket is waited for ---- */

static void begin_waiting(struct bout *b)
{
    begin(b, resuming);
    peer_flight(&b->p);
    assert_int_equal(shake_step(&b->k), SL_ENGINE_WANT_BYTES);
    peer_end(&b->p, false);
}

static void tickets(void **state)
{
    static const uint8_t good[] = {4, 0, 0, 16, 0, 0, 1, 0, 1, 2, 3, 4, 1, 0, 0, 2, 't', 't', 0, 0},
                         useless[] = {4, 0, 0, 16, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 2, 't', 't', 0, 0};
    struct sl_tls_secrets secrets;
    struct bout b;

    begin_waiting(&b);
    th_raw_record(&b.p.c, TH_HANDSHAKE, useless, sizeof useless);
    assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
    th_raw_record(&b.p.c, TH_HANDSHAKE, good, 7);
    assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
    th_raw_record(&b.p.c, TH_HANDSHAKE, good + 7, sizeof good - 7);
    assert_int_equal(shake_step(&b.k), SL_ENGINE_DONE);
    assert_true(load_engine.finish(b.k.e, &secrets));
    assert_int_equal(secrets.rx.seq, 3);
    assert_int_equal(secrets.tx.seq, 0);
    end(&b);
}

/* Two in one record, and the second goes on in the next: data begins with a record. */
static void a_ticket_is_not_left_half(void **state)
{
    uint8_t two[40] = {4, 0, 0, 16, 0, 0, 1, 0, 1, 2, 3, 4, 1, 0, 0, 2, 't', 't', 0, 0};
    struct bout b;

    memcpy(two + 20, two, 20);
    two[37] = 'u';
    begin_waiting(&b);
    th_raw_record(&b.p.c, TH_HANDSHAKE, two, 30);
    assert_int_equal(shake_step(&b.k), SL_ENGINE_WANT_BYTES);
    th_raw_record(&b.p.c, TH_HANDSHAKE, two + 30, 10);
    assert_int_equal(shake_step(&b.k), SL_ENGINE_DONE);
    end(&b);
}

static void bad_tickets(void **state)
{
    static const struct {
        uint8_t type;
        const char *bytes;
        size_t len;
        enum sl_tls_fail why;
        int alert;
    } v[] = {
        {TH_DATA, "data", 4, SL_TLS_FAIL_MESSAGE, 10},
        {TH_HANDSHAKE, "\x18\0\0\x01\0", 5, SL_TLS_FAIL_MESSAGE, 10},
        {TH_HANDSHAKE, "\x04\0\0\0", 4, SL_TLS_FAIL_MESSAGE, 50},
        {TH_HANDSHAKE, "\x04\0\0\x0e\0\0\0\x01\0\0\0\x01\x01\0\0\0\0\0", 18, SL_TLS_FAIL_MESSAGE, 50}, /* empty */
        {TH_HANDSHAKE, "\x04\0\0\x10\0\0\0\x01\0\0\0\x01\x01\0\0\x01t\0\0\0", 20, SL_TLS_FAIL_MESSAGE, 50},
        {TH_HANDSHAKE, "\x04\0\x10\0", 4, SL_TLS_FAIL_LIMIT, 80},
        {TH_ALERT, "\x02\x2a", 2, SL_TLS_FAIL_ALERT, 0},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct bout b;

        begin_waiting(&b);
        th_raw_record(&b.p.c, v[i].type, v[i].bytes, v[i].len);
        fails(&b, v[i].why, v[i].alert);
        end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_servers_bytes_cut_anywhere),
        cmocka_unit_test(messages_cut_into_records),
        cmocka_unit_test(a_long_flight_and_a_request),
        cmocka_unit_test(hellos),
        cmocka_unit_test(a_retry_request),
        cmocka_unit_test(rubbish),
        cmocka_unit_test(the_end_of_the_stream),
        cmocka_unit_test(sealed_records),
        cmocka_unit_test(a_wrong_finished),
        cmocka_unit_test(more_behind_a_change_of_keys),
        cmocka_unit_test(a_bad_record),
        cmocka_unit_test(a_record_that_is_too_long),
        cmocka_unit_test(messages_in_clear_behind_keys),
        cmocka_unit_test(floods),
        cmocka_unit_test(tickets),
        cmocka_unit_test(a_ticket_is_not_left_half),
        cmocka_unit_test(bad_tickets),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
