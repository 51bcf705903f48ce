/* Losses and how they are repaired: RFC 6298, 5681, 6582, 6675, 9293 3.8. Where several answers are right, only what
 * all of them share is asked for. */
#include "helpers/script.h"

static void retransmission_backs_off(void)
{
    double before, gap = 0;

    reach("ESTABLISHED");
    u_write(1000);
    expect("A 1(1000) ack 1");
    for (int i = 0; i < 6; i++) {
        before = script_now_ms();
        /* The first may be a loss probe (RFC 8985 7), which comes before the timer. */
        expect_within(90, 70000, "A 1(1000) ack 1");
        if (i > 1)
            assert_in_range((script_now_ms() - before) * 100 / gap, 180, 220);
        gap = script_now_ms() - before;
    }
    peer("A 1 ack 1001");
    quiet(20000);
    state("ESTABLISHED");
}

static void the_first_timeout_is_not_below_the_minimum(void)
{
    reach("ESTABLISHED");
    u_write(10000);
    drop_all();
    quiet(85); /* a round trip of nothing: RTO is its minimum, 200 ms; a loss probe may be a little earlier */
    world(.rto_min_ms = 1000);
    reach("ESTABLISHED");
    u_write(100);
    drop_all();
    after(150);
    assert_in_range(drop_all(), 0, 1); /* a loss probe at most */
    quiet(700);
}

/* RFC 6298 5.7 and Karn: a retransmitted segment gives no sample; the backed-off timeout holds until there is one. */
static void an_ack_of_a_retransmission_keeps_the_backoff(void)
{
    uint32_t rto;

    reach("ESTABLISHED");
    u_write(1000);
    expect("A 1(1000) ack 1");
    for (int i = 0; i < 4; i++)
        expect_within(90, 20000, "A 1(1000) ack 1");
    after(5);
    rto = script_info().rto_ms;
    peer("A 1 ack 1001");
    assert_true(script_info().rto_ms >= rto / 4 || script_info().srtt_us < 5000);
    u_write(1000);
    expect("A 1001(1000) ack 1");
    peer("A 1 ack 2001");
    assert_in_range(script_info().rto_ms, 200, 1100);
}

/* Its retransmissions are duplicates, whose ACKs echo the first transmission's timestamp (RFC 7323 5.3): the time since
 * then is no round trip. */
static void a_lost_ack_does_not_look_like_a_long_round_trip(void)
{
    uint32_t first;

    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    u_write(900);
    expect("A 1(900) ack 1");
    first = script_last()->tsval;
    for (int i = 0; i < 5; i++)
        expect_within(90, 20000, "A 1(900) ack 1");
    peer("A 1 ack 901 ts 1001,%u", first);
    expect_nothing();
    assert_in_range(script_info().srtt_us, 0, 100000);
    u_write(900);
    expect("A 901(900) ack 1");
    peer("A 1 ack 1801");
    assert_in_range(script_info().rto_ms, 200, 300);
}

static void three_duplicate_acks_bring_a_fast_retransmission(void)
{
    reach("ESTABLISHED");
    u_write(8000);
    assert_int_equal(drop_all(), 8);
    peer("A 1 ack 1001");
    peer("A 1 ack 1001");
    peer("A 1 ack 1001");
    expect_nothing();
    peer("A 1 ack 1001");
    expect("A 1001(1000) ack 1");
    peer("A 1 ack 8001");
    expect_nothing();
    quiet(5000);
}

static void sack_brings_a_fast_retransmission(void)
{
    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(8000);
    assert_int_equal(drop_all(), 8);
    peer("A 1 ack 1 sack 1001-2001");
    peer("A 1 ack 1 sack 1001-3001");
    drop_all();
    peer("A 1 ack 1 sack 1001-4001");
    /* At once by counting, within a quarter of a round trip (at least a tick) by time. */
    peer("A 1 ack 1 sack 1001-5001");
    expect_within(0, 50, "A 1(1000) ack 1");
    peer("A 1 ack 8001");
    drop_all();
    quiet(5000);
}

/* RFC 6675 2: on a SACK connection a duplicate ACK is one that SACKs something new. */
static void doubled_segments_bring_no_retransmission(void)
{
    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(8000);
    assert_int_equal(drop_all(), 8);
    peer("A 1 ack 2001");
    for (int i = 0; i < 5; i++)
        peer("A 1 ack 2001 sack 1001-2001");
    for (int i = 0; i < 5; i++)
        peer("A 1 ack 2001");
    expect_nothing();
    peer("A 1 ack 8001");
    quiet(2000);
}

/* RFC 6675: what the peer has is not sent again. */
static void only_holes_are_sent_again(void)
{
    bool first = false, third = false;

    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(8000);
    assert_int_equal(drop_all(), 8);
    peer("A 1 ack 1 sack 1001-2001");
    peer("A 1 ack 1 sack 3001-4001,1001-2001");
    peer("A 1 ack 1 sack 3001-5001,1001-2001");
    peer("A 1 ack 1 sack 3001-6001,1001-2001");
    peer("A 1 ack 1 sack 3001-7001,1001-2001");
    peer("A 1 ack 1 sack 3001-8001,1001-2001");
    for (int i = 0; i < 2; i++) {
        expect_within(0, 50, "A *(1000) ack 1");
        if (script_last()->seq == script_seq(1))
            first = true;
        if (script_last()->seq == script_seq(2001))
            third = true;
    }
    assert_true(first && third);
    quiet(1); /* then a probe is due */
    peer("A 1 ack 8001");
    quiet(5000);
}

/* RFC 6582: a partial ACK names the next hole. */
static void a_partial_ack_retransmits_the_next_hole_at_once(void)
{
    reach("ESTABLISHED");
    u_write(8000);
    assert_int_equal(drop_all(), 8);
    for (int i = 0; i < 4; i++)
        peer("A 1 ack 1");
    for (int i = 0; i < 3; i++)
        peer("A 1 ack 1");
    expect("A 1(1000) ack 1");
    drop_all();
    peer("A 1 ack 3001");
    expect("A 3001(1000) ack 1");
    peer("A 1 ack 8001");
    drop_all();
    quiet(5000);
}

static void a_lost_retransmission_is_found_by_the_timer(void)
{
    reach("ESTABLISHED");
    u_write(8000);
    drop_all();
    for (int i = 0; i < 4; i++)
        peer("A 1 ack 1");
    expect("A 1(1000) ack 1");
    drop_all();
    expect_within(80, 1300, "A 1(1000) ack 1");
    peer("A 1 ack 8001");
    drop_all();
    quiet(5000);
}

/* The timer runs from the oldest unacknowledged byte: ACKs that acknowledge nothing new do not put it off. */
static void duplicate_acks_do_not_put_the_timer_off(void)
{
    uint32_t n = 0;

    reach("ESTABLISHED");
    u_write(1000);
    expect("A 1(1000) ack 1");
    for (uint32_t i = 0; i < 15 && n == 0; i++) {
        after(80);
        n = drop_all();
        peer("A 1 ack 1 wnd %u", 60000 + i); /* window updates */
        drop_all();
    }
    assert_true(n > 0);
}

static void everything_lost_is_sent_again(void)
{
    uint32_t acked = 1;

    reach("ESTABLISHED");
    u_write(9500);
    assert_int_equal(drop_all(), 10);
    for (int i = 0; i < 60 && acked < 9501; i++) {
        if (drop_all() == 0) {
            after(200);
            continue;
        }
        acked += SL_MIN(1000u, 9501 - acked);
        peer("A 1 ack %u", acked);
    }
    drop_all();
    assert_int_equal(acked, 9501);
    quiet(10000);
}

static void the_user_timeout_ends_the_connection_with_a_reset(void)
{
    uint32_t resets = 0;

    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 5 * SL_NS_PER_S});
    accept_one(NULL);
    u_write(1000);
    drop_all();
    for (int i = 0; i < 48; i++) {
        after(100);
        drop_all();
    }
    state("ESTABLISHED");
    for (int i = 0; i < 20; i++) {
        after(100);
        resets += drop_all();
    }
    state("CLOSED");
    closed_for(SL_REASON_TIMEOUT);
    assert_true(resets > 0);
    assert_int_equal(script_conns(), 0);
    u_release();
    quiet(10000);
}

static void a_zero_window_for_ever_ends_by_the_user_timeout(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 20 * SL_NS_PER_S});
    accept_one(NULL);
    peer("A 1 ack 1 wnd 0");
    u_write(1000);
    for (int i = 0; i < 300; i++) {
        after(100);
        if (drop_all() && script_conns())
            peer("A 1 ack 1 wnd 0");
    }
    closed_for(SL_REASON_TIMEOUT);
    assert_int_equal(script_conns(), 0);
}

static void progress_puts_the_user_timeout_off(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 5 * SL_NS_PER_S});
    accept_one(NULL);
    for (uint32_t i = 0; i < 10; i++) {
        u_write(1000);
        expect("A %u(1000) ack 1", 1 + i * 1000);
        for (int k = 0; k < 30; k++) {
            after(100);
            drop_all();
        }
        peer("A 1 ack %u", 1001 + i * 1000);
        drop_all();
    }
    state("ESTABLISHED");
}

/* RFC 2018 8: a receiver may throw away what it had selectively acknowledged. */
static void what_was_only_selectively_acknowledged_is_kept(void)
{
    bool again[3] = {false};

    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(3000);
    assert_int_equal(drop_all(), 3);
    peer("A 1 ack 1 sack 1001-3001");
    for (int i = 0; i < 100; i++) {
        after(100);
        if (!drop_all())
            continue;
        again[0] = true;
        break;
    }
    assert_true(again[0]);
    drop_all();
    peer("A 1 ack 1001"); /* no blocks any more */
    for (int i = 0; i < 400 && !again[2]; i++) {
        if (!again[1]) {
            expect_within(0, 20000, "A 1001(1000) ack 1");
            again[1] = true;
            drop_all();
            peer("A 1 ack 2001");
        }
        expect_within(0, 20000, "A 2001(1000) ack 1");
        again[2] = true;
    }
    peer("A 1 ack 3001");
    drop_all();
    quiet(10000);
}

/* CVE-2019-11477 and its kin, D-SACKs in the future, nested and reversed blocks. */
static void nonsense_in_sack_blocks_is_ignored(void)
{
    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(5000);
    assert_int_equal(drop_all(), 5);
    peer("A 1 ack 1 sack 3001-2001");
    peer("A 1 ack 1 sack 100001-200001");
    peer("A 1 ack 1 sack 4001-2147480000");
    peer("A 1 ack 1 sack 1-1");
    peer("A 1 ack 1 sack -5000--4000");
    peer("A 1 ack 1001 sack 1-1001");
    peer("A 1 ack 1001 sack 501-2001");
    peer("A 1 ack 1001 sack 2001-5001,3001-4001,2501-2601");
    drop_all();
    after(3000);
    drop_all();
    state("ESTABLISHED");
    peer("A 1 ack 5001");
    drop_all();
    quiet(10000);
    u_write(1000);
    expect("A 5001(1000) ack 1");
}

static void an_ack_of_nothing_sent_yet_is_answered(void)
{
    reach("ESTABLISHED");
    u_write(1000);
    expect("A 1(1000) ack 1");
    peer("A 1 ack 5001");
    expect("A 1001 ack 1");
    peer("A 1 ack 1001");
    expect_nothing();
}

/* ---- congestion control ---- */
static void the_initial_window_is_ten_segments(void)
{
    reach("ESTABLISHED");
    u_write(60000);
    assert_int_equal(drop_all_bytes(), 10000); /* RFC 6928 */
}

static void slow_start_doubles(void)
{
    reach("ESTABLISHED");
    u_write(60000);
    assert_int_equal(drop_all_bytes(), 10000);
    for (uint32_t i = 1; i <= 5; i++)
        peer("A 1 ack %u", 1 + i * 2000);
    assert_in_range(drop_all_bytes(), 15000, 20000);
}

/* RFC 3465: an ACK in twenty pieces acknowledges no more than a whole one. */
static void splitting_acks_gains_nothing(void)
{
    reach("ESTABLISHED");
    u_write(60000);
    assert_int_equal(drop_all_bytes(), 10000);
    for (uint32_t i = 1; i <= 20; i++)
        peer("A 1 ack %u", 1 + i * 100);
    assert_in_range(drop_all_bytes(), 2000, 5000);
}

static void the_window_does_not_grow_when_it_is_not_used(void)
{
    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 100; i++) {
        u_write(100);
        expect("A %u(100)", 1 + i * 100);
        peer("A 1 ack %u", 101 + i * 100);
        after(1);
    }
    u_write(60000);
    assert_in_range(drop_all_bytes(), 1000, 12000);
}

static void a_timeout_shrinks_the_window_to_one_segment(void)
{
    uint32_t n;

    reach("ESTABLISHED");
    u_write(10000);
    assert_int_equal(drop_all(), 10);
    after(150);
    drop_all(); /* a loss probe, or the timer */
    for (n = 0; n == 0;) {
        after(50);
        n = drop_all();
    }
    assert_int_equal(n, 1);
    assert_in_range(script_info().cwnd_bytes, 1000, 2000);
    assert_in_range(script_info().ssthresh_bytes, 2000, 8000);
}

static void one_loss_reduces_the_window_once(void)
{
    uint32_t ssthresh;

    u_listen(NULL);
    accept_one("mss 1000 sackok");
    u_write(10000);
    assert_int_equal(drop_all(), 10);
    for (uint32_t i = 2; i < 8; i++)
        peer("A 1 ack 1 sack 1001-%u", i * 1000 + 1);
    ssthresh = script_info().ssthresh_bytes;
    assert_in_range(ssthresh, 4000, 8500);
    for (uint32_t i = 8; i < 10; i++)
        peer("A 1 ack 1 sack 1001-%u", i * 1000 + 1);
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
    peer("A 1 ack 10001");
    drop_all();
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
    assert_in_range(script_info().cwnd_bytes, 2000, ssthresh + 1000);
}

/* RFC 5681 4.1: after an idle time no burst of the old size. */
static void an_idle_connection_does_not_burst(void)
{
    uint32_t acked = 0;

    reach("ESTABLISHED");
    u_write(200000);
    for (int i = 0; i < 300 && acked < 200000; i++) {
        acked += drop_all_bytes();
        peer("A 1 ack %u", 1 + acked);
    }
    assert_int_equal(acked, 200000);
    drop_all();
    after(10000);
    u_write(60000);
    assert_in_range(drop_all_bytes(), 1000, 20000);
}

SCRIPT_MAIN(SCRIPT(retransmission_backs_off), SCRIPT(the_first_timeout_is_not_below_the_minimum),
            SCRIPT(an_ack_of_a_retransmission_keeps_the_backoff),
            SCRIPT(a_lost_ack_does_not_look_like_a_long_round_trip),
            SCRIPT(three_duplicate_acks_bring_a_fast_retransmission), SCRIPT(sack_brings_a_fast_retransmission),
            SCRIPT(doubled_segments_bring_no_retransmission), SCRIPT(only_holes_are_sent_again),
            SCRIPT(a_partial_ack_retransmits_the_next_hole_at_once),
            SCRIPT(a_lost_retransmission_is_found_by_the_timer), SCRIPT(duplicate_acks_do_not_put_the_timer_off),
            SCRIPT(everything_lost_is_sent_again), SCRIPT(the_user_timeout_ends_the_connection_with_a_reset),
            SCRIPT(a_zero_window_for_ever_ends_by_the_user_timeout), SCRIPT(progress_puts_the_user_timeout_off),
            SCRIPT(what_was_only_selectively_acknowledged_is_kept), SCRIPT(nonsense_in_sack_blocks_is_ignored),
            SCRIPT(an_ack_of_nothing_sent_yet_is_answered), SCRIPT(the_initial_window_is_ten_segments),
            SCRIPT(slow_start_doubles), SCRIPT(splitting_acks_gains_nothing),
            SCRIPT(the_window_does_not_grow_when_it_is_not_used), SCRIPT(a_timeout_shrinks_the_window_to_one_segment),
            SCRIPT(one_loss_reduces_the_window_once), SCRIPT(an_idle_connection_does_not_burst))
