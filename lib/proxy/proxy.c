/* The room's steps. An exchange is visited when one of its streams has an event or when its last visit left work; nothing is polled. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int sl_proxy_create(const struct sl_proxy_params *params, uint64_t now, struct sl_proxy **proxy, struct sl_err *err)
{
    struct sl_proxy *p;

    if (!params->dialer.dial || !params->pairs_max)
        return sl_err_set(err, -EINVAL, "proxy: a dialer and room for pairs are needed");
    p = calloc(1, sizeof *p);
    if (!p)
        return sl_err_set(err, -ENOMEM, "proxy: no memory");
    p->dialer = params->dialer;
    p->stats = params->stats;
    p->pairs_max = params->pairs_max;
    sl_ready_init(&p->fronts);
    sl_ready_init(&p->streams);
    sl_list_init(&p->exchanges);
    sl_list_init(&p->work);
    sl_list_init(&p->turn);
    sl_wheel_init(&p->wheel, now);
    *proxy = p;
    return 0;
}

void sl_proxy_destroy(struct sl_proxy *proxy)
{
    if (!proxy)
        return;
    sl_proxy_abort_all(proxy);
    free(proxy);
}

struct sl_ready *sl_proxy_fronts(struct sl_proxy *proxy) { return &proxy->fronts; }

uint32_t sl_proxy_pairs(const struct sl_proxy *proxy) { return proxy->pairs; }

static void forsake(struct sl_stream *front, enum sl_reason reason)
{
    if (!(front->state & SL_STREAM_CLOSED))
        front->ops->abort(front, reason);
    sl_stream_attach(front, NULL, NULL);
    front->ops->release(front);
}

static void take_fronts(struct sl_proxy *proxy, uint64_t now)
{
    struct sl_stream *front;
    uint8_t events;

    while ((front = sl_ready_take(&proxy->fronts, &events))) {
        if (front->state & SL_STREAM_CLOSED && front->reason != SL_REASON_NONE)
            forsake(front, SL_REASON_NONE);
        else if (front->state & SL_STREAM_OPEN)
            exchange_begin(proxy, front, front->owner, now);
    }
}

/* Streams that have events put their exchange on the work list. */
static void collect(struct sl_proxy *proxy)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&proxy->streams, &events))) {
        struct side *side = s->owner;

        if (sl_list_empty(&side->x->work))
            sl_list_push_back(&proxy->work, &side->x->work);
    }
}

void sl_proxy_run(struct sl_proxy *proxy, uint64_t now)
{
    struct sl_list *node;

    take_fronts(proxy, now);
    collect(proxy);
    /* What is put on the list from here on has its turn in the next run. */
    sl_list_push_back(&proxy->work, &proxy->turn);
    while ((node = sl_list_pop_front(&proxy->work)) != &proxy->turn)
        exchange_visit(proxy, sl_container_of(node, struct exchange, work), now);
}

void sl_proxy_timers(struct sl_proxy *proxy, uint64_t now)
{
    struct sl_list due, *node;

    sl_list_init(&due);
    sl_wheel_advance(&proxy->wheel, now, &due);
    while ((node = sl_list_pop_front(&due)))
        exchange_idle(proxy, sl_container_of(node, struct exchange, idle.link), now);
}

uint64_t sl_proxy_next(const struct sl_proxy *proxy)
{
    if (!sl_list_empty(&proxy->work) || !sl_list_empty(&proxy->streams.list) || !sl_list_empty(&proxy->fronts.list))
        return 0;
    return sl_wheel_next(&proxy->wheel);
}

void sl_proxy_abort_all(struct sl_proxy *proxy)
{
    struct sl_stream *front;
    uint8_t events;

    while ((front = sl_ready_take(&proxy->fronts, &events)))
        forsake(front, SL_REASON_ABORTED);
    while (!sl_list_empty(&proxy->exchanges))
        exchange_abort(proxy, sl_container_of(proxy->exchanges.next, struct exchange, all), SL_REASON_ABORTED);
}
