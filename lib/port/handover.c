/* Frames that one worker receives or sends for another: by the steering hash into single-producer single-consumer rings. */
#include <errno.h>
#include <rte_errno.h>
#include <rte_ip.h>
#include <stdio.h>
#include <stdlib.h>

#include "port/internal.h"

#define SAMPLE 64 /* of a trusted queue, one TCP frame in so many is checked against the hash in software */

static struct rte_ring *make_ring(const char *kind, uint32_t device, uint32_t from, uint32_t to, uint32_t size,
                                  unsigned producers)
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof name, "%s%u_%u_%u", kind, device, from, to);
    return rte_ring_create(name, size, SOCKET_ID_ANY, producers | RING_F_SC_DEQ);
}

int port_rings_create(struct sl_ports *p, struct port_device *d, uint32_t index, struct sl_err *err)
{
    uint32_t n = p->n_workers;

    if (n == 1)
        return 0;
    d->to_worker = calloc((size_t)d->n_owners * n, sizeof(struct rte_ring *));
    d->to_owner = calloc((size_t)d->n_owners * n, sizeof(struct rte_ring *));
    d->strays = calloc(n, sizeof(struct rte_ring *));
    if (!d->to_worker || !d->to_owner || !d->strays)
        return sl_err_set(err, -ENOMEM, "no memory for rings");
    for (uint32_t w = 0; w < n; w++)
        if (!(d->strays[w] = make_ring("strays", index, 0, w, PORT_STRAYS, 0)))
            return sl_err_set(err, -ENOMEM, "no memory for rings between workers: %s", rte_strerror(rte_errno));
    for (uint32_t owner = 0; owner < d->n_owners; owner++) {
        for (uint32_t w = 0; w < n; w++) {
            struct rte_ring **rx = &d->to_worker[owner * n + w], **tx = &d->to_owner[w * d->n_owners + owner];

            if (w == owner)
                continue;
            *rx = make_ring("rx", index, owner, w, PORT_RING, RING_F_SP_ENQ);
            *tx = w < d->n_owners
                      ? NULL
                      : make_ring("tx", index, w, owner, PORT_RING, RING_F_SP_ENQ); /* who has a queue sends on it */
            if (!*rx || (w >= d->n_owners && !*tx))
                return sl_err_set(err, -ENOMEM, "no memory for rings between workers: %s", rte_strerror(rte_errno));
        }
    }
    return 0;
}

static void free_rings(struct rte_ring **rings, size_t n)
{
    void *m;

    for (size_t i = 0; rings && i < n; i++) {
        while (rings[i] && rte_ring_sc_dequeue(rings[i], &m) == 0)
            rte_pktmbuf_free(m);
        rte_ring_free(rings[i]);
    }
    free(rings);
}

void port_rings_free(struct sl_ports *p, struct port_device *d)
{
    free_rings(d->to_worker, (size_t)d->n_owners * p->n_workers);
    free_rings(d->to_owner, (size_t)d->n_owners * p->n_workers);
    free_rings(d->strays, p->n_workers);
    d->to_worker = d->to_owner = d->strays = NULL;
}

void port_ring_put(struct sl_ports *p, uint32_t worker, struct rte_ring *ring, struct rte_mbuf **frames, uint32_t n)
{
    uint32_t put = rte_ring_enqueue_burst(ring, (void **)frames, n, NULL); /* as the ring was made */

    for (uint32_t i = put; i < n; i++) {
        sl_stat_drop(port_stats(p, worker), SL_DROP_PORT_RING_FULL);
        rte_pktmbuf_free(frames[i]);
    }
}

/* TCP that is no fragment: what cards hash by the four-tuple. */
static bool is_whole_tcp(const struct rte_mbuf *m)
{
    struct sl_cursor c = sl_cursor_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
    uint16_t type;

    sl_cursor_skip(&c, 12);
    type = sl_cursor_u16(&c);
    if (type == RTE_ETHER_TYPE_VLAN) {
        sl_cursor_skip(&c, 2);
        type = sl_cursor_u16(&c);
    }
    if (type == RTE_ETHER_TYPE_IPV4) {
        uint16_t fragment;

        sl_cursor_skip(&c, 6);
        fragment = sl_cursor_u16(&c);
        sl_cursor_skip(&c, 1);
        return sl_cursor_u8(&c) == IPPROTO_TCP && !(fragment & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK));
    }
    sl_cursor_skip(&c, 6);
    return type == RTE_ETHER_TYPE_IPV6 && sl_cursor_u8(&c) == IPPROTO_TCP;
}

/* The worker of a frame. On a trusted queue the device has answered that for TCP; a sample that says otherwise ends the trust. */
static int worker_of(struct sl_ports *p, struct port_queue *q, uint32_t worker, const struct rte_mbuf *m)
{
    int to;

    if (q->trusted && is_whole_tcp(m)) {
        if (q->samples++ % SAMPLE)
            return (int)worker;
        to = sl_steer_frame(&p->steer, m);
        if (to != (int)worker) {
            q->trusted = false;
            sl_stat_inc(port_stats(p, worker), SL_CTR_PORT_DISTRUST);
        }
        return to;
    }
    return sl_steer_frame(&p->steer, m);
}

/* A copy for every other worker, from this worker's pool. */
static void copy_to_all(struct sl_ports *p, struct port_device *d, struct port_queue *q, uint32_t worker,
                        const struct rte_mbuf *m)
{
    for (uint32_t w = 0; w < p->n_workers; w++) {
        struct rte_mbuf *copy;

        if (w == worker)
            continue;
        copy = rte_pktmbuf_copy(m, q->pool, 0, UINT32_MAX);
        if (copy)
            port_ring_put(p, worker, d->to_worker[worker * p->n_workers + w], &copy, 1);
        else
            sl_stat_drop(port_stats(p, worker), SL_DROP_NO_MBUF);
    }
}

uint32_t port_distribute(struct sl_ports *p, struct port_device *d, struct port_queue *q, uint32_t worker,
                         struct rte_mbuf **frames, uint32_t n)
{
    struct rte_mbuf *batch[PORT_BURST];
    int to[PORT_BURST];
    uint64_t others = 0; /* a bit for each worker that gets something */
    uint32_t kept = 0;

    static_assert(SL_WORKERS_MAX <= 64, "a bit for each worker");
    for (uint32_t i = 0; i < n; i++) {
        to[i] = worker_of(p, q, worker, frames[i]);
        if (to[i] == SL_STEER_ALL) {
            copy_to_all(p, d, q, worker, frames[i]);
            others = ~UINT64_C(0);
            to[i] = (int)worker;
        } else {
            others |= UINT64_C(1) << to[i];
        }
    }
    for (uint32_t w = 0; w < p->n_workers; w++) {
        uint32_t n_batch = 0;

        if (w == worker || !(others >> w & 1))
            continue;
        for (uint32_t i = 0; i < n; i++)
            if (to[i] == (int)w)
                batch[n_batch++] = frames[i];
        port_ring_put(p, worker, d->to_worker[worker * p->n_workers + w], batch, n_batch);
        sl_stat_add(port_stats(p, worker), SL_CTR_PORT_HANDED_OVER, n_batch);
        sl_ports_wake(p, w);
    }
    for (uint32_t i = 0; i < n; i++)
        if (to[i] == (int)worker)
            frames[kept++] = frames[i];
    return kept;
}

/* Rare, so one ring a worker serves all who give to it. */
void sl_ports_hand_over(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int to = sl_steer_frame(&p->steer, frames[i]);

        assert(to >= 0 && p->n_workers > 1);
        port_ring_put(p, worker, p->devices[iface].strays[to], &frames[i], 1);
        sl_ports_wake(p, (uint32_t)to);
    }
}
