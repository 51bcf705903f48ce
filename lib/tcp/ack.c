/* Step 5 of RFC 9293 3.10.7.4 for an acceptable ACK: what it acknowledges, what it says about the peer's window and
 * about loss. */
#include "tcp/tcp_internal.h"

/* Blocks that say something about what is in flight; D-SACKs (at or below snd_una), reversed and future ones say
 * nothing (RFC 2018, 2883). */
static uint32_t take_sacks(struct conn *c, const struct seg *s)
{
    uint32_t fresh = 0;

    if (!(c->flags & F_SACK))
        return 0;
    for (uint32_t i = 0; i < s->n_sacks; i++) {
        struct range b = s->sacks[i];
        bool forgot;

        if (seq_geq(b.start, b.end) || seq_leq(b.start, c->snd_una) || seq_leq(b.start, s->ack) ||
            seq_gt(b.end, c->snd_nxt)) {
            sl_stat_inc(c->t->stats, SL_CTR_TCP_SACKS_IGNORED);
            continue;
        }
        if (!sl_tcp_conn_need_score(c))
            break;
        fresh += sl_tcp_score_add(c->score, b.start, b.end, &forgot);
        if (forgot)
            sl_stat_drop(c->t->stats, SL_DROP_TCP_SCORE_FULL);
    }
    return fresh;
}

/* RFC 5681 section 2. With SACK only what is newly SACKed counts (RFC 6675 section 2): an ACK without it answers a
 * segment that the network doubled, or is such a double itself. */
static bool is_duplicate(const struct conn *c, const struct seg *s)
{
    return !(c->flags & F_SACK) && s->bare && s->ack == c->snd_una && conn_flight(c) &&
           s->wnd << c->snd_shift == c->snd_wnd;
}

/* When the ACK of a segment is lost, the peer answers its retransmissions with the first one's timestamp, for a
 * duplicate does not move ts_recent (RFC 7323 5.3). What went by since then is timeouts, not a round trip. */
static bool echo_is_stale(const struct conn *c, const struct seg *s)
{
    bool again = c->state == ST_SYN_SENT ? c->flags & F_SYN_RTX : seq_gt(c->high_rxt, c->snd_una);

    return again && seq_lt(s->tsecr, (uint32_t)(c->rtt_at / SL_NS_PER_MS) + c->ts_offset);
}

/* Karn's ambiguity does not touch timestamps (RFC 7323 4.1), but for stale ones. */
void sl_tcp_ack_measure_ts(struct conn *c, const struct seg *s)
{
    uint32_t ms = conn_tsval(c) - s->tsecr;

    if (echo_is_stale(c, s))
        return;
    if (c->flags & F_TS && s->opts & OPT_TS && s->tsecr && ms <= TCP_RTO_MAX_NS / SL_NS_PER_MS)
        sl_tcp_rtt_sample(c, (uint64_t)ms * SL_NS_PER_MS);
}

static void measure(struct conn *c, const struct seg *s)
{
    if (c->flags & F_TIMING) {
        if (seq_lt(s->ack, c->rtt_seq))
            return;
        c->flags &= ~(uint32_t)F_TIMING;
        sl_tcp_rtt_sample(c, c->t->now - c->rtt_at);
    } else {
        sl_tcp_ack_measure_ts(c, s);
    }
}

/* RFC 9293 3.10.7.4: only newer segments move the window. A retransmission may bring a newer ACK under an older number:
 * it counts as newer too, or the window's edge would run ahead of what the peer said. */
static void take_window(struct conn *c, const struct seg *s, bool advanced)
{
    uint32_t wnd = s->wnd << c->snd_shift;
    bool newer = seq_lt(c->snd_wl1, s->seq) || (c->snd_wl1 == s->seq && seq_leq(c->snd_wl2, s->ack));

    if (seq_lt(s->ack, c->snd_una) || !(newer || advanced))
        return;
    c->snd_wnd = wnd;
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
    c->max_snd_wnd = SL_MAX(c->max_snd_wnd, wnd);
}

static void advance(struct conn *c, const struct seg *s)
{
    struct sl_tcp *t = c->t;

    measure(c, s);
    sl_stat_add(t->stats, SL_CTR_TCP_TX_BYTES_ACKED, s->ack - c->snd_una);
    sl_tcp_send_acked(c, s->ack);
    c->progress_ns = t->now;
    sl_tcp_timer_acked(c);
    sl_net_confirm(t->net, &c->path, t->now);
}

void sl_tcp_ack_process(struct conn *c, const struct seg *s)
{
    struct ack_info info = {.dup = is_duplicate(c, s)};

    if (c->flags & F_PROBE_OUT && s->ack == c->snd_nxt + 1) { /* the peer took the probe's byte */
        c->snd_nxt++;
        c->flags &= ~(uint32_t)F_PROBE_OUT;
    }
    info.sacked_bytes = take_sacks(c, s);
    if (seq_gt(s->ack, c->snd_una)) {
        info.acked_bytes = s->ack - c->snd_una;
        advance(c, s);
    }
    take_window(c, s, info.acked_bytes != 0);
    info.ece = sl_tcp_ecn_echoed(c, s);
    sl_tcp_recovery_ack(c, &info);
    if (c->snd_nxt != conn_snd_limit(c) || c->ca != CA_OPEN)
        conn_wants_output(c);
    if (info.acked_bytes && c->flags & F_SHUT && !(c->flags & F_FIN_ACKED) && c->snd_una == c->snd_end + 1) {
        c->flags |= F_FIN_ACKED;
        sl_tcp_close_fin_acked(c);
    }
}
