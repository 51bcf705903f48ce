/* What a connection may send now, one segment at a time. A segment is planned, emitted, and only then do the
 * connection's numbers move: when the transmit queue is full nothing was sent and nothing changed. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

/* ---- headers ---- */

static void add_sacks(struct conn *c, struct header *h)
{
    uint32_t max = c->flags & F_TS ? 3 : 4;

    if (!(c->flags & F_SACK))
        return;
    if (c->flags & F_DSACK) /* RFC 2883: the duplicate comes first, once */
        h->sacks[h->n_sacks++] = seldom_of(c)->dsack;
    if (reasm_of(c))
        h->n_sacks += (uint8_t)sl_tcp_reasm_blocks(reasm_of(c), h->sacks + h->n_sacks, max - h->n_sacks);
}

/* The window as bytes and as it stands in the header. */
static uint32_t put_window(const struct conn *c, struct header *h, uint8_t shift)
{
    uint32_t field = SL_MIN(sl_tcp_recv_window(c) >> shift, (uint32_t)UINT16_MAX);

    h->wnd = (uint16_t)field;
    return field << shift;
}

static uint32_t open_header(struct conn *c, struct header *h)
{
    h->ack = c->rcv_nxt;
    h->flags |= TF_ACK | (c->flags & F_ECN_ECHO ? TF_ECE : 0);
    if (c->flags & F_TS) {
        h->opts |= OPT_TS;
        h->tsval = conn_tsval(c);
        h->tsecr = c->ts_recent;
    }
    add_sacks(c, h);
    return put_window(c, h, c->rcv_shift);
}

/* SYN, or SYN and ACK after a simultaneous open. The first offers everything, the second only what the peer offered
 * too. */
static uint32_t syn_header(struct conn *c, struct header *h)
{
    bool answer = c->state == ST_SYN_RCVD;

    h->flags = TF_SYN | (answer ? TF_ACK : 0) | sl_tcp_ecn_syn_flags(c);
    h->ack = answer ? c->rcv_nxt : 0;
    h->opts = OPT_MSS;
    h->opts |= !answer || c->flags & F_TS ? OPT_TS : 0;
    h->opts |= !answer || c->flags & F_SACK ? OPT_SACK_OK : 0;
    h->opts |= !answer || c->flags & F_WSCALE ? OPT_WSCALE : 0;
    h->mss = sl_tcp_mss_offer(&c->path, &c->tuple);
    h->wscale = c->rcv_shift;
    h->tsval = conn_tsval(c);
    h->tsecr = answer ? c->ts_recent : 0;
    return put_window(c, h, 0);
}

/* ---- sending one segment ---- */

struct plan {
    uint32_t seq, len; /* sequence space, FIN included */
    struct place *place;
    enum { PLAN_NEW, PLAN_RTX, PLAN_TLP, PLAN_PROBE, PLAN_ACK, PLAN_ALIVE } kind;
};

static void commit_new(struct conn *c, const struct plan *p, uint32_t len)
{
    bool was_idle = !conn_flight(c);

    sl_tcp_recovery_sent(c, p->seq, len);
    c->snd_nxt = p->seq + len;
    if (len > c->mss)
        sl_tcp_pmtu_sent(c, p->seq, len);
    c->flags &= ~(uint32_t)(F_PROBE_OUT | F_OVERRIDE);
    sl_tcp_pace_sent(c, len);
    sl_tcp_timer_sent(c, was_idle);
}

static void commit_rtx(struct conn *c, const struct plan *p, uint32_t len)
{
    sl_tcp_recovery_sent_again(c, p->seq, len);
    c->flags &= ~(uint32_t)F_RTX_FORCE;
    sl_tcp_pmtu_sent_again(c, p->seq);
    sl_tcp_conn_need_seldom(c)->retransmits++;
    sl_tcp_pace_sent(c, len);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_RETRANSMITS);
    if (p->seq == c->snd_una)
        sl_tcp_timer_restart(c);
}

static void commit_tlp(struct conn *c, const struct plan *p, uint32_t len)
{
    bool again = p->seq != c->snd_nxt;

    c->flags &= ~(uint32_t)F_TLP_NOW;
    (again ? commit_rtx : commit_new)(c, p, len);
    sl_tcp_tlp_sent(c, p->seq + len, again);
    sl_tcp_timer_restart(c);
}

static void commit_probe(struct conn *c, const struct plan *p, uint32_t len)
{
    c->flags = (c->flags & ~(uint32_t)F_PROBE_NOW) | F_PROBE_OUT;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_WINDOW_PROBES);
}

static void commit_ack(struct conn *c, const struct plan *p, uint32_t len) {}

static void commit_alive(struct conn *c, const struct plan *p, uint32_t len)
{
    c->flags &= ~(uint32_t)F_ALIVE_NOW;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_KEEPALIVES);
}

static void (*const commit[])(struct conn *, const struct plan *, uint32_t) = {
    [PLAN_NEW] = commit_new,     [PLAN_RTX] = commit_rtx, [PLAN_TLP] = commit_tlp,
    [PLAN_PROBE] = commit_probe, [PLAN_ACK] = commit_ack, [PLAN_ALIVE] = commit_alive,
};

/* Sends p as one segment, as much of it as fits. */
static enum emit_result send_plan(struct conn *c, const struct plan *p)
{
    struct header h = {.seq = p->seq};
    uint32_t wnd = open_header(c, &h), most = p->kind == PLAN_NEW ? SL_MAX(p->len, (uint32_t)c->mss) : c->mss;
    uint32_t room = most - (h.n_sacks ? 4 + 8u * h.n_sacks : 0);
    uint32_t text = seq_lt(p->seq, c->snd_end) ? SL_MIN(SL_MIN(p->len, c->snd_end - p->seq), room) : 0;
    enum emit_result r;

    text = sl_tcp_emit_fit(c, p->place, p->seq, text);
    if (p->len > text && p->seq + text == c->snd_end && c->flags & F_SHUT)
        h.flags |= TF_FIN;
    if (text && p->seq + text == c->snd_end)
        h.flags |= TF_PSH;
    if ((p->kind == PLAN_NEW || p->kind == PLAN_TLP) && p->seq == c->snd_nxt && text)
        sl_tcp_ecn_mark(c, &h);
    r = sl_tcp_emit_data(c, &h, p->place, text);
    if (r != EMIT_SENT && r != EMIT_LOST)
        return r;
    commit[p->kind](c, p, text + !!(h.flags & TF_FIN));
    c->flags &= h.flags & TF_CWR ? ~(uint32_t)F_ECN_CWR : UINT32_MAX;
    c->last_tx_ms = tcp_now_ms(c->t);
    sl_tcp_recv_ack_sent(c, wnd);
    return EMIT_SENT;
}

static enum emit_result send_syn(struct conn *c)
{
    struct header h = {.seq = c->opening.iss};
    uint32_t wnd = syn_header(c, &h);
    enum emit_result r = sl_tcp_emit_data(c, &h, &c->snd_place, 0);

    if (r == EMIT_LOST) {
        sl_tcp_conn_end(c, SL_REASON_UNREACHABLE);
        return r;
    }
    if (r != EMIT_SENT)
        return r;
    c->flags &= ~(uint32_t)F_SYN_NOW;
    c->sent_us = tcp_now_us(c->t);
    c->snd_nxt = c->opening.iss + 1;
    if (c->state == ST_SYN_RCVD)
        sl_tcp_recv_ack_sent(c, wnd);
    sl_tcp_timer_sent(c, true);
    return r;
}

/* ---- what to send next ---- */

/* Whether a rest smaller than a segment, the last that there is, may go (Nagle, RFC 9293 3.7.4). */
static bool small_may_go(const struct conn *c) { return !c->set->opts.nagle || !conn_flight(c) || c->flags & F_SHUT; }

/* What the peer's window leaves. */
static uint32_t window_room(const struct conn *c)
{
    uint32_t edge = c->snd_una + c->snd_wnd;

    return seq_gt(edge, c->snd_nxt) ? edge - c->snd_nxt : 0;
}

/* What the user, the peer's window and Nagle leave for the next new segment. */
static uint32_t offered_bytes(const struct conn *c)
{
    uint32_t len = SL_MIN(conn_snd_limit(c) - c->snd_nxt, (uint32_t)c->mss), room = window_room(c);

    if (len > room) /* silly window avoidance (RFC 9293 3.8.6.2.1) */
        return room < c->max_snd_wnd / 2 && !(c->flags & F_OVERRIDE) ? 0 : room;
    return len < c->mss && !small_may_go(c) ? 0 : len;
}

/* The bytes of the next new segment; 0 when these or cwnd hold it back, and which of them it was: a segment that may go
 * says nothing about that, for a pacer may stop what would have come behind it. */
static uint32_t new_bytes(struct conn *c)
{
    uint32_t len = offered_bytes(c), pipe;

    if (!len) {
        c->flags &= ~(uint32_t)F_CWND_LIMITED;
        return 0;
    }
    pipe = sl_tcp_recovery_pipe(c);
    if (pipe && pipe + len > c->cwnd) {
        c->flags |= F_CWND_LIMITED;
        return 0;
    }
    return sl_tcp_pmtu_new_bytes(c, len, SL_MIN(window_room(c), pipe < c->cwnd ? c->cwnd - pipe : 0));
}

/* After a silence cwnd says nothing about the path any more (RFC 5681 4.1). */
static void restart_after_idle(struct conn *c)
{
    if (!conn_flight(c) && tcp_now_ms(c->t) - c->last_tx_ms > sl_tcp_rtt_rto_us(c) / 1000)
        conn_cc(c)->restart(c, c->t->now);
}

static bool plan_probe(struct conn *c, struct plan *p)
{
    if (!(c->flags & F_PROBE_NOW))
        return false;
    *p = (struct plan){c->snd_nxt, 1, &c->snd_place, PLAN_PROBE};
    if (!conn_flight(c) && c->snd_nxt != conn_snd_limit(c))
        return true;
    c->flags &= ~(uint32_t)F_PROBE_NOW;
    return false;
}

/* A loss probe goes out whatever cwnd says (RFC 8985 7.3). */
static bool plan_tlp(struct conn *c, struct plan *p)
{
    if (!(c->flags & F_TLP_NOW))
        return false;
    *p = (struct plan){.kind = PLAN_TLP};
    if (sl_tcp_tlp_next(c, &p->seq, &p->len)) {
        p->place = p->seq == c->snd_nxt ? &c->snd_place : &sl_tcp_conn_need_seldom(c)->rtx_place;
        return true;
    }
    c->flags &= ~(uint32_t)F_TLP_NOW;
    return false;
}

static bool plan_rtx(struct conn *c, struct plan *p)
{
    *p = (struct plan){.kind = PLAN_RTX};
    if (!sl_tcp_recovery_next(c, &p->seq, &p->len))
        return false;
    p->place = &sl_tcp_conn_need_seldom(c)->rtx_place;
    return true;
}

static bool plan_new(struct conn *c, struct plan *p)
{
    restart_after_idle(c);
    if (sl_tcp_recovery_waits(c) || sl_tcp_pace_holds(c))
        return false;
    *p = (struct plan){c->snd_nxt, new_bytes(c), &c->snd_place, PLAN_NEW};
    return p->len;
}

static bool plan_alive(struct conn *c, struct plan *p)
{
    *p = (struct plan){c->snd_nxt - 1, 0, &c->snd_place, PLAN_ALIVE};
    return c->flags & F_ALIVE_NOW;
}

static bool plan_ack(struct conn *c, struct plan *p)
{
    *p = (struct plan){c->snd_nxt, 0, &c->snd_place, PLAN_ACK};
    return c->flags & F_ACK_NOW;
}

/* RFC 6675 NextSeg's order: what is lost, then new bytes; an ACK of its own only when nothing else carried it. */
static bool (*const plans[])(struct conn *, struct plan *) = {plan_probe, plan_tlp,   plan_rtx,
                                                              plan_new,   plan_alive, plan_ack};

static bool next_plan(struct conn *c, struct plan *p)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(plans); i++) {
        if (plans[i](c, p))
            return true;
    }
    return false;
}

/* Without SACK the peer counts duplicate ACKs: each segment ahead of order gets one (RFC 5681 4.2), also when a burst
 * brought many. */
static bool send_owed_dups(struct conn *c)
{
    struct plan p = {c->snd_nxt, 0, &c->snd_place, PLAN_ACK};
    uint8_t owed = c->dup_owed;

    for (; !(c->flags & F_SACK) && owed > 1; owed--) {
        uint32_t flags = c->flags & F_ACK_NOW;

        if (send_plan(c, &p) != EMIT_SENT)
            return false;
        c->flags |= flags;
        c->dup_owed = owed - 1;
    }
    return true;
}

static bool output_syn(struct conn *c, uint32_t budget_segs, bool *more)
{
    struct plan p;

    if (c->flags & F_SYN_NOW) {
        enum emit_result r = send_syn(c);

        return r == EMIT_SENT || r == EMIT_LOST;
    }
    if (c->state == ST_SYN_RCVD && plan_ack(c, &p))
        return send_plan(c, &p) == EMIT_SENT;
    return true;
}

static bool output_open(struct conn *c, uint32_t budget_segs, bool *more)
{
    struct plan p;

    if (!send_owed_dups(c))
        return false;
    while (next_plan(c, &p)) {
        if (!budget_segs--) {
            *more = true;
            return true;
        }
        if (send_plan(c, &p) != EMIT_SENT)
            return false;
    }
    if (!conn_flight(c) && c->snd_nxt != conn_snd_limit(c) && !(c->flags & F_PACE_HELD))
        sl_tcp_timer_persist(c);
    return true;
}

bool sl_tcp_output_conn(struct conn *c, uint32_t budget_segs, bool *more)
{
    *more = false;
    return (c->state == ST_SYN_SENT || c->state == ST_SYN_RCVD ? output_syn : output_open)(c, budget_segs, more);
}
