/* The stream above: plaintext of an established connection. Records are opened when the user pulls, so a user that does
 * not pull closes the peer's window. */
#include <errno.h>
#include <stdlib.h>

#include "tls/conn.h"

static struct sl_tls_conn *conn_of(struct sl_stream *s) { return sl_container_of(s, struct sl_tls_conn, up); }

/* Cut short: the user is told, and the last bytes (an alert) go out before FIN. */
static void end(struct sl_tls_conn *c, const struct sl_tls_failure *f)
{
    struct sl_stream *lower = c->wire.lower;

    sl_tls_conn_log(c, SL_EVENT_TLS_STREAM_FAILED, f);
    sl_wire_flush(&c->wire);
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

static bool may_read(const struct sl_tls_conn *c)
{
    return !c->eof &&
           (c->record->ops->pending(c->record) || sl_wire_waiting(&c->wire) || (c->wire.lower->state & SL_STREAM_EOF));
}

static uint32_t recv_plaintext(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    struct sl_tls_conn *c = conn_of(s);
    enum sl_record_status status;
    struct sl_tls_failure failure;
    uint32_t n;

    if (c->phase != SL_TLS_OPEN || c->eof)
        return 0;
    n = c->record->ops->open(c->record, &c->wire, out, max, max_bytes, &status, &failure);
    sl_wire_flush(&c->wire); /* an alert, or the answer to something that was no data */
    if (status == SL_RECORD_OK)
        return n; /* the user's room is full: more may wait */
    s->state &= (uint8_t)~SL_STREAM_READABLE;
    if (status == SL_RECORD_STARVED) {
        s->state |= SL_STREAM_READABLE;
        sl_tls_starve(c);
    } else if (status == SL_RECORD_FAILED) {
        end(c, &failure);
    } else if (status != SL_RECORD_DRY) {
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
    uint32_t below, overhead;

    if (c->phase != SL_TLS_OPEN || c->shut || c->n_held)
        return 0;
    below = c->wire.lower->ops->credit(c->wire.lower);
    overhead = (below / SL_WIRE_RECORD_BYTES + 1) * SL_WIRE_OVERHEAD_BYTES;
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
    enum sl_record_status status = SL_RECORD_STARVED;
    struct sl_tls_failure failure = {.why = SL_TLS_FAIL_INTERNAL};
    uint32_t done = 0;

    if (c->phase != SL_TLS_OPEN || c->shut) {
        free_slices(slices, n);
        return -EPIPE;
    }
    if (!c->n_held)
        done = c->record->ops->seal(c->record, &c->wire, slices, n, &status, &failure);
    sl_wire_flush(&c->wire);
    if (status == SL_RECORD_STARVED && hold(c, slices + done, n - done)) {
        s->state &= (uint8_t)~SL_STREAM_WRITABLE;
        sl_tls_starve(c);
    } else if (status != SL_RECORD_OK) {
        free_slices(slices + done, n - done);
        end(c, &failure);
    }
    return 0;
}

/* close_notify and FIN, once everything before them is sealed. */
static void finish_shutdown(struct sl_tls_conn *c)
{
    if (!c->record->ops->close_notify(c->record, &c->wire)) {
        sl_tls_starve(c);
        return;
    }
    sl_wire_flush(&c->wire);
    c->wire.lower->ops->shutdown(c->wire.lower);
    c->shut_done = true;
    closed_if_both(c);
}

static void shutdown_stream(struct sl_stream *s)
{
    struct sl_tls_conn *c = conn_of(s);

    if (c->phase != SL_TLS_OPEN || c->shut)
        return;
    c->shut = true;
    if (!c->n_held)
        finish_shutdown(c);
}

static void abort_stream(struct sl_stream *s, enum sl_reason reason)
{
    struct sl_tls_conn *c = conn_of(s);

    if (c->phase != SL_TLS_OPEN)
        return;
    c->wire.lower->ops->abort(c->wire.lower, reason); /* RST discards what is queued: an alert would not arrive */
    c->phase = SL_TLS_ENDED;
    s->reason = (uint8_t)reason;
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
    out->version = c->version;
    out->suite = c->suite;
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

void sl_tls_stream_open(struct sl_tls_conn *c)
{
    c->phase = SL_TLS_OPEN;
    c->tls->n_streams++;
    sl_stat_inc(c->tls->params.stats, SL_CTR_TLS_STREAMS);
    sl_stream_raise(&c->up, SL_STREAM_OPEN | (may_read(c) ? SL_STREAM_READABLE : 0) |
                                (credit(&c->up) ? SL_STREAM_WRITABLE : 0));
}

void sl_tls_stream_events(struct sl_tls_conn *c, uint8_t events)
{
    struct sl_stream *lower = c->wire.lower;

    if ((events & SL_STREAM_CLOSED) && lower->reason != SL_REASON_NONE) {
        c->phase = SL_TLS_ENDED;
        c->up.reason = lower->reason;
        c->up.state &= (uint8_t) ~(SL_STREAM_READABLE | SL_STREAM_WRITABLE);
        sl_stream_raise(&c->up, SL_STREAM_CLOSED);
        return;
    }
    if ((events & (SL_STREAM_READABLE | SL_STREAM_EOF | SL_STREAM_CLOSED)) && may_read(c))
        sl_stream_raise(&c->up, SL_STREAM_READABLE);
    if ((events & SL_STREAM_WRITABLE) && credit(&c->up))
        sl_stream_raise(&c->up, SL_STREAM_WRITABLE);
}

void sl_tls_stream_retry(struct sl_tls_conn *c)
{
    if (c->n_held) {
        enum sl_record_status status;
        struct sl_tls_failure failure;
        uint32_t done = c->record->ops->seal(c->record, &c->wire, c->held, c->n_held, &status, &failure);

        sl_wire_flush(&c->wire);
        c->n_held -= done;
        memmove(c->held, c->held + done, c->n_held * sizeof *c->held);
        if (status == SL_RECORD_FAILED) {
            end(c, &failure);
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
