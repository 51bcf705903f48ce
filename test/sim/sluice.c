/* Sluice between client and origin: one or more workers behind two interfaces. Frames are distributed by the same
 * hash that lib/port uses where a device has one queue. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define FRONT 0
#define BACK 1

struct sluice {
    struct sim_node node;
    struct sl_net_iface_conf ifaces[2];
    struct sl_steer steer;
    struct sl_conf *conf;
    struct sl_worker *workers[SIM_WORKERS_MAX];
    uint32_t n_workers;
};

static const char conf_text[] =
    "workers: { cores: [0] }\n"
    "interfaces:\n"
    "  - { name: front, device: \"vdev:front\", addresses: [198.18.0.10/24, \"2001:db8:1::10/64\"] }\n"
    "  - { name: back, device: \"vdev:back\", addresses: [198.18.1.10/24, \"2001:db8:2::10/64\"] }\n"
    "upstreams:\n"
    "  - { name: four, servers: [\"198.18.1.2:8080\"], connect_timeout: 600s }\n"
    "  - { name: six, servers: [\"[2001:db8:2::2]:8080\"], connect_timeout: 600s }\n"
    "listeners:\n"
    "  - { name: flow, address: [\"198.18.0.10:8080\", \"[2001:db8:1::10]:8080\"], protocol: tcp, upstream: %s }\n";

static struct sluice *sluice_of(struct sim_node *n) { return sl_container_of(n, struct sluice, node); }

static struct sl_worker_time time_of(const struct sim_node *n)
{
    return (struct sl_worker_time){.now = n->world->now, .wall_s = 1700000000 + n->world->now / SL_NS_PER_S};
}

/* One thread plays all workers; pools know which by this. */
static void become(const struct sluice *s, uint32_t worker)
{
    sl_worker_thread_is(worker < s->n_workers ? worker : SL_WORKERS_MAX);
}

static void give(struct sluice *s, uint32_t worker, uint8_t iface, struct rte_mbuf *m)
{
    struct sl_worker_time t = time_of(&s->node);

    become(s, worker);
    sl_worker_input(s->workers[worker], iface, &m, 1, &t);
    become(s, s->n_workers);
    if (sl_worker_strays(s->workers[worker], iface, &m, 1)) /* it was the last of a datagram's fragments */
        give(s, (uint32_t)sl_steer_frame(&s->steer, m), iface, m);
}

static struct rte_mbuf *copy(const struct rte_mbuf *m)
{
    uint8_t bytes[TH_FRAME_MAX];
    size_t len = th_mbuf_bytes(m, bytes, sizeof bytes);

    return th_mbuf_exact(sim_pools()->frames, bytes, len, 0);
}

static void input(struct sim_node *n, uint8_t iface, struct rte_mbuf **frames, uint32_t count)
{
    struct sluice *s = sluice_of(n);

    for (uint32_t i = 0; i < count; i++) {
        int worker = sl_steer_frame(&s->steer, frames[i]);

        for (uint32_t k = 1; worker == SL_STEER_ALL && k < s->n_workers; k++)
            give(s, k, iface, copy(frames[i]));
        give(s, worker == SL_STEER_ALL ? 0 : (uint32_t)worker, iface, frames[i]);
    }
}

static void run(struct sim_node *n)
{
    struct sluice *s = sluice_of(n);
    struct sl_worker_time t = time_of(n);
    struct rte_mbuf *frames[32];

    for (uint32_t i = 0; i < s->n_workers; i++) {
        become(s, i);
        sl_worker_run(s->workers[i], &t);
        for (uint8_t k = 0; k < 2; k++)
            for (uint32_t got; (got = sl_worker_output(s->workers[i], k, frames, (uint32_t)SL_ARRAY_LEN(frames)));)
                for (uint32_t f = 0; f < got; f++)
                    sim_send(n, k, frames[f]);
    }
    become(s, s->n_workers);
}

static uint64_t next(struct sim_node *n)
{
    struct sluice *s = sluice_of(n);
    uint64_t at = SL_NEVER;

    for (uint32_t i = 0; i < s->n_workers; i++)
        at = SL_MIN(at, sl_worker_next(s->workers[i]));
    return at;
}

static uint32_t conns(struct sim_node *n)
{
    struct sluice *s = sluice_of(n);
    uint32_t sum = 0;

    for (uint32_t i = 0; i < s->n_workers; i++)
        sum += sl_worker_busy(s->workers[i]);
    return sum;
}

static void destroy(struct sim_node *n)
{
    struct sluice *s = sluice_of(n);

    for (uint32_t i = 0; i < s->n_workers; i++) {
        become(s, i);
        sl_worker_destroy(s->workers[i]);
    }
    become(s, s->n_workers);
    sl_steer_free(&s->steer);
    sl_conf_free(s->conf);
    free(s);
}

static const struct sim_node_ops ops = {.input = input, .run = run, .next = next, .conns = conns, .destroy = destroy};

static void make_iface(struct sluice *s, uint32_t i, const char *ip4, const char *ip6, uint16_t mtu)
{
    struct sl_net_iface_conf *c = &s->ifaces[i];

    *c = (struct sl_net_iface_conf){.mac = th_mac(0x100 + i), .mtu = mtu, .n_addrs = mtu < SIM_MTU_IP6 ? 1 : 2};
    snprintf(c->name, sizeof c->name, "%s", i == FRONT ? "front" : "back");
    c->addrs[0] = (struct sl_net_addr){th_ip(ip4), 24};
    c->addrs[1] = (struct sl_net_addr){th_ip(ip6), 64};
    s->node.ifaces[i] = (struct sim_iface){.conf = *c, .link = -1};
}

static void make_conf(struct sluice *s)
{
    struct sl_conf_errors *errs = calloc(1, sizeof *errs);
    char text[sizeof conf_text + 16], line[512];
    int len = snprintf(text, sizeof text, conf_text, s->node.world->sc->ip6_back ? "six" : "four");

    assert(errs);
    s->conf = sl_conf_parse(text, (size_t)len, "sim.yaml", NULL, NULL, errs);
    if (!s->conf)
        sim_fail(s->node.world, "%s", sl_conf_error_format(errs, 0, line, sizeof line));
    free(errs);
}

static void apply(struct sluice *s, uint32_t i)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);
    struct sl_worker_time t = time_of(&s->node);

    assert(msg);
    msg->kind = SL_MSG_APPLY;
    msg->conf = s->conf;
    msg->generation = 1;
    sl_worker_post(s->workers[i], msg);
    sl_worker_run(s->workers[i], &t);
    if (!msg->done || msg->result)
        sim_fail(s->node.world, "worker %u takes no configuration: %s", i, msg->err.text);
    free(msg);
}

struct sim_node *sim_sluice_create(struct sim_world *w)
{
    static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
                                    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
                                    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
    struct sluice *s = calloc(1, sizeof *s);
    uint8_t secret[32] = {(uint8_t)w->sc->seed, (uint8_t)(w->sc->seed >> 8)};
    struct sl_err err = {0};

    assert(s);
    s->node = (struct sim_node){.ops = &ops, .world = w, .name = "sluice", .n_ifaces = 2};
    make_iface(s, FRONT, "198.18.0.10", "2001:db8:1::10", w->sc->mtu_front);
    make_iface(s, BACK, "198.18.1.10", "2001:db8:2::10", w->sc->mtu_back);
    make_conf(s);
    sl_steer_init(&s->steer, key, sizeof key, NULL, 0, w->sc->workers);
    for (uint32_t i = 0; i < w->sc->workers && !w->failure[0]; i++) {
        struct sl_worker_params p = {.id = i,
                                     .n_workers = w->sc->workers,
                                     .socket = SOCKET_ID_ANY,
                                     .ifaces = s->ifaces,
                                     .n_ifaces = 2,
                                     .steer = &s->steer};

        p.conns_max = 256;
        p.handshakes_max = 4;
        p.mbufs = w->sc->worker_mbufs;
        p.replay_secret = secret;
        p.seed = w->sc->seed * 8 + i;
        sl_worker_thread_is(i);
        if (sl_worker_create(&p, w->now, &s->workers[i], &err))
            sim_die("sl_worker_create", &err);
        else
            apply(s, s->n_workers++);
    }
    become(s, s->n_workers);
    return &s->node;
}
