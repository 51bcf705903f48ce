#include "origin.h"

#include <errno.h>
#include <stdlib.h>

#include "body.h"
#include "http.h"

#define SLICES 32
#define SMALL_MAX_BYTES 1200 /* a body that goes into one buffer with its head: a copy is cheaper than a reference */
#define STOPS_PER_STEP 64

enum { SERVE_FREE, SERVE_HEAD, SERVE_BODY, SERVE_ANSWER };

/* One connection. There may be a million, idle. */
struct serve {
    struct sl_stream *stream; /* NULL: none */
    struct http_head head;
    uint64_t left_bytes; /* of the body that is taken or sent; of a free one: the next free one */
    uint32_t number;     /* its own */
    uint32_t starved;    /* the next that waits for a buffer, + 1; while waits */
    uint8_t state;       /* SERVE_* */
    bool told;           /* the answer's head is sent */
    bool waits;
};
static_assert(sizeof(struct serve) <= 80, "what an idle connection costs beside tcp");

/* A head that was written before: a load asks for the same again and again. */
struct written {
    uint64_t bytes;
    uint32_t len;
    bool close;
    char text[HTTP_TEXT_MAX_BYTES];
};

struct origin {
    struct origin_params p;
    struct sl_ready accepted, ready;
    struct sl_tcp_listener *listeners[LOAD_ORIGINS_MAX];
    uint32_t n_listeners;
    struct serve *conns;
    uint32_t n_made, free, starved; /* free, starved: numbers + 1; 0: none */
    struct written written[16];
    struct origin_counts counts;
    bool stopping;
    uint32_t stop_at;
};

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

static void let_go(struct origin *o, struct serve *c, bool in_order)
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

static void accept_all(struct origin *o)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&o->accepted, &events))) {
        struct serve *c = s->state & SL_STREAM_CLOSED || o->stopping ? NULL : take_place(o);

        if (!c) {
            o->counts.refused += !(s->state & SL_STREAM_CLOSED) && !o->stopping;
            if (!(s->state & SL_STREAM_CLOSED))
                s->ops->abort(s, SL_REASON_NO_RESOURCE);
            sl_stream_attach(s, NULL, NULL);
            s->ops->release(s);
            continue;
        }
        o->counts.open++;
        *c = (struct serve){.stream = s, .number = c->number, .state = SERVE_HEAD};
        http_begin(&c->head);
        sl_stream_attach(s, &o->ready, c);
    }
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
        let_go(o, c, true);
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
    let_go(o, c, true);
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
        let_go(o, c, c->state == SERVE_HEAD);
}

static void take_events(struct origin *o)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&o->ready, &events))) {
        struct serve *c = s->owner;

        if (s->state & SL_STREAM_CLOSED && (s->reason != SL_REASON_NONE || c->state == SERVE_ANSWER)) {
            let_go(o, c, false);
            continue;
        }
        if (c->state == SERVE_ANSWER && events & SL_STREAM_WRITABLE)
            answer(o, c);
        if (c->stream == s)
            read_on(o, c);
    }
}

static void feed_starved(struct origin *o)
{
    uint32_t next = o->starved;

    o->starved = 0;
    while (next) {
        struct serve *c = &o->conns[next - 1];

        next = c->starved;
        c->waits = false;
        if (c->state == SERVE_FREE) {
            give_place(o, c);
            continue;
        }
        answer(o, c);
        if (c->stream)
            read_on(o, c);
    }
}

/* ---- as a whole ---- */

static int listen_all(struct origin *o, struct sl_err *err)
{
    char text[SL_ENDPOINT_TEXT_MAX];

    for (uint32_t i = 0; i < o->p.plan->n_origins; i++) {
        const struct sl_endpoint *at = &o->p.plan->origins[i];
        uint8_t iface;
        int code;

        if (!sl_net_is_local(o->p.net, &at->ip, &iface))
            return sl_err_set(err, -EADDRNOTAVAIL, "origin %s: the address is on no interface of the configuration",
                              sl_endpoint_format(at, text));
        code = sl_tcp_listen(o->p.tcp, at, &o->p.opts, o->p.backlog, &o->accepted, o, &o->listeners[i]);
        if (code < 0)
            return sl_err_set(err, code, "origin %s: can't listen", sl_endpoint_format(at, text));
        o->n_listeners++;
    }
    return 0;
}

int origin_create(const struct origin_params *p, struct origin **origin, struct sl_err *err)
{
    struct origin *o = calloc(1, sizeof *o);
    int code;

    if (!o)
        return sl_err_set(err, -ENOMEM, "no memory for an origin");
    o->p = *p;
    sl_ready_init(&o->accepted);
    sl_ready_init(&o->ready);
    o->conns = sl_pages_map(p->conns_max * sizeof o->conns[0]);
    code = o->conns ? listen_all(o, err) : sl_err_set(err, -ENOMEM, "no memory for an origin");
    if (code < 0) {
        origin_destroy(o);
        return code;
    }
    *origin = o;
    return 0;
}

void origin_destroy(struct origin *o)
{
    if (!o)
        return;
    o->stopping = true;
    accept_all(o);
    for (uint32_t i = 0; i < o->n_made; i++)
        if (o->conns[i].stream)
            let_go(o, &o->conns[i], false);
    for (uint32_t i = 0; i < o->n_listeners; i++)
        sl_tcp_unlisten(o->listeners[i]);
    sl_pages_unmap(o->conns, o->p.conns_max * sizeof o->conns[0]);
    free(o);
}

static void stop_some(struct origin *o)
{
    for (uint32_t left = STOPS_PER_STEP; left && o->stop_at < o->n_made; o->stop_at++) {
        struct serve *c = &o->conns[o->stop_at];

        if (!c->stream)
            continue;
        let_go(o, c, false);
        left--;
    }
}

void origin_run(struct origin *o, uint64_t now)
{
    (void)now;
    accept_all(o);
    take_events(o);
    feed_starved(o);
    if (o->stopping)
        stop_some(o);
}

uint64_t origin_next(const struct origin *o)
{
    bool busy = !sl_list_empty(&o->accepted.list) || !sl_list_empty(&o->ready.list) || o->starved ||
                (o->stopping && !origin_stopped(o));

    return busy ? 0 : SL_NEVER;
}

const struct origin_counts *origin_counts(const struct origin *o) { return &o->counts; }

void origin_stop(struct origin *o) { o->stopping = true; }
bool origin_stopped(const struct origin *o) { return o->stopping && o->stop_at == o->n_made; }
