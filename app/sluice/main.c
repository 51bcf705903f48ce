/* The appliance: what is started in which order, and taken down in the reverse. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "appliance.h"
#include "crypto/crypto.h"
#include "options.h"
#include "tls/tls.h"

/* Signals are taken by the main thread when it looks for them; every other thread inherits the mask. */
static void hold_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    appliance_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void print_errors(const struct sl_conf_errors *errs)
{
    char line[1024];

    for (uint32_t i = 0; i < errs->n; i++)
        fprintf(stderr, "%s\n", sl_conf_error_format(errs, i, line, sizeof line));
    if (errs->lost)
        fprintf(stderr, "%s: %u more errors\n", errs->file, errs->lost);
}

static void check_rooms(const struct sl_conf *conf, struct sl_conf_errors *errs)
{
    sl_tls_check_conf(conf, errs);
    (void)sl_conf_check_machine(conf, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), errs);
}

/* Reads and checks all that can be checked without touching the machine's devices. NULL: all errors are told. */
static struct sl_conf *load(const char *path)
{
    struct sl_conf_errors *errs = calloc(1, sizeof *errs);
    struct sl_conf *conf;

    if (!errs)
        return NULL;
    conf = sl_conf_load_checked(path, check_rooms, errs);
    print_errors(errs);
    free(errs);
    return conf;
}

static int run(const struct options *o)
{
    struct sl_err err = {""};
    struct appliance a = {.conf = load(o->conf_path), .conf_path = o->conf_path, .xdp_object = o->xdp_object};
    int status = a.conf ? EXIT_GOOD : EXIT_TEXT;

    if (a.conf && o->check) {
        printf("%s: ok\n", o->conf_path);
    } else if (a.conf) {
        /* The machine's part (devices, cores, memory) looks at this copy until the end; the other lives and dies with reloads. */
        struct sl_conf *first = load(o->conf_path);

        if (!first) {
            status = EXIT_TEXT;
        } else if (appliance_start(&a, first, &err) < 0) {
            fprintf(stderr, "sluice: %s\n", err.text);
            status = EXIT_MACHINE;
        } else {
            appliance_serve(&a);
        }
        appliance_stop(&a);
    }
    sl_conf_free(a.conf);
    return status;
}

int main(int argc, char **argv)
{
    struct options o;
    struct sl_err err = {""};
    int status = options_parse(&o, argc, argv);

    if (status >= 0)
        return status;
    hold_signals();
    if (sl_crypto_thread_start(&err) < 0) {
        fprintf(stderr, "sluice: %s\n", err.text);
        return EXIT_MACHINE;
    }
    status = run(&o);
    sl_crypto_thread_stop();
    return status;
}
