/* Sleep and wake-up between two threads: whatever is announced is seen without waiting for the sleep to end by itself. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rte_pause.h>

#include "helpers/helpers.h"
#include "port/internal.h"

#define ROUNDS 30000

static struct sl_stats stats[2], *const stats_of[2] = {&stats[0], &stats[1]};
static struct sl_ports ports = {.n_workers = 2, .idle_sleep = true, .stats = stats_of};
static uint32_t sent, seen; /* atomic */

static int setup(void **state)
{
    struct sl_err err = {""};

    (void)state;
    th_eal_init();
    port_clock_start();
    return port_workers_create(&ports, &err);
}

static int teardown(void **state)
{
    (void)state;
    port_workers_free(&ports);
    return 0;
}

static void *announce(void *arg)
{
    (void)arg;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        __atomic_store_n(&sent, i, __ATOMIC_RELAXED);
        sl_ports_wake(&ports, 1);
        /* Sometimes the sleeper gets no time to fall asleep, sometimes it does. */
        while (i % 3 && __atomic_load_n(&seen, __ATOMIC_RELAXED) != i)
            ;
    }
    return NULL;
}

/* A lost wake-up shows as a sleep that lasts to its limit of a second. */
static void no_wake_up_is_lost(void **state)
{
    uint32_t now = 0, slept_out = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, announce, NULL), 0);
    while (now != ROUNDS) {
        uint64_t begun = sl_port_now();

        sl_ports_wait(&ports, 1, SL_NEVER);
        slept_out += sl_port_now() - begun >= SL_NS_PER_S;
        now = __atomic_load_n(&sent, __ATOMIC_RELAXED);
        __atomic_store_n(&seen, now, __ATOMIC_RELAXED);
        for (uint32_t i = 0; i < now % 64; i++) /* the next announcement comes at any point of the way to sleep */
            rte_pause();
    }
    pthread_join(thread, NULL);
    assert_int_equal(slept_out, 0);
    assert_true(stats[1].ctr[SL_CTR_PORT_SLEEPS] > 0);
}

static void a_wake_up_before_the_sleep_counts(void **state)
{
    uint64_t sleeps = stats[0].ctr[SL_CTR_PORT_SLEEPS];

    sl_ports_wake(&ports, 0);
    sl_ports_wait(&ports, 0, SL_NEVER);
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_SLEEPS], sleeps);
}

static void a_past_deadline_returns_at_once(void **state)
{
    uint64_t sleeps = stats[0].ctr[SL_CTR_PORT_SLEEPS];

    sl_ports_wait(&ports, 0, 0);
    sl_ports_wait(&ports, 0, sl_port_now());
    assert_int_equal(stats[0].ctr[SL_CTR_PORT_SLEEPS], sleeps);
}

static void a_deadline_ends_the_sleep(void **state)
{
    uint64_t begun = sl_port_now();

    sl_ports_wait(&ports, 0, begun + 3 * SL_NS_PER_MS);
    assert_true(sl_port_now() >= begun + 3 * SL_NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(a_wake_up_before_the_sleep_counts),
        cmocka_unit_test(a_past_deadline_returns_at_once),
        cmocka_unit_test(a_deadline_ends_the_sleep),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
