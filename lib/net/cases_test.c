/* The rows of bad input for this room (lib/tcp/CASES.md lists them), each by its name. The finer tables stand beside them: input_test.c (every lie about a length and every
 * address that may not be, headers cut anywhere), icmp_test.c (quotes), resolve_test.c and neighbour_test.c (ARP and neighbour discovery), fragment_limit_test.c. */
#include "net/rig_neighbour.h"

/* ---- lies about length ---- */

static int lie_about_length(bool ip6, int32_t by)
{
    struct th_pkt p = rig_segment(ip6);

    p.lie.ip_len = by;
    return rig_in(FRONT, &p);
}

static void test_ip_total_length_past_the_frame(void **state)
{
    (void)state;
    for (int32_t by = 1; by < 3000; by += 7)
        assert_int_equal(lie_about_length(false, by), SL_DROP_IP4_LENGTH);
}

static void test_ip_total_length_under_the_header(void **state)
{
    int32_t real = 20 + 32 + 17;

    (void)state;
    for (int32_t total = 0; total < 20; total++)
        assert_int_equal(lie_about_length(false, total - real), SL_DROP_IP4_LENGTH);
    for (int32_t total = 20; total < 40; total++)
        assert_int_equal(lie_about_length(false, total - real), SL_DROP_TCP_SHORT);
}

static void test_ip6_payload_length_past_the_frame_or_under_tcp(void **state)
{
    int32_t real = 32 + 17;

    (void)state;
    for (int32_t by = 1; by < 3000; by += 7)
        assert_int_equal(lie_about_length(true, by), SL_DROP_IP6_LENGTH);
    for (int32_t len = 0; len < 20; len++)
        assert_int_equal(lie_about_length(true, len - real), SL_DROP_TCP_SHORT);
}

/* Every length that an extension header can claim, before a segment of 49 bytes. */
static void test_ip6_extension_chain_past_the_end(void **state)
{
    static const uint8_t kinds[] = {0, 43, 60};

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(kinds); k++) {
        for (uint32_t units = 1; units < 256; units++) {
            uint8_t header[8] = {6, (uint8_t)units, 1, 4};
            struct th_pkt p = rig_segment(true);
            int why;

            p.ip_extra = header;
            p.ip_extra_len = sizeof header;
            p.ip_extra_first = kinds[k];
            why = rig_in(FRONT, &p);
            assert_int_not_equal(why, NO_DROP);
            if (8 + units * 8 > 8 + 49)
                assert_int_equal(why, SL_DROP_IP6_EXTENSIONS);
        }
    }
}

static void test_ip6_extension_chain_without_end(void **state)
{
    uint8_t chain[240];
    struct th_pkt p = rig_segment(true);

    (void)state;
    memset(chain, 0, sizeof chain);
    for (size_t k = 0; k < sizeof chain; k += 8)
        memcpy(chain + k, "\x3c\x00\x01\x04", 4);
    p.ip_extra = chain;
    p.ip_extra_len = sizeof chain;
    p.ip_extra_first = 60;
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_IP6_EXTENSIONS);
}

/* The length of the packet counts, not that of the frame: padding that would be more data, or another segment, is neither. */
static void test_ethernet_padding_is_never_data(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (uint32_t pad = 1; pad < 50; pad++) {
            struct th_pkt p = rig_segment(ip6);

            p.tcp.len = 0;
            p.lie.pad = pad;
            assert_int_equal(rig_in(FRONT, &p), NO_DROP);
            rig_expect_segment(&p);
            rig_drop_batch();
        }
    }
}

/* ---- addresses ---- */

static void test_source_equals_destination(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6);

        p.src = p.dst;
        p.tcp.sport = p.tcp.dport;
        assert_int_equal(rig_in(FRONT, &p), ip6 ? SL_DROP_IP6_SOURCE : SL_DROP_IP4_SOURCE);
    }
}

static void test_source_multicast_or_broadcast(void **state)
{
    static const char *const sources[] = {"224.0.0.1", "239.255.255.255", "255.255.255.255", "198.18.0.255",
                                          "ff02::1",   "ff05::2",         "ff0e::1234"};

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(sources); k++) {
        struct sl_ip ip = th_ip(sources[k]);
        struct th_pkt p = rig_segment(!sl_ip_is4(&ip)), r;

        p.src = ip;
        assert_int_equal(rig_in(FRONT, &p), sl_ip_is4(&ip) ? SL_DROP_IP4_SOURCE : SL_DROP_IP6_SOURCE);
        p.kind = TH_ICMP; /* a ping from there is not answered either */
        p.icmp = (struct th_icmp){.type = sl_ip_is4(&ip) ? 8 : 128};
        assert_int_equal(rig_in(FRONT, &p), sl_ip_is4(&ip) ? SL_DROP_IP4_SOURCE : SL_DROP_IP6_SOURCE);
        assert_false(rig_out(FRONT, &r));
    }
}

/* ---- ICMP ---- */

/* An error of the gateway's about a segment from us to a far peer, of which quote bytes are quoted. */
static struct th_pkt error_about(bool ip6, uint8_t type, uint8_t code, uint32_t rest, size_t quote,
                                 struct th_store *store)
{
    struct th_pkt sent = rig_segment(ip6), e;
    uint8_t frame[256];
    size_t len;

    sent.src = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10");
    sent.dst = th_ip(ip6 ? "2001:db8:9::9" : "198.18.9.9");
    sent.eth_src = rig_mac(FRONT);
    sent.eth_dst = rig_peer_mac();
    len = th_encode(&sent, frame, sizeof frame);
    th_icmp_error(&e, store, th_ip(ip6 ? "2001:db8:1::1" : "198.18.0.1"), type, code, rest, frame, len, quote);
    return e;
}

/* What stands in the message goes up as it is; tcp has the floor (too_big_has_a_floor in script_path_test.c). */
static void test_icmp_frag_needed_with_mtu_0_68_552(void **state)
{
    static const uint16_t mtus[] = {0, 1, 67, 68, 551, 552, 1280, 65535};

    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (size_t k = 0; k < SL_ARRAY_LEN(mtus); k++) {
            struct th_store store;
            struct th_pkt e = error_about(ip6, ip6 ? 2 : 3, ip6 ? 0 : 4, mtus[k], 48, &store);

            assert_int_equal(rig_in(FRONT, &e), NO_DROP);
            assert_int_equal(rig.batch.n_errs, 1);
            assert_int_equal(rig.batch.errs[0].kind, SL_ICMP_TOO_BIG);
            assert_int_equal(rig.batch.errs[0].mtu, mtus[k]);
            rig_drop_batch();
        }
    }
}

static void test_icmp_truncated_quotes(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (size_t quote = 0; quote < (ip6 ? 48u : 28u); quote++) {
            struct th_store store;
            struct th_pkt e = error_about(ip6, ip6 ? 2 : 3, ip6 ? 0 : 4, 1300, quote, &store);

            assert_int_equal(rig_in(FRONT, &e), SL_DROP_ICMP_QUOTE);
        }
    }
    assert_int_equal(rig.batch.n_errs, 0);
}

/* IPv4 headers may have options in a quote: the ports stand behind them, or the quote ends before. */
static void test_icmp_quote_with_options(void **state)
{
    for (uint32_t ihl = 5; ihl < 16; ihl++) {
        struct th_store store;
        struct th_pkt e = error_about(false, 3, 4, 1300, 28, &store);

        (void)state;
        memmove(store.bytes + (size_t)ihl * 4, store.bytes + 20, 8);
        memset(store.bytes + 20, 1, (size_t)ihl * 4 - 20);
        store.bytes[0] = (uint8_t)(0x40 | ihl);
        e.icmp.len = ihl * 4 + 7;
        assert_int_equal(rig_in(FRONT, &e), SL_DROP_ICMP_QUOTE);
        e.icmp.len = ihl * 4 + 8;
        assert_int_equal(rig_in(FRONT, &e), NO_DROP);
        assert_int_equal(rig.batch.errs[0].lport, 40000);
        rig_drop_batch();
    }
}

static void test_icmp_errors_of_one_burst_are_bounded(void **state)
{
    struct th_store store;
    struct th_pkt e = error_about(false, 3, 4, 1300, 48, &store), r;

    (void)state;
    for (int k = 0; k < 2 * SL_NET_BURST; k++)
        assert_int_equal(rig_in(FRONT, &e), k < SL_NET_BURST ? NO_DROP : SL_DROP_BATCH_FULL);
    assert_false(rig_out(FRONT, &r)); /* and no error is ever answered */
}

/* ---- ARP and neighbour discovery ---- */

static void test_nd_hop_limit_other_than_255(void **state)
{
    struct th_store store;
    struct th_pkt p;

    (void)state;
    for (uint8_t hops = 1; hops < 255; hops++) {
        th_nd_solicit(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), th_ip("2001:db8:1::10"));
        p.ttl = hops;
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ND_HOPS);
        th_nd_advert(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), rig_mac(FRONT), th_ip("2001:db8:1::10"));
        p.ttl = hops;
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ND_HOPS);
    }
    quiet();
    assert_int_equal(entry("2001:db8:1::77").n, 0);
}

static void test_ra_storm_changes_nothing(void **state)
{
    const struct family *f = &families[1];
    struct sl_net_path before = path_to(f, f->far), after;
    struct th_store store;
    struct th_pkt p;

    (void)state;
    for (int k = 0; k < 10000; k++) {
        /* router lifetime 1800; a prefix option, as large as a real one's */
        th_nd_advert(&p, &store, th_mac(5), th_ip("fe80::1"), th_multicast_mac(&(struct sl_ip){.b = {[15] = 1}}),
                     th_ip("ff02::1"));
        memset(store.bytes, 0, 40);
        memcpy(store.bytes + 8, "\x03\x04\x40\xc0", 4);
        sl_put_u32(store.bytes + 24, 0x20010db8 + (uint32_t)k);
        p.icmp = (struct th_icmp){.type = k % 4 ? 134 : 137, .rest = 1800, .data = store.bytes, .len = 40};
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ND_ROUTER);
    }
    quiet();
    after = path_to(f, f->far);
    assert_int_equal(before.gateway, after.gateway);
    assert_int_equal(before.iface, after.iface);
    assert_int_equal(entry("fe80::1").n, 0);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_NEIGHBOURS], 0);
}

/* Whoever answers without being asked, for the peer or the gateway, with whatever MAC, changes nothing that is in use. */
static void test_arp_and_nd_spoofed_answers_take_over_nothing(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->far);

        emit(f, &path, f->far, 1);
        asked(f, f->gateway, 0);
        reply(f, f->gateway, 9);
        expect_segment_to(9, 1);
        for (uint32_t k = 0; k < 100; k++) {
            struct sl_ip ip = th_ip(f->gateway);
            struct th_store store;
            struct th_pkt p;

            if (sl_ip_is4(&ip)) {
                assert_int_equal(reply(f, f->gateway, 100 + k), SL_DROP_ARP_UNSOLICITED);
            } else { /* solicited, without the right to override; with it ND believes (RFC 4861 11: ND trusts its link) */
                th_nd_advert(&p, &store, th_mac(100 + k), ip, rig_mac(FRONT), th_ip(f->us));
                p.icmp.rest = 0x40000000;
                rig_in(FRONT, &p);
            }
            emit(f, &path, f->far, 2);
            expect_segment_to(9, 2);
        }
    }
}

static void test_arp_gratuitous_makes_no_entry(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 1000; k++) {
        struct sl_ip ip = th_ip("198.18.0.77");
        struct th_pkt p;

        ip.b[15] = (uint8_t)(20 + k % 200);
        th_arp_request(&p, th_mac(1000 + k), ip, ip);
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_NOT_OURS);
        th_arp_reply(&p, th_mac(1000 + k), ip, rig_mac(FRONT), ip);
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_NOT_OURS);
    }
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_NEIGHBOURS], 0);
    quiet();
}

/* ---- IP identification ---- */

#define SAMPLES 100000

static void give_back(uint8_t iface)
{
    struct th_pkt p;

    while (rig_out(iface, &p))
        ;
}

/* Pearson's sum over the values of a byte; for even ones it is 255, give or take 23. */
static double unevenness(const uint32_t *counts)
{
    double sum = 0, each = SAMPLES / 256.0;

    for (int k = 0; k < 256; k++)
        sum += (counts[k] - each) * (counts[k] - each) / each;
    return sum;
}

/* All that we send says DF, so the field means nothing (RFC 6864 4.1); neither does it tell how much we send, or to whom. */
static void test_ip_id_of_100000_packets_has_no_structure(void **state)
{
    static uint32_t high[256], low[256], step_high[256], step_low[256], step_same[256];
    static const char *const peers[] = {"198.18.0.77", "198.18.0.78"};
    struct sl_net_path path[2];
    uint16_t last[2] = {0}, id, before = 0;

    (void)state;
    for (int k = 0; k < 2; k++) {
        path[k] = path_to(&families[0], peers[k]);
        request(&families[0], peers[k], 5);
    }
    give_back(FRONT);
    for (int k = 0; k < SAMPLES; k++) {
        struct th_pkt p;

        assert_int_equal(emit(&families[0], &path[k % 2], peers[k % 2], 1), 0);
        assert_true(rig_out(FRONT, &p));
        assert_int_equal(p.ip_frag, 0x4000);
        id = p.ip_id;
        high[id >> 8]++;
        low[id & 255]++;
        step_high[(uint16_t)(id - before) >> 8]++;
        step_low[(id - before) & 255]++;
        step_same[(uint16_t)(id - last[k % 2]) >> 8]++;
        before = last[k % 2] = id;
    }
    assert_true(unevenness(high) < 400);
    assert_true(unevenness(low) < 400);
    assert_true(unevenness(step_high) < 400);
    assert_true(unevenness(step_low) < 400);
    assert_true(unevenness(step_same) < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_ip_total_length_past_the_frame),
        RIG_TEST(test_ip_total_length_under_the_header),
        RIG_TEST(test_ip6_payload_length_past_the_frame_or_under_tcp),
        RIG_TEST(test_ip6_extension_chain_past_the_end),
        RIG_TEST(test_ip6_extension_chain_without_end),
        RIG_TEST(test_ethernet_padding_is_never_data),
        RIG_TEST(test_source_equals_destination),
        RIG_TEST(test_source_multicast_or_broadcast),
        RIG_TEST(test_icmp_frag_needed_with_mtu_0_68_552),
        RIG_TEST(test_icmp_truncated_quotes),
        RIG_TEST(test_icmp_quote_with_options),
        RIG_TEST(test_icmp_errors_of_one_burst_are_bounded),
        RIG_TEST(test_nd_hop_limit_other_than_255),
        RIG_TEST(test_ra_storm_changes_nothing),
        RIG_TEST(test_arp_and_nd_spoofed_answers_take_over_nothing),
        RIG_TEST(test_arp_gratuitous_makes_no_entry),
        RIG_TEST(test_ip_id_of_100000_packets_has_no_structure),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
