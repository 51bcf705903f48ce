/* Bytes of a server against sluice-load's own client. The server is honest up to a point of its flight, and then says what the input holds, in records that it seals as the client
 * expects, or in clear, or as bare bytes. So all that the client parses is in reach, behind keys too. The system's random is replaced by a constant.
 *
 * Input: a byte of flags (where honesty ends, whether a ticket is waited for, how the stream is cut, FIN), then parts {how, length, bytes}. */
#include <sys/random.h>

#include "engine.h"
#include "engine_peer.h"
#include "helpers/helpers.h"
#include "tls/policy.h"

enum { STAGES = 7, RESUME = 8, FIN = 16 };             /* flags; the three highest bits choose the pieces */
enum { TYPES = 7, NOTED = 8, CLEAR = 64, BARE = 128 }; /* how */

static struct rte_mempool *pool, *feed;
static struct sl_engine_shared shared;
static struct sl_tls_settings settings;
static struct sl_wire_shared wires;
static struct peer fresh; /* the server before it has heard anything: its key costs more than all the rest */

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    (void)flags;
    memset(buf, 0x42, len);
    return (ssize_t)len;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct sl_err err = {{0}};

    (void)argc;
    (void)argv;
    th_tls_setup(NULL);
    pool = th_pool("client", 64, 2048);
    feed = th_pool("feed", 256, 0);
    shared.ops = sl_op_queue_create();
    sl_tls_settings_resolve(&settings, NULL);
    peer_must(sl_wire_shared_init(&wires, pool, &err) == 0, err.text);
    peer_init(&fresh, NULL);
    return 0;
}

/* One for each input, so that none finds another's ticket. */
static struct sl_engine_policy *policy_of(uint8_t flags)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    struct load_engine_conf conf = {.share_uses = 1, .resume = flags & RESUME};
    struct sl_engine_policy_conf p = {
        .shared = &shared, .role = SL_ENGINE_CLIENT, .settings = &settings, .alpn = alpn, .extra = &conf};
    struct sl_err err = {{0}};
    struct sl_engine_policy *policy = load_engine.policy_create(&p, &err);

    peer_must(policy != NULL, err.text);
    return policy;
}

static enum sl_engine_step step(struct sl_engine *e, struct sl_wire *wire)
{
    struct sl_engine_report report;
    enum sl_engine_step step;

    while ((step = load_engine.step(e, &report)) == SL_ENGINE_WANT_OPERATION) {
        sl_op_submit(shared.ops, report.op);
        sl_op_flush(shared.ops, 1);
        peer_must(sl_op_take(shared.ops) == report.op, "an operation is lost");
    }
    sl_wire_flush(wire);
    peer_must(step != SL_ENGINE_WANT_ROOM, "there was room");
    peer_must(step != SL_ENGINE_FAILED || report.failure.why, "it failed without a reason");
    return step;
}

/* Honest as far as that. */
static void flight(struct peer *p, uint32_t stage)
{
    static const char extensions[] = "\0\x0d\0\0\0\0\0\x10\0\x05\0\x03\x02h2";

    if (stage < 1)
        return;
    peer_hello(p, PEER_HELLO);
    peer_keys(p);
    if (stage >= 2)
        peer_say(p, TH_ENCRYPTED_EXTENSIONS, extensions, sizeof extensions - 1);
    if (stage >= 3)
        peer_say(p, TH_CERTIFICATE_REQUEST, "\x01x\0\0", 4);
    if (stage >= 4)
        peer_certificates(p);
    if (stage >= 5)
        peer_finished(p, 0);
}

static void lie(struct peer *p, struct sl_cursor *in)
{
    static const uint8_t types[] = {22, 22, 22, 22, 21, 20, 23, 0};
    uint8_t how = sl_cursor_u8(in), want = sl_cursor_u8(in);
    size_t len = SL_MIN((size_t)want, sl_cursor_left(in));
    const uint8_t *bytes = sl_cursor_take(in, len);

    if (how & NOTED)
        peer_note(p, bytes, len);
    if (how & BARE)
        th_pipe_feed(p->c.pipe, bytes, len);
    else if (how & CLEAR)
        th_raw_plain(&p->c, types[how & TYPES], bytes, len);
    else
        th_raw_record(&p->c, types[how & TYPES], bytes, len);
}

/* What the server has said comes in pieces. */
static enum sl_engine_step deliver(struct sl_engine *e, struct sl_wire *wire, struct th_pipe *from, struct th_pipe *to,
                                   size_t piece)
{
    enum sl_engine_step last = SL_ENGINE_WANT_BYTES;

    while (from->in.taken < from->in.len && last == SL_ENGINE_WANT_BYTES) {
        size_t n = SL_MIN(piece, from->in.len - from->in.taken);

        th_pipe_feed(to, from->in.p + from->in.taken, n);
        from->in.taken += n;
        last = step(e, wire);
    }
    return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {100000, 1460, 100, 37, 7, 3, 2, 1};
    struct sl_cursor in = sl_cursor_of(data, size);
    uint8_t flags = sl_cursor_u8(&in);
    struct th_pipe *pipe = th_pipe_new(feed), *said = th_pipe_new(feed);
    struct sl_engine_start start = {.name = "www.example.com"};
    struct sl_engine_policy *policy = policy_of(flags);
    enum sl_engine_step last;
    struct sl_engine *e;
    struct sl_wire wire;
    struct peer peer;

    sl_wire_init(&wire, &wires, &pipe->stream);
    start.wire = &wire;
    e = load_engine.create(policy, &start);
    peer_must(e && step(e, &wire) == SL_ENGINE_WANT_BYTES, "no hello");
    peer = fresh;
    peer.c.pipe = pipe;
    peer_listen(&peer);
    peer.c.pipe = said;
    flight(&peer, flags & STAGES);
    while (sl_cursor_left(&in))
        lie(&peer, &in);
    last = deliver(e, &wire, said, pipe, pieces[flags >> 5]);
    if (last == SL_ENGINE_WANT_BYTES && (flags & FIN)) {
        th_pipe_fin(pipe);
        last = step(e, &wire);
        peer_must(last == SL_ENGINE_FAILED, "it waits for somebody who has gone");
    }
    peer_must(last != SL_ENGINE_DONE || (flags & STAGES) >= 5, "it believes a server that has not proved its keys");
    peer_must(wire.in_bytes <= 65536, "it reads without end");
    load_engine.destroy(e);
    load_engine.policy_destroy(policy);
    free(peer.c.log.p);
    free(peer.c.in.p);
    pipe->stream.ops->release(&pipe->stream);
    said->stream.ops->release(&said->stream);
    th_pipe_free(pipe);
    th_pipe_free(said);
    peer_must(rte_mempool_full(feed), "slices are missing");
    return 0;
}
