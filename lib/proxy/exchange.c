/* The life of an exchange: a front is taken, an origin is dialled (another one when that fails), bytes are pumped both ways, each side's end is passed on, and both are
 * let go. A side that breaks off takes the other with it.
 *
 *   begun ──dial──▶ dialling ──OPEN──▶ paired ──both shut──▶ done
 *                     │  └─CLOSED─▶ the next server; none left: the front is shut down */
#include <stdlib.h>

#include "internal.h"

/* Which line of the log a failed dial gets. */
static const enum sl_event_kind dial_events[SL_REASON_COUNT] = {
    [SL_REASON_NONE] = SL_EVENT_BACK_FAILED,
    [SL_REASON_REFUSED] = SL_EVENT_BACK_REFUSED,
    [SL_REASON_RESET] = SL_EVENT_BACK_REFUSED,
    [SL_REASON_TIMEOUT] = SL_EVENT_BACK_TIMEOUT,
    [SL_REASON_UNREACHABLE] = SL_EVENT_BACK_UNREACHABLE,
    [SL_REASON_PROTOCOL] = SL_EVENT_BACK_FAILED,
    [SL_REASON_TRUNCATED] = SL_EVENT_BACK_FAILED,
    [SL_REASON_NO_RESOURCE] = SL_EVENT_BACK_FAILED,
    [SL_REASON_ABORTED] = SL_EVENT_BACK_FAILED,
};

static void let_go(struct side *side)
{
    if (!side->stream)
        return;
    sl_stream_attach(side->stream, NULL, NULL);
    side->stream->ops->release(side->stream);
    side->stream = NULL;
}

static void cut(struct side *side, enum sl_reason reason)
{
    if (side->stream && !(side->stream->state & SL_STREAM_CLOSED))
        side->stream->ops->abort(side->stream, reason);
    let_go(side);
}

/* What waits in a stream that is closed in order has no reader any more; left there, it would turn the FIN into an RST (RFC 1122 4.2.2.13). */
static void discard(struct sl_stream *s)
{
    struct sl_slice slices[SLICES_PER_TURN];
    uint32_t n, left = BYTES_PER_TURN;

    while (left && (s->state & SL_STREAM_READABLE) && (n = s->ops->recv(s, slices, SLICES_PER_TURN, left))) {
        for (uint32_t i = 0; i < n; i++) {
            left -= SL_MIN(left, slices[i].len);
            sl_slice_free(&slices[i]);
        }
    }
}

static void finish(struct side *side)
{
    if (!side->stream)
        return;
    if (!side->shut)
        side->stream->ops->shutdown(side->stream);
    discard(side->stream);
    let_go(side);
}

/* Both sides are let go already. */
static void end(struct sl_proxy *proxy, struct exchange *x)
{
    assert(!x->front.stream && !x->back.stream);
    sl_list_remove(&x->all);
    sl_list_remove(&x->work);
    sl_wheel_cancel(&proxy->wheel, &x->idle);
    sl_proxy_service_release(x->svc);
    free(x);
    proxy->pairs--;
    sl_stat_sub(proxy->stats, SL_CTR_PROXY_PAIRS, 1);
}

void exchange_abort(struct sl_proxy *proxy, struct exchange *x, enum sl_reason reason)
{
    cut(&x->front, reason);
    cut(&x->back, reason);
    end(proxy, x);
}

static const struct sl_endpoint *server_of(const struct exchange *x)
{
    return x->n_tried ? &x->svc->up->servers[x->tried[x->n_tried - 1]].at : NULL;
}

/* Whether the reason speaks of the server, or of us. */
static bool is_servers_fault(enum sl_reason why) { return why != SL_REASON_NO_RESOURCE && why != SL_REASON_ABORTED; }

static void dial_failed(struct sl_proxy *proxy, struct exchange *x, enum sl_reason why, uint64_t now)
{
    enum sl_event_kind kind = dial_events[why < SL_REASON_COUNT ? why : SL_REASON_NONE];

    if (is_servers_fault(why))
        upstream_failed(x->svc->up, x->tried[x->n_tried - 1], now);
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_DIALS_FAILED);
    /* The others' texts have the reason in them. */
    log_exchange(proxy, kind, kind == SL_EVENT_BACK_FAILED ? why : SL_REASON_NONE, x->svc, x->front.stream,
                 server_of(x), now);
}

static struct sl_stream *dial(struct sl_proxy *proxy, struct exchange *x, uint32_t server, uint64_t now,
                              enum sl_reason *why)
{
    const struct sl_proxy_upstream *up = x->svc->up;
    struct sl_dial d = {
        .peer = up->servers[server].at,
        .sources = up->sources,
        .n_sources = up->conf->n_sources,
        .lport_min = (uint16_t)up->conf->lport_min.v,
        .lport_max = (uint16_t)up->conf->lport_max.v,
        .timeout_ns = up->conf->connect_timeout_ns.v,
        .tcp = &up->conf->tcp,
        .ready = &proxy->streams,
        .owner = &x->back,
    };

    sl_stat_inc(proxy->stats, SL_CTR_PROXY_DIALS);
    return proxy->dialer.dial(proxy->dialer.ctx, &d, now, why);
}

/* Dials servers until one connection is under way. When none is left the front gets its FIN and x is gone: false. */
static bool dial_next(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    uint32_t server;

    while ((server = upstream_choose(x->svc->up, x->tried, x->n_tried, now)) != DIAL_NONE) {
        enum sl_reason why = SL_REASON_NO_RESOURCE;

        x->tried[x->n_tried++] = server;
        x->back.stream = dial(proxy, x, server, now, &why);
        if (x->back.stream)
            return true;
        dial_failed(proxy, x, why, now);
    }
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_NO_SERVER);
    log_exchange(proxy, SL_EVENT_NO_SERVER, SL_REASON_NONE, x->svc, x->front.stream, NULL, now);
    finish(&x->front);
    end(proxy, x);
    return false;
}

void exchange_begin(struct sl_proxy *proxy, struct sl_stream *front, struct sl_proxy_service *svc, uint64_t now)
{
    struct exchange *x = proxy->pairs < proxy->pairs_max ? calloc(1, sizeof *x) : NULL;

    if (!x) {
        sl_stat_drop(proxy->stats, SL_DROP_PROXY_FULL);
        log_exchange(proxy, SL_EVENT_PROXY_FULL, SL_REASON_NONE, svc, front, NULL, now);
        cut(&(struct side){.stream = front}, SL_REASON_NO_RESOURCE);
        return;
    }
    proxy->pairs++;
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_FRONTS);
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_PAIRS);
    x->svc = svc;
    svc->refs++;
    x->moved_ns = now;
    x->front = (struct side){.stream = front, .x = x};
    x->back = (struct side){.x = x};
    sl_list_push_back(&proxy->exchanges, &x->all);
    sl_list_init(&x->work);
    sl_timer_init(&x->idle);
    if (svc->idle_ns)
        sl_wheel_arm(&proxy->wheel, &x->idle, now + svc->idle_ns);
    sl_stream_attach(front, &proxy->streams, &x->front);
    (void)dial_next(proxy, x, now);
}

/* Over, and not because both directions came to their end. */
static bool is_broken(const struct side *side)
{
    const struct sl_stream *s = side->stream;

    return (s->state & SL_STREAM_CLOSED) && (s->reason != SL_REASON_NONE || !side->shut);
}

/* The client's side broke: whatever the origin still sends has no reader. */
static void front_broke(struct sl_proxy *proxy, struct exchange *x)
{
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_FRONT_RESETS);
    exchange_abort(proxy, x, SL_REASON_ABORTED);
}

/* The origin's side broke. A client that has the whole of the answer before it keeps it; any other must not take a cut answer for a whole one: RST. */
static void back_broke(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_BACK_RESETS);
    if (x->front.shut) {
        finish(&x->front);
    } else {
        log_exchange(proxy, SL_EVENT_BACK_RESET, x->back.stream->reason, x->svc, x->front.stream, server_of(x), now);
        cut(&x->front, SL_REASON_ABORTED);
    }
    let_go(&x->back);
    end(proxy, x);
}

/* False when x is gone or waits for its back. */
static bool back_is_open(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    uint8_t state = x->back.stream->state;

    if (state & SL_STREAM_OPEN) {
        x->paired = true;
        upstream_works(x->svc->up, x->tried[x->n_tried - 1]);
        return true;
    }
    if (state & SL_STREAM_CLOSED) {
        dial_failed(proxy, x, x->back.stream->reason, now);
        let_go(&x->back);
        (void)dial_next(proxy, x, now);
    }
    return false;
}

static void pump_both(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    uint64_t up = 0, down = 0;
    bool more = pump(&x->front, &x->back, &up);

    more |= pump(&x->back, &x->front, &down);
    if (up | down) {
        x->moved_ns = now;
        sl_stat_add(proxy->stats, SL_CTR_PROXY_BYTES_UP, up);
        sl_stat_add(proxy->stats, SL_CTR_PROXY_BYTES_DOWN, down);
    }
    if (x->front.shut && x->back.shut) {
        sl_stat_inc(proxy->stats, SL_CTR_PROXY_DONE);
        finish(&x->front);
        finish(&x->back);
        end(proxy, x);
    } else if (more && sl_list_empty(&x->work)) {
        sl_list_push_back(&proxy->work, &x->work);
    }
}

void exchange_visit(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    if (is_broken(&x->front))
        front_broke(proxy, x);
    else if (!x->paired && !back_is_open(proxy, x, now))
        return;
    else if (is_broken(&x->back))
        back_broke(proxy, x, now);
    else
        pump_both(proxy, x, now);
}

void exchange_idle(struct sl_proxy *proxy, struct exchange *x, uint64_t now)
{
    bool cut_short;

    if (now - x->moved_ns < x->svc->idle_ns) {
        sl_wheel_arm(&proxy->wheel, &x->idle, x->moved_ns + x->svc->idle_ns);
        return;
    }
    sl_stat_inc(proxy->stats, SL_CTR_PROXY_IDLE);
    log_exchange(proxy, SL_EVENT_IDLE, SL_REASON_NONE, x->svc, x->front.stream, server_of(x), now);
    /* A side that does not take what waits for it gets no orderly end, which would promise that it has all. */
    cut_short = !x->paired || ((x->front.stream->state | x->back.stream->state) & SL_STREAM_READABLE);
    if (cut_short) {
        exchange_abort(proxy, x, SL_REASON_TIMEOUT);
        return;
    }
    finish(&x->front);
    finish(&x->back);
    end(proxy, x);
}
