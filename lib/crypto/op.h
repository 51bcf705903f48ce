/* op: what the backends of key operations share: what a kind is made of, a key's parts, numbers as bytes and as words. */
#ifndef SL_CRYPTO_OP_H
#define SL_CRYPTO_OP_H

#include "crypto/crypto.h"

enum sl_op_group { SL_OP_X25519, SL_OP_P256, SL_OP_P384, SL_OP_RSA, SL_OP_GROUP_COUNT };
enum sl_op_verb { SL_OP_GENERATE, SL_OP_AGREE, SL_OP_SIGN, SL_OP_VERIFY, SL_OP_PRIVATE, SL_OP_PUBLIC };

struct sl_op_shape {
    enum sl_op_verb verb;
    enum sl_op_group group;
    uint32_t bytes; /* of a coordinate, scalar or modulus */
};
extern const struct sl_op_shape sl_op_shape[SL_OP_KIND_COUNT];

/* SEC 2: the field's prime and the base point's order, big-endian. The group is SL_OP_P256 or SL_OP_P384. */
struct sl_op_curve {
    uint8_t p[SL_OP_SCALAR_MAX_BYTES], n[SL_OP_SCALAR_MAX_BYTES];
    uint32_t bytes;
};
extern const struct sl_op_curve sl_op_curve[SL_OP_GROUP_COUNT];

struct sl_op_key {
    enum sl_op_kind kind;
    uint32_t all_bytes; /* of this allocation */
    /* As in sl_op_key_parts; they lie behind this struct. */
    const uint8_t *scalar, *point, *n, *p, *q, *dp, *dq, *qinv;
    void *prepared; /* libcrypto's form; NULL where there is none */
    uint8_t bytes[];
};

/* The backends; each is defined where its library is. */
extern const struct sl_op_backend sl_op_cryptomb, sl_op_libcrypto, sl_op_mbedtls;

/* Computes 1 <= n <= SL_OP_BATCH operations by the backend that is cheapest for so many; what it cost in nanoseconds. */
uint64_t sl_op_run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n);
/* The same without computing. */
uint64_t sl_op_run_price_ns(enum sl_op_kind kind, uint32_t n);

/* Whether the parts make a key (the plain twin's judgement): points on the curve, p q = n, exponents of 65537. */
bool sl_op_key_is_sound(const struct sl_op_key *key);
/* libcrypto's form of a key: 0 or -ENOMEM. Nothing where libcrypto is not there or does not serve the key's kind. */
int sl_op_libcrypto_prepare(struct sl_op_key *key);
void sl_op_libcrypto_forget(struct sl_op_key *key);

/* ---- signing in two steps: the nonce's part needs neither key nor message (FIPS 186-5 6.4.1, steps 2 to 8) ---- */
struct sl_op_nonce {
    uint64_t inverse[SL_OP_SCALAR_MAX_BYTES / 8], r[SL_OP_SCALAR_MAX_BYTES / 8];
};
struct sl_op_nonces {
    enum sl_op_kind kind; /* *_SIGN */
    uint32_t make_price_ns, sign_price_ns;
    /* Makes a batch; false: one of them is of no use, so that none may be used. */
    bool (*make)(struct sl_op_nonce out[static SL_OP_BATCH]);
    /* Signs as run does, operation i with nonces[i], which it erases. */
    void (*sign)(struct sl_op **ops, struct sl_op_nonce *nonces, uint32_t n);
};
/* NULL: the backend signs in one step. */
const struct sl_op_nonces *sl_op_cryptomb_nonces(enum sl_op_kind kind);
/* Of the best backend. */
const struct sl_op_nonces *sl_op_nonces(enum sl_op_kind kind);

/* ---- numbers: big-endian bytes; in time that depends on the length only ---- */
bool sl_op_below(const uint8_t *a, const uint8_t *limit, size_t bytes);
/* 0 < a < limit. */
bool sl_op_in_range(const uint8_t *a, const uint8_t *limit, size_t bytes);
/* A secret in [1, order - 1], uniform. X25519: RFC 7748's 32 bytes, the fixed bits in place. */
void sl_op_random_scalar(enum sl_op_group group, uint8_t *out);
/* A digest as a number below the curve's order (FIPS 186-5 6.4.1: its leftmost bits; SEC 1 4.1.3). */
void sl_op_digest_number(enum sl_op_group group, const uint8_t *hash, uint32_t hash_bytes, uint8_t *out);
/* Whether a point is uncompressed and its coordinates are below the field's prime. */
bool sl_op_point_is_plain(enum sl_op_group group, const uint8_t *point);
/* To words of 64 bits, the lowest first, and back; bytes is a multiple of 8. */
void sl_op_to_words(uint64_t *out, const uint8_t *in, size_t bytes);
void sl_op_from_words(uint8_t *out, const uint64_t *in, size_t bytes);

#endif
