/* An arena: the memory that mbedTLS uses for one handshake. Blocks that are given back are kept by size and taken again;
 * at the end all of it goes in one step, erased. */
#include "crypto/crypto.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define CHECKED 1 /* what is said of blocks is looked after */
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define GRAIN 16u

/* What a free block holds. */
struct hole {
    struct hole *next;
    uint32_t bytes;
};

static uint32_t round_up(size_t bytes) { return (uint32_t)((bytes + GRAIN - 1) / GRAIN * GRAIN); }

/* Holes of one size stand in one list; what is larger than the classes shares the last. */
static struct hole **class_of(struct sl_arena *a, uint32_t bytes)
{
    return &a->holes[SL_MIN(bytes / GRAIN, SL_ARENA_CLASSES - 1u)];
}

void sl_arena_init(struct sl_arena *a, void *zeroed, uint32_t bytes)
{
    *a = (struct sl_arena){.base = zeroed, .size_bytes = bytes};
    POISON(a->base, bytes);
}

static void *take_hole(struct sl_arena *a, uint32_t bytes)
{
    for (struct hole **at = class_of(a, bytes); *at; at = &(*at)->next) {
        struct hole *h = *at;

        if (h->bytes != bytes)
            continue;
        *at = h->next;
        return h;
    }
    return NULL;
}

void *sl_arena_alloc(struct sl_arena *a, size_t bytes)
{
    uint32_t rounded, dirty;
    void *p;

    if (bytes > a->size_bytes)
        return NULL;
    rounded = dirty = SL_MAX(round_up(bytes), GRAIN);
    p = take_hole(a, rounded);
    if (!p) {
        if (rounded > a->size_bytes - a->used_bytes)
            return NULL;
        p = a->base + a->used_bytes;
        dirty = a->peak_bytes - a->used_bytes; /* what nobody used is zero */
        a->used_bytes += rounded;
        a->peak_bytes = SL_MAX(a->peak_bytes, a->used_bytes);
    }
    a->live_bytes += rounded;
    UNPOISON(p, bytes);
    memset(p, 0, SL_MIN(bytes, (size_t)dirty));
    return p;
}

void sl_arena_free(struct sl_arena *a, void *p, size_t bytes)
{
    uint32_t rounded = SL_MAX(round_up(bytes), GRAIN);
    struct hole *h = p;
    struct hole **list;

    a->live_bytes -= rounded;
    if ((uint8_t *)p + rounded == a->base + a->used_bytes) {
        a->used_bytes -= rounded;
        POISON(p, rounded);
        return;
    }
    UNPOISON(p, GRAIN);
    list = class_of(a, rounded);
    *h = (struct hole){.next = *list, .bytes = rounded};
    *list = h;
    POISON((uint8_t *)p + GRAIN, rounded - GRAIN);
}

void sl_arena_untouched(struct sl_arena *a, void *p, uint32_t bytes)
{
    struct sl_span *u = a->untouched;

#ifdef CHECKED
    for (uint32_t i = 0; i < bytes; i++)
        assert(((const uint8_t *)p)[i] == 0);
#endif
    if (u[0].len && u[1].len)
        return;
    if (u[0].len && u[0].p > (uint8_t *)p) { /* they stand in their order */
        u[1] = u[0];
        u[0].len = 0;
    }
    u[u[0].len != 0] = (struct sl_span){p, bytes};
}

void sl_arena_done(struct sl_arena *a)
{
    const struct sl_span *u = a->untouched;
    uint8_t *from = a->base, *end = a->base + a->peak_bytes;

    UNPOISON(a->base, a->size_bytes);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(a->untouched) && u[i].len; i++) {
        sl_crypto_wipe(from, (size_t)(u[i].p - from));
        from = u[i].p + u[i].len;
    }
    sl_crypto_wipe(from, (size_t)(end - from));
}

void sl_arena_reset(struct sl_arena *a)
{
    sl_arena_done(a);
    sl_arena_init(a, a->base, a->size_bytes);
}
