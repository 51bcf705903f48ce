#include "tcp/table.h"

#include <errno.h>
#include <rte_vect.h>

int sl_tcp_table_init(struct table *t, uint32_t capacity, const struct sl_hash_key *key)
{
    size_t buckets = 16;

    while (buckets * TABLE_SLOTS < (size_t)capacity * 2)
        buckets *= 2;
    *t = (struct table){.mask = (uint32_t)(buckets - 1), .key = *key};
    t->buckets = sl_pages_map(buckets * sizeof *t->buckets);
    return t->buckets ? 0 : -ENOMEM;
}

void sl_tcp_table_free(struct table *t)
{
    sl_pages_unmap(t->buckets, ((size_t)t->mask + 1) * sizeof *t->buckets);
    t->buckets = NULL;
}

/* A bit per slot whose tag fits. */
static uint32_t match(const struct bucket *b, uint16_t tag)
{
    uint32_t bits = 0;

#ifdef __SSE2__
    __m128i same = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)b->tags), _mm_set1_epi16((short)tag));

    bits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
#else
    for (uint32_t i = 0; i < TABLE_SLOTS; i++)
        bits |= (uint32_t)(b->tags[i] == tag) << i;
#endif
    return bits;
}

uint32_t sl_tcp_table_guess(const struct table *t, uint32_t hash)
{
    const struct bucket *b = &t->buckets[hash & t->mask];
    uint32_t bits = match(b, table_tag(hash));

    return bits ? b->refs[__builtin_ctz(bits)] : 0;
}

uint32_t sl_tcp_table_find(const struct table *t, const struct tuple *tuple)
{
    uint16_t tag = table_tag(tuple->hash);

    for (uint32_t probe = 0; probe < TABLE_PROBE_MAX; probe++) {
        const struct bucket *b = &t->buckets[(tuple->hash + probe) & t->mask];

        for (uint32_t bits = match(b, tag); bits; bits &= bits - 1) {
            uint32_t ref = b->refs[__builtin_ctz(bits)];

            if (tuple_equal(t->tuple_of(t->ctx, ref), tuple))
                return ref;
        }
        if (!b->passed)
            break;
    }
    return 0;
}

bool sl_tcp_table_insert(struct table *t, const struct tuple *tuple, uint32_t ref)
{
    for (uint32_t probe = 0; probe < TABLE_PROBE_MAX; probe++) {
        struct bucket *b = &t->buckets[(tuple->hash + probe) & t->mask];
        uint32_t bits = match(b, 0);

        if (!bits)
            continue;
        b->tags[__builtin_ctz(bits)] = table_tag(tuple->hash);
        b->refs[__builtin_ctz(bits)] = ref;
        for (uint32_t i = 0; i < probe; i++)
            t->buckets[(tuple->hash + i) & t->mask].passed++;
        t->count++;
        return true;
    }
    return false;
}

/* The bucket that holds ref; *probe: how far from home, *slot: where in it. */
static struct bucket *locate(struct table *t, uint32_t hash, uint32_t ref, uint32_t *probe, uint32_t *slot)
{
    for (*probe = 0; *probe < TABLE_PROBE_MAX; ++*probe) {
        struct bucket *b = &t->buckets[(hash + *probe) & t->mask];

        for (uint32_t bits = match(b, table_tag(hash)); bits; bits &= bits - 1) {
            *slot = (uint32_t)__builtin_ctz(bits);
            if (b->refs[*slot] == ref)
                return b;
        }
        if (!b->passed)
            break;
    }
    return NULL;
}

bool sl_tcp_table_remove(struct table *t, uint32_t hash, uint32_t ref)
{
    uint32_t probe, slot;
    struct bucket *b = locate(t, hash, ref, &probe, &slot);

    if (!b)
        return false;
    b->tags[slot] = 0;
    b->refs[slot] = 0;
    while (probe-- > 0)
        t->buckets[(hash + probe) & t->mask].passed--;
    t->count--;
    return true;
}

bool sl_tcp_table_replace(struct table *t, uint32_t hash, uint32_t ref, uint32_t by)
{
    uint32_t probe, slot;
    struct bucket *b = locate(t, hash, ref, &probe, &slot);

    if (!b)
        return false;
    b->refs[slot] = by;
    return true;
}
