/* Pings, errors about our segments, and errors that we send. */
#include "net/rig.h"

static struct th_pkt ping(bool ip6, uint32_t len)
{
    static uint8_t data[9000];
    struct th_pkt p = rig_segment(ip6);

    for (size_t k = 0; k < sizeof data; k++)
        data[k] = (uint8_t)(k * 7);
    p.kind = TH_ICMP;
    p.icmp = (struct th_icmp){.type = ip6 ? 128 : 8, .rest = 0x12340001, .data = data, .len = len};
    return p;
}

static void a_ping_comes_back_with_its_bytes_at_every_length(void **state)
{
    static const uint32_t lens[] = {0, 1, 2, 3, 55, 56, 57, 255, 256, 1400, 1451, 1452};

    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (size_t k = 0; k < SL_ARRAY_LEN(lens); k++) {
            struct th_pkt p = ping(ip6, lens[k]), r;

            p.lie.pad = k % 3 ? 18 : 0;
            assert_int_equal(rig_in(FRONT, &p), NO_DROP);
            assert_true(rig_out(FRONT, &r));
            assert_int_equal(r.icmp.type, ip6 ? 129 : 0);
            assert_int_equal(r.icmp.rest, p.icmp.rest);
            assert_int_equal(r.icmp.len, lens[k]);
            assert_memory_equal(r.icmp.data, p.icmp.data, lens[k]);
            assert_true(sl_ip_equal(&r.src, &p.dst));
            assert_true(sl_ip_equal(&r.dst, &p.src));
            assert_memory_equal(r.eth_dst.addr_bytes, p.eth_src.addr_bytes, 6);
            assert_int_equal(r.lie.pad, 0);
        }
    }
}

static void a_ping_in_pieces_comes_back_whole(void **state)
{
    struct th_pkt p = ping(false, 1000), r;
    uint8_t bytes[1100];
    size_t len = th_encode(&p, bytes, sizeof bytes);

    (void)state;
    for (size_t a = 0; a < 60; a++) {
        const size_t cuts[] = {a, a + 1, 777};

        assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_chain(rig_frames, bytes, len, cuts, 3, 0)), NO_DROP);
        assert_true(rig_out(FRONT, &r));
        assert_int_equal(r.icmp.len, 1000);
        assert_memory_equal(r.icmp.data, p.icmp.data, 1000);
    }
}

static void only_the_worker_that_answers_answers_pings(void **state)
{
    struct th_pkt p = ping(false, 8), r;

    (void)state;
    rig_open_as(false);
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_ICMP_NOT_MINE);
    assert_false(rig_out(FRONT, &r));
}

static void pings_have_a_rate(void **state)
{
    struct th_pkt p = ping(false, 8), r;
    int answered = 0;

    (void)state;
    for (int k = 0; k < 500; k++) {
        int why = rig_in(FRONT, &p);

        assert_true(why == NO_DROP || why == SL_DROP_ICMP_LIMIT);
        while (rig_out(FRONT, &r))
            answered++;
    }
    assert_int_equal(answered, 200);
    rig.now += SL_NS_PER_S;
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
}

static void bad_icmp_is_dropped(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = ping(ip6, 8), r;

        p.lie.l4_cksum = 1;
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ICMP_CKSUM);
        for (int cut = 1; cut <= 16; cut++) {
            p = ping(ip6, 8);
            p.lie.ip_len = -cut;
            assert_int_equal(rig_in(FRONT, &p), cut > 8 ? SL_DROP_ICMP_SHORT : SL_DROP_ICMP_CKSUM);
        }
        p = ping(ip6, 8);
        memset(p.eth_dst.addr_bytes, 0xff, 6);
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ICMP_KIND);
        p = ping(ip6, 8);
        p.icmp.type = ip6 ? 129 : 0; /* a reply to nothing */
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ICMP_KIND);
        assert_false(rig_out(FRONT, &r));
    }
}

/* An ICMP error about a segment from us to 198.18.9.9 or 2001:db8:9::9. */
static struct th_pkt error_about(bool ip6, uint8_t type, uint8_t code, uint32_t rest, size_t quote,
                                 struct th_store *store, uint8_t *frame)
{
    struct th_pkt sent = rig_segment(ip6), e;
    struct sl_ip router = th_ip(ip6 ? "2001:db8:1::1" : "198.18.0.1");
    size_t len;

    sent.src = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10");
    sent.dst = th_ip(ip6 ? "2001:db8:9::9" : "198.18.9.9");
    sent.eth_src = rig_mac(FRONT);
    sent.eth_dst = rig_peer_mac();
    sent.tcp.sport = 443;
    sent.tcp.dport = 51000;
    sent.tcp.seq = 0xdeadbeef;
    len = th_encode(&sent, frame, 256);
    th_icmp_error(&e, store, router, type, code, rest, frame, len, quote);
    return e;
}

static void errors_about_our_segments_reach_tcp(void **state)
{
    static const struct {
        bool ip6;
        uint8_t type, code;
        uint32_t rest;
        enum sl_net_icmp_kind kind;
        uint16_t mtu;
    } rows[] = {
        {false, 3, 0, 0, SL_ICMP_SOFT, 0},
        {false, 3, 1, 0, SL_ICMP_SOFT, 0},
        {false, 3, 2, 0, SL_ICMP_HARD, 0},
        {false, 3, 3, 0, SL_ICMP_HARD, 0},
        {false, 3, 4, 1280, SL_ICMP_TOO_BIG, 1280},
        {false, 3, 4, 0, SL_ICMP_TOO_BIG, 0},
        {false, 3, 5, 0, SL_ICMP_SOFT, 0},
        {false, 3, 13, 0, SL_ICMP_HARD, 0},
        {false, 3, 255, 0, SL_ICMP_SOFT, 0},
        {false, 11, 0, 0, SL_ICMP_SOFT, 0},
        {false, 12, 0, 0, SL_ICMP_SOFT, 0},
        {true, 1, 0, 0, SL_ICMP_SOFT, 0},
        {true, 1, 1, 0, SL_ICMP_HARD, 0},
        {true, 1, 3, 0, SL_ICMP_SOFT, 0},
        {true, 1, 4, 0, SL_ICMP_HARD, 0},
        {true, 2, 0, 1280, SL_ICMP_TOO_BIG, 1280},
        {true, 2, 0, 100000, SL_ICMP_TOO_BIG, 65535},
        {true, 3, 0, 0, SL_ICMP_SOFT, 0},
        {true, 4, 0, 6, SL_ICMP_SOFT, 0},
        {true, 4, 1, 6, SL_ICMP_HARD, 0},
    };
    struct th_store store;
    uint8_t frame[256];

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt e = error_about(rows[k].ip6, rows[k].type, rows[k].code, rows[k].rest, 48, &store, frame);
        struct sl_ip remote = th_ip(rows[k].ip6 ? "2001:db8:9::9" : "198.18.9.9");
        const struct sl_net_icmp *err = &rig.batch.errs[0];

        assert_int_equal(rig_in(FRONT, &e), NO_DROP);
        assert_int_equal(rig.batch.n_errs, 1);
        assert_int_equal(err->kind, rows[k].kind);
        assert_int_equal(err->mtu, rows[k].mtu);
        assert_int_equal(err->lport, 443);
        assert_int_equal(err->rport, 51000);
        assert_int_equal(err->seq, 0xdeadbeef);
        assert_true(sl_ip_equal(&err->local, &e.dst));
        assert_true(sl_ip_equal(&err->remote, &remote));
        rig_drop_batch();
    }
}

static void a_quote_needs_eight_bytes_behind_its_ip_header(void **state)
{
    struct th_store store;
    uint8_t frame[256];

    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (size_t quote = 0; quote < 60; quote++) {
            struct th_pkt e = error_about(ip6, ip6 ? 1 : 3, 1, 0, quote, &store, frame);

            assert_int_equal(rig_in(FRONT, &e), quote < (ip6 ? 48u : 28u) ? SL_DROP_ICMP_QUOTE : NO_DROP);
            rig_drop_batch();
        }
    }
}

static void a_quote_of_what_we_never_sent_is_dropped(void **state)
{
    /* byte of the quoted IP header, what stands there instead */
    static const struct {
        bool ip6;
        size_t at;
        uint8_t value;
    } rows[] = {
        {false, 0, 0x65}, {false, 0, 0x44}, {false, 0, 0x4f}, {false, 9, 17},   {false, 7, 1},
        {false, 15, 11},  {true, 0, 0x40},  {true, 6, 44},    {true, 23, 0x11},
    };
    struct th_store store;
    uint8_t frame[256];

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt e = error_about(rows[k].ip6, rows[k].ip6 ? 1 : 3, 1, 0, 48, &store, frame);

        store.bytes[rows[k].at] = rows[k].value;
        assert_int_equal(rig_in(FRONT, &e), SL_DROP_ICMP_QUOTE);
        assert_int_equal(rig.batch.n_errs, 0);
    }
}

static void udp_and_unknown_protocols_get_an_unreachable_that_quotes_them(void **state)
{
    static const struct {
        bool ip6;
        uint8_t proto, type, code;
        uint32_t rest;
    } rows[] = {{false, 17, 3, 3, 0}, {false, 47, 3, 2, 0}, {true, 17, 1, 4, 0}, {true, 47, 4, 1, 6}};
    static uint8_t payload[1400];

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt p = rig_segment(rows[k].ip6), r;
        uint8_t frame[2000];
        uint32_t quoted = rows[k].ip6 ? 1280 - 48 : 576 - 28;

        p.kind = TH_IP;
        p.proto = rows[k].proto;
        p.payload = payload;
        p.payload_len = sizeof payload;
        th_encode(&p, frame, sizeof frame);
        assert_int_equal(rig_in(FRONT, &p), rows[k].proto == 17 ? SL_DROP_UDP : SL_DROP_IP_PROTO);
        assert_true(rig_out(FRONT, &r));
        assert_int_equal(r.icmp.type, rows[k].type);
        assert_int_equal(r.icmp.code, rows[k].code);
        assert_int_equal(r.icmp.rest, rows[k].rest);
        assert_int_equal(r.icmp.len, quoted);
        assert_memory_equal(r.icmp.data, frame + 14, quoted);
        p.payload_len = 3;
        rig_in(FRONT, &p);
        assert_true(rig_out(FRONT, &r));
        assert_int_equal(r.icmp.len, (rows[k].ip6 ? 40 : 20) + 3);
    }
}

static void parameter_problems_point_at_the_byte(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t len;
        uint8_t first, code;
        uint32_t pointer;
    } rows[] = {
        {"\x06\x00\x80\x04\0\0\0\0", 8, 0, 2, 42},  /* option that wants an error */
        {"\x06\x00\x00\x01\0\0\0\0", 8, 43, 0, 42}, /* routing type */
        {"\x2f\x00\x01\x04\0\0\0\0", 8, 60, 1, 40}, /* GRE behind an extension header */
    };

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct th_pkt p = rig_segment(true), r;

        p.ip_extra = (const uint8_t *)rows[k].bytes;
        p.ip_extra_len = rows[k].len;
        p.ip_extra_first = rows[k].first;
        rig_in(FRONT, &p);
        assert_true(rig_out(FRONT, &r));
        assert_int_equal(r.icmp.type, 4);
        assert_int_equal(r.icmp.code, rows[k].code);
        assert_int_equal(r.icmp.rest, rows[k].pointer);
    }
}

static void no_error_answers_a_broadcast_a_fragment_or_nobody(void **state)
{
    struct th_pkt p = rig_segment(false), r;

    (void)state;
    p.kind = TH_IP;
    p.proto = 17;
    memset(p.eth_dst.addr_bytes, 0xff, 6);
    rig_in(FRONT, &p);
    p.eth_dst = rig_mac(FRONT);
    p.ip_frag = 1;
    rig_in(FRONT, &p);
    p = rig_segment(true);
    p.kind = TH_IP;
    p.proto = 17;
    p.src = th_ip("::");
    rig_in(FRONT, &p);
    p = rig_segment(true);
    p.ip_extra = (const uint8_t *)"\x06\x00\x80\x04\0\0\0\0";
    p.ip_extra_len = 8;
    p.src = th_ip("2001:db8:1::10");
    rig_in(FRONT, &p);
    assert_false(rig_out(FRONT, &r));
}

static void errors_have_a_rate(void **state)
{
    struct th_pkt p = rig_segment(false), r;
    int sent = 0;

    (void)state;
    p.kind = TH_IP;
    p.proto = 17;
    for (int k = 0; k < 100; k++)
        rig_in(FRONT, &p);
    while (rig_out(FRONT, &r))
        sent++;
    assert_int_equal(sent, 20);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_ping_comes_back_with_its_bytes_at_every_length),
        RIG_TEST(a_ping_in_pieces_comes_back_whole),
        cmocka_unit_test_teardown(only_the_worker_that_answers_answers_pings, rig_close),
        RIG_TEST(pings_have_a_rate),
        RIG_TEST(bad_icmp_is_dropped),
        RIG_TEST(errors_about_our_segments_reach_tcp),
        RIG_TEST(a_quote_needs_eight_bytes_behind_its_ip_header),
        RIG_TEST(a_quote_of_what_we_never_sent_is_dropped),
        RIG_TEST(udp_and_unknown_protocols_get_an_unreachable_that_quotes_them),
        RIG_TEST(parameter_problems_point_at_the_byte),
        RIG_TEST(no_error_answers_a_broadcast_a_fragment_or_nobody),
        RIG_TEST(errors_have_a_rate),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
