/* Congestion that was none. The first ACK of a recovery echoes a timestamp from before the first retransmission: the
 * original had arrived (Eifel, RFC 3522). Or the peer reports all retransmissions as duplicates (RFC 3708). Then what the
 * congestion did is taken back (RFC 4015). */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

void sl_tcp_undo_begin(struct conn *c, bool may_undo, bool timeout)
{
    struct seldom *x = sl_tcp_conn_need_seldom(c);
    struct episode *e = episode_of(c);
    uint32_t idx;

    if (!e) {
        e = sl_tcp_slab_take(&c->t->episodes, &idx);
        if (!e)
            return;
        x->episode = idx;
    }
    *e = (struct episode){.prior_cwnd = c->cwnd,
                          .prior_ssthresh = c->ssthresh,
                          .prior_flight = conn_flight(c),
                          .prior_cc = c->cc,
                          .una = c->snd_una,
                          .nxt = c->snd_nxt,
                          .may_undo = may_undo,
                          .first_ack = true,
                          .timeout = timeout};
}

void sl_tcp_undo_drop(struct conn *c)
{
    if (!episode_of(c))
        return;
    sl_tcp_slab_give(&c->t->episodes, seldom_of(c)->episode);
    seldom_of(c)->episode = 0;
}

void sl_tcp_undo_timeout(struct conn *c)
{
    struct episode *e = episode_of(c);

    if (!e)
        return;
    e->timeout = true;
    e->nxt = c->snd_nxt;
}

void sl_tcp_undo_over(struct conn *c)
{
    struct episode *e = episode_of(c);

    if (!e)
        return;
    e->over = true;
    e->nxt = c->snd_nxt;
}

void sl_tcp_undo_sent_again(struct conn *c, uint32_t len)
{
    struct episode *e = episode_of(c);

    if (!e)
        return;
    e->again_bytes += SL_MIN(len, UINT32_MAX - e->again_bytes);
    if (e->stamped)
        return;
    e->stamp = conn_tsval(c);
    e->stamped = true;
}

/* RFC 3522 3.2 steps 4 and 5. When this ACK covers all that was sent, it may be that all ACKs were lost: a peer that is known
 * to report duplicates would do so now. */
static bool echo_tells(const struct conn *c, const struct episode *e, const struct ack_info *a)
{
    return e->stamped && e->first_ack && a->acked_bytes && a->tsecr && seq_lt(a->tsecr, e->stamp) &&
           !ack_has_dsack(a) && (c->dsack_seen || conn_flight(c));
}

/* Each report counts once: the network doubles ACKs, too. That of a loss probe says nothing of what was sent again. */
static bool duplicates_tell(const struct conn *c, struct episode *e, const struct ack_info *a)
{
    uint32_t bytes = a->dsack.end - a->dsack.start;

    if (!bytes || !e->again_bytes || sl_tcp_tlp_explains(c, a) || seq_lt(a->dsack.start, e->una) ||
        seq_gt(a->dsack.end, e->nxt) || (a->dsack.start == e->dsack.start && a->dsack.end == e->dsack.end))
        return false;
    e->dsack = a->dsack;
    e->again_bytes -= SL_MIN(bytes, e->again_bytes);
    return !e->again_bytes;
}

/* RFC 4015 3.2: ssthresh as it was, at least what was in flight; cwnd as it was, but with no burst larger than the
 * initial window: slow start brings the rest. */
static void restore(struct conn *c, const struct episode *e)
{
    uint32_t cwnd = SL_MIN(e->prior_cwnd, conn_flight(c) + cc_initial_window(c));

    c->ssthresh = SL_MAX(e->prior_ssthresh, e->prior_flight);
    c->cwnd = SL_MAX(c->cwnd, cwnd);
    conn_cc(c)->undo(c, &e->prior_cc);
}

static void undo(struct conn *c, const struct episode *e)
{
    restore(c, e);
    if (c->ca == CA_RECOVERY || c->ca == CA_LOSS)
        sl_tcp_recovery_open(c);
    sl_stat_inc(c->t->stats, e->timeout ? SL_CTR_TCP_SPURIOUS_RTOS : SL_CTR_TCP_SPURIOUS_RECOVERIES);
    sl_tcp_undo_drop(c);
}

static void undo_by_echo(struct conn *c, const struct episode *e, const struct ack_info *a)
{
    if (e->timeout) /* 3.2 step 8: the echo's round trip is longer than the timeout was */
        sl_tcp_rtt_echo(c, conn_tsval(c) - a->tsecr);
    else
        sl_tcp_rack_dsack(c); /* reordering as a D-SACK shows it: a larger window for it */
    undo(c, e);
}

void sl_tcp_undo_ack(struct conn *c, const struct ack_info *a)
{
    struct episode *e = episode_of(c);

    c->dsack_seen |= ack_has_dsack(a);
    if (!e)
        return;
    if (e->may_undo && echo_tells(c, e, a)) {
        undo_by_echo(c, e, a);
    } else if (e->may_undo && duplicates_tell(c, e, a)) {
        undo(c, e);
    } else if (e->over && seq_gt(c->snd_una, e->nxt)) {
        sl_tcp_undo_drop(c);
    } else if (a->acked_bytes) {
        e->first_ack = false;
    }
}
