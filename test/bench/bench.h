/* bench: what the benchmarks share: a clock, samples, the output. A benchmark prints one JSON object: what it is, the
 * machine, and figures; scripts/bench makes tables and ratios of it. Other people use the machine too, so a figure is
 * many short samples: their median, with the least, the tenths and the number. What is measured from outside is measured
 * as processor time of the thread, so that the time of others is not counted. May end the process. */
#ifndef BM_BENCH_H
#define BM_BENCH_H

#include <rte_cycles.h>

#include "base/base.h"

/* ---- options of the command line ---- */
struct bm_options {
    double seconds;      /* in all; 0: the benchmark's default */
    bool quick;          /* a sign of life in less than 2 s: figures mean nothing */
    const char *variant; /* only those whose name begins so; NULL: all */
    const char *who;     /* only this one; NULL: all */
    unsigned in_flight;  /* 0: the benchmark's default */
    unsigned burst;      /* 0: the benchmark's default */
};
/* Starts EAL and the thread's crypto too. Usage on stderr and exit status 2. */
void bm_start(struct bm_options *o, int argc, char **argv);
void bm_must(bool good, const char *what);
bool bm_wanted(const char *only, const char *name);

/* With --profile: names the thread, so that `perf report --comm server` shows what the server does and nothing else. */
void bm_role(const char *role);

/* ---- time ---- */
static inline uint64_t bm_cycles(void) { return rte_rdtsc(); }
double bm_us(double cycles);
uint64_t bm_now_ns(void); /* monotonic, from the same counter */
/* What a pair of bm_cycles around nothing measures, in cycles. */
double bm_empty_cycles(void);
/* Processor time of this thread, for stretches of some microseconds and more, and what a pair of it measures. */
uint64_t bm_cpu_ns(void);
double bm_empty_cpu_ns(void);
/* How often the kernel has given the processor to somebody else so far. */
uint64_t bm_switches(void);

/* ---- samples ---- */
struct bm_series {
    double *v;
    uint32_t n, room;
};
void bm_add(struct bm_series *s, double v);
/* q of 0 to 1; 0 when it is empty. */
double bm_quantile(const struct bm_series *s, double q);
void bm_series_free(struct bm_series *s);

/* ---- output ---- */
void bm_begin(const char *bench);
void bm_figure(const char *name); /* begins one; the next fields are its */
void bm_text(const char *key, const char *value);
void bm_number(const char *key, double value);
void bm_spread(const char *key, const struct bm_series *s);
void bm_end(void);

#endif
