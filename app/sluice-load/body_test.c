/* The bytes of bodies: the same from wherever one begins, and nothing that goes wrong on the way looks right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "body.h"

#define LEN (3 * BODY_PERIOD)

static uint8_t *bytes_from(uint64_t offset, uint32_t len)
{
    uint8_t *out = malloc(len); /* exactly: AddressSanitizer sees the byte behind */

    body_fill(out, offset, len);
    return out;
}

static void pieces_are_parts_of_the_whole(void **state)
{
    static const uint64_t offsets[] = {0, 1, 17, BODY_PERIOD - 1, BODY_PERIOD, BODY_PERIOD + 1, 2 * BODY_PERIOD - 1};
    static const uint32_t lens[] = {0, 1, 16, 1460, 16384, BODY_PERIOD - 1, BODY_PERIOD};
    uint8_t *whole = bytes_from(0, LEN);

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(offsets); i++)
        for (size_t k = 0; k < SL_ARRAY_LEN(lens); k++) {
            uint8_t *piece = bytes_from(offsets[i], lens[k]);

            assert_memory_equal(piece, whole + offsets[i], lens[k]);
            assert_true(body_check(whole + offsets[i], offsets[i], lens[k]));
            assert_memory_equal(body_at(offsets[i]), whole + offsets[i], lens[k]);
            free(piece);
        }
    assert_true(body_check(whole, 0, LEN));
    assert_true(body_check(whole, UINT64_C(10000000000) * BODY_PERIOD, LEN)); /* far into a body, too */
    free(whole);
}

static void a_wrong_byte_is_seen_wherever_it_is(void **state)
{
    static const uint32_t places[] = {0, 1, BODY_PERIOD - 1, BODY_PERIOD, 2 * BODY_PERIOD - 1, LEN - 1};
    uint8_t *bytes = bytes_from(5, LEN);

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(places); i++) {
        bytes[places[i]] ^= 0x80;
        assert_false(body_check(bytes, 5, LEN));
        bytes[places[i]] ^= 0x80;
    }
    assert_true(body_check(bytes, 5, LEN));
    free(bytes);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* So eight bytes say where they belong: whatever else stands there is seen. */
static void no_eight_bytes_come_twice_in_a_period(void **state)
{
    uint64_t *words = malloc(BODY_PERIOD * sizeof *words);

    (void)state;
    for (uint32_t i = 0; i < BODY_PERIOD; i++)
        memcpy(&words[i], body_at(i), sizeof words[i]);
    qsort(words, BODY_PERIOD, sizeof *words, compare);
    for (uint32_t i = 1; i < BODY_PERIOD; i++)
        assert_true(words[i - 1] != words[i]);
    free(words);
}

static int prepare(void **state)
{
    (void)state;
    body_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_parts_of_the_whole),
        cmocka_unit_test(a_wrong_byte_is_seen_wherever_it_is),
        cmocka_unit_test(no_eight_bytes_come_twice_in_a_period),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
