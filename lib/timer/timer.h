/* timer: two pure data structures moved on by `now`: a hierarchical wheel (Varghese and Lauck 1987) for deadlines of any length,
 * and a FIFO for the many timers that share one duration. Neither calls anybody: what is due comes out as a list. */
#ifndef SL_TIMER_H
#define SL_TIMER_H

#include "base/base.h"

#define SL_WHEEL_TICK_SHIFT 16 /* one tick is 65.5 us */
#define SL_WHEEL_LEVELS 4
#define SL_WHEEL_SLOTS 256 /* per level: 2^32 ticks in all, 78 hours; longer deadlines wait in the last level */

struct sl_timer {
    struct sl_list link;
    uint64_t at_ns; /* deadline; SL_NEVER: not armed */
};

struct sl_wheel {
    uint64_t tick; /* last tick that was run */
    uint64_t busy[SL_WHEEL_LEVELS][SL_WHEEL_SLOTS / 64];
    struct sl_list slots[SL_WHEEL_LEVELS][SL_WHEEL_SLOTS];
    size_t count;
};

void sl_wheel_init(struct sl_wheel *w, uint64_t now);
static inline void sl_timer_init(struct sl_timer *t)
{
    sl_list_init(&t->link);
    t->at_ns = SL_NEVER;
}
static inline bool sl_timer_armed(const struct sl_timer *t) { return t->at_ns != SL_NEVER; }

/* Arms t, or moves it; to move it later costs a store. SL_NEVER disarms. A deadline in the past is due at the next advance. Never fires before at_ns; fires at
 * most one tick after. */
void sl_wheel_arm(struct sl_wheel *w, struct sl_timer *t, uint64_t at_ns);
/* Disarms t; one that stands in a `due` list leaves it. */
void sl_wheel_cancel(struct sl_wheel *w, struct sl_timer *t);

/* Moves the wheel on to now and appends what is due to `due` (linked by sl_timer.link, disarmed), in order of ticks. Whoever drops a
 * connection while it stands in `due` unlinks it with sl_list_remove. */
void sl_wheel_advance(struct sl_wheel *w, uint64_t now, struct sl_list *due);

/* When advance next has work to do (perhaps only to move timers): at most one tick after the earliest deadline; SL_NEVER when empty. */
uint64_t sl_wheel_next(const struct sl_wheel *w);

/* ---- one duration, first in first out ---- */
struct sl_fifo {
    struct sl_list list;
    uint64_t duration_ns;
};

void sl_fifo_init(struct sl_fifo *f, uint64_t duration_ns);
/* (Re)starts t: due at now + duration. `now` never goes back between calls. */
void sl_fifo_start(struct sl_fifo *f, struct sl_timer *t, uint64_t now);
void sl_fifo_stop(struct sl_timer *t);
/* The first timer that is due, unlinked and disarmed; NULL when none is. */
struct sl_timer *sl_fifo_pop_due(struct sl_fifo *f, uint64_t now);
uint64_t sl_fifo_next(const struct sl_fifo *f);

#endif
