/* The policy's ticket: one at a time, used by every handshake until its time is nearly over or the server refuses it. */
#include <mbedtls/platform_time.h>

#include "engine_internal.h"

/* As lib/tls has been told (sl_crypto_set_wall). */
static uint64_t wall_s(void) { return (uint64_t)mbedtls_time(NULL); }

uint64_t load_ticket_age_s(const struct load_ticket *t) { return wall_s() - t->since_s; }

const struct load_ticket *load_ticket_usable(const struct sl_engine_policy *p)
{
    const struct load_ticket *t = &p->ticket;

    return t->len && load_ticket_age_s(t) < t->lifetime_s - t->lifetime_s / 8 ? t : NULL;
}

/* RFC 8446 4.6.1. */
void load_ticket_keep(struct sl_engine *e, struct sl_cursor *body)
{
    struct load_ticket *t = &e->policy->ticket;
    uint32_t lifetime_s = sl_cursor_u32(body), age_add = sl_cursor_u32(body);
    uint32_t n_nonce = sl_cursor_u8(body);
    const uint8_t *nonce = sl_cursor_take(body, n_nonce);
    uint32_t len = sl_cursor_u16(body);
    const uint8_t *bytes = sl_cursor_take(body, len);

    sl_cursor_skip(body, sl_cursor_u16(body));
    if (sl_cursor_left(body) || !len)
        body->bad = true;
    if (body->bad || !lifetime_s || len > TICKET_MAX_BYTES)
        return;
    t->number++;
    t->len = len;
    t->age_add = age_add;
    t->lifetime_s = SL_MIN(lifetime_s, (uint32_t)TICKET_LIFE_MAX_S);
    t->since_s = wall_s();
    memcpy(t->bytes, bytes, len);
    load_keys_ticket(e, nonce, n_nonce, t);
}

void load_ticket_refused(struct sl_engine *e)
{
    struct load_ticket *t = &e->policy->ticket;

    if (t->number == e->ticket_number)
        t->len = 0;
}
