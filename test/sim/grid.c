/* The grid of conditions: loss × reordering × duplication × round trip × MTU × window × direction, one bulk transfer
 * in each cell, with a floor for its goodput. A fixed sample runs in the tests, the whole as a benchmark. */
#include "sim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const uint32_t losses_ppm[] = {0, 1000, 10000, 50000, 300000};
static const uint32_t reorders_ppm[] = {0, 20000};
static const uint32_t duplicates_ppm[] = {0, 10000};
static const uint64_t rtts_us[] = {50, 10000, 100000, 300000};
static const uint16_t mtus[] = {576, 1280, 1500, 9000};
static const uint32_t windows_bytes[] = {8192, 1 << 20};

uint32_t sim_grid_cells(void)
{
    return (uint32_t)(SL_ARRAY_LEN(losses_ppm) * SL_ARRAY_LEN(reorders_ppm) * SL_ARRAY_LEN(duplicates_ppm) *
                      SL_ARRAY_LEN(rtts_us) * SL_ARRAY_LEN(mtus) * SL_ARRAY_LEN(windows_bytes) * 2);
}

/* The next digit of a number in mixed radix. */
static uint32_t digit(uint32_t *cell, size_t radix)
{
    uint32_t d = *cell % (uint32_t)radix;

    *cell /= (uint32_t)radix;
    return d;
}

static uint64_t bytes_for(uint32_t loss_ppm, uint32_t window_bytes)
{
    uint64_t most = window_bytes > 65535 ? 1000000 : 200000;

    return loss_ppm > 100000 ? 30000 : loss_ppm > 20000 ? SL_MIN(most, UINT64_C(200000)) : most;
}

void sim_grid_make(struct sim_scenario *sc, uint32_t cell)
{
    struct sim_link_conf *l = &sc->links[0];
    struct sim_flow_conf *f = &sc->flows[0];
    uint32_t window;
    uint64_t rtt_us;
    bool down;

    *sc = (struct sim_scenario){.seed = cell, .topology = SIM_PAIR, .n_flows = 1, .held_max_bytes = 64 << 20};
    l->loss_ppm = losses_ppm[digit(&cell, SL_ARRAY_LEN(losses_ppm))];
    l->reorder_ppm = reorders_ppm[digit(&cell, SL_ARRAY_LEN(reorders_ppm))];
    l->duplicate_ppm = duplicates_ppm[digit(&cell, SL_ARRAY_LEN(duplicates_ppm))];
    rtt_us = rtts_us[digit(&cell, SL_ARRAY_LEN(rtts_us))];
    sc->mtu_front = sc->mtu_back = mtus[digit(&cell, SL_ARRAY_LEN(mtus))];
    window = windows_bytes[digit(&cell, SL_ARRAY_LEN(windows_bytes))];
    down = digit(&cell, 2);
    l->delay_ns = rtt_us * SL_NS_PER_US / 2;
    l->jitter_ns = rtt_us * SL_NS_PER_US;
    *f = (struct sim_flow_conf){.client = {.abort_at = UINT64_MAX}, .server = {.abort_at = UINT64_MAX}};
    (down ? &f->server : &f->client)->bytes = bytes_for(l->loss_ppm, window);
    for (int i = 0; i < 2; i++) {
        struct sl_tcp_opts *o = i ? &f->server.opts : &f->client.opts;

        *o = (struct sl_tcp_opts){.rcv_max_bytes = window, .snd_max_bytes = 1 << 20};
        o->connect_timeout_ns = o->user_timeout_ns = 900 * SL_NS_PER_S;
    }
}

/* A third of what a plain NewReno reaches: half a window per round trip; the loss formula (Mathis and others, 1997), to
 * which a reordered segment is a lost one; a timeout for each loss that duplicate ACKs don't show; and where a third of
 * all is lost, some seconds for every segment. */
static double floor_of(const struct sim_scenario *sc, uint64_t bytes)
{
    const struct sim_link_conf *l = &sc->links[0];
    double rtt = (double)l->delay_ns * 2e-9, window = sc->flows[0].client.opts.rcv_max_bytes;
    double p = (l->loss_ppm + l->reorder_ppm) / 1e6, segs = (double)bytes / (sc->mtu_front - 60.0);
    double seconds = 0.2 + 16 * rtt + (double)bytes / (window / 2) * rtt;

    if (p > 0)
        seconds += segs * (rtt * sqrt(p) / 0.7 + p * (0.6 + 2 * rtt)) + 3;
    if (p > 0.02)
        seconds += 5;
    if (p > 0.1)
        seconds += segs * 6 + 120;
    return (double)bytes / (seconds * 3);
}

bool sim_grid_judge(const struct sim_scenario *sc, uint64_t app_ns, bool print)
{
    const struct sim_link_conf *l = &sc->links[0];
    bool down = sc->flows[0].server.bytes > 0;
    uint64_t bytes = down ? sc->flows[0].server.bytes : sc->flows[0].client.bytes;
    double goodput = (double)bytes * 1e9 / (double)app_ns, least = floor_of(sc, bytes);

    if (print)
        printf("cell %4" PRIu64 ": loss %5.1f %% reorder %.0f %% dup %.0f %% RTT %7.2f ms MTU %4u window %7u %s: "
               "%12.0f bytes/s (floor %.0f)\n",
               sc->seed, l->loss_ppm / 1e4, l->reorder_ppm / 1e4, l->duplicate_ppm / 1e4, (double)l->delay_ns * 2e-6,
               sc->mtu_front, sc->flows[0].client.opts.rcv_max_bytes, down ? "down" : "up  ", goodput, least);
    return goodput >= least;
}
