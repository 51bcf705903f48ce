/* CUBIC and NewReno: growth compared with the formulas of RFC 9438 and with Reno, reduction, silence, undo. */
#include "tcp/cc_rig.h"

/* ---- CUBIC ---- */

static void the_cube_root_is_exact(void **state)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, 1);
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t x = i < 1000 ? i : sl_rng_next(&rng) >> (1 + i % 63), root = sl_tcp_cubic_root(x);
        long double wide = cbrtl((long double)x);

        assert_true(root * root * root <= x);
        assert_true((long double)(root + 1) * (long double)(root + 1) * (long double)(root + 1) > (long double)x);
        assert_true(fabsl(wide - (long double)root) < 1.001L);
    }
    for (uint64_t r = 1; r < 1 << 20; r += 997) {
        assert_int_equal(sl_tcp_cubic_root(r * r * r), r);
        assert_int_equal(sl_tcp_cubic_root(r * r * r - 1), r - 1);
    }
}

/* cwnd runs after W_cubic(t + RTT), through the concave part, the plateau and the convex part. */
static void cwnd_follows_the_cubic(void **state)
{
    static const uint32_t windows[] = {200, 1000, 5000, 20000};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(windows); i++) {
        struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, windows[i]);
        double w = windows[i], k = cbrt(0.3 * w / 0.4), start = segs(r);
        uint64_t epoch = r->now + 100 * MS / r->c.cwnd * MSS; /* the first ACK */

        assert_near(start, 0.7 * w, 0.001, 0);
        while (seconds_since(r, epoch) < 2 * k) {
            double t = seconds_since(r, epoch);

            assert_in_range(r->c.cwnd, (uint32_t)(start * MSS), (uint32_t)(1.5 * cubic(t + 0.1, w, 0.7 * w) * MSS));
            if (t > 0.5)
                assert_near(segs(r), cubic(t, w, 0.7 * w), 0.02, 3);
            round_trip(r);
        }
        assert_near(segs(r), 1.3 * w, 0.02, 0);
        free(r);
    }
}

/* No round trip gives more than half of cwnd, however far the cubic is. */
static void growth_is_at_most_half_a_window_a_round_trip(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 20 * 1000000, 20);

    for (int i = 0; i < 12; i++) {
        double before = segs(r);

        round_trip(r);
        assert_in_range(r->c.cwnd, (uint32_t)(before * MSS), (uint32_t)(before * MSS * 1.66)); /* (1 + 1/2n)^n */
    }
    assert_true(segs(r) > 200);
    free(r);
}

/* 4.3: where round trips are short, W_est leads: alpha per round trip up to where congestion was, then one. */
static void short_round_trips_follow_w_est(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 200, 100);
    double w = segs(r);

    for (int i = 0; i < 50; i++) {
        round_trip(r);
        w += 9.0 / 17;
        assert_near(segs(r), w, 0.005, 0.6);
    }
    while (segs(r) < 101)
        round_trip(r);
    w = segs(r);
    for (int i = 0; i < 50; i++)
        round_trip(r);
    assert_near(segs(r), w + 50, 0.005, 1);
    free(r);
}

/* Over the time in which Reno comes back to where congestion was, CUBIC sends no less. */
static void cubic_sends_no_less_than_reno(void **state)
{
    static const uint32_t windows[] = {10, 40, 200, 1000}, rtts_us[] = {50, 1000, 20000, 100000};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(windows); i++) {
        for (uint32_t j = 0; j < SL_ARRAY_LEN(rtts_us); j++) {
            struct rig *a = rig_after_loss(&sl_tcp_cc_cubic, rtts_us[j], windows[i]);
            struct rig *b = rig_after_loss(&sl_tcp_cc_newreno, rtts_us[j], windows[i]);
            double sent_a = 0, sent_b = 0;

            for (uint32_t k = 0; k < windows[i] / 2; k++) {
                sent_a += segs(a);
                sent_b += segs(b);
                round_trip(a);
                round_trip(b);
            }
            assert_true(sent_a > sent_b);
            free(a);
            free(b);
        }
    }
}

/* 4.7 */
static void fast_convergence_gives_way(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);

    assert_int_equal(r->c.cc.cubic.w_max, 1000 * MSS);
    for (int i = 0; i < 30; i++)
        round_trip(r);
    assert_in_range(r->c.cwnd, 800 * MSS, 990 * MSS);
    lose(r);
    assert_near(r->c.cc.cubic.w_max, 0.85 * r->c.cc.cubic.cwnd_prior, 0.0001, 1);
    while (r->c.cwnd <= r->c.cc.cubic.w_max)
        round_trip(r);
    lose(r);
    assert_int_equal(r->c.cc.cubic.w_max, r->c.cc.cubic.cwnd_prior);
    free(r);
}

/* 4.6: by flight, and never below two segments. */
static void ssthresh_is_seven_tenths_of_flight(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);

    sl_tcp_cc_cubic.congested(&r->c, 100 * MSS, r->now);
    assert_int_equal(r->c.ssthresh, 70 * MSS);
    sl_tcp_cc_cubic.congested(&r->c, 2 * MSS, r->now);
    assert_int_equal(r->c.ssthresh, 2 * MSS);
    free(r);
}

/* 4.8: slow start to ssthresh, and a cubic that begins flat there. Only the first timeout of a row sets ssthresh. */
static void after_a_timeout_the_cubic_begins_anew(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);
    uint64_t epoch;

    round_trip(r);
    sl_tcp_cc_cubic.timeout(&r->c, 500 * MSS, true, r->now);
    sl_tcp_cc_cubic.timeout(&r->c, 1 * MSS, false, r->now);
    assert_int_equal(r->c.cwnd, MSS);
    assert_int_equal(r->c.ssthresh, 350 * MSS);
    while (r->c.cwnd < r->c.ssthresh)
        round_trip(r);
    assert_in_range(r->c.cwnd, 350 * MSS, 351 * MSS);
    epoch = r->now;
    for (int i = 0; i < 100; i++) {
        round_trip(r);
        assert_near(segs(r), SL_MAX(cubic(seconds_since(r, epoch), 350, 350), 350 + 9.0 / 17 * (i + 1)), 0.02, 3);
    }
    free(r);
}

/* 4.2, 5.8: ten minutes in which cwnd was not the limit are not time. */
static void silence_does_not_move_the_epoch(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);
    uint32_t cwnd, t_us;

    for (int i = 0; i < 50; i++)
        round_trip(r);
    cwnd = r->c.cwnd;
    t_us = r->c.cc.cubic.t_us;
    r->now += 600 * SL_NS_PER_S;
    ack(r, MSS, 100000);
    assert_in_range(r->c.cc.cubic.t_us, t_us, t_us + 200000);
    round_trip(r);
    assert_in_range(r->c.cwnd, cwnd, cwnd + 30 * MSS);
    free(r);
}

/* RFC 5681 4.1, and CUBIC begins an epoch when slow start is over. */
static void a_restart_begins_another_epoch(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);

    for (int i = 0; i < 150; i++)
        round_trip(r);
    r->now += 600 * SL_NS_PER_S;
    sl_tcp_cc_cubic.restart(&r->c, r->now);
    assert_int_equal(r->c.cwnd, 10 * MSS);
    while (r->c.cwnd < r->c.ssthresh)
        round_trip(r);
    assert_int_equal(r->c.ssthresh, 700 * MSS);
    for (int i = 0; i < 10; i++)
        round_trip(r);
    assert_near(segs(r), cubic(1, 1000, 700), 0.03, 0);
    free(r);
}

/* ---- undo (4.9) ---- */

struct before {
    union cc_state cc;
    uint32_t cwnd, ssthresh;
};

static struct before note(const struct rig *r) { return (struct before){r->c.cc, r->c.cwnd, r->c.ssthresh}; }

static void undo(struct rig *r, const struct before *b)
{
    r->c.cwnd = SL_MAX(r->c.cwnd, b->cwnd);
    r->c.ssthresh = b->ssthresh;
    conn_cc(&r->c)->undo(&r->c, &b->cc);
}

static void an_undo_takes_up_the_epoch(void **state)
{
    for (int timeout = 0; timeout < 2; timeout++) {
        struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);
        struct before b;
        double expected;

        for (int i = 0; i < 40; i++)
            round_trip(r);
        b = note(r);
        if (timeout)
            sl_tcp_cc_cubic.timeout(&r->c, r->c.cwnd, true, r->now);
        else
            lose(r);
        assert_int_not_equal(r->c.cc.cubic.w_max, b.cc.cubic.w_max);
        r->now += 5 * SL_NS_PER_S;
        undo(r, &b);
        assert_int_equal(r->c.cc.cubic.w_max, b.cc.cubic.w_max);
        assert_int_equal(r->c.cc.cubic.cwnd_prior, b.cc.cubic.cwnd_prior);
        assert_int_equal(r->c.cc.cubic.k_us, b.cc.cubic.k_us);
        assert_int_equal(r->c.cc.cubic.t_us, b.cc.cubic.t_us);
        ack(r, MSS, 0);
        assert_int_equal(r->c.cc.cubic.k_us, b.cc.cubic.k_us);
        assert_in_range(r->c.cc.cubic.t_us, b.cc.cubic.t_us, b.cc.cubic.t_us + 200000);
        expected = cubic(5.1, 1000, 700);
        for (int i = 0; i < 10; i++)
            round_trip(r);
        assert_near(segs(r), expected, 0.02, 0);
        free(r);
    }
}

/* It was found out when the next epoch had begun: the cubic goes on from cwnd, in its concave and its convex part. */
static void a_late_undo_takes_up_the_cubic(void **state)
{
    for (int rounds = 40; rounds <= 190; rounds += 50) {
        struct rig *r = rig_after_loss(&sl_tcp_cc_cubic, 100000, 1000);
        double expected;
        struct before b;

        for (int i = 0; i < rounds; i++)
            round_trip(r);
        b = note(r);
        lose(r);
        for (int i = 0; i < 3; i++)
            round_trip(r);
        undo(r, &b);
        assert_int_equal(r->c.cc.cubic.w_max, b.cc.cubic.w_max);
        expected = cubic(0.1 * (rounds + 10), 1000, 700);
        for (int i = 0; i < 10; i++)
            round_trip(r);
        assert_near(segs(r), expected, 0.03, 0);
        free(r);
    }
}

static void an_undo_takes_up_the_first_slow_start(void **state)
{
    static const struct sl_tcp_cc *const kinds[] = {&sl_tcp_cc_cubic, &sl_tcp_cc_newreno};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
        struct rig *r = rig_new(kinds[i], MSS, 100000);
        struct before b;

        round_trip(r);
        b = note(r);
        lose(r);
        round_trip(r);
        undo(r, &b);
        round_trip(r);
        assert_int_equal(r->c.cwnd, 40 * MSS);
        for (int k = 0; k < 12; k++)
            round_trip_of(r, 100000 + 20000 * (uint32_t)k);
        assert_int_not_equal(r->c.ssthresh, UINT32_MAX); /* HyStart++ works again */
        free(r);
    }
}

/* ---- any numbers ---- */

/* Whatever happens in whatever order, nothing overflows (the sanitizer looks on), and cwnd stays in its bounds. */
static void any_numbers_leave_cwnd_in_bounds(void **state)
{
    static const uint32_t rtts_us[] = {1, 50, 1000, 100000, 60000000};
    static const uint16_t sizes[] = {204, 536, 1448, 8948, 65483};
    struct sl_rng rng;

    sl_rng_seed(&rng, 7);
    for (uint32_t run = 0; run < 2000; run++) {
        struct rig *r = rig_new(&sl_tcp_cc_cubic, sizes[run % 5], rtts_us[run / 5 % 5]);

        struct before b = note(r);

        r->now = sl_rng_next(&rng) >> sl_rng_below(&rng, 60);
        r->c.cwnd = SL_MAX((uint32_t)sl_rng_below(&rng, (UINT64_C(1) << 30) + 1), (uint32_t)r->c.mss);
        for (int i = 0; i < 200; i++) {
            uint32_t before = r->c.cwnd, what = (uint32_t)sl_rng_below(&rng, 40);

            r->now += sl_rng_next(&rng) >> (20 + sl_rng_below(&rng, 44));
            if (what < 2)
                b = note(r);
            if (what == 0)
                lose(r);
            else if (what == 1)
                sl_tcp_cc_cubic.timeout(&r->c, r->c.cwnd, sl_rng_below(&rng, 2), r->now);
            else if (what == 2)
                undo(r, &b);
            else if (what == 3)
                sl_tcp_cc_cubic.restart(&r->c, r->now);
            else
                ack(r, 1 + (uint32_t)sl_rng_below(&rng, r->c.cwnd), rtts_us[run / 5 % 5]);
            if (what > 3)
                assert_in_range(r->c.cwnd, before, TCP_CWND_MAX);
            assert_in_range(r->c.cwnd, r->c.mss, TCP_CWND_MAX);
        }
        free(r);
    }
}

/* A gigabyte of window, the longest time to come back to it: the formula still holds. */
static void the_largest_window_follows_the_cubic(void **state)
{
    struct rig *r = rig_new(&sl_tcp_cc_cubic, 1448, 1000000);
    double w = (double)TCP_CWND_MAX / 1448;

    r->c.cwnd = TCP_CWND_MAX;
    lose(r);
    ack(r, 1448, 0);
    for (int halves = 1; halves <= 100; halves++) {
        for (int i = 0; i < 10; i++) {
            r->now += 50 * MS;
            ack(r, r->c.cwnd / 20, 0);
        }
        assert_near(segs(r), cubic(halves / 2.0, w, 0.7 * w), 0.03, 0);
    }
    free(r);
}

/* ---- bytes, not ACKs ---- */

static void split_acks_gain_nothing(void **state)
{
    static const struct sl_tcp_cc *const kinds[] = {&sl_tcp_cc_cubic, &sl_tcp_cc_newreno};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
        for (uint32_t slow = 0; slow < 2; slow++) {
            struct rig *a = rig_new(kinds[i], MSS, 1000), *b = rig_new(kinds[i], MSS, 1000);

            a->c.cwnd = b->c.cwnd = 40 * MSS;
            if (!slow) {
                lose(a);
                lose(b);
            }
            for (uint32_t k = 0; k < 400; k++) {
                ack(a, MSS, 0);
                for (int piece = 0; piece < 10; piece++)
                    ack(b, MSS / 10, 0);
            }
            assert_in_range(b->c.cwnd, a->c.cwnd - MSS, a->c.cwnd + MSS);
            free(a);
            free(b);
        }
    }
}

/* ---- NewReno ---- */

static void newreno_adds_a_segment_a_round_trip(void **state)
{
    struct rig *r = rig_after_loss(&sl_tcp_cc_newreno, 1000, 100);

    assert_int_equal(r->c.cwnd, 50 * MSS);
    for (int i = 0; i < 20; i++)
        round_trip(r);
    assert_near(segs(r), 70, 0, 1);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cube_root_is_exact),
        cmocka_unit_test(cwnd_follows_the_cubic),
        cmocka_unit_test(growth_is_at_most_half_a_window_a_round_trip),
        cmocka_unit_test(short_round_trips_follow_w_est),
        cmocka_unit_test(cubic_sends_no_less_than_reno),
        cmocka_unit_test(fast_convergence_gives_way),
        cmocka_unit_test(ssthresh_is_seven_tenths_of_flight),
        cmocka_unit_test(after_a_timeout_the_cubic_begins_anew),
        cmocka_unit_test(silence_does_not_move_the_epoch),
        cmocka_unit_test(a_restart_begins_another_epoch),
        cmocka_unit_test(an_undo_takes_up_the_epoch),
        cmocka_unit_test(a_late_undo_takes_up_the_cubic),
        cmocka_unit_test(an_undo_takes_up_the_first_slow_start),
        cmocka_unit_test(any_numbers_leave_cwnd_in_bounds),
        cmocka_unit_test(the_largest_window_follows_the_cubic),
        cmocka_unit_test(split_acks_gain_nothing),
        cmocka_unit_test(newreno_adds_a_segment_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
