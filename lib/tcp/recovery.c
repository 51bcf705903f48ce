/* Loss recovery: when it begins, what is sent in it, when it ends. Others find what is lost (rack.c, dupack.c) and say how
 * much may be sent meanwhile (prr.c) and whether it was none (undo.c); the flight holds what is known of every byte. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

/* ---- what is in flight ---- */

static bool knows_by_sack(const struct conn *c) { return c->flags & F_SACK && c->flight; }

static bool has_lost(const struct conn *c)
{
    const struct flight *f = flight_of(c);

    return f ? f->lost_bytes : c->flags & F_RTX_FORCE;
}

/* RFC 6675's estimate: what is neither SACKed nor lost. What was lost and sent again is in flight once. */
uint32_t sl_tcp_recovery_pipe(const struct conn *c)
{
    const struct flight *f = flight_of(c);
    uint32_t gone = f ? f->sacked_bytes + f->lost_bytes : 0, flight = conn_flight(c);

    if (!knows_by_sack(c))
        gone += sl_tcp_dupack_gone(c);
    return flight > gone ? flight - gone : 0;
}

/* Called before snd_nxt moves. */
void sl_tcp_recovery_sent(struct conn *c, uint32_t seq, uint32_t len)
{
    uint32_t now_us = tcp_now_us(c->t);
    struct flight *f = flight_of(c);

    if (!f && !conn_flight(c)) {
        c->sent_us = now_us;
    } else if (!f && c->sent_us != now_us) {
        f = sl_tcp_conn_need_flight(c);
        c->blurred = !f;
    }
    if (f)
        sl_tcp_flight_sent(f, seq + len, now_us);
    sl_tcp_prr_sent(c, len);
}

void sl_tcp_recovery_sent_again(struct conn *c, uint32_t seq, uint32_t len)
{
    struct flight *f = sl_tcp_conn_need_flight(c);

    if (f)
        sl_tcp_flight_again(f, seq, seq + len, tcp_now_us(c->t));
    c->blurred = !f;
    sl_tcp_prr_sent(c, len);
    if (c->ca == CA_RECOVERY || c->ca == CA_LOSS)
        sl_tcp_undo_sent_again(c, len);
}

/* Without a flight it is the first segment only, and only when there is a reason to send it again. */
static bool first_lost(struct conn *c, struct range *r)
{
    const struct flight *f = flight_of(c);

    if (!has_lost(c) || !conn_flight(c)) {
        c->flags &= ~(uint32_t)F_RTX_FORCE;
        return false;
    }
    *r = f ? sl_tcp_flight_next_lost(f) : (struct range){c->snd_una, c->snd_nxt};
    return true;
}

bool sl_tcp_recovery_next(struct conn *c, uint32_t *seq, uint32_t *len)
{
    struct range r;
    uint32_t pipe;

    if ((c->ca != CA_RECOVERY && c->ca != CA_LOSS) || !first_lost(c, &r))
        return false;
    *seq = r.start;
    *len = SL_MIN(r.end - r.start, (uint32_t)c->mss);
    pipe = sl_tcp_recovery_pipe(c);
    if (c->flags & F_RTX_FORCE || !pipe || pipe + *len <= c->cwnd)
        return true;
    c->flags |= F_CWND_LIMITED;
    return false;
}

bool sl_tcp_recovery_waits(const struct conn *c)
{
    return (c->ca == CA_RECOVERY || c->ca == CA_LOSS) && conn_flight(c) && has_lost(c);
}

/* ---- ends ---- */

static void enter_open(struct conn *c)
{
    c->ca = CA_OPEN;
    c->dupacks = 0;
    c->flags &= ~(uint32_t)(F_RTX_FORCE | F_RESENT);
}

void sl_tcp_recovery_open(struct conn *c)
{
    struct flight *f = flight_of(c);

    if (f)
        sl_tcp_flight_forget_losses(f);
    enter_open(c);
}

static void finish(struct conn *c)
{
    if (c->ca != CA_LOSS)
        sl_tcp_prr_end(c);
    if (c->ca != CA_CWR)
        sl_tcp_rack_recovered(c);
    sl_tcp_undo_over(c);
    enter_open(c);
}

/* ---- beginnings ---- */

/* RFC 5681: ssthresh is reduced once per event; a loss in CWR is the event that the echo told of. */
static void begin(struct conn *c, uint8_t ca, uint32_t window_bytes, uint32_t delivered_bytes)
{
    bool reduced = c->ca == CA_CWR;

    c->ca = ca;
    c->recover = c->snd_nxt;
    c->tlp_out = c->tlp_tries = 0;
    c->flags |= F_ECN_CWR; /* also when the one that told of the echo was lost (RFC 3168 6.1.2) */
    if (reduced)
        return;
    sl_tcp_undo_begin(c, ca == CA_RECOVERY, false);
    conn_cc(c)->congested(c, window_bytes, c->t->now);
    sl_tcp_prr_begin(c, delivered_bytes);
}

static void enter_recovery(struct conn *c, uint32_t delivered_bytes)
{
    begin(c, CA_RECOVERY, conn_flight(c), delivered_bytes);
    c->flags |= F_RTX_FORCE;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_FAST_RECOVERIES);
}

void sl_tcp_recovery_lost(struct conn *c)
{
    if (c->ca == CA_OPEN || c->ca == CA_CWR)
        enter_recovery(c, 0);
    conn_wants_output(c);
}

bool sl_tcp_recovery_reduce(struct conn *c)
{
    if (c->ca != CA_OPEN)
        return false;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_CWND_REDUCED);
    begin(c, CA_CWR, c->cwnd, 0); /* cwnd's share, not that of what this ACK has left in flight (RFC 3168 6.1.2) */
    if (!conn_flight(c))
        finish(c);
    return true;
}

/* The peer may have thrown SACKed bytes away (RFC 2018 section 8): nothing is taken for delivered. */
static struct flight *enter_loss(struct conn *c)
{
    struct flight *f = sl_tcp_conn_need_flight(c);

    if (f)
        sl_tcp_flight_forget_sacks(f);
    c->ca = CA_LOSS;
    c->recover = c->snd_nxt;
    c->dupacks = 0;
    c->tlp_out = c->tlp_tries = 0;
    c->flags |= F_RTX_FORCE;
    return f;
}

void sl_tcp_recovery_rto(struct conn *c)
{
    bool first = c->ca != CA_LOSS || c->flags & F_RESENT;
    struct flight *f;

    if (c->ca == CA_RECOVERY)
        sl_tcp_undo_timeout(c);
    else if (first)
        sl_tcp_undo_begin(c, true, true);
    conn_cc(c)->timeout(c, conn_flight(c), first, c->t->now);
    c->flags = (c->flags | F_ECN_CWR) & ~(uint32_t)F_RESENT;
    f = enter_loss(c);
    if (f && c->flags & F_SACK)
        sl_tcp_rack_rto(c, f);
    else if (f)
        sl_tcp_flight_lose(f, c->snd_una, c->snd_nxt);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_RTOS);
}

void sl_tcp_recovery_resend(struct conn *c)
{
    struct flight *f;

    if (c->ca == CA_RECOVERY || c->ca == CA_CWR)
        sl_tcp_prr_end(c);
    sl_tcp_undo_drop(c);
    if (c->ca != CA_LOSS)
        c->flags |= F_RESENT;
    f = enter_loss(c);
    if (f)
        sl_tcp_flight_lose(f, c->snd_una, c->snd_nxt);
}

/* ---- an ACK ---- */

static void grow(struct conn *c, const struct ack_info *a)
{
    if (a->acked_bytes && c->flags & F_CWND_LIMITED && !a->ece)
        conn_cc(c)->acked(c, a, c->t->now);
}

static void ack_open(struct conn *c, const struct ack_info *a)
{
    if (!has_lost(c))
        grow(c, a);
}

static void ack_reducing(struct conn *c, const struct ack_info *a)
{
    if (seq_geq(c->snd_una, c->recover))
        finish(c);
}

static void ack_loss(struct conn *c, const struct ack_info *a)
{
    grow(c, a);
    if (seq_geq(c->snd_una, c->recover))
        finish(c);
}

void sl_tcp_recovery_ack(struct conn *c, struct ack_info *a)
{
    static void (*const by_ca[])(struct conn *, const struct ack_info *) = {
        [CA_OPEN] = ack_open, [CA_CWR] = ack_reducing, [CA_RECOVERY] = ack_reducing, [CA_LOSS] = ack_loss};
    bool more_lost;

    if (ack_has_dsack(a) && !sl_tcp_tlp_explains(c, a))
        sl_tcp_rack_dsack(c);
    sl_tcp_undo_ack(c, a);
    sl_tcp_tlp_ack(c, a);
    more_lost = knows_by_sack(c) ? sl_tcp_rack_detect(c) : sl_tcp_dupack_ack(c, a);
    by_ca[c->ca](c, a);
    if ((c->ca == CA_OPEN || c->ca == CA_CWR) && has_lost(c))
        enter_recovery(c, a->delivered_bytes);
    sl_tcp_prr_ack(c, a, more_lost);
    if (!conn_flight(c))
        sl_tcp_conn_drop_flight(c);
}
