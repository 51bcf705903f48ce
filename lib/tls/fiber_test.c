/* Fibers: they park and go on, many at a time and in any order, with both ways of switching; what they leave behind. */
#include "tls/fiber.h"

#include "helpers/helpers.h"

#include <mbedtls/platform.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum sl_fiber_switch ways[] = {SL_FIBER_SWITCH_BEST, SL_FIBER_SWITCH_PLAIN};

struct job {
    uint32_t rounds, sum, seed;
};

/* Keeps numbers in registers and on the stack over its pauses. */
static void add_up(void *object)
{
    struct job *j = object;
    volatile uint32_t on_stack[64];
    uint32_t a = j->seed, b = j->seed * 3, c = j->seed * 7;

    for (uint32_t i = 0; i < SL_ARRAY_LEN(on_stack); i++)
        on_stack[i] = j->seed + i;
    for (uint32_t i = 0; i < j->rounds; i++) {
        assert_ptr_equal(sl_fiber_self(), j);
        sl_fiber_park();
        a += b;
        b ^= c;
        c += on_stack[i % SL_ARRAY_LEN(on_stack)];
    }
    j->sum = a + b + c;
}

static uint32_t expected(uint32_t seed, uint32_t rounds)
{
    uint32_t a = seed, b = seed * 3, c = seed * 7;

    for (uint32_t i = 0; i < rounds; i++) {
        a += b;
        b ^= c;
        c += seed + i % 64;
    }
    return a + b + c;
}

static void many_fibers_in_any_order(void **state)
{
    for (size_t w = 0; w < SL_ARRAY_LEN(ways); w++) {
        struct sl_fiber_pool *pool = sl_fiber_pool_create(32, ways[w]);
        struct sl_fiber *f[32];
        struct sl_rng rng;
        uint32_t left = 32;

        assert_non_null(pool);
        sl_rng_seed(&rng, 7);
        for (uint32_t i = 0; i < 32; i++) {
            f[i] = sl_fiber_create(pool, add_up, sizeof(struct job));
            *(struct job *)sl_fiber_object(f[i]) = (struct job){.rounds = i * 3, .seed = i + 1};
        }
        while (left) {
            uint32_t i = (uint32_t)sl_rng_below(&rng, 32);

            if (!f[i] || !sl_fiber_resume(f[i]))
                continue;
            assert_int_equal(((struct job *)sl_fiber_object(f[i]))->sum, expected(i + 1, i * 3));
            sl_fiber_destroy(f[i]);
            f[i] = NULL;
            left--;
        }
        assert_null(sl_fiber_self());
        sl_fiber_pool_destroy(pool);
    }
}

static void no_more_than_the_pool_allows(void **state)
{
    struct sl_fiber_pool *pool = sl_fiber_pool_create(2, SL_FIBER_SWITCH_BEST);
    struct sl_fiber *a = sl_fiber_create(pool, add_up, 64), *b = sl_fiber_create(pool, add_up, 64), *c;
    struct sl_fiber_use use;

    assert_non_null(a);
    assert_non_null(b);
    assert_null(sl_fiber_create(pool, add_up, 64));
    sl_fiber_destroy(b);
    c = sl_fiber_create(pool, add_up, 64);
    assert_ptr_equal(c, b); /* the warm one */
    sl_fiber_pool_use(pool, &use);
    assert_int_equal(use.in_use, 2);
    assert_int_equal(use.made, 2);
    sl_fiber_destroy(a);
    sl_fiber_destroy(c);
    sl_fiber_pool_destroy(pool);
}

static void use_and_park(void *object)
{
    volatile uint8_t secret[5000];

    memset((void *)(uintptr_t)secret, 0xa5, sizeof secret);
    *(void **)object = mbedtls_calloc(1, 3000);
    memset(*(void **)object, 0xa5, 3000);
    sl_fiber_park();
    fail_msg("it was let go");
}

static bool holds(const uint8_t *from, size_t bytes, uint8_t value)
{
    for (size_t i = 0; i < bytes; i++)
        if (from[i] == value)
            return true;
    return false;
}

/* A fiber that is let go in the middle: nothing of its memory stays allocated, nothing of its secrets readable. */
static void a_forgotten_fiber_leaves_nothing(void **state)
{
    for (size_t w = 0; w < SL_ARRAY_LEN(ways); w++) {
        struct sl_fiber_pool *pool = sl_fiber_pool_create(1, ways[w]);
        struct sl_fiber *f = sl_fiber_create(pool, use_and_park, sizeof(void *));
        uint64_t heap = sl_crypto_memory()->now_bytes;
        uint8_t *block, *object = sl_fiber_object(f);
        struct sl_fiber_use use;

        assert_false(sl_fiber_resume(f));
        block = *(void **)object;
        assert_true(holds(block, 3000, 0xa5));
        assert_int_equal(sl_crypto_memory()->now_bytes, heap);
        sl_fiber_destroy(f);
        sl_fiber_pool_use(pool, &use);
        assert_in_range(use.stack_peak_bytes, 5000, 20000);
        assert_in_range(use.arena_peak_bytes, 3000, 4000);
        f = sl_fiber_create(pool, add_up, 4096);
        assert_ptr_equal(sl_fiber_object(f), object);
        assert_false(holds(object, 4096, 0xa5));
        sl_fiber_destroy(f);
        sl_fiber_pool_destroy(pool);
    }
}

static void fill(void *object)
{
    void **at = object;

    for (int i = 0; i < 4; i++)
        at[i] = mbedtls_calloc(1, SL_FIBER_ARENA_BYTES / 3);
}

static void a_full_arena_gives_no_more(void **state)
{
    struct sl_fiber_pool *pool = sl_fiber_pool_create(1, SL_FIBER_SWITCH_BEST);
    struct sl_fiber *f = sl_fiber_create(pool, fill, 4 * sizeof(void *));
    void **at = sl_fiber_object(f);

    assert_true(sl_fiber_resume(f));
    assert_non_null(at[0]);
    assert_non_null(at[1]);
    assert_null(at[2]);
    assert_null(at[3]);
    sl_fiber_destroy(f);
    sl_fiber_pool_destroy(pool);
}

static int setup(void **state) { return sl_crypto_thread_start(NULL); }
static int teardown(void **state)
{
    sl_crypto_thread_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_fibers_in_any_order),
        cmocka_unit_test(no_more_than_the_pool_allows),
        cmocka_unit_test(a_forgotten_fiber_leaves_nothing),
        cmocka_unit_test(a_full_arena_gives_no_more),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
