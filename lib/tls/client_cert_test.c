/* Certificates of clients through the whole room: asked for or required, and every way in which one is not good (RFC 8446
 * 4.4.2.4, 6.2, RFC 5246 7.4.6). */
#include "helpers/tls_raw.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const struct th_cert_opts server = {.key = TH_KEY_P256, .subject = "CN=server"};
static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=clients", .ca = true};
static const struct th_cert_opts client = {.key = TH_KEY_P256,
                                           .key_index = 1,
                                           .subject = "CN=a client,O=people",
                                           .issuer = "CN=clients",
                                           .issuer_key = TH_KEY_P384};

static char *pem_ca, *pem_crl, *pem_revoked;

static struct sl_conf_file file_of(char *text)
{
    return text ? (struct sl_conf_file){(uint8_t *)text, strlen(text) + 1} : (struct sl_conf_file){0};
}

static struct sl_conf_tls settings_of(enum sl_conf_clients clients)
{
    return (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE,
                                .name = {.s = "intermediate"},
                                .tickets = SL_ON,
                                .ticket_lifetime_ns = {.v = 3600 * SL_NS_PER_S},
                                .clients = clients,
                                .client_ca_pem = file_of(pem_ca),
                                .client_crl_pem = file_of(pem_crl)};
}

struct outcome {
    int alert; /* that the client saw; -1: none, and the stream opened */
    char identity[128];
    uint64_t failed_certificate, tickets;
};

static void connect(const struct th_client_opts *o, enum sl_conf_clients clients, struct outcome *out)
{
    struct sl_conf_tls settings = settings_of(clients);
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    struct sl_stream *s;
    struct sl_facts facts;
    char buf[8];

    *out = (struct outcome){.alert = -1};
    th_rig_start(&r, &(struct th_rig_opts){.certs = {&server}, .settings = &settings});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, o);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&c->conf,
                                                             MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    assert_non_null(th_rig_accept(&r, pipe));
    s = th_rig_handshake(&r, c);
    for (int i = 0; i < 5; i++)
        th_rig_step(&r);
    if (!s)
        (void)sl_ready_take(&r.ready, &(uint8_t){0});
    if (s) {
        s->ops->facts(s, &facts);
        snprintf(out->identity, sizeof out->identity, "%s", facts.identity ? facts.identity : "");
        assert_int_equal(th_rig_send(&r, s, "answer", 6, 6), 0);
        assert_int_equal(th_client_read(c, buf, sizeof buf), 6); /* no ticket came before it */
        s->ops->release(s);
    } else {
        if (!c->error || c->alert < 0)
            (void)th_client_read(c, buf, sizeof buf);
        out->alert = c->alert;
        assert_true(c->alert >= 0);
        assert_true(pipe->fin_out);
    }
    out->failed_certificate = th_rig_ctr(&r, SL_CTR_TLS_FAILED_CERTIFICATE);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_HANDSHAKES), s ? 1 : 0);
    th_pipe_fin(pipe);
    th_rig_step(&r);
    th_client_free(c);
    th_pipe_free(pipe);
    th_rig_stop(&r);
}

static void opened(const struct th_client_opts *o, enum sl_conf_clients clients, const char *identity)
{
    struct outcome out;

    connect(o, clients, &out);
    assert_int_equal(out.alert, -1);
    assert_string_equal(out.identity, identity);
}

static void refused(const struct th_client_opts *o, enum sl_conf_clients clients, int alert)
{
    struct outcome out;

    connect(o, clients, &out);
    assert_int_equal(out.alert, alert);
    assert_int_equal(out.failed_certificate, 1);
}

static struct th_client_opts opts(int v, const char *pem, mbedtls_pk_context *key)
{
    return (struct th_client_opts){.min = v ? V13 : V12, .max = v ? V13 : V12, .cert_pem = pem, .key = key};
}

static const enum sl_conf_clients both[] = {SL_CLIENTS_OPTIONAL, SL_CLIENTS_REQUIRED};

static void none(void **state)
{
    for (int v = 0; v < 2; v++) {
        struct th_client_opts o = opts(v, NULL, NULL);

        opened(&o, SL_CLIENTS_OPTIONAL, "");
        refused(&o, SL_CLIENTS_REQUIRED, v ? 116 : 40);
    }
}

static void a_good_one(void **state)
{
    char *pem = th_cert_pem(&client);

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(both); i++) {
            struct th_client_opts o = opts(v, pem, th_key(TH_KEY_P256, 1));

            opened(&o, both[i], "CN=a client, O=people");
        }
    free(pem);
}

/* Not asked for, not looked at. */
static void none_is_asked_for(void **state)
{
    char *pem = th_cert_pem(&client);

    for (int v = 0; v < 2; v++) {
        struct th_client_opts o = opts(v, pem, th_key(TH_KEY_P256, 1));
        struct th_rig r;
        struct th_pipe *pipe;
        struct th_client *c;
        struct sl_stream *s;
        struct sl_facts facts;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&server}});
        pipe = th_pipe_new(r.feed_pool);
        c = th_client_new(pipe, &o);
        assert_non_null(th_rig_accept(&r, pipe));
        s = th_rig_handshake(&r, c);
        assert_non_null(s);
        s->ops->facts(s, &facts);
        assert_true(!facts.identity || !facts.identity[0]);
        s->ops->release(s);
        th_client_free(c);
        th_pipe_free(pipe);
        th_rig_stop(&r);
    }
    free(pem);
}

static void bad_ones(void **state)
{
    static const struct {
        struct th_cert_opts cert;
        int alert;
    } cases[] = {
        {{.key = TH_KEY_P256, .key_index = 1, .subject = "CN=x", .issuer = "CN=others", .issuer_key = TH_KEY_P384}, 48},
        {{.key = TH_KEY_P256,
          .key_index = 1,
          .subject = "CN=x",
          .issuer = "CN=clients",
          .issuer_key = TH_KEY_P384,
          .issuer_key_index = 1},
         48},
        {{.key = TH_KEY_P256, .key_index = 1, .subject = "CN=x"}, 48},
        {{.key = TH_KEY_P256,
          .key_index = 1,
          .subject = "CN=x",
          .issuer = "CN=clients",
          .issuer_key = TH_KEY_P384,
          .not_after = "20251231235959"},
         45},
        {{.key = TH_KEY_P256,
          .key_index = 1,
          .subject = "CN=x",
          .issuer = "CN=clients",
          .issuer_key = TH_KEY_P384,
          .server_only = true},
         43},
        {{.key = TH_KEY_RSA1024, .key_index = 1, .subject = "CN=x", .issuer = "CN=clients", .issuer_key = TH_KEY_P384},
         43},
    };

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
            char *pem = th_cert_pem(&cases[i].cert);

            for (size_t k = 0; k < SL_ARRAY_LEN(both); k++) {
                struct th_client_opts o = opts(v, pem, th_key(cases[i].cert.key, 1));
                struct outcome out;

                connect(&o, both[k], &out);
                assert_int_equal(out.alert, cases[i].alert);
                assert_int_equal(out.failed_certificate, 1);
            }
            free(pem);
        }
}

static void a_revoked_one(void **state)
{
    pem_crl = th_crl_pem("CN=clients", TH_KEY_P384, 0, pem_revoked);
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(both); i++) {
            struct th_client_opts o = opts(v, pem_revoked, th_key(TH_KEY_P256, 1));

            refused(&o, both[i], 44);
        }
    free(pem_crl);
    pem_crl = NULL;
}

/* The certificate is good, but the client has not its key. */
static void somebody_elses(void **state)
{
    char *pem = th_cert_pem(&client);

    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(both); i++) {
            struct th_client_opts o = opts(v, pem, th_key(TH_KEY_P256, 0));
            struct outcome out;

            connect(&o, both[i], &out);
            assert_int_equal(out.alert, 51);
        }
    free(pem);
}

static void every_kind_of_key(void **state)
{
    static const enum th_key kinds[] = {TH_KEY_P256, TH_KEY_P384, TH_KEY_RSA2048};

    for (size_t k = 0; k < SL_ARRAY_LEN(kinds); k++) {
        struct th_cert_opts cert = client;
        char *pem;

        cert.key = kinds[k];
        pem = th_cert_pem(&cert);
        for (int v = 0; v < 2; v++) {
            struct th_client_opts o = opts(v, pem, th_key(kinds[k], 1));

            opened(&o, SL_CLIENTS_REQUIRED, "CN=a client, O=people");
        }
        free(pem);
    }
}

static int setup(void **state)
{
    int ret = th_tls_setup(state);

    pem_ca = th_cert_pem(&ca);
    pem_revoked = th_cert_pem(&client);
    return ret;
}

static int teardown(void **state)
{
    free(pem_ca);
    free(pem_revoked);
    return th_tls_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),
        cmocka_unit_test(a_good_one),
        cmocka_unit_test(none_is_asked_for),
        cmocka_unit_test(bad_ones),
        cmocka_unit_test(a_revoked_one),
        cmocka_unit_test(somebody_elses),
        cmocka_unit_test(every_kind_of_key),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
