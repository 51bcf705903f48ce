/* What may differ between a ClientHello and the one after a HelloRetryRequest. */
#include "tls/hello_read.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "helpers/hello_text.h"
#include "helpers/tls_kit.h"

static const struct sl_hash_key key = {{1, 2}};

static struct sl_hello understand(const char *text, uint8_t **msg)
{
    struct sl_tls_failure f;
    struct sl_hello h;
    uint32_t len;

    *msg = th_hello(text, &len);
    assert_true(sl_hello_parse(*msg, len, &h, &f));
    return h;
}

/* The first hello has an X25519 share and is asked for one of P-256. */
static bool repeats(const char *first, const char *second)
{
    uint8_t *a, *b;
    struct sl_hello one = understand(first, &a), two = understand(second, &b);
    struct sl_tls_failure f;
    bool yes = sl_hello_repeats(&two, sl_hello_mark(&one, &key), &key, SL_HELLO_P256, &f);

    assert_int_equal(f.why, yes ? SL_TLS_FAIL_NONE : SL_TLS_FAIL_MESSAGE);
    assert_int_equal(f.alert_sent, yes ? 0 : SL_ALERT_ILLEGAL_PARAMETER);
    free(a);
    free(b);
    return yes;
}

#define HELLO(suites, share, more)                                                                                     \
    TH_FRONT(suites, "00") "(" TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_NAME "0033((" share "))" more ")"
#define X25519 "001d (09*32)"
#define P256 "0017 (04 08*64)"

static void what_may_change(void **state)
{
    assert_true(repeats(HELLO("1301", X25519, ""), HELLO("1301", P256, "")));
    assert_true(repeats(HELLO("1301", "", ""), HELLO("1301", P256, "")));
    assert_true(repeats(HELLO("1301", X25519, ""), HELLO("1301", P256, "002c((abcd))")));
    assert_true(repeats(HELLO("1301", X25519, "0015(00*9)"), HELLO("1301", P256, "0015(00*4)")));
    assert_true(repeats(HELLO("1301", X25519, TH_MODES "002a()" TH_PSK), HELLO("1301", P256, TH_MODES TH_PSK)));
    assert_true(repeats(HELLO("1301", X25519, TH_MODES "002a()" TH_PSK), HELLO("1301", P256, TH_MODES)));
}

static void what_may_not(void **state)
{
    assert_false(repeats(HELLO("1301", X25519, ""), HELLO("1301 1302", P256, "")));
    assert_false(repeats(HELLO("1301", X25519, ""), HELLO("1301", P256, "0017()")));
    assert_false(repeats(HELLO("1301", X25519, "0017()"), HELLO("1301", P256, "")));
    assert_false(repeats(HELLO("1301", X25519, "0017() 0031()"), HELLO("1301", P256, "0031() 0017()")));
    assert_false(repeats(HELLO("1301", X25519, "fafa(00)"), HELLO("1301", P256, "fafa(01)")));
    assert_false(repeats(TH_V13_WITH(""), "0303 5b*32 [77*32] (" TH_SUITES
                                          ") [00] (" TH_VERSIONS TH_GROUPS TH_SIGNATURES "0033((" P256 ")))"));
}

static void one_share_of_the_group_asked_for(void **state)
{
    assert_false(repeats(HELLO("1301", X25519, ""), HELLO("1301", X25519, "")));
    assert_false(repeats(HELLO("1301", X25519, ""), HELLO("1301", "", "")));
    assert_false(repeats(HELLO("1301", X25519, ""), HELLO("1301", P256 X25519, "")));
}

static void no_early_data_again(void **state)
{
    assert_false(repeats(HELLO("1301", X25519, "002a()"), HELLO("1301", P256, "002a()")));
}

/* One whole hello, from the front of what the client holds back; its bytes are r's. */
static struct sl_hello next_hello(struct th_client *c, struct sl_hello_reader *r)
{
    struct sl_tls_failure f;
    struct sl_hello h;
    uint32_t used;

    assert_int_equal(sl_hello_feed(r, c->held.p, (uint32_t)c->held.len, &used), SL_HELLO_WHOLE);
    assert_int_equal(used, c->held.len);
    assert_true(sl_hello_parse(r->bytes, r->len, &h, &f));
    return h;
}

/* A real client that has to be asked for a share that we can use; its second hello follows a change_cipher_spec. */
static void a_real_client(void **state)
{
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, 0};
    static const struct th_cert_opts cert = {.key = TH_KEY_P256, .subject = "CN=p256"};
    struct sl_hello_reader first, again;
    struct sl_hello one, two;
    struct sl_tls_failure f;
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_client *c;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&cert}});
    pipe = th_pipe_new(r.feed_pool);
    c = th_client_new(pipe, &(struct th_client_opts){.min = MBEDTLS_SSL_VERSION_TLS1_3, .groups = groups});
    assert_non_null(th_rig_accept(&r, pipe));
    c->hold = true;
    th_client_step(c);
    sl_hello_read_first(&first);
    one = next_hello(c, &first);
    assert_int_equal(one.shares, 0);
    th_client_flush(c);
    th_rig_step(&r);
    c->hold = true;
    th_client_step(c);
    sl_hello_read_again(&again, 0);
    two = next_hello(c, &again);
    assert_int_equal(again.records, 2);
    assert_true(sl_hello_repeats(&two, sl_hello_mark(&one, &key), &key, SL_HELLO_P384, &f));
    th_client_flush(c);
    th_pipe_cut(pipe, SL_REASON_RESET);
    th_rig_step(&r);
    sl_hello_read_done(&first);
    sl_hello_read_done(&again);
    th_client_free(c);
    th_pipe_free(pipe);
    th_rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_change),
        cmocka_unit_test(what_may_not),
        cmocka_unit_test(one_share_of_the_group_asked_for),
        cmocka_unit_test(no_early_data_again),
        cmocka_unit_test(a_real_client),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
