/* Revocation lists, which mbedTLS reads but does not write (RFC 5280 5.1). */
#include "helpers/tls_kit.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define ROOM 4096

/* DER is written from its end to its beginning. */
struct der {
    uint8_t bytes[ROOM], *p;
};

static void must(bool good)
{
    if (!good)
        abort();
}

static size_t length(const struct der *d) { return (size_t)(d->bytes + ROOM - d->p); }

static void put(struct der *d, const void *bytes, size_t len)
{
    must(mbedtls_asn1_write_raw_buffer(&d->p, d->bytes, bytes, len) >= 0);
}

/* A header over what was written since `end` bytes stood there. */
static void wrap(struct der *d, size_t end, uint8_t tag)
{
    must(mbedtls_asn1_write_len(&d->p, d->bytes, length(d) - end) >= 0);
    must(mbedtls_asn1_write_tag(&d->p, d->bytes, tag) >= 0);
}

static void put_time(struct der *d, const char *utc)
{
    size_t end = length(d);

    put(d, utc, strlen(utc));
    wrap(d, end, MBEDTLS_ASN1_UTC_TIME);
}

static void put_algorithm(struct der *d, mbedtls_pk_type_t type)
{
    const char *oid;
    size_t len;

    must(mbedtls_oid_get_oid_by_sig_alg(type, MBEDTLS_MD_SHA256, &oid, &len) == 0);
    must(mbedtls_asn1_write_algorithm_identifier_ext(&d->p, d->bytes, oid, len, 0, type == MBEDTLS_PK_RSA) >= 0);
}

/* "CN=x" as a name of one part. */
static void put_name(struct der *d, const char *name)
{
    static const char oid[] = MBEDTLS_OID_AT_CN;
    size_t end = length(d);

    must(strncmp(name, "CN=", 3) == 0);
    put(d, name + 3, strlen(name + 3));
    wrap(d, end, MBEDTLS_ASN1_UTF8_STRING);
    must(mbedtls_asn1_write_oid(&d->p, d->bytes, oid, sizeof oid - 1) >= 0);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

static void put_revoked(struct der *d, const char *pem)
{
    mbedtls_x509_crt crt;
    size_t end = length(d), serial;

    mbedtls_x509_crt_init(&crt);
    must(mbedtls_x509_crt_parse(&crt, (const uint8_t *)pem, strlen(pem) + 1) == 0);
    put_time(d, "200101000000Z");
    serial = length(d);
    put(d, crt.serial.p, crt.serial.len);
    wrap(d, serial, MBEDTLS_ASN1_INTEGER);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    mbedtls_x509_crt_free(&crt);
}

static void put_list(struct der *d, mbedtls_pk_type_t type, const char *issuer, const char *revoked_pem)
{
    size_t end = length(d);

    if (revoked_pem)
        put_revoked(d, revoked_pem);
    put_time(d, "491231235959Z");
    put_time(d, "200101000000Z");
    put_name(d, issuer);
    put_algorithm(d, type);
    must(mbedtls_asn1_write_int(&d->p, d->bytes, 1) >= 0);
    wrap(d, end, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

char *th_crl_pem(const char *issuer, enum th_key issuer_key, unsigned issuer_key_index, const char *revoked_pem)
{
    mbedtls_pk_context *key = th_key(issuer_key, issuer_key_index);
    mbedtls_pk_type_t type = mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECDSA;
    struct der list = {.p = list.bytes + ROOM}, all = {.p = all.bytes + ROOM};
    uint8_t hash[32], sig[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    char *pem = calloc(1, 2 * ROOM);
    size_t len;

    put_list(&list, type, issuer, revoked_pem);
    must(pem && mbedtls_sha256(list.p, length(&list), hash, 0) == 0);
    must(mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, sizeof hash, sig, sizeof sig, &len, sl_crypto_mbedtls_random,
                         NULL) == 0);
    must(mbedtls_asn1_write_bitstring(&all.p, all.bytes, sig, 8 * len) >= 0);
    put_algorithm(&all, type);
    put(&all, list.p, length(&list));
    wrap(&all, 0, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    must(mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n", "-----END X509 CRL-----\n", all.p, length(&all),
                                  (uint8_t *)pem, 2 * ROOM, &len) == 0);
    return pem;
}
