/* A worker from pools to proxy, made and taken apart in one place. All of it is made, used and destroyed by one thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_mempool.h>

#include "crypto/crypto.h"
#include "internal.h"

#define DATA_ROOM (RTE_PKTMBUF_HEADROOM + 2048)
#define HDR_ROOM 256
#define HDRS_MAX                                                                                                       \
    16384 /* headers and references live from output to the end of transmission; more than the transmit queues hold is of no use */
#define REFS_MAX 32768
#define RECORD_ROOM 64 /* header and tag of a TLS record */
#define MBUFS_MIN 256
#define FRAGMENT_BYTES_MAX (512 * 1024)

static_assert(HDR_ROOM >= SL_NET_HEADROOM + 60, "a TCP header with all options");

/* Pools of several workers in one process, one after the other or at once, need different names. */
static struct rte_mempool *make_pool(const struct sl_worker_params *p, const char *what, uint32_t n, uint16_t room,
                                     struct sl_err *err)
{
    static uint32_t serial; /* atomic */
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof name, "w%u_%s_%u", p->id, what, __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
    return sl_worker_pool_create(name, p->id, n, room, p->socket, err);
}

struct share {
    uint32_t data, hdr, ref, record;
};

static struct share share_of(uint32_t mbufs)
{
    uint32_t hdr = SL_MIN(mbufs / 4, HDRS_MAX), ref = SL_MIN(mbufs / 4, REFS_MAX);

    uint32_t data = mbufs - hdr - ref;

    return (struct share){.data = data, .hdr = hdr, .ref = ref, .record = data / 2};
}

static uint64_t bytes_of(uint32_t n, uint32_t room)
{
    return (uint64_t)n * rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + room, 0, NULL);
}

uint32_t sl_worker_mbufs(uint64_t bytes)
{
    uint32_t low = 0, high = (uint32_t)SL_MIN(bytes / sizeof(struct rte_mbuf), INT32_MAX);

    while (low < high) {
        uint32_t mid = low + (high - low + 1) / 2;
        struct share share = share_of(mid);

        if (bytes_of(share.data, DATA_ROOM) + bytes_of(share.hdr, HDR_ROOM) + bytes_of(share.ref, 0) +
                bytes_of(share.record, RECORD_ROOM) <=
            bytes)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

static int make_pools(struct sl_worker *w, const struct sl_worker_params *p, uint32_t *n_data, struct sl_err *err)
{
    struct share share = share_of(p->mbufs);

    if (p->mbufs < MBUFS_MIN)
        return sl_err_set(err, -EINVAL, "worker %u: %u packet buffers are too few: at least %u", p->id, p->mbufs,
                          MBUFS_MIN);
    *n_data = share.data;
    if (!(w->data_pool = make_pool(p, "data", share.data, DATA_ROOM, err)) ||
        !(w->hdr_pool = make_pool(p, "hdr", share.hdr, HDR_ROOM, err)) ||
        !(w->ref_pool = make_pool(p, "ref", share.ref, 0, err)) ||
        !(w->record_pool = make_pool(p, "record", share.record, RECORD_ROOM, err)))
        return -ENOMEM;
    return 0;
}

static int make_ring(struct sl_worker *w, struct sl_err *err)
{
    w->msgs = aligned_alloc(SL_CACHE_LINE, (size_t)(rte_ring_get_memsize(MSG_RING) + SL_CACHE_LINE - 1) /
                                               SL_CACHE_LINE * SL_CACHE_LINE);
    if (!w->msgs)
        return sl_err_set(err, -ENOMEM, "worker %u: no memory", w->id);
    return rte_ring_init(w->msgs, "msgs", MSG_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* What queues may hold, in whole buffers. Received buffers come from the port's pools, of which each interface has a share as large as half of ours (the memory setting is
 * parted so); a quarter of it stays with the device, whose receive ring would stand still without. */
static uint64_t held_max_bytes(const struct sl_worker_params *p, uint32_t n_data)
{
    return (uint64_t)n_data * DATA_ROOM / SL_MAX(p->n_ifaces, 1) / 4 * 3;
}

/* Fragments that wait live in the same buffers; they get a sixteenth more, and never much. */
static uint32_t fragment_bytes(const struct sl_worker_params *p, uint32_t n_data)
{
    return (uint32_t)SL_MIN(held_max_bytes(p, n_data) / 16, FRAGMENT_BYTES_MAX);
}

static int make_net(struct sl_worker *w, const struct sl_worker_params *p, uint32_t n_data, struct sl_err *err)
{
    struct sl_net_params params = {
        .ifaces = p->ifaces,
        .n_ifaces = p->n_ifaces,
        .answers = p->id == 0,
        .pool = w->data_pool,
        .stats = &w->stats,
        .seed = sl_rng_next(&w->rng),
        .steer = p->steer,
        .worker = p->id,
        .fragment_bytes = fragment_bytes(p, n_data),
    };

    return sl_net_create(&params, &w->net, err);
}

static int make_tcp(struct sl_worker *w, const struct sl_worker_params *p, uint32_t n_data, uint64_t now,
                    struct sl_err *err)
{
    struct sl_tcp_params params = {
        .net = w->net,
        .stats = &w->stats,
        .hdr_pool = w->hdr_pool,
        .ref_pool = w->ref_pool,
        .conns_max = p->conns_max,
        .time_wait_max = p->conns_max,
        .held_max_bytes = held_max_bytes(p, n_data),
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
        .pool = w->data_pool,
        .small_pool = w->record_pool,
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
    uint32_t n_data = 0;
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
    code = make_pools(w, p, &n_data, err);
    if (code == 0)
        code = make_ring(w, err);
    if (code == 0)
        code = make_net(w, p, n_data, err);
    if (code == 0)
        code = make_tcp(w, p, n_data, now, err);
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
    rte_mempool_free(w->data_pool);
    rte_mempool_free(w->hdr_pool);
    rte_mempool_free(w->ref_pool);
    rte_mempool_free(w->record_pool);
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
