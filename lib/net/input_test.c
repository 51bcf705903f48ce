/* What arrives: each lie about a length, each address that may not be, and headers cut anywhere, in buffers that end where the bytes end. */
#include "net/rig.h"

static void a_good_segment_is_handed_on(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6);

        p.tos = 3;
        assert_int_equal(rig_in(FRONT, &p), NO_DROP);
        rig_expect_segment(&p);
        assert_int_equal(rig.batch.segs[0].ecn, 3);
        assert_int_equal(rig.batch.segs[0].iface, FRONT);
        rig_drop_batch();
    }
}

static void headers_may_be_cut_at_any_byte(void **state)
{
    static const uint8_t extension[8] = {6, 0, 1, 4}; /* hop-by-hop with padding; TCP follows */
    static const uint8_t options[8] = {1, 1, 148, 4, 0, 0, 1, 0};

    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6);
        uint8_t bytes[256];
        size_t len;

        p.ip_extra = ip6 ? extension : options;
        p.ip_extra_len = 8;
        p.lie.pad = 3;
        len = th_encode(&p, bytes, sizeof bytes);
        for (size_t a = 0; a <= len; a++) {
            for (size_t b = a; b <= len; b += 7) {
                const size_t cuts[] = {a, b};

                assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len, cuts, 2, 0)), NO_DROP);
                rig_expect_segment(&p);
                rig_drop_batch();
            }
        }
    }
}

static void a_chain_of_single_bytes_is_taken(void **state)
{
    struct th_pkt p = rig_segment(false);
    uint8_t bytes[256];
    size_t cuts[256], len = th_encode(&p, bytes, sizeof bytes);

    (void)state;
    for (size_t k = 0; k < len; k++)
        cuts[k] = k + 1;
    assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len, cuts, len - 1, 0)), NO_DROP);
    rig_expect_segment(&p);
}

static void a_frame_cut_short_anywhere_is_dropped_without_reading_on(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6);
        uint8_t bytes[256];
        size_t len = th_encode(&p, bytes, sizeof bytes);

        for (size_t n = 0; n < len; n++) {
            int why = rig_in_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, n, 0));

            assert_int_equal(why, n < 14                  ? SL_DROP_ETH_SHORT
                                  : n < (ip6 ? 54u : 34u) ? (ip6 ? SL_DROP_IP6_SHORT : SL_DROP_IP4_SHORT)
                                                          : (ip6 ? SL_DROP_IP6_LENGTH : SL_DROP_IP4_LENGTH));
        }
        assert_int_equal(rig.batch.n_segs, 0);
    }
}

static void ethernet_padding_is_no_data(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6);

        p.lie.pad = 60;
        assert_int_equal(rig_in(FRONT, &p), NO_DROP);
        rig_expect_segment(&p);
        rig_drop_batch();
    }
}

struct lie {
    const char *what;
    enum sl_drop why;
    void (*tell)(struct th_pkt *p);
};

static void from(struct th_pkt *p, const char *ip) { p->src = th_ip(ip); }
static void to(struct th_pkt *p, const char *ip) { p->dst = th_ip(ip); }
static void extra(struct th_pkt *p, const void *bytes, uint32_t len)
{
    p->ip_extra = bytes;
    p->ip_extra_len = len;
}

#define LIE(name, body)                                                                                                \
    static void name(struct th_pkt *p) { body; }

LIE(total_past_frame, p->lie.ip_len = 1)
LIE(total_under_header, p->lie.ip_len = -(20 + 32 + 17 - 19))
LIE(total_zero, p->lie.ip_len = -(20 + 32 + 17))
LIE(total_cuts_tcp, p->lie.ip_len = -(32 + 17 - 19))
LIE(total_cuts_data, p->lie.ip_len = -1)
LIE(ihl_under_5, p->lie.ip_ihl = 4)
LIE(ihl_past_total, (p->lie.ip_ihl = 15, p->tcp.len = 0, p->tcp.has_ts = false))
LIE(version_6, p->lie.ip_version = 6)
LIE(version_4, p->lie.ip_version = 4)
LIE(bad_header_sum, p->lie.ip_cksum = 1)
LIE(bad_tcp_sum, p->lie.l4_cksum = 0x100)
LIE(more_fragments, p->ip_frag = 0x2000)
LIE(fragment_offset, p->ip_frag = 1)
LIE(lsrr, extra(p, "\x83\x07\x04\xc6\x12\x00\x09\x00", 8))
LIE(ssrr, extra(p, "\x89\x07\x04\xc6\x12\x00\x09\x00", 8))
LIE(option_length_0, extra(p, "\x07\x00\x00\x00", 4))
LIE(option_length_1, extra(p, "\x07\x01\x00\x00", 4))
LIE(option_past_header, extra(p, "\x01\x01\x07\x03", 4))
LIE(option_without_length, extra(p, "\x01\x01\x01\x07", 4))
LIE(from_zero, from(p, "0.0.0.0"))
LIE(from_loopback, from(p, "127.0.0.1"))
LIE(from_multicast, from(p, "224.0.0.1"))
LIE(from_class_e, from(p, "240.0.0.1"))
LIE(from_everybody, from(p, "255.255.255.255"))
LIE(from_directed_broadcast, from(p, "198.18.0.255"))
LIE(from_us, from(p, "198.18.0.10"))
LIE(to_directed_broadcast, to(p, "198.18.0.255"))
LIE(to_everybody, to(p, "255.255.255.255"))
LIE(to_multicast, to(p, "224.0.0.1"))
LIE(to_another, to(p, "198.18.0.11"))
LIE(to_other_link, to(p, "198.18.1.10"))
LIE(eth_broadcast, memset(p->eth_dst.addr_bytes, 0xff, 6))
LIE(eth_other, p->eth_dst = th_mac(99))
LIE(eth_from_group, p->eth_src.addr_bytes[0] = 1)
LIE(eth_from_us, p->eth_src = rig_mac(FRONT))
LIE(eth_from_zero, memset(&p->eth_src, 0, 6))
LIE(tagged, p->vlan = 9)
LIE(protocol_udp, (p->kind = TH_IP, p->proto = 17, p->payload = (const uint8_t *)"12345678", p->payload_len = 8))
LIE(protocol_other, (p->kind = TH_IP, p->proto = 47, p->payload = (const uint8_t *)"1234", p->payload_len = 4))

static const struct lie lies4[] = {
    {"total length past the frame", SL_DROP_IP4_LENGTH, total_past_frame},
    {"total length under the header", SL_DROP_IP4_LENGTH, total_under_header},
    {"total length zero", SL_DROP_IP4_LENGTH, total_zero},
    {"total length cuts the TCP header", SL_DROP_TCP_SHORT, total_cuts_tcp},
    {"total length cuts the data", SL_DROP_TCP_CKSUM, total_cuts_data},
    {"header length under five words", SL_DROP_IP4_HEADER, ihl_under_5},
    {"header length past the packet", SL_DROP_IP4_LENGTH, ihl_past_total},
    {"version 6 in an IPv4 frame", SL_DROP_IP4_HEADER, version_6},
    {"header checksum", SL_DROP_IP4_CKSUM, bad_header_sum},
    {"TCP checksum", SL_DROP_TCP_CKSUM, bad_tcp_sum},
    {"more fragments, length no multiple of 8", SL_DROP_FRAG_UNALIGNED, more_fragments},
    {"fragment that begins within the TCP header", SL_DROP_FRAG_TINY, fragment_offset},
    {"loose source route", SL_DROP_IP4_SOURCE_ROUTE, lsrr},
    {"strict source route", SL_DROP_IP4_SOURCE_ROUTE, ssrr},
    {"option of length 0", SL_DROP_IP4_OPTIONS, option_length_0},
    {"option of length 1", SL_DROP_IP4_OPTIONS, option_length_1},
    {"option past the header", SL_DROP_IP4_OPTIONS, option_past_header},
    {"option without its length", SL_DROP_IP4_OPTIONS, option_without_length},
    {"source zero", SL_DROP_IP4_SOURCE, from_zero},
    {"source loopback", SL_DROP_IP4_SOURCE, from_loopback},
    {"source multicast", SL_DROP_IP4_SOURCE, from_multicast},
    {"source class E", SL_DROP_IP4_SOURCE, from_class_e},
    {"source broadcast", SL_DROP_IP4_SOURCE, from_everybody},
    {"source directed broadcast", SL_DROP_IP4_SOURCE, from_directed_broadcast},
    {"source our own address", SL_DROP_IP4_SOURCE, from_us},
    {"to the directed broadcast", SL_DROP_IP4_BROADCAST, to_directed_broadcast},
    {"to the limited broadcast", SL_DROP_IP4_BROADCAST, to_everybody},
    {"to a multicast group", SL_DROP_IP4_MULTICAST, to_multicast},
    {"to another host", SL_DROP_IP4_NOT_OURS, to_another},
    {"to our address on the other link", SL_DROP_IP4_NOT_OURS, to_other_link},
    {"unicast packet in a broadcast frame", SL_DROP_ETH_GROUP, eth_broadcast},
    {"frame for another station", SL_DROP_ETH_NOT_OURS, eth_other},
    {"frame from a group", SL_DROP_ETH_SOURCE, eth_from_group},
    {"frame from our own MAC", SL_DROP_ETH_SOURCE, eth_from_us},
    {"frame from MAC zero", SL_DROP_ETH_SOURCE, eth_from_zero},
    {"tag on a link without", SL_DROP_ETH_VLAN, tagged},
    {"UDP", SL_DROP_UDP, protocol_udp},
    {"GRE", SL_DROP_IP_PROTO, protocol_other},
};

#define HOPS(p, bytes, n) (extra(p, bytes, n), (p)->ip_extra_first = 0)
#define DEST(p, bytes, n) (extra(p, bytes, n), (p)->ip_extra_first = 60)

LIE(payload_past_frame, p->lie.ip_len = 1)
LIE(payload_zero, p->lie.ip_len = -(32 + 17))
LIE(payload_cuts_tcp, p->lie.ip_len = -(32 + 17 - 19))
LIE(ext_past_end, (DEST(p, "\x06\x20\x01\x04\0\0\0\0", 8)))
LIE(ext_cut, (DEST(p, "\x3c\x00\x01\x04\0\0\0\0", 8), p->lie.ip_len = -(32 + 17) + 1))
LIE(ext_loop,
    DEST(
        p,
        "\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0"
        "\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0\x3c\0\x01\x04\0\0\0\0\x06\0\x01\x04\0\0\0\0",
        72))
LIE(hops_in_second_place, DEST(p, "\x00\x00\x01\x04\0\0\0\0\x06\x00\x01\x04\0\0\0\0", 16))
LIE(opt_past_header, HOPS(p, "\x06\x00\x01\x05\0\0\0\0", 8))
LIE(opt_without_length, HOPS(p, "\x06\x00\x00\x00\x00\x00\x00\x01", 8))
LIE(opt_must_know, HOPS(p, "\x06\x00\x40\x04\0\0\0\0", 8))
LIE(opt_jumbo, HOPS(p, "\x06\x00\xc2\x04\0\0\0\0", 8))
LIE(routing_0, (extra(p, "\x06\x00\x00\x00\0\0\0\0", 8), p->ip_extra_first = 43))
LIE(routing_onward, (extra(p, "\x06\x00\x02\x01\0\0\0\0", 8), p->ip_extra_first = 43))
LIE(fragment6, (extra(p, "\x06\x00\x00\x01\0\0\0\1", 8), p->ip_extra_first = 44))
LIE(no_next, (p->kind = TH_IP, p->proto = 59))
LIE(from_group6, from(p, "ff02::1"))
LIE(from_none6, from(p, "::"))
LIE(from_loopback6, from(p, "::1"))
LIE(from_us6, from(p, "2001:db8:1::10"))
LIE(to_group6, to(p, "ff02::1"))
LIE(to_routers6, to(p, "ff02::2"))
LIE(to_another6, to(p, "2001:db8:1::11"))

static const struct lie lies6[] = {
    {"payload length past the frame", SL_DROP_IP6_LENGTH, payload_past_frame},
    {"payload length zero", SL_DROP_TCP_SHORT, payload_zero},
    {"payload length cuts the TCP header", SL_DROP_TCP_SHORT, payload_cuts_tcp},
    {"version 4 in an IPv6 frame", SL_DROP_IP6_HEADER, version_4},
    {"TCP checksum", SL_DROP_TCP_CKSUM, bad_tcp_sum},
    {"extension header past the end", SL_DROP_IP6_EXTENSIONS, ext_past_end},
    {"extension header cut to a byte", SL_DROP_IP6_EXTENSIONS, ext_cut},
    {"nine extension headers", SL_DROP_IP6_EXTENSIONS, ext_loop},
    {"hop-by-hop in second place", SL_DROP_IP6_EXTENSIONS, hops_in_second_place},
    {"option past its header", SL_DROP_IP6_EXTENSIONS, opt_past_header},
    {"option without its length", SL_DROP_IP6_EXTENSIONS, opt_without_length},
    {"option that must be known", SL_DROP_IP6_OPTION, opt_must_know},
    {"jumbogram", SL_DROP_IP6_OPTION, opt_jumbo},
    {"routing header of type 0", SL_DROP_IP6_ROUTING, routing_0},
    {"routing header that sends on", SL_DROP_IP6_ROUTING, routing_onward},
    {"fragment, length no multiple of 8", SL_DROP_FRAG_UNALIGNED, fragment6},
    {"no next header", SL_DROP_IP6_NO_NEXT, no_next},
    {"source multicast", SL_DROP_IP6_SOURCE, from_group6},
    {"source unspecified", SL_DROP_IP6_SOURCE, from_none6},
    {"source loopback", SL_DROP_IP6_SOURCE, from_loopback6},
    {"source our own address", SL_DROP_IP6_SOURCE, from_us6},
    {"TCP to all nodes", SL_DROP_IP6_GROUP, to_group6},
    {"to a group that is not ours", SL_DROP_IP6_NOT_OURS, to_routers6},
    {"to another host", SL_DROP_IP6_NOT_OURS, to_another6},
    {"unicast packet in a broadcast frame", SL_DROP_ETH_GROUP, eth_broadcast},
    {"UDP", SL_DROP_UDP, protocol_udp},
    {"GRE", SL_DROP_IP_PROTO, protocol_other},
};

static void tell(const struct lie *lie, bool ip6)
{
    struct th_pkt p = rig_segment(ip6);
    uint8_t bytes[512];
    size_t len;

    lie->tell(&p);
    len = th_encode(&p, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= len; cut += cut < 60 ? 1 : 13) {
        int why = rig_in_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len, &cut, cut ? 1 : 0, 0));

        if (why != (int)lie->why)
            fail_msg("%s, cut at %zu: %s instead of %s", lie->what, cut, why < 0 ? "taken" : sl_drop_info[why].name,
                     sl_drop_info[lie->why].name);
    }
    assert_int_equal(rig.batch.n_segs, 0);
}

static void each_ipv4_lie_is_dropped_for_its_reason(void **state)
{
    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(lies4); k++)
        tell(&lies4[k], false);
}

static void each_ipv6_lie_is_dropped_for_its_reason(void **state)
{
    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(lies6); k++)
        tell(&lies6[k], true);
}

static void mapped_addresses_never_come_as_ipv6(void **state)
{
    uint8_t bytes[256];

    (void)state;
    for (size_t at = 14 + 8; at <= 14 + 24; at += 16) {
        struct th_pkt p = rig_segment(true);
        struct sl_ip mapped = th_ip("198.18.0.10");
        size_t len = th_encode(&p, bytes, sizeof bytes);

        memcpy(bytes + at, mapped.b, 16);
        assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, len, 0)), SL_DROP_IP6_MAPPED);
    }
}

static void known_options_and_extension_headers_are_passed_over(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t len;
        uint8_t first;
    } rows[] = {
        {"\x06\x00\x05\x02\0\0\1\0", 8, 0}, /* router alert, padding */
        {"\x3c\x00\x01\x04\0\0\0\0\x06\x00\x1e\x04\0\0\0\0", 16,
         0},                                 /* hop-by-hop, then an option that may be skipped */
        {"\x06\x00\x02\x00\0\0\0\0", 8, 43}, /* routing header at its end */
        {"\x06\x00\x00\x00\0\0\0\1", 8, 44}, /* atomic fragment (RFC 6946) */
        {"\x06\x01\x01\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16, 60},
    };

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt p = rig_segment(true);

        extra(&p, rows[k].bytes, rows[k].len);
        p.ip_extra_first = rows[k].first;
        assert_int_equal(rig_in(FRONT, &p), NO_DROP);
        rig_expect_segment(&p);
        rig_drop_batch();
    }
}

static void the_interface_s_tag_is_wanted_and_no_other(void **state)
{
    struct th_pkt p = rig_segment(false);
    uint8_t bytes[256];
    struct rte_mbuf *m;

    (void)state;
    p.eth_dst = rig_mac(BACK);
    p.src = th_ip("198.18.1.2");
    p.dst = th_ip("198.18.1.10");
    assert_int_equal(rig_in(BACK, &p), SL_DROP_ETH_VLAN);
    m = th_frame(rig_frames, &p); /* a device that strips tags */
    m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    m->vlan_tci = 0x6007;
    assert_int_equal(rig_in_mbuf(BACK, m), NO_DROP);
    rig_drop_batch();
    p.vlan = 8;
    assert_int_equal(rig_in(BACK, &p), SL_DROP_ETH_VLAN);
    p.vlan = 7;
    assert_int_equal(rig_in(BACK, &p), NO_DROP);
    th_encode(&p, bytes, sizeof bytes);
    for (size_t n = 0; n < 18; n++)
        assert_int_equal(rig_in_mbuf(BACK, th_mbuf_exact(rig_frames, bytes, n, 0)), SL_DROP_ETH_SHORT);
}

static void what_the_device_says_about_checksums_is_believed(void **state)
{
    static const struct {
        uint64_t flags;
        int why;
    } rows[] = {
        {RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD, NO_DROP},
        {RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE, NO_DROP},
        {RTE_MBUF_F_RX_IP_CKSUM_GOOD, SL_DROP_TCP_CKSUM},
        {RTE_MBUF_F_RX_L4_CKSUM_GOOD, SL_DROP_IP4_CKSUM},
        {RTE_MBUF_F_RX_IP_CKSUM_BAD, SL_DROP_IP4_CKSUM},
        {RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD, SL_DROP_TCP_CKSUM},
    };

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt p = rig_segment(false);
        struct rte_mbuf *m;

        p.lie.ip_cksum = p.lie.l4_cksum = 5;
        m = th_frame(rig_frames, &p);
        m->ol_flags |= rows[k].flags;
        assert_int_equal(rig_in_mbuf(FRONT, m), rows[k].why);
    }
}

static void a_full_batch_drops_and_counts(void **state)
{
    struct th_pkt p = rig_segment(false);

    (void)state;
    for (int k = 0; k < SL_NET_BURST; k++)
        assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_BATCH_FULL);
    assert_int_equal(rig.batch.n_segs, SL_NET_BURST);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_RX_PACKETS], SL_NET_BURST + 1);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_good_segment_is_handed_on),
        RIG_TEST(headers_may_be_cut_at_any_byte),
        RIG_TEST(a_chain_of_single_bytes_is_taken),
        RIG_TEST(a_frame_cut_short_anywhere_is_dropped_without_reading_on),
        RIG_TEST(ethernet_padding_is_no_data),
        RIG_TEST(each_ipv4_lie_is_dropped_for_its_reason),
        RIG_TEST(each_ipv6_lie_is_dropped_for_its_reason),
        RIG_TEST(mapped_addresses_never_come_as_ipv6),
        RIG_TEST(known_options_and_extension_headers_are_passed_over),
        RIG_TEST(the_interface_s_tag_is_wanted_and_no_other),
        RIG_TEST(what_the_device_says_about_checksums_is_believed),
        RIG_TEST(a_full_batch_drops_and_counts),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
