/* HKDF-Expand-Label and what is made with it. */
#include "tls/keys.h"

#define INFO_MAX_BYTES (2 + 1 + 18 + 1 + 255 + 1) /* an HkdfLabel (RFC 8446 7.1) and the number of the block */

void sl_keys_hmac(bool sha384, const uint8_t *key, uint32_t key_bytes, const uint8_t *p, uint32_t len, uint8_t *out)
{
    struct sl_hmac h;

    sl_hmac_key(&h, sha384, key, key_bytes);
    sl_hmac(&h, p, len, out);
    sl_crypto_wipe(&h, sizeof h);
}

void sl_keys_expand(const struct sl_hmac *secret, const char *label, const uint8_t *context, uint32_t context_bytes,
                    uint8_t *out, uint32_t out_bytes)
{
    static const char prefix[] = "tls13 ";
    uint32_t prefix_bytes = sizeof prefix - 1, label_bytes = (uint32_t)strlen(label), n = 0;
    uint8_t info[INFO_MAX_BYTES], block[SL_HMAC_MAX_BYTES];

    assert(out_bytes <= (secret->sha384 ? 48u : 32u) && label_bytes <= 12 && context_bytes <= 255);
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
    sl_hmac(secret, info, n, block);
    memcpy(out, block, out_bytes);
    sl_crypto_wipe(block, sizeof block);
}

void sl_keys_expand_label(bool sha384, const uint8_t *secret, const char *label, uint8_t *out, uint32_t out_bytes)
{
    struct sl_hmac h;

    sl_hmac_key(&h, sha384, secret, sha384 ? 48 : 32);
    sl_keys_expand(&h, label, NULL, 0, out, out_bytes);
    sl_crypto_wipe(&h, sizeof h);
}

void sl_keys_derive(struct sl_tls_direction *d, bool sha384, enum sl_aead_id aead)
{
    struct sl_hmac h;

    sl_hmac_key(&h, sha384, d->secret, sha384 ? 48 : 32);
    sl_keys_expand(&h, "key", NULL, 0, d->key, sl_aead_key_bytes[aead]);
    sl_keys_expand(&h, "iv", NULL, 0, d->iv, sizeof d->iv);
    sl_crypto_wipe(&h, sizeof h);
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
