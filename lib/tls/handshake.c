/* Handshakes in flight: who goes on when, and what becomes of those that fail. A handshake goes on until it wants bytes
 * or an operation; operations of a kind are computed together, eight at a time, or fewer when no handshake can go on
 * without them, so that a lone one does not wait. All of it within a budget of nanoseconds by stated prices, so that
 * established traffic has its turn and a run can be replayed. What was begun goes on before a new hello is taken, or work
 * done would be thrown away at the cap; among hellos the newest goes first when there is more than it can do, so that some
 * clients are served in time and not all of them late. */
#include <stdlib.h>

#include "tls/conn.h"

#define GREET_PRICE_NS 500   /* a piece of a hello */
#define STEP_PRICE_NS 8000   /* a handshake's own work between two pauses */
#define IDLE_BUDGET_NS 20000 /* for keys made ahead, when nothing else is to be done */

void sl_tls_handshake_wake(struct sl_tls_conn *c)
{
    if (c->phase != SL_TLS_HANDSHAKE || c->op) /* bytes that come meanwhile wait */
        return;
    if (!sl_list_empty(&c->work))
        sl_list_remove(&c->work);
    sl_list_push_back(c->engine ? &c->tls->queue : &c->tls->hellos, &c->work);
}

void sl_tls_handshake_leave(struct sl_tls_conn *c)
{
    sl_list_remove(&c->flight);
    sl_list_remove(&c->work);
    sl_fifo_stop(&c->timer);
    if (c->op)
        sl_op_cancel(c->tls->engines.ops, c->op);
    c->op = NULL;
    sl_hello_read_done(&c->hello);
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
    } else {
        lower->ops->abort(lower, sl_tls_fail_info[f->why].reason);
    }
    if (c->terms->role == SL_ENGINE_CLIENT)
        sl_tls_stream_refuse(c, f->why == SL_TLS_FAIL_RESET ? lower->reason : sl_tls_fail_info[f->why].reason);
    else if (orderly)
        sl_tls_conn_linger(c);
    else
        sl_tls_conn_free(c);
}

/* The engine's place is taken by the record layer. */
static void hand_over(struct sl_tls_conn *c, struct sl_tls_secrets *secrets)
{
    c->terms->engine->destroy(c->engine);
    sl_record_start(&c->record, secrets);
    c->record.client = c->terms->role == SL_ENGINE_CLIENT;
    sl_crypto_wipe(secrets, sizeof *secrets);
    c->keyed = true;
}

static void tell_facts(struct sl_tls_conn *c)
{
    struct sl_stats *st = c->tls->params.stats;
    struct sl_engine_facts facts;

    c->terms->engine->facts(c->engine, &facts);
    c->suite = facts.suite->name;
    c->alpn = facts.alpn;
    if (facts.identity[0])
        c->identity = strdup(facts.identity); /* NULL: as if there were none */
    sl_stat_inc(st, SL_CTR_TLS_HANDSHAKES);
    sl_stat_inc(st, facts.version_ctr);
    sl_stat_inc(st, facts.suite->ctr);
    c->resumed = facts.resumed;
    if (facts.resumed)
        sl_stat_inc(st, SL_CTR_TLS_RESUMED);
    if (c->terms->role == SL_ENGINE_CLIENT)
        sl_stat_inc(st, SL_CTR_TLS_DIALLED);
}

static void done(struct sl_tls_conn *c)
{
    static const struct sl_tls_failure bad_end = {.why = SL_TLS_FAIL_MESSAGE};
    struct sl_tls_secrets secrets;

    if (!c->terms->engine->finish(c->engine, &secrets)) {
        sl_tls_handshake_fail(c, &bad_end, false);
        return;
    }
    tell_facts(c);
    sl_tls_handshake_leave(c);
    hand_over(c, &secrets);
    sl_tls_stream_open(c);
}

/* A handshake wants something computed; what that cost if it was at once, with seven others. */
static uint64_t want_operation(struct sl_tls_conn *c, struct sl_op *op)
{
    c->op = op;
    op->owner = c;
    return sl_op_submit(c->tls->engines.ops, op);
}

/* How a handshake comes to its engine. */
static enum sl_hello_status (*const begin[])(struct sl_tls_conn *c, struct sl_tls_failure *failure) = {
    [SL_ENGINE_SERVER] = sl_tls_greet,
    [SL_ENGINE_CLIENT] = sl_tls_dial,
};

/* Reads on in the hello, where there is one to read; true once an engine has begun. */
static bool greet(struct sl_tls_conn *c)
{
    struct sl_tls_failure failure = {0};

    switch (begin[c->terms->role](c, &failure)) {
    case SL_HELLO_MORE:
        return false;
    case SL_HELLO_WHOLE:
        return true;
    case SL_HELLO_REFUSED:
        sl_tls_handshake_fail(c, &failure, true);
    }
    return false;
}

/* One step of one handshake; its price. */
static uint64_t go_on(struct sl_tls_conn *c)
{
    struct sl_tls *t = c->tls;
    struct sl_engine_report report;
    enum sl_engine_step step;

    if (!c->engine && !greet(c))
        return GREET_PRICE_NS;
    step = c->terms->engine->step(c->engine, &report);
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
    struct sl_list *node;

    if (!sl_list_empty(&t->queue))
        node = t->queue.next;
    else if (!sl_list_empty(&t->hellos))
        node = pressed ? t->hellos.prev : t->hellos.next;
    else
        return NULL;
    sl_list_remove(node);
    return sl_container_of(node, struct sl_tls_conn, work);
}

void sl_tls_crypto(struct sl_tls *t, uint64_t now)
{
    uint64_t spent = 0;
    bool idle = sl_list_empty(&t->queue) && sl_list_empty(&t->hellos) && !sl_op_waiting(t->engines.ops);

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
