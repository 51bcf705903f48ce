/* A worker's packet pools, and how a memory setting is parted among them. */
#include <errno.h>
#include <stdio.h>

#include <rte_mempool.h>

#include "worker/worker.h"

#define DATA_ROOM (RTE_PKTMBUF_HEADROOM + 2048)
#define HDR_ROOM 256
#define HDRS_MAX                                                                                                       \
    16384 /* headers and references live from output to the end of transmission; more than the transmit queues hold is of no use */
#define REFS_MAX 32768
#define RECORD_ROOM 64 /* header and tag of a TLS record */
#define MBUFS_MIN 256

static_assert(HDR_ROOM >= SL_NET_HEADROOM + 60, "a TCP header with all options");

/* Pools of several workers in one process, one after the other or at once, need different names. */
static struct rte_mempool *make_pool(uint32_t owner, int socket, const char *what, uint32_t n, uint16_t room,
                                     struct sl_err *err)
{
    static uint32_t serial; /* atomic */
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof name, "w%u_%s_%u", owner, what, __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
    return sl_worker_pool_create(name, owner, n, room, socket, err);
}

struct share {
    uint32_t data, hdr, ref, record;
};

static struct share share_of(uint32_t mbufs)
{
    uint32_t hdr = SL_MIN(mbufs / 4, HDRS_MAX), ref = SL_MIN(mbufs / 4, REFS_MAX);

    uint32_t data = mbufs - hdr - ref;

    return (struct share){.data = data, .hdr = hdr, .ref = ref, .record = data / 2};
}

static uint64_t bytes_of(uint32_t n, uint32_t room)
{
    return (uint64_t)n * rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + room, 0, NULL);
}

uint32_t sl_worker_mbufs(uint64_t bytes)
{
    uint32_t low = 0, high = (uint32_t)SL_MIN(bytes / sizeof(struct rte_mbuf), INT32_MAX);

    while (low < high) {
        uint32_t mid = low + (high - low + 1) / 2;
        struct share share = share_of(mid);

        if (bytes_of(share.data, DATA_ROOM) + bytes_of(share.hdr, HDR_ROOM) + bytes_of(share.ref, 0) +
                bytes_of(share.record, RECORD_ROOM) <=
            bytes)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

int sl_worker_pools_create(struct sl_worker_pools *p, uint32_t owner, uint32_t mbufs, int socket, struct sl_err *err)
{
    struct share share = share_of(mbufs);

    *p = (struct sl_worker_pools){0};
    if (mbufs < MBUFS_MIN)
        return sl_err_set(err, -EINVAL, "worker %u: %u packet buffers are too few: at least %u", owner, mbufs,
                          MBUFS_MIN);
    if (!(p->data = make_pool(owner, socket, "data", share.data, DATA_ROOM, err)) ||
        !(p->hdr = make_pool(owner, socket, "hdr", share.hdr, HDR_ROOM, err)) ||
        !(p->ref = make_pool(owner, socket, "ref", share.ref, 0, err)) ||
        !(p->record = make_pool(owner, socket, "record", share.record, RECORD_ROOM, err)))
        return -ENOMEM;
    return 0;
}

void sl_worker_pools_free(struct sl_worker_pools *p)
{
    rte_mempool_free(p->data);
    rte_mempool_free(p->hdr);
    rte_mempool_free(p->ref);
    rte_mempool_free(p->record);
    *p = (struct sl_worker_pools){0};
}

/* Received buffers come from the port's pools, of which each interface has a share as large as half of ours (the memory setting is parted so); a quarter of it stays with the
 * device, whose receive ring would stand still without. */
uint64_t sl_worker_held_max_bytes(const struct sl_worker_pools *p, uint32_t n_ifaces)
{
    return (uint64_t)p->data->size * DATA_ROOM / SL_MAX(n_ifaces, 1) / 4 * 3;
}
