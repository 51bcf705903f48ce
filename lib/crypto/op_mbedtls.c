/* Key operations by mbedTLS: the plain twin, always there. Every call makes its numbers anew and frees them, so that
 * nothing of a key stays in mbedTLS's allocator, which may be an arena of somebody else's. Blinding is mbedTLS's. */
#include <errno.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/rsa.h>

#include "crypto/op.h"

static const uint32_t price_ns[SL_OP_KIND_COUNT] = {
    [SL_OP_P256_AGREE] = 540000,        [SL_OP_P256_GENERATE] = 190000,    [SL_OP_P256_SIGN] = 240000,
    [SL_OP_P256_VERIFY] = 830000,       [SL_OP_P384_AGREE] = 1000000,      [SL_OP_P384_GENERATE] = 340000,
    [SL_OP_P384_SIGN] = 420000,         [SL_OP_P384_VERIFY] = 1600000,     [SL_OP_RSA2048_PRIVATE] = 3100000,
    [SL_OP_RSA2048_PUBLIC] = 76000,     [SL_OP_RSA3072_PRIVATE] = 8400000, [SL_OP_RSA3072_PUBLIC] = 170000,
    [SL_OP_RSA4096_PRIVATE] = 18000000, [SL_OP_RSA4096_PUBLIC] = 320000,   [SL_OP_X25519_AGREE] = 380000,
    [SL_OP_X25519_GENERATE] = 390000,
};

static const mbedtls_ecp_group_id group_id[] = {
    [SL_OP_X25519] = MBEDTLS_ECP_DP_CURVE25519,
    [SL_OP_P256] = MBEDTLS_ECP_DP_SECP256R1,
    [SL_OP_P384] = MBEDTLS_ECP_DP_SECP384R1,
};

/* What an elliptic-curve operation works with. */
struct numbers {
    mbedtls_ecp_group group;
    mbedtls_ecp_point point, result;
    mbedtls_mpi d, r, s;
};

static int start(struct numbers *n, enum sl_op_group group)
{
    mbedtls_ecp_group_init(&n->group);
    mbedtls_ecp_point_init(&n->point);
    mbedtls_ecp_point_init(&n->result);
    mbedtls_mpi_init(&n->d);
    mbedtls_mpi_init(&n->r);
    mbedtls_mpi_init(&n->s);
    return mbedtls_ecp_group_load(&n->group, group_id[group]);
}

static void stop(struct numbers *n)
{
    mbedtls_ecp_group_free(&n->group);
    mbedtls_ecp_point_free(&n->point);
    mbedtls_ecp_point_free(&n->result);
    mbedtls_mpi_free(&n->d);
    mbedtls_mpi_free(&n->r);
    mbedtls_mpi_free(&n->s);
}

static int read_scalar(struct numbers *n, const struct sl_op_shape *shape, const uint8_t *scalar)
{
    uint8_t fixed[32];
    int ret;

    if (shape->group != SL_OP_X25519)
        return mbedtls_mpi_read_binary(&n->d, scalar, shape->bytes);
    memcpy(fixed, scalar, sizeof fixed); /* RFC 7748 5: decodeScalar25519 */
    fixed[0] &= 0xf8;
    fixed[31] = (uint8_t)((fixed[31] & 0x7f) | 0x40);
    ret = mbedtls_mpi_read_binary_le(&n->d, fixed, sizeof fixed);
    sl_crypto_wipe(fixed, sizeof fixed);
    return ret;
}

static size_t point_bytes(const struct sl_op_shape *shape)
{
    return shape->group == SL_OP_X25519 ? shape->bytes : 1 + 2 * (size_t)shape->bytes;
}

static int read_point(struct numbers *n, const struct sl_op_shape *shape, const uint8_t *point)
{
    int ret;

    if (shape->group != SL_OP_X25519 && point[0] != 4)
        return MBEDTLS_ERR_ECP_INVALID_KEY;
    ret = mbedtls_ecp_point_read_binary(&n->group, &n->point, point, point_bytes(shape));
    return ret ? ret : mbedtls_ecp_check_pubkey(&n->group, &n->point);
}

static int generate(struct numbers *n, const struct sl_op_shape *shape, struct sl_op *op)
{
    size_t bytes;
    int ret;

    sl_op_random_scalar(shape->group, op->dh.scalar);
    if ((ret = read_scalar(n, shape, op->dh.scalar)))
        return ret;
    ret = mbedtls_ecp_mul(&n->group, &n->result, &n->d, &n->group.G, sl_crypto_mbedtls_random, NULL);
    if (ret)
        return ret;
    return mbedtls_ecp_point_write_binary(&n->group, &n->result, MBEDTLS_ECP_PF_UNCOMPRESSED, &bytes, op->dh.point,
                                          point_bytes(shape));
}

static int agree(struct numbers *n, const struct sl_op_shape *shape, struct sl_op *op)
{
    int ret;

    if ((ret = read_scalar(n, shape, op->dh.scalar)) || (ret = read_point(n, shape, op->dh.point)))
        return ret;
    ret = mbedtls_ecp_mul(&n->group, &n->result, &n->d, &n->point, sl_crypto_mbedtls_random, NULL);
    if (ret)
        return ret;
    if (shape->group != SL_OP_X25519)
        return mbedtls_mpi_write_binary(&n->result.MBEDTLS_PRIVATE(X), op->dh.secret, shape->bytes);
    if (mbedtls_mpi_cmp_int(&n->result.MBEDTLS_PRIVATE(X), 0) == 0)
        return MBEDTLS_ERR_ECP_INVALID_KEY; /* RFC 7748 6.1 */
    return mbedtls_mpi_write_binary_le(&n->result.MBEDTLS_PRIVATE(X), op->dh.secret, shape->bytes);
}

static int sign(struct numbers *n, const struct sl_op_shape *shape, struct sl_op *op)
{
    int ret;

    if ((ret = read_scalar(n, shape, op->key->scalar)))
        return ret;
    ret = mbedtls_ecdsa_sign(&n->group, &n->r, &n->s, &n->d, op->ecdsa.hash, op->ecdsa.hash_bytes,
                             sl_crypto_mbedtls_random, NULL);
    if (ret || (ret = mbedtls_mpi_write_binary(&n->r, op->ecdsa.r, shape->bytes)))
        return ret;
    return mbedtls_mpi_write_binary(&n->s, op->ecdsa.s, shape->bytes);
}

static int verify(struct numbers *n, const struct sl_op_shape *shape, struct sl_op *op)
{
    int ret;

    if ((ret = read_point(n, shape, op->key->point)) ||
        (ret = mbedtls_mpi_read_binary(&n->r, op->ecdsa.r, shape->bytes)) ||
        (ret = mbedtls_mpi_read_binary(&n->s, op->ecdsa.s, shape->bytes)))
        return ret;
    return mbedtls_ecdsa_verify(&n->group, op->ecdsa.hash, op->ecdsa.hash_bytes, &n->point, &n->r, &n->s);
}

typedef int curve_fn(struct numbers *n, const struct sl_op_shape *shape, struct sl_op *op);
static curve_fn *const curve_do[] = {
    [SL_OP_GENERATE] = generate, [SL_OP_AGREE] = agree, [SL_OP_SIGN] = sign, [SL_OP_VERIFY] = verify};

static int do_curve(const struct sl_op_shape *shape, struct sl_op *op)
{
    struct numbers n;
    int ret = start(&n, shape->group);

    if (!ret)
        ret = curve_do[shape->verb](&n, shape, op);
    stop(&n);
    return ret;
}

/* What mbedTLS derives when it is given less: its order in the context is its own affair, so each number is named. */
static int read_private(mbedtls_rsa_context *rsa, const struct sl_op_key *key, uint32_t half)
{
    int ret;

    if ((ret = mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(P), key->p, half)) ||
        (ret = mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(Q), key->q, half)) ||
        (ret = mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(DP), key->dp, half)) ||
        (ret = mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(DQ), key->dq, half)))
        return ret;
    return mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(QP), key->qinv, half);
}

static int read_rsa(mbedtls_rsa_context *rsa, const struct sl_op_key *key)
{
    const struct sl_op_shape *shape = &sl_op_shape[key->kind];
    int ret;

    rsa->MBEDTLS_PRIVATE(len) = shape->bytes;
    if ((ret = mbedtls_mpi_read_binary(&rsa->MBEDTLS_PRIVATE(N), key->n, shape->bytes)) ||
        (ret = mbedtls_mpi_lset(&rsa->MBEDTLS_PRIVATE(E), 65537)))
        return ret;
    return key->p ? read_private(rsa, key, shape->bytes / 2) : 0;
}

/* mbedTLS verifies what it computed by the remainders (RFC 8017 5.2.1) and blinds base and exponents. */
static int do_rsa(const struct sl_op_shape *shape, struct sl_op *op)
{
    mbedtls_rsa_context rsa;
    int ret;

    mbedtls_rsa_init(&rsa);
    ret = read_rsa(&rsa, op->key);
    if (!ret)
        ret = shape->verb == SL_OP_PRIVATE
                  ? mbedtls_rsa_private(&rsa, sl_crypto_mbedtls_random, NULL, op->rsa.in, op->rsa.out)
                  : mbedtls_rsa_public(&rsa, op->rsa.in, op->rsa.out);
    mbedtls_rsa_free(&rsa);
    return ret;
}

static bool has(enum sl_op_kind kind)
{
    (void)kind;
    return true;
}

static void run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n)
{
    const struct sl_op_shape *shape = &sl_op_shape[kind];

    for (uint32_t i = 0; i < n; i++)
        ops[i]->status = (shape->group == SL_OP_RSA ? do_rsa(shape, ops[i]) : do_curve(shape, ops[i])) ? -EINVAL : 0;
}

const struct sl_op_backend sl_op_mbedtls = {
    .name = "mbedtls", .width = 1, .has = has, .run = run, .price_ns = price_ns};

/* ---- what makes a key ---- */
/* d = 65537^-1 mod (prime - 1), and below it. */
static bool exponent_is_sound(const mbedtls_mpi *d, const mbedtls_mpi *prime)
{
    mbedtls_mpi less, product;
    bool sound = false;

    mbedtls_mpi_init(&less);
    mbedtls_mpi_init(&product);
    if (!mbedtls_mpi_sub_int(&less, prime, 1) && mbedtls_mpi_cmp_mpi(d, &less) < 0 &&
        !mbedtls_mpi_mul_int(&product, d, 65537) && !mbedtls_mpi_mod_mpi(&product, &product, &less))
        sound = mbedtls_mpi_cmp_int(&product, 1) == 0;
    mbedtls_mpi_free(&less);
    mbedtls_mpi_free(&product);
    return sound;
}

static bool factors_are_sound(const mbedtls_rsa_context *rsa)
{
    const mbedtls_mpi *p = &rsa->MBEDTLS_PRIVATE(P), *q = &rsa->MBEDTLS_PRIVATE(Q), *qinv = &rsa->MBEDTLS_PRIVATE(QP);
    mbedtls_mpi product;
    bool sound = false;

    mbedtls_mpi_init(&product);
    if (mbedtls_mpi_cmp_int(p, 1) > 0 && mbedtls_mpi_cmp_mpi(qinv, p) < 0 && !mbedtls_mpi_mul_mpi(&product, p, q) &&
        mbedtls_mpi_cmp_mpi(&product, &rsa->MBEDTLS_PRIVATE(N)) == 0 && !mbedtls_mpi_mul_mpi(&product, q, qinv) &&
        !mbedtls_mpi_mod_mpi(&product, &product, p))
        sound = mbedtls_mpi_cmp_int(&product, 1) == 0;
    mbedtls_mpi_free(&product);
    return sound;
}

/* The modulus is odd and has all its bits; then p and q, half as long, have all theirs. */
static bool rsa_is_sound(const struct sl_op_key *key, uint32_t bytes)
{
    mbedtls_rsa_context rsa;
    bool sound = (key->n[0] & 0x80) && (key->n[bytes - 1] & 1);

    if (!sound || !key->p)
        return sound;
    mbedtls_rsa_init(&rsa);
    sound = !read_rsa(&rsa, key) && factors_are_sound(&rsa) &&
            exponent_is_sound(&rsa.MBEDTLS_PRIVATE(DP), &rsa.MBEDTLS_PRIVATE(P)) &&
            exponent_is_sound(&rsa.MBEDTLS_PRIVATE(DQ), &rsa.MBEDTLS_PRIVATE(Q));
    mbedtls_rsa_free(&rsa);
    return sound;
}

static bool point_is_sound(const struct sl_op_key *key, const struct sl_op_shape *shape)
{
    struct numbers n;
    bool sound = !start(&n, shape->group) && !read_point(&n, shape, key->point);

    stop(&n);
    return sound;
}

bool sl_op_key_is_sound(const struct sl_op_key *key)
{
    const struct sl_op_shape *shape = &sl_op_shape[key->kind];

    if (shape->group == SL_OP_RSA)
        return rsa_is_sound(key, shape->bytes);
    if (key->point)
        return point_is_sound(key, shape);
    return sl_op_in_range(key->scalar, sl_op_curve[shape->group].n, shape->bytes);
}
