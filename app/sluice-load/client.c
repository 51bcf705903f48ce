/* One worker's flows, driven by the loop. */
#include "client_internal.h"

#include <errno.h>
#include <stdlib.h>

#define STOPS_PER_STEP 64

static int find_targets(struct client *c, struct sl_err *err)
{
    for (uint32_t i = 0; i < c->plan->n_targets; i++) {
        struct tuples_params from = c->p.from;
        int code;

        from.seed = sl_rng_next(&c->rng);
        code = tuples_init(&c->targets[i], &from, &c->plan->targets[i], err);
        if (code < 0)
            return code;
        c->n_targets++;
    }
    c->target = c->p.id % SL_MAX(c->n_targets, 1);
    return 0;
}

static uint32_t connections_of(const struct client *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n_flows; i++)
        n += c->flows[i].n_conns;
    return n;
}

int client_create(const struct client_params *p, struct client **client, struct sl_err *err)
{
    struct client *c = calloc(1, sizeof *c);
    int code;

    if (!c)
        return sl_err_set(err, -ENOMEM, "no memory for a client");
    c->plan = p->plan;
    c->p = *p;
    sl_rng_seed(&c->rng, p->seed);
    sl_ready_init(&c->ready);
    sl_list_init(&c->starved);
    sl_fifo_init(&c->operation_timers, OPERATION_TIMEOUT_NS);
    sl_fifo_init(&c->end_timers, END_TIMEOUT_NS);
    sl_fifo_init(&c->pause_timers, PAUSE_NS);
    code = find_targets(c, err);
    for (uint32_t i = 0; code == 0 && c->n_targets && i < p->plan->n_flows; i++) {
        code = flow_init(&c->flows[i], c, i, err);
        c->n_flows++;
    }
    if (code == 0 && !connections_of(c))
        c->n_targets = 0;                                  /* there are fewer connections than workers */
    c->to_greet = SL_MIN(c->n_targets, connections_of(c)); /* a kept connection greets once */
    if (code < 0) {
        client_destroy(c);
        return code;
    }
    *client = c;
    return 0;
}

void client_destroy(struct client *c)
{
    for (uint32_t i = 0; c && i < c->n_flows; i++)
        flow_destroy(&c->flows[i]);
    free(c);
}

/* ---- a step ---- */

static void take_events(struct client *c, uint64_t now)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&c->ready, &events)))
        if (c->stopping)
            conn_drop(s->owner); /* what ends now is not counted */
        else
            conn_event(s->owner, events, now);
}

/* Once round: who finds no buffer again goes back to the end. */
static void feed_starved(struct client *c, uint64_t now)
{
    struct sl_list turn, *node;

    if (sl_list_empty(&c->starved))
        return;
    turn = c->starved;
    turn.next->prev = turn.prev->next = &turn;
    sl_list_init(&c->starved);
    while ((node = sl_list_pop_front(&turn)))
        operation_send(sl_container_of(node, struct conn, link), now);
}

static void run_timers(struct client *c, uint64_t now)
{
    struct sl_fifo *const fifos[] = {&c->operation_timers, &c->end_timers, &c->pause_timers};
    struct sl_timer *t;

    for (size_t i = 0; i < SL_ARRAY_LEN(fifos); i++)
        while ((t = sl_fifo_pop_due(fifos[i], now)))
            conn_timeout(sl_container_of(t, struct conn, timer), now);
}

static void stop_some(struct client *c)
{
    for (uint32_t left = STOPS_PER_STEP; left && c->stop_flow < c->n_flows;) {
        struct flow *f = &c->flows[c->stop_flow];

        if (c->stop_conn == f->n_conns) {
            c->stop_flow++;
            c->stop_conn = 0;
            continue;
        }
        left -= f->conns[c->stop_conn].stream != NULL;
        conn_drop(&f->conns[c->stop_conn++]);
    }
}

void client_run(struct client *c, uint64_t now)
{
    take_events(c, now);
    if (c->stopping) {
        stop_some(c);
        return;
    }
    feed_starved(c, now);
    run_timers(c, now);
    for (uint32_t i = 0; i < c->n_flows && client_greets(c); i++)
        flow_greet(&c->flows[i], now);
    if (client_greets(c))
        return;
    for (uint32_t i = 0; !c->started && i < c->n_flows; i++)
        flow_start(&c->flows[i], now);
    c->started = true;
    for (uint32_t i = 0; i < c->n_flows; i++)
        flow_run(&c->flows[i], now);
}

uint64_t client_next(const struct client *c)
{
    uint64_t next = SL_NEVER;

    if (!sl_list_empty(&c->ready.list) || (client_greets(c) && !c->greeting))
        return 0;
    if (c->stopping)
        return client_stopped(c) ? SL_NEVER : 0;
    if (!sl_list_empty(&c->starved))
        return 0;
    next = SL_MIN(next, sl_fifo_next(&c->operation_timers));
    next = SL_MIN(next, sl_fifo_next(&c->end_timers));
    next = SL_MIN(next, sl_fifo_next(&c->pause_timers));
    for (uint32_t i = 0; c->started && i < c->n_flows; i++)
        next = SL_MIN(next, flow_next(&c->flows[i]));
    return next;
}

/* ---- the end ---- */

void client_stop(struct client *c)
{
    for (uint32_t i = 0; !c->stopping && i < c->n_flows; i++)
        c->flows[i].tally->overdue += c->flows[i].backlog.tail - c->flows[i].backlog.head;
    c->stopping = true;
}

bool client_stopped(const struct client *c) { return c->stopping && c->stop_flow == c->n_flows; }

/* ---- what is held ---- */

uint32_t client_to_hold(const struct client *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n_flows; i++)
        n += flow_is_hold(&c->flows[i]) ? c->flows[i].n_conns : 0;
    return n;
}

uint32_t client_held(const struct client *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n_flows; i++)
        n += __atomic_load_n(&c->flows[i].hold.held, __ATOMIC_RELAXED);
    return n;
}

void client_ask(struct client *c)
{
    for (uint32_t i = 0; i < c->n_flows; i++)
        c->flows[i].hold.ask = flow_is_hold(&c->flows[i]);
}

bool client_asked(const struct client *c)
{
    for (uint32_t i = 0; i < c->n_flows; i++) {
        const struct flow *f = &c->flows[i];

        if (flow_is_hold(f) &&
            (!f->hold.ask || f->hold.walked < f->n_conns || f->hold.asking || !sl_list_empty(&f->hold.to_ask)))
            return false;
    }
    return true;
}
