/* IPv4 input (RFC 791, RFC 1122 section 3.2.1). A TTL of 0 or 1 is no reason for a host to drop a packet (1122 3.2.1.7). Addresses belong to interfaces: what
 * arrives elsewhere is not ours (1122 3.3.4.2, the strong model). */
#include "net/internal.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_LSRR = 131, OPTION_SSRR = 137 };

static bool header_sum_is_good(const struct net_frame *f, const uint8_t *header, uint32_t len)
{
    switch (f->m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) {
    case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
    case RTE_MBUF_F_RX_IP_CKSUM_NONE:
        return true;
    case RTE_MBUF_F_RX_IP_CKSUM_BAD:
        return false;
    default:
        return sl_cksum_fold(sl_cksum_add(0, header, len)) == 0;
    }
}

static int check_options(struct sl_cursor o)
{
    while (sl_cursor_left(&o)) {
        uint8_t kind = sl_cursor_u8(&o), len;

        if (kind == OPTION_END)
            break;
        if (kind == OPTION_NOP)
            continue;
        len = sl_cursor_u8(&o);
        if (o.bad || len < 2)
            return SL_DROP_IP4_OPTIONS;
        if (kind == OPTION_LSRR || kind == OPTION_SSRR)
            return SL_DROP_IP4_SOURCE_ROUTE;
        sl_cursor_skip(&o, len - 2u);
    }
    return o.bad ? SL_DROP_IP4_OPTIONS : NET_DONE;
}

static bool source_is_martian(const struct net_frame *f)
{
    uint8_t first = f->src.b[12];

    return first == 0 || first == 127 || first >= 224 || net_iface_has(f->iface, &f->src) ||
           net_ip4_is_broadcast(f->iface, &f->src);
}

static int check_destination(const struct net_frame *f)
{
    if (net_iface_has(f->iface, &f->dst))
        return NET_DONE;
    if (net_ip4_is_broadcast(f->iface, &f->dst))
        return SL_DROP_IP4_BROADCAST;
    return f->dst.b[12] >> 4 == 14 ? SL_DROP_IP4_MULTICAST : SL_DROP_IP4_NOT_OURS;
}

int net_ip4_input(struct net_frame *f)
{
    struct sl_cursor c = net_frame_at(f, f->l3_off), header = c;
    uint8_t version_ihl = sl_cursor_u8(&c), tos = sl_cursor_u8(&c), ttl, proto;
    uint16_t total = sl_cursor_u16(&c), id = sl_cursor_u16(&c), fragment = sl_cursor_u16(&c);
    uint32_t ihl = (version_ihl & 15u) * 4;
    const uint8_t *src, *dst, *bytes;
    int why;

    ttl = sl_cursor_u8(&c);
    proto = sl_cursor_u8(&c);
    sl_cursor_skip(&c, 2);
    src = sl_cursor_take(&c, 4);
    dst = sl_cursor_take(&c, 4);
    if (c.bad)
        return SL_DROP_IP4_SHORT;
    if (version_ihl >> 4 != 4 || ihl < NET_IP4_BYTES)
        return SL_DROP_IP4_HEADER;
    bytes = sl_cursor_take(&header, ihl);
    if (total < ihl || total > f->end - f->l3_off || !bytes)
        return SL_DROP_IP4_LENGTH;
    if (!header_sum_is_good(f, bytes, ihl))
        return SL_DROP_IP4_CKSUM;
    f->src = sl_ip_from4(src);
    f->dst = sl_ip_from4(dst);
    if (source_is_martian(f))
        return SL_DROP_IP4_SOURCE;
    why = check_destination(f);
    if (why == NET_DONE)
        why = check_options(sl_cursor_of(bytes + NET_IP4_BYTES, ihl - NET_IP4_BYTES));
    if (why != NET_DONE)
        return why;
    f->hops = ttl;
    f->ecn = tos & 3;
    f->end = f->l3_off + total;
    f->l4_off = f->l3_off + ihl;
    if (!(fragment & 0x3fff))
        return net_upper_input(f, proto);
    f->fragment = (struct net_fragment){.is = true,
                                        .more = fragment & 0x2000,
                                        .off = (uint16_t)((fragment & 0x1fff) * 8),
                                        .next = proto,
                                        .id = id,
                                        .skip = f->l4_off};
    return net_fragment_input(f, proto);
}
