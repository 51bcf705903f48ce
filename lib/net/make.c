/* Headers of frames that we send, and the queue in which they wait for the port. */
#include <errno.h>

#include "net/internal.h"

struct rte_mbuf *net_new(struct sl_net *net, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(net->pool);

    if (m && len <= rte_pktmbuf_tailroom(m)) {
        m->data_len = (uint16_t)len;
        m->pkt_len = len;
        return m;
    }
    rte_pktmbuf_free(m);
    sl_stat_drop(net->stats, SL_DROP_NO_MBUF);
    return NULL;
}

uint32_t net_put_eth(uint8_t *p, const struct net_iface *i, const struct rte_ether_addr *dst, uint16_t type)
{
    uint8_t *at = p + 2 * RTE_ETHER_ADDR_LEN;

    memset(p, 0, RTE_ETHER_ADDR_LEN);
    if (dst)
        memcpy(p, dst->addr_bytes, RTE_ETHER_ADDR_LEN);
    memcpy(p + RTE_ETHER_ADDR_LEN, i->conf.mac.addr_bytes, RTE_ETHER_ADDR_LEN);
    if (i->conf.vlan) {
        sl_put_u16(at, NET_TYPE_VLAN);
        sl_put_u16(at + 2, i->conf.vlan);
        at += NET_VLAN_BYTES;
    }
    sl_put_u16(at, type);
    return net_eth_bytes(i);
}

static uint32_t put_ip4(struct sl_net *net, uint8_t *p, const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto,
                        uint8_t hops, uint8_t ecn, uint32_t len)
{
    p[0] = 0x45;
    p[1] = ecn;
    sl_put_u16(p + 2, (uint16_t)(NET_IP4_BYTES + len));
    /* DF is set, so the identification means nothing (RFC 6864); random, so that nobody counts our packets by it. */
    sl_put_u16(p + 4, (uint16_t)sl_rng_next(&net->rng));
    sl_put_u16(p + 6, 0x4000);
    p[8] = hops;
    p[9] = proto;
    sl_put_u16(p + 10, 0);
    memcpy(p + 12, src->b + 12, 4);
    memcpy(p + 16, dst->b + 12, 4);
    return NET_IP4_BYTES;
}

uint32_t net_put_ip(struct sl_net *net, uint8_t *p, const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto,
                    uint8_t hops, uint8_t ecn, uint32_t len)
{
    if (sl_ip_is4(src))
        return put_ip4(net, p, src, dst, proto, hops, ecn, len);
    sl_put_u32(p, 0x60000000u | (uint32_t)ecn << 20);
    sl_put_u16(p + 4, (uint16_t)len);
    p[6] = proto;
    p[7] = hops;
    memcpy(p + 8, src->b, 16);
    memcpy(p + 24, dst->b, 16);
    return NET_IP6_BYTES;
}

void net_ip4_seal(uint8_t *p)
{
    uint16_t ck = sl_cksum_fold(sl_cksum_add(0, p, NET_IP4_BYTES));

    memcpy(p + 10, &ck, 2);
}

int net_enqueue(struct sl_net *net, struct net_iface *i, struct rte_mbuf *m)
{
    if (i->tx_head - i->tx_tail == SL_NET_TX_QUEUE) {
        rte_pktmbuf_free(m);
        sl_stat_drop(net->stats, SL_DROP_TX_FULL);
        return -ENOBUFS;
    }
    i->tx[i->tx_head++ % SL_NET_TX_QUEUE] = m;
    return 0;
}

uint32_t sl_net_tx_room(const struct sl_net *net, uint8_t iface)
{
    return SL_NET_TX_QUEUE - (net->ifaces[iface].tx_head - net->ifaces[iface].tx_tail);
}

uint32_t sl_net_tx(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    struct net_iface *i = &net->ifaces[iface];
    uint32_t n = SL_MIN(max, i->tx_head - i->tx_tail);
    uint64_t bytes = 0;

    for (uint32_t k = 0; k < n; k++) {
        frames[k] = i->tx[i->tx_tail++ % SL_NET_TX_QUEUE];
        bytes += frames[k]->pkt_len;
    }
    sl_stat_add(net->stats, SL_CTR_NET_TX_PACKETS, n);
    sl_stat_add(net->stats, SL_CTR_NET_TX_BYTES, bytes);
    return n;
}
