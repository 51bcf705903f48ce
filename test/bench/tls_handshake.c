/* What a server's handshake costs: at saturation, with many in flight, and alone. For Sluice also how much of it is
 * computing key operations. The same handshakes by OpenSSL in turns with it. */
#include "shake.h"

#define SAMPLE_HANDSHAKES 128
#define ROUNDS 8 /* Sluice, OpenSSL, Sluice, ... */

struct result {
    struct bm_series all_us, ops_us, rest_us, pipe_us;
    uint64_t handshakes;
};

static void sample(struct bm_shake *s, uint32_t handshakes, struct result *r)
{
    struct bm_spent before = s->spent, d;
    uint64_t from = s->finished;
    double n;

    while (s->finished < from + handshakes)
        bm_shake_turn(s);
    n = (double)(s->finished - from);
    r->handshakes += s->finished - from;
    d.all_ns = s->spent.all_ns - before.all_ns;
    d.pipe.cycles = s->spent.pipe.cycles - before.pipe.cycles;
    d.pipe.calls = s->spent.pipe.calls - before.pipe.calls;
    d.ops_ns = s->spent.ops_ns - before.ops_ns;
    d.op_calls = s->spent.op_calls - before.op_calls;
    d.windows = s->spent.windows - before.windows;
    bm_add(&r->all_us, bm_shake_us(&d) / n);
    bm_add(&r->ops_us, (double)d.ops_ns / 1e3 / n);
    bm_add(&r->rest_us, (bm_shake_us(&d) - (double)d.ops_ns / 1e3) / n);
    bm_add(&r->pipe_us, bm_us((double)d.pipe.cycles) / n);
}

static void put(const struct bm_variant *v, const char *server, const char *how, uint32_t in_flight, uint32_t burst,
                struct result *r)
{
    bm_figure(v->name);
    bm_text("server", server);
    bm_text("how", how);
    bm_number("in_flight", in_flight);
    bm_number("burst", burst);
    bm_spread("us", &r->all_us);
    if (bm_quantile(&r->ops_us, 0.5) > 0) {
        bm_spread("operations_us", &r->ops_us);
        bm_spread("rest_us", &r->rest_us);
    }
    bm_number("stream_us", bm_quantile(&r->pipe_us, 0.5));
    bm_number("handshakes", (double)r->handshakes);
    bm_series_free(&r->all_us);
    bm_series_free(&r->ops_us);
    bm_series_free(&r->rest_us);
    bm_series_free(&r->pipe_us);
}

static const struct bm_server_ops *const servers[] = {&bm_server_sluice, &bm_server_openssl};

static void saturation(const struct bm_options *o, const struct bm_variant *v, uint32_t n, uint32_t burst,
                       double seconds)
{
    struct result results[SL_ARRAY_LEN(servers)] = {0};
    uint32_t rounds = o->quick ? 1 : o->server ? 1 : ROUNDS;

    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++) {
            struct bm_shake s;
            uint64_t until;

            if (!bm_wanted(o->server, servers[i]->name))
                continue;
            bm_shake_start(&s, servers[i], v, n, burst);
            until = bm_now_ns() + (uint64_t)(seconds * 1e9 / rounds / (o->server ? 1 : 2));
            do
                sample(&s, o->quick ? 8 : SL_MAX(SAMPLE_HANDSHAKES, 2 * n), &results[i]);
            while (bm_now_ns() < until);
            bm_shake_stop(&s);
        }
    for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++)
        if (bm_wanted(o->server, servers[i]->name))
            put(v, servers[i]->name, "saturated", n, burst ? burst : n, &results[i]);
}

/* One in flight: first with idle time between handshakes, in which keys are made for the next, then without. */
static void alone(const struct bm_options *o, const struct bm_variant *v, bool with_idle, double seconds)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++) {
        struct result r = {0};
        struct bm_shake s;
        uint64_t until = bm_now_ns() + (uint64_t)(seconds * 1e9 / SL_ARRAY_LEN(servers));

        if (!bm_wanted(o->server, servers[i]->name) || (with_idle && servers[i] != &bm_server_sluice))
            continue;
        bm_shake_start(&s, servers[i], v, 1, 0);
        do {
            for (int turns = 0; with_idle && turns < 64 && servers[i]->idle(s.server); turns++)
                ;
            sample(&s, 1, &r);
        } while (bm_now_ns() < until);
        bm_shake_stop(&s);
        put(v, servers[i]->name, with_idle ? "alone, with idle time" : "alone", 1, 1, &r);
    }
}

int main(int argc, char **argv)
{
    struct bm_options o;
    double seconds;

    bm_start(&o, argc, argv);
    seconds = (o.quick ? 0.01 : o.seconds > 0 ? o.seconds : 60) / (o.variant ? 1 : bm_n_variants + 4);
    bm_begin("tls-handshake");
    for (uint32_t i = 0; i < (o.quick ? 3 : bm_n_variants); i++)
        if (bm_wanted(o.variant, bm_variants[i].name))
            saturation(&o, &bm_variants[i], o.in_flight ? o.in_flight : o.quick ? 8 : 64, o.burst, seconds);
    if (!o.variant && !o.quick) {
        saturation(&o, &bm_variants[0], 16, 0, seconds);
        saturation(&o, &bm_variants[0], 256, 0, seconds);
        saturation(&o, &bm_variants[0], 256, 16, seconds);
        for (uint32_t i = 0; i < 3; i++) {
            alone(&o, &bm_variants[i], true, seconds / 6);
            alone(&o, &bm_variants[i], false, seconds / 6);
        }
    }
    bm_end();
    return 0;
}
