/* helpers: what tests share: EAL without a machine, packet buffers that end exactly where their bytes end, frames
 * built and taken apart by code that is independent of what it tests, and pcap files. Linked by tests, fuzzers and
 * the simulator only. May end the process on misuse. */
#ifndef TH_HELPERS_H
#define TH_HELPERS_H

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/base.h"

/* ---- EAL: once per process; no hugepages, no devices, no files left behind; says nothing unless it fails ---- */
void th_eal_init(void);
/* The same as a cmocka group setup. */
int th_eal_setup(void **state);

/* ---- pools ---- */
/* A pool of n mbufs with data_room usable bytes behind the standard headroom; data_room 0: no data room at all (for
 * attached data). */
struct rte_mempool *th_pool(const char *name, uint32_t n, uint16_t data_room);
/* Takes the pool out of the leak check and frees it. NULL is harmless. */
void th_pool_free(struct rte_mempool *pool);
/* Whether every mempool of the process has all its objects; names on stderr those that have not. */
bool th_pools_full(void);
/* The same as a cmocka teardown: fails when something is missing. */
int th_leak_teardown(void **state);

/* ---- mbufs ---- */
/* An mbuf whose data is a heap buffer of exactly headroom + len bytes, so that a sanitizer sees one byte read or
 * written too far. Freed with the mbuf. */
struct rte_mbuf *th_mbuf_exact(struct rte_mempool *pool, const void *bytes, size_t len, uint16_t headroom);
/* The same bytes as a chain cut at cuts[0] < cuts[1] < ... (cuts beyond len are ignored; a first cut at 0 makes an
 * empty segment); headroom in the first segment only. */
struct rte_mbuf *th_mbuf_chain(struct rte_mempool *pool, const void *bytes, size_t len, const size_t *cuts,
                               size_t n_cuts, uint16_t headroom);
/* Copies a chain's bytes to out; its length, or 0 when it is longer than room or its lengths contradict each other. */
size_t th_mbuf_bytes(const struct rte_mbuf *m, void *out, size_t room);

/* ---- frames as values: what th_encode writes and th_decode finds ---- */
enum { TH_FIN = 1, TH_SYN = 2, TH_RST = 4, TH_PSH = 8, TH_ACK = 16, TH_URG = 32, TH_ECE = 64, TH_CWR = 128 };

#define TH_FRAME_MAX 10240 /* bytes of the longest frame: MTU 9000 and headers */
#define TH_SACKS_MAX 4

struct th_tcp {
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint16_t wnd, urg;
    uint16_t mss;   /* 0: no option */
    uint8_t flags;  /* TH_* */
    uint8_t wscale; /* the shift + 1; 0: no option */
    bool sack_ok, has_ts;
    uint32_t tsval, tsecr;
    uint32_t n_sacks, sacks[TH_SACKS_MAX][2];
    const uint8_t *raw_opts; /* instead of all options above; rounded up to four bytes with zeroes */
    uint32_t raw_opts_len;
    const uint8_t *data;
    uint32_t len;
};

struct th_arp {
    uint16_t op; /* 1 request, 2 reply */
    struct rte_ether_addr sha, tha;
    struct sl_ip spa, tpa; /* IPv4 */
};

struct th_icmp { /* ICMP or ICMPv6, by the family of the addresses */
    uint8_t type, code;
    uint32_t rest; /* the four bytes behind the checksum */
    const uint8_t *data;
    uint32_t len;
};

enum th_kind {
    TH_OTHER, /* payload behind the Ethernet header, `ethertype` given */
    TH_ARP,
    TH_IP, /* payload behind an IP header, `proto` given */
    TH_ICMP,
    TH_TCP,
};

struct th_pkt {
    enum th_kind kind;
    struct rte_ether_addr eth_src, eth_dst;
    uint16_t ethertype;
    uint16_t vlan; /* 0: no tag */
    struct sl_ip src, dst;
    uint8_t ttl; /* 0: 64, or 255 for neighbour discovery */
    uint8_t tos, proto;
    uint16_t ip_id;
    uint16_t ip_frag; /* IPv4: flags and offset as in the header */
    /* IPv4: options (a multiple of four bytes); IPv6: extension headers, the last of which names the protocol */
    const uint8_t *ip_extra;
    uint32_t ip_extra_len;
    uint8_t ip_extra_first; /* IPv6: type of the first extension header */
    union {
        struct th_arp arp;
        struct th_icmp icmp;
        struct th_tcp tcp;
    };
    const uint8_t *payload;
    uint32_t payload_len;
    struct {                /* lies, for th_encode; all zero: none */
        int32_t ip_len;     /* added to IPv4's total or IPv6's payload length */
        uint16_t ip_cksum;  /* xor */
        uint16_t l4_cksum;  /* xor */
        uint8_t ip_version; /* instead */
        uint8_t ip_ihl;     /* instead, in words */
        uint8_t tcp_doff;   /* instead, in words; 16: zero */
        uint32_t pad;       /* rubbish bytes behind the packet */
    } lie;
};

/* Writes the frame with right lengths and checksums (but for lies) to out; its length. Ethernet padding to 60 bytes
 * is not added. */
size_t th_encode(const struct th_pkt *p, uint8_t *out, size_t room);
/* A fragment of the packet that a frame of th_encode's holds: n bytes from off of what follows its IP header (zeroes
 * beyond its end), in a frame of its own. Its length. */
size_t th_fragment(const uint8_t *frame, size_t len, uint32_t id, uint32_t off, uint32_t n, bool more, uint8_t *out,
                   size_t room);
/* th_encode into an exactly sized mbuf. */
struct rte_mbuf *th_frame(struct rte_mempool *pool, const struct th_pkt *p);
/* Takes a frame apart and checks every length and checksum; pointers in p are into bytes. NULL when all is well,
 * otherwise what is wrong. */
const char *th_decode(const uint8_t *bytes, size_t len, struct th_pkt *p);
/* One line for a person. Returns out. */
const char *th_describe(const struct th_pkt *p, char *out, size_t size_bytes);
/* TCP checksum or ICMP checksum over pseudo header and len bytes; 0 when the bytes hold a right one. */
uint16_t th_l4_cksum(const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto, const uint8_t *bytes, size_t len);

/* Addresses from text; the process ends when the text is neither. */
struct sl_ip th_ip(const char *text);
struct sl_endpoint th_endpoint(const char *text);
struct rte_ether_addr th_mac(uint32_t n); /* 02:00:00:.. with n in it */
/* IPv6 multicast: solicited-node address of ip, and the MAC of a group. */
struct sl_ip th_solicited_node(const struct sl_ip *ip);
struct rte_ether_addr th_multicast_mac(const struct sl_ip *group);

/* Ready-made packets: `p` is overwritten; `store` holds bytes that p points at and must live as long. */
struct th_store {
    uint8_t bytes[1600];
};
void th_arp_request(struct th_pkt *p, struct rte_ether_addr mac, struct sl_ip from, struct sl_ip whose);
void th_arp_reply(struct th_pkt *p, struct rte_ether_addr mac, struct sl_ip whose, struct rte_ether_addr to_mac,
                  struct sl_ip to);
void th_nd_solicit(struct th_pkt *p, struct th_store *store, struct rte_ether_addr mac, struct sl_ip from,
                   struct sl_ip whose);
void th_nd_advert(struct th_pkt *p, struct th_store *store, struct rte_ether_addr mac, struct sl_ip whose,
                  struct rte_ether_addr to_mac, struct sl_ip to);
/* An ICMP error of `from` about a frame that `bytes` hold; quotes as much as RFC 792 or RFC 4443 say, at most
 * quote_max bytes of the IP packet. */
void th_icmp_error(struct th_pkt *p, struct th_store *store, struct sl_ip from, uint8_t type, uint8_t code,
                   uint32_t rest, const uint8_t *bytes, size_t len, size_t quote_max);

/* ---- answering neighbours: what any host on a link does, for tests that stand in for one ---- */
/* When bytes ask (by ARP or ND) for the MAC of `whose`, fills the answer that a host with this MAC gives. */
bool th_answer_neighbour(const uint8_t *bytes, size_t len, const struct sl_ip *whose, struct rte_ether_addr mac,
                         struct th_pkt *answer, struct th_store *store);

/* ---- pcap with nanoseconds, link type Ethernet ---- */
struct th_pcap;
struct th_pcap *th_pcap_open(const char *path); /* NULL when the file can't be made */
void th_pcap_write(struct th_pcap *pcap, uint64_t now, const void *bytes, size_t len);
void th_pcap_close(struct th_pcap *pcap); /* NULL is harmless */

#endif
