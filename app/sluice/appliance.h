#ifndef SLUICE_APPLIANCE_H
#define SLUICE_APPLIANCE_H

#include <signal.h>

#include "ctl/ctl.h"
#include "shard.h"

struct appliance {
    struct sl_conf *conf; /* what the machine was set up by */
    const char *conf_path, *xdp_object;
    struct sl_conf *unowned; /* the first running configuration where ctl did not take it */
    struct sl_ports *ports;
    struct sl_ctl *ctl;
    uint32_t n_workers;
    uint32_t phase; /* atomic enum phase: what all shards are to reach */
    bool eal, launched;
    struct shard *shards;
    struct sl_worker *workers[SL_WORKERS_MAX];
    struct sl_stats *stats[SL_WORKERS_MAX];
    uint64_t cycles[SL_WORKERS_MAX][SL_STEP_COUNT];
};

/* Those that the appliance acts upon. */
void appliance_signals(sigset_t *set);

/* From nothing to serving, with `first` as configuration (taken over in every case). Negative errno with err: something is missing on this machine; call stop all the same. */
int appliance_start(struct appliance *a, struct sl_conf *first, struct sl_err *err);
/* Serves until a signal asks it to end; drains. */
void appliance_serve(struct appliance *a);
/* Takes down what start has put up, as far as it came. */
void appliance_stop(struct appliance *a);

#endif
