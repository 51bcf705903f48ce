/* RACK (RFC 8985 section 6): a segment is lost when one that was sent later has arrived and a reordering window has passed
 * since. Works on retransmissions as on first transmissions. For peers that speak SACK. */
#include "tcp/tcp_internal.h"

#define DUP_THRESH 3u
#define REO_MULT_MAX 15u
#define REO_WND_MIN_US 66u /* a tick of the wheel: what a loop takes in at once has no order that matters */
#define REO_PERSIST 16u    /* recoveries without a D-SACK, then the window is small again */

static bool sent_after(uint32_t a_us, uint32_t a_end, uint32_t b_us, uint32_t b_end)
{
    return us_later(a_us, b_us) || (a_us == b_us && seq_gt(a_end, b_end));
}

/* ---- what arrived: steps 2 and 3 ---- */

/* Something below what had arrived came after it, and was not sent again: the network changes the order. */
static void detect_reordering(struct conn *c, struct rack *r, const struct piece *p)
{
    if (seq_gt(p->end, r->fack))
        r->fack = p->end;
    else if (seq_lt(p->end, r->fack) && !(p->flags & RUN_AGAIN))
        c->reordered = 1;
}

/* An ACK of what was sent twice may be that of the first transmission. */
static bool is_ambiguous(const struct conn *c, const struct piece *p, uint32_t tsecr, uint32_t rtt_us)
{
    if (!(p->flags & RUN_AGAIN))
        return false;
    return (tsecr && seq_lt(tsecr, conn_tsval_at(c, p->sent_us))) || rtt_us < c->min_rtt_us;
}

void sl_tcp_rack_delivered(struct conn *c, struct flight *f, const struct piece *p, uint32_t tsecr)
{
    uint32_t rtt_us = tcp_now_us(c->t) - p->sent_us;
    struct rack *r = &f->rack;

    detect_reordering(c, r, p);
    if (is_ambiguous(c, p, tsecr, rtt_us))
        return;
    r->rtt_us = rtt_us;
    if (!r->any || sent_after(p->sent_us, p->end, r->xmit_us, r->end)) {
        r->xmit_us = p->sent_us;
        r->end = p->end;
    }
    r->any = true;
}

/* ---- the reordering window: step 4 ---- */

/* It grows at most once per round trip. */
void sl_tcp_rack_dsack(struct conn *c)
{
    struct seldom *x = sl_tcp_conn_need_seldom(c);

    if (c->dsack_in_round && seq_geq(c->snd_una, x->dsack_round))
        c->dsack_in_round = 0;
    if (c->dsack_in_round)
        return;
    c->dsack_in_round = 1;
    x->dsack_round = c->snd_nxt;
    c->reo_mult = SL_MIN(c->reo_mult + 1u, REO_MULT_MAX);
    c->reo_persist = REO_PERSIST;
}

void sl_tcp_rack_recovered(struct conn *c)
{
    if (c->reo_persist && --c->reo_persist == 0)
        c->reo_mult = 1;
}

static bool dup_thresh_reached(const struct conn *c, const struct flight *f)
{
    return f->sacked_runs >= DUP_THRESH || f->sacked_bytes > (DUP_THRESH - 1) * c->mss;
}

static uint32_t reo_wnd_us(const struct conn *c, const struct flight *f)
{
    if (!c->reordered && (c->ca == CA_RECOVERY || c->ca == CA_LOSS || dup_thresh_reached(c, f)))
        return 0;
    return SL_MAX(SL_MIN((uint32_t)(c->reo_mult * (uint64_t)c->min_rtt_us / 4), c->srtt_us), REO_WND_MIN_US);
}

/* ---- what is lost: step 5 ---- */

/* Whether something that was sent after this run has arrived. */
static bool is_overtaken(const struct rack *r, const struct flight_run *run, uint32_t now_us)
{
    if (run->flags & (RUN_SACKED | RUN_LOST) || (run->flags & RUN_AGAIN && run->sent_us == now_us))
        return false;
    return sent_after(r->xmit_us, r->end, run->sent_us, run->end);
}

bool sl_tcp_rack_detect(struct conn *c)
{
    struct flight *f = flight_of(c);
    uint32_t now_us = tcp_now_us(c->t), deadline_us, had = f->lost_bytes;
    int32_t wait_us = 0;

    f->rack.at_ns = SL_NEVER;
    if (!f->rack.any || !(f->sacked_bytes || f->again_bytes))
        return false;
    deadline_us = f->rack.rtt_us + reo_wnd_us(c, f);
    for (uint32_t i = f->first; i < f->n; i++) {
        const struct flight_run *run = &f->runs[i];
        int32_t left_us = (int32_t)(run->sent_us + deadline_us - now_us);

        if (!is_overtaken(&f->rack, run, now_us))
            continue;
        if (left_us <= 0)
            sl_tcp_flight_lose_run(f, i);
        else
            wait_us = SL_MAX(wait_us, left_us);
    }
    if (wait_us) {
        f->rack.at_ns = c->t->now + (uint64_t)wait_us * SL_NS_PER_US;
        sl_tcp_timer_rack(c);
    }
    return f->lost_bytes != had;
}

void sl_tcp_rack_timeout(struct conn *c)
{
    if (sl_tcp_rack_detect(c))
        sl_tcp_recovery_lost(c);
}

/* Section 6.3: the first segment is lost, and of the others those that had time enough to arrive. */
void sl_tcp_rack_rto(struct conn *c, struct flight *f)
{
    uint32_t had_us = (f->rack.any ? f->rack.rtt_us : c->srtt_us) + reo_wnd_us(c, f), now_us = tcp_now_us(c->t);

    f->rack.at_ns = SL_NEVER;
    if (c->backoff) { /* not the first in a row: all had time, perhaps more than a clock that wraps can tell */
        sl_tcp_flight_lose(f, c->snd_una, c->snd_nxt);
        return;
    }
    for (uint32_t i = f->first; i < f->n; i++) {
        if ((int32_t)(f->runs[i].sent_us + had_us - now_us) <= 0)
            sl_tcp_flight_lose_run(f, i);
    }
    sl_tcp_flight_lose(f, f->una, f->una + SL_MIN((uint32_t)c->mss, conn_flight(c)));
}
