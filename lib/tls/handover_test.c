/* From mbedTLS's handshake to the record layer, with mbedTLS's client as the peer: every version and suite both ways,
 * and what stands at the seam. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <mbedtls/ssl_ciphersuites.h>

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};

static const int suites13[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                               MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256};
static const int suites12[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                               MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                               MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256};
#define N_SUITES 6

struct link {
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s;
};

static void begin(struct link *l, uint32_t suite, const struct th_rig_opts *more)
{
    static int list[N_SUITES][2];
    struct th_rig_opts o = more ? *more : (struct th_rig_opts){0};
    mbedtls_ssl_protocol_version version = suite < 3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;

    o.certs[0] = &p256;
    list[suite][0] = suite < 3 ? suites13[suite] : suites12[suite - 3];
    th_rig_start(&l->r, &o);
    l->pipe = th_pipe_new(l->r.feed_pool);
    l->c = th_client_new(l->pipe, &(struct th_client_opts){.min = version, .max = version, .suites = list[suite]});
    assert_non_null(th_rig_accept(&l->r, l->pipe));
}

static void open_link(struct link *l, uint32_t suite, const struct th_rig_opts *more)
{
    begin(l, suite, more);
    l->s = th_rig_handshake(&l->r, l->c);
    assert_non_null(l->s);
}

static void close_link(struct link *l)
{
    l->s->ops->release(l->s);
    th_pipe_fin(l->pipe);
    th_rig_step(&l->r);
    th_client_free(l->c);
    th_pipe_free(l->pipe);
    th_rig_stop(&l->r);
}

/* The twin is mbedTLS's own record layer. */
static void bytes_both_ways_with_every_suite(void **state)
{
    enum { TOTAL = 200000 };
    uint8_t *sent = malloc(TOTAL), *got = malloc(TOTAL);
    struct sl_rng rng;

    sl_rng_seed(&rng, 17);
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (uint8_t)sl_rng_next(&rng);
    for (uint32_t suite = 0; suite < N_SUITES; suite++) {
        struct link l;

        open_link(&l, suite, NULL);
        for (size_t at = 0, have = 0; have < TOTAL;) { /* up */
            size_t n = 1 + sl_rng_below(&rng, 20000);

            n = SL_MIN(n, TOTAL - at);
            l.c->piece = 1 + sl_rng_below(&rng, 3000);
            l.pipe->slice_max = 300 + (uint32_t)sl_rng_below(&rng, 2000);
            if (n)
                assert_true(th_client_write(l.c, sent + at, n));
            at += n;
            th_rig_step(&l.r);
            n = 1 + sl_rng_below(&rng, 30000);
            have += th_rig_recv(l.s, got + have, SL_MIN(n, TOTAL - have));
        }
        assert_memory_equal(sent, got, TOTAL);
        memset(got, 0, TOTAL);
        for (size_t at = 0, have = 0; have < TOTAL;) { /* down */
            size_t n = 1 + sl_rng_below(&rng, 40000), piece = 100 + sl_rng_below(&rng, 17000);
            int ret;

            n = SL_MIN(n, TOTAL - at);
            n = SL_MIN(n, l.s->ops->credit(l.s));
            if (n)
                assert_int_equal(th_rig_send(&l.r, l.s, sent + at, n, piece), 0);
            at += n;
            while ((ret = th_client_read(l.c, got + have, TOTAL - have)) > 0)
                have += (size_t)ret;
            assert_int_equal(ret < 0 && have < TOTAL, 0);
            th_rig_step(&l.r);
        }
        assert_memory_equal(sent, got, TOTAL);
        assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_BYTES_COPIED), 0);
        close_link(&l);
    }
    free(sent);
    free(got);
}

/* Steps until the client is done, which has held back its last flight and what it says behind it. */
static void client_first(struct link *l)
{
    for (int i = 0; i < 50 && !th_client_step(l->c); i++)
        th_rig_step(&l->r);
    assert_true(th_client_step(l->c));
}

/* In 1.3 the client speaks last: what it says is in one piece with its Finished. */
static void data_close_notify_and_fin_behind_finished(void **state)
{
    for (uint32_t suite = 0; suite < 3; suite++) {
        struct link l;
        uint8_t events = 0;
        char buf[16];

        begin(&l, suite, NULL);
        th_client_step(l.c);
        th_rig_step(&l.r);
        l.c->hold = true;
        client_first(&l);
        assert_true(th_client_write(l.c, "at once", 7));
        assert_int_equal(mbedtls_ssl_close_notify(&l.c->ssl), 0);
        th_client_flush(l.c);
        th_pipe_fin(l.pipe);
        for (int i = 0; i < 5; i++)
            th_rig_step(&l.r);
        l.s = sl_ready_take(&l.r.ready, &events);
        assert_non_null(l.s);
        assert_true(events & SL_STREAM_READABLE);
        assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 7);
        assert_memory_equal(buf, "at once", 7);
        assert_true(l.s->state & SL_STREAM_EOF);
        assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_TRUNCATED), 0);
        assert_int_equal(th_rig_send(&l.r, l.s, "answer", 6, 6), 0); /* half of it is still open */
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), 6);
        close_link(&l);
    }
}

static void close_notify_as_the_first_record(void **state)
{
    for (uint32_t suite = 0; suite < N_SUITES; suite++) {
        struct link l;
        char buf[16];

        open_link(&l, suite, NULL);
        assert_int_equal(mbedtls_ssl_close_notify(&l.c->ssl), 0);
        th_rig_step(&l.r);
        assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 0);
        assert_true(l.s->state & SL_STREAM_EOF);
        l.s->ops->shutdown(l.s);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        assert_true(l.s->state & SL_STREAM_CLOSED);
        assert_int_equal(l.s->reason, SL_REASON_NONE);
        close_link(&l);
    }
}

/* mbedTLS has no function that sends a KeyUpdate, but its function that writes records is there to be linked. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

static void send_key_update(struct link *l, uint8_t request)
{
    const unsigned char key_update[] = {24, 0, 0, 1, request}; /* RFC 8446 4.6.3 */

    memcpy(l->c->ssl.MBEDTLS_PRIVATE(out_msg), key_update, sizeof key_update);
    l->c->ssl.MBEDTLS_PRIVATE(out_msglen) = sizeof key_update;
    l->c->ssl.MBEDTLS_PRIVATE(out_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
    assert_int_equal(mbedtls_ssl_write_record(&l->c->ssl, 1), 0);
}

/* The answer to a KeyUpdate has no room below at first; nobody else sends anything. */
static void a_key_update_is_answered_when_there_is_room(void **state)
{
    struct link l;
    uint8_t wire[600] = {0};
    char byte;

    open_link(&l, 0, NULL);
    assert_int_equal(th_rig_send(&l.r, l.s, wire, sizeof wire, sizeof wire), 0);
    l.pipe->credit_max = (uint32_t)th_pipe_waiting(l.pipe);
    send_key_update(&l, 1);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_recv(l.s, &byte, 1), 0);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_SENT), 0);
    assert_int_equal(th_pipe_take(l.pipe, wire, sizeof wire), sizeof wire);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_SENT), 1);
    close_link(&l);
}

/* Behind Finished, in one piece with it. mbedTLS can't follow, so what it sends next is under old keys, and wrong. */
static void a_key_update_as_the_first_record(void **state)
{
    struct link l;
    uint8_t events;
    char buf[8];

    begin(&l, 0, NULL);
    th_client_step(l.c);
    th_rig_step(&l.r);
    l.c->hold = true;
    client_first(&l);
    send_key_update(&l, 1);
    th_client_flush(l.c);
    for (int i = 0; i < 5; i++)
        th_rig_step(&l.r);
    l.s = sl_ready_take(&l.r.ready, &events);
    assert_non_null(l.s);
    assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 0);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_RECEIVED), 1);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_SENT), 1);
    assert_false(l.s->state & (SL_STREAM_EOF | SL_STREAM_CLOSED));
    close_link(&l);
}

/* The client sees every record up to the last, and why there are no more. */
static void a_12_connection_ends_at_the_limit_of_its_key(void **state)
{
    struct link l;
    char buf[8];

    open_link(&l, 3, &(struct th_rig_opts){.records_per_key = 4});
    for (int i = 0; i < 3; i++) { /* Finished was the first */
        assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), 1);
    }
    assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
    assert_true(l.s->state & SL_STREAM_CLOSED);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_FAILED_LIMIT), 1);
    assert_true(th_client_read(l.c, buf, sizeof buf) < 0);
    assert_int_equal(l.c->alert, 80);
    close_link(&l);
}

/* A KeyUpdate of ours at the limit; mbedTLS's client does not know it and says so. */
static void a_13_connection_changes_its_key(void **state)
{
    struct link l;
    char buf[8];

    open_link(&l, 0, &(struct th_rig_opts){.records_per_key = 3});
    for (int i = 0; i < 2; i++) { /* a ticket was the first */
        assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), 1);
    }
    assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_SENT), 1);
    assert_false(l.s->state & SL_STREAM_CLOSED);
    close_link(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_both_ways_with_every_suite),
        cmocka_unit_test(data_close_notify_and_fin_behind_finished),
        cmocka_unit_test(close_notify_as_the_first_record),
        cmocka_unit_test(a_key_update_as_the_first_record),
        cmocka_unit_test(a_key_update_is_answered_when_there_is_room),
        cmocka_unit_test(a_12_connection_ends_at_the_limit_of_its_key),
        cmocka_unit_test(a_13_connection_changes_its_key),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
