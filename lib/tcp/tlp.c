/* Tail loss probe (RFC 8985 section 7): when nothing comes back for two round trips, a segment is sent whose ACK shows by
 * SACK what is missing, long before the retransmission timer would.
 *
 * Beyond the RFC, a probe that finds no answer is followed by others, each after twice the time, and recovery probes too:
 * RACK sees that a retransmission was lost only when something that was sent after it arrives, and in a small window
 * nothing was. QUIC does both (RFC 9002 6.2). The timeout that this avoids lasts a thousand round trips of a near peer. */
#include "tcp/tcp_internal.h"

#define PTO_MIN_NS (2 * SL_NS_PER_MS)         /* hosts take their time, however near they are */
#define PTO_NO_RTT_NS SL_NS_PER_S             /* 7.2, without a sample */
#define MAX_ACK_DELAY_NS (200 * SL_NS_PER_MS) /* TLP.max_ack_delay: a lone segment's ACK may be delayed */
#define TRIES_MAX 6u                          /* without an answer: 2, 4, .. 64 ms */

/* ---- when (7.2) ---- */

/* After a timeout only once something has come back. */
static bool is_repairing(const struct conn *c) { return c->ca == CA_RECOVERY || (c->ca == CA_LOSS && !c->backoff); }

/* SACKs are better clues than a probe gives. One whose outcome is open is not forgotten for another. */
static bool is_tail(const struct conn *c)
{
    const struct flight *f = flight_of(c);

    return (c->ca == CA_OPEN || c->ca == CA_CWR) && !(f && f->sacked_bytes) && (!c->tlp_out || c->tlp_tries);
}

/* While the timer is backed off there are no more tries than one: how long a round trip takes is doubtful (RFC 6298 5.7). */
static bool may_try(const struct conn *c) { return c->tlp_tries < (c->backoff ? 1 : TRIES_MAX); }

bool sl_tcp_tlp_wanted(const struct conn *c)
{
    return c->flags & F_SACK && conn_synchronized(c) && conn_flight(c) && !c->blurred && may_try(c) &&
           (is_tail(c) || is_repairing(c));
}

/* Whoever holds something behind a hole acknowledges at once what fills it (RFC 5681 4.2). */
static uint64_t ack_delay_ns(const struct conn *c)
{
    const struct flight *f = flight_of(c);

    return c->srtt_us && conn_flight(c) <= c->mss && !(f && f->sacked_bytes) ? MAX_ACK_DELAY_NS : 0;
}

uint64_t sl_tcp_tlp_at(const struct conn *c)
{
    uint64_t pto_ns = c->srtt_us ? SL_MAX(2 * (uint64_t)c->srtt_us * SL_NS_PER_US, PTO_MIN_NS) : PTO_NO_RTT_NS;

    return sl_tcp_tlp_wanted(c) ? c->t->now + (pto_ns << c->tlp_tries) + ack_delay_ns(c) : SL_NEVER;
}

bool sl_tcp_tlp_is_extra(const struct conn *c) { return c->tlp_tries || is_repairing(c); }

/* ---- what (7.3) ---- */

/* Up to what is SACKed. */
static uint32_t first_bytes(const struct conn *c)
{
    const struct flight *f = flight_of(c);
    uint32_t bytes = f && f->first < f->n ? f->runs[f->first].end - f->una : conn_flight(c);

    return SL_MIN(bytes, (uint32_t)c->mss);
}

/* In recovery what is missing first, which repairs; otherwise a new segment where there is one and the peer takes it, or
 * the last one again. */
bool sl_tcp_tlp_next(const struct conn *c, uint32_t *seq, uint32_t *len)
{
    uint32_t fresh = SL_MIN(conn_snd_limit(c) - c->snd_nxt, (uint32_t)c->mss);

    if (!sl_tcp_tlp_wanted(c))
        return false;
    if (is_repairing(c)) {
        *seq = c->snd_una;
        *len = first_bytes(c);
    } else if (fresh && seq_leq(c->snd_nxt + fresh, c->snd_una + c->snd_wnd)) {
        *seq = c->snd_nxt;
        *len = fresh;
    } else {
        *len = SL_MIN(conn_flight(c), (uint32_t)c->mss);
        *seq = c->snd_nxt - *len;
    }
    return true;
}

/* What a repair brings is recovery's, which needs no outcome of it. */
void sl_tcp_tlp_sent(struct conn *c, uint32_t end, bool again)
{
    c->tlp_again = again || (c->tlp_out && c->tlp_again);
    c->tlp_out = !is_repairing(c);
    sl_tcp_conn_need_seldom(c)->tlp_end = end;
    c->tlp_tries++;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_LOSS_PROBES);
}

/* ---- what became of it (7.4.2) ---- */

/* The duplicate that a reports is the probe: no sign of a network that reorders. */
bool sl_tcp_tlp_explains(const struct conn *c, const struct ack_info *a)
{
    return c->tlp_again && ack_has_dsack(a) && seldom_of(c) && a->dsack.end == seldom_of(c)->tlp_end;
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
