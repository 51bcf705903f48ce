/* Small parts: sequence arithmetic, queues, the RTO, initial sequence numbers, the table of states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/tcp_internal.h"

static struct rte_mempool *pool;

static void sequence_numbers_compare_across_the_wrap(void **state)
{
    assert_true(seq_lt(0xffffffff, 0));
    assert_true(seq_gt(5, 0xfffffff0));
    assert_true(seq_leq(7, 7) && seq_geq(7, 7));
    assert_int_equal(seq_max(0xffffffff, 1), 1);
    assert_int_equal(seq_min(0xffffffff, 1), 0xffffffff);
    assert_true(seq_in(1, 0xfffffffe, 3));
    assert_false(seq_in(3, 0xfffffffe, 3));
    assert_false(seq_in(0, 5, 5));
}

/* ---- queues ---- */

static struct rte_mbuf *plain(uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    assert_non_null(m);
    memset(rte_pktmbuf_append(m, len), 'a', len);
    return m;
}

static void small_payloads_are_joined_only_where_nobody_else_looks(void **state)
{
    struct node_pool p = {0};
    struct queue q = {0};
    struct rte_mbuf *first = plain(100), *second = plain(100), *third = plain(100);

    assert_int_equal(sl_tcp_slab_init(&p.slab, sizeof(struct node), 100), 0);
    assert_true(sl_tcp_queue_push(&p, &q, first, first->data_off, 100, true));
    assert_int_equal(p.held_bytes, first->buf_len);
    assert_true(sl_tcp_queue_push(&p, &q, second, second->data_off, 100, true));
    assert_int_equal(p.slab.used, 1);
    rte_mbuf_refcnt_update(first, 1); /* a device holds it */
    assert_true(sl_tcp_queue_push(&p, &q, third, third->data_off, 100, true));
    assert_int_equal(p.slab.used, 2);
    assert_int_equal(q.bytes, 300);
    sl_tcp_queue_drop(&p, &q, 250);
    assert_int_equal(p.slab.used, 1);
    assert_int_equal(q.bytes, 50);
    queue_clear(&p, &q);
    assert_int_equal(p.held_bytes, 0);
    rte_pktmbuf_free_seg(first);
    sl_tcp_slab_free(&p.slab);
}

static void peeking_crosses_pieces_and_takes_nothing(void **state)
{
    struct node_pool p = {0};
    struct queue q = {0};
    uint8_t out[20];

    assert_int_equal(sl_tcp_slab_init(&p.slab, sizeof(struct node), 100), 0);
    assert_int_equal(sl_tcp_queue_peek(&p, &q, out, sizeof out), 0);
    for (char i = 0; i < 3; i++) {
        struct rte_mbuf *m = plain(4);

        memset(rte_pktmbuf_mtod(m, char *), '0' + i, 4);
        assert_true(sl_tcp_queue_push(&p, &q, m, m->data_off, 4, false));
    }
    assert_int_equal(sl_tcp_queue_peek(&p, &q, out, 6), 6);
    assert_memory_equal(out, "000011", 6);
    assert_int_equal(sl_tcp_queue_peek(&p, &q, out, sizeof out), 12);
    assert_memory_equal(out, "000011112222", 12);
    assert_int_equal(q.bytes, 12);
    queue_clear(&p, &q);
    sl_tcp_slab_free(&p.slab);
}

static void a_queue_hands_out_parts_and_keeps_the_rest(void **state)
{
    struct node_pool p = {0};
    struct queue q = {0};
    struct rte_mbuf *m = plain(100);
    struct sl_slice s;

    assert_int_equal(sl_tcp_slab_init(&p.slab, sizeof(struct node), 100), 0);
    assert_true(sl_tcp_queue_push(&p, &q, m, m->data_off, 100, true));
    assert_true(sl_tcp_queue_pop(&p, &q, 30, &s));
    assert_int_equal(s.len, 30);
    assert_int_equal(q.bytes, 70);
    sl_slice_free(&s);
    assert_true(sl_tcp_queue_pop(&p, &q, 1000, &s));
    assert_int_equal(s.len, 70);
    assert_int_equal(p.held_bytes, 0);
    sl_slice_free(&s);
    assert_false(sl_tcp_queue_pop(&p, &q, 1000, &s));
    sl_tcp_slab_free(&p.slab);
}

static void a_slab_is_bounded_and_hands_out_again(void **state)
{
    struct slab s;
    uint32_t first, idx;

    assert_int_equal(sl_tcp_slab_init(&s, 64, 2000), 0);
    assert_non_null(sl_tcp_slab_take(&s, &first));
    for (uint32_t i = 1; i < 2000; i++)
        assert_non_null(sl_tcp_slab_take(&s, &idx));
    assert_null(sl_tcp_slab_take(&s, &idx));
    sl_tcp_slab_give(&s, first);
    assert_non_null(sl_tcp_slab_take(&s, &idx));
    assert_int_equal(idx, first);
    sl_tcp_slab_free(&s);
}

/* ---- RFC 6298 ---- */

static void the_rto_follows_rfc_6298(void **state)
{
    struct sl_tcp t = {.rto_min_us = 200000};
    struct conn c = {.t = &t};

    sl_tcp_rtt_sample(&c, 100 * SL_NS_PER_MS);
    assert_int_equal(c.srtt_us, 100000);
    assert_int_equal(c.rttvar_us, 50000);
    assert_int_equal(sl_tcp_rtt_rto_us(&c), 300000);
    sl_tcp_rtt_sample(&c, 200 * SL_NS_PER_MS);
    assert_int_equal(c.rttvar_us, 62500);
    assert_int_equal(c.srtt_us, 112500);
    assert_int_equal(sl_tcp_rtt_rto_us(&c), 362500);
    c.backoff = 3;
    assert_int_equal(sl_tcp_rtt_rto_ns(&c), 8ull * 362500 * SL_NS_PER_US);
    c.backoff = 12;
    assert_int_equal(sl_tcp_rtt_rto_ns(&c), TCP_RTO_MAX_NS);
}

/* A fault of old: a round trip of less than the clock's tick made timers that never fire. */
static void a_tiny_rtt_has_a_sane_rto(void **state)
{
    struct sl_tcp t = {.rto_min_us = 200000};
    struct conn c = {.t = &t};

    for (uint32_t i = 0; i < 100; i++)
        sl_tcp_rtt_sample(&c, i % 2);
    assert_true(c.srtt_us >= 1);
    assert_int_equal(sl_tcp_rtt_rto_ns(&c), 200 * SL_NS_PER_MS);
}

/* ---- RFC 6528 ---- */

static void initial_sequence_numbers_have_no_structure_across_tuples(void **state)
{
    struct sl_tcp t = {.isn_key = {{3, 4}}};
    uint32_t counts[256] = {0}, n = 100000, last = 0;
    uint32_t small_steps = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct tuple tuple = {.lport = 443, .rport = (uint16_t)i};
        uint32_t isn;

        tuple.remote.w[3] = i >> 16;
        isn = sl_tcp_isn(&t, &tuple);
        counts[isn >> 24]++;
        small_steps += isn - last < 1u << 20;
        last = isn;
    }
    for (uint32_t i = 0; i < 256; i++)
        assert_in_range(counts[i], n / 256 * 7 / 10, n / 256 * 13 / 10);
    assert_true(small_steps < n / 1000);
}

static void initial_sequence_numbers_of_a_tuple_grow_with_time(void **state)
{
    struct sl_tcp t = {.isn_key = {{3, 4}}};
    struct tuple tuple = {.lport = 1, .rport = 2};
    uint32_t first = sl_tcp_isn(&t, &tuple);

    t.now += SL_NS_PER_MS;
    assert_int_equal(sl_tcp_isn(&t, &tuple) - first, 250);
    t.isn_key.k[0]++;
    assert_int_not_equal(sl_tcp_isn(&t, &tuple) - first, 250);
}

/* ---- RFC 9293 figure 5 ---- */

static void states_move_only_as_the_figure_allows(void **state)
{
    static const struct {
        enum state from, to;
    } legal[] = {
        {ST_CLOSED, ST_SYN_SENT},        {ST_CLOSED, ST_ESTABLISHED}, /* by way of a request */
        {ST_SYN_SENT, ST_SYN_RCVD},      {ST_SYN_SENT, ST_ESTABLISHED},   {ST_SYN_RCVD, ST_ESTABLISHED},
        {ST_ESTABLISHED, ST_FIN_WAIT_1}, {ST_ESTABLISHED, ST_CLOSE_WAIT}, {ST_FIN_WAIT_1, ST_FIN_WAIT_2},
        {ST_FIN_WAIT_1, ST_CLOSING},     {ST_FIN_WAIT_1, ST_TIME_WAIT},   {ST_FIN_WAIT_2, ST_TIME_WAIT},
        {ST_CLOSE_WAIT, ST_LAST_ACK},    {ST_CLOSING, ST_TIME_WAIT},
    };

    for (uint32_t from = 0; from < ST_COUNT; from++) {
        for (uint32_t to = 0; to < ST_COUNT; to++) {
            bool expected = to == ST_CLOSED && from != ST_CLOSED && from != ST_LISTEN;

            for (uint32_t i = 0; i < SL_ARRAY_LEN(legal); i++)
                expected |= legal[i].from == from && legal[i].to == to;
            assert_int_equal(sl_tcp_state_may_move((enum state)from, (enum state)to), expected);
        }
    }
}

static int setup(void **state)
{
    th_eal_init();
    pool = th_pool("parts", 255, 2048);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_numbers_compare_across_the_wrap),
        cmocka_unit_test(small_payloads_are_joined_only_where_nobody_else_looks),
        cmocka_unit_test(a_queue_hands_out_parts_and_keeps_the_rest),
        cmocka_unit_test(peeking_crosses_pieces_and_takes_nothing),
        cmocka_unit_test(a_slab_is_bounded_and_hands_out_again),
        cmocka_unit_test(the_rto_follows_rfc_6298),
        cmocka_unit_test(a_tiny_rtt_has_a_sane_rto),
        cmocka_unit_test(initial_sequence_numbers_have_no_structure_across_tuples),
        cmocka_unit_test(initial_sequence_numbers_of_a_tuple_grow_with_time),
        cmocka_unit_test(states_move_only_as_the_figure_allows),
    };

    return cmocka_run_group_tests(tests, setup, th_leak_teardown);
}
