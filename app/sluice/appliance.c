#define _GNU_SOURCE
#include "appliance.h"

#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"

#define POLL_MS 100                   /* how late a signal or a line of the log may be */
#define ABORT_NS (100 * SL_NS_PER_MS) /* for resets to leave after the deadline of a drain */

void appliance_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

static void pause_ms(unsigned ms)
{
    const struct timespec t = {.tv_nsec = (long)(ms * SL_NS_PER_MS)};

    nanosleep(&t, NULL);
}

/* ---- shards ---- */

static void want(struct appliance *a, enum phase phase)
{
    if (!a->launched)
        return;
    __atomic_store_n(&a->phase, (uint32_t)phase, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < a->n_workers; i++) {
        if (a->ports)
            sl_ports_wake(a->ports, i);
        while (__atomic_load_n(&a->shards[i].reached, __ATOMIC_ACQUIRE) <= (uint32_t)phase)
            pause_ms(1);
    }
}

static void describe(struct appliance *a, uint32_t i)
{
    struct shard *s = &a->shards[i];

    *s = (struct shard){.ports = a->ports, .cycles = a->cycles[i], .wanted = &a->phase};
    s->params = (struct sl_worker_params){
        .id = i,
        .n_workers = a->n_workers,
        .socket = (int)rte_lcore_to_socket_id(i + 1),
        .steer = sl_ports_steer(a->ports),
        .conns_max = (uint32_t)a->conf->limits.connections.v,
        .time_wait_ns = a->conf->tcp.time_wait_ns.v,
        .rto_min_ns = a->conf->tcp.min_rto_ns.v,
        .keylog = sl_port_append,
        /* The ports have up to half of the memory; some is left to DPDK itself. */
        .mbufs = sl_worker_mbufs(a->conf->dpdk.memory_bytes.v / 16 * 7 / a->n_workers),
    };
    s->params.ifaces = sl_ports_ifaces(a->ports, &s->params.n_ifaces);
    sl_crypto_random(&s->params.seed, sizeof s->params.seed);
}

static int start_shards(struct appliance *a, struct sl_err *err)
{
    a->shards = aligned_alloc(SL_CACHE_LINE, a->n_workers * sizeof a->shards[0]);
    if (!a->shards)
        return sl_err_set(err, -ENOMEM, "no memory for %u workers", a->n_workers);
    for (uint32_t i = 0; i < a->n_workers; i++)
        describe(a, i);
    for (uint32_t i = 0; i < a->n_workers; i++) {
        int code = rte_eal_remote_launch(shard_main, &a->shards[i], i + 1);

        assert(code == 0); /* nothing runs there yet */
        (void)code;
    }
    a->launched = true;
    want(a, PHASE_MADE);
    for (uint32_t i = 0; i < a->n_workers; i++) {
        if (a->shards[i].failed < 0) {
            *err = a->shards[i].err;
            return a->shards[i].failed;
        }
        a->workers[i] = a->shards[i].worker;
        a->stats[i] = sl_worker_events(a->workers[i]);
    }
    return 0;
}

/* ---- start ---- */

/* Which tier each kind of work runs on (a machine without the fast ones works, and says so); `sluicectl crypto` has the rest. */
static void say_tiers(void)
{
    fprintf(stderr, "sluice: crypto: X25519 %s, P-256 %s, P-384 %s, RSA %s, AES-GCM %s, ChaCha20-Poly1305 %s\n",
            sl_op_best(SL_OP_X25519_AGREE)->name, sl_op_best(SL_OP_P256_SIGN)->name, sl_op_best(SL_OP_P384_SIGN)->name,
            sl_op_best(SL_OP_RSA2048_PRIVATE)->name, sl_aead_best(SL_AEAD_AES_128_GCM)->name,
            sl_aead_best(SL_AEAD_CHACHA20_POLY1305)->name);
}

static int start_ctl(struct appliance *a, struct sl_conf *first, struct sl_err *err)
{
    struct sl_ctl_params params = {
        .socket_path = a->conf->control.socket.s,
        .workers = a->workers,
        .cycles = (const uint64_t(*)[SL_STEP_COUNT])a->cycles,
        .n_workers = a->n_workers,
        .ports = a->ports,
        .version = SLUICE_VERSION,
        .conf_path = a->conf_path,
        .conf = first,
        .log_fd = 2,
    };
    int code = sl_ctl_create(&params, &a->ctl, err);

    if (code == 0)
        a->unowned = NULL;
    return code;
}

int appliance_start(struct appliance *a, struct sl_conf *first, struct sl_err *err)
{
    char path[512];
    int code;

    a->unowned = first;
    a->n_workers = a->conf->workers.n_cores;
    if (a->n_workers > SL_WORKERS_MAX)
        return sl_err_set(err, -EINVAL, "%u workers are more than the %d that are possible", a->n_workers,
                          SL_WORKERS_MAX);
    code = sl_port_eal_start(a->conf, "sluice", err);
    if (code < 0)
        return code;
    a->eal = true;
    code = sl_ports_open(a->conf, a->xdp_object ? a->xdp_object : sl_port_xdp_object(path, sizeof path), a->n_workers,
                         a->stats, &a->ports, err);
    if (code == 0)
        code = start_shards(a, err);
    if (code == 0)
        code = sl_ports_start(a->ports, err);
    if (code < 0)
        return code;
    say_tiers();
    want(a, PHASE_SERVES);
    return start_ctl(a, first, err);
}

/* ---- serving ---- */

/* The next signal that waits; 0: none. */
static int take_signal(void)
{
    const struct timespec at_once = {0};
    sigset_t set;
    int sig;

    appliance_signals(&set);
    sig = sigtimedwait(&set, NULL, &at_once);
    return SL_MAX(sig, 0);
}

/* Until all connections have ended, the deadline is reached or a second signal says at once. */
static void drain(struct appliance *a)
{
    uint64_t until_ns = sl_port_now() + a->conf->limits.drain_timeout_ns.v;

    fprintf(stderr, "sluice: draining: no new connections, up to %llu s for old ones\n",
            (unsigned long long)(a->conf->limits.drain_timeout_ns.v / SL_NS_PER_S));
    sl_ctl_drain(a->ctl);
    while (!sl_ctl_drained(a->ctl) && sl_port_now() < until_ns) {
        int sig = take_signal();

        if (sig == SIGTERM || sig == SIGINT)
            break;
        sl_ctl_poll(a->ctl, POLL_MS);
    }
    if (sl_ctl_drained(a->ctl))
        return;
    fprintf(stderr, "sluice: connections that are left are reset\n");
    sl_ctl_abort(a->ctl);
    until_ns = sl_port_now() + ABORT_NS;
    while (sl_port_now() < until_ns)
        sl_ctl_poll(a->ctl, 10);
}

void appliance_serve(struct appliance *a)
{
    fprintf(stderr, "sluice: ready: %u worker%s, control socket %s\n", a->n_workers, a->n_workers == 1 ? "" : "s",
            a->conf->control.socket.s);
    for (;;) {
        int sig = take_signal();

        if (sig == SIGTERM || sig == SIGINT)
            break;
        if (sig == SIGHUP)
            (void)sl_ctl_reload(a->ctl, NULL, 0);
        sl_ctl_poll(a->ctl, POLL_MS);
    }
    drain(a);
    fprintf(stderr, "sluice: ends\n");
}

/* ---- stop ---- */

void appliance_stop(struct appliance *a)
{
    if (a->ctl)
        sl_ctl_close(a->ctl);
    want(a, PHASE_STANDS);
    if (a->ports)
        sl_ports_close(a->ports);
    a->ports = NULL;
    want(a, PHASE_GONE);
    if (a->launched)
        rte_eal_mp_wait_lcore();
    sl_ctl_destroy(a->ctl);
    sl_conf_free(a->unowned);
    free(a->shards);
    if (a->eal)
        sl_port_eal_stop();
}
