/* What TCP sends gets its IP and Ethernet headers. */
#include <errno.h>

#include "net/internal.h"

static int refuse(struct sl_net *net, struct rte_mbuf *m, enum sl_drop why, int code)
{
    rte_pktmbuf_free(m);
    sl_stat_drop(net->stats, why);
    return code;
}

int sl_net_emit(struct sl_net *net, struct sl_net_path *path, const struct sl_ip *local, const struct sl_ip *remote,
                struct rte_mbuf *m, uint8_t ecn, uint64_t now)
{
    struct net_iface *i = &net->ifaces[path->iface];
    bool is4 = sl_ip_is4(local);
    uint32_t l2 = net_eth_bytes(i), l3 = is4 ? NET_IP4_BYTES : NET_IP6_BYTES, len = m->pkt_len;
    uint64_t pseudo = net_pseudo_sum(local, remote, NET_PROTO_TCP, m->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? 0 : len);
    uint16_t partial = (uint16_t)~sl_cksum_fold(pseudo);
    uint8_t *p;

    assert(m->data_len >= NET_TCP_BYTES);
    if (!sl_net_tx_room(net, path->iface))
        return refuse(net, m, SL_DROP_TX_FULL, -ENOBUFS);
    memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 16), &partial, 2);
    p = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(l2 + l3));
    if (!p)
        return refuse(net, m, SL_DROP_NO_HEADROOM, -EINVAL);
    net_put_eth(p, i, NULL, is4 ? NET_TYPE_IP4 : NET_TYPE_IP6);
    net_put_ip(net, p + l2, local, remote, NET_PROTO_TCP, NET_HOPS, ecn & 3, len);
    m->l2_len = l2 & 0x7f;
    m->l3_len = l3 & 0x1ff;
    m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | (is4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
    return net_neighbour_send(net, path, remote, m, now);
}
