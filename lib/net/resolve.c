/* What ARP and neighbour discovery have in common: asking, the rate of answers, and two hosts with one address. */
#include <stdio.h>

#include "net/internal.h"

#define ANSWER_PRICE_NS (SL_NS_PER_S / 10000)
#define ANSWER_BURST 1000

void net_solicit(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac)
{
    sl_stat_inc(net->stats, SL_CTR_NET_SOLICITS);
    if (sl_ip_is4(ip))
        net_arp_request(net, i, ip, mac);
    else
        net_nd_solicit(net, i, ip, mac);
}

int net_answer_limit(struct net_frame *f)
{
    if (!net_limit_pass(&f->net->answer_limit, f->now, ANSWER_PRICE_NS, ANSWER_BURST))
        return SL_DROP_NEIGHBOUR_LIMIT;
    sl_stat_inc(f->net->stats, SL_CTR_NET_ANSWERS);
    return NET_DONE;
}

void net_conflict(struct net_frame *f, const struct sl_ip *ip, const struct rte_ether_addr *mac)
{
    struct sl_event ev = {.kind = SL_EVENT_ADDR_CONFLICT};
    const uint8_t *m = mac->addr_bytes;
    char text[SL_IP_TEXT_MAX];

    snprintf(ev.note, sizeof ev.note, "%02x:%02x:%02x:%02x:%02x:%02x %s", m[0], m[1], m[2], m[3], m[4], m[5],
             sl_ip_format(ip, text));
    sl_event_emit(f->net->stats, f->now, &ev);
    sl_stat_inc(f->net->stats, SL_CTR_NET_ADDR_CONFLICTS);
}
