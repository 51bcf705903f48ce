/* port: the only room that touches ethdev and reads clocks. Opens devices, sets up queues and steering, moves frames between queues and workers, adapts frames to what a device can
 * do, loads and removes the XDP program, and lets an idle worker sleep.
 *
 * A worker calls rx and tx for every interface. Where it owns a queue, it serves it; where it does not, its frames come and go through the owner over SPSC rings. */
#ifndef SL_PORT_H
#define SL_PORT_H

#include "conf/conf.h"
#include "net/net.h"
#include "stat/stat.h"

struct sl_ports; /* all devices of the process */

/* ---- clocks ---- */
uint64_t sl_port_now(void);    /* ns, monotonic, from the TSC */
uint64_t sl_port_wall_s(void); /* seconds since 1970 */
uint64_t sl_port_cycles(void); /* TSC */
uint64_t sl_port_hz(void);

/* Appends a line to a file, which is made with mode 0600, in one write, from any thread; what fails is not told. For debugging: it may wait for the disk. */
void sl_port_append(const char *path, const char *line, size_t len_bytes);

/* ---- EAL and devices, from the main thread ---- */
/* Starts EAL as conf->dpdk says; lcore 0 is the main (control) thread, lcore 1 + i is worker i on its core. Errors are the machine's: -ENOMEM no hugepages or memory, ... with err. */
int sl_port_eal_start(const struct sl_conf *conf, const char *program, struct sl_err *err);
void sl_port_eal_stop(void); /* leaves no hugepage or file behind */

/* Opens every interface of conf (removes an XDP program that a crashed run of ours left, refuses another's), and fills ifaces (MAC, MTU) for the workers. xdp_object: path of the BPF object file
 * (sl_port_xdp_object). Nothing is received until start. stats: n_workers pointers that are kept, and read from the first rx, tx or wait on: fill them before start. conf must outlive the ports.
 * The queues' packet pools take up to half of conf->dpdk.memory_bytes; they live until EAL stops, because frames outlive devices. Pools are named port0, port1, ... */
int sl_ports_open(const struct sl_conf *conf, const char *xdp_object, uint32_t n_workers, struct sl_stats *const *stats,
                  struct sl_ports **ports, struct sl_err *err);
const struct sl_net_iface_conf *sl_ports_ifaces(const struct sl_ports *p, uint32_t *n);
const struct sl_steer *sl_ports_steer(const struct sl_ports *p);
/* Fills the XDP program's maps and starts the devices. */
int sl_ports_start(struct sl_ports *p, struct sl_err *err);
/* Whether all devices have a link: what is sent before is lost (a memif whose other end is not there yet). */
bool sl_ports_linked(const struct sl_ports *p);
/* Where the XDP program's object file is: beside the running build's or installation's other files. Returns out, even when it is not there. */
const char *sl_port_xdp_object(char *out, size_t size_bytes);
/* Stops, detaches the XDP program, closes. Workers stand still by now and are destroyed only after this: the devices give frames back to their pools. */
void sl_ports_close(struct sl_ports *p);

/* ---- a worker's side, from its own thread only ---- */
/* Up to max frames for this worker from interface iface: polls its queue (and hands on what belongs to others), then its ring. */
uint32_t sl_ports_rx(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t max);
/* Gives n frames that worker made of fragments from interface iface to the workers that they belong to; takes ownership, what finds no place is dropped and counted. */
void sl_ports_hand_over(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t n);
/* Whether tx takes a burst (SL_NET_BURST frames) of this interface now. False while the device has no room: frames are left where they are, and the loop comes back soon. */
#define SL_PORTS_FULL_NS 50000 /* how soon */
bool sl_ports_tx_room(struct sl_ports *p, uint32_t worker, uint8_t iface);
/* Sends or queues n frames, takes ownership of all; what finds no place (nobody had asked tx_room) is dropped and counted. */
void sl_ports_tx(struct sl_ports *p, uint32_t worker, uint8_t iface, struct rte_mbuf **frames, uint32_t n);
/* Pushes out what others gave this worker to send on queues that it owns. */
void sl_ports_flush(struct sl_ports *p, uint32_t worker);
/* Sleeps until a frame, a wake-up or deadline_ns (SL_NEVER: for ever, at most 1 s). Spins (returns at once) where sleeping is off or the device can't. */
void sl_ports_wait(struct sl_ports *p, uint32_t worker, uint64_t deadline_ns);
/* Any thread: ends that worker's sleep. */
void sl_ports_wake(struct sl_ports *p, uint32_t worker);

#endif
