/* The helpers themselves: what th_encode writes th_decode reads, and every lie is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "helpers/helpers.h"

static struct rte_mempool *pool;

static struct th_pkt example(bool ip6)
{
    static const uint8_t data[] = "thirteen byte";
    struct th_pkt p = {.kind = TH_TCP, .eth_src = th_mac(1), .eth_dst = th_mac(2), .vlan = 7, .tos = 2, .ip_id = 9};

    p.src = th_ip(ip6 ? "2001:db8::1" : "198.18.0.1");
    p.dst = th_ip(ip6 ? "2001:db8::2" : "198.18.0.2");
    p.tcp = (struct th_tcp){.sport = 1000,
                            .dport = 443,
                            .seq = 0xfffffff0,
                            .ack = 5,
                            .wnd = 77,
                            .flags = TH_SYN | TH_ACK,
                            .mss = 1460,
                            .wscale = 8,
                            .sack_ok = true};
    p.tcp.has_ts = true;
    p.tcp.tsval = 11;
    p.tcp.tsecr = 12;
    p.tcp.data = data;
    p.tcp.len = 13;
    return p;
}

static void a_tcp_frame_survives_encoding_and_decoding(void **state)
{
    uint8_t bytes[256];

    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt in = example(ip6), out;
        size_t len = th_encode(&in, bytes, sizeof bytes);

        assert_null(th_decode(bytes, len, &out));
        assert_int_equal(out.kind, TH_TCP);
        assert_int_equal(out.vlan, 7);
        assert_int_equal(out.tos, 2);
        assert_int_equal(out.tcp.seq, 0xfffffff0);
        assert_int_equal(out.tcp.mss, 1460);
        assert_int_equal(out.tcp.wscale, 8);
        assert_true(out.tcp.sack_ok);
        assert_int_equal(out.tcp.tsecr, 12);
        assert_int_equal(out.tcp.len, 13);
        assert_memory_equal(out.tcp.data, "thirteen byte", 13);
    }
}

static void every_flipped_bit_behind_the_ethernet_header_is_noticed_in_ipv4(void **state)
{
    struct th_pkt in = example(false), out;
    uint8_t bytes[256];
    size_t len = th_encode(&in, bytes, sizeof bytes);

    (void)state;
    for (size_t bit = 18 * 8; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_non_null(th_decode(bytes, len, &out));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void every_lie_is_noticed(void **state)
{
    uint8_t bytes[256];
    struct th_pkt p[6], out;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(p); i++)
        p[i] = example(false);
    p[0].lie.ip_len = 1;
    p[1].lie.ip_cksum = 1;
    p[2].lie.l4_cksum = 1;
    p[3].lie.ip_version = 6;
    p[4].lie.ip_ihl = 4;
    p[5].lie.tcp_doff = 4;
    for (size_t i = 0; i < SL_ARRAY_LEN(p); i++)
        assert_non_null(th_decode(bytes, th_encode(&p[i], bytes, sizeof bytes), &out));
}

static void an_exact_mbuf_holds_the_bytes_and_goes_back_to_its_pool(void **state)
{
    static const size_t cuts[] = {0, 3, 3, 700};
    uint8_t in[1000], out[1000];
    struct rte_mbuf *m;

    (void)state;
    memset(in, 0x5a, sizeof in);
    m = th_mbuf_chain(pool, in, sizeof in, cuts, SL_ARRAY_LEN(cuts), 64);
    assert_int_equal(m->nb_segs, 4); /* the first is empty: the cut at 0 */
    assert_int_equal(rte_pktmbuf_headroom(m), 64);
    assert_int_equal(rte_pktmbuf_tailroom(rte_pktmbuf_lastseg(m)), 0);
    rte_mbuf_sanity_check(m, 1);
    assert_int_equal(th_mbuf_bytes(m, out, sizeof out), sizeof in);
    assert_memory_equal(in, out, sizeof in);
    rte_pktmbuf_free(m);
    assert_true(th_pools_full());
}

static void a_host_answers_for_its_own_address_only(void **state)
{
    struct sl_ip me4 = th_ip("198.18.0.2"), me6 = th_ip("2001:db8::2"), other = th_ip("198.18.0.9");
    struct th_store store, answer_store;
    struct th_pkt q, a;
    uint8_t bytes[256];
    size_t len;

    (void)state;
    th_arp_request(&q, th_mac(1), th_ip("198.18.0.1"), me4);
    len = th_encode(&q, bytes, sizeof bytes);
    assert_true(th_answer_neighbour(bytes, len, &me4, th_mac(2), &a, &answer_store));
    assert_int_equal(a.arp.op, 2);
    assert_false(th_answer_neighbour(bytes, len, &other, th_mac(2), &a, &answer_store));
    th_nd_solicit(&q, &store, th_mac(1), th_ip("2001:db8::1"), me6);
    len = th_encode(&q, bytes, sizeof bytes);
    assert_true(th_answer_neighbour(bytes, len, &me6, th_mac(2), &a, &answer_store));
    len = th_encode(&a, bytes, sizeof bytes);
    assert_null(th_decode(bytes, len, &q));
    assert_int_equal(q.ttl, 255);
    assert_int_equal(q.icmp.type, 136);
}

static int setup(void **state)
{
    (void)state;
    pool = th_pool("helpers", 64, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tcp_frame_survives_encoding_and_decoding),
        cmocka_unit_test(every_flipped_bit_behind_the_ethernet_header_is_noticed_in_ipv4),
        cmocka_unit_test(every_lie_is_noticed),
        cmocka_unit_test(an_exact_mbuf_holds_the_bytes_and_goes_back_to_its_pool),
        cmocka_unit_test(a_host_answers_for_its_own_address_only),
    };

    return cmocka_run_group_tests(tests, setup, th_leak_teardown);
}
