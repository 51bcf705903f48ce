/* Client and origin at one end, a worker of Sluice at the other: as the program is used. */
#include "rig.h"

#include "helpers/tls_kit.h"

static struct sl_conf *conf;
static struct sl_worker_msg *msg;

static const char plain[] = "workers: { cores: [0] }\n"
                            "interfaces: [{ name: w, device: \"vdev:null\", addresses: 198.18.0.10/24 }]\n"
                            "upstreams: [{ name: app, servers: [\"198.18.0.1:8080\", \"198.18.0.2:8080\"] }]\n"
                            "listeners: [{ name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }]\n";

static const char tls[] =
    "workers: { cores: [0] }\n"
    "interfaces: [{ name: w, device: \"vdev:null\", addresses: 198.18.0.10/24 }]\n"
    "certificates: [{ name: site, chain: site.crt, key: site.key }]\n"
    "upstreams: [{ name: app, servers: [\"198.18.0.1:8080\", \"198.18.0.2:8080\"] }]\n"
    "listeners: [{ name: https, address: \"198.18.0.10:80\", protocol: tls, certificates: [site], upstream: app }]\n";

/* Of the site, from an authority of our own. */
static char *ca_pem, *crt_pem, *key_pem;

static void make_certificates(void)
{
    static const char *const names[] = {"site.test", NULL};
    struct th_cert_opts ca = {.key = TH_KEY_P256, .key_index = 1, .subject = "CN=ca", .ca = true};
    struct th_cert_opts site = {.key = TH_KEY_P256,
                                .subject = "CN=site.test",
                                .names = names,
                                .issuer = "CN=ca",
                                .issuer_key = TH_KEY_P256,
                                .issuer_key_index = 1};

    ca_pem = th_cert_pem(&ca);
    crt_pem = th_cert_pem(&site);
    key_pem = th_key_pem(TH_KEY_P256, 0);
}

static int group_teardown(void **state)
{
    free(ca_pem);
    free(crt_pem);
    free(key_pem);
    th_keys_free();
    return th_leak_teardown(state);
}

static uint8_t *read_pem(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err)
{
    const char *pem = strstr(path, ".crt") ? crt_pem : key_pem;

    (void)ctx;
    (void)err;
    *len_bytes = strlen(pem) + 1;
    return (uint8_t *)strdup(pem);
}

static int setup(void **state)
{
    (void)state;
    rig_begin();
    if (!ca_pem)
        make_certificates();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_end();
    sl_conf_free(conf);
    free(msg);
    return 0;
}

static void place_sluice(const char *text)
{
    struct rig_end *e = rig_place("198.18.0.10", NULL);
    struct sl_worker_params params = {.n_workers = 1,
                                      .socket = SOCKET_ID_ANY,
                                      .ifaces = &e->iface,
                                      .n_ifaces = 1,
                                      .steer = &rig.steer,
                                      .conns_max = 4096,
                                      .handshakes_max = 64,
                                      .mbufs = 16384,
                                      .seed = 1};
    static struct sl_conf_errors errs;
    struct sl_err err = {""};

    conf = sl_conf_parse(text, strlen(text), "sluice.yaml", read_pem, NULL, &errs);
    assert_non_null(conf);
    if (sl_worker_create(&params, rig.now, &e->worker, &err) < 0)
        fail_msg("%s", err.text);
    msg = calloc(1, sizeof *msg);
    *msg = (struct sl_worker_msg){.kind = SL_MSG_APPLY, .conf = conf, .generation = 1};
    assert_int_equal(sl_worker_post(e->worker, msg), 0);
}

static uint64_t events_of(enum sl_ctr ctr) { return sl_stat_read(&sl_worker_stats(rig.ends[1].worker)->ctr[ctr]); }

static struct load_plan plan_through(enum load_mode mode)
{
    struct load_plan plan = rig_plan(mode, "198.18.0.10:80", "198.18.0.1:8080");

    plan.origins[plan.n_origins++] = rig_at("198.18.0.2:8080");
    return plan;
}

static void go(const struct load_plan *plan, const char *sluice, uint32_t ms)
{
    rig_host(rig_place("198.18.0.1", "198.18.0.2"), plan);
    place_sluice(sluice);
    rig_run_ms(ms);
}

static void run_through(enum load_mode mode, bool is_plain, uint64_t least)
{
    struct load_plan plan = plan_through(mode);

    plan.plain = is_plain;
    go(&plan, is_plain ? plain : tls, 500);
    assert_int_equal(tally_failed(rig_tally()), 0);
    assert_true(rig_tally()->operations >= least);
    assert_int_equal(origin_counts(rig.ends[0].host->origin)->bad_bytes, 0);
    assert_true(events_of(SL_CTR_PROXY_FRONTS) >= rig_tally()->handshakes);
    if (!is_plain)
        assert_true(events_of(SL_CTR_TLS_HANDSHAKES) >= rig_tally()->handshakes);
}

static void requests_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_REQUEST, true, 500);
}

static void connections_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_HANDSHAKE, true, 300);
}

static void downloads_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_DOWNLOAD, true, 16);
}

static void uploads_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_UPLOAD, true, 16);
}

static void the_same_with_tls(void **state)
{
    const enum load_mode *mode = *state;

    run_through(*mode, false, 16);
}

static void tickets_resume_all_but_the_first(void **state)
{
    struct load_plan plan = plan_through(LOAD_RESUME);

    (void)state;
    plan.plain = false;
    go(&plan, tls, 500);
    assert_int_equal(tally_failed(rig_tally()), 0);
    assert_true(rig_tally()->operations > 50);
    assert_in_range(rig_tally()->resumed, rig_tally()->handshakes - 8, rig_tally()->handshakes - 1);
    assert_true(events_of(SL_CTR_TLS_RESUMED) >= rig_tally()->resumed);
}

static void check_certificates(uint32_t check, const char *name)
{
    struct load_plan plan = plan_through(LOAD_HANDSHAKE);

    plan.plain = false;
    plan.ca_path = "ca.pem"; /* its contents stand in the settings */
    plan.check = check;
    plan.name = name;
    rig.tls.client_ca_pem = (struct sl_conf_file){(uint8_t *)ca_pem, strlen(ca_pem) + 1};
    go(&plan, tls, 500);
}

static void certificates_are_checked_as_often_as_asked(void **state)
{
    (void)state;
    check_certificates(4, "site.test");
    assert_int_equal(tally_failed(rig_tally()), 0);
    assert_true(rig_tally()->operations > 40);
    assert_in_range(rig_tally()->checked, rig_tally()->handshakes / 4 - 8, rig_tally()->handshakes / 4 + 8);
}

static void a_certificate_of_another_name_is_a_failure(void **state)
{
    (void)state;
    check_certificates(1, "other.test");
    assert_int_equal(rig_tally()->operations, 0);
    assert_true(rig_tally()->failed[LOAD_FAIL_TLS] > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#define WITH_TLS(mode)                                                                                                 \
    {                                                                                                                  \
        "with_tls_" #mode, the_same_with_tls, setup, teardown, (void *)(uintptr_t)&modes[mode]                         \
    }

static const enum load_mode modes[] = {LOAD_HANDSHAKE, LOAD_RESUME, LOAD_REQUEST, LOAD_DOWNLOAD, LOAD_UPLOAD};

int main(void)
{
    const struct CMUnitTest tests[] = {T(requests_pass_through_sluice),
                                       T(connections_pass_through_sluice),
                                       T(downloads_pass_through_sluice),
                                       T(uploads_pass_through_sluice),
                                       T(tickets_resume_all_but_the_first),
                                       T(certificates_are_checked_as_often_as_asked),
                                       T(a_certificate_of_another_name_is_a_failure),
                                       WITH_TLS(LOAD_HANDSHAKE),
                                       WITH_TLS(LOAD_REQUEST),
                                       WITH_TLS(LOAD_DOWNLOAD),
                                       WITH_TLS(LOAD_UPLOAD)};

    return cmocka_run_group_tests(tests, th_eal_setup, group_teardown);
}
