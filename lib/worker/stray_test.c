/* Two workers: fragments meet at one, the connection that they are of lives at the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "crypto/crypto.h"
#include "helpers/helpers.h"
#include "worker/worker.h"

#define WORKERS 2
#define DATA_BYTES 600

static const char conf_text[] =
    "workers: { cores: [0] }\n"
    "interfaces:\n"
    "  - { name: front, device: \"vdev:null\", addresses: [198.18.0.10/24] }\n"
    "upstreams:\n  - { name: app, servers: [\"198.18.0.3:8080\"] }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";

static struct rig {
    uint64_t now;
    struct sl_steer steer;
    struct sl_conf *conf;
    struct sl_worker *workers[WORKERS];
    struct rte_mempool *pool;
} rig;

static struct sl_worker_time now_is(void) { return (struct sl_worker_time){.now = rig.now, .wall_s = 1}; }

static void apply(uint32_t w)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);
    struct sl_worker_time t = now_is();

    msg->kind = SL_MSG_APPLY;
    msg->conf = rig.conf;
    msg->generation = 1;
    assert_int_equal(sl_worker_post(rig.workers[w], msg), 0);
    sl_worker_run(rig.workers[w], &t);
    assert_true(msg->done && msg->result == 0);
    free(msg);
}

static int setup(void **state)
{
    uint8_t key[40];
    struct sl_net_iface_conf iface = {.name = "front", .mac = th_mac(0x10), .mtu = 1500, .n_addrs = 1};
    struct sl_worker_params params = {.n_workers = WORKERS, .socket = SOCKET_ID_ANY, .ifaces = &iface, .n_ifaces = 1};
    struct sl_conf_errors errs;
    struct sl_err err = {""};

    (void)state;
    for (size_t k = 0; k < sizeof key; k++)
        key[k] = (uint8_t)(k * 37 + 11);
    rig.now = 1000 * SL_NS_PER_S;
    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    rig.pool = th_pool("frames", 255, 0);
    rig.conf = sl_conf_parse(conf_text, sizeof conf_text - 1, "test.yaml", NULL, NULL, &errs);
    assert_non_null(rig.conf);
    assert_int_equal(sl_crypto_thread_start(&err), 0);
    assert_int_equal(sl_steer_init(&rig.steer, key, sizeof key, NULL, 0, WORKERS), 0);
    params.steer = &rig.steer;
    params.conns_max = 64;
    params.handshakes_max = 8;
    params.mbufs = 2048;
    for (uint32_t w = 0; w < WORKERS; w++) {
        params.id = w;
        params.seed = w;
        sl_worker_thread_is(w);
        if (sl_worker_create(&params, rig.now, &rig.workers[w], &err) < 0)
            fail_msg("%s", err.text);
        apply(w);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint32_t w = 0; w < WORKERS; w++) {
        sl_worker_thread_is(w);
        sl_worker_destroy(rig.workers[w]);
    }
    sl_worker_thread_is(SL_WORKERS_MAX);
    sl_steer_free(&rig.steer);
    sl_crypto_thread_stop();
    sl_conf_free(rig.conf);
    th_pool_free(rig.pool);
    return 0;
}

/* What any driver of workers does: strays go to the worker that the hash names. */
static void give(uint32_t w, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *m = th_mbuf_exact(rig.pool, bytes, len, 0);
    struct sl_worker_time t = now_is();

    sl_worker_thread_is(w);
    sl_worker_input(rig.workers[w], 0, &m, 1, &t);
    while (sl_worker_strays(rig.workers[w], 0, &m, 1)) {
        int to = sl_steer_frame(&rig.steer, m);

        assert_in_range(to, 0, WORKERS - 1);
        assert_int_not_equal(to, w);
        sl_worker_thread_is((uint32_t)to);
        sl_worker_input(rig.workers[to], 0, &m, 1, &t);
        sl_worker_thread_is(w);
    }
}

/* Runs a worker for a while; the last TCP segment that it sent to rport. */
static bool hear(uint32_t w, uint16_t rport, struct th_pkt *last)
{
    static uint8_t bytes[2048];
    struct rte_mbuf *m;
    bool heard = false;

    sl_worker_thread_is(w);
    for (int ms = 0; ms < 300; ms++, rig.now += SL_NS_PER_MS) {
        struct sl_worker_time t = now_is();

        sl_worker_run(rig.workers[w], &t);
        while (sl_worker_output(rig.workers[w], 0, &m, 1)) {
            size_t len;
            struct th_pkt p;

            sl_net_finish(m);
            len = th_mbuf_bytes(m, bytes, sizeof bytes);
            rte_pktmbuf_free(m);
            assert_null(th_decode(bytes, len, &p));
            if (p.kind == TH_TCP && p.tcp.dport == rport) {
                *last = p;
                heard = true;
            }
        }
    }
    return heard;
}

static struct th_pkt from_client(uint16_t rport)
{
    return (struct th_pkt){.kind = TH_TCP,
                           .eth_src = th_mac(5),
                           .eth_dst = th_mac(0x10),
                           .src = th_ip("198.18.0.2"),
                           .dst = th_ip("198.18.0.10"),
                           .tcp = {.sport = rport, .dport = 80, .seq = 1000, .flags = TH_SYN, .wnd = 60000}};
}

static void give_fragments(uint32_t w, const struct th_pkt *p, uint16_t id)
{
    uint8_t whole[1024], bytes[1024];
    size_t len = th_encode(p, whole, sizeof whole), body = len - 34;

    give(w, bytes, th_fragment(whole, len, id, 304, (uint32_t)(body - 304), false, bytes, sizeof bytes));
    give(w, bytes, th_fragment(whole, len, id, 0, 304, true, bytes, sizeof bytes));
}

/* A connection at its own worker; its client's next segment. */
static struct th_pkt connected(uint16_t rport, uint32_t *home)
{
    static uint8_t data[DATA_BYTES];
    struct th_pkt p = from_client(rport), reply, arp;
    uint8_t bytes[256];

    *home = sl_steer_worker(&rig.steer, &p.dst, 80, &p.src, rport);
    th_arp_request(&arp, th_mac(5), p.src, p.dst);
    for (uint32_t w = 0; w < WORKERS; w++)
        give(w, bytes, th_encode(&arp, bytes, sizeof bytes));
    give(*home, bytes, th_encode(&p, bytes, sizeof bytes));
    assert_true(hear(*home, rport, &reply));
    assert_int_equal(reply.tcp.flags, TH_SYN | TH_ACK);
    p.tcp.flags = TH_ACK;
    p.tcp.seq = 1001;
    p.tcp.ack = reply.tcp.seq + 1;
    p.tcp.data = data;
    p.tcp.len = sizeof data;
    return p;
}

static void test_segment_in_fragments_reaches_the_worker_of_its_connection(void **state)
{
    (void)state;
    for (uint32_t meet = 0; meet < WORKERS; meet++) {
        for (uint16_t rport = 40000; rport < 40008; rport++) {
            uint32_t home;
            struct th_pkt p = connected((uint16_t)(rport + 100 * meet), &home), reply;

            give_fragments(meet, &p, rport);
            assert_true(hear(home, p.tcp.sport, &reply));
            assert_int_equal(reply.tcp.ack, 1001 + DATA_BYTES);
            assert_int_equal(sl_worker_stats(rig.workers[meet])->ctr[SL_CTR_NET_REASSEMBLED], rport - 40000 + 1);
        }
    }
    assert_true(sl_worker_stats(rig.workers[0])->ctr[SL_CTR_NET_STRAYS] > 0);
    assert_true(sl_worker_stats(rig.workers[0])->ctr[SL_CTR_NET_STRAYS] < 8);
}

/* A reset answers what no worker knows: the wrong worker must never look at it. */
static void test_nobody_resets_a_connection_because_fragments_met_elsewhere(void **state)
{
    uint32_t home;
    struct th_pkt p = connected(41000, &home), reply;

    (void)state;
    give_fragments(1 - home, &p, 1);
    assert_false(hear(1 - home, p.tcp.sport, &reply));
    assert_true(hear(home, p.tcp.sport, &reply));
    assert_false(reply.tcp.flags & TH_RST);
}

/* The hash that drivers distribute by brings both fragments to one worker, whichever that is. */
static void test_steering_lets_fragments_meet(void **state)
{
    struct th_pkt p = from_client(42000);
    uint8_t data[DATA_BYTES] = {0}, whole[1024], bytes[1024];
    uint32_t n[WORKERS] = {0};

    (void)state;
    p.tcp.data = data;
    p.tcp.len = sizeof data;
    for (uint32_t id = 0; id < 64; id++) {
        size_t len = th_encode(&p, whole, sizeof whole);
        int to[2];

        for (uint32_t k = 0; k < 2; k++) {
            size_t cut = th_fragment(whole, len, id, k * 304, 304, k == 0, bytes, sizeof bytes);
            struct rte_mbuf *m = th_mbuf_exact(rig.pool, bytes, cut, 0);

            to[k] = sl_steer_frame(&rig.steer, m);
            rte_pktmbuf_free(m);
        }
        assert_int_equal(to[0], to[1]);
        n[to[0]]++;
    }
    assert_true(n[0] > 16 && n[1] > 16);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_segment_in_fragments_reaches_the_worker_of_its_connection),
        T(test_nobody_resets_a_connection_because_fragments_met_elsewhere),
        T(test_steering_lets_fragments_meet),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
