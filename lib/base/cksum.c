/* Internet checksum (RFC 1071). Words are summed as they lie in memory: the ones' complement sum commutes with swapping bytes (1071 section 2(B)),
 * so that the folded result goes into a header as it is on machines of either order. */
#include "base/base.h"

static inline uint64_t add_ones(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

uint64_t sl_cksum_add(uint64_t sum, const void *data, size_t len_bytes)
{
    const uint8_t *p = data;
    uint64_t low = 0,
             high = 0; /* halves of 32 bits: no carry is lost below 32 GiB, and the compiler makes vectors of it */
    size_t words = len_bytes / 8, tail = len_bytes % 8;
    uint64_t w;

    for (size_t i = 0; i < words; i++, p += 8) {
        memcpy(&w, p, 8);
        low += (uint32_t)w;
        high += w >> 32;
    }
    if (tail) {
        w = 0; /* zeroes behind an odd last byte, as the RFC pads */
        memcpy(&w, p, tail);
        low += (uint32_t)w;
        high += w >> 32;
    }
    return add_ones(sum, add_ones(low, high));
}

uint16_t sl_cksum_fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}
