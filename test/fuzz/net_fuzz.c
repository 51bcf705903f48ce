/* Any frames, in any order, in time, while we send as well: no byte read too far, every frame accounted for, and what goes out is well-formed.
 *
 * The input is a list of steps. A step begins with a byte of flags:
 *   FRAME  length (2 bytes), two cuts (1 byte each), then the bytes: one frame comes in
 *   BUILD  see net_build.h: a packet of a grammar comes in, or its pieces, once or several times
 *   TIME   a shift (1 byte): the clock goes on by 2^shift nanoseconds at most; with AGAIN net is made anew, otherwise set up
 *   EMIT   peer (1 byte): a segment goes out to one of 256 peers or to a far one
 */
#include <stdlib.h>

#include "net/net.h"
#include "net_fuzz.h"

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

enum {
    KIND = FUZZ_KIND,
    BACK = FUZZ_BACK,
    WITH_ETHERNET = 8, /* a good Ethernet header is put before the bytes: IPv4, IPv6 by their version, ARP otherwise */
    MEND = FUZZ_MEND,  /* checksums are made right */
    SUMS_GOOD = 32,    /* the device has checked IP and TCP sums */
    IP6 = FUZZ_IP6,    /* EMIT, BUILD: family */
    AGAIN = FUZZ_IP6,  /* TIME */
    CONFIRM = 128,     /* EMIT: TCP made progress */
};

#define FRAME_MAX 2000
#define DATAGRAM_MAX 70000

uint64_t net_fuzz_drops[SL_DROP_COUNT];

static struct rte_mempool *frames, *pool;
static struct sl_steer steer;

struct run {
    struct sl_net *net;
    struct sl_stats stats;
    struct sl_net_batch batch;
    uint64_t now;
    bool steered;
    uint32_t worker;
};

static void set_up(void)
{
    uint8_t key[40];

    for (size_t k = 0; k < sizeof key; k++)
        key[k] = (uint8_t)(k * 37 + 11);
    frames = th_pool("fuzz_frames", 16383, 0);
    pool = th_pool("fuzz_pool", 4095, 2048);
    MUST(sl_steer_init(&steer, key, sizeof key, NULL, 0, 5) == 0);
}

/* setup: bits of how this worker is set up; 0: alone, and it answers. */
static void open_net(struct run *r, uint8_t setup)
{
    struct sl_net_iface_conf ifaces[2] = {
        {.name = "front",
         .mac = th_mac(0x10),
         .mtu = 1500,
         .n_addrs = 2,
         .gateway4 = th_ip("198.18.0.1"),
         .gateway6 = th_ip("2001:db8:1::1")},
        {.name = "back", .mac = th_mac(0x11), .mtu = 1500, .vlan = 7, .n_addrs = 2},
    };
    struct sl_net_params params = {.ifaces = ifaces,
                                   .n_ifaces = 2,
                                   .answers = !(setup & FUZZ_SILENT),
                                   .pool = pool,
                                   .stats = &r->stats,
                                   .seed = 1};

    ifaces[0].addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    ifaces[0].addrs[1] = (struct sl_net_addr){th_ip("2001:db8:1::10"), 64};
    ifaces[1].addrs[0] = (struct sl_net_addr){th_ip("198.18.1.10"), 24};
    ifaces[1].addrs[1] = (struct sl_net_addr){th_ip("2001:db8:2::10"), 64};
    r->steered = setup & FUZZ_STEERED;
    r->worker = setup >> 4 & 3;
    params.steer = r->steered ? &steer : NULL;
    params.worker = r->worker;
    params.fragment_bytes = setup & FUZZ_NARROW ? 2048 : 0;
    MUST(sl_net_create(&params, &r->net, NULL) == 0);
}

static void check_batch(struct run *r)
{
    static uint8_t bytes[DATAGRAM_MAX];

    for (uint32_t k = 0; k < r->batch.n_segs; k++) {
        const struct sl_net_seg *s = &r->batch.segs[k];
        uint32_t header = (rte_pktmbuf_mtod(s->mbuf, const uint8_t *)[12] >> 4) * 4u;

        MUST(s->mbuf->data_len >= 20 && s->mbuf->data_len >= SL_MIN(header, s->mbuf->pkt_len));
        MUST(th_mbuf_bytes(s->mbuf, bytes, sizeof bytes) == s->mbuf->pkt_len);
        MUST(sl_net_is_local(r->net, &s->local, NULL) && !sl_net_is_local(r->net, &s->remote, NULL));
        MUST(sl_ip_is4(&s->local) == sl_ip_is4(&s->remote));
        rte_pktmbuf_free(s->mbuf);
    }
    for (uint32_t k = 0; k < r->batch.n_errs; k++)
        MUST(sl_net_is_local(r->net, &r->batch.errs[k].local, NULL));
    r->batch.n_segs = r->batch.n_errs = 0;
}

static void check_output(struct run *r)
{
    uint8_t bytes[2 * FRAME_MAX];
    struct rte_mbuf *m;
    struct th_pkt p;

    for (uint8_t iface = 0; iface < 2; iface++) {
        while (sl_net_tx(r->net, iface, &m, 1)) {
            size_t len;

            sl_net_finish(m);
            len = th_mbuf_bytes(m, bytes, sizeof bytes);
            MUST(len > 0 && len <= 1500 + 18);
            MUST(th_decode(bytes, len, &p) == NULL);
            MUST(p.vlan == (iface ? 7 : 0));
            rte_pktmbuf_free(m);
        }
    }
}

/* What this worker made whole and another one owns: it may not be ours, and to its owner it is a frame like others. */
static void check_strays(struct run *r)
{
    struct rte_mbuf *m;

    for (uint8_t iface = 0; iface < 2; iface++) {
        while (sl_net_strays(r->net, iface, &m, 1)) {
            int owner = sl_steer_frame(&steer, m);

            MUST(r->steered && owner >= 0 && owner != (int)r->worker);
            sl_net_input(r->net, iface, &m, 1, r->now, &r->batch);
            check_batch(r);
        }
    }
    MUST(r->stats.ctr[SL_CTR_NET_DATAGRAMS] <= 64 && r->stats.ctr[SL_CTR_NET_FRAGMENT_BYTES] <= 512 * 1024);
}

static size_t put_ethernet(uint8_t *out, uint8_t iface, uint8_t first)
{
    size_t n = 12;

    memcpy(out, th_mac(0x10u + iface).addr_bytes, 6);
    memcpy(out + 6, th_mac(2).addr_bytes, 6);
    if (iface) {
        sl_put_u32(out + n, 0x81000007);
        n += 4;
    }
    sl_put_u16(out + n, first >> 4 == 4 ? 0x0800 : first >> 4 == 6 ? 0x86dd : 0x0806);
    return n + 2;
}

static void take(struct run *r, uint8_t iface, struct rte_mbuf *m)
{
    int worker = sl_steer_frame(&steer, m);

    MUST(worker >= SL_STEER_ALL && worker < 5);
    sl_net_input(r->net, iface, &m, 1, r->now, &r->batch);
}

static void step_frame(struct run *r, struct sl_cursor *c, uint8_t flags)
{
    uint8_t bytes[FRAME_MAX + 18], iface = flags & BACK ? 1 : 0;
    size_t len = SL_MIN((size_t)sl_cursor_u16(c), (size_t)FRAME_MAX), at = 0,
           cuts[2] = {sl_cursor_u8(c), sl_cursor_u8(c)};
    const uint8_t *data;
    struct rte_mbuf *m;

    len = SL_MIN(len, sl_cursor_left(c));
    data = sl_cursor_take(c, len);
    if (!data)
        return;
    if (flags & WITH_ETHERNET)
        at = put_ethernet(bytes, iface, len ? data[0] : 0);
    memcpy(bytes + at, data, len);
    if (flags & MEND && at)
        build_mend(bytes + at, len);
    m = th_mbuf_chain(frames, bytes, at + len, cuts, cuts[0] < cuts[1] ? 2 : cuts[0] ? 1 : 0, 0);
    if (flags & SUMS_GOOD)
        m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    take(r, iface, m);
}

static void step_build(struct run *r, struct sl_cursor *c, uint8_t flags)
{
    struct build b = {.back = flags & BACK, .ip6 = flags & IP6, .mend = flags & MEND};
    uint8_t frame[BUILD_FRAME_MAX], piece[BUILD_FRAME_MAX];

    build_read(c, &b);
    for (uint32_t nth = 0; nth <= b.repeat; nth++) {
        size_t len = build_frame(&b, nth, frame);

        if (!b.n_pieces)
            take(r, b.back, th_mbuf_exact(frames, frame, len, 0));
        for (uint32_t k = 0; k < b.n_pieces; k++) {
            size_t n = build_piece(&b, k, nth, frame, len, piece);

            if (n)
                take(r, b.back, th_mbuf_exact(frames, piece, n, 0));
        }
    }
}

static void step_time(struct run *r, struct sl_cursor *c, uint8_t flags)
{
    if (flags & AGAIN) {
        sl_net_destroy(r->net);
        open_net(r, sl_cursor_u8(c));
        return;
    }
    r->now += UINT64_C(1) << sl_cursor_u8(c) % 41;
    sl_net_timers(r->net, r->now);
    MUST(sl_net_next(r->net) > r->now - SL_NS_PER_MS); /* nothing is left behind */
}

static void step_emit(struct run *r, struct sl_cursor *c, uint8_t flags)
{
    uint8_t peer = sl_cursor_u8(c);
    bool ip6 = flags & IP6, back = flags & BACK;
    struct sl_ip local = th_ip(ip6    ? back ? "2001:db8:2::10" : "2001:db8:1::10"
                               : back ? "198.18.1.10"
                                      : "198.18.0.10"),
                 remote = local;
    struct sl_net_path path;
    struct rte_mbuf *m;
    uint8_t *p;

    remote.b[15] = peer;
    if (peer == 255)
        remote = th_ip(ip6 ? "2001:db8:9::9" : "198.18.9.9");
    if (sl_net_route(r->net, &local, &remote, &path) != 0)
        return;
    if (flags & CONFIRM)
        sl_net_confirm(r->net, &path, &remote, r->now);
    m = rte_pktmbuf_alloc(pool);
    MUST(m); /* what waits and what is queued is bounded below the pool's size */
    p = (uint8_t *)rte_pktmbuf_append(m, 21);
    memset(p, peer, 21);
    p[12] = 0x50;
    sl_net_emit(r->net, &path, &local, &remote, m, 0, r->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_cursor c = sl_cursor_of(data, size);
    static struct run r;

    if (!pool)
        set_up();
    memset(&r, 0, sizeof r);
    r.now = SL_NS_PER_S;
    open_net(&r, 0);
    while (sl_cursor_left(&c)) {
        uint8_t flags = sl_cursor_u8(&c);

        if ((flags & KIND) == 2)
            step_time(&r, &c, flags);
        else if ((flags & KIND) == 3)
            step_emit(&r, &c, flags);
        else if ((flags & KIND) == FUZZ_BUILD)
            step_build(&r, &c, flags);
        else
            step_frame(&r, &c, flags);
        check_batch(&r);
        check_strays(&r);
        check_output(&r);
    }
    sl_net_destroy(r.net);
    MUST(r.stats.ctr[SL_CTR_NET_DATAGRAMS] == 0 && r.stats.ctr[SL_CTR_NET_FRAGMENT_BYTES] == 0);
    for (int k = 0; k < SL_DROP_COUNT; k++)
        net_fuzz_drops[k] += r.stats.drop[k];
    MUST(th_pools_full());
    return 0;
}
