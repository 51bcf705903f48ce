/* Faults that mature stacks still fixed after years, those of timers, windows and buffers: a test each. */
#include "helpers/script.h"

#define HDRS_MAX 10000

/* ---- keepalive ---- */
static void keepalive_defaults_are_two_hours_then_ten_probes_and_a_reset(void)
{
    u_listen(NULL);
    accept_one(NULL);
    quiet(7199 * 1000);
    expect_within(0, 1500, "A 0 ack 1");
    for (int i = 1; i < 10; i++) {
        quiet(74 * 1000);
        expect_within(0, 1500, "A 0 ack 1");
    }
    quiet(74 * 1000);
    expect_within(0, 1500, "R 1");
    closed_for(SL_REASON_TIMEOUT);
    assert_int_equal(script_conns(), 0);
    quiet(10000 * 1000);
}

static void keepalive_can_be_off(void)
{
    u_listen(&(struct sl_tcp_opts){.keepalive_ns = SL_NEVER});
    accept_one(NULL);
    quiet(86400.0 * 1000);
    state("ESTABLISHED");
}

/* ---- persist ---- */
static void persist_fires_nothing_after_closed(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 3 * SL_NS_PER_S});
    for (uint32_t i = 0; i < 3; i++) {
        on(i);
        accept_one(NULL);
        peer("A 1 ack 1 wnd 0");
        u_write(5000);
        drop_all();
    }
    on(0);
    u_abort();
    expect("R 1 ack 1");
    on(1);
    peer("R 1");
    for (int i = 0; i < 40; i++) { /* the third ends by itself */
        after(100);
        drop_all();
    }
    for (uint32_t i = 0; i < 3; i++) {
        on(i);
        state("CLOSED");
    }
    quiet(1000 * 1000);
}

/* The probe's byte is beyond the window: until the peer takes it, it was not sent. */
static void a_zero_window_probe_does_not_advance_snd_nxt(void)
{
    reach("ESTABLISHED");
    peer("A 1 ack 1 wnd 0");
    u_write(1000);
    for (int i = 0; i < 3; i++) {
        expect_within(150, 5000, "A 1(1)");
        peer("A %d(10) ack 1 wnd 0", 1 + 10 * i); /* what answers it stands at snd_nxt */
        expect_ack(11 + 10 * i);
        assert_int_equal(script_last()->seq, script_seq(1));
    }
    peer("A 31 ack 1 wnd 5000");
    expect("A 1(1000) ack 31");
    u_read(30);
    drop_all();
}

/* The peer's probe with an old number brings an ACK and moves nothing. */
static void a_probe_with_an_old_number_moves_nothing(void)
{
    reach("ESTABLISHED");
    peer("A 1(10) ack 1");
    expect_ack(11);
    peer("A 10(1) ack 1 fill");
    expect("A 1 ack 11");
    peer("A 10 ack 1");
    expect("A 1 ack 11");
    u_read(10);
    u_read_nothing();
    peer("A 11(10) ack 1");
    u_read(10);
    drop_all();
}

/* ---- a window that opens ---- */
static void a_window_update_is_not_held_back_by_a_delayed_ack(void)
{
    uint32_t sent = 0;

    u_listen(&(struct sl_tcp_opts){.rcv_max_bytes = 4000});
    accept_one(NULL);
    for (int i = 0; i < 3; i++, sent += 1000) {
        peer("A %u(1000) ack 1", 1 + sent);
        expect_ack(1001 + sent);
    }
    peer("A %u(600) ack 1", 1 + sent); /* its ACK would wait */
    drop_all();
    u_read(sent + 600);
    expect("A 1 ack %u", 601 + sent);
    assert_in_range(script_last()->wnd, 3000, 4000);
}

/* ---- FIN ---- */
static struct rte_mbuf *taken[HDRS_MAX];

static uint32_t take_headers(void)
{
    struct rte_mempool *pool = rte_mempool_lookup("hdr");
    uint32_t n = 0;

    assert_non_null(pool);
    while (n < HDRS_MAX && (taken[n] = rte_pktmbuf_alloc(pool)) != NULL)
        n++;
    assert_true(n < HDRS_MAX);
    return n;
}

static void give_headers(uint32_t n)
{
    while (n-- > 0)
        rte_pktmbuf_free(taken[n]);
}

static void a_fin_that_found_no_buffer_is_sent_when_there_is_one(void)
{
    uint32_t n;

    reach("ESTABLISHED");
    n = take_headers();
    u_shutdown();
    expect_nothing();
    quiet(50);
    give_headers(n);
    expect_within(0, 10, "FA 1 ack 1");
    n = take_headers();
    quiet(1000); /* the retransmission finds none either */
    give_headers(n);
    expect_within(0, 10, "FA 1 ack 1");
    peer("A 1 ack 2");
    state("FIN-WAIT-2");
}

static void a_fin_for_half_close_in_close_wait_is_sent_and_sent_again(void)
{
    reach("CLOSE-WAIT");
    u_write(100);
    expect("A 1(100) ack 2");
    peer("A 2 ack 101");
    u_shutdown();
    expect("FA 101 ack 2");
    state("LAST-ACK");
    expect_within(150, 1500, "FA 101 ack 2");
    peer("A 2 ack 102");
    state("CLOSED");
}

/* ---- the end of patience ---- */
static void a_silent_peer_ends_last_ack_and_closing_by_default(void)
{
    static const char *const states[] = {"CLOSING", "LAST-ACK"};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(states); i++) {
        world(0);
        reach(states[i]);
        for (int k = 0; k < 125; k++) {
            after(1000);
            drop_all();
        }
        state("CLOSED");
        assert_int_equal(script_conns(), 0);
    }
}

static void a_reset_is_sent_when_retransmission_gives_up(void)
{
    u_listen(&(struct sl_tcp_opts){.user_timeout_ns = 2 * SL_NS_PER_S});
    accept_one(NULL);
    u_write(100);
    expect("A 1(100) ack 1");
    expect_within(150, 300, "A 1(100) ack 1");
    expect_within(350, 500, "A 1(100) ack 1");
    expect_within(700, 900, "A 1(100) ack 1");
    expect_within(300, 1000, "R 101 ack 1");
    closed_for(SL_REASON_TIMEOUT);
    quiet(100000);
}

SCRIPT_MAIN(SCRIPT(keepalive_defaults_are_two_hours_then_ten_probes_and_a_reset), SCRIPT(keepalive_can_be_off),
            SCRIPT(persist_fires_nothing_after_closed), SCRIPT(a_zero_window_probe_does_not_advance_snd_nxt),
            SCRIPT(a_probe_with_an_old_number_moves_nothing), SCRIPT(a_window_update_is_not_held_back_by_a_delayed_ack),
            SCRIPT(a_fin_that_found_no_buffer_is_sent_when_there_is_one),
            SCRIPT(a_fin_for_half_close_in_close_wait_is_sent_and_sent_again),
            SCRIPT(a_silent_peer_ends_last_ack_and_closing_by_default),
            SCRIPT(a_reset_is_sent_when_retransmission_gives_up))
