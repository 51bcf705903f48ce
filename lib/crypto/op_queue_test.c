/* The queue of operations: batches, budget, order, taking back, what idle time makes. */
#include "crypto/op.h"
#include "crypto/op_rig.h"

#include <errno.h>

static struct sl_op *submit(struct sl_op_queue *q, struct sl_op *op, enum sl_op_kind kind)
{
    memset(op, 0, sizeof *op);
    op->kind = kind;
    sl_op_submit(q, op);
    return op;
}

static uint32_t count_done(struct sl_op_queue *q)
{
    uint32_t n = 0;

    for (struct sl_op *op; (op = sl_op_take(q)); n++)
        assert_int_equal(op->status, 0);
    return n;
}

static void what_waits_is_computed_by_flush_and_taken_in_order(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    struct sl_op ops[3];

    assert_false(sl_op_waiting(q));
    assert_null(sl_op_take(q));
    for (int i = 0; i < 3; i++)
        submit(q, &ops[i], SL_OP_X25519_GENERATE);
    assert_true(sl_op_waiting(q));
    assert_null(sl_op_take(q));
    assert_true(sl_op_flush(q, UINT64_MAX) > 0);
    assert_false(sl_op_waiting(q));
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(sl_op_take(q), &ops[i]);
        assert_int_equal(ops[i].status, 0);
    }
    assert_null(sl_op_take(q));
    assert_int_equal(sl_op_flush(q, UINT64_MAX), 0);
    sl_op_queue_destroy(q);
}

/* Where a batch costs what one operation costs; elsewhere waiting gains nothing, and only flush computes. */
static void a_full_batch_does_not_wait(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    bool batches = sl_op_best(SL_OP_X25519_GENERATE)->width > 1;
    struct sl_op ops[SL_OP_BATCH + 1];

    for (int i = 0; i < SL_OP_BATCH - 1; i++)
        submit(q, &ops[i], SL_OP_X25519_GENERATE);
    assert_null(sl_op_take(q));
    submit(q, &ops[SL_OP_BATCH - 1], SL_OP_X25519_GENERATE);
    assert_int_equal(sl_op_waiting(q), !batches);
    submit(q, &ops[SL_OP_BATCH], SL_OP_X25519_GENERATE);
    assert_int_equal(count_done(q), batches ? SL_OP_BATCH : 0);
    sl_op_flush(q, UINT64_MAX);
    assert_int_equal(count_done(q), batches ? 1 : SL_OP_BATCH + 1);
    sl_op_queue_destroy(q);
}

static void cheap_kinds_go_first_and_the_budget_ends_a_flush(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    struct sl_op dear, cheap;

    assert_true(sl_op_price_ns(SL_OP_P384_GENERATE) != sl_op_price_ns(SL_OP_P256_GENERATE));
    submit(q, &dear, SL_OP_P384_GENERATE);
    submit(q, &cheap, SL_OP_P256_GENERATE);
    assert_true(sl_op_flush(q, 1) > 0); /* one batch at least, and no second */
    assert_ptr_equal(sl_op_take(q), &cheap);
    assert_null(sl_op_take(q));
    assert_true(sl_op_waiting(q));
    sl_op_flush(q, 0);
    assert_ptr_equal(sl_op_take(q), &dear);
    sl_op_queue_destroy(q);
}

static void a_dear_kind_has_its_turn_though_cheap_ones_keep_coming(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    struct sl_op dear, cheap, *op;
    int rounds = 0;

    submit(q, &dear, SL_OP_P384_GENERATE);
    do {
        assert_true(rounds++ < 50);
        submit(q, &cheap, SL_OP_P256_GENERATE);
        sl_op_flush(q, 1);
        op = sl_op_take(q);
        assert_non_null(op);
        sl_op_cancel(q, &cheap);
    } while (op != &dear);
    sl_op_queue_destroy(q);
}

static void an_operation_is_taken_back_while_it_waits_and_when_it_is_done(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    struct sl_op ops[4];

    for (int i = 0; i < 4; i++)
        submit(q, &ops[i], SL_OP_X25519_GENERATE);
    sl_op_cancel(q, &ops[1]);
    sl_op_flush(q, UINT64_MAX);
    sl_op_cancel(q, &ops[2]);
    assert_ptr_equal(sl_op_take(q), &ops[0]);
    assert_ptr_equal(sl_op_take(q), &ops[3]);
    assert_null(sl_op_take(q));
    sl_op_cancel(q, &ops[0]); /* nobody has it any more: no harm */
    submit(q, &ops[1], SL_OP_P256_GENERATE);
    sl_op_cancel(q, &ops[1]);
    assert_false(sl_op_waiting(q));
    sl_op_queue_destroy(q);
}

static void a_batch_that_lost_one_is_full_one_later(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    struct sl_op ops[SL_OP_BATCH], late;

    if (sl_op_best(SL_OP_X25519_GENERATE)->width == 1) {
        sl_op_queue_destroy(q);
        skip();
    }
    for (int i = 0; i < SL_OP_BATCH - 1; i++)
        submit(q, &ops[i], SL_OP_X25519_GENERATE);
    sl_op_cancel(q, &ops[0]);
    submit(q, &ops[SL_OP_BATCH - 1], SL_OP_X25519_GENERATE);
    assert_null(sl_op_take(q));
    submit(q, &late, SL_OP_X25519_GENERATE);
    assert_int_equal(count_done(q), SL_OP_BATCH);
    sl_op_queue_destroy(q);
}

/* ---- stocks ---- */
static void ephemeral_keys_are_made_when_somebody_has_asked_and_used_once(void **state)
{
    static const enum sl_op_kind kinds[] = {SL_OP_X25519_GENERATE, SL_OP_P256_GENERATE, SL_OP_P384_GENERATE};

    for (size_t k = 0; k < SL_ARRAY_LEN(kinds); k++) {
        struct sl_op_queue *q = sl_op_queue_create();
        uint8_t scalar[2][SL_OP_SCALAR_MAX_BYTES] = {{0}}, point[2][SL_OP_POINT_MAX_BYTES] = {{0}};
        struct sl_op op = {.kind = kinds[k] + 1}, *one = &op;

        assert_int_equal(sl_op_idle(q, SL_NS_PER_MS), 0);
        assert_false(sl_op_ephemeral(q, kinds[k], scalar[0], point[0]));
        assert_true(sl_op_idle(q, 1) > 0);
        while (sl_op_idle(q, 1) && k == 0)
            ; /* until the stock is full */
        assert_true(sl_op_ephemeral(q, kinds[k], scalar[0], point[0]));
        assert_true(sl_op_ephemeral(q, kinds[k], scalar[1], point[1]));
        assert_memory_not_equal(scalar[0], scalar[1], 32);
        /* scalar and point belong together: a b G = b a G */
        memcpy(op.dh.scalar, scalar[0], sizeof scalar[0]);
        memcpy(op.dh.point, point[1], sizeof point[1]);
        sl_op_best(op.kind)->run(op.kind, &one, 1);
        assert_int_equal(op.status, 0);
        memcpy(scalar[0], op.dh.secret, sizeof scalar[0]);
        memcpy(op.dh.scalar, scalar[1], sizeof scalar[1]);
        memcpy(op.dh.point, point[0], sizeof point[0]);
        sl_op_best(op.kind)->run(op.kind, &one, 1);
        assert_int_equal(op.status, 0);
        assert_memory_equal(scalar[0], op.dh.secret, 32);
        sl_op_queue_destroy(q);
    }
}

static void a_stock_is_bounded_and_runs_out(void **state)
{
    struct sl_op_queue *q = sl_op_queue_create();
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES], point[SL_OP_POINT_MAX_BYTES];
    uint32_t n = 0;

    (void)sl_op_ephemeral(q, SL_OP_P256_GENERATE, scalar, point);
    while (sl_op_idle(q, SL_NS_PER_S))
        ;
    while (sl_op_ephemeral(q, SL_OP_P256_GENERATE, scalar, point))
        n++;
    assert_true(n >= SL_OP_BATCH && n <= 64);
    sl_op_queue_destroy(q);
}

static void submit_signature(struct sl_op_queue *q, struct sl_op *op, enum sl_op_kind kind, const struct sl_op_key *key)
{
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->key = key;
    op->ecdsa.hash_bytes = 32;
    sl_crypto_random(op->ecdsa.hash, 32);
    sl_op_submit(q, op);
}

/* Each signature verifies, and no two have the same r: no nonce served twice. */
static void judge_signatures(struct sl_op *ops, uint32_t n, enum sl_op_kind kind, const struct sl_op_key *key)
{
    for (uint32_t i = 0; i < n; i++) {
        struct sl_op *one = &ops[i];

        for (uint32_t j = 0; j < i; j++)
            assert_memory_not_equal(ops[i].ecdsa.r, ops[j].ecdsa.r, 32);
        one->kind = kind;
        one->key = key;
        sl_op_best(kind)->run(kind, &one, 1);
        assert_int_equal(one->status, 0);
    }
}

static void nonces_of_the_stock_serve_once(void **state)
{
    static const enum sl_op_kind signs[] = {SL_OP_P256_SIGN, SL_OP_P384_SIGN};

    for (size_t k = 0; k < SL_ARRAY_LEN(signs); k++) {
        const struct sl_op_nonces *nonces = sl_op_nonces(signs[k]);
        struct sl_op_queue *q = sl_op_queue_create();
        struct sl_op pair = {.kind = signs[k] - 2}, *one = &pair, ops[13];
        struct sl_op_key_parts parts = {.kind = signs[k], .scalar = pair.dh.scalar, .point = pair.dh.point};
        struct sl_op_key *sign, *verify;

        sl_op_best(pair.kind)->run(pair.kind, &one, 1);
        sign = sl_op_key_create(&parts);
        parts.kind++;
        verify = sl_op_key_create(&parts);
        submit_signature(q, &ops[0], signs[k], sign); /* asks for nonces; there are none yet */
        assert_int_equal(sl_op_flush(q, UINT64_MAX), sl_op_run_price_ns(signs[k], 1));
        assert_int_equal(sl_op_idle(q, 1), nonces ? nonces->make_price_ns : 0);
        for (uint32_t i = 1; i < SL_ARRAY_LEN(ops); i++) { /* four at a time: two of them from the stock of eight */
            submit_signature(q, &ops[i], signs[k], sign);
            if (i % 4 == 0)
                assert_int_equal(sl_op_flush(q, UINT64_MAX),
                                 nonces && i <= SL_OP_BATCH ? nonces->sign_price_ns : sl_op_run_price_ns(signs[k], 4));
        }
        assert_int_equal(count_done(q), SL_ARRAY_LEN(ops));
        judge_signatures(ops, SL_ARRAY_LEN(ops), parts.kind, verify);
        sl_op_key_free(sign);
        sl_op_key_free(verify);
        sl_op_queue_destroy(q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_computed_by_flush_and_taken_in_order),
        cmocka_unit_test(a_full_batch_does_not_wait),
        cmocka_unit_test(cheap_kinds_go_first_and_the_budget_ends_a_flush),
        cmocka_unit_test(a_dear_kind_has_its_turn_though_cheap_ones_keep_coming),
        cmocka_unit_test(an_operation_is_taken_back_while_it_waits_and_when_it_is_done),
        cmocka_unit_test(a_batch_that_lost_one_is_full_one_later),
        cmocka_unit_test(ephemeral_keys_are_made_when_somebody_has_asked_and_used_once),
        cmocka_unit_test(a_stock_is_bounded_and_runs_out),
        cmocka_unit_test(nonces_of_the_stock_serve_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
