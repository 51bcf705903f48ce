/* A ClientHello out of records that come in pieces. */
#include "tls/hello_read.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "helpers/hello_text.h"
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

struct verdict {
    enum sl_hello_status status;
    struct sl_tls_failure failure;
    uint32_t used;
};

/* Feeds bytes in pieces, each a heap buffer of exactly its size. */
static struct verdict feed(struct sl_hello_reader *r, const uint8_t *bytes, uint32_t len, uint32_t piece)
{
    struct verdict v = {.status = r->status};

    while (v.used < len && v.status == SL_HELLO_MORE) {
        uint32_t n = SL_MIN(piece, len - v.used), used;
        uint8_t *exact = malloc(n);

        memcpy(exact, bytes + v.used, n);
        v.status = sl_hello_feed(r, exact, n, &used);
        assert_true(used == n || v.status != SL_HELLO_MORE);
        v.used += used;
        free(exact);
    }
    v.failure = r->failure;
    return v;
}

/* The same whole, byte by byte, and in other pieces. */
static struct verdict read_all(const uint8_t *bytes, uint32_t len, bool retry, uint32_t skip_bytes)
{
    static const uint32_t pieces[] = {UINT32_MAX, 1, 2, 3, 7, 1460};
    struct verdict first = {0};

    for (size_t i = 0; i < SL_ARRAY_LEN(pieces); i++) {
        struct sl_hello_reader r;
        struct verdict v;

        if (retry)
            sl_hello_read_again(&r, skip_bytes);
        else
            sl_hello_read_first(&r);
        v = feed(&r, bytes, len, pieces[i]);
        if (i == 0)
            first = v;
        assert_int_equal(v.status, first.status);
        assert_int_equal(v.failure.why, first.failure.why);
        assert_int_equal(v.failure.alert_sent, first.failure.alert_sent);
        assert_int_equal(v.failure.alert_received, first.failure.alert_received);
        if (v.status != SL_HELLO_REFUSED)
            assert_int_equal(v.used, first.used);
        sl_hello_read_done(&r);
    }
    return first;
}

/* A ClientHello of n bytes, header included, in records of at most `record` bytes each; malloc'd. */
static uint8_t *records(uint32_t n, uint32_t record, uint32_t *len)
{
    uint8_t *body = malloc(n), *msg, *out = malloc(n * 6 + 6);
    uint32_t put = 0, all;

    for (uint32_t i = 0; i < n; i++)
        body[i] = (uint8_t)(i * 31 + (i >> 8));
    msg = th_hello_frame(1, body, n - 4, &all);
    for (uint32_t at = 0; at < all; at += record) {
        uint32_t k = SL_MIN(record, all - at);

        memcpy(out + put, (uint8_t[]){22, 3, 1, (uint8_t)(k >> 8), (uint8_t)k}, 5);
        memcpy(out + put + 5, msg + at, k);
        put += 5 + k;
    }
    free(body);
    free(msg);
    *len = put;
    return out;
}

/* What a real client sends first: one record. malloc'd. */
static uint8_t *real_hello(uint32_t *len)
{
    struct rte_mempool *pool = th_pool("pipe", 15, 0);
    struct th_pipe *pipe = th_pipe_new(pool);
    struct th_client *c = th_client_new(pipe, &(struct th_client_opts){.sni = "www.example.com"});
    uint8_t *copy;

    c->hold = true;
    assert_false(th_client_step(c));
    *len = (uint32_t)c->held.len;
    copy = malloc(c->held.len);
    memcpy(copy, c->held.p, c->held.len);
    c->held.len = 0;
    th_client_free(c);
    pipe->released = true;
    th_pipe_free(pipe);
    th_pool_free(pool);
    return copy;
}

static void a_prefix_asks_for_more(void **state)
{
    struct sl_hello_reader r;
    struct sl_tls_failure f;
    struct sl_hello h;
    uint32_t len;
    uint8_t *hello = real_hello(&len);

    for (uint32_t n = 1; n < len; n++) {
        struct verdict v = read_all(hello, n, false, 0);

        assert_int_equal(v.status, SL_HELLO_MORE);
        assert_int_equal(v.used, n);
    }
    assert_int_equal(read_all(hello, len, false, 0).status, SL_HELLO_WHOLE);
    sl_hello_read_first(&r);
    feed(&r, hello, len, UINT32_MAX);
    assert_int_equal(r.len, len - 5);
    assert_memory_equal(r.bytes, hello + 5, r.len);
    assert_true(sl_hello_parse(r.bytes, r.len, &h, &f));
    sl_hello_read_done(&r);
    free(hello);
}

/* One piece is copied once, into memory of its size. */
static void one_piece_takes_what_it_needs(void **state)
{
    struct sl_hello_reader r;
    uint32_t len;
    uint8_t *hello = records(1700, 16384, &len);

    sl_hello_read_first(&r);
    assert_int_equal(feed(&r, hello, len, UINT32_MAX).status, SL_HELLO_WHOLE);
    assert_int_equal(r.room, 1700);
    sl_hello_read_done(&r);
    free(hello);
}

/* A message over two records, cut everywhere, also in its header. */
static void two_records_cut_anywhere(void **state)
{
    uint32_t len;
    uint8_t *hello = real_hello(&len), *cut = malloc(len + 5);

    for (uint32_t n = 1; n < len - 5; n++) {
        uint32_t rest = len - 5 - n;
        struct sl_hello_reader r;
        struct verdict v;

        memcpy(cut, (uint8_t[]){22, 3, 1, (uint8_t)(n >> 8), (uint8_t)n}, 5);
        memcpy(cut + 5, hello + 5, n);
        memcpy(cut + 5 + n, (uint8_t[]){22, 3, 3, (uint8_t)(rest >> 8), (uint8_t)rest}, 5);
        memcpy(cut + 10 + n, hello + 5 + n, rest);
        v = read_all(cut, len + 5, false, 0);
        assert_int_equal(v.status, SL_HELLO_WHOLE);
        assert_int_equal(v.used, len + 5);
        sl_hello_read_first(&r);
        feed(&r, cut, len + 5, 1);
        assert_memory_equal(r.bytes, hello + 5, len - 5);
        assert_int_equal(r.records, 2);
        sl_hello_read_done(&r);
    }
    free(cut);
    free(hello);
}

static void nothing_behind_the_record_is_taken(void **state)
{
    uint32_t len;
    uint8_t *hello = records(300, 100, &len), more[1000] = {0};
    struct verdict v;

    memcpy(more, hello, len);
    memset(more + len, 20, 100);
    v = read_all(more, len + 100, false, 0);
    assert_int_equal(v.status, SL_HELLO_WHOLE);
    assert_int_equal(v.used, len);
    free(hello);
}

static void want_never_goes_too_far(void **state)
{
    struct sl_hello_reader r;
    uint32_t len, at = 0, used, want;
    uint8_t *hello = records(300, 100, &len);

    sl_hello_read_first(&r);
    while ((want = sl_hello_want(&r))) {
        assert_true(at + want <= len);
        sl_hello_feed(&r, hello + at, want, &used);
        assert_int_equal(used, want);
        at += want;
    }
    assert_int_equal(r.status, SL_HELLO_WHOLE);
    assert_int_equal(at, len);
    sl_hello_feed(&r, hello, len, &used);
    assert_int_equal(used, 0);
    sl_hello_read_done(&r);
    free(hello);
}

static void refusals(void **state)
{
    static const struct {
        const char *bytes;
        enum sl_tls_fail why;
        uint8_t sent, received;
    } rows[] = {
        {"47 45 54 20 2f 20 48 54 54 50", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* GET / HTTP */
        {"47", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"80 2e 01 00 02 00 15", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* SSLv2 */
        {"00*8", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 02 00 0001 01", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"18 03 03 0003 01 0000", SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* heartbeat */
        {"16 03 01 0001 01 18", SL_TLS_FAIL_RECORD, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0001 01 16 04", SL_TLS_FAIL_RECORD, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0000", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0001 01 16 03 01 0000", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 4001 01", SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW, 0},
        {"16 03 01 ffff 01", SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW, 0},
        {"14 03 01 0001 01", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"17 03 03 0001 00", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0004 02000000", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* another message */
        {"16 03 01 0001 10", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0004 0100fffc", SL_TLS_FAIL_LIMIT, SL_ALERT_ILLEGAL_PARAMETER, 0},
        {"16 03 01 0004 01ffffff", SL_TLS_FAIL_LIMIT, SL_ALERT_ILLEGAL_PARAMETER, 0},
        {"16 03 01 0006 01000001 00 14", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* more behind it */
        {"16 03 01 0006 01000001", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0005 01000000 01", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"16 03 01 0001 01 14 03 01 0001 01", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0}, /* in between */
        {"16 03 01 0001 01 17 03 01 0001 01", SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE, 0},
        {"15 03 01 0002 0228", SL_TLS_FAIL_ALERT, 0, 40},
        {"15 03 01 0002 0128", SL_TLS_FAIL_ALERT, 0, 40},
        {"15 03 01 0002 0100", SL_TLS_FAIL_CLOSED, 0, 0},
        {"15 03 01 0002 015a 15 03 01 0002 0100", SL_TLS_FAIL_CLOSED, 0, 0}, /* user_canceled says nothing yet */
        {"16 03 01 0001 01 15 03 01 0002 022f", SL_TLS_FAIL_ALERT, 0, 47},
        {"15 03 01 0001 02", SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR, 0},
        {"15 03 01 0004 0228 0228", SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR, 0},
        {"15 03 01 0000", SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR, 0},
        {"15 03 01 4001", SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW, 0},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        uint8_t bytes[64];
        struct verdict v = read_all(bytes, (uint32_t)th_hello_text(rows[i].bytes, bytes, sizeof bytes), false, 0);

        if (v.status != SL_HELLO_REFUSED || v.failure.why != rows[i].why || v.failure.alert_sent != rows[i].sent ||
            v.failure.alert_received != rows[i].received)
            fail_msg("%s: status %d, failure %d, alert %d sent, %d received", rows[i].bytes, v.status, v.failure.why,
                     v.failure.alert_sent, v.failure.alert_received);
    }
}

static void an_empty_message_is_whole(void **state)
{
    assert_int_equal(read_all((const uint8_t[]){22, 3, 1, 0, 4, 1, 0, 0, 0}, 9, false, 0).status, SL_HELLO_WHOLE);
}

static void up_to_64_kib(void **state)
{
    uint32_t len;
    uint8_t *hello = records(SL_HELLO_MAX_BYTES, 16384, &len);

    assert_int_equal(read_all(hello, len, false, 0).status, SL_HELLO_WHOLE);
    free(hello);
    hello = records(SL_HELLO_MAX_BYTES + 1, 16384, &len);
    assert_int_equal(read_all(hello, len, false, 0).failure.why, SL_TLS_FAIL_LIMIT);
    free(hello);
}

static void records_are_counted(void **state)
{
    uint32_t len;
    uint8_t *hello = records(SL_HELLO_MAX_RECORDS, 1, &len);
    struct verdict v;

    assert_int_equal(read_all(hello, len, false, 0).status, SL_HELLO_WHOLE);
    free(hello);
    hello = records(SL_HELLO_MAX_RECORDS + 1, 1, &len);
    v = read_all(hello, len, false, 0);
    assert_int_equal(v.failure.why, SL_TLS_FAIL_LIMIT);
    assert_int_equal(v.failure.alert_sent, SL_ALERT_UNEXPECTED_MESSAGE);
    free(hello);
}

/* What was announced takes no memory; what has come takes at most twice its size. */
static void memory_grows_with_what_has_come(void **state)
{
    struct sl_hello_reader r;
    uint32_t len, used;
    uint8_t *hello = records(SL_HELLO_MAX_BYTES, 16384, &len);

    sl_hello_read_first(&r);
    for (uint32_t at = 0; at < len; at += used) {
        sl_hello_feed(&r, hello + at, SL_MIN(100u, len - at), &used);
        assert_true(r.room <= SL_MAX(1024, 2 * r.len));
    }
    assert_int_equal(r.status, SL_HELLO_WHOLE);
    assert_int_equal(r.room, SL_HELLO_MAX_BYTES);
    sl_hello_read_done(&r);
    free(hello);
}

static void replay_makes_few_records(void **state)
{
    static const uint32_t sizes[] = {4, 5, 300, 16384, 16385, 32768, 40000, SL_HELLO_MAX_BYTES};
    static const uint32_t pieces[] = {1, 5, 13, 16384, 16389, 100000};

    for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
        for (size_t k = 0; k < SL_ARRAY_LEN(pieces); k++) {
            uint32_t len, n, at = 0, expected = sizes[i] + (sizes[i] + 16383) / 16384 * 5;
            uint8_t *hello = records(sizes[i], SL_MAX(sizes[i] / 50, 1u), &len), *out = malloc(expected);
            struct sl_hello_reader a, b;

            sl_hello_read_first(&a);
            sl_hello_read_first(&b);
            assert_int_equal(feed(&a, hello, len, 977).status, SL_HELLO_WHOLE);
            while (at < expected && (n = sl_hello_replay(&a, out + at, SL_MIN(pieces[k], expected - at))))
                at += n;
            assert_int_equal(at, expected);
            assert_int_equal(sl_hello_replay(&a, out, 1), 0);
            assert_int_equal(feed(&b, out, expected, UINT32_MAX).status, SL_HELLO_WHOLE);
            assert_int_equal(b.records, (sizes[i] + 16383) / 16384);
            assert_int_equal(b.len, a.len);
            assert_memory_equal(a.bytes, b.bytes, a.len);
            sl_hello_read_done(&a);
            sl_hello_read_done(&b);
            free(out);
            free(hello);
        }
    }
}

/* RFC 8446 D.4 and 4.2.10. */
static void before_the_second_hello(void **state)
{
    static const struct {
        const char *bytes;
        enum sl_hello_status status;
        uint8_t alert;
    } rows[] = {
        {"16 03 03 0004 01000000", SL_HELLO_WHOLE, 0},
        {"14 03 03 0001 01 16 03 03 0004 01000000", SL_HELLO_WHOLE, 0},
        {"17 03 03 0040 00*64 14 03 03 0001 01 17 03 03 0024 00*36 16 03 03 0004 01000000", SL_HELLO_WHOLE, 0},
        {"17 03 03 0000 16 03 03 0004 01000000", SL_HELLO_WHOLE, 0},
        {"17 03 03 0040 00*64 17 03 03 0025 00*37", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE}, /* 101 bytes */
        {"14 03 03 0001 02", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE},
        {"14 03 03 0002 0101", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE},
        {"17 03 03 4101", SL_HELLO_REFUSED, SL_ALERT_RECORD_OVERFLOW},
        {"16 03 03 0001 01 14 03 03 0001 01", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE},
        {"16 03 03 0001 01 17 03 03 0001 01", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE},
        {"47", SL_HELLO_REFUSED, SL_ALERT_UNEXPECTED_MESSAGE},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        uint8_t bytes[256];
        struct verdict v = read_all(bytes, (uint32_t)th_hello_text(rows[i].bytes, bytes, sizeof bytes), true, 100);

        assert_int_equal(v.status, rows[i].status);
        assert_int_equal(v.failure.alert_sent, rows[i].alert);
        assert_int_not_equal(v.failure.why, SL_TLS_FAIL_NOT_TLS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_asks_for_more),    cmocka_unit_test(one_piece_takes_what_it_needs),
        cmocka_unit_test(two_records_cut_anywhere),  cmocka_unit_test(nothing_behind_the_record_is_taken),
        cmocka_unit_test(want_never_goes_too_far),   cmocka_unit_test(refusals),
        cmocka_unit_test(an_empty_message_is_whole), cmocka_unit_test(up_to_64_kib),
        cmocka_unit_test(records_are_counted),       cmocka_unit_test(memory_grows_with_what_has_come),
        cmocka_unit_test(replay_makes_few_records),  cmocka_unit_test(before_the_second_hello),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
