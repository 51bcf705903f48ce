/* What the files of this room share. */
#ifndef SL_WORKER_INTERNAL_H
#define SL_WORKER_INTERNAL_H

#include "proxy/proxy.h"
#include "timer/timer.h"
#include "tls/tls.h"
#include "worker/worker.h"

#define MSG_RING 64 /* messages that wait; a power of two */

/* What one configuration made here. It goes when no connection uses any of it and a newer one is current. */
struct generation {
    struct sl_list link;
    uint64_t number;
    const struct sl_conf *conf;
    struct sl_proxy_upstream **upstreams; /* as in conf */
    struct sl_proxy_service **services;   /* one for each listener of conf */
    struct sl_tls_site **sites;           /* likewise; NULL: plain TCP */
};

/* An address that we listen on. Connections that it accepts get the site and service of its generation at that moment. */
struct listener {
    struct sl_list link;
    struct sl_endpoint at;
    struct sl_tcp_listener *tcp;
    struct generation *gen;
    uint32_t index; /* of conf->listeners */
};

struct sl_worker {
    uint32_t id;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_tls *tls;
    struct sl_proxy *proxy;
    const struct sl_steer *steer;
    struct sl_worker_pools pools;
    struct rte_ring *msgs;
    struct sl_rng rng;
    uint64_t pool_at;         /* when the data pool is looked at again */
    uint32_t pool_told;       /* its free buffers, as the gauge says */
    struct sl_ready accepted; /* streams of tcp's listeners, established; their owner is a struct listener */
    struct sl_list listeners;
    struct sl_list generations; /* oldest first; the last is current */
    bool draining;
    bool limits_follow;         /* handshakes: the configuration says how many */
    uint64_t oldest_generation; /* atomic */
    uint32_t busy;              /* atomic */
    uint32_t n_ifaces;
    struct sl_net_batch batches[SL_NET_IFACES_MAX]; /* taken apart, not yet through tcp */
    struct sl_stats stats;
};

/* ---- dial.c ---- */
/* The proxy's dialer; ctx is the worker. */
struct sl_stream *dial_origin(void *ctx, const struct sl_dial *d, uint64_t now, enum sl_reason *why);

/* ---- accept.c ---- */
/* Hands accepted connections on: to tls, or to the proxy at once. */
void accept_run(struct sl_worker *w, uint64_t now);

/* ---- generation.c ---- */
/* Uses conf for new connections. When that fails the old one goes on. */
int generation_apply(struct sl_worker *w, const struct sl_conf *conf, uint64_t number, struct sl_err *err);
/* Frees old generations that nothing uses any more. */
void generation_sweep(struct sl_worker *w);
/* Listens no more. */
void generation_unlisten(struct sl_worker *w);
/* Frees all, used or not: streams are gone already. */
void generation_free_all(struct sl_worker *w);

/* ---- message.c ---- */
void message_run(struct sl_worker *w, uint64_t now);

#endif
