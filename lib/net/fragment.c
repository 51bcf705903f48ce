/* Reassembly (RFC 791, RFC 1122 3.3.2, RFC 8200 4.5), bounded in datagrams, fragments, bytes and time. What breaks a rule takes its whole datagram with it, silently
 * (RFC 5722): nobody guesses which of two bytes was meant. Only an exact duplicate is passed over, because networks do make them. When there is no room the oldest datagram
 * gives way, so that a flood of first fragments leaves each newcomer some time. */
#include "net/internal.h"

/* RFC 791's own value: at today's speeds an identification comes again soon (RFC 4963), and what is late is lost (RFC 8900). */
#define KEEP4_NS (15 * SL_NS_PER_S)
#define KEEP6_NS (60 * SL_NS_PER_S) /* RFC 8200 4.5 */
#define DATAGRAM_MAX 65535
#define ICMP6_FIRST_ND 133
#define ICMP6_LAST_ND 137

enum { NOT_ECT = 1 << 0, CE = 1 << 3 }; /* of ecn_seen */
enum { TIME_EXCEEDED4 = 11, TIME_EXCEEDED6 = 3, OF_REASSEMBLY = 1, PROBLEM6 = 4, IN_FIELD = 0, IN_FIRST_FRAGMENT = 3 };

static uint32_t weight(const struct rte_mbuf *m)
{
    uint32_t sum = 0;

    for (; m; m = m->next)
        sum += SL_MAX(m->buf_len, m->data_len);
    return sum;
}

static uint32_t end_of(const struct net_piece *p) { return (uint32_t)p->off + p->len; }

/* ---- the table ---- */

static void drop_pieces(struct sl_net *net, struct net_datagram *d, enum sl_drop why)
{
    for (uint32_t k = 0; k < d->n_pieces; k++) {
        rte_pktmbuf_free(d->pieces[k].m);
        sl_stat_drop(net->stats, why);
    }
    net->fragments.held_bytes -= d->held_bytes;
    sl_stat_sub(net->stats, SL_CTR_NET_FRAGMENT_BYTES, d->held_bytes);
    d->n_pieces = 0;
    d->held_bytes = 0;
}

/* What still comes of the datagram is dropped as well, until its time is over. */
static int kill(struct sl_net *net, struct net_datagram *d, enum sl_drop why)
{
    drop_pieces(net, d, why);
    d->dead = true;
    return (int)why;
}

static void forget(struct sl_net *net, struct net_datagram *d, enum sl_drop why)
{
    drop_pieces(net, d, why);
    sl_fifo_stop(&d->timer);
    d->used = false;
    net->fragments.tags[d - net->fragments.datagrams] = 0;
    sl_stat_sub(net->stats, SL_CTR_NET_DATAGRAMS, 1);
}

static struct net_datagram *of_timer(struct sl_timer *t) { return sl_container_of(t, struct net_datagram, timer); }

static uint64_t born(const struct sl_fifo *by_age)
{
    return sl_list_empty(&by_age->list) ? SL_NEVER : sl_fifo_next(by_age) - by_age->duration_ns;
}

static struct net_datagram *oldest(struct sl_net *net)
{
    struct sl_fifo *four = &net->fragments.by_age[0], *six = &net->fragments.by_age[1],
                   *from = born(four) <= born(six) ? four : six;

    return sl_list_empty(&from->list) ? NULL : of_timer(sl_container_of(from->list.next, struct sl_timer, link));
}

static bool same_source(const struct sl_ip *a, const struct sl_ip *b)
{
    return sl_ip_is4(a) || sl_ip_is4(b) ? sl_ip_equal(a, b) : memcmp(a->b, b->b, 8) == 0;
}

/* A source that has its share loses its own oldest datagram, nobody else's. */
static void hold_to_share(struct sl_net *net, const struct sl_ip *src)
{
    struct net_datagram *first = NULL;
    uint32_t n = 0;

    for (struct net_datagram *d = net->fragments.datagrams; d < net->fragments.datagrams + NET_DATAGRAMS_MAX; d++) {
        if (!d->used || !same_source(&d->src, src))
            continue;
        n++;
        if (!first || d->timer.at_ns < first->timer.at_ns)
            first = d;
    }
    if (n >= NET_DATAGRAMS_SOURCE)
        forget(net, first, SL_DROP_FRAG_SOURCE);
}

static uint32_t tag_of(const struct net_frame *f, uint8_t proto)
{
    struct {
        struct sl_ip src, dst;
        uint32_t id;
        uint8_t proto, iface, none[2];
    } key = {.src = f->src, .dst = f->dst, .id = f->fragment.id, .proto = proto, .iface = f->iface->index};

    return (uint32_t)sl_siphash(&f->net->hash_key, &key, sizeof key) | 1; /* 0 is a free place */
}

static struct net_datagram *find(struct net_frame *f, uint32_t tag, uint8_t proto)
{
    for (uint32_t k = 0; k < NET_DATAGRAMS_MAX; k++) {
        struct net_datagram *d = &f->net->fragments.datagrams[k];

        if (f->net->fragments.tags[k] == tag && d->id == f->fragment.id && d->proto == proto &&
            d->iface == f->iface->index && sl_ip_equal(&d->src, &f->src) && sl_ip_equal(&d->dst, &f->dst))
            return d;
    }
    return NULL;
}

static struct net_datagram *create(struct net_frame *f, uint32_t tag, uint8_t proto)
{
    struct net_fragments *t = &f->net->fragments;
    uint32_t k = 0;

    hold_to_share(f->net, &f->src);
    while (k < NET_DATAGRAMS_MAX && t->tags[k])
        k++;
    if (k == NET_DATAGRAMS_MAX) {
        struct net_datagram *d = oldest(f->net);

        k = (uint32_t)(d - t->datagrams);
        forget(f->net, d, SL_DROP_FRAG_EVICTED);
    }
    t->tags[k] = tag;
    memset(&t->datagrams[k], 0, offsetof(struct net_datagram, timer));
    t->datagrams[k].src = f->src;
    t->datagrams[k].dst = f->dst;
    t->datagrams[k].id = f->fragment.id;
    t->datagrams[k].proto = proto;
    t->datagrams[k].iface = f->iface->index;
    t->datagrams[k].used = true;
    sl_fifo_start(&t->by_age[!sl_ip_is4(&f->src)], &t->datagrams[k].timer, f->now);
    sl_stat_inc(f->net->stats, SL_CTR_NET_DATAGRAMS);
    return &t->datagrams[k];
}

/* Room for the bytes of a fragment of d, which may be the oldest itself. */
static bool make_room(struct sl_net *net, const struct net_datagram *d, uint32_t bytes)
{
    while (net->fragments.held_bytes + bytes > net->fragments.max_bytes) {
        struct net_datagram *victim = oldest(net);

        if (victim == d)
            return false;
        forget(net, victim, SL_DROP_FRAG_EVICTED);
    }
    return true;
}

/* ---- what a fragment may look like, before any memory is spent on it ---- */

/* About TCP only: no error answers an error. */
static void problem6(struct net_frame *f, uint8_t code, uint32_t at)
{
    if (!sl_ip_is4(&f->src) && f->fragment.next == NET_PROTO_TCP)
        net_icmp_error(f, PROBLEM6, code, at);
}

static bool is_served(const struct net_frame *f, uint8_t proto)
{
    if (proto == NET_PROTO_TCP || proto == (sl_ip_is4(&f->src) ? NET_PROTO_ICMP : NET_PROTO_ICMP6))
        return true;
    /* Later fragments of IPv6 name only the first of the headers that their first one holds. */
    return f->fragment.off && !sl_ip_is4(&f->src) && (proto == NET_PROTO_DEST_OPTIONS || proto == NET_PROTO_ROUTING);
}

static int check_addressing(const struct net_frame *f, uint8_t proto)
{
    if (f->src_none || f->src_ours)
        return SL_DROP_IP6_SOURCE;
    if (f->dst_group)
        return SL_DROP_IP6_GROUP;
    if (f->eth_group)
        return SL_DROP_ETH_GROUP;
    return is_served(f, proto) ? NET_DONE : SL_DROP_FRAG_PROTO;
}

/* The first fragment holds the whole of TCP's fixed header or of ICMP's, and no other begins within it (RFC 1858, 3128, 7112). */
static int check_first(struct net_frame *f, uint8_t proto)
{
    uint32_t header = proto == NET_PROTO_TCP ? NET_TCP_BYTES : NET_ICMP_BYTES;
    struct sl_cursor c = net_frame_at(f, f->l4_off);
    uint8_t type;

    if (f->fragment.off)
        return proto == NET_PROTO_TCP && f->fragment.off < NET_TCP_BYTES ? SL_DROP_FRAG_TINY : NET_DONE;
    type = sl_cursor_u8(&c);
    if (c.bad || f->end - f->l4_off < header) {
        problem6(f, IN_FIRST_FRAGMENT, 0);
        return sl_ip_is4(&f->src) ? SL_DROP_FRAG_TINY : SL_DROP_FRAG_HEADERS;
    }
    if (proto == NET_PROTO_ICMP6 && type >= ICMP6_FIRST_ND && type <= ICMP6_LAST_ND)
        return SL_DROP_ND_FRAGMENT;
    return NET_DONE;
}

static int check_length(struct net_frame *f)
{
    uint32_t len = f->end - f->fragment.skip, l3 = sl_ip_is4(&f->src) ? NET_IP4_BYTES : 0;

    if (len == 0)
        return SL_DROP_FRAG_EMPTY;
    if (f->fragment.more && len % 8) {
        problem6(f, IN_FIELD, 4); /* the payload length */
        return SL_DROP_FRAG_UNALIGNED;
    }
    if (l3 + f->fragment.off + len > DATAGRAM_MAX) {
        problem6(f, IN_FIELD, f->fragment.skip - NET_FRAGMENT_BYTES6 + 2 - f->l3_off); /* the offset */
        return SL_DROP_FRAG_TOO_LONG;
    }
    return f->fragment.more && len < NET_FRAGMENT_MIN ? SL_DROP_FRAG_TINY : NET_DONE;
}

/* ---- one more piece ---- */

static bool end_agrees(const struct net_datagram *d, uint32_t end, bool more)
{
    if (more)
        return !d->total || end < d->total;
    if (d->total)
        return end == d->total;
    return !d->n_pieces || end_of(&d->pieces[d->n_pieces - 1]) <= end;
}

/* Puts the fragment in its place among the pieces. */
static int insert(struct net_frame *f, struct net_datagram *d)
{
    struct net_piece p = {.m = f->m,
                          .off = f->fragment.off,
                          .len = (uint16_t)(f->end - f->fragment.skip),
                          .skip = (uint16_t)f->fragment.skip},
                     *at = d->pieces + d->n_pieces;
    uint32_t bytes = weight(f->m);

    if (!end_agrees(d, end_of(&p), f->fragment.more))
        return kill(f->net, d, SL_DROP_FRAG_END);
    while (at > d->pieces && at[-1].off >= p.off)
        at--;
    if (at < d->pieces + d->n_pieces && at->off == p.off && at->len == p.len &&
        net_same_bytes(at->m, at->skip, p.m, p.skip, p.len))
        return SL_DROP_FRAG_DUPLICATE;
    if ((at > d->pieces && end_of(&at[-1]) > p.off) || (at < d->pieces + d->n_pieces && end_of(&p) > at->off))
        return kill(f->net, d, SL_DROP_FRAG_OVERLAP);
    if (d->n_pieces == NET_FRAGMENTS_MAX)
        return kill(f->net, d, SL_DROP_FRAG_MANY);
    if (!make_room(f->net, d, bytes))
        return kill(f->net, d, SL_DROP_FRAG_EVICTED);
    memmove(at + 1, at, (size_t)(d->pieces + d->n_pieces - at) * sizeof *at);
    *at = p;
    d->n_pieces++;
    d->got += p.len;
    d->held_bytes += bytes;
    f->net->fragments.held_bytes += bytes;
    sl_stat_add(f->net->stats, SL_CTR_NET_FRAGMENT_BYTES, bytes);
    sl_stat_inc(f->net->stats, SL_CTR_NET_FRAGMENTS);
    return NET_TAKEN;
}

static void note(const struct net_frame *f, struct net_datagram *d, uint8_t proto)
{
    d->ecn_seen |= (uint8_t)(1u << f->ecn);
    if (!f->fragment.more)
        d->total = f->fragment.off + f->end - f->fragment.skip;
    if (f->fragment.off)
        return;
    d->l3_off = (uint16_t)f->l3_off;
    d->next_off = (uint16_t)f->fragment.next_off;
    d->next = f->fragment.next;
    d->is_tcp = proto == NET_PROTO_TCP;
}

/* ---- the whole ---- */

/* The first fragment's headers as those of the datagram: no trace of fragments is left. RFC 3168 5.3: congestion that any fragment met was met by all. */
static void mend_headers(const struct net_datagram *d, uint8_t *head, uint32_t len)
{
    uint8_t *ip = head + d->l3_off;
    bool is4 = sl_ip_is4(&d->src), ce = d->ecn_seen & CE;
    uint32_t l3 = len - d->l3_off;
    uint16_t ck;

    if (!is4) {
        sl_put_u16(ip + 4, (uint16_t)(l3 - NET_IP6_BYTES + d->total));
        head[d->next_off] = d->next;
        ip[1] |= ce ? 0x30 : 0;
        return;
    }
    ip[1] |= ce ? 3 : 0;
    sl_put_u16(ip + 2, (uint16_t)(l3 + d->total));
    memset(ip + 6, 0, 2);
    memset(ip + 10, 0, 2);
    ck = sl_cksum_fold(sl_cksum_add(0, ip, l3));
    memcpy(ip + 10, &ck, 2);
}

/* A new first segment for the headers; NULL (counted) when there is no mbuf. */
static struct rte_mbuf *copy_headers(struct sl_net *net, const struct net_datagram *d)
{
    const struct net_piece *first = &d->pieces[0];
    uint32_t len = first->skip - (sl_ip_is4(&d->src) ? 0u : NET_FRAGMENT_BYTES6);
    struct rte_mbuf *m = net_new(net, len);
    uint8_t *to;
    const uint8_t *from;

    if (!m)
        return NULL;
    to = rte_pktmbuf_mtod(m, uint8_t *);
    from = rte_pktmbuf_read(first->m, 0, len, to);
    if (from != to)
        memcpy(to, from, len);
    mend_headers(d, to, len);
    m->ol_flags |= first->m->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
    m->vlan_tci = first->m->vlan_tci;
    return m;
}

static void append(struct rte_mbuf *m, struct rte_mbuf **tail, struct net_piece *p)
{
    struct rte_mbuf *piece;

    net_cut_back(p->m, (uint32_t)p->skip + p->len);
    piece = net_cut_front(p->m, p->skip);
    (*tail)->next = piece;
    *tail = rte_pktmbuf_lastseg(piece);
    m->nb_segs = (uint16_t)(m->nb_segs + piece->nb_segs);
    m->pkt_len += piece->pkt_len;
}

static int check_whole(const struct net_datagram *d)
{
    uint32_t l3 = d->pieces[0].skip - d->l3_off;

    if (!sl_ip_is4(&d->src))
        l3 -= NET_IP6_BYTES + NET_FRAGMENT_BYTES6; /* there the length is the payload's */
    if (l3 + d->total > DATAGRAM_MAX)
        return SL_DROP_FRAG_TOO_LONG;
    return (d->ecn_seen & (CE | NOT_ECT)) == (CE | NOT_ECT) ? SL_DROP_FRAG_ECN : NET_DONE;
}

/* All is there: the last fragment that came is among the pieces. */
static int complete(struct net_frame *f, struct net_datagram *d)
{
    int why = check_whole(d);
    struct rte_mbuf *m, *tail;

    if (why != NET_DONE) {
        forget(f->net, d, (enum sl_drop)why);
        return NET_TAKEN;
    }
    m = copy_headers(f->net, d);
    if (!m) {
        forget(f->net, d, SL_DROP_NO_MBUF);
        return NET_TAKEN;
    }
    tail = m;
    for (uint32_t k = 0; k < d->n_pieces; k++)
        append(m, &tail, &d->pieces[k]);
    d->n_pieces = 0; /* they are in the chain */
    forget(f->net, d, SL_DROP_FRAG_EVICTED);
    sl_stat_inc(f->net->stats, SL_CTR_NET_REASSEMBLED);
    f->m = m;
    return NET_WHOLE;
}

int net_fragment_input(struct net_frame *f, uint8_t proto)
{
    uint8_t named = sl_ip_is4(&f->src) ? proto : 0;
    struct net_datagram *d;
    uint32_t tag;
    int why = check_addressing(f, proto);

    f->alone = true;
    if (why == NET_DONE)
        why = check_length(f);
    if (why == NET_DONE)
        why = check_first(f, proto);
    if (why != NET_DONE)
        return why;
    tag = tag_of(f, named);
    d = find(f, tag, named);
    if (!d)
        d = create(f, tag, named);
    if (d->dead)
        return SL_DROP_FRAG_DEAD;
    why = insert(f, d);
    if (why != NET_TAKEN)
        return why;
    note(f, d, proto);
    return d->total && d->got == d->total ? complete(f, d) : NET_TAKEN;
}

/* ---- time ---- */

/* RFC 792 and RFC 4443 3.3: when the first fragment is here, whoever sent it is told, at the rate of all errors; about TCP only. */
static void tell_sender(struct sl_net *net, const struct net_datagram *d, uint64_t now)
{
    const struct net_piece *first = &d->pieces[0];
    struct net_frame f;

    if (!d->n_pieces || first->off || !d->is_tcp)
        return;
    memset(&f, 0, sizeof f);
    f.net = net;
    f.iface = &net->ifaces[d->iface];
    f.m = first->m;
    f.now = now;
    f.src = d->src;
    f.dst = d->dst;
    f.l3_off = d->l3_off;
    f.end = (uint32_t)first->skip + first->len;
    f.alone = true;
    memcpy(f.eth_src.addr_bytes, rte_pktmbuf_read(first->m, RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN, f.store),
           RTE_ETHER_ADDR_LEN);
    net_icmp_error(&f, sl_ip_is4(&d->src) ? TIME_EXCEEDED4 : TIME_EXCEEDED6, OF_REASSEMBLY, 0);
}

void net_fragment_timers(struct sl_net *net, uint64_t now)
{
    for (int k = 0; k < 2; k++) {
        struct sl_timer *t;

        while ((t = sl_fifo_pop_due(&net->fragments.by_age[k], now)) != NULL) {
            tell_sender(net, of_timer(t), now);
            forget(net, of_timer(t), SL_DROP_FRAG_TIMEOUT);
        }
    }
}

uint64_t net_fragment_next(const struct sl_net *net)
{
    return SL_MIN(sl_fifo_next(&net->fragments.by_age[0]), sl_fifo_next(&net->fragments.by_age[1]));
}

void net_fragment_init(struct sl_net *net, uint32_t max_bytes)
{
    net->fragments.max_bytes = max_bytes ? max_bytes : NET_FRAGMENT_BYTES;
    sl_fifo_init(&net->fragments.by_age[0], KEEP4_NS);
    sl_fifo_init(&net->fragments.by_age[1], KEEP6_NS);
    for (uint32_t k = 0; k < NET_DATAGRAMS_MAX; k++)
        sl_timer_init(&net->fragments.datagrams[k].timer);
}

void net_fragment_free_all(struct sl_net *net)
{
    for (uint32_t k = 0; k < NET_DATAGRAMS_MAX; k++)
        if (net->fragments.datagrams[k].used)
            forget(net, &net->fragments.datagrams[k], SL_DROP_FRAG_EVICTED);
}
