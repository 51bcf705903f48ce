#include "secure.h"

#include <errno.h>

int secure_create(const struct load_plan *plan, const struct sl_conf_tls *settings, struct sl_tls *tls,
                  struct secure **secure, struct sl_err *err)
{
    (void)plan;
    (void)settings;
    (void)tls;
    (void)secure;
    return sl_err_set(err, -ENOTSUP, "no TLS yet: --plain");
}

void secure_destroy(struct secure *s) { (void)s; }

bool secure_next_is_full(struct secure *s, uint32_t flow)
{
    (void)s;
    (void)flow;
    return false;
}

struct sl_stream *secure_connect(struct secure *s, uint32_t flow, bool full, struct sl_stream *lower,
                                 struct sl_ready *ready, void *owner, uint64_t now)
{
    (void)s;
    (void)flow;
    (void)full;
    (void)lower;
    (void)ready;
    (void)owner;
    (void)now;
    return NULL;
}

bool secure_was_resumed(struct sl_stream *s)
{
    (void)s;
    return false;
}
