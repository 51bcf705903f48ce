/* The same numbers through DPDK's telemetry socket: /sluice/counters and /sluice/drops, of all workers or of the one whose number is the parameter; /sluice/workers.
 * A telemetry dictionary holds 256 entries, so each table is a command of its own. */
#include <errno.h>
#include <rte_telemetry.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/internal.h"

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

static_assert(SL_CTR_COUNT <= 256 && SL_DROP_COUNT <= 256, "what a telemetry dictionary holds");

/* Telemetry's callbacks take no argument of ours in the oldest DPDK that we build on. Its thread reads, the control thread writes. */
static struct sl_ctl *shown;

/* The range of workers that a parameter names: all when it is empty. */
static int range(const struct sl_ctl *ctl, const char *params, uint32_t *from, uint32_t *to)
{
    char *end;
    unsigned long id;

    *from = 0;
    *to = ctl->params.n_workers;
    if (!params || !*params)
        return 0;
    id = strtoul(params, &end, 10);
    if (*end || id >= ctl->params.n_workers)
        return -EINVAL;
    *from = (uint32_t)id;
    *to = *from + 1;
    return 0;
}

/* Telemetry refuses names with a dot. */
static void add(struct rte_tel_data *d, const char *name, uint64_t v)
{
    char plain[64];
    size_t n = 0;

    for (; name[n] && n < sizeof plain - 1; n++)
        plain[n] = name[n] == '.' ? '_' : name[n];
    plain[n] = '\0';
    rte_tel_data_add_dict_uint(d, plain, v);
}

static int counters(const char *cmd, const char *params, struct rte_tel_data *d)
{
    const struct sl_ctl *ctl = __atomic_load_n(&shown, __ATOMIC_ACQUIRE);
    uint32_t from, to;

    if (!ctl || range(ctl, params, &from, &to))
        return -EINVAL;
    rte_tel_data_start_dict(d);
    for (uint32_t c = 0; c < SL_CTR_COUNT; c++) {
        uint64_t sum = 0;

        for (uint32_t w = from; w < to; w++)
            sum += sl_stat_read(&sl_worker_stats(ctl->params.workers[w])->ctr[c]);
        add(d, sl_ctr_info[c].name, sum);
    }
    return 0;
}

static int drops(const char *cmd, const char *params, struct rte_tel_data *d)
{
    const struct sl_ctl *ctl = __atomic_load_n(&shown, __ATOMIC_ACQUIRE);
    uint32_t from, to;

    if (!ctl || range(ctl, params, &from, &to))
        return -EINVAL;
    rte_tel_data_start_dict(d);
    for (uint32_t r = 0; r < SL_DROP_COUNT; r++) {
        uint64_t sum = 0;

        for (uint32_t w = from; w < to; w++)
            sum += sl_stat_read(&sl_worker_stats(ctl->params.workers[w])->drop[r]);
        add(d, sl_drop_info[r].name, sum);
    }
    return 0;
}

static int workers(const char *cmd, const char *params, struct rte_tel_data *d)
{
    const struct sl_ctl *ctl = __atomic_load_n(&shown, __ATOMIC_ACQUIRE);
    uint32_t from, to;

    if (!ctl || range(ctl, params, &from, &to))
        return -EINVAL;
    rte_tel_data_start_dict(d);
    for (uint32_t s = 0; s < SL_STEP_COUNT; s++) {
        uint64_t sum = 0;

        for (uint32_t w = from; w < to; w++)
            sum += sl_stat_read(&ctl->params.cycles[w][s]);
        add(d, sl_worker_step_name[s], sum);
    }
    return 0;
}

void ctl_telemetry_register(struct sl_ctl *ctl)
{
    static bool registered;

    __atomic_store_n(&shown, ctl, __ATOMIC_RELEASE);
    if (registered)
        return;
    registered = true;
    (void)rte_telemetry_register_cmd("/sluice/counters", counters,
                                     "Counters of all workers. Parameter: a worker's number");
    (void)rte_telemetry_register_cmd("/sluice/drops", drops,
                                     "Drop reasons of all workers. Parameter: a worker's number");
    (void)rte_telemetry_register_cmd("/sluice/workers", workers,
                                     "Cycles by step of the loop. Parameter: a worker's number");
}

void ctl_telemetry_forget(void) { __atomic_store_n(&shown, NULL, __ATOMIC_RELEASE); }
