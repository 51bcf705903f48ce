/* stat: counters, drop reasons and log events, each declared once in a table (counters.def, drops.def, events.def) with its symbol, name,
 * severity and help. One struct per worker, written by that worker only; readers take relaxed 64-bit loads and may see a moment ago. */
#ifndef SL_STAT_H
#define SL_STAT_H

#include "base/base.h"

/* ROOM owners add their lines to the .def files; X(symbol suffix, "name.in.dots", "help") and so on. */
enum sl_ctr {
#define X(sym, name, kind, help) SL_CTR_##sym,
#include "stat/counters.def"
#undef X
    SL_CTR_COUNT
};

enum sl_drop {
#define X(sym, name, severity, help) SL_DROP_##sym,
#include "stat/drops.def"
#undef X
    SL_DROP_COUNT
};

enum sl_event_kind {
#define X(sym, name, severity, text) SL_EVENT_##sym,
#include "stat/events.def"
#undef X
    SL_EVENT_COUNT
};

enum sl_ctr_kind { SL_COUNTER, SL_GAUGE };
enum sl_severity { SL_INFO, SL_WARN, SL_ERROR };

struct sl_ctr_info {
    const char *name;
    enum sl_ctr_kind kind;
    const char *help;
};

struct sl_drop_info {
    const char *name;
    enum sl_severity severity;
    const char *help;
};

struct sl_event_info {
    const char *name;
    enum sl_severity severity;
    const char *text;
};

extern const struct sl_ctr_info sl_ctr_info[SL_CTR_COUNT];
extern const struct sl_drop_info sl_drop_info[SL_DROP_COUNT];
extern const struct sl_event_info sl_event_info[SL_EVENT_COUNT];

/* One line of the log. Fixed size so that it can pass through a ring by value. */
struct sl_event {
    uint64_t at_ns;
    enum sl_event_kind kind;
    int32_t code;             /* negative: an errno, written out in words; positive: an alert, as a number; 0: none */
    const char *why;          /* a constant text that takes the code's place; NULL: none */
    struct sl_endpoint peer;  /* port 0: none */
    struct sl_endpoint other; /* the origin, or our side; port 0: none */
    char listener[24];        /* name, cut; "" for none */
    char note[40];            /* SNI, ALPN, a name; cut; never unprintable bytes when it is written out */
    uint32_t suppressed;      /* events of this kind that the limiter swallowed before this one */
};

#define SL_EVENT_RING 256 /* events that wait for the control thread; a power of two */

struct sl_stats {
    uint64_t ctr[SL_CTR_COUNT];
    uint64_t drop[SL_DROP_COUNT];
    struct {
        uint64_t paid_until_ns[SL_EVENT_COUNT]; /* the limiter: each event costs a tenth of a second; 0 at first */
        uint32_t suppressed[SL_EVENT_COUNT];    /* since the last event of the kind that got through */
        uint32_t head, tail;                    /* single producer (worker), single consumer (control thread) */
        struct sl_event ring[SL_EVENT_RING];
    } events;
};

static inline void sl_stat_add(struct sl_stats *st, enum sl_ctr c, uint64_t n)
{
    __atomic_store_n(&st->ctr[c], st->ctr[c] + n, __ATOMIC_RELAXED);
}
static inline void sl_stat_inc(struct sl_stats *st, enum sl_ctr c) { sl_stat_add(st, c, 1); }
static inline void sl_stat_sub(struct sl_stats *st, enum sl_ctr c, uint64_t n)
{
    __atomic_store_n(&st->ctr[c], st->ctr[c] - n, __ATOMIC_RELAXED);
}
static inline void sl_stat_drop(struct sl_stats *st, enum sl_drop d)
{
    __atomic_store_n(&st->drop[d], st->drop[d] + 1, __ATOMIC_RELAXED);
}
static inline uint64_t sl_stat_read(const uint64_t *cell) { return __atomic_load_n(cell, __ATOMIC_RELAXED); }

/* Worker: logs ev (copied; at_ns and suppressed are filled in) unless this kind is over its rate (10 a second, burst 20) or the ring is full; both are
 * counted. */
void sl_event_emit(struct sl_stats *st, uint64_t now, const struct sl_event *ev);
/* Control thread: takes the oldest event; false when there is none. */
bool sl_event_take(struct sl_stats *st, struct sl_event *ev);
/* One line for stderr without newline: severity, name, listener, peer, text, code. Unprintable bytes are escaped. Returns out. */
const char *sl_event_format(const struct sl_event *ev, char *out, size_t size_bytes);

#endif
