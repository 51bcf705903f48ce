/* What a configuration's certificates, authorities and ticket keys can get wrong, told with the place in the file. */
#include "tls/certificate.h"
#include "tls/ticket.h"
#include "tls/tls.h"
#include "tls/trust.h"

static const struct fault_text {
    bool key;          /* the key's file is to blame, otherwise the chain's */
    const char *text;  /* behind the file's name */
    const char *after; /* behind the number that the fault came with; NULL: no number */
} fault_text[SL_CERT_FAULT_COUNT] = {
    [SL_CERT_NO_MEMORY] = {false, "out of memory", NULL},
    [SL_CERT_CHAIN_NOT_PEM] = {false, "no PEM certificate in it (-----BEGIN CERTIFICATE-----)", NULL},
    [SL_CERT_CHAIN_UNREADABLE] = {false, "of the certificates in it only ", " can be read"},
    [SL_CERT_CHAIN_ORDER] = {false, "certificate ",
                             " was not issued by the one after it; the order is the server's, then each one's issuer"},
    [SL_CERT_CHAIN_KEY_LATER] = {false, "the key belongs to certificate ", " in it; the server's own must come first"},
    [SL_CERT_KEY_NOT_PEM] = {true, "no PEM private key in it (-----BEGIN PRIVATE KEY-----)", NULL},
    [SL_CERT_KEY_ENCRYPTED] = {true,
                               "the key is encrypted; nobody is there to type a pass phrase: store it without one",
                               NULL},
    [SL_CERT_KEY_UNREADABLE] = {true, "the private key can't be read", NULL},
    [SL_CERT_KEY_MISMATCH] = {true, "the key does not match the certificate in", NULL},
    [SL_CERT_TYPE] = {true, "this type of key is not supported; RSA, P-256 and P-384 are", NULL},
    [SL_CERT_RSA_SIZE] = {true, "RSA keys of ", " bits are not supported; 2048 to 4096 are"},
    [SL_CERT_CURVE] = {true, "this curve is not supported; P-256 and P-384 are", NULL},
};

static void fault_error(struct sl_conf_errors *errs, const struct sl_conf_certificate *c, enum sl_cert_fault fault,
                        uint32_t at)
{
    const struct fault_text *t = &fault_text[fault];
    const struct sl_conf_text *file = t->key ? &c->key : &c->chain;

    if (fault == SL_CERT_KEY_MISMATCH)
        sl_conf_error(errs, file->mark, "'%s': %s '%s'", file->s, t->text, c->chain.s);
    else if (t->after)
        sl_conf_error(errs, file->mark, "'%s': %s%u%s", file->s, t->text, at, t->after);
    else
        sl_conf_error(errs, file->mark, "'%s': %s", file->s, t->text);
}

static bool count_name(void *ctx, const char *text, size_t len)
{
    (void)text;
    (void)len;
    ++*(uint32_t *)ctx;
    return true;
}

/* A certificate without a name can only be a listener's default. */
static void check_names(const struct sl_conf *conf, uint32_t index, struct sl_conf_errors *errs)
{
    for (uint32_t l = 0; l < conf->n_listeners; l++) {
        const struct sl_conf_listener *listener = &conf->listeners[l];

        for (uint32_t i = 1; i < listener->n_certificates; i++)
            if (listener->certificates[i].index == index)
                sl_conf_error(errs, listener->certificates[i].mark,
                              "certificate '%s' names no host, so no client could ask for it; it can only stand first",
                              conf->certificates[index].name.s);
    }
}

/* ---- settings of TLS ---- */

static const struct trust_text {
    bool crl; /* the CRL's file is to blame, otherwise the CA's */
    const char *text, *after;
} trust_text[SL_TRUST_FAULT_COUNT] = {
    [SL_TRUST_NO_MEMORY] = {false, "out of memory", NULL},
    [SL_TRUST_CA_NOT_PEM] = {false, "no PEM certificate in it (-----BEGIN CERTIFICATE-----)", NULL},
    [SL_TRUST_CA_UNREADABLE] = {false, "of the certificates in it only ", " can be read"},
    [SL_TRUST_CRL_NOT_PEM] = {true, "no PEM revocation list in it (-----BEGIN X509 CRL-----)", NULL},
    [SL_TRUST_CRL_UNREADABLE] = {true, "list ", " in it can't be read"},
    [SL_TRUST_CRL_FOREIGN] = {true, "list ", " in it was issued by none of the authorities of client_ca"},
};

static void check_trust(const struct sl_conf_tls *t, struct sl_conf_errors *errs)
{
    enum sl_trust_fault fault;
    uint32_t at;
    struct sl_trust *trust = sl_trust_parse(t, &fault, &at);
    const struct trust_text *text = &trust_text[fault];
    const struct sl_conf_text *file = text->crl ? &t->client_crl : &t->client_ca;

    if (!trust && text->after)
        sl_conf_error(errs, file->mark, "'%s': %s%u%s", file->s, text->text, at, text->after);
    else if (!trust)
        sl_conf_error(errs, file->mark, "'%s': %s", file->s, text->text);
    sl_trust_free(trust);
}

static void check_ticket_keys(const struct sl_conf_tls *t, struct sl_conf_errors *errs)
{
    struct sl_ticket_set set;
    uint32_t line;
    enum sl_ticket_fault fault =
        sl_ticket_set_parse(&set, (const char *)t->ticket_keys_text.bytes, t->ticket_keys_text.len_bytes - 1, &line);

    if (fault && line > 0)
        sl_conf_error(errs, t->ticket_keys.mark, "'%s': line %u: %s", t->ticket_keys.s, line,
                      sl_ticket_fault_text[fault]);
    else if (fault)
        sl_conf_error(errs, t->ticket_keys.mark, "'%s': %s", t->ticket_keys.s, sl_ticket_fault_text[fault]);
    sl_ticket_set_wipe(&set);
}

static void check_certificate(const struct sl_conf *conf, uint32_t i, struct sl_conf_errors *errs)
{
    const struct sl_conf_certificate *c = &conf->certificates[i];
    enum sl_cert_fault fault;
    uint32_t at, names = 0;
    struct sl_certificate *cert = sl_certificate_parse(c, &fault, &at);

    if (!cert) {
        fault_error(errs, c, fault, at);
        return;
    }
    sl_certificate_names(&cert->chain, count_name, &names);
    if (!names)
        check_names(conf, i, errs);
    sl_certificate_free(cert);
}

/* Files that could not be read were told already. */
void sl_tls_check_conf(const struct sl_conf *conf, struct sl_conf_errors *errs)
{
    for (uint32_t i = 0; i < conf->n_certificates; i++)
        if (conf->certificates[i].chain_pem && conf->certificates[i].key_pem)
            check_certificate(conf, i, errs);
    for (uint32_t i = 0; i < conf->n_tls; i++) {
        if (conf->tls[i].client_ca_pem.bytes)
            check_trust(&conf->tls[i], errs);
        if (conf->tls[i].ticket_keys_text.bytes)
            check_ticket_keys(&conf->tls[i], errs);
    }
}
