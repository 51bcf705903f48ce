/* Resumption through the whole room: tickets that are good, and every way in which one is not (RFC 8446 4.2.11, 4.6.1,
 * RFC 5077 3.4, RFC 7627 5.3): what is not good leads to a full handshake, what lies is refused. */
#include "helpers/tls_raw.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/ticket.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const char *const names[] = {"www.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256", .names = names};
static const struct sl_conf_tls settings = {.policy = SL_POLICY_INTERMEDIATE,
                                            .name = {.s = "intermediate"},
                                            .tickets = SL_ON,
                                            .ticket_lifetime_ns = {.v = 3600 * SL_NS_PER_S}};

static void start(struct th_rig *r) { th_rig_start(r, &(struct th_rig_opts){.certs = {&p256}, .settings = &settings}); }

/* Takes the tickets that lie before the answer. */
static void take_answer(struct th_client *c)
{
    char buf[8];
    int n;

    for (int i = 0; i < 5; i++) {
        n = th_client_read(c, buf, sizeof buf);
        if (n && n != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            break;
    }
    assert_int_equal(n, 6);
}

/* A handshake; whether it was resumed. `out`, when given, gets the session. */
static bool connect(struct th_rig *r, const struct th_client_opts *o, mbedtls_ssl_session *out)
{
    uint64_t before = th_rig_ctr(r, SL_CTR_TLS_RESUMED), signs = th_rig_ctr(r, SL_CTR_TLS_HANDSHAKES);
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);
    struct th_client *c = th_client_new(pipe, o);
    struct sl_stream *s;

    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&c->conf,
                                                             MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    assert_non_null(th_rig_accept(r, pipe));
    s = th_rig_handshake(r, c);
    assert_int_equal(c->error, 0);
    assert_non_null(s);
    assert_int_equal(th_rig_ctr(r, SL_CTR_TLS_HANDSHAKES), signs + 1);
    assert_int_equal(th_rig_send(r, s, "answer", 6, 6), 0);
    take_answer(c);
    if (out) {
        mbedtls_ssl_session_init(out);
        assert_int_equal(mbedtls_ssl_get_session(&c->ssl, out), 0);
    }
    s->ops->release(s);
    th_client_free(c);
    th_pipe_free(pipe);
    return th_rig_ctr(r, SL_CTR_TLS_RESUMED) > before;
}

static void both_versions(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_client_opts o = {.min = v ? V13 : V12, .max = v ? V13 : V12, .sni = "www.example.com"};
        mbedtls_ssl_session session, next;
        struct th_rig r;

        start(&r);
        assert_false(connect(&r, &o, &session));
        o.session = &session;
        assert_true(connect(&r, &o, &next)); /* which has a ticket too */
        o.session = &next;
        assert_true(connect(&r, &o, NULL));
        mbedtls_ssl_session_free(&session);
        mbedtls_ssl_session_free(&next);
        th_rig_stop(&r);
    }
}

/* ---- what is wrong with a ticket; the client is driven by hand ---- */

struct raw {
    struct th_pipe *pipe;
    struct th_raw c;
};

static void raw_begin(struct th_rig *r, struct raw *w, bool v13)
{
    w->pipe = th_pipe_new(r->feed_pool);
    th_raw_init(&w->c, w->pipe, v13);
    assert_non_null(th_rig_accept(r, w->pipe));
}

static void raw_end(struct th_rig *r, struct raw *w)
{
    th_pipe_cut(w->pipe, SL_REASON_RESET);
    th_rig_step(r);
    th_raw_done(&w->c);
    th_pipe_free(w->pipe);
}

/* A full handshake, whose ticket w->c then has. */
static void raw_ticket(struct th_rig *r, struct raw *w, bool v13)
{
    struct sl_stream *s;

    raw_begin(r, w, v13);
    th_raw_hello(&w->c, &(struct th_raw_hello){.name = TH_NAME, .more = v13 ? TH_MODES : "0023()"});
    s = th_raw_complete(&w->c, r);
    assert_non_null(s);
    assert_true(w->c.ticket_len > 0);
    s->ops->release(s);
    th_raw_done(&w->c);
    th_pipe_free(w->pipe);
}

enum outcome { FULL, RESUMED, REFUSED };

/* What a hello with old's ticket leads to. */
static enum outcome offer(struct th_rig *r, const struct raw *old, bool v13, const struct th_raw_hello *h,
                          struct th_raw *seen)
{
    struct raw w;
    enum outcome out;

    raw_begin(r, &w, v13);
    memcpy(w.c.psk, old->c.psk, sizeof w.c.psk);
    memcpy(w.c.ticket, old->c.ticket, sizeof w.c.ticket);
    w.c.ticket_len = old->c.ticket_len;
    w.c.age_add = old->c.age_add;
    w.c.binder_len = old->c.binder_len;
    w.c.binder_spoil = old->c.binder_spoil;
    w.c.behind_psk = old->c.behind_psk;
    w.c.offer = true;
    th_raw_hello(&w.c, h);
    th_rig_step(r);
    th_raw_read(&w.c);
    out = w.c.alert >= 0 ? REFUSED : w.c.seen[TH_CERTIFICATE] ? FULL : RESUMED;
    if (out != REFUSED)
        assert_int_equal(w.c.seen[TH_SERVER_HELLO], 1);
    *seen = w.c;
    raw_end(r, &w);
    return out;
}

static const struct th_raw_hello same = {.name = TH_NAME};

static void a_ticket_of_ours_resumes(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        raw_ticket(&r, &w, v);
        assert_int_equal(offer(&r, &w, v, &same, &seen), RESUMED);
        assert_int_equal(seen.seen[TH_CERTIFICATE_VERIFY] + seen.seen[TH_SERVER_KEY_EXCHANGE], 0);
        if (v) {
            assert_true(seen.resumed);
            assert_int_equal(seen.seen[TH_FINISHED], 1);
        }
        th_rig_stop(&r);
    }
}

/* mbedTLS would resume whatever the name; the binding sees to it. */
static void a_ticket_of_one_host_is_none_of_another(void **state)
{
    static const struct th_raw_hello others[] = {{.name = "0000((00 (612e77696c642e6578616d706c652e636f6d)))"},
                                                 {.name = "0000((00 (6578616d706c652e636f6d)))"},
                                                 {0}};

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(others); i++) {
            struct th_raw seen;
            struct th_rig r;
            struct raw w;

            start(&r);
            raw_ticket(&r, &w, v);
            assert_int_equal(offer(&r, &w, v, &others[i], &seen), FULL);
            th_rig_stop(&r);
        }
}

static void a_ticket_that_is_not_good(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        raw_ticket(&r, &w, v);
        for (uint32_t at = 0; at < w.c.ticket_len; at += 5) { /* altered */
            w.c.ticket[at] ^= 1;
            assert_int_equal(offer(&r, &w, v, &same, &seen), FULL);
            w.c.ticket[at] ^= 1;
        }
        for (uint32_t len = w.c.ticket_len, cut = 1; cut < len; cut += 7) { /* cut short */
            w.c.ticket_len = cut;
            assert_int_equal(offer(&r, &w, v, &same, &seen), FULL);
            w.c.ticket_len = len;
        }
        assert_int_equal(offer(&r, &w, v, &same, &seen), RESUMED);
        memset(w.c.ticket, 0xff, sizeof w.c.ticket); /* foreign */
        w.c.ticket_len = 1000;
        assert_int_equal(offer(&r, &w, v, &same, &seen), FULL);
        th_rig_stop(&r);
    }
}

static void a_ticket_of_the_other_version(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        raw_ticket(&r, &w, v);
        assert_int_equal(offer(&r, &w, !v, &same, &seen), FULL);
        th_rig_stop(&r);
    }
}

/* RFC 5246 7.4.1.2: the suite goes with the session, and must be offered. */
static void a_ticket_whose_suite_is_not_offered(void **state)
{
    struct th_raw_hello h = {.name = TH_NAME, .suites = "c02c 00ff"};
    struct th_raw seen;
    struct th_rig r;
    struct raw w;

    start(&r);
    raw_ticket(&r, &w, false);
    assert_int_equal(offer(&r, &w, false, &h, &seen), FULL);
    th_rig_stop(&r);
}

static void a_ticket_expires(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        raw_ticket(&r, &w, v);
        assert_int_equal(w.c.lifetime_s, 3600);
        r.wall_s += 3599;
        w.c.age_add += 3599 * 1000; /* the client counts on */
        assert_int_equal(offer(&r, &w, v, &same, &seen), RESUMED);
        r.wall_s += 2;
        w.c.age_add += 2000;
        assert_int_equal(offer(&r, &w, v, &same, &seen), FULL);
        th_rig_stop(&r);
    }
}

static void keys_rotate(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct sl_ticket_set set;
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        sl_ticket_set_make(&set);
        assert_int_equal(sl_tls_use_tickets(r.tls, &r.conf, &set, 1), 0);
        raw_ticket(&r, &w, v);
        for (int turn = 0; turn < 3; turn++) { /* current, previous, forgotten */
            assert_int_equal(offer(&r, &w, v, &same, &seen), turn < 2 ? RESUMED : FULL);
            sl_ticket_set_rotate(&set);
            assert_int_equal(sl_tls_use_tickets(r.tls, &r.conf, &set, 1), 0);
        }
        sl_ticket_set_wipe(&set);
        th_rig_stop(&r);
    }
}

/* Another machine: the same keys, other settings. */
static void a_ticket_of_other_settings(void **state)
{
    enum sl_conf_group groups[] = {SL_GROUP_X25519};
    enum sl_conf_cipher suites[] = {SL_CIPHER_AES_128_GCM};
    struct sl_conf_tls others[3] = {settings, settings, settings};

    others[1].groups = groups;
    others[1].n_groups = 1;
    others[2].suites = suites;
    others[2].n_suites = 1;
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(others); i++) {
            struct sl_ticket_set set;
            struct th_raw seen;
            struct th_rig r, other;
            struct raw w;

            sl_ticket_set_make(&set);
            start(&r);
            th_rig_start(&other, &(struct th_rig_opts){.certs = {&p256}, .settings = &others[i]});
            assert_int_equal(sl_tls_use_tickets(r.tls, &r.conf, &set, 1), 0);
            assert_int_equal(sl_tls_use_tickets(other.tls, &other.conf, &set, 1), 0);
            raw_ticket(&r, &w, v);
            assert_int_equal(offer(&other, &w, v, &same, &seen), i ? FULL : RESUMED);
            sl_ticket_set_wipe(&set);
            th_rig_stop(&r);
            th_rig_stop(&other);
        }
}

/* ---- lies about a pre-shared key (RFC 8446 4.2.11) ---- */

static void lies_about_a_psk(void **state)
{
    static const struct {
        uint32_t binder_len;
        uint8_t binder_spoil;
        const char *behind;
        int alert;
    } lies[] = {
        {0, 1, NULL, 51},  /* a wrong binder */
        {33, 0, NULL, 51}, /* of a length that its hash has not... */
        {48, 0, NULL, 51},
        {31, 0, NULL, 50},                             /* ...or that none has */
        {0, 0, "0015(00*8)", 47},                      /* not the last extension */
        {0, 0, "0029(((ab) 00000000) ([00*32]))", 47}, /* twice */
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(lies); i++) {
        struct th_raw seen;
        struct th_rig r;
        struct raw w;

        start(&r);
        raw_ticket(&r, &w, true);
        w.c.binder_len = lies[i].binder_len;
        w.c.binder_spoil = lies[i].binder_spoil;
        w.c.behind_psk = lies[i].behind;
        assert_int_equal(offer(&r, &w, true, &same, &seen), REFUSED);
        assert_int_equal(seen.alert, lies[i].alert);
        th_rig_stop(&r);
    }
}

/* A resumed session that begins with early data is skipped like any other: we give no such tickets. */
static void early_data_with_a_good_ticket(void **state)
{
    struct sl_stream *s;
    uint8_t bytes[1000] = {1};
    struct th_rig r;
    struct raw old, w;

    start(&r);
    raw_ticket(&r, &old, true);
    raw_begin(&r, &w, true);
    memcpy(w.c.psk, old.c.psk, sizeof w.c.psk);
    memcpy(w.c.ticket, old.c.ticket, sizeof w.c.ticket);
    w.c.ticket_len = old.c.ticket_len;
    w.c.age_add = old.c.age_add;
    w.c.offer = true;
    th_raw_hello(&w.c, &(struct th_raw_hello){.name = TH_NAME, .more = "002a()"});
    for (int i = 0; i < 10; i++)
        th_raw_plain(&w.c, TH_DATA, bytes, sizeof bytes);
    s = th_raw_complete(&w.c, &r);
    assert_non_null(s);
    assert_true(w.c.resumed);
    s->ops->release(s);
    th_raw_done(&w.c);
    th_pipe_free(w.pipe);
    th_rig_stop(&r);
}

/* RFC 7627 5.3: a session with an extended master secret is never resumed without, nor one without as if it had it. */
static void the_extended_master_secret_stays(void **state)
{
    static const char *const with[] = {"0023()", "0023() 0017()"};

    for (int first = 0; first < 2; first++)
        for (int then = 0; then < 2; then++) {
            struct th_raw_hello h = {.name = TH_NAME, .more = then ? "0017()" : ""};
            struct sl_stream *s;
            struct th_raw seen;
            struct th_rig r;
            struct raw w;

            start(&r);
            raw_begin(&r, &w, false);
            th_raw_hello(&w.c, &(struct th_raw_hello){.name = TH_NAME, .more = with[first]});
            s = th_raw_complete(&w.c, &r);
            assert_non_null(s);
            assert_int_equal(w.c.ems, first);
            s->ops->release(s);
            th_raw_done(&w.c);
            th_pipe_free(w.pipe);
            if (first && !then)
                assert_int_equal(offer(&r, &w, false, &h, &seen), REFUSED); /* MUST abort */
            else
                assert_int_equal(offer(&r, &w, false, &h, &seen), first == then ? RESUMED : FULL);
            th_rig_stop(&r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions),
        cmocka_unit_test(a_ticket_of_ours_resumes),
        cmocka_unit_test(a_ticket_of_one_host_is_none_of_another),
        cmocka_unit_test(a_ticket_that_is_not_good),
        cmocka_unit_test(a_ticket_of_the_other_version),
        cmocka_unit_test(a_ticket_whose_suite_is_not_offered),
        cmocka_unit_test(a_ticket_expires),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(a_ticket_of_other_settings),
        cmocka_unit_test(lies_about_a_psk),
        cmocka_unit_test(early_data_with_a_good_ticket),
        cmocka_unit_test(the_extended_master_secret_stays),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
