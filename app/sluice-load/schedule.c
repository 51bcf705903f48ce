/* Gaps of a Poisson process are exponential: -ln(u) times their mean, u uniform in (0, 1]. */
#include "schedule.h"

#include <math.h>

static void draw_next(struct schedule *s)
{
    double u = (double)((sl_rng_next(&s->rng) >> 11) + 1) * 0x1p-53;
    double gap_ns = fmin(s->rest_ns - log(u) * s->mean_ns, 0x1p62); /* a century is never */
    uint64_t whole_ns = (uint64_t)gap_ns;

    s->rest_ns = gap_ns - (double)whole_ns;
    s->next_ns += whole_ns;
}

void schedule_init(struct schedule *s, double rate_per_s, uint64_t start_ns, uint64_t seed)
{
    *s = (struct schedule){.next_ns = SL_NEVER};
    if (rate_per_s <= 0)
        return;
    s->mean_ns = (double)SL_NS_PER_S / rate_per_s;
    s->next_ns = start_ns;
    sl_rng_seed(&s->rng, seed);
    draw_next(s);
}

bool schedule_take(struct schedule *s, uint64_t now, uint64_t *due_ns)
{
    if (s->mean_ns <= 0 || s->next_ns > now)
        return false;
    *due_ns = s->next_ns;
    draw_next(s);
    return true;
}

uint64_t schedule_next(const struct schedule *s) { return s->next_ns; }
