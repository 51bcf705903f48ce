/* Long-lived keys of operations: the parts copied into one allocation, and what a backend prepares from them. */
#include <stdlib.h>

#include "crypto/op.h"

/* Where a part lies in both structs, and how long it is: of a coordinate's or modulus's length, in halves. */
struct part {
    size_t from, to;
    uint32_t halves, more;
};
#define PART(name, halves, more)                                                                                       \
    {                                                                                                                  \
        offsetof(struct sl_op_key_parts, name), offsetof(struct sl_op_key, name), halves, more                         \
    }

struct parts {
    const struct part *part;
    uint32_t n;
};

static const struct part sign_parts[] = {PART(scalar, 2, 0)};
static const struct part verify_parts[] = {PART(point, 4, 1)};
static const struct part public_parts[] = {PART(n, 2, 0)};
static const struct part private_parts[] = {PART(n, 2, 0),  PART(p, 1, 0),  PART(q, 1, 0),
                                            PART(dp, 1, 0), PART(dq, 1, 0), PART(qinv, 1, 0)};
#define LIST(parts)                                                                                                    \
    {                                                                                                                  \
        parts, SL_ARRAY_LEN(parts)                                                                                     \
    }

static const struct parts parts_of[] = {
    [SL_OP_SIGN] = LIST(sign_parts),
    [SL_OP_VERIFY] = LIST(verify_parts),
    [SL_OP_PRIVATE] = LIST(private_parts),
    [SL_OP_PUBLIC] = LIST(public_parts),
};

static uint32_t bytes_of(const struct part *part, enum sl_op_kind kind)
{
    return sl_op_shape[kind].bytes / 2 * part->halves + part->more;
}

static const uint8_t *given(const struct sl_op_key_parts *from, const struct part *part)
{
    const uint8_t *p;

    memcpy(&p, (const uint8_t *)from + part->from, sizeof p);
    return p;
}

/* Bytes of all parts; 0 when one is not given. */
static uint32_t measure(const struct sl_op_key_parts *from, const struct parts *list)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < list->n; i++) {
        if (!given(from, &list->part[i]))
            return 0;
        bytes += bytes_of(&list->part[i], from->kind);
    }
    return bytes;
}

static void copy(struct sl_op_key *key, const struct sl_op_key_parts *from, const struct parts *list)
{
    uint8_t *at = key->bytes;

    for (uint32_t i = 0; i < list->n; i++) {
        uint32_t bytes = bytes_of(&list->part[i], key->kind);
        const uint8_t *to = at;

        memcpy(at, given(from, &list->part[i]), bytes);
        memcpy((uint8_t *)key + list->part[i].to, &to, sizeof to);
        at += bytes;
    }
}

struct sl_op_key *sl_op_key_create(const struct sl_op_key_parts *parts)
{
    const struct parts *list = &parts_of[sl_op_shape[parts->kind].verb];
    uint32_t bytes = measure(parts, list);
    struct sl_op_key *key;

    if (!bytes)
        return NULL;
    key = calloc(1, sizeof *key + bytes);
    if (!key)
        return NULL;
    key->kind = parts->kind;
    key->all_bytes = (uint32_t)sizeof *key + bytes;
    copy(key, parts, list);
    if (!sl_op_key_is_sound(key) || sl_op_libcrypto_prepare(key) != 0) {
        sl_op_key_free(key);
        return NULL;
    }
    return key;
}

void sl_op_key_free(struct sl_op_key *key)
{
    if (!key)
        return;
    sl_op_libcrypto_forget(key);
    sl_crypto_wipe(key, key->all_bytes);
    free(key);
}

#ifndef SL_HAVE_LIBCRYPTO
int sl_op_libcrypto_prepare(struct sl_op_key *key)
{
    (void)key;
    return 0;
}

void sl_op_libcrypto_forget(struct sl_op_key *key) { (void)key; }
#endif
