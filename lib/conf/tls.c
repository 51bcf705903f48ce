/* Settings of TLS: those that are always there, and checks within one entry. Policies themselves are lib/tls's. */
#include "conf/internal.h"

const char *const conf_policy_words[] = {
    [SL_POLICY_MODERN] = "modern", [SL_POLICY_INTERMEDIATE] = "intermediate", [SL_POLICY_COUNT] = NULL};

/* Where a key was written; line 0: nowhere. */
static struct sl_mark place_of(const struct conf_section *s, const struct conf_given *g, const char *name)
{
    uint32_t i = 0;

    while (strcmp(s->keys[i].name, name) != 0)
        i++;
    return g->mark[i];
}

static void refuse_useless(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g,
                           const char *name, const char *why)
{
    struct sl_mark mark = place_of(s, g, name);

    if (mark.line != 0)
        sl_conf_error(r->errs, mark, "key \"%s.%s\" has no use: %s", r->path, name, why);
}

static void check_versions(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g,
                           const struct sl_conf_tls *t)
{
    for (uint32_t i = 0; i < t->n_versions && t->policy == SL_POLICY_MODERN; i++)
        if (t->versions[i] == SL_TLS_1_2)
            sl_conf_error(r->errs, place_of(s, g, "versions"),
                          "%s.versions: \"1.2\" is not for policy modern, which is TLS 1.3 alone: take intermediate",
                          r->path);
}

void conf_check_tls(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_tls *t = obj;
    bool lost = (r->lost_facts & CONF_FACT_TLS_ENTRY) != 0;

    r->lost_facts &= ~(unsigned)CONF_FACT_TLS_ENTRY;
    t->client_ca_pem = conf_file_of(r, "client_ca", &t->client_ca, "PEM is");
    t->client_crl_pem = conf_file_of(r, "client_crl", &t->client_crl, "PEM is");
    t->ticket_keys_text = conf_file_of(r, "ticket_keys", &t->ticket_keys, "keys are");
    if (lost)
        return;
    check_versions(r, s, g, t);
    if (t->clients == SL_CLIENTS_OFF) {
        refuse_useless(r, s, g, "client_ca", "client_certificates is off");
        refuse_useless(r, s, g, "client_crl", "client_certificates is off");
    } else if (t->client_ca.mark.line == 0 && !r->partial)
        sl_conf_error(r->errs, place_of(s, g, "client_certificates"),
                      "%s.client_certificates: needs \"client_ca\", the authorities that clients' certificates lead to",
                      r->path);
    if (t->tickets == SL_OFF) {
        refuse_useless(r, s, g, "ticket_keys", "tickets is off");
        refuse_useless(r, s, g, "ticket_lifetime", "tickets is off");
    }
}

void conf_tls_built_in(struct conf_reader *r, const struct conf_section *s)
{
    struct sl_conf *conf = r->conf;
    struct sl_conf_tls *all = conf_arena_alloc(r->arena, (conf->n_tls + SL_POLICY_COUNT) * sizeof *all);

    if (conf->n_tls > 0)
        memcpy(all, conf->tls, conf->n_tls * sizeof *all);
    for (uint32_t i = 0; i < SL_POLICY_COUNT; i++) {
        struct sl_conf_tls *t = &all[conf->n_tls + i];

        conf_fill_defaults(r, s, t);
        t->name.s = conf_policy_words[i];
        t->policy = (enum sl_conf_policy)i;
    }
    for (uint32_t i = 0; i < conf->n_tls + SL_POLICY_COUNT; i++) {
        struct sl_conf_text *texts[] = {&all[i].client_ca, &all[i].client_crl, &all[i].ticket_keys, &all[i].keylog};

        for (uint32_t k = 0; k < SL_ARRAY_LEN(texts); k++)
            if (texts[k]->s == NULL)
                texts[k]->s = "";
    }
    conf->tls = all;
    conf->n_tls += SL_POLICY_COUNT;
}
