/* Clock, samples and output of the benchmarks. */
#define _GNU_SOURCE
#include "bench.h"

#include <mbedtls/version.h>
#include <openssl/crypto.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "crypto/crypto.h"
#include "helpers/helpers.h"

void bm_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* ---- options ---- */

static bool profiled;

void bm_role(const char *role)
{
    if (profiled)
        prctl(PR_SET_NAME, role);
}

static void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--seconds N] [--quick] [--variant PREFIX] [--who NAME] [--in-flight N] [--burst N]\n"
            "       [--profile]\n",
            program);
    exit(2);
}

void bm_start(struct bm_options *o, int argc, char **argv)
{
    *o = (struct bm_options){0};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--quick") == 0 || strcmp(argv[i], "--profile") == 0) {
            o->quick |= argv[i][2] == 'q';
            profiled |= argv[i][2] == 'p';
            continue;
        }
        if (!value)
            usage(argv[0]);
        if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--variant") == 0)
            o->variant = value;
        else if (strcmp(argv[i], "--who") == 0)
            o->who = value;
        else if (strcmp(argv[i], "--in-flight") == 0)
            o->in_flight = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--burst") == 0)
            o->burst = (unsigned)strtoul(value, NULL, 10);
        else
            usage(argv[0]);
        i++;
    }
    th_eal_init();
    bm_must(sl_crypto_thread_start(NULL) == 0, "PSA does not start");
}

bool bm_wanted(const char *only, const char *name) { return !only || strncmp(only, name, strlen(only)) == 0; }

/* ---- time ---- */

double bm_us(double cycles) { return cycles * 1e6 / (double)rte_get_tsc_hz(); }

uint64_t bm_now_ns(void) { return (uint64_t)((double)rte_rdtsc() * 1e9 / (double)rte_get_tsc_hz()); }

uint64_t bm_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * SL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double between(uint64_t (*clock)(void))
{
    struct bm_series s = {0};
    double median;

    for (int i = 0; i < 10000; i++) {
        uint64_t begin = clock();

        bm_add(&s, (double)(clock() - begin));
    }
    median = bm_quantile(&s, 0.5);
    bm_series_free(&s);
    return median;
}

static uint64_t cycles(void) { return bm_cycles(); }

double bm_empty_cycles(void)
{
    static double known;

    return known > 0 ? known : (known = between(cycles));
}

double bm_empty_cpu_ns(void)
{
    static double known;

    return known > 0 ? known : (known = between(bm_cpu_ns));
}

uint64_t bm_switches(void)
{
    struct rusage use;

    getrusage(RUSAGE_THREAD, &use);
    return (uint64_t)use.ru_nivcsw;
}

/* ---- samples ---- */

void bm_add(struct bm_series *s, double v)
{
    if (s->n == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->v = realloc(s->v, s->room * sizeof *s->v);
        bm_must(s->v != NULL, "out of memory");
    }
    s->v[s->n++] = v;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bm_quantile(const struct bm_series *s, double q)
{
    if (!s->n)
        return 0;
    qsort(s->v, s->n, sizeof *s->v, ascending);
    return s->v[SL_MIN((uint32_t)(q * s->n), s->n - 1)];
}

void bm_series_free(struct bm_series *s)
{
    free(s->v);
    *s = (struct bm_series){0};
}

/* ---- output ---- */

static bool in_figure, first_figure;

static void put_text(const char *s)
{
    putchar('"');
    for (; *s; s++)
        if ((unsigned char)*s >= ' ' && *s != '"' && *s != '\\')
            putchar(*s);
    putchar('"');
}

/* The first line of /proc/cpuinfo that begins so, without what stands before the colon; "": none. */
static const char *cpu_line(const char *begins)
{
    static char line[4096];
    FILE *f = fopen("/proc/cpuinfo", "r");
    const char *found = "";

    while (f && !*found && fgets(line, sizeof line, f))
        if (strncmp(line, begins, strlen(begins)) == 0 && strchr(line, ':'))
            found = strchr(line, ':') + 2;
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = 0;
    return found;
}

/* What decides about backends, as Linux names it, x86 first, then Arm. */
static void put_features(void)
{
    static const char *const known[] = {"aes",  "sha_ni",     "avx2", "avx512f", "avx512ifma",
                                        "vaes", "vpclmulqdq", "gfni", "pmull",   "sha2"};
    char flags[4096];
    const char *sep = "";

    snprintf(flags, sizeof flags, "%s", cpu_line("flags"));
    if (!*flags)
        snprintf(flags, sizeof flags, "%s", cpu_line("Features"));
    for (char *word = strtok(flags, " "); word; word = strtok(NULL, " "))
        for (uint32_t i = 0; i < SL_ARRAY_LEN(known); i++)
            if (strcmp(word, known[i]) == 0) {
                printf("%s\"%s\"", sep, word);
                sep = ",";
            }
}

static void put_tier(void)
{
    for (int id = 0; id < SL_AEAD_COUNT; id++)
        printf("%s\"%s\":\"%s\"", id ? "," : "", sl_aead_name[id], sl_aead_best((enum sl_aead_id)id)->name);
    for (int kind = 0; kind < SL_OP_KIND_COUNT; kind++)
        printf(",\"%s\":\"%s\"", sl_op_name[kind], sl_op_best((enum sl_op_kind)kind)->name);
}

void bm_begin(const char *bench)
{
    double load[3] = {0};

    printf("{\"bench\":\"%s\",\"machine\":{\"cpu\":", bench);
    put_text(cpu_line("model name"));
    printf(",\"features\":[");
    put_features();
    printf("],\"tsc_hz\":%.0f", (double)rte_get_tsc_hz());
    if (getloadavg(load, 3) == 3)
        printf(",\"load\":[%.2f,%.2f,%.2f]", load[0], load[1], load[2]);
    printf(",\"compiler\":");
    put_text(__VERSION__);
    printf(",\"native\":%s", BENCH_NATIVE ? "true" : "false");
    printf(",\"dpdk\":");
    put_text(rte_version());
    printf(",\"mbedtls\":");
    put_text(MBEDTLS_VERSION_STRING);
    printf(",\"openssl\":");
    put_text(OpenSSL_version(OPENSSL_VERSION));
    printf(",\"backends\":{");
    put_tier();
    printf("}},\"figures\":[");
    first_figure = true;
}

void bm_figure(const char *name)
{
    printf("%s%s\n{\"name\":", in_figure ? "}" : "", first_figure ? "" : ",");
    put_text(name);
    in_figure = true;
    first_figure = false;
    fflush(stdout);
}

void bm_text(const char *key, const char *value)
{
    printf(",\"%s\":", key);
    put_text(value);
}

void bm_number(const char *key, double value) { printf(",\"%s\":%.6g", key, value); }

void bm_spread(const char *key, const struct bm_series *s)
{
    printf(",\"%s\":{\"median\":%.6g,\"min\":%.6g,\"p10\":%.6g,\"p90\":%.6g,\"samples\":%u}", key, bm_quantile(s, 0.5),
           bm_quantile(s, 0), bm_quantile(s, 0.1), bm_quantile(s, 0.9), s->n);
}

void bm_end(void)
{
    printf("%s\n]}\n", in_figure ? "}" : "");
    fflush(stdout);
}
