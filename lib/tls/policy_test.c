/* Settings of a listener: what policies say, and what a configuration overrides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tls/policy.h"

#define ASSERT_LIST(list, n, ...)                                                                                      \
    do {                                                                                                               \
        static const uint16_t want[] = {__VA_ARGS__};                                                                  \
        assert_int_equal(n, SL_ARRAY_LEN(want));                                                                       \
        assert_memory_equal(list, want, sizeof want);                                                                  \
        assert_int_equal((list)[n], 0);                                                                                \
    } while (0)

static void intermediate_is_both_versions_in_the_servers_order(void **state)
{
    const struct sl_conf_tls conf = {.policy = SL_POLICY_INTERMEDIATE, .tickets = SL_ON};
    struct sl_tls_settings s;

    sl_tls_settings_resolve(&s, &conf);
    assert_string_equal(s.policy->name, "intermediate");
    assert_ptr_equal(s.conf, &conf);
    assert_int_equal(s.version_min, SL_TLS_V12);
    assert_int_equal(s.version_max, SL_TLS_V13);
    ASSERT_LIST(s.suites, s.n_suites, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc030, 0xcca8);
    ASSERT_LIST(s.groups, s.n_groups, 0x1d, 0x17, 0x18);
    ASSERT_LIST(s.sig_algs, s.n_sig_algs, 0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601);
}

static void modern_is_tls13_alone(void **state)
{
    const struct sl_conf_tls conf = {.policy = SL_POLICY_MODERN};
    struct sl_tls_settings s;

    sl_tls_settings_resolve(&s, &conf);
    assert_int_equal(s.version_min, SL_TLS_V13);
    assert_int_equal(s.version_max, SL_TLS_V13);
    ASSERT_LIST(s.suites, s.n_suites, 0x1301, 0x1302, 0x1303);
    assert_false(s.tickets);
}

static void what_is_given_takes_the_policys_place(void **state)
{
    enum sl_conf_tls_version versions[] = {SL_TLS_1_2};
    enum sl_conf_cipher suites[] = {SL_CIPHER_CHACHA20_POLY1305, SL_CIPHER_AES_256_GCM};
    enum sl_conf_group groups[] = {SL_GROUP_P384, SL_GROUP_X25519};
    const struct sl_conf_tls conf = {.policy = SL_POLICY_INTERMEDIATE,
                                     .versions = versions,
                                     .n_versions = 1,
                                     .suites = suites,
                                     .n_suites = 2,
                                     .groups = groups,
                                     .n_groups = 2,
                                     .unknown_sni = SL_UNKNOWN_SNI_REFUSE,
                                     .clients = SL_CLIENTS_REQUIRED,
                                     .tickets = SL_ON,
                                     .ticket_lifetime_ns.v = 7200 * SL_NS_PER_S};
    struct sl_tls_settings s;

    sl_tls_settings_resolve(&s, &conf);
    assert_int_equal(s.version_min, SL_TLS_V12);
    assert_int_equal(s.version_max, SL_TLS_V12);
    ASSERT_LIST(s.suites, s.n_suites, 0xcca9, 0xc02c, 0xcca8, 0xc030);
    ASSERT_LIST(s.groups, s.n_groups, 0x18, 0x1d);
    assert_int_equal(s.unknown_sni, SL_UNKNOWN_SNI_REFUSE);
    assert_int_equal(s.clients, SL_CLIENTS_REQUIRED);
    assert_true(s.tickets);
    assert_int_equal(s.ticket_lifetime_s, 7200);
}

static void versions_may_come_in_any_order(void **state)
{
    enum sl_conf_tls_version versions[] = {SL_TLS_1_3, SL_TLS_1_2};
    const struct sl_conf_tls conf = {.policy = SL_POLICY_INTERMEDIATE, .versions = versions, .n_versions = 2};
    struct sl_tls_settings s;

    sl_tls_settings_resolve(&s, &conf);
    assert_int_equal(s.version_min, SL_TLS_V12);
    assert_int_equal(s.version_max, SL_TLS_V13);
}

static void a_listener_has_the_settings_that_it_names(void **state)
{
    struct sl_conf_tls all[] = {{.policy = SL_POLICY_INTERMEDIATE}, {.policy = SL_POLICY_MODERN}};
    struct sl_conf_listener listeners[] = {{.tls.index = 1}, {.tls.index = 0}};
    struct sl_conf conf = {.listeners = listeners, .n_listeners = 2, .tls = all, .n_tls = 2};
    struct sl_tls_settings s;

    sl_tls_settings_of(&s, &conf, 0);
    assert_ptr_equal(s.conf, &all[1]);
    sl_tls_settings_of(&s, &conf, 1);
    assert_ptr_equal(s.conf, &all[0]);
    conf.n_tls = 0;
    sl_tls_settings_of(&s, &conf, 1);
    assert_null(s.conf);
    assert_string_equal(s.policy->name, "intermediate");
    assert_true(s.tickets);
    assert_int_equal(s.ticket_lifetime_s, 86400);
}

static void chacha_first_changes_nothing_else(void **state)
{
    struct sl_tls_settings s;
    uint16_t one[] = {0x1301};

    sl_tls_settings_resolve(&s, NULL);
    ASSERT_LIST(s.suites_chacha, s.n_suites, 0x1303, 0xcca9, 0xcca8, 0x1301, 0x1302, 0xc02b, 0xc02c, 0xc02f, 0xc030);
    sl_tls_chacha_first(one, 1, s.suites);
    assert_int_equal(s.suites[0], 0x1301);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intermediate_is_both_versions_in_the_servers_order),
        cmocka_unit_test(modern_is_tls13_alone),
        cmocka_unit_test(what_is_given_takes_the_policys_place),
        cmocka_unit_test(versions_may_come_in_any_order),
        cmocka_unit_test(a_listener_has_the_settings_that_it_names),
        cmocka_unit_test(chacha_first_changes_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
