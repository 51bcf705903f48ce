/* Frames made fit for a device: the bytes stay the same, whatever buffers they came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "port/internal.h"

static struct rte_mempool *device_pool, *foreign_pool;
static struct sl_stats stats;
static struct port_device xdp = {.caps = {.tx_segs = 1, .own_umem = true}, .frame_bytes_max = 1518};
static struct port_device card = {.caps = {.tx_segs = 4, .indirect = true, .foreign = true},
                                  .tx_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM,
                                  .frame_bytes_max = 1518};

static int setup(void **state)
{
    (void)state;
    th_eal_init();
    device_pool = th_pool("device", 31, 2048);
    foreign_pool = th_pool("foreign", 63, 2048);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(&stats, 0, sizeof stats);
    return 0;
}

static size_t segment(uint8_t *out, size_t room)
{
    static uint8_t data[1200];
    struct th_pkt p = {.kind = TH_TCP,
                       .eth_src = th_mac(1),
                       .eth_dst = th_mac(2),
                       .src = th_ip("198.18.0.10"),
                       .dst = th_ip("198.18.0.2"),
                       .tcp = {.sport = 443,
                               .dport = 5000,
                               .seq = 7,
                               .ack = 9,
                               .wnd = 100,
                               .flags = TH_ACK,
                               .data = data,
                               .len = sizeof data}};

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31);
    return th_encode(&p, out, room);
}

/* Any cut of a frame into buffers that end where their bytes end comes out as one buffer of the device's with the same bytes. */
static void a_chain_becomes_one_plain_buffer(void **state)
{
    uint8_t frame[1600], got[1600];
    size_t len = segment(frame, sizeof frame);

    for (size_t cut = 1; cut < len; cut += 97) {
        const size_t cuts[] = {cut, cut + 1, len - 1};
        struct rte_mbuf *m = th_mbuf_chain(foreign_pool, frame, len, cuts, SL_ARRAY_LEN(cuts), 128), *out;

        out = port_adapt(&xdp, device_pool, &stats, m);
        assert_non_null(out);
        assert_ptr_equal(out->pool, device_pool);
        assert_int_equal(out->nb_segs, 1);
        assert_true(RTE_MBUF_DIRECT(out));
        assert_int_equal(th_mbuf_bytes(out, got, sizeof got), len);
        assert_memory_equal(got, frame, len);
        rte_pktmbuf_free(out);
    }
    assert_int_equal(stats.ctr[SL_CTR_PORT_COPIES], (len + 95) / 97);
    assert_int_equal(stats.ctr[SL_CTR_PORT_COPY_BYTES], (len + 95) / 97 * len);
}

static void an_attached_buffer_is_copied_for_af_xdp_and_not_for_a_card(void **state)
{
    uint8_t frame[1600];
    size_t len = segment(frame, sizeof frame);
    struct rte_mbuf *m = th_mbuf_exact(foreign_pool, frame, len, 128), *out;

    assert_ptr_equal(port_adapt(&card, device_pool, &stats, m), m);
    assert_int_equal(stats.ctr[SL_CTR_PORT_COPIES], 0);
    out = port_adapt(&xdp, device_pool, &stats, m);
    assert_ptr_not_equal(out, m);
    assert_int_equal(stats.ctr[SL_CTR_PORT_COPIES], 1);
    rte_pktmbuf_free(out);
}

static void a_clone_of_the_devices_own_memory_is_copied(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(device_pool), *clone, *out;
    uint8_t got[100];

    memset(rte_pktmbuf_append(m, 100), 0x5a, 100);
    clone = rte_pktmbuf_clone(m, device_pool);
    out = port_adapt(&xdp, device_pool, &stats, clone);
    assert_true(RTE_MBUF_DIRECT(out));
    assert_int_equal(th_mbuf_bytes(out, got, sizeof got), 100);
    assert_int_equal(got[99], 0x5a);
    rte_pktmbuf_free(out);
    rte_pktmbuf_free(m);
}

static void a_plain_buffer_of_the_device_goes_as_it_is(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(device_pool);

    rte_pktmbuf_append(m, 60);
    assert_ptr_equal(port_adapt(&xdp, device_pool, &stats, m), m);
    assert_int_equal(stats.ctr[SL_CTR_PORT_COPIES], 0);
    rte_pktmbuf_free(m);
}

static struct rte_mbuf *unfinished(uint8_t *good, size_t *len)
{
    const size_t cuts[] = {54, 600};
    struct rte_mbuf *m;
    uint8_t frame[1600], pseudo[12] = {[9] = 6};
    uint16_t sum;

    *len = segment(good, 1600);
    memcpy(frame, good, *len);
    memset(frame + 24, 0, 2); /* IPv4's checksum */
    memcpy(pseudo, frame + 26, 8);
    sl_put_u16(pseudo + 10, (uint16_t)(*len - 34));
    sum = (uint16_t)~sl_cksum_fold(sl_cksum_add(0, pseudo, sizeof pseudo)); /* in TCP's, as cards want it */
    memcpy(frame + 50, &sum, 2);
    m = th_mbuf_chain(foreign_pool, frame, *len, cuts, SL_ARRAY_LEN(cuts), 128);
    m->l2_len = 14;
    m->l3_len = 20;
    m->l4_len = 20;
    m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
    return m;
}

static void checksums_are_filled_in_where_the_device_has_none(void **state)
{
    uint8_t good[1600], got[1600];
    size_t len;
    struct rte_mbuf *out = port_adapt(&xdp, device_pool, &stats, unfinished(good, &len));

    assert_int_equal(th_mbuf_bytes(out, got, sizeof got), len);
    assert_memory_equal(got, good, len);
    assert_int_equal(out->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK), 0);
    rte_pktmbuf_free(out);
}

static void checksums_are_left_to_a_device_that_has_them(void **state)
{
    uint8_t good[1600];
    size_t len;
    struct rte_mbuf *m = unfinished(good, &len);

    assert_ptr_equal(port_adapt(&card, device_pool, &stats, m), m);
    assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
    rte_pktmbuf_free(m);
}

static void a_frame_over_the_mtu_is_dropped_and_counted(void **state)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(device_pool);

    rte_pktmbuf_append(m, 1519);
    assert_null(port_adapt(&xdp, device_pool, &stats, m));
    assert_int_equal(stats.drop[SL_DROP_PORT_TOO_LONG], 1);
}

static void without_buffers_the_frame_is_dropped_and_counted(void **state)
{
    uint8_t frame[1600];
    size_t len = segment(frame, sizeof frame);
    struct rte_mbuf *m = th_mbuf_exact(foreign_pool, frame, len, 128), *all[31];

    assert_int_equal(rte_pktmbuf_alloc_bulk(device_pool, all, SL_ARRAY_LEN(all)), 0);
    assert_null(port_adapt(&xdp, device_pool, &stats, m));
    assert_int_equal(stats.drop[SL_DROP_NO_MBUF], 1);
    rte_pktmbuf_free_bulk(all, SL_ARRAY_LEN(all));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, th_leak_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_chain_becomes_one_plain_buffer),
        CASE(an_attached_buffer_is_copied_for_af_xdp_and_not_for_a_card),
        CASE(a_clone_of_the_devices_own_memory_is_copied),
        CASE(a_plain_buffer_of_the_device_goes_as_it_is),
        CASE(checksums_are_filled_in_where_the_device_has_none),
        CASE(checksums_are_left_to_a_device_that_has_them),
        CASE(a_frame_over_the_mtu_is_dropped_and_counted),
        CASE(without_buffers_the_frame_is_dropped_and_counted),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
