/* The control thread against a real worker that runs on a thread of its own: what a client of the socket is told, and what a reload changes. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ctl/ctl.h"
#include "helpers/helpers.h"

static const char text[] = "workers: { cores: [0] }\n"
                           "interfaces:\n"
                           "  - { name: front, device: \"vdev:null\", addresses: [198.18.0.10/24] }\n"
                           "upstreams:\n"
                           "  - { name: app, servers: [\"198.18.0.2:8080\"] }\n"
                           "listeners:\n"
                           "  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";

struct rig {
    char dir[64], conf_path[96], socket_path[96];
    struct sl_steer steer;
    struct sl_worker *worker;
    uint64_t cycles[1][SL_STEP_COUNT];
    pthread_t thread;
    bool stop;
    struct sl_ctl *ctl;
    int log_fd;
};

/* A worker is made, run and destroyed by one thread. */
static void *worker_main(void *arg)
{
    struct rig *r = arg;
    struct sl_net_iface_conf iface = {.name = "front", .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500, .n_addrs = 1};
    struct sl_worker_params params = {.n_workers = 1,
                                      .socket = SOCKET_ID_ANY,
                                      .ifaces = &iface,
                                      .n_ifaces = 1,
                                      .steer = &r->steer,
                                      .conns_max = 64,
                                      .handshakes_max = 16,
                                      .mbufs = 1024,
                                      .seed = 1};
    struct sl_worker *w = NULL;
    struct sl_err err;

    sl_ip_parse("198.18.0.10", &iface.addrs[0].ip);
    iface.addrs[0].prefix_bits = 24;
    sl_worker_thread_is(0);
    if (sl_crypto_thread_start(&err) == 0 && sl_worker_create(&params, 1, &w, &err) == 0) {
        __atomic_store_n(&r->worker, w, __ATOMIC_RELEASE);
        while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
            struct sl_worker_time t = {.now = sl_port_now(), .wall_s = 1};

            sl_worker_run(w, &t);
            usleep(200);
        }
        sl_worker_destroy(w);
    } else {
        print_error("%s\n", err.text);
    }
    sl_crypto_thread_stop();
    return NULL;
}

static void write_conf(const struct rig *r, const char *more)
{
    FILE *f = fopen(r->conf_path, "w");

    assert_non_null(f);
    assert_true(fprintf(f, "%s%s", text, more) > 0);
    assert_int_equal(fclose(f), 0);
}

static struct sl_conf *load(const struct rig *r)
{
    static struct sl_conf_errors errs;
    struct sl_conf *conf;

    errs.n = 0;
    conf = sl_conf_load(r->conf_path, &errs);
    assert_non_null(conf);
    return conf;
}

static struct sl_ctl_params params_of(struct rig *r, struct sl_conf *conf)
{
    return (struct sl_ctl_params){.socket_path = r->socket_path,
                                  .workers = &r->worker,
                                  .cycles = (const uint64_t(*)[SL_STEP_COUNT])r->cycles,
                                  .n_workers = 1,
                                  .version = "0.0.1",
                                  .conf_path = r->conf_path,
                                  .conf = conf,
                                  .log_fd = r->log_fd};
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    static const uint8_t key[40] = {1, 2, 3};
    struct sl_ctl_params params;
    struct sl_err err;

    assert_non_null(r);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/sluice-ctl-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->conf_path, sizeof r->conf_path, "%s/sluice.yaml", r->dir);
    (void)snprintf(r->socket_path, sizeof r->socket_path, "%s/run/sluice.sock", r->dir);
    r->log_fd = open(r->dir, O_TMPFILE | O_RDWR, 0600);
    assert_true(r->log_fd >= 0);
    assert_int_equal(sl_steer_init(&r->steer, key, sizeof key, NULL, 0, 1), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, worker_main, r), 0);
    for (int i = 0; i < 5000 && !__atomic_load_n(&r->worker, __ATOMIC_ACQUIRE); i++)
        usleep(1000);
    assert_non_null(r->worker);
    write_conf(r, "");
    params = params_of(r, load(r));
    if (sl_ctl_create(&params, &r->ctl, &err))
        fail_msg("%s", err.text);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    char command[128];

    sl_ctl_close(r->ctl);
    assert_int_equal(access(r->socket_path, F_OK), -1);
    __atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
    pthread_join(r->thread, NULL);
    sl_ctl_destroy(r->ctl);
    sl_steer_free(&r->steer);
    close(r->log_fd);
    unlink(r->conf_path);
    (void)snprintf(command, sizeof command, "%s/run", r->dir);
    rmdir(command);
    assert_int_equal(rmdir(r->dir), 0);
    free(r);
    return 0;
}

static int dial(const struct rig *r)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", r->socket_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* Asks, lets the control thread serve, and returns the whole answer. */
static const char *ask(struct rig *r, const char *request)
{
    static char answer[65536];
    size_t len = 0;
    int fd = dial(r);

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    for (int i = 0; i < 2000; i++) {
        ssize_t n;

        sl_ctl_poll(r->ctl, 1);
        n = read(fd, answer + len, sizeof answer - 1 - len);
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        assert_true(i < 1999);
    }
    close(fd);
    answer[len] = 0;
    return answer;
}

static const char *read_log(const struct rig *r)
{
    static char log[65536];
    ssize_t n = pread(r->log_fd, log, sizeof log - 1, 0);

    assert_true(n >= 0);
    log[n] = 0;
    return log;
}

static void stats_as_json_have_workers_counters_and_drops(void **state)
{
    const char *answer = ask(*state, "stats json\n");

    assert_ptr_equal(strstr(answer, "ok\n{\"workers\":[{\"id\":0,\"counters\":{\""), answer);
    assert_non_null(strstr(answer, "],\"counters\":{"));
    assert_non_null(strstr(answer, "},\"drops\":{"));
    assert_string_equal(answer + strlen(answer) - 3, "}}\n");
}

static void workers_list_cycles_of_every_step(void **state)
{
    struct rig *r = *state;
    const char *answer;

    r->cycles[0][SL_STEP_PROXY] = 12345;
    answer = ask(r, "workers json\n");
    assert_non_null(strstr(answer, "\"proxy\":12345"));
    for (uint32_t s = 0; s < SL_STEP_COUNT; s++)
        assert_non_null(strstr(answer, sl_worker_step_name[s]));
}

static void empty_lists_are_whole_json(void **state)
{
    assert_string_equal(ask(*state, "conns json\n"), "ok\n{\"conns\":[]}\n");
    assert_string_equal(ask(*state, "neighbours json\n"), "ok\n{\"neighbours\":[]}\n");
}

static void unknown_command_is_an_error_without_unprintable_bytes(void **state)
{
    const char *answer = ask(*state, "no\033such\n");

    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_null(strchr(answer, '\033'));
    assert_non_null(strstr(answer, "no?such"));
    assert_ptr_equal(strstr(ask(*state, "\n"), "error\n"), ask(*state, "\n"));
}

static void unknown_command_answers_in_json_where_json_is_asked(void **state)
{
    assert_string_equal(ask(*state, "no\"such json\n"),
                        "error\n{\"error\":\"no such command: no\\\"such; help lists them\"}\n");
}

static void endless_request_is_dropped(void **state)
{
    struct rig *r = *state;
    char rubbish[1024];
    int fd = dial(r);
    ssize_t n = -1;

    memset(rubbish, 'x', sizeof rubbish);
    assert_int_equal(write(fd, rubbish, sizeof rubbish), sizeof rubbish);
    for (int i = 0; i < 100 && n < 0; i++) {
        sl_ctl_poll(r->ctl, 1);
        n = read(fd, rubbish, sizeof rubbish);
        if (n < 0 && errno == ECONNRESET)
            n = 0;
    }
    assert_int_equal(n, 0);
    close(fd);
}

static void fifteen_silent_clients_hold_up_nobody(void **state)
{
    struct rig *r = *state;
    int fds[15];

    for (size_t i = 0; i < SL_ARRAY_LEN(fds); i++)
        fds[i] = dial(r);
    sl_ctl_poll(r->ctl, 1);
    assert_string_equal(ask(r, "version text\n"), "ok\nsluice 0.0.1\n");
    for (size_t i = 0; i < SL_ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void socket_is_for_its_owner_only(void **state)
{
    struct rig *r = *state;
    struct stat st;

    assert_int_equal(stat(r->socket_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void second_appliance_on_the_socket_is_refused(void **state)
{
    struct rig *r = *state;
    struct sl_conf *conf = load(r);
    struct sl_ctl_params params = params_of(r, conf);
    struct sl_ctl *second = NULL;
    struct sl_err err;

    assert_int_equal(sl_ctl_create(&params, &second, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "another sluice answers there"));
    sl_conf_free(conf);
}

static void bad_reload_tells_line_and_column_and_keeps_the_old(void **state)
{
    struct rig *r = *state;
    const char *answer;

    write_conf(r, "listenerz: []\n");
    answer = ask(r, "reload text\n");
    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_non_null(strstr(answer, "sluice.yaml:8:1: "));
    assert_non_null(strstr(read_log(r), "sluice.yaml:8:1: "));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
}

static void good_reload_is_the_next_generation(void **state)
{
    struct rig *r = *state;

    write_conf(r, "limits: { drain_timeout: 5s }\n");
    assert_non_null(strstr(ask(r, "reload json\n"), "ok\n{\"generation\":2,"));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":2,"));
}

static void many_reloads_without_connections_keep_no_old_configuration(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 30; i++)
        assert_int_equal(sl_ctl_reload(r->ctl, NULL, 0), 0);
}

static void key_that_needs_a_restart_is_named(void **state)
{
    struct rig *r = *state;
    const char *answer;

    write_conf(r, "control: { socket: other.sock }\n");
    answer = ask(r, "reload text\n");
    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_non_null(strstr(answer, "restart"));
}

static void drained_when_no_connection_is_left(void **state)
{
    struct rig *r = *state;

    sl_ctl_drain(r->ctl);
    assert_true(sl_ctl_drained(r->ctl));
    sl_ctl_abort(r->ctl);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(stats_as_json_have_workers_counters_and_drops),
        T(workers_list_cycles_of_every_step),
        T(empty_lists_are_whole_json),
        T(unknown_command_is_an_error_without_unprintable_bytes),
        T(unknown_command_answers_in_json_where_json_is_asked),
        T(endless_request_is_dropped),
        T(fifteen_silent_clients_hold_up_nobody),
        T(socket_is_for_its_owner_only),
        T(second_appliance_on_the_socket_is_refused),
        T(bad_reload_tells_line_and_column_and_keeps_the_old),
        T(good_reload_is_the_next_generation),
        T(many_reloads_without_connections_keep_no_old_configuration),
        T(key_that_needs_a_restart_is_named),
        T(drained_when_no_connection_is_left),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, NULL);
}
