#include "tcp/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sl_tcp_slab_init(struct slab *s, size_t item_bytes, uint32_t cap)
{
    size_t n_chunks = ((size_t)cap >> SLAB_CHUNK_SHIFT) + 1;

    *s = (struct slab){.item_bytes = item_bytes, .cap = cap, .made = 1};
    s->chunks = calloc(n_chunks, sizeof *s->chunks);
    return s->chunks ? 0 : -ENOMEM;
}

void sl_tcp_slab_free(struct slab *s)
{
    if (!s->chunks)
        return;
    for (size_t i = 0; i <= s->cap >> SLAB_CHUNK_SHIFT; i++)
        free(s->chunks[i]);
    free(s->chunks);
    s->chunks = NULL;
}

static bool grow(struct slab *s)
{
    uint8_t **chunk = &s->chunks[s->made >> SLAB_CHUNK_SHIFT];
    size_t bytes = s->item_bytes * SLAB_CHUNK_ITEMS; /* a multiple of 64, as SLAB_CHUNK_ITEMS is */

    if (!*chunk)
        *chunk = aligned_alloc(64, bytes);
    return *chunk != NULL;
}

void *sl_tcp_slab_take(struct slab *s, uint32_t *idx)
{
    void *item;

    if (s->used == s->cap)
        return NULL;
    if (s->free) {
        *idx = s->free;
        item = slab_at(s, *idx);
        memcpy(&s->free, item, sizeof s->free);
    } else {
        if (!grow(s))
            return NULL;
        *idx = s->made++;
        item = slab_at(s, *idx);
    }
    s->used++;
    return memset(item, 0, s->item_bytes);
}

void sl_tcp_slab_give(struct slab *s, uint32_t idx)
{
    memcpy(slab_at(s, idx), &s->free, sizeof s->free);
    s->free = idx;
    s->used--;
}
