/* Options with defaults filled in, interned: thousands of connections share a few sets. */
#include "tcp/cc.h"
#include "tcp/tcp_internal.h"

#include <errno.h>
#include <stdlib.h>

#define DEFAULT(field, value)                                                                                          \
    do {                                                                                                               \
        if (!(field))                                                                                                  \
            (field) = (value);                                                                                         \
    } while (0)

static const struct sl_tcp_cc *const cc_kinds[SL_TCP_CC_KINDS] = {
    [SL_TCP_CC_NEWRENO] = &sl_tcp_cc_newreno,
};

static void fill_defaults(struct sl_tcp_opts *o)
{
    DEFAULT(o->rcv_max_bytes, 256u << 10);
    DEFAULT(o->snd_max_bytes, 256u << 10);
    DEFAULT(o->keepalive_ns, 2 * 3600 * SL_NS_PER_S);
    DEFAULT(o->keepalive_interval_ns, 75 * SL_NS_PER_S);
    DEFAULT(o->keepalive_probes, 10);
    DEFAULT(o->user_timeout_ns, 120 * SL_NS_PER_S);
    DEFAULT(o->connect_timeout_ns, 10 * SL_NS_PER_S);
    DEFAULT(o->cc, SL_TCP_CC_NEWRENO);
    DEFAULT(o->ecn, SL_TCP_ECN_ACCEPT);
    DEFAULT(o->cookies, SL_TCP_COOKIES_AUTO);
    o->rcv_max_bytes = SL_MIN(o->rcv_max_bytes, 1u << 30);
    o->snd_max_bytes = SL_MIN(o->snd_max_bytes, 1u << 30);
}

static bool same(const struct sl_tcp_opts *a, const struct sl_tcp_opts *b)
{
    return a->rcv_max_bytes == b->rcv_max_bytes && a->snd_max_bytes == b->snd_max_bytes &&
           a->keepalive_ns == b->keepalive_ns && a->keepalive_interval_ns == b->keepalive_interval_ns &&
           a->keepalive_probes == b->keepalive_probes && a->user_timeout_ns == b->user_timeout_ns &&
           a->connect_timeout_ns == b->connect_timeout_ns && a->nagle == b->nagle && a->pacing == b->pacing &&
           a->cc == b->cc && a->ecn == b->ecn && a->cookies == b->cookies;
}

/* The smallest shift that lets 16 bits tell the whole buffer. */
static uint8_t shift_for(uint32_t bytes)
{
    uint8_t shift = 0;

    while (shift < TCP_SHIFT_MAX && bytes >> shift > UINT16_MAX)
        shift++;
    return shift;
}

struct settings *sl_tcp_settings_get(struct sl_tcp *t, const struct sl_tcp_opts *opts)
{
    struct sl_tcp_opts o = opts ? *opts : (struct sl_tcp_opts){0};
    struct settings *set;

    fill_defaults(&o);
    for (struct sl_list *l = t->settings.next; l != &t->settings; l = l->next) {
        set = sl_container_of(l, struct settings, link);
        if (same(&set->opts, &o))
            return settings_ref(set);
    }
    set = malloc(sizeof *set);
    if (!set)
        return NULL;
    *set = (struct settings){.opts = o, .refs = 1, .rcv_shift = shift_for(o.rcv_max_bytes), .cc = cc_kinds[o.cc]};
    sl_list_push_front(&t->settings, &set->link);
    return set;
}

void sl_tcp_settings_put(struct settings *set)
{
    if (--set->refs)
        return;
    sl_list_remove(&set->link);
    free(set);
}

int sl_tcp_stream_update(struct sl_stream *s, const struct sl_tcp_opts *opts)
{
    struct conn *c = conn_of_stream(s);
    struct sl_tcp_opts o = *opts;
    struct settings *set;

    o.rcv_max_bytes = c->set->opts.rcv_max_bytes; /* the window scale was chosen for it */
    o.cc = c->set->opts.cc;                       /* cc_state is its */
    o.ecn = c->set->opts.ecn;
    set = sl_tcp_settings_get(c->t, &o);
    if (!set)
        return -ENOMEM;
    sl_tcp_settings_put(c->set);
    c->set = set;
    if (c->state == ST_CLOSED || c->state == ST_TIME_WAIT)
        return 0;
    sl_tcp_timer_rearm(c);
    conn_wants_output(c);
    return 0;
}
