/* Checks within one entry of a list, which the table of keys names. */
#include "conf/internal.h"

static const char *family(const struct sl_ip *ip) { return sl_ip_is4(ip) ? "IPv4" : "IPv6"; }

static bool is_link_local(const struct sl_ip *ip) { return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80; }

/* A gateway is a neighbour: some address of the interface has it in its network. */
static void check_gateway(struct conf_reader *r, const struct sl_conf_interface *i, const struct sl_conf_ip *gateway)
{
    char text[SL_IP_TEXT_MAX];
    bool has_family = false, near = is_link_local(&gateway->ip);

    if (gateway->mark.line == 0)
        return;
    sl_ip_format(&gateway->ip, text);
    for (uint32_t k = 0; k < i->n_addresses; k++) {
        const struct sl_conf_ip *own = &i->addresses[k];

        if (sl_ip_equal(&own->ip, &gateway->ip)) {
            sl_conf_error(r->errs, gateway->mark, "%s.gateway: \"%s\" is the interface's own address", r->path, text);
            return;
        }
        has_family |= sl_ip_is4(&own->ip) == sl_ip_is4(&gateway->ip);
        near |= sl_ip_in_prefix(&gateway->ip, &own->ip, own->prefix_bits);
    }
    if (!has_family)
        sl_conf_error(r->errs, gateway->mark, "%s.gateway: \"%s\" has no use: the interface has no %s address", r->path,
                      text, family(&gateway->ip));
    else if (!near)
        sl_conf_error(r->errs, gateway->mark,
                      "%s.gateway: \"%s\" is in none of the networks of the interface's addresses", r->path, text);
}

void conf_check_interface(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_interface *i = obj;
    bool has_ip6 = false;

    (void)s;
    (void)g;
    if ((r->lost_facts & CONF_FACT_ADDRESSES) != 0)
        return;
    for (uint32_t k = 0; k < i->n_addresses; k++)
        has_ip6 |= !sl_ip_is4(&i->addresses[k].ip);
    if (has_ip6 && i->mtu.mark.line != 0 && i->mtu.v < 1280)
        sl_conf_error(r->errs, i->mtu.mark, "%s.mtu: \"%u\" is too small: IPv6 needs 1280 (RFC 8200 5)", r->path,
                      (unsigned)i->mtu.v);
    check_gateway(r, i, &i->gateway4);
    check_gateway(r, i, &i->gateway6);
}

/* Where sources are given, each server needs one of its family. */
void conf_check_upstream(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_upstream *u = obj;
    bool has[2] = {false, false};
    char text[SL_ENDPOINT_TEXT_MAX];

    (void)s;
    (void)g;
    for (uint32_t k = 0; k < u->n_sources; k++)
        has[sl_ip_is4(&u->sources[k].ip)] = true;
    for (uint32_t k = 0; k < u->n_servers && u->n_sources > 0; k++)
        if (!has[sl_ip_is4(&u->servers[k].ep.ip)])
            sl_conf_error(r->errs, u->servers[k].mark, "%s.servers: \"%s\" can't be reached: no %s address in sources",
                          r->path, sl_endpoint_format(&u->servers[k].ep, text), family(&u->servers[k].ep.ip));
}

void conf_check_listener(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_listener *l = obj;
    bool lost = (r->lost_facts & CONF_FACT_LISTENER) != 0;

    r->lost_facts &= ~(unsigned)CONF_FACT_LISTENER;
    if (lost)
        return;
    if (l->protocol == SL_PROTOCOL_TLS && l->n_certificates == 0 && !r->partial)
        sl_conf_error(r->errs, l->mark, "missing key \"%s.certificates\": protocol tls needs at least one", r->path);
    for (uint32_t i = 0; s->keys[i].name != NULL && l->protocol != SL_PROTOCOL_TLS; i++)
        if ((s->keys[i].flags & CONF_TLS) != 0 && g->mark[i].line != 0)
            sl_conf_error(r->errs, g->mark[i],
                          "key \"%s.%s\" has no use: it is for protocol tls, and this listener's is tcp", r->path,
                          s->keys[i].name);
}
