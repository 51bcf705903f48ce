/* report: the result of a run for a person or a machine, and its progress. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "tally.h"

struct report {
    const struct load_plan *plan;
    double seconds;             /* measured */
    const struct tally *flows;  /* of all workers, one for each of the plan's flows */
    const char *const *corners; /* what the client did not do that a browser would; NULL-terminated */
    const double *busy;         /* part of the time that each worker was busy */
    uint32_t n_workers;
    uint64_t frames; /* that a flood sent */
};

void report_text(FILE *out, const struct report *r);
void report_json(FILE *out, const struct report *r);
/* One line of progress, of what came since the last, `seconds` ago. On a terminal it takes the place of the one before, and has no end: whoever writes
 * after it writes that first. */
void report_progress(FILE *out, bool terminal, double at_s, const struct load_plan *plan, const struct tally *now,
                     const struct tally *before, double seconds);

#endif
