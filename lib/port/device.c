/* One device: found by what the configuration names, set up with queues and pools, started and closed. */
#include <errno.h>
#include <rte_bus.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "port/internal.h"

#define RING_DESCS 2048
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + RTE_VLAN_HLEN)
#define XDP_HEADROOM 256 /* the kernel keeps so much of every buffer for the program (XDP_PACKET_HEADROOM) */

/* How a driver's name in the configuration becomes a device. */
struct driver {
    const char *name, *bus, *device; /* device: name of the vdev before its number; NULL: the configuration gives it */
    int (*prepare)(struct port_device *d, const char *xdp_object, char *args, size_t size, struct sl_err *err);
};

static int prepare_xdp(struct port_device *d, const char *xdp_object, char *args, size_t size, struct sl_err *err);
static int prepare_plain(struct port_device *d, const char *xdp_object, char *args, size_t size, struct sl_err *err);

static const struct driver drivers[] = {
    {"af_xdp", "vdev", "net_af_xdp", prepare_xdp},
    {"memif", "vdev", "net_memif", prepare_plain},
    {"vdev", "vdev", NULL, prepare_plain},
    {"pci", "pci", NULL, prepare_plain},
};

static const struct driver *driver_of(const struct port_device *d)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(drivers); i++)
        if (strcmp(d->conf->driver.s, drivers[i].name) == 0)
            return &drivers[i];
    return NULL;
}

/* ---- probing ---- */

static int prepare_plain(struct port_device *d, const char *xdp_object, char *args, size_t size, struct sl_err *err)
{
    (void)xdp_object;
    (void)err;
    snprintf(args, size, "%s", d->conf->device.s);
    return 0;
}

static int check_link(const struct port_device *d, struct sl_err *err)
{
    const struct port_link *l = &d->link;
    const char *ifname = d->conf->device.s;
    uint32_t served = SL_MAX(l->combined, 1);

    if (!l->up)
        return sl_err_set(err, -ENETDOWN, "interface %s is down: ip link set %s up", ifname, ifname);
    if (d->conf->mtu.mark.line && d->conf->mtu.v > l->mtu)
        return sl_err_set(err, -EINVAL, "interface %s has an MTU of %u, less than the %u of the configuration", ifname,
                          l->mtu, (unsigned)d->conf->mtu.v);
    if (l->rx_queues > served)
        return sl_err_set(err, -EINVAL,
                          "interface %s has %u receive queues of which AF_XDP can serve %u: ethtool -L %s rx 1 tx 1 "
                          "(on a veth: on both ends)",
                          ifname, l->rx_queues, served, ifname);
    if (d->conf->queues.v && d->conf->queues.v != served)
        return sl_err_set(err, -EINVAL,
                          "interface %s has %u queues and %u are configured; frames on the others would be lost: "
                          "ethtool -L %s combined %u",
                          ifname, served, (unsigned)d->conf->queues.v, ifname, (unsigned)d->conf->queues.v);
    for (uint32_t i = 0; i < d->conf->n_addresses; i++) {
        char text[SL_IP_TEXT_MAX], theirs[16];

        if (port_kernel_has(&d->conf->addresses[i].ip, theirs))
            return sl_err_set(err, -EADDRINUSE,
                              "%s is an address of the kernel's own (on %s); kernel and Sluice can't share one",
                              sl_ip_format(&d->conf->addresses[i].ip, text), theirs);
    }
    return 0;
}

static int prepare_xdp(struct port_device *d, const char *xdp_object, char *args, size_t size, struct sl_err *err)
{
    const char *ifname = d->conf->device.s;
    int code = port_link_read(ifname, &d->link), len;

    if (code < 0)
        return sl_err_set(err, code, "interface %s: there is none of this name in this network namespace", ifname);
    code = check_link(d, err);
    if (code < 0)
        return code;
    if (!xdp_object || access(xdp_object, R_OK) < 0)
        return sl_err_set(err, -ENOENT, "the XDP program %s can't be read", xdp_object ? xdp_object : "");
    code = port_gate_take(&d->gate, ifname, err);
    if (code < 0)
        return code;
    /* Without a budget an empty poll costs no system call; but a zero-copy card that wants a wake-up would then hold the driver's receive call for up to a
     * second. A veth has no such thing. */
    len = snprintf(args, size, "iface=%s,queue_count=%u,xdp_prog=%s%s", ifname, SL_MAX(d->link.combined, 1), xdp_object,
                   strcmp(d->link.driver, "veth") == 0 ? ",busy_budget=0" : "");
    return len < (int)size ? 0 : sl_err_set(err, -ENAMETOOLONG, "%s: the path is too long", xdp_object);
}

/* "net_ring0,nodeaction=..." → name and arguments. */
static void split_vdev(const char *text, char *name, size_t size, char *args, size_t args_size)
{
    size_t len = strcspn(text, ",");

    snprintf(name, size, "%.*s", (int)len, text);
    snprintf(args, args_size, "%s", text[len] ? text + len + 1 : "");
}

static int attach(struct port_device *d, const struct driver *drv, const char *args, struct sl_err *err)
{
    char said[256];
    int code;

    if (strcmp(drv->bus, "pci") == 0) { /* EAL probed what its allow list names */
        snprintf(d->ethdev, sizeof d->ethdev, "%s", d->conf->device.s);
        if (rte_eth_dev_get_port_by_name(d->ethdev, &d->port_id) == 0)
            return 0;
        snprintf(d->ethdev, sizeof d->ethdev, "0000:%.26s", d->conf->device.s);
        if (rte_eth_dev_get_port_by_name(d->ethdev, &d->port_id) == 0)
            return 0;
        return sl_err_set(err, -ENODEV, "device %s: not found by DPDK; is it bound to vfio-pci? %s", d->conf->device.s,
                          port_log_last(said, sizeof said));
    }
    port_log_last(said, sizeof said);
    /* Since 24.11 rte_eal_hotplug_add refuses arguments of 128 bytes, which a path soon has. */
    code = rte_vdev_init(d->ethdev, args);
    if (code > 0)
        code = -ENODEV; /* no driver of this name */
    if (code == 0)
        code = rte_eth_dev_get_port_by_name(d->ethdev, &d->port_id);
    if (code < 0)
        return sl_err_set(err, code, "device %s:%s: %s %s", d->conf->driver.s, d->conf->device.s, strerror(-code),
                          port_log_last(said, sizeof said));
    return 0;
}

int port_device_probe(struct port_device *d, uint32_t index, const char *xdp_object, struct sl_err *err)
{
    const struct driver *drv = driver_of(d);
    struct rte_eth_dev_info info;
    char args[1024], text[1024];
    int code;

    d->gate = (struct port_gate){.lock_fd = -1, .group_fd = -1, .addrs_fd = -1};
    if (!drv)
        return sl_err_set(err, -EINVAL, "device %s:%s: the driver is none of af_xdp, pci, memif, vdev",
                          d->conf->driver.s, d->conf->device.s);
    code = drv->prepare(d, xdp_object, args, sizeof args, err);
    if (code < 0)
        return code;
    if (drv->device) {
        snprintf(d->ethdev, sizeof d->ethdev, "%s%u", drv->device, index);
    } else {
        snprintf(text, sizeof text, "%s", args);
        split_vdev(text, d->ethdev, sizeof d->ethdev, args, sizeof args);
    }
    code = attach(d, drv, args, err);
    if (code < 0)
        return code;
    d->probed = true;
    code = rte_eth_dev_info_get(d->port_id, &info);
    if (code < 0)
        return sl_err_set(err, code, "device %s: it does not tell what it can do: %s", d->ethdev, strerror(-code));
    port_caps_of(info.driver_name, &info, &d->caps);
    d->tx_flags = port_caps_tx_flags(&d->caps);
    d->mtu = (uint16_t)d->conf->mtu.v;
    if (d->caps.own_umem)
        d->mtu = (uint16_t)SL_MIN(d->conf->mtu.v, d->link.mtu);
    d->frame_bytes_max = d->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;
    return 0;
}

/* ---- queues ---- */

uint16_t port_device_queues(const struct port_device *d, uint32_t n_workers)
{
    uint64_t n = d->caps.queues_max;

    if (d->caps.own_umem)
        return (uint16_t)n; /* all of them: the card spreads over all, and we can't tell it otherwise */
    if (d->conf->queues.v)
        n = SL_MIN(n, d->conf->queues.v);
    return (uint16_t)SL_MAX(SL_MIN(n, d->caps.rss ? n_workers : 1), 1);
}

/* Data room (headroom counted) for frames of this MTU; 0 when an AF_XDP buffer, which is a page, can't hold them. */
static uint16_t data_room(const struct port_device *d, uint32_t mtu)
{
    uint32_t room = mtu + FRAME_OVERHEAD + RTE_PKTMBUF_HEADROOM + (d->caps.own_umem ? XDP_HEADROOM : 0);
    uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

    room = RTE_ALIGN_CEIL(SL_MAX(room, RTE_MBUF_DEFAULT_BUF_SIZE), SL_CACHE_LINE);
    if (room > UINT16_MAX ||
        (d->caps.own_umem && rte_mempool_calc_obj_size(sizeof(struct rte_mbuf) + room, 0, NULL) > page))
        return 0;
    return (uint16_t)room;
}

uint32_t port_device_buffer_bytes(const struct port_device *d)
{
    uint16_t room = 0;

    if (d->caps.own_umem)
        room = data_room(d, d->link.mtu); /* larger frames than ours may be on the wire, for the kernel */
    return room ? room : data_room(d, d->mtu);
}

static size_t object_bytes(const struct rte_mempool *pool)
{
    return pool->header_size + pool->elt_size + pool->trailer_size;
}

static struct rte_mempool *make_pool(const struct port_device *d, uint32_t worker, uint32_t n, struct sl_err *err)
{
    static unsigned made; /* names are unique: pools live as long as EAL, because frames outlive devices */
    char name[RTE_MEMPOOL_NAMESIZE];
    struct rte_mempool *pool;

    snprintf(name, sizeof name, "port%u", made++);
    pool = sl_worker_pool_create(name, worker, n, (uint16_t)port_device_buffer_bytes(d),
                                 rte_eth_dev_socket_id(d->port_id), err);
    /* AF_XDP's driver takes the first chunk's address and number times size for the whole: there may be neither a second chunk nor a gap. */
    if (pool && d->caps.own_umem &&
        (pool->nb_mem_chunks != 1 || STAILQ_FIRST(&pool->mem_list)->len > n * object_bytes(pool) + SL_CACHE_LINE)) {
        sl_err_set(err, -ENOMEM, "device %s: no contiguous memory for %u buffers (%u pieces); give dpdk.memory more",
                   d->conf->device.s, n, pool->nb_mem_chunks);
        rte_mempool_free(pool);
        return NULL;
    }
    return pool;
}

/* The socket that appeared is the queue's. */
static int new_socket(const int *before, uint32_t n_before)
{
    int now[2 * PORT_QUEUES_MAX];
    uint32_t n = port_xdp_sockets(now, SL_ARRAY_LEN(now));

    for (uint32_t i = 0; i < n; i++) {
        bool old = false;

        for (uint32_t k = 0; k < n_before; k++)
            old |= before[k] == now[i];
        if (!old)
            return now[i];
    }
    return -1;
}

static int setup_queue(struct port_device *d, struct port_queue *q, uint32_t worker, uint16_t rx_descs,
                       uint16_t tx_descs, uint32_t pool_mbufs, struct sl_err *err)
{
    int socket = rte_eth_dev_socket_id(d->port_id), code, before[2 * PORT_QUEUES_MAX];
    uint32_t n_before = d->caps.own_umem ? port_xdp_sockets(before, SL_ARRAY_LEN(before)) : 0;
    char said[256];

    q->fd = -1;
    q->pool = make_pool(d, worker, pool_mbufs, err);
    if (!q->pool)
        return -ENOMEM;
    port_log_last(said, sizeof said);
    sl_worker_thread_is(worker); /* the driver takes buffers in the name of the pool's owner, who does not run yet */
    code = rte_eth_rx_queue_setup(d->port_id, q->id, rx_descs, (unsigned)socket, NULL, q->pool);
    sl_worker_thread_is(SL_WORKERS_MAX);
    if (code == 0)
        code = rte_eth_tx_queue_setup(d->port_id, q->id, tx_descs, (unsigned)socket, NULL);
    if (code < 0)
        return sl_err_set(err, code, "device %s: queue %u can't be set up: %s %s", d->conf->device.s, q->id,
                          strerror(-code), port_log_last(said, sizeof said));
    if (d->caps.own_umem)
        q->fd = new_socket(before, n_before);
    return 0;
}

int port_device_configure(struct port_device *d, uint32_t n_workers, const struct sl_steer *steer, uint32_t pool_mbufs,
                          struct sl_err *err)
{
    uint16_t n = port_device_queues(d, n_workers), rx_descs = RING_DESCS, tx_descs = RING_DESCS;
    struct rte_eth_conf conf = {.rxmode = {.mtu = d->mtu, .offloads = d->caps.rx_offloads},
                                .txmode = {.offloads = d->caps.tx_offloads}};
    uint8_t key[SL_STEER_KEY_BYTES];
    struct rte_eth_dev_info info;
    int code = rte_eth_dev_info_get(d->port_id, &info);

    if (!port_device_buffer_bytes(d) || d->mtu > info.max_mtu)
        return sl_err_set(err, -EINVAL, "device %s: an MTU of %u is more than it can take", d->conf->device.s, d->mtu);
    if (code == 0 && d->caps.rss && n > 1 && info.hash_key_size <= sizeof key) {
        memcpy(key, steer->key, sizeof key);
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf =
            (struct rte_eth_rss_conf){.rss_key = key,
                                      .rss_key_len = info.hash_key_size,
                                      .rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP};
    }
    if (code == 0)
        code = rte_eth_dev_configure(d->port_id, n, n, &conf);
    if (code == 0)
        code = rte_eth_dev_adjust_nb_rx_tx_desc(d->port_id, &rx_descs, &tx_descs);
    if (code < 0)
        return sl_err_set(err, code, "device %s: %u queues can't be configured: %s", d->conf->device.s, n,
                          strerror(-code));
    d->configured = true;
    for (uint16_t q = 0; q < n; q++) {
        d->queues[q].id = q;
        code = setup_queue(d, &d->queues[q], q % n_workers, rx_descs, tx_descs, pool_mbufs, err);
        if (code < 0)
            return code;
        d->n_queues = (uint16_t)(q + 1);
    }
    d->n_owners = SL_MIN(n, n_workers);
    return d->caps.own_umem ? port_gate_find(&d->gate, err) : 0;
}

/* ---- start and stop ---- */

static int program_table(const struct port_device *d, const struct sl_steer *steer)
{
    struct rte_eth_rss_reta_entry64 reta[SL_STEER_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};
    struct rte_eth_dev_info info;

    if (rte_eth_dev_info_get(d->port_id, &info) < 0 || info.reta_size > SL_STEER_RETA_MAX)
        return -ENOTSUP;
    for (uint32_t i = 0; i < info.reta_size; i++) {
        reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
        reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
            steer->reta[i & steer->reta_mask] % d->n_queues;
    }
    return rte_eth_dev_rss_reta_update(d->port_id, reta, info.reta_size);
}

int port_device_start(struct port_device *d, const struct sl_steer *steer, struct sl_err *err)
{
    char said[256];
    int code = rte_eth_dev_start(d->port_id);

    if (code < 0)
        return sl_err_set(err, code, "device %s can't be started: %s %s", d->conf->device.s, strerror(-code),
                          port_log_last(said, sizeof said));
    d->started = true;
    if (d->caps.own_umem)
        return 0; /* the kernel's interface: its modes are not ours to change */
    (void)rte_eth_promiscuous_disable(d->port_id);
    if (rte_eth_allmulticast_enable(d->port_id) < 0) /* neighbour solicitations come by multicast */
        (void)rte_eth_promiscuous_enable(d->port_id);
    if (d->caps.rss && d->n_queues > 1)
        (void)program_table(d, steer); /* what the device then really does is read back by port_steer_matches */
    return 0;
}

void port_device_close(struct port_device *d)
{
    const struct driver *drv = driver_of(d);

    port_gate_shut(&d->gate);
    for (uint32_t q = 0; q < d->n_queues; q++) {
        rte_pktmbuf_free_bulk(d->queues[q].unsent, d->queues[q].n_unsent);
        d->queues[q].n_unsent = 0;
    }
    if (d->started)
        (void)rte_eth_dev_stop(d->port_id);
    if (d->probed) {
        (void)rte_eth_dev_close(d->port_id);
        if (strcmp(drv->bus, "vdev") == 0)
            (void)rte_vdev_uninit(d->ethdev);
        else
            (void)rte_eal_hotplug_remove(drv->bus, d->ethdev);
    }
    port_gate_give_back(&d->gate);
    d->started = d->configured = d->probed = false;
}
