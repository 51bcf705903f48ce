/* A client driven by hand: hellos from text, records, and what it makes of the server's messages. */
#include "helpers/tls_raw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define HELLO_MAX 70000
#define RECORD_MAX 17000

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tls_raw: %s\n", what);
    abort();
}

static void put(struct th_bytes *b, const void *p, size_t len)
{
    if (b->len + len > b->room) {
        b->room = (b->len + len) * 2;
        b->p = realloc(b->p, b->room);
        must(b->p, "out of memory");
    }
    if (len)
        memcpy(b->p + b->len, p, len);
    b->len += len;
}

static void drop(struct th_bytes *b, size_t n)
{
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

void th_raw_init(struct th_raw *c, struct th_pipe *pipe, bool v13)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
    size_t len;

    *c = (struct th_raw){.pipe = pipe, .v13 = v13, .alert = -1};
    psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY));
    psa_set_key_bits(&a, 255);
    psa_set_key_usage_flags(&a, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&a, PSA_ALG_ECDH);
    must(psa_generate_key(&a, &c->key) == PSA_SUCCESS, "key");
    must(psa_export_public_key(c->key, c->share, sizeof c->share, &len) == PSA_SUCCESS, "share");
    th_twin_init(&c->keys, v13, SL_AEAD_AES_128_GCM, 1);
    memset(c->randoms, 0x5a, 32); /* TH_FRONT's */
}

void th_raw_done(struct th_raw *c)
{
    psa_destroy_key(c->key);
    free(c->log.p);
    free(c->in.p);
}

/* ---- hellos ---- */

struct text {
    char s[HELLO_MAX];
    size_t len;
};

static void add(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    t->len += (size_t)vsnprintf(t->s + t->len, sizeof t->s - t->len, format, args);
    va_end(args);
    must(t->len < sizeof t->s, "hello too long");
}

static void add_hex(struct text *t, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        add(t, "%02x", p[i]);
}

static const char * or (const char *given, const char *otherwise) { return given ? given : otherwise; }

static void add_13(struct text *t, const struct th_raw *c, const struct th_raw_hello *h)
{
    add(t, "%s", or (h->versions, "002b([0304])"));
    if (h->shares) {
        add(t, "0033((%s))", h->shares);
        return;
    }
    add(t, "0033((001d (");
    add_hex(t, c->share, sizeof c->share);
    add(t, ")))");
}

static void add_psk(struct text *t, const struct th_raw *c)
{
    add(t, "002d([01])0029(((");
    add_hex(t, c->ticket, c->ticket_len);
    add(t, ")%08x)([00*%u]))%s", c->age_add, c->binder_len ? c->binder_len : 32, or (c->behind_psk, ""));
}

uint8_t *th_raw_compose(struct th_raw *c, const struct th_raw_hello *h, uint32_t *len)
{
    static const struct th_raw_hello honest;
    struct text *t = calloc(1, sizeof *t);
    uint8_t *body = malloc(HELLO_MAX), *msg;

    must(t && body, "out of memory");
    h = h ? h : &honest;
    add(t, "0303 5a*32 %s (%s) [00] (", or (h->session_id, c->v13 ? "[77*32]" : "[]"),
        or (h->suites, c->v13 ? "1301" : "c02b 00ff"));
    if (c->v13)
        add_13(t, c, h);
    add(t, "%s%s%s%s", or (h->groups, c->v13 ? "000a((001d 0017 0018))" : "000a((001d 0017))"),
        or (h->signatures, TH_SIGNATURES), or (h->name, ""), or (h->more, ""));
    if (c->v13 && c->offer)
        add_psk(t, c);
    else if (c->offer) {
        add(t, "0023(");
        add_hex(t, c->ticket, c->ticket_len);
        add(t, ")");
    }
    add(t, ")");
    msg = th_hello_frame(TH_CLIENT_HELLO, body, th_hello_text(t->s, body, HELLO_MAX), len);
    if (c->v13 && c->offer && !c->behind_psk && !c->binder_len) {
        th_raw_binder(c, msg, *len - 35, msg + *len - 32);
        msg[*len - 1] ^= c->binder_spoil;
    }
    put(&c->log, msg, *len);
    free(body);
    free(t);
    return msg;
}

void th_raw_hello(struct th_raw *c, const struct th_raw_hello *h)
{
    uint32_t len;
    uint8_t *msg = th_raw_compose(c, h, &len);

    th_raw_plain(c, TH_HANDSHAKE, msg, len);
    free(msg);
}

/* ---- sending ---- */

void th_raw_plain(struct th_raw *c, uint8_t type, const void *bytes, size_t len)
{
    uint8_t *record = malloc(5 + len);

    must(record, "out of memory");
    memcpy(record, (uint8_t[]){type, 3, 3, (uint8_t)(len >> 8), (uint8_t)len}, 5);
    if (len)
        memcpy(record + 5, bytes, len);
    th_pipe_feed(c->pipe, record, 5 + len);
    free(record);
}

void th_raw_record(struct th_raw *c, uint8_t type, const void *bytes, size_t len)
{
    uint8_t *record;

    if (!c->seal) {
        th_raw_plain(c, type, bytes, len);
        return;
    }
    record = malloc(len + 64);
    must(record, "out of memory");
    th_pipe_feed(c->pipe, record, th_twin_seal(&c->keys, type, bytes, len, 0, record));
    free(record);
}

static size_t frame(uint8_t type, const void *body, size_t len, uint8_t *out)
{
    out[0] = type;
    out[1] = 0;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    if (len)
        memcpy(out + 4, body, len);
    return len + 4;
}

void th_raw_message(struct th_raw *c, uint8_t type, const void *body, size_t len, bool noted)
{
    uint8_t *msg = malloc(len + 4);

    must(msg, "out of memory");
    frame(type, body, len, msg);
    if (noted)
        put(&c->log, msg, len + 4);
    th_raw_record(c, TH_HANDSHAKE, msg, len + 4);
    free(msg);
}

void th_raw_finished(struct th_raw *c, uint8_t spoil, uint8_t *out)
{
    uint8_t verify[32], msg[36];
    uint32_t len;

    th_raw_verify_data(c, verify, &len);
    verify[0] ^= spoil;
    frame(TH_FINISHED, verify, len, msg);
    put(&c->log, msg, len + 4);
    if (out) {
        memcpy(out, msg, len + 4);
        return;
    }
    th_raw_record(c, TH_HANDSHAKE, msg, len + 4);
    if (c->v13)
        th_raw_use_data_keys(c);
}

void th_raw_key_exchange(struct th_raw *c)
{
    uint8_t body[33] = {32};

    memcpy(body + 1, c->share, 32);
    th_raw_message(c, TH_CLIENT_KEY_EXCHANGE, body, sizeof body, true);
    th_raw_master12(c, c->ems);
}

void th_raw_change_cipher(struct th_raw *c)
{
    th_raw_plain(c, TH_CCS, "\x01", 1);
    c->seal = true;
}

/* ---- the server's messages ---- */

/* RFC 8446 4.4.1: the first hello is replaced by its hash. */
static void begin_again(struct th_raw *c, const uint8_t *msg, size_t len)
{
    uint8_t digest[36] = {254, 0, 0, 32};

    th_raw_hash(c, digest + 4);
    c->log.len = 0;
    put(&c->log, digest, sizeof digest);
    put(&c->log, msg, len);
    c->retries++;
}

static void server_hello(struct th_raw *c, const uint8_t *msg, size_t len)
{
    static const uint8_t retry[4] = {0xcf, 0x21, 0xad, 0x74}; /* RFC 8446 4.1.3, its beginning */
    struct sl_cursor m = sl_cursor_of(msg + 4, len - 4), all, data;
    const uint8_t *peer = NULL;

    sl_cursor_skip(&m, 2);
    memcpy(c->randoms + 32, sl_cursor_take(&m, 32), 32);
    sl_cursor_skip(&m, sl_cursor_u8(&m));
    sl_cursor_skip(&m, 3);
    all = sl_cursor_sub(&m, sl_cursor_u16(&m));
    if (c->v13 && memcmp(c->randoms + 32, retry, 4) == 0) {
        begin_again(c, msg, len);
        return;
    }
    put(&c->log, msg, len);
    while (sl_cursor_left(&all)) {
        uint16_t type = sl_cursor_u16(&all);

        data = sl_cursor_sub(&all, sl_cursor_u16(&all));
        if (type == 51) {
            sl_cursor_skip(&data, 4);
            peer = sl_cursor_take(&data, 32);
        }
        c->resumed |= type == 41;
        c->ems |= type == 23;
    }
    if (c->v13 && peer)
        th_raw_handshake_keys(c, peer);
}

static void ticket(struct th_raw *c, const uint8_t *msg, size_t len)
{
    struct sl_cursor m = sl_cursor_of(msg + 4, len - 4), nonce = {0};

    c->lifetime_s = sl_cursor_u32(&m);
    if (c->v13) {
        c->age_add = sl_cursor_u32(&m);
        nonce = sl_cursor_sub(&m, sl_cursor_u8(&m));
    }
    c->ticket_len = sl_cursor_u16(&m);
    must(c->ticket_len <= sizeof c->ticket, "ticket too long");
    memcpy(c->ticket, sl_cursor_take(&m, c->ticket_len), c->ticket_len);
    if (c->v13)
        th_raw_resumption(c, nonce.p, (uint32_t)sl_cursor_left(&nonce));
}

static void message(struct th_raw *c, const uint8_t *msg, size_t len)
{
    uint8_t type = msg[0];

    c->seen[type]++;
    if (type == TH_SERVER_HELLO) {
        server_hello(c, msg, len);
        return;
    }
    if (type == TH_SERVER_KEY_EXCHANGE && len > 8 + 32 && msg[7] == 32)
        memcpy(c->points, msg + 7, 33);
    if (type == TH_NEW_SESSION_TICKET)
        ticket(c, msg, len);
    if (type != TH_NEW_SESSION_TICKET || !c->v13)
        put(&c->log, msg, len);
    if (type == TH_FINISHED && c->v13)
        th_raw_application_secrets(c);
}

static void messages(struct th_raw *c, const uint8_t *plain, size_t n)
{
    put(&c->in, plain, n);
    while (c->in.len >= 4) {
        size_t len = 4 + ((size_t)c->in.p[1] << 16 | (size_t)c->in.p[2] << 8 | c->in.p[3]);

        if (c->in.len < len)
            return;
        message(c, c->in.p, len);
        drop(&c->in, len);
    }
}

static void payload(struct th_raw *c, uint8_t type, const uint8_t *plain, size_t n)
{
    if (type == TH_ALERT && n == 2)
        c->alert = plain[1];
    else if (type == TH_HANDSHAKE)
        messages(c, plain, n);
    else if (type == TH_DATA && c->data_len + n <= sizeof c->data) {
        memcpy(c->data + c->data_len, plain, n);
        c->data_len += n;
    }
}

/* 1.2: the server's change_cipher_spec puts its keys in force. */
static void change_cipher_spec(struct th_raw *c)
{
    c->ccs++;
    c->open |= !c->v13;
}

void th_raw_read(struct th_raw *c)
{
    uint8_t *record = malloc(RECORD_MAX), type, *plain;

    must(record, "out of memory");
    while (!c->broken && th_pipe_waiting(c->pipe) >= 5) {
        size_t all;
        int n;

        th_pipe_take(c->pipe, record, 5);
        all = 5 + ((size_t)record[3] << 8 | record[4]);
        must(all <= RECORD_MAX && th_pipe_take(c->pipe, record + 5, all - 5) == all - 5, "half a record");
        type = record[0];
        plain = record + 5;
        n = (int)all - 5;
        if (type == TH_CCS) {
            change_cipher_spec(c);
            continue;
        }
        if (c->open && (!c->v13 || type == TH_DATA))
            n = th_twin_open(&c->keys, record, all, &type, &plain);
        c->broken = n < 0;
        if (n >= 0)
            payload(c, type, plain, (size_t)n);
    }
    free(record);
}

struct sl_stream *th_raw_complete(struct th_raw *c, struct th_rig *r)
{
    uint8_t events;

    th_rig_step(r);
    th_raw_read(c);
    if (c->v13 && c->seen[TH_FINISHED]) {
        th_raw_finished(c, 0, NULL);
    } else if (!c->v13 && c->seen[TH_SERVER_HELLO_DONE]) {
        th_raw_key_exchange(c);
        th_raw_change_cipher(c);
        th_raw_finished(c, 0, NULL);
    }
    th_rig_step(r);
    th_raw_read(c);
    return sl_ready_take(&r->ready, &events);
}
