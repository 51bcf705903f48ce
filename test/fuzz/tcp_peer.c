/* The peer: it hears what the endpoint sends, knows the endpoint's numbers, and sends segments near them. What the input
 * leaves open is as an honest peer has it. */
#include "tcp_world.h"

#define DATA_MAX 9000u

/* ---- hearing ---- */

static struct slot *slot_at(uint16_t lport, uint16_t rport)
{
    for (uint32_t i = 0; i < FUZZ_SLOTS; i++)
        if (w.slots[i].lport == lport && w.slots[i].rport == rport)
            return &w.slots[i];
    return NULL;
}

static void note(struct slot *slot, const struct th_tcp *tcp)
{
    slot->heard = true;
    slot->heard_end = tcp->seq + tcp->len + !!(tcp->flags & TH_SYN) + !!(tcp->flags & TH_FIN);
    slot->heard_ack = tcp->ack;
    slot->heard_ts = tcp->has_ts;
    slot->heard_time = tcp->has_ts ? tcp->tsval : slot->heard_time;
    if ((tcp->flags & (TH_SYN | TH_ACK)) != (TH_SYN | TH_ACK))
        return;
    slot->answered = true;
    slot->syn_ack = tcp->seq + 1;
    slot->syn_ack_ack = tcp->ack;
    slot->syn_ack_time = tcp->tsval;
}

bool peer_hears(const uint8_t *bytes, size_t len)
{
    struct th_pkt p = {0};
    struct slot *slot;

    WORLD_MUST(!th_decode(bytes, len, &p));
    if (p.kind != TH_TCP)
        return false;
    WORLD_MUST(world_is_filled(p.tcp.data, p.tcp.seq, p.tcp.len, user_byte)); /* what the user sent, at its number */
    WORLD_MUST(!(p.tcp.flags & TH_SYN) || !p.tcp.len);
    slot = slot_at(p.tcp.sport, p.tcp.dport);
    if (slot)
        note(slot, &p.tcp);
    return true;
}

/* ---- knowing ---- */

struct view {
    uint32_t rcv_nxt, rcv_adv, snd_una, snd_nxt, snd_end, iss, irs, ts_recent;
    bool ts; /* agreed on */
};

static struct view view_of_conn(const struct slot *slot, const struct conn *c)
{
    bool opening = c->state <= ST_SYN_RCVD; /* later nobody knows them any more */
    struct view v = {.rcv_nxt = c->rcv_nxt,
                     .rcv_adv = c->rcv_adv,
                     .snd_una = c->snd_una,
                     .snd_nxt = c->snd_nxt,
                     .snd_end = c->snd_end,
                     .iss = opening ? c->opening.iss : c->snd_una,
                     .irs = opening ? c->opening.irs : c->rcv_nxt,
                     .ts_recent = c->ts_recent,
                     .ts = c->flags & F_TS};

    if (c->state == ST_SYN_SENT)
        v.rcv_nxt = v.rcv_adv = v.irs = slot->iss;
    return v;
}

static struct view view_of_request(const struct request *r)
{
    return (struct view){r->irs + 1, r->irs + 65536, r->iss,       r->iss + 1,      r->iss + 1,
                         r->iss,     r->irs,         r->ts_recent, r->opts & OPT_TS};
}

static struct view view_of_linger(const struct linger *l)
{
    return (struct view){l->rcv_nxt, l->rcv_nxt + l->wnd, l->snd_nxt,   l->snd_nxt, l->snd_nxt,
                         l->snd_nxt, l->rcv_nxt,          l->ts_recent, l->ts};
}

/* Nothing is kept: there may have been a cookie. */
static struct view view_of_nothing(const struct slot *slot)
{
    if (!slot->answered)
        return (struct view){.rcv_nxt = slot->iss, .rcv_adv = slot->iss, .irs = slot->iss};
    return (struct view){slot->syn_ack_ack, slot->syn_ack_ack, slot->syn_ack,         slot->syn_ack, slot->syn_ack,
                         slot->syn_ack - 1, slot->iss,         slot->syn_ack_ack - 1, slot->heard_ts};
}

static struct view view_of(const struct slot *slot)
{
    struct tuple tuple = {.local = w.ours, .remote = w.theirs, .lport = slot->lport, .rport = slot->rport};
    uint32_t ref;

    tuple.hash = table_hash(&w.tcp->table, &tuple);
    ref = sl_tcp_table_find(&w.tcp->table, &tuple);
    if (!ref)
        return view_of_nothing(slot);
    if (ref_kind(ref) == REF_CONN)
        return view_of_conn(slot, conn_at(w.tcp, ref_idx(ref)));
    if (ref_kind(ref) == REF_REQUEST)
        return view_of_request(request_at(w.tcp, ref_idx(ref)));
    return view_of_linger(linger_at(w.tcp, ref_idx(ref)));
}

uint32_t peer_number(const struct slot *slot, struct fuzz_num n)
{
    struct view v = view_of(slot);
    const uint32_t at[AT_COUNT] = {
        [AT_RCV_NXT] = v.rcv_nxt,
        [AT_RCV_ADV] = v.rcv_adv,
        [AT_SND_UNA] = v.snd_una,
        [AT_SND_NXT] = v.snd_nxt,
        [AT_SND_END] = v.snd_end,
        [AT_ISS] = v.iss,
        [AT_IRS] = v.irs,
        [AT_HEARD_ACK] = slot->heard_ack,
        [AT_HEARD_END] = slot->heard_end,
        [AT_SYN_ACK] = slot->syn_ack,
        [AT_SYN_ACK_TIME] = slot->syn_ack_time,
        [AT_TS_RECENT] = v.ts_recent,
        [AT_HEARD_TIME] = slot->heard_time,
        [AT_CLOCK] = (uint32_t)(w.now / SL_NS_PER_MS),
        [AT_OPPOSITE] = v.rcv_nxt + (1u << 31),
        [AT_ZERO] = 0,
    };

    return at[n.at % AT_COUNT] + ((uint32_t)(int32_t)n.off << (n.at & 0x80 ? 16 : 0));
}

/* ---- sending ---- */

static void fill_numbers(const struct fuzz_segment *s, const struct slot *slot, struct header *h)
{
    struct fuzz_num seq = {.at = AT_RCV_NXT}, ack = {.at = AT_SND_NXT};

    h->seq = peer_number(slot, s->has & HAS_NEAR ? s->seq : seq);
    h->ack = h->flags & TF_ACK || s->has & HAS_NEAR ? peer_number(slot, s->has & HAS_NEAR ? s->ack : ack) : 0;
}

static void fill_options(const struct fuzz_segment *s, const struct slot *slot, struct header *h)
{
    if (s->has & HAS_OPTS) {
        h->opts = s->opts & (h->flags & TF_SYN ? OPT_MSS | OPT_WSCALE | OPT_SACK_OK | OPT_TS : OPT_TS);
        h->mss = s->mss;
        h->wscale = s->wscale;
        h->tsval = peer_number(slot, s->tsval);
        h->tsecr = peer_number(slot, s->tsecr);
    } else if (view_of(slot).ts) {
        h->opts = OPT_TS;
        h->tsval = (uint32_t)(w.now / SL_NS_PER_MS);
        h->tsecr = slot->heard_time;
    }
    h->n_sacks = (uint8_t)SL_MIN(s->n_sacks, h->opts & OPT_TS ? 3 : 4);
    for (uint32_t i = 0; i < h->n_sacks; i++) {
        h->sacks[i].start = peer_number(slot, s->sacks[i].start);
        h->sacks[i].end = h->sacks[i].start + (uint32_t)(int32_t)s->sacks[i].len;
    }
    if (h->flags & TF_SYN) /* there is no room for all */
        h->n_sacks = 0;
}

/* The nth of many. */
static void vary(const struct fuzz_segment *s, uint32_t nth, struct header *h, struct tuple *back)
{
    uint32_t by = nth * (uint32_t)(int32_t)s->step;

    back->lport += s->vary == VARY_PORT ? (uint16_t)(nth * 16) : 0;
    h->seq += s->vary == VARY_SEQ ? by : 0;
    h->ack += s->vary == VARY_ACK ? by : 0;
    for (uint32_t i = 0; s->vary == VARY_SACK && i < h->n_sacks; i++) {
        h->sacks[i].start += by;
        h->sacks[i].end += by;
    }
}

/* Header and payload; how many bytes. */
static uint32_t put(const struct fuzz_segment *s, const struct header *h, const struct tuple *back, uint8_t *out)
{
    struct header plain = *h;
    uint32_t size, len = SL_MIN(s->len, DATA_MAX), first = h->seq + !!(h->flags & TF_SYN);

    if (s->has & HAS_RAW)
        plain.opts = plain.n_sacks = 0;
    sl_tcp_wire_put(out, back, &plain);
    size = sl_tcp_wire_size(&plain);
    if (s->has & HAS_RAW) {
        memset(out + size, 0, FUZZ_RAW_MAX);
        memcpy(out + size, s->raw, s->n_raw);
        size += (s->n_raw + 3u) / 4 * 4;
        out[12] = (uint8_t)(size << 2);
    }
    out[12] ^= (uint8_t)(s->doff << 4);
    world_fill(out + size, first, len, peer_byte);
    return size + len - SL_MIN(s->cut, size + len);
}

static void enqueue(const struct fuzz_segment *s, const uint8_t *bytes, uint32_t len)
{
    size_t cuts[2] = {WIRE_HEADER_MIN + s->cuts[0], WIRE_HEADER_MIN + 1u + s->cuts[0] + s->cuts[1]};
    struct rte_mbuf *m = s->how & SEG_CHAIN ? th_mbuf_chain(w.frames_pool, bytes, len, cuts, 2, 0)
                                            : th_mbuf_exact(w.frames_pool, bytes, len, 0);

    w.batch.segs[w.batch.n_segs++] = (struct sl_net_seg){
        .mbuf = m, .local = w.ours, .remote = s->lie & LIE_LAND ? w.ours : w.theirs, .ecn = s->how >> SEG_ECN_SHIFT};
}

void peer_sends(const struct fuzz_segment *s)
{
    static uint8_t bytes[WIRE_HEADER_MAX + FUZZ_RAW_MAX + DATA_MAX];
    const struct slot *slot = &w.slots[s->how & SEG_SLOT];

    for (uint32_t nth = 0; nth <= s->times; nth++) {
        struct header h = {.flags = s->flags, .wnd = s->wnd};
        struct tuple back = {.lport = slot->rport, .rport = slot->lport};

        fill_numbers(s, slot, &h);
        fill_options(s, slot, &h);
        vary(s, nth, &h, &back);
        if (s->lie & LIE_LAND)
            back.lport = back.rport;
        back.lport = s->lie & LIE_LPORT ? 0 : back.lport;
        back.rport = s->lie & LIE_RPORT ? 0 : back.rport;
        enqueue(s, bytes, put(s, &h, &back, bytes));
        if (w.batch.n_segs == SL_NET_BURST)
            world_settle();
    }
    if (!(s->how & SEG_QUEUE))
        world_settle();
}

void peer_errs(const struct fuzz_icmp *e)
{
    const struct slot *slot = &w.slots[e->slot % FUZZ_SLOTS];

    for (uint32_t nth = 0; nth <= e->times % 16; nth++) {
        w.batch.errs[w.batch.n_errs++] = (struct sl_net_icmp){.local = w.ours,
                                                              .remote = w.theirs,
                                                              .lport = slot->lport + (e->wrong & 1),
                                                              .rport = slot->rport,
                                                              .kind = e->kind % 3,
                                                              .seq = peer_number(slot, e->seq),
                                                              .mtu = (uint16_t)(e->mtu - nth * e->step)};
        world_settle();
    }
}
