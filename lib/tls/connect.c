/* The client's role: how connections are dialled, and how one begins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls/conn.h"
#include "tls/names.h"
#include "tls/trust.h"

struct sl_tls_client {
    struct sl_tls_terms terms;
    char label[64];
};

/* ---- how connections are dialled ---- */

static void destroy(struct sl_tls_terms *terms)
{
    struct sl_tls_client *client = sl_container_of(terms, struct sl_tls_client, terms);

    sl_terms_done(terms);
    free(client);
}

/* Authorities and policy. */
static int fill(struct sl_tls_client *client, const struct sl_engine_shared *shared,
                const struct sl_tls_client_conf *conf, struct sl_err *err)
{
    struct sl_tls_terms *x = &client->terms;
    struct sl_engine_policy_conf policy = {.shared = shared,
                                           .role = SL_ENGINE_CLIENT,
                                           .settings = &x->settings,
                                           .alpn = conf->alpn && conf->alpn[0] ? conf->alpn : NULL,
                                           .extra = conf->engine_conf};
    enum sl_trust_fault fault;
    uint32_t at;

    sl_tls_settings_resolve(&x->settings, conf->settings);
    if (conf->settings && conf->settings->client_ca_pem.bytes) {
        x->trust = sl_trust_parse(conf->settings, &fault, &at);
        if (!x->trust)
            return sl_err_set(err, fault == SL_TRUST_NO_MEMORY ? -ENOMEM : -EINVAL,
                              "'%s': the authorities of servers can't be read", client->label);
    }
    policy.trust = x->trust;
    x->policy = x->engine->policy_create(&policy, err);
    return x->policy ? 0 : -EINVAL;
}

struct sl_tls_client *sl_tls_client_create(struct sl_tls *t, const struct sl_tls_client_conf *conf, struct sl_err *err)
{
    struct sl_tls_client *client = calloc(1, sizeof *client);

    if (!client) {
        sl_err_set(err, -ENOMEM, "'%s': out of memory", conf->label);
        return NULL;
    }
    sl_terms_init(&client->terms, SL_ENGINE_CLIENT, conf->engine ? conf->engine : &sl_engine_mbedtls,
                  conf->handshake_timeout_ns, destroy);
    snprintf(client->label, sizeof client->label, "%s", conf->label);
    client->terms.label = client->label;
    client->terms.tls = t;
    if (fill(client, &t->engines, conf, err) < 0) {
        destroy(&client->terms);
        return NULL;
    }
    sl_list_push_back(&t->terms, &client->terms.link);
    return client;
}

void sl_tls_client_release(struct sl_tls_client *client)
{
    if (client)
        sl_terms_release(&client->terms);
}

/* ---- a connection ---- */

/* As names are compared; "" for none. False: it is no host name, and "" too. */
static bool normalize(const char *name, char host[static SL_SNI_MAX])
{
    bool good = name[0] != '*' && sl_name_normalize(name, strlen(name), host, SL_SNI_MAX);

    if (!good)
        host[0] = 0;
    return good || !name[0];
}

struct sl_stream *sl_tls_connect(struct sl_tls *t, struct sl_tls_client *client, struct sl_stream *lower,
                                 const char *name, struct sl_ready *ready, void *owner, uint64_t now)
{
    static const struct sl_tls_failure no_name = {.why = SL_TLS_FAIL_NAME};
    char host[SL_SNI_MAX];
    bool good = normalize(name, host);
    char *sni = host[0] ? strdup(host) : NULL;
    struct sl_tls_conn *c = sl_tls_conn_begin(t, sni || !host[0] ? &client->terms : NULL, lower, now);

    if (!c) {
        free(sni);
        return NULL;
    }
    c->up.ready = ready;
    c->up.owner = owner;
    c->sni = sni ? sni : "";
    if (good)
        sl_tls_handshake_wake(c);
    else
        sl_tls_handshake_fail(c, &no_name, false);
    return &c->up;
}

enum sl_hello_status sl_tls_dial(struct sl_tls_conn *c, struct sl_tls_failure *failure)
{
    struct sl_engine_start start = {.wire = &c->wire, .name = c->sni};

    c->engine = c->terms->engine->create(c->terms->policy, &start);
    if (c->engine)
        return SL_HELLO_WHOLE;
    *failure = (struct sl_tls_failure){.why = SL_TLS_FAIL_INTERNAL};
    return SL_HELLO_REFUSED;
}
