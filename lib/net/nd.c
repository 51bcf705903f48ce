/* Neighbour discovery for hosts (RFC 4861 7.1 and 7.2) and the defence of our addresses against duplicates (RFC 4862 5.4). Routes come from the configuration, so
 * router discovery and redirects are not listened to. */
#include "net/internal.h"

enum { SOLICIT = 135, ADVERT = 136, OPTION_SOURCE = 1, OPTION_TARGET = 2 };

#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE 0x20000000u

struct nd {
    uint32_t flags;
    struct sl_ip target;
    struct rte_ether_addr mac; /* of the option that belongs to the type */
    bool has_mac;
};

static int parse_options(struct sl_cursor c, uint8_t wanted, struct nd *nd)
{
    while (sl_cursor_left(&c)) {
        uint8_t type = sl_cursor_u8(&c), units = sl_cursor_u8(&c);
        struct sl_cursor body = sl_cursor_sub(&c, units * 8u - 2u);

        if (body.bad || units == 0)
            return SL_DROP_ND_FORMAT;
        if (type != wanted)
            continue;
        if (units != 1)
            return SL_DROP_ND_FORMAT;
        memcpy(nd->mac.addr_bytes, sl_cursor_take(&body, RTE_ETHER_ADDR_LEN), RTE_ETHER_ADDR_LEN);
        nd->has_mac = true;
        if (!rte_is_valid_assigned_ether_addr(&nd->mac))
            return SL_DROP_ND_FORMAT;
    }
    return c.bad ? SL_DROP_ND_FORMAT : NET_DONE;
}

/* RFC 4861 7.1.1 and 7.1.2; the checksum has been verified. */
static int parse(struct net_frame *f, uint8_t type, struct nd *nd)
{
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    const uint8_t *target;
    uint8_t code;

    if (f->hops != 255)
        return SL_DROP_ND_HOPS;
    if (f->end > f->head_len)
        return SL_DROP_ND_FORMAT; /* longer than any sender makes it */
    sl_cursor_skip(&c, 1);
    code = sl_cursor_u8(&c);
    sl_cursor_skip(&c, 2);
    nd->flags = sl_cursor_u32(&c);
    target = sl_cursor_take(&c, 16);
    if (c.bad || code != 0)
        return SL_DROP_ND_FORMAT;
    nd->target = sl_ip_from6(target);
    if (nd->target.b[0] == 0xff || sl_ip_is4(&nd->target))
        return SL_DROP_ND_FORMAT;
    return parse_options(c, type == SOLICIT ? OPTION_SOURCE : OPTION_TARGET, nd);
}

static void advertise(struct net_frame *f, const struct nd *nd)
{
    static const struct sl_ip all_nodes = {.b = {0xff, 2, [15] = 1}};
    static const struct rte_ether_addr all_nodes_mac = {.addr_bytes = {0x33, 0x33, 0, 0, 0, 1}};
    uint8_t body[24];

    memcpy(body, nd->target.b, 16);
    body[16] = OPTION_TARGET;
    body[17] = 1;
    memcpy(body + 18, f->iface->conf.mac.addr_bytes, RTE_ETHER_ADDR_LEN);
    if (f->src_none) /* to everybody, since the asker has no address (7.2.4) */
        net_icmp6_send(f->net, f->iface, &all_nodes_mac, &nd->target, &all_nodes, ADVERT, FLAG_OVERRIDE, body,
                       sizeof body, 255);
    else
        net_icmp6_send(f->net, f->iface, nd->has_mac ? &nd->mac : &f->eth_src, &nd->target, &f->src, ADVERT,
                       FLAG_SOLICITED | FLAG_OVERRIDE, body, sizeof body, 255);
}

static int answer(struct net_frame *f, const struct nd *nd)
{
    int why;

    if (!f->net->answers)
        return NET_DONE;
    why = net_answer_limit(f);
    if (why == NET_DONE)
        advertise(f, nd);
    return why;
}

static int take_solicit(struct net_frame *f, const struct nd *nd)
{
    if (f->src_none && (!f->dst_group || nd->has_mac || f->dst.b[11] != 1))
        return SL_DROP_ND_FORMAT; /* a probe for duplicates goes to the solicited-node group and has no source */
    if (f->src_ours) {
        net_conflict(f, &f->src, &f->eth_src);
        return SL_DROP_ND_CONFLICT;
    }
    if (!net_iface_has(f->iface, &nd->target))
        return SL_DROP_ND_NOT_OURS;
    if (f->src_none)
        net_conflict(f, &nd->target, &f->eth_src);
    else if (nd->has_mac && (net_iface_on_link(f->iface, &f->src) || sl_ip_equal(&f->src, &f->iface->conf.gateway6)))
        net_neighbour_heard(f->net, f->iface, &f->src, &nd->mac, true, f->now);
    return answer(f, nd);
}

/* RFC 4861 7.2.5, less what concerns routers. */
static int take_advert(struct net_frame *f, const struct nd *nd)
{
    bool solicited = nd->flags & FLAG_SOLICITED, override = nd->flags & FLAG_OVERRIDE, other;
    struct net_neighbour *n;

    if (f->src_none || (f->dst_group && solicited))
        return SL_DROP_ND_FORMAT;
    if (f->src_ours || net_iface_has(f->iface, &nd->target)) {
        net_conflict(f, &nd->target, &f->eth_src);
        return SL_DROP_ND_CONFLICT;
    }
    n = net_neighbour_find(f->net, f->iface->index, &nd->target);
    if (!n)
        return SL_DROP_ND_UNSOLICITED;
    if (n->state == NET_INCOMPLETE || n->state == NET_FAILED) {
        if (!nd->has_mac)
            return SL_DROP_ND_UNSOLICITED;
        if (solicited)
            net_neighbour_proved(f->net, n, &nd->mac, f->now);
        else
            net_neighbour_heard(f->net, f->iface, &nd->target, &nd->mac, false, f->now);
        return NET_DONE;
    }
    other = nd->has_mac && !rte_is_same_ether_addr(&n->mac, &nd->mac);
    if (other && !override)
        net_neighbour_doubt(f->net, n, f->now);
    else if (solicited)
        net_neighbour_proved(f->net, n, nd->has_mac ? &nd->mac : &n->mac, f->now);
    else if (other)
        net_neighbour_heard(f->net, f->iface, &nd->target, &nd->mac, false, f->now);
    return NET_DONE;
}

int net_nd_input(struct net_frame *f, uint8_t type)
{
    struct nd nd = {0};
    int why = parse(f, type, &nd);

    if (why != NET_DONE)
        return why;
    return type == SOLICIT ? take_solicit(f, &nd) : take_advert(f, &nd);
}

void net_nd_solicit(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac)
{
    const uint8_t *b = ip->b;
    struct sl_ip group = {.b = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15]}};
    struct rte_ether_addr group_mac = {.addr_bytes = {0x33, 0x33, 0xff, b[13], b[14], b[15]}};
    uint8_t body[24];

    memcpy(body, b, 16);
    body[16] = OPTION_SOURCE;
    body[17] = 1;
    memcpy(body + 18, i->conf.mac.addr_bytes, RTE_ETHER_ADDR_LEN);
    net_icmp6_send(net, i, mac ? mac : &group_mac, net_iface_source(i, ip), mac ? ip : &group, SOLICIT, 0, body,
                   sizeof body, 255);
}
