/* Sections against each other: names and what refers to them, addresses and who may use them. A check whose grounds
 * were lost to another error keeps silent. */
#include "conf/internal.h"

#include <stdlib.h>

/* ---- names ---- */
struct named {
    const char *name;
    struct sl_mark mark;
    uint32_t index;
};

struct names {
    struct named *e; /* sorted by name, then by mark */
    uint32_t n;
};

static int compare_marks(struct sl_mark a, struct sl_mark b)
{
    if (a.line != b.line)
        return a.line < b.line ? -1 : 1;
    return a.column < b.column ? -1 : a.column > b.column;
}

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c != 0 ? c : compare_marks(x->mark, y->mark);
}

/* Every entry's struct begins with its name. */
static struct names collect_names(struct conf_reader *r, const struct conf_section *s)
{
    struct names names = {0};
    const char *list;
    uint32_t n;

    memcpy(&list, (const char *)r->conf + s->list_offset, sizeof list);
    memcpy(&n, (const char *)r->conf + s->count_offset, sizeof n);
    names.e = conf_arena_alloc(r->scratch, n * sizeof *names.e);
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_conf_text *name = (const void *)(list + i * s->size_bytes);

        if (name->s != NULL)
            names.e[names.n++] = (struct named){.name = name->s, .mark = name->mark, .index = i};
    }
    if (names.n > 0)
        qsort(names.e, names.n, sizeof *names.e, compare_named);
    return names;
}

static void check_names(struct conf_reader *r, const struct conf_key *key, const struct names *names)
{
    char word[CONF_WORD_MAX];

    for (uint32_t i = 1, first = 0; i < names->n; i++)
        if (strcmp(names->e[i].name, names->e[first].name) != 0)
            first = i;
        else if (names->e[first].mark.line == 0)
            sl_conf_error(r->errs, names->e[i].mark, "%s.name: \"%s\" is taken: it is built in", key->name,
                          conf_word(names->e[i].name, word));
        else
            sl_conf_error(r->errs, names->e[i].mark, "%s.name: \"%s\" is taken: line %u has it already", key->name,
                          conf_word(names->e[i].name, word), names->e[first].mark.line);
}

static void tell_unknown(struct conf_reader *r, const struct conf_pending *p, const struct names *names)
{
    struct conf_words w;
    char hint[CONF_HINT_MAX];

    conf_words_begin(&w, p->name);
    if (r->errs->n == SL_CONF_ERRORS_MAX) { /* nearest matches of thousands of names, for nobody to read */
        sl_conf_error(r->errs, p->ref->mark, "unknown %s \"%s\"", p->target->what, w.word);
        return;
    }
    for (uint32_t i = 0; i < names->n; i++)
        conf_words_add(&w, names->e[i].name);
    sl_conf_error(r->errs, p->ref->mark, "unknown %s \"%s\" in %s, %s", p->target->what, w.word, p->path,
                  conf_words_hint(&w, hint));
}

static void resolve(struct conf_reader *r, const struct conf_key *key, const struct names *names)
{
    for (struct conf_pending *p = r->pending; p != NULL; p = p->next) {
        uint32_t low = 0, high = names->n;

        if (p->target != key->section)
            continue;
        while (low < high) { /* the first of its name */
            uint32_t mid = low + (high - low) / 2;

            if (strcmp(names->e[mid].name, p->name) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < names->n && strcmp(names->e[low].name, p->name) == 0)
            p->ref->index = names->e[low].index;
        else if ((r->lost_facts & key->facts) == 0 && !r->partial)
            tell_unknown(r, p, names);
    }
}

/* One certificate twice in one listener. */
static void check_certificates(struct conf_reader *r)
{
    uint32_t *seen = conf_arena_alloc(r->scratch, r->conf->n_certificates * sizeof *seen);

    for (uint32_t i = 0; i < r->conf->n_listeners; i++)
        for (uint32_t k = 0; k < r->conf->listeners[i].n_certificates; k++) {
            const struct sl_conf_ref *ref = &r->conf->listeners[i].certificates[k];
            char word[CONF_WORD_MAX];

            if (ref->index == UINT32_MAX)
                continue;
            if (seen[ref->index] == i + 1)
                sl_conf_error(r->errs, ref->mark, "listeners.certificates: \"%s\" stands twice in the list",
                              conf_word(r->conf->certificates[ref->index].name.s, word));
            seen[ref->index] = i + 1;
        }
}

/* ---- addresses ---- */
struct place { /* an own address, or where a listener listens */
    struct sl_endpoint ep;
    struct sl_mark mark;
    uint8_t prefix_bits;
};

struct places {
    struct place *e; /* sorted by address and port, then by mark */
    uint32_t n;
    bool has_family[2], has_gateway[2]; /* by sl_ip_is4 */
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int c = memcmp(x->ep.ip.b, y->ep.ip.b, sizeof x->ep.ip.b);

    if (c == 0)
        c = (x->ep.port > y->ep.port) - (x->ep.port < y->ep.port);
    return c != 0 ? c : compare_marks(x->mark, y->mark);
}

static bool same_place(const struct place *a, const struct place *b)
{
    return sl_ip_equal(&a->ep.ip, &b->ep.ip) && a->ep.port == b->ep.port;
}

static struct places collect_own(struct conf_reader *r)
{
    struct places own = {0};

    for (uint32_t i = 0; i < r->conf->n_interfaces; i++)
        own.n += r->conf->interfaces[i].n_addresses;
    own.e = conf_arena_alloc(r->scratch, own.n * sizeof *own.e);
    own.n = 0;
    for (uint32_t i = 0; i < r->conf->n_interfaces; i++) {
        const struct sl_conf_interface *f = &r->conf->interfaces[i];

        for (uint32_t k = 0; k < f->n_addresses; k++) {
            const struct sl_conf_ip *a = &f->addresses[k];

            own.e[own.n++] = (struct place){.ep.ip = a->ip, .mark = a->mark, .prefix_bits = a->prefix_bits};
            own.has_family[sl_ip_is4(&a->ip)] = true;
        }
        own.has_gateway[1] |= f->gateway4.mark.line != 0;
        own.has_gateway[0] |= f->gateway6.mark.line != 0;
    }
    if (own.n > 0)
        qsort(own.e, own.n, sizeof *own.e, compare_places);
    return own;
}

static bool is_own(const struct places *own, const struct sl_ip *ip)
{
    uint32_t low = 0, high = own->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int c = memcmp(own->e[mid].ep.ip.b, ip->b, sizeof ip->b);

        if (c == 0)
            return true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static void tell_not_own(struct conf_reader *r, const struct places *own, struct sl_mark mark, const char *key,
                         const struct sl_ip *ip)
{
    struct conf_words w;
    char hint[CONF_HINT_MAX], text[SL_IP_TEXT_MAX];

    conf_words_begin(&w, sl_ip_format(ip, text));
    for (uint32_t i = 0; i < own->n && r->errs->n < SL_CONF_ERRORS_MAX; i++)
        conf_words_add(&w, sl_ip_format(&own->e[i].ep.ip, text));
    sl_conf_error(r->errs, mark, "%s: \"%s\" is on no interface, %s", key, w.word, conf_words_hint(&w, hint));
}

static void check_own_addresses(struct conf_reader *r, const struct places *own)
{
    char text[SL_IP_TEXT_MAX];

    for (uint32_t i = 1, first = 0; i < own->n; i++)
        if (!same_place(&own->e[i], &own->e[first]))
            first = i;
        else
            sl_conf_error(r->errs, own->e[i].mark, "interfaces.addresses: \"%s\" is taken: line %u has it already",
                          sl_ip_format(&own->e[i].ep.ip, text), own->e[first].mark.line);
}

static void check_devices(struct conf_reader *r)
{
    char word[CONF_WORD_MAX];

    for (uint32_t i = 1; i < r->conf->n_interfaces; i++)
        for (uint32_t k = 0; k < i; k++) {
            const struct sl_conf_interface *f = &r->conf->interfaces[i], *before = &r->conf->interfaces[k];

            if (f->device.s == NULL || before->device.s == NULL || strcmp(f->device.s, before->device.s) != 0 ||
                strcmp(f->driver.s, before->driver.s) != 0)
                continue;
            sl_conf_error(r->errs, f->driver.mark, "interfaces.device: \"%s:%s\" is taken: line %u has it already",
                          f->driver.s, conf_word(f->device.s, word), before->driver.mark.line);
            break;
        }
}

static void check_listeners(struct conf_reader *r, const struct places *own)
{
    struct places all = {0};
    bool know_own = (r->lost_facts & CONF_FACT_ADDRESSES) == 0 && !r->partial;
    char text[SL_ENDPOINT_TEXT_MAX];

    for (uint32_t i = 0; i < r->conf->n_listeners; i++)
        all.n += r->conf->listeners[i].n_addresses;
    all.e = conf_arena_alloc(r->scratch, all.n * sizeof *all.e);
    all.n = 0;
    for (uint32_t i = 0; i < r->conf->n_listeners; i++)
        for (uint32_t k = 0; k < r->conf->listeners[i].n_addresses; k++) {
            const struct sl_conf_endpoint *e = &r->conf->listeners[i].addresses[k];

            all.e[all.n++] = (struct place){.ep = e->ep, .mark = e->mark};
            if (know_own && !is_own(own, &e->ep.ip))
                tell_not_own(r, own, e->mark, "listeners.address", &e->ep.ip);
        }
    if (all.n > 0)
        qsort(all.e, all.n, sizeof *all.e, compare_places);
    for (uint32_t i = 1, first = 0; i < all.n; i++)
        if (!same_place(&all.e[i], &all.e[first]))
            first = i;
        else
            sl_conf_error(r->errs, all.e[i].mark, "listeners.address: \"%s\" is taken: line %u listens there already",
                          sl_endpoint_format(&all.e[i].ep, text), all.e[first].mark.line);
}

static void check_server(struct conf_reader *r, const struct places *own, const struct sl_conf_endpoint *server)
{
    bool is4 = sl_ip_is4(&server->ep.ip), near = false;
    const char *family = is4 ? "IPv4" : "IPv6";
    char text[SL_ENDPOINT_TEXT_MAX];

    sl_endpoint_format(&server->ep, text);
    if (is_own(own, &server->ep.ip)) {
        sl_conf_error(r->errs, server->mark, "upstreams.servers: \"%s\" is Sluice's own address, not a server's", text);
        return;
    }
    if (!own->has_family[is4]) {
        sl_conf_error(r->errs, server->mark,
                      "upstreams.servers: \"%s\" can't be reached: no interface has an %s address", text, family);
        return;
    }
    for (uint32_t i = 0; i < own->n && !near && !own->has_gateway[is4]; i++)
        near = sl_ip_in_prefix(&server->ep.ip, &own->e[i].ep.ip, own->e[i].prefix_bits);
    if (!near && !own->has_gateway[is4] && (r->lost_facts & CONF_FACT_GATEWAYS) == 0)
        sl_conf_error(
            r->errs, server->mark,
            "upstreams.servers: \"%s\" can't be reached: on no interface's network, and no %s gateway is given", text,
            family);
}

static void check_upstreams(struct conf_reader *r, const struct places *own)
{
    if ((r->lost_facts & CONF_FACT_ADDRESSES) != 0 || r->partial)
        return;
    for (uint32_t i = 0; i < r->conf->n_upstreams; i++) {
        const struct sl_conf_upstream *u = &r->conf->upstreams[i];

        for (uint32_t k = 0; k < u->n_sources; k++)
            if (!is_own(own, &u->sources[k].ip))
                tell_not_own(r, own, u->sources[k].mark, "upstreams.sources", &u->sources[k].ip);
        for (uint32_t k = 0; k < u->n_servers; k++)
            check_server(r, own, &u->servers[k]);
    }
}

void conf_check(struct conf_reader *r)
{
    struct places own = collect_own(r);

    for (const struct conf_key *key = conf_root.keys; key->name != NULL; key++) {
        struct names names;

        if (key->items_max == 0)
            continue;
        names = collect_names(r, key->section);
        check_names(r, key, &names);
        resolve(r, key, &names);
    }
    check_certificates(r);
    check_devices(r);
    check_own_addresses(r, &own);
    check_listeners(r, &own);
    check_upstreams(r, &own);
}

bool sl_conf_check_machine(const struct sl_conf *conf, uint32_t online_cores, struct sl_conf_errors *errs)
{
    bool any = conf->workers.n_cores > online_cores;

    if (any)
        sl_conf_error(errs, conf->workers.cores[0].mark,
                      "workers.cores: %u workers are more than the machine's %u cores", conf->workers.n_cores,
                      online_cores);
    for (uint32_t i = 0; i < conf->workers.n_cores; i++) {
        const struct sl_conf_number *core = &conf->workers.cores[i];

        if (core->v < online_cores)
            continue;
        sl_conf_error(errs, core->mark, "workers.cores: core \"%u\" is not there, allowed: 0 to %u", (unsigned)core->v,
                      online_cores - 1);
        any = true;
    }
    return any;
}
