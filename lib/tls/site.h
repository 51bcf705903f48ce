/* site: what one listener presents to its clients: which certificates for which name, ALPN, the handshake's time.
 * Certificates are parsed once per worker and configuration, whichever listeners use them, and when they are first
 * needed. */
#ifndef SL_TLS_SITE_H
#define SL_TLS_SITE_H

#include "conf/conf.h"
#include "tls/names.h"
#include "tls/terms.h"
#include "tls/ticket.h"

/* Certificates of one configuration. */
struct sl_cert_store {
    struct sl_list link; /* in sl_tls.stores */
    const struct sl_conf *conf;
    uint32_t refs;
    struct sl_certificate **certs; /* by index in conf; NULL: not parsed yet */
};

struct sl_tls_site {
    struct sl_tls_terms terms;
    const struct sl_conf_listener *listener;
    struct sl_cert_store *store;
    struct sl_names names;
    uint32_t n_defaults;
    uint32_t defaults[SL_SITE_CERTIFICATES_MAX]; /* certificates for a name that nobody covers, or for none */
    const char **alpn;                           /* NULL-terminated */
    uint8_t binding[SL_TICKET_BINDING_BYTES];
    struct sl_tickets *tickets; /* NULL: none are given */
};

/* Whose terms these are, of the server's role. */
static inline struct sl_tls_site *sl_site_of(struct sl_tls_terms *terms)
{
    return sl_container_of(terms, struct sl_tls_site, terms);
}

/* The site of listener `index`; NULL with err. */
struct sl_tls_site *sl_site_create(struct sl_list *stores, const struct sl_engine_shared *shared,
                                   const struct sl_conf *conf, uint32_t index, struct sl_err *err);

/* Certificate indices for a name as a client sent it ("" for none): preferred first, at most max. *known: the name is
 * covered, otherwise they are the default's. */
uint32_t sl_site_indices(const struct sl_tls_site *site, const char *sni, uint32_t *out, uint32_t max, bool *known);
/* The same as certificates, parsed when first needed; those that can't be parsed are left out. */
uint32_t sl_site_certificates(struct sl_tls_site *site, const char *sni, struct sl_certificate **out, uint32_t max,
                              bool *known);

#endif
