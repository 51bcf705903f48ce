#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"
#include "progress.h"

#define LINK_NS (5 * SL_NS_PER_S) /* for devices to have a link: a memif's other end may start later */
#define POLL_NS (5 * SL_NS_PER_MS)
#define CA_MAX_BYTES (1l << 20)
#define STOP_NS (5 * SL_NS_PER_S)     /* for what is open to be reset */
#define ASKED_NS (60 * SL_NS_PER_S)   /* for a tenth of what is held to answer */
#define LINGER_NS (20 * SL_NS_PER_MS) /* for the last resets to leave */

void run_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
}

/* The next signal within that time; 0: none. */
static int wait_signal(uint64_t ns)
{
    const struct timespec span = {.tv_sec = (time_t)(ns / SL_NS_PER_S), .tv_nsec = (long)(ns % SL_NS_PER_S)};
    sigset_t set;
    int sig;

    run_signals(&set);
    sig = sigtimedwait(&set, NULL, &span);
    return SL_MAX(sig, 0);
}

static void pause_ns(uint64_t ns)
{
    const struct timespec span = {.tv_nsec = (long)ns};

    nanosleep(&span, NULL);
}

/* ---- shards ---- */

static void announce(struct run *r, enum phase phase)
{
    __atomic_store_n(&r->phase, (uint32_t)phase, __ATOMIC_RELEASE);
    for (uint32_t i = 0; r->ports && i < r->n_workers; i++)
        sl_ports_wake(r->ports, i);
}

static void want(struct run *r, enum phase phase)
{
    if (!r->launched)
        return;
    announce(r, phase);
    for (uint32_t i = 0; i < r->n_workers; i++)
        while (__atomic_load_n(&r->shards[i].reached, __ATOMIC_ACQUIRE) <= (uint32_t)phase)
            pause_ns(SL_NS_PER_MS);
}

/* The file's first settings, or what is built in for policy modern (the lean client knows TLS 1.3 only), with the authorities of the command line. */
static int read_tls(struct run *r, struct sl_err *err)
{
    FILE *f;
    long size = -1;

    r->tls = r->conf->tls[r->conf->n_tls > SL_POLICY_COUNT ? 0 : r->conf->n_tls - SL_POLICY_COUNT + SL_POLICY_MODERN];
    if (!r->plan->ca_path)
        return 0;
    f = fopen(r->plan->ca_path, "r");
    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size >= 0 && size <= CA_MAX_BYTES && (r->ca_pem = calloc(1, (size_t)size + 1)))
        rewind(f);
    if (!r->ca_pem || fread(r->ca_pem, 1, (size_t)size, f) != (size_t)size)
        size = -1;
    if (f)
        fclose(f);
    r->tls.client_ca_pem = (struct sl_conf_file){r->ca_pem, (size_t)size + 1};
    return size < 0 ? sl_err_set(err, -EINVAL, "--ca %s: it can't be read", r->plan->ca_path) : 0;
}

static void describe(struct run *r, uint32_t i)
{
    struct shard *s = &r->shards[i];

    *s = (struct shard){.ports = r->ports, .wanted = &r->phase, .count_at_ns = &r->count_at_ns};
    s->params = (struct host_params){
        .plan = r->plan,
        .conf = r->conf,
        .id = i,
        .n_workers = r->n_workers,
        .socket = (int)rte_lcore_to_socket_id(i + 1),
        .steer = sl_ports_steer(r->ports),
        .mbufs = sl_worker_mbufs(r->conf->dpdk.memory_bytes.v / 16 * 7 / r->n_workers),
        .tls = &r->tls,
    };
    s->params.ifaces = sl_ports_ifaces(r->ports, &s->params.n_ifaces);
    sl_crypto_random(&s->params.seed, sizeof s->params.seed);
}

static int start_shards(struct run *r, struct sl_err *err)
{
    r->shards = aligned_alloc(SL_CACHE_LINE, r->n_workers * sizeof r->shards[0]);
    if (!r->shards)
        return sl_err_set(err, -ENOMEM, "no memory for %u workers", r->n_workers);
    for (uint32_t i = 0; i < r->n_workers; i++)
        describe(r, i);
    for (uint32_t i = 0; i < r->n_workers; i++) {
        int code = rte_eal_remote_launch(shard_main, &r->shards[i], i + 1);

        assert(code == 0); /* nothing runs there yet */
        (void)code;
    }
    r->launched = true;
    want(r, PHASE_MADE);
    for (uint32_t i = 0; i < r->n_workers; i++) {
        if (r->shards[i].failed < 0) {
            *err = r->shards[i].err;
            return r->shards[i].failed;
        }
        r->stats[i] = &r->shards[i].host->stats;
    }
    return 0;
}

static bool holds(const struct run *r)
{
    for (uint32_t i = 0; i < r->plan->n_flows; i++)
        if (r->plan->flows[i].mode == LOAD_HOLD)
            return true;
    return false;
}

static void await_link(const struct run *r)
{
    uint64_t until_ns = sl_port_now() + LINK_NS;

    while (!sl_ports_linked(r->ports) && sl_port_now() < until_ns)
        pause_ns(SL_NS_PER_MS);
}

int run_start(struct run *r, struct sl_err *err)
{
    char path[512];
    const char *object = getenv("SLUICE_XDP_OBJECT");
    int code;

    r->n_workers = r->conf->workers.n_cores;
    if (r->n_workers > SL_WORKERS_MAX)
        return sl_err_set(err, -EINVAL, "%u workers are more than the %d that are possible", r->n_workers,
                          SL_WORKERS_MAX);
    code = read_tls(r, err);
    if (code == 0)
        code = sl_port_eal_start(r->conf, "sluice-load", err);
    if (code < 0)
        return code;
    r->eal = true;
    code = sl_ports_open(r->conf, object ? object : sl_port_xdp_object(path, sizeof path), r->n_workers, r->stats,
                         &r->ports, err);
    if (code == 0)
        code = start_shards(r, err);
    if (code == 0)
        code = sl_ports_start(r->ports, err);
    if (code == 0)
        await_link(r);
    return code;
}

/* ---- while it runs ---- */

void run_tally(const struct run *r, uint32_t flow, struct tally *out)
{
    memset(out, 0, sizeof *out);
    tally_clear(out);
    for (uint32_t i = 0; i < r->n_workers; i++)
        tally_merge(out, &r->shards[i].host->tallies[flow]);
}

static uint32_t sum_of(const struct run *r, uint32_t (*one)(const struct client *))
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->n_workers; i++)
        n += r->shards[i].host->client ? one(r->shards[i].host->client) : 0;
    return n;
}

static bool ends(int sig) { return sig == SIGTERM || sig == SIGINT; }

/* Waits until a time or a signal, which it returns, with progress told meanwhile. */
static int watch_until(struct run *r, struct progress *p, uint64_t until_ns)
{
    uint64_t now;

    while ((now = sl_port_now()) < until_ns) {
        int sig = wait_signal(SL_MIN(until_ns - now, POLL_NS));

        if (sig)
            return sig;
        progress_tell(p, r, sl_port_now());
    }
    return 0;
}

/* Until every shard has done with the phase. */
static void watch_flags(struct run *r, size_t flag_offset, uint64_t most_ns)
{
    uint64_t until_ns = sl_port_now() + most_ns;

    for (uint32_t i = 0; i < r->n_workers; i++) {
        const uint32_t *flag = (const uint32_t *)(const void *)((const char *)&r->shards[i] + flag_offset);

        while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE) && sl_port_now() < until_ns && !ends(wait_signal(SL_NS_PER_MS)))
            ;
    }
}

/* Everybody is connected, then idle until a signal or the end of the time, then a tenth is asked. */
static void watch_hold(struct run *r, struct progress *p)
{
    int sig = 0;

    while (!ends(sig) && sum_of(r, client_held) < sum_of(r, client_to_hold))
        sig = watch_until(r, p, sl_port_now() + POLL_NS);
    progress_clear(p);
    printf("{\"held\":%u,\"seconds\":%.3f}\n", sum_of(r, client_held), (double)(sl_port_now() - r->count_at_ns) / 1e9);
    fflush(stdout);
    if (!ends(sig))
        sig = watch_until(r, p, sl_port_now() + r->plan->duration_ns);
    if (ends(sig))
        return;
    announce(r, PHASE_ASKS);
    watch_flags(r, offsetof(struct shard, asked), ASKED_NS);
}

void run_watch(struct run *r)
{
    struct progress p;
    uint64_t stop_ns;

    progress_begin(&p, r->plan);
    r->count_at_ns = sl_port_now() + (holds(r) ? 0 : r->plan->warmup_ns);
    want(r, PHASE_RUNS);
    if (holds(r))
        watch_hold(r, &p);
    else
        while (!ends(watch_until(r, &p, r->count_at_ns + r->plan->duration_ns)) &&
               sl_port_now() < r->count_at_ns + r->plan->duration_ns)
            ; /* SIGUSR1 is for those that hold */
    stop_ns = sl_port_now();
    announce(r, PHASE_STOPS);
    r->seconds = stop_ns > r->count_at_ns ? (double)(stop_ns - r->count_at_ns) / 1e9 : 0;
    progress_clear(&p);
    progress_end(&p);
    watch_flags(r, offsetof(struct shard, stopped), STOP_NS);
    pause_ns(LINGER_NS);
}

/* ---- the end ---- */

void run_stop(struct run *r)
{
    want(r, PHASE_STANDS);
    if (r->ports)
        sl_ports_close(r->ports);
    r->ports = NULL;
    want(r, PHASE_GONE);
    if (r->launched)
        rte_eal_mp_wait_lcore();
    free(r->shards);
    free(r->ca_pem);
    if (r->eal)
        sl_port_eal_stop();
}
