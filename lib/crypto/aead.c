/* Record ciphers: what each is called and how long its key is, and which backend computes it on this machine. */
#include <pthread.h>

#include "crypto/aead.h"

const uint8_t sl_aead_key_bytes[SL_AEAD_COUNT] = {
    [SL_AEAD_AES_128_GCM] = 16,
    [SL_AEAD_AES_256_GCM] = 32,
    [SL_AEAD_CHACHA20_POLY1305] = 32,
};

const char *const sl_aead_name[SL_AEAD_COUNT] = {
    [SL_AEAD_AES_128_GCM] = "AES-128-GCM",
    [SL_AEAD_AES_256_GCM] = "AES-256-GCM",
    [SL_AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

const struct sl_aead_backend *const sl_aead_backends[] = {
#ifdef SL_HAVE_IPSECMB
    &sl_aead_ipsecmb,
#endif
#ifdef SL_HAVE_LIBCRYPTO
    &sl_aead_libcrypto,
#endif
    &sl_aead_mbedtls,
    NULL,
};

static const struct sl_aead_backend *best[SL_AEAD_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct sl_aead_backend *fastest(enum sl_aead_id id)
{
    const struct sl_aead_backend *const *b = sl_aead_backends;

#if defined(SL_HAVE_IPSECMB) && defined(SL_HAVE_LIBCRYPTO)
    if (sl_aead_ipsecmb.has(id) && sl_aead_libcrypto.has(id) && !sl_aead_ipsecmb_leads(id))
        return &sl_aead_libcrypto;
#endif
    for (; *b; b++)
        if ((*b)->has(id))
            return *b;
    return &sl_aead_mbedtls; /* which has everything */
}

static void choose(void)
{
    for (int id = 0; id < SL_AEAD_COUNT; id++)
        best[id] = fastest((enum sl_aead_id)id);
}

const struct sl_aead_backend *sl_aead_best(enum sl_aead_id id)
{
    pthread_once(&once, choose);
    return best[id];
}
