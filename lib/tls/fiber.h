/* fiber: a function with a stack and an arena of its own, that parks in the middle and is resumed later: what lets
 * mbedTLS's handshake wait for bytes and for operations without knowing it. A fiber runs on the thread that resumes it
 * and only one at a time. Fibers come from a worker's pool; one that is let go in the middle is simply forgotten, for all
 * that its function owned lies in its arena. */
#ifndef SL_TLS_FIBER_H
#define SL_TLS_FIBER_H

#include "crypto/crypto.h"

#define SL_FIBER_STACK_BYTES (64u << 10)
#define SL_FIBER_ARENA_BYTES (192u << 10) /* touched as far as it is needed: 60 KiB by most handshakes */

struct sl_fiber;
struct sl_fiber_pool;

enum sl_fiber_switch {
    SL_FIBER_SWITCH_BEST, /* what this processor has */
    SL_FIBER_SWITCH_PLAIN /* the C library's, for processors that have no other, and for tests */
};

/* At most max fibers at a time; memory is taken as they are first needed and kept. NULL: no memory. */
struct sl_fiber_pool *sl_fiber_pool_create(uint32_t max, enum sl_fiber_switch how);
/* The same limit anew; those in use beyond it go on. */
void sl_fiber_pool_limit(struct sl_fiber_pool *pool, uint32_t max);
/* No fiber may be in use. */
void sl_fiber_pool_destroy(struct sl_fiber_pool *pool);

/* A fiber that will run fn(object) when it is first resumed; the object is `bytes` zeroed bytes in its arena. NULL: all
 * are in use, or no memory. */
struct sl_fiber *sl_fiber_create(struct sl_fiber_pool *pool, void (*fn)(void *object), uint32_t bytes);
void *sl_fiber_object(struct sl_fiber *f);
/* Lets go of a fiber, wherever it stands; not from within. Its stack and arena are erased. */
void sl_fiber_destroy(struct sl_fiber *f);

/* Runs f until it parks or its function returns; true in the latter case. mbedTLS allocates from its arena meanwhile. */
bool sl_fiber_resume(struct sl_fiber *f);
/* Within a fiber: back to who resumed it. */
void sl_fiber_park(void);
/* The object of the fiber that runs on this thread; NULL: none does. */
void *sl_fiber_self(void);

/* The most that any fiber of the pool has used. */
struct sl_fiber_use {
    uint32_t in_use, made;
    uint32_t stack_peak_bytes, arena_peak_bytes;
};
void sl_fiber_pool_use(const struct sl_fiber_pool *pool, struct sl_fiber_use *out);

#endif
