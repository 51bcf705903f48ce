/* Hellos of TLS 1.3 with lies in them: shares that can't be, a second hello that is not the first again, early data
 * that nobody asked for (RFC 8446 4.1.2, 4.2.8, 4.2.10, 7.4.2). */
#include "tls/attack_rig.h"

#include <stdio.h>
#include <stdlib.h>

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};

static void begin(struct link *l) { link_begin(l, &p256, true); }

static void served(struct link *l)
{
    struct sl_stream *s = th_raw_complete(&l->c, &l->r);

    assert_int_equal(l->c.alert, -1);
    assert_non_null(s);
    s->ops->release(s);
    end(l);
}

/* ---- shares ---- */

static void shares_that_cant_be(void **state)
{
    static const char *const shares[] = {
        "001d (00*32)",       /* all-zero result: a point of small order */
        "001d (01 00*31)",    /* the same */
        "001d (ec ff*30 7f)", /* p - 1: the same */
        "001d (ed ff*30 7f)", /* p, which is 0 */
        "0017 (04 01*64)",    /* off the curve */
        "0017 (04 00*64)",    /* the same */
        "0017 (04 ff*64)",    /* beyond the field */
        "0017 (02 01*64)",    /* no form of point that 1.3 has */
        "0018 (04 01*96)",
        "0018 (04 00*96)",
        "0018 (04 ff*96)",
        "001d (09*31)",
        "001d (09*33)",
        "0017 (04 01*63)",
        "0017 (01*32)",              /* lengths */
        "0019 (04 01*132)",          /* a group that the hello does not list */
        "001d (09*32) 001d (09*32)", /* twice */
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(shares); i++) {
        struct link l;

        begin(&l);
        th_raw_hello(&l.c, &(struct th_raw_hello){.shares = shares[i]});
        refused(&l, 47, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

/* ---- the hello after a HelloRetryRequest ---- */

#define NAME TH_NAME
#define OTHER "0000((00 (6578616d706c652e636f6d)))"

/* The first hello has no share. */
static void retry(struct link *l, const struct th_raw_hello *first)
{
    begin(l);
    th_raw_hello(&l->c, first);
    th_rig_step(&l->r);
    th_raw_read(&l->c);
    assert_int_equal(l->c.retries, 1);
    assert_int_equal(l->c.alert, -1);
    assert_false(l->pipe->fin_out);
}

static void the_same_hello_with_a_share(void **state)
{
    struct link l;

    retry(&l, &(struct th_raw_hello){.shares = "", .name = NAME});
    th_raw_plain(&l.c, TH_CCS, "\x01", 1);
    th_raw_hello(&l.c, &(struct th_raw_hello){.name = NAME});
    served(&l);
}

/* In pieces of one byte, each in a step of its own. */
static void a_second_hello_in_pieces(void **state)
{
    struct link l;
    uint32_t len;
    uint8_t *msg;

    retry(&l, &(struct th_raw_hello){.shares = ""});
    msg = th_raw_compose(&l.c, NULL, &len);
    for (uint32_t at = 0; at < len; at++) {
        const uint8_t record[] = {TH_HANDSHAKE, 3, 3, 0, 1, msg[at]};

        for (size_t i = 0; i < sizeof record; i++) {
            th_pipe_feed(l.pipe, &record[i], 1);
            th_rig_step(&l.r);
        }
    }
    free(msg);
    served(&l);
}

static void another_hello(void **state)
{
    static const struct th_raw_hello seconds[] = {
        {.name = OTHER},
        {.name = ""},
        {.name = NAME, .suites = "1301 1302"},
        {.name = NAME, .suites = "1302"},
        {.name = NAME, .groups = "000a((001d 0017))"},
        {.name = NAME, .signatures = "000d((0403))"},
        {.name = NAME, .versions = "002b([0304 0303])"},
        {.name = NAME, .session_id = "[]"},
        {.name = NAME, .session_id = "[78*32]"},
        {.name = NAME, .more = "0010((02 6832))"},
        {.name = NAME, .more = "002a()"},                         /* early data again */
        {.name = NAME, .shares = ""},                             /* still none */
        {.name = NAME, .shares = "0017 (04 01*64)"},              /* not of the group that was asked for */
        {.name = NAME, .shares = "001d (09*32) 0017 (04 01*64)"}, /* and more than one */
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(seconds); i++) {
        struct link l;

        retry(&l, &(struct th_raw_hello){.shares = "", .name = NAME});
        th_raw_hello(&l.c, &seconds[i]);
        refused(&l, 47, SL_CTR_TLS_FAILED_MESSAGE);
    }
}

static void something_else_than_a_second_hello(void **state)
{
    static const struct {
        uint8_t type;
        const char *bytes;
        uint8_t len;
        int alert;
    } cases[] = {
        {TH_HANDSHAKE, "\x14\0\0\x20", 4, 10},
        {TH_DATA, "data", 4, 10}, /* no early data was announced */
        {TH_HANDSHAKE, "", 0, 10},
        {TH_CCS, "\x02", 1, 10},
        {99, "x", 1, 10},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct link l;

        retry(&l, &(struct th_raw_hello){.shares = ""});
        th_raw_plain(&l.c, cases[i].type, cases[i].bytes, cases[i].len);
        th_rig_step(&l.r);
        th_raw_read(&l.c);
        assert_int_equal(l.c.alert, cases[i].alert);
        assert_true(l.pipe->fin_out);
        end(&l);
    }
}

static void an_end_instead_of_a_second_hello(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct link l;

        retry(&l, &(struct th_raw_hello){.shares = ""});
        if (how == 0)
            th_pipe_fin(l.pipe);
        else if (how == 1)
            th_raw_plain(&l.c, TH_ALERT, "\x02\x28", 2);
        else if (how == 2)
            th_pipe_feed(l.pipe, "\x16\x03", 2); /* and time passes */
        else
            th_pipe_cut(l.pipe, SL_REASON_RESET);
        th_rig_step(&l.r);
        l.r.now += 10 * SL_NS_PER_S;
        th_rig_step(&l.r);
        th_raw_read(&l.c);
        assert_int_equal(l.c.alert, -1);
        assert_int_equal(th_rig_ctr(&l.r, how == 0   ? SL_CTR_TLS_FAILED_CLOSED
                                          : how == 1 ? SL_CTR_TLS_FAILED_ALERT
                                          : how == 2 ? SL_CTR_TLS_FAILED_TIMEOUT
                                                     : SL_CTR_TLS_FAILED_RESET),
                         1);
        end(&l);
    }
}

/* ---- early data that nobody asked for ---- */

/* The client has a ticket of somebody else's. */
static void offer_foreign(struct th_raw *c)
{
    memset(c->ticket, 0xab, 64);
    memset(c->psk, 0x33, sizeof c->psk);
    c->ticket_len = 64;
    c->offer = true;
}

static void early(struct link *l, size_t total, size_t piece)
{
    uint8_t bytes[16384 + 256];

    memset(bytes, 0x77, sizeof bytes);
    for (size_t at = 0; at < total; at += piece)
        th_raw_plain(&l->c, TH_DATA, bytes, SL_MIN(piece, total - at));
}

static void early_data_is_skipped(void **state)
{
    static const size_t pieces[] = {17, 100, 1400, 16384};

    for (size_t i = 0; i < 2 * SL_ARRAY_LEN(pieces); i++) {
        struct link l;

        begin(&l);
        offer_foreign(&l.c);
        th_raw_hello(&l.c, &(struct th_raw_hello){.more = "002a()"});
        if (i % 2) /* as clients in the compatibility mode do (RFC 8446 D.4) */
            th_raw_plain(&l.c, TH_CCS, "\1", 1);
        early(&l, 16000, pieces[i / 2]);
        served(&l);
    }
}

static void early_data_beyond_its_limit(void **state)
{
    struct link l;

    begin(&l);
    offer_foreign(&l.c);
    th_raw_hello(&l.c, &(struct th_raw_hello){.more = "002a()"});
    early(&l, 40000, 1400);
    th_rig_step(&l.r);
    th_raw_read(&l.c);
    assert_int_equal(l.c.alert, 10);
    assert_true(l.pipe->fin_out);
    end(&l);
}

static void early_data_that_was_not_announced(void **state)
{
    struct link l;

    begin(&l);
    th_raw_hello(&l.c, NULL);
    early(&l, 100, 100);
    refused(&l, 20, SL_CTR_TLS_FAILED_RECORD);
}

static void early_data_before_a_second_hello(void **state)
{
    for (int more = 0; more < 2; more++) {
        struct link l;

        begin(&l);
        offer_foreign(&l.c);
        th_raw_hello(&l.c, &(struct th_raw_hello){.shares = "", .more = "002a()"});
        early(&l, more ? 17000 : 16000, 1400);
        th_rig_step(&l.r);
        th_raw_read(&l.c);
        assert_int_equal(l.c.retries, 1);
        if (more) {
            assert_int_equal(l.c.alert, 10);
            end(&l);
            continue;
        }
        th_raw_hello(&l.c, NULL);
        served(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_that_cant_be),
        cmocka_unit_test(the_same_hello_with_a_share),
        cmocka_unit_test(a_second_hello_in_pieces),
        cmocka_unit_test(another_hello),
        cmocka_unit_test(something_else_than_a_second_hello),
        cmocka_unit_test(an_end_instead_of_a_second_hello),
        cmocka_unit_test(early_data_is_skipped),
        cmocka_unit_test(early_data_beyond_its_limit),
        cmocka_unit_test(early_data_that_was_not_announced),
        cmocka_unit_test(early_data_before_a_second_hello),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
