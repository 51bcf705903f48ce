/* pipe: a stream in memory that costs as little as one can: what the peer feeds stands in packet buffers before the room
 * under test is called, as with tcp. Counts the cycles that its calls take, so that they can be told from the room's. */
#ifndef BM_PIPE_H
#define BM_PIPE_H

#include "bench.h"
#include "stream/stream.h"

#define BM_PIPE_SLICES 64

struct bm_cost {
    uint64_t cycles, calls;
};

struct bm_pipe {
    struct sl_stream stream;
    struct rte_mempool *pool; /* of what is fed */
    struct bm_cost *cost;
    struct sl_slice in[BM_PIPE_SLICES];
    uint32_t n_in, first_in;
    uint8_t *out; /* to the peer; freed when it is empty and asked to */
    uint32_t out_len, out_room, out_taken;
    bool shut, released;
};

void bm_pipe_init(struct bm_pipe *p, struct rte_mempool *pool, struct bm_cost *cost);
void bm_pipe_done(struct bm_pipe *p);
/* From the peer. */
void bm_pipe_feed(struct bm_pipe *p, const void *bytes, uint32_t len);
/* To the peer. */
static inline uint32_t bm_pipe_waiting(const struct bm_pipe *p) { return p->out_len - p->out_taken; }
uint32_t bm_pipe_take(struct bm_pipe *p, void *out, uint32_t max);
/* Gives back the memory of what was taken: what is left is a connection's own. */
void bm_pipe_trim(struct bm_pipe *p);

#endif
