/* The lean client against OpenSSL's server in memory: suites, keys, protocols, a request for a certificate, one ticket and two, resumption. */
#include "engine_rig.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "crypto/crypto.h"

static const char *const names[] = {"www.example.com", NULL};
static const char *const alpn[] = {"h2", "http/1.1", NULL};
static const struct load_engine_conf once = {.share_uses = 1}, resuming = {.share_uses = 10, .resume = true};

struct server {
    SSL_CTX *ctx;
};

/* One connection. */
struct call {
    struct shake k;
    SSL *ssl;
    BIO *in, *out;
    struct sl_engine_facts facts;
};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in, unsigned n,
                  void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";

    (void)ssl;
    (void)arg;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, ours, sizeof ours - 1, in, n) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void use_key(SSL_CTX *ctx, enum th_key kind)
{
    char *crt = th_cert_pem(&(struct th_cert_opts){.key = kind, .subject = "CN=www.example.com", .names = names});
    char *key = th_key_pem(kind, 0);
    BIO *crt_bio = BIO_new_mem_buf(crt, -1), *key_bio = BIO_new_mem_buf(key, -1);
    X509 *x = PEM_read_bio_X509(crt_bio, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);

    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
    X509_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(crt_bio);
    BIO_free(key_bio);
    free(crt);
    free(key);
}

static void serve(struct server *s, enum th_key kind, const char *suites, size_t tickets)
{
    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(s->ctx);
    assert_int_equal(SSL_CTX_set_ciphersuites(s->ctx, suites), 1);
    assert_int_equal(SSL_CTX_set_num_tickets(s->ctx, tickets), 1);
    SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"load", 4);
    SSL_CTX_set_alpn_select_cb(s->ctx, choose, NULL);
    use_key(s->ctx, kind);
}

static void dial(struct call *c, struct lean *l, struct server *s)
{
    *c = (struct call){.ssl = SSL_new(s->ctx), .in = BIO_new(BIO_s_mem()), .out = BIO_new(BIO_s_mem())};
    BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_accept_state(c->ssl);
    shake_begin(&c->k, l, "www.example.com");
}

static void carry_both(struct call *c)
{
    uint8_t buf[4096];
    size_t n;
    int k;

    while ((n = th_pipe_take(c->k.pipe, buf, sizeof buf)))
        assert_int_equal(BIO_write(c->in, buf, (int)n), (int)n);
    if (!SSL_is_init_finished(c->ssl))
        (void)SSL_do_handshake(c->ssl);
    while ((k = BIO_read(c->out, buf, sizeof buf)) > 0)
        th_pipe_feed(c->k.pipe, buf, (size_t)k);
}

static enum sl_engine_step shake_hands(struct call *c)
{
    enum sl_engine_step step = SL_ENGINE_WANT_BYTES;

    for (int i = 0; i < 5 && step == SL_ENGINE_WANT_BYTES; i++) {
        step = shake_step(&c->k);
        carry_both(c);
    }
    if (step == SL_ENGINE_DONE)
        load_engine.facts(c->k.e, &c->facts);
    return step;
}

static void end(struct call *c)
{
    shake_end(&c->k);
    SSL_set_quiet_shutdown(c->ssl, 1);
    SSL_shutdown(c->ssl); /* or its session would be good no more */
    SSL_free(c->ssl);
}

/* Both ways; tickets that the handshake did not wait for come before what is answered. */
static void data_passes(struct call *c, const struct sl_tls_secrets *secrets)
{
    struct th_twin twin = {.s = *secrets};
    uint8_t record[2048], type, *plain;
    int len = -1;

    shake_send(&c->k, "request");
    carry_both(c);
    assert_int_equal(SSL_read(c->ssl, record, sizeof record), 7);
    assert_memory_equal(record, "request", 7);
    assert_int_equal(SSL_write(c->ssl, "answer", 6), 6);
    carry_both(c);
    twin.s.tx = secrets->rx; /* as the server's side sees them */
    sl_record_start(&c->k.record, secrets);
    twin.s.tx = c->k.record.rx;
    do {
        size_t n = SL_MIN(c->k.pipe->in.len - c->k.pipe->in.taken, sizeof record);
        const uint8_t *from = c->k.pipe->in.p + c->k.pipe->in.taken;

        assert_true(n > 5);
        n = 5 + ((size_t)from[3] << 8 | from[4]);
        memcpy(record, from, n);
        c->k.pipe->in.taken += n;
        len = th_twin_open(&twin, record, n, &type, &plain);
        assert_true(len > 0);
    } while (type == 22);
    assert_int_equal(type, 23);
    assert_int_equal(len, 6);
    assert_memory_equal(plain, "answer", 6);
}

static void every_suite_with_every_key(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    static const enum th_key keys[] = {TH_KEY_P256, TH_KEY_P384, TH_KEY_RSA2048, TH_KEY_RSA4096};

    for (size_t i = 0; i < SL_ARRAY_LEN(suites) * SL_ARRAY_LEN(keys); i++) {
        struct sl_tls_secrets secrets;
        struct server s;
        struct lean l;
        struct call c;

        serve(&s, keys[i / 3], suites[i % 3], 2);
        lean_start(&l, once, NULL, alpn);
        dial(&c, &l, &s);
        assert_int_equal(shake_hands(&c), SL_ENGINE_DONE);
        assert_true(SSL_is_init_finished(c.ssl));
        assert_string_equal(c.facts.suite->name, suites[i % 3]);
        assert_string_equal(c.facts.alpn, "http/1.1");
        assert_string_equal(SSL_get_servername(c.ssl, TLSEXT_NAMETYPE_host_name), "www.example.com");
        shake_hand_over(&c.k, &secrets);
        data_passes(&c, &secrets);
        end(&c);
        lean_stop(&l);
        SSL_CTX_free(s.ctx);
    }
}

/* Of tickets that are sealed sessions, and of those that are names of what the server keeps. */
static void one_ticket_and_two(void **state)
{
    for (int i = 0; i < 12; i++) {
        static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                             "TLS_CHACHA20_POLY1305_SHA256"};
        struct server s;
        struct lean l;

        serve(&s, TH_KEY_P256, suites[i / 4], (size_t)(1 + i % 2));
        if (i & 2)
            SSL_CTX_set_options(s.ctx, SSL_OP_NO_TICKET);
        lean_start(&l, resuming, NULL, alpn);
        for (int n = 0; n < 4; n++) {
            struct sl_tls_secrets secrets;
            struct call c;

            dial(&c, &l, &s);
            assert_int_equal(shake_hands(&c), SL_ENGINE_DONE);
            assert_int_equal(c.facts.resumed, n > 0);
            assert_int_equal(SSL_session_reused(c.ssl), c.facts.resumed);
            shake_hand_over(&c.k, &secrets);
            data_passes(&c, &secrets);
            end(&c);
        }
        lean_stop(&l);
        SSL_CTX_free(s.ctx);
    }
}

/* A certificate is asked for; there is none, which is all right, or not. */
static void a_request_for_a_certificate(void **state)
{
    for (int must = 0; must < 2; must++) {
        struct server s;
        struct lean l;
        struct call c;
        char buf[8];

        serve(&s, TH_KEY_P256, "TLS_AES_128_GCM_SHA256", 0);
        SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
        lean_start(&l, once, NULL, alpn);
        dial(&c, &l, &s);
        assert_int_equal(shake_hands(&c), SL_ENGINE_DONE);
        assert_int_equal(SSL_is_init_finished(c.ssl), !must);
        if (!must) {
            struct sl_tls_secrets secrets;

            shake_hand_over(&c.k, &secrets);
            shake_send(&c.k, "hello");
            carry_both(&c);
            assert_int_equal(SSL_read(c.ssl, buf, sizeof buf), 5);
        }
        end(&c);
        lean_stop(&l);
        SSL_CTX_free(s.ctx);
    }
    ERR_clear_error();
}

/* A server that wants another group asks again when it can, or says that it can't. */
static void a_server_of_another_group(void **state)
{
    struct server s;
    struct lean l;
    struct call c;

    serve(&s, TH_KEY_P256, "TLS_AES_128_GCM_SHA256", 0);
    assert_int_equal(SSL_CTX_set1_groups_list(s.ctx, "P-256"), 1);
    lean_start(&l, once, NULL, alpn);
    dial(&c, &l, &s);
    assert_int_equal(shake_hands(&c), SL_ENGINE_FAILED);
    assert_int_equal(c.k.report.failure.why, SL_TLS_FAIL_ALERT);
    assert_int_equal(c.k.report.failure.alert_received, SL_ALERT_HANDSHAKE_FAILURE);
    end(&c);
    lean_stop(&l);
    SSL_CTX_free(s.ctx);
    ERR_clear_error();
}

/* One of TLS 1.2 says so by an alert. */
static void a_server_of_the_old_version(void **state)
{
    struct server s;
    struct lean l;
    struct call c;

    serve(&s, TH_KEY_P256, "TLS_AES_128_GCM_SHA256", 0);
    assert_int_equal(SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION), 1);
    lean_start(&l, once, NULL, alpn);
    dial(&c, &l, &s);
    assert_int_equal(shake_hands(&c), SL_ENGINE_FAILED);
    assert_int_equal(c.k.report.failure.why, SL_TLS_FAIL_ALERT);
    end(&c);
    lean_stop(&l);
    SSL_CTX_free(s.ctx);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_with_every_key),  cmocka_unit_test(one_ticket_and_two),
        cmocka_unit_test(a_request_for_a_certificate), cmocka_unit_test(a_server_of_another_group),
        cmocka_unit_test(a_server_of_the_old_version),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
