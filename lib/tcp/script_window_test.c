/* Buffers that find their size: the receive window follows what the user takes per round trip, credit follows cwnd. */
#include "helpers/script.h"

#define START 65535u
#define RTT_MS 100

/* Time goes by; what the endpoint sends in it does not matter. */
static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms / 10; i++) {
        drop_all();
        after(10);
    }
    drop_all();
}

/* A handshake over a path of RTT_MS. */
static void accept_far(const char *options)
{
    peer("S 0 mss 1000 %s", options);
    expect("SA 0 ack 1");
    after(RTT_MS);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

/* The peer fills the window once, whole segments of 1000 bytes; the user takes all but `left`. How much came. */
static uint32_t fill_window(uint32_t *sent, uint32_t left)
{
    uint32_t n = script_info().rcv_wnd_bytes / 1000;

    for (uint32_t i = 0; i < n; i++) {
        peer_batch("A %u(1000) ack 1", 1 + *sent);
        *sent += 1000;
        if (i % 30 == 29 || i + 1 == n)
            peer("A %u ack 1", 1 + *sent);
    }
    if (script_info().rcv_queued_bytes > left)
        u_read(script_info().rcv_queued_bytes - left);
    pass(RTT_MS);
    return n * 1000;
}

static uint32_t grow(uint32_t rounds, uint32_t *sent)
{
    for (uint32_t i = 0; i < rounds; i++)
        fill_window(sent, 0);
    return script_info().rcv_wnd_bytes;
}

static void begins_small_and_doubles(const char *options)
{
    uint32_t sent = 0, window = START;

    accept_far(options);
    assert_int_equal(script_info().rcv_wnd_bytes, START);
    for (int i = 0; i < 4; i++) {
        uint32_t before = window;

        window = grow(1, &sent);
        assert_in_range(window, before / 2 * 3, 3 * before);
    }
    window = grow(6, &sent);
    assert_in_range(window, (4u << 20) - 20000, 4u << 20);
}

static void the_window_doubles_with_each_round_trip_up_to_the_receive_buffer(void)
{
    world(.held_max_bytes = 64 << 20);
    u_listen(NULL);
    begins_small_and_doubles("ws 7");
    on(1);
    begins_small_and_doubles("ws 7 ts 1000,0");
    assert_true(script_counter(SL_CTR_TCP_WINDOW_GROWN) >= 10);
}

static void a_small_receive_buffer_is_never_exceeded(void)
{
    uint32_t sent = 0;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 100000});
    accept_far("ws 7 ts 1000,0");
    assert_in_range(grow(10, &sent), 98000, 100000);
}

/* Bytes that nobody takes are no reason for more. */
static void a_user_who_takes_little_gets_no_larger_window(void)
{
    uint32_t sent = 0;

    u_listen(NULL);
    accept_far("ws 7 ts 1000,0");
    fill_window(&sent, START);
    for (uint32_t i = 0; i < 20; i++) {
        u_read(2000);
        pass(RTT_MS);
        fill_window(&sent, START);
    }
    assert_true(script_info().rcv_queued_bytes <= START + 1000);
    assert_int_equal(script_counter(SL_CTR_TCP_WINDOW_GROWN), 0);
}

/* A sender of its own pace needs no more than the window it has. */
static void a_slow_sender_gets_no_larger_window(void)
{
    u_listen(NULL);
    accept_far("ws 7 ts 1000,0");
    on(1);
    accept_far("ws 7");
    for (uint32_t i = 0; i < 300; i++) {
        for (uint32_t c = 0; c < 2; c++) {
            on(c);
            peer("A %u(1000) ack 1", 1 + i * 1000);
            u_read(1000);
        }
        pass(50);
    }
    assert_int_equal(script_counter(SL_CTR_TCP_WINDOW_GROWN), 0);
}

/* What was told stands; what is told after the silence grows anew. */
static void an_idle_connection_gives_back_but_never_what_was_told(void)
{
    uint32_t sent = 0, before, edge;

    u_listen(NULL);
    accept_far("ws 7 ts 1000,0");
    before = grow(7, &sent);
    assert_true(before > 1000000);
    edge = sent + before;
    quiet(200 * 1000);
    for (uint32_t i = 0; i < 40; i++) { /* not enough to grow by */
        peer("A %u(1000) ack 1", 1 + sent);
        sent += 1000;
        u_read(1000);
        pass(RTT_MS);
        assert_true(sent + script_info().rcv_wnd_bytes >= edge);
    }
    assert_in_range(sent + script_info().rcv_wnd_bytes, edge, edge + 1000);
}

static void memory_that_is_short_bounds_what_windows_grow_to(void)
{
    uint32_t sent = 0;

    world(.held_max_bytes = 1 << 20);
    u_listen(NULL);
    accept_far("ws 7 ts 1000,0");
    assert_in_range(grow(8, &sent), 100000, (1u << 20) / 8 * 5 / 4); /* a quarter of what is left */
}

/* ---- sending ---- */

static void credit_follows_the_congestion_window(void)
{
    uint32_t small, acked = 1, written = 0;

    u_listen(NULL);
    accept_far("ws 14");
    small = u_credit();
    assert_in_range(small, 32000, 100000);
    for (int i = 0; i < 4; i++) {
        uint32_t n = u_credit();

        u_write(n);
        written += n;
        for (uint32_t got; (got = drop_all_bytes()) != 0;) {
            after(RTT_MS);
            for (uint32_t k = 0; k < got; k += 2000) /* every second segment */
                peer("A 1 ack %u", acked + SL_MIN(k + 2000, got));
            acked += got;
        }
    }
    assert_int_equal(acked, 1 + written);
    assert_true(script_info().cwnd_bytes > 100000);
    assert_int_equal(u_credit(), SL_MIN(2 * script_info().cwnd_bytes, 4u << 20));
}

static void credit_stays_below_the_send_buffer(void)
{
    u_listen(&(struct sl_tcp_opts){.snd_max_bytes = 20000});
    accept_far("ws 7");
    assert_int_equal(u_credit(), 20000);
    u_write(20000);
    assert_int_equal(u_credit(), 0);
    drop_all();
}

SCRIPT_MAIN(SCRIPT(the_window_doubles_with_each_round_trip_up_to_the_receive_buffer),
            SCRIPT(a_small_receive_buffer_is_never_exceeded), SCRIPT(a_user_who_takes_little_gets_no_larger_window),
            SCRIPT(a_slow_sender_gets_no_larger_window), SCRIPT(an_idle_connection_gives_back_but_never_what_was_told),
            SCRIPT(memory_that_is_short_bounds_what_windows_grow_to), SCRIPT(credit_follows_the_congestion_window),
            SCRIPT(credit_stays_below_the_send_buffer))
