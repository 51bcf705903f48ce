/* The key schedules of the client that is driven by hand, over mbedTLS's HKDF and PRF: RFC 8446 4.2.11.2, 4.4.4, 7.1 and
 * RFC 5246 6.3, 7.4.9, 8.1. */
#include "helpers/tls_raw.h"

#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>

#include "tls/keys.h"

static void must(bool good)
{
    if (!good)
        abort();
}

static const mbedtls_md_info_t *sha256(void) { return mbedtls_md_info_from_type(MBEDTLS_MD_SHA256); }

static void hash(const void *p, size_t len, uint8_t out[32]) { must(mbedtls_sha256(p, len, out, 0) == 0); }

void th_raw_hash(const struct th_raw *c, uint8_t out[32]) { hash(c->log.p, c->log.len, out); }

void th_raw_hmac(const uint8_t key[32], const uint8_t *p, size_t len, uint8_t out[32])
{
    must(mbedtls_md_hmac(sha256(), key, 32, p, len, out) == 0);
}

/* ---- 1.3 ---- */

static void extract(const uint8_t salt[32], const uint8_t in[32], uint8_t out[32])
{
    must(mbedtls_hkdf_extract(sha256(), salt, 32, in, 32, out) == 0);
}

static void expand(const uint8_t secret[32], const char *label, const uint8_t *context, uint32_t context_len,
                   uint8_t out[32])
{
    uint8_t info[128] = {0, 32}, n = 2;
    uint32_t label_len = (uint32_t)strlen(label);

    info[n++] = (uint8_t)(6 + label_len);
    memcpy(info + n, "tls13 ", 6);
    memcpy(info + n + 6, label, label_len);
    n = (uint8_t)(n + 6 + label_len);
    info[n++] = (uint8_t)context_len;
    if (context_len)
        memcpy(info + n, context, context_len);
    must(mbedtls_hkdf_expand(sha256(), secret, 32, info, n + context_len, out, 32) == 0);
}

/* Derive-Secret of what stands in the log. */
static void derive(const struct th_raw *c, const uint8_t secret[32], const char *label, uint8_t out[32])
{
    uint8_t transcript[32];

    th_raw_hash(c, transcript);
    expand(secret, label, transcript, 32, out);
}

static void derive_empty(const uint8_t secret[32], const char *label, uint8_t out[32])
{
    uint8_t nothing[32];

    hash("", 0, nothing);
    expand(secret, label, nothing, 32, out);
}

void th_raw_direction(struct sl_tls_direction *d, const uint8_t secret[32])
{
    memcpy(d->secret, secret, 32);
    sl_keys_derive(d, false, SL_AEAD_AES_128_GCM);
    d->seq = 0;
}

static const uint8_t zeros[32];

void th_raw_binder(struct th_raw *c, const uint8_t *hello, size_t len, uint8_t out[32])
{
    uint8_t early[32], binder[32], finished[32], transcript[32];
    uint8_t *all = malloc(c->log.len + len);

    must(all);
    if (c->log.len)
        memcpy(all, c->log.p, c->log.len);
    memcpy(all + c->log.len, hello, len);
    hash(all, c->log.len + len, transcript);
    free(all);
    extract(zeros, c->psk, early);
    derive_empty(early, "res binder", binder);
    expand(binder, "finished", NULL, 0, finished);
    th_raw_hmac(finished, transcript, 32, out);
}

void th_raw_handshake_keys(struct th_raw *c, const uint8_t peer[32])
{
    uint8_t early[32], salt[32], shared[32], handshake[32];
    size_t len;

    must(psa_raw_key_agreement(PSA_ALG_ECDH, c->key, peer, 32, shared, sizeof shared, &len) == PSA_SUCCESS);
    extract(zeros, c->resumed ? c->psk : zeros, early);
    derive_empty(early, "derived", salt);
    extract(salt, shared, handshake);
    derive(c, handshake, "c hs traffic", c->c_hs);
    derive(c, handshake, "s hs traffic", c->s_hs);
    derive_empty(handshake, "derived", salt);
    extract(salt, zeros, c->master);
    th_raw_direction(&c->keys.s.rx, c->c_hs);
    th_raw_direction(&c->keys.s.tx, c->s_hs);
    c->seal = c->open = true;
}

void th_raw_application_secrets(struct th_raw *c)
{
    derive(c, c->master, "c ap traffic", c->c_ap);
    derive(c, c->master, "s ap traffic", c->s_ap);
    th_raw_direction(&c->keys.s.tx, c->s_ap);
}

void th_raw_use_data_keys(struct th_raw *c)
{
    derive(c, c->master, "res master", c->res);
    th_raw_direction(&c->keys.s.rx, c->c_ap);
}

void th_raw_resumption(struct th_raw *c, const uint8_t *nonce, uint32_t nonce_len)
{
    expand(c->res, "resumption", nonce, nonce_len, c->psk);
}

/* ---- 1.2 ---- */

static void prf(const uint8_t *secret, size_t secret_len, const char *label, const uint8_t *seed, size_t seed_len,
                uint8_t *out, size_t len)
{
    must(mbedtls_ssl_tls_prf(MBEDTLS_SSL_TLS_PRF_SHA256, secret, secret_len, label, seed, seed_len, out, len) == 0);
}

/* RFC 5246 8.1, or RFC 7627 4; then 6.3 with the server's random first. */
void th_raw_master12(struct th_raw *c, bool server_took_ems)
{
    uint8_t shared[32], transcript[32], swapped[64], block[40];
    size_t len;

    must(psa_raw_key_agreement(PSA_ALG_ECDH, c->key, c->points + 1, 32, shared, sizeof shared, &len) == PSA_SUCCESS);
    th_raw_hash(c, transcript);
    if (server_took_ems)
        prf(shared, 32, "extended master secret", transcript, 32, c->master12, 48);
    else
        prf(shared, 32, "master secret", c->randoms, 64, c->master12, 48);
    memcpy(swapped, c->randoms + 32, 32);
    memcpy(swapped + 32, c->randoms, 32);
    prf(c->master12, 48, "key expansion", swapped, 64, block, sizeof block);
    memcpy(c->keys.s.rx.key, block, 16);
    memcpy(c->keys.s.tx.key, block + 16, 16);
    memcpy(c->keys.s.rx.iv, block + 32, 4);
    memcpy(c->keys.s.tx.iv, block + 36, 4);
    c->keys.s.rx.seq = c->keys.s.tx.seq = 0;
}

/* ---- both ---- */

void th_raw_verify_data(struct th_raw *c, uint8_t *out, uint32_t *len)
{
    uint8_t transcript[32], finished[32];

    th_raw_hash(c, transcript);
    if (c->v13) {
        expand(c->c_hs, "finished", NULL, 0, finished);
        th_raw_hmac(finished, transcript, 32, out);
        *len = 32;
    } else {
        prf(c->master12, 48, "client finished", transcript, 32, out, 12);
        *len = 12;
    }
}
