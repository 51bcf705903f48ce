/* Client and origin at one end, a worker of Sluice at the other: as the program is used. */
#include "rig.h"

static struct sl_conf *conf;
static struct sl_worker_msg *msg;

static const char plain[] = "workers: { cores: [0] }\n"
                            "interfaces: [{ name: w, device: \"vdev:null\", addresses: 198.18.0.10/24 }]\n"
                            "upstreams: [{ name: app, servers: [\"198.18.0.1:8080\", \"198.18.0.2:8080\"] }]\n"
                            "listeners: [{ name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }]\n";

static int setup(void **state)
{
    (void)state;
    rig_begin();
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

    conf = sl_conf_parse(text, strlen(text), "sluice.yaml", NULL, NULL, &errs);
    assert_non_null(conf);
    if (sl_worker_create(&params, rig.now, &e->worker, &err) < 0)
        fail_msg("%s", err.text);
    msg = calloc(1, sizeof *msg);
    *msg = (struct sl_worker_msg){.kind = SL_MSG_APPLY, .conf = conf, .generation = 1};
    assert_int_equal(sl_worker_post(e->worker, msg), 0);
}

static void run_through(enum load_mode mode, uint64_t least)
{
    struct load_plan plan = rig_plan(mode, "198.18.0.10:80", "198.18.0.1:8080");

    plan.origins[plan.n_origins++] = rig_at("198.18.0.2:8080");
    rig_host(rig_place("198.18.0.1", "198.18.0.2"), &plan);
    place_sluice(plain);
    rig_run_ms(500);
    assert_int_equal(tally_failed(rig_tally()), 0);
    assert_true(rig_tally()->operations >= least);
    assert_int_equal(origin_counts(rig.ends[0].host->origin)->bad_bytes, 0);
    assert_true(sl_stat_read(&sl_worker_stats(rig.ends[1].worker)->ctr[SL_CTR_PROXY_FRONTS]) >=
                rig_tally()->handshakes);
}

static void requests_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_REQUEST, 500);
}

static void connections_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_HANDSHAKE, 300);
}

static void downloads_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_DOWNLOAD, 16);
}

static void uploads_pass_through_sluice(void **state)
{
    (void)state;
    run_through(LOAD_UPLOAD, 16);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(requests_pass_through_sluice), T(connections_pass_through_sluice),
                                       T(downloads_pass_through_sluice), T(uploads_pass_through_sluice)};

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
