/* Client and origin on a wire in memory: what every mode does, what counts, and what becomes of a server that errs. */
#include "rig.h"

#define ORIGIN "198.18.0.10:8080"

static int teardown(void **state)
{
    (void)state;
    rig_end();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    rig_begin();
    return 0;
}

/* The client at one end, the origin at the other. */
static void join(const struct load_plan *client)
{
    struct load_plan origin = rig_plan(LOAD_REQUEST, NULL, ORIGIN);

    rig_host(rig_place("198.18.0.1", "198.18.0.2"), client);
    rig_host(rig_place("198.18.0.10", NULL), &origin);
}

static const struct origin_counts *origin(void) { return origin_counts(rig.ends[1].host->origin); }

static uint64_t failed(void) { return tally_failed(rig_tally()); }

/* ---- each mode ---- */

static void runs(enum load_mode mode, uint64_t least)
{
    struct load_plan plan = rig_plan(mode, ORIGIN, NULL);

    join(&plan);
    rig_run_ms(500);
    assert_int_equal(failed(), 0);
    assert_true(rig_tally()->operations >= least);
    assert_int_equal(rig_tally()->latency.n, rig_tally()->operations);
    assert_true(origin()->requests >= rig_tally()->operations);
    assert_true(origin()->requests <= rig_tally()->operations + 8);
    assert_int_equal(origin()->bad_bytes + origin()->bad_heads + origin()->refused, 0);
}

static void requests_on_kept_connections(void **state)
{
    (void)state;
    runs(LOAD_REQUEST, 1000);
    assert_int_equal(rig_tally()->handshakes, 8);
    assert_int_equal(rig_tally()->open, 8);
    assert_int_equal(origin()->open, 8);
}

static void a_connection_for_each_request(void **state)
{
    (void)state;
    runs(LOAD_HANDSHAKE, 1000);
    assert_true(rig_tally()->handshakes >= rig_tally()->operations);
    assert_true(rig_tally()->open <= 8);
    /* Who is called ends first, so that the ports come back without waiting. */
    assert_int_equal(sl_stat_read(&rig.ends[0].host->stats.ctr[SL_CTR_TCP_TIME_WAIT]), 0);
}

static void large_answers(void **state)
{
    (void)state;
    runs(LOAD_DOWNLOAD, 16);
    assert_true(rig_tally()->bytes_in > rig_tally()->operations << 20);
}

static void large_requests(void **state)
{
    (void)state;
    runs(LOAD_UPLOAD, 16);
    assert_true(origin()->bytes_in > rig_tally()->operations << 20);
}

static void some_requests_on_each_connection(void **state)
{
    struct load_plan plan = rig_plan(LOAD_REQUEST, ORIGIN, NULL);

    (void)state;
    plan.flows[0].requests = 5;
    join(&plan);
    rig_run_ms(500);
    assert_int_equal(failed(), 0);
    assert_true(rig_tally()->operations > 1000);
    assert_in_range(rig_tally()->handshakes, rig_tally()->operations / 5, rig_tally()->operations / 5 + 8);
}

static void flows_side_by_side_count_apart(void **state)
{
    struct load_plan plan = rig_plan(LOAD_REQUEST, ORIGIN, NULL);

    (void)state;
    plan.n_flows = 2;
    plan.flows[1] = (struct load_flow){.mode = LOAD_DOWNLOAD, .connections = 2, .get_bytes = 300000};
    join(&plan);
    rig_run_ms(500);
    assert_true(rig_tally()->operations > 100);
    assert_true(rig.ends[0].host->tallies[1].operations > 10);
    assert_true(rig.ends[0].host->tallies[1].bytes_in > 300000 * rig.ends[0].host->tallies[1].operations);
    assert_int_equal(failed() + tally_failed(&rig.ends[0].host->tallies[1]), 0);
}

/* ---- open loop ---- */

static bool stalled;

static bool lose_while_stalled(uint32_t end, struct rte_mbuf *m)
{
    (void)end;
    (void)m;
    return !stalled;
}

static void keeps_to_its_rate(void **state)
{
    struct load_plan plan = rig_plan(LOAD_REQUEST, ORIGIN, NULL);

    (void)state;
    plan.flows[0].rate = 500;
    join(&plan);
    rig_run_ms(4000);
    assert_int_equal(failed(), 0);
    assert_in_range(rig_tally()->operations, 1800, 2200);
    assert_int_equal(rig_tally()->overdue, 0);
}

/* Those who would have come while nothing answered are counted with what they would have waited. */
static void a_stall_is_charged_to_all_who_were_due(void **state)
{
    struct load_plan plan = rig_plan(LOAD_HANDSHAKE, ORIGIN, NULL);

    (void)state;
    plan.flows[0].rate = 400;
    plan.flows[0].connections = 2;
    join(&plan);
    rig.meddle = lose_while_stalled;
    stalled = false;
    rig_run_ms(1000);
    assert_true(rig_tally()->latency.max_ns < 50 * SL_NS_PER_MS);
    stalled = true;
    rig_run_ms(1000);
    stalled = false;
    rig_run_ms(3000);
    assert_true(rig_tally()->latency.max_ns > 900 * SL_NS_PER_MS);
    assert_true(histogram_quantile(&rig_tally()->latency, 0.85) > 100 * SL_NS_PER_MS);
    assert_in_range(rig_tally()->operations, 1800, 2200);
}

/* ---- servers that err ---- */

static uint32_t liar; /* the end whose bytes are changed */

/* Another last byte in every full segment. */
static bool change_last_byte(uint32_t end, struct rte_mbuf *m)
{
    struct rte_mbuf *last = rte_pktmbuf_lastseg(m), *own;

    if (end != liar || m->pkt_len < 1000)
        return true;
    if (m == last)
        return true;                                         /* payload hangs behind the header's buffer */
    own = rte_pktmbuf_alloc(rig.ends[end].host->pools.data); /* what is queued stays as it is */
    assert_non_null(own);
    own->data_len = last->data_len;
    memcpy(rte_pktmbuf_mtod(own, void *), rte_pktmbuf_mtod(last, void *), last->data_len);
    *rte_pktmbuf_mtod_offset(own, uint8_t *, own->data_len - 1) ^= 1;
    for (struct rte_mbuf *s = m; s; s = s->next)
        if (s->next == last)
            s->next = own;
    rte_pktmbuf_free_seg(last);
    return true;
}

static void wrong_bytes_of_an_answer_are_seen(void **state)
{
    struct load_plan plan = rig_plan(LOAD_DOWNLOAD, ORIGIN, NULL);

    (void)state;
    liar = 1;
    join(&plan);
    rig.meddle = change_last_byte;
    rig_run_ms(200);
    assert_int_equal(rig_tally()->operations, 0);
    assert_true(rig_tally()->failed[LOAD_FAIL_BYTES] > 0);
    assert_int_equal(failed(), rig_tally()->failed[LOAD_FAIL_BYTES]);
}

static void wrong_bytes_of_a_request_are_refused(void **state)
{
    struct load_plan plan = rig_plan(LOAD_UPLOAD, ORIGIN, NULL);

    (void)state;
    liar = 0;
    join(&plan);
    rig.meddle = change_last_byte;
    rig_run_ms(200);
    assert_int_equal(rig_tally()->operations, 0);
    assert_true(origin()->bad_bytes > 0);
    assert_true(failed() > 0);
}

static void a_server_that_is_not_there_is_asked_with_pauses(void **state)
{
    struct load_plan plan = rig_plan(LOAD_HANDSHAKE, "198.18.0.10:81", NULL);

    (void)state;
    join(&plan);
    rig_run_ms(1000);
    assert_int_equal(rig_tally()->operations, 0);
    assert_in_range(rig_tally()->failed[LOAD_FAIL_CONNECT], 8 * 5, 8 * 11);
    assert_int_equal(failed(), rig_tally()->failed[LOAD_FAIL_CONNECT]);
}

static void silence_fails_after_a_while(void **state)
{
    struct load_plan plan = rig_plan(LOAD_REQUEST, ORIGIN, NULL);

    (void)state;
    join(&plan);
    rig.meddle = lose_while_stalled;
    stalled = false;
    rig_run_ms(100);
    assert_true(rig_tally()->operations > 0);
    stalled = true;
    rig_run_ms(9000);
    assert_int_equal(failed(), 0);
    rig_run_ms(1200);
    assert_int_equal(rig_tally()->failed[LOAD_FAIL_TIMEOUT], 8);
    stalled = false;
    rig_run_ms(5000); /* and the slots go on */
    assert_int_equal(rig_tally()->open, 8);
}

/* ---- hold, and the end ---- */

static void holds_idle_connections_and_asks_a_tenth(void **state)
{
    struct load_plan plan = rig_plan(LOAD_HOLD, ORIGIN, NULL);
    struct client *client;
    uint64_t frames;

    (void)state;
    plan.flows[0].connections = 1000;
    join(&plan);
    client = rig.ends[0].host->client;
    assert_int_equal(client_to_hold(client), 1000);
    rig_run_ms(1000);
    assert_int_equal(client_held(client), 1000);
    assert_int_equal(origin()->open, 1000);
    assert_int_equal(rig_tally()->operations, 0);
    frames = sl_stat_read(&rig.ends[0].host->stats.ctr[SL_CTR_NET_TX_PACKETS]);
    rig_run_ms(1000);
    assert_int_equal(sl_stat_read(&rig.ends[0].host->stats.ctr[SL_CTR_NET_TX_PACKETS]), frames);
    client_ask(client);
    assert_false(client_asked(client));
    rig_run_ms(200);
    assert_true(client_asked(client));
    assert_int_equal(failed(), 0);
    assert_in_range(rig_tally()->operations, 60, 140);
    assert_int_equal(origin()->requests, 1000 + rig_tally()->operations);
}

static void a_held_connection_that_is_lost_is_a_failure_and_comes_again(void **state)
{
    struct load_plan plan = rig_plan(LOAD_HOLD, ORIGIN, NULL);

    (void)state;
    plan.flows[0].connections = 100;
    join(&plan);
    rig_run_ms(500);
    origin_stop(rig.ends[1].host->origin); /* resets all of them */
    rig_run_ms(50);
    assert_true(rig_tally()->failed[LOAD_FAIL_RESET] >= 100);
    assert_int_equal(client_held(rig.ends[0].host->client), 0);
}

static void the_end_leaves_nothing_open(void **state)
{
    struct load_plan plan = rig_plan(LOAD_DOWNLOAD, ORIGIN, NULL);

    (void)state;
    plan.flows[0].connections = 200;
    join(&plan);
    rig_run_ms(100);
    assert_true(rig_tally()->open > 0);
    host_stop(rig.ends[0].host);
    assert_false(host_stopped(rig.ends[0].host));
    rig_run_ms(20);
    assert_true(host_stopped(rig.ends[0].host));
    assert_int_equal(rig_tally()->open, 0);
    assert_int_equal(failed(), 0);
    assert_int_equal(sl_tcp_conns(rig.ends[0].host->tcp), 0);
    assert_int_equal(sl_tcp_conns(rig.ends[1].host->tcp), 0);
    assert_int_equal(origin()->open, 0);
    assert_true(host_next(rig.ends[0].host) > rig.now);
}

static void an_idle_host_sleeps(void **state)
{
    struct load_plan plan = rig_plan(LOAD_HOLD, ORIGIN, NULL);

    (void)state;
    join(&plan);
    rig_run_ms(300);
    assert_true(host_next(rig.ends[0].host) > rig.now + 100 * SL_NS_PER_MS); /* neighbours age */
    assert_true(host_next(rig.ends[1].host) > rig.now + 100 * SL_NS_PER_MS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(requests_on_kept_connections),
        T(a_connection_for_each_request),
        T(large_answers),
        T(large_requests),
        T(some_requests_on_each_connection),
        T(flows_side_by_side_count_apart),
        T(keeps_to_its_rate),
        T(a_stall_is_charged_to_all_who_were_due),
        T(wrong_bytes_of_an_answer_are_seen),
        T(wrong_bytes_of_a_request_are_refused),
        T(a_server_that_is_not_there_is_asked_with_pauses),
        T(silence_fails_after_a_while),
        T(holds_idle_connections_and_asks_a_tenth),
        T(a_held_connection_that_is_lost_is_a_failure_and_comes_again),
        T(the_end_leaves_nothing_open),
        T(an_idle_host_sleeps),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
