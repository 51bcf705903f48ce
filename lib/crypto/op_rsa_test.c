/* RSA operations: every backend against mbedTLS's own, keys of three sizes, faults, input that can't be. */
#include "crypto/op.h"
#include "crypto/op_rig.h"

#include <errno.h>

static struct rig_rsa fresh; /* made when the test runs; tests take turns with it */

static int make_fresh(void **state)
{
    rig_rsa_generate(&fresh, 2048);
    return 0;
}

static int free_fresh(void **state)
{
    rig_rsa_free(&fresh);
    return 0;
}

static void run_by(const struct sl_op_backend *b, struct sl_op *ops, uint32_t n)
{
    struct sl_op *p[SL_OP_BATCH];

    for (uint32_t i = 0; i < n; i++) {
        p[i] = &ops[i];
        ops[i].status = -EIO;
    }
    for (uint32_t i = 0; i < n; i += b->width)
        b->run(ops[0].kind, p + i, SL_MIN(b->width, n - i));
}

static void fill(const struct rig_rsa *k, struct sl_op *op, const struct sl_op_key *key, enum sl_op_kind of_2048)
{
    op->kind = rig_rsa_kind(k, of_2048);
    op->key = key;
    sl_crypto_random(op->rsa.in, k->bytes);
    op->rsa.in[0] = 0; /* below the modulus */
}

/* Signs with each backend, n at a time, and takes the signatures back with each; mbedTLS's own context judges too. */
static void go_round(struct rig_rsa *k, uint32_t n)
{
    enum sl_op_kind kind = rig_rsa_kind(k, SL_OP_RSA2048_PRIVATE);

    for (const struct sl_op_backend *const *signer = sl_op_backends; *signer; signer++) {
        struct sl_op ops[SL_OP_BATCH] = {0};
        uint8_t back[SL_OP_RSA_MAX_BYTES];

        if (!(*signer)->has(kind))
            continue;
        for (uint32_t i = 0; i < n; i++)
            fill(k, &ops[i], k->private, SL_OP_RSA2048_PRIVATE);
        run_by(*signer, ops, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(ops[i].status, 0);
            assert_int_equal(mbedtls_rsa_public(&k->ctx, ops[i].rsa.out, back), 0);
            assert_memory_equal(back, ops[i].rsa.in, k->bytes);
        }
        for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++) {
            struct sl_op again[SL_OP_BATCH] = {0};

            for (uint32_t i = 0; i < n; i++) {
                fill(k, &again[i], k->public, SL_OP_RSA2048_PUBLIC);
                memcpy(again[i].rsa.in, ops[i].rsa.out, k->bytes);
            }
            if (!(*b)->has(again[0].kind))
                continue;
            run_by(*b, again, n);
            for (uint32_t i = 0; i < n; i++) {
                assert_int_equal(again[i].status, 0);
                assert_memory_equal(again[i].rsa.out, ops[i].rsa.in, k->bytes);
            }
        }
    }
}

static void a_key_of_2048_bits_made_now(void **state)
{
    for (uint32_t n = 1; n <= SL_OP_BATCH; n++)
        go_round(&fresh, n);
}

static void keys_of_every_size(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(rig_primes); i++) {
        struct rig_rsa k;

        rig_rsa_known(&k, rig_primes[i].bits, 65537);
        rig_rsa_export(&k);
        go_round(&k, 2);
        rig_rsa_free(&k);
    }
}

/* p below q and above it: the recombination is not symmetric. */
static void the_primes_come_in_either_order(void **state)
{
    struct rig_rsa k = {0};
    mbedtls_mpi p, q, e;

    mbedtls_mpi_init(&p);
    mbedtls_mpi_init(&q);
    mbedtls_mpi_init(&e);
    assert_int_equal(mbedtls_rsa_export(&fresh.ctx, NULL, &p, &q, NULL, &e), 0);
    mbedtls_rsa_init(&k.ctx);
    assert_int_equal(mbedtls_rsa_import(&k.ctx, NULL, &q, &p, NULL, &e), 0);
    assert_int_equal(mbedtls_rsa_complete(&k.ctx), 0);
    rig_rsa_export(&k);
    assert_memory_equal(k.p, fresh.q, 128);
    go_round(&k, 3);
    rig_rsa_free(&k);
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&q);
    mbedtls_mpi_free(&e);
}

/* Representatives beyond the modulus (RFC 8017 5.2.1), 0, 1 and n - 1 among ordinary ones. */
static void input_beyond_the_modulus_is_refused_and_spoils_no_neighbour(void **state)
{
    static const enum sl_op_kind kinds[] = {SL_OP_RSA2048_PRIVATE, SL_OP_RSA2048_PUBLIC};

    for (size_t k = 0; k < SL_ARRAY_LEN(kinds); k++)
        for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++) {
            struct sl_op ops[5] = {0};

            if (!(*b)->has(kinds[k]))
                continue;
            for (uint32_t i = 0; i < SL_ARRAY_LEN(ops); i++) {
                fill(&fresh, &ops[i], k ? fresh.public : fresh.private, kinds[k]);
                if (i < 4)
                    memset(ops[i].rsa.in, 0, 256);
            }
            memcpy(ops[0].rsa.in, fresh.n, 256);
            ops[1].rsa.in[255] = 1;
            memcpy(ops[2].rsa.in, fresh.n, 256);
            ops[2].rsa.in[255] ^= 1; /* odd: one less */
            run_by(*b, ops, SL_ARRAY_LEN(ops));
            assert_int_equal(ops[0].status, -EINVAL);
            for (uint32_t i = 1; i < SL_ARRAY_LEN(ops); i++)
                assert_int_equal(ops[i].status, 0);
            for (uint32_t i = 1; i < 4; i++)
                assert_memory_equal(ops[i].rsa.in, ops[i].rsa.out, 256); /* an odd power of 1, -1 and 0 */
        }
}

/* A key that is damaged after it was made computes wrong halves, as a fault would: the result must not be seen. A backend
 * with a form of its own is not hit, and right. */
static void a_wrong_result_never_leaves(void **state)
{
    for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++) {
        struct sl_op_key_parts parts = rig_rsa_parts(&fresh, SL_OP_RSA2048_PRIVATE);
        struct sl_op_key *damaged = sl_op_key_create(&parts);
        struct sl_op ops[3] = {0};
        uint8_t untouched[256], back[256];

        if (!(*b)->has(parts.kind)) {
            sl_op_key_free(damaged);
            continue;
        }
        damaged->bytes[damaged->dp - damaged->bytes + 100] ^= 4;
        for (uint32_t i = 0; i < SL_ARRAY_LEN(ops); i++)
            fill(&fresh, &ops[i], i == 1 ? damaged : fresh.private, parts.kind);
        memset(untouched, 0xaa, sizeof untouched);
        memset(ops[1].rsa.out, 0xaa, sizeof untouched);
        run_by(*b, ops, SL_ARRAY_LEN(ops));
        for (uint32_t i = 0; i < SL_ARRAY_LEN(ops); i++) {
            if (i == 1 && (ops[i].status != 0 || strcmp((*b)->name, "libcrypto") != 0)) {
                assert_int_equal(ops[i].status, -EINVAL);
                assert_memory_equal(ops[i].rsa.out, untouched, sizeof untouched);
                continue;
            }
            assert_int_equal(ops[i].status, 0);
            assert_int_equal(mbedtls_rsa_public(&fresh.ctx, ops[i].rsa.out, back), 0);
            assert_memory_equal(back, ops[i].rsa.in, sizeof back);
        }
        sl_op_key_free(damaged);
    }
}

static void keys_that_can_not_be_are_refused(void **state)
{
    struct sl_op_key_parts parts = rig_rsa_parts(&fresh, SL_OP_RSA2048_PRIVATE);
    uint8_t *const numbers[] = {fresh.n, fresh.p, fresh.q, fresh.dp, fresh.dq, fresh.qinv};

    for (size_t i = 0; i < SL_ARRAY_LEN(numbers); i++) {
        numbers[i][100] ^= 2;
        assert_null(sl_op_key_create(&parts));
        numbers[i][100] ^= 2;
    }
    parts = rig_rsa_parts(&fresh, SL_OP_RSA2048_PUBLIC);
    fresh.n[255] ^= 1;
    assert_null(sl_op_key_create(&parts)); /* even */
    fresh.n[255] ^= 1;
    fresh.n[0] ^= 0x80;
    assert_null(sl_op_key_create(&parts)); /* a bit short */
    fresh.n[0] ^= 0x80;
}

static void another_public_exponent_makes_no_key(void **state)
{
    struct rig_rsa k;
    struct sl_op_key_parts parts;
    mbedtls_mpi dp, dq, qinv;

    rig_rsa_known(&k, 2048, 257);
    k.bytes = 256;
    mbedtls_mpi_init(&dp);
    mbedtls_mpi_init(&dq);
    mbedtls_mpi_init(&qinv);
    assert_int_equal(mbedtls_rsa_export_crt(&k.ctx, &dp, &dq, &qinv), 0);
    rig_mpi(&dp, k.dp, 128);
    rig_mpi(&dq, k.dq, 128);
    rig_mpi(&qinv, k.qinv, 128);
    assert_int_equal(mbedtls_rsa_export_raw(&k.ctx, k.n, 256, k.p, 128, k.q, 128, NULL, 0, NULL, 0), 0);
    parts = rig_rsa_parts(&k, SL_OP_RSA2048_PRIVATE);
    assert_null(sl_op_key_create(&parts));
    mbedtls_mpi_free(&dp);
    mbedtls_mpi_free(&dq);
    mbedtls_mpi_free(&qinv);
    mbedtls_rsa_free(&k.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_of_2048_bits_made_now),
        cmocka_unit_test(keys_of_every_size),
        cmocka_unit_test(the_primes_come_in_either_order),
        cmocka_unit_test(input_beyond_the_modulus_is_refused_and_spoils_no_neighbour),
        cmocka_unit_test(a_wrong_result_never_leaves),
        cmocka_unit_test(keys_that_can_not_be_are_refused),
        cmocka_unit_test(another_public_exponent_makes_no_key),
    };

    return cmocka_run_group_tests(tests, make_fresh, free_fresh);
}
