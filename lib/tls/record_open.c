/* Opening: from the bytes of a whole record in the stream below to payload in the same buffers. */
#include <stdlib.h>

#include "tls/record.h"
#include "tls/record_internal.h"
#include "tls/wire.h"

#define LIKELY_SLICE_BYTES 1200 /* of a full segment */
#define KEY_UPDATE 24           /* RFC 8446 B.3 */
#define NEW_SESSION_TICKET 4
#define CLIENT_HELLO 1
#define MESSAGE_HEADER_BYTES 4 /* RFC 8446 4 */
#define TICKET_MIN_BYTES 14    /* with a ticket of one byte (RFC 8446 4.6.1) */
#define TICKET_MAX_BYTES UINT16_MAX
#define WARNING 1
#define FATAL 2

struct parts {
    struct sl_slice v[SL_RECORD_SLICES_MAX];
    uint32_t n;
};

/* ---- pieces of a record ---- */

static uint32_t bytes_of(const struct parts *p)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->n; i++)
        n += p->v[i].len;
    return n;
}

static void free_parts(struct parts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        sl_slice_free(&p->v[i]);
    p->n = 0;
}

/* Copies at most len of the first bytes; how many. */
static uint32_t copy_front(const struct parts *p, uint8_t *out, uint32_t len)
{
    uint32_t got = 0;

    for (uint32_t i = 0; i < p->n && got < len; i++) {
        uint32_t k = SL_MIN((uint32_t)p->v[i].len, len - got);

        memcpy(out + got, sl_slice_data(&p->v[i]), k);
        got += k;
    }
    return got;
}

/* Takes off the first len bytes, of which there are enough. */
static void drop_front(struct parts *p, uint32_t len)
{
    uint32_t gone = 0;

    while (gone < p->n && len >= p->v[gone].len) {
        len -= p->v[gone].len;
        sl_slice_free(&p->v[gone++]);
    }
    p->n -= gone;
    memmove(p->v, p->v + gone, p->n * sizeof p->v[0]);
    if (len && p->n) {
        p->v[0].off = (uint16_t)(p->v[0].off + len);
        p->v[0].len = (uint16_t)(p->v[0].len - len);
    }
}

/* Takes off the last len bytes, of which there are enough, into out. */
static void take_back(struct parts *p, uint8_t *out, uint32_t len)
{
    while (len) {
        struct sl_slice *s = &p->v[p->n - 1];
        uint32_t k = SL_MIN((uint32_t)s->len, len);

        len -= k;
        s->len = (uint16_t)(s->len - k);
        memcpy(out + len, sl_slice_data(s) + s->len, k);
        if (!s->len) {
            sl_slice_free(s);
            p->n--;
        }
    }
}

/* ---- collecting ---- */

/* Keeps slices in the connection; false: no memory, and they are freed. */
static bool set_aside(struct sl_record *r, struct parts *p, uint32_t from, bool raw)
{
    uint32_t n = p->n - from;
    struct sl_record_rest *rest = malloc(sizeof *rest + n * sizeof rest->v[0]);

    if (!rest) {
        for (; from < p->n; from++)
            sl_slice_free(&p->v[from]);
        p->n = 0;
        return false;
    }
    rest->n = n;
    rest->at = 0;
    rest->raw = raw;
    memcpy(rest->v, p->v + from, n * sizeof rest->v[0]);
    r->rest = rest;
    p->n = 0;
    return true;
}

static void take_aside(struct sl_record *r, struct parts *p)
{
    p->n = r->rest->n;
    memcpy(p->v, r->rest->v, p->n * sizeof p->v[0]);
    free(r->rest);
    r->rest = NULL;
}

/* Fills fresh buffers with total bytes: those of p, and the rest from below. */
static bool copy_into(struct sl_stream *lower, struct parts *p, struct rte_mbuf **bufs, uint32_t room, uint32_t total)
{
    uint32_t at = 0;

    while (at < total) {
        for (uint32_t i = 0; i < p->n; i++) {
            for (uint32_t done = 0; done < p->v[i].len;) {
                uint32_t k = SL_MIN(p->v[i].len - done, room - at % room);

                memcpy((uint8_t *)bufs[at / room]->buf_addr + at % room, sl_slice_data(&p->v[i]) + done, k);
                done += k;
                at += k;
            }
        }
        free_parts(p);
        if (at == total)
            return true;
        p->n = lower->ops->recv(lower, p->v, SL_RECORD_SLICES_MAX, total - at);
        if (!p->n)
            return false;
    }
    return true;
}

/* The record in as few buffers of our own as it takes. */
static enum sl_record_status gather(struct sl_record_ctx *x, struct parts *p, uint32_t total)
{
    struct rte_mbuf *bufs[SL_WIRE_BUFFERS];
    uint32_t room = rte_pktmbuf_data_room_size(x->shared->pool), need = (total + room - 1) / room;
    bool good;

    if (rte_pktmbuf_alloc_bulk(x->shared->pool, bufs, need) != 0) {
        if (set_aside(x->r, p, 0, true))
            return SL_RECORD_STARVED;
        return record_fail(x, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
    }
    good = copy_into(x->lower, p, bufs, room, total);
    for (uint32_t i = 0; i < need; i++) {
        uint32_t len = SL_MIN(room, total - i * room);

        bufs[i]->data_off = 0;
        bufs[i]->data_len = (uint16_t)len;
        bufs[i]->pkt_len = len;
        p->v[p->n++] = (struct sl_slice){bufs[i], 0, (uint16_t)len};
    }
    sl_stat_add(x->shared->stats, SL_CTR_TLS_BYTES_COPIED, total);
    if (good)
        return SL_RECORD_OK;
    free_parts(p);
    return record_fail(x, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
}

static bool any_shared(const struct parts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (slice_shared(&p->v[i]))
            return true;
    return false;
}

/* RFC 8446 5.1 and 5.2, RFC 5246 6.2: what can be said by the header alone. 0, or an alert. The version of 1.3 records
 * says nothing. */
static uint8_t check_header(const struct sl_record *r, const uint8_t *h)
{
    uint32_t len = (uint32_t)h[3] << 8 | h[4];
    uint32_t overhead = r->v13 ? 256 : SL_AEAD_TAG_BYTES + (has_explicit_nonce(r) ? EXPLICIT_NONCE_BYTES : 0);

    if (r->v13 ? h[0] != RECORD_DATA : h[0] < RECORD_ALERT || h[0] > RECORD_DATA)
        return SL_ALERT_UNEXPECTED_MESSAGE; /* CCS too: its time is over */
    if (!r->v13 && (h[1] != 3 || h[2] != 3))
        return SL_ALERT_PROTOCOL_VERSION;
    if (len > SL_RECORD_PLAIN_MAX_BYTES + overhead)
        return SL_ALERT_RECORD_OVERFLOW;
    if (len < SL_AEAD_TAG_BYTES + (has_explicit_nonce(r) ? EXPLICIT_NONCE_BYTES : 0))
        return SL_ALERT_BAD_RECORD_MAC;
    return 0;
}

/* What stands first below: OK, with the header and *total bytes in all, when there is a record to open, or one that
 * can't be. */
static enum sl_record_status look(struct sl_record_ctx *x, uint8_t *header, uint32_t *total)
{
    uint32_t waiting;
    bool ended = x->lower->state & (SL_STREAM_EOF | SL_STREAM_CLOSED);

    if (x->lower->ops->peek(x->lower, header, SL_RECORD_HEADER_BYTES, &waiting) < SL_RECORD_HEADER_BYTES)
        return ended ? SL_RECORD_TRUNCATED : SL_RECORD_DRY;
    *total = SL_RECORD_HEADER_BYTES + ((uint32_t)header[3] << 8 | header[4]);
    if (check_header(x->r, header) || waiting >= *total)
        return SL_RECORD_OK;
    return ended ? SL_RECORD_TRUNCATED : SL_RECORD_DRY;
}

/* All bytes of the next record, header first. */
static enum sl_record_status collect(struct sl_record_ctx *x, struct parts *p)
{
    uint8_t header[SL_RECORD_HEADER_BYTES], alert;
    enum sl_record_status status;
    uint32_t total;

    if (x->r->rest) { /* begun, when there were no buffers */
        take_aside(x->r, p);
        copy_front(p, header, sizeof header);
        return gather(x, p, SL_RECORD_HEADER_BYTES + ((uint32_t)header[3] << 8 | header[4]));
    }
    status = look(x, header, &total);
    if (status != SL_RECORD_OK)
        return status;
    alert = check_header(x->r, header);
    if (alert)
        return record_fail(x, SL_TLS_FAIL_RECORD, alert);
    p->n = x->lower->ops->recv(x->lower, p->v, SL_RECORD_SLICES_MAX, total);
    return bytes_of(p) == total && !any_shared(p) ? SL_RECORD_OK : gather(x, p, total);
}

/* ---- the cipher ---- */

/* Decrypts p where it stands and strips everything but the plaintext. *type: of the content. */
static enum sl_record_status decrypt(struct sl_record_ctx *x, struct parts *p, uint8_t *type)
{
    struct sl_record *r = x->r;
    uint8_t head[SL_RECORD_HEADER_BYTES + EXPLICIT_NONCE_BYTES], tag[SL_AEAD_TAG_BYTES], aad[AAD_MAX_BYTES];
    uint8_t nonce[SL_AEAD_NONCE_BYTES];
    uint32_t head_bytes = SL_RECORD_HEADER_BYTES + (has_explicit_nonce(r) ? EXPLICIT_NONCE_BYTES : 0), aad_bytes;
    struct sl_aead_key *key = sl_key_cache_get(&x->shared->keys, &r->rx, (enum sl_aead_id)r->aead);
    struct sl_span spans[SL_RECORD_SLICES_MAX];

    if (!key || r->rx.seq == UINT64_MAX)
        return record_fail(x, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
    copy_front(p, head, head_bytes);
    drop_front(p, head_bytes);
    take_back(p, tag, sizeof tag);
    for (uint32_t i = 0; i < p->n; i++)
        spans[i] = (struct sl_span){(uint8_t *)(uintptr_t)sl_slice_data(&p->v[i]), p->v[i].len};
    record_nonce(r, &r->rx, head + SL_RECORD_HEADER_BYTES, nonce);
    aad_bytes = record_aad(r, r->rx.seq, head, bytes_of(p), aad);
    if (!key->backend->open(key, nonce, aad, aad_bytes, spans, p->n, tag))
        return record_fail(x, SL_TLS_FAIL_RECORD, SL_ALERT_BAD_RECORD_MAC);
    r->rx.seq++;
    sl_stat_inc(x->shared->stats, SL_CTR_TLS_RECORDS_OPENED);
    *type = head[0];
    return SL_RECORD_OK;
}

/* RFC 8446 5.4: the type is the last byte that is not zero; 0 when all are. Takes off both. */
static uint8_t strip_padding(struct parts *p)
{
    while (p->n) {
        struct sl_slice *s = &p->v[p->n - 1];
        uint8_t type = 0;

        while (s->len && !type)
            type = sl_slice_data(s)[--s->len];
        if (!s->len) {
            sl_slice_free(s);
            p->n--;
        }
        if (type)
            return type;
    }
    return 0;
}

/* ---- contents ---- */

static enum sl_record_status unexpected(struct sl_record_ctx *x)
{
    return record_fail(x, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
}

/* A record that brought nothing: some are tolerated, a flood is not. */
static enum sl_record_status barren(struct sl_record_ctx *x)
{
    if (++x->r->barren > SL_RECORD_BARREN_MAX)
        return record_fail(x, SL_TLS_FAIL_LIMIT, SL_ALERT_UNEXPECTED_MESSAGE);
    return SL_RECORD_OK;
}

/* RFC 8446 6, RFC 5246 7.2: in 1.3 every alert but two ends the connection, whatever its level. */
static enum sl_record_status take_alert(struct sl_record_ctx *x, struct parts *p)
{
    uint8_t alert[2];
    bool fatal;

    if (bytes_of(p) == 0)
        return unexpected(x);
    if (bytes_of(p) != sizeof alert)
        return record_fail(x, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR);
    copy_front(p, alert, sizeof alert);
    if (alert[1] == SL_ALERT_CLOSE_NOTIFY)
        return SL_RECORD_CLOSE_NOTIFY;
    if (!x->r->v13 && alert[0] != WARNING && alert[0] != FATAL)
        return record_fail(x, SL_TLS_FAIL_MESSAGE, SL_ALERT_ILLEGAL_PARAMETER);
    fatal = x->r->v13 ? alert[1] != SL_ALERT_USER_CANCELED : alert[0] == FATAL;
    if (!fatal)
        return barren(x);
    x->r->shut = true; /* nobody reads what we would say */
    record_fail(x, SL_TLS_FAIL_ALERT, 0);
    x->failure.alert_received = alert[1];
    return SL_RECORD_FAILED;
}

static enum sl_record_status key_update(struct sl_record_ctx *x)
{
    struct sl_record *r = x->r;
    uint8_t request = r->message[4];

    r->n_message = 0;
    if (request > 1)
        return record_fail(x, SL_TLS_FAIL_KEY_UPDATE, SL_ALERT_ILLEGAL_PARAMETER);
    record_rekey(x, &r->rx);
    sl_stat_inc(x->shared->stats, SL_CTR_TLS_KEY_UPDATES_RECEIVED);
    if (request) {
        r->answer = true;
        sl_record_settle(x); /* or later, but before the next record */
    }
    return SL_RECORD_OK;
}

/* Moves bytes into the message until it has n, as far as they last. */
static void complete(struct sl_record *r, struct parts *p, uint32_t n)
{
    uint32_t got = r->n_message < n ? copy_front(p, r->message + r->n_message, n - r->n_message) : 0;

    drop_front(p, got);
    r->n_message = (uint8_t)(r->n_message + got);
}

/* A KeyUpdate is the last in its record (RFC 8446 4.6.3, 5.1). */
static enum sl_record_status take_key_update(struct sl_record_ctx *x, struct parts *p)
{
    static const uint8_t head[MESSAGE_HEADER_BYTES] = {KEY_UPDATE, 0, 0, 1};
    struct sl_record *r = x->r;

    if (memcmp(r->message, head, SL_MIN((size_t)r->n_message, sizeof head)) != 0)
        return record_fail(x, SL_TLS_FAIL_KEY_UPDATE, SL_ALERT_DECODE_ERROR);
    complete(r, p, sizeof r->message);
    if (p->n)
        return unexpected(x);
    return r->n_message == sizeof r->message ? key_update(x) : SL_RECORD_OK;
}

/* The header of a ticket: what follows is skipped, however it comes. */
static enum sl_record_status take_ticket(struct sl_record_ctx *x)
{
    struct sl_record *r = x->r;
    uint32_t len = (uint32_t)r->message[1] << 16 | (uint32_t)r->message[2] << 8 | r->message[3];

    if (r->n_message < MESSAGE_HEADER_BYTES)
        return SL_RECORD_OK;
    if (len < TICKET_MIN_BYTES)
        return record_fail(x, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR);
    if (len > TICKET_MAX_BYTES)
        return record_fail(x, SL_TLS_FAIL_LIMIT, SL_ALERT_UNEXPECTED_MESSAGE);
    r->n_message = 0;
    r->skip_bytes = (uint16_t)len;
    sl_stat_inc(x->shared->stats, SL_CTR_TLS_TICKETS_SKIPPED);
    return SL_RECORD_OK;
}

/* The next message, or a piece of it. After the handshake a peer has one left to send, KeyUpdate (RFC 8446 4.6.3), and a
 * server tickets (4.6.1). */
static enum sl_record_status take_message(struct sl_record_ctx *x, struct parts *p)
{
    struct sl_record *r = x->r;

    if (r->skip_bytes) {
        uint32_t n = SL_MIN((uint32_t)r->skip_bytes, bytes_of(p));

        drop_front(p, n);
        r->skip_bytes = (uint16_t)(r->skip_bytes - n);
        return SL_RECORD_OK;
    }
    complete(r, p, MESSAGE_HEADER_BYTES);
    if (r->message[0] == KEY_UPDATE)
        return take_key_update(x, p);
    return r->message[0] == NEW_SESSION_TICKET && r->client ? take_ticket(x) : unexpected(x);
}

static enum sl_record_status take_handshake13(struct sl_record_ctx *x, struct parts *p)
{
    enum sl_record_status status = bytes_of(p) ? SL_RECORD_OK : unexpected(x);

    while (status == SL_RECORD_OK && p->n)
        status = take_message(x, p);
    return status == SL_RECORD_OK ? barren(x) : status;
}

/* Renegotiation is refused (RFC 5746 4.5); a server that asks for it is not answered (RFC 5246 7.4.1.1). */
static enum sl_record_status take_handshake(struct sl_record_ctx *x, struct parts *p)
{
    static const uint8_t hello_request[MESSAGE_HEADER_BYTES];
    uint8_t head[MESSAGE_HEADER_BYTES] = {0};

    if (x->r->v13)
        return take_handshake13(x, p);
    copy_front(p, head, sizeof head);
    if (!x->r->client && head[0] == CLIENT_HELLO)
        return record_fail(x, SL_TLS_FAIL_MESSAGE, SL_ALERT_NO_RENEGOTIATION);
    if (x->r->client && bytes_of(p) == sizeof head && memcmp(head, hello_request, sizeof head) == 0)
        return barren(x);
    return unexpected(x);
}

/* What an open record is for. Payload is left in p, everything else is dealt with. */
static enum sl_record_status take(struct sl_record_ctx *x, struct parts *p, uint8_t type)
{
    enum sl_record_status status;

    if ((x->r->n_message || x->r->skip_bytes) && type != RECORD_HANDSHAKE)
        return unexpected(x); /* RFC 8446 5.1: nothing stands between the pieces of a message */
    if (type == RECORD_DATA) {
        if (bytes_of(p) == 0)
            return barren(x);
        x->r->barren = 0;
        return SL_RECORD_OK;
    }
    if (type == RECORD_ALERT)
        status = take_alert(x, p);
    else if (type == RECORD_HANDSHAKE)
        status = take_handshake(x, p);
    else
        status = unexpected(x);
    free_parts(p);
    return status;
}

/* The next record; its payload, if it has any, in p. */
static enum sl_record_status open_one(struct sl_record_ctx *x, struct parts *p)
{
    enum sl_record_status status = collect(x, p);
    uint8_t type = 0;
    bool v13 = x->r->v13;

    if (status == SL_RECORD_OK)
        status = decrypt(x, p, &type);
    if (status != SL_RECORD_OK)
        return status;
    if (bytes_of(p) > SL_RECORD_PLAIN_MAX_BYTES + (uint32_t)v13) /* the type counts, and padding too (RFC 8446 5.4) */
        return record_fail(x, SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW);
    if (v13)
        type = strip_padding(p);
    return take(x, p, type);
}

/* ---- handing up ---- */

struct room {
    struct sl_slice *out;
    uint32_t n, max, max_bytes;
};

/* Moves as much of the slice as there is room for; true when it is gone. */
static bool give(struct room *room, struct sl_slice *s)
{
    struct sl_slice part;

    if (room->n == room->max || !room->max_bytes)
        return false;
    if (s->len > room->max_bytes) {
        part = sl_slice_split(s, (uint16_t)room->max_bytes);
        room->out[room->n++] = part;
        room->max_bytes = 0;
        return false;
    }
    room->max_bytes -= s->len;
    room->out[room->n++] = *s;
    return true;
}

static void give_rest(struct sl_record *r, struct room *room)
{
    struct sl_record_rest *rest = r->rest;

    while (rest->at < rest->n && give(room, &rest->v[rest->at]))
        rest->at++;
    if (rest->at < rest->n)
        return;
    free(rest);
    r->rest = NULL;
}

static enum sl_record_status hand_up(struct sl_record_ctx *x, struct parts *p, struct room *room)
{
    uint32_t i = 0;

    while (i < p->n && give(room, &p->v[i]))
        i++;
    if (i < p->n && !set_aside(x->r, p, i, false))
        return record_fail(x, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
    return SL_RECORD_OK;
}

/* Whether the next record is likely to find room behind what was given already. Where it is not, it is better opened
 * next time than set aside; one that is first is always opened. */
static bool fits(struct sl_record_ctx *x, const struct room *room)
{
    uint8_t header[SL_RECORD_HEADER_BYTES];
    uint32_t total;

    return !room->n || look(x, header, &total) != SL_RECORD_OK ||
           (total <= room->max_bytes && room->max - room->n > total / LIKELY_SLICE_BYTES + 1);
}

uint32_t sl_record_open(struct sl_record_ctx *x, struct sl_slice *out, uint32_t max, uint32_t max_bytes,
                        enum sl_record_status *status)
{
    struct room room = {.out = out, .max = max, .max_bytes = max_bytes};
    struct sl_record *r = x->r;

    *status = SL_RECORD_OK;
    while (*status == SL_RECORD_OK && room.n < max && room.max_bytes) {
        struct parts p;

        if (r->rest && !r->rest->raw) {
            give_rest(r, &room);
            continue;
        }
        if (!fits(x, &room))
            break;
        p.n = 0;
        *status = open_one(x, &p);
        if (*status == SL_RECORD_OK)
            *status = hand_up(x, &p, &room);
        else
            free_parts(&p);
    }
    return room.n;
}

bool sl_record_ready(struct sl_record_ctx *x)
{
    uint8_t header[SL_RECORD_HEADER_BYTES];
    uint32_t total;

    return x->r->rest || look(x, header, &total) != SL_RECORD_DRY;
}
