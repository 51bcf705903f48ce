/* The tables behind the enums: one line of a .def file is a symbol, a name and its help. */
#include "stat/stat.h"

const struct sl_ctr_info sl_ctr_info[SL_CTR_COUNT] = {
#define X(sym, name, kind, help) [SL_CTR_##sym] = {name, kind, help},
#include "stat/counters.def"
#undef X
};

const struct sl_drop_info sl_drop_info[SL_DROP_COUNT] = {
#define X(sym, name, severity, help) [SL_DROP_##sym] = {name, severity, help},
#include "stat/drops.def"
#undef X
};

const struct sl_event_info sl_event_info[SL_EVENT_COUNT] = {
#define X(sym, name, severity, text) [SL_EVENT_##sym] = {name, severity, text},
#include "stat/events.def"
#undef X
};
