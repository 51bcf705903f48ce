/* Slab: items of one size, named by a small index, side by side in address space that is filled as it is needed and never
 * given back. Bounded. Index 0 is no item. */
#ifndef SL_TCP_SLAB_H
#define SL_TCP_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab {
    uint8_t *items; /* NULL: not made */
    size_t item_bytes;
    uint32_t cap;  /* items that may be in use together */
    uint32_t used; /* items in use */
    uint32_t made; /* indices below this have been handed out at least once */
    uint32_t free; /* head of the list of free items; 0: empty. The link is an item's first four bytes */
};

/* item_bytes >= 4; items are aligned to 64 bytes when item_bytes is a multiple of 64. -ENOMEM. */
int sl_tcp_slab_init(struct slab *s, size_t item_bytes, uint32_t cap);
void sl_tcp_slab_free(struct slab *s);

/* A zeroed item, its index in *idx; NULL when cap is reached. */
void *sl_tcp_slab_take(struct slab *s, uint32_t *idx);
void sl_tcp_slab_give(struct slab *s, uint32_t idx);

static inline void *slab_at(const struct slab *s, uint32_t idx) { return s->items + (size_t)idx * s->item_bytes; }

#endif
