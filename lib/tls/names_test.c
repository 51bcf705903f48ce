/* Host names to certificates. */
#include "tls/names.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void add(struct sl_names *n, const char *text, uint32_t index, uint32_t rank)
{
    assert_true(sl_names_add(n, text, strlen(text), index, rank));
}

/* The certificates found, as digits. */
static const char *find(const struct sl_names *names, const char *host)
{
    static char out[16];
    uint32_t n = 0;
    const struct sl_name *found = sl_names_find(names, host, &n);

    assert_true(n < sizeof out);
    for (uint32_t i = 0; i < SL_MIN(n, sizeof out - 1); i++)
        out[i] = (char)('0' + found[i].index);
    out[SL_MIN(n, sizeof out - 1)] = 0;
    return out;
}

static void exact_goes_before_wildcard(void **state)
{
    struct sl_names n = {0};

    add(&n, "*.example.com", 1, 0);
    add(&n, "www.example.com", 2, 0);
    add(&n, "example.com", 3, 0);
    sl_names_sort(&n);
    assert_string_equal(find(&n, "www.example.com"), "2");
    assert_string_equal(find(&n, "api.example.com"), "1");
    assert_string_equal(find(&n, "example.com"), "3");
    sl_names_free(&n);
}

static void a_wildcard_stands_for_one_label(void **state)
{
    struct sl_names n = {0};

    add(&n, "*.example.com", 1, 0);
    sl_names_sort(&n);
    assert_string_equal(find(&n, "a.example.com"), "1");
    assert_string_equal(find(&n, "a.b.example.com"), "");
    assert_string_equal(find(&n, "example.com"), "");
    assert_string_equal(find(&n, ".example.com"), "");
    assert_string_equal(find(&n, "com"), "");
    assert_string_equal(find(&n, ""), "");
    sl_names_free(&n);
}

static void one_name_lists_the_preferred_first(void **state)
{
    struct sl_names n = {0};

    add(&n, "a.example", 5, 1);
    add(&n, "a.example", 7, 0);
    add(&n, "b.example", 6, 0);
    add(&n, "a.example", 4, 1);
    add(&n, "a.example", 8, 0);
    sl_names_sort(&n);
    assert_string_equal(find(&n, "a.example"), "7845");
    assert_string_equal(find(&n, "b.example"), "6");
    sl_names_free(&n);
}

static void case_and_final_dot_do_not_matter(void **state)
{
    struct sl_names n = {0};
    char out[256];

    add(&n, "WWW.Example.COM.", 1, 0);
    sl_names_sort(&n);
    assert_true(sl_name_normalize("www.EXAMPLE.com", 15, out, sizeof out));
    assert_string_equal(find(&n, out), "1");
    sl_names_free(&n);
}

static void names_that_no_host_has(void **state)
{
    static const char *const bad[] = {"", ".", "a b", "a/b", "\xc3\xa4.example", "a*.example", "*", "*.", "a\n"};
    char out[256], longest[255];
    struct sl_names n = {0};

    for (size_t i = 0; i < SL_ARRAY_LEN(bad); i++) {
        assert_false(sl_name_normalize(bad[i], strlen(bad[i]), out, sizeof out));
        assert_string_equal(out, "");
        add(&n, bad[i], 1, 0);
    }
    assert_int_equal(n.n, 0);
    memset(longest, 'a', sizeof longest);
    assert_true(sl_name_normalize(longest, 253, out, sizeof out));
    assert_false(sl_name_normalize(longest, 254, out, sizeof out));
    assert_false(sl_name_normalize("a\0b", 3, out, sizeof out));
    sl_names_sort(&n);
    assert_string_equal(find(&n, "a"), "");
    sl_names_free(&n);
}

static void longest_host_under_a_wildcard(void **state)
{
    struct sl_names n = {0};
    char host[254];

    memset(host, 'a', 253);
    host[253] = 0;
    host[0] = 'x';
    host[1] = '.';
    add(&n, "*.example", 1, 0);
    sl_names_sort(&n);
    assert_string_equal(find(&n, host), "");
    sl_names_free(&n);
}

static void ten_thousand_names(void **state)
{
    struct sl_names n = {0};
    char text[32];

    for (uint32_t i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "host%u.example.com", i * 7919 % 10000);
        add(&n, text, i * 7919 % 10000, 0);
    }
    sl_names_sort(&n);
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t count;
        const struct sl_name *found;

        snprintf(text, sizeof text, "host%u.example.com", i);
        found = sl_names_find(&n, text, &count);
        assert_non_null(found);
        assert_int_equal(count, 1);
        assert_int_equal(found->index, i);
    }
    sl_names_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_goes_before_wildcard),
        cmocka_unit_test(a_wildcard_stands_for_one_label),
        cmocka_unit_test(one_name_lists_the_preferred_first),
        cmocka_unit_test(case_and_final_dot_do_not_matter),
        cmocka_unit_test(names_that_no_host_has),
        cmocka_unit_test(longest_host_under_a_wildcard),
        cmocka_unit_test(ten_thousand_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
