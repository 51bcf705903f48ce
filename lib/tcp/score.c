#include "tcp/score.h"

#include <string.h>

#define DUP_THRESH 3u /* RFC 6675 section 2 */

/* The first range that ends at seq or later. */
static uint32_t find_range(const struct score *s, uint32_t seq)
{
    uint32_t low = 0, high = s->n;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_lt(s->ranges[mid].end, seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t sl_tcp_score_add(struct score *s, uint32_t start, uint32_t end, bool *forgot)
{
    uint32_t i = find_range(s, start), last = i, old = 0;

    *forgot = false;
    while (last < s->n && seq_leq(s->ranges[last].start, end)) {
        old += s->ranges[last].end - s->ranges[last].start;
        last++;
    }
    if (last == i) {
        if (s->n == SCORE_RANGES_MAX) {
            *forgot = true;
            return 0;
        }
        memmove(&s->ranges[i + 1], &s->ranges[i], (s->n - i) * sizeof s->ranges[0]);
        s->n++;
        s->ranges[i] = (struct range){start, end};
    } else {
        s->ranges[i].start = seq_min(start, s->ranges[i].start);
        s->ranges[i].end = seq_max(end, s->ranges[last - 1].end);
        memmove(&s->ranges[i + 1], &s->ranges[last], (s->n - last) * sizeof s->ranges[0]);
        s->n -= last - i - 1;
    }
    s->bytes += s->ranges[i].end - s->ranges[i].start - old;
    return s->ranges[i].end - s->ranges[i].start - old;
}

void sl_tcp_score_ack(struct score *s, uint32_t una)
{
    uint32_t gone = 0;

    while (gone < s->n && seq_leq(s->ranges[gone].end, una)) {
        s->bytes -= s->ranges[gone].end - s->ranges[gone].start;
        gone++;
    }
    memmove(&s->ranges[0], &s->ranges[gone], (s->n - gone) * sizeof s->ranges[0]);
    s->n -= gone;
    if (s->n && seq_lt(s->ranges[0].start, una)) {
        s->bytes -= una - s->ranges[0].start;
        s->ranges[0].start = una;
    }
}

uint32_t sl_tcp_score_missing(const struct score *s, uint32_t from, uint32_t to)
{
    uint32_t missing;

    if (seq_geq(from, to))
        return 0;
    missing = to - from;
    for (uint32_t i = find_range(s, from); i < s->n && seq_lt(s->ranges[i].start, to); i++)
        missing -= seq_min(s->ranges[i].end, to) - seq_max(s->ranges[i].start, from);
    return missing;
}

uint32_t sl_tcp_score_hole(const struct score *s, uint32_t from, uint32_t to, uint32_t *end)
{
    uint32_t i = find_range(s, from);

    while (i < s->n && seq_leq(s->ranges[i].start, from)) {
        from = seq_max(from, s->ranges[i].end);
        i++;
    }
    *end = i < s->n ? seq_min(s->ranges[i].start, to) : to;
    return from;
}

uint32_t sl_tcp_score_lost_edge(const struct score *s, uint32_t una, uint32_t mss)
{
    uint32_t above = 0;

    for (uint32_t i = s->n; i-- > 0;) {
        above += s->ranges[i].end - s->ranges[i].start;
        if (s->n - i >= DUP_THRESH || above > (DUP_THRESH - 1) * mss)
            return s->ranges[i].start;
    }
    return una;
}

uint32_t sl_tcp_score_top(const struct score *s, uint32_t una) { return s->n ? s->ranges[s->n - 1].start : una; }
