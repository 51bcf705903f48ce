/* Records of the handshake, one at a time in the policy's buffer (RFC 8446 5.2 to 5.4). */
#include "engine_internal.h"

static void nonce_of(const struct sl_tls_direction *d, uint8_t nonce[static SL_AEAD_NONCE_BYTES])
{
    memcpy(nonce, d->iv, SL_AEAD_NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        nonce[SL_AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(d->seq >> (8 * i));
}

static bool expand(struct sl_aead_key *key, const struct sl_engine *e, const struct sl_tls_direction *d)
{
    return sl_aead_best(e->suite->aead)->expand(key, e->suite->aead, d->key) == 0;
}

static void close_key(struct sl_engine_policy *p)
{
    p->opening.backend->forget(&p->opening);
    p->opener = NULL;
}

/* The key stays expanded as long as nobody else opens anything: a flight comes in one piece. */
static struct sl_aead_key *opening(struct sl_engine *e)
{
    struct sl_engine_policy *p = e->policy;

    if (p->opener == e)
        return &p->opening;
    if (p->opener)
        close_key(p);
    if (!expand(&p->opening, e, &e->rx))
        return NULL;
    p->opener = e;
    return &p->opening;
}

void load_record_forget(struct sl_engine *e)
{
    if (e->policy->opener == e)
        close_key(e->policy);
}

bool load_record_open(struct sl_engine *e, uint32_t body_bytes, uint32_t *content_bytes, uint8_t *type)
{
    uint8_t *head = e->policy->record, *body = head + RECORD_HEAD_BYTES, nonce[SL_AEAD_NONCE_BYTES];
    struct sl_aead_key *key = opening(e);
    struct sl_span span;
    uint32_t n;

    if (!key)
        return load_engine_fail(e, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR);
    if (body_bytes < SL_AEAD_TAG_BYTES)
        return load_engine_fail(e, SL_TLS_FAIL_RECORD, SL_ALERT_BAD_RECORD_MAC);
    n = body_bytes - SL_AEAD_TAG_BYTES;
    span = (struct sl_span){body, n};
    nonce_of(&e->rx, nonce);
    if (!key->backend->open(key, nonce, head, RECORD_HEAD_BYTES, &span, 1, body + n))
        return load_engine_fail(e, SL_TLS_FAIL_RECORD, SL_ALERT_BAD_RECORD_MAC);
    e->rx.seq++;
    if (n > 16384 + 1) /* the type counts */
        return load_engine_fail(e, SL_TLS_FAIL_RECORD, SL_ALERT_RECORD_OVERFLOW);
    while (n && !body[n - 1])
        n--;
    if (!n)
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE);
    *type = body[n - 1];
    *content_bytes = n - 1;
    return true;
}

uint32_t load_record_seal(struct sl_engine *e, uint8_t type, uint32_t len)
{
    uint8_t *head = e->policy->record, *body = head + RECORD_HEAD_BYTES, nonce[SL_AEAD_NONCE_BYTES];
    struct sl_span span = {body, len + 1};
    struct sl_aead_key key;

    head[0] = RECORD_DATA;
    sl_put_u16(head + 1, 0x0303);
    sl_put_u16(head + 3, (uint16_t)(len + 1 + SL_AEAD_TAG_BYTES));
    body[len] = type;
    if (!expand(&key, e, &e->tx))
        return 0;
    nonce_of(&e->tx, nonce);
    key.backend->seal(&key, nonce, head, RECORD_HEAD_BYTES, &span, 1, body + len + 1);
    key.backend->forget(&key);
    e->tx.seq++;
    return RECORD_HEAD_BYTES + len + 1 + SL_AEAD_TAG_BYTES;
}
