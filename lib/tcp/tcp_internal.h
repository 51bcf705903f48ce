/* What the files of this room share. Each block names the file that holds it. */
#ifndef SL_TCP_INTERNAL_H
#define SL_TCP_INTERNAL_H

#include "tcp/conn.h"
#include "tcp/cookie.h"
#include "tcp/flight.h"
#include "tcp/wire.h"

#define TCP_MSS_DEFAULT4 536u /* RFC 9293 3.7.1, when the peer names none */
#define TCP_MSS_DEFAULT6 1220u
#define TCP_MSS_FLOOR 216u                 /* smaller offers are raised to this (CVE-2019-11479) */
#define TCP_MTU_FLOOR4 552u                /* no ICMP makes packets smaller than this (RFC 1191 is more trusting) */
#define TCP_MTU_FLOOR6 1280u               /* RFC 8201 */
#define TCP_SHIFT_MAX 14u                  /* RFC 7323 2.3 */
#define TCP_RTO_SYN_NS SL_NS_PER_S         /* RFC 6298 2.1 */
#define TCP_RTO_AFTER_SYN_LOSS_US 3000000u /* RFC 6298 5.7 */
#define TCP_RTO_MAX_NS (60 * SL_NS_PER_S)
#define TCP_DELACK_NS (40 * SL_NS_PER_MS)
#define TCP_OVERRIDE_NS (200 * SL_NS_PER_MS) /* RFC 9293 3.8.6.2.1: 0.1 to 1 s */
#define TCP_PIECES_MAX 16u                   /* slices in one segment */
#define TCP_BUDGET_SEGS 32u                  /* segments of one connection before another one's turn */
#define TCP_SYN_ACKS_MAX 5u                  /* 1 + 2 + 4 + 8 + 16 s, then a request is forgotten */
#define TCP_LISTENER_BUCKETS 64u
#define TCP_PAWS_AGE_NS (24ull * 86400 * SL_NS_PER_S) /* RFC 7323 5.5 */
#define TCP_ALLOC_PAUSE_NS SL_NS_PER_MS               /* no packet buffers: try again after this */

/* What a 32-bit reference in the table stands for: kind in the upper two bits, slab index below. */
enum ref_kind { REF_CONN, REF_REQUEST, REF_LINGER };
#define REF_SHIFT 30
static inline uint32_t ref_make(enum ref_kind kind, uint32_t idx) { return (uint32_t)kind << REF_SHIFT | idx; }
static inline enum ref_kind ref_kind(uint32_t ref) { return (enum ref_kind)(ref >> REF_SHIFT); }
static inline uint32_t ref_idx(uint32_t ref) { return ref & ((1u << REF_SHIFT) - 1); }

/* Options of connections with defaults filled in, shared by all that were opened with the same. */
struct settings {
    struct sl_list link;
    struct sl_tcp_opts opts;
    const struct sl_tcp_cc *cc; /* congestion control */
    uint32_t refs;
    uint8_t rcv_shift;
};

struct sl_tcp_listener {
    struct sl_list link; /* in sl_tcp.listeners[lport & ..] */
    struct sl_tcp *t;
    struct sl_endpoint at;
    struct settings *set;
    struct sl_ready *ready;
    void *owner;
    uint32_t backlog, pending; /* requests: most, now */
    uint64_t cookies_until;    /* nobody can hold a good cookie after this; 0: none was ever sent */
};

struct sl_tcp {
    uint64_t now;
    struct sl_net *net;
    struct sl_stats *stats;
    struct rte_mempool *hdr_pool, *ref_pool;
    struct table table;
    struct slab conns, requests, lingers, reasms, flights, episodes, seldoms;
    struct node_pool nodes;
    uint64_t copied_told; /* of nodes.copied_bytes */
    struct sl_wheel wheel;
    struct sl_list out;     /* of conn.out_link: something to send */
    struct sl_list dead;    /* of conn.out_link: to be freed at the end of this step */
    uint64_t stalled_until; /* output waits for packet buffers */
    bool starved;           /* this output found none */
    struct sl_fifo tw_fifo;
    struct sl_fifo req_fifos[TCP_SYN_ACKS_MAX];
    struct sl_list settings;
    struct sl_list listeners[TCP_LISTENER_BUCKETS];
    struct sl_hash_key isn_key, ts_key;
    struct cookie_keys cookie_keys;
    struct cookie_used {
        uint32_t hash, ack; /* of tuple and of the ACK that was good */
    } * cookies_used;
    uint32_t cookies_used_mask;
    struct sl_rng rng;
    uint64_t held_max_bytes, time_wait_ns;
    uint32_t rto_min_us;
    uint32_t conns_max;
    struct {
        uint64_t period_end_ns;
        uint32_t left;
    } rst_budget;
    struct {
        uint32_t hand;   /* the object of conns that was looked at last */
        uint32_t budget; /* objects that may be looked at for a place, until timers run again */
        uint32_t passed; /* since somebody went */
        uint64_t next_at, patience_ns;
    } evict;
};

/* Memory: what queues hold, against marks in eighths of held_max_bytes. From MARK_JOIN on small payloads are copied
 * together, so that they don't hold a buffer each; below nothing is copied. From MARK_TIGHT on windows and credit shrink to
 * what keeps a connection going; then bytes ahead of order are given up, then bytes in order of those who have some
 * waiting already; the last eighth is for those who have none, or too little to be taken, so that nobody waits for
 * ever for somebody else. */
enum { MARK_JOIN = 3, MARK_TIGHT = 5, MARK_AHEAD = 6, MARK_IN_ORDER = 7, MARK_FULL = 8 };
#define TCP_TIGHT_CREDIT_BYTES (20u << 10) /* a TLS record and its headers */
static inline bool memory_is_below(const struct sl_tcp *t, uint32_t mark)
{
    return t->nodes.held_bytes < t->held_max_bytes / 8 * mark;
}

static inline bool memory_wants_joining(const struct sl_tcp *t) { return !memory_is_below(t, MARK_JOIN); }

static inline struct conn *conn_at(const struct sl_tcp *t, uint32_t idx) { return slab_at(&t->conns, idx); }
static inline struct request *request_at(const struct sl_tcp *t, uint32_t idx) { return slab_at(&t->requests, idx); }
static inline struct linger *linger_at(const struct sl_tcp *t, uint32_t idx) { return slab_at(&t->lingers, idx); }

static inline struct conn *conn_of_stream(struct sl_stream *s) { return sl_container_of(s, struct conn, stream); }
static inline uint32_t tcp_now_ms(const struct sl_tcp *t) { return (uint32_t)(t->now / SL_NS_PER_MS); }
static inline uint32_t tcp_now_us(const struct sl_tcp *t) { return (uint32_t)(t->now / SL_NS_PER_US); }
static inline uint32_t conn_tsval(const struct conn *c) { return tcp_now_ms(c->t) + c->ts_offset; }
/* The timestamp that stood in a segment sent then, within the last hour. */
static inline uint32_t conn_tsval_at(const struct conn *c, uint32_t sent_us)
{
    uint32_t age_us = tcp_now_us(c->t) - sent_us;

    return (uint32_t)((c->t->now / SL_NS_PER_US - age_us) / 1000) + c->ts_offset;
}
static inline uint32_t conn_flight(const struct conn *c) { return c->snd_nxt - c->snd_una; }
/* NULL: there is none. */
static inline struct flight *flight_of(const struct conn *c)
{
    return c->flight ? slab_at(&c->t->flights, c->flight) : NULL;
}
/* NULL: none was needed yet. */
static inline struct seldom *seldom_of(const struct conn *c)
{
    return c->seldom ? slab_at(&c->t->seldoms, c->seldom) : NULL;
}
/* NULL: there is no hole. */
static inline struct reasm *reasm_of(const struct conn *c)
{
    const struct seldom *x = seldom_of(c);

    return x && x->reasm ? slab_at(&c->t->reasms, x->reasm) : NULL;
}
static inline uint32_t conn_index(const struct conn *c)
{
    return (uint32_t)(c - (const struct conn *)c->t->conns.items);
}
/* When the peer was heard last, at most a beat late: 32 bits of beats are two years. */
#define TCP_BEAT_SHIFT 24 /* 17 ms */
static inline void conn_heard(struct conn *c) { c->last_rx_beat = (uint32_t)(c->t->now >> TCP_BEAT_SHIFT); }
static inline uint64_t conn_last_rx_ns(const struct conn *c)
{
    uint64_t beat = c->t->now >> TCP_BEAT_SHIFT, ago = (uint32_t)beat - c->last_rx_beat;

    return (beat - ago + 1) << TCP_BEAT_SHIFT;
}
/* Bytes, and FIN, that the peer was not told of yet. */
static inline uint32_t conn_rcv_unacked(const struct conn *c) { return c->rcv_nxt - c->last_ack; }
/* Numbers that are to be sent, FIN included: [snd_nxt, conn_snd_limit). */
static inline uint32_t conn_snd_limit(const struct conn *c) { return c->snd_end + !!(c->flags & F_SHUT); }
static inline bool conn_synchronized(const struct conn *c)
{
    return c->state >= ST_ESTABLISHED && c->state < ST_TIME_WAIT;
}
/* It is given up at limit_at: it is not established yet, or nobody waits for the peer's FIN. Nothing that was sent in
 * these states has progress to watch. */
static inline bool conn_is_limited(const struct conn *c)
{
    return c->state == ST_SYN_SENT || c->state == ST_SYN_RCVD || (c->state == ST_FIN_WAIT_2 && c->flags & F_RELEASED);
}

/* conn.c: birth and death */
/* A connection in CLOSED with defaults, in the table under `tuple` (hash filled in), in place of the reference
 * `replaces` unless that is 0. NULL with *why when conns_max, the table or memory is at its end (-ENOMEM), or there is
 * no way to the peer (-EHOSTUNREACH). */
struct conn *sl_tcp_conn_new(struct sl_tcp *t, const struct tuple *tuple, struct settings *set, uint32_t replaces,
                             int *why);
/* The MSS that we name to the peer: what the interface's MTU allows (RFC 6691: options not subtracted). */
uint16_t sl_tcp_mss_offer(const struct sl_net_path *path, const struct tuple *tuple);
/* Computes what a full segment holds from the path's MTU, the peer's MSS and the options. */
void sl_tcp_conn_set_mss(struct conn *c);
uint16_t sl_tcp_conn_mss_for(const struct conn *c, uint16_t mtu); /* the same for another MTU */
/* What both sides agreed on in their SYNs. */
void sl_tcp_conn_agree(struct conn *c, uint8_t opts, uint8_t peer_shift, uint16_t peer_mss, uint32_t ts_recent);
/* Out of the table and off every list, send queue freed; the user is told `reason`. Received bytes stay readable when
 * it is NONE. The object lives on until it is released, and to the end of this step. */
void sl_tcp_conn_end(struct conn *c, enum sl_reason reason);
/* The same, but another reference has taken the connection's place in the table, and the state is TIME-WAIT already. */
void sl_tcp_conn_linger_took_over(struct conn *c);
/* The same, with a RST to the peer where RFC 9293 3.10.5 asks for one. */
void sl_tcp_conn_abort(struct conn *c, enum sl_reason reason);
/* Queues for the next output. */
static inline void conn_wants_output(struct conn *c)
{
    if (sl_list_empty(&c->out_link) && c->state != ST_CLOSED && c->state != ST_TIME_WAIT)
        sl_list_push_back(&c->t->out, &c->out_link);
}
static inline void conn_ack_now(struct conn *c)
{
    c->flags |= F_ACK_NOW;
    conn_wants_output(c);
}
/* An ended connection is released: it is freed by the next reap, which ends every step, so that nobody on the way meets
 * freed memory. */
void sl_tcp_conn_bury(struct conn *c);
void sl_tcp_conn_reap(struct sl_tcp *t);
void sl_tcp_conn_free_queues(struct conn *c);
/* Makes there be one; NULL when there is none left. */
struct reasm *sl_tcp_conn_need_reasm(struct conn *c);
void sl_tcp_conn_drop_reasm(struct conn *c);
/* The same for the flight; NULL when there is none left, or it can't be known any more what is in it. */
struct flight *sl_tcp_conn_need_flight(struct conn *c);
void sl_tcp_conn_drop_flight(struct conn *c);
struct seldom *sl_tcp_conn_need_seldom(struct conn *c); /* never NULL: there is one for each connection */

/* state.c */
void sl_tcp_set_state(struct conn *c, enum state to);
extern const char *const sl_tcp_state_name[ST_COUNT];
bool sl_tcp_state_may_move(enum state from, enum state to);

/* settings.c: interned options */
struct settings *sl_tcp_settings_get(struct sl_tcp *t, const struct sl_tcp_opts *opts); /* NULL: out of memory */
static inline struct settings *settings_ref(struct settings *set)
{
    set->refs++;
    return set;
}
void sl_tcp_settings_put(struct settings *set);

/* isn.c */
uint32_t sl_tcp_isn(const struct sl_tcp *t, const struct tuple *tuple);
uint32_t sl_tcp_ts_offset(const struct sl_tcp *t, const struct tuple *tuple);
uint32_t sl_tcp_ts_clock(const struct sl_tcp *t, const struct tuple *tuple); /* what its timestamps show now */

/* emit.c: segments into net */
enum emit_result {
    EMIT_SENT,
    EMIT_NO_ROOM, /* the transmit queue is full: nothing changed */
    EMIT_NO_MBUF, /* no packet buffer: nothing changed */
    EMIT_LOST,    /* the neighbour does not answer: as good as lost on the way */
};
/* A segment that belongs to no connection object: it is lost when it can't leave now. _on: the way is known. */
enum emit_result sl_tcp_emit_on(struct sl_tcp *t, struct sl_net_path *path, const struct tuple *tuple,
                                const struct header *h);
enum emit_result sl_tcp_emit_bare(struct sl_tcp *t, const struct tuple *tuple, const struct header *h);
/* Of len queued bytes from seq on, how many go into one segment; moves *place to where they begin. */
uint32_t sl_tcp_emit_fit(struct conn *c, struct place *place, uint32_t seq, uint32_t len);
/* A segment of c: h, and len bytes of its send queue from h->seq on, as sl_tcp_emit_fit found them. */
enum emit_result sl_tcp_emit_data(struct conn *c, const struct header *h, const struct place *place, uint32_t len);

/* rst.c: answers to what has no connection (RFC 9293 3.10.7.1) and to unacceptable ACKs */
void sl_tcp_rst_answer(struct sl_tcp *t, const struct seg *s);
void sl_tcp_rst_send(struct sl_tcp *t, const struct tuple *tuple, uint32_t seq, uint32_t ack, uint8_t flags);

/* output.c */
/* Sends what c may send now, at most budget_segs segments; *more: it could send on. False when net or the pools are
 * full: c must stay on the list. */
bool sl_tcp_output_conn(struct conn *c, uint32_t budget_segs, bool *more);

/* recv.c: receive queue, delayed ACK */
void sl_tcp_recv_text(struct conn *c, struct seg *s); /* step 7: payload, already trimmed */
/* Step 8: notes where FIN stands, and takes it when its turn has come. */
void sl_tcp_recv_fin(struct conn *c, uint32_t fin_at, bool has_fin);
void sl_tcp_recv_ack_sent(struct conn *c, uint32_t wnd_bytes);
void sl_tcp_recv_note_dup(struct conn *c, uint32_t start, uint32_t end);

/* window.c: receive window */
void sl_tcp_window_init(struct conn *c);
uint32_t sl_tcp_recv_window(const struct conn *c); /* the window to be told: bytes beyond rcv_nxt, before scaling */
/* Whether the user waits for more before it can take what is there (a TLS record). Such a one gets on whatever the
 * limits are, as long as there is memory at all; otherwise nobody would ever free what it holds. */
bool sl_tcp_window_waits_for_unit(const struct conn *c);
uint32_t sl_tcp_window_idle_us(const struct conn *c);            /* how long ago the user began to take bytes */
void sl_tcp_window_arrived(struct conn *c, const struct seg *s); /* text in order, before it is taken */
void sl_tcp_recv_consumed(struct conn *c, uint32_t bytes); /* the user took bytes: perhaps the window is to be opened */
void sl_tcp_recv_peeked(struct conn *c);                   /* the user looked: it may need more than waits */

/* send.c: send queue */
void sl_tcp_send_acked(struct conn *c, uint32_t ack); /* frees what ack covers */
uint32_t sl_tcp_send_credit(const struct conn *c);
#define CREDIT_UNIT_BYTES (16u << 10)
void sl_tcp_send_watch_credit(struct conn *c, uint32_t seen_bytes); /* the user found too little */
uint32_t sl_tcp_send_limit(const struct conn *c);                   /* bytes that may be queued at a time */

/* ack.c: step 5 */
void sl_tcp_ack_process(struct conn *c, const struct seg *s);
/* RTT from the timestamp that s echoes, where it has one. */
void sl_tcp_ack_measure_ts(struct conn *c, const struct seg *s);

/* What one ACK says, gathered before anybody acts on it. */
struct ack_info {
    uint32_t acked_bytes;     /* snd_una moved by so much */
    uint32_t sacked_bytes;    /* newly SACKed */
    uint32_t delivered_bytes; /* RFC 9937's DeliveredData */
    uint32_t rtt_us;          /* the sample that this ACK gave; 0: none */
    uint32_t tsecr;           /* 0: no timestamp */
    struct range dsack;       /* what arrived twice (RFC 2883); start == end: nothing */
    bool bare_dup;            /* acknowledges nothing new, carries nothing, and no SACK block */
    bool dup;                 /* RFC 5681's duplicate ACK, or one with SACK blocks that nobody could note */
    bool ece;                 /* the peer echoes congestion: cwnd does not grow (RFC 3168 6.1.2) */
};
static inline bool ack_has_dsack(const struct ack_info *a) { return a->dsack.start != a->dsack.end; }

/* recovery.c: the states CA_* */
void sl_tcp_recovery_ack(struct conn *c, struct ack_info *a);
void sl_tcp_recovery_rto(struct conn *c);
/* Congestion without a loss that is to be repaired: an ECN echo (RFC 3168 6.1.2), or a probe that repaired it. At most
 * once per window of data: whether this was the time. */
bool sl_tcp_recovery_reduce(struct conn *c);
/* Something counts as lost now. */
void sl_tcp_recovery_lost(struct conn *c);
/* The congestion was none: as if it had not been. */
void sl_tcp_recovery_open(struct conn *c);
uint32_t sl_tcp_recovery_pipe(const struct conn *c);
/* What is to be retransmitted now; false when nothing is, or cwnd is full. */
bool sl_tcp_recovery_next(struct conn *c, uint32_t *seq, uint32_t *len);
/* Whether something lost was not sent again yet: nothing new overtakes it. */
bool sl_tcp_recovery_waits(const struct conn *c);
/* [seq, seq + len) was sent: the first time, or again. */
void sl_tcp_recovery_sent(struct conn *c, uint32_t seq, uint32_t len);
void sl_tcp_recovery_sent_again(struct conn *c, uint32_t seq, uint32_t len);
/* Marks all that is in flight as to be sent again, without blaming congestion (smaller MTU). */
void sl_tcp_recovery_resend(struct conn *c);

/* rack.c: RFC 8985 6 */
void sl_tcp_rack_delivered(struct conn *c, struct flight *f, const struct piece *p, uint32_t tsecr);
void sl_tcp_rack_dsack(struct conn *c);     /* an ACK reports a duplicate */
void sl_tcp_rack_recovered(struct conn *c); /* a recovery is over */
bool sl_tcp_rack_detect(struct conn *c);    /* whether anything more counts as lost now */
void sl_tcp_rack_timeout(struct conn *c);   /* the reordering timer */
void sl_tcp_rack_rto(struct conn *c, struct flight *f);

/* dupack.c: losses where the peer does not speak SACK (RFC 5681, 6582) */
bool sl_tcp_dupack_ack(struct conn *c, struct ack_info *a); /* whether something more counts as lost now */
uint32_t sl_tcp_dupack_gone(const struct conn *c);          /* what duplicate ACKs say has arrived */

/* tlp.c: RFC 8985 7 */
uint64_t sl_tcp_tlp_at(const struct conn *c);   /* when a probe would be due; SL_NEVER: none is wanted */
bool sl_tcp_tlp_is_extra(const struct conn *c); /* no probe that RFC 8985 has */
bool sl_tcp_tlp_wanted(const struct conn *c);
/* What the probe is to send; false when there is nothing to probe for any more. */
bool sl_tcp_tlp_next(const struct conn *c, uint32_t *seq, uint32_t *len);
void sl_tcp_tlp_sent(struct conn *c, uint32_t end, bool again);
void sl_tcp_tlp_ack(struct conn *c, const struct ack_info *a);
bool sl_tcp_tlp_explains(const struct conn *c, const struct ack_info *a);

/* undo.c: congestion that was none, and what is known of the last one */
struct episode {
    uint32_t prior_cwnd, prior_ssthresh, prior_flight; /* before it */
    union cc_state prior_cc;
    uint32_t una, nxt;    /* what was in flight when it began; nxt moves to where its end was found */
    uint32_t again_bytes; /* retransmitted, and not reported as duplicate */
    struct range dsack;   /* the last that was reported */
    uint32_t stamp;       /* timestamp of its first retransmission (RFC 3522's RetransmitTS) */
    uint32_t prr_delivered, prr_out, prr_flight; /* RFC 9937's, the last one RecoverFS */
    bool may_undo;
    bool stamped;
    bool first_ack; /* nothing was acknowledged since */
    bool timeout;   /* it began with a retransmission timeout */
    bool over;
};
static inline struct episode *episode_of(const struct conn *c)
{
    const struct seldom *x = seldom_of(c);

    return x && x->episode ? slab_at(&c->t->episodes, x->episode) : NULL;
}
void sl_tcp_undo_begin(struct conn *c, bool may_undo, bool timeout);
void sl_tcp_undo_timeout(struct conn *c); /* the timer ran out in a recovery: it is one event */
void sl_tcp_undo_over(struct conn *c);    /* its end was reached: a D-SACK may still tell */
void sl_tcp_undo_sent_again(struct conn *c, uint32_t len);
void sl_tcp_undo_ack(struct conn *c, const struct ack_info *a);
void sl_tcp_undo_drop(struct conn *c);

/* prr.c: RFC 9937 */
void sl_tcp_prr_begin(struct conn *c, uint32_t delivered_bytes);
void sl_tcp_prr_ack(struct conn *c, const struct ack_info *a, bool more_lost);
void sl_tcp_prr_sent(struct conn *c, uint32_t bytes);
void sl_tcp_prr_end(struct conn *c);
/* ecn.c: RFC 3168 */
bool sl_tcp_ecn_asks(const struct conn *c); /* our SYN asked, or will */
uint8_t sl_tcp_ecn_syn_flags(const struct conn *c);
void sl_tcp_ecn_mark(const struct conn *c, struct header *h);      /* of a segment of new data */
void sl_tcp_ecn_receive(struct conn *c, const struct seg *s);      /* acceptable text, in order or not */
bool sl_tcp_ecn_echoed(const struct conn *c, const struct seg *s); /* whether an acceptable ACK echoes congestion */
void sl_tcp_ecn_react(struct conn *c);                             /* it did */

/* rtt.c: RFC 6298 */
void sl_tcp_rtt_sample(struct conn *c, uint64_t rtt_ns);
void sl_tcp_rtt_echo(struct conn *c, uint32_t rtt_ms); /* from a timestamp: too coarse for a minimum */
uint32_t sl_tcp_rtt_rto_us(const struct conn *c);      /* without backoff */
uint64_t sl_tcp_rtt_rto_ns(const struct conn *c);      /* with it */

/* timer.c: facts in, deadlines out */
/* Something that must be acknowledged went out; was_idle: nothing was in flight before. */
void sl_tcp_timer_sent(struct conn *c, bool was_idle);
void sl_tcp_timer_restart(struct conn *c); /* the first segment in flight, or a loss probe, was sent again */
void sl_tcp_timer_acked(struct conn *c);   /* snd_una moved */
void sl_tcp_timer_rack(struct conn *c);    /* the reordering timer was set */
void sl_tcp_timer_persist(struct conn *c); /* nothing in flight, and the window holds data back */
void sl_tcp_timer_delack(struct conn *c);
void sl_tcp_timer_limit(struct conn *c, uint64_t at_ns); /* it is limited now */
void sl_tcp_timer_rearm(struct conn *c);
void sl_tcp_timer_stop(struct conn *c);
void sl_tcp_timer_run(struct sl_tcp *t);

/* pace.c */
/* Whether new segments must wait; there is a timer then. */
bool sl_tcp_pace_holds(struct conn *c);
void sl_tcp_pace_sent(struct conn *c, uint32_t bytes);
uint64_t sl_tcp_pace_rate(const struct conn *c); /* bytes a second; 0: not paced */

/* listen.c */
struct sl_tcp_listener *sl_tcp_listen_find(struct sl_tcp *t, const struct tuple *tuple);
/* A segment to a listener with no state of its own. iss_floor: the ISN must be newer than this when has_floor (RFC 9293
 * 3.4.1, TIME-WAIT reuse). The connection when a cookie made one and the segment is to be processed further. */
struct conn *sl_tcp_listen_input(struct sl_tcp_listener *l, struct seg *s, bool has_floor, uint32_t iss_floor);

/* stateless.c */
int sl_tcp_cookie_init(struct sl_tcp *t); /* -ENOMEM */
/* Answers a SYN with a cookie. False when that can't be: the number would not be above the floor. */
bool sl_tcp_cookie_answer(struct sl_tcp_listener *l, const struct seg *s, bool has_floor, uint32_t iss_floor);
/* The connection that s, an ACK, opens by its cookie, in the place of the reference `replaces` unless that is 0. NULL
 * with *why: NO_CONN when l has sent no cookie that could still be good. */
struct conn *sl_tcp_cookie_open(struct sl_tcp_listener *l, const struct seg *s, uint32_t replaces, enum sl_drop *why);

/* request.c */
/* False with *why: there is no room. */
bool sl_tcp_request_new(struct sl_tcp_listener *l, const struct seg *s, uint32_t iss, enum sl_drop *why);
/* These two also for a request that is only a value, made from a cookie. */
enum emit_result sl_tcp_request_syn_ack(struct sl_tcp *t, const struct request *r, uint32_t tsval);
/* The connection that r becomes by the ACK s, in the place of the reference `replaces`; NULL: there is no room. */
struct conn *sl_tcp_request_open(const struct request *r, const struct seg *s, uint32_t replaces);
/* Forgets all requests of l. */
void sl_tcp_request_free_all(struct sl_tcp_listener *l);
/* A segment to a request. The connection when it became one and the segment is to be processed further; NULL when it is
 * done with. */
struct conn *sl_tcp_request_input(struct request *r, struct seg *s);
void sl_tcp_request_free(struct sl_tcp *t, struct request *r);
void sl_tcp_request_timers(struct sl_tcp *t);

/* connect.c */
void sl_tcp_connect_input(struct conn *c, struct seg *s); /* 3.10.7.3 */
void sl_tcp_connect_established(struct conn *c);          /* SYN acknowledged: start everything */

/* timewait.c */
void sl_tcp_linger_begin(struct conn *c);
/* True when s is a new SYN for whom TIME-WAIT makes room: the linger is gone, *iss_floor is its snd_nxt. */
bool sl_tcp_linger_input(struct linger *w, struct seg *s, struct sl_tcp *t, uint32_t *iss_floor);
bool sl_tcp_linger_may_reuse(const struct sl_tcp *t, const struct linger *w);
void sl_tcp_linger_free(struct sl_tcp *t, struct linger *w);
void sl_tcp_linger_timers(struct sl_tcp *t);

/* close.c */
void sl_tcp_close_shutdown(struct conn *c);
void sl_tcp_close_release(struct conn *c);
void sl_tcp_close_fin_acked(struct conn *c);
void sl_tcp_close_peer_fin(struct conn *c);

/* input.c */
bool sl_tcp_challenge(struct conn *c);                         /* an ACK within this connection's limit (RFC 5961) */
void sl_tcp_synchronized_input(struct conn *c, struct seg *s); /* 3.10.7.4 */
void sl_tcp_text_input(struct conn *c, struct seg *s);         /* its steps 6 to 8, for text on a SYN-ACK */
/* The first window we tell, in a SYN: never scaled. */
static inline uint32_t settings_syn_window(const struct settings *set)
{
    return SL_MIN(set->opts.rcv_max_bytes, (uint32_t)UINT16_MAX);
}

/* pmtu.c: the size of packets that the path takes */
void sl_tcp_pmtu_init(struct pmtu *p);
void sl_tcp_pmtu_too_big(struct conn *c, uint32_t mtu, uint32_t seq); /* ICMP about our segment at seq says so */
void sl_tcp_pmtu_rto(struct conn *c);
/* len, or the size of a larger segment with which to try the path. could: bytes that windows leave room for. */
uint32_t sl_tcp_pmtu_new_bytes(struct conn *c, uint32_t len, uint32_t could);
void sl_tcp_pmtu_sent(struct conn *c, uint32_t seq, uint32_t len); /* that went out, longer than mss */
void sl_tcp_pmtu_sent_again(struct conn *c, uint32_t seq);         /* something from seq on was lost */
void sl_tcp_pmtu_acked(struct conn *c);                            /* snd_una moved */

/* evict.c: who goes when there is no more room */
void sl_tcp_evict_init(struct sl_tcp *t);
bool sl_tcp_evict_room(struct sl_tcp *t); /* whether one more connection has a place, if need be another one's */
void sl_tcp_evict_timers(struct sl_tcp *t);
uint64_t sl_tcp_evict_next(const struct sl_tcp *t);

/* icmp.c */
void sl_tcp_icmp_input(struct sl_tcp *t, const struct sl_net_icmp *e);

/* stream.c */
extern const struct sl_stream_ops sl_tcp_stream_ops;

/* check.c: NULL, or which invariant is broken */
const char *sl_tcp_check(struct sl_tcp *t);

#endif
