/* Whether a device's own key and table agree with the steering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/internal.h"

static struct sl_ports ports;
static const struct port_device four_queues = {.caps = {.own_umem = true, .queues_max = 4}, .n_queues = 4};

static struct port_device *card(uint32_t i, uint32_t table_size)
{
    struct port_device *d = &ports.devices[i];

    *d = four_queues;
    d->link.rss_size = table_size;
    d->link.rss_key_bytes = 40;
    for (uint32_t k = 0; k < 40; k++)
        d->link.rss_key[k] = (uint8_t)(k * 7 + 1);
    for (uint32_t k = 0; k < table_size; k++)
        d->link.rss_table[k] = k % 4;
    return d;
}

static int fresh(void **state)
{
    (void)state;
    memset(&ports, 0, sizeof ports);
    ports.n_devices = 2;
    ports.n_workers = 2;
    card(0, 128);
    card(1, 64);
    return port_steer_choose(&ports, NULL);
}

static int release(void **state)
{
    (void)state;
    sl_steer_free(&ports.steer);
    return 0;
}

static void the_first_interface_that_tells_its_key_decides(void **state)
{
    assert_memory_equal(ports.steer.key, ports.devices[0].link.rss_key, 40);
    assert_true(port_steer_matches(&ports.devices[0], &ports.steer));
}

static void a_table_of_another_size_may_still_agree(void **state)
{
    assert_true(port_steer_matches(&ports.devices[1], &ports.steer));
}

static void another_key_or_table_does_not_agree(void **state)
{
    ports.devices[1].link.rss_key[3] ^= 1;
    assert_false(port_steer_matches(&ports.devices[1], &ports.steer));
    ports.devices[0].link.rss_table[77] ^= 1;
    assert_false(port_steer_matches(&ports.devices[0], &ports.steer));
}

static void queues_beyond_those_that_are_open_do_not_agree(void **state)
{
    ports.devices[0].link.rss_table[0] = 6;
    assert_false(port_steer_matches(&ports.devices[0], &ports.steer));
}

static void fewer_queues_than_workers_never_agree(void **state)
{
    ports.devices[0].n_queues = 1;
    memset(ports.devices[0].link.rss_table, 0, sizeof ports.devices[0].link.rss_table);
    assert_false(port_steer_matches(&ports.devices[0], &ports.steer));
}

static void without_rss_the_key_is_random(void **state)
{
    uint8_t first[SL_STEER_KEY_BYTES];

    sl_steer_free(&ports.steer);
    ports.devices[0].link.rss_size = ports.devices[1].link.rss_size = 0;
    assert_int_equal(port_steer_choose(&ports, NULL), 0);
    memcpy(first, ports.steer.key, sizeof first);
    sl_steer_free(&ports.steer);
    assert_int_equal(port_steer_choose(&ports, NULL), 0);
    assert_memory_not_equal(first, ports.steer.key, 40);
    assert_false(port_steer_matches(&ports.devices[0], &ports.steer));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_first_interface_that_tells_its_key_decides),
        CASE(a_table_of_another_size_may_still_agree),
        CASE(another_key_or_table_does_not_agree),
        CASE(queues_beyond_those_that_are_open_do_not_agree),
        CASE(fewer_queues_than_workers_never_agree),
        CASE(without_rss_the_key_is_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
