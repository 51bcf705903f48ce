/* One endpoint, a listener and up to eight connections in whatever state the input brings them to, under virtual time.
 * The input is a program: users act, time passes, and a peer that sees the endpoint's own numbers sends segments near
 * them: mostly right, often not. After every step the endpoint's invariants are checked; at the end every packet buffer
 * must be home.
 *
 * Input: operations of a byte each, see `ops`; what they need follows. Where the input ends, zeroes follow. */
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"
#include "tcp/tcp_internal.h"

#define CONNS 8u
#define PEER_PORT 40000u
#define STEPS_MAX 400u

struct input {
    const uint8_t *p, *end;
};

struct slot {
    struct sl_stream *stream; /* of ours; NULL: none, or released */
    uint16_t lport, rport;
    uint32_t iss;  /* the peer's, until the endpoint knows one */
    bool answered; /* a SYN-ACK went to it; its numbers, which may be a cookie's: */
    uint32_t syn_ack_seq, syn_ack_ack, syn_ack_tsval;
};

static struct rte_mempool *frames_pool, *hdr_pool, *ref_pool;
static struct sl_stats stats;
static struct sl_net *net;
static struct sl_tcp *tcp;
static struct sl_tcp_listener *listener;
static struct sl_ready ready;
static struct slot slots[CONNS];
static struct sl_net_batch batch;
static uint64_t now;
static struct sl_ip ours, theirs;

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tcp_fuzz: %s\n", what);
    abort();
}

static uint8_t u8(struct input *in) { return in->p < in->end ? *in->p++ : 0; }
static uint16_t u16(struct input *in) { return (uint16_t)(u8(in) << 8 | u8(in)); }
static uint32_t u32(struct input *in) { return (uint32_t)u16(in) << 16 | u16(in); }

/* ---- the world ---- */

static void make_world(bool ip6)
{
    static const uint8_t secret[32] = {1, 2, 3};
    struct sl_net_iface_conf iface = {.name = "fuzz", .mac = th_mac(1), .mtu = 1500, .n_addrs = 1};
    struct sl_net_params np = {
        .ifaces = &iface, .n_ifaces = 1, .answers = true, .pool = frames_pool, .stats = &stats, .seed = 1};
    struct sl_tcp_params tp = {.stats = &stats,
                               .hdr_pool = hdr_pool,
                               .ref_pool = ref_pool,
                               .conns_max = 16,
                               .time_wait_max = 4,
                               .held_max_bytes = 1u << 20,
                               .seed = 2};
    struct sl_tcp_opts opts = {
        .rcv_max_bytes = 64u << 10, .snd_max_bytes = 32u << 10, .keepalive_ns = 100 * SL_NS_PER_S};
    struct sl_endpoint at;
    struct sl_err err;

    memset(&stats, 0, sizeof stats);
    memset(slots, 0, sizeof slots);
    batch.n_segs = batch.n_errs = 0;
    now = 1000 * SL_NS_PER_S;
    ours = th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10");
    theirs = th_ip(ip6 ? "2001:db8:1::2" : "198.18.0.2");
    iface.addrs[0] = (struct sl_net_addr){ours, ip6 ? 64 : 24};
    must(!sl_net_create(&np, &net, &err), err.text);
    tp.net = net;
    memcpy(tp.secret, secret, sizeof secret);
    must(!sl_tcp_create(&tp, now, &tcp, &err), err.text);
    sl_ready_init(&ready);
    at = (struct sl_endpoint){ours, 80};
    must(!sl_tcp_listen(tcp, &at, &opts, 6, &ready, NULL, &listener), "listen");
}

/* What a peer must know of a SYN-ACK, for the endpoint may have forgotten it. */
static void note_syn_ack(const uint8_t *bytes, size_t len)
{
    struct th_pkt p = {0};

    th_decode(bytes, len, &p);
    if (p.kind != TH_TCP || (p.tcp.flags & (TH_SYN | TH_ACK)) != (TH_SYN | TH_ACK))
        return;
    for (uint32_t i = 0; i < CONNS; i++) {
        if (slots[i].lport != p.tcp.sport || slots[i].rport != p.tcp.dport)
            continue;
        slots[i].answered = true;
        slots[i].syn_ack_seq = p.tcp.seq;
        slots[i].syn_ack_ack = p.tcp.ack;
        slots[i].syn_ack_tsval = p.tcp.tsval;
    }
}

/* Frames leave; neighbours answer. */
static void drain(void)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    uint8_t bytes[2048];
    uint32_t n;

    while ((n = sl_net_tx(net, 0, frames, SL_NET_BURST))) {
        for (uint32_t i = 0; i < n; i++) {
            struct th_store store;
            struct th_pkt answer;
            size_t len;

            sl_net_finish(frames[i]); /* checksums: a right frame is to be read again */
            len = th_mbuf_bytes(frames[i], bytes, sizeof bytes);
            must(len > 0, "a frame that contradicts itself, or longer than the MTU");
            rte_pktmbuf_free(frames[i]);
            note_syn_ack(bytes, len);
            if (th_answer_neighbour(bytes, len, &theirs, th_mac(2), &answer, &store)) {
                struct rte_mbuf *m = th_frame(frames_pool, &answer);
                struct sl_net_batch none = {0};

                sl_net_input(net, 0, &m, 1, now, &none);
            }
        }
    }
}

static struct slot *slot_of(const struct sl_stream *s)
{
    struct sl_facts facts;

    s->ops->facts((struct sl_stream *)s, &facts);
    for (uint32_t i = 0; i < CONNS; i++)
        if (slots[i].lport == facts.local.port && slots[i].rport == facts.peer.port)
            return &slots[i];
    return NULL;
}

/* Accepted streams find their slot; those whose slot has one already are let go. */
static void take_events(void)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&ready, &events))) {
        struct slot *slot = slot_of(s);

        must(events != 0, "an event without an event");
        must(!(events & SL_STREAM_READABLE) || s->state & (SL_STREAM_READABLE | SL_STREAM_CLOSED),
             "readable is gone before anybody read");
        if (slot && (!slot->stream || slot->stream == s))
            slot->stream = s;
        else
            s->ops->release(s);
    }
}

static void settle(void)
{
    const char *broken;

    sl_tcp_input(tcp, &batch, now);
    take_events();
    sl_tcp_output(tcp, now);
    drain();
    sl_tcp_timers(tcp, now);
    sl_net_timers(net, now);
    sl_tcp_output(tcp, now);
    drain();
    take_events();
    broken = sl_tcp_check(tcp);
    must(!broken, broken);
}

/* ---- what the peer knows ---- */

static const struct tuple *tuple_of_slot(const struct slot *slot)
{
    static struct tuple tuple;

    tuple = (struct tuple){.local = ours, .remote = theirs, .lport = slot->lport, .rport = slot->rport};
    tuple.hash = table_hash(&tcp->table, &tuple);
    return &tuple;
}

/* The numbers that the endpoint expects next, and has in flight. */
static void live_numbers(const struct slot *slot, uint32_t *rcv_nxt, uint32_t *rcv_adv, uint32_t *snd_una,
                         uint32_t *snd_nxt, uint32_t *ts)
{
    uint32_t ref = sl_tcp_table_find(&tcp->table, tuple_of_slot(slot));

    *rcv_nxt = *rcv_adv = slot->iss;
    *snd_una = *snd_nxt = *ts = 0;
    if (!ref && slot->answered) {
        *rcv_nxt = *rcv_adv = slot->syn_ack_ack;
        *snd_una = *snd_nxt = slot->syn_ack_seq + 1;
    }
    if (!ref)
        return;
    if (ref_kind(ref) == REF_CONN) {
        const struct conn *c = conn_at(tcp, ref_idx(ref));

        *rcv_nxt = c->state == ST_SYN_SENT ? slot->iss : c->rcv_nxt;
        *rcv_adv = c->state == ST_SYN_SENT ? slot->iss : c->rcv_adv;
        *snd_una = c->snd_una;
        *snd_nxt = c->snd_nxt;
        *ts = c->ts_recent;
    } else if (ref_kind(ref) == REF_REQUEST) {
        const struct request *r = request_at(tcp, ref_idx(ref));

        *rcv_nxt = r->irs + 1;
        *rcv_adv = r->irs + 65536;
        *snd_una = r->iss;
        *snd_nxt = r->iss + 1;
        *ts = r->ts_recent;
    } else {
        const struct linger *w = linger_at(tcp, ref_idx(ref));

        *rcv_nxt = *rcv_adv = w->rcv_nxt;
        *snd_una = *snd_nxt = w->snd_nxt;
        *ts = w->ts_recent;
    }
}

static uint32_t pick(struct input *in, uint32_t a, uint32_t b)
{
    uint8_t how = u8(in);

    switch (how & 7) {
    case 0:
    case 1:
    case 2:
        return a;
    case 3:
        return b;
    case 4:
        return a + (how >> 3);
    case 5:
        return b - (how >> 3);
    case 6:
        return a + (uint32_t)(int16_t)u16(in);
    default:
        return u32(in);
    }
}

/* ---- operations ---- */

enum { SEG_SYN = 1, SEG_OPTS = 2, SEG_SACK = 4, SEG_RAW = 8, SEG_CHAIN = 16, SEG_QUEUE = 32 };

static uint32_t put_options(struct input *in, uint8_t *out, uint8_t how, struct header *h, uint32_t snd_una,
                            uint32_t snd_nxt, uint32_t ts, uint32_t echo)
{
    uint32_t n;

    if (how & SEG_RAW) {
        n = (u8(in) & 7) * 4u;
        for (uint32_t i = 0; i < n; i++)
            out[WIRE_HEADER_MIN + i] = u8(in);
        return n;
    }
    if (how & SEG_OPTS) {
        h->opts = u8(in) & (h->flags & TF_SYN ? 15 : OPT_TS);
        h->mss = u16(in);
        h->wscale = u8(in) & 31;
        h->tsval = pick(in, ts, ts + 1);
        h->tsecr = pick(in, echo, 0);
    }
    if (how & SEG_SACK) {
        h->n_sacks = u8(in) & 3;
        for (uint32_t i = 0; i < h->n_sacks; i++) {
            h->sacks[i].start = pick(in, snd_una, snd_nxt);
            h->sacks[i].end = pick(in, h->sacks[i].start + 1400, snd_nxt);
        }
    }
    return sl_tcp_wire_size(h) - WIRE_HEADER_MIN;
}

static void op_segment(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];
    uint8_t how = u8(in), bytes[WIRE_HEADER_MAX + 2048];
    struct tuple back;
    struct header h = {.flags = u8(in)};
    uint32_t rcv_nxt, rcv_adv, snd_una, snd_nxt, ts, n_opts, len;
    size_t cuts[2];

    if (!slot->rport) {
        slot->lport = 80;
        slot->rport = (uint16_t)(PEER_PORT + (uint32_t)(slot - slots));
        slot->iss = 5000;
    }
    live_numbers(slot, &rcv_nxt, &rcv_adv, &snd_una, &snd_nxt, &ts);
    h.seq = pick(in, rcv_nxt, rcv_adv);
    h.ack = pick(in, snd_nxt, snd_una);
    h.wnd = u16(in);
    len = h.flags & TF_URG ? u16(in) % 1461 : u8(in) & 63;
    n_opts = put_options(in, bytes, how, &h, snd_una, snd_nxt, ts,
                         slot->answered ? slot->syn_ack_tsval : (uint32_t)(now / SL_NS_PER_MS));
    back = (struct tuple){.lport = slot->rport, .rport = slot->lport};
    if (how & SEG_RAW) {
        uint8_t raw[WIRE_HEADER_MAX];

        memcpy(raw, bytes + WIRE_HEADER_MIN, n_opts);
        h.opts = h.n_sacks = 0;
        sl_tcp_wire_put(bytes, &back, &h);
        memcpy(bytes + WIRE_HEADER_MIN, raw, n_opts);
        bytes[12] = (uint8_t)((WIRE_HEADER_MIN + n_opts) << 2);
    } else {
        sl_tcp_wire_put(bytes, &back, &h);
    }
    memset(bytes + WIRE_HEADER_MIN + n_opts, 'f', len);
    len += WIRE_HEADER_MIN + n_opts;
    cuts[0] = WIRE_HEADER_MIN + u8(in) % 64u;
    cuts[1] = cuts[0] + 1 + u8(in);
    batch.segs[batch.n_segs++] =
        (struct sl_net_seg){.mbuf = how & SEG_CHAIN ? th_mbuf_chain(frames_pool, bytes, len, cuts, 2, 0)
                                                    : th_mbuf_exact(frames_pool, bytes, len, 0),
                            .local = ours,
                            .remote = theirs,
                            .ecn = how >> 6};
    if (!(how & SEG_QUEUE) || batch.n_segs == SL_NET_BURST)
        settle();
}

/* An honest peer opens: three segments. */
static void op_open(struct input *in)
{
    uint8_t i = u8(in) % CONNS, opts = u8(in) & 15;
    const uint8_t syn[] = {i, SEG_OPTS, TF_SYN, 0, 0, 0xff, 0xff, 0, opts, 5, 180, 7, 3, 0, 0, 0};
    const uint8_t ack[] = {i, SEG_OPTS, TF_ACK, 0, 0, 0xff, 0xff, 0, opts, 0, 0, 0, 0, 0, 0, 0};
    struct input script = {syn, syn + sizeof syn};

    op_segment(&script);
    script = (struct input){ack, ack + sizeof ack};
    op_segment(&script);
}

static void op_dial(struct input *in)
{
    uint32_t i = u8(in) % CONNS;
    struct sl_endpoint local = {ours, (uint16_t)(50000 + i)}, remote = {theirs, (uint16_t)(PEER_PORT + 100)};
    struct sl_tcp_opts opts = {.nagle = u8(in) & 1,
                               .ecn = SL_TCP_ECN_ASK,
                               .user_timeout_ns = 20 * SL_NS_PER_S,
                               .rcv_max_bytes = 1u << (8 + (u8(in) & 15))};
    struct sl_stream *s;
    int why = 0;

    if (slots[i].stream)
        return;
    s = sl_tcp_connect(tcp, &local, &remote, &opts, &ready, NULL, now, &why);
    must(s != NULL || why < 0, "connect failed without a reason");
    if (s)
        slots[i] = (struct slot){s, local.port, remote.port, 5000};
    settle();
}

static void op_send(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];
    uint32_t n = 1 + u16(in) % 1500u, credit;
    struct sl_slice slice;
    uint8_t bytes[1500];

    if (!slot->stream || !(credit = slot->stream->ops->credit(slot->stream)))
        return;
    n = SL_MIN(n, credit);
    memset(bytes, 'u', n);
    slice = (struct sl_slice){th_mbuf_exact(frames_pool, bytes, n, 0), 0, (uint16_t)n};
    slot->stream->ops->send(slot->stream, &slice, 1);
    settle();
}

static void op_recv(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];
    struct sl_slice out[8];
    uint32_t n, max = u16(in);

    if (!slot->stream)
        return;
    n = slot->stream->ops->recv(slot->stream, out, SL_ARRAY_LEN(out), max);
    for (uint32_t i = 0; i < n; i++) {
        must(out[i].len > 0 && *sl_slice_data(&out[i]) == 'f', "bytes that nobody sent");
        sl_slice_free(&out[i]);
    }
    settle();
}

static void op_shutdown(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];

    if (slot->stream)
        slot->stream->ops->shutdown(slot->stream);
    settle();
}

static void op_abort(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];

    if (slot->stream)
        slot->stream->ops->abort(slot->stream, SL_REASON_ABORTED);
    settle();
}

static void op_release(struct input *in)
{
    struct slot *slot = &slots[u8(in) % CONNS];

    if (slot->stream)
        slot->stream->ops->release(slot->stream);
    slot->stream = NULL;
    settle();
}

/* Up to about two minutes, in steps as the endpoint asks for them. */
static void op_time(struct input *in)
{
    uint64_t until = now + ((uint64_t)(1 + u8(in)) << (u8(in) % 14)) * 65536;
    uint32_t turns = 0;

    while (now < until && turns++ < 100) {
        uint64_t next = sl_tcp_next(tcp);

        now = next <= now ? now + 1 : SL_MIN(next, until);
        settle();
    }
    now = SL_MAX(now, until);
    settle();
}

static void op_icmp(struct input *in)
{
    const struct slot *slot = &slots[u8(in) % CONNS];
    uint32_t rcv_nxt, rcv_adv, snd_una, snd_nxt, ts;

    live_numbers(slot, &rcv_nxt, &rcv_adv, &snd_una, &snd_nxt, &ts);
    batch.errs[batch.n_errs++] = (struct sl_net_icmp){.local = ours,
                                                      .remote = theirs,
                                                      .lport = slot->lport,
                                                      .rport = slot->rport,
                                                      .kind = u8(in) % 3,
                                                      .seq = pick(in, snd_una, snd_nxt),
                                                      .mtu = u16(in)};
    settle();
}

static void op_listen(struct input *in)
{
    struct sl_endpoint at = {ours, 80};
    struct sl_tcp_opts opts = {.rcv_max_bytes = 1u << (8 + (u8(in) & 15))};
    uint8_t how = u8(in);

    opts.nagle = how & 1;
    opts.cookies = (how >> 1) % (SL_TCP_COOKIES_OFF + 1);
    opts.ecn = (how >> 3) % (SL_TCP_ECN_ASK + 1);

    if (listener && u8(in) & 1) {
        sl_tcp_unlisten(listener);
        listener = NULL;
    } else if (listener) {
        sl_tcp_listener_update(listener, &opts, 1 + (u8(in) & 7), &ready, NULL);
    } else {
        must(!sl_tcp_listen(tcp, &at, &opts, 4, &ready, NULL, &listener), "listen");
    }
    settle();
}

/* Segments are the most frequent. */
static void (*const ops[])(struct input *) = {op_segment, op_segment, op_segment, op_segment, op_open,    op_dial,
                                              op_send,    op_recv,    op_time,    op_time,    op_segment, op_shutdown,
                                              op_abort,   op_release, op_icmp,    op_listen};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    th_eal_init();
    frames_pool = th_pool("frames", 8191, 2048);
    hdr_pool = th_pool("headers", 2047, SL_NET_HEADROOM + 60);
    ref_pool = th_pool("references", 4095, 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};

    make_world(u8(&in) & 1);
    for (uint32_t step = 0; step < STEPS_MAX && in.p < in.end; step++)
        ops[u8(&in) % SL_ARRAY_LEN(ops)](&in);
    settle();
    sl_tcp_destroy(tcp);
    drain();
    sl_net_destroy(net);
    must(th_pools_full(), "packet buffers are missing");
    return 0;
}
