#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "options.h"
#include "tls/ticket.h"

static const char usage_text[] =
    "usage: sluice [-t] -c FILE\n"
    "\n"
    "  -c, --config FILE       the configuration\n"
    "  -t, --test              check the configuration and exit\n"
    "      --xdp-object FILE   the XDP program, where it is not the installed one (or SLUICE_XDP_OBJECT)\n"
    "      --reference         print every configuration key with its meaning, and exit\n"
    "      --ticket-keys       print a new file of ticket keys, and exit\n"
    "      --version           print the version and exit\n"
    "  -h, --help              this text\n"
    "\n"
    "exit status: 0 good, 1 the configuration is wrong, 2 usage, 3 the machine is not ready\n";

static void print(void *ctx, const char *text) { fputs(text, ctx); }

static void print_ticket_keys(void)
{
    char text[SL_TICKET_TEXT_MAX];
    struct sl_ticket_set set;

    sl_ticket_set_make(&set);
    sl_ticket_set_format(&set, text);
    fputs(text, stdout);
    sl_ticket_set_wipe(&set);
}

static int done(void) { return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_MACHINE; }

static int usage_error(void)
{
    fputs(usage_text, stderr);
    return EXIT_USAGE;
}

int options_parse(struct options *o, int argc, char **argv)
{
    enum { XDP_OBJECT = 256, REFERENCE, TICKET_KEYS, VERSION };
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"test", no_argument, NULL, 't'},
        {"xdp-object", required_argument, NULL, XDP_OBJECT},
        {"reference", no_argument, NULL, REFERENCE},
        {"ticket-keys", no_argument, NULL, TICKET_KEYS},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    *o = (struct options){.xdp_object = getenv("SLUICE_XDP_OBJECT")};
    while ((c = getopt_long(argc, argv, "c:th", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->conf_path = optarg;
            break;
        case 't':
            o->check = true;
            break;
        case XDP_OBJECT:
            o->xdp_object = optarg;
            break;
        case REFERENCE:
            sl_conf_reference(print, stdout);
            return done();
        case TICKET_KEYS:
            print_ticket_keys();
            return done();
        case VERSION:
            printf("sluice %s\n", SLUICE_VERSION);
            return done();
        case 'h':
            fputs(usage_text, stdout);
            return done();
        default:
            return usage_error();
        }
    }
    return optind == argc && o->conf_path ? -1 : usage_error();
}
