/* Step 5 of RFC 9293 3.10.7.4 for an acceptable ACK: what it acknowledges, what it says about the peer's window and
 * about loss. */
#include "tcp/tcp_internal.h"

/* What of this ACK tells how long a round trip takes. */
struct timing {
    uint32_t fresh_us, again_us; /* when the newest piece that was sent once, the first that was sent again left */
    bool fresh, again;
};

/* ---- SACK (RFC 2018) and D-SACK (RFC 2883) ---- */

static bool lies_in(struct range b, struct range outer)
{
    return seq_geq(b.start, outer.start) && seq_leq(b.end, outer.end);
}

/* The first block reports what arrived twice when it lies below the ACK, or inside the second block. Blocks of the future,
 * of the far past, and those that straddle the ACK's number are none. */
static bool is_dsack(const struct conn *c, const struct seg *s)
{
    struct range b = s->sacks[0];

    if (seq_geq(b.start, b.end) || seq_gt(b.end, c->snd_nxt) || seq_lt(b.start, c->snd_una - c->max_snd_wnd))
        return false;
    return seq_leq(b.end, s->ack) || (s->n_sacks > 1 && seq_gt(b.start, s->ack) && lies_in(b, s->sacks[1]));
}

/* Whether b says something about what is in flight; reversed, future and old ones say nothing. */
static bool is_sack(const struct conn *c, const struct seg *s, struct range b)
{
    return seq_lt(b.start, b.end) && seq_gt(b.start, c->snd_una) && seq_gt(b.start, s->ack) &&
           seq_leq(b.end, c->snd_nxt);
}

/* The good blocks, in the order of their numbers, so that one ACK's own order does not look like the network's. */
static uint32_t sort_sacks(struct conn *c, const struct seg *s, struct range *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_sacks; i++) {
        uint32_t k = n;

        if (!is_sack(c, s, s->sacks[i])) {
            sl_stat_inc(c->t->stats, SL_CTR_TCP_SACKS_IGNORED);
            continue;
        }
        for (; k && seq_gt(out[k - 1].start, s->sacks[i].start); k--)
            out[k] = out[k - 1];
        out[k] = s->sacks[i];
        n++;
    }
    return n;
}

/* ---- what was delivered ---- */

static void take_piece(struct conn *c, const struct piece *p, struct timing *m, struct ack_info *a)
{
    struct flight *f = flight_of(c);

    if (p->flags & RUN_SACKED) /* it was counted then */
        return;
    a->delivered_bytes += p->end - p->start;
    if (p->flags & RUN_AGAIN) {
        m->again_us = m->again ? m->again_us : p->sent_us;
        m->again = true;
    } else if (!m->fresh || us_later(p->sent_us, m->fresh_us)) {
        m->fresh_us = p->sent_us;
        m->fresh = true;
    }
    if (f && c->flags & F_SACK)
        sl_tcp_rack_delivered(c, f, p, a->tsecr);
}

static void take_acked(struct conn *c, uint32_t ack, struct timing *m, struct ack_info *a)
{
    struct flight *f = flight_of(c);
    struct piece p = {c->snd_una, ack, c->sent_us, c->blurred ? RUN_AGAIN : 0};

    if (!f)
        take_piece(c, &p, m, a);
    while (f && sl_tcp_flight_take_acked(f, ack, &p))
        take_piece(c, &p, m, a);
}

static void take_sacked(struct conn *c, struct range b, struct timing *m, struct ack_info *a)
{
    struct flight *f = sl_tcp_conn_need_flight(c);
    bool forgot = !f;
    struct piece p;

    a->dup |= !f;
    while (f && sl_tcp_flight_take_sacked(f, &b.start, b.end, &p, &forgot)) {
        a->sacked_bytes += p.end - p.start;
        take_piece(c, &p, m, a);
    }
    if (forgot)
        sl_stat_drop(c->t->stats, SL_DROP_TCP_FLIGHT_FULL);
}

static void take_sacks(struct conn *c, const struct seg *s, struct timing *m, struct ack_info *a)
{
    struct range blocks[WIRE_SACKS_MAX];
    uint32_t n;

    if (!(c->flags & F_SACK) || !s->n_sacks)
        return;
    n = sort_sacks(c, s, blocks);
    for (uint32_t i = 0; i < n; i++)
        take_sacked(c, blocks[i], m, a);
    if (is_dsack(c, s)) {
        a->dsack = s->sacks[0];
        sl_stat_inc(c->t->stats, SL_CTR_TCP_DSACKS);
    }
}

/* RFC 5681 section 2. With SACK only what is newly SACKed counts (RFC 6675 section 2): an ACK without it answers a
 * segment that the network doubled, or is such a double itself. */
static bool is_duplicate(const struct conn *c, const struct seg *s)
{
    return !(c->flags & F_SACK) && s->bare && s->ack == c->snd_una && conn_flight(c) &&
           seg_window(s, c->snd_shift) == c->snd_wnd;
}

/* ---- round trips ---- */

static void measure_echo(struct conn *c, const struct seg *s)
{
    uint32_t ms = conn_tsval(c) - s->tsecr;

    if (c->flags & F_TS && s->opts & OPT_TS && s->tsecr && ms <= TCP_RTO_MAX_NS / SL_NS_PER_MS)
        sl_tcp_rtt_echo(c, ms);
}

/* When the ACK of a segment is lost, the peer answers its retransmissions with the first one's timestamp, for a
 * duplicate does not move ts_recent (RFC 7323 5.3). What went by since then is timeouts, not a round trip. */
static bool echo_is_stale(const struct conn *c, const struct seg *s, uint32_t again_us)
{
    return seq_lt(s->tsecr, conn_tsval_at(c, again_us));
}

void sl_tcp_ack_measure_ts(struct conn *c, const struct seg *s)
{
    if (!(c->state == ST_SYN_SENT && c->flags & F_SYN_RTX && echo_is_stale(c, s, c->sent_us)))
        measure_echo(c, s);
}

/* Karn's ambiguity does not touch timestamps (RFC 7323 4.1), but for stale ones. */
static void measure(struct conn *c, const struct seg *s, const struct timing *m, struct ack_info *a)
{
    if (m->fresh && !m->again) {
        a->rtt_us = SL_MAX(tcp_now_us(c->t) - m->fresh_us, 1u);
        sl_tcp_rtt_sample(c, (uint64_t)a->rtt_us * SL_NS_PER_US);
    } else if (a->acked_bytes && !(m->again && echo_is_stale(c, s, m->again_us))) {
        measure_echo(c, s);
    }
}

/* RFC 9293 3.10.7.4: only newer segments move the window. A retransmission may bring a newer ACK under an older number:
 * it counts as newer too, or the window's edge would run ahead of what the peer said. */
static void take_window(struct conn *c, const struct seg *s, bool advanced)
{
    uint32_t wnd = seg_window(s, c->snd_shift);
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

    sl_stat_add(t->stats, SL_CTR_TCP_TX_BYTES_ACKED, s->ack - c->snd_una);
    sl_tcp_send_acked(c, s->ack);
    c->progress_ns = t->now;
    sl_net_confirm(t->net, &c->path, &c->tuple.remote, t->now);
}

/* The peer took the byte of a window probe, which no flight knows. */
static bool take_probe(struct conn *c, const struct seg *s)
{
    if (!(c->flags & F_PROBE_OUT) || s->ack != c->snd_nxt + 1)
        return false;
    c->snd_nxt++;
    c->flags &= ~(uint32_t)F_PROBE_OUT;
    return true;
}

/* Nothing is in flight and nothing is open, and the ACK says no more than how large the window is: so it is beside most
 * text that comes in. */
static bool says_nothing(const struct conn *c, const struct seg *s)
{
    return s->ack == c->snd_una && !conn_flight(c) && !s->n_sacks && !(s->flags & TF_ECE) && c->ca == CA_OPEN &&
           !c->tlp_out;
}

static void process(struct conn *c, const struct seg *s)
{
    struct ack_info info = {.dup = is_duplicate(c, s),
                            .bare_dup = s->bare && s->ack == c->snd_una && !s->n_sacks,
                            .tsecr = c->flags & F_TS && s->opts & OPT_TS ? s->tsecr : 0};
    struct timing m = {0};

    if (take_probe(c, s))
        m.again = true;
    if (seq_gt(s->ack, c->snd_una)) {
        info.acked_bytes = s->ack - c->snd_una;
        take_acked(c, s->ack, &m, &info);
        advance(c, s);
    }
    take_sacks(c, s, &m, &info);
    measure(c, s, &m, &info);
    take_window(c, s, info.acked_bytes != 0);
    info.ece = sl_tcp_ecn_echoed(c, s);
    sl_tcp_recovery_ack(c, &info);
    if (info.ece)
        sl_tcp_ecn_react(c);
    if (info.acked_bytes)
        sl_tcp_timer_acked(c);
    if (info.acked_bytes && c->flags & F_SHUT && !(c->flags & F_FIN_ACKED) && c->snd_una == c->snd_end + 1) {
        c->flags |= F_FIN_ACKED;
        sl_tcp_close_fin_acked(c);
    }
}

void sl_tcp_ack_process(struct conn *c, const struct seg *s)
{
    if (says_nothing(c, s))
        take_window(c, s, false);
    else
        process(c, s);
    if (c->snd_nxt != conn_snd_limit(c) || c->ca != CA_OPEN)
        conn_wants_output(c);
}
