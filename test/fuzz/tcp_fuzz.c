/* One endpoint, a listener and up to eight connections in whatever state the input brings them to, under virtual time.
 * The input is a program (tcp_fuzz.h): users act, time passes, buffers run out, and a peer that sees the endpoint's own
 * numbers sends segments near them: mostly right, often not. After every step the endpoint's invariants are checked
 * (lib/tcp/check.c), every byte that leaves or is read must be the one of its number, and at the end every packet buffer
 * must be home. */
#include "tcp_world.h"

#define PEER_PORT 40000u
#define ORIGIN_PORT 40100u
#define OUR_PORT 50000u
#define STEPS_MAX 400u
#define SLICE_MAX 9000u
#define SLICES_MAX 64u

static struct slot *read_slot(struct sl_cursor *c) { return &w.slots[sl_cursor_u8(c) % FUZZ_SLOTS]; }

/* ---- the peer ---- */

static void op_segment(struct sl_cursor *c)
{
    struct fuzz_segment s;

    fuzz_read_segment(c, &s);
    peer_sends(&s);
}

/* An honest peer opens: three segments. */
static void op_open(struct sl_cursor *c)
{
    uint8_t slot = sl_cursor_u8(c) % FUZZ_SLOTS, opts = sl_cursor_u8(c);
    struct fuzz_segment syn = {.how = slot,
                               .has = HAS_OPTS,
                               .flags = TF_SYN | (opts & OPT_ECN ? TF_ECE | TF_CWR : 0),
                               .opts = opts,
                               .mss = opts & 0x80 ? 100 : 1460,
                               .wscale = 7,
                               .tsval = {.at = AT_CLOCK},
                               .tsecr = {.at = AT_ZERO},
                               .wnd = UINT16_MAX},
                        ack = {.how = slot, .flags = TF_ACK, .wnd = UINT16_MAX};

    peer_sends(&syn);
    peer_sends(&ack);
}

static void op_icmp(struct sl_cursor *c)
{
    struct fuzz_icmp e;

    fuzz_read_icmp(c, &e);
    peer_errs(&e);
}

/* ---- users ---- */

static void op_dial(struct sl_cursor *c)
{
    struct slot *slot = read_slot(c);
    struct sl_tcp_opts opts = world_settings(c);
    struct sl_endpoint local = {w.ours, (uint16_t)(OUR_PORT + (slot - w.slots))}, remote = {w.theirs, ORIGIN_PORT};
    struct sl_stream *s;
    int why = 0;

    if (slot->stream)
        return;
    s = sl_tcp_connect(w.tcp, &local, &remote, &opts, &w.ready, NULL, w.now, &why);
    WORLD_MUST(s != NULL || why < 0);
    if (s)
        *slot = (struct slot){.stream = s, .lport = local.port, .rport = remote.port, .iss = slot->iss + 5000};
    world_settle();
}

static struct sl_slice make_slice(uint32_t seq, uint32_t len)
{
    uint8_t bytes[SLICE_MAX];

    world_fill(bytes, seq, len, user_byte);
    return (struct sl_slice){th_mbuf_exact(w.frames_pool, bytes, len, 0), 0, (uint16_t)len};
}

static void send_bytes(const struct slot *slot, uint32_t bytes, uint32_t slice)
{
    struct sl_slice slices[SLICES_MAX];
    uint32_t n = 0, credit;

    if (!slot->stream)
        return;
    credit = slot->stream->ops->credit(slot->stream);
    bytes = SL_MIN(bytes, credit);
    slice = SL_MAX(SL_MIN(slice, SLICE_MAX), 1u);
    for (uint32_t seq = conn_of_stream(slot->stream)->snd_end; n < SLICES_MAX && bytes; n++) {
        uint32_t len = SL_MIN(slice, bytes);

        slices[n] = make_slice(seq, len);
        seq += len;
        bytes -= len;
    }
    slot->stream->ops->send(slot->stream, slices, n);
}

static void op_send(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);
    uint32_t bytes = sl_cursor_u16(c);

    send_bytes(slot, bytes, sl_cursor_u16(c));
    world_settle();
}

/* Number of the first byte that waits. */
static uint32_t first_waiting(const struct conn *c) { return c->rcv_nxt - !!(c->flags & F_EOF) - c->rcvq.bytes; }

static void recv_bytes(const struct slot *slot, uint32_t max)
{
    struct sl_slice out[SLICES_MAX];
    uint32_t n, seq;

    if (!slot->stream)
        return;
    seq = first_waiting(conn_of_stream(slot->stream));
    n = slot->stream->ops->recv(slot->stream, out, SLICES_MAX, max);
    for (uint32_t i = 0; i < n; i++) {
        WORLD_MUST(out[i].len > 0);
        WORLD_MUST(world_is_filled(sl_slice_data(&out[i]), seq, out[i].len, peer_byte));
        seq += out[i].len;
        sl_slice_free(&out[i]);
    }
}

static void op_recv(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);

    recv_bytes(slot, sl_cursor_u16(c));
    world_settle();
}

static void op_peek(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);
    uint8_t bytes[64];
    uint32_t n, seq, waiting;

    if (!slot->stream)
        return;
    seq = first_waiting(conn_of_stream(slot->stream));
    n = slot->stream->ops->peek(slot->stream, bytes, sizeof bytes, &waiting);
    WORLD_MUST(n == SL_MIN(waiting, (uint32_t)sizeof bytes));
    WORLD_MUST(world_is_filled(bytes, seq, n, peer_byte));
    world_settle();
}

static void op_shutdown(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);

    if (slot->stream)
        slot->stream->ops->shutdown(slot->stream);
    world_settle();
}

static void op_abort(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);

    if (slot->stream)
        slot->stream->ops->abort(slot->stream, SL_REASON_ABORTED);
    world_settle();
}

static void op_release(struct sl_cursor *c)
{
    struct slot *slot = read_slot(c);

    if (slot->stream)
        slot->stream->ops->release(slot->stream);
    slot->stream = NULL;
    world_settle();
}

static void op_update(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);
    struct sl_tcp_opts opts = world_settings(c);

    if (slot->stream)
        WORLD_MUST(!sl_tcp_stream_update(slot->stream, &opts));
    world_settle();
}

static void op_listen(struct sl_cursor *c)
{
    struct sl_tcp_opts opts = world_settings(c);

    world_listen(&opts, sl_cursor_u8(c) & 7);
    world_settle();
}

/* ---- the world ---- */

/* Up to 39 hours. */
static void op_time(struct sl_cursor *c)
{
    uint64_t amount = 1u + sl_cursor_u8(c);
    uint8_t shift = sl_cursor_u8(c);

    world_pass(w.now + (amount << ((shift & 0x7f) % 24)) * 65536, shift & FUZZ_JUMP);
}

static void op_pools(struct sl_cursor *c)
{
    uint32_t pool = sl_cursor_u8(c) & 1, left = sl_cursor_u8(c);

    world_starve(pool, left == 255 ? UINT32_MAX : left);
    world_settle();
}

static void op_link(struct sl_cursor *c)
{
    w.link = sl_cursor_u8(c) & (FUZZ_STALLED | FUZZ_SILENT);
    world_settle();
}

/* A conversation without mishaps: congestion window, credit and receive window find their size. */
static void op_talk(struct sl_cursor *c)
{
    const struct slot *slot = read_slot(c);
    struct fuzz_segment ack = {.how = (uint8_t)(slot - w.slots), .flags = TF_ACK, .wnd = UINT16_MAX};
    uint32_t rounds = sl_cursor_u8(c) & 31, bytes = sl_cursor_u16(c);
    uint64_t rtt_ns = (SL_NS_PER_MS / 4) << (sl_cursor_u8(c) & 15);

    for (; rounds; rounds--) {
        send_bytes(slot, bytes, 1460);
        world_settle();
        world_pass(w.now + rtt_ns, false);
        ack.len = (uint16_t)SL_MIN(bytes / 4, 1460u);
        peer_sends(&ack);
        recv_bytes(slot, UINT16_MAX);
        world_settle();
    }
}

static void look_at(void *ctx, const struct sl_tcp_info *info)
{
    (void)ctx;
    WORLD_MUST(info->state && info->local.port && info->remote.port);
    WORLD_MUST(info->sacked_bytes + info->lost_bytes <= info->flight_bytes);
}

static void op_look(struct sl_cursor *c)
{
    uint32_t position = 0;

    (void)c;
    while (sl_tcp_each(w.tcp, &position, 3, look_at, NULL))
        ;
    for (uint32_t i = 0; i < FUZZ_SLOTS; i++) {
        struct sl_tcp_info info;

        if (w.slots[i].stream)
            sl_tcp_stream_info(w.slots[i].stream, &info);
    }
}

static void (*const ops[OPS])(struct sl_cursor *) = {
    [OP_SEGMENT] = op_segment, [OP_OPEN] = op_open,   [OP_DIAL] = op_dial,         [OP_SEND] = op_send,
    [OP_RECV] = op_recv,       [OP_PEEK] = op_peek,   [OP_SHUTDOWN] = op_shutdown, [OP_ABORT] = op_abort,
    [OP_RELEASE] = op_release, [OP_TIME] = op_time,   [OP_ICMP] = op_icmp,         [OP_LISTEN] = op_listen,
    [OP_UPDATE] = op_update,   [OP_POOLS] = op_pools, [OP_LINK] = op_link,         [OP_TALK] = op_talk,
    [OP_LOOK] = op_look,
};

/* Tuples of slots that nobody has dialled are those of the listener's clients. */
static void number_slots(void)
{
    for (uint32_t i = 0; i < FUZZ_SLOTS; i++)
        w.slots[i] = (struct slot){.lport = 80, .rport = (uint16_t)(PEER_PORT + i), .iss = 5000};
}

int tcp_fuzz_one(const uint8_t *data, size_t size)
{
    struct sl_cursor c = sl_cursor_of(data, size);
    uint8_t first = sl_cursor_u8(&c), second = sl_cursor_u8(&c);

    world_open(first, second);
    number_slots();
    for (uint32_t step = 0; step < STEPS_MAX && sl_cursor_left(&c); step++) {
        uint8_t op = sl_cursor_u8(&c) % FUZZ_OPS_MODULO;

        (op < OPS ? ops[op] : op_segment)(&c);
    }
    world_close();
    return 0;
}
