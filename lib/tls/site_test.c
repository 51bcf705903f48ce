/* Keys of tickets reach the sites that they are for. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/site.h"

static const char *const names[] = {"www.example.com", NULL};
static const struct th_cert_opts cert = {.key = TH_KEY_P256, .subject = "CN=www", .names = names};

struct sites {
    struct th_rig rig;
    struct sl_conf_tls tls[2];
    struct sl_ticket_set sets[2];
    struct sl_tls_site *site; /* of the second settings */
};

static void start(struct sites *s, enum sl_conf_switch tickets)
{
    struct sl_err err;

    th_rig_start(&s->rig, &(struct th_rig_opts){.certs = {&cert}});
    s->tls[0] = (struct sl_conf_tls){.policy = SL_POLICY_MODERN, .tickets = SL_ON};
    s->tls[1] = (struct sl_conf_tls){.policy = SL_POLICY_INTERMEDIATE, .tickets = tickets};
    s->rig.conf.tls = s->tls;
    s->rig.conf.n_tls = 2;
    s->rig.listener.tls.index = 1;
    sl_ticket_set_make(&s->sets[0]);
    sl_ticket_set_make(&s->sets[1]);
    s->site = sl_tls_site_create(s->rig.tls, &s->rig.conf, 0, &err);
    assert_non_null(s->site);
}

static void stop(struct sites *s)
{
    sl_tls_site_release(s->site);
    th_rig_stop(&s->rig);
}

/* Whether the site seals with the current key of that set. */
static bool seals_with(struct sites *s, const struct sl_ticket_set *set)
{
    static const uint8_t binding[SL_TICKET_BINDING_BYTES];
    uint8_t ticket[SL_TICKET_OVERHEAD_BYTES] = {0}, name[SL_TICKET_NAME_BYTES];

    (void)sl_ticket_seal(s->site->tickets, binding, 1, NULL, 0, ticket, sizeof ticket);
    return sl_ticket_set_name(set, SL_TICKET_CURRENT, name) && memcmp(ticket + 1, name, sizeof name) == 0;
}

static void keys_reach_the_sites_of_their_settings(void **state)
{
    struct sites s;

    start(&s, SL_ON);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, s.sets, 2), 0);
    assert_true(seals_with(&s, &s.sets[1]));
    sl_ticket_set_rotate(&s.sets[1]);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, s.sets, 2), 0);
    assert_true(seals_with(&s, &s.sets[1]));
    stop(&s);
}

static void keys_of_other_configurations_or_settings_do_not(void **state)
{
    struct sl_conf other = {0};
    struct sites s;

    start(&s, SL_ON);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &other, s.sets, 2), 0);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, s.sets, 1), 0);
    assert_false(seals_with(&s, &s.sets[0]));
    assert_false(seals_with(&s, &s.sets[1]));
    stop(&s);
}

static void sites_that_give_no_tickets_take_none(void **state)
{
    struct sites s;

    start(&s, SL_OFF);
    assert_int_equal(sl_tls_use_tickets(s.rig.tls, &s.rig.conf, s.sets, 2), 0);
    assert_null(s.site->tickets);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_reach_the_sites_of_their_settings),
        cmocka_unit_test(keys_of_other_configurations_or_settings_do_not),
        cmocka_unit_test(sites_that_give_no_tickets_take_none),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
