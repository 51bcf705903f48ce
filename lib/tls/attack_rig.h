/* What tests of clients that say the wrong thing share: one hand-driven client against one worker's TLS. */
#ifndef SL_TLS_ATTACK_RIG_H
#define SL_TLS_ATTACK_RIG_H

#include "helpers/tls_raw.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct link {
    struct th_rig r;
    struct th_pipe *pipe;
    struct th_raw c;
};

static inline void link_begin(struct link *l, const struct th_cert_opts *cert, bool v13)
{
    th_rig_start(&l->r, &(struct th_rig_opts){.certs = {cert}});
    l->pipe = th_pipe_new(l->r.feed_pool);
    th_raw_init(&l->c, l->pipe, v13);
    assert_non_null(th_rig_accept(&l->r, l->pipe));
}

/* The client is gone; nothing is left behind. */
static inline void end(struct link *l)
{
    th_pipe_fin(l->pipe);
    th_rig_step(&l->r);
    assert_true(l->pipe->released);
    assert_int_equal(sl_tls_handshakes(l->r.tls), 0);
    th_raw_done(&l->c);
    th_pipe_free(l->pipe);
    th_rig_stop(&l->r);
}

/* The handshake ends in this alert and FIN; no stream came of it. */
static inline void refused(struct link *l, int alert, enum sl_ctr ctr)
{
    uint8_t events;

    th_rig_step(&l->r);
    th_raw_read(&l->c);
    assert_int_equal(l->c.alert, alert);
    assert_false(l->c.broken);
    assert_true(l->pipe->fin_out);
    assert_false(l->pipe->aborted);
    assert_null(sl_ready_take(&l->r.ready, &events));
    assert_int_equal(th_rig_ctr(&l->r, ctr), 1);
    end(l);
}

#endif
