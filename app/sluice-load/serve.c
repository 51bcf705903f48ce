/* One connection of the origin: a request is read, its body checked, and an answer sent, one after the other. */
#include "body.h"
#include "origin_internal.h"

#define SLICES 32
#define SMALL_MAX_BYTES 1200 /* a body that goes into one buffer with its head: a copy is cheaper than a reference */

static const char bad_request[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* ---- birth and death ---- */

static struct serve *take_place(struct origin *o)
{
    struct serve *c;

    if (!o->free && o->n_made == o->p.conns_max)
        return NULL;
    if (o->free) {
        c = &o->conns[o->free - 1];
        o->free = (uint32_t)c->left_bytes;
    } else {
        c = &o->conns[o->n_made];
        c->number = o->n_made++;
    }
    return c;
}

static void give_place(struct origin *o, struct serve *c)
{
    c->state = SERVE_FREE;
    if (c->waits)
        return; /* whoever takes it from the starved gives it */
    c->left_bytes = o->free;
    o->free = c->number + 1;
}

void serve_end(struct origin *o, struct serve *c, bool in_order)
{
    struct sl_stream *s = c->stream;

    if (!(s->state & SL_STREAM_CLOSED)) {
        if (in_order)
            s->ops->shutdown(s);
        else
            s->ops->abort(s, SL_REASON_ABORTED);
    }
    s->ops->release(s);
    c->stream = NULL;
    o->counts.open--;
    give_place(o, c);
}

bool serve_begin(struct origin *o, struct sl_stream *s)
{
    struct serve *c = take_place(o);

    if (!c)
        return false;
    o->counts.open++;
    *c = (struct serve){.stream = s, .number = c->number, .state = SERVE_HEAD};
    http_begin(&c->head);
    sl_stream_attach(s, &o->ready, c);
    return true;
}

/* ---- answers ---- */

static void starve(struct origin *o, struct serve *c)
{
    if (c->waits)
        return;
    c->waits = true;
    c->starved = o->starved;
    o->starved = c->number + 1;
}

static const struct written *head_of(struct origin *o, uint64_t bytes, bool close)
{
    struct written *w = &o->written[(bytes ^ bytes >> 10 ^ bytes >> 20 ^ close) % SL_ARRAY_LEN(o->written)];

    if (!w->len || w->bytes != bytes || w->close != close)
        *w = (struct written){.bytes = bytes, .close = close, .len = 0};
    if (!w->len)
        w->len = http_answer_text(w->text, bytes, close);
    return w;
}

/* The head, and all of a small body, in one buffer. False: no buffer. */
static bool tell(struct origin *o, struct serve *c)
{
    const struct written *w = head_of(o, c->head.path_number, c->head.close);
    struct sl_slice slice;

    if (!source_text(o->p.pool, w->text, w->len, &slice))
        return false;
    if (c->left_bytes && c->left_bytes <= SMALL_MAX_BYTES) {
        body_fill((uint8_t *)slice.mbuf->buf_addr + slice.off + slice.len, 0, (uint32_t)c->left_bytes);
        slice.len = (uint16_t)(slice.len + c->left_bytes);
        slice.mbuf->data_len = slice.len;
        slice.mbuf->pkt_len = slice.len;
        c->left_bytes = 0;
    }
    c->told = true;
    o->counts.bytes_out += slice.len;
    (void)c->stream->ops->send(c->stream, &slice, 1);
    return true;
}

/* As much of the body as there is credit for; false: no references left. */
static bool send_body(struct origin *o, struct serve *c)
{
    struct sl_stream *s = c->stream;

    while (c->left_bytes) {
        struct sl_slice slices[SLICES];
        uint64_t room = SL_MIN(c->left_bytes, s->ops->credit(s)), sum = 0;
        uint32_t n = 0;

        if (!room)
            return true;
        while (sum < room && n < SLICES &&
               source_share(o->p.source, c->head.path_number - c->left_bytes, room - sum, &slices[n])) {
            sum += slices[n].len;
            c->left_bytes -= slices[n++].len;
        }
        if (!n)
            return false;
        o->counts.bytes_out += sum;
        if (s->ops->send(s, slices, n) < 0)
            return true; /* it reports CLOSED */
    }
    return true;
}

/* Goes on with an answer; after its end with the next request. */
static void answer(struct origin *o, struct serve *c)
{
    if ((!c->told && !tell(o, c)) || !send_body(o, c)) {
        starve(o, c);
        return;
    }
    if (c->left_bytes)
        return;
    o->counts.requests++;
    if (c->head.close) {
        serve_end(o, c, true);
        return;
    }
    c->state = SERVE_HEAD;
    http_begin(&c->head);
}

static void begin_answer(struct origin *o, struct serve *c)
{
    c->state = SERVE_ANSWER;
    c->told = false;
    c->left_bytes = c->head.path_number;
    answer(o, c);
}

/* It is told what is wrong, if there is a buffer for that. */
static void refuse(struct origin *o, struct serve *c)
{
    struct sl_slice slice;

    if (source_text(o->p.pool, bad_request, sizeof bad_request - 1, &slice))
        (void)c->stream->ops->send(c->stream, &slice, 1);
    serve_end(o, c, true);
}

/* ---- requests ---- */

/* Returns how many bytes it took; the connection may be gone. */
static uint32_t take_head(struct origin *o, struct serve *c, const uint8_t *p, uint32_t len)
{
    uint32_t used = 0;
    enum http_status status = http_request_feed(&c->head, p, len, &used);

    if (status == HTTP_BAD ||
        (status == HTTP_WHOLE && used < len && !c->head.put)) { /* requests one after the other only */
        o->counts.bad_heads++;
        refuse(o, c);
        return len;
    }
    if (status == HTTP_MORE)
        return used;
    if (c->head.put && c->head.content_bytes) {
        c->state = SERVE_BODY;
        c->left_bytes = c->head.content_bytes;
    } else {
        begin_answer(o, c);
    }
    return used;
}

static uint32_t take_body(struct origin *o, struct serve *c, const uint8_t *p, uint32_t len)
{
    uint32_t n = (uint32_t)SL_MIN(len, c->left_bytes);

    if (!body_check(p, c->head.content_bytes - c->left_bytes, n)) {
        o->counts.bad_bytes++;
        refuse(o, c);
        return len;
    }
    c->left_bytes -= n;
    if (!c->left_bytes)
        begin_answer(o, c);
    return n;
}

static void take(struct origin *o, struct serve *c, const uint8_t *p, uint32_t len)
{
    o->counts.bytes_in += len;
    while (len && c->stream) {
        uint32_t n = len;

        if (c->state == SERVE_HEAD)
            n = take_head(o, c, p, len);
        else if (c->state == SERVE_BODY)
            n = take_body(o, c, p, len);
        else
            refuse(o, c);
        p += n;
        len -= n;
    }
}

/* What comes while an answer is under way stays in the stream. */
static void read_on(struct origin *o, struct serve *c)
{
    struct sl_stream *s = c->stream;
    struct sl_slice slices[SLICES];

    while (c->stream == s && c->state != SERVE_ANSWER && s->state & SL_STREAM_READABLE) {
        uint32_t n = s->ops->recv(s, slices, SLICES, UINT32_MAX);

        if (!n)
            break;
        for (uint32_t i = 0; i < n; i++) {
            if (c->stream == s)
                take(o, c, sl_slice_data(&slices[i]), slices[i].len);
            sl_slice_free(&slices[i]);
        }
    }
    if (c->stream != s || c->state == SERVE_ANSWER)
        return;
    if (s->state & (SL_STREAM_EOF | SL_STREAM_CLOSED))
        serve_end(o, c, c->state == SERVE_HEAD);
}

/* ---- events ---- */

void serve_event(struct origin *o, struct serve *c, uint8_t events)
{
    struct sl_stream *s = c->stream;

    if (s->state & SL_STREAM_CLOSED && (s->reason != SL_REASON_NONE || c->state == SERVE_ANSWER)) {
        serve_end(o, c, false);
        return;
    }
    if (c->state == SERVE_ANSWER && events & SL_STREAM_WRITABLE)
        answer(o, c);
    if (c->stream == s)
        read_on(o, c);
}

void serve_again(struct origin *o, struct serve *c)
{
    c->waits = false;
    if (c->state == SERVE_FREE) {
        give_place(o, c);
        return;
    }
    if (c->state == SERVE_ANSWER) /* unless an event has brought it on meanwhile */
        answer(o, c);
    if (c->stream)
        read_on(o, c);
}
