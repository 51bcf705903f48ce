/* The loop of a worker is the whole program: take the time once; take a burst from each port queue, which the worker parses; run the steps; send what they left
 * before handshakes are computed; sleep when there is nothing to do. */
#include "shard.h"

/* Cycles of one pass, by step. */
struct meter {
    uint64_t at, spent[SL_STEP_COUNT];
};

/* What went by since the last call is step's. */
static void charge(struct meter *m, enum sl_worker_step_id step)
{
    uint64_t at = sl_port_cycles();

    m->spent[step] += at - m->at;
    m->at = at;
}

/* A pass that found nothing to do was idle from its beginning to its end. */
static void book(const struct meter *m, uint64_t *cycles, bool busy)
{
    for (uint32_t i = 0; i < SL_STEP_COUNT; i++) {
        uint64_t *cell = &cycles[busy ? i : SL_STEP_IDLE];

        __atomic_store_n(cell, *cell + m->spent[i], __ATOMIC_RELAXED);
    }
}

/* Datagrams made whole of fragments here whose connections are others'. */
static void hand_over_strays(struct shard *s, uint8_t iface)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t n = sl_worker_strays(s->worker, iface, frames, SL_NET_BURST);

    if (n)
        sl_ports_hand_over(s->ports, s->params.id, iface, frames, n);
}

static uint32_t take_frames(struct shard *s, const struct sl_worker_time *t)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t sum = 0;

    for (uint32_t i = 0; i < s->params.n_ifaces; i++) {
        uint32_t n = sl_ports_rx(s->ports, s->params.id, (uint8_t)i, frames, SL_NET_BURST);

        if (n) {
            sl_worker_input(s->worker, (uint8_t)i, frames, n, t);
            hand_over_strays(s, (uint8_t)i);
        }
        sum += n;
    }
    return sum;
}

/* What a device has no room for stays with the worker, whose connections wait in turn. */
static uint32_t send_frames(struct shard *s, bool *room)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t sum = 0, n;

    for (uint32_t i = 0; i < s->params.n_ifaces; i++) {
        while (sl_ports_tx_room(s->ports, s->params.id, (uint8_t)i) &&
               (n = sl_worker_output(s->worker, (uint8_t)i, frames, SL_NET_BURST))) {
            sl_ports_tx(s->ports, s->params.id, (uint8_t)i, frames, n);
            sum += n;
        }
    }
    sl_ports_flush(s->ports, s->params.id);
    *room = true;
    for (uint32_t i = 0; i < s->params.n_ifaces; i++)
        *room &= sl_ports_tx_room(s->ports, s->params.id, (uint8_t)i);
    return sum;
}

void shard_loop(struct shard *s)
{
    uint64_t next = 0;

    while (!shard_is_wanted(s, PHASE_STANDS)) {
        struct meter m = {.at = sl_port_cycles()};
        struct sl_worker_time t = {.now = sl_port_now(), .wall_s = sl_port_wall_s()};
        bool was_due = next <= t.now, room = true;
        uint32_t taken, sent = 0;

        taken = take_frames(s, &t);
        charge(&m, SL_STEP_RX);
        for (uint32_t i = 0; i < sl_worker_n_steps; i++) {
            sl_worker_steps[i].run(s->worker, &t);
            if (sl_worker_steps[i].id == SL_STEP_TX)
                sent = send_frames(s, &room);
            charge(&m, sl_worker_steps[i].id);
        }
        next = sl_worker_next(s->worker);
        if (!room) /* connections that wait for the device say that they could send at once */
            next = t.now + SL_PORTS_FULL_NS;
        book(&m, s->cycles, was_due || taken || sent);
        if (!taken && next > t.now) {
            m = (struct meter){.at = m.at};
            sl_ports_wait(s->ports, s->params.id, next);
            charge(&m, SL_STEP_IDLE);
            book(&m, s->cycles, false);
        }
    }
}
