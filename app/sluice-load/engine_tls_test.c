/* The lean client behind lib/tls's own face (sl_tls_connect), which both roles of one worker go through: bytes pass, tickets that nobody waited for are skipped, and sessions are
 * resumed by the worker's clock. */
#include "tls/connect_rig.h"

#include <stdlib.h>

#include "engine.h"

static const char *const names[] = {"origin.example.com", NULL};
static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256", .names = names};
static const struct sl_conf_tls ticketed = {
    .policy = SL_POLICY_INTERMEDIATE, .tickets = SL_ON, .ticket_lifetime_ns = {.v = 3600 * SL_NS_PER_S}};

static void start(struct pair *p, const struct load_engine_conf *engine)
{
    struct sl_tls_client_conf conf = pair_conf(NULL);

    conf.engine = &load_engine;
    conf.engine_conf = engine;
    pair_start(p, &(struct th_rig_opts){.certs = {&p256}, .settings = &ticketed}, &conf);
}

static void open_both(struct pair *p)
{
    pair_connect(p, "origin.example.com");
    pair_accept(p);
    pair_run(p, 6);
    assert_non_null(p->s);
    assert_int_equal(p->c_seen & (SL_STREAM_OPEN | SL_STREAM_CLOSED), SL_STREAM_OPEN);
}

static void bytes_pass(struct pair *p)
{
    struct sl_facts facts;
    char buf[16];

    p->c->ops->facts(p->c, &facts);
    assert_string_equal(facts.version, "TLSv1.3");
    assert_string_equal(facts.alpn, "http/1.1");
    assert_int_equal(th_rig_send(&p->r, p->c, "request", 7, 7), 0);
    pair_run(p, 2);
    assert_int_equal(th_rig_recv(p->s, buf, sizeof buf), 7);
    assert_memory_equal(buf, "request", 7);
    assert_int_equal(th_rig_send(&p->r, p->s, "answer", 6, 3), 0);
    pair_run(p, 2);
    assert_int_equal(th_rig_recv(p->c, buf, sizeof buf), 6);
    assert_memory_equal(buf, "answer", 6);
}

/* Both streams end, and two new ones are below. */
static void again(struct pair *p)
{
    p->c->ops->release(p->c);
    p->s->ops->release(p->s);
    pair_run(p, 4);
    p->c = p->s = NULL;
    p->c_seen = p->s_seen = 0;
    th_pipe_fin(p->near);
    th_pipe_fin(p->far);
    th_rig_step(&p->r);
    th_pipe_free(p->near);
    th_pipe_free(p->far);
    p->near = th_pipe_new(p->r.feed_pool);
    p->far = th_pipe_new(p->r.feed_pool);
}

static void without_tickets(void **state)
{
    static const struct load_engine_conf conf = {.share_uses = 10};
    struct pair p;

    start(&p, &conf);
    for (int i = 0; i < 3; i++) {
        if (i)
            again(&p);
        open_both(&p);
        bytes_pass(&p);
    }
    assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_RESUMED), 0);
    pair_end(&p);
}

static void with_tickets(void **state)
{
    static const struct load_engine_conf conf = {.share_uses = 10, .resume = true};
    uint64_t before = 0;
    struct pair p;

    start(&p, &conf);
    for (int i = 0; i < 4; i++) {
        if (i)
            again(&p);
        p.r.now += 2 * SL_NS_PER_S;
        open_both(&p);
        bytes_pass(&p);
        assert_int_equal(th_rig_ctr(&p.r, SL_CTR_TLS_RESUMED) > before, i > 0);
        before = th_rig_ctr(&p.r, SL_CTR_TLS_RESUMED);
    }
    pair_end(&p);
}

/* What the engine can't do is said when a client is made. */
static void authorities_are_not_for_it(void **state)
{
    struct sl_conf_tls settings = ticketed;
    struct sl_tls_client_conf conf = pair_conf(&settings);
    char *pem = th_cert_pem(&p256);
    struct sl_err err = {{0}};
    struct pair p;

    start(&p, NULL);
    settings.client_ca_pem.bytes = (uint8_t *)pem;
    settings.client_ca_pem.len_bytes = strlen(pem) + 1;
    conf.engine = &load_engine;
    assert_null(sl_tls_client_create(p.r.tls, &conf, &err));
    assert_non_null(strstr(err.text, "checks no certificates"));
    free(pem);
    p.near->stream.ops->release(&p.near->stream);
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tickets),
        cmocka_unit_test(with_tickets),
        cmocka_unit_test(authorities_are_not_for_it),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
