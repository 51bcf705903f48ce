/* SHA-256's block function for mbedTLS (FIPS 180-4 6.2.2): by the SHA instructions of x86, and plain. */
#include <mbedtls/sha256.h>
#include <stdatomic.h>

#include "crypto/crypto.h"
#include "crypto/sha.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* FIPS 180-4 4.2.2 */
_Alignas(64) static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static inline uint32_t load_be(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

/* One round on s, whose places a to h move down by one with each t: nothing is copied. wk: W[t] + K[t]. */
__attribute__((always_inline)) static inline void round_at(uint32_t s[static 8], int t, uint32_t wk)
{
    uint32_t a = s[-t & 7], b = s[(1 - t) & 7], c = s[(2 - t) & 7], e = s[(4 - t) & 7], f = s[(5 - t) & 7],
             g = s[(6 - t) & 7];
    uint32_t t1 = s[(7 - t) & 7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + wk;

    s[(3 - t) & 7] += t1;
    s[(7 - t) & 7] = t1 + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

/* Word t of the schedule; w holds the last sixteen. */
static inline uint32_t word(uint32_t w[static 16], const uint8_t *data, int t)
{
    uint32_t x, y;

    if (t < 16)
        return w[t] = load_be(data + 4 * t);
    x = w[(t + 1) & 15];
    y = w[(t + 14) & 15];
    return w[t & 15] += (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[(t + 9) & 15] + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
}

static void plain_block(uint32_t state[static 8], const uint8_t data[static 64])
{
    uint32_t w[16], s[8];

    memcpy(s, state, sizeof s);
    for (int t = 0; t < 64; t += 8) {
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
static bool has_sha(void)
{
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* SHA256RNDS2 keeps the state as {a, b, e, f} and {c, d, g, h}, highest lane first. It does two rounds and returns the
 * next abef; the abef before them becomes the cdgh after them. So four rounds leave both in their places. */
SHA_TARGET static inline void four_rounds(__m128i *abef, __m128i *cdgh, __m128i words, const uint32_t *constants)
{
    __m128i wk = _mm_add_epi32(words, _mm_load_si128((const __m128i *)constants));

    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_unpackhi_epi64(wk, wk));
}

/* The next four words: w0 (the oldest) to w3 are the sixteen before them. SHA256MSG1 adds sigma0 to w0, SHA256MSG2
 * sigma1, whose input is partly what it computes itself; W[t-7] is ours to add between them. */
SHA_TARGET static inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));

    return _mm_sha256msg2_epu32(sum, w3);
}

SHA_TARGET static void sha_ni_block(uint32_t state[static 8], const uint8_t data[static 64])
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i *at = (__m128i *)state;
    __m128i abcd = _mm_loadu_si128(at), efgh = _mm_loadu_si128(at + 1);
    __m128i abef = _mm_shuffle_epi32(_mm_unpacklo_epi64(efgh, abcd), 0xb1);
    __m128i cdgh = _mm_shuffle_epi32(_mm_unpackhi_epi64(efgh, abcd), 0xb1);
    __m128i abef_before = abef, cdgh_before = cdgh, w[4];

    for (int i = 0; i < 4; i++) {
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), big_endian);
        four_rounds(&abef, &cdgh, w[i], k + 4 * i);
    }
    for (int t = 16; t < 64; t += 16) {
        w[0] = next_words(w[0], w[1], w[2], w[3]);
        four_rounds(&abef, &cdgh, w[0], k + t);
        w[1] = next_words(w[1], w[2], w[3], w[0]);
        four_rounds(&abef, &cdgh, w[1], k + t + 4);
        w[2] = next_words(w[2], w[3], w[0], w[1]);
        four_rounds(&abef, &cdgh, w[2], k + t + 8);
        w[3] = next_words(w[3], w[0], w[1], w[2]);
        four_rounds(&abef, &cdgh, w[3], k + t + 12);
    }
    abef = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0xb1);
    cdgh = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xb1);
    _mm_storeu_si128(at, _mm_unpackhi_epi64(abef, cdgh));
    _mm_storeu_si128(at + 1, _mm_unpacklo_epi64(abef, cdgh));
}
#endif

const struct sl_sha256_routine sl_sha256_routines[] = {
#if defined(__x86_64__)
    {"sha-ni", has_sha, sha_ni_block},
#endif
    {"plain", always, plain_block},
    {NULL, NULL, NULL},
};

typedef void block_fn(uint32_t state[static 8], const uint8_t data[static 64]);
static block_fn choose_block;

/* Chosen by the first call. Threads that call first at the same time choose the same, so the order of their stores does
 * not matter. */
static block_fn *_Atomic chosen = choose_block;

static void choose_block(uint32_t state[static 8], const uint8_t data[static 64])
{
    const struct sl_sha256_routine *r = sl_sha256_routines;

    while (!r->has())
        r++;
    atomic_store_explicit(&chosen, r->block, memory_order_relaxed);
    r->block(state, data);
}

void sl_sha256_block(uint32_t state[static 8], const uint8_t data[static 64])
{
    atomic_load_explicit(&chosen, memory_order_relaxed)(state, data);
}

/* mbedTLS's hook (MBEDTLS_SHA256_PROCESS_ALT). */
int mbedtls_internal_sha256_process(mbedtls_sha256_context *ctx, const unsigned char data[64])
{
    sl_sha256_block(ctx->MBEDTLS_PRIVATE(state), data);
    return 0;
}
