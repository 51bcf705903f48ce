/* What is wrong with a record, and with what stands in it: the alert that the RFC names, or tolerance with a bound; and
 * KeyUpdate, right and wrong. */
#include "helpers/helpers.h"
#include "helpers/tls_bench.h"
#include "tls/keys.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GCM SL_AEAD_AES_128_GCM
#define CHACHA SL_AEAD_CHACHA20_POLY1305

enum { CCS = 20, ALERT, HANDSHAKE, DATA };

static uint8_t bytes[20000], got[40000], record[20000];
static const uint8_t key_update[] = {24, 0, 0, 1, 0}, key_update_please[] = {24, 0, 0, 1, 1};

/* The connection ends for this reason, and the peer gets the alert. */
static void expect_failure(struct th_bench *b, enum sl_tls_fail why, uint8_t alert)
{
    enum sl_record_status status;
    uint8_t type, *plain;

    assert_int_equal(th_bench_open(b, got, sizeof got, 64, &status), 0);
    assert_int_equal(status, SL_RECORD_FAILED);
    assert_int_equal(b->x.failure.why, why);
    assert_int_equal(b->x.failure.alert_sent, alert);
    if (!alert)
        return;
    assert_int_equal(th_bench_take(b, &type, &plain), 2);
    assert_int_equal(type, ALERT);
    assert_int_equal(plain[0], 2);
    assert_int_equal(plain[1], alert);
    assert_int_equal(th_pipe_waiting(b->pipe), 0);
    assert_false(sl_record_alert(th_bench_ctx(b), 80)); /* nothing follows a fatal alert */
}

/* Everything goes on, and this data comes. */
static void expect_data(struct th_bench *b, const void *data, size_t len)
{
    enum sl_record_status status;

    assert_int_equal(th_bench_open(b, got, sizeof got, 64, &status), len);
    assert_int_equal(status, SL_RECORD_DRY);
    assert_memory_equal(got, data, len);
}

/* One record of content in a connection of its own. */
static const struct wrong {
    bool v13;
    enum sl_aead_id aead;
    uint8_t type, outer;
    uint16_t version;
    uint32_t len, padding;
    enum sl_tls_fail why;
    uint8_t alert;
} wrongs[] = {
    {true, GCM, DATA, 0, 0, 16385, 0, SL_TLS_FAIL_RECORD, 22},
    {true, GCM, DATA, 0, 0, 16384, 1, SL_TLS_FAIL_RECORD, 22},
    {true, GCM, DATA, 0, 0, 1, 16384, SL_TLS_FAIL_RECORD, 22},
    {true, GCM, DATA, 0, 0, 16384 + 256 - 17, 0, SL_TLS_FAIL_RECORD, 22}, /* the header is allowed, the plaintext not */
    {true, GCM, DATA, 0, 0, 16384 + 257 - 17, 0, SL_TLS_FAIL_RECORD, 22}, /* the header says it */
    {false, GCM, DATA, 0, 0, 16385, 0, SL_TLS_FAIL_RECORD, 22},
    {false, CHACHA, DATA, 0, 0, 16385, 0, SL_TLS_FAIL_RECORD, 22},
    {true, GCM, 0, 0, 0, 0, 0, SL_TLS_FAIL_MESSAGE, 10},   /* nothing but zeros */
    {true, GCM, 0, 0, 0, 0, 300, SL_TLS_FAIL_MESSAGE, 10}, /* all padding */
    {true, GCM, CCS, 0, 0, 1, 0, SL_TLS_FAIL_MESSAGE, 10}, /* inner types that are none */
    {true, GCM, 24, 0, 0, 1, 0, SL_TLS_FAIL_MESSAGE, 10},
    {true, GCM, 255, 0, 0, 1, 0, SL_TLS_FAIL_MESSAGE, 10},
    {true, GCM, DATA, CCS, 0, 1, 0, SL_TLS_FAIL_RECORD, 10}, /* outer types */
    {true, GCM, ALERT, ALERT, 0, 2, 0, SL_TLS_FAIL_RECORD, 10},
    {true, GCM, HANDSHAKE, HANDSHAKE, 0, 5, 0, SL_TLS_FAIL_RECORD, 10},
    {true, GCM, DATA, 24, 0, 1, 0, SL_TLS_FAIL_RECORD, 10},
    {false, GCM, CCS, 0, 0, 1, 0, SL_TLS_FAIL_RECORD, 10},
    {false, GCM, 24, 0, 0, 1, 0, SL_TLS_FAIL_RECORD, 10},
    {false, GCM, 'G', 0, 0, 1, 0, SL_TLS_FAIL_RECORD, 10},
    {false, GCM, DATA, 0, 0x0302, 1, 0, SL_TLS_FAIL_RECORD, 70},
    {false, CHACHA, DATA, 0, 0x0304, 1, 0, SL_TLS_FAIL_RECORD, 70},
    {true, GCM, ALERT, 0, 0, 0, 0, SL_TLS_FAIL_MESSAGE, 10}, /* no alert in it; then half a one, and one and a half */
    {true, GCM, ALERT, 0, 0, 1, 0, SL_TLS_FAIL_MESSAGE, 50},
    {true, GCM, ALERT, 0, 0, 3, 0, SL_TLS_FAIL_MESSAGE, 50},
    {false, GCM, ALERT, 0, 0, 0, 0, SL_TLS_FAIL_MESSAGE, 10},
    {false, GCM, ALERT, 0, 0, 1, 0, SL_TLS_FAIL_MESSAGE, 50},
    {false, GCM, ALERT, 0, 0, 2, 0, SL_TLS_FAIL_MESSAGE, 47}, /* of level 0xaa */
    {true, GCM, HANDSHAKE, 0, 0, 0, 0, SL_TLS_FAIL_MESSAGE, 10},
    {true, GCM, HANDSHAKE, 0, 0, 40, 0, SL_TLS_FAIL_MESSAGE, 10},
    {false, GCM, HANDSHAKE, 0, 0, 0, 0, SL_TLS_FAIL_MESSAGE, 10},
    {false, GCM, HANDSHAKE, 0, 0, 40, 0, SL_TLS_FAIL_MESSAGE, 10},
};

static void wrong_records_get_their_alert(void **state)
{
    memset(bytes, 0xaa, sizeof bytes);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(wrongs); i++) {
        const struct wrong *w = &wrongs[i];
        static struct th_bench b;

        th_bench_start(&b, w->v13, w->aead);
        b.twin.outer = w->outer;
        b.twin.version = w->version;
        th_bench_feed(&b, w->type, bytes, w->len, w->padding);
        expect_failure(&b, w->why, w->alert);
        th_bench_stop(&b);
    }
}

static void a_record_that_is_too_long_is_refused_by_its_header(void **state)
{
    static const struct {
        bool v13;
        enum sl_aead_id aead;
        uint16_t len; /* the first that is too long */
    } cases[] = {
        {true, GCM, 16384 + 257}, {true, CHACHA, 16384 + 257}, {false, GCM, 16384 + 25}, {false, CHACHA, 16384 + 17}};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        for (uint16_t more = 0; more < 2; more++) {
            uint16_t len = (uint16_t)(cases[i].len - 1 + more);
            uint8_t header[5] = {23, 3, 3, (uint8_t)(len >> 8), (uint8_t)len};
            static struct th_bench b;

            th_bench_start(&b, cases[i].v13, cases[i].aead);
            th_pipe_feed(b.pipe, header, sizeof header);
            if (more)
                expect_failure(&b, SL_TLS_FAIL_RECORD, 22);
            else
                assert_false(sl_record_ready(th_bench_ctx(&b))); /* it may be one */
            th_bench_stop(&b);
        }
    }
}

static void records_too_short_for_a_tag(void **state)
{
    static const uint8_t short13[5 + 15] = {23, 3, 3, 0, 15}, short12[5 + 23] = {23, 3, 3, 0, 23}, none[5] = {23, 3, 3};
    static struct th_bench b;

    th_bench_start(&b, true, GCM);
    th_pipe_feed(b.pipe, short13, sizeof short13);
    expect_failure(&b, SL_TLS_FAIL_RECORD, 20);
    th_bench_stop(&b);
    th_bench_start(&b, false, GCM);
    th_pipe_feed(b.pipe, short12, sizeof short12);
    expect_failure(&b, SL_TLS_FAIL_RECORD, 20);
    th_bench_stop(&b);
    th_bench_start(&b, false, CHACHA);
    th_pipe_feed(b.pipe, none, sizeof none);
    expect_failure(&b, SL_TLS_FAIL_RECORD, 20);
    th_bench_stop(&b);
}

/* Every byte of a record counts: turned over, it is refused; in 1.3 the header is covered whole. */
static void any_byte_changed_is_seen(void **state)
{
    for (int v13 = 0; v13 < 2; v13++)
        for (int aead = 0; aead < SL_AEAD_COUNT; aead++)
            for (size_t i = 0; i < 100; i++) {
                static struct th_bench b;
                size_t len;

                if (i == 3 || i == 4)
                    continue; /* the length: another record altogether */
                th_bench_start(&b, v13, (enum sl_aead_id)aead);
                len = th_twin_seal(&b.twin, DATA, bytes, 30, 0, record);
                if (i < len) {
                    record[i] ^= 0x40;
                    th_pipe_feed(b.pipe, record, len);
                    expect_failure(&b, SL_TLS_FAIL_RECORD, i == 0 ? 10 : i < 3 && !v13 ? 70 : 20);
                }
                th_bench_stop(&b);
            }
}

static void replayed_reordered_and_dropped_records(void **state)
{
    static const int orders[][2] = {{0, 0}, {1, 0}, {2, 0}};

    for (int v13 = 0; v13 < 2; v13++)
        for (int aead = 0; aead < SL_AEAD_COUNT; aead++)
            for (uint32_t i = 0; i < SL_ARRAY_LEN(orders); i++) {
                static uint8_t sealed[3][100];
                static struct th_bench b;
                size_t len = 0;

                th_bench_start(&b, v13, (enum sl_aead_id)aead);
                for (int k = 0; k < 3; k++)
                    len = th_twin_seal(&b.twin, DATA, bytes, 20, 0, sealed[k]);
                th_pipe_feed(b.pipe, sealed[orders[i][0]], len);
                if (orders[i][0] == 0) {
                    expect_data(&b, bytes, 20);
                    th_pipe_feed(b.pipe, sealed[orders[i][1]], len);
                }
                expect_failure(&b, SL_TLS_FAIL_RECORD, 20);
                th_bench_stop(&b);
            }
}

/* RFC 8446 5.1: it says nothing. */
static void the_version_of_a_13_record_is_ignored(void **state)
{
    static struct th_bench b;

    th_bench_start(&b, true, GCM);
    b.twin.version = 0x0301;
    th_bench_feed(&b, DATA, bytes, 10, 0);
    b.twin.version = 0xffee;
    th_bench_feed(&b, DATA, bytes, 10, 0);
    expect_data(&b, bytes, 20);
    th_bench_stop(&b);
}

/* ---- records that bring nothing ---- */

static void flood(bool v13, uint8_t type, const void *content, size_t len)
{
    static struct th_bench b;

    th_bench_start(&b, v13, GCM);
    for (int round = 0; round < 2; round++) { /* data makes good for what came before */
        for (int i = 0; i < SL_RECORD_BARREN_MAX; i++)
            th_bench_feed(&b, type, content, len, v13 ? 20 : 0);
        th_bench_feed(&b, DATA, bytes, 10, 0);
        expect_data(&b, bytes, 10);
    }
    for (int i = 0; i <= SL_RECORD_BARREN_MAX; i++)
        th_bench_feed(&b, type, content, len, 0);
    expect_failure(&b, SL_TLS_FAIL_LIMIT, 10);
    th_bench_stop(&b);
}

static void empty_records_and_warnings_are_tolerated_but_no_flood(void **state)
{
    static const uint8_t no_renegotiation[] = {1, 100}, user_canceled[] = {1, 90};

    flood(true, DATA, NULL, 0);
    flood(false, DATA, NULL, 0);
    flood(false, ALERT, no_renegotiation, 2);
    flood(true, ALERT, user_canceled, 2);
}

/* ---- alerts ---- */

static void alerts_of_the_peer(void **state)
{
    static const struct {
        bool v13;
        uint8_t alert[2];
    } ends[] = {{true, {2, 80}}, {true, {1, 80}}, {true, {77, 42}}, {false, {2, 42}}, {false, {2, 90}}};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(ends); i++) {
        static struct th_bench b;

        th_bench_start(&b, ends[i].v13, GCM);
        th_bench_feed(&b, ALERT, ends[i].alert, 2, 0);
        expect_failure(&b, SL_TLS_FAIL_ALERT, 0);
        assert_int_equal(b.x.failure.alert_received, ends[i].alert[1]);
        assert_int_equal(th_pipe_waiting(b.pipe), 0); /* an alert is not answered */
        th_bench_stop(&b);
    }
}

/* Of any level; what stands behind it is not looked at (RFC 8446 6.1). */
static void close_notify_both_ways(void **state)
{
    for (int v13 = 0; v13 < 2; v13++) {
        static const uint8_t close_notify[] = {1, 0};
        static struct th_bench b;
        enum sl_record_status status;
        uint8_t type, *plain;

        th_bench_start(&b, v13, CHACHA);
        th_bench_feed(&b, DATA, bytes, 10, 0);
        th_bench_feed(&b, ALERT, close_notify, 2, 0);
        th_pipe_feed(b.pipe, "rubbish", 7);
        assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 10);
        assert_int_equal(status, SL_RECORD_CLOSE_NOTIFY);
        assert_int_equal(th_bench_seal(&b, bytes, 10, 10), SL_RECORD_OK); /* our side is still open */
        assert_int_equal(th_bench_take(&b, &type, &plain), 10);
        assert_true(sl_record_close_notify(th_bench_ctx(&b)));
        assert_true(sl_record_close_notify(th_bench_ctx(&b))); /* once */
        assert_int_equal(th_bench_take(&b, &type, &plain), 2);
        assert_int_equal(type, ALERT);
        assert_memory_equal(plain, close_notify, 2);
        assert_int_equal(th_pipe_waiting(b.pipe), 0);
        th_bench_stop(&b);
    }
}

static void renegotiation_is_refused(void **state)
{
    static const uint8_t client_hello[] = {1, 0, 0, 100, 3, 3}, finished[] = {20, 0, 0, 12};
    static struct th_bench b;

    th_bench_start(&b, false, GCM);
    th_bench_feed(&b, HANDSHAKE, client_hello, sizeof client_hello, 0);
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 100);
    th_bench_stop(&b);
    th_bench_start(&b, false, GCM);
    th_bench_feed(&b, HANDSHAKE, finished, sizeof finished, 0);
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);
    th_bench_stop(&b);
}

/* ---- KeyUpdate (RFC 8446 4.6.3) ---- */

static void peer_updates(struct th_bench *b, const uint8_t *message)
{
    th_bench_feed(b, HANDSHAKE, message, 5, 0);
    sl_keys_update(&b->twin.s.rx, b->twin.s.sha384, b->twin.s.aead);
}

/* The next record is a KeyUpdate of ours; the twin takes the new keys. */
static void expect_update(struct th_bench *b)
{
    uint8_t type, *plain;

    assert_int_equal(th_bench_take(b, &type, &plain), sizeof key_update);
    assert_int_equal(type, HANDSHAKE);
    assert_memory_equal(plain, key_update, sizeof key_update); /* and asks for none */
    sl_keys_update(&b->twin.s.tx, b->twin.s.sha384, b->twin.s.aead);
}

static void send_and_check(struct th_bench *b, size_t len)
{
    uint8_t type, *plain;

    assert_int_equal(th_bench_seal(b, bytes, len, len), SL_RECORD_OK);
    assert_int_equal(th_bench_take(b, &type, &plain), len);
    assert_int_equal(type, DATA);
}

static void key_updates_are_followed(void **state)
{
    for (int aead = 0; aead < SL_AEAD_COUNT; aead++) {
        static struct th_bench b;

        th_bench_start(&b, true, (enum sl_aead_id)aead);
        for (int i = 0; i < 50; i++) {
            peer_updates(&b, i % 2 ? key_update : key_update_please);
            th_bench_feed(&b, DATA, bytes, 100, 0);
            expect_data(&b, bytes, 100);
            if (i % 2 == 0)
                expect_update(&b);
            send_and_check(&b, 50);
        }
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_UPDATES_RECEIVED), 50);
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_UPDATES_SENT), 25);
        th_bench_stop(&b);
    }
}

/* While nothing can be sent several requests make one answer, and it goes before the next data. */
static void a_blocked_answer_waits_and_is_one(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, GCM);
    b.pipe->credit_max = 10;
    for (int i = 0; i < 5; i++)
        peer_updates(&b, key_update_please);
    th_bench_open(&b, got, sizeof got, 8, &status);
    assert_int_equal(status, SL_RECORD_DRY);
    assert_int_equal(th_pipe_waiting(b.pipe), 0);
    b.pipe->credit_max = 10000;
    assert_int_equal(th_bench_seal(&b, bytes, 10, 10), SL_RECORD_OK);
    expect_update(&b);
    assert_int_equal(th_bench_take(&b, &(uint8_t){0}, &(uint8_t *){NULL}), 10);
    send_and_check(&b, 10);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_UPDATES_SENT), 1);
    th_bench_stop(&b);
}

/* Nobody sends anything: the answer goes out once there is room. */
static void an_answer_that_had_no_room_is_settled(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, GCM);
    b.pipe->credit_max = 10;
    peer_updates(&b, key_update_please);
    th_bench_open(&b, got, sizeof got, 8, &status);
    sl_record_settle(th_bench_ctx(&b));
    assert_int_equal(th_pipe_waiting(b.pipe), 0);
    b.pipe->credit_max = 10000;
    sl_record_settle(th_bench_ctx(&b));
    expect_update(&b);
    sl_record_settle(th_bench_ctx(&b));
    assert_int_equal(th_pipe_waiting(b.pipe), 0);
    th_bench_stop(&b);
}

static void after_close_notify_nothing_is_answered(void **state)
{
    static struct th_bench b;
    uint8_t type, *plain;

    th_bench_start(&b, true, GCM);
    assert_true(sl_record_close_notify(th_bench_ctx(&b)));
    assert_int_equal(th_bench_take(&b, &type, &plain), 2);
    peer_updates(&b, key_update_please);
    th_bench_feed(&b, DATA, bytes, 10, 0);
    expect_data(&b, bytes, 10);
    assert_int_equal(th_pipe_waiting(b.pipe), 0);
    th_bench_stop(&b);
}

static void a_key_update_in_pieces(void **state)
{
    for (size_t cut = 1; cut < 5; cut++) {
        static struct th_bench b;

        th_bench_start(&b, true, GCM);
        th_bench_feed(&b, HANDSHAKE, key_update, cut, 3);
        th_bench_feed(&b, HANDSHAKE, key_update + cut, 5 - cut, 0);
        sl_keys_update(&b.twin.s.rx, b.twin.s.sha384, b.twin.s.aead);
        th_bench_feed(&b, DATA, bytes, 10, 0);
        expect_data(&b, bytes, 10);
        th_bench_stop(&b);
    }
}

static const struct bad_update {
    uint8_t bytes[12];
    uint8_t len, data_after; /* the first `data_after` bytes, then data, when not 0 */
    enum sl_tls_fail why;
    uint8_t alert;
} bad_updates[] = {
    {{24, 0, 0, 1, 2}, 5, 0, SL_TLS_FAIL_KEY_UPDATE, 47},
    {{24, 0, 0, 2, 0, 0}, 6, 0, SL_TLS_FAIL_KEY_UPDATE, 50},
    {{24, 1, 0, 1, 0}, 5, 0, SL_TLS_FAIL_KEY_UPDATE, 50},
    {{24, 0, 0, 0}, 4, 0, SL_TLS_FAIL_KEY_UPDATE, 50},
    {{24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, 10, 0, SL_TLS_FAIL_MESSAGE, 10}, /* keys change in the middle of a record */
    {{24, 0, 0, 1, 0, 0}, 6, 0, SL_TLS_FAIL_MESSAGE, 10},
    {{24, 0, 0, 1, 0}, 5, 2, SL_TLS_FAIL_MESSAGE, 10}, /* data between its pieces */
    {{4, 0, 0, 1, 0}, 5, 0, SL_TLS_FAIL_MESSAGE, 10},  /* NewSessionTicket, to a server */
    {{1, 0, 0, 1, 0}, 5, 0, SL_TLS_FAIL_MESSAGE, 10},  /* ClientHello */
};

static void key_updates_that_are_none(void **state)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(bad_updates); i++) {
        const struct bad_update *u = &bad_updates[i];
        static struct th_bench b;

        th_bench_start(&b, true, GCM);
        th_bench_feed(&b, HANDSHAKE, u->bytes, u->data_after ? u->data_after : u->len, 0);
        if (u->data_after)
            th_bench_feed(&b, DATA, bytes, 10, 0);
        expect_failure(&b, u->why, u->alert);
        th_bench_stop(&b);
    }
}

static void a_flood_of_key_updates_ends(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, GCM);
    for (int i = 0; i <= SL_RECORD_BARREN_MAX; i++)
        peer_updates(&b, key_update);
    assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 0);
    assert_int_equal(status, SL_RECORD_FAILED);
    assert_int_equal(b.x.failure.why, SL_TLS_FAIL_LIMIT);
    th_bench_stop(&b);
}

/* ---- limits of a key ---- */

static void keys_change_before_their_limit(void **state)
{
    static struct th_bench b;

    th_bench_start(&b, true, SL_AEAD_AES_256_GCM);
    b.shared.records_max = 5;
    for (int i = 0; i < 23; i++) {
        if (b.r.tx.seq == 5) {
            assert_int_equal(th_bench_seal(&b, bytes, 10, 10), SL_RECORD_OK);
            expect_update(&b);
            assert_int_equal(th_bench_take(&b, &(uint8_t){0}, &(uint8_t *){NULL}), 10);
        } else {
            send_and_check(&b, 10);
        }
        assert_true(b.r.tx.seq <= 5);
    }
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_UPDATES_SENT), 4);
    th_bench_stop(&b);
}

/* The peer follows to the last record and sees why. */
static void a_12_connection_ends_at_its_limit(void **state)
{
    static struct th_bench b;
    uint8_t type, *plain;

    th_bench_start(&b, false, GCM);
    b.shared.records_max = 3;
    for (int i = 0; i < 3; i++)
        send_and_check(&b, 10);
    assert_int_equal(th_bench_seal(&b, bytes, 10, 10), SL_RECORD_FAILED);
    assert_int_equal(b.x.failure.why, SL_TLS_FAIL_LIMIT);
    assert_int_equal(th_bench_take(&b, &type, &plain), 2);
    assert_int_equal(plain[1], 80);
    th_bench_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_records_get_their_alert),
        cmocka_unit_test(a_record_that_is_too_long_is_refused_by_its_header),
        cmocka_unit_test(records_too_short_for_a_tag),
        cmocka_unit_test(any_byte_changed_is_seen),
        cmocka_unit_test(replayed_reordered_and_dropped_records),
        cmocka_unit_test(the_version_of_a_13_record_is_ignored),
        cmocka_unit_test(empty_records_and_warnings_are_tolerated_but_no_flood),
        cmocka_unit_test(alerts_of_the_peer),
        cmocka_unit_test(close_notify_both_ways),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(key_updates_are_followed),
        cmocka_unit_test(a_blocked_answer_waits_and_is_one),
        cmocka_unit_test(an_answer_that_had_no_room_is_settled),
        cmocka_unit_test(after_close_notify_nothing_is_answered),
        cmocka_unit_test(a_key_update_in_pieces),
        cmocka_unit_test(key_updates_that_are_none),
        cmocka_unit_test(a_flood_of_key_updates_ends),
        cmocka_unit_test(keys_change_before_their_limit),
        cmocka_unit_test(a_12_connection_ends_at_its_limit),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
