/* run: one load from nothing to its report, by the main thread: devices and shards are started, watched and taken down. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include <signal.h>

#include "shard.h"

struct run {
    const struct load_plan *plan;
    struct sl_conf *conf;
    struct sl_ports *ports;
    struct sl_conf_tls tls; /* how TLS is spoken, with the authorities */
    uint8_t *ca_pem;
    uint32_t n_workers;
    uint32_t phase; /* atomic enum phase: what all shards are to reach */
    uint64_t count_at_ns, end_ns;
    double seconds; /* measured */
    bool eal, launched;
    struct shard *shards;
    struct sl_stats *stats[SL_WORKERS_MAX];
};

/* Those that a run acts upon; to be blocked in all threads. */
void run_signals(sigset_t *set);

/* Negative errno with err: something is missing on this machine; call stop all the same. */
int run_start(struct run *r, struct sl_err *err);
/* Until the time is up or a signal comes. */
void run_watch(struct run *r);
void run_stop(struct run *r);
/* What all workers counted of a flow, while they run or after. */
void run_tally(const struct run *r, uint32_t flow, struct tally *out);

#endif
