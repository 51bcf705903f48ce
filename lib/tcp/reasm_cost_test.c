/* What reassembly costs, counted in comparisons and bytes moved, not in time: SegmentSmack (CVE-2018-5390) made other stacks
 * walk a list of all that was there for each byte. The code under test is compiled in, so that its steps can be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/reasm.h"

static uint32_t comparisons, moved_bytes;

static bool counted_lt(uint32_t a, uint32_t b)
{
    comparisons++;
    return seq_lt(a, b);
}

static void *counted_move(void *to, const void *from, size_t n)
{
    moved_bytes += (uint32_t)n;
    return memmove(to, from, n);
}

#define seq_lt counted_lt
#define memmove counted_move
#include "reasm.c"
#undef seq_lt
#undef memmove

#define SPACE 60000u
#define SEGS_MAX 256u
#define RUNS_MOST 64u
#define MOVED_BYTES_MOST 4096u
#define COMPARISONS_MOST 24u /* two binary searches among 64 runs, 7 each, and what tells the cases apart */

static struct rte_mempool *pool;
static struct node_pool nodes;
static struct reasm r;

static void add_counted(uint32_t seq)
{
    struct range dup;

    comparisons = moved_bytes = 0;
    sl_tcp_reasm_insert(&nodes, &r, seq, th_mbuf_exact(pool, "x", 1, 0), 0, 1, SEGS_MAX, &dup);
    assert_in_range(comparisons, 0, COMPARISONS_MOST);
    assert_in_range(moved_bytes, 0, MOVED_BYTES_MOST);
    assert_true(r.n_runs <= RUNS_MOST && r.segs <= SEGS_MAX && nodes.slab.used <= SEGS_MAX);
}

enum order { RANDOM, FORWARDS, BACKWARDS, EVERY_OTHER, ORDERS };

static uint32_t place(struct sl_rng *rng, enum order order, uint32_t i)
{
    uint32_t at[ORDERS] = {(uint32_t)sl_rng_below(rng, SPACE), i, SPACE - i, (i * 2 + i / 1000) % SPACE};

    return at[order];
}

static void each_byte_costs_the_same_however_many_are_there(void **state)
{
    for (uint32_t order = 0; order < ORDERS; order++) {
        struct sl_rng rng;

        sl_rng_seed(&rng, order);
        memset(&r, 0, sizeof r);
        for (uint32_t i = 0; i < 20000; i++)
            add_counted(0xffff8000u + place(&rng, (enum order)order, i));
        sl_tcp_reasm_clear(&nodes, &r);
        assert_int_equal(nodes.slab.used, 0);
    }
}

static int setup(void **state)
{
    th_eal_init();
    pool = th_pool("cost", 1023, 2048);
    return sl_tcp_slab_init(&nodes.slab, sizeof(struct node), 1000);
}

static int teardown(void **state)
{
    sl_tcp_slab_free(&nodes.slab);
    return th_leak_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_byte_costs_the_same_however_many_are_there)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
