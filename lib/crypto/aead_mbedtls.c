/* Record ciphers by mbedTLS: the plain twin, there on every machine. Its contexts are on mbedTLS's heap, because its GCM
 * keeps 4 KiB of multiples of the hash key; so a key is forgotten by the thread that expanded it. */
#include <errno.h>
#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform.h>
#include <stdlib.h>

#include "crypto/aead.h"

union context {
    mbedtls_gcm_context gcm;
    mbedtls_chachapoly_context chachapoly;
};

static union context *context_of(struct sl_aead_key *key)
{
    union context *ctx;

    memcpy(&ctx, key->state, sizeof ctx);
    return ctx;
}

/* One cipher of mbedTLS, streaming; each returns 0 or an error of mbedTLS. */
struct cipher {
    int (*expand)(union context *ctx, const uint8_t *raw, uint32_t raw_bytes);
    int (*start)(union context *ctx, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes);
    int (*update)(union context *ctx, uint8_t *p, uint32_t len);
    int (*finish)(union context *ctx, uint8_t *tag);
    void (*free)(union context *ctx);
};

static int gcm_expand(union context *ctx, const uint8_t *raw, uint32_t raw_bytes)
{
    mbedtls_gcm_init(&ctx->gcm);
    return mbedtls_gcm_setkey(&ctx->gcm, MBEDTLS_CIPHER_ID_AES, raw, raw_bytes * 8);
}

static int gcm_start(union context *ctx, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes)
{
    int rc =
        mbedtls_gcm_starts(&ctx->gcm, seal ? MBEDTLS_GCM_ENCRYPT : MBEDTLS_GCM_DECRYPT, nonce, SL_AEAD_NONCE_BYTES);

    return rc ? rc : mbedtls_gcm_update_ad(&ctx->gcm, aad, aad_bytes);
}

static int gcm_update(union context *ctx, uint8_t *p, uint32_t len)
{
    size_t out_bytes;

    return mbedtls_gcm_update(&ctx->gcm, p, len, p, len, &out_bytes);
}

static int gcm_finish(union context *ctx, uint8_t *tag)
{
    size_t out_bytes;

    return mbedtls_gcm_finish(&ctx->gcm, NULL, 0, &out_bytes, tag, SL_AEAD_TAG_BYTES);
}

static void gcm_free(union context *ctx) { mbedtls_gcm_free(&ctx->gcm); }

static int chachapoly_expand(union context *ctx, const uint8_t *raw, uint32_t raw_bytes)
{
    mbedtls_chachapoly_init(&ctx->chachapoly);
    return mbedtls_chachapoly_setkey(&ctx->chachapoly, raw);
}

static int chachapoly_start(union context *ctx, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes)
{
    int rc = mbedtls_chachapoly_starts(&ctx->chachapoly, nonce,
                                       seal ? MBEDTLS_CHACHAPOLY_ENCRYPT : MBEDTLS_CHACHAPOLY_DECRYPT);

    return rc ? rc : mbedtls_chachapoly_update_aad(&ctx->chachapoly, aad, aad_bytes);
}

static int chachapoly_update(union context *ctx, uint8_t *p, uint32_t len)
{
    return mbedtls_chachapoly_update(&ctx->chachapoly, len, p, p);
}

static int chachapoly_finish(union context *ctx, uint8_t *tag)
{
    return mbedtls_chachapoly_finish(&ctx->chachapoly, tag);
}

static void chachapoly_free(union context *ctx) { mbedtls_chachapoly_free(&ctx->chachapoly); }

static const struct cipher gcm = {gcm_expand, gcm_start, gcm_update, gcm_finish, gcm_free};
static const struct cipher chachapoly = {chachapoly_expand, chachapoly_start, chachapoly_update, chachapoly_finish,
                                         chachapoly_free};

static const struct cipher *const ciphers[SL_AEAD_COUNT] = {
    [SL_AEAD_AES_128_GCM] = &gcm,
    [SL_AEAD_AES_256_GCM] = &gcm,
    [SL_AEAD_CHACHA20_POLY1305] = &chachapoly,
};

static bool has(enum sl_aead_id id) { return true; }

static void forget(struct sl_aead_key *key)
{
    union context *ctx = context_of(key);

    ciphers[key->id]->free(ctx);
    sl_crypto_wipe(ctx, sizeof *ctx);
    mbedtls_free(ctx);
    sl_crypto_wipe(key->state, sizeof ctx);
}

static int expand(struct sl_aead_key *key, enum sl_aead_id id, const uint8_t *raw)
{
    union context *ctx = mbedtls_calloc(1, sizeof *ctx);

    if (!ctx)
        return -ENOMEM;
    key->backend = &sl_aead_mbedtls;
    key->id = id;
    memcpy(key->state, &ctx, sizeof ctx);
    if (ciphers[id]->expand(ctx, raw, sl_aead_key_bytes[id]) != 0) {
        forget(key); /* the block cipher's context is allocated too */
        return -ENOMEM;
    }
    return 0;
}

static void run(struct sl_aead_key *key, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes,
                const struct sl_span *spans, uint32_t n, uint8_t *tag)
{
    const struct cipher *cipher = ciphers[key->id];
    union context *ctx = context_of(key);
    int rc = cipher->start(ctx, seal, nonce, aad, aad_bytes);

    for (uint32_t i = 0; i < n && rc == 0; i++)
        if (spans[i].len)
            rc = cipher->update(ctx, spans[i].p, spans[i].len);
    if (rc == 0)
        rc = cipher->finish(ctx, tag);
    if (rc != 0)
        abort(); /* a caller's fault, or memory that is broken: what stands in the pieces may be plaintext */
}

static void seal(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n, uint8_t tag[static SL_AEAD_TAG_BYTES])
{
    run(key, true, nonce, aad, aad_bytes, spans, n, tag);
}

static bool open(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n,
                 const uint8_t tag[static SL_AEAD_TAG_BYTES])
{
    uint8_t ours[SL_AEAD_TAG_BYTES];

    run(key, false, nonce, aad, aad_bytes, spans, n, ours);
    return sl_crypto_equal(ours, tag, sizeof ours);
}

const struct sl_aead_backend sl_aead_mbedtls = {
    .name = "mbedtls", .has = has, .expand = expand, .forget = forget, .seal = seal, .open = open};
