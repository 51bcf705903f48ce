/* origin: the servers behind the terminator, of one worker: HTTP/1.1 on every address of the plan. GET /N brings N bytes of the body sequence (body.h); PUT /N has its own bytes checked against it and
 * brings N bytes too. Steering brings a worker the connections that are its own, so each listens for itself. */
#ifndef LOAD_ORIGIN_H
#define LOAD_ORIGIN_H

#include "plan.h"
#include "source.h"
#include "tcp/tcp.h"

struct origin;

struct origin_params {
    const struct load_plan *plan;
    struct sl_tcp *tcp;
    const struct sl_net *net;
    struct sl_tcp_opts opts;
    uint32_t backlog, conns_max;
    struct rte_mempool *pool; /* for heads and small bodies */
    struct source *source;    /* of the worker */
};

struct origin_counts {
    uint64_t requests, bytes_in, bytes_out;
    uint64_t bad_bytes; /* requests whose bodies were not what was sent */
    uint64_t bad_heads; /* no request that we understand */
    uint64_t refused;   /* connections for which there was no place */
    uint64_t open;
};

/* -EADDRNOTAVAIL: an address of the plan is none of ours. -ENOMEM. */
int origin_create(const struct origin_params *p, struct origin **o, struct sl_err *err);
void origin_destroy(struct origin *o); /* before tcp */

void origin_run(struct origin *o, uint64_t now);
uint64_t origin_next(const struct origin *o);
const struct origin_counts *origin_counts(const struct origin *o);

/* Takes no new connections and resets those that are open, some in each step. */
void origin_stop(struct origin *o);
bool origin_stopped(const struct origin *o);

#endif
