/* An mbedTLS client over a pipe. It verifies a chain where it is given an authority, and every signature of the handshake. */
#include "helpers/tls_kit.h"

#include <mbedtls/oid.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"

static void feed(struct th_client *c, const unsigned char *buf, size_t len)
{
    size_t piece = c->piece ? c->piece : len;

    for (size_t at = 0; at < len; at += piece)
        th_pipe_feed(c->pipe, buf + at, SL_MIN(piece, len - at));
}

static int client_send(void *ctx, const unsigned char *buf, size_t len)
{
    struct th_client *c = ctx;

    if (!c->hold) {
        feed(c, buf, len);
        return (int)len;
    }
    if (c->held.len + len > c->held.room) {
        c->held.room = (c->held.len + len) * 2;
        c->held.p = realloc(c->held.p, c->held.room);
    }
    memcpy(c->held.p + c->held.len, buf, len);
    c->held.len += len;
    return (int)len;
}

static int client_recv(void *ctx, unsigned char *buf, size_t len)
{
    struct th_client *c = ctx;
    size_t n = th_pipe_take(c->pipe, buf, len);

    if (n)
        return (int)n;
    return c->pipe->fin_out || c->pipe->aborted ? MBEDTLS_ERR_SSL_CONN_EOF : MBEDTLS_ERR_SSL_WANT_READ;
}

void th_client_flush(struct th_client *c)
{
    feed(c, c->held.p, c->held.len);
    c->held.len = 0;
    c->hold = false;
}

/* Certificates of either side, and a session. */
static void give(struct th_client *c, const struct th_client_opts *o)
{
    mbedtls_x509_crt_init(&c->cert);
    mbedtls_x509_crt_init(&c->ca);
    if (o->cert_pem && (mbedtls_x509_crt_parse(&c->cert, (const uint8_t *)o->cert_pem, strlen(o->cert_pem) + 1) != 0 ||
                        mbedtls_ssl_conf_own_cert(&c->conf, &c->cert, o->key) != 0))
        abort();
    if (o->ca_pem && mbedtls_x509_crt_parse(&c->ca, (const uint8_t *)o->ca_pem, strlen(o->ca_pem) + 1) != 0)
        abort();
    if (o->ca_pem) {
        mbedtls_ssl_conf_ca_chain(&c->conf, &c->ca, NULL);
        mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    }
    if (o->no_ems)
        mbedtls_ssl_conf_extended_master_secret(&c->conf, MBEDTLS_SSL_EXTENDED_MS_DISABLED);
}

struct th_client *th_client_new(struct th_pipe *pipe, const struct th_client_opts *o)
{
    struct th_client *c = calloc(1, sizeof *c);

    c->pipe = pipe;
    c->alert = -1;
    mbedtls_ssl_config_init(&c->conf);
    mbedtls_ssl_init(&c->ssl);
    if (mbedtls_ssl_config_defaults(&c->conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        abort();
    mbedtls_ssl_conf_authmode(&c->conf, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&c->conf, sl_crypto_mbedtls_random, NULL);
    mbedtls_ssl_conf_min_tls_version(&c->conf, o->min ? o->min : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(&c->conf, o->max ? o->max : MBEDTLS_SSL_VERSION_TLS1_3);
    if (o->suites)
        mbedtls_ssl_conf_ciphersuites(&c->conf, o->suites);
    if (o->groups)
        mbedtls_ssl_conf_groups(&c->conf, o->groups);
    if (o->sig_algs)
        mbedtls_ssl_conf_sig_algs(&c->conf, o->sig_algs);
    if (o->alpn)
        mbedtls_ssl_conf_alpn_protocols(&c->conf, o->alpn);
    give(c, o);
    if (mbedtls_ssl_setup(&c->ssl, &c->conf) != 0 || mbedtls_ssl_set_hostname(&c->ssl, o->sni) != 0)
        abort();
    if (o->session && mbedtls_ssl_set_session(&c->ssl, o->session) != 0)
        abort();
    mbedtls_ssl_set_bio(&c->ssl, c, client_send, client_recv, NULL);
    return c;
}

void th_client_free(struct th_client *c)
{
    mbedtls_ssl_free(&c->ssl);
    mbedtls_ssl_config_free(&c->conf);
    mbedtls_x509_crt_free(&c->cert);
    mbedtls_x509_crt_free(&c->ca);
    free(c->held.p);
    free(c);
}

static void note_error(struct th_client *c, int ret)
{
    c->error = ret;
    if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        c->alert = c->ssl.MBEDTLS_PRIVATE(in_msg)[1];
}

bool th_client_step(struct th_client *c)
{
    int ret;

    if (mbedtls_ssl_is_handshake_over(&c->ssl))
        return true;
    if (c->error)
        return false;
    ret = mbedtls_ssl_handshake(&c->ssl);
    if (ret != 0 && ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE)
        note_error(c, ret);
    return ret == 0;
}

int th_client_read(struct th_client *c, void *out, size_t max)
{
    int ret = mbedtls_ssl_read(&c->ssl, out, max);

    if (ret == MBEDTLS_ERR_SSL_WANT_READ)
        return 0;
    if (ret < 0)
        note_error(c, ret);
    return ret == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : ret;
}

bool th_client_write(struct th_client *c, const void *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        int ret = mbedtls_ssl_write(&c->ssl, (const uint8_t *)bytes + at, len - at);

        if (ret <= 0) {
            note_error(c, ret);
            return false;
        }
        at += (size_t)ret;
    }
    return true;
}

const char *th_client_peer_cn(struct th_client *c)
{
    static char cn[128];
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&c->ssl);

    cn[0] = 0;
    for (const mbedtls_x509_name *n = crt ? &crt->subject : NULL; n; n = n->next)
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0)
            snprintf(cn, sizeof cn, "%.*s", (int)n->val.len, (const char *)n->val.p);
    return cn;
}
