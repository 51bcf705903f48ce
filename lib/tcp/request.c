/* Requests: SYN-RECEIVED of a passive open, in a small object of its own until the third segment comes. SYN-ACKs are
 * sent again after 1, 2, 4 and 8 s; 16 s later a request is forgotten. Bounded by the listener's backlog and conns_max.
 */
#include "tcp/tcp_internal.h"

#define CHALLENGES_MAX 20 /* answers to odd segments in a request's whole life */

static uint32_t request_ref(const struct request *r) { return ref_make(REF_REQUEST, r->self); }

static void answer(struct sl_tcp *t, const struct request *r, uint8_t flags)
{
    bool syn = flags & TF_SYN;
    struct header h = {
        .seq = syn ? r->iss : r->iss + 1, .ack = r->irs + 1, .flags = flags, .wscale = r->set->rcv_shift};
    struct sl_net_path path;

    if (sl_net_route(t->net, &r->tuple.local, &r->tuple.remote, &path))
        return;
    h.opts = syn ? r->opts | OPT_MSS : r->opts & OPT_TS;
    h.mss = sl_tcp_mss_offer(&path, &r->tuple);
    h.tsval = tcp_now_ms(t) + sl_tcp_ts_offset(t, &r->tuple);
    h.tsecr = r->ts_recent;
    h.wnd = (uint16_t)(settings_syn_window(r->set) >> (syn || !(r->opts & OPT_WSCALE) ? 0 : r->set->rcv_shift));
    sl_tcp_emit_on(t, &path, &r->tuple, &h);
}

static void send_syn_ack(struct sl_tcp *t, struct request *r)
{
    answer(t, r, TF_SYN | TF_ACK);
    r->sent_ns = t->now;
}

static void challenge(struct sl_tcp *t, struct request *r)
{
    if (r->challenges == CHALLENGES_MAX) {
        sl_stat_drop(t->stats, SL_DROP_TCP_CHALLENGE_LIMITED);
        return;
    }
    r->challenges++;
    answer(t, r, TF_ACK);
}

static struct request *take(struct sl_tcp_listener *l, const struct tuple *tuple)
{
    struct sl_tcp *t = l->t;
    struct request *r;
    uint32_t idx;

    if (l->pending >= l->backlog) {
        sl_stat_drop(t->stats, SL_DROP_TCP_BACKLOG_FULL);
        return NULL;
    }
    if (!sl_tcp_evict_room(t) || !(r = sl_tcp_slab_take(&t->requests, &idx))) {
        sl_stat_drop(t->stats, SL_DROP_TCP_CONNS_MAX);
        return NULL;
    }
    if (!sl_tcp_table_insert(&t->table, tuple, ref_make(REF_REQUEST, idx))) {
        sl_tcp_slab_give(&t->requests, idx);
        sl_stat_drop(t->stats, SL_DROP_TCP_CONNS_MAX);
        return NULL;
    }
    sl_stat_inc(t->stats, SL_CTR_TCP_CONNS);
    r->tuple = *tuple;
    r->self = idx;
    r->listener = l;
    r->set = settings_ref(l->set);
    l->pending++;
    return r;
}

void sl_tcp_request_new(struct sl_tcp_listener *l, const struct seg *s, uint32_t iss)
{
    struct request *r = take(l, &s->tuple);

    if (!r)
        return;
    r->iss = iss;
    r->irs = s->seq;
    r->ts_recent = s->tsval;
    r->opts = s->opts;
    r->peer_mss = s->mss;
    r->snd_shift = s->wscale;
    r->sent = 1;
    sl_timer_init(&r->timer);
    sl_fifo_start(&l->t->req_fifos[0], &r->timer, l->t->now);
    send_syn_ack(l->t, r);
}

/* The object goes, what its tuple stands for in the table does not. */
static void give(struct sl_tcp *t, struct request *r)
{
    r->listener->pending--;
    sl_tcp_settings_put(r->set);
    sl_fifo_stop(&r->timer);
    sl_tcp_slab_give(&t->requests, r->self);
}

void sl_tcp_request_free(struct sl_tcp *t, struct request *r)
{
    sl_tcp_table_remove(&t->table, r->tuple.hash, request_ref(r));
    sl_stat_sub(t->stats, SL_CTR_TCP_CONNS, 1);
    give(t, r);
}

void sl_tcp_request_free_all(struct sl_tcp_listener *l)
{
    for (uint32_t i = 0; i < TCP_SYN_ACKS_MAX; i++) {
        struct sl_list *head = &l->t->req_fifos[i].list, *node = head->next;

        while (node != head) {
            struct request *r = sl_container_of(node, struct request, timer.link);

            node = node->next;
            if (r->listener == l)
                sl_tcp_request_free(l->t, r);
        }
    }
}

void sl_tcp_request_timers(struct sl_tcp *t)
{
    for (uint32_t i = TCP_SYN_ACKS_MAX; i-- > 0;) {
        struct sl_timer *timer;

        while ((timer = sl_fifo_pop_due(&t->req_fifos[i], t->now)) != NULL) {
            struct request *r = sl_container_of(timer, struct request, timer);

            if (i + 1 == TCP_SYN_ACKS_MAX) {
                sl_stat_drop(t->stats, SL_DROP_TCP_REQUEST_TIMEOUT);
                sl_tcp_request_free(t, r);
                continue;
            }
            sl_fifo_start(&t->req_fifos[i + 1], timer, t->now);
            r->sent++;
            sl_stat_inc(t->stats, SL_CTR_TCP_RETRANSMITS);
            send_syn_ack(t, r);
        }
    }
}

/* ---- the third segment, or something else ---- */

static struct conn *refuse(struct sl_tcp *t, enum sl_drop why)
{
    sl_stat_drop(t->stats, why);
    return NULL;
}

static bool in_window(const struct request *r, const struct seg *s)
{
    uint32_t rcv_nxt = r->irs + 1, edge = rcv_nxt + settings_syn_window(r->set);

    return s->seq == rcv_nxt || (seq_lt(s->seq, edge) && seq_gt(s->seq + seg_space(s), rcv_nxt)) ||
           seq_in(s->seq, rcv_nxt, edge);
}

/* First to fourth check of RFC 9293 3.10.7.4 for SYN-RECEIVED that came from LISTEN. True when the ACK is to be looked
 * at. */
static bool acceptable(struct sl_tcp *t, struct request *r, const struct seg *s)
{
    if (s->flags == TF_SYN && s->seq == r->irs) { /* our SYN-ACK was lost, or late */
        if (r->challenges < CHALLENGES_MAX) {
            r->challenges++;
            send_syn_ack(t, r);
        }
        return false;
    }
    if (!(s->flags & TF_RST) && r->opts & OPT_TS && (!(s->opts & OPT_TS) || (int32_t)(s->tsval - r->ts_recent) < 0)) {
        sl_stat_drop(t->stats, s->opts & OPT_TS ? SL_DROP_TCP_PAWS : SL_DROP_TCP_NO_TIMESTAMP);
        if (s->opts & OPT_TS)
            challenge(t, r);
        return false;
    }
    if (!in_window(r, s)) {
        sl_stat_drop(t->stats, SL_DROP_TCP_OUT_OF_WINDOW);
        if (!(s->flags & TF_RST))
            challenge(t, r);
        return false;
    }
    if (s->flags & TF_RST && s->seq != r->irs + 1) { /* RFC 5961 3.2 */
        sl_stat_drop(t->stats, SL_DROP_TCP_BLIND_RST);
        challenge(t, r);
        return false;
    }
    if (s->flags & (TF_RST | TF_SYN)) { /* back to LISTEN */
        sl_stat_drop(t->stats, s->flags & TF_RST ? SL_DROP_TCP_REQUEST_RESET : SL_DROP_TCP_BLIND_SYN);
        sl_tcp_request_free(t, r);
        return false;
    }
    return true;
}

/* What the connection knows when it is born. */
static void hand_down(struct conn *c, const struct request *r, const struct seg *s)
{
    struct sl_tcp *t = c->t;

    c->iss = c->recover = r->iss;
    c->irs = r->irs;
    c->rcv_nxt = c->last_ack = r->irs + 1;
    c->rcv_adv = c->rcv_nxt + settings_syn_window(c->set);
    c->snd_una = c->snd_nxt = c->snd_end = c->high_rxt = r->iss + 1;
    c->flags |= F_PASSIVE | (r->sent > 1 ? F_SYN_RTX : 0);
    sl_tcp_conn_agree(c, r->opts, r->snd_shift, r->peer_mss, r->ts_recent);
    c->snd_wnd = c->max_snd_wnd = s->wnd << c->snd_shift;
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
    c->stream.ready = r->listener->ready;
    c->stream.owner = r->listener->owner;
    if (r->sent == 1 && !r->challenges)
        sl_tcp_rtt_sample(c, t->now - r->sent_ns);
    else
        sl_tcp_ack_measure_ts(c, s);
}

struct conn *sl_tcp_request_input(struct request *r, struct seg *s)
{
    struct sl_tcp *t = r->listener->t;
    struct conn *c;
    int why;

    if (!acceptable(t, r, s))
        return NULL;
    if (!(s->flags & TF_ACK))
        return refuse(t, SL_DROP_TCP_NO_ACK);
    if (s->ack != r->iss + 1) {
        sl_tcp_rst_answer(t, s);
        return refuse(t, SL_DROP_TCP_BAD_ACK);
    }
    c = sl_tcp_conn_new(t, &r->tuple, r->set, request_ref(r), &why);
    if (!c) /* the SYN-ACK will be sent again, and so will the ACK */
        return refuse(t, SL_DROP_TCP_CONNS_MAX);
    hand_down(c, r, s);
    give(t, r);
    sl_tcp_connect_established(c);
    return c;
}
