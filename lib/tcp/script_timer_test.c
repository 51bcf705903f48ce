/* What happens between settings, timers and memory: faults that review and fuzzing found, kept found. */
#include "helpers/script.h"

/* The shift in the SYN-ACK binds, whatever the listener's settings become before the last ACK. */
static void new_listener_settings_spare_handshakes_under_way(void)
{
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 1 << 20});
    peer("S 0 mss 1000 ws 0");
    expect("SA 0 ack 1 ws 5");
    u_listen_update(&(struct sl_tcp_opts){.rcv_max_bytes = 4000});
    peer("A 1 ack 1");
    peer("A 1(1000) ack 1");
    peer("A 1001(1000) ack 1");
    expect("A 1 ack 2001 win %u", ((1u << 20) - 2000) & ~31u);
}

/* After a long backoff, a sample brings the timer near again: it must not wait for where it stood. */
static void a_sample_after_a_long_backoff_brings_the_timer_near(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    u_write(988);
    expect("A 1(988)");
    for (int i = 0; i < 7; i++) /* 0.2 + 0.4 + ... + 12.8 s */
        expect_within(100, 40000, "A 1(988)");
    u_write(988 * 3);
    drop_all();
    peer("A 1 ack 989"); /* echoes the last timestamp: a sample */
    drop_all();
    expect_within(100, 1500, "A 989(988)");
}

/* A connection whose memory is used up by others still gets what it needs to go on. */
static void memory_pressure_narrows_windows_and_recovers(void)
{
    uint32_t got = 0;

    world(.held_max_bytes = 60000);
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 65535});
    accept_one(NULL);
    for (uint32_t i = 0; i < 100; i++) { /* a peer that does not care about windows */
        peer("A %u(1000) ack 1", 1 + i * 1000);
        drop_all();
    }
    got = script_info().rcv_queued_bytes;
    assert_in_range(got, 20000, 61000);
    u_read(got);
    drop_all();
    peer("A %u(1000) ack 1", 1 + got);
    drop_all();
    u_read(1000);
    drop_all();
}

/* What peek says: the beginning, and how much waits. */
static void look(uint32_t waits)
{
    uint8_t first[5];
    uint32_t waiting = 0, n = u_stream()->ops->peek(u_stream(), first, sizeof first, &waiting);

    assert_int_equal(waiting, waits);
    assert_int_equal(n, SL_MIN(waits, (uint32_t)sizeof first));
}

/* A peer that keeps to the window, and a user that looks and takes nothing before `want` bytes are there. Returns how
 * many there are when it goes no further. */
static uint32_t fill_for(uint32_t want, bool looks)
{
    uint32_t sent = 0;

    while (sent < want) {
        uint32_t room = script_info().rcv_wnd_bytes, n = SL_MIN(1000u, room);

        if (!n)
            break;
        peer("A %u(%u) ack 1", 1 + sent, n);
        drop_all();
        sent += n;
        if (script_info().rcv_queued_bytes != sent)
            break;
        if (looks)
            look(sent);
        after(300); /* a delayed ACK */
        drop_all();
    }
    return script_info().rcv_queued_bytes;
}

/* A user that can't take less than a TLS record gets all of it, however small the buffer. */
static void a_whole_unit_comes_through_a_small_buffer(void)
{
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 4000});
    accept_one(NULL);
    look(0);
    on(1);
    accept_one(NULL);
    assert_in_range(fill_for(SL_STREAM_UNIT_MAX_BYTES, false), 3000, 4000);
    on(0);
    assert_in_range(fill_for(SL_STREAM_UNIT_MAX_BYTES, true), SL_STREAM_UNIT_MAX_BYTES,
                    SL_STREAM_UNIT_MAX_BYTES + 1000);
    u_read(SL_STREAM_UNIT_MAX_BYTES);
    drop_all();
}

/* The same when others hold most of the memory. */
static void a_whole_unit_comes_through_under_memory_pressure(void)
{
    world(.held_max_bytes = 200000);
    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 400000});
    accept_one("mss 1000 ws 7");
    for (uint32_t i = 0; i < 300; i++) {
        peer("A %u(1000) ack 1", 1 + i * 1000);
        drop_all();
    }
    assert_in_range(script_info().rcv_queued_bytes, 120000, 190000); /* it gets no more */
    on(1);
    accept_one("mss 1000 ws 7");
    assert_in_range(fill_for(SL_STREAM_UNIT_MAX_BYTES, false), 1000, 4000);
    u_read(script_info().rcv_queued_bytes);
    drop_all();
    on(2);
    accept_one("mss 1000 ws 7");
    assert_in_range(fill_for(SL_STREAM_UNIT_MAX_BYTES, true), SL_STREAM_UNIT_MAX_BYTES,
                    SL_STREAM_UNIT_MAX_BYTES + 1000);
}

/* The user changes its mind about a connection that exists: Nagle (RFC 9293 3.7.4) and keepalive take effect at once. */
static void settings_of_an_open_connection_change(void)
{
    struct sl_tcp_opts opts = {.nagle = true, .keepalive_ns = SL_NEVER};
    struct sl_tcp_info info;

    u_listen(&opts);
    accept_one(NULL);
    u_write(10);
    expect("A 1(10)");
    u_write(10);
    expect_nothing(); /* a rest waits for the ACK */
    sl_tcp_stream_info(u_stream(), &info);
    assert_string_equal(info.state, "ESTABLISHED");
    assert_int_equal(info.flight_bytes, 10);
    assert_int_equal(info.snd_queued_bytes, 20);
    assert_int_equal(info.mss, 1000);
    opts.nagle = false;
    opts.keepalive_ns = 30 * SL_NS_PER_S;
    assert_int_equal(sl_tcp_stream_update(u_stream(), &opts), 0);
    after(0);
    expect("A 11(10)");
    peer("A 1 ack 21");
    expect_within(29990, 30010, "A 20 ack 1");
}

SCRIPT_MAIN(SCRIPT(new_listener_settings_spare_handshakes_under_way),
            SCRIPT(a_sample_after_a_long_backoff_brings_the_timer_near),
            SCRIPT(memory_pressure_narrows_windows_and_recovers), SCRIPT(a_whole_unit_comes_through_a_small_buffer),
            SCRIPT(a_whole_unit_comes_through_under_memory_pressure), SCRIPT(settings_of_an_open_connection_change))
