/* The client's role on streams, the server's on the other side: bytes both ways, who is trusted, and how it ends. */
#include "tls/connect_rig.h"

#include <stdlib.h>

#include "tls/engine.h"

static const char *const names[] = {"origin.example.com", "*.wild.example.com", NULL};
static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=origins", .ca = true};
static const struct th_cert_opts good = {
    .key = TH_KEY_P256, .subject = "CN=origin", .issuer = "CN=origins", .issuer_key = TH_KEY_P384, .names = names};

static enum sl_conf_tls_version only12[] = {SL_TLS_1_2}, only13[] = {SL_TLS_1_3};
static const struct sl_conf_tls of12 = {.policy = SL_POLICY_INTERMEDIATE, .versions = only12, .n_versions = 1},
                                of13 = {.policy = SL_POLICY_INTERMEDIATE, .versions = only13, .n_versions = 1},
                                of_both = {.policy = SL_POLICY_INTERMEDIATE};

/* A client of these versions that trusts that authority. */
static struct sl_conf_tls trusting(const struct sl_conf_tls *of, char *pem)
{
    struct sl_conf_tls settings = *of;

    settings.client_ca_pem.bytes = (uint8_t *)pem;
    settings.client_ca_pem.len_bytes = strlen(pem) + 1;
    return settings;
}

static void open_pair(struct pair *p, const struct sl_conf_tls *client, const struct sl_conf_tls *server)
{
    struct sl_tls_client_conf conf = pair_conf(client);

    pair_start(p, &(struct th_rig_opts){.certs = {&good}, .settings = server}, &conf);
    pair_connect(p, "origin.example.com");
    pair_accept(p);
    pair_run(p, 10);
    assert_non_null(p->s);
    assert_int_equal(p->c_seen & (SL_STREAM_OPEN | SL_STREAM_CLOSED), SL_STREAM_OPEN);
}

/* ---- what it is for ---- */

static void send_some(struct pair *p, struct sl_stream *from, struct sl_stream *to, struct sl_rng *rng)
{
    enum { TOTAL = 200000 };
    uint8_t *sent = malloc(TOTAL), *got = malloc(TOTAL);
    size_t at = 0, have = 0;

    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (uint8_t)sl_rng_next(rng);
    while (have < TOTAL) {
        size_t some = 1 + sl_rng_below(rng, 40000), credit = from->ops->credit(from);
        size_t n = SL_MIN(SL_MIN(TOTAL - at, some), credit);

        if (n)
            assert_int_equal(th_rig_send(&p->r, from, sent + at, n, 1 + sl_rng_below(rng, 5000)), 0);
        at += n;
        pair_step(p);
        have += th_rig_recv(to, got + have, TOTAL - have);
    }
    assert_memory_equal(sent, got, TOTAL);
    free(sent);
    free(got);
}

static void facts_are_told(struct pair *p, const char *version, const char *identity)
{
    struct sl_facts f;

    p->c->ops->facts(p->c, &f);
    assert_string_equal(f.version, version);
    assert_string_equal(f.alpn, "http/1.1");
    assert_string_equal(f.sni, "origin.example.com");
    assert_string_equal(f.identity, identity);
    assert_non_null(strstr(f.suite, "AES_128_GCM_SHA256"));
    assert_false(f.resumed);
    p->s->ops->facts(p->s, &f);
    assert_string_equal(f.sni, "origin.example.com");
}

/* Both sides say that they are done, one after the other. */
static void close_both(struct pair *p)
{
    p->c->ops->shutdown(p->c);
    pair_run(p, 2);
    assert_int_equal(th_rig_recv(p->s, &(uint8_t){0}, 1), 0);
    pair_step(p);
    assert_true(p->s_seen & SL_STREAM_EOF);
    assert_int_equal(th_rig_send(&p->r, p->s, "bye", 3, 3), 0);
    p->s->ops->shutdown(p->s);
    pair_run(p, 2);
    assert_true(p->c_seen & SL_STREAM_READABLE);
    assert_int_equal(th_rig_recv(p->c, &(uint8_t[4]){0}, 4), 3);
    pair_step(p);
    assert_true(p->c->state & SL_STREAM_CLOSED);
    assert_true(p->s->state & SL_STREAM_CLOSED);
    assert_int_equal(p->c->reason, SL_REASON_NONE);
    assert_int_equal(p->s->reason, SL_REASON_NONE);
    assert_int_equal(th_rig_ctr(&p->r, SL_CTR_TLS_TRUNCATED), 0);
}

static void bytes_both_ways(void **state)
{
    static const struct {
        const struct sl_conf_tls *client, *server;
        const char *version;
    } cases[] = {{&of12, NULL, "TLSv1.2"},
                 {&of13, NULL, "TLSv1.3"},
                 {&of_both, NULL, "TLSv1.3"},
                 {&of_both, &of12, "TLSv1.2"},
                 {NULL, NULL, "TLSv1.3"}};
    char *pem = th_cert_pem(&ca);
    struct sl_rng rng;

    sl_rng_seed(&rng, 11);
    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct sl_conf_tls settings = trusting(cases[i].client ? cases[i].client : &of_both, pem);
        struct pair p;

        open_pair(&p, cases[i].client ? &settings : NULL, cases[i].server);
        facts_are_told(&p, cases[i].version, cases[i].client ? "CN=origin" : "");
        send_some(&p, p.c, p.s, &rng);
        send_some(&p, p.s, p.c, &rng);
        assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_HANDSHAKES), 2);
        assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_DIALLED), 1);
        assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_STREAMS), 2);
        assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_TICKETS_SKIPPED), 0); /* none is asked for (RFC 8446 4.2.9) */
        close_both(&p);
        pair_end(&p);
    }
    free(pem);
}

/* FIN without close_notify, and RST. */
static void ends_of_an_open_stream(void **state)
{
    struct pair p;

    open_pair(&p, &of13, NULL);
    th_pipe_fin(p.near);
    pair_step(&p);
    th_rig_recv(p.c, &(uint8_t){0}, 1);
    pair_step(&p);
    assert_true(p.c_seen & SL_STREAM_EOF);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_TRUNCATED), 1);
    pair_end(&p);

    open_pair(&p, &of12, NULL);
    th_pipe_cut(p.near, SL_REASON_RESET);
    pair_step(&p);
    assert_true(p.c_seen & SL_STREAM_CLOSED);
    assert_int_equal(p.c->reason, SL_REASON_RESET);
    pair_end(&p);
}

/* ---- who is trusted ---- */

/* Types of the records that went out in clear. */
static bool sent_clear_alert(const uint8_t *p, size_t len)
{
    for (size_t at = 0; at + 5 <= len; at += 5u + (size_t)(p[at + 3] << 8 | p[at + 4]))
        if (p[at] == 21)
            return true;
    return false;
}

/* What the log says next. */
static void expect_log(struct pair *p, const char *label, const char *note, int alert)
{
    struct sl_event ev;

    assert_true(sl_event_take(p->r.stats, &ev));
    assert_int_equal(ev.kind, SL_EVENT_TLS_HANDSHAKE_FAILED);
    assert_string_equal(ev.listener, label);
    assert_memory_equal(ev.note, note, strlen(note));
    assert_int_equal(ev.code, alert);
}

static void refused(const struct sl_conf_tls *of, const struct th_cert_opts *cert, char *pem, const char *name,
                    int alert)
{
    struct sl_conf_tls settings = trusting(of, pem);
    struct sl_tls_client_conf conf = pair_conf(&settings);
    struct pair p;
    bool clear = false;

    pair_start(&p, &(struct th_rig_opts){.certs = {cert}}, &conf);
    pair_connect(&p, name);
    pair_accept(&p);
    for (int i = 0; i < 10; i++) {
        pair_step(&p);
        clear |= sent_clear_alert(p.near->out.p + p.near->out.taken, p.near->out.len - p.near->out.taken);
    }
    assert_int_equal(p.c_seen, SL_STREAM_CLOSED);
    assert_int_equal(p.c->reason, SL_REASON_PROTOCOL);
    assert_null(p.s);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_FAILED_CERTIFICATE), 1);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_ALERTS_SENT), 1);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_FAILED_ALERT), 1); /* the server reads why */
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_ALERTS_RECEIVED), 1);
    assert_int_equal(clear, of == &of12); /* RFC 8446 A.1 */
    expect_log(&p, "origins", "certificate", alert);
    expect_log(&p, "https", "alert", alert);
    pair_end(&p);
}

static void servers_that_are_not_trusted(void **state)
{
    static const struct sl_conf_tls *const ofs[] = {&of12, &of13, &of_both};
    struct th_cert_opts other_ca = ca, old = good;
    char *pem = th_cert_pem(&ca), *other_pem;

    other_ca.key_index = 1;
    other_pem = th_cert_pem(&other_ca);
    old.not_after = "20251231235959";
    for (size_t i = 0; i < SL_ARRAY_LEN(ofs); i++) {
        refused(ofs[i], &good, other_pem, "origin.example.com", 48);
        refused(ofs[i], &good, pem, "other.example.com", 42);
        refused(ofs[i], &old, pem, "origin.example.com", 45);
    }
    free(other_pem);
    free(pem);
}

static void authorities_that_cannot_be_read(void **state)
{
    struct sl_conf_tls settings = trusting(&of_both, (char *)(uintptr_t) "rubbish");
    struct sl_tls_client_conf conf = pair_conf(&settings);
    struct sl_err err = {{0}};
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&good}});
    assert_null(sl_tls_client_create(r.tls, &conf, &err));
    assert_non_null(strstr(err.text, "origins"));
    th_rig_stop(&r);
}

/* Names are compared without regard to case; what is no host name is not asked for. */
static void names_that_are_asked_for(void **state)
{
    static const struct {
        const char *name, *sni;
    } cases[] = {{"Origin.Example.COM.", "origin.example.com"}, {"", ""}, {"a b", NULL}, {"*.example.com", NULL}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct sl_tls_client_conf conf = pair_conf(NULL);
        struct sl_facts f;
        struct pair p;

        pair_start(&p, &(struct th_rig_opts){.certs = {&good}}, &conf);
        pair_connect(&p, cases[i].name);
        pair_accept(&p);
        pair_run(&p, 10);
        if (cases[i].sni) {
            p.s->ops->facts(p.s, &f);
            assert_string_equal(f.sni, cases[i].sni);
        } else {
            assert_int_equal(p.c_seen, SL_STREAM_CLOSED);
            assert_int_equal(p.c->reason, SL_REASON_PROTOCOL);
            assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_FAILED_NAME), 1);
        }
        pair_end(&p);
    }
}

/* ---- engines of others ---- */

static const void *told_extra;

static struct sl_engine_policy *own_policy(const struct sl_engine_policy_conf *conf, struct sl_err *err)
{
    told_extra = conf->extra;
    return conf->extra ? sl_engine_mbedtls.policy_create(conf, err) : NULL;
}

static void own_facts(const struct sl_engine *e, struct sl_engine_facts *out)
{
    sl_engine_mbedtls.facts(e, out);
    out->resumed = true;
}

static void an_engine_of_its_own(void **state)
{
    struct sl_engine_ops own = sl_engine_mbedtls;
    struct sl_tls_client_conf conf = pair_conf(NULL);
    struct sl_err err = {{0}};
    struct sl_facts f;
    struct pair p;

    own.policy_create = own_policy;
    own.facts = own_facts;
    conf.engine = &own;
    conf.engine_conf = &own;
    pair_start(&p, &(struct th_rig_opts){.certs = {&good}}, &conf);
    assert_ptr_equal(told_extra, &own);
    conf.engine_conf = NULL;
    assert_null(sl_tls_client_create(p.r.tls, &conf, &err));
    pair_connect(&p, "");
    pair_accept(&p);
    pair_run(&p, 10);
    p.c->ops->facts(p.c, &f);
    assert_true(f.resumed);
    p.s->ops->facts(p.s, &f);
    assert_false(f.resumed);
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_RESUMED), 1);
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_both_ways),
        cmocka_unit_test(ends_of_an_open_stream),
        cmocka_unit_test(servers_that_are_not_trusted),
        cmocka_unit_test(authorities_that_cannot_be_read),
        cmocka_unit_test(names_that_are_asked_for),
        cmocka_unit_test(an_engine_of_its_own),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
