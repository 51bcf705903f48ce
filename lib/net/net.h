/* net: Ethernet, VLAN, ARP, neighbour discovery, IPv4, IPv6 and ICMP of one worker: checks and takes apart what arrives, answers what is
 * not TCP's business, and wraps what TCP sends. It holds frames to be sent until the worker's owner fetches them. Knows no device. */
#ifndef SL_NET_H
#define SL_NET_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/base.h"
#include "stat/stat.h"

#define SL_NET_IFACES_MAX 8
#define SL_NET_ADDRS_MAX 16  /* per interface */
#define SL_NET_TX_QUEUE 1024 /* frames per interface that wait for the port; a power of two */
#define SL_NET_BURST 64      /* frames per input call */
#define SL_NET_NEIGHBOURS_MAX 4096
#define SL_NET_STRAYS 64    /* whole datagrams per interface that wait to be handed over */
#define SL_NET_HEADROOM 128 /* what emit may need before the TCP header */

struct sl_net_addr {
    struct sl_ip ip;
    uint8_t prefix_bits; /* in its own family: 0..32, 0..128 */
};

struct sl_net_iface_conf {
    char name[16];
    struct rte_ether_addr mac;
    uint16_t mtu;  /* bytes of an IP packet */
    uint16_t vlan; /* 1..4094: all frames carry this tag; 0: none do */
    struct sl_net_addr addrs[SL_NET_ADDRS_MAX];
    uint32_t n_addrs;
    struct sl_ip gateway4, gateway6; /* all zero: none */
};

struct sl_steer;

struct sl_net_params {
    const struct sl_net_iface_conf *ifaces; /* copied */
    uint32_t n_ifaces;
    bool answers; /* this worker answers ARP, neighbour solicitations and pings; all workers learn from them */
    struct rte_mempool *pool; /* for packets that net makes itself; data room of at least 2 KiB */
    struct sl_stats *stats;
    uint64_t seed; /* replayable random: probe jitter, IP identification */
    const struct sl_steer
        *steer;      /* whose connection a datagram made of fragments belongs to; outlives net. NULL: all are ours */
    uint32_t worker; /* our number in it */
    uint32_t fragment_bytes; /* of buffers that wait for the rest of their datagrams; 0: 512 KiB */
};

/* A TCP segment whose frame, IP header, lengths and checksum are good. Data of mbuf begins at the TCP header and ends with the segment (Ethernet
 * padding is cut); the first mbuf segment holds the TCP header with its options (as far as data offset and segment agree; the fixed 20 bytes at least). Whoever
 * takes the batch owns the mbufs. */
struct sl_net_seg {
    struct rte_mbuf *mbuf;
    struct sl_ip local, remote;
    uint8_t iface;
    uint8_t ecn; /* the two ECN bits of the IP header */
};

enum sl_net_icmp_kind {
    SL_ICMP_SOFT,    /* may pass: network or host unreachable, time exceeded */
    SL_ICMP_HARD,    /* protocol or port unreachable, prohibited */
    SL_ICMP_TOO_BIG, /* mtu says what fits */
};

/* An ICMP error about a TCP segment that we may have sent. Nothing about it is proven: TCP checks seq (RFC 5927). */
struct sl_net_icmp {
    struct sl_ip local, remote;
    uint16_t lport, rport;
    uint32_t seq;
    uint16_t mtu; /* TOO_BIG only, as received */
    uint8_t kind; /* enum sl_net_icmp_kind */
};

struct sl_net_batch {
    struct sl_net_seg segs[SL_NET_BURST];
    struct sl_net_icmp errs[SL_NET_BURST];
    uint32_t n_segs, n_errs;
};

/* The way to a peer, found once per connection and kept in it. */
struct sl_net_path {
    uint32_t neighbour; /* a hint into the neighbour cache; checked at each use */
    uint16_t mtu;       /* the interface's */
    uint8_t iface;
    bool gateway; /* by way of the interface's gateway; otherwise the peer is on the link */
};

struct sl_net;

/* Sets *net; -ENOMEM or -EINVAL with err. The pool and stats must outlive it. */
int sl_net_create(const struct sl_net_params *params, struct sl_net **net, struct sl_err *err);
void sl_net_destroy(struct sl_net *net);

/* Takes n <= SL_NET_BURST frames of one interface, consumes them all, and appends to batch what is TCP's. */
void sl_net_input(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t n, uint64_t now,
                  struct sl_net_batch *batch);

/* Takes up to max datagrams of the interface that were made whole here and belong to another worker: frames, as if they had just been received. Whoever drives
 * net takes them after each input and gives them to the worker that sl_steer_frame names. */
uint32_t sl_net_strays(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t max);

/* Whether ip is one of our own addresses, and of which interface. */
bool sl_net_is_local(const struct sl_net *net, const struct sl_ip *ip, uint8_t *iface);

/* Our address to use towards remote (RFC 6724 in its simplest form: same prefix first). -EHOSTUNREACH. */
int sl_net_source(const struct sl_net *net, const struct sl_ip *remote, struct sl_ip *local);

/* Finds the way from local (which chooses the interface) to remote: on-link or by the gateway. -EHOSTUNREACH. */
int sl_net_route(struct sl_net *net, const struct sl_ip *local, const struct sl_ip *remote, struct sl_net_path *path);

/* Frames that emit takes now on this interface before the transmit queue is full. */
uint32_t sl_net_tx_room(const struct sl_net *net, uint8_t iface);

/* Wraps a TCP segment (data of m begins at the TCP header; headroom SL_NET_HEADROOM; chains allowed; m->l4_len set) in IP and Ethernet, sets header lengths
 * and offload wishes (checksums left to sl_net_finish or the device), and queues it; asks for the neighbour's address first where it is not known (a few segments
 * wait, bounded). Takes ownership in every case. ecn: the two IP bits. -ENOBUFS when the queue is full (callers look at tx_room first), -EHOSTUNREACH when
 * the neighbour did not answer. */
int sl_net_emit(struct sl_net *net, struct sl_net_path *path, const struct sl_ip *local, const struct sl_ip *remote,
                struct rte_mbuf *m, uint8_t ecn, uint64_t now);

/* Who takes what is sent to remote on its path. */
const struct sl_ip *sl_net_next_hop(const struct sl_net *net, const struct sl_net_path *path,
                                    const struct sl_ip *remote);

/* The next hop answered of late with progress (RFC 4861 7.3.1: hint of forward progress from TCP). */
void sl_net_confirm(struct sl_net *net, const struct sl_net_path *path, const struct sl_ip *remote, uint64_t now);

/* Hands out up to max frames to be sent on the interface; the caller owns them. */
uint32_t sl_net_tx(struct sl_net *net, uint8_t iface, struct rte_mbuf **frames, uint32_t max);

/* Retries and ages neighbours. */
void sl_net_timers(struct sl_net *net, uint64_t now);
uint64_t sl_net_next(const struct sl_net *net);

/* Fills in by software the checksums that m's ol_flags ask of the device, and clears these flags. Chains allowed. For devices that can't. */
void sl_net_finish(struct rte_mbuf *m);

/* One line per neighbour for `sluicectl neighbours`: calls fn for each; fn must not call net. */
struct sl_net_neighbour_info {
    struct sl_ip ip;
    struct rte_ether_addr mac;
    uint8_t iface;
    const char *state;
};
void sl_net_each_neighbour(const struct sl_net *net, void (*fn)(void *ctx, const struct sl_net_neighbour_info *),
                           void *ctx);

/* ---- steering: which worker a packet belongs to (design decision 7) ----
 * Toeplitz over (source, destination, source port, destination port) of a TCP packet as it is received, then a redirection table of workers. The same for packets
 * that arrive on a device with RSS and for those that a worker distributes in software. Immutable once made; shared by all workers. */
#define SL_STEER_KEY_BYTES 52
#define SL_STEER_RETA_MAX 512
#define SL_STEER_ALL (-1) /* ARP and neighbour discovery: every worker gets a copy */

struct sl_steer {
    uint8_t key[SL_STEER_KEY_BYTES];
    uint16_t reta[SL_STEER_RETA_MAX]; /* worker */
    uint32_t reta_mask;               /* entries - 1 */
    uint32_t n_workers;
    uint32_t (*byte_hash)[256]; /* Toeplitz is linear: what each value of each byte of the tuple adds to the hash */
};

/* key: at least 40 bytes (the rest zero); reta of a power-of-two size up to SL_STEER_RETA_MAX, or NULL for round robin over 128. -ENOMEM, -EINVAL. */
int sl_steer_init(struct sl_steer *st, const uint8_t *key, size_t key_bytes, const uint16_t *reta, uint32_t reta_size,
                  uint32_t n_workers);
void sl_steer_free(struct sl_steer *st);

/* The worker that a received frame belongs to, or SL_STEER_ALL; what is not understood belongs to worker 0. An ICMP error belongs where the segment that it quotes does. The
 * fragments of a datagram, which have no ports but the first, meet at a worker that addresses and identification choose (see sl_net_strays).
 * Reads the frame's bytes only within the mbuf. */
int sl_steer_frame(const struct sl_steer *st, const struct rte_mbuf *m);

/* The worker that receives packets from remote:rport to local:lport. */
uint32_t sl_steer_worker(const struct sl_steer *st, const struct sl_ip *local, uint16_t lport,
                         const struct sl_ip *remote, uint16_t rport);

/* The first lport in [from, max] whose replies reach worker; 0 when there is none. */
uint16_t sl_steer_lport(const struct sl_steer *st, uint32_t worker, const struct sl_ip *local,
                        const struct sl_ip *remote, uint16_t rport, uint16_t from, uint16_t max);

#endif
