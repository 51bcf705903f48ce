/* Handshakes that do not come about: each ends with the right alert and FIN (or RST where nobody would read it), its
 * counter, its line in the log, and nothing left behind. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};
static const struct th_cert_opts rsa = {.key = TH_KEY_RSA2048, .subject = "CN=rsa"};

/* An alert in clear at the end of what was sent: its description; -1 when there is none. */
static int clear_alert(struct th_pipe *p)
{
    uint8_t buf[4096];
    size_t n = th_pipe_take(p, buf, sizeof buf);

    return n >= 7 && buf[n - 7] == 21 && buf[n - 2] == 2 ? buf[n - 1] : -1;
}

/* The refused connection is gone after the peer has closed, and everything was counted. */
static void gone(struct th_rig *r, struct th_pipe *pipe, enum sl_ctr ctr)
{
    struct sl_event ev;

    th_pipe_fin(pipe);
    th_rig_step(r);
    assert_true(pipe->released);
    assert_int_equal(th_rig_ctr(r, ctr), 1);
    assert_int_equal(th_rig_ctr(r, SL_CTR_TLS_LINGERING), 0);
    assert_int_equal(sl_tls_handshakes(r->tls), 0);
    assert_true(sl_event_take(r->stats, &ev));
    assert_int_equal(ev.kind, SL_EVENT_TLS_HANDSHAKE_FAILED);
    assert_string_equal(ev.listener, "https");
    assert_int_equal(ev.peer.port, 40000);
    assert_false(sl_event_take(r->stats, &ev));
    th_pipe_free(pipe);
}

/* A client that is refused sees this alert, then FIN. */
static void refused(const struct th_rig_opts *ro, const struct th_client_opts *o, int alert, enum sl_ctr ctr)
{
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;

    th_rig_start(&r, ro);
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, o);
    assert_non_null(th_rig_accept(&r, pipe));
    assert_null(th_rig_handshake(&r, c));
    assert_int_equal(c->error, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
    assert_int_equal(c->alert, alert);
    assert_true(pipe->fin_out);
    assert_false(pipe->aborted);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_ALERTS_SENT), 1);
    gone(&r, pipe, ctr);
    th_client_free(c);
    th_rig_stop(&r);
}

static void no_application_protocol(void **state)
{
    const char *alpn[] = {"imap", NULL};

    refused(&(struct th_rig_opts){.certs = {&p256}}, &(struct th_client_opts){.min = V12, .max = V12, .alpn = alpn},
            120, SL_CTR_TLS_FAILED_ALPN);
    refused(&(struct th_rig_opts){.certs = {&p256}}, &(struct th_client_opts){.min = V13, .alpn = alpn}, 120,
            SL_CTR_TLS_FAILED_ALPN);
}

static void no_suite_for_the_key(void **state)
{
    static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};

    refused(&(struct th_rig_opts){.certs = {&rsa}}, &(struct th_client_opts){.max = V12, .suites = suites}, 40,
            SL_CTR_TLS_FAILED_SUITE);
}

static void no_signature_for_the_key(void **state)
{
    static const uint16_t algs[] = {MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256, 0};

    refused(&(struct th_rig_opts){.certs = {&p256}}, &(struct th_client_opts){.min = V13, .sig_algs = algs}, 40,
            SL_CTR_TLS_FAILED_SUITE);
}

static void no_group(void **state)
{
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1, 0};

    refused(&(struct th_rig_opts){.certs = {&p256}}, &(struct th_client_opts){.min = V13, .groups = groups}, 40,
            SL_CTR_TLS_FAILED_SUITE);
}

/* mbedTLS says nothing about such a record; nor may the flight that went out meanwhile be taken for its saying so. */
static void a_record_of_no_kind_behind_our_flight(void **state)
{
    static const uint8_t record[] = {99, 3, 3, 0, 1, 0};
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;
    uint8_t byte;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, &(struct th_client_opts){.min = V13});
    assert_non_null(th_rig_accept(&r, pipe));
    assert_false(th_client_step(c));
    for (int i = 0; i < 8; i++)
        th_rig_step(&r);
    th_pipe_feed(pipe, record, sizeof record);
    th_rig_step(&r);
    assert_true(th_client_step(c));
    (void)th_client_read(c, &byte, 1);
    assert_int_equal(c->alert, 10);
    gone(&r, pipe, SL_CTR_TLS_FAILED_RECORD);
    th_client_free(c);
    th_rig_stop(&r);
}

/* Bytes on a fresh connection. */
static struct th_pipe *say(struct th_rig *r, const void *bytes, size_t len)
{
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);

    assert_non_null(th_rig_accept(r, pipe));
    th_pipe_feed(pipe, bytes, len);
    th_rig_step(r);
    return pipe;
}

static void refuse_bytes(const void *bytes, size_t len, int alert, enum sl_ctr ctr)
{
    struct th_rig r;
    struct th_pipe *pipe;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = say(&r, bytes, len);
    assert_int_equal(clear_alert(pipe), alert);
    assert_true(pipe->fin_out);
    assert_false(pipe->aborted);
    gone(&r, pipe, ctr);
    th_rig_stop(&r);
}

static void plain_http_on_the_tls_port(void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

    refuse_bytes(get, sizeof get - 1, 10, SL_CTR_TLS_FAILED_NOT_TLS);
}

static void rubbish_on_the_tls_port(void **state)
{
    uint8_t zeros[64] = {0};
    uint8_t sslv2[] = {0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10};

    refuse_bytes(zeros, sizeof zeros, 10, SL_CTR_TLS_FAILED_NOT_TLS);
    refuse_bytes(sslv2, sizeof sslv2, 10, SL_CTR_TLS_FAILED_NOT_TLS);
}

static void record_too_long(void **state)
{
    uint8_t record[] = {22, 3, 1, 0xff, 0xff, 1, 0, 0, 0};

    refuse_bytes(record, sizeof record, 22, SL_CTR_TLS_FAILED_RECORD);
}

static void tls_1_1(void **state)
{
    static const uint8_t hello[] = {22, 3,  1,  0,  45, 1,  0,  0,  41, 3,  2, /* TLS 1.1 */
                                    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,   17,   18, 19, 20,
                                    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0,  0,  2,  0xc0, 0x13, 1,  0};

    refuse_bytes(hello, sizeof hello, 70, SL_CTR_TLS_FAILED_VERSION);
}

static void application_data_first(void **state)
{
    static const uint8_t record[] = {23, 3, 3, 0, 4, 'a', 'b', 'c', 'd'};

    refuse_bytes(record, sizeof record, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

static void alert_from_the_client(void **state)
{
    static const uint8_t record[] = {21, 3, 1, 0, 2, 2, 48};
    struct th_rig r;
    struct th_pipe *pipe;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = say(&r, record, sizeof record);
    assert_int_equal(th_pipe_waiting(pipe), 0); /* an alert is not answered */
    assert_true(pipe->fin_out);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_ALERTS_RECEIVED), 1);
    gone(&r, pipe, SL_CTR_TLS_FAILED_ALERT);
    th_rig_stop(&r);
}

static void client_closes_before_it_speaks(void **state)
{
    struct th_rig r;
    struct th_pipe *pipe;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = th_pipe_new(r.feed_pool);
    assert_non_null(th_rig_accept(&r, pipe));
    th_pipe_fin(pipe);
    th_rig_step(&r);
    assert_true(pipe->fin_out);
    gone(&r, pipe, SL_CTR_TLS_FAILED_CLOSED);
    th_rig_stop(&r);
}

static void client_closes_behind_its_hello(void **state)
{
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, &(struct th_client_opts){0});
    assert_non_null(th_rig_accept(&r, pipe));
    th_client_step(c);
    th_pipe_fin(pipe); /* before the crypto step has seen the hello */
    th_rig_step(&r);
    th_rig_step(&r);
    gone(&r, pipe, SL_CTR_TLS_FAILED_CLOSED);
    th_client_free(c);
    th_rig_stop(&r);
}

static void client_resets_in_the_middle(void **state)
{
    for (int when = 0; when < 3; when++) {
        struct th_rig r;
        struct th_pipe *pipe;
        struct th_client *c;

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
        pipe = th_pipe_new(r.feed_pool);
        c = th_client_new(pipe, &(struct th_client_opts){0});
        assert_non_null(th_rig_accept(&r, pipe));
        th_client_step(c);
        if (when == 1)
            th_rig_step(&r);
        else if (when == 2)
            sl_tls_run(r.tls, r.now, 0); /* queued, not yet computed */
        th_pipe_cut(pipe, SL_REASON_RESET);
        th_rig_step(&r);
        gone(&r, pipe, SL_CTR_TLS_FAILED_RESET);
        th_client_free(c);
        th_rig_stop(&r);
    }
}

static void handshake_time_is_limited(void **state)
{
    struct th_rig r;
    struct th_pipe *silent, *slow;
    struct th_client *c;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    silent = th_pipe_new(r.feed_pool);
    slow = th_pipe_new(r.feed_pool);
    assert_non_null(th_rig_accept(&r, silent));
    th_rig_step(&r);
    assert_int_equal(sl_tls_next(r.tls), r.now + 10 * SL_NS_PER_S);
    r.now += SL_NS_PER_S;
    assert_non_null(th_rig_accept(&r, slow));
    c = th_client_new(slow, &(struct th_client_opts){0});
    c->hold = true;
    th_client_step(c);
    r.now += 9 * SL_NS_PER_S - 1;
    th_pipe_feed(slow, c->held.p, 20); /* a few bytes buy no time */
    th_rig_step(&r);
    assert_false(silent->released);
    r.now += 1;
    th_rig_step(&r);
    assert_true(silent->released);
    assert_true(silent->aborted);
    assert_int_equal(silent->reason, SL_REASON_TIMEOUT);
    assert_false(slow->released);
    r.now += SL_NS_PER_S;
    th_rig_step(&r);
    assert_true(slow->released);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_FAILED_TIMEOUT), 2);
    assert_int_equal(sl_tls_next(r.tls), SL_NEVER);
    th_client_free(c);
    th_pipe_free(silent);
    th_pipe_free(slow);
    th_rig_stop(&r);
}

static void at_the_cap_the_stalest_gives_way(void **state)
{
    struct th_rig r;
    struct th_pipe *p[4];
    struct th_client *c;
    struct sl_stream *s;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .handshakes_max = 3});
    for (int i = 0; i < 3; i++) {
        p[i] = th_pipe_new(r.feed_pool);
        assert_non_null(th_rig_accept(&r, p[i]));
    }
    c = th_client_new(p[0], &(struct th_client_opts){0});
    th_client_step(c);
    th_rig_step(&r); /* the oldest makes progress, so the second is the stalest now */
    p[3] = th_pipe_new(r.feed_pool);
    assert_non_null(th_rig_accept(&r, p[3]));
    assert_int_equal(sl_tls_handshakes(r.tls), 3);
    assert_true(p[1]->released);
    assert_true(p[1]->aborted);
    assert_false(p[0]->released || p[2]->released || p[3]->released);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_FAILED_EVICTED), 1);
    s = th_rig_handshake(&r, c);
    assert_non_null(s);
    s->ops->release(s);
    th_pipe_cut(p[2], SL_REASON_RESET);
    th_pipe_cut(p[3], SL_REASON_RESET);
    th_rig_step(&r);
    th_client_free(c);
    for (int i = 0; i < 4; i++)
        th_pipe_free(p[i]);
    th_rig_stop(&r);
}

static bool was_read(const struct th_pipe *p) { return p->in.len == 0; }

/* A configuration may allow fewer than are in flight: the next one makes the stalest give way until they fit. */
static void a_lower_cap_holds_from_the_next_one_on(void **state)
{
    struct th_rig r;
    struct th_pipe *p[4];

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .handshakes_max = 3});
    for (int i = 0; i < 4; i++) {
        if (i == 3)
            sl_tls_limit(r.tls, 2);
        p[i] = th_pipe_new(r.feed_pool);
        assert_non_null(th_rig_accept(&r, p[i]));
    }
    assert_int_equal(sl_tls_handshakes(r.tls), 2);
    assert_true(p[0]->aborted && p[1]->aborted);
    assert_false(p[2]->aborted || p[3]->aborted);
    for (int i = 2; i < 4; i++)
        th_pipe_cut(p[i], SL_REASON_RESET);
    th_rig_step(&r);
    for (int i = 0; i < 4; i++)
        th_pipe_free(p[i]);
    th_rig_stop(&r);
}

/* Two hellos wait and the budget allows for one step: under pressure the newer one is taken first, otherwise the
 * older. */
static void budget_and_order(void **state)
{
    for (int pressed = 0; pressed < 2; pressed++) {
        struct th_rig r;
        struct th_pipe *p[2];
        struct th_client *c[2];

        th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}, .budget_ns = 1, .handshakes_max = pressed ? 2 : 16});
        for (int i = 0; i < 2; i++) {
            p[i] = th_pipe_new(r.feed_pool);
            c[i] = th_client_new(p[i], &(struct th_client_opts){0});
            assert_non_null(th_rig_accept(&r, p[i]));
            th_client_step(c[i]);
        }
        th_rig_step(&r);
        assert_true(was_read(p[pressed ? 1 : 0]));
        assert_false(was_read(p[pressed ? 0 : 1]));
        assert_int_equal(sl_tls_next(r.tls), 0);
        for (int i = 0; i < 10; i++)
            th_rig_step(&r);
        for (int i = 0; i < 2; i++)
            assert_true(th_pipe_waiting(p[i]) > 0);
        assert_int_not_equal(sl_tls_next(r.tls), 0);
        for (int i = 0; i < 2; i++)
            th_pipe_cut(p[i], SL_REASON_RESET);
        th_rig_step(&r);
        for (int i = 0; i < 2; i++) {
            th_client_free(c[i]);
            th_pipe_free(p[i]);
        }
        th_rig_stop(&r);
    }
}

/* What the peer still sends after our alert is thrown away, for a while and up to a limit. */
static void lingering_is_bounded(void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\n\r\n";
    uint8_t more[32768] = {0};
    struct th_rig r;
    struct th_pipe *timed, *flood;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    timed = say(&r, get, sizeof get);
    flood = say(&r, get, sizeof get);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_LINGERING), 2);
    for (int i = 0; i < 64 && !flood->released; i++) {
        th_pipe_feed(flood, more, sizeof more);
        th_rig_step(&r);
    }
    assert_true(flood->released);
    assert_true(flood->aborted);
    assert_false(timed->released);
    assert_int_equal(sl_tls_next(r.tls), r.now + 2 * SL_NS_PER_S);
    r.now += 2 * SL_NS_PER_S;
    th_rig_step(&r);
    assert_true(timed->released);
    assert_false(timed->aborted);
    assert_int_equal(th_rig_ctr(&r, SL_CTR_TLS_LINGERING), 0);
    th_pipe_free(timed);
    th_pipe_free(flood);
    th_rig_stop(&r);
}

static void destroy_takes_all_with_it(void **state)
{
    struct th_rig r;
    struct th_pipe *p[3];
    struct th_client *c[2];

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    for (int i = 0; i < 3; i++) {
        p[i] = th_pipe_new(r.feed_pool);
        assert_non_null(th_rig_accept(&r, p[i]));
    }
    c[0] = th_client_new(p[0], &(struct th_client_opts){0});
    assert_non_null(th_rig_handshake(&r, c[0]));
    c[1] = th_client_new(p[1], &(struct th_client_opts){0});
    th_client_step(c[1]);
    sl_tls_destroy(r.tls);
    for (int i = 0; i < 3; i++) {
        assert_true(p[i]->released);
        th_pipe_free(p[i]);
    }
    th_client_free(c[0]);
    th_client_free(c[1]);
    assert_true(rte_mempool_full(r.pool));
    th_pool_free(r.pool);
    th_pool_free(r.feed_pool);
    th_conf_cert_free(&r.certs[0]);
    free(r.stats);
}

/* Memory fails at every point in turn: each handshake ends in order or comes about; nothing leaks (the group's teardown
 * looks). */
static void memory_that_fails_at_any_point(void **state)
{
    struct sl_crypto_memory *memory = sl_crypto_memory();
    struct th_rig r;
    unsigned failed = 0, opened = 0;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    for (uint64_t room = 0; room < 70000; room += 700) {
        struct th_pipe *pipe = th_pipe_new(r.feed_pool);
        struct th_client *c = th_client_new(pipe, &(struct th_client_opts){.max = room / 700 % 2 ? V12 : V13});
        struct sl_stream *s = NULL;
        uint8_t events;

        assert_non_null(th_rig_accept(&r, pipe));
        for (int i = 0; i < 10 && !s && !c->error; i++) {
            th_client_step(c);
            memory->limit_bytes = memory->now_bytes + room;
            th_rig_step(&r);
            memory->limit_bytes = 0;
            s = sl_ready_take(&r.ready, &events);
        }
        if (s) {
            s->ops->release(s);
            opened++;
        } else {
            failed++;
        }
        th_pipe_fin(pipe);
        th_rig_step(&r);
        th_rig_step(&r);
        th_client_free(c);
        th_pipe_free(pipe);
    }
    assert_true(failed > 10);
    assert_true(opened > 10);
    th_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_application_protocol),
        cmocka_unit_test(no_suite_for_the_key),
        cmocka_unit_test(no_signature_for_the_key),
        cmocka_unit_test(no_group),
        cmocka_unit_test(a_record_of_no_kind_behind_our_flight),
        cmocka_unit_test(plain_http_on_the_tls_port),
        cmocka_unit_test(rubbish_on_the_tls_port),
        cmocka_unit_test(record_too_long),
        cmocka_unit_test(tls_1_1),
        cmocka_unit_test(application_data_first),
        cmocka_unit_test(alert_from_the_client),
        cmocka_unit_test(client_closes_before_it_speaks),
        cmocka_unit_test(client_closes_behind_its_hello),
        cmocka_unit_test(client_resets_in_the_middle),
        cmocka_unit_test(handshake_time_is_limited),
        cmocka_unit_test(at_the_cap_the_stalest_gives_way),
        cmocka_unit_test(a_lower_cap_holds_from_the_next_one_on),
        cmocka_unit_test(budget_and_order),
        cmocka_unit_test(lingering_is_bounded),
        cmocka_unit_test(destroy_takes_all_with_it),
        cmocka_unit_test(memory_that_fails_at_any_point),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
