/* The captures for Pktgen, taken apart by the tests' own reading of the RFCs: capture_test FILE OF-SYNS FILE OF-ACKS FILE OF-PINGS FILE MIXED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "helpers/helpers.h"

#define FRAMES 24576
#define FILE_MAX (4u << 20)

enum { SYNS, ACKS, PINGS, KINDS };

static char **files;
static uint8_t bytes[FILE_MAX];

static uint32_t u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static size_t load(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_in_range(n, 24, sizeof bytes - 1);
    assert_int_equal(u32(bytes), 0xa1b2c3d4); /* microseconds: Pktgen reads no other */
    assert_int_equal(u32(bytes + 20), 1);
    return n;
}

static void check_arp(const struct th_pkt *p)
{
    struct sl_ip gateway = th_ip("198.18.0.1"), to = th_ip("198.18.0.10");

    assert_int_equal(p->kind, TH_ARP);
    assert_int_equal(p->arp.op, 1);
    assert_true(sl_ip_equal(&p->arp.spa, &gateway));
    assert_true(sl_ip_equal(&p->arp.tpa, &to));
    assert_memory_equal(&p->arp.sha, &p->eth_src, 6);
}

static int check_tcp(const struct th_tcp *t)
{
    assert_int_equal(t->dport, 443);
    assert_true(t->sport >= 1024);
    assert_int_equal(t->len, 0);
    assert_int_equal(t->flags, t->flags & TH_SYN ? TH_SYN : TH_ACK);
    if (!(t->flags & TH_SYN))
        return ACKS;
    assert_int_equal(t->mss, 1460);
    assert_int_equal(t->wscale, 7 + 1);
    assert_true(t->sack_ok && t->has_ts);
    return SYNS;
}

static int check_flood(const struct th_pkt *p, uint32_t per_sixteenth[16])
{
    struct sl_ip net = th_ip("198.18.0.0"), to = th_ip("198.18.0.10");

    assert_true(sl_ip_in_prefix(&p->src, &net, 15));
    assert_false(sl_ip_equal(&p->src, &to));
    assert_true(sl_ip_equal(&p->dst, &to));
    per_sixteenth[(p->src.b[13] & 1) << 3 | p->src.b[14] >> 5]++;
    if (p->kind == TH_TCP)
        return check_tcp(&p->tcp);
    assert_int_equal(p->kind, TH_ICMP);
    assert_int_equal(p->icmp.type, 8);
    return PINGS;
}

/* Every frame of the file; how many of each kind there are. */
static void check_file(const char *path, uint32_t seen[KINDS])
{
    size_t n = load(path), at = 24;
    uint32_t frames = 0, per_sixteenth[16] = {0};

    for (; at < n; frames++) {
        uint32_t len = u32(bytes + at + 8);
        struct th_pkt p = {0};

        assert_int_equal(len, u32(bytes + at + 12));
        assert_in_range(len, 60, 74);
        assert_true(at + 16 + len <= n);
        assert_null(th_decode(bytes + at + 16, len, &p));
        if (frames == 0)
            check_arp(&p);
        else
            seen[check_flood(&p, per_sixteenth)]++;
        at += 16 + len;
    }
    assert_int_equal(frames, FRAMES + 1);
    for (unsigned i = 0; i < 16; i++)
        assert_in_range(per_sixteenth[i], FRAMES / 16 - 250, FRAMES / 16 + 250); /* deviation 38 */
}

static void kinds_stand_alone(void **state)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        uint32_t seen[KINDS] = {0};

        check_file(files[kind], seen);
        assert_int_equal(seen[kind], FRAMES);
    }
}

static void the_mixture_is_seven_two_one(void **state)
{
    uint32_t seen[KINDS] = {0};

    check_file(files[KINDS], seen);
    assert_in_range(seen[SYNS], FRAMES * 7 / 10, FRAMES * 7 / 10 + 1);
    assert_in_range(seen[ACKS], FRAMES * 2 / 10, FRAMES * 2 / 10 + 1);
    assert_in_range(seen[PINGS], FRAMES * 1 / 10, FRAMES * 1 / 10 + 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_stand_alone),
        cmocka_unit_test(the_mixture_is_seven_two_one),
    };

    if (argc != KINDS + 2)
        return 2;
    files = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
