/* Keys and certificates for tests, made when they run. */
#include "helpers/tls_kit.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define KEYS_PER_KIND 2
#define PEM_MAX 8192

static mbedtls_pk_context keys[TH_KEY_COUNT][KEYS_PER_KIND];
static bool made[TH_KEY_COUNT][KEYS_PER_KIND];

static const struct {
    mbedtls_ecp_group_id curve; /* NONE: RSA */
    unsigned bits;
} kinds[TH_KEY_COUNT] = {
    [TH_KEY_P256] = {MBEDTLS_ECP_DP_SECP256R1, 256}, [TH_KEY_P384] = {MBEDTLS_ECP_DP_SECP384R1, 384},
    [TH_KEY_P521] = {MBEDTLS_ECP_DP_SECP521R1, 521}, [TH_KEY_RSA2048] = {MBEDTLS_ECP_DP_NONE, 2048},
    [TH_KEY_RSA1024] = {MBEDTLS_ECP_DP_NONE, 1024},  [TH_KEY_RSA3072] = {MBEDTLS_ECP_DP_NONE, 3072},
    [TH_KEY_RSA4096] = {MBEDTLS_ECP_DP_NONE, 4096},
};

/* Primes just below a power of two, 2^(bits/2) minus these, by index: large keys cost tests no search. */
static const struct {
    unsigned bits;
    int minus[2];
} known[] = {{3072, {3453, 4977}}, {4096, {1557, 2543}}};

static void must(int ret, const char *what)
{
    if (ret >= 0)
        return;
    fprintf(stderr, "tls_kit: %s: -0x%04x\n", what, (unsigned)-ret);
    abort();
}

static bool make_known(mbedtls_rsa_context *rsa, unsigned bits)
{
    mbedtls_mpi p, q, e;
    mbedtls_mpi *const pq[2] = {&p, &q};
    unsigned at = 0;

    while (at < SL_ARRAY_LEN(known) && known[at].bits != bits)
        at++;
    if (at == SL_ARRAY_LEN(known))
        return false;
    mbedtls_mpi_init(&e);
    must(mbedtls_mpi_lset(&e, 65537), "exponent");
    for (unsigned i = 0; i < 2; i++) {
        mbedtls_mpi_init(pq[i]);
        must(mbedtls_mpi_set_bit(pq[i], bits / 2, 1), "prime");
        must(mbedtls_mpi_sub_int(pq[i], pq[i], known[at].minus[i]), "prime");
    }
    must(mbedtls_rsa_import(rsa, NULL, &p, &q, NULL, &e), "RSA key");
    must(mbedtls_rsa_complete(rsa), "RSA key");
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&q);
    mbedtls_mpi_free(&e);
    return true;
}

mbedtls_pk_context *th_key(enum th_key kind, unsigned index)
{
    mbedtls_pk_context *pk = &keys[kind][index];

    if (made[kind][index])
        return pk;
    mbedtls_pk_init(pk);
    if (kinds[kind].curve == MBEDTLS_ECP_DP_NONE) {
        must(mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), "key");
        if (!make_known(mbedtls_pk_rsa(*pk), kinds[kind].bits))
            must(mbedtls_rsa_gen_key(mbedtls_pk_rsa(*pk), sl_crypto_mbedtls_random, NULL, kinds[kind].bits, 65537),
                 "RSA key");
    } else {
        must(mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), "key");
        must(mbedtls_ecp_gen_key(kinds[kind].curve, mbedtls_pk_ec(*pk), sl_crypto_mbedtls_random, NULL), "EC key");
    }
    made[kind][index] = true;
    return pk;
}

void th_keys_free(void)
{
    for (unsigned k = 0; k < TH_KEY_COUNT; k++)
        for (unsigned i = 0; i < KEYS_PER_KIND; i++) {
            if (made[k][i])
                mbedtls_pk_free(&keys[k][i]);
            made[k][i] = false;
        }
}

static void write_names(mbedtls_x509write_cert *crt, const char *const *names)
{
    mbedtls_x509_san_list list[64];
    unsigned n = 0;

    for (; names[n]; n++) {
        if (n == SL_ARRAY_LEN(list))
            abort();
        memset(&list[n], 0, sizeof list[n]);
        list[n].node.type = MBEDTLS_X509_SAN_DNS_NAME;
        list[n].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)names[n];
        list[n].node.san.unstructured_name.len = strlen(names[n]);
        list[n].next = NULL;
        if (n)
            list[n - 1].next = &list[n];
    }
    must(mbedtls_x509write_crt_set_subject_alternative_name(crt, list), "names");
}

static void write_usage(mbedtls_x509write_cert *crt)
{
    mbedtls_asn1_sequence usage = {.buf = {.tag = MBEDTLS_ASN1_OID,
                                           .p = (unsigned char *)(uintptr_t)MBEDTLS_OID_SERVER_AUTH,
                                           .len = sizeof MBEDTLS_OID_SERVER_AUTH - 1}};

    must(mbedtls_x509write_crt_set_ext_key_usage(crt, &usage), "extended key usage");
}

char *th_cert_pem(const struct th_cert_opts *o)
{
    static unsigned char serial[4];
    mbedtls_x509write_cert crt;
    char *pem = calloc(1, PEM_MAX);

    for (unsigned i = 0; i < sizeof serial && ++serial[i] == 0; i++)
        ;
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, o->own ? o->own : th_key(o->key, o->key_index));
    mbedtls_x509write_crt_set_issuer_key(&crt, o->issuer ? th_key(o->issuer_key, o->issuer_key_index)
                                                         : th_key(o->key, o->key_index));
    must(mbedtls_x509write_crt_set_subject_name(&crt, o->subject), "subject");
    must(mbedtls_x509write_crt_set_issuer_name(&crt, o->issuer ? o->issuer : o->subject), "issuer");
    must(mbedtls_x509write_crt_set_validity(&crt, "20200101000000", o->not_after ? o->not_after : "20991231235959"),
         "validity");
    must(mbedtls_x509write_crt_set_serial_raw(&crt, serial, sizeof serial), "serial");
    if (o->names)
        write_names(&crt, o->names);
    if (o->ca)
        must(mbedtls_x509write_crt_set_basic_constraints(&crt, 1, -1), "basic constraints");
    if (o->server_only)
        write_usage(&crt);
    must(mbedtls_x509write_crt_pem(&crt, (unsigned char *)pem, PEM_MAX, sl_crypto_mbedtls_random, NULL), "certificate");
    mbedtls_x509write_crt_free(&crt);
    return pem;
}

char *th_key_pem(enum th_key kind, unsigned index)
{
    char *pem = calloc(1, PEM_MAX);

    must(mbedtls_pk_write_key_pem(th_key(kind, index), (unsigned char *)pem, PEM_MAX), "key's PEM");
    return pem;
}

void th_conf_cert(struct sl_conf_certificate *c, const char *name, const struct th_cert_opts *o)
{
    char *chain = th_cert_pem(o), *key = th_key_pem(o->key, o->key_index);

    *c = (struct sl_conf_certificate){
        .name = {name, {1, 1}}, .chain = {"site.crt", {2, 10}}, .key = {"site.key", {3, 10}}};
    c->chain_pem = (uint8_t *)chain;
    c->chain_len = strlen(chain) + 1;
    c->key_pem = (uint8_t *)key;
    c->key_len = strlen(key) + 1;
}

void th_conf_cert_free(struct sl_conf_certificate *c)
{
    free(c->chain_pem);
    free(c->key_pem);
}
