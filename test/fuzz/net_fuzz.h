/* What the fuzzer of net shares with the test of its corpus. */
#ifndef NET_FUZZ_H
#define NET_FUZZ_H

#include "net_build.h"
#include "stat/stat.h"

enum { /* a step's first byte */
       FUZZ_KIND = 3,
       FUZZ_FRAME = 0,
       FUZZ_BUILD = 1,
       FUZZ_TIME = 2,
       FUZZ_EMIT = 3,
       FUZZ_BACK = 4,
       FUZZ_MEND = 16,
       FUZZ_IP6 = 64,
};
enum { FUZZ_SILENT = 1, FUZZ_STEERED = 2, FUZZ_NARROW = 4 }; /* of net made anew; the two bits 0x30 are its number */

/* Drops of all inputs so far. */
extern uint64_t net_fuzz_drops[SL_DROP_COUNT];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
