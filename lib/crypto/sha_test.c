/* SHA-2: published vectors through mbedTLS, which calls our block functions, and every routine against the plain one. */
#include "crypto/crypto.h"
#include "crypto/sha.h"

#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- vectors: FIPS 180-4's examples ("abc", two blocks, a million times "a") ---- */
#define TWO_BLOCKS_256 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define TWO_BLOCKS_512                                                                                                 \
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"

static const struct vector {
    int bits;
    const char *text; /* NULL: a million times "a" */
    const char *digest;
} vectors[] = {
    {256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {256, TWO_BLOCKS_256, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {256, NULL, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {224, "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {384, "abc", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {384, TWO_BLOCKS_512,
     "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"},
    {512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
     "2a9ac94fa54ca49f"},
    {512, TWO_BLOCKS_512,
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd2654"
     "5e96e55b874be909"},
    {512, NULL,
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e"
     "4eadb217ad8cc09b"},
};

static void vector_holds(const struct vector *v, const uint8_t *bytes, size_t len)
{
    uint8_t digest[64];

    if (v->bits <= 256)
        assert_int_equal(mbedtls_sha256(bytes, len, digest, v->bits == 224), 0);
    else
        assert_int_equal(mbedtls_sha512(bytes, len, digest, v->bits == 384), 0);
    for (int i = 0; i < v->bits / 8; i++)
        assert_int_equal(digest[i], strtoul((char[]){v->digest[2 * i], v->digest[2 * i + 1], 0}, NULL, 16));
}

static void published_vectors_hold(void **state)
{
    const size_t million = 1000000;
    uint8_t *many = malloc(million);

    memset(many, 'a', million);
    for (const struct vector *v = vectors; v < vectors + SL_ARRAY_LEN(vectors); v++)
        vector_holds(v, v->text ? (const uint8_t *)v->text : many, v->text ? strlen(v->text) : million);
    free(many);
}

/* ---- routines against the plain one, each block in an exactly sized buffer at an odd address ---- */
#define BLOCKS 2000

static void fill(struct sl_rng *rng, void *out, size_t len)
{
    uint8_t *p = out;

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)sl_rng_next(rng);
}

static const struct sl_sha256_routine *plain256(void)
{
    const struct sl_sha256_routine *r = sl_sha256_routines;

    while (r[1].name)
        r++;
    return r;
}

static void sha256_routines_agree(void **state)
{
    const struct sl_sha256_routine *plain = plain256();
    uint8_t *buf = malloc(65);
    struct sl_rng rng;

    sl_rng_seed(&rng, 21);
    assert_true(plain->has());
    for (const struct sl_sha256_routine *r = sl_sha256_routines; r < plain; r++)
        for (int i = 0; r->has() && i < BLOCKS; i++) {
            uint32_t a[8], b[8];

            fill(&rng, a, sizeof a);
            fill(&rng, buf + 1, 64);
            memcpy(b, a, sizeof b);
            r->block(a, buf + 1);
            plain->block(b, buf + 1);
            assert_memory_equal(a, b, sizeof a);
        }
    free(buf);
}

static const struct sl_sha512_routine *plain512(void)
{
    const struct sl_sha512_routine *r = sl_sha512_routines;

    while (r[1].name)
        r++;
    return r;
}

static void sha512_routines_agree(void **state)
{
    const struct sl_sha512_routine *plain = plain512();
    uint8_t *buf = malloc(129);
    struct sl_rng rng;

    sl_rng_seed(&rng, 22);
    assert_true(plain->has());
    for (const struct sl_sha512_routine *r = sl_sha512_routines; r < plain; r++)
        for (int i = 0; r->has() && i < BLOCKS; i++) {
            uint64_t a[8], b[8];

            fill(&rng, a, sizeof a);
            fill(&rng, buf + 1, 128);
            memcpy(b, a, sizeof b);
            r->block(a, buf + 1);
            plain->block(b, buf + 1);
            assert_memory_equal(a, b, sizeof a);
        }
    free(buf);
}

/* The plain routines are what a vector measures only where nothing faster is there: so once by hand. "abc" padded. */
static void plain_routines_hash_abc(void **state)
{
    static const uint32_t abc256[2] = {0xba7816bf, 0x8f01cfea};
    static const uint64_t abc512[2] = {0xddaf35a193617aba, 0xcc417349ae204131};
    uint8_t block[128] = {'a', 'b', 'c', 0x80};
    uint32_t s256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint64_t s512[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

    block[63] = 24; /* bits */
    plain256()->block(s256, block);
    assert_memory_equal(s256, abc256, sizeof abc256);
    block[63] = 0;
    block[127] = 24;
    plain512()->block(s512, block);
    assert_memory_equal(s512, abc512, sizeof abc512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_hold),
        cmocka_unit_test(plain_routines_hash_abc),
        cmocka_unit_test(sha256_routines_agree),
        cmocka_unit_test(sha512_routines_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
