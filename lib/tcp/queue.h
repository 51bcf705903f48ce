/* Queue: a FIFO of byte slices, linked through nodes of a pool that all queues of a worker share. The pool accounts the
 * buffers that nodes hold whole: one byte of a 2 KiB buffer counts 2 KiB. Small payloads are copied behind the last one
 * when nobody else can see that buffer. */
#ifndef SL_TCP_QUEUE_H
#define SL_TCP_QUEUE_H

#include "stream/stream.h"
#include "tcp/slab.h"

#define QUEUE_COPY_MAX 512u /* payloads up to this many bytes may be copied together */

struct node {
    struct rte_mbuf *mbuf; /* one reference */
    uint16_t off, len;     /* from buf_addr; len > 0 */
    uint32_t next;         /* 0: last */
};

struct node_pool {
    struct slab slab;
    uint64_t held_bytes;   /* whole buffers behind all nodes */
    uint64_t copied_bytes; /* so far, by joining */
};

struct queue {
    uint32_t head, tail; /* nodes; 0: empty */
    uint32_t bytes;
};

static inline struct node *node_at(const struct node_pool *p, uint32_t idx) { return slab_at(&p->slab, idx); }

/* Appends len > 0 bytes at offset off of m and takes over one reference on m. join: may be copied into the last node's
 * buffer. False when the pool is empty: the reference stays with the caller. */
bool sl_tcp_queue_push(struct node_pool *p, struct queue *q, struct rte_mbuf *m, uint16_t off, uint16_t len, bool join);
/* The same at the front; never joined. */
bool sl_tcp_queue_push_front(struct node_pool *p, struct queue *q, struct rte_mbuf *m, uint16_t off, uint16_t len);
/* Takes up to max bytes of the first slice; its reference goes to the caller. False when the queue is empty. */
bool sl_tcp_queue_pop(struct node_pool *p, struct queue *q, uint32_t max, struct sl_slice *out);
/* Copies at most max of the first bytes; how many. */
uint32_t sl_tcp_queue_peek(const struct node_pool *p, const struct queue *q, uint8_t *out, uint32_t max);
/* Frees the first n bytes, n <= q->bytes. */
void sl_tcp_queue_drop(struct node_pool *p, struct queue *q, uint32_t n);
/* Moves all of `from` behind q. */
void sl_tcp_queue_concat(const struct node_pool *p, struct queue *q, struct queue *from);
static inline void queue_clear(struct node_pool *p, struct queue *q) { sl_tcp_queue_drop(p, q, q->bytes); }

#endif
