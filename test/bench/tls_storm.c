/* What a storm of new handshakes does to requests on established connections. One worker's TLS in a loop with an echo above
 * it, in the order of a worker's steps. Time is virtual: it advances by the processor time that the loop took and by
 * nothing else, so clients cost nothing and others on the machine do not count. Requests and new connections arrive at
 * their times whatever the loop does (no coordinated omission); a request's latency is from its arrival to the end of the
 * loop that sent its answer. `capacity` is how many full handshakes a second saturate the loop, measured first. */
#include <stdlib.h>
#include <time.h>

#include "shake.h"

#define ESTABLISHED 64
#define REQUESTS_PER_S 20000
#define REQUEST_BYTES 256
#define RTT_NS 500000 /* between a server's flight and the client's next */
#define STORM_CONNS 4096

enum order { WORKER, CRYPTO_LAST };
static const char *const order_name[] = {"as a worker", "crypto after sending"};

struct setting {
    double load; /* handshakes that arrive, as a part of capacity */
    uint64_t budget_ns;
    uint32_t in_flight_max;
    enum order order;
};

struct storm {
    struct bm_shake shake;
    const struct setting *setting;
    double handshakes_per_s; /* arriving */
    uint64_t next_request_ns, next_hello_ns;
    uint64_t asked_ns[ESTABLISHED]; /* 0: no request is under way */
    uint64_t due_ns[STORM_CONNS];   /* when the client answers; 0: nothing to answer */
    uint32_t at_request, free[STORM_CONNS], n_free;
    uint64_t finished, given_up, unserved_requests;
    struct bm_series latency_us, loop_us;
};

static uint64_t now_ns;

static uint64_t virtual_now(void) { return now_ns; }

/* ---- requests ---- */

static void ask(struct storm *t)
{
    static const uint8_t request[REQUEST_BYTES] = {1};
    uint32_t i = t->at_request++ % ESTABLISHED;
    struct bm_conn *c = &t->shake.conns[i];
    char *bytes;
    long len;

    if (t->asked_ns[i]) { /* all are busy: it is late already */
        t->unserved_requests++;
        return;
    }
    bm_must(SSL_write(c->client, request, sizeof request) == sizeof request, "a request");
    len = BIO_get_mem_data(c->from_client, &bytes);
    t->shake.ops->feed(t->shake.server, c, bytes, (uint32_t)len);
    (void)BIO_reset(c->from_client);
    t->asked_ns[i] = t->next_request_ns;
}

static void hear(struct storm *t)
{
    uint8_t bytes[4 * REQUEST_BYTES];

    for (uint32_t i = 0; i < ESTABLISHED; i++) {
        struct bm_conn *c = &t->shake.conns[i];
        uint32_t n;

        if (!t->asked_ns[i] || !bm_pipe_waiting(&c->pipe))
            continue;
        while ((n = bm_pipe_take(&c->pipe, bytes, sizeof bytes)))
            BIO_write(c->to_client, bytes, (int)n);
        bm_must(SSL_read(c->client, bytes, sizeof bytes) == REQUEST_BYTES, "an answer is wrong");
        bm_add(&t->latency_us, (double)(now_ns - t->asked_ns[i]) / 1e3);
        t->asked_ns[i] = 0;
    }
}

/* ---- new connections ---- */

static void let_go(struct storm *t, uint32_t i)
{
    bm_shake_end(&t->shake, &t->shake.conns[ESTABLISHED + i]);
    t->due_ns[i] = 0;
    t->free[t->n_free++] = i;
}

static void greet(struct storm *t)
{
    struct bm_conn *c;

    if (!t->n_free) {
        t->given_up++;
        return;
    }
    c = &t->shake.conns[ESTABLISHED + t->free[--t->n_free]];
    bm_shake_begin(&t->shake, c);
    bm_client_step(&t->shake, c);
}

static void storm_clients(struct storm *t)
{
    for (uint32_t i = 0; i < STORM_CONNS; i++) {
        struct bm_conn *c = &t->shake.conns[ESTABLISHED + i];

        if (!c->begun)
            continue;
        if (c->pipe.released) {
            t->given_up++;
            let_go(t, i);
        } else if (c->open && c->done) {
            t->finished++;
            let_go(t, i);
        } else if (!t->due_ns[i] && bm_pipe_waiting(&c->pipe)) {
            t->due_ns[i] = now_ns + RTT_NS;
        } else if (t->due_ns[i] && t->due_ns[i] <= now_ns) {
            t->due_ns[i] = 0;
            bm_client_step(&t->shake, c);
        }
    }
}

/* ---- the loop ---- */

static void echo(struct storm *t)
{
    struct sl_ready *ready = bm_sluice_ready(t->shake.server);
    struct sl_slice v[16];
    struct sl_stream *up;
    uint8_t events;
    uint32_t n;

    while ((up = sl_ready_take(ready, &events))) {
        struct bm_conn *c = up->owner;

        c->open |= (events & SL_STREAM_OPEN) != 0;
        while ((events & SL_STREAM_READABLE) && (n = up->ops->recv(up, v, SL_ARRAY_LEN(v), 65536)))
            up->ops->send(up, v, n);
    }
}

static uint64_t loop(struct storm *t, uint64_t wall_s)
{
    struct sl_tls *tls = bm_sluice_tls(t->shake.server);
    uint64_t begin = bm_cpu_ns(), spent;

    bm_role("server");
    sl_tls_run(tls, now_ns, wall_s);
    if (t->setting->order == WORKER)
        sl_tls_crypto(tls, now_ns);
    echo(t);
    spent = bm_cpu_ns() - begin;
    if (t->setting->order == CRYPTO_LAST) { /* answers are on their way */
        now_ns += spent;
        hear(t);
        begin = bm_cpu_ns();
        sl_tls_crypto(tls, now_ns);
        sl_tls_timers(tls, now_ns);
        now_ns += bm_cpu_ns() - begin;
        spent += bm_cpu_ns() - begin;
    } else {
        begin = bm_cpu_ns();
        sl_tls_timers(tls, now_ns);
        spent += bm_cpu_ns() - begin;
        now_ns += spent;
        hear(t);
    }
    bm_role("client");
    return spent;
}

/* Connections that are accepted and closed cost the loop too. */
static void arrivals(struct storm *t)
{
    now_ns += t->shake.spent.all_ns;
    t->shake.spent.all_ns = 0;
    while (t->next_request_ns <= now_ns) {
        ask(t);
        t->next_request_ns += SL_NS_PER_S / REQUESTS_PER_S;
    }
    while (t->next_hello_ns <= now_ns) {
        greet(t);
        t->next_hello_ns += (uint64_t)(1e9 / t->handshakes_per_s);
    }
}

static void start(struct storm *t, const struct bm_variant *v, const struct setting *setting, double capacity)
{
    *t = (struct storm){.setting = setting, .next_hello_ns = SL_NEVER, .handshakes_per_s = setting->load * capacity};
    bm_sluice_settings = (struct bm_sluice_settings){virtual_now, setting->budget_ns, setting->in_flight_max};
    bm_shake_open(&t->shake, &bm_server_sluice, v, ESTABLISHED + STORM_CONNS);
    for (uint32_t i = 0; i < ESTABLISHED; i++)
        bm_shake_whole(&t->shake, &t->shake.conns[i]);
    for (uint32_t i = 0; i < STORM_CONNS; i++)
        t->free[t->n_free++] = i;
    t->shake.spent.all_ns = 0;
    t->next_request_ns = now_ns;
    if (t->handshakes_per_s > 0)
        t->next_hello_ns = now_ns;
}

static void put(struct storm *t, const struct bm_variant *v, uint64_t from_ns)
{
    const struct sl_stats *st = bm_sluice_stats(t->shake.server);
    double seconds = (double)(now_ns - from_ns) / 1e9;

    bm_figure(v->name);
    bm_text("who", "sluice");
    bm_text("order", order_name[t->setting->order]);
    bm_number("budget_us", t->setting->budget_ns ? (double)t->setting->budget_ns / 1e3 : 500);
    bm_number("load", t->setting->load);
    bm_number("in_flight_max", t->setting->in_flight_max);
    bm_number("p99_us", bm_quantile(&t->latency_us, 0.99));
    bm_number("p50_us", bm_quantile(&t->latency_us, 0.5));
    bm_number("p999_us", bm_quantile(&t->latency_us, 0.999));
    bm_number("max_us", bm_quantile(&t->latency_us, 1));
    bm_number("requests", t->latency_us.n);
    bm_number("not_asked", (double)t->unserved_requests);
    bm_number("loop_p50_us", bm_quantile(&t->loop_us, 0.5));
    bm_number("loop_p99_us", bm_quantile(&t->loop_us, 0.99));
    bm_number("loop_max_us", bm_quantile(&t->loop_us, 1));
    bm_number("arriving_per_s", t->handshakes_per_s);
    bm_number("done_per_s", (double)t->finished / seconds);
    bm_number("evicted", (double)st->ctr[SL_CTR_TLS_FAILED_EVICTED]);
}

static void measure(const struct bm_variant *v, const struct setting *setting, double capacity, uint64_t length_ns)
{
    static struct storm t;
    uint64_t from_ns, wall_s = (uint64_t)time(NULL);

    start(&t, v, setting, capacity);
    from_ns = now_ns;
    while (now_ns < from_ns + length_ns) {
        arrivals(&t);
        storm_clients(&t);
        bm_add(&t.loop_us, (double)loop(&t, wall_s) / 1e3);
    }
    put(&t, v, from_ns);
    for (uint32_t i = 0; i < ESTABLISHED; i++) /* what is under way is answered */
        for (int turns = 0; t.asked_ns[i] && turns < 1000; turns++)
            loop(&t, wall_s);
    bm_shake_stop(&t.shake);
    bm_series_free(&t.latency_us);
    bm_series_free(&t.loop_us);
}

/* Full handshakes a second that one worker does with nothing else to do. */
static double capacity_of(const struct bm_variant *v, bool quick)
{
    struct bm_series us = {0};
    struct bm_shake s;
    double per_s;

    bm_sluice_settings = (struct bm_sluice_settings){.clock = bm_now_ns};
    bm_shake_start(&s, &bm_server_sluice, v, quick ? 8 : 64, 0);
    for (int i = 0; i < (quick ? 1 : 10); i++) {
        uint64_t from = s.finished;

        s.spent = (struct bm_spent){0};
        while (s.finished < from + 64)
            bm_shake_turn(&s);
        bm_add(&us, bm_shake_us(&s.spent) / (double)(s.finished - from));
    }
    per_s = 1e6 / bm_quantile(&us, 0.5);
    bm_series_free(&us);
    bm_shake_stop(&s);
    return per_s;
}

int main(int argc, char **argv)
{
    static const struct setting settings[] = {{0, 0, 1024, WORKER},           {0.5, 0, 1024, WORKER},
                                              {3, 0, 1024, WORKER},           {3, 100000, 1024, WORKER},
                                              {3, 200000, 1024, WORKER},      {3, 2000000, 1024, WORKER},
                                              {0, 0, 1024, CRYPTO_LAST},      {3, 0, 1024, CRYPTO_LAST},
                                              {3, 100000, 1024, CRYPTO_LAST}, {3, 200000, 1024, CRYPTO_LAST}};
    struct bm_options o;

    bm_start(&o, argc, argv);
    bm_begin("tls-storm");
    for (uint32_t i = 0; i < 2; i++) {
        const struct bm_variant *v = &bm_variants[i];
        uint64_t length_ns = (uint64_t)((o.quick ? 0.005 : o.seconds > 0 ? o.seconds / 100 : 0.3) * 1e9);
        double capacity;

        if (!bm_wanted(o.variant, v->name) || (o.quick && i))
            continue;
        capacity = capacity_of(v, o.quick);
        now_ns = bm_now_ns();
        for (uint32_t k = 0; k < (o.quick ? 3 : SL_ARRAY_LEN(settings)); k++)
            measure(v, &settings[k], capacity, length_ns);
    }
    bm_end();
    return 0;
}
