/* tuples: where the next connection to a target comes from: all our addresses on the way to it and all ports from 1024 on, round and round, but for those whose replies would reach another
 * worker and those that are in use. */
#ifndef LOAD_TUPLES_H
#define LOAD_TUPLES_H

#include "net/net.h"
#include "tcp/tcp.h"

#define TUPLES_LPORT_MIN 1024

struct tuples {
    const struct sl_steer *steer;
    struct sl_tcp *tcp;
    struct sl_endpoint target;
    uint32_t worker, n_locals, at; /* at: the address */
    uint32_t lport;                /* the next to be looked at */
    struct sl_ip locals[SL_NET_ADDRS_MAX];
};

struct tuples_params {
    struct sl_net *net; /* for the way to the target */
    struct sl_tcp *tcp;
    const struct sl_steer *steer;
    const struct sl_net_iface_conf *ifaces; /* net's */
    uint32_t worker;
    uint64_t seed; /* of the place to begin: what the last run left at the target in TIME-WAIT is elsewhere */
};

/* -EHOSTUNREACH: no address of ours leads there. */
int tuples_init(struct tuples *t, const struct tuples_params *p, const struct sl_endpoint *target, struct sl_err *err);

/* The next that is free. False: there was none among the few thousand that one call looks at; the next call goes on from there. */
bool tuples_take(struct tuples *t, struct sl_endpoint *local);

#endif
