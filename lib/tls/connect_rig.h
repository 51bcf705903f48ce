/* Both roles of the room over a pair of streams in memory, for the tests of the client's. */
#ifndef SL_TLS_CONNECT_RIG_H
#define SL_TLS_CONNECT_RIG_H

#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct pair {
    struct th_rig r;
    struct th_pipe *near, *far; /* below the client's stream, below the server's */
    struct sl_tls_client *client;
    struct sl_stream *c, *s; /* s: once it is open */
    uint8_t c_seen, s_seen;  /* events so far */
    bool apart;              /* nothing is carried */
};

/* What goes out on one side comes in on the other, ends too. */
static void carry(struct th_pipe *from, struct th_pipe *to)
{
    uint8_t buf[2048];
    size_t n;

    while ((n = th_pipe_take(from, buf, sizeof buf)))
        th_pipe_feed(to, buf, n);
    if (from->fin_out && !to->fin_in)
        th_pipe_fin(to);
    if (from->aborted)
        th_pipe_cut(to, SL_REASON_RESET);
}

static void see(struct pair *p)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&p->r.ready, &events))) {
        if (s->owner == p) {
            p->c_seen |= events;
            continue;
        }
        p->s = s;
        p->s_seen |= events;
    }
}

static inline void pair_step(struct pair *p)
{
    if (!p->apart)
        carry(p->near, p->far);
    th_rig_step(&p->r);
    if (!p->apart)
        carry(p->far, p->near);
    see(p);
}

static inline void pair_run(struct pair *p, int steps)
{
    while (steps--)
        pair_step(p);
}

static inline struct sl_tls_client_conf pair_conf(const struct sl_conf_tls *settings)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};

    return (struct sl_tls_client_conf){
        .label = "origins", .settings = settings, .alpn = alpn, .handshake_timeout_ns = 5 * SL_NS_PER_S};
}

/* A rig, a client and two pipes; nothing has begun. */
static inline void pair_start(struct pair *p, const struct th_rig_opts *o, const struct sl_tls_client_conf *conf)
{
    struct sl_err err = {{0}};

    *p = (struct pair){0};
    th_rig_start(&p->r, o);
    p->near = th_pipe_new(p->r.feed_pool);
    p->far = th_pipe_new(p->r.feed_pool);
    p->client = sl_tls_client_create(p->r.tls, conf, &err);
    assert_non_null(p->client);
}

static inline void pair_connect(struct pair *p, const char *name)
{
    p->c = sl_tls_connect(p->r.tls, p->client, &p->near->stream, name, &p->r.ready, p, p->r.now);
    assert_non_null(p->c);
}

static inline void pair_accept(struct pair *p)
{
    assert_non_null(sl_tls_accept(p->r.tls, p->r.site, &p->far->stream, &p->r.ready, NULL, p->r.now));
}

/* Lets go of everything; what is left over ends the process. */
static inline void pair_end(struct pair *p)
{
    if (p->c)
        p->c->ops->release(p->c);
    if (p->s)
        p->s->ops->release(p->s);
    th_pipe_fin(p->near);
    th_pipe_fin(p->far);
    th_rig_step(&p->r);
    p->r.now += 10 * SL_NS_PER_S;
    th_rig_step(&p->r);
    if (!p->far->released) /* it was never accepted */
        p->far->stream.ops->release(&p->far->stream);
    th_pipe_free(p->near);
    th_pipe_free(p->far);
    assert_int_equal(th_rig_ctr(&p->r, SL_CTR_TLS_IN_FLIGHT), 0);
    assert_int_equal(th_rig_ctr(&p->r, SL_CTR_TLS_STREAMS), 0);
    assert_int_equal(th_rig_ctr(&p->r, SL_CTR_TLS_LINGERING), 0);
    sl_tls_client_release(p->client);
    th_rig_stop(&p->r);
}

#endif
