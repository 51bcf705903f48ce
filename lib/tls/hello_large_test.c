/* A ClientHello larger than a record, read by our reader and replayed to mbedTLS, whose buffer was told to be larger. */
#include "tls/hello_read.h"

#include <stdlib.h>

#include <mbedtls/ssl.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "helpers/hello_text.h"
#include "helpers/tls_kit.h"

#define BODY_ROOM 70000

/* What a server sends goes here, as far as it has room. */
static uint8_t sent[4096];
static size_t n_sent;

static int give(void *ctx, unsigned char *buf, size_t len)
{
    uint32_t n = sl_hello_replay(ctx, buf, (uint32_t)len);

    return n ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

static int keep(void *ctx, const unsigned char *buf, size_t len)
{
    size_t n = SL_MIN(len, sizeof sent - n_sent);

    memcpy(sent + n_sent, buf, n);
    n_sent += n;
    return (int)len;
}

/* Reads the hello that the text stands for and hands it to a server; what the server's handshake says. */
static int serve(const char *text, uint32_t in_buf_more)
{
    static const struct th_cert_opts opts = {.key = TH_KEY_P256, .subject = "CN=p256"};
    uint8_t *body = malloc(BODY_ROOM), *msg, record[5];
    struct sl_hello_reader r;
    struct sl_tls_failure f;
    struct sl_hello h;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt chain;
    char *pem = th_cert_pem(&opts);
    uint32_t len, used;
    int ret;

    msg = th_hello_frame(1, body, th_hello_text(text, body, BODY_ROOM), &len);
    sl_hello_read_first(&r);
    for (uint32_t at = 0; at < len; at += 1000) {
        uint32_t n = SL_MIN(1000u, len - at);

        memcpy(record, (uint8_t[]){22, 3, 1, (uint8_t)(n >> 8), (uint8_t)n}, 5);
        sl_hello_feed(&r, record, 5, &used);
        sl_hello_feed(&r, msg + at, n, &used);
    }
    assert_int_equal(r.status, SL_HELLO_WHOLE);
    assert_true(sl_hello_parse(r.bytes, r.len, &h, &f));
    mbedtls_x509_crt_init(&chain);
    assert_int_equal(mbedtls_x509_crt_parse(&chain, (uint8_t *)pem, strlen(pem) + 1), 0);
    mbedtls_ssl_config_init(&conf);
    assert_int_equal(mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&conf, sl_crypto_mbedtls_random, NULL);
    assert_int_equal(mbedtls_ssl_conf_own_cert(&conf, &chain, th_key(TH_KEY_P256, 0)), 0);
    mbedtls_ssl_init(&ssl);
    ssl.MBEDTLS_PRIVATE(in_buf_more) = in_buf_more;
    assert_int_equal(mbedtls_ssl_setup(&ssl, &conf), 0);
    mbedtls_ssl_set_bio(&ssl, &r, keep, give, NULL);
    n_sent = 0;
    do
        ret = mbedtls_ssl_handshake(&ssl);
    while (ret == MBEDTLS_ERR_SSL_CONTINUE_PROCESSING);
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&conf);
    mbedtls_x509_crt_free(&chain);
    sl_hello_read_done(&r);
    free(pem);
    free(msg);
    free(body);
    return ret;
}

/* The server has answered by a ServerHello and waits for more. */
static void answered(const char *text, uint32_t in_buf_more)
{
    assert_int_equal(serve(text, in_buf_more), MBEDTLS_ERR_SSL_WANT_READ);
    assert_true(n_sent > 5);
    assert_int_equal(sent[0], 22);
    assert_int_equal(sent[5], 2);
}

static void of_13(void **state)
{
    answered(TH_V13_WITH(""), 0);
    answered(TH_V13_WITH("fafa(00*40000)"), 40000);
    answered(TH_V13_WITH("fafa(00*65200)"), SL_HELLO_MAX_BYTES);
}

static void of_12(void **state)
{
    answered(TH_V12_WITH(""), 0);
    answered(TH_V12_WITH("fafa(00*40000)"), 40000);
    answered(TH_V12_WITH("fafa(00*65200)"), SL_HELLO_MAX_BYTES);
}

/* What the buffer is enlarged for: without it mbedTLS gives up. */
static void without_a_larger_buffer(void **state)
{
    assert_int_not_equal(serve(TH_V13_WITH("fafa(00*40000)"), 0), MBEDTLS_ERR_SSL_WANT_READ);
    assert_int_not_equal(serve(TH_V12_WITH("fafa(00*40000)"), 0), MBEDTLS_ERR_SSL_WANT_READ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_13),
        cmocka_unit_test(of_12),
        cmocka_unit_test(without_a_larger_buffer),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
