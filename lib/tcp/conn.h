/* The connection, and what stands for one before it is established and after it is over. */
#ifndef SL_TCP_CONN_H
#define SL_TCP_CONN_H

#include "tcp/cc_state.h"
#include "tcp/queue.h"
#include "tcp/reasm.h"
#include "tcp/table.h"
#include "tcp/tcp.h"
#include "timer/timer.h"

/* RFC 9293 3.3.2. LISTEN is a listener, passive SYN-RECEIVED a request, TIME-WAIT a linger once the connection object
 * is out of the table. */
enum state {
    ST_CLOSED,
    ST_LISTEN,
    ST_SYN_SENT,
    ST_SYN_RCVD,
    ST_ESTABLISHED,
    ST_FIN_WAIT_1,
    ST_FIN_WAIT_2,
    ST_CLOSE_WAIT,
    ST_CLOSING,
    ST_LAST_ACK,
    ST_TIME_WAIT,
    ST_COUNT
};

enum {
    F_TS = 1 << 0,      /* timestamps negotiated */
    F_SACK = 1 << 1,    /* SACK negotiated */
    F_PASSIVE = 1 << 2, /* we were called */
    F_IN_TABLE = 1 << 3,
    F_RELEASED = 1 << 4, /* the user let go */
    F_SHUT = 1 << 5,     /* the user sends no more: FIN stands at snd_end */
    F_FIN_ACKED = 1 << 6,
    F_PEER_FIN = 1 << 7,      /* peer_fin is known */
    F_EOF = 1 << 8,           /* everything up to the peer's FIN arrived */
    F_ACK_NOW = 1 << 9,       /* an ACK must go out with this output */
    F_SYN_NOW = 1 << 10,      /* SYN or SYN-ACK is to be sent (again) */
    F_PROBE_NOW = 1 << 11,    /* a zero-window probe is due */
    F_PROBE_OUT = 1 << 12,    /* one byte beyond snd_nxt was sent as a probe */
    F_ALIVE_NOW = 1 << 13,    /* a keepalive probe is due */
    F_RTX_FORCE = 1 << 14,    /* the next retransmission goes out whatever cwnd says */
    F_OVERRIDE = 1 << 15,     /* SWS avoidance waited long enough: send what the window takes (RFC 9293 3.8.6.2.1) */
    F_TLP_NOW = 1 << 16,      /* a loss probe is due */
    F_CWND_LIMITED = 1 << 17, /* cwnd, not the user or the peer's window, held back the last output */
    F_CREDIT_WATCH = 1 << 18, /* the user found too little credit */
    F_DSACK = 1 << 19,        /* dsack is to be reported once */
    F_SYN_RTX = 1 << 20,      /* the SYN was sent more than once */
    F_DEAD = 1 << 21,         /* stands on the list of connections to be freed */
    F_WSCALE = 1 << 22,       /* window scaling negotiated */
    F_UNIT = 1 << 23,         /* the user looked at what waits and left it: it needs more to take any */
    F_ECN = 1 << 24,          /* ECN negotiated (RFC 3168) */
    F_ECN_ECHO = 1 << 25,     /* CE came: ECE goes out until CWR comes */
    F_ECN_CWR = 1 << 26,      /* cwnd was reduced: CWR goes out with the next new data */
    F_PACE_HELD = 1 << 27,    /* new segments wait until pace_at */
    F_RESENT = 1 << 28,       /* CA_LOSS is for smaller packets: no congestion was blamed yet */
};

/* Loss recovery: what snd_una .. recover means. CWR: nothing is lost, but an ECN echo, or a loss that a probe repaired,
 * asks for a smaller cwnd. */
enum { CA_OPEN, CA_CWR, CA_RECOVERY, CA_LOSS };

#define NODE_NONE 0u

/* A place in the send queue: node, and the sequence number of its first byte. Valid while node != NODE_NONE. */
struct place {
    uint32_t node, seq;
};

/* The receive window's size (window.c). Its clock wraps: a silence of about 71 minutes, or twice as long, looks like a
 * short one, and the allowance is halved the next time. */
struct window {
    uint32_t allowed_bytes; /* what waits for the user and what the peer may send, together */
    uint32_t taken_bytes;   /* by the user in this round */
    uint32_t round_us;      /* when it began, if in_round */
    uint32_t rtt_us : 30;   /* as the receiver sees it; 0: no sample yet */
    uint32_t in_round : 1;
    uint32_t has_edge : 1;
    union {
        uint32_t echo; /* with timestamps: the last one echoed */
        struct {
            uint32_t edge, edge_us; /* without: when edge was the window's, if has_edge */
        };
    };
};

/* Packet sizes (pmtu.c); the size itself is path.mtu. */
struct pmtu {
    uint64_t raise_at;             /* when a larger segment may be tried; SL_NEVER: nothing is larger */
    uint32_t probe_seq, probe_end; /* the large segment that is under way; equal: none */
    uint8_t shrinks_left;          /* by ICMP */
    uint8_t silences;              /* retransmission timeouts of full segments in a row */
};

/* What most connections never need. It comes when it is needed first, and stays to the connection's end. */
struct seldom {
    struct pmtu pmtu;
    uint64_t pace_at;       /* when all that was sent would have left at the pacing rate */
    struct range dsack;     /* to be reported once, while F_DSACK */
    struct place rtx_place; /* of what is sent again */
    uint32_t retransmits;
    uint32_t reasm;        /* slab index of struct reasm; 0: no hole */
    uint32_t episode;      /* slab index of struct episode; 0: none */
    uint32_t tlp_end;      /* TLP.end_seq (RFC 8985 7): where the last probe ends */
    uint32_t dsack_round;  /* RACK.dsack_round, while dsack_in_round */
    uint32_t challenge_ms; /* end of the current period of challenge ACKs */
    uint8_t challenge_left;
};

/* What is known of a connection that is being opened, and means nothing afterwards. */
struct opening {
    uint32_t iss, irs;
    uint8_t soft_error; /* enum sl_reason noted from ICMP in SYN-SENT */
};

struct settings;
struct sl_tcp_cc;

struct conn {
    /* Lines 0 and 1: what an in-order segment reads and writes. */
    struct tuple tuple;
    uint8_t state;                /* enum state */
    uint8_t ca;                   /* CA_* */
    uint8_t snd_shift, rcv_shift; /* RFC 7323 Snd.Wind.Shift, Rcv.Wind.Shift: 0..14 */
    uint32_t flags;               /* F_* */
    uint32_t rcv_nxt;
    uint32_t rcv_adv; /* right edge of the window that the peer was told; never goes back */
    uint32_t snd_una, snd_nxt;

    uint32_t snd_wnd; /* bytes, scaled */
    uint32_t snd_wl1, snd_wl2;
    uint32_t snd_end;        /* number behind the last queued byte; FIN stands there */
    struct queue rcvq, sndq; /* sndq begins at snd_una (at iss + 1 before) */
    uint32_t ts_recent;      /* RFC 7323 4.3 */
    uint32_t last_ack;       /* Last.ACK.sent */
    uint32_t flight;         /* slab index of struct flight; 0: none, it was all sent at one moment, once */
    uint32_t last_rx_beat;   /* conn_last_rx_ns */
    uint64_t delack_at;      /* SL_NEVER: none */

    /* Line 2: the upper face, and the list of those that have something to send. */
    struct sl_stream stream;
    struct sl_list out_link;

    /* Line 3: time, and where we belong. */
    struct sl_timer timer;
    uint64_t rtx_at; /* retransmission, loss probe or persist; SL_NEVER: none */
    union {
        uint64_t progress_ns; /* snd_una last moved, or was found at snd_nxt */
        uint64_t limit_at;    /* while conn_is_limited: when it is given up */
    };
    struct sl_net_path path;
    struct sl_tcp *t;
    struct settings *set;

    /* Line 4: sending. */
    uint32_t cwnd, ssthresh;
    uint32_t recover;            /* snd_nxt when the last recovery began (RFC 6582) */
    uint32_t max_snd_wnd;        /* largest window that the peer ever offered */
    uint32_t sent_us;            /* when all that is in flight was sent, or the SYN; means nothing once flight exists */
    uint32_t min_rtt_us;         /* least of the last minutes; 0: none yet */
    uint32_t srtt_us, rttvar_us; /* 0: no sample yet */
    uint32_t ts_offset;
    uint32_t last_tx_ms;
    struct place snd_place;
    uint32_t peer_fin;
    uint32_t seldom; /* slab index of struct seldom; 0: none was needed yet */
    uint16_t mss;    /* payload bytes of a full segment we send */
    uint16_t peer_mss;
    uint16_t min_rtt_s;       /* when min_rtt_us was measured, in seconds */
    uint16_t reo_mult : 4;    /* RACK.reo_wnd_mult, 1.. */
    uint16_t reo_persist : 5; /* RACK.reo_wnd_persist */
    uint16_t reordered : 1;   /* RACK.reordering_seen */
    uint16_t dsack_in_round : 1;
    uint16_t dsack_seen : 1; /* the peer reports duplicates */
    uint16_t tlp_armed : 1;  /* rtx_at is the loss probe's */
    uint16_t tlp_out : 1;    /* a loss probe was sent, and what became of it is open */
    uint16_t tlp_again : 1;  /* TLP.is_retrans */
    uint16_t blurred : 1;    /* there was no memory for a flight: sent_us says nothing */

    /* Line 5: how much, in either direction. */
    union {
        struct opening opening; /* before it is established */
        union cc_state cc;      /* from then on: the congestion control's own */
    };
    uint8_t dupacks, backoff;
    uint8_t dup_owed : 5;
    uint8_t tlp_tries : 3; /* loss probes since the peer last acknowledged something */
    uint8_t alive_probes;
    uint16_t rcv_mss;     /* largest payload seen */
    uint16_t credit_seen; /* what credit() last returned, in units of CREDIT_UNIT_BYTES */
    struct window win;
};

_Static_assert(offsetof(struct conn, delack_at) + 8 == 2 * SL_CACHE_LINE, "an in-order segment needs two lines");
_Static_assert(offsetof(struct conn, stream) == 2 * SL_CACHE_LINE && offsetof(struct conn, timer) == 3 * SL_CACHE_LINE,
               "lines 2 and 3");
_Static_assert(offsetof(struct conn, cwnd) == 4 * SL_CACHE_LINE && offsetof(struct conn, cc) == 5 * SL_CACHE_LINE,
               "lines 4 and 5");
_Static_assert(sizeof(struct conn) == 6 * SL_CACHE_LINE, "the size of an established connection");

/* A passive open before its third segment: SYN-RECEIVED without a connection. */
struct request {
    struct tuple tuple;
    struct sl_timer timer; /* in sl_tcp.req_fifos[sent - 1] */
    struct sl_tcp_listener *listener;
    struct settings *set; /* the listener's when the SYN came: our window scale depends on it */
    uint32_t self;
    uint32_t iss, irs;
    uint32_t ts_recent;
    uint64_t sent_ns; /* last SYN-ACK */
    uint64_t first_ns;
    uint32_t snd_wnd; /* of the SYN, unscaled by rule */
    uint16_t peer_mss;
    uint8_t opts; /* OPT_* agreed on */
    uint8_t snd_shift;
    uint8_t sent;       /* SYN-ACKs, 1.. */
    uint8_t challenges; /* answers to bad segments, bounded for its whole life */
};

/* TIME-WAIT. */
struct linger {
    struct tuple tuple;
    struct sl_timer timer; /* in sl_tcp.tw_fifo */
    uint64_t since_ns;
    uint32_t self;
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint16_t wnd; /* to be put in ACKs, as on the wire */
    bool ts;
    uint8_t challenges;
};
_Static_assert(sizeof(struct linger) <= 128, "TIME-WAIT costs at most 128 bytes");

#endif
