/* The neighbour cache: RFC 4861 7.3 for both families, ARP included. An entry comes into being by our own need or by a request that is addressed to us. When
 * the cache is full, who was learned and not proven goes first, then who never answered, then who is in use; gateways stay. */
#include <errno.h>
#include <stdio.h>

#include "net/internal.h"

#define RETRY_NS SL_NS_PER_S            /* RetransTimer */
#define TRIES 3                         /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define REACHABLE_NS (30 * SL_NS_PER_S) /* BaseReachableTime, times 0.5 to 1.5 */
#define DELAY_NS (5 * SL_NS_PER_S)      /* DELAY_FIRST_PROBE_TIME */
#define STALE_NS (600 * SL_NS_PER_S)    /* unused for so long: forgotten */
#define HOLD_DOWN_NS SL_NS_PER_S        /* after a failure: packets are refused at once */
#define PENDING_TOTAL 512               /* frames that wait, over all neighbours */
#define INCOMPLETE_MAX (SL_NET_NEIGHBOURS_MAX / 4)

#define BIT(s) (1u << NET_##s)

static const struct {
    const char *name;
    uint32_t from; /* states from which one comes here */
    enum net_lru lru;
} states[NET_STATES] = {
    [NET_FREE] = {"free", ~0u, NET_LRUS},
    [NET_INCOMPLETE] = {"incomplete", BIT(FREE), NET_LRU_INCOMPLETE},
    [NET_REACHABLE] = {"reachable", ~BIT(FREE), NET_LRU_LIVE},
    [NET_STALE] = {"stale", ~0u, NET_LRU_STALE},
    [NET_DELAY] = {"delay", BIT(STALE), NET_LRU_LIVE},
    [NET_PROBE] = {"probe", BIT(DELAY), NET_LRU_LIVE},
    [NET_FAILED] = {"failed", BIT(INCOMPLETE), NET_LRU_STALE},
};

static uint64_t state_ns(struct sl_net *net, enum net_neighbour_state state)
{
    switch (state) {
    case NET_INCOMPLETE:
    case NET_PROBE:
        return RETRY_NS;
    case NET_REACHABLE:
        return REACHABLE_NS / 2 + sl_rng_below(&net->rng, REACHABLE_NS);
    case NET_STALE:
        return STALE_NS;
    case NET_DELAY:
        return DELAY_NS;
    default:
        return HOLD_DOWN_NS;
    }
}

static void set_state(struct sl_net *net, struct net_neighbour *n, enum net_neighbour_state state, uint64_t now)
{
    assert(states[state].from & 1u << n->state);
    net->n_incomplete += (state == NET_INCOMPLETE) - (uint32_t)(n->state == NET_INCOMPLETE);
    n->state = (uint8_t)state;
    n->tries = 0;
    sl_list_remove(&n->lru);
    if (!n->gateway && state != NET_FREE)
        sl_list_push_back(&net->lru[states[state].lru], &n->lru);
    if (state == NET_FREE)
        sl_wheel_cancel(&net->wheel, &n->timer);
    else
        sl_wheel_arm(&net->wheel, &n->timer, now + state_ns(net, state));
}

static uint16_t *bucket_of(struct sl_net *net, uint8_t iface, const struct sl_ip *ip)
{
    struct {
        struct sl_ip ip;
        uint64_t iface;
    } key = {*ip, iface};

    return &net->buckets[sl_siphash(&net->hash_key, &key, sizeof key) % NET_BUCKETS];
}

struct net_neighbour *net_neighbour_find(struct sl_net *net, uint8_t iface, const struct sl_ip *ip)
{
    for (uint16_t at = *bucket_of(net, iface, ip); at; at = net->neighbours[at - 1].next) {
        struct net_neighbour *n = &net->neighbours[at - 1];

        if (n->iface == iface && sl_ip_equal(&n->ip, ip))
            return n;
    }
    return NULL;
}

static void drop_pending(struct sl_net *net, struct net_neighbour *n, enum sl_drop why)
{
    for (uint8_t k = 0; k < n->n_pending; k++) {
        rte_pktmbuf_free(n->pending[k]);
        sl_stat_drop(net->stats, why);
    }
    net->n_pending -= n->n_pending;
    sl_stat_sub(net->stats, SL_CTR_NET_PENDING, n->n_pending);
    n->n_pending = 0;
}

static void forget(struct sl_net *net, struct net_neighbour *n, enum sl_drop why)
{
    uint16_t me = (uint16_t)(n - net->neighbours + 1), *link = bucket_of(net, n->iface, &n->ip);

    drop_pending(net, n, why);
    set_state(net, n, NET_FREE, 0);
    while (*link != me)
        link = &net->neighbours[*link - 1].next;
    *link = n->next;
    n->next = net->free;
    net->free = me;
    sl_stat_sub(net->stats, SL_CTR_NET_NEIGHBOURS, 1);
}

static bool evict(struct sl_net *net, enum net_lru from)
{
    if (sl_list_empty(&net->lru[from]))
        return false;
    forget(net, sl_container_of(net->lru[from].next, struct net_neighbour, lru), SL_DROP_NEIGHBOUR_EVICTED);
    sl_stat_inc(net->stats, SL_CTR_NET_NEIGHBOURS_EVICTED);
    return true;
}

static struct net_neighbour *create(struct sl_net *net, struct net_iface *iface, const struct sl_ip *ip,
                                    enum net_neighbour_state state, uint64_t now)
{
    uint16_t *bucket = bucket_of(net, iface->index, ip), me;
    struct net_neighbour *n;

    if (state == NET_INCOMPLETE && net->n_incomplete >= INCOMPLETE_MAX)
        evict(net, NET_LRU_INCOMPLETE);
    if (!net->free && !evict(net, NET_LRU_STALE) && !evict(net, NET_LRU_INCOMPLETE))
        evict(net, NET_LRU_LIVE);
    if (!net->free)
        return NULL;
    me = net->free;
    n = &net->neighbours[me - 1];
    net->free = n->next;
    n->ip = *ip;
    n->iface = iface->index;
    n->gateway = sl_ip_equal(ip, &iface->conf.gateway4) || sl_ip_equal(ip, &iface->conf.gateway6);
    n->next = *bucket;
    *bucket = me;
    memset(&n->mac, 0, sizeof n->mac);
    set_state(net, n, state, now);
    sl_stat_inc(net->stats, SL_CTR_NET_NEIGHBOURS);
    return n;
}

static int send_to(struct sl_net *net, const struct net_neighbour *n, struct rte_mbuf *m)
{
    memcpy(rte_pktmbuf_mtod(m, uint8_t *), n->mac.addr_bytes, RTE_ETHER_ADDR_LEN);
    return net_enqueue(net, &net->ifaces[n->iface], m);
}

static void flush_pending(struct sl_net *net, struct net_neighbour *n)
{
    for (uint8_t k = 0; k < n->n_pending; k++)
        send_to(net, n, n->pending[k]);
    net->n_pending -= n->n_pending;
    sl_stat_sub(net->stats, SL_CTR_NET_PENDING, n->n_pending);
    n->n_pending = 0;
}

bool net_neighbour_asked(const struct net_neighbour *n) { return n->state == NET_INCOMPLETE || n->state == NET_PROBE; }

void net_neighbour_heard(struct sl_net *net, struct net_iface *iface, const struct sl_ip *ip,
                         const struct rte_ether_addr *mac, bool make, uint64_t now)
{
    struct net_neighbour *n = net_neighbour_find(net, iface->index, ip);
    bool known = n && n->state != NET_INCOMPLETE && n->state != NET_FAILED;

    if (known && rte_is_same_ether_addr(&n->mac, mac))
        return;
    if (!n && make)
        n = create(net, iface, ip, NET_STALE, now);
    else if (n)
        set_state(net, n, NET_STALE, now);
    if (!n) {
        if (make)
            sl_stat_drop(net->stats, SL_DROP_NEIGHBOUR_TABLE);
        return;
    }
    n->mac = *mac;
    flush_pending(net, n);
}

void net_neighbour_proved(struct sl_net *net, struct net_neighbour *n, const struct rte_ether_addr *mac, uint64_t now)
{
    n->mac = *mac;
    set_state(net, n, NET_REACHABLE, now);
    flush_pending(net, n);
}

void net_neighbour_doubt(struct sl_net *net, struct net_neighbour *n, uint64_t now)
{
    if (n->state == NET_REACHABLE)
        set_state(net, n, NET_STALE, now);
}

/* A frame waits for the answer; the oldest of the neighbour makes room (RFC 4861 7.2.2). */
static int keep(struct sl_net *net, struct net_neighbour *n, struct rte_mbuf *m)
{
    if (n->n_pending == NET_PENDING_MAX) {
        rte_pktmbuf_free(n->pending[0]);
        sl_stat_drop(net->stats, SL_DROP_NEIGHBOUR_PENDING);
        memmove(n->pending, n->pending + 1, sizeof n->pending - sizeof n->pending[0]);
        n->pending[NET_PENDING_MAX - 1] = m;
        return 0;
    }
    if (net->n_pending >= PENDING_TOTAL) {
        rte_pktmbuf_free(m);
        sl_stat_drop(net->stats, SL_DROP_NEIGHBOUR_PENDING);
        return 0;
    }
    n->pending[n->n_pending++] = m;
    net->n_pending++;
    sl_stat_inc(net->stats, SL_CTR_NET_PENDING);
    return 0;
}

static int refuse(struct sl_net *net, struct rte_mbuf *m, enum sl_drop why, int code)
{
    rte_pktmbuf_free(m);
    sl_stat_drop(net->stats, why);
    return code;
}

/* The entry that the path's hint names, when it is still that of the next hop. */
static struct net_neighbour *hinted(struct sl_net *net, const struct sl_net_path *path, const struct sl_ip *hop)
{
    struct net_neighbour *n = path->neighbour < SL_NET_NEIGHBOURS_MAX ? &net->neighbours[path->neighbour] : NULL;

    return n && n->state != NET_FREE && n->iface == path->iface && sl_ip_equal(&n->ip, hop) ? n : NULL;
}

static void ask(struct sl_net *net, struct net_neighbour *n)
{
    n->tries++;
    net_solicit(net, &net->ifaces[n->iface], &n->ip, n->state == NET_PROBE ? &n->mac : NULL);
}

int net_neighbour_send(struct sl_net *net, struct sl_net_path *path, const struct sl_ip *remote, struct rte_mbuf *m,
                       uint64_t now)
{
    const struct sl_ip *hop = sl_net_next_hop(net, path, remote);
    struct net_neighbour *n = hinted(net, path, hop);

    if (!n) {
        n = net_neighbour_find(net, path->iface, hop);
        if (!n) {
            n = create(net, &net->ifaces[path->iface], hop, NET_INCOMPLETE, now);
            if (!n)
                return refuse(net, m, SL_DROP_NEIGHBOUR_TABLE, -ENOBUFS);
            ask(net, n);
        }
        path->neighbour = (uint32_t)(n - net->neighbours);
    }
    switch (n->state) {
    case NET_FAILED:
        return refuse(net, m, SL_DROP_NEIGHBOUR_FAILED, -EHOSTUNREACH);
    case NET_INCOMPLETE:
        return keep(net, n, m);
    case NET_STALE:
        set_state(net, n, NET_DELAY, now);
        break;
    default:
        break;
    }
    return send_to(net, n, m);
}

void sl_net_confirm(struct sl_net *net, const struct sl_net_path *path, const struct sl_ip *remote, uint64_t now)
{
    struct net_neighbour *n = hinted(net, path, sl_net_next_hop(net, path, remote));

    if (!n || n->state == NET_INCOMPLETE || n->state == NET_FAILED)
        return;
    /* Once in a while is enough: this is called for every good ACK. */
    if (n->state == NET_REACHABLE && n->timer.at_ns > now + REACHABLE_NS / 4)
        return;
    set_state(net, n, NET_REACHABLE, now);
}

static void fail(struct sl_net *net, struct net_neighbour *n, uint64_t now)
{
    struct sl_event ev = {.kind = SL_EVENT_NEIGHBOUR_FAILED, .code = -EHOSTUNREACH};
    char text[SL_IP_TEXT_MAX];

    snprintf(ev.note, sizeof ev.note, "%.39s", sl_ip_format(&n->ip, text));
    sl_event_emit(net->stats, now, &ev);
    drop_pending(net, n, SL_DROP_NEIGHBOUR_FAILED);
    set_state(net, n, NET_FAILED, now);
}

static void expire(struct sl_net *net, struct net_neighbour *n, uint64_t now)
{
    switch (n->state) {
    case NET_REACHABLE:
        set_state(net, n, NET_STALE, now);
        return;
    case NET_DELAY:
        set_state(net, n, NET_PROBE, now);
        ask(net, n);
        return;
    case NET_INCOMPLETE:
    case NET_PROBE:
        if (n->tries < TRIES) {
            sl_wheel_arm(&net->wheel, &n->timer, now + RETRY_NS);
            ask(net, n);
        } else if (n->state == NET_INCOMPLETE) {
            fail(net, n, now);
        } else {
            forget(net, n, SL_DROP_NEIGHBOUR_FAILED); /* the next packet asks everybody */
        }
        return;
    default:
        forget(net, n, SL_DROP_NEIGHBOUR_FAILED);
    }
}

void net_neighbour_timers(struct sl_net *net, uint64_t now)
{
    struct sl_list due, *node;

    sl_list_init(&due);
    sl_wheel_advance(&net->wheel, now, &due);
    while ((node = sl_list_pop_front(&due)) != NULL)
        expire(net, sl_container_of(sl_container_of(node, struct sl_timer, link), struct net_neighbour, timer), now);
}

void net_neighbour_init(struct sl_net *net)
{
    sl_wheel_init(&net->wheel, 0);
    for (int k = 0; k < NET_LRUS; k++)
        sl_list_init(&net->lru[k]);
    for (uint16_t k = 0; k < SL_NET_NEIGHBOURS_MAX; k++) {
        sl_list_init(&net->neighbours[k].lru);
        sl_timer_init(&net->neighbours[k].timer);
        net->neighbours[k].next = (uint16_t)(k + 1 < SL_NET_NEIGHBOURS_MAX ? k + 2 : 0);
    }
    net->free = 1;
}

void net_neighbour_free_all(struct sl_net *net)
{
    for (uint32_t k = 0; k < SL_NET_NEIGHBOURS_MAX; k++)
        drop_pending(net, &net->neighbours[k], SL_DROP_NEIGHBOUR_EVICTED);
}

void sl_net_each_neighbour(const struct sl_net *net, void (*fn)(void *ctx, const struct sl_net_neighbour_info *),
                           void *ctx)
{
    for (uint32_t k = 0; k < SL_NET_NEIGHBOURS_MAX; k++) {
        const struct net_neighbour *n = &net->neighbours[k];

        if (n->state != NET_FREE)
            fn(ctx, &(struct sl_net_neighbour_info){
                        .ip = n->ip, .mac = n->mac, .iface = n->iface, .state = states[n->state].name});
    }
}
