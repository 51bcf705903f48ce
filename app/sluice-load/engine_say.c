/* What the client says after its hello: its end of the handshake, alerts. */
#include "engine_internal.h"
#include "tls/keys.h"

#define ANSWER_MAX_BYTES 512 /* an empty Certificate with its context, Finished, and what a record adds */

/* RFC 8446 4.4.2: there is none. */
static uint32_t put_certificate(const struct sl_engine *e, uint8_t *out)
{
    uint32_t body = 1 + e->n_context + 3u;

    out[0] = MESSAGE_CERTIFICATE;
    out[1] = 0;
    sl_put_u16(out + 2, (uint16_t)body);
    out[4] = e->n_context;
    memcpy(out + 5, e->context, e->n_context);
    memset(out + 5 + e->n_context, 0, 3);
    return MESSAGE_HEAD_BYTES + body;
}

static uint32_t put_finished(const struct sl_engine *e, uint8_t *out)
{
    uint32_t n = hash_bytes(e->suite->sha384);

    out[0] = MESSAGE_FINISHED;
    out[1] = 0;
    sl_put_u16(out + 2, (uint16_t)n);
    load_keys_finished(e, e->tx.secret, out + MESSAGE_HEAD_BYTES);
    return MESSAGE_HEAD_BYTES + n;
}

bool load_say_finished(struct sl_engine *e)
{
    uint8_t *out = e->policy->record + RECORD_HEAD_BYTES;
    uint32_t n = 0, last;

    if (!sl_wire_reserve(e->wire, ANSWER_MAX_BYTES))
        return false;
    if (e->asked) {
        n = put_certificate(e, out);
        load_hash_add(&e->log, out, n);
    }
    last = put_finished(e, out + n);
    load_hash_add(&e->log, out + n, last);
    n = load_record_seal(e, RECORD_HANDSHAKE, n + last);
    if (!n)
        return load_engine_fail(e, SL_TLS_FAIL_INTERNAL, 0);
    sl_wire_write(e->wire, e->policy->record, n);
    return true;
}

bool load_say_alert(struct sl_engine *e, uint8_t alert)
{
    uint8_t *out = e->policy->record;
    uint32_t n = RECORD_HEAD_BYTES + 2;
    const uint8_t clear[] = {RECORD_ALERT, 3, 3, 0, 2, 2, alert};

    if (!sl_wire_reserve(e->wire, ANSWER_MAX_BYTES))
        return false;
    memcpy(out, clear, sizeof clear);
    if (e->sealed)
        n = load_record_seal(e, RECORD_ALERT, 2);
    sl_wire_write(e->wire, out, n);
    return true;
}
