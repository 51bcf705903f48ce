/* Connections to origins: from which of our addresses, and from which port, so that the replies come home to this worker (design decision 7). */
#include <errno.h>

#include "internal.h"

#define TRIES_MAX 64 /* ports looked at for one source address */
#define LPORT_MIN 1024

static enum sl_reason reason_of(int code)
{
    return code == -EHOSTUNREACH ? SL_REASON_UNREACHABLE : SL_REASON_NO_RESOURCE;
}

/* The next port from `from` on, round the range, whose replies reach this worker; 0 when the range has none. */
static uint16_t next_lport(const struct sl_worker *w, const struct sl_ip *local, const struct sl_endpoint *peer,
                           uint16_t from, uint16_t min, uint16_t max)
{
    uint16_t lport = sl_steer_lport(w->steer, w->id, local, &peer->ip, peer->port, from, max);

    if (!lport && from > min)
        lport = sl_steer_lport(w->steer, w->id, local, &peer->ip, peer->port, min, (uint16_t)(from - 1));
    return lport;
}

static bool choose_lport(struct sl_worker *w, struct sl_endpoint *local, const struct sl_endpoint *peer, uint16_t min,
                         uint16_t max)
{
    uint16_t from = (uint16_t)(min + sl_rng_below(&w->rng, (uint64_t)max - min + 1));

    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        local->port = next_lport(w, &local->ip, peer, from, min, max);
        if (!local->port)
            return false;
        if (!sl_tcp_in_use(w->tcp, local, peer))
            return true;
        from = local->port == max ? min : (uint16_t)(local->port + 1);
    }
    return false;
}

/* Up to n addresses to dial from, beginning at a random one; 0 or -EHOSTUNREACH. */
static int source(struct sl_worker *w, const struct sl_dial *d, uint32_t start, uint32_t i, struct sl_ip *ip)
{
    if (!d->n_sources)
        return sl_net_source(w->net, &d->peer.ip, ip);
    *ip = d->sources[(start + i) % d->n_sources];
    return sl_ip_is4(ip) == sl_ip_is4(&d->peer.ip) ? 0 : -EHOSTUNREACH;
}

struct sl_stream *dial_origin(void *ctx, const struct sl_dial *d, uint64_t now, enum sl_reason *why)
{
    struct sl_worker *w = ctx;
    struct sl_tcp_opts opts = d->tcp ? sl_worker_tcp_opts(d->tcp) : (struct sl_tcp_opts){0};
    uint16_t min = d->lport_min ? d->lport_min : LPORT_MIN, max = d->lport_max ? d->lport_max : UINT16_MAX;
    uint32_t n = SL_MAX(d->n_sources, 1), start = d->n_sources ? (uint32_t)sl_rng_below(&w->rng, d->n_sources) : 0;

    opts.connect_timeout_ns = d->timeout_ns;
    *why = SL_REASON_UNREACHABLE;
    for (uint32_t i = 0; i < n; i++) {
        struct sl_endpoint local;
        struct sl_stream *s;
        int code = source(w, d, start, i, &local.ip);

        if (code < 0)
            continue;
        if (!choose_lport(w, &local, &d->peer, min, max)) {
            sl_stat_inc(&w->stats, SL_CTR_WORKER_DIAL_NO_PORT);
            *why = SL_REASON_NO_RESOURCE;
            continue;
        }
        s = sl_tcp_connect(w->tcp, &local, &d->peer, &opts, d->ready, d->owner, now, &code);
        if (s)
            return s;
        *why = reason_of(code);
    }
    return NULL;
}
