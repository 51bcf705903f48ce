/* How much is sent while cwnd comes down (RFC 9937), after losses and after an ECN echo; that it comes down once for one
 * event; and that it grows for nothing that a peer can fake. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

static struct conn *conn(void) { return conn_of_stream(u_stream()); }

/* Ten segments are out, and plenty waits. */
static void open_full_by(uint8_t cc, const char *options)
{
    u_listen(&(struct sl_tcp_opts){.snd_max_bytes = 1 << 20, .cc = cc});
    accept_at(100, options);
    u_write(100000);
    assert_int_equal(drop_all_bytes(), 10000);
    after(100);
}

static void open_full(const char *options) { open_full_by(SL_TCP_CC_DEFAULT, options); }

/* ---- losses ---- */

/* One segment lost of ten: what goes out keeps to ssthresh / RecoverFS of what arrives, from the first ACK on. */
static void what_is_sent_is_a_share_of_what_arrives(void)
{
    uint32_t sent = 0, ssthresh;

    open_full("mss 1000 sackok");
    for (uint32_t i = 2; i < 4; i++)
        peer("A 1 ack 1 sack 1001-%u", i * 1000 + 1);
    drop_all(); /* limited transmit */
    peer("A 1 ack 1 sack 1001-4001");
    ssthresh = script_info().ssthresh_bytes;
    for (uint32_t i = 4; i <= 10; i++) {
        uint32_t delivered = (i - 3) * 1000, share;

        if (i > 4)
            peer("A 1 ack 1 sack 1001-%u", i * 1000 + 1);
        share = (delivered * ssthresh + 9999) / 10000;
        sent += drop_all_bytes();
        assert_in_range(sent, i == 4 ? 1000 : share > 2000 ? share - 2000 : 0, share + 1000);
    }
    peer("A 1 ack 12001");
    assert_int_equal(script_info().cwnd_bytes, ssthresh); /* 6.4: the end */
    drop_all();
}

/* Seven of ten are gone: less than ssthresh is in flight. No burst: for each segment that arrives one, and one more. */
static void after_many_losses_each_ack_brings_two_segments_at_most(void)
{
    uint32_t ssthresh, acked;

    open_full("mss 1000 sackok");
    peer("A 1 ack 1 sack 7001-10001");
    assert_in_range(drop_all_bytes(), 1000, 3000);
    ssthresh = script_info().ssthresh_bytes;
    for (acked = 1001; acked < 6001; acked += 1000) {
        after(100);
        peer("A 1 ack %u sack 7001-10001", acked);
        assert_in_range(drop_all_bytes(), 1000, 2000);
        assert_true(sl_tcp_recovery_pipe(conn()) <= ssthresh);
    }
    peer("A 1 ack 10001");
    drop_all();
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
}

/* A hole after the other is found: one recovery, one reduction. Neither does a timeout of a timeout reduce again. */
static void ssthresh_is_reduced_once_per_event(void)
{
    uint32_t ssthresh;

    open_full("mss 1000 sackok");
    peer("A 1 ack 1 sack 1001-4001");
    ssthresh = script_info().ssthresh_bytes;
    peer("A 1 ack 1 sack 5001-10001,1001-4001");
    drop_all();
    peer("A 1 ack 4001 sack 5001-10001");
    drop_all();
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 1);
    for (uint32_t i = 0; i < 300 && script_counter(SL_CTR_TCP_RTOS) < 3; i++) {
        after(10);
        drop_all();
        if (script_counter(SL_CTR_TCP_RTOS) == 1)
            ssthresh = script_info().ssthresh_bytes;
    }
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 3);
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
}

static void without_sack_duplicates_count_as_delivered(void)
{
    uint32_t sent = 0, ssthresh;

    open_full("mss 1000");
    for (uint32_t i = 0; i < 3; i++)
        peer("A 1 ack 1");
    sent = drop_all_bytes();
    ssthresh = script_info().ssthresh_bytes;
    for (uint32_t i = 3; i < 9; i++) {
        peer("A 1 ack 1");
        sent += drop_all_bytes();
    }
    assert_in_range(sent, 2000, ssthresh + 2000);
    peer("A 1 ack 10001");
    drop_all();
    assert_in_range(script_info().cwnd_bytes, 2000, ssthresh);
}

/* ---- an ECN echo ---- */

/* What goes out keeps to ssthresh / RecoverFS of what arrives, in whole segments; what rounding held back before less than
 * ssthresh was in flight comes only then: most_behind. */
static void an_echo_brings_cwnd_down(uint8_t cc, uint32_t to, uint32_t most_behind)
{
    uint32_t sent = 0, ssthresh;

    open_full_by(cc, "mss 1000 sackok");
    sl_tcp_recovery_reduce(conn());
    ssthresh = script_info().ssthresh_bytes;
    assert_int_equal(ssthresh, to);
    assert_int_equal(conn()->ca, CA_CWR);
    for (uint32_t i = 1; i <= 9; i++) {
        uint32_t share = i * ssthresh / 10;

        peer("A 1 ack %u", i * 1000 + 1);
        sent += drop_all_bytes();
        assert_in_range(sent, share > most_behind ? share - most_behind : 0, share + 1000);
    }
    peer("A 1 ack 10001");
    drop_all();
    assert_int_equal(conn()->ca, CA_OPEN);
    assert_int_equal(script_info().cwnd_bytes, ssthresh);
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 0);
}

static void an_echo_brings_cwnd_down_to_ssthresh_in_a_round_trip(void)
{
    an_echo_brings_cwnd_down(SL_TCP_CC_NEWRENO, 5000, 1000);
    world(0);
    an_echo_brings_cwnd_down(SL_TCP_CC_CUBIC, 7000, 1500);
}

/* RFC 3168 6.1.2. */
static void echoes_of_one_window_reduce_once(void)
{
    uint32_t ssthresh;

    open_full("mss 1000 sackok");
    sl_tcp_recovery_reduce(conn());
    ssthresh = script_info().ssthresh_bytes;
    peer("A 1 ack 3001");
    sl_tcp_recovery_reduce(conn());
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
    peer("A 1 ack 10001");
    drop_all();
    sl_tcp_recovery_reduce(conn()); /* the next window */
    assert_true(script_info().ssthresh_bytes < ssthresh);
    assert_int_equal(script_counter(SL_CTR_TCP_CWND_REDUCED), 2);
    drop_all();
}

static void a_loss_in_the_window_of_an_echo_does_not_reduce_again(void)
{
    uint32_t ssthresh;

    open_full("mss 1000 sackok");
    sl_tcp_recovery_reduce(conn());
    ssthresh = script_info().ssthresh_bytes;
    peer("A 1 ack 4001"); /* half of what is left is less */
    drop_all();
    peer("A 1 ack 4001 sack 5001-9001");
    assert_true(drop_all() >= 1);
    assert_int_equal(conn()->ca, CA_RECOVERY);
    assert_int_equal(script_info().ssthresh_bytes, ssthresh);
    peer("A 1 ack 10001");
    drop_all();
}

/* NewReno's caution at the end of a recovery (RFC 6582 3.2 step 3) is for losses: here all arrived. */
static void without_sack_an_echo_ends_at_ssthresh_too(void)
{
    open_full_by(SL_TCP_CC_NEWRENO, "mss 1000");
    sl_tcp_recovery_reduce(conn());
    peer("A 1 ack 5001");
    drop_all();
    peer("A 1 ack 10001");
    drop_all();
    assert_int_equal(conn()->ca, CA_OPEN);
    assert_int_equal(script_info().cwnd_bytes, 5000);
}

static void an_echo_with_nothing_in_flight_is_done_at_once(void)
{
    u_listen(NULL);
    accept_at(100, "mss 1000 sackok");
    sl_tcp_recovery_reduce(conn());
    assert_int_equal(conn()->ca, CA_OPEN);
    assert_int_equal(script_info().cwnd_bytes, script_info().ssthresh_bytes);
    assert_in_range(script_info().ssthresh_bytes, 5000, 9000);
}

/* ---- growth ---- */

/* After a timeout, too, cwnd grows only for one whom it holds back. */
static void a_window_that_is_not_used_does_not_grow(void)
{
    uint32_t una = 1001;

    u_listen(NULL);
    accept_at(1, "mss 1000 sackok");
    u_write(1000);
    for (uint32_t i = 0; i < 100 && !script_counter(SL_CTR_TCP_RTOS); i++) {
        drop_all();
        after(10);
    }
    drop_all();
    peer("A 1 ack 1001");
    for (uint32_t i = 0; i < 50; i++, una += 100) {
        u_write(100);
        expect("A %u(100)", una);
        after(1);
        peer("A 1 ack %u", una + 100);
    }
    assert_in_range(script_info().cwnd_bytes, 1000, 2000);
}

/* RFC 3465: bytes count, not ACKs, in slow start and beyond it. */
static void divided_acks_grow_no_more_than_whole_ones(void)
{
    uint32_t cwnd[2];

    for (uint32_t pieces = 0; pieces < 2; pieces++) {
        world(0);
        open_full("mss 1000 sackok");
        sl_tcp_recovery_reduce(conn());
        peer("A 1 ack 10001");
        drop_all_bytes();
        after(100);
        for (uint32_t i = 1; i <= 100; i++) {
            if (pieces || i % 20 == 0)
                peer("A 1 ack %u", 10001 + i * 50);
            drop_all();
        }
        cwnd[pieces] = script_info().cwnd_bytes;
    }
    assert_in_range(cwnd[1], cwnd[0] - 1000, cwnd[0] + 1000);
}

/* ACKs of what was never sent, and old ones again, neither grow nor end anything. */
static void optimistic_and_old_acks_gain_nothing(void)
{
    uint32_t cwnd;

    open_full("mss 1000 sackok");
    peer("A 1 ack 1 sack 1001-4001");
    drop_all();
    cwnd = script_info().cwnd_bytes;
    peer("A 1 ack 90001");
    drop_all();
    peer("A 1 ack -5000");
    drop_all();
    for (uint32_t i = 0; i < 50; i++)
        peer("A 1 ack 1 sack 1001-4001");
    assert_int_equal(drop_all(), 0);
    assert_int_equal(script_info().cwnd_bytes, cwnd);
    assert_int_equal(conn()->ca, CA_RECOVERY);
    peer("A 1 ack 10001");
    drop_all();
}

SCRIPT_MAIN(SCRIPT(what_is_sent_is_a_share_of_what_arrives),
            SCRIPT(after_many_losses_each_ack_brings_two_segments_at_most), SCRIPT(ssthresh_is_reduced_once_per_event),
            SCRIPT(without_sack_duplicates_count_as_delivered),
            SCRIPT(an_echo_brings_cwnd_down_to_ssthresh_in_a_round_trip), SCRIPT(echoes_of_one_window_reduce_once),
            SCRIPT(a_loss_in_the_window_of_an_echo_does_not_reduce_again),
            SCRIPT(without_sack_an_echo_ends_at_ssthresh_too), SCRIPT(an_echo_with_nothing_in_flight_is_done_at_once),
            SCRIPT(a_window_that_is_not_used_does_not_grow), SCRIPT(divided_acks_grow_no_more_than_whole_ones),
            SCRIPT(optimistic_and_old_acks_gain_nothing))
