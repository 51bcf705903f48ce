/* What a server says after its handshake (RFC 8446 4.6.1, RFC 5246 7.4.1.1): tickets are skipped however they come, with
 * bounds; from a client they are a fault. */
#include "helpers/helpers.h"
#include "helpers/tls_bench.h"
#include "tls/keys.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GCM SL_AEAD_AES_128_GCM

enum { ALERT = 21, HANDSHAKE, DATA };

static uint8_t got[40000];
static const uint8_t key_update[] = {24, 0, 0, 1, 0};

/* A ticket's message whose body has len bytes; what it holds is nobody's business here, and looks like messages. */
static size_t ticket(uint8_t *out, uint32_t len)
{
    out[0] = 4;
    out[1] = (uint8_t)(len >> 16);
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    for (uint32_t i = 0; i < len; i++)
        out[4 + i] = (uint8_t)(i % 3 ? 24 : 255);
    return 4 + len;
}

static void start(struct th_bench *b)
{
    th_bench_start(b, true, GCM);
    b->r.client = true;
}

/* The message in records of `piece` bytes. */
static void feed_pieces(struct th_bench *b, const uint8_t *p, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece)
        th_bench_feed(b, HANDSHAKE, p + at, SL_MIN(piece, len - at), at % 2 ? 100 : 0);
}

static void expect_hello(struct th_bench *b)
{
    enum sl_record_status status;

    th_bench_feed(b, DATA, "hello", 5, 0);
    assert_int_equal(th_bench_open(b, got, sizeof got, 64, &status), 5);
    assert_int_equal(status, SL_RECORD_DRY);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(th_pipe_waiting(b->pipe), 0); /* nothing is answered */
}

static void expect_failure(struct th_bench *b, enum sl_tls_fail why, uint8_t alert)
{
    enum sl_record_status status;
    uint8_t type, *plain;

    assert_int_equal(th_bench_open(b, got, sizeof got, 64, &status), 0);
    assert_int_equal(status, SL_RECORD_FAILED);
    assert_int_equal(b->x.failure.why, why);
    assert_int_equal(th_bench_take(b, &type, &plain), 2);
    assert_int_equal(type, ALERT);
    assert_int_equal(plain[1], alert);
    th_bench_stop(b);
}

static void tickets_of_any_size_in_any_pieces(void **state)
{
    static const struct {
        uint32_t len, piece;
    } cases[] = {{14, 18},   {14, 1},       {250, 254},     {250, 100},     {250, 3 * 4},
                 {250, 128}, {12000, 1000}, {20000, 16384}, {65535, 16384}, {16380, 16384}};
    uint8_t *message = malloc(70000);

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        static struct th_bench b;

        start(&b);
        for (uint32_t slices = 1; slices < 3; slices++) {
            b.pipe->slice_max = slices == 1 ? 7 : 0; /* and records in any slices */
            feed_pieces(&b, message, ticket(message, cases[i].len), cases[i].piece);
            expect_hello(&b);
            assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_TICKETS_SKIPPED), slices);
        }
        th_bench_stop(&b);
    }
    free(message);
}

/* As many as fit in a record, and a piece of the next, count as one that brought nothing. */
static void many_tickets_in_a_record(void **state)
{
    static struct th_bench b;
    uint8_t message[8192];
    size_t len = 0;

    start(&b);
    for (int i = 0; i < 40; i++)
        len += ticket(message + len, 14 + (uint32_t)i);
    th_bench_feed(&b, HANDSHAKE, message, len - 2, 0);
    th_bench_feed(&b, HANDSHAKE, message + len - 2, 2, 0);
    expect_hello(&b);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_TICKETS_SKIPPED), 40);
    th_bench_stop(&b);
}

static void as_many_records_as_others_that_bring_nothing(void **state)
{
    static struct th_bench b;
    uint8_t message[64];
    size_t len = ticket(message, 30);

    start(&b);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SL_RECORD_BARREN_MAX; i++)
            th_bench_feed(&b, HANDSHAKE, message, len, 0);
        expect_hello(&b);
    }
    for (int i = 0; i <= SL_RECORD_BARREN_MAX; i++)
        th_bench_feed(&b, HANDSHAKE, message, len, 0);
    expect_failure(&b, SL_TLS_FAIL_LIMIT, 10);
}

/* A KeyUpdate may follow a ticket in its record, and nothing a KeyUpdate (RFC 8446 5.1). */
static void tickets_and_key_updates(void **state)
{
    static struct th_bench b;
    uint8_t message[64];
    size_t len = ticket(message, 30);

    start(&b);
    memcpy(message + len, key_update, sizeof key_update);
    th_bench_feed(&b, HANDSHAKE, message, len + sizeof key_update, 0);
    sl_keys_update(&b.twin.s.rx, b.twin.s.sha384, b.twin.s.aead);
    expect_hello(&b);
    th_bench_feed(&b, HANDSHAKE, message, len + 2, 0); /* and in pieces */
    th_bench_feed(&b, HANDSHAKE, key_update + 2, 3, 0);
    sl_keys_update(&b.twin.s.rx, b.twin.s.sha384, b.twin.s.aead);
    th_bench_feed(&b, HANDSHAKE, message, len, 0);
    expect_hello(&b);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_UPDATES_RECEIVED), 2);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_TICKETS_SKIPPED), 3);
    memmove(message + sizeof key_update, message, len);
    memcpy(message, key_update, sizeof key_update);
    th_bench_feed(&b, HANDSHAKE, message, len + sizeof key_update, 0);
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);
}

/* Whole records of handshake messages that are wrong; `client`: whose they are told to. */
static void what_is_no_ticket(void **state)
{
    static const struct {
        bool client;
        uint8_t bytes[24];
        uint32_t len;
        enum sl_tls_fail why;
        uint8_t alert;
    } cases[] = {
        {true, {4, 0, 0, 13}, 17, SL_TLS_FAIL_MESSAGE, 50}, /* too small for one */
        {true, {4, 0, 0, 0}, 4, SL_TLS_FAIL_MESSAGE, 50},   /* the same */
        {true, {4, 1, 0, 0}, 20, SL_TLS_FAIL_LIMIT, 10},    /* 64 KiB */
        {true, {13, 0, 0, 3}, 7, SL_TLS_FAIL_MESSAGE, 10},  /* CertificateRequest: it was not offered (4.6.2) */
        {true, {1, 0, 0, 3}, 7, SL_TLS_FAIL_MESSAGE, 10},   /* ClientHello */
        {true, {0}, 0, SL_TLS_FAIL_MESSAGE, 10},            /* nothing (5.1) */
        {true, {24, 0, 0, 2, 0, 0}, 6, SL_TLS_FAIL_KEY_UPDATE, 50},
        {false, {4, 0, 0, 14}, 18, SL_TLS_FAIL_MESSAGE, 10}, /* of a client */
        {false, {4}, 1, SL_TLS_FAIL_MESSAGE, 10},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        static struct th_bench b;

        start(&b);
        b.r.client = cases[i].client;
        th_bench_feed(&b, HANDSHAKE, cases[i].bytes, cases[i].len, 0);
        expect_failure(&b, cases[i].why, cases[i].alert);
    }
}

/* RFC 8446 5.1: be it data or an alert, in the header or behind it. */
static void nothing_stands_between_its_pieces(void **state)
{
    for (size_t cut = 1; cut < 30; cut += 7)
        for (int alert = 0; alert < 2; alert++) {
            static struct th_bench b;
            uint8_t message[64];

            ticket(message, 30);
            start(&b);
            th_bench_feed(&b, HANDSHAKE, message, cut, 0);
            th_bench_feed(&b, alert ? ALERT : DATA, "\x01\x00", 2, 0);
            expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);
        }
}

/* TLS 1.2: a server may ask for a new handshake, and a client need not answer. Tickets are of the handshake there. */
static void a_server_of_12(void **state)
{
    static const uint8_t hello_request[4], longer[5];
    static struct th_bench b;
    uint8_t message[64];

    th_bench_start(&b, false, GCM);
    b.r.client = true;
    th_bench_feed(&b, HANDSHAKE, hello_request, sizeof hello_request, 0);
    expect_hello(&b);
    th_bench_feed(&b, HANDSHAKE, longer, sizeof longer, 0);
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);

    th_bench_start(&b, false, GCM);
    th_bench_feed(&b, HANDSHAKE, hello_request, sizeof hello_request, 0); /* of a client */
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);

    th_bench_start(&b, false, GCM);
    b.r.client = true;
    th_bench_feed(&b, HANDSHAKE, message, ticket(message, 30), 0);
    expect_failure(&b, SL_TLS_FAIL_MESSAGE, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_of_any_size_in_any_pieces),
        cmocka_unit_test(many_tickets_in_a_record),
        cmocka_unit_test(as_many_records_as_others_that_bring_nothing),
        cmocka_unit_test(tickets_and_key_updates),
        cmocka_unit_test(what_is_no_ticket),
        cmocka_unit_test(nothing_stands_between_its_pieces),
        cmocka_unit_test(a_server_of_12),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
