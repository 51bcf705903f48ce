/* What goes out: headers, checksums over chains, routes, source addresses, the transmit queue. */
#include <errno.h>
#include <rte_ip.h>
#include <stdlib.h>

#include "net/rig.h"

/* A chain that begins with a TCP header of 20 bytes, cut at cuts, in a pool of its own kind: exact heap buffers with the promised headroom. */
static struct rte_mbuf *segment(const uint8_t *bytes, size_t len, const size_t *cuts, size_t n_cuts)
{
    struct rte_mbuf *m = th_mbuf_chain(rig_frames, bytes, len, cuts, n_cuts, SL_NET_HEADROOM);

    m->l4_len = 20;
    return m;
}

static void know(const struct sl_net_path *path, const struct sl_ip *remote)
{
    struct sl_ip hop = *sl_net_next_hop(rig.net, path, remote);
    struct th_store store;
    struct th_pkt p;

    if (sl_ip_is4(&hop))
        th_arp_request(&p, rig_peer_mac(), hop, th_ip(path->iface ? "198.18.1.10" : "198.18.0.10"));
    else
        th_nd_solicit(&p, &store, rig_peer_mac(), hop, th_ip(path->iface ? "2001:db8:2::10" : "2001:db8:1::10"));
    p.vlan = path->iface ? 7 : 0;
    assert_int_equal(rig_in(path->iface, &p), NO_DROP);
    while (rig_out(path->iface, &p))
        ;
}

static void segments_leave_with_good_headers_however_the_chain_is_cut(void **state)
{
    static const char *const ends[][2] = {{"198.18.0.10", "198.18.0.77"},
                                          {"2001:db8:1::10", "2001:db8:1::77"},
                                          {"198.18.1.10", "198.18.1.77"},
                                          {"2001:db8:2::10", "2001:db8:2::77"}};
    uint8_t bytes[301] = {0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10};

    (void)state;
    for (size_t k = 20; k < sizeof bytes; k++)
        bytes[k] = (uint8_t)(k * 31);
    for (size_t e = 0; e < SL_ARRAY_LEN(ends); e++) {
        struct sl_ip local = th_ip(ends[e][0]), remote = th_ip(ends[e][1]);
        struct sl_net_path path;
        struct th_pkt p;

        assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
        assert_int_equal(path.mtu, e < 2 ? 1500 : 9000);
        know(&path, &remote);
        for (size_t a = 20; a < sizeof bytes; a += 11) {
            const size_t cuts[] = {a, a + 1, a + 30};

            assert_int_equal(
                sl_net_emit(rig.net, &path, &local, &remote, segment(bytes, sizeof bytes, cuts, 3), 2, rig.now), 0);
            assert_true(rig_out(path.iface, &p));
            assert_int_equal(p.tcp.sport, 0x1234);
            assert_int_equal(p.tcp.len, sizeof bytes - 20);
            assert_memory_equal(p.tcp.data, bytes + 20, sizeof bytes - 20);
            assert_int_equal(p.tos, 2);
            assert_int_equal(p.ttl, 64);
            assert_true(sl_ip_equal(&p.src, &local));
            assert_true(sl_ip_equal(&p.dst, &remote));
            assert_memory_equal(p.eth_dst.addr_bytes, rig_peer_mac().addr_bytes, 6);
        }
    }
}

static void a_frame_says_what_the_device_may_do(void **state)
{
    const uint8_t bytes[20] = {[12] = 0x50};
    struct sl_ip local = th_ip("198.18.1.10"), remote = th_ip("198.18.1.77");
    struct sl_net_path path;
    struct rte_mbuf *m;

    (void)state;
    assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
    know(&path, &remote);
    assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, segment(bytes, 20, NULL, 0), 0, rig.now), 0);
    assert_int_equal(sl_net_tx(rig.net, path.iface, &m, 1), 1);
    assert_int_equal(m->l2_len, 18);
    assert_int_equal(m->l3_len, 20);
    assert_int_equal(m->l4_len, 20);
    assert_true(m->ol_flags & RTE_MBUF_F_TX_IPV4);
    assert_true(m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM);
    assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
    /* The device expects the pseudo header's sum in the field; DPDK's own routine says which. */
    assert_int_equal(*rte_pktmbuf_mtod_offset(m, uint16_t *, 18 + 20 + 16),
                     rte_ipv4_phdr_cksum(rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 18), m->ol_flags));
    memset(rte_pktmbuf_mtod_offset(m, uint8_t *, 18 + 10), 0x5a, 2); /* what stands in the field does not count */
    sl_net_finish(m);
    assert_int_equal(th_l4_cksum(&local, &remote, 1, rte_pktmbuf_mtod_offset(m, uint8_t *, 18), 20), 0);
    assert_int_equal(m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK), 0);
    rte_pktmbuf_free(m);
}

static void finish_agrees_with_dpdk_and_leaves_other_frames_alone(void **state)
{
    uint8_t bytes[100] = {[12] = 0x50, [50] = 7};
    struct sl_ip local = th_ip("2001:db8:2::10"), remote = th_ip("2001:db8:2::77");
    uint8_t before[200], after[200];
    uint16_t ck;
    struct sl_net_path path;
    struct rte_mbuf *m;

    (void)state;
    assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
    know(&path, &remote);
    assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, segment(bytes, sizeof bytes, NULL, 0), 0, rig.now),
                     0);
    assert_int_equal(sl_net_tx(rig.net, path.iface, &m, 1), 1);
    sl_net_finish(m);
    th_mbuf_bytes(m, before, sizeof before);
    memcpy(&ck, before + 18 + 40 + 16, 2);
    memset(before + 18 + 40 + 16, 0, 2);
    assert_int_equal(rte_ipv6_udptcp_cksum((struct rte_ipv6_hdr *)(before + 18), before + 18 + 40), ck);
    th_mbuf_bytes(m, before, sizeof before);
    sl_net_finish(m); /* nothing is wished for any more */
    th_mbuf_bytes(m, after, sizeof after);
    assert_memory_equal(before, after, 18 + 40 + sizeof bytes);
    rte_pktmbuf_free(m);
}

static void identifications_show_no_order(void **state)
{
    const uint8_t bytes[20] = {[12] = 0x50};
    struct sl_ip local = th_ip("198.18.0.10"), remote = th_ip("198.18.0.77");
    struct sl_net_path path;
    struct th_pkt p;
    int steps = 0, last = 0;

    (void)state;
    assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
    know(&path, &remote);
    for (int k = 0; k < 200; k++) {
        assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, segment(bytes, 20, NULL, 0), 0, rig.now), 0);
        assert_true(rig_out(FRONT, &p));
        assert_int_equal(p.ip_frag, 0x4000);
        steps += abs((int)p.ip_id - last) < 16;
        last = p.ip_id;
    }
    assert_true(steps < 5);
}

static void a_full_queue_refuses_and_keeps_what_it_has(void **state)
{
    const uint8_t bytes[20] = {[12] = 0x50};
    struct sl_ip local = th_ip("198.18.0.10"), remote = th_ip("198.18.0.77");
    struct sl_net_path path;
    struct rte_mbuf *frames[64];
    uint32_t room, n, total = 0;

    (void)state;
    assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
    know(&path, &remote);
    room = sl_net_tx_room(rig.net, FRONT);
    assert_int_equal(room, SL_NET_TX_QUEUE);
    for (uint32_t k = 0; k < room; k++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(rig_pool);

        memcpy(rte_pktmbuf_append(m, 20), bytes, 20);
        assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, m, 0, rig.now), 0);
    }
    assert_int_equal(sl_net_tx_room(rig.net, FRONT), 0);
    assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, segment(bytes, 20, NULL, 0), 0, rig.now), -ENOBUFS);
    assert_int_equal(rig.stats.drop[SL_DROP_TX_FULL], 1);
    assert_int_equal(sl_net_tx_room(rig.net, BACK), SL_NET_TX_QUEUE);
    while ((n = sl_net_tx(rig.net, FRONT, frames, 64)) > 0) {
        rte_pktmbuf_free_bulk(frames, n);
        total += n;
    }
    assert_int_equal(total, SL_NET_TX_QUEUE);
    assert_int_equal(sl_net_tx_room(rig.net, FRONT), SL_NET_TX_QUEUE);
}

static void a_segment_without_headroom_is_refused(void **state)
{
    const uint8_t bytes[20] = {[12] = 0x50};
    struct sl_ip local = th_ip("198.18.0.10"), remote = th_ip("198.18.0.77");
    struct sl_net_path path;

    (void)state;
    assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), 0);
    assert_int_equal(sl_net_emit(rig.net, &path, &local, &remote, th_mbuf_exact(rig_frames, bytes, 20, 33), 0, rig.now),
                     -EINVAL);
    assert_int_equal(rig.stats.drop[SL_DROP_NO_HEADROOM], 1);
}

static void routes_go_on_link_or_by_the_gateway(void **state)
{
    static const struct {
        const char *local, *remote, *hop; /* hop NULL: unreachable */
        uint8_t iface;
    } rows[] = {
        {"198.18.0.10", "198.18.0.2", "198.18.0.2", FRONT},
        {"198.18.0.10", "198.18.9.9", "198.18.0.1", FRONT},
        {"198.18.1.10", "198.18.1.2", "198.18.1.2", BACK},
        {"198.18.1.10", "198.18.9.9", NULL, 0},
        {"2001:db8:1::10", "2001:db8:1::2", "2001:db8:1::2", FRONT},
        {"2001:db8:1::10", "2001:db8:9::9", "2001:db8:1::1", FRONT},
        {"2001:db8:2::10", "2001:db8:9::9", NULL, 0},
        {"2001:db8:2::10", "fe80::9", "fe80::9", BACK},
        {"198.18.0.11", "198.18.0.2", NULL, 0},
        {"198.18.0.10", "2001:db8:1::2", NULL, 0},
        {"198.18.0.10", "198.18.0.255", NULL, 0},
        {"198.18.0.10", "255.255.255.255", NULL, 0},
        {"198.18.0.10", "224.0.0.1", NULL, 0},
        {"198.18.0.10", "0.0.0.0", NULL, 0},
        {"198.18.0.10", "198.18.1.10", NULL, 0},
        {"2001:db8:1::10", "ff02::1", NULL, 0},
        {"2001:db8:1::10", "::", NULL, 0},
    };

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct sl_ip local = th_ip(rows[k].local), remote = th_ip(rows[k].remote), hop;
        struct sl_net_path path;

        assert_int_equal(sl_net_route(rig.net, &local, &remote, &path), rows[k].hop ? 0 : -EHOSTUNREACH);
        if (!rows[k].hop)
            continue;
        hop = th_ip(rows[k].hop);
        assert_true(sl_ip_equal(sl_net_next_hop(rig.net, &path, &remote), &hop));
        assert_int_equal(path.iface, rows[k].iface);
    }
}

static void networks_of_two_hosts_have_no_broadcast(void **state)
{
    struct sl_net_iface_conf c = {.name = "x",
                                  .mac = th_mac(1),
                                  .mtu = 1500,
                                  .addrs = {{th_ip("198.18.0.10"), 31}, {th_ip("198.18.2.2"), 30}},
                                  .n_addrs = 2};
    struct sl_net_params params = {.ifaces = &c, .n_ifaces = 1, .pool = rig_pool, .stats = &rig.stats};
    struct sl_ip local = th_ip("198.18.0.10"), other = th_ip("198.18.0.11"), broadcast = th_ip("198.18.2.3");
    struct sl_net_path path;
    struct sl_net *net;

    (void)state;
    assert_int_equal(sl_net_create(&params, &net, NULL), 0);
    assert_int_equal(sl_net_route(net, &local, &other, &path), 0); /* RFC 3021 */
    assert_int_equal(sl_net_route(net, &local, &broadcast, &path), -EHOSTUNREACH);
    sl_net_destroy(net);
}

static void the_source_lies_in_the_remote_s_network_or_faces_a_gateway(void **state)
{
    static const char *const rows[][2] = {
        {"198.18.0.2", "198.18.0.10"},       {"198.18.1.2", "198.18.1.10"},       {"198.18.9.9", "198.18.0.10"},
        {"2001:db8:2::2", "2001:db8:2::10"}, {"2001:db8:9::9", "2001:db8:1::10"},
    };
    struct sl_ip local, remote;

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct sl_ip want = th_ip(rows[k][1]);

        remote = th_ip(rows[k][0]);
        assert_int_equal(sl_net_source(rig.net, &remote, &local), 0);
        assert_true(sl_ip_equal(&local, &want));
    }
}

static void our_addresses_are_local_and_the_link_local_one_too(void **state)
{
    static const struct {
        const char *ip;
        int iface; /* -1: not ours */
    } rows[] = {{"198.18.0.10", FRONT},
                {"2001:db8:2::10", BACK},
                {"fe80::ff:fe00:11", BACK},
                {"198.18.0.11", -1},
                {"fe80::1", -1}};

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct sl_ip ip = th_ip(rows[k].ip);
        uint8_t iface = 99;

        assert_int_equal(sl_net_is_local(rig.net, &ip, &iface), rows[k].iface >= 0);
        assert_int_equal(iface, rows[k].iface >= 0 ? rows[k].iface : 99);
    }
}

static void interfaces_that_can_t_be_are_refused_with_a_text(void **state)
{
    const struct sl_net_iface_conf good = {
        .name = "x", .mac = th_mac(1), .mtu = 1500, .addrs = {{th_ip("198.18.0.10"), 24}}, .n_addrs = 1};
    struct sl_net_iface_conf c[7];
    struct sl_net *net;
    struct sl_err err;

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(c); k++)
        c[k] = good;
    c[0].vlan = 4095;
    c[1].mac.addr_bytes[0] = 1;
    c[2].mtu = 500;
    c[3].addrs[0].ip = th_ip("224.0.0.1");
    c[4].addrs[0].prefix_bits = 33;
    c[5].addrs[0].ip = th_ip("2001:db8::1");
    c[5].mtu = 1279;
    c[6].n_addrs = SL_NET_ADDRS_MAX + 1;
    for (size_t k = 0; k < SL_ARRAY_LEN(c); k++) {
        struct sl_net_params params = {.ifaces = &c[k], .n_ifaces = 1, .pool = rig_pool, .stats = &rig.stats};

        err.text[0] = '\0';
        assert_int_equal(sl_net_create(&params, &net, &err), -EINVAL);
        assert_int_not_equal(err.text[0], '\0');
    }
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(segments_leave_with_good_headers_however_the_chain_is_cut),
        RIG_TEST(a_frame_says_what_the_device_may_do),
        RIG_TEST(finish_agrees_with_dpdk_and_leaves_other_frames_alone),
        RIG_TEST(identifications_show_no_order),
        RIG_TEST(a_full_queue_refuses_and_keeps_what_it_has),
        RIG_TEST(a_segment_without_headroom_is_refused),
        RIG_TEST(routes_go_on_link_or_by_the_gateway),
        cmocka_unit_test(networks_of_two_hosts_have_no_broadcast),
        RIG_TEST(the_source_lies_in_the_remote_s_network_or_faces_a_gateway),
        RIG_TEST(our_addresses_are_local_and_the_link_local_one_too),
        cmocka_unit_test(interfaces_that_can_t_be_are_refused_with_a_text),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
