/* Faults that mature stacks still fixed after years, those of states and numbers: a test each. Those of timers are in
 * script_fault_timer_test.c. */
#include "helpers/script.h"

/* ---- windows in SYNs ---- */

static void the_window_of_a_syn_ack_that_answers_us_is_not_scaled(void)
{
    reach("SYN-SENT");
    peer("SA 0 ack 1 mss 1000 ws 7 wnd 2000");
    expect("A 1 ack 1");
    assert_int_equal(script_info().snd_wnd_bytes, 2000);
    u_write(10000);
    assert_int_equal(drop_all_bytes(), 2000);
    peer("A 1 ack 2001 wnd 24"); /* from here on it is */
    assert_int_equal(drop_all_bytes(), 3000);
}

/* ---- ACKs of what was not sent ---- */

static void an_ack_of_a_fin_that_was_not_sent_moves_nothing(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(500);
    u_shutdown();
    expect_nothing();
    state("FIN-WAIT-1");
    peer("A 1 ack 502"); /* data and FIN */
    expect("A 1 ack 1");
    state("FIN-WAIT-1");
    assert_int_equal(script_info().snd_queued_bytes, 500);
    peer("A 1 ack 1 wnd 5000");
    expect("FA 1(500) ack 1");
    peer("A 1 ack 502");
    state("FIN-WAIT-2");
}

static void an_ack_of_the_probe_s_byte_alone_is_taken(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(500);
    peer("A 1 ack 2 wnd 0"); /* no probe is out yet */
    expect("A 1 ack 1");
    expect_within(150, 3000, "A 1(1)");
    peer("A 1 ack 3 wnd 0"); /* nobody sent the second byte */
    expect("A * ack 1");
    assert_int_equal(script_info().snd_queued_bytes, 500);
    peer("A 1 ack 2 wnd 0");
    assert_int_equal(script_info().snd_queued_bytes, 499);
    peer("A 1 ack 2 wnd 5000");
    expect("A 2(499) ack 1");
}

/* ---- SYNs where none is expected ---- */

static void several_syns_of_one_burst_in_time_wait_make_one_connection(void)
{
    reach("TIME-WAIT");
    u_release();
    peer_batch("S 500000 mss 1000");
    peer_batch("S 500000 mss 1000");
    peer_batch("S 700000 mss 1000"); /* another one: it waits until the first is over */
    peer("S 500000 mss 1000");
    assert_in_range(drop_all(), 1, 4);
    assert_int_equal(script_conns(), 1);
    peer("A 500001");
    state("ESTABLISHED");
    assert_int_equal(script_conns(), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_TIME_WAIT), 0);
}

static void syn_acks_after_the_handshake_are_challenged_in_every_state(void)
{
    for (uint32_t i = 0; i < 7; i++) {
        const struct script_state *s = &script_states[i];

        world(0);
        reach(s->name);
        peer("SA 0 ack 1 mss 1000");
        expect("A %u ack %u", s->our_nxt, s->peer_nxt);
        expect_nothing();
        state(s->name);
        peer("SA %u ack %u mss 1000", s->peer_nxt + 5, s->our_nxt); /* in the window, too */
        expect("A %u ack %u", s->our_nxt, s->peer_nxt);
        state(s->name);
        drop_all();
    }
}

/* ---- SYN-RECEIVED ---- */

static void cross(void)
{
    reach("SYN-SENT");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    state("SYN-RECEIVED");
}

static void data_and_fin_out_of_order_complete_a_simultaneous_open(void)
{
    cross();
    peer("FA 21 ack 1");
    state("ESTABLISHED");
    peer("A 11(10) ack 1");
    drop_all();
    u_read_nothing();
    peer("A 1(10) ack 1");
    expect_ack(22);
    u_read(20);
    event(SL_STREAM_OPEN | SL_STREAM_EOF);
    state("CLOSE-WAIT");
}

static void syn_received_of_a_simultaneous_open_ages(void)
{
    cross();
    for (uint32_t i = 0; i < 15; i++) {
        after(1000);
        drop_all();
        peer("S 0 mss 1000"); /* it only repeats itself */
        drop_all();
    }
    state("CLOSED");
    closed_for(SL_REASON_TIMEOUT);
    assert_int_equal(script_conns(), 0);
}

/* Whatever comes meanwhile but the right ACK. */
static void odd_segments_do_not_keep_syn_received_young(void)
{
    reach("SYN-RECEIVED");
    for (uint32_t i = 0; i < 32; i++) {
        after(1000);
        peer("S 0 mss 1000");
        peer("R 5");
        peer("A 70000(10) ack 1");
        peer("A 1(10) ack 500 fill");
        drop_all();
    }
    assert_int_equal(script_drops(SL_DROP_TCP_REQUEST_TIMEOUT), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_ACCEPTED), 0);
}

/* Not only where cookies are sent. */
static void a_handshake_holds_no_buffer(void)
{
    struct rte_mempool *frames = rte_mempool_lookup("frames");
    unsigned before = rte_mempool_in_use_count(frames);

    u_listen_with(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_OFF}, 64);
    for (uint32_t i = 0; i < 40; i++) {
        on(i);
        peer("S 0(100) mss 1220");
        expect("SA 0 ack 1");
    }
    assert_int_equal(script_conns(), 40);
    assert_int_equal(rte_mempool_in_use_count(frames), before);
    for (uint32_t i = 0; i < 100; i++) {
        after(1000);
        drop_all();
    }
}

/* ---- closing ---- */

static void a_fin_behind_a_shut_window_follows_the_data_when_it_opens(void)
{
    reach("CLOSE-WAIT");
    peer("A 2 ack 1 wnd 0");
    u_write(100);
    u_shutdown();
    state("LAST-ACK");
    expect_within(150, 3000, "A 1(1)");
    peer("A 2 ack 1 wnd 5000");
    expect("FA 1(100) ack 2");
    expect_within(10, 3000, "FA 1(100) ack 2");
    peer("A 2 ack 102");
    state("CLOSED");
}

/* ---- timers and windows of congestion ---- */

static void what_the_peer_sends_does_not_put_the_timer_off(void)
{
    uint32_t sent = 0;
    double began;

    reach("ESTABLISHED");
    u_write(1000);
    expect("A 1(1000) ack 1");
    began = script_now_ms();
    while (!script_counter(SL_CTR_TCP_RTOS) && script_now_ms() - began < 2000) {
        peer("A %u(10) ack 1", 1 + sent);
        sent += 10;
        after(20);
        drop_all();
    }
    assert_true(script_now_ms() - began >= 190 && script_now_ms() - began <= 320);
    u_read(sent);
}

static void cwnd_does_not_grow_while_the_peer_s_window_is_the_limit(void)
{
    uint32_t cwnd, acked = 0;

    u_listen(NULL);
    accept_one("mss 1000 wnd 3000");
    cwnd = script_info().cwnd_bytes;
    for (uint32_t i = 0; i < 100; i++) {
        u_write(3000);
        acked += drop_all_bytes();
        after(5);
        peer("A 1 ack %u wnd 3000", 1 + acked);
    }
    acked += drop_all_bytes();
    assert_true(acked >= 100000);
    assert_in_range(script_info().cwnd_bytes, cwnd, cwnd + 3000);
}

/* ---- clocks that wrap ---- */

/* 32-bit clocks wrap after 71 minutes (us), 49.7 days (ms), and change their sign in half the time. */
static void the_age_of_the_machine_does_not_matter(void)
{
    static const double days[] = {0.02, 0.049, 20, 24.9, 40, 49.71, 60, 75};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(days); i++) {
        world(0);
        at(days[i] * 86400e3);
        u_listen(NULL);
        accept_one("mss 1000 sackok ts 1,0");
        peer("A 0 ack 1"); /* the peer looks whether we are there (RFC 1122 4.2.3.6) */
        expect("A 1 ack 1");
        peer("R 5");
        expect("A 1 ack 1");
        u_write(2 * 988);
        assert_int_equal(drop_all(), 2);
        after(1);
        peer("A 1 ack 989");
        assert_in_range(script_info().srtt_us, 1, 25000);
        expect_within(1, 1000, "A 989(988)");
        peer("A 1 ack 1977");
        after(200000);
        drop_all();
        peer("A 0 ack 1977");
        expect("A 1977 ack 1");
    }
}

/* ... nor that of a connection. */
static void a_connection_that_was_quiet_for_weeks_still_answers(void)
{
    u_listen(&(struct sl_tcp_opts){.keepalive_ns = SL_NEVER});
    accept_one("mss 1000 ts 1,0");
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < 20; k++)
            peer("R 5");
        drop_all();
        peer("R 5"); /* by now the limit is reached */
        expect_nothing();
        quiet(26 * 86400e3);
        peer("A 0 ack 1");
        expect("A 1 ack 1");
    }
}

SCRIPT_MAIN(SCRIPT(the_window_of_a_syn_ack_that_answers_us_is_not_scaled),
            SCRIPT(an_ack_of_a_fin_that_was_not_sent_moves_nothing), SCRIPT(an_ack_of_the_probe_s_byte_alone_is_taken),
            SCRIPT(several_syns_of_one_burst_in_time_wait_make_one_connection),
            SCRIPT(syn_acks_after_the_handshake_are_challenged_in_every_state),
            SCRIPT(data_and_fin_out_of_order_complete_a_simultaneous_open),
            SCRIPT(syn_received_of_a_simultaneous_open_ages), SCRIPT(odd_segments_do_not_keep_syn_received_young),
            SCRIPT(a_handshake_holds_no_buffer), SCRIPT(a_fin_behind_a_shut_window_follows_the_data_when_it_opens),
            SCRIPT(what_the_peer_sends_does_not_put_the_timer_off),
            SCRIPT(cwnd_does_not_grow_while_the_peer_s_window_is_the_limit),
            SCRIPT(the_age_of_the_machine_does_not_matter), SCRIPT(a_connection_that_was_quiet_for_weeks_still_answers))
