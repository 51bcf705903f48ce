/* A ClientHello turned into facts: the frame of the message, and the rules that concern more than one of its parts. */
#include "tls/hello_extensions.h"

#include "tls/names.h"

#define FALLBACK_SCSV 0x5600      /* RFC 7507 */
#define RENEGOTIATION_SCSV 0x00ff /* RFC 5746 */
#define CLIENT_HELLO 1            /* handshake type */
#define RENEGOTIATION_INFO 0xff01 /* its number among extensions */

#define SUITES(X)                                                                                                      \
    X(SL_HELLO_TLS13_AES_128_GCM_SHA256, 0x1301)                                                                       \
    X(SL_HELLO_TLS13_AES_256_GCM_SHA384, 0x1302)                                                                       \
    X(SL_HELLO_TLS13_CHACHA20_POLY1305_SHA256, 0x1303)                                                                 \
    X(SL_HELLO_ECDHE_ECDSA_AES_128_GCM_SHA256, 0xc02b)                                                                 \
    X(SL_HELLO_ECDHE_ECDSA_AES_256_GCM_SHA384, 0xc02c)                                                                 \
    X(SL_HELLO_ECDHE_ECDSA_CHACHA20_POLY1305_SHA256, 0xcca9)                                                           \
    X(SL_HELLO_ECDHE_RSA_AES_128_GCM_SHA256, 0xc02f)                                                                   \
    X(SL_HELLO_ECDHE_RSA_AES_256_GCM_SHA384, 0xc030)                                                                   \
    X(SL_HELLO_ECDHE_RSA_CHACHA20_POLY1305_SHA256, 0xcca8)

#define CHACHA                                                                                                         \
    (1u << SL_HELLO_TLS13_CHACHA20_POLY1305_SHA256 | 1u << SL_HELLO_ECDHE_ECDSA_CHACHA20_POLY1305_SHA256 |             \
     1u << SL_HELLO_ECDHE_RSA_CHACHA20_POLY1305_SHA256)

const uint16_t sl_hello_suite_id[SL_HELLO_SUITE_COUNT] = {SUITES(SL_HELLO_BY_PLACE)};

static const struct sl_hello_number known_suites[SL_HELLO_SLOTS] = {SUITES(SL_HELLO_BY_SLOT)};

/* A set of numbers that costs what is put into it: a page is cleared when it is first touched. */
struct number_set {
    uint64_t touched[4];
    uint64_t page[256][4];
};

/* The word in which v's bit stands. */
static uint64_t *word(struct number_set *s, uint16_t v)
{
    uint64_t *page = s->page[v >> 8];
    uint64_t bit = UINT64_C(1) << (v >> 8) % 64;

    if (!(s->touched[v >> 14] & bit)) {
        s->touched[v >> 14] |= bit;
        memset(page, 0, sizeof s->page[0]);
    }
    return &page[(v & 0xff) / 64];
}

static void put(struct number_set *s, uint16_t v) { *word(s, v) |= UINT64_C(1) << v % 64; }

/* Takes v out; false when it was not there. */
static bool take(struct number_set *s, uint16_t v)
{
    uint64_t *w = word(s, v), bit = UINT64_C(1) << v % 64;
    bool there = *w & bit;

    *w &= ~bit;
    return there;
}

/* Puts v in; false when it was there. */
static bool put_new(struct number_set *s, uint16_t v)
{
    uint64_t *w = word(s, v), bit = UINT64_C(1) << v % 64;
    bool there = *w & bit;

    *w |= bit;
    return !there;
}

static bool refuse(struct sl_tls_failure *failure, uint8_t alert)
{
    bool version = alert == SL_ALERT_PROTOCOL_VERSION || alert == SL_ALERT_INAPPROPRIATE_FALLBACK;

    *failure = (struct sl_tls_failure){.why = version ? SL_TLS_FAIL_VERSION : SL_TLS_FAIL_MESSAGE, .alert_sent = alert};
    return false;
}

/* Which suites of ours are offered, and of each version whether ChaCha20-Poly1305 leads: clients without AES in hardware
 * put it first. Suites 0x13xx are of 1.3 and all others of 1.2. */
static uint8_t suites(struct sl_cursor list, struct sl_hello *h)
{
    uint8_t led = 0;

    if (sl_cursor_left(&list) == 0 || sl_cursor_left(&list) % 2)
        return SL_ALERT_DECODE_ERROR;
    while (sl_cursor_left(&list)) {
        uint16_t id = sl_cursor_u16(&list);
        uint8_t version = id >> 8 == 0x13 ? SL_HELLO_V13 : SL_HELLO_V12;

        if (id == FALLBACK_SCSV) {
            h->fallback_scsv = true;
        } else if (id == RENEGOTIATION_SCSV) {
            h->renegotiation = true;
        } else if (!sl_hello_grease(id)) {
            uint32_t set = sl_hello_set(known_suites, id);

            if (!(led & version) && (set & CHACHA))
                h->chacha_first |= version;
            led |= version;
            h->suites |= set;
        }
    }
    return 0;
}

/* Null is among the methods (RFC 5246 7.4.1.2). *only: and alone, as 1.3 wants it. */
static uint8_t compression(struct sl_cursor list, bool *only)
{
    bool null = false;

    if (sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    *only = sl_cursor_left(&list) == 1;
    while (sl_cursor_left(&list))
        null |= sl_cursor_u8(&list) == 0;
    return null ? 0 : SL_ALERT_ILLEGAL_PARAMETER;
}

static uint8_t one_extension(struct sl_cursor *c, struct sl_hello *h, struct number_set *seen)
{
    uint16_t type = sl_cursor_u16(c);
    struct sl_cursor data = sl_hello_vec16(c);
    uint32_t slot = type == RENEGOTIATION_INFO ? SL_HELLO_RENEGOTIATION_INFO : type;
    const struct sl_hello_extension_kind *kind;
    uint8_t alert;

    if (data.bad)
        return SL_ALERT_DECODE_ERROR;
    /* RFC 8446 4.2: one of each type; 4.2.11: nothing stands behind pre_shared_key. */
    if (!put_new(seen, type) || sl_hello_has(h, SL_HELLO_PRE_SHARED_KEY))
        return SL_ALERT_ILLEGAL_PARAMETER;
    if (slot >= SL_HELLO_EXTENSION_SLOTS || !sl_hello_extension_kinds[slot].name ||
        (slot == SL_HELLO_RENEGOTIATION_INFO && type != RENEGOTIATION_INFO))
        return 0;
    kind = &sl_hello_extension_kinds[slot];
    h->present |= UINT64_C(1) << slot;
    if (!kind->parse)
        return 0;
    alert = kind->parse(&data, h);
    if (data.bad)
        return SL_ALERT_DECODE_ERROR;
    return alert ? alert : sl_cursor_left(&data) ? SL_ALERT_DECODE_ERROR : 0;
}

/* Shares are of groups in supported_groups, one of each at most (RFC 8446 4.2.8): a group is taken out with its share.
 * Their order is not looked at. */
static uint8_t shares(const struct sl_hello *h, struct number_set *groups)
{
    struct sl_cursor list = sl_bytes_cursor(h->group_list), entries = sl_bytes_cursor(h->share_list);

    while (sl_cursor_left(&list))
        put(groups, sl_cursor_u16(&list));
    while (sl_cursor_left(&entries)) {
        if (!take(groups, sl_cursor_u16(&entries)))
            return SL_ALERT_ILLEGAL_PARAMETER;
        sl_hello_vec16(&entries);
    }
    return 0;
}

/* RFC 8446 9.2, 4.2.9, 4.1.2: what a client that offers 1.3 must bring along. */
static uint8_t rules_of_13(const struct sl_hello *h, bool only_null, struct number_set *set)
{
    bool psk = sl_hello_has(h, SL_HELLO_PRE_SHARED_KEY), groups = sl_hello_has(h, SL_HELLO_SUPPORTED_GROUPS);

    if (!only_null)
        return SL_ALERT_ILLEGAL_PARAMETER;
    for (uint32_t i = 0; i < SL_HELLO_EXTENSION_SLOTS; i++)
        if (sl_hello_extension_kinds[i].not_here && h->present >> i & 1)
            return SL_ALERT_ILLEGAL_PARAMETER;
    if (groups != sl_hello_has(h, SL_HELLO_KEY_SHARE))
        return SL_ALERT_MISSING_EXTENSION;
    if (!psk && (!groups || !sl_hello_has(h, SL_HELLO_SIGNATURE_ALGORITHMS)))
        return SL_ALERT_MISSING_EXTENSION;
    if (psk && !sl_hello_has(h, SL_HELLO_PSK_KEY_EXCHANGE_MODES))
        return SL_ALERT_MISSING_EXTENSION;
    memset(set->touched, 0, sizeof set->touched);
    return shares(h, set);
}

static uint8_t extensions(struct sl_cursor *c, struct sl_hello *h, struct number_set *seen)
{
    struct sl_cursor all = sl_hello_vec16(c);

    h->extensions = sl_hello_rest(&all);
    while (sl_cursor_left(&all)) {
        uint8_t alert = one_extension(&all, h, seen);

        if (alert)
            return alert;
    }
    return all.bad ? SL_ALERT_DECODE_ERROR : 0;
}

/* All of the message in its order. An alert, or 0. */
static uint8_t body(struct sl_cursor *c, struct sl_hello *h, bool *only_null, struct number_set *seen)
{
    struct sl_cursor session, list, methods;
    const uint8_t *from = c->p;
    uint8_t alert;

    h->legacy_version = sl_cursor_u16(c);
    sl_cursor_skip(c, 32); /* random */
    session = sl_hello_vec8(c);
    list = sl_hello_vec16(c);
    methods = sl_hello_vec8(c);
    if (c->bad || sl_cursor_left(&session) > 32)
        return SL_ALERT_DECODE_ERROR;
    h->fixed = (struct sl_bytes){from, (uint32_t)(c->p - from)};
    h->session_id = sl_hello_rest(&session);
    if (h->legacy_version <= 0x0300) /* RFC 8446 D.5 */
        return SL_ALERT_PROTOCOL_VERSION;
    if ((alert = suites(list, h)) || (alert = compression(methods, only_null)))
        return alert;
    if (sl_cursor_left(c) && (alert = extensions(c, h, seen)))
        return alert;
    return c->bad || sl_cursor_left(c) ? SL_ALERT_DECODE_ERROR : 0;
}

bool sl_hello_parse(const uint8_t *msg, uint32_t len, struct sl_hello *out, struct sl_tls_failure *failure)
{
    struct sl_cursor c = sl_cursor_of(msg, len);
    struct number_set set;
    bool only_null = false;
    uint8_t alert;

    memset(set.touched, 0, sizeof set.touched);
    *out = (struct sl_hello){.uncompressed_points = true};
    *failure = (struct sl_tls_failure){0};
    if (sl_cursor_u8(&c) != CLIENT_HELLO)
        return refuse(failure, c.bad ? SL_ALERT_DECODE_ERROR : SL_ALERT_UNEXPECTED_MESSAGE);
    if (sl_cursor_u24(&c) != sl_cursor_left(&c) || c.bad)
        return refuse(failure, SL_ALERT_DECODE_ERROR);
    alert = body(&c, out, &only_null, &set);
    if (alert)
        return refuse(failure, alert);
    if (!sl_hello_has(out, SL_HELLO_SUPPORTED_VERSIONS) && out->legacy_version >= 0x0303)
        out->versions = SL_HELLO_V12; /* RFC 8446 4.2.1: also of those that claim more */
    if (!sl_hello_has(out, SL_HELLO_SIGNATURE_ALGORITHMS_CERT))
        out->cert_signatures = out->signatures;
    if (!out->versions)
        return refuse(failure, SL_ALERT_PROTOCOL_VERSION);
    if (out->versions & SL_HELLO_V13)
        alert = rules_of_13(out, only_null, &set);
    else if (!out->uncompressed_points)
        alert = SL_ALERT_ILLEGAL_PARAMETER; /* RFC 8422 5.1.2 */
    return alert ? refuse(failure, alert) : true;
}

uint8_t sl_hello_version(const struct sl_hello *h, uint8_t ours, struct sl_tls_failure *failure)
{
    uint8_t common = h->versions & ours;
    uint8_t chosen = common & SL_HELLO_V13 ? SL_HELLO_V13 : common;

    *failure = (struct sl_tls_failure){0};
    if (!chosen) {
        refuse(failure, SL_ALERT_PROTOCOL_VERSION);
    } else if (h->fallback_scsv && (ours & SL_HELLO_V13) && !(h->versions & SL_HELLO_V13)) {
        refuse(failure, SL_ALERT_INAPPROPRIATE_FALLBACK);
        return 0;
    }
    return chosen;
}

enum sl_hello_name sl_hello_name(const struct sl_hello *h, char out[static SL_HELLO_NAME_ROOM])
{
    const char *text = (const char *)h->sni.p;
    char address[SL_IP_TEXT_MAX];
    struct sl_ip ip;

    out[0] = 0;
    if (!text)
        return SL_HELLO_NAME_NONE;
    if (h->sni.len < sizeof address) {
        memcpy(address, text, h->sni.len);
        address[h->sni.len] = 0;
        if (sl_ip_parse(address, &ip))
            return SL_HELLO_NAME_NONE;
    }
    if (text[0] == '*' || !sl_name_normalize(text, h->sni.len, out, SL_HELLO_NAME_ROOM)) {
        out[0] = 0;
        return SL_HELLO_NAME_BAD;
    }
    return SL_HELLO_NAME_GOOD;
}
