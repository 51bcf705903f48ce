/* The observer: looks at every frame that a node sends, knows what reached each end intact, and says when a segment
 * could not come from a right TCP. Its rules are those that every endpoint keeps, whatever its algorithms are. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNS_MAX 1024u /* a power of two */

struct end { /* one end of a connection: what it sent, and what reached it */
    bool syn, fin, reset, acked, ts, sack_ok;
    bool ecn;                   /* a SYN of its asked for ECN, or agreed to it (RFC 3168 6.1.1) */
    uint32_t iss, nxt, fin_seq; /* sent: first number, behind the highest, the FIN's */
    uint32_t ack, edge;         /* highest sent: acknowledgment, right edge of the window */
    int8_t ws;                  /* offered shift; -1: none */
    uint16_t mss;               /* announced; 0: none */
    uint32_t tsval;
    bool heard, granted;
    uint32_t heard_end;    /* behind the highest byte that reached it */
    uint32_t granted_edge; /* how far it may send */
    uint32_t heard_tsval;
};

struct conn {
    bool used;
    struct sl_endpoint at[2];
    struct end ends[2];
};

struct sim_check {
    struct conn conns[CONNS_MAX];
};

struct sim_check *sim_check_create(void)
{
    struct sim_check *c = calloc(1, sizeof *c);

    assert(c);
    return c;
}

void sim_check_destroy(struct sim_check *c) { free(c); }

static bool same(const struct sl_endpoint *a, const struct sl_endpoint *b)
{
    return a->port == b->port && sl_ip_equal(&a->ip, &b->ip);
}
static bool after(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

/* The connection of a segment and which end (0 or 1) sent it. */
static struct conn *conn_of(struct sim_check *c, const struct th_pkt *p, int *from)
{
    struct sl_endpoint src = {p->src, p->tcp.sport}, dst = {p->dst, p->tcp.dport};
    uint32_t h = (src.ip.w[3] ^ dst.ip.w[3]) * 2654435761u + (src.port ^ dst.port) * 40503u;

    for (uint32_t i = 0; i < CONNS_MAX; i++) {
        struct conn *k = &c->conns[(h + i) % CONNS_MAX];

        if (!k->used) {
            *k = (struct conn){.used = true, .at = {src, dst}, .ends = {{.ws = -1}, {.ws = -1}}};
            *from = 0;
            return k;
        }
        if (same(&k->at[0], &src) && same(&k->at[1], &dst)) {
            *from = 0;
            return k;
        }
        if (same(&k->at[1], &src) && same(&k->at[0], &dst)) {
            *from = 1;
            return k;
        }
    }
    return NULL;
}

static uint32_t length(const struct th_tcp *t) { return t->len + !!(t->flags & TH_SYN) + !!(t->flags & TH_FIN); }

static uint32_t shift_of(const struct conn *k, int end)
{
    return k->ends[0].ws >= 0 && k->ends[1].ws >= 0 ? (uint32_t)SL_MIN(k->ends[end].ws, 14) : 0;
}

static uint32_t window(const struct conn *k, int end, const struct th_tcp *t)
{
    return t->flags & TH_SYN ? t->wnd : (uint32_t)t->wnd << shift_of(k, end);
}

/* ---- what the sender of a SYN says about itself ---- */
static const char *sent_syn(struct conn *k, int from, const struct th_tcp *t)
{
    struct end *me = &k->ends[from], *peer = &k->ends[!from];
    bool answer = t->flags & TH_ACK;

    if (!answer && (!me->syn || me->iss != t->seq)) { /* a new connection between old endpoints */
        struct sl_endpoint at[2] = {k->at[0], k->at[1]};

        *k = (struct conn){.used = true, .at = {at[0], at[1]}, .ends = {{.ws = -1}, {.ws = -1}}};
    } else if (answer && me->syn && me->iss != t->seq) {
        if (!me->reset && me->nxt != me->iss + 1) /* an opening may be given up without a word */
            return "SYN-ACK with another initial sequence number";
        *me = (struct end){.ws = -1, .heard = me->heard, .heard_end = me->heard_end, .heard_tsval = me->heard_tsval};
    }
    if (t->flags & TH_FIN)
        return "SYN with FIN";
    if (!t->mss)
        return "SYN without MSS";
    if (answer && ((t->wscale && peer->ws < 0) || (t->sack_ok && !peer->sack_ok) || (t->has_ts && !peer->ts)))
        return "SYN-ACK with an option that was not offered";
    if (answer && t->flags & TH_ECE && !peer->ecn)
        return "SYN-ACK with ECN that was not asked for";
    if (!me->syn)
        me->nxt = t->seq;
    me->syn = true;
    me->iss = t->seq;
    me->mss = t->mss;
    me->ws = t->wscale ? (int8_t)(t->wscale - 1) : -1;
    me->ts = t->has_ts;
    me->sack_ok = t->sack_ok;
    me->ecn |= (t->flags & (TH_ECE | TH_CWR)) == (answer ? TH_ECE : TH_ECE | TH_CWR);
    return NULL;
}

/* ---- rules ---- */
static const char *wrong_sequence(const struct conn *k, int from, const struct th_tcp *t)
{
    const struct end *me = &k->ends[from], *peer = &k->ends[!from];
    uint32_t data = t->seq + !!(t->flags & TH_SYN), end = data + t->len;

    if (!me->syn)
        return "a segment before any SYN";
    if (after(me->iss, t->seq))
        return "a sequence number before the first";
    if (after(t->seq, me->nxt))
        return "a gap in what was sent";
    if (me->fin && ((t->len && after(end, me->fin_seq)) || (t->flags & TH_FIN && end != me->fin_seq)))
        return "bytes behind the FIN, or a second FIN elsewhere";
    if (t->len && me->granted && after(end, me->granted_edge) && !(t->len == 1 && data == me->granted_edge))
        return "bytes beyond the window";
    if (t->len && !me->granted)
        return "bytes before any window was granted";
    if (t->len > (peer->mss ? peer->mss : 536u))
        return "more bytes than the peer's MSS";
    return NULL;
}

static const char *wrong_ack(const struct conn *k, int from, const struct th_tcp *t)
{
    const struct end *me = &k->ends[from];
    uint32_t edge = t->ack + window(k, from, t);

    if (!(t->flags & TH_ACK))
        return t->flags & TH_SYN ? NULL : "neither ACK nor SYN nor RST";
    if (!me->heard || after(t->ack, me->heard_end))
        return "an acknowledgment of bytes that never came";
    if (me->acked && after(me->ack, t->ack))
        return "an acknowledgment that goes back";
    /* RFC 7323 2.4: rounding by the shift may take off a little. */
    if (me->acked && after(me->edge, edge + (1u << shift_of(k, from)) - 1))
        return "a window that shrinks";
    return NULL;
}

static const char *wrong_options(const struct conn *k, int from, const struct th_tcp *t)
{
    const struct end *me = &k->ends[from], *peer = &k->ends[!from];
    bool both_ts = me->ts && peer->ts, both_sack = me->sack_ok && peer->sack_ok;

    if (t->flags & TH_SYN)
        return NULL;
    if (t->has_ts != both_ts)
        return t->has_ts ? "timestamps that were not agreed" : "no timestamps although they were agreed";
    if (both_ts && after(me->tsval, t->tsval))
        return "a timestamp that goes back";
    if (both_ts && me->heard && after(t->tsecr, me->heard_tsval))
        return "an echo of a timestamp that never came";
    if (t->n_sacks && !both_sack)
        return "SACK that was not agreed";
    for (uint32_t i = 0; i < t->n_sacks; i++) {
        uint32_t left = t->sacks[i][0], right = t->sacks[i][1];

        if (!after(right, left) || after(right, me->heard_end))
            return "a SACK block of bytes that never came";
        if (i > 0 && !after(left, t->ack)) /* the first may be a D-SACK */
            return "a SACK block that is acknowledged already";
    }
    return NULL;
}

/* RFC 3168: 6.1.1 for SYNs, 6.1.4 for pure ACKs, 6.1.5 for what is sent again, 6.1.6 for window probes (a byte beyond
 * the window, or one that was sent before). */
static const char *wrong_ecn(const struct conn *k, int from, const struct th_pkt *p)
{
    const struct end *me = &k->ends[from], *peer = &k->ends[!from];
    const struct th_tcp *t = &p->tcp;
    bool ect = p->tos & 3;

    if (t->flags & TH_SYN)
        return ect ? "a SYN of an ECN-capable transport" : NULL;
    if ((ect || t->flags & (TH_ECE | TH_CWR)) && !(me->ecn && peer->ecn))
        return "ECN that was not agreed";
    if (ect && !t->len && !(t->flags & TH_FIN))
        return "ECN-capable although it has no data";
    if (ect && after(me->nxt, t->seq + (t->len > 1))) /* the first byte may have been a window probe's */
        return "ECN-capable although it is sent again";
    if (ect && me->granted && after(t->seq + t->len, me->granted_edge))
        return "ECN-capable although it probes the window";
    if ((p->tos & 3) == 3)
        return "congestion experienced, by a sender";
    return NULL;
}

static void learn_sent(struct conn *k, int from, const struct th_tcp *t)
{
    struct end *me = &k->ends[from];
    uint32_t end = t->seq + length(t);

    if (after(end, me->nxt))
        me->nxt = end;
    if (t->flags & TH_FIN) {
        me->fin = true;
        me->fin_seq = end - 1;
    }
    if (t->flags & TH_ACK) {
        uint32_t edge = t->ack + window(k, from, t);

        me->edge = !me->acked || after(edge, me->edge) ? edge : me->edge;
        me->ack = t->ack;
        me->acked = true;
    }
    if (t->has_ts)
        me->tsval = t->tsval;
}

static const char *check_tcp(struct sim_check *c, const struct th_pkt *p)
{
    const struct th_tcp *t = &p->tcp;
    const char *why = NULL;
    int from;
    struct conn *k = conn_of(c, p, &from);

    if (!k)
        return "(the observer's table is full)";
    if (t->sport == 0 || t->dport == 0)
        return "port 0";
    if (t->flags & TH_RST) {
        k->ends[from].reset = true;
        return t->flags & (TH_SYN | TH_FIN) || t->len ? "RST with SYN, FIN or data" : NULL;
    }
    if (t->flags & TH_SYN)
        why = sent_syn(k, from, t);
    else if (k->ends[from].reset)
        return "a segment after the reset";
    if (!why)
        why = wrong_sequence(k, from, t);
    if (!why)
        why = wrong_ack(k, from, t);
    if (!why)
        why = wrong_options(k, from, t);
    if (!why)
        why = wrong_ecn(k, from, p);
    learn_sent(k, from, t);
    return why;
}

static bool ours(const struct sim_iface *iface, const struct sl_ip *ip)
{
    for (uint32_t i = 0; i < iface->conf.n_addrs; i++)
        if (sl_ip_equal(&iface->conf.addrs[i].ip, ip))
            return true;
    return false;
}

const char *sim_check_sent(struct sim_check *c, const struct sim_iface *iface, const struct th_pkt *p, size_t len)
{
    if (len > iface->conf.mtu + 14u)
        return "a frame longer than the MTU";
    if (!rte_is_same_ether_addr(&p->eth_src, &iface->conf.mac))
        return "another's MAC as the source";
    if (p->kind != TH_TCP)
        return NULL;
    if (!ours(iface, &p->src))
        return "another's address as the source";
    if (rte_is_multicast_ether_addr(&p->eth_dst) || rte_is_zero_ether_addr(&p->eth_dst))
        return "TCP to no single MAC";
    if (p->lie.pad)
        return "bytes behind the IP packet";
    if (p->ip_frag & 0x3fff)
        return "a fragment";
    return check_tcp(c, p);
}

void sim_check_received(struct sim_check *c, const uint8_t *bytes, size_t len)
{
    struct th_pkt p;
    struct conn *k;
    struct end *me;
    uint32_t end, edge;
    int from;

    if (th_decode(bytes, len, &p) || p.kind != TH_TCP || p.tcp.flags & TH_RST)
        return;
    k = conn_of(c, &p, &from);
    if (!k)
        return;
    me = &k->ends[!from];
    end = p.tcp.seq + length(&p.tcp);
    edge = p.tcp.ack + window(k, from, &p.tcp);
    if (!me->heard || after(end, me->heard_end))
        me->heard_end = end;
    if (p.tcp.has_ts && (!me->heard || after(p.tcp.tsval, me->heard_tsval)))
        me->heard_tsval = p.tcp.tsval;
    me->heard = true;
    if (p.tcp.flags & TH_ACK && (!me->granted || after(edge, me->granted_edge))) {
        me->granted_edge = edge;
        me->granted = true;
    }
}
