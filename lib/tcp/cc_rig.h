/* Congestion control on a model of a path: a sender that always has something to send, windows of ACKs in virtual time,
 * and the formula of RFC 9438 in floating point. For tests. */
#ifndef SL_TCP_CC_RIG_H
#define SL_TCP_CC_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/cc.h"

#define MSS 1000u
#define US SL_NS_PER_US
#define MS SL_NS_PER_MS

/* ---- a sender that always has something to send, and a path of a constant or given round trip ---- */

struct rig {
    struct sl_tcp t;
    struct sl_stats stats;
    struct settings set;
    struct conn c;
    uint64_t now;
};

static inline struct rig *rig_new(const struct sl_tcp_cc *cc, uint16_t mss, uint64_t rtt_us)
{
    struct rig *r = calloc(1, sizeof *r);

    r->now = 1000 * SL_NS_PER_S;
    r->t.stats = &r->stats;
    r->set.cc = cc;
    r->c.t = &r->t;
    r->c.set = &r->set;
    r->c.mss = mss;
    r->c.srtt_us = (uint32_t)rtt_us;
    cc->init(&r->c);
    return r;
}

static inline void ack(struct rig *r, uint32_t bytes, uint32_t rtt_us)
{
    r->c.snd_una += bytes;
    conn_cc(&r->c)->acked(&r->c, &(struct ack_info){.acked_bytes = bytes, .rtt_us = rtt_us}, r->now);
}

/* A round trip in which cwnd is the limit: an ACK for every segment, evenly. */
static inline void round_trip_of(struct rig *r, uint32_t rtt_us)
{
    uint32_t segs = SL_MAX(r->c.cwnd / r->c.mss, 1u);
    uint64_t step = (uint64_t)rtt_us * US / segs;

    r->c.snd_nxt = r->c.snd_una + segs * r->c.mss;
    for (uint32_t i = 0; i < segs; i++) {
        r->now += step;
        r->c.snd_nxt += r->c.mss;
        ack(r, r->c.mss, rtt_us);
    }
}

static inline void round_trip(struct rig *r) { round_trip_of(r, r->c.srtt_us); }

/* What loss recovery does. */
static inline void lose(struct rig *r)
{
    conn_cc(&r->c)->congested(&r->c, r->c.cwnd, r->now);
    r->c.cwnd = r->c.ssthresh;
}

/* As if slow start had ended by a loss at this window. */
static inline struct rig *rig_after_loss(const struct sl_tcp_cc *cc, uint64_t rtt_us, uint32_t cwnd_segs)
{
    struct rig *r = rig_new(cc, MSS, rtt_us);

    r->c.cwnd = cwnd_segs * MSS;
    lose(r);
    return r;
}

/* W_cubic of RFC 9438 figure 1, in segments. */
static inline double cubic(double t, double w_max, double cwnd_epoch)
{
    double d = t - cbrt((w_max - cwnd_epoch) / 0.4);

    return 0.4 * d * d * d + w_max;
}

static inline double segs(const struct rig *r) { return (double)r->c.cwnd / r->c.mss; }
static inline double seconds_since(const struct rig *r, uint64_t at) { return (double)(int64_t)(r->now - at) * 1e-9; }

static inline void assert_near(double is, double should, double part, double slack)
{
    if (fabs(is - should) > part * fabs(should) + slack)
        fail_msg("%.4f, not %.4f", is, should);
}

#endif
