/* The home pool: buffers come home from whichever thread frees them, and come home whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "helpers/helpers.h"
#include "worker/worker.h"

#define N 512
#define ROUNDS 20000

static struct rte_mempool *make(uint32_t owner, uint16_t room)
{
    static unsigned serial;
    char name[32];
    struct sl_err err = {0};
    struct rte_mempool *mp;

    snprintf(name, sizeof name, "home%u", serial++);
    mp = sl_worker_pool_create(name, owner, N, room, SOCKET_ID_ANY, &err);
    if (!mp)
        fail_msg("%s", err.text);
    return mp;
}

static uint32_t take_all(struct rte_mempool *mp, struct rte_mbuf **out)
{
    uint32_t n = 0;

    while ((out[n] = rte_pktmbuf_alloc(mp)))
        n++;
    return n;
}

static void owner_takes_and_gives_all(void **state)
{
    struct rte_mempool *mp = make(3, RTE_PKTMBUF_HEADROOM + 2048);
    struct rte_mbuf *m[N + 1];

    sl_worker_thread_is(3);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(rte_mempool_avail_count(mp), N);
        assert_int_equal(take_all(mp, m), N);
        assert_int_equal(rte_mempool_avail_count(mp), 0);
        rte_pktmbuf_free_bulk(m, N);
    }
    assert_int_equal(rte_mempool_avail_count(mp), N);
    rte_mempool_free(mp);
}

static void buffer_has_the_room_that_was_asked_for(void **state)
{
    struct rte_mempool *mp = make(0, RTE_PKTMBUF_HEADROOM + 100), *refs = make(0, 0);
    struct rte_mbuf *m, *r;

    sl_worker_thread_is(0);
    m = rte_pktmbuf_alloc(mp);
    r = rte_pktmbuf_alloc(refs);
    assert_int_equal(rte_pktmbuf_tailroom(m), 100);
    assert_int_equal(r->buf_len, 0);
    rte_pktmbuf_attach(r, m);
    rte_pktmbuf_free(m);
    assert_int_equal(rte_mempool_avail_count(mp), N - 1); /* r holds it */
    rte_pktmbuf_free(r);
    assert_int_equal(rte_mempool_avail_count(mp), N);
    assert_int_equal(rte_mempool_avail_count(refs), N);
    rte_mempool_free(mp);
    rte_mempool_free(refs);
}

static void what_the_control_thread_frees_comes_home(void **state)
{
    struct rte_mempool *mp = make(1, 256);
    struct rte_mbuf *m[N + 1];

    sl_worker_thread_is(1);
    assert_int_equal(take_all(mp, m), N);
    sl_worker_thread_is(SL_WORKERS_MAX);
    rte_pktmbuf_free_bulk(m, N);
    assert_int_equal(rte_mempool_avail_count(mp), N);
    sl_worker_thread_is(1);
    assert_int_equal(take_all(mp, m), N);
    rte_pktmbuf_free_bulk(m, N);
    rte_mempool_free(mp);
}

static void buffer_comes_home_as_new(void **state)
{
    struct rte_mempool *mp = make(2, 256);
    struct rte_mbuf *m[N + 1];

    sl_worker_thread_is(2);
    assert_int_equal(take_all(mp, m), N);
    m[0]->next = m[1];
    m[0]->nb_segs = 2;
    sl_worker_thread_is(4);
    rte_pktmbuf_free(m[0]);
    for (uint32_t i = 2; i < N; i++)
        rte_pktmbuf_free(m[i]);
    sl_worker_thread_is(2);
    assert_int_equal(take_all(mp, m), N);
    for (uint32_t i = 0; i < N; i++) {
        assert_null(m[i]->next);
        assert_int_equal(m[i]->nb_segs, 1);
        assert_int_equal(rte_mbuf_refcnt_read(m[i]), 1);
    }
    rte_pktmbuf_free_bulk(m, N);
    rte_mempool_free(mp);
}

struct other {
    uint32_t id;
    struct rte_ring *ring;
};

static void *free_what_comes(void *arg)
{
    struct other *o = arg;
    uint32_t freed = 0;

    sl_worker_thread_is(o->id);
    while (freed < ROUNDS) {
        void *m[16];
        uint32_t n = rte_ring_sc_dequeue_burst(o->ring, m, SL_ARRAY_LEN(m), NULL);

        if (!n)
            sched_yield();
        for (uint32_t i = 0; i < n; i++) /* single and bulk frees */
            if (i % 3)
                rte_pktmbuf_free(m[i]);
        for (uint32_t i = 0; i < n; i += 3)
            rte_pktmbuf_free_bulk((struct rte_mbuf **)&m[i], 1);
        freed += n;
    }
    return NULL;
}

/* The owner allocates without a pause while two other threads free: no buffer is lost, none is handed out twice. */
static void others_free_while_the_owner_allocates(void **state)
{
    struct rte_mempool *mp = make(5, 256);
    struct other others[2] = {{.id = 6}, {.id = SL_WORKERS_MAX}};
    pthread_t threads[2];
    uint32_t sent[2] = {0};
    struct rte_mbuf *m[N + 1];

    for (int i = 0; i < 2; i++) {
        others[i].ring = rte_ring_create(i ? "to1" : "to0", 128, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        assert_int_equal(pthread_create(&threads[i], NULL, free_what_comes, &others[i]), 0);
    }
    sl_worker_thread_is(5);
    while (sent[0] < ROUNDS || sent[1] < ROUNDS) {
        int to = sent[0] < sent[1] ? 0 : 1;
        struct rte_mbuf *one = rte_pktmbuf_alloc(mp);

        if (!one) {
            sched_yield();
            continue;
        }
        assert_int_equal(rte_mbuf_refcnt_read(one),
                         1); /* 1 for a free buffer that is taken; a buffer in other hands would be marked */
        assert_int_not_equal(one->port, 4711);
        one->port = 4711;
        while (rte_ring_sp_enqueue(others[to].ring, one) != 0)
            sched_yield();
        sent[to]++;
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        rte_ring_free(others[i].ring);
    }
    assert_int_equal(rte_mempool_avail_count(mp), N);
    assert_int_equal(take_all(mp, m), N);
    rte_pktmbuf_free_bulk(m, N);
    rte_mempool_free(mp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_takes_and_gives_all),
        cmocka_unit_test(buffer_has_the_room_that_was_asked_for),
        cmocka_unit_test(what_the_control_thread_frees_comes_home),
        cmocka_unit_test(buffer_comes_home_as_new),
        cmocka_unit_test(others_free_while_the_owner_allocates),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, NULL);
}
