/* Losses that duplicate ACKs show: fast retransmit and NewReno (RFC 5681, 6582), for peers without SACK, and for the
 * others while there is no memory to note what they say. Each duplicate stands for one segment that arrived. */
#include "tcp/tcp_internal.h"

#define DUP_THRESH 3u
#define LIMITED_TRANSMIT_SEGS 2u /* RFC 3042 */

/* A peer may send duplicates without end. Before a recovery two count; in it no more than was in flight when it began
 * (RFC 5681 3.2). */
static uint32_t dups_that_count_bytes(const struct conn *c)
{
    const struct episode *e = episode_of(c);
    uint32_t dups_bytes = (uint32_t)c->dupacks * c->mss;

    if (c->ca == CA_RECOVERY)
        return e ? SL_MIN(dups_bytes, e->prior_flight) : dups_bytes;
    return SL_MIN(dups_bytes, LIMITED_TRANSMIT_SEGS * c->mss);
}

uint32_t sl_tcp_dupack_gone(const struct conn *c)
{
    uint32_t flight = conn_flight(c), most = flight > c->mss ? flight - c->mss : 0;

    return c->ca == CA_LOSS ? 0 : SL_MIN(dups_that_count_bytes(c), most);
}

/* RFC 6582 section 3.2 step 2: not again for losses of the window that the last recovery dealt with. */
static bool past_last_recovery(const struct conn *c) { return c->ca == CA_CWR || seq_gt(c->snd_una, c->recover); }

static void lose_first(struct conn *c)
{
    struct flight *f = sl_tcp_conn_need_flight(c);

    if (f)
        sl_tcp_flight_lose(f, c->snd_una, c->snd_una + SL_MIN((uint32_t)c->mss, conn_flight(c)));
    c->flags |= F_RTX_FORCE;
}

/* A partial ACK: the duplicates whose segments it covers are done with. */
static void forget_covered(struct conn *c, struct ack_info *a)
{
    uint32_t covered = SL_MIN((uint32_t)c->dupacks, a->acked_bytes / c->mss);

    c->dupacks -= (uint8_t)covered;
    a->delivered_bytes -= SL_MIN(a->delivered_bytes, covered * c->mss);
}

static void count_dup(struct conn *c, struct ack_info *a)
{
    if (!a->dup || a->acked_bytes)
        return;
    c->dupacks += c->dupacks < UINT8_MAX;
    a->delivered_bytes = c->mss;
}

static bool ack_open(struct conn *c, struct ack_info *a)
{
    if (a->acked_bytes) {
        c->dupacks = 0;
        if (seq_gt(c->snd_una, c->recover))
            c->recover = c->snd_una - 1; /* keeps the comparison true across 2^31 bytes */
    }
    count_dup(c, a);
    if (c->dupacks < DUP_THRESH || !conn_flight(c) || !past_last_recovery(c))
        return false;
    lose_first(c);
    return true;
}

static bool ack_recovery(struct conn *c, struct ack_info *a)
{
    count_dup(c, a);
    if (!a->acked_bytes)
        return false;
    forget_covered(c, a);
    if (seq_geq(c->snd_una, c->recover))
        return false;
    lose_first(c); /* it shows the next hole (RFC 6582 3.2 step 3) */
    return true;
}

/* After a timeout all is lost that was in flight; without a flight one segment goes out per ACK. */
static bool ack_loss(struct conn *c, struct ack_info *a)
{
    if (a->acked_bytes && !c->flight && seq_lt(c->snd_una, c->recover))
        c->flags |= F_RTX_FORCE;
    return false;
}

bool sl_tcp_dupack_ack(struct conn *c, struct ack_info *a)
{
    static bool (*const by_ca[])(struct conn *, struct ack_info *) = {
        [CA_OPEN] = ack_open, [CA_CWR] = ack_open, [CA_RECOVERY] = ack_recovery, [CA_LOSS] = ack_loss};

    return by_ca[c->ca](c, a);
}
