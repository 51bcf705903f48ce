/* Packets that the path does not take: ICMP that names no size or is forged, full segments that die in silence
 * (black holes), and the way back up. */
#include "helpers/script.h"

static uint32_t mss_of(uint32_t mtu) { return mtu - (script_is_ip6() ? 60 : 40); }

static uint32_t acked;   /* relative: the next number that the peer expects, once all has arrived */
static uint32_t written; /* by the user */

static void open_one(void)
{
    acked = 1;
    written = 0;
    accept_one("mss 1460 sackok");
}

static void put(uint32_t n)
{
    u_write(n);
    written += n;
}

/* Whatever is sent arrives and is acknowledged, until nothing is left. */
static void settle(void)
{
    for (uint32_t i = 0; i < 50 && script_info().snd_queued_bytes; i++) {
        drop_all();
        peer("A 1");
    }
    drop_all();
    assert_int_equal(script_info().snd_queued_bytes, 0);
    acked = 1 + written;
}

static uint32_t full(void) { return SL_MIN(mss_of(1500), 1460u); }

/* Loss probes, which say nothing about size: the last of the segs full segments that are out. A lone one gets one. */
static void probes(uint32_t segs)
{
    for (uint32_t i = 0; i < (segs > 1 ? 6 : 1); i++)
        expect_within(1, 1500, "A %u(%u) ack 1", acked + (segs - 1) * full(), full());
}

/* Full segments get no answer until they have shrunk by a step. */
static void fall_into_a_black_hole(void)
{
    put(8 * full());
    drop_all();
    probes(8);
    expect_within(150, 1500, "A %u(%u) ack 1", acked, full());
    drop_all();
    expect_within(300, 3000, "A %u(%u) ack 1", acked, mss_of(1280));
    drop_all();
}

static void full_segments_that_die_in_silence_are_made_smaller(void)
{
    u_listen(NULL);
    open_one();
    fall_into_a_black_hole();
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_BLACK_HOLES), 1);
    settle();
    put(mss_of(1280) * 2);
    expect("A %u(%u) ack 1", acked, mss_of(1280));
    drop_all();
}

static void a_black_hole_has_a_floor(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 1000 * SL_NS_PER_S});
    open_one();
    fall_into_a_black_hole();
    expect_within(300, 6000, "A 1(%u) ack 1", mss_of(1280));
    drop_all();
    for (int i = 0; i < 4; i++) {
        expect_within(300, 60000, "A 1(%u) ack 1", script_is_ip6() ? mss_of(1280) : mss_of(552));
        drop_all();
    }
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_BLACK_HOLES), script_is_ip6() ? 1 : 2);
}

static void small_segments_that_are_lost_say_nothing_about_size(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 1000 * SL_NS_PER_S});
    open_one();
    put(100);
    drop_all();
    for (int i = 0; i < 5; i++)
        expect_within(100, 60000, "A 1(100) ack 1");
    settle();
    put(full());
    expect("A 101(%u) ack 1", full());
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_BLACK_HOLES), 0);
}

static void one_timeout_is_no_black_hole(void)
{
    u_listen(NULL);
    open_one();
    for (int i = 0; i < 3; i++) {
        put(full());
        drop_all();
        probes(1);
        expect_within(150, 3000, "A %u(%u) ack 1", acked, full());
        settle();
        assert_int_equal(script_counter(SL_CTR_TCP_RTOS), i + 1);
    }
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_BLACK_HOLES), 0);
}

/* A connection in a black hole, with all acknowledged, when it is time to try. */
static void wait_in_a_black_hole(void)
{
    u_listen(NULL);
    open_one();
    fall_into_a_black_hole();
    settle();
    for (int i = 0; i < 6; i++) { /* cwnd grows to where a try has room: it is the limit */
        put(8 * mss_of(1280));
        settle();
    }
    quiet(16000);
}

/* An outage looks like a black hole at first. One larger segment finds out. */
static void one_larger_segment_that_arrives_makes_all_large_again(void)
{
    wait_in_a_black_hole();
    put(8 * full());
    expect("A %u(%u) ack 1", acked, full());
    expect("A %u(%u) ack 1", acked + full(), mss_of(1280));
    settle();
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_RAISED), 1);
    put(2 * full());
    expect("A %u(%u) ack 1", acked, full());
    expect("A %u(%u) ack 1", acked + full(), full());
    settle();
}

static void one_larger_segment_that_is_lost_is_sent_again_in_pieces(void)
{
    uint32_t small, at;

    wait_in_a_black_hole();
    small = mss_of(1280);
    at = acked;
    put(full() + 6 * small);
    expect("A %u(%u) ack 1", at, full());
    for (uint32_t i = 0; i < 4; i++) /* what came behind it arrived */
        peer("A 1 ack %u sack %u-%u", at, at + full(), at + full() + (i + 1) * small);
    settle();
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_RAISED), 0);
    for (int i = 0; i < 30; i++) { /* no other try for ten minutes */
        put(8 * small);
        expect("A %u(%u) ack 1", acked, small);
        settle();
        quiet(15000);
    }
}

static void shrunk_by_icmp_it_tries_again_after_ten_minutes(void)
{
    u_listen(NULL);
    open_one();
    for (int i = 0; i < 4; i++) {
        put(4 * full());
        settle();
    }
    put(full());
    drop_all();
    peer_icmp_too_big(1300, acked);
    drop_all();
    settle();
    quiet(590 * 1000);
    put(8 * mss_of(1300));
    expect("A %u(%u) ack 1", acked, mss_of(1300));
    settle();
    quiet(11 * 1000);
    put(8 * full());
    expect("A %u(%u) ack 1", acked, full());
    drop_all();
}

static void a_router_that_names_no_size_means_the_next_plateau(void)
{
    static const uint16_t sizes[] = {1492, 1006, 552, 552};

    u_listen(NULL);
    open_one();
    for (uint32_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
        put(full());
        drop_all();
        peer_icmp_too_big(0, acked);
        drop_all();
        settle();
        put(full());
        expect("A %u(%u) ack 1", acked, script_is_ip6() ? full() : mss_of(sizes[i]));
        drop_all();
        settle();
    }
}

static void icmp_shrinks_a_connection_a_few_times_only(void)
{
    u_listen(NULL);
    open_one();
    for (uint32_t i = 0; i < 20; i++) {
        put(full());
        drop_all();
        peer_icmp_too_big((uint16_t)(1480 - 4 * i), acked);
        drop_all();
        settle();
    }
    assert_int_equal(script_info().mss, mss_of(1480 - 4 * 7));
    assert_int_equal(script_counter(SL_CTR_TCP_PMTU_SHRUNK), 8);
}

static void other_connections_to_the_same_peer_keep_their_size(void)
{
    u_listen(NULL);
    open_one();
    on(1);
    accept_one("mss 1460");
    on(0);
    put(full());
    drop_all();
    peer_icmp_too_big(1280, 1);
    drop_all();
    assert_int_equal(script_info().mss, mss_of(1280));
    on(1);
    assert_int_equal(script_info().mss, full());
}

SCRIPT_MAIN(SCRIPT(full_segments_that_die_in_silence_are_made_smaller), SCRIPT(a_black_hole_has_a_floor),
            SCRIPT(small_segments_that_are_lost_say_nothing_about_size), SCRIPT(one_timeout_is_no_black_hole),
            SCRIPT(one_larger_segment_that_arrives_makes_all_large_again),
            SCRIPT(one_larger_segment_that_is_lost_is_sent_again_in_pieces),
            SCRIPT(shrunk_by_icmp_it_tries_again_after_ten_minutes),
            SCRIPT(a_router_that_names_no_size_means_the_next_plateau),
            SCRIPT(icmp_shrinks_a_connection_a_few_times_only),
            SCRIPT(other_connections_to_the_same_peer_keep_their_size))
