#include "tcp_rig.h"

#include <stdlib.h>

#define STEP_NS 20000u /* virtual time between two bursts */
#define PEER_ISS 1000u
#define FRAMES_MAX 64

static const uint32_t gateway_mac = 2;

static const uint8_t our_ip4[4] = {198, 18, 0, 10};

static struct sl_endpoint peer_at(uint32_t i)
{
    uint8_t ip4[4] = {198, 19, (uint8_t)(i >> 8), (uint8_t)i};

    return (struct sl_endpoint){sl_ip_from4(ip4), (uint16_t)(1024 + (i >> 16))};
}

/* ---- frames that leave ---- */

/* Where peer and options stand in a frame without VLAN: Ethernet 14, IPv4 20, TCP behind. */
static void learn(struct bm_tcp *b, const uint8_t *frame)
{
    const uint8_t *ip = frame + 14, *tcp = ip + 20;
    uint32_t i = (uint32_t)ip[18] << 8 | ip[19] | (((uint32_t)tcp[2] << 8 | tcp[3]) - 1024) << 16;
    uint32_t seq = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(tcp + 4)),
             len = rte_be_to_cpu_16(*(const unaligned_uint16_t *)(ip + 2));
    bool syn = tcp[13] & TF_SYN;
    struct bm_peer *p = &b->peers[i];

    bm_must(i < b->n_peers && !(tcp[13] & TF_RST), "a segment to nobody, or a reset");
    len -= 20 + (tcp[12] >> 4) * 4u;
    p->ack = seq + len + syn + !!(tcp[13] & TF_FIN);
    p->tsval = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(tcp + (syn ? 28 : 24)));
    b->answers++;
}

static void drain(struct bm_tcp *b)
{
    struct rte_mbuf *frames[FRAMES_MAX];
    uint32_t n;

    while ((n = sl_net_tx(b->net, 0, frames, FRAMES_MAX))) {
        for (uint32_t i = 0; i < n; i++) {
            const uint8_t *p = rte_pktmbuf_mtod(frames[i], const uint8_t *);

            if (rte_pktmbuf_pkt_len(frames[i]) >= 54 && p[12] == 8 && p[13] == 0)
                learn(b, p);
            rte_pktmbuf_free(frames[i]);
        }
    }
}

/* The gateway asks for us, so that we know it and nothing waits. */
static void meet_gateway(struct bm_tcp *b)
{
    struct sl_ip gateway = th_ip("198.18.0.1");
    struct sl_net_batch batch = {0};
    struct rte_mbuf *m;
    struct th_pkt p;

    th_arp_request(&p, th_mac(gateway_mac), gateway, th_ip("198.18.0.10"));
    m = th_frame(b->segs, &p);
    sl_net_input(b->net, 0, &m, 1, b->now, &batch);
    drain(b);
}

/* ---- made and ended ---- */

void bm_tcp_start(struct bm_tcp *b, uint32_t n_peers)
{
    struct sl_net_iface_conf iface = {.name = "bench", .mtu = 1500, .n_addrs = 1, .mac = th_mac(1)};
    struct sl_net_params np = {.ifaces = &iface, .n_ifaces = 1, .stats = &b->stats};
    struct sl_tcp_params tp = {
        .conns_max = n_peers + 1024, .time_wait_max = n_peers / 4 + 1024, .held_max_bytes = UINT64_C(1) << 34};
    struct sl_endpoint at = th_endpoint("198.18.0.10:443");
    struct sl_err err = {0};

    *b = (struct bm_tcp){.n_peers = n_peers, .now = 3600 * SL_NS_PER_S};
    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    iface.gateway4 = th_ip("198.18.0.1");
    b->segs = th_pool("segs", 24575, 2048 + RTE_PKTMBUF_HEADROOM);
    b->own = th_pool("own", 12287, 2048 + RTE_PKTMBUF_HEADROOM);
    b->hdr = th_pool("hdr", 16383, 256);
    b->ref = th_pool("ref", 16383, 0);
    b->net_pool = th_pool("net", 255, 2048);
    b->peers = calloc(n_peers, sizeof *b->peers);
    bm_must(b->peers, "out of memory");
    sl_ready_init(&b->ready);
    np.pool = b->net_pool;
    bm_must(sl_net_create(&np, &b->net, &err) == 0, err.text);
    tp.net = b->net;
    tp.stats = &b->stats;
    tp.hdr_pool = b->hdr;
    tp.ref_pool = b->ref;
    memset(tp.secret, 7, sizeof tp.secret);
    bm_must(sl_tcp_create(&tp, b->now, &b->tcp, &err) == 0, err.text);
    bm_must(sl_tcp_listen(b->tcp, &at, NULL, n_peers, &b->ready, b, &b->listener) == 0, "can't listen");
    meet_gateway(b);
}

void bm_tcp_stop(struct bm_tcp *b)
{
    sl_tcp_destroy(b->tcp);
    sl_net_destroy(b->net);
    th_pool_free(b->segs);
    th_pool_free(b->own);
    th_pool_free(b->hdr);
    th_pool_free(b->ref);
    th_pool_free(b->net_pool);
    free(b->peers);
}

/* ---- segments ---- */

struct rte_mbuf *bm_tcp_seg(struct bm_tcp *b, uint32_t i, uint8_t flags, uint32_t len)
{
    struct bm_peer *p = &b->peers[i];
    struct rte_mbuf *m = rte_pktmbuf_alloc(b->segs);
    struct sl_endpoint at = peer_at(i);
    struct tuple tuple = {.lport = at.port, .rport = 443};
    struct header h = {.flags = flags, .opts = OPT_TS, .wnd = 60000, .seq = p->seq, .ack = p->ack, .tsecr = p->tsval};
    uint32_t size;

    bm_must(m, "no packet buffer");
    if (flags & TF_SYN) {
        h.opts |= OPT_MSS | OPT_SACK_OK | OPT_WSCALE;
        h.mss = 1460;
        h.wscale = 7;
    }
    h.tsval = (uint32_t)(b->now / SL_NS_PER_MS);
    size = sl_tcp_wire_size(&h);
    sl_tcp_wire_put((uint8_t *)rte_pktmbuf_append(m, (uint16_t)(size + len)), &tuple, &h);
    p->seq += len + !!(flags & TF_SYN) + !!(flags & TF_FIN);
    return m;
}

uint64_t bm_tcp_input(struct bm_tcp *b, struct rte_mbuf **segs, const uint32_t *peers, uint32_t n)
{
    static struct sl_net_batch batch;
    struct sl_ip local = sl_ip_from4(our_ip4);
    uint64_t began, took;

    for (uint32_t i = 0; i < n; i++)
        batch.segs[i] = (struct sl_net_seg){.mbuf = segs[i], .local = local, .remote = peer_at(peers[i]).ip};
    batch.n_segs = n;
    b->now += STEP_NS;
    began = bm_cycles();
    sl_tcp_input(b->tcp, &batch, b->now);
    took = bm_cycles() - began;
    drain(b);
    return took;
}

uint64_t bm_tcp_output(struct bm_tcp *b)
{
    uint64_t began = bm_cycles(), took;

    sl_tcp_output(b->tcp, b->now);
    took = bm_cycles() - began;
    drain(b);
    return took;
}

void bm_tcp_take_ready(struct bm_tcp *b)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&b->ready, &events))) {
        struct sl_facts facts;

        s->ops->facts(s, &facts);
        b->peers[(uint32_t)facts.peer.ip.b[14] << 8 | facts.peer.ip.b[15] | (uint32_t)(facts.peer.port - 1024) << 16]
            .stream = s;
    }
}

uint64_t bm_tcp_open(struct bm_tcp *b, const uint32_t *peers, uint32_t n)
{
    struct rte_mbuf *segs[BM_BURST];
    uint64_t cycles;

    for (uint32_t i = 0; i < n; i++) {
        b->peers[peers[i]] = (struct bm_peer){.seq = PEER_ISS};
        segs[i] = bm_tcp_seg(b, peers[i], TF_SYN, 0);
    }
    cycles = bm_tcp_input(b, segs, peers, n);
    for (uint32_t i = 0; i < n; i++)
        segs[i] = bm_tcp_seg(b, peers[i], TF_ACK, 0);
    cycles += bm_tcp_input(b, segs, peers, n);
    return cycles + bm_tcp_output(b);
}
