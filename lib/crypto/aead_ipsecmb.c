/* Record ciphers by Intel IPsec-MB (1.3 to 2.0), through its direct calls: a record is one message over pieces, and there
 * is no queue to wait in. The library's manager only serves to find the routines for this processor; nothing of it is
 * kept, so workers share constant pointers. */
#include <intel-ipsec-mb.h>
#include <pthread.h>

#include "crypto/aead.h"

/* What the routines of one key length of GCM are. */
struct gcm_calls {
    aes_gcm_pre_t expand;
    aes_gcm_init_t start;
    aes_gcm_enc_dec_update_t update[2]; /* open, seal */
    aes_gcm_enc_dec_finalize_t finish[2];
    aes_gcm_enc_dec_t whole[2];
};

struct chachapoly_calls {
    chacha_poly_init_t start;
    chacha_poly_enc_dec_update_t update[2];
    chacha_poly_finalize_t finish;
};

static struct gcm_calls gcm[2]; /* by enum sl_aead_id */
static struct chachapoly_calls chachapoly;
static bool there, avx512;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static_assert(SL_AEAD_AES_128_GCM == 0 && SL_AEAD_AES_256_GCM == 1, "they index gcm[]");
static_assert(sizeof(struct gcm_key_data) <= sizeof((struct sl_aead_key *)0)->state, "an expanded key fits");
static_assert(_Alignof(struct gcm_key_data) <= 64, "and is aligned");

static void find_calls(void)
{
    IMB_MGR *m = alloc_mb_mgr(0);

    if (!m)
        return;
    init_mb_mgr_auto(m, NULL);
    gcm[0] = (struct gcm_calls){
        .expand = m->gcm128_pre,
        .start = m->gcm128_init,
        .update = {m->gcm128_dec_update, m->gcm128_enc_update},
        .finish = {m->gcm128_dec_finalize, m->gcm128_enc_finalize},
        .whole = {m->gcm128_dec, m->gcm128_enc},
    };
    gcm[1] = (struct gcm_calls){
        .expand = m->gcm256_pre,
        .start = m->gcm256_init,
        .update = {m->gcm256_dec_update, m->gcm256_enc_update},
        .finish = {m->gcm256_dec_finalize, m->gcm256_enc_finalize},
        .whole = {m->gcm256_dec, m->gcm256_enc},
    };
    chachapoly = (struct chachapoly_calls){
        .start = m->chacha20_poly1305_init,
        .update = {m->chacha20_poly1305_dec_update, m->chacha20_poly1305_enc_update},
        .finish = m->chacha20_poly1305_finalize,
    };
    /* An error here: no AES instructions, or its self-test failed. */
    there = imb_get_errno(m) == 0 && (m->features & IMB_FEATURE_AESNI) && gcm[0].start && chachapoly.start;
    avx512 = m->features & IMB_FEATURE_AVX512_SKX;
    free_mb_mgr(m);
}

static bool has(enum sl_aead_id id)
{
    pthread_once(&once, find_calls);
    return there;
}

/* Its Poly1305 is scalar below AVX-512, and libcrypto's is not; records of 4 KiB and more are slower here then. */
bool sl_aead_ipsecmb_leads(enum sl_aead_id id) { return id != SL_AEAD_CHACHA20_POLY1305 || avx512; }

static int expand(struct sl_aead_key *key, enum sl_aead_id id, const uint8_t *raw)
{
    key->backend = &sl_aead_ipsecmb;
    key->id = id;
    if (id == SL_AEAD_CHACHA20_POLY1305)
        memcpy(key->state, raw, SL_AEAD_KEY_MAX_BYTES); /* there is nothing to expand */
    else
        gcm[id].expand(raw, (struct gcm_key_data *)key->state);
    return 0;
}

static void forget(struct sl_aead_key *key) { sl_crypto_wipe(key->state, sizeof(struct gcm_key_data)); }

/* The only piece that is not empty; NULL: there are several, or none. */
static const struct sl_span *only(const struct sl_span *spans, uint32_t n)
{
    const struct sl_span *found = NULL;

    for (uint32_t i = 0; i < n; i++) {
        if (!spans[i].len)
            continue;
        if (found)
            return NULL;
        found = &spans[i];
    }
    return found;
}

static void run_gcm(struct sl_aead_key *key, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes,
                    const struct sl_span *spans, uint32_t n, uint8_t *tag)
{
    const struct gcm_calls *call = &gcm[key->id];
    const struct gcm_key_data *expanded = (const struct gcm_key_data *)key->state;
    const struct sl_span *one = only(spans, n);
    struct gcm_context_data ctx;

    if (one) {
        call->whole[seal](expanded, &ctx, one->p, one->p, one->len, nonce, aad, aad_bytes, tag, SL_AEAD_TAG_BYTES);
    } else {
        call->start(expanded, &ctx, nonce, aad, aad_bytes);
        for (uint32_t i = 0; i < n; i++)
            if (spans[i].len)
                call->update[seal](expanded, &ctx, spans[i].p, spans[i].p, spans[i].len);
        call->finish[seal](expanded, &ctx, tag, SL_AEAD_TAG_BYTES);
    }
    sl_crypto_wipe(&ctx, sizeof ctx); /* keystream of a block that was not full */
}

static void run_chachapoly(struct sl_aead_key *key, bool seal, const uint8_t *nonce, const uint8_t *aad,
                           uint32_t aad_bytes, const struct sl_span *spans, uint32_t n, uint8_t *tag)
{
    struct chacha20_poly1305_context_data ctx;

    chachapoly.start(key->state, &ctx, nonce, aad, aad_bytes);
    for (uint32_t i = 0; i < n; i++)
        if (spans[i].len)
            chachapoly.update[seal](key->state, &ctx, spans[i].p, spans[i].p, spans[i].len);
    chachapoly.finish(&ctx, tag, SL_AEAD_TAG_BYTES);
    sl_crypto_wipe(&ctx, sizeof ctx); /* the one-time key, keystream */
}

static void run(struct sl_aead_key *key, bool seal, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_bytes,
                const struct sl_span *spans, uint32_t n, uint8_t *tag)
{
    static const uint8_t nothing[1]; /* the library wants an address for no bytes too */

    (key->id == SL_AEAD_CHACHA20_POLY1305 ? run_chachapoly : run_gcm)(key, seal, nonce, aad ? aad : nothing, aad_bytes,
                                                                      spans, n, tag);
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

const struct sl_aead_backend sl_aead_ipsecmb = {.name = "ipsec-mb",
                                                .self_contained = true,
                                                .has = has,
                                                .expand = expand,
                                                .forget = forget,
                                                .seal = seal,
                                                .open = open};
