/* record_internal: what the files of the record layer share. */
#ifndef SL_TLS_RECORD_INTERNAL_H
#define SL_TLS_RECORD_INTERNAL_H

#include "tls/record.h"

/* RFC 8446 5.1, B.1. */
enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

#define EXPLICIT_NONCE_BYTES 8 /* 1.2 with GCM (RFC 5288 3) */
#define AAD_MAX_BYTES 13

/* Slices that had no room. raw: of a record that is not open yet. */
struct sl_record_rest {
    uint32_t n, at; /* slices [at, n) are left */
    bool raw;
    struct sl_slice v[];
};

static inline bool has_explicit_nonce(const struct sl_record *r)
{
    return !r->v13 && r->aead != SL_AEAD_CHACHA20_POLY1305;
}

/* Whether somebody else may read these bytes: a clone of a packet, or memory that several buffers are attached to. */
static inline bool slice_shared(const struct sl_slice *s)
{
    const struct rte_mbuf *m = s->mbuf;

    return RTE_MBUF_CLONED(m) || (RTE_MBUF_HAS_EXTBUF(m) && rte_mbuf_ext_refcnt_read(m->shinfo) > 1);
}

/* The nonce of d's record seq; explicit: the 8 bytes that stand in the record, where it has them. */
void record_nonce(const struct sl_record *r, const struct sl_tls_direction *d, const uint8_t *explicit,
                  uint8_t nonce[static SL_AEAD_NONCE_BYTES]);
/* What the tag covers beside the bytes (RFC 8446 5.2, RFC 5246 6.2.3.3); its length. header: as it stands in the record.
 */
uint32_t record_aad(const struct sl_record *r, uint64_t seq, const uint8_t header[static SL_RECORD_HEADER_BYTES],
                    uint32_t plain_bytes, uint8_t aad[static AAD_MAX_BYTES]);
/* New keys for a direction. */
void record_rekey(struct sl_record_ctx *x, struct sl_tls_direction *d);
/* Notes a failure and sends its alert (0: none). */
enum sl_record_status record_fail(struct sl_record_ctx *x, enum sl_tls_fail why, uint8_t alert);

/* record_seal.c: tells the peer of new keys and takes them; asks for nothing. False: no buffer. */
bool record_send_key_update(struct sl_record_ctx *x);

#endif
