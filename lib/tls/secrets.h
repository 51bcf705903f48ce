/* secrets: what a handshake leaves behind for the record layer. An engine fills it; whoever takes it erases it. */
#ifndef SL_TLS_SECRETS_H
#define SL_TLS_SECRETS_H

#include "crypto/crypto.h"

#define SL_TLS_SECRET_MAX_BYTES 48

struct sl_tls_direction {
    uint8_t secret[SL_TLS_SECRET_MAX_BYTES]; /* 1.3: application traffic secret, of the hash's length (RFC 8446 7.1) */
    uint8_t key[SL_AEAD_KEY_MAX_BYTES];      /* 1.2: the write key (RFC 5246 6.3) */
    uint8_t iv[SL_AEAD_NONCE_BYTES];         /* 1.2: 4 bytes of salt for GCM (RFC 5288), 12 for ChaCha20 (RFC 7905) */
    uint64_t seq;                            /* of the next record */
};

struct sl_tls_secrets {
    bool v13;    /* TLS 1.3, otherwise 1.2 */
    bool sha384; /* the suite's hash is SHA-384, otherwise SHA-256 */
    enum sl_aead_id aead;
    struct sl_tls_direction tx, rx; /* from us, to us, whichever role we have */
};

#endif
