/* Frames from values, with right lengths and checksums unless a lie was asked for. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

/* RFC 1071 in its plainest form; deliberately not the routine that the product uses. */
static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint16_t fold(uint32_t sum) { return (uint16_t) ~((sum & 0xffff) + (sum >> 16)); }

uint16_t th_l4_cksum(const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto, const uint8_t *bytes, size_t len)
{
    bool is4 = sl_ip_is4(src);
    uint8_t tail[8];
    uint32_t sum = 0;

    if (proto != IPPROTO_ICMP) {
        sl_put_u32(tail, (uint32_t)len);
        sl_put_u32(tail + 4, proto);
        sum = sum16(sum, is4 ? src->b + 12 : src->b, is4 ? 4 : 16);
        sum = sum16(sum, is4 ? dst->b + 12 : dst->b, is4 ? 4 : 16);
        sum = sum16(sum, tail, sizeof tail);
    }
    return fold(sum16(sum, bytes, len));
}

struct out {
    uint8_t *p;
    size_t len, room;
};

static uint8_t *put(struct out *o, const void *bytes, size_t len)
{
    uint8_t *at = o->p + o->len;

    if (len > o->room - o->len) {
        fprintf(stderr, "frame of more than %zu bytes\n", o->room);
        abort();
    }
    if (bytes)
        memcpy(at, bytes, len);
    else
        memset(at, 0, len);
    o->len += len;
    return at;
}

static void put8(struct out *o, uint8_t v) { put(o, &v, 1); }

static void put16(struct out *o, uint16_t v)
{
    uint8_t b[2];

    sl_put_u16(b, v);
    put(o, b, sizeof b);
}

static void put32(struct out *o, uint32_t v)
{
    uint8_t b[4];

    sl_put_u32(b, v);
    put(o, b, sizeof b);
}

static void put_arp(struct out *o, const struct th_arp *a)
{
    put16(o, 1);
    put16(o, 0x0800);
    put8(o, 6);
    put8(o, 4);
    put16(o, a->op);
    put(o, a->sha.addr_bytes, 6);
    put(o, a->spa.b + 12, 4);
    put(o, a->tha.addr_bytes, 6);
    put(o, a->tpa.b + 12, 4);
}

static void put_tcp_options(struct out *o, const struct th_tcp *t)
{
    if (t->raw_opts) {
        put(o, t->raw_opts, t->raw_opts_len);
        put(o, NULL, (4 - t->raw_opts_len % 4) % 4);
        return;
    }
    if (t->mss) {
        put16(o, 0x0204);
        put16(o, t->mss);
    }
    if (t->wscale) {
        put32(o, 0x01030300 | (uint32_t)(t->wscale - 1));
    }
    if (t->sack_ok)
        put32(o, 0x01010402);
    if (t->has_ts) {
        put32(o, 0x0101080a);
        put32(o, t->tsval);
        put32(o, t->tsecr);
    }
    if (t->n_sacks) {
        put32(o, 0x01010500 | (2 + 8 * t->n_sacks));
        for (uint32_t i = 0; i < t->n_sacks; i++) {
            put32(o, t->sacks[i][0]);
            put32(o, t->sacks[i][1]);
        }
    }
}

static void put_tcp(struct out *o, const struct th_pkt *p)
{
    const struct th_tcp *t = &p->tcp;
    size_t start = o->len, words;
    uint16_t cksum;

    put16(o, t->sport);
    put16(o, t->dport);
    put32(o, t->seq);
    put32(o, t->ack);
    put16(o, t->flags);
    put16(o, t->wnd);
    put16(o, 0);
    put16(o, t->urg);
    put_tcp_options(o, t);
    words = (o->len - start) / 4;
    if (p->lie.tcp_doff)
        words = p->lie.tcp_doff & 15;
    o->p[start + 12] = (uint8_t)(words << 4);
    if (t->len)
        put(o, t->data, t->len);
    cksum = th_l4_cksum(&p->src, &p->dst, IPPROTO_TCP, o->p + start, o->len - start);
    sl_put_u16(o->p + start + 16, cksum ^ p->lie.l4_cksum);
}

static void put_icmp(struct out *o, const struct th_pkt *p)
{
    size_t start = o->len;
    uint8_t proto = sl_ip_is4(&p->src) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    uint16_t cksum;

    put8(o, p->icmp.type);
    put8(o, p->icmp.code);
    put16(o, 0);
    put32(o, p->icmp.rest);
    if (p->icmp.len)
        put(o, p->icmp.data, p->icmp.len);
    cksum = th_l4_cksum(&p->src, &p->dst, proto, o->p + start, o->len - start);
    sl_put_u16(o->p + start + 2, cksum ^ p->lie.l4_cksum);
}

static void put_l4(struct out *o, const struct th_pkt *p)
{
    if (p->kind == TH_TCP)
        put_tcp(o, p);
    else if (p->kind == TH_ICMP)
        put_icmp(o, p);
    else if (p->payload_len)
        put(o, p->payload, p->payload_len);
}

static uint8_t l4_proto(const struct th_pkt *p)
{
    if (p->kind == TH_TCP)
        return IPPROTO_TCP;
    if (p->kind == TH_ICMP)
        return sl_ip_is4(&p->src) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    return p->proto;
}

static void put_ip4(struct out *o, const struct th_pkt *p)
{
    size_t start = o->len;
    uint32_t hdr = 20 + p->ip_extra_len;
    uint8_t ver = p->lie.ip_version ? p->lie.ip_version : 4, ihl = p->lie.ip_ihl ? p->lie.ip_ihl : (uint8_t)(hdr / 4);

    put8(o, (uint8_t)(ver << 4 | ihl));
    put8(o, p->tos);
    put16(o, 0);
    put16(o, p->ip_id);
    put16(o, p->ip_frag);
    put8(o, p->ttl ? p->ttl : 64);
    put8(o, l4_proto(p));
    put16(o, 0);
    put(o, p->src.b + 12, 4);
    put(o, p->dst.b + 12, 4);
    if (p->ip_extra_len)
        put(o, p->ip_extra, p->ip_extra_len);
    put_l4(o, p);
    sl_put_u16(o->p + start + 2, (uint16_t)((int32_t)(o->len - start) + p->lie.ip_len));
    sl_put_u16(o->p + start + 10, fold(sum16(0, o->p + start, hdr)) ^ p->lie.ip_cksum);
}

static void put_ip6(struct out *o, const struct th_pkt *p)
{
    size_t start = o->len;
    uint8_t ver = p->lie.ip_version ? p->lie.ip_version : 6;
    bool nd = p->kind == TH_ICMP && p->icmp.type >= 133 && p->icmp.type <= 137;

    put32(o, (uint32_t)ver << 28 | (uint32_t)p->tos << 20);
    put16(o, 0);
    put8(o, p->ip_extra_len ? p->ip_extra_first : l4_proto(p));
    put8(o, p->ttl ? p->ttl : nd ? 255 : 64);
    put(o, p->src.b, 16);
    put(o, p->dst.b, 16);
    if (p->ip_extra_len)
        put(o, p->ip_extra, p->ip_extra_len);
    put_l4(o, p);
    sl_put_u16(o->p + start + 4, (uint16_t)((int32_t)(o->len - start - 40) + p->lie.ip_len));
}

size_t th_encode(const struct th_pkt *p, uint8_t *out, size_t room)
{
    struct out o = {out, 0, room};
    bool is_ip = p->kind != TH_OTHER && p->kind != TH_ARP, is4 = sl_ip_is4(&p->src);
    uint16_t type = p->ethertype ? p->ethertype : p->kind == TH_ARP ? 0x0806 : is4 ? 0x0800 : 0x86dd;

    put(&o, p->eth_dst.addr_bytes, 6);
    put(&o, p->eth_src.addr_bytes, 6);
    if (p->vlan) {
        put16(&o, 0x8100);
        put16(&o, p->vlan);
    }
    put16(&o, type);
    if (p->kind == TH_ARP)
        put_arp(&o, &p->arp);
    else if (is_ip && is4)
        put_ip4(&o, p);
    else if (is_ip)
        put_ip6(&o, p);
    else if (p->payload_len)
        put(&o, p->payload, p->payload_len);
    for (uint32_t i = 0; i < p->lie.pad; i++)
        put8(&o, (uint8_t)(0xa5 + i));
    return o.len;
}

struct rte_mbuf *th_frame(struct rte_mempool *pool, const struct th_pkt *p)
{
    uint8_t bytes[TH_FRAME_MAX];
    size_t len = th_encode(p, bytes, sizeof bytes);

    return th_mbuf_exact(pool, bytes, len, 0);
}
