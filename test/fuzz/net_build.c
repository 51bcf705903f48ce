/* See net_build.h. */
#include <arpa/inet.h>

#include "net_build.h"

void build_read(struct sl_cursor *c, struct build *b)
{
    const uint8_t *extra;

    b->what = sl_cursor_u8(c) % BUILD_WHATS;
    b->src = sl_cursor_u8(c) % BUILD_WHOS;
    b->dst = sl_cursor_u8(c) % BUILD_WHOS;
    b->eth = sl_cursor_u8(c) % BUILD_ETHS;
    b->vary = sl_cursor_u8(c) % BUILD_VARIES;
    b->repeat = sl_cursor_u8(c);
    b->trim = sl_cursor_u16(c);
    b->size = sl_cursor_u16(c) % (BUILD_DATA_MAX + 1);
    b->first = sl_cursor_u8(c);
    b->n_extra = sl_cursor_u8(c);
    extra = sl_cursor_take(c, b->n_extra);
    if (extra)
        memcpy(b->extra, extra, b->n_extra);
    b->n_lies = sl_cursor_u8(c) % (BUILD_LIES_MAX + 1);
    for (uint32_t k = 0; k < b->n_lies; k++)
        b->lies[k] = (struct build_lie){.at = sl_cursor_u16(c), .bits = sl_cursor_u8(c)};
    b->n_pieces = sl_cursor_u8(c) % (BUILD_PIECES_MAX + 1);
    for (uint32_t k = 0; k < b->n_pieces; k++) {
        struct build_piece *p = &b->pieces[k];
        uint8_t bits;

        p->id = sl_cursor_u8(c);
        p->off = (uint16_t)(sl_cursor_u16(c) * 8);
        p->len = sl_cursor_u16(c) % (BUILD_DATA_MAX + 1);
        bits = sl_cursor_u8(c);
        p->more = bits & 1;
        p->ecn = bits >> 1 & 3;
    }
}

struct writer {
    uint8_t *p;
    size_t n;
};

static void w8(struct writer *w, uint8_t v) { w->p[w->n++] = v; }
static void w16(struct writer *w, uint16_t v)
{
    sl_put_u16(w->p + w->n, v);
    w->n += 2;
}

size_t build_write(const struct build *b, uint8_t *out)
{
    struct writer w = {.p = out};

    w8(&w, b->what);
    w8(&w, b->src);
    w8(&w, b->dst);
    w8(&w, b->eth);
    w8(&w, b->vary);
    w8(&w, b->repeat);
    w16(&w, b->trim);
    w16(&w, b->size);
    w8(&w, b->first);
    w8(&w, b->n_extra);
    for (uint32_t k = 0; k < b->n_extra; k++)
        w8(&w, b->extra[k]);
    w8(&w, b->n_lies);
    for (uint32_t k = 0; k < b->n_lies; k++) {
        w16(&w, b->lies[k].at);
        w8(&w, b->lies[k].bits);
    }
    w8(&w, b->n_pieces);
    for (uint32_t k = 0; k < b->n_pieces; k++) {
        w8(&w, b->pieces[k].id);
        w16(&w, b->pieces[k].off / 8);
        w16(&w, b->pieces[k].len);
        w8(&w, (uint8_t)(b->pieces[k].ecn << 1 | b->pieces[k].more));
    }
    return w.n;
}

/* ---- who ---- */

static struct sl_ip address(const struct build *b, uint8_t who, uint32_t nth)
{
    static const char *const names[2][2][BUILD_WHOS] = {
        {{"198.18.0.2", "198.18.0.1", "198.19.9.9", "198.18.0.10", "224.0.0.1", "198.18.0.255", "0.0.0.0",
          "198.18.0.77"},
         {"2001:db8:1::2", "2001:db8:1::1", "2001:db8:9::9", "2001:db8:1::10", "ff02::1", "ff02::2",
          "::", "2001:db8:1::77"}},
        {{"198.18.1.2", "198.18.1.1", "198.19.9.9", "198.18.1.10", "224.0.0.1", "198.18.1.255", "0.0.0.0",
          "198.18.1.77"},
         {"2001:db8:2::2", "2001:db8:2::1", "2001:db8:9::9", "2001:db8:2::10", "ff02::1", "ff02::2",
          "::", "2001:db8:2::77"}},
    };
    struct sl_ip ip = th_ip(names[b->back][b->ip6][who]);

    if (b->vary == BUILD_SOURCE) /* another host, or another /64 */
        ip.b[b->ip6 ? 7 : 15] = (uint8_t)(ip.b[b->ip6 ? 7 : 15] + nth);
    return ip;
}

static struct sl_ip plain_address(const struct build *b, uint8_t who)
{
    struct build same = *b;

    same.vary = BUILD_SAME;
    return address(&same, who, 0);
}

static void set_ethernet(const struct build *b, struct th_pkt *p)
{
    p->eth_src = th_mac(2);
    p->eth_dst = th_mac(0x10u + b->back);
    p->vlan = (b->back ? 7 : 0) + (b->eth == BUILD_WRONG_TAG ? 1 : 0);
    if (b->eth == BUILD_TO_ALL)
        memset(p->eth_dst.addr_bytes, 0xff, 6);
    if (b->eth == BUILD_TO_OTHER)
        p->eth_dst = th_mac(99);
    if (b->eth == BUILD_FROM_GROUP)
        p->eth_src.addr_bytes[0] |= 1;
    if (b->eth == BUILD_WRONG_TYPE)
        p->ethertype = 0x88cc;
}

/* ---- what ---- */

static uint8_t data[BUILD_DATA_MAX];

/* A segment that we sent to src, as an error quotes it. */
static void set_quote(const struct build *b, struct th_pkt *p, uint8_t type, uint8_t code, uint32_t rest)
{
    struct th_pkt sent = {.kind = TH_TCP, .src = plain_address(b, BUILD_US), .dst = plain_address(b, BUILD_FAR)};
    static uint8_t frame[BUILD_FRAME_MAX];
    size_t len;

    sent.tcp = (struct th_tcp){.sport = 443, .dport = 40000, .seq = 1, .flags = TH_ACK, .data = data, .len = b->size};
    len = th_encode(&sent, frame, sizeof frame);
    p->kind = TH_ICMP;
    p->icmp = (struct th_icmp){.type = type, .code = code, .rest = rest, .data = frame + 14, .len = (uint32_t)len - 14};
}

static void set_nd(const struct build *b, struct th_pkt *p, uint8_t type)
{
    static uint8_t body[32];
    bool solicit = type == 135;
    struct sl_ip target = solicit ? plain_address(b, BUILD_US) : p->src;

    memset(body, 0, sizeof body);
    memcpy(body, target.b, 16);
    body[16] = solicit ? 1 : 2;
    body[17] = 1;
    memcpy(body + 18, th_mac(2).addr_bytes, 6);
    p->kind = TH_ICMP;
    p->icmp = (struct th_icmp){.type = type, .rest = solicit ? 0 : 0x60000000, .data = body, .len = 24};
}

static void set_arp(struct th_pkt *p, uint16_t op)
{
    struct sl_ip src = p->src, dst = p->dst;

    p->kind = TH_ARP;
    p->arp = (struct th_arp){.op = op, .sha = p->eth_src, .tha = p->eth_dst, .spa = src, .tpa = dst};
}

static void set_what(const struct build *b, struct th_pkt *p)
{
    struct th_icmp ping = {.rest = 1, .data = data, .len = b->size};

    switch (b->what) {
    case BUILD_TCP:
        p->kind = TH_TCP;
        p->tcp = (struct th_tcp){.sport = 40000, .dport = 443, .flags = TH_ACK, .data = data, .len = b->size};
        break;
    case BUILD_UDP:
    case BUILD_GRE:
        p->kind = TH_IP;
        p->proto = b->what == BUILD_UDP ? 17 : 47;
        p->payload = data;
        p->payload_len = b->size;
        break;
    case BUILD_TOO_BIG:
        set_quote(b, p, b->ip6 ? 2 : 3, b->ip6 ? 0 : 4, 1300);
        break;
    case BUILD_UNREACHABLE:
        set_quote(b, p, b->ip6 ? 1 : 3, b->ip6 ? 4 : 3, 0);
        break;
    case BUILD_TIME_EXCEEDED:
        set_quote(b, p, b->ip6 ? 3 : 11, 0, 0);
        break;
    case BUILD_SOLICIT:
    case BUILD_ADVERT:
    case BUILD_ROUTER_ADVERT:
        set_nd(b, p, b->what == BUILD_SOLICIT ? 135 : b->what == BUILD_ADVERT ? 136 : 134);
        break;
    case BUILD_ARP_REQUEST:
    case BUILD_ARP_REPLY:
        set_arp(p, b->what == BUILD_ARP_REQUEST ? 1 : 2);
        break;
    default:
        p->kind = TH_ICMP;
        ping.type = b->what == BUILD_MLD ? 130 : b->what == BUILD_PING ? (b->ip6 ? 128 : 8) : (b->ip6 ? 129 : 0);
        p->icmp = ping;
    }
}

void build_mend(uint8_t *ip, size_t len)
{
    bool is4 = len > 0 && ip[0] >> 4 == 4;
    size_t header = is4 ? (ip[0] & 15u) * 4 : 40, total;
    struct sl_ip src, dst;
    uint8_t proto;

    if (len < (is4 ? 20 : 40) || header < 20 || header > len)
        return;
    src = is4 ? sl_ip_from4(ip + 12) : sl_ip_from6(ip + 8);
    dst = is4 ? sl_ip_from4(ip + 16) : sl_ip_from6(ip + 24);
    if (is4) {
        memset(ip + 10, 0, 2);
        sl_put_u16(ip + 10, th_l4_cksum(&src, &dst, IPPROTO_ICMP, ip, header));
    }
    total = is4 ? (size_t)(ip[2] << 8 | ip[3]) : (size_t)(ip[4] << 8 | ip[5]) + 40;
    proto = ip[is4 ? 9 : 6];
    if (total > len || total < header + 18)
        return;
    if (proto == (is4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
        memset(ip + header + 2, 0, 2);
        sl_put_u16(ip + header + 2, th_l4_cksum(&src, &dst, proto, ip + header, total - header));
    } else if (proto == IPPROTO_TCP) {
        memset(ip + header + 16, 0, 2);
        sl_put_u16(ip + header + 16, th_l4_cksum(&src, &dst, proto, ip + header, total - header));
    }
}

size_t build_frame(const struct build *b, uint32_t nth, uint8_t out[BUILD_FRAME_MAX])
{
    bool arp = b->what == BUILD_ARP_REQUEST || b->what == BUILD_ARP_REPLY;
    struct build as = *b;
    struct th_pkt p = {0};
    size_t len, l3;

    as.ip6 &= !arp;
    set_ethernet(&as, &p);
    p.src = address(&as, b->src, nth);
    p.dst = plain_address(&as, b->dst == BUILD_PEER ? BUILD_US : b->dst);
    set_what(&as, &p);
    if (!arp) {
        p.ip_extra = b->extra;
        p.ip_extra_len = b->ip6 ? b->n_extra : SL_MIN(b->n_extra & ~3u, 40u);
        p.ip_extra_first = b->first;
    }
    len = th_encode(&p, out, BUILD_FRAME_MAX);
    for (uint32_t k = 0; k < b->n_lies; k++)
        if (b->lies[k].at < len)
            out[b->lies[k].at] ^= b->lies[k].bits;
    len -= SL_MIN((size_t)b->trim, len);
    l3 = b->back ? 18 : 14;
    if (b->mend && len > l3)
        build_mend(out + l3, len - l3);
    return len;
}

size_t build_piece(const struct build *b, uint32_t k, uint32_t nth, const uint8_t *frame, size_t len,
                   uint8_t out[BUILD_FRAME_MAX])
{
    const struct build_piece *p = &b->pieces[k];
    uint32_t id = p->id + (b->vary == BUILD_ID ? nth : 0),
             off = p->off + (b->vary == BUILD_OFFSET ? nth * (p->len & ~7u) : 0);
    size_t l3 = b->back ? 18 : 14, n;

    if (len < l3 + 60 || (frame[l3] >> 4 == 4 && (frame[l3] & 15) < 5) || p->len + 150u > BUILD_FRAME_MAX)
        return 0;
    n = th_fragment(frame, len, id, off & 0xffff, p->len, p->more, out, BUILD_FRAME_MAX);
    out[l3 + 1] = (uint8_t)(out[l3 + 1] | p->ecn << (frame[l3] >> 4 == 4 ? 0 : 4));
    if (frame[l3] >> 4 == 4) {
        static const struct sl_ip none;
        size_t header = (out[l3] & 15u) * 4;

        memset(out + l3 + 10, 0, 2);
        sl_put_u16(out + l3 + 10, th_l4_cksum(&none, &none, IPPROTO_ICMP, out + l3, header));
    }
    return n;
}
