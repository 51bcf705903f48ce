/* tls_bench: a record layer with known secrets over a pipe, and its twin as the peer. Ends the process on misuse, on a
 * lost buffer, and when a slice breaks its contract. */
#ifndef TH_TLS_BENCH_H
#define TH_TLS_BENCH_H

#include "helpers/tls_kit.h"
#include "tls/record.h"

struct th_bench {
    struct sl_stats *stats;
    struct rte_mempool *feed; /* what stands in the pipe, and what is sealed */
    struct sl_record_shared shared;
    struct sl_record r;
    struct sl_record_ctx x; /* of the last call */
    struct th_pipe *pipe;
    struct th_twin twin;
    uint64_t now;
    uint8_t record[20000]; /* the one that th_bench_take took last */
};

void th_bench_start(struct th_bench *b, bool v13, enum sl_aead_id aead);
void th_bench_stop(struct th_bench *b);
/* Another connection with the same pools. */
void th_bench_again(struct th_bench *b, bool v13, enum sl_aead_id aead);
/* For one call. */
struct sl_record_ctx *th_bench_ctx(struct th_bench *b);
/* A record from the twin. */
void th_bench_feed(struct th_bench *b, uint8_t type, const void *bytes, size_t len, size_t padding);
/* Opens until there is no more, or room is full; the number of bytes. slices: that one call may give. */
size_t th_bench_open(struct th_bench *b, void *out, size_t room, uint32_t slices, enum sl_record_status *status);
/* Bytes as slices of at most `piece` bytes; how many. */
uint32_t th_bench_slices(struct th_bench *b, const void *bytes, size_t len, size_t piece, struct sl_slice *out,
                         uint32_t max);
/* Seals bytes in such slices; what was not sealed is freed. */
enum sl_record_status th_bench_seal(struct th_bench *b, const void *bytes, size_t len, size_t piece);
/* Opens the next record that came out: the length of its plaintext, -1 when it is bad, -2 when there is none. */
int th_bench_take(struct th_bench *b, uint8_t *type, uint8_t **plain);
uint64_t th_bench_ctr(const struct th_bench *b, enum sl_ctr ctr);

#endif
