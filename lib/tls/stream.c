/* The stream above: plaintext of an established connection. Records are opened when the user pulls, so a user that does
 * not pull closes the peer's window. */
#include <errno.h>
#include <stdlib.h>

#include "tls/conn.h"

static struct sl_tls_conn *conn_of(struct sl_stream *s) { return sl_container_of(s, struct sl_tls_conn, up); }

static struct sl_record_ctx record_of(struct sl_tls_conn *c)
{
    return (struct sl_record_ctx){
        .shared = &c->tls->records, .r = &c->record, .lower = c->wire.lower, .now = c->tls->now};
}

/* Cut short: the user is told, and the last bytes (an alert) go out before FIN. */
static void end(struct sl_tls_conn *c, const struct sl_tls_failure *f)
{
    struct sl_stream *lower = c->wire.lower;

    sl_tls_conn_log(c, SL_EVENT_TLS_STREAM_FAILED, f);
    lower->ops->shutdown(lower);
    c->phase = SL_TLS_ENDED;
    c->up.reason = sl_tls_fail_info[f->why].reason;
    c->up.state &= (uint8_t) ~(SL_STREAM_READABLE | SL_STREAM_WRITABLE);
    sl_stream_raise(&c->up, SL_STREAM_CLOSED);
}

static void closed_if_both(struct sl_tls_conn *c)
{
    if (c->eof && c->shut_done && !(c->up.state & SL_STREAM_CLOSED))
        sl_stream_raise(&c->up, SL_STREAM_CLOSED);
}

static void end_of_input(struct sl_tls_conn *c, enum sl_record_status status)
{
    if (status == SL_RECORD_TRUNCATED)
        sl_stat_inc(c->tls->params.stats,
                    SL_CTR_TLS_TRUNCATED); /* many clients end so; what it means is for the protocol above to say */
    c->eof = true;
    sl_stream_raise(&c->up, SL_STREAM_EOF);
    closed_if_both(c);
}

static bool may_read(struct sl_tls_conn *c)
{
    struct sl_record_ctx x = record_of(c);

    return !c->eof && sl_record_ready(&x);
}

static uint32_t recv_plaintext(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    struct sl_tls_conn *c = conn_of(s);
    struct sl_record_ctx x = record_of(c);
    enum sl_record_status status;
    uint32_t n;

    if (c->phase != SL_TLS_OPEN || c->eof)
        return 0;
    n = sl_record_open(&x, out, max, max_bytes, &status);
    if (status == SL_RECORD_OK && sl_record_ready(&x))
        return n; /* the user's room is full: more waits */
    s->state &= (uint8_t)~SL_STREAM_READABLE;
    if (status == SL_RECORD_STARVED) {
        s->state |= SL_STREAM_READABLE;
        sl_tls_starve(c);
    } else if (status == SL_RECORD_FAILED) {
        end(c, &x.failure);
    } else if (status == SL_RECORD_CLOSE_NOTIFY || status == SL_RECORD_TRUNCATED) {
        end_of_input(c, status);
    }
    return n;
}

/* A record of a few bytes costs the cipher and the wire as much as a hundred: less than this is no credit. The stream below says
 * WRITABLE when it has grown by a good part of its limit, which is far larger. */
#define CREDIT_MIN_BYTES 512

static uint32_t credit(struct sl_stream *s)
{
    struct sl_tls_conn *c = conn_of(s);
    struct sl_record_ctx x = record_of(c);
    uint32_t below, overhead;

    if (c->phase != SL_TLS_OPEN || c->shut || c->n_held)
        return 0;
    below = c->wire.lower->ops->credit(c->wire.lower);
    overhead = sl_record_overhead(&x, below);
    if (below < overhead + CREDIT_MIN_BYTES) {
        s->state &= (uint8_t)~SL_STREAM_WRITABLE;
        return 0;
    }
    return below - overhead;
}

/* Takes over slices that could not be sealed for want of buffers; they go before anything that comes later. */
static bool hold(struct sl_tls_conn *c, const struct sl_slice *slices, uint32_t n)
{
    struct sl_slice *held = realloc(c->held, (c->n_held + n) * sizeof *held);

    if (!held)
        return false;
    memcpy(held + c->n_held, slices, n * sizeof *held);
    c->held = held;
    c->n_held += n;
    return true;
}

static void free_slices(struct sl_slice *slices, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sl_slice_free(&slices[i]);
}

static int send_plaintext(struct sl_stream *s, struct sl_slice *slices, uint32_t n)
{
    struct sl_tls_conn *c = conn_of(s);
    struct sl_record_ctx x = record_of(c);
    enum sl_record_status status = SL_RECORD_STARVED;
    uint32_t done = 0;

    if (c->phase != SL_TLS_OPEN || c->shut) {
        free_slices(slices, n);
        return -EPIPE;
    }
    x.failure.why = SL_TLS_FAIL_INTERNAL;
    if (!c->n_held)
        done = sl_record_seal(&x, slices, n, &status);
    if (status == SL_RECORD_STARVED && hold(c, slices + done, n - done)) {
        s->state &= (uint8_t)~SL_STREAM_WRITABLE;
        sl_tls_starve(c);
    } else if (status != SL_RECORD_OK) {
        free_slices(slices + done, n - done);
        end(c, &x.failure);
    }
    return 0;
}

/* close_notify and FIN, once everything before them is sealed. */
static void finish_shutdown(struct sl_tls_conn *c)
{
    struct sl_record_ctx x = record_of(c);

    if (!sl_record_close_notify(&x)) {
        sl_tls_starve(c);
        return;
    }
    c->wire.lower->ops->shutdown(c->wire.lower);
    c->shut_done = true;
    closed_if_both(c);
}

static void shutdown_stream(struct sl_stream *s)
{
    struct sl_tls_conn *c = conn_of(s);

    if ((c->phase != SL_TLS_OPEN && c->phase != SL_TLS_HANDSHAKE) || c->shut)
        return;
    c->shut = true;
    if (c->phase == SL_TLS_OPEN && !c->n_held)
        finish_shutdown(c);
}

static void abort_stream(struct sl_stream *s, enum sl_reason reason)
{
    struct sl_tls_conn *c = conn_of(s);

    if (c->phase != SL_TLS_OPEN && c->phase != SL_TLS_HANDSHAKE)
        return;
    c->wire.lower->ops->abort(c->wire.lower, reason); /* RST discards what is queued: an alert would not arrive */
    if (c->phase == SL_TLS_HANDSHAKE) {
        sl_tls_stream_refuse(c, reason);
        return;
    }
    c->phase = SL_TLS_ENDED;
    s->reason = (uint8_t)reason;
    s->state &= (uint8_t) ~(SL_STREAM_READABLE | SL_STREAM_WRITABLE);
    sl_stream_raise(s, SL_STREAM_CLOSED);
}

static void release_stream(struct sl_stream *s)
{
    struct sl_tls_conn *c = conn_of(s);
    struct sl_stream *lower = c->wire.lower;

    if (c->phase == SL_TLS_ENDED && !(lower->state & SL_STREAM_CLOSED)) {
        sl_tls_conn_linger(c);
        return;
    }
    if (c->phase != SL_TLS_ENDED && !c->shut_done)
        lower->ops->abort(lower, SL_REASON_ABORTED);
    sl_tls_conn_free(c);
}

static void facts(struct sl_stream *s, struct sl_facts *out)
{
    struct sl_tls_conn *c = conn_of(s);

    c->wire.lower->ops->facts(c->wire.lower, out);
    out->sni = c->sni;
    out->alpn = c->alpn;
    out->version = !c->keyed ? "" : c->record.v13 ? "TLSv1.3" : "TLSv1.2";
    out->suite = c->suite;
    out->resumed = c->resumed;
    out->identity = c->identity ? c->identity : "";
}

const struct sl_stream_ops sl_tls_stream_ops = {
    .recv = recv_plaintext,
    .credit = credit,
    .send = send_plaintext,
    .shutdown = shutdown_stream,
    .abort = abort_stream,
    .release = release_stream,
    .facts = facts,
};

/* From now on it is a stream that the user has, and not a handshake. */
static void enter(struct sl_tls_conn *c, enum sl_tls_phase phase)
{
    c->phase = (uint8_t)phase;
    c->tls->n_streams++;
    sl_stat_inc(c->tls->params.stats, SL_CTR_TLS_STREAMS);
}

void sl_tls_stream_open(struct sl_tls_conn *c)
{
    enter(c, SL_TLS_OPEN);
    sl_stream_raise(&c->up, SL_STREAM_OPEN | (may_read(c) ? SL_STREAM_READABLE : 0) |
                                (credit(&c->up) ? SL_STREAM_WRITABLE : 0));
    if (c->shut) /* by a user who could not wait */
        finish_shutdown(c);
}

void sl_tls_stream_refuse(struct sl_tls_conn *c, enum sl_reason reason)
{
    sl_tls_handshake_leave(c);
    if (c->engine)
        c->terms->engine->destroy(c->engine);
    c->engine = NULL;
    enter(c, SL_TLS_ENDED);
    c->up.reason = (uint8_t)reason;
    sl_stream_raise(&c->up, SL_STREAM_CLOSED);
}

void sl_tls_stream_events(struct sl_tls_conn *c, uint8_t events)
{
    struct sl_stream *lower = c->wire.lower;
    struct sl_record_ctx x = record_of(c);

    if ((events & SL_STREAM_CLOSED) && lower->reason != SL_REASON_NONE) {
        c->phase = SL_TLS_ENDED;
        c->up.reason = lower->reason;
        c->up.state &= (uint8_t) ~(SL_STREAM_READABLE | SL_STREAM_WRITABLE);
        sl_stream_raise(&c->up, SL_STREAM_CLOSED);
        return;
    }
    if ((events & (SL_STREAM_READABLE | SL_STREAM_EOF | SL_STREAM_CLOSED)) && may_read(c))
        sl_stream_raise(&c->up, SL_STREAM_READABLE);
    if (!(events & SL_STREAM_WRITABLE))
        return;
    sl_record_settle(&x);
    if (credit(&c->up))
        sl_stream_raise(&c->up, SL_STREAM_WRITABLE);
}

void sl_tls_stream_retry(struct sl_tls_conn *c)
{
    if (c->n_held) {
        struct sl_record_ctx x = record_of(c);
        enum sl_record_status status;
        uint32_t done = sl_record_seal(&x, c->held, c->n_held, &status);

        c->n_held -= done;
        memmove(c->held, c->held + done, c->n_held * sizeof *c->held);
        if (status == SL_RECORD_FAILED) {
            end(c, &x.failure);
            return;
        }
        if (c->n_held)
            sl_tls_starve(c);
        else if (c->shut)
            finish_shutdown(c);
        else if (credit(&c->up))
            sl_stream_raise(&c->up, SL_STREAM_WRITABLE);
    } else if (c->shut && !c->shut_done) {
        finish_shutdown(c);
    }
    if (may_read(c))
        sl_stream_raise(&c->up, SL_STREAM_READABLE);
}
