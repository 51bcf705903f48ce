/* One endpoint in virtual time: packets in, packets out, and who waits for what. */
#include "adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

#define START_NS (1000000 * SL_NS_PER_S)
#define PATIENCE_NS (3600 * SL_NS_PER_S) /* without a packet, or without what a call waits for */
#define STEPS_MAX 200000                 /* deadlines in one wait; more means that time stands still */
#define ETHER_BYTES 14
#define OUR_MAC 1
#define PEER_MAC 2

static struct {
    struct rte_mempool *frames, *net, *hdr, *ref;
} pools;

struct packet {
    struct sl_list link;
    uint64_t at_ns;
    size_t len;
    uint8_t bytes[];
};

struct waiter {
    struct sl_list link;
    bool (*attempt)(struct pd_world *w, void *op);
    void *op;
    uint64_t until;
    bool done, success;
    uint64_t done_at;
};

static __thread uint64_t ended_at; /* this thread's blocked call; 0: none that gettimeofday has not told */

static void need(bool good, const char *what, const char *why)
{
    if (good)
        return;
    fprintf(stderr, "sluice: %s: %s\n", what, why);
    abort();
}

struct rte_mbuf *pd_mbuf(const void *bytes, size_t len) { return th_mbuf_exact(pools.frames, bytes, len, 0); }

/* ---- flags ---- */
static void set_local(struct pd_flags *f, const char *value)
{
    struct sl_ip ip = th_ip(value);

    *(sl_ip_is4(&ip) ? &f->local4 : &f->local6) = ip;
}

static void set_mtu(struct pd_flags *f, const char *value) { f->mtu = (uint16_t)strtoul(value, NULL, 10); }
static void set_time_wait(struct pd_flags *f, const char *value)
{
    f->time_wait_ns = strtoul(value, NULL, 10) * SL_NS_PER_MS;
}
static void set_trace(struct pd_flags *f, const char *value) { f->trace = strcmp(value, "1") == 0; }

static void set_ecn(struct pd_flags *f, const char *value)
{
    f->ecn = strcmp(value, "ask") == 0   ? SL_TCP_ECN_ASK
             : strcmp(value, "off") == 0 ? SL_TCP_ECN_OFF
                                         : SL_TCP_ECN_ACCEPT;
}

static void set_cookies(struct pd_flags *f, const char *value)
{
    f->cookies = strcmp(value, "always") == 0 ? SL_TCP_COOKIES_ALWAYS
                 : strcmp(value, "off") == 0  ? SL_TCP_COOKIES_OFF
                                              : SL_TCP_COOKIES_AUTO;
}

static const struct {
    const char *key;
    void (*set)(struct pd_flags *f, const char *value);
} keys[] = {
    {"local", set_local}, {"mtu", set_mtu},         {"time_wait_ms", set_time_wait},
    {"ecn", set_ecn},     {"cookies", set_cookies}, {"trace", set_trace},
};

static void set_key(struct pd_flags *f, const char *key, const char *value)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i].key, key) == 0) {
            keys[i].set(f, value);
            return;
        }
    }
    need(false, "no such flag in --so_flags", key);
}

static struct pd_flags parse_flags(const char *text)
{
    struct pd_flags f = {.local4 = th_ip("198.18.0.10"), .local6 = th_ip("2001:db8:1::10"), .mtu = 1500};
    char *copy = strdup(text ? text : ""), *rest = copy, *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        char *value = strchr(word, '=');

        if (!*word)
            continue;
        need(value, "a flag without a value in --so_flags", word);
        *value++ = 0;
        set_key(&f, word, value);
    }
    free(copy);
    return f;
}

/* ---- packets ---- */
static void give(struct pd_world *w, const uint8_t *frame, size_t len)
{
    struct rte_mbuf *m = pd_mbuf(frame, len);

    sl_net_input(w->net, 0, &m, 1, w->now, &w->batch);
}

static void trace(const struct pd_world *w, const char *way, const uint8_t *frame, size_t len)
{
    struct th_pkt p;
    char text[400];

    if (!w->flags.trace)
        return;
    th_decode(frame, len, &p);
    fprintf(stderr, "%12.6f %s %s\n", (double)(w->now - START_NS) / 1e9, way, th_describe(&p, text, sizeof text));
}

int pd_packet_in(struct pd_world *w, const void *packet, size_t len)
{
    static uint8_t frame[TH_FRAME_MAX];
    struct rte_ether_hdr *eth = (struct rte_ether_hdr *)frame;
    uint8_t version = len ? *(const uint8_t *)packet >> 4 : 0;

    if (version != 4 && version != 6)
        return -EINVAL;
    if (len + ETHER_BYTES > sizeof frame)
        return -EMSGSIZE;
    eth->dst_addr = th_mac(OUR_MAC);
    eth->src_addr = th_mac(PEER_MAC);
    eth->ether_type = rte_cpu_to_be_16(version == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
    memcpy(frame + ETHER_BYTES, packet, len);
    trace(w, "<", frame, ETHER_BYTES + len);
    give(w, frame, ETHER_BYTES + len);
    pd_run(w);
    return 0;
}

/* Everybody is our neighbour's neighbour: whoever is asked for answers. */
static bool answer_neighbour(struct pd_world *w, const uint8_t *frame, size_t len)
{
    static uint8_t bytes[TH_FRAME_MAX];
    struct th_pkt q, answer;
    struct th_store store;
    struct sl_ip whose = {0};

    if (th_decode(frame, len, &q) == NULL) {
        if (q.kind == TH_ARP)
            whose = q.arp.tpa;
        else if (q.kind == TH_ICMP && q.icmp.len >= sizeof whose.b)
            memcpy(whose.b, q.icmp.data, sizeof whose.b);
    }
    if (!th_answer_neighbour(frame, len, &whose, th_mac(PEER_MAC), &answer, &store))
        return false;
    give(w, bytes, th_encode(&answer, bytes, sizeof bytes));
    return true;
}

static void keep(struct pd_world *w, const uint8_t *frame, size_t len)
{
    const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)frame;
    struct packet *p;

    if (len < ETHER_BYTES || eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP))
        return;
    trace(w, ">", frame, len);
    p = malloc(sizeof *p + len);
    need(p, "packet", "out of memory");
    p->at_ns = w->now;
    p->len = len - ETHER_BYTES;
    memcpy(p->bytes, frame + ETHER_BYTES, p->len);
    sl_list_push_back(&w->sent, &p->link);
}

static bool collect(struct pd_world *w)
{
    static uint8_t frame[TH_FRAME_MAX];
    struct rte_mbuf *m;
    bool any = false;

    while (sl_net_tx(w->net, 0, &m, 1)) {
        size_t len;

        sl_net_finish(m);
        len = th_mbuf_bytes(m, frame, sizeof frame);
        rte_pktmbuf_free(m);
        if (!answer_neighbour(w, frame, len))
            keep(w, frame, len);
        any = true;
    }
    return any;
}

long pd_packet_out(struct pd_world *w, void *packet, size_t room, uint64_t *at_ns)
{
    uint64_t until = w->now + PATIENCE_NS;
    struct packet *p;
    long len;

    while (sl_list_empty(&w->sent) && w->now < until) {
        uint64_t next = SL_MIN(sl_tcp_next(w->tcp), sl_net_next(w->net));

        if (next > until)
            return 0;
        pd_advance(w, SL_MAX(next, w->now + 1));
    }
    if (sl_list_empty(&w->sent))
        return 0;
    p = sl_container_of(sl_list_pop_front(&w->sent), struct packet, link);
    len = p->len > room ? -EMSGSIZE : (long)p->len;
    if (len > 0)
        memcpy(packet, p->bytes, p->len);
    *at_ns = p->at_ns;
    free(p);
    return len;
}

/* ---- time ---- */
static bool complete(struct pd_world *w, struct waiter *x)
{
    if (x->done)
        return false;
    x->success = x->attempt(w, x->op);
    x->done = x->success || w->now >= x->until;
    x->done_at = w->now;
    return x->done;
}

static bool complete_waiters(struct pd_world *w)
{
    bool any = false;

    for (struct sl_list *l = w->waiters.next; l != &w->waiters; l = l->next)
        any |= complete(w, sl_container_of(l, struct waiter, link));
    if (any)
        pthread_cond_broadcast(&w->woken);
    return any;
}

void pd_run(struct pd_world *w)
{
    bool more;

    do {
        sl_tcp_input(w->tcp, &w->batch, w->now);
        pd_take_events(w);
        sl_tcp_output(w->tcp, w->now);
        more = collect(w);
        more |= complete_waiters(w);
    } while (more);
}

static uint64_t next_deadline(const struct pd_world *w)
{
    uint64_t next = SL_MIN(sl_tcp_next(w->tcp), sl_net_next(w->net));

    for (struct sl_list *l = w->waiters.next; l != &w->waiters; l = l->next) {
        struct waiter *x = sl_container_of(l, struct waiter, link);

        if (!x->done)
            next = SL_MIN(next, x->until);
    }
    return next;
}

static void step(struct pd_world *w, uint64_t limit)
{
    w->now = SL_MAX(w->now, SL_MIN(next_deadline(w), limit));
    sl_net_timers(w->net, w->now);
    sl_tcp_timers(w->tcp, w->now);
    pd_run(w);
}

void pd_advance(struct pd_world *w, uint64_t until)
{
    uint32_t still = 0;

    while (w->now < until) {
        uint64_t before = w->now;

        step(w, until);
        still = w->now == before ? still + 1 : 0;
        need(still < STEPS_MAX, "time", "the next deadline does not move");
    }
    step(w, until);
}

static bool wait_here(struct pd_world *w, struct waiter *x)
{
    while (!x->done)
        pd_advance(w, SL_MAX(w->now + 1, SL_MIN(next_deadline(w), x->until)));
    return x->success;
}

static bool wait_for_owner(struct pd_world *w, struct waiter *x)
{
    while (!x->done)
        pthread_cond_wait(&w->woken, &w->lock);
    ended_at = x->done_at;
    return x->success;
}

bool pd_wait(struct pd_world *w, bool (*attempt)(struct pd_world *w, void *op), void *op, uint64_t timeout_ns)
{
    bool mine = pthread_equal(pthread_self(), w->owner), success;
    uint64_t most = mine ? PATIENCE_NS : SL_NEVER - w->now;
    struct waiter *x = malloc(sizeof *x);

    need(x, "a call", "out of memory");
    *x = (struct waiter){.attempt = attempt, .op = op, .until = w->now + SL_MIN(timeout_ns, most)};
    sl_list_push_back(&w->waiters, &x->link);
    if (complete(w, x))
        success = x->success;
    else
        success = mine ? wait_here(w, x) : wait_for_owner(w, x);
    sl_list_remove(&x->link);
    free(x);
    return success;
}

uint64_t pd_time_asked(struct pd_world *w)
{
    uint64_t at = ended_at;

    ended_at = 0;
    if (!at) { /* whoever asks again and again waits for time to pass */
        pd_advance(w, w->now + SL_NS_PER_US);
        at = w->now;
    }
    return at;
}

/* ---- the world ---- */
static void make_pools(void)
{
    if (pools.frames)
        return;
    th_eal_init();
    pools.frames = th_pool("pd_frames", 8191, 0);
    pools.net = th_pool("pd_net", 1023, 2048);
    pools.hdr = th_pool("pd_hdr", 8191, 256);
    pools.ref = th_pool("pd_ref", 8191, 0);
}

static void make_net(struct pd_world *w)
{
    struct sl_net_iface_conf iface = {.name = "pd", .mac = th_mac(OUR_MAC), .mtu = w->flags.mtu, .n_addrs = 2};
    struct sl_net_params np = {
        .ifaces = &iface, .n_ifaces = 1, .answers = true, .pool = pools.net, .stats = &w->stats, .seed = 1};
    struct sl_err err = {0};

    iface.addrs[0] = (struct sl_net_addr){w->flags.local4, 24};
    iface.addrs[1] = (struct sl_net_addr){w->flags.local6, 64};
    iface.gateway4 = w->flags.local4;
    iface.gateway4.b[15] = iface.gateway4.b[15] == 1 ? 2 : 1;
    iface.gateway6 = w->flags.local6;
    iface.gateway6.b[15] = iface.gateway6.b[15] == 1 ? 2 : 1;
    if (iface.mtu < 1280)
        iface.n_addrs = 1;
    need(sl_net_create(&np, &w->net, &err) == 0, "sl_net_create", err.text);
}

static void make_tcp(struct pd_world *w)
{
    struct sl_tcp_params tp = {.net = w->net,
                               .stats = &w->stats,
                               .hdr_pool = pools.hdr,
                               .ref_pool = pools.ref,
                               .conns_max = 256,
                               .time_wait_max = 256,
                               .held_max_bytes = 64 << 20,
                               .seed = 7,
                               .time_wait_ns = w->flags.time_wait_ns};
    struct sl_err err = {0};

    memset(tp.secret, 0x42, sizeof tp.secret);
    need(sl_tcp_create(&tp, w->now, &w->tcp, &err) == 0, "sl_tcp_create", err.text);
}

struct pd_world *pd_world_create(const char *flags)
{
    struct pd_world *w = calloc(1, sizeof *w);

    need(w, "world", "out of memory");
    make_pools();
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->woken, NULL);
    w->owner = pthread_self();
    w->flags = parse_flags(flags);
    w->now = START_NS;
    w->next_port = 32768;
    sl_ready_init(&w->ready);
    sl_list_init(&w->sent);
    sl_list_init(&w->waiters);
    make_net(w);
    make_tcp(w);
    return w;
}

void pd_world_destroy(struct pd_world *w)
{
    struct sl_list *node;

    for (int fd = 0; fd < PD_FDS_MAX; fd++)
        if (w->socks[fd])
            pd_sock_free(w, w->socks[fd]);
    sl_tcp_destroy(w->tcp);
    sl_net_destroy(w->net);
    while ((node = sl_list_pop_front(&w->sent)) != NULL)
        free(sl_container_of(node, struct packet, link));
    if (!th_pools_full())
        fprintf(stderr, "sluice: packet buffers are missing\n");
    pthread_cond_destroy(&w->woken);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
