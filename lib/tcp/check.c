/* What must hold between the steps, whatever peers send: for tests and fuzzers. */
#include "tcp/tcp_internal.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

static const char *check_queue(const struct sl_tcp *t, const struct queue *q, uint64_t *held)
{
    uint32_t bytes = 0, last = 0;

    for (uint32_t i = q->head; i; i = node_at(&t->nodes, i)->next) {
        const struct node *n = node_at(&t->nodes, i);

        REQUIRE(n->mbuf && n->len && n->off + n->len <= n->mbuf->buf_len);
        REQUIRE(rte_mbuf_refcnt_read(n->mbuf) > 0);
        bytes += n->len;
        *held += n->mbuf->buf_len;
        last = i;
    }
    REQUIRE(bytes == q->bytes);
    REQUIRE(last == q->tail);
    return NULL;
}

static const char *check_reasm(const struct sl_tcp *t, const struct conn *c, uint64_t *held)
{
    const struct reasm *r = reasm_of(c);
    uint32_t edge = c->rcv_nxt, segs = 0;

    REQUIRE(r->n_runs > 0 && r->n_runs <= REASM_RUNS_MAX);
    for (uint32_t i = 0; i < r->n_runs; i++) {
        const struct run *run = &r->runs[i];
        const char *broken = check_queue(t, &run->q, held);

        if (broken)
            return broken;
        REQUIRE(run->q.bytes && seq_gt(run->start, edge)); /* a hole before each run */
        edge = run_end(run);
        segs += run->segs;
    }
    REQUIRE(segs == r->segs);
    REQUIRE(seq_leq(edge, c->rcv_adv));
    return NULL;
}

/* The runs of the flight cover what is in flight, and their sums are what they add up to. */
static const char *check_flight(const struct conn *c, const struct flight *f)
{
    uint32_t edge = c->snd_una, sacked = 0, lost = 0, again = 0, sacked_runs = 0;

    REQUIRE(conn_flight(c) && f->una == c->snd_una);
    REQUIRE(f->first < f->n && f->n <= FLIGHT_RUNS_MAX);
    for (uint32_t i = f->first; i < f->n; i++) {
        uint32_t bytes = f->runs[i].end - edge;
        uint8_t flags = f->runs[i].flags;

        REQUIRE(seq_gt(f->runs[i].end, edge));
        REQUIRE(!(flags & RUN_SACKED && flags & RUN_LOST));
        REQUIRE(i == f->first || !(flags & f->runs[i - 1].flags & RUN_SACKED));
        sacked += flags & RUN_SACKED ? bytes : 0;
        sacked_runs += flags & RUN_SACKED;
        lost += flags & RUN_LOST ? bytes : 0;
        again += (flags & (RUN_AGAIN | RUN_SACKED)) == RUN_AGAIN ? bytes : 0;
        edge = f->runs[i].end;
    }
    REQUIRE(edge == c->snd_nxt);
    REQUIRE(sacked == f->sacked_bytes && lost == f->lost_bytes && again == f->again_bytes);
    REQUIRE(sacked_runs == f->sacked_runs);
    REQUIRE(!lost || c->ca == CA_RECOVERY || c->ca == CA_LOSS);
    REQUIRE(f->rack.at_ns == SL_NEVER || c->timer.at_ns <= f->rack.at_ns);
    return NULL;
}

static const char *check_sequences(const struct conn *c)
{
    uint32_t data_una = c->state == ST_SYN_SENT || c->state == ST_SYN_RCVD ? c->opening.iss + 1 : c->snd_una;

    REQUIRE(seq_leq(c->snd_una, c->snd_nxt) && seq_leq(c->snd_nxt, conn_snd_limit(c)));
    REQUIRE(c->flags & F_FIN_ACKED ? c->sndq.bytes == 0 : data_una + c->sndq.bytes == c->snd_end);
    REQUIRE(c->state == ST_SYN_SENT || seq_leq(c->last_ack, c->rcv_nxt));
    REQUIRE(!(c->flags & F_EOF) || c->rcv_nxt == c->peer_fin + 1);
    REQUIRE(c->rcvq.bytes <= c->set->opts.rcv_max_bytes + 65536u);
    REQUIRE(c->mss && (c->state < ST_ESTABLISHED || c->cwnd >= c->mss));
    return NULL;
}

/* What the peer was told, and how much the buffer may hold. A closed window lets a FIN pass. */
static const char *check_window(const struct conn *c)
{
    uint32_t told = c->rcv_adv - c->rcv_nxt, most = c->set->opts.rcv_max_bytes;

    REQUIRE(c->state == ST_SYN_SENT || seq_leq(c->rcv_nxt, c->rcv_adv + !!(c->flags & F_EOF)) || c->flags & F_RELEASED);
    REQUIRE(c->state == ST_SYN_SENT || seq_leq(c->rcv_adv, c->rcv_nxt) || told <= (uint32_t)UINT16_MAX << c->rcv_shift);
    REQUIRE(c->win.allowed_bytes && c->win.allowed_bytes <= most);
    REQUIRE(!c->rcvq.bytes || c->stream.state & SL_STREAM_READABLE || c->flags & F_RELEASED);
    return NULL;
}

static const char *check_path(const struct conn *c)
{
    uint32_t least = sl_ip_is4(&c->tuple.local) ? TCP_MTU_FLOOR4 : TCP_MTU_FLOOR6;
    const struct seldom *x = seldom_of(c);
    bool probing = x && x->pmtu.probe_seq != x->pmtu.probe_end;

    REQUIRE(c->path.mtu >= least);
    REQUIRE(c->mss == sl_tcp_conn_mss_for(c, c->path.mtu));
    REQUIRE(!probing || (seq_lt(x->pmtu.probe_seq, x->pmtu.probe_end) && seq_leq(x->pmtu.probe_end, c->snd_nxt) &&
                         seq_gt(x->pmtu.probe_end, c->snd_una)));
    return NULL;
}

/* Congestion: what a reduction or a recovery is about lies in flight, and what it remembers is in order. */
static const char *check_congestion(const struct conn *c)
{
    const struct episode *e = episode_of(c);

    REQUIRE(c->ca == CA_OPEN || (seq_lt(c->snd_una, c->recover) && seq_leq(c->recover, c->snd_nxt)));
    REQUIRE(!c->tlp_out || seq_leq(seldom_of(c)->tlp_end, c->snd_nxt));
    REQUIRE(!e || (seq_leq(e->una, e->nxt) && seq_leq(e->nxt, c->snd_nxt)));
    REQUIRE(!e || (c->ca != CA_RECOVERY && c->ca != CA_CWR) || e->prr_flight);
    REQUIRE(c->state < ST_ESTABLISHED || sl_tcp_recovery_pipe(c) <= conn_flight(c));
    return NULL;
}

/* Whatever awaits an answer has a timer, or stands on the list of those that may send. */
static const char *check_progress(const struct conn *c)
{
    bool listed = !sl_list_empty(&c->out_link);

    REQUIRE(listed || !conn_flight(c) || c->rtx_at != SL_NEVER);
    REQUIRE(listed || c->state < ST_ESTABLISHED || c->snd_nxt == conn_snd_limit(c) || c->rtx_at != SL_NEVER ||
            c->flags & F_PACE_HELD);
    REQUIRE(listed || !(c->flags & F_PACE_HELD) || c->timer.at_ns <= seldom_of(c)->pace_at);
    REQUIRE(c->rtx_at == SL_NEVER || c->timer.at_ns <= c->rtx_at);
    REQUIRE(!c->tlp_armed || c->rtx_at != SL_NEVER || c->state == ST_CLOSED);
    REQUIRE(c->delack_at == SL_NEVER || c->timer.at_ns <= c->delack_at);
    REQUIRE(!conn_is_limited(c) || c->timer.at_ns <= c->limit_at);
    REQUIRE(listed || c->rcv_nxt == c->last_ack || c->delack_at != SL_NEVER || c->state == ST_SYN_SENT);
    return NULL;
}

static const char *check_conn(struct sl_tcp *t, const struct conn *c, uint64_t *held)
{
    static const char *(*const checks[])(const struct conn *) = {check_sequences, check_window, check_path,
                                                                 check_congestion, check_progress};
    const char *broken = check_queue(t, &c->rcvq, held);

    if (!broken)
        broken = check_queue(t, &c->sndq, held);
    if (broken)
        return broken;
    if (!(c->flags & F_IN_TABLE)) { /* over: its user has not let go yet */
        REQUIRE(c->state == ST_CLOSED || c->state == ST_TIME_WAIT);
        REQUIRE(!(c->flags & F_RELEASED) && !c->sndq.bytes && !c->flight && !episode_of(c) && !reasm_of(c));
        REQUIRE(!sl_timer_armed(&c->timer) && sl_list_empty(&c->out_link));
        return NULL;
    }
    REQUIRE(c->state > ST_LISTEN && c->state < ST_TIME_WAIT);
    REQUIRE(sl_tcp_table_find(&t->table, &c->tuple) == ref_make(REF_CONN, conn_index(c)));
    for (uint32_t i = 0; !broken && i < SL_ARRAY_LEN(checks); i++)
        broken = checks[i](c);
    if (!broken && reasm_of(c))
        broken = check_reasm(t, c, held);
    if (!broken && c->flight)
        broken = check_flight(c, flight_of(c));
    return broken;
}

static const char *check_table(const struct sl_tcp *t)
{
    uint64_t slots = ((uint64_t)t->table.mask + 1) * TABLE_SLOTS;
    uint32_t n = 0;

    for (uint64_t i = 0; i < slots; i++) {
        uint32_t ref = t->table.buckets[i / TABLE_SLOTS].refs[i % TABLE_SLOTS];

        if (!ref)
            continue;
        REQUIRE(sl_tcp_table_find(&t->table, t->table.tuple_of(t, ref)) == ref);
        n++;
    }
    REQUIRE(n == t->table.count);
    REQUIRE(n == t->stats->ctr[SL_CTR_TCP_CONNS]);
    REQUIRE(t->lingers.used == t->stats->ctr[SL_CTR_TCP_TIME_WAIT]);
    return NULL;
}

/* Requests belong to listeners, which count them; a cookie that could still be good is not older than cookies get. */
static const char *check_listeners(const struct sl_tcp *t)
{
    uint32_t pending = 0;

    for (uint32_t i = 0; i < TCP_LISTENER_BUCKETS; i++) {
        const struct sl_list *head = &t->listeners[i];

        for (const struct sl_list *node = head->next; node != head; node = node->next) {
            const struct sl_tcp_listener *l = sl_container_of(node, struct sl_tcp_listener, link);

            REQUIRE(l->cookies_until <= t->now + COOKIE_LIFE_NS);
            pending += l->pending;
        }
    }
    REQUIRE(pending == t->requests.used);
    REQUIRE(t->table.count - t->lingers.used <= t->conns_max);
    return NULL;
}

static const char *check_evict(const struct sl_tcp *t)
{
    REQUIRE(t->evict.hand >= 1 && t->evict.hand <= SL_MAX(t->conns.made, 1u));
    REQUIRE(t->evict.patience_ns && t->evict.patience_ns <= 64 * SL_NS_PER_S);
    REQUIRE(sl_list_empty(&t->dead));
    return NULL;
}

const char *sl_tcp_check(struct sl_tcp *t)
{
    const char *broken = check_table(t);
    uint64_t held = 0;

    if (!broken)
        broken = check_listeners(t);
    if (!broken)
        broken = check_evict(t);
    for (uint32_t i = 1; !broken && i < t->conns.made; i++) {
        if (conn_at(t, i)->t)
            broken = check_conn(t, conn_at(t, i), &held);
    }
    if (broken)
        return broken;
    REQUIRE(held == t->nodes.held_bytes);
    REQUIRE(t->reasms.used <= t->conns.used && t->flights.used <= t->conns.used && t->episodes.used <= t->conns.used);
    REQUIRE(t->seldoms.used <= t->conns.used);
    return NULL;
}
