/* net, inside: one worker's interfaces and neighbours, and a received frame while it is being taken apart. */
#ifndef SL_NET_INTERNAL_H
#define SL_NET_INTERNAL_H

#include "net/fragment.h"
#include "net/net.h"
#include "timer/timer.h"

#define NET_HEAD_BYTES 256 /* of a frame, in one piece: all headers that are looked at */
#define NET_HOPS 64        /* TTL and hop limit of what we send */
#define NET_NO_NEIGHBOUR UINT32_MAX

enum { /* ethertypes, IP protocols, lengths */
       NET_TYPE_IP4 = 0x0800,
       NET_TYPE_ARP = 0x0806,
       NET_TYPE_VLAN = 0x8100,
       NET_TYPE_IP6 = 0x86dd,
       NET_PROTO_HOP_BY_HOP = 0,
       NET_PROTO_ICMP = 1,
       NET_PROTO_TCP = 6,
       NET_PROTO_UDP = 17,
       NET_PROTO_ROUTING = 43,
       NET_PROTO_FRAGMENT = 44,
       NET_PROTO_ICMP6 = 58,
       NET_PROTO_NONE = 59,
       NET_PROTO_DEST_OPTIONS = 60,
       NET_ETH_BYTES = 14,
       NET_VLAN_BYTES = 4,
       NET_IP4_BYTES = 20,
       NET_IP6_BYTES = 40,
       NET_TCP_BYTES = 20,
       NET_ICMP_BYTES = 8,
       NET_ARP_BYTES = 28,
       NET_FRAGMENT_BYTES6 = 8, /* IPv6's fragment header */
       NET_ND_BYTES = 24,       /* solicitation or advertisement without options */
};

/* ---- rates ---- */
struct net_limit {
    uint64_t paid_until_ns; /* a token bucket told as a time; 0 at first: full */
};

/* Whether one more is allowed: one per price_ns, after a burst. */
bool net_limit_pass(struct net_limit *l, uint64_t now, uint64_t price_ns, uint32_t burst);

/* ---- interfaces ---- */
struct net_iface {
    struct sl_net_iface_conf conf;
    struct sl_ip link_local;               /* fe80::/64 and the MAC as EUI-64 (RFC 4291 appendix A) */
    uint32_t broadcast4[SL_NET_ADDRS_MAX]; /* directed broadcast of each address, as it lies in memory; 0: none */
    uint8_t index;
    uint32_t tx_head, tx_tail; /* free running */
    uint32_t n_strays;
    struct rte_mbuf *tx[SL_NET_TX_QUEUE];
    struct rte_mbuf *strays[SL_NET_STRAYS]; /* whole datagrams of other workers */
};

/* ---- neighbours ---- */
enum net_neighbour_state {
    NET_FREE,
    NET_INCOMPLETE, /* asked, packets wait */
    NET_REACHABLE,
    NET_STALE,  /* address known, not proven of late */
    NET_DELAY,  /* used while stale: proof may come from above */
    NET_PROBE,  /* asking again, unicast */
    NET_FAILED, /* no answer; packets are refused until the hold-down ends */
    NET_STATES
};

/* Who goes first when room is needed: the lists in this order, oldest first. Gateways stand in none. */
enum net_lru { NET_LRU_STALE, NET_LRU_INCOMPLETE, NET_LRU_LIVE, NET_LRUS };

#define NET_PENDING_MAX 3 /* frames that wait for one neighbour */

struct net_neighbour {
    struct sl_ip ip;
    struct rte_ether_addr mac;
    uint8_t iface;
    uint8_t state; /* enum net_neighbour_state */
    uint8_t tries; /* requests sent in this state */
    uint8_t n_pending;
    bool gateway;
    uint16_t next; /* in the hash chain or the free list; index + 1, 0: end */
    struct sl_list lru;
    struct sl_timer timer;
    struct rte_mbuf *pending[NET_PENDING_MAX]; /* whole frames but for the destination MAC */
};

#define NET_BUCKETS (2 * SL_NET_NEIGHBOURS_MAX)

struct sl_net {
    struct sl_stats *stats;
    struct rte_mempool *pool;
    bool answers;
    uint8_t n_ifaces;
    uint32_t worker;
    const struct sl_steer *steer; /* NULL: all is ours */
    uint32_t n_pending, n_incomplete;
    uint16_t free; /* first free neighbour; index + 1 */
    struct sl_rng rng;
    struct sl_hash_key hash_key;
    struct net_limit echo_limit, error_limit, answer_limit;
    struct sl_list lru[NET_LRUS];
    struct sl_wheel wheel;
    struct net_iface ifaces[SL_NET_IFACES_MAX];
    uint16_t buckets[NET_BUCKETS]; /* index + 1 */
    struct net_neighbour neighbours[SL_NET_NEIGHBOURS_MAX];
    struct net_fragments fragments;
};

/* The entry, or NULL. */
struct net_neighbour *net_neighbour_find(struct sl_net *net, uint8_t iface, const struct sl_ip *ip);
/* Somebody at ip said that mac is his; nothing proves that he hears us. Makes an entry when create is set. */
void net_neighbour_heard(struct sl_net *net, struct net_iface *iface, const struct sl_ip *ip,
                         const struct rte_ether_addr *mac, bool create, uint64_t now);
/* He answered us. */
void net_neighbour_proved(struct sl_net *net, struct net_neighbour *n, const struct rte_ether_addr *mac, uint64_t now);
/* Suspected: an advertisement spoke of another address without the right to override (RFC 4861 7.2.5). */
void net_neighbour_doubt(struct sl_net *net, struct net_neighbour *n, uint64_t now);
/* Whether an answer is awaited. */
bool net_neighbour_asked(const struct net_neighbour *n);
/* Sends a whole frame (but for the destination MAC) by way of the next hop, or keeps it until the neighbour has answered. Takes ownership. */
int net_neighbour_send(struct sl_net *net, struct sl_net_path *path, const struct sl_ip *remote, struct rte_mbuf *m,
                       uint64_t now);
void net_neighbour_init(struct sl_net *net);
void net_neighbour_timers(struct sl_net *net, uint64_t now);
void net_neighbour_free_all(struct sl_net *net);

/* ---- a received frame ---- */
struct net_frame {
    struct sl_net *net;
    struct net_iface *iface;
    struct sl_net_batch *batch;
    struct rte_mbuf *m;
    uint64_t now;
    const uint8_t *head; /* the first bytes, in one piece */
    uint32_t head_len;   /* at least the smaller of NET_HEAD_BYTES and the frame */
    struct rte_ether_addr eth_src;
    bool eth_group;          /* sent to a broadcast or multicast MAC */
    bool src_ours, src_none; /* IPv6 source is our own, or ::; only neighbour discovery may have these */
    bool dst_group;          /* IPv6 multicast */
    bool whole;              /* was in fragments, and is not any more */
    bool alone;              /* no other worker has a copy: errors about it are ours to send */
    uint8_t hops, ecn;
    uint32_t l3_off, l4_off; /* from the start of the frame */
    uint32_t end;            /* of the IP packet: Ethernet padding lies behind it */
    uint32_t next_off;       /* IPv6: where the field stands that names the upper protocol */
    struct sl_ip src, dst;
    struct net_fragment fragment;
    uint8_t store[NET_HEAD_BYTES]; /* head, when the mbuf's first segment is shorter */
};

/* What the input functions return: a drop reason, or one of these. */
enum {
    NET_DONE = -1,  /* served its purpose: free it */
    NET_TAKEN = -2, /* the mbuf belongs to somebody else now */
    NET_WHOLE = -3, /* f->m is a datagram made of fragments, as a frame: look at it again */
};

int net_arp_input(struct net_frame *f);
int net_ip4_input(struct net_frame *f);
int net_ip6_input(struct net_frame *f);
int net_upper_input(struct net_frame *f, uint8_t proto); /* what both families carry */
int net_icmp4_input(struct net_frame *f);
int net_icmp6_input(struct net_frame *f);
int net_nd_input(struct net_frame *f, uint8_t type); /* solicitations and advertisements */
void net_nd_solicit(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac);
void net_arp_request(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac);
/* Sends an ICMP error about f, if rate and RFC 1122 3.2.2 or RFC 4443 2.4 allow. rest: the four bytes behind the checksum. */
void net_icmp_error(struct net_frame *f, uint8_t type, uint8_t code, uint32_t rest);
/* DONE (and counted) when one more question may be answered now; otherwise a drop reason. */
int net_answer_limit(struct net_frame *f);
/* Another host says that our ip is at mac: counted and logged. */
void net_conflict(struct net_frame *f, const struct sl_ip *ip, const struct rte_ether_addr *mac);

/* A cursor over the headers from off, within both the packet and what is in one piece. */
static inline struct sl_cursor net_frame_at(const struct net_frame *f, uint32_t off)
{
    uint32_t end = SL_MIN(f->end, f->head_len);

    return off <= end ? sl_cursor_of(f->head + off, end - off) : (struct sl_cursor){.bad = true};
}

/* ---- addresses ---- */
bool net_iface_has(const struct net_iface *i, const struct sl_ip *ip);
bool net_iface_on_link(const struct net_iface *i, const struct sl_ip *ip);
/* Our address to ask for target from: same prefix first. NULL when the interface has none of the family. */
const struct sl_ip *net_iface_source(const struct net_iface *i, const struct sl_ip *target);
bool net_ip4_is_broadcast(const struct net_iface *i, const struct sl_ip *ip); /* limited or directed */

/* ---- mbuf chains ---- */
/* Sum of len bytes from off, as sl_cksum_add; odd segments are cared for. */
uint64_t net_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len);
uint64_t net_pseudo_sum(const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto, uint32_t len);
/* Takes n bytes off the front (segments that become empty are freed); the new first segment. n <= pkt_len. */
struct rte_mbuf *net_cut_front(struct rte_mbuf *m, uint32_t n);
/* Shortens to len bytes. */
void net_cut_back(struct rte_mbuf *m, uint32_t len);
/* Whether len bytes from a_off of a are those from b_off of b. */
bool net_same_bytes(const struct rte_mbuf *a, uint32_t a_off, const struct rte_mbuf *b, uint32_t b_off, uint32_t len);

/* ---- frames that we make ---- */
/* An empty mbuf of the pool with room for len bytes appended; NULL (counted) when there is none. */
struct rte_mbuf *net_new(struct sl_net *net, uint32_t len);
/* Ethernet header (and tag) at p; its length. dst NULL: zeroes for now. */
uint32_t net_put_eth(uint8_t *p, const struct net_iface *i, const struct rte_ether_addr *dst, uint16_t type);
static inline uint32_t net_eth_bytes(const struct net_iface *i)
{
    return i->conf.vlan ? NET_ETH_BYTES + NET_VLAN_BYTES : NET_ETH_BYTES;
}
/* IP header of the addresses' family for len bytes behind it; its length. IPv4: DF, a random identification, checksum 0. */
uint32_t net_put_ip(struct sl_net *net, uint8_t *p, const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto,
                    uint8_t hops, uint8_t ecn, uint32_t len);
void net_ip4_seal(uint8_t *p); /* fills in the header checksum of 20 bytes */
/* Queues a whole frame for the port. Takes ownership; -ENOBUFS (counted) when the queue is full. */
int net_enqueue(struct sl_net *net, struct net_iface *i, struct rte_mbuf *m);
/* Asks for ip: ARP request or neighbour solicitation, to everybody or (mac given) to him alone (RFC 1122 2.3.2.1, RFC 4861 7.2.2). */
void net_solicit(struct sl_net *net, struct net_iface *i, const struct sl_ip *ip, const struct rte_ether_addr *mac);
/* An ICMPv6 message of `body` bytes, checksum filled in. */
void net_icmp6_send(struct sl_net *net, struct net_iface *i, const struct rte_ether_addr *to, const struct sl_ip *src,
                    const struct sl_ip *dst, uint8_t type, uint32_t rest, const uint8_t *body, uint32_t body_len,
                    uint8_t hops);

#endif
