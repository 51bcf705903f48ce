/* Bytes that one connection takes in each of its states: connections are opened and brought there, and what the endpoint's slabs then hold more is divided by
 * their number. The table's share (a bucket of 64 bytes for every four at most) is a figure of its own; packet buffers in queues are not counted, for they are of the
 * size of what waits in them. */
#include "tcp_rig.h"

#define CONNS 1024u

static const size_t slabs[] = {offsetof(struct sl_tcp, conns),    offsetof(struct sl_tcp, requests),
                               offsetof(struct sl_tcp, lingers),  offsetof(struct sl_tcp, reasms),
                               offsetof(struct sl_tcp, flights),  offsetof(struct sl_tcp, seldoms),
                               offsetof(struct sl_tcp, episodes), offsetof(struct sl_tcp, nodes.slab)};

static uint64_t held(const struct bm_tcp *b)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < SL_ARRAY_LEN(slabs); i++) {
        const struct slab *s = (const struct slab *)((const char *)b->tcp + slabs[i]);

        bytes += (uint64_t)s->used * s->item_bytes;
    }
    return bytes;
}

static void each(struct bm_tcp *b, uint8_t flags, uint32_t len)
{
    struct rte_mbuf *segs[BM_BURST];
    uint32_t peers[BM_BURST];

    for (uint32_t at = 0; at < CONNS; at += BM_BURST) {
        for (uint32_t i = 0; i < BM_BURST; i++) {
            peers[i] = at + i;
            segs[i] = bm_tcp_seg(b, at + i, flags, len);
        }
        bm_tcp_input(b, segs, peers, BM_BURST);
        bm_tcp_output(b);
        bm_tcp_take_ready(b);
    }
}

static void syns(struct bm_tcp *b)
{
    for (uint32_t i = 0; i < CONNS; i++)
        b->peers[i] = (struct bm_peer){.seq = 1000};
    each(b, TF_SYN, 0);
}

static void acks(struct bm_tcp *b) { each(b, TF_ACK, 0); }

static void unread(struct bm_tcp *b) { each(b, TF_ACK, 100); }

static void hole(struct bm_tcp *b)
{
    for (uint32_t i = 0; i < CONNS; i++)
        b->peers[i].seq += 100;
    each(b, TF_ACK, 100);
}

/* With `cookies` a SYN leaves nothing. */
static void cookie_syns(struct bm_tcp *b)
{
    struct sl_tcp_opts opts = {.cookies = SL_TCP_COOKIES_ALWAYS};

    sl_tcp_listener_update(b->listener, &opts, CONNS, &b->ready, b);
    syns(b);
}

static void send_piece(struct bm_tcp *b, uint32_t peer)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(b->own);
    struct sl_stream *s = b->peers[peer].stream;
    struct sl_slice slice = {m, m ? m->data_off : 0, 100};

    bm_must(m && rte_pktmbuf_append(m, 100) && s->ops->send(s, &slice, 1) == 0, "can't send");
}

/* Each stage sends a segment more, at a moment of its own. */
static void sends(struct bm_tcp *b)
{
    b->now += SL_NS_PER_MS;
    for (uint32_t i = 0; i < CONNS; i++)
        send_piece(b, i);
    while (sl_tcp_next(b->tcp) == 0) /* the transmit queue takes some at a time */
        bm_tcp_output(b);
}

/* Nothing is acknowledged for two seconds: the timer runs out. */
static void lose(struct bm_tcp *b)
{
    b->now += 2 * SL_NS_PER_S;
    sl_tcp_timers(b->tcp, b->now);
    while (sl_tcp_next(b->tcp) == 0)
        bm_tcp_output(b);
    b->now += 2 * SL_NS_PER_S;
    sl_tcp_timers(b->tcp, b->now);
}

static void shut(struct bm_tcp *b)
{
    for (uint32_t i = 0; i < CONNS; i++) {
        b->peers[i].stream->ops->shutdown(b->peers[i].stream);
        b->peers[i].stream->ops->release(b->peers[i].stream);
    }
    bm_tcp_output(b);
    each(b, TF_ACK, 0);
}

static void fins(struct bm_tcp *b) { each(b, TF_FIN | TF_ACK, 0); }

/* One after the other, of one and the same connections: what each state holds. `hole` is a life of its own. */
static const struct stage {
    const char *state;
    void (*enter)(struct bm_tcp *b);
} life[] = {{"SYN-RECEIVED", syns}, {"ESTABLISHED", acks}, {"FIN-WAIT-2", shut}, {"TIME-WAIT", fins}},
  cookie_life[] = {{"SYN-RECEIVED under cookies", cookie_syns}},
  sending_life[] = {{NULL, syns},
                    {NULL, acks},
                    {"ESTABLISHED, a segment in flight", sends},
                    {"ESTABLISHED, two sent at two moments in flight", sends},
                    {"ESTABLISHED, in recovery", lose}},
  other_life[] = {
      {NULL, syns}, {NULL, acks}, {"ESTABLISHED, a slice unread", unread}, {"ESTABLISHED, with a hole", hole}};

static void live(const struct stage *stages, uint32_t n)
{
    static struct bm_tcp b;
    uint64_t before;

    bm_tcp_start(&b, CONNS);
    before = held(&b);
    for (uint32_t i = 0; i < n; i++) {
        stages[i].enter(&b);
        if (!stages[i].state)
            continue;
        bm_figure(stages[i].state);
        bm_text("who", "sluice");
        bm_number("bytes", (double)(held(&b) - before) / CONNS);
    }
    bm_tcp_stop(&b);
}

int main(int argc, char **argv)
{
    struct bm_options o;
    struct table t;
    struct sl_hash_key key = {{1, 2}};

    bm_start(&o, argc, argv);
    bm_begin("tcp_memory");
    live(life, SL_ARRAY_LEN(life));
    live(other_life, SL_ARRAY_LEN(other_life));
    live(cookie_life, SL_ARRAY_LEN(cookie_life));
    live(sending_life, SL_ARRAY_LEN(sending_life));
    bm_must(sl_tcp_table_init(&t, 1000000, &key) == 0, "out of memory");
    bm_figure("the table's share of one of a million");
    bm_text("who", "sluice");
    bm_number("bytes", ((double)t.mask + 1) * sizeof(struct bucket) / 1e6);
    sl_tcp_table_free(&t);
    bm_end();
    return 0;
}
