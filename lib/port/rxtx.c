/* A worker's side: frames in from its queues and from other workers, frames out on its queues or to a worker that has one. */
#include "port/internal.h"

static uint32_t poll_queue(struct sl_ports *p, struct port_device *d, struct port_queue *q, uint32_t worker,
                           struct rte_mbuf **frames, uint32_t max)
{
    uint32_t n = rte_eth_rx_burst(d->port_id, q->id, frames, (uint16_t)SL_MIN(max, PORT_BURST));

    return n && p->n_workers > 1 ? port_distribute(p, d, q, worker, frames, n) : n;
}

static uint32_t poll_rings(struct sl_ports *p, struct port_device *d, uint32_t worker, struct rte_mbuf **frames,
                           uint32_t max)
{
    uint32_t n = rte_ring_sc_dequeue_burst(d->strays[worker], (void **)frames, max / 4, NULL);

    for (uint32_t owner = 0; owner < d->n_owners && n < max; owner++)
        if (owner != worker)
            n += rte_ring_sc_dequeue_burst(d->to_worker[owner * p->n_workers + worker], (void **)(frames + n), max - n,
                                           NULL);
    return n;
}

uint32_t sl_ports_rx(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t max)
{
    struct port_device *d = &p->devices[iface];
    uint32_t n = 0, share = max;

    /* What others hand over has waited longest, but may not keep this worker from its own queues, on which others wait in turn. */
    if (p->n_workers > 1)
        n = poll_rings(p, d, worker, frames, worker < d->n_owners ? max / 2 : max);
    if (d->n_queues > p->n_workers)
        share = SL_MAX((max - n) / (d->n_queues / p->n_workers + 1), 1);
    for (uint32_t q = worker; q < d->n_queues && n < max; q += p->n_workers)
        n += poll_queue(p, d, &d->queues[q], worker, frames + n, SL_MIN(max - n, share));
    return n;
}

/* Frames that waited for the device go first; false: some still wait. */
static bool send_unsent(struct port_device *d, struct port_queue *q)
{
    uint32_t sent;

    if (!q->n_unsent)
        return true;
    sent = rte_eth_tx_burst(d->port_id, q->id, q->unsent, (uint16_t)q->n_unsent);
    q->n_unsent -= sent;
    memmove(q->unsent, q->unsent + sent, q->n_unsent * sizeof q->unsent[0]);
    return !q->n_unsent;
}

/* Sends on a queue of this worker; consumes the frames. What the device has no room for waits, and while it does, more is dropped. */
static void send_frames(struct sl_ports *p, struct port_device *d, uint32_t worker, struct rte_mbuf **frames,
                        uint32_t n)
{
    struct port_queue *q = &d->queues[worker];
    struct rte_mbuf *ready[PORT_BURST];
    uint32_t n_ready = 0, sent;

    assert(n <= PORT_BURST);
    if (!send_unsent(d, q)) {
        for (uint32_t i = 0; i < n; i++)
            sl_stat_drop(port_stats(p, worker), SL_DROP_PORT_TX_FULL);
        rte_pktmbuf_free_bulk(frames, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct rte_mbuf *m = port_adapt(d, q->pool, port_stats(p, worker), frames[i]);

        if (m)
            ready[n_ready++] = m;
    }
    sent = n_ready ? rte_eth_tx_burst(d->port_id, q->id, ready, (uint16_t)n_ready) : 0;
    q->n_unsent = n_ready - sent;
    memcpy(q->unsent, ready + sent, q->n_unsent * sizeof ready[0]);
    if (q->n_unsent)
        sl_stat_inc(port_stats(p, worker), SL_CTR_PORT_TX_WAITS);
}

bool sl_ports_tx_room(struct sl_ports *p, uint32_t worker, uint8_t iface)
{
    struct port_device *d = &p->devices[iface];

    if (worker < d->n_owners)
        return send_unsent(d, &d->queues[worker]);
    return rte_ring_free_count(d->to_owner[worker * d->n_owners + worker % d->n_owners]) >= PORT_BURST;
}

void sl_ports_tx(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t n)
{
    struct port_device *d = &p->devices[iface];

    if (worker >= d->n_owners) {
        uint32_t owner = worker % d->n_owners;

        if (n) {
            port_ring_put(p, worker, d->to_owner[worker * d->n_owners + owner], frames, n);
            sl_ports_wake(p, owner);
        }
        return;
    }
    for (uint32_t at = 0; at < n; at += PORT_BURST)
        send_frames(p, d, worker, frames + at, SL_MIN(n - at, PORT_BURST));
}

void sl_ports_flush(struct sl_ports *p, uint32_t worker)
{
    struct rte_mbuf *frames[PORT_BURST];

    for (uint32_t i = 0; i < p->n_devices && p->n_workers > 1; i++) {
        struct port_device *d = &p->devices[i];

        for (uint32_t w = d->n_owners; worker < d->n_owners && w < p->n_workers; w++) {
            struct rte_ring *ring = d->to_owner[w * d->n_owners + worker];
            uint32_t n, left = PORT_RING; /* one ring full at most, so that who fills it can't hold this worker */

            while (ring && left >= PORT_BURST && send_unsent(d, &d->queues[worker]) &&
                   (n = rte_ring_sc_dequeue_burst(ring, (void **)frames, PORT_BURST, NULL)) > 0) {
                send_frames(p, d, worker, frames, n);
                left -= PORT_BURST;
            }
        }
    }
}
