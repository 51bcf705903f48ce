/* The world of the fuzzer of tcp: one endpoint, a listener, up to eight connections that somebody watches, a peer that
 * sees what the endpoint sends. */
#ifndef TCP_WORLD_H
#define TCP_WORLD_H

#include "helpers/helpers.h"
#include "plain.h"
#include "tcp/tcp_internal.h"
#include "tcp_fuzz.h"

#define WORLD_MUST(good)                                                                                               \
    do {                                                                                                               \
        if (!(good))                                                                                                   \
            world_fail(#good);                                                                                         \
    } while (0)

/* A tuple that the input can speak about. */
struct slot {
    struct sl_stream *stream; /* of ours; NULL: none, or released */
    uint16_t lport, rport;
    uint32_t iss; /* the peer's, until the endpoint knows one */
    bool heard, answered;
    uint32_t heard_end, heard_ack, heard_time; /* of the last segment that went to it */
    bool heard_ts;
    uint32_t syn_ack, syn_ack_ack, syn_ack_time; /* of the last SYN-ACK: it may be a cookie's */
};

struct world {
    struct rte_mempool *frames_pool, *hdr_pool, *ref_pool;
    struct sl_stats stats;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_tcp_listener *listener;
    struct sl_ready ready;
    struct slot slots[FUZZ_SLOTS];
    struct sl_net_batch batch;
    uint64_t now;
    struct sl_ip ours, theirs;
    uint8_t link; /* FUZZ_STALLED, FUZZ_SILENT */
};

extern struct world w;

void world_fail(const char *what) __attribute__((noreturn));
/* Bytes are a function of their number, so that everybody can tell a wrong one. */
FUZZ_PLAIN static inline uint8_t peer_byte(uint32_t seq) { return (uint8_t)(seq ^ seq >> 8 ^ seq >> 17); }
FUZZ_PLAIN static inline uint8_t user_byte(uint32_t seq) { return (uint8_t) ~(seq ^ seq >> 7 ^ seq >> 15); }
void world_fill(uint8_t *bytes, uint32_t seq, uint32_t len, uint8_t (*byte)(uint32_t));
bool world_is_filled(const uint8_t *bytes, uint32_t seq, uint32_t len, uint8_t (*byte)(uint32_t));

void world_open(uint8_t first, uint8_t second);
void world_close(void);
struct sl_tcp_opts world_settings(struct sl_cursor *c);
void world_listen(const struct sl_tcp_opts *opts, uint32_t backlog); /* 0: no more */
/* The endpoint's loop once, with what has come in; then everything that must hold is looked at. */
void world_settle(void);
void world_pass(uint64_t until_ns, bool jump);
/* Leaves `left` buffers in the pool; all of them when it is UINT32_MAX. */
void world_starve(uint32_t pool, uint32_t left);

/* tcp_peer.c: what the peer knows and sends */
uint32_t peer_number(const struct slot *slot, struct fuzz_num n);
bool peer_hears(const uint8_t *bytes, size_t len); /* whether it was a segment */
void peer_sends(const struct fuzz_segment *s);
void peer_errs(const struct fuzz_icmp *e);

#endif
