/* Tickets: sealing and opening, and what they are bound to. */
#include "tls/ticket.h"

#include <errno.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>

#include "crypto/crypto.h"

#define VERSION 1
#define HEAD_BYTES (1 + SL_TICKET_NAME_BYTES + SL_AEAD_NONCE_BYTES)
#define TIME_BYTES 8
#define AAD_BYTES (HEAD_BYTES + SL_TICKET_BINDING_BYTES)
#define SKEW_S 60 /* between the clocks of machines that share keys */
/* Random nonces: beyond so many under one key they may repeat (NIST SP 800-38D 8.3). */
#define SEALS_MAX (UINT64_C(1) << 32)

struct key {
    bool there;
    uint8_t name[SL_TICKET_NAME_BYTES];
    uint64_t seals;
    struct sl_aead_key aead;
};

struct ring { /* never moved once its keys are expanded */
    struct key keys[SL_TICKET_ROLE_COUNT];
};

struct sl_tickets {
    struct ring *ring; /* NULL: no keys yet */
};

const char *const sl_ticket_verdict_name[SL_TICKET_VERDICT_COUNT] = {
    [SL_TICKET_GOOD] = "good",       [SL_TICKET_GOOD_OLD] = "good, of an old key",
    [SL_TICKET_FOREIGN] = "foreign", [SL_TICKET_ALTERED] = "altered",
    [SL_TICKET_EXPIRED] = "expired",
};

/* ---- keys ---- */

struct sl_tickets *sl_tickets_create(void) { return calloc(1, sizeof(struct sl_tickets)); }

static void forget(struct ring *ring)
{
    for (uint32_t i = 0; ring && i < SL_TICKET_ROLE_COUNT; i++) {
        struct key *k = &ring->keys[i];

        if (k->there)
            k->aead.backend->forget(&k->aead);
        sl_crypto_wipe(k, sizeof *k);
    }
    free(ring);
}

void sl_tickets_free(struct sl_tickets *t)
{
    if (t)
        forget(t->ring);
    free(t);
}

#define DERIVED_BYTES (SL_AEAD_KEY_MAX_BYTES + SL_TICKET_NAME_BYTES)

/* The cipher's key and its name both come from the secret (RFC 5869), so that a file can't have them fit ill. */
static bool derive(const uint8_t secret[static SL_TICKET_SECRET_BYTES], uint8_t out[static DERIVED_BYTES])
{
    static const char info[] = "sluice ticket 1";

    return mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), NULL, 0, secret, SL_TICKET_SECRET_BYTES,
                        (const uint8_t *)info, sizeof info - 1, out, DERIVED_BYTES) == 0;
}

bool sl_ticket_set_name(const struct sl_ticket_set *set, enum sl_ticket_role role,
                        uint8_t out[static SL_TICKET_NAME_BYTES])
{
    uint8_t bytes[DERIVED_BYTES] = {0};
    bool good = derive(set->secret[role], bytes);

    memcpy(out, bytes + SL_AEAD_KEY_MAX_BYTES, SL_TICKET_NAME_BYTES);
    sl_crypto_wipe(bytes, sizeof bytes);
    return good;
}

static int learn(struct key *k, const uint8_t secret[static SL_TICKET_SECRET_BYTES])
{
    uint8_t bytes[DERIVED_BYTES];

    k->there =
        derive(secret, bytes) && sl_aead_best(SL_AEAD_AES_256_GCM)->expand(&k->aead, SL_AEAD_AES_256_GCM, bytes) == 0;
    if (k->there)
        memcpy(k->name, bytes + SL_AEAD_KEY_MAX_BYTES, SL_TICKET_NAME_BYTES);
    sl_crypto_wipe(bytes, sizeof bytes);
    return k->there ? 0 : -ENOMEM;
}

/* A key that stays keeps its count of seals, whatever its role is now. */
static void keep_counts(struct ring *fresh, const struct ring *old)
{
    for (uint32_t i = 0; old && i < SL_TICKET_ROLE_COUNT; i++)
        for (uint32_t k = 0; k < SL_TICKET_ROLE_COUNT; k++)
            if (old->keys[k].there && memcmp(fresh->keys[i].name, old->keys[k].name, SL_TICKET_NAME_BYTES) == 0)
                fresh->keys[i].seals = old->keys[k].seals;
}

int sl_tickets_use(struct sl_tickets *t, const struct sl_ticket_set *set)
{
    struct ring *fresh = aligned_alloc(_Alignof(struct ring), sizeof *fresh);
    int ret = fresh ? 0 : -ENOMEM;

    if (fresh)
        memset(fresh, 0, sizeof *fresh);
    for (uint32_t i = 0; i < SL_TICKET_ROLE_COUNT && ret == 0; i++)
        if (set->has[i])
            ret = learn(&fresh->keys[i], set->secret[i]);
    if (ret < 0) {
        forget(fresh);
        return ret;
    }
    keep_counts(fresh, t->ring);
    forget(t->ring);
    t->ring = fresh;
    return 0;
}

bool sl_tickets_ready(const struct sl_tickets *t)
{
    return t->ring && t->ring->keys[SL_TICKET_CURRENT].seals < SEALS_MAX;
}

/* ---- sealing and opening ---- */

static void put_u64(uint8_t *p, uint64_t v)
{
    sl_put_u32(p, (uint32_t)(v >> 32));
    sl_put_u32(p + 4, (uint32_t)v);
}

static void make_aad(uint8_t aad[static AAD_BYTES], const uint8_t *head, const uint8_t *binding)
{
    memcpy(aad, head, HEAD_BYTES);
    memcpy(aad + HEAD_BYTES, binding, SL_TICKET_BINDING_BYTES);
}

uint32_t sl_ticket_seal(struct sl_tickets *t, const uint8_t binding[static SL_TICKET_BINDING_BYTES], uint64_t wall_s,
                        const void *state, uint32_t state_bytes, uint8_t *out, uint32_t room_bytes)
{
    uint8_t aad[AAD_BYTES], *nonce = out + 1 + SL_TICKET_NAME_BYTES;
    struct sl_span body = {.p = out + HEAD_BYTES, .len = TIME_BYTES + state_bytes};
    struct key *k;

    if (!sl_tickets_ready(t) || state_bytes > SL_TICKET_STATE_MAX_BYTES ||
        room_bytes < state_bytes + SL_TICKET_OVERHEAD_BYTES)
        return 0;
    k = &t->ring->keys[SL_TICKET_CURRENT];
    k->seals++;
    out[0] = VERSION;
    memcpy(out + 1, k->name, SL_TICKET_NAME_BYTES);
    sl_crypto_random(nonce, SL_AEAD_NONCE_BYTES);
    put_u64(body.p, wall_s);
    if (state_bytes > 0)
        memcpy(body.p + TIME_BYTES, state, state_bytes);
    make_aad(aad, out, binding);
    k->aead.backend->seal(&k->aead, nonce, aad, sizeof aad, &body, 1, body.p + body.len);
    return state_bytes + SL_TICKET_OVERHEAD_BYTES;
}

/* The role of the key that sealed this; SL_TICKET_ROLE_COUNT: none of ours. Names are no secret. */
static uint32_t role_of(const struct sl_tickets *t, const uint8_t *ticket, uint32_t ticket_bytes)
{
    uint32_t i = SL_TICKET_ROLE_COUNT;

    if (!t->ring || ticket_bytes < SL_TICKET_OVERHEAD_BYTES || ticket_bytes > SL_TICKET_MAX_BYTES ||
        ticket[0] != VERSION)
        return i;
    for (i = 0; i < SL_TICKET_ROLE_COUNT; i++)
        if (t->ring->keys[i].there && memcmp(t->ring->keys[i].name, ticket + 1, SL_TICKET_NAME_BYTES) == 0)
            break;
    return i;
}

static bool expired(uint64_t issued_s, uint64_t wall_s, uint32_t lifetime_s)
{
    return issued_s > wall_s ? issued_s - wall_s > SKEW_S : wall_s - issued_s >= lifetime_s;
}

enum sl_ticket_verdict sl_ticket_open(struct sl_tickets *t, const uint8_t binding[static SL_TICKET_BINDING_BYTES],
                                      uint64_t wall_s, uint32_t lifetime_s, const uint8_t *ticket,
                                      uint32_t ticket_bytes, uint8_t *state, uint32_t *state_bytes)
{
    uint32_t role = role_of(t, ticket, ticket_bytes);
    struct sl_span body = {.p = state};
    struct sl_cursor issued;
    uint8_t aad[AAD_BYTES];
    uint64_t issued_s;
    struct key *k;

    *state_bytes = 0;
    if (role == SL_TICKET_ROLE_COUNT)
        return SL_TICKET_FOREIGN;
    k = &t->ring->keys[role];
    body.len = ticket_bytes - HEAD_BYTES - SL_AEAD_TAG_BYTES;
    memcpy(body.p, ticket + HEAD_BYTES, body.len);
    make_aad(aad, ticket, binding);
    if (!k->aead.backend->open(&k->aead, ticket + 1 + SL_TICKET_NAME_BYTES, aad, sizeof aad, &body, 1,
                               ticket + ticket_bytes - SL_AEAD_TAG_BYTES)) {
        sl_crypto_wipe(body.p, body.len);
        return SL_TICKET_ALTERED;
    }
    issued = sl_cursor_of(body.p, TIME_BYTES);
    issued_s = (uint64_t)sl_cursor_u32(&issued) << 32;
    issued_s |= sl_cursor_u32(&issued);
    if (expired(issued_s, wall_s, lifetime_s)) {
        sl_crypto_wipe(body.p, body.len);
        return SL_TICKET_EXPIRED;
    }
    *state_bytes = body.len - TIME_BYTES;
    memmove(state, state + TIME_BYTES, *state_bytes);
    sl_crypto_wipe(state + *state_bytes, TIME_BYTES);
    return role == SL_TICKET_PREVIOUS ? SL_TICKET_GOOD_OLD : SL_TICKET_GOOD;
}

/* ---- bindings ---- */

/* Each piece with its length before it, so that no two lists of pieces hash alike. */
static void add(mbedtls_sha256_context *hash, const void *bytes, size_t len_bytes)
{
    uint8_t len[4];

    sl_put_u32(len, (uint32_t)len_bytes);
    (void)mbedtls_sha256_update(hash, len, sizeof len);
    (void)mbedtls_sha256_update(hash, bytes, len_bytes);
}

static void add_numbers(mbedtls_sha256_context *hash, const uint16_t *numbers, uint32_t n)
{
    uint8_t bytes[2 * (SL_TLS_SUITES_MAX + 1)];

    assert(2 * n <= sizeof bytes);
    for (uint32_t i = 0; i < n; i++)
        sl_put_u16(bytes + 2 * i, numbers[i]);
    add(hash, bytes, 2 * (size_t)n);
}

void sl_ticket_site_binding(const struct sl_tls_settings *s, const char *listener,
                            uint8_t out[static SL_TICKET_BINDING_BYTES])
{
    const struct sl_conf_file none = {0}, *ca = s->conf ? &s->conf->client_ca_pem : &none,
                              *crl = s->conf ? &s->conf->client_crl_pem : &none;
    const uint16_t numbers[] = {s->version_min, s->version_max, (uint16_t)s->clients};
    mbedtls_sha256_context hash;

    mbedtls_sha256_init(&hash);
    (void)mbedtls_sha256_starts(&hash, 0);
    add(&hash, listener, strlen(listener));
    add_numbers(&hash, numbers, SL_ARRAY_LEN(numbers));
    add_numbers(&hash, s->suites, s->n_suites);
    add_numbers(&hash, s->groups, s->n_groups);
    add(&hash, ca->bytes, ca->len_bytes);
    add(&hash, crl->bytes, crl->len_bytes);
    (void)mbedtls_sha256_finish(&hash, out);
    mbedtls_sha256_free(&hash);
}

void sl_ticket_host_binding(const uint8_t site[static SL_TICKET_BINDING_BYTES], const char *host,
                            uint8_t out[static SL_TICKET_BINDING_BYTES])
{
    mbedtls_sha256_context hash;

    mbedtls_sha256_init(&hash);
    (void)mbedtls_sha256_starts(&hash, 0);
    add(&hash, site, SL_TICKET_BINDING_BYTES);
    add(&hash, host, strlen(host));
    (void)mbedtls_sha256_finish(&hash, out);
    mbedtls_sha256_free(&hash);
}
