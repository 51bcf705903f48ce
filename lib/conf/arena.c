/* Memory of one configuration: chunks in a list. Running out of memory ends the process: this is set-up of a few
 * megabytes at most, and no peer has a hand in it. */
#include "conf/internal.h"

#include <stdlib.h>

#define CHUNK_BYTES 16384u

struct chunk {
    struct chunk *next;
    size_t size_bytes, used_bytes; /* of bytes */
    _Alignas(max_align_t) uint8_t bytes[];
};

struct conf_arena {
    struct chunk *chunks; /* the first is the one being filled */
};

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

struct conf_arena *conf_arena_create(void) { return must(calloc(1, sizeof(struct conf_arena))); }

void *conf_arena_alloc(struct conf_arena *a, size_t size_bytes)
{
    struct chunk *c = a->chunks;
    size_t align = _Alignof(max_align_t);
    void *p;

    assert(size_bytes <= SIZE_MAX / 2);
    size_bytes = (size_bytes + align - 1) & ~(align - 1);
    if (c == NULL || c->size_bytes - c->used_bytes < size_bytes) {
        size_t room = SL_MAX(size_bytes, (size_t)CHUNK_BYTES);

        c = must(calloc(1, sizeof *c + room));
        c->size_bytes = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    p = c->bytes + c->used_bytes;
    c->used_bytes += size_bytes;
    return p;
}

char *conf_arena_copy(struct conf_arena *a, const void *bytes, size_t len_bytes)
{
    char *p = conf_arena_alloc(a, len_bytes + 1);

    if (len_bytes > 0)
        memcpy(p, bytes, len_bytes);
    return p;
}

void conf_arena_free(struct conf_arena *a)
{
    if (a == NULL)
        return;
    for (struct chunk *c = a->chunks, *next; c != NULL; c = next) {
        next = c->next;
        explicit_bzero(c->bytes, c->used_bytes);
        free(c);
    }
    free(a);
}
