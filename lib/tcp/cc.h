/* Congestion control as a table of functions over a connection's cwnd and ssthresh. Loss recovery decides when, this
 * decides how much. */
#ifndef SL_TCP_CC_H
#define SL_TCP_CC_H

#include "tcp/tcp_internal.h"

struct sl_tcp_cc {
    const char *name;
    void (*init)(struct conn *c);
    /* New data acknowledged outside recovery (in the slow start after a timeout too), while cwnd was the limit: cwnd
     * grows. */
    void (*acked)(struct conn *c, const struct ack_info *a, uint64_t now);
    /* Congestion, at most once per window of data: a loss, or an ECN echo. flight: bytes outstanding. Sets ssthresh;
     * cwnd is brought there by recovery. */
    void (*congested)(struct conn *c, uint32_t flight_bytes, uint64_t now);
    /* Retransmission timeout: sets ssthresh when it is the first of a row, and cwnd to one segment. */
    void (*timeout)(struct conn *c, uint32_t flight_bytes, bool first, uint64_t now);
    /* The last congested or timeout was none (RFC 4015): recovery has restored cwnd and ssthresh, this restores the
     * rest. */
    void (*undo)(struct conn *c, uint64_t now);
    /* The connection sends again after more than one RTO of silence (RFC 5681 4.1). */
    void (*restart)(struct conn *c, uint64_t now);
};

extern const struct sl_tcp_cc sl_tcp_cc_newreno;

static inline const struct sl_tcp_cc *conn_cc(const struct conn *c) { return c->set->cc; }

/* RFC 6928: ten segments. */
static inline uint32_t cc_initial_window(const struct conn *c) { return 10u * c->mss; }

#endif
