/* Loss recovery: fast retransmit and NewReno (RFC 5681, 6582), with the scoreboard where the peer speaks SACK (RFC
 * 6675), and the slow start after a timeout. All three are one walk: high_rxt moves over what counts as lost, as long
 * as `pipe` leaves room under cwnd. Without SACK each duplicate ACK stands for one segment that arrived (as the RFC's
 * inflation of cwnd does). */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

#define DUP_THRESH 3

/* Below this every byte that was not SACKed counts as lost. */
static uint32_t lost_edge(const struct conn *c)
{
    uint32_t edge = c->snd_una;

    if (c->ca == CA_OPEN)
        return edge;
    if (c->ca == CA_LOSS)
        return c->recover;
    if (c->score)
        edge = sl_tcp_score_lost_edge(c->score, c->snd_una, c->mss);
    if (edge == c->snd_una && (!(c->flags & F_SACK) || c->flags & F_RTX_FORCE))
        edge = seq_min(c->snd_una + c->mss, c->snd_nxt);
    return edge;
}

static uint32_t dup_estimate(const struct conn *c)
{
    uint32_t flight = conn_flight(c), most = flight > c->mss ? flight - c->mss : 0;

    return c->ca == CA_LOSS || c->flags & F_SACK ? 0 : SL_MIN((uint32_t)c->dupacks * c->mss, most);
}

uint32_t sl_tcp_recovery_pipe(const struct conn *c)
{
    uint32_t edge = lost_edge(c), pipe, gone;

    if (c->score)
        return sl_tcp_score_missing(c->score, edge, c->snd_nxt) +
               sl_tcp_score_missing(c->score, c->snd_una, c->high_rxt);
    pipe = (c->snd_nxt - edge) + (c->high_rxt - c->snd_una);
    gone = dup_estimate(c);
    return pipe > gone ? pipe - gone : 0;
}

bool sl_tcp_recovery_next(const struct conn *c, bool rescue, uint32_t *seq, uint32_t *len)
{
    uint32_t from = seq_max(c->high_rxt, c->snd_una), to, end, pipe;

    if (c->ca == CA_OPEN || (rescue && (c->ca != CA_RECOVERY || !c->score)))
        return false;
    to = end = rescue ? sl_tcp_score_top(c->score, c->snd_una) : lost_edge(c);
    if (c->score)
        from = sl_tcp_score_hole(c->score, from, to, &end);
    if (seq_geq(from, to))
        return false;
    *seq = from;
    *len = SL_MIN(end - from, (uint32_t)c->mss);
    pipe = sl_tcp_recovery_pipe(c);
    return c->flags & F_RTX_FORCE || pipe == 0 || pipe + *len <= c->cwnd;
}

static void enter_recovery(struct conn *c)
{
    c->ca = CA_RECOVERY;
    c->recover = c->snd_nxt;
    c->high_rxt = c->snd_una;
    c->flags |= F_RTX_FORCE;
    conn_cc(c)->congested(c, conn_flight(c), c->t->now);
    c->cwnd = c->ssthresh;
    c->flags |= F_ECN_CWR;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_FAST_RECOVERIES);
}

static void enter_open(struct conn *c)
{
    c->ca = CA_OPEN;
    c->dupacks = 0;
    c->high_rxt = c->snd_una;
    c->flags &= ~(uint32_t)F_RTX_FORCE;
}

/* RFC 6582 section 3.2 step 2: not again for losses of the window that the last recovery dealt with. With SACK the
 * scoreboard tells them apart. */
static bool past_last_recovery(const struct conn *c)
{
    return c->flags & F_SACK ? seq_geq(c->snd_una, c->recover) : seq_gt(c->snd_una, c->recover);
}

static void ack_open(struct conn *c, const struct ack_info *a)
{
    if (a->acked_bytes) {
        c->dupacks = 0;
        c->high_rxt = c->snd_una;
        if (seq_gt(c->snd_una, c->recover))
            c->recover = c->snd_una - 1; /* keeps the comparison true across 2^31 bytes */
        if (c->flags & F_CWND_LIMITED && !a->ece)
            conn_cc(c)->acked(c, a, c->t->now);
    } else if (a->dup || a->sacked_bytes) {
        c->dupacks += c->dupacks < UINT8_MAX;
    }
    if (!conn_flight(c) || !past_last_recovery(c))
        return;
    if (c->dupacks >= DUP_THRESH ||
        (c->score && seq_gt(sl_tcp_score_lost_edge(c->score, c->snd_una, c->mss), c->snd_una)))
        enter_recovery(c);
}

static void ack_recovery(struct conn *c, const struct ack_info *a)
{
    if (seq_geq(c->snd_una, c->recover)) {
        c->cwnd = SL_MIN(c->ssthresh, SL_MAX(conn_flight(c), (uint32_t)c->mss) + c->mss);
        enter_open(c);
        return;
    }
    if (a->acked_bytes) {
        c->high_rxt = seq_max(c->high_rxt, c->snd_una);
        if (!(c->flags & F_SACK)) { /* a partial ACK shows the next hole (RFC 6582 3.2 step 3) */
            c->dupacks -= (uint8_t)SL_MIN(c->dupacks, a->acked_bytes / c->mss);
            c->high_rxt = c->snd_una;
            c->flags |= F_RTX_FORCE;
        }
    } else if (a->dup) {
        c->dupacks += c->dupacks < UINT8_MAX;
    }
}

static void ack_loss(struct conn *c, const struct ack_info *a)
{
    if (!a->acked_bytes)
        return;
    c->high_rxt = seq_max(c->high_rxt, c->snd_una);
    conn_cc(c)->acked(c, a, c->t->now);
    if (seq_geq(c->snd_una, c->recover))
        enter_open(c);
}

void sl_tcp_recovery_ack(struct conn *c, const struct ack_info *a)
{
    static void (*const by_ca[])(struct conn *, const struct ack_info *) = {
        [CA_OPEN] = ack_open, [CA_RECOVERY] = ack_recovery, [CA_LOSS] = ack_loss};

    if (c->score && a->acked_bytes) {
        sl_tcp_score_ack(c->score, c->snd_una);
        if (!c->score->n)
            sl_tcp_conn_drop_score(c);
    }
    by_ca[c->ca](c, a);
}

void sl_tcp_recovery_rto(struct conn *c)
{
    conn_cc(c)->timeout(c, conn_flight(c), c->ca != CA_LOSS, c->t->now);
    c->flags |= F_ECN_CWR;
    sl_tcp_recovery_resend(c);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_RTOS);
}

/* The peer may have thrown SACKed bytes away (RFC 2018 section 8): nothing is taken for delivered. */
void sl_tcp_recovery_resend(struct conn *c)
{
    sl_tcp_conn_drop_score(c);
    c->ca = CA_LOSS;
    c->recover = c->snd_nxt;
    c->high_rxt = c->snd_una;
    c->dupacks = 0;
    c->flags &= ~(uint32_t)(F_RTX_FORCE | F_TIMING);
}
