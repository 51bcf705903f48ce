/* Handshakes that come about: versions, suites, groups and kinds of keys; pieces of any size; what clients tell and
 * what they are told. */
#include "helpers/tls_kit.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const char *const site_names[] = {"www.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256", .names = site_names};
static const struct th_cert_opts p384 = {.key = TH_KEY_P384, .subject = "CN=p384", .names = site_names};
static const struct th_cert_opts rsa = {.key = TH_KEY_RSA2048, .subject = "CN=rsa", .names = site_names};

/* One connection through its whole life: handshake, a request, an answer, both ends closed. The facts stay for the
 * caller to look at. */
struct seen {
    char cn[32], version[16], suite[64], sni[64], alpn[16];
};

static void exchange(struct th_rig *r, const struct th_client_opts *o, size_t piece, struct seen *seen)
{
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);
    struct th_client *c = th_client_new(pipe, o);
    struct sl_stream *s;
    struct sl_facts facts;
    char buf[64];

    c->piece = piece;
    assert_non_null(th_rig_accept(r, pipe));
    s = th_rig_handshake(r, c);
    assert_int_equal(c->error, 0);
    assert_non_null(s);
    assert_ptr_equal(s->owner, r);
    s->ops->facts(s, &facts);
    assert_int_equal(facts.peer.port, 40000);
    if (seen) {
        snprintf(seen->cn, sizeof seen->cn, "%s", th_client_peer_cn(c));
        snprintf(seen->version, sizeof seen->version, "%s", facts.version);
        snprintf(seen->suite, sizeof seen->suite, "%s", facts.suite);
        snprintf(seen->sni, sizeof seen->sni, "%s", facts.sni);
        snprintf(seen->alpn, sizeof seen->alpn, "%s", facts.alpn);
    }
    assert_true(th_client_write(c, "request", 7));
    th_rig_step(r);
    assert_int_equal(th_rig_recv(s, buf, sizeof buf), 7);
    assert_memory_equal(buf, "request", 7);
    assert_int_equal(th_rig_send(r, s, "answer", 6, 6), 0);
    assert_int_equal(th_client_read(c, buf, sizeof buf), 6);
    assert_memory_equal(buf, "answer", 6);
    s->ops->shutdown(s);
    assert_int_equal(th_client_read(c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    assert_true(pipe->fin_out);
    assert_int_equal(mbedtls_ssl_close_notify(&c->ssl), 0);
    th_rig_step(r);
    assert_int_equal(th_rig_recv(s, buf, sizeof buf), 0);
    assert_true(s->state & SL_STREAM_EOF);
    assert_true(s->state & SL_STREAM_CLOSED);
    assert_int_equal(s->reason, SL_REASON_NONE);
    s->ops->release(s);
    assert_true(pipe->released);
    assert_false(pipe->aborted);
    th_client_free(c);
    th_pipe_free(pipe);
}

static void every_version_suite_and_key(void **state)
{
    static const struct {
        mbedtls_ssl_protocol_version version;
        int suite;
        const char *name, *cn;
    } cases[] = {
        {V13, MBEDTLS_TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", NULL},
        {V13, MBEDTLS_TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", NULL},
        {V13, MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", NULL},
        {V12, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ecdsa"},
        {V12, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ecdsa"},
        {V12, MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
         "ecdsa"},
        {V12, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "rsa"},
        {V12, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "rsa"},
        {V12, MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
         "rsa"},
    };
    static const struct th_cert_opts *const certs[] = {&p256, &p384, &rsa};

    for (size_t k = 0; k < SL_ARRAY_LEN(certs); k++) {
        struct th_rig r;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {certs[k]}});
        for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
            const int suites[] = {cases[i].suite, 0};
            bool is_rsa = certs[k] == &rsa;
            struct seen seen;

            if (cases[i].cn && is_rsa != (strcmp(cases[i].cn, "rsa") == 0))
                continue;
            exchange(&r, &(struct th_client_opts){.min = cases[i].version, .max = cases[i].version, .suites = suites},
                     0, &seen);
            assert_string_equal(seen.suite, cases[i].name);
            assert_string_equal(seen.version, cases[i].version == V13 ? "TLSv1.3" : "TLSv1.2");
            assert_string_equal(seen.cn, certs[k]->subject + 3);
        }
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_VERSION_13), 3);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_VERSION_12), 3);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_SUITE_AES128_GCM), 2);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_SUITE_AES256_GCM), 2);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_SUITE_CHACHA20_POLY1305), 2);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_HANDSHAKES), 6);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_IN_FLIGHT), 0);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_STREAMS), 0);
        th_rig_stop(&r);
    }
}

/* In 1.3 a client's key share is of its first group; the others here need a HelloRetryRequest when their share is not
 * ours to use. */
static void every_group(void **state)
{
    static const uint16_t all[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                   MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1};
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&rsa}});
    for (size_t g = 0; g < SL_ARRAY_LEN(all); g++) {
        const uint16_t groups[] = {all[g], 0};

        exchange(&r, &(struct th_client_opts){.min = V12, .max = V12, .groups = groups}, 0, NULL);
        exchange(&r, &(struct th_client_opts){.min = V13, .max = V13, .groups = groups}, 0, NULL);
    }
    th_rig_stop(&r);
}

static void hello_retry_request(void **state)
{
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0};
    struct th_rig r;
    struct seen seen;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    exchange(&r, &(struct th_client_opts){.min = V13, .max = V13, .groups = groups, .sni = "www.example.com"}, 0,
             &seen);
    assert_string_equal(seen.sni, "www.example.com");
    assert_string_equal(seen.version, "TLSv1.3");
    th_rig_stop(&r);
}

static void the_newest_common_version_wins(void **state)
{
    struct th_rig r;
    struct seen seen;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    exchange(&r, &(struct th_client_opts){0}, 0, &seen);
    assert_string_equal(seen.version, "TLSv1.3");
    exchange(&r, &(struct th_client_opts){.max = V12}, 0, &seen);
    assert_string_equal(seen.version, "TLSv1.2");
    th_rig_stop(&r);
}

static void suites_follow_the_servers_order(void **state)
{
    static const int suites[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                 0};
    struct th_rig r;
    struct seen seen;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    exchange(&r, &(struct th_client_opts){.max = V12, .suites = suites}, 0, &seen);
    assert_string_equal(seen.suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    exchange(&r, &(struct th_client_opts){.min = V13, .suites = suites}, 0, &seen);
    assert_string_equal(seen.suite, "TLS_AES_128_GCM_SHA256");
    th_rig_stop(&r);
}

/* A client without AES in hardware says so by its order. */
static void a_client_that_prefers_chacha20_gets_it(void **state)
{
    static const int suites[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
    struct th_rig r;
    struct seen seen;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    exchange(&r, &(struct th_client_opts){.max = V12, .suites = suites}, 0, &seen);
    assert_string_equal(seen.suite, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    exchange(&r, &(struct th_client_opts){.min = V13, .suites = suites}, 0, &seen);
    assert_string_equal(seen.suite, "TLS_CHACHA20_POLY1305_SHA256");
    th_rig_stop(&r);
}

static void hello_in_pieces_of_any_size(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 64, 517};
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    for (size_t i = 0; i < SL_ARRAY_LEN(pieces); i++) {
        exchange(&r, &(struct th_client_opts){.min = V13, .sni = "www.example.com"}, pieces[i], NULL);
        exchange(&r, &(struct th_client_opts){.max = V12, .sni = "www.example.com"}, pieces[i], NULL);
    }
    th_rig_stop(&r);
}

/* Each byte of the client's flight arrives in a step of the loop of its own. */
static void one_byte_per_step(void **state)
{
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s = NULL;
    uint8_t events;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, &(struct th_client_opts){.sni = "www.example.com"});
    assert_non_null(th_rig_accept(&r, pipe));
    for (int i = 0; i < 10 && !s; i++) {
        c->hold = true;
        th_client_step(c);
        for (size_t k = 0; k < c->held.len; k++) {
            th_pipe_feed(pipe, c->held.p + k, 1);
            th_rig_step(&r);
        }
        c->held.len = 0;
        s = sl_ready_take(&r.ready, &events);
    }
    assert_non_null(s);
    assert_int_equal(c->error, 0);
    s->ops->release(s);
    assert_true(pipe->aborted); /* not shut down */
    th_client_free(c);
    th_pipe_free(pipe);
    th_rig_stop(&r);
}

static void alpn_picks_ours_first(void **state)
{
    const char *both[] = {"http/1.1", "h2", NULL}, *one[] = {"http/1.1", NULL};
    struct th_rig r;
    struct seen seen;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .alpn = {"h2", "http/1.1"}});
    for (int v = 0; v < 2; v++) {
        mbedtls_ssl_protocol_version version = v ? V13 : V12;

        exchange(&r, &(struct th_client_opts){.min = version, .max = version, .alpn = both}, 0, &seen);
        assert_string_equal(seen.alpn, "h2");
        exchange(&r, &(struct th_client_opts){.min = version, .max = version, .alpn = one}, 0, &seen);
        assert_string_equal(seen.alpn, "http/1.1");
        exchange(&r, &(struct th_client_opts){.min = version, .max = version}, 0, &seen);
        assert_string_equal(seen.alpn, "");
    }
    th_rig_stop(&r);
}

static void data_that_comes_with_finished_is_kept(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_client_opts o = {.min = v ? V13 : V12, .max = v ? V13 : V12};
        struct th_rig r;
        struct th_pipe *pipe;
        struct th_client *c;
        struct sl_stream *s;
        uint8_t events = 0;
        char buf[32];

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
        pipe = th_pipe_new(r.feed_pool);
        c = th_client_new(pipe, &o);
        assert_non_null(th_rig_accept(&r, pipe));
        while (!c->error && !th_client_step(c)) {
            th_rig_step(&r);
            if (v == 1)
                c->hold = true; /* 1.3: the next that the client sends is its Finished */
        }
        assert_int_equal(c->error, 0);
        assert_true(th_client_write(c, "GET / at once", 13));
        assert_int_equal(mbedtls_ssl_close_notify(&c->ssl), 0);
        if (c->hold)
            th_client_flush(c);
        th_pipe_fin(pipe);
        th_rig_step(&r);
        s = sl_ready_take(&r.ready, &events);
        assert_non_null(s);
        assert_true(events & SL_STREAM_OPEN);
        th_rig_step(&r);
        assert_true(s->state & SL_STREAM_READABLE);
        assert_int_equal(th_rig_recv(s, buf, sizeof buf), 13);
        assert_memory_equal(buf, "GET / at once", 13);
        assert_true(s->state & SL_STREAM_EOF);
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_TRUNCATED), 0);
        assert_int_equal(th_rig_send(&r, s, "late answer", 11, 4), 0); /* half-close: ours goes on */
        s->ops->shutdown(s);
        assert_true(s->state & SL_STREAM_CLOSED);
        s->ops->release(s);
        assert_int_equal(th_client_read(c, buf, sizeof buf), 11);
        assert_int_equal(th_client_read(c, buf, sizeof buf), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        th_client_free(c);
        th_pipe_free(pipe);
        th_rig_stop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_suite_and_key),
        cmocka_unit_test(every_group),
        cmocka_unit_test(hello_retry_request),
        cmocka_unit_test(the_newest_common_version_wins),
        cmocka_unit_test(suites_follow_the_servers_order),
        cmocka_unit_test(a_client_that_prefers_chacha20_gets_it),
        cmocka_unit_test(hello_in_pieces_of_any_size),
        cmocka_unit_test(one_byte_per_step),
        cmocka_unit_test(alpn_picks_ours_first),
        cmocka_unit_test(data_that_comes_with_finished_is_kept),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
