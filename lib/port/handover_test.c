/* Two or three workers on a device with one queue (a ring that receives what is sent on it): each gets what is its own, and sends through the owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "port/internal.h"

#define WORKERS 3

static struct rte_mempool *pool;
static struct sl_stats stats[WORKERS], *const stats_of[WORKERS] = {&stats[0], &stats[1], &stats[2]};
static struct sl_conf_interface iface = {.name = {.s = "ring"}, .driver = {.s = "vdev"}, .mtu = {.v = 1500}};
static struct sl_conf conf = {.dpdk = {.memory_bytes = {.v = 64 << 20}},
                              .workers = {.idle = SL_IDLE_SLEEP},
                              .interfaces = &iface,
                              .n_interfaces = 1};
static struct sl_ports *ports;
static struct rte_mempool *queue_pool;

static int setup(void **state)
{
    (void)state;
    th_eal_init();
    port_clock_start();
    pool = th_pool("frames", 4095, 2048);
    return 0;
}

static int open_ports(void **state)
{
    static char name[32]; /* a new one each time: this driver leaves its rings behind */
    static int opened;
    struct sl_err err = {""};

    (void)state;
    snprintf(name, sizeof name, "net_ring%d", opened++);
    iface.device.s = name;
    memset(stats, 0, sizeof stats);
    if (sl_ports_open(&conf, NULL, WORKERS, stats_of, &ports, &err) < 0 || sl_ports_start(ports, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    queue_pool = ports->devices[0].queues[0].pool;
    return 0;
}

static int close_ports(void **state)
{
    int leak;

    sl_ports_close(ports);
    leak = th_leak_teardown(state);
    rte_mempool_free(queue_pool); /* ports leave that to EAL's end */
    return leak;
}

static struct rte_mbuf *tcp_frame(uint16_t rport)
{
    struct th_pkt p = {.kind = TH_TCP,
                       .eth_src = th_mac(1),
                       .eth_dst = th_mac(2),
                       .src = th_ip("198.18.0.2"),
                       .dst = th_ip("198.18.0.10"),
                       .tcp = {.sport = rport, .dport = 443, .seq = 1, .flags = TH_SYN}};
    uint8_t bytes[128];
    size_t len = th_encode(&p, bytes, sizeof bytes);
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

/* What arrives at a worker; frames are freed, and their remote ports checked to be the worker's. */
static uint32_t take(uint32_t worker)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t total = 0, n;

    while ((n = sl_ports_rx(ports, worker, 0, frames, SL_NET_BURST)) > 0) {
        for (uint32_t i = 0; i < n; i++) {
            int to = sl_steer_frame(sl_ports_steer(ports), frames[i]);

            assert_true(to == SL_STEER_ALL || to == (int)worker);
            rte_pktmbuf_free(frames[i]);
        }
        total += n;
    }
    return total;
}

static void every_worker_gets_its_own_and_none_is_lost(void **state)
{
    uint32_t want[WORKERS] = {0};

    for (uint16_t port = 1000; port < 1256; port++) {
        struct rte_mbuf *m = tcp_frame(port);

        want[sl_steer_frame(sl_ports_steer(ports), m)]++;
        sl_ports_tx(ports, 0, 0, &m, 1);
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        assert_true(want[w] > 0);
        assert_int_equal(take(w), want[w]);
    }
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_HANDED_OVER], want[1] + want[2]);
}

static void arp_reaches_all_as_plain_copies(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *got;
    struct th_pkt p;
    uint8_t bytes[128];
    size_t len;

    th_arp_request(&p, th_mac(1), th_ip("198.18.0.2"), th_ip("198.18.0.10"));
    len = th_encode(&p, bytes, sizeof bytes);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    sl_ports_tx(ports, 0, 0, &m, 1);
    for (uint32_t w = 0; w < WORKERS; w++) {
        assert_int_equal(sl_ports_rx(ports, w, 0, &got, 1), 1);
        assert_true(RTE_MBUF_DIRECT(got) && rte_mbuf_refcnt_read(got) == 1);
        assert_int_equal(got->pkt_len, len);
        assert_memory_equal(rte_pktmbuf_mtod(got, void *), bytes, len);
        rte_pktmbuf_free(got);
    }
}

static void who_has_no_queue_sends_through_its_owner(void **state)
{
    struct rte_mbuf *m = tcp_frame(1000);

    sl_ports_tx(ports, 2, 0, &m, 1);
    assert_int_equal(take(0) + take(1) + take(2), 0);
    sl_ports_flush(ports, 2); /* has no queue: nothing happens */
    assert_int_equal(take(0) + take(1) + take(2), 0);
    sl_ports_flush(ports, 0);
    assert_int_equal(take(0) + take(1) + take(2), 1);
}

static void a_full_ring_drops_and_counts(void **state)
{
    const uint32_t n = PORT_RING + 100;

    for (uint32_t i = 0; i < n; i++) {
        struct rte_mbuf *m = tcp_frame(1000);

        sl_ports_tx(ports, 1, 0, &m, 1);
    }
    assert_int_equal(stats[1].drop[SL_DROP_PORT_RING_FULL], n - (PORT_RING - 1));
}

static void a_wrong_hash_on_a_trusted_queue_ends_the_trust_and_loses_nothing(void **state)
{
    uint16_t port = 1000;
    struct rte_mbuf *m;

    ports->devices[0].queues[0].trusted = true;
    while (sl_steer_frame(sl_ports_steer(ports), m = tcp_frame(port)) != 1) {
        rte_pktmbuf_free(m);
        port++;
    }
    sl_ports_tx(ports, 0, 0, &m, 1);
    assert_int_equal(take(0), 0);
    assert_int_equal(take(1), 1);
    assert_false(ports->devices[0].queues[0].trusted);
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_DISTRUST], 1);
}

/* Cards hash fragments and ICMP otherwise than TCP, so these are looked at even where the device is trusted. */
static void what_is_no_tcp_is_looked_at_on_a_trusted_queue(void **state)
{
    struct th_pkt p = {.kind = TH_ICMP,
                       .eth_src = th_mac(1),
                       .eth_dst = th_mac(2),
                       .src = th_ip("198.18.0.2"),
                       .dst = th_ip("198.18.0.10"),
                       .icmp = {.type = 3, .code = 3}};
    uint16_t rport = 1000;
    struct rte_mbuf *m, *got;
    struct th_store store;
    uint8_t quoted[128], bytes[256];
    size_t len;

    while (sl_steer_worker(sl_ports_steer(ports), &p.dst, 443, &p.src, rport) != 2)
        rport++;
    len = th_encode(&(struct th_pkt){.kind = TH_TCP,
                                     .eth_src = th_mac(2),
                                     .eth_dst = th_mac(1),
                                     .src = p.dst,
                                     .dst = p.src,
                                     .tcp = {.sport = 443, .dport = rport, .seq = 1, .flags = TH_ACK}},
                    quoted, sizeof quoted);
    th_icmp_error(&p, &store, th_ip("198.18.0.2"), 3, 3, 0, quoted, len, 64);
    p.eth_src = th_mac(1);
    p.eth_dst = th_mac(2);
    len = th_encode(&p, bytes, sizeof bytes);
    m = rte_pktmbuf_alloc(pool);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    ports->devices[0].queues[0].trusted = true;
    ports->devices[0].queues[0].samples = 1;
    sl_ports_tx(ports, 0, 0, &m, 1);
    assert_int_equal(sl_ports_rx(ports, 0, 0, &got, 1), 0);
    assert_int_equal(sl_ports_rx(ports, 2, 0, &got, 1), 1);
    rte_pktmbuf_free(got);
    assert_true(ports->devices[0].queues[0].trusted);
}

/* A fragment of the segment from rport; the first holds its ports, the second none. */
static struct rte_mbuf *fragment(uint16_t rport, uint16_t id, bool first)
{
    static const uint8_t data[400];
    struct th_pkt p = {.kind = TH_TCP,
                       .eth_src = th_mac(1),
                       .eth_dst = th_mac(2),
                       .src = th_ip("198.18.0.2"),
                       .dst = th_ip("198.18.0.10"),
                       .tcp = {.sport = rport, .dport = 443, .flags = TH_ACK, .data = data, .len = sizeof data}};
    uint8_t frame[512], bytes[512];
    size_t len = th_encode(&p, frame, sizeof frame);
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    len = th_fragment(frame, len, id, first ? 0 : 200, first ? 200 : 220, first, bytes, sizeof bytes);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

/* Whatever a card does with fragments: the first goes by its ports on some, all by their addresses on others. */
static void fragments_of_a_datagram_meet_although_the_queue_is_trusted(void **state)
{
    uint32_t got[WORKERS] = {0};

    ports->devices[0].queues[0].trusted = true;
    for (uint16_t id = 0; id < 60; id++) {
        for (int first = 0; first < 2; first++) {
            struct rte_mbuf *m = fragment(1000, id, first);

            sl_ports_tx(ports, 0, 0, &m, 1);
        }
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        got[w] = take(w);
        assert_true(got[w] > 0 && got[w] % 2 == 0);
    }
    assert_int_equal(got[0] + got[1] + got[2], 120);
    assert_true(ports->devices[0].queues[0].trusted);
}

static void a_datagram_made_whole_reaches_its_worker_from_any(void **state)
{
    for (uint32_t from = 0; from < WORKERS; from++) {
        for (uint16_t port = 1000; port < 1032; port++) {
            struct rte_mbuf *m = tcp_frame(port), *got;
            uint32_t home = (uint32_t)sl_steer_frame(sl_ports_steer(ports), m);

            sl_ports_hand_over(ports, from, 0, &m, 1);
            ports->workers[home].sleepable = true;
            sl_ports_wait(ports, home, SL_NEVER);
            assert_int_equal(stats[home].ctr[SL_CTR_PORT_SLEEPS], 0);
            assert_int_equal(sl_ports_rx(ports, home, 0, &got, SL_NET_BURST), 1);
            assert_ptr_equal(got, m);
            rte_pktmbuf_free(got);
        }
    }
}

static void a_full_ring_of_strays_drops_and_counts(void **state)
{
    for (uint32_t i = 0; i < PORT_STRAYS + 10; i++) {
        struct rte_mbuf *m = tcp_frame(1000);

        sl_ports_hand_over(ports, 1, 0, &m, 1);
    }
    assert_int_equal(stats[1].drop[SL_DROP_PORT_RING_FULL], 11);
}

static void a_worker_with_frames_on_its_ring_does_not_sleep(void **state)
{
    struct rte_mbuf *m;

    for (uint16_t port = 1000; port < 1032; port++) {
        m = tcp_frame(port);
        sl_ports_tx(ports, 0, 0, &m, 1);
    }
    (void)take(0);
    /* The wake-up is used up; the frames alone keep it awake. */
    __atomic_store_n(&ports->workers[1].pending, 0, __ATOMIC_RELAXED);
    sl_ports_wait(ports, 1, SL_NEVER);
    assert_int_equal(stats[1].ctr[SL_CTR_PORT_SLEEPS], 0);
    assert_true(take(1) > 0);
    (void)take(2);
}

static void who_polls_a_device_that_cannot_wake_it_never_sleeps(void **state)
{
    sl_ports_wait(ports, 0, SL_NEVER);
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_SLEEPS], 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_ports, close_ports)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_worker_gets_its_own_and_none_is_lost),
        CASE(arp_reaches_all_as_plain_copies),
        CASE(who_has_no_queue_sends_through_its_owner),
        CASE(a_full_ring_drops_and_counts),
        CASE(a_wrong_hash_on_a_trusted_queue_ends_the_trust_and_loses_nothing),
        CASE(what_is_no_tcp_is_looked_at_on_a_trusted_queue),
        CASE(fragments_of_a_datagram_meet_although_the_queue_is_trusted),
        CASE(a_datagram_made_whole_reaches_its_worker_from_any),
        CASE(a_full_ring_of_strays_drops_and_counts),
        CASE(a_worker_with_frames_on_its_ring_does_not_sleep),
        CASE(who_polls_a_device_that_cannot_wake_it_never_sleeps),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
