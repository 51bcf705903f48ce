#include "tcp/reasm.h"

/* The first run that ends at seq or later; n_runs when there is none. */
static uint32_t find_run(const struct reasm *r, uint32_t seq)
{
    uint32_t low = 0, high = r->n_runs;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_lt(run_end(&r->runs[mid]), seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void remove_run(struct reasm *r, uint32_t i)
{
    r->n_runs--;
    memmove(&r->runs[i], &r->runs[i + 1], (r->n_runs - i) * sizeof r->runs[0]);
}

/* The first n bytes of s, with a reference of their own unless they are all. */
static struct sl_slice cut(struct sl_slice *s, uint32_t n)
{
    struct sl_slice all = *s;

    if (n < s->len)
        return sl_slice_split(s, (uint16_t)n);
    s->mbuf = NULL;
    s->len = 0;
    return all;
}

static bool new_run(struct node_pool *p, struct reasm *r, uint32_t i, uint32_t seq, struct sl_slice piece)
{
    struct run run = {.start = seq, .segs = 1};

    if (r->n_runs == REASM_RUNS_MAX || !sl_tcp_queue_push(p, &run.q, piece.mbuf, piece.off, piece.len, false))
        return false;
    memmove(&r->runs[i + 1], &r->runs[i], (r->n_runs - i) * sizeof run);
    r->runs[i] = run;
    r->n_runs++;
    r->segs++;
    return true;
}

static bool prepend(struct node_pool *p, struct reasm *r, struct run *run, struct sl_slice piece)
{
    if (!sl_tcp_queue_push_front(p, &run->q, piece.mbuf, piece.off, piece.len))
        return false;
    run->start -= piece.len;
    run->segs++;
    r->segs++;
    return true;
}

/* Behind run i; when that closes the hole before the next one, both become one. */
static bool append(struct node_pool *p, struct reasm *r, uint32_t i, struct sl_slice piece)
{
    struct run *run = &r->runs[i], *next = run + 1;
    uint32_t tail = run->q.tail;

    if (!sl_tcp_queue_push(p, &run->q, piece.mbuf, piece.off, piece.len, true))
        return false;
    if (run->q.tail != tail) {
        run->segs++;
        r->segs++;
    }
    if (i + 1 < r->n_runs && run_end(run) == next->start) {
        run->segs += next->segs;
        sl_tcp_queue_concat(p, &run->q, &next->q);
        remove_run(r, i + 1);
    }
    return true;
}

/* Each run stands once among those that changed of late, so that those before it are told again (RFC 2018 section 4). */
static void note_recent(struct reasm *r, uint32_t seq)
{
    uint32_t i = find_run(r, seq + 1), n = 1, recent[REASM_RECENT] = {seq};
    const struct run *run = &r->runs[i];

    if (i == r->n_runs || seq_lt(seq, run->start)) /* there was no room for it */
        return;
    for (uint32_t k = 0; k < r->n_recent && n < REASM_RECENT; k++) {
        if (!seq_in(r->recent[k], run->start, run_end(run)) && seq_geq(r->recent[k], r->runs[0].start))
            recent[n++] = r->recent[k];
    }
    memcpy(r->recent, recent, n * sizeof recent[0]);
    r->n_recent = n;
}

/* Puts the first missing bytes of s at seq where they belong and takes them off s; *taken: bytes of s passed over.
 * False when there is no room. */
static bool insert_some(struct node_pool *p, struct reasm *r, uint32_t seq, struct sl_slice *s, uint32_t *taken,
                        struct range *dup)
{
    uint32_t i = find_run(r, seq), end = seq + s->len;
    struct run *run = &r->runs[i];
    struct sl_slice piece;
    bool kept;

    if (i < r->n_runs && seq_lt(seq, run_end(run)) && seq_geq(seq, run->start)) {
        *taken = seq_min(end, run_end(run)) - seq;
        if (dup->start == dup->end)
            *dup = (struct range){seq, seq + *taken};
        s->off = (uint16_t)(s->off + *taken);
        s->len = (uint16_t)(s->len - *taken);
        return true;
    }
    if (i < r->n_runs && run_end(run) == seq) {
        uint32_t limit = i + 1 < r->n_runs ? seq_min(end, run[1].start) : end;

        piece = cut(s, *taken = limit - seq);
        kept = append(p, r, i, piece);
    } else if (i < r->n_runs && seq_geq(end, run->start)) {
        piece = cut(s, *taken = run->start - seq);
        kept = prepend(p, r, run, piece);
    } else {
        piece = cut(s, *taken = s->len);
        kept = new_run(p, r, i, seq, piece);
    }
    if (!kept)
        sl_slice_free(&piece);
    return kept;
}

enum reasm_result sl_tcp_reasm_insert(struct node_pool *p, struct reasm *r, uint32_t seq, struct rte_mbuf *m,
                                      uint16_t off, uint16_t len, uint32_t segs_max, struct range *dup)
{
    struct sl_slice s = {m, off, len};
    uint32_t first = seq, taken;
    enum reasm_result result = REASM_KEPT;

    *dup = (struct range){seq, seq};
    while (s.len) {
        if (r->segs >= segs_max || !insert_some(p, r, seq, &s, &taken, dup)) {
            result = REASM_FULL;
            break;
        }
        seq += taken;
    }
    if (s.mbuf)
        sl_slice_free(&s);
    if (result == REASM_KEPT && dup->start == first && dup->end == first + len)
        return REASM_DUPLICATE;
    note_recent(r, first);
    return result;
}

uint32_t sl_tcp_reasm_deliver(struct node_pool *p, struct reasm *r, uint32_t rcv_nxt, struct queue *q)
{
    while (r->n_runs && seq_leq(r->runs[0].start, rcv_nxt)) {
        struct run *run = &r->runs[0];
        uint32_t end = run_end(run);

        r->segs -= run->segs;
        if (seq_leq(end, rcv_nxt)) {
            queue_clear(p, &run->q);
        } else {
            sl_tcp_queue_drop(p, &run->q, rcv_nxt - run->start);
            sl_tcp_queue_concat(p, q, &run->q);
            rcv_nxt = end;
        }
        remove_run(r, 0);
    }
    return rcv_nxt;
}

uint32_t sl_tcp_reasm_blocks(const struct reasm *r, struct range *out, uint32_t max)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < r->n_recent && n < max; k++) {
        uint32_t i = find_run(r, r->recent[k] + 1);
        const struct run *run = &r->runs[i];
        bool seen = false;

        if (i == r->n_runs || seq_lt(r->recent[k], run->start))
            continue;
        for (uint32_t j = 0; j < n; j++)
            seen |= out[j].start == run->start;
        if (!seen)
            out[n++] = (struct range){run->start, run_end(run)};
    }
    return n;
}

void sl_tcp_reasm_clear(struct node_pool *p, struct reasm *r)
{
    for (uint32_t i = 0; i < r->n_runs; i++)
        queue_clear(p, &r->runs[i].q);
    r->n_runs = r->segs = r->n_recent = 0;
}
