/* flood: streams of raw frames of no connection, as Pktgen sends them (scripts/pktgen): SYNs, ACKs, pings, and all of them mixed, from addresses that
 * nobody has. The same configuration, seed included, gives the same frames. Opens no device and reads no clock.
 *
 * Who is flooded has to be able to send its answers: to a router, or to a neighbour that has been named to it by ARP or neighbour discovery. */
#ifndef LOAD_FLOOD_H
#define LOAD_FLOOD_H

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/base.h"

enum flood_kind {
    FLOOD_SYN,
    FLOOD_ACK,
    FLOOD_ICMP,
    FLOOD_MIXED, /* the kinds before it, in proportions */
    FLOOD_KINDS,
};

struct flood_name {
    const char *name, *help;
};

extern const struct flood_name flood_names[FLOOD_KINDS];

/* FLOOD_KINDS when no kind has this name. */
enum flood_kind flood_kind_of(const char *name);

#define FLOOD_FRAME_MIN 60
#define FLOOD_FRAME_MAX 1514

struct flood_conf {
    enum flood_kind kind;
    struct sl_ip
        source; /* a network of the destination's family; senders are any of its addresses but the destination's own */
    unsigned source_bits;
    struct sl_endpoint to; /* pings need no TCP port */
    struct rte_ether_addr source_mac, to_mac;
    uint32_t
        frame_bytes; /* without the FCS; 0: the least. A frame is never shorter than its headers. What is above FLOOD_FRAME_MIN is payload, or, in
                             a SYN, padding. */
    uint64_t seed;
    uint32_t parts[FLOOD_MIXED]; /* of a mixed flood, each up to 1000; all 0: 7 SYNs, 2 ACKs, 1 ping of ten */
};

/* A frame but for what changes, and the sums of what does not change. */
struct flood_template {
    uint8_t bytes[FLOOD_FRAME_MAX];
    uint16_t len, l4, cksum; /* offsets of the transport header and of its checksum */
    bool has_port, has_pseudo;
    uint64_t fresh; /* which of the eight bytes at l4 + 4 are new in each frame, as they lie in memory */
    uint32_t ip_sum, l4_sum;
};

struct flood {
    struct sl_ip net, host_mask, to;
    struct sl_rng rng;
    enum flood_kind kind;
    int32_t parts[FLOOD_MIXED], parts_all, credit[FLOOD_MIXED];
    struct flood_template templates[FLOOD_MIXED];
};

/* 0, or -EINVAL with what is wrong. */
int flood_init(struct flood *f, const struct flood_conf *conf, struct sl_err *err);

/* The next n frames; fewer when the pool is dry. The pool's buffers have to have room for a frame behind their headroom. Checksums are right, so that no
 * offload is asked for. */
uint32_t flood_fill(struct flood *f, struct rte_mempool *pool, struct rte_mbuf **out, uint32_t n);

#endif
