/* A shard: one worker on its lcore, from its making to its end. The worker's objects are made, used and destroyed by the lcore's thread. */
#ifndef SLUICE_SHARD_H
#define SLUICE_SHARD_H

#include "port/port.h"
#include "worker/worker.h"

/* Where the main thread wants all shards to be; only ever goes up. */
enum phase {
    PHASE_MADE,   /* worker created */
    PHASE_SERVES, /* the loop runs */
    PHASE_STANDS, /* out of the loop: devices may close */
    PHASE_GONE,   /* worker destroyed */
};

struct shard {
    struct sl_worker_params params;
    struct sl_ports *ports;
    uint64_t *cycles;       /* [SL_STEP_COUNT], atomic: written here */
    const uint32_t *wanted; /* atomic enum phase: written by the main thread */
    uint32_t reached;       /* atomic: one more than the last phase reached; 0: none yet */
    int failed;             /* negative errno of the creation, with err; valid once reached > 0 */
    struct sl_err err;
    struct sl_worker *worker; /* NULL when that failed */
} __attribute__((aligned(SL_CACHE_LINE)));

/* The lcore's main function; arg is a struct shard. Returns when the shard is gone. */
int shard_main(void *arg);

/* loop.c: takes frames, runs the steps, sends frames, sleeps when there is nothing to do, until another phase than SERVES is wanted. */
void shard_loop(struct shard *s);

static inline bool shard_is_wanted(const struct shard *s, enum phase phase)
{
    return __atomic_load_n(s->wanted, __ATOMIC_ACQUIRE) >= (uint32_t)phase;
}

#endif
