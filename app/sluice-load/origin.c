/* The origin as a whole: who listens, who has something to do, and the end. */
#include <errno.h>
#include <stdlib.h>

#include "origin_internal.h"

#define STOPS_PER_STEP 64

static void accept_all(struct origin *o)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&o->accepted, &events))) {
        bool closed = s->state & SL_STREAM_CLOSED;

        if (!closed && !o->stopping && serve_begin(o, s))
            continue;
        o->counts.refused += !closed && !o->stopping;
        if (!closed)
            s->ops->abort(s, SL_REASON_NO_RESOURCE);
        sl_stream_attach(s, NULL, NULL);
        s->ops->release(s);
    }
}

static void take_events(struct origin *o)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&o->ready, &events)))
        serve_event(o, s->owner, events);
}

/* Once round: who finds no buffer again comes again. */
static void feed_starved(struct origin *o)
{
    uint32_t next = o->starved;

    o->starved = 0;
    while (next) {
        struct serve *c = &o->conns[next - 1];

        next = c->starved;
        serve_again(o, c);
    }
}

/* ---- as a whole ---- */

static int listen_all(struct origin *o, struct sl_err *err)
{
    char text[SL_ENDPOINT_TEXT_MAX];

    for (uint32_t i = 0; i < o->p.plan->n_origins; i++) {
        const struct sl_endpoint *at = &o->p.plan->origins[i];
        uint8_t iface;
        int code;

        if (!sl_net_is_local(o->p.net, &at->ip, &iface))
            return sl_err_set(err, -EADDRNOTAVAIL, "origin %s: the address is on no interface of the configuration",
                              sl_endpoint_format(at, text));
        code = sl_tcp_listen(o->p.tcp, at, &o->p.opts, o->p.backlog, &o->accepted, o, &o->listeners[i]);
        if (code < 0)
            return sl_err_set(err, code, "origin %s: can't listen", sl_endpoint_format(at, text));
        o->n_listeners++;
    }
    return 0;
}

int origin_create(const struct origin_params *p, struct origin **origin, struct sl_err *err)
{
    struct origin *o = calloc(1, sizeof *o);
    int code;

    if (!o)
        return sl_err_set(err, -ENOMEM, "no memory for an origin");
    o->p = *p;
    sl_ready_init(&o->accepted);
    sl_ready_init(&o->ready);
    o->conns = sl_pages_map(p->conns_max * sizeof o->conns[0]);
    code = o->conns ? listen_all(o, err) : sl_err_set(err, -ENOMEM, "no memory for an origin");
    if (code < 0) {
        origin_destroy(o);
        return code;
    }
    *origin = o;
    return 0;
}

void origin_destroy(struct origin *o)
{
    if (!o)
        return;
    o->stopping = true;
    accept_all(o);
    for (uint32_t i = 0; o->conns && i < o->n_made; i++)
        if (o->conns[i].stream)
            serve_end(o, &o->conns[i], false);
    for (uint32_t i = 0; i < o->n_listeners; i++)
        sl_tcp_unlisten(o->listeners[i]);
    sl_pages_unmap(o->conns, o->p.conns_max * sizeof o->conns[0]);
    free(o);
}

static void stop_some(struct origin *o)
{
    for (uint32_t left = STOPS_PER_STEP; left && o->stop_at < o->n_made; o->stop_at++) {
        struct serve *c = &o->conns[o->stop_at];

        if (!c->stream)
            continue;
        serve_end(o, c, false);
        left--;
    }
}

void origin_run(struct origin *o, uint64_t now)
{
    (void)now;
    accept_all(o);
    take_events(o);
    feed_starved(o);
    if (o->stopping)
        stop_some(o);
}

uint64_t origin_next(const struct origin *o)
{
    bool busy = !sl_list_empty(&o->accepted.list) || !sl_list_empty(&o->ready.list) || o->starved ||
                (o->stopping && !origin_stopped(o));

    return busy ? 0 : SL_NEVER;
}

const struct origin_counts *origin_counts(const struct origin *o) { return &o->counts; }

void origin_stop(struct origin *o) { o->stopping = true; }
bool origin_stopped(const struct origin *o) { return o->stopping && o->stop_at == o->n_made; }
