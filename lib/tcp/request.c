/* Requests: SYN-RECEIVED of a passive open, in a small object of its own until the third segment comes. SYN-ACKs are
 * sent again after 1, 2, 4 and 8 s; 16 s later a request is forgotten. Bounded by the listener's backlog and conns_max.
 */
#include "tcp/tcp_internal.h"

#define CHALLENGES_MAX 20 /* answers to odd segments in a request's whole life */

static uint32_t request_ref(const struct request *r) { return ref_make(REF_REQUEST, r->self); }

/* tsval: what the tuple's clock shows, or a cookie's value. */
static enum emit_result answer(struct sl_tcp *t, const struct request *r, uint8_t flags, uint32_t tsval)
{
    bool syn = flags & TF_SYN;
    struct header h = {.seq = syn ? r->iss : r->iss + 1,
                       .ack = r->irs + 1,
                       .flags = flags | (syn && r->opts & OPT_ECN ? TF_ECE : 0),
                       .wscale = r->set->rcv_shift,
                       .tsval = tsval,
                       .tsecr = r->ts_recent};
    struct sl_net_path path;

    if (sl_net_route(t->net, &r->tuple.local, &r->tuple.remote, &path))
        return EMIT_LOST;
    h.opts = syn ? r->opts | OPT_MSS : r->opts & OPT_TS;
    h.mss = sl_tcp_mss_offer(&path, &r->tuple);
    h.wnd = (uint16_t)(settings_syn_window(r->set) >> (syn || !(r->opts & OPT_WSCALE) ? 0 : r->set->rcv_shift));
    return sl_tcp_emit_on(t, &path, &r->tuple, &h);
}

enum emit_result sl_tcp_request_syn_ack(struct sl_tcp *t, const struct request *r, uint32_t tsval)
{
    return answer(t, r, TF_SYN | TF_ACK, tsval);
}

static void send_syn_ack(struct sl_tcp *t, struct request *r)
{
    sl_tcp_request_syn_ack(t, r, sl_tcp_ts_clock(t, &r->tuple));
    r->sent_ns = t->now;
}

static void challenge(struct sl_tcp *t, struct request *r)
{
    if (r->challenges == CHALLENGES_MAX) {
        sl_stat_drop(t->stats, SL_DROP_TCP_CHALLENGE_LIMITED);
        return;
    }
    r->challenges++;
    answer(t, r, TF_ACK, sl_tcp_ts_clock(t, &r->tuple));
}

/* With cookies half of the table is kept for clients that answer. */
static bool backlog_is_full(const struct sl_tcp_listener *l)
{
    const struct sl_tcp *t = l->t;

    return l->pending >= l->backlog ||
           (l->set->opts.cookies != SL_TCP_COOKIES_OFF && t->requests.used > t->conns_max / 2);
}

static struct request *take(struct sl_tcp_listener *l, const struct tuple *tuple, enum sl_drop *why)
{
    struct sl_tcp *t = l->t;
    struct request *r;
    uint32_t idx;

    *why = SL_DROP_TCP_BACKLOG_FULL;
    if (backlog_is_full(l))
        return NULL;
    *why = SL_DROP_TCP_CONNS_MAX;
    if (!sl_tcp_evict_room(t) || !(r = sl_tcp_slab_take(&t->requests, &idx)))
        return NULL;
    if (!sl_tcp_table_insert(&t->table, tuple, ref_make(REF_REQUEST, idx))) {
        sl_tcp_slab_give(&t->requests, idx);
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

bool sl_tcp_request_new(struct sl_tcp_listener *l, const struct seg *s, uint32_t iss, enum sl_drop *why)
{
    struct request *r = take(l, &s->tuple, why);

    if (!r)
        return false;
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
    return true;
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
    if (seg_is_syn(s) && s->seq == r->irs) {      /* our SYN-ACK was lost, or late */
        r->opts &= (uint8_t)(s->opts | ~OPT_ECN); /* a client that gave up ECN means it (RFC 3168 6.1.1.1) */
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

/* The first round trip. A SYN-ACK whose time is not known is a cookie's. */
static void measure(struct conn *c, const struct request *r, const struct seg *s)
{
    if (r->sent_ns && r->sent == 1 && !r->challenges)
        sl_tcp_rtt_sample(c, c->t->now - r->sent_ns);
    else if (r->sent_ns)
        sl_tcp_ack_measure_ts(c, s);
}

/* What the connection knows when it is born. */
static void hand_down(struct conn *c, const struct request *r, const struct seg *s)
{
    c->opening.iss = c->recover = r->iss;
    c->opening.irs = r->irs;
    c->rcv_nxt = c->last_ack = r->irs + 1;
    c->rcv_adv = c->rcv_nxt + settings_syn_window(c->set);
    c->snd_una = c->snd_nxt = c->snd_end = r->iss + 1;
    c->flags |= F_PASSIVE | (r->sent > 1 ? F_SYN_RTX : 0);
    sl_tcp_conn_agree(c, r->opts, r->snd_shift, r->peer_mss, r->ts_recent);
    c->snd_wnd = c->max_snd_wnd = seg_window(s, c->snd_shift);
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
    c->stream.ready = r->listener->ready;
    c->stream.owner = r->listener->owner;
    measure(c, r, s);
}

struct conn *sl_tcp_request_open(const struct request *r, const struct seg *s, uint32_t replaces)
{
    int why;
    struct conn *c = sl_tcp_conn_new(r->listener->t, &r->tuple, r->set, replaces, &why);

    if (!c)
        return NULL;
    hand_down(c, r, s);
    sl_tcp_connect_established(c);
    return c;
}

/* The listener changed from cookies to requests while the client had an answer on its way: it acknowledges the cookie.
 */
static struct conn *take_other_ack(struct request *r, const struct seg *s)
{
    struct sl_tcp *t = r->listener->t;
    enum sl_drop why;
    struct conn *c = sl_tcp_cookie_open(r->listener, s, request_ref(r), &why);

    if (c) {
        give(t, r);
        return c;
    }
    if (why == SL_DROP_TCP_NO_CONN) /* no cookies are about: see listen.c */
        sl_tcp_rst_answer(t, s);
    return refuse(t, SL_DROP_TCP_BAD_ACK);
}

struct conn *sl_tcp_request_input(struct request *r, struct seg *s)
{
    struct sl_tcp *t = r->listener->t;
    struct conn *c;

    if (!acceptable(t, r, s))
        return NULL;
    if (!(s->flags & TF_ACK))
        return refuse(t, SL_DROP_TCP_NO_ACK);
    if (s->ack != r->iss + 1)
        return take_other_ack(r, s);
    c = sl_tcp_request_open(r, s, request_ref(r));
    if (!c) /* the SYN-ACK will be sent again, and so will the ACK */
        return refuse(t, SL_DROP_TCP_CONNS_MAX);
    give(t, r);
    return c;
}
