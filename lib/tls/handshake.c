/* Handshakes in flight: who goes on when, and what becomes of those that fail. What costs is computed in the crypto
 * step within a budget, newest first when there is more than it can do, so that some clients are served in time and not
 * all of them late. */
#include <stdlib.h>

#include "tls/conn.h"

#define STEPS_PER_BUDGET 16 /* steps without a price (pieces of messages) that one unit of the budget allows for */

void sl_tls_handshake_wake(struct sl_tls_conn *c)
{
    if (c->phase != SL_TLS_HANDSHAKE)
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

/* The engine's place is taken by the record layer. */
static void hand_over(struct sl_tls_conn *c, struct sl_tls_secrets *secrets)
{
    c->tls->engine->destroy(c->engine);
    sl_record_start(&c->record, secrets);
    sl_crypto_wipe(secrets, sizeof *secrets);
    c->keyed = true;
}

static void done(struct sl_tls_conn *c)
{
    static const struct sl_tls_failure bad_end = {.why = SL_TLS_FAIL_MESSAGE};
    struct sl_tls *t = c->tls;
    struct sl_engine_facts facts;
    struct sl_tls_secrets secrets;
    const char *sni = t->engine->sni(c->engine);

    if (!t->engine->finish(c->engine, &secrets)) {
        sl_tls_handshake_fail(c, &bad_end, false);
        return;
    }
    t->engine->facts(c->engine, &facts);
    c->suite = facts.suite->name;
    c->alpn = facts.alpn;
    if (sni[0]) {
        char *copy = strdup(sni);

        c->sni = copy ? copy : "";
    }
    sl_stat_inc(t->params.stats, SL_CTR_TLS_HANDSHAKES);
    sl_stat_inc(t->params.stats, facts.version_ctr);
    sl_stat_inc(t->params.stats, facts.suite->ctr);
    sl_tls_handshake_leave(c);
    hand_over(c, &secrets);
    sl_tls_stream_open(c);
}

/* One step of one handshake; its price. */
static uint32_t go_on(struct sl_tls_conn *c)
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
    if (report.price) { /* progress: others give way before this one */
        sl_list_remove(&c->flight);
        sl_list_push_back(&t->in_flight, &c->flight);
    }
    if (step == SL_ENGINE_WANT_ROOM)
        sl_tls_starve(c);
    else if (step == SL_ENGINE_DONE)
        done(c);
    else if (step == SL_ENGINE_FAILED)
        sl_tls_handshake_fail(c, &report.failure, true);
    return report.price;
}

void sl_tls_crypto(struct sl_tls *t, uint64_t now)
{
    uint32_t budget = t->params.budget_per_step, steps = budget * STEPS_PER_BUDGET;
    bool pressed = t->n_flight > t->params.handshakes_max / 2;

    t->now = now;
    while (budget && steps-- && !sl_list_empty(&t->queue)) {
        struct sl_list *node = pressed ? t->queue.prev : t->queue.next;
        uint32_t price;

        sl_list_remove(node);
        price = go_on(sl_container_of(node, struct sl_tls_conn, work));
        budget -= SL_MIN(price, budget);
    }
}
