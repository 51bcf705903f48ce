/* The seeds of the fuzzer of net: whether they reach every drop reason that input can bring about. Most of them, made-*, are written by this program (`--write DIR`) from
 * the tables below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "net_fuzz.h"

#define SEED_MAX 8192

static const char *dir;

/* Reasons of the room that no input of the fuzzer's reaches, and why. */
static const struct {
    enum sl_drop drop;
    const char *why;
} unreachable[] = {
    {SL_DROP_NEIGHBOUR_TABLE, "4096 gateways would have to be configured"},
    {SL_DROP_TX_FULL, "the transmit queue is emptied after each step; emit_test.c fills it"},
    {SL_DROP_NO_HEADROOM, "a mistake of who calls sl_net_emit; emit_test.c makes it"},
};

/* ---- writing seeds ---- */

struct seed {
    const char *name;
    uint8_t bytes[SEED_MAX];
    size_t len;
};

static void add(struct seed *s, uint8_t flags, struct build b)
{
    s->bytes[s->len++] = FUZZ_BUILD | flags;
    s->len += build_write(&b, s->bytes + s->len);
    assert(s->len < SEED_MAX - 512);
}

static void add_byte(struct seed *s, uint8_t flags, uint8_t byte)
{
    s->bytes[s->len++] = flags;
    s->bytes[s->len++] = byte;
}

/* A packet to us from the peer, and what is different about it. */
#define B(...) ((struct build){__VA_ARGS__})
#define LIE(...) .n_lies = (uint8_t)SL_ARRAY_LEN(((struct build_lie[]){__VA_ARGS__})), .lies = {__VA_ARGS__}
#define PIECES(...) .n_pieces = (uint8_t)SL_ARRAY_LEN(((struct build_piece[]){__VA_ARGS__})), .pieces = {__VA_ARGS__}
#define EXTRA(kind, bytes) .first = (kind), .n_extra = sizeof(bytes) - 1, .extra = bytes
#define PIECE(offset, length, is_more)                                                                                 \
    {                                                                                                                  \
        .id = 1, .off = (offset), .len = (length), .more = (is_more)                                                   \
    }
#define NONE_MARKED(offset, length, is_more) PIECE(offset, length, is_more)
#define MARKED(offset, length, is_more)                                                                                \
    {                                                                                                                  \
        .id = 1, .off = (offset), .len = (length), .more = (is_more), .ecn = 3                                         \
    }

static void make_eth(struct seed *s)
{
    add(s, 0, B(.trim = 44));
    add(s, 0, B(.eth = BUILD_TO_OTHER));
    add(s, 0, B(.eth = BUILD_FROM_GROUP));
    add(s, FUZZ_BACK, B(.eth = BUILD_WRONG_TAG));
    add(s, 0, B(.eth = BUILD_WRONG_TYPE));
    add(s, FUZZ_IP6, B(.eth = BUILD_TO_ALL));
}

static void make_arp(struct seed *s)
{
    add(s, 0, B(.what = BUILD_ARP_REQUEST, .trim = 10));
    add(s, 0, B(.what = BUILD_ARP_REQUEST, LIE({14, 1})));
    add(s, 0, B(.what = BUILD_ARP_REQUEST, .src = BUILD_GROUP));
    add(s, 0, B(.what = BUILD_ARP_REQUEST, .src = BUILD_US));
    add(s, 0, B(.what = BUILD_ARP_REQUEST, .dst = BUILD_OTHER));
    add(s, 0, B(.what = BUILD_ARP_REQUEST, .src = BUILD_NONE)); /* a probe for our address */
    add(s, 0, B(.what = BUILD_ARP_REPLY));
    for (int k = 0; k < 5; k++)
        add(s, 0, B(.what = BUILD_ARP_REQUEST, .repeat = 255));
}

static void make_ip4(struct seed *s)
{
    add(s, 0, B(.trim = 30));
    add(s, 0, B(LIE({14, 0x10})));
    add(s, 0, B(LIE({16, 0x40})));
    add(s, 0, B(LIE({22, 1})));
    add(s, 0, B(.src = BUILD_GROUP));
    add(s, 0, B(.dst = BUILD_BROADCAST));
    add(s, 0, B(.dst = BUILD_GROUP));
    add(s, 0, B(.dst = BUILD_OTHER));
    add(s, 0, B(EXTRA(0, "\x07\x00\x00\x00")));
    add(s, 0, B(EXTRA(0, "\x83\x07\x04\xc6\x12\x00\x09\x00")));
    add(s, 0, B(.what = BUILD_UDP, .size = 8));
    add(s, 0, B(.what = BUILD_GRE, .size = 8));
    add(s, FUZZ_MEND, B(LIE({17, 8})));
    add(s, 0, B(LIE({38, 1})));
    add(s, 0, B(.repeat = 100));
}

static void make_ip6(struct seed *s)
{
    add(s, FUZZ_IP6, B(.trim = 40));
    add(s, FUZZ_IP6, B(LIE({14, 0x30})));
    add(s, FUZZ_IP6, B(LIE({18, 0x10})));
    add(s, FUZZ_IP6, B(.src = BUILD_GROUP));
    add(s, FUZZ_IP6, B(LIE({22, 0x20}, {23, 1}, {24, 0x0d}, {25, 0xb8}, {27, 1}, {32, 0xff}, {33, 0xff})));
    add(s, FUZZ_IP6, B(.dst = BUILD_OTHER));
    add(s, FUZZ_IP6, B(.dst = BUILD_GROUP));
    add(s, FUZZ_IP6, B(EXTRA(60, "\x06\x20\x01\x04\0\0\0\0")));
    add(s, FUZZ_IP6, B(EXTRA(0, "\x06\x00\x40\x04\0\0\0\0")));
    add(s, FUZZ_IP6, B(EXTRA(43, "\x06\x00\x00\x00\0\0\0\0")));
    add(s, FUZZ_IP6, B(EXTRA(60, "\x3b\x00\x01\x04\0\0\0\0")));
    add(s, FUZZ_IP6, B(EXTRA(44, "\x06\x00\x00\x00\0\0\0\1"))); /* an atomic fragment */
}

static void make_icmp(struct seed *s)
{
    add(s, FUZZ_MEND, B(.what = BUILD_PING, LIE({17, 4})));
    add(s, 0, B(.what = BUILD_PING, LIE({40, 1})));
    add(s, 0, B(.what = BUILD_PING_REPLY));
    add(s, FUZZ_MEND, B(.what = BUILD_TOO_BIG, LIE({14 + 28 + 9, 1})));
    for (uint8_t ip6 = 0; ip6 < 2; ip6++)
        for (int what = BUILD_TOO_BIG; what <= BUILD_TIME_EXCEEDED; what++)
            add(s, ip6 ? FUZZ_IP6 : 0, B(.what = (uint8_t)what, .src = BUILD_GATEWAY, .size = 8));
    add(s, 0, B(.what = BUILD_PING, .repeat = 255));
    add(s, 0, B(.what = BUILD_PING, .size = 3000, PIECES(PIECE(0, 1480, true), PIECE(1480, 1528, false))));
    add_byte(s, FUZZ_TIME | FUZZ_IP6, FUZZ_SILENT);
    add(s, 0, B(.what = BUILD_PING));
}

static void make_nd(struct seed *s)
{
    add(s, FUZZ_IP6, B(.what = BUILD_MLD));
    add(s, FUZZ_IP6, B(.what = BUILD_SOLICIT));
    add(s, FUZZ_IP6, B(.what = BUILD_SOLICIT, LIE({21, 1})));
    add(s, FUZZ_IP6 | FUZZ_MEND, B(.what = BUILD_SOLICIT, LIE({55, 1})));
    add(s, FUZZ_IP6 | FUZZ_MEND, B(.what = BUILD_SOLICIT, LIE({77, 1})));
    add(s, FUZZ_IP6, B(.what = BUILD_SOLICIT, EXTRA(44, "\x3a\x00\x00\x00\0\0\0\1")));
    add(s, FUZZ_IP6, B(.what = BUILD_ROUTER_ADVERT));
    add(s, FUZZ_IP6, B(.what = BUILD_ADVERT, .src = BUILD_OTHER));
    add(s, FUZZ_IP6, B(.what = BUILD_ADVERT, .src = BUILD_US));
}

/* The same for both families. */
static void add_fragments(struct seed *s, uint8_t family)
{
#define F(...) add(s, family, B(.size = 600, __VA_ARGS__)), add_byte(s, FUZZ_TIME, 36)
    F(PIECES(PIECE(400, 220, false), PIECE(200, 200, true), PIECE(0, 200, true)));
    F(PIECES(PIECE(0, 0, true)));
    F(PIECES(PIECE(0, 201, true)));
    F(PIECES(PIECE(0, 64, true), PIECE(8, 200, true)));
    F(PIECES(PIECE(65528, 200, false)));
    F(PIECES(PIECE(0, 200, true), PIECE(0, 200, true), PIECE(192, 200, true), PIECE(400, 220, false)));
    F(PIECES(PIECE(400, 220, false), PIECE(200, 128, false)));
    F(.vary = BUILD_OFFSET, .repeat = 70, PIECES(PIECE(1024, 128, true)));
    F(PIECES(NONE_MARKED(0, 200, true), MARKED(200, 420, false)));
    F(.vary = BUILD_ID, .repeat = 10, PIECES(PIECE(0, 200, true)));
    F(.vary = BUILD_SOURCE, .repeat = 80, PIECES(PIECE(0, 200, true)));
    F(.what = BUILD_UDP, PIECES(PIECE(0, 200, true)));
#undef F
}

static void make_fragments4(struct seed *s) { add_fragments(s, 0); }

static void make_fragments6(struct seed *s)
{
    add_fragments(s, FUZZ_IP6);
    add(s, FUZZ_IP6, B(.size = 600, EXTRA(44, "\x2c\0\0\1\0\0\0\1\x06\0\0\1\0\0\0\1")));
    add(s, FUZZ_IP6, B(.size = 600, .first = 60, .n_extra = 248, .extra = {6, 30}, PIECES(PIECE(0, 128, true))));
    add(s, FUZZ_IP6, B(.what = BUILD_SOLICIT, .size = 600, PIECES(PIECE(0, 136, true))));
}

/* Whichever worker owns the connection, three of four do not. */
static void make_strays(struct seed *s)
{
    for (uint8_t worker = 0; worker < 4; worker++) {
        add_byte(s, FUZZ_TIME | FUZZ_IP6, (uint8_t)(FUZZ_STEERED | worker << 4));
        add(s, worker & 1 ? FUZZ_IP6 : 0,
            B(.size = 600, .vary = BUILD_ID, .repeat = 80, PIECES(PIECE(0, 200, true), PIECE(200, 420, false))));
    }
}

static void make_waiting(struct seed *s)
{
    for (uint8_t ip6 = 0; ip6 < 2; ip6++) {
        for (int k = 0; k < 5; k++)
            add_byte(s, FUZZ_EMIT | (ip6 ? FUZZ_IP6 : 0), 77);
        for (int k = 0; k < 6; k++)
            add_byte(s, FUZZ_TIME, 30);
    }
}

static const struct {
    const char *name;
    void (*make)(struct seed *s);
} seeds[] = {
    {"made-eth", make_eth},
    {"made-arp", make_arp},
    {"made-ip4", make_ip4},
    {"made-ip6", make_ip6},
    {"made-icmp", make_icmp},
    {"made-nd", make_nd},
    {"made-fragments4", make_fragments4},
    {"made-fragments6", make_fragments6},
    {"made-strays", make_strays},
    {"made-waiting", make_waiting},
};

static int write_seeds(void)
{
    for (size_t k = 0; k < SL_ARRAY_LEN(seeds); k++) {
        struct seed s = {.name = seeds[k].name};

        seeds[k].make(&s);
        if (!corpus_write(dir, s.name, s.bytes, s.len))
            return 1;
    }
    return 0;
}

/* ---- tests ---- */

static void made_seeds_are_as_they_are_made(void **state)
{
    (void)state;
    for (size_t k = 0; k < SL_ARRAY_LEN(seeds); k++) {
        struct seed s = {.name = seeds[k].name};
        uint8_t bytes[SEED_MAX];

        seeds[k].make(&s);
        assert_int_equal(corpus_read(dir, s.name, bytes, SEED_MAX), s.len);
        assert_memory_equal(bytes, s.bytes, s.len);
    }
}

static const char *why_not(int drop)
{
    for (size_t k = 0; k < SL_ARRAY_LEN(unreachable); k++)
        if (unreachable[k].drop == (enum sl_drop)drop)
            return unreachable[k].why;
    return NULL;
}

static void seeds_reach_every_drop_reason_of_net(void **state)
{
    static uint8_t bytes[SEED_MAX];
    DIR *d = opendir(dir);
    struct dirent *e;
    int missing = 0;

    (void)state;
    assert_non_null(d);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            LLVMFuzzerTestOneInput(bytes, corpus_read(dir, e->d_name, bytes, SEED_MAX));
    closedir(d);
    for (int k = SL_DROP_ETH_SHORT; k <= SL_DROP_NO_HEADROOM; k++) { /* the room's block of drops.def */
        bool reached = net_fuzz_drops[k] > 0;

        if (reached == !why_not(k))
            continue;
        missing++;
        print_error("%s is %s\n", sl_drop_info[k].name, reached ? "reached, but listed as unreachable" : "not reached");
    }
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_seeds_are_as_they_are_made),
        cmocka_unit_test(seeds_reach_every_drop_reason_of_net),
    };

    dir = argv[argc - 1];
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_seeds();
    return cmocka_run_group_tests(tests, th_eal_setup, NULL);
}
