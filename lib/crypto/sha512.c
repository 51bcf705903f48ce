/* SHA-512's block function for mbedTLS, which SHA-384 uses too (FIPS 180-4 6.4.2): the message schedule two words at a
 * time in vectors while the rounds run beside it, and plain. */
#include <mbedtls/sha512.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "crypto/sha.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* FIPS 180-4 4.2.3 */
_Alignas(64) static const uint64_t k[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static inline uint64_t rotr(uint64_t x, int n) { return x >> n | x << (64 - n); }

static inline uint64_t load_be(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

/* One round on s, whose places a to h move down by one with each t: nothing is copied. wk: W[t] + K[t]. */
__attribute__((always_inline)) static inline void round_at(uint64_t s[static 8], int t, uint64_t wk)
{
    uint64_t a = s[-t & 7], b = s[(1 - t) & 7], c = s[(2 - t) & 7], e = s[(4 - t) & 7], f = s[(5 - t) & 7],
             g = s[(6 - t) & 7];
    uint64_t t1 = s[(7 - t) & 7] + (rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41)) + (g ^ (e & (f ^ g))) + wk;

    s[(3 - t) & 7] += t1;
    s[(7 - t) & 7] = t1 + (rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39)) + ((a & b) | (c & (a | b)));
}

/* Word t of the schedule; w holds the last sixteen. */
static inline uint64_t word(uint64_t w[static 16], const uint8_t *data, int t)
{
    uint64_t x, y;

    if (t < 16)
        return w[t] = load_be(data + 8 * t);
    x = w[(t + 1) & 15];
    y = w[(t + 14) & 15];
    return w[t & 15] += (rotr(x, 1) ^ rotr(x, 8) ^ x >> 7) + w[(t + 9) & 15] + (rotr(y, 19) ^ rotr(y, 61) ^ y >> 6);
}

static void plain_block(uint64_t state[static 8], const uint8_t data[static 128])
{
    uint64_t w[16], s[8];

    memcpy(s, state, sizeof s);
    for (int t = 0; t < 80; t += 8) {
        round_at(s, 0, k[t] + word(w, data, t));
        round_at(s, 1, k[t + 1] + word(w, data, t + 1));
        round_at(s, 2, k[t + 2] + word(w, data, t + 2));
        round_at(s, 3, k[t + 3] + word(w, data, t + 3));
        round_at(s, 4, k[t + 4] + word(w, data, t + 4));
        round_at(s, 5, k[t + 5] + word(w, data, t + 5));
        round_at(s, 6, k[t + 6] + word(w, data, t + 6));
        round_at(s, 7, k[t + 7] + word(w, data, t + 7));
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
    sl_crypto_wipe(w, sizeof w); /* the message may be a key */
}

static bool always(void) { return true; }

#if defined(__x86_64__)
static bool has_avx_bmi2(void) { return __builtin_cpu_supports("avx") && __builtin_cpu_supports("bmi2"); }

#define VECTOR_INLINE __attribute__((target("avx,bmi2"), always_inline)) static inline
#define VECTOR_ROTR(x, n) _mm_or_si128(_mm_srli_epi64(x, n), _mm_slli_epi64(x, 64 - (n)))

/* The pair of words that follows sixteen of which w[i] is the oldest pair; takes its place. A pair can be had at once
 * because the youngest word that one depends on is W[t-2]. */
VECTOR_INLINE void next_pair(__m128i w[static 8], int i)
{
    __m128i x = _mm_alignr_epi8(w[(i + 1) & 7], w[i], 8);             /* W[t-15] */
    __m128i y = w[(i + 7) & 7];                                       /* W[t-2] */
    __m128i sum = _mm_alignr_epi8(w[(i + 5) & 7], w[(i + 4) & 7], 8); /* W[t-7] */

    x = _mm_xor_si128(_mm_xor_si128(VECTOR_ROTR(x, 1), VECTOR_ROTR(x, 8)), _mm_srli_epi64(x, 7));
    y = _mm_xor_si128(_mm_xor_si128(VECTOR_ROTR(y, 19), VECTOR_ROTR(y, 61)), _mm_srli_epi64(y, 6));
    w[i] = _mm_add_epi64(_mm_add_epi64(w[i], sum), _mm_add_epi64(x, y));
}

/* Two rounds, and beside them the words of sixteen rounds later. */
VECTOR_INLINE void two_rounds(uint64_t s[static 8], __m128i w[static 8], uint64_t wk[static 16], int i,
                              const uint64_t *constants, bool more)
{
    __m128i sum = _mm_add_epi64(w[i], _mm_load_si128((const __m128i *)constants + i));

    _mm_store_si128((__m128i *)wk + i, sum);
    if (more)
        next_pair(w, i);
    round_at(s, 2 * i, wk[2 * i]);
    round_at(s, 2 * i + 1, wk[2 * i + 1]);
}

VECTOR_INLINE void sixteen_rounds(uint64_t s[static 8], __m128i w[static 8], uint64_t wk[static 16],
                                  const uint64_t *constants, bool more)
{
    two_rounds(s, w, wk, 0, constants, more);
    two_rounds(s, w, wk, 1, constants, more);
    two_rounds(s, w, wk, 2, constants, more);
    two_rounds(s, w, wk, 3, constants, more);
    two_rounds(s, w, wk, 4, constants, more);
    two_rounds(s, w, wk, 5, constants, more);
    two_rounds(s, w, wk, 6, constants, more);
    two_rounds(s, w, wk, 7, constants, more);
}

__attribute__((target("avx,bmi2"))) static void vector_block(uint64_t state[static 8], const uint8_t data[static 128])
{
    const __m128i big_endian = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    _Alignas(16) uint64_t wk[16];
    uint64_t s[8];
    __m128i w[8];

    memcpy(s, state, sizeof s);
    for (int i = 0; i < 8; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), big_endian);
    for (int t = 0; t < 64; t += 16)
        sixteen_rounds(s, w, wk, k + t, true);
    sixteen_rounds(s, w, wk, k + 64, false);
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
    sl_crypto_wipe(wk, sizeof wk);
}
#endif

const struct sl_sha512_routine sl_sha512_routines[] = {
#if defined(__x86_64__)
    {"avx-bmi2", has_avx_bmi2, vector_block},
#endif
    {"plain", always, plain_block},
    {NULL, NULL, NULL},
};

typedef void block_fn(uint64_t state[static 8], const uint8_t data[static 128]);
static block_fn choose_block;
static block_fn *_Atomic chosen = choose_block; /* as in sha256.c */

static void choose_block(uint64_t state[static 8], const uint8_t data[static 128])
{
    const struct sl_sha512_routine *r = sl_sha512_routines;

    while (!r->has())
        r++;
    atomic_store_explicit(&chosen, r->block, memory_order_relaxed);
    r->block(state, data);
}

void sl_sha512_block(uint64_t state[static 8], const uint8_t data[static 128])
{
    atomic_load_explicit(&chosen, memory_order_relaxed)(state, data);
}

/* mbedTLS's hook (MBEDTLS_SHA512_PROCESS_ALT). */
int mbedtls_internal_sha512_process(mbedtls_sha512_context *ctx, const unsigned char data[128])
{
    sl_sha512_block(ctx->MBEDTLS_PRIVATE(state), data);
    return 0;
}
