#include "tuples.h"

#include <errno.h>

#define LOOKS_MAX 4096 /* of one call */

static void add_locals(struct tuples *t, struct sl_net *net, const struct sl_net_iface_conf *iface)
{
    struct sl_net_path path;

    for (uint32_t i = 0; i < iface->n_addrs; i++) {
        const struct sl_ip *ip = &iface->addrs[i].ip;

        if (sl_ip_is4(ip) == sl_ip_is4(&t->target.ip) && sl_net_route(net, ip, &t->target.ip, &path) == 0)
            t->locals[t->n_locals++] = *ip;
    }
}

int tuples_init(struct tuples *t, const struct tuples_params *p, const struct sl_endpoint *target, struct sl_err *err)
{
    char text[SL_ENDPOINT_TEXT_MAX];
    struct sl_ip local;
    struct sl_rng rng;
    uint8_t iface;

    *t = (struct tuples){.steer = p->steer, .tcp = p->tcp, .worker = p->worker, .target = *target};
    if (sl_net_source(p->net, &target->ip, &local) == 0 && sl_net_is_local(p->net, &local, &iface))
        add_locals(t, p->net, &p->ifaces[iface]);
    if (!t->n_locals)
        return sl_err_set(err, -EHOSTUNREACH, "no interface leads to %s", sl_endpoint_format(target, text));
    sl_rng_seed(&rng, p->seed);
    t->at = (uint32_t)sl_rng_below(&rng, t->n_locals);
    t->lport = TUPLES_LPORT_MIN + (uint32_t)sl_rng_below(&rng, UINT16_MAX + 1 - TUPLES_LPORT_MIN);
    return 0;
}

/* The next port of the current address, or the first of the next address. */
static bool step(struct tuples *t, struct sl_endpoint *local)
{
    local->ip = t->locals[t->at];
    local->port = t->lport > UINT16_MAX ? 0
                                        : sl_steer_lport(t->steer, t->worker, &local->ip, &t->target.ip, t->target.port,
                                                         (uint16_t)t->lport, UINT16_MAX);
    if (local->port) {
        t->lport = local->port + 1u;
        return true;
    }
    t->at = (t->at + 1) % t->n_locals;
    t->lport = TUPLES_LPORT_MIN;
    return false;
}

bool tuples_take(struct tuples *t, struct sl_endpoint *local)
{
    for (uint32_t looks = 0; looks < LOOKS_MAX; looks++)
        if (step(t, local) && !sl_tcp_in_use(t->tcp, local, &t->target))
            return true;
    return false;
}
