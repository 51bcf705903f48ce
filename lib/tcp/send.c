/* The send queue: slices from snd_una on. */
#include "tcp/tcp_internal.h"

#define SND_START_BYTES (64u << 10)

/* What is in flight and as much again, so that an ACK finds something to send. A connection that was never held back by
 * cwnd needs no more than it began with. */
uint32_t sl_tcp_send_limit(const struct conn *c)
{
    uint32_t most = SL_MIN(c->set->opts.snd_max_bytes, SL_MAX(SND_START_BYTES, 2 * SL_MIN(c->cwnd, 1u << 30)));

    return memory_is_below(c->t, MARK_TIGHT) ? most : SL_MIN(most, TCP_TIGHT_CREDIT_BYTES);
}

uint32_t sl_tcp_send_credit(const struct conn *c)
{
    uint32_t most = sl_tcp_send_limit(c);

    if (c->flags & F_SHUT || c->state == ST_CLOSED || c->state == ST_TIME_WAIT)
        return 0;
    return most > c->sndq.bytes ? most - c->sndq.bytes : 0;
}

void sl_tcp_send_watch_credit(struct conn *c, uint32_t seen_bytes)
{
    c->credit_seen = (uint16_t)SL_MIN((seen_bytes + CREDIT_UNIT_BYTES - 1) / CREDIT_UNIT_BYTES, (uint32_t)UINT16_MAX);
    c->flags |= F_CREDIT_WATCH;
}

/* WRITABLE once credit has grown by so much that coming back is worth it, and in any case when nothing is queued: no
 * ACK will come that could tell later. */
static void tell_credit(struct conn *c)
{
    uint32_t most = sl_tcp_send_limit(c), credit = sl_tcp_send_credit(c);

    if (!(c->flags & F_CREDIT_WATCH) || !credit)
        return;
    if (c->sndq.bytes && credit < SL_MIN(most, SL_MAX(most / 2, c->credit_seen * CREDIT_UNIT_BYTES + most / 4)))
        return;
    c->flags &= ~(uint32_t)F_CREDIT_WATCH;
    sl_stream_raise(&c->stream, SL_STREAM_WRITABLE);
}

void sl_tcp_send_acked(struct conn *c, uint32_t ack)
{
    uint32_t data_una = c->state == ST_SYN_SENT || c->state == ST_SYN_RCVD ? c->opening.iss + 1 : c->snd_una;

    if (seq_gt(ack, data_una))
        sl_tcp_queue_drop(&c->t->nodes, &c->sndq, SL_MIN(ack - data_una, c->sndq.bytes));
    c->snd_una = ack;
    sl_tcp_pmtu_acked(c);
    if (seq_lt(c->snd_place.seq, ack))
        c->snd_place.node = NODE_NONE;
    if (c->seldom && seq_lt(seldom_of(c)->rtx_place.seq, ack))
        seldom_of(c)->rtx_place.node = NODE_NONE;
    tell_credit(c);
}
