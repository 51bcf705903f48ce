/* Datagrams that arrive in fragments: how many, how large and how long they are kept, and what net's other files ask of them. */
#ifndef SL_NET_FRAGMENT_H
#define SL_NET_FRAGMENT_H

#include "base/base.h"
#include "timer/timer.h"

#define NET_DATAGRAMS_MAX 64            /* unfinished ones of a worker */
#define NET_DATAGRAMS_SOURCE 8          /* of them of one IPv4 address, or one IPv6 /64 */
#define NET_FRAGMENTS_MAX 64            /* of one datagram: 64 KiB over an MTU of 1280 are 54 */
#define NET_FRAGMENT_MIN 128            /* bytes of one that is not the last; no link is so narrow */
#define NET_FRAGMENT_BYTES (512 * 1024) /* of buffers, counted whole, unless the parameters say less */

struct net_frame;
struct rte_mbuf;
struct sl_net;

/* What a header says of the fragment that it begins; stands in struct net_frame. */
struct net_fragment {
    bool is;   /* atomic ones are marked too, but are packets of their own (RFC 6946) */
    bool more; /* M, MF */
    uint16_t off;
    uint8_t next; /* protocol, or the first header of what is in pieces */
    uint32_t id;
    uint32_t skip;     /* where its bytes begin in the frame */
    uint32_t next_off; /* IPv6: where the field stands that names the fragment header */
};

/* A fragment that waits; the frame is whole, because the first one's headers and quote are wanted later. */
struct net_piece {
    struct rte_mbuf *m;
    uint16_t off, len, skip;
};

struct net_datagram {
    struct sl_ip src, dst;
    uint32_t id;
    uint8_t proto; /* IPv4: part of its name; 0 in IPv6 */
    uint8_t iface;
    bool used;
    bool dead; /* broke a rule: what still comes of it is dropped too (RFC 5722) */
    bool is_tcp;
    uint8_t next;     /* IPv6: what the first fragment's header names */
    uint8_t ecn_seen; /* a bit for each of the four code points */
    uint8_t n_pieces;
    uint16_t l3_off, next_off; /* of the first fragment */
    uint32_t total;            /* 0: the last fragment is not here yet */
    uint32_t got, held_bytes;
    struct sl_timer timer;
    struct net_piece pieces[NET_FRAGMENTS_MAX]; /* by offset */
};

struct net_fragments {
    uint32_t held_bytes, max_bytes;
    struct sl_fifo by_age[2]; /* IPv4, IPv6 */
    uint32_t tags[NET_DATAGRAMS_MAX];
    struct net_datagram datagrams[NET_DATAGRAMS_MAX];
};

/* f->fragment is filled in and f->l4_off stands at the upper layer's header in a first fragment of protocol proto. NET_WHOLE: f->m is the datagram as a frame. */
int net_fragment_input(struct net_frame *f, uint8_t proto);
void net_fragment_init(struct sl_net *net, uint32_t max_bytes);
void net_fragment_timers(struct sl_net *net, uint64_t now);
uint64_t net_fragment_next(const struct sl_net *net);
void net_fragment_free_all(struct sl_net *net);

#endif
