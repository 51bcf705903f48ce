/* sim: hosts and Sluice workers on links that lose, reorder, repeat and damage frames, in virtual time, all of it
 * decided by a seed.
 *
 * A run is single-threaded and has no clock: the world holds a heap of frames on their way, and asks each node when
 * it wants to act next. What every node sends is checked by an observer that knows only the wire (check.c); what
 * arrives is compared with what was sent (app.c). */
#ifndef SIM_H
#define SIM_H

#include "helpers/helpers.h"
#include "tcp/tcp.h"
#include "worker/worker.h"

#define SIM_FLOWS_MAX 64
#define SIM_NODES_MAX 3
#define SIM_LINKS_MAX 2
#define SIM_WORKERS_MAX 4
#define SIM_MTU_IP6 1280 /* below it an interface has no IPv6 address */
#define SIM_SERVER_PORT 8080
#define SIM_FIRST_LPORT 20000 /* the client's port of flow 0 */
#define SIM_HEADER_BYTES 16   /* a client's first bytes: which flow this is */

enum sim_topology { SIM_PAIR, SIM_SLUICE, SIM_TOPOLOGIES };

/* ---- what a seed decides ---- */
struct sim_link_conf {
    uint32_t loss_ppm, reorder_ppm, duplicate_ppm, corrupt_ppm;
    uint64_t delay_ns, jitter_ns; /* one way; jitter only to frames that are reordered */
    uint64_t spread_ns;           /* every frame comes up to so much later, but in the order of its flow */
    uint64_t rate_bps;            /* bytes a second; 0: no limit */
    uint32_t queue_bytes;         /* beyond this frames are dropped; only with a rate */
    uint32_t
        mark_bytes;    /* beyond this frames of an ECN-capable transport are marked (RFC 3168); 0: never; with a rate */
    uint32_t mark_ppm; /* such frames that are marked by chance */
};

enum sim_close { SIM_CLOSE_WHEN_SENT, SIM_CLOSE_AFTER_EOF, SIM_CLOSE_WHEN_RECEIVED };

struct sim_plan {   /* of one side of a flow */
    uint64_t bytes; /* to send, without the client's header */
    bool after_eof; /* sends only after the other side's EOF */
    enum sim_close close;
    uint32_t read_chunk;    /* bytes per read; 0: whatever there is */
    uint64_t read_every_ns; /* between reads; 0: at once */
    uint64_t stop_ns;       /* since the start: what was not given to TCP by then is not sent at all; 0: never */
    uint64_t abort_at;      /* bytes received or sent; UINT64_MAX: never */
    bool early_release;     /* lets go as soon as it has sent and received all */
    struct sl_tcp_opts opts;
};

struct sim_flow_conf {
    uint64_t start_ns;
    uint64_t extra_delay_ns; /* one way, beyond the link's: a longer way to the same bottleneck */
    struct sim_plan client, server;
};

struct sim_scenario {
    uint64_t seed;
    enum sim_topology topology;
    bool ip6_front, ip6_back;
    uint16_t mtu_front, mtu_back;
    uint32_t workers;
    uint32_t n_flows;
    uint64_t held_max_bytes; /* of a host's queues */
    uint32_t worker_mbufs;
    uint32_t chain_percent; /* frames that are delivered in several mbufs */
    struct sim_link_conf links[SIM_LINKS_MAX];
    struct sim_flow_conf flows[SIM_FLOWS_MAX];
    struct sim_meter *meter; /* NULL: nothing is measured */
};

/* ---- what a run counts ---- */
struct sim_counts {
    uint64_t sent, delivered, lost, reordered, duplicated, corrupted, overflowed, marked, bytes;
    uint64_t app_ns;  /* virtual time until the applications were done */
    uint64_t data_ns; /* until the last byte arrived */
    uint64_t data_bytes;
};

#define SIM_METER_STEPS 100

struct sim_meter { /* of flows that share link 0 towards its end 1, in a part of a run */
    uint64_t from_ns, to_ns;
    uint64_t received_bytes[SIM_FLOWS_MAX]; /* by server and client of a flow together */
    uint64_t last_ns[SIM_FLOWS_MAX];        /* since the start, of the whole run: when a flow's last byte arrived */
    uint64_t carried_bytes;                 /* frames that the link took */
    uint32_t queue[SIM_METER_STEPS + 1];    /* frames that found the queue so full, in steps of its size */
    uint64_t segs, again; /* of the whole run: segments that the client sent, those of them sent again */
};

void sim_scenario_make(struct sim_scenario *sc, enum sim_topology topology, uint64_t seed);

/* The grid: every combination of loss, reordering, duplication, round trip, MTU, window and direction; one flow each.
 * run: 0, 1, ..: the same cell by another seed. */
uint32_t sim_grid_cells(void);
void sim_grid_make(struct sim_scenario *sc, uint32_t cell, uint32_t run);
/* Runs whose mean says something about a cell, by how much chance there is in it. */
uint32_t sim_grid_runs(uint32_t cell);
/* Bytes a second that the geometric mean of a cell's runs must reach. */
double sim_grid_floor(uint32_t cell);
double sim_grid_goodput(const struct sim_scenario *sc, const struct sim_counts *counts);
/* One line; least: of the runs whose mean goodput is. */
void sim_grid_print(uint32_t cell, double goodput, double least);

/* Flows that share a bottleneck: what each gets, how full link and queue are. */
uint32_t sim_share_cases(void);
bool sim_share_exists(uint32_t which);
bool sim_share_in_tests(uint32_t which);
const char *sim_share_name(uint32_t which);
void sim_share_make(struct sim_scenario *sc, uint32_t which, uint64_t seed, struct sim_meter *meter);
/* A line of figures when print; false, with a line, when one of them is outside its bounds. */
bool sim_share_judge(const struct sim_scenario *sc, uint32_t which, const struct sim_meter *meter, bool print);

/* Several lines for a person. */
void sim_scenario_print(const struct sim_scenario *sc);
/* Whether a flow may end by a timeout because so much was lost. */
bool sim_scenario_harsh(const struct sim_scenario *sc);

/* ---- nodes ---- */
struct sim_world;
struct sim_node;

struct sim_node_ops {
    void (*input)(struct sim_node *n, uint8_t iface, struct rte_mbuf **frames,
                  uint32_t count); /* consumes up to SL_NET_BURST frames */
    void (*run)(
        struct sim_node *n); /* lets everything work until it has nothing to do at this moment; sends by sim_send */
    uint64_t (*next)(struct sim_node *n);
    uint32_t (*conns)(struct sim_node *n); /* connections that are not yet over */
    void (*destroy)(struct sim_node *n);
};

struct sim_iface {
    struct sl_net_iface_conf conf;
    int link;     /* index into the world's links; -1: none */
    uint32_t end; /* 0 or 1: which end of the link */
};

#define SIM_HELD 32 /* sent mbufs that a node's device still holds: they must not change */

struct sim_node {
    const struct sim_node_ops *ops;
    struct sim_world *world;
    const char *name;
    struct sim_iface ifaces[2];
    uint32_t n_ifaces;
    const struct sl_stats *stats; /* of a host; NULL */
    bool busy;                    /* got frames since it last ran */
    struct {
        struct rte_mbuf *m;
        uint64_t sum;
    } held[SIM_HELD];
    uint32_t held_at;
};

struct sim_app;
struct sim_node *sim_host_create(struct sim_world *w, const char *name, struct sl_ip ip4, struct sl_ip ip6,
                                 uint16_t mtu, uint32_t mac, bool is_client);
struct sim_node *sim_sluice_create(struct sim_world *w);

/* ---- the observer ---- */
struct sim_check;
struct sim_check *sim_check_create(void);
void sim_check_destroy(struct sim_check *c);
/* A node hands this well-formed frame to its device: NULL, or what is wrong with it. */
const char *sim_check_sent(struct sim_check *c, const struct sim_iface *iface, const struct th_pkt *p, size_t len);
/* A node gets this frame; a damaged one teaches nothing, unless no checksum covers what was damaged. */
void sim_check_received(struct sim_check *c, const uint8_t *bytes, size_t len);

/* ---- the world ---- */
struct sim_frame;

struct sim_world {
    const struct sim_scenario *sc;
    struct sim_meter *meter; /* NULL when now is outside the part that is measured */
    uint64_t now, start;
    struct sl_rng rng;
    struct sim_frame **heap;
    uint32_t n_heap, heap_room;
    uint64_t serial;
    uint64_t link_free[SIM_LINKS_MAX][2];                /* when the last queued byte will have left */
    uint64_t flow_last[SIM_LINKS_MAX][2][SIM_FLOWS_MAX]; /* when a flow's last frame arrives; with spread_ns */
    struct sim_node *nodes[SIM_NODES_MAX], *link_node[SIM_LINKS_MAX][2];
    uint8_t link_iface[SIM_LINKS_MAX][2];
    uint32_t n_nodes;
    struct sim_app *app;
    struct sim_check *check;
    struct th_pcap *pcap;
    struct sim_counts counts;
    char failure[600]; /* "" : none */
};

/* Runs a scenario; false: it failed, and why is written to failure (at least 600 bytes). pcap may be NULL. */
bool sim_run(const struct sim_scenario *sc, struct th_pcap *pcap, char *failure, struct sim_counts *counts);
void sim_fail(struct sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What can't be made is no fault of a scenario: ends the process. */
void sim_die(const char *what, const struct sl_err *err) __attribute__((noreturn));
/* A node's frame goes to its link; takes ownership. */
void sim_send(struct sim_node *n, uint8_t iface, struct rte_mbuf *m);
void sim_node_release_held(struct sim_node *n);

/* ---- pools shared by all nodes ---- */
struct sim_pools {
    struct rte_mempool *frames; /* no data room: delivered frames and the bytes that apps send */
    struct rte_mempool *net, *hdr, *ref;
};
const struct sim_pools *sim_pools(void);

/* ---- the applications on both hosts ---- */
struct sim_app *sim_app_create(struct sim_world *w, struct sl_endpoint server);
void sim_app_destroy(struct sim_app *a);
void sim_app_attach(struct sim_app *a, struct sl_tcp *tcp, const struct sl_endpoint *local,
                    bool is_client); /* a server listens at local */
/* Lets the side that lives on this host work; true when it did anything. */
bool sim_app_run(struct sim_app *a, bool is_client);
uint64_t sim_app_next(const struct sim_app *a, bool is_client);
bool sim_app_done(const struct sim_app *a);
/* All flows ended as they should; otherwise sim_fail. */
void sim_app_judge(struct sim_app *a);

#endif
