/* Headers and options from hostile wires. Every buffer ends exactly where its bytes end, so that a sanitizer sees one
 * byte read too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "helpers/helpers.h"
#include "tcp/wire.h"

static struct rte_mempool *pool;

static const struct tuple tuple = {.lport = 443, .rport = 50000};

/* A segment with these option bytes; doff 0: right. */
static uint32_t build(uint8_t *out, uint8_t flags, const uint8_t *opts, uint32_t n_opts, uint32_t doff,
                      uint32_t payload)
{
    struct header h = {.seq = 1000, .ack = 2000, .wnd = 3000, .flags = flags};
    struct tuple back = {.lport = tuple.rport, .rport = tuple.lport}; /* as the peer writes it */
    uint32_t size = 20 + n_opts;

    sl_tcp_wire_put(out, &back, &h);
    if (n_opts)
        memcpy(out + 20, opts, n_opts);
    out[12] = (uint8_t)((doff ? doff & 15 : size / 4) << 4);
    memset(out + size, 0, payload);
    return size + payload;
}

static enum sl_drop last_why; /* a segment was refused */

static bool parse(struct rte_mbuf *m, struct seg *s)
{
    struct sl_net_seg in = {.mbuf = m, .local = {.b = {1}}, .remote = {.b = {2}}};
    bool good = sl_tcp_wire_parse(&in, s, &last_why);

    rte_pktmbuf_free(m);
    return good;
}

static bool parse_bytes(const uint8_t *bytes, uint32_t n, struct seg *s)
{
    return parse(th_mbuf_exact(pool, bytes, n, 0), s);
}

static bool parse_opts(uint8_t flags, const uint8_t *opts, uint32_t n, struct seg *s)
{
    uint8_t bytes[80];

    return parse_bytes(bytes, build(bytes, flags, opts, n, 0, 5), s);
}

static void what_is_written_is_read(void **state)
{
    struct header h = {.seq = 0xfffffffe,
                       .ack = 7,
                       .wnd = 9,
                       .flags = TF_SYN | TF_ACK,
                       .opts = OPT_MSS | OPT_WSCALE | OPT_SACK_OK | OPT_TS,
                       .mss = 1460,
                       .wscale = 7,
                       .tsval = 11,
                       .tsecr = 12};
    struct tuple back = {.lport = tuple.rport, .rport = tuple.lport};
    uint8_t bytes[WIRE_HEADER_MAX];
    struct seg s;

    for (uint8_t opts = 0; opts < 16; opts++) {
        h.opts = opts;
        sl_tcp_wire_put(bytes, &back, &h);
        assert_int_equal(sl_tcp_wire_size(&h) % 4, 0);
        assert_true(parse_bytes(bytes, sl_tcp_wire_size(&h), &s));
        assert_int_equal(s.opts, opts);
        assert_int_equal(s.seq, h.seq);
        assert_int_equal(s.ack, h.ack);
        assert_int_equal(s.tuple.lport, tuple.lport);
        assert_int_equal(s.tuple.rport, tuple.rport);
        assert_int_equal(s.mss, opts & OPT_MSS ? 1460 : 0);
        assert_int_equal(s.wscale, opts & OPT_WSCALE ? 7 : 0);
        assert_int_equal(s.tsecr, opts & OPT_TS ? 12 : 0);
        assert_int_equal(s.len, 0);
    }
}

/* With more padding they are read one by one, alone at a stroke: what is read is the same. */
static void timestamps_alone_and_among_padding_read_the_same(void **state)
{
    uint8_t opts[16] = {1, 1, 8, 10, 0xfe, 2, 3, 4, 5, 6, 7, 0xf8, 1, 1, 1, 1};
    struct sl_rng rng;

    sl_rng_seed(&rng, 3);
    for (uint32_t run = 0; run < 100; run++) {
        struct seg alone, among;

        for (uint32_t i = 4; i < 12; i++)
            opts[i] = (uint8_t)sl_rng_next(&rng);
        assert_true(parse_opts(TF_ACK, opts, 12, &alone) && parse_opts(TF_ACK, opts, 16, &among));
        assert_int_equal(alone.opts, OPT_TS);
        assert_int_equal(alone.opts, among.opts);
        assert_int_equal(alone.tsval, among.tsval);
        assert_int_equal(alone.tsecr, among.tsecr);
        assert_int_equal(alone.n_sacks, among.n_sacks);
    }
}

static void sack_blocks_are_read_whatever_they_claim(void **state)
{
    struct header h = {.flags = TF_ACK, .opts = OPT_TS, .n_sacks = 3, .sacks = {{10, 20}, {40, 30}, {0xffffffff, 1}}};
    struct tuple back = {.lport = tuple.rport, .rport = tuple.lport};
    uint8_t bytes[WIRE_HEADER_MAX];
    struct seg s;

    assert_int_equal(sl_tcp_wire_size(&h), 60);
    sl_tcp_wire_put(bytes, &back, &h);
    assert_true(parse_bytes(bytes, 60, &s));
    assert_int_equal(s.n_sacks, 3);
    assert_int_equal(s.sacks[1].start, 40);
    assert_int_equal(s.sacks[2].end, 1);
}

static void a_data_offset_under_five_or_past_the_end_is_refused(void **state)
{
    uint8_t bytes[80];
    struct seg s;

    for (uint32_t doff = 1; doff <= 16; doff++) {
        uint32_t n = build(bytes, TF_ACK, NULL, 0, doff, 10);

        assert_int_equal(parse_bytes(bytes, n, &s), doff == 5 || doff == 6 || doff == 7);
    }
}

static void every_cut_of_a_header_is_refused_or_whole(void **state)
{
    static const uint8_t opts[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
    uint8_t bytes[80];
    struct seg s;

    build(bytes, TF_SYN, opts, sizeof opts, 0, 0);
    for (uint32_t n = 20; n < 40; n++)
        assert_false(parse_bytes(bytes, n, &s));
    assert_true(parse_bytes(bytes, 40, &s));
    assert_int_equal(s.opts, OPT_MSS | OPT_WSCALE | OPT_SACK_OK | OPT_TS);
}

static void a_header_split_across_buffers_is_read(void **state)
{
    static const uint8_t opts[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
    uint8_t bytes[80];
    uint32_t n = build(bytes, TF_SYN, opts, sizeof opts, 0, 8);
    struct seg s;

    for (size_t cut = 20; cut < n; cut++) {
        size_t cuts[2] = {cut, cut + 3};

        assert_true(parse(th_mbuf_chain(pool, bytes, n, cuts, 2, 0), &s));
        assert_int_equal(s.mss, 1460);
        assert_int_equal(s.wscale, 7);
        assert_int_equal(s.len, 8);
        assert_int_equal(s.skip, 40);
    }
}

/* Length 0 would loop for ever; 1 and past the end would read the wrong bytes. */
static void option_lengths_that_lie_are_refused(void **state)
{
    struct seg s;

    assert_false(parse_opts(TF_SYN, (const uint8_t[]){2, 0, 5, 180}, 4, &s));
    assert_false(parse_opts(TF_SYN, (const uint8_t[]){2, 1, 5, 180}, 4, &s));
    assert_false(parse_opts(TF_SYN, (const uint8_t[]){2, 5, 5, 180}, 4, &s));
    assert_false(parse_opts(TF_SYN, (const uint8_t[]){1, 1, 1, 8}, 4, &s));
    assert_false(parse_opts(TF_ACK, (const uint8_t[]){1, 1, 5, 255}, 4, &s));
    assert_false(parse_opts(TF_SYN, (const uint8_t[]){254, 0, 0, 0}, 4, &s));
}

static void options_of_a_wrong_size_are_skipped(void **state)
{
    struct seg s;

    assert_true(parse_opts(TF_SYN, (const uint8_t[]){2, 3, 5, 1}, 4, &s));
    assert_int_equal(s.opts, 0);
    assert_true(parse_opts(TF_SYN, (const uint8_t[]){3, 4, 5, 1, 4, 3, 0, 1}, 8, &s));
    assert_int_equal(s.opts, 0);
    assert_true(parse_opts(TF_ACK, (const uint8_t[]){5, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}, 12, &s));
    assert_int_equal(s.n_sacks, 0);
    assert_true(parse_opts(TF_ACK, (const uint8_t[]){5, 2, 1, 1}, 4, &s));
    assert_int_equal(s.n_sacks, 0);
}

static void what_stands_behind_the_end_of_options_is_ignored(void **state)
{
    struct seg s;

    assert_true(parse_opts(TF_SYN, (const uint8_t[]){0, 2, 4, 5, 180, 2, 0, 0}, 8, &s));
    assert_int_equal(s.opts, 0);
}

/* The data offset bounds what options may claim, not the segment: behind it stands payload, and before the fifth word the
 * header. */
static void no_option_is_read_beyond_the_data_offset(void **state)
{
    for (uint32_t doff = 1; doff <= 16; doff++) {
        for (uint32_t len = 0; len < 256; len++) {
            const uint8_t opts[8] = {1, 1, 2, (uint8_t)len, 0, 0, 0, 0}; /* MSS in the first word's last bytes */
            uint8_t bytes[80];
            uint32_t n = build(bytes, TF_SYN, opts, sizeof opts, doff, 4);
            bool fits =
                doff == 5 || (doff == 6 && len == 2) || ((doff == 7 || doff == 8) && len >= 2 && len <= 4u * doff - 22);
            struct seg s;

            assert_int_equal(parse_bytes(bytes, n, &s), fits);
            if (fits)
                assert_int_equal(s.opts & OPT_MSS, doff >= 7 && len == 4 ? OPT_MSS : 0);
            else
                assert_int_equal(last_why, doff < 5 || doff > 8 ? SL_DROP_TCP_BAD_HEADER : SL_DROP_TCP_BAD_OPTION);
        }
    }
}

static void options_of_a_syn_count_on_a_syn_only(void **state)
{
    struct seg s;

    assert_true(parse_opts(TF_ACK, (const uint8_t[]){2, 4, 5, 180, 3, 3, 7, 4, 2, 1, 1, 1}, 12, &s));
    assert_int_equal(s.opts, 0);
}

static void a_segment_to_itself_is_refused(void **state)
{
    struct sl_net_seg in = {.local = {.b = {1}}, .remote = {.b = {1}}};
    struct header h = {.flags = TF_SYN};
    struct tuple same = {.lport = 80, .rport = 80};
    uint8_t bytes[20];
    enum sl_drop why;
    struct seg s;

    sl_tcp_wire_put(bytes, &same, &h);
    in.mbuf = th_mbuf_exact(pool, bytes, sizeof bytes, 0);
    assert_false(sl_tcp_wire_parse(&in, &s, &why));
    assert_int_equal(why, SL_DROP_TCP_LAND);
    rte_pktmbuf_free(in.mbuf);
}

static void port_zero_is_refused(void **state)
{
    uint8_t bytes[40];
    struct seg s;

    build(bytes, TF_SYN, NULL, 0, 0, 0);
    bytes[0] = bytes[1] = 0;
    assert_false(parse_bytes(bytes, 20, &s));
    build(bytes, TF_SYN, NULL, 0, 0, 0);
    bytes[2] = bytes[3] = 0;
    assert_false(parse_bytes(bytes, 20, &s));
}

static int setup(void **state)
{
    th_eal_init();
    pool = th_pool("wire", 255, 2048);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(timestamps_alone_and_among_padding_read_the_same),
        cmocka_unit_test(sack_blocks_are_read_whatever_they_claim),
        cmocka_unit_test(a_data_offset_under_five_or_past_the_end_is_refused),
        cmocka_unit_test(every_cut_of_a_header_is_refused_or_whole),
        cmocka_unit_test(a_header_split_across_buffers_is_read),
        cmocka_unit_test(option_lengths_that_lie_are_refused),
        cmocka_unit_test(options_of_a_wrong_size_are_skipped),
        cmocka_unit_test(what_stands_behind_the_end_of_options_is_ignored),
        cmocka_unit_test(no_option_is_read_beyond_the_data_offset),
        cmocka_unit_test(options_of_a_syn_count_on_a_syn_only),
        cmocka_unit_test(a_segment_to_itself_is_refused),
        cmocka_unit_test(port_zero_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, th_leak_teardown);
}
