/* Sites: names to certificates. */
#include "tls/site.h"

#include <errno.h>
#include <stdlib.h>

#include "tls/certificate.h"
#include "tls/trust.h"

/* ---- certificates of a configuration ---- */

static struct sl_cert_store *store_get(struct sl_list *stores, const struct sl_conf *conf)
{
    struct sl_cert_store *st;

    for (struct sl_list *l = stores->next; l != stores; l = l->next) {
        st = sl_container_of(l, struct sl_cert_store, link);
        if (st->conf == conf) {
            st->refs++;
            return st;
        }
    }
    st = calloc(1, sizeof *st);
    if (!st)
        return NULL;
    st->certs = calloc(conf->n_certificates + 1, sizeof(struct sl_certificate *));
    if (!st->certs) {
        free(st);
        return NULL;
    }
    st->conf = conf;
    st->refs = 1;
    sl_list_push_back(stores, &st->link);
    return st;
}

static void store_release(struct sl_cert_store *st)
{
    if (!st || --st->refs)
        return;
    for (uint32_t i = 0; i < st->conf->n_certificates; i++)
        sl_certificate_free(st->certs[i]);
    sl_list_remove(&st->link);
    free(st->certs);
    free(st);
}

static struct sl_certificate *store_certificate(struct sl_cert_store *st, uint32_t index)
{
    enum sl_cert_fault fault;
    uint32_t at;

    if (!st->certs[index])
        st->certs[index] = sl_certificate_parse(&st->conf->certificates[index], &fault, &at);
    return st->certs[index];
}

/* ---- choice by name ---- */

uint32_t sl_site_indices(const struct sl_tls_site *site, const char *sni, uint32_t *out, uint32_t max, bool *known)
{
    char host[SL_SNI_MAX];
    const struct sl_name *found = NULL;
    uint32_t n = 0;

    if (sl_name_normalize(sni, strlen(sni), host, sizeof host) && host[0] != '*')
        found = sl_names_find(&site->names, host, &n);
    *known = found != NULL;
    if (!found) {
        n = SL_MIN(site->n_defaults, max);
        memcpy(out, site->defaults, n * sizeof *out);
        return n;
    }
    n = SL_MIN(n, max);
    for (uint32_t i = 0; i < n; i++)
        out[i] = found[i].index;
    return n;
}

uint32_t sl_site_certificates(struct sl_tls_site *site, const char *sni, struct sl_certificate **out, uint32_t max,
                              bool *known)
{
    uint32_t indices[SL_SITE_CERTIFICATES_MAX];
    uint32_t n = sl_site_indices(site, sni, indices, SL_MIN(max, (uint32_t)SL_SITE_CERTIFICATES_MAX), known), good = 0;

    for (uint32_t i = 0; i < n; i++) {
        out[good] = store_certificate(site->store, indices[i]);
        good += out[good] != NULL;
    }
    return good;
}

struct adding {
    struct sl_names *names;
    uint32_t index;
    uint32_t rank;
};

static bool add_name(void *ctx, const char *text, size_t len)
{
    struct adding *a = ctx;

    return sl_names_add(a->names, text, len, a->index, a->rank);
}

/* ECDSA is preferred: its signatures cost a tenth of RSA's. The same rank among equals keeps the order of the
 * configuration. */
static int index_names(struct sl_tls_site *site, const struct sl_conf *conf, struct sl_err *err)
{
    const struct sl_conf_listener *l = site->listener;

    for (uint32_t i = 0; i < l->n_certificates; i++) {
        uint32_t index = l->certificates[i].index, first = site->names.n;
        struct adding a = {.names = &site->names, .index = index};
        bool rsa = false;

        if (!sl_certificate_look(&conf->certificates[index], &rsa, add_name, &a))
            return sl_err_set(err, -EINVAL, "certificate '%s' of listener '%s' can't be read",
                              conf->certificates[index].name.s, l->name.s);
        for (uint32_t k = first; rsa && k < site->names.n; k++)
            site->names.v[k].rank = 1;
    }
    return 0;
}

/* The listener's first certificate is the default, together with the others that cover its first name (an RSA twin of
 * an ECDSA certificate). Before the names are sorted. */
static void find_defaults(struct sl_tls_site *site)
{
    uint32_t index = site->listener->certificates[0].index, n = 0;
    const struct sl_name *found = NULL;
    char first[SL_SNI_MAX] = "";

    for (uint32_t i = 0; i < site->names.n && !first[0]; i++)
        if (site->names.v[i].index == index)
            memcpy(first, site->names.v[i].text, strlen(site->names.v[i].text) + 1); /* normalized: it fits */
    sl_names_sort(&site->names);
    if (first[0])
        found = sl_names_find(&site->names, first, &n);
    for (uint32_t i = 0; i < n && site->n_defaults < SL_SITE_CERTIFICATES_MAX; i++)
        site->defaults[site->n_defaults++] = found[i].index;
    if (!site->n_defaults)
        site->defaults[site->n_defaults++] = index;
}

/* ---- life ---- */

static const char **alpn_list(const struct sl_conf_listener *l)
{
    const char **v = calloc(l->n_alpn + 1, sizeof *v);

    for (uint32_t i = 0; v && i < l->n_alpn; i++)
        v[i] = l->alpn[i].s;
    return v;
}

/* Keys of this site alone until the worker is told those that all share (sl_tls_use_tickets): a handshake that may
 * give a ticket can always seal it. */
static int begin_tickets(struct sl_tls_site *site)
{
    struct sl_ticket_set set;
    int ret;

    site->tickets = sl_tickets_create();
    if (!site->tickets)
        return -ENOMEM;
    sl_ticket_set_make(&set);
    ret = sl_tickets_use(site->tickets, &set);
    sl_ticket_set_wipe(&set);
    return ret;
}

/* What sl_tls_check_conf has found good can be read here too, but for memory. A ticket of a client with a certificate
 * would have to carry that: such listeners give none. */
static int resume_and_trust(struct sl_tls_site *site, const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
    struct sl_tls_terms *x = &site->terms;
    enum sl_trust_fault fault;
    uint32_t at;

    sl_tls_settings_of(&x->settings, conf, index);
    if (x->settings.clients != SL_CLIENTS_OFF) {
        x->trust = sl_trust_parse(x->settings.conf, &fault, &at);
        return x->trust ? 0
                        : sl_err_set(err, -EINVAL, "listener '%s': client_ca can't be read", site->listener->name.s);
    }
    if (x->settings.tickets && begin_tickets(site) < 0)
        return sl_err_set(err, -ENOMEM, "listener '%s': out of memory", site->listener->name.s);
    sl_ticket_site_binding(&x->settings, site->listener->name.s, site->binding);
    return 0;
}

static void destroy(struct sl_tls_terms *terms)
{
    struct sl_tls_site *site = sl_site_of(terms);

    sl_terms_done(terms);
    store_release(site->store);
    sl_names_free(&site->names);
    sl_tickets_free(site->tickets);
    free(site->alpn);
    free(site);
}

struct sl_tls_site *sl_site_create(struct sl_list *stores, const struct sl_engine_shared *shared,
                                   const struct sl_conf *conf, uint32_t index, struct sl_err *err)
{
    const struct sl_conf_listener *l = &conf->listeners[index];
    struct sl_tls_site *site = calloc(1, sizeof *site);
    struct sl_engine_policy_conf policy = {.shared = shared, .role = SL_ENGINE_SERVER};

    if (!site || !l->n_certificates) {
        sl_err_set(err, -EINVAL, site ? "listener '%s' has no certificate" : "listener '%s': out of memory", l->name.s);
        free(site);
        return NULL;
    }
    sl_terms_init(&site->terms, SL_ENGINE_SERVER, &sl_engine_mbedtls, l->handshake_timeout_ns.v, destroy);
    site->terms.label = l->name.s;
    site->listener = l;
    site->store = store_get(stores, conf);
    site->alpn = alpn_list(l);
    if (!site->store || !site->alpn) {
        sl_err_set(err, -ENOMEM, "listener '%s': out of memory", l->name.s);
        goto fail;
    }
    if (index_names(site, conf, err) < 0)
        goto fail;
    find_defaults(site);
    if (resume_and_trust(site, conf, index, err) < 0)
        goto fail;
    policy.settings = &site->terms.settings;
    policy.tickets = site->tickets;
    policy.trust = site->terms.trust;
    policy.alpn = l->n_alpn ? site->alpn : NULL;
    site->terms.policy = site->terms.engine->policy_create(&policy, err);
    if (site->terms.policy)
        return site;
fail:
    destroy(&site->terms);
    return NULL;
}
