/* Handshakes in flight, the client's side and the order of turns. */
#include "shake.h"

#include <openssl/err.h>
#include <stdlib.h>

const struct bm_variant bm_variants[] = {
    {"1.3-p256", TLS1_3_VERSION, TH_KEY_P256, "X25519", NULL, false},
    {"1.3-rsa2048", TLS1_3_VERSION, TH_KEY_RSA2048, "X25519", NULL, false},
    {"1.3-resumed", TLS1_3_VERSION, TH_KEY_P256, "X25519", NULL, true},
    {"1.3-p384", TLS1_3_VERSION, TH_KEY_P384, "X25519", NULL, false},
    {"1.3-group-p256", TLS1_3_VERSION, TH_KEY_P256, "P-256", NULL, false},
    {"1.2-p256", TLS1_2_VERSION, TH_KEY_P256, "X25519:P-256", "ECDHE-ECDSA-AES128-GCM-SHA256", false},
    {"1.2-rsa2048", TLS1_2_VERSION, TH_KEY_RSA2048, "X25519", "ECDHE-RSA-AES128-GCM-SHA256", false},
    {"1.2-resumed", TLS1_2_VERSION, TH_KEY_P256, "X25519:P-256", "ECDHE-ECDSA-AES128-GCM-SHA256", true},
};
const uint32_t bm_n_variants = SL_ARRAY_LEN(bm_variants);

/* ---- the client ---- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct bm_shake *s = SSL_get_app_data(ssl);

    if (s->session || !s->variant->resumed)
        return 0;
    s->session = session;
    return 1;
}

static SSL_CTX *clients(const struct bm_variant *v)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    bm_must(ctx && SSL_CTX_set_min_proto_version(ctx, v->version) && SSL_CTX_set_max_proto_version(ctx, v->version) &&
                SSL_CTX_set1_groups_list(ctx, v->group) && (!v->suite || SSL_CTX_set_cipher_list(ctx, v->suite)) &&
                SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"),
            "the client's settings");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return ctx;
}

void bm_client_begin(struct bm_shake *s, struct bm_conn *c)
{
    c->client = SSL_new(s->clients);
    c->to_client = BIO_new(BIO_s_mem());
    c->from_client = BIO_new(BIO_s_mem());
    c->done = false;
    bm_must(c->client && c->to_client && c->from_client, "out of memory");
    BIO_set_mem_eof_return(c->to_client, -1);
    SSL_set_bio(c->client, c->to_client, c->from_client);
    SSL_set_connect_state(c->client);
    SSL_set_app_data(c->client, s);
    SSL_set_tlsext_host_name(c->client, "www.example.com");
    c->resuming = s->session != NULL;
    if (c->resuming) { /* OpenSSL uses a session once */
        SSL_SESSION *copy = SSL_SESSION_dup(s->session);

        bm_must(copy && SSL_set_session(c->client, copy), "the session is not to be used");
        SSL_SESSION_free(copy);
    }
}

void bm_client_end(struct bm_conn *c)
{
    if (!c->client)
        return;
    SSL_set_quiet_shutdown(c->client, 1);
    SSL_shutdown(c->client); /* otherwise its session would be no good any more */
    SSL_free(c->client);
    c->client = NULL;
}

static void move_to_server(struct bm_shake *s, struct bm_conn *c)
{
    char *bytes;
    long len = BIO_get_mem_data(c->from_client, &bytes);

    if (len <= 0)
        return;
    s->ops->feed(s->server, c, bytes, (uint32_t)len);
    (void)BIO_reset(c->from_client);
}

static void expect_more(struct bm_conn *c, int ret)
{
    int why = SSL_get_error(c->client, ret);

    if (why == SSL_ERROR_WANT_READ)
        return;
    ERR_print_errors_fp(stderr);
    bm_must(false, "the client fails");
}

void bm_client_step(struct bm_shake *s, struct bm_conn *c)
{
    uint8_t bytes[16384];
    uint32_t n;

    while ((n = s->ops->take(s->server, c, bytes, sizeof bytes)))
        bm_must(BIO_write(c->to_client, bytes, (int)n) == (int)n, "out of memory");
    if (!c->done) {
        int ret = SSL_do_handshake(c->client);

        c->done = ret == 1;
        if (!c->done)
            expect_more(c, ret);
        else if (c->resuming)
            bm_must(SSL_session_reused(c->client), "it was not resumed");
    } else {
        int ret = SSL_read(c->client, bytes, sizeof bytes); /* tickets */

        if (ret <= 0)
            expect_more(c, ret);
    }
    move_to_server(s, c);
}

/* ---- turns ---- */

void bm_shake_begin(struct bm_shake *s, struct bm_conn *c)
{
    c->open = false;
    c->begun = true;
    bm_client_begin(s, c);
    bm_role("server");
    s->ops->accept(s->server, c);
    bm_role("client");
}

void bm_shake_end(struct bm_shake *s, struct bm_conn *c)
{
    bm_role("server");
    s->ops->close(s->server, c);
    bm_role("client");
    bm_client_end(c);
    c->begun = false;
    s->finished++;
}

void bm_shake_serve(struct bm_shake *s)
{
    bm_role("server");
    s->ops->run(s->server);
    bm_role("client");
}

void bm_shake_whole(struct bm_shake *s, struct bm_conn *c)
{
    bm_shake_begin(s, c);
    while (!c->open || !c->done) {
        bm_client_step(s, c);
        bm_shake_serve(s);
    }
    bm_client_step(s, c); /* tickets */
}

void bm_shake_wave(struct bm_shake *s)
{
    uint32_t left = s->n;

    for (uint32_t i = 0; i < s->n; i++)
        bm_shake_begin(s, &s->conns[i]);
    while (left) {
        for (uint32_t i = 0; i < s->n; i++)
            bm_client_step(s, &s->conns[i]);
        bm_shake_serve(s);
        left = 0;
        for (uint32_t i = 0; i < s->n; i++)
            left += !s->conns[i].open || !s->conns[i].done;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        bm_client_step(s, &s->conns[i]); /* tickets */
        bm_shake_end(s, &s->conns[i]);
    }
}

void bm_shake_open(struct bm_shake *s, const struct bm_server_ops *ops, const struct bm_variant *v, uint32_t n)
{
    *s = (struct bm_shake){.ops = ops, .variant = v, .n = n, .burst = n};
    s->conns = calloc(n, sizeof *s->conns);
    bm_must(s->conns != NULL, "out of memory");
    s->clients = clients(v);
    s->server = ops->start(v, n, &s->spent);
}

void bm_shake_start(struct bm_shake *s, const struct bm_server_ops *ops, const struct bm_variant *v, uint32_t n,
                    uint32_t burst)
{
    bm_shake_open(s, ops, v, n);
    s->burst = burst ? burst : n;
    for (uint32_t i = 0; i < n; i++)
        bm_shake_begin(s, &s->conns[i]);
    while (v->resumed && !s->session) /* those that got no session yet shake hands in full */
        bm_shake_turn(s);
    for (uint64_t until = s->finished + 2 * (uint64_t)n; s->finished < until;)
        bm_shake_turn(s);
    s->spent = (struct bm_spent){0};
    s->finished = 0;
}

void bm_shake_turn(struct bm_shake *s)
{
    uint32_t fed = 0;

    for (uint32_t i = 0; i < s->n && fed < s->burst; i++) {
        struct bm_conn *c = &s->conns[s->at];

        s->at = (s->at + 1) % s->n;
        if (c->open && c->done) {
            bm_client_step(s, c);
            bm_shake_end(s, c);
            bm_shake_begin(s, c);
        }
        bm_client_step(s, c);
        fed += c->dirty;
    }
    bm_shake_serve(s);
}

void bm_shake_finish(struct bm_shake *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->conns[i].begun)
            bm_shake_end(s, &s->conns[i]);
}

void bm_shake_stop(struct bm_shake *s)
{
    bm_shake_finish(s);
    s->ops->stop(s->server);
    SSL_SESSION_free(s->session);
    SSL_CTX_free(s->clients);
    free(s->conns);
}

double bm_shake_us(const struct bm_spent *s)
{
    double hooks_us =
        bm_empty_cpu_ns() * (double)(s->windows + s->op_calls) / 1e3 + bm_us(bm_empty_cycles() * (double)s->pipe.calls);

    return (double)s->all_ns / 1e3 - bm_us((double)s->pipe.cycles) - hooks_us;
}
