/* The ciphers of the handshake's own records by lib/crypto's fastest backend (sluice_hooks.h among mbedTLS's files): a
 * certificate's flight costs mbedTLS as much as a signature. On a fiber of ours only, and only backends that hang nothing
 * on the heap, because a fiber may be forgotten. */
#define SLUICE_HOOKS_PROTOTYPES
#include <sluice_hooks.h>

#include <mbedtls/platform.h>

#include "tls/engine_mbedtls.h"

#define ALIGNMENT _Alignof(struct sl_aead_key)

static const struct {
    mbedtls_cipher_type_t type;
    enum sl_aead_id id;
} ciphers[] = {
    {MBEDTLS_CIPHER_AES_128_GCM, SL_AEAD_AES_128_GCM},
    {MBEDTLS_CIPHER_AES_256_GCM, SL_AEAD_AES_256_GCM},
    {MBEDTLS_CIPHER_CHACHA20_POLY1305, SL_AEAD_CHACHA20_POLY1305},
};

bool sl_engine_aead(mbedtls_cipher_type_t cipher, enum sl_aead_id *id)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(ciphers); i++) {
        if (ciphers[i].type != cipher)
            continue;
        *id = ciphers[i].id;
        return true;
    }
    return false;
}

/* The backend that stands in for a cipher here; NULL: mbedTLS itself. The same answer for a context's whole life. */
static const struct sl_aead_backend *backend_of(const mbedtls_cipher_info_t *info, enum sl_aead_id *id)
{
    const struct sl_aead_backend *backend;

    if (!sl_engine_here() || !info || !sl_engine_aead(mbedtls_cipher_info_get_type(info), id))
        return NULL;
    backend = sl_aead_best(*id);
    return backend->self_contained ? backend : NULL;
}

/* The key within the block that hangs on a context. */
static struct sl_aead_key *key_of(const mbedtls_cipher_context_t *ctx)
{
    uintptr_t at = (uintptr_t)ctx->MBEDTLS_PRIVATE(cipher_ctx);

    return (struct sl_aead_key *)((at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

int sl_hook_cipher_setup(mbedtls_cipher_context_t *ctx, const mbedtls_cipher_info_t *info)
{
    enum sl_aead_id id;

    if (!backend_of(info, &id))
        return mbedtls_cipher_setup(ctx, info);
    ctx->MBEDTLS_PRIVATE(cipher_info) = info;
    ctx->MBEDTLS_PRIVATE(cipher_ctx) = mbedtls_calloc(1, sizeof(struct sl_aead_key) + ALIGNMENT);
    return ctx->MBEDTLS_PRIVATE(cipher_ctx) ? 0 : MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
}

int sl_hook_cipher_setkey(mbedtls_cipher_context_t *ctx, const unsigned char *raw, int bits,
                          mbedtls_operation_t operation)
{
    enum sl_aead_id id;
    const struct sl_aead_backend *backend = backend_of(ctx->MBEDTLS_PRIVATE(cipher_info), &id);

    if (!backend)
        return mbedtls_cipher_setkey(ctx, raw, bits, operation);
    if (bits != sl_aead_key_bytes[id] * 8)
        return MBEDTLS_ERR_CIPHER_BAD_INPUT_DATA;
    return backend->expand(key_of(ctx), id, raw) == 0 ? 0 : MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
}

void sl_hook_cipher_free(mbedtls_cipher_context_t *ctx)
{
    enum sl_aead_id id;

    if (!backend_of(ctx->MBEDTLS_PRIVATE(cipher_info), &id)) {
        mbedtls_cipher_free(ctx);
        return;
    }
    if (ctx->MBEDTLS_PRIVATE(cipher_ctx))
        sl_crypto_wipe(key_of(ctx), sizeof(struct sl_aead_key));
    mbedtls_free(ctx->MBEDTLS_PRIVATE(cipher_ctx));
    mbedtls_cipher_init(ctx);
}

/* mbedTLS works in place, or over pieces that don't overlap. */
static struct sl_span copied(const unsigned char *in, size_t len, unsigned char *out)
{
    if (in != out)
        memmove(out, in, len);
    return (struct sl_span){out, (uint32_t)len};
}

int sl_hook_cipher_auth_encrypt_ext(mbedtls_cipher_context_t *ctx, const unsigned char *iv, size_t iv_len,
                                    const unsigned char *ad, size_t ad_len, const unsigned char *in, size_t in_len,
                                    unsigned char *out, size_t room, size_t *len, size_t tag_len)
{
    enum sl_aead_id id;
    const struct sl_aead_backend *backend = backend_of(ctx->MBEDTLS_PRIVATE(cipher_info), &id);
    struct sl_span text;

    if (!backend)
        return mbedtls_cipher_auth_encrypt_ext(ctx, iv, iv_len, ad, ad_len, in, in_len, out, room, len, tag_len);
    if (iv_len != SL_AEAD_NONCE_BYTES || tag_len != SL_AEAD_TAG_BYTES || room < in_len + tag_len)
        return MBEDTLS_ERR_CIPHER_BAD_INPUT_DATA;
    text = copied(in, in_len, out);
    backend->seal(key_of(ctx), iv, ad, (uint32_t)ad_len, &text, 1, out + in_len);
    *len = in_len + tag_len;
    return 0;
}

int sl_hook_cipher_auth_decrypt_ext(mbedtls_cipher_context_t *ctx, const unsigned char *iv, size_t iv_len,
                                    const unsigned char *ad, size_t ad_len, const unsigned char *in, size_t in_len,
                                    unsigned char *out, size_t room, size_t *len, size_t tag_len)
{
    enum sl_aead_id id;
    const struct sl_aead_backend *backend = backend_of(ctx->MBEDTLS_PRIVATE(cipher_info), &id);
    struct sl_span text;

    if (!backend)
        return mbedtls_cipher_auth_decrypt_ext(ctx, iv, iv_len, ad, ad_len, in, in_len, out, room, len, tag_len);
    if (iv_len != SL_AEAD_NONCE_BYTES || tag_len != SL_AEAD_TAG_BYTES || in_len < tag_len || room < in_len - tag_len)
        return MBEDTLS_ERR_CIPHER_BAD_INPUT_DATA;
    text = copied(in, in_len - tag_len, out);
    *len = in_len - tag_len;
    return backend->open(key_of(ctx), iv, ad, (uint32_t)ad_len, &text, 1, in + in_len - tag_len)
               ? 0
               : MBEDTLS_ERR_CIPHER_AUTH_FAILED;
}
