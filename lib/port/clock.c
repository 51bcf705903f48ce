/* The only clocks of Sluice: everything else gets `now` handed in. */
#include <rte_cycles.h>
#include <time.h>

#include "port/internal.h"

static uint64_t ns_per_cycle_q32; /* nanoseconds per TSC cycle, 32 bits behind the point */

void port_clock_start(void) { ns_per_cycle_q32 = (uint64_t)(((__uint128_t)SL_NS_PER_S << 32) / rte_get_tsc_hz()); }

uint64_t sl_port_cycles(void) { return rte_rdtsc(); }

uint64_t sl_port_hz(void) { return rte_get_tsc_hz(); }

uint64_t sl_port_now(void) { return (uint64_t)(((__uint128_t)rte_rdtsc() * ns_per_cycle_q32) >> 32); }

uint64_t sl_port_wall_s(void) { return (uint64_t)time(NULL); }
