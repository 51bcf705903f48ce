/* Receiving: the queue of bytes in order, what is ahead of order, and when to acknowledge. */
#include "tcp/tcp_internal.h"

#define DUP_OWED_MAX 8

/* ---- acknowledging ---- */

void sl_tcp_recv_ack_sent(struct conn *c, uint32_t wnd_bytes)
{
    c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd_bytes);
    c->last_ack = c->rcv_nxt;
    c->delack_at = SL_NEVER;
    c->dup_owed = 0;
    c->flags &= ~(uint32_t)(F_ACK_NOW | F_DSACK);
}

/* ---- the payload ---- */

void sl_tcp_recv_note_dup(struct conn *c, uint32_t start, uint32_t end)
{
    if (!(c->flags & F_SACK))
        return;
    sl_tcp_conn_need_seldom(c)->dsack = (struct range){start, end};
    c->flags |= F_DSACK;
}

/* Takes the next slice of the payload out of s's chain; false at its end. The chain's buffers come one by one, those
 * without payload are freed. */
static bool next_slice(struct seg *s, struct sl_slice *out)
{
    while (s->mbuf && s->len) {
        struct rte_mbuf *m = s->mbuf;
        uint32_t n;

        s->mbuf = m->next;
        m->next = NULL;
        m->nb_segs = 1;
        if (m->data_len <= s->skip) {
            s->skip -= m->data_len;
            rte_pktmbuf_free_seg(m);
            continue;
        }
        n = SL_MIN(m->data_len - s->skip, s->len);
        *out = (struct sl_slice){m, (uint16_t)(m->data_off + s->skip), (uint16_t)n};
        s->skip = 0;
        s->len -= n;
        return true;
    }
    return false;
}

/* What is ahead of order goes first. */
static bool memory_allows(struct conn *c, uint32_t mark)
{
    if (memory_is_below(c->t, mark))
        return true;
    if (reasm_of(c)) {
        sl_tcp_conn_drop_reasm(c);
        sl_stat_drop(c->t->stats, SL_DROP_TCP_OOO_PRUNED);
    }
    return memory_is_below(c->t, mark);
}

static void take_in_order(struct conn *c, struct seg *s)
{
    struct sl_slice slice;
    uint32_t before = c->rcv_nxt;
    struct reasm *hole;

    if (!memory_allows(c, c->rcvq.bytes && !sl_tcp_window_waits_for_unit(c) ? MARK_IN_ORDER : MARK_FULL)) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_HELD_MAX);
        conn_ack_now(c);
        return;
    }
    while (next_slice(s, &slice)) {
        if (!sl_tcp_queue_push(&c->t->nodes, &c->rcvq, slice.mbuf, slice.off, slice.len, memory_wants_joining(c->t))) {
            sl_slice_free(&slice);
            sl_stat_drop(c->t->stats, SL_DROP_TCP_HELD_MAX);
            break;
        }
        c->rcv_nxt += slice.len;
    }
    hole = reasm_of(c);
    if (hole) {
        c->rcv_nxt = sl_tcp_reasm_deliver(&c->t->nodes, hole, c->rcv_nxt, &c->rcvq);
        if (!hole->n_runs)
            sl_tcp_conn_drop_reasm(c);
    }
    sl_stat_add(c->t->stats, SL_CTR_TCP_RX_BYTES, c->rcv_nxt - before);
    sl_stream_raise(&c->stream, SL_STREAM_READABLE);
    if (hole || conn_rcv_unacked(c) >= 2u * c->rcv_mss)
        conn_ack_now(c);
    else
        sl_tcp_timer_delack(c);
}

static void take_ahead(struct conn *c, struct seg *s)
{
    uint32_t segs_max = SL_MAX(64u, (c->rcv_adv - c->rcv_nxt) / 256), seq = s->seq;
    struct sl_slice slice;
    struct reasm *ahead;
    struct range dup;

    c->dup_owed += c->dup_owed < DUP_OWED_MAX;
    conn_ack_now(c);
    ahead = memory_allows(c, MARK_AHEAD) ? sl_tcp_conn_need_reasm(c) : NULL;
    if (!ahead) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_OOO_FULL);
        return;
    }
    sl_stat_inc(c->t->stats, SL_CTR_TCP_OOO_SEGS);
    for (; next_slice(s, &slice); seq += slice.len) {
        enum reasm_result r =
            sl_tcp_reasm_insert(&c->t->nodes, ahead, seq, slice.mbuf, slice.off, slice.len, segs_max, &dup);

        if (dup.start != dup.end)
            sl_tcp_recv_note_dup(c, dup.start, dup.end);
        if (r == REASM_FULL)
            sl_stat_drop(c->t->stats, SL_DROP_TCP_OOO_FULL);
    }
    if (!ahead->n_runs)
        sl_tcp_conn_drop_reasm(c);
}

/* Nobody will read it. While our own bytes are on their way it is acknowledged and thrown away, so that they arrive;
 * after that the peer is told by RST (RFC 9293 3.6.1, half-duplex close). */
static void take_unwanted(struct conn *c, struct seg *s)
{
    sl_stat_drop(c->t->stats, SL_DROP_TCP_UNREAD);
    if (c->state == ST_FIN_WAIT_2) {
        sl_tcp_conn_abort(c, SL_REASON_ABORTED);
        return;
    }
    if (s->seq == c->rcv_nxt)
        c->rcv_nxt += s->len;
    conn_ack_now(c);
}

void sl_tcp_recv_text(struct conn *c, struct seg *s)
{
    c->rcv_mss = (uint16_t)SL_MAX(c->rcv_mss, SL_MIN(s->len, UINT16_MAX));
    if (c->flags & F_PEER_FIN && seq_gt(s->seq + s->len, c->peer_fin))
        s->len = seq_lt(s->seq, c->peer_fin) ? c->peer_fin - s->seq : 0;
    if (!s->len)
        return;
    if (c->flags & F_RELEASED) {
        take_unwanted(c, s);
    } else if (s->seq == c->rcv_nxt) {
        sl_tcp_window_arrived(c, s);
        take_in_order(c, s);
    } else {
        take_ahead(c, s);
    }
}

/* ---- FIN ---- */

static void note_fin(struct conn *c, uint32_t at)
{
    const struct reasm *r = reasm_of(c);

    if (c->flags & F_PEER_FIN)
        return;
    if (seq_lt(at, c->rcv_nxt) || (r && r->n_runs && seq_gt(run_end(&r->runs[r->n_runs - 1]), at))) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_BAD_FIN); /* it sent bytes beyond its own end */
        return;
    }
    c->peer_fin = at;
    c->flags |= F_PEER_FIN;
}

void sl_tcp_recv_fin(struct conn *c, uint32_t fin_at, bool has_fin)
{
    if (has_fin) {
        note_fin(c, fin_at);
        conn_ack_now(c);
    }
    if (!(c->flags & F_PEER_FIN) || c->flags & F_EOF || c->rcv_nxt != c->peer_fin)
        return;
    c->rcv_nxt++;
    c->flags |= F_EOF;
    sl_tcp_conn_drop_reasm(c);
    sl_stream_raise(&c->stream, SL_STREAM_EOF);
    conn_ack_now(c);
    sl_tcp_close_peer_fin(c);
}
