/* The engine in the client's role, against the room as the server: what it trusts, what it refuses, and that both ends
 * come to the same keys. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/engine.h"
#include "tls/fiber.h"
#include "tls/keys.h"
#include "tls/policy.h"
#include "tls/trust.h"

static const char *const names[] = {"origin.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=origins", .ca = true};
static const struct th_cert_opts good = {
    .key = TH_KEY_P256, .subject = "CN=origin", .issuer = "CN=origins", .issuer_key = TH_KEY_P384, .names = names};

/* A client that the test drives; what it writes goes to the server's pipe and back. */
struct dial {
    struct th_rig r;
    struct th_pipe *server, *client;
    struct sl_engine_shared shared;
    struct sl_tls_settings settings;
    struct sl_trust *trust;
    struct sl_engine_policy *policy;
    struct sl_wire_shared wires;
    struct sl_wire wire;
    struct sl_engine *e;
    struct sl_stream *s;
};

static void dial(struct dial *d, const struct th_cert_opts *cert, const struct sl_conf_tls *conf, const char *ca_pem,
                 const char *name)
{
    struct sl_conf_tls authorities = {.client_ca_pem = {(uint8_t *)(uintptr_t)ca_pem, ca_pem ? strlen(ca_pem) + 1 : 0}};
    struct sl_engine_policy_conf p = {.shared = &d->shared, .role = SL_ENGINE_CLIENT, .settings = &d->settings};
    struct sl_engine_start start = {.wire = &d->wire, .name = name};
    struct sl_certificate *none = NULL;
    enum sl_trust_fault fault;
    struct sl_err err = {{0}};
    uint32_t at;

    *d = (struct dial){0};
    th_rig_start(&d->r, &(struct th_rig_opts){.certs = {cert}});
    d->server = th_pipe_new(d->r.feed_pool);
    d->client = th_pipe_new(d->r.feed_pool);
    assert_non_null(th_rig_accept(&d->r, d->server));
    d->shared.fibers = sl_fiber_pool_create(1, SL_FIBER_SWITCH_BEST);
    d->shared.ops = sl_op_queue_create();
    sl_tls_settings_resolve(&d->settings, conf);
    if (ca_pem)
        p.trust = d->trust = sl_trust_parse(&authorities, &fault, &at);
    d->policy = sl_engine_mbedtls.policy_create(&p, &err);
    assert_non_null(d->policy);
    assert_int_equal(sl_wire_shared_init(&d->wires, d->r.pool, &err), 0);
    sl_wire_init(&d->wire, &d->wires, &d->client->stream);
    start.certs = &none;
    d->e = sl_engine_mbedtls.create(d->policy, &start);
    assert_non_null(d->e);
}

static void carry(struct th_pipe *from, struct th_pipe *to)
{
    uint8_t buf[2048];
    size_t n;

    while ((n = th_pipe_take(from, buf, sizeof buf)))
        th_pipe_feed(to, buf, n);
    if (from->fin_out && !to->fin_in)
        th_pipe_fin(to);
}

/* How the client's handshake ended. */
static enum sl_engine_step shake(struct dial *d, struct sl_engine_report *report)
{
    enum sl_engine_step step = SL_ENGINE_WANT_BYTES;
    uint8_t events;

    for (int i = 0; i < 100 && step != SL_ENGINE_DONE && step != SL_ENGINE_FAILED; i++) {
        step = sl_engine_mbedtls.step(d->e, report);
        sl_wire_flush(&d->wire);
        if (step == SL_ENGINE_WANT_OPERATION) {
            sl_op_submit(d->shared.ops, report->op);
            sl_op_flush(d->shared.ops, 1);
            assert_ptr_equal(sl_op_take(d->shared.ops), report->op);
        }
        carry(d->client, d->server);
        th_rig_step(&d->r);
        carry(d->server, d->client);
        if (!d->s)
            d->s = sl_ready_take(&d->r.ready, &events);
    }
    return step;
}

static void end(struct dial *d)
{
    struct sl_fiber_use use;

    sl_engine_mbedtls.destroy(d->e);
    sl_fiber_pool_use(d->shared.fibers, &use);
    assert_int_equal(use.in_use, 0);
    sl_engine_mbedtls.policy_destroy(d->policy);
    sl_trust_free(d->trust);
    sl_op_queue_destroy(d->shared.ops);
    sl_fiber_pool_destroy(d->shared.fibers);
    sl_wire_shared_done(&d->wires);
    if (d->s)
        d->s->ops->release(d->s);
    th_pipe_fin(d->server);
    th_rig_step(&d->r);
    d->client->stream.ops->release(&d->client->stream);
    th_pipe_free(d->server);
    th_pipe_free(d->client);
    th_rig_stop(&d->r);
}

static enum sl_conf_tls_version only12[] = {SL_TLS_1_2}, only13[] = {SL_TLS_1_3};
static const struct sl_conf_tls of12 = {.policy = SL_POLICY_INTERMEDIATE, .versions = only12, .n_versions = 1},
                                of13 = {.policy = SL_POLICY_INTERMEDIATE, .versions = only13, .n_versions = 1},
                                of_both = {.policy = SL_POLICY_INTERMEDIATE};
static const struct sl_conf_tls *const confs[] = {&of12, &of13, &of_both};

/* The client's keys seal a record that the room opens, and the other way. */
static void keys_are_the_same(struct dial *d)
{
    struct sl_tls_secrets mine;
    struct th_twin twin = {0};
    uint8_t record[256], type, *plain;
    char buf[16];
    int len = -1;

    assert_true(sl_engine_mbedtls.finish(d->e, &mine));
    if (mine.v13) { /* as the record layer would */
        sl_keys_derive(&mine.tx, mine.sha384, mine.aead);
        sl_keys_derive(&mine.rx, mine.sha384, mine.aead);
    }
    twin.s = mine;
    twin.s.tx = mine.rx;
    twin.s.rx = mine.tx;
    th_pipe_feed(d->server, record, th_twin_seal(&twin, 23, "request", 7, 0, record));
    th_rig_step(&d->r);
    assert_int_equal(th_rig_recv(d->s, buf, sizeof buf), 7);
    assert_memory_equal(buf, "request", 7);
    while (th_pipe_waiting(d->server)) /* nothing but what is sent now */
        th_pipe_take(d->server, record, sizeof record);
    assert_int_equal(th_rig_send(&d->r, d->s, "answer", 6, 6), 0);
    if (mine.v13)
        return; /* a ticket was before it, which the client has not opened yet */
    assert_true(th_twin_take(&twin, d->server, record, sizeof record, &type, &plain, &len) > 0);
    assert_int_equal(len, 6);
    assert_memory_equal(plain, "answer", 6);
}

static void an_origin_that_is_trusted(void **state)
{
    static const char *const asked[] = {"origin.example.com", "a.wild.example.com"};
    char *pem = th_cert_pem(&ca);

    for (size_t v = 0; v < SL_ARRAY_LEN(confs); v++)
        for (size_t i = 0; i < SL_ARRAY_LEN(asked); i++) {
            struct sl_engine_report report;
            struct sl_engine_facts facts;
            struct dial d;

            dial(&d, &good, confs[v], pem, asked[i]);
            assert_int_equal(shake(&d, &report), SL_ENGINE_DONE);
            assert_non_null(d.s);
            sl_engine_mbedtls.facts(d.e, &facts);
            assert_string_equal(facts.version, confs[v] == &of12 ? "TLSv1.2" : "TLSv1.3");
            assert_string_equal(facts.identity, "CN=origin");
            assert_false(facts.resumed);
            keys_are_the_same(&d);
            end(&d);
        }
    free(pem);
}

static void refused(const struct th_cert_opts *cert, const char *ca_pem, const char *name, int alert)
{
    for (size_t v = 0; v < SL_ARRAY_LEN(confs); v++) {
        struct sl_engine_report report;
        struct dial d;

        dial(&d, cert, confs[v], ca_pem, name);
        assert_int_equal(shake(&d, &report), SL_ENGINE_FAILED);
        assert_int_equal(report.failure.why, SL_TLS_FAIL_CERTIFICATE);
        assert_int_equal(report.failure.alert_sent, alert);
        assert_null(d.s);
        assert_int_equal(th_rig_ctr(&d.r, SL_CTR_TLS_FAILED_ALERT), 1);
        end(&d);
    }
}

static void an_origin_of_another_name(void **state)
{
    char *pem = th_cert_pem(&ca);

    refused(&good, pem, "other.example.com", 42);
    refused(&good, pem, "a.b.wild.example.com", 42);
    free(pem);
}

static void an_origin_of_another_authority(void **state)
{
    struct th_cert_opts other = ca;
    char *pem;

    other.key_index = 1;
    pem = th_cert_pem(&other);
    refused(&good, pem, "origin.example.com", 48);
    free(pem);
}

static void an_origin_whose_certificate_is_old(void **state)
{
    struct th_cert_opts old = good;
    char *pem = th_cert_pem(&ca);

    old.not_after = "20251231235959";
    refused(&old, pem, "origin.example.com", 45);
    free(pem);
}

/* Where nothing is trusted nothing is checked: for whoever says so in a configuration. */
static void an_origin_that_is_not_checked(void **state)
{
    struct sl_engine_report report;
    struct dial d;

    dial(&d, &good, &of_both, NULL, "");
    assert_int_equal(shake(&d, &report), SL_ENGINE_DONE);
    end(&d);
}

/* Let go of at every point. */
static void a_client_that_is_forgotten(void **state)
{
    char *pem = th_cert_pem(&ca);

    for (int at = 0; at < 12; at++) {
        struct sl_engine_report report;
        struct dial d;

        dial(&d, &good, at % 2 ? &of12 : &of13, pem, "origin.example.com");
        for (int i = 0; i < at; i++) {
            enum sl_engine_step step = sl_engine_mbedtls.step(d.e, &report);

            sl_wire_flush(&d.wire);
            if (step == SL_ENGINE_DONE || step == SL_ENGINE_FAILED)
                break;
            if (step == SL_ENGINE_WANT_OPERATION && i + 1 < at) {
                sl_op_submit(d.shared.ops, report.op);
                sl_op_flush(d.shared.ops, 1);
                sl_op_take(d.shared.ops);
            }
            carry(d.client, d.server);
            th_rig_step(&d.r);
            carry(d.server, d.client);
        }
        d.s = sl_ready_take(&d.r.ready, &(uint8_t){0});
        th_pipe_cut(d.server, SL_REASON_RESET);
        end(&d);
    }
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_that_is_trusted),      cmocka_unit_test(an_origin_of_another_name),
        cmocka_unit_test(an_origin_of_another_authority), cmocka_unit_test(an_origin_whose_certificate_is_old),
        cmocka_unit_test(an_origin_that_is_not_checked),  cmocka_unit_test(a_client_that_is_forgotten),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
