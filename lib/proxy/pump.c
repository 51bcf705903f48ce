/* Moving slices from one stream to the other: never more than the receiver has credit for, so that what it cannot take stays with the sender and closes its window. */
#include "internal.h"

static uint32_t bytes_of(const struct sl_slice *slices, uint32_t n)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += slices[i].len;
    return sum;
}

/* Nothing waits and nothing will come. */
static bool at_end(const struct sl_stream *s)
{
    return (s->state & (SL_STREAM_EOF | SL_STREAM_CLOSED)) && !(s->state & SL_STREAM_READABLE);
}

bool pump(struct side *from, struct side *to, uint64_t *bytes)
{
    struct sl_stream *src = from->stream, *dst = to->stream;
    uint32_t budget = BYTES_PER_TURN;

    if (to->shut)
        return false;
    while (src->state & SL_STREAM_READABLE) {
        struct sl_slice slices[SLICES_PER_TURN];
        uint32_t credit, n, got;

        if (!budget)
            return true;
        /* A credit that is too small makes the stream raise WRITABLE later: that is the next visit. */
        credit = dst->ops->credit(dst);
        if (!credit)
            return false;
        n = src->ops->recv(src, slices, SLICES_PER_TURN, SL_MIN(credit, budget));
        if (!n)
            break;
        got = bytes_of(slices, n);
        *bytes += got;
        budget -= SL_MIN(budget, got);
        if (dst->ops->send(dst, slices, n) < 0)
            return false; /* dst is over; its CLOSED is on the way */
    }
    if (at_end(src)) {
        dst->ops->shutdown(dst);
        to->shut = true;
    }
    return false;
}
