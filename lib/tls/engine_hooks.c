/* What stands in for mbedTLS's key operations wherever its TLS calls them (sluice_hooks.h among mbedTLS's files): on a
 * fiber of ours the handshake parks until the worker has computed the operation; elsewhere, and for what we have no
 * operation for, they are mbedTLS's own. */
#define SLUICE_HOOKS_PROTOTYPES
#include <sluice_hooks.h>

#include "tls/certificate.h"
#include "tls/engine_mbedtls.h"

#define OUR_KEY ((mbedtls_svc_key_id_t)1) /* below PSA's volatile keys; a handshake has one at a time */

static const struct group {
    psa_key_type_t type; /* as 1.3 names it */
    uint16_t bits;
    mbedtls_ecp_group_id id; /* as 1.2 names it */
    uint16_t iana;
    enum sl_op_kind generate, agree;
    uint8_t point_bytes, secret_bytes;
} groups[] = {
    {PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY), 255, MBEDTLS_ECP_DP_CURVE25519,
     MBEDTLS_SSL_IANA_TLS_GROUP_X25519, SL_OP_X25519_GENERATE, SL_OP_X25519_AGREE, 32, 32},
    {PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 256, MBEDTLS_ECP_DP_SECP256R1,
     MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, SL_OP_P256_GENERATE, SL_OP_P256_AGREE, 65, 32},
    {PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), 384, MBEDTLS_ECP_DP_SECP384R1,
     MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, SL_OP_P384_GENERATE, SL_OP_P384_AGREE, 97, 48},
};

int sl_engine_compute(struct sl_engine *e, enum sl_op_kind kind)
{
    e->op.kind = kind;
    e->wants = SL_ENGINE_WANT_OPERATION;
    sl_fiber_park();
    return e->op.status;
}

void sl_engine_forget_op(struct sl_engine *e) { sl_crypto_wipe(&e->op, sizeof e->op); }

/* ---- key agreement ---- */

static void make_share(struct sl_engine *e, const struct group *g)
{
    struct sl_engine_share *share = &e->share;

    share->group = g;
    if (sl_op_ephemeral(e->policy->app.shared->ops, g->generate, share->scalar, share->ours))
        return;
    (void)sl_engine_compute(e, g->generate); /* without input there is nothing to fail on */
    memcpy(share->scalar, e->op.dh.scalar, sizeof share->scalar);
    memcpy(share->ours, e->op.dh.point, sizeof share->ours);
    sl_engine_forget_op(e);
}

/* False: the peer's half can't be used. */
static bool agree(struct sl_engine *e, const uint8_t *peer, size_t peer_len, uint8_t *out)
{
    const struct group *g = e->share.group;
    bool good = peer_len == g->point_bytes;

    if (good) {
        memcpy(e->op.dh.scalar, e->share.scalar, sizeof e->share.scalar);
        memcpy(e->op.dh.point, peer, peer_len);
        good = sl_engine_compute(e, g->agree) == 0;
        memcpy(out, e->op.dh.secret, g->secret_bytes);
        sl_engine_forget_op(e);
    }
    sl_crypto_wipe(&e->share, sizeof e->share);
    e->bad_share = !good;
    return good;
}

/* ---- TLS 1.3 ---- */

psa_status_t sl_hook_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    struct sl_engine *e = sl_engine_here();

    for (uint32_t i = 0; e && i < SL_ARRAY_LEN(groups); i++) {
        if (groups[i].type != psa_get_key_type(attributes) || groups[i].bits != psa_get_key_bits(attributes))
            continue;
        make_share(e, &groups[i]);
        *key = OUR_KEY;
        return PSA_SUCCESS;
    }
    return psa_generate_key(attributes, key);
}

/* The engine whose key it is; NULL: it is PSA's. */
static struct sl_engine *engine_of(mbedtls_svc_key_id_t key)
{
    struct sl_engine *e = sl_engine_here();

    return e && key == OUR_KEY ? e : NULL;
}

psa_status_t sl_hook_export_public_key(mbedtls_svc_key_id_t key, uint8_t *out, size_t room, size_t *len)
{
    const struct sl_engine *e = engine_of(key);

    if (!e)
        return psa_export_public_key(key, out, room, len);
    if (room < e->share.group->point_bytes)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    *len = e->share.group->point_bytes;
    memcpy(out, e->share.ours, *len);
    return PSA_SUCCESS;
}

psa_status_t sl_hook_get_key_attributes(mbedtls_svc_key_id_t key, psa_key_attributes_t *attributes)
{
    const struct sl_engine *e = engine_of(key);

    if (!e)
        return psa_get_key_attributes(key, attributes);
    psa_set_key_type(attributes, e->share.group->type);
    psa_set_key_bits(attributes, e->share.group->bits);
    return PSA_SUCCESS;
}

psa_status_t sl_hook_raw_key_agreement(psa_algorithm_t alg, mbedtls_svc_key_id_t key, const uint8_t *peer,
                                       size_t peer_len, uint8_t *out, size_t room, size_t *len)
{
    struct sl_engine *e = engine_of(key);

    if (!e)
        return psa_raw_key_agreement(alg, key, peer, peer_len, out, room, len);
    if (room < e->share.group->secret_bytes)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    *len = e->share.group->secret_bytes;
    return agree(e, peer, peer_len, out) ? PSA_SUCCESS : PSA_ERROR_INVALID_ARGUMENT;
}

psa_status_t sl_hook_destroy_key(mbedtls_svc_key_id_t key)
{
    struct sl_engine *e = engine_of(key);

    if (!e)
        return psa_destroy_key(key);
    sl_crypto_wipe(&e->share, sizeof e->share);
    return PSA_SUCCESS;
}

/* ---- TLS 1.2, server (RFC 8422 5.4, 5.7) ---- */

int sl_hook_ecdh_setup(mbedtls_ecdh_context *ctx, mbedtls_ecp_group_id group)
{
    struct sl_engine *e = sl_engine_here();

    for (uint32_t i = 0; e && i < SL_ARRAY_LEN(groups); i++) {
        if (groups[i].id != group)
            continue;
        make_share(e, &groups[i]);
        return 0;
    }
    return mbedtls_ecdh_setup(ctx, group);
}

/* The engine that made its half by our setup. */
static struct sl_engine *engine_with_share(void)
{
    struct sl_engine *e = sl_engine_here();

    return e && e->share.group ? e : NULL;
}

int sl_hook_ecdh_make_params(mbedtls_ecdh_context *ctx, size_t *len, unsigned char *out, size_t room,
                             sl_hook_rng *f_rng, void *p_rng)
{
    const struct sl_engine *e = engine_with_share();
    const struct group *g;

    if (!e)
        return mbedtls_ecdh_make_params(ctx, len, out, room, f_rng, p_rng);
    g = e->share.group;
    *len = 4u + g->point_bytes;
    if (room < *len)
        return MBEDTLS_ERR_ECP_BUFFER_TOO_SMALL;
    out[0] = MBEDTLS_ECP_TLS_NAMED_CURVE;
    out[1] = (uint8_t)(g->iana >> 8);
    out[2] = (uint8_t)g->iana;
    out[3] = g->point_bytes;
    memcpy(out + 4, e->share.ours, g->point_bytes);
    return 0;
}

int sl_hook_ecdh_read_public(mbedtls_ecdh_context *ctx, const unsigned char *in, size_t in_len)
{
    struct sl_engine *e = engine_with_share();

    if (!e)
        return mbedtls_ecdh_read_public(ctx, in, in_len);
    if (in_len != 1u + e->share.group->point_bytes || in[0] != e->share.group->point_bytes)
        return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    memcpy(e->share.peers, in + 1, e->share.group->point_bytes);
    return 0;
}

int sl_hook_ecdh_calc_secret(mbedtls_ecdh_context *ctx, size_t *len, unsigned char *out, size_t room,
                             sl_hook_rng *f_rng, void *p_rng)
{
    struct sl_engine *e = engine_with_share();
    uint8_t peer[SL_OP_POINT_MAX_BYTES];

    if (!e)
        return mbedtls_ecdh_calc_secret(ctx, len, out, room, f_rng, p_rng);
    *len = e->share.group->secret_bytes;
    if (room < *len)
        return MBEDTLS_ERR_ECP_BUFFER_TOO_SMALL;
    memcpy(peer, e->share.peers, sizeof peer);
    return agree(e, peer, e->share.group->point_bytes, out) ? 0 : MBEDTLS_ERR_ECP_INVALID_KEY;
}

/* ---- signatures ---- */

static const struct digest {
    mbedtls_md_type_t md;
    enum sl_rsa_hash hash;
} digests[] = {
    {MBEDTLS_MD_SHA256, SL_RSA_SHA256}, {MBEDTLS_MD_SHA384, SL_RSA_SHA384}, {MBEDTLS_MD_SHA512, SL_RSA_SHA512}};

bool sl_engine_rsa_hash(mbedtls_md_type_t md, enum sl_rsa_hash *hash)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(digests); i++)
        if (digests[i].md == md) {
            *hash = digests[i].hash;
            return true;
        }
    return false;
}

static const struct sl_certificate *certificate_of(const struct sl_engine *e, const mbedtls_pk_context *pk)
{
    for (uint32_t i = 0; i < e->start.n_certs; i++)
        if (&e->certs[i]->key == pk)
            return e->certs[i];
    return NULL;
}

static int sign_ecdsa(struct sl_engine *e, const struct sl_certificate *cert, const unsigned char *hash,
                      size_t hash_len, unsigned char *sig, size_t room, size_t *len)
{
    uint8_t der[SL_ECDSA_DER_MAX_BYTES];
    uint32_t n;
    int status;

    e->op.key = cert->op_key;
    e->op.ecdsa.hash_bytes = (uint32_t)hash_len;
    memcpy(e->op.ecdsa.hash, hash, hash_len);
    status = sl_engine_compute(e, cert->op_kind);
    n = status ? 0 : sl_ecdsa_der(der, e->op.ecdsa.r, e->op.ecdsa.s, cert->number_bytes);
    sl_engine_forget_op(e);
    if (!n || n > room)
        return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    memcpy(sig, der, n);
    *len = n;
    return 0;
}

static int sign_rsa(struct sl_engine *e, const struct sl_certificate *cert, bool pss, enum sl_rsa_hash md,
                    const unsigned char *hash, unsigned char *sig, size_t room, size_t *len)
{
    uint32_t bytes = cert->number_bytes;
    int status = room < bytes;

    e->op.key = cert->op_key;
    if (!status)
        status =
            pss ? sl_rsa_encode_pss(md, hash, e->op.rsa.in, bytes) : sl_rsa_encode_pkcs1(md, hash, e->op.rsa.in, bytes);
    if (!status)
        status = sl_engine_compute(e, cert->op_kind);
    if (!status)
        memcpy(sig, e->op.rsa.out, bytes);
    *len = bytes;
    sl_engine_forget_op(e);
    return status ? MBEDTLS_ERR_RSA_PRIVATE_FAILED : 0;
}

/* Signs by an operation; false when there is none for it. */
static bool sign(bool pss, const mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                 size_t hash_len, unsigned char *sig, size_t room, size_t *len, int *ret)
{
    struct sl_engine *e = sl_engine_here();
    const struct sl_certificate *cert = e ? certificate_of(e, pk) : NULL;
    enum sl_rsa_hash digest;

    if (e)
        e->signed_once = true;
    if (!cert || !cert->op_key || !sl_engine_rsa_hash(md, &digest) || hash_len > sizeof e->op.ecdsa.hash)
        return false;
    *ret = cert->rsa ? sign_rsa(e, cert, pss, digest, hash, sig, room, len)
                     : sign_ecdsa(e, cert, hash, hash_len, sig, room, len);
    return true;
}

int sl_hook_pk_sign(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash, size_t hash_len,
                    unsigned char *sig, size_t room, size_t *len, sl_hook_rng *f_rng, void *p_rng)
{
    int ret;

    if (sign(false, pk, md, hash, hash_len, sig, room, len, &ret))
        return ret;
    return mbedtls_pk_sign(pk, md, hash, hash_len, sig, room, len, f_rng, p_rng);
}

int sl_hook_pk_sign_ext(mbedtls_pk_type_t type, mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                        size_t hash_len, unsigned char *sig, size_t room, size_t *len, sl_hook_rng *f_rng, void *p_rng)
{
    int ret;

    if (sign(type == MBEDTLS_PK_RSASSA_PSS, pk, md, hash, hash_len, sig, room, len, &ret))
        return ret;
    return mbedtls_pk_sign_ext(type, pk, md, hash, hash_len, sig, room, len, f_rng, p_rng);
}
