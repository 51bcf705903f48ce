/* trust: what clients' certificates must lead to, and which were revoked, parsed by mbedTLS. One object belongs to one
 * thread. */
#ifndef SL_TLS_TRUST_H
#define SL_TLS_TRUST_H

#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include "conf/conf.h"

struct sl_trust {
    mbedtls_x509_crt ca;
    mbedtls_x509_crl crl; /* raw.p NULL: none was given */
};

enum sl_trust_fault {
    SL_TRUST_OK,
    SL_TRUST_NO_MEMORY,
    SL_TRUST_CA_NOT_PEM,    /* no certificate block in it */
    SL_TRUST_CA_UNREADABLE, /* `at` certificates could be read, one could not */
    SL_TRUST_CRL_NOT_PEM,
    SL_TRUST_CRL_UNREADABLE, /* list `at` (from 1) */
    SL_TRUST_CRL_FOREIGN,    /* list `at` was issued by none of the authorities: it would revoke nothing */
    SL_TRUST_FAULT_COUNT
};

/* From settings that have a client_ca. NULL with *fault and *at. Expiry is no fault. */
struct sl_trust *sl_trust_parse(const struct sl_conf_tls *conf, enum sl_trust_fault *fault, uint32_t *at);
void sl_trust_free(struct sl_trust *trust);

#endif
