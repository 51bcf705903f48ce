/* The hierarchical wheel. A deadline is rounded up to a tick. A tick has four digits of eight bits; a timer stands on the level of the highest digit in
 * which its tick differs from the wheel's, in the slot of its own digit. So:
 * - on levels 0 to 2 every busy slot lies after the wheel's digit, and every timer of a level is due before every timer of the level above;
 * - level 3 is a ring: what is further off than it reaches waits in its furthest slot and is placed anew from there;
 * - slot [0][digit of now] holds what was armed too late.
 * A deadline moved later is a store: the timer stays where it stands and is placed anew when its old slot comes. */
#include "timer/timer.h"

#define SLOT_BITS 8
#define TOP (SL_WHEEL_LEVELS - 1)
#define NO_TICK UINT64_MAX

static_assert(1 << SLOT_BITS == SL_WHEEL_SLOTS, "a digit is a slot");

static inline uint64_t tick_due(uint64_t at_ns)
{
    return (at_ns >> SL_WHEEL_TICK_SHIFT) + ((at_ns & ((UINT64_C(1) << SL_WHEEL_TICK_SHIFT) - 1)) != 0);
}

static inline unsigned digit(uint64_t tick, unsigned level)
{
    return tick >> (SLOT_BITS * level) & (SL_WHEEL_SLOTS - 1);
}

/* The first busy slot in [from, SL_WHEEL_SLOTS); SL_WHEEL_SLOTS when there is none. */
static unsigned find_busy(const uint64_t *busy, unsigned from)
{
    uint64_t word;

    if (from >= SL_WHEEL_SLOTS)
        return SL_WHEEL_SLOTS;
    word = busy[from / 64] & UINT64_MAX << from % 64;
    for (unsigned i = from / 64;; word = busy[i]) {
        if (word)
            return i * 64 + (unsigned)__builtin_ctzll(word);
        if (++i == SL_WHEEL_SLOTS / 64)
            return SL_WHEEL_SLOTS;
    }
}

/* Links t into the slot of its deadline as seen from w->tick. */
static void place(struct sl_wheel *w, struct sl_timer *t)
{
    uint64_t due = tick_due(t->at_ns);
    unsigned level, slot;

    if (due < w->tick)
        due = w->tick;
    if ((due ^ w->tick) >> SLOT_BITS == 0)
        level = 0;
    else if ((due ^ w->tick) >> 2 * SLOT_BITS == 0)
        level = 1;
    else if ((due ^ w->tick) >> 3 * SLOT_BITS == 0)
        level = 2;
    else
        level = TOP;
    slot = digit(due, level);
    if (level == TOP && (due >> TOP * SLOT_BITS) - (w->tick >> TOP * SLOT_BITS) >= SL_WHEEL_SLOTS)
        slot = (digit(w->tick, TOP) + SL_WHEEL_SLOTS - 1) % SL_WHEEL_SLOTS;
    sl_list_push_back(&w->slots[level][slot], &t->link);
    w->busy[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

/* The last one of a slot had the slot's own head behind it, which tells which one it is. */
static void unplace(struct sl_wheel *w, struct sl_timer *t)
{
    struct sl_list *behind = t->link.next;
    unsigned level, slot;

    sl_list_remove(&t->link);
    if (!sl_list_empty(behind))
        return;
    level = (unsigned)(behind - w->slots[0]) / SL_WHEEL_SLOTS;
    slot = (unsigned)(behind - w->slots[0]) % SL_WHEEL_SLOTS;
    w->busy[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

/* The tick and place of the next busy slot; NO_TICK when the wheel is empty. */
static uint64_t next_busy(const struct sl_wheel *w, unsigned *level, unsigned *slot)
{
    uint64_t ring;

    for (unsigned l = 0; l < TOP; l++) {
        *slot = find_busy(w->busy[l], digit(w->tick, l) + (l > 0));
        if (*slot < SL_WHEEL_SLOTS) {
            *level = l;
            return ((w->tick >> SLOT_BITS * l & ~(uint64_t)(SL_WHEEL_SLOTS - 1)) | *slot) << SLOT_BITS * l;
        }
    }
    *level = TOP;
    ring = w->tick >> TOP * SLOT_BITS & ~(uint64_t)(SL_WHEEL_SLOTS - 1);
    *slot = find_busy(w->busy[TOP], digit(w->tick, TOP) + 1);
    if (*slot == SL_WHEEL_SLOTS) { /* once round */
        ring += SL_WHEEL_SLOTS;
        *slot = find_busy(w->busy[TOP], 0);
    }
    return *slot == SL_WHEEL_SLOTS ? NO_TICK : (ring | *slot) << TOP * SLOT_BITS;
}

/* Empties a slot whose time has come: timers that are due go to `due`, others down the wheel. */
static void run_slot(struct sl_wheel *w, unsigned level, unsigned slot, struct sl_list *due)
{
    struct sl_list batch, *node;

    sl_list_init(&batch);
    if (!sl_list_empty(&w->slots[level][slot])) {
        sl_list_insert_before(&w->slots[level][slot], &batch);
        sl_list_remove(&w->slots[level][slot]);
    }
    w->busy[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
    while ((node = sl_list_pop_front(&batch)) != NULL) {
        struct sl_timer *t = sl_container_of(node, struct sl_timer, link);

        if (tick_due(t->at_ns) > w->tick) {
            place(w, t);
            continue;
        }
        t->at_ns = SL_NEVER;
        w->count--;
        sl_list_push_back(due, &t->link);
    }
}

void sl_wheel_init(struct sl_wheel *w, uint64_t now)
{
    memset(w, 0, sizeof *w);
    w->tick = now >> SL_WHEEL_TICK_SHIFT;
    for (unsigned level = 0; level < SL_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < SL_WHEEL_SLOTS; slot++)
            sl_list_init(&w->slots[level][slot]);
}

void sl_wheel_arm(struct sl_wheel *w, struct sl_timer *t, uint64_t at_ns)
{
    if (sl_timer_armed(t) && at_ns >= t->at_ns && at_ns != SL_NEVER) {
        t->at_ns = at_ns;
        return;
    }
    sl_wheel_cancel(w, t);
    if (at_ns == SL_NEVER)
        return;
    t->at_ns = at_ns;
    w->count++;
    place(w, t);
}

void sl_wheel_cancel(struct sl_wheel *w, struct sl_timer *t)
{
    if (sl_timer_armed(t)) {
        unplace(w, t);
        w->count--;
        t->at_ns = SL_NEVER;
    } else {
        sl_list_remove(&t->link);
    }
}

void sl_wheel_advance(struct sl_wheel *w, uint64_t now, struct sl_list *due)
{
    uint64_t now_tick = now >> SL_WHEEL_TICK_SHIFT, tick;
    unsigned level, slot;

    if (now_tick < w->tick)
        return;
    while ((tick = next_busy(w, &level, &slot)) <= now_tick) {
        w->tick = tick;
        run_slot(w, level, slot, due);
    }
    w->tick = now_tick;
}

uint64_t sl_wheel_next(const struct sl_wheel *w)
{
    unsigned level, slot;
    uint64_t tick = next_busy(w, &level, &slot);

    return tick == NO_TICK || tick > SL_NEVER >> SL_WHEEL_TICK_SHIFT ? SL_NEVER : tick << SL_WHEEL_TICK_SHIFT;
}
