#include "announce.h"

#define ARP_BYTES 28
#define IP6_BYTES 40
#define NA_BYTES 32 /* with one option */
#define FRAME_MAX (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + IP6_BYTES + NA_BYTES)

static uint8_t *put_ethernet(uint8_t *p, const struct sl_net_iface_conf *iface, const uint8_t to[static 6],
                             uint16_t type)
{
    memcpy(p, to, 6);
    memcpy(p + 6, iface->mac.addr_bytes, 6);
    p += 12;
    if (iface->vlan) {
        sl_put_u16(p, RTE_ETHER_TYPE_VLAN);
        sl_put_u16(p + 2, iface->vlan);
        p += 4;
    }
    sl_put_u16(p, type);
    return p + 2;
}

static uint8_t *put_arp(uint8_t *p, const struct sl_net_iface_conf *iface, const struct sl_ip *ip)
{
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    p = put_ethernet(p, iface, everybody, RTE_ETHER_TYPE_ARP);
    sl_put_u32(p, 0x00010800);
    sl_put_u32(p + 4, 0x06040001); /* a request that asks for its own sender */
    memcpy(p + 8, iface->mac.addr_bytes, 6);
    memcpy(p + 14, ip->b + 12, 4);
    memset(p + 18, 0, 6);
    memcpy(p + 24, ip->b + 12, 4);
    return p + ARP_BYTES;
}

static uint8_t *put_advertisement(uint8_t *p, const struct sl_net_iface_conf *iface, const struct sl_ip *ip)
{
    static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
    static const uint8_t pseudo[8] = {[3] = NA_BYTES, [7] = 58};
    uint8_t *ip6 = put_ethernet(p, iface, all_nodes_mac, RTE_ETHER_TYPE_IPV6), *na = ip6 + IP6_BYTES;
    uint16_t cksum;

    memset(ip6, 0, IP6_BYTES + NA_BYTES);
    ip6[0] = 0x60;
    sl_put_u16(ip6 + 4, NA_BYTES);
    ip6[6] = 58;  /* ICMPv6 */
    ip6[7] = 255; /* RFC 4861 7.1.2 */
    memcpy(ip6 + 8, ip->b, 16);
    memcpy(ip6 + 24, all_nodes, 16);
    na[0] = 136;
    na[4] = 0x20; /* override */
    memcpy(na + 8, ip->b, 16);
    na[24] = 2; /* target link-layer address, 8 bytes */
    na[25] = 1;
    memcpy(na + 26, iface->mac.addr_bytes, 6);
    cksum =
        sl_cksum_fold(sl_cksum_add(sl_cksum_add(sl_cksum_add(0, pseudo, sizeof pseudo), ip6 + 8, 32), na, NA_BYTES));
    memcpy(na + 2, &cksum, sizeof cksum);
    return na + NA_BYTES;
}

uint32_t announce_all(const struct sl_net_iface_conf *iface, struct rte_mempool *pool,
                      struct rte_mbuf *frames[static SL_NET_ADDRS_MAX])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < iface->n_addrs; i++) {
        const struct sl_ip *ip = &iface->addrs[i].ip;
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        uint8_t *p, *end;

        if (!m)
            return n;
        assert(rte_pktmbuf_tailroom(m) >= FRAME_MAX);
        p = rte_pktmbuf_mtod(m, uint8_t *);
        end = (sl_ip_is4(ip) ? put_arp : put_advertisement)(p, iface, ip);
        m->data_len = (uint16_t)(end - p);
        m->pkt_len = m->data_len;
        frames[n++] = m;
    }
    return n;
}
