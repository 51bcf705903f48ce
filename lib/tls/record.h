/* record: the record layer of one established connection, TLS 1.2 and 1.3, in place on packet buffers. What comes stays
 * in the stream below until a whole record is there, so that it counts there and closes the peer's window there; then
 * its bytes are decrypted where they stand and the same buffers go up. What goes down is encrypted where it stands,
 * between a header and a trailer in a small buffer. Payload is copied only when a record came in very many pieces or in
 * buffers that others read too; tls.bytes_copied counts it. */
#ifndef SL_TLS_RECORD_H
#define SL_TLS_RECORD_H

#include "tls/failure.h"
#include "tls/key_cache.h"

#define SL_RECORD_HEADER_BYTES 5
#define SL_RECORD_PLAIN_MAX_BYTES 16384 /* RFC 8446 5.1, RFC 5246 6.2.1 */
#define SL_RECORD_OVERHEAD_BYTES 29     /* 1.2 with GCM: header, explicit nonce, tag; the others have less */
#define SL_RECORD_SMALL_BYTES 48        /* data room that buffers for headers and trailers need */
#define SL_RECORD_SLICES_MAX 64         /* pieces of one record; what comes in more is copied together */
#define SL_RECORD_BARREN_MAX 32         /* records without payload in a row (empty, warnings, KeyUpdates, tickets) */
#define SL_RECORDS_PER_KEY_MAX (UINT64_C(1) << 24) /* below the bound of RFC 8446 5.5 for AES-GCM, 2^24.5 */

enum sl_record_status {
    SL_RECORD_OK,           /* more may follow: the caller's room is full */
    SL_RECORD_DRY,          /* nothing more to open until the stream below has a whole record */
    SL_RECORD_STARVED,      /* no packet buffer; try again later */
    SL_RECORD_CLOSE_NOTIFY, /* the peer sends no more */
    SL_RECORD_TRUNCATED,    /* the stream below ended without close_notify */
    SL_RECORD_FAILED,       /* the failure was told; the alert, if any, is on its way */
};

/* What all record layers of a worker share. */
struct sl_record_shared {
    struct rte_mempool *pool;  /* for bytes that have to be copied */
    struct rte_mempool *small; /* for headers and trailers: a data room of at least SL_RECORD_SMALL_BYTES */
    struct sl_stats *stats;
    struct rte_mbuf *spare; /* a small one that was had and not needed; whoever ends this frees it. NULL: none */
    struct sl_key_cache keys;
    uint64_t records_max; /* sealed under one key */
};

struct sl_record_rest;

/* It stays where it is from start to end: the cache of keys knows it by its address. */
struct sl_record {
    struct sl_tls_direction tx, rx;
    struct sl_record_rest *rest; /* slices that had no room where they were to go; NULL: none */
    uint64_t sealed_at_ns;       /* when the last record of data was sealed */
    uint32_t run_bytes;          /* sealed without a pause, no more counted than decides the size of records */
    uint8_t aead;                /* enum sl_aead_id */
    bool v13 : 1, sha384 : 1;
    bool client : 1;     /* the peer is a server, which may give tickets; set after start */
    bool answer : 1;     /* the peer asked for a KeyUpdate of ours */
    bool shut : 1;       /* close_notify or a fatal alert was sent: nothing follows it */
    uint16_t skip_bytes; /* 1.3: of a ticket that are still to come */
    uint8_t barren;
    uint8_t n_message;  /* bytes in `message` */
    uint8_t message[5]; /* 1.3: a message's header, or a KeyUpdate, that is not complete */
};

/* One connection in one call. */
struct sl_record_ctx {
    struct sl_record_shared *shared;
    struct sl_record *r;
    struct sl_stream *lower;
    uint64_t now;
    struct sl_tls_failure failure; /* out, with SL_RECORD_FAILED */
};

/* Begins with what a handshake left; the caller erases it. */
void sl_record_start(struct sl_record *r, const struct sl_tls_secrets *secrets);
/* Erases keys and gives back what it holds. */
void sl_record_end(struct sl_record *r, struct sl_record_shared *shared);

/* Opens records into at most max slices of max_bytes bytes together; the caller owns them. Slices may come together
 * with any status. */
uint32_t sl_record_open(struct sl_record_ctx *x, struct sl_slice *out, uint32_t max, uint32_t max_bytes,
                        enum sl_record_status *status);
/* Whether open has something to say: bytes, an end, a failure. */
bool sl_record_ready(struct sl_record_ctx *x);
/* Seals slices from the first on and sends them; returns how many slices are gone. The first that is left may have been
 * shortened. Nothing is sealed in part. Status: OK, STARVED or FAILED. */
uint32_t sl_record_seal(struct sl_record_ctx *x, struct sl_slice *slices, uint32_t n, enum sl_record_status *status);
/* Sends what is owed to the peer and had no room below (an answer to a KeyUpdate). */
void sl_record_settle(struct sl_record_ctx *x);
/* Bytes that records add to `bytes` of the stream below, at most. */
uint32_t sl_record_overhead(const struct sl_record_ctx *x, uint32_t bytes);
/* Sends close_notify; false: no buffer. */
bool sl_record_close_notify(struct sl_record_ctx *x);
/* Sends a fatal alert; false: no buffer, or the direction was closed before. */
bool sl_record_alert(struct sl_record_ctx *x, uint8_t description);

#endif
