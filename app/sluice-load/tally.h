/* tally: what a worker counts of one flow. Written by its worker alone; the main thread reads the counters while it runs, and all of it at the end. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "histogram.h"
#include "plan.h"

/* Why an operation failed. */
enum load_failure {
    LOAD_FAIL_CONNECT, /* refused, unreachable, no answer */
    LOAD_FAIL_PORTS,   /* no address and port left to connect from */
    LOAD_FAIL_TLS,     /* the handshake, or a record */
    LOAD_FAIL_NOT_RESUMED,
    LOAD_FAIL_RESET,
    LOAD_FAIL_EOF,    /* the end came before the answer was whole */
    LOAD_FAIL_STATUS, /* an answer that is not 200, or no HTTP */
    LOAD_FAIL_BYTES,  /* the answer's bytes are not what was sent */
    LOAD_FAIL_TIMEOUT,
    LOAD_FAILURES
};
extern const char *const load_failure_name[LOAD_FAILURES];

struct tally {
    uint64_t operations; /* whole and good */
    uint64_t failed[LOAD_FAILURES];
    uint64_t handshakes, resumed, checked; /* connections opened; of these resumed, and with the certificate checked */
    uint64_t bytes_in, bytes_out;          /* of HTTP: heads and bodies */
    uint64_t open;                         /* connections, now */
    uint64_t overdue;                      /* open loop: operations that were due and never began */
    struct histogram latency;   /* of operations: open loop from when they were due, closed loop from when they began */
    struct histogram handshake; /* from SYN to TLS's end */
};

void tally_clear(struct tally *t); /* `open` stays */
void tally_merge(struct tally *into, const struct tally *from);
uint64_t tally_failed(const struct tally *t);

#endif
