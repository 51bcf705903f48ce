/* Key operations by OpenSSL's libcrypto: one at a time, on processors without crypto_mb's instructions and for
 * operations without company. Its curves and exponentiations take constant time, its RSA blinds and checks what it
 * computed. ECDSA's nonces come from its own generator, mixed with key and digest. */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "crypto/op.h"

static const uint32_t price_ns[SL_OP_KIND_COUNT] = {
    [SL_OP_P256_AGREE] = 59000,        [SL_OP_P256_GENERATE] = 14000,     [SL_OP_P256_SIGN] = 26000,
    [SL_OP_P256_VERIFY] = 76000,       [SL_OP_P384_AGREE] = 680000,       [SL_OP_P384_GENERATE] = 680000,
    [SL_OP_P384_SIGN] = 720000,        [SL_OP_P384_VERIFY] = 630000,      [SL_OP_RSA2048_PRIVATE] = 310000,
    [SL_OP_RSA2048_PUBLIC] = 26000,    [SL_OP_RSA3072_PRIVATE] = 1900000, [SL_OP_RSA3072_PUBLIC] = 42000,
    [SL_OP_RSA4096_PRIVATE] = 4400000, [SL_OP_RSA4096_PUBLIC] = 72000,    [SL_OP_X25519_AGREE] = 42000,
    [SL_OP_X25519_GENERATE] = 41000,
};

static const char *const curve_name[] = {[SL_OP_P256] = "P-256", [SL_OP_P384] = "P-384"};
static const int curve_nid[] = {[SL_OP_P256] = NID_X9_62_prime256v1, [SL_OP_P384] = NID_secp384r1};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EC_GROUP *curves[SL_OP_GROUP_COUNT]; /* read only, once made; NULL: this libcrypto has not got it */

static void make_curves(void)
{
    curves[SL_OP_P256] = EC_GROUP_new_by_curve_name(curve_nid[SL_OP_P256]);
    curves[SL_OP_P384] = EC_GROUP_new_by_curve_name(curve_nid[SL_OP_P384]);
}

static bool has(enum sl_op_kind kind)
{
    enum sl_op_group group = sl_op_shape[kind].group;

    pthread_once(&once, make_curves);
    return (group != SL_OP_P256 && group != SL_OP_P384) || curves[group];
}

/* ---- X25519 (RFC 7748) ---- */
/* `public` of a private key is not looked at when a secret is derived, and costs a multiplication when it is not given. */
static EVP_PKEY *x25519_private(const uint8_t *scalar, const uint8_t *public)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)scalar, 32),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t) public, 32),
                           OSSL_PARAM_END};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    EVP_PKEY *key = NULL;

    if (ctx && EVP_PKEY_fromdata_init(ctx) > 0)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool x25519_generate(const struct sl_op_shape *shape, struct sl_op *op)
{
    size_t bytes = shape->bytes;
    EVP_PKEY *key;
    bool done;

    sl_op_random_scalar(shape->group, op->dh.scalar);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, op->dh.scalar, shape->bytes);
    done = key && EVP_PKEY_get_raw_public_key(key, op->dh.point, &bytes) > 0;
    EVP_PKEY_free(key);
    return done;
}

/* libcrypto refuses an all-zero secret. */
static bool x25519_agree(const struct sl_op_shape *shape, struct sl_op *op)
{
    EVP_PKEY *ours = x25519_private(op->dh.scalar, op->dh.point);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, op->dh.point, shape->bytes);
    EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
    size_t bytes = shape->bytes;
    bool done = ctx && theirs && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) > 0 &&
                EVP_PKEY_derive(ctx, op->dh.secret, &bytes) > 0;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return done;
}

/* ---- P-256 and P-384 ---- */
/* What a multiplication works with. */
struct numbers {
    BN_CTX *ctx;
    BIGNUM *k, *x;
    EC_POINT *point, *result;
};

static bool start(struct numbers *n, const struct sl_op_shape *shape, const uint8_t *scalar)
{
    n->ctx = BN_CTX_new();
    n->k = BN_bin2bn(scalar, (int)shape->bytes, BN_secure_new());
    n->x = BN_new();
    n->point = EC_POINT_new(curves[shape->group]);
    n->result = EC_POINT_new(curves[shape->group]);
    if (!n->ctx || !n->k || !n->x || !n->point || !n->result)
        return false;
    BN_set_flags(n->k, BN_FLG_CONSTTIME);
    return true;
}

static void stop(struct numbers *n)
{
    BN_clear_free(n->k);
    BN_clear_free(n->x);
    EC_POINT_clear_free(n->point);
    EC_POINT_clear_free(n->result);
    BN_CTX_free(n->ctx);
}

static bool generate(const struct sl_op_shape *shape, struct sl_op *op)
{
    const EC_GROUP *curve = curves[shape->group];
    size_t bytes = 1 + 2 * (size_t)shape->bytes;
    struct numbers n;
    bool done;

    sl_op_random_scalar(shape->group, op->dh.scalar);
    done = start(&n, shape, op->dh.scalar) && EC_POINT_mul(curve, n.result, n.k, NULL, NULL, n.ctx) > 0 &&
           EC_POINT_point2oct(curve, n.result, POINT_CONVERSION_UNCOMPRESSED, op->dh.point, bytes, n.ctx) == bytes;
    stop(&n);
    return done;
}

static bool agree(const struct sl_op_shape *shape, struct sl_op *op)
{
    const EC_GROUP *curve = curves[shape->group];
    struct numbers n;
    bool done = start(&n, shape, op->dh.scalar) &&
                sl_op_in_range(op->dh.scalar, sl_op_curve[shape->group].n, shape->bytes) &&
                sl_op_point_is_plain(shape->group, op->dh.point) &&
                EC_POINT_oct2point(curve, n.point, op->dh.point, 1 + 2 * (size_t)shape->bytes, n.ctx) > 0 &&
                EC_POINT_mul(curve, n.result, NULL, n.point, n.k, n.ctx) > 0 &&
                EC_POINT_get_affine_coordinates(curve, n.result, n.x, NULL, n.ctx) > 0 &&
                BN_bn2binpad(n.x, op->dh.secret, (int)shape->bytes) == (int)shape->bytes;

    stop(&n);
    return done;
}

static bool sign(const struct sl_op_shape *shape, struct sl_op *op)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->key->prepared, NULL);
    uint8_t e[SL_OP_SCALAR_MAX_BYTES], der[SL_ECDSA_DER_MAX_BYTES];
    size_t der_bytes = sizeof der;
    bool done;

    sl_op_digest_number(shape->group, op->ecdsa.hash, op->ecdsa.hash_bytes, e);
    done = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_sign(ctx, der, &der_bytes, e, shape->bytes) > 0 &&
           sl_ecdsa_der_parse(der, der_bytes, op->ecdsa.r, op->ecdsa.s, shape->bytes);
    EVP_PKEY_CTX_free(ctx);
    return done;
}

static bool verify(const struct sl_op_shape *shape, struct sl_op *op)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->key->prepared, NULL);
    uint8_t e[SL_OP_SCALAR_MAX_BYTES], der[SL_ECDSA_DER_MAX_BYTES];
    uint32_t der_bytes = sl_ecdsa_der(der, op->ecdsa.r, op->ecdsa.s, shape->bytes);
    bool good;

    sl_op_digest_number(shape->group, op->ecdsa.hash, op->ecdsa.hash_bytes, e);
    good = ctx && EVP_PKEY_verify_init(ctx) > 0 && EVP_PKEY_verify(ctx, der, der_bytes, e, shape->bytes) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* ---- RSA ---- */
/* libcrypto checks its result by the public exponent; should it give up nevertheless, the plain twin has a try. */
static bool rsa_private(const struct sl_op_shape *shape, struct sl_op *op)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->key->prepared, NULL);
    size_t bytes = shape->bytes;
    bool done = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                EVP_PKEY_sign(ctx, op->rsa.out, &bytes, op->rsa.in, bytes) > 0;

    EVP_PKEY_CTX_free(ctx);
    if (done || !sl_op_below(op->rsa.in, op->key->n, shape->bytes))
        return done;
    sl_op_mbedtls.run(op->kind, &op, 1);
    return op->status == 0;
}

static bool rsa_public(const struct sl_op_shape *shape, struct sl_op *op)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(op->key->prepared, NULL);
    size_t bytes = shape->bytes;
    bool done = ctx && EVP_PKEY_encrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                EVP_PKEY_encrypt(ctx, op->rsa.out, &bytes, op->rsa.in, bytes) > 0;

    EVP_PKEY_CTX_free(ctx);
    return done;
}

/* ---- keys ---- */
/* A number of a key on its way into libcrypto, which reads it when the parameters are built. */
static BIGNUM *push(OSSL_PARAM_BLD *bld, const char *name, const uint8_t *bytes, size_t n, bool *ok)
{
    BIGNUM *number = BN_bin2bn(bytes, (int)n, NULL);

    *ok = *ok && number && OSSL_PARAM_BLD_push_BN(bld, name, number) > 0;
    return number;
}

static EVP_PKEY *from_params(OSSL_PARAM_BLD *bld, const char *type, int selection)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0)
        (void)EVP_PKEY_fromdata(ctx, &key, selection, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *prepare_curve(const struct sl_op_key *key, OSSL_PARAM_BLD *bld)
{
    const struct sl_op_shape *shape = &sl_op_shape[key->kind];
    bool ok = OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve_name[shape->group], 0) > 0;
    BIGNUM *d = NULL;
    EVP_PKEY *made;

    if (key->scalar)
        d = push(bld, OSSL_PKEY_PARAM_PRIV_KEY, key->scalar, shape->bytes, &ok);
    else
        ok = ok && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, key->point, 1 + 2 * shape->bytes) > 0;
    made = ok ? from_params(bld, "EC", key->scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY) : NULL;
    BN_clear_free(d);
    return made;
}

/* The private exponent, which libcrypto wants although it computes by the remainders: 65537^-1 mod (p - 1)(q - 1). */
static BIGNUM *private_exponent(const BIGNUM *p, const BIGNUM *q)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *e = BN_new(), *d = NULL, *p1 = BN_dup(p), *q1 = BN_dup(q), *phi = BN_new();

    if (ctx && e && p1 && q1 && phi && BN_set_word(e, 65537) && BN_sub_word(p1, 1) && BN_sub_word(q1, 1) &&
        BN_mul(phi, p1, q1, ctx)) {
        BN_set_flags(phi, BN_FLG_CONSTTIME);
        d = BN_mod_inverse(NULL, e, phi, ctx);
    }
    BN_free(e);
    BN_clear_free(p1);
    BN_clear_free(q1);
    BN_clear_free(phi);
    BN_CTX_free(ctx);
    return d;
}

static EVP_PKEY *prepare_rsa(const struct sl_op_key *key, OSSL_PARAM_BLD *bld)
{
    size_t bytes = sl_op_shape[key->kind].bytes, half = bytes / 2;
    bool ok = OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, 65537) > 0;
    BIGNUM *number[7] = {push(bld, OSSL_PKEY_PARAM_RSA_N, key->n, bytes, &ok)};
    EVP_PKEY *made;

    if (key->p) {
        number[1] = push(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, key->p, half, &ok);
        number[2] = push(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, key->q, half, &ok);
        number[3] = push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, key->dp, half, &ok);
        number[4] = push(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, key->dq, half, &ok);
        number[5] = push(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, key->qinv, half, &ok);
        number[6] = ok ? private_exponent(number[1], number[2]) : NULL;
        ok = ok && number[6] && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, number[6]) > 0;
    }
    made = ok ? from_params(bld, "RSA", key->p ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY) : NULL;
    for (size_t i = 0; i < SL_ARRAY_LEN(number); i++)
        BN_clear_free(number[i]);
    return made;
}

int sl_op_libcrypto_prepare(struct sl_op_key *key)
{
    OSSL_PARAM_BLD *bld;

    if (!has(key->kind))
        return 0;
    bld = OSSL_PARAM_BLD_new();
    if (bld)
        key->prepared = sl_op_shape[key->kind].group == SL_OP_RSA ? prepare_rsa(key, bld) : prepare_curve(key, bld);
    OSSL_PARAM_BLD_free(bld);
    ERR_clear_error();
    return key->prepared ? 0 : -ENOMEM;
}

void sl_op_libcrypto_forget(struct sl_op_key *key) { EVP_PKEY_free(key->prepared); }

/* ---- the backend ---- */
typedef bool verb_fn(const struct sl_op_shape *shape, struct sl_op *op);
static verb_fn *const verbs[SL_OP_GROUP_COUNT][SL_OP_PUBLIC + 1] = {
    [SL_OP_X25519] = {[SL_OP_GENERATE] = x25519_generate, [SL_OP_AGREE] = x25519_agree},
    [SL_OP_P256] = {[SL_OP_GENERATE] = generate, [SL_OP_AGREE] = agree, [SL_OP_SIGN] = sign, [SL_OP_VERIFY] = verify},
    [SL_OP_P384] = {[SL_OP_GENERATE] = generate, [SL_OP_AGREE] = agree, [SL_OP_SIGN] = sign, [SL_OP_VERIFY] = verify},
    [SL_OP_RSA] = {[SL_OP_PRIVATE] = rsa_private, [SL_OP_PUBLIC] = rsa_public},
};

static void run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n)
{
    const struct sl_op_shape *shape = &sl_op_shape[kind];

    for (uint32_t i = 0; i < n; i++) {
        ops[i]->status = verbs[shape->group][shape->verb](shape, ops[i]) ? 0 : -EINVAL;
        if (ops[i]->status)
            ERR_clear_error();
    }
}

const struct sl_op_backend sl_op_libcrypto = {
    .name = "libcrypto", .width = 1, .has = has, .run = run, .price_ns = price_ns};
