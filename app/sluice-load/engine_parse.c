/* What the server says, message by message (RFC 8446 4.1.3, 4.3, 4.4.4, 4.6.1). */
#include "engine_internal.h"

#define GROUP_X25519 0x001d

enum { EXT_SERVER_NAME = 0, EXT_GROUPS = 10, EXT_ALPN = 16, EXT_PSK = 41, EXT_VERSIONS = 43, EXT_SHARES = 51 };

static const struct load_suite suites[] = {
    {0x1301, false, SL_AEAD_AES_128_GCM},
    {0x1302, true, SL_AEAD_AES_256_GCM},
    {0x1303, false, SL_AEAD_CHACHA20_POLY1305},
};

static struct sl_cursor body_of(const uint8_t *m, uint32_t len)
{
    return sl_cursor_of(m + MESSAGE_HEAD_BYTES, len - MESSAGE_HEAD_BYTES);
}

static bool malformed(struct sl_engine *e) { return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR); }

static bool illegal(struct sl_engine *e)
{
    return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_ILLEGAL_PARAMETER);
}

/* ---- ServerHello ---- */

struct server_hello {
    uint32_t seen; /* bit 1 << (type - 32) of extensions */
    uint16_t version, suite, identity;
    const uint8_t *share;
    uint8_t alert; /* that an extension calls for; 0: none */
};

/* One extension; x is its content. */
static void take_extension(struct server_hello *h, uint16_t type, struct sl_cursor *x)
{
    if (type != EXT_PSK && type != EXT_VERSIONS && type != EXT_SHARES) {
        h->alert = SL_ALERT_UNSUPPORTED_EXTENSION;
        sl_cursor_skip(x, sl_cursor_left(x));
        return;
    }
    if (h->seen & 1u << (type - 32))
        h->alert = SL_ALERT_ILLEGAL_PARAMETER;
    h->seen |= 1u << (type - 32);
    if (type == EXT_PSK) {
        h->identity = sl_cursor_u16(x);
    } else if (type == EXT_VERSIONS) {
        h->version = sl_cursor_u16(x);
    } else if (sl_cursor_u16(x) != GROUP_X25519 || sl_cursor_u16(x) != SHARE_BYTES) {
        h->alert = SL_ALERT_ILLEGAL_PARAMETER;
        sl_cursor_skip(x, sl_cursor_left(x));
    } else {
        h->share = sl_cursor_take(x, SHARE_BYTES);
    }
}

static void take_extensions(struct server_hello *h, struct sl_cursor *c)
{
    struct sl_cursor all = sl_cursor_sub(c, sl_cursor_u16(c));

    while (sl_cursor_left(&all)) {
        uint16_t type = sl_cursor_u16(&all);
        struct sl_cursor x = sl_cursor_sub(&all, sl_cursor_u16(&all));

        if (all.bad)
            break;
        take_extension(h, type, &x);
        if (x.bad || sl_cursor_left(&x))
            all.bad = true;
    }
    c->bad = c->bad || all.bad || sl_cursor_left(c);
}

static const struct load_suite *suite_of(const struct sl_engine *e, uint16_t id)
{
    const uint16_t *ours = e->policy->app.settings->suites;

    while (*ours && *ours != id)
        ours++;
    for (uint32_t i = 0; *ours && i < SL_ARRAY_LEN(suites); i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

/* RFC 8446 4.1.3: a ServerHello with this random is a HelloRetryRequest. */
static bool is_retry(const uint8_t *random)
{
    static const uint8_t retry[RANDOM_BYTES] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

    return memcmp(random, retry, sizeof retry) == 0;
}

static bool asked_again(struct sl_engine *e)
{
    load_engine_fail(e, SL_TLS_FAIL_SUITE, SL_ALERT_HANDSHAKE_FAILURE);
    e->failure.code = LOAD_ENGINE_ASKED_AGAIN;
    return false;
}

static bool check(struct sl_engine *e, const struct server_hello *h)
{
    if (h->version && h->version != SL_TLS_V13)
        return illegal(e);
    if (!h->version)
        return load_engine_fail(e, SL_TLS_FAIL_VERSION, SL_ALERT_PROTOCOL_VERSION);
    e->suite = suite_of(e, h->suite);
    if (!e->suite)
        return illegal(e);
    if (!h->share)
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_MISSING_EXTENSION);
    e->resumed = h->seen & 1u << (EXT_PSK - 32);
    if (e->resumed && (!e->offered || h->identity != 0 || e->psk_sha384 != e->suite->sha384))
        return illegal(e);
    return true;
}

/* The hello was hashed for its binder already, unless the server chose a suite with another hash. */
static void begin_log(struct sl_engine *e)
{
    if (e->log.begun && e->log.sha384 == e->suite->sha384)
        return;
    load_hash_begin(&e->log, e->suite->sha384);
    load_hash_add(&e->log, e->hello + RECORD_HEAD_BYTES, e->n_hello - RECORD_HEAD_BYTES);
}

bool load_parse_server_hello(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    struct sl_cursor c = body_of(m, len);
    struct server_hello h = {0};
    uint16_t legacy = sl_cursor_u16(&c);
    const uint8_t *random = sl_cursor_take(&c, RANDOM_BYTES);
    uint8_t session_id = sl_cursor_u8(&c), compression;

    sl_cursor_skip(&c, session_id);
    h.suite = sl_cursor_u16(&c);
    compression = sl_cursor_u8(&c);
    if (!c.bad && is_retry(random))
        return asked_again(e);
    if (c.bad)
        return malformed(e);
    if (sl_cursor_left(&c)) /* an old server may have none */
        take_extensions(&h, &c);
    if (c.bad)
        return malformed(e);
    if (!(h.seen & 1u << (EXT_VERSIONS - 32))) /* its other extensions are those of 1.2 */
        return load_engine_fail(e, SL_TLS_FAIL_VERSION, SL_ALERT_PROTOCOL_VERSION);
    if (h.alert)
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, h.alert);
    if (legacy != SL_TLS_V12 || session_id || compression)
        return illegal(e);
    if (!check(e, &h))
        return false;
    if (e->offered && !e->resumed)
        load_ticket_refused(e);
    memcpy(e->op.dh.point, h.share, SHARE_BYTES);
    begin_log(e);
    return true;
}

/* ---- the others ---- */

/* The server's protocol, which must be one of ours (RFC 7301 3.2). */
static bool take_protocol(struct sl_engine *e, struct sl_cursor *x)
{
    struct sl_cursor list = sl_cursor_sub(x, sl_cursor_u16(x));
    uint32_t len = sl_cursor_u8(&list);
    const uint8_t *name = sl_cursor_take(&list, len);
    const char *const *ours = e->policy->app.alpn;

    if (!name || sl_cursor_left(&list) || sl_cursor_left(x))
        return malformed(e);
    while (*ours && (strlen(*ours) != len || memcmp(*ours, name, len) != 0))
        ours++;
    if (!*ours)
        return illegal(e);
    e->alpn = *ours;
    return true;
}

/* RFC 8446 4.3.1: answers to what we asked for, each once, and groups that the server would rather have. */
bool load_parse_extensions(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    struct sl_cursor c = body_of(m, len), all = sl_cursor_sub(&c, sl_cursor_u16(&c));
    uint32_t seen = 0;

    while (sl_cursor_left(&all)) {
        uint16_t type = sl_cursor_u16(&all);
        struct sl_cursor x = sl_cursor_sub(&all, sl_cursor_u16(&all));
        bool known = type == EXT_GROUPS || (type == EXT_SERVER_NAME && e->n_name) ||
                     (type == EXT_ALPN && e->policy->app.alpn && *e->policy->app.alpn);

        if (all.bad)
            break;
        if (!known)
            return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNSUPPORTED_EXTENSION);
        if (seen & 1u << type)
            return illegal(e);
        seen |= 1u << type;
        if (type == EXT_ALPN && !take_protocol(e, &x))
            return false;
    }
    return c.bad || all.bad || sl_cursor_left(&c) ? malformed(e) : true;
}

/* Only the context is looked at, which the answer repeats (RFC 8446 4.3.2, 4.4.2). */
bool load_parse_request(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    struct sl_cursor c = body_of(m, len);
    const uint8_t *context;

    e->asked = true;
    e->n_context = sl_cursor_u8(&c);
    context = sl_cursor_take(&c, e->n_context);
    if (!context)
        return malformed(e);
    memcpy(e->context, context, e->n_context);
    return true;
}

bool load_parse_finished(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    uint8_t expected[HASH_MAX_BYTES];
    uint32_t n = hash_bytes(e->suite->sha384);

    if (len != MESSAGE_HEAD_BYTES + n)
        return malformed(e);
    load_keys_finished(e, e->rx.secret, expected);
    if (!sl_crypto_equal(expected, m + MESSAGE_HEAD_BYTES, n))
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECRYPT_ERROR);
    return true;
}

bool load_parse_ticket(struct sl_engine *e, const uint8_t *m, uint32_t len)
{
    struct sl_cursor c = body_of(m, len);

    load_ticket_keep(e, &c);
    return c.bad ? malformed(e) : true;
}
