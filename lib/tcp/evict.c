/* Who goes when there is no more room. Nothing is kept in order for it, so that the fast path pays nothing: a hand goes
 * round the slab, so many objects at a time, and of those that it passes the one that is idle for longest goes.
 *
 * For memory: whoever holds bytes and has not moved for `patience`, which falls by half with each round that found
 * nobody, so that the oldest go first. For a place in the table: first those whose user let go, or that wait for
 * nothing but the peer's last ACK; then those whose peer takes nothing. A connection that works, or is open and quiet,
 * never makes room for a new one. */
#include "tcp/tcp_internal.h"

#define PERIOD_NS (10 * SL_NS_PER_MS)
#define SCAN_SLOTS 256u /* at a time, whatever asks for it */
#define CHUNK_SLOTS 32u /* of which one may go */
#define PATIENCE_MAX_NS (64 * SL_NS_PER_S)
#define PATIENCE_TIGHT_NS (30 * SL_NS_PER_S) /* a bad path backs off for so long */
#define PATIENCE_AHEAD_NS (20 * SL_NS_PER_S)
#define PATIENCE_LEAST_NS (3 * SL_NS_PER_S)
#define STUCK_NS (10 * SL_NS_PER_S)
#define DONE_NS SL_NS_PER_S /* a user that let go may still have bytes under way */

void sl_tcp_evict_init(struct sl_tcp *t)
{
    t->evict.hand = 1;
    t->evict.budget = SCAN_SLOTS;
    t->evict.patience_ns = PATIENCE_MAX_NS;
}

static uint64_t idle_ns(const struct conn *c)
{
    uint64_t now = c->t->now, taken_ns = sl_tcp_window_idle_us(c) * SL_NS_PER_US;

    if (c->sndq.bytes && !conn_flight(c) && c->rtx_at == SL_NEVER) /* it waits for us: its turn to send has not come */
        return 0;
    if (c->sndq.bytes) /* a peer that answers and takes nothing is idle too */
        return now - SL_MIN(c->progress_ns, now);
    return SL_MIN(now - SL_MIN(conn_last_rx_ns(c), now), taken_ns);
}

/* ---- ranks: 0 stays, the highest goes first ---- */

static uint32_t rank_for_memory(const struct conn *c, uint64_t idle)
{
    return (c->sndq.bytes || c->rcvq.bytes || reasm_of(c)) && idle >= c->t->evict.patience_ns;
}

static uint32_t rank_for_place(const struct conn *c, uint64_t idle)
{
    bool over = c->flags & F_RELEASED || c->state == ST_LAST_ACK || c->state == ST_CLOSING;

    if (over && (!c->sndq.bytes || idle >= DONE_NS))
        return 2;
    return c->sndq.bytes && idle >= STUCK_NS;
}

/* ---- the hand ---- */

static struct conn *scan(struct sl_tcp *t, uint32_t slots, uint32_t (*rank)(const struct conn *, uint64_t))
{
    struct conn *best = NULL;
    uint32_t best_rank = 0;
    uint64_t best_idle = 0;

    for (; slots; slots--) {
        struct conn *c;
        uint32_t r;

        t->evict.hand = t->evict.hand + 1 < t->conns.made ? t->evict.hand + 1 : 1;
        c = conn_at(t, t->evict.hand);
        if (!c->t || !(c->flags & F_IN_TABLE) || !conn_synchronized(c))
            continue;
        r = rank(c, idle_ns(c));
        if (r && (r > best_rank || (r == best_rank && idle_ns(c) > best_idle))) {
            best = c;
            best_rank = r;
            best_idle = idle_ns(c);
        }
    }
    return best;
}

static void evict(struct conn *c)
{
    sl_stat_drop(c->t->stats, SL_DROP_TCP_EVICTED);
    sl_tcp_conn_abort(c, SL_REASON_NO_RESOURCE);
}

/* ---- for a place in the table ---- */

static bool is_full(const struct sl_tcp *t) { return t->table.count - t->lingers.used >= t->conns_max; }

bool sl_tcp_evict_room(struct sl_tcp *t)
{
    uint32_t slots = SL_MIN(t->evict.budget, t->conns.made - 1);
    struct conn *c;

    if (!is_full(t))
        return true;
    t->evict.budget -= slots;
    c = scan(t, slots, rank_for_place);
    if (!c)
        return false;
    evict(c);
    return !is_full(t);
}

/* ---- for memory ---- */

static void lose_patience(struct sl_tcp *t)
{
    uint64_t least = memory_is_below(t, MARK_AHEAD)      ? PATIENCE_TIGHT_NS
                     : memory_is_below(t, MARK_IN_ORDER) ? PATIENCE_AHEAD_NS
                                                         : PATIENCE_LEAST_NS;

    t->evict.passed = 0;
    t->evict.patience_ns = SL_MAX(t->evict.patience_ns / 2, least);
}

static void make_memory(struct sl_tcp *t)
{
    for (uint32_t i = 0; i < SCAN_SLOTS / CHUNK_SLOTS && !memory_is_below(t, MARK_TIGHT); i++) {
        uint32_t slots = SL_MIN(CHUNK_SLOTS, t->conns.made - 1);
        struct conn *c = scan(t, slots, rank_for_memory);

        t->evict.passed = c ? 0 : t->evict.passed + slots;
        if (c)
            evict(c);
        else if (t->evict.passed >= t->conns.made - 1)
            lose_patience(t);
    }
}

void sl_tcp_evict_timers(struct sl_tcp *t)
{
    t->evict.budget = SCAN_SLOTS;
    if (memory_is_below(t, MARK_TIGHT)) {
        t->evict.patience_ns = PATIENCE_MAX_NS;
        return;
    }
    if (t->now < t->evict.next_at)
        return;
    t->evict.next_at = t->now + PERIOD_NS;
    make_memory(t);
}

uint64_t sl_tcp_evict_next(const struct sl_tcp *t)
{
    return memory_is_below(t, MARK_TIGHT) ? SL_NEVER : SL_MAX(t->evict.next_at, t->now);
}
