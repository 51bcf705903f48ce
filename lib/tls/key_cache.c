/* The cache of expanded keys. */
#include "tls/key_cache.h"

#include <errno.h>
#include <stdlib.h>

int sl_key_cache_init(struct sl_key_cache *k, uint32_t n, struct sl_stats *stats)
{
    uint32_t room = SL_KEY_CACHE_WAYS;

    while (room < n)
        room *= 2;
    *k = (struct sl_key_cache){.n = room, .stats = stats};
    k->slots = calloc(room, sizeof *k->slots);
    k->keys = aligned_alloc(_Alignof(struct sl_aead_key), room * sizeof *k->keys);
    if (k->slots && k->keys)
        return 0;
    sl_key_cache_done(k);
    return -ENOMEM;
}

static void drop(struct sl_key_cache *k, uint32_t i)
{
    k->keys[i].backend->forget(&k->keys[i]);
    k->slots[i] = (struct sl_key_slot){0};
}

void sl_key_cache_done(struct sl_key_cache *k)
{
    for (uint32_t i = 0; k->slots && i < k->n; i++)
        if (k->slots[i].owner)
            drop(k, i);
    free(k->slots);
    free(k->keys);
    *k = (struct sl_key_cache){0};
}

/* The first slot of the set that d belongs to. */
static uint32_t set_of(const struct sl_key_cache *k, const struct sl_tls_direction *d)
{
    uint64_t mixed = (uintptr_t)d * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & (k->n - 1) & ~(SL_KEY_CACHE_WAYS - 1u);
}

struct sl_aead_key *sl_key_cache_get(struct sl_key_cache *k, const struct sl_tls_direction *d, enum sl_aead_id aead)
{
    uint32_t first = set_of(k, d), oldest = first;
    const struct sl_aead_backend *backend;

    for (uint32_t i = first; i < first + SL_KEY_CACHE_WAYS; i++) {
        if (k->slots[i].owner == d) {
            k->slots[i].used = ++k->tick;
            return &k->keys[i];
        }
        if (k->slots[i].used < k->slots[oldest].used)
            oldest = i;
    }
    sl_stat_inc(k->stats, SL_CTR_TLS_KEY_CACHE_MISSES);
    if (k->slots[oldest].owner)
        drop(k, oldest);
    backend = sl_aead_best(aead);
    if (backend->expand(&k->keys[oldest], aead, d->key) < 0)
        return NULL;
    k->slots[oldest] = (struct sl_key_slot){d, ++k->tick};
    return &k->keys[oldest];
}

void sl_key_cache_forget(struct sl_key_cache *k, const struct sl_tls_direction *d)
{
    uint32_t first = set_of(k, d);

    for (uint32_t i = first; i < first + SL_KEY_CACHE_WAYS; i++)
        if (k->slots[i].owner == d)
            drop(k, i);
}
