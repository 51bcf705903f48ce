/* A fixed generator's bytes, twice in a row, so that a run from any place on lies in one piece. */
#include "body.h"

static uint8_t sequence[2 * BODY_PERIOD] __attribute__((aligned(SL_CACHE_LINE)));

void body_init(void)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, BODY_PERIOD);
    for (uint32_t i = 0; i < BODY_PERIOD; i++)
        sequence[i] = (uint8_t)(sl_rng_next(&rng) >> 56);
    memcpy(sequence + BODY_PERIOD, sequence, BODY_PERIOD);
}

const uint8_t *body_at(uint64_t offset) { return sequence + offset % BODY_PERIOD; }

void body_fill(uint8_t *out, uint64_t offset, uint32_t len)
{
    for (uint32_t n; len; out += n, offset += n, len -= n) {
        n = SL_MIN(len, BODY_PERIOD);
        memcpy(out, body_at(offset), n);
    }
}

bool body_check(const uint8_t *bytes, uint64_t offset, uint32_t len)
{
    for (uint32_t n; len; bytes += n, offset += n, len -= n) {
        n = SL_MIN(len, BODY_PERIOD);
        if (memcmp(bytes, body_at(offset), n) != 0)
            return false;
    }
    return true;
}
