/* The table: what was put in is found, whatever else comes and goes; deletion leaves nothing behind; probing is
 * bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tcp/table.h"

#define N 4000u

static struct tuple tuples[N + 1]; /* by reference; 0 is none */

static const struct tuple *tuple_of(const void *ctx, uint32_t ref) { return &tuples[ref]; }

static void make(struct table *t, uint32_t capacity)
{
    struct sl_hash_key key = {{1, 2}};

    assert_int_equal(sl_tcp_table_init(t, capacity, &key), 0);
    t->tuple_of = tuple_of;
    for (uint32_t i = 1; i <= N; i++) {
        tuples[i] = (struct tuple){.lport = 443, .rport = (uint16_t)i};
        tuples[i].remote.w[3] = i / 7;
        tuples[i].hash = table_hash(t, &tuples[i]);
    }
}

static void entries_are_found_until_they_are_removed(void **state)
{
    struct table t;

    make(&t, N);
    for (uint32_t i = 1; i <= N; i++)
        assert_true(sl_tcp_table_insert(&t, &tuples[i], i));
    for (uint32_t i = 1; i <= N; i += 2)
        assert_true(sl_tcp_table_remove(&t, tuples[i].hash, i));
    for (uint32_t i = 1; i <= N; i++)
        assert_int_equal(sl_tcp_table_find(&t, &tuples[i]), i % 2 ? 0 : i);
    assert_int_equal(t.count, N / 2);
    sl_tcp_table_free(&t);
}

static void what_was_removed_can_not_be_removed_again(void **state)
{
    struct table t;

    make(&t, 16);
    assert_true(sl_tcp_table_insert(&t, &tuples[1], 1));
    assert_true(sl_tcp_table_remove(&t, tuples[1].hash, 1));
    assert_false(sl_tcp_table_remove(&t, tuples[1].hash, 1));
    assert_int_equal(t.count, 0);
    sl_tcp_table_free(&t);
}

static void a_reference_can_take_another_s_place(void **state)
{
    struct table t;

    make(&t, 16);
    tuples[2] = tuples[1];
    assert_true(sl_tcp_table_insert(&t, &tuples[1], 1));
    assert_true(sl_tcp_table_replace(&t, tuples[1].hash, 1, 2));
    assert_int_equal(sl_tcp_table_find(&t, &tuples[1]), 2);
    assert_false(sl_tcp_table_remove(&t, tuples[1].hash, 1));
    assert_true(sl_tcp_table_remove(&t, tuples[1].hash, 2));
    sl_tcp_table_free(&t);
}

/* Hash flooding: every tuple has the same hash. Only so many fit, none is lost, and the table is empty when they are
 * gone. */
static void colliding_entries_spill_within_bounds(void **state)
{
    struct table t;
    uint32_t fit = 0;

    make(&t, N);
    for (uint32_t i = 1; i <= N; i++)
        tuples[i].hash = 0xdeadbeef;
    while (fit < N && sl_tcp_table_insert(&t, &tuples[fit + 1], fit + 1))
        fit++;
    assert_int_equal(fit, TABLE_SLOTS * TABLE_PROBE_MAX);
    for (uint32_t i = 1; i <= fit; i++)
        assert_int_equal(sl_tcp_table_find(&t, &tuples[i]), i);
    for (uint32_t i = 1; i <= fit; i++) /* those in the home bucket go first: the spilled ones must still be found */
        assert_true(sl_tcp_table_remove(&t, tuples[i].hash, i));
    for (uint32_t b = 0; b <= t.mask; b++)
        assert_int_equal(t.buckets[b].passed, 0);
    assert_int_equal(t.count, 0);
    sl_tcp_table_free(&t);
}

/* Hash flooding: tuples that all share a bucket under a key that the attacker knows, and under a sum that needs no key. With
 * another key they lie apart. */
static void what_collides_without_the_key_lies_apart_with_it(void **state)
{
    const struct sl_hash_key known = {{0, 0}};
    struct table t, theirs;
    uint32_t n = 0, most = 0, *in = calloc(N, sizeof *in);

    assert_non_null(in);
    make(&t, N);
    theirs = (struct table){.mask = t.mask, .key = known};
    for (uint32_t i = 0; n < 1000; i++) {
        struct tuple x = {.lport = 443, .rport = (uint16_t)i};

        x.remote.w[3] = (i >> 16) ^ (i & 0xffff); /* address xor port: the same for all of a row */
        if ((table_hash(&theirs, &x) & 63) != 5)
            continue;
        x.hash = table_hash(&t, &x);
        tuples[++n] = x;
    }
    for (uint32_t i = 1; i <= n; i++) {
        assert_true(sl_tcp_table_insert(&t, &tuples[i], i));
        in[tuples[i].hash & t.mask]++;
        most = SL_MAX(most, in[tuples[i].hash & t.mask]);
    }
    assert_true(most <= TABLE_SLOTS); /* 1 a bucket on average */
    free(in);
    sl_tcp_table_free(&t);
}

static void a_million_comings_and_goings_leave_it_whole(void **state)
{
    static bool in[N + 1];
    struct table t;
    struct sl_rng rng;

    make(&t, N / 2); /* over capacity, so that buckets spill */
    sl_rng_seed(&rng, 7);
    for (uint32_t step = 0; step < 300000; step++) {
        uint32_t i = 1 + (uint32_t)sl_rng_below(&rng, N);

        if (in[i])
            assert_true(sl_tcp_table_remove(&t, tuples[i].hash, i));
        in[i] = !in[i] && sl_tcp_table_insert(&t, &tuples[i], i);
    }
    for (uint32_t i = 1; i <= N; i++)
        assert_int_equal(sl_tcp_table_find(&t, &tuples[i]), in[i] ? i : 0);
    sl_tcp_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_until_they_are_removed),
        cmocka_unit_test(what_was_removed_can_not_be_removed_again),
        cmocka_unit_test(a_reference_can_take_another_s_place),
        cmocka_unit_test(colliding_entries_spill_within_bounds),
        cmocka_unit_test(what_collides_without_the_key_lies_apart_with_it),
        cmocka_unit_test(a_million_comings_and_goings_leave_it_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
