/* What may be asked over the control socket. */
#include <errno.h>

#include "ctl/internal.h"

static bool run_reload(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    char report[REPORT_MAX] = "";

    *status = sl_ctl_reload(ctl, report, sizeof report);
    if (format == FORMAT_JSON) {
        out_put(o, "{\"generation\":%lu,\"report\":", (unsigned long)ctl->generation);
        out_json(o, report);
        out_put(o, "}\n");
    } else {
        out_put(o, "%s", report);
    }
    return false;
}

static bool run_version(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    out_put(o, format == FORMAT_JSON ? "{\"version\":\"%s\"}\n" : "sluice %s\n", ctl->params.version);
    return false;
}

static bool run_help(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    if (format == FORMAT_JSON)
        out_put(o, "{\"commands\":{");
    for (uint32_t i = 0; i < ctl_n_commands; i++) {
        const struct command *c = &ctl_commands[i];

        if (format == FORMAT_JSON)
            out_put(o, "%s\"%s\":\"%s\"", i ? "," : "", c->name, c->help);
        else
            out_put(o, "%-15s %s\n", c->name, c->help);
    }
    if (format == FORMAT_JSON)
        out_put(o, "}}\n");
    return false;
}

const struct command ctl_commands[] = {
    {"stats", "counters, gauges and drop reasons, per worker and in all", ctl_show_stats},
    {"workers", "where each worker's cycles went, by step of its loop", ctl_show_workers},
    {"conns", "TCP connections with their state, windows and timers", ctl_show_conns},
    {"neighbours", "the neighbour cache of each worker", ctl_show_neighbours},
    {"crypto", "which backend computes what here, and how fast, measured now", ctl_show_crypto},
    {"tickets", "which keys seal session tickets: names, no secrets", ctl_show_tickets},
    {"tickets rotate", "make the next ticket keys current, in files too", ctl_run_tickets_rotate},
    {"reload", "read the configuration file again and use it for new connections", run_reload},
    {"version", "the version that runs", run_version},
    {"help", "this list", run_help},
};
const uint32_t ctl_n_commands = SL_ARRAY_LEN(ctl_commands);
