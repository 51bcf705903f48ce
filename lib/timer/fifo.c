/* Timers of one duration: whoever starts last is due last, so the list is always in order. */
#include "timer/timer.h"

void sl_fifo_init(struct sl_fifo *f, uint64_t duration_ns)
{
    sl_list_init(&f->list);
    f->duration_ns = duration_ns;
}

void sl_fifo_start(struct sl_fifo *f, struct sl_timer *t, uint64_t now)
{
    sl_fifo_stop(t);
    if (f->duration_ns >= SL_NEVER - now)
        return;
    t->at_ns = now + f->duration_ns;
    sl_list_push_back(&f->list, &t->link);
}

void sl_fifo_stop(struct sl_timer *t)
{
    sl_list_remove(&t->link);
    t->at_ns = SL_NEVER;
}

struct sl_timer *sl_fifo_pop_due(struct sl_fifo *f, uint64_t now)
{
    struct sl_timer *t;

    if (sl_list_empty(&f->list) || sl_fifo_next(f) > now)
        return NULL;
    t = sl_container_of(f->list.next, struct sl_timer, link);
    sl_fifo_stop(t);
    return t;
}

uint64_t sl_fifo_next(const struct sl_fifo *f)
{
    if (sl_list_empty(&f->list))
        return SL_NEVER;
    return sl_container_of(f->list.next, const struct sl_timer, link)->at_ns;
}
