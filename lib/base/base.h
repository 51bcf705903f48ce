/* base: what every room speaks in: results, time units, lists, bounded cursors, addresses, keyed hashing, replayable random.
 * No I/O, no clock, no DPDK. Nothing here allocates. */
#ifndef SL_BASE_H
#define SL_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- time: `now` is nanoseconds of a monotonic clock, handed in by whoever reads it ---- */
#define SL_NS_PER_US UINT64_C(1000)
#define SL_NS_PER_MS UINT64_C(1000000)
#define SL_NS_PER_S UINT64_C(1000000000)
#define SL_NEVER UINT64_MAX /* a deadline that never comes */

#define SL_CACHE_LINE 64
#define SL_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SL_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SL_MAX(a, b) ((a) > (b) ? (a) : (b))
#define sl_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* ---- errors of set-up: a negative errno, and a text for a person ---- */
struct sl_err {
    char text[512];
};

/* Fills err (which may be NULL) and returns code, so that a caller can write `return sl_err_set(err, -EINVAL, ...)`. */
int sl_err_set(struct sl_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- intrusive doubly linked list; an unlinked node points at itself ---- */
struct sl_list {
    struct sl_list *prev, *next;
};

static inline void sl_list_init(struct sl_list *l) { l->prev = l->next = l; }
static inline bool sl_list_empty(const struct sl_list *l) { return l->next == l; }

static inline void sl_list_insert_before(struct sl_list *at, struct sl_list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void sl_list_push_back(struct sl_list *l, struct sl_list *node) { sl_list_insert_before(l, node); }
static inline void sl_list_push_front(struct sl_list *l, struct sl_list *node) { sl_list_insert_before(l->next, node); }

/* Unlinks node; harmless on a node that is not linked. */
static inline void sl_list_remove(struct sl_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    sl_list_init(node);
}

/* The first node, unlinked; NULL when the list is empty. */
static inline struct sl_list *sl_list_pop_front(struct sl_list *l)
{
    struct sl_list *node = l->next;

    if (node == l)
        return NULL;
    sl_list_remove(node);
    return node;
}

/* ---- bounded reading of bytes that somebody else wrote ----
 * A read past the end returns 0, moves nothing and sets `bad`; it stays set. Check it once, at the end. */
struct sl_cursor {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct sl_cursor sl_cursor_of(const void *data, size_t len_bytes)
{
    return (struct sl_cursor){.p = data, .end = (const uint8_t *)data + len_bytes};
}

static inline size_t sl_cursor_left(const struct sl_cursor *c) { return c->bad ? 0 : (size_t)(c->end - c->p); }

/* The next len bytes, or NULL (and bad) when there are fewer. */
static inline const uint8_t *sl_cursor_take(struct sl_cursor *c, size_t len)
{
    const uint8_t *p = c->p;

    if (c->bad || (size_t)(c->end - c->p) < len) {
        c->bad = true;
        return NULL;
    }
    c->p += len;
    return p;
}

static inline void sl_cursor_skip(struct sl_cursor *c, size_t len) { (void)sl_cursor_take(c, len); }

static inline uint8_t sl_cursor_u8(struct sl_cursor *c)
{
    const uint8_t *p = sl_cursor_take(c, 1);

    return p ? p[0] : 0;
}

/* Numbers are big-endian on the wire. */
static inline uint16_t sl_cursor_u16(struct sl_cursor *c)
{
    const uint8_t *p = sl_cursor_take(c, 2);

    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t sl_cursor_u24(struct sl_cursor *c)
{
    const uint8_t *p = sl_cursor_take(c, 3);

    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t sl_cursor_u32(struct sl_cursor *c)
{
    const uint8_t *p = sl_cursor_take(c, 4);

    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* A cursor over the next len bytes, which c skips; an empty bad one when there are fewer. */
static inline struct sl_cursor sl_cursor_sub(struct sl_cursor *c, size_t len)
{
    const uint8_t *p = sl_cursor_take(c, len);

    return p ? sl_cursor_of(p, len) : (struct sl_cursor){.bad = true};
}

static inline void sl_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void sl_put_u32(uint8_t *p, uint32_t v)
{
    sl_put_u16(p, (uint16_t)(v >> 16));
    sl_put_u16(p + 2, (uint16_t)v);
}

/* ---- addresses: 16 bytes in network order; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), which never comes from the wire as IPv6 ---- */
struct sl_ip {
    union {
        uint8_t b[16];
        uint32_t w[4];
        uint64_t q[2];
    };
};

struct sl_endpoint {
    struct sl_ip ip;
    uint16_t port; /* host order */
};

#define SL_IP_TEXT_MAX 46       /* with the final zero */
#define SL_ENDPOINT_TEXT_MAX 56 /* "[ip6]:65535" */

static inline bool sl_ip_is4(const struct sl_ip *ip)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(ip->b, prefix, sizeof prefix) == 0;
}

static inline bool sl_ip_equal(const struct sl_ip *a, const struct sl_ip *b)
{
    return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* From four bytes in network order. */
static inline struct sl_ip sl_ip_from4(const void *bytes)
{
    struct sl_ip ip = {.b = {[10] = 0xff, [11] = 0xff}};

    memcpy(ip.b + 12, bytes, 4);
    return ip;
}

static inline struct sl_ip sl_ip_from6(const void *bytes)
{
    struct sl_ip ip;

    memcpy(ip.b, bytes, 16);
    return ip;
}

/* Whether ip lies in net/prefix; prefix_bits counts in the address's own family (0..32 or 0..128); families must match. */
bool sl_ip_in_prefix(const struct sl_ip *ip, const struct sl_ip *net, unsigned prefix_bits);

/* "198.18.0.1" or "2001:db8::1" → ip; false when the text is neither. */
bool sl_ip_parse(const char *text, struct sl_ip *ip);

/* "198.18.0.1:443" or "[2001:db8::1]:443" → endpoint (port 1..65535); false when the text is neither. */
bool sl_endpoint_parse(const char *text, struct sl_endpoint *ep);

/* Write text with a final zero and return out. */
const char *sl_ip_format(const struct sl_ip *ip, char out[static SL_IP_TEXT_MAX]);
const char *sl_endpoint_format(const struct sl_endpoint *ep, char out[static SL_ENDPOINT_TEXT_MAX]);

/* ---- large tables: zeroed address space that takes memory as it is touched. NULL: none left. ---- */
void *sl_pages_map(size_t bytes);
void sl_pages_unmap(void *p, size_t bytes); /* p may be NULL */

/* ---- keyed hashing (SipHash-2-4, Aumasson and Bernstein 2012): tables and initial sequence numbers ---- */
struct sl_hash_key {
    uint64_t k[2];
};

uint64_t sl_siphash(const struct sl_hash_key *key, const void *data, size_t len_bytes);
/* SipHash-1-3 of twelve bytes, which are the first eight and the last four of them as little-endian numbers: for hash tables, whose hashes nobody sees. */
uint64_t sl_siphash13_12(const struct sl_hash_key *key, uint64_t first8, uint32_t last4);

/* ---- replayable random for protocol jitter, never for secrets (xoshiro256**, Blackman and Vigna 2018) ---- */
struct sl_rng {
    uint64_t s[4];
};

void sl_rng_seed(struct sl_rng *rng, uint64_t seed);
uint64_t sl_rng_next(struct sl_rng *rng);
/* Uniform in [0, below); below > 0. */
uint64_t sl_rng_below(struct sl_rng *rng, uint64_t below);

/* Internet checksum (RFC 1071): adds len bytes to a running sum (0 at first); fold to 16 bits, complemented, at the end. Words are taken as they lie in
 * memory, so that the folded value is stored as it is, and a number joins the sum in network order. A good packet, its checksum included, folds to 0.
 * Each piece counts as if it began at an even byte of the packet: where a chain's segment begins at an odd one, sum it alone and add
 * sl_cksum_odd() of it. */
uint64_t sl_cksum_add(uint64_t sum, const void *data, size_t len_bytes);
uint16_t sl_cksum_fold(uint64_t sum);

/* The sum of the same bytes one byte further on: times 256 modulo 2^16 - 1 (RFC 1071 2(B)), here modulo its multiple 2^64 - 1. */
static inline uint64_t sl_cksum_odd(uint64_t sum) { return sum << 8 | sum >> 56; }

#endif
