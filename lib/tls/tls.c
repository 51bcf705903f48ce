/* The TLS of one worker: its life, and its steps of the loop. */
#include "tls/tls.h"

#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tls/conn.h"
#include "tls/fiber.h"

#define BUDGET_DEFAULT_NS 200000
#define KEYS_CACHED_DEFAULT 1024
#define RETRY_NS SL_NS_PER_MS
#define LINGER_NS (2 * SL_NS_PER_S)

/* ---- life of the room ---- */

int sl_tls_create(const struct sl_tls_params *params, struct sl_tls **tls, struct sl_err *err)
{
    struct sl_tls *t = calloc(1, sizeof *t);
    int ret;

    *tls = NULL;
    if (!t)
        return sl_err_set(err, -ENOMEM, "out of memory");
    ret = sl_wire_shared_init(&t->shared, params->pool, err);
    if (ret == 0 && rte_pktmbuf_data_room_size(params->small_pool) < SL_RECORD_SMALL_BYTES)
        ret = sl_err_set(err, -EINVAL, "small packet buffers have less than %u bytes", SL_RECORD_SMALL_BYTES);
    if (ret == 0 && sl_key_cache_init(&t->records.keys, params->keys_cached ? params->keys_cached : KEYS_CACHED_DEFAULT,
                                      params->stats) < 0)
        ret = sl_err_set(err, -ENOMEM, "out of memory");
    if (ret < 0) {
        free(t);
        return ret;
    }
    t->params = *params;
    if (!t->params.budget_ns)
        t->params.budget_ns = BUDGET_DEFAULT_NS;
    t->records.pool = params->pool;
    t->records.small = params->small_pool;
    t->records.stats = params->stats;
    t->records.records_max = params->records_per_key ? params->records_per_key : SL_RECORDS_PER_KEY_MAX;
    t->engines.fibers = sl_fiber_pool_create(params->handshakes_max, SL_FIBER_SWITCH_BEST);
    t->engines.ops = sl_op_queue_create();
    t->engines.keylog = params->keylog;
    if (!t->engines.fibers || !t->engines.ops) {
        sl_fiber_pool_destroy(t->engines.fibers);
        sl_op_queue_destroy(t->engines.ops);
        sl_wire_shared_done(&t->shared);
        free(t);
        return sl_err_set(err, -ENOMEM, "out of memory");
    }
    t->retry_ns = SL_NEVER;
    sl_ready_init(&t->lower);
    sl_list_init(&t->conns);
    sl_list_init(&t->in_flight);
    sl_list_init(&t->queue);
    sl_list_init(&t->hellos);
    sl_list_init(&t->starved);
    sl_list_init(&t->terms);
    sl_list_init(&t->stores);
    sl_fifo_init(&t->linger_timers, LINGER_NS);
    *tls = t;
    return 0;
}

void sl_tls_destroy(struct sl_tls *t)
{
    struct sl_list *node;

    if (!t)
        return;
    while ((node = sl_list_pop_front(&t->conns))) {
        struct sl_tls_conn *c = sl_container_of(node, struct sl_tls_conn, link);

        c->wire.lower->ops->abort(c->wire.lower, SL_REASON_ABORTED);
        sl_tls_conn_free(c);
    }
    while ((node = sl_list_pop_front(&t->terms))) {
        struct sl_tls_terms *terms = sl_container_of(node, struct sl_tls_terms, link);

        terms->destroy(terms);
    }
    sl_op_queue_destroy(t->engines.ops);
    sl_fiber_pool_destroy(t->engines.fibers);
    sl_wire_shared_done(&t->shared);
    rte_pktmbuf_free(t->records.spare);
    sl_key_cache_done(&t->records.keys);
    free(t);
}

void sl_tls_limit(struct sl_tls *t, uint32_t handshakes_max)
{
    t->params.handshakes_max = handshakes_max;
    sl_fiber_pool_limit(t->engines.fibers, handshakes_max);
}

/* ---- sites ---- */

struct sl_tls_site *sl_tls_site_create(struct sl_tls *t, const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
    struct sl_tls_site *site = sl_site_create(&t->stores, &t->engines, conf, index, err);

    if (!site)
        return NULL;
    site->terms.tls = t;
    sl_list_push_back(&t->terms, &site->terms.link);
    return site;
}

int sl_tls_use_tickets(struct sl_tls *t, const struct sl_conf *conf, const struct sl_ticket_set *sets, uint32_t n)
{
    int ret = 0;

    for (struct sl_list *l = t->terms.next; l != &t->terms; l = l->next) {
        struct sl_tls_terms *terms = sl_container_of(l, struct sl_tls_terms, link);
        struct sl_tls_site *site = sl_site_of(terms);
        uint32_t at;

        if (terms->role != SL_ENGINE_SERVER)
            continue;
        at = site->listener->tls.index;
        if (site->store->conf == conf && at < n && site->tickets && sl_tickets_use(site->tickets, &sets[at]) < 0)
            ret = -ENOMEM;
    }
    return ret;
}

void sl_tls_site_release(struct sl_tls_site *site)
{
    if (site)
        sl_terms_release(&site->terms);
}

bool sl_tls_site_unused(const struct sl_tls_site *site) { return site->terms.refs == 1; }

/* ---- steps of the loop ---- */

static void handshake_events(struct sl_tls_conn *c, uint8_t events)
{
    static const struct sl_tls_failure reset = {.why = SL_TLS_FAIL_RESET}, timeout = {.why = SL_TLS_FAIL_TIMEOUT};

    if ((events & SL_STREAM_CLOSED) && c->wire.lower->reason != SL_REASON_NONE)
        sl_tls_handshake_fail(c, c->wire.lower->reason == SL_REASON_TIMEOUT ? &timeout : &reset, false);
    else if (events & (SL_STREAM_READABLE | SL_STREAM_EOF | SL_STREAM_CLOSED))
        sl_tls_handshake_wake(c);
}

static void ended_events(struct sl_tls_conn *c, uint8_t events)
{
    (void)events;
    sl_wire_drain(&c->wire); /* the peer's window stays open until the user has released us */
}

static void (*const on_events[SL_TLS_PHASE_COUNT])(struct sl_tls_conn *c, uint8_t events) = {
    [SL_TLS_HANDSHAKE] = handshake_events,
    [SL_TLS_OPEN] = sl_tls_stream_events,
    [SL_TLS_ENDED] = ended_events,
    [SL_TLS_LINGER] = sl_tls_conn_drain,
};

void sl_tls_starve(struct sl_tls_conn *c)
{
    struct sl_tls *t = c->tls;

    sl_stat_inc(t->params.stats, SL_CTR_TLS_STARVED);
    sl_list_remove(&c->work);
    sl_list_push_back(&t->starved, &c->work);
    if (t->retry_ns == SL_NEVER)
        t->retry_ns = t->now + RETRY_NS;
}

static void retry_starved(struct sl_tls *t)
{
    struct sl_list mine;
    struct sl_list *node;

    if (t->now < t->retry_ns)
        return;
    t->retry_ns = SL_NEVER;
    sl_list_init(&mine); /* those that starve again come back next time */
    while ((node = sl_list_pop_front(&t->starved)))
        sl_list_push_back(&mine, node);
    while ((node = sl_list_pop_front(&mine))) {
        struct sl_tls_conn *c = sl_container_of(node, struct sl_tls_conn, work);

        if (c->phase == SL_TLS_HANDSHAKE)
            sl_tls_handshake_wake(c);
        else if (c->phase == SL_TLS_OPEN)
            sl_tls_stream_retry(c);
    }
}

static void set_gauge(struct sl_stats *st, enum sl_ctr ctr, uint64_t value)
{
    sl_stat_add(st, ctr, value - st->ctr[ctr]);
}

void sl_tls_run(struct sl_tls *t, uint64_t now, uint64_t wall_s)
{
    const struct sl_crypto_memory *memory = sl_crypto_memory();
    struct sl_fiber_use fibers;
    struct sl_stream *lower;
    uint8_t events;

    t->now = now;
    sl_crypto_set_wall(wall_s);
    while ((lower = sl_ready_take(&t->lower, &events))) {
        struct sl_tls_conn *c = lower->owner;

        on_events[c->phase](c, events);
    }
    retry_starved(t);
    sl_fiber_pool_use(t->engines.fibers, &fibers);
    set_gauge(t->params.stats, SL_CTR_TLS_FIBERS, fibers.made);
    set_gauge(t->params.stats, SL_CTR_TLS_FIBER_STACK_PEAK_BYTES, fibers.stack_peak_bytes);
    set_gauge(t->params.stats, SL_CTR_TLS_FIBER_ARENA_PEAK_BYTES, fibers.arena_peak_bytes);
    set_gauge(t->params.stats, SL_CTR_TLS_HEAP_BYTES, memory->now_bytes);
    set_gauge(t->params.stats, SL_CTR_TLS_HEAP_PEAK_BYTES, memory->peak_bytes);
}

void sl_tls_timers(struct sl_tls *t, uint64_t now)
{
    static const struct sl_tls_failure timeout = {.why = SL_TLS_FAIL_TIMEOUT};
    struct sl_timer *due;

    t->now = now;
    for (struct sl_list *l = t->terms.next, *next; l != &t->terms; l = next) {
        struct sl_tls_terms *terms = sl_container_of(l, struct sl_tls_terms, link);

        next = l->next;
        terms->refs++; /* the last connection may take them with it */
        while ((due = sl_fifo_pop_due(&terms->handshake_timers, now)))
            sl_tls_handshake_fail(sl_container_of(due, struct sl_tls_conn, timer), &timeout, false);
        sl_terms_release(terms);
    }
    while ((due = sl_fifo_pop_due(&t->linger_timers, now)))
        sl_tls_conn_free(sl_container_of(due, struct sl_tls_conn, timer));
}

uint64_t sl_tls_next(const struct sl_tls *t)
{
    uint64_t next = SL_MIN(t->retry_ns, sl_fifo_next(&t->linger_timers));

    if (!sl_list_empty(&t->queue) || !sl_list_empty(&t->hellos) || !sl_list_empty(&t->lower.list) ||
        sl_op_waiting(t->engines.ops))
        return 0;
    for (const struct sl_list *l = t->terms.next; l != &t->terms; l = l->next)
        next = SL_MIN(next, sl_fifo_next(&sl_container_of((uintptr_t)l, struct sl_tls_terms, link)->handshake_timers));
    return next;
}

uint32_t sl_tls_handshakes(const struct sl_tls *t) { return t->n_flight; }
uint32_t sl_tls_streams(const struct sl_tls *t) { return t->n_streams; }
