/* Reassembly: bytes that came ahead of order, as sorted runs that never touch. Exists only while there is a hole.
 * Finding a place is a binary search over at most REASM_RUNS_MAX runs, so that one-byte segments at random offsets
 * (CVE-2018-5390) cost no more than others. Bytes that are there already stay. */
#ifndef SL_TCP_REASM_H
#define SL_TCP_REASM_H

#include "tcp/queue.h"
#include "tcp/seq.h"

#define REASM_RUNS_MAX 64
#define REASM_RECENT 4

struct run {
    uint32_t start; /* sequence number of the first byte; the run ends at start + q.bytes */
    uint32_t segs;  /* nodes in q */
    struct queue q;
};

struct reasm {
    uint32_t n_runs;
    uint32_t segs;                 /* nodes in all runs */
    uint32_t recent[REASM_RECENT]; /* a byte of each run that changed of late, newest first (RFC 2018 section 4) */
    uint32_t n_recent;
    struct run runs[REASM_RUNS_MAX];
};

enum reasm_result {
    REASM_KEPT,
    REASM_DUPLICATE, /* every byte was there */
    REASM_FULL,      /* runs, segments or nodes are used up: what did not fit was dropped */
};

static inline uint32_t run_end(const struct run *r) { return r->start + r->q.bytes; }

/* Adds len > 0 bytes at offset off of m, the first of which is number seq; takes over the reference in every case.
 * segs_max: bound on nodes. dup: the first bytes that were there already, empty when none (for D-SACK). */
enum reasm_result sl_tcp_reasm_insert(struct node_pool *p, struct reasm *r, uint32_t seq, struct rte_mbuf *m,
                                      uint16_t off, uint16_t len, uint32_t segs_max, struct range *dup);
/* Moves what follows rcv_nxt without a hole behind q; the new rcv_nxt. */
uint32_t sl_tcp_reasm_deliver(struct node_pool *p, struct reasm *r, uint32_t rcv_nxt, struct queue *q);
/* Up to max runs for SACK blocks: the one that changed last comes first. */
uint32_t sl_tcp_reasm_blocks(const struct reasm *r, struct range *out, uint32_t max);
void sl_tcp_reasm_clear(struct node_pool *p, struct reasm *r);

#endif
