/* CUBIC (RFC 9438) in integers. Windows are bytes where the RFC counts segments. After congestion cwnd follows a cubic
 * of the time since then, flat where congestion last was, and never below what Reno would reach (W_est).
 *
 * Time in an epoch is counted, not subtracted: it moves with ACKs that came while cwnd was the limit, by what such ACKs
 * can lie apart. So no silence and no undo makes it jump (4.2, 5.8). */
#include "tcp/cc.h"

/* beta = 7/10, C = 4/10, alpha = 3 (1 - beta) / (1 + beta) = 9/17. */
#define BETA(x) ((uint32_t)((x)*UINT64_C(7) / 10))
#define CONVERGED(x) ((uint32_t)((x)*UINT64_C(17) / 20)) /* (1 + beta) / 2 */
#define ALPHA(x) ((x)*9 / 17)

/* Cubes are taken of ticks of 256 us. (10^6 / 256)^3 / C / 2^16 of their cubes are 1/65536 of a segment. */
#define TICK_SHIFT 8
#define CUBES_PER_PART UINT64_C(2273737)
#define PART_SHIFT 16
#define TIME_MAX_US ((UINT32_C(1) << 28) - 1) /* the cubic is past TCP_CWND_MAX there, with any mss */

uint32_t sl_tcp_cubic_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 20; bit; bit >>= 1) {
        uint64_t more = root | bit;

        if (more * more * more <= x)
            root = more;
    }
    return (uint32_t)root;
}

/* C * us^3, in bytes. */
static uint64_t rise(const struct conn *c, uint32_t us)
{
    uint64_t ticks = (SL_MIN(us, TIME_MAX_US) + (1u << (TICK_SHIFT - 1))) >> TICK_SHIFT;

    return ticks * ticks * ticks / CUBES_PER_PART * c->mss >> PART_SHIFT;
}

/* Its inverse: the time in which the cubic rises by so much from where it is flat. */
static uint32_t rise_time_us(const struct conn *c, uint32_t bytes)
{
    uint64_t parts = ((uint64_t)SL_MIN(bytes, TCP_CWND_MAX) << PART_SHIFT) / c->mss;

    return sl_tcp_cubic_root(parts * CUBES_PER_PART) << TICK_SHIFT;
}

/* W_cubic (4.2). */
static uint32_t w_cubic(const struct conn *c, uint32_t t_us)
{
    const struct cubic *s = &c->cc.cubic;
    uint64_t part;

    if (t_us >= s->k_us)
        return (uint32_t)SL_MIN(s->w_max + rise(c, t_us - s->k_us), (uint64_t)TCP_CWND_MAX);
    part = rise(c, s->k_us - t_us);
    return s->w_max > part ? (uint32_t)(s->w_max - part) : 0;
}

/* An epoch begins with cwnd where the cubic has it: before W_max, or beyond. */
static void begin_epoch(struct conn *c, uint64_t now)
{
    struct cubic *s = &c->cc.cubic;

    if (!s->w_max)
        s->w_max = c->cwnd;
    if (!s->cwnd_prior)
        s->cwnd_prior = c->cwnd;
    s->k_us = c->cwnd < s->w_max ? rise_time_us(c, s->w_max - c->cwnd) : 0;
    s->t_us = c->cwnd > s->w_max ? rise_time_us(c, c->cwnd - s->w_max) : 0;
    s->at_us = (uint32_t)(now / SL_NS_PER_US);
    s->w_est = c->cwnd;
    s->w_est_rest = s->cwnd_rest = 0;
    s->running = true;
}

/* ACKs of a full window lie at most a round trip apart: more was silence, or cwnd was not the limit. */
static void move_time(struct conn *c, uint64_t now)
{
    struct cubic *s = &c->cc.cubic;
    uint32_t at_us = (uint32_t)(now / SL_NS_PER_US), step = SL_MIN(at_us - s->at_us, 2 * SL_MAX(c->srtt_us, 1u));

    s->at_us = at_us;
    s->t_us = SL_MIN(s->t_us + step, 2 * TIME_MAX_US);
}

/* *window += num / cwnd, exactly over many calls. */
static void add_part(const struct conn *c, uint32_t *window, uint32_t *rest, uint64_t num)
{
    uint32_t cwnd = c->cwnd; /* which may be *window */

    num += *rest;
    *window = (uint32_t)SL_MIN(*window + num / cwnd, (uint64_t)TCP_CWND_MAX);
    *rest = (uint32_t)(num % cwnd);
}

/* 4.3: by alpha segments per window as long as W_est is below where congestion was, then by one as Reno does. */
static void move_w_est(struct conn *c, uint32_t acked_bytes)
{
    struct cubic *s = &c->cc.cubic;
    uint64_t num = (uint64_t)acked_bytes * c->mss;

    add_part(c, &s->w_est, &s->w_est_rest, s->w_est < s->cwnd_prior ? ALPHA(num) : num);
}

/* 4.4 and 4.5: towards where the cubic is a round trip from now, by at most half of cwnd per round trip. */
static void follow_cubic(struct conn *c, uint32_t acked_bytes)
{
    struct cubic *s = &c->cc.cubic;
    uint32_t target = w_cubic(c, s->t_us + SL_MIN(c->srtt_us, TIME_MAX_US));

    target = SL_MIN(target, c->cwnd + c->cwnd / 2);
    if (target > c->cwnd)
        add_part(c, &c->cwnd, &s->cwnd_rest, (uint64_t)(target - c->cwnd) * acked_bytes);
}

static void acked(struct conn *c, const struct ack_info *a, uint64_t now)
{
    struct cubic *s = &c->cc.cubic;
    uint32_t bytes = SL_MIN(a->acked_bytes, c->cwnd);

    if (c->cwnd < c->ssthresh) {
        sl_tcp_slow_start_acked(c, a);
        return;
    }
    if (s->running)
        move_time(c, now);
    else
        begin_epoch(c, now);
    move_w_est(c, bytes);
    if (w_cubic(c, s->t_us) < s->w_est)
        c->cwnd = SL_MAX(c->cwnd, s->w_est);
    else
        follow_cubic(c, bytes);
}

/* 4.6. */
static void reduce(struct conn *c, uint32_t flight_bytes)
{
    sl_tcp_slow_start_end(c);
    c->cc.cubic.running = false;
    c->cc.cubic.cwnd_prior = c->cwnd;
    c->ssthresh = SL_MAX(BETA(flight_bytes), 2u * c->mss);
}

/* 4.7, fast convergence: whoever did not get back to where it was gives way to a newcomer. */
static void congested(struct conn *c, uint32_t flight_bytes, uint64_t now)
{
    reduce(c, flight_bytes);
    c->cc.cubic.w_max = c->cwnd < c->cc.cubic.w_max ? CONVERGED(c->cwnd) : c->cwnd;
}

/* 4.8: the cubic begins anew where the slow start that follows ends. */
static void timeout(struct conn *c, uint32_t flight_bytes, bool first, uint64_t now)
{
    if (first) {
        reduce(c, flight_bytes);
        c->cc.cubic.w_max = 0;
    }
    c->cwnd = c->mss;
}

/* 4.9. When another epoch has begun since, the old cubic is taken up where cwnd stands on it. */
static void undo(struct conn *c, const union cc_state *prior)
{
    bool epoch_goes_on = prior->cubic.running && !c->cc.cubic.running;

    if (cc_first_slow_start(c)) {
        sl_tcp_slow_start_begin(c);
        return;
    }
    c->cc.cubic = prior->cubic;
    c->cc.cubic.running = epoch_goes_on;
}

/* The way may have changed: rounds, or an epoch, begin anew from where slow start leads to. */
static void restart(struct conn *c, uint64_t now)
{
    c->cwnd = SL_MIN(c->cwnd, cc_initial_window(c));
    if (cc_first_slow_start(c))
        sl_tcp_slow_start_begin(c);
    else
        c->cc.cubic.running = false;
}

static void init(struct conn *c)
{
    c->cwnd = cc_initial_window(c);
    c->ssthresh = UINT32_MAX;
    sl_tcp_slow_start_begin(c);
}

const struct sl_tcp_cc sl_tcp_cc_cubic = {
    .name = "cubic",
    .init = init,
    .acked = acked,
    .congested = congested,
    .timeout = timeout,
    .undo = undo,
    .restart = restart,
};
