/* engine: a handshake as a machine of bytes: bytes in, bytes out, operations wanted, and in the end facts about the peer
 * and the secrets that the record layer goes on with. mbedTLS stands behind it and none of its types crosses it, so that
 * another engine and the client's role towards origins fit. */
#ifndef SL_TLS_ENGINE_H
#define SL_TLS_ENGINE_H

#include "tls/failure.h"
#include "tls/secrets.h"
#include "tls/wire.h"

#define SL_SNI_MAX 256             /* with the final zero: a DNS name has at most 253 characters */
#define SL_SITE_CERTIFICATES_MAX 8 /* offered for one name */

struct sl_certificate; /* certificate.h: parsed, of one worker */
struct sl_engine;
struct sl_engine_policy; /* an engine's settings for many handshakes */

struct sl_fiber_pool;

/* What all handshakes of a worker share. */
struct sl_engine_shared {
    struct sl_fiber_pool *fibers;
    struct sl_op_queue *ops; /* for ephemeral keys made in idle time; operations themselves are reported by step */
};

enum sl_engine_role { SL_ENGINE_SERVER, SL_ENGINE_CLIENT };

struct sl_engine_policy_conf {
    const struct sl_engine_shared *shared;
    enum sl_engine_role role;
    const char *const *alpn; /* NULL-terminated; lives as long as the policy; NULL: none */
    /* Server: certificates for a name ("" when the client told none), the preferred first; how many. Called in the
     * middle of a step. */
    uint32_t (*choose)(void *ctx, const char *sni, struct sl_certificate **out, uint32_t max);
    void *ctx;
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

struct sl_engine_facts {
    const char *version; /* "TLSv1.3" */
    enum sl_ctr version_ctr;
    const struct sl_engine_suite *suite;
    const char *alpn; /* one of the policy's strings; "" when none */
};

struct sl_engine_ops {
    const char *name;
    /* NULL with err: no memory, or a role that the engine has not. */
    struct sl_engine_policy *(*policy_create)(const struct sl_engine_policy_conf *conf, struct sl_err *err);
    void (*policy_destroy)(struct sl_engine_policy *policy);
    /* One handshake over w, which outlives it. NULL: no memory, or as many as may be are in flight. */
    struct sl_engine *(*create)(struct sl_engine_policy *policy, struct sl_wire *w);
    /* Goes on as far as the bytes last. What it wrote is to be flushed by the caller. */
    enum sl_engine_step (*step)(struct sl_engine *e, struct sl_engine_report *report);
    /* The name that the client asked for, as far as it is known; "" when none. */
    const char *(*sni)(const struct sl_engine *e);
    /* After DONE. */
    void (*facts)(const struct sl_engine *e, struct sl_engine_facts *out);
    /* After DONE: what the record layer goes on with; false: it can't be told. */
    bool (*finish)(struct sl_engine *e, struct sl_tls_secrets *out);
    /* Wherever it stands; its operation must have been taken back. */
    void (*destroy)(struct sl_engine *e);
};

extern const struct sl_engine_ops sl_engine_mbedtls;

#endif
