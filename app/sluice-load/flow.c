/* A flow's slots, and how what is due finds one. */
#include "client_internal.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t share_of(uint32_t n, uint32_t id, uint32_t n_workers) { return n / n_workers + (id < n % n_workers); }

static void write_texts(struct flow *f)
{
    for (int last = 0; last < 2; last++)
        f->text_bytes[last] =
            http_request_text(f->text[last], f->client->plan->name, f->plan->get_bytes, f->plan->put_bytes, last);
}

int flow_init(struct flow *f, struct client *c, uint32_t number, struct sl_err *err)
{
    const struct load_flow *plan = &c->plan->flows[number];

    *f = (struct flow){.plan = plan, .client = c, .number = number, .tally = &c->p.tallies[number]};
    f->n_conns = share_of(plan->connections, c->p.id, c->p.n_workers);
    f->closed = !(plan->rate > 0);
    f->kept = plan->requests != 1;
    f->opening_max = flow_is_hold(f) ? HOLD_OPENING_MAX : OPENING_MAX;
    sl_list_init(&f->empty);
    sl_list_init(&f->idle);
    sl_list_init(&f->hold.to_ask);
    write_texts(f);
    f->conns = sl_pages_map((f->n_conns + 1) * sizeof f->conns[0]);
    if (!f->closed)
        f->backlog.due_ns = calloc(BACKLOG_MAX, sizeof f->backlog.due_ns[0]);
    if (!f->conns || (!f->closed && !f->backlog.due_ns))
        return sl_err_set(err, -ENOMEM, "no memory for %u connections", f->n_conns);
    for (uint32_t i = 0; i < f->n_conns; i++) {
        struct conn *k = &f->conns[i];

        k->flow = f;
        sl_list_init(&k->link);
        sl_timer_init(&k->timer);
        sl_list_push_back(&f->empty, &k->link);
    }
    return 0;
}

void flow_destroy(struct flow *f)
{
    for (uint32_t i = 0; f->conns && i < f->n_conns; i++)
        if (f->conns[i].stream)
            conn_drop(&f->conns[i]);
    sl_pages_unmap(f->conns, (f->n_conns + 1) * sizeof f->conns[0]);
    free(f->backlog.due_ns);
}

void flow_start(struct flow *f, uint64_t now)
{
    /* A worker with more of the connections has as much more of the rate. */
    double rate = f->plan->rate * f->n_conns / SL_MAX(f->plan->connections, 1);

    schedule_init(&f->schedule, rate, now, sl_rng_next(&f->client->rng));
}

/* ---- what waits ---- */

static uint32_t waiting(const struct flow *f) { return f->backlog.tail - f->backlog.head; }

static void queue_due(struct flow *f, uint64_t due_ns)
{
    if (waiting(f) == BACKLOG_MAX)
        f->tally->overdue++;
    else
        f->backlog.due_ns[f->backlog.tail++ % BACKLOG_MAX] = due_ns;
}

static uint64_t take_due(struct flow *f) { return f->backlog.due_ns[f->backlog.head++ % BACKLOG_MAX]; }

static void collect_due(struct flow *f, uint64_t now)
{
    uint64_t due_ns;

    while (schedule_take(&f->schedule, now, &due_ns))
        queue_due(f, due_ns);
}

/* ---- who takes it ---- */

static struct conn *take_slot(struct sl_list *list)
{
    struct sl_list *node = sl_list_pop_front(list);

    return node ? sl_container_of(node, struct conn, link) : NULL;
}

/* Everybody opens a connection: a closed loop, or one that is to be there when something is due. */
static void open_all(struct flow *f, uint64_t now)
{
    struct conn *k;

    while (f->opening < f->opening_max && (k = take_slot(&f->empty)))
        if (!conn_open(k, now, now)) /* without ports nobody else has one either: a look for one is dear */
            break;
}

static void give_out(struct flow *f, uint64_t now)
{
    struct conn *k;

    while (waiting(f) && f->kept && (k = take_slot(&f->idle)))
        operation_begin(k, take_due(f), now);
    while (waiting(f) && !f->kept && f->opening < f->opening_max && (k = take_slot(&f->empty)))
        if (!conn_open(k, take_due(f), now))
            break;
}

void flow_greet(struct flow *f, uint64_t now)
{
    struct conn *k = f->client->greeting ? NULL : take_slot(&f->empty);

    if (k)
        (void)conn_open(k, now, now);
}

void flow_run(struct flow *f, uint64_t now)
{
    if (f->closed || f->kept)
        open_all(f, now);
    if (!f->closed) {
        collect_due(f, now);
        give_out(f, now);
    }
    if (flow_is_hold(f))
        hold_run(f, now);
}

uint64_t flow_next(const struct flow *f)
{
    if (f->hold.ask && (f->hold.walked < f->n_conns || !sl_list_empty(&f->hold.to_ask)))
        return 0;
    return f->closed ? SL_NEVER : schedule_next(&f->schedule);
}
