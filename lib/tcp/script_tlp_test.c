/* Tail loss probes (RFC 8985 section 7). The round trip is 100 ms. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

static struct conn *conn(void) { return conn_of_stream(u_stream()); }

static void open_sack(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok");
}

/* Two round trips are less than the least that a probe waits. */
static void open_near(void)
{
    u_listen(NULL);
    accept_at(0.05, "mss 1000 sackok");
}

static void send_segs(uint32_t n)
{
    u_write(n * 1000);
    assert_int_equal(drop_all(), n);
}

/* ---- 7.2: when ---- */

static void silence_for_two_round_trips_brings_the_last_segment_again(void)
{
    open_sack();
    send_segs(3);
    expect_within(199, 202, "A 2001(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
    peer("A 1 ack 3001");
}

/* The peer may hold its ACK back; and the probe never comes after the timeout. */
static void a_lone_segment_is_given_time_for_a_delayed_ack(void)
{
    open_sack();
    send_segs(1);
    expect_within(299, 302, "A 1(1000) ack 1"); /* PTO would be 400 ms, RTO is 300 ms */
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 1);
    expect_within(299, 302, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    peer("A 1 ack 1001");
}

static void there_is_one_probe_where_a_second_would_be_later_than_the_timeout(void)
{
    open_sack();
    send_segs(3);
    expect_within(199, 202, "A 2001(1000) ack 1");
    expect_within(299, 302, "A 1(1000) ack 1"); /* RTO from the probe on */
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    peer("A 1 ack 3001");
}

static void sending_on_does_not_put_the_timeout_off(void)
{
    open_sack();
    send_segs(2);
    after(150);
    send_segs(1);
    expect_within(145, 155, "A 2001(1000) ack 1"); /* a probe at 300, RTO of the first, not at 350 */
    peer("A 1 ack 3001");
}

static void peers_without_sack_get_none(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000");
    send_segs(3);
    expect_within(299, 302, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 0);
    peer("A 1 ack 3001");
}

/* What SACKs say is more than a probe could bring. */
static void sacks_make_it_needless(void)
{
    open_sack();
    send_segs(3);
    after(190);
    peer("A 1 ack 1 sack 2001-3001");
    expect_within(0, 60, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 0);
    peer("A 1 ack 3001");
}

/* A round trip shorter than the wheel's tick: timers fire, and not all the time. */
static void a_tiny_round_trip_neither_stops_nor_spins_the_timers(void)
{
    uint32_t n = 0;

    open_near();
    send_segs(3);
    for (uint32_t i = 0; i < 6; i++)
        expect_within((1u << (i + 1)) - 0.2, (1u << (i + 1)) + 0.2, "A 2001(1000) ack 1"); /* 2, 4, .. 64 ms */
    for (uint32_t i = 0; i < 100; i++) {
        after(10);
        n += drop_all();
    }
    assert_in_range(n, 2, 4); /* 200, 400, 800 ms */
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 6);
    assert_in_range(script_info().rto_ms, 200, 2000);
    peer("A 1 ack 3001");
    drop_all();
}

/* Beyond RFC 8985: a tail gets as many probes as fit before the timeout. The first of them is lost here. */
static void a_lost_probe_is_followed_by_another(void)
{
    open_near();
    u_write(20000);
    assert_int_equal(drop_all(), 10);
    expect_within(1.8, 2.2, "A 10001(1000) ack 1");
    expect_within(3.8, 4.2, "A 11001(1000) ack 1");
    peer("A 1 ack 1 sack 11001-12001");
    expect_within(0, 1, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
    u_abort();
    drop_all();
}

/* An answer begins anew. */
static void an_answer_makes_the_next_probe_an_early_one(void)
{
    open_near();
    u_write(30000);
    drop_all();
    expect_within(1.8, 2.2, "A 10001(1000) ack 1");
    expect_within(3.8, 4.2, "A 11001(1000) ack 1");
    peer("A 1 ack 12001");
    assert_int_equal(drop_all(), 18);
    expect_within(1.8, 2.2, "A 29001(1000) ack 1");
    u_abort();
    drop_all();
}

/* Nothing was sent after the retransmission, so nothing can show that it was lost. */
static void a_lost_retransmission_with_nothing_behind_it_is_probed_for(void)
{
    open_near();
    send_segs(4);
    peer("A 1 ack 1 sack 1001-4001");
    expect("A 1(1000) ack 1");
    expect_within(1.8, 2.2, "A 1(1000) ack 1");
    expect_within(3.8, 4.2, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 2);
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 1);
    peer("A 1 ack 4001");
    quiet(1000);
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
}

/* A probe in recovery is reported like one of a tail: no sign of reordering, and bytes that are SACKed stay so. */
static void a_needless_probe_in_recovery_is_no_reordering(void)
{
    open_near();
    send_segs(4);
    peer("A 1 ack 1 sack 501-4001");
    expect("A 1(500) ack 1");
    expect_within(1.8, 2.2, "A 1(500) ack 1");
    assert_int_equal(flight_of(conn())->sacked_bytes, 3500);
    peer("A 1 ack 4001");
    peer("A 1 ack 4001 sack 1-501");
    assert_int_equal(conn()->reo_mult, 1);
}

/* After a timeout the backed-off timer counts, until something comes back. */
static void a_timeout_has_no_probes_before_the_first_answer(void)
{
    open_sack();
    send_segs(4);
    expect_within(199, 202, "A 3001(1000) ack 1");
    expect_within(299, 302, "A 1(1000) ack 1");
    expect_within(599, 602, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_LOSS_PROBES), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 2);
    peer("A 1 ack 4001");
}

/* ---- 7.3: what ---- */

static void new_data_is_the_better_probe(void)
{
    open_sack();
    u_write(20000);
    assert_int_equal(drop_all(), 10);
    expect_within(199, 202, "A 10001(1000) ack 1"); /* beyond cwnd */
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 0);
    peer("A 1 ack 11001");
    assert_int_equal(script_counter(SL_CTR_TCP_PROBES_REPAIRED), 0);
    drop_all();
    peer("A 1 ack 20001");
}

static void new_data_beyond_the_window_is_no_probe(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok wnd 3000");
    u_write(20000);
    assert_int_equal(drop_all(), 3);
    expect_within(199, 202, "A 2001(1000) ack 1");
    peer("A 1 ack 3001");
    drop_all();
    u_abort();
    drop_all();
}

static void a_fin_is_probed_for_like_data(void)
{
    open_sack();
    u_write(2000);
    u_shutdown();
    assert_int_equal(drop_all(), 3);
    expect_within(199, 202, "FA 1002(999) ack 1");
    peer("A 1 ack 2002");
    state("FIN-WAIT-2");
}

/* ---- 7.4: what became of it ---- */

static void what_the_probe_brings_back_repairs_the_tail(void)
{
    open_sack();
    send_segs(4);
    expect_within(199, 202, "A 3001(1000) ack 1");
    after(100);
    peer("A 1 ack 1 sack 3001-4001");
    expect_within(0, 30, "A 1(1000) ack 1");
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
    peer("A 1 ack 4001");
    drop_all();
}

/* The probe of the last segment is acknowledged, and nobody says that it came twice: the first one was lost. */
static void a_loss_that_the_probe_repaired_is_congestion(void)
{
    uint32_t cwnd;

    open_sack();
    send_segs(4);
    expect_within(199, 202, "A 3001(1000) ack 1");
    cwnd = script_info().cwnd_bytes;
    peer("A 1 ack 4001"); /* not yet known */
    assert_int_equal(script_info().cwnd_bytes, cwnd);
    send_segs(1);
    after(10);
    peer("A 1 ack 5001");
    assert_int_equal(script_counter(SL_CTR_TCP_PROBES_REPAIRED), 1);
    assert_true(script_info().ssthresh_bytes < cwnd);
    assert_in_range(script_info().cwnd_bytes, 1000, script_info().ssthresh_bytes);
}

static void no_reduction(void)
{
    send_segs(1);
    after(10);
    peer("A 1 ack 5001");
    assert_int_equal(script_counter(SL_CTR_TCP_PROBES_REPAIRED), 0);
    assert_true(script_info().ssthresh_bytes > 1000000);
}

static void a_probe_reported_as_duplicate_was_needless(void)
{
    open_sack();
    send_segs(4);
    expect_within(199, 202, "A 3001(1000) ack 1");
    peer("A 1 ack 4001 sack 3001-4001");
    assert_false(conn()->tlp_out);
    assert_int_equal(conn()->reo_mult, 1);
    no_reduction();
}

static void a_duplicate_ack_says_the_same(void)
{
    open_sack();
    send_segs(4);
    expect_within(199, 202, "A 3001(1000) ack 1");
    peer("A 1 ack 4001");
    assert_true(conn()->tlp_out);
    peer("A 1 ack 4001");
    assert_false(conn()->tlp_out);
    no_reduction();
}

SCRIPT_MAIN(SCRIPT(silence_for_two_round_trips_brings_the_last_segment_again),
            SCRIPT(a_lone_segment_is_given_time_for_a_delayed_ack),
            SCRIPT(there_is_one_probe_where_a_second_would_be_later_than_the_timeout),
            SCRIPT(sending_on_does_not_put_the_timeout_off), SCRIPT(peers_without_sack_get_none),
            SCRIPT(sacks_make_it_needless), SCRIPT(a_tiny_round_trip_neither_stops_nor_spins_the_timers),
            SCRIPT(a_lost_probe_is_followed_by_another), SCRIPT(an_answer_makes_the_next_probe_an_early_one),
            SCRIPT(a_lost_retransmission_with_nothing_behind_it_is_probed_for),
            SCRIPT(a_needless_probe_in_recovery_is_no_reordering),
            SCRIPT(a_timeout_has_no_probes_before_the_first_answer), SCRIPT(new_data_is_the_better_probe),
            SCRIPT(new_data_beyond_the_window_is_no_probe), SCRIPT(a_fin_is_probed_for_like_data),
            SCRIPT(what_the_probe_brings_back_repairs_the_tail), SCRIPT(a_loss_that_the_probe_repaired_is_congestion),
            SCRIPT(a_probe_reported_as_duplicate_was_needless), SCRIPT(a_duplicate_ack_says_the_same))
