/* Round-trip time and retransmission timeout (RFC 6298). The minimum of 200 ms, instead of the RFC's 1 s, is a
 * deviation on purpose, as common stacks do. */
#include "tcp/tcp_internal.h"

#define CLOCK_US 66u         /* granularity of the wheel */
#define MIN_RTT_WINDOW_S 300 /* routes change: a minimum is forgotten after so long */

static uint32_t clamp_us(uint64_t us)
{
    return (uint32_t)SL_MIN(SL_MAX(us, 1), (uint64_t)(TCP_RTO_MAX_NS / SL_NS_PER_US));
}

static void smooth(struct conn *c, uint32_t r)
{
    if (!c->srtt_us) {
        c->srtt_us = r;
        c->rttvar_us = r / 2;
    } else {
        uint32_t delta = c->srtt_us > r ? c->srtt_us - r : r - c->srtt_us;

        c->rttvar_us += (uint32_t)(((int64_t)delta - c->rttvar_us) / 4);
        c->srtt_us += (uint32_t)(((int64_t)r - c->srtt_us) / 8);
        c->srtt_us = SL_MAX(c->srtt_us, 1u);
    }
    c->backoff = 0;
}

/* Before there is a sample: 2.1, and 5.7 for one whose SYN was lost. */
static uint32_t first_rto_us(const struct conn *c)
{
    if (conn_synchronized(c) && c->flags & F_SYN_RTX)
        return TCP_RTO_AFTER_SYN_LOSS_US;
    return SL_MAX((uint32_t)(TCP_RTO_SYN_NS / SL_NS_PER_US), c->t->rto_min_us);
}

uint32_t sl_tcp_rtt_rto_us(const struct conn *c)
{
    uint32_t us = c->srtt_us + SL_MAX(CLOCK_US, 4 * c->rttvar_us); /* both are a minute at most */

    if (!c->srtt_us)
        return first_rto_us(c);
    return SL_MIN(SL_MAX(us, c->t->rto_min_us), (uint32_t)(TCP_RTO_MAX_NS / SL_NS_PER_US));
}

void sl_tcp_rtt_sample(struct conn *c, uint64_t rtt_ns)
{
    uint32_t r = clamp_us(rtt_ns / SL_NS_PER_US);
    uint16_t now_s = (uint16_t)(c->t->now / SL_NS_PER_S);

    if (!c->min_rtt_us || r <= c->min_rtt_us || (uint16_t)(now_s - c->min_rtt_s) > MIN_RTT_WINDOW_S) {
        c->min_rtt_us = r;
        c->min_rtt_s = now_s;
    }
    smooth(c, r);
}

void sl_tcp_rtt_echo(struct conn *c, uint32_t rtt_ms) { smooth(c, clamp_us((uint64_t)rtt_ms * 1000)); }

uint64_t sl_tcp_rtt_rto_ns(const struct conn *c)
{
    uint64_t rto = (uint64_t)sl_tcp_rtt_rto_us(c) * SL_NS_PER_US;

    return SL_MIN(rto << SL_MIN(c->backoff, (uint8_t)16), (uint64_t)TCP_RTO_MAX_NS);
}
