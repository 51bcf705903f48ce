/* A host that comes back with another link address is found at once by those who knew the old one. */
#include "announce.h"
#include "rig.h"

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

struct seen {
    struct sl_ip ip;
    struct rte_ether_addr mac;
    bool found;
};

static void look(void *ctx, const struct sl_net_neighbour_info *info)
{
    struct seen *s = ctx;

    if (sl_ip_equal(&info->ip, &s->ip)) {
        s->mac = info->mac;
        s->found = true;
    }
}

static void knows_at(const char *ip, const struct rte_ether_addr *mac)
{
    struct seen s = {.ip = th_ip(ip)};

    sl_net_each_neighbour(rig.ends[1].host->net, look, &s);
    assert_true(s.found);
    assert_memory_equal(&s.mac, mac, sizeof s.mac);
}

static void moves(const char *ip, const char *to, const char *text)
{
    struct load_plan client = rig_plan(LOAD_REQUEST, text, NULL), origin = rig_plan(LOAD_REQUEST, NULL, text);
    struct rig_end *e = rig_place(ip, NULL);
    struct sl_net_iface_conf moved;
    struct rte_mbuf *frames[SL_NET_ADDRS_MAX];

    e->iface.addrs[0].prefix_bits = sl_ip_is4(&e->iface.addrs[0].ip) ? 24 : 64;
    rig_host(e, &client);
    e = rig_place(to, NULL);
    e->iface.addrs[0].prefix_bits = rig.ends[0].iface.addrs[0].prefix_bits;
    rig_host(e, &origin);
    rig_run_ms(50);
    knows_at(ip, &rig.ends[0].iface.mac);
    moved = rig.ends[0].iface;
    moved.mac = th_mac(99);
    assert_int_equal(announce_all(&moved, rig.ends[0].host->pools.data, frames), 1);
    host_input(rig.ends[1].host, 0, frames, 1, rig.now);
    knows_at(ip, &moved.mac);
}

static void ip4_moves(void **state)
{
    (void)state;
    moves("198.18.0.1", "198.18.0.10", "198.18.0.10:80");
}

static void ip6_moves(void **state)
{
    (void)state;
    moves("2001:db8::1", "2001:db8::10", "[2001:db8::10]:80");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(ip4_moves), T(ip6_moves)};

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
