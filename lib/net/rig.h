/* For the tests of net: one worker's net on two links, frames in and out as values, and the drop reason of each. */
#ifndef SL_NET_RIG_H
#define SL_NET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "net/net.h"

#define FRONT 0 /* 198.18.0.10/24, 2001:db8:1::10/64, gateways .1 and ::1 */
#define BACK 1  /* 198.18.1.10/24, 2001:db8:2::10/64, VLAN 7, no gateway */
#define NO_DROP (-1)

struct rig {
    struct sl_net *net;
    struct sl_stats stats;
    struct sl_net_batch batch;
    uint64_t now;
    uint8_t out[TH_FRAME_MAX]; /* bytes of the frame that rig_out gave */
};

static struct rig rig;
static struct { /* of the next rig that is opened */
    const struct sl_steer *steer;
    uint32_t worker, fragment_bytes;
} rig_wish;
static struct rte_mempool *rig_frames, *rig_pool;

static inline struct rte_ether_addr rig_mac(uint8_t iface) { return th_mac(0x10u + iface); }
static inline struct rte_ether_addr rig_peer_mac(void) { return th_mac(2); }

static inline void rig_open_as(bool answers)
{
    struct sl_net_iface_conf ifaces[2] = {
        {.name = "front",
         .mac = rig_mac(FRONT),
         .mtu = 1500,
         .n_addrs = 2,
         .gateway4 = th_ip("198.18.0.1"),
         .gateway6 = th_ip("2001:db8:1::1")},
        {.name = "back", .mac = rig_mac(BACK), .mtu = 9000, .vlan = 7, .n_addrs = 2},
    };
    struct sl_net_params params = {
        .ifaces = ifaces, .n_ifaces = 2, .answers = answers, .pool = rig_pool, .stats = &rig.stats, .seed = 1};

    params.steer = rig_wish.steer;
    params.worker = rig_wish.worker;
    params.fragment_bytes = rig_wish.fragment_bytes;
    memset(&rig_wish, 0, sizeof rig_wish);

    ifaces[FRONT].addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    ifaces[FRONT].addrs[1] = (struct sl_net_addr){th_ip("2001:db8:1::10"), 64};
    ifaces[BACK].addrs[0] = (struct sl_net_addr){th_ip("198.18.1.10"), 24};
    ifaces[BACK].addrs[1] = (struct sl_net_addr){th_ip("2001:db8:2::10"), 64};
    memset(&rig, 0, sizeof rig);
    rig.now = SL_NS_PER_S;
    assert_int_equal(sl_net_create(&params, &rig.net, NULL), 0);
}

static inline int rig_open(void **state)
{
    (void)state;
    rig_open_as(true);
    return 0;
}

static inline void rig_drop_batch(void)
{
    for (uint32_t k = 0; k < rig.batch.n_segs; k++)
        rte_pktmbuf_free(rig.batch.segs[k].mbuf);
    rig.batch.n_segs = rig.batch.n_errs = 0;
}

static inline int rig_close(void **state)
{
    (void)state;
    rig_drop_batch();
    sl_net_destroy(rig.net);
    return th_pools_full() ? 0 : -1;
}

static inline int rig_pools(void **state)
{
    (void)state;
    rig_frames = th_pool("rig_frames", 1023, 0);
    rig_pool = th_pool("rig_pool", 8191, 2048);
    return 0;
}

/* Brings one frame; the drop reason that was counted, or NO_DROP. */
static inline int rig_in_mbuf(uint8_t iface, struct rte_mbuf *m)
{
    uint64_t before[SL_DROP_COUNT];
    int why = NO_DROP;

    memcpy(before, rig.stats.drop, sizeof before);
    sl_net_input(rig.net, iface, &m, 1, rig.now, &rig.batch);
    for (int k = 0; k < SL_DROP_COUNT; k++) {
        if (rig.stats.drop[k] == before[k])
            continue;
        assert_int_equal(why, NO_DROP);
        assert_int_equal(rig.stats.drop[k], before[k] + 1);
        why = k;
    }
    return why;
}

static inline int rig_in(uint8_t iface, const struct th_pkt *p) { return rig_in_mbuf(iface, th_frame(rig_frames, p)); }

/* The next frame that net sends on iface, with checksums finished, taken apart; false when there is none. */
static inline bool rig_out(uint8_t iface, struct th_pkt *p)
{
    struct rte_mbuf *m;
    const char *why;
    size_t len;

    if (sl_net_tx(rig.net, iface, &m, 1) == 0)
        return false;
    sl_net_finish(m);
    len = th_mbuf_bytes(m, rig.out, sizeof rig.out);
    assert_true(len > 0);
    rte_pktmbuf_free(m);
    why = th_decode(rig.out, len, p);
    if (why)
        fail_msg("%s", why);
    assert_int_equal(p->vlan, iface == BACK ? 7 : 0);
    assert_memory_equal(p->eth_src.addr_bytes, rig_mac(iface).addr_bytes, 6);
    return true;
}

static inline void rig_pass(uint64_t ns)
{
    for (uint64_t end = rig.now + ns; rig.now < end;) {
        uint64_t next = sl_net_next(rig.net);

        rig.now = next > end ? end : SL_MAX(next, rig.now);
        sl_net_timers(rig.net, rig.now);
    }
}

/* A TCP segment from a client on the front link, to be changed at will. */
static inline struct th_pkt rig_segment(bool ip6)
{
    struct th_pkt p = {.kind = TH_TCP, .eth_src = rig_peer_mac(), .eth_dst = rig_mac(FRONT)};

    p.src = th_ip(ip6 ? "2001:db8:1::2" : "198.18.0.2");
    p.dst = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10");
    p.tcp = (struct th_tcp){.sport = 40000,
                            .dport = 443,
                            .seq = 1000,
                            .ack = 2000,
                            .wnd = 100,
                            .flags = TH_ACK,
                            .data = (const uint8_t *)"0123456789abcdef!",
                            .len = 17};
    p.tcp.has_ts = true;
    return p;
}

/* Whether the batch holds just the segment that p describes, header in one piece, no byte too many. */
static inline void rig_expect_segment(const struct th_pkt *p)
{
    const struct sl_net_seg *s = &rig.batch.segs[0];
    uint8_t bytes[4096], frame[4096];
    size_t len, whole = th_encode(p, frame, sizeof frame) - p->lie.pad, l4 = 20 + (p->tcp.has_ts ? 12 : 0) + p->tcp.len;

    assert_int_equal(rig.batch.n_segs, 1);
    assert_true(sl_ip_equal(&s->remote, &p->src));
    assert_true(sl_ip_equal(&s->local, &p->dst));
    rte_mbuf_sanity_check(s->mbuf, 1);
    len = th_mbuf_bytes(s->mbuf, bytes, sizeof bytes);
    assert_int_equal(len, l4);
    assert_memory_equal(bytes, frame + whole - l4, l4);
    assert_true(s->mbuf->data_len >= l4 - p->tcp.len);
}

#endif
