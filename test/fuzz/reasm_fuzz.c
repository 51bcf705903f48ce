/* Reassembly against a model that has a byte for each byte: pieces in any order, sizes and cuts, deliveries, shortage of
 * nodes. The model knows what was kept; what comes out must be that, in order, and what SACK blocks say must be true.
 *
 * Input: steps of four bytes: what (modulo 4), position (2), length. */
#include <stdlib.h>

#include "helpers/helpers.h"
#include "plain.h"
#include "tcp/reasm.h"

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

#define SPACE 4096u
#define BASE 0xfffff800u /* numbers wrap in its midst */
#define SEGS_MAX 100u
#define NODES 150u

int reasm_fuzz_one(const uint8_t *data, size_t size);

static struct rte_mempool *pool;

struct run_of_it {
    struct node_pool nodes;
    struct reasm r;
    struct queue q; /* what was delivered */
    uint32_t nxt;
    bool here[SPACE]; /* kept ahead of order */
    uint32_t ahead;   /* how many of these */
};

static uint8_t byte_at(uint32_t pos) { return (uint8_t)(pos * 7 + pos / 251); }

/* Of its very size, or with room behind it, where small ones may be copied together. */
FUZZ_PLAIN static struct rte_mbuf *make(uint32_t from, uint32_t len, bool roomy, uint16_t *off)
{
    uint8_t bytes[SPACE];
    struct rte_mbuf *m;

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = byte_at(from + i);
    if (!roomy || len > 1024) {
        *off = 0;
        return th_mbuf_exact(pool, bytes, len, 0);
    }
    m = rte_pktmbuf_alloc(pool);
    MUST(m);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    *off = m->data_off;
    return m;
}

/* Whether this byte stands in a run. */
FUZZ_PLAIN static bool holds(const struct reasm *r, uint32_t pos)
{
    for (uint32_t i = 0; i < r->n_runs; i++)
        if (seq_geq(BASE + pos, r->runs[i].start) && seq_lt(BASE + pos, run_end(&r->runs[i])))
            return true;
    return false;
}

/* The model's bytes are those of the runs, and no others. */
FUZZ_PLAIN static void check_bytes(const struct run_of_it *x)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < x->r.n_runs; i++) {
        const struct run *run = &x->r.runs[i];

        for (uint32_t k = 0; k < run->q.bytes; k++)
            MUST(x->here[run->start - BASE + k]);
        bytes += run->q.bytes;
    }
    MUST(x->ahead == bytes);
}

static void check(const struct run_of_it *x)
{
    uint32_t segs = 0, n;
    struct range out[REASM_RECENT];

    for (uint32_t i = 0; i < x->r.n_runs; i++) {
        MUST(seq_gt(x->r.runs[i].start, i ? run_end(&x->r.runs[i - 1]) : BASE + x->nxt));
        segs += x->r.runs[i].segs;
    }
    check_bytes(x);
    MUST(segs == x->r.segs && x->r.n_runs <= REASM_RUNS_MAX && segs <= SEGS_MAX);
    n = sl_tcp_reasm_blocks(&x->r, out, REASM_RECENT);
    MUST(n <= x->r.n_runs);
    for (uint32_t i = 0; i < n; i++)
        MUST(holds(&x->r, out[i].start - BASE) && holds(&x->r, out[i].end - 1 - BASE) &&
             !holds(&x->r, out[i].end - BASE) && !holds(&x->r, out[i].start - 1 - BASE));
}

FUZZ_PLAIN static void put_ahead(struct run_of_it *x, uint32_t from, uint32_t to, bool roomy)
{
    uint32_t old_first = from, old_end, kept = to;
    uint16_t off;
    struct rte_mbuf *m = make(from, to - from, roomy, &off);
    struct range dup;
    enum reasm_result result;

    while (old_first < to && !x->here[old_first])
        old_first++;
    for (old_end = old_first; old_end < to && x->here[old_end]; old_end++)
        ;
    result = sl_tcp_reasm_insert(&x->nodes, &x->r, BASE + from, m, off, (uint16_t)(to - from), SEGS_MAX, &dup);
    if (result != REASM_FULL)
        MUST((result == REASM_DUPLICATE) == (old_first == from && old_end == to));
    if (result == REASM_FULL) /* it kept the first bytes, up to where there was no room */
        for (kept = from; kept < to && holds(&x->r, kept); kept++)
            ;
    for (uint32_t pos = from; pos < kept; pos++) {
        x->ahead += !x->here[pos];
        x->here[pos] = true;
    }
    if (result != REASM_FULL || dup.start != dup.end)
        MUST(dup.start == dup.end ? old_first == to : dup.start == BASE + old_first && dup.end == BASE + old_end);
}

/* Straight into the queue, and what has waited for it behind it. */
FUZZ_PLAIN static void put_in_order(struct run_of_it *x, uint32_t len)
{
    uint32_t to = SL_MIN(x->nxt + len, SPACE - 1), first = x->nxt;
    uint16_t off;
    struct rte_mbuf *m;

    if (to == x->nxt)
        return;
    m = make(x->nxt, to - x->nxt, false, &off);
    if (!sl_tcp_queue_push(&x->nodes, &x->q, m, off, (uint16_t)(to - x->nxt), true)) {
        rte_pktmbuf_free(m);
        return;
    }
    x->nxt = sl_tcp_reasm_deliver(&x->nodes, &x->r, BASE + to, &x->q) - BASE;
    MUST(x->nxt >= to && x->nxt < SPACE);
    for (uint32_t pos = to; pos < x->nxt; pos++)
        MUST(x->here[pos]);
    MUST(!x->here[x->nxt]);
    for (uint32_t pos = first; pos < x->nxt; pos++) {
        x->ahead -= x->here[pos];
        x->here[pos] = false;
    }
}

FUZZ_PLAIN static void take_out(struct run_of_it *x)
{
    uint32_t pos = x->nxt - x->q.bytes;
    struct sl_slice s;

    while (sl_tcp_queue_pop(&x->nodes, &x->q, 333, &s)) {
        for (uint32_t i = 0; i < s.len; i++)
            MUST(sl_slice_data(&s)[i] == byte_at(pos + i));
        pos += s.len;
        sl_slice_free(&s);
    }
    MUST(pos == x->nxt);
}

static void step(struct run_of_it *x, uint8_t what, uint32_t at, uint32_t len)
{
    uint32_t from = x->nxt + 1 + at % (SPACE - x->nxt), to = SL_MIN(from + len, SPACE - 1);

    if (what % 4 == 2)
        put_in_order(x, len);
    else if (what % 4 == 3)
        take_out(x);
    else if (from < to)
        put_ahead(x, from, to, what % 4 == 1);
}

int reasm_fuzz_one(const uint8_t *data, size_t size)
{
    static struct run_of_it x;
    struct sl_cursor c = sl_cursor_of(data, size);

    if (!pool) {
        th_eal_init();
        pool = th_pool("reassembly", 511, 2048);
    }
    memset(&x, 0, sizeof x);
    MUST(!sl_tcp_slab_init(&x.nodes.slab, sizeof(struct node), NODES));
    for (uint32_t steps = 0; steps < 300 && sl_cursor_left(&c); steps++) {
        uint8_t what = sl_cursor_u8(&c);
        uint32_t at = sl_cursor_u16(&c);

        step(&x, what, at, 1u + sl_cursor_u8(&c) * (what & 0x80 ? 7u : 1u));
        check(&x);
    }
    take_out(&x);
    sl_tcp_reasm_clear(&x.nodes, &x.r);
    MUST(!x.nodes.slab.used && !x.nodes.held_bytes);
    sl_tcp_slab_free(&x.nodes.slab);
    MUST(rte_mempool_avail_count(pool) == 511);
    return 0;
}
