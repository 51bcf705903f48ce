/* HMAC straight from SHA-2's block functions (RFC 2104, FIPS 180-4). */
#include "crypto/hmac.h"

#include "crypto/crypto.h"
#include "crypto/sha.h"

#define BLOCK_MAX_BYTES 128

/* FIPS 180-4 5.3.3, 5.3.4 */
static const union sl_hmac_state begin_256 = {.s256 = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                                       0x9b05688c, 0x1f83d9ab, 0x5be0cd19}},
                                 begin_384 = {.s512 = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
                                                       0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
                                                       0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}};

static uint32_t block_bytes(bool sha384) { return sha384 ? 128 : 64; }

static void compress(union sl_hmac_state *s, bool sha384, const uint8_t *p)
{
    if (sha384)
        sl_sha512_block(s->s512, p);
    else
        sl_sha256_block(s->s256, p);
}

static void write_out(const union sl_hmac_state *s, bool sha384, uint8_t *out)
{
    for (int i = 0; sha384 && i < 6; i++) {
        sl_put_u32(out + 8 * i, (uint32_t)(s->s512[i] >> 32));
        sl_put_u32(out + 8 * i + 4, (uint32_t)s->s512[i]);
    }
    for (int i = 0; !sha384 && i < 8; i++)
        sl_put_u32(out + 4 * i, s->s256[i]);
}

/* The rest of a message of which one block, the padded key, was hashed, and the end (FIPS 180-4 5.1). */
static void finish(union sl_hmac_state s, bool sha384, const uint8_t *p, uint32_t len, uint8_t *out)
{
    uint32_t block = block_bytes(sha384), bits = 8 * (block + len), all;
    uint8_t last[2 * BLOCK_MAX_BYTES];

    for (; len >= block; p += block, len -= block)
        compress(&s, sha384, p);
    all = len + 1 + block / 8 <= block ? block : 2 * block; /* the length takes an eighth of a block */
    if (len)
        memcpy(last, p, len);
    memset(last + len, 0, all - len);
    last[len] = 0x80;
    sl_put_u32(last + all - 4, bits);
    compress(&s, sha384, last);
    if (all > block)
        compress(&s, sha384, last + block);
    write_out(&s, sha384, out);
    sl_crypto_wipe(last, all); /* the message may be a key */
    sl_crypto_wipe(&s, sizeof s);
}

static void pad_key(union sl_hmac_state *s, bool sha384, const uint8_t *key, uint32_t key_bytes, uint8_t pad)
{
    uint8_t padded[BLOCK_MAX_BYTES];

    memset(padded, pad, sizeof padded);
    for (uint32_t i = 0; i < key_bytes; i++)
        padded[i] ^= key[i];
    *s = sha384 ? begin_384 : begin_256;
    compress(s, sha384, padded);
    sl_crypto_wipe(padded, sizeof padded);
}

void sl_hmac_key(struct sl_hmac *h, bool sha384, const uint8_t *key, uint32_t key_bytes)
{
    assert(key_bytes <= block_bytes(sha384));
    h->sha384 = sha384;
    pad_key(&h->inner, sha384, key, key_bytes, 0x36);
    pad_key(&h->outer, sha384, key, key_bytes, 0x5c);
}

void sl_hmac(const struct sl_hmac *h, const uint8_t *p, uint32_t len, uint8_t *out)
{
    uint8_t inner[SL_HMAC_MAX_BYTES];

    assert(len < 1u << 24); /* short messages: the length in bits is written as 32 of them */
    finish(h->inner, h->sha384, p, len, inner);
    finish(h->outer, h->sha384, inner, h->sha384 ? 48 : 32, out);
    sl_crypto_wipe(inner, sizeof inner);
}

/* Which of its keys somebody uses when is no secret, and they are compared with nobody else's: the time may depend on it. */
const struct sl_hmac *sl_hmac_remember(struct sl_hmac_memory *m, bool sha384, const uint8_t *key, uint32_t key_bytes)
{
    uint32_t at = m->next;

    assert(0 < key_bytes && key_bytes <= SL_HMAC_MAX_BYTES);
    for (uint32_t i = 0; i < SL_HMAC_REMEMBERED; i++)
        if (m->last[i].n == key_bytes && m->last[i].key.sha384 == sha384 && !memcmp(m->last[i].bytes, key, key_bytes))
            return &m->last[i].key;
    m->next = (at + 1) % SL_HMAC_REMEMBERED;
    memcpy(m->last[at].bytes, key, key_bytes);
    m->last[at].n = (uint8_t)key_bytes;
    sl_hmac_key(&m->last[at].key, sha384, key, key_bytes);
    return &m->last[at].key;
}
