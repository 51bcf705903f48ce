/* host: one load worker without its device: pools, net, tcp, tls, the client and the origin of one core. Whoever drives it (the loop, tests) brings frames and time and takes frames away. All of it is
 * made, used and destroyed by one thread. */
#ifndef LOAD_HOST_H
#define LOAD_HOST_H

#include "client.h"
#include "conf/conf.h"
#include "net/net.h"
#include "origin.h"
#include "secure.h"
#include "source.h"
#include "worker/worker.h"

struct host_params {
    const struct load_plan *plan;
    const struct sl_conf *conf;
    uint32_t id, n_workers; /* host 0 answers ARP, neighbour solicitations and pings */
    int socket;             /* NUMA node; SOCKET_ID_ANY */
    const struct sl_net_iface_conf *ifaces;
    uint32_t n_ifaces;
    const struct sl_steer *steer; /* outlives the host */
    uint32_t mbufs;               /* as in struct sl_worker_params */
    uint64_t seed;                /* replayable random */
    const struct sl_conf_tls *tls;
};

struct host {
    struct host_params p;
    struct sl_worker_pools pools;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_tls *tls; /* NULL: plain */
    struct secure *secure;
    struct source source;
    struct origin *origin; /* NULL: none */
    struct client *client; /* NULL: none */
    struct tally *tallies; /* one for each flow of the plan */
    struct sl_rng rng;
    struct sl_net_batch batches[SL_NET_IFACES_MAX];
    struct sl_stats stats;
};

int host_create(const struct host_params *p, uint64_t now, struct host **host, struct sl_err *err);
void host_destroy(struct host *h);

/* Takes n <= SL_NET_BURST frames, consumes them. */
void host_input(struct host *h, uint8_t iface, struct rte_mbuf **frames, uint32_t n, uint64_t now);
/* Everything between frames in and frames out. */
void host_run(struct host *h, uint64_t now, uint64_t wall_s);
/* Frames to be sent; the caller owns them. */
uint32_t host_output(struct host *h, uint8_t iface, struct rte_mbuf **frames, uint32_t max);
/* Handshakes are computed when everything else is on its way. */
void host_crypto(struct host *h, uint64_t now);
uint64_t host_next(const struct host *h);

/* Ends what is open, in steps. */
void host_stop(struct host *h);
bool host_stopped(const struct host *h);

/* What is counted begins anew. */
void host_clear(struct host *h);

#endif
