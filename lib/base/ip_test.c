/* Addresses: text forms and prefixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static struct sl_ip ip_of(const char *text)
{
    struct sl_ip ip;

    assert_true(sl_ip_parse(text, &ip));
    return ip;
}

static void addresses_survive_parsing_and_formatting(void **state)
{
    static const char *const texts[] = {
        "198.18.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1234:5678:9abc:def0"};
    char out[SL_IP_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
        struct sl_ip ip = ip_of(texts[i]);

        assert_string_equal(sl_ip_format(&ip, out), texts[i]);
        assert_int_equal(sl_ip_is4(&ip), strchr(texts[i], '.') != NULL);
    }
}

static void text_that_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "2001:db8::g", "::ffff:198.18.0.1", "[::1]", "host", "1:2"};
    struct sl_ip ip;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++)
        assert_false(sl_ip_parse(texts[i], &ip));
}

static void endpoints_survive_parsing_and_formatting(void **state)
{
    static const char *const texts[] = {"198.18.0.1:443", "[2001:db8::1]:65535", "0.0.0.0:1", "[::]:80"};
    char out[SL_ENDPOINT_TEXT_MAX];
    struct sl_endpoint ep;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++) {
        assert_true(sl_endpoint_parse(texts[i], &ep));
        assert_string_equal(sl_endpoint_format(&ep, out), texts[i]);
    }
}

static void text_that_is_no_endpoint_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "198.18.0.1",
        "198.18.0.1:",
        "198.18.0.1:0",
        "198.18.0.1:65536",
        "198.18.0.1:4294967297",
        "198.18.0.1:80x",
        "198.18.0.1:+80",
        ":80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "::1:80",
        "[198.18.0.1]:80",
        "[]:80",
        "198.18.0.1:080",
        "a.b.c.d:1",
        "198.18.0.1: 1",
        "[::1] :80",
        "2001:db8::1:80",
    };
    struct sl_endpoint ep;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++)
        assert_false(sl_endpoint_parse(texts[i], &ep));
}

static void the_longest_endpoint_fits_its_text(void **state)
{
    struct sl_endpoint ep = {.port = 65535};
    char out[SL_ENDPOINT_TEXT_MAX];

    (void)state;
    memset(ep.ip.b, 0xff, sizeof ep.ip.b);
    assert_string_equal(sl_endpoint_format(&ep, out), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void prefixes_compare_every_bit_and_only_these(void **state)
{
    static const struct {
        const char *ip, *net;
        unsigned bits;
        bool in;
    } rows[] = {
        {"198.18.0.77", "198.18.0.0", 24, true},
        {"198.18.1.77", "198.18.0.0", 24, false},
        {"198.18.1.77", "198.18.0.0", 23, true},
        {"1.2.3.4", "0.0.0.0", 0, true},
        {"1.2.3.4", "1.2.3.4", 32, true},
        {"1.2.3.5", "1.2.3.4", 32, false},
        {"1.2.3.5", "1.2.3.4", 31, true},
        {"1.2.3.4", "1.2.3.4", 33, false},
        {"2001:db8::1", "::", 0, true},
        {"2001:db8:0:1::1", "2001:db8::", 64, false},
        {"2001:db8::ffff", "2001:db8::", 64, true},
        {"::1", "::1", 128, true},
        {"::2", "::1", 128, false},
        {"::2", "::3", 127, true},
        {"::1", "::1", 129, false},
        {"1.2.3.4", "::", 0, false},
        {"::1", "0.0.0.0", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        struct sl_ip ip = ip_of(rows[i].ip), net = ip_of(rows[i].net);

        assert_int_equal(sl_ip_in_prefix(&ip, &net, rows[i].bits), rows[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_survive_parsing_and_formatting),
        cmocka_unit_test(text_that_is_no_address_is_refused),
        cmocka_unit_test(endpoints_survive_parsing_and_formatting),
        cmocka_unit_test(text_that_is_no_endpoint_is_refused),
        cmocka_unit_test(the_longest_endpoint_fits_its_text),
        cmocka_unit_test(prefixes_compare_every_bit_and_only_these),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
