/* Established streams: bytes both ways, back-pressure, both kinds of half-close, ways to end badly, and packet buffers
 * that run out. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <errno.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};

/* A rig with one open connection. */
struct link {
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s;
};

static void open_link_with(struct link *l, mbedtls_ssl_protocol_version version, const struct th_rig_opts *o)
{
    th_rig_start(&l->r, o);
    l->pipe = th_pipe_new(l->r.feed_pool);
    l->c = th_client_new(l->pipe, &(struct th_client_opts){.min = version, .max = version});
    assert_non_null(th_rig_accept(&l->r, l->pipe));
    l->s = th_rig_handshake(&l->r, l->c);
    assert_non_null(l->s);
    assert_true(l->s->state & SL_STREAM_OPEN);
}

static void open_link(struct link *l, mbedtls_ssl_protocol_version version)
{
    open_link_with(l, version, &(struct th_rig_opts){.certs = {&p256}});
}

static void close_link(struct link *l)
{
    if (l->s)
        l->s->ops->release(l->s);
    th_pipe_fin(l->pipe);
    th_rig_step(&l->r);
    th_client_free(l->c);
    th_pipe_free(l->pipe);
    th_rig_stop(&l->r);
}

/* Events since the last look; 0 when there are none. */
static uint8_t events_of(struct link *l)
{
    uint8_t events = 0;

    return sl_ready_take(&l->r.ready, &events) ? events : 0;
}

static void fill(uint8_t *bytes, size_t len, struct sl_rng *rng)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)sl_rng_next(rng);
}

static void bytes_both_ways_in_any_slicing(void **state)
{
    enum { TOTAL = 600000 };
    uint8_t *sent = malloc(TOTAL), *got = malloc(TOTAL);
    struct sl_rng rng;

    sl_rng_seed(&rng, 7);
    fill(sent, TOTAL, &rng);
    for (int v = 0; v < 2; v++) {
        struct link l;
        size_t at = 0, have = 0;

        open_link(&l, v ? V13 : V12);
        while (have < TOTAL) { /* up */
            size_t some = 1 + sl_rng_below(&rng, 30000), room = 1 + sl_rng_below(&rng, 40000);
            size_t n = SL_MIN(TOTAL - at, some);

            l.c->piece = 1 + sl_rng_below(&rng, 5000);
            l.pipe->slice_max = 1 + (uint32_t)sl_rng_below(&rng, 4000);
            if (n)
                assert_true(th_client_write(l.c, sent + at, n));
            at += n;
            th_rig_step(&l.r);
            have += th_rig_recv(l.s, got + have, SL_MIN(TOTAL - have, room));
        }
        assert_memory_equal(sent, got, TOTAL);
        for (at = have = 0; have < TOTAL;) { /* down */
            size_t some = 1 + sl_rng_below(&rng, 50000), credit = l.s->ops->credit(l.s);
            size_t n = SL_MIN(SL_MIN(TOTAL - at, some), credit);
            int ret = 1;

            if (n)
                assert_int_equal(th_rig_send(&l.r, l.s, sent + at, n, 1 + sl_rng_below(&rng, 20000)), 0);
            at += n;
            for (int reads = (int)sl_rng_below(&rng, 8); reads > 0 && ret > 0; reads--) {
                ret = th_client_read(l.c, got + have, TOTAL - have);
                assert_true(ret >= 0);
                have += (size_t)ret;
            }
            th_rig_step(&l.r);
        }
        assert_memory_equal(sent, got, TOTAL);
        close_link(&l);
    }
    free(sent);
    free(got);
}

/* Slices are gathered: 20 of them that fit in a record make one. */
static void small_slices_share_a_record(void **state)
{
    uint8_t bytes[1200] = {0}, wire[9000];
    struct link l;
    size_t n;

    open_link(&l, V13);
    while (th_pipe_take(l.pipe, wire, sizeof wire))
        ;
    assert_int_equal(th_rig_send(&l.r, l.s, bytes, sizeof bytes, 60), 0);
    n = th_pipe_take(l.pipe, wire, sizeof wire);
    assert_int_equal(wire[0], 23);
    assert_int_equal((wire[3] << 8 | wire[4]) + 5, n);
    assert_int_equal(th_rig_send(&l.r, l.s, bytes, 1, 1), 0);
    assert_true(th_pipe_waiting(l.pipe) <= 1 + 64);
    close_link(&l);
}

static void credit_follows_the_stream_below(void **state)
{
    enum { LIMIT = 40000 };
    uint8_t bytes[LIMIT] = {0}, wire[LIMIT];
    struct link l;
    uint32_t credit;

    open_link(&l, V13);
    while (th_pipe_take(l.pipe, wire, sizeof wire))
        ;
    l.pipe->credit_max = LIMIT;
    credit = l.s->ops->credit(l.s);
    assert_in_range(credit, LIMIT - 1000, LIMIT - 64);
    assert_int_equal(th_rig_send(&l.r, l.s, bytes, credit, 1460), 0);
    assert_true(th_pipe_waiting(l.pipe) <= LIMIT); /* records and all */
    l.pipe->credit_max = (uint32_t)th_pipe_waiting(l.pipe);
    assert_int_equal(l.s->ops->credit(l.s), 0);
    assert_false(l.s->state & SL_STREAM_WRITABLE);
    events_of(&l);
    assert_true(th_pipe_take(l.pipe, wire, 20000) == 20000);
    th_rig_step(&l.r);
    assert_true(events_of(&l) & SL_STREAM_WRITABLE);
    assert_in_range(l.s->ops->credit(l.s), 19000, 20000);
    close_link(&l);
}

/* The user pulls less than a record has: the rest waits inside, and is there though the stream below is empty. */
static void leftovers_of_a_record_stay_readable(void **state)
{
    struct link l;
    char buf[16];

    open_link(&l, V13);
    assert_true(th_client_write(l.c, "0123456789", 10));
    th_rig_step(&l.r);
    assert_int_equal(events_of(&l) & SL_STREAM_READABLE, SL_STREAM_READABLE);
    assert_int_equal(th_rig_recv(l.s, buf, 4), 4);
    assert_true(l.s->state & SL_STREAM_READABLE);
    assert_int_equal(th_rig_recv(l.s, buf, 3), 3);
    assert_memory_equal(buf, "456", 3);
    assert_true(l.s->state & SL_STREAM_READABLE);
    assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 3);
    assert_false(l.s->state & SL_STREAM_READABLE);
    assert_int_equal(events_of(&l), 0); /* nothing new: nobody is woken */
    th_rig_step(&l.r);
    assert_int_equal(events_of(&l), 0);
    close_link(&l);
}

/* What the user does not pull stays below. */
static void a_user_that_does_not_pull_stalls_the_peer(void **state)
{
    static uint8_t bytes[100000];
    struct link l;

    open_link(&l, V13);
    assert_true(th_client_write(l.c, bytes, sizeof bytes));
    for (int i = 0; i < 5; i++)
        th_rig_step(&l.r);
    assert_true(l.pipe->in.len - l.pipe->in.taken >= sizeof bytes);
    assert_int_equal(th_rig_recv(l.s, bytes, 10), 10);
    assert_true(l.pipe->in.len - l.pipe->in.taken >=
                sizeof bytes - 16384 - 2000); /* a record, and the slice it ended in */
    close_link(&l);
}

static void client_closes_first_and_still_listens(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct link l;
        char buf[16];

        open_link(&l, v ? V13 : V12);
        events_of(&l);
        assert_true(th_client_write(l.c, "last", 4));
        assert_int_equal(mbedtls_ssl_close_notify(&l.c->ssl), 0);
        th_pipe_fin(l.pipe);
        th_rig_step(&l.r);
        assert_true(events_of(&l) & SL_STREAM_READABLE);
        assert_false(l.s->state & SL_STREAM_EOF);
        assert_int_equal(th_rig_recv(l.s, buf, 4), 4);
        assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 0);
        assert_int_equal(events_of(&l), SL_STREAM_EOF);
        assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_TRUNCATED), 0);
        assert_true(l.s->ops->credit(l.s) > 0);
        assert_int_equal(th_rig_send(&l.r, l.s, "answer", 6, 6), 0);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), 6);
        l.s->ops->shutdown(l.s);
        assert_int_equal(events_of(&l), SL_STREAM_CLOSED);
        assert_int_equal(l.s->reason, SL_REASON_NONE);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        close_link(&l);
    }
}

static void we_close_first_and_still_listen(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct link l;
        char buf[16];

        open_link(&l, v ? V13 : V12);
        events_of(&l);
        assert_int_equal(th_rig_send(&l.r, l.s, "all", 3, 3), 0);
        l.s->ops->shutdown(l.s);
        l.s->ops->shutdown(l.s); /* once is enough */
        assert_true(l.pipe->fin_out);
        assert_int_equal(l.s->ops->credit(l.s), 0);
        assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), -EPIPE);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), 3);
        assert_int_equal(th_client_read(l.c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        assert_true(th_client_write(l.c, "upload", 6));
        th_rig_step(&l.r);
        assert_int_equal(events_of(&l), SL_STREAM_READABLE);
        assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 6);
        assert_int_equal(mbedtls_ssl_close_notify(&l.c->ssl), 0);
        th_rig_step(&l.r);
        assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 0);
        assert_int_equal(events_of(&l), SL_STREAM_READABLE | SL_STREAM_EOF | SL_STREAM_CLOSED);
        close_link(&l);
    }
}

static void fin_without_close_notify_is_an_end_that_is_counted(void **state)
{
    struct link l;
    char buf[16];

    open_link(&l, V13);
    events_of(&l);
    assert_true(th_client_write(l.c, "bye", 3));
    th_pipe_fin(l.pipe);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 3);
    assert_true(events_of(&l) & SL_STREAM_EOF);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_TRUNCATED), 1);
    assert_int_equal(th_rig_send(&l.r, l.s, "ok", 2, 2), 0);
    assert_int_equal(th_client_read(l.c, buf, sizeof buf), 2);
    close_link(&l);
}

static void fin_in_the_middle_of_a_record(void **state)
{
    struct link l;
    char buf[16];

    open_link(&l, V13);
    l.c->hold = true;
    assert_true(th_client_write(l.c, "cut off", 7));
    th_pipe_feed(l.pipe, l.c->held.p, l.c->held.len - 3);
    th_pipe_fin(l.pipe);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 0);
    assert_true(l.s->state & SL_STREAM_EOF);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_TRUNCATED), 1);
    close_link(&l);
}

/* The stream fails: CLOSED with PROTOCOL, the alert, FIN; what the peer goes on sending is thrown away. */
static void stream_fails(struct link *l, int alert, enum sl_ctr ctr)
{
    struct sl_event ev;
    char buf[64];

    th_rig_step(&l->r);
    th_rig_recv(l->s, buf, sizeof buf);
    assert_true(l->s->state & SL_STREAM_CLOSED);
    assert_int_equal(l->s->reason, SL_REASON_PROTOCOL);
    assert_int_equal(th_rig_ctr(&l->r, ctr), 1);
    assert_int_equal(l->s->ops->credit(l->s), 0);
    assert_int_equal(th_rig_send(&l->r, l->s, "x", 1, 1), -EPIPE);
    assert_int_equal(th_rig_recv(l->s, buf, sizeof buf), 0);
    if (alert >= 0) {
        assert_true(th_client_read(l->c, buf, sizeof buf) < 0);
        assert_int_equal(l->c->alert, alert);
    }
    assert_true(l->pipe->fin_out);
    assert_true(sl_event_take(l->r.stats, &ev));
    assert_int_equal(ev.kind, SL_EVENT_TLS_STREAM_FAILED);
    th_pipe_feed(l->pipe, "more", 4);
    th_rig_step(&l->r);
    l->s->ops->release(l->s);
    l->s = NULL;
    assert_false(l->pipe->released);
    th_pipe_feed(l->pipe, "and more", 8);
    th_rig_step(&l->r);
    assert_false(l->pipe->aborted);
    close_link(l);
}

static void a_bad_tag(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct link l;

        open_link(&l, v ? V13 : V12);
        l.c->hold = true;
        assert_true(th_client_write(l.c, "secret", 6));
        l.c->held.p[l.c->held.len - 1] ^= 1;
        th_client_flush(l.c);
        stream_fails(&l, 20, SL_CTR_TLS_FAILED_RECORD);
    }
}

static void a_record_twice(void **state)
{
    struct link l;
    char buf[8];

    open_link(&l, V13);
    l.c->hold = true;
    assert_true(th_client_write(l.c, "once", 4));
    th_pipe_feed(l.pipe, l.c->held.p, l.c->held.len);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_recv(l.s, buf, sizeof buf), 4);
    th_client_flush(l.c);
    stream_fails(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void rubbish_between_records(void **state)
{
    struct link l;

    open_link(&l, V13);
    th_pipe_feed(l.pipe, "GET / HTTP/1.1\r\n\r\n", 18);
    stream_fails(&l, 10, SL_CTR_TLS_FAILED_RECORD);
}

/* mbedTLS has no function that sends a KeyUpdate, but its function that writes records is there to be linked. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

/* Keys change: what comes under the old ones is rubbish. */
static void a_key_update(void **state)
{
    static const unsigned char key_update[] = {24, 0, 0, 1, 0}; /* RFC 8446 4.6.3 */
    struct link l;
    char byte;

    open_link(&l, V13);
    memcpy(l.c->ssl.MBEDTLS_PRIVATE(out_msg), key_update, sizeof key_update);
    l.c->ssl.MBEDTLS_PRIVATE(out_msglen) = sizeof key_update;
    l.c->ssl.MBEDTLS_PRIVATE(out_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
    assert_int_equal(mbedtls_ssl_write_record(&l.c->ssl, 1), 0);
    th_rig_step(&l.r);
    th_rig_recv(l.s, &byte, 1);
    assert_false(l.s->state & SL_STREAM_CLOSED);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_KEY_UPDATES_RECEIVED), 1);
    assert_true(th_client_write(l.c, "old", 3));
    stream_fails(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void an_alert_from_the_client(void **state)
{
    struct link l;

    open_link(&l, V13);
    assert_int_equal(mbedtls_ssl_send_alert_message(&l.c->ssl, 2, 80), 0);
    stream_fails(&l, -1, SL_CTR_TLS_FAILED_ALERT);
}

static void reset_by_the_peer(void **state)
{
    struct link l;

    open_link(&l, V13);
    assert_true(th_client_write(l.c, "lost", 4));
    th_pipe_cut(l.pipe, SL_REASON_RESET);
    th_rig_step(&l.r);
    assert_true(events_of(&l) & SL_STREAM_CLOSED);
    assert_int_equal(l.s->reason, SL_REASON_RESET);
    assert_int_equal(l.s->ops->credit(l.s), 0);
    close_link(&l);
}

static void abort_resets_the_stream_below(void **state)
{
    struct link l;

    open_link(&l, V13);
    l.s->ops->abort(l.s, SL_REASON_ABORTED);
    assert_true(l.pipe->aborted);
    assert_int_equal(l.pipe->reason, SL_REASON_ABORTED);
    assert_true(l.s->state & SL_STREAM_CLOSED);
    assert_int_equal(l.s->reason, SL_REASON_ABORTED);
    th_rig_step(&l.r);
    l.s->ops->release(l.s);
    l.s = NULL;
    assert_true(l.pipe->released);
    close_link(&l);
}

static void release_without_shutdown_resets(void **state)
{
    struct link l;

    open_link(&l, V13);
    assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
    l.s->ops->release(l.s);
    l.s = NULL;
    assert_true(l.pipe->aborted);
    close_link(&l);
}

static void release_after_shutdown_delivers(void **state)
{
    struct link l;
    char buf[8];

    open_link(&l, V13);
    assert_int_equal(th_rig_send(&l.r, l.s, "x", 1, 1), 0);
    l.s->ops->shutdown(l.s);
    l.s->ops->release(l.s);
    l.s = NULL;
    assert_true(l.pipe->released);
    assert_false(l.pipe->aborted);
    assert_int_equal(th_client_read(l.c, buf, sizeof buf), 1);
    assert_int_equal(th_client_read(l.c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    close_link(&l);
}

/* All packet buffers of a pool are taken away. */
static uint32_t take_buffers(struct rte_mempool *pool, struct rte_mbuf **taken, uint32_t max)
{
    uint32_t n = 0;

    while (n < max && (taken[n] = rte_pktmbuf_alloc(pool)))
        n++;
    return n;
}

static void without_buffers_bytes_wait_and_none_is_lost(void **state)
{
    static uint8_t bytes[60000], got[60000];
    struct rte_mbuf *taken[64];
    struct sl_rng rng;

    sl_rng_seed(&rng, 3);
    fill(bytes, sizeof bytes, &rng);
    for (int v = 0; v < 2; v++) {
        struct link l;
        uint32_t n;
        size_t have = 0;

        open_link_with(&l, v ? V13 : V12, &(struct th_rig_opts){.certs = {&p256}, .smalls = 40});
        n = take_buffers(l.r.small_pool, taken, SL_ARRAY_LEN(taken));
        assert_int_equal(th_rig_send(&l.r, l.s, bytes, 30000, 3000), 0);
        assert_int_equal(l.s->ops->credit(l.s), 0);
        assert_int_equal(th_rig_send(&l.r, l.s, bytes + 30000, 30000, 3000),
                         0); /* more than credit: kept in order all the same */
        l.s->ops->shutdown(l.s);
        assert_false(l.pipe->fin_out);
        assert_true(th_client_write(l.c, "knock", 5));
        th_rig_step(&l.r);
        assert_int_equal(th_rig_recv(l.s, got, 5), 5); /* opening needs none */
        assert_memory_equal(got, "knock", 5);
        assert_true(th_rig_ctr(&l.r, SL_CTR_TLS_STARVED) > 0);
        assert_int_equal(sl_tls_next(l.r.tls), l.r.now + SL_NS_PER_MS);
        while (n)
            rte_pktmbuf_free(taken[--n]);
        events_of(&l);
        for (int i = 0; i < 10 && !l.pipe->fin_out; i++) {
            l.r.now += SL_NS_PER_MS;
            th_rig_step(&l.r);
        }
        assert_true(l.pipe->fin_out);
        for (int ret; (ret = th_client_read(l.c, got + have, sizeof got - have)) > 0;)
            have += (size_t)ret;
        assert_int_equal(have, sizeof got);
        assert_memory_equal(got, bytes, sizeof got);
        close_link(&l);
    }
}

static void a_handshake_without_buffers_goes_on_later(void **state)
{
    struct rte_mbuf *taken[64];
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s;
    uint32_t n;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .mbufs = 40});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, &(struct th_client_opts){0});
    assert_non_null(th_rig_accept(&r, pipe));
    th_client_step(c);
    n = take_buffers(r.pool, taken, SL_ARRAY_LEN(taken));
    th_rig_step(&r);
    assert_int_equal(th_pipe_waiting(pipe), 0);
    assert_int_equal(sl_tls_handshakes(r.tls), 1);
    while (n)
        rte_pktmbuf_free(taken[--n]);
    th_rig_step(&r);
    assert_int_equal(th_pipe_waiting(pipe), 0); /* not before its time */
    r.now += SL_NS_PER_MS;
    s = th_rig_handshake(&r, c);
    assert_non_null(s);
    s->ops->release(s);
    th_client_free(c);
    th_pipe_free(pipe);
    th_rig_stop(&r);
}

static void what_an_idle_connection_holds(void **state)
{
    const struct sl_crypto_memory *memory = sl_crypto_memory();
    struct link l;
    uint64_t with, without;

    open_link(&l, V13);
    with = memory->now_bytes;
    l.s->ops->release(l.s);
    l.s = NULL;
    without = memory->now_bytes;
    assert_int_equal(with, without); /* of mbedTLS's nothing is left; the rest is asserted in conn.c */
    th_rig_step(&l.r);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_HEAP_BYTES), memory->now_bytes);
    assert_true(th_rig_ctr(&l.r, SL_CTR_TLS_HEAP_PEAK_BYTES) >= with);
    close_link(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_both_ways_in_any_slicing),
        cmocka_unit_test(small_slices_share_a_record),
        cmocka_unit_test(credit_follows_the_stream_below),
        cmocka_unit_test(leftovers_of_a_record_stay_readable),
        cmocka_unit_test(a_user_that_does_not_pull_stalls_the_peer),
        cmocka_unit_test(client_closes_first_and_still_listens),
        cmocka_unit_test(we_close_first_and_still_listen),
        cmocka_unit_test(fin_without_close_notify_is_an_end_that_is_counted),
        cmocka_unit_test(fin_in_the_middle_of_a_record),
        cmocka_unit_test(a_bad_tag),
        cmocka_unit_test(a_record_twice),
        cmocka_unit_test(rubbish_between_records),
        cmocka_unit_test(a_key_update),
        cmocka_unit_test(an_alert_from_the_client),
        cmocka_unit_test(reset_by_the_peer),
        cmocka_unit_test(abort_resets_the_stream_below),
        cmocka_unit_test(release_without_shutdown_resets),
        cmocka_unit_test(release_after_shutdown_delivers),
        cmocka_unit_test(without_buffers_bytes_wait_and_none_is_lost),
        cmocka_unit_test(a_handshake_without_buffers_goes_on_later),
        cmocka_unit_test(what_an_idle_connection_holds),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
