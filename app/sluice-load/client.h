/* client: the flows of a plan, of one worker: connections that are opened, make requests, check the answers and end, over and over. An operation counts in the time in which it ends. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "plan.h"
#include "source.h"
#include "tally.h"
#include "tcp/tcp.h"
#include "tuples.h"

struct client;
struct secure;

struct client_params {
    const struct load_plan *plan;
    uint32_t id, n_workers;
    struct tuples_params from;
    struct sl_tcp_opts opts;
    struct rte_mempool *pool; /* for requests */
    struct source *source;    /* bodies; of the worker */
    struct secure *secure;    /* TLS; NULL: plain */
    struct tally *tallies;    /* one for each flow */
    uint64_t seed;
};

int client_create(const struct client_params *p, struct client **client, struct sl_err *err);
void client_destroy(struct client *c); /* lets its streams go: before tls and tcp */

/* A step of the loop: what streams report, what is due. */
void client_run(struct client *c, uint64_t now);
uint64_t client_next(const struct client *c);

/* Connections that this worker is to hold, and those that it holds now. */
uint32_t client_to_hold(const struct client *c);
uint32_t client_held(const struct client *c);
/* A request on a random tenth of what is held; done when all were answered or failed. */
void client_ask(struct client *c);
bool client_asked(const struct client *c);

/* From now on nothing is begun, and what is open is reset, some in each step. */
void client_stop(struct client *c);
bool client_stopped(const struct client *c);

#endif
