/* A record layer with known secrets. The input is a list of what the peer, the user and the pools do. Records that the
 * twin seals honestly must come out byte for byte as far as the first dishonest one; what is sealed must open at the
 * twin, in order and once; every buffer must be home at the end.
 *
 * Input: a byte with version, suite and slicing; then operations of three bytes {what, a, b}. */
#include "helpers/helpers.h"
#include "helpers/tls_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "tls/keys.h"

enum {
    OP_DATA,    /* an honest record of payload: its length and padding */
    OP_BARREN,  /* an honest record that brings nothing */
    OP_UPDATE,  /* an honest KeyUpdate, with or without a request */
    OP_CONTENT, /* a sealed record of any type: two bytes of content */
    OP_SPOIL,   /* one byte of what waits is turned over */
    OP_RAW,     /* two bytes of rubbish */
    OP_OPEN,    /* the user takes: so many slices, so many bytes */
    OP_SEAL,    /* the user sends: length, pieces */
    OP_POOLS,   /* pools run dry, or are filled again */
    OP_TIME,    /* time goes on */
    OP_CLOSE,   /* close_notify of ours */
    OP_CREDIT,  /* room below */
    OP_COUNT
};

#define OPS_MAX 200
#define SMALLS 512

static struct th_bench b;
static uint8_t pattern[70000];
static struct rte_mbuf *taken[SMALLS + 64];
static uint32_t n_taken;
static struct {
    uint32_t fed, got;   /* payload: sealed by the twin, and taken by the user */
    uint32_t sent, seen; /* payload: sealed by us, and opened by the twin */
    uint32_t run;        /* barren records in a row */
    bool honest;         /* all that was fed so far */
    bool over;           /* the record layer has ended */
    bool shut;
} m;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    (void)flags;
    memset(buf, 0x42, len);
    return (ssize_t)len;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "record_fuzz: %s\n", what);
    abort();
}

static uint8_t at(uint32_t position) { return (uint8_t)(position * 2654435761u >> 13); }

static void fill(uint32_t from, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        pattern[i] = at(from + i);
}

static void feed(uint8_t type, const void *bytes, uint32_t len, uint32_t padding)
{
    th_bench_feed(&b, type, bytes, len, padding);
}

static void op_data(uint8_t x, uint8_t y)
{
    uint32_t len = 1 + x * 64u + y % 64, padding = y > 200 ? SL_MIN((y - 200) * 37u, 16384 - len) : 0;

    fill(m.fed, len);
    feed(23, pattern, len, padding);
    m.fed += len;
    m.run = 0;
}

static void op_barren(uint8_t x, uint8_t y)
{
    static const uint8_t warning[] = {1, 90};

    if (x & 1)
        feed(21, warning, 2, y);
    else
        feed(23, NULL, 0, y);
    m.honest = m.honest && ++m.run <= SL_RECORD_BARREN_MAX;
}

static void op_update(uint8_t x, uint8_t y)
{
    uint8_t message[] = {24, 0, 0, 1, x & 1};

    feed(22, message, sizeof message, y);
    m.honest = m.honest && b.twin.s.v13 && ++m.run <= SL_RECORD_BARREN_MAX;
    sl_keys_update(&b.twin.s.rx, b.twin.s.sha384, b.twin.s.aead);
}

static void op_content(uint8_t x, uint8_t y)
{
    uint8_t content[] = {y, x}, type = 20 + x % 6;

    m.honest = false;
    feed(type == 23 ? 0 : type, content, y % 3, x & 0x80 ? 300 : 0);
}

static void op_spoil(uint8_t x, uint8_t y)
{
    struct th_bytes *in = &b.pipe->in;
    size_t n = in->len - in->taken;

    if (!n)
        return;
    in->p[in->taken + (x << 8 | y) % n] ^= 1 + y % 255;
    m.honest = false;
}

static void op_raw(uint8_t x, uint8_t y)
{
    uint8_t bytes[] = {x, y};

    m.honest = false;
    th_pipe_feed(b.pipe, bytes, sizeof bytes);
}

static void op_open(uint8_t x, uint8_t y)
{
    struct sl_slice v[16];
    enum sl_record_status status;
    uint32_t n;

    if (m.over)
        return;
    n = sl_record_open(th_bench_ctx(&b), v, 1 + x % 16, 1 + y * 256u, &status);
    for (uint32_t i = 0; i < n; i++) {
        must(v[i].len > 0, "an empty slice");
        for (uint32_t k = 0; k < v[i].len; k++)
            must(sl_slice_data(&v[i])[k] == at(m.got + k), "payload is not what was sealed");
        m.got += v[i].len;
        sl_slice_free(&v[i]);
    }
    must(m.got <= m.fed, "payload that nobody sent");
    m.over = status == SL_RECORD_FAILED || status == SL_RECORD_CLOSE_NOTIFY;
    must(!m.over || !m.honest, "an honest peer was refused");
    must(status != SL_RECORD_DRY || !m.honest || m.got == m.fed, "honest payload does not come");
}

static void take_sent(void)
{
    uint8_t type, *plain;
    int n;

    while ((n = th_bench_take(&b, &type, &plain)) != -2) {
        must(n >= 0, "a sealed record does not open");
        if (type == 23) {
            for (int i = 0; i < n; i++)
                must(plain[i] == at(m.seen + (uint32_t)i), "what was sealed is not what was sent");
            m.seen += (uint32_t)n;
        } else if (type == 22) {
            sl_keys_update(&b.twin.s.tx, b.twin.s.sha384, b.twin.s.aead);
        }
    }
    must(m.seen == m.sent, "sealed payload is missing");
}

/* Slices of plain buffers, with some room on both sides. */
static uint32_t plain_slices(uint32_t len, uint16_t off, uint32_t piece, struct sl_slice *out)
{
    uint32_t n = 0;

    piece = SL_MIN(piece, 2000u);
    for (uint32_t from = 0; from < len; from += piece) {
        uint32_t k = SL_MIN(piece, len - from);
        struct rte_mbuf *buf = rte_pktmbuf_alloc(b.feed);

        must(buf != NULL, "no buffers");
        memcpy((uint8_t *)buf->buf_addr + off, pattern + from, k);
        out[n++] = (struct sl_slice){buf, off, (uint16_t)k};
    }
    return n;
}

static void op_seal(uint8_t x, uint8_t y)
{
    uint32_t len = 1 + x * 256u, piece = 64 + y * 64u, n, done;
    struct sl_slice v[1100];
    enum sl_record_status status;

    if (m.over || m.shut)
        return;
    fill(m.sent, len);
    n = y & 1 ? plain_slices(len, y % 32, piece, v) : th_bench_slices(&b, pattern, len, piece, v, SL_ARRAY_LEN(v));
    done = sl_record_seal(th_bench_ctx(&b), v, n, &status);
    must((status == SL_RECORD_OK) == (done == n), "slices are left");
    m.over = status == SL_RECORD_FAILED; /* the limit of a key in 1.2 */
    m.sent += len;
    for (; done < n; done++) {
        m.sent -= v[done].len;
        sl_slice_free(&v[done]);
    }
    take_sent();
}

static void op_pools(uint8_t x, uint8_t y)
{
    while (n_taken)
        rte_pktmbuf_free(taken[--n_taken]);
    if (x & 1)
        while (n_taken < SMALLS && (taken[n_taken] = rte_pktmbuf_alloc(b.shared.small)))
            n_taken++;
    if (x & 2)
        for (uint32_t i = 0; i < 64u && (taken[n_taken] = rte_pktmbuf_alloc(b.shared.pool)); i++)
            n_taken++;
    for (uint32_t i = 0; i < y % 4u && n_taken; i++)
        rte_pktmbuf_free(taken[--n_taken]);
}

static void op_time(uint8_t x, uint8_t y) { b.now += (uint64_t)(x << 8 | y) * SL_NS_PER_MS; }

static void op_close(uint8_t x, uint8_t y)
{
    (void)x;
    (void)y;
    if (m.over)
        return;
    m.shut = sl_record_close_notify(th_bench_ctx(&b)) || m.shut;
    take_sent();
}

static void op_credit(uint8_t x, uint8_t y) { b.pipe->credit_max = (uint32_t)(x << 8 | y); }

static void (*const ops[OP_COUNT])(uint8_t x, uint8_t y) = {
    [OP_DATA] = op_data,   [OP_BARREN] = op_barren, [OP_UPDATE] = op_update, [OP_CONTENT] = op_content,
    [OP_SPOIL] = op_spoil, [OP_RAW] = op_raw,       [OP_OPEN] = op_open,     [OP_SEAL] = op_seal,
    [OP_POOLS] = op_pools, [OP_TIME] = op_time,     [OP_CLOSE] = op_close,   [OP_CREDIT] = op_credit,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    th_tls_setup(NULL);
    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    b.shared.records_max = 40;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t slices[] = {1460, 60000, 536, 255};
    uint8_t how = size ? data[0] : 0;

    th_bench_again(&b, how & 1, (enum sl_aead_id)(how / 2 % SL_AEAD_COUNT));
    b.pipe->slice_max = how & 0x80 ? 1 + how / 8 % 16 * 20u : slices[how / 8 % 4];
    memset(&m, 0, sizeof m);
    m.honest = true;
    for (size_t i = 1, n = 0; i + 3 <= size && n < OPS_MAX; i += 3, n++)
        ops[data[i] % OP_COUNT](data[i + 1], data[i + 2]);
    op_pools(0, 0);
    op_credit(0xff, 0xff);
    for (int i = 0; i < 20000 && !m.over && m.honest && m.got < m.fed; i++)
        op_open(15, 255);
    must(!m.honest || m.over || m.got == m.fed, "honest payload is lost");
    return 0;
}
