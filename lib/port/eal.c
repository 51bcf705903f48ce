/* Starts and stops DPDK's EAL as the configuration says. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "port/internal.h"

#define ARGS_MAX 64
#define PREFIX "sluice-" /* of our runtime folders; the process id follows */

struct args {
    int n;
    bool full;
    char *v[ARGS_MAX + 1];
};

static struct args given; /* EAL points into its arguments as long as it runs */

static char runtime_folder[256];

static void add(struct args *a, const char *text)
{
    char *copy = a->n < ARGS_MAX ? strdup(text) : NULL;

    a->full |= !copy;
    if (copy)
        a->v[a->n++] = copy;
}

static void free_args(struct args *a)
{
    while (a->n > 0)
        free(a->v[--a->n]);
    *a = (struct args){0};
}

/* ---- cores ---- */

/* The control thread floats over the cores that no worker has; when there are none, over all. */
static int add_lcores(struct args *a, const struct sl_conf *conf, struct sl_err *err)
{
    char text[1024] = "--lcores=0@(";
    size_t len = strlen(text);
    cpu_set_t all, rest;
    bool none_left;

    if (sched_getaffinity(0, sizeof all, &all) < 0)
        return sl_err_set(err, -errno, "the cores of this process can't be asked: %s", strerror(errno));
    rest = all;
    for (uint32_t i = 0; i < conf->workers.n_cores; i++) {
        const struct sl_conf_number *core = &conf->workers.cores[i];

        if (core->v >= CPU_SETSIZE || !CPU_ISSET((size_t)core->v, &all))
            return sl_err_set(err, -EINVAL, "%s:%u:%u: core %llu is not one that this process may use; %d are",
                              conf->file.s, core->mark.line, core->mark.column, (unsigned long long)core->v,
                              CPU_COUNT(&all));
        CPU_CLR((size_t)core->v, &rest);
    }
    none_left = CPU_COUNT(&rest) == 0;
    for (size_t cpu = 0, n = 0; cpu < CPU_SETSIZE && len < sizeof text - 16; cpu++)
        if (CPU_ISSET(cpu, none_left ? &all : &rest))
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu", n++ ? "," : "", cpu);
    len += (size_t)snprintf(text + len, sizeof text - len, ")");
    for (uint32_t i = 0; i < conf->workers.n_cores && len < sizeof text - 16; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, ",%u@%u", i + 1, (unsigned)conf->workers.cores[i].v);
    add(a, text);
    add(a, "--main-lcore=0");
    return 0;
}

/* ---- runtime folders: EAL makes one per process and leaves it ---- */

static const char *runtime_base(void)
{
    const char *dir = getenv("RUNTIME_DIRECTORY");

    if (getuid() == 0)
        return "/var/run/dpdk";
    return dir ? dir : "/tmp/dpdk";
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir && (e = readdir(dir)) != NULL)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    (void)rmdir(path);
}

/* Folders of runs that are no more. */
static void remove_stale_folders(void)
{
    DIR *dir = opendir(runtime_base());
    struct dirent *e;

    while (dir && (e = readdir(dir)) != NULL) {
        char path[sizeof runtime_folder + 256];
        int pid;

        if (sscanf(e->d_name, PREFIX "%d", &pid) != 1 || pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        snprintf(path, sizeof path, "%s/%s", runtime_base(), e->d_name);
        remove_folder(path);
    }
    if (dir)
        closedir(dir);
}

/* ---- start and stop ---- */

static void add_devices(struct args *a, const struct sl_conf *conf)
{
    char text[256];
    bool any = false;

    for (uint32_t i = 0; i < conf->n_interfaces; i++) {
        if (strcmp(conf->interfaces[i].driver.s, "pci") != 0)
            continue;
        snprintf(text, sizeof text, "--allow=%s", conf->interfaces[i].device.s);
        add(a, text);
        any = true;
    }
    if (!any)
        add(a, "--no-pci");
}

static bool choose_memory(struct args *a, const struct sl_conf *conf)
{
    uint64_t bytes = conf->dpdk.memory_bytes.v;
    bool huge = conf->dpdk.hugepages == SL_HUGEPAGES_AUTO && port_hugepages_get(bytes);
    char text[32];

    /* Neither leaves a file: --in-memory can't stand beside --no-huge, whose shared configuration is turned off instead. */
    if (huge) {
        add(a, "--in-memory");
    } else {
        port_hugepages_restore();
        add(a, "--no-huge");
        add(a, "--no-shconf");
    }
    add(a, "-m");
    snprintf(text, sizeof text, "%llu", (unsigned long long)((bytes + (1 << 20) - 1) >> 20));
    add(a, text);
    return huge;
}

static int build_args(struct args *a, const struct sl_conf *conf, const char *program, bool *huge, struct sl_err *err)
{
    char prefix[64];
    int code;

    add(a, program);
    code = add_lcores(a, conf, err);
    if (code < 0)
        return code;
    *huge = choose_memory(a, conf);
    add_devices(a, conf);
    add(a, "--iova-mode=va");
    add(a, "--log-level=*:warning");
    snprintf(prefix, sizeof prefix, "--file-prefix=" PREFIX "%d", (int)getpid());
    add(a, prefix);
    for (uint32_t i = 0; i < conf->dpdk.n_eal; i++)
        add(a, conf->dpdk.eal[i].s);
    return a->full ? sl_err_set(err, -E2BIG, "too many EAL arguments") : 0;
}

int sl_port_eal_start(const struct sl_conf *conf, const char *program, struct sl_err *err)
{
    char *argv[ARGS_MAX + 1]; /* EAL permutes them */
    bool huge = false;
    char said[320];
    int code;

    code = build_args(&given, conf, program, &huge, err);
    memcpy(argv, given.v, sizeof argv);
    if (code == 0)
        code = port_log_open();
    if (code == 0) {
        remove_stale_folders();
        if (rte_eal_init(given.n, argv) < 0) {
            code = rte_errno ? -rte_errno : -EIO;
            sl_err_set(err, code, "DPDK does not start with %llu MiB of %s: %s %s",
                       (unsigned long long)(conf->dpdk.memory_bytes.v >> 20), huge ? "hugepages" : "ordinary pages",
                       rte_strerror(-code), port_log_last(said, sizeof said));
        }
    }
    port_hugepages_unlock();
    if (code < 0) {
        port_hugepages_restore();
        port_log_close();
        free_args(&given);
        return code;
    }
    snprintf(runtime_folder, sizeof runtime_folder, "%s", rte_eal_get_runtime_dir());
    port_clock_start();
    return 0;
}

void sl_port_eal_stop(void)
{
    port_log_quiet(true); /* it complains of what it was told to leave out */
    (void)rte_eal_cleanup();
    if (runtime_folder[0])
        remove_folder(runtime_folder);
    runtime_folder[0] = 0;
    port_hugepages_restore();
    port_log_close();
    free_args(&given);
}
