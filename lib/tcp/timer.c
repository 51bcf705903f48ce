/* Facts in, deadlines out. A connection has several deadlines and one entry in the wheel, armed no later than the
 * earliest. Moving a deadline later is a store: the wheel finds out when it fires, and arms anew. */
#include "tcp/tcp_internal.h"

#define BACKOFF_MAX 12

/* ---- when ---- */

static uint64_t rtx_at(const struct conn *c) { return c->rtx_at; }
static uint64_t delack_at(const struct conn *c) { return c->delack_at; }
static uint64_t limit_at(const struct conn *c) { return conn_is_limited(c) ? c->limit_at : SL_NEVER; }

static uint64_t pace_at(const struct conn *c) { return c->flags & F_PACE_HELD ? seldom_of(c)->pace_at : SL_NEVER; }

static uint64_t alive_at(const struct conn *c)
{
    static const bool watched[ST_COUNT] = {[ST_ESTABLISHED] = true, [ST_CLOSE_WAIT] = true, [ST_FIN_WAIT_2] = true};
    const struct sl_tcp_opts *o = &c->set->opts;

    if (!watched[c->state] || c->rtx_at != SL_NEVER || o->keepalive_ns >= SL_NEVER / 2)
        return SL_NEVER;
    return conn_last_rx_ns(c) + o->keepalive_ns + c->alive_probes * o->keepalive_interval_ns;
}

/* RFC 9293 3.8.3: the peer takes nothing, or acknowledges nothing, for too long. */
static uint64_t stall_at(const struct conn *c)
{
    uint64_t patience = c->set->opts.user_timeout_ns;

    if (c->rtx_at == SL_NEVER || !conn_synchronized(c) || patience >= SL_NEVER / 2)
        return SL_NEVER;
    return c->progress_ns + patience;
}

static uint64_t rack_at(const struct conn *c)
{
    const struct flight *f = flight_of(c);

    return f ? f->rack.at_ns : SL_NEVER;
}

/* ---- what then ---- */

static void rtx_syn(struct conn *c)
{
    c->backoff++;
    c->flags |= F_SYN_NOW | F_SYN_RTX;
    sl_tcp_conn_need_seldom(c)->retransmits++;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_RETRANSMITS);
}

static void rtx_data(struct conn *c)
{
    sl_tcp_pmtu_rto(c);
    sl_tcp_recovery_rto(c);
    c->backoff += c->backoff < BACKOFF_MAX;
}

static void probe_window(struct conn *c)
{
    if (c->snd_wnd)
        c->flags |= F_OVERRIDE;
    else
        c->flags |= F_PROBE_NOW;
    c->backoff += c->backoff < BACKOFF_MAX;
}

/* RFC 6298 5.1 to 5.3: from when snd_una last moved, or the first byte went out. */
static uint64_t rto_at(const struct conn *c) { return c->progress_ns + sl_tcp_rtt_rto_ns(c); }

/* The loss probe's turn. False when what has come since makes it pointless: then it is the retransmission timer's, when
 * that has run out. */
static bool fire_tlp(struct conn *c)
{
    c->tlp_armed = 0;
    if (!sl_tcp_tlp_wanted(c)) {
        c->rtx_at = rto_at(c);
        return c->rtx_at > c->t->now;
    }
    c->flags |= F_TLP_NOW;
    c->rtx_at = c->t->now + sl_tcp_rtt_rto_ns(c);
    conn_wants_output(c);
    return true;
}

static void fire_rtx(struct conn *c)
{
    if (c->tlp_armed && fire_tlp(c))
        return;
    if (c->state == ST_SYN_SENT || c->state == ST_SYN_RCVD)
        rtx_syn(c);
    else if (conn_flight(c))
        rtx_data(c);
    else
        probe_window(c);
    c->rtx_at = c->t->now + sl_tcp_rtt_rto_ns(c);
    conn_wants_output(c);
}

static void fire_delack(struct conn *c)
{
    c->delack_at = SL_NEVER;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_DELAYED_ACKS);
    conn_ack_now(c);
}

static void fire_pace(struct conn *c)
{
    c->flags &= ~(uint32_t)F_PACE_HELD;
    conn_wants_output(c);
}

/* The connect timeout; or FIN-WAIT-2 of a connection that nobody waits for. */
static void fire_limit(struct conn *c)
{
    sl_stat_drop(c->t->stats, c->state == ST_FIN_WAIT_2 ? SL_DROP_TCP_FIN_WAIT_TIMEOUT : SL_DROP_TCP_CONNECT_TIMEOUT);
    if (c->state == ST_SYN_SENT)
        sl_tcp_conn_end(c, c->opening.soft_error ? (enum sl_reason)c->opening.soft_error : SL_REASON_TIMEOUT);
    else
        sl_tcp_conn_abort(c, SL_REASON_TIMEOUT);
}

static void fire_alive(struct conn *c)
{
    if (c->alive_probes >= c->set->opts.keepalive_probes) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_KEEPALIVE_TIMEOUT);
        sl_tcp_conn_abort(c, SL_REASON_TIMEOUT);
        return;
    }
    c->alive_probes++;
    c->flags |= F_ALIVE_NOW;
    conn_wants_output(c);
}

static void fire_stall(struct conn *c)
{
    sl_stat_drop(c->t->stats, SL_DROP_TCP_USER_TIMEOUT);
    sl_tcp_conn_abort(c, SL_REASON_TIMEOUT);
}

/* Those that end the connection come first. */
static const struct deadline {
    uint64_t (*at)(const struct conn *c);
    void (*fire)(struct conn *c);
} deadlines[] = {
    {stall_at, fire_stall},   {limit_at, fire_limit}, {rack_at, sl_tcp_rack_timeout}, {rtx_at, fire_rtx},
    {delack_at, fire_delack}, {alive_at, fire_alive}, {pace_at, fire_pace},
};

/* ---- the wheel ---- */

static void need(struct conn *c, uint64_t at_ns)
{
    if (at_ns < c->timer.at_ns)
        sl_wheel_arm(&c->t->wheel, &c->timer, at_ns);
}

void sl_tcp_timer_rearm(struct conn *c)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(deadlines); i++)
        need(c, deadlines[i].at(c));
}

void sl_tcp_timer_stop(struct conn *c)
{
    if (sl_timer_armed(&c->timer))
        sl_wheel_cancel(&c->t->wheel, &c->timer);
    sl_list_remove(&c->timer.link);
    c->rtx_at = c->delack_at = SL_NEVER;
}

static void run(struct conn *c)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(deadlines); i++) {
        if (deadlines[i].at(c) <= c->t->now)
            deadlines[i].fire(c);
        if (c->state == ST_CLOSED)
            return;
    }
    sl_tcp_timer_rearm(c);
}

void sl_tcp_timer_run(struct sl_tcp *t)
{
    struct sl_list due, *node;

    sl_list_init(&due);
    sl_wheel_advance(&t->wheel, t->now, &due);
    while ((node = sl_list_pop_front(&due)) != NULL)
        run(sl_container_of(node, struct conn, timer.link));
}

/* ---- facts ---- */

/* A loss probe may come before the timeout, never after it: it takes its place (RFC 8985 7.2). Only the first one of a
 * tail does; others come in time or not at all. */
static void arm_tlp(struct conn *c)
{
    uint64_t at_ns = sl_tcp_tlp_at(c);

    if (at_ns == SL_NEVER)
        return;
    if (!sl_tcp_tlp_is_extra(c))
        at_ns = SL_MAX(SL_MIN(at_ns, rto_at(c)), c->t->now);
    else if (c->tlp_armed || at_ns >= c->rtx_at)
        return;
    c->rtx_at = at_ns;
    c->tlp_armed = 1;
    need(c, c->rtx_at);
}

void sl_tcp_timer_restart(struct conn *c)
{
    c->rtx_at = c->t->now + sl_tcp_rtt_rto_ns(c);
    c->tlp_armed = 0;
    arm_tlp(c);
    need(c, c->rtx_at);
    need(c, stall_at(c));
}

void sl_tcp_timer_sent(struct conn *c, bool was_idle)
{
    if (was_idle && conn_synchronized(c)) {
        c->progress_ns = c->t->now;
        if (c->rtx_at != SL_NEVER)
            c->backoff = 0; /* it was the persist timer's */
    }
    if (was_idle || c->rtx_at == SL_NEVER)
        sl_tcp_timer_restart(c);
    else
        arm_tlp(c);
}

/* RFC 6298 5.2 and 5.3: only new data acknowledged moves the timer. It may come nearer: a sample ends the backoff. */
void sl_tcp_timer_acked(struct conn *c)
{
    c->tlp_tries = 0;
    if (conn_flight(c)) {
        sl_tcp_timer_restart(c);
    } else {
        c->rtx_at = SL_NEVER;
        c->tlp_armed = 0;
    }
}

void sl_tcp_timer_rack(struct conn *c) { need(c, rack_at(c)); }

void sl_tcp_timer_persist(struct conn *c)
{
    if (c->rtx_at != SL_NEVER)
        return;
    c->progress_ns = c->t->now;
    c->backoff = 0;
    c->rtx_at = c->t->now + (c->snd_wnd ? TCP_OVERRIDE_NS : sl_tcp_rtt_rto_ns(c));
    need(c, c->rtx_at);
    need(c, stall_at(c));
}

void sl_tcp_timer_delack(struct conn *c)
{
    if (c->delack_at != SL_NEVER)
        return;
    c->delack_at = c->t->now + TCP_DELACK_NS;
    need(c, c->delack_at);
}

void sl_tcp_timer_limit(struct conn *c, uint64_t at_ns)
{
    c->limit_at = at_ns;
    need(c, at_ns);
}
