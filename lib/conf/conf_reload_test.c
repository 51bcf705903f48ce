/* What a reload can't apply is told by the table's flags: each row changes something of one configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "conf/conf_test_files.h"

static const char before[] = "dpdk: { hugepages: auto, memory: 512M, eal: [a, b] }\n"
                             "workers: { cores: [1, 2], idle: sleep }\n"
                             "interfaces:\n"
                             "  - name: front\n"
                             "    device: \"af_xdp:veth-front\"\n"
                             "    addresses: [198.18.0.10/24, \"2001:db8:1::10/64\"]\n"
                             "    gateway: [198.18.0.1]\n"
                             "    mtu: 1500\n"
                             "certificates: [{ name: site, chain: a.crt, key: a.key }]\n"
                             "upstreams: [{ name: app, servers: \"198.18.0.2:80\" }]\n"
                             "listeners:\n"
                             "  - { name: l, address: \"198.18.0.10:443\", certificates: site, upstream: app }\n"
                             "limits: { connections: 1000, handshakes: 10 }\n"
                             "control: { socket: /run/a }\n";

static const struct row {
    const char *title, *from, *to, *errors;
} rows[] = {
    {"nothing", "auto", "auto", ""},
    {"spelling", "memory: 512M, ", "memory: 524288K, ", ""},
    {"a default written out", "idle: sleep", "idle: \"sleep\"", ""},
    {"certificates", "a.crt", "b.crt", ""},
    {"upstreams", "198.18.0.2:80", "198.18.0.3:80", ""},
    {"one more upstream", "upstreams: [", "upstreams: [{ name: b, servers: \"198.18.0.9:1\" }, ", ""},
    {"listeners", ":443", ":8443", ""},
    {"limits that a reload applies", "handshakes: 10", "handshakes: 11", ""},
    {"whether files are watched", "/run/a }", "/run/a, watch: off }", ""},
    {"TLS settings", "control:", "tls: [{ name: t, policy: modern, ticket_lifetime: 1h }]\ncontrol:", ""},
    {"a listener's TLS settings", "upstream: app }", "upstream: app, tls: modern }", ""},
    {"TCP", "control:", "tcp: { nagle: on, keepalive: 1h, receive_buffer: 64K }\ncontrol:", ""},
    {"TCP's default written out", "control:", "tcp: { time_wait: 60s, min_rto: 200ms }\ncontrol:", ""},
    {"a listener's TCP", "upstream: app }", "upstream: app, tcp: { ecn: off } }", ""},
    {"an upstream's TCP", "198.18.0.2:80\" }", "198.18.0.2:80\", tcp: { ecn: ask } }", ""},
    {"how long TIME-WAIT is", "control:", "tcp: { time_wait: 30s }\ncontrol:",
     "t:14:19: tcp.time_wait: changed, which a reload can't apply: restart Sluice"},
    {"the least RTO", "control:", "tcp: { min_rto: 1s }\ncontrol:",
     "t:14:17: tcp.min_rto: changed, which a reload can't apply: restart Sluice"},
    {"hugepages", "auto", "off", "t:1:7: dpdk.hugepages: changed, which a reload can't apply: restart Sluice"},
    {"memory", "512M", "1G", "t:1:34: dpdk.memory: changed, which a reload can't apply: restart Sluice"},
    {"an argument of EAL", "[a, b]", "[a, c]", "t:1:49: dpdk.eal: changed, which a reload can't apply: restart Sluice"},
    {"one argument of EAL less", "[a, b]", "[a]",
     "t:1:46: dpdk.eal: changed, which a reload can't apply: restart Sluice"},
    {"no dpdk at all", "dpdk: { hugepages: auto, memory: 512M, eal: [a, b] }", "",
     "t: dpdk.eal: changed, which a reload can't apply: restart Sluice"},
    {"cores", "[1, 2]", "[1, 3]", "t:2:23: workers.cores: changed, which a reload can't apply: restart Sluice"},
    {"idle", "idle: sleep", "idle: spin", "t:2:10: workers.idle: changed, which a reload can't apply: restart Sluice"},
    {"an interface's name", "name: front", "name: back",
     "t:4:11: interfaces.name: changed, which a reload can't apply: restart Sluice"},
    {"a device", "veth-front", "veth-back",
     "t:5:13: interfaces.device: changed, which a reload can't apply: restart Sluice"},
    {"a driver", "af_xdp:", "vdev:", "t:5:13: interfaces.device: changed, which a reload can't apply: restart Sluice"},
    {"a prefix", "10/24", "10/23", "t:6:17: interfaces.addresses: changed, which a reload can't apply: restart Sluice"},
    {"a gateway", "[198.18.0.1]", "[198.18.0.3]",
     "t:7:15: interfaces.gateway: changed, which a reload can't apply: restart Sluice"},
    {"one more gateway", "[198.18.0.1]", "[198.18.0.1, \"fe80::1\"]",
     "t:7:15: interfaces.gateway: changed, which a reload can't apply: restart Sluice"},
    {"an MTU that goes back to its default's value", "    mtu: 1500\n", "", ""},
    {"an MTU", "mtu: 1500", "mtu: 1400", "t:8:10: interfaces.mtu: changed, which a reload can't apply: restart Sluice"},
    {"one more interface", "interfaces:\n",
     "interfaces:\n  - { name: x, device: \"vdev:x\", addresses: 198.19.0.1/24 }\n",
     "t:4:5: interfaces: changed, which a reload can't apply: restart Sluice"},
    {"connections, for which tables are made", "1000", "2000",
     "t:13:24: limits.connections: changed, which a reload can't apply: restart Sluice"},
    {"the control socket", "/run/a", "/run/b",
     "t:14:20: control.socket: changed, which a reload can't apply: restart Sluice"},
};

static struct sl_conf *parse(const char *text, struct sl_conf_errors *errs)
{
    struct sl_conf *conf = sl_conf_parse(text, strlen(text), "t", fake_read, NULL, errs);
    char told[512];

    if (conf == NULL)
        fail_msg("%s", sl_conf_error_format(errs, 0, told, sizeof told));
    return conf;
}

static void tells(void **state)
{
    const struct row *r = *state;
    static struct sl_conf_errors errs;
    const char *at = strstr(before, r->from);
    char text[2048], told[1024] = "";
    struct sl_conf *old, *fresh;

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - before), before, r->to, at + strlen(r->from));
    old = parse(before, &errs);
    fresh = parse(text, &errs);
    assert_int_equal(sl_conf_needs_restart(old, fresh, &errs), *r->errors != '\0');
    for (uint32_t i = 0; i < errs.n; i++)
        sl_conf_error_format(&errs, i, told + strlen(told), sizeof told - strlen(told));
    assert_string_equal(told, r->errors);
    sl_conf_free(old);
    sl_conf_free(fresh);
}

int main(void)
{
    struct CMUnitTest tests[SL_ARRAY_LEN(rows)];

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].title, .test_func = tells, .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
