/* The streams of a flood: every frame is taken apart by the tests' own reading of the RFCs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flood.h"
#include "helpers/helpers.h"

#define BURST 64

static struct rte_mempool *pool;

static int setup(void **state)
{
    pool = th_pool("flood", BURST, 2048);
    return 0;
}

static struct flood_conf conf_of(enum flood_kind kind, bool ip4)
{
    return (struct flood_conf){.kind = kind,
                               .source = th_ip(ip4 ? "198.18.0.0" : "2001:db8:4::"),
                               .source_bits = ip4 ? 15 : 48,
                               .seed = 7,
                               .to = th_endpoint(ip4 ? "198.18.0.10:443" : "[2001:db8:1::10]:443"),
                               .source_mac = th_mac(1),
                               .to_mac = th_mac(2)};
}

static struct flood flood_of(const struct flood_conf *conf)
{
    struct sl_err err = {0};
    struct flood f;

    assert_int_equal(flood_init(&f, conf, &err), 0);
    assert_string_equal(err.text, "");
    return f;
}

struct frame {
    uint8_t bytes[FLOOD_FRAME_MAX];
    size_t len;
    struct th_pkt p;
};

/* What every frame has, whatever its kind. */
static void open_frame(const struct flood_conf *conf, const struct rte_mbuf *m, struct frame *frame)
{
    static const uint8_t nothing[FLOOD_FRAME_MAX];

    assert_int_equal(m->ol_flags, 0);
    assert_int_equal(m->pkt_len, m->data_len);
    frame->len = th_mbuf_bytes(m, frame->bytes, sizeof frame->bytes);
    assert_true(frame->len >= FLOOD_FRAME_MIN);
    memset(&frame->p, 0, sizeof frame->p);
    assert_null(th_decode(frame->bytes, frame->len, &frame->p));
    assert_memory_equal(&frame->p.eth_src, &conf->source_mac, 6);
    assert_memory_equal(&frame->p.eth_dst, &conf->to_mac, 6);
    assert_true(sl_ip_equal(&frame->p.dst, &conf->to.ip));
    assert_true(sl_ip_in_prefix(&frame->p.src, &conf->source, conf->source_bits));
    assert_false(sl_ip_equal(&frame->p.src, &conf->to.ip));
    assert_int_equal(frame->p.ip_frag & 0x3fff, 0);
    if (frame->p.kind == TH_TCP && frame->p.tcp.len > 0)
        assert_memory_equal(frame->p.tcp.data, nothing, frame->p.tcp.len);
}

/* The next n frames, each given to see. */
static void each(struct flood *f, const struct flood_conf *conf, uint32_t n, void (*see)(const struct frame *, void *),
                 void *with)
{
    struct rte_mbuf *burst[BURST];
    struct frame frame;

    for (uint32_t i = 0, got; i < n; i += got) {
        got = flood_fill(f, pool, burst, SL_MIN(n - i, BURST));
        assert_int_equal(got, SL_MIN(n - i, BURST));
        for (uint32_t k = 0; k < got; k++) {
            open_frame(conf, burst[k], &frame);
            see(&frame, with);
            rte_pktmbuf_free(burst[k]);
        }
    }
}

static enum flood_kind kind_of(const struct frame *frame)
{
    return frame->p.kind == TH_ICMP ? FLOOD_ICMP : frame->p.tcp.flags & TH_SYN ? FLOOD_SYN : FLOOD_ACK;
}

/* ---- what the kinds look like ---- */

static void see_syn(const struct frame *frame, void *with)
{
    const struct th_tcp *t = &frame->p.tcp;

    assert_int_equal(frame->p.kind, TH_TCP);
    assert_int_equal(t->flags, TH_SYN);
    assert_int_equal(t->ack, 0);
    assert_int_equal(t->mss, sl_ip_is4(&frame->p.dst) ? 1460 : 1440);
    assert_int_equal(t->dport, 443);
    assert_true(t->sport >= 1024);
    assert_true(t->wnd > 0);
    assert_int_equal(t->len, 0);
    assert_int_equal(frame->len, with ? *(const size_t *)with : frame->len);
}

static void see_ack(const struct frame *frame, void *with)
{
    const struct th_tcp *t = &frame->p.tcp;

    assert_int_equal(frame->p.kind, TH_TCP);
    assert_int_equal(t->flags, TH_ACK);
    assert_int_equal(t->dport, 443);
    assert_true(t->sport >= 1024);
    assert_int_equal(frame->len, with ? *(const size_t *)with : frame->len);
}

static void see_echo(const struct frame *frame, void *with)
{
    assert_int_equal(frame->p.kind, TH_ICMP);
    assert_int_equal(frame->p.icmp.type, sl_ip_is4(&frame->p.dst) ? 8 : 128);
    assert_int_equal(frame->p.icmp.code, 0);
    assert_int_equal(frame->len, with ? *(const size_t *)with : frame->len);
}

static void see_any(const struct frame *frame, void *with)
{
    static void (*const sees[])(const struct frame *,
                                void *) = {[FLOOD_SYN] = see_syn, [FLOOD_ACK] = see_ack, [FLOOD_ICMP] = see_echo};

    sees[kind_of(frame)](frame, with);
}

static void each_kind(bool ip4, const size_t lens[FLOOD_MIXED])
{
    static void (*const sees[])(const struct frame *,
                                void *) = {[FLOOD_SYN] = see_syn, [FLOOD_ACK] = see_ack, [FLOOD_ICMP] = see_echo};

    for (enum flood_kind kind = 0; kind < FLOOD_MIXED; kind++) {
        struct flood_conf conf = conf_of(kind, ip4);
        struct flood f = flood_of(&conf);
        size_t len = lens[kind];

        each(&f, &conf, 5000, sees[kind], &len);
    }
}

static void frames_of_each_kind_are_valid_ipv4(void **state) { each_kind(true, (const size_t[]){60, 60, 60}); }
static void frames_of_each_kind_are_valid_ipv6(void **state) { each_kind(false, (const size_t[]){78, 74, 66}); }

static void see_length(const struct frame *frame, void *with)
{
    see_any(frame, with);
    if (kind_of(frame) == FLOOD_ACK)
        assert_int_equal(frame->p.tcp.len, *(size_t *)with - 14 - (sl_ip_is4(&frame->p.dst) ? 20 : 40) - 20);
}

static void longer_frames_carry_payload(void **state)
{
    static const size_t lens[] = {61, 100, 101, 1513, FLOOD_FRAME_MAX};

    for (unsigned i = 0; i < 2 * SL_ARRAY_LEN(lens); i++) {
        struct flood_conf conf = conf_of(FLOOD_MIXED, i % 2 == 0);
        struct flood f;
        size_t len = SL_MAX(lens[i / 2], i % 2 ? 78u : 0u);

        conf.frame_bytes = (uint32_t)len;
        f = flood_of(&conf);
        each(&f, &conf, 200, see_length, &len);
    }
}

/* ---- how they spread ---- */

struct spread {
    uint32_t addresses[256], ports[64], n; /* by the prefix's free high bits; by the port's */
    uint32_t low_bits[8];                  /* how often each of the address's last bits was set */
};

static void see_spread(const struct frame *frame, void *with)
{
    struct spread *s = with;
    const uint8_t *b = frame->p.src.b;

    s->n++;
    s->addresses[sl_ip_is4(&frame->p.src) ? (uint8_t)((b[13] & 1) << 7 | b[14] >> 1) : b[6]]++;
    s->ports[frame->p.tcp.sport >> 10]++;
    for (unsigned bit = 0; bit < 8; bit++)
        s->low_bits[bit] += b[15] >> bit & 1;
}

static void sources_are_spread_over_the_prefix(void **state)
{
    for (unsigned ip4 = 0; ip4 < 2; ip4++) {
        struct flood_conf conf = conf_of(FLOOD_SYN, ip4);
        struct flood f = flood_of(&conf);
        struct spread s = {0};

        each(&f, &conf, 25600, see_spread, &s);
        for (unsigned i = 0; i < 256; i++)
            assert_in_range(s.addresses[i], 50, 150); /* 100 expected, deviation 10 */
        assert_int_equal(s.ports[0], 0);
        for (unsigned i = 1; i < 64; i++)
            assert_in_range(s.ports[i], 305, 505); /* 406 expected, deviation 20 */
        for (unsigned bit = 0; bit < 8; bit++)
            assert_in_range(s.low_bits[bit], 12400, 13200); /* 12800 expected, deviation 80 */
    }
}

static void see_numbers(const struct frame *frame, void *with)
{
    uint32_t *last = with;
    uint32_t numbers[2] = {frame->p.tcp.seq, frame->p.tcp.ack};

    if (frame->p.kind == TH_ICMP)
        numbers[0] = frame->p.icmp.rest;
    assert_int_not_equal(numbers[0], last[0]);
    if (kind_of(frame) == FLOOD_ACK)
        assert_int_not_equal(numbers[1], last[1]);
    memcpy(last, numbers, sizeof numbers);
}

static void numbers_are_new_in_each_frame(void **state)
{
    for (enum flood_kind kind = 0; kind < FLOOD_MIXED; kind++) {
        struct flood_conf conf = conf_of(kind, true);
        struct flood f = flood_of(&conf);
        uint32_t last[2] = {0};

        each(&f, &conf, 100, see_numbers, last);
    }
}

static void see_nothing(const struct frame *frame, void *with) {}

static void the_destination_is_no_source(void **state)
{
    struct flood_conf conf = conf_of(FLOOD_SYN, true);
    struct flood f;

    conf.source = th_ip("198.18.0.8");
    conf.source_bits = 30;
    f = flood_of(&conf);
    each(&f, &conf, 1000, see_nothing, NULL); /* open_frame looks */
}

static void a_prefix_of_one_address_has_one_source(void **state)
{
    struct flood_conf conf = conf_of(FLOOD_ICMP, true);
    struct flood f;

    conf.source = th_ip("198.18.0.2");
    conf.source_bits = 32;
    f = flood_of(&conf);
    each(&f, &conf, 100, see_nothing, NULL);
}

/* ---- the same again ---- */

static size_t record(const struct flood_conf *conf, uint8_t *out, uint32_t n)
{
    struct flood f = flood_of(conf);
    struct rte_mbuf *burst[BURST];
    size_t len = 0;

    assert_int_equal(flood_fill(&f, pool, burst, n), n);
    for (uint32_t i = 0; i < n; i++) {
        len += th_mbuf_bytes(burst[i], out + len, FLOOD_FRAME_MAX);
        rte_pktmbuf_free(burst[i]);
    }
    return len;
}

static void a_seed_says_all(void **state)
{
    static uint8_t once[BURST * FLOOD_FRAME_MAX], again[BURST * FLOOD_FRAME_MAX], other[BURST * FLOOD_FRAME_MAX];

    for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++) {
        struct flood_conf conf = conf_of(kind, true);
        size_t len = record(&conf, once, BURST);

        assert_int_equal(record(&conf, again, BURST), len);
        assert_memory_equal(once, again, len);
        conf.seed++;
        record(&conf, other, BURST);
        assert_memory_not_equal(once, other, len);
    }
}

static void a_dry_pool_gives_fewer_and_loses_none(void **state)
{
    static uint8_t whole[BURST * FLOOD_FRAME_MAX], pieces[BURST * FLOOD_FRAME_MAX];
    struct flood_conf conf = conf_of(FLOOD_MIXED, true);
    struct flood f = flood_of(&conf);
    struct rte_mbuf *burst[BURST], *rest[BURST], *held[BURST];
    size_t len = record(&conf, whole, BURST), at = 0;
    uint32_t got;

    assert_int_equal(rte_pktmbuf_alloc_bulk(pool, held, 24), 0);
    got = flood_fill(&f, pool, burst, BURST);
    assert_int_equal(got, BURST - 24);
    assert_int_equal(flood_fill(&f, pool, rest, 8), 0);
    rte_pktmbuf_free_bulk(held, 24);
    assert_int_equal(flood_fill(&f, pool, burst + got, 24), 24);
    for (uint32_t i = 0; i < BURST; i++) {
        at += th_mbuf_bytes(burst[i], pieces + at, FLOOD_FRAME_MAX);
        rte_pktmbuf_free(burst[i]);
    }
    assert_int_equal(at, len);
    assert_memory_equal(whole, pieces, len);
}

/* ---- proportions ---- */

static void see_kind(const struct frame *frame, void *with) { ((uint32_t *)with)[kind_of(frame)]++; }

static void a_mixed_flood_keeps_its_proportions(void **state)
{
    static const struct {
        uint32_t parts[FLOOD_MIXED], n, seen[FLOOD_MIXED];
    } cases[] = {
        {{0, 0, 0}, 100, {70, 20, 10}}, {{1, 1, 1}, 99, {33, 33, 33}},          {{1, 0, 3}, 400, {100, 0, 300}},
        {{0, 1, 0}, 50, {0, 50, 0}},    {{1000, 999, 1}, 2000, {1000, 999, 1}},
    };

    for (unsigned i = 0; i < SL_ARRAY_LEN(cases); i++) {
        struct flood_conf conf = conf_of(FLOOD_MIXED, true);
        uint32_t seen[FLOOD_MIXED] = {0};
        struct flood f;

        memcpy(conf.parts, cases[i].parts, sizeof conf.parts);
        f = flood_of(&conf);
        each(&f, &conf, cases[i].n, see_kind, seen);
        assert_memory_equal(seen, cases[i].seen, sizeof seen);
    }
}

static void kinds_of_a_mixed_flood_alternate(void **state)
{
    struct flood_conf conf = conf_of(FLOOD_MIXED, true);
    struct flood f = flood_of(&conf);

    for (unsigned i = 0; i < 5; i++) {
        uint32_t seen[FLOOD_MIXED] = {0};

        each(&f, &conf, 10, see_kind, seen);
        assert_int_equal(seen[FLOOD_SYN], 7);
        assert_int_equal(seen[FLOOD_ACK], 2);
        assert_int_equal(seen[FLOOD_ICMP], 1);
    }
}

/* ---- names and refusals ---- */

static void kinds_have_names(void **state)
{
    for (enum flood_kind kind = 0; kind < FLOOD_KINDS; kind++) {
        assert_int_equal(flood_kind_of(flood_names[kind].name), kind);
        assert_true(strlen(flood_names[kind].help) > 0);
    }
    assert_int_equal(flood_kind_of("udp"), FLOOD_KINDS);
}

static void refused(const struct flood_conf *conf, const char *why)
{
    struct sl_err err = {0};
    struct flood f;

    assert_int_equal(flood_init(&f, conf, &err), -EINVAL);
    assert_non_null(strstr(err.text, why));
}

static void what_makes_no_flood_is_refused(void **state)
{
    struct flood_conf good = conf_of(FLOOD_MIXED, true), bad;

    bad = good, bad.kind = FLOOD_KINDS, refused(&bad, "no such flood");
    bad = good, bad.source = th_ip("2001:db8::"), refused(&bad, "of one family");
    bad = good, bad.source_bits = 33, refused(&bad, "at most 32 bits");
    bad = good, bad.source = bad.to.ip, bad.source_bits = 32, refused(&bad, "only source");
    bad = good, bad.to.port = 0, refused(&bad, "needs a port");
    bad = good, bad.frame_bytes = 59, refused(&bad, "60 to 1514 bytes");
    bad = good, bad.frame_bytes = 1515, refused(&bad, "60 to 1514 bytes");
    bad = good, bad.parts[FLOOD_ACK] = 1001, refused(&bad, "at most 1000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_each_kind_are_valid_ipv4),
        cmocka_unit_test(frames_of_each_kind_are_valid_ipv6),
        cmocka_unit_test(longer_frames_carry_payload),
        cmocka_unit_test(sources_are_spread_over_the_prefix),
        cmocka_unit_test(numbers_are_new_in_each_frame),
        cmocka_unit_test(the_destination_is_no_source),
        cmocka_unit_test(a_prefix_of_one_address_has_one_source),
        cmocka_unit_test(a_seed_says_all),
        cmocka_unit_test(a_dry_pool_gives_fewer_and_loses_none),
        cmocka_unit_test(a_mixed_flood_keeps_its_proportions),
        cmocka_unit_test(kinds_of_a_mixed_flood_alternate),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(what_makes_no_flood_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, th_leak_teardown);
}
