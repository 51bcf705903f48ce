/* terms: what all connections of one kind agree on, whichever side is ours: how TLS is spoken and by which engine, the
 * handshake's time, the name in the log. A site's are those of the server's role, a client's those of the client's. */
#ifndef SL_TLS_TERMS_H
#define SL_TLS_TERMS_H

#include "timer/timer.h"
#include "tls/engine.h"
#include "tls/policy.h"

struct sl_tls;

struct sl_tls_terms {
    struct sl_tls *tls;
    struct sl_list link; /* in sl_tls.terms */
    uint32_t refs;       /* the creator's and one per connection */
    enum sl_engine_role role;
    const char *label; /* in the log */
    const struct sl_engine_ops *engine;
    struct sl_engine_policy *policy;
    struct sl_tls_settings settings;
    struct sl_trust *trust; /* NULL: the peer's certificate is not looked at */
    struct sl_fifo handshake_timers;
    void (*destroy)(struct sl_tls_terms *terms); /* frees what they are part of, and them (sl_terms_done) */
};

/* With one reference, and in no list. Settings, trust and policy are for the caller to fill in. */
void sl_terms_init(struct sl_tls_terms *x, enum sl_engine_role role, const struct sl_engine_ops *engine,
                   uint64_t handshake_timeout_ns, void (*destroy)(struct sl_tls_terms *terms));
void sl_terms_done(struct sl_tls_terms *x);
/* Drops a reference. */
void sl_terms_release(struct sl_tls_terms *x);

#endif
