/* What a server's handshake costs: many in flight (waves: all begin together, and a sample is a whole wave; steady: at most
 * `burst` of those in flight bring bytes in one turn of the loop), and alone. For Sluice also how much of it is computing key
 * operations. The same handshakes by OpenSSL in turns with it. Waves during which the kernel gave the processor to somebody
 * else are left out where enough others remain. */
#include "shake.h"

#define ROUNDS 8  /* Sluice, OpenSSL, Sluice, ... */
#define ENOUGH 10 /* samples */

enum part { ALL, OPERATIONS, REST, STREAM, PARTS };

struct result {
    struct bm_series kept[PARTS], disturbed[PARTS];
    uint64_t handshakes;
};

/* Runs until so many more are done; 0: a wave. */
static void sample(struct bm_shake *s, uint32_t handshakes, struct result *r)
{
    struct bm_spent before = s->spent, d;
    uint64_t from = s->finished, switches = bm_switches();
    struct bm_series *into;
    double n, ops_us;

    if (!handshakes)
        bm_shake_wave(s);
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
    ops_us = (double)d.ops_ns / 1e3;
    into = bm_switches() == switches ? r->kept : r->disturbed;
    bm_add(&into[ALL], bm_shake_us(&d) / n);
    bm_add(&into[OPERATIONS], ops_us / n);
    bm_add(&into[REST], (bm_shake_us(&d) - ops_us) / n);
    bm_add(&into[STREAM], bm_us((double)d.pipe.cycles) / n);
}

static void put(const struct bm_variant *v, const char *server, const char *how, uint32_t in_flight, uint32_t burst,
                struct result *r)
{
    struct bm_series *use = r->kept[ALL].n >= ENOUGH || !r->disturbed[ALL].n ? r->kept : r->disturbed;

    bm_figure(v->name);
    bm_text("who", server);
    bm_text("how", how);
    bm_number("in_flight", in_flight);
    bm_number("burst", burst);
    bm_spread("us", &use[ALL]);
    if (bm_quantile(&use[OPERATIONS], 0.5) > 0) {
        bm_spread("operations_us", &use[OPERATIONS]);
        bm_spread("rest_us", &use[REST]);
    }
    bm_number("stream_us", bm_quantile(&use[STREAM], 0.5));
    bm_number("handshakes", (double)r->handshakes);
    bm_number("left_out", use == r->kept ? r->disturbed[ALL].n : r->kept[ALL].n);
    for (int part = 0; part < PARTS; part++) {
        bm_series_free(&r->kept[part]);
        bm_series_free(&r->disturbed[part]);
    }
}

static const struct bm_server_ops *const servers[] = {&bm_server_sluice, &bm_server_openssl};

static void saturation(const struct bm_options *o, const struct bm_variant *v, uint32_t n, uint32_t burst,
                       double seconds)
{
    struct result results[SL_ARRAY_LEN(servers)] = {0};
    uint32_t rounds = o->quick ? 1 : o->who ? 1 : ROUNDS;

    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++) {
            struct bm_shake s;
            uint64_t until;

            if (!bm_wanted(o->who, servers[i]->name))
                continue;
            bm_shake_start(&s, servers[i], v, n, burst);
            if (!burst)
                bm_shake_finish(&s);
            until = bm_now_ns() + (uint64_t)(seconds * 1e9 / rounds / (o->who ? 1 : 2));
            do
                sample(&s, burst ? 8 * n : 0, &results[i]);
            while (bm_now_ns() < until);
            bm_shake_stop(&s);
        }
    for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++)
        if (bm_wanted(o->who, servers[i]->name))
            put(v, servers[i]->name, burst ? "steady" : "waves", n, burst ? burst : n, &results[i]);
}

/* One in flight: first with idle time between handshakes, in which keys are made for the next, then without. */
static void alone(const struct bm_options *o, const struct bm_variant *v, bool with_idle, double seconds)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(servers); i++) {
        struct result r = {0};
        struct bm_shake s;
        uint64_t until = bm_now_ns() + (uint64_t)(seconds / 2 * 1e9);

        if (!bm_wanted(o->who, servers[i]->name) || (with_idle && servers[i] != &bm_server_sluice))
            continue;
        bm_shake_start(&s, servers[i], v, 1, 0);
        bm_shake_finish(&s);
        do {
            for (int turns = 0; with_idle && turns < 64 && servers[i]->idle(s.server); turns++)
                ;
            sample(&s, 0, &r);
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
