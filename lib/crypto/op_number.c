/* Numbers of curves and keys: the constants of SEC 2, secrets below an order, digests as numbers. */
#include <endian.h>

#include "crypto/op.h"

const struct sl_op_curve sl_op_curve[SL_OP_GROUP_COUNT] = {
    [SL_OP_P256] = {.bytes = 32,
                    .p = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
                          0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                    .n = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                          0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51}},
    [SL_OP_P384] = {.bytes = 48,
                    .p = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff,
                          0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff},
                    .n = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
                          0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73}},
};

/* out = a - b; the borrow, 0 or 1. out may be a. */
static unsigned subtract(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t bytes)
{
    unsigned borrow = 0;

    for (size_t i = bytes; i-- > 0;) {
        unsigned d = (unsigned)a[i] - b[i] - borrow;

        out[i] = (uint8_t)d;
        borrow = d >> 8 & 1;
    }
    return borrow;
}

bool sl_op_below(const uint8_t *a, const uint8_t *limit, size_t bytes)
{
    unsigned borrow = 0;

    for (size_t i = bytes; i-- > 0;)
        borrow = ((unsigned)a[i] - limit[i] - borrow) >> 8 & 1;
    return borrow;
}

bool sl_op_in_range(const uint8_t *a, const uint8_t *limit, size_t bytes)
{
    unsigned any = 0;

    for (size_t i = 0; i < bytes; i++)
        any |= a[i];
    return (any != 0) & sl_op_below(a, limit, bytes);
}

void sl_op_random_scalar(enum sl_op_group group, uint8_t *out)
{
    const struct sl_op_curve *curve = &sl_op_curve[group];

    if (group == SL_OP_X25519) { /* RFC 7748 5 */
        sl_crypto_random(out, 32);
        out[0] &= 0xf8;
        out[31] = (uint8_t)((out[31] & 0x7f) | 0x40);
        return;
    }
    do { /* both orders are so near a power of two that a second round is a rarity */
        sl_crypto_random(out, curve->bytes);
    } while (!sl_op_in_range(out, curve->n, curve->bytes));
}

void sl_op_digest_number(enum sl_op_group group, const uint8_t *hash, uint32_t hash_bytes, uint8_t *out)
{
    const struct sl_op_curve *curve = &sl_op_curve[group];
    uint32_t n = SL_MIN(hash_bytes, curve->bytes);

    memset(out, 0, curve->bytes);
    memcpy(out + curve->bytes - n, hash, n);
    if (!sl_op_below(out, curve->n, curve->bytes))
        (void)subtract(out, out, curve->n, curve->bytes); /* below twice the order: once is enough */
}

bool sl_op_point_is_plain(enum sl_op_group group, const uint8_t *point)
{
    const struct sl_op_curve *curve = &sl_op_curve[group];

    return point[0] == 4 && sl_op_below(point + 1, curve->p, curve->bytes) &&
           sl_op_below(point + 1 + curve->bytes, curve->p, curve->bytes);
}

void sl_op_to_words(uint64_t *out, const uint8_t *in, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t v;

        memcpy(&v, in + bytes - 8 * (i + 1), sizeof v);
        out[i] = be64toh(v);
    }
}

void sl_op_from_words(uint8_t *out, const uint64_t *in, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t v = htobe64(in[i]);

        memcpy(out + bytes - 8 * (i + 1), &v, sizeof v);
    }
}
