/* Slow start, and HyStart++ (RFC 9406), which ends the first one when the round trip grows: the queue of the bottleneck
 * fills, and a loss would be next. A round is the time in which what stood in flight at its beginning is acknowledged. */
#include "tcp/cc.h"

#define MIN_RTT_THRESH_US 4000u
#define MAX_RTT_THRESH_US 16000u
#define MIN_RTT_DIVISOR 8
#define N_RTT_SAMPLE 8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS 5
/* Not 8: who takes in a burst at once answers it with one ACK, which would count for little. */
#define L_SEGS 64u

#define INFINITE UINT32_MAX

static bool in_css(const struct hystart *h) { return h->css_base_us != INFINITE; }

static void begin_round(struct conn *c)
{
    struct hystart *h = &c->cc.hystart;

    h->last_min_us = h->round_min_us;
    h->round_min_us = INFINITE;
    h->samples = 0;
    h->window_end = c->snd_nxt;
}

void sl_tcp_slow_start_begin(struct conn *c)
{
    c->cc = (union cc_state){.hystart = {.round_min_us = INFINITE, .css_base_us = INFINITE}};
    begin_round(c);
}

void sl_tcp_slow_start_end(struct conn *c)
{
    if (cc_first_slow_start(c))
        c->cc = (union cc_state){.cubic = {0}};
}

/* ACKs that cover much make no bursts, unless a pacer spreads them (RFC 9406 4.2). What a retransmission after a
 * timeout uncovers arrived long ago (RFC 3465 2.3). */
static uint32_t growth_max(const struct conn *c)
{
    if (c->ca == CA_LOSS)
        return c->mss;
    return c->set->opts.pacing ? UINT32_MAX : L_SEGS * c->mss;
}

static uint32_t rtt_thresh(const struct hystart *h)
{
    return SL_MAX(MIN_RTT_THRESH_US, SL_MIN(h->last_min_us / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
}

/* A longer round trip leads into conservative slow start; there, a shorter one than at its beginning shows that it was
 * jitter. */
static void take_sample(struct hystart *h, uint32_t rtt_us)
{
    if (!rtt_us)
        return;
    h->round_min_us = SL_MIN(h->round_min_us, rtt_us);
    h->samples += h->samples < N_RTT_SAMPLE;
    if (h->samples < N_RTT_SAMPLE)
        return;
    if (in_css(h)) {
        if (h->round_min_us < h->css_base_us)
            h->css_base_us = INFINITE;
    } else if (h->last_min_us != INFINITE && h->round_min_us >= h->last_min_us + rtt_thresh(h)) {
        h->css_base_us = h->round_min_us;
        h->css_rounds = 0;
    }
}

static void end_round(struct conn *c)
{
    struct hystart *h = &c->cc.hystart;

    h->css_rounds += in_css(h);
    if (in_css(h) && h->css_rounds >= CSS_ROUNDS) {
        sl_tcp_slow_start_end(c);
        c->ssthresh = c->cwnd;
        sl_stat_inc(c->t->stats, SL_CTR_TCP_HYSTART_EXITS);
        return;
    }
    begin_round(c);
}

void sl_tcp_slow_start_acked(struct conn *c, const struct ack_info *a)
{
    struct hystart *h = &c->cc.hystart;
    uint32_t grow = SL_MIN(a->acked_bytes, growth_max(c));
    bool first = cc_first_slow_start(c);

    if (first) {
        take_sample(h, a->rtt_us);
        grow /= in_css(h) ? CSS_GROWTH_DIVISOR : 1;
    }
    grow = SL_MIN(grow, c->ssthresh - c->cwnd);
    c->cwnd = SL_MIN(c->cwnd + grow, TCP_CWND_MAX);
    if (first && seq_geq(c->snd_una, h->window_end))
        end_round(c);
}
