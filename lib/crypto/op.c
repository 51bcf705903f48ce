/* Key operations: their names and shapes, and which backend computes what. */
#include <pthread.h>

#include "crypto/op.h"

const char *const sl_op_name[SL_OP_KIND_COUNT] = {
    [SL_OP_X25519_GENERATE] = "x25519-generate",
    [SL_OP_X25519_AGREE] = "x25519-agree",
    [SL_OP_P256_GENERATE] = "p256-generate",
    [SL_OP_P256_AGREE] = "p256-agree",
    [SL_OP_P256_SIGN] = "p256-sign",
    [SL_OP_P256_VERIFY] = "p256-verify",
    [SL_OP_P384_GENERATE] = "p384-generate",
    [SL_OP_P384_AGREE] = "p384-agree",
    [SL_OP_P384_SIGN] = "p384-sign",
    [SL_OP_P384_VERIFY] = "p384-verify",
    [SL_OP_RSA2048_PRIVATE] = "rsa2048-private",
    [SL_OP_RSA3072_PRIVATE] = "rsa3072-private",
    [SL_OP_RSA4096_PRIVATE] = "rsa4096-private",
    [SL_OP_RSA2048_PUBLIC] = "rsa2048-public",
    [SL_OP_RSA3072_PUBLIC] = "rsa3072-public",
    [SL_OP_RSA4096_PUBLIC] = "rsa4096-public",
};

const struct sl_op_shape sl_op_shape[SL_OP_KIND_COUNT] = {
    [SL_OP_X25519_GENERATE] = {SL_OP_GENERATE, SL_OP_X25519, 32},
    [SL_OP_X25519_AGREE] = {SL_OP_AGREE, SL_OP_X25519, 32},
    [SL_OP_P256_GENERATE] = {SL_OP_GENERATE, SL_OP_P256, 32},
    [SL_OP_P256_AGREE] = {SL_OP_AGREE, SL_OP_P256, 32},
    [SL_OP_P256_SIGN] = {SL_OP_SIGN, SL_OP_P256, 32},
    [SL_OP_P256_VERIFY] = {SL_OP_VERIFY, SL_OP_P256, 32},
    [SL_OP_P384_GENERATE] = {SL_OP_GENERATE, SL_OP_P384, 48},
    [SL_OP_P384_AGREE] = {SL_OP_AGREE, SL_OP_P384, 48},
    [SL_OP_P384_SIGN] = {SL_OP_SIGN, SL_OP_P384, 48},
    [SL_OP_P384_VERIFY] = {SL_OP_VERIFY, SL_OP_P384, 48},
    [SL_OP_RSA2048_PRIVATE] = {SL_OP_PRIVATE, SL_OP_RSA, 256},
    [SL_OP_RSA3072_PRIVATE] = {SL_OP_PRIVATE, SL_OP_RSA, 384},
    [SL_OP_RSA4096_PRIVATE] = {SL_OP_PRIVATE, SL_OP_RSA, 512},
    [SL_OP_RSA2048_PUBLIC] = {SL_OP_PUBLIC, SL_OP_RSA, 256},
    [SL_OP_RSA3072_PUBLIC] = {SL_OP_PUBLIC, SL_OP_RSA, 384},
    [SL_OP_RSA4096_PUBLIC] = {SL_OP_PUBLIC, SL_OP_RSA, 512},
};

const struct sl_op_backend *const sl_op_backends[] = {
#ifdef SL_HAVE_CRYPTO_MB
    &sl_op_cryptomb,
#endif
#ifdef SL_HAVE_LIBCRYPTO
    &sl_op_libcrypto,
#endif
    &sl_op_mbedtls, NULL};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Per kind: the backend that computes so many (index: operations - 1) for the least, and what that costs. Written once. */
static const struct sl_op_backend *cheapest[SL_OP_KIND_COUNT][SL_OP_BATCH];
static uint32_t price[SL_OP_KIND_COUNT][SL_OP_BATCH];

static uint32_t price_of(const struct sl_op_backend *backend, enum sl_op_kind kind, uint32_t n)
{
    return (n + backend->width - 1) / backend->width * backend->price_ns[kind];
}

static void choose_for(enum sl_op_kind kind)
{
    for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++) {
        if (!(*b)->has(kind))
            continue;
        for (uint32_t n = 1; n <= SL_OP_BATCH; n++) {
            uint32_t cost = price_of(*b, kind, n);

            if (cheapest[kind][n - 1] && price[kind][n - 1] <= cost)
                continue;
            cheapest[kind][n - 1] = *b;
            price[kind][n - 1] = cost;
        }
    }
}

static void choose(void)
{
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++)
        choose_for((enum sl_op_kind)kind);
}

const struct sl_op_backend *sl_op_best(enum sl_op_kind kind)
{
    pthread_once(&once, choose);
    return cheapest[kind][SL_OP_BATCH - 1];
}

uint64_t sl_op_run_price_ns(enum sl_op_kind kind, uint32_t n)
{
    pthread_once(&once, choose);
    return price[kind][n - 1];
}

uint32_t sl_op_price_ns(enum sl_op_kind kind) { return (uint32_t)sl_op_run_price_ns(kind, SL_OP_BATCH) / SL_OP_BATCH; }

uint64_t sl_op_run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n)
{
    uint64_t cost = sl_op_run_price_ns(kind, n);
    const struct sl_op_backend *backend = cheapest[kind][n - 1];

    for (uint32_t i = 0; i < n; i += backend->width)
        backend->run(kind, ops + i, SL_MIN(backend->width, n - i));
    return cost;
}

const struct sl_op_nonces *sl_op_nonces(enum sl_op_kind kind)
{
#ifdef SL_HAVE_CRYPTO_MB
    if (sl_op_best(kind) == &sl_op_cryptomb)
        return sl_op_cryptomb_nonces(kind);
#endif
    return NULL;
}
