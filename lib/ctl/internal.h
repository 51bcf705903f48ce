/* Inside of ctl: the control thread's state, its clients, and the buffer that answers are written to. */
#ifndef SL_CTL_INTERNAL_H
#define SL_CTL_INTERNAL_H

#include "ctl/ctl.h"

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
    bool closed;                /* nothing here looks at the workers any more */
    int listen_fd;
    char socket_path[108];
    struct client clients[CLIENTS_MAX];
};

/* Sends the worker's message and waits for the answer, at most ASK_NS. Returns the answer's result, -EBUSY when an earlier question is still open, -ETIMEDOUT. */
int ctl_ask(struct sl_ctl *ctl, uint32_t worker);
/* One line to the log, with the time. */
void ctl_say(struct sl_ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *ctl_iface_name(const struct sl_ctl *ctl, uint8_t iface);

#endif
