/* A record layer with known secrets over a pipe whose other end is its twin. */
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"
#include "helpers/tls_bench.h"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tls_bench: %s\n", what);
    abort();
}

static void begin(struct th_bench *b, bool v13, enum sl_aead_id aead)
{
    b->now = SL_NS_PER_S * 100;
    b->pipe = th_pipe_new(b->feed);
    b->pipe->credit_max = 1u << 20;
    th_twin_init(&b->twin, v13, aead, 1);
    sl_record_start(&b->r, &b->twin.s);
}

static void end(struct th_bench *b)
{
    sl_record_end(&b->r, &b->shared);
    b->pipe->stream.ops->abort(&b->pipe->stream, SL_REASON_ABORTED);
    b->pipe->stream.ops->release(&b->pipe->stream);
    th_pipe_free(b->pipe);
    rte_pktmbuf_free(b->shared.spare);
    b->shared.spare = NULL;
    must(rte_mempool_full(b->shared.pool) && rte_mempool_full(b->shared.small) && rte_mempool_full(b->feed),
         "mbufs are missing");
}

void th_bench_again(struct th_bench *b, bool v13, enum sl_aead_id aead)
{
    end(b);
    begin(b, v13, aead);
}

void th_bench_start(struct th_bench *b, bool v13, enum sl_aead_id aead)
{
    static unsigned number;
    char name[24];

    memset(b, 0, sizeof *b);
    number++;
    snprintf(name, sizeof name, "bench%u", number);
    b->shared.pool = th_pool(name, 64, 2048);
    snprintf(name, sizeof name, "bench_small%u", number);
    b->shared.small = th_pool(name, 512, 64);
    snprintf(name, sizeof name, "bench_feed%u", number);
    b->feed = th_pool(name, 4095, 2048);
    b->shared.stats = b->stats = calloc(1, sizeof *b->stats);
    must(b->stats && sl_key_cache_init(&b->shared.keys, 8, b->stats) == 0, "out of memory");
    b->shared.records_max = SL_RECORDS_PER_KEY_MAX;
    begin(b, v13, aead);
}

void th_bench_stop(struct th_bench *b)
{
    end(b);
    sl_key_cache_done(&b->shared.keys);
    th_pool_free(b->shared.pool);
    th_pool_free(b->shared.small);
    th_pool_free(b->feed);
    free(b->stats);
}

struct sl_record_ctx *th_bench_ctx(struct th_bench *b)
{
    b->x = (struct sl_record_ctx){.shared = &b->shared, .r = &b->r, .lower = &b->pipe->stream, .now = b->now};
    return &b->x;
}

void th_bench_feed(struct th_bench *b, uint8_t type, const void *bytes, size_t len, size_t padding)
{
    uint8_t *record = malloc(len + padding + 64);

    must(record, "out of memory");
    th_pipe_feed(b->pipe, record, th_twin_seal(&b->twin, type, bytes, len, padding, record));
    free(record);
}

size_t th_bench_open(struct th_bench *b, void *out, size_t room, uint32_t slices, enum sl_record_status *status)
{
    size_t got = 0;

    do {
        struct sl_slice v[SL_RECORD_SLICES_MAX];
        uint32_t n = sl_record_open(th_bench_ctx(b), v, slices, (uint32_t)(room - got), status);

        for (uint32_t i = 0; i < n; i++) {
            must(v[i].len > 0 && got + v[i].len <= room, "an empty slice, or more than there was room for");
            memcpy((uint8_t *)out + got, sl_slice_data(&v[i]), v[i].len);
            got += v[i].len;
            sl_slice_free(&v[i]);
        }
    } while (*status == SL_RECORD_OK && got < room);
    return got;
}

uint32_t th_bench_slices(struct th_bench *b, const void *bytes, size_t len, size_t piece, struct sl_slice *out,
                         uint32_t max)
{
    uint32_t n = 0;

    for (size_t at = 0; at < len; at += piece) {
        size_t k = SL_MIN(piece, len - at);
        struct rte_mbuf *m = th_mbuf_exact(b->feed, (const uint8_t *)bytes + at, k, 0);

        must(n < max, "too many slices");
        out[n++] = (struct sl_slice){m, m->data_off, (uint16_t)k};
    }
    return n;
}

enum sl_record_status th_bench_seal(struct th_bench *b, const void *bytes, size_t len, size_t piece)
{
    uint32_t max = (uint32_t)(len / piece + 1), n, done;
    struct sl_slice *v = calloc(max, sizeof *v);
    enum sl_record_status status;

    must(v, "out of memory");
    n = th_bench_slices(b, bytes, len, piece, v, max);
    done = sl_record_seal(th_bench_ctx(b), v, n, &status);
    for (uint32_t i = done; i < n; i++)
        sl_slice_free(&v[i]);
    free(v);
    return status;
}

int th_bench_take(struct th_bench *b, uint8_t *type, uint8_t **plain)
{
    int len = -2;

    return th_twin_take(&b->twin, b->pipe, b->record, sizeof b->record, type, plain, &len) ? len : -2;
}

uint64_t th_bench_ctr(const struct th_bench *b, enum sl_ctr ctr) { return b->stats->ctr[ctr]; }
