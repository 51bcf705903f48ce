/* RFC 5681, counted in bytes (RFC 3465), so that split ACKs gain nothing. */
#include "tcp/cc.h"

static void init(struct conn *c)
{
    c->cwnd = cc_initial_window(c);
    c->ssthresh = UINT32_MAX;
    sl_tcp_slow_start_begin(c);
}

static void acked(struct conn *c, const struct ack_info *a, uint64_t now)
{
    uint32_t *bytes = &c->cc.reno_acked_bytes;

    if (c->cwnd < c->ssthresh) {
        sl_tcp_slow_start_acked(c, a);
        return;
    }
    *bytes += SL_MIN(a->acked_bytes, c->cwnd);
    if (*bytes >= c->cwnd) {
        *bytes -= c->cwnd;
        c->cwnd = SL_MIN(c->cwnd + c->mss, TCP_CWND_MAX);
    }
}

/* RFC 5681 equation 4. */
static void set_ssthresh(struct conn *c, uint32_t flight_bytes)
{
    sl_tcp_slow_start_end(c);
    c->ssthresh = SL_MAX(flight_bytes / 2, 2u * c->mss);
    c->cc.reno_acked_bytes = 0;
}

static void congested(struct conn *c, uint32_t flight_bytes, uint64_t now) { set_ssthresh(c, flight_bytes); }

static void timeout(struct conn *c, uint32_t flight_bytes, bool first, uint64_t now)
{
    if (first)
        set_ssthresh(c, flight_bytes);
    c->cwnd = c->mss;
}

static void undo(struct conn *c, const union cc_state *prior)
{
    if (cc_first_slow_start(c))
        sl_tcp_slow_start_begin(c);
    else
        c->cc.reno_acked_bytes = 0;
}

/* The round trips of before say nothing any more either. */
static void restart(struct conn *c, uint64_t now)
{
    c->cwnd = SL_MIN(c->cwnd, cc_initial_window(c));
    undo(c, &c->cc);
}

const struct sl_tcp_cc sl_tcp_cc_newreno = {
    .name = "newreno",
    .init = init,
    .acked = acked,
    .congested = congested,
    .timeout = timeout,
    .undo = undo,
    .restart = restart,
};
