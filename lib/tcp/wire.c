#include "tcp/wire.h"

enum { KIND_END, KIND_NOP, KIND_MSS, KIND_WSCALE, KIND_SACK_OK, KIND_SACK, KIND_TS = 8 };

/* ---- reading ---- */

static void read_mss(struct seg *s, struct sl_cursor *c)
{
    s->mss = sl_cursor_u16(c);
    s->opts |= OPT_MSS;
}

static void read_wscale(struct seg *s, struct sl_cursor *c)
{
    s->wscale = sl_cursor_u8(c);
    s->opts |= OPT_WSCALE;
}

static void read_sack_ok(struct seg *s, struct sl_cursor *c) { s->opts |= OPT_SACK_OK; }

static void read_ts(struct seg *s, struct sl_cursor *c)
{
    s->tsval = sl_cursor_u32(c);
    s->tsecr = sl_cursor_u32(c);
    s->opts |= OPT_TS;
}

static void read_sacks(struct seg *s, struct sl_cursor *c)
{
    for (s->n_sacks = 0; s->n_sacks < WIRE_SACKS_MAX && sl_cursor_left(c) >= 8; s->n_sacks++) {
        s->sacks[s->n_sacks].start = sl_cursor_u32(c);
        s->sacks[s->n_sacks].end = sl_cursor_u32(c);
    }
}

/* What an option's body must measure, and who reads it. An option of another size is skipped like an unknown one. */
static const struct option_reader {
    uint8_t body_bytes; /* exact; for SACK the unit */
    bool many;          /* one or more units */
    bool syn_only;
    void (*read)(struct seg *s, struct sl_cursor *c);
} option_readers[] = {
    [KIND_MSS] = {2, false, true, read_mss},         [KIND_WSCALE] = {1, false, true, read_wscale},
    [KIND_SACK_OK] = {0, false, true, read_sack_ok}, [KIND_SACK] = {8, true, false, read_sacks},
    [KIND_TS] = {8, false, false, read_ts},
};

static void read_option(struct seg *s, uint8_t kind, struct sl_cursor body)
{
    const struct option_reader *r;
    size_t left = sl_cursor_left(&body);

    if (kind >= SL_ARRAY_LEN(option_readers) || !option_readers[kind].read)
        return;
    r = &option_readers[kind];
    if (r->syn_only && !(s->flags & TF_SYN))
        return;
    if (r->many ? left == 0 || left % r->body_bytes != 0 : left != r->body_bytes)
        return;
    r->read(s, &body);
}

static uint16_t get_u16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return rte_be_to_cpu_32(v);
}

/* What nearly every segment of a connection has: timestamps and their padding (RFC 7323 appendix A), and nothing else. */
static bool read_usual_options(struct seg *s, const struct sl_cursor *c)
{
    static const uint8_t head[4] = {KIND_NOP, KIND_NOP, KIND_TS, 10};

    if (sl_cursor_left(c) != WIRE_TS_BYTES || memcmp(c->p, head, sizeof head) != 0)
        return false;
    s->tsval = get_u32(c->p + 4);
    s->tsecr = get_u32(c->p + 8);
    s->opts |= OPT_TS;
    return true;
}

/* False when a length is 0, 1 or past the end. */
static bool read_options(struct seg *s, struct sl_cursor c)
{
    if (read_usual_options(s, &c))
        return true;
    while (sl_cursor_left(&c)) {
        uint8_t kind = sl_cursor_u8(&c), len;

        if (kind == KIND_END)
            break;
        if (kind == KIND_NOP)
            continue;
        len = sl_cursor_u8(&c);
        if (len < 2)
            return false;
        read_option(s, kind, sl_cursor_sub(&c, len - 2u));
    }
    return !c.bad;
}

/* RFC 3168 6.1.1: a SYN asks with both flags, a SYN-ACK agrees with ECE alone; some reflect both, and mean neither. */
static bool speaks_ecn(const struct seg *s)
{
    uint8_t both = s->flags & (TF_ECE | TF_CWR);

    return s->flags & TF_SYN && both == (s->flags & TF_ACK ? TF_ECE : TF_ECE | TF_CWR);
}

bool sl_tcp_wire_parse(const struct sl_net_seg *in, struct seg *s, enum sl_drop *why)
{
    uint8_t copy[WIRE_HEADER_MAX];
    uint32_t total = rte_pktmbuf_pkt_len(in->mbuf), offset;
    const uint8_t *p;

    *s = (struct seg){.mbuf = in->mbuf, .tuple = {.local = in->local, .remote = in->remote}, .ecn = in->ecn};
    *why = SL_DROP_TCP_BAD_HEADER;
    p = rte_pktmbuf_read(in->mbuf, 0, SL_MIN(total, WIRE_HEADER_MAX), copy);
    if (!p || total < WIRE_HEADER_MIN)
        return false;
    s->tuple.rport = get_u16(p);
    s->tuple.lport = get_u16(p + 2);
    s->seq = s->seq_sent = get_u32(p + 4);
    s->ack = get_u32(p + 8);
    offset = (p[12] >> 4) * 4u;
    s->flags = p[13];
    s->opts = speaks_ecn(s) ? OPT_ECN : 0;
    s->wnd =
        get_u16(p + 14); /* behind it: checksum, which is net's; urgent pointer: urgent data is delivered in line */
    if (offset < WIRE_HEADER_MIN || offset > total || !s->tuple.rport || !s->tuple.lport)
        return false;
    s->skip = offset;
    s->len = total - offset;
    s->bare = seg_space(s) == 0;
    s->has_syn = s->flags & TF_SYN;
    *why = SL_DROP_TCP_LAND;
    if (s->tuple.lport == s->tuple.rport && sl_ip_equal(&in->local, &in->remote))
        return false;
    *why = SL_DROP_TCP_BAD_OPTION;
    return read_options(s, sl_cursor_of(p + WIRE_HEADER_MIN, offset - WIRE_HEADER_MIN));
}

/* ---- writing ---- */

static uint8_t *put_u8(uint8_t *p, uint8_t v)
{
    *p = v;
    return p + 1;
}

static uint8_t *put_u16(uint8_t *p, uint16_t v)
{
    sl_put_u16(p, v);
    return p + 2;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    sl_put_u32(p, v);
    return p + 4;
}

static uint8_t *put_kind(uint8_t *p, uint8_t kind, uint8_t len) { return put_u8(put_u8(p, kind), len); }

uint32_t sl_tcp_wire_size(const struct header *h)
{
    uint32_t n = WIRE_HEADER_MIN;

    n += h->opts & OPT_MSS ? 4 : 0;
    n += h->opts & OPT_WSCALE ? 4 : 0;
    n += h->opts & OPT_TS ? WIRE_TS_BYTES : 0;
    n += h->opts & OPT_SACK_OK && !(h->opts & OPT_TS) ? 4 : 0; /* with timestamps it stands where their padding would */
    n += h->n_sacks ? 4 + 8u * h->n_sacks : 0;
    return n;
}

void sl_tcp_wire_put(uint8_t *p, const struct tuple *tuple, const struct header *h)
{
    p = put_u16(put_u16(p, tuple->lport), tuple->rport);
    p = put_u32(put_u32(p, h->seq), h->ack);
    p = put_u8(put_u8(p, (uint8_t)(sl_tcp_wire_size(h) << 2)), h->flags);
    p = put_u32(put_u16(p, h->wnd), 0);
    if (h->opts & OPT_MSS)
        p = put_u16(put_kind(p, KIND_MSS, 4), h->mss);
    if (h->opts & OPT_SACK_OK)
        p = put_kind(p, KIND_SACK_OK, 2);
    else if (h->opts & OPT_TS)
        p = put_u8(put_u8(p, KIND_NOP), KIND_NOP);
    if (h->opts & OPT_TS)
        p = put_u32(put_u32(put_kind(p, KIND_TS, 10), h->tsval), h->tsecr);
    else if (h->opts & OPT_SACK_OK)
        p = put_u8(put_u8(p, KIND_NOP), KIND_NOP);
    if (h->opts & OPT_WSCALE)
        p = put_u8(put_kind(put_u8(p, KIND_NOP), KIND_WSCALE, 3), h->wscale);
    if (h->n_sacks)
        p = put_kind(put_u8(put_u8(p, KIND_NOP), KIND_NOP), KIND_SACK, (uint8_t)(2 + 8 * h->n_sacks));
    for (uint32_t i = 0; i < h->n_sacks; i++)
        p = put_u32(put_u32(p, h->sacks[i].start), h->sacks[i].end);
}
