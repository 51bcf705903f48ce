/* tcp: the endpoint of one worker: connection table, listeners, input, output, reassembly, loss recovery, timers. RFC
 * 9293 and what belongs to it. Driven by packets and `now`; leaves packets with net and events on ready lists. Streams
 * are its upper face. */
#ifndef SL_TCP_H
#define SL_TCP_H

#include "net/net.h"
#include "stat/stat.h"
#include "stream/stream.h"

struct sl_tcp;
struct sl_tcp_listener;

struct sl_tcp_params {
    struct sl_net *net;
    struct sl_stats *stats;
    struct rte_mempool *hdr_pool; /* headers: data room of at least SL_NET_HEADROOM + 60 */
    struct rte_mempool *ref_pool; /* mbufs without data room, attached to payload that stands elsewhere */
    uint32_t conns_max;           /* connections in the table, all states but TIME-WAIT */
    uint32_t time_wait_max;
    uint64_t held_max_bytes; /* buffer space (whole mbufs) that all receive and send queues may hold together */
    uint8_t secret[32];      /* initial sequence numbers, table hash, cookies: from the system's random */
    uint64_t seed;           /* replayable jitter */
    uint64_t time_wait_ns;   /* 2 MSL; 0: 60 s */
    uint64_t rto_min_ns;     /* 0: 200 ms */
};

/* Congestion control. */
enum sl_tcp_cc_kind { SL_TCP_CC_DEFAULT, SL_TCP_CC_CUBIC, SL_TCP_CC_NEWRENO, SL_TCP_CC_KINDS };

/* Explicit congestion notification (RFC 3168). */
enum sl_tcp_ecn {
    SL_TCP_ECN_DEFAULT, /* ACCEPT */
    SL_TCP_ECN_OFF,
    SL_TCP_ECN_ACCEPT, /* agreed to when the peer asks */
    SL_TCP_ECN_ASK,    /* and asked for when we dial */
};

/* When a listener answers a SYN without keeping anything of it (RFC 4987 3.6). */
enum sl_tcp_cookies {
    SL_TCP_COOKIES_DEFAULT, /* AUTO */
    SL_TCP_COOKIES_AUTO,    /* once its backlog is full, or requests take half of conns_max */
    SL_TCP_COOKIES_ALWAYS,
    SL_TCP_COOKIES_OFF, /* beyond the backlog SYNs are dropped */
};

/* Settings of the connections of a listener, or of one that is dialled. Zero means the default. */
struct sl_tcp_opts {
    uint32_t rcv_max_bytes;                       /* the most that the receive window grows to; default 4 MiB */
    uint32_t snd_max_bytes;                       /* the most that the send queue grows to; default 4 MiB */
    uint64_t keepalive_ns, keepalive_interval_ns; /* defaults 2 h, 75 s */
    uint32_t keepalive_probes;                    /* default 10 */
    uint64_t user_timeout_ns; /* unacknowledged data or a zero window for so long ends the connection; default 120 s */
    uint64_t connect_timeout_ns; /* active open; default 10 s */
    bool nagle;                  /* default off */
    bool pacing;                 /* segments of a window spread over the round trip; default off */
    uint8_t cc;                  /* enum sl_tcp_cc_kind; default CUBIC */
    uint8_t ecn;                 /* enum sl_tcp_ecn */
    uint8_t cookies;             /* enum sl_tcp_cookies; listeners only */
};

int sl_tcp_create(const struct sl_tcp_params *params, uint64_t now, struct sl_tcp **tcp, struct sl_err *err);
/* Frees everything without a word to the peers; no stream may be used afterwards. */
void sl_tcp_destroy(struct sl_tcp *tcp);

/* Accepts connections to `at`: each reports SL_STREAM_OPEN on `ready` with owner set to `owner`, once established.
 * backlog: connections in SYN-RCVD at a time (what becomes of further SYNs: opts.cookies). -EADDRINUSE, -ENOMEM. */
int sl_tcp_listen(struct sl_tcp *tcp, const struct sl_endpoint *at, const struct sl_tcp_opts *opts, uint32_t backlog,
                  struct sl_ready *ready, void *owner, struct sl_tcp_listener **listener);
/* New settings and owner for connections from now on. */
void sl_tcp_listener_update(struct sl_tcp_listener *l, const struct sl_tcp_opts *opts, uint32_t backlog,
                            struct sl_ready *ready, void *owner);
/* No new connections (a SYN gets RST); those in SYN-RCVD are dropped, established ones stay. */
void sl_tcp_unlisten(struct sl_tcp_listener *l);

/* Active open from local (its port chosen by the caller). The stream reports OPEN or CLOSED. NULL with *why:
 * -EADDRINUSE (the tuple is in use), -ENOMEM, -EHOSTUNREACH. */
struct sl_stream *sl_tcp_connect(struct sl_tcp *tcp, const struct sl_endpoint *local, const struct sl_endpoint *remote,
                                 const struct sl_tcp_opts *opts, struct sl_ready *ready, void *owner, uint64_t now,
                                 int *why);
/* Whether a connection with this tuple exists (TIME-WAIT included, unless it may be reused for an active open). */
bool sl_tcp_in_use(struct sl_tcp *tcp, const struct sl_endpoint *local, const struct sl_endpoint *remote);

/* The steps of the loop, in this order. `now` never goes back. Stream operations between the steps use the `now` of the
 * last step. */
void sl_tcp_input(struct sl_tcp *tcp, struct sl_net_batch *batch,
                  uint64_t now); /* consumes the batch's segments and errors */
void sl_tcp_output(struct sl_tcp *tcp,
                   uint64_t now); /* lets every connection that has something to send fill net's transmit queues */
void sl_tcp_timers(struct sl_tcp *tcp, uint64_t now);
/* When timers has something to do; 0 when output could send at once; SL_NEVER. */
uint64_t sl_tcp_next(const struct sl_tcp *tcp);

/* How loss recovery stands. */
enum sl_tcp_recovery {
    SL_TCP_RECOVERY_NONE,
    SL_TCP_RECOVERY_CWR, /* nothing is lost, but cwnd comes down: an ECN echo, or a loss that a probe repaired */
    SL_TCP_RECOVERY_FAST,
    SL_TCP_RECOVERY_TIMEOUT
};

/* What `sluicectl conns` and tests see of one connection. */
struct sl_tcp_info {
    struct sl_endpoint local, remote;
    const char *state; /* RFC 9293's name */
    uint32_t snd_wnd_bytes, rcv_wnd_bytes, cwnd_bytes, ssthresh_bytes;
    uint32_t srtt_us, rttvar_us, rto_ms;
    uint32_t snd_queued_bytes, rcv_queued_bytes;
    uint64_t pacing_bytes_per_s;       /* 0: not paced */
    const char *cc;                    /* congestion control; "" before there is a connection and after */
    uint32_t flight_bytes;             /* sent and not acknowledged, SACKed bytes and FIN included */
    uint32_t sacked_bytes, lost_bytes; /* of these, what the peer holds; what counts as lost and was not sent again */
    uint32_t retransmits;              /* segments, of the connection's whole life */
    uint16_t mss, rcv_mss, mtu;        /* of a full segment that we send; of the largest received; of the path */
    uint8_t recovery;                  /* enum sl_tcp_recovery */
    uint8_t backoff;                   /* timeouts in a row without progress */
    uint8_t snd_wscale, rcv_wscale;    /* RFC 7323 shifts */
    bool passive, has_ts, has_sack, has_wscale; /* the last three: agreed on */
};

/* Walks connections from *position (0 to begin) and calls fn for up to max of them; false when the table is at its end.
 * fn must not call tcp. */
bool sl_tcp_each(struct sl_tcp *tcp, uint32_t *position, uint32_t max,
                 void (*fn)(void *ctx, const struct sl_tcp_info *), void *ctx);
/* One connection of ours, by its stream. */
void sl_tcp_stream_info(struct sl_stream *s, struct sl_tcp_info *out);
/* Other settings for a connection that exists. Buffer, congestion control and ECN stay as they were agreed on. -ENOMEM. */
int sl_tcp_stream_update(struct sl_stream *s, const struct sl_tcp_opts *opts);
/* Connections in the table in any state but TIME-WAIT and LISTEN. */
uint32_t sl_tcp_conns(const struct sl_tcp *tcp);

#endif
