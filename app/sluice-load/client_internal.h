/* What the files of the client share. */
#ifndef LOAD_CLIENT_INTERNAL_H
#define LOAD_CLIENT_INTERNAL_H

#include "client.h"
#include "http.h"
#include "schedule.h"
#include "timer/timer.h"

#define OPERATION_TIMEOUT_NS (10 * SL_NS_PER_S) /* without a byte either way */
#define END_TIMEOUT_NS SL_NS_PER_S              /* for the server's end after the last answer */
#define PAUSE_NS (100 * SL_NS_PER_MS)           /* of a slot whose connection did not come about */
#define BACKLOG_MAX 65536                       /* operations that are due and wait for a connection; a power of two */
#define OPENING_MAX 1024                        /* connections of a flow that are being opened */
#define HOLD_OPENING_MAX 256

enum conn_state {
    CONN_EMPTY,   /* no connection; on flow.empty */
    CONN_PAUSED,  /* the same, after a failure, for a while */
    CONN_OPENING, /* TCP */
    CONN_SHAKING, /* TLS */
    CONN_IDLE,    /* nothing to do; on flow.idle */
    CONN_BUSY,    /* a request was made, or waits for a buffer */
    CONN_CLOSING, /* waits for the server's end */
    CONN_HELD,
    CONN_STATES
};

struct flow;

/* A slot: one connection after the other. */
struct conn {
    struct sl_stream *stream; /* NULL: none */
    struct flow *flow;
    struct sl_list link;   /* of flow.empty, flow.idle, flow.asking or client.starved */
    struct sl_timer timer; /* of one of the client's */
    uint64_t began_ns;     /* the connection */
    uint64_t due_ns;       /* the operation */
    uint64_t sent_bytes;   /* of the request's body */
    uint64_t taken_bytes;  /* of the answer's body */
    struct http_head head;
    uint32_t requests; /* answered on this connection */
    uint8_t state;     /* enum conn_state */
    bool asked;        /* the request's head is sent */
    bool answered;     /* the answer's head is read */
    bool full;         /* the full TLS client's */
    bool counted;      /* it stands in tally.open */
    bool greets;       /* the first to its target */
};

/* Due times that wait for a connection. */
struct backlog {
    uint64_t *due_ns; /* NULL: closed loop */
    uint32_t head, tail;
};

struct flow {
    const struct load_flow *plan;
    struct client *client;
    struct tally *tally;
    uint32_t number; /* of the plan's flows */
    struct schedule schedule;
    struct backlog backlog;
    struct conn *conns;
    uint32_t n_conns;
    uint32_t opening, opening_max;
    struct sl_list empty, idle;
    bool kept;       /* connections are opened before anything is asked of them */
    bool closed;     /* closed loop */
    bool first_done; /* a handshake was done: those that begin from then on can be resumed */
    uint64_t first_done_ns;
    char text[2][HTTP_TEXT_MAX_BYTES]; /* of requests: [1] the last on its connection */
    uint32_t text_bytes[2];
    struct {
        uint32_t held;   /* atomic */
        uint32_t walked; /* conns looked at for the random tenth */
        uint32_t asking; /* requests out */
        bool ask;        /* the requests have begun */
        struct sl_list to_ask;
    } hold;
};

struct client {
    const struct load_plan *plan;
    struct client_params p;
    struct sl_ready ready;
    struct sl_list starved; /* connections that wait for a packet buffer */
    struct sl_fifo operation_timers, end_timers, pause_timers;
    struct tuples targets[LOAD_TARGETS_MAX];
    uint32_t n_targets, target, to_greet;
    struct sl_rng rng;
    struct flow flows[LOAD_FLOWS_MAX];
    uint32_t n_flows;
    uint32_t greeted,
        greeting; /* targets that a first connection has been to the end of an exchange with; connections that do */
    bool started, stopping;
    uint32_t stop_flow, stop_conn; /* where the resets are */
};

/* The first connection to each target goes alone, one after the other, through its first exchange: it finds the neighbours on both sides of the terminator, for which
 * only a few segments would wait. */
static inline bool client_greets(const struct client *c) { return c->greeted < c->to_greet; }

/* ---- flow.c ---- */
int flow_init(struct flow *f, struct client *c, uint32_t number, struct sl_err *err);
void flow_destroy(struct flow *f);
void flow_start(struct flow *f, uint64_t now);
/* Lets a first connection go, if there is none under way. */
void flow_greet(struct flow *f, uint64_t now);
/* Gives what is due to connections. */
void flow_run(struct flow *f, uint64_t now);
uint64_t flow_next(const struct flow *f);
static inline bool flow_is_hold(const struct flow *f) { return f->plan->mode == LOAD_HOLD; }

/* ---- conn.c: the life of a connection; false: it failed at once, for want of a port or memory ---- */
bool conn_open(struct conn *k, uint64_t due_ns, uint64_t now);
void conn_event(struct conn *k, uint8_t events, uint64_t now);
void conn_timeout(struct conn *k, uint64_t now);
/* The operation, or the way to it, failed. */
void conn_fail(struct conn *k, enum load_failure why, uint64_t now);
/* What it was alone for is done, well or not. */
void conn_greeted(struct conn *k);
/* Resets it without counting anything. */
void conn_drop(struct conn *k);
/* After the answer to the last request. */
void conn_close(struct conn *k, uint64_t now);
void conn_set_state(struct conn *k, enum conn_state state);

/* ---- operation.c: a request and its answer ---- */
void operation_begin(struct conn *k, uint64_t due_ns, uint64_t now);
/* Sends what there is credit and memory for. */
void operation_send(struct conn *k, uint64_t now);
void operation_read(struct conn *k, uint64_t now);

/* ---- hold.c ---- */
/* A request of a flow that holds was answered. */
void hold_answered(struct conn *k, uint64_t now);
void hold_run(struct flow *f, uint64_t now);

#endif
