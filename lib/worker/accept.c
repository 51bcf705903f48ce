#include "internal.h"

static void forsake(struct sl_stream *s)
{
    if (!(s->state & SL_STREAM_CLOSED))
        s->ops->abort(s, SL_REASON_ABORTED);
    sl_stream_attach(s, NULL, NULL);
    s->ops->release(s);
}

void accept_run(struct sl_worker *w, uint64_t now)
{
    struct sl_ready *fronts = sl_proxy_fronts(w->proxy);
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&w->accepted, &events))) {
        const struct listener *l = s->owner;

        if (s->state & SL_STREAM_CLOSED && s->reason != SL_REASON_NONE)
            forsake(s);
        else if (!(s->state & SL_STREAM_OPEN))
            continue;
        else if (l->gen->sites[l->index])
            (void)sl_tls_accept(w->tls, l->gen->sites[l->index], s, fronts, l->gen->services[l->index], now);
        else
            sl_stream_attach(s, fronts, l->gen->services[l->index]);
    }
}
