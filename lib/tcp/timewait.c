/* TIME-WAIT: what is left of a connection for 2 MSL. First in, first out; when there are too many the oldest goes
 * early. */
#include "tcp/tcp_internal.h"

#define CHALLENGES_MAX 100         /* answers to odd segments in a linger's life */
#define REUSE_AFTER_NS SL_NS_PER_S /* one tick of any peer's timestamp clock has passed (RFC 7323 5.4) */

static void send_ack(struct sl_tcp *t, const struct linger *w)
{
    struct header h = {.seq = w->snd_nxt,
                       .ack = w->rcv_nxt,
                       .wnd = w->wnd,
                       .flags = TF_ACK,
                       .opts = w->ts ? OPT_TS : 0,
                       .tsecr = w->ts_recent};

    h.tsval = sl_tcp_ts_clock(t, &w->tuple);
    sl_tcp_emit_bare(t, &w->tuple, &h);
}

static void send_ack_limited(struct sl_tcp *t, struct linger *w)
{
    if (w->challenges == CHALLENGES_MAX) {
        sl_stat_drop(t->stats, SL_DROP_TCP_CHALLENGE_LIMITED);
        return;
    }
    w->challenges++;
    send_ack(t, w);
}

void sl_tcp_linger_free(struct sl_tcp *t, struct linger *w)
{
    sl_tcp_table_remove(&t->table, w->tuple.hash, ref_make(REF_LINGER, w->self));
    sl_stat_sub(t->stats, SL_CTR_TCP_CONNS, 1);
    sl_stat_sub(t->stats, SL_CTR_TCP_TIME_WAIT, 1);
    sl_fifo_stop(&w->timer);
    sl_tcp_slab_give(&t->lingers, w->self);
}

static struct linger *take(struct sl_tcp *t)
{
    struct linger *w;
    uint32_t idx;

    if (t->lingers.used == t->lingers.cap && t->lingers.used) {
        sl_stat_drop(t->stats, SL_DROP_TCP_TIME_WAIT_FULL);
        sl_tcp_linger_free(t, sl_container_of(t->tw_fifo.list.next, struct linger, timer.link));
    }
    w = sl_tcp_slab_take(&t->lingers, &idx);
    if (w)
        w->self = idx;
    return w;
}

void sl_tcp_linger_begin(struct conn *c)
{
    struct sl_tcp *t = c->t;
    struct linger *w = take(t), last;

    last = (struct linger){.tuple = c->tuple,
                           .since_ns = t->now,
                           .snd_nxt = c->snd_nxt,
                           .rcv_nxt = c->rcv_nxt,
                           .ts_recent = c->ts_recent,
                           .wnd = (uint16_t)SL_MIN(sl_tcp_recv_window(c) >> c->rcv_shift, (uint32_t)UINT16_MAX),
                           .ts = c->flags & F_TS};
    if (c->flags & F_ACK_NOW)
        send_ack(t, &last); /* the connection won't any more */
    sl_tcp_set_state(c, ST_TIME_WAIT);
    if (!w) {
        sl_tcp_conn_end(c, SL_REASON_NONE);
        return;
    }
    last.self = w->self;
    *w = last;
    sl_timer_init(&w->timer);
    sl_fifo_start(&t->tw_fifo, &w->timer, t->now);
    sl_tcp_table_replace(&t->table, w->tuple.hash, ref_make(REF_CONN, conn_index(c)), ref_make(REF_LINGER, w->self));
    sl_stat_inc(t->stats, SL_CTR_TCP_TIME_WAIT);
    sl_tcp_conn_linger_took_over(c);
}

/* RFC 6191 section 2 and RFC 9293 MUST-13's exception: the new SYN can't be an old duplicate. */
static bool is_newer_syn(const struct linger *w, const struct seg *s)
{
    bool newer_seq = seq_gt(s->seq, w->rcv_nxt);

    if (!(s->opts & OPT_TS))
        return newer_seq;
    if (!w->ts)
        return true;
    if (s->tsval == w->ts_recent)
        return newer_seq;
    return (int32_t)(s->tsval - w->ts_recent) > 0;
}

/* First check: something of s stands in the window, and its timestamp is not old. */
static bool acceptable(const struct linger *w, const struct seg *s)
{
    uint32_t edge = w->rcv_nxt + w->wnd;

    if (w->ts && s->opts & OPT_TS && !(s->flags & TF_RST) && (int32_t)(s->tsval - w->ts_recent) < 0)
        return false;
    return s->seq == w->rcv_nxt || seq_in(s->seq, w->rcv_nxt, edge) ||
           (seq_gt(s->seq + seg_space(s), w->rcv_nxt) && seq_lt(s->seq, edge));
}

/* The peer's FIN once more: our ACK of it was lost. */
static bool is_last_fin(const struct linger *w, const struct seg *s)
{
    return s->flags & TF_FIN && s->seq + s->len + 1 == w->rcv_nxt;
}

bool sl_tcp_linger_input(struct linger *w, struct seg *s, struct sl_tcp *t, uint32_t *iss_floor)
{
    if (seg_is_syn(s) && sl_tcp_listen_find(t, &s->tuple) && is_newer_syn(w, s)) {
        *iss_floor = w->snd_nxt;
        sl_tcp_linger_free(t, w);
        return true;
    }
    if (s->flags & TF_RST) {
        if (s->seq == w->rcv_nxt)
            sl_tcp_linger_free(t, w);
        else
            sl_stat_drop(t->stats, SL_DROP_TCP_BLIND_RST);
        return false;
    }
    sl_stat_drop(t->stats, SL_DROP_TCP_IN_TIME_WAIT);
    if (is_last_fin(w, s) && s->flags & TF_ACK)
        sl_fifo_start(&t->tw_fifo, &w->timer, t->now);
    if (!acceptable(w, s) || s->flags & TF_SYN || (s->flags & TF_ACK && !s->bare))
        send_ack_limited(t, w);
    return false;
}

bool sl_tcp_linger_may_reuse(const struct sl_tcp *t, const struct linger *w)
{
    return w->ts && t->now - w->since_ns >= REUSE_AFTER_NS;
}

void sl_tcp_linger_timers(struct sl_tcp *t)
{
    struct sl_timer *timer;

    while ((timer = sl_fifo_pop_due(&t->tw_fifo, t->now)) != NULL)
        sl_tcp_linger_free(t, sl_container_of(timer, struct linger, timer));
}
