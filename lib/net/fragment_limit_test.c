/* What breaks reassembly's rules or its bounds: each goes by a reason of its own, and nothing is held longer or in larger numbers than said. */
#include "net/rig_fragment.h"

static uint32_t pieces_held(void) { return rte_mempool_in_use_count(rig_frames); }

static void test_fragment_without_bytes_is_dropped(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        assert_int_equal(bring(ID, 0, 0, true), SL_DROP_FRAG_EMPTY);
        assert_int_equal(bring(ID, 200, 0, false), SL_DROP_FRAG_EMPTY);
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_fragment_not_multiple_of_8_is_dropped(void **state)
{
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        for (uint32_t n = 201; n < 208; n++)
            assert_int_equal(bring(ID, 0, n, true), SL_DROP_FRAG_UNALIGNED);
        assert_int_equal(rig_out(FRONT, &p), ip6);
        if (ip6) { /* RFC 8200 4.5: parameter problem at the payload length */
            assert_int_equal(p.icmp.type, 4);
            assert_int_equal(p.icmp.code, 0);
            assert_int_equal(p.icmp.rest, 4);
        }
        while (rig_out(FRONT, &p))
            ;
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_tiny_fragments_are_dropped(void **state)
{
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        assert_int_equal(bring(ID, 0, 120, true), SL_DROP_FRAG_TINY);
        assert_int_equal(bring(ID, 200, 120, true), SL_DROP_FRAG_TINY);
        assert_int_equal(bring(ID, 0, 16, true), SL_DROP_FRAG_TINY);
        assert_int_equal(bring(ID, 8, 200, true), SL_DROP_FRAG_TINY); /* begins within the TCP header (RFC 3128) */
        assert_int_equal(bring(ID, 16, 200, true), SL_DROP_FRAG_TINY);
        assert_int_equal(bring(ID, 424, 8, false), NO_DROP); /* the last may be short */
        assert_false(rig_out(FRONT, &p));
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 2);
}

/* RFC 7112: the chain of headers may not go on in the next fragment; the sender is told (code 3). */
static void test_first_fragment_without_all_headers_is_dropped(void **state)
{
    struct th_pkt p = rig_segment(true), r;
    static uint8_t extension[256] = {6, 31};

    (void)state;
    p.ip_extra = extension;
    p.ip_extra_len = sizeof extension;
    p.ip_extra_first = 60;
    for (size_t k = 2; k < sizeof extension; k++)
        extension[k] = 0; /* Pad1 */
    whole_len = th_encode(&p, whole, sizeof whole);
    assert_int_equal(bring(ID, 0, 128, true), SL_DROP_FRAG_HEADERS);
    assert_int_equal(bring(ID, 0, 256, true), SL_DROP_FRAG_HEADERS);
    cut_up(true, 400);
    whole[54 + 12] = 0xf0;
    for (uint32_t have = 0; have < 20; have++) { /* the last, and first: its end cuts the TCP header */
        uint8_t bytes[100];
        size_t len = cut(ID, 0, have, true, bytes, sizeof bytes);
        int why = bring_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, len, 0));

        assert_true(why == (have == 0 ? SL_DROP_FRAG_EMPTY : have % 8 ? SL_DROP_FRAG_UNALIGNED : SL_DROP_FRAG_TINY));
    }
    while (rig_out(FRONT, &r))
        ;
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_fragment_of_a_fragment_is_dropped(void **state)
{
    struct th_pkt p = rig_segment(true);

    (void)state;
    p.ip_extra = (const uint8_t *)"\x2c\x00\x00\x01\0\0\0\1\x06\x00\x00\x01\0\0\0\1";
    p.ip_extra_len = 16;
    p.ip_extra_first = 44;
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_FRAG_NESTED);
    p.ip_extra = (const uint8_t *)"\x2c\x00\x00\x00\0\0\0\1\x06\x00\x00\x00\0\0\0\1"; /* atomic ones too */
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_FRAG_NESTED);
}

static void test_fragment_beyond_64_kib_is_dropped(void **state)
{
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 400);
        assert_int_equal(bring(ID, 65528, 8, false), SL_DROP_FRAG_TOO_LONG);
        assert_int_equal(bring(ID, 65528, 128, true), SL_DROP_FRAG_TOO_LONG);
        assert_int_equal(rig_out(FRONT, &p), ip6);
        if (ip6)
            assert_int_equal(p.icmp.rest, 42); /* the fragment offset */
        while (rig_out(FRONT, &p))
            ;
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

/* What counts is the length with the first fragment's own headers. */
static void test_whole_beyond_64_kib_with_its_options_is_dropped(void **state)
{
    static const uint8_t options[40] = {1};
    struct th_pkt p;
    uint32_t most = 65535 - 20 - 8;

    (void)state;
    p = cut_up(false, most - 32);
    p.ip_extra = options;
    p.ip_extra_len = sizeof options;
    p.tcp.len = 1000;
    whole_len = th_encode(&p, whole, sizeof whole);
    assert_int_equal(bring(ID, 0, 1440, true), NO_DROP);
    for (uint32_t at = 1440; at < most; at += 1440) {
        cut_up(false, 0);
        assert_int_equal(bring(ID, at, SL_MIN(1440, most - at), at + 1440 < most),
                         at + 1440 < most ? NO_DROP : SL_DROP_FRAG_TOO_LONG);
    }
    expect_nothing_is_held();
}

/* RFC 5722: the datagram goes, with what still comes of it, and nobody is told. */
static void test_overlap_takes_the_whole_datagram(void **state)
{
    static const struct {
        uint32_t from, to;
    } rows[] = {{192, 400}, {208, 400}, {200, 392}, {200, 408}, {128, 256}, {256, 384}, {392, 520}};
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
            cut_up(ip6, 700);
            assert_int_equal(bring(ID + (uint32_t)k, 200, 200, true), NO_DROP);
            assert_int_equal(bring(ID + (uint32_t)k, rows[k].from, rows[k].to - rows[k].from, true),
                             SL_DROP_FRAG_OVERLAP);
            assert_int_equal(n_dropped, 2);
            assert_int_equal(pieces_held(), 0);
            assert_int_equal(bring(ID + (uint32_t)k, 0, 200, true), SL_DROP_FRAG_DEAD);
            assert_int_equal(bring(ID + (uint32_t)k, 400, body(ip6) - 400, false), SL_DROP_FRAG_DEAD);
        }
        rig.now += 61 * S;
        sl_net_timers(rig.net, rig.now);
        assert_false(rig_out(FRONT, &p));
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
    }
    assert_int_equal(rig.batch.n_segs, 0);
}

/* Networks duplicate packets; the copy says nothing new (RFC 8200 4.5 allows to tell them from overlaps). */
static void test_exact_duplicate_is_passed_over(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 700);
        assert_int_equal(piece(ip6, 0, 200), NO_DROP);
        assert_int_equal(piece(ip6, 0, 200), SL_DROP_FRAG_DUPLICATE);
        assert_int_equal(piece(ip6, 400, body(ip6)), NO_DROP);
        assert_int_equal(piece(ip6, 400, body(ip6)), SL_DROP_FRAG_DUPLICATE);
        assert_int_equal(piece(ip6, 200, 400), NO_DROP);
        expect_whole(ip6);
    }
    expect_nothing_is_held();
}

static void test_duplicate_with_other_bytes_is_an_overlap(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        for (size_t at = 0; at < 600; at += 37) {
            cut_up(ip6, 700);
            assert_int_equal(bring(ID + (uint32_t)at, 0, 600, true), NO_DROP);
            whole[(ip6 ? 54 : 34) + at] ^= 1;
            assert_int_equal(bring(ID + (uint32_t)at, 0, 600, true), SL_DROP_FRAG_OVERLAP);
        }
    }
    expect_nothing_is_held();
}

static void test_ends_that_disagree_take_the_whole_datagram(void **state)
{
    static const struct {
        uint32_t off, n;
        bool more;
    } rows[][2] = {
        {{400, 200, false}, {800, 200, false}}, /* two ends, the later one further */
        {{400, 200, false}, {200, 128, false}}, /* nearer */
        {{400, 200, false}, {600, 128, true}},  /* more behind the end */
        {{400, 200, false}, {400, 200, true}},  /* the last, and not the last */
        {{400, 200, true}, {200, 128, false}},  /* the end before what is here */
    };

    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 1000);
        for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
            assert_int_equal(bring((uint32_t)k, rows[k][0].off, rows[k][0].n, rows[k][0].more), NO_DROP);
            assert_int_equal(bring((uint32_t)k, rows[k][1].off, rows[k][1].n, rows[k][1].more), SL_DROP_FRAG_END);
            assert_int_equal(n_dropped, 2);
            assert_int_equal(bring((uint32_t)k, 0, 200, true), SL_DROP_FRAG_DEAD);
        }
    }
    expect_nothing_is_held();
}

static void test_fragments_of_a_datagram_are_bounded(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        cut_up(ip6, 0);
        for (uint32_t k = 0; k < 64; k++)
            assert_int_equal(bring(ID, 1024 + k * 128, 128, true), NO_DROP);
        assert_int_equal(bring(ID, 1024 + 64 * 128, 128, true), SL_DROP_FRAG_MANY);
        assert_int_equal(n_dropped, 65);
    }
    expect_nothing_is_held();
}

static struct th_pkt from_source(bool ip6, uint32_t k)
{
    struct th_pkt p = cut_up(ip6, 400);

    p.src = th_ip(ip6 ? "2001:db8:9::2" : "198.18.9.2");
    p.src.b[ip6 ? 6 : 14] = (uint8_t)(9 + (k >> 8)); /* another /64 */
    p.src.b[ip6 ? 7 : 15] = (uint8_t)k;
    whole_len = th_encode(&p, whole, sizeof whole);
    return p;
}

static void test_flood_of_first_fragments_is_bounded_and_the_oldest_gives_way(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        uint64_t before = rig.stats.ctr[SL_CTR_NET_DATAGRAMS];

        for (uint32_t k = 1; k <= 250; k++) {
            from_source(ip6, k);
            rig.now += SL_NS_PER_MS;
            assert_int_equal(bring(ID, 0, 200, true), before + k > 64 ? SL_DROP_FRAG_EVICTED : NO_DROP);
            assert_int_equal(pieces_held(), SL_MIN(before + k, 64));
        }
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 64);
        for (uint32_t k = 250; k > 250 - 64; k--) { /* the newest are those that are still here */
            from_source(ip6, k);
            assert_int_equal(bring(ID, 200, body(ip6) - 200, false), NO_DROP);
            assert_int_equal(rig.batch.n_segs, 1);
            rig_drop_batch();
        }
    }
    expect_nothing_is_held();
}

static void test_one_source_has_a_share_and_harms_only_itself(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        struct th_pkt p;

        from_source(ip6, 1);
        assert_int_equal(bring(ID, 0, 200, true), NO_DROP);
        p = from_source(ip6, 2);
        for (uint32_t id = 0; id < 500; id++) {
            p.src.b[15] ^= ip6 ? (uint8_t)id : 0; /* a source of IPv6 is its /64 */
            whole_len = th_encode(&p, whole, sizeof whole);
            assert_int_equal(bring(id, 0, 200, true), id < 8 ? NO_DROP : SL_DROP_FRAG_SOURCE);
        }
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 9);
        from_source(ip6, 1);
        assert_int_equal(bring(ID, 200, body(ip6) - 200, false), NO_DROP);
        expect_whole(ip6);
        rig_pass(61 * S);
    }
    expect_nothing_is_held();
}

/* Buffers count whole: th_mbuf_exact's are as large as their frames. */
static void test_bytes_are_bounded_and_the_oldest_gives_way(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        uint32_t each = 200 + (ip6 ? 62 : 34);

        rig_wish.fragment_bytes = 4 * each;
        rig_open_as(true);
        for (uint32_t k = 1; k <= 20; k++) {
            from_source(ip6, k);
            assert_int_equal(bring(ID, 0, 200, true), k > 4 ? SL_DROP_FRAG_EVICTED : NO_DROP);
            assert_int_equal(rig.stats.ctr[SL_CTR_NET_FRAGMENT_BYTES], SL_MIN(k, 4) * each);
        }
        for (uint32_t k = 1; k <= 4; k++) /* one that grows pushes the others out, then itself */
            assert_int_equal(bring(ID, 200 * k, 200, true), SL_DROP_FRAG_EVICTED);
        expect_nothing_is_held();
        assert_int_equal(bring(ID, 1000, 200, true), SL_DROP_FRAG_DEAD);
        rig_close(state);
    }
}

static void test_unfinished_datagram_is_forgotten_in_time(void **state)
{
    (void)state;
    EACH_IP(ip6)
    {
        uint64_t keep = (ip6 ? 60 : 15) * S;

        cut_up(ip6, 700);
        assert_int_equal(piece(ip6, 200, 400), NO_DROP);
        assert_int_equal(sl_net_next(rig.net), rig.now + keep);
        rig_pass(keep - SL_NS_PER_MS); /* what comes later buys no time */
        assert_int_equal(piece(ip6, 0, 200), NO_DROP);
        assert_int_equal(rig.stats.drop[SL_DROP_FRAG_TIMEOUT], ip6 ? 2 : 0);
        rig_pass(2 * SL_NS_PER_MS);
        assert_int_equal(rig.stats.drop[SL_DROP_FRAG_TIMEOUT], ip6 ? 4 : 2);
        expect_nothing_is_held();
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
        assert_int_equal(sl_net_next(rig.net), SL_NEVER);
    }
}

/* Also from a worker that answers no pings: no other has seen these fragments. */
static void test_sender_is_told_of_the_timeout_when_the_first_fragment_is_here(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        bool ip6 = k & 1, first = k & 2;
        struct th_pkt p, r;
        uint8_t bytes[700];

        rig_open_as(false);
        p = cut_up(ip6, 700);
        assert_int_equal(first ? piece(ip6, 0, 400) : piece(ip6, 400, 600), NO_DROP);
        rig_pass(61 * S);
        assert_int_equal(rig_out(FRONT, &r), first);
        if (first) {
            cut(ID, 0, 400, true, bytes, sizeof bytes);
            assert_int_equal(r.icmp.type, ip6 ? 3 : 11);
            assert_int_equal(r.icmp.code, 1);
            assert_int_equal(r.icmp.len, 400 + (ip6 ? 48 : 20));
            assert_memory_equal(r.icmp.data, bytes + 14, r.icmp.len);
            assert_true(sl_ip_equal(&r.dst, &p.src));
            assert_memory_equal(r.eth_dst.addr_bytes, p.eth_src.addr_bytes, 6);
        }
        rig_close(state);
    }
}

static void test_timeouts_told_have_a_rate(void **state)
{
    struct th_pkt r;
    int told = 0;

    (void)state;
    for (uint32_t k = 1; k <= 60; k++) {
        from_source(false, k);
        assert_int_equal(bring(ID, 0, 200, true), NO_DROP);
    }
    rig_pass(20 * S);
    while (rig_out(FRONT, &r))
        told++;
    assert_int_equal(told, 20);
}

static void test_fragments_of_what_is_not_served_cost_nothing(void **state)
{
    static const uint8_t protos[] = {17, 47, 50, 132, 1, 58};
    struct th_pkt r;

    (void)state;
    EACH_IP(ip6)
    {
        for (size_t k = 0; k < SL_ARRAY_LEN(protos); k++) {
            struct th_pkt p = cut_up(ip6, 400);

            if (protos[k] == (ip6 ? 58 : 1))
                continue;
            p.kind = TH_IP;
            p.proto = protos[k];
            p.payload = p.tcp.data;
            p.payload_len = 400;
            whole_len = th_encode(&p, whole, sizeof whole);
            assert_int_equal(bring(ID, 0, 200, true), SL_DROP_FRAG_PROTO);
            assert_int_equal(bring(ID, 200, 200, false), SL_DROP_FRAG_PROTO);
        }
    }
    assert_false(rig_out(FRONT, &r));
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_fragments_to_groups_and_from_nobody_are_dropped(void **state)
{
    struct th_pkt p;

    (void)state;
    EACH_IP(ip6)
    {
        p = cut_up(ip6, 400);
        memset(p.eth_dst.addr_bytes, 0xff, 6);
        whole_len = th_encode(&p, whole, sizeof whole);
        assert_int_equal(bring(ID, 0, 200, true), SL_DROP_ETH_GROUP);
    }
    p = cut_up(true, 400);
    p.dst = th_ip("ff02::1");
    whole_len = th_encode(&p, whole, sizeof whole);
    assert_int_equal(bring(ID, 0, 200, true), SL_DROP_IP6_GROUP);
    p = cut_up(true, 400);
    p.src = th_ip("::");
    whole_len = th_encode(&p, whole, sizeof whole);
    assert_int_equal(bring(ID, 0, 200, true), SL_DROP_IP6_SOURCE);
    p.src = th_ip("2001:db8:1::10");
    whole_len = th_encode(&p, whole, sizeof whole);
    assert_int_equal(bring(ID, 0, 200, true), SL_DROP_IP6_SOURCE);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_DATAGRAMS], 0);
}

static void test_whole_without_an_mbuf_for_its_headers_is_dropped(void **state)
{
    static struct rte_mbuf *all[8191];

    (void)state;
    cut_up(false, 400);
    assert_int_equal(piece(false, 0, 200), NO_DROP);
    assert_int_equal(rte_pktmbuf_alloc_bulk(rig_pool, all, SL_ARRAY_LEN(all)), 0);
    assert_int_equal(piece(false, 200, body(false)), SL_DROP_NO_MBUF);
    rte_pktmbuf_free_bulk(all, SL_ARRAY_LEN(all));
    expect_nothing_is_held();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_fragment_without_bytes_is_dropped),
        RIG_TEST(test_fragment_not_multiple_of_8_is_dropped),
        RIG_TEST(test_tiny_fragments_are_dropped),
        RIG_TEST(test_first_fragment_without_all_headers_is_dropped),
        RIG_TEST(test_fragment_of_a_fragment_is_dropped),
        RIG_TEST(test_fragment_beyond_64_kib_is_dropped),
        RIG_TEST(test_whole_beyond_64_kib_with_its_options_is_dropped),
        RIG_TEST(test_overlap_takes_the_whole_datagram),
        RIG_TEST(test_exact_duplicate_is_passed_over),
        RIG_TEST(test_duplicate_with_other_bytes_is_an_overlap),
        RIG_TEST(test_ends_that_disagree_take_the_whole_datagram),
        RIG_TEST(test_fragments_of_a_datagram_are_bounded),
        RIG_TEST(test_flood_of_first_fragments_is_bounded_and_the_oldest_gives_way),
        RIG_TEST(test_one_source_has_a_share_and_harms_only_itself),
        cmocka_unit_test(test_bytes_are_bounded_and_the_oldest_gives_way),
        RIG_TEST(test_unfinished_datagram_is_forgotten_in_time),
        cmocka_unit_test(test_sender_is_told_of_the_timeout_when_the_first_fragment_is_here),
        RIG_TEST(test_timeouts_told_have_a_rate),
        RIG_TEST(test_fragments_of_what_is_not_served_cost_nothing),
        RIG_TEST(test_fragments_to_groups_and_from_nobody_are_dropped),
        RIG_TEST(test_whole_without_an_mbuf_for_its_headers_is_dropped),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
