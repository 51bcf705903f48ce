/* Pacing: a window spread over its round trip. The round trip is 100 ms and the initial window ten segments of 1000
 * bytes, so slow start sends a segment every 5 ms, two at a time. */
#include "helpers/script.h"

static const struct sl_tcp_opts paced = {.pacing = true};

/* A handshake that took a round trip. */
static void accept_slowly(const struct sl_tcp_opts *opts, const char *options)
{
    u_listen(opts);
    peer("S 0 wnd 60000 %s", options);
    expect("SA 0 ack 1");
    after(100);
    peer("A 1 ack 1");
    assert_in_range(script_info().srtt_us, 95000, 105000);
}

/* Segments from *seq on that leave in the next ms. */
static uint32_t burst(uint32_t *seq)
{
    uint32_t bytes = drop_all_bytes();

    *seq += bytes;
    return bytes / 1000;
}

/* Milliseconds until `segs` more have left; none of the bursts has more than most. */
static double time_to_send(uint32_t segs, uint32_t most)
{
    double start = script_now_ms();
    uint32_t seq = 0;

    for (int i = 0; i < 4000 && seq < segs * 1000; i++) {
        uint32_t n = burst(&seq);

        assert_in_range(n, 0, most);
        if (seq < segs * 1000)
            after(0.25);
    }
    assert_int_equal(seq, segs * 1000);
    return script_now_ms() - start;
}

static void a_window_is_spread_over_half_a_round_trip(void)
{
    accept_slowly(&paced, "mss 1000");
    assert_int_equal(script_info().pacing_bytes_per_s, 200000);
    u_write(20000);
    assert_in_range(time_to_send(10, 2), 39, 42);
    assert_int_equal(drop_all(), 0); /* cwnd is the limit now */
    after(30);
    assert_int_equal(drop_all(), 0);
}

static void without_pacing_a_window_leaves_at_once(void)
{
    accept_slowly(NULL, "mss 1000");
    assert_int_equal(script_info().pacing_bytes_per_s, 0);
    u_write(20000);
    assert_int_equal(drop_all(), 10);
}

/* Neither a burst of what the silence would have allowed, nor a stall. */
static void after_idle_there_is_no_burst_and_no_stall(void)
{
    accept_slowly(&paced, "mss 1000");
    u_write(10000);
    time_to_send(10, 2);
    after(60);
    peer("A 1 ack 10001");
    for (int i = 0; i < 3; i++) {
        static const double idle_ms[] = {50, 1000, 60000};

        quiet(idle_ms[i]);
        u_write(10000);
        assert_in_range(time_to_send(10, 2), 15, 45); /* cwnd may have grown */
        after(60);
        peer("A 1 ack %u", 10000 * (i + 2) + 1);
        expect_nothing();
    }
}

/* While the pacer holds, cwnd still counts as the limit: slow start doubles it. */
static void paced_slow_start_doubles(void)
{
    uint32_t acked = 1, window = 10;

    accept_slowly(&paced, "mss 1000 ws 4");
    u_write(150000);
    for (int round = 0; round < 3; round++) {
        double took = time_to_send(window, 3);

        assert_in_range(took, 35, 70);
        after(SL_MAX(100 - took, 1));
        assert_in_range(drop_all(), 0, round ? 3 : 0);
        for (uint32_t i = 0; i < window; i += 2) {
            acked += 2000;
            peer("A 1 ack %u", acked);
        }
        window *= 2;
        assert_in_range(script_info().cwnd_bytes, window * 1000 - 3000, window * 1000 + 6000);
    }
    drop_all();
}

/* A user that writes less than cwnd, paced or not, does not make it grow, also when it once was the limit. */
static void an_application_that_is_the_limit_does_not_grow_cwnd(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t acked = 20001, cwnd;

        world(.mtu = 1500);
        accept_slowly(i ? &paced : NULL, "mss 1000");
        u_write(20000);
        time_to_send(10, i ? 2 : 10);
        after(15);
        peer("A 1 ack 6001");
        time_to_send(10, i ? 2 : 10);
        peer("A 1 ack 20001");
        cwnd = script_info().cwnd_bytes;
        assert_in_range(cwnd, 16000, 30000);
        for (int round = 0; round < 20; round++) {
            u_write(6000);
            time_to_send(6, i ? 2 : 6);
            acked += 6000;
            after(50);
            peer("A 1 ack %u", acked);
        }
        assert_int_equal(script_info().cwnd_bytes, cwnd);
    }
}

static void retransmissions_are_not_held(void)
{
    accept_slowly(&paced, "mss 1000");
    u_write(20000);
    time_to_send(6, 2);
    peer("A 1 ack 1");
    peer("A 1 ack 1");
    expect_nothing(); /* the next burst's time has not come */
    peer("A 1 ack 1");
    expect("A 1(1000) ack 1");
    expect_nothing();
}

/* The same where RACK finds the loss: the first burst was sent well before the second, which arrived. */
static void retransmissions_by_rack_are_not_held(void)
{
    accept_slowly(&paced, "mss 1000 sackok");
    u_write(20000);
    time_to_send(6, 2);
    peer("A 1 ack 1 sack 2001-3001");
    expect("A 1(1000) ack 1");
    expect_nothing();
}

/* What must be answered is, while data waits for its turn. */
static void acks_do_not_wait_for_the_pacer(void)
{
    accept_slowly(&paced, "mss 1000");
    u_write(10000);
    assert_int_equal(drop_all(), 2);
    peer("A 1(1000) ack 1");
    peer("A 1001(1000) ack 1");
    expect("A * ack 2001");
}

/* Nothing is in flight and the pacer holds: that is no closed window. */
static void holding_is_not_persisting(void)
{
    accept_slowly(&paced, "mss 1000");
    u_write(10000);
    assert_int_equal(drop_all(), 2);
    peer("A 1 ack 2001");
    assert_in_range(time_to_send(8, 2), 25, 42);
    u_shutdown();
    expect_within(0, 10, "FA 10001 ack 1");
}

/* The same for longer than the persist timer would wait: one segment's window after a timeout, on a long way. */
static void holding_long_is_not_persisting(void)
{
    uint32_t rto;

    u_listen(&paced);
    peer("S 0 wnd 60000 mss 1000");
    expect("SA 0 ack 1");
    after(900);
    peer("A 1 ack 1");
    u_write(1000);
    expect("A 1(1000) ack 1");
    for (int i = 0; i < 20 && script_info().cwnd_bytes > 1000; i++)
        expect_within(100, 10000, "A 1(1000) ack 1");
    peer("A 1 ack 1001");
    after(1000);
    u_write(5000);
    expect("A 1001(1000) ack 1"); /* cwnd grows from now on: it is the limit */
    peer("A 1 ack 2001");
    expect("A 2001(1000) ack 1");
    peer("A 1 ack 3001");
    rto = script_info().rto_ms;
    quiet(240);
    assert_int_equal(script_info().rto_ms, rto);
    time_to_send(2, 2);
}

SCRIPT_MAIN(SCRIPT(a_window_is_spread_over_half_a_round_trip), SCRIPT(without_pacing_a_window_leaves_at_once),
            SCRIPT(after_idle_there_is_no_burst_and_no_stall), SCRIPT(paced_slow_start_doubles),
            SCRIPT(an_application_that_is_the_limit_does_not_grow_cwnd), SCRIPT(retransmissions_are_not_held),
            SCRIPT(retransmissions_by_rack_are_not_held), SCRIPT(acks_do_not_wait_for_the_pacer),
            SCRIPT(holding_is_not_persisting), SCRIPT(holding_long_is_not_persisting))
