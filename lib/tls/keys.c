/* HKDF-Expand-Label over contexts on the stack. */
#include "tls/keys.h"

#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#define HASH_MAX_BYTES 64
#define BLOCK_MAX_BYTES 128
#define INFO_MAX_BYTES (2 + 1 + 18 + 1 + 255 + 1) /* an HkdfLabel (RFC 8446 7.1) and the number of the block */

struct hash {
    bool sha384;
    union {
        mbedtls_sha256_context s256;
        mbedtls_sha512_context s512;
    };
};

static void begin(struct hash *h, bool sha384)
{
    h->sha384 = sha384;
    if (sha384) {
        mbedtls_sha512_init(&h->s512);
        mbedtls_sha512_starts(&h->s512, 1);
    } else {
        mbedtls_sha256_init(&h->s256);
        mbedtls_sha256_starts(&h->s256, 0);
    }
}

static void add(struct hash *h, const uint8_t *p, uint32_t len)
{
    if (h->sha384)
        mbedtls_sha512_update(&h->s512, p, len);
    else
        mbedtls_sha256_update(&h->s256, p, len);
}

static void end(struct hash *h, uint8_t out[HASH_MAX_BYTES])
{
    if (h->sha384)
        mbedtls_sha512_finish(&h->s512, out);
    else
        mbedtls_sha256_finish(&h->s256, out);
    sl_crypto_wipe(h, sizeof *h);
}

/* One half of HMAC (RFC 2104): the hash of the padded key and what follows. */
static void half(bool sha384, const uint8_t *key, uint32_t key_bytes, uint8_t pad, const uint8_t *p, uint32_t len,
                 uint8_t out[HASH_MAX_BYTES])
{
    uint32_t block = sha384 ? 128 : 64;
    uint8_t padded[BLOCK_MAX_BYTES];
    struct hash h;

    for (uint32_t i = 0; i < block; i++)
        padded[i] = (uint8_t)((i < key_bytes ? key[i] : 0) ^ pad);
    begin(&h, sha384);
    add(&h, padded, block);
    add(&h, p, len);
    end(&h, out);
    sl_crypto_wipe(padded, sizeof padded);
}

void sl_keys_hmac(bool sha384, const uint8_t *key, uint32_t key_bytes, const uint8_t *p, uint32_t len, uint8_t *out)
{
    uint32_t hash_bytes = sha384 ? 48 : 32;
    uint8_t inner[HASH_MAX_BYTES], outer[HASH_MAX_BYTES];

    assert(key_bytes <= (sha384 ? 128u : 64u));
    half(sha384, key, key_bytes, 0x36, p, len, inner);
    half(sha384, key, key_bytes, 0x5c, inner, hash_bytes, outer);
    memcpy(out, outer, hash_bytes);
    sl_crypto_wipe(inner, sizeof inner);
    sl_crypto_wipe(outer, sizeof outer);
}

void sl_keys_expand_context(bool sha384, const uint8_t *secret, const char *label, const uint8_t *context,
                            uint32_t context_bytes, uint8_t *out, uint32_t out_bytes)
{
    static const char prefix[] = "tls13 ";
    uint32_t hash_bytes = sha384 ? 48 : 32, prefix_bytes = sizeof prefix - 1, label_bytes = (uint32_t)strlen(label);
    uint8_t info[INFO_MAX_BYTES], block[HASH_MAX_BYTES];
    uint32_t n = 0;

    assert(out_bytes <= hash_bytes && label_bytes <= 12 && context_bytes <= 255);
    info[n++] = 0;
    info[n++] = (uint8_t)out_bytes;
    info[n++] = (uint8_t)(prefix_bytes + label_bytes);
    memcpy(info + n, prefix, prefix_bytes);
    memcpy(info + n + prefix_bytes, label, label_bytes);
    n += prefix_bytes + label_bytes;
    info[n++] = (uint8_t)context_bytes;
    if (context_bytes)
        memcpy(info + n, context, context_bytes);
    n += context_bytes;
    info[n++] = 1; /* the first and only block of HKDF-Expand (RFC 5869 2.3) */
    sl_keys_hmac(sha384, secret, hash_bytes, info, n, block);
    memcpy(out, block, out_bytes);
    sl_crypto_wipe(block, sizeof block);
}

void sl_keys_expand_label(bool sha384, const uint8_t *secret, const char *label, uint8_t *out, uint32_t out_bytes)
{
    sl_keys_expand_context(sha384, secret, label, NULL, 0, out, out_bytes);
}

void sl_keys_derive(struct sl_tls_direction *d, bool sha384, enum sl_aead_id aead)
{
    sl_keys_expand_label(sha384, d->secret, "key", d->key, sl_aead_key_bytes[aead]);
    sl_keys_expand_label(sha384, d->secret, "iv", d->iv, sizeof d->iv);
}

void sl_keys_update(struct sl_tls_direction *d, bool sha384, enum sl_aead_id aead)
{
    uint8_t next[SL_TLS_SECRET_MAX_BYTES];
    uint32_t hash_bytes = sha384 ? 48 : 32;

    sl_keys_expand_label(sha384, d->secret, "traffic upd", next, hash_bytes);
    memcpy(d->secret, next, hash_bytes);
    sl_crypto_wipe(next, sizeof next);
    sl_keys_derive(d, sha384, aead);
    d->seq = 0;
}
