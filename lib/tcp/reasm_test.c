/* Reassembly against a model of bytes; bounds; what SACK says about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/reasm.h"

#define SPACE 6000u      /* bytes of stream under test */
#define BASE 0xfffff000u /* so that numbers wrap in its midst */

static struct rte_mempool *pool;
static struct node_pool nodes;
static struct reasm r;

static uint8_t byte_at(uint32_t pos) { return (uint8_t)(pos * 7 + pos / 251); }

static enum reasm_result put(uint32_t from, uint32_t to, struct range *dup)
{
    uint8_t bytes[2048];

    for (uint32_t i = from; i < to; i++)
        bytes[i - from] = byte_at(i);
    return sl_tcp_reasm_insert(&nodes, &r, BASE + from, th_mbuf_exact(pool, bytes, to - from, 0), 0,
                               (uint16_t)(to - from), 1024, dup);
}

static enum reasm_result add(uint32_t from, uint32_t to)
{
    struct range dup;

    return put(from, to, &dup);
}

static int begin(void **state)
{
    memset(&r, 0, sizeof r);
    return 0;
}

static int end(void **state)
{
    sl_tcp_reasm_clear(&nodes, &r);
    assert_int_equal(nodes.slab.used, 0);
    assert_int_equal(nodes.held_bytes, 0);
    return 0;
}

static void drain(struct queue *q, uint32_t from)
{
    struct sl_slice s;

    while (sl_tcp_queue_pop(&nodes, q, 777, &s)) {
        for (uint32_t i = 0; i < s.len; i++)
            assert_int_equal(sl_slice_data(&s)[i], byte_at(from + i));
        from += s.len;
        sl_slice_free(&s);
    }
}

static void runs_that_meet_become_one(void **state)
{
    struct queue q = {0};

    add(100, 200);
    add(300, 400);
    assert_int_equal(r.n_runs, 2);
    add(200, 300);
    assert_int_equal(r.n_runs, 1);
    assert_int_equal(sl_tcp_reasm_deliver(&nodes, &r, BASE + 50, &q), BASE + 50);
    assert_int_equal(sl_tcp_reasm_deliver(&nodes, &r, BASE + 150, &q), BASE + 400);
    assert_int_equal(q.bytes, 250);
    drain(&q, 150);
}

static void bytes_that_are_there_stay(void **state)
{
    struct range dup;

    assert_int_equal(put(100, 200, &dup), REASM_KEPT);
    assert_int_equal(dup.start, dup.end);
    assert_int_equal(put(120, 180, &dup), REASM_DUPLICATE);
    assert_int_equal(dup.start, BASE + 120);
    assert_int_equal(dup.end, BASE + 180);
    assert_int_equal(put(50, 250, &dup), REASM_KEPT); /* on both sides of what is there */
    assert_int_equal(dup.start, BASE + 100);
    assert_int_equal(dup.end, BASE + 200);
    assert_int_equal(r.n_runs, 1);
    assert_int_equal(r.runs[0].q.bytes, 200);
}

/* Any segments in any order: what comes out is the stream. */
static void random_pieces_come_out_as_the_stream(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sl_rng rng;
        struct queue q = {0};
        uint32_t nxt = 0;

        sl_rng_seed(&rng, seed);
        while (nxt < SPACE) {
            uint32_t ahead = sl_rng_below(&rng, 4) ? (uint32_t)sl_rng_below(&rng, SPACE - nxt) : 0, from = nxt + ahead,
                     to = from + 1 + (uint32_t)sl_rng_below(&rng, 300);

            to = SL_MIN(to, SPACE);
            if (from == nxt) { /* in order: straight to the queue, as the connection does */
                uint8_t bytes[512];

                for (uint32_t i = from; i < to; i++)
                    bytes[i - from] = byte_at(i);
                assert_true(sl_tcp_queue_push(&nodes, &q, th_mbuf_exact(pool, bytes, to - from, 0), 0,
                                              (uint16_t)(to - from), true));
                nxt = sl_tcp_reasm_deliver(&nodes, &r, BASE + to, &q) - BASE;
            } else {
                add(from, to);
            }
            for (uint32_t i = 0; i + 1 < r.n_runs; i++)
                assert_true(seq_lt(run_end(&r.runs[i]), r.runs[i + 1].start));
        }
        assert_int_equal(q.bytes, SPACE);
        drain(&q, 0);
        assert_int_equal(r.n_runs, 0);
        assert_int_equal(r.segs, 0);
    }
}

/* SegmentSmack (CVE-2018-5390): one-byte segments, never adjacent. */
static void holes_are_bounded(void **state)
{
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(add(i * 3 + 1, i * 3 + 2), i < REASM_RUNS_MAX ? REASM_KEPT : REASM_FULL);
    assert_int_equal(r.n_runs, REASM_RUNS_MAX);
    assert_int_equal(nodes.slab.used, REASM_RUNS_MAX);
}

/* The same, backwards and adjacent: one run, but each byte holds a buffer. */
static void segments_are_bounded(void **state)
{
    for (uint32_t i = 3000; i > 1000; i--)
        add(i, i + 1);
    assert_int_equal(r.n_runs, 1);
    assert_int_equal(r.segs, 1024);
}

static void small_segments_in_a_row_share_a_buffer(void **state)
{
    for (uint32_t i = 0; i < 500; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        struct range dup;

        assert_non_null(m);
        *rte_pktmbuf_mtod(m, uint8_t *) = byte_at(100 + i);
        assert_int_equal(sl_tcp_reasm_insert(&nodes, &r, BASE + 100 + i, m, m->data_off, 1, 1024, &dup), REASM_KEPT);
    }
    assert_int_equal(r.segs, 1);
    assert_int_equal(r.runs[0].q.bytes, 500);
}

/* RFC 2018 section 4: the run that changed last comes first. */
static void blocks_tell_the_newest_first(void **state)
{
    struct range out[4];

    add(100, 200);
    add(300, 400);
    add(500, 600);
    add(150, 210);
    assert_int_equal(sl_tcp_reasm_blocks(&r, out, 3), 3);
    assert_int_equal(out[0].start, BASE + 100);
    assert_int_equal(out[0].end, BASE + 210);
    assert_int_equal(out[1].start, BASE + 500);
    assert_int_equal(out[2].start, BASE + 300);
    assert_int_equal(sl_tcp_reasm_blocks(&r, out, 1), 1);
}

/* However many segments a run grew by, and whatever found no room since, the runs before it are told again. */
static void blocks_tell_older_runs_again(void **state)
{
    struct range out[4], dup;

    add(100, 200);
    add(300, 400);
    for (uint32_t i = 500; i < 600; i += 10)
        add(i, i + 10);
    for (uint32_t i = 700; i < 800; i += 10)
        sl_tcp_reasm_insert(&nodes, &r, BASE + i, th_mbuf_exact(pool, "x", 1, 0), 0, 1, r.segs, &dup);
    assert_int_equal(sl_tcp_reasm_blocks(&r, out, 4), 3);
    assert_int_equal(out[0].start, BASE + 500);
    assert_int_equal(out[0].end, BASE + 600);
    assert_int_equal(out[1].start, BASE + 300);
    assert_int_equal(out[2].start, BASE + 100);
}

static int setup(void **state)
{
    th_eal_init();
    pool = th_pool("reasm", 4095, 2048);
    return sl_tcp_slab_init(&nodes.slab, sizeof(struct node), 4000);
}

static int teardown(void **state)
{
    sl_tcp_slab_free(&nodes.slab);
    return th_leak_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_that_meet_become_one, begin, end),
        cmocka_unit_test_setup_teardown(bytes_that_are_there_stay, begin, end),
        cmocka_unit_test_setup_teardown(random_pieces_come_out_as_the_stream, begin, end),
        cmocka_unit_test_setup_teardown(holes_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(segments_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(small_segments_in_a_row_share_a_buffer, begin, end),
        cmocka_unit_test_setup_teardown(blocks_tell_the_newest_first, begin, end),
        cmocka_unit_test_setup_teardown(blocks_tell_older_runs_again, begin, end),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
