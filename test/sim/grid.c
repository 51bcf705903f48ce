/* The grid of conditions: loss × reordering × duplication × round trip × MTU × window × direction, one bulk transfer
 * in each cell over a gigabit, with a floor for its goodput. A fixed sample runs in the tests, the whole as a
 * benchmark. */
#include "sim.h"

#include <math.h>
#include <stdio.h>

#define RATE_BPS 125000000 /* bytes a second; the queue before it never overflows */
#define ACK_BYTES 66

static const uint32_t losses_ppm[] = {0, 1000, 10000, 50000, 300000};
static const uint32_t reorders_ppm[] = {0, 20000};
static const uint32_t duplicates_ppm[] = {0, 10000};
static const uint64_t rtts_us[] = {50, 10000, 100000, 300000};
static const uint16_t mtus[] = {576, 1280, 1500, 9000};
static const uint32_t windows_bytes[] = {8192, 1 << 20};
static const char *const ways[] = {"up", "down", "both"};

/* By loss: what is transferred with a large window (a small one: at most SMALL_BYTES), and how many runs even out
 * chance. Few bytes where each of them takes long. */
static const struct {
    uint32_t bytes, runs;
} sizes[SL_ARRAY_LEN(losses_ppm)] = {{4000000, 2}, {4000000, 3}, {2000000, 4}, {400000, 6}, {30000, 16}};
#define SMALL_BYTES 200000

uint32_t sim_grid_cells(void)
{
    return (uint32_t)(SL_ARRAY_LEN(losses_ppm) * SL_ARRAY_LEN(reorders_ppm) * SL_ARRAY_LEN(duplicates_ppm) *
                      SL_ARRAY_LEN(rtts_us) * SL_ARRAY_LEN(mtus) * SL_ARRAY_LEN(windows_bytes) * SL_ARRAY_LEN(ways));
}

struct cell {
    uint32_t loss, loss_ppm, reorder_ppm, duplicate_ppm, window, way;
    uint64_t rtt_us, bytes; /* each way */
    uint16_t mtu;
};

/* The next digit of a number in mixed radix. */
static uint32_t digit(uint32_t *n, size_t radix)
{
    uint32_t d = *n % (uint32_t)radix;

    *n /= (uint32_t)radix;
    return d;
}

static struct cell cell_of(uint32_t n)
{
    struct cell c = {.loss = digit(&n, SL_ARRAY_LEN(losses_ppm))};

    c.loss_ppm = losses_ppm[c.loss];
    c.reorder_ppm = reorders_ppm[digit(&n, SL_ARRAY_LEN(reorders_ppm))];
    c.duplicate_ppm = duplicates_ppm[digit(&n, SL_ARRAY_LEN(duplicates_ppm))];
    c.rtt_us = rtts_us[digit(&n, SL_ARRAY_LEN(rtts_us))];
    c.mtu = mtus[digit(&n, SL_ARRAY_LEN(mtus))];
    c.window = windows_bytes[digit(&n, SL_ARRAY_LEN(windows_bytes))];
    c.way = digit(&n, SL_ARRAY_LEN(ways));
    c.bytes = c.window > UINT16_MAX ? sizes[c.loss].bytes : SL_MIN(sizes[c.loss].bytes, (uint32_t)SMALL_BYTES);
    return c;
}

uint32_t sim_grid_runs(uint32_t n) { return sizes[cell_of(n).loss].runs; }

void sim_grid_make(struct sim_scenario *sc, uint32_t n, uint32_t run)
{
    struct cell c = cell_of(n);
    struct sim_link_conf *l = &sc->links[0];
    struct sim_flow_conf *f = &sc->flows[0];

    *sc = (struct sim_scenario){.seed = n + (uint64_t)run * sim_grid_cells(), .topology = SIM_PAIR, .n_flows = 1};
    sc->held_max_bytes = 64 << 20;
    sc->mtu_front = sc->mtu_back = c.mtu;
    *l = (struct sim_link_conf){.loss_ppm = c.loss_ppm, .reorder_ppm = c.reorder_ppm, .duplicate_ppm = c.duplicate_ppm};
    l->delay_ns = c.rtt_us * SL_NS_PER_US / 2;
    l->jitter_ns = c.rtt_us * SL_NS_PER_US; /* what is reordered comes up to a round trip late */
    l->rate_bps = RATE_BPS;
    l->queue_bytes = UINT32_MAX;
    *f = (struct sim_flow_conf){.client = {.abort_at = UINT64_MAX}, .server = {.abort_at = UINT64_MAX}};
    f->client.bytes = c.way != 1 ? c.bytes : 0;
    f->server.bytes = c.way != 0 ? c.bytes : 0;
    f->client.opts = (struct sl_tcp_opts){.rcv_max_bytes = c.window, .snd_max_bytes = 1 << 20};
    f->client.opts.connect_timeout_ns = f->client.opts.user_timeout_ns = 900 * SL_NS_PER_S;
    f->server.opts = f->client.opts;
}

/* ---- what a right TCP reaches ---- */

/* 1: a segment that three others overtake is taken for lost; a TCP that learns to wait (RFC 8985 6.2) does better. */
#define REORDERED_IS_LOST 1.0

/* How much slower than the model the mean of a cell's runs may be, by loss: the more of it, the more is chance. */
static const double slack[SL_ARRAY_LEN(losses_ppm)] = {1.5, 3, 2.2, 3.5, 6};

struct model {
    double p, reordered; /* shares of the segments */
    double frame, rtt, rto, mss, window;
};

static struct model model_of(const struct cell *c)
{
    struct model m = {
        .p = c->loss_ppm / 1e6, .reordered = c->reorder_ppm / 1e6, .mss = SL_MIN(c->mtu - 52u, c->window)};

    m.frame = (c->mtu + 14.0 + (c->way == 2 ? 0 : ACK_BYTES / 2.0)) / RATE_BPS;
    m.rtt = (double)c->rtt_us * 1e-6 + 2 * m.frame;
    m.rto = SL_MAX(0.2, 1.5 * m.rtt);
    m.window = SL_MAX(c->window / m.mss, 1.0);
    return m;
}

/* Seconds for a segment (after Padhye, Firoiu, Towsley and Kurose, 1998, with an ACK for two segments): the window
 * that loss allows, and timeouts: where fewer than three segments follow a lost one, or it is lost again. CUBIC
 * (RFC 9438 5.2) is never below that. */
static double response(const struct model *m)
{
    double late = m->window > 4 ? m->reordered * REORDERED_IS_LOST * (1 - 3 / m->window) : 0, seen = m->p + late;
    double window = SL_MIN(m->window, sqrt(4 / (3 * SL_MAX(seen, 1e-9))));
    double again = window < 4 ? 1 : SL_MIN(1.0, 4 * m->p), backoff = 1 + 32 * m->p * m->p;

    return m->rtt / window + m->p * again * m->rto * backoff;
}

/* ARP and SYN, with four repetitions at most. */
static double opening(const struct model *m)
{
    double q = 1 - (1 - m->p) * (1 - m->p);

    return 2 * m->rtt + q + 2 * q * q + 4 * pow(q, 3) + 8 * pow(q, 4);
}

static double model(const struct cell *c)
{
    struct model m = model_of(c);
    double segs = (double)c->bytes / m.mss, doublings = log2(SL_MAX(1.0, SL_MIN(m.window, segs) / 10));
    double end = m.rtt / 2 + SL_MIN(1.0, 3 * m.p) * m.rto; /* the last segments have none behind them */
    double seconds = opening(&m) + doublings * m.rtt + segs * SL_MAX(m.frame, response(&m)) + end;

    return (double)c->bytes * (c->way == 2 ? 2 : 1) / seconds;
}

double sim_grid_floor(uint32_t n)
{
    struct cell c = cell_of(n);

    return model(&c) / slack[c.loss];
}

double sim_grid_goodput(const struct sim_scenario *sc, const struct sim_counts *counts)
{
    uint64_t all = sc->flows[0].client.bytes + sc->flows[0].server.bytes;
    bool whole = counts->data_bytes >= all; /* no timeout ended it before */

    return (double)SL_MAX(counts->data_bytes, 1u) * 1e9 / (double)(whole ? counts->data_ns : counts->app_ns);
}

void sim_grid_print(uint32_t n, double goodput, double least)
{
    struct cell c = cell_of(n);

    printf(
        "cell %u loss=%g reorder=%g duplicate=%g rtt_ms=%g mtu=%u window=%u way=%s goodput=%.0f least=%.0f floor=%.0f "
        "model=%.0f\n",
        n, c.loss_ppm / 1e4, c.reorder_ppm / 1e4, c.duplicate_ppm / 1e4, (double)c.rtt_us / 1e3, c.mtu, c.window,
        ways[c.way], goodput, least, sim_grid_floor(n), model(&c));
}
