/* A host: one interface, net and tcp, and the application's side that lives here. */
#include "sim.h"

#include <stdlib.h>

#define ROUNDS_MAX 1000u /* of work at one moment */

struct host {
    struct sim_node node;
    struct sl_stats stats;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_net_batch batch;
    bool is_client;
};

static struct host *host_of(struct sim_node *n) { return sl_container_of(n, struct host, node); }

static void input(struct sim_node *n, uint8_t iface, struct rte_mbuf **frames, uint32_t count)
{
    struct host *h = host_of(n);
    uint64_t now = n->world->now;

    sl_net_input(h->net, iface, frames, count, now, &h->batch);
    sl_tcp_input(h->tcp, &h->batch, now);
}

static bool send_all(struct host *h)
{
    struct rte_mbuf *frames[32];
    uint32_t n;
    bool any = false;

    while ((n = sl_net_tx(h->net, 0, frames, (uint32_t)SL_ARRAY_LEN(frames)))) {
        for (uint32_t i = 0; i < n; i++)
            sim_send(&h->node, 0, frames[i]);
        any = true;
    }
    return any;
}

static void run(struct sim_node *n)
{
    struct host *h = host_of(n);
    uint64_t now = n->world->now;
    uint32_t rounds = 0;
    bool more;

    sl_net_timers(h->net, now);
    sl_tcp_timers(h->tcp, now);
    do {
        more = sim_app_run(n->world->app, h->is_client);
        sl_tcp_output(h->tcp, now);
        more |= send_all(h);
        if (++rounds == ROUNDS_MAX)
            sim_fail(n->world, "%s finds no rest at one moment", n->name);
    } while (more && rounds < ROUNDS_MAX);
}

static uint64_t next(struct sim_node *n)
{
    struct host *h = host_of(n);

    return SL_MIN(SL_MIN(sl_tcp_next(h->tcp), sl_net_next(h->net)), sim_app_next(n->world->app, h->is_client));
}

static uint32_t conns(struct sim_node *n) { return sl_tcp_conns(host_of(n)->tcp); }

static void destroy(struct sim_node *n)
{
    struct host *h = host_of(n);

    sl_tcp_destroy(h->tcp);
    sl_net_destroy(h->net);
    free(h);
}

static const struct sim_node_ops ops = {.input = input, .run = run, .next = next, .conns = conns, .destroy = destroy};

static void make_iface(struct sim_node *n, struct sl_ip ip4, struct sl_ip ip6, uint16_t mtu, uint32_t mac)
{
    struct sl_net_iface_conf *c = &n->ifaces[0].conf;

    *c = (struct sl_net_iface_conf){.name = "eth0", .mac = th_mac(mac), .mtu = mtu};
    c->n_addrs = mtu < SIM_MTU_IP6 ? 1 : 2;
    c->addrs[0] = (struct sl_net_addr){ip4, 24};
    c->addrs[1] = (struct sl_net_addr){ip6, 64};
    n->n_ifaces = 1;
    n->ifaces[0].link = -1;
}

struct sim_node *sim_host_create(struct sim_world *w, const char *name, struct sl_ip ip4, struct sl_ip ip6,
                                 uint16_t mtu, uint32_t mac, bool is_client)
{
    const struct sim_pools *pools = sim_pools();
    struct host *h = calloc(1, sizeof *h);
    struct sl_net_params np;
    struct sl_tcp_params tp;
    struct sl_endpoint local;
    struct sl_err err = {0};

    assert(h);
    h->node = (struct sim_node){.ops = &ops, .world = w, .name = name};
    h->node.stats = &h->stats;
    h->is_client = is_client;
    make_iface(&h->node, ip4, ip6, mtu, mac);
    np = (struct sl_net_params){
        .ifaces = &h->node.ifaces[0].conf, .n_ifaces = 1, .answers = true, .pool = pools->net, .stats = &h->stats};
    np.seed = w->sc->seed * 4 + mac;
    if (sl_net_create(&np, &h->net, &err))
        sim_die("sl_net_create", &err);
    tp = (struct sl_tcp_params){.net = h->net,
                                .stats = &h->stats,
                                .hdr_pool = pools->hdr,
                                .ref_pool = pools->ref,
                                .conns_max = 256,
                                .time_wait_max = 256};
    tp.held_max_bytes = w->sc->held_max_bytes;
    tp.seed = np.seed;
    memset(tp.secret, (int)mac, sizeof tp.secret);
    memcpy(tp.secret, &w->sc->seed, sizeof w->sc->seed);
    if (sl_tcp_create(&tp, w->now, &h->tcp, &err))
        sim_die("sl_tcp_create", &err);
    local = (struct sl_endpoint){(is_client ? w->sc->ip6_front : w->sc->ip6_back) ? ip6 : ip4,
                                 is_client ? 0 : SIM_SERVER_PORT};
    sim_app_attach(w->app, h->tcp, &local, is_client);
    return &h->node;
}
