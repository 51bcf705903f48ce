/* Handshakes in flight: who goes on when, and what becomes of those that fail. A handshake goes on until it wants bytes
 * or an operation; operations of a kind are computed together, eight at a time, or fewer when no handshake can go on
 * without them, so that a lone one does not wait. All of it within a budget of nanoseconds by stated prices, so that
 * established traffic has its turn and a run can be replayed; newest first when there is more than it can do, so that
 * some clients are served in time and not all of them late. */
#include <stdlib.h>

#include "tls/conn.h"

#define STEP_PRICE_NS 3000   /* a handshake's own work between two pauses */
#define IDLE_BUDGET_NS 20000 /* for keys made ahead, when nothing else is to be done */

void sl_tls_handshake_wake(struct sl_tls_conn *c)
{
    if (c->phase != SL_TLS_HANDSHAKE || c->op) /* bytes that come meanwhile wait */
        return;
    if (!sl_list_empty(&c->work))
        sl_list_remove(&c->work);
    sl_list_push_back(&c->tls->queue, &c->work);
}

void sl_tls_handshake_leave(struct sl_tls_conn *c)
{
    sl_list_remove(&c->flight);
    sl_list_remove(&c->work);
    sl_fifo_stop(&c->timer);
    if (c->op)
        sl_op_cancel(c->tls->engines.ops, c->op);
    c->op = NULL;
    c->tls->n_flight--;
    sl_stat_sub(c->tls->params.stats, SL_CTR_TLS_IN_FLIGHT, 1);
}

void sl_tls_handshake_fail(struct sl_tls_conn *c, const struct sl_tls_failure *f, bool orderly)
{
    struct sl_stream *lower = c->wire.lower;

    sl_tls_conn_log(c, SL_EVENT_TLS_HANDSHAKE_FAILED, f);
    if (orderly) {
        sl_wire_flush(&c->wire);
        lower->ops->shutdown(lower);
        sl_tls_conn_linger(c);
    } else {
        lower->ops->abort(lower, sl_tls_fail_info[f->why].reason);
        sl_tls_conn_free(c);
    }
}

static void tell_facts(struct sl_tls_conn *c)
{
    struct sl_tls *t = c->tls;
    struct sl_engine_facts facts;
    const char *sni = t->engine->sni(c->engine);

    t->engine->facts(c->engine, &facts);
    c->version = facts.version;
    c->suite = facts.suite->name;
    c->alpn = facts.alpn;
    if (sni[0]) {
        char *copy = strdup(sni);

        c->sni = copy ? copy : "";
    }
    sl_stat_inc(t->params.stats, SL_CTR_TLS_HANDSHAKES);
    sl_stat_inc(t->params.stats, facts.version_ctr);
    sl_stat_inc(t->params.stats, facts.suite->ctr);
}

static void done(struct sl_tls_conn *c)
{
    static const struct sl_tls_failure no_secrets = {.why = SL_TLS_FAIL_INTERNAL};
    struct sl_tls *t = c->tls;
    struct sl_tls_secrets secrets;

    if (!t->engine->finish(c->engine, &secrets)) {
        sl_tls_handshake_fail(c, &no_secrets, false);
        return;
    }
    tell_facts(c);
    sl_tls_handshake_leave(c);
    t->engine->destroy(c->engine);
    c->engine = NULL;
    sl_record_start(&c->record, &secrets);
    sl_crypto_wipe(&secrets, sizeof secrets);
    sl_tls_stream_open(c);
}

/* A handshake wants something computed; what is computed at once for it costs the budget. */
static uint64_t want_operation(struct sl_tls_conn *c, struct sl_op *op)
{
    c->op = op;
    op->owner = c;
    sl_op_submit(c->tls->engines.ops, op);
    return sl_op_price_ns(op->kind);
}

/* One step of one handshake; its price. */
static uint64_t go_on(struct sl_tls_conn *c)
{
    static const struct sl_tls_failure no_memory = {.why = SL_TLS_FAIL_INTERNAL};
    struct sl_tls *t = c->tls;
    struct sl_engine_report report;
    enum sl_engine_step step;

    if (!c->engine)
        c->engine = t->engine->create(c->site->policy, &c->wire);
    if (!c->engine) {
        sl_tls_handshake_fail(c, &no_memory, false);
        return 0;
    }
    step = t->engine->step(c->engine, &report);
    sl_wire_flush(&c->wire);
    switch (step) {
    case SL_ENGINE_WANT_BYTES:
        break;
    case SL_ENGINE_WANT_ROOM:
        sl_tls_starve(c);
        break;
    case SL_ENGINE_WANT_OPERATION: /* progress: others give way before this one */
        sl_list_remove(&c->flight);
        sl_list_push_back(&t->in_flight, &c->flight);
        return STEP_PRICE_NS + want_operation(c, report.op);
    case SL_ENGINE_DONE:
        done(c);
        break;
    case SL_ENGINE_FAILED:
        sl_tls_handshake_fail(c, &report.failure, true);
        break;
    }
    return STEP_PRICE_NS;
}

/* Those whose operations have been computed go on. */
static void wake_computed(struct sl_tls *t)
{
    struct sl_op *op;

    while ((op = sl_op_take(t->engines.ops))) {
        struct sl_tls_conn *c = op->owner;

        c->op = NULL;
        sl_tls_handshake_wake(c);
    }
}

static struct sl_tls_conn *next_in_queue(struct sl_tls *t)
{
    bool pressed = t->n_flight > t->params.handshakes_max / 2;
    struct sl_list *node = pressed ? t->queue.prev : t->queue.next;

    if (sl_list_empty(&t->queue))
        return NULL;
    sl_list_remove(node);
    return sl_container_of(node, struct sl_tls_conn, work);
}

void sl_tls_crypto(struct sl_tls *t, uint64_t now)
{
    uint64_t spent = 0;
    bool idle = sl_list_empty(&t->queue) && !sl_op_waiting(t->engines.ops);

    t->now = now;
    while (spent < t->params.budget_ns) {
        struct sl_tls_conn *c;

        wake_computed(t);
        c = next_in_queue(t);
        if (c)
            spent += go_on(c);
        else if (sl_op_waiting(t->engines.ops))
            spent += sl_op_flush(t->engines.ops, t->params.budget_ns - spent);
        else
            break;
    }
    wake_computed(t);
    if (idle)
        sl_op_idle(t->engines.ops, IDLE_BUDGET_NS);
}
