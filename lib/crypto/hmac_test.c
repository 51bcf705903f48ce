/* HMAC against mbedTLS's: keys and messages of every length around a block's, and one key for many messages. */
#include "crypto/hmac.h"

#include <mbedtls/md.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_length(void **state)
{
    uint8_t key[128], text[400], want[48], got[48];

    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + 1);
    for (int sha384 = 0; sha384 < 2; sha384++) {
        const mbedtls_md_info_t *md = mbedtls_md_info_from_type(sha384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256);

        for (uint32_t n = 0; n <= (sha384 ? 128u : 64u); n++) {
            struct sl_hmac h;

            memset(key, (int)n, sizeof key);
            sl_hmac_key(&h, sha384, key, n);
            for (uint32_t len = 0; len <= sizeof text; len += n % 16 ? 31 : 1) {
                assert_int_equal(mbedtls_md_hmac(md, key, n, text, len, want), 0);
                sl_hmac(&h, text, len, got);
                assert_memory_equal(got, want, sha384 ? 48 : 32);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
