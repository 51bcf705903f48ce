/* What the files of this room share. */
#ifndef SL_PORT_INTERNAL_H
#define SL_PORT_INTERNAL_H

#include <poll.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "port/port.h"
#include "worker/worker.h"

#define PORT_BURST SL_NET_BURST
#define PORT_RING 1024     /* frames between two workers, per device and direction; a power of two */
#define PORT_STRAYS 256    /* datagrams made of fragments that wait for a worker, per device; a power of two */
#define PORT_QUEUES_MAX 64 /* of one device */
#define PORT_NAME_MAX 32   /* of an ethdev */

/* ---- what a device can do: see caps.c ---- */
struct port_caps {
    uint16_t tx_segs;     /* segments of a frame to send; at least 1 */
    bool indirect;        /* sends mbufs whose data lies outside of them (attached, external) */
    bool foreign;         /* sends mbufs of other pools without copying them */
    uint64_t tx_offloads; /* RTE_ETH_TX_OFFLOAD_* that are in use; the rest is done in software */
    uint64_t rx_offloads;
    bool tso;      /* could segment; unused so far, and stated for who comes */
    bool rss;      /* hashes TCP by the four-tuple with a key and a table that we may set */
    bool own_umem; /* AF_XDP: one pool is both receive and transmit memory; the kernel owns the interface */
    uint16_t queues_max;
};

/* By driver (as ethdev names it) and what the device reports. */
void port_caps_of(const char *driver, const struct rte_eth_dev_info *info, struct port_caps *caps);
/* RTE_MBUF_F_TX_* that a device with these offloads does itself. */
uint64_t port_caps_tx_flags(const struct port_caps *caps);

/* ---- AF_XDP: the interface belongs to the kernel; see gate.c, ethtool.c ---- */
struct port_gate {
    unsigned ifindex;
    char ifname[16];
    int lock_fd;  /* held while this process serves the interface */
    int group_fd; /* keeps the multicast groups of our addresses joined */
    uint32_t prog_id;
    int addrs_fd; /* the map of our addresses */
};

/* Takes the interface for this process and clears what a crashed run left. -ENODEV, -ENETDOWN, -EBUSY with err. */
int port_gate_take(struct port_gate *g, const char *ifname, struct sl_err *err);
/* Finds the program that the driver attached, and its maps. */
int port_gate_find(struct port_gate *g, struct sl_err *err);
/* From now on frames for these addresses are ours. */
int port_gate_open(struct port_gate *g, const struct sl_net_iface_conf *iface, struct sl_err *err);
/* The kernel gets every frame again; to be called before the device is closed. */
void port_gate_shut(struct port_gate *g);
/* Detaches the program if the driver did not, and gives the interface up. */
void port_gate_give_back(struct port_gate *g);
#define PORT_RSS_KEY_MAX 64
struct port_link { /* what the kernel knows of an interface */
    char driver[32];
    uint32_t mtu, rx_queues, combined;
    bool up;
    uint32_t rss_size, rss_key_bytes; /* 0: no RSS, or it does not tell */
    uint8_t rss_key[PORT_RSS_KEY_MAX];
    uint32_t rss_table[SL_STEER_RETA_MAX];
};
/* -ENODEV when there is no such interface in this network namespace. */
int port_link_read(const char *ifname, struct port_link *link);
/* Whether ip is an address of the kernel's own in this network namespace; fills ifname. */
bool port_kernel_has(const struct sl_ip *ip, char ifname[16]);

/* ---- devices ---- */
struct port_queue {
    uint16_t id;
    struct rte_mempool *pool; /* of the worker that polls it */
    int fd;                   /* poll() on it sleeps until a frame is there; -1: can't */
    bool trusted;             /* the device hashes as we do, so TCP on this queue belongs to its worker */
    uint32_t samples;         /* frames since the last check of that */
    uint32_t n_unsent;        /* frames that the device had no room for: they go before all others */
    struct rte_mbuf *unsent[PORT_BURST];
};

struct port_device {
    const struct sl_conf_interface *conf;
    char ethdev[PORT_NAME_MAX];
    uint16_t port_id;
    bool probed, configured, started;
    struct port_caps caps;
    uint64_t tx_flags; /* RTE_MBUF_F_TX_* that the device does */
    uint16_t mtu, n_queues;
    uint32_t frame_bytes_max;
    struct port_queue queues[PORT_QUEUES_MAX];
    struct port_gate gate;
    struct port_link link;
    uint32_t n_owners;           /* workers 0 to n_owners - 1 poll queues: queue q is polled by worker q % n_workers */
    struct rte_ring **to_worker; /* [owner * n_workers + worker]: received frames for others */
    struct rte_ring **strays;    /* [worker]: from any worker, so with several producers; all others have one */
    struct rte_ring **to_owner;  /* [worker * n_owners + owner]: frames that others want sent */
};

struct port_worker {
    uint32_t sleeping; /* atomic: about to sleep or asleep */
    uint32_t pending;  /* atomic: a wake-up that has not been seen */
    int event_fd;
    bool sleepable;
    uint32_t n_fds;
    struct pollfd *fds; /* [0] is the eventfd */
} __attribute__((aligned(SL_CACHE_LINE)));

struct sl_ports {
    uint32_t n_workers, n_devices;
    struct sl_stats *const *stats;
    struct sl_net_iface_conf ifaces[SL_NET_IFACES_MAX];
    struct port_device devices[SL_NET_IFACES_MAX];
    struct sl_steer steer;
    bool has_steer, idle_sleep;
    struct port_worker *workers;
};

static inline struct sl_stats *port_stats(const struct sl_ports *p, uint32_t worker) { return p->stats[worker]; }

/* Probes the device that the configuration names and finds out what it can do. */
int port_device_probe(struct port_device *d, uint32_t index, const char *xdp_object, struct sl_err *err);
/* Queues and pools; steer holds the key and table that the device is to use. pool_mbufs: buffers of each queue. */
int port_device_configure(struct port_device *d, uint32_t n_workers, const struct sl_steer *steer, uint32_t pool_mbufs,
                          struct sl_err *err);
/* Bytes of one receive buffer, headroom counted; 0: the MTU is too large. */
uint32_t port_device_buffer_bytes(const struct port_device *d);
/* How many queues the device is going to have. */
uint16_t port_device_queues(const struct port_device *d, uint32_t n_workers);
/* Starts it and gives it steer's table where it takes one. */
int port_device_start(struct port_device *d, const struct sl_steer *steer, struct sl_err *err);
void port_device_close(struct port_device *d);

/* Chooses key and table for all devices: from the first AF_XDP interface that tells its own, else at random. */
int port_steer_choose(struct sl_ports *p, struct sl_err *err);
/* Whether the device's own key and table put TCP on the queues of the workers that steer says. */
bool port_steer_matches(const struct port_device *d, const struct sl_steer *steer);

/* ---- hand-over: see handover.c ---- */
int port_rings_create(struct sl_ports *p, struct port_device *d, uint32_t index, struct sl_err *err);
void port_rings_free(struct sl_ports *p, struct port_device *d);
/* Keeps what is worker's of n frames that it received on queue q, in frames; its count. The rest is handed to its workers, who are woken. */
uint32_t port_distribute(struct sl_ports *p, struct port_device *d, struct port_queue *q, uint32_t worker,
                         struct rte_mbuf **frames, uint32_t n);
/* Puts n frames on ring; what finds no place is freed and counted. */
void port_ring_put(struct sl_ports *p, uint32_t worker, struct rte_ring *ring, struct rte_mbuf **frames, uint32_t n);

/* ---- adapter: see adapt.c ---- */
/* A frame that the device can send, from m (consumed): NULL when it could not be made, which is counted. pool: for copies. */
struct rte_mbuf *port_adapt(const struct port_device *d, struct rte_mempool *pool, struct sl_stats *st,
                            struct rte_mbuf *m);

/* ---- sleep: see wait.c ---- */
int port_workers_create(struct sl_ports *p, struct sl_err *err);
void port_workers_free(struct sl_ports *p);
/* The AF_XDP sockets of this process, into fds; their count. */
uint32_t port_xdp_sockets(int *fds, uint32_t max);

/* ---- EAL ---- */
void port_clock_start(void);
int port_log_open(void);
/* Text of the last lines that EAL and drivers wrote since the last call, for an error message; "" for none. */
const char *port_log_last(char *out, size_t size_bytes);
/* Lines are only kept (quiet), or written to stderr as well. */
void port_log_quiet(bool quiet);
void port_log_close(void);

/* Makes sure that bytes of hugepages can be had, by raising the kernel's overcommit limit if need be; false when they can't. */
bool port_hugepages_get(uint64_t bytes);
/* Lets others measure again, once EAL has its memory (or has failed). */
void port_hugepages_unlock(void);
/* Lowers the limit again by what get raised. */
void port_hugepages_restore(void);
/* Where the kernel tells of hugepages: another folder, for tests. */
void port_hugepages_folder(const char *path);

#endif
