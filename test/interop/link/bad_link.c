/* Makes one device of this network namespace a bad link until SIGTERM, then says what was done to it.
 *
 *   bad_link DEVICE [WAY.]FATE=N...      WAY: out, in (both when there is none); FATE: lose, duplicate, corrupt, hold, of a million; hold_segs
 *
 * Prints `ready`, and at the end one JSON object: for each way how many TCP segments were seen, lost, duplicated, corrupted, late. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bad_link.h"

static const char *const ways[BAD_LINK_WAYS] = {"out", "in"};
static const enum bpf_tc_attach_point points[BAD_LINK_WAYS] = {BPF_TC_EGRESS, BPF_TC_INGRESS};
static const char *const programs[BAD_LINK_WAYS] = {"bad_link_out", "bad_link_in"};
static const char *const counts[BAD_LINK_COUNTS] = {"seen", "lost", "duplicated", "corrupted", "late", "larger"};

static const struct {
    const char *name;
    size_t at;
} settings[] = {
    {"lose", offsetof(struct bad_link_conf, lose_ppm)},
    {"duplicate", offsetof(struct bad_link_conf, duplicate_ppm)},
    {"corrupt", offsetof(struct bad_link_conf, corrupt_ppm)},
    {"hold", offsetof(struct bad_link_conf, hold_ppm)},
    {"hold_segs", offsetof(struct bad_link_conf, hold_segs)},
};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int fail(const char *what)
{
    fprintf(stderr, "bad_link: %s: %s\n", what, strerror(errno));
    return 1;
}

/* One argument: [WAY.]NAME=N. */
static int set(struct bad_link_conf conf[BAD_LINK_WAYS], const char *text)
{
    const char *dot = strchr(text, '.'), *name = dot ? dot + 1 : text, *eq = strchr(name, '=');
    char *end;
    int found = 0;

    if (!eq)
        return -1;
    for (int w = 0; w < BAD_LINK_WAYS; w++) {
        if (dot && (strlen(ways[w]) != (size_t)(dot - text) || strncmp(ways[w], text, (size_t)(dot - text)) != 0))
            continue;
        for (size_t i = 0; i < N_SETTINGS; i++) {
            if (strlen(settings[i].name) != (size_t)(eq - name) ||
                strncmp(settings[i].name, name, (size_t)(eq - name)) != 0)
                continue;
            *(__u32 *)((char *)&conf[w] + settings[i].at) = (__u32)strtoul(eq + 1, &end, 10);
            found += end != eq + 1 && *end == '\0';
        }
    }
    return found ? 0 : -1;
}

static int attach(struct bpf_object *object, struct bpf_tc_hook *hook)
{
    int err = bpf_tc_hook_create(hook);

    if (err && err != -EEXIST)
        return fail("clsact");
    for (int w = 0; w < BAD_LINK_WAYS; w++) {
        struct bpf_program *program = bpf_object__find_program_by_name(object, programs[w]);
        LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(program));

        hook->attach_point = points[w];
        if (bpf_tc_attach(hook, &opts))
            return fail("attach");
    }
    return 0;
}

/* Takes the qdisc away, and with it whatever is attached to it. */
static void detach(struct bpf_tc_hook *hook)
{
    hook->attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
    bpf_tc_hook_destroy(hook);
}

static uint64_t total(int did, uint32_t key)
{
    uint64_t per_cpu[1024] = {0}, sum = 0;

    if (libbpf_num_possible_cpus() > (int)(sizeof per_cpu / sizeof *per_cpu) || bpf_map_lookup_elem(did, &key, per_cpu))
        return 0;
    for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
        sum += per_cpu[cpu];
    return sum;
}

static void report(int did)
{
    for (uint32_t w = 0; w < BAD_LINK_WAYS; w++) {
        printf("%s\"%s\": {", w ? ", " : "{", ways[w]);
        for (uint32_t c = 0; c < BAD_LINK_COUNTS; c++)
            printf("%s\"%s\": %" PRIu64, c ? ", " : "", counts[c], total(did, w * BAD_LINK_COUNTS + c));
        printf("}");
    }
    puts("}");
}

static int serve(struct bpf_object *object, struct bad_link_conf conf[BAD_LINK_WAYS], int ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    int at = bpf_object__find_map_fd_by_name(object, "bad_link_conf"), signo, code;
    sigset_t until;

    for (uint32_t w = 0; w < BAD_LINK_WAYS; w++)
        if (bpf_map_update_elem(at, &w, &conf[w], BPF_ANY))
            return fail("settings");
    sigemptyset(&until);
    sigaddset(&until, SIGTERM);
    sigaddset(&until, SIGINT);
    sigprocmask(SIG_BLOCK, &until, NULL);
    code = attach(object, &hook);
    if (!code) {
        puts("ready");
        fflush(stdout);
        sigwait(&until, &signo);
    }
    detach(&hook);
    if (!code)
        report(bpf_object__find_map_fd_by_name(object, "bad_link_did"));
    return code;
}

int main(int argc, char **argv)
{
    struct bad_link_conf conf[BAD_LINK_WAYS] = {{.hold_segs = 3}, {.hold_segs = 3}};
    int ifindex = argc > 1 ? (int)if_nametoindex(argv[1]) : 0, code;
    struct bpf_object *object;
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof ".bpf.o");

    if (ifindex <= 0 || n <= 0)
        return fail("no such device");
    for (int i = 2; i < argc; i++)
        if (set(conf, argv[i]) < 0)
            return fail(argv[i]);
    memcpy(path + n, ".bpf.o", sizeof ".bpf.o"); /* beside the program, in the build */
    libbpf_set_print(quiet);
    object = bpf_object__open_file(path, NULL);
    if (!object || bpf_object__load(object))
        return fail(path);
    code = serve(object, conf, ifindex);
    bpf_object__close(object);
    return code;
}
