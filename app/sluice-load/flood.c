#include "flood.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#define ETH_BYTES 14
#define IP4_BYTES 20
#define IP6_BYTES 40
#define TCP_BYTES 20
#define MSS_BYTES 4
#define ICMP_BYTES 8
#define MSS_IP4 1460
#define MSS_IP6 1440
#define HOPS 64
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_ICMP6 58
#define FIRST_PORT 1024
#define FRESH_AT 4
#define FRESH_BYTES 8
#define PART_MAX 1000

const struct flood_name flood_names[FLOOD_KINDS] = {
    [FLOOD_SYN] = {"syn", "SYNs with an MSS option"},
    [FLOOD_ACK] = {"ack", "ACKs of no connection"},
    [FLOOD_ICMP] = {"icmp", "echo requests"},
    [FLOOD_MIXED] = {"mixed", "SYNs, ACKs and echo requests in proportions"},
};

enum flood_kind flood_kind_of(const char *name)
{
    enum flood_kind kind = 0;

    while (kind < FLOOD_KINDS && strcmp(flood_names[kind].name, name) != 0)
        kind++;
    return kind;
}

/* ---- templates ---- */

/* The 16 bits to which all that was summed comes, not complemented, so that more can be added. */
static uint32_t sum_of(uint64_t sum) { return (uint16_t)~sl_cksum_fold(sum); }

static uint32_t source_sum(const struct sl_ip *ip, bool ip4)
{
    return sum_of(sl_cksum_add(0, ip4 ? ip->b + 12 : ip->b, ip4 ? 4 : 16));
}

static void put_ethernet(uint8_t *p, const struct flood_conf *conf, bool ip4)
{
    memcpy(p, conf->to_mac.addr_bytes, 6);
    memcpy(p + 6, conf->source_mac.addr_bytes, 6);
    sl_put_u16(p + 12, ip4 ? 0x0800 : 0x86dd);
}

/* A packet that is never cut needs no identification (RFC 6864 4.1). The source stays zero. */
static void put_ip4(uint8_t *p, const struct sl_ip *to, uint8_t proto, size_t payload)
{
    p[0] = 0x45;
    sl_put_u16(p + 2, (uint16_t)(IP4_BYTES + payload));
    sl_put_u16(p + 6, 0x4000); /* DF */
    p[8] = HOPS;
    p[9] = proto;
    memcpy(p + 16, to->b + 12, 4);
}

static void put_ip6(uint8_t *p, const struct sl_ip *to, uint8_t proto, size_t payload)
{
    p[0] = 0x60;
    sl_put_u16(p + 4, (uint16_t)payload);
    p[6] = proto;
    p[7] = HOPS;
    memcpy(p + 24, to->b, 16);
}

static size_t put_tcp(uint8_t *p, uint16_t port, bool syn, bool ip4)
{
    size_t len = TCP_BYTES + (syn ? MSS_BYTES : 0);

    sl_put_u16(p + 2, port);
    p[12] = (uint8_t)(len / 4 << 4);
    p[13] = syn ? TCP_SYN : TCP_ACK;
    sl_put_u16(p + 14, UINT16_MAX);
    if (syn) {
        p[20] = 2;
        p[21] = MSS_BYTES;
        sl_put_u16(p + 22, ip4 ? MSS_IP4 : MSS_IP6);
    }
    return len;
}

static size_t put_icmp(uint8_t *p, bool ip4)
{
    p[0] = ip4 ? 8 : 128;
    return ICMP_BYTES;
}

/* RFC 9293 3.1, RFC 8200 8.1; ICMP has none (RFC 792). */
static uint64_t pseudo_sum(const struct sl_ip *to, uint8_t proto, size_t len)
{
    uint8_t rest[4] = {(uint8_t)(len >> 8), (uint8_t)len, 0, proto};

    return source_sum(to, sl_ip_is4(to)) + sl_cksum_add(0, rest, sizeof rest);
}

static uint64_t fresh_bytes(enum flood_kind kind)
{
    uint8_t which[FRESH_BYTES] = {
        [0] = 0xff, [1] = 0xff, [2] = 0xff, [3] = 0xff}; /* SEG.SEQ, or the ping's identifier and number */
    uint64_t fresh;

    if (kind == FLOOD_ACK)
        memset(which + 4, 0xff, 4); /* SEG.ACK */
    memcpy(&fresh, which, sizeof fresh);
    return fresh;
}

static void make_template(struct flood_template *t, enum flood_kind kind, const struct flood_conf *conf)
{
    bool ip4 = sl_ip_is4(&conf->to.ip), icmp = kind == FLOOD_ICMP;
    uint8_t proto = !icmp ? PROTO_TCP : ip4 ? PROTO_ICMP : PROTO_ICMP6;
    size_t l4, len;

    memset(t, 0, sizeof *t);
    put_ethernet(t->bytes, conf, ip4);
    l4 = ETH_BYTES + (ip4 ? IP4_BYTES : IP6_BYTES);
    len = icmp ? put_icmp(t->bytes + l4, ip4) : put_tcp(t->bytes + l4, conf->to.port, kind == FLOOD_SYN, ip4);
    t->len = (uint16_t)SL_MAX(SL_MAX(conf->frame_bytes, FLOOD_FRAME_MIN), l4 + SL_MAX(len, FRESH_AT + FRESH_BYTES));
    if (icmp || (kind == FLOOD_ACK && t->len > FLOOD_FRAME_MIN))
        len = t->len - l4;
    (ip4 ? put_ip4 : put_ip6)(t->bytes + ETH_BYTES, &conf->to.ip, proto, len);

    t->l4 = (uint16_t)l4;
    t->cksum = (uint16_t)(l4 + (icmp ? 2 : 16));
    t->has_port = !icmp;
    t->has_pseudo = !icmp || !ip4;
    t->fresh = fresh_bytes(kind);
    t->ip_sum = sum_of(sl_cksum_add(0, t->bytes + ETH_BYTES, IP4_BYTES));
    t->l4_sum = sum_of(sl_cksum_add(t->has_pseudo ? pseudo_sum(&conf->to.ip, proto, len) : 0, t->bytes + l4, len));
}

/* ---- set-up ---- */

static int check(const struct flood_conf *conf, struct sl_err *err)
{
    bool ip4 = sl_ip_is4(&conf->to.ip);
    unsigned bits = ip4 ? 32 : 128;

    if (conf->kind >= FLOOD_KINDS)
        return sl_err_set(err, -EINVAL, "no such flood");
    if (sl_ip_is4(&conf->source) != ip4)
        return sl_err_set(err, -EINVAL, "a flood's sources and destination are of one family");
    if (conf->source_bits > bits)
        return sl_err_set(err, -EINVAL, "a flood's sources: a prefix has at most %u bits", bits);
    if (conf->source_bits == bits && sl_ip_equal(&conf->source, &conf->to.ip))
        return sl_err_set(err, -EINVAL, "a flood's only source is its destination");
    if (conf->to.port == 0 && conf->kind != FLOOD_ICMP)
        return sl_err_set(err, -EINVAL, "a flood of TCP needs a port");
    if (conf->frame_bytes != 0 && (conf->frame_bytes < FLOOD_FRAME_MIN || conf->frame_bytes > FLOOD_FRAME_MAX))
        return sl_err_set(err, -EINVAL, "a flood's frames have %d to %d bytes", FLOOD_FRAME_MIN, FLOOD_FRAME_MAX);
    for (unsigned i = 0; i < FLOOD_MIXED; i++)
        if (conf->parts[i] > PART_MAX)
            return sl_err_set(err, -EINVAL, "a part of a mixed flood is at most %d", PART_MAX);
    return 0;
}

static void set_source(struct flood *f, const struct flood_conf *conf)
{
    unsigned fixed = conf->source_bits + (sl_ip_is4(&conf->to.ip) ? 96 : 0);

    f->net = conf->source;
    for (unsigned i = 0; i < 16; i++) {
        unsigned bits = fixed > i * 8 ? SL_MIN(fixed - i * 8, 8) : 0;

        f->host_mask.b[i] = (uint8_t)(0xff >> bits);
        f->net.b[i] &= (uint8_t)~f->host_mask.b[i];
    }
}

static void set_parts(struct flood *f, const struct flood_conf *conf)
{
    static const int32_t usual[FLOOD_MIXED] = {[FLOOD_SYN] = 7, [FLOOD_ACK] = 2, [FLOOD_ICMP] = 1};

    for (unsigned i = 0; i < FLOOD_MIXED; i++)
        f->parts_all += f->parts[i] = (int32_t)conf->parts[i];
    if (f->parts_all == 0) {
        memcpy(f->parts, usual, sizeof usual);
        f->parts_all = 10;
    }
}

int flood_init(struct flood *f, const struct flood_conf *conf, struct sl_err *err)
{
    int rc = check(conf, err);

    if (rc != 0)
        return rc;
    memset(f, 0, sizeof *f);
    f->kind = conf->kind;
    f->to = conf->to.ip;
    sl_rng_seed(&f->rng, conf->seed);
    set_source(f, conf);
    set_parts(f, conf);
    for (enum flood_kind kind = 0; kind < FLOOD_MIXED; kind++)
        make_template(&f->templates[kind], kind, conf);
    return 0;
}

/* ---- frames ---- */

/* Each kind saves up its part of every frame; who has most is next, and pays a whole one. So proportions hold over any stretch. */
static enum flood_kind next_kind(struct flood *f)
{
    enum flood_kind most = 0;

    if (f->kind != FLOOD_MIXED)
        return f->kind;
    for (enum flood_kind kind = 0; kind < FLOOD_MIXED; kind++) {
        f->credit[kind] += f->parts[kind];
        if (f->credit[kind] > f->credit[most])
            most = kind;
    }
    f->credit[most] -= f->parts_all;
    return most;
}

static struct sl_ip next_source(struct flood *f)
{
    struct sl_ip ip = f->net;

    if (f->host_mask.q[0] != 0)
        ip.q[0] |= sl_rng_next(&f->rng) & f->host_mask.q[0];
    ip.q[1] |= sl_rng_next(&f->rng) & f->host_mask.q[1];
    if (sl_ip_equal(&ip, &f->to))
        ip.b[15] ^= 1;
    return ip;
}

static uint16_t next_port(struct flood *f)
{
    uint64_t high = sl_rng_next(&f->rng) >> 32;

    return rte_cpu_to_be_16((uint16_t)(FIRST_PORT + (high * (UINT16_MAX + 1 - FIRST_PORT) >> 32)));
}

static void put_sum(uint8_t *at, uint64_t sum)
{
    uint16_t cksum = sl_cksum_fold(sum);

    memcpy(at, &cksum, sizeof cksum);
}

/* The fields of a sum are taken as they lie in memory. */
static void write_frame(struct flood *f, const struct flood_template *t, uint8_t *p)
{
    struct sl_ip source = next_source(f);
    bool ip4 = sl_ip_is4(&source);
    uint64_t from = ip4 ? source.w[3] : (uint64_t)source.w[0] + source.w[1] + source.w[2] + source.w[3];
    uint64_t fresh = sl_rng_next(&f->rng) & t->fresh, kept;
    uint64_t sum = t->l4_sum + (uint32_t)fresh + (fresh >> 32) + (t->has_pseudo ? from : 0);

    memcpy(p, t->bytes, t->len);
    memcpy(p + ETH_BYTES + (ip4 ? 12 : 8), ip4 ? source.b + 12 : source.b, ip4 ? 4 : 16);
    if (ip4)
        put_sum(p + ETH_BYTES + 10, t->ip_sum + from);
    if (t->has_port) {
        uint16_t port = next_port(f);

        memcpy(p + t->l4, &port, sizeof port);
        sum += port;
    }
    memcpy(&kept, t->bytes + t->l4 + FRESH_AT, sizeof kept);
    fresh |= kept;
    memcpy(p + t->l4 + FRESH_AT, &fresh, sizeof fresh);
    put_sum(p + t->cksum, sum);
}

/* As many of n as there are. */
static uint32_t take(struct rte_mempool *pool, struct rte_mbuf **out, uint32_t n)
{
    uint32_t got = 0;

    if (rte_pktmbuf_alloc_bulk(pool, out, n) == 0)
        return n;
    while (got < n && (out[got] = rte_pktmbuf_alloc(pool)) != NULL)
        got++;
    return got;
}

uint32_t flood_fill(struct flood *f, struct rte_mempool *pool, struct rte_mbuf **out, uint32_t n)
{
    n = take(pool, out, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct flood_template *t = &f->templates[next_kind(f)];
        uint8_t *p = (uint8_t *)rte_pktmbuf_append(out[i], t->len);

        assert(p != NULL);
        if (i + 1 < n)
            rte_prefetch0(rte_pktmbuf_mtod(out[i + 1], void *));
        write_frame(f, t, p);
    }
    return n;
}
