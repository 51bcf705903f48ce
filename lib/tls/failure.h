/* failure: the ways in which TLS with a peer goes wrong, each with its counter and the word that the log says. */
#ifndef SL_TLS_FAILURE_H
#define SL_TLS_FAILURE_H

#include "stat/stat.h"
#include "stream/stream.h"

enum sl_tls_fail {
    SL_TLS_FAIL_NONE,
    SL_TLS_FAIL_NOT_TLS,     /* what came first was no TLS record: plain HTTP, rubbish */
    SL_TLS_FAIL_VERSION,     /* no version in common */
    SL_TLS_FAIL_SUITE,       /* no suite, group or signature in common */
    SL_TLS_FAIL_ALPN,        /* no application protocol in common */
    SL_TLS_FAIL_NAME,        /* a name that the listener does not serve, or that is none */
    SL_TLS_FAIL_CERTIFICATE, /* the peer's certificate is missing or not to be trusted */
    SL_TLS_FAIL_MESSAGE,     /* a message out of order or malformed */
    SL_TLS_FAIL_RECORD,      /* a record malformed, too long, or with a bad tag */
    SL_TLS_FAIL_KEY_UPDATE,  /* RFC 8446 4.6.3: a malformed one */
    SL_TLS_FAIL_ALERT,       /* the peer sent a fatal alert */
    SL_TLS_FAIL_CLOSED,      /* the peer ended its side before the handshake was done */
    SL_TLS_FAIL_RESET,       /* the stream below was cut short */
    SL_TLS_FAIL_TIMEOUT,     /* the handshake took too long */
    SL_TLS_FAIL_EVICTED,     /* gave way to a newer handshake */
    SL_TLS_FAIL_LIMIT,       /* too many bytes or steps in one handshake, or records under one key */
    SL_TLS_FAIL_INTERNAL,    /* memory, or our own mistake */
    SL_TLS_FAIL_COUNT
};

struct sl_tls_failure {
    enum sl_tls_fail why;
    uint8_t alert_sent, alert_received; /* RFC 8446 6; 0: none */
    int code;                           /* the engine's own, for the log; 0: none */
};

struct sl_tls_fail_info {
    const char *name;
    enum sl_ctr ctr;
    enum sl_reason reason; /* what the user of a stream is told */
};

extern const struct sl_tls_fail_info sl_tls_fail_info[SL_TLS_FAIL_COUNT];

/* Alerts that tls chooses itself. */
enum {
    SL_ALERT_CLOSE_NOTIFY = 0,
    SL_ALERT_UNEXPECTED_MESSAGE = 10,
    SL_ALERT_BAD_RECORD_MAC = 20,
    SL_ALERT_RECORD_OVERFLOW = 22,
    SL_ALERT_HANDSHAKE_FAILURE = 40,
    SL_ALERT_BAD_CERTIFICATE = 42,
    SL_ALERT_UNSUPPORTED_CERTIFICATE = 43,
    SL_ALERT_CERTIFICATE_REVOKED = 44,
    SL_ALERT_CERTIFICATE_EXPIRED = 45,
    SL_ALERT_ILLEGAL_PARAMETER = 47,
    SL_ALERT_UNKNOWN_CA = 48,
    SL_ALERT_DECODE_ERROR = 50,
    SL_ALERT_DECRYPT_ERROR = 51,
    SL_ALERT_PROTOCOL_VERSION = 70,
    SL_ALERT_INTERNAL_ERROR = 80,
    SL_ALERT_INAPPROPRIATE_FALLBACK = 86,
    SL_ALERT_USER_CANCELED = 90,
    SL_ALERT_NO_RENEGOTIATION = 100,
    SL_ALERT_MISSING_EXTENSION = 109,
    SL_ALERT_UNSUPPORTED_EXTENSION = 110,
    SL_ALERT_UNRECOGNIZED_NAME = 112,
    SL_ALERT_CERTIFICATE_REQUIRED = 116,
    SL_ALERT_NO_APPLICATION_PROTOCOL = 120,
};

#endif
