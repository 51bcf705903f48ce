/* record: the record layer of one established connection, behind a const table so that ours, in place and from the
 * traffic secrets, takes the place of mbedTLS's. Seals and opens slices. */
#ifndef SL_TLS_RECORD_H
#define SL_TLS_RECORD_H

#include "tls/failure.h"
#include "tls/wire.h"

enum sl_record_status {
    SL_RECORD_OK,           /* more may follow: the caller's room is full */
    SL_RECORD_DRY,          /* nothing more to open until the wire has new bytes */
    SL_RECORD_STARVED,      /* no packet buffer; try again later */
    SL_RECORD_CLOSE_NOTIFY, /* the peer sends no more */
    SL_RECORD_TRUNCATED,    /* the wire ended without close_notify */
    SL_RECORD_FAILED,       /* the failure was told; the alert, if any, is on the wire */
};

struct sl_record;

struct sl_record_ops {
    /* Opens records into at most max slices of max_bytes bytes together; the caller owns them. Slices may come together
     * with any status. */
    uint32_t (*open)(struct sl_record *r, struct sl_wire *w, struct sl_slice *out, uint32_t max, uint32_t max_bytes,
                     enum sl_record_status *status, struct sl_tls_failure *failure);
    /* Seals slices from the first on and frees what it has sealed; returns how many slices are gone. The first that is
     * left may have been shortened. Status: OK, STARVED or FAILED. */
    uint32_t (*seal)(struct sl_record *r, struct sl_wire *w, struct sl_slice *slices, uint32_t n,
                     enum sl_record_status *status, struct sl_tls_failure *failure);
    /* Whether opened bytes wait inside, whatever the wire has. */
    bool (*pending)(const struct sl_record *r);
    /* Writes close_notify; false: no buffer. */
    bool (*close_notify)(struct sl_record *r, struct sl_wire *w);
    void (*destroy)(struct sl_record *r);
};

struct sl_record {
    const struct sl_record_ops *ops;
};

#endif
