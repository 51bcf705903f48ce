/* The life of a connection in its slot. */
#include "client_internal.h"
#include "secure.h"

#include <errno.h>

/* ---- states ---- */

static bool is_opening(const struct conn *k) { return k->state == CONN_OPENING || k->state == CONN_SHAKING; }

static void add_held(struct flow *f, int n)
{
    __atomic_store_n(&f->hold.held, f->hold.held + (uint32_t)n, __ATOMIC_RELAXED);
}

/* Leaves the lists and timers of the old state and enters those of the new. */
void conn_set_state(struct conn *k, enum conn_state state)
{
    struct flow *f = k->flow;

    f->opening -= is_opening(k);
    if (k->state == CONN_HELD)
        add_held(f, -1);
    sl_list_remove(&k->link);
    sl_fifo_stop(&k->timer);
    k->state = (uint8_t)state;
    f->opening += is_opening(k);
    if (state == CONN_HELD)
        add_held(f, 1);
    if (state == CONN_EMPTY)
        sl_list_push_back(&f->empty, &k->link);
    if (state == CONN_IDLE)
        sl_list_push_back(&f->idle, &k->link);
}

static void start_timer(struct conn *k, struct sl_fifo *timers, uint64_t now) { sl_fifo_start(timers, &k->timer, now); }

/* ---- the end ---- */

void conn_greeted(struct conn *k)
{
    struct client *c = k->flow->client;

    c->greeting -= k->greets;
    c->greeted += k->greets;
    k->greets = false;
}

/* The stream is let go: closed in order, or reset. */
static void let_go(struct conn *k, bool in_order)
{
    struct sl_stream *s = k->stream;

    if (!s)
        return;
    if (!(s->state & SL_STREAM_CLOSED)) {
        if (in_order)
            s->ops->shutdown(s);
        else
            s->ops->abort(s, SL_REASON_ABORTED);
    }
    s->ops->release(s);
    k->stream = NULL;
    k->flow->tally->open -= k->counted;
    k->counted = false;
}

void conn_drop(struct conn *k)
{
    let_go(k, false);
    conn_set_state(k, CONN_EMPTY);
}

static void finish(struct conn *k)
{
    let_go(k, true);
    conn_set_state(k, CONN_EMPTY);
}

/* A target that takes no connections, or ends those that are to be kept before their first answer, is not to be asked again at once. */
static bool wants_pause(const struct conn *k, enum load_failure why)
{
    if (is_opening(k) || (k->flow->kept && !k->requests))
        return true;
    return why == LOAD_FAIL_CONNECT || why == LOAD_FAIL_PORTS || why == LOAD_FAIL_TLS;
}

void conn_fail(struct conn *k, enum load_failure why, uint64_t now)
{
    struct client *c = k->flow->client;
    bool pause = wants_pause(k, why);

    k->flow->tally->failed[why]++;
    conn_greeted(k);
    if (flow_is_hold(k->flow) && k->state == CONN_BUSY && k->requests)
        k->flow->hold.asking--;
    let_go(k, false);
    if (!pause) {
        conn_set_state(k, CONN_EMPTY);
        return;
    }
    conn_set_state(k, CONN_PAUSED);
    start_timer(k, &c->pause_timers, now);
}

void conn_close(struct conn *k, uint64_t now)
{
    if (k->stream->state & (SL_STREAM_EOF | SL_STREAM_CLOSED)) {
        finish(k);
        return;
    }
    conn_set_state(k, CONN_CLOSING);
    start_timer(k, &k->flow->client->end_timers, now);
}

/* ---- the beginning ---- */

bool conn_open(struct conn *k, uint64_t due_ns, uint64_t now)
{
    struct client *c = k->flow->client;
    struct tuples *target = &c->targets[c->target];
    struct sl_endpoint local;
    int why = 0;

    c->target = c->target + 1 == c->n_targets ? 0 : c->target + 1;
    k->due_ns = due_ns;
    k->began_ns = now;
    k->requests = 0;
    if (client_greets(c)) {
        k->greets = true;
        c->greeting++;
    }
    if (!tuples_take(target, &local)) {
        conn_fail(k, LOAD_FAIL_PORTS, now);
        return false;
    }
    k->stream = sl_tcp_connect(c->p.from.tcp, &local, &target->target, &c->p.opts, &c->ready, k, now, &why);
    if (!k->stream) {
        conn_fail(k, LOAD_FAIL_CONNECT, now);
        return false;
    }
    conn_set_state(k, CONN_OPENING);
    start_timer(k, &c->operation_timers, now);
    return true;
}

static void begin_tls(struct conn *k, uint64_t now)
{
    struct client *c = k->flow->client;

    k->full = secure_next_is_full(c->p.secure, k->flow->number);
    k->stream = secure_connect(c->p.secure, k->flow->number, k->full, k->stream, &c->ready, k, now);
    if (!k->stream) {
        conn_fail(k, LOAD_FAIL_TLS, now);
        return;
    }
    conn_set_state(k, CONN_SHAKING);
    start_timer(k, &c->operation_timers, now);
}

/* Whether a flow that resumes could have been resumed here: somebody had brought a ticket home when this one began, and it is the client that keeps them. */
static bool should_be_resumed(const struct conn *k)
{
    return load_modes[k->flow->plan->mode].resumed && k->flow->first_done && !k->full;
}

/* False: it failed. */
static bool count_handshake(struct conn *k, uint64_t now)
{
    struct flow *f = k->flow;
    bool resumed = k->state == CONN_SHAKING && secure_was_resumed(k->stream);

    if (k->state == CONN_SHAKING && !resumed && should_be_resumed(k) && k->began_ns > f->first_done_ns) {
        conn_fail(k, LOAD_FAIL_NOT_RESUMED, now);
        return false;
    }
    if (!f->first_done && !k->full) {
        f->first_done = true;
        f->first_done_ns = now;
    }
    f->tally->handshakes++;
    f->tally->resumed += resumed;
    f->tally->checked += k->full && f->client->plan->ca_path;
    histogram_add(&f->tally->handshake, now - k->began_ns);
    return true;
}

static void opened(struct conn *k, uint64_t now)
{
    struct flow *f = k->flow;

    if (!count_handshake(k, now))
        return;
    f->tally->open++;
    k->counted = true;
    if (f->kept && !f->closed && !k->greets)
        conn_set_state(k, CONN_IDLE);
    else
        operation_begin(k, f->kept ? now : k->due_ns, now);
}

/* ---- events ---- */

static enum load_failure failure_of(const struct conn *k, uint8_t reason)
{
    static const uint8_t kinds[SL_REASON_COUNT] = {
        [SL_REASON_REFUSED] = LOAD_FAIL_CONNECT,   [SL_REASON_RESET] = LOAD_FAIL_RESET,
        [SL_REASON_TIMEOUT] = LOAD_FAIL_TIMEOUT,   [SL_REASON_UNREACHABLE] = LOAD_FAIL_CONNECT,
        [SL_REASON_PROTOCOL] = LOAD_FAIL_TLS,      [SL_REASON_TRUNCATED] = LOAD_FAIL_TLS,
        [SL_REASON_NO_RESOURCE] = LOAD_FAIL_RESET, [SL_REASON_ABORTED] = LOAD_FAIL_RESET,
        [SL_REASON_NONE] = LOAD_FAIL_EOF,
    };

    if (k->state == CONN_OPENING)
        return LOAD_FAIL_CONNECT;
    if (k->state == CONN_SHAKING && reason != SL_REASON_TIMEOUT)
        return LOAD_FAIL_TLS;
    return (enum load_failure)kinds[reason];
}

/* It is over, or the server sends no more. */
static void ended(struct conn *k, uint64_t now)
{
    struct sl_stream *s = k->stream;
    bool cut = s->state & SL_STREAM_CLOSED && s->reason != SL_REASON_NONE;

    if (k->state == CONN_CLOSING || (k->state == CONN_IDLE && k->requests))
        finish(k); /* the last answer is there; or a server that keeps nobody for ever */
    else
        conn_fail(k, failure_of(k, cut ? s->reason : SL_REASON_NONE), now);
}

void conn_event(struct conn *k, uint8_t events, uint64_t now)
{
    struct sl_stream *s = k->stream;

    if (events & SL_STREAM_OPEN && k->state == CONN_OPENING && k->flow->client->p.secure) {
        begin_tls(k, now);
        return; /* what else holds of the stream is TLS's now */
    }
    if (events & SL_STREAM_OPEN && is_opening(k))
        opened(k, now);
    if (events & SL_STREAM_WRITABLE && k->stream == s && k->state == CONN_BUSY)
        operation_send(k, now);
    if (events & SL_STREAM_READABLE && k->stream == s)
        operation_read(k, now);
    if (k->stream == s && s->state & (SL_STREAM_EOF | SL_STREAM_CLOSED))
        ended(k, now);
}

void conn_timeout(struct conn *k, uint64_t now)
{
    if (k->state == CONN_PAUSED)
        conn_set_state(k, CONN_EMPTY);
    else if (k->state == CONN_CLOSING)
        finish(k);
    else
        conn_fail(k, k->state == CONN_OPENING ? LOAD_FAIL_CONNECT : LOAD_FAIL_TIMEOUT, now);
}
