/* Inside of ctl: the control thread's state, its clients, and the buffer that answers are written to. */
#ifndef SL_CTL_INTERNAL_H
#define SL_CTL_INTERNAL_H

#include "ctl/ctl.h"
#include "tls/ticket.h"

#define CLIENTS_MAX 16
#define GENERATIONS_MAX 8 /* configurations that old connections may keep alive at a time */
#define REQUEST_MAX 256   /* bytes of a request line */
#define REPORT_MAX 16384

/* ---- out.c: a growing buffer, bounded; what finds no room is cut and `cut` says so ---- */
struct out {
    char *bytes;
    size_t len, sent, room;
    bool cut;
};

void out_put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes (RFC 8259 section 7). */
void out_json(struct out *o, const char *text);
void out_free(struct out *o);

/* ---- show.c and its like: what a command writes ---- */

/* How far a long answer has come. */
struct progress {
    uint32_t stage, worker, position;
    bool some; /* an element of the list was written: the next one needs a comma */
};

enum format { FORMAT_TEXT, FORMAT_JSON };

struct command {
    const char *name, *help;
    /* Writes the next piece; true when there is more. *status becomes a negative errno when the command failed. */
    bool (*run)(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
};

extern const struct command ctl_commands[];
extern const uint32_t ctl_n_commands;

bool ctl_show_stats(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
bool ctl_show_workers(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
bool ctl_show_conns(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
bool ctl_show_crypto(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
bool ctl_show_neighbours(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);

/* ---- server.c: the socket ---- */
struct client {
    int fd; /* -1: free */
    char request[REQUEST_MAX];
    size_t request_len;
    const struct command *command; /* NULL: the request is not whole yet */
    enum format format;
    struct progress progress;
    bool more;
    struct out out;
    uint64_t deadline_ns; /* a client that neither asks nor reads by then is dropped */
};

int ctl_server_open(struct sl_ctl *ctl, const char *path, struct sl_err *err);
void ctl_server_poll(struct sl_ctl *ctl, int timeout_ms);
void ctl_server_close(struct sl_ctl *ctl);

/* ---- telemetry.c ---- */
void ctl_telemetry_register(struct sl_ctl *ctl);
void ctl_telemetry_forget(void);

/* ---- tickets.c ---- */
struct tickets {
    struct sl_ticket_set *sets; /* of the running configuration's tls, n of them; workers copy them when asked */
    uint32_t n;
    struct sl_ticket_set own; /* for those without a file */
    uint64_t own_until_ns;
};

/* Gives workers the keys that were read with the running configuration. */
int ctl_tickets_apply(struct sl_ctl *ctl, struct sl_err *err);
/* Rotates the process's own keys and those of every file. What fails is told, the rest is done. */
int ctl_tickets_rotate(struct sl_ctl *ctl, struct sl_err *err);
/* The files have changed. */
void ctl_tickets_reread(struct sl_ctl *ctl);
/* Rotates the process's own keys when they are due. */
void ctl_tickets_tick(struct sl_ctl *ctl);
void ctl_tickets_free(struct sl_ctl *ctl);
bool ctl_show_tickets(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);
bool ctl_run_tickets_rotate(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status);

/* ---- watch.c ---- */
struct watched { /* all zero: not there, or not looked at yet */
    uint64_t dev, ino, size, mtime_ns, ctime_ns;
    bool changed; /* since it was last acted on */
    bool first;   /* the only change is that it was looked at for the first time */
};

struct watch {
    struct watched *files; /* by index of sl_conf_file_at */
    uint32_t n, at;
    uint64_t next_ns, begun_wall_s;
    bool known;   /* a round is done */
    bool moving;  /* this round has seen a change */
    bool waiting; /* an earlier one has, which was not acted on yet */
};

void ctl_watch_begin(struct sl_ctl *ctl);
void ctl_watch_tick(struct sl_ctl *ctl);
void ctl_watch_free(struct sl_ctl *ctl);

/* ---- ctl.c ---- */
struct generation {
    uint64_t number;
    struct sl_conf *conf; /* owned */
};

struct sl_ctl {
    struct sl_ctl_params params;
    struct generation generations[GENERATIONS_MAX]; /* oldest first; the last one is running */
    uint32_t n_generations;
    uint64_t generation;
    struct sl_worker_msg *msgs; /* one a worker */
    bool *asked;                /* a worker that did not answer in time still owns its message */
    struct tickets tickets;
    struct watch watch;
    bool closed; /* nothing here looks at the workers any more */
    int listen_fd;
    char socket_path[108];
    struct client clients[CLIENTS_MAX];
};

/* Sends the worker's message and waits for the answer, at most ASK_NS. Returns the answer's result, -EBUSY when an earlier question is still open, -ETIMEDOUT. */
int ctl_ask(struct sl_ctl *ctl, uint32_t worker);
/* Asks all workers the same and waits for all; the first failure is told. */
int ctl_ask_all(struct sl_ctl *ctl, enum sl_worker_msg_kind kind, const struct sl_conf *conf, uint64_t generation,
                struct sl_err *err);
/* A worker that never answered may still use its message. */
bool ctl_all_answered(const struct sl_ctl *ctl);
const struct sl_conf *ctl_running(const struct sl_ctl *ctl);
/* The running configuration once more with what its files hold now. 0 or a negative errno; the log tells. */
int ctl_reload_files(struct sl_ctl *ctl);
/* One line to the log, with the time. */
void ctl_say(struct sl_ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *ctl_iface_name(const struct sl_ctl *ctl, uint8_t iface);

#endif
