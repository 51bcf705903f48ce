/* The pairing of fronts with backs, over streams in memory whose peers are the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "helpers/helpers.h"
#include "helpers/tls_kit.h"
#include "proxy/proxy.h"

#define T0 (100 * SL_NS_PER_S)
#define BACKS_MAX 32
#define FRONTS_MAX 16
#define SERVERS 3

/* One proxy, one listener over one upstream of three servers, and every stream there ever was. */
struct rig {
    struct rte_mempool *pool;
    struct sl_stats stats;
    struct sl_conf_endpoint servers[SERVERS];
    struct sl_conf_upstream upstream;
    struct sl_conf_listener listener;
    struct sl_conf conf;
    struct sl_proxy *proxy;
    struct sl_proxy_upstream *up;
    struct sl_proxy_service *svc;
    struct th_pipe *fronts[FRONTS_MAX], *backs[BACKS_MAX];
    uint16_t dialled[BACKS_MAX]; /* the server's port */
    uint32_t n_fronts, n_backs, n_dials;
    enum sl_reason refuse; /* what the next dials fail with at once; NONE: they begin */
    uint64_t now;
};

static struct rig *rig;

static struct sl_stream *fake_dial(void *ctx, const struct sl_dial *d, uint64_t now, enum sl_reason *why)
{
    struct rig *r = ctx;
    struct th_pipe *p;

    assert_int_equal(now, r->now);
    assert_int_equal(d->timeout_ns, 3 * SL_NS_PER_S);
    assert_true(r->n_dials < BACKS_MAX);
    r->dialled[r->n_dials++] = d->peer.port;
    if (r->refuse) {
        *why = r->refuse;
        return NULL;
    }
    p = th_pipe_new(r->pool);
    p->stream.state = 0;
    p->stream.ready = d->ready;
    p->stream.owner = d->owner;
    r->backs[r->n_backs++] = p;
    return &p->stream;
}

static void make(struct rig *r, uint32_t pairs_max, uint64_t idle_ns)
{
    struct sl_proxy_params params = {.dialer = {fake_dial, r}, .stats = &r->stats, .pairs_max = pairs_max};

    for (uint32_t i = 0; i < SERVERS; i++)
        r->servers[i].ep = (struct sl_endpoint){.ip = sl_ip_from4("\xc6\x12\x01\x02"), .port = (uint16_t)(1 + i)};
    r->upstream = (struct sl_conf_upstream){.name.s = "app", .servers = r->servers, .n_servers = SERVERS};
    r->upstream.connect_timeout_ns.v = 3 * SL_NS_PER_S;
    r->upstream.retry_dead_ns.v = 10 * SL_NS_PER_S;
    r->upstream.lport_min.v = 1024;
    r->upstream.lport_max.v = 65535;
    r->listener = (struct sl_conf_listener){.name.s = "https", .idle_timeout_ns.v = idle_ns};
    r->conf =
        (struct sl_conf){.upstreams = &r->upstream, .n_upstreams = 1, .listeners = &r->listener, .n_listeners = 1};
    r->now = T0;
    assert_int_equal(sl_proxy_create(&params, r->now, &r->proxy, NULL), 0);
    r->up = sl_proxy_upstream_create(r->proxy, &r->conf, 0);
    r->svc = sl_proxy_service_create(r->proxy, &r->conf, 0, r->up);
}

static int setup(void **state)
{
    rig = calloc(1, sizeof *rig);
    rig->pool = th_pool("proxy", 4095, 2048);
    make(rig, 8, 0);
    return 0;
}

static int teardown(void **state)
{
    sl_proxy_service_release(rig->svc);
    sl_proxy_upstream_release(rig->up);
    sl_proxy_destroy(rig->proxy);
    for (uint32_t i = 0; i < rig->n_fronts; i++)
        th_pipe_free(rig->fronts[i]);
    for (uint32_t i = 0; i < rig->n_backs; i++)
        th_pipe_free(rig->backs[i]);
    th_pool_free(rig->pool);
    free(rig);
    return 0;
}

/* The same with other limits. */
static void remake(uint32_t pairs_max, uint64_t idle_ns)
{
    sl_proxy_service_release(rig->svc);
    sl_proxy_upstream_release(rig->up);
    sl_proxy_destroy(rig->proxy);
    make(rig, pairs_max, idle_ns);
}

static void run(void)
{
    /* As the worker does: again while there is something to do at once. */
    for (int i = 0; i < 1000; i++) {
        sl_proxy_run(rig->proxy, rig->now);
        sl_proxy_timers(rig->proxy, rig->now);
        if (sl_proxy_next(rig->proxy) > rig->now)
            return;
    }
    fail_msg("the proxy never comes to rest");
}

static struct th_pipe *new_front(void)
{
    struct th_pipe *p = th_pipe_new(rig->pool);

    rig->fronts[rig->n_fronts++] = p;
    sl_stream_attach(&p->stream, sl_proxy_fronts(rig->proxy), rig->svc);
    return p;
}

static void open_back(struct th_pipe *back)
{
    sl_stream_raise(&back->stream, SL_STREAM_OPEN);
    run();
}

/* A front and an open back. */
static struct th_pipe *new_pair(struct th_pipe **front)
{
    *front = new_front();
    run();
    open_back(rig->backs[rig->n_backs - 1]);
    return rig->backs[rig->n_backs - 1];
}

static void feed(struct th_pipe *p, size_t n)
{
    uint8_t *bytes = calloc(1, n);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    th_pipe_feed(p, bytes, n);
    free(bytes);
}

static size_t take(struct th_pipe *p, size_t max)
{
    uint8_t *bytes = malloc(max);
    size_t n = th_pipe_take(p, bytes, max);

    free(bytes);
    return n;
}

static uint64_t ctr(enum sl_ctr c) { return rig->stats.ctr[c]; }

static bool was_logged(enum sl_event_kind kind)
{
    struct sl_event ev;
    bool found = false;

    while (sl_event_take(&rig->stats, &ev)) {
        if (ev.kind != kind)
            continue;
        assert_string_equal(ev.listener, "https");
        assert_int_equal(ev.peer.port, 40000);
        found = true;
    }
    return found;
}

/* ---- pairing and choice ---- */

static void bytes_go_both_ways(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);
    char text[16] = "";

    th_pipe_feed(front, "ask", 3);
    th_pipe_feed(back, "answer", 6);
    run();
    assert_int_equal(th_pipe_take(back, text, sizeof text), 3);
    assert_memory_equal(text, "ask", 3);
    assert_int_equal(th_pipe_take(front, text, sizeof text), 6);
    assert_memory_equal(text, "answer", 6);
    assert_int_equal(ctr(SL_CTR_PROXY_BYTES_UP), 3);
    assert_int_equal(ctr(SL_CTR_PROXY_BYTES_DOWN), 6);
    assert_int_equal(ctr(SL_CTR_PROXY_PAIRS), 1);
}

static void nothing_is_taken_from_a_front_before_its_back_is_open(void **state)
{
    struct th_pipe *front = new_front();

    feed(front, 100);
    run();
    assert_true(front->stream.state & SL_STREAM_READABLE);
    open_back(rig->backs[0]);
    assert_int_equal(take(rig->backs[0], 200), 100);
}

static void servers_take_turns(void **state)
{
    struct th_pipe *front;

    for (int i = 0; i < 4; i++)
        new_pair(&front);
    assert_int_equal(rig->dialled[0], 1);
    assert_int_equal(rig->dialled[1], 2);
    assert_int_equal(rig->dialled[2], 3);
    assert_int_equal(rig->dialled[3], 1);
}

static void another_server_is_tried_when_one_refuses(void **state)
{
    struct th_pipe *front = new_front();

    feed(front, 10);
    run();
    th_pipe_cut(rig->backs[0], SL_REASON_REFUSED);
    run();
    assert_int_equal(rig->n_backs, 2);
    assert_int_equal(rig->dialled[1], 2);
    assert_true(rig->backs[0]->released);
    open_back(rig->backs[1]);
    assert_int_equal(take(rig->backs[1], 20), 10);
    assert_int_equal(ctr(SL_CTR_PROXY_DIALS_FAILED), 1);
    assert_true(was_logged(SL_EVENT_BACK_REFUSED));
    assert_false(front->fin_out);
}

static void why_a_connection_could_not_be_made_is_logged_in_words(void **state)
{
    struct sl_event ev;

    new_front();
    run();
    th_pipe_cut(rig->backs[0], SL_REASON_NO_RESOURCE);
    run();
    assert_true(sl_event_take(&rig->stats, &ev));
    assert_int_equal(ev.kind, SL_EVENT_BACK_FAILED);
    assert_string_equal(ev.why, "out of resources");
    assert_int_equal(ev.code, 0);
}

static void dead_server_is_skipped_until_its_time_is_over(void **state)
{
    struct th_pipe *front;

    new_front();
    run();
    th_pipe_cut(rig->backs[0], SL_REASON_TIMEOUT); /* server 1 is dead; 2 takes over */
    run();
    assert_true(was_logged(SL_EVENT_BACK_TIMEOUT));
    open_back(rig->backs[1]);
    for (int i = 0; i < 3; i++)
        new_pair(&front);
    assert_int_equal(rig->dialled[2], 3);
    assert_int_equal(rig->dialled[3], 2);
    assert_int_equal(rig->dialled[4], 3);
    rig->now += 10 * SL_NS_PER_S;
    new_pair(&front);
    assert_int_equal(rig->dialled[5], 1);
}

static void when_all_are_dead_the_one_that_failed_longest_ago_is_tried_first(void **state)
{
    static const uint32_t order[SERVERS] = {0, 1, 2};
    struct th_pipe *front;

    new_front();
    run();
    for (uint32_t i = 0; i < SERVERS; i++) {
        assert_int_equal(rig->dialled[i], order[i] + 1);
        rig->now += SL_NS_PER_S;
        th_pipe_cut(rig->backs[i], SL_REASON_UNREACHABLE);
        run();
    }
    new_pair(&front);
    assert_int_equal(rig->dialled[3], 1);
}

static void front_gets_fin_and_no_reset_when_no_server_is_left(void **state)
{
    struct th_pipe *front = new_front();

    feed(front, 100);
    run();
    for (uint32_t i = 0; i < SERVERS; i++) {
        th_pipe_cut(rig->backs[i], SL_REASON_REFUSED);
        run();
    }
    assert_int_equal(rig->n_dials, SERVERS); /* each once */
    assert_true(front->fin_out && !front->aborted && front->released);
    assert_int_equal(sl_proxy_pairs(rig->proxy), 0);
    assert_int_equal(ctr(SL_CTR_PROXY_NO_SERVER), 1);
    assert_true(was_logged(SL_EVENT_NO_SERVER));
}

static void want_of_a_port_is_not_the_servers_fault(void **state)
{
    struct th_pipe *front;

    rig->refuse = SL_REASON_NO_RESOURCE;
    new_front();
    run();
    assert_int_equal(rig->n_dials, SERVERS);
    rig->refuse = SL_REASON_NONE;
    new_pair(&front); /* no server is dead: the round goes on where it stood */
    assert_int_equal(rig->dialled[3], 1);
    new_pair(&front);
    assert_int_equal(rig->dialled[4], 2);
}

static void pairs_have_a_limit(void **state)
{
    struct th_pipe *first, *second;

    remake(1, 0);
    new_pair(&first);
    second = new_front();
    run();
    assert_true(second->aborted && second->released);
    assert_int_equal(rig->stats.drop[SL_DROP_PROXY_FULL], 1);
    assert_true(was_logged(SL_EVENT_PROXY_FULL));
    assert_false(first->aborted);
}

/* ---- back-pressure ---- */

static void slow_reader_stalls_its_origin(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    front->credit_max = 10000;
    feed(back, 100000);
    run();
    assert_int_equal(th_pipe_waiting(front), 10000);
    assert_int_equal(back->in.len - back->in.taken, 90000); /* stays with the origin's stream and shuts its window */
    assert_int_equal(take(front, 4000), 4000);
    run();
    assert_int_equal(th_pipe_waiting(front), 10000);
}

static void slow_origin_stalls_its_client(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    back->credit_max = 3000;
    feed(front, 50000);
    run();
    assert_int_equal(th_pipe_waiting(back), 3000);
    while (take(back, 1000))
        run();
    assert_int_equal(ctr(SL_CTR_PROXY_BYTES_UP), 50000);
}

static void long_transfer_lets_others_have_their_turn(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    front->credit_max = 1 << 20;
    feed(back, 1 << 20);
    sl_proxy_run(rig->proxy, rig->now);
    assert_true(th_pipe_waiting(front) <= 64 * 1024 && th_pipe_waiting(front) > 0);
    assert_int_equal(sl_proxy_next(rig->proxy), 0); /* there is more to do at once */
    run();
    assert_int_equal(th_pipe_waiting(front), 1 << 20);
}

static void pair_at_rest_asks_for_no_visit(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    front->credit_max = 1000;
    feed(back, 5000);
    run();
    assert_int_equal(sl_proxy_next(rig->proxy), SL_NEVER); /* stalled: only an event goes on */
}

/* ---- the end ---- */

static void half_close_by_the_client_is_kept(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    feed(front, 10);
    th_pipe_fin(front);
    run();
    assert_true(back->fin_out);
    assert_false(front->fin_out);
    assert_int_equal(take(back, 100), 10);
    feed(back, 20);
    run();
    assert_int_equal(take(front, 100), 20);
    th_pipe_fin(back);
    run();
    assert_true(front->fin_out && front->released && back->released);
    assert_false(front->aborted || back->aborted);
    assert_int_equal(ctr(SL_CTR_PROXY_DONE), 1);
    assert_int_equal(ctr(SL_CTR_PROXY_PAIRS), 0);
}

static void half_close_by_the_origin_is_kept(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    th_pipe_fin(back);
    run();
    assert_true(front->fin_out);
    assert_false(front->released);
    feed(front, 30);
    run();
    assert_int_equal(take(back, 100), 30);
}

static void half_close_while_dialling_reaches_the_origin(void **state)
{
    struct th_pipe *front = new_front();

    feed(front, 10);
    th_pipe_fin(front);
    run();
    open_back(rig->backs[0]);
    assert_int_equal(th_pipe_waiting(rig->backs[0]), 10);
    assert_true(rig->backs[0]->fin_out);
}

static void end_comes_behind_all_bytes(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    front->credit_max = 1000;
    feed(back, 2500);
    th_pipe_fin(back);
    run();
    assert_false(front->fin_out);
    take(front, 1000);
    run();
    assert_false(front->fin_out);
    take(front, 1000);
    run();
    assert_true(front->fin_out);
    assert_int_equal(th_pipe_waiting(front), 500);
}

/* The origin's connection is over in order, and its last bytes still wait for the slow client. */
static void bytes_of_a_closed_back_are_still_delivered(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    front->credit_max = 1000;
    th_pipe_fin(front);
    run();
    feed(back, 3000);
    th_pipe_fin(back);
    assert_true(back->stream.state & SL_STREAM_CLOSED);
    run();
    assert_false(front->aborted || front->released);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(front, 1000), 1000);
        run();
    }
    assert_true(front->fin_out && front->released);
}

static void reset_by_the_origin_resets_the_client(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    feed(back, 10);
    run();
    th_pipe_cut(back, SL_REASON_RESET);
    run();
    assert_true(front->aborted && front->released && back->released);
    assert_int_equal(ctr(SL_CTR_PROXY_BACK_RESETS), 1);
    assert_true(was_logged(SL_EVENT_BACK_RESET));
}

static void reset_by_the_origin_after_its_whole_answer_leaves_it_to_the_client(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    feed(back, 10);
    th_pipe_fin(back);
    run();
    th_pipe_cut(back, SL_REASON_RESET);
    run();
    assert_false(front->aborted);
    assert_true(front->fin_out && front->released);
    assert_int_equal(th_pipe_waiting(front), 10);
}

static void reset_by_the_client_resets_the_origin(void **state)
{
    struct th_pipe *front, *back = new_pair(&front);

    th_pipe_cut(front, SL_REASON_RESET);
    run();
    assert_true(back->aborted && back->released && front->released);
    assert_int_equal(ctr(SL_CTR_PROXY_FRONT_RESETS), 1);
}

static void client_that_leaves_ends_the_dial(void **state)
{
    struct th_pipe *front = new_front();

    run();
    th_pipe_cut(front, SL_REASON_RESET);
    run();
    assert_true(rig->backs[0]->aborted && rig->backs[0]->released);
    assert_int_equal(sl_proxy_pairs(rig->proxy), 0);
    assert_int_equal(rig->n_dials, 1);
}

static void front_that_is_gone_before_it_is_taken_is_not_dialled_for(void **state)
{
    struct th_pipe *front = new_front();

    th_pipe_cut(front, SL_REASON_RESET);
    run();
    assert_true(front->released);
    assert_int_equal(rig->n_dials, 0);
}

/* ---- time ---- */

static void idle_pair_ends_in_order(void **state)
{
    struct th_pipe *front, *back;

    remake(8, 5 * SL_NS_PER_S);
    back = new_pair(&front);
    rig->now += 4 * SL_NS_PER_S;
    feed(front, 10);
    run();
    rig->now += 4 * SL_NS_PER_S; /* 8 s since it began, 4 since the last byte */
    run();
    assert_false(front->released);
    assert_in_range(sl_proxy_next(rig->proxy), rig->now, rig->now + SL_NS_PER_S);
    rig->now += SL_NS_PER_S + SL_NS_PER_MS;
    run();
    assert_true(front->fin_out && back->fin_out && front->released && back->released);
    assert_false(front->aborted || back->aborted);
    assert_int_equal(ctr(SL_CTR_PROXY_IDLE), 1);
    assert_true(was_logged(SL_EVENT_IDLE));
}

static void stalled_pair_is_cut_when_idle(void **state)
{
    struct th_pipe *front, *back;

    remake(8, 5 * SL_NS_PER_S);
    back = new_pair(&front);
    front->credit_max = 100;
    feed(back, 1000);
    run();
    rig->now += 5 * SL_NS_PER_S + SL_NS_PER_MS;
    run();
    assert_true(front->aborted && back->aborted); /* an orderly end would pass for a whole answer */
}

static void no_idle_timeout_means_never(void **state)
{
    struct th_pipe *front;

    new_pair(&front);
    rig->now += 1000 * 3600 * SL_NS_PER_S;
    run();
    assert_false(front->released);
}

/* ---- generations and the end of all ---- */

static void service_is_used_as_long_as_a_pair_lives(void **state)
{
    struct th_pipe *front, *back;

    assert_true(sl_proxy_service_unused(rig->svc));
    back = new_pair(&front);
    assert_false(sl_proxy_service_unused(rig->svc));
    th_pipe_fin(front);
    th_pipe_fin(back);
    run();
    assert_true(sl_proxy_service_unused(rig->svc));
}

static void abort_all_ends_pairs_dials_and_untaken_fronts(void **state)
{
    struct th_pipe *paired, *dialling, *untaken, *back = new_pair(&paired);

    dialling = new_front();
    run();
    untaken = new_front();
    sl_proxy_abort_all(rig->proxy);
    assert_true(paired->aborted && back->aborted && dialling->aborted && untaken->aborted);
    assert_true(rig->backs[1]->aborted);
    assert_int_equal(sl_proxy_pairs(rig->proxy), 0);
    assert_int_equal(ctr(SL_CTR_PROXY_PAIRS), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bytes_go_both_ways),
        T(nothing_is_taken_from_a_front_before_its_back_is_open),
        T(servers_take_turns),
        T(another_server_is_tried_when_one_refuses),
        T(why_a_connection_could_not_be_made_is_logged_in_words),
        T(dead_server_is_skipped_until_its_time_is_over),
        T(when_all_are_dead_the_one_that_failed_longest_ago_is_tried_first),
        T(front_gets_fin_and_no_reset_when_no_server_is_left),
        T(want_of_a_port_is_not_the_servers_fault),
        T(pairs_have_a_limit),
        T(slow_reader_stalls_its_origin),
        T(slow_origin_stalls_its_client),
        T(long_transfer_lets_others_have_their_turn),
        T(pair_at_rest_asks_for_no_visit),
        T(half_close_by_the_client_is_kept),
        T(half_close_by_the_origin_is_kept),
        T(half_close_while_dialling_reaches_the_origin),
        T(end_comes_behind_all_bytes),
        T(bytes_of_a_closed_back_are_still_delivered),
        T(reset_by_the_origin_resets_the_client),
        T(reset_by_the_origin_after_its_whole_answer_leaves_it_to_the_client),
        T(reset_by_the_client_resets_the_origin),
        T(client_that_leaves_ends_the_dial),
        T(front_that_is_gone_before_it_is_taken_is_not_dialled_for),
        T(idle_pair_ends_in_order),
        T(stalled_pair_is_cut_when_idle),
        T(no_idle_timeout_means_never),
        T(service_is_used_as_long_as_a_pair_lives),
        T(abort_all_ends_pairs_dials_and_untaken_fronts),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
