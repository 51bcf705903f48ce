/* flooder: sends a flood's frames (flood.h) from one worker: finds the target's link address by a connection that it tries, then as many frames as the rate has due. */
#ifndef LOAD_FLOODER_H
#define LOAD_FLOODER_H

#include "flood.h"
#include "plan.h"
#include "tuples.h"

#define FLOODER_SOURCE4 "198.19.0.0" /* where a flood comes from: nobody's addresses, by way of the target's gateway */
#define FLOODER_SOURCE4_BITS 16
#define FLOODER_SOURCE6 "2001:db8:ffff::"
#define FLOODER_SOURCE6_BITS 48

struct flooder_params {
    const struct load_plan *plan;
    uint32_t id, n_workers; /* the rate is of all together; targets are taken in turn */
    struct tuples_params from;
    struct rte_mempool *pool;
    uint64_t seed;
};

struct flooder {
    struct flooder_params p;
    struct tuples target;
    struct sl_net_path path;
    struct sl_ready ready;
    struct sl_stream *probe; /* NULL: none under way */
    struct flood flood;
    double per_ns;
    uint64_t began_ns, sent;
    bool flows; /* the link address is known */
};

int flooder_init(struct flooder *f, const struct flooder_params *p, struct sl_err *err);
void flooder_end(struct flooder *f); /* before tcp */
/* A step before tcp's output; looks for the link address. */
void flooder_run(struct flooder *f, uint64_t now);
/* The frames that are due, for flooder_iface. */
uint32_t flooder_fill(struct flooder *f, uint64_t now, struct rte_mbuf **frames, uint32_t max);
static inline uint8_t flooder_iface(const struct flooder *f) { return f->path.iface; }
static inline uint64_t flooder_next(const struct flooder *f) { return f->flows || !f->probe ? 0 : SL_NEVER; }

#endif
