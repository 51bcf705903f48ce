/* OpenSSL's server for the same handshakes, over memory BIOs: what the usual choices run on. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "shake.h"

struct bm_server {
    struct bm_spent *spent;
    SSL_CTX *ctx;
    struct bm_conn **dirty;
    uint32_t n_dirty;
};

static void use_certificate(SSL_CTX *ctx, const struct bm_variant *v)
{
    static const char *const names[] = {"www.example.com", NULL};
    char *crt = th_cert_pem(&(struct th_cert_opts){.key = v->key, .subject = "CN=www.example.com", .names = names});
    char *key = th_key_pem(v->key, 0);
    BIO *crt_bio = BIO_new_mem_buf(crt, -1), *key_bio = BIO_new_mem_buf(key, -1);
    X509 *x = PEM_read_bio_X509(crt_bio, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);

    bm_must(x && pkey && SSL_CTX_use_certificate(ctx, x) && SSL_CTX_use_PrivateKey(ctx, pkey), "OpenSSL's key");
    X509_free(x);
    EVP_PKEY_free(pkey);
    BIO_free(crt_bio);
    BIO_free(key_bio);
    free(crt);
    free(key);
}

static struct bm_server *start(const struct bm_variant *v, uint32_t conns_max, struct bm_spent *spent)
{
    struct bm_server *s = calloc(1, sizeof *s);

    bm_must(s && (s->dirty = calloc(conns_max, sizeof(struct bm_conn *))), "out of memory");
    s->spent = spent;
    s->ctx = SSL_CTX_new(TLS_server_method());
    bm_must(s->ctx && SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION) &&
                SSL_CTX_set1_groups_list(s->ctx, "X25519:P-256:P-384") && SSL_CTX_set_num_tickets(s->ctx, 1),
            "OpenSSL's settings");
    SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(s->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
    use_certificate(s->ctx, v);
    return s;
}

static void stop(struct bm_server *s)
{
    SSL_CTX_free(s->ctx);
    free(s->dirty);
    free(s);
}

static void measured(struct bm_server *s, uint64_t begin)
{
    s->spent->all_ns += bm_cpu_ns() - begin;
    s->spent->windows++;
}

static void accept_conn(struct bm_server *s, struct bm_conn *c)
{
    uint64_t begin = bm_cpu_ns();

    c->accepted = SSL_new(s->ctx);
    c->to_server = BIO_new(BIO_s_mem());
    c->from_server = BIO_new(BIO_s_mem());
    bm_must(c->accepted && c->to_server && c->from_server, "out of memory");
    BIO_set_mem_eof_return(c->to_server, -1);
    SSL_set_bio(c->accepted, c->to_server, c->from_server);
    SSL_set_accept_state(c->accepted);
    measured(s, begin);
    c->dirty = false;
}

static void feed(struct bm_server *s, struct bm_conn *c, const void *bytes, uint32_t len)
{
    bm_must(BIO_write(c->to_server, bytes, (int)len) == (int)len, "out of memory");
    if (!c->dirty)
        s->dirty[s->n_dirty++] = c;
    c->dirty = true;
}

static void run(struct bm_server *s)
{
    for (uint32_t i = 0; i < s->n_dirty; i++) {
        struct bm_conn *c = s->dirty[i];
        uint64_t begin = bm_cpu_ns();
        int ret = SSL_do_handshake(c->accepted);

        measured(s, begin);
        if (ret != 1 && SSL_get_error(c->accepted, ret) != SSL_ERROR_WANT_READ) {
            ERR_print_errors_fp(stderr);
            bm_must(false, "OpenSSL's server fails");
        }
        c->open = ret == 1;
        c->dirty = false;
    }
    s->n_dirty = 0;
}

static uint32_t take(struct bm_server *s, struct bm_conn *c, void *out, uint32_t max)
{
    int n = BIO_read(c->from_server, out, (int)max);

    (void)s;
    return n > 0 ? (uint32_t)n : 0;
}

static void close_conn(struct bm_server *s, struct bm_conn *c)
{
    uint64_t begin = bm_cpu_ns();

    SSL_free(c->accepted);
    measured(s, begin);
    for (uint32_t i = 0; i < s->n_dirty; i++)
        if (s->dirty[i] == c)
            s->dirty[i--] = s->dirty[--s->n_dirty];
}

static uint64_t idle(struct bm_server *s)
{
    (void)s;
    return 0;
}

const struct bm_server_ops bm_server_openssl = {
    .name = "openssl",
    .start = start,
    .stop = stop,
    .accept = accept_conn,
    .feed = feed,
    .run = run,
    .take = take,
    .close = close_conn,
    .idle = idle,
};
