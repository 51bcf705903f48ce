/* What the files of this room share. An exchange is what one front and one back have to do with each other; today that is the whole of both connections. */
#ifndef SL_PROXY_INTERNAL_H
#define SL_PROXY_INTERNAL_H

#include "proxy/proxy.h"

#define SLICES_PER_TURN 32         /* taken from a stream at once */
#define BYTES_PER_TURN (64 * 1024) /* passed on in one direction before other exchanges have their turn */
#define TRIES_MAX 8                /* servers that one exchange tries */
#define DIAL_NONE UINT32_MAX

struct server {
    struct sl_endpoint at;
    uint64_t failed_ns;     /* when it failed last; 0: it works, as far as we know */
    uint64_t dead_until_ns; /* skipped until then */
};

struct sl_proxy_upstream {
    uint32_t refs;
    uint32_t next; /* where the round goes on */
    uint32_t n_servers;
    const struct sl_conf_upstream *conf;
    struct sl_ip *sources;
    struct server servers[];
};

struct sl_proxy_service {
    uint32_t refs; /* the creator's, and one for each exchange */
    struct sl_proxy *proxy;
    struct sl_proxy_upstream *up;
    const char *name; /* the listener's */
    uint64_t idle_ns; /* 0: never */
};

/* One end of an exchange. */
struct side {
    struct sl_stream *stream; /* NULL: none yet */
    struct exchange *x;
    bool shut; /* all that the other side sent was passed on, its end too */
};

struct exchange {
    struct sl_list all;  /* in sl_proxy.exchanges */
    struct sl_list work; /* in sl_proxy.work while a visit is due */
    struct sl_timer idle;
    struct sl_proxy_service *svc;
    struct side front, back;
    uint64_t moved_ns; /* when a byte last went either way */
    bool paired;       /* the back is open; before, it is being dialled */
    uint32_t n_tried, tried[TRIES_MAX];
};

struct sl_proxy {
    struct sl_dialer dialer;
    struct sl_stats *stats;
    uint32_t pairs, pairs_max;
    struct sl_ready fronts;   /* new ones */
    struct sl_ready streams;  /* of exchanges */
    struct sl_list exchanges; /* all */
    struct sl_list work;      /* to be visited */
    struct sl_list turn;      /* stands on that list where this run's turn ends */
    struct sl_wheel wheel;    /* idle timers */
};

/* ---- upstream.c ---- */
/* The server to try next: those in tried are out; then the round goes over those not dead, then to the one that failed longest ago. DIAL_NONE when all were tried. */
uint32_t upstream_choose(struct sl_proxy_upstream *up, const uint32_t *tried, uint32_t n_tried, uint64_t now);
void upstream_failed(struct sl_proxy_upstream *up, uint32_t server, uint64_t now);
void upstream_works(struct sl_proxy_upstream *up, uint32_t server);

/* ---- exchange.c ---- */
/* Takes over a front that has raised OPEN for svc. */
void exchange_begin(struct sl_proxy *proxy, struct sl_stream *front, struct sl_proxy_service *svc, uint64_t now);
/* Looks at both sides and does what there is to do. x may be gone afterwards. */
void exchange_visit(struct sl_proxy *proxy, struct exchange *x, uint64_t now);
/* Its idle timer was due. x may be gone afterwards. */
void exchange_idle(struct sl_proxy *proxy, struct exchange *x, uint64_t now);
/* Cuts both sides short and forgets x. */
void exchange_abort(struct sl_proxy *proxy, struct exchange *x, enum sl_reason reason);

/* ---- pump.c ---- */
/* Moves what `from` has and `to` takes, and the end of it. Adds to *bytes. True when there is more to move at once. */
bool pump(struct side *from, struct side *to, uint64_t *bytes);

/* ---- log.c ---- */
/* A line about front's peer, with server as the other end (NULL: none). */
void log_exchange(struct sl_proxy *proxy, enum sl_event_kind kind, uint32_t why, const struct sl_proxy_service *svc,
                  struct sl_stream *front, const struct sl_endpoint *server, uint64_t now);

#endif
