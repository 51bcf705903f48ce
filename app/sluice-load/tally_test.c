/* Tallies of workers become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "tally.h"

/* Every counter before the histograms gets a value of its own. */
static void fill(struct tally *t, uint64_t from)
{
    uint64_t *counters = (uint64_t *)t;

    tally_clear(t);
    for (size_t i = 0; i < offsetof(struct tally, latency) / sizeof *counters; i++)
        counters[i] = from + i;
}

static void all_counters_add_up(void **state)
{
    static struct tally a, b, sum;

    (void)state;
    fill(&a, 1000);
    fill(&b, 50);
    fill(&sum, 0);
    for (size_t i = 0; i < offsetof(struct tally, latency) / sizeof(uint64_t); i++)
        ((uint64_t *)&sum)[i] = 1050 + 2 * i;
    histogram_add(&a.latency, 5);
    histogram_add(&b.handshake, 7);
    histogram_add(&sum.latency, 5);
    histogram_add(&sum.handshake, 7);
    tally_merge(&a, &b);
    assert_memory_equal(&a, &sum, sizeof a);
}

static void clearing_keeps_what_is_open(void **state)
{
    static struct tally t, empty;

    (void)state;
    fill(&t, 3);
    t.open = 77;
    histogram_add(&t.latency, 5);
    tally_clear(&t);
    tally_clear(&empty);
    empty.open = 77;
    assert_memory_equal(&t, &empty, sizeof t);
    assert_true(t.latency.min_ns == UINT64_MAX && t.handshake.min_ns == UINT64_MAX);
}

static void failures_have_names_and_a_sum(void **state)
{
    static struct tally t;

    (void)state;
    tally_clear(&t);
    for (size_t i = 0; i < LOAD_FAILURES; i++) {
        t.failed[i] = 1 + i;
        assert_non_null(load_failure_name[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(load_failure_name[i], load_failure_name[k]);
    }
    assert_int_equal(tally_failed(&t), LOAD_FAILURES * (LOAD_FAILURES + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_counters_add_up),
        cmocka_unit_test(clearing_keeps_what_is_open),
        cmocka_unit_test(failures_have_names_and_a_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
