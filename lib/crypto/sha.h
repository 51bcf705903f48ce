/* The block functions of SHA-2 (FIPS 180-4) that mbedTLS calls: for each, routines over const tables, the fastest first,
 * the plain twin last. */
#ifndef SL_CRYPTO_SHA_H
#define SL_CRYPTO_SHA_H

#include "base/base.h"

struct sl_sha256_routine {
    const char *name;
    bool (*has)(void); /* whether this processor can */
    void (*block)(uint32_t state[static 8], const uint8_t data[static 64]);
};
extern const struct sl_sha256_routine sl_sha256_routines[]; /* ends with a NULL name */

struct sl_sha512_routine { /* SHA-384's too */
    const char *name;
    bool (*has)(void);
    void (*block)(uint64_t state[static 8], const uint8_t data[static 128]);
};
extern const struct sl_sha512_routine sl_sha512_routines[]; /* ends with a NULL name */

/* By the fastest of them that this processor has. */
void sl_sha256_block(uint32_t state[static 8], const uint8_t data[static 64]);
void sl_sha512_block(uint64_t state[static 8], const uint8_t data[static 128]);

#endif
