/* The parts of TCP by themselves, with a million entries (--in-flight N): the table against DPDK's rte_hash over the same tuples, looked up in bursts in random
 * order; and the timer wheel with as many timers armed. Cycles per operation. rte_hash gets what it is best at: bulk lookups, its own CRC hash of the
 * whole key, one thread. The table's time includes its keyed hash and the comparison with the tuple that stands elsewhere; rte_hash keeps its keys itself. */
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <stdlib.h>

#include "bench.h"
#include "helpers/helpers.h"
#include "tcp/table.h"
#include "timer/timer.h"

#define BURST 32u
#define SAMPLE 1024u /* operations */

struct entry { /* as a connection: its tuple comes first and its lines are its own */
    struct tuple tuple;
    uint8_t rest[448 - sizeof(struct tuple)];
};

struct bed {
    struct entry *entries;
    struct table table;
    struct rte_hash *other;
    uint32_t n;
    struct sl_rng rng;
    uint64_t found;
};

static const struct tuple *tuple_of(const void *ctx, uint32_t ref)
{
    return &((const struct bed *)ctx)->entries[ref - 1].tuple;
}

static struct tuple make_tuple(uint32_t i)
{
    uint8_t local[4] = {198, 18, 0, 10}, remote[4] = {198, 19, (uint8_t)(i >> 8), (uint8_t)i};

    return (struct tuple){sl_ip_from4(local), sl_ip_from4(remote), 443, (uint16_t)(1024 + (i >> 16)), 0};
}

static void start(struct bed *b, uint32_t n)
{
    struct sl_hash_key key = {{1, 2}};
    struct rte_hash_parameters p = {
        .name = "other", .entries = n + n / 4, .key_len = TUPLE_KEY_BYTES, .hash_func = rte_hash_crc};

    b->n = n;
    b->entries = aligned_alloc(64, n * sizeof *b->entries);
    bm_must(b->entries && sl_tcp_table_init(&b->table, n, &key) == 0, "out of memory");
    b->table.tuple_of = tuple_of;
    b->table.ctx = b;
    b->other = rte_hash_create(&p);
    bm_must(b->other != NULL, "rte_hash can't be made");
    for (uint32_t i = 0; i < n; i++) {
        struct tuple t = make_tuple(i);

        t.hash = table_hash(&b->table, &t);
        b->entries[i].tuple = t;
        bm_must(sl_tcp_table_insert(&b->table, &t, i + 1), "the table is full");
        bm_must(rte_hash_add_key_data(b->other, &t, (void *)(uintptr_t)(i + 1)) == 0, "rte_hash is full");
    }
}

static void choose(struct bed *b, struct tuple *keys)
{
    for (uint32_t i = 0; i < SAMPLE; i++)
        keys[i] = make_tuple((uint32_t)sl_rng_below(&b->rng, b->n));
}

/* As input.c does it: hash and fetch all, then look at what is likely, then compare. */
static void look_up_ours(struct bed *b, struct tuple *keys)
{
    for (uint32_t at = 0; at < SAMPLE; at += BURST) {
        for (uint32_t i = 0; i < BURST; i++) {
            keys[at + i].hash = table_hash(&b->table, &keys[at + i]);
            table_prefetch(&b->table, keys[at + i].hash);
        }
        for (uint32_t i = 0; i < BURST; i++) {
            uint32_t ref = sl_tcp_table_guess(&b->table, keys[at + i].hash);

            if (ref)
                rte_prefetch0(&b->entries[ref - 1]);
        }
        for (uint32_t i = 0; i < BURST; i++)
            b->found += sl_tcp_table_find(&b->table, &keys[at + i]) != 0;
    }
}

static void look_up_other(struct bed *b, struct tuple *keys)
{
    const void *p[BURST];
    void *data[BURST];
    uint64_t hits;

    for (uint32_t at = 0; at < SAMPLE; at += BURST) {
        for (uint32_t i = 0; i < BURST; i++)
            p[i] = &keys[at + i];
        b->found += (uint64_t)rte_hash_lookup_bulk_data(b->other, p, BURST, &hits, data);
    }
}

static void change_ours(struct bed *b, struct tuple *keys)
{
    for (uint32_t i = 0; i < SAMPLE; i++) {
        uint32_t ref;

        keys[i].hash = table_hash(&b->table, &keys[i]);
        ref = sl_tcp_table_find(&b->table, &keys[i]);
        b->found += sl_tcp_table_remove(&b->table, keys[i].hash, ref) && sl_tcp_table_insert(&b->table, &keys[i], ref);
    }
}

static void change_other(struct bed *b, struct tuple *keys)
{
    for (uint32_t i = 0; i < SAMPLE; i++) {
        void *data;

        b->found += rte_hash_lookup_data(b->other, &keys[i], &data) >= 0 && rte_hash_del_key(b->other, &keys[i]) >= 0 &&
                    rte_hash_add_key_data(b->other, &keys[i], data) == 0;
    }
}

static const struct subject {
    const char *name, *who;
    void (*run)(struct bed *b, struct tuple *keys);
} subjects[] = {{"table lookup", "rte_hash", look_up_other},
                {"table lookup", "sluice", look_up_ours},
                {"table remove and insert", "rte_hash", change_other},
                {"table remove and insert", "sluice", change_ours}};

/* ---- the wheel ---- */

enum { MOVE_LATER, MOVE_NEARER, ADVANCE, WHEEL_FIGURES };

struct wheel_bed {
    struct sl_wheel wheel;
    struct sl_timer *timers;
    uint32_t n;
    uint64_t now;
};

static uint64_t deadline(struct sl_rng *rng, uint64_t now)
{
    return now + SL_NS_PER_S + sl_rng_below(rng, 60 * SL_NS_PER_S);
}

static void wheel_start(struct wheel_bed *w, uint32_t n, struct sl_rng *rng)
{
    w->n = n;
    w->now = SL_NS_PER_S;
    w->timers = calloc(n, sizeof *w->timers);
    bm_must(w->timers, "out of memory");
    sl_wheel_init(&w->wheel, w->now);
    for (uint32_t i = 0; i < n; i++) {
        sl_timer_init(&w->timers[i]);
        sl_wheel_arm(&w->wheel, &w->timers[i], deadline(rng, w->now));
    }
}

/* Timers at random: each moved by `by`. */
static void wheel_move(struct wheel_bed *w, struct sl_rng *rng, bool nearer, struct bm_series *out)
{
    static struct sl_timer *chosen[SAMPLE];
    uint64_t began;

    for (uint32_t i = 0; i < SAMPLE; i++)
        chosen[i] = &w->timers[sl_rng_below(rng, w->n)];
    began = bm_cycles();
    for (uint32_t i = 0; i < SAMPLE; i++)
        sl_wheel_arm(&w->wheel, chosen[i], nearer ? w->now + SL_NS_PER_S : chosen[i]->at_ns + SL_NS_PER_MS);
    bm_add(out, (double)(bm_cycles() - began) / SAMPLE);
}

/* Steps of 10 ms go by until something is due, which is armed anew. Cycles for each that was due. */
static void wheel_advance(struct wheel_bed *w, struct sl_rng *rng, struct bm_series *out)
{
    struct sl_list due, *node;
    uint64_t began;
    uint32_t n = 0;

    sl_list_init(&due);
    began = bm_cycles();
    for (; sl_list_empty(&due); w->now += 10 * SL_NS_PER_MS)
        sl_wheel_advance(&w->wheel, w->now, &due);
    while ((node = sl_list_pop_front(&due)) != NULL) {
        sl_wheel_arm(&w->wheel, sl_container_of(node, struct sl_timer, link), deadline(rng, w->now));
        n++;
    }
    bm_add(out, (double)(bm_cycles() - began) / n);
}

/* ---- main ---- */

static void print(const char *name, const char *who, uint32_t n, const struct bm_series *s)
{
    bm_figure(name);
    bm_number("entries", n);
    bm_text("who", who);
    bm_spread("cycles", s);
}

int main(int argc, char **argv)
{
    static const char *const wheel_names[WHEEL_FIGURES] = {"timer moved later", "timer moved nearer",
                                                           "timer due and armed again"};
    static struct bed b;
    static struct wheel_bed w;
    static struct tuple keys[SAMPLE];
    struct bm_series series[SL_ARRAY_LEN(subjects)] = {0}, wheel_series[WHEEL_FIGURES] = {0};
    struct bm_options o;
    uint64_t end;

    bm_start(&o, argc, argv);
    sl_rng_seed(&b.rng, 1);
    start(&b, o.in_flight ? o.in_flight : o.quick ? 4000 : 1000000);
    wheel_start(&w, b.n, &b.rng);
    end = bm_now_ns() + (uint64_t)((o.quick ? 0.2 : o.seconds > 0 ? o.seconds : 10) * 1e9);
    bm_role("server");
    do {
        for (uint32_t i = 0; i < SL_ARRAY_LEN(subjects); i++) {
            uint64_t began;

            choose(&b, keys);
            b.found = 0;
            began = bm_cycles();
            subjects[i].run(&b, keys);
            bm_add(&series[i], (double)(bm_cycles() - began) / SAMPLE);
            bm_must(b.found == SAMPLE, "an entry was not found");
        }
        wheel_move(&w, &b.rng, false, &wheel_series[MOVE_LATER]);
        wheel_move(&w, &b.rng, true, &wheel_series[MOVE_NEARER]);
        wheel_advance(&w, &b.rng, &wheel_series[ADVANCE]);
    } while (bm_now_ns() < end);
    bm_begin("tcp_parts");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(subjects); i++)
        print(subjects[i].name, subjects[i].who, b.n, &series[i]);
    for (uint32_t i = 0; i < WHEEL_FIGURES; i++)
        print(wheel_names[i], "sluice", w.n, &wheel_series[i]);
    bm_end();
    return 0;
}
