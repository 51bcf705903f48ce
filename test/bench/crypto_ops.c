/* Key operations by each backend, eight at a time and alone, and the same work by OpenSSL's EVP in turns with them. */
#include "crypto_ops.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "crypto/op.h"

#define SAMPLE_NS 400000 /* about so long is a sample */

/* ---- long-lived keys, and operations that can be computed again and again ---- */

struct trial {
    struct sl_op_key *key; /* NULL: the kind needs none */
    struct sl_op ops[SL_OP_BATCH];
    struct bm_evp evp;
};

static void run(const struct sl_op_backend *backend, enum sl_op_kind kind, struct trial *t, uint32_t n)
{
    struct sl_op *ops[SL_OP_BATCH];

    for (uint32_t i = 0; i < n; i++) {
        t->ops[i].kind = kind;
        t->ops[i].key = t->key;
        ops[i] = &t->ops[i];
    }
    for (uint32_t i = 0; i < n; i += backend->width)
        backend->run(kind, ops + i, SL_MIN(backend->width, n - i));
    for (uint32_t i = 0; i < n; i++)
        bm_must(t->ops[i].status == 0, "an operation fails");
}

static void number(const EVP_PKEY *pkey, const char *name, uint8_t *out, uint32_t bytes)
{
    BIGNUM *n = NULL;

    bm_must(EVP_PKEY_get_bn_param(pkey, name, &n) && BN_bn2binpad(n, out, (int)bytes) == (int)bytes, "a part of a key");
    BN_clear_free(n);
}

static void prepare_rsa(struct trial *t, enum sl_op_kind kind)
{
    uint32_t bytes = sl_op_shape[kind].bytes;
    uint8_t n[SL_OP_RSA_MAX_BYTES], half[5][SL_OP_RSA_MAX_BYTES / 2];
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    struct sl_op_key_parts parts = {
        .kind = kind, .n = n, .p = half[0], .q = half[1], .dp = half[2], .dq = half[3], .qinv = half[4]};

    number(t->evp.key, OSSL_PKEY_PARAM_RSA_N, n, bytes);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(names); i++)
        number(t->evp.key, names[i], half[i], bytes / 2);
    t->key = sl_op_key_create(&parts);
    for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
        sl_crypto_random(t->ops[i].rsa.in, bytes);
        t->ops[i].rsa.in[0] = 0;
    }
}

static void prepare_signature(struct trial *t, enum sl_op_kind kind)
{
    bool p256 = sl_op_shape[kind].group == SL_OP_P256, verify = sl_op_shape[kind].verb == SL_OP_VERIFY;
    enum sl_op_kind generate = p256 ? SL_OP_P256_GENERATE : SL_OP_P384_GENERATE;
    enum sl_op_kind sign = p256 ? SL_OP_P256_SIGN : SL_OP_P384_SIGN;
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES], point[SL_OP_POINT_MAX_BYTES];

    run(&sl_op_mbedtls, generate, t, 1);
    memcpy(scalar, t->ops[0].dh.scalar, sizeof scalar);
    memcpy(point, t->ops[0].dh.point, sizeof point);
    for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
        sl_crypto_random(t->ops[i].ecdsa.hash, 32);
        t->ops[i].ecdsa.hash_bytes = 32;
    }
    t->key = sl_op_key_create(&(struct sl_op_key_parts){.kind = sign, .scalar = scalar});
    bm_must(t->key != NULL, "a key for signing");
    if (!verify)
        return;
    run(&sl_op_mbedtls, sign, t, SL_OP_BATCH);
    sl_op_key_free(t->key);
    t->key = sl_op_key_create(&(struct sl_op_key_parts){.kind = kind, .point = point});
}

static void prepare(struct trial *t, enum sl_op_kind kind)
{
    enum sl_op_verb verb = sl_op_shape[kind].verb;
    enum sl_op_group group = sl_op_shape[kind].group;

    memset(t, 0, sizeof *t);
    bm_evp_begin(&t->evp, kind);
    if (group == SL_OP_RSA)
        prepare_rsa(t, kind);
    else if (verb == SL_OP_SIGN || verb == SL_OP_VERIFY)
        prepare_signature(t, kind);
    else if (verb == SL_OP_AGREE)
        run(&sl_op_mbedtls, kind - 1, t, SL_OP_BATCH); /* its *_GENERATE: each with its own public key */
    bm_must(verb == SL_OP_GENERATE || verb == SL_OP_AGREE || t->key, "a key");
}

/* ---- measuring ---- */

/* Somebody who can compute a kind, n at a time. */
struct way {
    const char *who, *how;
    const struct sl_op_backend *backend; /* NULL: EVP */
    uint32_t n, times;                   /* times: in a sample */
    struct bm_series us;
};

static void once(struct way *w, enum sl_op_kind kind, struct trial *t)
{
    if (w->backend)
        run(w->backend, kind, t, w->n);
    else
        bm_evp_run(&t->evp);
}

static void sample(struct way *w, enum sl_op_kind kind, struct trial *t)
{
    uint64_t begin;

    if (!w->times) {
        once(w, kind, t);
        begin = bm_cpu_ns();
        once(w, kind, t);
        w->times = (uint32_t)(SAMPLE_NS / SL_MAX(bm_cpu_ns() - begin, UINT64_C(1000)) + 1);
    }
    begin = bm_cpu_ns();
    for (uint32_t i = 0; i < w->times; i++)
        once(w, kind, t);
    bm_add(&w->us, (double)(bm_cpu_ns() - begin) / 1e3 / w->times / w->n);
}

static void measure(enum sl_op_kind kind, double seconds)
{
    struct way ways[8] = {{0}};
    struct trial *t = calloc(1, sizeof *t);
    uint64_t until;
    uint32_t n = 0;

    bm_must(t != NULL, "out of memory");
    prepare(t, kind);
    for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++) {
        if (!(*b)->has(kind))
            continue;
        if ((*b)->width > 1)
            ways[n++] = (struct way){.who = (*b)->name, .how = "batch of 8", .backend = *b, .n = SL_OP_BATCH};
        ways[n++] = (struct way){.who = (*b)->name, .how = "alone", .backend = *b, .n = 1};
    }
    ways[n++] = (struct way){.who = "openssl-evp", .how = "alone", .n = 1};
    until = bm_now_ns() + (uint64_t)(seconds * 1e9);
    do
        for (uint32_t i = 0; i < n; i++)
            sample(&ways[i], kind, t);
    while (bm_now_ns() < until);
    for (uint32_t i = 0; i < n; i++) {
        bm_figure(sl_op_name[kind]);
        bm_text("who", ways[i].who);
        bm_spread("us", &ways[i].us);
        bm_text("how", ways[i].how);
        if (ways[i].backend)
            bm_number("stated_us", ways[i].backend->price_ns[kind] / 1e3 / ways[i].n);
        bm_series_free(&ways[i].us);
    }
    bm_evp_end(&t->evp);
    sl_op_key_free(t->key);
    free(t);
}

/* Signing in two steps: what idle time does ahead, and what is left. */
static void nonces(enum sl_op_kind kind, double seconds)
{
    const struct sl_op_nonces *by = sl_op_nonces(kind);
    struct bm_series make = {0}, sign = {0};
    struct trial *t = calloc(1, sizeof *t);
    struct sl_op_nonce made[SL_OP_BATCH];
    struct sl_op *ops[SL_OP_BATCH];
    uint64_t until = bm_now_ns() + (uint64_t)(seconds * 1e9), begin;

    bm_must(t != NULL, "out of memory");
    if (by) {
        prepare(t, kind);
        run(sl_op_best(kind), kind, t, SL_OP_BATCH);
        for (uint32_t i = 0; i < SL_OP_BATCH; i++)
            ops[i] = &t->ops[i];
        do {
            begin = bm_cpu_ns();
            bm_must(by->make(made), "nonces");
            bm_add(&make, (double)(bm_cpu_ns() - begin) / 1e3 / SL_OP_BATCH);
            begin = bm_cpu_ns();
            by->sign(ops, made, SL_OP_BATCH);
            bm_add(&sign, (double)(bm_cpu_ns() - begin) / 1e3 / SL_OP_BATCH);
        } while (bm_now_ns() < until);
        bm_figure(sl_op_name[kind]);
        bm_text("who", sl_op_best(kind)->name);
        bm_spread("us", &sign);
        bm_text("how", "batch of 8, nonces made ahead");
        bm_number("ahead_us", bm_quantile(&make, 0.5));
        bm_evp_end(&t->evp);
        sl_op_key_free(t->key);
    }
    bm_series_free(&make);
    bm_series_free(&sign);
    free(t);
}

int main(int argc, char **argv)
{
    struct bm_options o;
    double seconds;

    bm_start(&o, argc, argv);
    seconds = o.quick ? 0 : (o.seconds > 0 ? o.seconds : 30) / (o.variant ? 1 : 50);
    bm_begin("crypto-operations");
    for (int kind = 0; kind < SL_OP_KIND_COUNT; kind++) {
        bool slow = sl_op_shape[kind].group == SL_OP_RSA; /* to make keys for */

        if (bm_wanted(o.variant, sl_op_name[kind]) && !(o.quick && slow))
            measure((enum sl_op_kind)kind, seconds);
    }
    if (!o.variant) {
        nonces(SL_OP_P256_SIGN, seconds);
        nonces(SL_OP_P384_SIGN, seconds);
        bm_ciphers(&o, seconds / 5);
        bm_hashes(seconds);
    }
    bm_end();
    return 0;
}
