/* Chains and keys. */
#include "tls/certificate.h"

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 4096 /* one signature beyond holds the worker's loop for tens of milliseconds */

static enum sl_cert_fault parse_chain(struct sl_certificate *cert, const struct sl_conf_certificate *conf, uint32_t *at)
{
    int ret;

    if (!strstr((const char *)conf->chain_pem, "-----BEGIN CERTIFICATE-----"))
        return SL_CERT_CHAIN_NOT_PEM;
    ret = mbedtls_x509_crt_parse(&cert->chain, conf->chain_pem, conf->chain_len);
    *at = 0;
    for (const mbedtls_x509_crt *c = &cert->chain; c && c->raw.p; c = c->next)
        ++*at;
    return ret == 0 ? SL_CERT_OK : SL_CERT_CHAIN_UNREADABLE;
}

static enum sl_cert_fault parse_key(struct sl_certificate *cert, const struct sl_conf_certificate *conf)
{
    int ret;

    if (!strstr((const char *)conf->key_pem, "-----BEGIN "))
        return SL_CERT_KEY_NOT_PEM;
    if (strstr((const char *)conf->key_pem, "ENCRYPTED")) /* PKCS#8's label, or the header of RFC 1421 */
        return SL_CERT_KEY_ENCRYPTED;
    ret = mbedtls_pk_parse_key(&cert->key, conf->key_pem, conf->key_len, NULL, 0, sl_crypto_mbedtls_random, NULL);
    if (ret == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || ret == MBEDTLS_ERR_PK_INVALID_ALG)
        return SL_CERT_TYPE;
    if (ret == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE || ret == MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE)
        return SL_CERT_CURVE;
    return ret == 0 ? SL_CERT_OK : SL_CERT_KEY_UNREADABLE;
}

static const struct key_type {
    mbedtls_ecp_group_id curve; /* NONE: RSA */
    uint16_t bits;
    enum sl_op_kind sign;
} key_types[] = {
    {MBEDTLS_ECP_DP_SECP256R1, 256, SL_OP_P256_SIGN},   {MBEDTLS_ECP_DP_SECP384R1, 384, SL_OP_P384_SIGN},
    {MBEDTLS_ECP_DP_NONE, 2048, SL_OP_RSA2048_PRIVATE}, {MBEDTLS_ECP_DP_NONE, 3072, SL_OP_RSA3072_PRIVATE},
    {MBEDTLS_ECP_DP_NONE, 4096, SL_OP_RSA4096_PRIVATE},
};

static enum sl_cert_fault check_type(const struct sl_certificate *cert, uint32_t *at)
{
    mbedtls_ecp_group_id curve;

    *at = (uint32_t)mbedtls_pk_get_bitlen(&cert->key);
    if (mbedtls_pk_can_do(&cert->key, MBEDTLS_PK_RSA))
        return *at >= RSA_MIN_BITS && *at <= RSA_MAX_BITS ? SL_CERT_OK : SL_CERT_RSA_SIZE;
    if (!mbedtls_pk_can_do(&cert->key, MBEDTLS_PK_ECDSA))
        return SL_CERT_TYPE;
    curve = mbedtls_pk_ec(cert->key)->MBEDTLS_PRIVATE(grp).id;
    return curve == MBEDTLS_ECP_DP_SECP256R1 || curve == MBEDTLS_ECP_DP_SECP384R1 ? SL_CERT_OK : SL_CERT_CURVE;
}

static struct sl_op_key *ec_key(const struct sl_certificate *cert)
{
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES];
    struct sl_op_key_parts parts = {.kind = cert->op_kind, .scalar = scalar};
    struct sl_op_key *key = NULL;
    size_t len;

    if (mbedtls_ecp_write_key_ext(mbedtls_pk_ec(cert->key), &len, scalar, sizeof scalar) == 0 &&
        len == cert->number_bytes)
        key = sl_op_key_create(&parts);
    sl_crypto_wipe(scalar, sizeof scalar);
    return key;
}

static bool export(const struct sl_certificate *cert, uint8_t *n, uint8_t half[5][SL_OP_RSA_MAX_BYTES / 2])
{
    const mbedtls_rsa_context *rsa = mbedtls_pk_rsa(cert->key);
    size_t len = cert->number_bytes;
    mbedtls_mpi crt[3];
    uint8_t e[4];
    bool good = mbedtls_rsa_export_raw(rsa, n, len, half[0], len / 2, half[1], len / 2, NULL, 0, e, sizeof e) == 0 &&
                memcmp(e, "\0\1\0\1", 4) == 0;

    for (int i = 0; i < 3; i++)
        mbedtls_mpi_init(&crt[i]);
    good = good && mbedtls_rsa_export_crt(rsa, &crt[0], &crt[1], &crt[2]) == 0;
    for (int i = 0; i < 3; i++) {
        good = good && mbedtls_mpi_write_binary(&crt[i], half[i + 2], len / 2) == 0;
        mbedtls_mpi_free(&crt[i]);
    }
    return good;
}

static struct sl_op_key *rsa_key(const struct sl_certificate *cert)
{
    uint8_t n[SL_OP_RSA_MAX_BYTES], half[5][SL_OP_RSA_MAX_BYTES / 2];
    struct sl_op_key_parts parts = {
        .kind = cert->op_kind, .n = n, .p = half[0], .q = half[1], .dp = half[2], .dq = half[3], .qinv = half[4]};
    struct sl_op_key *key = export(cert, n, half) ? sl_op_key_create(&parts) : NULL;

    sl_crypto_wipe(half, sizeof half);
    return key;
}

/* RSA of odd sizes or exponents is left to mbedTLS. */
static void prepare_key(struct sl_certificate *cert)
{
    uint32_t bits = (uint32_t)mbedtls_pk_get_bitlen(&cert->key);

    cert->rsa = mbedtls_pk_can_do(&cert->key, MBEDTLS_PK_RSA);
    cert->number_bytes = (uint16_t)((bits + 7) / 8);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(key_types); i++) {
        if ((key_types[i].curve == MBEDTLS_ECP_DP_NONE) != cert->rsa || key_types[i].bits != bits)
            continue;
        cert->op_kind = key_types[i].sign;
        cert->op_key = cert->rsa ? rsa_key(cert) : ec_key(cert);
    }
}

static bool same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static bool key_of(const struct sl_certificate *cert, const mbedtls_x509_crt *crt)
{
    return mbedtls_pk_check_pair(&crt->pk, &cert->key, sl_crypto_mbedtls_random, NULL) == 0;
}

static enum sl_cert_fault check_chain(struct sl_certificate *cert, uint32_t *at)
{
    *at = 1;
    if (!key_of(cert, &cert->chain)) {
        for (const mbedtls_x509_crt *c = cert->chain.next; c; c = c->next) {
            ++*at;
            if (key_of(cert, c))
                return SL_CERT_CHAIN_KEY_LATER;
        }
        return SL_CERT_KEY_MISMATCH;
    }
    for (const mbedtls_x509_crt *c = &cert->chain; c->next; c = c->next, ++*at)
        if (!same_name(&c->issuer_raw, &c->next->subject_raw))
            return SL_CERT_CHAIN_ORDER;
    return SL_CERT_OK;
}

struct sl_certificate *sl_certificate_parse(const struct sl_conf_certificate *conf, enum sl_cert_fault *fault,
                                            uint32_t *at)
{
    struct sl_certificate *cert = calloc(1, sizeof *cert);

    *at = 0;
    *fault = SL_CERT_NO_MEMORY;
    if (!cert)
        return NULL;
    mbedtls_x509_crt_init(&cert->chain);
    mbedtls_pk_init(&cert->key);
    *fault = parse_key(cert,
                       conf); /* first: a type of key that mbedTLS does not know is told by the key, not by the chain */
    if (!*fault)
        *fault = parse_chain(cert, conf, at);
    if (!*fault)
        *fault = check_type(cert, at);
    if (!*fault)
        *fault = check_chain(cert, at);
    if (*fault) {
        sl_certificate_free(cert);
        return NULL;
    }
    prepare_key(cert);
    return cert;
}

void sl_certificate_free(struct sl_certificate *cert)
{
    if (!cert)
        return;
    sl_op_key_free(cert->op_key);
    mbedtls_x509_crt_free(&cert->chain);
    mbedtls_pk_free(&cert->key);
    free(cert);
}

bool sl_certificate_names(const mbedtls_x509_crt *crt, sl_certificate_name_fn fn, void *ctx)
{
    bool any = false;

    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s && s->buf.p; s = s->next) {
        if ((s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_DNS_NAME)
            continue;
        any = true;
        if (!fn(ctx, (const char *)s->buf.p, s->buf.len))
            return false;
    }
    if (any)
        return true;
    for (const mbedtls_x509_name *n = &crt->subject; n; n = n->next)
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0 && !fn(ctx, (const char *)n->val.p, n->val.len))
            return false;
    return true;
}

bool sl_certificate_look(const struct sl_conf_certificate *conf, bool *rsa, sl_certificate_name_fn fn, void *ctx)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    mbedtls_x509_crt crt;
    mbedtls_pem_context pem;
    size_t used;
    bool good = false;

    mbedtls_x509_crt_init(&crt);
    mbedtls_pem_init(&pem);
    if (mbedtls_pem_read_buffer(&pem, begin, end, conf->chain_pem, NULL, 0, &used) == 0) {
        size_t len;
        const unsigned char *der = mbedtls_pem_get_buffer(&pem, &len);

        if (mbedtls_x509_crt_parse_der_nocopy(&crt, der, len) == 0) {
            *rsa = mbedtls_pk_can_do(&crt.pk, MBEDTLS_PK_RSA);
            good = sl_certificate_names(&crt, fn, ctx);
        }
    }
    mbedtls_x509_crt_free(&crt);
    mbedtls_pem_free(&pem);
    return good;
}
