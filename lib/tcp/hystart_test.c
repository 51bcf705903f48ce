/* Slow start: what an ACK is worth, and when the first one ends without a loss (RFC 9406). */
#include "tcp/cc_rig.h"

/* RFC 9406 4.2: L = 64 segments an ACK, none with a pacer; RFC 3465 2.3: one after a timeout. */
static void an_ack_of_much_is_worth_l_segments(void **state)
{
    struct rig *r = rig_new(&sl_tcp_cc_cubic, MSS, 1000);

    ack(r, 100 * MSS, 0);
    assert_int_equal(r->c.cwnd, 74 * MSS);
    r->set.opts.pacing = true;
    ack(r, 100 * MSS, 0);
    assert_int_equal(r->c.cwnd, 174 * MSS);
    sl_tcp_cc_cubic.timeout(&r->c, 100 * MSS, true, r->now);
    r->c.ca = CA_LOSS;
    ack(r, 60 * MSS, 0);
    assert_int_equal(r->c.cwnd, 2 * MSS);
    free(r);
}

/* ---- HyStart++ ---- */

static void for_both(void (*check)(struct rig *r))
{
    static const struct sl_tcp_cc *const kinds[] = {&sl_tcp_cc_cubic, &sl_tcp_cc_newreno};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
        struct rig *r = rig_new(kinds[i], MSS, 100000);

        check(r);
        free(r);
    }
}

static void check_exit(struct rig *r)
{
    uint32_t at_css, rounds = 0;

    for (int i = 0; i < 4; i++)
        round_trip_of(r, 100000);
    assert_int_equal(r->c.cwnd, 160 * MSS);
    round_trip_of(r, 113000); /* 1/8 is 12.5 ms: found after eight samples, then a quarter of the growth */
    at_css = r->c.cwnd;
    assert_in_range(at_css, 200 * MSS, 212 * MSS);
    assert_int_equal(r->c.ssthresh, UINT32_MAX);
    for (; r->c.ssthresh == UINT32_MAX; rounds++) {
        uint32_t before = r->c.cwnd;

        round_trip_of(r, 120000);
        assert_in_range(r->c.cwnd, before, before + before / 4 + MSS);
    }
    assert_in_range(rounds, 4, 5);
    assert_in_range(r->c.ssthresh, 2 * at_css, 3 * at_css);
    assert_int_equal(r->stats.ctr[SL_CTR_TCP_HYSTART_EXITS], 1);
}

static void a_growing_round_trip_ends_slow_start(void **state) { for_both(check_exit); }

static void check_false_alarm(struct rig *r)
{
    uint32_t before;

    for (int i = 0; i < 4; i++)
        round_trip_of(r, 100000);
    round_trip_of(r, 120000);
    assert_in_range(r->c.cwnd, 200 * MSS, 212 * MSS);
    round_trip_of(r, 100000); /* shorter than where conservative slow start began */
    before = r->c.cwnd;
    round_trip_of(r, 100000);
    assert_int_equal(r->c.cwnd, 2 * before);
    assert_int_equal(r->c.ssthresh, UINT32_MAX);
}

static void a_false_alarm_resumes_slow_start(void **state) { for_both(check_false_alarm); }

/* Thresholds: 4 ms at least, 16 ms at most; and no verdict on less than eight samples. */
static void check_thresholds(struct rig *r)
{
    for (int i = 0; i < 4; i++)
        round_trip_of(r, 1000 + 3900 * (i == 3));
    assert_int_equal(r->c.cwnd, 160 * MSS);
    r->c.cwnd = 7 * MSS;
    round_trip_of(r, 4900); /* the round ends */
    r->c.cwnd = 7 * MSS;
    round_trip_of(r, 400000);
    assert_int_equal(r->c.cwnd, 14 * MSS);
}

static void small_growth_and_few_samples_are_no_alarm(void **state) { for_both(check_thresholds); }

/* Only the first slow start: later ones know ssthresh. */
static void check_later(struct rig *r)
{
    round_trip(r);
    conn_cc(&r->c)->timeout(&r->c, 2000 * MSS, true, r->now);
    for (int i = 0; i < 9; i++)
        round_trip_of(r, 100000u << i);
    assert_int_equal(r->c.cwnd, 512 * MSS);
}

static void later_slow_starts_go_to_ssthresh(void **state) { for_both(check_later); }

/* 4.10: the cubic is flat where HyStart++ ended slow start. */
static void after_hystart_the_cubic_begins_flat(void **state)
{
    struct rig *r = rig_new(&sl_tcp_cc_cubic, MSS, 100000);
    double w;
    uint64_t epoch;

    for (uint32_t i = 0; r->c.ssthresh == UINT32_MAX; i++)
        round_trip_of(r, 100000 + 15000 * i);
    round_trip_of(r, 100000);
    w = (double)r->c.cc.cubic.w_max / MSS;
    epoch = r->now - r->c.cc.cubic.t_us * US;
    assert_near(segs(r), w, 0, 2);
    for (int i = 0; i < 100; i++)
        round_trip_of(r, 100000);
    assert_near(segs(r), SL_MAX(cubic(seconds_since(r, epoch), w, w), w + 100), 0.02, 3);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_of_much_is_worth_l_segments),
        cmocka_unit_test(a_growing_round_trip_ends_slow_start),
        cmocka_unit_test(a_false_alarm_resumes_slow_start),
        cmocka_unit_test(small_growth_and_few_samples_are_no_alarm),
        cmocka_unit_test(later_slow_starts_go_to_ssthresh),
        cmocka_unit_test(after_hystart_the_cubic_begins_flat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
