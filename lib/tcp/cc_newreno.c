/* RFC 5681, counted in bytes (RFC 3465), so that split ACKs gain nothing. */
#include "tcp/cc.h"

static void init(struct conn *c)
{
    c->cwnd = cc_initial_window(c);
    c->ssthresh = UINT32_MAX;
    c->cc_state[0] = 0; /* bytes acknowledged since cwnd last grew by a segment */
}

static void acked(struct conn *c, const struct ack_info *a, uint64_t now)
{
    uint32_t bytes = a->acked_bytes;

    if (c->cwnd > UINT32_MAX / 4)
        return;
    if (c->cwnd < c->ssthresh) {
        c->cwnd += SL_MIN(bytes, c->ssthresh - c->cwnd);
        return;
    }
    c->cc_state[0] += bytes;
    if (c->cc_state[0] >= c->cwnd) {
        c->cc_state[0] -= c->cwnd;
        c->cwnd += c->mss;
    }
}

/* RFC 5681 equation 4. */
static uint32_t half_flight(const struct conn *c, uint32_t flight_bytes)
{
    return SL_MAX(flight_bytes / 2, 2u * c->mss);
}

static void congested(struct conn *c, uint32_t flight_bytes, uint64_t now)
{
    c->ssthresh = half_flight(c, flight_bytes);
    c->cc_state[0] = 0;
}

static void timeout(struct conn *c, uint32_t flight_bytes, bool first, uint64_t now)
{
    if (first)
        c->ssthresh = half_flight(c, flight_bytes);
    c->cwnd = c->mss;
    c->cc_state[0] = 0;
}

static void undo(struct conn *c, uint64_t now) { c->cc_state[0] = 0; }

static void restart(struct conn *c, uint64_t now) { c->cwnd = SL_MIN(c->cwnd, cc_initial_window(c)); }

const struct sl_tcp_cc sl_tcp_cc_newreno = {
    .name = "newreno",
    .init = init,
    .acked = acked,
    .congested = congested,
    .timeout = timeout,
    .undo = undo,
    .restart = restart,
};
