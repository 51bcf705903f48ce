/* A record layer's life, and what both directions have in common. */
#include "tls/record.h"

#include <rte_byteorder.h>
#include <stdlib.h>

#include "tls/keys.h"
#include "tls/record_internal.h"

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void sl_record_start(struct sl_record *r, const struct sl_tls_secrets *secrets)
{
    *r = (struct sl_record){.tx = secrets->tx,
                            .rx = secrets->rx,
                            .aead = (uint8_t)secrets->aead,
                            .v13 = secrets->v13,
                            .sha384 = secrets->sha384};
    if (r->v13) {
        sl_keys_derive(&r->tx, r->sha384, secrets->aead);
        sl_keys_derive(&r->rx, r->sha384, secrets->aead);
    }
}

void sl_record_end(struct sl_record *r, struct sl_record_shared *shared)
{
    sl_key_cache_forget(&shared->keys, &r->tx);
    sl_key_cache_forget(&shared->keys, &r->rx);
    for (uint32_t i = r->rest ? r->rest->at : 0; r->rest && i < r->rest->n; i++)
        sl_slice_free(&r->rest->v[i]);
    free(r->rest);
    sl_crypto_wipe(r, sizeof *r);
}

void record_nonce(const struct sl_record *r, const struct sl_tls_direction *d, const uint8_t *explicit,
                  uint8_t nonce[static SL_AEAD_NONCE_BYTES])
{
    uint64_t low;

    memcpy(nonce, d->iv, SL_AEAD_NONCE_BYTES);
    if (has_explicit_nonce(r)) {
        memcpy(nonce + 4, explicit, EXPLICIT_NONCE_BYTES);
        return;
    }
    memcpy(&low, nonce + 4, sizeof low);
    low ^= rte_cpu_to_be_64(d->seq);
    memcpy(nonce + 4, &low, sizeof low);
}

uint32_t record_aad(const struct sl_record *r, uint64_t seq, const uint8_t header[static SL_RECORD_HEADER_BYTES],
                    uint32_t plain_bytes, uint8_t aad[static AAD_MAX_BYTES])
{
    if (r->v13) {
        memcpy(aad, header, SL_RECORD_HEADER_BYTES);
        return SL_RECORD_HEADER_BYTES;
    }
    put64(aad, seq);
    memcpy(aad + 8, header, 3);
    aad[11] = (uint8_t)(plain_bytes >> 8);
    aad[12] = (uint8_t)plain_bytes;
    return 13;
}

void record_rekey(struct sl_record_ctx *x, struct sl_tls_direction *d)
{
    sl_key_cache_forget(&x->shared->keys, d);
    sl_keys_update(d, x->r->sha384, (enum sl_aead_id)x->r->aead);
}

enum sl_record_status record_fail(struct sl_record_ctx *x, enum sl_tls_fail why, uint8_t alert)
{
    x->failure = (struct sl_tls_failure){.why = why};
    if (alert && sl_record_alert(x, alert))
        x->failure.alert_sent = alert;
    return SL_RECORD_FAILED;
}
