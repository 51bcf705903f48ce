/* shard: one load worker on its lcore, from its making to its end. What it makes it uses and destroys by the lcore's own thread. */
#ifndef LOAD_SHARD_H
#define LOAD_SHARD_H

#include "host.h"
#include "port/port.h"

/* Where the main thread wants all shards to be; only ever goes up. */
enum phase {
    PHASE_MADE,   /* host created */
    PHASE_RUNS,   /* the loop runs */
    PHASE_ASKS,   /* the same; what is held is asked */
    PHASE_STOPS,  /* the same; connections are ended */
    PHASE_STANDS, /* out of the loop: devices may close */
    PHASE_GONE,   /* host destroyed */
};

struct shard {
    struct host_params params;
    struct sl_ports *ports;
    const uint32_t *wanted;      /* atomic enum phase: written by the main thread */
    const uint64_t *count_at_ns; /* when counting begins; set before RUNS */
    uint32_t reached;            /* atomic: one more than the last phase reached; 0: none yet */
    int failed;                  /* negative errno of the creation, with err; valid once reached > 0 */
    struct sl_err err;
    struct host *host;                /* NULL when that failed */
    uint64_t busy_cycles, all_cycles; /* atomic: since counting began */
    uint32_t asked, stopped;          /* atomic: these phases are done with */
} __attribute__((aligned(SL_CACHE_LINE)));

/* The lcore's main function; arg is a struct shard. */
int shard_main(void *arg);

/* loop.c: until STANDS is wanted. */
void shard_loop(struct shard *s);

static inline uint32_t shard_wanted(const struct shard *s) { return __atomic_load_n(s->wanted, __ATOMIC_ACQUIRE); }

#endif
