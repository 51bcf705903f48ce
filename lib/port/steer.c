/* One key and one table for all devices, and whether a device agrees with them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "port/internal.h"

#define KEY_BYTES 40 /* what every card takes; longer keys matter only for longer inputs than ours */

/* The kernel's interfaces keep the key that they have; the first one with several queues decides for all. */
static const struct port_link *fixed_link(const struct sl_ports *p)
{
    for (uint32_t i = 0; i < p->n_devices; i++)
        if (p->devices[i].caps.own_umem && p->devices[i].link.rss_size &&
            p->devices[i].caps.queues_max >= p->n_workers && p->n_workers > 1)
            return &p->devices[i].link;
    return NULL;
}

int port_steer_choose(struct sl_ports *p, struct sl_err *err)
{
    const struct port_link *link = fixed_link(p);
    uint16_t reta[SL_STEER_RETA_MAX];
    uint8_t key[KEY_BYTES];
    int code;

    if (link) {
        for (uint32_t i = 0; i < link->rss_size; i++)
            reta[i] = (uint16_t)(link->rss_table[i] % p->n_workers);
        code = sl_steer_init(&p->steer, link->rss_key, SL_MIN(link->rss_key_bytes, SL_STEER_KEY_BYTES), reta,
                             link->rss_size, p->n_workers);
        p->has_steer = code == 0;
        if (p->has_steer)
            return 0;
    }
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return sl_err_set(err, -EIO, "no random bytes: %s", strerror(errno));
    code = sl_steer_init(&p->steer, key, sizeof key, NULL, 0, p->n_workers);
    if (code < 0)
        return sl_err_set(err, code, "steering table: %s", strerror(-code));
    p->has_steer = true;
    return 0;
}

static bool table_matches(const struct port_device *d, const struct sl_steer *steer, const uint32_t *table,
                          uint32_t size)
{
    uint32_t larger = SL_MAX(size, steer->reta_mask + 1);

    if (size == 0 || (size & (size - 1)))
        return false;
    for (uint32_t i = 0; i < larger; i++) {
        uint32_t queue = table[i & (size - 1)];

        if (queue >= d->n_queues || queue % steer->n_workers != steer->reta[i & steer->reta_mask])
            return false;
    }
    return true;
}

static bool ethdev_matches(const struct port_device *d, const struct sl_steer *steer)
{
    struct rte_eth_rss_reta_entry64 reta[SL_STEER_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE] = {0};
    const uint64_t tcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
    uint32_t table[SL_STEER_RETA_MAX];
    uint8_t key[SL_STEER_KEY_BYTES] = {0};
    struct rte_eth_rss_conf rss = {.rss_key = key, .rss_key_len = sizeof key};
    struct rte_eth_dev_info info;

    if (rte_eth_dev_info_get(d->port_id, &info) < 0 || info.hash_key_size > sizeof key ||
        info.reta_size > SL_STEER_RETA_MAX)
        return false;
    if (rte_eth_dev_rss_hash_conf_get(d->port_id, &rss) < 0 || (rss.rss_hf & tcp) != tcp ||
        memcmp(key, steer->key, KEY_BYTES) != 0)
        return false;
    memset(reta, 0xff, sizeof reta); /* the masks; queues are overwritten */
    if (rte_eth_dev_rss_reta_query(d->port_id, reta, info.reta_size) < 0)
        return false;
    for (uint32_t i = 0; i < info.reta_size; i++)
        table[i] = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
    return table_matches(d, steer, table, info.reta_size);
}

bool port_steer_matches(const struct port_device *d, const struct sl_steer *steer)
{
    if (d->n_queues < steer->n_workers || steer->n_workers < 2)
        return false;
    if (d->caps.own_umem)
        return d->link.rss_size && memcmp(d->link.rss_key, steer->key, KEY_BYTES) == 0 &&
               table_matches(d, steer, d->link.rss_table, d->link.rss_size);
    return d->caps.rss && ethdev_matches(d, steer);
}
