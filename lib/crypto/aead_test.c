/* Record ciphers: published vectors, every backend against the plain twin over any pieces, and what must be refused. */
#include "crypto/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SPANS_MAX 64
#define LEN_MAX 17000

static struct sl_rng rng; /* a fixed seed, so that a failure comes again */

static int setup(void **state)
{
    sl_rng_seed(&rng, 20);
    return sl_crypto_thread_start(NULL);
}

static int teardown(void **state)
{
    bool leaked;

    sl_crypto_thread_stop();
    leaked = sl_crypto_memory()->now_bytes != 0;
    return leaked;
}

static uint32_t below(uint32_t n) { return (uint32_t)sl_rng_below(&rng, n); }

static void fill(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)sl_rng_next(&rng);
}

/* ---- a message in pieces, each an exactly sized heap buffer ---- */
struct message {
    struct sl_span spans[SPANS_MAX];
    uint32_t n;
};

static void add_piece(struct message *m, const uint8_t *from, uint32_t len)
{
    struct sl_span *span = &m->spans[m->n];

    assert_true(m->n < SPANS_MAX);
    m->n++;
    span->len = len;
    span->p = len ? malloc(len) : NULL;
    if (len)
        memcpy(span->p, from, len);
}

/* Cuts at random: mostly a few large pieces, with empty and short ones among them. */
static void cut(struct message *m, const uint8_t *from, uint32_t len)
{
    m->n = 0;
    while (len && m->n < SPANS_MAX - 2) {
        uint32_t most[] = {1, 2, 17, 70, 1500, len};
        uint32_t n = below(most[below(SL_ARRAY_LEN(most))] + 1);

        n = SL_MIN(n, len);
        add_piece(m, from, n);
        from += n;
        len -= n;
    }
    add_piece(m, from, len);
}

/* Puts the pieces together in out, and frees them. */
static void join(struct message *m, uint8_t *out)
{
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->spans[i].len)
            memcpy(out, m->spans[i].p, m->spans[i].len);
        out += m->spans[i].len;
        free(m->spans[i].p);
    }
    m->n = 0;
}

/* ---- one record, and what the plain twin makes of it ---- */
struct record {
    enum sl_aead_id id;
    uint8_t key[SL_AEAD_KEY_MAX_BYTES], nonce[SL_AEAD_NONCE_BYTES], aad[32], tag[SL_AEAD_TAG_BYTES];
    uint32_t aad_bytes, len;
    uint8_t plain[LEN_MAX], cipher[LEN_MAX];
};

static struct record record;

static const struct sl_aead_backend *plain_twin(void)
{
    const struct sl_aead_backend *const *b = sl_aead_backends;

    while (b[1])
        b++;
    return *b;
}

static struct sl_aead_key *expand(const struct sl_aead_backend *b, enum sl_aead_id id, const uint8_t *raw)
{
    struct sl_aead_key *key = aligned_alloc(_Alignof(struct sl_aead_key), sizeof *key);

    memset(key, 0, sizeof *key);
    assert_int_equal(b->expand(key, id, raw), 0);
    assert_ptr_equal(key->backend, b);
    assert_int_equal(key->id, id);
    return key;
}

static void forget(struct sl_aead_key *key)
{
    key->backend->forget(key);
    free(key);
}

static void make_record(enum sl_aead_id id, uint32_t len)
{
    struct record *r = &record;
    struct sl_aead_key *key;

    r->id = id;
    r->len = len;
    r->aad_bytes = below(sizeof r->aad + 1);
    fill(r->key, sizeof r->key);
    fill(r->nonce, sizeof r->nonce);
    fill(r->aad, sizeof r->aad);
    fill(r->plain, len);
    memcpy(r->cipher, r->plain, len);
    key = expand(plain_twin(), id, r->key);
    plain_twin()->seal(key, r->nonce, r->aad, r->aad_bytes, &(struct sl_span){r->cipher, len}, 1, r->tag);
    forget(key);
}

/* The pieces of plaintext in m become the record's ciphertext and tag. */
static void seal_as_expected(struct sl_aead_key *key, struct message *m)
{
    static uint8_t out[LEN_MAX];
    const struct record *r = &record;
    uint8_t tag[SL_AEAD_TAG_BYTES];

    key->backend->seal(key, r->nonce, r->aad_bytes ? r->aad : NULL, r->aad_bytes, m->spans, m->n, tag);
    join(m, out);
    assert_memory_equal(out, r->cipher, r->len);
    assert_memory_equal(tag, r->tag, sizeof tag);
}

static void open_as_expected(struct sl_aead_key *key, struct message *m)
{
    static uint8_t out[LEN_MAX];
    const struct record *r = &record;

    assert_true(key->backend->open(key, r->nonce, r->aad_bytes ? r->aad : NULL, r->aad_bytes, m->spans, m->n, r->tag));
    join(m, out);
    assert_memory_equal(out, r->plain, r->len);
}

typedef void backend_test(const struct sl_aead_backend *b, enum sl_aead_id id);

static void each_backend(backend_test *test)
{
    for (const struct sl_aead_backend *const *b = sl_aead_backends; *b; b++)
        for (int id = 0; id < SL_AEAD_COUNT; id++)
            if ((*b)->has((enum sl_aead_id)id))
                test(*b, (enum sl_aead_id)id);
}

/* ---- published vectors ---- */
#define GCM_P64                                                                                                        \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657" \
    "ba637b391aafd255"
#define GCM_P60                                                                                                        \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657" \
    "ba637b39"
#define ZERO16 "00000000000000000000000000000000"
#define ZERO12 "000000000000000000000000"

static const struct vector {
    enum sl_aead_id id;
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
} vectors[] = {
    /* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: cases 1 to 4 and 13 to 16 */
    {SL_AEAD_AES_128_GCM, ZERO16, ZERO12, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {SL_AEAD_AES_128_GCM, ZERO16, ZERO12, "", ZERO16, "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {SL_AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "", GCM_P64,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {SL_AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_P60,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {SL_AEAD_AES_256_GCM, ZERO16 ZERO16, ZERO12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {SL_AEAD_AES_256_GCM, ZERO16 ZERO16, ZERO12, "", ZERO16, "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {SL_AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "", GCM_P64,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {SL_AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_P60,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* RFC 8439 2.8.2 */
    {SL_AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666"
     "657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069"
     "742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
     "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
     "6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

static uint32_t unhex(uint8_t *out, const char *hex)
{
    uint32_t n = 0;

    for (; hex[0]; hex += 2)
        out[n++] = (uint8_t)strtoul((char[]){hex[0], hex[1], 0}, NULL, 16);
    return n;
}

static void load_vector(const struct vector *v)
{
    struct record *r = &record;

    r->id = v->id;
    assert_int_equal(unhex(r->key, v->key), sl_aead_key_bytes[v->id]);
    unhex(r->nonce, v->nonce);
    unhex(r->tag, v->tag);
    r->aad_bytes = unhex(r->aad, v->aad);
    r->len = unhex(r->plain, v->plain);
    assert_int_equal(unhex(r->cipher, v->cipher), r->len);
}

static void vectors_hold(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    for (const struct vector *v = vectors; v < vectors + SL_ARRAY_LEN(vectors); v++) {
        struct message m = {0};
        struct sl_aead_key *key;

        if (v->id != id)
            continue;
        load_vector(v);
        key = expand(b, id, record.key);
        add_piece(&m, record.plain, record.len);
        seal_as_expected(key, &m);
        cut(&m, record.cipher, record.len);
        open_as_expected(key, &m);
        forget(key);
    }
}

static void published_vectors_hold(void **state) { each_backend(vectors_hold); }

/* ---- every backend against the plain twin ---- */
static void agree_on_record(const struct sl_aead_backend *b)
{
    struct sl_aead_key *key = expand(b, record.id, record.key);
    struct message m;

    cut(&m, record.plain, record.len);
    seal_as_expected(key, &m);
    cut(&m, record.cipher, record.len);
    open_as_expected(key, &m);
    forget(key);
}

static void agree_over_pieces(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    for (uint32_t len = 0; len < 300; len++) {
        make_record(id, len);
        agree_on_record(b);
    }
    for (int i = 0; i < 100; i++) {
        make_record(id, i ? below(LEN_MAX + 1) : LEN_MAX);
        agree_on_record(b);
    }
}

static void all_agree_over_pieces_of_any_length(void **state) { each_backend(agree_over_pieces); }

static void agree_over_every_split(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    for (uint32_t len = 0; len <= 80; len++) {
        struct sl_aead_key *key;
        struct message m = {0};

        make_record(id, len);
        key = expand(b, id, record.key);
        for (uint32_t first = 0; first <= len; first++) {
            add_piece(&m, record.plain, first);
            add_piece(&m, record.plain + first, len - first);
            seal_as_expected(key, &m);
            add_piece(&m, record.cipher, first);
            add_piece(&m, record.cipher + first, len - first);
            open_as_expected(key, &m);
        }
        forget(key);
    }
}

static void all_agree_over_every_split_in_two(void **state) { each_backend(agree_over_every_split); }

static void agree_byte_by_byte(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    static struct message m; /* of no function: static analysis takes the loops for leaks */
    struct sl_aead_key *key;

    make_record(id, SPANS_MAX);
    key = expand(b, id, record.key);
    for (uint32_t i = 0; i < record.len; i++)
        add_piece(&m, record.plain + i, 1);
    seal_as_expected(key, &m);
    for (uint32_t i = 0; i < record.len; i++)
        add_piece(&m, record.cipher + i, 1);
    open_as_expected(key, &m);
    forget(key);
}

static void all_agree_byte_by_byte(void **state) { each_backend(agree_byte_by_byte); }

/* Assembly is unseen by sanitizers, so here pages that can't be touched stand before and after the piece. */
static void stay_inside(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    const size_t page = 4096;
    uint8_t *at = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + page, page, PROT_READ | PROT_WRITE), 0);
    for (uint32_t len = 1; len <= 520; len++) {
        struct sl_aead_key *key;

        make_record(id, len);
        key = expand(b, id, record.key);
        for (int end = 0; end < 2; end++) {
            struct sl_span span = {end ? at + 2 * page - len : at + page, len};
            uint8_t tag[SL_AEAD_TAG_BYTES];

            memcpy(span.p, record.plain, len);
            b->seal(key, record.nonce, record.aad, record.aad_bytes, &span, 1, tag);
            assert_memory_equal(span.p, record.cipher, len);
            assert_true(b->open(key, record.nonce, record.aad, record.aad_bytes, &span, 1, tag));
            assert_memory_equal(span.p, record.plain, len);
        }
        forget(key);
    }
    munmap(at, 3 * page);
}

static void no_byte_beside_a_piece_is_touched(void **state) { each_backend(stay_inside); }

/* ---- what must be refused ---- */
static bool opens(struct sl_aead_key *key)
{
    const struct record *r = &record;
    struct message m;
    static uint8_t out[LEN_MAX];
    bool ok;

    cut(&m, r->cipher, r->len);
    ok = key->backend->open(key, r->nonce, r->aad, r->aad_bytes, m.spans, m.n, r->tag);
    join(&m, out);
    return ok;
}

/* Every single bit of p[0..len). */
static void refuse_flipped(struct sl_aead_key *key, uint8_t *p, uint32_t len)
{
    for (uint32_t bit = 0; bit < len * 8; bit++) {
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(opens(key));
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void refuse_forged(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    struct record *r = &record;
    struct sl_aead_key *key;

    make_record(id, 53);
    r->aad_bytes = 13;
    memcpy(r->cipher, r->plain, r->len);
    key = expand(b, id, r->key);
    b->seal(key, r->nonce, r->aad, r->aad_bytes, &(struct sl_span){r->cipher, r->len}, 1, r->tag);
    refuse_flipped(key, r->tag, sizeof r->tag);
    refuse_flipped(key, r->nonce, sizeof r->nonce);
    refuse_flipped(key, r->aad, r->aad_bytes);
    refuse_flipped(key, r->cipher, r->len);
    r->aad_bytes--;
    assert_false(opens(key));
    r->aad_bytes++;
    r->len--;
    assert_false(opens(key));
    r->len++;
    assert_true(opens(key)); /* refusals leave the key as it was */
    forget(key);
    r->key[sl_aead_key_bytes[id] - 1] ^= 1;
    key = expand(b, id, r->key);
    assert_false(opens(key));
    forget(key);
}

static void forgeries_are_refused(void **state) { each_backend(refuse_forged); }

/* ---- keys ---- */
static void forget_erases(const struct sl_aead_backend *b, enum sl_aead_id id)
{
    static const uint8_t zero[sizeof((struct sl_aead_key *)0)->state];
    uint8_t raw[SL_AEAD_KEY_MAX_BYTES];
    struct sl_aead_key *key;

    fill(raw, sizeof raw);
    key = expand(b, id, raw);
    assert_memory_not_equal(key->state, zero, sizeof zero);
    b->forget(key);
    assert_memory_equal(key->state, zero, sizeof zero);
    free(key);
}

static void a_forgotten_key_is_erased(void **state) { each_backend(forget_erases); }

static void no_memory_is_an_error(void **state)
{
    struct sl_crypto_memory *memory = sl_crypto_memory();
    const uint64_t before = memory->now_bytes;
    static struct sl_aead_key key;
    uint8_t raw[SL_AEAD_KEY_MAX_BYTES] = {0};
    int rc = -ENOMEM;

    for (uint64_t limit = before + 1; rc == -ENOMEM; limit += 64) {
        memory->limit_bytes = limit;
        rc = plain_twin()->expand(&key, SL_AEAD_AES_256_GCM, raw);
        memory->limit_bytes = 0;
        if (rc == 0)
            plain_twin()->forget(&key);
        assert_int_equal(memory->now_bytes, before);
        if (limit == before + 1)
            assert_int_equal(rc, -ENOMEM);
    }
    assert_int_equal(rc, 0);
}

static void the_plain_twin_has_everything_and_is_the_last_resort(void **state)
{
    assert_string_equal(plain_twin()->name, "mbedtls");
    for (int i = 0; i < SL_AEAD_COUNT; i++) {
        enum sl_aead_id id = (enum sl_aead_id)i;
        const struct sl_aead_backend *best = sl_aead_best(id);

        assert_true(plain_twin()->has(id));
        assert_true(best->has(id));
        assert_ptr_equal(sl_aead_best(id), best);
        for (const struct sl_aead_backend *const *b = sl_aead_backends; *b; b++)
            if (*b != plain_twin() && (*b)->has(id))
                assert_ptr_not_equal(best, plain_twin());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_twin_has_everything_and_is_the_last_resort),
        cmocka_unit_test(published_vectors_hold),
        cmocka_unit_test(all_agree_over_every_split_in_two),
        cmocka_unit_test(all_agree_byte_by_byte),
        cmocka_unit_test(all_agree_over_pieces_of_any_length),
        cmocka_unit_test(no_byte_beside_a_piece_is_touched),
        cmocka_unit_test(forgeries_are_refused),
        cmocka_unit_test(a_forgotten_key_is_erased),
        cmocka_unit_test(no_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
