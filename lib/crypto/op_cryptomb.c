/* Key operations by Intel's crypto_mb: eight lanes of AVX-512 IFMA for the price of one, in constant time. A lane that
 * has no operation, or a bad one, holds zeros (RSA: a neighbour's modulus) and its result is dropped. */
#define BN_OPENSSL_DISABLE /* its OpenSSL forms are not used, so OpenSSL's headers are not needed */
#include <crypto_mb/cpu_features.h>
#include <crypto_mb/ec_nistp256.h>
#include <crypto_mb/ec_nistp384.h>
#include <crypto_mb/rsa.h>
#include <crypto_mb/x25519.h>
#include <errno.h>
#include <stdlib.h>

#include "crypto/op.h"

#define LANES SL_OP_BATCH
#define WORDS (SL_OP_SCALAR_MAX_BYTES / 8)
#define RSA_WORDS (SL_OP_RSA_MAX_BYTES / 8)

/* A number per lane, and the pointers by which the library finds them. */
struct words {
    int64u v[LANES][WORDS];
    int64u *p[LANES];
};
struct bytes {
    int8u v[LANES][SL_OP_SCALAR_MAX_BYTES];
    int8u *p[LANES];
};

/* The library's functions of a curve. */
struct curve {
    mbx_status (*generate)(int64u *x[8], int64u *y[8], int64u *z[8], const int64u *const k[8], int8u *buffer);
    mbx_status (*agree)(int8u *out[8], const int64u *const k[8], const int64u *const x[8], const int64u *const y[8],
                        const int64u *const z[8], int8u *buffer);
    mbx_status (*sign)(int8u *r[8], int8u *s[8], const int8u *const e[8], const int64u *const k[8],
                       const int64u *const d[8], int8u *buffer);
    mbx_status (*verify)(const int8u *const r[8], const int8u *const s[8], const int8u *const e[8],
                         const int64u *const x[8], const int64u *const y[8], const int64u *const z[8], int8u *buffer);
    mbx_status (*setup)(int64u *inverse[8], int64u *r[8], const int64u *const k[8], int8u *buffer);
    mbx_status (*complete)(int8u *r[8], int8u *s[8], const int8u *const e[8], const int64u *const r_of_k[8],
                           const int64u *const inverse[8], const int64u *const d[8], int8u *buffer);
};

static const struct curve curves[] = {
    [SL_OP_P256] = {mbx_nistp256_ecpublic_key_mb8, mbx_nistp256_ecdh_mb8, mbx_nistp256_ecdsa_sign_mb8,
                    mbx_nistp256_ecdsa_verify_mb8, mbx_nistp256_ecdsa_sign_setup_mb8,
                    mbx_nistp256_ecdsa_sign_complete_mb8},
    [SL_OP_P384] = {mbx_nistp384_ecpublic_key_mb8, mbx_nistp384_ecdh_mb8, mbx_nistp384_ecdsa_sign_mb8,
                    mbx_nistp384_ecdsa_verify_mb8, mbx_nistp384_ecdsa_sign_setup_mb8,
                    mbx_nistp384_ecdsa_sign_complete_mb8},
};

static const uint32_t price_ns[SL_OP_KIND_COUNT] = {
    [SL_OP_P256_AGREE] = 110000,       [SL_OP_P256_GENERATE] = 31000,     [SL_OP_P256_SIGN] = 44000,
    [SL_OP_P256_VERIFY] = 150000,      [SL_OP_P384_AGREE] = 460000,       [SL_OP_P384_GENERATE] = 130000,
    [SL_OP_P384_SIGN] = 170000,        [SL_OP_P384_VERIFY] = 600000,      [SL_OP_RSA2048_PRIVATE] = 630000,
    [SL_OP_RSA2048_PUBLIC] = 28000,    [SL_OP_RSA3072_PRIVATE] = 3000000, [SL_OP_RSA3072_PUBLIC] = 63000,
    [SL_OP_RSA4096_PRIVATE] = 6000000, [SL_OP_RSA4096_PUBLIC] = 110000,   [SL_OP_X25519_AGREE] = 45000,
    [SL_OP_X25519_GENERATE] = 30000,
};

/* What the library is compiled for, in any distribution's build, and its own opinion; without all of it nothing of the
 * library but that opinion is called. The compiler's checks ask the system too whether it keeps the registers. */
static bool has(enum sl_op_kind kind)
{
    (void)kind;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512ifma") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bitalg") &&
           __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("bmi2") &&
           mbx_is_crypto_mb_applicable(0);
}

static void clear_words(struct words *w)
{
    memset(w->v, 0, sizeof w->v);
    for (uint32_t i = 0; i < LANES; i++)
        w->p[i] = w->v[i];
}

static void clear_bytes(struct bytes *b)
{
    memset(b->v, 0, sizeof b->v);
    for (uint32_t i = 0; i < LANES; i++)
        b->p[i] = b->v[i];
}

static void wipe_words(struct words *w) { sl_crypto_wipe(w->v, sizeof w->v); }

static void set(struct words *w, uint32_t lane, const uint8_t *number, size_t bytes)
{
    uint64_t v[RSA_WORDS / 2];

    sl_op_to_words(v, number, bytes);
    memcpy(w->v[lane], v, bytes);
    sl_crypto_wipe(v, bytes);
}

static void get(uint8_t *out, const struct words *w, uint32_t lane, size_t bytes)
{
    uint64_t v[WORDS];

    memcpy(v, w->v[lane], bytes);
    sl_op_from_words(out, v, bytes);
}

static int status_of(mbx_status status, uint32_t lane) { return MBX_GET_STS(status, (int)lane) ? -EINVAL : 0; }

/* A lane without an operation works on a copy of the first. */
static uint32_t op_of(uint32_t lane, uint32_t n) { return lane < n ? lane : 0; }

/* What the library does not do right goes to the next backend. */
static void pass_on(struct sl_op *op)
{
    const struct sl_op_backend *const *b = sl_op_backends + 1;

    while (!(*b)->has(op->kind)) /* the last has all */
        b++;
    (*b)->run(op->kind, &op, 1);
}

/* ---- X25519 ---- */
/* Just below the prime (2^255 - 19) the library of 2021.12.1 computes wrong secrets, and takes p - 1, whose order is 4,
 * for an ordinary point: a difference that is kept unreduced turns negative. No honest peer ever sends such a point. */
static bool is_near_prime(const uint8_t *point)
{
    uint8_t all = point[31] | 0x80;

    for (int i = 2; i < 31; i++)
        all &= point[i];
    return all == 0xff;
}

static void x25519_generate(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    int8u spare[LANES][32], *point[LANES];
    const int8u *scalar[LANES];
    mbx_status status;

    for (uint32_t i = 0; i < n; i++)
        sl_op_random_scalar(shape->group, ops[i]->dh.scalar);
    for (uint32_t i = 0; i < LANES; i++) {
        scalar[i] = ops[op_of(i, n)]->dh.scalar;
        point[i] = i < n ? ops[i]->dh.point : spare[i];
    }
    status = mbx_x25519_public_key_mb8(point, scalar);
    for (uint32_t i = 0; i < n; i++)
        ops[i]->status = status_of(status, i);
}

static void x25519_agree(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    int8u spare[LANES][32], *secret[LANES];
    const int8u *scalar[LANES], *point[LANES];
    mbx_status status;

    for (uint32_t i = 0; i < LANES; i++) {
        scalar[i] = ops[op_of(i, n)]->dh.scalar;
        point[i] = ops[op_of(i, n)]->dh.point;
        secret[i] = i < n ? ops[i]->dh.secret : spare[i];
    }
    status = mbx_x25519_mb8(secret, scalar, point);
    for (uint32_t i = 0; i < n; i++) {
        ops[i]->status = status_of(status, i); /* the library finds the all-zero secret */
        if (is_near_prime(ops[i]->dh.point))
            pass_on(ops[i]);
    }
    sl_crypto_wipe(spare, sizeof spare);
}

/* ---- P-256 and P-384 ---- */
static void generate(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    struct words k, x, y;
    mbx_status status;

    clear_words(&k);
    clear_words(&x);
    clear_words(&y);
    for (uint32_t i = 0; i < n; i++) {
        sl_op_random_scalar(shape->group, ops[i]->dh.scalar);
        set(&k, i, ops[i]->dh.scalar, shape->bytes);
    }
    status = curves[shape->group].generate(x.p, y.p, NULL, (const int64u *const *)k.p, NULL);
    for (uint32_t i = 0; i < n; i++) {
        ops[i]->dh.point[0] = 4;
        get(ops[i]->dh.point + 1, &x, i, shape->bytes);
        get(ops[i]->dh.point + 1 + shape->bytes, &y, i, shape->bytes);
        ops[i]->status = status_of(status, i);
    }
    wipe_words(&k);
}

static void agree(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    struct words k, x, y;
    struct bytes secret;
    mbx_status status;

    clear_words(&k);
    clear_words(&x);
    clear_words(&y);
    clear_bytes(&secret);
    for (uint32_t i = 0; i < n; i++) {
        if (!sl_op_in_range(ops[i]->dh.scalar, sl_op_curve[shape->group].n, shape->bytes) ||
            !sl_op_point_is_plain(shape->group, ops[i]->dh.point))
            continue; /* the scalar zero is an error of the lane */
        set(&k, i, ops[i]->dh.scalar, shape->bytes);
        set(&x, i, ops[i]->dh.point + 1, shape->bytes);
        set(&y, i, ops[i]->dh.point + 1 + shape->bytes, shape->bytes);
    }
    status = curves[shape->group].agree(secret.p, (const int64u *const *)k.p, (const int64u *const *)x.p,
                                        (const int64u *const *)y.p, NULL, NULL);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(ops[i]->dh.secret, secret.v[i], shape->bytes);
        ops[i]->status = status_of(status, i);
    }
    wipe_words(&k);
    sl_crypto_wipe(secret.v, sizeof secret.v);
}

/* What a signature is made of, for all lanes; r and s go back into the operations. */
struct signing {
    struct words d;
    struct bytes e, r, s;
};

static void start_signing(struct signing *g, const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    clear_words(&g->d);
    clear_bytes(&g->e);
    clear_bytes(&g->r);
    clear_bytes(&g->s);
    for (uint32_t i = 0; i < n; i++) {
        set(&g->d, i, ops[i]->key->scalar, shape->bytes);
        sl_op_digest_number(shape->group, ops[i]->ecdsa.hash, ops[i]->ecdsa.hash_bytes, g->e.v[i]);
    }
}

/* A lane that failed (r or s came out zero, which nobody will ever see) is signed by the plain twin. */
static void finish_signing(struct signing *g, const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n,
                           mbx_status status)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(ops[i]->ecdsa.r, g->r.v[i], shape->bytes);
        memcpy(ops[i]->ecdsa.s, g->s.v[i], shape->bytes);
        ops[i]->status = status_of(status, i);
        if (ops[i]->status)
            sl_op_mbedtls.run(ops[i]->kind, &ops[i], 1);
    }
    wipe_words(&g->d);
}

static void sign(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    struct signing g;
    struct words k;
    mbx_status status;

    start_signing(&g, shape, ops, n);
    clear_words(&k);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t nonce[SL_OP_SCALAR_MAX_BYTES];

        sl_op_random_scalar(shape->group, nonce);
        set(&k, i, nonce, shape->bytes);
        sl_crypto_wipe(nonce, sizeof nonce);
    }
    status = curves[shape->group].sign(g.r.p, g.s.p, (const int8u *const *)g.e.p, (const int64u *const *)k.p,
                                       (const int64u *const *)g.d.p, NULL);
    wipe_words(&k);
    finish_signing(&g, shape, ops, n, status);
}

static void verify(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    const uint8_t *order = sl_op_curve[shape->group].n;
    struct words x, y;
    struct bytes e, r, s;
    mbx_status status;

    clear_words(&x);
    clear_words(&y);
    clear_bytes(&e);
    clear_bytes(&r);
    clear_bytes(&s);
    for (uint32_t i = 0; i < n; i++) {
        set(&x, i, ops[i]->key->point + 1, shape->bytes);
        set(&y, i, ops[i]->key->point + 1 + shape->bytes, shape->bytes);
        sl_op_digest_number(shape->group, ops[i]->ecdsa.hash, ops[i]->ecdsa.hash_bytes, e.v[i]);
        memcpy(r.v[i], ops[i]->ecdsa.r, shape->bytes);
        memcpy(s.v[i], ops[i]->ecdsa.s, shape->bytes);
    }
    status =
        curves[shape->group].verify((const int8u *const *)r.p, (const int8u *const *)s.p, (const int8u *const *)e.p,
                                    (const int64u *const *)x.p, (const int64u *const *)y.p, NULL, NULL);
    for (uint32_t i = 0; i < n; i++) {
        bool in_range = sl_op_in_range(r.v[i], order, shape->bytes) && sl_op_in_range(s.v[i], order, shape->bytes);

        ops[i]->status = in_range ? status_of(status, i) : -EINVAL;
        if (!sl_op_in_range(e.v[i], order, shape->bytes))
            pass_on(ops[i]); /* the library refuses the digest zero */
    }
}

/* ---- RSA ---- */
/* On the heap, not on the stack: a handshake's is small. Erased before it is freed. */
struct rsa {
    int64u n[LANES][RSA_WORDS];
    int64u p[LANES][RSA_WORDS / 2], q[LANES][RSA_WORDS / 2];
    int64u dp[LANES][RSA_WORDS / 2], dq[LANES][RSA_WORDS / 2], qinv[LANES][RSA_WORDS / 2];
    int8u in[LANES][SL_OP_RSA_MAX_BYTES], out[LANES][SL_OP_RSA_MAX_BYTES], back[LANES][SL_OP_RSA_MAX_BYTES];
    _Alignas(64) int8u work[]; /* the library's */
};

static void set_rsa(int64u *out, const uint8_t *number, size_t bytes)
{
    uint64_t v[RSA_WORDS];

    sl_op_to_words(v, number, bytes);
    memcpy(out, v, bytes);
    sl_crypto_wipe(v, bytes);
}

static void fill_private(struct rsa *a, uint32_t lane, const struct sl_op_key *key, size_t half)
{
    set_rsa(a->p[lane], key->p, half);
    set_rsa(a->q[lane], key->q, half);
    set_rsa(a->dp[lane], key->dp, half);
    set_rsa(a->dq[lane], key->dq, half);
    set_rsa(a->qinv[lane], key->qinv, half);
}

/* Which lanes have a representative below the modulus; the others work on zero. */
static unsigned fill(struct rsa *a, const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    unsigned good = 0;

    for (uint32_t i = 0; i < LANES; i++) {
        const struct sl_op *op = ops[op_of(i, n)];
        bool below = i < n && sl_op_below(op->rsa.in, op->key->n, shape->bytes);

        set_rsa(a->n[i], op->key->n, shape->bytes);
        if (shape->verb == SL_OP_PRIVATE)
            fill_private(a, i, op->key, shape->bytes / 2);
        if (!below)
            continue;
        memcpy(a->in[i], op->rsa.in, shape->bytes);
        good |= 1U << i;
    }
    return good;
}

#define WORD_LANES(a, field)                                                                                           \
    {                                                                                                                  \
        (a)->field[0], (a)->field[1], (a)->field[2], (a)->field[3], (a)->field[4], (a)->field[5], (a)->field[6],       \
            (a)->field[7]                                                                                              \
    }

static mbx_status rsa_public(struct rsa *a, int bits, int8u (*from)[SL_OP_RSA_MAX_BYTES],
                             int8u (*to)[SL_OP_RSA_MAX_BYTES])
{
    const int64u *const n[LANES] = WORD_LANES(a, n);
    const int8u *in[LANES];
    int8u *out[LANES];

    for (uint32_t i = 0; i < LANES; i++) {
        in[i] = from[i];
        out[i] = to[i];
    }
    return mbx_rsa_public_mb8(in, out, n, bits, mbx_RSA_pub65537_Method(bits), a->work);
}

static mbx_status rsa_private(struct rsa *a, int bits)
{
    const int64u *const p[LANES] = WORD_LANES(a, p), *const q[LANES] = WORD_LANES(a, q);
    const int64u *const dp[LANES] = WORD_LANES(a, dp), *const dq[LANES] = WORD_LANES(a, dq);
    const int64u *const qinv[LANES] = WORD_LANES(a, qinv);
    const int8u *const in[LANES] = WORD_LANES(a, in);
    int8u *const out[LANES] = WORD_LANES(a, out);

    return mbx_rsa_private_crt_mb8(in, out, p, q, dp, dq, qinv, bits, mbx_RSA_private_crt_Method(bits), a->work);
}

/* A result that is wrong by a fault in one of the two halves gives the factors away to whoever sees it (Boneh, DeMillo
 * and Lipton 1997): none leaves before its power by the public exponent is the input again. The plain twin, which
 * checks itself too, has the second try and the last word. */
static void confirm(struct rsa *a, const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    mbx_status status = rsa_public(a, (int)shape->bytes * 8, a->out, a->back);

    for (uint32_t i = 0; i < n; i++)
        if (ops[i]->status == 0 && (status_of(status, i) || !sl_crypto_equal(a->back[i], a->in[i], shape->bytes)))
            ops[i]->status = -EAGAIN;
}

static void run_rsa(struct rsa *a, const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    int bits = (int)shape->bytes * 8;
    unsigned good = fill(a, shape, ops, n);
    mbx_status status = shape->verb == SL_OP_PRIVATE ? rsa_private(a, bits) : rsa_public(a, bits, a->in, a->out);

    for (uint32_t i = 0; i < n; i++)
        ops[i]->status = good >> i & 1 ? status_of(status, i) : -EINVAL;
    if (shape->verb == SL_OP_PRIVATE)
        confirm(a, shape, ops, n);
    for (uint32_t i = 0; i < n; i++) {
        if (ops[i]->status == 0)
            memcpy(ops[i]->rsa.out, a->out[i], shape->bytes);
        else if (ops[i]->status == -EAGAIN)
            sl_op_mbedtls.run(ops[i]->kind, &ops[i], 1);
    }
}

static void rsa(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n)
{
    int bits = (int)shape->bytes * 8, work;
    struct rsa *a;

    work = mbx_RSA_Method_BufSize(shape->verb == SL_OP_PRIVATE ? mbx_RSA_private_crt_Method(bits)
                                                               : mbx_RSA_pub65537_Method(bits));
    work = SL_MAX(work, mbx_RSA_Method_BufSize(mbx_RSA_pub65537_Method(bits)));
    a = calloc(1, sizeof *a + (size_t)work);
    if (!a) {
        sl_op_mbedtls.run(ops[0]->kind, ops, n);
        return;
    }
    run_rsa(a, shape, ops, n);
    sl_crypto_wipe(a, sizeof *a + (size_t)work);
    free(a);
}

/* ---- the backend ---- */
typedef void verb_fn(const struct sl_op_shape *shape, struct sl_op **ops, uint32_t n);
static verb_fn *const verbs[SL_OP_GROUP_COUNT][SL_OP_PUBLIC + 1] = {
    [SL_OP_X25519] = {[SL_OP_GENERATE] = x25519_generate, [SL_OP_AGREE] = x25519_agree},
    [SL_OP_P256] = {[SL_OP_GENERATE] = generate, [SL_OP_AGREE] = agree, [SL_OP_SIGN] = sign, [SL_OP_VERIFY] = verify},
    [SL_OP_P384] = {[SL_OP_GENERATE] = generate, [SL_OP_AGREE] = agree, [SL_OP_SIGN] = sign, [SL_OP_VERIFY] = verify},
    [SL_OP_RSA] = {[SL_OP_PRIVATE] = rsa, [SL_OP_PUBLIC] = rsa},
};

static void run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n)
{
    const struct sl_op_shape *shape = &sl_op_shape[kind];

    verbs[shape->group][shape->verb](shape, ops, n);
}

const struct sl_op_backend sl_op_cryptomb = {
    .name = "crypto_mb", .width = LANES, .has = has, .run = run, .price_ns = price_ns};

/* ---- signing in two steps ---- */
static bool make_nonces(enum sl_op_group group, struct sl_op_nonce *out)
{
    size_t bytes = sl_op_curve[group].bytes;
    struct words k, inverse, r;
    mbx_status status;

    clear_words(&k);
    clear_words(&inverse);
    clear_words(&r);
    for (uint32_t i = 0; i < LANES; i++) {
        uint8_t nonce[SL_OP_SCALAR_MAX_BYTES];

        sl_op_random_scalar(group, nonce);
        set(&k, i, nonce, bytes);
        sl_crypto_wipe(nonce, sizeof nonce);
    }
    status = curves[group].setup(inverse.p, r.p, (const int64u *const *)k.p, NULL);
    for (uint32_t i = 0; i < LANES; i++) {
        memcpy(out[i].inverse, inverse.v[i], sizeof out[i].inverse);
        memcpy(out[i].r, r.v[i], sizeof out[i].r);
    }
    wipe_words(&k);
    wipe_words(&inverse);
    return status == 0;
}

static void sign_with(enum sl_op_group group, struct sl_op **ops, struct sl_op_nonce *nonces, uint32_t n)
{
    const struct sl_op_shape *shape = &sl_op_shape[ops[0]->kind];
    struct words inverse, r;
    struct signing g;
    mbx_status status;

    start_signing(&g, shape, ops, n);
    clear_words(&inverse);
    clear_words(&r);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(inverse.v[i], nonces[i].inverse, sizeof nonces[i].inverse);
        memcpy(r.v[i], nonces[i].r, sizeof nonces[i].r);
    }
    sl_crypto_wipe(nonces, n * sizeof *nonces);
    status = curves[group].complete(g.r.p, g.s.p, (const int8u *const *)g.e.p, (const int64u *const *)r.p,
                                    (const int64u *const *)inverse.p, (const int64u *const *)g.d.p, NULL);
    wipe_words(&inverse);
    finish_signing(&g, shape, ops, n, status);
}

static bool make_p256(struct sl_op_nonce *out) { return make_nonces(SL_OP_P256, out); }
static bool make_p384(struct sl_op_nonce *out) { return make_nonces(SL_OP_P384, out); }

static void sign_p256(struct sl_op **ops, struct sl_op_nonce *nonces, uint32_t n)
{
    sign_with(SL_OP_P256, ops, nonces, n);
}

static void sign_p384(struct sl_op **ops, struct sl_op_nonce *nonces, uint32_t n)
{
    sign_with(SL_OP_P384, ops, nonces, n);
}

const struct sl_op_nonces *sl_op_cryptomb_nonces(enum sl_op_kind kind)
{
    static const struct sl_op_nonces p256 = {SL_OP_P256_SIGN, 43000, 1200, make_p256, sign_p256};
    static const struct sl_op_nonces p384 = {SL_OP_P384_SIGN, 170000, 1500, make_p384, sign_p384};

    return kind == SL_OP_P256_SIGN ? &p256 : kind == SL_OP_P384_SIGN ? &p384 : NULL;
}
