/* mbedTLS as a handshake engine, in the server's role. */
#include "tls/engine_mbedtls.h"

#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tls/certificate.h"

#define STEPS_PER_CALL 64          /* states of mbedTLS's machine that one step may pass through */
#define STEPS_PER_HANDSHAKE 256    /* a full handshake takes about 20, and one per arriving piece */
#define HANDSHAKE_MAX_BYTES 131072 /* hello, skipped early data and the rest */
#define EARLY_DATA_SKIP_BYTES 16384

/* ECDHE only; the server's order: AES-128 is the cheapest with AES-NI, ECDSA before RSA. */
static const struct sl_engine_suite suites[] = {
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", SL_CTR_TLS_SUITE_AES128_GCM},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", SL_CTR_TLS_SUITE_AES256_GCM},
    {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
     SL_CTR_TLS_SUITE_AES128_GCM},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
     SL_CTR_TLS_SUITE_AES256_GCM},
    {MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
     SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
     SL_CTR_TLS_SUITE_AES128_GCM},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
     SL_CTR_TLS_SUITE_AES256_GCM},
    {MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
     SL_CTR_TLS_SUITE_CHACHA20_POLY1305},
    {0, "", SL_CTR_TLS_SUITE_AES128_GCM},
};
#define N_SUITES (SL_ARRAY_LEN(suites) - 1)

static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

struct sl_engine_policy {
    mbedtls_ssl_config conf;
    struct sl_engine_policy_conf app;
    int suite_ids[N_SUITES + 1]; /* zero-terminated */
};

/* ---- mbedTLS's callbacks ---- */

static int wire_out(void *ctx, const unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n;

    if (len == 7 && buf[0] == MBEDTLS_SSL_MSG_ALERT)
        e->alert_seen = buf[6];
    n = sl_wire_write(e->wire, buf, (uint32_t)len);
    return n ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int wire_in(void *ctx, unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n = sl_wire_read(e->wire, buf, (uint32_t)len);

    if (n)
        return (int)n;
    return sl_wire_ended(e->wire) ? MBEDTLS_ERR_SSL_CONN_EOF : MBEDTLS_ERR_SSL_WANT_READ;
}

/* The name as text, "" when the client sent none or rubbish; false when it changed after a HelloRetryRequest (RFC
 * 8446 4.1.2). */
static bool note_sni(struct sl_engine *e)
{
    size_t len = 0;
    const unsigned char *name = mbedtls_ssl_get_hs_sni(&e->ssl, &len);
    char sni[SL_SNI_MAX] = "";

    if (name && len < sizeof sni && !memchr(name, 0, len))
        memcpy(sni, name, len);
    if (e->hello_seen)
        return strcmp(sni, e->sni) == 0;
    memcpy(e->sni, sni, sizeof sni);
    return true;
}

/* Called in the middle of a ClientHello, once its extensions are known. */
static int choose_certificate(mbedtls_ssl_context *ssl)
{
    struct sl_engine *e = mbedtls_ssl_get_user_data_p(ssl);
    struct sl_certificate *certs[SL_SITE_CERTIFICATES_MAX];
    uint32_t n;

    if (!note_sni(e))
        return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
#ifdef MBEDTLS_SSL_EARLY_DATA
    /* mbedTLS skips refused early data only as far as the session says, and there is no session yet (RFC 8446 4.2.10).
     */
    if (ssl->MBEDTLS_PRIVATE(session_negotiate))
        ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(max_early_data_size) = EARLY_DATA_SKIP_BYTES;
#endif
    if (e->hello_seen)
        return 0;
    e->hello_seen = true;
    n = e->policy->app.choose(e->policy->app.ctx, e->sni, certs, SL_ARRAY_LEN(certs));
    if (!n)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    e->price = certs[0]->price;
    for (uint32_t i = 0; i < n; i++) {
        int ret = mbedtls_ssl_set_hs_own_cert(ssl, &certs[i]->chain, &certs[i]->key);

        if (ret)
            return ret;
    }
    return 0;
}

/* ---- policy ---- */

static struct sl_engine_policy *policy_create(const struct sl_engine_policy_conf *app, struct sl_err *err)
{
    struct sl_engine_policy *p;

    if (app->role != SL_ENGINE_SERVER) {
        sl_err_set(err, -ENOTSUP, "the mbedTLS engine takes the server's role only");
        return NULL;
    }
    p = calloc(1, sizeof *p);
    if (!p) {
        sl_err_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < N_SUITES; i++)
        p->suite_ids[i] = suites[i].id;
    p->app = *app;
    mbedtls_ssl_config_init(&p->conf);
    if (mbedtls_ssl_config_defaults(&p->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        free(p);
        sl_err_set(err, -ENOMEM, "mbedTLS made no configuration");
        return NULL;
    }
    mbedtls_ssl_conf_rng(&p->conf, sl_crypto_mbedtls_random, NULL);
    mbedtls_ssl_conf_min_tls_version(&p->conf, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(&p->conf, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_ciphersuites(&p->conf, p->suite_ids);
    mbedtls_ssl_conf_preference_order(&p->conf, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
    mbedtls_ssl_conf_groups(&p->conf, groups);
    mbedtls_ssl_conf_authmode(&p->conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_tls13_key_exchange_modes(&p->conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_cert_cb(&p->conf, choose_certificate);
    if (app->alpn)
        mbedtls_ssl_conf_alpn_protocols(&p->conf, (const char **)(uintptr_t)app->alpn);
    return p;
}

static void policy_destroy(struct sl_engine_policy *p)
{
    mbedtls_ssl_config_free(&p->conf);
    free(p);
}

/* ---- failures ---- */

static const struct error {
    int ret;
    enum sl_tls_fail why;
    uint8_t alert;
} errors[] = {
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, SL_TLS_FAIL_ALERT, 0},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, SL_TLS_FAIL_CLOSED, 0},
    {MBEDTLS_ERR_SSL_CONN_EOF, SL_TLS_FAIL_CLOSED, 0},
    {MBEDTLS_ERR_SSL_INVALID_MAC, SL_TLS_FAIL_RECORD, SL_ALERT_BAD_RECORD_MAC},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, SL_TLS_FAIL_RECORD, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_BAD_INPUT_DATA, SL_TLS_FAIL_RECORD,
     SL_ALERT_RECORD_OVERFLOW}, /* a record that the input buffer can't hold */
    {MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, SL_TLS_FAIL_ALPN, SL_ALERT_NO_APPLICATION_PROTOCOL},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, SL_TLS_FAIL_SUITE, SL_ALERT_HANDSHAKE_FAILURE},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, SL_TLS_FAIL_VERSION, SL_ALERT_PROTOCOL_VERSION},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, SL_TLS_FAIL_MESSAGE, SL_ALERT_ILLEGAL_PARAMETER},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNSUPPORTED_EXTENSION},
    {MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNRECOGNIZED_NAME},
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {MBEDTLS_ERR_SSL_COUNTER_WRAPPING, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {0, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR},
};

/* Fills the failure from mbedTLS's error; writes the alert that the RFC names unless mbedTLS has (`alerted`) or none
 * fits. */
static void fail(struct sl_engine *e, int ret, bool alerted, struct sl_tls_failure *out)
{
    const struct error *err = errors;
    uint8_t pended = e->ssl.MBEDTLS_PRIVATE(alert_type); /* what mbedTLS wanted to send last; 0: nothing */

    while (err->ret && err->ret != ret)
        err++;
    *out = (struct sl_tls_failure){.why = err->why, .code = ret};
    if (err->why == SL_TLS_FAIL_ALERT) {
        out->alert_received = e->ssl.MBEDTLS_PRIVATE(in_msg)[1];
        return;
    }
    if (err->why == SL_TLS_FAIL_RECORD && e->wire->in_bytes && e->wire->first != MBEDTLS_SSL_MSG_HANDSHAKE &&
        !e->hello_seen)
        out->why = SL_TLS_FAIL_NOT_TLS;
    if (alerted) {
        out->alert_sent = e->alert_seen ? e->alert_seen : pended ? pended : err->alert;
    } else if (err->alert && mbedtls_ssl_send_alert_message(&e->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, err->alert) == 0) {
        out->alert_sent = err->alert;
    }
}

/* ---- a handshake ---- */

static struct sl_engine *create(struct sl_engine_policy *policy, struct sl_wire *w)
{
    struct sl_engine *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    e->wire = w;
    e->policy = policy;
    mbedtls_ssl_init(&e->ssl);
    if (mbedtls_ssl_setup(&e->ssl, &policy->conf) != 0) {
        mbedtls_ssl_free(&e->ssl);
        free(e);
        return NULL;
    }
    mbedtls_ssl_set_user_data_p(&e->ssl, e);
    mbedtls_ssl_set_bio(&e->ssl, e, wire_out, wire_in, NULL);
    sl_engine_secrets_watch(&e->secrets, &e->ssl);
    return e;
}

static void destroy(struct sl_engine *e)
{
    mbedtls_ssl_free(&e->ssl);
    sl_crypto_wipe(&e->secrets, sizeof e->secrets);
    free(e);
}

static enum sl_engine_step over_limit(struct sl_engine *e, struct sl_engine_report *report)
{
    fail(e, MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, false, &report->failure);
    return SL_ENGINE_FAILED;
}

static enum sl_engine_step step(struct sl_engine *e, struct sl_engine_report *report)
{
    uint32_t before = e->wire->out_bytes;
    int ret = 0;

    *report = (struct sl_engine_report){0};
    for (uint32_t i = 0; i < STEPS_PER_CALL; i++) {
        uint32_t wrote = e->wire->out_bytes;

        if (e->steps > STEPS_PER_HANDSHAKE || e->wire->in_bytes > HANDSHAKE_MAX_BYTES)
            return over_limit(e, report);
        ret = mbedtls_ssl_handshake_step(&e->ssl);
        if (e->wire->out_bytes != before)
            report->price = SL_MAX(e->price, 1u);
        if (ret == MBEDTLS_ERR_SSL_WANT_READ)
            return SL_ENGINE_WANT_BYTES;
        if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
            return SL_ENGINE_WANT_ROOM;
        if (ret) {
            fail(e, ret, e->wire->out_bytes != wrote, &report->failure);
            return SL_ENGINE_FAILED;
        }
        e->steps++; /* a state was passed through: what arrives in pieces costs none */
        if (mbedtls_ssl_is_handshake_over(&e->ssl))
            return SL_ENGINE_DONE;
    }
    return over_limit(e, report);
}

static const char *sni(const struct sl_engine *e) { return e->sni; }

static void facts(const struct sl_engine *e, struct sl_engine_facts *out)
{
    bool v13 = mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    const char *alpn = mbedtls_ssl_get_alpn_protocol(&e->ssl);
    int id = mbedtls_ssl_get_ciphersuite_id_from_ssl(&e->ssl);

    out->version = v13 ? "TLSv1.3" : "TLSv1.2";
    out->version_ctr = v13 ? SL_CTR_TLS_VERSION_13 : SL_CTR_TLS_VERSION_12;
    out->alpn = alpn ? alpn : "";
    out->suite = suites;
    while (out->suite->id && out->suite->id != id)
        out->suite++;
}

static bool finish(struct sl_engine *e, struct sl_tls_secrets *out)
{
    return sl_engine_secrets_take(&e->secrets, &e->ssl, true, out);
}

const struct sl_engine_ops sl_engine_mbedtls = {
    .name = "mbedtls",
    .policy_create = policy_create,
    .policy_destroy = policy_destroy,
    .create = create,
    .step = step,
    .sni = sni,
    .facts = facts,
    .finish = finish,
    .destroy = destroy,
};
