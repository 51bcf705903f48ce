/* The world: virtual time, links, and the loop that lets nodes act in order. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define START_NS (1000 * SL_NS_PER_S)
#define TIME_MAX_NS (3600 * SL_NS_PER_S) /* virtual time after which a connection counts as stuck */
#define STEPS_MAX 20000000u
#define SAME_TIME_MAX 20000u /* steps without time moving on */

struct sim_frame {
    uint64_t at_ns, serial;
    uint8_t link, end; /* the end where it arrives */
    size_t len;
    uint8_t bytes[];
};

void sim_fail(struct sim_world *w, const char *fmt, ...)
{
    va_list ap;

    if (w->failure[0])
        return;
    va_start(ap, fmt);
    vsnprintf(w->failure, sizeof w->failure, fmt, ap);
    va_end(ap);
}

void sim_die(const char *what, const struct sl_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(3);
}

const struct sim_pools *sim_pools(void)
{
    static struct sim_pools pools;

    if (!pools.frames) {
        pools.frames = th_pool("frames", 65535, 0);
        pools.net = th_pool("net", 2047, 2048);
        pools.hdr = th_pool("hdr", 32767, 256);
        pools.ref = th_pool("ref", 32767, 0);
    }
    return &pools;
}

/* ---- heap of frames on their way, by time and then by the order of sending ---- */
static bool before(const struct sim_frame *a, const struct sim_frame *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->serial < b->serial;
}

static void push(struct sim_world *w, struct sim_frame *f)
{
    uint32_t i = w->n_heap++;

    if (w->n_heap > w->heap_room) {
        w->heap_room = w->heap_room ? w->heap_room * 2 : 256;
        w->heap = realloc(w->heap, w->heap_room * sizeof *w->heap);
        assert(w->heap);
    }
    for (; i && before(f, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = f;
}

static struct sim_frame *pop(struct sim_world *w)
{
    struct sim_frame *top = w->heap[0], *last = w->heap[--w->n_heap];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= w->n_heap)
            break;
        if (child + 1 < w->n_heap && before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!before(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* ---- links ---- */
static bool chance(struct sim_world *w, uint32_t ppm) { return ppm && sl_rng_below(&w->rng, 1000000) < ppm; }

/* One bit, or a burst of up to 15, of the IP packet: what the Internet checksum is certain to see. */
static void damage(struct sim_world *w, struct sim_frame *f, size_t from)
{
    uint64_t bits = (f->len - from) * 8, at = sl_rng_below(&w->rng, bits), n = 1 + sl_rng_below(&w->rng, 15);

    f->bytes[from + at / 8] ^= (uint8_t)(1u << at % 8);
    for (uint64_t i = 1; i < n && at + i < bits; i++)
        if (sl_rng_next(&w->rng) & 1)
            f->bytes[from + (at + i) / 8] ^= (uint8_t)(1u << (at + i) % 8);
}

static struct sim_frame *frame_of(struct sim_world *w, uint8_t link, uint32_t to, const uint8_t *bytes, size_t len)
{
    struct sim_frame *f = malloc(sizeof *f + len);

    assert(f);
    *f = (struct sim_frame){.serial = w->serial++, .link = link, .end = (uint8_t)to, .len = len};
    memcpy(f->bytes, bytes, len);
    return f;
}

/* Only what TCP can repair is harmed: ARP and ND have no checksum against a changed bit, and a lost one is net's own
 * test. */
static bool may_be_harmed(const struct th_pkt *p) { return p->kind == TH_TCP; }

static bool is_ect(const struct th_pkt *p) { return p->tos & 3; }

/* Congestion experienced (RFC 3168): both bits of the ECN field, in the frame's copy. */
static void mark(struct sim_frame *f)
{
    uint8_t *ip = f->bytes + RTE_ETHER_HDR_LEN;
    uint32_t sum = 0;

    if (ip[0] >> 4 == 6) {
        ip[1] |= 0x30;
        return;
    }
    ip[1] |= 3;
    ip[10] = ip[11] = 0;
    for (uint32_t i = 0; i < (ip[0] & 15u) * 4; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* What flows have in common towards the server is what is measured. */
static void measure(struct sim_world *w, uint8_t link, uint32_t from, uint64_t backlog, size_t len, bool taken)
{
    if (!w->meter || link || from)
        return;
    w->meter->queue[SL_MIN(backlog * SIM_METER_STEPS / w->sc->links[link].queue_bytes, SIM_METER_STEPS)]++;
    w->meter->carried_bytes += taken ? len : 0;
}

struct passage { /* of a frame through a link */
    uint64_t at_ns;
    bool ce;
};

/* The queue before the link; false when it is full. */
static bool enqueue(struct sim_world *w, uint8_t link, uint32_t from, const struct th_pkt *p, size_t len,
                    struct passage *out)
{
    const struct sim_link_conf *c = &w->sc->links[link];
    uint64_t *free_at = &w->link_free[link][from], start = SL_MAX(*free_at, w->now),
             backlog = (start - w->now) * c->rate_bps / SL_NS_PER_S;
    bool room = !may_be_harmed(p) || backlog + len <= c->queue_bytes;

    if (!c->rate_bps)
        return true;
    measure(w, link, from, backlog, len, room);
    if (!room) {
        w->counts.overflowed++;
        return false;
    }
    out->ce |= c->mark_bytes && backlog > c->mark_bytes;
    *free_at = start + len * SL_NS_PER_S / c->rate_bps;
    out->at_ns = *free_at + c->delay_ns;
    return true;
}

/* A flow's own way: longer than the link's, and of changing length. Without a little chance the flows at a bottleneck
 * fall in step with each other, and where a drop hits is no chance at all (Floyd and Jacobson, 1991). */
static uint64_t detour(struct sim_world *w, uint8_t link, uint32_t from, const struct th_pkt *p, uint64_t at_ns)
{
    uint32_t flow = SL_MIN((uint16_t)(p->tcp.sport - SIM_FIRST_LPORT), (uint16_t)(p->tcp.dport - SIM_FIRST_LPORT));
    uint64_t spread_ns = w->sc->links[link].spread_ns, *last;

    if (!may_be_harmed(p) || flow >= w->sc->n_flows)
        return at_ns;
    last = &w->flow_last[link][from][flow];
    at_ns += w->sc->flows[flow].extra_delay_ns + (spread_ns ? sl_rng_below(&w->rng, spread_ns) : 0);
    *last = SL_MAX(*last, at_ns);
    return spread_ns ? *last : at_ns;
}

static uint64_t jitter(struct sim_world *w, const struct sim_link_conf *c)
{
    return c->jitter_ns ? sl_rng_below(&w->rng, c->jitter_ns) : 0;
}

static void transmit(struct sim_world *w, uint8_t link, uint32_t from, const uint8_t *bytes, size_t len,
                     const struct th_pkt *p)
{
    static const struct sim_link_conf harmless = {0};
    const struct sim_link_conf *c = may_be_harmed(p) ? &w->sc->links[link] : &harmless;
    struct passage way = {.at_ns = w->now + w->sc->links[link].delay_ns};
    struct sim_frame *f;

    if (chance(w, c->loss_ppm)) {
        w->counts.lost++;
        return;
    }
    way.ce = is_ect(p) && chance(w, c->mark_ppm);
    if (!enqueue(w, link, from, p, len, &way))
        return;
    way.ce &= is_ect(p);
    way.at_ns = detour(w, link, from, p, way.at_ns);
    if (chance(w, c->duplicate_ppm)) {
        f = frame_of(w, link, !from, bytes, len);
        f->at_ns = way.at_ns + jitter(w, c);
        push(w, f);
        w->counts.duplicated++;
    }
    f = frame_of(w, link, !from, bytes, len);
    f->at_ns = way.at_ns;
    if (chance(w, c->reorder_ppm)) {
        f->at_ns += jitter(w, c);
        w->counts.reordered++;
    }
    if (way.ce) {
        mark(f);
        w->counts.marked++;
    }
    if (chance(w, c->corrupt_ppm)) {
        damage(w, f, RTE_ETHER_HDR_LEN);
        w->counts.corrupted++;
    }
    push(w, f);
}

static uint64_t sum_of(const struct rte_mbuf *m)
{
    uint64_t sum = 1469598103934665603u;

    for (; m; m = m->next) {
        const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

        for (uint32_t i = 0; i < m->data_len; i++)
            sum = (sum ^ p[i]) * 1099511628211u;
    }
    return sum;
}

/* A device may read a frame's bytes long after it was handed over. Looking at one frame in four finds an editor soon
 * enough. */
static void hold(struct sim_node *n, struct rte_mbuf *m)
{
    if (m && n->world->serial % 4) {
        rte_pktmbuf_free(m);
        return;
    }
    if (n->held[n->held_at].m && sum_of(n->held[n->held_at].m) != n->held[n->held_at].sum)
        sim_fail(n->world, "%s changed a frame that its device may still hold", n->name);
    rte_pktmbuf_free(n->held[n->held_at].m);
    n->held[n->held_at].m = m;
    n->held[n->held_at].sum = m ? sum_of(m) : 0;
    n->held_at = (n->held_at + 1) % SIM_HELD;
}

void sim_node_release_held(struct sim_node *n)
{
    for (uint32_t i = 0; i < SIM_HELD; i++)
        hold(n, NULL);
}

void sim_send(struct sim_node *n, uint8_t iface, struct rte_mbuf *m)
{
    static uint8_t bytes[TH_FRAME_MAX];
    struct sim_world *w = n->world;
    const struct sim_iface *out = &n->ifaces[iface];
    struct th_pkt p;
    char text[400];
    const char *why;
    size_t len;

    sl_net_finish(m);
    len = th_mbuf_bytes(m, bytes, sizeof bytes);
    hold(n, m);
    w->counts.sent++;
    w->counts.bytes += len;
    if (w->pcap)
        th_pcap_write(w->pcap, w->now, bytes, len);
    why = th_decode(bytes, len, &p);
    if (!why)
        why = sim_check_sent(w->check, out, &p, len);
    if (why)
        sim_fail(w, "%s sent %s: %s", n->name, th_describe(&p, text, sizeof text), why);
    if (out->link >= 0)
        transmit(w, (uint8_t)out->link, out->end, bytes, len, &p);
}

/* ---- delivery ---- */
static struct rte_mbuf *mbuf_of(struct sim_world *w, const struct sim_frame *f)
{
    size_t cuts[3] = {0, 0, 0}, n = 0;

    if (sl_rng_below(&w->rng, 100) < w->sc->chain_percent) {
        cuts[0] = 1 + sl_rng_below(&w->rng, SL_MIN(f->len - 1, 80u));
        cuts[1] = cuts[0] + 1 + sl_rng_below(&w->rng, f->len);
        cuts[2] = cuts[1] + 1 + sl_rng_below(&w->rng, f->len);
        n = 3;
    }
    return th_mbuf_chain(sim_pools()->frames, f->bytes, f->len, cuts, n, 0);
}

/* All frames that arrive now at one end of one link, as one burst. */
static void deliver_burst(struct sim_world *w)
{
    struct rte_mbuf *burst[SL_NET_BURST];
    uint8_t link = w->heap[0]->link, end = w->heap[0]->end;
    struct sim_node *to = w->link_node[link][end];
    uint32_t n = 0;

    while (n < SL_NET_BURST && w->n_heap && w->heap[0]->at_ns <= w->now && w->heap[0]->link == link &&
           w->heap[0]->end == end) {
        struct sim_frame *f = pop(w);

        sim_check_received(w->check, f->bytes, f->len);
        burst[n++] = mbuf_of(w, f);
        w->counts.delivered++;
        free(f);
    }
    to->ops->input(to, w->link_iface[link][end], burst, n);
    to->busy = true;
}

static uint64_t next_time(const struct sim_world *w)
{
    uint64_t next = w->n_heap ? w->heap[0]->at_ns : SL_NEVER;

    for (uint32_t i = 0; i < w->n_nodes; i++)
        next = SL_MIN(next, w->nodes[i]->ops->next(w->nodes[i]));
    return next;
}

static void step(struct sim_world *w)
{
    while (w->n_heap && w->heap[0]->at_ns <= w->now)
        deliver_burst(w);
    for (uint32_t i = 0; i < w->n_nodes; i++) {
        struct sim_node *n = w->nodes[i];

        if (n->busy || n->ops->next(n) <= w->now) {
            n->busy = false;
            n->ops->run(n);
        }
    }
}

/* On within its part of the run; the client's segments are counted until the end of it. */
static void turn_meter(struct sim_world *w)
{
    struct sim_meter *m = w->sc->meter;
    uint64_t since = w->now - w->start;

    if (!m)
        return;
    w->meter = since >= m->from_ns && since < m->to_ns ? m : NULL;
    if (since < m->to_ns && w->nodes[0]->stats) {
        m->segs = w->nodes[0]->stats->ctr[SL_CTR_TCP_TX_SEGS];
        m->again = w->nodes[0]->stats->ctr[SL_CTR_TCP_RETRANSMITS];
    }
}

static bool all_quiet(struct sim_world *w)
{
    if (!sim_app_done(w->app))
        return false;
    if (!w->counts.app_ns)
        w->counts.app_ns = w->now - w->start;
    for (uint32_t i = 0; i < w->n_nodes; i++)
        if (w->nodes[i]->ops->conns(w->nodes[i]))
            return false;
    return w->n_heap == 0;
}

static void run(struct sim_world *w)
{
    uint32_t same = 0;

    for (uint32_t i = 0; i < STEPS_MAX && !w->failure[0]; i++) {
        uint64_t next = next_time(w);

        if (all_quiet(w))
            return;
        if (next == SL_NEVER || next > w->start + TIME_MAX_NS) {
            sim_app_judge(w->app); /* says more, if it can */
            sim_fail(w, "stuck: nothing happens any more, but not everything is over");
            return;
        }
        same = next <= w->now ? same + 1 : 0;
        if (same > SAME_TIME_MAX) {
            sim_fail(w, "time does not move on");
            return;
        }
        w->now = SL_MAX(w->now, next);
        turn_meter(w);
        step(w);
    }
    sim_fail(w, "too many steps");
}

/* ---- making and ending ---- */
static void join(struct sim_world *w, int link, uint32_t end, struct sim_node *n, uint8_t iface)
{
    n->ifaces[iface].link = link;
    n->ifaces[iface].end = end;
    w->link_node[link][end] = n;
    w->link_iface[link][end] = iface;
}

static struct sl_ip pick(bool ip6, const char *v4, const char *v6) { return th_ip(ip6 ? v6 : v4); }

static void make_pair(struct sim_world *w)
{
    bool ip6 = w->sc->ip6_front;
    struct sl_endpoint server = {pick(ip6, "198.18.0.2", "2001:db8:1::2"), SIM_SERVER_PORT};

    w->app = sim_app_create(w, server);
    w->nodes[w->n_nodes++] =
        sim_host_create(w, "client", th_ip("198.18.0.1"), th_ip("2001:db8:1::1"), w->sc->mtu_front, 1, true);
    w->nodes[w->n_nodes++] =
        sim_host_create(w, "server", th_ip("198.18.0.2"), th_ip("2001:db8:1::2"), w->sc->mtu_back, 2, false);
    join(w, 0, 0, w->nodes[0], 0);
    join(w, 0, 1, w->nodes[1], 0);
}

static void make_sluice(struct sim_world *w)
{
    struct sl_endpoint front = {pick(w->sc->ip6_front, "198.18.0.10", "2001:db8:1::10"), SIM_SERVER_PORT};

    w->app = sim_app_create(w, front);
    w->nodes[w->n_nodes++] =
        sim_host_create(w, "client", th_ip("198.18.0.2"), th_ip("2001:db8:1::2"), w->sc->mtu_front, 1, true);
    w->nodes[w->n_nodes++] =
        sim_host_create(w, "origin", th_ip("198.18.1.2"), th_ip("2001:db8:2::2"), w->sc->mtu_back, 2, false);
    w->nodes[w->n_nodes++] = sim_sluice_create(w);
    join(w, 0, 0, w->nodes[0], 0);
    join(w, 0, 1, w->nodes[2], 0);
    join(w, 1, 0, w->nodes[2], 1);
    join(w, 1, 1, w->nodes[1], 0);
}

static void unmake(struct sim_world *w)
{
    for (uint32_t i = 0; i < w->n_heap; i++)
        free(w->heap[i]);
    free(w->heap);
    for (uint32_t i = 0; i < w->n_nodes; i++)
        sim_node_release_held(w->nodes[i]);
    sim_app_destroy(w->app);
    if (!w->failure[0] && !th_pools_full())
        sim_fail(w, "mbufs are missing before the nodes end");
    for (uint32_t i = 0; i < w->n_nodes; i++)
        w->nodes[i]->ops->destroy(w->nodes[i]);
    if (!w->failure[0] && !th_pools_full())
        sim_fail(w, "mbufs are missing");
    sim_check_destroy(w->check);
}

bool sim_run(const struct sim_scenario *sc, struct th_pcap *pcap, char *failure, struct sim_counts *counts)
{
    struct sim_world *w = calloc(1, sizeof *w);
    bool good;

    assert(w);
    w->sc = sc;
    w->pcap = pcap;
    w->now = w->start = START_NS;
    w->check = sim_check_create();
    sl_rng_seed(&w->rng, sc->seed * 2 + 1);
    (sc->topology == SIM_PAIR ? make_pair : make_sluice)(w);
    run(w);
    if (!w->failure[0])
        sim_app_judge(w->app);
    unmake(w);
    good = !w->failure[0];
    memcpy(failure, w->failure, sizeof w->failure);
    *counts = w->counts;
    free(w);
    return good;
}
