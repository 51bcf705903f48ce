/* ICMP errors about what we sent. Anybody can forge one: it must quote a sequence number that is in flight (RFC 5927
 * 4), and can't end what is established. */
#include "tcp/tcp_internal.h"

/* RFC 1122 4.2.3.9, with RFC 5461's reading: hard errors end a connection only while it is being opened. */
static void unreachable(struct conn *c, bool hard)
{
    if (c->state == ST_SYN_SENT && hard)
        sl_tcp_conn_end(c, SL_REASON_UNREACHABLE);
    else if (c->state == ST_SYN_SENT)
        c->opening.soft_error = SL_REASON_UNREACHABLE;
    else
        sl_stat_inc(c->t->stats, SL_CTR_TCP_ICMP_SOFT);
}

static void to_conn(struct conn *c, const struct sl_net_icmp *e)
{
    if (!seq_in(e->seq, c->snd_una, c->snd_nxt)) {
        sl_stat_drop(c->t->stats, SL_DROP_TCP_ICMP_BAD_QUOTE);
        return;
    }
    if (e->kind == SL_ICMP_TOO_BIG)
        sl_tcp_pmtu_too_big(c, e->mtu, e->seq);
    else
        unreachable(c, e->kind == SL_ICMP_HARD);
}

void sl_tcp_icmp_input(struct sl_tcp *t, const struct sl_net_icmp *e)
{
    struct tuple tuple = {.local = e->local, .remote = e->remote, .lport = e->lport, .rport = e->rport};
    uint32_t ref;

    tuple.hash = table_hash(&t->table, &tuple);
    ref = sl_tcp_table_find(&t->table, &tuple);
    if (ref && ref_kind(ref) == REF_CONN)
        to_conn(conn_at(t, ref_idx(ref)), e);
    else
        sl_stat_drop(t->stats, SL_DROP_TCP_ICMP_IGNORED);
}
