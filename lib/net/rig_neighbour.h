/* For the tests of the neighbour cache: both families told alike, the question that net asks, answers and requests of a peer, and what the cache holds. */
#ifndef SL_NET_RIG_NEIGHBOUR_H
#define SL_NET_RIG_NEIGHBOUR_H

#include <errno.h>
#include <stdio.h>

#include "net/rig.h"

#define S SL_NS_PER_S

struct seen {
    struct sl_ip ip;
    struct rte_ether_addr mac;
    char state[16];
    uint32_t n, incomplete;
};

static inline void look(void *ctx, const struct sl_net_neighbour_info *info)
{
    struct seen *s = ctx;

    s->n++;
    s->incomplete += strcmp(info->state, "incomplete") == 0;
    if (!sl_ip_equal(&s->ip, &info->ip))
        return;
    s->mac = info->mac;
    snprintf(s->state, sizeof s->state, "%s", info->state);
}

/* The state of an entry; "" when there is none. */
static inline struct seen entry(const char *ip)
{
    struct seen s = {.ip = th_ip(ip)};

    sl_net_each_neighbour(rig.net, look, &s);
    return s;
}

static inline void expect(const char *ip, const char *state, uint32_t mac)
{
    struct seen s = entry(ip);
    struct rte_ether_addr want = th_mac(mac);

    assert_string_equal(s.state, state);
    if (mac)
        assert_memory_equal(s.mac.addr_bytes, want.addr_bytes, 6);
}

/* Both families behave alike: every test of the cache runs for each. */
struct family {
    const char *us, *peer, *gateway, *far;
};
static const struct family families[] = {
    {"198.18.0.10", "198.18.0.77", "198.18.0.1", "198.18.9.9"},
    {"2001:db8:1::10", "2001:db8:1::77", "2001:db8:1::1", "2001:db8:9::9"},
};

static inline struct sl_net_path path_to(const struct family *f, const char *remote)
{
    struct sl_ip local = th_ip(f->us), to = th_ip(remote);
    struct sl_net_path path;

    assert_int_equal(sl_net_route(rig.net, &local, &to, &path), 0);
    return path;
}

static inline int emit(const struct family *f, struct sl_net_path *path, const char *remote, uint16_t sport)
{
    struct sl_ip local = th_ip(f->us), to = th_ip(remote);
    uint8_t header[20] = {(uint8_t)(sport >> 8), (uint8_t)sport, [12] = 0x50};
    struct rte_mbuf *m = th_mbuf_exact(rig_frames, header, sizeof header, SL_NET_HEADROOM);

    m->l4_len = 20;
    return sl_net_emit(rig.net, path, &local, &to, m, 0, rig.now);
}

/* The question that net has sent, which must be there: to everybody, or unicast to mac. */
static inline struct th_pkt asked(const struct family *f, const char *whose, uint32_t mac)
{
    struct sl_ip target = th_ip(whose), us = th_ip(f->us);
    struct rte_ether_addr to = th_mac(mac);
    struct th_pkt q;

    assert_true(rig_out(FRONT, &q));
    if (sl_ip_is4(&target)) {
        assert_int_equal(q.kind, TH_ARP);
        assert_int_equal(q.arp.op, 1);
        assert_true(sl_ip_equal(&q.arp.tpa, &target));
        assert_true(sl_ip_equal(&q.arp.spa, &us));
    } else {
        struct sl_ip group = th_solicited_node(&target);

        assert_int_equal(q.icmp.type, 135);
        assert_int_equal(q.ttl, 255);
        assert_memory_equal(q.icmp.data, target.b, 16);
        assert_true(sl_ip_equal(&q.src, &us));
        assert_true(sl_ip_equal(&q.dst, mac ? &target : &group));
    }
    if (mac)
        assert_memory_equal(q.eth_dst.addr_bytes, to.addr_bytes, 6);
    else
        assert_true(q.eth_dst.addr_bytes[0] & 1);
    return q;
}

static inline int reply(const struct family *f, const char *who, uint32_t mac)
{
    struct sl_ip ip = th_ip(who), us = th_ip(f->us);
    struct th_store store;
    struct th_pkt p;

    if (sl_ip_is4(&ip))
        th_arp_reply(&p, th_mac(mac), ip, rig_mac(FRONT), us);
    else
        th_nd_advert(&p, &store, th_mac(mac), ip, rig_mac(FRONT), us);
    return rig_in(FRONT, &p);
}

static inline int request(const struct family *f, const char *who, uint32_t mac)
{
    struct sl_ip ip = th_ip(who);
    struct th_store store;
    struct th_pkt p;

    if (sl_ip_is4(&ip))
        th_arp_request(&p, th_mac(mac), ip, th_ip(f->us));
    else
        th_nd_solicit(&p, &store, th_mac(mac), ip, th_ip(f->us));
    return rig_in(FRONT, &p);
}

static inline void quiet(void)
{
    struct th_pkt p;

    assert_false(rig_out(FRONT, &p));
}

static inline void expect_segment_to(uint32_t mac, uint16_t sport)
{
    struct rte_ether_addr to = th_mac(mac);
    struct th_pkt p;

    assert_true(rig_out(FRONT, &p));
    assert_int_equal(p.kind, TH_TCP);
    assert_int_equal(p.tcp.sport, sport);
    assert_memory_equal(p.eth_dst.addr_bytes, to.addr_bytes, 6);
}

#define EACH_FAMILY(f) for (const struct family *f = families; f < families + SL_ARRAY_LEN(families); f++)

static inline int close_and_count(void **state)
{
    assert_int_equal(rig.stats.drop[SL_DROP_NO_MBUF], 0);
    return rig_close(state);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, close_and_count)

#endif
