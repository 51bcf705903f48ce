/* What the control thread asks, answered between two bursts. */
#include <errno.h>

#include "internal.h"

int sl_worker_post(struct sl_worker *w, struct sl_worker_msg *msg)
{
    __atomic_store_n(&msg->done, 0, __ATOMIC_RELAXED);
    return rte_ring_sp_enqueue(w->msgs, msg) == 0 ? 0 : -EAGAIN;
}

static int apply(struct sl_worker *w, struct sl_worker_msg *msg)
{
    return generation_apply(w, msg->conf, msg->generation, &msg->err);
}

static int drain(struct sl_worker *w, struct sl_worker_msg *msg)
{
    w->draining = true;
    generation_unlisten(w);
    return 0;
}

static int abort_all(struct sl_worker *w, struct sl_worker_msg *msg)
{
    sl_proxy_abort_all(w->proxy);
    return 0;
}

static void add_conn(void *ctx, const struct sl_tcp_info *info)
{
    struct sl_worker_msg *msg = ctx;

    if (msg->n < SL_MSG_CONNS_MAX)
        msg->conns[msg->n++] = *info;
}

static int list_conns(struct sl_worker *w, struct sl_worker_msg *msg)
{
    msg->n = 0;
    msg->more = sl_tcp_each(w->tcp, &msg->position, SL_MSG_CONNS_MAX, add_conn, msg);
    return 0;
}

struct neighbour_walk {
    struct sl_worker_msg *msg;
    uint32_t at;
};

static void add_neighbour(void *ctx, const struct sl_net_neighbour_info *info)
{
    struct neighbour_walk *walk = ctx;
    struct sl_worker_msg *msg = walk->msg;

    if (walk->at++ < msg->position)
        return;
    if (msg->n < SL_MSG_CONNS_MAX)
        msg->neighbours[msg->n++] = *info;
    else
        msg->more = true;
}

static int list_neighbours(struct sl_worker *w, struct sl_worker_msg *msg)
{
    struct neighbour_walk walk = {.msg = msg};

    msg->n = 0;
    msg->more = false;
    sl_net_each_neighbour(w->net, add_neighbour, &walk);
    msg->position += msg->n;
    return 0;
}

static int use_tickets(struct sl_worker *w, struct sl_worker_msg *msg)
{
    return sl_tls_use_tickets(w->tls, msg->conf, msg->tickets, msg->conf->n_tls);
}

static int (*const answers[])(struct sl_worker *w, struct sl_worker_msg *msg) = {
    [SL_MSG_APPLY] = apply,
    [SL_MSG_DRAIN] = drain,
    [SL_MSG_ABORT] = abort_all,
    [SL_MSG_CONNS] = list_conns,
    [SL_MSG_NEIGHBOURS] = list_neighbours,
    [SL_MSG_TICKETS] = use_tickets,
};

void message_run(struct sl_worker *w, uint64_t now)
{
    void *obj;

    if (rte_ring_empty(w->msgs))
        return;
    /* What was accepted so far belongs to the listeners as they are. */
    accept_run(w, now);
    while (rte_ring_sc_dequeue(w->msgs, &obj) == 0) {
        struct sl_worker_msg *msg = obj;

        msg->result = (size_t)msg->kind < SL_ARRAY_LEN(answers) ? answers[msg->kind](w, msg) : -EINVAL;
        __atomic_store_n(&msg->done, 1, __ATOMIC_RELEASE);
    }
}
