/* Loss detection by time (RFC 8985 section 6), and what SACK blocks must not do. The round trip is 100 ms: a quarter of it
 * is the reordering window. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

static struct conn *conn(void) { return conn_of_stream(u_stream()); }

static void open_sack(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok");
}

/* Writes and sends n segments at one moment; nothing comes back for a round trip. */
static void send_segs(uint32_t n)
{
    u_write(n * 1000);
    assert_int_equal(drop_all(), n);
    after(100);
}

/* ---- 6.2 step 5: what is lost, and when ---- */

static void a_segment_is_lost_a_quarter_round_trip_after_a_later_one(void)
{
    open_sack();
    send_segs(4);
    peer("A 1 ack 1 sack 3001-4001");
    quiet(24);
    expect_within(0.5, 1.2, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 1);
    peer("A 1 ack 4001");
}

/* RACK.segs_sacked >= DupThresh: no window as long as no reordering was seen. */
static void three_sacked_segments_leave_no_doubt(void)
{
    open_sack();
    send_segs(5);
    peer("A 1 ack 1 sack 1001-2001");
    peer("A 1 ack 1 sack 1001-3001");
    expect_nothing();
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000) ack 1");
    peer("A 1 ack 5001");
}

static void what_comes_late_within_the_window_is_not_sent_again(void)
{
    open_sack();
    send_segs(4);
    peer("A 1 ack 1 sack 1001-3001");
    quiet(20);
    peer("A 1 ack 3001");
    assert_true(conn()->reordered);
    peer("A 1 ack 4001");
    quiet(1000);
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 0);
}

/* RACK.reordering_seen: then three segments say no more than one. */
static void a_network_that_reorders_gets_the_window(void)
{
    what_comes_late_within_the_window_is_not_sent_again();
    u_write(5000);
    assert_int_equal(drop_all(), 5);
    after(100);
    peer("A 1 ack 4001 sack 5001-9001");
    quiet(20);
    expect_within(1, 30, "A 4001(1000) ack 1");
    peer("A 1 ack 9001");
}

/* Blocks come newest first. */
static void the_order_of_blocks_is_no_reordering(void)
{
    open_sack();
    send_segs(8);
    peer("A 1 ack 1001 sack 6001-7001,2001-3001");
    assert_false(conn()->reordered);
    peer("A 1 ack 1001 sack 4001-5001,6001-7001,2001-3001");
    assert_true(conn()->reordered);
    drop_all();
    peer("A 1 ack 8001");
}

/* The second transmission is overtaken by what was sent after it. */
static void a_lost_retransmission_is_found_without_a_timeout(void)
{
    open_sack();
    u_write(20000);
    assert_int_equal(drop_all(), 10);
    after(100);
    peer("A 1 ack 1 sack 1001-5001");
    expect("A 1(1000) ack 1");
    drop_all();
    after(10);
    peer("A 1 ack 1 sack 1001-10001"); /* the rest of the first window: brings new segments */
    assert_true(drop_all() > 0);
    after(100);
    peer("A 1 ack 1 sack 1001-11001"); /* sent after the retransmission */
    expect_within(0, 30, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 1);
    drop_all();
    peer("A 1 ack 20001");
    drop_all();
}

/* Step 2: an ACK sooner than any round trip is that of the first transmission; it says nothing of what went out since. */
static void an_ack_of_the_first_transmission_does_not_age_the_rest(void)
{
    open_sack();
    send_segs(5);
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000) ack 1");
    after(1);
    peer("A 1 ack 4001"); /* the fifth is under way */
    quiet(90);
    peer("A 1 ack 5001");
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 1);
}

/* ---- step 4: the window's size ---- */

static void duplicates_reported_widen_the_window_once_per_round_trip(void)
{
    open_sack();
    send_segs(4);
    peer("A 1 ack 1001 sack 1-1001");
    assert_int_equal(conn()->reo_mult, 2);
    peer("A 1 ack 2001 sack 1001-2001");
    assert_int_equal(conn()->reo_mult, 2);
    peer("A 1 ack 2001 sack 3001-4001");
    quiet(45);
    expect_within(3, 7, "A 2001(1000) ack 1");
    peer("A 1 ack 4001");
    u_write(1000);
    expect("A 4001(1000)");
    peer("A 1 ack 5001 sack 4001-5001");
    assert_int_equal(conn()->reo_mult, 3);
}

static void sixteen_recoveries_without_duplicates_narrow_it_again(void)
{
    open_sack();
    u_write(1000);
    expect("A 1(1000)");
    peer("A 1 ack 1001 sack 1-1001");
    assert_int_equal(conn()->reo_mult, 2);
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t base = 1001 + i * 2000;

        assert_int_equal(conn()->reo_mult, 2);
        u_write(2000);
        assert_int_equal(drop_all(), 2);
        after(100);
        peer("A 1 ack %u sack %u-%u", base, base + 1000, base + 2000);
        expect_within(0, 60, "A %u(1000)", base);
        after(100);
        peer("A 1 ack %u", base + 2000);
    }
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 16);
    assert_int_equal(conn()->reo_mult, 1);
}

/* ---- 6.3: the retransmission timer ---- */

static void a_timeout_spares_what_was_sent_just_before(void)
{
    open_sack();
    u_write(2000);
    assert_int_equal(drop_all(), 2);
    expect_within(190, 310, "A 1001(1000) ack 1"); /* the loss probe */
    after(280);
    u_write(1000);
    expect("A 2001(1000) ack 1");
    expect_within(5, 40, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    after(80);
    peer("A 1 ack 1001");
    expect("A 1001(1000) ack 1");
    peer("A 1 ack 3001");
    quiet(1000);
}

/* RFC 2018 8: what was SACKed may be thrown away. */
static void a_timeout_forgets_sacks(void)
{
    open_sack();
    send_segs(3);
    peer("A 1 ack 1 sack 1001-3001");
    expect_within(0, 30, "A 1(1000) ack 1");
    expect_within(199, 202, "A 1(1000) ack 1"); /* a probe */
    expect_within(200, 300, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    assert_int_equal(flight_of(conn())->sacked_bytes, 0);
    peer("A 1 ack 1001"); /* it kept nothing */
    expect("A 1001(1000) ack 1");
    expect("A 2001(1000) ack 1");
    peer("A 1 ack 3001");
    quiet(1000);
}

/* SACKs are no progress: probe and timer run from the retransmission. */
static void sacks_do_not_put_the_timer_off(void)
{
    open_sack();
    u_write(10000);
    assert_int_equal(drop_all(), 10);
    for (uint32_t i = 0; i < 9; i++) {
        after(70);
        drop_all();
        peer("A 1 ack 1 sack %u-%u", 1001 + i * 1000, 2001 + i * 1000);
        drop_all();
    }
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 1);
    after(500); /* these ACKs came slowly: the timer is longer now */
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    drop_all();
}

/* ---- what can't be believed ---- */

static void blocks_that_say_nothing_change_nothing(void)
{
    static const char *const bad[] = {
        "sack 3001-2001",       /* reversed */
        "sack 2001-2001",       /* empty */
        "sack 5001-9001",       /* of the future */
        "sack 9001-12001",      /* as a D-SACK, too */
        "sack 501-2001",        /* straddles snd_una */
        "sack 1001-2001",       /* begins where the ACK says it is missing */
        "sack -5000000-501",    /* too old for a D-SACK */
        "sack 4001-2147483000", /* wraps */
    };

    open_sack();
    send_segs(5);
    peer("A 1 ack 1001");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(bad); i++)
        peer("A 1 ack 1001 %s", bad[i]);
    assert_null(flight_of(conn()));
    assert_int_equal(script_counter(SL_CTR_TCP_DSACKS), 0);
    assert_int_equal(conn()->reo_mult, 1);
    peer("A 1 ack 5001");
    quiet(1000);
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 0);
}

static void nested_blocks_count_once(void)
{
    open_sack();
    send_segs(8);
    peer("A 1 ack 1 sack 2001-6001,3001-4001,2501-2601");
    assert_int_equal(flight_of(conn())->sacked_bytes, 4000);
    drop_all();
    peer("A 1 ack 8001");
}

/* CVE-2019-11477 and its kin: thousands of blocks cost neither memory nor counters. */
static void thousands_of_blocks_are_bounded(void)
{
    open_sack();
    u_write(10000);
    assert_int_equal(drop_all(), 10);
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t from = 2 + (i * 37 % 4900) * 2;

        peer("A 1 ack 1 sack %u-%u,%u-%u", from, from + 1, 9998 - from / 2, 9999 - from / 2);
        drop_all();
    }
    assert_true(script_counter(SL_CTR_TCP_RETRANSMITS) < 200);
    assert_true(flight_of(conn())->n <= FLIGHT_RUNS_MAX);
    assert_true(sl_tcp_recovery_pipe(conn()) <= 10000);
    peer("A 1 ack 10001");
    assert_null(flight_of(conn()));
    drop_all();
    quiet(1000);
}

/* ---- the flight comes and goes ---- */

static void a_flight_exists_only_while_it_is_needed(void)
{
    open_sack();
    u_write(2000);
    assert_int_equal(drop_all(), 2);
    assert_null(flight_of(conn()));
    after(10);
    u_write(1000);
    expect("A 2001(1000)");
    assert_non_null(flight_of(conn())); /* two moments */
    peer("A 1 ack 3001");
    assert_null(flight_of(conn()));
}

static void use_up_memory(void) { conn()->t->flights.cap = conn()->t->episodes.cap = 0; }

/* Then what SACKs say can't be noted: they count as duplicates. */
static void without_memory_duplicates_show_a_loss(void)
{
    uint64_t full;

    open_sack();
    use_up_memory();
    send_segs(5);
    full = sl_stat_read(&conn()->t->stats->drop[SL_DROP_TCP_FLIGHT_FULL]);
    for (uint32_t i = 2; i < 5; i++)
        peer("A 1 ack 1 sack 1001-%u", i * 1000 + 1);
    expect("A 1(1000) ack 1");
    assert_int_equal(sl_stat_read(&conn()->t->stats->drop[SL_DROP_TCP_FLIGHT_FULL]), full + 3);
    assert_true(script_info().ssthresh_bytes < 10000);
    peer("A 1 ack 5001");
    assert_int_equal(conn()->ca, CA_OPEN);
    quiet(2000);
}

static void without_memory_a_timeout_sends_one_segment_after_the_other(void)
{
    open_sack();
    use_up_memory();
    send_segs(4);
    expect_within(100, 400, "A *(1000) ack 1"); /* the probe */
    expect_within(200, 700, "A 1(1000) ack 1");
    for (uint32_t i = 1; i < 4; i++) {
        after(50);
        peer("A 1 ack %u", i * 1000 + 1);
        expect("A %u(1000) ack 1", i * 1000 + 1);
    }
    peer("A 1 ack 4001");
    quiet(2000);
}

static void every_ack_gives_a_round_trip_in_microseconds(void)
{
    open_sack();
    assert_in_range(conn()->min_rtt_us, 100000, 100000);
    u_write(1000);
    expect("A 1(1000)");
    after(10);
    u_write(1000);
    expect("A 1001(1000)");
    after(50.125);
    peer("A 1 ack 2001"); /* the newest segment's */
    assert_in_range(conn()->min_rtt_us, 50125, 50125);
}

SCRIPT_MAIN(SCRIPT(a_segment_is_lost_a_quarter_round_trip_after_a_later_one),
            SCRIPT(three_sacked_segments_leave_no_doubt), SCRIPT(what_comes_late_within_the_window_is_not_sent_again),
            SCRIPT(a_network_that_reorders_gets_the_window), SCRIPT(the_order_of_blocks_is_no_reordering),
            SCRIPT(a_lost_retransmission_is_found_without_a_timeout),
            SCRIPT(an_ack_of_the_first_transmission_does_not_age_the_rest),
            SCRIPT(duplicates_reported_widen_the_window_once_per_round_trip),
            SCRIPT(sixteen_recoveries_without_duplicates_narrow_it_again),
            SCRIPT(a_timeout_spares_what_was_sent_just_before), SCRIPT(a_timeout_forgets_sacks),
            SCRIPT(sacks_do_not_put_the_timer_off), SCRIPT(blocks_that_say_nothing_change_nothing),
            SCRIPT(nested_blocks_count_once), SCRIPT(thousands_of_blocks_are_bounded),
            SCRIPT(a_flight_exists_only_while_it_is_needed), SCRIPT(without_memory_duplicates_show_a_loss),
            SCRIPT(without_memory_a_timeout_sends_one_segment_after_the_other),
            SCRIPT(every_ack_gives_a_round_trip_in_microseconds))
