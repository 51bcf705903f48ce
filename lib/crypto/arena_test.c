/* Arenas: blocks of any size, taken and given back in any order, never overlapping, always zeroed; all erased at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#define BYTES 65536u

static struct sl_arena *arena_new(void)
{
    struct sl_arena *a = calloc(1, sizeof *a);
    void *memory = aligned_alloc(64, BYTES);

    assert_non_null(a);
    assert_non_null(memory);
    memset(memory, 0, BYTES);
    sl_arena_init(a, memory, BYTES);
    return a;
}

static void arena_free(struct sl_arena *a)
{
    sl_arena_done(a);
    free(a->base);
    free(a);
}

static void blocks_are_zeroed_and_apart(void **state)
{
    struct sl_arena *a = arena_new();
    struct {
        uint8_t *p;
        size_t bytes;
    } held[40] = {{0}};
    struct sl_rng rng;

    sl_rng_seed(&rng, 3);
    for (uint32_t turn = 0; turn < 20000; turn++) {
        uint32_t i = (uint32_t)sl_rng_below(&rng, 40);

        if (held[i].p) {
            for (size_t k = 0; k < held[i].bytes; k++)
                assert_int_equal(held[i].p[k], i + 1);
            sl_arena_free(a, held[i].p, held[i].bytes);
            held[i].p = NULL;
            continue;
        }
        held[i].bytes = (size_t)sl_rng_below(&rng, turn % 2 ? 100 : 1500);
        held[i].p = sl_arena_alloc(a, held[i].bytes);
        if (!held[i].p)
            continue;
        assert_int_equal((uintptr_t)held[i].p % 16, 0);
        for (size_t k = 0; k < held[i].bytes; k++)
            assert_int_equal(held[i].p[k], 0);
        memset(held[i].p, (int)i + 1, held[i].bytes);
    }
    arena_free(a);
}

static void the_same_sizes_again_need_no_more_room(void **state)
{
    struct sl_arena *a = arena_new();
    void *p[8], *keep;
    uint32_t used;

    for (uint32_t i = 0; i < 8; i++)
        p[i] = sl_arena_alloc(a, 24 + i * 200);
    keep = sl_arena_alloc(a, 1); /* so that nothing is rolled back */
    used = a->used_bytes;
    for (uint32_t turn = 0; turn < 1000; turn++) {
        for (uint32_t i = 0; i < 8; i++)
            sl_arena_free(a, p[i], 24 + i * 200);
        for (uint32_t i = 0; i < 8; i++)
            p[i] = sl_arena_alloc(a, 24 + i * 200);
    }
    assert_int_equal(a->used_bytes, used);
    sl_arena_free(a, keep, 1);
    arena_free(a);
}

static void a_full_arena_refuses(void **state)
{
    struct sl_arena *a = arena_new();

    assert_null(sl_arena_alloc(a, BYTES + 1));
    assert_null(sl_arena_alloc(a, SIZE_MAX));
    assert_non_null(sl_arena_alloc(a, BYTES));
    assert_null(sl_arena_alloc(a, 1));
    arena_free(a);
}

static void reset_erases_all_that_was_used(void **state)
{
    struct sl_arena *a = arena_new();
    uint8_t *p = sl_arena_alloc(a, 5000), *q;

    memset(p, 0xa5, 5000);
    sl_arena_free(a, p, 5000);
    sl_arena_reset(a);
    assert_int_equal(a->live_bytes, 0);
    q = sl_arena_alloc(a, 5000);
    assert_ptr_equal(p, q);
    for (size_t k = 0; k < 5000; k++)
        assert_int_equal(q[k], 0);
    arena_free(a);
}

/* What was never written need not be erased, whichever part is named first. */
static void untouched_bytes_are_left(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct sl_arena *a = arena_new();
        uint8_t *p[2] = {sl_arena_alloc(a, 5000), sl_arena_alloc(a, 5000)}, *q;

        memset(p[0], 0xa5, 100);
        memset(p[1], 0xa5, 200);
        sl_arena_untouched(a, p[order] + 1000, 4000);
        sl_arena_untouched(a, p[!order] + 1000, 4000);
        sl_arena_reset(a);
        q = sl_arena_alloc(a, 10016);
        for (size_t k = 0; k < 10016; k++)
            assert_int_equal(q[k], 0);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_and_apart), cmocka_unit_test(the_same_sizes_again_need_no_more_room),
        cmocka_unit_test(a_full_arena_refuses),        cmocka_unit_test(reset_erases_all_that_was_used),
        cmocka_unit_test(untouched_bytes_are_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
