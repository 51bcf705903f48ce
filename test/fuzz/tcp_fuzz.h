/* What the fuzzer of tcp shares with the test of its corpus: how an input is written, and what inputs reached. */
#ifndef TCP_FUZZ_H
#define TCP_FUZZ_H

#include "base/base.h"
#include "stat/stat.h"

#define FUZZ_SLOTS 8u
#define FUZZ_RAW_MAX 40u
#define FUZZ_SACKS_MAX 4u

/* An input is two bytes of FUZZ_WORLD_*, then operations: a byte of these, modulo FUZZ_OPS_MODULO, then what it needs.
 * Numbers beyond the last are segments. */
enum fuzz_op {
    OP_SEGMENT,  /* struct fuzz_segment */
    OP_OPEN,     /* slot, OPT_*: an honest client's SYN and ACK */
    OP_DIAL,     /* slot, settings (3) */
    OP_SEND,     /* slot, bytes (2), bytes of a slice (2): at most what credit says */
    OP_RECV,     /* slot, bytes (2) */
    OP_PEEK,     /* slot */
    OP_SHUTDOWN, /* slot */
    OP_ABORT,    /* slot */
    OP_RELEASE,  /* slot */
    OP_TIME,     /* amount, shift: (amount + 1) << shift, in units of 65 us; FUZZ_JUMP: nobody runs meanwhile */
    OP_ICMP,     /* struct fuzz_icmp */
    OP_LISTEN,   /* settings (3), backlog: new ones for the listener, 0: no listener any more */
    OP_UPDATE,   /* slot, settings (3) */
    OP_POOLS,    /* which, how many buffers are left; 255: all */
    OP_LINK,     /* FUZZ_STALLED, FUZZ_SILENT */
    OP_TALK,     /* slot, rounds, bytes (2), shift: send, 2^shift / 4 ms, ACK, read, and so on */
    OP_LOOK,     /* what a person sees */
    OPS
};
#define FUZZ_OPS_MODULO 32u

enum { /* first byte of the world */
       FUZZ_WORLD_IP6 = 1,
       FUZZ_WORLD_FEW_CONNS = 2,
       FUZZ_WORLD_LITTLE_MEMORY = 4, /* 8 KiB << the low bits of the second byte */
       FUZZ_WORLD_ONE_TIME_WAIT = 8,
       FUZZ_WORLD_FAST = 16, /* minimum RTO 10 ms, 2 MSL 4 s */
       FUZZ_WORLD_JUMBO = 32,
       FUZZ_WORLD_NO_LISTENER = 64
};
enum { FUZZ_JUMP = 0x80 };
enum { FUZZ_STALLED = 1, FUZZ_SILENT = 2 };

/* Three bytes of settings. */
enum { /* the first */
       FUZZ_NAGLE = 1,
       FUZZ_PACING = 2,
       FUZZ_NEWRENO = 4,
       FUZZ_ECN_SHIFT = 3,    /* two bits: enum sl_tcp_ecn */
       FUZZ_COOKIES_SHIFT = 5 /* two bits: enum sl_tcp_cookies */
};
#define FUZZ_BUFFERS(rcv_shift, snd_shift) (uint8_t)((rcv_shift) | (snd_shift) << 4) /* 256 << shift; 15: default */
#define FUZZ_TIMES(keepalive, user, connect) (uint8_t)((keepalive) | (user) << 2 | (connect) << 4) /* see tcp_world.c */

/* A number near one that the endpoint knows. */
enum fuzz_at {
    AT_RCV_NXT,
    AT_RCV_ADV,
    AT_SND_UNA,
    AT_SND_NXT,
    AT_SND_END,
    AT_ISS,
    AT_IRS,
    AT_HEARD_ACK,    /* of the last segment that came from the endpoint */
    AT_HEARD_END,    /* the number behind it */
    AT_SYN_ACK,      /* what acknowledges the last SYN-ACK */
    AT_SYN_ACK_TIME, /* its timestamp */
    AT_TS_RECENT,
    AT_HEARD_TIME,
    AT_CLOCK,    /* milliseconds */
    AT_OPPOSITE, /* 2^31 from rcv_nxt */
    AT_ZERO,
    AT_COUNT
};

struct fuzz_num {
    uint8_t at; /* enum fuzz_at; from 128 on the offset is shifted by 16 */
    int16_t off;
};

enum { /* fuzz_segment.how */
       SEG_SLOT = 7,
       SEG_QUEUE = 8, /* the endpoint runs only with the next one */
       SEG_CHAIN = 16,
       SEG_ECN_SHIFT = 6
};
enum { /* fuzz_segment.has; what is absent is as an honest peer has it */
       HAS_NEAR = 1,
       HAS_OPTS = 2,
       HAS_SACKS = 4,
       HAS_RAW = 8,
       HAS_MANY = 16,
       HAS_DATA = 32,
       HAS_WND = 64,
       HAS_LIE = 128
};
enum fuzz_vary { VARY_NOTHING, VARY_PORT, VARY_SEQ, VARY_ACK, VARY_SACK, VARIES };
enum { LIE_LPORT = 1, LIE_RPORT = 2, LIE_LAND = 4 };

struct fuzz_segment {
    uint8_t how, has, flags;
    struct fuzz_num seq, ack; /* HAS_NEAR */
    uint8_t opts, wscale;     /* HAS_OPTS */
    uint16_t mss;
    struct fuzz_num tsval, tsecr;
    uint8_t n_sacks; /* HAS_SACKS */
    struct {
        struct fuzz_num start;
        int16_t len;
    } sacks[FUZZ_SACKS_MAX];
    uint8_t n_raw; /* HAS_RAW: instead of all options */
    uint8_t raw[FUZZ_RAW_MAX];
    uint8_t times, vary; /* HAS_MANY: so many more, each `step` further */
    int16_t step;
    uint16_t len;           /* HAS_DATA */
    uint16_t wnd;           /* HAS_WND */
    uint8_t doff, cut, lie; /* HAS_LIE: xor, bytes missing at the end, LIE_* */
    uint8_t cuts[2];        /* SEG_CHAIN */
};

struct fuzz_icmp {
    uint8_t slot, kind, times, wrong; /* wrong: of another connection */
    struct fuzz_num seq;
    uint16_t mtu, step; /* smaller by so much each time */
};

/* Missing bytes are zeroes. */
void fuzz_read_segment(struct sl_cursor *c, struct fuzz_segment *s);
void fuzz_read_icmp(struct sl_cursor *c, struct fuzz_icmp *e);
/* The same way back, the operation's byte included; the length. */
size_t fuzz_write_segment(const struct fuzz_segment *s, uint8_t *out);
size_t fuzz_write_icmp(const struct fuzz_icmp *e, uint8_t *out);

/* What all inputs so far brought about: drops, and a bit for each enum state. */
extern uint64_t tcp_fuzz_drops[SL_DROP_COUNT];
extern uint32_t tcp_fuzz_states;

int tcp_fuzz_one(const uint8_t *data, size_t size);

#endif
