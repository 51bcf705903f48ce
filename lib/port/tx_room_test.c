/* A device whose transmit ring is full (a ring of DPDK's that receives what is sent on it, and nobody takes): frames wait, none is lost and none overtakes another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "port/internal.h"

#define FRAMES_MAX 8192

static struct rte_mempool *pool;
static struct sl_stats stats[2], *const stats_of[] = {&stats[0], &stats[1]};
static struct sl_conf_interface iface = {.name = {.s = "ring"}, .driver = {.s = "vdev"}, .mtu = {.v = 1500}};
static struct sl_conf conf = {.dpdk = {.memory_bytes = {.v = 64 << 20}}, .interfaces = &iface, .n_interfaces = 1};
static struct sl_ports *ports;
static struct rte_mempool *queue_pool;

static int setup(void **state)
{
    th_eal_init();
    port_clock_start();
    pool = th_pool("frames", FRAMES_MAX - 1, 64);
    return 0;
}

static void open_ports(const char *name, uint32_t n_workers)
{
    struct sl_err err = {""};

    iface.device.s = (char *)(uintptr_t)name;
    memset(stats, 0, sizeof stats);
    assert_int_equal(sl_ports_open(&conf, NULL, n_workers, stats_of, &ports, &err), 0);
    assert_int_equal(sl_ports_start(ports, &err), 0);
    queue_pool = ports->devices[0].queues[0].pool;
}

static void close_ports(void **state)
{
    sl_ports_close(ports);
    assert_int_equal(th_leak_teardown(state), 0);
    rte_mempool_free(queue_pool);
}

static struct rte_mbuf *frame(uint32_t number)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    memset(rte_pktmbuf_append(m, 60), 0, 60);
    memcpy(rte_pktmbuf_mtod_offset(m, void *, 56), &number, sizeof number);
    return m;
}

/* Bursts of 50, which divide no ring, until there is no room; the number sent. */
static uint32_t fill(uint32_t from, uint32_t worker)
{
    uint32_t at = from;

    while (sl_ports_tx_room(ports, worker, 0)) {
        struct rte_mbuf *burst[50];

        for (uint32_t i = 0; i < SL_ARRAY_LEN(burst); i++)
            burst[i] = frame(at++);
        sl_ports_tx(ports, worker, 0, burst, SL_ARRAY_LEN(burst));
        assert_true(at < FRAMES_MAX - 64);
    }
    return at - from;
}

static uint32_t drain(uint32_t from)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t at = from, n, number;

    while ((n = sl_ports_rx(ports, 0, 0, frames, SL_NET_BURST)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            memcpy(&number, rte_pktmbuf_mtod_offset(frames[i], void *, 56), sizeof number);
            assert_int_equal(number, at++);
            rte_pktmbuf_free(frames[i]);
        }
    return at - from;
}

static void what_has_no_room_waits_and_goes_first(void **state)
{
    uint32_t sent, taken;

    open_ports("net_ring_room0", 1);
    sent = fill(0, 0);
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_TX_WAITS], 1);
    taken = drain(0);
    assert_true(taken < sent); /* the last burst was more than the ring had room for */
    sent += fill(sent, 0);
    for (uint32_t n; (n = drain(taken)) > 0; taken += n)
        (void)sl_ports_tx_room(ports, 0, 0);
    assert_int_equal(taken, sent);
    assert_int_equal(stats[0].drop[SL_DROP_PORT_TX_FULL], 0);
    close_ports(state);
}

static void who_does_not_ask_loses_and_it_is_counted(void **state)
{
    uint32_t sent;

    open_ports("net_ring_room1", 1);
    sent = fill(0, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct rte_mbuf *m = frame(0);

        sl_ports_tx(ports, 0, 0, &m, 1);
    }
    assert_int_equal(stats[0].drop[SL_DROP_PORT_TX_FULL], 3);
    assert_true(drain(0) < sent);
    close_ports(state); /* and what still waits is freed */
}

/* Worker 1 has no queue: its frames go by a ring to worker 0, which stops taking them while the device is full. */
static void others_wait_for_the_owner(void **state)
{
    uint32_t own, others, turns = 0;

    open_ports("net_ring_room2", 2);
    own = fill(0, 0);
    others = fill(own, 1);
    assert_in_range(others, PORT_RING - 2 * PORT_BURST, PORT_RING);
    sl_ports_flush(ports, 0);
    assert_false(sl_ports_tx_room(ports, 1, 0));
    for (uint32_t at = 0, n; at < own + others; at += n) {
        struct rte_mbuf *frames[SL_NET_BURST];

        n = 0;
        for (uint32_t w = 0; w < 2; w++) {
            uint32_t got = sl_ports_rx(ports, w, 0, frames, SL_NET_BURST);

            rte_pktmbuf_free_bulk(frames, got);
            n += got;
        }
        sl_ports_flush(ports, 0);
        assert_true(++turns < FRAMES_MAX);
    }
    assert_int_equal(stats[0].drop[SL_DROP_PORT_TX_FULL] + stats[1].drop[SL_DROP_PORT_RING_FULL], 0);
    assert_true(sl_ports_tx_room(ports, 1, 0));
    close_ports(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_room_waits_and_goes_first),
        cmocka_unit_test(who_does_not_ask_loses_and_it_is_counted),
        cmocka_unit_test(others_wait_for_the_owner),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
