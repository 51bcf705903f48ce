/* shake: full handshakes in memory. A server (Sluice's lib/tls, or OpenSSL beside it) on one side, OpenSSL's client on the
 * other, many connections in flight. Only the server's time counts; the client and the bytes between are the bench's. */
#ifndef BM_SHAKE_H
#define BM_SHAKE_H

#include <openssl/ssl.h>

#include "bench.h"
#include "helpers/tls_kit.h"
#include "pipe.h"

struct bm_conn;
struct bm_server;

/* What is measured: protocol, key of the certificate, group, whether the client resumes. */
struct bm_variant {
    const char *name;
    int version; /* TLS1_2_VERSION, TLS1_3_VERSION */
    enum th_key key;
    const char *group;
    const char *suite; /* 1.2 only, as OpenSSL names it */
    bool resumed;
};
extern const struct bm_variant bm_variants[];
extern const uint32_t bm_n_variants;

/* What the server has spent so far. */
struct bm_spent {
    uint64_t all_ns;     /* processor time of the thread in calls of the server */
    struct bm_cost pipe; /* of them: in the bench's stream */
    uint64_t ops_ns;     /* computing key operations (Sluice only) */
    uint64_t op_calls, op_count;
    uint64_t windows; /* stretches that were measured */
};

struct bm_server_ops {
    const char *name;
    struct bm_server *(*start)(const struct bm_variant *v, uint32_t conns_max, struct bm_spent *spent);
    void (*stop)(struct bm_server *s);
    void (*accept)(struct bm_server *s, struct bm_conn *c);
    /* Bytes from the client; no work is done. */
    void (*feed)(struct bm_server *s, struct bm_conn *c, const void *bytes, uint32_t len);
    /* One turn of the loop. */
    void (*run)(struct bm_server *s);
    uint32_t (*take)(struct bm_server *s, struct bm_conn *c, void *out, uint32_t max);
    void (*close)(struct bm_server *s, struct bm_conn *c);
    /* Lets a server that has nothing to do use its idle time; nanoseconds spent. */
    uint64_t (*idle)(struct bm_server *s);
};
extern const struct bm_server_ops bm_server_sluice, bm_server_openssl;

/* The first from within. */
struct sl_tls *bm_sluice_tls(const struct bm_server *s);
struct sl_ready *bm_sluice_ready(struct bm_server *s); /* streams whose handshake is done; owners are connections */
struct sl_stats *bm_sluice_stats(const struct bm_server *s);
/* For servers that start from now on. */
struct bm_sluice_settings {
    uint64_t (*clock)(void);
    uint64_t budget_ns;      /* 0: the default */
    uint32_t handshakes_max; /* 0: never reached */
};
extern struct bm_sluice_settings bm_sluice_settings;

struct bm_conn {
    /* the server's */
    struct bm_pipe pipe;
    struct sl_stream *up;
    SSL *accepted;
    BIO *to_server, *from_server;
    bool dirty; /* fed since the last run */
    bool begun;
    bool open; /* the server says that the handshake is done */
    /* the client's */
    SSL *client;
    BIO *to_client, *from_client;
    bool done, resuming;
};

struct bm_shake {
    const struct bm_server_ops *ops;
    struct bm_server *server;
    const struct bm_variant *variant;
    struct bm_conn *conns;
    uint32_t n, at, burst;
    SSL_CTX *clients;
    SSL_SESSION *session; /* resumed: what clients come back with */
    struct bm_spent spent;
    uint64_t finished;
};

/* Room for n connections; none has begun. */
void bm_shake_open(struct bm_shake *s, const struct bm_server_ops *ops, const struct bm_variant *v, uint32_t n);
/* One of them begins, goes through its handshake alone (with what else is in flight on the server), ends. */
void bm_shake_begin(struct bm_shake *s, struct bm_conn *c);
void bm_shake_whole(struct bm_shake *s, struct bm_conn *c);
void bm_shake_end(struct bm_shake *s, struct bm_conn *c);
/* The server has its turn. */
void bm_shake_serve(struct bm_shake *s);

/* All of them begin, and end when all have shaken hands. */
void bm_shake_wave(struct bm_shake *s);

/* The same with n connections in flight; at most `burst` of them bring bytes in one turn of the loop (0: all). */
void bm_shake_start(struct bm_shake *s, const struct bm_server_ops *ops, const struct bm_variant *v, uint32_t n,
                    uint32_t burst);
/* One turn: clients that have something to do, then the server. Ends and begins anew what is done. */
void bm_shake_turn(struct bm_shake *s);
/* All that are in flight end. */
void bm_shake_finish(struct bm_shake *s);
void bm_shake_stop(struct bm_shake *s);
/* The server's own time: without the bench's stream and clocks. */
double bm_shake_us(const struct bm_spent *s);

/* Client side of one connection; for benchmarks that hold connections. */
void bm_client_begin(struct bm_shake *s, struct bm_conn *c);
void bm_client_step(struct bm_shake *s, struct bm_conn *c);
void bm_client_end(struct bm_conn *c);

#endif
