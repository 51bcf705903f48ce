/* What a handshake costs sluice-load's own client: many in flight against Sluice's server in memory, all begin together, and only the client's time counts. Without key
 * operations, too, and with the record layer begun, as it is behind every handshake. */
#include <stdlib.h>

#include "engine.h"
#include "helpers/helpers.h"
#include "shake.h"
#include "tls/policy.h"
#include "tls/record.h"

struct client {
    struct bm_pipe pipe;
    struct sl_wire wire;
    struct sl_engine *e;
    struct bm_conn *server;
    struct sl_record record;
    struct sl_list due; /* in the list of those that have something to do */
    bool done;
};

struct spent {
    uint64_t all_ns, ops_ns, windows, op_windows;
    struct bm_cost pipe;
};

struct bench {
    struct rte_mempool *pool, *feed;
    struct sl_engine_shared shared;
    struct sl_tls_settings settings;
    struct load_engine_conf conf;
    struct sl_engine_policy *policy;
    struct sl_wire_shared wires;
    struct bm_shake shake; /* the server's half of it is used */
    struct client *clients;
    uint32_t n, left, resumed;
    struct spent spent;
};

static const struct kind {
    const char *name, *variant;
    uint32_t share_uses;
    bool resume;
} kinds[] = {
    {"1.3-p256, a share each", "1.3-p256", 1, false},
    {"1.3-p256, a share for 1000", "1.3-p256", 1000, false},
    {"1.3-rsa2048, a share for 1000", "1.3-rsa2048", 1000, false},
    {"1.3-resumed, a share each", "1.3-p256", 1, true},
    {"1.3-resumed, a share for 1000", "1.3-p256", 1000, true},
};

static const struct bm_variant *variant_of(const char *name)
{
    uint32_t i = 0;

    while (strcmp(bm_variants[i].name, name) != 0)
        i++;
    return &bm_variants[i];
}

static void start(struct bench *b, const struct kind *kind, uint32_t n)
{
    static const char *const alpn[] = {"http/1.1", NULL};
    static unsigned number;
    struct sl_engine_policy_conf p = {
        .shared = &b->shared, .role = SL_ENGINE_CLIENT, .settings = &b->settings, .alpn = alpn, .extra = &b->conf};
    struct sl_err err = {{0}};
    char name[2][24];

    *b = (struct bench){.n = n, .conf = {kind->share_uses, kind->resume}};
    snprintf(name[0], sizeof name[0], "client%u", number);
    snprintf(name[1], sizeof name[1], "clientfeed%u", number++);
    b->pool = th_pool(name[0], 4096, 2048);
    b->feed = th_pool(name[1], 8192, 2048);
    b->shared.ops = sl_op_queue_create();
    b->clients = calloc(n, sizeof *b->clients);
    bm_must(b->shared.ops && b->clients, "out of memory");
    sl_tls_settings_resolve(&b->settings, NULL);
    b->policy = load_engine.policy_create(&p, &err);
    bm_must(b->policy && sl_wire_shared_init(&b->wires, b->pool, &err) == 0, err.text);
    bm_shake_open(&b->shake, &bm_server_sluice, variant_of(kind->variant), n);
    for (uint32_t i = 0; i < n; i++)
        b->clients[i].server = &b->shake.conns[i];
}

static void stop(struct bench *b)
{
    load_engine.policy_destroy(b->policy);
    sl_op_queue_destroy(b->shared.ops);
    sl_wire_shared_done(&b->wires);
    bm_shake_stop(&b->shake);
    th_pool_free(b->pool);
    th_pool_free(b->feed);
    free(b->clients);
}

/* ---- the client: as lib/tls drives an engine ---- */

static void done(struct bench *b, struct client *c)
{
    struct sl_tls_secrets secrets;
    struct sl_engine_facts facts;

    load_engine.facts(c->e, &facts);
    bm_must(load_engine.finish(c->e, &secrets), "no secrets");
    load_engine.destroy(c->e);
    sl_record_start(&c->record, &secrets);
    sl_crypto_wipe(&secrets, sizeof secrets);
    c->done = true;
    b->resumed += facts.resumed;
    b->left--;
}

static void go_on(struct bench *b, struct client *c)
{
    struct sl_engine_report report;
    enum sl_engine_step step = load_engine.step(c->e, &report);

    sl_wire_flush(&c->wire);
    bm_must(step != SL_ENGINE_FAILED && step != SL_ENGINE_WANT_ROOM, "the client fails");
    if (step == SL_ENGINE_DONE)
        done(b, c);
    if (step == SL_ENGINE_WANT_OPERATION) {
        report.op->owner = c;
        sl_op_submit(b->shared.ops, report.op);
    }
}

/* All that have bytes, then those whose operations are done. */
static void run_clients(struct bench *b)
{
    uint64_t begin = bm_cpu_ns();

    for (uint32_t i = 0; i < b->n; i++)
        if (!b->clients[i].done)
            go_on(b, &b->clients[i]);
    for (;;) {
        struct sl_op *op;

        while ((op = sl_op_take(b->shared.ops)))
            go_on(b, op->owner);
        if (!sl_op_waiting(b->shared.ops))
            break;
        sl_op_flush(b->shared.ops, 1);
    }
    b->spent.all_ns += bm_cpu_ns() - begin;
    b->spent.windows++;
}

static void begin_clients(struct bench *b)
{
    uint64_t begin;

    for (uint32_t i = 0; i < b->n; i++)
        bm_pipe_init(&b->clients[i].pipe, b->feed, &b->spent.pipe);
    begin = bm_cpu_ns();
    for (uint32_t i = 0; i < b->n; i++) {
        struct client *c = &b->clients[i];

        sl_wire_init(&c->wire, &b->wires, &c->pipe.stream);
        c->e = load_engine.create(b->policy, &(struct sl_engine_start){.wire = &c->wire, .name = "www.example.com"});
        c->done = false;
    }
    b->spent.all_ns += bm_cpu_ns() - begin;
    b->spent.windows++;
    b->left = b->n;
}

/* ---- both ---- */

static void carry(struct bench *b)
{
    const struct bm_server_ops *ops = b->shake.ops;
    uint8_t bytes[16384];
    uint32_t n;

    for (uint32_t i = 0; i < b->n; i++)
        while ((n = bm_pipe_take(&b->clients[i].pipe, bytes, sizeof bytes)))
            ops->feed(b->shake.server, b->clients[i].server, bytes, n);
    bm_shake_serve(&b->shake);
    for (uint32_t i = 0; i < b->n; i++)
        while ((n = ops->take(b->shake.server, b->clients[i].server, bytes, sizeof bytes)))
            bm_pipe_feed(&b->clients[i].pipe, bytes, n);
}

static void wave(struct bench *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        b->clients[i].server->open = false;
        b->shake.ops->accept(b->shake.server, b->clients[i].server);
    }
    begin_clients(b);
    for (bool open = false; b->left || !open;) {
        run_clients(b);
        carry(b);
        open = true;
        for (uint32_t i = 0; i < b->n; i++)
            open = open && b->clients[i].server->open;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        b->shake.ops->close(b->shake.server, b->clients[i].server);
        bm_pipe_done(&b->clients[i].pipe);
    }
}

static void measure(const struct bm_options *o, const struct kind *kind, double seconds)
{
    uint32_t n = o->in_flight ? o->in_flight : o->quick ? 8 : 64;
    struct bm_series us = {0}, server_us = {0};
    struct bench b;
    uint64_t until;

    start(&b, kind, n);
    wave(&b);
    wave(&b);
    b.resumed = 0;
    until = bm_now_ns() + (uint64_t)(seconds * 1e9);
    do {
        uint64_t switches = bm_switches();
        double all;

        b.spent = (struct spent){0};
        b.shake.spent = (struct bm_spent){0};
        wave(&b);
        all = (double)b.spent.all_ns / 1e3 - bm_us((double)b.spent.pipe.cycles) -
              bm_empty_cpu_ns() * (double)b.spent.windows / 1e3;
        if (bm_switches() != switches && us.n)
            continue;
        bm_add(&us, all / n);
        bm_add(&server_us, bm_shake_us(&b.shake.spent) / n);
    } while (bm_now_ns() < until);
    bm_must(!kind->resume == !b.resumed, "resumed, or not");
    stop(&b);
    bm_figure(kind->name);
    bm_text("who", "sluice-load");
    bm_number("in_flight", n);
    bm_spread("us", &us);
    bm_spread("server_us", &server_us);
    bm_number("waves", us.n);
    bm_series_free(&us);
    bm_series_free(&server_us);
}

int main(int argc, char **argv)
{
    const uint32_t n = SL_ARRAY_LEN(kinds);
    struct bm_options o;

    bm_start(&o, argc, argv);
    bm_begin("load-client");
    for (uint32_t i = 0; i < n; i++)
        if (bm_wanted(o.variant, kinds[i].name))
            measure(&o, &kinds[i], (o.quick ? 0.05 : o.seconds > 0 ? o.seconds : 20) / n);
    bm_end();
    return 0;
}
