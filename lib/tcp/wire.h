/* Wire: TCP headers and options, read into a value and written from one. Knows no connection. */
#ifndef SL_TCP_WIRE_H
#define SL_TCP_WIRE_H

#include "net/net.h"
#include "tcp/seq.h"
#include "tcp/table.h"

enum {
    TF_FIN = 0x01,
    TF_SYN = 0x02,
    TF_RST = 0x04,
    TF_PSH = 0x08,
    TF_ACK = 0x10,
    TF_URG = 0x20,
    TF_ECE = 0x40,
    TF_CWR = 0x80,
};

enum {
    OPT_MSS = 1 << 0,     /* RFC 9293 3.7.1 */
    OPT_WSCALE = 1 << 1,  /* RFC 7323 2 */
    OPT_SACK_OK = 1 << 2, /* RFC 2018 2 */
    OPT_TS = 1 << 3,      /* RFC 7323 3 */
    OPT_ECN = 1 << 4,     /* no option: the flags of a SYN that asks for ECN or agrees (RFC 3168 6.1.1) */
};

#define WIRE_HEADER_MIN 20u
#define WIRE_HEADER_MAX 60u
#define WIRE_SACKS_MAX 4u
#define WIRE_TS_BYTES 12u /* the timestamps option with its padding */

/* A received segment. len and skip change as it is trimmed to the window; the rest is as it arrived. */
struct seg {
    struct rte_mbuf *mbuf; /* NULL once somebody took it */
    struct tuple tuple;
    uint32_t guess;    /* the reference that it may belong to, as far as fetching goes */
    uint32_t seq, ack; /* seq of the first byte that is left after trimming */
    uint32_t seq_sent; /* seq as it arrived */
    uint32_t wnd;      /* as on the wire, unscaled; seg_window() has the bytes */
    uint32_t len;      /* payload bytes left after trimming */
    uint32_t skip;     /* bytes from the start of mbuf to the payload that is left */
    uint32_t tsval, tsecr;
    uint16_t mss;
    uint8_t flags;  /* TF_* */
    uint8_t opts;   /* OPT_* present */
    uint8_t wscale; /* as sent, 0..255 */
    uint8_t n_sacks;
    uint8_t ecn;
    bool bare;    /* arrived without payload, SYN and FIN */
    bool has_syn; /* arrived with SYN, whatever became of its flag */
    struct range sacks[WIRE_SACKS_MAX];
};

/* Sequence space that s takes: SYN and FIN count (RFC 9293 3.4). */
static inline uint32_t seg_space(const struct seg *s) { return s->len + !!(s->flags & TF_SYN) + !!(s->flags & TF_FIN); }

/* The window in bytes, for an agreed shift. That of a segment with SYN is never scaled (RFC 7323 2.2). */
static inline uint32_t seg_window(const struct seg *s, uint8_t shift) { return s->wnd << (s->has_syn ? 0 : shift); }

/* A SYN and nothing else that decides; ECN's flags may stand beside it. */
static inline bool seg_is_syn(const struct seg *s)
{
    return (s->flags & (TF_SYN | TF_ACK | TF_RST | TF_FIN)) == TF_SYN;
}

/* Reads the header of in->mbuf, whose data begins with it, into s (hash left open). The mbuf changes hands: s owns it.
 * False with *why when it is malformed: then the caller still frees s->mbuf. */
bool sl_tcp_wire_parse(const struct sl_net_seg *in, struct seg *s, enum sl_drop *why);

/* A header to be written. */
struct header {
    uint32_t seq, ack;
    uint32_t tsval, tsecr;
    uint16_t wnd, mss; /* wnd as on the wire */
    uint8_t flags, opts, wscale, n_sacks;
    uint8_t ecn; /* the IP header's two bits */
    struct range sacks[WIRE_SACKS_MAX];
};

/* Bytes that h takes, 20..60, a multiple of four. */
uint32_t sl_tcp_wire_size(const struct header *h);
/* Writes sl_tcp_wire_size(h) bytes at p: ports of tuple (from local to remote), checksum zero. */
void sl_tcp_wire_put(uint8_t *p, const struct tuple *tuple, const struct header *h);

#endif
