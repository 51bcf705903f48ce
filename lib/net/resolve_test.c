/* ARP and neighbour discovery as messages: what is answered, what is learned, what is not believed. */
#include "net/rig_neighbour.h"

static void a_request_for_us_is_answered_and_teaches(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_ip us = th_ip(f->us), peer = th_ip(f->peer);
        struct rte_ether_addr mac = rig_mac(FRONT);
        struct th_pkt a;

        assert_int_equal(request(f, f->peer, 5), NO_DROP);
        expect(f->peer, "stale", 5);
        assert_true(rig_out(FRONT, &a));
        assert_memory_equal(a.eth_dst.addr_bytes, th_mac(5).addr_bytes, 6);
        if (sl_ip_is4(&us)) {
            assert_int_equal(a.arp.op, 2);
            assert_true(sl_ip_equal(&a.arp.spa, &us));
            assert_true(sl_ip_equal(&a.arp.tpa, &peer));
            assert_memory_equal(a.arp.sha.addr_bytes, mac.addr_bytes, 6);
            assert_memory_equal(a.arp.tha.addr_bytes, th_mac(5).addr_bytes, 6);
        } else {
            assert_int_equal(a.icmp.type, 136);
            assert_int_equal(a.icmp.rest, 0x60000000); /* solicited, override; no router */
            assert_int_equal(a.ttl, 255);
            assert_int_equal(a.icmp.len, 24);
            assert_memory_equal(a.icmp.data, us.b, 16);
            assert_int_equal(a.icmp.data[16], 2);
            assert_memory_equal(a.icmp.data + 18, mac.addr_bytes, 6);
            assert_true(sl_ip_equal(&a.dst, &peer));
        }
        quiet();
    }
}

static void our_link_local_address_is_answered_for(void **state)
{
    struct th_store store;
    struct th_pkt q, a;

    (void)state;
    th_nd_solicit(&q, &store, th_mac(5), th_ip("fe80::5"), th_ip("fe80::ff:fe00:10"));
    assert_int_equal(rig_in(FRONT, &q), NO_DROP);
    assert_true(rig_out(FRONT, &a));
    assert_int_equal(a.icmp.type, 136);
    expect("fe80::5", "stale", 5);
}

static void a_worker_that_does_not_answer_learns_all_the_same(void **state)
{
    (void)state;
    rig_open_as(false);
    EACH_FAMILY(f)
    {
        assert_int_equal(request(f, f->peer, 5), NO_DROP);
        expect(f->peer, "stale", 5);
        quiet();
    }
}

static void a_request_for_another_teaches_nothing(void **state)
{
    static const struct family other[] = {{"198.18.0.99", "198.18.0.77", NULL, NULL},
                                          {"2001:db8:1::9910", "2001:db8:1::77", NULL, NULL}};

    (void)state;
    for (int k = 0; k < 2; k++) {
        int why = request(&other[k], other[k].peer, 5);

        assert_true(why == SL_DROP_ARP_NOT_OURS || why == SL_DROP_IP6_NOT_OURS);
        expect(other[k].peer, "", 0);
        quiet();
    }
}

static void an_answer_that_nobody_asked_for_is_not_believed(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        int why = reply(f, f->peer, 66);

        assert_true(why == SL_DROP_ARP_UNSOLICITED || why == SL_DROP_ND_UNSOLICITED);
        expect(f->peer, "", 0);
    }
    request(&families[0], families[0].peer, 5);
    assert_int_equal(reply(&families[0], families[0].peer, 66), SL_DROP_ARP_UNSOLICITED);
    expect(families[0].peer, "stale", 5);
    assert_int_equal(reply(&families[0], families[0].peer, 5), NO_DROP); /* somebody else asked, and it is as we knew */
    expect(families[0].peer, "reachable", 5);
}

static void whoever_claims_our_address_is_reported_and_not_believed(void **state)
{
    struct th_store store;
    struct th_pkt p[6];
    static const int why[] = {SL_DROP_ARP_CONFLICT, SL_DROP_ARP_CONFLICT, SL_DROP_ARP_CONFLICT, SL_DROP_ND_CONFLICT,
                              SL_DROP_ND_CONFLICT};
    struct sl_ip us4 = th_ip("198.18.0.10"), us6 = th_ip("2001:db8:1::10"), peer = th_ip("198.18.0.77");
    struct rte_ether_addr everybody = {.addr_bytes = {255, 255, 255, 255, 255, 255}};
    struct sl_event ev;

    (void)state;
    th_arp_request(&p[0], th_mac(66), us4, us4);          /* announces our address */
    th_arp_request(&p[1], th_mac(66), us4, peer);         /* asks from our address */
    th_arp_reply(&p[2], th_mac(66), us4, everybody, us4); /* answers for our address */
    for (size_t k = 0; k < SL_ARRAY_LEN(why); k++) {
        if (k == 3)
            th_nd_advert(&p[3], &store, th_mac(66), us6, rig_mac(FRONT), us6);
        if (k == 4)
            th_nd_solicit(&p[4], &store, th_mac(66), us6, us6);
        assert_int_equal(rig_in(FRONT, &p[k]), why[k]);
        assert_true(sl_event_take(&rig.stats, &ev));
        assert_int_equal(ev.kind, SL_EVENT_ADDR_CONFLICT);
        assert_non_null(strstr(ev.note, "02:00:00:00:00:42"));
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_ADDR_CONFLICTS], k + 1);
        quiet();
    }
    assert_int_equal(entry("198.18.0.10").n, 0);
}

static void probes_for_duplicates_of_our_address_are_answered(void **state)
{
    struct sl_ip us = th_ip("2001:db8:1::10"), all = th_ip("ff02::1");
    struct th_store store;
    struct th_pkt p, a;

    (void)state;
    th_arp_request(&p, th_mac(66), th_ip("0.0.0.0"), th_ip("198.18.0.10"));
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    assert_true(rig_out(FRONT, &a));
    assert_int_equal(a.arp.op, 2);
    th_nd_solicit(&p, &store, th_mac(66), th_ip("::"), us);
    p.icmp.len = 16; /* no source address, no option (RFC 4861 7.1.1) */
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    assert_true(rig_out(FRONT, &a));
    assert_int_equal(a.icmp.type, 136);
    assert_int_equal(a.icmp.rest, 0x20000000); /* override, not solicited */
    assert_true(sl_ip_equal(&a.dst, &all));
    assert_memory_equal(a.eth_dst.addr_bytes, th_multicast_mac(&all).addr_bytes, 6);
    assert_int_equal(entry("::").n, 0);
    th_arp_request(&p, th_mac(66), th_ip("0.0.0.0"), th_ip("198.18.0.11"));
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_NOT_OURS);
}

static void announcements_change_only_what_is_known(void **state)
{
    struct sl_ip peer = th_ip("198.18.0.77");
    struct th_pkt p, a;

    (void)state;
    th_arp_request(&p, th_mac(8), peer, peer);
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_NOT_OURS);
    expect("198.18.0.77", "", 0);
    request(&families[0], "198.18.0.77", 5);
    rig_out(FRONT, &a);
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    expect("198.18.0.77", "stale", 8);
    quiet();
}

/* RFC 4861 7.2.5 and appendix C: what each advertisement makes of an entry with MAC 5. */
static void advertisements_follow_solicited_and_override(void **state)
{
    static const struct {
        const char *from;
        uint32_t mac, flags; /* mac 0: no option */
        const char *to;
        uint32_t mac_after;
    } rows[] = {
        {"stale", 5, 0x40000000, "reachable", 5},     {"stale", 6, 0x60000000, "reachable", 6},
        {"stale", 6, 0x40000000, "stale", 5},         {"stale", 6, 0x20000000, "stale", 6},
        {"stale", 0, 0x40000000, "reachable", 5},     {"reachable", 6, 0x00000000, "stale", 5},
        {"reachable", 6, 0x40000000, "stale", 5},     {"reachable", 6, 0x20000000, "stale", 6},
        {"reachable", 5, 0x20000000, "reachable", 5}, {"incomplete", 6, 0x40000000, "reachable", 6},
        {"incomplete", 6, 0x00000000, "stale", 6},    {"incomplete", 0, 0x40000000, "incomplete", 0},
    };
    const struct family *f = &families[1];

    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(rows); k++) {
        struct sl_net_path path;
        struct th_store store;
        struct th_pkt p;

        sl_net_destroy(rig.net);
        rig_open_as(true);
        path = path_to(f, f->peer);
        if (strcmp(rows[k].from, "stale") == 0) {
            request(f, f->peer, 5);
        } else {
            emit(f, &path, f->peer, 1);
            if (strcmp(rows[k].from, "reachable") == 0)
                reply(f, f->peer, 5);
        }
        expect(f->peer, rows[k].from, strcmp(rows[k].from, "incomplete") ? 5 : 0);
        th_nd_advert(&p, &store, th_mac(rows[k].mac ? rows[k].mac : 5), th_ip(f->peer), rig_mac(FRONT), th_ip(f->us));
        p.icmp.rest = rows[k].flags;
        if (!rows[k].mac)
            p.icmp.len = 16;
        rig_in(FRONT, &p);
        expect(f->peer, rows[k].to, rows[k].mac_after);
    }
}

static void bad_arp_is_dropped_for_its_reason(void **state)
{
    struct th_pkt good, p;
    uint8_t bytes[64];
    size_t len;

    (void)state;
    th_arp_request(&good, th_mac(5), th_ip("198.18.0.77"), th_ip("198.18.0.10"));
    len = th_encode(&good, bytes, sizeof bytes);
    for (size_t n = 14; n < len; n++)
        assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, n, 0)), SL_DROP_ARP_SHORT);
    for (size_t at = 14; at < 22; at++) {
        bytes[at] ^= 0x10;
        assert_int_equal(rig_in_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, len, 0)), SL_DROP_ARP_FORMAT);
        bytes[at] ^= 0x10;
    }
    p = good;
    p.arp.op = 3;
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_FORMAT);
    p = good;
    p.arp.sha = th_mac(6); /* not who sent the frame */
    assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_SENDER);
    for (size_t k = 0; k < 5; k++) {
        static const char *const who[] = {"127.0.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.255", "0.1.2.3"};

        p = good;
        p.arp.spa = th_ip(who[k]);
        assert_int_equal(rig_in(FRONT, &p), SL_DROP_ARP_SENDER);
    }
    assert_int_equal(entry("198.18.0.77").n, 0);
    p = good; /* answered, but its address is not one of this link */
    p.arp.spa = th_ip("198.18.5.5");
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    assert_int_equal(entry("198.18.5.5").n, 0);
}

static void bad_neighbour_discovery_is_dropped_for_its_reason(void **state)
{
    struct sl_ip us = th_ip("2001:db8:1::10"), peer = th_ip("2001:db8:1::77"), group = th_solicited_node(&us);
    struct th_store store;
    struct th_pkt p;

    (void)state;
#define SOLICIT() th_nd_solicit(&p, &store, th_mac(5), peer, us)
#define DROPPED(why) assert_int_equal(rig_in(FRONT, &p), why)
    SOLICIT();
    p.ttl = 254;
    DROPPED(SL_DROP_ND_HOPS);
    SOLICIT();
    p.icmp.code = 1;
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    p.lie.l4_cksum = 1;
    DROPPED(SL_DROP_ICMP_CKSUM);
    for (uint32_t n = 0; n < 24; n++) {
        SOLICIT();
        p.icmp.len = n;
        DROPPED(n == 16 ? NO_DROP : SL_DROP_ND_FORMAT);
    }
    SOLICIT();
    store.bytes[17] = 0; /* option of length zero */
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    store.bytes[17] = 2; /* past the end */
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    store.bytes[17] = 2; /* longer than a MAC needs (RFC 2464 6) */
    memset(store.bytes + 24, 0, 8);
    p.icmp.len = 32;
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    store.bytes[18] |= 1; /* a group's MAC */
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    store.bytes[0] = 0xff; /* multicast target */
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    p.src = th_ip("::"); /* with a source option */
    DROPPED(SL_DROP_ND_FORMAT);
    SOLICIT();
    p.src = th_ip("::");
    p.icmp.len = 16;
    p.dst = us; /* not to the group */
    DROPPED(SL_DROP_ND_FORMAT);
    p.dst = th_ip("ff02::1");
    DROPPED(SL_DROP_ND_FORMAT);
    th_nd_advert(&p, &store, th_mac(5), peer, th_multicast_mac(&group), group);
    DROPPED(SL_DROP_ND_FORMAT); /* solicited, to a group */
    th_nd_solicit(&p, &store, th_mac(5), peer, th_ip("2001:db8:1:1::10"));
    DROPPED(SL_DROP_ND_NOT_OURS); /* same group, another address */
    SOLICIT();
    p.icmp.type = 134;
    DROPPED(SL_DROP_ND_ROUTER);
    p.icmp.type = 137;
    DROPPED(SL_DROP_ND_ROUTER);
    p.icmp.type = 130;
    DROPPED(SL_DROP_MLD);
    SOLICIT();
    p.src = th_ip("2001:db8:7::7"); /* not of this link: answered, not learned */
    DROPPED(NO_DROP);
    assert_int_equal(entry("2001:db8:7::7").n, 0);
}

static void unknown_options_are_passed_over(void **state)
{
    struct th_store store;
    struct th_pkt p;

    (void)state;
    th_nd_solicit(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), th_ip("2001:db8:1::10"));
    memmove(store.bytes + 24, store.bytes + 16, 8);
    memcpy(store.bytes + 16, "\x0e\x01nonce.", 8);
    p.icmp.len = 32;
    assert_int_equal(rig_in(FRONT, &p), NO_DROP);
    expect("2001:db8:1::77", "stale", 5);
}

static void answers_have_a_rate(void **state)
{
    const struct family *f = &families[0];
    uint32_t answered = 0;
    struct th_pkt p;

    (void)state;
    for (int k = 0; k < 1500; k++) {
        int why = request(f, f->peer, 5);

        assert_true(why == NO_DROP || why == SL_DROP_NEIGHBOUR_LIMIT);
        while (rig_out(FRONT, &p))
            answered++;
    }
    assert_int_equal(answered, 1000);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_ANSWERS], 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_request_for_us_is_answered_and_teaches),
        RIG_TEST(our_link_local_address_is_answered_for),
        cmocka_unit_test_teardown(a_worker_that_does_not_answer_learns_all_the_same, close_and_count),
        RIG_TEST(a_request_for_another_teaches_nothing),
        RIG_TEST(an_answer_that_nobody_asked_for_is_not_believed),
        RIG_TEST(whoever_claims_our_address_is_reported_and_not_believed),
        RIG_TEST(probes_for_duplicates_of_our_address_are_answered),
        RIG_TEST(announcements_change_only_what_is_known),
        RIG_TEST(advertisements_follow_solicited_and_override),
        RIG_TEST(bad_arp_is_dropped_for_its_reason),
        RIG_TEST(bad_neighbour_discovery_is_dropped_for_its_reason),
        RIG_TEST(unknown_options_are_passed_over),
        RIG_TEST(answers_have_a_rate),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
