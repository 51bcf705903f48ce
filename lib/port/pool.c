/* Buffers of a queue: a pool whose home is the worker that polls it. */
#include "port/internal.h"

struct rte_mempool *port_pool_create(const char *name, uint32_t worker, uint32_t n, uint16_t data_room, int socket, struct sl_err *err)
{
    return sl_worker_pool_create(name, worker, n, data_room, socket, err);
}
