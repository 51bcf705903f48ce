#include "tcp/slab.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"

static size_t map_bytes(const struct slab *s) { return ((size_t)s->cap + 1) * s->item_bytes; }

int sl_tcp_slab_init(struct slab *s, size_t item_bytes, uint32_t cap)
{
    *s = (struct slab){.item_bytes = item_bytes, .cap = cap, .made = 1};
    s->items = sl_pages_map(map_bytes(s));
    return s->items ? 0 : -ENOMEM;
}

void sl_tcp_slab_free(struct slab *s)
{
    sl_pages_unmap(s->items, map_bytes(s));
    s->items = NULL;
}

void *sl_tcp_slab_take(struct slab *s, uint32_t *idx)
{
    void *item;

    if (s->used == s->cap)
        return NULL;
    s->used++;
    if (!s->free) { /* never touched: zero as it is */
        *idx = s->made++;
        return slab_at(s, *idx);
    }
    *idx = s->free;
    item = slab_at(s, *idx);
    memcpy(&s->free, item, sizeof s->free);
    return memset(item, 0, s->item_bytes);
}

void sl_tcp_slab_give(struct slab *s, uint32_t idx)
{
    memcpy(slab_at(s, idx), &s->free, sizeof s->free);
    s->free = idx;
    s->used--;
}
