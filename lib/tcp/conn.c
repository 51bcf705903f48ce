/* Birth and death of connections. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

#include <errno.h>

static uint32_t ip_tcp_bytes(const struct tuple *tuple) { return sl_ip_is4(&tuple->local) ? 40 : 60; }

uint16_t sl_tcp_mss_offer(const struct sl_net_path *path, const struct tuple *tuple)
{
    uint32_t headers = ip_tcp_bytes(tuple);

    return path->mtu > headers + TCP_MSS_FLOOR ? (uint16_t)(path->mtu - headers) : (uint16_t)TCP_MSS_FLOOR;
}

uint16_t sl_tcp_conn_mss_for(const struct conn *c, uint16_t mtu)
{
    struct sl_net_path path = {.mtu = mtu};
    uint32_t mss = sl_tcp_mss_offer(&path, &c->tuple);

    mss = SL_MIN(mss, SL_MAX(c->peer_mss, TCP_MSS_FLOOR));
    return (uint16_t)(mss - (c->flags & F_TS ? WIRE_TS_BYTES : 0));
}

void sl_tcp_conn_set_mss(struct conn *c) { c->mss = sl_tcp_conn_mss_for(c, c->path.mtu); }

static void fill(struct conn *c, struct sl_tcp *t, const struct tuple *tuple, struct settings *set)
{
    c->tuple = *tuple;
    c->t = t;
    c->set = settings_ref(set);
    c->delack_at = c->rtx_at = SL_NEVER;
    c->progress_ns = t->now;
    conn_heard(c);
    c->rcv_mss = TCP_MSS_DEFAULT4;
    c->reo_mult = 1;
    c->peer_mss = sl_ip_is4(&tuple->local) ? TCP_MSS_DEFAULT4 : TCP_MSS_DEFAULT6;
    c->rcv_shift = set->rcv_shift;
    sl_tcp_window_init(c);
    c->ts_offset = sl_tcp_ts_offset(t, tuple);
    sl_stream_init(&c->stream, &sl_tcp_stream_ops);
    sl_list_init(&c->out_link);
    sl_timer_init(&c->timer);
}

static bool enter_table(struct sl_tcp *t, const struct tuple *tuple, uint32_t ref, uint32_t replaces)
{
    if (replaces)
        return sl_tcp_table_replace(&t->table, tuple->hash, replaces, ref);
    if (!sl_tcp_table_insert(&t->table, tuple, ref))
        return false;
    sl_stat_inc(t->stats, SL_CTR_TCP_CONNS);
    return true;
}

struct conn *sl_tcp_conn_new(struct sl_tcp *t, const struct tuple *tuple, struct settings *set, uint32_t replaces,
                             int *why)
{
    struct sl_net_path path;
    struct conn *c;
    uint32_t idx;

    *why = sl_net_route(t->net, &tuple->local, &tuple->remote, &path);
    if (*why)
        return NULL;
    *why = -ENOMEM;
    if (!replaces && !sl_tcp_evict_room(t))
        return NULL;
    c = sl_tcp_slab_take(&t->conns, &idx);
    if (!c)
        return NULL;
    if (!enter_table(t, tuple, ref_make(REF_CONN, idx), replaces)) {
        sl_tcp_slab_give(&t->conns, idx);
        return NULL;
    }
    fill(c, t, tuple, set);
    c->path = path;
    c->flags = F_IN_TABLE;
    sl_tcp_conn_set_mss(c);
    *why = 0;
    return c;
}

void sl_tcp_conn_agree(struct conn *c, uint8_t opts, uint8_t peer_shift, uint16_t peer_mss, uint32_t ts_recent)
{
    c->flags |= (opts & OPT_TS ? F_TS : 0) | (opts & OPT_SACK_OK ? F_SACK : 0) | (opts & OPT_WSCALE ? F_WSCALE : 0);
    c->flags |= opts & OPT_ECN ? F_ECN : 0;
    if (opts & OPT_MSS)
        c->peer_mss = peer_mss;
    c->snd_shift = opts & OPT_WSCALE ? (uint8_t)SL_MIN(peer_shift, TCP_SHIFT_MAX) : 0;
    if (!(opts & OPT_WSCALE))
        c->rcv_shift = 0;
    c->ts_recent = ts_recent;
    sl_tcp_conn_set_mss(c);
}

struct seldom *sl_tcp_conn_need_seldom(struct conn *c)
{
    struct seldom *x = seldom_of(c);

    if (x)
        return x;
    x = sl_tcp_slab_take(&c->t->seldoms, &c->seldom);
    sl_tcp_pmtu_init(&x->pmtu);
    return x;
}

struct reasm *sl_tcp_conn_need_reasm(struct conn *c)
{
    struct seldom *x = sl_tcp_conn_need_seldom(c);
    uint32_t idx;

    if (!x->reasm && sl_tcp_slab_take(&c->t->reasms, &idx))
        x->reasm = idx;
    return reasm_of(c);
}

struct flight *sl_tcp_conn_need_flight(struct conn *c)
{
    struct flight *f = flight_of(c);
    uint32_t idx;

    if (f || c->blurred)
        return f;
    f = sl_tcp_slab_take(&c->t->flights, &idx);
    if (!f)
        return NULL;
    c->flight = idx;
    sl_tcp_flight_init(f, c->snd_una, c->snd_nxt, c->sent_us);
    return f;
}

void sl_tcp_conn_drop_reasm(struct conn *c)
{
    struct reasm *r = reasm_of(c);

    if (!r)
        return;
    sl_tcp_reasm_clear(&c->t->nodes, r);
    sl_tcp_slab_give(&c->t->reasms, seldom_of(c)->reasm);
    seldom_of(c)->reasm = 0;
}

void sl_tcp_conn_drop_flight(struct conn *c)
{
    if (c->flight)
        sl_tcp_slab_give(&c->t->flights, c->flight);
    c->flight = 0;
    c->blurred = 0;
}

static void free_sending(struct conn *c)
{
    queue_clear(&c->t->nodes, &c->sndq);
    sl_tcp_conn_drop_flight(c);
    sl_tcp_undo_drop(c);
    c->snd_place.node = NODE_NONE;
    if (c->seldom)
        seldom_of(c)->rtx_place.node = NODE_NONE;
}

void sl_tcp_conn_free_queues(struct conn *c)
{
    free_sending(c);
    sl_tcp_conn_drop_reasm(c);
    queue_clear(&c->t->nodes, &c->rcvq);
}

/* Nothing in this room acts on c any more. */
static void detach(struct conn *c)
{
    struct sl_tcp *t = c->t;

    if (c->flags & F_IN_TABLE) {
        sl_tcp_table_remove(&t->table, c->tuple.hash, ref_make(REF_CONN, conn_index(c)));
        sl_stat_sub(t->stats, SL_CTR_TCP_CONNS, 1);
        c->flags &= ~(uint32_t)F_IN_TABLE;
    }
    sl_list_remove(&c->out_link);
    sl_tcp_timer_stop(c);
    free_sending(c);
    sl_tcp_conn_drop_reasm(c);
}

static void tell_closed(struct conn *c, enum sl_reason reason)
{
    c->stream.reason = (uint8_t)reason;
    c->stream.state &= (uint8_t) ~(SL_STREAM_OPEN | SL_STREAM_WRITABLE | (c->rcvq.bytes ? 0 : SL_STREAM_READABLE));
    sl_stream_raise(&c->stream, SL_STREAM_CLOSED);
    if (c->flags & F_RELEASED)
        sl_tcp_conn_bury(c);
}

void sl_tcp_conn_end(struct conn *c, enum sl_reason reason)
{
    if (c->state == ST_CLOSED && !(c->flags & F_IN_TABLE))
        return;
    detach(c);
    if (reason != SL_REASON_NONE)
        queue_clear(&c->t->nodes, &c->rcvq);
    if (c->state != ST_CLOSED)
        sl_tcp_set_state(c, ST_CLOSED);
    tell_closed(c, reason);
}

void sl_tcp_conn_linger_took_over(struct conn *c)
{
    c->flags &= ~(uint32_t)F_IN_TABLE;
    detach(c);
    tell_closed(c, SL_REASON_NONE);
}

void sl_tcp_conn_abort(struct conn *c, enum sl_reason reason)
{
    static const bool says_rst[ST_COUNT] = {[ST_SYN_RCVD] = true,
                                            [ST_ESTABLISHED] = true,
                                            [ST_FIN_WAIT_1] = true,
                                            [ST_FIN_WAIT_2] = true,
                                            [ST_CLOSE_WAIT] = true};

    if (says_rst[c->state])
        sl_tcp_rst_send(c->t, &c->tuple, c->snd_nxt, c->rcv_nxt, TF_RST | TF_ACK);
    if (c->state == ST_CLOSED || c->state == ST_TIME_WAIT)
        return;
    sl_tcp_conn_end(c, reason);
}

void sl_tcp_conn_bury(struct conn *c)
{
    if (c->flags & F_DEAD)
        return;
    c->flags |= F_DEAD;
    sl_list_remove(&c->out_link);
    sl_list_push_back(&c->t->dead, &c->out_link);
    queue_clear(&c->t->nodes, &c->rcvq);
}

void sl_tcp_conn_reap(struct sl_tcp *t)
{
    struct sl_list *node;

    while ((node = sl_list_pop_front(&t->dead)) != NULL) {
        struct conn *c = sl_container_of(node, struct conn, out_link);
        uint32_t idx = conn_index(c);

        sl_tcp_settings_put(c->set);
        if (c->seldom)
            sl_tcp_slab_give(&t->seldoms, c->seldom);
        c->t = NULL; /* destroy tells free ones by this */
        sl_tcp_slab_give(&t->conns, idx);
    }
}
