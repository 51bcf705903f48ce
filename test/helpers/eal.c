/* EAL and pools of a test process. */
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

static bool started;

/* EAL pins the calling thread to its core; several test processes at once would all sit on the same one. */
void th_eal_init(void)
{
    static const char *const args[] = {
        "test",           "--no-huge",         "--no-pci", "--no-shconf", "--no-telemetry",
        "--iova-mode=va", "--log-level=error", "-m",       "256",         "--lcores"};
    char text[SL_ARRAY_LEN(args) + 1][32], *argv[SL_ARRAY_LEN(text)];
    cpu_set_t cpus;
    int cpu = 0;

    if (started)
        return;
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof cpus, &cpus);
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &cpus))
        cpu++;
    for (size_t i = 0; i < SL_ARRAY_LEN(argv); i++) {
        if (i < SL_ARRAY_LEN(args))
            snprintf(text[i], sizeof text[i], "%s", args[i]);
        else
            snprintf(text[i], sizeof text[i], "0@%d", cpu);
        argv[i] = text[i]; /* EAL wants strings that it may change */
    }
    if (rte_eal_init((int)SL_ARRAY_LEN(argv), argv) < 0) {
        fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
        exit(3);
    }
    sched_setaffinity(0, sizeof cpus, &cpus);
    started = true;
}

int th_eal_setup(void **state)
{
    (void)state;
    th_eal_init();
    return 0;
}

struct rte_mempool *th_pool(const char *name, uint32_t n, uint16_t data_room)
{
    uint16_t room = data_room ? (uint16_t)(data_room + RTE_PKTMBUF_HEADROOM) : 0;
    struct rte_mempool *pool;

    th_eal_init();
    pool = rte_pktmbuf_pool_create(name, n, 0, 0, room, SOCKET_ID_ANY);
    if (!pool) {
        fprintf(stderr, "pool %s of %u: %s\n", name, n, rte_strerror(rte_errno));
        exit(3);
    }
    return pool;
}

void th_pool_free(struct rte_mempool *pool) { rte_mempool_free(pool); }

static void check_full(struct rte_mempool *pool, void *ctx)
{
    unsigned missing = pool->size - rte_mempool_avail_count(pool);
    bool *full = ctx;

    if (missing == 0)
        return;
    fprintf(stderr, "pool %s: %u of %u objects are missing\n", pool->name, missing, pool->size);
    *full = false;
}

bool th_pools_full(void)
{
    bool full = true;

    rte_mempool_walk(check_full, &full);
    return full;
}

int th_leak_teardown(void **state)
{
    (void)state;
    return th_pools_full() ? 0 : -1;
}
