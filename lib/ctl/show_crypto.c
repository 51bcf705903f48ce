/* Which backend computes what on this machine, and how fast: measured now, on the control thread, a few milliseconds for
 * each row. Private RSA operations need a whole key, so that theirs is the stated price alone. */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "ctl/internal.h"

#define MEASURE_NS (2 * SL_NS_PER_MS)
#define RUNS_MAX 100000 /* whatever the clock says */
#define RECORD_BYTES 16384

/* ---- record ciphers ---- */

static uint64_t cipher_bytes_per_s(enum sl_aead_id id)
{
    const struct sl_aead_backend *backend = sl_aead_best(id);
    struct sl_aead_key *key = aligned_alloc(_Alignof(struct sl_aead_key), sizeof *key);
    uint8_t *record = calloc(1, RECORD_BYTES), raw[SL_AEAD_KEY_MAX_BYTES], tag[SL_AEAD_TAG_BYTES], nonce[12] = {0};
    uint64_t begin, spent_ns = 0, bytes = 0;

    sl_crypto_random(raw, sizeof raw);
    if (key && record && backend->expand(key, id, raw) == 0) {
        struct sl_span span = {.p = record, .len = RECORD_BYTES};

        begin = sl_port_now();
        while (spent_ns < MEASURE_NS && bytes < (uint64_t)RUNS_MAX * RECORD_BYTES) {
            backend->seal(key, nonce, NULL, 0, &span, 1, tag);
            bytes += RECORD_BYTES;
            spent_ns = sl_port_now() - begin;
        }
        backend->forget(key);
    }
    sl_crypto_wipe(raw, sizeof raw);
    free(key);
    free(record);
    return spent_ns ? bytes * SL_NS_PER_S / spent_ns : 0;
}

/* ---- key operations ---- */

struct trial {
    struct sl_op_key *key; /* NULL: the kind needs none */
    struct sl_op ops[SL_OP_BATCH];
};

static void run(enum sl_op_kind kind, struct trial *t)
{
    const struct sl_op_backend *backend = sl_op_best(kind);
    struct sl_op *ops[SL_OP_BATCH];

    for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
        t->ops[i].kind = kind;
        t->ops[i].key = t->key;
        ops[i] = &t->ops[i];
    }
    for (uint32_t i = 0; i < SL_OP_BATCH; i += backend->width)
        backend->run(kind, ops + i, SL_MIN(backend->width, SL_OP_BATCH - i));
}

static bool with_key(struct trial *t, const struct sl_op_key_parts *parts)
{
    sl_op_key_free(t->key);
    t->key = sl_op_key_create(parts);
    return t->key != NULL;
}

/* With the first of fresh key pairs, random hashes; for verification also their signatures. */
static bool prepare_signature(struct trial *t, enum sl_op_kind generate, enum sl_op_kind sign, enum sl_op_kind verify)
{
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES], point[SL_OP_POINT_MAX_BYTES];
    struct sl_op_key_parts parts = {.kind = sign, .scalar = scalar};
    bool good;

    run(generate, t);
    memcpy(scalar, t->ops[0].dh.scalar, sizeof scalar);
    memcpy(point, t->ops[0].dh.point, sizeof point);
    for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
        sl_crypto_random(t->ops[i].ecdsa.hash, sizeof t->ops[i].ecdsa.hash);
        t->ops[i].ecdsa.hash_bytes = 32;
    }
    good = with_key(t, &parts);
    sl_crypto_wipe(scalar, sizeof scalar);
    if (!good || verify == sign)
        return good;
    run(sign, t);
    return with_key(t, &(struct sl_op_key_parts){.kind = verify, .point = point});
}

/* Any odd number serves as a public key. */
static bool prepare_rsa(struct trial *t, enum sl_op_kind kind, uint32_t bytes)
{
    uint8_t n[SL_OP_RSA_MAX_BYTES];

    sl_crypto_random(n, sizeof n);
    n[0] |= 0x80;
    n[bytes - 1] |= 1;
    for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
        sl_crypto_random(t->ops[i].rsa.in, bytes);
        t->ops[i].rsa.in[0] &= 0x7f;
    }
    return with_key(t, &(struct sl_op_key_parts){.kind = kind, .n = n});
}

static bool prepare_agreement(struct trial *t, enum sl_op_kind generate)
{
    run(generate, t); /* each with its own public key */
    return true;
}

/* Makes a trial's operations such that they can be computed again and again. False: this kind can't be tried. */
static bool prepare(struct trial *t, enum sl_op_kind kind)
{
    switch (kind) {
    case SL_OP_X25519_GENERATE:
    case SL_OP_P256_GENERATE:
    case SL_OP_P384_GENERATE:
        return true;
    case SL_OP_X25519_AGREE:
        return prepare_agreement(t, SL_OP_X25519_GENERATE);
    case SL_OP_P256_AGREE:
        return prepare_agreement(t, SL_OP_P256_GENERATE);
    case SL_OP_P384_AGREE:
        return prepare_agreement(t, SL_OP_P384_GENERATE);
    case SL_OP_P256_SIGN:
    case SL_OP_P256_VERIFY:
        return prepare_signature(t, SL_OP_P256_GENERATE, SL_OP_P256_SIGN, kind);
    case SL_OP_P384_SIGN:
    case SL_OP_P384_VERIFY:
        return prepare_signature(t, SL_OP_P384_GENERATE, SL_OP_P384_SIGN, kind);
    case SL_OP_RSA2048_PUBLIC:
        return prepare_rsa(t, kind, 256);
    case SL_OP_RSA3072_PUBLIC:
        return prepare_rsa(t, kind, 384);
    case SL_OP_RSA4096_PUBLIC:
        return prepare_rsa(t, kind, 512);
    default:
        return false;
    }
}

/* Nanoseconds of one operation in a full batch; 0: not measured. */
static uint64_t operation_ns(enum sl_op_kind kind)
{
    struct trial *t = calloc(1, sizeof *t);
    uint64_t begin, spent_ns = 0, n = 0;

    if (t && prepare(t, kind)) {
        begin = sl_port_now();
        while (spent_ns < MEASURE_NS && n < RUNS_MAX) {
            run(kind, t);
            n += SL_OP_BATCH;
            spent_ns = sl_port_now() - begin;
        }
        for (uint32_t i = 0; i < SL_OP_BATCH; i++)
            if (t->ops[i].status)
                n = 0; /* what is wrong is not fast */
    }
    if (t) {
        sl_op_key_free(t->key);
        sl_crypto_wipe(t, sizeof *t);
    }
    free(t);
    return n ? SL_MAX(spent_ns / n, 1) : 0;
}

/* ---- the command: a row a piece ---- */

static void show_cipher(enum sl_aead_id id, enum format format, struct out *o)
{
    const char *backend = sl_aead_best(id)->name;
    uint64_t speed = cipher_bytes_per_s(id);

    if (format == FORMAT_JSON)
        out_put(o, "%s{\"cipher\":\"%s\",\"backend\":\"%s\",\"bytes_per_second\":%llu}", id ? "," : "{\"ciphers\":[",
                sl_aead_name[id], backend, (unsigned long long)speed);
    else
        out_put(o, "%-18s %-10s %10.2f GB/s in records of 16 KiB\n", sl_aead_name[id], backend, (double)speed / 1e9);
}

static void show_operation(enum sl_op_kind kind, enum format format, struct out *o)
{
    const struct sl_op_backend *backend = sl_op_best(kind);
    uint64_t ns = operation_ns(kind);

    if (format == FORMAT_JSON)
        out_put(o, "%s{\"operation\":\"%s\",\"backend\":\"%s\",\"batch\":%u,\"ns\":%llu,\"stated_ns\":%u}",
                kind ? "," : "],\"operations\":[", sl_op_name[kind], backend->name, backend->width,
                (unsigned long long)ns, sl_op_price_ns(kind));
    else if (ns)
        out_put(o, "%-18s %-10s %10.1f us, %u at a time; stated %.1f\n", sl_op_name[kind], backend->name,
                (double)ns / 1e3, backend->width, sl_op_price_ns(kind) / 1e3);
    else
        out_put(o, "%-18s %-10s %10s   , %u at a time; stated %.1f\n", sl_op_name[kind], backend->name, "",
                backend->width, sl_op_price_ns(kind) / 1e3);
}

bool ctl_show_crypto(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    (void)ctl;
    (void)status;
    if (p->position < SL_AEAD_COUNT)
        show_cipher((enum sl_aead_id)p->position, format, o);
    else
        show_operation((enum sl_op_kind)(p->position - SL_AEAD_COUNT), format, o);
    if (++p->position < SL_AEAD_COUNT + SL_OP_KIND_COUNT)
        return true;
    out_put(o, format == FORMAT_JSON ? "]}\n" : "");
    return false;
}
