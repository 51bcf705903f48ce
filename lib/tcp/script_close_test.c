/* How connections end: RFC 9293 3.6 and 3.10.4; every way through the closing states, with and without losses. */
#include "helpers/script.h"

static void four_way_close_by_us(void)
{
    reach("ESTABLISHED");
    u_shutdown();
    expect("FA 1 ack 1");
    state("FIN-WAIT-1");
    peer("A 1 ack 2");
    expect_nothing();
    state("FIN-WAIT-2");
    no_event(SL_STREAM_EOF | SL_STREAM_CLOSED);
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    state("TIME-WAIT");
    event(SL_STREAM_EOF | SL_STREAM_CLOSED);
    closed_for(SL_REASON_NONE);
}

static void three_segment_close_by_us(void)
{
    reach("ESTABLISHED");
    u_shutdown();
    expect("FA 1 ack 1");
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    state("TIME-WAIT");
    closed_for(SL_REASON_NONE);
}

static void simultaneous_close(void)
{
    reach("ESTABLISHED");
    u_shutdown();
    expect("FA 1 ack 1");
    peer("FA 1 ack 1");
    expect("A 2 ack 2");
    state("CLOSING");
    event(SL_STREAM_EOF);
    no_event(SL_STREAM_CLOSED);
    peer("A 2 ack 2");
    expect_nothing();
    state("TIME-WAIT");
    closed_for(SL_REASON_NONE);
}

static void close_by_the_peer(void)
{
    reach("ESTABLISHED");
    peer("FA 1 ack 1");
    expect_ack(2);
    state("CLOSE-WAIT");
    event(SL_STREAM_EOF);
    no_event(SL_STREAM_CLOSED);
    u_shutdown();
    expect("FA 1 ack 2");
    state("LAST-ACK");
    no_event(SL_STREAM_CLOSED);
    peer("A 2 ack 2");
    expect_nothing();
    state("CLOSED");
    closed_for(SL_REASON_NONE);
    assert_int_equal(script_conns(), 0);
    u_release();
    peer("A 2 ack 2");
    expect("R 2");
}

static void the_dialling_side_closes_the_same_ways(void)
{
    connect_one(NULL);
    u_shutdown();
    expect("FA 1 ack 1");
    peer("A 1 ack 2");
    state("FIN-WAIT-2");
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    state("TIME-WAIT");
    on(1);
    connect_one(NULL);
    peer("FA 1 ack 1");
    expect_ack(2);
    u_shutdown();
    expect("FA 1 ack 2");
    peer("A 2 ack 2");
    state("CLOSED");
    closed_for(SL_REASON_NONE);
}

static void half_close_by_us_with_data_from_the_peer(void)
{
    reach("ESTABLISHED");
    u_shutdown();
    expect("FA 1 ack 1");
    peer("A 1(100) ack 1");
    expect_ack(101);
    peer("A 101(100) ack 2");
    state("FIN-WAIT-2");
    expect_ack(201);
    u_read(200);
    for (uint32_t i = 0; i < 20; i++) {
        peer("A %u(1000) ack 2", 201 + i * 1000);
        u_read(1000);
        drop_all();
        after(600);
        drop_all();
    }
    state("FIN-WAIT-2");
    peer("FA 20201(10) ack 2");
    expect("A 2 ack 20212");
    u_read(10);
    state("TIME-WAIT");
}

static void half_close_by_the_peer_with_data_from_us(void)
{
    reach("CLOSE-WAIT");
    for (uint32_t i = 0; i < 5; i++) {
        u_write(1000);
        expect("A %u(1000) ack 2", 1 + i * 1000);
        peer("A 2 ack %u", 1001 + i * 1000);
        after(500);
    }
    state("CLOSE-WAIT");
    u_write(300);
    expect("A 5001(300) ack 2");
    u_shutdown();
    expect("FA 5301 ack 2");
    state("LAST-ACK");
    peer("A 2 ack 5302");
    state("CLOSED");
    closed_for(SL_REASON_NONE);
}

static void fin_follows_what_is_queued(void)
{
    u_listen(NULL);
    accept_one("mss 1000 wnd 1000");
    peer("A 1 ack 1 wnd 2000");
    u_write(3500);
    expect("A 1(1000) ack 1");
    expect("A 1001(1000) ack 1");
    u_shutdown();
    expect_nothing();
    peer("A 1 ack 2001 wnd 8000");
    expect("A 2001(1000) ack 1");
    expect("FA 3001(500) ack 1");
    state("FIN-WAIT-1");
    peer("A 1 ack 3501");
    expect_nothing();
    state("FIN-WAIT-1");
    peer("A 1 ack 3502");
    state("FIN-WAIT-2");
}

static void a_fin_with_data_in_fin_wait_1(void)
{
    reach("FIN-WAIT-1");
    peer("FA 1(10) ack 2");
    expect("A 2 ack 12");
    state("TIME-WAIT");
    u_read(10);
}

static void a_fin_that_acknowledges_our_fin_in_fin_wait_1_goes_straight_to_time_wait(void)
{
    reach("FIN-WAIT-1");
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    state("TIME-WAIT");
    closed_for(SL_REASON_NONE);
}

static void data_in_fin_wait_1_and_2(void)
{
    reach("FIN-WAIT-1");
    peer("A 1(10) ack 1");
    state("FIN-WAIT-1");
    u_read(10);
    expect_ack(11);
    peer("A 11(10) ack 2");
    state("FIN-WAIT-2");
    u_read(10);
    expect_ack(21);
}

static void an_out_of_order_fin_waits_for_what_is_missing(void)
{
    reach("ESTABLISHED");
    peer("FA 11 ack 1");
    expect("A 1 ack 1");
    state("ESTABLISHED");
    no_event(SL_STREAM_EOF);
    peer("A 1(10) ack 1");
    expect_ack(12);
    state("CLOSE-WAIT");
    event(SL_STREAM_EOF);
    u_read(10);
}

static void data_behind_a_fin_is_ignored(void)
{
    reach("CLOSE-WAIT");
    peer("A 2(10) ack 1");
    drop_all();
    u_read_nothing();
    state("CLOSE-WAIT");
    u_write(10);
    expect("A 1(10) ack 2");
}

static void a_repeated_fin_is_acknowledged_again(void)
{
    reach("CLOSE-WAIT");
    peer("FA 1 ack 1");
    expect("A 1 ack 2");
    state("CLOSE-WAIT");
}

static void a_lost_fin_is_sent_again_in_fin_wait_1(void)
{
    reach("FIN-WAIT-1");
    expect_within(150, 1100, "FA 1 ack 1");
    expect_within(300, 2300, "FA 1 ack 1");
    peer("A 1 ack 2");
    state("FIN-WAIT-2");
    quiet(10000);
}

static void a_lost_fin_is_sent_again_in_closing(void)
{
    reach("CLOSING");
    expect_within(150, 1100, "FA 1 ack 2");
    peer("A 2 ack 2");
    state("TIME-WAIT");
    quiet(10000);
}

static void a_lost_fin_is_sent_again_in_last_ack(void)
{
    reach("LAST-ACK");
    expect_within(150, 1100, "FA 1 ack 2");
    expect_within(300, 2300, "FA 1 ack 2");
    peer("A 2 ack 2");
    state("CLOSED");
    quiet(10000);
}

static void data_and_fin_are_sent_again_together(void)
{
    reach("ESTABLISHED");
    u_write(500);
    expect("A 1(500) ack 1");
    u_shutdown();
    expect("FA 501 ack 1");
    for (int i = 0; i < 50; i++) {
        after(100);
        drop_all();
    }
    peer("A 1 ack 501");
    drop_all();
    state("FIN-WAIT-1");
    expect_within(0, 20000, "FA 501 ack 1");
    peer("A 1 ack 502");
    state("FIN-WAIT-2");
}

static void last_ack_ends_without_an_answer(void)
{
    reach("LAST-ACK");
    u_release();
    for (int i = 0; i < 300; i++) {
        after(1000);
        drop_all();
    }
    state("CLOSED");
    assert_int_equal(script_conns(), 0);
}

/* Nobody is left to read or to wait: an orphan in FIN-WAIT-2 is bounded in time. */
static void fin_wait_2_without_a_user_ends(void)
{
    reach("FIN-WAIT-2");
    u_release();
    for (int i = 0; i < 300; i++) {
        after(1000);
        drop_all();
    }
    assert_int_equal(script_conns(), 0);
}

static void a_syn_ack_in_fin_wait_2_is_challenged(void)
{
    reach("FIN-WAIT-2");
    peer("SA 0 ack 1 mss 1000");
    expect("A 2 ack 1");
    state("FIN-WAIT-2");
}

static void release_after_shutdown_closes_in_order(void)
{
    reach("ESTABLISHED");
    u_write(2500);
    u_shutdown();
    u_release();
    expect("A 1(1000) ack 1");
    expect("A 1001(1000) ack 1");
    expect("A 2001(500) ack 1");
    expect("FA 2501 ack 1");
    peer("A 1 ack 2502");
    peer("FA 1 ack 2502");
    expect("A 2502 ack 2");
    assert_int_equal(script_conns(), 0);
}

static void release_without_shutdown_resets(void)
{
    reach("ESTABLISHED");
    u_release();
    expect("R 1");
    state("CLOSED");
    quiet(5000);
    peer("A 1(10) ack 1");
    expect("R 1");
}

/* RFC 1122 4.2.2.13: data that nobody will read is answered by a reset. */
static void data_for_a_released_half_closed_connection_is_reset(void)
{
    reach("FIN-WAIT-2");
    u_release();
    peer("A 1(100) ack 2");
    expect("R 2");
    assert_int_equal(script_conns(), 0);
}

static void a_second_shutdown_changes_nothing(void)
{
    reach("FIN-WAIT-1");
    u_shutdown();
    expect_nothing();
    peer("A 1 ack 2");
    u_shutdown();
    expect_nothing();
    state("FIN-WAIT-2");
}

static void nothing_is_sent_behind_our_fin(void)
{
    struct sl_slice slice;
    struct rte_mempool *pool = rte_mempool_lookup("frames");

    reach("FIN-WAIT-1");
    slice = (struct sl_slice){th_mbuf_exact(pool, "x", 1, 0), 0, 1};
    assert_int_equal(u_stream()->ops->send(u_stream(), &slice, 1), -32); /* EPIPE */
    expect_nothing();
}

static void nothing_fires_after_the_end(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(5000); /* the persist timer runs */
    drop_all();
    peer("R 1");
    state("CLOSED");
    closed_for(SL_REASON_RESET);
    quiet(100000);
    u_release();
    quiet(100000);
}

static void user_timeout_ends_every_state_that_waits_for_an_acknowledgment(void)
{
    static const char *const states[] = {"FIN-WAIT-1", "CLOSING", "LAST-ACK"};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(states); i++) {
        world(0);
        u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 5 * SL_NS_PER_S});
        reach(states[i]);
        for (int k = 0; k < 100; k++) {
            after(100);
            drop_all();
        }
        state("CLOSED");
        closed_for(SL_REASON_TIMEOUT);
        assert_int_equal(script_conns(), 0);
    }
}

SCRIPT_MAIN(SCRIPT(four_way_close_by_us), SCRIPT(three_segment_close_by_us), SCRIPT(simultaneous_close),
            SCRIPT(close_by_the_peer), SCRIPT(the_dialling_side_closes_the_same_ways),
            SCRIPT(half_close_by_us_with_data_from_the_peer), SCRIPT(half_close_by_the_peer_with_data_from_us),
            SCRIPT(fin_follows_what_is_queued), SCRIPT(a_fin_with_data_in_fin_wait_1),
            SCRIPT(a_fin_that_acknowledges_our_fin_in_fin_wait_1_goes_straight_to_time_wait),
            SCRIPT(data_in_fin_wait_1_and_2), SCRIPT(an_out_of_order_fin_waits_for_what_is_missing),
            SCRIPT(data_behind_a_fin_is_ignored), SCRIPT(a_repeated_fin_is_acknowledged_again),
            SCRIPT(a_lost_fin_is_sent_again_in_fin_wait_1), SCRIPT(a_lost_fin_is_sent_again_in_closing),
            SCRIPT(a_lost_fin_is_sent_again_in_last_ack), SCRIPT(data_and_fin_are_sent_again_together),
            SCRIPT(last_ack_ends_without_an_answer), SCRIPT(fin_wait_2_without_a_user_ends),
            SCRIPT(a_syn_ack_in_fin_wait_2_is_challenged), SCRIPT(release_after_shutdown_closes_in_order),
            SCRIPT(release_without_shutdown_resets), SCRIPT(data_for_a_released_half_closed_connection_is_reset),
            SCRIPT(a_second_shutdown_changes_nothing), SCRIPT(nothing_is_sent_behind_our_fin),
            SCRIPT(nothing_fires_after_the_end), SCRIPT(user_timeout_ends_every_state_that_waits_for_an_acknowledgment))
