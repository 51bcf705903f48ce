/* Many connections that take places or memory and give nothing: they are bounded, and give way to those that work. */
#include "tcp/crowd_rig.h"

#define CROWD 1000u
#define TEXT_MAX 1000u

static struct crowd_peer {
    struct sl_stream *stream; /* ours; NULL: it is over */
    uint32_t seq, ack;
} peers[2 * CROWD];

static bool ip6;

/* In a whole buffer, as from a device. */
static struct rte_mbuf *buffer_of(const uint8_t *bytes, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(w.frames);

    assert_non_null(m);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

static void say(uint32_t i, uint8_t flags, uint16_t wnd, uint32_t at, uint32_t len)
{
    struct tuple tuple = tuple_of(i, ip6), back = {.lport = tuple.rport, .rport = tuple.lport};
    struct header h = {.seq = peers[i].seq + at, .ack = peers[i].ack, .flags = flags, .wnd = wnd, .mss = 1000};
    uint8_t bytes[WIRE_HEADER_MAX + TEXT_MAX] = {0};

    h.opts = flags & TF_SYN ? OPT_MSS : 0;
    sl_tcp_wire_put(bytes, &back, &h);
    w.batch.segs[w.batch.n_segs++] = (struct sl_net_seg){
        .mbuf = buffer_of(bytes, sl_tcp_wire_size(&h) + len), .local = tuple.local, .remote = tuple.remote};
    run();
}

static void take_events(uint32_t newest)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&w.ready, &events))) {
        if (events & SL_STREAM_OPEN && newest < 2 * CROWD) {
            peers[newest].stream = s;
            continue;
        }
        if (!(events & SL_STREAM_CLOSED))
            continue;
        for (uint32_t i = 0; i < 2 * CROWD; i++)
            if (peers[i].stream == s)
                peers[i].stream = NULL;
        s->ops->release(s);
    }
}

static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += 10) {
        w.now += 10 * SL_NS_PER_MS;
        sl_tcp_timers(w.tcp, w.now);
        run();
        take_events(UINT32_MAX);
    }
}

/* Whether it is open after the handshake. */
static bool open_one(uint32_t i, uint16_t wnd)
{
    sl_tcp_timers(w.tcp, w.now);
    run();
    peers[i] = (struct crowd_peer){.seq = 5000 + i};
    w.last.tcp.flags = 0;
    say(i, TF_SYN, 60000, 0, 0);
    if (w.last.tcp.flags != (TF_SYN | TF_ACK))
        return false;
    take_events(UINT32_MAX); /* the user lets go of who made room */
    peers[i].seq++;
    peers[i].ack = w.last.tcp.seq + 1;
    say(i, TF_ACK, wnd, 0, 0);
    take_events(i);
    return peers[i].stream != NULL;
}

static void open_crowd(uint32_t n, uint16_t wnd)
{
    for (uint32_t i = 0; i < n; i++)
        assert_true(open_one(i, wnd));
    assert_int_equal(sl_tcp_conns(w.tcp), n);
}

static void queue_bytes(uint32_t i, uint32_t len)
{
    uint8_t bytes[TEXT_MAX] = {0};
    struct rte_mbuf *m = buffer_of(bytes, len);
    struct sl_slice slice = {m, m->data_off, (uint16_t)len};

    assert_int_equal(peers[i].stream->ops->send(peers[i].stream, &slice, 1), 0);
}

/* Bytes go both ways. */
static void assert_works(uint32_t i)
{
    struct sl_slice slice;

    w.last.tcp.len = 0;
    queue_bytes(i, 100);
    run();
    assert_int_equal(w.last.tcp.len, 100);
    peers[i].ack += 100;
    say(i, TF_ACK, 60000, 0, 10);
    peers[i].seq += 10;
    assert_int_equal(peers[i].stream->ops->recv(peers[i].stream, &slice, 1, 100), 1);
    assert_int_equal(slice.len, 10);
    sl_slice_free(&slice);
    take_events(UINT32_MAX);
}

/* The search for a place looks at so many connections at a time: a client that found none asks again. */
static bool open_in_time(uint32_t i)
{
    for (uint32_t tries = 0; tries < 5; tries++) {
        w.now += SL_NS_PER_MS;
        if (open_one(i, 60000))
            return true;
    }
    return false;
}

static void assert_newcomers_get_places(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        assert_true(open_in_time(CROWD + i));
    assert_true(sl_tcp_conns(w.tcp) <= CROWD);
    assert_works(CROWD);
    assert_works(CROWD + n - 1);
    assert_null(sl_tcp_check(w.tcp));
}

static void begin(bool with_ip6, uint64_t held_max_bytes)
{
    ip6 = with_ip6;
    memset(peers, 0, sizeof peers);
    make_world(ip6, CROWD, held_max_bytes);
}

static void in_both_families(void (*fn)(void), uint64_t held_max_bytes)
{
    for (uint32_t i = 0; i < 2; i++) {
        begin(i, held_max_bytes);
        fn();
        unmake_world();
    }
}

/* ---- places ---- */

static void leave_in_fin_wait_2(uint32_t i)
{
    struct sl_stream *s = peers[i].stream;

    peers[i].stream = NULL;
    s->ops->shutdown(s);
    s->ops->release(s);
    run();
    peers[i].ack++;
    say(i, TF_ACK, 60000, 0, 0);
}

static void fin_wait_2(void)
{
    open_crowd(CROWD, 60000);
    for (uint32_t i = 0; i < CROWD; i++)
        leave_in_fin_wait_2(i);
    assert_int_equal(sl_tcp_conns(w.tcp), CROWD);
    assert_newcomers_get_places(CROWD);
    assert_int_equal(dropped(SL_DROP_TCP_EVICTED), CROWD);
}

static void hoarders_of_fin_wait_2_give_their_places(void **state) { in_both_families(fin_wait_2, 16 << 20); }

static void last_ack(void)
{
    open_crowd(CROWD, 60000);
    for (uint32_t i = 0; i < CROWD; i++) {
        say(i, TF_FIN | TF_ACK, 60000, 0, 0);
        peers[i].stream->ops->shutdown(peers[i].stream);
        run();
    }
    assert_newcomers_get_places(CROWD);
}

static void those_who_are_silent_in_last_ack_give_their_places(void **state) { in_both_families(last_ack, 16 << 20); }

static void shut_windows(void)
{
    open_crowd(CROWD, 0);
    for (uint32_t i = 0; i < CROWD; i++)
        queue_bytes(i, TEXT_MAX);
    assert_false(open_one(CROWD, 60000)); /* they might be about to open */
    pass(12000);
    for (uint32_t i = 0; i < CROWD; i++)
        say(i, TF_ACK, 0, 0, 0); /* to answer is not to take */
    assert_newcomers_get_places(CROWD / 2);
}

static void windows_that_stay_shut_give_their_places(void **state) { in_both_families(shut_windows, 16 << 20); }

/* Sockstress: connected, and nothing more. Such a one costs its object and no memory besides; and is not thrown out, for a
 * kept connection looks the same. TLS and the proxy have timeouts for it. */
static void quiet(void)
{
    open_crowd(CROWD, 60000);
    pass(20000);
    assert_int_equal(w.tcp->nodes.held_bytes, 0);
    assert_int_equal(w.tcp->flights.used, 0);
    assert_int_equal(w.tcp->reasms.used, 0);
    assert_false(open_one(CROWD, 60000));
    assert_true(dropped(SL_DROP_TCP_CONNS_MAX) > 0);
    assert_int_equal(dropped(SL_DROP_TCP_EVICTED), 0);
    assert_works(0);
    assert_works(CROWD - 1);
}

static void quiet_connections_hold_no_memory_and_keep_their_places(void **state) { in_both_families(quiet, 16 << 20); }

/* ---- the transmit queue ---- */

/* While the device takes nothing, what is not payload finds room; then everything goes. */
static void full_device(void)
{
    uint32_t room = sl_net_tx_room(w.net, 0);
    uint64_t before;

    open_crowd(CROWD, 60000);
    for (uint32_t i = 0; i < CROWD; i++)
        queue_bytes(i, TEXT_MAX);
    before = counter(SL_CTR_TCP_TX_SEGS);
    sl_tcp_output(w.tcp, w.now);
    assert_int_equal(sl_net_tx_room(w.net, 0), 128);
    assert_int_equal(counter(SL_CTR_TCP_TX_SEGS) - before, room - 128);
    peers[0].stream->ops->abort(peers[0].stream, SL_REASON_ABORTED);
    assert_int_equal(sl_net_tx_room(w.net, 0), 127);
    take_events(UINT32_MAX);
    for (uint32_t i = 0; i < 2; i++) {
        drain();
        sl_tcp_output(w.tcp, w.now);
    }
    drain();
    assert_int_equal(counter(SL_CTR_TCP_TX_SEGS) - before, CROWD + 1);
    assert_null(sl_tcp_check(w.tcp));
}

static void payload_leaves_room_in_the_transmit_queue(void **state) { in_both_families(full_device, 16 << 20); }

/* ---- memory ---- */

static void zero_windows(void)
{
    uint64_t tight = (2u << 20) / 8 * MARK_TIGHT;

    open_crowd(CROWD - 1, 0);
    for (uint32_t i = 0; i < CROWD - 1; i++)
        queue_bytes(i, TEXT_MAX);
    assert_true(w.tcp->nodes.held_bytes > tight);
    pass(75000);
    assert_true(w.tcp->nodes.held_bytes < tight);
    assert_in_range(dropped(SL_DROP_TCP_EVICTED), 1, CROWD - 1);
    assert_true(open_one(CROWD, 60000));
    assert_works(CROWD);
    pass(130000); /* the user timeout ends the rest */
    assert_true(w.tcp->nodes.held_bytes < TEXT_MAX * 10);
    assert_true(dropped(SL_DROP_TCP_USER_TIMEOUT) > 0);
}

static void windows_that_stay_shut_give_memory_back(void **state) { in_both_families(zero_windows, 2 << 20); }

/* CVE-2018-5390 by a crowd: what is ahead of order never takes what is in order. */
static void out_of_order(void)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, 3);
    open_crowd(200, 60000);
    for (uint32_t k = 0; k < 20; k++) {
        for (uint32_t i = 1; i < 200; i++) {
            say(i, TF_ACK, 60000, 1 + (uint32_t)sl_rng_below(&rng, 50000), 1);
            assert_true(w.tcp->nodes.held_bytes <= 2 << 20);
        }
    }
    assert_true(dropped(SL_DROP_TCP_OOO_PRUNED) > 0);
    assert_works(0);
    assert_null(sl_tcp_check(w.tcp));
}

static void bytes_ahead_of_order_of_a_crowd_are_bounded(void **state) { in_both_families(out_of_order, 2 << 20); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hoarders_of_fin_wait_2_give_their_places),
        cmocka_unit_test(those_who_are_silent_in_last_ack_give_their_places),
        cmocka_unit_test(windows_that_stay_shut_give_their_places),
        cmocka_unit_test(quiet_connections_hold_no_memory_and_keep_their_places),
        cmocka_unit_test(payload_leaves_room_in_the_transmit_queue),
        cmocka_unit_test(windows_that_stay_shut_give_memory_back),
        cmocka_unit_test(bytes_ahead_of_order_of_a_crowd_are_bounded),
    };

    return cmocka_run_group_tests(tests, crowd_setup, th_leak_teardown);
}
