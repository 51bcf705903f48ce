/* The peer of a record layer, from known secrets: seals and opens one record at a time, in one piece, and whatever it is
 * told to. It shares only the ciphers and the derivation of keys with the room. */
#include <stdio.h>
#include <stdlib.h>

#include "helpers/tls_kit.h"
#include "tls/keys.h"

static bool explicit_nonce(const struct th_twin *t) { return !t->s.v13 && t->s.aead != SL_AEAD_CHACHA20_POLY1305; }

void th_twin_init(struct th_twin *t, bool v13, enum sl_aead_id aead, uint64_t seed)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, seed);
    *t = (struct th_twin){.s = {.v13 = v13, .aead = aead, .sha384 = aead == SL_AEAD_AES_256_GCM}};
    for (uint32_t i = 0; i < sizeof t->s.tx.secret; i++) {
        t->s.tx.secret[i] = (uint8_t)sl_rng_next(&rng);
        t->s.rx.secret[i] = (uint8_t)sl_rng_next(&rng);
    }
    sl_keys_derive(&t->s.tx, t->s.sha384, aead); /* any key will do for 1.2 */
    sl_keys_derive(&t->s.rx, t->s.sha384, aead);
}

static void nonce_of(const struct th_twin *t, const struct sl_tls_direction *d, const uint8_t *in_record,
                     uint8_t *nonce)
{
    memcpy(nonce, d->iv, SL_AEAD_NONCE_BYTES);
    if (explicit_nonce(t)) {
        memcpy(nonce + 4, in_record, 8);
        return;
    }
    for (int i = 0; i < 8; i++)
        nonce[SL_AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(d->seq >> (8 * i));
}

static uint32_t aad_of(const struct th_twin *t, uint64_t seq, const uint8_t *record, size_t plain, uint8_t *aad)
{
    if (t->s.v13) {
        memcpy(aad, record, 5);
        return 5;
    }
    for (int i = 0; i < 8; i++)
        aad[7 - i] = (uint8_t)(seq >> (8 * i));
    memcpy(aad + 8, record, 3);
    aad[11] = (uint8_t)(plain >> 8);
    aad[12] = (uint8_t)plain;
    return 13;
}

size_t th_twin_seal(struct th_twin *t, uint8_t type, const void *bytes, size_t len, size_t padding, uint8_t *out)
{
    size_t head = 5 + (explicit_nonce(t) ? 8 : 0), plain = len + (t->s.v13 ? 1 + padding : 0);
    size_t body = head - 5 + plain + SL_AEAD_TAG_BYTES;
    uint8_t nonce[SL_AEAD_NONCE_BYTES], aad[13];
    struct sl_span span = {out + head, (uint32_t)plain};
    _Alignas(64) struct sl_aead_key key;

    out[0] = t->s.v13 && !t->outer ? 23 : t->outer ? t->outer : type;
    out[1] = t->version ? (uint8_t)(t->version >> 8) : 3;
    out[2] = t->version ? (uint8_t)t->version : 3;
    out[3] = (uint8_t)(body >> 8);
    out[4] = (uint8_t)body;
    for (int i = 0; i < 8 && explicit_nonce(t); i++)
        out[12 - i] = (uint8_t)(t->s.rx.seq >> (8 * i));
    if (len)
        memcpy(out + head, bytes, len);
    if (t->s.v13) {
        out[head + len] = type;
        memset(out + head + len + 1, 0, padding);
    }
    nonce_of(t, &t->s.rx, out + 5, nonce);
    if (sl_aead_best(t->s.aead)->expand(&key, t->s.aead, t->s.rx.key) < 0)
        abort();
    key.backend->seal(&key, nonce, aad, aad_of(t, t->s.rx.seq, out, plain, aad), &span, 1, out + head + plain);
    key.backend->forget(&key);
    t->s.rx.seq++;
    return 5 + body;
}

int th_twin_open(struct th_twin *t, uint8_t *record, size_t len, uint8_t *type, uint8_t **plain)
{
    size_t head = 5 + (explicit_nonce(t) ? 8 : 0), n;
    uint8_t nonce[SL_AEAD_NONCE_BYTES], aad[13];
    struct sl_span span;
    _Alignas(64) struct sl_aead_key key;
    bool good;

    if (len < 5 || len != 5 + ((size_t)record[3] << 8 | record[4]) || len < head + SL_AEAD_TAG_BYTES)
        return -1;
    n = len - head - SL_AEAD_TAG_BYTES;
    span = (struct sl_span){record + head, (uint32_t)n};
    nonce_of(t, &t->s.tx, record + 5, nonce);
    if (sl_aead_best(t->s.aead)->expand(&key, t->s.aead, t->s.tx.key) < 0)
        abort();
    good = key.backend->open(&key, nonce, aad, aad_of(t, t->s.tx.seq, record, n, aad), &span, 1, record + head + n);
    key.backend->forget(&key);
    if (!good)
        return -1;
    t->s.tx.seq++;
    *plain = record + head;
    *type = record[0];
    if (!t->s.v13)
        return (int)n;
    if (record[0] != 23)
        return -1;
    while (n && !record[head + n - 1])
        n--;
    if (!n)
        return -1;
    *type = record[head + n - 1];
    return (int)n - 1;
}

size_t th_twin_take(struct th_twin *t, struct th_pipe *pipe, uint8_t *record, size_t room, uint8_t *type,
                    uint8_t **plain, int *len)
{
    size_t all;

    if (th_pipe_waiting(pipe) < 5)
        return 0;
    th_pipe_take(pipe, record, 5);
    all = 5 + ((size_t)record[3] << 8 | record[4]);
    if (all > room || th_pipe_waiting(pipe) < all - 5)
        return 0;
    th_pipe_take(pipe, record + 5, all - 5);
    *len = th_twin_open(t, record, all, type, plain);
    return all;
}
