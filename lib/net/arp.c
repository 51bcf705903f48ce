/* ARP (RFC 826) with the sanity of RFC 5227: requests for our addresses are answered and teach us the sender; replies are believed when we asked; announcements
 * change only entries that we have; whoever claims our address is reported, not believed. */
#include "net/internal.h"

#define FIXED UINT64_C(0x000108000604) /* Ethernet, IPv4, their lengths */

enum { REQUEST = 1, REPLY = 2 };

static const struct rte_ether_addr everybody = {.addr_bytes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct arp {
    uint16_t op;
    struct rte_ether_addr sender_mac;
    struct sl_ip sender, target;
    bool probe; /* sender 0.0.0.0: asks whether the address is free */
};

static void send(struct sl_net *net, struct net_iface *i, uint16_t op, const struct rte_ether_addr *to,
                 const struct sl_ip *sender, const struct rte_ether_addr *target_mac, const struct sl_ip *target)
{
    uint32_t l2 = net_eth_bytes(i);
    struct rte_mbuf *m = net_new(net, l2 + NET_ARP_BYTES);
    uint8_t *p;

    if (!m)
        return;
    p = rte_pktmbuf_mtod(m, uint8_t *);
    net_put_eth(p, i, to, NET_TYPE_ARP);
    p += l2;
    sl_put_u16(p, (uint16_t)(FIXED >> 32));
    sl_put_u32(p + 2, (uint32_t)FIXED);
    sl_put_u16(p + 6, op);
    memcpy(p + 8, i->conf.mac.addr_bytes, RTE_ETHER_ADDR_LEN);
    memcpy(p + 14, sender->b + 12, 4);
    memset(p + 18, 0, RTE_ETHER_ADDR_LEN);
    if (target_mac)
        memcpy(p + 18, target_mac->addr_bytes, RTE_ETHER_ADDR_LEN);
    memcpy(p + 24, target->b + 12, 4);
    net_enqueue(net, i, m);
}

void net_arp_request(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac)
{
    static const struct sl_ip nobody = {.b = {[10] = 0xff, [11] = 0xff}};
    const struct sl_ip *source = net_iface_source(i, ip);

    send(net, i, REQUEST, mac ? mac : &everybody, source ? source : &nobody, NULL, ip);
}

static int parse(struct net_frame *f, struct arp *a)
{
    struct sl_cursor c = net_frame_at(f, f->l3_off);
    uint64_t fixed = (uint64_t)sl_cursor_u16(&c) << 32;
    const uint8_t *mac, *sender, *target;

    fixed |= sl_cursor_u32(&c);
    a->op = sl_cursor_u16(&c);
    mac = sl_cursor_take(&c, RTE_ETHER_ADDR_LEN);
    sender = sl_cursor_take(&c, 4);
    sl_cursor_skip(&c, RTE_ETHER_ADDR_LEN);
    target = sl_cursor_take(&c, 4);
    if (c.bad)
        return SL_DROP_ARP_SHORT;
    if (fixed != FIXED || (a->op != REQUEST && a->op != REPLY))
        return SL_DROP_ARP_FORMAT;
    memcpy(a->sender_mac.addr_bytes, mac, RTE_ETHER_ADDR_LEN);
    a->sender = sl_ip_from4(sender);
    a->target = sl_ip_from4(target);
    a->probe = a->op == REQUEST && a->sender.w[3] == 0;
    return NET_DONE;
}

/* The frame's source has been seen to be a station's address. */
static bool sender_is_sane(const struct net_frame *f, const struct arp *a)
{
    uint8_t first = a->sender.b[12];

    if (!rte_is_same_ether_addr(&a->sender_mac, &f->eth_src))
        return false;
    return a->probe || (first != 0 && first != 127 && first < 224 && !net_ip4_is_broadcast(f->iface, &a->sender));
}

static bool may_be_learned(const struct net_frame *f, const struct sl_ip *ip)
{
    return net_iface_on_link(f->iface, ip) || sl_ip_equal(ip, &f->iface->conf.gateway4);
}

static int answer(struct net_frame *f, const struct arp *a)
{
    int why;

    if (!f->net->answers)
        return NET_DONE;
    why = net_answer_limit(f);
    if (why == NET_DONE)
        send(f->net, f->iface, REPLY, &a->sender_mac, &a->target, &a->sender_mac, &a->sender);
    return why;
}

static int take_reply(struct net_frame *f, const struct arp *a)
{
    struct net_neighbour *n = net_neighbour_find(f->net, f->iface->index, &a->sender);

    if (!n)
        return SL_DROP_ARP_UNSOLICITED;
    /* All workers see the answers to one worker's question: the address that we know already is good news from whomever. */
    if (net_neighbour_asked(n) ? net_iface_has(f->iface, &a->target)
                               : rte_is_same_ether_addr(&n->mac, &a->sender_mac)) {
        net_neighbour_proved(f->net, n, &a->sender_mac, f->now);
        return NET_DONE;
    }
    return SL_DROP_ARP_UNSOLICITED;
}

int net_arp_input(struct net_frame *f)
{
    struct arp a;
    int why = parse(f, &a);

    if (why != NET_DONE)
        return why;
    if (!sender_is_sane(f, &a))
        return SL_DROP_ARP_SENDER;
    if (net_iface_has(f->iface, &a.sender)) {
        net_conflict(f, &a.sender, &a.sender_mac);
        return SL_DROP_ARP_CONFLICT;
    }
    if (a.probe) {
        if (!net_iface_has(f->iface, &a.target))
            return SL_DROP_ARP_NOT_OURS;
        net_conflict(f, &a.target, &a.sender_mac);
        return answer(f, &a);
    }
    if (sl_ip_equal(&a.sender, &a.target)) { /* an announcement, as request or reply */
        if (!net_neighbour_find(f->net, f->iface->index, &a.sender))
            return SL_DROP_ARP_NOT_OURS;
        net_neighbour_heard(f->net, f->iface, &a.sender, &a.sender_mac, false, f->now);
        return NET_DONE;
    }
    if (a.op == REPLY)
        return take_reply(f, &a);
    if (!net_iface_has(f->iface, &a.target))
        return SL_DROP_ARP_NOT_OURS;
    if (may_be_learned(f, &a.sender))
        net_neighbour_heard(f->net, f->iface, &a.sender, &a.sender_mac, true, f->now);
    return answer(f, &a);
}
