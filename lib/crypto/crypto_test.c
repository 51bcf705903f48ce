/* Random bytes, erasing, comparing, and what mbedTLS's hooks count. */
#include "crypto/crypto.h"

#include <mbedtls/platform.h>
#include <psa/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void random_fills_every_byte(void **state)
{
    uint8_t seen[300] = {0};

    for (int round = 0; round < 64; round++) {
        uint8_t buf[sizeof seen + 1];

        buf[sizeof seen] = 0x5a;
        sl_crypto_random(buf, sizeof seen);
        assert_int_equal(buf[sizeof seen], 0x5a);
        for (size_t i = 0; i < sizeof seen; i++)
            seen[i] |= buf[i];
    }
    for (size_t i = 0; i < sizeof seen; i++)
        assert_int_not_equal(seen[i], 0);
}

static void random_does_not_repeat(void **state)
{
    uint64_t v[512]; /* more than a buffer, in pieces that do not divide it */

    for (size_t i = 0; i < SL_ARRAY_LEN(v); i++) {
        uint8_t odd[3];

        sl_crypto_random(&v[i], sizeof v[i]);
        sl_crypto_random(odd, sizeof odd);
        for (size_t k = 0; k < i; k++)
            assert_true(v[k] != v[i]);
    }
}

static void wipe_erases(void **state)
{
    uint8_t secret[32];

    memset(secret, 7, sizeof secret);
    sl_crypto_wipe(secret + 1, sizeof secret - 2);
    assert_int_equal(secret[0], 7);
    assert_int_equal(secret[31], 7);
    for (size_t i = 1; i < 31; i++)
        assert_int_equal(secret[i], 0);
}

static void equal_sees_every_bit(void **state)
{
    uint8_t a[17], b[17];

    sl_crypto_random(a, sizeof a);
    memcpy(b, a, sizeof a);
    assert_true(sl_crypto_equal(a, b, sizeof a));
    assert_true(sl_crypto_equal(a, b, 0));
    for (size_t bit = 0; bit < sizeof a * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sl_crypto_equal(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void memory_is_counted_and_limited(void **state)
{
    struct sl_crypto_memory *memory = sl_crypto_memory();
    uint64_t before;
    void *p, *q;

    assert_int_equal(sl_crypto_thread_start(NULL), 0);
    before = memory->now_bytes;
    p = mbedtls_calloc(10, 100);
    assert_non_null(p);
    assert_true(memory->now_bytes >= before + 1000);
    assert_true(memory->peak_bytes >= memory->now_bytes);
    memory->limit_bytes = memory->now_bytes + 100;
    assert_null(mbedtls_calloc(1, 200));
    q = mbedtls_calloc(1, 8);
    assert_non_null(q);
    memory->limit_bytes = 0;
    assert_null(mbedtls_calloc(SIZE_MAX / 2, 3));
    mbedtls_free(p);
    mbedtls_free(q);
    assert_int_equal(memory->now_bytes, before);
    sl_crypto_thread_stop();
}

/* Each thread makes a volatile key; with one store for all of them the second would have another id, and the first
 * thread's stop would destroy it. */
static void *make_key(void *arg)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t *id = arg;

    *id = 0;
    if (sl_crypto_thread_start(NULL) != 0)
        return NULL;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 128);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
    if (psa_generate_key(&attributes, id) != PSA_SUCCESS)
        *id = 0;
    sl_crypto_thread_stop();
    return NULL;
}

static void psa_belongs_to_the_thread(void **state)
{
    psa_key_id_t here, there;
    uint8_t key[16];
    size_t len;
    pthread_t thread;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    assert_int_equal(sl_crypto_thread_start(NULL), 0);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_bits(&attributes, 128);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
    assert_int_equal(psa_generate_key(&attributes, &here), PSA_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, make_key, &there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(there, here); /* both are the first key of their own store */
    assert_int_equal(psa_export_key(here, key, sizeof key, &len), PSA_SUCCESS);
    sl_crypto_thread_stop();
    assert_int_equal(sl_crypto_memory()->now_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_fills_every_byte),
        cmocka_unit_test(random_does_not_repeat),
        cmocka_unit_test(wipe_erases),
        cmocka_unit_test(equal_sees_every_bit),
        cmocka_unit_test(memory_is_counted_and_limited),
        cmocka_unit_test(psa_belongs_to_the_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
