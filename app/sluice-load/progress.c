#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report.h"
#include "run.h"

void progress_begin(struct progress *p, const struct load_plan *plan)
{
    *p = (struct progress){.plan = plan};
    if (!isatty(STDERR_FILENO) || !plan->n_flows)
        return;
    p->before = calloc(2 * plan->n_flows, sizeof p->before[0]);
    p->now = p->before ? p->before + plan->n_flows : NULL;
    p->began_ns = p->told_ns = sl_port_now();
}

/* What was counted in the warm-up is gone when counting begins: the first line after it is of the time since. */
static bool began_anew(const struct progress *p)
{
    for (uint32_t i = 0; i < p->plan->n_flows; i++)
        if (p->now[i].operations < p->before[i].operations || p->now[i].handshakes < p->before[i].handshakes)
            return true;
    return false;
}

void progress_tell(struct progress *p, const struct run *r, uint64_t now)
{
    if (!p->before || now < p->told_ns + SL_NS_PER_S)
        return;
    for (uint32_t i = 0; i < p->plan->n_flows; i++)
        run_tally(r, i, &p->now[i]);
    if (!began_anew(p)) {
        report_progress(stderr, true, (double)(now - p->began_ns) / 1e9, p->plan, p->now, p->before,
                        (double)(now - p->told_ns) / 1e9);
        p->open = true;
    }
    memcpy(p->before, p->now, p->plan->n_flows * sizeof p->now[0]);
    p->told_ns = now;
}

void progress_clear(struct progress *p)
{
    if (p->open)
        fputc('\n', stderr);
    p->open = false;
}

void progress_end(struct progress *p)
{
    progress_clear(p);
    free(p->before);
    p->before = p->now = NULL;
}
