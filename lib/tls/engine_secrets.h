/* engine_secrets: the traffic secrets and sequence numbers of a finished mbedTLS handshake, for the record layer that
 * goes on without it. */
#ifndef SL_TLS_ENGINE_SECRETS_H
#define SL_TLS_ENGINE_SECRETS_H

#include <mbedtls/ssl.h>

#include "tls/keylog.h"
#include "tls/secrets.h"

#define SL_TLS_RANDOM_BYTES 32

/* What mbedTLS tells in the middle of the handshake; of one context, in place as long as it shakes hands. */
struct sl_engine_secrets {
    uint8_t client[SL_TLS_SECRET_MAX_BYTES];  /* 1.3: client_application_traffic_secret_0; 1.2: the master secret */
    uint8_t server[SL_TLS_SECRET_MAX_BYTES];  /* 1.3: server_application_traffic_secret_0 */
    uint8_t randoms[2 * SL_TLS_RANDOM_BYTES]; /* 1.2: server's, client's: the seed of the key block */
    mbedtls_tls_prf_types prf;                /* 1.2 */
    sl_keylog_fn keylog;                      /* NULL: they are told to nobody else */
    const struct sl_tls_settings *settings;
};

/* The cipher of records that mbedTLS's stands for; false: none of ours. (engine_cipher.c) */
bool sl_engine_aead(mbedtls_cipher_type_t cipher, enum sl_aead_id *id);

/* Before the handshake begins; keylog and settings are set. */
void sl_engine_secrets_watch(struct sl_engine_secrets *x, mbedtls_ssl_context *ssl);
/* After the handshake: fills out and erases x. False: the suite is none of ours, mbedTLS had no memory, or a message
 * stands behind the last one in its record (RFC 8446 5.1: messages do not span a change of keys). */
bool sl_engine_secrets_take(struct sl_engine_secrets *x, const mbedtls_ssl_context *ssl, bool server,
                            struct sl_tls_secrets *out);

#endif
