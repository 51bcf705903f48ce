/* tls_kit: what tests of TLS need on the other side: a stream in memory whose peer is the test, keys and certificates
 * made when the test runs, an mbedTLS client, and a rig that holds one worker's TLS. Virtual time. May end the process
 * on misuse. */
#ifndef TH_TLS_KIT_H
#define TH_TLS_KIT_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "stream/stream.h"
#include "tls/secrets.h"
#include "tls/tls.h"

/* ---- a stream in memory: the room under test holds `stream`, the test is the peer ---- */
struct th_bytes {
    uint8_t *p;
    size_t len, room, taken;
};

struct th_pipe {
    struct sl_stream stream;
    struct rte_mempool *pool;
    struct th_bytes in;   /* from the peer, not yet received */
    struct th_bytes out;  /* to the peer, not yet taken */
    uint32_t slice_max;   /* bytes per slice that recv gives; 0: 1460 */
    uint32_t credit_max;  /* bytes that may wait in out; default 256 KiB */
    bool fin_in, fin_out; /* sent by the peer, by the room */
    bool aborted, released, found_small;
    enum sl_reason reason; /* of the abort */
    struct sl_endpoint local, peer;
};

struct th_pipe *th_pipe_new(struct rte_mempool *pool);
/* Fails the test when the room has not released it. */
void th_pipe_free(struct th_pipe *p);
void th_pipe_feed(struct th_pipe *p, const void *bytes, size_t len); /* from the peer */
void th_pipe_fin(struct th_pipe *p);
void th_pipe_cut(struct th_pipe *p, enum sl_reason reason);    /* RST from the peer, or time out */
size_t th_pipe_take(struct th_pipe *p, void *out, size_t max); /* what the room sent; credit grows */
size_t th_pipe_waiting(const struct th_pipe *p);               /* bytes that take would give */

/* ---- keys and certificates ---- */
enum th_key {
    TH_KEY_P256,
    TH_KEY_P384,
    TH_KEY_P521,
    TH_KEY_RSA2048,
    TH_KEY_RSA1024,
    TH_KEY_RSA3072, /* of known primes, so that they cost no search; both indices are one key */
    TH_KEY_RSA4096,
    TH_KEY_COUNT
};

/* The process's key of that kind, made when first asked for. Index: more than one key of a kind (0 or 1). */
mbedtls_pk_context *th_key(enum th_key kind, unsigned index);
void th_keys_free(void);

struct th_cert_opts {
    enum th_key key;
    unsigned key_index;
    const char *subject;      /* "CN=..." */
    const char *const *names; /* DNS names, NULL-terminated; NULL: none */
    const char *issuer;       /* "CN=..."; NULL: self-signed */
    enum th_key issuer_key;
    unsigned issuer_key_index;
    bool ca;                 /* may issue others */
    const char *not_after;   /* "YYYYMMDDhhmmss"; NULL: 2099 */
    bool server_only;        /* of no use to a client (RFC 5280 4.2.1.12) */
    mbedtls_pk_context *own; /* the subject's key, instead of `key`; the public half will do when there is an issuer */
};

/* PEM texts with their final zero; malloc'd. */
char *th_cert_pem(const struct th_cert_opts *o);
char *th_key_pem(enum th_key kind, unsigned index);
/* A list by the issuer "CN=..." that revokes the certificate of that PEM text (NULL: none). */
char *th_crl_pem(const char *issuer, enum th_key issuer_key, unsigned issuer_key_index, const char *revoked_pem);
/* Both into a configuration's entry. th_conf_cert_free frees the texts. */
void th_conf_cert(struct sl_conf_certificate *c, const char *name, const struct th_cert_opts *o);
void th_conf_cert_free(struct sl_conf_certificate *c);

/* ---- a client ---- */
struct th_client_opts {
    mbedtls_ssl_protocol_version min, max; /* 0: both versions */
    const int *suites;                     /* zero-terminated; NULL: all */
    const uint16_t *groups;                /* zero-terminated; NULL: all */
    const uint16_t *sig_algs;              /* zero-terminated; NULL: all */
    const char **alpn;                     /* NULL-terminated; NULL: none */
    const char *sni;                       /* NULL: none */
    const char *cert_pem;                  /* of the client, more may follow the first; NULL: none */
    mbedtls_pk_context *key;               /* of cert_pem */
    const char *ca_pem;                    /* to verify the server with; NULL: it is not verified */
    bool no_ems;                           /* 1.2 without RFC 7627 */
    const mbedtls_ssl_session *session;    /* to be resumed; NULL: none */
};

struct th_client {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt cert, ca;
    struct th_pipe *pipe;
    size_t piece; /* bytes per feed; 0: as mbedTLS gives them */
    bool hold;    /* what is sent waits in `held` until th_client_flush */
    struct th_bytes held;
    int error; /* of the handshake; 0: none yet */
    int alert; /* fatal alert that came; -1: none */
};

struct th_client *th_client_new(struct th_pipe *pipe, const struct th_client_opts *o);
void th_client_free(struct th_client *c);
/* Goes on with the handshake; true once done. */
bool th_client_step(struct th_client *c);
void th_client_flush(struct th_client *c);
/* The number of bytes, 0 for none now, or mbedTLS's error (PEER_CLOSE_NOTIFY, CONN_EOF). */
int th_client_read(struct th_client *c, void *out, size_t max);
/* Writes all. False: mbedTLS's error. */
bool th_client_write(struct th_client *c, const void *bytes, size_t len);
/* Common name of the server's certificate. */
const char *th_client_peer_cn(struct th_client *c);

/* ---- the peer of a record layer, from known secrets ---- */
struct th_twin {
    struct sl_tls_secrets s; /* as the room's side sees them: tx from the room, rx to it */
    uint8_t outer;           /* the type that sealed records show, whatever they are; 0: the right one */
    uint16_t version;        /* in their headers; 0: the right one */
};

void th_twin_init(struct th_twin *t, bool v13, enum sl_aead_id aead, uint64_t seed);
/* Seals one record; its length. out has room for len + padding + 64. */
size_t th_twin_seal(struct th_twin *t, uint8_t type, const void *bytes, size_t len, size_t padding, uint8_t *out);
/* Opens one record in place; the length of the plaintext, or -1. */
int th_twin_open(struct th_twin *t, uint8_t *record, size_t len, uint8_t *type, uint8_t **plain);
/* Takes and opens the next record that the room sent: *len as th_twin_open returns it. Its length in all; 0: none. */
size_t th_twin_take(struct th_twin *t, struct th_pipe *pipe, uint8_t *record, size_t room, uint8_t *type,
                    uint8_t **plain, int *len);

/* ---- one worker's TLS ---- */
#define TH_RIG_CERTS 8

struct th_rig {
    struct rte_mempool *pool; /* of the room */
    struct rte_mempool *small_pool;
    struct rte_mempool *feed_pool; /* of the test: for th_pipe_new and what it sends */
    struct sl_stats *stats;
    struct sl_tls *tls;
    struct sl_tls_site *site;
    struct sl_ready ready; /* streams above report here */
    struct sl_conf conf;
    struct sl_conf_certificate certs[TH_RIG_CERTS];
    struct sl_conf_listener listener;
    struct sl_conf_tls settings; /* of the listener, when n_tls is 1 */
    uint64_t wall_s;             /* when now is 0 */
    struct sl_conf_ref refs[TH_RIG_CERTS];
    struct sl_conf_text alpn[4];
    uint64_t now;
    uint32_t mbufs; /* of the pool */
};

struct th_rig_opts {
    uint32_t mbufs, handshakes_max; /* 0: 512, 16 */
    uint64_t budget_ns;             /* 0: 100 ms */
    uint32_t smalls;                /* 0: 512 */
    uint64_t records_per_key;       /* 0: 2^24 */
    const char *alpn[4];            /* none: http/1.1 */
    const struct th_cert_opts *certs[TH_RIG_CERTS];
    const struct sl_conf_tls
        *settings; /* NULL: those of a listener that has none; what it points at outlives the rig */
};

/* cmocka's group setup and teardown: EAL and PSA; fails when a byte of mbedTLS's heap is left. */
int th_tls_setup(void **state);
int th_tls_teardown(void **state);

void th_rig_start(struct th_rig *r, const struct th_rig_opts *o);
/* Ends the process when an mbuf or a stream is left. */
void th_rig_stop(struct th_rig *r);
struct sl_stream *th_rig_accept(struct th_rig *r, struct th_pipe *p);
/* The steps of the loop, once. */
void th_rig_step(struct th_rig *r);
/* Steps of both sides until the handshake is done or has failed on either; the stream above when it is open. */
struct sl_stream *th_rig_handshake(struct th_rig *r, struct th_client *c);
uint64_t th_rig_ctr(const struct th_rig *r, enum sl_ctr ctr);
/* Sends bytes on a stream above in slices of at most `piece` bytes. */
int th_rig_send(struct th_rig *r, struct sl_stream *s, const void *bytes, size_t len, size_t piece);
/* Receives at most max bytes. */
size_t th_rig_recv(struct sl_stream *s, void *out, size_t max);

#endif
