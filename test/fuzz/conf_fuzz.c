/* Any text as a configuration: no byte read too far, nothing leaked, and the promises of conf.h kept. */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

/* Files are there or not by the first letter of their path's last part; their contents don't matter to this room. */
static uint8_t *read_file(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err)
{
    const char *slash = strrchr(path, '/');
    uint8_t *bytes;

    if (slash != NULL && slash[1] == 'n') {
        sl_err_set(err, -ENOENT, "No such file or directory");
        return NULL;
    }
    *len_bytes = slash != NULL && slash[1] == 'e' ? 1 : 4;
    bytes = calloc(1, *len_bytes);
    MUST(bytes != NULL);
    memset(bytes, 'x', *len_bytes - 1);
    return bytes;
}

static void check_errors(const struct sl_conf_errors *errs)
{
    char text[sizeof errs->file + sizeof errs->e[0].text + 32];

    MUST(errs->n <= SL_CONF_ERRORS_MAX && (errs->lost == 0 || errs->n == SL_CONF_ERRORS_MAX));
    for (uint32_t i = 0; i < errs->n; i++) {
        const struct sl_mark *m = &errs->e[i].mark, *before = &errs->e[i > 0 ? i - 1 : 0].mark;

        MUST(before->line < m->line || (before->line == m->line && before->column <= m->column));
        for (const char *s = sl_conf_error_format(errs, i, text, sizeof text); *s != '\0'; s++)
            MUST(*s >= 0x20 && *s <= 0x7e);
    }
}

static void check_conf(const struct sl_conf *c, struct sl_conf_errors *errs)
{
    MUST(c->workers.n_cores > 0 && c->n_interfaces > 0 && c->n_listeners > 0);
    for (uint32_t i = 0; i < c->n_listeners; i++) {
        const struct sl_conf_listener *l = &c->listeners[i];

        MUST(l->name.s != NULL && l->n_addresses > 0 && l->upstream.index < c->n_upstreams);
        MUST((l->protocol == SL_PROTOCOL_TLS) == (l->n_certificates > 0));
        MUST(l->tls.index < c->n_tls);
        for (uint32_t k = 0; k < l->n_certificates; k++)
            MUST(l->certificates[k].index < c->n_certificates);
    }
    for (uint32_t i = 0; i < c->n_certificates; i++)
        MUST(c->certificates[i].chain_pem[c->certificates[i].chain_len - 1] == 0);
    for (uint32_t i = 0; i < c->n_tls; i++) {
        const struct sl_conf_tls *t = &c->tls[i];

        MUST((t->clients != SL_CLIENTS_OFF) == (t->client_ca_pem.bytes != NULL));
        MUST((*t->ticket_keys.s != '\0') == (t->ticket_keys_text.bytes != NULL));
        MUST(*t->ticket_keys.s == '\0' || t->tickets == SL_ON);
    }
    MUST(!sl_conf_needs_restart(c, c, errs));
    (void)sl_conf_check_machine(c, 2, errs);
    check_errors(errs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_conf_errors errs;
    struct sl_conf *conf = sl_conf_parse((const char *)data, size, "fuzz/c.yaml", read_file, NULL, &errs);

    MUST((conf == NULL) == (errs.n > 0));
    check_errors(&errs);
    if (conf != NULL)
        check_conf(conf, &errs);
    sl_conf_free(conf);
    return 0;
}
