/* What a configuration's certificates can get wrong, told with the place in the file. */
#include "tls/certificate.h"
#include "tls/tls.h"

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

void sl_tls_check_conf(const struct sl_conf *conf, struct sl_conf_errors *errs)
{
    for (uint32_t i = 0; i < conf->n_certificates; i++) {
        const struct sl_conf_certificate *c = &conf->certificates[i];
        enum sl_cert_fault fault;
        uint32_t at, names = 0;
        struct sl_certificate *cert;

        if (!c->chain_pem || !c->key_pem)
            continue; /* the file could not be read, which was told already */
        cert = sl_certificate_parse(c, &fault, &at);
        if (!cert) {
            fault_error(errs, c, fault, at);
            continue;
        }
        sl_certificate_names(&cert->chain, count_name, &names);
        if (!names)
            check_names(conf, i, errs);
        sl_certificate_free(cert);
    }
}
