/* Options: RFC 9293 3.2 and 3.7.1, RFC 7323 (window scale, timestamps, PAWS); offered, answered, and malformed. */
#include "helpers/script.h"

static void options_are_answered_only_when_offered(void)
{
    u_listen(NULL);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1 nots nosack");
    assert_int_equal(script_last()->wscale, 0);
    peer("A 1 ack 1");
    on(1);
    peer("S 0 mss 1000 ws 3 sackok ts 55,0");
    expect("SA 0 ack 1 sackok ts 0,55");
    assert_int_not_equal(script_last()->wscale, 0);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_dialled_connection_offers_all_options(void)
{
    u_connect(NULL);
    expect("S 0 sackok ts 0,0");
    assert_int_not_equal(script_last()->wscale, 0);
    assert_int_not_equal(script_last()->mss, 0);
    peer("SA 0 ack 1"); /* none accepted */
    expect("A 1 ack 1 noopt");
    u_write(10);
    expect("A 1(10) noopt");
}

/* ---- window scale ---- */
static void the_window_of_a_syn_ack_is_not_scaled(void)
{
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 1 << 20});
    peer("S 0 mss 1000 ws 7");
    expect("SA 0 ack 1 wnd 65535");
    peer("A 1 ack 1");
    peer("A 1(1000) ack 1");
    drop_all();
    peer("A 1001(1000) ack 1");
    expect("A 1 ack 2001");
    assert_true(script_last()->wnd > 0);
    u_read(2000);
    drop_all();
}

/* After a scaled handshake the whole buffer is offered. */
static void a_large_receive_buffer_is_offered_by_scaling(void)
{
    uint32_t shift, window = 0, sent = 1;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 1 << 20});
    peer("S 0 mss 1000 ws 7");
    expect("SA 0 ack 1");
    shift = script_last()->wscale - 1;
    peer("A 1 ack 1");
    for (uint32_t i = 0; i < 400; i++) {
        peer("A %u(1000) ack 1", sent);
        sent += 1000;
        u_read(1000);
        if (drop_all() == 0)
            continue;
    }
    peer("A %u ack 1", 1);
    expect("A 1 ack %u", sent);
    window = (uint32_t)script_last()->wnd << shift;
    assert_true(window > 65535);
    assert_true(window <= 1 << 20);
}

static void the_window_of_the_peer_s_syn_is_not_scaled(void)
{
    u_listen(NULL);
    peer("S 0 mss 1000 ws 7 wnd 2000");
    expect("SA 0 ack 1");
    peer("A 1 ack 1 wnd 24"); /* 3,072 bytes */
    u_write(10000);
    assert_int_equal(drop_all_bytes() / 1000, 3);
}

static void without_scaling_on_both_sides_windows_are_plain(void)
{
    u_listen(NULL);
    accept_one("mss 1000 wnd 2000");
    u_write(10000);
    assert_int_equal(drop_all_bytes(), 2000);
    on(1);
    u_connect(NULL);
    expect("S 0");
    peer("SA 0 ack 1 mss 1000 wnd 3000");
    expect("A 1 ack 1");
    u_write(10000);
    assert_int_equal(drop_all_bytes(), 3000);
}

/* RFC 7323 2.3: more than 14 counts as 14. */
static void a_shift_above_14_counts_as_14(void)
{
    static const unsigned shifts[] = {15, 31, 200, 254};

    u_listen(&(struct sl_tcp_opts){.snd_max_bytes = 1 << 20});
    for (uint32_t i = 0; i < SL_ARRAY_LEN(shifts); i++) {
        on(i);
        peer("S 0 mss 1000 ws %u", shifts[i]);
        expect("SA 0 ack 1");
        peer("A 1 ack 1 wnd 1"); /* 16,384 bytes */
        u_write(40000);
        assert_int_equal(drop_all_bytes(), 10000);
        peer("A 1 ack 10001 wnd 1");
        assert_in_range(drop_all_bytes(), 15000, 16384);
    }
}

/* ---- timestamps ---- */
static void timestamps_echo_the_segment_that_is_acknowledged(void)
{
    uint32_t tsval;

    u_listen(NULL);
    peer("S 0 mss 1000 ts 1000,0");
    expect("SA 0 ack 1 ts 0,1000");
    tsval = script_last()->tsval;
    peer("A 1 ack 1 ts 1001,%u", tsval);
    u_write(10);
    expect("A 1(10) ts 0,1001");
    peer("A 1(10) ack 11 ts 1002,%u", tsval);
    u_read(10);
    expect_within(0, 500, "A 11 ack 11 ts 0,1002");
}

/* RFC 7323 4.3: of two segments that one ACK acknowledges, the earlier one's. */
static void a_delayed_ack_echoes_the_earliest_segment(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer_batch("A 1(1000) ack 1 ts 2000,0");
    peer("A 1001(1000) ack 1 ts 2005,0");
    expect("A 1 ack 2001 ts 0,2000");
    u_read(2000);
    drop_all();
}

/* RFC 7323 4.3: out of order data does not move ts_recent. */
static void out_of_order_data_is_not_echoed(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer("A 1(10) ack 1 ts 2000,0");
    expect_within(0, 500, "A 1 ack 11 ts 0,2000");
    peer("A 21(10) ack 1 ts 2010,0");
    expect("A 1 ack 11 ts 0,2000");
    peer("A 11(10) ack 1 ts 2005,0");
    expect("A 1 ack 31 ts 0,2005");
    u_read(30);
    drop_all();
}

static void paws_drops_old_segments_with_an_ack(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer("A 1(10) ack 1 ts 5000,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 11");
    peer("A 11(10) ack 1 ts 4999,0");
    expect("A 1 ack 11 ts 0,5000");
    u_read_nothing();
    peer("A 11(10) ack 1 ts 5000,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 21");
}

/* RFC 7323 5.2: a reset is not subject to PAWS. */
static void paws_does_not_stop_a_reset(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer("A 1(10) ack 1 ts 5000,0");
    drop_all();
    peer("R 11 ts 10,0");
    state("CLOSED");
}

/* RFC 7323 5.5: after 24 days of silence ts_recent is worth nothing. Keepalive is kept away. */
static void paws_forgets_after_24_days(void)
{
    u_listen(&(struct sl_tcp_opts){.keepalive_ns = UINT64_C(100) * 86400 * SL_NS_PER_S});
    accept_one("mss 1000 ts 1000,0");
    peer("A 1(10) ack 1 ts 5000,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 11");
    quiet(25.0 * 86400 * 1000);
    peer("A 11(10) ack 1 ts 4000,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 21 ts 0,4000");
}

/* CVE-2005-0356: a wild timestamp on a segment outside the window must not lock the connection. */
static void a_timestamp_from_outside_the_window_is_not_believed(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer("A %u(10) ack 1 ts 2000000000,0", 1u << 30);
    drop_all();
    peer("A 1(10) ack %u ts 2000000000,0", 1u << 30);
    drop_all();
    peer("A 1(10) ack 1 ts 1001,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 11 ts 0,1001");
}

/* RFC 7323 3.2: once agreed, a segment without timestamps may be dropped, and must not break the connection. */
static void a_segment_without_agreed_timestamps_breaks_nothing(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    peer("A 1(10) ack 1 nots");
    drop_all();
    peer("A 1(10) ack 1 ts 1001,0");
    after(600);
    drop_all();
    u_read(10);
    state("ESTABLISHED");
}

static void timestamps_wrap(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 4294967290,0");
    peer("A 1(10) ack 1 ts 4294967295,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 11 ts 0,4294967295");
    peer("A 11(10) ack 1 ts 3,0");
    u_read(10);
    expect_within(0, 500, "A 1 ack 21 ts 0,3");
}

/* ---- malformed ---- */
static void malformed_options_break_nothing(void)
{
    /* length 0, 1, past the end; MSS and others of wrong lengths; loops of nothing; unknown kinds; SACK of odd size */
    static const char *const options[] = {
        "0200",
        "0201",
        "0206",
        "02",
        "0203ff",
        "020a0000",
        "0300",
        "030207",
        "0402",
        "0404",
        "0800",
        "080a00000001",
        "0802",
        "05",
        "0500",
        "0503ff",
        "050a000000010000000201",
        "0512",
        "fe",
        "fe00",
        "fe01",
        "fe02",
        "feff",
        "01010101",
        "00ffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "01010101010101010101010101010101010101010101010101010101010101010101010101010102"};

    u_listen_with(NULL, 64);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(options); i++) {
        on(i);
        peer("S 0 opt %s", options[i]);
        drop_all();
    }
    on(60);
    accept_one("mss 1000 sackok ts 1,0");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(options); i++) {
        peer("A 1(10) ack 1 opt %s", options[i]);
        drop_all();
    }
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    u_read(10);
    drop_all();
    u_write(10);
    expect("A 1(10) ack 11");
}

static void lies_about_the_data_offset_are_dropped(void)
{
    reach("ESTABLISHED");
    for (unsigned doff = 1; doff < 5; doff++)
        peer("A 1(10) ack 1 doff %u", doff);
    peer("A 1(10) ack 1 doff 15");
    peer("A 1(10) ack 1 doff 16");
    peer("A 1 ack 1 doff 6");
    expect_nothing();
    u_read_nothing();
    peer("A 1(10) ack 1");
    u_read(10);
    drop_all();
}

static void no_operation_and_end_of_list_are_skipped(void)
{
    u_listen(NULL);
    peer("S 0 opt 0101020403e80101"); /* NOP NOP MSS=1000 NOP NOP */
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    u_write(1500);
    expect("A 1(1000)");
    drop_all();
    on(1);
    peer("S 0 opt 0002040100010101"); /* end of list hides what follows */
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    u_write(536);
    expect("A 1(536)");
}

SCRIPT_MAIN(SCRIPT(options_are_answered_only_when_offered), SCRIPT(a_dialled_connection_offers_all_options),
            SCRIPT(the_window_of_a_syn_ack_is_not_scaled), SCRIPT(a_large_receive_buffer_is_offered_by_scaling),
            SCRIPT(the_window_of_the_peer_s_syn_is_not_scaled), SCRIPT(without_scaling_on_both_sides_windows_are_plain),
            SCRIPT(a_shift_above_14_counts_as_14), SCRIPT(timestamps_echo_the_segment_that_is_acknowledged),
            SCRIPT(a_delayed_ack_echoes_the_earliest_segment), SCRIPT(out_of_order_data_is_not_echoed),
            SCRIPT(paws_drops_old_segments_with_an_ack), SCRIPT(paws_does_not_stop_a_reset),
            SCRIPT(paws_forgets_after_24_days), SCRIPT(a_timestamp_from_outside_the_window_is_not_believed),
            SCRIPT(a_segment_without_agreed_timestamps_breaks_nothing), SCRIPT(timestamps_wrap),
            SCRIPT(malformed_options_break_nothing), SCRIPT(lies_about_the_data_offset_are_dropped),
            SCRIPT(no_operation_and_end_of_list_are_skipped))
