/* A host made of lib/port and lib/net alone, for xdp_test: answers ARP, neighbour solicitations and pings on every interface of a configuration until SIGTERM, then
 * prints what it counted. Its workers hand frames to one another as the appliance's do. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "port/port.h"
#include "worker/worker.h"

static volatile sig_atomic_t stop;
static struct sl_ports *ports;
static struct sl_stats *stats[SL_WORKERS_MAX];
static uint32_t n_workers;

static void on_signal(int signo) { stop = signo; }

static void turn(uint32_t worker, struct sl_net *net, uint32_t n_ifaces)
{
    static __thread struct sl_net_batch batch;
    struct rte_mbuf *frames[SL_NET_BURST];
    uint64_t now = sl_port_now();
    uint32_t moved = 0, n;

    for (uint32_t i = 0; i < n_ifaces; i++) {
        n = sl_ports_rx(ports, worker, (uint8_t)i, frames, SL_NET_BURST);
        batch.n_segs = batch.n_errs = 0;
        sl_net_input(net, (uint8_t)i, frames, n, now, &batch);
        for (uint32_t s = 0; s < batch.n_segs; s++)
            rte_pktmbuf_free(batch.segs[s].mbuf);
        moved += n;
    }
    sl_net_timers(net, now);
    for (uint32_t i = 0; i < n_ifaces; i++) {
        n = sl_net_tx(net, (uint8_t)i, frames, SL_NET_BURST);
        sl_ports_tx(ports, worker, (uint8_t)i, frames, n);
        moved += n;
    }
    sl_ports_flush(ports, worker);
    if (!moved)
        sl_ports_wait(ports, worker, sl_net_next(net));
}

static int run(void *arg)
{
    uint32_t worker = (uint32_t)(uintptr_t)arg, n_ifaces;
    struct sl_net_params params = {
        .ifaces = sl_ports_ifaces(ports, &n_ifaces), .answers = worker == 0, .stats = stats[worker], .seed = worker};
    struct sl_err err = {""};
    struct sl_net *net = NULL;
    char name[16];

    sl_worker_thread_is(worker);
    snprintf(name, sizeof name, "host%u", worker);
    params.n_ifaces = n_ifaces;
    params.pool = sl_worker_pool_create(name, worker, 4096, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY, &err);
    if (!params.pool || sl_net_create(&params, &net, &err) < 0) {
        fprintf(stderr, "worker %u: %s\n", worker, err.text);
        return 3;
    }
    while (!stop)
        turn(worker, net, n_ifaces);
    sl_net_destroy(net);
    return 0;
}

static void report(void)
{
    for (uint32_t w = 0; w < n_workers; w++) {
        for (uint32_t i = 0; i < SL_CTR_COUNT; i++)
            if (stats[w]->ctr[i])
                printf("%u %s %" PRIu64 "\n", w, sl_ctr_info[i].name, stats[w]->ctr[i]);
        for (uint32_t i = 0; i < SL_DROP_COUNT; i++)
            if (stats[w]->drop[i])
                printf("%u drop.%s %" PRIu64 "\n", w, sl_drop_info[i].name, stats[w]->drop[i]);
    }
}

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 3;
}

static int serve(const struct sl_conf *conf)
{
    struct sl_err err = {""};
    char object[600];
    int code = 0;

    n_workers = conf->workers.n_cores;
    for (uint32_t w = 0; w < n_workers; w++)
        if (!(stats[w] = calloc(1, sizeof *stats[w])))
            return fail("no memory");
    /* Two folders up from the program, as the appliance is, the object is found by itself; this one stands elsewhere in the build. */
    snprintf(object, sizeof object, "%s", getenv("SLUICE_XDP_OBJECT") ? getenv("SLUICE_XDP_OBJECT") : "");
    if (sl_ports_open(conf, object[0] ? object : sl_port_xdp_object(object, sizeof object), n_workers, stats, &ports,
                      &err) < 0)
        return fail(err.text);
    if (sl_ports_start(ports, &err) < 0) {
        sl_ports_close(ports);
        return fail(err.text);
    }
    for (uint32_t w = 0; w < n_workers; w++)
        rte_eal_remote_launch(run, (void *)(uintptr_t)w, w + 1);
    puts("ready");
    fflush(stdout);
    while (!stop)
        usleep(10000); /* waiting for a worker would spin */
    for (uint32_t w = 0; w < n_workers; w++) {
        sl_ports_wake(ports, w);
        code |= rte_eal_wait_lcore(w + 1);
    }
    sl_ports_close(ports);
    report();
    return code;
}

int main(int argc, char **argv)
{
    static struct sl_conf_errors errs;
    struct sl_err err = {""};
    struct sl_conf *conf;
    char text[512];
    int code;

    signal(SIGTERM, on_signal);
    conf = argc == 2 ? sl_conf_load(argv[1], &errs) : NULL;
    if (!conf)
        return fail(errs.n ? sl_conf_error_format(&errs, 0, text, sizeof text) : "usage: xdp_host FILE");
    if (sl_port_eal_start(conf, "xdp_host", &err) < 0)
        return fail(err.text);
    code = serve(conf);
    sl_port_eal_stop();
    sl_conf_free(conf);
    return code;
}
