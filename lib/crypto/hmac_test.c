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

/* Six keys in turn through a memory of four, some of which begin alike, with both hashes: whatever it remembers, the answer is right. */
static void what_is_remembered_is_right(void **state)
{
    struct sl_hmac_memory m = {0};
    struct sl_rng rng;

    sl_rng_seed(&rng, 4);
    for (uint32_t i = 0; i < 600; i++) {
        uint32_t which = (uint32_t)sl_rng_below(&rng, 6), n = which < 3 ? 32 : which == 3 ? 47 : 48;
        bool sha384 = sl_rng_below(&rng, 2);
        uint8_t key[48], text[80], want[48], got[48];

        memset(key, 7, sizeof key);
        key[31] = (uint8_t)which;
        memset(text, (int)i, sizeof text);
        assert_int_equal(mbedtls_md_hmac(mbedtls_md_info_from_type(sha384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256), key,
                                         n, text, sizeof text, want),
                         0);
        sl_hmac(sl_hmac_remember(&m, sha384, key, n), text, sizeof text, got);
        assert_memory_equal(got, want, sha384 ? 48 : 32);
    }
}

static void a_key_is_taken_in_once(void **state)
{
    static const uint8_t keys[5][32] = {{1}, {2}, {3}, {4}, {5}};
    struct sl_hmac_memory m = {0};
    const struct sl_hmac *first = sl_hmac_remember(&m, false, keys[0], 32);

    for (uint32_t i = 1; i < 4; i++)
        assert_ptr_not_equal(sl_hmac_remember(&m, false, keys[i], 32), first);
    assert_ptr_equal(sl_hmac_remember(&m, false, keys[0], 32), first);
    assert_int_equal(m.next, 0);
    assert_ptr_equal(sl_hmac_remember(&m, false, keys[4], 32), first); /* the oldest gives way */
    assert_int_equal(m.next, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(what_is_remembered_is_right),
        cmocka_unit_test(a_key_is_taken_in_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
