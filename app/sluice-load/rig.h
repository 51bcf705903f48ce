/* What tests of the load generator share: hosts joined by a wire in memory, in virtual time. For the tests of this folder only. */
#ifndef LOAD_RIG_H
#define LOAD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "body.h"
#include "crypto/crypto.h"
#include "helpers/helpers.h"
#include "host.h"

#define RIG_ENDS 3
#define RIG_STEP_NS (250 * SL_NS_PER_US)

/* Whoever is at an end of the wire. */
struct rig_end {
    struct host *host;        /* one of the two */
    struct sl_worker *worker; /* Sluice */
    struct load_plan plan;
    struct sl_net_iface_conf iface;
};

struct rig {
    uint64_t now;
    struct sl_steer steer;
    struct sl_conf *conf; /* of the hosts */
    struct sl_conf_tls tls;
    struct rig_end ends[RIG_ENDS];
    uint32_t n_ends;
    /* Does with a frame from that end what the test wants, before its checksums are made; false: it is lost. NULL: nothing. */
    bool (*meddle)(uint32_t end, struct rte_mbuf *m);
};

static struct rig rig;

static inline struct sl_endpoint rig_at(const char *text)
{
    struct sl_endpoint ep;

    assert_true(sl_endpoint_parse(text, &ep));
    return ep;
}

static inline void rig_begin(void)
{
    static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
                                    0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};
    static const char text[] = "workers: { cores: [0] }\nlimits: { connections: 4096 }\n"
                               "interfaces: [{ name: w, device: \"vdev:null\", addresses: 198.18.0.1/24 }]\n";
    static struct sl_conf_errors errs;
    struct sl_err err = {""};

    rig = (struct rig){.now = 1000 * SL_NS_PER_S};
    sl_worker_thread_is(0);
    body_init();
    assert_int_equal(sl_crypto_thread_start(&err), 0);
    assert_int_equal(sl_steer_init(&rig.steer, key, sizeof key, NULL, 0, 1), 0);
    rig.conf = sl_conf_parse_machine(text, sizeof text - 1, "rig.yaml", &errs);
    assert_non_null(rig.conf);
    rig.tls = rig.conf->tls[SL_POLICY_MODERN];
}

static inline struct rig_end *rig_place(const char *ip, const char *ip2)
{
    struct rig_end *e = &rig.ends[rig.n_ends++];

    e->iface =
        (struct sl_net_iface_conf){.name = "wire", .mac = th_mac(rig.n_ends), .mtu = 1500, .n_addrs = ip2 ? 2 : 1};
    e->iface.addrs[0] = (struct sl_net_addr){th_ip(ip), 24};
    if (ip2)
        e->iface.addrs[1] = (struct sl_net_addr){th_ip(ip2), 24};
    return e;
}

/* A plan with one flow of the mode to `to` (NULL: none) and an origin at `origin` (NULL: none). */
static inline struct load_plan rig_plan(enum load_mode mode, const char *to, const char *origin)
{
    const struct load_mode_info *info = &load_modes[mode];
    struct load_plan p = {.plain = true, .name = "site.test", .share_uses = 1};

    if (to) {
        p.targets[p.n_targets++] = rig_at(to);
        p.flows[p.n_flows++] = (struct load_flow){.mode = mode,
                                                  .connections = 8,
                                                  .requests = info->requests,
                                                  .get_bytes = info->get_bytes,
                                                  .put_bytes = info->put_bytes};
    }
    if (origin)
        p.origins[p.n_origins++] = rig_at(origin);
    return p;
}

static inline struct host *rig_host(struct rig_end *e, const struct load_plan *plan)
{
    struct host_params p = {.plan = &e->plan,
                            .conf = rig.conf,
                            .n_workers = 1,
                            .socket = SOCKET_ID_ANY,
                            .ifaces = &e->iface,
                            .n_ifaces = 1,
                            .steer = &rig.steer,
                            .mbufs = 16384,
                            .seed = rig.n_ends,
                            .tls = &rig.tls};
    struct sl_err err = {""};

    e->plan = *plan;
    if (host_create(&p, rig.now, &e->host, &err) < 0)
        fail_msg("%s", err.text);
    return e->host;
}

static inline void rig_end(void)
{
    for (uint32_t i = 0; i < rig.n_ends; i++) {
        host_destroy(rig.ends[i].host);
        sl_worker_destroy(rig.ends[i].worker);
    }
    sl_conf_free(rig.conf);
    sl_steer_free(&rig.steer);
    sl_crypto_thread_stop();
}

/* ---- the wire ---- */

static inline void rig_deliver(struct rig_end *e, struct rte_mbuf *m)
{
    struct sl_worker_time t = {.now = rig.now, .wall_s = 1800000000};

    if (e->host)
        host_input(e->host, 0, &m, 1, rig.now);
    else
        sl_worker_input(e->worker, 0, &m, 1, &t);
}

static inline bool rig_is_for(const struct rte_mbuf *m, const struct rig_end *e)
{
    const struct rte_ether_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

    return rte_is_broadcast_ether_addr(&h->dst_addr) || rte_is_same_ether_addr(&h->dst_addr, &e->iface.mac);
}

/* Everybody else that it is meant for gets a copy: as memif does, which leaves buffers with their sender. */
static inline void rig_carry(uint32_t from, struct rte_mbuf *m)
{
    if (!rig.meddle || rig.meddle(from, m)) {
        sl_net_finish(m);
        for (uint32_t i = 0; i < rig.n_ends; i++) {
            struct rte_mempool *pool = rig.ends[i].host ? rig.ends[i].host->pools.data : m->pool;
            struct rte_mbuf *copy =
                i == from || !rig_is_for(m, &rig.ends[i]) ? NULL : rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);

            if (copy)
                rig_deliver(&rig.ends[i], copy);
        }
    }
    rte_pktmbuf_free(m);
}

static inline void rig_step(void)
{
    struct sl_worker_time t = {.now = rig.now, .wall_s = 1800000000};

    for (uint32_t i = 0; i < rig.n_ends; i++) {
        struct rig_end *e = &rig.ends[i];
        struct rte_mbuf *frames[SL_NET_BURST];
        uint32_t n;

        if (e->host)
            host_run(e->host, rig.now, t.wall_s);
        else
            sl_worker_run(e->worker, &t);
        while ((n = e->host ? host_output(e->host, 0, frames, SL_NET_BURST)
                            : sl_worker_output(e->worker, 0, frames, SL_NET_BURST)))
            for (uint32_t k = 0; k < n; k++)
                rig_carry(i, frames[k]);
        if (e->host)
            host_crypto(e->host, rig.now);
    }
    rig.now += RIG_STEP_NS;
}

static inline void rig_run_ms(uint32_t ms)
{
    for (uint64_t until = rig.now + ms * SL_NS_PER_MS; rig.now < until;)
        rig_step();
}

static inline const struct tally *rig_tally(void) { return &rig.ends[0].host->tallies[0]; }

#endif
