/* A worker from pools to proxy, made and taken apart in one place. All of it is made, used and destroyed by one thread. */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "crypto/crypto.h"
#include "internal.h"

#define FRAGMENT_BYTES_MAX (512 * 1024)

static int make_ring(struct sl_worker *w, struct sl_err *err)
{
    w->msgs = aligned_alloc(SL_CACHE_LINE, (size_t)(rte_ring_get_memsize(MSG_RING) + SL_CACHE_LINE - 1) /
                                               SL_CACHE_LINE * SL_CACHE_LINE);
    if (!w->msgs)
        return sl_err_set(err, -ENOMEM, "worker %u: no memory", w->id);
    return rte_ring_init(w->msgs, "msgs", MSG_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* Fragments that wait live in the same buffers; they get a sixteenth more, and never much. */
static uint32_t fragment_bytes(const struct sl_worker *w)
{
    return (uint32_t)SL_MIN(sl_worker_held_max_bytes(&w->pools, w->n_ifaces) / 16, FRAGMENT_BYTES_MAX);
}

static int make_net(struct sl_worker *w, const struct sl_worker_params *p, struct sl_err *err)
{
    struct sl_net_params params = {
        .ifaces = p->ifaces,
        .n_ifaces = p->n_ifaces,
        .answers = p->id == 0,
        .pool = w->pools.data,
        .stats = &w->stats,
        .seed = sl_rng_next(&w->rng),
        .steer = p->steer,
        .worker = p->id,
        .fragment_bytes = fragment_bytes(w),
    };

    return sl_net_create(&params, &w->net, err);
}

static int make_tcp(struct sl_worker *w, const struct sl_worker_params *p, uint64_t now, struct sl_err *err)
{
    struct sl_tcp_params params = {
        .net = w->net,
        .stats = &w->stats,
        .hdr_pool = w->pools.hdr,
        .ref_pool = w->pools.ref,
        .conns_max = p->conns_max,
        .time_wait_max = p->conns_max,
        .held_max_bytes = sl_worker_held_max_bytes(&w->pools, w->n_ifaces),
        .seed = sl_rng_next(&w->rng),
        .time_wait_ns = p->time_wait_ns,
        .rto_min_ns = p->rto_min_ns,
    };
    int code;

    if (p->replay_secret)
        memcpy(params.secret, p->replay_secret, sizeof params.secret);
    else
        sl_crypto_random(params.secret, sizeof params.secret);
    code = sl_tcp_create(&params, now, &w->tcp, err);
    sl_crypto_wipe(params.secret, sizeof params.secret);
    return code;
}

static int make_upper(struct sl_worker *w, const struct sl_worker_params *p, uint64_t now, struct sl_err *err)
{
    struct sl_tls_params tls = {
        .pool = w->pools.data,
        .small_pool = w->pools.record,
        .stats = &w->stats,
        .handshakes_max = p->handshakes_max,
        .keylog = p->keylog,
    };
    struct sl_proxy_params proxy = {
        .dialer = {.dial = dial_origin, .ctx = w}, .stats = &w->stats, .pairs_max = p->conns_max};
    int code = sl_tls_create(&tls, &w->tls, err);

    return code < 0 ? code : sl_proxy_create(&proxy, now, &w->proxy, err);
}

int sl_worker_create(const struct sl_worker_params *p, uint64_t now, struct sl_worker **worker, struct sl_err *err)
{
    struct sl_worker *w = calloc(1, sizeof *w);
    int code;

    if (!w)
        return sl_err_set(err, -ENOMEM, "worker %u: no memory", p->id);
    w->id = p->id;
    w->steer = p->steer;
    w->n_ifaces = p->n_ifaces;
    w->limits_follow = !p->handshakes_max;
    sl_rng_seed(&w->rng, p->seed);
    sl_ready_init(&w->accepted);
    sl_list_init(&w->listeners);
    sl_list_init(&w->generations);
    code = sl_worker_pools_create(&w->pools, p->id, p->mbufs, p->socket, err);
    if (code == 0)
        code = make_ring(w, err);
    if (code == 0)
        code = make_net(w, p, err);
    if (code == 0)
        code = make_tcp(w, p, now, err);
    if (code == 0)
        code = make_upper(w, p, now, err);
    if (code < 0) {
        sl_worker_destroy(w);
        return code;
    }
    *worker = w;
    return 0;
}

static void drop_batches(struct sl_worker *w)
{
    for (uint32_t i = 0; i < w->n_ifaces; i++)
        for (uint32_t k = 0; k < w->batches[i].n_segs; k++)
            rte_pktmbuf_free(w->batches[i].segs[k].mbuf);
}

static void drop_accepted(struct sl_worker *w)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&w->accepted, &events))) {
        sl_stream_attach(s, NULL, NULL);
        s->ops->release(s);
    }
}

void sl_worker_destroy(struct sl_worker *w)
{
    if (!w)
        return;
    drop_batches(w);
    /* From the top down: the proxy lets its streams go, sites lose our references, tls its connections, tcp frees what is left. */
    if (w->proxy)
        sl_proxy_abort_all(w->proxy);
    drop_accepted(w);
    if (w->tcp)
        generation_free_all(w);
    if (w->tls)
        sl_tls_destroy(w->tls);
    if (w->proxy)
        sl_proxy_destroy(w->proxy);
    if (w->tcp)
        sl_tcp_destroy(w->tcp);
    if (w->net)
        sl_net_destroy(w->net);
    sl_worker_pools_free(&w->pools);
    free(w->msgs);
    free(w);
}

/* ---- read by the control thread ---- */

const struct sl_stats *sl_worker_stats(const struct sl_worker *w) { return &w->stats; }

struct sl_stats *sl_worker_events(struct sl_worker *w) { return &w->stats; }

uint64_t sl_worker_oldest_generation(const struct sl_worker *w)
{
    return __atomic_load_n(&w->oldest_generation, __ATOMIC_ACQUIRE);
}

uint32_t sl_worker_busy(const struct sl_worker *w) { return __atomic_load_n(&w->busy, __ATOMIC_ACQUIRE); }
