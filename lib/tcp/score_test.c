/* The scoreboard against a model, and RFC 6675's questions to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tcp/score.h"

#define SPACE 2000u
#define BASE 0xfffffc00u

static uint32_t add(struct score *s, uint32_t from, uint32_t to)
{
    bool forgot;

    return sl_tcp_score_add(s, BASE + from, BASE + to, &forgot);
}

static void ranges_merge_and_count_once(void **state)
{
    struct score s = {0};

    assert_int_equal(add(&s, 100, 200), 100);
    assert_int_equal(add(&s, 300, 400), 100);
    assert_int_equal(add(&s, 150, 160), 0); /* nested */
    assert_int_equal(add(&s, 200, 300), 100);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.bytes, 300);
    assert_int_equal(add(&s, 50, 450), 100); /* around everything */
    assert_int_equal(s.bytes, 400);
}

static void it_agrees_with_a_bitmap(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        static bool map[SPACE];
        struct score s = {0};
        struct sl_rng rng;
        uint32_t una = 0;

        memset(map, 0, sizeof map);
        sl_rng_seed(&rng, seed);
        for (uint32_t step = 0; step < 200; step++) {
            uint32_t from = una + (uint32_t)sl_rng_below(&rng, SPACE - una),
                     to = from + 1 + (uint32_t)sl_rng_below(&rng, 60), end;
            uint32_t fresh, bytes = 0, missing = 0;
            bool forgot;

            to = SL_MIN(to, SPACE);
            fresh = sl_tcp_score_add(&s, BASE + from, BASE + to, &forgot);
            for (uint32_t i = from; !forgot && i < to; i++) {
                fresh -= !map[i];
                map[i] = true;
            }
            assert_int_equal(fresh, 0);
            if (sl_rng_below(&rng, 20) == 0) {
                una += (uint32_t)sl_rng_below(&rng, 50);
                una = SL_MIN(una, SPACE - 1);
                sl_tcp_score_ack(&s, BASE + una);
            }
            for (uint32_t i = una; i < SPACE; i++)
                bytes += map[i];
            assert_int_equal(s.bytes, bytes);
            for (uint32_t i = SL_MAX(from, una); i < SPACE; i++)
                missing += !map[i];
            assert_int_equal(sl_tcp_score_missing(&s, BASE + SL_MAX(from, una), BASE + SPACE), missing);
            from = sl_tcp_score_hole(&s, BASE + una, BASE + SPACE, &end) - BASE;
            for (uint32_t i = una; i < SL_MIN(from, SPACE); i++)
                assert_true(map[i]);
            for (uint32_t i = from; i < end - BASE && i < SPACE; i++)
                assert_false(map[i]);
        }
    }
}

/* Thousands of blocks (CVE-2019-11477 to 11479): those that do not fit are forgotten, the rest stays right. */
static void ranges_are_bounded(void **state)
{
    struct score s = {0};
    bool forgot = false;

    for (uint32_t i = 0; i < 1000; i++)
        sl_tcp_score_add(&s, BASE + i * 2 + 1, BASE + i * 2 + 2, &forgot);
    assert_true(forgot);
    assert_int_equal(s.n, SCORE_RANGES_MAX);
    assert_int_equal(s.bytes, SCORE_RANGES_MAX);
    assert_int_equal(add(&s, 0, 1900), 1900 - SCORE_RANGES_MAX);
    assert_int_equal(s.n, 1);
}

/* RFC 6675 IsLost. */
static void what_lies_below_three_ranges_or_two_segments_is_lost(void **state)
{
    struct score s = {0};

    add(&s, 1000, 1100);
    assert_int_equal(sl_tcp_score_lost_edge(&s, BASE, 100), BASE);
    add(&s, 1100, 1200);
    assert_int_equal(sl_tcp_score_lost_edge(&s, BASE, 100), BASE);
    add(&s, 1200, 1201);
    assert_int_equal(sl_tcp_score_lost_edge(&s, BASE, 100), BASE + 1000);
    s = (struct score){0};
    add(&s, 500, 501);
    add(&s, 600, 601);
    assert_int_equal(sl_tcp_score_lost_edge(&s, BASE, 100), BASE);
    add(&s, 700, 701);
    assert_int_equal(sl_tcp_score_lost_edge(&s, BASE, 100), BASE + 500);
    assert_int_equal(sl_tcp_score_top(&s, BASE), BASE + 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_merge_and_count_once),
        cmocka_unit_test(it_agrees_with_a_bitmap),
        cmocka_unit_test(ranges_are_bounded),
        cmocka_unit_test(what_lies_below_three_ranges_or_two_segments_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
