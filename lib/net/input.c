/* The way in: a frame's Ethernet header, and what IPv4 and IPv6 have in common. */
#include "net/internal.h"

static bool station_is_ours(struct net_frame *f, const uint8_t *dst)
{
    f->eth_group = dst[0] & 1;
    return f->eth_group || memcmp(dst, f->iface->conf.mac.addr_bytes, RTE_ETHER_ADDR_LEN) == 0;
}

static int eth_input(struct net_frame *f)
{
    struct sl_cursor c = sl_cursor_of(f->head, f->head_len);
    const uint8_t *dst = sl_cursor_take(&c, RTE_ETHER_ADDR_LEN), *src = sl_cursor_take(&c, RTE_ETHER_ADDR_LEN);
    uint16_t type = sl_cursor_u16(&c), vlan = 0;

    if (type == NET_TYPE_VLAN) {
        vlan = sl_cursor_u16(&c) & 0xfff;
        type = sl_cursor_u16(&c);
    } else if (f->m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
        vlan = f->m->vlan_tci & 0xfff;
    }
    if (c.bad)
        return SL_DROP_ETH_SHORT;
    if (!station_is_ours(f, dst))
        return SL_DROP_ETH_NOT_OURS;
    memcpy(f->eth_src.addr_bytes, src, RTE_ETHER_ADDR_LEN);
    if (!rte_is_valid_assigned_ether_addr(&f->eth_src) || rte_is_same_ether_addr(&f->eth_src, &f->iface->conf.mac))
        return SL_DROP_ETH_SOURCE;
    if (vlan != f->iface->conf.vlan)
        return SL_DROP_ETH_VLAN;
    f->l3_off = f->head_len - (uint32_t)sl_cursor_left(&c);
    f->end = f->m->pkt_len;
    if (type == NET_TYPE_IP4)
        return net_ip4_input(f);
    if (type == NET_TYPE_IP6)
        return net_ip6_input(f);
    return type == NET_TYPE_ARP ? net_arp_input(f) : SL_DROP_ETH_TYPE;
}

/* Takes a frame; the datagram that it made whole, as a frame, or NULL. */
static struct rte_mbuf *frame_input(struct sl_net *net, struct net_iface *iface, struct rte_mbuf *m, bool whole,
                                    uint64_t now, struct sl_net_batch *batch)
{
    uint32_t want = SL_MIN(m->pkt_len, (uint32_t)NET_HEAD_BYTES);
    struct net_frame f;
    int why;

    memset(&f, 0, offsetof(struct net_frame, store));
    f.net = net;
    f.iface = iface;
    f.batch = batch;
    f.m = m;
    f.now = now;
    f.whole = whole;
    f.head = rte_pktmbuf_read(m, 0, want, f.store);
    f.head_len = SL_MAX(want, (uint32_t)m->data_len); /* the first segment may be empty */
    why = f.head ? eth_input(&f) : SL_DROP_ETH_SHORT;
    if (why == NET_WHOLE)
        return f.m;
    if (why == NET_TAKEN)
        return NULL;
    if (why >= 0)
        sl_stat_drop(net->stats, (enum sl_drop)why);
    rte_pktmbuf_free(f.m);
    return NULL;
}

static bool is_stray(const struct sl_net *net, const struct rte_mbuf *m)
{
    int owner = net->steer ? sl_steer_frame(net->steer, m) : SL_STEER_ALL;

    return owner != SL_STEER_ALL && owner != (int)net->worker;
}

/* Fragments meet where their addresses and identification lead; the whole has ports, and may belong to another worker. */
static void whole_input(struct sl_net *net, struct net_iface *i, struct rte_mbuf *m, uint64_t now,
                        struct sl_net_batch *batch)
{
    if (!is_stray(net, m)) {
        frame_input(net, i, m, true, now, batch);
    } else if (i->n_strays < SL_NET_STRAYS) {
        i->strays[i->n_strays++] = m;
        sl_stat_inc(net->stats, SL_CTR_NET_STRAYS);
    } else {
        sl_stat_drop(net->stats, SL_DROP_STRAYS_FULL);
        rte_pktmbuf_free(m);
    }
}

uint32_t sl_net_strays(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    struct net_iface *i = &net->ifaces[iface];
    uint32_t n = SL_MIN(max, i->n_strays);

    memcpy(frames, i->strays, n * sizeof *frames);
    i->n_strays -= n;
    memmove(i->strays, i->strays + n, i->n_strays * sizeof *frames);
    return n;
}

void sl_net_input(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t n, uint64_t now,
                  struct sl_net_batch *batch)
{
    struct net_iface *i = &net->ifaces[iface];
    uint64_t bytes = 0;

    for (uint32_t k = 0; k < n; k++) {
        struct rte_mbuf *whole;

        bytes += frames[k]->pkt_len;
        whole = frame_input(net, i, frames[k], false, now, batch);
        if (whole)
            whole_input(net, i, whole, now, batch);
    }
    sl_stat_add(net->stats, SL_CTR_NET_RX_PACKETS, n);
    sl_stat_add(net->stats, SL_CTR_NET_RX_BYTES, bytes);
}

/* A new first segment that holds the first n bytes of m in one piece; m as it was when there is no mbuf. */
static struct rte_mbuf *pull_up(struct sl_net *net, struct rte_mbuf *m, uint32_t n)
{
    struct rte_mbuf *first = net_new(net, n);
    uint8_t *to;

    if (!first)
        return NULL;
    to = rte_pktmbuf_mtod(first, uint8_t *);
    for (const struct rte_mbuf *s = m; n > 0; s = s->next) {
        uint32_t part = SL_MIN(n, (uint32_t)s->data_len);

        memcpy(to, rte_pktmbuf_mtod(s, const uint8_t *), part);
        to += part;
        n -= part;
    }
    m = net_cut_front(m, first->data_len);
    if (m->pkt_len == 0) {
        rte_pktmbuf_free(m);
        return first;
    }
    first->next = m;
    first->nb_segs = (uint16_t)(m->nb_segs + 1);
    first->pkt_len += m->pkt_len;
    return first;
}

static bool tcp_sum_is_good(const struct net_frame *f, uint32_t len)
{
    uint64_t sum[2];

    switch (f->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
    case RTE_MBUF_F_RX_L4_CKSUM_NONE: /* not in the packet, but the data has been verified */
        return true;
    case RTE_MBUF_F_RX_L4_CKSUM_BAD:
        return false;
    default:
        sum[0] = net_pseudo_sum(&f->src, &f->dst, NET_PROTO_TCP, len);
        sum[1] = net_sum(f->m, f->l4_off, len);
        return sl_cksum_fold(sl_cksum_add(0, sum, sizeof sum)) == 0;
    }
}

static int tcp_input(struct net_frame *f)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint32_t len = f->end - f->l4_off, header;
    struct rte_mbuf *m = f->m;

    sl_cursor_skip(&c, 12);
    header = (sl_cursor_u8(&c) >> 4) * 4u;
    if (c.bad || len < NET_TCP_BYTES)
        return SL_DROP_TCP_SHORT;
    if (!tcp_sum_is_good(f, len))
        return SL_DROP_TCP_CKSUM;
    if (f->batch->n_segs == SL_NET_BURST)
        return SL_DROP_BATCH_FULL;
    net_cut_back(m, f->end);
    m = f->m = net_cut_front(m, f->l4_off);
    header = SL_MIN(SL_MAX(header, (uint32_t)NET_TCP_BYTES), len);
    if (m->data_len < header) {
        m = pull_up(f->net, m, header);
        if (!m)
            return NET_DONE; /* net_new has counted it */
    }
    f->batch->segs[f->batch->n_segs++] =
        (struct sl_net_seg){.mbuf = m, .local = f->dst, .remote = f->src, .iface = f->iface->index, .ecn = f->ecn};
    sl_stat_inc(f->net->stats, SL_CTR_NET_SEGMENTS);
    return NET_TAKEN;
}

int net_upper_input(struct net_frame *f, uint8_t proto)
{
    bool is4 = sl_ip_is4(&f->src);

    if (proto == (is4 ? NET_PROTO_ICMP : NET_PROTO_ICMP6))
        return is4 ? net_icmp4_input(f) : net_icmp6_input(f);
    if (f->dst_group)
        return SL_DROP_IP6_GROUP;
    if (f->eth_group)
        return SL_DROP_ETH_GROUP;
    if (proto == NET_PROTO_TCP)
        return tcp_input(f);
    if (proto == NET_PROTO_UDP) {
        net_icmp_error(f, is4 ? 3 : 1, is4 ? 3 : 4, 0); /* port unreachable */
        return SL_DROP_UDP;
    }
    if (is4)
        net_icmp_error(f, 3, 2, 0); /* protocol unreachable */
    else
        net_icmp_error(f, 4, 1, f->next_off - f->l3_off); /* unrecognized next header, and where it stands */
    return SL_DROP_IP_PROTO;
}
