#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "plan.h"

enum {
    EXIT_GOOD = 0,
    EXIT_FAILURES = 1, /* operations failed */
    EXIT_USAGE = 2,
    EXIT_MACHINE = 3, /* the machine is not ready for it, or its configuration is wrong */
};

/* Reads the command line; the plan refers to its words. -1: go on; otherwise the exit status, everything is said. */
int options_parse(struct load_plan *plan, int argc, char **argv);

#endif
