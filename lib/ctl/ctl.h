/* ctl: the control thread's room: control socket, telemetry, log lines, reload. Reaches workers by messages and by reading their counters; never touches their state. */
#ifndef SL_CTL_H
#define SL_CTL_H

#include "conf/conf.h"
#include "port/port.h"
#include "worker/worker.h"

struct sl_ctl;

struct sl_ctl_params {
    const char *socket_path;
    struct sl_worker *const *workers;
    /* cycles[worker][step], written by the worker's loop, relaxed */
    const uint64_t (*cycles)[SL_STEP_COUNT];
    uint32_t n_workers;
    struct sl_ports *ports; /* to wake workers and name interfaces; NULL: neither (tests) */
    const char *version;
    const char *conf_path;
    struct sl_conf *conf; /* the running configuration; ctl owns it from now on and frees it */
    int log_fd;           /* stderr */
    uint64_t watch_ns;    /* between rounds over the files that the configuration names; 0: 2 s */
};

/* Binds the socket (mode 0600; makes its folder; removes a dead one, a live one is -EADDRINUSE), registers telemetry, and applies the configuration as
 * generation 1 on all workers, whose loops run already. On an error conf is still the caller's. */
int sl_ctl_create(const struct sl_ctl_params *params, struct sl_ctl **ctl, struct sl_err *err);
/* Serves requests, logs and reloads for up to timeout_ms. */
void sl_ctl_poll(struct sl_ctl *ctl, int timeout_ms);
/* Reads the configuration file again: errors are logged and the old one goes on. 0 or -EINVAL; report: text for the asker, may be NULL. */
int sl_ctl_reload(struct sl_ctl *ctl, char *report, size_t size_bytes);
/* Takes no new connections; true once all workers are idle. */
void sl_ctl_drain(struct sl_ctl *ctl);
bool sl_ctl_drained(const struct sl_ctl *ctl);
/* Ends all connections. */
void sl_ctl_abort(struct sl_ctl *ctl);
/* Removes the socket, forgets telemetry, writes the last lines of the log. Then nothing here looks at the workers any more. */
void sl_ctl_close(struct sl_ctl *ctl);
/* Frees the configurations: after the workers, whose last streams look at them, are destroyed. Closes first where that was not done. */
void sl_ctl_destroy(struct sl_ctl *ctl);

#endif
