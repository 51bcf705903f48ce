/* Upstreams and services: what a configuration says, and the health of servers as seen from here. Health is passive: a server that could not be reached is skipped for a while. */
#include <stdlib.h>

#include "internal.h"

struct sl_proxy_upstream *sl_proxy_upstream_create(struct sl_proxy *proxy, const struct sl_conf *conf, uint32_t index)
{
    const struct sl_conf_upstream *c = &conf->upstreams[index];
    struct sl_proxy_upstream *up = calloc(1, sizeof *up + c->n_servers * sizeof up->servers[0]);

    if (!up)
        return NULL;
    if (c->n_sources && !(up->sources = calloc(c->n_sources, sizeof *up->sources))) {
        free(up);
        return NULL;
    }
    up->refs = 1;
    up->conf = c;
    up->n_servers = c->n_servers;
    for (uint32_t i = 0; i < c->n_servers; i++)
        up->servers[i].at = c->servers[i].ep;
    for (uint32_t i = 0; i < c->n_sources; i++)
        up->sources[i] = c->sources[i].ip;
    return up;
}

void sl_proxy_upstream_release(struct sl_proxy_upstream *up)
{
    if (!up || --up->refs)
        return;
    free(up->sources);
    free(up);
}

static bool in(const uint32_t *tried, uint32_t n_tried, uint32_t server)
{
    for (uint32_t i = 0; i < n_tried; i++)
        if (tried[i] == server)
            return true;
    return false;
}

uint32_t upstream_choose(struct sl_proxy_upstream *up, const uint32_t *tried, uint32_t n_tried, uint64_t now)
{
    uint32_t oldest = DIAL_NONE;

    if (n_tried >= TRIES_MAX)
        return DIAL_NONE;
    for (uint32_t i = 0; i < up->n_servers; i++) {
        uint32_t k = (up->next + i) % up->n_servers;
        const struct server *s = &up->servers[k];

        if (in(tried, n_tried, k))
            continue;
        if (!s->failed_ns || now >= s->dead_until_ns) {
            up->next = (k + 1) % up->n_servers;
            return k;
        }
        if (oldest == DIAL_NONE || s->failed_ns < up->servers[oldest].failed_ns)
            oldest = k;
    }
    return oldest;
}

void upstream_failed(struct sl_proxy_upstream *up, uint32_t server, uint64_t now)
{
    up->servers[server].failed_ns = SL_MAX(now, 1);
    up->servers[server].dead_until_ns = now + up->conf->retry_dead_ns.v;
}

void upstream_works(struct sl_proxy_upstream *up, uint32_t server) { up->servers[server].failed_ns = 0; }

struct sl_proxy_service *sl_proxy_service_create(struct sl_proxy *proxy, const struct sl_conf *conf, uint32_t index,
                                                 struct sl_proxy_upstream *up)
{
    const struct sl_conf_listener *l = &conf->listeners[index];
    struct sl_proxy_service *svc = calloc(1, sizeof *svc);

    if (!svc)
        return NULL;
    *svc = (struct sl_proxy_service){
        .refs = 1, .proxy = proxy, .up = up, .name = l->name.s, .idle_ns = l->idle_timeout_ns.v};
    up->refs++;
    return svc;
}

void sl_proxy_service_release(struct sl_proxy_service *svc)
{
    if (!svc || --svc->refs)
        return;
    sl_proxy_upstream_release(svc->up);
    free(svc);
}

bool sl_proxy_service_unused(const struct sl_proxy_service *svc) { return svc->refs == 1; }
