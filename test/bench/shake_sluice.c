/* Sluice's server for handshakes in memory: lib/tls as a worker drives it. Key operations are timed by the linker's
 * --wrap around the two doors through which the queue of operations reaches its backends. */
#include <stdlib.h>
#include <time.h>

#include "crypto/op.h"
#include "helpers/helpers.h"
#include "shake.h"

struct bm_server {
    struct bm_spent *spent;
    struct sl_stats *stats;
    struct sl_tls *tls;
    struct sl_tls_site *site;
    struct sl_ready ready;
    struct rte_mempool *pool, *small, *feed;
    struct sl_conf conf;
    struct sl_conf_certificate cert;
    struct sl_conf_listener listener;
    struct sl_conf_ref ref;
    struct sl_conf_text alpn;
};

struct bm_sluice_settings bm_sluice_settings = {.clock = bm_now_ns};

static uint64_t clock_now(void) { return bm_sluice_settings.clock(); }

/* ---- operations ---- */

static struct bm_spent *current;

static void computed(uint64_t begin, uint32_t n)
{
    if (!current)
        return;
    current->ops_ns += bm_cpu_ns() - begin;
    current->op_calls++;
    current->op_count += n;
}

uint64_t __real_sl_op_run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n);
uint64_t __wrap_sl_op_run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n);
const struct sl_op_nonces *__real_sl_op_nonces(enum sl_op_kind kind);
const struct sl_op_nonces *__wrap_sl_op_nonces(enum sl_op_kind kind);

uint64_t __wrap_sl_op_run(enum sl_op_kind kind, struct sl_op **ops, uint32_t n)
{
    uint64_t begin = bm_cpu_ns(), price = __real_sl_op_run(kind, ops, n);

    computed(begin, n);
    return price;
}

static void timed_sign(struct sl_op **ops, struct sl_op_nonce *nonces, uint32_t n)
{
    uint64_t begin = bm_cpu_ns();

    __real_sl_op_nonces(ops[0]->kind)->sign(ops, nonces, n);
    computed(begin, n);
}

static const struct sl_op_nonces *timed_kind;

static bool timed_make(struct sl_op_nonce out[static SL_OP_BATCH])
{
    uint64_t begin = bm_cpu_ns();
    bool good = timed_kind->make(out);

    computed(begin, SL_OP_BATCH);
    return good;
}

const struct sl_op_nonces *__wrap_sl_op_nonces(enum sl_op_kind kind)
{
    static struct sl_op_nonces timed;
    const struct sl_op_nonces *real = __real_sl_op_nonces(kind);

    if (!real)
        return NULL;
    timed_kind = real;
    timed = *real;
    timed.make = timed_make;
    timed.sign = timed_sign;
    return &timed;
}

/* ---- life ---- */

static struct rte_mempool *pool(const char *what, uint32_t n, uint16_t room)
{
    static unsigned number;
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof name, "%s%u", what, number++);
    return th_pool(name, n, room);
}

static void configure(struct bm_server *s, const struct bm_variant *v)
{
    static const char *const names[] = {"www.example.com", NULL};

    th_conf_cert(&s->cert, "site",
                 &(struct th_cert_opts){.key = v->key, .subject = "CN=www.example.com", .names = names});
    s->alpn.s = "http/1.1";
    s->listener = (struct sl_conf_listener){
        .protocol = SL_PROTOCOL_TLS, .certificates = &s->ref, .n_certificates = 1, .alpn = &s->alpn, .n_alpn = 1};
    s->listener.name.s = "https";
    s->listener.handshake_timeout_ns.v = 3600 * SL_NS_PER_S;
    s->conf.certificates = &s->cert;
    s->conf.n_certificates = 1;
    s->conf.listeners = &s->listener;
    s->conf.n_listeners = 1;
}

static struct bm_server *start(const struct bm_variant *v, uint32_t conns_max, struct bm_spent *spent)
{
    struct bm_server *s = calloc(1, sizeof *s);
    struct sl_tls_params params = {0};
    struct sl_err err = {{0}};

    bm_must(s && (s->stats = calloc(1, sizeof *s->stats)), "out of memory");
    s->spent = spent;
    s->pool = pool("tls", 8192, 2048);
    s->small = pool("small", 8192, 64);
    s->feed = pool("feed", 8192, 2048);
    sl_ready_init(&s->ready);
    configure(s, v);
    params = (struct sl_tls_params){
        .pool = s->pool, .small_pool = s->small, .stats = s->stats, .budget_ns = bm_sluice_settings.budget_ns};
    params.handshakes_max = bm_sluice_settings.handshakes_max ? bm_sluice_settings.handshakes_max : 4 * conns_max;
    bm_must(sl_tls_create(&params, &s->tls, &err) == 0, err.text);
    s->site = sl_tls_site_create(s->tls, &s->conf, 0, &err);
    bm_must(s->site != NULL, err.text);
    current = spent;
    return s;
}

static void stop(struct bm_server *s)
{
    current = NULL;
    sl_tls_site_release(s->site);
    sl_tls_destroy(s->tls);
    bm_must(rte_mempool_full(s->pool) && rte_mempool_full(s->small) && rte_mempool_full(s->feed), "mbufs are missing");
    th_pool_free(s->pool);
    th_pool_free(s->small);
    th_pool_free(s->feed);
    th_conf_cert_free(&s->cert);
    free(s->stats);
    free(s);
}

static void measured(struct bm_server *s, uint64_t begin)
{
    s->spent->all_ns += bm_cpu_ns() - begin;
    s->spent->windows++;
}

/* ---- connections ---- */

static void accept_conn(struct bm_server *s, struct bm_conn *c)
{
    uint64_t begin;

    bm_pipe_init(&c->pipe, s->feed, &s->spent->pipe);
    begin = bm_cpu_ns();
    c->up = sl_tls_accept(s->tls, s->site, &c->pipe.stream, &s->ready, c, clock_now());
    measured(s, begin);
}

static void feed(struct bm_server *s, struct bm_conn *c, const void *bytes, uint32_t len)
{
    (void)s;
    bm_pipe_feed(&c->pipe, bytes, len);
    c->dirty = true;
}

static void run(struct bm_server *s)
{
    uint64_t now = clock_now(), wall = (uint64_t)time(NULL), begin = bm_cpu_ns();
    struct sl_stream *up;
    uint8_t events;

    sl_tls_run(s->tls, now, wall);
    sl_tls_crypto(s->tls, now);
    sl_tls_timers(s->tls, now);
    measured(s, begin);
    while ((up = sl_ready_take(&s->ready, &events))) {
        struct bm_conn *c = up->owner;

        bm_must(!(events & SL_STREAM_CLOSED), "the server has closed");
        c->open |= (events & SL_STREAM_OPEN) != 0;
        c->dirty = false;
    }
}

static uint32_t take(struct bm_server *s, struct bm_conn *c, void *out, uint32_t max)
{
    uint32_t n = bm_pipe_take(&c->pipe, out, max);

    (void)s;
    if (n)
        c->dirty = false;
    return n;
}

static void close_conn(struct bm_server *s, struct bm_conn *c)
{
    uint64_t begin = bm_cpu_ns();

    if (c->pipe.released) { /* it gave way to others */
        bm_pipe_done(&c->pipe);
        return;
    }
    if (c->open) {
        c->up->ops->abort(c->up, SL_REASON_ABORTED);
        c->up->ops->release(c->up);
    } else {
        c->pipe.stream.ops->abort(&c->pipe.stream, SL_REASON_RESET);
        sl_tls_run(s->tls, clock_now(), (uint64_t)time(NULL));
    }
    measured(s, begin);
    bm_pipe_done(&c->pipe);
}

static uint64_t idle(struct bm_server *s)
{
    uint64_t begin = bm_cpu_ns(), calls = s->spent->op_calls;

    sl_tls_crypto(s->tls, clock_now());
    return s->spent->op_calls == calls ? 0 : bm_cpu_ns() - begin;
}

struct sl_tls *bm_sluice_tls(const struct bm_server *s) { return s->tls; }

struct sl_ready *bm_sluice_ready(struct bm_server *s) { return &s->ready; }

struct sl_stats *bm_sluice_stats(const struct bm_server *s) { return s->stats; }

const struct bm_server_ops bm_server_sluice = {
    .name = "sluice",
    .start = start,
    .stop = stop,
    .accept = accept_conn,
    .feed = feed,
    .run = run,
    .take = take,
    .close = close_conn,
    .idle = idle,
};
