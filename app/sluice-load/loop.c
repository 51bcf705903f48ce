/* The loop of a load worker: take the time once; take a burst from each interface; run the steps; send what they left before handshakes are computed; sleep when there is nothing to do. */
#include "announce.h"
#include "shard.h"

#define FLOOD_BURSTS 4 /* of a flood in one pass */

struct pass {
    uint64_t began_cycles;
    bool counting;
};

static void hand_over_strays(struct shard *s, uint8_t iface)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t n = sl_net_strays(s->host->net, iface, frames, SL_NET_BURST);

    if (n)
        sl_ports_hand_over(s->ports, s->params.id, iface, frames, n);
}

static uint32_t take_frames(struct shard *s, uint64_t now)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t sum = 0;

    for (uint32_t i = 0; i < s->params.n_ifaces; i++) {
        uint32_t n = sl_ports_rx(s->ports, s->params.id, (uint8_t)i, frames, SL_NET_BURST);

        if (n) {
            host_input(s->host, (uint8_t)i, frames, n, now);
            hand_over_strays(s, (uint8_t)i);
        }
        sum += n;
    }
    return sum;
}

/* What a device has no room for stays with the host, whose connections wait in turn. */
static uint32_t send_frames(struct shard *s, bool *room)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint32_t sum = 0, n;

    for (uint32_t i = 0; i < s->params.n_ifaces; i++) {
        while (sl_ports_tx_room(s->ports, s->params.id, (uint8_t)i) &&
               (n = host_output(s->host, (uint8_t)i, frames, SL_NET_BURST))) {
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

static void add(uint64_t *cell, uint64_t n) { __atomic_store_n(cell, *cell + n, __ATOMIC_RELAXED); }

/* As many as are due and the device has room for. Not while connections are ended: that is the end. */
static uint32_t send_flood(struct shard *s, const struct pass *p, uint64_t now)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    struct flooder *f = s->host->flooder;
    uint32_t sum = 0, n = SL_NET_BURST;

    if (!f || shard_wanted(s) >= PHASE_STOPS)
        return 0;
    for (uint32_t i = 0;
         i < FLOOD_BURSTS && n == SL_NET_BURST && sl_ports_tx_room(s->ports, s->params.id, flooder_iface(f)); i++) {
        n = flooder_fill(f, now, frames, SL_NET_BURST);
        sl_ports_tx(s->ports, s->params.id, flooder_iface(f), frames, n);
        sum += n;
    }
    if (p->counting)
        add(&s->flood_frames, sum);
    return sum;
}

/* What went by since the last call was spent on work, or on waiting for it. */
static void book(struct shard *s, struct pass *p, bool busy)
{
    uint64_t at = sl_port_cycles(), spent = at - p->began_cycles;

    p->began_cycles = at;
    if (!p->counting)
        return;
    add(&s->all_cycles, spent);
    if (busy)
        add(&s->busy_cycles, spent);
}

static void set_flag(uint32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }

/* What the main thread wants, and when counting begins. */
static void follow(struct shard *s, struct pass *p, uint64_t now)
{
    uint32_t wanted = shard_wanted(s);

    if (!p->counting && now >= *s->count_at_ns) {
        p->counting = true;
        host_clear(s->host);
    }
    if (wanted == PHASE_ASKS && s->host->client) {
        client_ask(s->host->client);
        if (client_asked(s->host->client))
            set_flag(&s->asked);
    }
    if (wanted == PHASE_STOPS) {
        host_stop(s->host);
        if (host_stopped(s->host))
            set_flag(&s->stopped);
    }
}

static void announce(struct shard *s)
{
    struct rte_mbuf *frames[SL_NET_ADDRS_MAX];

    for (uint32_t i = 0; i < s->params.n_ifaces; i++) {
        uint32_t n = announce_all(&s->params.ifaces[i], s->host->pools.data, frames);

        sl_ports_tx(s->ports, s->params.id, (uint8_t)i, frames, n);
    }
}

void shard_loop(struct shard *s)
{
    struct pass p = {.began_cycles = sl_port_cycles()};
    uint64_t next = 0;

    if (s->params.id == 0)
        announce(s);
    while (shard_wanted(s) < PHASE_STANDS) {
        uint64_t now = sl_port_now();
        bool was_due = next <= now, room;
        uint32_t taken, sent;

        follow(s, &p, now);
        taken = take_frames(s, now);
        host_run(s->host, now, sl_port_wall_s());
        sent = send_frames(s, &room) + send_flood(s, &p, now);
        host_crypto(s->host, now);
        next = host_next(s->host);
        if (!room) /* connections that wait for the device say that they could send at once */
            next = now + SL_PORTS_FULL_NS;
        book(s, &p, was_due || taken || sent);
        if (!taken && next > now) {
            sl_ports_wait(s->ports, s->params.id, next);
            book(s, &p, false);
        }
    }
}
