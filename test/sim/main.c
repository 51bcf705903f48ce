/* sim [--topology pair|sluice] [--seeds N] [--first S] [--pcap FILE] [--show] | --grid STEP | --share CASE: runs
 * scenarios by seed, the grid, or flows that share a bottleneck. */
#include "sim.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const topology_name[SIM_TOPOLOGIES] = {[SIM_PAIR] = "pair", [SIM_SLUICE] = "sluice"};

struct args {
    uint64_t first, seeds;
    int topology; /* -1: all */
    const char *pcap, *program;
    bool show;
    uint32_t step;     /* grid: every how many cells; 0: no grid */
    const char *share; /* NULL: none */
};

/* For whoever looks at a crash: which run it was. */
static char running[256];

static void say_which(int sig)
{
    if (write(STDERR_FILENO, running, strlen(running)) < 0)
        _exit(2);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--topology pair|sluice] [--seeds N] [--first S] [--pcap FILE] [--show]\n"
            "       %s --grid STEP [--first CELL] [--show]\n"
            "       %s --share all|tests|CASE [--seeds N] [--first S] [--show]\n"
            "  --seeds     how many scenarios (default 100, or SLUICE_SIM_SEEDS)\n"
            "  --first     the first seed (default 1)\n"
            "  --pcap      write what every node sends; for one seed\n"
            "  --show      print each scenario, cell or case\n"
            "  --grid      every STEPth cell of the grid, from --first on; 1 is the whole\n"
            "  --share     flows at a bottleneck: a case with its control (eight-newreno), all, or those of the tests\n"
            "A seed that fails is run again with a pcap in the current folder (or SLUICE_SIM_DIR).\n",
            program, program, program);
    exit(2);
}

static int topology_of(const char *name, const char *program)
{
    for (int i = 0; i < SIM_TOPOLOGIES; i++)
        if (strcmp(topology_name[i], name) == 0)
            return i;
    usage(program);
    return -1;
}

static struct args parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"topology", 1, NULL, 't'}, {"seeds", 1, NULL, 'n'}, {"first", 1, NULL, 'f'},
        {"pcap", 1, NULL, 'p'},     {"show", 0, NULL, 's'},  {"grid", 1, NULL, 'g'},
        {"mean", 0, NULL, 'm'},     {"share", 1, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *env = getenv("SLUICE_SIM_SEEDS");
    struct args a = {.first = 1, .seeds = 100, .topology = -1, .program = argv[0]};

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 't')
            a.topology = topology_of(optarg, argv[0]);
        else if (c == 'n')
            a.seeds = strtoull(optarg, NULL, 0);
        else if (c == 'f')
            a.first = strtoull(optarg, NULL, 0);
        else if (c == 'p')
            a.pcap = optarg;
        else if (c == 'g')
            a.step = (uint32_t)strtoul(optarg, NULL, 0);
        else if (c == 'h')
            a.share = optarg;
        else if (c == 's')
            a.show = true;
        else
            usage(argv[0]);
    }
    if (env && !a.share)
        a.seeds = strtoull(env, NULL, 0);
    if (optind != argc || a.seeds == 0)
        usage(argv[0]);
    return a;
}

static bool run_once(const struct sim_scenario *sc, const char *pcap_path, char *failure, struct sim_counts *sum)
{
    struct th_pcap *pcap = pcap_path ? th_pcap_open(pcap_path) : NULL;
    struct sim_counts c = {0};
    bool good;

    if (pcap_path && !pcap)
        fprintf(stderr, "%s can't be written\n", pcap_path);
    good = sim_run(sc, pcap, failure, &c);
    th_pcap_close(pcap);
    for (size_t i = 0; i < sizeof c / sizeof(uint64_t); i++)
        ((uint64_t *)sum)[i] += ((uint64_t *)&c)[i];
    return good;
}

/* The same run again, with a pcap; the words of the first failure. */
static void report(const struct args *a, const struct sim_scenario *sc, const char *failure)
{
    const char *dir = getenv("SLUICE_SIM_DIR"), *topology = topology_name[sc->topology];
    char path[512], again[600];
    struct sim_counts ignored = {0};

    snprintf(path, sizeof path, "%s/sim-%s-%" PRIu64 ".pcap", dir ? dir : ".", topology, sc->seed);
    printf("FAILED: %s\n", failure);
    sim_scenario_print(sc);
    if (!a->pcap) {
        run_once(sc, path, again, &ignored);
        if (strcmp(again, failure) != 0)
            printf("  run again: %s\n", again[0] ? again : "no failure");
        printf("  packets: %s\n", path);
    }
    printf("  replay: %s --topology %s --first %" PRIu64 " --seeds 1 --pcap %s\n", a->program, topology, sc->seed,
           a->pcap ? a->pcap : path);
}

static bool run_topology(const struct args *a, enum sim_topology topology)
{
    static struct sim_scenario sc;
    static char failure[600];
    struct sim_counts sum = {0};

    for (uint64_t seed = a->first; seed < a->first + a->seeds; seed++) {
        snprintf(running, sizeof running, "\ncrashed in: --topology %s --first %" PRIu64 " --seeds 1\n",
                 topology_name[topology], seed);
        sim_scenario_make(&sc, topology, seed);
        if (a->show)
            sim_scenario_print(&sc);
        if (!run_once(&sc, a->pcap, failure, &sum)) {
            report(a, &sc, failure);
            return false;
        }
    }
    printf("%s: %" PRIu64 " runs good; %" PRIu64 " frames sent, %" PRIu64 " lost, %" PRIu64 " overflowed, %" PRIu64
           " reordered, %" PRIu64 " duplicated, %" PRIu64 " damaged, %" PRIu64 " marked\n",
           topology_name[topology], a->seeds, sum.sent, sum.lost, sum.overflowed, sum.reordered, sum.duplicated,
           sum.corrupted, sum.marked);
    return true;
}

/* The geometric mean of a cell's runs; 0: one of them failed. */
static double run_cell(const struct args *a, uint32_t cell, double *least)
{
    static struct sim_scenario sc;
    static char failure[600];
    uint32_t runs = sim_grid_runs(cell);
    double sum = 0;

    *least = HUGE_VAL;
    for (uint32_t run = 0; run < runs; run++) {
        struct sim_counts counts = {0};
        double goodput;

        snprintf(running, sizeof running, "\ncrashed in: --grid %u --first %u, run %u\n", a->step, cell + 1, run);
        sim_grid_make(&sc, cell, run);
        if (!run_once(&sc, a->pcap, failure, &counts)) {
            printf("FAILED: run %u: %s\n", run, failure);
            return 0;
        }
        goodput = sim_grid_goodput(&sc, &counts);
        *least = SL_MIN(*least, goodput);
        sum += log(goodput);
    }
    return exp(sum / runs);
}

static bool run_grid(const struct args *a)
{
    uint32_t n = 0;
    bool good = true;

    for (uint32_t cell = (uint32_t)a->first - 1; cell < sim_grid_cells(); cell += a->step, n++) {
        double least, goodput = run_cell(a, cell, &least);

        if (a->show || goodput < sim_grid_floor(cell))
            sim_grid_print(cell, goodput, least);
        if (goodput < sim_grid_floor(cell)) {
            printf("FAILED: cell %u is below its floor\n  replay: %s --grid 100000 --first %u --pcap grid-%u.pcap\n",
                   cell, a->program, cell + 1, cell);
            good = false;
        }
    }
    if (good)
        printf("grid: %u cells good\n", n);
    return good;
}

static bool wants_share(const struct args *a, uint32_t which)
{
    if (!sim_share_exists(which))
        return false;
    if (strcmp(a->share, "tests") == 0)
        return sim_share_in_tests(which);
    return strcmp(a->share, "all") == 0 || strcmp(a->share, sim_share_name(which)) == 0;
}

static bool run_share(const struct args *a, uint32_t which, uint64_t seed)
{
    static struct sim_scenario sc;
    static struct sim_meter meter;
    static char failure[600];
    struct sim_counts counts = {0};

    snprintf(running, sizeof running, "\ncrashed in: --share %s --first %" PRIu64 " --seeds 1\n", sim_share_name(which),
             seed);
    sim_share_make(&sc, which, seed, &meter);
    if (run_once(&sc, a->pcap, failure, &counts) && sim_share_judge(&sc, which, &meter, a->show))
        return true;
    printf("FAILED: %s %s\n  replay: %s --share %s --first %" PRIu64 " --seeds 1 --show\n", sim_share_name(which),
           failure, a->program, sim_share_name(which), seed);
    return false;
}

static bool run_shares(const struct args *a)
{
    uint32_t n = 0;

    for (uint32_t which = 0; which < sim_share_cases(); which++)
        for (uint64_t seed = a->first; wants_share(a, which) && seed < a->first + a->seeds; seed++, n++)
            if (!run_share(a, which, seed))
                return false;
    printf("share: %u runs good\n", n);
    return n > 0;
}

int main(int argc, char **argv)
{
    struct args a = parse(argc, argv);
    bool good = true;

    setvbuf(stdout, NULL, _IOLBF, 0);
    th_eal_init();
    signal(SIGABRT, say_which);
    signal(SIGSEGV, say_which);
    if (a.share)
        return run_shares(&a) ? 0 : 1;
    if (a.step)
        return run_grid(&a) ? 0 : 1;
    for (int t = 0; t < SIM_TOPOLOGIES; t++)
        if (a.topology < 0 || a.topology == t)
            good &= run_topology(&a, (enum sim_topology)t);
    return good ? 0 : 1;
}
