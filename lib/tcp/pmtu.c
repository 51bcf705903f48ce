/* The size of packets that the path takes. It shrinks by what ICMP says (RFC 1191, 8201), and where ICMP does not come
 * through, when full segments die in silence (RFC 2923 2.1, after RFC 4821 and 8899). It grows again by one larger
 * segment among others: only when that is acknowledged do all become so large. If it is lost it is sent again in
 * pieces, and the next try is ten minutes away. */
#include "tcp/tcp_internal.h"

#define RAISE_AFTER_NS (600 * SL_NS_PER_S)        /* RFC 1191 6.3 */
#define RAISE_AFTER_SILENCE_NS (15 * SL_NS_PER_S) /* it may have been an outage */
#define SHRINKS_MAX 8                             /* by ICMP, between two tries to grow: a path has few links */
#define BEHIND_SEGS 3u                            /* that tell of the large one's loss by duplicate ACKs */

static bool is4(const struct conn *c) { return sl_ip_is4(&c->tuple.local); }
static uint32_t floor_of(const struct conn *c) { return is4(c) ? TCP_MTU_FLOOR4 : TCP_MTU_FLOOR6; }

void sl_tcp_pmtu_init(struct pmtu *p)
{
    p->raise_at = SL_NEVER;
    p->shrinks_left = SHRINKS_MAX;
}

/* Who never had a smaller packet than the interface's, and no timeout, has none. */
static struct pmtu *pmtu_of(const struct conn *c) { return c->seldom ? &seldom_of(c)->pmtu : NULL; }
static struct pmtu *need(struct conn *c) { return &sl_tcp_conn_need_seldom(c)->pmtu; }

static bool is_probing(const struct pmtu *p) { return p && p->probe_end != p->probe_seq; }

static void forget_probe(struct pmtu *p) { p->probe_end = p->probe_seq; }

static void shrink(struct conn *c, uint32_t mtu, uint64_t raise_after_ns)
{
    struct pmtu *p = need(c);

    c->path.mtu = (uint16_t)mtu;
    sl_tcp_conn_set_mss(c);
    forget_probe(p);
    p->raise_at = c->t->now + raise_after_ns;
}

static void probe_failed(struct pmtu *p, uint64_t now)
{
    forget_probe(p);
    p->raise_at = now + RAISE_AFTER_NS;
    p->shrinks_left = SHRINKS_MAX;
}

/* ---- what ICMP says ---- */

/* RFC 1191 7: what a router probably means that names no size. */
static uint32_t plateau_below(uint32_t mtu)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, TCP_MTU_FLOOR4};
    uint32_t i = 0;

    while (i + 1 < SL_ARRAY_LEN(plateaus) && plateaus[i] >= mtu)
        i++;
    return plateaus[i];
}

/* The size to take; 0: none that may be believed. IPv6 has no path below 1280 (RFC 8201 4). */
static uint32_t believable(const struct conn *c, uint32_t mtu)
{
    if (!is4(c))
        return mtu < TCP_MTU_FLOOR6 ? 0 : mtu;
    return SL_MAX(mtu ? mtu : plateau_below(c->path.mtu), TCP_MTU_FLOOR4);
}

void sl_tcp_pmtu_too_big(struct conn *c, uint32_t mtu, uint32_t seq)
{
    struct pmtu *p = need(c);

    if (is_probing(p) && seq == p->probe_seq && (!mtu || mtu >= c->path.mtu)) {
        probe_failed(p, c->t->now);
        return;
    }
    mtu = believable(c, mtu);
    if (!mtu || mtu >= c->path.mtu || !conn_synchronized(c)) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_ICMP_IGNORED);
        return;
    }
    if (!p->shrinks_left) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_ICMP_LIMITED);
        return;
    }
    p->shrinks_left--;
    shrink(c, mtu, RAISE_AFTER_NS);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_PMTU_SHRUNK);
    sl_tcp_recovery_resend(c);
    conn_wants_output(c);
}

/* ---- what silence says ---- */

/* Sizes that many paths have, the least only where the one before did not help; 0: none that would make segments
 * smaller. */
static uint32_t step_below(const struct conn *c)
{
    static const uint16_t steps[] = {1500, 1280};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(steps); i++) {
        if (sl_tcp_conn_mss_for(c, steps[i]) < c->mss)
            return steps[i];
    }
    return c->path.mtu <= 1280 && sl_tcp_conn_mss_for(c, (uint16_t)floor_of(c)) < c->mss ? floor_of(c) : 0;
}

/* The retransmission timer ran out. Each second time in a row for a full segment the size goes down a step. */
void sl_tcp_pmtu_rto(struct conn *c)
{
    struct pmtu *p = need(c);
    uint32_t step;

    if (is_probing(p))
        probe_failed(p, c->t->now);
    if (!conn_synchronized(c) || seq_min(c->snd_nxt, c->snd_end) - c->snd_una < c->mss || ++p->silences % 2)
        return;
    step = step_below(c);
    if (!step)
        return;
    shrink(c, step, RAISE_AFTER_SILENCE_NS);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_PMTU_BLACK_HOLES);
}

/* ---- growing again ---- */

uint32_t sl_tcp_pmtu_new_bytes(struct conn *c, uint32_t len, uint32_t could)
{
    uint32_t large, waits = c->snd_end - c->snd_nxt;
    struct pmtu *p = pmtu_of(c);
    struct sl_net_path direct;

    if (!p || c->t->now < p->raise_at || is_probing(p) || c->ca != CA_OPEN || len < c->mss || waits < 4u * c->mss)
        return len;
    if (sl_net_route(c->t->net, &c->tuple.local, &c->tuple.remote, &direct))
        return len;
    large = sl_tcp_conn_mss_for(c, direct.mtu);
    if (large <= c->mss) { /* the peer takes no more */
        p->raise_at = SL_NEVER;
        return len;
    }
    return SL_MIN(waits, could) < large + BEHIND_SEGS * c->mss ? len : large;
}

void sl_tcp_pmtu_sent(struct conn *c, uint32_t seq, uint32_t len)
{
    struct pmtu *p = need(c);

    p->probe_seq = seq;
    p->probe_end = seq + len;
}

void sl_tcp_pmtu_sent_again(struct conn *c, uint32_t seq)
{
    struct pmtu *p = pmtu_of(c);

    if (is_probing(p) && seq_in(seq, p->probe_seq, p->probe_end))
        probe_failed(p, c->t->now);
}

void sl_tcp_pmtu_acked(struct conn *c)
{
    struct pmtu *p = pmtu_of(c);
    struct sl_net_path direct;

    if (!p)
        return;
    p->silences = 0;
    if (!is_probing(p) || seq_lt(c->snd_una, p->probe_end))
        return;
    forget_probe(p);
    sl_tcp_pmtu_init(p);
    if (sl_net_route(c->t->net, &c->tuple.local, &c->tuple.remote, &direct))
        return;
    c->path.mtu = direct.mtu;
    sl_tcp_conn_set_mss(c);
    c->cwnd = SL_MAX(c->cwnd, (uint32_t)c->mss);
    sl_stat_inc(c->t->stats, SL_CTR_TCP_PMTU_RAISED);
}
