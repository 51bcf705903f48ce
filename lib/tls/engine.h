/* engine: a handshake as a machine of bytes: bytes in, bytes out, operations wanted, and in the end facts about the peer
 * and the secrets that the record layer goes on with. mbedTLS stands behind it and none of its types crosses it, so that
 * another engine and the client's role towards origins fit. */
#ifndef SL_TLS_ENGINE_H
#define SL_TLS_ENGINE_H

#include "tls/failure.h"
#include "tls/keylog.h"
#include "tls/secrets.h"
#include "tls/wire.h"

#define SL_SNI_MAX 256             /* with the final zero: a DNS name has at most 253 characters */
#define SL_SITE_CERTIFICATES_MAX 8 /* offered for one name */

struct sl_certificate;  /* certificate.h: parsed, of one worker */
struct sl_trust;        /* trust.h: what a peer's certificate is checked with */
struct sl_tickets;      /* ticket.h */
struct sl_hello_reader; /* hello_read.h */
struct sl_tls_settings; /* policy.h */
struct sl_engine;
struct sl_engine_policy; /* an engine's settings for many handshakes */
struct sl_fiber_pool;

/* What all handshakes of a worker share. */
struct sl_engine_shared {
    struct sl_fiber_pool *fibers;
    struct sl_op_queue *ops; /* for ephemeral keys made in idle time; operations themselves are reported by step */
    sl_keylog_fn keylog;     /* NULL: no secrets are written down */
};

enum sl_engine_role { SL_ENGINE_SERVER, SL_ENGINE_CLIENT };

/* All of it outlives the policy. */
struct sl_engine_policy_conf {
    const struct sl_engine_shared *shared;
    enum sl_engine_role role;
    const struct sl_tls_settings *settings;
    const char *const *alpn;      /* NULL-terminated; NULL: none */
    struct sl_tickets *tickets;   /* server; NULL: no resumption */
    const struct sl_trust *trust; /* to check the peer's certificate with; NULL: it is not looked at */
    const void *extra;            /* settings of the engine's own; NULL: its defaults */
};

/* One handshake. All of it outlives the engine but for certs, which is copied. */
struct sl_engine_start {
    struct sl_wire *wire;
    struct sl_hello_reader *hello; /* server: what was read from the wire already, to be replayed */
    const char *name; /* server: what the client asked for, client: what it asks for; normalized; "" for none */
    struct sl_certificate *const *certs; /* the preferred first; certificates outlive the engine */
    uint32_t n_certs;
    const uint8_t *binding; /* of tickets, SL_TICKET_BINDING_BYTES */
    uint16_t suite;         /* server: of 1.3, IANA; 0: 1.2 is spoken */
    uint32_t suites;        /* server: set of enum sl_hello_suite that the client offers */
    bool chacha_first;      /* server, 1.2: the client would rather not use AES */
    bool extended_master;   /* server, 1.2: the client offers RFC 7627 */
};

enum sl_engine_step {
    SL_ENGINE_WANT_BYTES,     /* go on when the wire has more */
    SL_ENGINE_WANT_ROOM,      /* go on when packet buffers can be had */
    SL_ENGINE_WANT_OPERATION, /* go on when the operation has been computed */
    SL_ENGINE_DONE,
    SL_ENGINE_FAILED,
};

struct sl_engine_report {
    struct sl_tls_failure failure; /* of a step that failed; the alert is on the wire */
    struct sl_op *op;              /* wanted: the engine's until it is destroyed; its owner is for the caller to set */
};

struct sl_engine_suite {
    uint16_t id;      /* IANA */
    const char *name; /* IANA's */
    enum sl_ctr ctr;
};

/* By IANA's number; one without a name when we don't know it. */
const struct sl_engine_suite *sl_engine_suite(uint16_t id);

struct sl_engine_facts {
    const char *version; /* "TLSv1.3" */
    enum sl_ctr version_ctr;
    const struct sl_engine_suite *suite;
    const char *alpn; /* one of the policy's strings; "" when none */
    bool resumed;
    const char
        *identity; /* subject of the peer's checked certificate (RFC 4514); "" when there is none; lives as long as
                             the engine */
};

struct sl_engine_ops {
    const char *name;
    /* NULL with err: no memory, or a role that the engine has not. */
    struct sl_engine_policy *(*policy_create)(const struct sl_engine_policy_conf *conf, struct sl_err *err);
    void (*policy_destroy)(struct sl_engine_policy *policy);
    /* NULL: no memory, or as many as may be are in flight. */
    struct sl_engine *(*create)(struct sl_engine_policy *policy, const struct sl_engine_start *start);
    /* Goes on as far as the bytes last. What it wrote is to be flushed by the caller. */
    enum sl_engine_step (*step)(struct sl_engine *e, struct sl_engine_report *report);
    /* After DONE. */
    void (*facts)(const struct sl_engine *e, struct sl_engine_facts *out);
    /* After DONE: what the record layer goes on with; false: it can't be told. */
    bool (*finish)(struct sl_engine *e, struct sl_tls_secrets *out);
    /* Wherever it stands; its operation must have been taken back. */
    void (*destroy)(struct sl_engine *e);
};

extern const struct sl_engine_ops sl_engine_mbedtls;

#endif
