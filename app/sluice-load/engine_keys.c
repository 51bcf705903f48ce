/* The client's key schedule of TLS 1.3 (RFC 8446 7.1) over running hashes. */
#include "engine_internal.h"

#include "tls/keys.h"

static const uint8_t zeros[HASH_MAX_BYTES];

/* ---- hashes ---- */

void load_hash_begin(struct load_hash *h, bool sha384)
{
    h->begun = true;
    h->sha384 = sha384;
    if (sha384) {
        mbedtls_sha512_init(&h->s512);
        mbedtls_sha512_starts(&h->s512, 1);
    } else {
        mbedtls_sha256_init(&h->s256);
        mbedtls_sha256_starts(&h->s256, 0);
    }
}

void load_hash_add(struct load_hash *h, const void *p, uint32_t len)
{
    if (h->sha384)
        mbedtls_sha512_update(&h->s512, p, len);
    else
        mbedtls_sha256_update(&h->s256, p, len);
}

void load_hash_tell(const struct load_hash *h, uint8_t out[HASH_MAX_BYTES])
{
    if (h->sha384) {
        mbedtls_sha512_context c = h->s512;

        mbedtls_sha512_finish(&c, out);
    } else {
        mbedtls_sha256_context c = h->s256;

        mbedtls_sha256_finish(&c, out);
    }
}

/* ---- secrets ---- */

static void extract(bool sha384, const uint8_t *salt, const uint8_t *in, uint32_t len, uint8_t *out)
{
    sl_keys_hmac(sha384, salt, hash_bytes(sha384), in, len, out);
}

static void take_in(struct sl_hmac *h, bool sha384, const uint8_t *secret)
{
    sl_hmac_key(h, sha384, secret, hash_bytes(sha384));
}

/* Derive-Secret with the hash of the messages. */
static void derive(const struct sl_hmac *secret, const char *label, const uint8_t *log, uint8_t *out)
{
    sl_keys_expand(secret, label, log, hash_bytes(secret->sha384), out, hash_bytes(secret->sha384));
}

static void tell(const struct sl_engine *e, const char *label, const uint8_t *secret)
{
    const struct sl_engine_policy_conf *app = &e->policy->app;

    sl_keylog(app->shared->keylog, app->settings, label, e->hello + RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES + 2, secret,
              hash_bytes(e->suite->sha384));
}

void load_keys_policy(struct sl_engine_policy *p)
{
    for (int sha384 = 0; sha384 < 2; sha384++) {
        uint8_t early[HASH_MAX_BYTES];
        struct load_hash nothing;
        struct sl_hmac h;

        load_hash_begin(&nothing, sha384);
        load_hash_tell(&nothing, p->empty[sha384]);
        extract(sha384, zeros, zeros, hash_bytes(sha384), early);
        take_in(&h, sha384, early);
        derive(&h, "derived", p->empty[sha384], p->salt[sha384]);
    }
}

void load_keys_handshake(struct sl_engine *e)
{
    const struct sl_engine_policy *p = e->policy;
    bool sha384 = e->suite->sha384;
    uint8_t log[HASH_MAX_BYTES], handshake[HASH_MAX_BYTES], salt[HASH_MAX_BYTES];
    struct sl_hmac h;

    load_hash_tell(&e->log, log);
    extract(sha384, e->resumed ? e->salt : p->salt[sha384], e->op.dh.secret, SHARE_BYTES, handshake);
    take_in(&h, sha384, handshake);
    derive(&h, "c hs traffic", log, e->tx.secret);
    derive(&h, "s hs traffic", log, e->rx.secret);
    derive(&h, "derived", p->empty[sha384], salt);
    extract(sha384, salt, zeros, hash_bytes(sha384), e->master);
    sl_keys_derive(&e->tx, sha384, e->suite->aead);
    sl_keys_derive(&e->rx, sha384, e->suite->aead);
    e->tx.seq = e->rx.seq = 0;
    tell(e, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", e->tx.secret);
    tell(e, "SERVER_HANDSHAKE_TRAFFIC_SECRET", e->rx.secret);
    sl_crypto_wipe(handshake, sizeof handshake);
    sl_crypto_wipe(&h, sizeof h);
}

void load_keys_finished(const struct sl_engine *e, const uint8_t *secret, uint8_t out[HASH_MAX_BYTES])
{
    bool sha384 = e->suite->sha384;
    uint8_t log[HASH_MAX_BYTES], key[HASH_MAX_BYTES];

    load_hash_tell(&e->log, log);
    sl_keys_expand_label(sha384, secret, "finished", key, hash_bytes(sha384));
    sl_keys_hmac(sha384, key, hash_bytes(sha384), log, hash_bytes(sha384), out);
}

void load_keys_application(struct sl_engine *e, uint8_t tx[HASH_MAX_BYTES], uint8_t rx[HASH_MAX_BYTES])
{
    uint8_t log[HASH_MAX_BYTES];
    struct sl_hmac h;

    load_hash_tell(&e->log, log);
    take_in(&h, e->suite->sha384, e->master);
    derive(&h, "c ap traffic", log, tx);
    derive(&h, "s ap traffic", log, rx);
    sl_crypto_wipe(&h, sizeof h);
    tell(e, "CLIENT_TRAFFIC_SECRET_0", tx);
    tell(e, "SERVER_TRAFFIC_SECRET_0", rx);
}

void load_keys_resumption(struct sl_engine *e)
{
    uint8_t log[HASH_MAX_BYTES];
    struct sl_hmac h;

    load_hash_tell(&e->log, log);
    take_in(&h, e->suite->sha384, e->master);
    derive(&h, "res master", log, e->resumption);
    sl_crypto_wipe(&h, sizeof h);
}

void load_keys_ticket(const struct sl_engine *e, const uint8_t *nonce, uint32_t n_nonce, struct load_ticket *t)
{
    bool sha384 = e->suite->sha384;
    const uint8_t *empty = e->policy->empty[sha384];
    uint8_t psk[HASH_MAX_BYTES], early[HASH_MAX_BYTES], binder[HASH_MAX_BYTES];
    struct sl_hmac h;

    t->sha384 = sha384;
    take_in(&h, sha384, e->resumption);
    sl_keys_expand(&h, "resumption", nonce, n_nonce, psk, hash_bytes(sha384));
    extract(sha384, zeros, psk, hash_bytes(sha384), early);
    take_in(&h, sha384, early);
    derive(&h, "derived", empty, t->salt);
    derive(&h, "res binder", empty, binder);
    sl_keys_expand_label(sha384, binder, "finished", t->binder_key, hash_bytes(sha384));
    sl_crypto_wipe(psk, sizeof psk);
    sl_crypto_wipe(early, sizeof early);
    sl_crypto_wipe(&h, sizeof h);
}
