/* What a person may see of connections. */
#include "tcp/cc.h"

/* A connection object that lived to TIME-WAIT keeps that name as long as its linger stands in the table. */
static enum state shown_state(const struct conn *c)
{
    uint32_t ref = c->state == ST_TIME_WAIT ? sl_tcp_table_find(&c->t->table, &c->tuple) : 0;

    if (c->state != ST_TIME_WAIT)
        return (enum state)c->state;
    return ref && ref_kind(ref) == REF_LINGER ? ST_TIME_WAIT : ST_CLOSED;
}

static void fill_tuple(struct sl_tcp_info *out, const struct tuple *tuple, enum state state)
{
    *out = (struct sl_tcp_info){.local = {tuple->local, tuple->lport},
                                .remote = {tuple->remote, tuple->rport},
                                .state = sl_tcp_state_name[state],
                                .cc = ""};
}

static const uint8_t shown_recovery[] = {[CA_OPEN] = SL_TCP_RECOVERY_NONE,
                                         [CA_CWR] = SL_TCP_RECOVERY_CWR,
                                         [CA_RECOVERY] = SL_TCP_RECOVERY_FAST,
                                         [CA_LOSS] = SL_TCP_RECOVERY_TIMEOUT};

static void fill_agreed(struct sl_tcp_info *out, const struct conn *c)
{
    out->has_ts = c->flags & F_TS;
    out->has_sack = c->flags & F_SACK;
    out->has_wscale = c->flags & F_WSCALE;
    out->snd_wscale = c->snd_shift;
    out->rcv_wscale = c->rcv_shift;
    out->mss = c->mss;
    out->rcv_mss = c->rcv_mss;
    out->mtu = c->path.mtu;
    out->passive = c->flags & F_PASSIVE;
}

static void fill_flight(struct sl_tcp_info *out, const struct conn *c)
{
    out->flight_bytes = conn_flight(c);
    out->sacked_bytes = c->flight ? flight_of(c)->sacked_bytes : 0;
    out->lost_bytes = c->flight ? flight_of(c)->lost_bytes : 0;
    out->retransmits = c->seldom ? seldom_of(c)->retransmits : 0;
    out->recovery = shown_recovery[c->ca];
    out->backoff = c->backoff;
}

static void fill_conn(struct sl_tcp_info *out, const struct conn *c)
{
    fill_tuple(out, &c->tuple, shown_state(c));
    out->snd_wnd_bytes = c->snd_wnd;
    out->rcv_wnd_bytes = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
    out->cwnd_bytes = c->cwnd;
    out->ssthresh_bytes = c->ssthresh;
    out->srtt_us = c->srtt_us;
    out->rttvar_us = c->rttvar_us;
    out->rto_ms = (uint32_t)(sl_tcp_rtt_rto_ns(c) / SL_NS_PER_MS);
    out->snd_queued_bytes = c->sndq.bytes;
    out->rcv_queued_bytes = c->rcvq.bytes;
    out->cc = c->set->cc->name;
    out->pacing_bytes_per_s = sl_tcp_pace_rate(c);
    fill_agreed(out, c);
    fill_flight(out, c);
}

static void fill_ref(const struct sl_tcp *t, uint32_t ref, struct sl_tcp_info *out)
{
    switch (ref_kind(ref)) {
    case REF_CONN:
        fill_conn(out, conn_at(t, ref_idx(ref)));
        break;
    case REF_REQUEST:
        fill_tuple(out, &request_at(t, ref_idx(ref))->tuple, ST_SYN_RCVD);
        out->passive = true;
        break;
    case REF_LINGER:
        fill_tuple(out, &linger_at(t, ref_idx(ref))->tuple, ST_TIME_WAIT);
        break;
    }
}

bool sl_tcp_each(struct sl_tcp *t, uint32_t *position, uint32_t max, void (*fn)(void *ctx, const struct sl_tcp_info *),
                 void *ctx)
{
    uint64_t slots = ((uint64_t)t->table.mask + 1) * TABLE_SLOTS;

    for (; *position < slots && max; ++*position) {
        uint32_t ref = t->table.buckets[*position / TABLE_SLOTS].refs[*position % TABLE_SLOTS];
        struct sl_tcp_info info;

        if (!ref)
            continue;
        fill_ref(t, ref, &info);
        fn(ctx, &info);
        max--;
    }
    return *position < slots;
}

void sl_tcp_stream_info(struct sl_stream *s, struct sl_tcp_info *out) { fill_conn(out, conn_of_stream(s)); }

uint32_t sl_tcp_conns(const struct sl_tcp *t) { return t->table.count - t->lingers.used; }
