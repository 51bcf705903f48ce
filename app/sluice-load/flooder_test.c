/* A flood finds its target's link address by itself, keeps to its rate, and every frame of it is whole. */
#include "rig.h"

#define FRAMES 1000000

static struct load_plan flood_plan(double rate)
{
    struct load_plan p = {.flood = true, .flood_kind = FLOOD_SYN, .flood_rate = rate, .name = ""};

    p.targets[p.n_targets++] = rig_at("198.18.0.10:443");
    return p;
}

static struct flooder *place(double rate)
{
    struct load_plan plan = flood_plan(rate), origin = rig_plan(LOAD_REQUEST, NULL, "198.18.0.10:80");
    struct host *h = rig_host(rig_place("198.18.0.1", NULL), &plan);

    rig_host(rig_place("198.18.0.10", NULL), &origin);
    return h->flooder;
}

static int setup(void **state)
{
    (void)state;
    rig_begin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_end();
    return 0;
}

static bool is_whole(const struct rte_mbuf *m)
{
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *ip = p + RTE_ETHER_HDR_LEN;
    uint32_t len = (uint32_t)(ip[2] << 8 | ip[3]) - 20;
    uint8_t pseudo[4] = {0, ip[9], (uint8_t)(len >> 8), (uint8_t)len};
    uint64_t sum = sl_cksum_add(sl_cksum_add(0, ip + 12, 8), pseudo, sizeof pseudo);

    return sl_cksum_fold(sl_cksum_add(sum, ip + 20, len)) == 0 && sl_cksum_fold(sl_cksum_add(0, ip, 20)) == 0;
}

static void every_frame_is_whole_and_finds_its_target(void **state)
{
    struct flooder *f = place(0);
    struct rte_mbuf *frames[64];

    (void)state;
    assert_int_equal(flooder_fill(f, rig.now, frames, 64), 0);
    rig_run_ms(20);
    for (uint32_t n, all = 0; all < FRAMES; all += n) {
        n = flooder_fill(f, rig.now, frames, 64);
        assert_int_equal(n, 64);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(is_whole(frames[i])); /* a carry that is lost shows once in 100,000 */
            assert_true(rig_is_for(frames[i], &rig.ends[1]));
            rte_pktmbuf_free(frames[i]);
        }
    }
    assert_int_equal(flooder_iface(f), 0);
    assert_int_equal(sl_tcp_conns(rig.ends[0].host->tcp), 0); /* what found the way is gone */
}

static void keeps_to_its_rate(void **state)
{
    struct flooder *f = place(1e6);
    struct rte_mbuf *frames[256];
    uint32_t sum = 0;

    (void)state;
    rig_run_ms(20);
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t n = flooder_fill(f, f->began_ns + i * 10 * SL_NS_PER_US, frames, 256);

        for (uint32_t k = 0; k < n; k++)
            rte_pktmbuf_free(frames[k]);
        sum += n;
    }
    assert_in_range(sum, 99980, 100000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(every_frame_is_whole_and_finds_its_target), T(keeps_to_its_rate)};

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
