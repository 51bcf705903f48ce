/* Types of values that are addresses: alone, with a prefix, with a port, and the gateways of an interface. */
#include "conf/internal.h"

#include <stdio.h>

/* Why nobody can have this address as its own; NULL when somebody can. */
static const char *not_unicast(const struct sl_ip *ip)
{
    static const struct {
        struct sl_ip net;
        uint8_t bits;
        const char *why;
    } nets[] = {
        {{.b = {[10] = 0xff, [11] = 0xff}}, 32, "is the unspecified address: each address is written out"},
        {{.b = {[10] = 0xff, [11] = 0xff}}, 8, "is of network 0, which nobody has (RFC 1122 3.2.1.3)"},
        {{.b = {[10] = 0xff, [11] = 0xff, [12] = 127}}, 8, "is a loopback address"},
        {{.b = {[10] = 0xff, [11] = 0xff, [12] = 224}}, 4, "is a multicast address"},
        {{.b = {[10] = 0xff, [11] = 0xff, [12] = 240}}, 4, "is reserved or broadcast (RFC 1112 4)"},
        {{.b = {0}}, 128, "is the unspecified address: each address is written out"},
        {{.b = {[15] = 1}}, 128, "is the loopback address"},
        {{.b = {[0] = 0xff}}, 8, "is a multicast address"},
    };

    for (size_t i = 0; i < SL_ARRAY_LEN(nets); i++)
        if (sl_ip_in_prefix(ip, &nets[i].net, nets[i].bits))
            return nets[i].why;
    return NULL;
}

static bool parse_address(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    struct sl_conf_ip *address = out;
    const char *why;

    if (!sl_ip_parse(node->text, &address->ip))
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    if ((why = not_unicast(&address->ip)) != NULL)
        return conf_refuse(r, key, node, "%s", why);
    address->mark = node->mark;
    return true;
}

/* RFC 1122 3.2.1.3: host bits all zeros or all ones are the network itself and its broadcast; RFC 3021 spares /31. */
static const char *not_host(const struct sl_conf_ip *a)
{
    uint32_t v = (uint32_t)a->ip.b[12] << 24 | (uint32_t)a->ip.b[13] << 16 | (uint32_t)a->ip.b[14] << 8 | a->ip.b[15];
    uint32_t host;

    if (!sl_ip_is4(&a->ip) || a->prefix_bits >= 31)
        return NULL;
    host = UINT32_MAX >> a->prefix_bits;
    if ((v & host) == 0)
        return "is the network itself, not an address in it";
    return (v & host) == host ? "is the network's broadcast address" : NULL;
}

/* "24" → 24; above 128 when it is not a prefix. */
static unsigned parse_bits(const char *p)
{
    unsigned v = 0;

    if (*p == '\0')
        return UINT8_MAX;
    for (; *p >= '0' && *p <= '9' && v <= 128; p++)
        v = v * 10 + (unsigned)(*p - '0');
    return *p == '\0' ? v : UINT8_MAX;
}

static bool parse_prefix(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    const char *slash = strchr(node->text, '/'), *why;
    struct sl_conf_ip *address = out;
    char text[SL_IP_TEXT_MAX];
    size_t len = slash != NULL ? (size_t)(slash - node->text) : strlen(node->text);
    unsigned bits, most;

    if (len >= sizeof text)
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    memcpy(text, node->text, len);
    text[len] = '\0';
    if (!sl_ip_parse(text, &address->ip))
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    most = sl_ip_is4(&address->ip) ? 32 : 128;
    if (slash == NULL)
        return conf_refuse(r, key, node, "has no prefix: write how many bits are the network's, such as %s/%u", text,
                           most == 32 ? 24 : 64);
    bits = parse_bits(slash + 1);
    if (bits == 0 || bits > most)
        return conf_refuse(r, key, node, "has no valid prefix, allowed: 1 to %u", most);
    address->prefix_bits = (uint8_t)bits;
    if ((why = not_unicast(&address->ip)) != NULL || (why = not_host(address)) != NULL)
        return conf_refuse(r, key, node, "%s", why);
    address->mark = node->mark;
    return true;
}

static bool equal_ip(const void *a, const void *b)
{
    const struct sl_conf_ip *x = a, *y = b;

    return sl_ip_equal(&x->ip, &y->ip) && x->prefix_bits == y->prefix_bits;
}

static bool parse_endpoint(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    struct sl_conf_endpoint *e = out;
    struct sl_ip alone;
    const char *why;

    if (sl_ip_parse(node->text, &alone))
        return conf_refuse(r, key, node, "has no port: write %s",
                           sl_ip_is4(&alone) ? "address:port" : "[address]:port");
    if (!sl_endpoint_parse(node->text, &e->ep))
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    if ((why = not_unicast(&e->ep.ip)) != NULL)
        return conf_refuse(r, key, node, "%s", why);
    e->mark = node->mark;
    return true;
}

static bool equal_endpoint(const void *a, const void *b)
{
    const struct sl_conf_endpoint *x = a, *y = b;

    return sl_ip_equal(&x->ep.ip, &y->ep.ip) && x->ep.port == y->ep.port;
}

/* Two addresses side by side, IPv4's and IPv6's; at most one of each. */
static bool parse_gateway(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    struct sl_conf_ip *gateways = out;
    bool alone = node->kind == CONF_SCALAR, good = true;

    if (node->kind == CONF_MAP)
        return conf_refuse(r, key, node, "stands where %s is wanted, or one of each family", key->type->form);
    for (const struct conf_node *n = alone ? node : node->first; n != NULL; n = alone ? NULL : n->next) {
        struct sl_conf_ip one = {0}, *place;

        if (n->kind == CONF_BROKEN) {
            good = false;
            continue;
        }
        if (n->kind != CONF_SCALAR || n->empty) {
            good = conf_refuse(r, key, n, "stands where %s is wanted", key->type->form);
            continue;
        }
        if (!parse_address(r, key, n, &one)) {
            good = false;
            continue;
        }
        place = &gateways[sl_ip_is4(&one.ip) ? 0 : 1];
        if (place->mark.line != 0)
            good = conf_refuse(r, key, n, "is a second gateway of its family: one is used");
        else
            *place = one;
    }
    return good;
}

static bool equal_gateway(const void *a, const void *b)
{
    const struct sl_conf_ip *x = a, *y = b;

    return equal_ip(x, y) && equal_ip(x + 1, y + 1);
}

#define IP_SIZE .size_bytes = sizeof(struct sl_conf_ip), .mark_offset = offsetof(struct sl_conf_ip, mark)

const struct conf_type conf_type_address = {
    .form = "an address such as 198.18.0.10 or 2001:db8::10", IP_SIZE, .parse = parse_address, .equal = equal_ip};
const struct conf_type conf_type_prefix = {
    .form = "an address with its prefix such as 198.18.0.10/24", IP_SIZE, .parse = parse_prefix, .equal = equal_ip};
const struct conf_type conf_type_gateway = {.form = "an address such as 198.18.0.1 or 2001:db8::1",
                                            .size_bytes = 2 * sizeof(struct sl_conf_ip),
                                            .mark_offset = offsetof(struct sl_conf_ip, mark),
                                            .takes_list = true,
                                            .parse = parse_gateway,
                                            .equal = equal_gateway};
const struct conf_type conf_type_endpoint = {.form = "an address with its port such as 198.18.0.10:443 or "
                                                     "[2001:db8::10]:443",
                                             .size_bytes = sizeof(struct sl_conf_endpoint),
                                             .mark_offset = offsetof(struct sl_conf_endpoint, mark),
                                             .parse = parse_endpoint,
                                             .equal = equal_endpoint};
