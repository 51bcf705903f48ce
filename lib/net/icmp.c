/* ICMP (RFC 792) and ICMPv6 (RFC 4443): pings, errors about our segments, and errors that we send. */
#include "net/internal.h"

#define ECHO_PRICE_NS (SL_NS_PER_S / 1000)
#define ECHO_BURST 200
#define ERROR_PRICE_NS (SL_NS_PER_S / 100)
#define ERROR_BURST 20
#define QUOTE4_BYTES (576 - NET_IP4_BYTES - NET_ICMP_BYTES)  /* RFC 1812 4.3.2.3 */
#define QUOTE6_BYTES (1280 - NET_IP6_BYTES - NET_ICMP_BYTES) /* RFC 4443 2.4 (c) */

enum { ECHO_REPLY4 = 0, ECHO4 = 8, UNREACHABLE4 = 3, TIME_EXCEEDED4 = 11, PROBLEM4 = 12 };
enum {
    UNREACHABLE6 = 1,
    TOO_BIG6 = 2,
    TIME_EXCEEDED6 = 3,
    PROBLEM6 = 4,
    ECHO6 = 128,
    ECHO_REPLY6 = 129,
    MLD_FIRST = 130,
    MLD_LAST = 132,
    MLD2_REPORT = 143
};
enum { ROUTER_SOLICIT = 133, ROUTER_ADVERT = 134, ND_SOLICIT = 135, ND_ADVERT = 136, REDIRECT = 137 };

/* Codes of destination unreachable that are hard (RFC 1122 4.2.3.9, RFC 1812 5.2.7.1: 9, 10 and 13 are prohibitions); all others may pass. */
static const bool hard4[] = {[2] = true, [3] = true, [9] = true, [10] = true, [13] = true};
/* RFC 4443 3.1: prohibited, port unreachable, policy, reject route. */
static const bool hard6[] = {[1] = true, [4] = true, [5] = true, [6] = true};

static bool sum_is_good(const struct net_frame *f)
{
    uint32_t len = f->end - f->l4_off;
    uint64_t sum[2] = {sl_ip_is4(&f->src) ? 0 : net_pseudo_sum(&f->src, &f->dst, NET_PROTO_ICMP6, len),
                       net_sum(f->m, f->l4_off, len)};

    return sl_cksum_fold(sl_cksum_add(0, sum, sizeof sum)) == 0;
}

/* An ICMP error about a TCP segment of ours goes to TCP, which knows the connection (RFC 5927). `c` stands at the quoted packet. */
static int take_error(struct net_frame *f, struct sl_cursor c, enum sl_net_icmp_kind kind, uint32_t mtu)
{
    bool is4 = sl_ip_is4(&f->src), whole = true;
    struct sl_net_icmp e = {.mtu = (uint16_t)SL_MIN(mtu, (uint32_t)UINT16_MAX), .kind = (uint8_t)kind};
    uint8_t version = sl_cursor_u8(&c), proto;

    if (is4) {
        const uint8_t *src, *dst;

        sl_cursor_skip(&c, 5);
        whole = (sl_cursor_u16(&c) & 0x1fff) == 0; /* a later fragment has no ports in it */
        sl_cursor_skip(&c, 1);
        proto = sl_cursor_u8(&c);
        sl_cursor_skip(&c, 2);
        src = sl_cursor_take(&c, 4);
        dst = sl_cursor_take(&c, 4);
        if (c.bad || (version & 15) < 5)
            return SL_DROP_ICMP_QUOTE;
        sl_cursor_skip(&c, ((version & 15u) - 5) * 4);
        e.local = sl_ip_from4(src);
        e.remote = sl_ip_from4(dst);
    } else {
        const uint8_t *src, *dst;

        sl_cursor_skip(&c, 5);
        proto = sl_cursor_u8(&c);
        sl_cursor_skip(&c, 1);
        src = sl_cursor_take(&c, 16);
        dst = sl_cursor_take(&c, 16);
        if (c.bad)
            return SL_DROP_ICMP_QUOTE;
        e.local = sl_ip_from6(src);
        e.remote = sl_ip_from6(dst);
    }
    e.lport = sl_cursor_u16(&c);
    e.rport = sl_cursor_u16(&c);
    e.seq = sl_cursor_u32(&c);
    /* We send from the address that the error came to, and neither fragments nor extension headers. */
    if (c.bad || version >> 4 != (is4 ? 4 : 6) || proto != NET_PROTO_TCP || !whole || !sl_ip_equal(&e.local, &f->dst))
        return SL_DROP_ICMP_QUOTE;
    if (f->batch->n_errs == SL_NET_BURST)
        return SL_DROP_BATCH_FULL;
    f->batch->errs[f->batch->n_errs++] = e;
    sl_stat_inc(f->net->stats, SL_CTR_NET_ICMP_ERRORS_TAKEN);
    return NET_DONE;
}

/* The reply is a new segment of headers before what the request carried. Only type and code change, and the two addresses change places: the checksum follows by
 * RFC 1624 equation 3. */
static int echo(struct net_frame *f, uint8_t code, uint8_t reply_type)
{
    struct sl_net *net = f->net;
    bool is4 = sl_ip_is4(&f->src);
    uint32_t len = f->end - f->l4_off, l3 = is4 ? NET_IP4_BYTES : NET_IP6_BYTES, l2 = net_eth_bytes(f->iface);
    struct rte_mbuf *m;
    uint8_t *p, message[NET_ICMP_BYTES];
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint16_t was, is, ck;

    if (code != 0 || len < NET_ICMP_BYTES)
        return SL_DROP_ICMP_SHORT;
    if (f->eth_group || f->dst_group || f->src_none || f->src_ours)
        return SL_DROP_ICMP_KIND;
    if (!net->answers)
        return SL_DROP_ICMP_NOT_MINE;
    if (l3 + len > f->iface->conf.mtu)
        return SL_DROP_ICMP_TOO_LONG; /* came in fragments, and we send none */
    if (!net_limit_pass(&net->echo_limit, f->now, ECHO_PRICE_NS, ECHO_BURST))
        return SL_DROP_ICMP_LIMIT;
    m = net_new(net, l2 + l3 + NET_ICMP_BYTES);
    if (!m)
        return NET_DONE;
    memcpy(message, sl_cursor_take(&c, sizeof message), sizeof message);
    memcpy(&was, message, 2);
    message[0] = reply_type;
    memcpy(&is, message, 2);
    memcpy(&ck, message + 2, 2);
    ck = sl_cksum_fold((uint64_t)(uint16_t)~ck + (uint16_t)~was + is);
    memcpy(message + 2, &ck, 2);
    p = rte_pktmbuf_mtod(m, uint8_t *);
    net_put_eth(p, f->iface, &f->eth_src, is4 ? NET_TYPE_IP4 : NET_TYPE_IP6);
    net_put_ip(net, p + l2, &f->dst, &f->src, is4 ? NET_PROTO_ICMP : NET_PROTO_ICMP6, NET_HOPS, 0, len);
    if (is4)
        net_ip4_seal(p + l2);
    memcpy(p + l2 + l3, message, sizeof message);
    net_cut_back(f->m, f->end);
    f->m = net_cut_front(f->m, f->l4_off + NET_ICMP_BYTES);
    sl_stat_inc(net->stats, SL_CTR_NET_ECHO_REPLIES);
    if (f->m->pkt_len == 0) {
        net_enqueue(net, f->iface, m);
        return NET_DONE;
    }
    m->next = f->m;
    m->nb_segs = (uint16_t)(f->m->nb_segs + 1);
    m->pkt_len += f->m->pkt_len;
    net_enqueue(net, f->iface, m);
    return NET_TAKEN;
}

int net_icmp4_input(struct net_frame *f)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint8_t type = sl_cursor_u8(&c), code = sl_cursor_u8(&c);
    uint16_t mtu;

    sl_cursor_skip(&c, 4);
    mtu = sl_cursor_u16(&c);
    if (c.bad)
        return SL_DROP_ICMP_SHORT;
    if (!sum_is_good(f))
        return SL_DROP_ICMP_CKSUM;
    switch (type) {
    case ECHO4:
        return echo(f, code, ECHO_REPLY4);
    case UNREACHABLE4:
        if (code == 4)
            return take_error(f, c, SL_ICMP_TOO_BIG, mtu);
        return take_error(f, c, code < SL_ARRAY_LEN(hard4) && hard4[code] ? SL_ICMP_HARD : SL_ICMP_SOFT, 0);
    case TIME_EXCEEDED4:
    case PROBLEM4:
        return take_error(f, c, SL_ICMP_SOFT, 0);
    default: /* source quench is dead (RFC 6633), redirects are not followed, replies were not asked for */
        return SL_DROP_ICMP_KIND;
    }
}

int net_icmp6_input(struct net_frame *f)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint8_t type = sl_cursor_u8(&c), code = sl_cursor_u8(&c);
    uint32_t rest;

    sl_cursor_skip(&c, 2);
    rest = sl_cursor_u32(&c);
    if (c.bad)
        return SL_DROP_ICMP_SHORT;
    if (!sum_is_good(f))
        return SL_DROP_ICMP_CKSUM;
    if (type >= ROUTER_SOLICIT && type <= REDIRECT && f->fragment.is)
        return SL_DROP_ND_FRAGMENT; /* RFC 6980 */
    if (type == ND_SOLICIT || type == ND_ADVERT)
        return net_nd_input(f, type);
    if (type >= ROUTER_SOLICIT && type <= REDIRECT)
        return SL_DROP_ND_ROUTER;
    if ((type >= MLD_FIRST && type <= MLD_LAST) || type == MLD2_REPORT)
        return SL_DROP_MLD;
    if (f->src_none || f->src_ours)
        return SL_DROP_IP6_SOURCE;
    if (f->dst_group)
        return SL_DROP_IP6_GROUP;
    switch (type) {
    case ECHO6:
        return echo(f, code, ECHO_REPLY6);
    case TOO_BIG6:
        return take_error(f, c, SL_ICMP_TOO_BIG, rest);
    case UNREACHABLE6:
        return take_error(f, c, code < SL_ARRAY_LEN(hard6) && hard6[code] ? SL_ICMP_HARD : SL_ICMP_SOFT, 0);
    case PROBLEM6: /* code 1: the next header (TCP) is not known there, which is protocol unreachable by another name */
        return take_error(f, c, code == 1 ? SL_ICMP_HARD : SL_ICMP_SOFT, 0);
    case TIME_EXCEEDED6:
        return take_error(f, c, SL_ICMP_SOFT, 0);
    default:
        return SL_DROP_ICMP_KIND;
    }
}

/* Never about a broadcast, a multicast, a fragment or an ICMP message, and never to somebody who is nobody (RFC 1122 3.2.2, RFC 4443 2.4 (e)). Callers come here
 * only with packets whose source passed as a host's. */
void net_icmp_error(struct net_frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
    struct sl_net *net = f->net;
    bool is4 = sl_ip_is4(&f->src);
    uint32_t l2 = net_eth_bytes(f->iface), l3 = is4 ? NET_IP4_BYTES : NET_IP6_BYTES;
    uint32_t quote = SL_MIN(f->end - f->l3_off, (uint32_t)(is4 ? QUOTE4_BYTES : QUOTE6_BYTES)),
             len = NET_ICMP_BYTES + quote;
    uint64_t sum[2];
    struct rte_mbuf *m;
    uint8_t *p, *message;
    const void *from;
    uint16_t ck;

    if ((!net->answers && !f->alone) || f->eth_group || f->dst_group || f->src_none || f->src_ours ||
        !net_limit_pass(&net->error_limit, f->now, ERROR_PRICE_NS, ERROR_BURST))
        return;
    m = net_new(net, l2 + l3 + len);
    if (!m)
        return;
    p = rte_pktmbuf_mtod(m, uint8_t *);
    message = p + l2 + l3;
    net_put_eth(p, f->iface, &f->eth_src, is4 ? NET_TYPE_IP4 : NET_TYPE_IP6);
    net_put_ip(net, p + l2, &f->dst, &f->src, is4 ? NET_PROTO_ICMP : NET_PROTO_ICMP6, NET_HOPS, 0, len);
    if (is4)
        net_ip4_seal(p + l2);
    message[0] = type;
    message[1] = code;
    memset(message + 2, 0, 2);
    sl_put_u32(message + 4, rest);
    from = rte_pktmbuf_read(f->m, f->l3_off, quote, message + NET_ICMP_BYTES);
    if (from != message + NET_ICMP_BYTES)
        memcpy(message + NET_ICMP_BYTES, from, quote);
    sum[0] = is4 ? 0 : net_pseudo_sum(&f->dst, &f->src, NET_PROTO_ICMP6, len);
    sum[1] = sl_cksum_add(0, message, len);
    ck = sl_cksum_fold(sl_cksum_add(0, sum, sizeof sum));
    memcpy(message + 2, &ck, 2);
    sl_stat_inc(net->stats, SL_CTR_NET_ICMP_ERRORS_SENT);
    net_enqueue(net, f->iface, m);
}

void net_icmp6_send(struct sl_net *net, struct net_iface *i, const struct rte_ether_addr *to, const struct sl_ip *src,
                    const struct sl_ip *dst, uint8_t type, uint32_t rest, const uint8_t *body, uint32_t body_len,
                    uint8_t hops)
{
    uint32_t l2 = net_eth_bytes(i), len = NET_ICMP_BYTES + body_len;
    struct rte_mbuf *m = net_new(net, l2 + NET_IP6_BYTES + len);
    uint64_t sum[2];
    uint8_t *p, *message;
    uint16_t ck;

    if (!m)
        return;
    p = rte_pktmbuf_mtod(m, uint8_t *);
    message = p + l2 + NET_IP6_BYTES;
    net_put_eth(p, i, to, NET_TYPE_IP6);
    net_put_ip(net, p + l2, src, dst, NET_PROTO_ICMP6, hops, 0, len);
    message[0] = type;
    memset(message + 1, 0, 3);
    sl_put_u32(message + 4, rest);
    memcpy(message + NET_ICMP_BYTES, body, body_len);
    sum[0] = net_pseudo_sum(src, dst, NET_PROTO_ICMP6, len);
    sum[1] = sl_cksum_add(0, message, len);
    ck = sl_cksum_fold(sl_cksum_add(0, sum, sizeof sum));
    memcpy(message + 2, &ck, 2);
    net_enqueue(net, i, m);
}
