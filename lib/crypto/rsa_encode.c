/* How a digest becomes what an RSA key signs: EMSA-PSS (RFC 8017 9.1) with a salt as long as the digest and MGF1 with
 * the same hash, as TLS 1.3 wants it (RFC 8446 4.2.3), and EMSA-PKCS1-v1_5 (RFC 8017 9.2). A modulus has all the bits of
 * its bytes here, so that an encoded message is as long as it is and one bit shorter. */
#include <errno.h>
#include <mbedtls/md.h>

#include "crypto/crypto.h"

#define HASH_MAX_BYTES 64

static const struct hash {
    mbedtls_md_type_t type;
    uint32_t bytes;
    uint8_t info[19]; /* DER of DigestInfo up to the digest (RFC 8017 9.2, note 1) */
} hashes[] = {
    [SL_RSA_SHA256] = {MBEDTLS_MD_SHA256,
                       32,
                       {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
                        0x00, 0x04, 0x20}},
    [SL_RSA_SHA384] = {MBEDTLS_MD_SHA384,
                       48,
                       {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
                        0x00, 0x04, 0x30}},
    [SL_RSA_SHA512] = {MBEDTLS_MD_SHA512,
                       64,
                       {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
                        0x00, 0x04, 0x40}},
};

static int start(mbedtls_md_context_t *md, const struct hash *hash)
{
    mbedtls_md_init(md);
    return mbedtls_md_setup(md, mbedtls_md_info_from_type(hash->type), 0) ? -ENOMEM : 0;
}

/* Adds MGF1(seed) to the bytes (B.2.1). */
static int mask(mbedtls_md_context_t *md, const struct hash *hash, const uint8_t *seed, uint8_t *bytes, uint32_t n)
{
    for (uint32_t at = 0, counter = 0; at < n; at += hash->bytes, counter++) {
        uint8_t block[HASH_MAX_BYTES], number[4];

        sl_put_u32(number, counter);
        if (mbedtls_md_starts(md) || mbedtls_md_update(md, seed, hash->bytes) ||
            mbedtls_md_update(md, number, sizeof number) || mbedtls_md_finish(md, block))
            return -ENOMEM;
        for (uint32_t i = 0; i < SL_MIN(hash->bytes, n - at); i++)
            bytes[at + i] ^= block[i];
    }
    return 0;
}

/* H = Hash(eight zeros, digest, salt) (9.1.1 steps 5 and 6). */
static int hash_salted(mbedtls_md_context_t *md, const struct hash *hash, const uint8_t *digest, const uint8_t *salt,
                       uint8_t *out)
{
    static const uint8_t zeros[8];

    if (mbedtls_md_starts(md) || mbedtls_md_update(md, zeros, sizeof zeros) ||
        mbedtls_md_update(md, digest, hash->bytes) || mbedtls_md_update(md, salt, hash->bytes) ||
        mbedtls_md_finish(md, out))
        return -ENOMEM;
    return 0;
}

int sl_rsa_encode_pss(enum sl_rsa_hash which, const uint8_t *digest, uint8_t *em, uint32_t em_bytes)
{
    const struct hash *hash = &hashes[which];
    uint8_t salt[HASH_MAX_BYTES], *h;
    mbedtls_md_context_t md;
    uint32_t db_bytes;
    int rc;

    if (em_bytes < 2 * hash->bytes + 2)
        return -EINVAL;
    db_bytes = em_bytes - hash->bytes - 1;
    h = em + db_bytes;
    sl_crypto_random(salt, hash->bytes);
    memset(em, 0, db_bytes);
    em[db_bytes - hash->bytes - 1] = 1;
    memcpy(em + db_bytes - hash->bytes, salt, hash->bytes);
    rc = start(&md, hash);
    if (!rc)
        rc = hash_salted(&md, hash, digest, salt, h);
    if (!rc)
        rc = mask(&md, hash, h, em, db_bytes);
    mbedtls_md_free(&md);
    em[0] &= 0x7f;
    em[em_bytes - 1] = 0xbc;
    return rc;
}

/* Whether a data block is zeros, one, salt; the top bit does not count (9.1.2 steps 9 and 10). */
static bool is_padded(uint8_t *db, uint32_t zeros)
{
    uint8_t any = 0;

    db[0] &= 0x7f;
    for (uint32_t i = 0; i < zeros; i++)
        any |= db[i];
    return any == 0 && db[zeros] == 1;
}

bool sl_rsa_check_pss(enum sl_rsa_hash which, const uint8_t *digest, const uint8_t *em, uint32_t em_bytes)
{
    const struct hash *hash = &hashes[which];
    uint8_t db[SL_OP_RSA_MAX_BYTES], h[HASH_MAX_BYTES];
    mbedtls_md_context_t md;
    uint32_t db_bytes;
    bool good;

    if (em_bytes < 2 * hash->bytes + 2 || em_bytes > sizeof db || em[em_bytes - 1] != 0xbc || em[0] & 0x80)
        return false;
    db_bytes = em_bytes - hash->bytes - 1;
    memcpy(db, em, db_bytes);
    good = start(&md, hash) == 0 && mask(&md, hash, em + db_bytes, db, db_bytes) == 0 &&
           is_padded(db, db_bytes - hash->bytes - 1) &&
           hash_salted(&md, hash, digest, db + db_bytes - hash->bytes, h) == 0 &&
           sl_crypto_equal(h, em + db_bytes, hash->bytes);
    mbedtls_md_free(&md);
    return good;
}

int sl_rsa_encode_pkcs1(enum sl_rsa_hash which, const uint8_t *digest, uint8_t *em, uint32_t em_bytes)
{
    const struct hash *hash = &hashes[which];
    uint32_t t_bytes = (uint32_t)sizeof hash->info + hash->bytes;

    if (em_bytes < t_bytes + 11)
        return -EINVAL;
    memset(em, 0xff, em_bytes);
    em[0] = 0;
    em[1] = 1;
    em[em_bytes - t_bytes - 1] = 0;
    memcpy(em + em_bytes - t_bytes, hash->info, sizeof hash->info);
    memcpy(em + em_bytes - hash->bytes, digest, hash->bytes);
    return 0;
}

/* There is one encoding of a digest, so that comparing leaves no room for what a parser would let through (8.2.2). */
bool sl_rsa_check_pkcs1(enum sl_rsa_hash which, const uint8_t *digest, const uint8_t *em, uint32_t em_bytes)
{
    uint8_t want[SL_OP_RSA_MAX_BYTES];

    return em_bytes <= sizeof want && sl_rsa_encode_pkcs1(which, digest, want, em_bytes) == 0 &&
           sl_crypto_equal(em, want, em_bytes);
}
