/* Record ciphers by OpenSSL's libcrypto (3.0 and later), for processors that IPsec-MB does not know or does not drive
 * best. Ciphers are fetched once for the process; a key is a context of libcrypto that both directions use. */
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/aead.h"

static EVP_CIPHER *cipher[SL_AEAD_COUNT]; /* live as long as the process */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    static const char *const name[SL_AEAD_COUNT] = {
        [SL_AEAD_AES_128_GCM] = "AES-128-GCM",
        [SL_AEAD_AES_256_GCM] = "AES-256-GCM",
        [SL_AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
    };

    for (int id = 0; id < SL_AEAD_COUNT; id++)
        cipher[id] = EVP_CIPHER_fetch(NULL, name[id], NULL);
}

static bool has(enum sl_aead_id id)
{
    pthread_once(&once, fetch);
    return cipher[id] != NULL;
}

static EVP_CIPHER_CTX *context_of(struct sl_aead_key *key)
{
    EVP_CIPHER_CTX *ctx;

    memcpy(&ctx, key->state, sizeof ctx);
    return ctx;
}

static int expand(struct sl_aead_key *key, enum sl_aead_id id, const uint8_t *raw)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!ctx || EVP_EncryptInit_ex2(ctx, cipher[id], raw, NULL, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return -ENOMEM;
    }
    key->backend = &sl_aead_libcrypto;
    key->id = id;
    memcpy(key->state, &ctx, sizeof ctx);
    return 0;
}

static void forget(struct sl_aead_key *key)
{
    EVP_CIPHER_CTX_free(context_of(key)); /* libcrypto erases the key schedule */
    sl_crypto_wipe(key->state, sizeof(EVP_CIPHER_CTX *));
}

/* Everything but the tag. */
static bool pass(EVP_CIPHER_CTX *ctx, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes,
                 const struct sl_span *spans, uint32_t n)
{
    int done;
    bool ok = EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, seal, NULL) == 1;

    if (aad_bytes)
        ok = ok && EVP_CipherUpdate(ctx, NULL, &done, aad, (int)aad_bytes) == 1;
    for (uint32_t i = 0; i < n; i++)
        if (spans[i].len)
            ok = ok && EVP_CipherUpdate(ctx, spans[i].p, &done, spans[i].p, (int)spans[i].len) == 1;
    return ok;
}

static void seal(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n, uint8_t tag[static SL_AEAD_TAG_BYTES])
{
    EVP_CIPHER_CTX *ctx = context_of(key);
    uint8_t none[16];
    int done;

    if (!pass(ctx, true, nonce, aad, aad_bytes, spans, n) || EVP_CipherFinal_ex(ctx, none, &done) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SL_AEAD_TAG_BYTES, tag) != 1)
        abort(); /* a caller's fault, or memory that is broken: what stands in the pieces may be plaintext */
}

static bool open(struct sl_aead_key *key, const uint8_t nonce[static SL_AEAD_NONCE_BYTES], const uint8_t *aad,
                 uint32_t aad_bytes, const struct sl_span *spans, uint32_t n,
                 const uint8_t tag[static SL_AEAD_TAG_BYTES])
{
    EVP_CIPHER_CTX *ctx = context_of(key);
    uint8_t none[16], theirs[SL_AEAD_TAG_BYTES];
    int done;

    memcpy(theirs, tag, sizeof theirs); /* libcrypto's argument is not const */
    /* libcrypto shows no computed tag when it decrypts: its own comparison is in constant time (CRYPTO_memcmp). */
    return pass(ctx, false, nonce, aad, aad_bytes, spans, n) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SL_AEAD_TAG_BYTES, theirs) == 1 &&
           EVP_CipherFinal_ex(ctx, none, &done) == 1;
}

const struct sl_aead_backend sl_aead_libcrypto = {
    .name = "libcrypto", .has = has, .expand = expand, .forget = forget, .seal = seal, .open = open};
