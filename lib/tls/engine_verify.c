/* Signatures of the peer's certificates and of its handshake, looked at by operations in batches like all others; and
 * what a peer's keys may cost us. */
#define SLUICE_HOOKS_PROTOTYPES
#include <sluice_hooks.h>

#include "tls/engine_mbedtls.h"

/* A chain of eight, their revocation lists and the handshake's own take fewer; one whose certificates all have one name
 * would have us try every key with every signature. */
#define VERIFIED_MAX 32
#define RSA_MAX_BITS 4096

static const struct curve {
    mbedtls_ecp_group_id id;
    enum sl_op_kind kind;
    uint8_t bytes;
} curves[] = {{MBEDTLS_ECP_DP_SECP256R1, SL_OP_P256_VERIFY, 32}, {MBEDTLS_ECP_DP_SECP384R1, SL_OP_P384_VERIFY, 48}};

static const struct {
    size_t bits;
    enum sl_op_kind kind;
} moduli[] = {{2048, SL_OP_RSA2048_PUBLIC}, {3072, SL_OP_RSA3072_PUBLIC}, {4096, SL_OP_RSA4096_PUBLIC}};

static const uint8_t exponent_of_ours[4] = {0, 1, 0, 1};

/* What is signed, and how. */
struct signature {
    mbedtls_pk_context *pk;
    bool pss;
    mbedtls_md_type_t md;
    const unsigned char *hash, *sig;
    size_t hash_len, sig_len;
};

/* Computes with a key of this one use; false: the signature is wrong, or there is no memory. */
static bool compute_with(struct sl_engine *e, const struct sl_op_key_parts *parts)
{
    bool good;

    e->verify_key = sl_op_key_create(parts);
    if (!e->verify_key)
        return false;
    e->op.key = e->verify_key;
    good = sl_engine_compute(e, parts->kind) == 0;
    sl_op_key_free(e->verify_key);
    e->verify_key = NULL;
    return good;
}

static bool ecdsa(struct sl_engine *e, const struct signature *s, const struct curve *c, const uint8_t *point)
{
    bool good = sl_ecdsa_der_parse(s->sig, s->sig_len, e->op.ecdsa.r, e->op.ecdsa.s, c->bytes);

    memcpy(e->op.ecdsa.hash, s->hash, s->hash_len);
    e->op.ecdsa.hash_bytes = (uint32_t)s->hash_len;
    good = good && compute_with(e, &(struct sl_op_key_parts){.kind = c->kind, .point = point});
    sl_engine_forget_op(e);
    return good;
}

/* False: no operation for it; otherwise *good. */
static bool try_ecdsa(struct sl_engine *e, const struct signature *s, bool *good)
{
    mbedtls_ecp_keypair *key = mbedtls_pk_ec(*s->pk);
    uint8_t point[SL_OP_POINT_MAX_BYTES];
    size_t len;

    for (uint32_t i = 0; i < SL_ARRAY_LEN(curves); i++) {
        if (curves[i].id != key->MBEDTLS_PRIVATE(grp).id)
            continue;
        *good = mbedtls_ecp_point_write_binary(&key->MBEDTLS_PRIVATE(grp), &key->MBEDTLS_PRIVATE(Q),
                                               MBEDTLS_ECP_PF_UNCOMPRESSED, &len, point, sizeof point) == 0 &&
                ecdsa(e, s, &curves[i], point);
        return true;
    }
    return false;
}

static bool rsa(struct sl_engine *e, const struct signature *s, enum sl_op_kind kind, enum sl_rsa_hash hash,
                const uint8_t *n, uint32_t bytes)
{
    bool good = s->sig_len == bytes;

    if (good)
        memcpy(e->op.rsa.in, s->sig, bytes);
    good = good && compute_with(e, &(struct sl_op_key_parts){.kind = kind, .n = n});
    good = good && (s->pss ? sl_rsa_check_pss(hash, s->hash, e->op.rsa.out, bytes)
                           : sl_rsa_check_pkcs1(hash, s->hash, e->op.rsa.out, bytes));
    sl_engine_forget_op(e);
    return good;
}

/* The same; a key that would cost more than ours do is not computed with at all. */
static bool try_rsa(struct sl_engine *e, const struct signature *s, bool *good)
{
    const mbedtls_rsa_context *key = mbedtls_pk_rsa(*s->pk);
    size_t bits = mbedtls_rsa_get_bitlen(key);
    uint8_t n[SL_OP_RSA_MAX_BYTES], exponent[sizeof exponent_of_ours];
    enum sl_rsa_hash hash;

    *good = false;
    if (bits > RSA_MAX_BITS ||
        mbedtls_rsa_export_raw(key, NULL, 0, NULL, 0, NULL, 0, NULL, 0, exponent, sizeof exponent) != 0)
        return true;
    for (uint32_t i = 0; i < SL_ARRAY_LEN(moduli); i++) {
        if (moduli[i].bits != bits || memcmp(exponent, exponent_of_ours, sizeof exponent) != 0 ||
            s->hash_len != mbedtls_md_get_size_from_type(s->md) || !sl_engine_rsa_hash(s->md, &hash))
            continue;
        *good = mbedtls_rsa_export_raw(key, n, bits / 8, NULL, 0, NULL, 0, NULL, 0, NULL, 0) == 0 &&
                rsa(e, s, moduli[i].kind, hash, n, (uint32_t)bits / 8);
        return true;
    }
    return false;
}

/* Whether an operation has looked at it, or need not. */
static bool verify(struct signature *s, bool *good)
{
    struct sl_engine *e = sl_engine_here();
    size_t digest = mbedtls_md_get_size_from_type(s->md);

    *good = false;
    if (!e)
        return false;
    if (e->verified++ >= VERIFIED_MAX)
        return true;
    if (!s->hash_len)
        s->hash_len = digest;
    if (mbedtls_pk_can_do(s->pk, MBEDTLS_PK_RSA))
        return try_rsa(e, s, good);
    if (!digest || s->hash_len != digest || digest > SL_OP_HASH_MAX_BYTES)
        return false;
    return mbedtls_pk_can_do(s->pk, MBEDTLS_PK_ECDSA) && try_ecdsa(e, s, good);
}

int sl_hook_pk_verify(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash, size_t hash_len,
                      const unsigned char *sig, size_t sig_len)
{
    struct signature s = {.pk = pk, .md = md, .hash = hash, .hash_len = hash_len, .sig = sig, .sig_len = sig_len};
    bool good;

    if (!verify(&s, &good))
        good = mbedtls_pk_verify(pk, md, hash, hash_len, sig, sig_len) == 0;
    return good ? 0 : MBEDTLS_ERR_ECP_VERIFY_FAILED;
}

int sl_hook_pk_verify_restartable(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                                  size_t hash_len, const unsigned char *sig, size_t sig_len, void *none)
{
    (void)none;
    return sl_hook_pk_verify(pk, md, hash, hash_len, sig, sig_len);
}

/* Our check of PSS wants a salt as long as the digest, as TLS does (RFC 8446 4.2.3); certificates may have others. */
static bool salted_as_tls(const mbedtls_pk_rsassa_pss_options *pss, mbedtls_md_type_t md)
{
    return pss && pss->mgf1_hash_id == md && pss->expected_salt_len == (int)mbedtls_md_get_size_from_type(md);
}

int sl_hook_pk_verify_ext(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *pk, mbedtls_md_type_t md,
                          const unsigned char *hash, size_t hash_len, const unsigned char *sig, size_t sig_len)
{
    struct signature s = {.pk = pk,
                          .pss = type == MBEDTLS_PK_RSASSA_PSS,
                          .md = md,
                          .hash = hash,
                          .hash_len = hash_len,
                          .sig = sig,
                          .sig_len = sig_len};
    bool good = false;

    if (!mbedtls_pk_can_do(pk, s.pss ? MBEDTLS_PK_RSA : type))
        return MBEDTLS_ERR_PK_TYPE_MISMATCH;
    if (s.pss && !salted_as_tls(options, md))
        s.md = MBEDTLS_MD_NONE; /* for mbedTLS, if at all */
    if (!verify(&s, &good))
        good = mbedtls_pk_verify_ext(type, options, pk, md, hash, hash_len, sig, sig_len) == 0;
    return good ? 0 : MBEDTLS_ERR_ECP_VERIFY_FAILED;
}
