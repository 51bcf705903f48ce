/* ARP, neighbour discovery and the cache behind them: what is answered, what is learned, what is not believed, and what a flood costs. */
#include <errno.h>
#include <stdio.h>

#include "net/rig.h"

#define S SL_NS_PER_S

struct seen {
    struct sl_ip ip;
    struct rte_ether_addr mac;
    char state[16];
    uint32_t n, incomplete;
};

static void look(void *ctx, const struct sl_net_neighbour_info *info)
{
    struct seen *s = ctx;

    s->n++;
    s->incomplete += strcmp(info->state, "incomplete") == 0;
    if (!sl_ip_equal(&s->ip, &info->ip))
        return;
    s->mac = info->mac;
    snprintf(s->state, sizeof s->state, "%s", info->state);
}

/* The state of an entry; "" when there is none. */
static struct seen entry(const char *ip)
{
    struct seen s = {.ip = th_ip(ip)};

    sl_net_each_neighbour(rig.net, look, &s);
    return s;
}

static void expect(const char *ip, const char *state, uint32_t mac)
{
    struct seen s = entry(ip);
    struct rte_ether_addr want = th_mac(mac);

    assert_string_equal(s.state, state);
    if (mac)
        assert_memory_equal(s.mac.addr_bytes, want.addr_bytes, 6);
}

/* Both families behave alike: every test of the cache runs for each. */
struct family {
    const char *us, *peer, *gateway, *far;
};
static const struct family families[] = {
    {"198.18.0.10", "198.18.0.77", "198.18.0.1", "198.18.9.9"},
    {"2001:db8:1::10", "2001:db8:1::77", "2001:db8:1::1", "2001:db8:9::9"},
};

static struct sl_net_path path_to(const struct family *f, const char *remote)
{
    struct sl_ip local = th_ip(f->us), to = th_ip(remote);
    struct sl_net_path path;

    assert_int_equal(sl_net_route(rig.net, &local, &to, &path), 0);
    return path;
}

static int emit(const struct family *f, struct sl_net_path *path, const char *remote, uint16_t sport)
{
    struct sl_ip local = th_ip(f->us), to = th_ip(remote);
    uint8_t header[20] = {(uint8_t)(sport >> 8), (uint8_t)sport, [12] = 0x50};
    struct rte_mbuf *m = th_mbuf_exact(rig_frames, header, sizeof header, SL_NET_HEADROOM);

    m->l4_len = 20;
    return sl_net_emit(rig.net, path, &local, &to, m, 0, rig.now);
}

/* The question that net has sent, which must be there: to everybody, or unicast to mac. */
static struct th_pkt asked(const struct family *f, const char *whose, uint32_t mac)
{
    struct sl_ip target = th_ip(whose), us = th_ip(f->us);
    struct rte_ether_addr to = th_mac(mac);
    struct th_pkt q;

    assert_true(rig_out(FRONT, &q));
    if (sl_ip_is4(&target)) {
        assert_int_equal(q.kind, TH_ARP);
        assert_int_equal(q.arp.op, 1);
        assert_true(sl_ip_equal(&q.arp.tpa, &target));
        assert_true(sl_ip_equal(&q.arp.spa, &us));
    } else {
        struct sl_ip group = th_solicited_node(&target);

        assert_int_equal(q.icmp.type, 135);
        assert_int_equal(q.ttl, 255);
        assert_memory_equal(q.icmp.data, target.b, 16);
        assert_true(sl_ip_equal(&q.src, &us));
        assert_true(sl_ip_equal(&q.dst, mac ? &target : &group));
    }
    if (mac)
        assert_memory_equal(q.eth_dst.addr_bytes, to.addr_bytes, 6);
    else
        assert_true(q.eth_dst.addr_bytes[0] & 1);
    return q;
}

static int reply(const struct family *f, const char *who, uint32_t mac)
{
    struct sl_ip ip = th_ip(who), us = th_ip(f->us);
    struct th_store store;
    struct th_pkt p;

    if (sl_ip_is4(&ip))
        th_arp_reply(&p, th_mac(mac), ip, rig_mac(FRONT), us);
    else
        th_nd_advert(&p, &store, th_mac(mac), ip, rig_mac(FRONT), us);
    return rig_in(FRONT, &p);
}

static int request(const struct family *f, const char *who, uint32_t mac)
{
    struct sl_ip ip = th_ip(who);
    struct th_store store;
    struct th_pkt p;

    if (sl_ip_is4(&ip))
        th_arp_request(&p, th_mac(mac), ip, th_ip(f->us));
    else
        th_nd_solicit(&p, &store, th_mac(mac), ip, th_ip(f->us));
    return rig_in(FRONT, &p);
}

static void quiet(void)
{
    struct th_pkt p;

    assert_false(rig_out(FRONT, &p));
}

static void expect_segment_to(uint32_t mac, uint16_t sport)
{
    struct rte_ether_addr to = th_mac(mac);
    struct th_pkt p;

    assert_true(rig_out(FRONT, &p));
    assert_int_equal(p.kind, TH_TCP);
    assert_int_equal(p.tcp.sport, sport);
    assert_memory_equal(p.eth_dst.addr_bytes, to.addr_bytes, 6);
}

#define EACH_FAMILY(f) for (const struct family *f = families; f < families + SL_ARRAY_LEN(families); f++)

static void a_request_for_us_is_answered_and_teaches(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
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
    EACH_FAMILY(f) {
        assert_int_equal(request(f, f->peer, 5), NO_DROP);
        expect(f->peer, "stale", 5);
        quiet();
    }
}

static void a_request_for_another_teaches_nothing(void **state)
{
    static const struct family other[] = {{"198.18.0.99", "198.18.0.77", NULL, NULL}, {"2001:db8:1::9910", "2001:db8:1::77", NULL, NULL}};

    (void)state;
    for (int k = 0; k < 2; k++) {
        int why = request(&other[k], other[k].peer, 5);

        assert_true(why == SL_DROP_ARP_NOT_OURS || why == SL_DROP_IP6_NOT_OURS);
        expect(other[k].peer, "", 0);
        quiet();
    }
}

static void segments_wait_for_the_answer_in_order(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);

        for (uint16_t k = 1; k <= 3; k++)
            assert_int_equal(emit(f, &path, f->peer, k), 0);
        asked(f, f->peer, 0);
        quiet();
        assert_int_equal(reply(f, f->peer, 5), NO_DROP);
        for (uint16_t k = 1; k <= 3; k++)
            expect_segment_to(5, k);
        expect(f->peer, "reachable", 5);
        assert_int_equal(emit(f, &path, f->peer, 4), 0);
        expect_segment_to(5, 4);
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_PENDING], 0);
    }
}

static void the_fourth_that_waits_pushes_the_first_out(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);
        uint64_t before = rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING];

        for (uint16_t k = 1; k <= 5; k++)
            assert_int_equal(emit(f, &path, f->peer, k), 0);
        assert_int_equal(rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING], before + 2);
        asked(f, f->peer, 0);
        reply(f, f->peer, 5);
        for (uint16_t k = 3; k <= 5; k++)
            expect_segment_to(5, k);
        quiet();
    }
}

static void three_questions_then_unreachable_then_again(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);
        uint64_t dropped = rig.stats.drop[SL_DROP_NEIGHBOUR_FAILED];
        struct sl_event ev;

        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        for (int k = 0; k < 3; k++) {
            asked(f, f->peer, 0);
            quiet();
            rig_pass(S + SL_NS_PER_MS);
        }
        quiet();
        expect(f->peer, "failed", 0);
        assert_int_equal(rig.stats.drop[SL_DROP_NEIGHBOUR_FAILED], dropped + 1);
        assert_true(sl_event_take(&rig.stats, &ev));
        assert_int_equal(ev.kind, SL_EVENT_NEIGHBOUR_FAILED);
        assert_string_equal(ev.note, f->peer);
        assert_int_equal(emit(f, &path, f->peer, 2), -EHOSTUNREACH);
        quiet();
        rig_pass(S + SL_NS_PER_MS);
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 3), 0);
        asked(f, f->peer, 0);
        reply(f, f->peer, 6);
        expect_segment_to(6, 3);
    }
}

static void far_peers_are_reached_by_the_gateway(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->far);

        assert_int_equal(emit(f, &path, f->far, 1), 0);
        asked(f, f->gateway, 0);
        reply(f, f->gateway, 9);
        expect_segment_to(9, 1);
        expect(f->far, "", 0);
    }
}

static void a_stale_neighbour_is_used_then_probed_then_forgotten(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);
        struct th_pkt p;

        request(f, f->peer, 5);
        rig_out(FRONT, &p);
        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        expect_segment_to(5, 1);
        expect(f->peer, "delay", 5);
        rig_pass(5 * S + SL_NS_PER_MS);
        expect(f->peer, "probe", 5);
        for (int k = 0; k < 3; k++) {
            asked(f, f->peer, 5);
            quiet();
            assert_int_equal(emit(f, &path, f->peer, 2), 0); /* goes on to the address that is known */
            expect_segment_to(5, 2);
            rig_pass(S + SL_NS_PER_MS);
        }
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 3), 0);
        asked(f, f->peer, 0);
        reply(f, f->peer, 7);
        expect_segment_to(7, 3);
    }
}

static void an_answered_probe_makes_the_neighbour_reachable(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);
        struct th_pkt p;

        request(f, f->peer, 5);
        rig_out(FRONT, &p);
        emit(f, &path, f->peer, 1);
        expect_segment_to(5, 1);
        rig_pass(5 * S + SL_NS_PER_MS);
        asked(f, f->peer, 5);
        assert_int_equal(reply(f, f->peer, 5), NO_DROP);
        expect(f->peer, "reachable", 5);
        rig_pass(46 * S);
        expect(f->peer, "stale", 5);
        quiet();
        rig_pass(601 * S);
        expect(f->peer, "", 0);
    }
}

static void progress_above_keeps_a_neighbour_without_questions(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);

        emit(f, &path, f->peer, 1);
        asked(f, f->peer, 0);
        reply(f, f->peer, 5);
        expect_segment_to(5, 1);
        for (int k = 0; k < 200; k++) {
            sl_net_confirm(rig.net, &path, rig.now);
            assert_int_equal(emit(f, &path, f->peer, 2), 0);
            expect_segment_to(5, 2);
            rig_pass(S);
            expect(f->peer, "reachable", 5);
        }
        quiet();
    }
}

static void confirming_a_path_that_is_not_known_changes_nothing(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
        struct sl_net_path path = path_to(f, f->peer);

        sl_net_confirm(rig.net, &path, rig.now);
        path.neighbour = 17; /* a hint that has become wrong */
        sl_net_confirm(rig.net, &path, rig.now);
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        sl_net_confirm(rig.net, &path, rig.now);
        expect(f->peer, "incomplete", 0);
        asked(f, f->peer, 0);
    }
}

static void an_answer_that_nobody_asked_for_is_not_believed(void **state)
{
    (void)state;
    EACH_FAMILY(f) {
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
    static const int why[] = {SL_DROP_ARP_CONFLICT, SL_DROP_ARP_CONFLICT, SL_DROP_ARP_CONFLICT, SL_DROP_ND_CONFLICT, SL_DROP_ND_CONFLICT};
    struct sl_ip us4 = th_ip("198.18.0.10"), us6 = th_ip("2001:db8:1::10"), peer = th_ip("198.18.0.77");
    struct rte_ether_addr everybody = {.addr_bytes = {255, 255, 255, 255, 255, 255}};
    struct sl_event ev;

    (void)state;
    th_arp_request(&p[0], th_mac(66), us4, us4);              /* announces our address */
    th_arp_request(&p[1], th_mac(66), us4, peer);             /* asks from our address */
    th_arp_reply(&p[2], th_mac(66), us4, everybody, us4);     /* answers for our address */
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
        {"stale", 5, 0x40000000, "reachable", 5},     {"stale", 6, 0x60000000, "reachable", 6}, {"stale", 6, 0x40000000, "stale", 5},
        {"stale", 6, 0x20000000, "stale", 6},         {"stale", 0, 0x40000000, "reachable", 5}, {"reachable", 6, 0x00000000, "stale", 5},
        {"reachable", 6, 0x40000000, "stale", 5},     {"reachable", 6, 0x20000000, "stale", 6}, {"reachable", 5, 0x20000000, "reachable", 5},
        {"incomplete", 6, 0x40000000, "reachable", 6}, {"incomplete", 6, 0x00000000, "stale", 6}, {"incomplete", 0, 0x40000000, "incomplete", 0},
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

static void a_flood_of_askers_is_bounded_and_spares_who_is_in_use(void **state)
{
    const struct family *f = &families[1];
    struct sl_net_path path = path_to(f, f->peer), gateway = path_to(f, f->far);
    struct rte_mbuf *frames[64];
    uint32_t n;

    (void)state;
    emit(f, &path, f->peer, 1);
    reply(f, f->peer, 5);
    request(f, f->gateway, 9); /* a gateway, only stale */
    for (uint32_t k = 0; k < 2 * SL_NET_NEIGHBOURS_MAX; k++) {
        char who[64];

        snprintf(who, sizeof who, "2001:db8:1::1:%x", k);
        rig.now += SL_NS_PER_MS;
        assert_int_equal(request(f, who, 1000 + k), NO_DROP);
        while ((n = sl_net_tx(rig.net, FRONT, frames, 64)) > 0)
            rte_pktmbuf_free_bulk(frames, n);
    }
    assert_int_equal(entry(f->peer).n, SL_NET_NEIGHBOURS_MAX);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_NEIGHBOURS], SL_NET_NEIGHBOURS_MAX);
    expect(f->peer, "reachable", 5);
    expect(f->gateway, "stale", 9);
    emit(f, &gateway, f->far, 2);
    expect_segment_to(9, 2);
}

static void a_flood_to_unknown_neighbours_is_bounded_in_entries_and_frames(void **state)
{
    const struct family *f = &families[1];
    struct rte_mbuf *frames[64];
    uint32_t n;

    (void)state;
    for (uint32_t k = 0; k < 3000; k++) {
        struct sl_net_path path;
        char who[64];

        snprintf(who, sizeof who, "2001:db8:1::1:%x", k);
        path = path_to(f, who);
        emit(f, &path, who, 1);
        while ((n = sl_net_tx(rig.net, FRONT, frames, 64)) > 0)
            rte_pktmbuf_free_bulk(frames, n);
        assert_true(rig.stats.ctr[SL_CTR_NET_PENDING] <= 512);
    }
    assert_int_equal(entry(f->peer).incomplete, SL_NET_NEIGHBOURS_MAX / 4);
    assert_true(rig.stats.drop[SL_DROP_NEIGHBOUR_EVICTED] + rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING] >= 3000 - 512);
    rig_pass(5 * S);
    assert_int_equal(entry(f->peer).n, 0);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_PENDING], 0);
}

static void a_hint_that_names_another_entry_is_noticed(void **state)
{
    const struct family *f = &families[0];
    struct sl_net_path path = path_to(f, f->peer);
    struct th_pkt p;

    (void)state;
    emit(f, &path, f->peer, 1);
    rig_pass(5 * S); /* failed and forgotten; the slot goes to another */
    while (rig_out(FRONT, &p))
        ;
    request(f, "198.18.0.78", 8);
    assert_true(rig_out(FRONT, &p));
    emit(f, &path, f->peer, 2);
    asked(f, f->peer, 0);
    reply(f, f->peer, 5);
    expect_segment_to(5, 2);
}

static int close_and_count(void **state)
{
    assert_int_equal(rig.stats.drop[SL_DROP_NO_MBUF], 0);
    return rig_close(state);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, close_and_count)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_request_for_us_is_answered_and_teaches),
        RIG_TEST(our_link_local_address_is_answered_for),
        cmocka_unit_test_teardown(a_worker_that_does_not_answer_learns_all_the_same, close_and_count),
        RIG_TEST(a_request_for_another_teaches_nothing),
        RIG_TEST(segments_wait_for_the_answer_in_order),
        RIG_TEST(the_fourth_that_waits_pushes_the_first_out),
        RIG_TEST(three_questions_then_unreachable_then_again),
        RIG_TEST(far_peers_are_reached_by_the_gateway),
        RIG_TEST(a_stale_neighbour_is_used_then_probed_then_forgotten),
        RIG_TEST(an_answered_probe_makes_the_neighbour_reachable),
        RIG_TEST(progress_above_keeps_a_neighbour_without_questions),
        RIG_TEST(confirming_a_path_that_is_not_known_changes_nothing),
        RIG_TEST(an_answer_that_nobody_asked_for_is_not_believed),
        RIG_TEST(whoever_claims_our_address_is_reported_and_not_believed),
        RIG_TEST(probes_for_duplicates_of_our_address_are_answered),
        RIG_TEST(announcements_change_only_what_is_known),
        RIG_TEST(advertisements_follow_solicited_and_override),
        RIG_TEST(bad_arp_is_dropped_for_its_reason),
        RIG_TEST(bad_neighbour_discovery_is_dropped_for_its_reason),
        RIG_TEST(unknown_options_are_passed_over),
        RIG_TEST(a_flood_of_askers_is_bounded_and_spares_who_is_in_use),
        RIG_TEST(a_flood_to_unknown_neighbours_is_bounded_in_entries_and_frames),
        RIG_TEST(a_hint_that_names_another_entry_is_noticed),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
