/* Flows that share a bottleneck: a link with a rate and a drop-tail queue, or one that marks. What each flow gets, how
 * full the link is, how long the queue, and how much is sent twice: for each congestion control there is. */
#include "sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MTU 1500
#define RATE_BPS 6250000u /* bytes a second: 50 Mbit/s */
#define SHORT_BYTES 50000u
#define AGAIN_MAX 0.05 /* of the segments, sent again: more is no congestion control */
#define SECONDS 40
#define WARM_S 12

static const struct control {
    const char *name;
    uint8_t kind;
} controls[] = {
    {"cubic", SL_TCP_CC_CUBIC},
    {"newreno", SL_TCP_CC_NEWRENO},
};

static const struct share {
    const char *name;
    uint32_t flows;  /* bulk, from the client, to the end */
    uint32_t shorts; /* flows of SHORT_BYTES, one after the other over the whole time */
    uint32_t rate_times;
    uint32_t rtt_ms;
    uint32_t queue_percent; /* of the bandwidth-delay product */
    uint32_t mark_percent;  /* of it, from where frames are marked; 0: never */
    uint32_t stagger_ms;    /* between the starts */
    uint32_t extra_rtt_ms;  /* of every second flow */
    const char *rival;      /* the control of every second flow; NULL: the same */
    bool both, pacing;
    uint32_t seconds, warm_s; /* of the first nothing is measured */
    bool in_tests;
    double jain_min, used_min; /* bounds of a single run */
} shares[] = {
    {.name = "one", .flows = 1, .used_min = 0.95},
    {.name = "one-shallow", .flows = 1, .queue_percent = 20, .used_min = 0.6},
    {.name = "one-fat", .flows = 1, .rate_times = 2, .rtt_ms = 200, .seconds = 60, .warm_s = 20, .used_min = 0.5},
    {.name = "two", .flows = 2, .stagger_ms = 3000, .in_tests = true, .jain_min = 0.8, .used_min = 0.95},
    {.name = "eight", .flows = 8, .stagger_ms = 500, .in_tests = true, .jain_min = 0.9, .used_min = 0.95},
    {.name = "eight-paced", .flows = 8, .stagger_ms = 500, .pacing = true, .jain_min = 0.9, .used_min = 0.95},
    {.name = "eight-both", .flows = 8, .stagger_ms = 500, .both = true, .jain_min = 0.85, .used_min = 0.85},
    {.name = "rtt-20-80",
     .flows = 4,
     .rtt_ms = 20,
     .extra_rtt_ms = 60,
     .queue_percent = 200,
     .stagger_ms = 500,
     .used_min = 0.95},
    {.name = "rival", .flows = 4, .rival = "newreno", .stagger_ms = 500, .jain_min = 0.8, .used_min = 0.95},
    {.name = "shorts", .flows = 1, .shorts = 56, .used_min = 0.9},
    {.name = "marked-two", .flows = 2, .mark_percent = 50, .stagger_ms = 3000, .jain_min = 0.85, .used_min = 0.85},
    {.name = "marked-eight", .flows = 8, .mark_percent = 50, .stagger_ms = 500, .jain_min = 0.9, .used_min = 0.85},
};

/* Which are counted control by control; a control is no rival of its own. */
uint32_t sim_share_cases(void) { return (uint32_t)(SL_ARRAY_LEN(shares) * SL_ARRAY_LEN(controls)); }

static const struct share *share_of(uint32_t which) { return &shares[which % SL_ARRAY_LEN(shares)]; }
static const struct control *control_of(uint32_t which) { return &controls[which / SL_ARRAY_LEN(shares)]; }

bool sim_share_exists(uint32_t which)
{
    const char *rival = share_of(which)->rival;

    return !rival || strcmp(rival, control_of(which)->name) != 0;
}

bool sim_share_in_tests(uint32_t which) { return share_of(which)->in_tests; }

const char *sim_share_name(uint32_t which)
{
    static char name[64];

    snprintf(name, sizeof name, "%s-%s", share_of(which)->name, control_of(which)->name);
    return name;
}

static uint32_t given(uint32_t value, uint32_t otherwise) { return value ? value : otherwise; }

static uint8_t kind_of(const char *name)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(controls); i++)
        if (strcmp(controls[i].name, name) == 0)
            return controls[i].kind;
    return SL_TCP_CC_DEFAULT;
}

static uint64_t rate_of(const struct share *s) { return (uint64_t)RATE_BPS * given(s->rate_times, 1); }

/* Bandwidth-delay product of the shortest way. */
static uint32_t product_of(const struct share *s) { return (uint32_t)(rate_of(s) * given(s->rtt_ms, 40) / 1000); }

static struct sl_tcp_opts opts_of(const struct share *s, uint8_t kind)
{
    struct sl_tcp_opts o = {.rcv_max_bytes = 8 * product_of(s), .snd_max_bytes = 4 * product_of(s)};

    o.cc = kind;
    o.pacing = s->pacing;
    o.user_timeout_ns = o.connect_timeout_ns = 300 * SL_NS_PER_S;
    o.ecn = s->mark_percent ? SL_TCP_ECN_ASK : SL_TCP_ECN_OFF;
    return o;
}

static void make_link(const struct share *s, struct sim_link_conf *l)
{
    *l = (struct sim_link_conf){.delay_ns = given(s->rtt_ms, 40) * SL_NS_PER_MS / 2};
    l->rate_bps = rate_of(s);
    l->spread_ns = 2 * MTU * SL_NS_PER_S / l->rate_bps;
    l->queue_bytes = product_of(s) / 100 * given(s->queue_percent, 100);
    l->mark_bytes = product_of(s) / 100 * s->mark_percent;
}

static void make_bulk(const struct share *s, uint32_t which, uint32_t i, struct sim_flow_conf *f)
{
    uint8_t kind = i % 2 && s->rival ? kind_of(s->rival) : control_of(which)->kind;

    f->client.opts = f->server.opts = opts_of(s, kind);
    f->client.bytes = UINT64_C(1) << 40;
    f->client.stop_ns = given(s->seconds, SECONDS) * SL_NS_PER_S;
    if (s->both) {
        f->server.bytes = f->client.bytes;
        f->server.stop_ns = f->client.stop_ns;
    }
    f->extra_delay_ns = i % 2 ? s->extra_rtt_ms * SL_NS_PER_MS / 2 : 0;
}

void sim_share_make(struct sim_scenario *sc, uint32_t which, uint64_t seed, struct sim_meter *meter)
{
    const struct share *s = share_of(which);
    uint64_t end_ns = given(s->seconds, SECONDS) * SL_NS_PER_S, gap_ns = s->stagger_ms * SL_NS_PER_MS;
    struct sl_rng r;

    sl_rng_seed(&r, seed);
    *sc = (struct sim_scenario){.seed = seed, .topology = SIM_PAIR, .mtu_front = MTU, .mtu_back = MTU};
    sc->n_flows = s->flows + s->shorts;
    sc->held_max_bytes = UINT64_C(1) << 30;
    make_link(s, &sc->links[0]);
    for (uint32_t i = 0; i < sc->n_flows; i++) {
        struct sim_flow_conf *f = &sc->flows[i];

        f->client.abort_at = f->server.abort_at = UINT64_MAX;
        if (i >= s->flows)
            gap_ns = end_ns / (s->shorts + 1);
        make_bulk(s, which, i, f);
        f->start_ns = (i >= s->flows ? i - s->flows : i) * gap_ns + sl_rng_below(&r, 100 * SL_NS_PER_MS);
        if (i >= s->flows) {
            f->client.bytes = SHORT_BYTES;
            f->client.stop_ns = 0;
        }
    }
    memset(meter, 0, sizeof *meter);
    meter->from_ns = given(s->warm_s, WARM_S) * SL_NS_PER_S;
    meter->to_ns = end_ns;
    sc->meter = meter;
}

/* ---- figures ---- */

/* 1 when all get the same, 1/n when one gets all (Jain, Chiu, Hawe, 1984). */
static double jain(const uint64_t *bytes, uint32_t n)
{
    double sum = 0, squares = 0;

    for (uint32_t i = 0; i < n; i++) {
        sum += (double)bytes[i];
        squares += (double)bytes[i] * (double)bytes[i];
    }
    return squares > 0 ? sum * sum / (n * squares) : 0;
}

/* How long a frame waits that finds the queue at this quantile. */
static double queue_ms(const struct sim_scenario *sc, const struct sim_meter *m, double quantile)
{
    const struct sim_link_conf *l = &sc->links[0];
    uint64_t all = 0, below = 0;
    uint32_t step = 0;

    for (uint32_t i = 0; i <= SIM_METER_STEPS; i++)
        all += m->queue[i];
    while (step < SIM_METER_STEPS && (double)(below += m->queue[step]) < quantile * (double)all)
        step++;
    return 1e3 * step / SIM_METER_STEPS * l->queue_bytes / (double)l->rate_bps;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Of the short flows: from connect to the last byte. */
static double short_ms(const struct sim_scenario *sc, const struct sim_meter *m, uint32_t first, double quantile)
{
    uint64_t took[SIM_FLOWS_MAX];
    uint32_t n = 0;

    for (uint32_t i = first; i < sc->n_flows; i++)
        took[n++] = m->last_ns[i] - sc->flows[i].start_ns;
    qsort(took, n, sizeof took[0], by_size);
    return n ? (double)took[(uint32_t)(quantile * (n - 1))] / 1e6 : 0;
}

static void print(const struct sim_scenario *sc, uint32_t which, const struct sim_meter *m, double fair, double used)
{
    const struct share *s = share_of(which);
    double seconds = (double)(m->to_ns - m->from_ns) / 1e9;

    printf("share case=%s cc=%s seed=%lu jain=%.4f used=%.4f again=%.6f queue_p50_ms=%.2f queue_p95_ms=%.2f "
           "short_p50_ms=%.1f "
           "short_p95_ms=%.1f flows_kBps=",
           s->name, control_of(which)->name, (unsigned long)sc->seed, fair, used,
           m->segs ? (double)m->again / (double)m->segs : 0, queue_ms(sc, m, 0.5), queue_ms(sc, m, 0.95),
           short_ms(sc, m, s->flows, 0.5), short_ms(sc, m, s->flows, 0.95));
    for (uint32_t i = 0; i < s->flows; i++)
        printf("%s%.0f", i ? "," : "", (double)m->received_bytes[i] / seconds / 1e3);
    printf("\n");
}

bool sim_share_judge(const struct sim_scenario *sc, uint32_t which, const struct sim_meter *m, bool show)
{
    const struct share *s = share_of(which);
    double could = (double)sc->links[0].rate_bps * (double)(m->to_ns - m->from_ns) / 1e9;
    double fair = jain(m->received_bytes, s->flows), used = (double)m->carried_bytes / could;
    double again = m->segs ? (double)m->again / (double)m->segs : 0;
    bool good = fair >= s->jain_min && used >= s->used_min && again <= AGAIN_MAX;

    if (show || !good)
        print(sc, which, m, fair, used);
    if (!good)
        printf("FAILED: bounds are jain %.2f, used %.2f, again %.2f\n", s->jain_min, s->used_min, AGAIN_MAX);
    return good;
}
