/* Settings of TCP: what a listener or an upstream does not give, it has from the top. */
#include "conf/internal.h"

static_assert(CONF_KEYS_MAX <= 32, "sl_conf_tcp.given has a bit for each key");

void conf_check_tcp(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_tcp *tcp = obj;

    (void)r;
    for (uint32_t i = 0; i < CONF_KEYS_MAX && s->keys[i].name != NULL; i++)
        tcp->given |= (uint32_t)(g->mark[i].line != 0) << i;
}

/* The keys of all three tables lie in the same structure. */
static void inherit(const struct conf_section *s, struct sl_conf_tcp *tcp, const struct sl_conf_tcp *top)
{
    for (uint32_t i = 0; i < CONF_KEYS_MAX && s->keys[i].name != NULL; i++) {
        const struct conf_key *key = &s->keys[i];

        if ((tcp->given >> i & 1) == 0)
            memcpy((char *)tcp + key->offset, (const char *)top + key->offset, key->type->size_bytes);
    }
}

void conf_tcp_inherit(struct sl_conf *conf)
{
    for (uint32_t i = 0; i < conf->n_listeners; i++)
        inherit(&conf_tcp_listener_section, &conf->listeners[i].tcp, &conf->tcp);
    for (uint32_t i = 0; i < conf->n_upstreams; i++)
        inherit(&conf_tcp_upstream_section, &conf->upstreams[i].tcp, &conf->tcp);
}
