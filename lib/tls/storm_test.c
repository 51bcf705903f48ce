/* A storm of handshakes with the dearest key: what a step of the loop does is bounded, and a client with a cheap key is
 * served among them. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/conn.h"

#define STORM 24

static const char *const names[] = {"www.example.com", NULL};
static const struct th_cert_opts dear = {.key = TH_KEY_RSA4096, .subject = "CN=dear"};
static const struct th_cert_opts cheap = {.key = TH_KEY_P256, .subject = "CN=cheap", .names = names};

struct storm {
    struct th_rig r;
    struct th_pipe *pipe[STORM + 1];
    struct th_client *c[STORM + 1];
    uint32_t n;
};

static void join(struct storm *w, const char *sni)
{
    uint32_t i = w->n++;

    w->pipe[i] = th_pipe_new(w->r.feed_pool);
    w->c[i] = th_client_new(w->pipe[i], &(struct th_client_opts){.min = MBEDTLS_SSL_VERSION_TLS1_3, .sni = sni});
    assert_non_null(th_rig_accept(&w->r, w->pipe[i]));
    th_client_step(w->c[i]);
}

static void begin(struct storm *w, uint32_t handshakes_max)
{
    w->n = 0;
    th_rig_start(
        &w->r, &(struct th_rig_opts){.certs = {&dear, &cheap}, .handshakes_max = handshakes_max, .budget_ns = 500000});
    for (uint32_t i = 0; i < STORM; i++)
        join(w, NULL);
}

static void end(struct storm *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        th_pipe_cut(w->pipe[i], SL_REASON_RESET);
        th_rig_step(&w->r);
        th_client_free(w->c[i]);
        th_pipe_free(w->pipe[i]);
    }
    th_rig_stop(&w->r);
}

/* How many have been answered in full. */
static uint32_t answered(const struct storm *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->n; i++)
        n += th_pipe_waiting(w->pipe[i]) > 1000;
    return n;
}

static void a_step_computes_one_batch_of_the_dearest(void **state)
{
    struct storm w;
    uint32_t before = 0, steps = 0;

    begin(&w, 4 * STORM);
    for (; answered(&w) < STORM; steps++) {
        uint32_t now;

        assert_true(steps < 4 * STORM);
        th_rig_step(&w.r);
        now = answered(&w);
        assert_true(now <= before + SL_OP_BATCH);
        before = now;
    }
    assert_true(steps >= STORM / SL_OP_BATCH);
    assert_int_equal(th_rig_ctr(&w.r, SL_CTR_TLS_FAILED_EVICTED), 0);
    end(&w);
}

/* Steps until the client that came last has its answer. */
static uint32_t steps_of_the_last(struct storm *w)
{
    uint32_t steps = 0;

    while (th_pipe_waiting(w->pipe[w->n - 1]) < 300) {
        assert_true(steps++ < 1000);
        th_rig_step(&w->r);
    }
    return steps;
}

static void a_cheap_key_waits_for_no_more_than_stood_before_it(void **state)
{
    struct storm w;

    begin(&w, 4 * STORM);
    join(&w, "www.example.com");
    assert_true(steps_of_the_last(&w) <= STORM + 8);
    end(&w);
}

/* More than half of the places are taken: the newest is first. */
static void under_pressure_a_cheap_key_goes_first(void **state)
{
    struct storm w;

    begin(&w, STORM + 4);
    for (int i = 0; i < 3; i++)
        th_rig_step(&w.r);
    join(&w, "www.example.com");
    assert_true(steps_of_the_last(&w) <= 8);
    assert_int_equal(th_rig_ctr(&w.r, SL_CTR_TLS_FAILED_EVICTED), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_computes_one_batch_of_the_dearest),
        cmocka_unit_test(a_cheap_key_waits_for_no_more_than_stood_before_it),
        cmocka_unit_test(under_pressure_a_cheap_key_goes_first),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
