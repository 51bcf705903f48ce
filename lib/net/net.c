/* Making a worker's net; its interfaces, addresses and routes. */
#include <errno.h>
#include <stdlib.h>

#include "net/internal.h"

bool net_limit_pass(struct net_limit *l, uint64_t now, uint64_t price_ns, uint32_t burst)
{
    uint64_t from = SL_MAX(l->paid_until_ns, now);

    if (from - now > (burst - 1) * price_ns)
        return false;
    l->paid_until_ns = from + price_ns;
    return true;
}

static uint32_t word4(const struct sl_ip *ip) { return ip->w[3]; } /* as it lies in memory */

/* fe80::/64 with the MAC as modified EUI-64 (RFC 4291 2.5.6 and appendix A). */
static struct sl_ip link_local_of(const struct rte_ether_addr *mac)
{
    const uint8_t *m = mac->addr_bytes;

    return (struct sl_ip){.b = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

/* The address of an IPv4 network with all host bits one; 0 for /31 (RFC 3021), /32 and IPv6. */
static uint32_t directed_broadcast(const struct sl_net_addr *a)
{
    if (!sl_ip_is4(&a->ip) || a->prefix_bits >= 31)
        return 0;
    return word4(&a->ip) | __builtin_bswap32(UINT32_MAX >> a->prefix_bits);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "directed_broadcast swaps");

static bool is_group_or_none(const struct sl_ip *ip)
{
    static const struct sl_ip none;

    if (sl_ip_is4(ip))
        return ip->b[12] == 0 || ip->b[12] == 127 || ip->b[12] >= 224;
    return ip->b[0] == 0xff || sl_ip_equal(ip, &none);
}

static int check_iface(const struct sl_net_iface_conf *c, struct sl_err *err)
{
    char text[SL_IP_TEXT_MAX];

    if (c->n_addrs > SL_NET_ADDRS_MAX)
        return sl_err_set(err, -EINVAL, "interface %s: more than %d addresses", c->name, SL_NET_ADDRS_MAX);
    if (c->vlan > 4094)
        return sl_err_set(err, -EINVAL, "interface %s: VLAN %u is not 1 to 4094", c->name, c->vlan);
    if (!rte_is_valid_assigned_ether_addr(&c->mac))
        return sl_err_set(err, -EINVAL, "interface %s: its MAC is no station's address", c->name);
    if (c->mtu < 576)
        return sl_err_set(err, -EINVAL, "interface %s: MTU %u is under 576 bytes", c->name, c->mtu);
    for (uint32_t k = 0; k < c->n_addrs; k++) {
        const struct sl_net_addr *a = &c->addrs[k];

        if (is_group_or_none(&a->ip) || a->prefix_bits > (sl_ip_is4(&a->ip) ? 32 : 128))
            return sl_err_set(err, -EINVAL, "interface %s: %s/%u is no host's address", c->name,
                              sl_ip_format(&a->ip, text), a->prefix_bits);
        if (!sl_ip_is4(&a->ip) && c->mtu < 1280)
            return sl_err_set(err, -EINVAL, "interface %s: IPv6 needs an MTU of at least 1280 bytes, not %u", c->name,
                              c->mtu);
    }
    return 0;
}

int sl_net_create(const struct sl_net_params *params, struct sl_net **out, struct sl_err *err)
{
    struct sl_net *net;

    if (params->n_ifaces > SL_NET_IFACES_MAX)
        return sl_err_set(err, -EINVAL, "more than %d interfaces", SL_NET_IFACES_MAX);
    for (uint32_t k = 0; k < params->n_ifaces; k++) {
        int rc = check_iface(&params->ifaces[k], err);

        if (rc)
            return rc;
    }
    net = calloc(1, sizeof *net);
    if (!net)
        return sl_err_set(err, -ENOMEM, "no memory for the network state");
    net->stats = params->stats;
    net->pool = params->pool;
    net->answers = params->answers;
    net->steer = params->steer;
    net->worker = params->worker;
    net->n_ifaces = (uint8_t)params->n_ifaces;
    sl_rng_seed(&net->rng, params->seed);
    net->hash_key = (struct sl_hash_key){{sl_rng_next(&net->rng), sl_rng_next(&net->rng)}};
    for (uint8_t k = 0; k < net->n_ifaces; k++) {
        struct net_iface *i = &net->ifaces[k];

        i->conf = params->ifaces[k];
        i->index = k;
        i->link_local = link_local_of(&i->conf.mac);
        for (uint32_t a = 0; a < i->conf.n_addrs; a++)
            i->broadcast4[a] = directed_broadcast(&i->conf.addrs[a]);
    }
    net_neighbour_init(net);
    net_fragment_init(net, params->fragment_bytes);
    *out = net;
    return 0;
}

void sl_net_destroy(struct sl_net *net)
{
    if (!net)
        return;
    net_neighbour_free_all(net);
    net_fragment_free_all(net);
    for (uint8_t k = 0; k < net->n_ifaces; k++) {
        struct net_iface *i = &net->ifaces[k];

        while (i->tx_tail != i->tx_head)
            rte_pktmbuf_free(i->tx[i->tx_tail++ % SL_NET_TX_QUEUE]);
        rte_pktmbuf_free_bulk(i->strays, i->n_strays);
    }
    free(net);
}

void sl_net_timers(struct sl_net *net, uint64_t now)
{
    net_neighbour_timers(net, now);
    net_fragment_timers(net, now);
}

uint64_t sl_net_next(const struct sl_net *net) { return SL_MIN(sl_wheel_next(&net->wheel), net_fragment_next(net)); }

bool net_iface_has(const struct net_iface *i, const struct sl_ip *ip)
{
    for (uint32_t k = 0; k < i->conf.n_addrs; k++)
        if (sl_ip_equal(&i->conf.addrs[k].ip, ip))
            return true;
    return sl_ip_equal(&i->link_local, ip);
}

static bool is_link_local(const struct sl_ip *ip) { return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80; }

bool net_iface_on_link(const struct net_iface *i, const struct sl_ip *ip)
{
    for (uint32_t k = 0; k < i->conf.n_addrs; k++)
        if (sl_ip_in_prefix(ip, &i->conf.addrs[k].ip, i->conf.addrs[k].prefix_bits))
            return true;
    return is_link_local(ip);
}

bool net_ip4_is_broadcast(const struct net_iface *i, const struct sl_ip *ip)
{
    if (word4(ip) == UINT32_MAX)
        return true;
    for (uint32_t k = 0; k < i->conf.n_addrs; k++)
        if (i->broadcast4[k] && i->broadcast4[k] == word4(ip))
            return true;
    return false;
}

const struct sl_ip *net_iface_source(const struct net_iface *i, const struct sl_ip *target)
{
    const struct sl_ip *first = sl_ip_is4(target) ? NULL : &i->link_local;
    bool found = false;

    if (is_link_local(target))
        return &i->link_local;
    for (uint32_t k = 0; k < i->conf.n_addrs; k++) {
        const struct sl_net_addr *a = &i->conf.addrs[k];

        if (sl_ip_is4(&a->ip) != sl_ip_is4(target))
            continue;
        if (sl_ip_in_prefix(target, &a->ip, a->prefix_bits))
            return &a->ip;
        if (!found && !is_link_local(&a->ip)) {
            first = &a->ip;
            found = true;
        }
    }
    return first;
}

bool sl_net_is_local(const struct sl_net *net, const struct sl_ip *ip, uint8_t *iface)
{
    for (uint8_t k = 0; k < net->n_ifaces; k++) {
        if (net_iface_has(&net->ifaces[k], ip)) {
            if (iface)
                *iface = k;
            return true;
        }
    }
    return false;
}

static const struct sl_ip *gateway_for(const struct net_iface *i, const struct sl_ip *remote)
{
    static const struct sl_ip none;
    const struct sl_ip *gw = sl_ip_is4(remote) ? &i->conf.gateway4 : &i->conf.gateway6;

    return sl_ip_equal(gw, &none) ? NULL : gw;
}

/* Whether the interface has an address of remote's family in remote's network. */
static bool same_network(const struct net_iface *i, const struct sl_ip *remote)
{
    for (uint32_t k = 0; k < i->conf.n_addrs; k++)
        if (sl_ip_in_prefix(remote, &i->conf.addrs[k].ip, i->conf.addrs[k].prefix_bits))
            return true;
    return false;
}

int sl_net_source(const struct sl_net *net, const struct sl_ip *remote, struct sl_ip *local)
{
    const struct net_iface *way = NULL;
    const struct sl_ip *source;

    for (uint8_t k = 0; k < net->n_ifaces && !way; k++)
        if (same_network(&net->ifaces[k], remote))
            way = &net->ifaces[k];
    for (uint8_t k = 0; k < net->n_ifaces && !way; k++)
        if (gateway_for(&net->ifaces[k], remote))
            way = &net->ifaces[k];
    source = way ? net_iface_source(way, remote) : NULL;
    if (!source || (is_link_local(source) && !is_link_local(remote)))
        return -EHOSTUNREACH;
    *local = *source;
    return 0;
}

int sl_net_route(struct sl_net *net, const struct sl_ip *local, const struct sl_ip *remote, struct sl_net_path *path)
{
    const struct net_iface *i;
    const struct net_neighbour *n;
    const struct sl_ip *hop;
    uint8_t k;

    if (!sl_net_is_local(net, local, &k) || sl_ip_is4(local) != sl_ip_is4(remote) || is_group_or_none(remote) ||
        sl_net_is_local(net, remote, NULL))
        return -EHOSTUNREACH;
    i = &net->ifaces[k];
    if (sl_ip_is4(remote) && net_ip4_is_broadcast(i, remote))
        return -EHOSTUNREACH;
    hop = net_iface_on_link(i, remote) ? remote : gateway_for(i, remote);
    if (!hop)
        return -EHOSTUNREACH;
    n = net_neighbour_find(net, k, hop);
    *path = (struct sl_net_path){.neighbour = n ? (uint32_t)(n - net->neighbours) : NET_NO_NEIGHBOUR,
                                 .mtu = i->conf.mtu,
                                 .iface = k,
                                 .gateway = hop != remote};
    return 0;
}

const struct sl_ip *sl_net_next_hop(const struct sl_net *net, const struct sl_net_path *path,
                                    const struct sl_ip *remote)
{
    const struct sl_net_iface_conf *conf = &net->ifaces[path->iface].conf;

    if (!path->gateway)
        return remote;
    return sl_ip_is4(remote) ? &conf->gateway4 : &conf->gateway6;
}
