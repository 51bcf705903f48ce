/* stats and workers: numbers that the control thread reads while the workers write them. */
#include "ctl/internal.h"

/* Both tables of a worker, or of all when stats is NULL, as the two members "counters" and "drops". */
static uint64_t counter(const struct sl_ctl *ctl, const struct sl_stats *one, enum sl_ctr c)
{
    uint64_t sum = 0;

    if (one)
        return sl_stat_read(&one->ctr[c]);
    for (uint32_t i = 0; i < ctl->params.n_workers; i++)
        sum += sl_stat_read(&sl_worker_stats(ctl->params.workers[i])->ctr[c]);
    return sum;
}

static uint64_t drops(const struct sl_ctl *ctl, const struct sl_stats *one, enum sl_drop d)
{
    uint64_t sum = 0;

    if (one)
        return sl_stat_read(&one->drop[d]);
    for (uint32_t i = 0; i < ctl->params.n_workers; i++)
        sum += sl_stat_read(&sl_worker_stats(ctl->params.workers[i])->drop[d]);
    return sum;
}

static void put_members(const struct sl_ctl *ctl, const struct sl_stats *one, struct out *o)
{
    out_put(o, "\"counters\":{");
    for (uint32_t c = 0; c < SL_CTR_COUNT; c++)
        out_put(o, "%s\"%s\":%lu", c ? "," : "", sl_ctr_info[c].name, (unsigned long)counter(ctl, one, (enum sl_ctr)c));
    out_put(o, "},\"drops\":{");
    for (uint32_t d = 0; d < SL_DROP_COUNT; d++)
        out_put(o, "%s\"%s\":%lu", d ? "," : "", sl_drop_info[d].name, (unsigned long)drops(ctl, one, (enum sl_drop)d));
    out_put(o, "}");
}

/* {"workers":[{"id":0,...},...],"counters":{...},"drops":{...}}: one worker a piece, the totals last. */
static bool stats_json(struct sl_ctl *ctl, struct progress *p, struct out *o)
{
    if (p->worker < ctl->params.n_workers) {
        out_put(o, p->worker ? ",{\"id\":%u," : "{\"workers\":[{\"id\":%u,", p->worker);
        put_members(ctl, sl_worker_stats(ctl->params.workers[p->worker]), o);
        out_put(o, "}");
        p->worker++;
        return true;
    }
    out_put(o, "],");
    put_members(ctl, NULL, o);
    out_put(o, "}\n");
    return false;
}

/* For a person: what is not zero, with its help. */
static bool stats_text(struct sl_ctl *ctl, struct out *o)
{
    for (uint32_t c = 0; c < SL_CTR_COUNT; c++) {
        uint64_t v = counter(ctl, NULL, (enum sl_ctr)c);

        if (v)
            out_put(o, "%-32s %14lu  %s\n", sl_ctr_info[c].name, (unsigned long)v, sl_ctr_info[c].help);
    }
    for (uint32_t d = 0; d < SL_DROP_COUNT; d++) {
        uint64_t v = drops(ctl, NULL, (enum sl_drop)d);

        if (v)
            out_put(o, "drop %-27s %14lu  %s\n", sl_drop_info[d].name, (unsigned long)v, sl_drop_info[d].help);
    }
    return false;
}

bool ctl_show_stats(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    return format == FORMAT_JSON ? stats_json(ctl, p, o) : stats_text(ctl, o);
}

static uint64_t cycles(const struct sl_ctl *ctl, uint32_t worker, uint32_t step)
{
    return sl_stat_read(&ctl->params.cycles[worker][step]);
}

static void workers_json(struct sl_ctl *ctl, struct out *o)
{
    out_put(o, "{\"hz\":%lu,\"workers\":[", (unsigned long)sl_port_hz());
    for (uint32_t w = 0; w < ctl->params.n_workers; w++) {
        out_put(o, "%s{\"id\":%u,\"busy\":%u,\"generation\":%lu,\"cycles\":{", w ? "," : "", w,
                sl_worker_busy(ctl->params.workers[w]),
                (unsigned long)sl_worker_oldest_generation(ctl->params.workers[w]));
        for (uint32_t s = 0; s < SL_STEP_COUNT; s++)
            out_put(o, "%s\"%s\":%lu", s ? "," : "", sl_worker_step_name[s], (unsigned long)cycles(ctl, w, s));
        out_put(o, "}}");
    }
    out_put(o, "]}\n");
}

static void workers_text(struct sl_ctl *ctl, struct out *o)
{
    out_put(o, "%-6s %8s", "worker", "busy");
    for (uint32_t s = 0; s < SL_STEP_COUNT; s++)
        out_put(o, " %9s", sl_worker_step_name[s]);
    out_put(o, "   (seconds since start)\n");
    for (uint32_t w = 0; w < ctl->params.n_workers; w++) {
        out_put(o, "%-6u %8u", w, sl_worker_busy(ctl->params.workers[w]));
        for (uint32_t s = 0; s < SL_STEP_COUNT; s++)
            out_put(o, " %9.3f", (double)cycles(ctl, w, s) / (double)sl_port_hz());
        out_put(o, "\n");
    }
}

bool ctl_show_workers(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    (format == FORMAT_JSON ? workers_json : workers_text)(ctl, o);
    return false;
}
