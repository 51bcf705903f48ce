/* key_cache: expanded cipher keys of a worker's connections. They are large and can be had again from the raw key, so
 * only those that were used lately are kept: sets of four, the least recently used gives way. */
#ifndef SL_TLS_KEY_CACHE_H
#define SL_TLS_KEY_CACHE_H

#include "stat/stat.h"
#include "tls/secrets.h"

#define SL_KEY_CACHE_WAYS 4

struct sl_key_slot {
    const struct sl_tls_direction *owner; /* NULL: free */
    uint64_t used;                        /* the cache's tick */
};

struct sl_key_cache {
    struct sl_aead_key *keys; /* of the slots; not touched before its first use */
    struct sl_key_slot *slots;
    uint32_t n; /* a power of two, at least SL_KEY_CACHE_WAYS */
    uint64_t tick;
    struct sl_stats *stats;
};

/* n: keys to keep, rounded up. -ENOMEM. */
int sl_key_cache_init(struct sl_key_cache *k, uint32_t n, struct sl_stats *stats);
/* Erases and frees. */
void sl_key_cache_done(struct sl_key_cache *k);
/* The expanded key of d, good until the next call; NULL: no memory. Whoever changes or frees d's key calls forget. */
struct sl_aead_key *sl_key_cache_get(struct sl_key_cache *k, const struct sl_tls_direction *d, enum sl_aead_id aead);
void sl_key_cache_forget(struct sl_key_cache *k, const struct sl_tls_direction *d);

#endif
