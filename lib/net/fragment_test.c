/* Datagrams made whole of fragments: in any order, however cut, checked like any other packet, and who gets them. */
#include "net/rig_fragment.h"

static void test_fragments_in_any_order_become_one_segment(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 1000);
        for (uint32_t order = 0; order < 256; order++) { /* four places for four pieces; only permutations count */
            uint32_t seen = 0;

            for (int k = 0; k < 4; k++)
                seen |= 1u << (order >> 2 * k & 3);
            if (seen != 15)
                continue;
            for (int k = 0; k < 4; k++) {
                uint32_t at = order >> 2 * k & 3;

                assert_int_equal(rig.batch.n_segs, 0);
                assert_int_equal(piece(ip6, at * 256, at == 3 ? body(ip6) : at * 256 + 256), NO_DROP);
            }
            expect_whole(ip6);
            expect_nothing_is_held();
        }
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_REASSEMBLED], 48);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_fragments_may_be_cut_into_mbufs_anywhere(void **state)
{
    uint8_t bytes[2000];

    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        for (size_t at = 0; at < 300; at += at < 100 ? 1 : 17) {
            const size_t cuts[] = {at, at + 1, at + 40};
            size_t len = cut(ID, 200, body(ip6) - 200, false, bytes, sizeof bytes);

            bytes[len] = bytes[len + 1] = 0xa5; /* Ethernet padding */
            assert_int_equal(bring_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len + 2, cuts, 3, 0)), NO_DROP);
            len = cut(ID, 0, 200, true, bytes, sizeof bytes);
            bytes[len] = 0xa5;
            assert_int_equal(bring_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len + 1, cuts, 3, 0)), NO_DROP);
            expect_whole(ip6);
        }
    }
    expect_nothing_is_held();
}

static void test_datagram_of_64_kib_is_taken_to_the_byte(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        uint32_t most = 65535 - (ip6 ? 0 : 20), data = most - 32;

        cut_up(ip6, data);
        assert_int_equal(body(ip6), most);
        for (uint32_t at = 0; at < most; at += 1440)
            assert_int_equal(piece(ip6, at, SL_MIN(at + 1440, most)), NO_DROP);
        expect_whole(ip6);
    }
    expect_nothing_is_held();
}

static void test_whole_datagram_passes_the_same_checks_as_a_packet(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        whole[whole_len - 1] ^= 1; /* the device's word about a fragment says nothing of the sum */
        for (uint32_t at = 0; at < 2; at++) {
            uint8_t bytes[2000];
            size_t len = at ? cut(ID, 200, body(ip6) - 200, false, bytes, sizeof bytes)
                            : cut(ID, 0, 200, true, bytes, sizeof bytes);
            struct rte_mbuf *m = th_mbuf_exact(rig_frames, bytes, len, 0);

            m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
            assert_int_equal(bring_mbuf(FRONT, m), at ? SL_DROP_TCP_CKSUM : NO_DROP);
        }
    }
    assert_int_equal(rig.batch.n_segs, 0);
    expect_nothing_is_held();
}

static void test_datagrams_with_the_same_id_are_told_apart_by_their_ends(void **state)
{
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        p = cut_up(ip6, 400);
        assert_int_equal(piece(ip6, 0, 200), NO_DROP);
        p.src.b[15] ^= 4; /* another client with the same identification */
        whole_len = th_encode(&p, whole, sizeof whole);
        assert_int_equal(piece(ip6, 200, body(ip6)), NO_DROP);
        assert_int_equal(rig.batch.n_segs, 0);
        assert_int_equal(piece(ip6, 0, 200), NO_DROP);
        expect_whole(ip6);
        cut_up(ip6, 400);
        assert_int_equal(bring(ID + 1, 200, body(ip6) - 200, false), NO_DROP);
        assert_int_equal(rig.batch.n_segs, 0);
        assert_int_equal(piece(ip6, 200, body(ip6)), NO_DROP);
        expect_whole(ip6);
    }
}

static void test_options_and_extension_headers_stay_with_the_first_fragment(void **state)
{
    static const uint8_t options[8] = {1, 1, 148, 4, 0, 0, 1, 0}, extension[8] = {6, 0, 1, 4};

    (void)state;
    EACH_IP(ip6)
    {
        struct th_pkt p = cut_up(ip6, 400);
        uint8_t bytes[2000];

        p.ip_extra = ip6 ? extension : options;
        p.ip_extra_len = 8;
        p.ip_extra_first = 60;
        whole_len = th_encode(&p, whole, sizeof whole);
        assert_int_equal(
            bring_mbuf(FRONT,
                       th_mbuf_exact(rig_frames, bytes,
                                     cut(ID, 200, body(ip6) - 200 - (ip6 ? 0 : 8), false, bytes, sizeof bytes), 0)),
            NO_DROP);
        assert_int_equal(
            bring_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, cut(ID, 0, 200, true, bytes, sizeof bytes), 0)),
            NO_DROP);
        rig_expect_segment(&p);
        rig_drop_batch();
    }
    expect_nothing_is_held();
}

static void test_tag_of_the_link_is_kept(void **state)
{
    (void)state;
    for (int stripped = 0; stripped < 2; stripped++) {
        struct th_pkt p = cut_up(false, 400);
        uint8_t bytes[2000];

        p.vlan = stripped ? 0 : 7;
        p.eth_dst = rig_mac(BACK);
        p.src = th_ip("198.18.1.2");
        p.dst = th_ip("198.18.1.10");
        whole_len = th_encode(&p, whole, sizeof whole);
        for (int k = 0; k < 2; k++) {
            size_t len = k ? th_fragment(whole, whole_len, ID, 0, 200, true, bytes, sizeof bytes)
                           : th_fragment(whole, whole_len, ID, 200, 232, false, bytes, sizeof bytes);
            struct rte_mbuf *m = th_mbuf_exact(rig_frames, bytes, len, 0);

            if (stripped) {
                m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
                m->vlan_tci = 7;
            }
            assert_int_equal(bring_mbuf(BACK, m), NO_DROP);
        }
        rig_expect_segment(&p);
        rig_drop_batch();
    }
}

/* RFC 3168 5.3, by the two bits of two fragments; -1: dropped. */
static void test_ecn_of_fragments_is_joined(void **state)
{
    static const struct {
        uint8_t first, second;
        int ecn;
    } rows[] = {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3},  {3, 2, 3},
                {2, 3, 3}, {1, 3, 3}, {2, 1, 2}, {0, 3, -1}, {3, 0, -1}};

    (void)state;
    EACH_IP(ip6)
    {
        for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
            int why;

            cut_up(ip6, 400);
            ecn_of_next = rows[k].first;
            assert_int_equal(piece(ip6, 0, 200), NO_DROP);
            ecn_of_next = rows[k].second;
            why = piece(ip6, 200, body(ip6));
            ecn_of_next = 0;
            assert_int_equal(why, rows[k].ecn < 0 ? SL_DROP_FRAG_ECN : NO_DROP);
            if (rows[k].ecn < 0) {
                assert_int_equal(n_dropped, 2);
                continue;
            }
            assert_int_equal(rig.batch.segs[0].ecn, rows[k].ecn);
            expect_whole(ip6);
        }
    }
    expect_nothing_is_held();
}

/* RFC 6946: an atomic fragment is a packet of its own, whatever else has its identification. */
static void test_atomic_fragment_does_not_meet_others(void **state)
{
    (void)state;
    cut_up(true, 400);
    assert_int_equal(piece(true, 0, 200), NO_DROP);
    assert_int_equal(bring(ID, 0, body(true), false), NO_DROP);
    expect_whole(true);
    assert_int_equal(piece(true, 200, body(true)), NO_DROP);
    expect_whole(true);
}

static void test_neighbour_discovery_in_fragments_is_refused(void **state)
{
    struct th_store store;
    struct th_pkt p;

    (void)state;
    th_nd_solicit(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), th_ip("2001:db8:1::10"));
    p.dst = th_ip("2001:db8:1::10");
    p.eth_dst = rig_mac(FRONT);
    for (int type = 133; type <= 137; type++) {
        p.icmp.type = (uint8_t)type;
        whole_len = th_encode(&p, whole, sizeof whole);
        assert_int_equal(bring(ID, 0, 136, true), SL_DROP_ND_FRAGMENT);
        assert_int_equal(bring(ID, 0, body(true), false), SL_DROP_ND_FRAGMENT); /* atomic */
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_NEIGHBOURS], 0);
}

static void test_ping_in_fragments_is_answered_when_the_answer_fits(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        for (uint32_t len = 1400; len <= 3000; len += 1600) {
            struct th_pkt p = cut_up(ip6, 0), r;
            static uint8_t data[3000];

            p.kind = TH_ICMP;
            p.icmp = (struct th_icmp){.type = ip6 ? 128 : 8, .rest = 1, .data = data, .len = len};
            whole_len = th_encode(&p, whole, sizeof whole);
            assert_int_equal(piece(ip6, 0, 800), NO_DROP);
            assert_int_equal(piece(ip6, 800, body(ip6)), len > 1400 ? SL_DROP_ICMP_TOO_LONG : NO_DROP);
            assert_int_equal(rig_out(FRONT, &r), len == 1400);
            if (len == 1400)
                assert_int_equal(r.icmp.len, len);
        }
    }
    expect_nothing_is_held();
}

static void test_icmp_error_in_fragments_reaches_tcp(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        struct th_pkt sent = cut_up(ip6, 600), e;
        struct th_store store;

        sent.src = rig_segment(ip6).dst;
        sent.dst = rig_segment(ip6).src;
        whole_len = th_encode(&sent, whole, sizeof whole);
        th_icmp_error(&e, &store, th_ip(ip6 ? "2001:db8:1::1" : "198.18.0.1"), ip6 ? 2 : 3, ip6 ? 0 : 4, 1300, whole,
                      whole_len, 500);
        e.eth_src = rig_peer_mac();
        e.eth_dst = rig_mac(FRONT);
        whole_len = th_encode(&e, whole, sizeof whole);
        assert_int_equal(piece(ip6, 256, body(ip6)), NO_DROP);
        assert_int_equal(piece(ip6, 0, 256), NO_DROP);
        assert_int_equal(rig.batch.n_errs, 1);
        assert_int_equal(rig.batch.errs[0].mtu, 1300);
        rig_drop_batch();
    }
}

static void identity(struct sl_steer *st)
{
    static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67};

    assert_int_equal(sl_steer_init(st, key, sizeof key, NULL, 0, 2), 0);
}

static void test_whole_datagram_of_another_worker_is_a_stray(void **state)
{
    struct rte_mbuf *m[4];
    struct sl_steer st;

    (void)state;
    identity(&st);
    EACH_IP(ip6)
    {
        struct th_pkt p = rig_segment(ip6);
        uint32_t home = sl_steer_worker(&st, &p.dst, 443, &p.src, 40000);

        for (uint32_t me = 0; me < 2; me++) {
            rig_wish.steer = &st;
            rig_wish.worker = me;
            rig_open_as(true);
            cut_up(ip6, 400);
            assert_int_equal(piece(ip6, 0, 200), NO_DROP);
            assert_int_equal(piece(ip6, 200, body(ip6)), NO_DROP);
            assert_int_equal(rig.batch.n_segs, me == home);
            assert_int_equal(sl_net_strays(rig.net, BACK, m, 4), 0);
            assert_int_equal(sl_net_strays(rig.net, FRONT, m, 4), me != home);
            assert_int_equal(rig.stats.ctr[SL_CTR_NET_STRAYS], me != home);
            if (me != home) { /* what its owner gets is a frame like any other */
                assert_int_equal(sl_steer_frame(&st, m[0]), (int)home);
                assert_int_equal(rig_in_mbuf(FRONT, m[0]), NO_DROP);
            }
            expect_whole(ip6);
            rig_close(state);
        }
    }
    sl_steer_free(&st);
}

static void test_strays_that_nobody_takes_are_bounded(void **state)
{
    struct th_pkt p = rig_segment(false);
    struct rte_mbuf *m[8];
    struct sl_steer st;

    identity(&st);
    rig_wish.steer = &st;
    rig_wish.worker = 1 - sl_steer_worker(&st, &p.dst, 443, &p.src, 40000);
    rig_open_as(true);
    cut_up(false, 400);
    for (uint32_t k = 0; k < SL_NET_STRAYS + 3; k++) {
        assert_int_equal(bring(k, 0, 200, true), NO_DROP);
        assert_int_equal(bring(k, 200, body(false) - 200, false), k < SL_NET_STRAYS ? NO_DROP : SL_DROP_STRAYS_FULL);
    }
    assert_int_equal(sl_net_strays(rig.net, FRONT, m, 8), 8);
    rte_pktmbuf_free_bulk(m, 8);
    sl_steer_free(&st);
    rig_close(state); /* what is left is freed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_fragments_in_any_order_become_one_segment),
        RIG_TEST(test_fragments_may_be_cut_into_mbufs_anywhere),
        RIG_TEST(test_datagram_of_64_kib_is_taken_to_the_byte),
        RIG_TEST(test_whole_datagram_passes_the_same_checks_as_a_packet),
        RIG_TEST(test_datagrams_with_the_same_id_are_told_apart_by_their_ends),
        RIG_TEST(test_options_and_extension_headers_stay_with_the_first_fragment),
        RIG_TEST(test_tag_of_the_link_is_kept),
        RIG_TEST(test_ecn_of_fragments_is_joined),
        RIG_TEST(test_atomic_fragment_does_not_meet_others),
        RIG_TEST(test_neighbour_discovery_in_fragments_is_refused),
        RIG_TEST(test_ping_in_fragments_is_answered_when_the_answer_fits),
        RIG_TEST(test_icmp_error_in_fragments_reaches_tcp),
        cmocka_unit_test(test_whole_datagram_of_another_worker_is_a_stray),
        cmocka_unit_test(test_strays_that_nobody_takes_are_bounded),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
