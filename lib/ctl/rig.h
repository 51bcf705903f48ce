/* A control thread over a real worker that runs on a thread of its own, for tests of ctl. */
#ifndef SL_CTL_RIG_H
#define SL_CTL_RIG_H

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
#include "port/internal.h" /* no EAL of port's starts the clock here */

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
    const char *more; /* what the configuration has behind `text` at first */
};

/* A worker is made, run and destroyed by one thread. */
static inline void *worker_main(void *arg)
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

static inline void write_conf(const struct rig *r, const char *more)
{
    FILE *f = fopen(r->conf_path, "w");

    assert_non_null(f);
    assert_true(fwrite(text, 1, sizeof text - 1, f) + fwrite(more, 1, strlen(more), f) > 0);
    assert_int_equal(fclose(f), 0);
}

static inline struct sl_conf *load(const struct rig *r)
{
    static struct sl_conf_errors errs;
    struct sl_conf *conf;

    errs.n = 0;
    conf = sl_conf_load(r->conf_path, &errs);
    assert_non_null(conf);
    return conf;
}

static inline struct sl_ctl_params params_of(struct rig *r, struct sl_conf *conf)
{
    return (struct sl_ctl_params){.socket_path = r->socket_path,
                                  .workers = &r->worker,
                                  .cycles = (const uint64_t(*)[SL_STEP_COUNT])r->cycles,
                                  .n_workers = 1,
                                  .version = "0.0.1",
                                  .conf_path = r->conf_path,
                                  .conf = conf,
                                  .log_fd = r->log_fd,
                                  .watch_ns = SL_NS_PER_MS};
}

/* Begins: all that stands before the control thread's own. */
static inline struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/sluice-ctl-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->conf_path, sizeof r->conf_path, "%s/sluice.yaml", r->dir);
    (void)snprintf(r->socket_path, sizeof r->socket_path, "%s/run/sluice.sock", r->dir);
    return r;
}

static inline void rig_start(struct rig *r)
{
    static const uint8_t key[40] = {1, 2, 3};
    struct sl_ctl_params params;
    struct sl_err err;

    port_clock_start();
    r->log_fd = open(r->dir, O_TMPFILE | O_RDWR, 0600);
    assert_true(r->log_fd >= 0);
    assert_int_equal(sl_steer_init(&r->steer, key, sizeof key, NULL, 0, 1), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, worker_main, r), 0);
    for (int i = 0; i < 5000 && !__atomic_load_n(&r->worker, __ATOMIC_ACQUIRE); i++)
        usleep(1000);
    assert_non_null(r->worker);
    write_conf(r, r->more ? r->more : "");
    params = params_of(r, load(r));
    if (sl_ctl_create(&params, &r->ctl, &err))
        fail_msg("%s", err.text);
}

static inline int setup(void **state)
{
    struct rig *r = rig_new();

    rig_start(r);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
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

static inline int dial(const struct rig *r)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", r->socket_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* Asks, lets the control thread serve, and returns the whole answer. */
static inline const char *ask(struct rig *r, const char *request)
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

static inline const char *read_log(const struct rig *r)
{
    static char log[65536];
    ssize_t n = pread(r->log_fd, log, sizeof log - 1, 0);

    assert_true(n >= 0);
    log[n] = 0;
    return log;
}

#endif
