/* The flight against a byte-by-byte model, with random operations: exact while there is room, and never knowing more than
 * the model when there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tcp/flight.h"

#define MODEL_MUST(what) assert_true(what)
#include "tcp/flight_model.h"

#define BASE MODEL_BASE

static uint32_t draw(void *ctx, uint32_t n) { return (uint32_t)sl_rng_below(ctx, n); }

static void run_random(uint64_t seed, uint32_t steps, bool exact)
{
    struct sl_rng rng;
    struct model_numbers numbers = {draw, &rng};

    sl_rng_seed(&rng, seed);
    model_run(&numbers, steps, exact);
}

static void it_agrees_with_a_model(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        run_random(seed, 200, true);
}

static void a_full_list_knows_less_and_nothing_wrong(void **state)
{
    for (uint64_t seed = 1000; seed <= 1100; seed++)
        run_random(seed, 600, false);
}

/* ---- named cases ---- */

static struct flight make(uint32_t bytes)
{
    struct flight f = {0};

    sl_tcp_flight_init(&f, BASE, BASE + bytes, 1000);
    return f;
}

static uint32_t sack(struct flight *f, uint32_t from, uint32_t to)
{
    uint32_t seq = BASE + from, bytes = 0;
    struct piece p;
    bool forgot;

    while (sl_tcp_flight_take_sacked(f, &seq, BASE + to, &p, &forgot))
        bytes += p.end - p.start;
    return bytes;
}

static void what_is_sent_at_one_moment_is_one_run(void **state)
{
    struct flight f = make(100);

    sl_tcp_flight_sent(&f, BASE + 200, 1000);
    assert_int_equal(f.n, 1);
    sl_tcp_flight_sent(&f, BASE + 300, 1001);
    assert_int_equal(f.n, 2);
}

static void sacks_merge_nest_and_count_once(void **state)
{
    struct flight f = make(1000);

    assert_int_equal(sack(&f, 100, 200), 100);
    assert_int_equal(sack(&f, 300, 400), 100);
    assert_int_equal(sack(&f, 150, 160), 0); /* nested */
    assert_int_equal(f.sacked_runs, 2);
    assert_int_equal(sack(&f, 200, 300), 100);
    assert_int_equal(f.sacked_runs, 1);
    assert_int_equal(f.sacked_bytes, 300);
    assert_int_equal(sack(&f, 50, 450), 100); /* around everything */
    assert_int_equal(f.n, 3);
}

/* Thousands of blocks (CVE-2019-11477 to 11479): what does not fit is forgotten, and room for retransmissions stays. */
static void thousands_of_sacks_are_bounded(void **state)
{
    struct flight f = make(4000);

    for (uint32_t i = 0; i < 1999; i++)
        sack(&f, i * 2 + 1, i * 2 + 2);
    assert_true(f.n <= FLIGHT_RUNS_MAX - FLIGHT_RESERVE + 2);
    assert_in_range(f.sacked_bytes, 50, 60);
    sl_tcp_flight_lose(&f, BASE, BASE + 4000);
    for (uint32_t i = 0; i < 4000 && f.lost_bytes; i++) {
        struct range r = sl_tcp_flight_next_lost(&f);

        sl_tcp_flight_again(&f, r.start, r.start + 1, 2000 + i);
    }
    assert_int_equal(f.lost_bytes, 0);
    assert_true(f.n <= FLIGHT_RUNS_MAX);
    sl_tcp_flight_sent(&f, BASE + 4001, 9000);
    assert_true(f.n <= FLIGHT_RUNS_MAX);
}

/* A smooth sender over a long path: thousands of moments in flight, told apart to a sixteenth of the time that they span,
 * and a cheap, exact end of the list. */
static void many_moments_keep_their_order_of_magnitude(void **state)
{
    struct flight f = make(10);
    uint32_t una = 0, nxt = 10, worst = 0;

    for (uint32_t i = 1; i < 20000; i++) {
        uint32_t now = 1000 + i * 100;
        struct piece p;

        nxt += 10;
        sl_tcp_flight_sent(&f, BASE + nxt, now);
        if (i < 5000)
            continue;
        una += 10;
        while (sl_tcp_flight_take_acked(&f, BASE + una, &p)) {
            uint32_t sent = 1000 + (p.start - BASE) / 10 * 100;

            assert_false(us_later(sent, p.sent_us));
            worst = SL_MAX(worst, p.sent_us - sent);
        }
    }
    assert_in_range(worst, 100, 500000 / 16);
}

/* What was made one run for want of room gives no round trip. */
static void runs_joined_by_force_are_not_timed(void **state)
{
    struct flight f = make(1);

    for (uint32_t i = 1; i < 1000; i++) {
        sl_tcp_flight_sent(&f, BASE + i * 2, 1000 + i * 7);
        sl_tcp_flight_sent(&f, BASE + i * 2 + 1, 1000 + i * 7);
        sl_tcp_flight_lose(&f, BASE + i * 2, BASE + i * 2 + 1); /* every second byte: no two runs are alike */
    }
    assert_true(f.n <= FLIGHT_RUNS_MAX);
    for (uint32_t i = f.first; i < f.n; i++) {
        if (f.runs[i].end - flight_start(&f, i) > 1)
            assert_true(f.runs[i].flags & RUN_AGAIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_model),
        cmocka_unit_test(a_full_list_knows_less_and_nothing_wrong),
        cmocka_unit_test(what_is_sent_at_one_moment_is_one_run),
        cmocka_unit_test(sacks_merge_nest_and_count_once),
        cmocka_unit_test(thousands_of_sacks_are_bounded),
        cmocka_unit_test(many_moments_keep_their_order_of_magnitude),
        cmocka_unit_test(runs_joined_by_force_are_not_timed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
