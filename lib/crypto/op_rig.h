/* What tests of key operations share: hexadecimal vectors, RSA keys from primes that need no search. */
#ifndef SL_CRYPTO_OP_RIG_H
#define SL_CRYPTO_OP_RIG_H

#include "crypto/crypto.h"

#include <mbedtls/rsa.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline void rig_hex(uint8_t *out, size_t bytes, const char *text)
{
    for (size_t i = 0; i < bytes; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0}, *end;

        out[i] = (uint8_t)strtoul(digits, &end, 16);
        assert_ptr_equal(end, digits + 2);
    }
    assert_int_equal(text[2 * bytes], 0);
}

/* An RSA key as mbedTLS has it, and as operations have it. */
struct rig_rsa {
    mbedtls_rsa_context ctx;
    uint32_t bytes;
    uint8_t n[512], p[256], q[256], dp[256], dq[256], qinv[256];
    struct sl_op_key *private, *public;
};

static inline enum sl_op_kind rig_rsa_kind(const struct rig_rsa *k, enum sl_op_kind of_2048)
{
    return of_2048 + (k->bytes - 256) / 128;
}

static inline struct sl_op_key_parts rig_rsa_parts(const struct rig_rsa *k, enum sl_op_kind of_2048)
{
    return (struct sl_op_key_parts){
        .kind = rig_rsa_kind(k, of_2048), .n = k->n, .p = k->p, .q = k->q, .dp = k->dp, .dq = k->dq, .qinv = k->qinv};
}

static inline void rig_mpi(const mbedtls_mpi *from, uint8_t *out, size_t bytes)
{
    assert_int_equal(mbedtls_mpi_write_binary(from, out, bytes), 0);
}

static inline void rig_rsa_export(struct rig_rsa *k)
{
    struct sl_op_key_parts private, public;
    mbedtls_mpi dp, dq, qinv;

    k->bytes = (uint32_t)mbedtls_rsa_get_len(&k->ctx);
    mbedtls_mpi_init(&dp);
    mbedtls_mpi_init(&dq);
    mbedtls_mpi_init(&qinv);
    assert_int_equal(mbedtls_rsa_export_crt(&k->ctx, &dp, &dq, &qinv), 0);
    rig_mpi(&dp, k->dp, k->bytes / 2);
    rig_mpi(&dq, k->dq, k->bytes / 2);
    rig_mpi(&qinv, k->qinv, k->bytes / 2);
    mbedtls_mpi_free(&dp);
    mbedtls_mpi_free(&dq);
    mbedtls_mpi_free(&qinv);
    assert_int_equal(
        mbedtls_rsa_export_raw(&k->ctx, k->n, k->bytes, k->p, k->bytes / 2, k->q, k->bytes / 2, NULL, 0, NULL, 0), 0);
    private = rig_rsa_parts(k, SL_OP_RSA2048_PRIVATE);
    public = rig_rsa_parts(k, SL_OP_RSA2048_PUBLIC);
    k->private = sl_op_key_create(&private);
    k->public = sl_op_key_create(&public);
    assert_non_null(k->private);
    assert_non_null(k->public);
}

/* Primes just below a power of two: 2^(bits/2) minus these; found once, so that large keys cost tests no search. */
static const struct {
    uint32_t bits, minus[2];
} rig_primes[] = {{2048, {105, 179}}, {3072, {3453, 4977}}, {4096, {1557, 2543}}};

static inline void rig_rsa_known(struct rig_rsa *k, uint32_t bits, uint32_t exponent)
{
    mbedtls_mpi pq[2], e;

    mbedtls_rsa_init(&k->ctx);
    mbedtls_mpi_init(&e);
    for (size_t i = 0; i < SL_ARRAY_LEN(rig_primes); i++) {
        if (rig_primes[i].bits != bits)
            continue;
        for (int at = 0; at < 2; at++) {
            mbedtls_mpi_init(&pq[at]);
            assert_int_equal(mbedtls_mpi_lset(&pq[at], 1), 0);
            assert_int_equal(mbedtls_mpi_shift_l(&pq[at], bits / 2), 0);
            assert_int_equal(mbedtls_mpi_sub_int(&pq[at], &pq[at], rig_primes[i].minus[at]), 0);
        }
        assert_int_equal(mbedtls_mpi_lset(&e, exponent), 0);
        assert_int_equal(mbedtls_rsa_import(&k->ctx, NULL, &pq[0], &pq[1], NULL, &e), 0);
        assert_int_equal(mbedtls_rsa_complete(&k->ctx), 0);
        mbedtls_mpi_free(&pq[0]);
        mbedtls_mpi_free(&pq[1]);
    }
    mbedtls_mpi_free(&e);
    assert_int_equal(mbedtls_rsa_get_bitlen(&k->ctx), bits);
}

static inline void rig_rsa_generate(struct rig_rsa *k, uint32_t bits)
{
    mbedtls_rsa_init(&k->ctx);
    assert_int_equal(mbedtls_rsa_gen_key(&k->ctx, sl_crypto_mbedtls_random, NULL, bits, 65537), 0);
    rig_rsa_export(k);
}

static inline void rig_rsa_free(struct rig_rsa *k)
{
    mbedtls_rsa_free(&k->ctx);
    sl_op_key_free(k->private);
    sl_op_key_free(k->public);
}

#endif
