/* The ports that connections to origins come from: nobody outside can tell the next one, and each brings its replies home
 * (RFC 6056). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "internal.h"

#define SAMPLES 100000u
#define LPORT_MIN 1024u
#define BINS 63u /* of 1024 ports */
#define NEAR 16

static struct rte_mempool *frames, *hdr, *ref;
static struct sl_worker w;
static struct sl_steer steer;
static uint64_t now;

static void make_world(uint32_t n_workers)
{
    static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
                                    0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};
    struct sl_net_iface_conf iface = {.name = "test", .mac = th_mac(1), .mtu = 1500, .n_addrs = 1};
    struct sl_net_params np = {.ifaces = &iface, .n_ifaces = 1, .pool = frames, .stats = &w.stats};
    struct sl_tcp_params tp = {.stats = &w.stats, .hdr_pool = hdr, .ref_pool = ref, .conns_max = 16};

    memset(&w, 0, sizeof w);
    now = 1000 * SL_NS_PER_S;
    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.10"), 24};
    assert_int_equal(sl_net_create(&np, &w.net, NULL), 0);
    tp.net = w.net;
    tp.time_wait_max = 16;
    tp.held_max_bytes = 1 << 20;
    assert_int_equal(sl_tcp_create(&tp, now, &w.tcp, NULL), 0);
    assert_int_equal(sl_steer_init(&steer, key, sizeof key, NULL, 0, n_workers), 0);
    w.steer = &steer;
    w.id = n_workers - 1;
    sl_rng_seed(&w.rng, 77);
}

static void unmake_world(void)
{
    sl_tcp_destroy(w.tcp);
    sl_net_destroy(w.net);
    sl_steer_free(&steer);
}

/* Dials, and lets go before a word was said. */
static uint16_t port_of_next_dial(void)
{
    struct sl_dial d = {.peer = {th_ip("198.18.0.2"), 8080}, .timeout_ns = SL_NS_PER_S};
    struct sl_net_batch none = {0};
    enum sl_reason why;
    struct sl_stream *s = dial_origin(&w, &d, now, &why);
    struct sl_facts facts;

    assert_non_null(s);
    s->ops->facts(s, &facts);
    s->ops->release(s);
    sl_tcp_input(w.tcp, &none, now);
    assert_int_equal(sl_steer_worker(&steer, &facts.local.ip, facts.local.port, &d.peer.ip, d.peer.port), w.id);
    return facts.local.port;
}

/* All of the range is used alike, and what comes next is neither near the last port nor as far as the last step went. How many were
 * odd. */
static uint32_t assert_no_structure(void)
{
    uint32_t bins[BINS + 1] = {0}, near = 0, same_step = 0, odd = 0;
    uint16_t last = 0, last_step = 0;

    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint16_t port = port_of_next_dial(), step = (uint16_t)(port - last);

        assert_true(port >= LPORT_MIN);
        bins[(port - LPORT_MIN) / 1024]++;
        near += (uint16_t)(step + NEAR) <= 2 * NEAR;
        same_step += step == last_step;
        odd += port & 1;
        last = port;
        last_step = step;
        now += SL_NS_PER_US;
    }
    for (uint32_t i = 0; i < BINS; i++)
        assert_in_range(bins[i], SAMPLES / BINS * 8 / 10, SAMPLES / BINS * 12 / 10);
    assert_in_range(near, 0, SAMPLES / 1000); /* chance has it at half of this */
    assert_in_range(same_step, 0, SAMPLES / 1000);
    return odd;
}

static void hundred_thousand_source_ports_have_no_structure(void **state)
{
    make_world(1);
    assert_in_range(assert_no_structure(), SAMPLES * 47 / 100, SAMPLES * 53 / 100);
    unmake_world();
}

/* A worker among four has a quarter of the ports, those that steering gives it: most may be even. */
static void nor_have_those_of_one_worker_among_four(void **state)
{
    make_world(4);
    assert_no_structure();
    unmake_world();
}

static int setup(void **state)
{
    th_eal_init();
    frames = th_pool("frames", 1023, 2048);
    hdr = th_pool("headers", 255, SL_NET_HEADROOM + 60);
    ref = th_pool("references", 255, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_thousand_source_ports_have_no_structure),
        cmocka_unit_test(nor_have_those_of_one_worker_among_four),
    };

    return cmocka_run_group_tests(tests, setup, th_leak_teardown);
}
