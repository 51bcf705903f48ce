/* Scoreboard: what the peer says by SACK that it holds beyond snd_una (RFC 6675). Sorted ranges that never touch,
 * capped: what does not fit is forgotten, which costs a needless retransmission and nothing else. */
#ifndef SL_TCP_SCORE_H
#define SL_TCP_SCORE_H

#include "tcp/seq.h"

#define SCORE_RANGES_MAX 64

struct score {
    uint32_t n;
    uint32_t bytes; /* in all ranges */
    struct range ranges[SCORE_RANGES_MAX];
};

/* Adds a checked range, start < end; the bytes that are new. *forgot: it did not fit. */
uint32_t sl_tcp_score_add(struct score *s, uint32_t start, uint32_t end, bool *forgot);
/* Everything below una is acknowledged. */
void sl_tcp_score_ack(struct score *s, uint32_t una);
/* Bytes of [from, to) in no range. */
uint32_t sl_tcp_score_missing(const struct score *s, uint32_t from, uint32_t to);
/* The first number in no range, from `from` on; *end: where the hole that it begins ends (at most `to`). */
uint32_t sl_tcp_score_hole(const struct score *s, uint32_t from, uint32_t to, uint32_t *end);
/* Below the result every byte in no range counts as lost: three ranges or more than 2 * mss bytes lie above (RFC 6675
 * IsLost). una when nothing is lost. */
uint32_t sl_tcp_score_lost_edge(const struct score *s, uint32_t una, uint32_t mss);
/* Start of the highest range; una when there is none. */
uint32_t sl_tcp_score_top(const struct score *s, uint32_t una);

#endif
