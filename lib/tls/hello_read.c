/* A ClientHello out of its records. */
#include "tls/hello_read.h"

#include <stdlib.h>

#define HEAD_BYTES 5u  /* of a record */
#define START_BYTES 4u /* of a handshake message */
#define RECORD_MAX_BYTES 16384u
#define CIPHERTEXT_MORE_BYTES 256u /* RFC 8446 5.2 */
#define CLIENT_HELLO 1
#define FIRST_ROOM_BYTES 1024

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };
enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90 };

static void init(struct sl_hello_reader *r) { *r = (struct sl_hello_reader){0}; }

void sl_hello_read_first(struct sl_hello_reader *r) { init(r); }

void sl_hello_read_again(struct sl_hello_reader *r, uint32_t skip_bytes)
{
    init(r);
    r->retry = true;
    r->skip_bytes = skip_bytes;
}

void sl_hello_read_done(struct sl_hello_reader *r)
{
    free(r->bytes);
    init(r);
}

static enum sl_hello_status refuse(struct sl_hello_reader *r, enum sl_tls_fail why, uint8_t alert)
{
    r->failure = (struct sl_tls_failure){.why = why, .alert_sent = alert};
    return SL_HELLO_REFUSED;
}

/* Room for `need` bytes of the message: exactly what is missing when it comes in one piece. False: no memory. */
static bool grow(struct sl_hello_reader *r, uint32_t need)
{
    uint32_t room = SL_MIN(r->total, SL_MAX(need, SL_MAX(r->room * 2, FIRST_ROOM_BYTES)));
    uint8_t *bytes;

    if (need <= r->room)
        return true;
    bytes = realloc(r->bytes, room);
    if (!bytes)
        return false;
    r->bytes = bytes;
    r->room = room;
    return true;
}

/* ---- what records hold ---- */

/* The message's header, byte by byte: it may be cut anywhere. */
static enum sl_hello_status start(struct sl_hello_reader *r, struct sl_cursor *c)
{
    r->start[r->len++] = sl_cursor_u8(c);
    r->left--;
    if (r->start[0] != CLIENT_HELLO)
        return refuse(r, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
    if (r->len == START_BYTES) {
        struct sl_cursor s = sl_cursor_of(r->start + 1, START_BYTES - 1);

        r->total = sl_cursor_u24(&s) + START_BYTES;
        if (r->total > SL_HELLO_MAX_BYTES)
            return refuse(r, SL_TLS_FAIL_LIMIT, SL_ALERT_ILLEGAL_PARAMETER);
    }
    return SL_HELLO_MORE;
}

/* No other message may follow in the record: keys change behind a ClientHello (RFC 8446 5.1). */
static enum sl_hello_status handshake(struct sl_hello_reader *r, struct sl_cursor *c)
{
    uint32_t n;

    while (r->len < START_BYTES && r->left && sl_cursor_left(c)) {
        enum sl_hello_status status = start(r, c);

        if (status != SL_HELLO_MORE)
            return status;
    }
    if (r->len < START_BYTES)
        return SL_HELLO_MORE;
    if (r->len + r->left > r->total)
        return refuse(r, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
    n = SL_MIN(r->left, (uint32_t)sl_cursor_left(c));
    if (n || r->len == r->total) {
        if (!grow(r, r->len + n))
            return refuse(r, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
        memcpy(r->bytes, r->start, START_BYTES);
        memcpy(r->bytes + r->len, sl_cursor_take(c, n), n);
        r->len += n;
        r->left -= n;
    }
    return r->len == r->total ? SL_HELLO_WHOLE : SL_HELLO_MORE;
}

/* Level, then description. All but user_canceled end the connection, whatever their level (RFC 8446 6). */
static enum sl_hello_status alert(struct sl_hello_reader *r, struct sl_cursor *c)
{
    uint8_t description = sl_cursor_u8(c);

    if (--r->left || description == USER_CANCELED)
        return SL_HELLO_MORE;
    refuse(r, description == CLOSE_NOTIFY ? SL_TLS_FAIL_CLOSED : SL_TLS_FAIL_ALERT, 0);
    r->failure.alert_received = description;
    return SL_HELLO_REFUSED;
}

/* RFC 8446 5: a single byte 1 is dropped. */
static enum sl_hello_status change_cipher_spec(struct sl_hello_reader *r, struct sl_cursor *c)
{
    r->left--;
    return sl_cursor_u8(c) == 1 ? SL_HELLO_MORE : refuse(r, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
}

/* RFC 8446 4.2.10: early data that a HelloRetryRequest has refused is skipped up to a limit. */
static enum sl_hello_status application_data(struct sl_hello_reader *r, struct sl_cursor *c)
{
    uint32_t n = SL_MIN(r->left, (uint32_t)sl_cursor_left(c));

    if (n > r->skip_bytes)
        return refuse(r, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
    sl_cursor_skip(c, n);
    r->skip_bytes -= n;
    r->left -= n;
    return SL_HELLO_MORE;
}

/* ---- records ---- */

static const struct kind {
    uint16_t min_bytes, max_bytes;
    uint8_t wrong; /* the alert to other lengths, as long as a record can have them */
    bool first;    /* may come before the first hello */
    bool between;  /* may stand between fragments of the message */
    enum sl_hello_status (*take)(struct sl_hello_reader *r, struct sl_cursor *c);
} kinds[] = {
    [CHANGE_CIPHER_SPEC] = {1, 1, SL_ALERT_UNEXPECTED_MESSAGE, false, false, change_cipher_spec},
    [ALERT] = {2, 2, SL_ALERT_DECODE_ERROR, true, true, alert},
    [HANDSHAKE] = {1, RECORD_MAX_BYTES, SL_ALERT_UNEXPECTED_MESSAGE, true, true, handshake},
    [APPLICATION_DATA] = {0, RECORD_MAX_BYTES + CIPHERTEXT_MORE_BYTES, 0, false, false, application_data},
};

static const struct kind *kind_of(uint8_t type)
{
    return type < SL_ARRAY_LEN(kinds) && kinds[type].take ? &kinds[type] : NULL;
}

static enum sl_hello_status check_length(struct sl_hello_reader *r, const struct kind *k)
{
    if (r->left > SL_MAX(k->max_bytes, RECORD_MAX_BYTES))
        return refuse(r, SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW);
    if (r->left < k->min_bytes || r->left > k->max_bytes)
        return refuse(r, SL_TLS_FAIL_MESSAGE, k->wrong);
    return SL_HELLO_MORE;
}

/* The record's header, byte by byte, so that what is no TLS is told by its first. The version's minor number says
 * nothing (RFC 8446 5.1). */
static enum sl_hello_status head(struct sl_hello_reader *r, struct sl_cursor *c)
{
    bool first = !r->retry && r->records == 0;
    const struct kind *k;

    r->head[r->n_head++] = sl_cursor_u8(c);
    k = kind_of(r->head[0]);
    if (!k || (r->n_head == 2 && r->head[1] != 3))
        return refuse(r, first ? SL_TLS_FAIL_NOT_TLS : SL_TLS_FAIL_RECORD, SL_ALERT_UNEXPECTED_MESSAGE);
    if (r->n_head < HEAD_BYTES)
        return SL_HELLO_MORE;
    if (++r->records > SL_HELLO_MAX_RECORDS)
        return refuse(r, SL_TLS_FAIL_LIMIT, SL_ALERT_UNEXPECTED_MESSAGE);
    if (!(r->len ? k->between : r->retry || k->first))
        return refuse(r, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
    r->left = (uint32_t)(r->head[3] << 8 | r->head[4]);
    return check_length(r, k);
}

enum sl_hello_status sl_hello_feed(struct sl_hello_reader *r, const uint8_t *bytes, uint32_t len, uint32_t *used)
{
    struct sl_cursor c = sl_cursor_of(bytes, len);

    while (r->status == SL_HELLO_MORE && sl_cursor_left(&c)) {
        r->status = r->n_head < HEAD_BYTES ? head(r, &c) : kinds[r->head[0]].take(r, &c);
        if (r->n_head == HEAD_BYTES && !r->left)
            r->n_head = 0;
    }
    *used = (uint32_t)(c.p - bytes);
    return r->status;
}

uint32_t sl_hello_want(const struct sl_hello_reader *r)
{
    if (r->status != SL_HELLO_MORE)
        return 0;
    return r->n_head < HEAD_BYTES ? HEAD_BYTES - r->n_head : r->left;
}

uint32_t sl_hello_replay(struct sl_hello_reader *r, void *out, uint32_t len)
{
    uint32_t put = 0;

    assert(r->status == SL_HELLO_WHOLE);
    while (put < len) {
        uint32_t record = r->replayed / (HEAD_BYTES + RECORD_MAX_BYTES);
        uint32_t at = r->replayed % (HEAD_BYTES + RECORD_MAX_BYTES);
        uint32_t from = record * RECORD_MAX_BYTES;
        uint32_t bytes = SL_MIN(r->len - SL_MIN(from, r->len), RECORD_MAX_BYTES);
        uint8_t head_bytes[HEAD_BYTES] = {HANDSHAKE, 3, 3, (uint8_t)(bytes >> 8), (uint8_t)bytes};
        uint32_t n = at < HEAD_BYTES ? HEAD_BYTES - at : HEAD_BYTES + bytes - at;

        if (!bytes || !n)
            break;
        n = SL_MIN(n, len - put);
        memcpy((uint8_t *)out + put, at < HEAD_BYTES ? head_bytes + at : r->bytes + from + (at - HEAD_BYTES), n);
        r->replayed += n;
        put += n;
    }
    return put;
}
