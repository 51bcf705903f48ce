/* The TLS of one worker: its life, its connections' lives, its steps. */
#include "tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tls/conn.h"

#define BUDGET_DEFAULT 4
#define RETRY_NS SL_NS_PER_MS
#define LINGER_NS (2 * SL_NS_PER_S)
#define LINGER_MAX_BYTES (1u << 20)

/* ---- life of the room ---- */

int sl_tls_create(const struct sl_tls_params *params, struct sl_tls **tls, struct sl_err *err)
{
    struct sl_tls *t = calloc(1, sizeof *t);
    int ret;

    *tls = NULL;
    if (!t)
        return sl_err_set(err, -ENOMEM, "out of memory");
    ret = sl_wire_shared_init(&t->shared, params->pool, err);
    if (ret < 0) {
        free(t);
        return ret;
    }
    t->params = *params;
    if (!t->params.budget_per_step)
        t->params.budget_per_step = BUDGET_DEFAULT;
    t->engine = &sl_engine_mbedtls;
    t->retry_ns = SL_NEVER;
    sl_ready_init(&t->lower);
    sl_list_init(&t->conns);
    sl_list_init(&t->in_flight);
    sl_list_init(&t->queue);
    sl_list_init(&t->starved);
    sl_list_init(&t->sites);
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
    while ((node = sl_list_pop_front(&t->sites)))
        sl_site_destroy(sl_container_of(node, struct sl_tls_site, link), t->engine);
    sl_wire_shared_done(&t->shared);
    free(t);
}

/* ---- sites ---- */

struct sl_tls_site *sl_tls_site_create(struct sl_tls *t, const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
    struct sl_tls_site *site = sl_site_create(&t->stores, t->engine, conf, index, err);

    if (!site)
        return NULL;
    site->tls = t;
    sl_list_push_back(&t->sites, &site->link);
    return site;
}

void sl_tls_site_release(struct sl_tls_site *site)
{
    if (site && --site->refs == 0)
        sl_site_destroy(site, site->tls->engine);
}

bool sl_tls_site_unused(const struct sl_tls_site *site) { return site->refs == 1; }

/* ---- life of a connection ---- */

struct sl_stream *sl_tls_accept(struct sl_tls *t, struct sl_tls_site *site, struct sl_stream *lower,
                                struct sl_ready *ready, void *owner, uint64_t now)
{
    static const struct sl_tls_failure evicted = {.why = SL_TLS_FAIL_EVICTED};
    struct sl_tls_conn *c = t->params.handshakes_max ? calloc(1, sizeof *c) : NULL;

    t->now = now;
    if (!c) {
        sl_stat_drop(t->params.stats, SL_DROP_TLS_NO_MEMORY);
        lower->ops->abort(lower, SL_REASON_NO_RESOURCE);
        lower->ops->release(lower);
        return NULL;
    }
    if (t->n_flight >= t->params.handshakes_max)
        sl_tls_handshake_fail(sl_container_of(t->in_flight.next, struct sl_tls_conn, flight), &evicted, false);
    sl_stream_init(&c->up, &sl_tls_stream_ops);
    c->up.ready = ready;
    c->up.owner = owner;
    c->tls = t;
    c->site = site;
    c->sni = c->alpn = c->version = c->suite = "";
    site->refs++;
    sl_wire_init(&c->wire, &t->shared, lower);
    sl_timer_init(&c->timer);
    sl_list_init(&c->work);
    sl_list_push_back(&t->conns, &c->link);
    sl_list_push_back(&t->in_flight, &c->flight);
    t->n_flight++;
    sl_stat_inc(t->params.stats, SL_CTR_TLS_IN_FLIGHT);
    sl_fifo_start(&site->handshake_timers, &c->timer, now);
    sl_stream_attach(lower, &t->lower, c);
    return &c->up;
}

/* Keys, and what belongs to the site. */
static void let_go(struct sl_tls_conn *c)
{
    if (c->engine)
        c->tls->engine->destroy(c->engine);
    if (c->record)
        c->record->ops->destroy(c->record);
    c->engine = NULL;
    c->record = NULL;
    for (uint32_t i = 0; i < c->n_held; i++)
        sl_slice_free(&c->held[i]);
    free(c->held);
    c->held = NULL;
    c->n_held = 0;
    if (c->sni[0])
        free((char *)(uintptr_t)c->sni);
    c->sni = c->alpn = "";
    if (c->site)
        sl_tls_site_release(c->site);
    c->site = NULL;
    sl_list_remove(&c->work);
}

void sl_tls_conn_free(struct sl_tls_conn *c)
{
    if (c->phase == SL_TLS_HANDSHAKE)
        sl_tls_handshake_leave(c);
    if (c->phase == SL_TLS_OPEN || c->phase == SL_TLS_ENDED) {
        c->tls->n_streams--;
        sl_stat_sub(c->tls->params.stats, SL_CTR_TLS_STREAMS, 1);
    }
    if (c->phase == SL_TLS_LINGER)
        sl_stat_sub(c->tls->params.stats, SL_CTR_TLS_LINGERING, 1);
    let_go(c);
    sl_fifo_stop(&c->timer);
    sl_wire_done(&c->wire);
    c->wire.lower->ops->release(c->wire.lower);
    sl_list_remove(&c->up.ready_link);
    sl_list_remove(&c->link);
    free(c);
}

static void linger_events(struct sl_tls_conn *c, uint8_t events)
{
    struct sl_stream *lower = c->wire.lower;

    (void)events;
    c->drained_bytes += sl_wire_drain(&c->wire);
    if (c->drained_bytes > LINGER_MAX_BYTES)
        lower->ops->abort(lower, SL_REASON_PROTOCOL);
    if (c->drained_bytes > LINGER_MAX_BYTES || (lower->state & (SL_STREAM_EOF | SL_STREAM_CLOSED)))
        sl_tls_conn_free(c);
}

void sl_tls_conn_linger(struct sl_tls_conn *c)
{
    if (c->phase == SL_TLS_HANDSHAKE)
        sl_tls_handshake_leave(c);
    if (c->phase == SL_TLS_OPEN || c->phase == SL_TLS_ENDED) {
        c->tls->n_streams--;
        sl_stat_sub(c->tls->params.stats, SL_CTR_TLS_STREAMS, 1);
    }
    let_go(c);
    sl_list_remove(&c->up.ready_link);
    c->phase = SL_TLS_LINGER;
    sl_stat_inc(c->tls->params.stats, SL_CTR_TLS_LINGERING);
    sl_fifo_start(&c->tls->linger_timers, &c->timer, c->tls->now);
    linger_events(c, 0);
}

void sl_tls_conn_log(struct sl_tls_conn *c, enum sl_event_kind kind, const struct sl_tls_failure *f)
{
    struct sl_stats *st = c->tls->params.stats;
    const struct sl_tls_fail_info *info = &sl_tls_fail_info[f->why];
    struct sl_event ev = {
        .at_ns = c->tls->now, .kind = kind, .code = f->alert_sent ? f->alert_sent : f->alert_received};
    const char *name = c->engine ? c->tls->engine->sni(c->engine) : c->sni;
    struct sl_facts facts = {0};

    sl_stat_inc(st, info->ctr);
    if (f->alert_sent)
        sl_stat_inc(st, SL_CTR_TLS_ALERTS_SENT);
    if (f->alert_received)
        sl_stat_inc(st, SL_CTR_TLS_ALERTS_RECEIVED);
    c->wire.lower->ops->facts(c->wire.lower, &facts);
    ev.peer = facts.peer;
    snprintf(ev.listener, sizeof ev.listener, "%s", c->site ? c->site->listener->name.s : "");
    snprintf(ev.note, sizeof ev.note, "%s%s%s", info->name, name[0] ? " " : "", name);
    sl_event_emit(st, c->tls->now, &ev);
}

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
    [SL_TLS_LINGER] = linger_events,
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
    struct sl_stream *lower;
    uint8_t events;

    t->now = now;
    sl_crypto_set_wall(wall_s);
    while ((lower = sl_ready_take(&t->lower, &events))) {
        struct sl_tls_conn *c = lower->owner;

        on_events[c->phase](c, events);
    }
    retry_starved(t);
    set_gauge(t->params.stats, SL_CTR_TLS_HEAP_BYTES, memory->now_bytes);
    set_gauge(t->params.stats, SL_CTR_TLS_HEAP_PEAK_BYTES, memory->peak_bytes);
}

void sl_tls_timers(struct sl_tls *t, uint64_t now)
{
    static const struct sl_tls_failure timeout = {.why = SL_TLS_FAIL_TIMEOUT};
    struct sl_timer *due;

    t->now = now;
    for (struct sl_list *l = t->sites.next, *next; l != &t->sites; l = next) {
        struct sl_tls_site *site = sl_container_of(l, struct sl_tls_site, link);

        next = l->next;
        site->refs++; /* the last connection may take the site with it */
        while ((due = sl_fifo_pop_due(&site->handshake_timers, now)))
            sl_tls_handshake_fail(sl_container_of(due, struct sl_tls_conn, timer), &timeout, false);
        sl_tls_site_release(site);
    }
    while ((due = sl_fifo_pop_due(&t->linger_timers, now)))
        sl_tls_conn_free(sl_container_of(due, struct sl_tls_conn, timer));
}

uint64_t sl_tls_next(const struct sl_tls *t)
{
    uint64_t next = SL_MIN(t->retry_ns, sl_fifo_next(&t->linger_timers));

    if (!sl_list_empty(&t->queue) || !sl_list_empty(&t->lower.list))
        return 0;
    for (const struct sl_list *l = t->sites.next; l != &t->sites; l = l->next)
        next = SL_MIN(next, sl_fifo_next(&sl_container_of((uintptr_t)l, struct sl_tls_site, link)->handshake_timers));
    return next;
}

uint32_t sl_tls_handshakes(const struct sl_tls *t) { return t->n_flight; }
uint32_t sl_tls_streams(const struct sl_tls *t) { return t->n_streams; }
