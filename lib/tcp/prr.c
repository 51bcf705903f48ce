/* Proportional rate reduction (RFC 9937): cwnd comes down to ssthresh over one round trip, by what ACKs say was
 * delivered, and up to it again when losses left less in flight. Recovery and CWR alike. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

static void set_cwnd(struct conn *c, uint32_t more_bytes)
{
    c->cwnd = SL_MAX(sl_tcp_recovery_pipe(c) + more_bytes, (uint32_t)c->mss);
}

/* delivered_bytes: by the ACK that began this, which sl_tcp_prr_ack will count. */
void sl_tcp_prr_begin(struct conn *c, uint32_t delivered_bytes)
{
    const struct flight *f = flight_of(c);
    struct episode *e = episode_of(c);

    if (!e) { /* no memory: at once, then */
        c->cwnd = c->ssthresh;
        return;
    }
    e->prr_delivered = e->prr_out = 0;
    e->prr_flight = sl_tcp_recovery_pipe(c) + (f ? f->lost_bytes : 0) + delivered_bytes;
    e->prr_flight = SL_MAX(e->prr_flight, (uint32_t)c->mss);
    set_cwnd(c, 0);
}

/* Too much is in flight: one segment goes for each that ssthresh takes its share of. */
static uint32_t proportional(const struct conn *c, const struct episode *e)
{
    uint64_t due = ((uint64_t)e->prr_delivered * c->ssthresh + e->prr_flight - 1) / e->prr_flight;

    return due > e->prr_out ? (uint32_t)SL_MIN(due - e->prr_out, (uint64_t)UINT32_MAX / 2) : 0;
}

/* Too little is: as much as was delivered, and a segment more as long as all goes well. */
static uint32_t conservative(const struct conn *c, const struct episode *e, const struct ack_info *a, bool safe)
{
    uint32_t owed = e->prr_delivered > e->prr_out ? e->prr_delivered - e->prr_out : 0;
    uint32_t more = SL_MAX(owed, a->delivered_bytes) + (safe ? c->mss : 0);

    return SL_MIN(more, c->ssthresh - sl_tcp_recovery_pipe(c));
}

void sl_tcp_prr_ack(struct conn *c, const struct ack_info *a, bool more_lost)
{
    struct episode *e = episode_of(c);
    uint32_t more;

    if (!e || (c->ca != CA_RECOVERY && c->ca != CA_CWR) || !a->delivered_bytes)
        return;
    e->prr_delivered += SL_MIN(a->delivered_bytes, UINT32_MAX - e->prr_delivered);
    more = sl_tcp_recovery_pipe(c) > c->ssthresh ? proportional(c, e)
                                                 : conservative(c, e, a, a->acked_bytes && !more_lost);
    if (!e->prr_out && !more && c->ca == CA_RECOVERY)
        more = c->mss; /* the fast retransmission */
    set_cwnd(c, more);
}

void sl_tcp_prr_sent(struct conn *c, uint32_t bytes)
{
    struct episode *e = episode_of(c);

    if (e && (c->ca == CA_RECOVERY || c->ca == CA_CWR))
        e->prr_out += SL_MIN(bytes, UINT32_MAX - e->prr_out);
}

/* Without SACK one ACK may acknowledge all at once: no burst of the whole window then (RFC 6582 3.2 step 3). */
void sl_tcp_prr_end(struct conn *c)
{
    c->cwnd = c->ssthresh;
    if (c->ca == CA_RECOVERY && !(c->flags & F_SACK))
        c->cwnd = SL_MIN(c->cwnd, SL_MAX(conn_flight(c), (uint32_t)c->mss) + c->mss);
}
