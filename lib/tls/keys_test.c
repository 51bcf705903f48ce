/* Derivation of keys against RFC 8448, and the cache of expanded keys. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/key_cache.h"
#include "tls/keys.h"

/* RFC 8448 3, "derive write traffic keys for application data", of the server and of the client. */
static void keys_of_rfc_8448(void **state)
{
    static const struct {
        uint8_t secret[32], key[16], iv[12];
    } v[] = {
        {{0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11, 0x6b, 0x45, 0xa9, 0x50, 0x32,
          0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb, 0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43},
         {0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef, 0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56},
         {0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84}},
        {{0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8, 0x88, 0x9b, 0xce, 0x65, 0x52,
          0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf, 0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5},
         {0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51},
         {0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9}},
    };

    for (uint32_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        struct sl_tls_direction d = {.seq = 7};

        memcpy(d.secret, v[i].secret, sizeof v[i].secret);
        sl_keys_derive(&d, false, SL_AEAD_AES_128_GCM);
        assert_memory_equal(d.key, v[i].key, sizeof v[i].key);
        assert_memory_equal(d.iv, v[i].iv, sizeof v[i].iv);
        assert_int_equal(d.seq, 7);
    }
}

/* mbedTLS's own derivation, which is there to be linked. */
int mbedtls_ssl_tls13_hkdf_expand_label(psa_algorithm_t alg, const unsigned char *secret, size_t secret_len,
                                        const unsigned char *label, size_t label_len, const unsigned char *ctx,
                                        size_t ctx_len, unsigned char *buf, size_t buf_len);

static void updates_are_mbedtlss(void **state)
{
    for (int sha384 = 0; sha384 < 2; sha384++) {
        struct sl_tls_direction d = {.seq = 9};
        size_t hash = sha384 ? 48 : 32;
        psa_algorithm_t alg = sha384 ? PSA_ALG_SHA_384 : PSA_ALG_SHA_256;
        uint8_t next[48], key[32];

        for (size_t i = 0; i < hash; i++)
            d.secret[i] = (uint8_t)(i * 3);
        assert_int_equal(mbedtls_ssl_tls13_hkdf_expand_label(alg, d.secret, hash, (const unsigned char *)"traffic upd",
                                                             11, NULL, 0, next, hash),
                         0);
        assert_int_equal(
            mbedtls_ssl_tls13_hkdf_expand_label(alg, next, hash, (const unsigned char *)"key", 3, NULL, 0, key, 32), 0);
        sl_keys_update(&d, sha384, SL_AEAD_AES_256_GCM);
        assert_memory_equal(d.secret, next, hash);
        assert_memory_equal(d.key, key, 32);
        assert_int_equal(d.seq, 0);
    }
}

static void the_cache_keeps_what_was_used_lately(void **state)
{
    struct sl_stats *stats = calloc(1, sizeof *stats);
    struct sl_tls_direction d[40];
    const uint64_t *misses = &stats->ctr[SL_CTR_TLS_KEY_CACHE_MISSES];
    struct sl_key_cache k;
    struct sl_aead_key *key;

    for (uint32_t i = 0; i < SL_ARRAY_LEN(d); i++)
        memset(&d[i], (int)i, sizeof d[i]);
    assert_int_equal(sl_key_cache_init(&k, 1, stats), 0);
    assert_int_equal(k.n, SL_KEY_CACHE_WAYS);
    key = sl_key_cache_get(&k, &d[0], SL_AEAD_AES_128_GCM);
    assert_ptr_equal(sl_key_cache_get(&k, &d[0], SL_AEAD_AES_128_GCM), key);
    assert_int_equal(*misses, 1);
    for (uint32_t i = 1; i < 40; i++) { /* one that is used again and again stays */
        assert_non_null(sl_key_cache_get(&k, &d[i], (enum sl_aead_id)(i % SL_AEAD_COUNT)));
        assert_ptr_equal(sl_key_cache_get(&k, &d[0], SL_AEAD_AES_128_GCM), key);
    }
    assert_int_equal(*misses, 40);
    sl_key_cache_forget(&k, &d[0]);
    sl_key_cache_forget(&k, &d[0]);
    sl_key_cache_get(&k, &d[0], SL_AEAD_AES_128_GCM);
    assert_int_equal(*misses, 41);
    sl_key_cache_done(&k);
    free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_rfc_8448),
        cmocka_unit_test(updates_are_mbedtlss),
        cmocka_unit_test(the_cache_keeps_what_was_used_lately),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
