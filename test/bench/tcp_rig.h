/* What the benchmarks of TCP share: one endpoint and as many peers as wanted, who speak in segments that are put together by hand. Net is there, but
 * nothing passes through its input: what is measured is TCP. Time is virtual. */
#ifndef BM_TCP_RIG_H
#define BM_TCP_RIG_H

#include "bench.h"
#include "helpers/helpers.h"
#include "tcp/tcp_internal.h"

/* What the other side of a connection knows. */
struct bm_peer {
    struct sl_stream *stream; /* ours; NULL: not open */
    uint32_t seq, ack;        /* the peer's next number, and ours as far as it has come */
    uint32_t tsval;           /* our newest */
};

struct bm_tcp {
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_stats stats;
    struct sl_ready ready;
    struct sl_tcp_listener *listener;
    struct rte_mempool *segs, *own, *hdr, *ref, *net_pool;
    struct bm_peer *peers;
    uint32_t n_peers;
    uint64_t now;
    uint32_t answers; /* segments that went out since bm_tcp_drain was asked last */
};

#define BM_BURST SL_NET_BURST

/* An endpoint for n peers, none of which is open yet. */
void bm_tcp_start(struct bm_tcp *b, uint32_t n_peers);
void bm_tcp_stop(struct bm_tcp *b);

/* A segment of peer i, as net would hand it on. */
struct rte_mbuf *bm_tcp_seg(struct bm_tcp *b, uint32_t i, uint8_t flags, uint32_t len);
/* Lets tcp have n <= BM_BURST such segments; the cycles that it took. */
uint64_t bm_tcp_input(struct bm_tcp *b, struct rte_mbuf **segs, const uint32_t *peers, uint32_t n);
/* Sends what is to be sent; the cycles of tcp. Peers learn what it says; the frames are freed outside of the time. */
uint64_t bm_tcp_output(struct bm_tcp *b);
/* Takes the list of ready streams; a new one is its peer's. */
void bm_tcp_take_ready(struct bm_tcp *b);
/* Opens n <= BM_BURST connections; the cycles of tcp in all. */
uint64_t bm_tcp_open(struct bm_tcp *b, const uint32_t *peers, uint32_t n);

#endif
