/* Before a handshake: the ClientHello is read and understood, what it asks for is chosen (version, suite, certificates),
 * and an engine begins, which is told the hello again. Clients that dawdle over it hold no engine. */
#include <stdlib.h>

#include "tls/conn.h"
#include "tls/hello.h"

#define PIECE_BYTES 2048

static enum sl_hello_status read_hello(struct sl_tls_conn *c)
{
    uint8_t piece[PIECE_BYTES];
    enum sl_hello_status status = c->hello.status;

    while (status == SL_HELLO_MORE) {
        uint32_t used, want = SL_MIN(sl_hello_want(&c->hello), PIECE_BYTES);
        uint32_t n = sl_wire_read(&c->wire, piece, want);

        if (!n)
            break;
        status = sl_hello_feed(&c->hello, piece, n, &used);
    }
    return status;
}

/* ---- what the hello leads to ---- */

static uint8_t versions_of(const struct sl_tls_settings *s)
{
    return (uint8_t)((s->version_min <= SL_TLS_V12 && SL_TLS_V12 <= s->version_max ? SL_HELLO_V12 : 0) |
                     (s->version_max >= SL_TLS_V13 ? SL_HELLO_V13 : 0));
}

static bool offers(const struct sl_hello *h, uint16_t suite)
{
    for (uint32_t i = 0; i < SL_HELLO_SUITE_COUNT; i++)
        if (sl_hello_suite_id[i] == suite)
            return h->suites >> i & 1;
    return false;
}

/* The first of our suites of 1.3 that the client offers; 0: none. */
static uint16_t suite_13(const struct sl_tls_settings *s, const struct sl_hello *h)
{
    const uint16_t *suite = h->chacha_first & SL_HELLO_V13 ? s->suites_chacha : s->suites;

    while (*suite && (!sl_tls_suite_is_13(*suite) || !offers(h, *suite)))
        suite++;
    return *suite;
}

static bool refuse(struct sl_tls_failure *f, enum sl_tls_fail why, uint8_t alert)
{
    *f = (struct sl_tls_failure){.why = why, .alert_sent = alert};
    return false;
}

static bool choose_protocol(const struct sl_tls_settings *s, const struct sl_hello *h, struct sl_engine_start *start,
                            struct sl_tls_failure *failure)
{
    uint8_t version = sl_hello_version(h, versions_of(s), failure);

    if (!version)
        return false;
    start->suites = h->suites;
    start->chacha_first = h->chacha_first & version;
    start->extended_master = sl_hello_has(h, SL_HELLO_EXTENDED_MASTER_SECRET);
    if (version == SL_HELLO_V13) {
        start->suite = suite_13(s, h);
        if (!start->suite)
            return refuse(failure, SL_TLS_FAIL_SUITE, SL_ALERT_HANDSHAKE_FAILURE);
    }
    return true;
}

static bool choose_certificates(struct sl_tls_conn *c, const struct sl_hello *h, struct sl_certificate **certs,
                                struct sl_engine_start *start, struct sl_tls_failure *failure)
{
    char name[SL_HELLO_NAME_ROOM];
    enum sl_hello_name kind = sl_hello_name(h, name);
    bool known;

    start->n_certs = sl_site_certificates(sl_site_of(c->terms), name, certs, SL_SITE_CERTIFICATES_MAX, &known);
    if (kind != SL_HELLO_NAME_NONE && !known && c->terms->settings.unknown_sni == SL_UNKNOWN_SNI_REFUSE)
        return refuse(failure, SL_TLS_FAIL_NAME, SL_ALERT_UNRECOGNIZED_NAME);
    if (!start->n_certs)
        return refuse(failure, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
    if (name[0]) {
        char *copy = strdup(name);

        if (!copy)
            return refuse(failure, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
        c->sni = copy;
    }
    start->certs = certs;
    start->name = c->sni;
    return true;
}

static bool begin(struct sl_tls_conn *c, struct sl_tls_failure *failure)
{
    struct sl_certificate *certs[SL_SITE_CERTIFICATES_MAX];
    const struct sl_tls_site *site = sl_site_of(c->terms);
    struct sl_engine_start start = {.wire = &c->wire, .hello = &c->hello, .binding = c->binding};
    struct sl_hello hello;

    if (!sl_hello_parse(c->hello.bytes, c->hello.len, &hello, failure) ||
        !choose_protocol(&c->terms->settings, &hello, &start, failure) ||
        !choose_certificates(c, &hello, certs, &start, failure))
        return false;
    if (site->tickets)
        sl_ticket_host_binding(site->binding, c->sni, c->binding);
    c->engine = c->terms->engine->create(c->terms->policy, &start);
    return c->engine || refuse(failure, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
}

/* A fatal alert in clear (RFC 8446 6, B.1), which is all that can be said before there are keys. */
static void say(struct sl_tls_conn *c, uint8_t alert)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};

    if (sl_wire_reserve(&c->wire, sizeof record))
        sl_wire_write(&c->wire, record, sizeof record);
}

enum sl_hello_status sl_tls_greet(struct sl_tls_conn *c, struct sl_tls_failure *failure)
{
    enum sl_hello_status status = read_hello(c);

    if (status == SL_HELLO_MORE && sl_wire_ended(&c->wire)) {
        refuse(failure, SL_TLS_FAIL_CLOSED, 0);
        return SL_HELLO_REFUSED;
    }
    if (status == SL_HELLO_REFUSED)
        *failure = c->hello.failure;
    if (status == SL_HELLO_WHOLE && !begin(c, failure))
        status = SL_HELLO_REFUSED;
    if (status == SL_HELLO_REFUSED && failure->alert_sent)
        say(c, failure->alert_sent);
    return status;
}
