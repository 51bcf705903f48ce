/* Table: from a tuple to a 32-bit reference. Buckets of one cache line hold eight entries with 16-bit tags; a full
 * bucket spills into the next ones, at most TABLE_PROBE_MAX of them, and counts what passed through it, so that lookups
 * stop early and deletion leaves no tombstones. The size is fixed. The hash is keyed per process, so that peers can't
 * choose what collides. */
#ifndef SL_TCP_TABLE_H
#define SL_TCP_TABLE_H

#include <rte_prefetch.h>

#include "base/base.h"

#define TABLE_SLOTS 8
#define TABLE_PROBE_MAX 16

/* Who talks to whom; the first member of everything that stands in the table. */
struct tuple {
    struct sl_ip local, remote;
    uint16_t lport, rport;
    uint32_t hash; /* of the rest */
};

#define TUPLE_KEY_BYTES offsetof(struct tuple, hash)

static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
    return a->rport == b->rport && a->lport == b->lport && sl_ip_equal(&a->remote, &b->remote) &&
           sl_ip_equal(&a->local, &b->local);
}

struct bucket {
    uint16_t tags[TABLE_SLOTS]; /* 0: free */
    uint32_t refs[TABLE_SLOTS];
    uint32_t passed; /* entries that wanted this bucket or an earlier one and stand in a later one */
    uint32_t pad[3];
};
_Static_assert(sizeof(struct bucket) == SL_CACHE_LINE, "a bucket is a cache line");

struct table {
    struct bucket *buckets;
    uint32_t mask;
    uint32_t count;
    struct sl_hash_key key;
    /* From a reference to the tuple that it stands for. */
    const struct tuple *(*tuple_of)(const void *ctx, uint32_t ref);
    const void *ctx;
};

/* For up to `capacity` entries. -ENOMEM. */
int sl_tcp_table_init(struct table *t, uint32_t capacity, const struct sl_hash_key *key);
void sl_tcp_table_free(struct table *t);

static inline uint32_t table_hash(const struct table *t, const struct tuple *tuple)
{
    /* What is the same in all IPv4 tuples need not be hashed. */
    if (sl_ip_is4(&tuple->local))
        return (uint32_t)sl_siphash13_12(&t->key, (uint64_t)tuple->local.w[3] << 32 | tuple->remote.w[3],
                                         (uint32_t)tuple->lport << 16 | tuple->rport);
    return (uint32_t)sl_siphash(&t->key, tuple, TUPLE_KEY_BYTES);
}
static inline uint16_t table_tag(uint32_t hash) { return (uint16_t)(hash >> 16 | 1); }
static inline void table_prefetch(const struct table *t, uint32_t hash) { rte_prefetch0(&t->buckets[hash & t->mask]); }

/* The first reference in the home bucket whose tag fits, to be prefetched; 0 when there is none. Proves nothing. */
uint32_t sl_tcp_table_guess(const struct table *t, uint32_t hash);
/* The reference of this tuple (hash filled in), or 0. */
uint32_t sl_tcp_table_find(const struct table *t, const struct tuple *tuple);
/* ref != 0, its tuple not yet in the table. False when there is no room near its place. */
bool sl_tcp_table_insert(struct table *t, const struct tuple *tuple, uint32_t ref);
/* Both: whether `ref` stood there under this hash. */
bool sl_tcp_table_remove(struct table *t, uint32_t hash, uint32_t ref);
bool sl_tcp_table_replace(struct table *t, uint32_t hash, uint32_t ref, uint32_t by);

#endif
