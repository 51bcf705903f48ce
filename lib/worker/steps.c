/* The steps between rx and tx, in their order. Each leaves lists for the next; none calls back up. */
#include "internal.h"

const char *const sl_worker_step_name[SL_STEP_COUNT] = {
    [SL_STEP_RX] = "rx",       [SL_STEP_TCP] = "tcp", [SL_STEP_TLS] = "tls",   [SL_STEP_CRYPTO] = "crypto",
    [SL_STEP_PROXY] = "proxy", [SL_STEP_TX] = "tx",   [SL_STEP_IDLE] = "idle",
};

static void tcp_input(struct sl_worker *w, struct sl_net_batch *batch, uint64_t now)
{
    if (batch->n_segs || batch->n_errs)
        sl_tcp_input(w->tcp, batch, now);
    batch->n_segs = batch->n_errs = 0;
}

void sl_worker_input(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t n,
                     const struct sl_worker_time *t)
{
    struct sl_net_batch *batch = &w->batches[iface];

    assert(iface < w->n_ifaces && n <= SL_NET_BURST);
    /* A second burst before the tcp step ran: the batch has room for one. */
    if (batch->n_segs + n > SL_NET_BURST || batch->n_errs + n > SL_NET_BURST)
        tcp_input(w, batch, t->now);
    sl_net_input(w->net, iface, frames, n, t->now, batch);
}

uint32_t sl_worker_strays(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    return sl_net_strays(w->net, iface, frames, max);
}

static void step_tcp(struct sl_worker *w, const struct sl_worker_time *t)
{
    message_run(w, t->now);
    for (uint32_t i = 0; i < w->n_ifaces; i++)
        tcp_input(w, &w->batches[i], t->now);
}

static void step_tls(struct sl_worker *w, const struct sl_worker_time *t)
{
    accept_run(w, t->now);
    sl_tls_run(w->tls, t->now, t->wall_s);
}

static void step_crypto(struct sl_worker *w, const struct sl_worker_time *t) { sl_tls_crypto(w->tls, t->now); }

static void step_proxy(struct sl_worker *w, const struct sl_worker_time *t) { sl_proxy_run(w->proxy, t->now); }

/* Counting goes over the caches of all cores: once in a while is enough for whoever looks. */
static void watch_pool(struct sl_worker *w, uint64_t now)
{
    uint32_t free_mbufs;

    if (now < w->pool_at)
        return;
    w->pool_at = now + SL_NS_PER_S;
    free_mbufs = rte_mempool_avail_count(w->pools.data);
    sl_stat_add(&w->stats, SL_CTR_WORKER_POOL_DATA_FREE, (uint64_t)free_mbufs - w->pool_told);
    w->pool_told = free_mbufs;
}

static void step_tx(struct sl_worker *w, const struct sl_worker_time *t)
{
    sl_tcp_output(w->tcp, t->now);
    sl_tcp_timers(w->tcp, t->now);
    sl_tls_timers(w->tls, t->now);
    sl_proxy_timers(w->proxy, t->now);
    sl_net_timers(w->net, t->now);
    generation_sweep(w);
    watch_pool(w, t->now);
    __atomic_store_n(&w->busy, sl_tcp_conns(w->tcp) + sl_tls_handshakes(w->tls), __ATOMIC_RELEASE);
}

/* Handshakes are computed when everything else is on its way: established connections wait for none of them. What they
 * leave to be sent goes with the next pass, which follows at once. */
const struct sl_worker_step sl_worker_steps[] = {
    {SL_STEP_TCP, step_tcp}, {SL_STEP_TLS, step_tls},       {SL_STEP_PROXY, step_proxy},
    {SL_STEP_TX, step_tx},   {SL_STEP_CRYPTO, step_crypto},
};
const uint32_t sl_worker_n_steps = SL_ARRAY_LEN(sl_worker_steps);

void sl_worker_run(struct sl_worker *w, const struct sl_worker_time *t)
{
    for (uint32_t i = 0; i < sl_worker_n_steps; i++)
        sl_worker_steps[i].run(w, t);
}

uint32_t sl_worker_output(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    return sl_net_tx(w->net, iface, frames, max);
}

uint64_t sl_worker_next(const struct sl_worker *w)
{
    uint64_t next;

    if (!sl_list_empty(&w->accepted.list) || !rte_ring_empty(w->msgs))
        return 0;
    for (uint32_t i = 0; i < w->n_ifaces; i++)
        if (w->batches[i].n_segs || w->batches[i].n_errs)
            return 0;
    next = SL_MIN(sl_tcp_next(w->tcp), sl_tls_next(w->tls));
    next = SL_MIN(next, sl_proxy_next(w->proxy));
    return SL_MIN(next, sl_net_next(w->net));
}
