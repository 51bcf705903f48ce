/* Where connections come from: every address and port of ours once, those of this worker only, none that is in use. */
#include "rig.h"

#define N_WORKERS 8
#define WORKER 3

static struct sl_stats stats;
static struct sl_steer steer;
static struct sl_net *net;
static struct sl_tcp *tcp;
static struct rte_mempool *pool, *hdr, *ref;
static struct sl_net_iface_conf iface;

static int setup(void **state)
{
    static const uint8_t key[40] = "a key of forty bytes, none of them zero!";
    struct sl_net_params np = {.ifaces = &iface, .n_ifaces = 1, .stats = &stats};
    struct sl_tcp_params tp = {.stats = &stats, .conns_max = 40000, .time_wait_max = 64, .held_max_bytes = 1 << 20};

    (void)state;
    iface = (struct sl_net_iface_conf){.name = "w", .mac = th_mac(1), .mtu = 1500, .n_addrs = 3};
    iface.addrs[0] = (struct sl_net_addr){th_ip("198.18.0.1"), 24};
    iface.addrs[1] = (struct sl_net_addr){th_ip("2001:db8::1"), 64};
    iface.addrs[2] = (struct sl_net_addr){th_ip("198.18.0.2"), 24};
    np.pool = pool = th_pool("net", 255, 2048);
    tp.hdr_pool = hdr = th_pool("hdr", 255, 256);
    tp.ref_pool = ref = th_pool("ref", 255, 0);
    assert_int_equal(sl_steer_init(&steer, key, sizeof key, NULL, 0, N_WORKERS), 0);
    assert_int_equal(sl_net_create(&np, &net, NULL), 0);
    tp.net = net;
    assert_int_equal(sl_tcp_create(&tp, SL_NS_PER_S, &tcp, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_tcp_destroy(tcp);
    sl_net_destroy(net);
    sl_steer_free(&steer);
    th_pool_free(pool);
    th_pool_free(hdr);
    th_pool_free(ref);
    return 0;
}

static struct tuples tuples_to(const char *to, uint64_t seed)
{
    struct tuples_params p = {
        .net = net, .tcp = tcp, .steer = &steer, .ifaces = &iface, .worker = WORKER, .seed = seed};
    struct sl_endpoint target = rig_at(to);
    struct tuples t;

    assert_int_equal(tuples_init(&t, &p, &target, NULL), 0);
    return t;
}

static void all_of_ours_come_once_and_then_again(void **state)
{
    struct tuples t = tuples_to("198.18.0.10:443", 1);
    static uint8_t seen[2][65536];
    struct sl_endpoint at, first;
    uint32_t n = 0;

    (void)state;
    memset(seen, 0, sizeof seen);
    assert_int_equal(t.n_locals, 2); /* of the target's family */
    assert_true(tuples_take(&t, &first));
    at = first;
    do {
        uint8_t *mark = &seen[at.ip.b[15] == 2][at.port];

        assert_true(at.port >= TUPLES_LPORT_MIN);
        assert_int_equal(sl_steer_worker(&steer, &at.ip, at.port, &t.target.ip, t.target.port), WORKER);
        assert_int_equal(*mark, 0);
        *mark = 1;
        n++;
        assert_true(tuples_take(&t, &at));
    } while (!sl_ip_equal(&at.ip, &first.ip) || at.port != first.port);
    for (uint32_t i = 0, expected = 0; i < 2; i++)
        for (uint32_t port = TUPLES_LPORT_MIN; port <= UINT16_MAX; port++) {
            expected += sl_steer_worker(&steer, &iface.addrs[i * 2].ip, (uint16_t)port, &t.target.ip, 443) == WORKER;
            if (i == 1 && port == UINT16_MAX)
                assert_int_equal(n, expected);
        }
}

static void the_beginning_is_anywhere(void **state)
{
    struct tuples a = tuples_to("198.18.0.10:443", 1), b = tuples_to("198.18.0.10:443", 2);
    struct sl_endpoint x, y;

    (void)state;
    assert_true(tuples_take(&a, &x) && tuples_take(&b, &y));
    assert_int_not_equal(x.port, y.port);
}

static void those_in_use_are_passed_over(void **state)
{
    struct tuples t = tuples_to("198.18.0.10:443", 1);
    struct sl_stream *one = NULL;
    struct sl_endpoint at, freed = {0};
    uint32_t n = 0;
    int why;

    (void)state;
    while (tuples_take(&t, &at)) {
        struct sl_stream *s = sl_tcp_connect(tcp, &at, &t.target, NULL, NULL, NULL, SL_NS_PER_S, &why);

        assert_non_null(s);
        if (n++ == 5000) {
            one = s;
            freed = at;
        }
    }
    assert_true(n > 15000); /* an eighth of two addresses' ports */
    for (int i = 0; i < 10; i++)
        assert_false(tuples_take(&t, &at)); /* and each try is short */
    one->ops->abort(one, SL_REASON_ABORTED);
    one->ops->release(one);
    for (int i = 0; i < 10 && !tuples_take(&t, &at); i++)
        ;
    assert_int_equal(at.port, freed.port);
    assert_true(sl_ip_equal(&at.ip, &freed.ip));
}

static void no_way_is_told(void **state)
{
    struct tuples_params p = {.net = net, .tcp = tcp, .steer = &steer, .ifaces = &iface};
    struct sl_endpoint target = rig_at("203.0.113.1:443");
    struct sl_err err = {""};
    struct tuples t;

    (void)state;
    assert_true(tuples_init(&t, &p, &target, &err) < 0);
    assert_string_equal(err.text, "no interface leads to 203.0.113.1:443");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(all_of_ours_come_once_and_then_again), T(the_beginning_is_anywhere),
                                       T(those_in_use_are_passed_over), T(no_way_is_told)};

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
