/* What a site makes of its listener's settings: names that are refused, what tickets are bound to, keys of tickets. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/site.h"

static const char *const names[] = {"www.example.com", "*.example.org", NULL};
static const struct th_cert_opts cert = {.key = TH_KEY_P256, .subject = "CN=www", .names = names};

struct sites {
    struct th_rig rig;
    struct sl_conf_tls tls[2];
    struct sl_tls_site *site; /* of the second settings */
};

static void start(struct sites *s, struct sl_conf_tls second)
{
    struct sl_err err;

    th_rig_start(&s->rig, &(struct th_rig_opts){.certs = {&cert}});
    s->tls[0] = (struct sl_conf_tls){.policy = SL_POLICY_MODERN, .tickets = SL_ON};
    s->tls[1] = second;
    s->rig.conf.tls = s->tls;
    s->rig.conf.n_tls = 2;
    s->rig.listener.tls.index = 1;
    s->site = sl_tls_site_create(s->rig.tls, &s->rig.conf, 0, &err);
    assert_non_null(s->site);
}

static void stop(struct sites *s)
{
    sl_tls_site_release(s->site);
    th_rig_stop(&s->rig);
}

static void unknown_names_are_refused_where_the_settings_say_so(void **state)
{
    struct sites s;

    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE, .unknown_sni = SL_UNKNOWN_SNI_REFUSE});
    assert_false(sl_site_refuses(s.site, "www.example.com"));
    assert_false(sl_site_refuses(s.site, "WWW.Example.com"));
    assert_false(sl_site_refuses(s.site, "a.example.org"));
    assert_false(sl_site_refuses(s.site, ""));
    assert_true(sl_site_refuses(s.site, "other.example.com"));
    assert_true(sl_site_refuses(s.site, "*.example.org"));
    assert_true(sl_site_refuses(s.site, "a.b.example.org"));
    assert_true(sl_site_refuses(s.site, "not a name"));
    stop(&s);
}

static void unknown_names_get_the_default_otherwise(void **state)
{
    struct sites s;

    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE});
    assert_false(sl_site_refuses(s.site, "other.example.com"));
    assert_false(sl_site_refuses(s.site, "not a name"));
    stop(&s);
}

static void tickets_are_bound_to_the_name_however_it_is_spelt(void **state)
{
    uint8_t a[SL_TICKET_BINDING_BYTES], b[SL_TICKET_BINDING_BYTES], c[SL_TICKET_BINDING_BYTES];
    struct sites s;

    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE});
    sl_site_ticket_binding(s.site, "www.example.com", a);
    sl_site_ticket_binding(s.site, "WWW.example.COM", b);
    sl_site_ticket_binding(s.site, "", c);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    stop(&s);
    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_MODERN});
    sl_site_ticket_binding(s.site, "www.example.com", c);
    assert_memory_not_equal(a, c, sizeof a);
    stop(&s);
}

static void keys_of_tickets_reach_the_sites_of_their_settings(void **state)
{
    struct sl_ticket_set sets[2];
    struct sl_conf other = {0};
    struct sites s;

    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE, .tickets = SL_ON});
    sl_ticket_set_make(&sets[0]);
    sl_ticket_set_make(&sets[1]);
    assert_false(sl_tickets_ready(s.site->tickets));
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &other, sets, 2), 0);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, sets, 1), 0);
    assert_false(sl_tickets_ready(s.site->tickets));
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, sets, 2), 0);
    assert_true(sl_tickets_ready(s.site->tickets));
    stop(&s);
}

static void sites_without_tickets_take_no_keys(void **state)
{
    struct sl_ticket_set sets[2];
    struct sites s;

    start(&s, (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE, .tickets = SL_OFF});
    sl_ticket_set_make(&sets[0]);
    sl_ticket_set_make(&sets[1]);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, sets, 2), 0);
    assert_false(sl_tickets_ready(s.site->tickets));
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_names_are_refused_where_the_settings_say_so),
        cmocka_unit_test(unknown_names_get_the_default_otherwise),
        cmocka_unit_test(tickets_are_bound_to_the_name_however_it_is_spelt),
        cmocka_unit_test(keys_of_tickets_reach_the_sites_of_their_settings),
        cmocka_unit_test(sites_without_tickets_take_no_keys),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
