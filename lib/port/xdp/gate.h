/* What the XDP program and its loader agree on. Included by both, so it includes nothing but the kernel's types. */
#ifndef SL_GATE_H
#define SL_GATE_H

#include <linux/types.h>

/* Names as the kernel keeps them: at most 15 characters. */
#define SL_GATE_PROGRAM "sluice_gate"
#define SL_GATE_MAP_XSKS "xsks_map"
#define SL_GATE_MAP_ADDRS "sluice_addrs"
#define SL_GATE_MAP_STATS "sluice_stats"

#define SL_GATE_QUEUES_MAX 256
#define SL_GATE_ADDRS_MAX 1024

struct sl_gate_addr { /* network order; IPv4 as ::ffff:a.b.c.d */
    __u32 w[4];
};

struct sl_gate_rule {
    __u16 vlan; /* the tag that frames for this address carry; 0: none, or priority only */
    __u16 reserved;
};

enum sl_gate_stat {
    SL_GATE_REDIRECTED, /* frames given to a socket's queue */
    SL_GATE_NO_SOCKET,  /* frames of ours that arrived on a queue without a socket, and went to the kernel */
    SL_GATE_STAT_COUNT,
};

#endif
