/* ECDSA signatures as TLS and X.509 carry them: DER of SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 2.2.3, X.690 8.3 and
 * 10.1). Up to P-384 all lengths are below 128, one byte each. */
#include "crypto/crypto.h"

#define TAG_INTEGER 0x02
#define TAG_SEQUENCE 0x30

/* As short as it can be and positive; how long it is. */
static uint32_t put_integer(uint8_t *out, const uint8_t *number, uint32_t bytes)
{
    uint32_t zeros = 0, sign;

    while (zeros < bytes - 1 && number[zeros] == 0)
        zeros++;
    sign = number[zeros] >> 7;
    out[0] = TAG_INTEGER;
    out[1] = (uint8_t)(bytes - zeros + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, number + zeros, bytes - zeros);
    return 2 + sign + bytes - zeros;
}

uint32_t sl_ecdsa_der(uint8_t out[static SL_ECDSA_DER_MAX_BYTES], const uint8_t *r, const uint8_t *s, uint32_t bytes)
{
    uint32_t n = 2;

    assert(bytes > 0 && bytes <= SL_OP_SCALAR_MAX_BYTES);
    n += put_integer(out + n, r, bytes);
    n += put_integer(out + n, s, bytes);
    out[0] = TAG_SEQUENCE;
    out[1] = (uint8_t)(n - 2);
    return n;
}

/* The contents of the next element, which has this tag and a length of one byte. */
static struct sl_cursor element(struct sl_cursor *c, uint8_t tag)
{
    uint8_t length;

    c->bad |= sl_cursor_u8(c) != tag;
    length = sl_cursor_u8(c);
    c->bad |= length > 127;
    return sl_cursor_sub(c, length);
}

static bool get_integer(struct sl_cursor *c, uint8_t *number, uint32_t bytes)
{
    struct sl_cursor i = element(c, TAG_INTEGER);
    size_t n = sl_cursor_left(&i);

    if (n == 0 || i.p[0] & 0x80) /* empty, or negative */
        return false;
    if (n > 1 && i.p[0] == 0) {
        if (!(i.p[1] & 0x80)) /* longer than need be */
            return false;
        sl_cursor_skip(&i, 1);
        n--;
    }
    if (n > bytes)
        return false;
    memset(number, 0, bytes - n);
    memcpy(number + bytes - n, i.p, n);
    return true;
}

bool sl_ecdsa_der_parse(const uint8_t *der, size_t der_bytes, uint8_t *r, uint8_t *s, uint32_t bytes)
{
    struct sl_cursor c = sl_cursor_of(der, der_bytes), in = element(&c, TAG_SEQUENCE);

    return get_integer(&in, r, bytes) && get_integer(&in, s, bytes) && sl_cursor_left(&in) == 0 && !c.bad &&
           sl_cursor_left(&c) == 0;
}
