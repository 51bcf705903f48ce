/* Tickets in mbedTLS's handshakes: its sessions, sealed by ticket.c and bound to what must not have changed. It calls
 * without saying which handshake: the fiber that runs knows. */
#include "tls/engine_mbedtls.h"
#include "tls/ticket.h"

#include <mbedtls/platform.h>
#include <mbedtls/platform_time.h>

/* What is sealed: a byte of facts that mbedTLS does not keep, and its session. */
#define FACT_EMS 1 /* RFC 7627, 1.2 */
#define FACTS_BYTES 1

static uint64_t wall_s(void) { return (uint64_t)mbedtls_time(NULL); }

static int write_ticket(void *ctx, const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
                        size_t *len, uint32_t *lifetime_s)
{
    const struct sl_engine_policy *policy = ctx;
    const struct sl_engine *e = sl_engine_here();
    size_t state_bytes = 0;
    unsigned char *state;
    int ret;

    (void)mbedtls_ssl_session_save(session, NULL, 0, &state_bytes);
    state_bytes += FACTS_BYTES;
    state = mbedtls_calloc(1, state_bytes);
    if (!state)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    state[0] = e->start.extended_master ? FACT_EMS : 0;
    ret = mbedtls_ssl_session_save(session, state + FACTS_BYTES, state_bytes - FACTS_BYTES, &state_bytes);
    state_bytes += FACTS_BYTES;
    *len = ret ? 0
               : sl_ticket_seal(policy->app.tickets, e->start.binding, wall_s(), state, (uint32_t)state_bytes, start,
                                (uint32_t)(end - start));
    *lifetime_s = policy->app.settings->ticket_lifetime_s;
    sl_crypto_wipe(state, state_bytes);
    mbedtls_free(state);
    return *len ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

static const int answers[SL_TICKET_VERDICT_COUNT] = {
    [SL_TICKET_GOOD] = 0,
    [SL_TICKET_GOOD_OLD] = 0,
    [SL_TICKET_FOREIGN] = MBEDTLS_ERR_SSL_INVALID_MAC,
    [SL_TICKET_ALTERED] = MBEDTLS_ERR_SSL_INVALID_MAC,
    [SL_TICKET_EXPIRED] = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED,
};

static bool offered(const struct sl_engine *e, int id)
{
    for (uint32_t i = 0; i < SL_HELLO_SUITE_COUNT; i++)
        if (sl_hello_suite_id[i] == id)
            return e->start.suites >> i & 1;
    return false;
}

/* Whether a session may go on in this handshake: it is of the same version, and in 1.2 of a suite that the client still
 * offers (RFC 5246 7.4.1.2) and as secure as it wants it now. One that has lost the extended master secret is refused
 * (RFC 7627 5.3). mbedTLS looks at none of it. */
static bool fits(struct sl_engine *e, const mbedtls_ssl_session *session, uint8_t known)
{
    bool v13 = e->start.suite != 0, ems = known & FACT_EMS;

    if (v13)
        return session->MBEDTLS_PRIVATE(tls_version) == MBEDTLS_SSL_VERSION_TLS1_3;
    if (session->MBEDTLS_PRIVATE(tls_version) != MBEDTLS_SSL_VERSION_TLS1_2 ||
        !offered(e, session->MBEDTLS_PRIVATE(ciphersuite)))
        return false;
    if (ems && !e->start.extended_master)
        e->refused = (struct sl_tls_failure){.why = SL_TLS_FAIL_MESSAGE, .alert_sent = SL_ALERT_HANDSHAKE_FAILURE};
    return ems == e->start.extended_master;
}

static int load(struct sl_engine *e, mbedtls_ssl_session *session, const unsigned char *state, uint32_t state_bytes)
{
    int ret = state_bytes > FACTS_BYTES
                  ? mbedtls_ssl_session_load(session, state + FACTS_BYTES, state_bytes - FACTS_BYTES)
                  : MBEDTLS_ERR_SSL_INVALID_MAC;

    if (ret || fits(e, session, state[0]))
        return ret;
    mbedtls_ssl_session_free(session);
    mbedtls_ssl_session_init(session);
    return MBEDTLS_ERR_SSL_INVALID_MAC;
}

/* Whatever is wrong with it, the handshake goes on in full. */
static int parse_ticket(void *ctx, mbedtls_ssl_session *session, unsigned char *ticket, size_t len)
{
    const struct sl_engine_policy *policy = ctx;
    struct sl_engine *e = sl_engine_here();
    unsigned char *state = len <= SL_TICKET_MAX_BYTES ? mbedtls_calloc(1, len) : NULL;
    uint32_t state_bytes = 0;
    int ret;

    if (!state)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    ret = answers[sl_ticket_open(policy->app.tickets, e->start.binding, wall_s(),
                                 policy->app.settings->ticket_lifetime_s, ticket, (uint32_t)len, state, &state_bytes)];
    if (!ret)
        ret = load(e, session, state, state_bytes);
    sl_crypto_wipe(state, len);
    mbedtls_free(state);
    return ret;
}

void sl_engine_tickets_conf(mbedtls_ssl_config *conf, const struct sl_engine_policy *policy)
{
    mbedtls_ssl_conf_session_tickets_cb(conf, write_ticket, parse_ticket, (void *)(uintptr_t)policy);
    mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_new_session_tickets(conf, 1);
    mbedtls_ssl_conf_tls13_key_exchange_modes(conf, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL |
                                                        MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL);
}
