/* The gate between the kernel and Sluice on one interface: frames for Sluice's own addresses go to the AF_XDP socket of their queue, everything else goes
 * on to the kernel. IPv4 and IPv6 are chosen by destination address alone, so that fragments, ICMP and every other protocol follow; ARP by its
 * target protocol address; a neighbour solicitation to a multicast group by its target. Multicast and broadcast otherwise stay with the kernel.
 *
 * The driver attaches the program before anybody can fill its maps: an empty map, or a queue without a socket, means XDP_PASS. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gate.h"

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, SL_GATE_QUEUES_MAX);
    __type(key, __u32);
    __type(value, __u32);
} xsks_map SEC(".maps"); /* the driver fills it; it asks for this name */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SL_GATE_ADDRS_MAX);
    __type(key, struct sl_gate_addr);
    __type(value, struct sl_gate_rule);
} sluice_addrs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SL_GATE_STAT_COUNT);
    __type(key, __u32);
    __type(value, __u64);
} sluice_stats SEC(".maps");

struct vlan_tag {
    __be16 tci, ethertype;
} __attribute__((packed));

struct arp4 {
    __be16 hw, proto;
    __u8 hw_len, proto_len;
    __be16 op;
    __u8 sha[6];
    __be32 spa;
    __u8 tha[6];
    __be32 tpa;
} __attribute__((packed));

struct ip4 {
    __u8 fixed[16];
    __be32 dst;
} __attribute__((packed));

struct ip6 {
    __u8 fixed[6];
    __u8 next, hops;
    __u8 src[16], dst[16];
} __attribute__((packed));

struct solicitation {
    __u8 type, code;
    __be16 cksum;
    __u32 reserved;
    __u8 target[16];
} __attribute__((packed));

enum { ICMPV6 = 58, NEIGHBOUR_SOLICITATION = 135, ARP_ETHERNET = 1 };

static __always_inline void count(__u32 what)
{
    __u64 *n = bpf_map_lookup_elem(&sluice_stats, &what);

    if (n)
        ++*n;
}

static __always_inline void key_from4(struct sl_gate_addr *key, __be32 ip)
{
    key->w[0] = key->w[1] = 0;
    key->w[2] = bpf_htonl(0xffff);
    key->w[3] = ip;
}

/* RFC 4291 2.7.1: ff02::1:ff00:0/104. */
static __always_inline int is_solicited_node(const struct sl_gate_addr *a)
{
    return a->w[0] == bpf_htonl(0xff020000) && a->w[1] == 0 && a->w[2] == bpf_htonl(1) &&
           (a->w[3] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

/* The address that decides about the frame; 0 when none does. */
static __always_inline int deciding_address(void *at, void *end, __be16 ethertype, struct sl_gate_addr *key)
{
    if (ethertype == bpf_htons(ETH_P_IP)) {
        struct ip4 *ip = at;

        if ((void *)(ip + 1) > end)
            return 0;
        key_from4(key, ip->dst);
        return 1;
    }
    if (ethertype == bpf_htons(ETH_P_IPV6)) {
        struct ip6 *ip = at;
        struct solicitation *ns = (void *)(ip + 1);

        if ((void *)(ip + 1) > end)
            return 0;
        __builtin_memcpy(key, ip->dst, sizeof *key);
        /* The mapped form stands for IPv4 in the map; on the wire it is nobody's (RFC 4038 4.2). */
        if (key->w[0] == 0 && key->w[1] == 0 && key->w[2] == bpf_htonl(0xffff))
            return 0;
        if (!is_solicited_node(key))
            return 1;
        if (ip->next != ICMPV6 || (void *)(ns + 1) > end || ns->type != NEIGHBOUR_SOLICITATION)
            return 0;
        __builtin_memcpy(key, ns->target, sizeof *key);
        return 1;
    }
    if (ethertype == bpf_htons(ETH_P_ARP)) {
        struct arp4 *arp = at;

        if ((void *)(arp + 1) > end || arp->hw != bpf_htons(ARP_ETHERNET) || arp->proto != bpf_htons(ETH_P_IP) ||
            arp->hw_len != 6 || arp->proto_len != 4)
            return 0;
        key_from4(key, arp->tpa);
        return 1;
    }
    return 0;
}

/* Its name tells a later run that the program is ours: SL_GATE_PROGRAM. */
SEC("xdp")
int sluice_gate(struct xdp_md *ctx)
{
    void *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = at;
    struct vlan_tag *tag = (void *)(eth + 1);
    struct sl_gate_rule *rule;
    struct sl_gate_addr key;
    __be16 ethertype;
    __u16 vlan = 0;
    long verdict;

    if ((void *)(eth + 1) > end)
        return XDP_PASS;
    at = eth + 1;
    ethertype = eth->h_proto;
    if (ethertype == bpf_htons(ETH_P_8021Q)) {
        if ((void *)(tag + 1) > end)
            return XDP_PASS;
        at = tag + 1;
        ethertype = tag->ethertype;
        vlan = bpf_ntohs(tag->tci) & 0xfff; /* 0: only a priority */
    }
    if (!deciding_address(at, end, ethertype, &key))
        return XDP_PASS;
    rule = bpf_map_lookup_elem(&sluice_addrs, &key);
    if (!rule || rule->vlan != vlan)
        return XDP_PASS;

    verdict = bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
    count(verdict == XDP_REDIRECT ? SL_GATE_REDIRECTED : SL_GATE_NO_SOCKET);
    return (int)verdict;
}

char gate_license[] SEC("license") = "Dual BSD/GPL";
