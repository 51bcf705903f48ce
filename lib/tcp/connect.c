/* Active open (RFC 9293 3.10.1, 3.10.7.3), and the moment at which either kind of open is done. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

#include <errno.h>

static struct tuple make_tuple(const struct sl_tcp *t, const struct sl_endpoint *local,
                               const struct sl_endpoint *remote)
{
    struct tuple tuple = {.local = local->ip, .remote = remote->ip, .lport = local->port, .rport = remote->port};

    tuple.hash = table_hash(&t->table, &tuple);
    return tuple;
}

bool sl_tcp_in_use(struct sl_tcp *t, const struct sl_endpoint *local, const struct sl_endpoint *remote)
{
    struct tuple tuple = make_tuple(t, local, remote);
    uint32_t ref = sl_tcp_table_find(&t->table, &tuple);

    return ref && !(ref_kind(ref) == REF_LINGER && sl_tcp_linger_may_reuse(t, linger_at(t, ref_idx(ref))));
}

/* An old connection in TIME-WAIT gives way where that is safe; *floor: what our ISN must be newer than. False when the
 * tuple is taken. */
static bool make_way(struct sl_tcp *t, const struct tuple *tuple, bool *has_floor, uint32_t *floor)
{
    uint32_t ref = sl_tcp_table_find(&t->table, tuple);
    struct linger *w;

    *has_floor = false;
    if (!ref)
        return true;
    if (ref_kind(ref) != REF_LINGER)
        return false;
    w = linger_at(t, ref_idx(ref));
    if (!sl_tcp_linger_may_reuse(t, w))
        return false;
    *has_floor = true;
    *floor = w->snd_nxt;
    sl_tcp_linger_free(t, w);
    return true;
}

struct sl_stream *sl_tcp_connect(struct sl_tcp *t, const struct sl_endpoint *local, const struct sl_endpoint *remote,
                                 const struct sl_tcp_opts *opts, struct sl_ready *ready, void *owner, uint64_t now,
                                 int *why)
{
    struct tuple tuple = make_tuple(t, local, remote);
    struct settings *set;
    struct conn *c;
    uint32_t floor = 0;
    bool has_floor;

    t->now = now;
    *why = -EADDRINUSE;
    if (!make_way(t, &tuple, &has_floor, &floor))
        return NULL;
    *why = -ENOMEM;
    set = sl_tcp_settings_get(t, opts);
    if (!set)
        return NULL;
    c = sl_tcp_conn_new(t, &tuple, set, 0, why);
    sl_tcp_settings_put(set);
    if (!c)
        return NULL;
    c->opening.iss = sl_tcp_isn(t, &tuple);
    if (has_floor && seq_leq(c->opening.iss, floor))
        c->opening.iss = floor + 1 + (uint32_t)sl_rng_below(&t->rng, 1u << 16);
    c->snd_una = c->snd_nxt = c->recover = c->opening.iss;
    c->snd_end = c->opening.iss + 1;
    c->stream.ready = ready;
    c->stream.owner = owner;
    c->flags |= F_SYN_NOW;
    sl_tcp_set_state(c, ST_SYN_SENT);
    sl_tcp_timer_limit(c, now + c->set->opts.connect_timeout_ns);
    conn_wants_output(c);
    return &c->stream;
}

void sl_tcp_connect_established(struct conn *c)
{
    sl_tcp_set_state(c, ST_ESTABLISHED);
    c->rtx_at = SL_NEVER;
    c->backoff = 0;
    c->flags &= ~(uint32_t)F_SYN_NOW;
    c->progress_ns = c->t->now;
    conn_heard(c);
    conn_cc(c)->init(c);
    if (c->flags & F_SYN_RTX) /* RFC 5681 3.1 */
        c->cwnd = c->mss;
    sl_stat_inc(c->t->stats, c->flags & F_PASSIVE ? SL_CTR_TCP_ACCEPTED : SL_CTR_TCP_CONNECTED);
    if (c->flags & F_ECN)
        sl_stat_inc(c->t->stats, SL_CTR_TCP_ECN_CONNS);
    sl_tcp_timer_rearm(c);
    if (!(c->flags & F_SHUT))
        c->stream.state |= SL_STREAM_WRITABLE;
    sl_stream_raise(&c->stream, SL_STREAM_OPEN);
    if (c->flags & F_SHUT)
        sl_tcp_set_state(c, ST_FIN_WAIT_1);
    conn_wants_output(c);
}

/* ---- segments in SYN-SENT ---- */

static void drop(struct conn *c, enum sl_drop why) { sl_stat_drop(c->t->stats, why); }

static void learn_from_syn(struct conn *c, const struct seg *s)
{
    c->opening.irs = s->seq;
    c->rcv_nxt = c->last_ack = s->seq + 1;
    c->rcv_adv = c->rcv_nxt + settings_syn_window(c->set);
    sl_tcp_conn_agree(c, sl_tcp_ecn_asks(c) ? s->opts : s->opts & (uint8_t)~OPT_ECN, s->wscale, s->mss, s->tsval);
    c->snd_wnd = c->max_snd_wnd = seg_window(s, 0);
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
}

static void our_syn_acked(struct conn *c, struct seg *s)
{
    if (c->flags & F_SYN_RTX)
        sl_tcp_ack_measure_ts(c, s);
    else
        sl_tcp_rtt_sample(c, (uint64_t)(tcp_now_us(c->t) - c->sent_us) * SL_NS_PER_US);
    sl_tcp_send_acked(c, s->ack);
    sl_tcp_connect_established(c);
    conn_ack_now(c);
    s->flags &= (uint8_t)~TF_SYN;
    s->seq++;
    sl_tcp_text_input(c, s);
}

void sl_tcp_connect_input(struct conn *c, struct seg *s)
{
    bool acks_syn = s->flags & TF_ACK;

    if (acks_syn && (seq_leq(s->ack, c->opening.iss) || seq_gt(s->ack, c->snd_nxt))) { /* first */
        drop(c, SL_DROP_TCP_BAD_ACK);
        sl_tcp_rst_answer(c->t, s);
        return;
    }
    if (s->flags & TF_RST) { /* second */
        if (acks_syn)
            sl_tcp_conn_end(c, SL_REASON_REFUSED);
        else
            drop(c, SL_DROP_TCP_BLIND_RST);
        return;
    }
    if (!(s->flags & TF_SYN)) { /* fourth */
        drop(c, SL_DROP_TCP_BAD_FLAGS);
        return;
    }
    learn_from_syn(c, s);
    if (acks_syn) {
        our_syn_acked(c, s);
        return;
    }
    sl_tcp_set_state(c, ST_SYN_RCVD); /* simultaneous open */
    c->flags |= F_SYN_NOW;
    conn_wants_output(c);
}
