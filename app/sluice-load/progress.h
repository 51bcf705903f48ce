/* progress: a line each second on a terminal. */
#ifndef LOAD_PROGRESS_H
#define LOAD_PROGRESS_H

#include "tally.h"

struct run;

struct progress {
    const struct load_plan *plan;
    struct tally *before, *now; /* one for each flow; NULL: nothing is told */
    uint64_t began_ns, told_ns;
    bool open; /* a line without its end stands there */
};

void progress_begin(struct progress *p, const struct load_plan *plan);
/* Tells when it is time to. */
void progress_tell(struct progress *p, const struct run *r, uint64_t now);
/* Ends the line, for somebody else to write. */
void progress_clear(struct progress *p);
void progress_end(struct progress *p);

#endif
