/* Addresses from text, and packets that many tests need ready-made. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

#define ND_SOLICIT 135
#define ND_ADVERT 136

struct sl_ip th_ip(const char *text)
{
    uint8_t b[16];

    if (inet_pton(AF_INET, text, b) == 1)
        return sl_ip_from4(b);
    if (inet_pton(AF_INET6, text, b) == 1)
        return sl_ip_from6(b);
    fprintf(stderr, "%s is no address\n", text);
    abort();
}

struct sl_endpoint th_endpoint(const char *text)
{
    const char *colon = strrchr(text, ':');
    char ip[64];
    size_t n;

    assert(colon);
    if (text[0] == '[')
        n = (size_t)(colon - 1 - ++text);
    else
        n = (size_t)(colon - text);
    assert(n < sizeof ip);
    memcpy(ip, text, n);
    ip[n] = '\0';
    return (struct sl_endpoint){th_ip(ip), (uint16_t)atoi(colon + 1)};
}

struct rte_ether_addr th_mac(uint32_t n)
{
    return (struct rte_ether_addr){
        .addr_bytes = {2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

struct sl_ip th_solicited_node(const struct sl_ip *ip)
{
    struct sl_ip group = th_ip("ff02::1:ff00:0");

    memcpy(group.b + 13, ip->b + 13, 3);
    return group;
}

struct rte_ether_addr th_multicast_mac(const struct sl_ip *group)
{
    return (struct rte_ether_addr){.addr_bytes = {0x33, 0x33, group->b[12], group->b[13], group->b[14], group->b[15]}};
}

void th_arp_request(struct th_pkt *p, struct rte_ether_addr mac, struct sl_ip from, struct sl_ip whose)
{
    *p = (struct th_pkt){.kind = TH_ARP, .eth_src = mac, .arp = {.op = 1, .sha = mac, .spa = from, .tpa = whose}};
    memset(p->eth_dst.addr_bytes, 0xff, 6);
}

void th_arp_reply(struct th_pkt *p, struct rte_ether_addr mac, struct sl_ip whose, struct rte_ether_addr to_mac,
                  struct sl_ip to)
{
    *p = (struct th_pkt){.kind = TH_ARP,
                         .eth_src = mac,
                         .eth_dst = to_mac,
                         .arp = {.op = 2, .sha = mac, .spa = whose, .tha = to_mac, .tpa = to}};
}

/* Body of both ND messages: target, then one link-layer address option. */
static void nd(struct th_pkt *p, struct th_store *store, uint8_t type, uint32_t rest, struct sl_ip target,
               uint8_t option, struct rte_ether_addr mac)
{
    memcpy(store->bytes, target.b, 16);
    store->bytes[16] = option;
    store->bytes[17] = 1;
    memcpy(store->bytes + 18, mac.addr_bytes, 6);
    p->icmp = (struct th_icmp){.type = type, .rest = rest, .data = store->bytes, .len = 24};
}

void th_nd_solicit(struct th_pkt *p, struct th_store *store, struct rte_ether_addr mac, struct sl_ip from,
                   struct sl_ip whose)
{
    struct sl_ip group = th_solicited_node(&whose);

    *p = (struct th_pkt){
        .kind = TH_ICMP, .eth_src = mac, .eth_dst = th_multicast_mac(&group), .src = from, .dst = group};
    nd(p, store, ND_SOLICIT, 0, whose, 1, mac);
}

void th_nd_advert(struct th_pkt *p, struct th_store *store, struct rte_ether_addr mac, struct sl_ip whose,
                  struct rte_ether_addr to_mac, struct sl_ip to)
{
    *p = (struct th_pkt){.kind = TH_ICMP, .eth_src = mac, .eth_dst = to_mac, .src = whose, .dst = to};
    nd(p, store, ND_ADVERT, 0x60000000, whose, 2, mac); /* solicited, override */
}

void th_icmp_error(struct th_pkt *p, struct th_store *store, struct sl_ip from, uint8_t type, uint8_t code,
                   uint32_t rest, const uint8_t *bytes, size_t len, size_t quote_max)
{
    struct th_pkt about;
    size_t skip, quote;

    th_decode(bytes, len, &about);
    skip = about.vlan ? 18 : 14;
    quote = SL_MIN(SL_MIN(len - skip, quote_max), sizeof store->bytes);
    memcpy(store->bytes, bytes + skip, quote);
    *p = (struct th_pkt){.kind = TH_ICMP,
                         .eth_src = about.eth_dst,
                         .eth_dst = about.eth_src,
                         .vlan = about.vlan,
                         .src = from,
                         .dst = about.src};
    p->icmp = (struct th_icmp){.type = type, .code = code, .rest = rest, .data = store->bytes, .len = (uint32_t)quote};
}

bool th_answer_neighbour(const uint8_t *bytes, size_t len, const struct sl_ip *whose, struct rte_ether_addr mac,
                         struct th_pkt *answer, struct th_store *store)
{
    struct th_pkt q;

    if (th_decode(bytes, len, &q))
        return false;
    if (q.kind == TH_ARP && q.arp.op == 1 && sl_ip_equal(&q.arp.tpa, whose)) {
        th_arp_reply(answer, mac, *whose, q.arp.sha, q.arp.spa);
    } else if (q.kind == TH_ICMP && q.proto == IPPROTO_ICMPV6 && q.icmp.type == ND_SOLICIT && q.icmp.len >= 16 &&
               memcmp(q.icmp.data, whose->b, 16) == 0) {
        th_nd_advert(answer, store, mac, *whose, q.eth_src, q.src);
    } else {
        return false;
    }
    answer->vlan = q.vlan;
    return true;
}
