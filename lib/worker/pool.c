/* The home pool: packet buffers that belong to one worker. The owner takes and gives from a stack of its own, without a lock. What another thread frees goes to that thread's mailbox,
 * a stack linked through the freed buffers themselves: a mailbox is never full and needs no memory. The owner empties the mailboxes when its stack runs low.
 *
 * One thread fills a mailbox and one empties it; its only atomic operations are one exchange per batch on either side. Threads that are no worker's share the last mailbox, which
 * stays correct with several of them. A thread that is not the owner may take buffers only while the owner does not run (set-up). */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "worker/worker.h"

#define OPS_NAME "sl_home"
#define MAILBOXES (SL_WORKERS_MAX + 1)

struct mailbox {
    struct rte_mbuf *top; /* atomic: newest */
    uint32_t given;       /* atomic: by the thread, in all */
    uint32_t taken;       /* atomic: by the owner, in all */
} __attribute__((aligned(SL_CACHE_LINE)));

struct home {
    uint32_t owner, n, size;
    void **stack;
    struct mailbox mailboxes[MAILBOXES];
};

static __thread uint32_t thread_id = SL_WORKERS_MAX;
static uint32_t threads; /* atomic: worker threads known so far; a mailbox beyond is empty */

void sl_worker_thread_is(uint32_t id)
{
    uint32_t seen = __atomic_load_n(&threads, __ATOMIC_RELAXED);

    assert(id <= SL_WORKERS_MAX);
    thread_id = id;
    while (id < SL_WORKERS_MAX && id >= seen &&
           !__atomic_compare_exchange_n(&threads, &seen, id + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

/* A free buffer's link stands in its hash field, on the cache line that whoever allocates it writes anyway; no field that an allocator relies on (next, refcnt, nb_segs). */
static void set_link(struct rte_mbuf *m, struct rte_mbuf *next) { memcpy(&m->hash, &next, sizeof next); }

static struct rte_mbuf *get_link(const struct rte_mbuf *m)
{
    struct rte_mbuf *next;

    memcpy(&next, &m->hash, sizeof next);
    return next;
}

static_assert(sizeof(((struct rte_mbuf *)NULL)->hash) >= sizeof(void *), "a link fits");

static void post(struct mailbox *box, void *const *objs, uint32_t n)
{
    struct rte_mbuf *first = objs[0], *last = objs[n - 1], *top = __atomic_load_n(&box->top, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i + 1 < n; i++)
        set_link(objs[i], objs[i + 1]);
    __atomic_fetch_add(&box->given, n, __ATOMIC_RELAXED);
    do
        set_link(last, top);
    while (!__atomic_compare_exchange_n(&box->top, &top, first, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void collect(struct home *h, struct mailbox *box)
{
    struct rte_mbuf *m;
    uint32_t n = 0;

    if (!__atomic_load_n(&box->top, __ATOMIC_RELAXED))
        return;
    for (m = __atomic_exchange_n(&box->top, NULL, __ATOMIC_ACQUIRE); m; m = get_link(m), n++) {
        assert(h->n < h->size);
        h->stack[h->n++] = m;
    }
    __atomic_store_n(&box->taken, box->taken + n, __ATOMIC_RELAXED);
}

static void collect_all(struct home *h)
{
    uint32_t n = __atomic_load_n(&threads, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < n; i++)
        collect(h, &h->mailboxes[i]);
    collect(h, &h->mailboxes[SL_WORKERS_MAX]);
}

/* ---- as DPDK calls it ---- */

static int home_alloc(struct rte_mempool *mp)
{
    struct home *h = rte_zmalloc_socket(OPS_NAME, sizeof *h, SL_CACHE_LINE, mp->socket_id);

    if (h)
        h->stack = rte_malloc_socket(OPS_NAME, mp->size * sizeof h->stack[0], SL_CACHE_LINE, mp->socket_id);
    if (!h || !h->stack) {
        rte_free(h);
        rte_errno = ENOMEM;
        return -ENOMEM;
    }
    h->owner = (uint32_t)(uintptr_t)mp->pool_config;
    h->size = mp->size;
    mp->pool_data = h;
    return 0;
}

static void home_free(struct rte_mempool *mp)
{
    struct home *h = mp->pool_data;

    if (h)
        rte_free(h->stack);
    rte_free(h);
}

static int home_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n)
{
    struct home *h = mp->pool_data;

    if (!n)
        return 0;
    if (thread_id != h->owner) {
        post(&h->mailboxes[thread_id], objs, n);
        return 0;
    }
    assert(h->n + n <= h->size);
    memcpy(h->stack + h->n, objs, n * sizeof objs[0]);
    h->n += n;
    return 0;
}

static int home_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
    struct home *h = mp->pool_data;

    if (h->n < n)
        collect_all(h);
    if (h->n < n)
        return -ENOBUFS;
    for (unsigned i = 0; i < n; i++)
        objs[i] = h->stack[--h->n];
    return 0;
}

/* Right when nobody moves; near otherwise. */
static unsigned home_count(const struct rte_mempool *mp)
{
    const struct home *h = mp->pool_data;
    unsigned n = h->n;

    for (uint32_t i = 0; i < MAILBOXES; i++)
        n += __atomic_load_n(&h->mailboxes[i].given, __ATOMIC_RELAXED) -
             __atomic_load_n(&h->mailboxes[i].taken, __ATOMIC_RELAXED);
    return SL_MIN(n, h->size);
}

static const struct rte_mempool_ops home_ops = {
    .name = OPS_NAME,
    .alloc = home_alloc,
    .free = home_free,
    .enqueue = home_enqueue,
    .dequeue = home_dequeue,
    .get_count = home_count,
};
RTE_MEMPOOL_REGISTER_OPS(home_ops);

/* ---- pools ---- */

static struct rte_mempool *fail(struct rte_mempool *mp, const char *name, uint32_t n, int code, struct sl_err *err)
{
    rte_mempool_free(mp);
    sl_err_set(err, code, "no memory for %u packet buffers (%s): %s", n, name, strerror(-code));
    return NULL;
}

struct rte_mempool *sl_worker_pool_create(const char *name, uint32_t owner, uint32_t n, uint16_t data_room, int socket,
                                          struct sl_err *err)
{
    struct rte_pktmbuf_pool_private priv = {.mbuf_data_room_size = data_room, .mbuf_priv_size = 0};
    /* Devices see virtual addresses (--iova-mode=va), so buffers need not keep within pages: without gaps they take 2.4 KiB each instead of 4, and AF_XDP's driver relies on it. */
    struct rte_mempool *mp = rte_mempool_create_empty(name, n, (unsigned)sizeof(struct rte_mbuf) + data_room, 0,
                                                      sizeof priv, socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    int code;

    assert(owner <= SL_WORKERS_MAX);
    if (!mp)
        return fail(NULL, name, n, -rte_errno, err);
    code = rte_mempool_set_ops_byname(mp, OPS_NAME, (void *)(uintptr_t)owner);
    if (code < 0)
        return fail(mp, name, n, code, err);
    rte_pktmbuf_pool_init(mp, &priv);
    code = rte_mempool_populate_default(mp);
    if (code < 0)
        return fail(mp, name, n, code, err);
    /* Initialising erases the links of what lies in this thread's mailbox: onto the stack with it first. */
    collect_all(mp->pool_data);
    rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
    return mp;
}
