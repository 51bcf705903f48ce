/* One handshake of the mbedTLS engine. */
#ifndef SL_TLS_ENGINE_MBEDTLS_H
#define SL_TLS_ENGINE_MBEDTLS_H

#include <mbedtls/ssl.h>

#include "tls/engine.h"
#include "tls/engine_secrets.h"

struct sl_engine {
    mbedtls_ssl_context ssl;
    struct sl_engine_secrets secrets;
    struct sl_wire *wire;
    struct sl_engine_policy *policy;
    uint32_t steps;     /* of the handshake so far */
    uint32_t price;     /* of a signature with the certificate in view */
    uint8_t alert_seen; /* description of an alert in clear that passed through the wire on its way out */
    bool hello_seen;
    char sni[SL_SNI_MAX];
};

#endif
