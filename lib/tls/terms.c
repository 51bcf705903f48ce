/* What connections agree on: its life. */
#include "tls/terms.h"

#include "tls/trust.h"

void sl_terms_init(struct sl_tls_terms *x, enum sl_engine_role role, const struct sl_engine_ops *engine,
                   uint64_t handshake_timeout_ns, void (*destroy)(struct sl_tls_terms *terms))
{
    *x = (struct sl_tls_terms){.refs = 1, .role = role, .label = "", .engine = engine, .destroy = destroy};
    sl_list_init(&x->link);
    sl_fifo_init(&x->handshake_timers, handshake_timeout_ns);
}

void sl_terms_done(struct sl_tls_terms *x)
{
    if (x->policy)
        x->engine->policy_destroy(x->policy);
    sl_trust_free(x->trust);
    sl_list_remove(&x->link);
}

void sl_terms_release(struct sl_tls_terms *x)
{
    if (--x->refs == 0)
        x->destroy(x);
}
