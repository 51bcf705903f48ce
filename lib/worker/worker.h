/* worker: one shard. Owns pools, net, tcp, tls, proxy, random and counters of one core, and composes them; no device. Whoever drives it (the appliance's loop, the simulator, a fuzzer)
 * brings frames, time and messages, and takes frames away. */
#ifndef SL_WORKER_H
#define SL_WORKER_H

#include <rte_ring.h>

#include "conf/conf.h"
#include "net/net.h"
#include "stat/stat.h"
#include "tcp/tcp.h"

#define SL_WORKERS_MAX 64

struct sl_worker;
struct sl_ticket_set; /* tls/ticket.h */

struct sl_worker_params {
    uint32_t id, n_workers; /* worker 0 answers ARP, ND and pings */
    int socket;             /* NUMA node for pools; SOCKET_ID_ANY */
    const struct sl_net_iface_conf *ifaces;
    uint32_t n_ifaces;
    const struct sl_steer *steer; /* shared, immutable; outlives the worker */
    uint32_t conns_max;
    uint32_t handshakes_max; /* 0: each configuration's own (sl_conf_handshakes) */
    uint32_t mbufs;          /* in this worker's pools, all sizes together, from the memory setting */
    uint64_t seed;           /* replayable random */
    uint64_t time_wait_ns;   /* 0: default */
    uint64_t rto_min_ns;     /* 0: default */
    /* Appends a line of the key log, where the configuration asks for one; NULL: none is written. */
    void (*keylog)(const char *path, const char *line, size_t len_bytes);
    const uint8_t *
        replay_secret; /* 32 bytes that take the place of TCP's secret, so that a run can be replayed; NULL: the system's random */
};

int sl_worker_create(const struct sl_worker_params *params, uint64_t now, struct sl_worker **worker,
                     struct sl_err *err);
void sl_worker_destroy(struct sl_worker *w);

/* ---- the loop: frames in, then each step of the table in order, then frames out ---- */
struct sl_worker_time {
    uint64_t now;    /* ns, monotonic */
    uint64_t wall_s; /* seconds since 1970 */
};

enum sl_worker_step_id {
    SL_STEP_RX,
    SL_STEP_TCP,
    SL_STEP_TLS,
    SL_STEP_PROXY,
    SL_STEP_TX,
    SL_STEP_CRYPTO,
    SL_STEP_IDLE,
    SL_STEP_COUNT
};
extern const char *const sl_worker_step_name[SL_STEP_COUNT];

/* Takes n <= SL_NET_BURST frames, consumes them; their segments wait for the tcp step. */
void sl_worker_input(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t n,
                     const struct sl_worker_time *t);

/* Datagrams that were made whole of fragments here and belong to another worker, as frames of iface: to be taken after each input and given to the worker that
 * sl_steer_frame names. */
uint32_t sl_worker_strays(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t max);

/* The steps after rx; whoever drives the loop runs them in order, sends what is to be sent after TX, and may time each. Messages are taken in the first. */
struct sl_worker_step {
    enum sl_worker_step_id id; /* what its time counts as */
    void (*run)(struct sl_worker *w, const struct sl_worker_time *t);
};
extern const struct sl_worker_step sl_worker_steps[];
extern const uint32_t sl_worker_n_steps;

/* All steps at once, for those who time nothing. */
void sl_worker_run(struct sl_worker *w, const struct sl_worker_time *t);

/* Frames to be sent on iface; the caller owns them. */
uint32_t sl_worker_output(struct sl_worker *w, uint8_t iface, struct rte_mbuf **frames, uint32_t max);

/* When the next step has something to do without new frames; 0: at once. */
uint64_t sl_worker_next(const struct sl_worker *w);

/* ---- messages from the control thread, by an SPSC ring; answered by flags in the message that the control thread polls ---- */
enum sl_worker_msg_kind {
    SL_MSG_APPLY, /* conf: use this configuration for new connections */
    SL_MSG_DRAIN, /* take no new connections */
    SL_MSG_ABORT, /* end all connections now */
    SL_MSG_CONNS, /* fill `conns` from *position */
    SL_MSG_NEIGHBOURS,
    SL_MSG_TICKETS, /* conf, the newest applied: use `tickets` from now on */
};

#define SL_MSG_CONNS_MAX 64

struct sl_worker_msg {
    enum sl_worker_msg_kind kind;
    uint32_t done; /* atomic: 0 until the worker has answered (release) */
    int result;    /* 0 or a negative errno */
    struct sl_err err;
    const struct sl_conf *conf; /* APPLY: lives until sl_worker_oldest_generation is newer */
    uint64_t generation;
    const struct sl_ticket_set *tickets; /* TICKETS: one for each of conf->tls; copied */
    uint32_t position;                   /* CONNS: in, out */
    bool more;
    uint32_t n;
    union {
        struct sl_tcp_info conns[SL_MSG_CONNS_MAX];
        struct sl_net_neighbour_info neighbours[SL_MSG_CONNS_MAX];
    };
};

/* Control thread: queues a message; it belongs to the worker until done. -EAGAIN when the ring is full. The caller wakes the worker (port). */
int sl_worker_post(struct sl_worker *w, struct sl_worker_msg *msg);

/* ---- read by the control thread at any time ---- */
const struct sl_stats *sl_worker_stats(const struct sl_worker *w);
struct sl_stats *sl_worker_events(struct sl_worker *w); /* for sl_event_take */
/* Generations older than this are used by no connection of this worker any more. */
uint64_t sl_worker_oldest_generation(const struct sl_worker *w);
/* Connections and handshakes that drain waits for. */
uint32_t sl_worker_busy(const struct sl_worker *w);

/* ---- home pool: a packet pool that one worker owns. The owner takes and gives without a lock; what others free comes home over one SPSC ring per other thread ---- */
/* Tells this thread which worker it is, before it allocates or frees; the control thread and the main thread of tests are SL_WORKERS_MAX. */
void sl_worker_thread_is(uint32_t id);
/* A pool of n mbufs owned by worker `owner`. priv-less. NULL with err. data_room 0: references only. */
struct rte_mempool *sl_worker_pool_create(const char *name, uint32_t owner, uint32_t n, uint16_t data_room, int socket,
                                          struct sl_err *err);

/* ---- the pools of a worker, whatever it does ---- */
struct sl_worker_pools {
    struct rte_mempool *data, *hdr, *ref, *record; /* packets, headers, references, headers and tags of TLS records */
};
/* What mbufs may be so that the pools take at most so many bytes. */
uint32_t sl_worker_mbufs(uint64_t bytes);
/* mbufs: of all sizes together. -ENOMEM, -EINVAL; to be freed in every case. */
int sl_worker_pools_create(struct sl_worker_pools *p, uint32_t owner, uint32_t mbufs, int socket, struct sl_err *err);
void sl_worker_pools_free(struct sl_worker_pools *p);
/* What tcp's queues may hold, in whole buffers, of a worker with these pools. */
uint64_t sl_worker_held_max_bytes(const struct sl_worker_pools *p, uint32_t n_ifaces);

/* What a configuration says of a connection, as tcp wants it. */
struct sl_tcp_opts sl_worker_tcp_opts(const struct sl_conf_tcp *conf);

#endif
