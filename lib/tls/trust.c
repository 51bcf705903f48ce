/* Authorities of clients' certificates, and lists of those that were revoked. */
#include "tls/trust.h"

#include <mbedtls/pem.h>
#include <stdlib.h>

#define CRL_BEGIN "-----BEGIN X509 CRL-----"
#define CRL_END "-----END X509 CRL-----"

static bool has_block(const struct sl_conf_file *file, const char *begin)
{
    return strstr((const char *)file->bytes, begin) != NULL;
}

static enum sl_trust_fault parse_ca(struct sl_trust *trust, const struct sl_conf_file *file, uint32_t *at)
{
    int ret;

    if (!has_block(file, "-----BEGIN CERTIFICATE-----"))
        return SL_TRUST_CA_NOT_PEM;
    ret = mbedtls_x509_crt_parse(&trust->ca, file->bytes, file->len_bytes);
    for (const mbedtls_x509_crt *c = &trust->ca; c && c->raw.p; c = c->next)
        ++*at;
    return ret == 0 ? SL_TRUST_OK : SL_TRUST_CA_UNREADABLE;
}

static bool issued_by_any(const mbedtls_x509_crl *crl, const mbedtls_x509_crt *ca)
{
    for (; ca && ca->raw.p; ca = ca->next)
        if (ca->subject_raw.len == crl->issuer_raw.len &&
            memcmp(ca->subject_raw.p, crl->issuer_raw.p, crl->issuer_raw.len) == 0)
            return true;
    return false;
}

/* One block after another: mbedTLS's own reader of several takes no text behind the last. */
static enum sl_trust_fault parse_crl(struct sl_trust *trust, const struct sl_conf_file *file, uint32_t *at)
{
    const char *p = (const char *)file->bytes;

    if (!has_block(file, CRL_BEGIN))
        return SL_TRUST_CRL_NOT_PEM;
    while ((p = strstr(p, CRL_BEGIN))) {
        mbedtls_pem_context pem;
        const uint8_t *der;
        size_t len;
        bool good;

        ++*at;
        mbedtls_pem_init(&pem);
        good = mbedtls_pem_read_buffer(&pem, CRL_BEGIN, CRL_END, (const uint8_t *)p, NULL, 0, &len) == 0;
        p += good ? len : 1;
        if (good) {
            der = mbedtls_pem_get_buffer(&pem, &len);
            good = mbedtls_x509_crl_parse_der(&trust->crl, der, len) == 0;
        }
        mbedtls_pem_free(&pem);
        if (!good)
            return SL_TRUST_CRL_UNREADABLE;
    }
    *at = 0;
    for (const mbedtls_x509_crl *c = &trust->crl; c && c->raw.p; c = c->next) {
        ++*at;
        if (!issued_by_any(c, &trust->ca))
            return SL_TRUST_CRL_FOREIGN;
    }
    return SL_TRUST_OK;
}

struct sl_trust *sl_trust_parse(const struct sl_conf_tls *conf, enum sl_trust_fault *fault, uint32_t *at)
{
    struct sl_trust *trust = calloc(1, sizeof *trust);

    *at = 0;
    *fault = SL_TRUST_NO_MEMORY;
    if (!trust)
        return NULL;
    mbedtls_x509_crt_init(&trust->ca);
    mbedtls_x509_crl_init(&trust->crl);
    *fault = parse_ca(trust, &conf->client_ca_pem, at);
    if (!*fault && conf->client_crl_pem.bytes) {
        *at = 0;
        *fault = parse_crl(trust, &conf->client_crl_pem, at);
    }
    if (!*fault)
        return trust;
    sl_trust_free(trust);
    return NULL;
}

void sl_trust_free(struct sl_trust *trust)
{
    if (!trust)
        return;
    mbedtls_x509_crt_free(&trust->ca);
    mbedtls_x509_crl_free(&trust->crl);
    free(trust);
}
