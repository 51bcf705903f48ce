/* Data without loss: segmentation, acknowledgments, reassembly, windows (RFC 9293 3.7, 3.8; RFC 1122 4.2; RFC 2018). */
#include "helpers/script.h"

static void data_is_cut_by_the_peer_s_mss(void)
{
    reach("ESTABLISHED");
    u_write(3500);
    for (uint32_t i = 0; i < 3; i++)
        expect("A %u(1000) ack 1", 1 + i * 1000);
    expect("A 3001(500) ack 1");
    peer("A 1 ack 3501");
    expect_nothing();
}

/* RFC 9293 3.7.1: 536 and 1220 when the peer names none. */
static void without_an_mss_option_segments_are_small(void)
{
    uint32_t mss = script_is_ip6() ? 1220 : 536;

    u_listen(NULL);
    accept_one("");
    u_write(2 * mss);
    expect("A 1(%u)", mss);
    expect("A %u(%u)", 1 + mss, mss);
}

static void the_interface_s_mtu_bounds_segments(void)
{
    uint32_t mss = 1280 - (script_is_ip6() ? 60 : 40);

    world(.mtu = 1280);
    u_listen(NULL);
    accept_one("mss 8960");
    u_write(2 * mss);
    expect("A 1(%u)", mss);
    expect("A %u(%u)", 1 + mss, mss);
}

static void timestamps_count_against_the_segment_s_size(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1,0");
    u_write(1976);
    expect("A 1(988)");
    expect("A 989(988)");
}

/* CVE-2019-11479: a tiny MSS must not make thousands of segments. */
static void a_tiny_mss_has_a_floor(void)
{
    static const unsigned sizes[] = {1, 8, 48};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
        char options[32];

        on(i);
        if (i == 0)
            u_listen(NULL);
        snprintf(options, sizeof options, "mss %u", sizes[i]);
        accept_one(options);
        u_write(480);
        assert_in_range(drop_all(), 1, 10);
    }
}

static void one_small_segment_is_acknowledged_within_half_a_second(void)
{
    reach("ESTABLISHED");
    peer("A 1(10) ack 1");
    event(SL_STREAM_READABLE);
    u_read(10);
    expect_ack(11);
    quiet(2000);
}

/* RFC 1122 4.2.3.2, RFC 5681 4.2. */
static void every_second_full_segment_is_acknowledged_at_once(void)
{
    reach("ESTABLISHED");
    peer("A 1(1000) ack 1");
    drop_all();
    peer("A 1001(1000) ack 1");
    expect("A 1 ack 2001");
    u_read(2000);
    drop_all();
    for (uint32_t i = 0; i < 10; i++) {
        peer("A %u(1000) ack 1", 2001 + i * 2000);
        drop_all();
        peer("A %u(1000) ack 1", 3001 + i * 2000);
        expect("A 1 ack %u", 4001 + i * 2000);
        u_read(2000);
        drop_all();
    }
}

static void a_burst_is_acknowledged_once(void)
{
    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 9; i++)
        peer_batch("A %u(1000) ack 1", 1 + i * 1000);
    peer("A 9001(1000) ack 1");
    expect("A 1 ack 10001");
    expect_nothing();
    u_read(10000);
    drop_all();
}

static void an_ack_rides_on_data(void)
{
    reach("ESTABLISHED");
    peer("A 1(10) ack 1");
    u_read(10);
    drop_all();
    u_write(10);
    expect("A 1(10) ack 11");
    quiet(190);
}

static void out_of_order_data_is_acknowledged_at_once_and_kept(void)
{
    reach("ESTABLISHED");
    peer("A 11(10) ack 1");
    expect("A 1 ack 1");
    peer("A 31(10) ack 1");
    expect("A 1 ack 1");
    u_read_nothing();
    peer("A 1(10) ack 1");
    expect("A 1 ack 21");
    u_read(20);
    peer("A 21(10) ack 1");
    expect("A 1 ack 41");
    u_read(20);
}

/* RFC 2018 4: the most recent block first. */
static void sack_blocks_name_what_is_kept(void)
{
    u_listen(NULL);
    accept_one("mss 1000 sackok");
    peer("A 11(10) ack 1");
    expect("A 1 ack 1 sack 11-21");
    peer("A 31(10) ack 1");
    expect("A 1 ack 1 sack 31-41,11-21");
    peer("A 51(10) ack 1");
    expect("A 1 ack 1 sack 51-61,31-41,11-21");
    peer("A 21(10) ack 1");
    expect("A 1 ack 1 sack 11-41,51-61");
    peer("A 1(10) ack 1");
    expect("A 1 ack 41 sack 51-61");
    peer("A 41(10) ack 1");
    expect("A 1 ack 61 nosack");
    u_read(60);
}

static void no_sack_unless_it_was_agreed(void)
{
    u_listen(NULL);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1 nosack");
    peer("A 1 ack 1");
    peer("A 11(10) ack 1");
    expect("A 1 ack 1 nosack");
}

static void a_dialled_connection_offers_sack_and_uses_it(void)
{
    u_connect(NULL);
    expect("S 0 sackok");
    peer("SA 0 ack 1 mss 1000 sackok");
    expect("A 1 ack 1");
    peer("A 11(10) ack 1");
    expect("A 1 ack 1 sack 11-21");
}

/* RFC 2883. A receiver may leave D-SACK out, but a block that it sends must be true. */
static void a_duplicate_is_acknowledged_at_once(void)
{
    reach("ESTABLISHED");
    peer("A 1(10) ack 1");
    u_read(10);
    expect_ack(11);
    peer("A 1(10) ack 1");
    expect("A 1 ack 11");
    u_read_nothing();
}

/* RFC 2883 4.1 to 4.3: what came twice stands first, once, whether it lies below the ACK or above a hole; there the block that
 * holds it follows. */
static void what_came_twice_is_reported_by_d_sack(void)
{
    u_listen(NULL);
    accept_one("mss 1000 sackok");
    peer("A 1(10) ack 1");
    expect_ack(11);
    peer("A 1(10) ack 1");
    expect("A 1 ack 11 sack 1-11");
    peer("A 6(10) ack 1");
    expect_ack(16);
    assert_int_equal(script_last()->n_sacks, 1);
    assert_int_equal(script_last()->sacks[0][1] - script_last()->sacks[0][0], 5); /* 6-11 */
    peer("A 31(10) ack 1");
    expect("A 1 ack 16 sack 31-41");
    peer("A 33(4) ack 1");
    expect("A 1 ack 16 sack 33-37,31-41");
    peer("A 51(10) ack 1");
    expect("A 1 ack 16 sack 51-61,31-41"); /* it is reported once */
    u_read(15);
}

/* RFC 9293 3.7.4: a rest waits only while something is in flight, and not behind shutdown. */
static void nagle_holds_a_rest_where_it_is_asked_for(void)
{
    u_listen(&(struct sl_tcp_opts){.nagle = true});
    accept_one(NULL);
    u_write(10);
    expect("A 1(10) ack 1");
    u_write(10);
    u_write(10);
    expect_nothing();
    peer("A 1 ack 11");
    expect("A 11(20) ack 1");
    u_write(1005);
    expect("A 31(1000) ack 1");
    expect_nothing();
    u_shutdown();
    expect("FA 1031(5) ack 1");
}

static void without_nagle_nothing_waits(void)
{
    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 3; i++) {
        u_write(10);
        expect("A %u(10) ack 1", 1 + 10 * i);
    }
}

static void overlapping_segments_are_put_together(void)
{
    reach("ESTABLISHED");
    peer("A 11(20) ack 1");
    peer("A 21(30) ack 1");
    peer("A 41(5) ack 1");
    peer("A 6(10) ack 1");
    u_read_nothing();
    peer("A 1(8) ack 1");
    u_read(50);
    drop_all();
    peer("A 1(60) ack 1"); /* all old but the last ten */
    u_read(10);
    drop_all();
}

/* What was taken first is kept: a second version of the same bytes changes nothing. */
static void a_second_version_of_the_same_bytes_is_ignored(void)
{
    reach("ESTABLISHED");
    peer("A 11(10) ack 1");
    peer("A 11(10) ack 1 fill");
    peer("A 1(10) ack 1");
    peer("A 1(20) ack 1 fill");
    u_read(20);
    drop_all();
}

static void sequence_numbers_wrap(void)
{
    world(.peer_iss = 0xfffffff0);
    reach("ESTABLISHED");
    peer("A 31(10) ack 1");
    peer("A 1(10) ack 1");
    peer("A 11(20) ack 1");
    u_read(40);
    drop_all();
    peer("FA 41 ack 1");
    expect_ack(42);
    state("CLOSE-WAIT");
}

/* SegmentSmack: what can be kept out of order is bounded, and the connection goes on. */
static void many_tiny_segments_out_of_order_are_bounded(void)
{
    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 20000; i++)
        peer("A %u(1) ack 1", 3 + 2 * (i * 7919 % 20000));
    drop_all();
    assert_true(rte_mempool_in_use_count(rte_mempool_lookup("frames")) < 12000);
    peer("A 1(2) ack 1");
    u_read(3);
    drop_all();
    state("ESTABLISHED");
}

/* ---- windows ---- */
static void the_receive_window_closes_and_opens_with_the_reader(void)
{
    uint32_t sent = 0, window;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 8000});
    accept_one(NULL);
    for (int i = 0; i < 20; i++) {
        peer("A %u(1000) ack 1", 1 + sent);
        expect_within(0, 500, "A 1");
        window = script_last()->wnd;
        sent = script_last_ack() - 1;
        if (window < 1000)
            break;
    }
    assert_in_range(sent, 2000, 10000);
    assert_in_range(window, 0, 999);
    u_read(sent);
    expect("A 1 ack %u", sent + 1);
    assert_in_range(script_last()->wnd, 2000, 8192);
}

/* RFC 9293 3.8.6.2.2: no update for a crumb. */
static void reading_one_byte_from_a_full_buffer_opens_nothing(void)
{
    uint32_t sent = 0;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 8000});
    accept_one(NULL);
    for (int i = 0; i < 20; i++) {
        peer("A %u(1000) ack 1", 1 + sent);
        expect_within(0, 500, "A 1");
        sent = script_last_ack() - 1;
        if (script_last()->wnd < 1000)
            break;
    }
    u_read(1);
    quiet(600);
}

static void data_beyond_the_receive_window_is_not_taken(void)
{
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 4000});
    accept_one(NULL);
    for (uint32_t i = 0; i < 8; i++)
        peer("A %u(1000) ack 1", 1 + i * 1000);
    drop_all();
    after(500);
    drop_all();
    peer("A 20001 ack 1");
    expect("A 1");
    assert_in_range(script_last_ack(), 1001, 5001);
    u_read(script_last_ack() - 1);
    drop_all();
    u_read_nothing();
}

static void the_right_edge_of_the_window_never_moves_back(void)
{
    uint32_t edge = 0;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 16000});
    accept_one(NULL);
    for (uint32_t i = 0; i < 200; i++) {
        peer("A %u(37) ack 1", 1 + i * 37);
        expect_within(0, 500, "A 1");
        assert_true((int32_t)(script_last_ack() + script_last()->wnd - edge) >= 0);
        edge = script_last_ack() + script_last()->wnd;
    }
}

static void a_zero_window_is_probed_and_its_opening_used(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(1000);
    expect_nothing();
    expect_within(150, 1200, "A 1(1) ack 1");
    peer("A 1 ack 1 wnd 0");
    expect_within(300, 2500, "A 1(1) ack 1");
    peer("A 1 ack 1 wnd 5000");
    expect("A 1(1000) ack 1");
    peer("A 1 ack 1001");
    quiet(10000);
}

static void a_probe_that_was_taken_is_not_sent_again(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(1000);
    expect_within(150, 1200, "A 1(1) ack 1");
    peer("A 1 ack 2 wnd 0");
    expect_within(150, 2500, "A 2(1) ack 1");
    peer("A 1 ack 2 wnd 5000");
    expect("A 2(999) ack 1");
}

static void a_lost_window_update_is_found_by_probing(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(3000);
    for (int i = 0; i < 5; i++) {
        expect_within(100, 40000, "A 1(1) ack 1");
        peer("A 1 ack 1 wnd 0");
    }
    expect_within(100, 60000, "A 1(1) ack 1");
    peer("A 1 ack 2 wnd 5000");
    expect("A 2(1000) ack 1");
    expect("A 1002(1000) ack 1");
    expect("A 2002(999) ack 1");
}

static void probing_backs_off(void)
{
    double before, gap = 0;

    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 1000 * SL_NS_PER_S});
    accept_one(NULL);
    peer("A 1 ack 1 wnd 0");
    u_write(10);
    for (int i = 0; i < 5; i++) {
        before = script_now_ms();
        expect_within(100, 70000, "A 1(1) ack 1");
        assert_true(script_now_ms() - before > 1.7 * gap);
        gap = script_now_ms() - before;
        peer("A 1 ack 1 wnd 0");
    }
}

/* A zero-window probe of ours with an old number, or the peer's, must not confuse anybody. */
static void a_probe_of_the_peer_against_our_zero_window_is_answered(void)
{
    uint32_t sent = 0;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 4000});
    accept_one(NULL);
    for (int i = 0; i < 20; i++) {
        peer("A %u(500) ack 1", 1 + sent);
        expect_within(0, 500, "A 1");
        sent = script_last_ack() - 1;
        if (script_last()->wnd == 0)
            break;
    }
    if (script_last()->wnd)
        return; /* the endpoint keeps a rest; nothing to probe */
    peer("A %u(1) ack 1", 1 + sent);
    expect("A 1 ack %u wnd 0", 1 + sent);
    peer("A %u ack 1", sent); /* keepalive style: one below */
    expect("A 1 ack %u wnd 0", 1 + sent);
    peer("R %u", 1 + sent); /* RFC 9293 3.4: RST and ACK are looked at even now */
    state("CLOSED");
}

/* RFC 1122 4.2.3.4: a window that never grows to one MSS is used in the end. */
static void a_window_below_one_mss_is_used_after_a_while(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 300");
    u_write(1000);
    expect_within(0, 1300, "A 1(300) ack 1");
    peer("A 1 ack 301 wnd 300");
    expect_within(0, 1300, "A 301(300) ack 1");
}

static void a_shrunken_window_is_respected(void)
{
    reach("ESTABLISHED");
    u_write(3000);
    assert_int_equal(drop_all(), 3);
    peer("A 1 ack 1001 wnd 0"); /* the edge moves back behind what was sent */
    u_write(5000);
    expect_nothing();
    after(1500);
    assert_in_range(drop_all_bytes(), 1, 3000); /* probes or retransmissions, nothing new */
    peer("A 1 ack 3001 wnd 5000");
    drop_all();
    state("ESTABLISHED");
}

/* RFC 9293 3.10.7.4: SND.WL1 and SND.WL2 keep an old segment from changing the window. */
static void an_old_segment_does_not_change_the_window(void)
{
    reach("ESTABLISHED");
    peer("A 1(10) ack 1 wnd 8000");
    peer("A 11(10) ack 1 wnd 8000");
    u_read(20);
    drop_all();
    after(600);
    drop_all();
    peer("A 1(10) ack 1 wnd 0"); /* came late */
    drop_all();
    u_write(1000);
    expect("A 1(1000) ack 21");
}

static void urgent_data_is_plain_data(void)
{
    reach("ESTABLISHED");
    peer("AU 1(10) ack 1 urg 5");
    u_read(10);
    expect_ack(11);
    peer("AU 11(10) ack 1 urg 65535");
    u_read(10);
    expect_ack(21);
}

static void credit_falls_with_what_is_queued_and_returns_with_acks(void)
{
    uint32_t full;

    u_listen(&(struct sl_tcp_opts){.snd_max_bytes = 20000});
    accept_one(NULL);
    full = u_credit();
    assert_in_range(full, 4000, 20000);
    u_write(full);
    assert_int_equal(u_credit(), 0);
    drop_all();
    forget_events();
    for (uint32_t acked = 0; acked < full;) {
        acked = SL_MIN(acked + 2000, full);
        peer("A 1 ack %u", 1 + acked);
        drop_all();
    }
    event(SL_STREAM_WRITABLE);
    assert_int_equal(u_credit(), full);
}

SCRIPT_MAIN(SCRIPT(data_is_cut_by_the_peer_s_mss), SCRIPT(without_an_mss_option_segments_are_small),
            SCRIPT(the_interface_s_mtu_bounds_segments), SCRIPT(timestamps_count_against_the_segment_s_size),
            SCRIPT(a_tiny_mss_has_a_floor), SCRIPT(one_small_segment_is_acknowledged_within_half_a_second),
            SCRIPT(every_second_full_segment_is_acknowledged_at_once), SCRIPT(a_burst_is_acknowledged_once),
            SCRIPT(an_ack_rides_on_data), SCRIPT(out_of_order_data_is_acknowledged_at_once_and_kept),
            SCRIPT(sack_blocks_name_what_is_kept), SCRIPT(no_sack_unless_it_was_agreed),
            SCRIPT(a_dialled_connection_offers_sack_and_uses_it), SCRIPT(a_duplicate_is_acknowledged_at_once),
            SCRIPT(what_came_twice_is_reported_by_d_sack), SCRIPT(nagle_holds_a_rest_where_it_is_asked_for),
            SCRIPT(without_nagle_nothing_waits), SCRIPT(overlapping_segments_are_put_together),
            SCRIPT(a_second_version_of_the_same_bytes_is_ignored), SCRIPT(sequence_numbers_wrap),
            SCRIPT(many_tiny_segments_out_of_order_are_bounded),
            SCRIPT(the_receive_window_closes_and_opens_with_the_reader),
            SCRIPT(reading_one_byte_from_a_full_buffer_opens_nothing),
            SCRIPT(data_beyond_the_receive_window_is_not_taken), SCRIPT(the_right_edge_of_the_window_never_moves_back),
            SCRIPT(a_zero_window_is_probed_and_its_opening_used), SCRIPT(a_probe_that_was_taken_is_not_sent_again),
            SCRIPT(a_lost_window_update_is_found_by_probing), SCRIPT(probing_backs_off),
            SCRIPT(a_probe_of_the_peer_against_our_zero_window_is_answered),
            SCRIPT(a_window_below_one_mss_is_used_after_a_while), SCRIPT(a_shrunken_window_is_respected),
            SCRIPT(an_old_segment_does_not_change_the_window), SCRIPT(urgent_data_is_plain_data),
            SCRIPT(credit_falls_with_what_is_queued_and_returns_with_acks))
