/* The server's flight: records as they come, and the messages in them, cut as they may be. Most are only hashed. */
#include "engine_internal.h"

/* A message that may come in a state; where keys change none may, so that a message ends its record there (RFC 8446 5.1). So much of it is wanted in one piece; what is beyond is hashed. */
static const struct message {
    uint8_t state, type, next;
    bool noted; /* in the log */
    uint16_t keep;
    bool (*parse)(struct sl_engine *e, const uint8_t *m, uint32_t len);
} messages[] = {
    {LOAD_SERVER_HELLO, MESSAGE_SERVER_HELLO, LOAD_AGREE, true, MESSAGE_MAX_BYTES, load_parse_server_hello},
    {LOAD_EXTENSIONS, MESSAGE_ENCRYPTED_EXTENSIONS, LOAD_PEER, true, MESSAGE_MAX_BYTES, load_parse_extensions},
    {LOAD_PEER, MESSAGE_CERTIFICATE_REQUEST, LOAD_CERTIFICATE, true, MESSAGE_HEAD_BYTES + 1 + 255, load_parse_request},
    {LOAD_PEER, MESSAGE_CERTIFICATE, LOAD_VERIFY, true, MESSAGE_HEAD_BYTES, NULL},
    {LOAD_CERTIFICATE, MESSAGE_CERTIFICATE, LOAD_VERIFY, true, MESSAGE_HEAD_BYTES, NULL},
    {LOAD_VERIFY, MESSAGE_CERTIFICATE_VERIFY, LOAD_FINISHED, true, MESSAGE_HEAD_BYTES, NULL},
    {LOAD_FINISHED, MESSAGE_FINISHED, LOAD_ANSWER, true, MESSAGE_MAX_BYTES, load_parse_finished},
    {LOAD_TICKET, MESSAGE_NEW_SESSION_TICKET, LOAD_TICKET, false, MESSAGE_MAX_BYTES, load_parse_ticket},
};

static bool unexpected(struct sl_engine *e)
{
    return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
}

static const struct message *message_of(const struct sl_engine *e, uint8_t type)
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(messages); i++)
        if (messages[i].state == e->state && messages[i].type == type)
            return &messages[i];
    return NULL;
}

/* ---- messages ---- */

/* How many bytes of the message at m, of which len are there, are wanted in one piece; 0: it is not to be had. */
static uint32_t wanted(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    const struct message *kind = message_of(e, m[0]);
    uint32_t all;

    if (!kind) {
        unexpected(e);
        return 0;
    }
    if (len < MESSAGE_HEAD_BYTES)
        return MESSAGE_HEAD_BYTES;
    all = MESSAGE_HEAD_BYTES + ((uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3]);
    if (all > FLIGHT_MAX_BYTES || (kind->keep == MESSAGE_MAX_BYTES && all > MESSAGE_MAX_BYTES)) {
        load_engine_fail(e, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR);
        return 0;
    }
    return SL_MIN(all, (uint32_t)kind->keep);
}

/* As much as was wanted is there. */
static bool take(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    const struct message *kind = message_of(e, m[0]);

    e->skip = MESSAGE_HEAD_BYTES + ((uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3]) - len;
    if (kind->parse && !kind->parse(e, m, len))
        return false;
    if (kind->noted)
        load_hash_add(&e->log, m, len);
    e->state = kind->next == LOAD_PEER && e->resumed ? LOAD_FINISHED : kind->next;
    return true;
}

/* Bytes in the middle of a message that nobody looks at. */
static uint32_t pass_over(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    uint32_t n = SL_MIN(e->skip, len);

    load_hash_add(&e->log, p, n);
    e->skip -= n;
    return n;
}

/* The next bytes of a message of which not all that is wanted has come. */
static uint32_t collect(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    uint32_t want = e->n_kept ? wanted(e, e->kept, e->n_kept) : 1, n;

    if (!want)
        return 0;
    n = SL_MIN(want - e->n_kept, len);
    memcpy(e->kept + e->n_kept, p, n);
    e->n_kept += n;
    if (e->n_kept >= MESSAGE_HEAD_BYTES && wanted(e, e->kept, e->n_kept) == e->n_kept) {
        uint32_t all = e->n_kept;

        e->n_kept = 0;
        take(e, e->kept, all);
    }
    return n;
}

/* Part of a message; how many bytes. */
static uint32_t next_part(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    uint32_t want;

    if (e->skip)
        return pass_over(e, p, len);
    if (e->n_kept)
        return collect(e, p, len);
    want = wanted(e, p, len);
    if (!want)
        return 0;
    if (len < want)
        return collect(e, p, len);
    take(e, p, want);
    return want;
}

/* The content of one record of messages. */
static bool digest(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    if (!len)
        return unexpected(e); /* RFC 8446 5.1 */
    while (len) {
        uint32_t n = next_part(e, p, len);

        if (e->state == LOAD_FAILED)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

/* ---- records ---- */

static bool take_alert(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    if (len != 2)
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR);
    if (p[1] == SL_ALERT_USER_CANCELED)
        return true;
    load_engine_fail(e, p[1] == SL_ALERT_CLOSE_NOTIFY ? SL_TLS_FAIL_CLOSED : SL_TLS_FAIL_ALERT, 0);
    e->failure.alert_received = p[1];
    return false;
}

/* RFC 8446 5: one that is there for old machines on the way means nothing. */
static bool take_ccs(struct sl_engine *e, const uint8_t *p, uint32_t len)
{
    return (len == 1 && p[0] == 1 && e->state < LOAD_TICKET && !e->n_kept && !e->skip) || unexpected(e);
}

/* A record of which all is in the policy's buffer. An alert in clear where keys are in force proves nothing, but no
 * handshake comes of it, and whoever measures wants to know why. */
static bool take_record(struct sl_engine *e, uint32_t len)
{
    const uint8_t *p = e->policy->record + RECORD_HEAD_BYTES;
    uint8_t type = e->policy->record[0];

    if (type == RECORD_CCS)
        return take_ccs(e, p, len);
    if (type == (e->opened ? RECORD_HANDSHAKE : RECORD_DATA)) /* the one is sealed, the other is not yet */
        return unexpected(e);
    if (type == RECORD_DATA && !load_record_open(e, len, &len, &type))
        return false;
    if (type == RECORD_ALERT)
        return take_alert(e, p, len);
    return type == RECORD_HANDSHAKE ? digest(e, p, len) : unexpected(e);
}

/* Of what the header says; 0: it is none. */
static uint32_t length_of(struct sl_engine *e, const uint8_t *head)
{
    uint32_t len = (uint32_t)head[3] << 8 | head[4];
    bool clear = !e->opened || head[0] != RECORD_DATA;

    if (head[0] < RECORD_CCS || head[0] > RECORD_DATA || head[1] != 3) {
        load_engine_fail(e, e->wire->in_bytes ? SL_TLS_FAIL_RECORD : SL_TLS_FAIL_NOT_TLS, SL_ALERT_UNEXPECTED_MESSAGE);
        return 0;
    }
    if (len > (clear ? 16384u : RECORD_BODY_MAX_BYTES)) {
        load_engine_fail(e, SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW);
        return 0;
    }
    if (e->wire->in_bytes + RECORD_HEAD_BYTES + len > FLIGHT_MAX_BYTES) {
        load_engine_fail(e, SL_TLS_FAIL_LIMIT, SL_ALERT_UNEXPECTED_MESSAGE);
        return 0;
    }
    return RECORD_HEAD_BYTES + len;
}

static bool want_bytes(struct sl_engine *e)
{
    if (e->wire->lower->state & (SL_STREAM_EOF | SL_STREAM_CLOSED))
        return load_engine_fail(e, SL_TLS_FAIL_CLOSED, 0);
    e->wants = SL_ENGINE_WANT_BYTES;
    return false;
}

/* Takes a record as soon as it is whole, not before: it waits in the stream below and not here. */
static bool read_record(struct sl_engine *e)
{
    uint8_t head[RECORD_HEAD_BYTES];
    uint32_t waiting, total;

    if (sl_wire_peek(e->wire, head, sizeof head, &waiting) < sizeof head)
        return want_bytes(e);
    total = length_of(e, head);
    if (!total)
        return false;
    if (waiting < total)
        return want_bytes(e);
    sl_wire_read(e->wire, e->policy->record, total);
    return take_record(e, total - RECORD_HEAD_BYTES);
}

/* A ticket is enough, but not in the middle of the next one, or data would not begin with a record. */
static bool satisfied(const struct sl_engine *e)
{
    return e->state == LOAD_TICKET && e->policy->ticket.len && !e->n_kept && !e->skip;
}

bool load_flight_read(struct sl_engine *e)
{
    uint8_t state = e->state;

    while (state != LOAD_AGREE && state != LOAD_ANSWER && !satisfied(e)) {
        if (!read_record(e))
            return false;
        state = e->state;
    }
    if (state == LOAD_TICKET)
        e->state = LOAD_DONE;
    return true;
}
