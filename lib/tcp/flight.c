#include "tcp/flight.h"

#include <string.h>

#define MOMENTS_MIN 16u /* what lies in flight is told apart into at least so many moments */

static uint32_t later_us(uint32_t a, uint32_t b) { return us_later(a, b) ? a : b; }

/* ---- sums ---- */

/* Adds the bytes of run i to the sums of its flags. */
static void count(struct flight *f, uint32_t i)
{
    uint32_t bytes = f->runs[i].end - flight_start(f, i);
    uint8_t flags = f->runs[i].flags;

    if (flags & RUN_SACKED) {
        f->sacked_bytes += bytes;
        f->sacked_runs++;
        return;
    }
    f->lost_bytes += flags & RUN_LOST ? bytes : 0;
    f->again_bytes += flags & RUN_AGAIN ? bytes : 0;
}

static void discount(struct flight *f, uint32_t i)
{
    uint32_t bytes = f->runs[i].end - flight_start(f, i);
    uint8_t flags = f->runs[i].flags;

    if (flags & RUN_SACKED) {
        f->sacked_bytes -= bytes;
        f->sacked_runs--;
        return;
    }
    f->lost_bytes -= flags & RUN_LOST ? bytes : 0;
    f->again_bytes -= flags & RUN_AGAIN ? bytes : 0;
}

static void set_flags(struct flight *f, uint32_t i, uint8_t flags)
{
    discount(f, i);
    f->runs[i].flags = flags;
    count(f, i);
}

/* ---- room ---- */

/* Whether two neighbours may be one run: they met the same fate, and were sent at one moment as far as that matters. */
static bool alike(const struct flight *f, const struct flight_run *a, const struct flight_run *b)
{
    if (a->flags & b->flags & RUN_SACKED)
        return true;
    return a->flags == b->flags && (a->sent_us ^ b->sent_us) >> f->shift == 0;
}

/* One run of two neighbours, and nothing of it is known that is not known of both. */
static struct flight_run both(const struct flight_run *a, const struct flight_run *b)
{
    return (struct flight_run){b->end, later_us(a->sent_us, b->sent_us),
                               (a->flags & b->flags & (RUN_SACKED | RUN_LOST)) | ((a->flags | b->flags) & RUN_AGAIN)};
}

/* Puts runs in the place of [from, to); there is room for them. */
static void replace(struct flight *f, uint32_t from, uint32_t to, const struct flight_run *runs, uint32_t n)
{
    for (uint32_t i = from; i < to; i++)
        discount(f, i);
    memmove(&f->runs[from + n], &f->runs[to], (f->n - to) * sizeof f->runs[0]);
    memcpy(&f->runs[from], runs, n * sizeof f->runs[0]);
    f->n = (uint16_t)(f->n - (to - from) + n);
    for (uint32_t i = from; i < from + n; i++)
        count(f, i);
}

static void compact(struct flight *f)
{
    f->n -= f->first;
    memmove(&f->runs[0], &f->runs[f->first], f->n * sizeof f->runs[0]);
    f->first = 0;
}

/* Makes one of all neighbours that are alike. The first run is runs[0]. */
static void join_alike(struct flight *f)
{
    uint32_t kept = 0;

    for (uint32_t i = 1; i < f->n; i++) {
        if (alike(f, &f->runs[kept], &f->runs[i])) {
            f->sacked_runs -= f->runs[i].flags & RUN_SACKED;
            f->runs[kept] = both(&f->runs[kept], &f->runs[i]);
        } else {
            f->runs[++kept] = f->runs[i];
        }
    }
    f->n = (uint16_t)(kept + 1);
}

/* Makes one of the two neighbours that hold the fewest bytes. */
static void join_smallest(struct flight *f)
{
    uint32_t best = 0, best_bytes = UINT32_MAX;
    struct flight_run one;

    for (uint32_t i = 0; i + 1 < f->n; i++) {
        uint32_t bytes = f->runs[i + 1].end - flight_start(f, i);

        if (bytes < best_bytes) {
            best = i;
            best_bytes = bytes;
        }
    }
    one = both(&f->runs[best], &f->runs[best + 1]);
    one.flags |= RUN_AGAIN; /* its time is not to be believed (Karn) */
    replace(f, best, best + 2, &one, 1);
}

/* Room for two more runs. Coarser moments leave a quarter free, so that this is seldom. */
static void make_room(struct flight *f)
{
    uint32_t span_us;

    if (f->n + 2u <= FLIGHT_RUNS_MAX)
        return;
    compact(f);
    if (f->n <= FLIGHT_RUNS_MAX * 7 / 8)
        return;
    span_us = f->runs[f->n - 1].sent_us - f->runs[0].sent_us;
    for (; f->n > FLIGHT_RUNS_MAX * 3 / 4 && f->shift < 31 && 2u << f->shift <= span_us / MOMENTS_MIN; join_alike(f))
        f->shift++;
    while (f->n + 2u > FLIGHT_RUNS_MAX)
        join_smallest(f);
}

/* ---- what happens to runs ---- */

/* The first run that ends behind seq. */
static uint32_t find(const struct flight *f, uint32_t seq)
{
    uint32_t low = f->first, high = f->n;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_leq(f->runs[mid].end, seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The part of run i that begins at `from` and ends where `to` does becomes a run like `to`, joined with the neighbours
 * that it touches and is like. */
static void repaint(struct flight *f, uint32_t i, uint32_t from, struct flight_run to)
{
    struct flight_run old = f->runs[i], out[3];
    uint32_t n = 0, begin = i, end = i + 1;

    if (from != flight_start(f, i)) {
        out[n++] = (struct flight_run){from, old.sent_us, old.flags};
    } else if (i > f->first && alike(f, &f->runs[i - 1], &to)) {
        begin--;
        to = both(&f->runs[i - 1], &to);
    }
    out[n++] = to;
    if (to.end != old.end)
        out[n++] = (struct flight_run){old.end, old.sent_us, old.flags};
    else if (end < f->n && alike(f, &to, &f->runs[end]))
        out[n - 1] = both(&to, &f->runs[end++]);
    replace(f, begin, end, out, n);
}

void sl_tcp_flight_init(struct flight *f, uint32_t una, uint32_t nxt, uint32_t sent_us)
{
    f->una = f->rack.fack = una;
    f->rack.at_ns = UINT64_MAX;
    if (nxt != una)
        f->runs[f->n++] = (struct flight_run){nxt, sent_us, 0};
}

void sl_tcp_flight_sent(struct flight *f, uint32_t end, uint32_t now_us)
{
    struct flight_run fresh = {end, now_us, 0}, *last;

    make_room(f);
    last = &f->runs[f->n - 1];
    if (f->n > f->first && alike(f, last, &fresh))
        *last = both(last, &fresh); /* no flags, no sums */
    else
        f->runs[f->n++] = fresh;
}

void sl_tcp_flight_again(struct flight *f, uint32_t start, uint32_t end, uint32_t now_us)
{
    while (seq_lt(start, end)) {
        uint32_t i;

        make_room(f);
        i = find(f, start);
        if (i == f->n)
            return;
        repaint(f, i, start, (struct flight_run){seq_min(end, f->runs[i].end), now_us, RUN_AGAIN});
        start = f->runs[find(f, start)].end;
    }
}

bool sl_tcp_flight_take_acked(struct flight *f, uint32_t ack, struct piece *p)
{
    const struct flight_run *r = &f->runs[f->first];

    if (f->first == f->n || seq_geq(f->una, ack))
        return false;
    *p = (struct piece){f->una, seq_min(r->end, ack), r->sent_us, r->flags};
    discount(f, f->first);
    f->una = p->end;
    if (p->end == r->end)
        f->first++;
    else
        count(f, f->first);
    return true;
}

bool sl_tcp_flight_take_sacked(struct flight *f, uint32_t *from, uint32_t end, struct piece *p, bool *forgot)
{
    uint32_t i = find(f, *from), to;

    *forgot = false;
    if (i < f->n && f->runs[i].flags & RUN_SACKED)
        *from = f->runs[i++].end; /* SACKED neighbours are one run */
    if (i == f->n || seq_geq(*from, end))
        return false;
    if (f->n + FLIGHT_RESERVE > FLIGHT_RUNS_MAX && f->first) {
        i -= f->first;
        compact(f);
    }
    if (f->n + FLIGHT_RESERVE > FLIGHT_RUNS_MAX) {
        *forgot = true;
        return false;
    }
    to = seq_min(end, f->runs[i].end);
    *p = (struct piece){*from, to, f->runs[i].sent_us, f->runs[i].flags};
    repaint(f, i, *from, (struct flight_run){to, p->sent_us, RUN_SACKED | (p->flags & RUN_AGAIN)});
    *from = to;
    return true;
}

void sl_tcp_flight_lose(struct flight *f, uint32_t start, uint32_t end)
{
    while (seq_lt(start, end)) {
        struct flight_run to;
        uint32_t i;

        make_room(f);
        i = find(f, start);
        if (i == f->n)
            return;
        to = f->runs[i];
        to.end = seq_min(end, to.end);
        to.flags |= RUN_LOST;
        if (!(to.flags & RUN_SACKED))
            repaint(f, i, start, to);
        start = to.end;
    }
}

void sl_tcp_flight_lose_run(struct flight *f, uint32_t i) { set_flags(f, i, f->runs[i].flags | RUN_LOST); }

void sl_tcp_flight_forget_sacks(struct flight *f)
{
    for (uint32_t i = f->first; i < f->n; i++)
        set_flags(f, i, f->runs[i].flags & RUN_AGAIN);
}

void sl_tcp_flight_forget_losses(struct flight *f)
{
    for (uint32_t i = f->first; i < f->n; i++)
        set_flags(f, i, f->runs[i].flags & (uint8_t)~RUN_LOST);
}

struct range sl_tcp_flight_next_lost(const struct flight *f)
{
    uint32_t i = f->first;

    while (i + 1 < f->n && !(f->runs[i].flags & RUN_LOST))
        i++;
    return (struct range){flight_start(f, i), f->runs[i].end};
}
