/* HKDF for mbedTLS's key schedule of TLS 1.3 (RFC 5869; sluice_hooks.h among mbedTLS's files says why not PSA's). */
#define SLUICE_HOOKS_PROTOTYPES
#include <sluice_hooks.h>

#include "tls/engine_mbedtls.h"
#include "tls/keys.h"

#define INFO_MAX_BYTES 320 /* an HkdfLabel (RFC 8446 7.1), the block before it and its number */

psa_status_t sl_hook_hkdf_setup(struct sl_hook_hkdf *h, psa_algorithm_t alg)
{
    psa_algorithm_t hash = PSA_ALG_HKDF_GET_HASH(alg);

    if (hash != PSA_ALG_SHA_256 && hash != PSA_ALG_SHA_384)
        return PSA_ERROR_NOT_SUPPORTED;
    *h = (struct sl_hook_hkdf){.alg = alg};
    return PSA_SUCCESS;
}

psa_status_t sl_hook_hkdf_input(struct sl_hook_hkdf *h, psa_key_derivation_step_t step, const uint8_t *p, size_t len)
{
    if (step == PSA_KEY_DERIVATION_INPUT_SALT) {
        h->salt = p;
        h->salt_len = len;
    } else if (step == PSA_KEY_DERIVATION_INPUT_SECRET) {
        h->secret = p;
        h->secret_len = len;
    } else {
        h->info = p;
        h->info_len = len;
    }
    return PSA_SUCCESS;
}

/* With the memory of the handshake that runs; where none does, without. */
static void hmac(bool sha384, const uint8_t *key, size_t key_len, const uint8_t *p, size_t len, uint8_t *out)
{
    struct sl_engine *e = sl_engine_here();

    if (e && key_len && key_len <= SL_HMAC_MAX_BYTES)
        sl_hmac(sl_hmac_remember(&e->macs, sha384, key, (uint32_t)key_len), p, (uint32_t)len, out);
    else
        sl_keys_hmac(sha384, key, (uint32_t)key_len, p, (uint32_t)len, out);
}

/* RFC 5869 2.3: block after block, each over the one before. */
static psa_status_t expand(const struct sl_hook_hkdf *h, bool sha384, uint8_t *out, size_t len)
{
    uint32_t hash_bytes = sha384 ? 48 : 32, n = 0;
    uint8_t input[INFO_MAX_BYTES], block[SL_TLS_SECRET_MAX_BYTES];

    if (h->info_len + hash_bytes + 1 > sizeof input || len > 255u * hash_bytes)
        return PSA_ERROR_INVALID_ARGUMENT;
    for (uint8_t i = 1; len; i++) {
        uint32_t take = (uint32_t)SL_MIN(len, (size_t)hash_bytes);

        memcpy(input + n, h->info, h->info_len);
        input[n + h->info_len] = i;
        hmac(sha384, h->secret, h->secret_len, input, n + h->info_len + 1, block);
        memcpy(out, block, take);
        memcpy(input, block, hash_bytes);
        n = hash_bytes;
        out += take;
        len -= take;
    }
    sl_crypto_wipe(input, sizeof input);
    sl_crypto_wipe(block, sizeof block);
    return PSA_SUCCESS;
}

psa_status_t sl_hook_hkdf_output(struct sl_hook_hkdf *h, uint8_t *out, size_t len)
{
    bool sha384 = PSA_ALG_HKDF_GET_HASH(h->alg) == PSA_ALG_SHA_384;

    if (PSA_ALG_IS_HKDF_EXPAND(h->alg))
        return expand(h, sha384, out, len);
    if (len != (sha384 ? 48u : 32u))
        return PSA_ERROR_INVALID_ARGUMENT;
    hmac(sha384, h->salt, h->salt_len, h->secret, h->secret_len, out);
    return PSA_SUCCESS;
}

psa_status_t sl_hook_hkdf_abort(struct sl_hook_hkdf *h)
{
    *h = (struct sl_hook_hkdf){0};
    return PSA_SUCCESS;
}
