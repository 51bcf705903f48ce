/* A lean stream in memory. */
#include "pipe.h"

#include <errno.h>
#include <stdlib.h>

static struct bm_pipe *pipe_of(struct sl_stream *s) { return sl_container_of(s, struct bm_pipe, stream); }

/* A call takes a fraction of this; when it took longer, somebody else had the processor, whose time is not counted. */
#define CALL_MAX_US 5

static void count(struct bm_pipe *p, uint64_t begin)
{
    p->cost->cycles += SL_MIN(bm_cycles() - begin, rte_get_tsc_hz() / 1000000 * CALL_MAX_US);
    p->cost->calls++;
}

static uint32_t receive(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    uint64_t begin = bm_cycles();
    struct bm_pipe *p = pipe_of(s);
    uint32_t n = 0;

    while (n < max && max_bytes && p->first_in < p->n_in) {
        struct sl_slice *first = &p->in[p->first_in];

        if (first->len > max_bytes) {
            out[n++] = sl_slice_split(first, (uint16_t)max_bytes);
            max_bytes = 0;
        } else {
            max_bytes -= first->len;
            out[n++] = *first;
            p->first_in++;
        }
    }
    if (p->first_in == p->n_in) {
        p->first_in = p->n_in = 0;
        s->state &= (uint8_t)~SL_STREAM_READABLE;
    }
    count(p, begin);
    return n;
}

static uint32_t peek(struct sl_stream *s, uint8_t *out, uint32_t max, uint32_t *waiting_bytes)
{
    uint64_t begin = bm_cycles();
    struct bm_pipe *p = pipe_of(s);
    uint32_t got = 0;

    *waiting_bytes = 0;
    for (uint32_t i = p->first_in; i < p->n_in; i++) {
        uint32_t n = SL_MIN(max - got, (uint32_t)p->in[i].len);

        memcpy(out + got, sl_slice_data(&p->in[i]), n);
        got += n;
        *waiting_bytes += p->in[i].len;
    }
    count(p, begin);
    return got;
}

static uint32_t credit(struct sl_stream *s)
{
    (void)s;
    return 256 * 1024;
}

static void append(struct bm_pipe *p, const void *bytes, uint32_t len)
{
    if (p->out_len + len > p->out_room) {
        p->out_room = SL_MAX(2 * (p->out_len + len), 8192u);
        p->out = realloc(p->out, p->out_room);
        bm_must(p->out != NULL, "out of memory");
    }
    memcpy(p->out + p->out_len, bytes, len);
    p->out_len += len;
}

static int transmit(struct sl_stream *s, struct sl_slice *slices, uint32_t n)
{
    uint64_t begin = bm_cycles();
    struct bm_pipe *p = pipe_of(s);

    for (uint32_t i = 0; i < n; i++) {
        append(p, sl_slice_data(&slices[i]), slices[i].len);
        sl_slice_free(&slices[i]);
    }
    count(p, begin);
    return 0;
}

static void shut(struct sl_stream *s) { pipe_of(s)->shut = true; }

static void cut(struct sl_stream *s, enum sl_reason reason)
{
    s->reason = (uint8_t)reason;
    sl_stream_raise(s, SL_STREAM_CLOSED);
}

static void release(struct sl_stream *s)
{
    sl_list_remove(&s->ready_link);
    pipe_of(s)->released = true;
}

static void facts(struct sl_stream *s, struct sl_facts *out)
{
    (void)s;
    *out = (struct sl_facts){.sni = "", .alpn = "", .version = "", .suite = "", .identity = ""};
}

static const struct sl_stream_ops ops = {
    .recv = receive,
    .peek = peek,
    .credit = credit,
    .send = transmit,
    .shutdown = shut,
    .abort = cut,
    .release = release,
    .facts = facts,
};

void bm_pipe_init(struct bm_pipe *p, struct rte_mempool *pool, struct bm_cost *cost)
{
    uint8_t *out = p->out;
    uint32_t room = p->out_room;

    *p = (struct bm_pipe){.pool = pool, .cost = cost, .out = out, .out_room = room};
    sl_stream_init(&p->stream, &ops);
    p->stream.state = SL_STREAM_OPEN;
}

void bm_pipe_done(struct bm_pipe *p)
{
    for (; p->first_in < p->n_in; p->first_in++)
        sl_slice_free(&p->in[p->first_in]);
    p->first_in = p->n_in = 0;
    free(p->out);
    p->out = NULL;
    p->out_room = p->out_len = p->out_taken = 0;
}

void bm_pipe_feed(struct bm_pipe *p, const void *bytes, uint32_t len)
{
    for (uint32_t at = 0; at < len && !p->released;) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
        uint16_t n = (uint16_t)SL_MIN(len - at, 1448u);

        bm_must(m && p->n_in < BM_PIPE_SLICES, "the pipe is full");
        memcpy(rte_pktmbuf_append(m, n), (const uint8_t *)bytes + at, n);
        p->in[p->n_in++] = (struct sl_slice){m, m->data_off, n};
        at += n;
        sl_stream_raise(&p->stream, SL_STREAM_READABLE);
    }
}

uint32_t bm_pipe_take(struct bm_pipe *p, void *out, uint32_t max)
{
    uint32_t n = SL_MIN(bm_pipe_waiting(p), max);

    if (n)
        memcpy(out, p->out + p->out_taken, n);
    p->out_taken += n;
    if (p->out_taken == p->out_len)
        p->out_taken = p->out_len = 0;
    return n;
}

void bm_pipe_trim(struct bm_pipe *p)
{
    if (bm_pipe_waiting(p))
        return;
    free(p->out);
    p->out = NULL;
    p->out_len = p->out_taken = p->out_room = 0;
}
