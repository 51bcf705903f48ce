/* certificate: a chain and its key, parsed by mbedTLS. One object belongs to one worker: mbedTLS changes an RSA key
 * with every signature. Only engine_mbedtls.c looks inside. */
#ifndef SL_TLS_CERTIFICATE_H
#define SL_TLS_CERTIFICATE_H

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "conf/conf.h"
#include "crypto/crypto.h"

struct sl_certificate {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    struct sl_op_key *op_key; /* the same key for operations in batches; NULL: mbedTLS signs (an odd exponent) */
    enum sl_op_kind op_kind;
    bool rsa;
    uint16_t number_bytes; /* of the modulus, or of a coordinate */
};

enum sl_cert_fault {
    SL_CERT_OK,
    SL_CERT_NO_MEMORY,
    SL_CERT_CHAIN_NOT_PEM,    /* no certificate block in it */
    SL_CERT_CHAIN_UNREADABLE, /* `at` certificates could be read, one could not */
    SL_CERT_CHAIN_ORDER,      /* certificate `at` (from 1) was not issued by the one after it */
    SL_CERT_CHAIN_KEY_LATER,  /* the key belongs to certificate `at`, not to the first */
    SL_CERT_KEY_NOT_PEM,
    SL_CERT_KEY_ENCRYPTED,
    SL_CERT_KEY_UNREADABLE,
    SL_CERT_KEY_MISMATCH,
    SL_CERT_TYPE,     /* neither RSA nor ECDSA */
    SL_CERT_RSA_SIZE, /* `at` bits: fewer than 2048 or more than 4096 */
    SL_CERT_CURVE,    /* neither P-256 nor P-384 */
    SL_CERT_FAULT_COUNT
};

/* Reads chain and key and checks that they belong together; *at as the fault says. NULL with *fault. */
struct sl_certificate *sl_certificate_parse(const struct sl_conf_certificate *conf, enum sl_cert_fault *fault,
                                            uint32_t *at);
void sl_certificate_free(struct sl_certificate *cert);

/* Calls fn for every host name of the chain's first certificate: its subjectAltName's DNS names, or its common name
 * when it has none (RFC 6125 6.4.4). False when fn said so. */
typedef bool (*sl_certificate_name_fn)(void *ctx, const char *text, size_t len);
bool sl_certificate_names(const mbedtls_x509_crt *crt, sl_certificate_name_fn fn, void *ctx);

/* What an index of certificates needs of the first certificate of a chain, without keeping it: its names, and whether
 * its key is RSA. False: unreadable. */
bool sl_certificate_look(const struct sl_conf_certificate *conf, bool *rsa, sl_certificate_name_fn fn, void *ctx);

#endif
