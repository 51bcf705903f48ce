/* sluice-load: from the command line to the report. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "body.h"
#include "crypto/crypto.h"
#include "options.h"
#include "report.h"
#include "run.h"

/* Taken by the main thread when it looks for them; every other thread inherits the mask. */
static void hold_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    run_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void check_machine(const struct sl_conf *conf, struct sl_conf_errors *errs)
{
    (void)sl_conf_check_machine(conf, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), errs);
}

static struct sl_conf *load(const char *path)
{
    struct sl_conf_errors *errs = calloc(1, sizeof *errs);
    struct sl_conf *conf = errs ? sl_conf_load_machine(path, check_machine, errs) : NULL;
    char line[1024];

    for (uint32_t i = 0; errs && i < errs->n; i++)
        fprintf(stderr, "%s\n", sl_conf_error_format(errs, i, line, sizeof line));
    free(errs);
    return conf;
}

/* What the lean client leaves out. */
static void list_corners(const struct load_plan *plan, char shared[static 64], const char *corners[static 4])
{
    uint32_t n = 0;

    if (plan->n_flows && !plan->plain && plan->check != 1 && plan->share_uses > 1) {
        snprintf(shared, 64, "key share used %u times", plan->share_uses);
        corners[n++] = shared;
    }
    if (plan->n_flows && !plan->plain && (!plan->ca_path || plan->check != 1))
        corners[n++] = plan->ca_path && plan->check ? "certificates checked now and then" : "certificates not checked";
    if (plan->foreign)
        corners[n++] = "bytes of answers not checked";
    corners[n] = NULL;
}

static uint64_t failures_of(const struct run *r, const struct tally *flows)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < r->plan->n_flows; i++)
        n += tally_failed(&flows[i]);
    for (uint32_t i = 0; i < r->n_workers; i++)
        if (r->shards[i].host->origin)
            n += origin_counts(r->shards[i].host->origin)->bad_bytes;
    return n;
}

/* What the origin found wrong goes beside the report, which is the client's. */
static void tell_origin(const struct run *r)
{
    struct origin_counts sum = {0};

    for (uint32_t i = 0; i < r->n_workers; i++) {
        const struct origin_counts *c = r->shards[i].host->origin ? origin_counts(r->shards[i].host->origin) : NULL;

        sum.requests += c ? c->requests : 0;
        sum.bad_bytes += c ? c->bad_bytes : 0;
        sum.bad_heads += c ? c->bad_heads : 0;
        sum.refused += c ? c->refused : 0;
    }
    if (!r->plan->n_flows || sum.bad_bytes || sum.bad_heads || sum.refused)
        fprintf(stderr, "origin: %llu requests, %llu with wrong bytes, %llu not understood, %llu connections refused\n",
                (unsigned long long)sum.requests, (unsigned long long)sum.bad_bytes, (unsigned long long)sum.bad_heads,
                (unsigned long long)sum.refused);
}

static int tell(const struct run *r)
{
    struct tally *flows = calloc(SL_MAX(r->plan->n_flows, 1), sizeof *flows);
    double busy[SL_WORKERS_MAX];
    char shared[64];
    const char *corners[4];
    struct report report = {.plan = r->plan,
                            .seconds = r->seconds,
                            .flows = flows,
                            .corners = corners,
                            .busy = busy,
                            .n_workers = r->n_workers};
    int status;

    if (!flows)
        return EXIT_MACHINE;
    for (uint32_t i = 0; i < r->plan->n_flows; i++)
        run_tally(r, i, &flows[i]);
    for (uint32_t i = 0; i < r->n_workers; i++)
        busy[i] = r->shards[i].all_cycles ? (double)r->shards[i].busy_cycles / (double)r->shards[i].all_cycles : 0;
    list_corners(r->plan, shared, corners);
    (r->plan->json ? report_json : report_text)(stdout, &report);
    tell_origin(r);
    status = failures_of(r, flows) ? EXIT_FAILURES : EXIT_GOOD;
    free(flows);
    return fflush(stdout) == 0 ? status : EXIT_MACHINE;
}

static int run(const struct load_plan *plan, struct sl_conf *conf)
{
    struct sl_err err = {""};
    struct run *r = calloc(1, sizeof *r);
    int status = EXIT_MACHINE;

    if (!r)
        return EXIT_MACHINE;
    r->plan = plan;
    r->conf = conf;
    if (run_start(r, &err) < 0) {
        fprintf(stderr, "sluice-load: %s\n", err.text);
    } else {
        run_watch(r);
        status = tell(r);
    }
    run_stop(r);
    free(r);
    return status;
}

int main(int argc, char **argv)
{
    static struct load_plan plan;
    struct sl_err err = {""};
    struct sl_conf *conf;
    int status = options_parse(&plan, argc, argv);

    if (status >= 0)
        return status;
    conf = load(plan.conf_path);
    if (!conf)
        return EXIT_MACHINE;
    hold_signals();
    body_init();
    status = EXIT_MACHINE;
    if (sl_crypto_thread_start(&err) < 0) {
        fprintf(stderr, "sluice-load: %s\n", err.text);
    } else {
        status = run(&plan, conf);
        sl_crypto_thread_stop();
    }
    sl_conf_free(conf);
    return status;
}
