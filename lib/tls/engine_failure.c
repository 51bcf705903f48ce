/* What mbedTLS's errors mean: the kind of failure, and the alert that the RFC names. */
#include "tls/engine_mbedtls.h"

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
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {MBEDTLS_ERR_SSL_COUNTER_WRAPPING, SL_TLS_FAIL_LIMIT, SL_ALERT_INTERNAL_ERROR},
    {0, SL_TLS_FAIL_INTERNAL, SL_ALERT_INTERNAL_ERROR},
};

static const struct error illegal = {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, SL_TLS_FAIL_MESSAGE,
                                     SL_ALERT_ILLEGAL_PARAMETER};
/* RFC 5246 7.4.6; certificate_required came with 1.3. */
static const struct error no_certificate_12 = {MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, SL_TLS_FAIL_CERTIFICATE,
                                               SL_ALERT_HANDSHAKE_FAILURE};

void sl_engine_mbedtls_failure(struct sl_engine *e, int ret, struct sl_tls_failure *out)
{
    const struct error *err = errors;
    uint8_t alerted = e->ssl.MBEDTLS_PRIVATE(alert_type); /* what mbedTLS told the peer; 0: nothing */

    while (err->ret && err->ret != ret)
        err++;
    if (err->ret == no_certificate_12.ret && mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
        err = &no_certificate_12;
    *out = (struct sl_tls_failure){.why = err->why, .code = ret};
    if (err->why == SL_TLS_FAIL_ALERT) {
        out->alert_received = e->ssl.MBEDTLS_PRIVATE(in_msg)[1];
        return;
    }
    if (e->bad_share) { /* mbedTLS takes it for a fault of the record or of ours (RFC 8446 4.2.8.2, 7.4.2) */
        out->why = SL_TLS_FAIL_MESSAGE;
        err = &illegal;
    }
    if (alerted) {
        out->alert_sent = alerted;
    } else if (err->alert && mbedtls_ssl_send_alert_message(&e->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, err->alert) == 0) {
        out->alert_sent = err->alert;
    }
}
