/* The number of a SYN cookie: 29 bits of a keyed hash over the tuple, the client's number, the time, and what was
 * agreed; 3 bits of MSS index, mixed with the rest so that no bit stands still. A guess is right once in 2^28. */
#include "tcp/cookie.h"

#include <string.h>

#define EPOCH_PERIODS 64u  /* a key is used for 68 minutes */
#define EXPIRED_PERIODS 2u /* so much longer a cookie is still known as one that was good once */
#define MSS_COUNT (1u << COOKIE_MSS_BITS)

/* What links have: Ethernet, jumbo frames, PPPoE, tunnels, mobile networks, the protocols' own minimum. */
static const uint16_t mss_table[2][MSS_COUNT] = {
    {216, 1220, 1280, 1340, 1380, 1420, 1440, 8940}, /* IPv6 */
    {216, 536, 1220, 1340, 1380, 1440, 1460, 8960},  /* IPv4 */
};

uint8_t sl_tcp_cookie_mss_index(bool ip4, uint16_t mss)
{
    uint8_t i = MSS_COUNT - 1;

    while (i && mss_table[ip4][i] > mss)
        i--;
    return i;
}

uint16_t sl_tcp_cookie_mss(bool ip4, uint8_t index) { return mss_table[ip4][index % MSS_COUNT]; }

static const struct sl_hash_key *key_of(struct cookie_keys *k, uint64_t period)
{
    uint64_t epoch = period / EPOCH_PERIODS + 1, name[2][2] = {{epoch, 0}, {epoch, 1}};

    if (k->ready[epoch & 1].epoch != epoch) {
        k->ready[epoch & 1].epoch = epoch;
        for (uint32_t i = 0; i < 2; i++)
            k->ready[epoch & 1].key.k[i] = sl_siphash(&k->base, name[i], sizeof name[i]);
    }
    return &k->ready[epoch & 1].key;
}

/* A cookie for these facts in this period. */
static uint32_t make(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs, const struct cookie_terms *terms,
                     uint64_t period)
{
    struct {
        uint8_t tuple[TUPLE_KEY_BYTES];
        uint32_t irs, period;
        uint8_t terms[4];
    } facts = {.irs = irs, .period = (uint32_t)period, .terms = {terms->mss, terms->bits, terms->rcv_shift}};
    uint32_t tag, low = terms->mss;

    _Static_assert(sizeof facts == TUPLE_KEY_BYTES + 12, "no padding is hashed");
    memcpy(facts.tuple, tuple, TUPLE_KEY_BYTES);
    tag = (uint32_t)sl_siphash(key_of(k, period), &facts, sizeof facts) & ~(MSS_COUNT - 1);
    for (uint32_t rest = tag; rest; rest >>= COOKIE_MSS_BITS)
        low ^= rest & (MSS_COUNT - 1);
    return tag | low;
}

/* The MSS index that a cookie carries, if it is one. */
static uint8_t mss_in(uint32_t cookie)
{
    uint32_t index = 0;

    for (; cookie; cookie >>= COOKIE_MSS_BITS)
        index ^= cookie & (MSS_COUNT - 1);
    return (uint8_t)index;
}

uint32_t sl_tcp_cookie_make(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs,
                            const struct cookie_terms *terms, uint64_t now)
{
    return make(k, tuple, irs, terms, now / COOKIE_PERIOD_NS);
}

enum cookie_verdict sl_tcp_cookie_check(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs,
                                        struct cookie_terms *terms, uint32_t cookie, uint64_t now)
{
    uint64_t period = now / COOKIE_PERIOD_NS;

    terms->mss = mss_in(cookie);
    for (uint64_t age = 0; age < COOKIE_LIVES_PERIODS + EXPIRED_PERIODS && age <= period; age++) {
        if (make(k, tuple, irs, terms, period - age) == cookie)
            return age < COOKIE_LIVES_PERIODS ? COOKIE_GOOD : COOKIE_EXPIRED;
    }
    return COOKIE_BAD;
}

uint32_t sl_tcp_cookie_tsval(uint32_t clock_ms, uint8_t bits)
{
    const uint32_t step = 1u << COOKIE_TS_BITS;
    uint32_t value = (clock_ms & ~(step - 1)) | bits;

    return (clock_ms & (step - 1)) >= bits ? value : value - step;
}
