/* Seeds of the fuzzers of tcp, as a program makes them. */
#ifndef TCP_SEEDS_H
#define TCP_SEEDS_H

#include "base/base.h"

#define SEED_MAX 4096u

struct seed {
    uint8_t bytes[SEED_MAX];
    size_t len;
};

extern const struct tcp_seed {
    const char *name; /* in the corpus folder */
    void (*make)(struct seed *s);
    int (*run)(const uint8_t *data, size_t size);
} tcp_seeds[];
extern const uint32_t tcp_seeds_n;

#endif
