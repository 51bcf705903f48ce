/* What the mbedTLS engine and its record layer share: one context that shakes hands and then passes records. Only these
 * two files see it. */
#ifndef SL_TLS_ENGINE_MBEDTLS_H
#define SL_TLS_ENGINE_MBEDTLS_H

#include <mbedtls/ssl.h>

#include "tls/engine.h"

struct sl_engine {
    mbedtls_ssl_context ssl;
    struct sl_record record; /* after the handshake; it owns the engine then */
    struct sl_wire *wire;
    struct sl_engine_policy *policy;
    uint64_t records_sealed;
    uint32_t steps;     /* of the handshake so far */
    uint32_t price;     /* of a signature with the certificate in view */
    uint8_t alert_seen; /* description of an alert in clear that passed through the wire on its way out */
    bool hello_seen;
    char sni[SL_SNI_MAX];
};

extern const struct sl_record_ops sl_record_mbedtls;

/* Fills the failure from mbedTLS's error; writes the alert that the RFC names unless mbedTLS has (`alerted`) or none
 * fits. */
void sl_engine_mbedtls_failure(struct sl_engine *e, int ret, bool alerted, struct sl_tls_failure *out);

#endif
