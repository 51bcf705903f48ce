/* Handshakes that wait for an operation when something happens to them: reset, FIN, bytes, time, eviction, the end of the
 * room. At every point in turn; the others go on, and nothing is left. */
#include "helpers/helpers.h"
#include "helpers/tls_raw.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/conn.h"
#include "tls/fiber.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3
#define CLIENTS 3
#define POINTS 24

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};

static uint32_t fibers_in_use(const struct sl_tls *t)
{
    struct sl_fiber_use use;

    sl_fiber_pool_use(t->engines.fibers, &use);
    return use.in_use;
}

struct crowd {
    struct th_rig r;
    struct th_pipe *pipe[CLIENTS + 1];
    struct th_client *c[CLIENTS];
    uint32_t opened;
};

/* One step of everybody: one handshake goes on, or one batch is computed. */
static void step(struct crowd *w)
{
    struct sl_stream *s;
    uint8_t events;

    for (int i = 0; i < CLIENTS; i++)
        if (!w->c[i]->error)
            th_client_step(w->c[i]);
    th_rig_step(&w->r);
    while ((s = sl_ready_take(&w->r.ready, &events))) {
        w->opened += (events & SL_STREAM_OPEN) != 0;
        s->ops->release(s);
    }
}

static void begin(struct crowd *w, mbedtls_ssl_protocol_version v, int steps)
{
    th_rig_start(&w->r, &(struct th_rig_opts){.certs = {&p256}, .budget_ns = 1, .handshakes_max = CLIENTS});
    w->opened = 0;
    w->pipe[CLIENTS] = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        w->pipe[i] = th_pipe_new(w->r.feed_pool);
        w->c[i] = th_client_new(w->pipe[i], &(struct th_client_opts){.min = v, .max = v});
        assert_non_null(th_rig_accept(&w->r, w->pipe[i]));
    }
    for (int i = 0; i < steps; i++)
        step(w);
}

static void end(struct crowd *w)
{
    for (int i = 0; i < 200; i++)
        step(w);
    for (int i = 0; i < CLIENTS + (w->pipe[CLIENTS] != NULL); i++)
        th_pipe_fin(w->pipe[i]);
    step(w);
    w->r.now += 20 * SL_NS_PER_S;
    step(w);
    assert_int_equal(sl_tls_handshakes(w->r.tls), 0);
    assert_int_equal(fibers_in_use(w->r.tls), 0);
    assert_false(sl_op_waiting(w->r.tls->engines.ops));
    assert_int_equal(sl_tls_next(w->r.tls), SL_NEVER);
    for (int i = 0; i < CLIENTS; i++)
        th_client_free(w->c[i]);
    for (int i = 0; i < CLIENTS + (w->pipe[CLIENTS] != NULL); i++)
        th_pipe_free(w->pipe[i]);
    th_rig_stop(&w->r);
}

static void reset(struct crowd *w) { th_pipe_cut(w->pipe[0], SL_REASON_RESET); }
static void fin(struct crowd *w) { th_pipe_fin(w->pipe[0]); }
static void rubbish(struct crowd *w) { th_pipe_feed(w->pipe[0], "rubbish", 7); }
static void pieces(struct crowd *w) { th_pipe_feed(w->pipe[0], "\x14\x03\x03", 3); }

static void evict(struct crowd *w)
{
    if (sl_tls_handshakes(w->r.tls) < CLIENTS)
        return;
    w->pipe[CLIENTS] = th_pipe_new(w->r.feed_pool);
    assert_non_null(th_rig_accept(&w->r, w->pipe[CLIENTS]));
    assert_int_equal(sl_tls_handshakes(w->r.tls), CLIENTS);
}

/* At every point of the handshakes of a crowd something happens to the first of them. */
static void disturb(void (*happens)(struct crowd *w))
{
    for (int v = 0; v < 2; v++)
        for (int at = 0; at < POINTS; at++) {
            struct crowd w;

            begin(&w, v ? V13 : V12, at);
            happens(&w);
            end(&w);
            assert_true(w.opened >= CLIENTS - 1);
        }
}

static void a_reset(void **state) { disturb(reset); }
static void a_fin(void **state) { disturb(fin); }
static void bytes_that_are_rubbish(void **state) { disturb(rubbish); }
static void a_record_in_part(void **state) { disturb(pieces); }
static void an_eviction(void **state) { disturb(evict); }

static void time_that_passes(void **state)
{
    for (int at = 0; at < POINTS; at++) {
        struct crowd w;

        begin(&w, V13, at);
        w.r.now += 10 * SL_NS_PER_S;
        sl_tls_timers(w.r.tls, w.r.now);
        assert_int_equal(sl_tls_handshakes(w.r.tls), 0);
        assert_int_equal(fibers_in_use(w.r.tls), 0);
        assert_false(sl_op_waiting(w.r.tls->engines.ops));
        end(&w);
    }
}

static void the_end_of_the_room(void **state)
{
    for (int at = 0; at < POINTS; at++) {
        struct crowd w;

        begin(&w, at % 2 ? V13 : V12, at);
        sl_tls_destroy(w.r.tls);
        for (int i = 0; i < CLIENTS; i++) {
            assert_true(w.pipe[i]->released);
            th_client_free(w.c[i]);
            th_pipe_free(w.pipe[i]);
        }
        assert_true(rte_mempool_full(w.r.pool) && rte_mempool_full(w.r.small_pool) && rte_mempool_full(w.r.feed_pool));
        th_pool_free(w.r.pool);
        th_pool_free(w.r.small_pool);
        th_pool_free(w.r.feed_pool);
        th_conf_cert_free(&w.r.certs[0]);
        free(w.r.stats);
    }
}

/* What comes while the operation of a ClientKeyExchange waits is not lost: the rest of the flight, and FIN. */
static void finished_and_fin_while_parked(void **state)
{
    for (int with_data = 0; with_data < 2; with_data++) {
        struct th_rig r;
        struct th_pipe *pipe;
        struct th_raw c;
        struct sl_stream *s = NULL;
        uint8_t events;
        char buf[16];

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .budget_ns = 1});
        pipe = th_pipe_new(r.feed_pool);
        th_raw_init(&c, pipe, false);
        assert_non_null(th_rig_accept(&r, pipe));
        th_raw_hello(&c, NULL);
        for (int i = 0; i < 20 && !c.seen[TH_SERVER_HELLO_DONE]; i++) {
            th_rig_step(&r);
            th_raw_read(&c);
        }
        th_raw_key_exchange(&c);
        th_rig_step(&r); /* parks */
        assert_true(sl_op_waiting(r.tls->engines.ops));
        th_raw_change_cipher(&c);
        th_raw_finished(&c, 0, NULL);
        if (with_data)
            th_raw_record(&c, TH_DATA, "at once", 7);
        th_pipe_fin(pipe);
        for (int i = 0; i < 20 && !s; i++) {
            th_rig_step(&r);
            s = sl_ready_take(&r.ready, &events);
        }
        assert_non_null(s);
        assert_int_equal(th_rig_recv(s, buf, sizeof buf), with_data ? 7 : 0);
        assert_true(s->state & SL_STREAM_EOF);
        s->ops->release(s);
        th_raw_done(&c);
        th_pipe_free(pipe);
        th_rig_stop(&r);
    }
}

/* A thousand clients say hello and nothing more. */
static void a_thousand_that_stall(void **state)
{
    enum { ALL = 1000, CAP = 32 };
    struct th_pipe **pipes = calloc(ALL, sizeof *pipes);
    struct sl_fiber_use use;
    struct th_rig r;
    struct th_raw c;
    uint8_t *msg;
    uint32_t len;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .handshakes_max = CAP, .budget_ns = 500000});
    th_raw_init(&c, NULL, true);
    msg = th_raw_compose(&c, NULL, &len);
    for (int i = 0; i < ALL; i++) {
        pipes[i] = c.pipe = th_pipe_new(r.feed_pool);
        assert_non_null(th_rig_accept(&r, pipes[i]));
        th_raw_plain(&c, TH_HANDSHAKE, msg, len);
        if (i % 5 == 0)
            th_rig_step(&r);
        assert_true(sl_tls_handshakes(r.tls) <= CAP);
        r.now += SL_NS_PER_MS;
    }
    for (int i = 0; i < 100; i++)
        th_rig_step(&r);
    assert_int_equal(sl_tls_handshakes(r.tls), CAP);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_FAILED_EVICTED), ALL - CAP);
    r.now += 10 * SL_NS_PER_S;
    th_rig_step(&r);
    assert_int_equal(sl_tls_handshakes(r.tls), 0);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_FAILED_TIMEOUT), CAP);
    sl_fiber_pool_use(r.tls->engines.fibers, &use);
    assert_int_equal(use.in_use, 0);
    assert_true(use.made <= CAP);
    assert_false(sl_op_waiting(r.tls->engines.ops));
    for (int i = 0; i < ALL; i++)
        th_pipe_free(pipes[i]);
    free(pipes);
    free(msg);
    th_raw_done(&c);
    th_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset),
        cmocka_unit_test(a_fin),
        cmocka_unit_test(bytes_that_are_rubbish),
        cmocka_unit_test(a_record_in_part),
        cmocka_unit_test(an_eviction),
        cmocka_unit_test(time_that_passes),
        cmocka_unit_test(the_end_of_the_room),
        cmocka_unit_test(finished_and_fin_while_parked),
        cmocka_unit_test(a_thousand_that_stall),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
