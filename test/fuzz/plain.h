/* Loops over bytes, in models and comparisons, are of no interest to a fuzzer: counting their edges and comparisons would
 * cost more than everything else. */
#ifndef FUZZ_PLAIN_H
#define FUZZ_PLAIN_H

#ifdef __clang__
#define FUZZ_PLAIN __attribute__((no_sanitize("coverage")))
#else
#define FUZZ_PLAIN
#endif

#endif
