/* How much of a fiber's stack and arena handshakes need, of every kind that is dear: less than three quarters, so that
 * growth is noticed before a guard page is. */
#include "helpers/tls_raw.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/conn.h"
#include "tls/fiber.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static void below_three_quarters(struct th_rig *r, const char *what)
{
    struct sl_fiber_use use;

    sl_fiber_pool_use(r->tls->engines.fibers, &use);
    print_message("%s: stack %u of %u, arena %u of %u\n", what, use.stack_peak_bytes, SL_FIBER_STACK_BYTES,
                  use.arena_peak_bytes, SL_FIBER_ARENA_BYTES);
    assert_true(use.stack_peak_bytes > 1000 && use.arena_peak_bytes > 10000);
    assert_true(use.stack_peak_bytes < SL_FIBER_STACK_BYTES / 4 * 3);
    assert_true(use.arena_peak_bytes < SL_FIBER_ARENA_BYTES / 4 * 3);
}

static void shake(struct th_rig *r, const struct th_client_opts *o)
{
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);
    struct th_client *c = th_client_new(pipe, o);
    struct sl_stream *s;

    assert_non_null(th_rig_accept(r, pipe));
    s = th_rig_handshake(r, c);
    assert_non_null(s);
    s->ops->release(s);
    th_client_free(c);
    th_pipe_free(pipe);
}

static void every_key_version_and_group(void **state)
{
    static const enum th_key keys[] = {TH_KEY_P256, TH_KEY_P384, TH_KEY_RSA2048, TH_KEY_RSA4096};
    static const uint16_t groups[][2] = {{MBEDTLS_SSL_IANA_TLS_GROUP_X25519}, {MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1}};
    static const uint16_t retry[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0};

    for (size_t k = 0; k < SL_ARRAY_LEN(keys); k++) {
        struct th_cert_opts cert = {.key = keys[k], .subject = "CN=server"};
        struct th_rig r;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&cert}});
        for (size_t g = 0; g < SL_ARRAY_LEN(groups); g++) {
            shake(&r, &(struct th_client_opts){.min = V13, .groups = groups[g]});
            if (keys[k] != TH_KEY_P256 && keys[k] != TH_KEY_P384) /* in 1.2 the key's curve must be among them */
                shake(&r, &(struct th_client_opts){.max = V12, .groups = groups[g]});
        }
        shake(&r, &(struct th_client_opts){.max = V12});
        shake(&r, &(struct th_client_opts){.min = V13, .groups = retry});
        below_three_quarters(&r, "server");
        th_rig_stop(&r);
    }
}

static void a_client_with_a_deep_chain(void **state)
{
    static const struct th_cert_opts server = {.key = TH_KEY_RSA4096, .subject = "CN=server"};
    static const struct th_cert_opts chain[] = {
        {.key = TH_KEY_RSA4096, .subject = "CN=client", .issuer = "CN=b", .issuer_key = TH_KEY_RSA4096},
        {.key = TH_KEY_RSA4096, .subject = "CN=b", .issuer = "CN=a", .issuer_key = TH_KEY_RSA4096, .ca = true},
        {.key = TH_KEY_RSA4096, .subject = "CN=a", .issuer = "CN=top", .issuer_key = TH_KEY_P521, .ca = true},
    };
    static const struct th_cert_opts top = {.key = TH_KEY_P521, .subject = "CN=top", .ca = true};
    char *ca = th_cert_pem(&top), all[32768] = "", *crl = th_crl_pem("CN=top", TH_KEY_P521, 0, NULL);
    struct sl_conf_tls settings = {.policy = SL_POLICY_INTERMEDIATE,
                                   .clients = SL_CLIENTS_REQUIRED,
                                   .client_ca_pem = {(uint8_t *)ca, strlen(ca) + 1},
                                   .client_crl_pem = {(uint8_t *)crl, strlen(crl) + 1}};
    struct th_rig r;

    for (size_t i = 0; i < SL_ARRAY_LEN(chain); i++) {
        char *pem = th_cert_pem(&chain[i]);
        size_t used = strlen(all);

        assert_true(used + strlen(pem) < sizeof all);
        memcpy(all + used, pem, strlen(pem) + 1);
        free(pem);
    }
    th_rig_start(&r, &(struct th_rig_opts){.certs = {&server}, .settings = &settings});
    for (int v = 0; v < 2; v++)
        shake(&r, &(struct th_client_opts){
                      .min = v ? V13 : V12, .max = v ? V13 : V12, .cert_pem = all, .key = th_key(TH_KEY_RSA4096, 0)});
    below_three_quarters(&r, "client's chain");
    th_rig_stop(&r);
    free(ca);
    free(crl);
}

/* The largest hello that there may be, and one in two acts. */
static void large_hellos(void **state)
{
    static const struct th_cert_opts server = {.key = TH_KEY_RSA4096, .subject = "CN=server"};
    static const char *const paddings[] = {"0015(00*12000)", "0015(00*30000)", "0015(00*65000)"};

    for (size_t i = 0; i < SL_ARRAY_LEN(paddings); i++) {
        struct th_rig r;
        struct th_raw c;
        struct th_pipe *pipe;
        struct sl_stream *s;
        uint32_t len;
        uint8_t *msg;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&server}});
        pipe = th_pipe_new(r.feed_pool);
        th_raw_init(&c, pipe, true);
        assert_non_null(th_rig_accept(&r, pipe));
        msg = th_raw_compose(&c, &(struct th_raw_hello){.more = paddings[i]}, &len);
        for (uint32_t at = 0; at < len; at += 16384)
            th_raw_plain(&c, TH_HANDSHAKE, msg + at, SL_MIN(16384u, len - at));
        s = th_raw_complete(&c, &r);
        assert_non_null(s);
        s->ops->release(s);
        below_three_quarters(&r, paddings[i]);
        free(msg);
        th_raw_done(&c);
        th_pipe_free(pipe);
        th_rig_stop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_version_and_group),
        cmocka_unit_test(a_client_with_a_deep_chain),
        cmocka_unit_test(large_hellos),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
