/* crypto: secret random bytes, and mbedTLS made ready for a worker (its own PSA, its allocator). Later: AEAD and
 * batched key operations, one file per backend behind const tables. */
#ifndef SL_CRYPTO_H
#define SL_CRYPTO_H

#include "base/base.h"

/* Fills out with bytes of the system's random generator through a buffer of this thread that is erased as it is used.
 * Aborts the process when the system has none: nothing safe can follow. Never recorded, never replayed. */
void sl_crypto_random(void *out, size_t len_bytes);

/* mbedTLS's f_rng form of the same; ctx unused; returns 0. */
int sl_crypto_mbedtls_random(void *ctx, unsigned char *out, size_t len_bytes);

/* Prepares this thread's PSA. Call on each thread that uses lib/tls, before it does. 0 or -EIO with err. */
int sl_crypto_thread_start(struct sl_err *err);
void sl_crypto_thread_stop(void);

/* What mbedTLS has on the heap for this thread; objects are freed by the thread that made them. */
struct sl_crypto_memory {
    uint64_t now_bytes, peak_bytes; /* as malloc rounds them */
    uint64_t limit_bytes;           /* an allocation that would go beyond fails; 0: no limit */
};
struct sl_crypto_memory *sl_crypto_memory(void);

/* The wall clock of this thread for mbedTLS, which may read none itself: seconds since 1970. */
void sl_crypto_set_wall(uint64_t wall_s);

/* Erases len bytes in a way that the compiler keeps. */
void sl_crypto_wipe(void *p, size_t len_bytes);

/* Compares in time that depends on len only. */
bool sl_crypto_equal(const void *a, const void *b, size_t len_bytes);

#endif
