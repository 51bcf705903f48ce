/* Handshakes of the client's role that come to nothing: the user hears of each, whoever ended it, or has ended it
 * itself; nothing is left of any. */
#include "tls/connect_rig.h"

#include <errno.h>
#include <stdlib.h>

static const struct th_cert_opts cert = {.key = TH_KEY_P256, .subject = "CN=origin"};
static enum sl_conf_tls_version only12[] = {SL_TLS_1_2};
static const struct sl_conf_tls of12 = {.policy = SL_POLICY_INTERMEDIATE, .versions = only12, .n_versions = 1};

/* A handshake that has come as far as `steps`; in 1.2 for odd ones. Each step computes at most one operation. */
static void shake_for(struct pair *p, int steps)
{
    struct sl_tls_client_conf conf = pair_conf(steps % 2 ? &of12 : NULL);

    pair_start(p, &(struct th_rig_opts){.certs = {&cert}, .budget_ns = 1}, &conf);
    pair_connect(p, "origin.example.com");
    pair_accept(p);
    pair_run(p, steps);
}

#define STEPS 24 /* more than a handshake takes at that budget */

static void expect_end(const struct pair *p, enum sl_reason reason)
{
    assert_true(p->c_seen & SL_STREAM_CLOSED);
    assert_int_equal(p->c->reason, reason);
    assert_int_equal(p->c->state & (SL_STREAM_READABLE | SL_STREAM_WRITABLE), 0);
    assert_int_equal(p->c->ops->credit(p->c), 0);
    assert_int_equal(th_rig_recv(p->c, &(uint8_t){0}, 1), 0);
}

static void a_server_that_says_nothing(void **state)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct pair p;

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
    pair_connect(&p, "");
    assert_int_equal(sl_tls_next(p.r.tls), 0); /* its hello is to be sent */
    pair_run(&p, 3);
    assert_int_equal(p.c_seen, 0);
    assert_int_equal(sl_tls_next(p.r.tls), p.r.now + 5 * SL_NS_PER_S);
    p.r.now += 5 * SL_NS_PER_S;
    pair_step(&p);
    expect_end(&p, SL_REASON_TIMEOUT);
    assert_true(p.near->aborted);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_FAILED_TIMEOUT), 1);
    assert_int_equal(sl_tls_handshakes(p.r.tls), 0);
    pair_end(&p);
}

/* At every point. */
static void a_server_that_goes_away(void **state)
{
    static const struct {
        enum sl_reason cut, told;
    } ways[] = {{SL_REASON_NONE, SL_REASON_TRUNCATED},
                {SL_REASON_RESET, SL_REASON_RESET},
                {SL_REASON_UNREACHABLE, SL_REASON_UNREACHABLE},
                {SL_REASON_TIMEOUT, SL_REASON_TIMEOUT}};
    int ended = 0, opened = 0;

    for (int steps = 0; steps < STEPS; steps++)
        for (size_t w = 0; w < SL_ARRAY_LEN(ways); w++) {
            struct pair p;
            bool open;

            shake_for(&p, steps);
            open = p.c_seen & SL_STREAM_OPEN;
            p.apart = true;
            if (ways[w].cut)
                th_pipe_cut(p.near, ways[w].cut);
            else
                th_pipe_fin(p.near);
            pair_run(&p, STEPS);
            if (!open && !(p.c_seen & SL_STREAM_OPEN)) /* what it needed may have come before the end */
                expect_end(&p, ways[w].told);
            ended += !open;
            opened += open;
            pair_end(&p);
        }
    assert_true(ended > 10 && opened > 0);
}

static void release(struct pair *p)
{
    p->c->ops->release(p->c);
    p->c = NULL;
}

static void abort_it(struct pair *p)
{
    bool closed = p->c->state & SL_STREAM_CLOSED;

    p->c->ops->abort(p->c, SL_REASON_ABORTED);
    see(p);
    assert_false(closed);
    expect_end(p, SL_REASON_ABORTED);
    p->c->ops->abort(p->c, SL_REASON_RESET); /* once */
    assert_int_equal(p->c->reason, SL_REASON_ABORTED);
    release(p);
}

static void shut_down(struct pair *p)
{
    p->c->ops->shutdown(p->c);
    release(p);
}

static void a_user_that_lets_go(void **state)
{
    static void (*const ways[])(struct pair * p) = {release, abort_it, shut_down};

    for (int steps = 0; steps < STEPS; steps++)
        for (size_t w = 0; w < SL_ARRAY_LEN(ways); w++) {
            bool open;
            struct pair p;

            shake_for(&p, steps);
            open = p.c_seen & SL_STREAM_OPEN;
            ways[w](&p);
            assert_true(p.near->aborted || (open && p.near->fin_out));
            pair_run(&p, STEPS);
            if (!open)
                assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_DIALLED), 0);
            pair_end(&p);
        }
}

/* Nothing is sent before it is open, and what is shut down before ends behind the handshake. */
static void a_user_that_cannot_wait(void **state)
{
    for (int steps = 0; steps < 2; steps++) {
        struct pair p;

        shake_for(&p, steps);
        assert_int_equal(p.c->ops->credit(p.c), 0);
        assert_int_equal(th_rig_send(&p.r, p.c, "early", 5, 5), -EPIPE);
        p.c->ops->shutdown(p.c);
        pair_run(&p, STEPS);
        assert_true(p.c_seen & SL_STREAM_OPEN);
        assert_non_null(p.s);
        assert_int_equal(th_rig_recv(p.s, &(uint8_t){0}, 1), 0);
        see(&p);
        assert_true(p.s_seen & SL_STREAM_EOF);
        assert_int_equal(th_rig_send(&p.r, p.s, "late", 4, 4), 0);
        pair_run(&p, 2);
        assert_int_equal(th_rig_recv(p.c, &(uint8_t[5]){0}, 5), 4);
        pair_end(&p);
    }
}

static void a_server_that_sends_garbage(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum sl_ctr ctr;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, SL_CTR_TLS_FAILED_RECORD},
        {"\x15\x03\x03\x00\x02\x02\x28", 7, SL_CTR_TLS_FAILED_ALERT},
        {"\x17\x03\x03\x00\x05rubbi", 10, SL_CTR_TLS_FAILED_MESSAGE},
        {"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03", 11, SL_CTR_TLS_FAILED_MESSAGE},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct sl_tls_client_conf conf = pair_conf(NULL);
        struct pair p;

        pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
        pair_connect(&p, "");
        pair_step(&p);
        th_pipe_feed(p.near, cases[i].bytes, cases[i].len);
        pair_run(&p, 3);
        expect_end(&p, SL_REASON_PROTOCOL);
        assert_int_equal(th_rig_ctr(&p.r, cases[i].ctr), 1);
        assert_false(p.near->aborted); /* the alert arrives */
        assert_true(p.near->fin_out);
        pair_end(&p);
    }
}

/* The one without progress for longest gives way, and who dialled it hears so. */
static void gives_way_at_the_cap(void **state)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct th_pipe *more[2];
    struct sl_stream *c[2];
    struct pair p;

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}, .handshakes_max = 2}, &conf);
    pair_connect(&p, "");
    pair_step(&p);
    for (int i = 0; i < 2; i++) {
        more[i] = th_pipe_new(p.r.feed_pool);
        c[i] = sl_tls_connect(p.r.tls, p.client, &more[i]->stream, "", &p.r.ready, NULL, p.r.now);
        assert_non_null(c[i]);
        assert_int_equal(sl_tls_handshakes(p.r.tls), 2);
    }
    see(&p);
    expect_end(&p, SL_REASON_NO_RESOURCE);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_FAILED_EVICTED), 1);
    pair_step(&p);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(c[i]->state, 0);
        assert_true(th_pipe_waiting(more[i]) > 100); /* its hello */
        c[i]->ops->release(c[i]);
        th_pipe_free(more[i]);
    }
    p.s = NULL;
    pair_end(&p);
}

static void no_handshakes_at_all(void **state)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct pair p;

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
    sl_tls_limit(p.r.tls, 0);
    assert_null(sl_tls_connect(p.r.tls, p.client, &p.near->stream, "a.example.com", &p.r.ready, &p, p.r.now));
    assert_true(p.near->aborted && p.near->released);
    assert_int_equal(p.near->reason, SL_REASON_NO_RESOURCE);
    pair_end(&p);
}

/* A dry pool stops a handshake and does not end it. */
static void packet_buffers_that_run_out(void **state)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct rte_mbuf *held[1024];
    uint32_t n = 0;
    struct pair p;

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
    while (n < SL_ARRAY_LEN(held) && (held[n] = rte_pktmbuf_alloc(p.r.pool)))
        n++;
    pair_connect(&p, "");
    pair_accept(&p);
    pair_run(&p, 3);
    assert_int_equal(p.c_seen, 0);
    assert_int_equal(th_pipe_waiting(p.near), 0);
    assert_true(th_rig_ctr(&p.r, SL_CTR_TLS_STARVED) > 0);
    while (n)
        rte_pktmbuf_free(held[--n]);
    p.r.now += 2 * SL_NS_PER_MS;
    pair_run(&p, 10);
    assert_true(p.c_seen & SL_STREAM_OPEN);
    pair_end(&p);
}

/* Connections keep what they were dialled with, and the room takes with it what is left. */
static void what_is_left_when_the_room_ends(void **state)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct pair p;

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
    pair_connect(&p, "origin.example.com");
    sl_tls_client_release(p.client);
    p.client = NULL;
    pair_run(&p, 2);
    release(&p);
    pair_end(&p);

    pair_start(&p, &(struct th_rig_opts){.certs = {&cert}}, &conf);
    pair_connect(&p, "origin.example.com");
    pair_run(&p, 2);
    sl_tls_site_release(p.r.site);
    sl_tls_destroy(p.r.tls);
    assert_true(p.near->aborted && p.near->released);
    assert_true(rte_mempool_full(p.r.pool));
    p.far->stream.ops->release(&p.far->stream);
    th_pipe_free(p.near);
    th_pipe_free(p.far);
    th_pool_free(p.r.pool);
    th_pool_free(p.r.small_pool);
    th_pool_free(p.r.feed_pool);
    th_conf_cert_free(&p.r.certs[0]);
    free(p.r.stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_says_nothing),
        cmocka_unit_test(a_server_that_goes_away),
        cmocka_unit_test(a_user_that_lets_go),
        cmocka_unit_test(a_user_that_cannot_wait),
        cmocka_unit_test(a_server_that_sends_garbage),
        cmocka_unit_test(gives_way_at_the_cap),
        cmocka_unit_test(no_handshakes_at_all),
        cmocka_unit_test(packet_buffers_that_run_out),
        cmocka_unit_test(what_is_left_when_the_room_ends),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
