/* Which alert answers a ClientHello that lies. */
#include "tls/hello.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "helpers/hello_text.h"

#define BODY_MAX 4096
#define MESSAGE_MAX 140000

static int alert_of(const uint8_t *msg, uint32_t len)
{
    struct sl_tls_failure failure;
    struct sl_hello h;

    if (sl_hello_parse(msg, len, &h, &failure)) {
        assert_int_equal(failure.why, SL_TLS_FAIL_NONE);
        return 0;
    }
    assert_int_not_equal(failure.alert_sent, 0);
    assert_int_equal(failure.why,
                     failure.alert_sent == SL_ALERT_PROTOCOL_VERSION ? SL_TLS_FAIL_VERSION : SL_TLS_FAIL_MESSAGE);
    return failure.alert_sent;
}

/* The alert that answers the text; 0: it is understood. */
static int alert_for(const char *text)
{
    uint32_t len;
    uint8_t *msg = th_hello(text, &len);
    int alert = alert_of(msg, len);

    free(msg);
    return alert;
}

/* RFC 8446 4.2.1, D.5. */
static void old_versions(void **state)
{
    assert_int_equal(alert_for("0302 00*32 [] (c02b) [00]"), SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(alert_for("0301 00*32 [] (c02b) [00]"), SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(alert_for("0300 00*32 [] (c02b) [00]"), SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(alert_for("0200 00*32 [] (c02b) [00]"), SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(alert_for("0300 00*32 [] (1301) [00] (" TH_GROUPS TH_SIGNATURES TH_SHARE TH_VERSIONS ")"),
                     SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(alert_for(TH_FRONT("c02b", "00") "(002b([0302 0301]))"), SL_ALERT_PROTOCOL_VERSION);
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        int alert;
    } rows[] = {
        /* the frame */
        {"0303 00*32 [77*33] (1301) [00]", SL_ALERT_DECODE_ERROR},
        {"0303 00*32 [] () [00]", SL_ALERT_DECODE_ERROR},
        {"0303 00*32 [] (c02bc0) [00]", SL_ALERT_DECODE_ERROR},
        {"0303 00*32 [] (c02b) []", SL_ALERT_DECODE_ERROR},
        {"0303 00*32 [] (c02b) [01]", SL_ALERT_ILLEGAL_PARAMETER}, /* RFC 5246 7.4.1.2 */
        {TH_FRONT(TH_SUITES, "0001") "(" TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_SHARE ")", SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "0000") "(" TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_SHARE ")", SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("") "00", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "00", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "0005 0023(0000)", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "(002300)", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "(0023 0002 00)", SL_ALERT_DECODE_ERROR},
        /* extensions twice */
        {TH_V13_WITH(TH_VERSIONS), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("0015() 0015()"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("fafa() 1234(00) fafa(00)"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V12_WITH("ff01([]) 0023() ff01([])"), SL_ALERT_ILLEGAL_PARAMETER},
        /* server_name */
        {TH_V13_WITH("0000()"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000(())"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000((00))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000((00 ()))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000((00 (61)) 00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000((00 0002 61))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0000((00 (61) 00 (62)))"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("0000((00 (610062)))"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("0000((00 (c3a4)))"), SL_ALERT_ILLEGAL_PARAMETER},
        /* max_fragment_length, record_size_limit */
        {TH_V13_WITH("0001()"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0001(0102)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0001(00)"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("0001(05)"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("001c(40)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("001c(003f)"), SL_ALERT_ILLEGAL_PARAMETER},
        /* status_request */
        {TH_V13_WITH("0005()"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0005(01 0000)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0005(01 0000 0000 00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0005(02 ff)"), 0},
        /* lists of numbers */
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_SHARE "000a(()))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_SHARE "000a((001d00)))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_SHARE "000a((001d) 00))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_GROUPS TH_SHARE "000d(()))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_GROUPS TH_SHARE "000d((04)))", SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0032(())"), SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "(002b([]))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "(002b([030304]))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT("c02b", "00") "(002b())", SL_ALERT_DECODE_ERROR},
        {TH_V12_WITH("000b([])"), SL_ALERT_DECODE_ERROR},
        {TH_V12_WITH("000b([01])"), SL_ALERT_ILLEGAL_PARAMETER}, /* RFC 8422 5.1.2 */
        {TH_V13_WITH("000b([01])"), 0},                          /* which 1.3 does not look at */
        /* ALPN */
        {TH_V13_WITH("0010()"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0010(())"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0010(([]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0010(([6832][]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0010((03 6832))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0010(([6832]) 00)"), SL_ALERT_DECODE_ERROR},
        /* whose presence says all */
        {TH_V13_WITH("0016(00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0017(00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("0031(00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("002a(00000001)"), SL_ALERT_DECODE_ERROR},
        /* renegotiation */
        {TH_V12_WITH("ff01([00*12])"), SL_ALERT_HANDSHAKE_FAILURE},
        {TH_V12_WITH("ff01()"), SL_ALERT_DECODE_ERROR},
        {TH_V12_WITH("ff01([] 00)"), SL_ALERT_DECODE_ERROR},
        {TH_V12_WITH("ff01([])"), 0},
        /* cookie, certificate_authorities, what is no client's to send */
        {TH_V13_WITH("002c(())"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("002c((00))"), 0},
        {TH_V13_WITH("002f(())"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("002f((()))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH("002f(((3000)))"), 0},
        {TH_V13_WITH("0030(0000)"), SL_ALERT_ILLEGAL_PARAMETER},
        /* key shares */
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033())", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d)))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d())))", SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*32)) 00))",
         SL_ALERT_DECODE_ERROR},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*31))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*33))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((0017(04 00*63))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((0017(02 00*64))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((0018(04 00*96))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*32) 001d(00*32))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*32) 1a1a(00))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        /* 000a is a type of extension here, but no group */
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033((001d(00*32) 000a(00))))",
         SL_ALERT_ILLEGAL_PARAMETER},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES "0033((1234(00) 1234(00))) 000a((1234)))",
         SL_ALERT_ILLEGAL_PARAMETER},
        /* what 1.3 wants (RFC 8446 9.2) */
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_SHARE ")", SL_ALERT_MISSING_EXTENSION},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS ")", SL_ALERT_MISSING_EXTENSION},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES ")", SL_ALERT_MISSING_EXTENSION},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_GROUPS TH_SHARE ")", SL_ALERT_MISSING_EXTENSION},
        {TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_MODES TH_PSK ")",
         SL_ALERT_MISSING_EXTENSION},
        /* pre-shared keys */
        {TH_V13_WITH(TH_PSK), SL_ALERT_MISSING_EXTENSION},
        {TH_V13_WITH(TH_MODES TH_PSK), 0},
        {TH_V13_WITH(TH_PSK TH_MODES), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH(TH_MODES TH_PSK "fafa()"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH("002d([]) " TH_PSK), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(() ([33*32]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001) ())"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029((() 00000001) ([33*32]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((abcdef) 000001) ([33*32]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001) ([33*31]))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001) ([33*32] 00))"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001) ([33*32]) 00)"), SL_ALERT_DECODE_ERROR},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001) ([33*32][33*32]))"), SL_ALERT_ILLEGAL_PARAMETER},
        {TH_V13_WITH(TH_MODES "0029(((ab) 00000001 (cd) 00000001) ([33*32]))"), SL_ALERT_ILLEGAL_PARAMETER},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        int alert = alert_for(rows[i].text);

        if (alert != rows[i].alert)
            fail_msg("alert %d instead of %d for %s", alert, rows[i].alert, rows[i].text);
    }
}

static void only_a_client_hello(void **state)
{
    uint8_t body[BODY_MAX];
    size_t n = th_hello_text(TH_V13_WITH(""), body, sizeof body);
    uint32_t len;
    uint8_t *msg = th_hello_frame(2, body, n, &len);

    assert_int_equal(alert_of(msg, len), SL_ALERT_UNEXPECTED_MESSAGE);
    msg[0] = 1;
    msg[3]++;
    assert_int_equal(alert_of(msg, len), SL_ALERT_DECODE_ERROR);
    msg[3] -= 2;
    assert_int_equal(alert_of(msg, len), SL_ALERT_DECODE_ERROR);
    free(msg);
}

/* A message cut anywhere, its length set to what is left, is decoded as far as it goes and refused. The frame without
 * extensions is a whole hello too, of 1.2. */
static void cut_anywhere(void **state)
{
    uint8_t body[BODY_MAX];
    size_t whole = th_hello_text(TH_V13_WITH(TH_NAME TH_MODES "0010(([6832]))" TH_PSK), body, sizeof body);
    size_t front = th_hello_text(TH_FRONT(TH_SUITES, "00"), body + whole, sizeof body - whole);

    for (size_t n = 0; n < whole; n++) {
        uint32_t len;
        uint8_t *msg = th_hello_frame(1, body, n, &len);

        assert_int_equal(alert_of(msg, len), n == front ? 0 : SL_ALERT_DECODE_ERROR);
        free(msg);
    }
    for (uint32_t n = 0; n < 4; n++) {
        uint8_t *msg = malloc(n ? n : 1);

        memcpy(msg, (uint8_t[]){1, 0, 0, 0}, n);
        assert_int_equal(alert_of(msg, n), SL_ALERT_DECODE_ERROR);
        free(msg);
    }
}

/* As many extensions as 64 KiB hold: each of them is compared with all others. */
static void thousands_of_extensions(void **state)
{
    uint8_t *body = malloc(MESSAGE_MAX), *msg;
    size_t n = th_hello_text(TH_FRONT("c02b", "00"), body, MESSAGE_MAX), at = n;
    uint32_t len;

    n += 2;
    for (uint16_t type = 100; type < 16100; type++, n += 4) {
        sl_put_u16(body + n, type);
        sl_put_u16(body + n + 2, 0);
    }
    sl_put_u16(body + at, (uint16_t)(n - at - 2));
    msg = th_hello_frame(1, body, n, &len);
    assert_int_equal(alert_of(msg, len), 0);
    sl_put_u16(msg + len - 4, 101);
    assert_int_equal(alert_of(msg, len), SL_ALERT_ILLEGAL_PARAMETER);
    free(msg);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_versions),
        cmocka_unit_test(refusals),
        cmocka_unit_test(only_a_client_hello),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(thousands_of_extensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
