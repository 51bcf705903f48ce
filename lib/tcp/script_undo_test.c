/* Congestion that was none, and is taken back: Eifel (RFC 3522, 4015) and D-SACK (RFC 2883, 3708). Segments of 1000 bytes
 * beside timestamps, a round trip of 100 ms. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

static struct conn *conn(void) { return conn_of_stream(u_stream()); }

/* Sends n segments at one moment; a round trip passes. The timestamp that they carry. */
static uint32_t send_segs(uint32_t from, uint32_t n)
{
    uint32_t first;

    u_write(n * 1000);
    expect("A %u(1000)", from);
    first = script_last()->has_ts ? script_last()->tsval : 0;
    drop_all();
    after(100);
    return first;
}

static uint32_t open_with_timestamps(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1012 sackok ts 1000,0");
    return send_segs(1, 10);
}

static void open_without(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok");
    send_segs(1, 10);
}

/* ssthresh is what it was, and cwnd too, or no more than the initial window above what is in flight. */
static void nothing_reduced(void)
{
    assert_true(script_info().ssthresh_bytes > 1000000);
    assert_in_range(script_info().cwnd_bytes, 10000, 12000);
    assert_int_equal(conn()->ca, CA_OPEN);
}

static void reduced(void)
{
    assert_true(script_info().ssthresh_bytes < 10000);
    assert_int_equal(script_counter(SL_CTR_TCP_SPURIOUS_RECOVERIES) + script_counter(SL_CTR_TCP_SPURIOUS_RTOS), 0);
}

/* ---- Eifel ---- */

static void an_echo_from_before_the_retransmission_takes_a_recovery_back(void)
{
    uint32_t first = open_with_timestamps();

    peer("A 1 ack 1 sack 1001-4001 ts 1100,%u", first);
    expect("A 1(1000)");
    assert_true(script_info().ssthresh_bytes < 10000);
    after(2);
    peer("A 1 ack 4001 ts 1102,%u", first);
    nothing_reduced();
    assert_int_equal(script_counter(SL_CTR_TCP_SPURIOUS_RECOVERIES), 1);
    assert_true(conn()->reo_mult > 1); /* more patience from now on */
    peer("A 1 ack 10001");
    drop_all();
}

static void an_echo_of_the_retransmission_does_not(void)
{
    open_with_timestamps();
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000)");
    after(100);
    peer("A 1 ack 4001"); /* echoes the last timestamp */
    reduced();
    peer("A 1 ack 10001");
    reduced();
    drop_all();
}

/* Only the first ACK after the retransmission tells (3.2 step 4). */
static void a_late_old_echo_does_not(void)
{
    uint32_t first = open_with_timestamps();

    peer("A 1 ack 1 sack 1001-4001 ts 1100,%u", first);
    expect("A 1(1000)");
    after(100);
    peer("A 1 ack 4001");
    peer("A 1 ack 5001 ts 1300,%u", first);
    reduced();
    peer("A 1 ack 10001");
    drop_all();
}

/* 4015 3.2: a path that became slower. What the timer took for lost is not sent again, and the next timeout is longer. */
static void a_timeout_that_came_too_early_is_taken_back(void)
{
    uint32_t first = open_with_timestamps(), n;

    for (n = 0; !script_counter(SL_CTR_TCP_RTOS) && n < 100; n++) {
        drop_all();
        after(10);
    }
    drop_all();
    assert_int_equal(script_info().cwnd_bytes, 1000);
    peer("A 1 ack 1001 ts 1500,%u", first);
    nothing_reduced();
    expect_nothing();
    assert_int_equal(script_counter(SL_CTR_TCP_SPURIOUS_RTOS), 1);
    assert_true(script_info().srtt_us > 120000);
    peer("A 1 ack 10001");
    drop_all();
}

/* 3.2 step 5: it acknowledges all, from a peer that was never seen to report duplicates: perhaps all ACKs were lost. */
static void an_echo_that_may_mean_lost_acks_does_not(void)
{
    uint32_t first = open_with_timestamps();

    peer("A 1 ack 1 sack 1001-4001 ts 1100,%u", first);
    expect("A 1(1000)");
    peer("A 1 ack 10001 ts 1102,%u", first);
    reduced();
    drop_all();
}

/* ---- D-SACK ---- */

static void retransmissions_all_reported_as_duplicates_take_it_back(void)
{
    open_without();
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000)");
    after(2);
    peer("A 1 ack 10001");
    assert_true(script_info().ssthresh_bytes < 10000);
    after(100);
    peer("A 1 ack 10001 sack 1-1001");
    nothing_reduced();
    assert_int_equal(script_counter(SL_CTR_TCP_SPURIOUS_RECOVERIES), 1);
}

/* Two went out again. */
static void start_two_retransmissions(void)
{
    open_without();
    peer("A 1 ack 1 sack 1001-2001,3001-9001");
    drop_all();
    after(10);
    peer("A 1 ack 1 sack 1001-2001,3001-10001");
    drop_all();
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 2);
}

static void one_of_two_reported_is_not_enough(void)
{
    start_two_retransmissions();
    peer("A 1 ack 10001 sack 1-1001");
    peer("A 1 ack 10001 sack 1-1001"); /* the ACK itself was doubled */
    reduced();
    peer("A 1 ack 10001 sack 2001-3001");
    nothing_reduced();
    drop_all();
}

/* RFC 2883 4: inside the second block. */
static void a_duplicate_above_the_ack_is_reported_inside_the_second_block(void)
{
    open_without();
    peer("A 1 ack 1 sack 2001-10001");
    drop_all();
    after(2);
    peer("A 1 ack 1 sack 3001-4001,2001-10001");
    assert_int_equal(script_counter(SL_CTR_TCP_DSACKS), 1);
    peer("A 1 ack 10001");
    drop_all();
}

/* The report is of the loss probe, not of what recovery sent again: that was lost indeed. */
static void a_probe_reported_as_duplicate_takes_no_recovery_back(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok");
    u_write(10000);
    drop_all();
    expect_within(150, 300, "A 9001(1000)");
    peer("A 1 ack 1 sack 1001-10001");
    expect("A 1(1000)");
    after(2);
    peer("A 1 ack 1 sack 9001-10001,1001-10001");
    assert_int_equal(script_counter(SL_CTR_TCP_DSACKS), 1);
    reduced();
    assert_int_equal(conn()->ca, CA_RECOVERY);
    drop_all();
}

/* A D-SACK in the future, straddling snd_una, of what was not sent again. */
static void false_reports_do_not(void)
{
    open_without();
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000)");
    after(100);
    peer("A 1 ack 9001 sack 8501-9501");
    peer("A 1 ack 9001 sack 20001-21001");
    peer("A 1 ack 9001 sack 20001-21001,19001-22001");
    assert_int_equal(script_counter(SL_CTR_TCP_DSACKS), 0);
    peer("A 1 ack 10001 sack -1000-0"); /* from before the episode */
    reduced();
    drop_all();
}

static void what_a_window_later_is_reported_does_not(void)
{
    open_without();
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000)");
    after(2);
    peer("A 1 ack 10001");
    send_segs(10001, 1);
    peer("A 1 ack 11001");
    assert_null(episode_of(conn())); /* and nothing is kept for it */
    peer("A 1 ack 11001 sack 1-1001");
    reduced();
}

SCRIPT_MAIN(SCRIPT(an_echo_from_before_the_retransmission_takes_a_recovery_back),
            SCRIPT(an_echo_of_the_retransmission_does_not), SCRIPT(a_late_old_echo_does_not),
            SCRIPT(a_timeout_that_came_too_early_is_taken_back), SCRIPT(an_echo_that_may_mean_lost_acks_does_not),
            SCRIPT(retransmissions_all_reported_as_duplicates_take_it_back), SCRIPT(one_of_two_reported_is_not_enough),
            SCRIPT(a_duplicate_above_the_ack_is_reported_inside_the_second_block),
            SCRIPT(a_probe_reported_as_duplicate_takes_no_recovery_back), SCRIPT(false_reports_do_not),
            SCRIPT(what_a_window_later_is_reported_does_not))
