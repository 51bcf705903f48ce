/* SipHash-2-4, and 1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): keyed, so that a peer who picks tuples can't pick buckets. */
#include "base/base.h"

struct state {
    uint64_t v[4];
};

static inline uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

static inline uint64_t load_le64(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

static inline void sip_round(struct state *s)
{
    uint64_t *v = s->v;

    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

static inline void rounds(struct state *s, int n)
{
    for (int i = 0; i < n; i++)
        sip_round(s);
}

static inline struct state begin(const struct sl_hash_key *key)
{
    return (struct state){{
        key->k[0] ^ UINT64_C(0x736f6d6570736575),
        key->k[1] ^ UINT64_C(0x646f72616e646f6d),
        key->k[0] ^ UINT64_C(0x6c7967656e657261),
        key->k[1] ^ UINT64_C(0x7465646279746573),
    }};
}

static inline void absorb(struct state *s, uint64_t word, int n)
{
    s->v[3] ^= word;
    rounds(s, n);
    s->v[0] ^= word;
}

static inline uint64_t end(struct state *s, int n)
{
    s->v[2] ^= 0xff;
    rounds(s, n);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

uint64_t sl_siphash13_12(const struct sl_hash_key *key, uint64_t first8, uint32_t last4)
{
    struct state s = begin(key);

    absorb(&s, first8, 1);
    absorb(&s, UINT64_C(12) << 56 | last4, 1);
    return end(&s, 3);
}

uint64_t sl_siphash(const struct sl_hash_key *key, const void *data, size_t len_bytes)
{
    const uint8_t *p = data;
    struct state s = begin(key);
    uint64_t last = (uint64_t)len_bytes << 56;
    size_t left = len_bytes;

    for (; left >= 8; left -= 8, p += 8)
        absorb(&s, load_le64(p), 2);
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << (8 * i);
    absorb(&s, last, 2);
    return end(&s, 4);
}
