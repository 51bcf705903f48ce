/* What the files of the mbedTLS engine share. A handshake is a function on a fiber: all that it owns, this struct
 * included, lies in the fiber's arena. */
#ifndef SL_TLS_ENGINE_MBEDTLS_H
#define SL_TLS_ENGINE_MBEDTLS_H

#include <mbedtls/ssl.h>

#include "crypto/hmac.h"
#include "tls/engine.h"
#include "tls/engine_secrets.h"
#include "tls/fiber.h"
#include "tls/hello.h"
#include "tls/policy.h"

/* mbedTLS follows the client's order of suites in 1.3 and one of its own lists in 1.2, and a configuration can't change
 * in the middle: one for each answer that a hello can lead to. */
#define SL_ENGINE_SUITES_13 3
enum sl_engine_variant {
    SL_ENGINE_12 = SL_ENGINE_SUITES_13, /* before: 1.3 with suite i of the settings and no other */
    SL_ENGINE_12_CHACHA,                /* ChaCha20 before AES */
    SL_ENGINE_VARIANTS
};

struct sl_engine_policy {
    struct sl_engine_policy_conf app;
    uint16_t suites_13[SL_ENGINE_SUITES_13]; /* 0: fewer */
    int suite_ids[SL_ENGINE_VARIANTS][SL_TLS_SUITES_MAX + 1];
    mbedtls_ssl_config confs[SL_ENGINE_VARIANTS];
};

/* Our half of a key agreement, between the calls in which mbedTLS makes it and uses it. */
struct sl_engine_share {
    const struct group *group; /* engine_hooks.c; NULL: none made */
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES];
    uint8_t ours[SL_OP_POINT_MAX_BYTES], peers[SL_OP_POINT_MAX_BYTES];
};

struct sl_engine {
    mbedtls_ssl_context ssl;
    struct sl_fiber *fiber;
    struct sl_engine_policy *policy;
    struct sl_engine_start start;
    struct sl_certificate *certs[SL_SITE_CERTIFICATES_MAX]; /* start.certs stands here */
    enum sl_engine_step wants;                              /* why the fiber parked, or how it ended */
    struct sl_tls_failure failure;
    struct sl_op op; /* what it waits for */
    struct sl_engine_share share;
    struct sl_engine_secrets secrets;
    struct sl_hmac_memory macs; /* of the key schedule of 1.3 */
    uint32_t steps;             /* of the handshake so far */
    bool alerted;               /* an alert of mbedTLS's went out */
    uint8_t alert_seen;         /* its description, when it was in clear */
    bool bad_share;             /* the peer's half of a key agreement can't be used */
    bool signed_once;           /* a server signs in every handshake but a resumed one */
    bool asks_again;            /* a HelloRetryRequest went out, for a share of `asked` */
    enum sl_hello_group asked;
    struct sl_tls_failure refused; /* why the second hello was; none: it was not */
    struct sl_op_key *verify_key;  /* of the operation that runs; freed with the engine when that is forgotten */
    uint32_t verified;             /* signatures looked at so far */
    uint32_t peer_faults;          /* MBEDTLS_X509_BADC* of the peer's certificate */
    char identity[256];            /* of the peer's checked certificate */
};

#define SL_ENGINE_EARLY_DATA_BYTES 16384 /* that nobody asked for are skipped (RFC 8446 4.2.10) */

/* Back to the worker, to be resumed when there is what is wanted. */
static inline void sl_engine_park(struct sl_engine *e, enum sl_engine_step wants)
{
    e->wants = wants;
    sl_fiber_park();
}

/* ---- engine_retry.c ---- */
/* Looks at what goes out for a HelloRetryRequest. */
void sl_engine_note_retry(struct sl_engine *e, const uint8_t *record, uint32_t len);
/* Reads the hello that answers it into e->start.hello, to be replayed; parks meanwhile. mbedTLS's error: there is none,
 * or e->refused says why it is not taken. */
int sl_engine_second_hello(struct sl_engine *e);

/* ---- engine_hooks.c ---- */
/* The engine whose fiber runs; NULL: none does. */
static inline struct sl_engine *sl_engine_here(void) { return sl_fiber_self(); }

/* Parks until e->op, of which everything but the kind is filled in, has been computed; its status. */
int sl_engine_compute(struct sl_engine *e, enum sl_op_kind kind);
void sl_engine_forget_op(struct sl_engine *e);
/* mbedTLS's digest as RSA operations have it; false: they have not. */
bool sl_engine_rsa_hash(mbedtls_md_type_t md, enum sl_rsa_hash *hash);

/* ---- engine_ticket.c ---- */
/* Makes conf give and take tickets of the policy's. */
void sl_engine_tickets_conf(mbedtls_ssl_config *conf, const struct sl_engine_policy *policy);

/* ---- engine_failure.c ---- */
/* Looks at what goes out for an alert. */
void sl_engine_note_alert(struct sl_engine *e, const uint8_t *record, size_t len);
/* Fills the failure from mbedTLS's error; writes the alert that the RFC names unless mbedTLS has or none fits. */
void sl_engine_mbedtls_failure(struct sl_engine *e, int ret, struct sl_tls_failure *out);

#endif
