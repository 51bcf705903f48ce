/* schedule: when the operations of an open loop are due: at random (Poisson) at a stated rate, whatever became of those before. Their latency counts from there, so
 * that a server that stalls is charged with everyone who would have come meanwhile (no coordinated omission). */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include "base/base.h"

struct schedule {
    double mean_ns; /* between two; 0: closed loop, nothing is ever due */
    uint64_t next_ns;
    double rest_ns; /* the part of a nanosecond that next_ns lacks: no rate is too high for whole ones */
    struct sl_rng rng;
};

void schedule_init(struct schedule *s, double rate_per_s, uint64_t start_ns, uint64_t seed);
/* Takes the next arrival when it is due: true with the time that it was due at. */
bool schedule_take(struct schedule *s, uint64_t now, uint64_t *due_ns);
/* When the next is due; SL_NEVER. */
uint64_t schedule_next(const struct schedule *s);

#endif
