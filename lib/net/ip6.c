/* IPv6 input (RFC 8200) and its extension headers: at most eight, all within what is looked at of a frame. */
#include "net/internal.h"

#define EXTENSIONS_MAX 8

enum { OPTION_PAD1 = 0, OPTION_PADN = 1, OPTION_ROUTER_ALERT = 5 };
enum { PROBLEM = 4, PROBLEM_FIELD = 0, PROBLEM_OPTION = 2 }; /* ICMPv6 parameter problem and its codes */

/* Options of a hop-by-hop or destination header; the two high bits say what to do with one that is not known (RFC 8200 4.2). */
static int check_options(struct net_frame *f, struct sl_cursor o)
{
    while (sl_cursor_left(&o)) {
        uint32_t at = (uint32_t)(o.p - f->head) - f->l3_off;
        uint8_t kind = sl_cursor_u8(&o), len;

        if (kind == OPTION_PAD1)
            continue;
        len = sl_cursor_u8(&o);
        sl_cursor_skip(&o, len);
        if (o.bad)
            break;
        if (kind == OPTION_PADN || kind == OPTION_ROUTER_ALERT || kind >> 6 == 0)
            continue;
        if (kind >> 6 == 2 || (kind >> 6 == 3 && !f->dst_group))
            net_icmp_error(f, PROBLEM, PROBLEM_OPTION, at);
        return SL_DROP_IP6_OPTION;
    }
    return o.bad ? SL_DROP_IP6_EXTENSIONS : NET_DONE;
}

/* Type 0 is refused always (RFC 5095), others when they ask to be sent on (RFC 8200 4.4). */
static int check_routing(struct net_frame *f, struct sl_cursor o, uint32_t at)
{
    uint8_t type = sl_cursor_u8(&o), segments_left = sl_cursor_u8(&o);

    if (o.bad)
        return SL_DROP_IP6_EXTENSIONS;
    if (type != 0 && segments_left == 0)
        return NET_DONE;
    net_icmp_error(f, PROBLEM, PROBLEM_FIELD, at + 2 - f->l3_off);
    return SL_DROP_IP6_ROUTING;
}

static bool is_piece(const struct net_fragment *g) { return g->is && (g->off || g->more); }

/* Reads the fragment header at f->l4_off. One that says that all is here (an atomic fragment, RFC 6946) is passed over; a second one is nobody's honest work. */
static int read_fragment(struct net_frame *f, uint8_t *next)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint16_t off;

    if (f->fragment.is || f->whole)
        return SL_DROP_FRAG_NESTED;
    f->fragment.is = true;
    f->fragment.next = *next = sl_cursor_u8(&c);
    sl_cursor_skip(&c, 1);
    off = sl_cursor_u16(&c);
    f->fragment.off = off & 0xfff8;
    f->fragment.more = off & 1;
    f->fragment.id = sl_cursor_u32(&c);
    if (c.bad)
        return SL_DROP_IP6_EXTENSIONS;
    f->fragment.skip = f->l4_off + NET_FRAGMENT_BYTES6;
    f->fragment.next_off = f->next_off;
    f->next_off = f->l4_off;
    f->l4_off = f->fragment.skip;
    return NET_DONE;
}

/* Reads the extension header of kind proto at f->l4_off. */
static int read_extension(struct net_frame *f, uint8_t proto, uint8_t *next)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off), body;
    int why;

    *next = sl_cursor_u8(&c);
    body = sl_cursor_sub(&c, sl_cursor_u8(&c) * 8u + 6);
    if (body.bad)
        return SL_DROP_IP6_EXTENSIONS;
    why = proto == NET_PROTO_ROUTING ? check_routing(f, body, f->l4_off) : check_options(f, body);
    if (why != NET_DONE)
        return why;
    f->next_off = f->l4_off;
    f->l4_off = (uint32_t)(c.p - f->head);
    return NET_DONE;
}

/* Walks from *next at f->l4_off to the upper layer; in a fragment that is not the first, to its bytes. */
static int walk_extensions(struct net_frame *f, uint8_t *next)
{
    for (int k = 0;; k++) {
        uint8_t proto = *next;
        int why;

        if (f->fragment.off)
            return NET_DONE;
        if (proto == NET_PROTO_NONE)
            return SL_DROP_IP6_NO_NEXT;
        if (proto != NET_PROTO_HOP_BY_HOP && proto != NET_PROTO_DEST_OPTIONS && proto != NET_PROTO_ROUTING &&
            proto != NET_PROTO_FRAGMENT)
            return NET_DONE;
        if (k == EXTENSIONS_MAX || (proto == NET_PROTO_HOP_BY_HOP && k > 0))
            return SL_DROP_IP6_EXTENSIONS;
        why = proto == NET_PROTO_FRAGMENT ? read_fragment(f, next) : read_extension(f, proto, next);
        if (why != NET_DONE) /* the headers of a fragment have to be all in it (RFC 7112) */
            return why == SL_DROP_IP6_EXTENSIONS && is_piece(&f->fragment) ? SL_DROP_FRAG_HEADERS : why;
    }
}

static bool source_is_martian(const struct sl_ip *ip)
{
    static const struct sl_ip loopback = {.b = {[15] = 1}};

    return ip->b[0] == 0xff || sl_ip_equal(ip, &loopback);
}

static bool is_solicited_node_of(const struct sl_ip *group, const struct sl_ip *ip)
{
    static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

    return memcmp(group->b, prefix, sizeof prefix) == 0 && memcmp(group->b + 13, ip->b + 13, 3) == 0;
}

static bool group_is_ours(const struct net_iface *i, const struct sl_ip *group)
{
    static const struct sl_ip all_nodes = {.b = {0xff, 2, [15] = 1}};

    if (sl_ip_equal(group, &all_nodes) || is_solicited_node_of(group, &i->link_local))
        return true;
    for (uint32_t k = 0; k < i->conf.n_addrs; k++)
        if (!sl_ip_is4(&i->conf.addrs[k].ip) && is_solicited_node_of(group, &i->conf.addrs[k].ip))
            return true;
    return false;
}

static int check_addresses(struct net_frame *f)
{
    static const struct sl_ip none;

    if (sl_ip_is4(&f->src) || sl_ip_is4(&f->dst))
        return SL_DROP_IP6_MAPPED;
    if (source_is_martian(&f->src))
        return SL_DROP_IP6_SOURCE;
    f->src_ours = net_iface_has(f->iface, &f->src);
    f->src_none = sl_ip_equal(&f->src, &none);
    f->dst_group = f->dst.b[0] == 0xff;
    if (f->dst_group ? !group_is_ours(f->iface, &f->dst) : !net_iface_has(f->iface, &f->dst))
        return SL_DROP_IP6_NOT_OURS;
    return NET_DONE;
}

int net_ip6_input(struct net_frame *f)
{
    struct sl_cursor c = net_frame_at(f, f->l3_off);
    uint32_t version_class = sl_cursor_u32(&c);
    uint16_t len = sl_cursor_u16(&c);
    uint8_t next = sl_cursor_u8(&c), hops = sl_cursor_u8(&c);
    const uint8_t *src = sl_cursor_take(&c, 16), *dst = sl_cursor_take(&c, 16);
    int why;

    if (c.bad)
        return SL_DROP_IP6_SHORT;
    if (version_class >> 28 != 6)
        return SL_DROP_IP6_HEADER;
    if (len > f->end - f->l3_off - NET_IP6_BYTES)
        return SL_DROP_IP6_LENGTH;
    f->src = sl_ip_from6(src);
    f->dst = sl_ip_from6(dst);
    f->hops = hops;
    f->ecn = version_class >> 20 & 3;
    f->end = f->l3_off + NET_IP6_BYTES + len;
    f->l4_off = f->l3_off + NET_IP6_BYTES;
    f->next_off = f->l3_off + 6;
    why = check_addresses(f);
    if (why == NET_DONE)
        why = walk_extensions(f, &next);
    if (why != NET_DONE)
        return why;
    if ((f->src_ours || f->src_none) && next != NET_PROTO_ICMP6)
        return SL_DROP_IP6_SOURCE;
    return is_piece(&f->fragment) ? net_fragment_input(f, next) : net_upper_input(f, next);
}
