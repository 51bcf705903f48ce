/* The life of a connection: it begins, lets go of what it needs no more, lingers, is freed; and what is told of its failures. */
#include "tls/conn.h"

#include <stdio.h>
#include <stdlib.h>

#define LINGER_MAX_BYTES (1u << 20)

struct sl_tls_conn *sl_tls_conn_begin(struct sl_tls *t, struct sl_tls_terms *terms, struct sl_stream *lower,
                                      uint64_t now)
{
    static const struct sl_tls_failure evicted = {.why = SL_TLS_FAIL_EVICTED};
    struct sl_tls_conn *c = terms && t->params.handshakes_max ? calloc(1, sizeof *c) : NULL;

    t->now = now;
    if (!c) {
        sl_stat_drop(t->params.stats, SL_DROP_TLS_NO_MEMORY);
        lower->ops->abort(lower, SL_REASON_NO_RESOURCE);
        lower->ops->release(lower);
        return NULL;
    }
    while (t->n_flight >= t->params.handshakes_max)
        sl_tls_handshake_fail(sl_container_of(t->in_flight.next, struct sl_tls_conn, flight), &evicted, false);
    sl_stream_init(&c->up, &sl_tls_stream_ops);
    c->tls = t;
    c->terms = terms;
    c->sni = c->alpn = c->suite = "";
    terms->refs++;
    sl_wire_init(&c->wire, &t->shared, lower);
    sl_hello_read_first(&c->hello);
    sl_timer_init(&c->timer);
    sl_list_init(&c->work);
    sl_list_push_back(&t->conns, &c->link);
    sl_list_push_back(&t->in_flight, &c->flight);
    t->n_flight++;
    sl_stat_inc(t->params.stats, SL_CTR_TLS_IN_FLIGHT);
    sl_fifo_start(&terms->handshake_timers, &c->timer, now);
    sl_stream_attach(lower, &t->lower, c);
    return c;
}

struct sl_stream *sl_tls_accept(struct sl_tls *t, struct sl_tls_site *site, struct sl_stream *lower,
                                struct sl_ready *ready, void *owner, uint64_t now)
{
    struct sl_tls_conn *c = sl_tls_conn_begin(t, &site->terms, lower, now);

    if (!c)
        return NULL;
    c->up.ready = ready;
    c->up.owner = owner;
    return &c->up;
}

/* Keys, and what belongs to its terms. */
static void let_go(struct sl_tls_conn *c)
{
    if (c->keyed)
        sl_record_end(&c->record, &c->tls->records);
    else if (c->engine)
        c->terms->engine->destroy(c->engine);
    c->keyed = false;
    c->engine = NULL;
    for (uint32_t i = 0; i < c->n_held; i++)
        sl_slice_free(&c->held[i]);
    free(c->held);
    c->held = NULL;
    c->n_held = 0;
    if (c->sni[0])
        free((char *)(uintptr_t)c->sni);
    c->sni = c->alpn = "";
    free(c->identity);
    c->identity = NULL;
    if (c->terms)
        sl_terms_release(c->terms);
    c->terms = NULL;
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
    c->wire.lower->ops->release(c->wire.lower);
    sl_list_remove(&c->up.ready_link);
    sl_list_remove(&c->link);
    free(c);
}

void sl_tls_conn_drain(struct sl_tls_conn *c, uint8_t events)
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
    sl_tls_conn_drain(c, 0);
}

void sl_tls_conn_log(struct sl_tls_conn *c, enum sl_event_kind kind, const struct sl_tls_failure *f)
{
    struct sl_stats *st = c->tls->params.stats;
    const struct sl_tls_fail_info *info = &sl_tls_fail_info[f->why];
    struct sl_event ev = {
        .at_ns = c->tls->now, .kind = kind, .code = f->alert_sent ? f->alert_sent : f->alert_received};
    struct sl_facts facts = {0};

    sl_stat_inc(st, info->ctr);
    if (f->alert_sent)
        sl_stat_inc(st, SL_CTR_TLS_ALERTS_SENT);
    if (f->alert_received)
        sl_stat_inc(st, SL_CTR_TLS_ALERTS_RECEIVED);
    c->wire.lower->ops->facts(c->wire.lower, &facts);
    ev.peer = facts.peer;
    snprintf(ev.listener, sizeof ev.listener, "%s", c->terms ? c->terms->label : "");
    snprintf(ev.note, sizeof ev.note, "%s%s%s", info->name, c->sni[0] ? " " : "", c->sni);
    sl_event_emit(st, c->tls->now, &ev);
}
