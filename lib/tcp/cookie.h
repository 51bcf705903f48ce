/* SYN cookies (RFC 4987 3.6): the number in which a SYN-ACK carries all that is to be remembered of a SYN. This part
 * makes and checks the number; it sends nothing. */
#ifndef SL_TCP_COOKIE_H
#define SL_TCP_COOKIE_H

#include "tcp/table.h"

#define COOKIE_PERIOD_NS (64 * SL_NS_PER_S)
#define COOKIE_LIVES_PERIODS 2u /* this one and the one before: 64 to 128 s */
#define COOKIE_LIFE_NS (COOKIE_LIVES_PERIODS * COOKIE_PERIOD_NS)
#define COOKIE_MSS_BITS 3u
#define COOKIE_TS_BITS 6u         /* of our timestamp, that tell what the SYN offered */
#define COOKIE_SHIFT_MASK 0x0fu   /* window scale, or: */
#define COOKIE_SHIFT_NONE 0x0fu   /* none */
#define COOKIE_SACK_OK 0x10u      /* SACK permitted */
#define COOKIE_ECN 0x20u          /* ECN asked for */
#define COOKIE_NO_TIMESTAMP 0x80u /* instead of these bits: no timestamp, and so nothing of it all */

/* Keys come from the secret and the number of their epoch, so that rotation needs no random. */
struct cookie_keys {
    struct sl_hash_key base;
    struct {
        uint64_t epoch; /* plus one; 0: none yet */
        struct sl_hash_key key;
    } ready[2]; /* this epoch's and the last one's */
};

/* What a cookie stands for besides tuple, client's number and time. */
struct cookie_terms {
    uint8_t mss;       /* index into the table of its family */
    uint8_t bits;      /* COOKIE_* */
    uint8_t rcv_shift; /* our own window scale: another one since then would make our windows lies */
};

enum cookie_verdict { COOKIE_GOOD, COOKIE_EXPIRED, COOKIE_BAD };

/* The largest MSS of the table that is not above `mss`; the smallest when all are. */
uint8_t sl_tcp_cookie_mss_index(bool ip4, uint16_t mss);
uint16_t sl_tcp_cookie_mss(bool ip4, uint8_t index);

uint32_t sl_tcp_cookie_make(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs,
                            const struct cookie_terms *terms, uint64_t now);
/* terms->bits and ->rcv_shift are given, ->mss is read from the cookie. */
enum cookie_verdict sl_tcp_cookie_check(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs,
                                        struct cookie_terms *terms, uint32_t cookie, uint64_t now);

/* The latest value not after `clock` that ends in these bits. Not after, or what the connection sends in the next
 * milliseconds would be older than its SYN-ACK, and the client's PAWS would drop it. */
uint32_t sl_tcp_cookie_tsval(uint32_t clock_ms, uint8_t bits);

#endif
