/* Inputs of the fuzzer of tcp, read and written. */
#include "tcp_fuzz.h"

/* ---- reading ---- */

static struct fuzz_num read_num(struct sl_cursor *c)
{
    uint8_t at = sl_cursor_u8(c);

    return (struct fuzz_num){at, (int16_t)sl_cursor_u16(c)};
}

static void read_opts(struct sl_cursor *c, struct fuzz_segment *s)
{
    s->opts = sl_cursor_u8(c);
    s->wscale = sl_cursor_u8(c);
    s->mss = sl_cursor_u16(c);
    s->tsval = read_num(c);
    s->tsecr = read_num(c);
}

static void read_sacks(struct sl_cursor *c, struct fuzz_segment *s)
{
    s->n_sacks = sl_cursor_u8(c) % (FUZZ_SACKS_MAX + 1);
    for (uint32_t i = 0; i < s->n_sacks; i++) {
        s->sacks[i].start = read_num(c);
        s->sacks[i].len = (int16_t)sl_cursor_u16(c);
    }
}

static void read_raw(struct sl_cursor *c, struct fuzz_segment *s)
{
    s->n_raw = sl_cursor_u8(c) % (FUZZ_RAW_MAX + 1);
    for (uint32_t i = 0; i < s->n_raw; i++)
        s->raw[i] = sl_cursor_u8(c);
}

static void read_many(struct sl_cursor *c, struct fuzz_segment *s)
{
    s->times = sl_cursor_u8(c);
    s->vary = sl_cursor_u8(c) % VARIES;
    s->step = (int16_t)sl_cursor_u16(c);
}

static void read_lie(struct sl_cursor *c, struct fuzz_segment *s)
{
    s->doff = sl_cursor_u8(c);
    s->cut = sl_cursor_u8(c);
    s->lie = sl_cursor_u8(c);
}

void fuzz_read_segment(struct sl_cursor *c, struct fuzz_segment *s)
{
    *s = (struct fuzz_segment){.how = sl_cursor_u8(c)};
    s->has = sl_cursor_u8(c);
    s->flags = sl_cursor_u8(c);
    if (s->has & HAS_NEAR) {
        s->seq = read_num(c);
        s->ack = read_num(c);
    }
    if (s->has & HAS_OPTS)
        read_opts(c, s);
    if (s->has & HAS_SACKS)
        read_sacks(c, s);
    if (s->has & HAS_RAW)
        read_raw(c, s);
    if (s->has & HAS_MANY)
        read_many(c, s);
    s->len = s->has & HAS_DATA ? sl_cursor_u16(c) : 0;
    s->wnd = s->has & HAS_WND ? sl_cursor_u16(c) : UINT16_MAX;
    if (s->has & HAS_LIE)
        read_lie(c, s);
    if (s->how & SEG_CHAIN) {
        s->cuts[0] = sl_cursor_u8(c);
        s->cuts[1] = sl_cursor_u8(c);
    }
}

void fuzz_read_icmp(struct sl_cursor *c, struct fuzz_icmp *e)
{
    e->slot = sl_cursor_u8(c);
    e->kind = sl_cursor_u8(c);
    e->times = sl_cursor_u8(c);
    e->wrong = sl_cursor_u8(c);
    e->seq = read_num(c);
    e->mtu = sl_cursor_u16(c);
    e->step = sl_cursor_u16(c);
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

static uint8_t *put_num(uint8_t *p, struct fuzz_num n) { return put_u16(put_u8(p, n.at), (uint16_t)n.off); }

static uint8_t *put_opts(uint8_t *p, const struct fuzz_segment *s)
{
    p = put_u16(put_u8(put_u8(p, s->opts), s->wscale), s->mss);
    return put_num(put_num(p, s->tsval), s->tsecr);
}

static uint8_t *put_sacks(uint8_t *p, const struct fuzz_segment *s)
{
    p = put_u8(p, s->n_sacks);
    for (uint32_t i = 0; i < s->n_sacks; i++)
        p = put_u16(put_num(p, s->sacks[i].start), (uint16_t)s->sacks[i].len);
    return p;
}

static uint8_t *put_raw(uint8_t *p, const struct fuzz_segment *s)
{
    p = put_u8(p, s->n_raw);
    memcpy(p, s->raw, s->n_raw);
    return p + s->n_raw;
}

size_t fuzz_write_segment(const struct fuzz_segment *s, uint8_t *out)
{
    uint8_t *p = put_u8(put_u8(put_u8(put_u8(out, OP_SEGMENT), s->how), s->has), s->flags);

    if (s->has & HAS_NEAR)
        p = put_num(put_num(p, s->seq), s->ack);
    if (s->has & HAS_OPTS)
        p = put_opts(p, s);
    if (s->has & HAS_SACKS)
        p = put_sacks(p, s);
    if (s->has & HAS_RAW)
        p = put_raw(p, s);
    if (s->has & HAS_MANY)
        p = put_u16(put_u8(put_u8(p, s->times), s->vary), (uint16_t)s->step);
    if (s->has & HAS_DATA)
        p = put_u16(p, s->len);
    if (s->has & HAS_WND)
        p = put_u16(p, s->wnd);
    if (s->has & HAS_LIE)
        p = put_u8(put_u8(put_u8(p, s->doff), s->cut), s->lie);
    if (s->how & SEG_CHAIN)
        p = put_u8(put_u8(p, s->cuts[0]), s->cuts[1]);
    return (size_t)(p - out);
}

size_t fuzz_write_icmp(const struct fuzz_icmp *e, uint8_t *out)
{
    uint8_t *p = put_u8(put_u8(put_u8(out, OP_ICMP), e->slot), e->kind);

    p = put_num(put_u8(put_u8(p, e->times), e->wrong), e->seq);
    return (size_t)(put_u16(put_u16(p, e->mtu), e->step) - out);
}
