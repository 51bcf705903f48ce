#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H

#include <stdbool.h>

enum {
    EXIT_GOOD = 0,
    EXIT_TEXT = 1, /* the configuration is wrong */
    EXIT_USAGE = 2,
    EXIT_MACHINE = 3, /* the machine is not ready for it */
};

struct options {
    const char *conf_path;
    const char *xdp_object; /* NULL: where the installation or the build has it */
    bool check;
};

/* Reads the command line. -1: go on; otherwise the exit status, everything is said. */
int options_parse(struct options *o, int argc, char **argv);

#endif
