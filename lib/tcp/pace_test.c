/* The pacer's arithmetic. How it spreads segments: script_pace_test.c. */
#include "tcp/cc_rig.h"

static struct rig *rig_paced(uint16_t mss, uint64_t rtt_us)
{
    struct rig *r = rig_new(&sl_tcp_cc_cubic, mss, rtt_us);

    assert_int_equal(sl_tcp_slab_init(&r->t.seldoms, sizeof(struct seldom), 1), 0);
    r->set.opts.pacing = true;
    return r;
}

static void rig_free(struct rig *r)
{
    sl_tcp_slab_free(&r->t.seldoms);
    free(r);
}

/* What was reckoned when a round trip took a minute does not hold a sender whose round trip is a millisecond. */
static void a_slow_rate_of_before_is_no_stall(void **state)
{
    struct rig *r = rig_paced(MSS, 60000000);

    r->t.now = r->now;
    sl_wheel_init(&r->t.wheel, r->now);
    sl_timer_init(&r->c.timer);
    r->c.rtx_at = r->c.delack_at = SL_NEVER;
    r->c.snd_end = 100 * MSS;
    for (int i = 0; i < 10; i++)
        sl_tcp_pace_sent(&r->c, MSS);
    assert_true(sl_tcp_pace_holds(&r->c));
    assert_in_range(seldom_of(&r->c)->pace_at, r->now + 5 * SL_NS_PER_S, r->now + 10 * SL_NS_PER_S);
    assert_in_range(r->c.timer.at_ns, r->now, seldom_of(&r->c)->pace_at);
    r->c.srtt_us = 1000;
    assert_true(sl_tcp_pace_holds(&r->c));
    assert_in_range(seldom_of(&r->c)->pace_at, r->now, r->now + MS);
    assert_in_range(r->c.timer.at_ns, r->now, seldom_of(&r->c)->pace_at);
    r->t.now = seldom_of(&r->c)->pace_at;
    assert_false(sl_tcp_pace_holds(&r->c));
    rig_free(r);
}

/* No cwnd and no round trip overflow, and a rate is what cwnd and the round trip say. */
static void pacing_holds_for_any_cwnd_and_round_trip(void **state)
{
    static const uint32_t rtts_us[] = {1, 50, 1000, 100000, 60000000}, windows[] = {65483, 1 << 20, TCP_CWND_MAX};

    for (uint32_t i = 0; i < 15; i++) {
        struct rig *r = rig_paced(65483, rtts_us[i % 5]);
        uint32_t window = windows[i / 5];
        double per_s = 2e6 * window / rtts_us[i % 5];

        r->t.now = r->now;
        r->c.cwnd = window;
        assert_near((double)sl_tcp_pace_rate(&r->c), per_s, 0.001, 1);
        sl_tcp_pace_sent(&r->c, 65483);
        assert_near((double)(seldom_of(&r->c)->pace_at - r->now), 65483e9 / per_s, 0.001, 1);
        r->c.ssthresh = r->c.cwnd;
        assert_near((double)sl_tcp_pace_rate(&r->c), 0.6 * per_s, 0.001, 1);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_rate_of_before_is_no_stall),
        cmocka_unit_test(pacing_holds_for_any_cwnd_and_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
