/* Flight: what was sent and is not acknowledged, as runs without a gap from una on. A run is what was sent at one moment
 * and has met one fate. The list is bounded: when it is full, moments close to each other become one, and if that is not
 * enough, neighbours become one of which less is known. That costs a later or a needless retransmission and nothing
 * else. */
#ifndef SL_TCP_FLIGHT_H
#define SL_TCP_FLIGHT_H

#include "tcp/seq.h"

#define FLIGHT_RUNS_MAX 128u
#define FLIGHT_RESERVE 16u /* runs that SACK blocks leave for our own retransmissions */

enum {
    RUN_SACKED = 1 << 0, /* the peer says that it holds it: time and RUN_AGAIN say nothing any more */
    RUN_LOST = 1 << 1,   /* to be sent again; never SACKed */
    RUN_AGAIN = 1 << 2,  /* was sent more than once */
};

/* Begins where the run before it ends, the first one at una. */
struct flight_run {
    uint32_t end;
    uint32_t sent_us; /* wraps */
    uint8_t flags;    /* RUN_* */
};

/* RFC 8985 5.3, as far as it means anything only while something is in flight. */
struct rack {
    uint64_t at_ns;        /* the reordering timer; SL_NEVER: none */
    uint32_t xmit_us, end; /* RACK.xmit_ts, RACK.end_seq: the newest transmission that was delivered */
    uint32_t rtt_us;       /* RACK.rtt */
    uint32_t fack;         /* RACK.fack: highest number that was delivered */
    bool any;              /* xmit_us, end and rtt_us say something */
};

struct flight {
    uint32_t una;
    uint32_t sacked_bytes, lost_bytes;
    uint32_t again_bytes; /* sent more than once and not SACKed */
    uint16_t first, n;    /* runs[first] to runs[n - 1] are alive */
    uint16_t sacked_runs;
    uint8_t shift; /* moments count as one when they are equal but for so many bits, in us */
    struct rack rack;
    struct flight_run runs[FLIGHT_RUNS_MAX];
};

/* Part of a run, as it was before it was delivered. */
struct piece {
    uint32_t start, end, sent_us;
    uint8_t flags;
};

static inline uint32_t flight_start(const struct flight *f, uint32_t i)
{
    return i == f->first ? f->una : f->runs[i - 1].end;
}

/* Later in a clock of microseconds that wraps. */
static inline bool us_later(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

/* [una, nxt) was sent at one moment. f is zeroed. */
void sl_tcp_flight_init(struct flight *f, uint32_t una, uint32_t nxt, uint32_t sent_us);
/* New numbers up to end were sent. */
void sl_tcp_flight_sent(struct flight *f, uint32_t end, uint32_t now_us);
/* [start, end), in flight, was sent again: it is neither lost nor SACKed. */
void sl_tcp_flight_again(struct flight *f, uint32_t start, uint32_t end, uint32_t now_us);
/* Takes off the first run, or what of it lies below ack; false when nothing does. */
bool sl_tcp_flight_take_acked(struct flight *f, uint32_t ack, struct piece *p);
/* Marks the next piece of [*from, end) as SACKED that was not yet, and moves *from behind it; false when there is none.
 * *forgot: there was one, but no room to note it. */
bool sl_tcp_flight_take_sacked(struct flight *f, uint32_t *from, uint32_t end, struct piece *p, bool *forgot);
/* [start, end) counts as lost, but for what is SACKED. */
void sl_tcp_flight_lose(struct flight *f, uint32_t start, uint32_t end);
void sl_tcp_flight_lose_run(struct flight *f, uint32_t i);
/* Nothing is SACKED any more (RFC 2018 section 8), nothing is lost. */
void sl_tcp_flight_forget_sacks(struct flight *f);
void sl_tcp_flight_forget_losses(struct flight *f);
/* The lowest lost run; f->lost_bytes is not 0. */
struct range sl_tcp_flight_next_lost(const struct flight *f);

#endif
