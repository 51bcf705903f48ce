/* Chains of clients' certificates: long ones, deep ones, dear ones, and rubbish. What they cost us is bounded, whatever
 * they are made of. */
#include "helpers/tls_raw.h"

#include <mbedtls/pem.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "tls/conn.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3
#define CHAIN_ROOM 65536

static const struct th_cert_opts server = {.key = TH_KEY_P256, .subject = "CN=server"};
static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=ca0", .ca = true};

static struct sl_conf_tls settings = {.policy = SL_POLICY_INTERMEDIATE, .clients = SL_CLIENTS_REQUIRED};

struct link {
    struct th_rig r;
    struct th_pipe *pipe;
};

static void begin(struct link *l)
{
    th_rig_start(&l->r, &(struct th_rig_opts){.certs = {&server}, .settings = &settings});
    l->pipe = th_pipe_new(l->r.feed_pool);
    assert_non_null(th_rig_accept(&l->r, l->pipe));
}

static void end(struct link *l)
{
    th_pipe_fin(l->pipe);
    th_rig_step(&l->r);
    assert_true(l->pipe->released);
    th_pipe_free(l->pipe);
    th_rig_stop(&l->r);
}

/* ---- chains as PEM, sent by mbedTLS's client ---- */

static void append(char *chain, const struct th_cert_opts *o)
{
    char *pem = th_cert_pem(o);
    size_t used = strlen(chain);

    assert_true(used + strlen(pem) < CHAIN_ROOM);
    memcpy(chain + used, pem, strlen(pem) + 1);
    free(pem);
}

/* A client's certificate under `n` authorities below the one that is trusted, keys by turns. */
static char *deep(uint32_t n, const enum th_key *kinds, uint32_t n_kinds)
{
    char *chain = calloc(1, CHAIN_ROOM), subject[16], issuer[16];
    struct th_cert_opts o = {.key = TH_KEY_P256, .key_index = 1, .subject = "CN=client", .issuer = issuer};

    for (uint32_t left = n + 1; left--;) {
        snprintf(issuer, sizeof issuer, "CN=ca%u", left);
        o.issuer_key = left ? kinds[left % n_kinds] : TH_KEY_P384;
        append(chain, &o);
        snprintf(subject, sizeof subject, "CN=ca%u", left);
        o = (struct th_cert_opts){.key = kinds[left % n_kinds], .subject = subject, .issuer = issuer, .ca = true};
    }
    return chain;
}

/* The alert that the client saw; -1: none, and the stream opened. */
static int connect(const char *chain, mbedtls_pk_context *key, mbedtls_ssl_protocol_version v)
{
    struct th_client_opts o = {.min = v, .max = v, .cert_pem = chain, .key = key};
    struct th_client *c;
    struct sl_stream *s;
    struct link l;
    char byte;
    int alert;

    begin(&l);
    c = th_client_new(l.pipe, &o);
    s = th_rig_handshake(&l.r, c);
    for (int i = 0; i < 50; i++)
        th_rig_step(&l.r);
    if (s)
        s->ops->release(s);
    else if (c->alert < 0)
        (void)th_client_read(c, &byte, 1);
    alert = c->alert;
    assert_true(s || alert >= 0);
    th_client_free(c);
    end(&l);
    return alert;
}

static void chains_of_every_kind(void **state)
{
    static const enum th_key kinds[] = {TH_KEY_P256,    TH_KEY_P384,    TH_KEY_RSA2048,
                                        TH_KEY_RSA3072, TH_KEY_RSA4096, TH_KEY_P521};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(kinds); i++) {
        char *chain = deep(2, &kinds[i], 1);

        assert_int_equal(connect(chain, th_key(TH_KEY_P256, 1), V12), -1);
        assert_int_equal(connect(chain, th_key(TH_KEY_P256, 1), V13), -1);
        free(chain);
    }
}

static void a_deep_chain(void **state)
{
    static const enum th_key kinds[] = {TH_KEY_RSA2048, TH_KEY_P256, TH_KEY_RSA4096};
    char *good = deep(7, kinds, 3), *more = deep(9, kinds, 3);

    for (int v = 0; v < 2; v++) {
        assert_int_equal(connect(good, th_key(TH_KEY_P256, 1), v ? V13 : V12), -1);
        assert_true(connect(more, th_key(TH_KEY_P256, 1), v ? V13 : V12) > 0);
    }
    free(good);
    free(more);
}

/* Every certificate could have issued every other, so that there are more signatures than anybody should look at. */
static void a_chain_of_one_name(void **state)
{
    char *chain = calloc(1, CHAIN_ROOM);
    struct th_cert_opts o = {.key = TH_KEY_P256,
                             .key_index = 1,
                             .subject = "CN=same",
                             .issuer = "CN=same",
                             .issuer_key = TH_KEY_P384,
                             .issuer_key_index = 1,
                             .ca = true};

    for (int i = 0; i < 35; i++)
        append(chain, &o);
    for (int v = 0; v < 2; v++) {
        int alert = connect(chain, th_key(TH_KEY_P256, 1), v ? V13 : V12);

        assert_true(alert == 48 || alert == 49); /* nobody trusts it, or it is too deep to say */
    }
    free(chain);
}

/* ---- signatures are operations, and their keys live no longer than these ---- */

static const struct sl_op *waiting_op(const struct th_rig *r)
{
    const struct sl_list *flight = r->tls->in_flight.next;

    return flight == &r->tls->in_flight ? NULL : sl_container_of((uintptr_t)flight, struct sl_tls_conn, flight)->op;
}

/* The client is cut off at every point in turn; the set of operations that it was seen to wait for. */
static uint32_t cut_anywhere(const char *chain, mbedtls_pk_context *key, mbedtls_ssl_protocol_version v)
{
    uint32_t kinds = 0;

    for (int at = 0; at < 40; at++) {
        struct th_client_opts o = {.min = v, .max = v, .cert_pem = chain, .key = key};
        struct th_client *c;
        struct link l;

        th_rig_start(&l.r, &(struct th_rig_opts){.certs = {&server}, .settings = &settings, .budget_ns = 1});
        l.pipe = th_pipe_new(l.r.feed_pool);
        assert_non_null(th_rig_accept(&l.r, l.pipe));
        c = th_client_new(l.pipe, &o);
        for (int i = 0; i < at; i++) {
            struct sl_stream *s;

            th_client_step(c);
            th_rig_step(&l.r);
            if (waiting_op(&l.r))
                kinds |= 1u << waiting_op(&l.r)->kind;
            if ((s = sl_ready_take(&l.r.ready, &(uint8_t){0})))
                s->ops->release(s);
        }
        th_pipe_cut(l.pipe, SL_REASON_RESET);
        th_rig_step(&l.r);
        assert_true(l.pipe->released);
        assert_false(sl_op_waiting(l.r.tls->engines.ops));
        th_client_free(c);
        th_pipe_free(l.pipe);
        th_rig_stop(&l.r);
    }
    return kinds;
}

static void signatures_are_operations(void **state)
{
    static const enum th_key kinds[] = {TH_KEY_P256, TH_KEY_RSA2048, TH_KEY_RSA4096};
    static const enum sl_op_kind ops[] = {SL_OP_P256_VERIFY, SL_OP_P384_VERIFY, SL_OP_RSA2048_PUBLIC,
                                          SL_OP_RSA4096_PUBLIC};
    char *chain = deep(3, kinds, 3);

    for (int v = 0; v < 2; v++) {
        uint32_t seen = cut_anywhere(chain, th_key(TH_KEY_P256, 1), v ? V13 : V12);

        for (size_t i = 0; i < SL_ARRAY_LEN(ops); i++)
            assert_true(seen >> ops[i] & 1);
    }
    free(chain);
}

/* ---- keys that cost too much: nobody has their private halves, and nobody needs them to attack ---- */

static void make_public(mbedtls_pk_context *pk, uint32_t bits, size_t exponent_len)
{
    uint8_t n[2048], e[1024] = {1};
    size_t len = bits / 8;

    sl_crypto_random(n, len);
    sl_crypto_random(e, exponent_len);
    n[0] |= 0x80;
    e[0] |= exponent_len > 3 ? 0x40 : 1;
    e[0] &= 0x7f;
    n[len - 1] |= 1;
    e[exponent_len - 1] |= 1;
    mbedtls_pk_init(pk);
    assert_int_equal(mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)), 0);
    assert_int_equal(mbedtls_rsa_import_raw(mbedtls_pk_rsa(*pk), n, len, NULL, 0, NULL, 0, NULL, 0, e, exponent_len),
                     0);
    assert_int_equal(mbedtls_rsa_complete(mbedtls_pk_rsa(*pk)), 0);
}

/* The intermediate's key is the dear one: our looking at the client's certificate would compute with it. The signature
 * is another RSA key's, long enough to look like one. */
static void an_authority_with_a_dear_key(void **state)
{
    static const struct {
        uint32_t bits;
        size_t exponent_len;
    } cases[] = {{8192, 3}, {8192, 1000}, {4096, 500}, {2048, 255}, {4104, 3}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        char *chain = calloc(1, CHAIN_ROOM);
        mbedtls_pk_context dear;

        make_public(&dear, cases[i].bits, cases[i].exponent_len);
        append(chain, &(struct th_cert_opts){.key = TH_KEY_P256,
                                             .key_index = 1,
                                             .subject = "CN=client",
                                             .issuer = "CN=dear",
                                             .issuer_key = TH_KEY_RSA2048});
        append(chain,
               &(struct th_cert_opts){
                   .own = &dear, .subject = "CN=dear", .issuer = "CN=ca0", .issuer_key = TH_KEY_P384, .ca = true});
        for (int v = 0; v < 2; v++)
            assert_int_equal(connect(chain, th_key(TH_KEY_P256, 1), v ? V13 : V12), 48);
        mbedtls_pk_free(&dear);
        free(chain);
    }
}

/* ---- Certificate messages of 1.3, sent by hand ---- */

static uint8_t *der_of(const struct th_cert_opts *o, size_t *len)
{
    char *pem = th_cert_pem(o);
    uint8_t *der;
    mbedtls_pem_context p;

    mbedtls_pem_init(&p);
    assert_int_equal(mbedtls_pem_read_buffer(&p, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
                                             (uint8_t *)pem, NULL, 0, len),
                     0);
    der = malloc(p.MBEDTLS_PRIVATE(buflen));
    *len = p.MBEDTLS_PRIVATE(buflen);
    memcpy(der, p.MBEDTLS_PRIVATE(buf), *len);
    mbedtls_pem_free(&p);
    free(pem);
    return der;
}

static void put_u24(uint8_t *p, size_t n)
{
    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
}

/* A certificate_list of one (RFC 8446 4.4.2); its length. */
static size_t list_of(const uint8_t *der, size_t len, uint8_t *out)
{
    out[0] = 0; /* certificate_request_context */
    put_u24(out + 1, len + 5);
    put_u24(out + 4, len);
    memcpy(out + 7, der, len);
    out[7 + len] = out[8 + len] = 0; /* extensions */
    return len + 9;
}

static void raw_begin(struct link *l, struct th_raw *c)
{
    begin(l);
    th_raw_init(c, l->pipe, true);
    th_raw_hello(c, NULL);
    th_rig_step(&l->r);
    th_raw_read(c);
    assert_int_equal(c->seen[TH_CERTIFICATE_REQUEST], 1);
    assert_int_equal(c->seen[TH_FINISHED], 1);
}

/* Some alert, and FIN; the alert. */
static int raw_refused(struct link *l, struct th_raw *c)
{
    int alert;

    for (int i = 0; i < 20; i++)
        th_rig_step(&l->r);
    th_raw_read(c);
    alert = c->alert;
    assert_true(alert > 0);
    assert_false(c->broken);
    assert_true(l->pipe->fin_out);
    th_raw_done(c);
    end(l);
    return alert;
}

/* Any byte of the message changed: never a stream, always an alert. */
static void any_byte_changed(void **state)
{
    static const struct th_cert_opts o = {
        .key = TH_KEY_P256, .key_index = 1, .subject = "CN=x", .issuer = "CN=ca0", .issuer_key = TH_KEY_P384};
    size_t len;
    uint8_t *der = der_of(&o, &len), *body = malloc(len + 9);
    size_t n = list_of(der, len, body);

    for (size_t at = 0; at < n; at += 7) {
        struct th_raw c;
        struct link l;

        body[at] ^= 0x55;
        raw_begin(&l, &c);
        th_raw_message(&c, TH_CERTIFICATE, body, n, true);
        body[at] ^= 0x55;
        th_raw_message(&c, TH_CERTIFICATE_VERIFY, "\x04\x03\0\x08\x30\x06\x02\x01\x01\x02\x01\x01", 12, true);
        raw_refused(&l, &c);
    }
    free(der);
    free(body);
}

static void a_message_cut_short(void **state)
{
    static const struct th_cert_opts o = {
        .key = TH_KEY_P256, .key_index = 1, .subject = "CN=x", .issuer = "CN=ca0", .issuer_key = TH_KEY_P384};
    size_t len;
    uint8_t *der = der_of(&o, &len), *body = malloc(len + 9);
    size_t n = list_of(der, len, body);

    for (size_t cut = 0; cut < n; cut += 11) {
        struct th_raw c;
        struct link l;

        raw_begin(&l, &c);
        th_raw_message(&c, TH_CERTIFICATE, body, cut, true);
        assert_int_equal(raw_refused(&l, &c), 50);
    }
    free(der);
    free(body);
}

/* A good certificate, and rubbish where its key should have signed. */
static void rubbish_for_a_signature(void **state)
{
    static const struct {
        enum th_key key;
        const char *verify;
        int alert;
    } cases[] = {
        {TH_KEY_P256, "0403 (3006020101020101)", 51}, {TH_KEY_P256, "0403 ()", 51},
        {TH_KEY_P256, "0403 (3006020100020100)", 51}, {TH_KEY_P256, "0403 (ff*200)", 51},
        {TH_KEY_P256, "0804 (ff*256)", 51}, /* an algorithm of other keys */
        {TH_KEY_P256, "0401 (ff*256)", 51}, /* one that 1.3 has not (4.2.3) */
        {TH_KEY_P256, "0403 (ff*4) 00", 51},          {TH_KEY_P256, "04", 50},
        {TH_KEY_RSA2048, "0804 (00*256)", 51},        {TH_KEY_RSA2048, "0804 (ff*256)", 51},
        {TH_KEY_RSA2048, "0804 (01*255)", 51},        {TH_KEY_RSA4096, "0804 (01*512)", 51},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct th_cert_opts o = {
            .key = cases[i].key, .key_index = 1, .subject = "CN=x", .issuer = "CN=ca0", .issuer_key = TH_KEY_P384};
        size_t len;
        uint8_t *der = der_of(&o, &len), *body = malloc(len + 9), verify[600];
        struct th_raw c;
        struct link l;

        raw_begin(&l, &c);
        th_raw_message(&c, TH_CERTIFICATE, body, list_of(der, len, body), true);
        th_raw_message(&c, TH_CERTIFICATE_VERIFY, verify, th_hello_text(cases[i].verify, verify, sizeof verify), true);
        assert_int_equal(raw_refused(&l, &c), cases[i].alert);
        free(der);
        free(body);
    }
}

/* A message longer than a record, and than mbedTLS takes. */
static void a_message_that_is_too_long(void **state)
{
    uint8_t piece[16384] = {TH_CERTIFICATE, 0, 0xf0, 0};
    struct th_raw c;
    struct link l;

    raw_begin(&l, &c);
    for (int i = 0; i < 4; i++) {
        th_raw_record(&c, TH_HANDSHAKE, piece, 15000);
        memset(piece, 0, 4);
    }
    raw_refused(&l, &c);
}

/* Neither a certificate nor its absence. */
static void finished_where_a_certificate_must_be(void **state)
{
    struct th_raw c;
    struct link l;

    raw_begin(&l, &c);
    th_raw_finished(&c, 0, NULL);
    assert_int_equal(raw_refused(&l, &c), 10);
}

static int setup(void **state)
{
    int ret = th_tls_setup(state);
    char *pem = th_cert_pem(&ca);

    settings.client_ca_pem = (struct sl_conf_file){(uint8_t *)pem, strlen(pem) + 1};
    return ret;
}

static int teardown(void **state)
{
    free(settings.client_ca_pem.bytes);
    return th_tls_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_every_kind),         cmocka_unit_test(a_deep_chain),
        cmocka_unit_test(a_chain_of_one_name),          cmocka_unit_test(signatures_are_operations),
        cmocka_unit_test(an_authority_with_a_dear_key), cmocka_unit_test(any_byte_changed),
        cmocka_unit_test(a_message_cut_short),          cmocka_unit_test(rubbish_for_a_signature),
        cmocka_unit_test(a_message_that_is_too_long),   cmocka_unit_test(finished_where_a_certificate_must_be),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
