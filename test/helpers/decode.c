/* Frames taken apart, with every length and checksum checked: the tests' own reading of the RFCs, independent of the
 * product's. */
#include <arpa/inet.h>
#include <stdio.h>

#include "helpers/helpers.h"

static const char *decode_arp(struct sl_cursor *c, struct th_pkt *p)
{
    uint64_t fixed = (uint64_t)sl_cursor_u32(c) << 16 | sl_cursor_u16(c);
    const uint8_t *b;

    p->kind = TH_ARP;
    p->arp.op = sl_cursor_u16(c);
    b = sl_cursor_take(c, 20);
    if (!b)
        return "ARP: too short";
    if (fixed != UINT64_C(0x000108000604))
        return "ARP: not IPv4 over Ethernet";
    memcpy(p->arp.sha.addr_bytes, b, 6);
    p->arp.spa = sl_ip_from4(b + 6);
    memcpy(p->arp.tha.addr_bytes, b + 10, 6);
    p->arp.tpa = sl_ip_from4(b + 16);
    return NULL;
}

static const char *decode_sack(struct sl_cursor *o, struct th_tcp *t, uint8_t len)
{
    if (len % 8 || len == 0 || len / 8 > TH_SACKS_MAX)
        return "TCP: SACK option of a wrong length";
    for (t->n_sacks = 0; t->n_sacks < len / 8u; t->n_sacks++) {
        t->sacks[t->n_sacks][0] = sl_cursor_u32(o);
        t->sacks[t->n_sacks][1] = sl_cursor_u32(o);
    }
    return NULL;
}

static const char *decode_option(struct sl_cursor *o, struct th_tcp *t, uint8_t kind, uint8_t len)
{
    bool syn = t->flags & TH_SYN;

    if (kind == 2) {
        t->mss = sl_cursor_u16(o);
        return len != 4 ? "TCP: MSS option of a wrong length" : !syn ? "TCP: MSS option without SYN" : NULL;
    }
    if (kind == 3) {
        t->wscale = (uint8_t)(sl_cursor_u8(o) + 1);
        return len != 3 ? "TCP: window scale option of a wrong length"
               : !syn   ? "TCP: window scale option without SYN"
                        : NULL;
    }
    if (kind == 4) {
        t->sack_ok = true;
        return len != 2 ? "TCP: SACK-permitted option of a wrong length"
               : !syn   ? "TCP: SACK-permitted option without SYN"
                        : NULL;
    }
    if (kind == 5)
        return decode_sack(o, t, (uint8_t)(len - 2));
    if (kind == 8) {
        t->has_ts = true;
        t->tsval = sl_cursor_u32(o);
        t->tsecr = sl_cursor_u32(o);
        return len != 10 ? "TCP: timestamp option of a wrong length" : NULL;
    }
    sl_cursor_skip(o, len - 2u);
    return NULL;
}

static const char *decode_options(struct sl_cursor o, struct th_tcp *t)
{
    while (sl_cursor_left(&o)) {
        uint8_t kind = sl_cursor_u8(&o), len;
        const char *why;

        if (kind == 0)
            return NULL;
        if (kind == 1)
            continue;
        len = sl_cursor_u8(&o);
        if (o.bad || len < 2 || len - 2u > sl_cursor_left(&o))
            return "TCP: option length";
        why = decode_option(&o, t, kind, len);
        if (why)
            return why;
    }
    return NULL;
}

static const char *decode_tcp(struct sl_cursor *c, struct th_pkt *p)
{
    const uint8_t *start = c->p;
    size_t len = sl_cursor_left(c);
    struct th_tcp *t = &p->tcp;
    uint16_t offset_flags;
    uint32_t hdr;
    const char *why;

    p->kind = TH_TCP;
    *t = (struct th_tcp){.sport = sl_cursor_u16(c), .dport = sl_cursor_u16(c)};
    t->seq = sl_cursor_u32(c);
    t->ack = sl_cursor_u32(c);
    offset_flags = sl_cursor_u16(c);
    t->flags = (uint8_t)offset_flags;
    t->wnd = sl_cursor_u16(c);
    sl_cursor_skip(c, 2);
    t->urg = sl_cursor_u16(c);
    hdr = (uint32_t)(offset_flags >> 12) * 4;
    if (c->bad || hdr < 20 || hdr > len)
        return "TCP: data offset";
    if (offset_flags & 0x0e00)
        return "TCP: reserved bits are set";
    if (th_l4_cksum(&p->src, &p->dst, IPPROTO_TCP, start, len))
        return "TCP: checksum";
    t->raw_opts = c->p;
    t->raw_opts_len = hdr - 20;
    why = decode_options(sl_cursor_sub(c, hdr - 20), t);
    t->len = (uint32_t)sl_cursor_left(c);
    t->data = sl_cursor_take(c, t->len);
    return why;
}

static const char *decode_icmp(struct sl_cursor *c, struct th_pkt *p)
{
    const uint8_t *start = c->p;
    size_t len = sl_cursor_left(c);

    p->kind = TH_ICMP;
    if (len < 8)
        return "ICMP: too short";
    if (th_l4_cksum(&p->src, &p->dst, p->proto, start, len))
        return "ICMP: checksum";
    p->icmp.type = sl_cursor_u8(c);
    p->icmp.code = sl_cursor_u8(c);
    sl_cursor_skip(c, 2);
    p->icmp.rest = sl_cursor_u32(c);
    p->icmp.len = (uint32_t)sl_cursor_left(c);
    p->icmp.data = sl_cursor_take(c, p->icmp.len);
    return NULL;
}

static const char *decode_l4(struct sl_cursor *c, struct th_pkt *p)
{
    if (p->proto == IPPROTO_TCP)
        return decode_tcp(c, p);
    if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
        return decode_icmp(c, p);
    p->kind = TH_IP;
    p->payload_len = (uint32_t)sl_cursor_left(c);
    p->payload = sl_cursor_take(c, p->payload_len);
    return NULL;
}

static const char *decode_ip4(struct sl_cursor *c, struct th_pkt *p)
{
    const uint8_t *start = c->p;
    uint32_t left = (uint32_t)sl_cursor_left(c), hdr, total;
    struct sl_ip none = {0};

    if (left < 20)
        return "IPv4: too short";
    hdr = (start[0] & 15u) * 4;
    p->tos = start[1];
    total = (uint32_t)start[2] << 8 | start[3];
    p->ip_id = (uint16_t)(start[4] << 8 | start[5]);
    p->ip_frag = (uint16_t)(start[6] << 8 | start[7]);
    p->ttl = start[8];
    p->proto = start[9];
    p->src = sl_ip_from4(start + 12);
    p->dst = sl_ip_from4(start + 16);
    if (start[0] >> 4 != 4 || hdr < 20 || hdr > total || total > left)
        return "IPv4: version or lengths";
    /* An ICMP-style sum has no pseudo header, which is all that an IPv4 header's own checksum needs. */
    if (th_l4_cksum(&none, &none, IPPROTO_ICMP, start, hdr))
        return "IPv4: header checksum";
    p->ip_extra = start + 20;
    p->ip_extra_len = hdr - 20;
    *c = sl_cursor_of(start + hdr, total - hdr);
    p->lie.pad = left - total;
    if (p->ip_frag & 0x3fff)
        p->proto = 0;
    return decode_l4(c, p);
}

static const char *decode_ip6(struct sl_cursor *c, struct th_pkt *p)
{
    const uint8_t *start = c->p;
    uint32_t left = (uint32_t)sl_cursor_left(c), len;

    if (left < 40)
        return "IPv6: too short";
    len = (uint32_t)start[4] << 8 | start[5];
    p->tos = (uint8_t)(start[0] << 4 | start[1] >> 4);
    p->proto = start[6];
    p->ttl = start[7];
    p->src = sl_ip_from6(start + 8);
    p->dst = sl_ip_from6(start + 24);
    if (start[0] >> 4 != 6 || len > left - 40)
        return "IPv6: version or lengths";
    *c = sl_cursor_of(start + 40, len);
    p->lie.pad = left - 40 - len;
    return decode_l4(c, p);
}

const char *th_decode(const uint8_t *bytes, size_t len, struct th_pkt *p)
{
    struct sl_cursor c = sl_cursor_of(bytes, len);
    const uint8_t *macs = sl_cursor_take(&c, 12);

    *p = (struct th_pkt){.kind = TH_OTHER};
    p->ethertype = sl_cursor_u16(&c);
    if (p->ethertype == 0x8100) {
        p->vlan = sl_cursor_u16(&c) & 0xfff;
        p->ethertype = sl_cursor_u16(&c);
    }
    if (c.bad)
        return "Ethernet: too short";
    memcpy(p->eth_dst.addr_bytes, macs, 6);
    memcpy(p->eth_src.addr_bytes, macs + 6, 6);
    if (p->ethertype == 0x0806)
        return decode_arp(&c, p);
    if (p->ethertype == 0x0800)
        return decode_ip4(&c, p);
    if (p->ethertype == 0x86dd)
        return decode_ip6(&c, p);
    p->payload_len = (uint32_t)sl_cursor_left(&c);
    p->payload = sl_cursor_take(&c, p->payload_len);
    return NULL;
}

static int describe_options(const struct th_tcp *t, char *out, size_t size)
{
    int n = 0;

    out[0] = '\0';
    if (t->mss)
        n += snprintf(out + n, size - (size_t)n, " mss %u", t->mss);
    if (t->wscale)
        n += snprintf(out + n, size - (size_t)n, " wscale %u", t->wscale - 1);
    if (t->sack_ok)
        n += snprintf(out + n, size - (size_t)n, " sackOK");
    if (t->has_ts)
        n += snprintf(out + n, size - (size_t)n, " ts %u,%u", t->tsval, t->tsecr);
    for (uint32_t i = 0; i < t->n_sacks; i++)
        n += snprintf(out + n, size - (size_t)n, " sack %u-%u", t->sacks[i][0], t->sacks[i][1]);
    return n;
}

const char *th_describe(const struct th_pkt *p, char *out, size_t size_bytes)
{
    static const char letters[] = "FSRPAUEC";
    char src[SL_IP_TEXT_MAX], dst[SL_IP_TEXT_MAX], flags[9], options[256];
    bool is4 = sl_ip_is4(&p->src);
    size_t n = 0;

    inet_ntop(is4 ? AF_INET : AF_INET6, is4 ? p->src.b + 12 : p->src.b, src, sizeof src);
    inet_ntop(is4 ? AF_INET : AF_INET6, is4 ? p->dst.b + 12 : p->dst.b, dst, sizeof dst);
    if (p->kind == TH_TCP) {
        for (unsigned i = 0; i < 8; i++)
            if (p->tcp.flags & 1u << i)
                flags[n++] = letters[i];
        flags[n] = '\0';
        describe_options(&p->tcp, options, sizeof options);
        snprintf(out, size_bytes, "%s:%u > %s:%u [%s] seq %u ack %u wnd %u len %u%s", src, p->tcp.sport, dst,
                 p->tcp.dport, flags, p->tcp.seq, p->tcp.ack, p->tcp.wnd, p->tcp.len, options);
    } else if (p->kind == TH_ICMP) {
        snprintf(out, size_bytes, "%s > %s ICMP type %u code %u len %u", src, dst, p->icmp.type, p->icmp.code,
                 p->icmp.len);
    } else if (p->kind == TH_ARP) {
        snprintf(out, size_bytes, "ARP op %u for .%u from .%u", p->arp.op, p->arp.tpa.b[15], p->arp.spa.b[15]);
    } else {
        snprintf(out, size_bytes, "ethertype 0x%04x protocol %u len %u", p->ethertype, p->proto, p->payload_len);
    }
    return out;
}
