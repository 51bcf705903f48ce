/* mbedTLS as a record layer: it copies in and out. The plain twin of the one in place that follows. */
#include <mbedtls/ssl.h>
#include <stdlib.h>

#include "tls/engine_mbedtls.h"

/* Records under one key: below the bound of RFC 8446 5.5 for AES-GCM (2^24.5), because this engine can't change keys.
 */
#define RECORDS_MAX (UINT64_C(1) << 24)

static struct sl_engine *engine_of(const struct sl_record *r)
{
    return sl_container_of((uintptr_t)r, struct sl_engine, record);
}

/* What mbedTLS's answer to a read means; OK: go on reading. */
static enum sl_record_status judge(struct sl_engine *e, int ret, bool alerted, struct sl_tls_failure *failure)
{
    bool v13 = mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;

    if (ret == 0 || ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_CONN_EOF) {
        if (sl_wire_ended(e->wire))
            return SL_RECORD_TRUNCATED;
        return e->wire->dry ? SL_RECORD_DRY
                            : SL_RECORD_OK; /* not dry: an empty record, or a warning that is passed over */
    }
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return SL_RECORD_CLOSE_NOTIFY;
    sl_engine_mbedtls_failure(e, ret, alerted, failure);
    if (v13 && ret == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE &&
        e->ssl.MBEDTLS_PRIVATE(in_msg)[0] == 24 /* key_update, RFC 8446 B.3 */)
        failure->why = SL_TLS_FAIL_KEY_UPDATE;
    return SL_RECORD_FAILED;
}

/* Fills room bytes at `to` from as many records as it takes; the number of bytes. */
static uint32_t fill(struct sl_engine *e, uint8_t *to, uint32_t room, enum sl_record_status *status,
                     struct sl_tls_failure *failure)
{
    uint32_t got = 0;

    *status = SL_RECORD_OK;
    while (got < room && *status == SL_RECORD_OK) {
        uint64_t wrote = e->wire->out_bytes;
        int ret;

        e->wire->dry = false;
        ret = mbedtls_ssl_read(&e->ssl, to + got, room - got);
        if (ret > 0)
            got += (uint32_t)ret;
        else
            *status = judge(e, ret, e->wire->out_bytes != wrote, failure);
    }
    return got;
}

static uint32_t open_records(struct sl_record *r, struct sl_wire *w, struct sl_slice *out, uint32_t max,
                             uint32_t max_bytes, enum sl_record_status *status, struct sl_tls_failure *failure)
{
    struct sl_engine *e = engine_of(r);
    uint32_t n = 0;

    *status = SL_RECORD_OK;
    while (n < max && max_bytes && *status == SL_RECORD_OK) {
        struct rte_mbuf *m = sl_wire_buffer(w);
        uint32_t got;

        if (!m) {
            *status = SL_RECORD_STARVED;
            break;
        }
        got = fill(e, m->buf_addr, SL_MIN(max_bytes, w->shared->buffer_bytes), status, failure);
        if (!got) {
            rte_pktmbuf_free(m);
            break;
        }
        m->data_len = (uint16_t)got;
        m->pkt_len = got;
        out[n++] = (struct sl_slice){.mbuf = m, .len = (uint16_t)got};
        max_bytes -= got;
    }
    return n;
}

/* Up to a record's worth of bytes from the slices in one piece: where they stand when one slice has them all, otherwise
 * copied together. */
static const uint8_t *gather(struct sl_wire *w, const struct sl_slice *s, uint32_t n, uint32_t *len)
{
    if (n == 1 || s->len >= SL_WIRE_RECORD_BYTES) {
        *len = SL_MIN((uint32_t)s->len, SL_WIRE_RECORD_BYTES);
        return sl_slice_data(s);
    }
    *len = 0;
    for (uint32_t i = 0; i < n && *len < SL_WIRE_RECORD_BYTES; i++) {
        uint32_t k = SL_MIN((uint32_t)s[i].len, SL_WIRE_RECORD_BYTES - *len);

        memcpy(w->shared->scratch + *len, sl_slice_data(&s[i]), k);
        *len += k;
    }
    return w->shared->scratch;
}

/* Takes len bytes off the front of the slices; returns how many slices are gone. */
static uint32_t consume(struct sl_slice *s, uint32_t n, uint32_t len)
{
    uint32_t gone = 0;

    while (gone < n && len >= s[gone].len) {
        len -= s[gone].len;
        sl_slice_free(&s[gone++]);
    }
    if (len) {
        s[gone].off = (uint16_t)(s[gone].off + len);
        s[gone].len = (uint16_t)(s[gone].len - len);
    }
    return gone;
}

static uint32_t seal(struct sl_record *r, struct sl_wire *w, struct sl_slice *slices, uint32_t n,
                     enum sl_record_status *status, struct sl_tls_failure *failure)
{
    struct sl_engine *e = engine_of(r);
    uint32_t done = 0;

    *status = SL_RECORD_OK;
    while (done < n) {
        uint32_t len;
        const uint8_t *bytes = gather(w, slices + done, n - done, &len);
        int ret;

        if (!len) { /* empty slices make no record */
            done += consume(slices + done, n - done, 0);
            continue;
        }
        if (!sl_wire_reserve(w, len + SL_WIRE_OVERHEAD_BYTES)) {
            *status = SL_RECORD_STARVED;
            break;
        }
        ret = e->records_sealed++ < RECORDS_MAX ? mbedtls_ssl_write(&e->ssl, bytes, len)
                                                : MBEDTLS_ERR_SSL_COUNTER_WRAPPING;
        if (ret <= 0) {
            sl_engine_mbedtls_failure(e, ret, false, failure);
            *status = SL_RECORD_FAILED;
            break;
        }
        done += consume(slices + done, n - done, (uint32_t)ret);
    }
    return done;
}

static bool pending(const struct sl_record *r) { return mbedtls_ssl_get_bytes_avail(&engine_of(r)->ssl) > 0; }

static bool close_notify(struct sl_record *r, struct sl_wire *w)
{
    return sl_wire_reserve(w, SL_WIRE_OVERHEAD_BYTES) && mbedtls_ssl_close_notify(&engine_of(r)->ssl) == 0;
}

static void destroy(struct sl_record *r) { sl_engine_mbedtls.destroy(engine_of(r)); }

const struct sl_record_ops sl_record_mbedtls = {
    .open = open_records,
    .seal = seal,
    .pending = pending,
    .close_notify = close_notify,
    .destroy = destroy,
};
