/* PSS and PKCS #1 encodings: mbedTLS takes what we sign, we take what it signs, and nothing altered. */
#include "crypto/op_rig.h"

static struct rig_rsa key;

static int make_key(void **state)
{
    rig_rsa_known(&key, 2048, 65537);
    rig_rsa_export(&key);
    return 0;
}

static int free_key(void **state)
{
    rig_rsa_free(&key);
    return 0;
}

static const struct {
    enum sl_rsa_hash hash;
    mbedtls_md_type_t md;
    uint32_t bytes;
} hashes[] = {{SL_RSA_SHA256, MBEDTLS_MD_SHA256, 32},
              {SL_RSA_SHA384, MBEDTLS_MD_SHA384, 48},
              {SL_RSA_SHA512, MBEDTLS_MD_SHA512, 64}};

static void power(const struct sl_op_key *by, enum sl_op_kind kind, const uint8_t *in, uint8_t *out)
{
    struct sl_op op = {.kind = kind, .key = by}, *one = &op;

    memcpy(op.rsa.in, in, 256);
    sl_op_best(kind)->run(kind, &one, 1);
    assert_int_equal(op.status, 0);
    memcpy(out, op.rsa.out, 256);
}

static void mbedtls_takes_our_pss(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(hashes); i++) {
        uint8_t digest[64], em[256], signature[256];

        sl_crypto_random(digest, sizeof digest);
        assert_int_equal(sl_rsa_encode_pss(hashes[i].hash, digest, em, sizeof em), 0);
        assert_true(sl_rsa_check_pss(hashes[i].hash, digest, em, sizeof em));
        power(key.private, SL_OP_RSA2048_PRIVATE, em, signature);
        assert_int_equal(mbedtls_rsa_rsassa_pss_verify_ext(&key.ctx, hashes[i].md, hashes[i].bytes, digest,
                                                           hashes[i].md, (int)hashes[i].bytes, signature),
                         0);
    }
}

static void mbedtls_takes_our_pkcs1(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(hashes); i++) {
        uint8_t digest[64], em[256], signature[256];

        sl_crypto_random(digest, sizeof digest);
        assert_int_equal(sl_rsa_encode_pkcs1(hashes[i].hash, digest, em, sizeof em), 0);
        power(key.private, SL_OP_RSA2048_PRIVATE, em, signature);
        assert_int_equal(
            mbedtls_rsa_rsassa_pkcs1_v15_verify(&key.ctx, hashes[i].md, hashes[i].bytes, digest, signature), 0);
    }
}

static void we_take_what_mbedtls_signed(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(hashes); i++) {
        uint8_t digest[64], em[256], signature[256];

        sl_crypto_random(digest, sizeof digest);
        assert_int_equal(mbedtls_rsa_set_padding(&key.ctx, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_NONE), 0);
        assert_int_equal(mbedtls_rsa_rsassa_pss_sign_ext(&key.ctx, sl_crypto_mbedtls_random, NULL, hashes[i].md,
                                                         hashes[i].bytes, digest, (int)hashes[i].bytes, signature),
                         0);
        power(key.public, SL_OP_RSA2048_PUBLIC, signature, em);
        assert_true(sl_rsa_check_pss(hashes[i].hash, digest, em, sizeof em));
        assert_false(sl_rsa_check_pkcs1(hashes[i].hash, digest, em, sizeof em));
        assert_int_equal(mbedtls_rsa_set_padding(&key.ctx, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE), 0);
        assert_int_equal(mbedtls_rsa_rsassa_pkcs1_v15_sign(&key.ctx, sl_crypto_mbedtls_random, NULL, hashes[i].md,
                                                           hashes[i].bytes, digest, signature),
                         0);
        power(key.public, SL_OP_RSA2048_PUBLIC, signature, em);
        assert_true(sl_rsa_check_pkcs1(hashes[i].hash, digest, em, sizeof em));
        assert_false(sl_rsa_check_pss(hashes[i].hash, digest, em, sizeof em));
    }
}

static void an_altered_encoding_is_refused(void **state)
{
    uint8_t digest[32], pss[256], pkcs1[256];

    sl_crypto_random(digest, sizeof digest);
    assert_int_equal(sl_rsa_encode_pss(SL_RSA_SHA256, digest, pss, sizeof pss), 0);
    assert_int_equal(sl_rsa_encode_pkcs1(SL_RSA_SHA256, digest, pkcs1, sizeof pkcs1), 0);
    for (uint32_t bit = 0; bit < 2048; bit++) {
        pss[bit / 8] ^= (uint8_t)(1 << bit % 8);
        pkcs1[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sl_rsa_check_pss(SL_RSA_SHA256, digest, pss, sizeof pss));
        assert_false(sl_rsa_check_pkcs1(SL_RSA_SHA256, digest, pkcs1, sizeof pkcs1));
        pss[bit / 8] ^= (uint8_t)(1 << bit % 8);
        pkcs1[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    digest[5] ^= 1;
    assert_false(sl_rsa_check_pss(SL_RSA_SHA256, digest, pss, sizeof pss));
    assert_false(sl_rsa_check_pkcs1(SL_RSA_SHA256, digest, pkcs1, sizeof pkcs1));
}

static void salts_differ(void **state)
{
    uint8_t digest[32] = {0}, one[256], other[256];

    assert_int_equal(sl_rsa_encode_pss(SL_RSA_SHA256, digest, one, sizeof one), 0);
    assert_int_equal(sl_rsa_encode_pss(SL_RSA_SHA256, digest, other, sizeof other), 0);
    assert_memory_not_equal(one, other, sizeof one);
}

static void a_modulus_too_short_is_refused(void **state)
{
    uint8_t digest[64] = {0}, em[130];

    assert_int_equal(sl_rsa_encode_pss(SL_RSA_SHA512, digest, em, 130), 0);
    assert_true(sl_rsa_encode_pss(SL_RSA_SHA512, digest, em, 129) < 0);
    assert_false(sl_rsa_check_pss(SL_RSA_SHA512, digest, em, 129));
    assert_int_equal(sl_rsa_encode_pkcs1(SL_RSA_SHA512, digest, em, 94), 0);
    assert_true(sl_rsa_encode_pkcs1(SL_RSA_SHA512, digest, em, 93) < 0);
    assert_false(sl_rsa_check_pkcs1(SL_RSA_SHA512, digest, em, 93));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbedtls_takes_our_pss),
        cmocka_unit_test(mbedtls_takes_our_pkcs1),
        cmocka_unit_test(we_take_what_mbedtls_signed),
        cmocka_unit_test(an_altered_encoding_is_refused),
        cmocka_unit_test(salts_differ),
        cmocka_unit_test(a_modulus_too_short_is_refused),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
