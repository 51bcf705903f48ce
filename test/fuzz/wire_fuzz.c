/* TCP headers of any bytes: what sl_tcp_wire_parse finds is what a second, plainer reader finds, and no byte beyond the
 * segment is read.
 *
 * Input: flags, flags' lies (bits), length of the options, first cut, then the options and the payload. */
#include <stdlib.h>

#include "helpers/helpers.h"
#include "tcp/wire.h"

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

#define BYTES_MAX 512u
#define FIXED 20u

enum {
    WIRE_CHAIN = 1,
    WIRE_PORT_ZERO = 2,
    WIRE_LAND = 4,
    WIRE_SHORT = 8,       /* the segment ends where the first cut is */
    WIRE_ANY_OFFSET = 16, /* data offset is the length's upper bits, whatever follows */
    WIRE_IP6 = 32,
};

int wire_fuzz_one(const uint8_t *data, size_t size);

/* What the reader should say. */
struct expected {
    enum sl_drop why; /* SL_DROP_COUNT: nothing is wrong */
    struct seg seg;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* ---- the plainer reader: it walks the bytes with an index ---- */

static void take_option(struct seg *s, const uint8_t *o, uint32_t len)
{
    bool syn = s->flags & TF_SYN;

    if (o[0] == 2 && len == 4 && syn) {
        s->opts |= OPT_MSS;
        s->mss = (uint16_t)(o[2] << 8 | o[3]);
    } else if (o[0] == 3 && len == 3 && syn) {
        s->opts |= OPT_WSCALE;
        s->wscale = o[2];
    } else if (o[0] == 4 && len == 2 && syn) {
        s->opts |= OPT_SACK_OK;
    } else if (o[0] == 5 && len >= 10 && (len - 2) % 8 == 0) {
        s->n_sacks = (uint8_t)SL_MIN((len - 2) / 8, 4u);
        for (uint32_t i = 0; i < s->n_sacks; i++)
            s->sacks[i] = (struct range){be32(o + 2 + 8 * i), be32(o + 6 + 8 * i)};
    } else if (o[0] == 8 && len == 10) {
        s->opts |= OPT_TS;
        s->tsval = be32(o + 2);
        s->tsecr = be32(o + 6);
    }
}

static bool take_options(struct seg *s, const uint8_t *o, uint32_t n)
{
    for (uint32_t i = 0; i < n && o[i] != 0;) {
        if (o[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= n || o[i + 1] < 2 || i + o[i + 1] > n)
            return false;
        take_option(s, o + i, o[i + 1]);
        i += o[i + 1];
    }
    return true;
}

static struct expected expect(const struct sl_net_seg *in, const uint8_t *b, uint32_t total)
{
    struct expected e = {.why = SL_DROP_TCP_BAD_HEADER};
    uint32_t offset = total > 12 ? (b[12] >> 4) * 4u : 0, both;

    if (total < FIXED || offset < FIXED || offset > total || !(b[0] | b[1]) || !(b[2] | b[3]))
        return e;
    e.why = SL_DROP_TCP_LAND;
    if (b[0] == b[2] && b[1] == b[3] && sl_ip_equal(&in->local, &in->remote))
        return e;
    e.seg.flags = b[13];
    e.seg.seq = be32(b + 4);
    e.seg.ack = be32(b + 8);
    e.seg.wnd = (uint32_t)(b[14] << 8 | b[15]);
    e.seg.len = total - offset;
    e.seg.skip = offset;
    both = b[13] & (TF_ECE | TF_CWR);
    if ((b[13] & (TF_SYN | TF_ACK)) == TF_SYN && both == (TF_ECE | TF_CWR))
        e.seg.opts = OPT_ECN;
    if ((b[13] & (TF_SYN | TF_ACK)) == (TF_SYN | TF_ACK) && both == TF_ECE)
        e.seg.opts = OPT_ECN;
    e.why = take_options(&e.seg, b + FIXED, offset - FIXED) ? SL_DROP_COUNT : SL_DROP_TCP_BAD_OPTION;
    return e;
}

static void compare(const struct seg *got, const struct seg *want)
{
    MUST(got->flags == want->flags && got->seq == want->seq && got->seq_sent == want->seq && got->ack == want->ack);
    MUST(got->wnd == want->wnd && got->len == want->len && got->skip == want->skip && got->opts == want->opts);
    MUST(!(want->opts & OPT_MSS) || got->mss == want->mss);
    MUST(!(want->opts & OPT_WSCALE) || got->wscale == want->wscale);
    MUST(!(want->opts & OPT_TS) || (got->tsval == want->tsval && got->tsecr == want->tsecr));
    MUST(got->n_sacks == want->n_sacks);
    for (uint32_t i = 0; i < want->n_sacks; i++)
        MUST(got->sacks[i].start == want->sacks[i].start && got->sacks[i].end == want->sacks[i].end);
    MUST(got->bare == (!want->len && !(want->flags & (TF_SYN | TF_FIN))));
}

/* What was understood can be written and read again. */
static void write_again(struct rte_mempool *pool, const struct sl_net_seg *in, const struct seg *s)
{
    struct header h = {.seq = s->seq,
                       .ack = s->ack,
                       .tsval = s->tsval,
                       .tsecr = s->tsecr,
                       .wnd = (uint16_t)s->wnd,
                       .mss = s->mss,
                       .flags = s->flags,
                       .opts = s->opts & (uint8_t)~OPT_ECN,
                       .wscale = s->wscale,
                       .n_sacks = s->n_sacks};
    struct tuple back = {.lport = s->tuple.rport, .rport = s->tuple.lport};
    uint8_t bytes[WIRE_HEADER_MAX];
    struct sl_net_seg again = *in;
    struct seg read;
    enum sl_drop why;

    if (sl_tcp_wire_size(&h) > WIRE_HEADER_MAX) /* nobody of ours sends so much at once */
        return;
    memcpy(h.sacks, s->sacks, sizeof h.sacks);
    sl_tcp_wire_put(bytes, &back, &h);
    again.mbuf = th_mbuf_exact(pool, bytes, sl_tcp_wire_size(&h), 0);
    MUST(sl_tcp_wire_parse(&again, &read, &why));
    MUST(read.opts == s->opts && read.n_sacks == s->n_sacks && read.tuple.lport == s->tuple.lport);
    MUST(memcmp(read.sacks, s->sacks, s->n_sacks * sizeof s->sacks[0]) == 0);
    rte_pktmbuf_free(read.mbuf);
}

/* ---- the input ---- */

static uint32_t make(struct sl_cursor *c, uint8_t *b, uint8_t *how, size_t cuts[2])
{
    uint8_t flags = sl_cursor_u8(c), len, cut;
    uint32_t n;

    *how = sl_cursor_u8(c);
    len = sl_cursor_u8(c);
    cut = sl_cursor_u8(c);
    memset(b, 0, FIXED);
    sl_put_u16(b, *how & WIRE_PORT_ZERO ? 0 : 80);
    sl_put_u16(b + 2, *how & WIRE_LAND ? 80 : 8080);
    sl_put_u32(b + 4, 0xfffffff0u + cut);
    sl_put_u32(b + 8, len * 0x01010101u);
    b[12] = (uint8_t)(*how & WIRE_ANY_OFFSET ? len & 0xf0 : (5 + (SL_MIN(len, 40) + 3) / 4) << 4);
    b[13] = flags;
    sl_put_u16(b + 14, (uint16_t)(len << 8 | cut));
    n = (uint32_t)SL_MIN(sl_cursor_left(c), (size_t)(BYTES_MAX - FIXED));
    memcpy(b + FIXED, sl_cursor_take(c, n), n);
    n = SL_MAX(n, *how & WIRE_ANY_OFFSET ? 0 : (b[12] >> 4) * 4u - FIXED);
    cuts[0] = cut;
    cuts[1] = cut + 1u + len;
    return *how & WIRE_SHORT ? SL_MIN(FIXED + n, cut) : FIXED + n;
}

int wire_fuzz_one(const uint8_t *data, size_t size)
{
    static struct rte_mempool *pool;
    struct sl_cursor c = sl_cursor_of(data, size);
    uint8_t b[BYTES_MAX] = {0}, how;
    size_t cuts[2];
    uint32_t total = make(&c, b, &how, cuts);
    struct sl_net_seg in = {.local = th_ip(how & WIRE_IP6 ? "2001:db8::1" : "198.18.0.1"), .ecn = how >> 6};
    struct expected e;
    struct seg s;
    enum sl_drop why;

    if (!pool) {
        th_eal_init();
        pool = th_pool("wire", 255, 2048);
    }
    in.remote = how & WIRE_LAND ? in.local : th_ip("198.18.0.2");
    in.mbuf = how & WIRE_CHAIN ? th_mbuf_chain(pool, b, total, cuts, 2, 0) : th_mbuf_exact(pool, b, total, 0);
    e = expect(&in, b, total);
    if (sl_tcp_wire_parse(&in, &s, &why)) {
        MUST(e.why == SL_DROP_COUNT);
        compare(&s, &e.seg);
        write_again(pool, &in, &s);
    } else {
        MUST(e.why == why);
    }
    MUST(s.mbuf == in.mbuf);
    rte_pktmbuf_free(s.mbuf);
    MUST(rte_mempool_avail_count(pool) == 255);
    return 0;
}
