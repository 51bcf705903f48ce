/* The lean client against lib/tls as the server: every suite and key, protocols, key shares, resumption; both ends come to the same keys. */
#include "engine_rig.h"

#include <stdlib.h>

#include "crypto/crypto.h"

static const char *const names[] = {"www.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256", .names = names};
static const struct th_cert_opts rsa = {.key = TH_KEY_RSA2048, .subject = "CN=rsa", .names = names};
static const struct sl_conf_tls plain = {.policy = SL_POLICY_INTERMEDIATE},
                                ticketed = {.policy = SL_POLICY_INTERMEDIATE,
                                            .tickets = SL_ON,
                                            .ticket_lifetime_ns = {.v = 3600 * SL_NS_PER_S}};

static const struct load_engine_conf once = {.share_uses = 1}, resuming = {.share_uses = 1000, .resume = true};

/* A handshake with the rig. */
struct dial {
    struct shake k;
    struct th_rig *r;
    struct th_pipe *server;
    struct sl_stream *s;
    struct sl_engine_facts facts;
};

static void dial(struct dial *d, struct lean *l, struct th_rig *r, const char *name)
{
    *d = (struct dial){.r = r, .server = th_pipe_new(r->feed_pool)};
    assert_non_null(th_rig_accept(r, d->server));
    shake_begin(&d->k, l, name);
}

static void turn(struct dial *d)
{
    struct sl_stream *s;
    uint8_t events;

    carry(d->k.pipe, d->server);
    th_rig_step(d->r);
    carry(d->server, d->k.pipe);
    while (!d->s && (s = sl_ready_take(&d->r->ready, &events)))
        d->s = events & SL_STREAM_OPEN ? s : NULL;
}

static enum sl_engine_step shake_hands(struct dial *d)
{
    enum sl_engine_step step = SL_ENGINE_WANT_BYTES;

    for (int i = 0; i < 10 && step == SL_ENGINE_WANT_BYTES; i++) {
        step = shake_step(&d->k);
        turn(d);
    }
    if (step == SL_ENGINE_DONE)
        load_engine.facts(d->k.e, &d->facts);
    return step;
}

static void end(struct dial *d)
{
    shake_end(&d->k);
    if (d->s)
        d->s->ops->release(d->s);
    th_pipe_fin(d->server);
    th_rig_step(d->r);
    th_pipe_free(d->server);
}

/* The client's keys seal what the room opens, and the other way. */
static void data_passes(struct dial *d)
{
    struct sl_tls_secrets secrets;
    char buf[16];

    assert_non_null(d->s);
    shake_hand_over(&d->k, &secrets);
    shake_send(&d->k, "request");
    turn(d);
    assert_int_equal(th_rig_recv(d->s, buf, sizeof buf), 7);
    assert_memory_equal(buf, "request", 7);
    assert_int_equal(th_rig_send(d->r, d->s, "answer", 6, 6), 0);
    turn(d);
    assert_int_equal(shake_recv(&d->k, buf, sizeof buf), 6);
    assert_memory_equal(buf, "answer", 6);
}

static bool connects(struct lean *l, struct th_rig *r)
{
    struct dial d;
    bool resumed;

    dial(&d, l, r, "www.example.com");
    assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
    data_passes(&d);
    resumed = d.facts.resumed;
    end(&d);
    return resumed;
}

static void every_suite_with_every_key(void **state)
{
    static const struct {
        enum sl_conf_cipher cipher;
        const char *name;
    } suites[] = {{SL_CIPHER_AES_128_GCM, "TLS_AES_128_GCM_SHA256"},
                  {SL_CIPHER_AES_256_GCM, "TLS_AES_256_GCM_SHA384"},
                  {SL_CIPHER_CHACHA20_POLY1305, "TLS_CHACHA20_POLY1305_SHA256"}};

    for (size_t i = 0; i < 2 * SL_ARRAY_LEN(suites); i++) {
        enum sl_conf_cipher cipher = suites[i / 2].cipher;
        struct sl_conf_tls conf = plain;
        struct th_rig r;
        struct lean l;
        struct dial d;

        conf.suites = &cipher;
        conf.n_suites = 1;
        th_rig_start(&r, &(struct th_rig_opts){.certs = {i % 2 ? &rsa : &p256}, .settings = &conf});
        lean_start(&l, once, NULL, NULL);
        dial(&d, &l, &r, "www.example.com");
        assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
        assert_string_equal(d.facts.version, "TLSv1.3");
        assert_string_equal(d.facts.suite->name, suites[i / 2].name);
        assert_string_equal(d.facts.alpn, "");
        assert_false(d.facts.resumed);
        data_passes(&d);
        end(&d);
        lean_stop(&l);
        th_rig_stop(&r);
    }
}

/* The client's order does not bind the server, but what it does not offer is not chosen. */
static void the_settings_choose_suites(void **state)
{
    enum sl_conf_cipher ciphers[] = {SL_CIPHER_CHACHA20_POLY1305, SL_CIPHER_AES_256_GCM};
    struct sl_conf_tls conf = plain;
    struct th_rig r;
    struct lean l;
    struct dial d;

    conf.suites = ciphers;
    conf.n_suites = 2;
    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &plain});
    lean_start(&l, once, &conf, NULL);
    dial(&d, &l, &r, "");
    assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
    assert_string_equal(d.facts.suite->name, "TLS_CHACHA20_POLY1305_SHA256"); /* ours first: chacha_first */
    end(&d);
    lean_stop(&l);
    th_rig_stop(&r);
}

static void protocols(void **state)
{
    static const char *const both[] = {"h2", "http/1.1", NULL}, *const other[] = {"h2", NULL};
    struct th_rig r;
    struct lean l;
    struct dial d;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &plain});
    lean_start(&l, once, NULL, both);
    dial(&d, &l, &r, "a.wild.example.com");
    assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
    assert_ptr_equal(d.facts.alpn, both[1]);
    data_passes(&d);
    end(&d);
    lean_stop(&l);
    lean_start(&l, once, NULL, other);
    dial(&d, &l, &r, "www.example.com");
    assert_int_equal(shake_hands(&d), SL_ENGINE_FAILED); /* an alert in clear */
    assert_int_equal(d.k.report.failure.why, SL_TLS_FAIL_ALERT);
    assert_int_equal(d.k.report.failure.alert_received, SL_ALERT_NO_APPLICATION_PROTOCOL);
    end(&d);
    lean_stop(&l);
    th_rig_stop(&r);
}

static void a_share_serves_so_many_handshakes(void **state)
{
    static const struct {
        uint32_t uses, generated;
    } v[] = {{0, 6}, {1, 6}, {2, 3}, {4, 2}, {100, 1}};

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct th_rig r;
        struct lean l;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &plain});
        lean_start(&l, (struct load_engine_conf){.share_uses = v[i].uses}, NULL, NULL);
        for (int n = 0; n < 6; n++)
            assert_false(connects(&l, &r));
        assert_int_equal(l.generated, v[i].generated);
        assert_int_equal(l.agreed, 6);
        lean_stop(&l);
        th_rig_stop(&r);
    }
}

/* What idle time has made is used first. */
static void a_share_of_the_stock(void **state)
{
    struct th_rig r;
    struct lean l;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &plain});
    lean_start(&l, once, NULL, NULL);
    assert_false(connects(&l, &r)); /* asks for the kind */
    assert_true(sl_op_idle(l.shared.ops, 1) > 0);
    assert_false(connects(&l, &r));
    assert_int_equal(l.generated, 1);
    lean_stop(&l);
    th_rig_stop(&r);
}

/* ---- resumption ---- */

static void a_ticket_is_used_many_times(void **state)
{
    enum sl_conf_cipher ciphers[] = {SL_CIPHER_AES_128_GCM, SL_CIPHER_AES_256_GCM, SL_CIPHER_CHACHA20_POLY1305};

    for (size_t i = 0; i < SL_ARRAY_LEN(ciphers); i++) {
        struct sl_conf_tls conf = plain;
        struct th_rig r;
        struct lean l;

        conf.suites = &ciphers[i];
        conf.n_suites = 1;
        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed});
        lean_start(&l, resuming, &conf, NULL);
        assert_false(connects(&l, &r)); /* its data passes: the ticket's record was counted */
        for (int n = 0; n < 4; n++) {
            struct dial d;

            r.now += SL_NS_PER_S;
            dial(&d, &l, &r, "www.example.com");
            assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
            assert_true(d.facts.resumed);
            end(&d);
        }
        assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_RESUMED), 4);
        lean_stop(&l);
        th_rig_stop(&r);
    }
}

/* Full again, with a ticket of the new server's. */
static void a_ticket_that_is_refused(void **state)
{
    struct th_rig r[2];
    struct lean l;
    struct dial d;

    for (int i = 0; i < 2; i++)
        th_rig_start(&r[i], &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed});
    lean_start(&l, resuming, NULL, NULL);
    assert_false(connects(&l, &r[0]));
    assert_false(connects(&l, &r[1]));
    dial(&d, &l, &r[1], "www.example.com");
    assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
    assert_true(d.facts.resumed);
    end(&d);
    lean_stop(&l);
    for (int i = 0; i < 2; i++)
        th_rig_stop(&r[i]);
}

/* Not offered any more when an eighth of its time is left. */
static void a_ticket_grows_old(void **state)
{
    struct th_rig r;
    struct lean l;
    struct dial d;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed});
    lean_start(&l, resuming, NULL, NULL);
    assert_false(connects(&l, &r));
    for (int i = 0; i < 2; i++) {
        r.now += (i ? 2 : 3149) * SL_NS_PER_S;
        th_rig_step(&r); /* tells the time */
        dial(&d, &l, &r, "www.example.com");
        assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
        assert_int_equal(d.facts.resumed, i == 0);
        end(&d);
    }
    dial(&d, &l, &r, "www.example.com");
    assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
    assert_true(d.facts.resumed); /* by the ticket of the one before */
    end(&d);
    lean_stop(&l);
    th_rig_stop(&r);
}

/* All that begin before there is a ticket are full, and one ticket is enough for all. */
static void many_at_once_before_there_is_a_ticket(void **state)
{
    struct th_rig r;
    struct lean l;
    struct dial d[6];

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed});
    lean_start(&l, resuming, NULL, NULL);
    for (int i = 0; i < 6; i++) {
        dial(&d[i], &l, &r, "www.example.com");
        assert_int_equal(shake_step(&d[i].k), SL_ENGINE_WANT_BYTES);
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(shake_hands(&d[i]), SL_ENGINE_DONE);
        assert_false(d[i].facts.resumed);
    }
    for (int i = 0; i < 6; i++)
        end(&d[i]);
    lean_stop(&l);
    th_rig_stop(&r);
}

/* ---- endings ---- */

/* Let go of at every point. */
static void a_handshake_that_is_forgotten(void **state)
{
    struct th_rig r;
    struct lean l;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed});
    for (int at = 0; at < 10; at++) {
        struct dial d;

        lean_start(&l, at % 2 ? once : resuming, NULL, NULL);
        dial(&d, &l, &r, "www.example.com");
        for (int i = 0; i < at; i++) {
            if (load_engine.step(d.k.e, &d.k.report) == SL_ENGINE_WANT_OPERATION && i + 1 < at)
                shake_compute(&d.k);
            sl_wire_flush(&d.k.wire);
            turn(&d);
        }
        th_pipe_cut(d.server, SL_REASON_RESET);
        end(&d);
        lean_stop(&l);
    }
    th_rig_stop(&r);
}

/* Packet buffers run out at every point where some are wanted. */
static void buffers_run_out(void **state)
{
    struct th_rig r;
    struct lean l;
    struct dial d;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .settings = &plain});
    lean_start(&l, once, NULL, NULL);
    for (int dry = 0; dry < 2; dry++) {
        struct rte_mbuf *taken[513];
        uint32_t n = 0;

        dial(&d, &l, &r, "www.example.com");
        if (dry) {
            shake_step(&d.k);
            turn(&d);
        }
        while ((taken[n] = rte_pktmbuf_alloc(l.pool)))
            n++;
        for (uint32_t i = 0; i < l.wires.n_spare; i++) /* they would do for one more */
            rte_pktmbuf_free(l.wires.spare[i]);
        l.wires.n_spare = 0;
        while ((taken[n] = rte_pktmbuf_alloc(l.pool)))
            n++;
        assert_int_equal(shake_step(&d.k), SL_ENGINE_WANT_ROOM);
        assert_int_equal(shake_step(&d.k), SL_ENGINE_WANT_ROOM);
        while (n)
            rte_pktmbuf_free(taken[--n]);
        assert_int_equal(shake_hands(&d), SL_ENGINE_DONE);
        data_passes(&d);
        end(&d);
    }
    lean_stop(&l);
    th_rig_stop(&r);
}

/* What it can't do is said when a policy is made. */
static void policies_that_can_not_be(void **state)
{
    enum sl_conf_tls_version old = SL_TLS_1_2;
    enum sl_conf_group p384 = SL_GROUP_P384;
    struct sl_conf_tls confs[] = {plain, plain, plain};
    struct sl_engine_shared shared = {0};
    char *pem = th_cert_pem(&p256);
    char long_name[300];
    const char *const alpn[] = {long_name, NULL};

    confs[1].versions = &old;
    confs[1].n_versions = 1;
    confs[2].groups = &p384;
    confs[2].n_groups = 1;
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    for (int i = 0; i < 4; i++) {
        struct sl_tls_settings settings;
        struct sl_engine_policy_conf p = {.shared = &shared, .role = SL_ENGINE_CLIENT, .settings = &settings};
        struct sl_err err = {{0}};

        sl_tls_settings_resolve(&settings, &confs[i % 3]);
        if (i == 0)
            p.role = SL_ENGINE_SERVER;
        if (i == 3)
            p.alpn = alpn;
        assert_null(load_engine.policy_create(&p, &err));
        assert_true(err.text[0]);
    }
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_with_every_key),
        cmocka_unit_test(the_settings_choose_suites),
        cmocka_unit_test(protocols),
        cmocka_unit_test(a_share_serves_so_many_handshakes),
        cmocka_unit_test(a_share_of_the_stock),
        cmocka_unit_test(a_ticket_is_used_many_times),
        cmocka_unit_test(a_ticket_that_is_refused),
        cmocka_unit_test(a_ticket_grows_old),
        cmocka_unit_test(many_at_once_before_there_is_a_ticket),
        cmocka_unit_test(a_handshake_that_is_forgotten),
        cmocka_unit_test(buffers_run_out),
        cmocka_unit_test(policies_that_can_not_be),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
