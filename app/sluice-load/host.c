#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define CONNS_MIN 65536
#define TIME_WAIT_NS SL_NS_PER_S /* ports come back soon; nobody else uses them */
#define LISTEN_BACKLOG 65536
#define LENT_BYTES (UINT64_C(4) << 30) /* queued references to bodies count as memory, and are none */
#define HANDSHAKES_MAX 4096            /* in flight: more than the flows open at a time */

static uint64_t connections_of(const struct load_plan *plan)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < plan->n_flows; i++)
        n += plan->flows[i].connections;
    return n;
}

/* As configured; otherwise enough for the clients' side and the origin's, and for those that are ending. */
static uint32_t conns_max(const struct host_params *p)
{
    uint64_t ours = connections_of(p->plan) / p->n_workers + 1;

    if (p->conf->limits.connections.mark.line)
        return (uint32_t)p->conf->limits.connections.v;
    return (uint32_t)SL_MIN(SL_MAX(ours * 2 + ours / 4 + 4096, CONNS_MIN), 1u << 27);
}

static int make_net(struct host *h, struct sl_err *err)
{
    struct sl_net_params params = {.ifaces = h->p.ifaces,
                                   .n_ifaces = h->p.n_ifaces,
                                   .answers = h->p.id == 0,
                                   .pool = h->pools.data,
                                   .stats = &h->stats,
                                   .seed = sl_rng_next(&h->rng),
                                   .steer = h->p.steer,
                                   .worker = h->p.id};

    return sl_net_create(&params, &h->net, err);
}

static int make_tcp(struct host *h, uint64_t now, struct sl_err *err)
{
    const struct sl_conf_tcp *conf = &h->p.conf->tcp;
    struct sl_tcp_params params = {
        .net = h->net,
        .stats = &h->stats,
        .hdr_pool = h->pools.hdr,
        .ref_pool = h->pools.ref,
        .conns_max = conns_max(&h->p),
        .held_max_bytes = sl_worker_held_max_bytes(&h->pools, h->p.n_ifaces) + (h->p.plan->n_origins ? LENT_BYTES : 0),
        .seed = sl_rng_next(&h->rng),
        .time_wait_ns = conf->time_wait_ns.mark.line ? conf->time_wait_ns.v : TIME_WAIT_NS,
        .rto_min_ns = conf->min_rto_ns.v,
    };

    params.time_wait_max = params.conns_max;
    sl_crypto_random(params.secret, sizeof params.secret);
    return sl_tcp_create(&params, now, &h->tcp, err);
}

static int make_tls(struct host *h, struct sl_err *err)
{
    struct sl_tls_params params = {
        .pool = h->pools.data, .small_pool = h->pools.record, .stats = &h->stats, .handshakes_max = HANDSHAKES_MAX};
    int code;

    if (h->p.plan->plain || !h->p.plan->n_targets || !h->p.plan->n_flows)
        return 0;
    code = sl_tls_create(&params, &h->tls, err);
    return code < 0 ? code : secure_create(h->p.plan, h->p.tls, h->tls, &h->secure, err);
}

static int make_origin(struct host *h, struct sl_err *err)
{
    struct origin_params params = {.plan = h->p.plan,
                                   .tcp = h->tcp,
                                   .net = h->net,
                                   .opts = sl_worker_tcp_opts(&h->p.conf->tcp),
                                   .backlog = LISTEN_BACKLOG,
                                   .conns_max = conns_max(&h->p),
                                   .pool = h->pools.data,
                                   .source = &h->source};

    return h->p.plan->n_origins ? origin_create(&params, &h->origin, err) : 0;
}

static struct tuples_params from_of(const struct host *h)
{
    return (struct tuples_params){
        .net = h->net, .tcp = h->tcp, .steer = h->p.steer, .ifaces = h->p.ifaces, .worker = h->p.id};
}

static int make_flooder(struct host *h, struct sl_err *err)
{
    struct flooder_params params = {.plan = h->p.plan,
                                    .id = h->p.id,
                                    .n_workers = h->p.n_workers,
                                    .from = from_of(h),
                                    .pool = h->pools.data,
                                    .seed = sl_rng_next(&h->rng)};

    if (!h->p.plan->flood)
        return 0;
    h->flooder = calloc(1, sizeof *h->flooder);
    return h->flooder ? flooder_init(h->flooder, &params, err) : sl_err_set(err, -ENOMEM, "no memory for a flood");
}

static int make_client(struct host *h, struct sl_err *err)
{
    struct client_params params = {.plan = h->p.plan,
                                   .id = h->p.id,
                                   .n_workers = h->p.n_workers,
                                   .from = from_of(h),
                                   .opts = sl_worker_tcp_opts(&h->p.conf->tcp),
                                   .pool = h->pools.data,
                                   .source = &h->source,
                                   .secure = h->secure,
                                   .tallies = h->tallies,
                                   .seed = sl_rng_next(&h->rng)};

    return h->p.plan->n_targets && h->p.plan->n_flows ? client_create(&params, &h->client, err) : 0;
}

int host_create(const struct host_params *p, uint64_t now, struct host **host, struct sl_err *err)
{
    struct host *h = calloc(1, sizeof *h);
    int code;

    if (!h)
        return sl_err_set(err, -ENOMEM, "worker %u: no memory", p->id);
    h->p = *p;
    sl_rng_seed(&h->rng, p->seed);
    h->tallies = calloc(SL_MAX(p->plan->n_flows, 1), sizeof h->tallies[0]);
    code = h->tallies ? sl_worker_pools_create(&h->pools, p->id, p->mbufs, p->socket, err)
                      : sl_err_set(err, -ENOMEM, "worker %u: no memory", p->id);
    if (code == 0)
        code = source_init(&h->source, h->pools.ref, p->socket, err);
    if (code == 0)
        code = make_net(h, err);
    if (code == 0)
        code = make_tcp(h, now, err);
    if (code == 0)
        code = make_tls(h, err);
    if (code == 0)
        code = make_origin(h, err);
    if (code == 0)
        code = make_client(h, err);
    if (code == 0)
        code = make_flooder(h, err);
    if (code < 0) {
        host_destroy(h);
        return code;
    }
    host_clear(h);
    *host = h;
    return 0;
}

void host_destroy(struct host *h)
{
    if (!h)
        return;
    for (uint32_t i = 0; i < h->p.n_ifaces; i++)
        for (uint32_t k = 0; k < h->batches[i].n_segs; k++)
            rte_pktmbuf_free(h->batches[i].segs[k].mbuf);
    client_destroy(h->client);
    if (h->flooder)
        flooder_end(h->flooder);
    origin_destroy(h->origin);
    secure_destroy(h->secure);
    if (h->tls)
        sl_tls_destroy(h->tls);
    if (h->tcp)
        sl_tcp_destroy(h->tcp);
    if (h->net)
        sl_net_destroy(h->net);
    source_destroy(&h->source);
    sl_worker_pools_free(&h->pools);
    free(h->flooder);
    free(h->tallies);
    free(h);
}

/* ---- the steps ---- */

static void tcp_input(struct host *h, struct sl_net_batch *batch, uint64_t now)
{
    if (batch->n_segs || batch->n_errs)
        sl_tcp_input(h->tcp, batch, now);
    batch->n_segs = batch->n_errs = 0;
}

void host_input(struct host *h, uint8_t iface, struct rte_mbuf **frames, uint32_t n, uint64_t now)
{
    struct sl_net_batch *batch = &h->batches[iface];

    assert(iface < h->p.n_ifaces && n <= SL_NET_BURST);
    if (batch->n_segs + n > SL_NET_BURST || batch->n_errs + n > SL_NET_BURST)
        tcp_input(h, batch, now);
    sl_net_input(h->net, iface, frames, n, now, batch);
}

void host_run(struct host *h, uint64_t now, uint64_t wall_s)
{
    for (uint32_t i = 0; i < h->p.n_ifaces; i++)
        tcp_input(h, &h->batches[i], now);
    if (h->tls)
        sl_tls_run(h->tls, now, wall_s);
    if (h->client)
        client_run(h->client, now);
    if (h->origin)
        origin_run(h->origin, now);
    if (h->flooder)
        flooder_run(h->flooder, now);
    sl_tcp_output(h->tcp, now);
    sl_tcp_timers(h->tcp, now);
    if (h->tls)
        sl_tls_timers(h->tls, now);
    sl_net_timers(h->net, now);
}

uint32_t host_output(struct host *h, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    return sl_net_tx(h->net, iface, frames, max);
}

void host_crypto(struct host *h, uint64_t now)
{
    if (h->tls)
        sl_tls_crypto(h->tls, now);
}

uint64_t host_next(const struct host *h)
{
    uint64_t next = SL_MIN(sl_tcp_next(h->tcp), sl_net_next(h->net));

    for (uint32_t i = 0; i < h->p.n_ifaces; i++)
        if (h->batches[i].n_segs || h->batches[i].n_errs)
            return 0;
    if (h->tls)
        next = SL_MIN(next, sl_tls_next(h->tls));
    if (h->client)
        next = SL_MIN(next, client_next(h->client));
    if (h->origin)
        next = SL_MIN(next, origin_next(h->origin));
    if (h->flooder)
        next = SL_MIN(next, flooder_next(h->flooder));
    return next;
}

/* ---- the end ---- */

void host_stop(struct host *h)
{
    if (h->client)
        client_stop(h->client);
    if (h->origin && (!h->client || client_stopped(h->client)))
        origin_stop(h->origin);
}

bool host_stopped(const struct host *h)
{
    return (!h->client || client_stopped(h->client)) && (!h->origin || origin_stopped(h->origin));
}

void host_clear(struct host *h)
{
    for (uint32_t i = 0; i < h->p.plan->n_flows; i++)
        tally_clear(&h->tallies[i]);
}
