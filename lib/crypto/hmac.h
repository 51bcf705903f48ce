/* hmac: HMAC (RFC 2104) with SHA-256 and SHA-384 over short messages, straight from the block functions. A key is taken in once and serves many messages: that is half of the blocks
 * of a message of TLS's key schedule. No allocation. */
#ifndef SL_CRYPTO_HMAC_H
#define SL_CRYPTO_HMAC_H

#include "base/base.h"

#define SL_HMAC_MAX_BYTES 48

/* A key that was taken in; as secret as the key, the owner's to erase. */
struct sl_hmac {
    bool sha384;
    union sl_hmac_state {
        uint32_t s256[8];
        uint64_t s512[8];
    } inner, outer;
};

/* A key of at most a block (64 or 128 bytes). */
void sl_hmac_key(struct sl_hmac *h, bool sha384, const uint8_t *key, uint32_t key_bytes);
/* out is as long as the hash: 32 or 48 bytes. */
void sl_hmac(const struct sl_hmac *h, const uint8_t *p, uint32_t len, uint8_t *out);

/* The last keys of somebody who comes back to them, as a handshake does; all zero: none. The owner's to erase. */
#define SL_HMAC_REMEMBERED 4
struct sl_hmac_memory {
    uint32_t next; /* to be forgotten */
    struct {
        uint8_t bytes[SL_HMAC_MAX_BYTES];
        uint8_t n; /* 0: none */
        struct sl_hmac key;
    } last[SL_HMAC_REMEMBERED];
};
/* A key of 1 to SL_HMAC_MAX_BYTES bytes, taken in now or before. Valid until the next call. */
const struct sl_hmac *sl_hmac_remember(struct sl_hmac_memory *m, bool sha384, const uint8_t *key, uint32_t key_bytes);

#endif
