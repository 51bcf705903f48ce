/* announce: tells the link which addresses are ours, and where, once at the start: a device may have another link address than the last run's, under the same IP addresses. ARP announcements (RFC 5227 3) and
 * unsolicited neighbour advertisements (RFC 4861 7.2.6). */
#ifndef LOAD_ANNOUNCE_H
#define LOAD_ANNOUNCE_H

#include "net/net.h"

/* One frame for each address of the interface, at most SL_NET_ADDRS_MAX; fewer when the pool is dry. */
uint32_t announce_all(const struct sl_net_iface_conf *iface, struct rte_mempool *pool,
                      struct rte_mbuf *frames[static SL_NET_ADDRS_MAX]);

#endif
