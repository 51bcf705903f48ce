/* Settings of TCP: defaults, and what listeners and upstreams have from the top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "conf/conf_test_good.h"

static void tcp_has_defaults_everywhere(void **state)
{
    struct sl_conf *c = parse(minimal);
    const struct sl_conf_tcp *all[] = {&c->tcp, &c->listeners[0].tcp, &c->upstreams[0].tcp, &c->upstreams[1].tcp};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(all); i++) {
        assert_int_equal(all[i]->congestion, SL_CONGESTION_CUBIC);
        assert_int_equal(all[i]->ecn, SL_CONF_ECN_ACCEPT);
        assert_int_equal(all[i]->cookies, SL_CONF_COOKIES_AUTO);
        assert_int_equal(all[i]->pacing, SL_OFF);
        assert_int_equal(all[i]->nagle, SL_OFF);
        assert_int_equal(all[i]->keepalive_ns.v, 7200 * SL_NS_PER_S);
        assert_int_equal(all[i]->keepalive_interval_ns.v, 75 * SL_NS_PER_S);
        assert_int_equal(all[i]->keepalive_probes.v, 10);
        assert_int_equal(all[i]->user_timeout_ns.v, 120 * SL_NS_PER_S);
        assert_int_not_equal(all[i]->receive_buffer_bytes.v, 0);
        assert_int_not_equal(all[i]->send_buffer_bytes.v, 0);
    }
    assert_int_equal(c->tcp.time_wait_ns.v, 60 * SL_NS_PER_S);
    assert_int_equal(c->tcp.min_rto_ns.v, 200 * SL_NS_PER_MS);
    sl_conf_free(c);
}

/* Also where the top stands behind them, and where they say what is the default without it. */
static void listeners_and_upstreams_have_the_tcp_of_the_top_but_for_what_they_give(void **state)
{
    char text[2048];
    struct sl_conf *c;

    snprintf(text, sizeof text, "%s%s", minimal,
             "  - { name: l, address: \"198.18.0.10:444\", certificates: site, upstream: app,\n"
             "      tcp: { congestion_control: cubic, nagle: off, keepalive: 1min, syn_cookies: off } }\n"
             "tcp: { congestion_control: newreno, ecn: ask, syn_cookies: always, pacing: on, nagle: on,\n"
             "  receive_buffer: 1M, send_buffer: 2M, keepalive: 0, keepalive_interval: 5s, keepalive_probes: 3,\n"
             "  user_timeout: 30s, time_wait: 2s, min_rto: 1s }\n");
    c = parse(text);
    assert_int_equal(c->listeners[1].tcp.congestion, SL_CONGESTION_CUBIC);
    assert_int_equal(c->listeners[1].tcp.nagle, SL_OFF);
    assert_int_equal(c->listeners[1].tcp.keepalive_ns.v, 60 * SL_NS_PER_S);
    assert_int_equal(c->listeners[1].tcp.cookies, SL_CONF_COOKIES_OFF);
    assert_int_equal(c->listeners[1].tcp.ecn, SL_CONF_ECN_ASK);
    assert_int_equal(c->listeners[1].tcp.pacing, SL_ON);
    assert_int_equal(c->listeners[1].tcp.keepalive_probes.v, 3);
    assert_int_equal(c->listeners[0].tcp.congestion, SL_CONGESTION_NEWRENO);
    assert_int_equal(c->listeners[0].tcp.cookies, SL_CONF_COOKIES_ALWAYS);
    assert_int_equal(c->upstreams[1].tcp.nagle, SL_ON);
    assert_int_equal(c->upstreams[1].tcp.receive_buffer_bytes.v, 1 << 20);
    assert_int_equal(c->upstreams[1].tcp.send_buffer_bytes.v, 2 << 20);
    assert_int_equal(c->upstreams[1].tcp.keepalive_ns.v, 0);
    assert_int_equal(c->upstreams[1].tcp.keepalive_interval_ns.v, 5 * SL_NS_PER_S);
    assert_int_equal(c->upstreams[1].tcp.user_timeout_ns.v, 30 * SL_NS_PER_S);
    assert_int_equal(c->tcp.time_wait_ns.v, 2 * SL_NS_PER_S);
    assert_int_equal(c->tcp.min_rto_ns.v, SL_NS_PER_S);
    sl_conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_has_defaults_everywhere),
        cmocka_unit_test(listeners_and_upstreams_have_the_tcp_of_the_top_but_for_what_they_give),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
