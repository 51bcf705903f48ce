/* The bytes between TLS and the stream below. */
#include "tls/wire.h"

#include <errno.h>

int sl_wire_shared_init(struct sl_wire_shared *sh, struct rte_mempool *pool, struct sl_err *err)
{
    memset(sh, 0, sizeof *sh);
    sh->pool = pool;
    sh->buffer_bytes = rte_pktmbuf_data_room_size(pool);
    if (sh->buffer_bytes * (SL_WIRE_BUFFERS - 1) < SL_WIRE_RECORD_BYTES + SL_WIRE_OVERHEAD_BYTES)
        return sl_err_set(err, -EINVAL, "packet buffers of %u bytes are too small for TLS records", sh->buffer_bytes);
    return 0;
}

void sl_wire_shared_done(struct sl_wire_shared *sh)
{
    while (sh->n_spare)
        rte_pktmbuf_free(sh->spare[--sh->n_spare]);
}

void sl_wire_init(struct sl_wire *w, struct sl_wire_shared *sh, struct sl_stream *lower)
{
    *w = (struct sl_wire){.shared = sh, .lower = lower};
}

/* Exactly what is wanted is taken from below, so that whoever reads on after the handshake misses nothing. */
uint32_t sl_wire_read(struct sl_wire *w, void *out, uint32_t len)
{
    struct sl_slice s;
    uint32_t got = 0;

    while (got < len && w->lower->ops->recv(w->lower, &s, 1, len - got)) {
        memcpy((uint8_t *)out + got, sl_slice_data(&s), s.len);
        w->in_bytes += s.len;
        got += s.len;
        sl_slice_free(&s);
    }
    w->dry = got < len;
    return got;
}

uint32_t sl_wire_peek(struct sl_wire *w, void *out, uint32_t len, uint32_t *waiting_bytes)
{
    return w->lower->ops->peek(w->lower, out, len, waiting_bytes);
}

bool sl_wire_ended(const struct sl_wire *w) { return w->dry && (w->lower->state & (SL_STREAM_EOF | SL_STREAM_CLOSED)); }

uint32_t sl_wire_drain(struct sl_wire *w)
{
    struct sl_slice s;
    uint32_t n = 0;

    while (w->lower->ops->recv(w->lower, &s, 1, UINT32_MAX)) {
        n += s.len;
        sl_slice_free(&s);
    }
    return n;
}

bool sl_wire_reserve(struct sl_wire *w, uint32_t len)
{
    struct sl_wire_shared *sh = w->shared;
    uint32_t need = len / sh->buffer_bytes + 1;

    assert(need <= SL_WIRE_BUFFERS);
    while (sh->n_spare < need) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(sh->pool);

        if (!m)
            return false;
        sh->spare[sh->n_spare++] = m;
    }
    return true;
}

/* An empty buffer. Nothing is put in front: the whole room is for bytes. */
static struct rte_mbuf *buffer(struct sl_wire_shared *sh)
{
    struct rte_mbuf *m = sh->n_spare ? sh->spare[--sh->n_spare] : rte_pktmbuf_alloc(sh->pool);

    if (m)
        m->data_off = 0;
    return m;
}

/* The slice that the next byte goes to; NULL: no buffer. */
static struct sl_slice *tail(struct sl_wire *w)
{
    struct sl_wire_shared *sh = w->shared;
    struct sl_slice *last = sh->n_out ? &sh->out[sh->n_out - 1] : NULL;
    struct rte_mbuf *m;

    if (last && last->len < sh->buffer_bytes)
        return last;
    if (sh->n_out == SL_WIRE_BUFFERS)
        sl_wire_flush(w);
    m = buffer(sh);
    if (!m)
        return NULL;
    sh->out[sh->n_out] = (struct sl_slice){.mbuf = m};
    return &sh->out[sh->n_out++];
}

uint32_t sl_wire_write(struct sl_wire *w, const void *bytes, uint32_t len)
{
    uint32_t put = 0;

    while (put < len) {
        struct sl_slice *s = tail(w);
        uint16_t n;

        if (!s)
            break;
        n = (uint16_t)SL_MIN(len - put, w->shared->buffer_bytes - s->len);
        memcpy((uint8_t *)s->mbuf->buf_addr + s->len, (const uint8_t *)bytes + put, n);
        s->len = (uint16_t)(s->len + n);
        put += n;
    }
    w->out_bytes += put;
    return put;
}

void sl_wire_flush(struct sl_wire *w)
{
    struct sl_wire_shared *sh = w->shared;
    uint32_t n = sh->n_out;

    if (!n)
        return;
    for (uint32_t i = 0; i < n; i++) {
        sh->out[i].mbuf->data_len = sh->out[i].len;
        sh->out[i].mbuf->pkt_len = sh->out[i].len;
    }
    sh->n_out = 0;
    w->lower->ops->send(w->lower, sh->out, n); /* -EPIPE: the end of the stream below is told by its events */
}
