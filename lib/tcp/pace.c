/* Pacing: the new segments of a window go out over its round trip instead of all at once. pace_at is when all that was
 * sent would have left at the rate; the sender may run ahead of it by a quantum, and then waits until it has come. So
 * segments go in small bursts, which cost few timers, and a silence saves nothing up.
 *
 * Retransmissions and probes are charged, but not held: they are few, clocked by ACKs or by a timer of their own, and
 * somebody waits behind the hole. */
#include "tcp/cc.h"

#define TICK_NS (UINT64_C(1) << SL_WHEEL_TICK_SHIFT)
#define QUANTUM_NS SL_NS_PER_MS
#define QUANTUM_SEGS_MIN 2
#define QUANTUM_SEGS_MAX 10
#define QUANTUM_TICKS_MIN 2 /* or the wheel would limit the rate */

/* In fifths of cwnd per round trip: slow start sends a window and what it grows by; afterwards a little more than a
 * window, so that cwnd stays the limit. */
static uint64_t gain_fifths(const struct conn *c) { return c->cwnd < c->ssthresh ? 10 : 6; }

static uint64_t time_for(const struct conn *c, uint32_t bytes)
{
    return (uint64_t)bytes * c->srtt_us * (5 * SL_NS_PER_US) / (c->cwnd * gain_fifths(c));
}

static bool is_paced(const struct conn *c) { return c->set->opts.pacing && c->srtt_us; }

uint64_t sl_tcp_pace_rate(const struct conn *c)
{
    return is_paced(c) ? c->cwnd * gain_fifths(c) * (SL_NS_PER_S / SL_NS_PER_US) / 5 / c->srtt_us : 0;
}

static uint64_t quantum_ns(uint64_t seg_ns)
{
    uint64_t quantum = SL_MAX(SL_MIN(QUANTUM_NS, QUANTUM_SEGS_MAX * seg_ns), QUANTUM_SEGS_MIN * seg_ns);

    return SL_MAX(quantum, QUANTUM_TICKS_MIN * TICK_NS);
}

/* Too far ahead; or not yet back, once it was. What was reckoned at a lower rate counts for no more than a quantum. */
static bool must_wait(struct conn *c)
{
    struct seldom *x = sl_tcp_conn_need_seldom(c);
    uint64_t now = c->t->now, seg_ns, quantum;

    if (x->pace_at <= now)
        return false;
    seg_ns = time_for(c, c->mss);
    quantum = quantum_ns(seg_ns);
    x->pace_at = SL_MIN(x->pace_at, now + quantum + seg_ns);
    return c->flags & F_PACE_HELD || x->pace_at + TICK_NS >= now + quantum;
}

bool sl_tcp_pace_holds(struct conn *c)
{
    if (!is_paced(c) || c->snd_nxt == conn_snd_limit(c) || !must_wait(c)) {
        c->flags &= ~(uint32_t)F_PACE_HELD;
        return false;
    }
    c->flags |= F_PACE_HELD;
    sl_tcp_timer_rearm(c);
    return true;
}

/* A timer that was late by a tick loses nothing. */
void sl_tcp_pace_sent(struct conn *c, uint32_t bytes)
{
    struct seldom *x;

    if (!is_paced(c))
        return;
    x = sl_tcp_conn_need_seldom(c);
    if (x->pace_at + TICK_NS < c->t->now)
        x->pace_at = c->t->now;
    x->pace_at += time_for(c, bytes);
}
