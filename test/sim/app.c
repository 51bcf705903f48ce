/* The applications: on the client's host flows are dialled, on the server's accepted; both send, read and close as
 * the plan says and compare what arrives with what was sent. Strictly driven by events: a side that waits for one is
 * left alone, so that an event which is never raised shows as a stuck flow. */
#include "sim.h"

#include <rte_hash_crc.h>
#include <stdlib.h>

#define SLICE_MAX 4096u
#define PATTERN_BYTES 65521u /* a prime, so that no alignment repeats */

enum { CLIENT, SERVER };

struct flow;

struct side {
    struct flow *flow;
    const struct sim_plan *plan;
    struct sl_stream *stream;
    bool wants_run, opened, eof, shut, closed, released;
    uint8_t reason;
    uint64_t sent, received;           /* the client's header is part of both */
    uint64_t bytes;                    /* to send, without it: what the plan says, or less when it stops early */
    uint32_t hash_sent, hash_received; /* CRC-32C: the same however the bytes are cut */
    uint64_t read_at;                  /* a slow reader's next turn; SL_NEVER: waits for an event */
};

struct flow {
    const struct sim_flow_conf *conf;
    uint32_t index;
    bool started;
    struct side sides[2];
};

struct stranger { /* an accepted connection that has not said yet which flow it is */
    struct sl_stream *stream;
    uint8_t header[SIM_HEADER_BYTES];
    uint32_t have;
    bool eof, closed;
};

struct sim_app {
    struct sim_world *w;
    struct sl_tcp *tcp[2];
    struct sl_endpoint local, server;
    struct sl_ready ready[2];
    struct sl_tcp_listener *listener;
    struct flow flows[SIM_FLOWS_MAX];
    struct stranger strangers[SIM_FLOWS_MAX];
    uint8_t pattern[PATTERN_BYTES + SLICE_MAX * 16];
};

/* ---- bytes ---- */
static uint32_t pattern_at(const struct flow *f, int from, uint64_t position)
{
    return (uint32_t)((position + f->index * 7919u + (uint32_t)from * 104729u) % PATTERN_BYTES);
}

static void make_header(const struct flow *f, uint8_t out[SIM_HEADER_BYTES])
{
    memset(out, 0x51, SIM_HEADER_BYTES);
    sl_put_u32(out, 0x464c4f57);
    sl_put_u32(out + 4, f->index);
}

static uint64_t to_send(const struct side *s)
{
    return s->bytes + (s == &s->flow->sides[CLIENT] ? SIM_HEADER_BYTES : 0);
}
static struct side *other(const struct side *s)
{
    return &s->flow->sides[s == &s->flow->sides[CLIENT] ? SERVER : CLIENT];
}
static int which(const struct side *s) { return s == &s->flow->sides[CLIENT] ? CLIENT : SERVER; }
static const char *name_of(const struct side *s) { return which(s) == CLIENT ? "client" : "server"; }

static bool aborts(const struct flow *f)
{
    return f->conf->client.abort_at != UINT64_MAX || f->conf->server.abort_at != UINT64_MAX;
}

/* Received bytes of position `at` are what the other side sent there. */
static void compare(struct sim_app *a, struct side *s, const uint8_t *p, uint32_t len)
{
    uint64_t at = s->received;
    uint8_t header[SIM_HEADER_BYTES];

    s->hash_received = rte_hash_crc(p, len, s->hash_received);
    s->received += len;
    a->w->counts.data_bytes += len;
    a->w->counts.data_ns = a->w->now - a->w->start;
    if (a->w->sc->meter)
        a->w->sc->meter->last_ns[s->flow->index] = a->w->now - a->w->start;
    if (a->w->meter)
        a->w->meter->received_bytes[s->flow->index] += len;
    make_header(s->flow, header);
    for (; len && which(s) == SERVER && at < SIM_HEADER_BYTES; at++, p++, len--)
        if (*p != header[at])
            sim_fail(a->w, "flow %u: the client's header arrived wrong", s->flow->index);
    if (len && memcmp(p, a->pattern + pattern_at(s->flow, !which(s), at), len))
        sim_fail(a->w, "flow %u: %s received wrong bytes at about %lu", s->flow->index, name_of(s), (unsigned long)at);
    if (s->received > to_send(other(s)))
        sim_fail(a->w, "flow %u: %s received more than was sent", s->flow->index, name_of(s));
}

/* ---- reading and writing ---- */
static void finish(struct side *s)
{
    s->stream->ops->release(s->stream);
    s->stream = NULL;
    s->released = true;
}

static void give_up(struct side *s)
{
    s->stream->ops->abort(s->stream, SL_REASON_ABORTED);
    s->closed = true;
    s->reason = SL_REASON_ABORTED;
    finish(s);
}

static bool read_some(struct sim_app *a, struct side *s)
{
    struct sl_slice slices[16];
    uint32_t max = s->plan->read_chunk ? s->plan->read_chunk : UINT32_MAX, n;

    if (s->plan->read_every_ns && s->read_at != SL_NEVER && a->w->now < s->read_at)
        return false;
    n = s->stream->ops->recv(s->stream, slices, (uint32_t)SL_ARRAY_LEN(slices), max);
    for (uint32_t i = 0; i < n; i++) {
        if (slices[i].len == 0 || slices[i].off + slices[i].len > slices[i].mbuf->buf_len)
            sim_fail(a->w, "flow %u: a slice that is empty or outside its buffer", s->flow->index);
        compare(a, s, sl_slice_data(&slices[i]), slices[i].len);
        sl_slice_free(&slices[i]);
    }
    s->read_at = n && s->plan->read_every_ns ? a->w->now + s->plan->read_every_ns : SL_NEVER;
    return n > 0 && !s->plan->read_every_ns;
}

static struct sl_slice make_slice(struct sim_app *a, struct side *s, uint32_t max)
{
    uint64_t left = to_send(s) - s->sent, at = s->sent;
    uint32_t len = 1 + (uint32_t)sl_rng_below(&a->w->rng, SLICE_MAX);
    uint8_t header[SIM_HEADER_BYTES];
    const uint8_t *bytes;

    len = (uint32_t)SL_MIN(left, SL_MIN(len, max));
    if (which(s) == CLIENT && at < SIM_HEADER_BYTES) {
        make_header(s->flow, header);
        len = SL_MIN(len, (uint32_t)(SIM_HEADER_BYTES - at));
        bytes = header + at;
    } else {
        bytes = a->pattern + pattern_at(s->flow, which(s), at);
    }
    s->hash_sent = rte_hash_crc(bytes, len, s->hash_sent);
    s->sent += len;
    return (struct sl_slice){th_mbuf_exact(sim_pools()->frames, bytes, len, 0), 0, (uint16_t)len};
}

static bool write_some(struct sim_app *a, struct side *s)
{
    struct sl_slice slices[8];
    uint32_t n = 0, credit;

    if (!s->opened || s->shut || s->sent == to_send(s) || (s->plan->after_eof && !s->eof))
        return false;
    credit = s->stream->ops->credit(s->stream);
    while (n < SL_ARRAY_LEN(slices) && credit && s->sent < to_send(s)) {
        slices[n] = make_slice(a, s, credit);
        credit -= slices[n++].len;
    }
    if (n && s->stream->ops->send(s->stream, slices, n) && !aborts(s->flow) && !sim_scenario_harsh(a->w->sc))
        sim_fail(a->w, "flow %u: %s may not send although it did not shut down", s->flow->index, name_of(s));
    return n > 0;
}

static void close_if_time(struct side *s)
{
    bool sent = s->sent == to_send(s), received = s->received == to_send(other(s));

    if (s->shut || !sent || !s->opened)
        return;
    if ((s->plan->close == SIM_CLOSE_AFTER_EOF && !s->eof) || (s->plan->close == SIM_CLOSE_WHEN_RECEIVED && !received))
        return;
    s->stream->ops->shutdown(s->stream);
    s->shut = true;
}

static uint64_t stop_at(const struct sim_app *a, const struct side *s)
{
    bool stops = s->plan->stop_ns && s->opened && !s->shut && s->sent < to_send(s);

    return stops ? a->w->start + s->plan->stop_ns : SL_NEVER;
}

static void stop_if_time(const struct sim_app *a, struct side *s)
{
    uint64_t header = to_send(s) - s->bytes;

    if (stop_at(a, s) <= a->w->now)
        s->bytes = s->sent > header ? s->sent - header : 0;
}

/* Works one side as far as it goes now. */
static void work(struct sim_app *a, struct side *s)
{
    bool more = true;

    stop_if_time(a, s);
    while (more && s->stream) {
        more = read_some(a, s);
        more |= write_some(a, s);
        if (s->received >= s->plan->abort_at || s->sent >= s->plan->abort_at) {
            give_up(s);
            return;
        }
        close_if_time(s);
    }
    if (s->closed && s->read_at == SL_NEVER)
        finish(s);
    else if (s->plan->early_release && s->shut && s->eof && s->received == to_send(other(s)))
        finish(s);
}

/* ---- events ---- */
static void note(struct side *s, uint8_t events)
{
    s->wants_run = true;
    if (events & SL_STREAM_OPEN)
        s->opened = true;
    if (events & SL_STREAM_EOF)
        s->eof = true;
    if (events & SL_STREAM_CLOSED) {
        s->closed = true;
        s->reason = s->stream->reason;
    }
    if (events & (SL_STREAM_READABLE | SL_STREAM_EOF | SL_STREAM_CLOSED) && s->read_at == SL_NEVER)
        s->read_at = 0;
}

static struct stranger *stranger_of(struct sim_app *a, struct sl_stream *stream)
{
    struct stranger *free_one = NULL;

    for (uint32_t i = 0; i < SIM_FLOWS_MAX; i++) {
        if (a->strangers[i].stream == stream)
            return &a->strangers[i];
        if (!a->strangers[i].stream && !free_one)
            free_one = &a->strangers[i];
    }
    if (!free_one) {
        sim_fail(a->w, "more connections arrive than were dialled");
        return &a->strangers[0];
    }
    *free_one = (struct stranger){.stream = stream};
    return free_one;
}

static void introduce(struct sim_app *a, struct stranger *st)
{
    uint32_t index =
        (uint32_t)st->header[4] << 24 | (uint32_t)st->header[5] << 16 | (uint32_t)st->header[6] << 8 | st->header[7];
    struct side *s;

    if (index >= a->w->sc->n_flows || a->flows[index].sides[SERVER].stream || a->flows[index].sides[SERVER].released) {
        sim_fail(a->w, "a connection with a wrong header, or a second one for flow %u", index);
        return;
    }
    s = &a->flows[index].sides[SERVER];
    s->stream = st->stream;
    s->opened = true;
    s->eof = st->eof;
    s->closed = st->closed;
    s->reason = st->stream->reason;
    s->read_at = 0;
    s->wants_run = true;
    compare(a, s, st->header, SIM_HEADER_BYTES);
    *st = (struct stranger){0};
    sl_stream_attach(s->stream, &a->ready[SERVER], s);
}

static void meet(struct sim_app *a, struct sl_stream *stream, uint8_t events)
{
    struct stranger *st = stranger_of(a, stream);
    struct sl_slice slice;

    st->eof |= (events & SL_STREAM_EOF) != 0;
    st->closed |= (events & SL_STREAM_CLOSED) != 0;
    while (st->have < SIM_HEADER_BYTES && stream->ops->recv(stream, &slice, 1, SIM_HEADER_BYTES - st->have)) {
        memcpy(st->header + st->have, sl_slice_data(&slice), slice.len);
        st->have += slice.len;
        sl_slice_free(&slice);
    }
    if (st->have == SIM_HEADER_BYTES) {
        introduce(a, st);
    } else if (st->closed || st->eof) { /* its client gave up before it said who it was */
        stream->ops->release(stream);
        *st = (struct stranger){0};
    }
}

static bool take_events(struct sim_app *a, int side)
{
    struct sl_stream *stream;
    uint8_t events;
    bool any = false;

    while ((stream = sl_ready_take(&a->ready[side], &events))) {
        any = true;
        if (stream->owner == a)
            meet(a, stream, events);
        else
            note(stream->owner, events);
    }
    return any;
}

static void dial(struct sim_app *a, struct flow *f)
{
    struct side *s = &f->sides[CLIENT];
    struct sl_endpoint local = {a->local.ip, (uint16_t)(SIM_FIRST_LPORT + f->index)};
    int why = 0;

    f->started = true;
    s->stream = sl_tcp_connect(a->tcp[CLIENT], &local, &a->server, &f->conf->client.opts, &a->ready[CLIENT], s,
                               a->w->now, &why);
    if (!s->stream)
        sim_fail(a->w, "flow %u: connect: %d", f->index, why);
}

bool sim_app_run(struct sim_app *a, bool is_client)
{
    int side = is_client ? CLIENT : SERVER;
    bool any = take_events(a, side);

    for (uint32_t i = 0; i < a->w->sc->n_flows; i++) {
        struct flow *f = &a->flows[i];
        struct side *s = &f->sides[side];

        if (is_client && !f->started && f->conf->start_ns <= a->w->now - a->w->start) {
            dial(a, f);
            any = true;
        }
        if (!s->stream || (!s->wants_run && a->w->now < s->read_at && a->w->now < stop_at(a, s)))
            continue;
        s->wants_run = false;
        work(a, s);
        any = true;
    }
    return any;
}

uint64_t sim_app_next(const struct sim_app *a, bool is_client)
{
    uint64_t next = SL_NEVER;

    if (!sl_list_empty(&a->ready[is_client ? CLIENT : SERVER].list))
        return 0;
    for (uint32_t i = 0; i < a->w->sc->n_flows; i++) {
        const struct flow *f = &a->flows[i];
        const struct side *s = &f->sides[is_client ? CLIENT : SERVER];

        if (is_client && !f->started)
            next = SL_MIN(next, a->w->start + f->conf->start_ns);
        if (s->stream)
            next = SL_MIN(next, s->wants_run ? 0 : SL_MIN(s->read_at, stop_at(a, s)));
    }
    return next;
}

/* ---- the end ---- */
bool sim_app_done(const struct sim_app *a)
{
    for (uint32_t i = 0; i < a->w->sc->n_flows; i++)
        if (!a->flows[i].sides[CLIENT].released || a->flows[i].sides[SERVER].stream)
            return false;
    for (uint32_t i = 0; i < SIM_FLOWS_MAX; i++)
        if (a->strangers[i].stream)
            return false;
    return true;
}

/* Where a third of all frames is lost, an opening may time out on one side only, which the other hears as a reset. */
static bool excusable(uint8_t reason) { return reason == SL_REASON_TIMEOUT || reason == SL_REASON_RESET; }

static void judge(struct sim_app *a, const struct side *s)
{
    const struct side *o = other(s);
    uint32_t i = s->flow->index;
    bool may_fail = aborts(s->flow) || (sim_scenario_harsh(a->w->sc) && (excusable(s->reason) || excusable(o->reason)));

    if (may_fail)
        return;
    if (!s->released)
        sim_fail(a->w, "flow %u: the %s is not done: sent %lu of %lu, received %lu of %lu%s%s%s%s", i, name_of(s),
                 (unsigned long)s->sent, (unsigned long)to_send(s), (unsigned long)s->received,
                 (unsigned long)to_send(o), s->opened ? ", open" : "", s->eof ? ", EOF" : "",
                 s->shut ? ", shut down" : "", s->closed ? ", closed" : "");
    else if (s->received != to_send(o) || s->hash_received != o->hash_sent)
        sim_fail(a->w, "flow %u: the %s received %lu of %lu bytes (reason \"%s\")", i, name_of(s),
                 (unsigned long)s->received, (unsigned long)to_send(o), sl_reason_text[s->reason]);
    else if (!s->eof || s->reason != SL_REASON_NONE)
        sim_fail(a->w, "flow %u: the %s ended by \"%s\"%s", i, name_of(s), sl_reason_text[s->reason],
                 s->eof ? "" : " without EOF");
}

void sim_app_judge(struct sim_app *a)
{
    for (uint32_t i = 0; i < a->w->sc->n_flows; i++) {
        judge(a, &a->flows[i].sides[CLIENT]);
        judge(a, &a->flows[i].sides[SERVER]);
    }
}

struct sim_app *sim_app_create(struct sim_world *w, struct sl_endpoint server)
{
    struct sim_app *a = calloc(1, sizeof *a);
    struct sl_rng rng;

    assert(a);
    a->w = w;
    a->server = server;
    sl_rng_seed(&rng, 99);
    for (uint32_t i = 0; i < sizeof a->pattern; i++)
        a->pattern[i] = i < PATTERN_BYTES ? (uint8_t)sl_rng_next(&rng) : a->pattern[i - PATTERN_BYTES];
    for (uint32_t i = 0; i < 2; i++)
        sl_ready_init(&a->ready[i]);
    for (uint32_t i = 0; i < w->sc->n_flows; i++) {
        struct flow *f = &a->flows[i];

        *f = (struct flow){.conf = &w->sc->flows[i], .index = i};
        for (uint32_t k = 0; k < 2; k++)
            f->sides[k] = (struct side){
                .flow = f, .plan = k == CLIENT ? &f->conf->client : &f->conf->server, .read_at = SL_NEVER};
        f->sides[CLIENT].bytes = f->conf->client.bytes;
        f->sides[SERVER].bytes = f->conf->server.bytes;
    }
    return a;
}

void sim_app_attach(struct sim_app *a, struct sl_tcp *tcp, const struct sl_endpoint *local, bool is_client)
{
    int rc;

    a->tcp[is_client ? CLIENT : SERVER] = tcp;
    if (is_client) {
        a->local = *local;
        return;
    }
    rc = sl_tcp_listen(tcp, local, &a->w->sc->flows[0].server.opts, SIM_FLOWS_MAX, &a->ready[SERVER], a, &a->listener);
    if (rc)
        sim_fail(a->w, "listen: %d", rc);
}

void sim_app_destroy(struct sim_app *a)
{
    for (uint32_t i = 0; i < SIM_FLOWS_MAX; i++) {
        for (uint32_t k = 0; k < 2; k++)
            if (a->flows[i].sides[k].stream)
                finish(&a->flows[i].sides[k]);
        if (a->strangers[i].stream)
            a->strangers[i].stream->ops->release(a->strangers[i].stream);
    }
    free(a);
}
