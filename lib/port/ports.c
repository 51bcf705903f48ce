/* Opens all devices of a configuration, in order: probe each, choose how to steer, set up queues, rings and wake-ups. */
#include <errno.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "port/internal.h"

/* AF_XDP holds a fill ring and a transmit ring of 2048 each from the queue's pool; the rest is for frames that connections hold. */
#define POOL_MBUFS_MIN 6144
#define POOL_MBUFS_MAX 65536

static void fill_iface(struct sl_net_iface_conf *iface, const struct port_device *d)
{
    const struct sl_conf_interface *c = d->conf;

    *iface = (struct sl_net_iface_conf){
        .mtu = d->mtu, .vlan = (uint16_t)c->vlan.v, .n_addrs = SL_MIN(c->n_addresses, SL_NET_ADDRS_MAX)};
    snprintf(iface->name, sizeof iface->name, "%.15s", c->name.s);
    (void)rte_eth_macaddr_get(d->port_id, &iface->mac);
    for (uint32_t i = 0; i < iface->n_addrs; i++)
        iface->addrs[i] = (struct sl_net_addr){.ip = c->addresses[i].ip, .prefix_bits = c->addresses[i].prefix_bits};
    if (c->gateway4.mark.line)
        iface->gateway4 = c->gateway4.ip;
    if (c->gateway6.mark.line)
        iface->gateway6 = c->gateway6.ip;
}

/* Buffers of each queue: the queues share half of the memory; the other half is the workers'. */
static int share_memory(const struct sl_ports *p, const struct sl_conf *conf, uint32_t *mbufs, struct sl_err *err)
{
    uint64_t bytes_each = 0, n;

    for (uint32_t i = 0; i < p->n_devices; i++) {
        uint32_t room = port_device_buffer_bytes(&p->devices[i]);

        bytes_each += (uint64_t)port_device_queues(&p->devices[i], p->n_workers) *
                      rte_mempool_calc_obj_size(sizeof(struct rte_mbuf) + room, 0, NULL);
    }
    n = conf->dpdk.memory_bytes.v / 2 / SL_MAX(bytes_each, 1);
    if (n < POOL_MBUFS_MIN)
        return sl_err_set(err, -ENOMEM,
                          "dpdk.memory is %llu MiB; the queues of these interfaces need at least %llu MiB",
                          (unsigned long long)(conf->dpdk.memory_bytes.v >> 20),
                          (unsigned long long)(2 * POOL_MBUFS_MIN * bytes_each >> 20) + 1);
    *mbufs = (uint32_t)SL_MIN(n, POOL_MBUFS_MAX);
    return 0;
}

static int open_devices(struct sl_ports *p, const struct sl_conf *conf, const char *xdp_object, struct sl_err *err)
{
    uint32_t mbufs = 0;
    int code = 0;

    for (uint32_t i = 0; i < conf->n_interfaces && code == 0; i++) {
        p->devices[i].conf = &conf->interfaces[i];
        p->n_devices = i + 1;
        code = port_device_probe(&p->devices[i], i, xdp_object, err);
    }
    if (code == 0)
        code = port_steer_choose(p, err);
    if (code == 0)
        code = share_memory(p, conf, &mbufs, err);
    for (uint32_t i = 0; i < p->n_devices && code == 0; i++) {
        struct port_device *d = &p->devices[i];

        code = port_device_configure(d, p->n_workers, &p->steer, mbufs, err);
        if (code == 0)
            code = port_rings_create(p, d, i, err);
        fill_iface(&p->ifaces[i], d);
    }
    return code;
}

int sl_ports_open(const struct sl_conf *conf, const char *xdp_object, uint32_t n_workers, struct sl_stats *const *stats,
                  struct sl_ports **ports, struct sl_err *err)
{
    struct sl_ports *p;
    int code;

    *ports = NULL;
    if (n_workers < 1 || n_workers > SL_WORKERS_MAX || conf->n_interfaces > SL_NET_IFACES_MAX)
        return sl_err_set(err, -EINVAL, "at most %u workers and %u interfaces", SL_WORKERS_MAX, SL_NET_IFACES_MAX);
    p = calloc(1, sizeof *p);
    if (!p)
        return sl_err_set(err, -ENOMEM, "no memory for ports");
    p->n_workers = n_workers;
    p->stats = stats;
    p->idle_sleep = conf->workers.idle == SL_IDLE_SLEEP;
    port_log_quiet(true);
    code = open_devices(p, conf, xdp_object, err);
    if (code == 0)
        code = port_workers_create(p, err);
    port_log_quiet(false);
    if (code < 0) {
        sl_ports_close(p);
        return code;
    }
    *ports = p;
    return 0;
}

const struct sl_net_iface_conf *sl_ports_ifaces(const struct sl_ports *p, uint32_t *n)
{
    *n = p->n_devices;
    return p->ifaces;
}

const struct sl_steer *sl_ports_steer(const struct sl_ports *p) { return &p->steer; }

int sl_ports_start(struct sl_ports *p, struct sl_err *err)
{
    for (uint32_t i = 0; i < p->n_devices; i++) {
        struct port_device *d = &p->devices[i];
        int code = port_device_start(d, &p->steer, err);
        bool matches;

        if (code == 0 && d->caps.own_umem)
            code = port_gate_open(&d->gate, &p->ifaces[i], err);
        if (code < 0)
            return code;
        matches = port_steer_matches(d, &p->steer);
        for (uint32_t q = 0; q < d->n_queues; q++)
            d->queues[q].trusted = matches;
    }
    return 0;
}

bool sl_ports_linked(const struct sl_ports *p)
{
    for (uint32_t i = 0; i < p->n_devices; i++) {
        struct rte_eth_link link = {0};

        if (rte_eth_link_get_nowait(p->devices[i].port_id, &link) < 0 || link.link_status != RTE_ETH_LINK_UP)
            return false;
    }
    return true;
}

void sl_ports_close(struct sl_ports *p)
{
    if (!p)
        return;
    port_log_quiet(true);
    for (uint32_t i = 0; i < p->n_devices; i++) {
        port_device_close(&p->devices[i]);
        port_rings_free(p, &p->devices[i]);
    }
    port_log_quiet(false);
    port_workers_free(p);
    if (p->has_steer)
        sl_steer_free(&p->steer);
    free(p);
}

/* The program stands beside the build's or the installation's other files. */
const char *sl_port_xdp_object(char *out, size_t size_bytes)
{
    static const char *const places[] = {"/../../lib/port/xdp/sluice_xdp.bpf.o", "/../share/sluice/sluice_xdp.bpf.o"};
    char exe[512], *slash;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    exe[n > 0 ? n : 0] = 0;
    slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < SL_ARRAY_LEN(places); i++) {
        snprintf(out, size_bytes, "%s%s", exe, places[i]);
        if (access(out, R_OK) == 0)
            return out;
    }
    return out;
}
