/* source: bodies as slices of packet buffers: by reference to one copy of the sequence (body.h) that never changes, for streams that leave their bytes as they are (plain TCP does: it refers
 * to what is queued and never edits it), or as a copy for those that don't (TLS encrypts in place). */
#ifndef LOAD_SOURCE_H
#define LOAD_SOURCE_H

#include <rte_mbuf.h>

#include "stream/stream.h"

#define SOURCE_VIEWS 64 /* a reference count has 16 bits, so there are several buffers over the same bytes */

struct source {
    uint8_t *bytes;
    struct rte_mbuf *views[SOURCE_VIEWS];
    struct rte_mbuf_ext_shared_info shared[SOURCE_VIEWS];
    uint32_t at;
};

/* ref_pool: buffers without data room. -ENOMEM; to be destroyed in every case. Views that were lent must be back by then. */
int source_init(struct source *s, struct rte_mempool *ref_pool, int socket, struct sl_err *err);
void source_destroy(struct source *s);

/* At most len bytes from offset on by reference; false when all views are lent as often as may be. */
bool source_share(struct source *s, uint64_t offset, uint64_t len, struct sl_slice *out);
/* At most len bytes from offset on in a buffer of their own; false when the pool is empty. */
bool source_copy(struct rte_mempool *pool, uint64_t offset, uint64_t len, struct sl_slice *out);
/* All of a text, which fits into a buffer of the pool. */
bool source_text(struct rte_mempool *pool, const char *text, uint32_t len, struct sl_slice *out);

#endif
