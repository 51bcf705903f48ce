/* What tests of many connections share: one endpoint, and segments of as many peers as wanted, put together by hand. Time is
 * virtual. */
#ifndef SL_TCP_CROWD_RIG_H
#define SL_TCP_CROWD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/tcp_internal.h"

#define START_NS (1000 * COOKIE_PERIOD_NS)

static inline struct tuple tuple_of(uint32_t i, bool ip6)
{
    struct tuple tuple = {.local = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10"), .lport = 443};

    tuple.remote = th_ip(ip6 ? "2001:db8:2::" : "198.19.0.0");
    tuple.remote.b[14] = (uint8_t)(i >> 18);
    tuple.remote.b[15] = (uint8_t)(i >> 10);
    tuple.rport = (uint16_t)(1024 + (i & 1023));
    return tuple;
}

#define BACKLOG 16u
#define BURST 32u

static struct {
    struct rte_mempool *frames, *hdr, *ref;
    struct sl_stats stats;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_tcp_listener *listener;
    struct sl_ready ready;
    struct sl_net_batch batch;
    struct sl_ip gateway;
    uint64_t now;
    struct th_pkt last; /* sent TCP */
    uint8_t last_bytes[TH_FRAME_MAX];
} w;

static inline uint64_t counter(enum sl_ctr c) { return sl_stat_read(&w.stats.ctr[c]); }
static inline uint64_t dropped(enum sl_drop d) { return sl_stat_read(&w.stats.drop[d]); }

static inline void make_world(bool ip6, uint32_t conns_max, uint64_t held_max_bytes)
{
    struct sl_net_iface_conf iface = {.name = "test", .mac = th_mac(1), .mtu = 1500, .n_addrs = 2};
    struct sl_net_params np = {.ifaces = &iface, .n_ifaces = 1, .answers = true, .pool = w.frames, .stats = &w.stats};
    struct sl_tcp_params tp = {.stats = &w.stats,
                               .hdr_pool = w.hdr,
                               .ref_pool = w.ref,
                               .conns_max = conns_max,
                               .time_wait_max = 16,
                               .held_max_bytes = held_max_bytes,
                               .secret = {1, 2, 3}};
    struct tuple at = tuple_of(0, ip6);
    struct sl_err err;

    memset(&w.stats, 0, sizeof w.stats);
    w.now = START_NS;
    w.gateway = th_ip(ip6 ? "2001:db8:1::1" : "198.18.0.1");
    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    iface.addrs[1] = (struct sl_net_addr){th_ip("2001:db8:1::10"), 64};
    iface.gateway4 = th_ip("198.18.0.1");
    iface.gateway6 = th_ip("2001:db8:1::1");
    assert_int_equal(sl_net_create(&np, &w.net, &err), 0);
    tp.net = w.net;
    assert_int_equal(sl_tcp_create(&tp, w.now, &w.tcp, &err), 0);
    sl_ready_init(&w.ready);
    assert_int_equal(sl_tcp_listen(w.tcp, &(struct sl_endpoint){at.local, at.lport}, &(struct sl_tcp_opts){0}, BACKLOG,
                                   &w.ready, NULL, &w.listener),
                     0);
}

static inline void unmake_world(void)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&w.ready, &events)))
        s->ops->release(s);
    sl_tcp_destroy(w.tcp);
    sl_net_destroy(w.net);
    assert_true(th_pools_full());
}

static inline void drain(void)
{
    static uint8_t bytes[TH_FRAME_MAX];
    struct rte_mbuf *m;

    while (sl_net_tx(w.net, 0, &m, 1)) {
        struct sl_net_batch none = {0};
        struct th_store store;
        struct th_pkt answer;
        size_t len;

        sl_net_finish(m);
        len = th_mbuf_bytes(m, bytes, sizeof bytes);
        rte_pktmbuf_free(m);
        if (th_answer_neighbour(bytes, len, &w.gateway, th_mac(2), &answer, &store)) {
            m = th_frame(w.frames, &answer);
            sl_net_input(w.net, 0, &m, 1, w.now, &none);
        } else {
            memcpy(w.last_bytes, bytes, len);
            assert_null(th_decode(w.last_bytes, len, &w.last));
        }
    }
}

static inline void run(void)
{
    sl_tcp_input(w.tcp, &w.batch, w.now);
    sl_tcp_output(w.tcp, w.now);
    drain();
}

static inline void arrive(const struct tuple *tuple, const struct header *h)
{
    struct tuple back = {.lport = tuple->rport, .rport = tuple->lport};
    uint8_t bytes[WIRE_HEADER_MAX];

    sl_tcp_wire_put(bytes, &back, h);
    w.batch.segs[w.batch.n_segs++] = (struct sl_net_seg){
        .mbuf = th_mbuf_exact(w.frames, bytes, sl_tcp_wire_size(h), 0), .local = tuple->local, .remote = tuple->remote};
    if (w.batch.n_segs == BURST)
        run();
}

static inline int crowd_setup(void **state)
{
    th_eal_init();
    w.frames = th_pool("frames", 4095, 2048);
    w.hdr = th_pool("headers", 4095, SL_NET_HEADROOM + 60);
    w.ref = th_pool("references", 2047, 0);
    return 0;
}

#endif
