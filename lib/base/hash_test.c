/* SipHash against its published vectors, and the Internet checksum against RFC 1071 taken literally. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/base.h"

/* Appendix A of the paper, and vectors of its reference code: key 00..0f, message 00, 01, ... */
static void siphash_gives_the_published_values(void **state)
{
    const struct sl_hash_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    uint8_t message[64];

    (void)state;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    assert_true(sl_siphash(&key, message, 15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(sl_siphash(&key, message, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(sl_siphash(&key, message, 1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(sl_siphash(&key, message, 8) == UINT64_C(0x93f5f5799a932462));
    assert_true(sl_siphash(&key, message, 63) == UINT64_C(0x958a324ceb064572));
}

/* SipHash-c-d as the paper's figure has it, byte by byte. */
static uint64_t plain_siphash(const struct sl_hash_key *key, const uint8_t *p, size_t len, int c, int d)
{
    uint64_t v[4] = {key->k[0] ^ UINT64_C(0x736f6d6570736575), key->k[1] ^ UINT64_C(0x646f72616e646f6d),
                     key->k[0] ^ UINT64_C(0x6c7967656e657261), key->k[1] ^ UINT64_C(0x7465646279746573)};

    for (size_t at = 0; at <= len / 8 * 8 + 8; at += 8) {
        bool finish = at > len / 8 * 8;
        uint64_t word = 0;

        for (size_t i = 0; i < 8 && at + i < len; i++)
            word |= (uint64_t)p[at + i] << 8 * i;
        word |= at + 8 > len ? (uint64_t)len << 56 : 0;
        v[finish ? 2 : 3] ^= finish ? 0xff : word;
        for (int r = 0; r < (finish ? d : c); r++) {
            static const struct {
                int to, from, shift, turn; /* v[to] += v[from]; v[from] is turned and xored; v[turn] by 32 */
            } half[4] = {{0, 1, 13, 0}, {2, 3, 16, -1}, {2, 1, 17, 2}, {0, 3, 21, -1}};

            for (int h = 0; h < 4; h++) {
                uint64_t *a = &v[half[h].to], *b = &v[half[h].from];

                *a += *b;
                *b = (*b << half[h].shift | *b >> (64 - half[h].shift)) ^ *a;
                if (half[h].turn >= 0)
                    *a = *a << 32 | *a >> 32;
            }
        }
        v[0] ^= finish ? 0 : word;
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void the_short_hash_is_siphash_1_3(void **state)
{
    const struct sl_hash_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    uint8_t message[64];

    (void)state;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    for (size_t n = 0; n < sizeof message; n++)
        assert_true(plain_siphash(&key, message, n, 2, 4) == sl_siphash(&key, message, n));
    assert_true(plain_siphash(&key, message, 12, 1, 3) ==
                sl_siphash13_12(&key, UINT64_C(0x0706050403020100), 0x0b0a0908));
}

static uint16_t literal(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static uint16_t in_host_order(uint16_t folded)
{
    uint8_t b[2];

    memcpy(b, &folded, 2);
    return (uint16_t)(b[0] << 8 | b[1]);
}

static void the_checksum_of_the_rfc_example(void **state)
{
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}; /* section 3: sums to ddf2 */

    (void)state;
    assert_int_equal(in_host_order(sl_cksum_fold(sl_cksum_add(0, bytes, sizeof bytes))), (uint16_t)~0xddf2);
}

static void every_length_and_alignment_agrees_with_the_literal_sum(void **state)
{
    struct sl_rng rng;

    (void)state;
    sl_rng_seed(&rng, 1);
    for (size_t len = 0; len < 200; len++) {
        for (size_t shift = 0; shift < 8; shift++) {
            uint8_t *block = malloc(shift + len + 1), *p = block + shift;

            for (size_t i = 0; i < len; i++)
                p[i] = len % 3 ? (uint8_t)sl_rng_next(&rng) : 0xff;
            assert_int_equal(in_host_order(sl_cksum_fold(sl_cksum_add(0, p, len))), literal(p, len));
            free(block);
        }
    }
}

static void pieces_at_odd_offsets_join_by_cksum_odd(void **state)
{
    uint8_t bytes[97];
    struct sl_rng rng;

    (void)state;
    sl_rng_seed(&rng, 2);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)sl_rng_next(&rng);
    for (size_t a = 0; a <= sizeof bytes; a++) {
        for (size_t b = a; b <= sizeof bytes; b++) {
            const size_t cut[4] = {0, a, b, sizeof bytes};
            uint64_t sum = 0;

            for (int i = 0; i < 3; i++) {
                uint64_t piece = sl_cksum_add(0, bytes + cut[i], cut[i + 1] - cut[i]);

                sum = sl_cksum_add(sum, &(uint64_t){cut[i] % 2 ? sl_cksum_odd(piece) : piece}, 8);
            }
            assert_int_equal(in_host_order(sl_cksum_fold(sum)), literal(bytes, sizeof bytes));
        }
    }
}

static void a_running_sum_near_overflow_keeps_its_carry(void **state)
{
    const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint8_t one[2] = {0, 1};

    (void)state;
    assert_int_equal(in_host_order(sl_cksum_fold(sl_cksum_add(UINT64_MAX, ones, sizeof ones))), 0);
    assert_int_equal(in_host_order(sl_cksum_fold(sl_cksum_add(UINT64_MAX, one, sizeof one))), 0xfffe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_published_values),
        cmocka_unit_test(the_short_hash_is_siphash_1_3),
        cmocka_unit_test(the_checksum_of_the_rfc_example),
        cmocka_unit_test(every_length_and_alignment_agrees_with_the_literal_sum),
        cmocka_unit_test(pieces_at_odd_offsets_join_by_cksum_odd),
        cmocka_unit_test(a_running_sum_near_overflow_keeps_its_carry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
