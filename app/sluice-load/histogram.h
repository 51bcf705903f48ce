/* histogram: how often a time was how long, within a part in 128 from a nanosecond to minutes, in constant memory and time a value (the idea of HdrHistogram:
 * a power of two and its linear parts). */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_PARTS 128 /* of a power of two */
#define HISTOGRAM_POWERS 34
#define HISTOGRAM_MAX_NS ((UINT64_C(1) << 40) - 1) /* 18 min; what is longer counts as that, everywhere */

struct histogram {
    uint64_t n, sum_ns, min_ns, max_ns; /* min UINT64_MAX while n is 0 */
    uint64_t counts[HISTOGRAM_POWERS * HISTOGRAM_PARTS];
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that a part q (0..1) of all values does not exceed, to the histogram's precision, never below min or above max; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);
uint64_t histogram_mean(const struct histogram *h);

#endif
