/* mbufs whose bytes stand in heap buffers of exactly their size. */
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

/* shinfo stands apart from the bytes, so that nothing accessible lies behind them. */
struct exact {
    struct rte_mbuf_ext_shared_info shinfo;
    void *bytes;
};

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory or mbufs\n");
        abort();
    }
    return p;
}

static void free_exact(void *addr, void *opaque)
{
    struct exact *x = opaque;

    (void)addr;
    free(x->bytes);
    free(x);
}

struct rte_mbuf *th_mbuf_exact(struct rte_mempool *pool, const void *bytes, size_t len, uint16_t headroom)
{
    struct rte_mbuf *m = need(rte_pktmbuf_alloc(pool));
    struct exact *x = need(malloc(sizeof *x));
    size_t size = headroom + len;

    assert(size <= UINT16_MAX);
    x->bytes = need(malloc(size ? size : 1));
    x->shinfo = (struct rte_mbuf_ext_shared_info){.free_cb = free_exact, .fcb_opaque = x, .refcnt = 1};
    if (len)
        memcpy((uint8_t *)x->bytes + headroom, bytes, len);
    rte_pktmbuf_attach_extbuf(m, x->bytes, RTE_BAD_IOVA, (uint16_t)size, &x->shinfo);
    m->data_off = headroom;
    m->data_len = (uint16_t)len;
    m->pkt_len = (uint32_t)len;
    return m;
}

struct rte_mbuf *th_mbuf_chain(struct rte_mempool *pool, const void *bytes, size_t len, const size_t *cuts,
                               size_t n_cuts, uint16_t headroom)
{
    struct rte_mbuf *head = NULL, **link = &head;
    size_t from = 0;
    uint16_t segs = 0;

    for (size_t i = 0; i <= n_cuts; i++) {
        size_t to = i < n_cuts ? SL_MIN(cuts[i], len) : len;

        if (i > 0 && to <= from)
            continue;
        *link = th_mbuf_exact(pool, (const uint8_t *)bytes + from, to - from, segs ? 0 : headroom);
        link = &(*link)->next;
        from = to;
        segs++;
    }
    head->nb_segs = segs;
    head->pkt_len = (uint32_t)len;
    return head;
}

size_t th_mbuf_bytes(const struct rte_mbuf *m, void *out, size_t room)
{
    size_t len = 0, segs = 0;

    for (const struct rte_mbuf *s = m; s; s = s->next) {
        if (s->data_len > room - len || s->data_off + s->data_len > s->buf_len)
            return 0;
        memcpy((uint8_t *)out + len, rte_pktmbuf_mtod(s, const void *), s->data_len);
        len += s->data_len;
        segs++;
    }
    return m && len == m->pkt_len && segs == m->nb_segs ? len : 0;
}
