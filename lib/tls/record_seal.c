/* Sealing: payload is encrypted in the buffers that it stands in. Header, inner type and tag go before and behind it where
 * nobody else holds these buffers and they have room, otherwise into one small buffer of their own. Everything that a record needs is had before its first byte is encrypted, so that no nonce and no slice
 * is ever used twice. */
#include "tls/record.h"
#include "tls/record_internal.h"

#define SEGMENT_BYTES 1400         /* of payload, that every usual path takes in one segment */
#define RUN_FULL_BYTES (64u << 10) /* sealed in one run before records grow to their full size */
#define RUN_PAUSE_NS SL_NS_PER_S
#define TRAILER_AT 16 /* in the small buffer, behind the header */

static_assert(SEGMENT_BYTES + SL_RECORD_OVERHEAD_BYTES <= 1500 - 60, "a first record is one segment");

/* What one record needs. */
struct tools {
    struct rte_mbuf *small; /* perhaps; NULL: to be had */
    struct sl_aead_key *key;
};

/* message: it is worth a large buffer when there is no small one. */
static bool get_tools(struct sl_record_ctx *x, bool message, struct tools *t)
{
    t->key = sl_key_cache_get(&x->shared->keys, &x->r->tx, (enum sl_aead_id)x->r->aead);
    if (!t->key)
        return false;
    if (!t->small) {
        t->small = x->shared->spare ? x->shared->spare : rte_pktmbuf_alloc(x->shared->small);
        x->shared->spare = NULL;
    }
    if (!t->small && message)
        t->small = rte_pktmbuf_alloc(x->shared->pool);
    if (!t->small)
        return false;
    t->small->data_off = 0;
    return true;
}

static void set_length(struct rte_mbuf *m, uint32_t len)
{
    m->data_len = (uint16_t)len;
    m->pkt_len = len;
}

/* The header of a record of plain_bytes; its length. */
static uint32_t put_header(const struct sl_record *r, uint8_t type, uint32_t plain_bytes, uint8_t *h)
{
    uint32_t explicit = has_explicit_nonce(r) ? EXPLICIT_NONCE_BYTES : 0;
    uint32_t len = plain_bytes + explicit + r->v13 + SL_AEAD_TAG_BYTES;

    h[0] = r->v13 ? RECORD_DATA : type;
    h[1] = h[2] = 3;
    h[3] = (uint8_t)(len >> 8);
    h[4] = (uint8_t)len;
    for (uint32_t i = 0; i < explicit; i++)
        h[SL_RECORD_HEADER_BYTES + i] = (uint8_t)(r->tx.seq >> (56 - 8 * i));
    return SL_RECORD_HEADER_BYTES + explicit;
}

/* Encrypts the spans, which have one free place behind the last for the inner type, and writes the trailer; its length.
 */
static uint32_t protect(struct sl_record_ctx *x, struct sl_aead_key *key, uint8_t type, const uint8_t *header,
                        struct sl_span *spans, uint32_t n, uint32_t plain_bytes, uint8_t *trailer)
{
    struct sl_record *r = x->r;
    uint8_t nonce[SL_AEAD_NONCE_BYTES], aad[AAD_MAX_BYTES];
    uint32_t aad_bytes = record_aad(r, r->tx.seq, header, plain_bytes, aad);

    record_nonce(r, &r->tx, header + SL_RECORD_HEADER_BYTES, nonce);
    if (r->v13) {
        trailer[0] = type;
        if (spans[n - 1].p + spans[n - 1].len == trailer) /* a cipher's work is less the fewer pieces there are */
            spans[n - 1].len++;
        else
            spans[n++] = (struct sl_span){trailer, 1};
    }
    key->backend->seal(key, nonce, aad, aad_bytes, spans, n, trailer + r->v13);
    r->tx.seq++;
    sl_stat_inc(x->shared->stats, SL_CTR_TLS_RECORDS_SEALED);
    return SL_AEAD_TAG_BYTES + r->v13;
}

/* ---- small messages: a record in one small buffer ---- */

static bool send_message(struct sl_record_ctx *x, uint8_t type, const uint8_t *bytes, uint32_t len)
{
    struct tools t = {0};
    struct sl_span spans[2];
    struct sl_slice slice;
    uint8_t *at;
    uint32_t head, all;

    if (!get_tools(x, true, &t))
        return false;
    at = t.small->buf_addr;
    head = put_header(x->r, type, len, at);
    memcpy(at + head, bytes, len);
    spans[0] = (struct sl_span){at + head, len};
    all = head + len + protect(x, t.key, type, at, spans, 1, len, at + head + len);
    set_length(t.small, all);
    slice = (struct sl_slice){t.small, 0, (uint16_t)all};
    x->lower->ops->send(x->lower, &slice, 1);
    return true;
}

bool record_send_key_update(struct sl_record_ctx *x)
{
    static const uint8_t message[] = {24, 0, 0, 1, 0}; /* RFC 8446 4.6.3: update_not_requested */

    if (!send_message(x, RECORD_HANDSHAKE, message, sizeof message))
        return false;
    record_rekey(x, &x->r->tx);
    x->r->answer = false;
    sl_stat_inc(x->shared->stats, SL_CTR_TLS_KEY_UPDATES_SENT);
    return true;
}

void sl_record_settle(struct sl_record_ctx *x)
{
    if (x->r->shut)
        x->r->answer = false;
    else if (x->r->answer && x->lower->ops->credit(x->lower) >= SL_RECORD_SMALL_BYTES)
        record_send_key_update(x);
}

static bool send_alert(struct sl_record_ctx *x, uint8_t level, uint8_t description)
{
    uint8_t alert[2] = {level, description};

    if (x->r->shut || !send_message(x, RECORD_ALERT, alert, sizeof alert))
        return false;
    x->r->shut = true;
    return true;
}

bool sl_record_alert(struct sl_record_ctx *x, uint8_t description) { return send_alert(x, 2, description); }

bool sl_record_close_notify(struct sl_record_ctx *x) { return x->r->shut || send_alert(x, 1, SL_ALERT_CLOSE_NOTIFY); }

/* ---- payload ---- */

/* Records begin at one segment's size, so that the first bytes can be used as they arrive, and grow when much goes one
 * way without a pause. */
static uint32_t size_now(const struct sl_record_ctx *x)
{
    const struct sl_record *r = x->r;
    bool paused = x->now - r->sealed_at_ns > RUN_PAUSE_NS;

    return paused || r->run_bytes < RUN_FULL_BYTES ? SEGMENT_BYTES - SL_RECORD_OVERHEAD_BYTES
                                                   : SL_RECORD_PLAIN_MAX_BYTES;
}

static void note_sealed(struct sl_record_ctx *x, uint32_t bytes)
{
    struct sl_record *r = x->r;

    if (x->now - r->sealed_at_ns > RUN_PAUSE_NS)
        r->run_bytes = 0;
    r->run_bytes = SL_MIN(r->run_bytes + bytes, RUN_FULL_BYTES);
    r->sealed_at_ns = x->now;
}

uint32_t sl_record_overhead(const struct sl_record_ctx *x, uint32_t bytes)
{
    uint32_t one = size_now(x) + SL_RECORD_OVERHEAD_BYTES;

    /* one more: what is in the way of the next record, or an answer to a KeyUpdate */
    return (bytes / one + 2) * SL_RECORD_OVERHEAD_BYTES;
}

/* Whether another record may go out under this key, after what has to go before it. */
static enum sl_record_status may_seal(struct sl_record_ctx *x)
{
    struct sl_record *r = x->r;
    bool spent = r->tx.seq >= x->shared->records_max;

    if (!spent && !r->answer)
        return SL_RECORD_OK;
    if (!r->v13)
        return record_fail(x, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR);
    return record_send_key_update(x) ? SL_RECORD_OK : SL_RECORD_STARVED;
}

/* A record in the making: header, payload, trailer. */
struct draft {
    struct sl_slice v[SL_RECORD_SLICES_MAX + 2];
    uint32_t n, bytes; /* of payload: v[1] to v[n] */
};

/* Takes at most `left` bytes off the front of a slice that others read too, copied. False: no buffer. */
static bool take_copy(struct sl_record_ctx *x, struct sl_slice *s, uint32_t left, struct sl_slice *out)
{
    uint32_t room = rte_pktmbuf_data_room_size(x->shared->pool), k = SL_MIN(SL_MIN((uint32_t)s->len, left), room);
    struct rte_mbuf *m = rte_pktmbuf_alloc(x->shared->pool);

    if (!m)
        return false;
    m->data_off = 0;
    memcpy(m->buf_addr, sl_slice_data(s), k);
    set_length(m, k);
    *out = (struct sl_slice){m, 0, (uint16_t)k};
    s->off = (uint16_t)(s->off + k);
    s->len = (uint16_t)(s->len - k);
    sl_stat_add(x->shared->stats, SL_CTR_TLS_BYTES_COPIED, k);
    if (!s->len)
        sl_slice_free(s);
    return true;
}

/* Moves slices into d until it is full; returns how many are gone. */
static uint32_t fill(struct sl_record_ctx *x, struct draft *d, struct sl_slice *slices, uint32_t n)
{
    uint32_t gone = 0, size = size_now(x);

    while (gone < n && d->n < SL_RECORD_SLICES_MAX && d->bytes < size) {
        struct sl_slice *s = &slices[gone], *to = &d->v[1 + d->n];

        if (!s->len) {
            sl_slice_free(s);
            gone++;
            continue;
        }
        if (slice_shared(s)) {
            if (!take_copy(x, s, size - d->bytes, to))
                break;
            gone += !s->len;
        } else if (s->len > size - d->bytes) {
            *to = sl_slice_split(s, (uint16_t)(size - d->bytes));
        } else {
            *to = *s;
            gone++;
        }
        d->n++;
        d->bytes += to->len;
    }
    return gone;
}

/* Whether all of a slice's buffer is ours: what stands around the slice is nobody's. */
static bool buffer_is_ours(const struct sl_slice *s)
{
    return RTE_MBUF_DIRECT(s->mbuf) && rte_mbuf_refcnt_read(s->mbuf) == 1;
}

static bool room_before(const struct sl_slice *s, uint32_t len) { return s->off >= len && buffer_is_ours(s); }

static bool room_behind(const struct sl_slice *s, uint32_t len)
{
    return (uint32_t)s->off + s->len + len <= s->mbuf->buf_len && buffer_is_ours(s);
}

/* Takes the small buffer when it was needed. */
static void send_draft(struct sl_record_ctx *x, struct tools *t, struct draft *d)
{
    struct sl_span spans[SL_RECORD_SLICES_MAX + 1];
    struct sl_slice *first = &d->v[1], *last = &d->v[d->n];
    uint32_t head_bytes = SL_RECORD_HEADER_BYTES + (has_explicit_nonce(x->r) ? EXPLICIT_NONCE_BYTES : 0);
    uint32_t tail_bytes = SL_AEAD_TAG_BYTES + x->r->v13, n = d->n;
    bool before = room_before(first, head_bytes), behind = room_behind(last, tail_bytes);
    uint8_t *small = t->small->buf_addr;
    uint8_t *header = before ? (uint8_t *)(uintptr_t)sl_slice_data(first) - head_bytes : small;
    uint8_t *trailer = behind ? (uint8_t *)(uintptr_t)sl_slice_data(last) + last->len : small + TRAILER_AT;

    for (uint32_t i = 0; i < n; i++)
        spans[i] = (struct sl_span){(uint8_t *)(uintptr_t)sl_slice_data(&d->v[1 + i]), d->v[1 + i].len};
    put_header(x->r, RECORD_DATA, d->bytes, header);
    protect(x, t->key, RECORD_DATA, header, spans, n, d->bytes, trailer);
    if (before) {
        first->off = (uint16_t)(first->off - head_bytes);
        first->len = (uint16_t)(first->len + head_bytes);
    } else {
        *--first = (struct sl_slice){t->small, 0, (uint16_t)head_bytes};
        n++;
    }
    if (behind) {
        last->len = (uint16_t)(last->len + tail_bytes);
    } else {
        last[1] = (struct sl_slice){t->small, TRAILER_AT, (uint16_t)tail_bytes};
        n++;
    }
    if (!before || !behind) {
        set_length(t->small, TRAILER_AT + tail_bytes);
        rte_mbuf_refcnt_set(t->small, (uint16_t)(!before + !behind)); /* nobody else knows it yet */
        t->small = NULL;
    }
    note_sealed(x, d->bytes);
    x->lower->ops->send(x->lower, first, n); /* -EPIPE: the end of the stream below is told by its events */
}

uint32_t sl_record_seal(struct sl_record_ctx *x, struct sl_slice *slices, uint32_t n, enum sl_record_status *status)
{
    struct tools t = {0};
    uint32_t done = 0;

    *status = SL_RECORD_OK;
    while (done < n && *status == SL_RECORD_OK) {
        struct draft d;

        d.n = d.bytes = 0;
        *status = may_seal(x);
        if (*status == SL_RECORD_OK && !get_tools(x, false, &t))
            *status = SL_RECORD_STARVED;
        if (*status != SL_RECORD_OK)
            break;
        done += fill(x, &d, slices + done, n - done);
        if (d.n)
            send_draft(x, &t, &d);
        else /* nothing but empty slices, or no buffer for a copy */
            *status = done < n ? SL_RECORD_STARVED : SL_RECORD_OK;
    }
    if (t.small)
        x->shared->spare = t.small;
    return done;
}
