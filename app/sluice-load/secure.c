#include "secure.h"

#include <errno.h>
#include <stdlib.h>

#include "engine.h"

#define HANDSHAKE_TIMEOUT_NS (10 * SL_NS_PER_S)

struct pair { /* of a flow */
    struct sl_tls_client *lean, *full;
    struct load_engine_conf conf;
    uint32_t to_full; /* handshakes up to the full one's turn, that one counted; 0: it never comes */
};

struct secure {
    const struct load_plan *plan;
    struct sl_tls *tls;
    struct sl_conf_tls lean, full; /* the settings, without and with the authorities */
    struct pair pairs[LOAD_FLOWS_MAX];
};

static const char *const alpn[] = {"http/1.1", NULL};

static struct sl_tls_client *make(struct secure *s, const char *label, const struct sl_conf_tls *settings,
                                  const struct sl_engine_ops *engine, const void *conf, struct sl_err *err)
{
    struct sl_tls_client_conf c = {.label = label,
                                   .settings = settings,
                                   .alpn = alpn,
                                   .handshake_timeout_ns = HANDSHAKE_TIMEOUT_NS,
                                   .engine = engine,
                                   .engine_conf = conf};

    return sl_tls_client_create(s->tls, &c, err);
}

static bool make_pair(struct secure *s, uint32_t flow, struct sl_err *err)
{
    struct pair *p = &s->pairs[flow];

    p->conf = (struct load_engine_conf){.share_uses = s->plan->share_uses,
                                        .resume = load_modes[s->plan->flows[flow].mode].resumed};
    p->to_full = s->plan->check;
    if (s->plan->check != 1 && !(p->lean = make(s, "lean", &s->lean, &load_engine, &p->conf, err)))
        return false;
    if (s->plan->check && !(p->full = make(s, "full", &s->full, NULL, NULL, err)))
        return false;
    return true;
}

int secure_create(const struct load_plan *plan, const struct sl_conf_tls *settings, struct sl_tls *tls,
                  struct secure **secure, struct sl_err *err)
{
    struct secure *s = calloc(1, sizeof *s);

    if (!s)
        return sl_err_set(err, -ENOMEM, "no memory for TLS clients");
    s->plan = plan;
    s->tls = tls;
    s->lean = s->full = *settings;
    s->lean.client_ca_pem = (struct sl_conf_file){0};
    for (uint32_t i = 0; i < plan->n_flows; i++) {
        if (!make_pair(s, i, err)) {
            secure_destroy(s);
            return -EINVAL;
        }
    }
    *secure = s;
    return 0;
}

void secure_destroy(struct secure *s)
{
    for (uint32_t i = 0; s && i < LOAD_FLOWS_MAX; i++) {
        if (s->pairs[i].lean)
            sl_tls_client_release(s->pairs[i].lean);
        if (s->pairs[i].full)
            sl_tls_client_release(s->pairs[i].full);
    }
    free(s);
}

bool secure_next_is_full(struct secure *s, uint32_t flow)
{
    struct pair *p = &s->pairs[flow];

    if (!p->to_full || --p->to_full)
        return false;
    p->to_full = s->plan->check;
    return true;
}

struct sl_stream *secure_connect(struct secure *s, uint32_t flow, bool full, struct sl_stream *lower,
                                 struct sl_ready *ready, void *owner, uint64_t now)
{
    struct pair *p = &s->pairs[flow];

    return sl_tls_connect(s->tls, full ? p->full : p->lean, lower, s->plan->name, ready, owner, now);
}

bool secure_was_resumed(struct sl_stream *s)
{
    struct sl_facts facts = {0};

    s->ops->facts(s, &facts);
    return facts.resumed;
}
