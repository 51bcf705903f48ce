/* The receive window: how much a connection may hold (its allowance), what of it the peer is told, and how the
 * allowance finds the size that the path needs.
 *
 * It begins with what a SYN can say. Each round trip it is compared with twice what the user took in that time: a
 * sender whose window doubles is never held back, and a user who takes nothing gets nothing. What was told is never
 * taken back (RFC 9293 3.8.6); a smaller allowance only keeps the edge where it is. */
#include "tcp/tcp_internal.h"

#define START_BYTES 65536u
#define ROUND_MIN_US 250u /* shorter round trips are measured by several of them: bursts are not rates */
#define IDLE_US 10000000u /* each so long without a byte taken halves the allowance */
#define RTT_MAX_US INT64_C(60000000)

void sl_tcp_window_init(struct conn *c) { c->win.allowed_bytes = SL_MIN(c->set->opts.rcv_max_bytes, START_BYTES); }

/* ---- how much ---- */

bool sl_tcp_window_waits_for_unit(const struct conn *c)
{
    return c->flags & F_UNIT && c->rcvq.bytes < SL_STREAM_UNIT_MAX_BYTES;
}

/* No connection gets more than a quarter of what is left before memory is short. */
static uint32_t share(const struct sl_tcp *t)
{
    uint64_t tight = t->held_max_bytes / 8 * MARK_TIGHT, left = tight - SL_MIN(t->nodes.held_bytes, tight);

    return (uint32_t)SL_MAX(SL_MIN(left / 4, (uint64_t)UINT32_MAX), (uint64_t)START_BYTES);
}

/* Bytes that the buffer could still take. Under memory pressure only those who hold nothing get more, and little. */
static uint32_t buffer_room(const struct conn *c)
{
    uint32_t most = SL_MIN(c->win.allowed_bytes, share(c->t)), room;
    bool unit = sl_tcp_window_waits_for_unit(c);

    if (unit)
        most = SL_MAX(most, SL_STREAM_UNIT_MAX_BYTES + (uint32_t)c->mss); /* a worthwhile step beyond its end */
    room = most > c->rcvq.bytes ? most - c->rcvq.bytes : 0;
    if (!memory_is_below(c->t, MARK_TIGHT))
        room = c->rcvq.bytes && !unit ? 0 : SL_MIN(room, 2u * c->mss);
    return SL_MIN(room, (uint32_t)UINT16_MAX << c->rcv_shift); /* no more than the header can say */
}

/* ---- what is told ---- */

/* The right edge never goes back, and moves only by a worthwhile step (RFC 9293 3.8.6.2.2). */
uint32_t sl_tcp_recv_window(const struct conn *c)
{
    uint32_t open = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0, room = buffer_room(c);
    uint32_t step = SL_MIN((uint32_t)c->mss, c->set->opts.rcv_max_bytes / 2);

    return room >= open + step ? room : open;
}

static void update(struct conn *c)
{
    if (conn_synchronized(c) && !(c->flags & F_EOF) && seq_gt(c->rcv_nxt + sl_tcp_recv_window(c), c->rcv_adv)) {
        sl_stat_inc(c->t->stats, SL_CTR_TCP_WINDOW_UPDATES);
        conn_ack_now(c);
    }
}

/* ---- the round trip as a receiver sees it ---- */

static void set_rtt(struct window *w, int64_t us) { w->rtt_us = (uint32_t)SL_MIN(SL_MAX(us, 1), RTT_MAX_US); }

static void learn_rtt(struct window *w, int64_t us)
{
    int64_t known_us = w->rtt_us;

    if (us <= RTT_MAX_US)
        set_rtt(w, known_us ? known_us + (us - known_us) / 8 : us);
}

/* The first full segment that echoes a timestamp answers the ACK that brought it. */
static void learn_by_echo(struct conn *c, const struct seg *s)
{
    if (!(s->opts & OPT_TS) || s->tsecr == c->win.echo || s->len < c->rcv_mss)
        return;
    c->win.echo = s->tsecr;
    learn_rtt(&c->win, (int64_t)(conn_tsval(c) - s->tsecr) * 1000);
}

/* Without timestamps: a byte beyond the edge that stood here comes a round trip later, or later still. So the least
 * counts. */
static void learn_by_edge(struct conn *c)
{
    struct window *w = &c->win;
    uint32_t now_us = tcp_now_us(c->t), us = now_us - w->edge_us;

    if (w->has_edge && seq_leq(c->rcv_nxt, w->edge))
        return;
    if (w->has_edge && (!w->rtt_us || us < w->rtt_us))
        set_rtt(w, us);
    w->edge = c->rcv_adv;
    w->edge_us = now_us;
    w->has_edge = 1;
}

void sl_tcp_window_arrived(struct conn *c, const struct seg *s)
{
    if (c->flags & F_TS)
        learn_by_echo(c, s);
    else
        learn_by_edge(c);
}

/* 0: not known yet. The ticks of timestamps are coarse: what our own segments measured is finer, as far as it goes. */
static uint32_t round_trip_us(const struct conn *c)
{
    uint32_t us = c->win.rtt_us;

    if (!us || (c->srtt_us && (us < 2000 || !(c->flags & F_TS))))
        us = us ? SL_MIN(us, c->srtt_us) : c->srtt_us;
    return us ? SL_MAX(us, ROUND_MIN_US) : 0;
}

/* ---- dynamic right-sizing ---- */

static void begin_round(struct window *w, uint32_t now_us)
{
    w->round_us = now_us;
    w->in_round = 1;
    w->taken_bytes = 0;
}

static void give_back(struct conn *c, uint32_t silence_us)
{
    uint32_t halvings = SL_MIN(silence_us / IDLE_US, 31u);
    uint32_t least = SL_MIN(c->set->opts.rcv_max_bytes, START_BYTES);

    c->win.allowed_bytes = SL_MAX(c->win.allowed_bytes >> halvings, least);
}

/* Bytes per round trip, which may still be going on. */
static void grow(struct conn *c, uint32_t rtt_us, uint32_t passed_us)
{
    uint32_t most = c->set->opts.rcv_max_bytes;
    uint64_t taken = c->win.taken_bytes, spare = 16u * c->rcv_mss;

    if (2 * taken + spare <= c->win.allowed_bytes || c->win.allowed_bytes == most)
        return;
    if (passed_us > rtt_us)
        taken = taken * rtt_us / passed_us;
    if (2 * taken + spare <= c->win.allowed_bytes)
        return;
    c->win.allowed_bytes = (uint32_t)SL_MIN(2 * taken + spare, (uint64_t)most);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_WINDOW_GROWN);
}

static void adapt(struct conn *c, uint32_t bytes)
{
    struct window *w = &c->win;
    uint32_t now_us = tcp_now_us(c->t), passed_us = now_us - w->round_us, rtt_us = round_trip_us(c);

    if (!w->in_round || passed_us >= IDLE_US) {
        if (w->in_round)
            give_back(c, passed_us);
        begin_round(w, now_us);
        passed_us = 0;
    }
    w->taken_bytes += bytes;
    if (!rtt_us)
        return;
    grow(c, rtt_us, passed_us);
    if (passed_us >= rtt_us)
        begin_round(w, now_us);
}

uint32_t sl_tcp_window_idle_us(const struct conn *c)
{
    return c->win.in_round ? tcp_now_us(c->t) - c->win.round_us : UINT32_MAX;
}

void sl_tcp_recv_consumed(struct conn *c, uint32_t bytes)
{
    c->flags &= ~(uint32_t)F_UNIT;
    if (!c->rcvq.bytes)
        c->stream.state &= (uint8_t)~SL_STREAM_READABLE;
    if (bytes)
        adapt(c, bytes);
    update(c);
}

void sl_tcp_recv_peeked(struct conn *c)
{
    if (c->flags & F_UNIT || !c->rcvq.bytes || c->rcvq.bytes >= SL_STREAM_UNIT_MAX_BYTES)
        return;
    c->flags |= F_UNIT;
    update(c);
}
