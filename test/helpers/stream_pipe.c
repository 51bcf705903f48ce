/* A stream in memory whose peer is the test. What it gives to recv ends where its heap block ends, so that a sanitizer
 * sees one byte read too far. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "pipe: %s\n", what);
    abort();
}

static void bytes_put(struct th_bytes *b, const void *p, size_t len)
{
    if (b->len + len > b->room) {
        b->room = (b->len + len) * 2;
        b->p = realloc(b->p, b->room);
        must(b->p, "out of memory");
    }
    memcpy(b->p + b->len, p, len);
    b->len += len;
}

static size_t bytes_left(const struct th_bytes *b) { return b->len - b->taken; }

static void bytes_skip(struct th_bytes *b, size_t n)
{
    b->taken += n;
    if (b->taken == b->len)
        b->taken = b->len = 0;
}

static struct th_pipe *pipe_of(struct sl_stream *s)
{
    struct th_pipe *p = sl_container_of(s, struct th_pipe, stream);

    must(!p->released, "used after its release");
    return p;
}

static uint32_t pipe_recv(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    struct th_pipe *p = pipe_of(s);
    uint32_t n = 0;

    while (n < max && max_bytes && bytes_left(&p->in)) {
        size_t len = SL_MIN(bytes_left(&p->in), p->slice_max ? p->slice_max : 1460);
        struct rte_mbuf *m;

        len = SL_MIN(len, max_bytes);
        m = th_mbuf_exact(p->pool, p->in.p + p->in.taken, len, 0);
        out[n++] = (struct sl_slice){.mbuf = m, .off = m->data_off, .len = (uint16_t)len};
        bytes_skip(&p->in, len);
        max_bytes -= (uint32_t)len;
    }
    if (!bytes_left(&p->in))
        s->state &= (uint8_t)~SL_STREAM_READABLE;
    return n;
}

static uint32_t pipe_peek(struct sl_stream *s, uint8_t *out, uint32_t max, uint32_t *waiting_bytes)
{
    struct th_pipe *p = pipe_of(s);
    size_t n = SL_MIN(bytes_left(&p->in), (size_t)max);

    *waiting_bytes = (uint32_t)bytes_left(&p->in);
    if (n)
        memcpy(out, p->in.p + p->in.taken, n);
    return (uint32_t)n;
}

static uint32_t pipe_credit(struct sl_stream *s)
{
    struct th_pipe *p = pipe_of(s);
    size_t used = bytes_left(&p->out);
    uint32_t left = used < p->credit_max ? p->credit_max - (uint32_t)used : 0;

    p->found_small = left < p->credit_max;
    return left;
}

static int pipe_send(struct sl_stream *s, struct sl_slice *slices, uint32_t n)
{
    struct th_pipe *p = pipe_of(s);
    bool dead = p->fin_out || p->aborted || (s->state & SL_STREAM_CLOSED);

    for (uint32_t i = 0; i < n; i++) {
        must(slices[i].len > 0, "an empty slice was sent");
        if (!dead)
            bytes_put(&p->out, sl_slice_data(&slices[i]), slices[i].len);
        sl_slice_free(&slices[i]);
    }
    return dead ? -EPIPE : 0;
}

static void closed_if_both(struct th_pipe *p)
{
    if (p->fin_in && p->fin_out && !(p->stream.state & SL_STREAM_CLOSED))
        sl_stream_raise(&p->stream, SL_STREAM_CLOSED);
}

static void pipe_shutdown(struct sl_stream *s)
{
    struct th_pipe *p = pipe_of(s);

    if (p->aborted || (s->state & SL_STREAM_CLOSED))
        return;
    p->fin_out = true;
    closed_if_both(p);
}

static void pipe_abort(struct sl_stream *s, enum sl_reason reason)
{
    struct th_pipe *p = pipe_of(s);

    if (s->state & SL_STREAM_CLOSED)
        return;
    p->aborted = true;
    p->reason = reason;
    s->reason = (uint8_t)reason;
    bytes_skip(&p->out, bytes_left(&p->out));
    sl_stream_raise(s, SL_STREAM_CLOSED);
}

static void pipe_release(struct sl_stream *s)
{
    struct th_pipe *p = pipe_of(s);

    if (!p->fin_out && !(s->state & SL_STREAM_CLOSED))
        pipe_abort(s, SL_REASON_ABORTED);
    sl_list_remove(&s->ready_link);
    p->released = true;
}

static void pipe_facts(struct sl_stream *s, struct sl_facts *out)
{
    struct th_pipe *p = pipe_of(s);

    *out = (struct sl_facts){.local = p->local, .peer = p->peer, .sni = "", .alpn = "", .version = "", .suite = ""};
}

static const struct sl_stream_ops pipe_ops = {
    .recv = pipe_recv,
    .peek = pipe_peek,
    .credit = pipe_credit,
    .send = pipe_send,
    .shutdown = pipe_shutdown,
    .abort = pipe_abort,
    .release = pipe_release,
    .facts = pipe_facts,
};

struct th_pipe *th_pipe_new(struct rte_mempool *pool)
{
    struct th_pipe *p = calloc(1, sizeof *p);

    must(p, "out of memory");
    sl_stream_init(&p->stream, &pipe_ops);
    p->stream.state = SL_STREAM_OPEN;
    p->pool = pool;
    p->credit_max = 256 * 1024;
    p->local = (struct sl_endpoint){.ip = sl_ip_from4("\xc6\x12\x00\x0a"), .port = 443};
    p->peer = (struct sl_endpoint){.ip = sl_ip_from4("\xc6\x12\x00\x02"), .port = 40000};
    return p;
}

void th_pipe_free(struct th_pipe *p)
{
    must(p->released, "never released");
    free(p->in.p);
    free(p->out.p);
    free(p);
}

void th_pipe_feed(struct th_pipe *p, const void *bytes, size_t len)
{
    if (p->released || p->aborted || !len)
        return;
    bytes_put(&p->in, bytes, len);
    sl_stream_raise(&p->stream, SL_STREAM_READABLE);
}

void th_pipe_fin(struct th_pipe *p)
{
    p->fin_in = true;
    if (p->released || p->aborted)
        return;
    sl_stream_raise(&p->stream, SL_STREAM_EOF);
    closed_if_both(p);
}

void th_pipe_cut(struct th_pipe *p, enum sl_reason reason)
{
    if (p->released || (p->stream.state & SL_STREAM_CLOSED))
        return;
    bytes_skip(&p->in, bytes_left(&p->in));
    p->stream.reason = (uint8_t)reason;
    p->stream.state &= (uint8_t)~SL_STREAM_READABLE;
    sl_stream_raise(&p->stream, SL_STREAM_CLOSED);
}

size_t th_pipe_waiting(const struct th_pipe *p) { return bytes_left(&p->out); }

size_t th_pipe_take(struct th_pipe *p, void *out, size_t max)
{
    size_t n = SL_MIN(bytes_left(&p->out), max);

    if (!n)
        return 0;
    memcpy(out, p->out.p + p->out.taken, n);
    bytes_skip(&p->out, n);
    if (p->found_small && !p->released) {
        p->found_small = false;
        sl_stream_raise(&p->stream, SL_STREAM_WRITABLE);
    }
    return n;
}
