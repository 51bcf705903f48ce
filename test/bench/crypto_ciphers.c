/* Record ciphers per backend by size and pieces, SHA-2's block functions, and OpenSSL's EVP for the same. */
#include <stdlib.h>

#include "crypto/sha.h"
#include "crypto_ops.h"

#define SAMPLE_BYTES 200000
#define SPANS_MAX 12
#define MESSAGE_MAX 16384

static const uint32_t sizes[] = {64, 256, 1024, 1400, 4096, 16384};

struct message {
    struct sl_aead_key key;
    EVP_CIPHER_CTX *evp;
    uint8_t bytes[MESSAGE_MAX], tag[SL_AEAD_TAG_BYTES], nonce[SL_AEAD_NONCE_BYTES];
    struct sl_span spans[SPANS_MAX];
    uint32_t n, size;
};

static void cut(struct message *m, uint32_t size, uint32_t pieces)
{
    m->n = pieces;
    m->size = size;
    for (uint32_t i = 0, at = 0; i < pieces; i++) {
        uint32_t len = i + 1 < pieces ? size / pieces : size - at;

        m->spans[i] = (struct sl_span){m->bytes + at, len};
        at += len;
    }
}

static void seal(struct message *m)
{
    m->nonce[0]++;
    m->key.backend->seal(&m->key, m->nonce, m->tag, 5, m->spans, m->n, m->tag);
}

/* What was not sealed before: the cipher does all its work and the tag is found wrong. */
static void open_bad(struct message *m)
{
    m->nonce[0]++;
    (void)m->key.backend->open(&m->key, m->nonce, m->tag, 5, m->spans, m->n, m->tag);
}

static void seal_evp(struct message *m)
{
    int len;

    m->nonce[0]++;
    bm_must(EVP_EncryptInit_ex(m->evp, NULL, NULL, NULL, m->nonce) == 1 &&
                EVP_EncryptUpdate(m->evp, NULL, &len, m->tag, 5) == 1 &&
                EVP_EncryptUpdate(m->evp, m->bytes, &len, m->bytes, (int)m->size) == 1 &&
                EVP_EncryptFinal_ex(m->evp, m->bytes, &len) == 1 &&
                EVP_CIPHER_CTX_ctrl(m->evp, EVP_CTRL_AEAD_GET_TAG, SL_AEAD_TAG_BYTES, m->tag) == 1,
            "EVP's cipher");
}

static void measure(struct message *m, void (*once)(struct message *m), struct bm_series *ns)
{
    uint32_t times = SAMPLE_BYTES / (m->size + 256) + 1;
    uint64_t begin;

    once(m);
    begin = bm_cpu_ns();
    for (uint32_t i = 0; i < times; i++)
        once(m);
    bm_add(ns, (double)(bm_cpu_ns() - begin) / times);
}

struct way {
    const char *who, *how;
    void (*once)(struct message *m);
    struct message *m;
    uint32_t pieces;
    struct bm_series ns;
};

static EVP_CIPHER_CTX *evp(enum sl_aead_id id, const uint8_t *raw)
{
    const EVP_CIPHER *ciphers[] = {EVP_aes_128_gcm(), EVP_aes_256_gcm(), EVP_chacha20_poly1305()};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    bm_must(ctx && EVP_EncryptInit_ex(ctx, ciphers[id], NULL, raw, NULL) == 1, "EVP's cipher");
    return ctx;
}

static void put(enum sl_aead_id id, uint32_t size, struct way *w)
{
    bm_figure(sl_aead_name[id]);
    bm_text("who", w->who);
    bm_number("size", size);
    bm_number("pieces", w->pieces);
    bm_text("how", w->how);
    bm_spread("ns", &w->ns);
    bm_number("gb_per_s", bm_quantile(&w->ns, 0.5) > 0 ? size / bm_quantile(&w->ns, 0.5) : 0);
    bm_series_free(&w->ns);
}

static void cipher(enum sl_aead_id id, uint32_t size, double seconds)
{
    static uint8_t raw[SL_AEAD_KEY_MAX_BYTES] = {1};
    struct message *messages[4] = {0};
    struct way ways[16] = {{0}};
    uint32_t n = 0, n_messages = 0;
    uint64_t until;

    for (const struct sl_aead_backend *const *b = sl_aead_backends;; b++) {
        struct message *m;

        if (*b && !(*b)->has(id))
            continue;
        m = messages[n_messages++] = aligned_alloc(64, (sizeof *m + 63) / 64 * 64);
        bm_must(m != NULL, "out of memory");
        memset(m, 0, sizeof *m);
        m->size = size;
        if (!*b) {
            m->evp = evp(id, raw);
            ways[n++] = (struct way){"openssl-evp", "seal", seal_evp, m, 1, {0}};
            break;
        }
        bm_must((*b)->expand(&m->key, id, raw) == 0, "out of memory");
        ways[n++] = (struct way){(*b)->name, "seal", seal, m, 1, {0}};
        ways[n++] = (struct way){(*b)->name, "open", open_bad, m, 1, {0}};
        ways[n++] = (struct way){(*b)->name, "seal", seal, m, SPANS_MAX, {0}};
    }
    until = bm_now_ns() + (uint64_t)(seconds * 1e9);
    do
        for (uint32_t i = 0; i < n; i++) {
            cut(ways[i].m, size, ways[i].pieces);
            measure(ways[i].m, ways[i].once, &ways[i].ns);
        }
    while (bm_now_ns() < until);
    for (uint32_t i = 0; i < n; i++)
        put(id, size, &ways[i]);
    for (uint32_t i = 0; i < n_messages; i++) {
        if (messages[i]->evp)
            EVP_CIPHER_CTX_free(messages[i]->evp);
        else
            messages[i]->key.backend->forget(&messages[i]->key);
        free(messages[i]);
    }
}

void bm_ciphers(const struct bm_options *o, double seconds_each)
{
    for (int id = 0; id < SL_AEAD_COUNT; id++)
        for (uint32_t i = 0; i < SL_ARRAY_LEN(sizes); i += o->quick ? 3 : 1)
            cipher((enum sl_aead_id)id, sizes[i], seconds_each);
}

/* ---- SHA-2: per block, over 4 KiB ---- */

#define HASHED 4096

static uint8_t hashed[HASHED];

static void put_hash(const char *name, const char *who, const char *how, struct bm_series *ns)
{
    bm_figure(name);
    bm_text("who", who);
    bm_spread("ns", ns);
    bm_text("how", how);
    bm_series_free(ns);
}

static void openssl_hash(const char *name, const EVP_MD *md, uint32_t block, double seconds)
{
    struct bm_series ns = {0};
    uint64_t until = bm_now_ns() + (uint64_t)(seconds * 1e9);
    uint8_t out[64];

    do {
        uint64_t begin = bm_cpu_ns();

        for (int i = 0; i < 16; i++)
            bm_must(EVP_Digest(hashed, HASHED, out, NULL, md, NULL) == 1, "EVP's digest");
        bm_add(&ns, (double)(bm_cpu_ns() - begin) / (16.0 * HASHED / block));
    } while (bm_now_ns() < until);
    put_hash(name, "openssl-evp", "block, the whole digest of 4 KiB", &ns);
}

void bm_hashes(double seconds)
{
    uint32_t state256[8] = {0};
    uint64_t state512[8] = {0};

    for (const struct sl_sha256_routine *r = sl_sha256_routines; r->name; r++) {
        struct bm_series ns = {0};
        uint64_t until = bm_now_ns() + (uint64_t)(seconds * 1e9);

        while (r->has() && (!ns.n || bm_now_ns() < until)) {
            uint64_t begin = bm_cpu_ns();

            for (int i = 0; i < 16 * HASHED / 64; i++)
                r->block(state256, hashed + i % (HASHED / 64) * 64);
            bm_add(&ns, (double)(bm_cpu_ns() - begin) / (16.0 * HASHED / 64));
        }
        if (ns.n)
            put_hash("SHA-256", r->name, "block", &ns);
    }
    openssl_hash("SHA-256", EVP_sha256(), 64, seconds);
    for (const struct sl_sha512_routine *r = sl_sha512_routines; r->name; r++) {
        struct bm_series ns = {0};
        uint64_t until = bm_now_ns() + (uint64_t)(seconds * 1e9);

        while (r->has() && (!ns.n || bm_now_ns() < until)) {
            uint64_t begin = bm_cpu_ns();

            for (int i = 0; i < 16 * HASHED / 128; i++)
                r->block(state512, hashed + i % (HASHED / 128) * 128);
            bm_add(&ns, (double)(bm_cpu_ns() - begin) / (16.0 * HASHED / 128));
        }
        if (ns.n)
            put_hash("SHA-512", r->name, "block", &ns);
    }
    openssl_hash("SHA-512", EVP_sha512(), 128, seconds);
}
