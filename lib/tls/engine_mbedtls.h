/* What the files of the mbedTLS engine share. A handshake is a function on a fiber: all that it owns, this struct
 * included, lies in the fiber's arena. */
#ifndef SL_TLS_ENGINE_MBEDTLS_H
#define SL_TLS_ENGINE_MBEDTLS_H

#include <mbedtls/ssl.h>

#include "tls/engine.h"
#include "tls/engine_secrets.h"
#include "tls/fiber.h"

struct sl_engine_policy {
    mbedtls_ssl_config conf;
    struct sl_engine_policy_conf app;
    int suite_ids[16]; /* zero-terminated */
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
    struct sl_wire *wire;
    struct sl_engine_policy *policy;
    enum sl_engine_step wants; /* why the fiber parked, or how it ended */
    struct sl_tls_failure failure;
    struct sl_op op; /* what it waits for */
    struct sl_engine_share share;
    struct sl_engine_secrets secrets;
    struct sl_certificate *certs[SL_SITE_CERTIFICATES_MAX]; /* offered */
    uint32_t n_certs;
    uint32_t steps;     /* of the handshake so far */
    uint8_t alert_seen; /* description of an alert in clear that passed through the wire on its way out */
    bool bad_share;     /* the peer's half of a key agreement can't be used */
    bool hello_seen;
    char sni[SL_SNI_MAX];
};

/* ---- engine_hooks.c ---- */
/* The engine whose fiber runs; NULL: none does. */
static inline struct sl_engine *sl_engine_here(void) { return sl_fiber_self(); }

/* ---- engine_failure.c ---- */
/* Fills the failure from mbedTLS's error; writes the alert that the RFC names unless mbedTLS has (`alerted`) or none
 * fits. */
void sl_engine_mbedtls_failure(struct sl_engine *e, int ret, bool alerted, struct sl_tls_failure *out);

#endif
