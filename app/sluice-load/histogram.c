/* Values below HISTOGRAM_PARTS have a count each; every power of two above has as many counts, each of an equal part of it. */
#include "histogram.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

#define PART_BITS 7

static_assert(1 << PART_BITS == HISTOGRAM_PARTS, "a part is so many bits");
static_assert(HISTOGRAM_MAX_NS == (UINT64_C(1) << (HISTOGRAM_POWERS - 1 + PART_BITS)) - 1, "the last part ends there");

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof *h);
    h->min_ns = UINT64_MAX;
}

static inline uint32_t index_of(uint64_t value)
{
    uint32_t shift;

    if (value < HISTOGRAM_PARTS)
        return (uint32_t)value;
    shift = 63 - PART_BITS - (uint32_t)__builtin_clzll(value);
    return (shift << PART_BITS) +
           (uint32_t)(value >> shift); /* the value's highest bit is the carry to the next power */
}

/* The largest value that counts there. */
static uint64_t top_of(uint32_t index)
{
    uint32_t power = index >> PART_BITS, shift = power ? power - 1 : 0;
    uint64_t part = index - ((uint64_t)shift << PART_BITS);

    return ((part + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value_ns)
{
    uint64_t value = SL_MIN(value_ns, HISTOGRAM_MAX_NS);

    h->n++;
    h->sum_ns += value;
    h->min_ns = SL_MIN(h->min_ns, value);
    h->max_ns = SL_MAX(h->max_ns, value);
    h->counts[index_of(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->n += from->n;
    into->sum_ns += from->sum_ns;
    into->min_ns = SL_MIN(into->min_ns, from->min_ns);
    into->max_ns = SL_MAX(into->max_ns, from->max_ns);
    for (size_t i = 0; i < SL_ARRAY_LEN(into->counts); i++)
        into->counts[i] += from->counts[i];
}

/* How many of n values are a part q of them, at least: 99 % of 100 are 99, whatever the product's last bit says. */
static uint64_t rank_of(double q, uint64_t n)
{
    double rank = ceil(q * (double)n * (1 - 4 * DBL_EPSILON));

    return rank <= 1 ? 1 : SL_MIN((uint64_t)rank, n);
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    uint64_t rank, seen = 0;
    uint32_t i = 0;

    if (!h->n)
        return 0;
    rank = rank_of(q, h->n);
    while (i < SL_ARRAY_LEN(h->counts) - 1 && (seen += h->counts[i]) < rank)
        i++;
    return SL_MAX(h->min_ns, SL_MIN(top_of(i), h->max_ns));
}

uint64_t histogram_mean(const struct histogram *h) { return h->n ? h->sum_ns / h->n : 0; }
