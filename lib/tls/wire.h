/* wire: the bytes between a handshake and the stream below, as an engine wants them: read so many, write so many.
 * Reading takes no byte more than it is asked for, so that the record layer can go on from the same stream; writing
 * fills packet buffers that flush hands on. */
#ifndef SL_TLS_WIRE_H
#define SL_TLS_WIRE_H

#include "stream/stream.h"

#define SL_WIRE_BUFFERS 24         /* packet buffers that one write may fill before they are handed on */
#define SL_WIRE_RECORD_BYTES 16384 /* plaintext of one record (RFC 8446 5.1) */
#define SL_WIRE_OVERHEAD_BYTES 64  /* more than header, nonce, padding to 16 bytes, type and tag of any suite */

/* What all wires of a worker share, because one writes at a time: between calls `out` is empty. */
struct sl_wire_shared {
    struct rte_mempool *pool;
    uint32_t buffer_bytes; /* data room of the pool's buffers */
    uint32_t n_out, n_spare;
    struct sl_slice out[SL_WIRE_BUFFERS];
    struct rte_mbuf *spare[SL_WIRE_BUFFERS]; /* set aside so that a record is written whole or not at all */
};

struct sl_wire {
    struct sl_wire_shared *shared;
    struct sl_stream *lower;
    uint32_t in_bytes, out_bytes; /* read and written so far: handshakes are short */
    bool dry;                     /* the last read found less than it wanted */
};

/* -EINVAL when the pool's buffers are too small for a record to fit in SL_WIRE_BUFFERS of them. */
int sl_wire_shared_init(struct sl_wire_shared *sh, struct rte_mempool *pool, struct sl_err *err);
void sl_wire_shared_done(struct sl_wire_shared *sh);

void sl_wire_init(struct sl_wire *w, struct sl_wire_shared *sh, struct sl_stream *lower);

/* Copies at most len bytes; 0 when there are none now. */
uint32_t sl_wire_read(struct sl_wire *w, void *out, uint32_t len);
/* Copies at most len of the next bytes and takes none; how many wait in all. */
uint32_t sl_wire_peek(struct sl_wire *w, void *out, uint32_t len, uint32_t *waiting_bytes);
/* Whether the peer's side has ended and everything was read; true only after a read that came up dry. */
bool sl_wire_ended(const struct sl_wire *w);
/* Throws away what waits; the number of bytes. */
uint32_t sl_wire_drain(struct sl_wire *w);

/* Makes sure that the next len bytes can be written; false: no buffer. len is at most a record with its overhead. */
bool sl_wire_reserve(struct sl_wire *w, uint32_t len);
/* Takes at most len bytes; fewer, or none, when no buffer can be had. */
uint32_t sl_wire_write(struct sl_wire *w, const void *bytes, uint32_t len);
/* Hands on what was written. */
void sl_wire_flush(struct sl_wire *w);

#endif
