/* Generations of configuration. A new one is built beside the old, then the listeners are told apart by address: kept ones change over, new ones are opened, others are closed. Old
 * connections finish on what they began with; a generation is freed when its services and sites have no user but itself. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

static struct generation *current(const struct sl_worker *w)
{
    return sl_list_empty(&w->generations) ? NULL : sl_container_of(w->generations.prev, struct generation, link);
}

static void destroy(struct generation *g)
{
    for (uint32_t i = 0; g->services && i < g->conf->n_listeners; i++)
        sl_proxy_service_release(g->services[i]);
    for (uint32_t i = 0; g->sites && i < g->conf->n_listeners; i++)
        if (g->sites[i])
            sl_tls_site_release(g->sites[i]);
    for (uint32_t i = 0; g->upstreams && i < g->conf->n_upstreams; i++)
        sl_proxy_upstream_release(g->upstreams[i]);
    free(g->services);
    free(g->sites);
    free(g->upstreams);
    free(g);
}

static int fill(struct sl_worker *w, struct generation *g, struct sl_err *err)
{
    const struct sl_conf *conf = g->conf;

    for (uint32_t i = 0; i < conf->n_upstreams; i++)
        if (!(g->upstreams[i] = sl_proxy_upstream_create(w->proxy, conf, i)))
            return sl_err_set(err, -ENOMEM, "no memory for upstream %s", conf->upstreams[i].name.s);
    for (uint32_t i = 0; i < conf->n_listeners; i++) {
        const struct sl_conf_listener *l = &conf->listeners[i];

        g->services[i] = sl_proxy_service_create(w->proxy, conf, i, g->upstreams[l->upstream.index]);
        if (!g->services[i])
            return sl_err_set(err, -ENOMEM, "no memory for listener %s", l->name.s);
        if (l->protocol == SL_PROTOCOL_TLS && !(g->sites[i] = sl_tls_site_create(w->tls, conf, i, err)))
            return -EINVAL;
    }
    return 0;
}

static struct generation *make(struct sl_worker *w, const struct sl_conf *conf, uint64_t number, int *code,
                               struct sl_err *err)
{
    struct generation *g = calloc(1, sizeof *g);

    *code = -ENOMEM;
    if (!g)
        return NULL;
    sl_list_init(&g->link);
    g->number = number;
    g->conf = conf;
    g->upstreams = calloc(conf->n_upstreams + 1, sizeof g->upstreams[0]);
    g->services = calloc(conf->n_listeners + 1, sizeof g->services[0]);
    g->sites = calloc(conf->n_listeners + 1, sizeof g->sites[0]);
    if (!g->upstreams || !g->services || !g->sites)
        sl_err_set(err, -ENOMEM, "no memory for a configuration");
    else
        *code = fill(w, g, err);
    if (*code == 0)
        return g;
    destroy(g);
    return NULL;
}

/* ---- listeners ---- */

static struct listener *find(const struct sl_worker *w, const struct sl_endpoint *at)
{
    for (struct sl_list *n = w->listeners.next; n != &w->listeners; n = n->next) {
        struct listener *l = sl_container_of(n, struct listener, link);

        if (l->at.port == at->port && sl_ip_equal(&l->at.ip, &at->ip))
            return l;
    }
    return NULL;
}

static void close_listener(struct listener *l)
{
    sl_tcp_unlisten(l->tcp);
    sl_list_remove(&l->link);
    free(l);
}

static int open_listener(struct sl_worker *w, struct generation *g, uint32_t index, const struct sl_endpoint *at,
                         struct sl_err *err)
{
    struct listener *l = calloc(1, sizeof *l);
    char text[SL_ENDPOINT_TEXT_MAX];
    int code = -ENOMEM;

    if (l) {
        const struct sl_conf_listener *conf = &g->conf->listeners[index];
        struct sl_tcp_opts opts = sl_worker_tcp_opts(&conf->tcp);

        *l = (struct listener){.at = *at, .gen = g, .index = index};
        code = sl_tcp_listen(w->tcp, at, &opts, (uint32_t)conf->backlog.v, &w->accepted, l, &l->tcp);
    }
    if (code < 0) {
        free(l);
        return sl_err_set(err, code, "can't listen on %s: %s", sl_endpoint_format(at, text), strerror(-code));
    }
    sl_list_push_back(&w->listeners, &l->link);
    return 0;
}

static void switch_listener(struct sl_worker *w, struct listener *l, struct generation *g, uint32_t index)
{
    const struct sl_conf_listener *conf = &g->conf->listeners[index];
    struct sl_tcp_opts opts = sl_worker_tcp_opts(&conf->tcp);

    l->gen = g;
    l->index = index;
    sl_tcp_listener_update(l->tcp, &opts, (uint32_t)conf->backlog.v, &w->accepted, l);
}

/* Closes the listeners that are of g (when `of` is true) or of any other generation. */
static void close_listeners(struct sl_worker *w, const struct generation *g, bool of)
{
    for (struct sl_list *n = w->listeners.next, *next; n != &w->listeners; n = next) {
        struct listener *l = sl_container_of(n, struct listener, link);

        next = n->next;
        if ((l->gen == g) == of)
            close_listener(l);
    }
}

/* Opens what is new first, since only that can fail; then changes over what stays and closes the rest. */
static int listen_all(struct sl_worker *w, struct generation *g, struct sl_err *err)
{
    int code = 0;

    for (uint32_t i = 0; i < g->conf->n_listeners; i++) {
        const struct sl_conf_listener *c = &g->conf->listeners[i];

        for (uint32_t k = 0; k < c->n_addresses && code == 0; k++)
            if (!find(w, &c->addresses[k].ep))
                code = open_listener(w, g, i, &c->addresses[k].ep, err);
    }
    if (code < 0) {
        close_listeners(w, g, true);
        return code;
    }
    for (uint32_t i = 0; i < g->conf->n_listeners; i++)
        for (uint32_t k = 0; k < g->conf->listeners[i].n_addresses; k++)
            switch_listener(w, find(w, &g->conf->listeners[i].addresses[k].ep), g, i);
    close_listeners(w, g, false);
    return 0;
}

/* ---- the public face ---- */

static void publish(struct sl_worker *w)
{
    const struct generation *oldest = sl_container_of(w->generations.next, struct generation, link);
    uint64_t n = 0;

    for (struct sl_list *node = w->generations.next; node != &w->generations; node = node->next)
        n++;
    __atomic_store_n(&w->stats.ctr[SL_CTR_WORKER_GENERATIONS], n, __ATOMIC_RELAXED);
    __atomic_store_n(&w->oldest_generation, n ? oldest->number : 0, __ATOMIC_RELEASE);
}

int generation_apply(struct sl_worker *w, const struct sl_conf *conf, uint64_t number, struct sl_err *err)
{
    struct generation *g, *cur = current(w);
    int code;

    if (w->draining)
        return sl_err_set(err, -ESHUTDOWN, "draining: no configuration is taken any more");
    if (cur && number <= cur->number)
        return sl_err_set(err, -EINVAL, "generation %llu is not newer than %llu", (unsigned long long)number,
                          (unsigned long long)cur->number);
    g = make(w, conf, number, &code, err);
    if (!g)
        return code;
    code = listen_all(w, g, err);
    if (code < 0) {
        destroy(g);
        return code;
    }
    if (w->limits_follow)
        sl_tls_limit(w->tls, sl_conf_handshakes(conf));
    sl_list_push_back(&w->generations, &g->link);
    generation_sweep(w);
    publish(w);
    return 0;
}

static bool is_unused(const struct generation *g)
{
    for (uint32_t i = 0; i < g->conf->n_listeners; i++)
        if (!sl_proxy_service_unused(g->services[i]) || (g->sites[i] && !sl_tls_site_unused(g->sites[i])))
            return false;
    return true;
}

void generation_sweep(struct sl_worker *w)
{
    bool any = false;

    for (struct sl_list *n = w->generations.next, *next; n != w->generations.prev && n != &w->generations; n = next) {
        struct generation *g = sl_container_of(n, struct generation, link);

        next = n->next;
        if (is_unused(g)) {
            sl_list_remove(&g->link);
            destroy(g);
            any = true;
        }
    }
    if (any)
        publish(w);
}

void generation_unlisten(struct sl_worker *w) { close_listeners(w, NULL, false); }

void generation_free_all(struct sl_worker *w)
{
    generation_unlisten(w);
    for (struct sl_list *n = w->generations.next, *next; n != &w->generations; n = next) {
        next = n->next;
        destroy(sl_container_of(n, struct generation, link));
    }
    sl_list_init(&w->generations);
}
