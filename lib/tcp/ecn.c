/* Explicit congestion notification (RFC 3168): routers mark instead of dropping, the receiver echoes the mark until it
 * hears that the sender slowed down. Only acceptable segments get here, so that strangers can't slow anybody down. */
#include "tcp/tcp_internal.h"

enum { IP_ECT0 = 2, IP_CE = 3 };

/* ---- agreeing ---- */

/* A SYN that is sent again asks no more: something on the way may drop those that do (6.1.1.1), and who ever sent one
 * that does not ask may not use ECN. */
bool sl_tcp_ecn_asks(const struct conn *c)
{
    return c->set->opts.ecn == SL_TCP_ECN_ASK && !(c->flags & (F_SYN_RTX | F_PASSIVE));
}

uint8_t sl_tcp_ecn_syn_flags(const struct conn *c)
{
    if (c->state == ST_SYN_RCVD)
        return c->flags & F_ECN ? TF_ECE : 0;
    return sl_tcp_ecn_asks(c) ? TF_ECE | TF_CWR : 0;
}

/* ---- receiving: 6.1.3 ---- */

/* CWR ends the echo of what came before it, a mark on the same segment begins another. The first mark is told at once. */
void sl_tcp_ecn_receive(struct conn *c, const struct seg *s)
{
    if (!(c->flags & F_ECN) || !s->len)
        return;
    if (s->flags & TF_CWR)
        c->flags &= ~(uint32_t)F_ECN_ECHO;
    if (s->ecn != IP_CE)
        return;
    sl_stat_inc(c->t->stats, SL_CTR_TCP_ECN_CE_RECEIVED);
    if (!(c->flags & F_ECN_ECHO))
        conn_ack_now(c);
    c->flags |= F_ECN_ECHO;
}

/* ---- sending: 6.1.2 ---- */

/* Retransmissions, probes and ACKs of their own are not marked as able (6.1.4 to 6.1.6). */
void sl_tcp_ecn_mark(const struct conn *c, struct header *h)
{
    if (!(c->flags & F_ECN))
        return;
    h->ecn = IP_ECT0;
    h->flags |= c->flags & F_ECN_CWR ? TF_CWR : 0;
}

bool sl_tcp_ecn_echoed(const struct conn *c, const struct seg *s)
{
    return c->flags & F_ECN && s->flags & TF_ECE && seq_geq(s->ack, c->snd_una);
}

/* The peer echoes until CWR has reached it. So an echo is news only when something is acknowledged that was sent since the
 * last reduction, the first of it with CWR. */
static bool is_news(const struct conn *c) { return !(c->flags & F_ECN_CWR) && c->snd_una != c->recover; }

void sl_tcp_ecn_react(struct conn *c)
{
    if (is_news(c) && sl_tcp_recovery_reduce(c))
        sl_stat_inc(c->t->stats, SL_CTR_TCP_ECN_REDUCTIONS);
}
