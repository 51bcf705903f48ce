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
     * rest, which was `prior` before. */
    void (*undo)(struct conn *c, const union cc_state *prior);
    /* The connection sends again after more than one RTO of silence (RFC 5681 4.1). */
    void (*restart)(struct conn *c, uint64_t now);
};

extern const struct sl_tcp_cc sl_tcp_cc_cubic, sl_tcp_cc_newreno;

#define TCP_CWND_MAX (1u << 30) /* the largest window there is (RFC 7323 2.3) */

static inline const struct sl_tcp_cc *conn_cc(const struct conn *c) { return c->set->cc; }

/* RFC 6928: ten segments. */
static inline uint32_t cc_initial_window(const struct conn *c) { return 10u * c->mss; }

/* hystart.c: slow start as every congestion control does it (RFC 5681, 3465), and how the first one ends without a loss
 * (RFC 9406). */
void sl_tcp_slow_start_begin(struct conn *c);
/* For an ACK that came while cwnd < ssthresh. Sets ssthresh when congestion avoidance is to begin. */
void sl_tcp_slow_start_acked(struct conn *c, const struct ack_info *a);
/* Before ssthresh is set for congestion: the congestion control's state is all zeros when it was the first slow start. */
void sl_tcp_slow_start_end(struct conn *c);
static inline bool cc_first_slow_start(const struct conn *c) { return c->ssthresh == UINT32_MAX; }

/* cc_cubic.c: the cube root of x < 2^63, rounded down. */
uint32_t sl_tcp_cubic_root(uint64_t x);

#endif
