/* A request and its answer: what an operation is. */
#include "body.h"
#include "client_internal.h"

#define SLICES 32
#define TOUCH_NS SL_NS_PER_S /* how stale a timer of an operation that gets on may be */

static const struct load_flow *plan_of(const struct conn *k) { return k->flow->plan; }

/* The last request of a connection says so, and the server ends the connection. */
static bool is_last(const struct conn *k) { return plan_of(k)->requests && k->requests + 1 >= plan_of(k)->requests; }

/* The operation gets on. */
static void touch(struct conn *k, uint64_t now)
{
    if (!sl_timer_armed(&k->timer) || k->timer.at_ns < now + OPERATION_TIMEOUT_NS - TOUCH_NS)
        sl_fifo_start(&k->flow->client->operation_timers, &k->timer, now);
}

/* ---- sending ---- */

static void starve(struct conn *k)
{
    sl_list_remove(&k->link);
    sl_list_push_back(&k->flow->client->starved, &k->link);
}

static bool send_head(struct conn *k)
{
    struct flow *f = k->flow;
    struct sl_slice slice;
    bool last = is_last(k);

    if (!source_text(f->client->p.pool, f->text[last], f->text_bytes[last], &slice))
        return false;
    k->asked = true;
    f->tally->bytes_out += slice.len;
    (void)k->stream->ops->send(k->stream, &slice, 1); /* what fails reports CLOSED */
    return true;
}

/* TLS encrypts where the bytes stand, so it gets its own. */
static bool next_slice(struct conn *k, uint64_t len, struct sl_slice *slice)
{
    struct client *c = k->flow->client;

    return c->p.secure ? source_copy(c->p.pool, k->sent_bytes, len, slice)
                       : source_share(c->p.source, k->sent_bytes, len, slice);
}

/* False: no buffer. */
static bool send_body(struct conn *k)
{
    struct sl_stream *s = k->stream;
    uint64_t left;

    while ((left = plan_of(k)->put_bytes - k->sent_bytes)) {
        struct sl_slice slices[SLICES];
        uint64_t room = SL_MIN(left, s->ops->credit(s)), sum = 0;
        uint32_t n = 0;

        if (!room)
            return true;
        while (sum < room && n < SLICES && next_slice(k, room - sum, &slices[n])) {
            sum += slices[n].len;
            k->sent_bytes += slices[n++].len;
        }
        if (!n)
            return false;
        k->flow->tally->bytes_out += sum;
        if (s->ops->send(s, slices, n) < 0)
            return true;
    }
    return true;
}

void operation_send(struct conn *k, uint64_t now)
{
    touch(k, now);
    if ((!k->asked && !send_head(k)) || !send_body(k))
        starve(k);
}

void operation_begin(struct conn *k, uint64_t due_ns, uint64_t now)
{
    k->due_ns = due_ns;
    k->sent_bytes = k->taken_bytes = 0;
    k->asked = k->answered = false;
    http_begin(&k->head);
    conn_set_state(k, CONN_BUSY);
    operation_send(k, now);
}

/* ---- the answer ---- */

static void done(struct conn *k, uint64_t now)
{
    struct tally *t = k->flow->tally;
    bool last = is_last(k) || k->head.close, hold = flow_is_hold(k->flow);

    if (k->sent_bytes < plan_of(k)->put_bytes) { /* it did not wait for all of the request */
        conn_fail(k, LOAD_FAIL_STATUS, now);
        return;
    }
    conn_greeted(k);
    k->requests++;
    if (!hold || k->requests > 1) {
        t->operations++;
        histogram_add(&t->latency, now - k->due_ns);
    }
    if (hold)
        hold_answered(k, now);
    else if (last)
        conn_close(k, now);
    else if (k->flow->closed)
        operation_begin(k, now, now);
    else
        conn_set_state(k, CONN_IDLE);
}

/* Return how many bytes they took; 0: it failed, and the connection is gone. */
static uint32_t take_head(struct conn *k, const uint8_t *p, uint32_t len, uint64_t now)
{
    uint32_t used = 0;
    enum http_status status = http_answer_feed(&k->head, p, len, &used);

    if (status == HTTP_BAD || (status == HTTP_WHOLE && k->head.status != 200)) {
        conn_fail(k, LOAD_FAIL_STATUS, now);
        return 0;
    }
    if (status == HTTP_MORE)
        return used;
    k->answered = true;
    if (k->head.content_bytes != plan_of(k)->get_bytes) {
        conn_fail(k, LOAD_FAIL_BYTES, now);
        return 0;
    }
    if (!k->head.content_bytes)
        done(k, now);
    return used;
}

static uint32_t take_body(struct conn *k, const uint8_t *p, uint32_t len, uint64_t now)
{
    uint32_t n = (uint32_t)SL_MIN(len, k->head.content_bytes - k->taken_bytes);

    if (!k->flow->client->plan->foreign && !body_check(p, k->taken_bytes, n)) {
        conn_fail(k, LOAD_FAIL_BYTES, now);
        return 0;
    }
    k->taken_bytes += n;
    if (k->taken_bytes == k->head.content_bytes)
        done(k, now);
    return n;
}

static void take(struct conn *k, const uint8_t *p, uint32_t len, uint64_t now)
{
    const struct sl_stream *s = k->stream;

    k->flow->tally->bytes_in += len;
    while (len && k->stream == s) {
        uint32_t n = 0;

        if (k->state != CONN_BUSY || !k->asked)
            conn_fail(k, LOAD_FAIL_BYTES, now); /* nobody asked for these */
        else if (k->answered)
            n = take_body(k, p, len, now);
        else
            n = take_head(k, p, len, now);
        p += n;
        len -= n;
    }
}

void operation_read(struct conn *k, uint64_t now)
{
    struct sl_stream *s = k->stream;
    struct sl_slice slices[SLICES];

    while (k->stream == s && s->state & SL_STREAM_READABLE) {
        uint32_t n = s->ops->recv(s, slices, SLICES, UINT32_MAX);

        if (!n)
            break;
        for (uint32_t i = 0; i < n; i++) {
            if (k->stream == s)
                take(k, sl_slice_data(&slices[i]), slices[i].len, now);
            sl_slice_free(&slices[i]);
        }
    }
    if (k->stream == s && k->state == CONN_BUSY)
        touch(k, now);
}
