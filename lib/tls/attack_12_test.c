/* TLS 1.2 clients that say the wrong thing, in the wrong place, or too often (RFC 5246 7, RFC 8422 5.11, RFC 5746): each
 * gets the alert that the RFC names, and nothing is left behind. */
#include "tls/attack_rig.h"

#include <stdio.h>
#include <stdlib.h>

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};
static const struct th_cert_opts p384 = {.key = TH_KEY_P384, .subject = "CN=p384"};

/* The hello is sent and answered. */
static void greet_with(struct link *l, const struct th_raw_hello *h, const struct th_cert_opts *cert)
{
    link_begin(l, cert, false);
    th_raw_hello(&l->c, h);
    th_rig_step(&l->r);
    th_raw_read(&l->c);
    assert_int_equal(l->c.seen[TH_SERVER_HELLO_DONE], 1);
    assert_int_equal(l->c.alert, -1);
}

static void greet(struct link *l, const struct th_raw_hello *h) { greet_with(l, h, &p256); }

static struct sl_stream *open_link(struct link *l, const struct th_raw_hello *h)
{
    struct sl_stream *s;

    greet(l, h);
    s = th_raw_complete(&l->c, &l->r);
    assert_non_null(s);
    assert_int_equal(l->c.seen[TH_FINISHED], 1);
    return s;
}

static void an_honest_client_is_served(void **state)
{
    static const struct th_raw_hello hellos[] = {{0}, {.more = "0017()"}};

    for (size_t i = 0; i < SL_ARRAY_LEN(hellos); i++) { /* without and with an extended master secret (RFC 7627) */
        struct link l;
        struct sl_stream *s = open_link(&l, &hellos[i]);
        char buf[8];

        assert_int_equal(l.c.ems, i);
        th_raw_record(&l.c, TH_DATA, "request", 7);
        th_rig_step(&l.r);
        assert_int_equal(th_rig_recv(s, buf, sizeof buf), 7);
        assert_int_equal(th_rig_send(&l.r, s, "answer", 6, 6), 0);
        th_raw_read(&l.c);
        assert_int_equal(l.c.data_len, 6);
        s->ops->release(s);
        end(&l);
    }
}

static void a_wrong_finished(void **state)
{
    struct link l;

    greet(&l, NULL);
    th_raw_key_exchange(&l.c);
    th_raw_change_cipher(&l.c);
    th_raw_finished(&l.c, 1, NULL);
    refused(&l, 51, SL_CTR_TLS_FAILED_MESSAGE);
}

static void finished_without_change_cipher_spec(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        struct link l;

        greet(&l, NULL);
        th_raw_key_exchange(&l.c);
        l.c.seal = sealed;
        th_raw_finished(&l.c, 0, NULL);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

/* CVE-2014-0224's trick: keys of nothing. */
static void change_cipher_spec_before_the_key_exchange(void **state)
{
    struct link l;

    greet(&l, NULL);
    th_raw_plain(&l.c, TH_CCS, "\x01", 1);
    refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

static void change_cipher_spec_twice(void **state)
{
    struct link l;

    greet(&l, NULL);
    th_raw_key_exchange(&l.c);
    th_raw_change_cipher(&l.c);
    th_raw_record(&l.c, TH_CCS, "\x01", 1);
    refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

static void a_change_cipher_spec_that_is_none(void **state)
{
    static const struct {
        uint8_t body[2];
        size_t len;
    } cases[] = {{{2}, 1}, {{0}, 1}, {{1, 1}, 2}, {{0}, 0}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct link l;

        greet(&l, NULL);
        th_raw_key_exchange(&l.c);
        th_raw_plain(&l.c, TH_CCS, cases[i].body, cases[i].len);
        refused(&l, 10, SL_CTR_TLS_FAILED_RECORD);
    }
}

static void a_message_out_of_order(void **state)
{
    static const uint8_t types[] = {0, 1, 2, 4, 11, 12, 13, 14, 15, 20, 99};

    for (size_t i = 0; i < SL_ARRAY_LEN(types); i++) {
        uint8_t body[32] = {0};
        struct link l;

        greet(&l, NULL);
        th_raw_message(&l.c, types[i], body, sizeof body, false);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

#define P384 "000a((0018))"

static void points_that_cant_be(void **state)
{
    static const struct {
        const char *groups, *point;
        int alert;
    } cases[] = {
        {NULL, "[00*32]", 47},    /* all-zero result */
        {NULL, "[01 00*31]", 47}, /* the same */
        {NULL, "[ec ff*30 7f]", 47},
        {NULL, "[09*31]", 50},
        {NULL, "[09*33]", 50},
        {NULL, "[]", 50},
        {NULL, "[09*32] 00", 50},
        {NULL, "20 09*31", 50},
        {"000a((0017))", "[04 01*64]", 47}, /* off the curve */
        {"000a((0017))", "[04 00*64]", 47},
        {"000a((0017))", "[04 ff*64]", 47},
        {"000a((0017))", "[00]", 50}, /* infinity */
        {"000a((0017))", "[02 01*32]", 50},
        {P384, "[04 01*96]", 47},
        {P384, "[04 ff*96]", 47},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        uint8_t body[200];
        struct link l;
        bool large = cases[i].groups && strcmp(cases[i].groups, P384) == 0;

        greet_with(&l, &(struct th_raw_hello){.groups = cases[i].groups}, large ? &p384 : &p256);
        th_raw_message(&l.c, TH_CLIENT_KEY_EXCHANGE, body, th_hello_text(cases[i].point, body, sizeof body), false);
        refused(&l, cases[i].alert, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

static void application_data_before_finished(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        struct link l;

        greet(&l, NULL);
        if (sealed) {
            th_raw_key_exchange(&l.c);
            th_raw_change_cipher(&l.c);
        }
        th_raw_record(&l.c, TH_DATA, "early", 5);
        refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

static void a_message_behind_finished(void **state)
{
    uint8_t record[16 + 5];
    struct link l;

    greet(&l, NULL);
    th_raw_key_exchange(&l.c);
    th_raw_change_cipher(&l.c);
    th_raw_finished(&l.c, 0, record);
    memcpy(record + 16, "\x01\0\0\1\0", 5);
    th_raw_record(&l.c, TH_HANDSHAKE, record, sizeof record);
    refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

/* In clear where keys are in force. */
static void a_record_in_clear_behind_change_cipher_spec(void **state)
{
    struct link l;

    greet(&l, NULL);
    th_raw_key_exchange(&l.c);
    th_raw_change_cipher(&l.c);
    l.c.seal = false;
    th_raw_finished(&l.c, 0, NULL);
    refused(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void records_too_long(void **state)
{
    static const struct {
        uint16_t len;
        bool sealed;
    } cases[] = {{16384 + 2049, true}, {65535, true}, {16385, false}};

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        uint8_t record[5 + 19000] = {TH_HANDSHAKE, 3, 3, (uint8_t)(cases[i].len >> 8), (uint8_t)cases[i].len};
        struct link l;

        greet(&l, NULL);
        if (cases[i].sealed) {
            th_raw_key_exchange(&l.c);
            th_raw_change_cipher(&l.c);
        }
        th_pipe_feed(l.pipe, record, 5 + SL_MIN(cases[i].len, 19000u));
        refused(&l, 22, SL_CTR_TLS_FAILED_RECORD);
    }
}

/* Another hello on an open connection, with the binding of RFC 5746 or without. */
static void renegotiation_is_refused(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct link l;
        struct sl_stream *s = open_link(&l, NULL);
        uint32_t len;
        uint8_t *msg = th_raw_compose(&l.c, &(struct th_raw_hello){.more = i ? "ff01([0c 33*11])" : ""}, &len);
        char byte;

        th_raw_record(&l.c, TH_HANDSHAKE, msg, len);
        free(msg);
        th_rig_step(&l.r);
        assert_int_equal(th_rig_recv(s, &byte, 1), 0);
        th_raw_read(&l.c);
        assert_int_equal(l.c.alert, 100);
        assert_true(s->state & SL_STREAM_CLOSED);
        s->ops->release(s);
        end(&l);
    }
}

static void a_second_hello_in_the_handshake(void **state)
{
    struct link l;
    uint32_t len;
    uint8_t *msg;

    greet(&l, NULL);
    msg = th_raw_compose(&l.c, NULL, &len);
    th_raw_record(&l.c, TH_HANDSHAKE, msg, len);
    free(msg);
    refused(&l, 10, SL_CTR_TLS_FAILED_MESSAGE);
}

/* RFC 5246 6.2.1: a fragment of a message is never empty. */
static void an_empty_fragment(void **state)
{
    struct link l;

    greet(&l, NULL);
    th_raw_record(&l.c, TH_HANDSHAKE, "", 0);
    refused(&l, 10, SL_CTR_TLS_FAILED_RECORD);
}

static void floods(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        struct link l;

        greet(&l, NULL);
        for (int i = 0; i < 40000 && !l.pipe->fin_out; i++) {
            if (kind == 0)
                th_raw_plain(&l.c, TH_HANDSHAKE, "", 0);
            else
                th_raw_plain(&l.c, TH_ALERT, "\x01\x64", 2); /* a warning: no_renegotiation */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_client_is_served),
        cmocka_unit_test(a_wrong_finished),
        cmocka_unit_test(finished_without_change_cipher_spec),
        cmocka_unit_test(change_cipher_spec_before_the_key_exchange),
        cmocka_unit_test(change_cipher_spec_twice),
        cmocka_unit_test(a_change_cipher_spec_that_is_none),
        cmocka_unit_test(a_message_out_of_order),
        cmocka_unit_test(points_that_cant_be),
        cmocka_unit_test(application_data_before_finished),
        cmocka_unit_test(a_message_behind_finished),
        cmocka_unit_test(a_record_in_clear_behind_change_cipher_spec),
        cmocka_unit_test(records_too_long),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(a_second_hello_in_the_handshake),
        cmocka_unit_test(an_empty_fragment),
        cmocka_unit_test(floods),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
