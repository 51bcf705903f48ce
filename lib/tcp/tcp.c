/* One worker's endpoint: made, stepped, destroyed. */
#include "tcp/tcp_internal.h"

#include <errno.h>
#include <stdlib.h>

#define SLICE_BYTES_MIN 512u /* what a queued slice holds at least on average when buffers are full */

static const struct tuple *tuple_of(const void *ctx, uint32_t ref)
{
    static const size_t slabs[] = {[REF_CONN] = offsetof(struct sl_tcp, conns),
                                   [REF_REQUEST] = offsetof(struct sl_tcp, requests),
                                   [REF_LINGER] = offsetof(struct sl_tcp, lingers)};

    return slab_at((const struct slab *)((const char *)ctx + slabs[ref_kind(ref)]), ref_idx(ref));
}

/* One secret, a key for each use. */
static struct sl_hash_key derive(const uint8_t secret[32], const char *use)
{
    struct sl_hash_key base[2], key;

    memcpy(base, secret, sizeof base);
    key.k[0] = sl_siphash(&base[0], use, strlen(use));
    key.k[1] = sl_siphash(&base[1], use, strlen(use));
    return key;
}

static int make_tables(struct sl_tcp *t, const struct sl_tcp_params *p)
{
    struct sl_hash_key key = derive(p->secret, "table");
    uint32_t nodes = (uint32_t)SL_MIN(p->held_max_bytes / SLICE_BYTES_MIN + 4096, (uint64_t)UINT32_MAX / 4);
    uint32_t seldom = SL_MAX(p->conns_max / 4, 64u);
    uint32_t objects = p->conns_max + p->conns_max / 8 + 64; /* some are over, and their users have not let go yet */

    t->table.tuple_of = NULL;
    if (sl_tcp_table_init(&t->table, p->conns_max + p->time_wait_max, &key) ||
        sl_tcp_slab_init(&t->conns, sizeof(struct conn), objects) ||
        sl_tcp_slab_init(&t->requests, sizeof(struct request), p->conns_max) ||
        sl_tcp_slab_init(&t->lingers, sizeof(struct linger), p->time_wait_max) ||
        sl_tcp_slab_init(&t->reasms, sizeof(struct reasm), seldom) ||
        sl_tcp_slab_init(&t->flights, sizeof(struct flight), p->conns_max) ||
        sl_tcp_slab_init(&t->episodes, sizeof(struct episode), p->conns_max) ||
        sl_tcp_slab_init(&t->seldoms, sizeof(struct seldom), objects) ||
        sl_tcp_slab_init(&t->nodes.slab, sizeof(struct node), nodes) || sl_tcp_cookie_init(t))
        return -ENOMEM;
    t->table.tuple_of = tuple_of;
    t->table.ctx = t;
    return 0;
}

static void init_lists(struct sl_tcp *t, const struct sl_tcp_params *p, uint64_t now)
{
    sl_list_init(&t->out);
    sl_list_init(&t->dead);
    sl_list_init(&t->settings);
    for (uint32_t i = 0; i < TCP_LISTENER_BUCKETS; i++)
        sl_list_init(&t->listeners[i]);
    sl_wheel_init(&t->wheel, now);
    sl_fifo_init(&t->tw_fifo, t->time_wait_ns);
    for (uint32_t i = 0; i < TCP_SYN_ACKS_MAX; i++)
        sl_fifo_init(&t->req_fifos[i], TCP_RTO_SYN_NS << i);
}

int sl_tcp_create(const struct sl_tcp_params *p, uint64_t now, struct sl_tcp **tcp, struct sl_err *err)
{
    struct sl_tcp *t;

    if (!p->net || !p->stats || !p->hdr_pool || !p->ref_pool || !p->conns_max ||
        p->conns_max >= 1u << (REF_SHIFT - 1) || p->time_wait_max >= 1u << (REF_SHIFT - 1))
        return sl_err_set(err, -EINVAL, "tcp: a parameter is missing or out of range");
    t = calloc(1, sizeof *t);
    if (!t)
        return sl_err_set(err, -ENOMEM, "tcp: no memory");
    t->now = now;
    t->net = p->net;
    t->stats = p->stats;
    t->hdr_pool = p->hdr_pool;
    t->ref_pool = p->ref_pool;
    t->conns_max = p->conns_max;
    t->held_max_bytes = p->held_max_bytes;
    t->rto_min_us = (uint32_t)((p->rto_min_ns ? p->rto_min_ns : 200 * SL_NS_PER_MS) / SL_NS_PER_US);
    t->time_wait_ns = p->time_wait_ns ? p->time_wait_ns : 60 * SL_NS_PER_S;
    t->isn_key = derive(p->secret, "isn");
    t->ts_key = derive(p->secret, "timestamp");
    t->cookie_keys.base = derive(p->secret, "cookie");
    sl_rng_seed(&t->rng, p->seed);
    sl_tcp_evict_init(t);
    init_lists(t, p, now);
    if (make_tables(t, p)) {
        sl_tcp_destroy(t);
        return sl_err_set(err, -ENOMEM, "tcp: no memory for %u connections", p->conns_max);
    }
    *tcp = t;
    return 0;
}

static void free_conns(struct sl_tcp *t)
{
    sl_tcp_conn_reap(t);
    for (uint32_t i = 1; t->conns.items && i < t->conns.made; i++) {
        struct conn *c = conn_at(t, i);

        if (!c->t)
            continue;
        sl_list_remove(&c->stream.ready_link);
        sl_tcp_conn_free_queues(c);
        sl_tcp_settings_put(c->set);
    }
}

void sl_tcp_destroy(struct sl_tcp *t)
{
    for (uint32_t i = 0; i < TCP_LISTENER_BUCKETS; i++) {
        while (!sl_list_empty(&t->listeners[i]))
            sl_tcp_unlisten(sl_container_of(t->listeners[i].next, struct sl_tcp_listener, link));
    }
    free_conns(t);
    sl_tcp_table_free(&t->table);
    sl_tcp_slab_free(&t->conns);
    sl_tcp_slab_free(&t->requests);
    sl_tcp_slab_free(&t->lingers);
    sl_tcp_slab_free(&t->reasms);
    sl_tcp_slab_free(&t->flights);
    sl_tcp_slab_free(&t->episodes);
    sl_tcp_slab_free(&t->seldoms);
    sl_tcp_slab_free(&t->nodes.slab);
    free(t->cookies_used);
    free(t);
}

/* One turn for everybody on the list. Whether anybody could go on at once. */
static bool give_turns(struct sl_tcp *t)
{
    struct sl_list turn, *node;
    bool again = false;

    sl_list_init(&turn);
    while ((node = sl_list_pop_front(&t->out)) != NULL)
        sl_list_push_back(&turn, node);
    while ((node = sl_list_pop_front(&turn)) != NULL) {
        struct conn *c = sl_container_of(node, struct conn, out_link);
        bool more;

        if (!sl_tcp_output_conn(c, TCP_BUDGET_SEGS, &more) || more)
            conn_wants_output(c);
        again |= more;
    }
    return again;
}

void sl_tcp_output(struct sl_tcp *t, uint64_t now)
{
    t->now = now;
    if (now < t->stalled_until)
        return;
    t->starved = false;
    while (!sl_list_empty(&t->out) && give_turns(t))
        ;
    if (t->starved)
        t->stalled_until = now + TCP_ALLOC_PAUSE_NS;
    sl_tcp_conn_reap(t);
}

void sl_tcp_timers(struct sl_tcp *t, uint64_t now)
{
    t->now = now;
    sl_tcp_timer_run(t);
    sl_tcp_request_timers(t);
    sl_tcp_linger_timers(t);
    sl_tcp_evict_timers(t);
    sl_tcp_conn_reap(t);
    sl_stat_add(t->stats, SL_CTR_TCP_BYTES_COPIED, t->nodes.copied_bytes - t->copied_told);
    t->copied_told = t->nodes.copied_bytes;
}

uint64_t sl_tcp_next(const struct sl_tcp *t)
{
    uint64_t next = SL_MIN(sl_wheel_next(&t->wheel), sl_fifo_next(&t->tw_fifo));

    next = SL_MIN(next, sl_tcp_evict_next(t));

    for (uint32_t i = 0; i < TCP_SYN_ACKS_MAX; i++)
        next = SL_MIN(next, sl_fifo_next(&t->req_fifos[i]));
    if (!sl_list_empty(&t->out))
        next = t->now < t->stalled_until ? SL_MIN(next, t->stalled_until) : 0;
    return next;
}
