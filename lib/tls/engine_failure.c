/* What mbedTLS's errors mean: the kind of failure, and the alert that the RFC names. */
#include "tls/engine_mbedtls.h"

#include <mbedtls/ecp.h>
#include <mbedtls/x509.h>

static const struct error {
    int ret;
    enum sl_tls_fail why;
    uint8_t alert;
} errors[] = {
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, SL_TLS_FAIL_ALERT, 0},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, SL_TLS_FAIL_CLOSED, 0},
    {MBEDTLS_ERR_SSL_CONN_EOF, SL_TLS_FAIL_CLOSED, 0},
    {MBEDTLS_ERR_SSL_INVALID_MAC, SL_TLS_FAIL_RECORD, SL_ALERT_BAD_RECORD_MAC},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, SL_TLS_FAIL_RECORD, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_BAD_INPUT_DATA, SL_TLS_FAIL_RECORD,
     SL_ALERT_RECORD_OVERFLOW}, /* a record that the input buffer can't hold */
    {MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNEXPECTED_MESSAGE},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, SL_TLS_FAIL_ALPN, SL_ALERT_NO_APPLICATION_PROTOCOL},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, SL_TLS_FAIL_SUITE, SL_ALERT_HANDSHAKE_FAILURE},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, SL_TLS_FAIL_VERSION, SL_ALERT_PROTOCOL_VERSION},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECODE_ERROR},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, SL_TLS_FAIL_MESSAGE, SL_ALERT_ILLEGAL_PARAMETER},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNSUPPORTED_EXTENSION},
    {MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, SL_TLS_FAIL_MESSAGE, SL_ALERT_UNRECOGNIZED_NAME},
    {MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, SL_TLS_FAIL_CERTIFICATE, SL_ALERT_CERTIFICATE_REQUIRED},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, SL_TLS_FAIL_CERTIFICATE, SL_ALERT_BAD_CERTIFICATE},
    {MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, SL_TLS_FAIL_CERTIFICATE, SL_ALERT_BAD_CERTIFICATE},
    {MBEDTLS_ERR_X509_FATAL_ERROR, SL_TLS_FAIL_CERTIFICATE, SL_ALERT_BAD_CERTIFICATE}, /* a chain too deep */
    {MBEDTLS_ERR_ECP_VERIFY_FAILED, SL_TLS_FAIL_MESSAGE, SL_ALERT_DECRYPT_ERROR},      /* 1.2: the client's signature */
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {MBEDTLS_ERR_SSL_COUNTER_WRAPPING, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {0, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR},
};

/* What is wrong with a certificate, the gravest first (RFC 8446 6.2). */
static const struct {
    uint32_t faults;
    uint8_t alert;
} certificate_alerts[] = {
    {MBEDTLS_X509_BADCERT_REVOKED, SL_ALERT_CERTIFICATE_REVOKED},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, SL_ALERT_UNKNOWN_CA},
    {MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE, SL_ALERT_CERTIFICATE_EXPIRED},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE |
         MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
     SL_ALERT_UNSUPPORTED_CERTIFICATE},
    {UINT32_MAX, SL_ALERT_BAD_CERTIFICATE},
};

static uint8_t certificate_alert(uint32_t faults)
{
    uint32_t i = 0;

    while (!(certificate_alerts[i].faults & faults))
        i++;
    return certificate_alerts[i].alert;
}

/* mbedTLS pads what it protects in 1.3 to 16 bytes. It sends an alert alone, and of the messages only
 * EncryptedExtensions can be as short, behind which nothing fails in the same breath. */
#define ALERT_13_BYTES (5 + 16 + SL_AEAD_TAG_BYTES)

void sl_engine_note_alert(struct sl_engine *e, const uint8_t *record, size_t len)
{
    bool clear = record[0] == MBEDTLS_SSL_MSG_ALERT;

    e->alerted = clear || (record[0] == MBEDTLS_SSL_MSG_APPLICATION_DATA && len <= ALERT_13_BYTES);
    e->alert_seen = clear && len == 7 ? record[6] : 0;
}

int mbedtls_ssl_flush_output(mbedtls_ssl_context *ssl); /* of its own headers */

/* mbedTLS says nothing, and all is well with it, while bytes wait to be sent. */
static void say(struct sl_engine *e, uint8_t alert, struct sl_tls_failure *out)
{
    if (alert && mbedtls_ssl_flush_output(&e->ssl) == 0 &&
        mbedtls_ssl_send_alert_message(&e->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert) == 0)
        out->alert_sent = alert;
}

/* Whether the record that came last was longer than one may be; mbedTLS finds it invalid, like others. */
static bool too_long(const mbedtls_ssl_context *ssl)
{
    const unsigned char *head = ssl->MBEDTLS_PRIVATE(in_hdr);

    return (head[3] << 8 | head[4]) > SL_WIRE_RECORD_BYTES;
}

/* The alert that fits, where mbedTLS has not said what it wanted to (`pended`). Its error does not tell all. */
static uint8_t alert_for(const struct sl_engine *e, const struct error *err, uint8_t pended)
{
    if (e->peer_faults)
        return certificate_alert(e->peer_faults);
    if (e->bad_share)
        return SL_ALERT_ILLEGAL_PARAMETER;
    if (pended)
        return pended;
    if (err->ret == MBEDTLS_ERR_SSL_INVALID_RECORD && too_long(&e->ssl))
        return SL_ALERT_RECORD_OVERFLOW;
    if (err->alert == SL_ALERT_CERTIFICATE_REQUIRED &&
        mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
        return SL_ALERT_HANDSHAKE_FAILURE; /* RFC 5246 7.4.6 */
    return err->alert;
}

static const struct error *error_of(int ret)
{
    const struct error *err = errors;

    while (err->ret && err->ret != ret)
        err++;
    return err;
}

/* An alert in clear where keys are in force: clients of mbedTLS that do not like our certificate say so. Nobody can tell
 * who sent it, but no handshake comes of it either way, and the log should say why. */
static bool alert_in_clear(const mbedtls_ssl_context *ssl, int ret, uint8_t *alert)
{
    const unsigned char *head = ssl->MBEDTLS_PRIVATE(in_hdr);

    if (ret != MBEDTLS_ERR_SSL_INVALID_MAC || head[0] != MBEDTLS_SSL_MSG_ALERT || head[3] != 0 || head[4] != 2)
        return false;
    *alert = head[6];
    return true;
}

void sl_engine_mbedtls_failure(struct sl_engine *e, int ret, struct sl_tls_failure *out)
{
    const struct error *err = error_of(ret);
    uint8_t pended = e->ssl.MBEDTLS_PRIVATE(alert_type); /* what mbedTLS wanted to send last; 0: nothing */

    *out = (struct sl_tls_failure){.why = err->why, .code = ret};
    if (e->refused.why) {
        *out = e->refused;
        out->alert_sent = 0;
        say(e, e->refused.alert_sent, out);
        return;
    }
    if (err->why == SL_TLS_FAIL_ALERT) {
        out->alert_received = e->ssl.MBEDTLS_PRIVATE(in_msg)[1];
        return;
    }
    if (alert_in_clear(&e->ssl, ret, &out->alert_received))
        out->why = SL_TLS_FAIL_ALERT;
    if (e->bad_share) /* mbedTLS takes it for a fault of the record or of ours (RFC 8446 4.2.8.2, 7.4.2) */
        out->why = SL_TLS_FAIL_MESSAGE;
    if (e->alerted)
        out->alert_sent = e->alert_seen ? e->alert_seen : pended ? pended : err->alert;
    else
        say(e, alert_for(e, err, pended), out);
    if (out->alert_sent == SL_ALERT_DECRYPT_ERROR && out->why == SL_TLS_FAIL_SUITE)
        out->why = SL_TLS_FAIL_MESSAGE; /* a wrong Finished or signature */
}
