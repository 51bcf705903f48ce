/* script: one endpoint (lib/net and lib/tcp) and a scripted peer, in virtual time. A test reads as a conversation:
 *
 *     u_listen(NULL);
 *     peer("S 0 wnd 8000 mss 1000");            the peer sends SYN with relative sequence number 0
 *     expect("SA 0 ack 1");                     the endpoint answers at once
 *     peer("A 1 ack 1");
 *     state("ESTABLISHED");
 *     u_write(100);
 *     expect("A 1(100) ack 1");                 100 bytes from relative sequence number 1; PSH is never compared
 *     expect_within(200, 1100, "A 1(100)");     the first retransmission comes 200 to 1100 ms later
 *
 * Text of a segment: FLAGS SEQ[(LEN)] [WORD VALUE]...
 *   FLAGS   letters of FSRPAUEC, or `.` for none; a mere R in expect() stands for RST with or without ACK
 *   SEQ     relative to the sender's initial sequence number; =N: absolute; * in expect: any
 *   ack N   relative to the receiver's initial sequence number, or =N. Left out: in peer(), all that the
 *         endpoint has sent so far; in expect(), any
 *   wnd N   the header's field;  win N: in bytes, that is scaled as agreed; left out in peer(): the last one
 *         used, 65535 at first
 *   mss N, ws N, sackok, ts VAL,ECR, sack A-B[,C-D...]     options; blocks are relative to whoever sent the bytes
 *   nots    peer(): no timestamp although it was agreed; expect(): no timestamp option. nosack: expect(): no
 *         SACK option.   noopt: no options at all
 *   opt HEX  raw option bytes;  urg N;  doff N: a lie about the data offset (16 means 0);  badsum: a wrong
 *         checksum;  from N: another source port of the peer
 *   ect, ce  the IP header says so (ect: ECT(0));  noect: expect(): it does not
 *   fill     the data is not the stream's
 * Once agreed, peer() adds timestamps by itself: its newest one plus the ms since, and the last value that the endpoint sent.
 *
 * Data is a pattern of the position in the stream, checked wherever it comes out. A segment that was not expected
 * fails the test at the next time step or at its end. ARP and ND are answered behind the scenes. Every mbuf must be
 * home at the end. Each test runs over IPv4 and over IPv6. */
#ifndef TH_SCRIPT_H
#define TH_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/tcp.h"

#define SCRIPT_CONNS_MAX 64
#define SCRIPT_LPORT 80         /* u_listen listens here */
#define SCRIPT_DIAL_LPORT 50000 /* u_connect of connection n comes from this + n */
#define SCRIPT_RPORT 40000      /* connection n's port at the peer is this + n */

/* ---- the world; a test may make it anew with other parameters as its first step ---- */
struct script_world {
    uint32_t time_wait_ms;   /* 60,000 */
    uint32_t rto_min_ms;     /* 0: the endpoint's default */
    uint32_t conns_max;      /* 64 */
    uint32_t time_wait_max;  /* 64 */
    uint64_t held_max_bytes; /* 16 MiB */
    uint16_t mtu;            /* 1500 */
    uint32_t peer_iss;       /* 10,000; connection n has this + n * 1,000,000 */
    bool no_answer;          /* the peer does not answer ARP or ND */
};
void ts_world(const struct script_world *w);
#define world(...) ts_world(&(struct script_world){__VA_ARGS__})
bool script_is_ip6(void);

/* ---- time in ms since the test began ---- */
#define at(ms) ts_at(__FILE__, __LINE__, ms) /* moves on to this time */
#define after(ms)                                                                                                      \
    ts_after(__FILE__, __LINE__, ms) /* moves on by so much; what was sent on the way must be expected at its time */
#define quiet(ms) ts_quiet(__FILE__, __LINE__, ms) /* moves on by so much, and nothing may be sent */
double script_now_ms(void);

/* ---- the peer ---- */
#define peer(...) ts_peer(__FILE__, __LINE__, __VA_ARGS__)
#define peer_batch(...)                                                                                                \
    ts_peer_batch(__FILE__, __LINE__, __VA_ARGS__) /* only queues; the next peer() delivers all in one burst */
#define expect(...)                                                                                                    \
    ts_expect(__FILE__, __LINE__, 0, 2, __VA_ARGS__) /* sent by now, at the earliest when time stood still last */
#define expect_within(lo_ms, hi_ms, ...)                                                                               \
    ts_expect(__FILE__, __LINE__, lo_ms, hi_ms, __VA_ARGS__) /* from now; time moves on until it comes */
#define expect_ack(n)                                                                                                  \
    expect_within(0, 500, "A * ack %u", (unsigned)(n)) /* a bare ACK that may be delayed (RFC 9293 3.8.6.3) */
#define expect_nothing() ts_expect_nothing(__FILE__, __LINE__)
uint32_t drop_all(
    void); /* forgets what was sent and not expected: loss, or a test that does not care; how many that was */
uint32_t drop_all_bytes(void); /* the same; bytes of TCP payload that this was */
/* An ICMP error about the endpoint's segment with relative sequence number seq. Codes are those of ICMP; translated
 * for IPv6 where there is a twin. */
void peer_icmp_unreachable(uint8_t code, uint32_t seq);
void peer_icmp_too_big(uint16_t mtu, uint32_t seq);

/* ---- connections: 0 is current unless said otherwise ---- */
void on(uint32_t conn);
/* Handshakes. `options` go into the peer's SYN, for instance "wnd 8000 mss 1000 ts 1,0"; NULL: "mss 1000". */
#define accept_one(options) ts_accept_one(__FILE__, __LINE__, options)
#define accept_at(rtt_ms, options) ts_accept_at(__FILE__, __LINE__, rtt_ms, options) /* so long after the SYN-ACK */
#define connect_one(options) ts_connect_one(__FILE__, __LINE__, options)

/* Listens (once) and brings connection `on` to a state by the shortest way from a passive open, mss 1000; SYN-SENT by
 * an active open. */
#define reach(name) ts_reach(__FILE__, __LINE__, name)
/* The synchronized states, and where the sequence numbers then stand. */
struct script_state {
    const char *name;
    uint32_t our_nxt, peer_nxt; /* relative */
};
extern const struct script_state script_states[7];

/* ---- the user's side ---- */
void u_listen_with(const struct sl_tcp_opts *opts, uint32_t backlog);
void u_listen(const struct sl_tcp_opts *opts);        /* backlog 16 */
void u_listen_update(const struct sl_tcp_opts *opts); /* other settings for connections from now on */
void u_unlisten(void);
int u_connect(const struct sl_tcp_opts *opts); /* 0 or the error */
int u_connect_from(uint16_t lport, const struct sl_tcp_opts *opts);
#define u_write(n) ts_write(__FILE__, __LINE__, n) /* n bytes of the pattern, without regard to credit */
#define u_read(n) ts_read(__FILE__, __LINE__, n)   /* exactly n bytes are there and right */
#define u_read_nothing() ts_read_nothing(__FILE__, __LINE__)
uint32_t u_credit(void);
void u_shutdown(void);
void u_abort(void);
void u_release(void);
struct sl_stream *u_stream(void); /* NULL: none (yet, or released) */

/* ---- what holds ---- */
#define state(name)                                                                                                    \
    ts_state(__FILE__, __LINE__,                                                                                       \
             name) /* RFC 9293's name; "CLOSED" and "TIME-WAIT" also when the endpoint shows nothing */
#define event(bits) ts_event(__FILE__, __LINE__, bits) /* these SL_STREAM_* were raised since the connection began */
void forget_events(void); /* of the current connection: event() and no_event() begin anew */
#define no_event(bits) ts_no_event(__FILE__, __LINE__, bits)
#define closed_for(reason) ts_closed_for(__FILE__, __LINE__, reason)
struct sl_tcp_info script_info(void);
uint32_t script_conns(void);            /* sl_tcp_conns */
uint32_t script_seq(uint32_t relative); /* one of the endpoint's numbers, absolute */
uint32_t script_last_ack(void);         /* relative, of the last segment taken by expect */
uint64_t script_counter(enum sl_ctr c);
uint64_t script_drops(enum sl_drop d);
const struct th_tcp *script_last(void); /* the last segment taken by expect */

/* ---- behind the macros ---- */
void ts_at(const char *file, int line, double ms);
void ts_after(const char *file, int line, double ms);
void ts_quiet(const char *file, int line, double ms);
void ts_peer(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ts_peer_batch(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ts_expect(const char *file, int line, double lo_ms, double hi_ms, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void ts_expect_nothing(const char *file, int line);
void ts_accept_one(const char *file, int line, const char *options);
void ts_accept_at(const char *file, int line, double rtt_ms, const char *options);
void ts_connect_one(const char *file, int line, const char *options);
void ts_reach(const char *file, int line, const char *name);
void ts_write(const char *file, int line, uint32_t n);
void ts_read(const char *file, int line, uint32_t n);
void ts_read_nothing(const char *file, int line);
void ts_state(const char *file, int line, const char *name);
void ts_event(const char *file, int line, uint8_t bits);
void ts_no_event(const char *file, int line, uint8_t bits);
void ts_closed_for(const char *file, int line, enum sl_reason reason);

/* ---- running: each test over both families ---- */
struct script_test {
    const char *name;
    void (*run)(void);
};
#define SCRIPT(fn)                                                                                                     \
    {                                                                                                                  \
#fn, fn                                                                                                        \
    }
int script_main(const struct script_test *tests, size_t n);
#define SCRIPT_MAIN(...)                                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const struct script_test tests[] = {__VA_ARGS__};                                                       \
                                                                                                                       \
        return script_main(tests, SL_ARRAY_LEN(tests));                                                                \
    }

#endif
