/* What a ClientHello says: the facts of hellos written as text (helpers/hello_text.h) and of a real client's. */
#include "tls/hello.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "helpers/hello_text.h"
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

/* The facts of a good hello; its bytes are *msg, which the caller frees. */
static struct sl_hello facts(const char *text, uint8_t **msg)
{
    struct sl_tls_failure failure;
    struct sl_hello h;
    uint32_t len;

    *msg = th_hello(text, &len);
    if (!sl_hello_parse(*msg, len, &h, &failure))
        fail_msg("refused with %u: %s", failure.alert_sent, text);
    return h;
}

static void assert_bytes(struct sl_bytes b, const char *expected)
{
    assert_non_null(b.p);
    assert_int_equal(b.len, strlen(expected));
    assert_memory_equal(b.p, expected, b.len);
}

static void facts_of_13(void **state)
{
    uint8_t *msg;
    struct sl_hello h = facts(
        TH_V13_WITH(TH_NAME "0010(([6832][687474702f312e31]))" TH_MODES "0017() 0023() 0031() 001c(4001) 0005(01()())"),
        &msg);

    assert_int_equal(h.legacy_version, 0x0303);
    assert_int_equal(h.versions, SL_HELLO_V12 | SL_HELLO_V13);
    assert_int_equal(h.chacha_first, 0);
    assert_int_equal(h.suites, 1 << SL_HELLO_TLS13_AES_128_GCM_SHA256 | 1 << SL_HELLO_TLS13_AES_256_GCM_SHA384 |
                                   1 << SL_HELLO_TLS13_CHACHA20_POLY1305_SHA256 |
                                   1 << SL_HELLO_ECDHE_ECDSA_AES_128_GCM_SHA256 |
                                   1 << SL_HELLO_ECDHE_RSA_AES_128_GCM_SHA256);
    assert_int_equal(h.groups, 1 << SL_HELLO_X25519 | 1 << SL_HELLO_P256);
    assert_int_equal(h.shares, 1 << SL_HELLO_X25519);
    assert_int_equal(h.share[SL_HELLO_X25519].len, 32);
    assert_int_equal(h.share[SL_HELLO_X25519].p[0], 9);
    assert_int_equal(h.signatures, 1 << SL_HELLO_ECDSA_P256_SHA256 | 1 << SL_HELLO_RSA_PSS_RSAE_SHA256);
    assert_int_equal(h.cert_signatures, h.signatures);
    assert_int_equal(h.session_id.len, 32);
    assert_int_equal(h.session_id.p[31], 0x77);
    assert_bytes(h.sni, "www.example.com");
    assert_int_equal(h.psk_modes, SL_HELLO_PSK_DHE_KE);
    assert_int_equal(h.psk_count, 0);
    assert_int_equal(h.record_limit_bytes, 0x4001);
    assert_true(h.ocsp);
    assert_true(sl_hello_has(&h, SL_HELLO_EXTENDED_MASTER_SECRET));
    assert_true(sl_hello_has(&h, SL_HELLO_POST_HANDSHAKE_AUTH));
    assert_false(sl_hello_has(&h, SL_HELLO_EARLY_DATA));
    assert_false(sl_hello_has(&h, SL_HELLO_ENCRYPT_THEN_MAC));
    assert_non_null(h.session_ticket.p);
    assert_int_equal(h.session_ticket.len, 0);
    assert_false(h.renegotiation);
    assert_false(h.fallback_scsv);
    free(msg);
}

static void facts_of_12(void **state)
{
    uint8_t *msg;
    struct sl_hello h = facts(TH_V12_WITH("0023(aabbcc) 0016() 0001(02) 000b([0100]) 0032((0401 0501))"), &msg);

    assert_int_equal(h.versions, SL_HELLO_V12);
    assert_int_equal(h.suites,
                     1 << SL_HELLO_ECDHE_ECDSA_AES_128_GCM_SHA256 | 1 << SL_HELLO_ECDHE_RSA_AES_128_GCM_SHA256);
    assert_true(h.renegotiation);
    assert_bytes(h.session_ticket, "\xaa\xbb\xcc");
    assert_true(sl_hello_has(&h, SL_HELLO_ENCRYPT_THEN_MAC));
    assert_int_equal(h.max_fragment_bytes, 1024);
    assert_true(h.uncompressed_points);
    assert_int_equal(h.cert_signatures, 1 << SL_HELLO_RSA_PKCS1_SHA256 | 1 << SL_HELLO_RSA_PKCS1_SHA384);
    assert_null(h.sni.p);
    assert_null(h.alpn.p);
    free(msg);
}

static void a_hello_without_extensions_is_of_12(void **state)
{
    uint8_t *msg;
    struct sl_hello h = facts(TH_FRONT("c02f", "00"), &msg);

    assert_int_equal(h.versions, SL_HELLO_V12);
    assert_int_equal(h.present, 0);
    assert_int_equal(h.groups, 0);
    free(msg);
}

/* RFC 8446 4.2.1, D.5. */
static void versions(void **state)
{
    uint8_t *msg;
    struct sl_hello h;

    h = facts("0303 00*32 [] (1301) [00] (" TH_GROUPS TH_SIGNATURES TH_SHARE "002b([7f1c dada 0304 0302]))", &msg);
    assert_int_equal(h.versions, SL_HELLO_V13);
    free(msg);
    h = facts("0301 00*32 [] (1301) [00] (" TH_GROUPS TH_SIGNATURES TH_SHARE "002b([0304]))", &msg);
    assert_int_equal(h.versions, SL_HELLO_V13);
    free(msg);
    h = facts("0304 00*32 [] (c02b) [00]", &msg); /* the number of 1.3, but 1.3 is not negotiated so */
    assert_int_equal(h.versions, SL_HELLO_V12);
    free(msg);
    h = facts("0404 00*32 [] (c02b) [00]", &msg);
    assert_int_equal(h.versions, SL_HELLO_V12);
    free(msg);
}

/* Of each version, its own suites are looked at; GREASE and signalling values are none. */
static void chacha_first(void **state)
{
    static const struct {
        const char *suites;
        uint8_t first;
    } rows[] = {
        {"1303 1301 1302 cca9 c02b", SL_HELLO_V13 | SL_HELLO_V12},
        {"1a1a 1303 1301 c02b cca9", SL_HELLO_V13},
        {"1301 1303 cca8 c02f", SL_HELLO_V12},
        {"00ff 5600 caca cca9 c02b", SL_HELLO_V12},
        {"1301 1303 c02b cca9", 0},
        {"009e cca8 1301", 0},
        {"cca8 1303", SL_HELLO_V13 | SL_HELLO_V12},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        char text[512];
        uint8_t *msg;
        struct sl_hello h;

        snprintf(text, sizeof text, "0303 00*32 [] (%s) [00] (%s)", rows[i].suites,
                 TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_SHARE);
        h = facts(text, &msg);
        assert_int_equal(h.chacha_first, rows[i].first);
        free(msg);
    }
}

static void groups_and_shares(void **state)
{
    uint8_t *msg;
    struct sl_hello h;

    /* As a current browser has them: GREASE, a post-quantum hybrid, then the classic ones. */
    h = facts(
        TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES "000a((4a4a 11ec 001d 0017 0018 0100))"
                                  "0033((4a4a (00) 11ec (05*1216) 001d (06*32) 0018 (04 07*96) 0017 (04 08*64))))",
        &msg);
    assert_int_equal(h.groups,
                     1 << SL_HELLO_X25519MLKEM768 | 1 << SL_HELLO_X25519 | 1 << SL_HELLO_P256 | 1 << SL_HELLO_P384);
    assert_int_equal(h.shares, h.groups);
    assert_int_equal(h.share[SL_HELLO_X25519MLKEM768].len, 1216);
    assert_int_equal(h.share[SL_HELLO_P384].len, 97);
    assert_int_equal(h.share[SL_HELLO_P256].p[64], 8);
    free(msg);
    h = facts(TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_SIGNATURES TH_GROUPS "0033(()))",
              &msg); /* asks for a HelloRetryRequest */
    assert_int_equal(h.shares, 0);
    assert_true(sl_hello_has(&h, SL_HELLO_KEY_SHARE));
    free(msg);
}

static void psk(void **state)
{
    uint8_t *msg;
    struct sl_hello h;

    h = facts(TH_V13_WITH(TH_MODES "002a()"
                                   "0029(((ab) 00000001 (cdef) 00000002) ([33*32] [44*48]))"),
              &msg);
    assert_int_equal(h.psk_count, 2);
    assert_int_equal(h.psk_identities.len, 3 + 4 + 4 + 4);
    assert_int_equal(h.psk_binders.len, 33 + 49);
    assert_true(sl_hello_has(&h, SL_HELLO_EARLY_DATA));
    free(msg);
    /* Without (EC)DHE neither groups nor signatures are needed (RFC 8446 9.2). */
    h = facts(TH_FRONT("1301", "00") "(" TH_VERSIONS "002d([00])" TH_PSK ")", &msg);
    assert_int_equal(h.psk_modes, SL_HELLO_PSK_KE);
    free(msg);
}

static void protocols_in_order(void **state)
{
    uint8_t *msg;
    struct sl_hello h = facts(TH_V13_WITH("0010(([6832][687474702f312e31][78]))"), &msg);
    struct sl_cursor list = sl_bytes_cursor(h.alpn);
    struct sl_bytes name;

    assert_true(sl_hello_next_protocol(&list, &name));
    assert_bytes(name, "h2");
    assert_true(sl_hello_next_protocol(&list, &name));
    assert_bytes(name, "http/1.1");
    assert_true(sl_hello_next_protocol(&list, &name));
    assert_bytes(name, "x");
    assert_false(sl_hello_next_protocol(&list, &name));
    free(msg);
    h = facts(TH_V13_WITH(""), &msg);
    list = sl_bytes_cursor(h.alpn);
    assert_false(sl_hello_next_protocol(&list, &name));
    free(msg);
}

static void names(void **state)
{
    static const struct {
        const char *extension;
        enum sl_hello_name kind;
        const char *name;
    } rows[] = {
        {"", SL_HELLO_NAME_NONE, ""},
        {TH_NAME, SL_HELLO_NAME_GOOD, "www.example.com"},
        {"0000((00 (5757572e4578616d706c652e434f4d2e)))", SL_HELLO_NAME_GOOD, "www.example.com"}, /* WWW.Example.COM. */
        {"0000((07 (ff00) 00 (61) 08 (00)))", SL_HELLO_NAME_GOOD, "a"}, /* other types between */
        {"0000((07 (ff00)))", SL_HELLO_NAME_NONE, ""},
        {"0000((00 (3139382e31382e302e31)))", SL_HELLO_NAME_NONE, ""}, /* 198.18.0.1 */
        {"0000((00 (3a3a31)))", SL_HELLO_NAME_NONE, ""},               /* ::1 */
        {"0000((00 (612062)))", SL_HELLO_NAME_BAD, ""},                /* "a b" */
        {"0000((00 (2a2e6578)))", SL_HELLO_NAME_BAD, ""},              /* *.ex */
        {"0000((00 (612f62)))", SL_HELLO_NAME_BAD, ""},
        {"0000((00 (2e)))", SL_HELLO_NAME_BAD, ""},
        {"0000((00 (61*254)))", SL_HELLO_NAME_BAD, ""},
        {"0000((00 (61*1000)))", SL_HELLO_NAME_BAD, ""},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        char text[2048], name[SL_HELLO_NAME_ROOM];
        uint8_t *msg;
        struct sl_hello h;

        snprintf(text, sizeof text, "%s(%s%s)", TH_FRONT(TH_SUITES, "00"), TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_SHARE,
                 rows[i].extension);
        h = facts(text, &msg);
        assert_int_equal(sl_hello_name(&h, name), rows[i].kind);
        assert_string_equal(name, rows[i].name);
        free(msg);
    }
}

static void version_and_fallback(void **state)
{
    struct sl_tls_failure f;
    uint8_t *msg;
    struct sl_hello h = facts(TH_V13_WITH(""), &msg);

    assert_int_equal(sl_hello_version(&h, SL_HELLO_V12 | SL_HELLO_V13, &f), SL_HELLO_V13);
    assert_int_equal(f.why, SL_TLS_FAIL_NONE);
    assert_int_equal(sl_hello_version(&h, SL_HELLO_V12, &f), SL_HELLO_V12);
    free(msg);
    h = facts(TH_FRONT("c02b", "00"), &msg);
    assert_int_equal(sl_hello_version(&h, SL_HELLO_V13, &f), 0);
    assert_int_equal(f.alert_sent, SL_ALERT_PROTOCOL_VERSION);
    assert_int_equal(f.why, SL_TLS_FAIL_VERSION);
    free(msg);
    /* RFC 7507: a client that fell back to 1.2 although both of us have 1.3. */
    h = facts(TH_FRONT("c02b 5600", "00"), &msg);
    assert_int_equal(sl_hello_version(&h, SL_HELLO_V12 | SL_HELLO_V13, &f), 0);
    assert_int_equal(f.alert_sent, SL_ALERT_INAPPROPRIATE_FALLBACK);
    assert_int_equal(f.why, SL_TLS_FAIL_VERSION);
    assert_int_equal(sl_hello_version(&h, SL_HELLO_V12, &f), SL_HELLO_V12);
    assert_int_equal(sl_hello_version(&h, SL_HELLO_V13, &f), 0);
    assert_int_equal(f.alert_sent, SL_ALERT_PROTOCOL_VERSION);
    free(msg);
}

/* The facts of hellos that a real client makes. */
static void a_real_client(void **state)
{
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519, 0};
    const char *alpn[] = {"h2", "http/1.1", NULL};

    for (int old = 0; old < 2; old++) {
        struct rte_mempool *pool = th_pool("pipe", 15, 0);
        struct th_pipe *pipe = th_pipe_new(pool);
        struct th_client *c = th_client_new(
            pipe, &(struct th_client_opts){.max = old ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3,
                                           .groups = groups,
                                           .alpn = alpn,
                                           .sni = "www.example.com"});
        char name[SL_HELLO_NAME_ROOM];
        struct sl_tls_failure f;
        struct sl_hello h;
        uint8_t *msg;
        size_t n;

        c->hold = true;
        assert_false(th_client_step(c));
        n = c->held.len - 5;
        msg = malloc(n);
        memcpy(msg, c->held.p + 5, n);
        assert_true(sl_hello_parse(msg, (uint32_t)n, &h, &f));
        assert_int_equal(h.versions, old ? SL_HELLO_V12 : SL_HELLO_V12 | SL_HELLO_V13);
        assert_int_equal(h.groups, 1 << SL_HELLO_P384 | 1 << SL_HELLO_X25519);
        assert_int_equal(h.shares, old ? 0 : 1 << SL_HELLO_P384);
        assert_int_equal(sl_hello_name(&h, name), SL_HELLO_NAME_GOOD);
        assert_string_equal(name, "www.example.com");
        assert_bytes(h.alpn, "\2h2\10http/1.1");
        assert_true(h.signatures & 1 << SL_HELLO_ECDSA_P256_SHA256);
        assert_true(sl_hello_has(&h, SL_HELLO_EXTENDED_MASTER_SECRET));
        free(msg);
        c->held.len = 0;
        th_client_free(c);
        pipe->released = true;
        th_pipe_free(pipe);
        th_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_13),
        cmocka_unit_test(facts_of_12),
        cmocka_unit_test(a_hello_without_extensions_is_of_12),
        cmocka_unit_test(versions),
        cmocka_unit_test(chacha_first),
        cmocka_unit_test(groups_and_shares),
        cmocka_unit_test(psk),
        cmocka_unit_test(protocols_in_order),
        cmocka_unit_test(names),
        cmocka_unit_test(version_and_fallback),
        cmocka_unit_test(a_real_client),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
