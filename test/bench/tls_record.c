/* What the record layer costs beside its cipher: records sealed and opened through lib/tls, and the same bytes by the bare
 * cipher, in turns. Payload stands in packet buffers as it comes from a network, 1448 bytes each with room around; `bare`
 * is one call over one piece of memory, `bare-pieces` one over the pieces that the record has. The streams below are the
 * least that there can be; what calling them costs is measured too and taken off. */
#include <stdlib.h>

#include "bench.h"
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"
#include "tls/record.h"

#define PIECE 1448u
#define BATCH_BYTES (256u << 10) /* sealed, then opened: about what a cache holds */
#define BATCH_MAX 64
#define PIECES_MAX 13

static const uint32_t sizes[] = {64, 256, 1024, 1371, 4096, 16384};

static const struct suite {
    const char *name;
    bool v13;
    enum sl_aead_id aead;
} suites[] = {{"1.3 AES-128-GCM", true, SL_AEAD_AES_128_GCM},
              {"1.3 AES-256-GCM", true, SL_AEAD_AES_256_GCM},
              {"1.3 ChaCha20-Poly1305", true, SL_AEAD_CHACHA20_POLY1305},
              {"1.2 AES-128-GCM", false, SL_AEAD_AES_128_GCM}};

struct record_bytes {
    struct sl_slice v[PIECES_MAX + 3];
    uint32_t n;
};

/* ---- the least stream: what is sent is remembered, what is received was put there ---- */

struct bed {
    struct sl_stream stream;
    struct record_bytes sent[BATCH_MAX]; /* a record each */
    uint32_t n_sent;
    struct record_bytes *given; /* to be received; NULL: nothing */
    struct sl_record_shared shared;
    struct sl_record seals, opens;
    struct rte_mempool *data;
    struct sl_aead_key *bare;
    uint8_t *flat; /* BATCH_MAX messages in one piece each */
};

static int collect(struct sl_stream *s, struct sl_slice *slices, uint32_t n)
{
    struct bed *b = sl_container_of(s, struct bed, stream);
    struct record_bytes *r = &b->sent[b->n_sent++];

    memcpy(r->v, slices, n * sizeof *slices);
    r->n = n;
    return 0;
}

static uint32_t look(struct sl_stream *s, uint8_t *out, uint32_t max, uint32_t *waiting_bytes)
{
    const struct record_bytes *r = sl_container_of(s, struct bed, stream)->given;

    *waiting_bytes = 0;
    if (!r)
        return 0;
    for (uint32_t i = 0; i < r->n; i++)
        *waiting_bytes += r->v[i].len;
    max = SL_MIN(max, (uint32_t)r->v[0].len);
    memcpy(out, sl_slice_data(&r->v[0]), max);
    return max;
}

static uint32_t give(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    struct bed *b = sl_container_of(s, struct bed, stream);
    uint32_t n = b->given ? b->given->n : 0;

    (void)max, (void)max_bytes; /* a whole record */
    if (n)
        memcpy(out, b->given->v, n * sizeof *out);
    b->given = NULL;
    return n;
}

static uint32_t much(struct sl_stream *s)
{
    (void)s;
    return 1u << 20;
}

static const struct sl_stream_ops ops = {.send = collect, .peek = look, .recv = give, .credit = much};

static void bed_start(struct bed *b, const struct suite *suite)
{
    struct th_twin twin;

    memset(b, 0, sizeof *b);
    sl_stream_init(&b->stream, &ops);
    b->stream.state = SL_STREAM_OPEN | SL_STREAM_READABLE;
    b->data = th_pool("data", 2047, 2048);
    b->shared.pool = b->data;
    b->shared.small = th_pool("small", 511, 64);
    b->shared.stats = calloc(1, sizeof *b->shared.stats);
    b->shared.records_max = UINT64_MAX;
    b->flat = aligned_alloc(64, (size_t)BATCH_MAX * SL_RECORD_PLAIN_MAX_BYTES);
    b->bare = aligned_alloc(64, sizeof *b->bare);
    bm_must(b->shared.stats && b->flat && b->bare && sl_key_cache_init(&b->shared.keys, 64, b->shared.stats) == 0,
            "out of memory");
    memset(b->flat, 1, (size_t)BATCH_MAX * SL_RECORD_PLAIN_MAX_BYTES);
    th_twin_init(&twin, suite->v13, suite->aead, 1);
    twin.s.rx = twin.s.tx;
    sl_record_start(&b->seals, &twin.s);
    sl_record_start(&b->opens, &twin.s);
    bm_must(sl_aead_best(suite->aead)->expand(b->bare, suite->aead, twin.s.tx.key) == 0, "out of memory");
}

static void bed_stop(struct bed *b)
{
    sl_record_end(&b->seals, &b->shared);
    sl_record_end(&b->opens, &b->shared);
    b->bare->backend->forget(b->bare);
    sl_key_cache_done(&b->shared.keys);
    rte_pktmbuf_free(b->shared.spare);
    bm_must(rte_mempool_full(b->data) && rte_mempool_full(b->shared.small), "mbufs are missing");
    th_pool_free(b->data);
    th_pool_free(b->shared.small);
    free(b->shared.stats);
    free(b->bare);
    free(b->flat);
}

/* ---- a batch ---- */

static void fresh(struct bed *b, struct record_bytes *r, uint32_t size)
{
    r->n = 0;
    for (uint32_t at = 0; at < size;) {
        uint16_t len = (uint16_t)SL_MIN(size - at, PIECE);
        struct rte_mbuf *m = rte_pktmbuf_alloc(b->data);

        bm_must(m != NULL, "no packet buffer");
        memset(rte_pktmbuf_append(m, len), 1, len);
        r->v[r->n++] = (struct sl_slice){m, m->data_off, len};
        at += len;
    }
}

static void drop(struct record_bytes *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        sl_slice_free(&r->v[i]);
    r->n = 0;
}

static struct sl_record_ctx ctx(struct bed *b, struct sl_record *r)
{
    return (struct sl_record_ctx){.shared = &b->shared, .r = r, .lower = &b->stream, .now = SL_NS_PER_S};
}

enum what { BARE, BARE_PIECES, RECORD, STREAM, WHATS };
static const char *const names[WHATS] = {"bare", "bare-pieces", "record", "stream"};

struct series {
    struct bm_series ns[2][WHATS]; /* seal, open */
};

static double per(uint64_t begin, uint32_t n)
{
    return bm_us((double)(bm_cycles() - begin) - bm_empty_cycles()) * 1e3 / n;
}

static double seal_records(struct bed *b, struct record_bytes *r, uint32_t n)
{
    struct sl_record_ctx x = ctx(b, &b->seals);
    enum sl_record_status status = SL_RECORD_OK;
    uint64_t begin = bm_cycles();

    for (uint32_t i = 0; i < n; i++)
        sl_record_seal(&x, r[i].v, r[i].n, &status);
    return per(begin, n);
}

static double open_records(struct bed *b, struct record_bytes *r, uint32_t n)
{
    struct sl_record_ctx x = ctx(b, &b->opens);
    enum sl_record_status status;
    uint64_t begin = bm_cycles();

    for (uint32_t i = 0; i < n; i++) {
        b->given = &b->sent[i];
        r[i].n = sl_record_open(&x, r[i].v, SL_ARRAY_LEN(r[i].v), SL_RECORD_PLAIN_MAX_BYTES, &status);
        bm_must(r[i].n > 0 && status != SL_RECORD_FAILED, "a record does not open");
    }
    return per(begin, n);
}

static double bare(struct bed *b, struct record_bytes *r, uint32_t n, uint32_t size, bool open, bool pieces)
{
    uint8_t nonce[SL_AEAD_NONCE_BYTES] = {0}, aad[5] = {0}, tag[SL_AEAD_TAG_BYTES] = {0};
    uint64_t begin = bm_cycles();

    for (uint32_t i = 0; i < n; i++) {
        struct sl_span spans[PIECES_MAX];
        uint32_t k = 0;

        for (; pieces && k < r[i].n; k++)
            spans[k] = (struct sl_span){(uint8_t *)(uintptr_t)sl_slice_data(&r[i].v[k]), r[i].v[k].len};
        if (!pieces)
            spans[k++] = (struct sl_span){b->flat + (size_t)i * size, size};
        nonce[0]++;
        if (open)
            (void)b->bare->backend->open(b->bare, nonce, aad, sizeof aad, spans, k, tag);
        else
            b->bare->backend->seal(b->bare, nonce, aad, sizeof aad, spans, k, tag);
    }
    return per(begin, n);
}

/* What the calls of the streams cost: those that a record makes. */
static double streams(struct bed *b, uint32_t n, bool open)
{
    const struct sl_stream_ops *volatile at = b->stream.ops;
    struct sl_slice out[PIECES_MAX + 3];
    uint8_t header[5];
    uint32_t waiting;
    uint64_t begin;

    b->n_sent = open ? b->n_sent : 0;
    begin = bm_cycles();
    for (uint32_t i = 0; i < n; i++) {
        if (open) {
            b->given = &b->sent[i];
            at->peek(&b->stream, header, sizeof header, &waiting);
            at->recv(&b->stream, out, SL_ARRAY_LEN(out), waiting);
        } else {
            at->send(&b->stream, b->sent[i].v, b->sent[i].n);
        }
    }
    return per(begin, n);
}

static void turn(struct bed *b, struct record_bytes *r, uint32_t n, uint32_t size, struct series *s)
{
    for (int open = 0; open < 2; open++)
        for (int pieces = 0; pieces < 2; pieces++) {
            for (uint32_t i = 0; i < n; i++)
                fresh(b, &r[i], size);
            (void)bare(b, r, n, size, open, pieces); /* into the cache */
            bm_add(&s->ns[open][pieces ? BARE_PIECES : BARE], bare(b, r, n, size, open, pieces));
            for (uint32_t i = 0; i < n; i++)
                drop(&r[i]);
        }
    for (uint32_t i = 0; i < n; i++)
        fresh(b, &r[i], size);
    b->n_sent = 0;
    bm_add(&s->ns[0][RECORD], seal_records(b, r, n));
    bm_must(b->n_sent == n, "it is not a record each");
    bm_add(&s->ns[1][STREAM], streams(b, n, true));
    bm_add(&s->ns[0][STREAM], streams(b, n, false));
    bm_add(&s->ns[1][RECORD], open_records(b, r, n));
    for (uint32_t i = 0; i < n; i++)
        drop(&r[i]);
}

static void put(const struct suite *suite, uint32_t size, struct series *s)
{
    for (int open = 0; open < 2; open++) {
        double streams_ns = bm_quantile(&s->ns[open][STREAM], 0.5);

        for (uint32_t i = 0; i < s->ns[open][RECORD].n; i++)
            s->ns[open][RECORD].v[i] -= streams_ns;
        for (int what = 0; what < STREAM; what++) {
            bm_figure(suite->name);
            bm_text("who", names[what]);
            bm_text("direction", open ? "open" : "seal");
            bm_number("size", size);
            bm_spread("ns", &s->ns[open][what]);
            if (what == RECORD)
                bm_number("stream_ns", streams_ns);
        }
        for (int what = 0; what < WHATS; what++)
            bm_series_free(&s->ns[open][what]);
    }
}

static void measure(const struct suite *suite, uint32_t size, double seconds)
{
    static struct bed b;
    static struct record_bytes r[BATCH_MAX];
    struct series s = {0}, warm = {0};
    uint32_t n = SL_MIN(BATCH_BYTES / size, (uint32_t)BATCH_MAX);
    uint64_t until;

    bed_start(&b, suite);
    for (int i = 0; i < 3; i++) { /* the first 64 KiB of a run go in small records */
        struct sl_record_ctx x = ctx(&b, &b.seals);

        b.seals.run_bytes = 64u << 10;
        b.seals.sealed_at_ns = x.now;
        turn(&b, r, n, size, &warm);
    }
    until = bm_now_ns() + (uint64_t)(seconds * 1e9);
    do
        turn(&b, r, n, size, &s);
    while (bm_now_ns() < until);
    put(suite, size, &s);
    for (int open = 0; open < 2; open++)
        for (int what = 0; what < WHATS; what++)
            bm_series_free(&warm.ns[open][what]);
    bed_stop(&b);
}

int main(int argc, char **argv)
{
    struct bm_options o;

    bm_start(&o, argc, argv);
    bm_begin("tls-record");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(suites); i++)
        for (uint32_t j = 0; j < SL_ARRAY_LEN(sizes); j++)
            if (bm_wanted(o.variant, suites[i].name))
                measure(&suites[i], sizes[j], (o.quick ? 0.02 : o.seconds > 0 ? o.seconds : 15) / 24);
    bm_end();
    return 0;
}
