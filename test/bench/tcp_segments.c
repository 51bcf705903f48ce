/* What TCP costs per segment and per connection, in cycles, with a million connections in the table (or --in-flight N).
 * `among` says how many of them have traffic, in random order: all, so that what a segment needs stands in no cache; or
 * 256, so that it does. Bursts of 64 (--burst N) through sl_tcp_input and sl_tcp_output; net and the device are not in
 * it, the user's work neither. Buffers are freed by tcp within the time: what that costs by itself is a figure of its
 * own, and `without_free` takes it off.
 *
 *   ack         a pure ACK of one segment in flight; frees the segment and what it acknowledges
 *   data        1448 bytes in order; held for the user, ACK left to the timer
 *   data, acked the second of two such segments, and the ACK that it makes due
 *   send        a segment of 100 bytes sent
 *   open+close  SYN, SYN-ACK, ACK; then FIN, ACK, our FIN, its ACK: all of both steps
 */
#include <stdlib.h>

#include "tcp_rig.h"

#define WAVE 8192u /* connections between two meetings of the same one: more than caches hold */
#define FEW 256u
#define MSS 1448u

struct bed {
    struct bm_tcp tcp;
    struct sl_rng rng;
    uint32_t burst, n_open;
    uint32_t wave[WAVE], n_wave; /* of peers */
    struct bm_series free_own, free_seg;
};

/* ---- a wave: distinct peers in random order ---- */

/* Of peers below `among`. */
static void choose_wave(struct bed *b, uint32_t among)
{
    static uint8_t *taken;

    if (!taken)
        taken = calloc(b->tcp.n_peers, 1);
    bm_must(taken != NULL, "out of memory");
    b->n_wave = SL_MIN(WAVE, among) / b->burst * b->burst;
    for (uint32_t i = 0; i < b->n_wave;) {
        uint32_t p = (uint32_t)sl_rng_below(&b->rng, among);

        if (!taken[p]) {
            taken[p] = 1;
            b->wave[i++] = p;
        }
    }
    for (uint32_t i = 0; i < b->n_wave; i++)
        taken[b->wave[i]] = 0;
}

/* ---- what is measured ---- */

static struct rte_mbuf *own_buffer(struct bed *b, uint32_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(b->tcp.own);

    bm_must(m && rte_pktmbuf_append(m, (uint16_t)len), "no packet buffer");
    return m;
}

static void send_one(struct bed *b, uint32_t peer)
{
    struct rte_mbuf *m = own_buffer(b, 100);
    struct sl_slice slice = {m, m->data_off, 100};
    struct sl_stream *s = b->tcp.peers[peer].stream;

    bm_must(s && s->ops->credit(s) >= 100 && s->ops->send(s, &slice, 1) == 0, "can't send");
}

static void measure_send(struct bed *b, struct bm_series *out)
{
    for (uint32_t at = 0; at < b->n_wave; at += b->burst) {
        for (uint32_t i = 0; i < b->burst; i++)
            send_one(b, b->wave[at + i]);
        bm_add(out, (double)bm_tcp_output(&b->tcp) / b->burst);
    }
}

/* A segment of flags from each of the wave; with the output that follows where `output` says so. */
static void measure_segs(struct bed *b, uint8_t flags, uint32_t len, bool output, struct bm_series *out)
{
    struct rte_mbuf *segs[BM_BURST];

    for (uint32_t at = 0; at < b->n_wave; at += b->burst) {
        uint64_t cycles;

        for (uint32_t i = 0; i < b->burst; i++)
            segs[i] = bm_tcp_seg(&b->tcp, b->wave[at + i], flags, len);
        cycles = bm_tcp_input(&b->tcp, segs, &b->wave[at], b->burst);
        cycles += output ? bm_tcp_output(&b->tcp) : 0;
        bm_add(out, (double)cycles / b->burst);
        bm_tcp_take_ready(&b->tcp);
    }
}

static void consume(struct bed *b)
{
    for (uint32_t i = 0; i < b->n_wave; i++) {
        struct sl_stream *s = b->tcp.peers[b->wave[i]].stream;
        struct sl_slice slices[8];
        uint32_t n;

        while ((n = s->ops->recv(s, slices, 8, UINT32_MAX)))
            for (uint32_t k = 0; k < n; k++)
                sl_slice_free(&slices[k]);
    }
    while (sl_tcp_next(b->tcp.tcp) == 0) /* the transmit queue takes some at a time */
        bm_tcp_output(&b->tcp);
    sl_tcp_timers(b->tcp.tcp, b->tcp.now);
}

/* The buffers of a burst of segments, freed as tcp frees them: when the header has been read. */
static void measure_free(struct bed *b)
{
    static struct rte_mbuf *m[WAVE];

    for (uint32_t i = 0; i < b->n_wave; i++)
        m[i] = bm_tcp_seg(&b->tcp, b->wave[i], TF_ACK, 0);
    for (uint32_t at = 0; at < b->n_wave; at += b->burst) {
        uint64_t began;

        for (uint32_t i = 0; i < b->burst; i++)
            rte_prefetch0(m[at + i]);
        began = bm_cycles();
        for (uint32_t i = 0; i < b->burst; i++)
            rte_pktmbuf_free(m[at + i]);
        bm_add(&b->free_seg, (double)(bm_cycles() - began) / b->burst);
    }
    for (uint32_t i = 0; i < b->n_wave; i++)
        m[i] = own_buffer(b, 100);
    for (uint32_t at = 0; at < b->n_wave; at += b->burst) {
        uint64_t began = bm_cycles();

        for (uint32_t i = 0; i < b->burst; i++)
            rte_pktmbuf_free_seg(m[at + i]);
        bm_add(&b->free_own, (double)(bm_cycles() - began) / b->burst);
    }
}

/* ---- open and close ---- */

static uint64_t close_burst(struct bed *b, const uint32_t *peers)
{
    struct rte_mbuf *segs[BM_BURST];
    uint64_t cycles;

    for (uint32_t i = 0; i < b->burst; i++)
        segs[i] = bm_tcp_seg(&b->tcp, peers[i], TF_FIN | TF_ACK, 0);
    cycles = bm_tcp_input(&b->tcp, segs, peers, b->burst);
    bm_tcp_take_ready(&b->tcp);
    for (uint32_t i = 0; i < b->burst; i++) {
        struct sl_stream *s = b->tcp.peers[peers[i]].stream;
        uint64_t began = bm_cycles();

        s->ops->shutdown(s);
        s->ops->release(s);
        cycles += bm_cycles() - began - (uint64_t)bm_empty_cycles();
    }
    cycles += bm_tcp_output(&b->tcp);
    for (uint32_t i = 0; i < b->burst; i++)
        segs[i] = bm_tcp_seg(&b->tcp, peers[i], TF_ACK, 0);
    return cycles + bm_tcp_input(&b->tcp, segs, peers, b->burst);
}

static void measure_open_close(struct bed *b, struct bm_series *out)
{
    uint32_t peers[BM_BURST], before = sl_tcp_conns(b->tcp.tcp);

    for (uint32_t round = 0; round < b->n_wave / b->burst; round++) {
        uint64_t cycles;

        for (uint32_t i = 0; i < b->burst; i++)
            peers[i] = b->n_open + (round * b->burst + i) % (b->tcp.n_peers - b->n_open);
        cycles = bm_tcp_open(&b->tcp, peers, b->burst);
        bm_tcp_take_ready(&b->tcp);
        cycles += close_burst(b, peers);
        bm_add(out, (double)cycles / b->burst);
    }
    bm_must(sl_tcp_conns(b->tcp.tcp) == before, "connections that did not end");
}

/* ---- main ---- */

static void open_all(struct bed *b)
{
    uint32_t peers[BM_BURST];

    for (uint32_t at = 0; at < b->n_open; at += BM_BURST) {
        uint32_t n = SL_MIN(b->n_open - at, BM_BURST);

        for (uint32_t i = 0; i < n; i++)
            peers[i] = at + i;
        bm_tcp_open(&b->tcp, peers, n);
        bm_tcp_take_ready(&b->tcp);
    }
    bm_must(sl_tcp_conns(b->tcp.tcp) == b->n_open, "not all connections were opened");
}

enum { ACK, DATA, DATA_ACKED, SEND, OPEN_CLOSE, FIGURES };

static void measure(struct bed *b, struct bm_series *series)
{
    measure_send(b, &series[SEND]);
    measure_segs(b, TF_ACK, 0, false, &series[ACK]);
    measure_segs(b, TF_ACK | TF_PSH, MSS, false, &series[DATA]);
    measure_segs(b, TF_ACK | TF_PSH, MSS, true, &series[DATA_ACKED]);
    consume(b);
    measure_open_close(b, &series[OPEN_CLOSE]);
    measure_free(b);
}

static void print(struct bed *b, uint32_t among, struct bm_series *series)
{
    static const struct {
        const char *name;
        uint32_t segs, owns; /* buffers that are freed within */
    } rows[FIGURES] = {[ACK] = {"ack", 1, 1},
                       [DATA] = {"data", 0, 0},
                       [DATA_ACKED] = {"data, acked", 0, 0},
                       [SEND] = {"send", 0, 0},
                       [OPEN_CLOSE] = {"open+close", 4, 0}};

    for (uint32_t i = 0; i < FIGURES; i++) {
        double most = bm_quantile(&series[i], 0.5), freed;

        freed = rows[i].segs * bm_quantile(&b->free_seg, 0.5) + rows[i].owns * bm_quantile(&b->free_own, 0.5);
        bm_figure(rows[i].name);
        bm_number("connections", b->n_open);
        bm_number("among", among);
        bm_number("burst", b->burst);
        bm_text("who", "sluice");
        bm_spread("cycles", &series[i]);
        bm_number("without_free", most - freed);
    }
}

int main(int argc, char **argv)
{
    static struct bed b;
    struct bm_series few[FIGURES] = {0}, all[FIGURES] = {0};
    struct bm_options o;
    uint64_t end;

    bm_start(&o, argc, argv);
    b.burst = o.burst ? SL_MIN(o.burst, BM_BURST) : BM_BURST;
    b.n_open = o.in_flight ? o.in_flight : o.quick ? 4000 : 1000000;
    sl_rng_seed(&b.rng, 1);
    bm_tcp_start(&b.tcp, b.n_open + 4096);
    open_all(&b);
    end = bm_now_ns() + (uint64_t)((o.quick ? 0.3 : o.seconds > 0 ? o.seconds : 10) * 1e9);
    bm_role("server");
    do {
        choose_wave(&b, b.n_open);
        measure(&b, all);
        choose_wave(&b, SL_MIN(b.n_open, FEW));
        for (uint32_t i = 0; i < WAVE / FEW; i++)
            measure(&b, few);
    } while (bm_now_ns() < end);
    bm_begin("tcp_segments");
    print(&b, FEW, few);
    print(&b, b.n_open, all);
    bm_figure("freeing of a segment's buffer");
    bm_text("who", "mempool");
    bm_spread("cycles", &b.free_seg);
    bm_figure("freeing of a sent buffer");
    bm_text("who", "mempool");
    bm_spread("cycles", &b.free_own);
    bm_end();
    return 0;
}
