/* Steering: the published RSS vectors, DPDK's plain routine, and the linearity on which local ports are chosen. */
#include <errno.h>
#include <rte_byteorder.h>
#include <rte_thash.h>

#include "net/rig.h"

/* The key and the vectors of "Verifying the RSS hash calculation" (Microsoft, NDIS documentation). */
static const uint8_t published_key[40] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct {
    const char *remote, *local;
    uint16_t rport, lport;
    uint32_t hash;
} published[] = {
    {"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178},
    {"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea},
    {"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a},
    {"38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f},
    {"153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2},
    {"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d},
    {"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf},
    {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x02d1feef},
};

/* With a table of 512 entries that are their own index, the worker is the low nine bits of the hash. */
static void identity(struct sl_steer *st, const uint8_t *key, size_t key_bytes)
{
    uint16_t reta[512];

    for (uint16_t k = 0; k < 512; k++)
        reta[k] = k;
    assert_int_equal(sl_steer_init(st, key, key_bytes, reta, 512, 512), 0);
}

static void the_published_vectors(void **state)
{
    struct sl_steer st;

    (void)state;
    identity(&st, published_key, 40);
    for (size_t k = 0; k < SL_ARRAY_LEN(published); k++) {
        struct sl_ip remote = th_ip(published[k].remote), local = th_ip(published[k].local);

        assert_int_equal(sl_steer_worker(&st, &local, published[k].lport, &remote, published[k].rport),
                         published[k].hash & 511);
    }
    sl_steer_free(&st);
}

static uint32_t plain(const uint8_t *key, const struct sl_ip *local, uint16_t lport, const struct sl_ip *remote,
                      uint16_t rport)
{
    uint32_t tuple[9], n = sl_ip_is4(local) ? 1 : 4;

    for (uint32_t k = 0; k < n; k++) {
        tuple[k] = rte_be_to_cpu_32(remote->w[4 - n + k]);
        tuple[n + k] = rte_be_to_cpu_32(local->w[4 - n + k]);
    }
    tuple[2 * n] = (uint32_t)rport << 16 | lport;
    return rte_softrss(tuple, 2 * n + 1, key);
}

static void random_ip(struct sl_rng *rng, bool ip6, struct sl_ip *ip)
{
    uint64_t bits[2] = {sl_rng_next(rng), sl_rng_next(rng)};

    *ip = ip6 ? sl_ip_from6(bits) : sl_ip_from4(bits);
}

static void random_tuples_and_keys_agree_with_the_plain_routine(void **state)
{
    struct sl_rng rng;

    (void)state;
    sl_rng_seed(&rng, 3);
    for (int round = 0; round < 20; round++) {
        uint8_t key[SL_STEER_KEY_BYTES];
        struct sl_steer st;

        for (size_t k = 0; k < sizeof key; k++)
            key[k] = (uint8_t)sl_rng_next(&rng);
        identity(&st, key, round % 2 ? 40 : sizeof key);
        for (int k = 0; k < 500; k++) {
            struct sl_ip local, remote;
            uint16_t lport = (uint16_t)sl_rng_next(&rng), rport = (uint16_t)sl_rng_next(&rng);

            random_ip(&rng, k % 2, &local);
            random_ip(&rng, k % 2, &remote);
            assert_int_equal(sl_steer_worker(&st, &local, lport, &remote, rport),
                             plain(key, &local, lport, &remote, rport) & 511);
        }
        sl_steer_free(&st);
    }
}

static void every_local_port_is_found_by_the_worker_it_belongs_to(void **state)
{
    static const char *const ends[][2] = {{"198.18.1.10", "198.18.1.2"}, {"2001:db8:2::10", "2001:db8:2::2"}};

    (void)state;
    for (size_t e = 0; e < 2; e++) {
        struct sl_ip local = th_ip(ends[e][0]), remote = th_ip(ends[e][1]);
        uint32_t total = 0, shares[3] = {0};
        struct sl_steer st;

        assert_int_equal(sl_steer_init(&st, published_key, 40, NULL, 0, 3), 0);
        for (uint32_t worker = 0; worker < 3; worker++) {
            for (uint32_t from = 1; from <= 65535; from++) {
                uint16_t lport = sl_steer_lport(&st, worker, &local, &remote, 8080, (uint16_t)from, 65535);

                if (!lport)
                    break;
                for (; from < lport; from++) /* none was passed over */
                    assert_int_not_equal(sl_steer_worker(&st, &local, (uint16_t)from, &remote, 8080), worker);
                assert_int_equal(plain(published_key, &local, lport, &remote, 8080) % 128 % 3, worker);
                shares[worker]++;
                total++;
            }
        }
        assert_int_equal(total, 65535);
        for (uint32_t worker = 0; worker < 3; worker++)
            assert_true(shares[worker] > 65535 / 4);
        assert_int_equal(sl_steer_lport(&st, 9, &local, &remote, 8080, 1, 65535), 0);
        assert_int_equal(sl_steer_lport(&st, 0, &local, &remote, 8080, 2000, 1999), 0);
        sl_steer_free(&st);
    }
}

static void tables_that_can_t_be_are_refused(void **state)
{
    const uint16_t reta[4] = {0, 1, 2, 3};
    uint8_t key[60] = {0};
    struct sl_steer st;

    (void)state;
    assert_int_equal(sl_steer_init(&st, key, 39, NULL, 0, 1), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 53, NULL, 0, 1), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 40, NULL, 0, 0), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 40, reta, 3, 4), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 40, reta, 0, 4), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 40, reta, 1024, 4), -EINVAL);
    assert_int_equal(sl_steer_init(&st, key, 40, reta, 4, 3), -EINVAL); /* names a worker that is not there */
    sl_steer_free(&st);
}

static int steer(const struct sl_steer *st, const struct th_pkt *p)
{
    uint8_t bytes[512];
    size_t len = th_encode(p, bytes, sizeof bytes);
    struct rte_mbuf *m = th_mbuf_exact(rig_frames, bytes, len, 0);
    int worker = sl_steer_frame(st, m);

    rte_pktmbuf_free(m);
    for (size_t cut = 0; cut < len; cut++) { /* the same in pieces */
        m = th_mbuf_chain(rig_frames, bytes, len, &cut, 1, 0);
        assert_int_equal(sl_steer_frame(st, m), worker);
        rte_pktmbuf_free(m);
    }
    for (size_t n = 0; n < len; n++) { /* no byte is read that is not there */
        m = th_mbuf_exact(rig_frames, bytes, n, 0);
        sl_steer_frame(st, m);
        rte_pktmbuf_free(m);
    }
    return worker;
}

static void frames_go_where_their_tuple_says(void **state)
{
    struct sl_steer st;

    (void)state;
    identity(&st, published_key, 40);
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct th_pkt p = rig_segment(ip6), e;
        struct th_store store;
        uint8_t bytes[256];
        int home = (int)sl_steer_worker(&st, &p.dst, 443, &p.src, 40000);
        size_t len;

        assert_int_not_equal(home, 0);
        assert_int_equal(steer(&st, &p), home);
        p.vlan = 7;
        assert_int_equal(steer(&st, &p), home);
        p.ip_extra =
            (const uint8_t
                 *)"\x06\x00\x01\x04\0\0\0\0"; /* IPv4: an option of length 0, which is for the worker to drop */
        p.ip_extra_len = 8;
        assert_int_equal(steer(&st, &p), home);
        /* what an error quotes is our segment: the other way round */
        p = rig_segment(ip6);
        p.src = rig_segment(ip6).dst;
        p.dst = rig_segment(ip6).src;
        p.tcp.sport = 443;
        p.tcp.dport = 40000;
        len = th_encode(&p, bytes, sizeof bytes);
        th_icmp_error(&e, &store, th_ip(ip6 ? "2001:db8:1::1" : "198.18.0.1"), ip6 ? 2 : 3, ip6 ? 0 : 4, 1280, bytes,
                      len, 64);
        assert_int_equal(steer(&st, &e), home);
    }
    sl_steer_free(&st);
}

static void everybody_gets_arp_and_neighbours_and_worker_0_the_rest(void **state)
{
    struct th_store store;
    struct sl_steer st;
    struct th_pkt p;

    (void)state;
    identity(&st, published_key, 40);
    th_arp_request(&p, th_mac(5), th_ip("198.18.0.77"), th_ip("198.18.0.10"));
    assert_int_equal(steer(&st, &p), SL_STEER_ALL);
    th_nd_solicit(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), th_ip("2001:db8:1::10"));
    assert_int_equal(steer(&st, &p), SL_STEER_ALL);
    th_nd_advert(&p, &store, th_mac(5), th_ip("2001:db8:1::77"), rig_mac(FRONT), th_ip("2001:db8:1::10"));
    assert_int_equal(steer(&st, &p), SL_STEER_ALL);
    p.icmp.type = 134;
    assert_int_equal(steer(&st, &p), 0);
    p = rig_segment(false);
    p.kind = TH_ICMP;
    p.icmp = (struct th_icmp){.type = 8};
    assert_int_equal(steer(&st, &p), 0);
    sl_steer_free(&st);
}

/* However the ports of a first fragment read, and whatever stands where a later one would have them. */
static void all_fragments_of_a_datagram_meet_at_one_worker(void **state)
{
    struct sl_steer st;
    int seen[512] = {0}, kinds = 0;

    (void)state;
    identity(&st, published_key, 40);
    for (int ip6 = 0; ip6 < 2; ip6++) {
        for (uint32_t id = 1; id < 40; id++) {
            uint8_t header[8] = {6, 0, 0, 1, 0, (uint8_t)id, 0, (uint8_t)(id * 3)};
            struct th_pkt p = rig_segment(ip6);
            int home;

            p.ip_id = (uint16_t)(id * 77);
            p.ip_frag = 0x2000;
            if (ip6) {
                p.ip_extra = header;
                p.ip_extra_len = 8;
                p.ip_extra_first = 44;
            }
            home = steer(&st, &p);
            p.tcp.sport = (uint16_t)(p.tcp.sport + id);
            p.tcp.dport = 12345;
            assert_int_equal(steer(&st, &p), home);
            p.ip_frag = 0x2000 | 100;
            sl_put_u16(header + 2, 800 | 1);
            assert_int_equal(steer(&st, &p), home);
            p.ip_frag = 200;
            sl_put_u16(header + 2, 1600);
            assert_int_equal(steer(&st, &p), home);
            kinds += !seen[home]++;
        }
    }
    assert_true(kinds > 30); /* not all at one */
    sl_steer_free(&st);
}

static void an_atomic_fragment_goes_where_its_ports_say(void **state)
{
    struct th_pkt p = rig_segment(true);
    struct sl_steer st;

    (void)state;
    identity(&st, published_key, 40);
    p.ip_extra = (const uint8_t *)"\x06\x00\x00\x00\0\0\0\1";
    p.ip_extra_len = 8;
    p.ip_extra_first = 44;
    assert_int_equal(steer(&st, &p), (int)sl_steer_worker(&st, &p.dst, 443, &p.src, 40000));
    sl_steer_free(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors),
        cmocka_unit_test(random_tuples_and_keys_agree_with_the_plain_routine),
        cmocka_unit_test(every_local_port_is_found_by_the_worker_it_belongs_to),
        cmocka_unit_test(tables_that_can_t_be_are_refused),
        cmocka_unit_test(frames_go_where_their_tuple_says),
        cmocka_unit_test(everybody_gets_arp_and_neighbours_and_worker_0_the_rest),
        cmocka_unit_test(all_fragments_of_a_datagram_meet_at_one_worker),
        cmocka_unit_test(an_atomic_fragment_goes_where_its_ports_say),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
