/* Makes frames that a device can send: checksums where it has none, one plain buffer where it can't follow a chain or an attached buffer. */
#include <rte_memcpy.h>

#include "port/internal.h"

/* One plain mbuf with m's bytes; m stays. NULL when the pool is empty or the frame is longer than its buffers. */
static struct rte_mbuf *flatten(struct rte_mempool *pool, struct sl_stats *st, const struct rte_mbuf *m)
{
    struct rte_mbuf *flat = rte_pktmbuf_alloc(pool);
    uint8_t *to;

    if (!flat) {
        sl_stat_drop(st, SL_DROP_NO_MBUF);
        return NULL;
    }
    to = m->pkt_len <= UINT16_MAX ? (uint8_t *)rte_pktmbuf_append(flat, (uint16_t)m->pkt_len) : NULL;
    if (!to) {
        sl_stat_drop(st, SL_DROP_PORT_TOO_LONG);
        rte_pktmbuf_free(flat);
        return NULL;
    }
    flat->ol_flags |= m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
    flat->tx_offload = m->tx_offload;
    for (; m; m = m->next) {
        rte_memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
        to += m->data_len;
    }
    return flat;
}

static void count_copy(struct sl_stats *st, uint32_t bytes)
{
    sl_stat_inc(st, SL_CTR_PORT_COPIES);
    sl_stat_add(st, SL_CTR_PORT_COPY_BYTES, bytes);
}

struct rte_mbuf *port_adapt(const struct port_device *d, struct rte_mempool *pool, struct sl_stats *st,
                            struct rte_mbuf *m)
{
    const uint64_t checksums = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK;
    bool plain = true;
    struct rte_mbuf *flat;

    if (m->pkt_len > d->frame_bytes_max) {
        sl_stat_drop(st, SL_DROP_PORT_TOO_LONG);
        rte_pktmbuf_free(m);
        return NULL;
    }
    if (m->ol_flags & checksums & ~d->tx_flags)
        sl_net_finish(m);
    if (!d->caps.indirect)
        for (const struct rte_mbuf *s = m; s; s = s->next)
            plain &= RTE_MBUF_DIRECT(s);
    if (plain && m->nb_segs <= d->caps.tx_segs) {
        if (!d->caps.foreign && m->pool != pool)
            count_copy(st, m->pkt_len); /* the driver does it */
        return m;
    }
    flat = flatten(pool, st, m);
    if (flat)
        count_copy(st, m->pkt_len);
    rte_pktmbuf_free(m);
    return flat;
}
