/* For the tests of reassembly: a packet to be cut into fragments, and what each fragment that is brought leads to. */
#ifndef SL_NET_RIG_FRAGMENT_H
#define SL_NET_RIG_FRAGMENT_H

#include "net/rig.h"

#define S SL_NS_PER_S
#define ID 0x1234u

static uint8_t whole[70000];
static size_t whole_len;
static uint8_t ecn_of_next; /* of fragments that are brought */
static uint32_t n_dropped;  /* frames that the last one took with it, itself included */

/* The packet that is sent in pieces: a segment with len bytes of data. */
static inline struct th_pkt cut_up(bool ip6, uint32_t len)
{
    static uint8_t data[66000];
    struct th_pkt p = rig_segment(ip6);

    for (size_t k = 0; k < sizeof data; k++)
        data[k] = (uint8_t)(k * 7 + k / 256);
    p.tcp.data = data;
    p.tcp.len = len;
    whole_len = th_encode(&p, whole, sizeof whole);
    return p;
}

/* Bytes behind the IP header. */
static inline uint32_t body(bool ip6) { return (uint32_t)whole_len - (ip6 ? 54 : 34); }

/* Brings a frame; the drop reason (of one or several frames), or NO_DROP. */
static inline int bring_mbuf(uint8_t iface, struct rte_mbuf *m)
{
    uint64_t before[SL_DROP_COUNT];
    int why = NO_DROP;

    memcpy(before, rig.stats.drop, sizeof before);
    n_dropped = 0;
    sl_net_input(rig.net, iface, &m, 1, rig.now, &rig.batch);
    for (int k = 0; k < SL_DROP_COUNT; k++) {
        if (rig.stats.drop[k] == before[k])
            continue;
        assert_int_equal(why, NO_DROP);
        why = k;
        n_dropped = (uint32_t)(rig.stats.drop[k] - before[k]);
    }
    return why;
}

/* A fragment of `whole` in the buffer; its length. */
static inline size_t cut(uint32_t id, uint32_t off, uint32_t n, bool more, uint8_t *out, size_t room)
{
    size_t len = th_fragment(whole, whole_len, id, off, n, more, out, room);

    if (ecn_of_next && out[14] >> 4 == 4) { /* IPv4's header checksum follows */
        uint32_t sum = (uint32_t)(out[24] << 8 | out[25]);

        out[15] = (uint8_t)(out[15] | ecn_of_next);
        sum = (sum ^ 0xffff) + ecn_of_next;
        sl_put_u16(out + 24, (uint16_t) ~(sum + (sum >> 16)));
    } else if (ecn_of_next) {
        out[15] = (uint8_t)(out[15] | ecn_of_next << 4);
    }
    return len;
}

static inline int bring(uint32_t id, uint32_t off, uint32_t n, bool more)
{
    uint8_t bytes[66100];

    return bring_mbuf(FRONT, th_mbuf_exact(rig_frames, bytes, cut(id, off, n, more, bytes, sizeof bytes), 0));
}

/* Brings the fragment [from, to) of the packet, with the right MF. */
static inline int piece(bool ip6, uint32_t from, uint32_t to) { return bring(ID, from, to - from, to < body(ip6)); }

/* The batch holds just the segment that `whole` is. */
static inline void expect_whole(bool ip6)
{
    static uint8_t bytes[70000];
    const struct sl_net_seg *s = &rig.batch.segs[0];
    size_t at = ip6 ? 54 : 34;

    assert_int_equal(rig.batch.n_segs, 1);
    rte_mbuf_sanity_check(s->mbuf, 1);
    assert_int_equal(th_mbuf_bytes(s->mbuf, bytes, sizeof bytes), whole_len - at);
    assert_memory_equal(bytes, whole + at, whole_len - at);
    assert_true(s->mbuf->data_len >= 32);
    rig_drop_batch();
}

static inline void expect_nothing_is_held(void)
{
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_FRAGMENT_BYTES], 0);
    assert_int_equal(rte_mempool_in_use_count(rig_frames), 0);
}

#define EACH_IP(ip6) for (int ip6 = 0; ip6 < 2; ip6++)
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

#endif
