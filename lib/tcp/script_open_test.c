/* How connections begin: RFC 9293 3.5, 3.10.1 to 3.10.7.3; from both sides, with losses and with strangers. */
#include <errno.h>

#include "helpers/script.h"

static void passive_open(void)
{
    u_listen(NULL);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1 mss %u", script_is_ip6() ? 1440 : 1460);
    state("SYN-RECEIVED");
    no_event(SL_STREAM_OPEN);
    peer("A 1 ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN);
    expect_nothing();
    assert_int_equal(script_conns(), 1);
}

static void active_open(void)
{
    assert_int_equal(u_connect(NULL), 0);
    expect("S 0 mss %u", script_is_ip6() ? 1440 : 1460);
    state("SYN-SENT");
    no_event(SL_STREAM_OPEN);
    peer("SA 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN);
}

static void simultaneous_open(void)
{
    reach("SYN-SENT");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    state("SYN-RECEIVED");
    no_event(SL_STREAM_OPEN);
    peer("A 1 ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN);
    u_write(10);
    expect("A 1(10) ack 1");
}

/* RFC 9293 figure 8 as it stands: the peer's answer is a SYN-ACK too, and the next segment settles it. */
static void simultaneous_open_with_both_syn_acks(void)
{
    reach("SYN-SENT");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    peer("SA 0 ack 1 mss 1000");
    drop_all();
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN);
    u_read(10);
    expect_ack(11);
}

/* RFC 7323 2.2: the window of a segment with SYN is not scaled, that of a SYN-ACK in SYN-RECEIVED neither, however small. */
static void simultaneous_open_with_windows_in_bytes(void)
{
    reach("SYN-SENT");
    peer("S 0 wnd 4001 mss 1000 ws 7");
    expect("SA 0 ack 1");
    assert_int_equal(script_info().snd_wnd_bytes, 4001);
    peer("SA 0 ack 1 wnd 100 mss 1000 ws 7");
    expect("A 1 ack 1");
    state("ESTABLISHED");
    assert_int_equal(script_info().snd_wnd_bytes, 100);
    u_write(300);
    expect("A 1(100) ack 1");
    peer("A 1 ack 101 wnd 2");
    assert_int_equal(script_info().snd_wnd_bytes, 256);
    expect("A 101(200) ack 1");
}

static void a_lost_syn_is_sent_again_with_backoff(void)
{
    reach("SYN-SENT");
    expect_within(900, 1300, "S 0");
    expect_within(1800, 2600, "S 0");
    peer("SA 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_lost_syn_ack_is_sent_again_with_backoff(void)
{
    reach("SYN-RECEIVED");
    expect_within(900, 1300, "SA 0 ack 1");
    expect_within(1800, 2600, "SA 0 ack 1");
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_repeated_syn_gets_the_syn_ack_again(void)
{
    reach("SYN-RECEIVED");
    after(100);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void data_stands_in_for_a_lost_last_ack(void)
{
    reach("SYN-RECEIVED");
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN | SL_STREAM_READABLE);
    u_read(10);
    expect_ack(11);
}

static void a_fin_stands_in_for_a_lost_last_ack(void)
{
    reach("SYN-RECEIVED");
    peer("FA 1 ack 1");
    state("CLOSE-WAIT");
    event(SL_STREAM_OPEN | SL_STREAM_EOF);
    expect_ack(2);
}

static void data_and_fin_out_of_order_in_syn_received(void)
{
    reach("SYN-RECEIVED");
    peer("FA 21 ack 1");
    drop_all();
    peer("A 11(10) ack 1");
    drop_all();
    peer("A 1(10) ack 1");
    expect_ack(22);
    state("CLOSE-WAIT");
    u_read(20);
    event(SL_STREAM_OPEN | SL_STREAM_EOF);
}

static void a_repeated_syn_ack_is_acknowledged_again(void)
{
    connect_one(NULL);
    peer("SA 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    state("ESTABLISHED");
}

/* RFC 9293 figure 9. */
static void a_stale_duplicate_syn_is_reset_and_the_new_one_accepted(void)
{
    u_listen(NULL);
    peer("S =5000 mss 1000");
    expect("SA 0 ack =5001");
    peer("R =5001");
    expect_nothing();
    assert_int_equal(script_conns(), 0);
    peer("S 0 mss 1000");
    expect("SA * ack 1");
    peer("A 1");
    state("ESTABLISHED");
}

static void an_old_syn_ack_in_syn_sent_is_reset(void)
{
    reach("SYN-SENT");
    peer("SA 0 ack 5000");
    expect("R 5000");
    state("SYN-SENT");
    peer("SA 0 ack 0");
    expect("R 0");
    state("SYN-SENT");
    peer("SA 0 ack 1 mss 1000");
    expect("A 1 ack 1");
}

static void a_bare_ack_in_syn_sent_is_dropped(void)
{
    reach("SYN-SENT");
    peer("A 1 ack 1");
    expect_nothing();
    state("SYN-SENT");
}

static void a_reset_in_syn_sent_means_refused(void)
{
    reach("SYN-SENT");
    peer("RA 0 ack 1");
    expect_nothing();
    state("CLOSED");
    closed_for(SL_REASON_REFUSED);
}

static void a_reset_that_acknowledges_no_syn_is_ignored_in_syn_sent(void)
{
    reach("SYN-SENT");
    peer("RA 0 ack 2");
    peer("RA 0 ack 0");
    peer("R 0");
    expect_nothing();
    state("SYN-SENT");
}

static void an_unanswered_connect_times_out(void)
{
    u_connect(&(struct sl_tcp_opts){.connect_timeout_ns = 3 * SL_NS_PER_S});
    expect("S 0");
    for (int i = 0; i < 28; i++) {
        after(100);
        drop_all();
    }
    state("SYN-SENT");
    after(300);
    drop_all();
    state("CLOSED");
    closed_for(SL_REASON_TIMEOUT);
    assert_int_equal(script_conns(), 0);
    u_release();
    quiet(10000);
}

static void an_ack_of_something_else_in_syn_received_is_reset(void)
{
    reach("SYN-RECEIVED");
    peer("A 1 ack 100");
    expect("R 100");
    peer("A 1 ack 0");
    expect("R 0");
    state("SYN-RECEIVED");
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_reset_in_syn_received_goes_back_to_listen(void)
{
    reach("SYN-RECEIVED");
    peer("R 1");
    expect_nothing();
    assert_int_equal(script_conns(), 0);
    accept_one(NULL);
}

static void a_reset_during_a_simultaneous_open_means_refused(void)
{
    reach("SYN-SENT");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    peer("R 1");
    closed_for(SL_REASON_REFUSED);
    state("CLOSED");
}

static void syn_received_does_not_stay_for_ever(void)
{
    reach("SYN-RECEIVED");
    for (int i = 0; i < 200; i++) {
        after(1000);
        drop_all();
    }
    assert_int_equal(script_conns(), 0);
    quiet(10000);
}

static void the_backlog_bounds_syn_received(void)
{
    u_listen_with(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_OFF}, 2);
    for (uint32_t i = 0; i < 2; i++) {
        on(i);
        peer("S 0 mss 1000");
        expect("SA 0 ack 1");
    }
    on(2);
    peer("S 0 mss 1000");
    expect_nothing();
    assert_int_equal(script_conns(), 2);
    on(0);
    peer("A 1 ack 1");
    state("ESTABLISHED");
    on(2);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void the_table_bounds_connections(void)
{
    world(.conns_max = 2);
    u_listen(NULL);
    for (uint32_t i = 0; i < 2; i++) {
        on(i);
        accept_one(NULL);
    }
    on(2);
    peer("S 0 mss 1000");
    drop_all(); /* nothing, or a reset */
    assert_int_equal(script_conns(), 2);
    on(3);
    assert_int_equal(u_connect(NULL), -ENOMEM);
}

static void data_on_a_syn_is_not_lost(void)
{
    u_listen(NULL);
    peer("S 0(10) mss 1000");
    expect("SA 0");
    assert_true(script_last_ack() == 1 || script_last_ack() == 11);
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    u_read(10);
    expect_ack(11);
}

static void unlisten_refuses_new_connections_and_keeps_old_ones(void)
{
    reach("ESTABLISHED");
    on(1);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    u_unlisten();
    drop_all();
    assert_int_equal(script_conns(), 1);
    on(2);
    peer("S 0");
    expect("RA =0 ack 1");
    on(0);
    peer("A 1(10) ack 1");
    u_read(10);
    expect_ack(11);
}

static void a_tuple_in_use_can_not_be_dialled(void)
{
    connect_one(NULL);
    assert_int_equal(u_connect(NULL), -EADDRINUSE);
    on(1);
    u_listen(NULL);
    accept_one(NULL);
    assert_int_equal(u_connect_from(SCRIPT_LPORT, NULL), -EADDRINUSE);
    state("ESTABLISHED");
}

static void a_crossing_syn_meets_the_dialled_connection_not_the_listener(void)
{
    u_listen(NULL);
    assert_int_equal(u_connect_from(SCRIPT_LPORT, NULL), 0);
    expect("S 0");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    state("SYN-RECEIVED");
    assert_int_equal(script_conns(), 1);
}

static void an_abort_before_the_answer_leaves_nothing(void)
{
    reach("SYN-SENT");
    u_abort();
    drop_all();
    state("CLOSED");
    u_release();
    quiet(20000);
    assert_int_equal(script_conns(), 0);
}

static void a_release_before_the_answer_leaves_nothing(void)
{
    reach("SYN-SENT");
    u_release();
    drop_all();
    quiet(20000);
    assert_int_equal(script_conns(), 0);
}

static void bytes_written_before_the_answer_follow_it(void)
{
    reach("SYN-SENT");
    u_write(10);
    expect_nothing();
    peer("SA 0 ack 1 mss 1000");
    expect("A 1(10) ack 1");
}

static void a_shutdown_before_the_answer_sends_fin_after_it(void)
{
    reach("SYN-SENT");
    u_shutdown();
    expect_nothing();
    peer("SA 0 ack 1 mss 1000");
    expect("FA 1 ack 1");
    state("FIN-WAIT-1");
}

/* The peer's reset ended it, and its user has not yet let go. */
static void a_syn_on_a_closed_but_present_connection_opens_a_new_one(void)
{
    struct sl_stream *old;

    reach("ESTABLISHED");
    old = u_stream();
    peer("R 1");
    closed_for(SL_REASON_RESET);
    forget_events();
    peer("S 500000 mss 1000");
    expect("SA * ack 500001");
    peer("A 500001");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN);
    assert_ptr_not_equal(u_stream(), old);
    assert_int_equal(script_conns(), 1);
    old->ops->release(old);
    peer("A 500001 wnd 100");
    state("ESTABLISHED");
}

static void initial_sequence_numbers_differ_by_tuple_and_time(void)
{
    uint32_t iss[3];

    for (uint32_t i = 0; i < 3; i++) {
        on(i);
        reach("SYN-SENT");
        iss[i] = script_last()->seq;
    }
    assert_int_not_equal(iss[0], iss[1]);
    assert_int_not_equal(iss[1] - iss[0], iss[2] - iss[1]);
    on(0);
    u_abort();
    drop_all();
    u_release();
    after(1000);
    drop_all();
    on(0);
    reach("SYN-SENT");
    /* RFC 6528: the same tuple's numbers move with a clock of about 4 us. */
    assert_in_range(script_last()->seq - iss[0], 100000, 400000);
}

SCRIPT_MAIN(SCRIPT(passive_open), SCRIPT(active_open), SCRIPT(simultaneous_open),
            SCRIPT(simultaneous_open_with_both_syn_acks), SCRIPT(simultaneous_open_with_windows_in_bytes),
            SCRIPT(a_lost_syn_is_sent_again_with_backoff), SCRIPT(a_lost_syn_ack_is_sent_again_with_backoff),
            SCRIPT(a_repeated_syn_gets_the_syn_ack_again), SCRIPT(data_stands_in_for_a_lost_last_ack),
            SCRIPT(a_fin_stands_in_for_a_lost_last_ack), SCRIPT(data_and_fin_out_of_order_in_syn_received),
            SCRIPT(a_repeated_syn_ack_is_acknowledged_again),
            SCRIPT(a_stale_duplicate_syn_is_reset_and_the_new_one_accepted),
            SCRIPT(an_old_syn_ack_in_syn_sent_is_reset), SCRIPT(a_bare_ack_in_syn_sent_is_dropped),
            SCRIPT(a_reset_in_syn_sent_means_refused), SCRIPT(a_reset_that_acknowledges_no_syn_is_ignored_in_syn_sent),
            SCRIPT(an_unanswered_connect_times_out), SCRIPT(an_ack_of_something_else_in_syn_received_is_reset),
            SCRIPT(a_reset_in_syn_received_goes_back_to_listen),
            SCRIPT(a_reset_during_a_simultaneous_open_means_refused), SCRIPT(syn_received_does_not_stay_for_ever),
            SCRIPT(the_backlog_bounds_syn_received), SCRIPT(the_table_bounds_connections),
            SCRIPT(data_on_a_syn_is_not_lost), SCRIPT(unlisten_refuses_new_connections_and_keeps_old_ones),
            SCRIPT(a_tuple_in_use_can_not_be_dialled),
            SCRIPT(a_crossing_syn_meets_the_dialled_connection_not_the_listener),
            SCRIPT(an_abort_before_the_answer_leaves_nothing), SCRIPT(a_release_before_the_answer_leaves_nothing),
            SCRIPT(bytes_written_before_the_answer_follow_it), SCRIPT(a_shutdown_before_the_answer_sends_fin_after_it),
            SCRIPT(a_syn_on_a_closed_but_present_connection_opens_a_new_one),
            SCRIPT(initial_sequence_numbers_differ_by_tuple_and_time))
