#include "tcp_world.h"

#include <stdio.h>
#include <stdlib.h>

#define HDRS 2047u
#define REFS 4095u
#define TURNS_MAX 100u

struct world w;
uint64_t tcp_fuzz_drops[SL_DROP_COUNT];
uint32_t tcp_fuzz_states;

static struct {
    struct rte_mbuf *bufs[REFS];
    uint32_t n;
} starved[2];

void world_fail(const char *what)
{
    fprintf(stderr, "tcp_fuzz: %s\n", what);
    abort();
}

FUZZ_PLAIN void world_fill(uint8_t *bytes, uint32_t seq, uint32_t len, uint8_t (*byte)(uint32_t))
{
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = byte(seq + i);
}

FUZZ_PLAIN bool world_is_filled(const uint8_t *bytes, uint32_t seq, uint32_t len, uint8_t (*byte)(uint32_t))
{
    for (uint32_t i = 0; i < len; i++)
        if (bytes[i] != byte(seq + i))
            return false;
    return true;
}

/* ---- beginning and end ---- */

static void make_pools(void)
{
    if (w.frames_pool)
        return;
    th_eal_init();
    w.frames_pool = th_pool("frames", 8191, 2048);
    w.hdr_pool = th_pool("headers", HDRS, SL_NET_HEADROOM + 60);
    w.ref_pool = th_pool("references", REFS, 0);
}

static void make_net(bool ip6, bool jumbo)
{
    struct sl_net_iface_conf iface = {.name = "fuzz", .mac = th_mac(1), .mtu = jumbo ? 9000 : 1500, .n_addrs = 1};
    struct sl_net_params np = {
        .ifaces = &iface, .n_ifaces = 1, .answers = true, .pool = w.frames_pool, .stats = &w.stats, .seed = 1};

    w.ours = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10");
    w.theirs = th_ip(ip6 ? "2001:db8:1::2" : "198.18.0.2");
    iface.addrs[0] = (struct sl_net_addr){w.ours, ip6 ? 64 : 24};
    WORLD_MUST(!sl_net_create(&np, &w.net, NULL));
}

static void make_tcp(uint8_t first, uint8_t second)
{
    struct sl_tcp_params tp = {
        .net = w.net,
        .stats = &w.stats,
        .hdr_pool = w.hdr_pool,
        .ref_pool = w.ref_pool,
        .secret = {1, 2, 3},
        .conns_max = first & FUZZ_WORLD_FEW_CONNS ? 3 : 16,
        .time_wait_max = first & FUZZ_WORLD_ONE_TIME_WAIT ? 1 : 4,
        .held_max_bytes = first & FUZZ_WORLD_LITTLE_MEMORY ? (8u << 10) << (second & 7) : 1u << 22,
        .time_wait_ns = first & FUZZ_WORLD_FAST ? 4 * SL_NS_PER_S : 0,
        .rto_min_ns = first & FUZZ_WORLD_FAST ? 10 * SL_NS_PER_MS : 0,
        .seed = 2,
    };

    WORLD_MUST(!sl_tcp_create(&tp, w.now, &w.tcp, NULL));
}

void world_open(uint8_t first, uint8_t second)
{
    struct sl_tcp_opts opts = {
        .rcv_max_bytes = 64u << 10, .snd_max_bytes = 32u << 10, .keepalive_ns = 100 * SL_NS_PER_S};

    make_pools();
    memset(&w.stats, 0, sizeof w.stats);
    memset(w.slots, 0, sizeof w.slots);
    w.batch.n_segs = w.batch.n_errs = 0;
    w.now = 1000 * SL_NS_PER_S;
    w.link = 0;
    w.listener = NULL;
    make_net(first & FUZZ_WORLD_IP6, first & FUZZ_WORLD_JUMBO);
    make_tcp(first, second);
    sl_ready_init(&w.ready);
    if (!(first & FUZZ_WORLD_NO_LISTENER))
        world_listen(&opts, 6);
}

void world_starve(uint32_t pool, uint32_t left)
{
    struct rte_mempool *from = pool ? w.ref_pool : w.hdr_pool;
    uint32_t avail;

    rte_pktmbuf_free_bulk(starved[pool].bufs, starved[pool].n);
    starved[pool].n = 0;
    avail = rte_mempool_avail_count(from);
    if (left >= avail)
        return;
    WORLD_MUST(!rte_pktmbuf_alloc_bulk(from, starved[pool].bufs, avail - left));
    starved[pool].n = avail - left;
}

static void drain(void);

void world_close(void)
{
    world_starve(0, UINT32_MAX);
    world_starve(1, UINT32_MAX);
    w.link = 0;
    world_settle();
    sl_tcp_destroy(w.tcp);
    drain();
    sl_net_destroy(w.net);
    for (uint32_t i = 0; i < SL_DROP_COUNT; i++)
        tcp_fuzz_drops[i] += w.stats.drop[i];
    WORLD_MUST(th_pools_full());
}

/* ---- settings ---- */

struct sl_tcp_opts world_settings(struct sl_cursor *c)
{
    static const uint64_t keepalives_ns[] = {0, SL_NS_PER_S, 10 * SL_NS_PER_S, 100 * SL_NS_PER_S};
    static const uint64_t user_timeouts_ns[] = {0, 5 * SL_NS_PER_S, 20 * SL_NS_PER_S, 3600 * SL_NS_PER_S};
    static const uint64_t connect_timeouts_ns[] = {0, SL_NS_PER_S, 3 * SL_NS_PER_S, 60 * SL_NS_PER_S};
    uint8_t how = sl_cursor_u8(c), buffers = sl_cursor_u8(c), times = sl_cursor_u8(c);
    uint8_t rcv = buffers & 15, snd = buffers >> 4;

    return (struct sl_tcp_opts){
        .nagle = how & FUZZ_NAGLE,
        .pacing = how & FUZZ_PACING,
        .cc = how & FUZZ_NEWRENO ? SL_TCP_CC_NEWRENO : SL_TCP_CC_DEFAULT,
        .ecn = how >> FUZZ_ECN_SHIFT & 3,
        .cookies = how >> FUZZ_COOKIES_SHIFT & 3,
        .rcv_max_bytes = rcv == 15 ? 0 : 256u << rcv,
        .snd_max_bytes = snd == 15 ? 0 : 256u << snd,
        .keepalive_ns = keepalives_ns[times & 3],
        .keepalive_interval_ns = times & 3 ? SL_NS_PER_S : 0,
        .keepalive_probes = times & 3,
        .user_timeout_ns = user_timeouts_ns[times >> 2 & 3],
        .connect_timeout_ns = connect_timeouts_ns[times >> 4 & 3],
    };
}

void world_listen(const struct sl_tcp_opts *opts, uint32_t backlog)
{
    struct sl_endpoint at = {w.ours, 80};

    if (w.listener && !backlog) {
        sl_tcp_unlisten(w.listener);
        w.listener = NULL;
    } else if (w.listener) {
        sl_tcp_listener_update(w.listener, opts, backlog, &w.ready, NULL);
    } else if (backlog) {
        WORLD_MUST(!sl_tcp_listen(w.tcp, &at, opts, backlog, &w.ready, NULL, &w.listener));
    }
}

/* ---- the loop ---- */

static void answer_neighbour(const uint8_t *bytes, size_t len)
{
    struct sl_net_batch none = {0};
    struct th_store store;
    struct th_pkt answer;
    struct rte_mbuf *m;

    if (w.link & FUZZ_SILENT || !th_answer_neighbour(bytes, len, &w.theirs, th_mac(2), &answer, &store))
        return;
    m = th_frame(w.frames_pool, &answer);
    sl_net_input(w.net, 0, &m, 1, w.now, &none);
}

/* Frames leave; neighbours answer. */
static void drain(void)
{
    static uint8_t bytes[TH_FRAME_MAX];
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t n;

    while (!(w.link & FUZZ_STALLED) && (n = sl_net_tx(w.net, 0, frames, SL_NET_BURST))) {
        for (uint32_t i = 0; i < n; i++) {
            size_t len;

            sl_net_finish(frames[i]); /* checksums: a right frame is to be read again */
            len = th_mbuf_bytes(frames[i], bytes, sizeof bytes);
            WORLD_MUST(len > 0); /* it does not contradict itself, and is not longer than the MTU */
            rte_pktmbuf_free(frames[i]);
            if (!peer_hears(bytes, len))
                answer_neighbour(bytes, len);
        }
    }
}

static struct slot *slot_of(struct sl_stream *s)
{
    struct sl_facts facts;

    s->ops->facts(s, &facts);
    for (uint32_t i = 0; i < FUZZ_SLOTS; i++)
        if (w.slots[i].lport == facts.local.port && w.slots[i].rport == facts.peer.port)
            return &w.slots[i];
    return NULL;
}

/* Accepted streams find their slot; those whose slot has one already are let go. */
static void take_events(void)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&w.ready, &events))) {
        struct slot *slot = slot_of(s);

        WORLD_MUST(events != 0);
        WORLD_MUST(!(events & SL_STREAM_READABLE) || s->state & (SL_STREAM_READABLE | SL_STREAM_CLOSED));
        if (slot && (!slot->stream || slot->stream == s))
            slot->stream = s;
        else
            s->ops->release(s);
    }
}

FUZZ_PLAIN static void note_states(void)
{
    const struct sl_tcp *t = w.tcp;

    for (uint32_t i = 1; i < t->conns.made; i++)
        if (conn_at(t, i)->t)
            tcp_fuzz_states |= 1u << conn_at(t, i)->state;
    tcp_fuzz_states |= t->requests.used ? 1u << ST_SYN_RCVD : 0;
    tcp_fuzz_states |= t->lingers.used ? 1u << ST_TIME_WAIT : 0;
    tcp_fuzz_states |= w.listener ? 1u << ST_LISTEN : 0;
}

static void look(void)
{
    const char *broken = sl_tcp_check(w.tcp);

    if (broken)
        world_fail(broken);
    note_states();
}

void world_settle(void)
{
    sl_tcp_input(w.tcp, &w.batch, w.now);
    take_events();
    sl_tcp_output(w.tcp, w.now);
    drain();
    sl_tcp_timers(w.tcp, w.now);
    sl_net_timers(w.net, w.now);
    sl_tcp_output(w.tcp, w.now);
    drain();
    take_events();
    look();
}

/* In the endpoint's own steps, as far as there are not too many. */
void world_pass(uint64_t until_ns, bool jump)
{
    for (uint32_t turn = 0; !jump && w.now < until_ns && turn < TURNS_MAX; turn++) {
        uint64_t next = SL_MIN(sl_tcp_next(w.tcp), sl_net_next(w.net));

        w.now = next <= w.now ? w.now + 1 : SL_MIN(next, until_ns);
        world_settle();
    }
    w.now = SL_MAX(w.now, until_ns);
    world_settle();
}
