/* mbedTLS as a handshake engine, in the server's role: each handshake a fiber that parks where bytes, room or an
 * operation are wanted. */
#include "tls/engine_mbedtls.h"

#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tls/certificate.h"

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
static_assert(N_SUITES < SL_ARRAY_LEN(((struct sl_engine_policy *)0)->suite_ids), "with a zero at the end");

static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

/* Back to the worker, to be resumed when there is what is wanted. */
static void park(struct sl_engine *e, enum sl_engine_step wants)
{
    e->wants = wants;
    sl_fiber_park();
}

/* ---- mbedTLS's callbacks ---- */

static int wire_out(void *ctx, const unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n;

    if (len == 7 && buf[0] == MBEDTLS_SSL_MSG_ALERT)
        e->alert_seen = buf[6];
    while (!(n = sl_wire_write(e->wire, buf, (uint32_t)len)))
        park(e, SL_ENGINE_WANT_ROOM);
    return (int)n;
}

static int wire_in(void *ctx, unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n;

    while (!(n = sl_wire_read(e->wire, buf, (uint32_t)len))) {
        if (sl_wire_ended(e->wire))
            return MBEDTLS_ERR_SSL_CONN_EOF;
        park(e, SL_ENGINE_WANT_BYTES);
    }
    return (int)n;
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
    struct sl_arena *arena;

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
    arena = sl_crypto_use_arena(NULL); /* certificates that are parsed now stay */
    e->n_certs = e->policy->app.choose(e->policy->app.ctx, e->sni, e->certs, SL_ARRAY_LEN(e->certs));
    sl_crypto_use_arena(arena);
    if (!e->n_certs)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    for (uint32_t i = 0; i < e->n_certs; i++) {
        int ret = mbedtls_ssl_set_hs_own_cert(ssl, &e->certs[i]->chain, &e->certs[i]->key);

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

/* ---- a handshake ---- */

static bool over_limit(const struct sl_engine *e)
{
    return e->steps > STEPS_PER_HANDSHAKE || e->wire->in_bytes > HANDSHAKE_MAX_BYTES;
}

/* State after state until the handshake is over; mbedTLS's error, *alerted: and mbedTLS has said so to the peer. */
static int shake_hands(struct sl_engine *e, bool *alerted)
{
    int ret = mbedtls_ssl_setup(&e->ssl, &e->policy->conf);

    *alerted = false;
    mbedtls_ssl_set_user_data_p(&e->ssl, e);
    mbedtls_ssl_set_bio(&e->ssl, e, wire_out, wire_in, NULL);
    sl_engine_secrets_watch(&e->secrets, &e->ssl);
    while (ret == 0 && !mbedtls_ssl_is_handshake_over(&e->ssl)) {
        uint64_t wrote = e->wire->out_bytes;

        if (over_limit(e))
            return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
        ret = mbedtls_ssl_handshake_step(&e->ssl);
        *alerted = e->wire->out_bytes != wrote;
        e->steps++;
    }
    return ret;
}

/* What the fiber runs. */
static void run(void *object)
{
    struct sl_engine *e = object;
    bool alerted;
    int ret;

    mbedtls_ssl_init(&e->ssl);
    ret = shake_hands(e, &alerted);
    if (ret)
        sl_engine_mbedtls_failure(e, ret, alerted, &e->failure);
    e->wants = ret ? SL_ENGINE_FAILED : SL_ENGINE_DONE;
}

static struct sl_engine *create(struct sl_engine_policy *policy, struct sl_wire *w)
{
    struct sl_fiber *f = sl_fiber_create(policy->app.shared->fibers, run, sizeof(struct sl_engine));
    struct sl_engine *e;

    if (!f)
        return NULL;
    e = sl_fiber_object(f);
    e->fiber = f;
    e->wire = w;
    e->policy = policy;
    return e;
}

static void destroy(struct sl_engine *e) { sl_fiber_destroy(e->fiber); }

static enum sl_engine_step step(struct sl_engine *e, struct sl_engine_report *report)
{
    sl_fiber_resume(e->fiber);
    *report = (struct sl_engine_report){.failure = e->failure};
    if (e->wants == SL_ENGINE_WANT_OPERATION)
        report->op = &e->op;
    return e->wants;
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
    return sl_engine_secrets_take(&e->secrets, &e->ssl, e->policy->app.role == SL_ENGINE_SERVER, out);
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
