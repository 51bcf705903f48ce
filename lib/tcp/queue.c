#include "tcp/queue.h"

static uint32_t weight(const struct rte_mbuf *m) { return m->buf_len; }

static uint32_t make_node(struct node_pool *p, struct rte_mbuf *m, uint16_t off, uint16_t len, uint32_t next)
{
    uint32_t idx;
    struct node *n = sl_tcp_slab_take(&p->slab, &idx);

    if (!n)
        return 0;
    *n = (struct node){m, off, len, next};
    p->held_bytes += weight(m);
    return idx;
}

static void unlink_head(struct node_pool *p, struct queue *q)
{
    uint32_t idx = q->head;
    const struct node *n = node_at(p, idx);

    p->held_bytes -= weight(n->mbuf);
    q->head = n->next;
    if (!q->head)
        q->tail = 0;
    sl_tcp_slab_give(&p->slab, idx);
}

/* Only a buffer that no other slice, clone or device refers to may grow: its tail room may be somebody else's bytes
 * otherwise. */
static bool join_tail(struct node_pool *p, struct queue *q, struct rte_mbuf *m, uint16_t off, uint16_t len)
{
    struct node *tail;
    uint32_t end;

    if (!q->tail || len > QUEUE_COPY_MAX)
        return false;
    tail = node_at(p, q->tail);
    end = (uint32_t)tail->off + tail->len;
    if (!RTE_MBUF_DIRECT(tail->mbuf) || rte_mbuf_refcnt_read(tail->mbuf) != 1 || end + len > tail->mbuf->buf_len)
        return false;
    memcpy((uint8_t *)tail->mbuf->buf_addr + end, (const uint8_t *)m->buf_addr + off, len);
    tail->len = (uint16_t)(tail->len + len);
    q->bytes += len;
    p->copied_bytes += len;
    rte_pktmbuf_free_seg(m);
    return true;
}

bool sl_tcp_queue_push(struct node_pool *p, struct queue *q, struct rte_mbuf *m, uint16_t off, uint16_t len, bool join)
{
    uint32_t idx;

    if (join && join_tail(p, q, m, off, len))
        return true;
    idx = make_node(p, m, off, len, 0);
    if (!idx)
        return false;
    if (q->tail)
        node_at(p, q->tail)->next = idx;
    else
        q->head = idx;
    q->tail = idx;
    q->bytes += len;
    return true;
}

bool sl_tcp_queue_push_front(struct node_pool *p, struct queue *q, struct rte_mbuf *m, uint16_t off, uint16_t len)
{
    uint32_t idx = make_node(p, m, off, len, q->head);

    if (!idx)
        return false;
    q->head = idx;
    if (!q->tail)
        q->tail = idx;
    q->bytes += len;
    return true;
}

bool sl_tcp_queue_pop(struct node_pool *p, struct queue *q, uint32_t max, struct sl_slice *out)
{
    struct node *n;

    if (!q->head || !max)
        return false;
    n = node_at(p, q->head);
    *out = (struct sl_slice){n->mbuf, n->off, n->len};
    if (n->len > max) {
        struct sl_slice rest = *out;

        *out = sl_slice_split(&rest, (uint16_t)max);
        n->off = rest.off;
        n->len = rest.len;
    } else {
        unlink_head(p, q);
    }
    q->bytes -= out->len;
    return true;
}

uint32_t sl_tcp_queue_peek(const struct node_pool *p, const struct queue *q, uint8_t *out, uint32_t max)
{
    uint32_t got = 0;

    for (uint32_t idx = q->head; idx && got < max;) {
        const struct node *n = node_at(p, idx);
        uint32_t k = SL_MIN((uint32_t)n->len, max - got);

        memcpy(out + got, (const uint8_t *)n->mbuf->buf_addr + n->off, k);
        got += k;
        idx = n->next;
    }
    return got;
}

void sl_tcp_queue_drop(struct node_pool *p, struct queue *q, uint32_t n_bytes)
{
    q->bytes -= n_bytes;
    while (n_bytes) {
        struct node *n = node_at(p, q->head);
        struct rte_mbuf *m = n->mbuf;

        if (n->len > n_bytes) {
            n->off = (uint16_t)(n->off + n_bytes);
            n->len = (uint16_t)(n->len - n_bytes);
            return;
        }
        n_bytes -= n->len;
        unlink_head(p, q);
        rte_pktmbuf_free_seg(m);
    }
}

void sl_tcp_queue_concat(const struct node_pool *p, struct queue *q, struct queue *from)
{
    if (!from->head)
        return;
    if (q->tail)
        node_at(p, q->tail)->next = from->head;
    else
        q->head = from->head;
    q->tail = from->tail;
    q->bytes += from->bytes;
    *from = (struct queue){0};
}
