/* Connections that are held: each makes one request, so that the origin's side is there too, and then stays idle; in the end a random tenth makes one more, which is what counts. */
#include "client_internal.h"

#define WALK_PER_STEP 4096
#define ASKING_MAX 256
#define ONE_IN 10

void hold_answered(struct conn *k, uint64_t now)
{
    struct flow *f = k->flow;

    (void)now;
    if (k->requests > 1)
        f->hold.asking--;
    conn_set_state(k, CONN_HELD);
}

/* Who is asked is chosen while going through all of them, some in each step. */
static void choose(struct flow *f)
{
    for (uint32_t i = 0; i < WALK_PER_STEP && f->hold.walked < f->n_conns; i++) {
        struct conn *k = &f->conns[f->hold.walked++];

        if (k->state == CONN_HELD && sl_rng_below(&f->client->rng, ONE_IN) == 0)
            sl_list_push_back(&f->hold.to_ask, &k->link);
    }
}

void hold_run(struct flow *f, uint64_t now)
{
    struct sl_list *node;

    if (!f->hold.ask)
        return;
    choose(f);
    while (f->hold.asking < ASKING_MAX && (node = sl_list_pop_front(&f->hold.to_ask))) {
        f->hold.asking++;
        operation_begin(sl_container_of(node, struct conn, link), now, now);
    }
}
