#include "source.h"

#include <errno.h>
#include <rte_malloc.h>

#include "body.h"

#define LENT_MAX 60000 /* references to one view */

static void nothing_to_free(void *addr, void *opaque)
{
    (void)addr;
    (void)opaque;
}

static void make_view(struct source *s, uint32_t i)
{
    struct rte_mbuf_ext_shared_info *shared = &s->shared[i];

    *shared = (struct rte_mbuf_ext_shared_info){.free_cb = nothing_to_free};
    rte_mbuf_ext_refcnt_set(shared, 1);
    rte_pktmbuf_attach_extbuf(s->views[i], s->bytes, rte_malloc_virt2iova(s->bytes), BODY_PERIOD, shared);
}

/* DPDK's own memory: cards can read it. */
int source_init(struct source *s, struct rte_mempool *ref_pool, int socket, struct sl_err *err)
{
    *s = (struct source){.bytes = rte_malloc_socket("body", BODY_PERIOD, SL_CACHE_LINE, socket)};
    if (!s->bytes)
        return sl_err_set(err, -ENOMEM, "no memory for bodies");
    body_fill(s->bytes, 0, BODY_PERIOD);
    for (uint32_t i = 0; i < SOURCE_VIEWS; i++) {
        s->views[i] = rte_pktmbuf_alloc(ref_pool);
        if (!s->views[i])
            return sl_err_set(err, -ENOMEM, "no buffers for bodies");
        make_view(s, i);
    }
    return 0;
}

void source_destroy(struct source *s)
{
    for (uint32_t i = 0; i < SOURCE_VIEWS; i++)
        rte_pktmbuf_free(s->views[i]);
    rte_free(s->bytes);
    *s = (struct source){0};
}

bool source_share(struct source *s, uint64_t offset, uint64_t len, struct sl_slice *out)
{
    uint32_t off = (uint32_t)(offset % BODY_PERIOD);

    for (uint32_t tries = 0; tries < SOURCE_VIEWS; tries++) {
        struct rte_mbuf *view = s->views[s->at];

        if (rte_mbuf_refcnt_read(view) < LENT_MAX) {
            rte_mbuf_refcnt_update(view, 1);
            *out = (struct sl_slice){view, (uint16_t)off, (uint16_t)SL_MIN(len, BODY_PERIOD - off)};
            return true;
        }
        s->at = (s->at + 1) % SOURCE_VIEWS;
    }
    return false;
}

bool source_copy(struct rte_mempool *pool, uint64_t offset, uint64_t len, struct sl_slice *out)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint16_t n;

    if (!m)
        return false;
    n = (uint16_t)SL_MIN(len, rte_pktmbuf_tailroom(m));
    body_fill(rte_pktmbuf_mtod(m, uint8_t *), offset, n);
    m->data_len = n;
    m->pkt_len = n;
    *out = (struct sl_slice){m, m->data_off, n};
    return true;
}

bool source_text(struct rte_mempool *pool, const char *text, uint32_t len, struct sl_slice *out)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

    if (!m)
        return false;
    assert(len <= rte_pktmbuf_tailroom(m));
    memcpy(rte_pktmbuf_mtod(m, char *), text, len);
    m->data_len = (uint16_t)len;
    m->pkt_len = len;
    *out = (struct sl_slice){m, m->data_off, (uint16_t)len};
    return true;
}
