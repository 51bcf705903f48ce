/* crypto: secret random bytes, mbedTLS made ready for a worker (its own PSA, its allocator), the ciphers of records,
 * and key operations in batches. Ciphers and operations have one file per backend behind const tables; the best that
 * the processor and the build have is chosen once. */
#ifndef SL_CRYPTO_H
#define SL_CRYPTO_H

#include "base/base.h"

/* Fills out with bytes of the system's random generator through a buffer of this thread that is erased as it is used.
 * Aborts the process when the system has none: nothing safe can follow. Never recorded, never replayed. */
void sl_crypto_random(void *out, size_t len_bytes);

/* mbedTLS's f_rng form of the same; ctx unused; returns 0. */
int sl_crypto_mbedtls_random(void *ctx, unsigned char *out, size_t len_bytes);

/* Prepares this thread's PSA. Call on each thread that uses lib/tls, before it does. 0 or -EIO with err. */
int sl_crypto_thread_start(struct sl_err *err);
void sl_crypto_thread_stop(void);

/* What mbedTLS has on the heap for this thread; objects are freed by the thread that made them. */
struct sl_crypto_memory {
    uint64_t now_bytes, peak_bytes;
    uint64_t limit_bytes; /* an allocation that would go beyond, arena in use included, fails; 0: no limit */
};
struct sl_crypto_memory *sl_crypto_memory(void);

/* A piece of a message; pieces of length 0 may stand among others. */
struct sl_span {
    uint8_t *p;
    uint32_t len;
};

/* ---- arenas: mbedTLS's memory for one handshake ---- */
#define SL_ARENA_CLASSES 65

struct sl_arena {
    uint8_t *base; /* zeroed beyond peak_bytes */
    uint32_t size_bytes;
    uint32_t used_bytes; /* from base on, holes with them */
    uint32_t peak_bytes;
    uint32_t live_bytes;                  /* holes without */
    struct sl_span untouched[2];          /* need not be erased */
    struct hole *holes[SL_ARENA_CLASSES]; /* given back, by size */
};

/* Over `bytes` zeroed bytes, aligned for anything, that stay the caller's. */
void sl_arena_init(struct sl_arena *a, void *zeroed, uint32_t bytes);
/* Zeroed, aligned to 16; NULL: the arena is full. */
void *sl_arena_alloc(struct sl_arena *a, size_t bytes);
/* Gives a block back; bytes as it was asked for. */
void sl_arena_free(struct sl_arena *a, void *p, size_t bytes);
/* These bytes, somewhere in a block, were never written: they are still zero, and reset leaves them. Twice at most. */
void sl_arena_untouched(struct sl_arena *a, void *p, uint32_t bytes);
/* Erases all that was ever used; every block is gone. */
void sl_arena_reset(struct sl_arena *a);
/* The same, for the last time: the bytes are the caller's to free. */
void sl_arena_done(struct sl_arena *a);
/* From now on this thread's mbedTLS allocates from a; NULL: from the heap, as at first. Returns what was used before.
 * What comes from the one may be freed while the other is used. */
struct sl_arena *sl_crypto_use_arena(struct sl_arena *a);
/* Of a block that this thread's mbedTLS has allocated only the first `used` bytes were ever written: spares an arena the
 * erasing of the rest. */
void sl_crypto_untouched(void *block, size_t used);

/* The wall clock of this thread for mbedTLS, which may read none itself: seconds since 1970. */
void sl_crypto_set_wall(uint64_t wall_s);

/* Erases len bytes in a way that the compiler keeps. */
void sl_crypto_wipe(void *p, size_t len_bytes);

/* Compares in time that depends on len only. */
bool sl_crypto_equal(const void *a, const void *b, size_t len_bytes);

/* ---- AEAD: the ciphers of records (RFC 5116, NIST SP 800-38D, RFC 8439), in place over pieces ---- */
enum sl_aead_id { SL_AEAD_AES_128_GCM, SL_AEAD_AES_256_GCM, SL_AEAD_CHACHA20_POLY1305, SL_AEAD_COUNT };

#define SL_AEAD_KEY_MAX_BYTES 32
#define SL_AEAD_NONCE_BYTES 12
#define SL_AEAD_TAG_BYTES 16

extern const uint8_t sl_aead_key_bytes[SL_AEAD_COUNT];
extern const char *const sl_aead_name[SL_AEAD_COUNT];

/* A key made ready for use: large, and to be had again from the raw key at any time, so whoever keeps connections keeps
 * these in a cache. Filled by expand; forgotten by forget, which erases it and frees what a backend hung on it. */
struct sl_aead_key {
    const struct sl_aead_backend *backend;
    enum sl_aead_id id;
    _Alignas(64) uint8_t state[1536];
};

struct sl_aead_backend {
    const char *name;
    bool self_contained; /* a key is all in struct sl_aead_key: to forget it, erasing is enough */
    /* Whether this build and processor have it; asked once per process and cipher, before anything else. */
    bool (*has)(enum sl_aead_id id);
    /* 0 or -ENOMEM. */
    int (*expand)(struct sl_aead_key *key, enum sl_aead_id id, const uint8_t *raw);
    void (*forget)(struct sl_aead_key *key);
    /* Encrypts the pieces in place as one message and writes its tag. */
    void (*seal)(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n, uint8_t tag[static SL_AEAD_TAG_BYTES]);
    /* Decrypts the pieces in place. False: the tag is wrong (compared in constant time) and the pieces hold nothing of
     * use. */
    bool (*open)(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n,
                 const uint8_t tag[static SL_AEAD_TAG_BYTES]);
};

/* All backends of this build, the fastest first, NULL-terminated: for tests and benchmarks. The last is the plain twin,
 * which is always there. */
extern const struct sl_aead_backend *const sl_aead_backends[];
/* The best that this machine has for a cipher. */
const struct sl_aead_backend *sl_aead_best(enum sl_aead_id id);

/* ---- key operations: what a handshake pays for, computed up to eight at a time ---- */
enum sl_op_kind {
    SL_OP_X25519_GENERATE, /* RFC 7748 */
    SL_OP_X25519_AGREE,
    SL_OP_P256_GENERATE, /* SEC 1; points uncompressed (RFC 8422 5.4.1) */
    SL_OP_P256_AGREE,
    SL_OP_P256_SIGN, /* FIPS 186-5 ECDSA */
    SL_OP_P256_VERIFY,
    SL_OP_P384_GENERATE,
    SL_OP_P384_AGREE,
    SL_OP_P384_SIGN,
    SL_OP_P384_VERIFY,
    SL_OP_RSA2048_PRIVATE, /* RFC 8017 5.2.1, by the remainders of p and q; the encoding is the caller's */
    SL_OP_RSA3072_PRIVATE,
    SL_OP_RSA4096_PRIVATE,
    SL_OP_RSA2048_PUBLIC, /* RFC 8017 5.2.2, exponent 65537 */
    SL_OP_RSA3072_PUBLIC,
    SL_OP_RSA4096_PUBLIC,
    SL_OP_KIND_COUNT
};
extern const char *const sl_op_name[SL_OP_KIND_COUNT];

#define SL_OP_BATCH 8
#define SL_OP_SCALAR_MAX_BYTES 48
#define SL_OP_POINT_MAX_BYTES 97
#define SL_OP_HASH_MAX_BYTES 64
#define SL_OP_RSA_MAX_BYTES 512

/* A long-lived key, private or public, immutable once made; used by the thread that made it. Big-endian numbers of the
 * curve's or modulus's length; for a private RSA key p, q, dp, dq, qinv of half that length. */
struct sl_op_key;
struct sl_op_key_parts {
    enum sl_op_kind kind;  /* the operation that it is for: *_SIGN, *_VERIFY, RSA*_PRIVATE, RSA*_PUBLIC */
    const uint8_t *scalar; /* *_SIGN */
    const uint8_t *point;  /* *_VERIFY: uncompressed */
    const uint8_t *n;      /* RSA*; the exponent is 65537 */
    const uint8_t *p, *q, *dp, *dq, *qinv; /* RSA*_PRIVATE */
};
/* Copies the parts. NULL: no memory, or a part that can't be (a point off the curve, an even modulus). */
struct sl_op_key *sl_op_key_create(const struct sl_op_key_parts *parts);
/* Erases and frees; no operation may hold it. */
void sl_op_key_free(struct sl_op_key *key);

/* One operation. Whoever submits it owns it and keeps it in place until it comes back; secrets in it are the owner's to
 * erase. */
struct sl_op {
    struct sl_list link;
    void *owner;
    enum sl_op_kind kind;
    int status; /* when it came back: 0; -EINVAL: a bad point, an all-zero secret, a wrong signature, a fault in an RSA
                   signature that the check found twice */
    const struct sl_op_key *key; /* SIGN, VERIFY, RSA */
    union {
        struct {                                    /* GENERATE: both out; AGREE: in, in, out */
            uint8_t scalar[SL_OP_SCALAR_MAX_BYTES]; /* big-endian; X25519: as RFC 7748 has it */
            uint8_t point[SL_OP_POINT_MAX_BYTES];   /* GENERATE: ours; AGREE: the peer's */
            uint8_t secret[SL_OP_SCALAR_MAX_BYTES]; /* AGREE: x coordinate, or RFC 7748's output */
        } dh;
        struct { /* SIGN: hash in, r and s out; VERIFY: all in */
            uint8_t hash[SL_OP_HASH_MAX_BYTES];
            uint32_t hash_bytes; /* the leftmost bits count (FIPS 186-5 6.4) */
            uint8_t r[SL_OP_SCALAR_MAX_BYTES], s[SL_OP_SCALAR_MAX_BYTES];
        } ecdsa;
        struct { /* m in, out; of the modulus's length */
            uint8_t in[SL_OP_RSA_MAX_BYTES], out[SL_OP_RSA_MAX_BYTES];
        } rsa;
    };
};

struct sl_op_backend {
    const char *name;
    uint32_t width;                    /* operations that one call computes for the price of one */
    bool (*has)(enum sl_op_kind kind); /* as for AEADs */
    /* Computes 1 <= n <= width operations of one kind and sets their status. */
    void (*run)(enum sl_op_kind kind, struct sl_op **ops, uint32_t n);
    /* What `run` costs a typical core, in nanoseconds, full: a stated figure, so that a run can be replayed. */
    const uint32_t *price_ns;
};
extern const struct sl_op_backend
    *const sl_op_backends[]; /* fastest first, NULL-terminated; the last is the plain twin */
const struct sl_op_backend *sl_op_best(enum sl_op_kind kind);
/* Of one operation in a full batch by the best backend, in nanoseconds. */
uint32_t sl_op_price_ns(enum sl_op_kind kind);

/* A worker's operations that wait for company. */
struct sl_op_queue;
struct sl_op_queue *sl_op_queue_create(void); /* NULL: no memory */
void sl_op_queue_destroy(struct sl_op_queue *q);
/* Takes an operation. When it fills a batch of its kind the batch is computed at once (not where the best backend
 * computes one after the other: there only flush does, within its budget). What that cost in nanoseconds; 0: it waits. */
uint64_t sl_op_submit(struct sl_op_queue *q, struct sl_op *op);
/* Computes what waits, batches that are not full too, dearest kinds last (but for one that was passed over too often),
 * until it has cost budget_ns; at least one batch. What it cost. */
uint64_t sl_op_flush(struct sl_op_queue *q, uint64_t budget_ns);
/* The next operation that is done, in the order in which they were done; NULL: none. */
struct sl_op *sl_op_take(struct sl_op_queue *q);
/* Takes back an operation that its owner wants no more, wherever it stands. */
void sl_op_cancel(struct sl_op_queue *q, struct sl_op *op);
bool sl_op_waiting(const struct sl_op_queue *q);
/* An ephemeral key that idle time has made: true when there was one; it is used once and erased here. kind: *_GENERATE. */
bool sl_op_ephemeral(struct sl_op_queue *q, enum sl_op_kind kind, uint8_t *scalar, uint8_t *point);
/* Spends at most about budget_ns on ephemeral keys and nonces for later; what it spent, 0 when the stock is full. */
uint64_t sl_op_idle(struct sl_op_queue *q, uint64_t budget_ns);

/* ---- what is signed, and how a signature is carried ---- */
enum sl_rsa_hash { SL_RSA_SHA256, SL_RSA_SHA384, SL_RSA_SHA512 };

/* Encode a digest into em, as long as the modulus, for RSA*_PRIVATE: EMSA-PSS (RFC 8017 9.1, the salt as long as the
 * digest) and EMSA-PKCS1-v1_5 (9.2). 0; -EINVAL: em is too short; -ENOMEM. */
int sl_rsa_encode_pss(enum sl_rsa_hash hash, const uint8_t *digest, uint8_t *em, uint32_t em_bytes);
int sl_rsa_encode_pkcs1(enum sl_rsa_hash hash, const uint8_t *digest, uint8_t *em, uint32_t em_bytes);
/* Whether em, which came out of RSA*_PUBLIC, encodes the digest. */
bool sl_rsa_check_pss(enum sl_rsa_hash hash, const uint8_t *digest, const uint8_t *em, uint32_t em_bytes);
bool sl_rsa_check_pkcs1(enum sl_rsa_hash hash, const uint8_t *digest, const uint8_t *em, uint32_t em_bytes);

#define SL_ECDSA_DER_MAX_BYTES 104
/* r and s, of `bytes` each (up to SL_OP_SCALAR_MAX_BYTES), as DER (RFC 3279 2.2.3); how long it is. */
uint32_t sl_ecdsa_der(uint8_t out[static SL_ECDSA_DER_MAX_BYTES], const uint8_t *r, const uint8_t *s, uint32_t bytes);
/* The other way: strict DER and nothing behind it, or false. */
bool sl_ecdsa_der_parse(const uint8_t *der, size_t der_bytes, uint8_t *r, uint8_t *s, uint32_t bytes);

#endif
