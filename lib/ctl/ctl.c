/* The control thread: configurations and their generations, questions to workers, the log. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ctl/internal.h"
#include "tls/tls.h"

#define ASK_NS (5 * SL_NS_PER_S) /* a worker answers in one pass of its loop; only a stuck one takes longer */

void ctl_say(struct sl_ctl *ctl, const char *fmt, ...)
{
    time_t wall = (time_t)sl_port_wall_s();
    struct tm tm;
    char line[1200];
    size_t at;
    va_list args;
    int n;

    gmtime_r(&wall, &tm);
    at = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    va_start(args, fmt);
    n = vsnprintf(line + at, sizeof line - at - 1, fmt, args);
    va_end(args);
    at = SL_MIN(at + (size_t)SL_MAX(n, 0), sizeof line - 2);
    line[at++] = '\n';
    if (write(ctl->params.log_fd, line, at) < 0)
        return; /* nobody reads the log: nothing can be said about that */
}

static void write_log(struct sl_ctl *ctl)
{
    struct sl_event ev;
    char text[768];

    for (uint32_t i = 0; i < ctl->params.n_workers; i++)
        while (sl_event_take(sl_worker_events(ctl->params.workers[i]), &ev))
            ctl_say(ctl, "%s", sl_event_format(&ev, text, sizeof text));
}

const char *ctl_iface_name(const struct sl_ctl *ctl, uint8_t iface)
{
    uint32_t n = 0;
    const struct sl_net_iface_conf *ifaces = ctl->params.ports ? sl_ports_ifaces(ctl->params.ports, &n) : NULL;

    return ifaces && iface < n ? ifaces[iface].name : "?";
}

/* ---- questions to workers ---- */

static bool answered(const struct sl_worker_msg *msg) { return __atomic_load_n(&msg->done, __ATOMIC_ACQUIRE) != 0; }

static int ask(struct sl_ctl *ctl, uint32_t worker)
{
    struct sl_worker_msg *msg = &ctl->msgs[worker];
    int failed;

    if (ctl->asked[worker] && !answered(msg))
        return -EBUSY;
    msg->done = 0;
    msg->result = 0;
    failed = sl_worker_post(ctl->params.workers[worker], msg);
    if (failed)
        return failed;
    ctl->asked[worker] = true;
    if (ctl->params.ports)
        sl_ports_wake(ctl->params.ports, worker);
    return 0;
}

static int await(struct sl_ctl *ctl, uint32_t worker, uint64_t until_ns)
{
    const struct timespec pause = {.tv_nsec = 100 * (long)SL_NS_PER_US};

    while (!answered(&ctl->msgs[worker])) {
        if (sl_port_now() > until_ns)
            return -ETIMEDOUT;
        (void)nanosleep(&pause, NULL);
    }
    ctl->asked[worker] = false;
    return ctl->msgs[worker].result;
}

int ctl_ask(struct sl_ctl *ctl, uint32_t worker)
{
    int failed = ask(ctl, worker);

    return failed ? failed : await(ctl, worker, sl_port_now() + ASK_NS);
}

int ctl_ask_all(struct sl_ctl *ctl, enum sl_worker_msg_kind kind, const struct sl_conf *conf, uint64_t generation,
                struct sl_err *err)
{
    uint64_t until_ns = sl_port_now() + ASK_NS;
    int failed = 0;

    for (uint32_t i = 0; i < ctl->params.n_workers; i++) {
        struct sl_worker_msg *msg = &ctl->msgs[i];
        int one;

        if (ctl->asked[i] && !answered(msg)) {
            failed = sl_err_set(err, -EBUSY, "worker %u does not answer", i);
            continue;
        }
        msg->kind = kind;
        msg->conf = conf;
        msg->generation = generation;
        msg->tickets = ctl->tickets.sets;
        one = ask(ctl, i);
        if (one)
            failed = sl_err_set(err, one, "worker %u takes no message: %s", i, strerror(-one));
    }
    for (uint32_t i = 0; i < ctl->params.n_workers; i++) {
        int one = ctl->asked[i] ? await(ctl, i, until_ns) : 0;

        if (one && !failed)
            failed = sl_err_set(err, one, "worker %u: %s", i,
                                ctl->msgs[i].err.text[0] ? ctl->msgs[i].err.text : strerror(-one));
    }
    return failed;
}

bool ctl_all_answered(const struct sl_ctl *ctl)
{
    for (uint32_t i = 0; ctl->asked && i < ctl->params.n_workers; i++)
        if (ctl->asked[i] && !answered(&ctl->msgs[i]))
            return false;
    return true;
}

/* ---- configurations ---- */

const struct sl_conf *ctl_running(const struct sl_ctl *ctl) { return ctl->generations[ctl->n_generations - 1].conf; }

static int apply(struct sl_ctl *ctl, struct sl_conf *conf, struct sl_err *err)
{
    int failed;

    ctl->generations[ctl->n_generations++] = (struct generation){.number = ++ctl->generation, .conf = conf};
    failed = ctl_ask_all(ctl, SL_MSG_APPLY, conf, ctl->generation, err);
    if (!failed)
        failed = ctl_tickets_apply(ctl, err);
    ctl_watch_begin(ctl);
    return failed;
}

/* Frees the configurations that no connection uses any more; never the running one. */
static void retire(struct sl_ctl *ctl)
{
    uint64_t oldest = UINT64_MAX;
    uint32_t gone = 0;

    for (uint32_t i = 0; i < ctl->params.n_workers; i++)
        oldest = SL_MIN(oldest, sl_worker_oldest_generation(ctl->params.workers[i]));
    while (gone + 1 < ctl->n_generations && ctl->generations[gone].number < oldest)
        sl_conf_free(ctl->generations[gone++].conf);
    if (gone) {
        ctl->n_generations -= gone;
        memmove(ctl->generations, ctl->generations + gone, ctl->n_generations * sizeof ctl->generations[0]);
    }
}

struct report {
    char *text;
    size_t at, size;
};

static void tell(struct sl_ctl *ctl, struct report *r, const char *severity, const char *line)
{
    ctl_say(ctl, "%s reload %s", severity, line);
    if (r->text && r->at < r->size) {
        int n = snprintf(r->text + r->at, r->size - r->at, "%s\n", line);

        r->at = SL_MIN(r->at + (size_t)SL_MAX(n, 0), r->size);
    }
}

/* Reads the file, or only those that it names, and checks; NULL when anything is wrong, all of which is told. */
static struct sl_conf *read_fresh(struct sl_ctl *ctl, struct report *r, bool files_only)
{
    const struct sl_conf *running = ctl_running(ctl);
    struct sl_conf_errors *errs = calloc(1, sizeof *errs);
    struct sl_conf *fresh;
    char line[1024];

    if (!errs)
        return NULL;
    fresh = files_only ? sl_conf_again(running, sl_tls_check_conf, errs)
                       : sl_conf_load_checked(ctl->params.conf_path, sl_tls_check_conf, errs);
    if (fresh)
        sl_conf_needs_restart(running, fresh, errs);
    for (uint32_t i = 0; i < errs->n; i++)
        tell(ctl, r, "error", sl_conf_error_format(errs, i, line, sizeof line));
    if (errs->n) {
        sl_conf_free(fresh);
        fresh = NULL;
        tell(ctl, r, "error", "the running configuration goes on");
    }
    free(errs);
    return fresh;
}

static int reload(struct sl_ctl *ctl, bool files_only, char *report, size_t size_bytes)
{
    struct report r = {report, 0, size_bytes};
    struct sl_conf *fresh;
    struct sl_err err = {""};
    char line[640];

    retire(ctl);
    if (ctl->n_generations == GENERATIONS_MAX) {
        tell(ctl, &r, "error",
             "too many old configurations are still used by connections; try again when some have ended");
        return -EAGAIN;
    }
    fresh = read_fresh(ctl, &r, files_only);
    if (!fresh)
        return -EINVAL;
    if (apply(ctl, fresh, &err)) {
        (void)snprintf(line, sizeof line, "not applied everywhere: %s", err.text);
        tell(ctl, &r, "error", line);
        return -EIO;
    }
    (void)snprintf(line, sizeof line, "%s%s is generation %lu: new connections use it", ctl->params.conf_path,
                   files_only ? " with changed files" : "", (unsigned long)ctl->generation);
    tell(ctl, &r, "info", line);
    return 0;
}

int sl_ctl_reload(struct sl_ctl *ctl, char *report, size_t size_bytes)
{
    return reload(ctl, false, report, size_bytes);
}

int ctl_reload_files(struct sl_ctl *ctl) { return reload(ctl, true, NULL, 0); }

/* ---- life ---- */

int sl_ctl_create(const struct sl_ctl_params *params, struct sl_ctl **out, struct sl_err *err)
{
    struct sl_ctl *ctl = calloc(1, sizeof *ctl);
    int failed;

    if (!ctl)
        return sl_err_set(err, -ENOMEM, "no memory for the control thread");
    ctl->params = *params;
    ctl->listen_fd = -1;
    ctl->msgs = calloc(params->n_workers, sizeof *ctl->msgs);
    ctl->asked = calloc(params->n_workers, sizeof *ctl->asked);
    failed = ctl->msgs && ctl->asked ? ctl_server_open(ctl, params->socket_path, err)
                                     : sl_err_set(err, -ENOMEM, "no memory for messages");
    if (!failed)
        failed = apply(ctl, params->conf, err);
    if (failed) {
        ctl->n_generations = 0; /* the caller keeps the configuration */
        sl_ctl_destroy(ctl);
        return failed;
    }
    ctl_telemetry_register(ctl);
    *out = ctl;
    return 0;
}

void sl_ctl_poll(struct sl_ctl *ctl, int timeout_ms)
{
    ctl_server_poll(ctl, timeout_ms);
    write_log(ctl);
    ctl_tickets_tick(ctl);
    ctl_watch_tick(ctl);
    retire(ctl);
}

void sl_ctl_drain(struct sl_ctl *ctl)
{
    struct sl_err err;

    if (ctl_ask_all(ctl, SL_MSG_DRAIN, NULL, 0, &err))
        ctl_say(ctl, "error drain %s", err.text);
}

bool sl_ctl_drained(const struct sl_ctl *ctl)
{
    for (uint32_t i = 0; i < ctl->params.n_workers; i++)
        if (sl_worker_busy(ctl->params.workers[i]))
            return false;
    return true;
}

void sl_ctl_abort(struct sl_ctl *ctl)
{
    struct sl_err err;

    if (ctl_ask_all(ctl, SL_MSG_ABORT, NULL, 0, &err))
        ctl_say(ctl, "error abort %s", err.text);
}

void sl_ctl_close(struct sl_ctl *ctl)
{
    if (ctl->closed)
        return;
    ctl->closed = true;
    ctl_telemetry_forget();
    ctl_server_close(ctl);
    if (ctl->n_generations) /* else create failed and nothing was logged */
        write_log(ctl);
}

void sl_ctl_destroy(struct sl_ctl *ctl)
{
    if (!ctl)
        return;
    sl_ctl_close(ctl);
    for (uint32_t i = 0; i < ctl->n_generations; i++)
        sl_conf_free(ctl->generations[i].conf);
    if (ctl_all_answered(ctl)) {
        free(ctl->msgs);
        ctl_tickets_free(ctl);
    }
    ctl_watch_free(ctl);
    free(ctl->asked);
    free(ctl);
}
