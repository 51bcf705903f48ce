/* The upper face of a connection: sl_stream_ops. They run between the steps of the loop, at the `now` of the last one.
 */
#include "tcp/tcp_internal.h"

#include <errno.h>

static uint32_t op_recv(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    struct conn *c = conn_of_stream(s);
    uint32_t n = 0, before = c->rcvq.bytes;

    while (n < max && max_bytes && sl_tcp_queue_pop(&c->t->nodes, &c->rcvq, max_bytes, &out[n])) {
        max_bytes -= out[n].len;
        n++;
    }
    sl_tcp_recv_consumed(c, before - c->rcvq.bytes);
    return n;
}

static uint32_t op_peek(struct sl_stream *s, uint8_t *out, uint32_t max, uint32_t *waiting_bytes)
{
    struct conn *c = conn_of_stream(s);

    *waiting_bytes = c->rcvq.bytes;
    sl_tcp_recv_peeked(c);
    return sl_tcp_queue_peek(&c->t->nodes, &c->rcvq, out, max);
}

static uint32_t op_credit(struct sl_stream *s)
{
    struct conn *c = conn_of_stream(s);
    uint32_t credit = sl_tcp_send_credit(c);

    if (credit < sl_tcp_send_limit(c))
        sl_tcp_send_watch_credit(c, credit);
    if (!credit)
        s->state &= (uint8_t)~SL_STREAM_WRITABLE;
    return credit;
}

static void free_slices(struct sl_slice *slices, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sl_slice_free(&slices[i]);
}

static int op_send(struct sl_stream *s, struct sl_slice *slices, uint32_t n)
{
    struct conn *c = conn_of_stream(s);

    if (c->flags & F_SHUT || c->state == ST_CLOSED || c->state == ST_TIME_WAIT) {
        free_slices(slices, n);
        return -EPIPE;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint16_t len = slices[i].len;

        if (!len) {
            sl_slice_free(&slices[i]);
            continue;
        }
        if (!sl_tcp_queue_push(&c->t->nodes, &c->sndq, slices[i].mbuf, slices[i].off, len,
                               memory_wants_joining(c->t))) {
            free_slices(slices + i, n - i); /* a stream with a hole is worse than none */
            sl_stat_drop(c->t->stats, SL_DROP_TCP_HELD_MAX);
            sl_tcp_conn_abort(c, SL_REASON_NO_RESOURCE);
            return -EPIPE;
        }
        c->snd_end += len;
    }
    if (!sl_tcp_send_credit(c)) {
        s->state &= (uint8_t)~SL_STREAM_WRITABLE;
        sl_tcp_send_watch_credit(c, 0);
    }
    if (conn_synchronized(c))
        conn_wants_output(c);
    return 0;
}

static void op_shutdown(struct sl_stream *s) { sl_tcp_close_shutdown(conn_of_stream(s)); }
static void op_abort(struct sl_stream *s, enum sl_reason reason) { sl_tcp_conn_abort(conn_of_stream(s), reason); }
static void op_release(struct sl_stream *s) { sl_tcp_close_release(conn_of_stream(s)); }

static void op_facts(struct sl_stream *s, struct sl_facts *out)
{
    const struct tuple *tuple = &conn_of_stream(s)->tuple;

    *out = (struct sl_facts){.local = {tuple->local, tuple->lport},
                             .peer = {tuple->remote, tuple->rport},
                             .sni = "",
                             .alpn = "",
                             .version = "",
                             .suite = ""};
}

const struct sl_stream_ops sl_tcp_stream_ops = {
    .recv = op_recv,
    .peek = op_peek,
    .credit = op_credit,
    .send = op_send,
    .shutdown = op_shutdown,
    .abort = op_abort,
    .release = op_release,
    .facts = op_facts,
};
