/* TLS 1.3 clients that say the wrong thing, in the wrong place, or too often (RFC 8446 4.4.4, 5, 5.1, 6, D.4): each gets
 * the alert that the RFC names, and nothing is left behind. */
#include "tls/attack_rig.h"

#include <stdlib.h>

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};

static void begin(struct link *l) { link_begin(l, &p256, true); }

/* The hello is sent and answered. */
static void greet(struct link *l)
{
    begin(l);
    th_raw_hello(&l->c, NULL);
    th_rig_step(&l->r);
    th_raw_read(&l->c);
    assert_int_equal(l->c.seen[TH_FINISHED], 1);
    assert_int_equal(l->c.alert, -1);
}

static void an_honest_client_is_served(void **state)
{
    struct link l;
    struct sl_stream *s;
    char buf[8];

    begin(&l);
    th_raw_hello(&l.c, &(struct th_raw_hello){.more = TH_MODES});
    s = th_raw_complete(&l.c, &l.r);
    assert_non_null(s);
    assert_int_equal(l.c.ccs, 1); /* RFC 8446 D.4: asked for by a session id */
    assert_int_equal(l.c.seen[TH_NEW_SESSION_TICKET], 1);
    th_raw_record(&l.c, TH_DATA, "request", 7);
    th_rig_step(&l.r);
    assert_int_equal(th_rig_recv(s, buf, sizeof buf), 7);
    assert_int_equal(th_rig_send(&l.r, s, "answer", 6, 6), 0);
    th_raw_read(&l.c);
    assert_int_equal(l.c.data_len, 6);
    assert_memory_equal(l.c.data, "answer", 6);
    s->ops->release(s);
    end(&l);
}

static void a_wrong_finished(void **state)
{
    struct link l;

    greet(&l);
    th_raw_finished(&l.c, 1, NULL);
    refused(&l, 51, SL_CTR_TLS_FAILED_MESSAGE); /* RFC 8446 4.4.4 */
}

static void a_finished_of_another_length(void **state)
{
    static const size_t lens[] = {0, 1, 31, 33, 48};

    for (size_t i = 0; i < SL_ARRAY_LEN(lens); i++) {
        uint8_t body[48] = {0};
        struct link l;

        greet(&l);
        th_raw_message(&l.c, TH_FINISHED, body, lens[i], false);
        refused(&l, 50, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

static void a_message_out_of_order(void **state)
{
    static const uint8_t types[] = {0, 1, 2, 4, 5, 8, 11, 13, 15, 16, 24, 99, 254};

    for (size_t i = 0; i < SL_ARRAY_LEN(types); i++) {
        uint8_t body[32] = {0};
        struct link l;

        greet(&l);
        th_raw_message(&l.c, types[i], body, sizeof body, false);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

/* Finished and more in one record: messages must not span a change of keys. */
static void a_message_behind_finished(void **state)
{
    static const uint8_t key_update[] = {24, 0, 0, 1, 0};

    for (size_t more = 1; more <= sizeof key_update; more += 4) {
        uint8_t record[36 + sizeof key_update];
        struct link l;

        greet(&l);
        th_raw_finished(&l.c, 0, record);
        memcpy(record + 36, key_update, more);
        th_raw_record(&l.c, TH_HANDSHAKE, record, 36 + more);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

static void application_data_before_finished(void **state)
{
    struct link l;

    greet(&l);
    th_raw_record(&l.c, TH_DATA, "early", 5);
    refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

static void a_record_in_clear_behind_the_hello(void **state)
{
    static const uint8_t finished[36] = {TH_FINISHED, 0, 0, 32};
    struct link l;

    greet(&l);
    th_raw_plain(&l.c, TH_HANDSHAKE, finished, sizeof finished);
    refused(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void a_wrong_inner_type(void **state)
{
    static const uint8_t types[] = {1, 19, TH_CCS, 24, 25, 255};

    for (size_t i = 0; i < SL_ARRAY_LEN(types); i++) {
        struct link l;

        greet(&l);
        th_raw_record(&l.c, types[i], "\x01", 1);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

/* RFC 8446 5.4: a record of nothing but padding has no type. */
static void a_record_of_padding(void **state)
{
    struct link l;

    greet(&l);
    th_raw_record(&l.c, 0, "", 0);
    refused(&l, 10, SL_CTR_TLS_FAILED_RECORD);
}

static void a_bad_tag(void **state)
{
    static const uint8_t record[] = {TH_DATA, 3, 3, 0, 40, 1, 2, 3, 4};
    uint8_t all[45] = {0};
    struct link l;

    greet(&l);
    memcpy(all, record, sizeof record);
    th_pipe_feed(l.pipe, all, sizeof all);
    refused(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void records_too_long_and_too_short(void **state)
{
    static const struct {
        uint16_t len;
        int alert;
    } cases[] = {{16384 + 257, 22}, {65535, 22}, {16, 20}, {1, 20}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        uint8_t record[5 + 17000] = {TH_DATA, 3, 3, (uint8_t)(cases[i].len >> 8), (uint8_t)cases[i].len};
        struct link l;

        greet(&l);
        th_pipe_feed(l.pipe, record, 5 + SL_MIN(cases[i].len, 17000u));
        refused(&l, cases[i].alert, SL_CTR_TLS_FAILED_RECORD);
    }
}

static void an_alert_is_not_answered(void **state)
{
    for (int level = 1; level <= 2; level++) {
        struct link l;

        greet(&l);
        th_raw_record(&l.c, TH_ALERT, (uint8_t[]){(uint8_t)level, 42}, 2);
        th_rig_step(&l.r);
        th_raw_read(&l.c);
        assert_int_equal(l.c.alert, -1);
        assert_true(l.pipe->fin_out);
        assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_FAILED_ALERT), 1);
        assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_ALERTS_RECEIVED), 1);
        end(&l);
    }
}

/* mbedTLS's clients refuse a certificate so. */
static void an_alert_in_clear(void **state)
{
    struct link l;

    greet(&l);
    th_raw_plain(&l.c, TH_ALERT, "\x02\x30", 2);
    th_rig_step(&l.r);
    assert_true(l.pipe->fin_out);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_FAILED_ALERT), 1);
    end(&l);
}

static void close_notify_before_finished(void **state)
{
    struct link l;

    greet(&l);
    th_raw_record(&l.c, TH_ALERT, (uint8_t[]){1, 0}, 2);
    th_rig_step(&l.r);
    assert_true(l.pipe->fin_out);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_FAILED_CLOSED), 1);
    end(&l);
}

/* RFC 8446 D.4 has one between hello and Finished, 5 drops any; but no stream of them keeps a handshake busy. */
static void change_cipher_spec_is_dropped(void **state)
{
    struct link l;
    struct sl_stream *s;
    uint8_t events;

    greet(&l);
    th_raw_plain(&l.c, TH_CCS, "\x01", 1);
    th_rig_step(&l.r);
    th_raw_finished(&l.c, 0, NULL);
    th_rig_step(&l.r);
    s = sl_ready_take(&l.r.ready, &events);
    assert_non_null(s);
    s->ops->release(s);
    end(&l);
}

static void a_change_cipher_spec_that_is_none(void **state)
{
    static const struct {
        uint8_t body[2];
        size_t len;
    } cases[] = {{{2}, 1}, {{0}, 1}, {{1, 1}, 2}, {{0}, 0}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct link l;

        greet(&l);
        th_raw_plain(&l.c, TH_CCS, cases[i].body, cases[i].len);
        refused(&l, 10, SL_CTR_TLS_FAILED_RECORD);
    }
}

/* RFC 8446 5.1: a fragment of a message is never empty. */
static void an_empty_fragment(void **state)
{
    struct link l;

    greet(&l);
    th_raw_record(&l.c, TH_HANDSHAKE, "", 0);
    refused(&l, 10, SL_CTR_TLS_FAILED_RECORD);
}

/* A flood of what is tolerated once: the handshake ends. */
static void floods(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct link l;

        greet(&l);
        for (int i = 0; i < 40000 && !l.pipe->fin_out; i++) {
            if (kind == 0)
                th_raw_plain(&l.c, TH_CCS, "\x01", 1);
            else if (kind == 1)
                th_raw_record(&l.c, TH_HANDSHAKE, "", 0);
            else
                th_raw_record(&l.c, TH_ALERT, "\x01\x5a", 2); /* user_canceled */
            if (i % 64 == 0)
                th_rig_step(&l.r);
        }
        th_rig_step(&l.r);
        th_raw_read(&l.c);
        assert_true(l.pipe->fin_out);
        assert_true(l.c.alert > 0);
        end(&l);
    }
}

static void a_client_that_never_sends_finished(void **state)
{
    struct link l;

    greet(&l);
    l.r.now += 10 * SL_NS_PER_S;
    th_rig_step(&l.r);
    assert_true(l.pipe->released);
    assert_true(l.pipe->aborted);
    assert_int_equal(l.pipe->reason, SL_REASON_TIMEOUT);
    assert_int_equal(th_rig_ctr(&l.r, SL_CTR_TLS_FAILED_TIMEOUT), 1);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_client_is_served),
        cmocka_unit_test(a_wrong_finished),
        cmocka_unit_test(a_finished_of_another_length),
        cmocka_unit_test(a_message_out_of_order),
        cmocka_unit_test(a_message_behind_finished),
        cmocka_unit_test(application_data_before_finished),
        cmocka_unit_test(a_record_in_clear_behind_the_hello),
        cmocka_unit_test(a_wrong_inner_type),
        cmocka_unit_test(a_record_of_padding),
        cmocka_unit_test(a_bad_tag),
        cmocka_unit_test(records_too_long_and_too_short),
        cmocka_unit_test(an_alert_is_not_answered),
        cmocka_unit_test(an_alert_in_clear),
        cmocka_unit_test(close_notify_before_finished),
        cmocka_unit_test(change_cipher_spec_is_dropped),
        cmocka_unit_test(a_change_cipher_spec_that_is_none),
        cmocka_unit_test(an_empty_fragment),
        cmocka_unit_test(floods),
        cmocka_unit_test(a_client_that_never_sends_finished),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
