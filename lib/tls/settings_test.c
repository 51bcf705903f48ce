/* What a listener's settings refuse, and with which alert, through the whole room. */
#include "helpers/tls_raw.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const char *const names[] = {"www.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256", .names = names};

/* The alert that a client sees; -1: none, and the stream opened. */
static int connect(const struct sl_conf_tls *settings, const struct th_client_opts *o)
{
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s;
    int alert;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = settings});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, o);
    assert_non_null(th_rig_accept(&r, pipe));
    s = th_rig_handshake(&r, c);
    alert = c->alert;
    if (s)
        s->ops->release(s);
    else
        assert_true(alert >= 0 && pipe->fin_out);
    th_pipe_fin(pipe);
    th_rig_step(&r);
    th_client_free(c);
    th_pipe_free(pipe);
    th_rig_stop(&r);
    return alert;
}

static void versions(void **state)
{
    static enum sl_conf_tls_version only12[] = {SL_TLS_1_2};
    static const struct sl_conf_tls modern = {.policy = SL_POLICY_MODERN},
                                    intermediate = {.policy = SL_POLICY_INTERMEDIATE},
                                    old = {.policy = SL_POLICY_INTERMEDIATE, .versions = only12, .n_versions = 1};
    static const struct th_client_opts of12 = {.max = V12}, of13 = {.min = V13};

    assert_int_equal(connect(&modern, &of13), -1);
    assert_int_equal(connect(&modern, &of12), 70);
    assert_int_equal(connect(&intermediate, &of13), -1);
    assert_int_equal(connect(&intermediate, &of12), -1);
    assert_int_equal(connect(&old, &of13), 70);
    assert_int_equal(connect(&old, &of12), -1);
}

static void suites(void **state)
{
    static enum sl_conf_cipher large[] = {SL_CIPHER_AES_256_GCM};
    static const struct sl_conf_tls s = {.policy = SL_POLICY_INTERMEDIATE, .suites = large, .n_suites = 1};
    static const int small[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};

    assert_int_equal(connect(&s, &(struct th_client_opts){.max = V12}), -1);
    assert_int_equal(connect(&s, &(struct th_client_opts){.min = V13}), -1);
    assert_int_equal(connect(&s, &(struct th_client_opts){.max = V12, .suites = small}), 40);
    assert_int_equal(connect(&s, &(struct th_client_opts){.min = V13, .suites = small}), 40);
}

static void groups(void **state)
{
    static enum sl_conf_group one[] = {SL_GROUP_P384};
    static const struct sl_conf_tls s = {.policy = SL_POLICY_INTERMEDIATE, .groups = one, .n_groups = 1};
    static const uint16_t others[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0};

    assert_int_equal(connect(&s, &(struct th_client_opts){.min = V13}), -1); /* after a HelloRetryRequest */
    assert_int_equal(connect(&s, &(struct th_client_opts){.min = V13, .groups = others}), 40);
    assert_int_equal(connect(&s, &(struct th_client_opts){.max = V12, .groups = others}), 40);
}

static void names_that_nobody_has(void **state)
{
    static const struct sl_conf_tls refuse = {.policy = SL_POLICY_INTERMEDIATE, .unknown_sni = SL_UNKNOWN_SNI_REFUSE},
                                    take = {.policy = SL_POLICY_INTERMEDIATE, .unknown_sni = SL_UNKNOWN_SNI_DEFAULT};
    static const struct {
        const char *name;
        bool known;
    } cases[] = {{"www.example.com", true},    {"WWW.Example.Com", true},       {"a.wild.example.com", true},
                 {"wild.example.com", false},  {"a.b.wild.example.com", false}, {"example.com", false},
                 {"www.example.com.x", false}, {"-bad-.example.com", false},    {NULL, true}};

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
            struct th_client_opts o = {.min = v ? V13 : V12, .max = v ? V13 : V12, .sni = cases[i].name};

            assert_int_equal(connect(&refuse, &o), cases[i].known ? -1 : 112);
            assert_int_equal(connect(&take, &o), -1);
        }
}

/* RFC 8446 4.1.3: a server that could more says so in its random, where nobody in the middle can change it. */
static void the_mark_of_a_downgrade(void **state)
{
    static enum sl_conf_tls_version only12[] = {SL_TLS_1_2};
    static const struct sl_conf_tls both = {.policy = SL_POLICY_INTERMEDIATE},
                                    old = {.policy = SL_POLICY_INTERMEDIATE, .versions = only12, .n_versions = 1};
    static const struct sl_conf_tls *const settings[] = {&both, &old};

    for (size_t i = 0; i < SL_ARRAY_LEN(settings); i++) {
        struct th_rig r;
        struct th_pipe *pipe;
        struct th_raw c;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = settings[i]});
        pipe = th_pipe_new(r.feed_pool);
        th_raw_init(&c, pipe, false);
        assert_non_null(th_rig_accept(&r, pipe));
        th_raw_hello(&c, NULL);
        th_rig_step(&r);
        th_raw_read(&c);
        assert_int_equal(c.seen[TH_SERVER_HELLO], 1);
        assert_int_equal(memcmp(c.randoms + 56, "DOWNGRD\x01", 8) == 0, i == 0);
        th_pipe_cut(pipe, SL_REASON_RESET);
        th_rig_step(&r);
        th_raw_done(&c);
        th_pipe_free(pipe);
        th_rig_stop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(suites),
        cmocka_unit_test(groups),
        cmocka_unit_test(names_that_nobody_has),
        cmocka_unit_test(the_mark_of_a_downgrade),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
