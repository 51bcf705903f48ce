/* Tail loss probe (RFC 8985 section 7): when nothing comes back for two round trips, a segment is sent whose ACK shows by
 * SACK what is missing, long before the retransmission timer would. */
#include "tcp/tcp_internal.h"

#define PTO_MIN_NS (10 * SL_NS_PER_MS)        /* hosts take their time, however near they are */
#define PTO_NO_RTT_NS SL_NS_PER_S             /* 7.2, without a sample */
#define MAX_ACK_DELAY_NS (200 * SL_NS_PER_MS) /* TLP.max_ack_delay: a lone segment's ACK may be delayed */

/* ---- when (7.2) ---- */

/* SACKs, and what is already lost, are better clues than a probe gives. */
bool sl_tcp_tlp_wanted(const struct conn *c)
{
    const struct flight *f = flight_of(c);

    return c->flags & F_SACK && conn_synchronized(c) && conn_flight(c) && !c->tlp_out && !c->blurred &&
           (c->ca == CA_OPEN || c->ca == CA_CWR) && !(f && f->sacked_bytes);
}

uint64_t sl_tcp_tlp_at(const struct conn *c)
{
    uint64_t pto_ns = c->srtt_us ? SL_MAX(2 * (uint64_t)c->srtt_us * SL_NS_PER_US, PTO_MIN_NS) : PTO_NO_RTT_NS;

    if (!sl_tcp_tlp_wanted(c))
        return SL_NEVER;
    return c->t->now + pto_ns + (c->srtt_us && conn_flight(c) <= c->mss ? MAX_ACK_DELAY_NS : 0);
}

/* ---- what (7.3) ---- */

/* A new segment where there is one and the peer takes it, otherwise the last one again. */
bool sl_tcp_tlp_next(const struct conn *c, uint32_t *seq, uint32_t *len)
{
    uint32_t fresh = SL_MIN(conn_snd_limit(c) - c->snd_nxt, (uint32_t)c->mss);

    if (!sl_tcp_tlp_wanted(c))
        return false;
    if (fresh && seq_leq(c->snd_nxt + fresh, c->snd_una + c->snd_wnd)) {
        *seq = c->snd_nxt;
        *len = fresh;
    } else {
        *len = SL_MIN(conn_flight(c), (uint32_t)c->mss);
        *seq = c->snd_nxt - *len;
    }
    return true;
}

void sl_tcp_tlp_sent(struct conn *c, bool again)
{
    c->tlp_out = 1;
    c->tlp_again = again;
    sl_tcp_conn_need_seldom(c)->tlp_end = c->snd_nxt;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_LOSS_PROBES);
}

/* ---- what became of it (7.4.2) ---- */

/* The duplicate that a reports is the probe: no sign of a network that reorders. */
bool sl_tcp_tlp_explains(const struct conn *c, const struct ack_info *a)
{
    return c->tlp_out && c->tlp_again && ack_has_dsack(a) && a->dsack.end == seldom_of(c)->tlp_end;
}

void sl_tcp_tlp_ack(struct conn *c, const struct ack_info *a)
{
    const struct seldom *x = seldom_of(c);
    bool needless;

    if (!c->tlp_out || seq_lt(c->snd_una, x->tlp_end))
        return;
    needless = !c->tlp_again || sl_tcp_tlp_explains(c, a);
    if (needless || (a->bare_dup && c->snd_una == x->tlp_end)) {
        c->tlp_out = 0;
    } else if (seq_gt(c->snd_una, x->tlp_end)) { /* it repaired a loss that nobody else saw */
        c->tlp_out = 0;
        sl_stat_inc(c->t->stats, SL_CTR_TCP_PROBES_REPAIRED);
        sl_tcp_recovery_reduce(c);
    }
}
