/* Histograms against the same values sorted: what they answer is never below the truth and at most a part in 128 above it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "histogram.h"

#define N_MAX 20000

static const double quantiles[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Of every magnitude up to `bits`. */
static uint64_t draw(struct sl_rng *rng, uint32_t bits)
{
    return sl_rng_next(rng) >> (64 - bits) >> sl_rng_below(rng, bits);
}

static void check(const struct histogram *h, uint64_t *values, uint32_t n)
{
    uint64_t sum = 0;

    qsort(values, n, sizeof *values, compare);
    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    assert_int_equal(h->n, n);
    assert_int_equal(h->min_ns, values[0]);
    assert_int_equal(h->max_ns, values[n - 1]);
    assert_int_equal(histogram_mean(h), sum / n);
    for (size_t i = 0; i < SL_ARRAY_LEN(quantiles); i++) {
        /* The smallest value that at least this part of all does not exceed; in long double, whose product has no last bit to go wrong in. */
        uint32_t rank = (uint32_t)ceill((long double)quantiles[i] * n - 1e-9L);
        uint64_t truth = values[rank ? rank - 1 : 0], said = histogram_quantile(h, quantiles[i]);

        assert_true(said >= truth);
        assert_true(said - truth <= truth / HISTOGRAM_PARTS);
        assert_true(said <= values[n - 1]);
    }
}

static void quantiles_are_those_of_the_sorted_values(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 99, 100, 101, 1000, N_MAX};
    static uint64_t values[N_MAX];
    static struct histogram h;
    struct sl_rng rng;

    (void)state;
    sl_rng_seed(&rng, 1);
    for (uint32_t bits = 1; bits <= 40; bits++)
        for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
            histogram_clear(&h);
            for (uint32_t k = 0; k < sizes[i]; k++)
                histogram_add(&h, values[k] = draw(&rng, bits));
            check(&h, values, sizes[i]);
        }
}

static void every_magnitude_has_its_parts(void **state)
{
    static struct histogram h;

    (void)state;
    for (uint32_t bits = 0; bits < 40; bits++)
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << bits) + (uint64_t)(int64_t)step, said;

            histogram_clear(&h);
            histogram_add(&h, 0);
            histogram_add(&h, value);
            histogram_add(&h, HISTOGRAM_MAX_NS);
            said = histogram_quantile(&h, 0.6);
            assert_true(said >= value && said - value <= value / HISTOGRAM_PARTS);
        }
}

static void whole_parts_of_a_hundred_are_not_one_too_many(void **state)
{
    static struct histogram h;

    (void)state;
    histogram_clear(&h);
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&h, i);
    for (uint32_t i = 1; i <= 100; i++) /* 0.07 * 100 is a little more than 7 in floating point */
        assert_int_equal(histogram_quantile(&h, i / 100.0), i);
}

static void merged_they_are_as_one(void **state)
{
    static struct histogram part[3], sum, one;
    struct sl_rng rng;

    (void)state;
    sl_rng_seed(&rng, 2);
    histogram_clear(&sum);
    histogram_clear(&one);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(part); i++) {
        histogram_clear(&part[i]);
        for (uint32_t k = 0; k < 1000 * i; k++) { /* the first is empty */
            uint64_t value = 100 + draw(&rng, 36);

            histogram_add(&part[i], value);
            histogram_add(&one, value);
        }
        histogram_merge(&sum, &part[i]);
    }
    assert_memory_equal(&sum, &one, sizeof one);
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
    static struct histogram h;

    (void)state;
    histogram_clear(&h);
    histogram_add(&h, HISTOGRAM_MAX_NS + 1);
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.min_ns, HISTOGRAM_MAX_NS);
    assert_int_equal(histogram_mean(&h), HISTOGRAM_MAX_NS);
    assert_int_equal(histogram_quantile(&h, 0.5), HISTOGRAM_MAX_NS);
}

static void an_empty_one_answers_0(void **state)
{
    static struct histogram h;

    (void)state;
    histogram_clear(&h);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(histogram_mean(&h), 0);
    assert_true(h.min_ns == UINT64_MAX && h.max_ns == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_sorted_values),
        cmocka_unit_test(every_magnitude_has_its_parts),
        cmocka_unit_test(whole_parts_of_a_hundred_are_not_one_too_many),
        cmocka_unit_test(merged_they_are_as_one),
        cmocka_unit_test(what_is_too_long_counts_as_the_longest),
        cmocka_unit_test(an_empty_one_answers_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
