/* The client's role against OpenSSL's server, in memory: both versions, tickets, KeyUpdates, a HelloRetryRequest, a server
 * that asks for a certificate, one that asks for a new handshake. */
#include "tls/connect_rig.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

static const char *const names[] = {"origin.example.com", NULL};
static enum sl_conf_tls_version only12[] = {SL_TLS_1_2}, only13[] = {SL_TLS_1_3};

static const struct server {
    bool v13;
    enum th_key key;
    const char *groups;
    const char *suite; /* NULL: any */
    uint32_t tickets;
    bool asks;
} servers[] = {
    {true, TH_KEY_P256, "X25519", "TLS_AES_128_GCM_SHA256", 2, false},
    {true, TH_KEY_RSA2048, "P-256", "TLS_AES_256_GCM_SHA384", 4, false}, /* after a HelloRetryRequest */
    {true, TH_KEY_P384, "P-384", "TLS_CHACHA20_POLY1305_SHA256", 16, true},
    {true, TH_KEY_P256, "X25519", NULL, 0, false},
    {false, TH_KEY_P256, "X25519", "ECDHE-ECDSA-AES128-GCM-SHA256", 1, false},
    {false, TH_KEY_RSA2048, "P-256", "ECDHE-RSA-AES256-GCM-SHA384", 1, true},
    {false, TH_KEY_P384, "P-384", "ECDHE-ECDSA-CHACHA20-POLY1305", 1, false},
};

struct link {
    struct pair p;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    char *pem;
};

static void use_certificate(struct link *l, enum th_key kind)
{
    const struct th_cert_opts o = {.key = kind, .subject = "CN=origin.example.com", .names = names, .ca = true};
    char *key = th_key_pem(kind, 0);
    BIO *crt_bio, *key_bio = BIO_new_mem_buf(key, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    X509 *x;

    l->pem = th_cert_pem(&o);
    crt_bio = BIO_new_mem_buf(l->pem, -1);
    x = PEM_read_bio_X509(crt_bio, NULL, NULL, NULL);
    assert_int_equal(SSL_CTX_use_certificate(l->ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(l->ctx, pkey), 1);
    X509_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(crt_bio);
    BIO_free(key_bio);
    free(key);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in,
                       unsigned int in_len, void *arg)
{
    assert_true(in_len > 2);
    *out = in + 1; /* the first */
    *len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static void start_server(struct link *l, const struct server *v)
{
    l->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(l->ctx);
    assert_int_equal(SSL_CTX_set_min_proto_version(l->ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(l->ctx, v->v13 ? TLS1_3_VERSION : TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set1_groups_list(l->ctx, v->groups), 1);
    assert_int_equal(SSL_CTX_set_num_tickets(l->ctx, v->tickets), 1);
    if (v->suite)
        assert_int_equal(
            v->v13 ? SSL_CTX_set_ciphersuites(l->ctx, v->suite) : SSL_CTX_set_cipher_list(l->ctx, v->suite), 1);
    if (v->asks)
        SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL); /* and goes on without one */
    SSL_CTX_set_alpn_select_cb(l->ctx, choose_alpn, NULL);
    use_certificate(l, v->key);
    l->ssl = SSL_new(l->ctx);
    l->in = BIO_new(BIO_s_mem());
    l->out = BIO_new(BIO_s_mem());
    assert_true(l->ssl && l->in && l->out);
    SSL_set_bio(l->ssl, l->in, l->out);
    SSL_set_accept_state(l->ssl);
}

static void start(struct link *l, const struct server *v, enum sl_conf_tls_version *versions)
{
    struct sl_conf_tls settings = {
        .policy = SL_POLICY_INTERMEDIATE, .versions = versions, .n_versions = versions ? 1 : 0};
    struct sl_tls_client_conf conf = pair_conf(&settings);

    *l = (struct link){0};
    start_server(l, v);
    settings.client_ca_pem.bytes = (uint8_t *)l->pem;
    settings.client_ca_pem.len_bytes = strlen(l->pem) + 1;
    pair_start(&l->p, &(struct th_rig_opts){.certs = {&(struct th_cert_opts){.subject = "CN=none"}}}, &conf);
    pair_connect(&l->p, "origin.example.com");
}

/* Carries what both have to say; what the server reads comes to got. */
static size_t turn(struct link *l, void *got, size_t room)
{
    uint8_t buf[4096];
    size_t len;
    int n;

    th_rig_step(&l->p.r);
    while ((len = th_pipe_take(l->p.near, buf, sizeof buf)))
        assert_int_equal(BIO_write(l->in, buf, (int)len), (int)len);
    n = SSL_read(l->ssl, got, (int)room); /* shakes hands too */
    for (int k; (k = BIO_read(l->out, buf, sizeof buf)) > 0;)
        th_pipe_feed(l->p.near, buf, (size_t)k);
    th_rig_step(&l->p.r);
    see(&l->p);
    return n > 0 ? (size_t)n : 0;
}

static void stop(struct link *l)
{
    SSL_free(l->ssl);
    SSL_CTX_free(l->ctx);
    pair_end(&l->p);
    free(l->pem);
    ERR_clear_error();
}

static void open_link(struct link *l, const struct server *v, enum sl_conf_tls_version *versions)
{
    uint8_t none[16];

    start(l, v, versions);
    for (int i = 0; i < 10 && !(SSL_is_init_finished(l->ssl) && l->p.c_seen); i++)
        assert_int_equal(turn(l, none, sizeof none), 0);
    assert_true(SSL_is_init_finished(l->ssl));
    assert_true(l->p.c_seen & SL_STREAM_OPEN);
    assert_false(l->p.c_seen & SL_STREAM_CLOSED);
}

static void to_client(struct link *l, const char *bytes, size_t len)
{
    char *got = malloc(len);
    size_t have = 0;

    assert_int_equal(SSL_write(l->ssl, bytes, (int)len), (int)len);
    for (int i = 0; i < 10 && have < len; i++) {
        assert_int_equal(turn(l, &(uint8_t){0}, 1), 0);
        have += th_rig_recv(l->p.c, got + have, len - have);
    }
    assert_int_equal(have, len);
    assert_memory_equal(got, bytes, len);
    free(got);
}

static void to_server(struct link *l, const char *bytes, size_t len)
{
    char *got = malloc(len);
    size_t have = 0;

    assert_int_equal(th_rig_send(&l->p.r, l->p.c, bytes, len, 1400), 0);
    for (int i = 0; i < 100 && have < len; i++)
        have += turn(l, got + have, len - have);
    assert_int_equal(have, len);
    assert_memory_equal(got, bytes, len);
    free(got);
}

static void both_ways(struct link *l)
{
    static char bytes[50000];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    to_server(l, bytes, sizeof bytes);
    to_client(l, bytes, sizeof bytes);
}

static void close_both(struct link *l)
{
    l->p.c->ops->shutdown(l->p.c);
    turn(l, &(uint8_t){0}, 1);
    assert_int_equal(SSL_get_shutdown(l->ssl), SSL_RECEIVED_SHUTDOWN);
    SSL_shutdown(l->ssl);
    turn(l, &(uint8_t){0}, 1);
    th_rig_recv(l->p.c, &(uint8_t){0}, 1);
    see(&l->p);
    assert_true(l->p.c_seen & SL_STREAM_EOF);
    assert_true(l->p.c_seen & SL_STREAM_CLOSED);
    assert_int_equal(l->p.c->reason, SL_REASON_NONE);
}

static void servers_of_every_kind(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(servers); i++)
        for (int only = 0; only < 2; only++) { /* a client of both versions, and of that one */
            struct link l;
            struct sl_facts f;

            open_link(&l, &servers[i], !only ? NULL : servers[i].v13 ? only13 : only12);
            l.p.c->ops->facts(l.p.c, &f);
            assert_string_equal(f.version, servers[i].v13 ? "TLSv1.3" : "TLSv1.2");
            assert_string_equal(f.alpn, "h2");
            assert_string_equal(f.identity, "CN=origin.example.com");
            assert_string_equal(SSL_get_servername(l.ssl, TLSEXT_NAMETYPE_host_name), "origin.example.com");
            both_ways(&l);
            close_both(&l);
            stop(&l);
        }
}

static void tickets_and_keys_in_mid_stream(void **state)
{
    struct link l;

    open_link(&l, &servers[0], NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_new_session_ticket(l.ssl), 1);
        to_client(&l, "tickets go before it", 20);
        assert_int_equal(SSL_key_update(l.ssl, i ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        both_ways(&l);
    }
    assert_true(th_rig_ctr(&l.p.r, SL_CTR_TLS_TICKETS_SKIPPED) >= 3);
    assert_int_equal(th_rig_ctr(&l.p.r, SL_CTR_TLS_KEY_UPDATES_RECEIVED), 3);
    assert_int_equal(th_rig_ctr(&l.p.r, SL_CTR_TLS_KEY_UPDATES_SENT), 2);
    close_both(&l);
    stop(&l);
}

static void a_server_that_asks_for_a_new_handshake(void **state)
{
    struct link l;

    open_link(&l, &servers[4], NULL);
    assert_int_equal(SSL_renegotiate(l.ssl), 1);
    assert_int_equal(SSL_do_handshake(l.ssl), 1); /* only its request goes out */
    turn(&l, &(uint8_t){0}, 1);
    assert_int_equal(th_rig_recv(l.p.c, &(uint8_t){0}, 1), 0);
    see(&l.p);
    assert_false(l.p.c_seen & SL_STREAM_CLOSED);
    stop(&l);
}

/* Its alert tells the server why, under the handshake's keys (RFC 8446 A.1). */
static void a_server_that_is_not_trusted(void **state)
{
    static const char *const wrong[] = {"other.example.com"};

    for (size_t i = 0; i < SL_ARRAY_LEN(servers); i++) {
        struct link l;
        uint8_t none[16];

        start(&l, &servers[i], NULL);
        l.p.c->ops->release(l.p.c);
        th_pipe_free(l.p.near);
        l.p.near = th_pipe_new(l.p.r.feed_pool);
        pair_connect(&l.p, wrong[0]);
        ERR_clear_error();
        for (int t = 0; t < 10; t++)
            turn(&l, none, sizeof none);
        assert_true(l.p.c_seen & SL_STREAM_CLOSED);
        assert_int_equal(l.p.c->reason, SL_REASON_PROTOCOL);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
        stop(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_of_every_kind),
        cmocka_unit_test(tickets_and_keys_in_mid_stream),
        cmocka_unit_test(a_server_that_asks_for_a_new_handshake),
        cmocka_unit_test(a_server_that_is_not_trusted),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
