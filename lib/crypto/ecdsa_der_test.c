/* ECDSA signatures as DER: shortest numbers there, strict reading back. */
#include "crypto/op_rig.h"

static void numbers_are_as_short_as_they_can_be_and_come_back(void **state)
{
    static const struct {
        uint8_t first, second; /* of a number whose other bytes are 7 */
        uint32_t zeros, more;  /* leading bytes that DER leaves out; a byte for the sign */
    } cases[] = {{1, 7, 0, 0}, {0x7f, 7, 0, 0}, {0x80, 7, 0, 1}, {0xff, 7, 0, 1}, {0, 1, 1, 0}, {0, 0x80, 1, 1}};
    static const uint32_t sizes[] = {32, 48};

    for (size_t k = 0; k < SL_ARRAY_LEN(sizes); k++)
        for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
            uint8_t r[48], s[48], r2[48], s2[48], der[SL_ECDSA_DER_MAX_BYTES];
            uint32_t n;

            memset(r, 7, sizeof r);
            memset(s, 7, sizeof s);
            r[0] = cases[i].first;
            r[1] = cases[i].second;
            n = sl_ecdsa_der(der, r, s, sizes[k]);
            assert_int_equal(n, 2 + 2 * (2 + sizes[k]) - cases[i].zeros + cases[i].more);
            assert_int_equal(der[1], n - 2);
            assert_true(sl_ecdsa_der_parse(der, n, r2, s2, sizes[k]));
            assert_memory_equal(r, r2, sizes[k]);
            assert_memory_equal(s, s2, sizes[k]);
        }
}

static void the_longest_fits_and_zero_is_one_byte(void **state)
{
    uint8_t r[48], s[48] = {0}, der[SL_ECDSA_DER_MAX_BYTES];

    memset(r, 0xff, sizeof r);
    assert_int_equal(sl_ecdsa_der(der, r, r, 48), SL_ECDSA_DER_MAX_BYTES);
    assert_int_equal(sl_ecdsa_der(der, s, s, 48), 8);
    assert_memory_equal(der, "\x30\x06\x02\x01\x00\x02\x01\x00", 8);
}

/* Every piece of a good signature is too short, in a buffer that ends where it ends. */
static void what_is_cut_short_is_refused(void **state)
{
    uint8_t r[32], s[32], der[SL_ECDSA_DER_MAX_BYTES];
    uint32_t n;

    memset(r, 0x81, sizeof r);
    memset(s, 3, sizeof s);
    n = sl_ecdsa_der(der, r, s, 32);
    for (uint32_t len = 0; len < n; len++) {
        uint8_t *cut = malloc(len + !len);

        memcpy(cut, der, len);
        assert_false(sl_ecdsa_der_parse(cut, len, r, s, 32));
        free(cut);
    }
    assert_true(sl_ecdsa_der_parse(der, n, r, s, 32));
}

static void what_is_not_strict_is_refused(void **state)
{
    static const struct {
        uint32_t bytes;
        const char *der;
    } cases[] = {
        {8, "3006020101020101"},   /* good */
        {9, "300602010102010100"}, /* something behind it */
        {9, "300702010102010100"}, /* something behind s */
        {9, "300702020001020101"}, /* a zero too many */
        {8, "3006020181020101"},   /* negative */
        {7, "30050200020101"},     /* empty */
        {9, "308106020101020101"}, /* a length in two bytes */
        {8, "3106020101020101"},   /* no sequence */
        {8, "3006030101020101"},   /* no integer */
        {9, "300702010102030101"}, /* a length beyond the end */
        {8, "3005020101020101"},   /* the sequence is shorter than its parts */
    };
    uint8_t r[32], s[32];

    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        uint8_t *der = malloc(cases[i].bytes);

        rig_hex(der, cases[i].bytes, cases[i].der);
        assert_int_equal(sl_ecdsa_der_parse(der, cases[i].bytes, r, s, 32), i == 0);
        free(der);
    }
}

/* A number longer than the curve's. */
static void what_is_too_long_is_refused(void **state)
{
    uint8_t r[48], s[48], der[SL_ECDSA_DER_MAX_BYTES];
    uint32_t n;

    memset(r, 1, sizeof r);
    memset(s, 1, sizeof s);
    n = sl_ecdsa_der(der, r, s, 33);
    assert_false(sl_ecdsa_der_parse(der, n, r, s, 32));
    assert_true(sl_ecdsa_der_parse(der, n, r, s, 33));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_short_as_they_can_be_and_come_back),
        cmocka_unit_test(the_longest_fits_and_zero_is_one_byte),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(what_is_not_strict_is_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
