/* Passive opens without a request (RFC 4987 3.6): what is to be remembered goes into the SYN-ACK, and comes back in the
 * third segment. The number tells the MSS; where the client has timestamps, ours tells window scale, SACK and ECN in
 * its low bits. Nothing is kept, sent again or timed for a SYN. */
#include <errno.h>
#include <stdlib.h>

#include "tcp/tcp_internal.h"

#define USED_MIN 64u
#define USED_MAX 65536u
#define TX_ROOM_FRAMES (SL_NET_TX_QUEUE / 2) /* of the transmit queue that cookies leave to connections */
/* A later echo says when the client spoke, not how far away it is. */
#define TIMED_MS ((uint32_t)(TCP_RTO_SYN_NS / SL_NS_PER_MS))

static bool is4(const struct seg *s) { return sl_ip_is4(&s->tuple.local); }

/* ---- a SYN ---- */

static struct cookie_terms terms_of_syn(const struct sl_tcp_listener *l, const struct seg *s)
{
    uint16_t mss = s->opts & OPT_MSS ? s->mss : is4(s) ? TCP_MSS_DEFAULT4 : TCP_MSS_DEFAULT6;
    struct cookie_terms terms = {
        .mss = sl_tcp_cookie_mss_index(is4(s), mss), .bits = COOKIE_NO_TIMESTAMP, .rcv_shift = l->set->rcv_shift};

    if (!(s->opts & OPT_TS))
        return terms;
    terms.bits = s->opts & OPT_WSCALE ? (uint8_t)SL_MIN(s->wscale, TCP_SHIFT_MAX) : COOKIE_SHIFT_NONE;
    terms.bits |= s->opts & OPT_SACK_OK ? COOKIE_SACK_OK : 0;
    terms.bits |= s->opts & OPT_ECN ? COOKIE_ECN : 0;
    return terms;
}

/* The request that would have been kept. Its SYN-ACK is not sent again: sent stays 1. */
static struct request request_of(struct sl_tcp_listener *l, const struct seg *s, const struct cookie_terms *terms)
{
    struct request r = {.tuple = s->tuple, .listener = l, .set = l->set, .ts_recent = s->tsval, .sent = 1};
    uint8_t shift = terms->bits & COOKIE_SHIFT_MASK;

    r.peer_mss = sl_tcp_cookie_mss(is4(s), terms->mss);
    r.opts = OPT_MSS;
    if (terms->bits & COOKIE_NO_TIMESTAMP)
        return r;
    r.opts |= OPT_TS;
    r.opts |= shift != COOKIE_SHIFT_NONE ? OPT_WSCALE : 0;
    r.opts |= terms->bits & COOKIE_SACK_OK ? OPT_SACK_OK : 0;
    r.opts |= terms->bits & COOKIE_ECN ? OPT_ECN : 0;
    r.snd_shift = shift != COOKIE_SHIFT_NONE ? shift : 0;
    return r;
}

/* A flood must not take the transmit queue from those who are connected. */
static bool has_tx_room(struct sl_tcp *t, const struct tuple *tuple)
{
    struct sl_net_path path;

    return !sl_net_route(t->net, &tuple->local, &tuple->remote, &path) &&
           sl_net_tx_room(t->net, path.iface) >= TX_ROOM_FRAMES;
}

bool sl_tcp_cookie_answer(struct sl_tcp_listener *l, const struct seg *s, bool has_floor, uint32_t iss_floor)
{
    struct sl_tcp *t = l->t;
    struct cookie_terms terms = terms_of_syn(l, s);
    struct request r = request_of(l, s, &terms);

    r.irs = s->seq;
    r.iss = sl_tcp_cookie_make(&t->cookie_keys, &s->tuple, r.irs, &terms, t->now);
    if (has_floor && seq_leq(r.iss, iss_floor))
        return false;
    l->cookies_until = t->now + COOKIE_LIFE_NS;
    if (!has_tx_room(t, &s->tuple))
        sl_stat_drop(t->stats, SL_DROP_TCP_TX_FULL);
    else if (sl_tcp_request_syn_ack(t, &r, sl_tcp_cookie_tsval(sl_tcp_ts_clock(t, &s->tuple), terms.bits)) == EMIT_SENT)
        sl_stat_inc(t->stats, SL_CTR_TCP_COOKIES_SENT);
    return true;
}

/* ---- its ACK ---- */

/* What the echo of our timestamp says; *age_ms: how old it is, at most 63 ms too much. */
static struct cookie_terms terms_of_ack(const struct sl_tcp_listener *l, const struct seg *s, uint32_t *age_ms)
{
    struct cookie_terms terms = {.bits = COOKIE_NO_TIMESTAMP, .rcv_shift = l->set->rcv_shift};

    *age_ms = UINT32_MAX;
    if (s->opts & OPT_TS) {
        terms.bits = s->tsecr & ((1u << COOKIE_TS_BITS) - 1);
        *age_ms = sl_tcp_ts_clock(l->t, &s->tuple) - s->tsecr;
    }
    return terms;
}

/* A cookie opens one connection: once that is over, a late copy of its ACK or of the bytes with it must not open
 * another, which would hand the same bytes to the user again. Those that were taken are remembered as long as later ones
 * leave their place. */
static struct cookie_used *place_of(const struct sl_tcp *t, const struct seg *s)
{
    return &t->cookies_used[s->tuple.hash & t->cookies_used_mask];
}

static bool is_used(const struct sl_tcp *t, const struct seg *s)
{
    const struct cookie_used *u = place_of(t, s);

    return u->hash == s->tuple.hash && u->ack == s->ack;
}

int sl_tcp_cookie_init(struct sl_tcp *t)
{
    uint32_t n = USED_MIN;

    while (n < t->conns_max && n < USED_MAX)
        n *= 2;
    t->cookies_used = calloc(n, sizeof *t->cookies_used);
    t->cookies_used_mask = n - 1;
    return t->cookies_used ? 0 : -ENOMEM;
}

struct conn *sl_tcp_cookie_open(struct sl_tcp_listener *l, const struct seg *s, uint32_t replaces, enum sl_drop *why)
{
    static const enum sl_drop drops[] = {[COOKIE_GOOD] = SL_DROP_TCP_CONNS_MAX,
                                         [COOKIE_EXPIRED] = SL_DROP_TCP_COOKIE_EXPIRED,
                                         [COOKIE_BAD] = SL_DROP_TCP_COOKIE_BAD};
    struct sl_tcp *t = l->t;
    struct cookie_terms terms;
    struct request r;
    struct conn *c;
    uint32_t age_ms;
    enum cookie_verdict verdict;

    *why = SL_DROP_TCP_NO_CONN;
    if (t->now >= l->cookies_until || s->flags & TF_SYN)
        return NULL;
    terms = terms_of_ack(l, s, &age_ms);
    verdict = sl_tcp_cookie_check(&t->cookie_keys, &s->tuple, s->seq - 1, &terms, s->ack - 1, t->now);
    *why = verdict == COOKIE_GOOD && is_used(t, s) ? SL_DROP_TCP_COOKIE_USED : drops[verdict];
    if (*why != SL_DROP_TCP_CONNS_MAX)
        return NULL;
    r = request_of(l, s, &terms);
    r.irs = s->seq - 1;
    r.iss = s->ack - 1;
    r.sent_ns = age_ms <= TIMED_MS ? t->now - age_ms * SL_NS_PER_MS : 0;
    c = sl_tcp_request_open(&r, s, replaces);
    if (!c)
        return NULL;
    *place_of(t, s) = (struct cookie_used){s->tuple.hash, s->ack};
    sl_stat_inc(t->stats, SL_CTR_TCP_COOKIES_ACCEPTED);
    return c;
}
