/* Segments leave: a header buffer of our own, behind it references to the queued bytes. What is queued is never edited
 * or moved, because the device may still hold an earlier copy of the reference. */
#include "tcp/tcp_internal.h"

#include <errno.h>

static void starve(struct sl_tcp *t)
{
    t->starved = true;
    sl_stat_drop(t->stats, SL_DROP_NO_MBUF);
}

/* A buffer that holds the header; NULL when the pool is empty. */
static struct rte_mbuf *make_header(struct sl_tcp *t, const struct tuple *tuple, const struct header *h)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->hdr_pool);
    uint32_t size = sl_tcp_wire_size(h);
    char *p;

    if (m && (p = rte_pktmbuf_append(m, (uint16_t)size)) != NULL) {
        sl_tcp_wire_put((uint8_t *)p, tuple, h);
        m->l4_len = size & 0xff;
        return m;
    }
    rte_pktmbuf_free(m);
    starve(t);
    return NULL;
}

static enum emit_result hand_over(struct sl_tcp *t, struct sl_net_path *path, const struct tuple *tuple,
                                  struct rte_mbuf *m, uint8_t ecn)
{
    int rc = sl_net_emit(t->net, path, &tuple->local, &tuple->remote, m, ecn, t->now);

    if (rc == -ENOBUFS)
        return EMIT_NO_ROOM;
    sl_stat_inc(t->stats, SL_CTR_TCP_TX_SEGS);
    return rc ? EMIT_LOST : EMIT_SENT;
}

enum emit_result sl_tcp_emit_on(struct sl_tcp *t, struct sl_net_path *path, const struct tuple *tuple,
                                const struct header *h)
{
    struct rte_mbuf *m;

    if (!sl_net_tx_room(t->net, path->iface)) {
        sl_stat_drop(t->stats, SL_DROP_TCP_TX_FULL);
        return EMIT_NO_ROOM;
    }
    m = make_header(t, tuple, h);
    return m ? hand_over(t, path, tuple, m, h->ecn) : EMIT_NO_MBUF;
}

enum emit_result sl_tcp_emit_bare(struct sl_tcp *t, const struct tuple *tuple, const struct header *h)
{
    struct sl_net_path path;

    return sl_net_route(t->net, &tuple->local, &tuple->remote, &path) ? EMIT_LOST : sl_tcp_emit_on(t, &path, tuple, h);
}

/* Moves *place to the node that holds seq, which is queued. */
static void seek(const struct conn *c, struct place *place, uint32_t seq)
{
    const struct node *n;

    if (place->node == NODE_NONE || seq_lt(seq, place->seq) || seq_lt(place->seq, c->snd_una))
        *place = (struct place){c->sndq.head, c->snd_una};
    for (n = node_at(&c->t->nodes, place->node); seq - place->seq >= n->len; n = node_at(&c->t->nodes, place->node)) {
        place->seq += n->len;
        place->node = n->next;
    }
}

static struct rte_mbuf *make_ref(struct sl_tcp *t, struct rte_mbuf *to, uint16_t off, uint16_t len)
{
    struct rte_mbuf *ref = rte_pktmbuf_alloc(t->ref_pool);

    if (!ref) {
        starve(t);
        return NULL;
    }
    rte_pktmbuf_attach(ref, to);
    ref->data_off = off;
    ref->data_len = len;
    return ref;
}

uint32_t sl_tcp_emit_fit(struct conn *c, struct place *place, uint32_t seq, uint32_t len)
{
    const struct node *n;
    uint32_t fits;

    if (!len)
        return 0;
    seek(c, place, seq);
    n = node_at(&c->t->nodes, place->node);
    fits = n->len - (seq - place->seq);
    for (uint32_t piece = 1; fits < len && piece < TCP_PIECES_MAX; piece++) {
        n = node_at(&c->t->nodes, n->next);
        fits += n->len;
    }
    return SL_MIN(fits, len);
}

/* Hangs len bytes from seq on, which begin in the node at `place`, behind m. False when references ran out. */
static bool attach_payload(struct conn *c, struct rte_mbuf *m, const struct place *place, uint32_t seq, uint32_t len)
{
    const struct node *n = node_at(&c->t->nodes, place->node);
    uint32_t skip = seq - place->seq;
    struct rte_mbuf *last = m;

    while (len) {
        uint32_t take = SL_MIN(n->len - skip, len);
        struct rte_mbuf *ref = make_ref(c->t, n->mbuf, (uint16_t)(n->off + skip), (uint16_t)take);

        if (!ref)
            return false;
        last->next = ref;
        last = ref;
        m->nb_segs++;
        m->pkt_len += take;
        len -= take;
        skip = 0;
        n = node_at(&c->t->nodes, n->next);
    }
    return true;
}

/* A device that is full holds frames in net's queue, which payload may not fill: ARP, neighbour discovery, ACKs, SYN-ACKs and resets find some room. */
#define TX_RESERVE_FRAMES 128

enum emit_result sl_tcp_emit_data(struct conn *c, const struct header *h, const struct place *place, uint32_t len)
{
    struct sl_tcp *t = c->t;
    struct rte_mbuf *m;

    if (sl_net_tx_room(t->net, c->path.iface) <= (len ? TX_RESERVE_FRAMES : 0))
        return EMIT_NO_ROOM;
    m = make_header(t, &c->tuple, h);
    if (!m)
        return EMIT_NO_MBUF;
    if (len && !attach_payload(c, m, place, h->seq, len)) {
        rte_pktmbuf_free(m);
        return EMIT_NO_MBUF;
    }
    return hand_over(t, &c->path, &c->tuple, m, h->ecn);
}
