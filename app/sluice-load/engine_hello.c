/* The ClientHello (RFC 8446 4.1.2): what all handshakes of a policy have in common is made once, the rest is filled in. */
#include <errno.h>

#include "engine_internal.h"
#include "tls/keys.h"

#define MODE_PSK_DHE_KE 1
#define GROUP_X25519 0x001d

/* RFC 8446 4.2 */
enum {
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_SIGNATURES = 13,
    EXT_ALPN = 16,
    EXT_PSK = 41,
    EXT_VERSIONS = 43,
    EXT_PSK_MODES = 45,
    EXT_SHARES = 51,
};

/* Bytes being put together; what does not fit sets bad. */
struct text {
    uint8_t *p;
    uint32_t n, room;
    bool bad;
};

static void put(struct text *t, const void *bytes, uint32_t len)
{
    if (t->bad || t->room - t->n < len) {
        t->bad = true;
        return;
    }
    memcpy(t->p + t->n, bytes, len);
    t->n += len;
}

static void put_u8(struct text *t, uint8_t v) { put(t, &v, 1); }

static void put_u16(struct text *t, uint16_t v)
{
    uint8_t b[2];

    sl_put_u16(b, v);
    put(t, b, sizeof b);
}

static void put_u32(struct text *t, uint32_t v)
{
    uint8_t b[4];

    sl_put_u32(b, v);
    put(t, b, sizeof b);
}

/* Room for a length of two bytes, which `close` fills in. */
static uint32_t open_vector(struct text *t)
{
    put_u16(t, 0);
    return t->n;
}

static void close_vector(struct text *t, uint32_t from)
{
    if (!t->bad)
        sl_put_u16(t->p + from - 2, (uint16_t)(t->n - from));
}

/* ---- the template ---- */

static uint32_t put_suites(struct text *t, const struct sl_tls_settings *s)
{
    uint32_t at = open_vector(t), n = 0;

    for (const uint16_t *suite = s->suites; *suite; suite++)
        if (sl_tls_suite_is_13(*suite)) {
            put_u16(t, *suite);
            n++;
        }
    close_vector(t, at);
    return n;
}

static void put_versions(struct text *t)
{
    put_u16(t, EXT_VERSIONS);
    put_u16(t, 3);
    put_u8(t, 2);
    put_u16(t, SL_TLS_V13);
}

static void put_groups(struct text *t)
{
    put_u16(t, EXT_GROUPS);
    put_u16(t, 4);
    put_u16(t, 2);
    put_u16(t, GROUP_X25519);
}

static void put_signatures(struct text *t, const struct sl_tls_settings *s)
{
    put_u16(t, EXT_SIGNATURES);
    put_u16(t, (uint16_t)(2 + 2 * s->n_sig_algs));
    put_u16(t, (uint16_t)(2 * s->n_sig_algs));
    for (uint32_t i = 0; i < s->n_sig_algs; i++)
        put_u16(t, s->sig_algs[i]);
}

static void put_modes(struct text *t)
{
    put_u16(t, EXT_PSK_MODES);
    put_u16(t, 2);
    put_u8(t, 1);
    put_u8(t, MODE_PSK_DHE_KE);
}

static void put_alpn(struct text *t, const char *const *alpn)
{
    uint32_t at, list;

    if (!alpn || !*alpn)
        return;
    put_u16(t, EXT_ALPN);
    at = open_vector(t);
    list = open_vector(t);
    for (; *alpn; alpn++) {
        size_t len = strlen(*alpn);

        t->bad = t->bad || !len || len > 255;
        put_u8(t, (uint8_t)len);
        put(t, *alpn, (uint32_t)len);
    }
    close_vector(t, list);
    close_vector(t, at);
}

/* The share itself is filled in later. */
static uint32_t put_share(struct text *t)
{
    static const uint8_t later[SHARE_BYTES];
    uint32_t at;

    put_u16(t, EXT_SHARES);
    put_u16(t, 2 + 4 + SHARE_BYTES);
    put_u16(t, 4 + SHARE_BYTES);
    put_u16(t, GROUP_X25519);
    put_u16(t, SHARE_BYTES);
    at = t->n;
    put(t, later, SHARE_BYTES);
    return at;
}

/* A session id would make the server send change_cipher_spec (RFC 8446 D.4), which nobody here needs. */
int load_hello_template(struct load_template *out, const struct sl_engine_policy_conf *app, struct sl_err *err)
{
    static const uint8_t head[] = {RECORD_HANDSHAKE, 3, 1, 0, 0, MESSAGE_CLIENT_HELLO, 0, 0, 0, 3, 3};
    static const uint8_t random[RANDOM_BYTES];
    struct text t = {.p = out->bytes, .room = sizeof out->bytes};
    uint32_t suites;

    put(&t, head, sizeof head);
    put(&t, random, sizeof random);
    put_u8(&t, 0); /* session id */
    suites = put_suites(&t, app->settings);
    put_u8(&t, 1); /* compression: none */
    put_u8(&t, 0);
    out->extensions_at = t.n;
    open_vector(&t);
    put_versions(&t);
    put_groups(&t);
    put_signatures(&t, app->settings);
    put_modes(&t);
    put_alpn(&t, app->alpn);
    out->share_at = put_share(&t);
    out->len = t.n;
    if (!suites)
        return sl_err_set(err, -EINVAL, "the load generator's own client speaks TLS 1.3 only");
    return t.bad ? sl_err_set(err, -EINVAL, "the list of protocols is too long") : 0;
}

/* ---- one hello ---- */

static void put_name(struct text *t, const char *name, uint32_t len)
{
    if (!len)
        return;
    put_u16(t, EXT_SERVER_NAME);
    put_u16(t, (uint16_t)(len + 5));
    put_u16(t, (uint16_t)(len + 3));
    put_u8(t, 0); /* host_name */
    put_u16(t, (uint16_t)len);
    put(t, name, len);
}

/* RFC 8446 4.2.11: the last of the extensions; the binder is filled in later. */
static void put_psk(struct text *t, const struct load_ticket *ticket)
{
    static const uint8_t binder[HASH_MAX_BYTES];
    uint32_t age_ms = (uint32_t)(load_ticket_age_s(ticket) * 1000), n = hash_bytes(ticket->sha384);
    uint32_t at, list;

    put_u16(t, EXT_PSK);
    at = open_vector(t);
    list = open_vector(t);
    put_u16(t, (uint16_t)ticket->len);
    put(t, ticket->bytes, ticket->len);
    put_u32(t, age_ms + ticket->age_add);
    close_vector(t, list);
    put_u16(t, (uint16_t)(1 + n));
    put_u8(t, (uint8_t)n);
    put(t, binder, n);
    close_vector(t, at);
}

/* RFC 8446 4.2.11.2: the binder covers the message up to the list of binders. The log goes on from there. */
static void bind(struct sl_engine *e, const struct load_ticket *ticket)
{
    uint32_t n = hash_bytes(ticket->sha384), binders = 2 + 1 + n;
    const uint8_t *message = e->hello + RECORD_HEAD_BYTES;
    uint32_t len = e->n_hello - RECORD_HEAD_BYTES;
    uint8_t log[HASH_MAX_BYTES];

    load_hash_begin(&e->log, ticket->sha384);
    load_hash_add(&e->log, message, len - binders);
    load_hash_tell(&e->log, log);
    sl_keys_hmac(ticket->sha384, ticket->binder_key, n, log, n, e->hello + e->n_hello - n);
    load_hash_add(&e->log, message + len - binders, binders);
    memcpy(e->salt, ticket->salt, n);
    e->offered = true;
    e->psk_sha384 = ticket->sha384;
    e->ticket_number = ticket->number;
}

void load_hello_compose(struct sl_engine *e)
{
    const struct load_template *from = &e->policy->hello;
    const struct load_ticket *ticket = e->policy->conf.resume ? load_ticket_usable(e->policy) : NULL;
    struct text t = {.p = e->hello, .room = sizeof e->hello};

    put(&t, from->bytes, from->len);
    put_name(&t, e->name, e->n_name);
    if (ticket)
        put_psk(&t, ticket);
    assert(!t.bad); /* a template, a name and a ticket of the greatest lengths fit */
    e->n_hello = t.n;
    sl_crypto_random(e->hello + RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES + 2, RANDOM_BYTES);
    memcpy(e->hello + from->share_at, e->op.dh.point, SHARE_BYTES);
    sl_put_u16(e->hello + 3, (uint16_t)(t.n - RECORD_HEAD_BYTES));
    sl_put_u16(e->hello + RECORD_HEAD_BYTES + 2, (uint16_t)(t.n - RECORD_HEAD_BYTES - MESSAGE_HEAD_BYTES));
    sl_put_u16(e->hello + from->extensions_at, (uint16_t)(t.n - from->extensions_at - 2));
    if (ticket)
        bind(e, ticket);
}

static_assert(TEMPLATE_MAX_BYTES + 9 + SL_SNI_MAX + 2 + 2 + 2 + 2 + TICKET_MAX_BYTES + 4 + 3 + HASH_MAX_BYTES <=
                  HELLO_MAX_BYTES,
              "every hello fits");
