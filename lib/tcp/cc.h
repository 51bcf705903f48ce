/* Congestion control as a table of functions over a connection's cwnd and ssthresh. Loss recovery decides when, this
 * decides how much. */
#ifndef SL_TCP_CC_H
#define SL_TCP_CC_H

#include "tcp/conn.h"

struct sl_tcp_cc {
    const char *name;
    void (*init)(struct conn *c);
    /* New data acknowledged outside fast recovery, while cwnd was the limit. */
    void (*acked)(struct conn *c, uint32_t bytes, uint64_t now);
    /* Loss found by duplicate ACKs or SACK; flight: bytes outstanding. Sets ssthresh and cwnd, once per window of data.
     */
    void (*lost)(struct conn *c, uint32_t flight_bytes, uint64_t now);
    /* Retransmission timeout; first: not one that follows another. */
    void (*timeout)(struct conn *c, uint32_t flight_bytes, bool first, uint64_t now);
    /* The connection sends again after more than one RTO of silence (RFC 5681 4.1). */
    void (*restart)(struct conn *c, uint64_t now);
};

extern const struct sl_tcp_cc sl_tcp_cc_newreno;

/* RFC 6928: ten segments. */
static inline uint32_t cc_initial_window(const struct conn *c) { return 10u * c->mss; }

#endif
