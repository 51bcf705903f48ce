/* mbedTLS as a handshake engine: each handshake a fiber that parks where bytes, room or an operation are wanted. */
#include "tls/engine_mbedtls.h"

#include <errno.h>
#include <mbedtls/error.h>
#include <stdlib.h>

#include "tls/certificate.h"
#include "tls/hello_read.h"
#include "tls/trust.h"

#define STEPS_PER_HANDSHAKE 256    /* states; a full handshake passes through about 20 */
#define HANDSHAKE_MAX_BYTES 131072 /* hello, skipped early data and the rest */
#define BUFFER_SLACK_BYTES 256     /* headers, nonces and tags in front of and behind a record in mbedTLS's buffers */

/* ---- mbedTLS's callbacks ---- */

static int wire_out(void *ctx, const unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n;

    sl_engine_note_alert(e, buf, len);
    sl_engine_note_retry(e, buf, (uint32_t)len);
    while (!(n = sl_wire_write(e->start.wire, buf, (uint32_t)len)))
        sl_engine_park(e, SL_ENGINE_WANT_ROOM);
    return (int)n;
}

/* What mbedTLS tolerates of 1.3, as the last record was: an alert ends it whatever its level, but for user_canceled
 * (RFC 8446 6), and so does a change_cipher_spec under protection (5). */
static struct sl_tls_failure tolerated(const mbedtls_ssl_context *ssl)
{
    uint8_t type = (uint8_t)ssl->MBEDTLS_PRIVATE(in_msgtype), alert = ssl->MBEDTLS_PRIVATE(in_msg)[1];
    bool protected = ssl->MBEDTLS_PRIVATE(in_hdr)[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA;

    if (mbedtls_ssl_get_version_number(ssl) != MBEDTLS_SSL_VERSION_TLS1_3)
        return (struct sl_tls_failure){0};
    if (type == MBEDTLS_SSL_MSG_ALERT && alert != SL_ALERT_USER_CANCELED)
        return (struct sl_tls_failure){.why = SL_TLS_FAIL_ALERT, .alert_received = alert};
    if (type == MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC && protected)
        return (struct sl_tls_failure){.why = SL_TLS_FAIL_MESSAGE, .alert_sent = SL_ALERT_UNEXPECTED_MESSAGE};
    return (struct sl_tls_failure){0};
}

/* Within one state mbedTLS reads without end: whether it may have another record. The last one's header still stands. */
static bool may_read_on(struct sl_engine *e)
{
    if (e->start.wire->in_bytes > HANDSHAKE_MAX_BYTES)
        e->refused = (struct sl_tls_failure){.why = SL_TLS_FAIL_LIMIT, .alert_sent = SL_ALERT_UNEXPECTED_MESSAGE};
    else if (!e->refused.why)
        e->refused = tolerated(&e->ssl);
    e->ssl.MBEDTLS_PRIVATE(in_msgtype) = 0; /* it stays as it was when a record is skipped as early data */
    return !e->refused.why;
}

/* What was read before there was an engine comes first, and so does a second hello. */
static int wire_in(void *ctx, unsigned char *buf, size_t len)
{
    struct sl_engine *e = ctx;
    uint32_t n = e->start.hello ? sl_hello_replay(e->start.hello, buf, (uint32_t)len) : 0;

    if (n)
        return (int)n;
    if (e->asks_again) {
        int ret = sl_engine_second_hello(e);

        return ret ? ret : (int)sl_hello_replay(e->start.hello, buf, (uint32_t)len);
    }
    if (buf == e->ssl.MBEDTLS_PRIVATE(in_hdr) && !may_read_on(e))
        return MBEDTLS_ERR_SSL_CONN_EOF; /* it says nothing about that */
    while (!(n = sl_wire_read(e->start.wire, buf, (uint32_t)len))) {
        if (sl_wire_ended(e->start.wire))
            return MBEDTLS_ERR_SSL_CONN_EOF;
        sl_engine_park(e, SL_ENGINE_WANT_BYTES);
    }
    return (int)n;
}

/* Called when a hello's extensions are known. mbedTLS skips refused early data only as far as the session says, and
 * there is no session yet (RFC 8446 4.2.10). */
static int look_at_hello(mbedtls_ssl_context *ssl)
{
#ifdef MBEDTLS_SSL_EARLY_DATA
    if (ssl->MBEDTLS_PRIVATE(session_negotiate))
        ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(max_early_data_size) = SL_ENGINE_EARLY_DATA_BYTES;
#endif
    return 0;
}

/* ---- policy ---- */

/* Which suites a variant speaks, from the settings' list for it. */
static void list_suites(struct sl_engine_policy *p, uint32_t variant)
{
    const struct sl_tls_settings *s = p->app.settings;
    const uint16_t *from = variant == SL_ENGINE_12_CHACHA ? s->suites_chacha : s->suites;
    int *to = p->suite_ids[variant];

    if (variant < SL_ENGINE_SUITES_13) {
        *to = p->suites_13[variant];
        return;
    }
    for (; *from; from++)
        if (p->app.role == SL_ENGINE_CLIENT || !sl_tls_suite_is_13(*from)) /* a client offers all */
            *to++ = *from;
}

static void split_suites(struct sl_engine_policy *p)
{
    uint32_t n = 0;

    for (const uint16_t *from = p->app.settings->suites; *from && n < SL_ENGINE_SUITES_13; from++)
        if (sl_tls_suite_is_13(*from))
            p->suites_13[n++] = *from;
    for (uint32_t v = 0; v < SL_ENGINE_VARIANTS; v++)
        list_suites(p, v);
}

/* A variant of 1.3 speaks nothing else. One of 1.2 keeps the higher version where the settings have it, so that mbedTLS
 * marks its random (RFC 8446 4.1.3). */
static void conf_versions(mbedtls_ssl_config *conf, const struct sl_tls_settings *s, bool v13)
{
    mbedtls_ssl_conf_min_tls_version(conf,
                                     v13 ? MBEDTLS_SSL_VERSION_TLS1_3 : (mbedtls_ssl_protocol_version)s->version_min);
    mbedtls_ssl_conf_max_tls_version(conf, (mbedtls_ssl_protocol_version)s->version_max);
}

static void conf_peer(mbedtls_ssl_config *conf, const struct sl_engine_policy_conf *app)
{
    struct sl_trust *trust = (struct sl_trust *)(uintptr_t)app->trust; /* mbedTLS only reads it */

    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
    if (!trust)
        return;
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_OPTIONAL); /* check_peer and check_end say what comes of it */
    mbedtls_ssl_conf_ca_chain(conf, &trust->ca, trust->crl.raw.p ? &trust->crl : NULL);
}

static bool fill_conf(struct sl_engine_policy *p, uint32_t variant)
{
    const struct sl_engine_policy_conf *app = &p->app;
    mbedtls_ssl_config *conf = &p->confs[variant];
    int end = app->role == SL_ENGINE_SERVER ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;

    if (mbedtls_ssl_config_defaults(conf, end, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return false;
    mbedtls_ssl_conf_rng(conf, sl_crypto_mbedtls_random, NULL);
    conf_versions(conf, app->settings, variant < SL_ENGINE_SUITES_13);
    mbedtls_ssl_conf_ciphersuites(conf, p->suite_ids[variant]);
    mbedtls_ssl_conf_preference_order(conf, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
    mbedtls_ssl_conf_groups(conf, app->settings->groups);
    mbedtls_ssl_conf_sig_algs(conf, app->settings->sig_algs);
    mbedtls_ssl_conf_tls13_key_exchange_modes(conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_cert_cb(conf, end == MBEDTLS_SSL_IS_SERVER ? look_at_hello : NULL);
    conf_peer(conf, app);
    if (app->tickets)
        sl_engine_tickets_conf(conf, p);
    return !app->alpn || mbedtls_ssl_conf_alpn_protocols(conf, (const char **)(uintptr_t)app->alpn) == 0;
}

static void policy_destroy(struct sl_engine_policy *p)
{
    for (uint32_t v = 0; v < SL_ENGINE_VARIANTS; v++)
        mbedtls_ssl_config_free(&p->confs[v]);
    free(p);
}

static struct sl_engine_policy *policy_create(const struct sl_engine_policy_conf *app, struct sl_err *err)
{
    struct sl_engine_policy *p = calloc(1, sizeof *p);
    bool good = p != NULL;

    if (p) {
        p->app = *app;
        split_suites(p);
        for (uint32_t v = 0; v < SL_ENGINE_VARIANTS; v++)
            mbedtls_ssl_config_init(&p->confs[v]);
    }
    for (uint32_t v = 0; good && v < SL_ENGINE_VARIANTS; v++)
        good = fill_conf(p, v);
    if (good)
        return p;
    sl_err_set(err, -ENOMEM, "out of memory");
    if (p)
        policy_destroy(p);
    return NULL;
}

static const mbedtls_ssl_config *variant_for(const struct sl_engine_policy *p, const struct sl_engine_start *start)
{
    for (uint32_t v = 0; v < SL_ENGINE_SUITES_13; v++)
        if (start->suite && p->suites_13[v] == start->suite)
            return &p->confs[v];
    return &p->confs[start->chacha_first ? SL_ENGINE_12_CHACHA : SL_ENGINE_12];
}

/* ---- a handshake ---- */

#define PLAIN_HELLO_BYTES (12u << 10) /* a hello up to this long, or the next one, fits mbedTLS's buffer */

static int prepare(struct sl_engine *e)
{
    const struct sl_hello_reader *hello = e->start.hello;
    int ret;

    if (hello && hello->len > PLAIN_HELLO_BYTES)
        e->ssl.MBEDTLS_PRIVATE(in_buf_more) = hello->len;
    ret = mbedtls_ssl_setup(&e->ssl, variant_for(e->policy, &e->start));

    mbedtls_ssl_set_user_data_p(&e->ssl, e);
    mbedtls_ssl_set_bio(&e->ssl, e, wire_out, wire_in, NULL);
    e->secrets.keylog = e->policy->app.shared->keylog;
    e->secrets.settings = e->policy->app.settings;
    sl_engine_secrets_watch(&e->secrets, &e->ssl);
    for (uint32_t i = 0; !ret && i < e->start.n_certs; i++)
        ret = mbedtls_ssl_set_hs_own_cert(&e->ssl, &e->certs[i]->chain, &e->certs[i]->key);
    if (!ret && e->policy->app.role == SL_ENGINE_CLIENT)
        ret = mbedtls_ssl_set_hostname(&e->ssl, e->start.name[0] ? e->start.name : NULL);
    return ret;
}

/* The peer's certificate is looked at by mbedTLS, but what follows from that is ours to say, as soon as that has been:
 * it would send other alerts than the RFCs name. */
static int check_peer(struct sl_engine *e, int state)
{
    const mbedtls_ssl_session *s = e->ssl.MBEDTLS_PRIVATE(session_negotiate);
    const struct sl_engine_policy_conf *app = &e->policy->app;
    bool server = app->role == SL_ENGINE_SERVER;

    if (!app->trust || !s || state != (server ? MBEDTLS_SSL_CLIENT_CERTIFICATE : MBEDTLS_SSL_SERVER_CERTIFICATE) ||
        e->ssl.MBEDTLS_PRIVATE(state) == state)
        return 0;
    if (s->MBEDTLS_PRIVATE(peer_cert))
        e->peer_faults = s->MBEDTLS_PRIVATE(verify_result);
    else if (server && app->settings->clients == SL_CLIENTS_REQUIRED)
        return MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    return e->peer_faults ? MBEDTLS_ERR_X509_CERT_VERIFY_FAILED : 0;
}

/* Nothing stands behind Finished in its record (RFC 8446 5.1), and whoever must have shown a certificate has. */
static int check_end(struct sl_engine *e)
{
    const struct sl_engine_policy_conf *app = &e->policy->app;
    const mbedtls_x509_crt *crt = app->trust ? mbedtls_ssl_get_peer_cert(&e->ssl) : NULL;

    if (e->ssl.MBEDTLS_PRIVATE(in_hslen) < e->ssl.MBEDTLS_PRIVATE(in_msglen))
        return MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
    if (crt && mbedtls_ssl_get_verify_result(&e->ssl) != 0)
        return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    if (!crt && app->trust && (app->role == SL_ENGINE_CLIENT || app->settings->clients == SL_CLIENTS_REQUIRED))
        return MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    if (crt && mbedtls_x509_dn_gets(e->identity, sizeof e->identity, &crt->subject) < 0)
        e->identity[0] = 0;
    return 0;
}

void mbedtls_ssl_set_outbound_transform(mbedtls_ssl_context *ssl, mbedtls_ssl_transform *transform);

/* Behind our Finished all that we say is under the keys of application data, alerts too (RFC 8446 A.2). mbedTLS waits
 * with that for the client's Finished, so that a client whose certificate is refused could not read why. */
static void use_data_keys(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_transform *data = ssl->MBEDTLS_PRIVATE(transform_application);

    if (data && ssl->MBEDTLS_PRIVATE(transform_out) != data)
        mbedtls_ssl_set_outbound_transform(ssl, data);
}

/* Behind the ServerHello all that a client says is under the handshake's keys, alerts too, but for the empty
 * change_cipher_spec (RFC 8446 A.1, D.4). mbedTLS takes them for what it sends only behind that, so that whoever does
 * not like the server's certificate would say so in clear. */
static void use_handshake_keys(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_transform *keys = ssl->MBEDTLS_PRIVATE(transform_in);
    int state = ssl->MBEDTLS_PRIVATE(state);

    if (!keys || mbedtls_ssl_get_version_number(ssl) != MBEDTLS_SSL_VERSION_TLS1_3)
        return;
    if (state == MBEDTLS_SSL_ENCRYPTED_EXTENSIONS)
        mbedtls_ssl_set_outbound_transform(ssl, keys);
    else if (state == MBEDTLS_SSL_CLIENT_CCS_AFTER_SERVER_FINISHED)
        mbedtls_ssl_set_outbound_transform(ssl, NULL);
}

/* State after state until the handshake is over, tickets included; mbedTLS's error. */
static int shake_hands(struct sl_engine *e)
{
    int ret = prepare(e);

    while (ret == 0 && e->ssl.MBEDTLS_PRIVATE(state) != MBEDTLS_SSL_HANDSHAKE_OVER) {
        int state = e->ssl.MBEDTLS_PRIVATE(state);

        if (e->steps++ > STEPS_PER_HANDSHAKE)
            return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
        ret = mbedtls_ssl_handshake_step(&e->ssl);
        if (ret == 0)
            ret = e->refused.why ? MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE : check_peer(e, state);
        if (e->policy->app.role == SL_ENGINE_SERVER)
            use_data_keys(&e->ssl);
        else
            use_handshake_keys(&e->ssl);
    }
    return ret ? ret : check_end(e);
}

/* What the fiber runs. */
static void run(void *object)
{
    struct sl_engine *e = object;
    int ret;

    mbedtls_ssl_init(&e->ssl);
    ret = shake_hands(e);
    if (ret)
        sl_engine_mbedtls_failure(e, ret, &e->failure);
    e->wants = ret ? SL_ENGINE_FAILED : SL_ENGINE_DONE;
}

static struct sl_engine *create(struct sl_engine_policy *policy, const struct sl_engine_start *start)
{
    struct sl_fiber *f = sl_fiber_create(policy->app.shared->fibers, run, sizeof(struct sl_engine));
    struct sl_engine *e;

    if (!f)
        return NULL;
    e = sl_fiber_object(f);
    e->fiber = f;
    e->policy = policy;
    e->start = *start;
    e->start.n_certs = SL_MIN(start->n_certs, (uint32_t)SL_SITE_CERTIFICATES_MAX);
    if (start->n_certs)
        memcpy(e->certs, start->certs, e->start.n_certs * sizeof *e->certs);
    e->start.certs = e->certs;
    return e;
}

/* mbedTLS's buffers are far larger than what passes through them: no message was longer than all that was read or
 * written. */
static void spare_buffers(struct sl_engine *e)
{
    uint32_t hello = e->start.hello ? e->start.hello->len : 0;

    sl_crypto_untouched(e->ssl.MBEDTLS_PRIVATE(in_buf), hello + e->start.wire->in_bytes + BUFFER_SLACK_BYTES);
    sl_crypto_untouched(e->ssl.MBEDTLS_PRIVATE(out_buf), e->start.wire->out_bytes + BUFFER_SLACK_BYTES);
}

static void destroy(struct sl_engine *e)
{
    if (e->wants == SL_ENGINE_DONE)
        spare_buffers(e);
    sl_op_key_free(e->verify_key);
    sl_fiber_destroy(e->fiber);
}

static enum sl_engine_step step(struct sl_engine *e, struct sl_engine_report *report)
{
    sl_fiber_resume(e->fiber);
    *report = (struct sl_engine_report){.failure = e->failure};
    if (e->wants == SL_ENGINE_WANT_OPERATION)
        report->op = &e->op;
    return e->wants;
}

static void facts(const struct sl_engine *e, struct sl_engine_facts *out)
{
    bool v13 = mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    const char *alpn = mbedtls_ssl_get_alpn_protocol(&e->ssl);
    int id = mbedtls_ssl_get_ciphersuite_id_from_ssl(&e->ssl);

    out->version = v13 ? "TLSv1.3" : "TLSv1.2";
    out->version_ctr = v13 ? SL_CTR_TLS_VERSION_13 : SL_CTR_TLS_VERSION_12;
    out->alpn = alpn ? alpn : "";
    out->suite = sl_engine_suite((uint16_t)id);
    out->resumed = !e->signed_once && e->policy->app.role == SL_ENGINE_SERVER;
    out->identity = e->identity;
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
    .facts = facts,
    .finish = finish,
    .destroy = destroy,
};
