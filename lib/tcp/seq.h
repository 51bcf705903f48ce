/* Sequence numbers: 32 bits that wrap (RFC 9293 3.4). Comparisons hold for numbers less than 2^31 apart. */
#ifndef SL_TCP_SEQ_H
#define SL_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_leq(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline bool seq_geq(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

/* start <= s < end */
static inline bool seq_in(uint32_t s, uint32_t start, uint32_t end) { return s - start < end - start; }

/* Bytes [start, end) of a sequence space. */
struct range {
    uint32_t start, end;
};

#endif
