/* The seeds of the fuzzers of tcp: whether those of tcp_fuzz reach every drop reason and every state that input can bring
 * about, and whether all are as tcp_seeds.c makes them (`--write DIR` writes them, DIR being the corpus folder). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "tcp/conn.h"
#include "tcp_fuzz.h"
#include "tcp_seeds.h"

static const char *dir;

/* Reasons of the room that no input of the fuzzer's reaches, and why. */
static const struct {
    enum sl_drop drop;
    const char *why;
} unreachable[] = {
    {SL_DROP_COUNT, "none"},
};

static int write_seeds(void)
{
    for (uint32_t k = 0; k < tcp_seeds_n; k++) {
        struct seed s = {.len = 0};

        tcp_seeds[k].make(&s);
        if (!corpus_write(dir, tcp_seeds[k].name, s.bytes, s.len))
            return 1;
    }
    return 0;
}

/* ---- tests ---- */

static void seeds_are_as_they_are_made(void **state)
{
    for (uint32_t k = 0; k < tcp_seeds_n; k++) {
        struct seed s = {.len = 0};
        uint8_t bytes[SEED_MAX];
        size_t n = corpus_read(dir, tcp_seeds[k].name, bytes, sizeof bytes);

        tcp_seeds[k].make(&s);
        assert_int_equal(n, s.len);
        assert_memory_equal(bytes, s.bytes, n);
    }
}

static const char *why_not(int drop)
{
    for (size_t k = 0; k < SL_ARRAY_LEN(unreachable); k++)
        if (unreachable[k].drop == (enum sl_drop)drop)
            return unreachable[k].why;
    return NULL;
}

/* In copies of their very size, so that a sanitizer sees a byte read too far. */
static void run_all(void)
{
    for (uint32_t k = 0; k < tcp_seeds_n; k++) {
        struct seed s = {.len = 0};
        uint8_t *exact;

        tcp_seeds[k].make(&s);
        exact = malloc(s.len);
        assert_non_null(exact);
        memcpy(exact, s.bytes, s.len);
        tcp_seeds[k].run(exact, s.len);
        free(exact);
    }
}

static void seeds_reach_every_drop_reason_of_tcp(void **state)
{
    int missing = 0;

    for (int k = SL_DROP_TCP_BAD_HEADER; k <= SL_DROP_TCP_ICMP_IGNORED; k++) { /* the room's block of drops.def */
        bool reached = tcp_fuzz_drops[k] > 0;

        if (reached == !why_not(k))
            continue;
        missing++;
        print_error("%s is %s\n", sl_drop_info[k].name, reached ? "reached, but listed as unreachable" : "not reached");
    }
    assert_int_equal(missing, 0);
    assert_true(tcp_fuzz_drops[SL_DROP_NO_MBUF] > 0);
}

static void seeds_visit_every_state(void **state)
{
    for (uint32_t k = 0; k < ST_COUNT; k++) {
        if (!(tcp_fuzz_states & 1u << k))
            print_error("state %u is not visited\n", k);
    }
    assert_int_equal(tcp_fuzz_states, (1u << ST_COUNT) - 1);
}

static int setup(void **state)
{
    run_all();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_as_they_are_made),
        cmocka_unit_test(seeds_reach_every_drop_reason_of_tcp),
        cmocka_unit_test(seeds_visit_every_state),
    };

    dir = argv[argc - 1];
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_seeds();
    return cmocka_run_group_tests(tests, setup, NULL);
}
