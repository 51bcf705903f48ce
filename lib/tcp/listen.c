/* Listeners, and segments that meet one (RFC 9293 3.10.7.2). */
#include "tcp/tcp_internal.h"

#include <errno.h>
#include <stdlib.h>

static struct sl_list *bucket(struct sl_tcp *t, uint16_t lport) { return &t->listeners[lport % TCP_LISTENER_BUCKETS]; }

static struct sl_tcp_listener *find(struct sl_tcp *t, const struct sl_ip *ip, uint16_t port)
{
    struct sl_list *head = bucket(t, port);

    for (struct sl_list *l = head->next; l != head; l = l->next) {
        struct sl_tcp_listener *found = sl_container_of(l, struct sl_tcp_listener, link);

        if (found->at.port == port && sl_ip_equal(&found->at.ip, ip))
            return found;
    }
    return NULL;
}

struct sl_tcp_listener *sl_tcp_listen_find(struct sl_tcp *t, const struct tuple *tuple)
{
    return find(t, &tuple->local, tuple->lport);
}

int sl_tcp_listen(struct sl_tcp *t, const struct sl_endpoint *at, const struct sl_tcp_opts *opts, uint32_t backlog,
                  struct sl_ready *ready, void *owner, struct sl_tcp_listener **listener)
{
    struct sl_tcp_listener *l;

    if (find(t, &at->ip, at->port))
        return -EADDRINUSE;
    l = malloc(sizeof *l);
    if (!l)
        return -ENOMEM;
    *l = (struct sl_tcp_listener){
        .t = t, .at = *at, .set = sl_tcp_settings_get(t, opts), .ready = ready, .owner = owner, .backlog = backlog};
    if (!l->set) {
        free(l);
        return -ENOMEM;
    }
    sl_list_push_back(bucket(t, at->port), &l->link);
    *listener = l;
    return 0;
}

void sl_tcp_listener_update(struct sl_tcp_listener *l, const struct sl_tcp_opts *opts, uint32_t backlog,
                            struct sl_ready *ready, void *owner)
{
    struct settings *set = sl_tcp_settings_get(l->t, opts);

    if (set) { /* without memory the old settings stay */
        sl_tcp_settings_put(l->set);
        l->set = set;
    }
    l->backlog = backlog;
    l->ready = ready;
    l->owner = owner;
}

void sl_tcp_unlisten(struct sl_tcp_listener *l)
{
    sl_tcp_request_free_all(l);
    sl_list_remove(&l->link);
    sl_tcp_settings_put(l->set);
    free(l);
}

/* RST (RFC 9293 3.10.7.2), but not while cookies are about and s proves none: it may be from a client whose last ACK and
 * first bytes are late or lost. Only the number before its first byte proves a cookie, and these bytes will come again;
 * a reset would end what is about to begin. */
static void refuse_ack(struct sl_tcp_listener *l, const struct seg *s, enum sl_drop why)
{
    sl_stat_drop(l->t->stats, why);
    if (why != SL_DROP_TCP_COOKIE_BAD && why != SL_DROP_TCP_CONNS_MAX)
        sl_tcp_rst_answer(l->t, s);
}

static void take_syn(struct sl_tcp_listener *l, const struct seg *s, bool has_floor, uint32_t iss_floor)
{
    uint8_t cookies = l->set->opts.cookies;
    uint32_t iss = sl_tcp_isn(l->t, &s->tuple);
    enum sl_drop why;

    if (has_floor && seq_leq(iss, iss_floor))
        iss = iss_floor + 1 + (uint32_t)sl_rng_below(&l->t->rng, 1u << 16);
    if (cookies == SL_TCP_COOKIES_ALWAYS && sl_tcp_cookie_answer(l, s, has_floor, iss_floor))
        return;
    if (sl_tcp_request_new(l, s, iss, &why))
        return;
    if (cookies == SL_TCP_COOKIES_AUTO && sl_tcp_cookie_answer(l, s, has_floor, iss_floor))
        return;
    sl_stat_drop(l->t->stats, why);
}

struct conn *sl_tcp_listen_input(struct sl_tcp_listener *l, struct seg *s, bool has_floor, uint32_t iss_floor)
{
    if (s->flags & TF_RST) { /* first */
        sl_stat_drop(l->t->stats, SL_DROP_TCP_NO_CONN);
    } else if (s->flags & TF_ACK) { /* second */
        enum sl_drop why;
        struct conn *c = sl_tcp_cookie_open(l, s, 0, &why);

        if (c)
            return c;
        refuse_ack(l, s, why);
    } else if (seg_is_syn(s)) { /* third */
        s->opts &= l->set->opts.ecn == SL_TCP_ECN_OFF ? (uint8_t)~OPT_ECN : UINT8_MAX;
        take_syn(l, s, has_floor, iss_floor);
    } else { /* fourth, and SYN+FIN that no honest peer sends */
        sl_stat_drop(l->t->stats, SL_DROP_TCP_BAD_FLAGS);
    }
    return NULL;
}
