/* Arrivals of an open loop, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "schedule.h"

#define START_NS UINT64_C(123456789)

/* n arrivals: their number and variance are those of a Poisson process, and nothing drifts, however small the gaps are. */
static void the_rate_holds(void **state)
{
    static const double rates[] = {0.001, 1, 12345.678, 1e6, 3e8, 1e9};
    enum { N = 1000000 };

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(rates); i++) {
        struct schedule s;
        uint64_t due = 0, last = START_NS, longer = 0;
        double mean_ns = 1e9 / rates[i], error;

        schedule_init(&s, rates[i], START_NS, 7 + i);
        for (uint32_t k = 0; k < N; k++) {
            assert_true(schedule_take(&s, SL_NEVER - 1, &due));
            assert_true(due >= last);
            longer += (double)(due - last) > mean_ns;
            last = due;
        }
        error = (double)(due - START_NS) / (mean_ns * N) - 1;
        assert_true(fabs(error) < 4 / sqrt(N)); /* four standard deviations */
        if (mean_ns > 100)                      /* a part e^-1 of exponential gaps is longer than their mean */
            assert_true(fabs((double)longer / N - exp(-1)) < 4 * 0.4823 / sqrt(N));
    }
}

static void what_came_due_in_a_stall_is_delivered_one_by_one(void **state)
{
    struct schedule stalled, prompt;
    uint64_t due, same, n = 0;

    (void)state;
    schedule_init(&stalled, 1e6, START_NS, 3);
    schedule_init(&prompt, 1e6, START_NS, 3);
    for (uint64_t now = START_NS; now < START_NS + SL_NS_PER_MS; now += SL_NS_PER_MS / 10) {
        while (schedule_take(&prompt, now, &same)) {
            assert_true(schedule_take(&stalled, START_NS + SL_NS_PER_S, &due)); /* a second late */
            assert_int_equal(due, same);
            n++;
        }
    }
    assert_true(n > 700 && n < 1100);
}

static void nothing_is_due_before_its_time(void **state)
{
    struct schedule s;
    uint64_t due, next;

    (void)state;
    schedule_init(&s, 1000, START_NS, 4);
    for (int i = 0; i < 1000; i++) {
        next = schedule_next(&s);
        assert_true(next >= START_NS && next != SL_NEVER);
        assert_false(schedule_take(&s, next - 1, &due));
        assert_int_equal(schedule_next(&s), next);
        assert_true(schedule_take(&s, next, &due));
        assert_int_equal(due, next);
    }
}

static void seeds_make_arrivals(void **state)
{
    struct schedule a, b, c;

    (void)state;
    schedule_init(&a, 1000, 0, 5);
    schedule_init(&b, 1000, 0, 5);
    schedule_init(&c, 1000, 0, 6);
    assert_int_equal(schedule_next(&a), schedule_next(&b));
    assert_true(schedule_next(&a) != schedule_next(&c));
}

static void a_closed_loop_has_no_arrivals(void **state)
{
    struct schedule s;
    uint64_t due;

    (void)state;
    schedule_init(&s, 0, START_NS, 1);
    assert_true(schedule_next(&s) == SL_NEVER);
    assert_false(schedule_take(&s, SL_NEVER, &due));
}

static void the_rarest_arrival_is_in_the_future(void **state)
{
    struct schedule s;

    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        schedule_init(&s, 1e-12, START_NS, seed);
        assert_true(schedule_next(&s) > START_NS && schedule_next(&s) <= START_NS + (UINT64_C(1) << 62));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_holds),
        cmocka_unit_test(what_came_due_in_a_stall_is_delivered_one_by_one),
        cmocka_unit_test(nothing_is_due_before_its_time),
        cmocka_unit_test(seeds_make_arrivals),
        cmocka_unit_test(a_closed_loop_has_no_arrivals),
        cmocka_unit_test(the_rarest_arrival_is_in_the_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
