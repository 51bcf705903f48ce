/* Whose frame is it? Looks only as far as needed to tell workers apart; the worker's own input checks everything. */
#include "net/internal.h"

#define EXTENSIONS_MAX 8

/* The tuple of an IP packet under the cursor: addresses, then the ports where it is a TCP segment, or what stands for them in a fragment. */
struct tuple {
    struct sl_ip src, dst;
    uint16_t sport, dport;
    uint8_t proto;
    bool fragment;
    uint32_t id;
};

static bool parse_ip4(struct sl_cursor *c, struct tuple *t)
{
    uint8_t version_ihl = sl_cursor_u8(c);
    const uint8_t *src, *dst;

    sl_cursor_skip(c, 3);
    t->id = sl_cursor_u16(c);
    t->fragment = sl_cursor_u16(c) & 0x3fff;
    sl_cursor_skip(c, 1);
    t->proto = sl_cursor_u8(c);
    sl_cursor_skip(c, 2);
    src = sl_cursor_take(c, 4);
    dst = sl_cursor_take(c, 4);
    if (c->bad || version_ihl >> 4 != 4 || (version_ihl & 15) < 5)
        return false;
    sl_cursor_skip(c, ((version_ihl & 15u) - 5) * 4);
    t->src = sl_ip_from4(src);
    t->dst = sl_ip_from4(dst);
    return true;
}

static bool is_extension(uint8_t proto)
{
    return proto == NET_PROTO_HOP_BY_HOP || proto == NET_PROTO_DEST_OPTIONS || proto == NET_PROTO_ROUTING ||
           proto == NET_PROTO_FRAGMENT;
}

static void skip_extension(struct sl_cursor *c, struct tuple *t)
{
    bool is_fragment = t->proto == NET_PROTO_FRAGMENT;

    t->proto = sl_cursor_u8(c);
    if (!is_fragment) {
        sl_cursor_skip(c, sl_cursor_u8(c) * 8u + 6);
        return;
    }
    sl_cursor_skip(c, 1);
    t->fragment = sl_cursor_u16(c) & 0xfff9; /* an atomic fragment is a packet like others */
    t->id = sl_cursor_u32(c);
}

static bool parse_ip6(struct sl_cursor *c, struct tuple *t)
{
    uint8_t version = sl_cursor_u8(c) >> 4;
    const uint8_t *src, *dst;

    sl_cursor_skip(c, 5);
    t->proto = sl_cursor_u8(c);
    sl_cursor_skip(c, 1);
    src = sl_cursor_take(c, 16);
    dst = sl_cursor_take(c, 16);
    if (c->bad || version != 6)
        return false;
    t->src = sl_ip_from6(src);
    t->dst = sl_ip_from6(dst);
    if (sl_ip_is4(&t->src) || sl_ip_is4(&t->dst))
        return false;
    t->fragment = false;
    for (int k = 0; is_extension(t->proto) && !t->fragment; k++) {
        if (k == EXTENSIONS_MAX)
            return false;
        skip_extension(c, t);
    }
    return !c->bad;
}

static bool parse_ip(struct sl_cursor *c, bool is4, struct tuple *t) { return is4 ? parse_ip4(c, t) : parse_ip6(c, t); }

static bool is_icmp_error(bool is4, uint8_t type) { return is4 ? type == 3 || type == 11 || type == 12 : type < 128; }

/* c stands at the IP header. */
static int steer_ip(const struct sl_steer *st, struct sl_cursor c, bool is4)
{
    struct tuple t;
    uint8_t type;

    if (!parse_ip(&c, is4, &t))
        return 0;
    if (t.fragment) /* the first has ports and the others have none: they have to meet all the same */
        return (int)sl_steer_worker(st, &t.dst, (uint16_t)t.id, &t.src, (uint16_t)(t.id >> 16));
    if (t.proto == NET_PROTO_TCP) {
        t.sport = sl_cursor_u16(&c);
        t.dport = sl_cursor_u16(&c);
        return c.bad ? 0 : (int)sl_steer_worker(st, &t.dst, t.dport, &t.src, t.sport);
    }
    if (t.proto != (is4 ? NET_PROTO_ICMP : NET_PROTO_ICMP6))
        return 0;
    type = sl_cursor_u8(&c);
    if (!c.bad && !is4 && (type == 135 || type == 136))
        return SL_STEER_ALL;
    sl_cursor_skip(&c, 7);
    if (c.bad || !is_icmp_error(is4, type) || !parse_ip(&c, is4, &t) || t.fragment || t.proto != NET_PROTO_TCP)
        return 0;
    /* The segment quoted is one that we sent: its answer would come the other way round. */
    t.sport = sl_cursor_u16(&c);
    t.dport = sl_cursor_u16(&c);
    return c.bad ? 0 : (int)sl_steer_worker(st, &t.src, t.sport, &t.dst, t.dport);
}

int sl_steer_frame(const struct sl_steer *st, const struct rte_mbuf *m)
{
    uint8_t store[NET_HEAD_BYTES];
    uint32_t want = SL_MIN(m->pkt_len, (uint32_t)sizeof store);
    const uint8_t *head = rte_pktmbuf_read(m, 0, want, store);
    struct sl_cursor c = sl_cursor_of(head, want);
    uint16_t type;

    sl_cursor_skip(&c, 2 * RTE_ETHER_ADDR_LEN);
    type = sl_cursor_u16(&c);
    if (type == NET_TYPE_VLAN) {
        sl_cursor_skip(&c, 2);
        type = sl_cursor_u16(&c);
    }
    if (c.bad)
        return 0;
    if (type == NET_TYPE_ARP)
        return SL_STEER_ALL;
    return type == NET_TYPE_IP4 || type == NET_TYPE_IP6 ? steer_ip(st, c, type == NET_TYPE_IP4) : 0;
}
