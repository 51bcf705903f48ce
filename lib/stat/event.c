/* Log events: a limiter per kind, a ring to the control thread, and the text of a line. */
#define _GNU_SOURCE /* strerrordesc_np */
#include <stdarg.h>
#include <stdio.h>

#include "stat/stat.h"

#define PRICE_NS (SL_NS_PER_S / 10)
#define BURST 20

static_assert((SL_EVENT_RING & (SL_EVENT_RING - 1)) == 0, "the ring's size is a power of two");

/* A token bucket told as a time: what has been spent is paid off at one event a tenth of a second, and BURST of them may be owed. */
static bool spend(struct sl_stats *st, enum sl_event_kind kind, uint64_t now)
{
    uint64_t *paid_until_ns = &st->events.paid_until_ns[kind];
    uint64_t from = SL_MAX(*paid_until_ns, now);

    if (from - now > (BURST - 1) * PRICE_NS)
        return false;
    *paid_until_ns = from + PRICE_NS;
    return true;
}

void sl_event_emit(struct sl_stats *st, uint64_t now, const struct sl_event *ev)
{
    uint32_t head = st->events.head, tail = __atomic_load_n(&st->events.tail, __ATOMIC_ACQUIRE);
    uint32_t *suppressed = &st->events.suppressed[ev->kind];
    struct sl_event *slot;

    if (head - tail >= SL_EVENT_RING) {
        sl_stat_inc(st, SL_CTR_EVENTS_RING_FULL);
        ++*suppressed;
        return;
    }
    if (!spend(st, ev->kind, now)) {
        sl_stat_inc(st, SL_CTR_EVENTS_LIMITED);
        ++*suppressed;
        return;
    }
    slot = &st->events.ring[head % SL_EVENT_RING];
    *slot = *ev;
    slot->at_ns = now;
    slot->suppressed = *suppressed;
    *suppressed = 0;
    __atomic_store_n(&st->events.head, head + 1, __ATOMIC_RELEASE);
}

bool sl_event_take(struct sl_stats *st, struct sl_event *ev)
{
    uint32_t tail = st->events.tail;

    if (tail == __atomic_load_n(&st->events.head, __ATOMIC_ACQUIRE))
        return false;
    *ev = st->events.ring[tail % SL_EVENT_RING];
    __atomic_store_n(&st->events.tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

/* A line that is being written: it is cut at the end, never overrun. */
struct line {
    char *out;
    size_t at, size;
};

static void __attribute__((format(printf, 2, 3))) put(struct line *l, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(l->out + l->at, l->size - l->at, fmt, args);
    va_end(args);
    if (n > 0)
        l->at = SL_MIN(l->at + (size_t)n, l->size - 1);
}

/* What a peer may have chosen: nothing in it ends the line, the quotes, or drives a terminal. */
static void put_escaped(struct line *l, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i]; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            put(l, "\\x%02x", c);
        else
            put(l, "%c", c);
    }
}

static void put_text(struct line *l, const char *label, const char *text, size_t max)
{
    if (!text[0])
        return;
    put(l, " %s=", label);
    put_escaped(l, text, max);
}

static void put_endpoint(struct line *l, const char *label, const struct sl_endpoint *ep)
{
    char text[SL_ENDPOINT_TEXT_MAX];

    if (ep->port)
        put(l, " %s=%s", label, sl_endpoint_format(ep, text));
}

static void put_code(struct line *l, int32_t code, const char *why)
{
    const char *words = why ? why : code < 0 ? strerrordesc_np(-code) : NULL;

    if (words && words[0] >= 'A' && words[0] <= 'Z')
        put(l, " (%c%s)", words[0] - 'A' + 'a', words + 1);
    else if (words)
        put(l, " (%s)", words);
    else if (code)
        put(l, " (%d)", code);
}

const char *sl_event_format(const struct sl_event *ev, char *out, size_t size_bytes)
{
    static const char *const severity_text[] = {[SL_INFO] = "info", [SL_WARN] = "warn", [SL_ERROR] = "error"};
    const struct sl_event_info *info = &sl_event_info[ev->kind];
    struct line l = {out, 0, size_bytes};

    if (size_bytes == 0)
        return out;
    out[0] = '\0';
    put(&l, "%s %s", severity_text[info->severity], info->name);
    put_text(&l, "listener", ev->listener, sizeof ev->listener);
    put_endpoint(&l, "peer", &ev->peer);
    put_endpoint(&l, "origin", &ev->other);
    if (ev->note[0]) {
        put(&l, " note=\"");
        put_escaped(&l, ev->note, sizeof ev->note);
        put(&l, "\"");
    }
    put(&l, " %s", info->text);
    put_code(&l, ev->code, ev->why);
    if (ev->suppressed)
        put(&l, " [%u more of these not shown]", ev->suppressed);
    return out;
}
