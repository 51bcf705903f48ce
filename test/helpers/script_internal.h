/* What the sources of the segment scripts share. */
#ifndef TH_SCRIPT_INTERNAL_H
#define TH_SCRIPT_INTERNAL_H

#include "helpers/script.h"
#include "helpers/script_text.h"

#define SCRIPT_HELD 32 /* sent mbufs that are kept for a while, as a device does, and must not change */

struct script_conn {
    bool used, iss_known;
    uint16_t lport, rport;
    uint32_t iss, peer_iss;
    uint32_t sent_end;    /* absolute: behind the last byte that the endpoint sent */
    int ws_ours, ws_peer; /* -1: not offered */
    bool ts_ours, ts_peer;
    uint32_t ts_echo; /* the last timestamp that the endpoint sent */
    uint32_t ts_val;  /* the peer's newest timestamp, sent at: */
    uint64_t ts_at;
    uint16_t wnd;
    struct sl_stream *stream;
    uint8_t events;
    uint8_t reason;
    uint32_t written, read; /* bytes of the pattern, each way */
};

struct script_out { /* a frame that was sent and not yet expected */
    struct script_out *next;
    uint64_t at_ns;
    size_t len;
    uint8_t bytes[];
};

struct script {
    bool ip6, trace;
    const char *name;
    struct script_world world;
    struct sl_ip local, remote;
    uint64_t start, now;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_stats stats;
    struct sl_tcp_listener *listener;
    struct sl_ready ready;
    struct sl_net_batch batch;
    struct script_conn conns[SCRIPT_CONNS_MAX];
    uint32_t current;
    struct script_out *first, **last;
    struct rte_mbuf *incoming[SL_NET_BURST];
    uint32_t n_incoming, frames_in;
    struct {
        struct rte_mbuf *m;
        uint32_t sum;
    } held[SCRIPT_HELD];
    uint32_t held_at;
    struct th_pkt seen; /* the last one expected; its bytes: */
    uint8_t seen_bytes[TH_FRAME_MAX];
    struct th_pcap *pcap;
    struct rte_mempool *frames_pool, *net_pool, *hdr_pool, *ref_pool;
    char history[80][320];
    uint32_t n_history;
};

extern struct script g_script;

/* The current connection. */
struct script_conn *script_conn(void);
struct script_conn *script_conn_of(uint16_t lport, uint16_t rport);
uint8_t script_pattern(bool from_peer, uint32_t position);

/* Lets the endpoint work at this moment: incoming frames, output, events. */
void script_run(void);
/* One step of time towards limit: to the endpoint's next deadline or to limit; runs it. */
void script_step(uint64_t limit);
uint64_t script_ms(double ms);

void script_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void script_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4), noreturn));
const char *script_describe(const struct th_pkt *p, char *out, size_t size);
void script_deliver(const struct th_pkt *p); /* queues a frame of the peer */
void script_forget(struct script_out *o);

#endif
