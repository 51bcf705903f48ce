/* The wheel against a naive list, with seeded random operations in virtual time; and its corners one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "timer/timer.h"

#define TICK_NS (UINT64_C(1) << SL_WHEEL_TICK_SHIFT)
#define TIMERS 300

static struct sl_wheel wheel;

static uint64_t spread(struct sl_rng *rng)
{
    /* Any order of magnitude from one nanosecond to years, near round ticks every other time. */
    uint64_t ns = sl_rng_next(rng) >> (6 + sl_rng_below(rng, 58));

    return sl_rng_below(rng, 2) ? ns : ns & ~(TICK_NS - 1);
}

struct model {
    struct sl_timer timers[TIMERS];
    uint64_t at_ns[TIMERS];
    uint64_t now;
    size_t armed;
};

static void arm(struct model *m, size_t i, uint64_t at_ns)
{
    m->armed += (at_ns != SL_NEVER) - (size_t)(m->at_ns[i] != SL_NEVER);
    m->at_ns[i] = at_ns;
    if (at_ns == SL_NEVER)
        sl_wheel_cancel(&wheel, &m->timers[i]);
    else
        sl_wheel_arm(&wheel, &m->timers[i], at_ns);
}

static void advance(struct model *m, uint64_t to)
{
    struct sl_list due, *node;

    sl_list_init(&due);
    m->now = to;
    sl_wheel_advance(&wheel, to, &due);
    while ((node = sl_list_pop_front(&due)) != NULL) {
        struct sl_timer *t = sl_container_of(node, struct sl_timer, link);
        size_t i = (size_t)(t - m->timers);

        assert_true(m->at_ns[i] <= to); /* never early; SL_NEVER would be */
        assert_false(sl_timer_armed(t));
        m->at_ns[i] = SL_NEVER;
        m->armed--;
    }
    for (size_t i = 0; i < TIMERS; i++)
        assert_true(m->at_ns[i] == SL_NEVER || m->at_ns[i] + TICK_NS > to); /* at most one tick late */
    assert_int_equal(wheel.count, m->armed);
}

static void check_next(const struct model *m)
{
    uint64_t earliest = SL_NEVER, next = sl_wheel_next(&wheel);

    for (size_t i = 0; i < TIMERS; i++)
        earliest = SL_MIN(earliest, m->at_ns[i]);
    assert_true(earliest == SL_NEVER ? next == SL_NEVER : next < SL_MAX(earliest, m->now) + TICK_NS);
}

static void random_operations_agree_with_a_naive_list(void **state)
{
    static struct model m;

    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sl_rng rng;

        sl_rng_seed(&rng, seed);
        memset(&m, 0, sizeof m);
        m.now = spread(&rng);
        sl_wheel_init(&wheel, m.now);
        for (size_t i = 0; i < TIMERS; i++) {
            sl_timer_init(&m.timers[i]);
            m.at_ns[i] = SL_NEVER;
        }
        for (int step = 0; step < 3000; step++) {
            size_t i = sl_rng_below(&rng, TIMERS);
            uint64_t what = sl_rng_below(&rng, 10), by = spread(&rng);

            if (what < 6)
                arm(&m, i, sl_rng_below(&rng, 20) ? m.now + by : m.now - SL_MIN(m.now, by));
            else if (what < 7)
                arm(&m, i, SL_NEVER);
            else if (what < 8)
                advance(&m, SL_MAX(m.now, SL_MIN(sl_wheel_next(&wheel), UINT64_C(1) << 62)));
            else if (m.now < UINT64_C(1) << 61)
                advance(&m, m.now + by % (UINT64_C(1) << (20 + sl_rng_below(&rng, 35))));
            check_next(&m);
        }
    }
}

static size_t count_due(uint64_t now)
{
    struct sl_list due;
    size_t n = 0;

    sl_list_init(&due);
    sl_wheel_advance(&wheel, now, &due);
    while (sl_list_pop_front(&due))
        n++;
    return n;
}

static void a_timer_is_never_early_and_at_most_one_tick_late(void **state)
{
    static const uint64_t at_ns[] = {1,
                                     TICK_NS - 1,
                                     TICK_NS,
                                     TICK_NS + 1,
                                     255 * TICK_NS,
                                     256 * TICK_NS,
                                     257 * TICK_NS + 1,
                                     65536 * TICK_NS,
                                     SL_NS_PER_S,
                                     3600 * SL_NS_PER_S};
    struct sl_timer t;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(at_ns); i++) {
        sl_wheel_init(&wheel, 0);
        sl_timer_init(&t);
        sl_wheel_arm(&wheel, &t, at_ns[i]);
        assert_int_equal(count_due(at_ns[i] - 1), 0);
        assert_int_equal(count_due(at_ns[i] + TICK_NS - 1), 1);
        assert_false(sl_timer_armed(&t));
    }
}

static void a_deadline_in_the_past_is_due_at_the_next_advance(void **state)
{
    struct sl_timer t;

    (void)state;
    sl_wheel_init(&wheel, SL_NS_PER_S);
    sl_timer_init(&t);
    sl_wheel_arm(&wheel, &t, 5);
    assert_true(sl_wheel_next(&wheel) <= SL_NS_PER_S);
    assert_int_equal(count_due(SL_NS_PER_S), 1);
}

static void a_deadline_beyond_the_horizon_comes_in_its_time(void **state)
{
    const uint64_t horizon_ns = TICK_NS << 32;
    struct sl_timer t;

    (void)state;
    for (uint64_t start = 0; start < 3; start++) {
        uint64_t now = start * (horizon_ns / 3 + 12345), at_ns = now + 5 * horizon_ns + 77;

        sl_wheel_init(&wheel, now);
        sl_timer_init(&t);
        sl_wheel_arm(&wheel, &t, at_ns);
        for (int hops = 0; sl_timer_armed(&t); hops++) {
            uint64_t next = sl_wheel_next(&wheel);

            assert_true(hops < 20);
            assert_true(next < at_ns + TICK_NS);
            assert_int_equal(count_due(next), next >= at_ns);
        }
    }
}

static void a_long_gap_costs_no_more_than_the_busy_slots(void **state)
{
    struct sl_timer t[3];

    (void)state;
    sl_wheel_init(&wheel, 0);
    for (int i = 0; i < 3; i++)
        sl_timer_init(&t[i]);
    sl_wheel_arm(&wheel, &t[0], 10);
    sl_wheel_arm(&wheel, &t[1], SL_NS_PER_S);
    sl_wheel_arm(&wheel, &t[2], UINT64_C(1) << 60);
    assert_int_equal(count_due((UINT64_C(1) << 63) + 1), 3); /* 2^47 ticks: a loop over ticks would not end */
    assert_int_equal(sl_wheel_next(&wheel), SL_NEVER);
}

static void what_is_due_comes_in_order_of_ticks(void **state)
{
    static const unsigned order[] = {3, 0, 70000, 2, 300, 1, 299};
    static const unsigned sorted[] = {0, 1, 2, 3, 299, 300, 70000};
    struct sl_timer t[SL_ARRAY_LEN(order)];
    struct sl_list due;

    (void)state;
    sl_wheel_init(&wheel, 0);
    for (size_t i = 0; i < SL_ARRAY_LEN(order); i++) {
        sl_timer_init(&t[i]);
        sl_wheel_arm(&wheel, &t[i], order[i] * TICK_NS);
    }
    sl_list_init(&due);
    sl_wheel_advance(&wheel, 100000 * TICK_NS, &due);
    for (size_t i = 0; i < SL_ARRAY_LEN(order); i++) {
        const struct sl_timer *first = sl_container_of(sl_list_pop_front(&due), struct sl_timer, link);

        assert_int_equal(order[first - t], sorted[i]);
    }
    assert_true(sl_list_empty(&due));
}

static void moving_later_leaves_the_timer_in_place_and_earlier_moves_it(void **state)
{
    struct sl_timer t;
    struct sl_list *slot;

    (void)state;
    sl_wheel_init(&wheel, 0);
    sl_timer_init(&t);
    sl_wheel_arm(&wheel, &t, 10 * TICK_NS);
    slot = t.link.next;
    sl_wheel_arm(&wheel, &t, 500 * TICK_NS);
    assert_ptr_equal(t.link.next, slot);
    assert_int_equal(count_due(499 * TICK_NS), 0);
    sl_wheel_arm(&wheel, &t, 1000 * TICK_NS);
    sl_wheel_arm(&wheel, &t, 600 * TICK_NS);
    assert_int_equal(count_due(600 * TICK_NS), 1);
    assert_int_equal(wheel.count, 0);
}

static void cancelling_takes_a_timer_out_of_the_wheel_and_out_of_due(void **state)
{
    struct sl_timer a, b;
    struct sl_list due;

    (void)state;
    sl_wheel_init(&wheel, 0);
    sl_timer_init(&a);
    sl_timer_init(&b);
    sl_wheel_cancel(&wheel, &a);
    sl_wheel_arm(&wheel, &a, TICK_NS);
    sl_wheel_cancel(&wheel, &a);
    assert_int_equal(sl_wheel_next(&wheel), SL_NEVER);
    sl_wheel_arm(&wheel, &a, TICK_NS);
    sl_wheel_arm(&wheel, &b, TICK_NS);
    sl_list_init(&due);
    sl_wheel_advance(&wheel, TICK_NS, &due);
    sl_wheel_cancel(&wheel, &a);
    sl_wheel_arm(&wheel, &b, 2 * TICK_NS); /* armed anew before its turn */
    assert_true(sl_list_empty(&due));
    assert_int_equal(count_due(2 * TICK_NS), 1);
}

static void a_fifo_is_due_in_the_order_of_starting(void **state)
{
    struct sl_timer a, b, c;
    struct sl_fifo f;

    (void)state;
    sl_fifo_init(&f, 100);
    sl_timer_init(&a);
    sl_timer_init(&b);
    sl_timer_init(&c);
    assert_int_equal(sl_fifo_next(&f), SL_NEVER);
    assert_null(sl_fifo_pop_due(&f, SL_NEVER));
    sl_fifo_start(&f, &a, 0);
    sl_fifo_start(&f, &b, 10);
    sl_fifo_start(&f, &c, 20);
    sl_fifo_start(&f, &a, 30); /* again: to the back */
    sl_fifo_stop(&c);
    assert_int_equal(sl_fifo_next(&f), 110);
    assert_null(sl_fifo_pop_due(&f, 109));
    assert_ptr_equal(sl_fifo_pop_due(&f, 1000), &b);
    assert_ptr_equal(sl_fifo_pop_due(&f, 1000), &a);
    assert_null(sl_fifo_pop_due(&f, 1000));
    assert_false(sl_timer_armed(&a));
    assert_false(sl_timer_armed(&c));
}

static void a_fifo_that_never_ends_arms_nothing(void **state)
{
    struct sl_timer t;
    struct sl_fifo f;

    (void)state;
    sl_fifo_init(&f, SL_NEVER);
    sl_timer_init(&t);
    sl_fifo_start(&f, &t, 7);
    assert_false(sl_timer_armed(&t));
    assert_int_equal(sl_fifo_next(&f), SL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_naive_list),
        cmocka_unit_test(a_timer_is_never_early_and_at_most_one_tick_late),
        cmocka_unit_test(a_deadline_in_the_past_is_due_at_the_next_advance),
        cmocka_unit_test(a_deadline_beyond_the_horizon_comes_in_its_time),
        cmocka_unit_test(a_long_gap_costs_no_more_than_the_busy_slots),
        cmocka_unit_test(what_is_due_comes_in_order_of_ticks),
        cmocka_unit_test(moving_later_leaves_the_timer_in_place_and_earlier_moves_it),
        cmocka_unit_test(cancelling_takes_a_timer_out_of_the_wheel_and_out_of_due),
        cmocka_unit_test(a_fifo_is_due_in_the_order_of_starting),
        cmocka_unit_test(a_fifo_that_never_ends_arms_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
