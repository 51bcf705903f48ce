/* What a device is taken to be able to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/internal.h"

static const struct rte_eth_dev_info card = {
    .max_rx_queues = 16,
    .max_tx_queues = 8,
    .reta_size = 128,
    .flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_IPV4,
    .tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                       RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE,
    .tx_desc_lim = {.nb_seg_max = 40, .nb_mtu_seg_max = 18},
};

static void a_card_does_what_it_reports(void **state)
{
    struct port_caps caps;

    port_caps_of("net_ixgbe", &card, &caps);
    assert_int_equal(caps.tx_segs, 18);
    assert_true(caps.indirect && caps.foreign && caps.rss && caps.tso && !caps.own_umem);
    assert_int_equal(caps.queues_max, 8);
    assert_int_equal(port_caps_tx_flags(&caps), RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
}

/* Connections keep references to what was sent until it is acknowledged. */
static void fast_free_is_never_asked_for(void **state)
{
    struct port_caps caps;

    port_caps_of("net_ixgbe", &card, &caps);
    assert_int_equal(caps.tx_offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, 0);
}

static void af_xdp_sends_one_plain_buffer_whatever_it_reports(void **state)
{
    struct port_caps caps;

    port_caps_of("net_af_xdp", &card, &caps);
    assert_int_equal(caps.tx_segs, 1);
    assert_true(!caps.indirect && !caps.foreign && caps.own_umem);
}

static void no_multi_segs_means_one_segment_and_no_checksums_means_none(void **state)
{
    struct rte_eth_dev_info plain = card;
    struct port_caps caps;

    plain.tx_offload_capa = 0;
    port_caps_of("net_ring", &plain, &caps);
    assert_int_equal(caps.tx_segs, 1);
    assert_int_equal(port_caps_tx_flags(&caps), 0);
}

static void rss_needs_both_families_and_a_table_that_we_can_hold(void **state)
{
    struct rte_eth_dev_info lame = card;
    struct port_caps caps;

    lame.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
    port_caps_of("net_ixgbe", &lame, &caps);
    assert_false(caps.rss);
    lame = card;
    lame.reta_size = 2 * SL_STEER_RETA_MAX;
    port_caps_of("net_ixgbe", &lame, &caps);
    assert_false(caps.rss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_does_what_it_reports),
        cmocka_unit_test(fast_free_is_never_asked_for),
        cmocka_unit_test(af_xdp_sends_one_plain_buffer_whatever_it_reports),
        cmocka_unit_test(no_multi_segs_means_one_segment_and_no_checksums_means_none),
        cmocka_unit_test(rss_needs_both_families_and_a_table_that_we_can_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
