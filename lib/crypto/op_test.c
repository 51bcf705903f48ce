/* Key agreement and signatures on curves: published vectors, edge cases, every backend against every other. */
#include "crypto/op.h"
#include "crypto/op_rig.h"

#include <errno.h>

#define EACH_BACKEND(b, kind)                                                                                          \
    for (const struct sl_op_backend *const *b = sl_op_backends; *b; b++)                                               \
        if ((*b)->has(kind))

static void run_by(const struct sl_op_backend *b, enum sl_op_kind kind, struct sl_op *ops, uint32_t n)
{
    struct sl_op *p[SL_OP_BATCH];

    for (uint32_t i = 0; i < n; i++) {
        p[i] = &ops[i];
        ops[i].kind = kind;
        ops[i].status = -EIO;
    }
    for (uint32_t i = 0; i < n; i += b->width)
        b->run(kind, p + i, SL_MIN(b->width, n - i));
}

/* ---- vectors ---- */
static const struct {
    enum sl_op_kind kind;
    const char *scalar, *point, *secret;
} agreements[] = {
    /* RFC 7748 5.2 */
    {SL_OP_X25519_AGREE, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
    {SL_OP_X25519_AGREE, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    {SL_OP_X25519_AGREE, "0900000000000000000000000000000000000000000000000000000000000000",
     "0900000000000000000000000000000000000000000000000000000000000000",
     "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"},
    /* RFC 5903 8.1, both sides, and 8.2 */
    {SL_OP_P256_AGREE, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {SL_OP_P256_AGREE, "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {SL_OP_P384_AGREE,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
     "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
     "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"},
};

static uint32_t scalar_bytes(enum sl_op_kind kind) { return kind >= SL_OP_P384_GENERATE ? 48 : 32; }
static uint32_t point_bytes(enum sl_op_kind kind)
{
    return kind <= SL_OP_X25519_AGREE ? 32 : 1 + 2 * scalar_bytes(kind);
}

static void agreements_match_published_vectors(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(agreements); i++) {
        enum sl_op_kind kind = agreements[i].kind;
        uint8_t want[SL_OP_SCALAR_MAX_BYTES];

        rig_hex(want, scalar_bytes(kind), agreements[i].secret);
        EACH_BACKEND(b, kind)
        {
            struct sl_op op = {0};

            rig_hex(op.dh.scalar, scalar_bytes(kind), agreements[i].scalar);
            rig_hex(op.dh.point, point_bytes(kind), agreements[i].point);
            run_by(*b, kind, &op, 1);
            assert_int_equal(op.status, 0);
            assert_memory_equal(op.dh.secret, want, scalar_bytes(kind));
        }
    }
}

static const struct {
    enum sl_op_kind kind;
    uint32_t hash_bytes;
    const char *point, *hash, *r, *s;
} signatures[] = {
    /* RFC 6979 A.2.5 and A.2.6, message "sample", SHA-256, SHA-512 (longer than the order), SHA-384 */
    {SL_OP_P256_VERIFY, 32,
     "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
    {SL_OP_P256_VERIFY, 64,
     "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "39a5e04aaff7455d9850c605364f514c11324ce64016960d23d5dc57d3ffd8f4"
     "9a739468ab8049bf18eef820cdb1ad6c9015f838556bc7fad4138b23fdf986c7",
     "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00",
     "2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe"},
    {SL_OP_P384_VERIFY, 48,
     "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
     "9a9083505bc92276aec4be312696ef7bf3bf603f4bbd381196a029f340585312313bca4a9b5b890efee42c77b1ee25fe",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"},
};

static void signatures_match_published_vectors(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(signatures); i++) {
        enum sl_op_kind kind = signatures[i].kind;
        uint8_t point[SL_OP_POINT_MAX_BYTES];
        struct sl_op_key_parts parts = {.kind = kind, .point = point};
        struct sl_op_key *key;

        rig_hex(point, point_bytes(kind), signatures[i].point);
        key = sl_op_key_create(&parts);
        assert_non_null(key);
        EACH_BACKEND(b, kind)
        {
            struct sl_op op[2] = {{.key = key}};

            op[0].ecdsa.hash_bytes = signatures[i].hash_bytes;
            rig_hex(op[0].ecdsa.hash, signatures[i].hash_bytes, signatures[i].hash);
            rig_hex(op[0].ecdsa.r, scalar_bytes(kind), signatures[i].r);
            rig_hex(op[0].ecdsa.s, scalar_bytes(kind), signatures[i].s);
            op[1] = op[0];
            op[1].ecdsa.hash[3] ^= 4;
            run_by(*b, kind, op, 2);
            assert_int_equal(op[0].status, 0);
            assert_int_equal(op[1].status, -EINVAL);
        }
        sl_op_key_free(key);
    }
}

/* ---- every backend against every other ---- */
static const enum sl_op_kind generates[] = {SL_OP_X25519_GENERATE, SL_OP_P256_GENERATE, SL_OP_P384_GENERATE};

/* Pairs made by one backend in batches of every size; others derive the same secret from both ends. */
static void agree_both_ways(enum sl_op_kind generate, const struct sl_op_backend *one,
                            const struct sl_op_backend *other)
{
    for (uint32_t n = 1; n <= SL_OP_BATCH; n++) {
        struct sl_op mine[SL_OP_BATCH] = {0}, theirs[SL_OP_BATCH] = {0};

        run_by(one, generate, mine, n);
        run_by(other, generate, theirs, n);
        for (uint32_t i = 0; i < n; i++) {
            uint8_t swap[SL_OP_POINT_MAX_BYTES];

            assert_int_equal(mine[i].status | theirs[i].status, 0);
            memcpy(swap, mine[i].dh.point, sizeof swap);
            memcpy(mine[i].dh.point, theirs[i].dh.point, sizeof swap);
            memcpy(theirs[i].dh.point, swap, sizeof swap);
        }
        run_by(one, generate + 1, mine, n);
        run_by(other, generate + 1, theirs, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(mine[i].status | theirs[i].status, 0);
            assert_memory_equal(mine[i].dh.secret, theirs[i].dh.secret, scalar_bytes(generate));
        }
    }
}

static void backends_agree_with_each_other(void **state)
{
    for (size_t k = 0; k < SL_ARRAY_LEN(generates); k++)
        EACH_BACKEND(one, generates[k])
    for (const struct sl_op_backend *const *other = one; *other; other++)
        agree_both_ways(generates[k], *one, *other);
}

/* A key pair of a curve for signing. */
struct pair {
    struct sl_op_key *sign, *verify;
};

static struct pair make_pair(enum sl_op_kind generate)
{
    struct sl_op op = {0};
    struct sl_op_key_parts parts = {.scalar = op.dh.scalar, .point = op.dh.point};
    struct pair pair;

    run_by(sl_op_best(generate), generate, &op, 1);
    parts.kind = generate + (SL_OP_P256_SIGN - SL_OP_P256_GENERATE);
    pair.sign = sl_op_key_create(&parts);
    parts.kind++;
    pair.verify = sl_op_key_create(&parts);
    assert_non_null(pair.sign);
    assert_non_null(pair.verify);
    return pair;
}

static void free_pair(struct pair *pair)
{
    sl_op_key_free(pair->sign);
    sl_op_key_free(pair->verify);
}

/* Digests that are no ordinary number: zero, the order itself and beyond (all ones), shorter, longer. */
static void fill_digest(struct sl_op *op, uint32_t i)
{
    static const uint32_t lengths[] = {32, 48, 64, 20, 1, 0};

    sl_crypto_random(op->ecdsa.hash, sizeof op->ecdsa.hash);
    op->ecdsa.hash_bytes = lengths[i % SL_ARRAY_LEN(lengths)];
    if (i == 6 || i == 7)
        memset(op->ecdsa.hash, i == 6 ? 0xff : 0, sizeof op->ecdsa.hash);
}

static void sign_and_verify(enum sl_op_kind sign, const struct sl_op_backend *signer, struct pair pairs[2])
{
    for (uint32_t n = 1; n <= SL_OP_BATCH; n++) {
        struct sl_op ops[SL_OP_BATCH] = {0};

        for (uint32_t i = 0; i < n; i++) {
            ops[i].key = pairs[i % 2].sign;
            fill_digest(&ops[i], i);
        }
        run_by(signer, sign, ops, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(ops[i].status, 0);
            ops[i].key = pairs[i % 2].verify;
        }
        EACH_BACKEND(verifier, sign + 1)
        {
            if (n != SL_OP_BATCH && *verifier != signer)
                continue; /* every pair of backends once, every size with itself */
            run_by(*verifier, sign + 1, ops, n);
            for (uint32_t i = 0; i < n; i++)
                assert_int_equal(ops[i].status, 0);
        }
    }
}

static void every_backend_verifies_what_every_other_signed(void **state)
{
    for (size_t k = 1; k < SL_ARRAY_LEN(generates); k++) {
        enum sl_op_kind sign = generates[k] + (SL_OP_P256_SIGN - SL_OP_P256_GENERATE);
        struct pair pairs[2] = {make_pair(generates[k]), make_pair(generates[k])};

        EACH_BACKEND(signer, sign) sign_and_verify(sign, *signer, pairs);
        free_pair(&pairs[0]);
        free_pair(&pairs[1]);
    }
}

static void signatures_of_one_digest_differ(void **state)
{
    struct pair pair = make_pair(SL_OP_P256_GENERATE);

    EACH_BACKEND(b, SL_OP_P256_SIGN)
    {
        struct sl_op ops[SL_OP_BATCH] = {0};

        for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
            ops[i].key = pair.sign;
            ops[i].ecdsa.hash_bytes = 32;
            ops[i].ecdsa.hash[0] = 1;
        }
        run_by(*b, SL_OP_P256_SIGN, ops, SL_OP_BATCH);
        for (uint32_t i = 1; i < SL_OP_BATCH; i++)
            for (uint32_t j = 0; j < i; j++)
                assert_memory_not_equal(ops[i].ecdsa.r, ops[j].ecdsa.r, 32);
    }
    free_pair(&pair);
}

/* ---- bad input among good ---- */
/* RFC 7748 6.1 and the points of low order of the curve and its twist (also not reduced, and with the top bit set). */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
};

static void points_of_low_order_are_refused_and_spoil_no_neighbour(void **state)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(low_order); i++) {
        EACH_BACKEND(b, SL_OP_X25519_AGREE)
        {
            struct sl_op ops[SL_OP_BATCH] = {0};
            uint8_t want[32];

            rig_hex(want, 32, agreements[0].secret);
            for (uint32_t k = 0; k < SL_OP_BATCH; k++) {
                rig_hex(ops[k].dh.scalar, 32, agreements[0].scalar);
                rig_hex(ops[k].dh.point, 32, k == i ? low_order[i] : agreements[0].point);
            }
            run_by(*b, SL_OP_X25519_AGREE, ops, SL_OP_BATCH);
            for (uint32_t k = 0; k < SL_OP_BATCH; k++) {
                assert_int_equal(ops[k].status, k == i ? -EINVAL : 0);
                if (k != i)
                    assert_memory_equal(ops[k].dh.secret, want, 32);
            }
        }
    }
}

/* Points that are not reduced, and the top bit that is to be masked (RFC 7748 5). */
static void x25519_takes_every_32_bytes(void **state)
{
    struct sl_op first[SL_OP_BATCH] = {0};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(first); i++) {
        memset(first[i].dh.point, 0xff, 32);
        first[i].dh.point[0] = (uint8_t)(0xe8 + i + (i > 3 ? 4 : 0)); /* p - 5 to p - 2, p + 3 to p + 6 */
        first[i].dh.point[31] = i % 2 ? 0xff : 0x7f;
        sl_crypto_random(first[i].dh.scalar, 32);
    }
    run_by(sl_op_best(SL_OP_X25519_AGREE), SL_OP_X25519_AGREE, first, SL_ARRAY_LEN(first));
    EACH_BACKEND(b, SL_OP_X25519_AGREE)
    {
        struct sl_op ops[SL_ARRAY_LEN(first)];

        memcpy(ops, first, sizeof ops);
        run_by(*b, SL_OP_X25519_AGREE, ops, SL_ARRAY_LEN(ops));
        for (uint32_t i = 0; i < SL_ARRAY_LEN(ops); i++) {
            assert_int_equal(ops[i].status, 0);
            assert_memory_equal(ops[i].dh.secret, first[i].dh.secret, 32);
        }
    }
}

/* What can be wrong with a peer's point; each is put into its own place of a batch. */
static void spoil_point(struct sl_op *op, uint32_t how, uint32_t bytes)
{
    switch (how) {
    case 0:
        op->dh.point[1 + 2 * bytes - 1] ^= 1;
        return; /* off the curve */
    case 1:
        op->dh.point[0] = 0;
        return; /* infinity's first byte */
    case 2:
        op->dh.point[0] = 2;
        return; /* compressed */
    case 3:
        memset(op->dh.point + 1, 0xff, bytes);
        return; /* x beyond the prime */
    case 4:
        memset(op->dh.point + 1, 0, 2 * bytes);
        return;
    case 5:
        memset(op->dh.scalar, 0, bytes);
        return;
    case 6:
        memset(op->dh.scalar, 0xff, bytes);
        return; /* beyond the order */
    default:
        return;
    }
}

static void bad_points_are_refused_and_spoil_no_neighbour(void **state)
{
    for (size_t k = 1; k < SL_ARRAY_LEN(generates); k++) {
        struct sl_op good[SL_OP_BATCH] = {0};
        uint32_t bytes = scalar_bytes(generates[k]);

        run_by(sl_op_best(generates[k]), generates[k], good, SL_OP_BATCH);
        run_by(&*sl_op_best(generates[k] + 1), generates[k] + 1, good, SL_OP_BATCH);
        EACH_BACKEND(b, generates[k] + 1)
        {
            struct sl_op ops[SL_OP_BATCH];

            memcpy(ops, good, sizeof ops);
            for (uint32_t i = 0; i < SL_OP_BATCH; i++)
                spoil_point(&ops[i], i, bytes);
            run_by(*b, generates[k] + 1, ops, SL_OP_BATCH);
            for (uint32_t i = 0; i < SL_OP_BATCH; i++)
                assert_int_equal(ops[i].status, i < 7 ? -EINVAL : 0);
            assert_memory_equal(ops[7].dh.secret, good[7].dh.secret, bytes);
        }
    }
}

/* The ends of the range: 1 and order - 1 give the base point's x coordinate. */
static void edge_scalars_are_taken(void **state)
{
    static const struct {
        enum sl_op_kind agree;
        const char *base, *last;
    } edges[] = {
        {SL_OP_P256_AGREE,
         "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
         "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
         "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"},
        {SL_OP_P384_AGREE,
         "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
         "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
         "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52972"},
    };

    for (size_t k = 0; k < SL_ARRAY_LEN(edges); k++) {
        uint32_t bytes = scalar_bytes(edges[k].agree);

        EACH_BACKEND(b, edges[k].agree)
        {
            struct sl_op ops[2] = {0};

            ops[0].dh.scalar[bytes - 1] = 1;
            rig_hex(ops[1].dh.scalar, bytes, edges[k].last);
            for (int i = 0; i < 2; i++)
                rig_hex(ops[i].dh.point, 1 + 2 * bytes, edges[k].base);
            run_by(*b, edges[k].agree, ops, 2);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(ops[i].status, 0);
                assert_memory_equal(ops[i].dh.secret, ops[i].dh.point + 1, bytes);
            }
        }
    }
}

static void spoil_signature(struct sl_op *op, uint32_t how, uint32_t bytes)
{
    switch (how) {
    case 0:
        memset(op->ecdsa.r, 0, bytes);
        return;
    case 1:
        memset(op->ecdsa.s, 0, bytes);
        return;
    case 2:
        memset(op->ecdsa.r, 0xff, bytes);
        return;
    case 3:
        memset(op->ecdsa.s, 0xff, bytes);
        return;
    case 4:
        op->ecdsa.r[bytes - 1] ^= 1;
        return;
    case 5:
        op->ecdsa.s[0] ^= 0x10;
        return;
    case 6:
        op->ecdsa.hash[0] ^= 0x80;
        return;
    default:
        return;
    }
}

static void wrong_signatures_are_refused_and_spoil_no_neighbour(void **state)
{
    for (size_t k = 1; k < SL_ARRAY_LEN(generates); k++) {
        enum sl_op_kind sign = generates[k] + (SL_OP_P256_SIGN - SL_OP_P256_GENERATE);
        struct pair pair = make_pair(generates[k]);
        struct sl_op good[SL_OP_BATCH] = {0};

        for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
            good[i].key = pair.sign;
            good[i].ecdsa.hash_bytes = 32;
            sl_crypto_random(good[i].ecdsa.hash, 32);
        }
        run_by(sl_op_best(sign), sign, good, SL_OP_BATCH);
        EACH_BACKEND(b, sign + 1)
        {
            struct sl_op ops[SL_OP_BATCH];

            memcpy(ops, good, sizeof ops);
            for (uint32_t i = 0; i < SL_OP_BATCH; i++) {
                ops[i].key = pair.verify;
                spoil_signature(&ops[i], i, scalar_bytes(sign));
            }
            run_by(*b, sign + 1, ops, SL_OP_BATCH);
            for (uint32_t i = 0; i < SL_OP_BATCH; i++)
                assert_int_equal(ops[i].status, i < 7 ? -EINVAL : 0);
        }
        free_pair(&pair);
    }
}

static void keys_that_can_not_be_are_refused(void **state)
{
    uint8_t scalar[32] = {0}, point[65] = {4};
    struct sl_op_key_parts parts = {.kind = SL_OP_P256_SIGN, .scalar = scalar, .point = point};

    assert_null(sl_op_key_create(&parts)); /* zero */
    memset(scalar, 0xff, sizeof scalar);
    assert_null(sl_op_key_create(&parts)); /* beyond the order */
    parts.scalar = NULL;
    assert_null(sl_op_key_create(&parts)); /* not given */
    parts.kind = SL_OP_P256_VERIFY;
    assert_null(sl_op_key_create(&parts)); /* off the curve */
}

static void the_best_backend_has_the_lowest_price(void **state)
{
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++) {
        const struct sl_op_backend *best = sl_op_best(kind);

        assert_non_null(sl_op_name[kind]);
        assert_true(best->has(kind));
        assert_int_equal(sl_op_price_ns(kind), (uint64_t)best->price_ns[kind] / best->width);
        EACH_BACKEND(b, kind)
        {
            assert_true((*b)->price_ns[kind] > 0);
            assert_true((*b)->price_ns[kind] / (*b)->width >= sl_op_price_ns(kind));
        }
    }
}

/* A lone operation may be cheaper by a backend that computes one at a time. */
static void so_many_as_wait_cost_what_the_cheapest_backend_takes_for_them(void **state)
{
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++)
        for (uint32_t n = 1; n <= SL_OP_BATCH; n++) {
            uint64_t least = UINT64_MAX;

            EACH_BACKEND(b, kind)
            {
                uint64_t runs = (n + (*b)->width - 1) / (*b)->width;

                least = SL_MIN(least, runs * (*b)->price_ns[kind]);
            }
            assert_int_equal(sl_op_run_price_ns(kind, n), least);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreements_match_published_vectors),
        cmocka_unit_test(signatures_match_published_vectors),
        cmocka_unit_test(backends_agree_with_each_other),
        cmocka_unit_test(every_backend_verifies_what_every_other_signed),
        cmocka_unit_test(signatures_of_one_digest_differ),
        cmocka_unit_test(points_of_low_order_are_refused_and_spoil_no_neighbour),
        cmocka_unit_test(x25519_takes_every_32_bytes),
        cmocka_unit_test(bad_points_are_refused_and_spoil_no_neighbour),
        cmocka_unit_test(edge_scalars_are_taken),
        cmocka_unit_test(wrong_signatures_are_refused_and_spoil_no_neighbour),
        cmocka_unit_test(keys_that_can_not_be_are_refused),
        cmocka_unit_test(the_best_backend_has_the_lowest_price),
        cmocka_unit_test(so_many_as_wait_cost_what_the_cheapest_backend_takes_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
