/* keys: what TLS 1.3 derives from a traffic secret (RFC 8446 7.1 to 7.3). No allocation. */
#ifndef SL_TLS_KEYS_H
#define SL_TLS_KEYS_H

#include "crypto/hmac.h"
#include "tls/secrets.h"

/* HMAC (RFC 2104) with SHA-256 or SHA-384; a key of at most a block (64 or 128 bytes); out as long as the hash. */
void sl_keys_hmac(bool sha384, const uint8_t *key, uint32_t key_bytes, const uint8_t *p, uint32_t len, uint8_t *out);
/* HKDF-Expand-Label(secret, label, "", out_bytes) with SHA-256 or SHA-384; secret of the hash's length; label without
 * "tls13 ", at most 12 characters; out_bytes at most the hash's length. */
void sl_keys_expand_label(bool sha384, const uint8_t *secret, const char *label, uint8_t *out, uint32_t out_bytes);
/* The same with a secret that was taken in, and a context of at most 255 bytes. */
void sl_keys_expand(const struct sl_hmac *secret, const char *label, const uint8_t *context, uint32_t context_bytes,
                    uint8_t *out, uint32_t out_bytes);
/* Key and iv of a direction from its secret. */
void sl_keys_derive(struct sl_tls_direction *d, bool sha384, enum sl_aead_id aead);
/* The next generation of the secret, and its key and iv (KeyUpdate); sequence numbers begin anew. */
void sl_keys_update(struct sl_tls_direction *d, bool sha384, enum sl_aead_id aead);

#endif
