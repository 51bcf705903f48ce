/* Good configurations, what they become, and the limits of reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/conf_test_good.h"

/* Tests run in the build folder, from which __FILE__ leads. */
#define ROOM "lib/conf/conf_test.c"

static void defaults_stand_in_for_what_is_not_written(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_int_equal(c->dpdk.hugepages, SL_HUGEPAGES_AUTO);
    assert_int_equal(c->dpdk.memory_bytes.v, 512 << 20);
    assert_int_equal(c->dpdk.memory_bytes.mark.line, 0);
    assert_int_equal(c->dpdk.n_eal, 0);
    assert_int_equal(c->workers.idle, SL_IDLE_SLEEP);
    assert_int_equal(c->limits.connections.v, 65536);
    assert_int_equal(c->limits.handshakes.v, 0);
    assert_int_equal(sl_conf_handshakes(c), 2048); /* a quarter of 512M for one worker */
    assert_int_equal(c->limits.drain_timeout_ns.v, 30 * SL_NS_PER_S);
    assert_string_equal(c->control.socket.s, "/run/sluice/sluice.sock");
    assert_int_equal(c->interfaces[0].mtu.v, 1500);
    assert_int_equal(c->interfaces[0].vlan.v, 0);
    assert_int_equal(c->interfaces[0].queues.v, 0);
    assert_int_equal(c->interfaces[0].gateway4.mark.line, 0);
    assert_int_equal(c->upstreams[1].lport_min.v, 1024);
    assert_int_equal(c->upstreams[1].lport_max.v, 65535);
    assert_int_equal(c->upstreams[1].connect_timeout_ns.v, 3 * SL_NS_PER_S);
    assert_int_equal(c->upstreams[1].retry_dead_ns.v, 10 * SL_NS_PER_S);
    assert_int_equal(c->upstreams[1].n_sources, 0);
    assert_int_equal(c->listeners[0].protocol, SL_PROTOCOL_TLS);
    assert_int_equal(c->listeners[0].handshake_timeout_ns.v, 10 * SL_NS_PER_S);
    assert_int_equal(c->listeners[0].idle_timeout_ns.v, 600 * SL_NS_PER_S);
    assert_int_equal(c->listeners[0].backlog.v, 1024);
    assert_int_equal(c->listeners[0].n_alpn, 1);
    assert_string_equal(c->listeners[0].alpn[0].s, "http/1.1");
    assert_int_equal(c->control.watch, SL_ON);
    sl_conf_free(c);
}

static void listeners_without_tls_settings_take_the_policy_intermediate(void **state)
{
    struct sl_conf *c = parse(minimal);
    const struct sl_conf_tls *t = &c->tls[c->listeners[0].tls.index];

    assert_int_equal(c->n_tls, SL_POLICY_COUNT);
    assert_string_equal(t->name.s, "intermediate");
    assert_int_equal(t->policy, SL_POLICY_INTERMEDIATE);
    assert_int_equal(t->n_versions + t->n_suites + t->n_groups, 0);
    assert_int_equal(t->unknown_sni, SL_UNKNOWN_SNI_DEFAULT);
    assert_int_equal(t->clients, SL_CLIENTS_OFF);
    assert_int_equal(t->tickets, SL_ON);
    assert_int_equal(t->ticket_lifetime_ns.v, 86400 * SL_NS_PER_S);
    assert_string_equal(t->client_ca.s, "");
    assert_string_equal(t->keylog.s, "");
    assert_null(t->ticket_keys_text.bytes);
    sl_conf_free(c);
}

static void tls_settings_start_from_a_policy_and_keep_what_is_given(void **state)
{
    char text[2048];
    const struct sl_conf_tls *t;
    struct sl_conf *c;

    snprintf(text, sizeof text, "%s%s%s", minimal,
             "  - { name: strict, address: \"198.18.0.10:444\", certificates: site, upstream: app, tls: site }\n"
             "  - { name: new, address: \"198.18.0.10:445\", certificates: site, upstream: app, tls: modern }\n",
             "tls:\n"
             "  - { name: other }\n"
             "  - { name: site, versions: 1.3, suites: [chacha20-poly1305, aes128-gcm], groups: p384,\n"
             "      unknown_sni: refuse, client_certificates: required, client_ca: ca.pem, client_crl: /crl.pem,\n"
             "      ticket_keys: t.keys, ticket_lifetime: 2h, keylog: k }\n");
    c = parse(text);
    assert_int_equal(c->n_tls, 2 + SL_POLICY_COUNT);
    assert_string_equal(c->tls[c->listeners[2].tls.index].name.s, "modern");
    t = &c->tls[c->listeners[1].tls.index];
    assert_string_equal(t->name.s, "site");
    assert_int_equal(t->n_versions, 1);
    assert_int_equal(t->versions[0], SL_TLS_1_3);
    assert_int_equal(t->n_suites, 2);
    assert_int_equal(t->suites[0], SL_CIPHER_CHACHA20_POLY1305);
    assert_int_equal(t->suites[1], SL_CIPHER_AES_128_GCM);
    assert_int_equal(t->groups[0], SL_GROUP_P384);
    assert_int_equal(t->unknown_sni, SL_UNKNOWN_SNI_REFUSE);
    assert_int_equal(t->clients, SL_CLIENTS_REQUIRED);
    assert_string_equal(t->client_ca.s, "/etc/sluice/ca.pem");
    assert_int_equal(t->client_ca_pem.len_bytes, 4);
    assert_memory_equal(t->client_crl_pem.bytes, "PEM", 4);
    assert_memory_equal(t->ticket_keys_text.bytes, "PEM", 4);
    assert_int_equal(t->ticket_lifetime_ns.v, 7200 * SL_NS_PER_S);
    assert_string_equal(t->keylog.s, "/etc/sluice/k");
    sl_conf_free(c);
}

static void files_are_listed_in_order(void **state)
{
    static const char *const paths[] = {
        "/etc/sluice/site.crt", "/keys/site.key", "", "", "/etc/sluice/t.keys", "", "", "", "", "", ""};
    struct sl_conf_file file;
    char text[2048];
    struct sl_conf *c;

    snprintf(text, sizeof text, "%s%s", minimal, "tls: [{ name: a, ticket_keys: t.keys }]\n");
    c = parse(text);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(paths); i++)
        assert_string_equal(sl_conf_file_at(c, i, NULL), paths[i]);
    assert_string_equal(sl_conf_file_at(c, 4, &file), "/etc/sluice/t.keys");
    assert_memory_equal(file.bytes, "PEM", 4);
    assert_null(sl_conf_file_at(c, SL_ARRAY_LEN(paths), &file));
    sl_conf_free(c);
}

static void values_keep_their_marks(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_int_equal(c->workers.cores[0].mark.line, 1);
    assert_int_equal(c->workers.cores[0].mark.column, 19);
    assert_int_equal(c->interfaces[0].mark.line, 3);
    assert_int_equal(c->interfaces[0].addresses[0].mark.line, 5);
    assert_int_equal(c->interfaces[0].addresses[0].mark.column, 16);
    assert_int_equal(c->listeners[0].upstream.mark.line, 10);
    assert_int_equal(c->dpdk.mark.line, 0);
    sl_conf_free(c);
}

static void one_value_is_a_list_of_one(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_int_equal(c->workers.n_cores, 1);
    assert_int_equal(c->interfaces[0].n_addresses, 1);
    assert_int_equal(c->upstreams[0].n_servers, 1);
    assert_int_equal(c->upstreams[1].n_servers, 2);
    sl_conf_free(c);
}

static void a_device_splits_at_its_first_colon(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_string_equal(c->interfaces[0].driver.s, "memif");
    assert_string_equal(c->interfaces[0].device.s, "id=0,socket=/run/a:b");
    sl_conf_free(c);
}

static void names_become_indices(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_int_equal(c->listeners[0].upstream.index, 1);
    assert_int_equal(c->listeners[0].certificates[0].index, 0);
    sl_conf_free(c);
}

static void relative_paths_start_at_the_folder_of_the_file(void **state)
{
    struct sl_conf *c = parse(minimal);

    assert_string_equal(c->certificates[0].chain.s, "/etc/sluice/site.crt");
    assert_string_equal(c->certificates[0].key.s, "/keys/site.key");
    assert_int_equal(c->certificates[0].chain_len, 4);
    assert_memory_equal(c->certificates[0].key_pem, "PEM", 4);
    sl_conf_free(c);
}

static void units_scale_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {{"1500us", 1500 * SL_NS_PER_US},
                {"20ms", 20 * SL_NS_PER_MS},
                {"7s", 7 * SL_NS_PER_S},
                {"2min", 120 * SL_NS_PER_S},
                {"3h", 10800 * SL_NS_PER_S},
                {"1d", 86400 * SL_NS_PER_S},
                {"\"\\x31\\x64\"", 86400 * SL_NS_PER_S}};
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"134217728B", 1 << 27}, {"131072K", 1 << 27}, {"128M", 1 << 27}, {"1G", 1 << 30},
                 {"131072KiB", 1 << 27},  {"128MiB", 1 << 27},  {"1GiB", 1 << 30}};
    char text[2048];

    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++) {
        snprintf(text, sizeof text, "%slimits: { drain_timeout: %s }\n", minimal, rows[i].text);
        struct sl_conf *c = parse(text);
        assert_int_equal(c->limits.drain_timeout_ns.v, rows[i].ns);
        sl_conf_free(c);
    }
    for (size_t i = 0; i < SL_ARRAY_LEN(sizes); i++) {
        snprintf(text, sizeof text, "%sdpdk: { memory: %s }\n", minimal, sizes[i].text);
        struct sl_conf *c = parse(text);
        assert_int_equal(c->dpdk.memory_bytes.v, sizes[i].bytes);
        sl_conf_free(c);
    }
}

static void both_families_have_a_gateway(void **state)
{
    struct sl_conf *c = parse("workers: { cores: 0 }\n"
                              "interfaces: [{ name: a, device: \"vdev:net_null0\", addresses: [198.18.0.10/24, "
                              "\"2001:db8::10/64\"], gateway: [\"fe80::1\", 198.18.0.1] }]\n"
                              "upstreams: [{ name: app, servers: [\"192.0.2.1:80\", \"[2001:db8:9::1]:80\"], "
                              "sources: [198.18.0.10, \"2001:db8::10\"], ports: 40000-50000 }]\n"
                              "listeners: [{ name: l, protocol: tcp, address: \"[2001:db8::10]:80\", upstream: app, "
                              "idle_timeout: 0 }]\n");

    assert_int_equal(c->interfaces[0].gateway4.ip.b[15], 1);
    assert_true(sl_ip_is4(&c->interfaces[0].gateway4.ip));
    assert_int_equal(c->interfaces[0].gateway6.ip.b[0], 0xfe);
    assert_int_equal(c->interfaces[0].addresses[1].prefix_bits, 64);
    assert_int_equal(c->upstreams[0].n_sources, 2);
    assert_int_equal(c->upstreams[0].lport_min.v, 40000);
    assert_int_equal(c->upstreams[0].lport_max.v, 50000);
    assert_int_equal(c->listeners[0].protocol, SL_PROTOCOL_TCP);
    assert_int_equal(c->listeners[0].idle_timeout_ns.v, 0);
    assert_int_equal(c->listeners[0].addresses[0].ep.port, 80);
    sl_conf_free(c);
}

static void an_empty_section_is_as_good_as_none(void **state)
{
    char text[2048];

    snprintf(text, sizeof text, "%sdpdk:\nlimits: {}\ncontrol: ~\n", minimal);
    sl_conf_free(parse(text));
}

static void a_machine_with_too_few_cores_is_told_by_line(void **state)
{
    char text[2048], told[512];
    struct sl_conf *c;

    snprintf(text, sizeof text, "workers: { cores: [0, 1, 5] }%s", strchr(minimal, '\n'));
    c = parse(text);
    assert_false(sl_conf_check_machine(c, 6, &errs));
    assert_int_equal(errs.n, 0);
    assert_true(sl_conf_check_machine(c, 2, &errs));
    assert_int_equal(errs.n, 2);
    assert_string_equal(sl_conf_error_format(&errs, 0, told, sizeof told),
                        "/etc/sluice/sluice.yaml:1:20: workers.cores: 3 workers are more than the machine's 2 cores");
    assert_string_equal(sl_conf_error_format(&errs, 1, told, sizeof told),
                        "/etc/sluice/sluice.yaml:1:26: workers.cores: core \"5\" is not there, allowed: 0 to 1");
    sl_conf_free(c);
}

static void errors_beyond_the_maximum_are_counted_and_the_first_of_the_file_kept(void **state)
{
    char text[4096] = "upstreams: [{ name: a, servers: none }]\nlimits:\n";
    size_t used = strlen(text);

    for (int i = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "  no%d: 1\n", i);
    assert_null(sl_conf_parse(text, used, "t", fake_read, NULL, &errs));
    assert_int_equal(errs.n, SL_CONF_ERRORS_MAX);
    assert_int_equal(errs.n + errs.lost, 100 + 1 + 3); /* servers; workers, interfaces, listeners are missing */
    for (uint32_t i = 1; i < errs.n; i++)
        assert_true(errs.e[i - 1].mark.line <= errs.e[i].mark.line);
    assert_int_equal(errs.e[errs.n - 1].mark.line, 2 + SL_CONF_ERRORS_MAX - 4);
}

static void a_large_file_is_refused_unread(void **state)
{
    size_t len = (1 << 20) + 1;
    char *text = test_malloc(len), told[512];

    memset(text, '#', len);
    assert_null(sl_conf_parse(text, len, "t", fake_read, NULL, &errs));
    assert_int_equal(errs.n, 1);
    assert_string_equal(sl_conf_error_format(&errs, 0, told, sizeof told),
                        "t: larger than 1048576 bytes, which no configuration may be");
    assert_null(sl_conf_parse(text, len - 1, "t", fake_read, NULL, &errs)); /* read: nothing but a comment */
    assert_string_equal(errs.e[0].text, "the file is empty: conf/minimal.yaml is a start");
    test_free(text);
}

static void ten_thousand_certificates_are_read(void **state)
{
    enum { MANY = 10000 };
    char *text = test_malloc(MANY * 80 + 512), *p = text;
    struct sl_conf *c;

    p += snprintf(p, 512,
                  "workers: { cores: 1 }\ninterfaces: [{ name: a, device: \"vdev:x\", addresses: 198.18.0.10/24 }]\n"
                  "upstreams: [{ name: app, servers: \"198.18.0.2:80\" }]\n"
                  "listeners: [{ name: l, address: \"198.18.0.10:443\", certificates: [n9999, n0], upstream: app }]\n"
                  "certificates:\n");
    for (int i = 0; i < MANY; i++)
        p += snprintf(p, 80, "  - { name: n%d, chain: %d.crt, key: %d.key }\n", i, i, i);
    c = parse(text);
    assert_int_equal(c->n_certificates, MANY);
    assert_int_equal(c->listeners[0].certificates[0].index, 9999);
    sl_conf_free(c);
    test_free(text);
}

static void errors_show_nothing_that_a_terminal_would_obey(void **state)
{
    struct sl_conf_errors e = {.file = "a\x1b[2Jb"};
    char told[64];

    sl_conf_error(&e, (struct sl_mark){.line = 1, .column = 2}, "%s", "x\r\n\x7f\xc2\x9by");
    assert_string_equal(sl_conf_error_format(&e, 0, told, sizeof told), "a?[2Jb:1:2: x?????y");
}

static void an_error_text_that_is_too_long_is_cut(void **state)
{
    struct sl_conf_errors e = {.file = "t"};
    char told[8];

    sl_conf_error(&e, (struct sl_mark){0}, "%01000d", 7);
    assert_int_equal(strlen(e.e[0].text), sizeof e.e[0].text - 1);
    assert_string_equal(sl_conf_error_format(&e, 0, told, sizeof told), "t: 0000");
}

/* ---- files ---- */
static void shipped(const char *name, char out[static 512])
{
    int room = (int)(strlen(__FILE__) - strlen(ROOM));

    assert_true(room >= 0);
    snprintf(out, 512, "%.*sconf/%s", room, __FILE__, name);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = test_calloc(1, 1 << 16);

    if (f == NULL)
        fail_msg("%s is not there", path);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

static void append(void *ctx, const char *text)
{
    char *all = ctx;

    assert_true(strlen(all) + strlen(text) < 1 << 16);
    memcpy(all + strlen(all), text, strlen(text) + 1);
}

static void the_shipped_reference_is_what_the_table_says(void **state)
{
    char path[512], *made = test_calloc(1, 1 << 16), *there;

    shipped("reference.yaml", path);
    there = slurp(path);
    sl_conf_reference(append, made);
    assert_string_equal(there, made);
    test_free(there);
    test_free(made);
}

static void shipped_files_are_good(void **state)
{
    static const char *const names[] = {"reference.yaml", "minimal.yaml", "quickstart.yaml"};

    for (size_t i = 0; i < SL_ARRAY_LEN(names); i++) {
        char path[512], *text;

        shipped(names[i], path);
        text = slurp(path);
        sl_conf_free(parse(text));
        test_free(text);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void loading_reads_real_files_and_reads_them_again(void **state)
{
    char folder[] = "/tmp/conf_test.XXXXXX", path[64], crt[64], key[64], text[2048], told[512];
    struct sl_conf *c, *again;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/c.yaml", folder);
    snprintf(crt, sizeof crt, "%s/site.crt", folder);
    snprintf(key, sizeof key, "%s/site.key", folder);
    snprintf(text, sizeof text, "%s", minimal);
    memcpy(strstr(text, "/keys/"), "      ", 6);
    write_file(path, text);
    write_file(crt, "CRT");
    assert_null(sl_conf_load(path, &errs));
    assert_int_equal(errs.n, 1);
    sl_conf_error_format(&errs, 0, told, sizeof told);
    assert_non_null(strstr(told, "c.yaml:6:58: certificates.key: "));
    assert_non_null(strstr(told, "/site.key\" can't be read: No such file or directory"));
    write_file(key, "KEY");
    c = sl_conf_load(path, &errs);
    assert_non_null(c);
    assert_string_equal(c->certificates[0].chain.s, crt);
    assert_memory_equal(c->certificates[0].key_pem, "KEY", 4);
    assert_false(sl_conf_file_differs(c, 0));
    assert_false(sl_conf_file_differs(c, 1));
    assert_false(sl_conf_file_differs(c, 99));
    write_file(path, "an edit that waits for a reload");
    write_file(key, "NEW");
    assert_false(sl_conf_file_differs(c, 0));
    assert_true(sl_conf_file_differs(c, 1));
    again = sl_conf_again(c, NULL, &errs);
    assert_non_null(again);
    assert_string_equal(again->certificates[0].key.s, key);
    assert_memory_equal(again->certificates[0].key_pem, "NEW", 4);
    assert_false(sl_conf_needs_restart(c, again, &errs));
    sl_conf_free(again);
    unlink(crt);
    assert_true(sl_conf_file_differs(c, 0));
    assert_null(sl_conf_again(c, NULL, &errs));
    sl_conf_error_format(&errs, 0, told, sizeof told);
    assert_non_null(strstr(told, "c.yaml:6:37: certificates.chain: "));
    sl_conf_free(c);
    unlink(path);
    unlink(crt);
    unlink(key);
    rmdir(folder);
}

static void refuse_cores_and_keys(const struct sl_conf *conf, struct sl_conf_errors *e)
{
    for (uint32_t i = 0; i < conf->workers.n_cores; i++)
        sl_conf_error(e, conf->workers.cores[i].mark, "not this core");
    for (uint32_t i = 0; i < conf->n_certificates; i++)
        if (conf->certificates[i].key_pem != NULL)
            sl_conf_error(e, conf->certificates[i].key.mark, "not this key");
}

/* Loads text from a file of its own, whose checks refuse_cores_and_keys makes. All that was said, without the path. */
static const char *refused(const char *text)
{
    static char said[4096];
    char path[] = "/tmp/conf_test.XXXXXX", line[512];
    size_t used = 0;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    write_file(path, text);
    assert_null(sl_conf_load_checked(path, refuse_cores_and_keys, &errs));
    unlink(path);
    for (uint32_t i = 0; i < errs.n; i++)
        used += (size_t)snprintf(said + used, sizeof said - used, "%s",
                                 strchr(sl_conf_error_format(&errs, i, line, sizeof line), ':'));
    return said;
}

static void errors_of_other_rooms_come_out_with_those_of_the_text(void **state)
{
    const char *said = refused("workers: { cores: [1], idle: slep }\n"
                               "certificates: [{ name: a, chain: a.crt, key: /nonexistent/a.key }]\n");

    assert_non_null(strstr(said, ":1:20: not this core"));
    assert_non_null(strstr(said, ":1:30: workers.idle: \"slep\""));
    assert_non_null(strstr(said, ":2:46: certificates.key: \"/nonexistent/a.key\" can't be read"));
    assert_null(strstr(said, "not this key"));
}

static void what_only_another_room_refuses_is_refused(void **state)
{
    assert_string_equal(
        refused("workers: { cores: [1] }\n"
                "interfaces: [{ name: front, device: \"vdev:null\", addresses: 198.18.0.10/24 }]\n"
                "upstreams: [{ name: app, servers: \"198.18.0.2:80\" }]\n"
                "listeners: [{ name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }]\n"),
        ":1:20: not this core");
}

static void a_file_that_is_none_is_told_without_a_line(void **state)
{
    char told[512];

    assert_null(sl_conf_load("/nonexistent/c.yaml", &errs));
    assert_string_equal(sl_conf_error_format(&errs, 0, told, sizeof told),
                        "/nonexistent/c.yaml: can't be read: No such file or directory");
    assert_null(sl_conf_load("/tmp", &errs));
    assert_string_equal(sl_conf_error_format(&errs, 0, told, sizeof told), "/tmp: can't be read: not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_in_for_what_is_not_written),
        cmocka_unit_test(listeners_without_tls_settings_take_the_policy_intermediate),
        cmocka_unit_test(tls_settings_start_from_a_policy_and_keep_what_is_given),
        cmocka_unit_test(files_are_listed_in_order),
        cmocka_unit_test(values_keep_their_marks),
        cmocka_unit_test(one_value_is_a_list_of_one),
        cmocka_unit_test(a_device_splits_at_its_first_colon),
        cmocka_unit_test(names_become_indices),
        cmocka_unit_test(relative_paths_start_at_the_folder_of_the_file),
        cmocka_unit_test(units_scale_numbers),
        cmocka_unit_test(both_families_have_a_gateway),
        cmocka_unit_test(an_empty_section_is_as_good_as_none),
        cmocka_unit_test(a_machine_with_too_few_cores_is_told_by_line),
        cmocka_unit_test(errors_beyond_the_maximum_are_counted_and_the_first_of_the_file_kept),
        cmocka_unit_test(a_large_file_is_refused_unread),
        cmocka_unit_test(ten_thousand_certificates_are_read),
        cmocka_unit_test(errors_show_nothing_that_a_terminal_would_obey),
        cmocka_unit_test(an_error_text_that_is_too_long_is_cut),
        cmocka_unit_test(the_shipped_reference_is_what_the_table_says),
        cmocka_unit_test(shipped_files_are_good),
        cmocka_unit_test(loading_reads_real_files_and_reads_them_again),
        cmocka_unit_test(errors_of_other_rooms_come_out_with_those_of_the_text),
        cmocka_unit_test(what_only_another_room_refuses_is_refused),
        cmocka_unit_test(a_file_that_is_none_is_told_without_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
