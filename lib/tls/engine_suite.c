/* Suites as engines tell of them (RFC 8446 B.4, RFC 5289 3.2, RFC 7905 2). */
#include "tls/engine.h"

static const struct sl_engine_suite suites[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", SL_CTR_TLS_SUITE_AES128_GCM},
    {0x1302, "TLS_AES_256_GCM_SHA384", SL_CTR_TLS_SUITE_AES256_GCM},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", SL_CTR_TLS_SUITE_AES128_GCM},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", SL_CTR_TLS_SUITE_AES256_GCM},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", SL_CTR_TLS_SUITE_AES128_GCM},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", SL_CTR_TLS_SUITE_AES256_GCM},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {0, "", SL_CTR_TLS_SUITE_AES128_GCM},
};

const struct sl_engine_suite *sl_engine_suite(uint16_t id)
{
    const struct sl_engine_suite *suite = suites;

    while (suite->id && suite->id != id)
        suite++;
    return suite;
}
