/* The world of a segment script: making it, letting time pass, taking what the endpoint sends, and the run over both
 * families. */
#include "helpers/script_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define START_NS (1000 * SL_NS_PER_S)
#define STEPS_MAX 200000 /* deadlines in one wait; more means that time stands still */

struct script g_script;
static struct script *const g = &g_script;

uint64_t script_ms(double ms) { return (uint64_t)(ms * 1e6); }
double script_now_ms(void) { return (double)(g->now - g->start) / 1e6; }
bool script_is_ip6(void) { return g->ip6; }
struct script_conn *script_conn(void) { return &g->conns[g->current]; }

struct script_conn *script_conn_of(uint16_t lport, uint16_t rport)
{
    for (uint32_t i = 0; i < SCRIPT_CONNS_MAX; i++)
        if (g->conns[i].used && g->conns[i].lport == lport && g->conns[i].rport == rport)
            return &g->conns[i];
    return NULL;
}

uint8_t script_pattern(bool from_peer, uint32_t position)
{
    uint32_t x = position * UINT32_C(2654435761) + (from_peer ? 77 : 0);

    return (uint8_t)(x >> 24 ^ x >> 13);
}

void script_note(const char *fmt, ...)
{
    char *line = g->history[g->n_history++ % SL_ARRAY_LEN(g->history)];
    int n = snprintf(line, sizeof g->history[0], "%10.3f  ", script_now_ms());
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + n, sizeof g->history[0] - (size_t)n, fmt, ap);
    va_end(ap);
    if (g->trace)
        fprintf(stderr, "%s\n", line);
}

void script_fail(const char *file, int line, const char *fmt, ...)
{
    uint32_t from = g->n_history > SL_ARRAY_LEN(g->history) ? g->n_history - (uint32_t)SL_ARRAY_LEN(g->history) : 0;
    va_list ap;

    if (!g->trace)
        for (uint32_t i = from; i < g->n_history; i++)
            fprintf(stderr, "%s\n", g->history[i % SL_ARRAY_LEN(g->history)]);
    fprintf(stderr, "%10.3f  %s:%d: ", script_now_ms(), file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    _fail(file, line);
    abort(); /* _fail does not return */
}

/* Relative to the connection that it belongs to, in the words that scripts use. */
const char *script_describe(const struct th_pkt *p, char *out, size_t size)
{
    bool from_peer = sl_ip_equal(&p->src, &g->remote);
    struct script_conn *c =
        from_peer ? script_conn_of(p->tcp.dport, p->tcp.sport) : script_conn_of(p->tcp.sport, p->tcp.dport);
    struct th_pkt q = *p;

    if (c && p->kind == TH_TCP) {
        uint32_t base = from_peer ? c->peer_iss : c->iss, ack_base = from_peer ? c->iss : c->peer_iss;

        q.tcp.seq -= base;
        if (q.tcp.flags & TH_ACK)
            q.tcp.ack -= ack_base;
        for (uint32_t i = 0; i < q.tcp.n_sacks; i++) {
            q.tcp.sacks[i][0] -= ack_base;
            q.tcp.sacks[i][1] -= ack_base;
        }
    }
    return th_describe(&q, out, size);
}

/* ---- frames that the endpoint sends ---- */
static uint32_t sum_of(const struct rte_mbuf *m)
{
    static uint8_t bytes[TH_FRAME_MAX];
    size_t len = th_mbuf_bytes(m, bytes, sizeof bytes);
    uint32_t sum = 1;

    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

/* A device may read a frame's bytes long after it was handed over: they must not change until it is freed. */
static bool hold(struct rte_mbuf *m)
{
    struct rte_mbuf *old = g->held[g->held_at].m;
    bool same = !old || sum_of(old) == g->held[g->held_at].sum;

    rte_pktmbuf_free(old);
    g->held[g->held_at].m = m;
    g->held[g->held_at].sum = m ? sum_of(m) : 0;
    g->held_at = (g->held_at + 1) % SCRIPT_HELD;
    return same;
}

static void learn_sent(const struct th_pkt *p)
{
    struct script_conn *c = script_conn_of(p->tcp.sport, p->tcp.dport);
    uint32_t end = p->tcp.seq + p->tcp.len + !!(p->tcp.flags & TH_SYN) + !!(p->tcp.flags & TH_FIN);

    if (!c || p->tcp.flags & TH_RST)
        return;
    if (p->tcp.flags & TH_SYN) {
        if (c->iss_known && c->iss != p->tcp.seq)
            c->sent_end = end;
        c->iss = p->tcp.seq;
        c->iss_known = true;
        c->ws_ours = p->tcp.wscale ? p->tcp.wscale - 1 : -1;
        c->ts_ours = p->tcp.has_ts;
    }
    if (p->tcp.has_ts)
        c->ts_echo = p->tcp.tsval;
    if (c->sent_end == 0 || (int32_t)(end - c->sent_end) > 0)
        c->sent_end = end;
}

static void keep_sent(const uint8_t *bytes, size_t len)
{
    struct script_out *o = malloc(sizeof *o + len);
    struct th_pkt p;
    char text[400];
    const char *why = th_decode(bytes, len, &p);

    assert(o);
    *o = (struct script_out){.at_ns = g->now, .len = len};
    memcpy(o->bytes, bytes, len);
    if (p.kind == TH_TCP)
        learn_sent(&p);
    script_note("> %s%s%s", script_describe(&p, text, sizeof text), why ? "  MALFORMED: " : "", why ? why : "");
    *g->last = o;
    g->last = &o->next;
}

static bool collect(void)
{
    static uint8_t bytes[TH_FRAME_MAX];
    struct rte_mbuf *m;
    bool any = false;

    while (sl_net_tx(g->net, 0, &m, 1)) {
        struct th_store store;
        struct th_pkt answer;
        size_t len;

        sl_net_finish(m);
        len = th_mbuf_bytes(m, bytes, sizeof bytes);
        if (!hold(m))
            script_fail(__FILE__, __LINE__, "a frame that the device may still hold was changed");
        if (g->pcap)
            th_pcap_write(g->pcap, g->now, bytes, len);
        if (!g->world.no_answer && th_answer_neighbour(bytes, len, &g->remote, th_mac(2), &answer, &store))
            script_deliver(&answer);
        else
            keep_sent(bytes, len);
        any = true;
    }
    return any;
}

void script_forget(struct script_out *o)
{
    g->first = o->next;
    if (!g->first)
        g->last = &g->first;
    free(o);
}

uint32_t drop_all(void)
{
    uint32_t n = 0;

    for (; g->first; n++)
        script_forget(g->first);
    return n;
}

uint32_t drop_all_bytes(void)
{
    uint32_t n = 0;

    for (; g->first; script_forget(g->first)) {
        struct th_pkt p;

        if (!th_decode(g->first->bytes, g->first->len, &p) && p.kind == TH_TCP)
            n += p.tcp.len;
    }
    return n;
}

uint64_t script_counter(enum sl_ctr c) { return sl_stat_read(&g->stats.ctr[c]); }
uint64_t script_drops(enum sl_drop d) { return sl_stat_read(&g->stats.drop[d]); }

/* ---- frames to the endpoint ---- */
void script_deliver(const struct th_pkt *p)
{
    static uint8_t bytes[TH_FRAME_MAX];
    size_t len = th_encode(p, bytes, sizeof bytes), cuts[2] = {len / 3, 2 * len / 3};
    bool chain = ++g->frames_in % 5 == 0;

    assert(g->n_incoming < SL_NET_BURST);
    if (g->pcap)
        th_pcap_write(g->pcap, g->now, bytes, len);
    g->incoming[g->n_incoming++] = th_mbuf_chain(g->frames_pool, bytes, len, cuts, chain ? 2 : 0, 0);
}

/* ---- events ---- */
static struct script_conn *conn_of_stream(struct sl_stream *s)
{
    struct sl_facts facts;
    struct script_conn *c;

    for (uint32_t i = 0; i < SCRIPT_CONNS_MAX; i++)
        if (g->conns[i].stream == s)
            return &g->conns[i];
    s->ops->facts(s, &facts);
    c = script_conn_of(facts.local.port, facts.peer.port);
    if (!c)
        script_fail(__FILE__, __LINE__, "a stream of a connection that nobody opened");
    c->stream = s;
    return c;
}

static void take_events(void)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&g->ready, &events))) {
        struct script_conn *c = conn_of_stream(s);

        c->events |= events;
        c->reason = s->reason;
        script_note("  events%s%s%s%s%s", events & SL_STREAM_OPEN ? " OPEN" : "",
                    events & SL_STREAM_READABLE ? " READABLE" : "", events & SL_STREAM_WRITABLE ? " WRITABLE" : "",
                    events & SL_STREAM_EOF ? " EOF" : "", events & SL_STREAM_CLOSED ? " CLOSED" : "");
    }
}

void script_run(void)
{
    do {
        if (g->n_incoming) {
            uint32_t n = g->n_incoming;

            g->n_incoming = 0;
            sl_net_input(g->net, 0, g->incoming, n, g->now, &g->batch);
        }
        sl_tcp_input(g->tcp, &g->batch, g->now);
        take_events();
        sl_tcp_output(g->tcp, g->now);
    } while (collect());
}

void script_step(uint64_t limit)
{
    static uint32_t still;
    uint64_t next = SL_MIN(sl_tcp_next(g->tcp), sl_net_next(g->net));

    still = next <= g->now ? still + 1 : 0;
    if (still > STEPS_MAX)
        script_fail(__FILE__, __LINE__, "the endpoint's next deadline does not move");
    g->now = SL_MAX(g->now, SL_MIN(next, limit));
    sl_net_timers(g->net, g->now);
    sl_tcp_timers(g->tcp, g->now);
    script_run();
}

static void pass(const char *file, int line, uint64_t until)
{
    if (g->first)
        ts_expect_nothing(file, line);
    while (g->now < until)
        script_step(until);
    script_step(until);
}

void ts_at(const char *file, int line, double ms) { pass(file, line, g->start + script_ms(ms)); }
void ts_after(const char *file, int line, double ms) { pass(file, line, g->now + script_ms(ms)); }

void ts_quiet(const char *file, int line, double ms)
{
    uint64_t until = g->now + script_ms(ms);

    ts_expect_nothing(file, line);
    while (g->now < until) {
        script_step(until);
        ts_expect_nothing(file, line);
    }
}

/* ---- the world ---- */
static void make_pools(void)
{
    if (g->frames_pool)
        return;
    g->frames_pool = th_pool("frames", 16383, 0);
    g->net_pool = th_pool("net", 1023, 2048);
    g->hdr_pool = th_pool("hdr", 8191, 256);
    g->ref_pool = th_pool("ref", 8191, 0);
}

static void unmake(void)
{
    for (uint32_t i = 0; i < SCRIPT_CONNS_MAX; i++) {
        struct script_conn *c = &g->conns[i];

        if (c->stream)
            c->stream->ops->release(c->stream);
        *c = (struct script_conn){0};
    }
    for (uint32_t i = 0; i < g->n_incoming; i++)
        rte_pktmbuf_free(g->incoming[i]);
    g->n_incoming = 0;
    if (g->tcp)
        sl_tcp_destroy(g->tcp);
    if (g->net)
        sl_net_destroy(g->net);
    for (uint32_t i = 0; i < SCRIPT_HELD; i++)
        rte_pktmbuf_free(g->held[i].m);
    memset(g->held, 0, sizeof g->held);
    drop_all();
    g->tcp = NULL;
    g->net = NULL;
    g->listener = NULL;
}

static void make_net(void)
{
    struct sl_net_iface_conf iface = {.name = "test", .mac = th_mac(1), .mtu = g->world.mtu, .n_addrs = 2};
    struct sl_net_params np = {
        .ifaces = &iface, .n_ifaces = 1, .answers = true, .pool = g->net_pool, .stats = &g->stats, .seed = 1};
    struct sl_err err = {0};

    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    iface.addrs[1] = (struct sl_net_addr){th_ip("2001:db8:1::10"), 64};
    if (sl_net_create(&np, &g->net, &err))
        script_fail(__FILE__, __LINE__, "sl_net_create: %s", err.text);
}

static void default_to(uint32_t *v, uint32_t otherwise)
{
    if (*v == 0)
        *v = otherwise;
}

void ts_world(const struct script_world *w)
{
    struct sl_tcp_params tp = {0};
    struct sl_err err = {0};

    unmake();
    make_pools();
    g->world = *w;
    default_to(&g->world.time_wait_ms, 60000);
    default_to(&g->world.conns_max, 64);
    default_to(&g->world.time_wait_max, 64);
    default_to(&g->world.peer_iss, 10000);
    if (!g->world.held_max_bytes)
        g->world.held_max_bytes = 16 << 20;
    if (!g->world.mtu)
        g->world.mtu = 1500;
    g->start = g->now = START_NS;
    g->local = th_ip(g->ip6 ? "2001:db8:1::10" : "198.18.0.10");
    g->remote = th_ip(g->ip6 ? "2001:db8:1::2" : "198.18.0.2");
    memset(&g->stats, 0, sizeof g->stats);
    memset(&g->batch, 0, sizeof g->batch);
    sl_ready_init(&g->ready);
    g->current = 0;
    g->n_history = 0;
    make_net();
    tp = (struct sl_tcp_params){.net = g->net,
                                .stats = &g->stats,
                                .hdr_pool = g->hdr_pool,
                                .ref_pool = g->ref_pool,
                                .conns_max = g->world.conns_max};
    tp.time_wait_max = g->world.time_wait_max;
    tp.held_max_bytes = g->world.held_max_bytes;
    tp.time_wait_ns = g->world.time_wait_ms * SL_NS_PER_MS;
    tp.rto_min_ns = g->world.rto_min_ms * SL_NS_PER_MS;
    tp.seed = 7;
    memset(tp.secret, 0x42, sizeof tp.secret);
    if (sl_tcp_create(&tp, g->now, &g->tcp, &err))
        script_fail(__FILE__, __LINE__, "sl_tcp_create: %s", err.text);
}

/* ---- running ---- */
struct run {
    const struct script_test *test;
    bool ip6;
    char name[120];
};

static int setup(void **state)
{
    struct run *r = *state;
    const char *dir = getenv("SLUICE_SCRIPT_PCAP");
    char path[512];

    g->ip6 = r->ip6;
    g->name = r->name;
    g->trace = getenv("SLUICE_SCRIPT_TRACE") != NULL;
    g->last = &g->first;
    if (g->trace)
        fprintf(stderr, "---- %s\n", r->name);
    if (dir) {
        snprintf(path, sizeof path, "%s/%s.pcap", dir, r->name);
        g->pcap = th_pcap_open(path);
    }
    return 0;
}

static void run_one(void **state)
{
    struct run *r = *state;

    ts_world(&(struct script_world){0});
    r->test->run();
    ts_expect_nothing("end of test", 0);
    unmake();
    if (!th_pools_full())
        script_fail("end of test", 0, "mbufs are missing");
}

static int teardown(void **state)
{
    (void)state;
    unmake();
    th_pcap_close(g->pcap);
    g->pcap = NULL;
    return 0;
}

int script_main(const struct script_test *tests, size_t n)
{
    struct CMUnitTest *units = calloc(2 * n, sizeof *units);
    struct run *runs = calloc(2 * n, sizeof *runs);
    const char *filter = getenv("CMOCKA_TEST_FILTER");
    int failed;

    assert(units && runs);
    if (filter)
        cmocka_set_test_filter(filter);
    th_eal_init();
    for (size_t i = 0; i < 2 * n; i++) {
        runs[i] = (struct run){.test = &tests[i / 2], .ip6 = i % 2};
        snprintf(runs[i].name, sizeof runs[i].name, "%s-ip%c", tests[i / 2].name, i % 2 ? '6' : '4');
        units[i] = (struct CMUnitTest){runs[i].name, run_one, setup, teardown, &runs[i]};
    }
    failed = _cmocka_run_group_tests("scripts", units, 2 * n, NULL, NULL);
    free(units);
    free(runs);
    return failed;
}
