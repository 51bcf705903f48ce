/* What a seed means. Every choice is drawn from the seed's own generator, in a fixed order. */
#include "sim.h"

#include <stdio.h>

#define PPM_PERCENT 10000u

static uint64_t below(struct sl_rng *r, uint64_t n) { return sl_rng_below(r, n); }
static bool one_in(struct sl_rng *r, uint64_t n) { return below(r, n) == 0; }

static uint32_t pick32(struct sl_rng *r, const uint32_t *v, size_t n) { return v[below(r, n)]; }
#define PICK(r, ...)                                                                                                   \
    pick32(r, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* 0 to max, all magnitudes alike. */
static uint64_t magnitude(struct sl_rng *r, uint64_t max)
{
    uint64_t bits = below(r, 21), v = bits ? below(r, UINT64_C(1) << bits) : 0;

    return SL_MIN(v, max);
}

static void make_link(struct sl_rng *r, struct sim_link_conf *l, bool sluice)
{
    uint32_t rtt_ms;

    *l = (struct sim_link_conf){0};
    l->loss_ppm = sluice ? PICK(r, 0, 0, 1000, 10000, 50000) : PICK(r, 0, 0, 1000, 10000, 50000, 50000, 300000);
    l->duplicate_ppm = PICK(r, 0, 0, 10000, 100000);
    l->corrupt_ppm = PICK(r, 0, 0, 1000, 20000);
    l->reorder_ppm = PICK(r, 0, 0, 10000, 200000);
    rtt_ms = PICK(r, 0, 0, 1, 10, 100, 300);
    l->delay_ns = rtt_ms ? rtt_ms * SL_NS_PER_MS / 2 : 25 * SL_NS_PER_US;
    l->jitter_ns = 2 * l->delay_ns;
    if (one_in(r, 3)) {
        l->rate_bps = PICK(r, 20000, 200000, 2000000, 50000000);
        l->queue_bytes = (uint32_t)(l->rate_bps / PICK(r, 2, 10, 50));
        l->queue_bytes = SL_MAX(l->queue_bytes, 20000u); /* two frames of the largest MTU */
    }
}

/* Small enough that a run takes milliseconds: what is lost often or travels slowly is short. */
static uint64_t size_for(struct sl_rng *r, const struct sim_scenario *sc)
{
    uint64_t max = 1 << 20, size;

    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++) {
        const struct sim_link_conf *l = &sc->links[i];

        if (l->loss_ppm > 5 * PPM_PERCENT)
            max = SL_MIN(max, UINT64_C(30000));
        else if (l->loss_ppm > PPM_PERCENT)
            max = SL_MIN(max, UINT64_C(200000));
        if (l->rate_bps)
            max = SL_MIN(max, l->rate_bps * 10);
    }
    size = magnitude(r, max);
    return one_in(r, 8) ? max : size;
}

static void make_opts(struct sl_rng *r, struct sl_tcp_opts *o)
{
    *o = (struct sl_tcp_opts){.connect_timeout_ns = 600 * SL_NS_PER_S, .user_timeout_ns = 900 * SL_NS_PER_S};
    o->keepalive_ns = 60 * SL_NS_PER_S; /* finds a peer whose reset was lost */
    o->keepalive_interval_ns = 10 * SL_NS_PER_S;
    o->keepalive_probes = 30;
    o->rcv_max_bytes = PICK(r, 0, 0, 4096, 16384, 65536, 1 << 20);
    o->snd_max_bytes = PICK(r, 0, 0, 4096, 65536);
    o->nagle = one_in(r, 6);
}

static void make_plan(struct sl_rng *r, const struct sim_scenario *sc, struct sim_plan *p)
{
    *p = (struct sim_plan){.bytes = size_for(r, sc), .abort_at = UINT64_MAX};
    p->close = (enum sim_close)below(r, 3);
    if (one_in(r, 5)) {
        p->read_chunk = PICK(r, 1000, 5000, 30000);
        p->read_every_ns = PICK(r, 1, 20, 200) * SL_NS_PER_MS;
        p->bytes = SL_MIN(p->bytes, UINT64_C(200000));
    }
    p->early_release = one_in(r, 3);
    make_opts(r, &p->opts);
}

/* A pair of plans in which each waits for the other would never end. */
static void untangle(struct sim_flow_conf *f)
{
    if (f->server.after_eof)
        f->client.close = SIM_CLOSE_WHEN_SENT;
    if (f->client.close == SIM_CLOSE_AFTER_EOF && f->server.close == SIM_CLOSE_AFTER_EOF)
        f->server.close = SIM_CLOSE_WHEN_SENT;
}

static void make_flow(struct sl_rng *r, const struct sim_scenario *sc, struct sim_flow_conf *f)
{
    f->start_ns = one_in(r, 3) ? below(r, 500) * SL_NS_PER_MS : 0;
    make_plan(r, sc, &f->client);
    make_plan(r, sc, &f->server);
    f->server.after_eof = one_in(r, 4);
    untangle(f);
    if (one_in(r, 10)) {
        struct sim_plan *who = one_in(r, 2) ? &f->client : &f->server;

        who->abort_at = 1 + magnitude(r, f->client.bytes + f->server.bytes);
    }
}

static void make_choices(struct sl_rng *r, struct sl_tcp_opts *o)
{
    o->cc = (uint8_t)PICK(r, SL_TCP_CC_DEFAULT, SL_TCP_CC_CUBIC, SL_TCP_CC_NEWRENO);
    o->pacing = one_in(r, 3);
    o->ecn = (uint8_t)PICK(r, SL_TCP_ECN_DEFAULT, SL_TCP_ECN_OFF, SL_TCP_ECN_ACCEPT, SL_TCP_ECN_ASK, SL_TCP_ECN_ASK);
    o->cookies =
        (uint8_t)PICK(r, SL_TCP_COOKIES_DEFAULT, SL_TCP_COOKIES_AUTO, SL_TCP_COOKIES_ALWAYS, SL_TCP_COOKIES_OFF);
}

static void make_marks(struct sl_rng *r, struct sim_link_conf *l)
{
    l->mark_ppm = PICK(r, 0, 0, 10000, 200000);
    l->mark_bytes = l->queue_bytes / PICK(r, 2, 5);
    l->mark_bytes = one_in(r, 2) ? l->mark_bytes : 0;
}

void sim_scenario_make(struct sim_scenario *sc, enum sim_topology topology, uint64_t seed)
{
    bool sluice = topology == SIM_SLUICE;
    struct sl_rng r;

    sl_rng_seed(&r, seed * 16 + topology);
    *sc = (struct sim_scenario){.seed = seed, .topology = topology};
    sc->ip6_front = one_in(&r, 2);
    sc->ip6_back = sluice ? one_in(&r, 2) : sc->ip6_front;
    sc->mtu_front = (uint16_t)PICK(&r, 1280, 1500, 1500, 9000);
    sc->mtu_back = (uint16_t)PICK(&r, 1280, 1500, 1500, 9000);
    if (!sc->ip6_front && !sc->ip6_back && one_in(&r, 4))
        sc->mtu_front = sc->mtu_back = 576;
    if (!sluice && one_in(&r, 2))
        sc->mtu_back = sc->mtu_front;
    sc->workers = 1 + (uint32_t)below(&r, 2);
    sc->held_max_bytes = PICK(&r, 64 << 20, 64 << 20, 64 << 20, 1 << 20, 256 << 10);
    sc->worker_mbufs = PICK(&r, 8192, 8192, 4096, 1024);
    sc->chain_percent = PICK(&r, 0, 10, 50);
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++)
        make_link(&r, &sc->links[i], sluice);
    if (!sluice)
        sc->links[1] = (struct sim_link_conf){0};
    sc->n_flows = PICK(&r, 1, 1, 2, 3, 5, 8);
    for (uint32_t i = 0; i < sc->n_flows; i++)
        make_flow(&r, sc, &sc->flows[i]);
    for (uint32_t i = 0; i < sc->n_flows; i++) { /* behind the rest, so that older seeds mean what they meant */
        make_choices(&r, &sc->flows[i].client.opts);
        make_choices(&r, &sc->flows[i].server.opts);
    }
    for (uint32_t i = 0; i < SIM_LINKS_MAX; i++)
        make_marks(&r, &sc->links[i]);
}

bool sim_scenario_harsh(const struct sim_scenario *sc)
{
    return sc->links[0].loss_ppm > 5 * PPM_PERCENT || sc->links[1].loss_ppm > 5 * PPM_PERCENT;
}

/* ---- for a person ---- */
static void print_link(const char *name, const struct sim_link_conf *l)
{
    printf("  %s: loss %.1f %%, duplicates %.1f %%, damaged %.1f %%, reordered %.1f %%, delay %.3f ms", name,
           l->loss_ppm / 1e4, l->duplicate_ppm / 1e4, l->corrupt_ppm / 1e4, l->reorder_ppm / 1e4,
           (double)l->delay_ns / 1e6);
    if (l->rate_bps)
        printf(", %lu bytes/s with %u bytes of queue, marked from %u on", (unsigned long)l->rate_bps, l->queue_bytes,
               l->mark_bytes);
    if (l->mark_ppm)
        printf(", %.1f %% marked", l->mark_ppm / 1e4);
    printf("\n");
}

static void print_plan(const char *name, const struct sim_plan *p)
{
    static const char *const closes[] = {"when sent", "after EOF", "when received"};
    static const char *const ecn[] = {"", ", no ECN", ", accepts ECN", ", asks for ECN"};
    static const char *const cookies[] = {"", ", cookies at need", ", always cookies", ", no cookies"};
    static const char *const cc[] = {"", ", CUBIC", ", NewReno"};

    printf("    %s: sends %lu%s, closes %s", name, (unsigned long)p->bytes, p->after_eof ? " after EOF" : "",
           closes[p->close]);
    if (p->read_every_ns)
        printf(", reads %u every %lu ms", p->read_chunk, (unsigned long)(p->read_every_ns / SL_NS_PER_MS));
    if (p->abort_at != UINT64_MAX)
        printf(", aborts at %lu", (unsigned long)p->abort_at);
    printf("%s%s, buffers rcv %u snd %u", p->early_release ? ", releases early" : "", p->opts.nagle ? ", Nagle" : "",
           p->opts.rcv_max_bytes, p->opts.snd_max_bytes);
    printf("%s%s%s%s\n", cc[p->opts.cc], p->opts.pacing ? ", paced" : "", ecn[p->opts.ecn],
           strcmp(name, "server") == 0 ? cookies[p->opts.cookies] : "");
}

void sim_scenario_print(const struct sim_scenario *sc)
{
    printf("  seed %lu: IPv%c MTU %u", (unsigned long)sc->seed, sc->ip6_front ? '6' : '4', sc->mtu_front);
    printf(" to IPv%c MTU %u, %u flows, %u %% of frames in several mbufs", sc->ip6_back ? '6' : '4', sc->mtu_back,
           sc->n_flows, sc->chain_percent);
    if (sc->topology == SIM_SLUICE)
        printf(", %u workers with %u buffers", sc->workers, sc->worker_mbufs);
    printf(", hosts hold %lu bytes\n", (unsigned long)sc->held_max_bytes);
    print_link(sc->topology == SIM_PAIR ? "link" : "front", &sc->links[0]);
    if (sc->topology == SIM_SLUICE)
        print_link("back", &sc->links[1]);
    for (uint32_t i = 0; i < sc->n_flows; i++) {
        printf("  flow %u at %lu ms:\n", i, (unsigned long)(sc->flows[i].start_ns / SL_NS_PER_MS));
        print_plan("client", &sc->flows[i].client);
        print_plan("server", &sc->flows[i].server);
    }
}
