/* Command lines: what they mean, and what is said of those that mean nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "options.h"

#define ARGS_MAX 600

static struct load_plan plan;
static char line[16384]; /* the plan points into it */
static char *said;       /* on standard error */

/* Words with a blank between them. */
static int parse(const char *words)
{
    static char *argv[ARGS_MAX];
    FILE *console = stderr;
    size_t len = 0;
    int argc = 0, status;

    snprintf(line, sizeof line, "sluice-load %s", words);
    for (char *word = strtok(line, " "); word && argc < ARGS_MAX - 1; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    free(said);
    said = NULL;
    stderr = open_memstream(&said, &len);
    status = options_parse(&plan, argc, argv);
    fclose(stderr);
    stderr = console;
    return status;
}

static void good(const char *words)
{
    int status = parse(words);

    if (status != -1 || said[0])
        fail_msg("\"%s\": %d, %s", words, status, said);
}

static void check_flow(const struct load_flow *f, const struct load_flow *expected)
{
    assert_int_equal(f->mode, expected->mode);
    assert_int_equal(f->connections, expected->connections);
    assert_int_equal(f->requests, expected->requests);
    assert_true(f->rate == expected->rate);
    assert_int_equal(f->get_bytes, expected->get_bytes);
    assert_int_equal(f->put_bytes, expected->put_bytes);
}

static void defaults_are_those_of_the_mode(void **state)
{
    static const struct {
        const char *words;
        struct load_flow flow;
    } cases[] = {
        {"handshake", {LOAD_HANDSHAKE, 64, 1, 0, 1024, 0}}, {"resume", {LOAD_RESUME, 64, 1, 0, 1024, 0}},
        {"request", {LOAD_REQUEST, 64, 0, 0, 1024, 0}},     {"download", {LOAD_DOWNLOAD, 16, 0, 0, 1 << 20, 0}},
        {"upload", {LOAD_UPLOAD, 16, 0, 0, 0, 1 << 20}},    {"hold", {LOAD_HOLD, 100000, 0, 0, 1024, 0}},
    };
    char words[128];

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        snprintf(words, sizeof words, "-c f.yaml %s --to 198.18.0.1:443", cases[i].words);
        good(words);
        check_flow(&plan.flows[0], &cases[i].flow);
        assert_int_equal(plan.n_flows, 1);
        assert_string_equal(plan.mode, cases[i].words);
    }
    assert_string_equal(plan.conf_path, "f.yaml");
    assert_string_equal(plan.name, "site.test");
    assert_true(plan.duration_ns == 10 * SL_NS_PER_S && plan.warmup_ns == SL_NS_PER_S);
    assert_true(!plan.ca_path && plan.check == 0 && plan.share_uses == 1 && plan.n_origins == 0);
    assert_false(plan.plain || plan.foreign || plan.json || plan.flood);
}

static void every_option_reaches_the_plan(void **state)
{
    const struct load_flow flow = {LOAD_REQUEST, 4194304, 1000000000, 2.5, 3 << 20, UINT64_C(1) << 40};
    char text[SL_ENDPOINT_TEXT_MAX];

    (void)state;
    good("request --config f --to 198.18.0.1:443 --to [2001:db8::1]:8443 --origin 198.18.0.2:80 --connections 4194304 "
         "--rate 2.5 --requests 1000000000 --get 3M --put 1024G --seconds 0.25 --warmup 0 --name a-b.c --ca ca.pem "
         "--check 100 --share-uses 1000 --json");
    check_flow(&plan.flows[0], &flow);
    assert_int_equal(plan.n_targets, 2);
    assert_string_equal(sl_endpoint_format(&plan.targets[0], text), "198.18.0.1:443");
    assert_string_equal(sl_endpoint_format(&plan.targets[1], text), "[2001:db8::1]:8443");
    assert_int_equal(plan.n_origins, 1);
    assert_string_equal(sl_endpoint_format(&plan.origins[0], text), "198.18.0.2:80");
    assert_int_equal(plan.duration_ns, 250000000);
    assert_int_equal(plan.warmup_ns, 0);
    assert_string_equal(plan.name, "a-b.c");
    assert_string_equal(plan.ca_path, "ca.pem");
    assert_true(plan.check == 100 && plan.share_uses == 1000 && plan.json && !plan.plain && !plan.foreign);
    good("-c f download --to 198.18.0.1:80 --plain --foreign --get 64k --rate 1e6");
    assert_true(plan.plain && plan.foreign && !plan.json);
    assert_true(plan.flows[0].get_bytes == 65536 && plan.flows[0].rate == 1e6);
}

static void certificates_are_checked_where_authorities_are_known(void **state)
{
    (void)state;
    good("-c f request --to 198.18.0.1:443 --ca x");
    assert_int_equal(plan.check, 1);
    good("-c f request --to 198.18.0.1:443 --ca x --check 0");
    assert_int_equal(plan.check, 0);
    good("-c f request --to 198.18.0.1:443 --check 0");
    assert_int_equal(plan.check, 0);
}

static void an_origin_alone_needs_no_mode(void **state)
{
    (void)state;
    good("-c f --origin 198.18.0.2:80 --origin 198.18.0.2:81");
    assert_int_equal(plan.n_origins, 2);
    assert_int_equal(plan.n_flows, 0);
    assert_string_equal(plan.mode, "origin");
    assert_true(plan.duration_ns == LOAD_FOREVER_NS && plan.warmup_ns == 0);
    good("-c f --origin 198.18.0.2:80 --seconds 3");
    assert_int_equal(plan.duration_ns, 3 * SL_NS_PER_S);
}

static void a_mixed_run_has_the_flows_that_it_is_told(void **state)
{
    const struct load_flow flows[] = {{LOAD_REQUEST, 10, 7, 1000.5, 2048, 0},
                                      {LOAD_UPLOAD, 16, 0, 0, 5, 1 << 30},
                                      {LOAD_HANDSHAKE, 64, 1, 0, 1024, 0}};

    (void)state;
    for (int with_mode = 0; with_mode < 2; with_mode++) {
        char words[256];

        snprintf(words, sizeof words,
                 "-c f %s --to 198.18.0.1:443 --flow request,get=2K,rate=1000.5,connections=10,requests=7 "
                 "--flow upload,put=1g,get=5 --flow handshake",
                 with_mode ? "mixed" : "");
        good(words);
        assert_string_equal(plan.mode, "mixed");
        assert_int_equal(plan.n_flows, 3);
        for (size_t i = 0; i < SL_ARRAY_LEN(flows); i++)
            check_flow(&plan.flows[i], &flows[i]);
    }
}

static void a_mixed_run_that_is_told_none_has_the_usual_ones(void **state)
{
    static const enum load_mode modes[] = {LOAD_HANDSHAKE, LOAD_RESUME, LOAD_REQUEST, LOAD_DOWNLOAD};

    (void)state;
    good("-c f mixed --to 198.18.0.1:443");
    assert_int_equal(plan.n_flows, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(plan.flows[i].mode, modes[i]);
    good("-c f mixed --to 198.18.0.1:80 --plain");
    assert_int_equal(plan.n_flows, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_not_equal(plan.flows[i].mode, LOAD_RESUME);
}

static void a_flood_has_a_kind_and_a_rate(void **state)
{
    static const char *const kinds[FLOOD_KINDS] = {"syn", "ack", "icmp", "mixed"};
    char words[128];

    (void)state;
    for (int i = 0; i < FLOOD_KINDS; i++) {
        snprintf(words, sizeof words, "-c f flood --to 198.18.0.1:443 --kind %s --rate 1000000000", kinds[i]);
        good(words);
        assert_true(plan.flood && plan.n_flows == 0);
        assert_int_equal(plan.flood_kind, i);
        assert_true(plan.flood_rate == 1e9);
        assert_string_equal(plan.mode, "flood");
    }
    good("-c f flood --to 198.18.0.1:443");
    assert_true(plan.flood_kind == FLOOD_SYN && plan.flood_rate == 0);
}

#define REQUEST "-c f request --to 198.18.0.1:443 "

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *words, *text;
    } cases[] = {
        {"", "there is nothing to do: neither a MODE nor --origin"},
        {"-c f", "there is nothing to do: neither a MODE nor --origin"},
        {"request --to 198.18.0.1:443", "-c FILE is missing"},
        {"-c f --to 198.18.0.1:443", "--to needs a MODE"},
        {"-c f request", "request needs --to ADDR:PORT"},
        {"-c f flood", "flood needs --to ADDR:PORT"},
        {"-c f mixed --origin 198.18.0.2:80", "mixed needs --to ADDR:PORT"},
        {"-c f requst --to 198.18.0.1:443",
         "requst: no such mode; there are handshake, resume, request, download, upload, hold, mixed, flood"},
        {REQUEST "hold", "hold: one MODE is enough, there is request already"},
        {"-c f --origin 198.18.0.2:80 --connections 5", "--connections: it needs a MODE"},
        {"-c f --origin 198.18.0.2:80 --ca x", "--ca: it needs a MODE"},
        {REQUEST "--to 198.18.0.1", "--to 198.18.0.1: it takes an address and a port"},
        {REQUEST "--origin site.test:80", "--origin site.test:80: it takes an address and a port"},
        {REQUEST "--connections 0", "--connections 0: it takes a whole number from 1 to 4194304"},
        {REQUEST "--connections 4194305", "--connections 4194305: it takes a whole number from 1 to 4194304"},
        {REQUEST "--connections 18446744073709551617", "--connections 18446744073709551617: it takes a whole number"},
        {REQUEST "--connections 5x", "--connections 5x: it takes a whole number"},
        {REQUEST "--connections -5", "--connections -5: it takes a whole number"},
        {REQUEST "--rate fast", "--rate fast: it takes a number from 0 to 1e+09"},
        {REQUEST "--rate 1000000001", "--rate 1000000001: it takes a number from 0 to 1e+09"},
        {REQUEST "--rate inf", "--rate inf: it takes a number"},
        {REQUEST "--rate 0x10", "--rate 0x10: it takes a number"},
        {REQUEST "--rate 1.5.2", "--rate 1.5.2: it takes a number"},
        {REQUEST "--rate -1", "--rate -1: it takes a number"},
        {REQUEST "--rate 5e", "--rate 5e: it takes a number"},
        {REQUEST "--requests 1000000001", "--requests 1000000001: it takes a whole number from 0 to 1000000000"},
        {"-c f resume --to 198.18.0.1:443 --requests 0", "--requests 0: it takes a whole number from 1 to 1000000000"},
        {REQUEST "--get 1025G", "--get 1025G: it takes a number of bytes from 0 to 1099511627776"},
        {REQUEST "--get 18014398509481985K", "--get 18014398509481985K: it takes a number of bytes"},
        {REQUEST "--get 5T", "--get 5T: it takes a number of bytes"},
        {REQUEST "--get 5KB", "--get 5KB: it takes a number of bytes"},
        {REQUEST "--put K", "--put K: it takes a number of bytes"},
        {REQUEST "--seconds 0", "--seconds 0: it takes a number from 0.001 to 604800"},
        {REQUEST "--seconds 604801", "--seconds 604801: it takes a number from 0.001 to 604800"},
        {REQUEST "--warmup soon", "--warmup soon: it takes a number from 0 to 604800"},
        {REQUEST "--name a/b", "--name a/b: it takes a host's name"},
        {REQUEST "--share-uses 0", "--share-uses 0: it takes a whole number from 1 to 1000000"},
        {REQUEST "--check x --ca y", "--check x: it takes a whole number"},
        {REQUEST "--check 1", "--check needs --ca FILE"},
        {REQUEST "--kind syn", "--kind: only a flood has one"},
        {REQUEST "--kind rst", "--kind rst: it takes syn, ack, icmp or mixed"},
        {REQUEST "--flow request", "--flow: only a mixed run has several"},
        {REQUEST "--plain --ca x", "--ca: --plain leaves no TLS for it"},
        {REQUEST "--plain --share-uses 2", "--share-uses: --plain leaves no TLS for it"},
        {"-c f resume --to 198.18.0.1:443 --plain", "resume: --plain leaves no TLS for it"},
        {REQUEST "--foreign --origin 198.18.0.2:80", "--origin: --foreign says that the origin is not ours"},
        {"-c f flood --to 198.18.0.1:443 --get 5", "--get: a flood has no connections"},
        {"-c f flood --to 198.18.0.1:443 --flow request", "--flow: a flood has no connections"},
        {"-c f flood --to 198.18.0.1:443 --rate x", "--rate x: it takes a number from 0 to 1e+09"},
        {"-c f mixed --to 198.18.0.1:443 --rate 5", "--rate: in a mixed run it stands in --flow"},
        {"-c f --to 198.18.0.1:443 --flow request --get 5", "--get: in a mixed run it stands in --flow"},
        {"-c f --flow flood", "--flow flood: no such mode; there are handshake, resume, request"},
        {"-c f --flow request,rate", "--flow rate: behind the mode it takes connections=N, rate=R"},
        {"-c f --flow request,", "--flow : behind the mode it takes connections=N, rate=R"},
        {"-c f --flow request,speed=5", "--flow speed=5: behind the mode it takes connections=N, rate=R"},
        {"-c f --flow request,rate=", "--flow rate : it takes a number from 0 to 1e+09"},
        {"-c f --flow request,get=5K,connections=0", "--flow connections 0: it takes a whole number from 1 to 4194304"},
        {"-c f --flow request,get=00000000000000000000000000000005",
         "--flow get=00000000000000000000000000000005: behind"},
        {REQUEST "--speed 5", "unrecognized option '--speed'"},
        {REQUEST "--rate", "option '--rate' requires an argument"},
        {REQUEST "--json=yes", "option '--json' doesn't allow an argument"},
        {REQUEST "-x", "invalid option -- 'x'"},
    };

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        int status = parse(cases[i].words);

        if (status != EXIT_USAGE || !strstr(said, cases[i].text) || !strstr(said, "sluice-load --help"))
            fail_msg("\"%s\": %d, %s", cases[i].words, status, said);
    }
}

/* `first`, then n times `more`: the last of n is one too many. */
static void one_too_many(const char *first, const char *more, int n, const char *text)
{
    static char words[16384];
    size_t len = (size_t)snprintf(words, sizeof words, "%s", first);

    for (int i = 1; i < n; i++)
        len += (size_t)snprintf(words + len, sizeof words - len, " %s", more);
    good(words);
    snprintf(words + len, sizeof words - len, " %s", more);
    assert_int_equal(parse(words), EXIT_USAGE);
    assert_non_null(strstr(said, text));
}

static void lists_are_bounded(void **state)
{
    (void)state;
    one_too_many("-c f request", "--to 198.18.0.1:443", LOAD_TARGETS_MAX + 1, "there are 64 already");
    one_too_many("-c f", "--origin 198.18.0.1:443", LOAD_ORIGINS_MAX + 1, "there are 256 already");
    one_too_many("-c f --to 198.18.0.1:443", "--flow request", LOAD_FLOWS_MAX + 1, "there are 8 already");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    char words[400];

    (void)state;
    snprintf(words, sizeof words, REQUEST "--name %0253d", 0);
    good(words);
    snprintf(words, sizeof words, REQUEST "--name %0254d", 0);
    assert_int_equal(parse(words), EXIT_USAGE);
}

/* Standard output goes into a text meanwhile. */
static void help_has_every_mode(void **state)
{
    FILE *console = stdout;
    char *text = NULL;
    size_t len = 0;
    int status;

    (void)state;
    stdout = open_memstream(&text, &len);
    status = parse("--help");
    fclose(stdout);
    stdout = console;
    assert_int_equal(status, EXIT_GOOD);
    for (int i = 0; i < LOAD_MODES; i++) {
        assert_non_null(strstr(text, load_modes[i].name));
        assert_non_null(strstr(text, load_modes[i].help));
    }
    assert_non_null(strstr(text, "--share-uses N"));
    free(text);
}

static int release(void **state)
{
    (void)state;
    free(said);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_mode),
        cmocka_unit_test(every_option_reaches_the_plan),
        cmocka_unit_test(certificates_are_checked_where_authorities_are_known),
        cmocka_unit_test(an_origin_alone_needs_no_mode),
        cmocka_unit_test(a_mixed_run_has_the_flows_that_it_is_told),
        cmocka_unit_test(a_mixed_run_that_is_told_none_has_the_usual_ones),
        cmocka_unit_test(a_flood_has_a_kind_and_a_rate),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(help_has_every_mode),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
