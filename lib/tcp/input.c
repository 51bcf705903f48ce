/* Segments arrive (RFC 9293 3.10.7). A burst is parsed, hashed and prefetched first, then each segment meets its
 * connection, in order. */
#include <rte_prefetch.h>

#include "tcp/tcp_internal.h"

#define CHALLENGE_PERIOD_MS 1000u
#define CHALLENGES_MIN 5u

enum verdict { NEXT, DONE };

/* ---- answers to what is not acceptable ---- */

/* Limited per connection, with a random part, so that counting them tells nothing about other connections (RFC 5961
 * section 7, CVE-2016-5696). */
bool sl_tcp_challenge(struct conn *c)
{
    struct seldom *x = sl_tcp_conn_need_seldom(c);
    struct sl_tcp *t = c->t;
    uint32_t now_ms = tcp_now_ms(t);

    /* The period is over, perhaps since weeks ago: the clock wraps. */
    if (x->challenge_ms - now_ms - 1 >= CHALLENGE_PERIOD_MS * 3 / 2) {
        x->challenge_ms = now_ms + CHALLENGE_PERIOD_MS + (uint32_t)sl_rng_below(&t->rng, CHALLENGE_PERIOD_MS / 2);
        x->challenge_left = (uint8_t)(CHALLENGES_MIN + sl_rng_below(&t->rng, CHALLENGES_MIN));
    }
    if (!x->challenge_left) {
        sl_stat_drop(t->stats, SL_DROP_TCP_CHALLENGE_LIMITED);
        return false;
    }
    x->challenge_left--;
    sl_stat_inc(t->stats, SL_CTR_TCP_CHALLENGES);
    conn_ack_now(c);
    return true;
}

static enum verdict refuse(struct conn *c, enum sl_drop why)
{
    sl_stat_drop(c->t->stats, why);
    return DONE;
}

/* An ACK tells the peer where we stand. Bytes that came twice mean that our ACK was lost: those are answered always. */
static enum verdict refuse_with_ack(struct conn *c, const struct seg *s, enum sl_drop why)
{
    if (!(s->flags & TF_RST)) {
        if (s->len) {
            if (seq_leq(s->seq + s->len, c->rcv_nxt))
                sl_tcp_recv_note_dup(c, s->seq, s->seq + s->len);
            conn_ack_now(c);
        } else {
            sl_tcp_challenge(c);
        }
    }
    return refuse(c, why);
}

/* ---- 3.10.7.4, first: sequence numbers ---- */

/* RFC 7323 5.3, and 5.5: after 24 days of silence ts_recent says nothing. */
static bool paws_rejects(const struct conn *c, const struct seg *s)
{
    return s->opts & OPT_TS && (int32_t)(s->tsval - c->ts_recent) < 0 &&
           c->t->now < conn_last_rx_ns(c) + TCP_PAWS_AGE_NS;
}

/* Some of it lies in the window. With a closed window what stands at rcv_nxt may pass for its ACK and RST. A bare
 * segment may stand at the right edge: so does an ACK of a peer that filled the window while some of it was lost. */
static bool in_window(const struct conn *c, const struct seg *s)
{
    uint32_t space = seg_space(s);

    if (s->seq == c->rcv_nxt)
        return true;
    if (s->flags & TF_RST)
        return seq_in(s->seq, c->rcv_nxt, c->rcv_adv);
    if (c->rcv_adv == c->rcv_nxt)
        return false;
    if (!space)
        return seq_geq(s->seq, c->rcv_nxt) && seq_leq(s->seq, c->rcv_adv);
    return seq_lt(s->seq, c->rcv_adv) && seq_gt(s->seq + space, c->rcv_nxt);
}

/* Leaves of s what lies in the window. */
static void trim(struct conn *c, struct seg *s)
{
    uint32_t right;

    if (seq_lt(s->seq, c->rcv_nxt)) {
        uint32_t n = SL_MIN(c->rcv_nxt - s->seq, s->len);

        if (n)
            sl_tcp_recv_note_dup(c, s->seq, s->seq + n);
        s->seq += n;
        s->skip += n;
        s->len -= n;
    }
    right = c->rcv_adv - s->seq;
    if (s->len > right) {
        s->len = right;
        s->flags &= (uint8_t)~TF_FIN;
        conn_ack_now(c);
    }
}

static enum verdict check_sequence(struct conn *c, struct seg *s)
{
    if (c->state == ST_SYN_RCVD && s->flags & TF_SYN && s->flags & TF_ACK &&
        s->seq == c->opening.irs) {               /* the other half of a simultaneous open */
        s->flags &= (uint8_t) ~(TF_SYN | TF_ECE); /* ECE beside SYN is no echo */
        s->seq++;
        conn_ack_now(c);
    }
    if (!(s->flags & TF_RST) && c->flags & F_TS) {
        if (!(s->opts & OPT_TS)) /* RFC 7323 3.2 */
            return refuse(c, SL_DROP_TCP_NO_TIMESTAMP);
        if (paws_rejects(c, s))
            return refuse_with_ack(c, s, SL_DROP_TCP_PAWS);
    }
    if (!in_window(c, s))
        return refuse_with_ack(c, s, SL_DROP_TCP_OUT_OF_WINDOW);
    if (s->flags & (TF_RST | TF_SYN))
        return NEXT;
    trim(c, s);
    return NEXT;
}

/* ---- second: RST (RFC 5961 section 3) ---- */

static enum verdict check_rst(struct conn *c, struct seg *s)
{
    if (!(s->flags & TF_RST))
        return NEXT;
    if (s->seq != c->rcv_nxt) {
        sl_tcp_challenge(c);
        return refuse(c, SL_DROP_TCP_BLIND_RST);
    }
    sl_stat_inc(c->t->stats, SL_CTR_TCP_RST_RECEIVED);
    sl_tcp_conn_end(c, c->state == ST_SYN_RCVD                             ? SL_REASON_REFUSED
                       : c->state == ST_CLOSING || c->state == ST_LAST_ACK ? SL_REASON_NONE
                                                                           : SL_REASON_RESET);
    return DONE;
}

/* ---- fourth: SYN (RFC 5961 section 4) ---- */

static enum verdict check_syn(struct conn *c, struct seg *s)
{
    if (!(s->flags & TF_SYN))
        return NEXT;
    sl_tcp_challenge(c);
    return refuse(c, SL_DROP_TCP_BLIND_SYN);
}

/* ---- fifth: ACK (RFC 9293, RFC 5961 section 5) ---- */

/* The segment is the peer's: its numbers and its ACK are acceptable. RFC 7323 4.3: it leaves its timestamp if it covers
 * the last ACK that we sent. */
static void believe(struct conn *c, const struct seg *s)
{
    if (c->flags & F_TS && s->opts & OPT_TS && !paws_rejects(c, s) && seq_leq(s->seq_sent, c->last_ack))
        c->ts_recent = s->tsval;
    conn_heard(c);
    c->alive_probes = 0;
}

static enum verdict check_ack(struct conn *c, struct seg *s)
{
    uint32_t newest = c->snd_nxt + !!(c->flags & F_PROBE_OUT);

    if (!(s->flags & TF_ACK))
        return refuse(c, SL_DROP_TCP_NO_ACK);
    if (c->state == ST_SYN_RCVD) {
        if (seq_leq(s->ack, c->snd_una) || seq_gt(s->ack, c->snd_nxt)) {
            sl_tcp_rst_answer(c->t, s);
            return refuse(c, SL_DROP_TCP_BAD_ACK);
        }
        c->snd_wnd = c->max_snd_wnd = seg_window(s, c->snd_shift);
        c->snd_wl1 = s->seq;
        c->snd_wl2 = s->ack;
        sl_tcp_send_acked(c, s->ack);
        sl_tcp_connect_established(c);
    }
    if (seq_gt(s->ack, newest) || seq_lt(s->ack, c->snd_una - c->max_snd_wnd)) {
        sl_tcp_challenge(c);
        return refuse(c, SL_DROP_TCP_BAD_ACK);
    }
    believe(c, s);
    sl_tcp_ack_process(c, s);
    return conn_synchronized(c) ? NEXT : DONE;
}

/* ---- seventh and eighth: text and FIN; sixth, urgent data, is delivered in line ---- */

static enum verdict take_text(struct conn *c, struct seg *s)
{
    static const bool takes[ST_COUNT] = {[ST_ESTABLISHED] = true, [ST_FIN_WAIT_1] = true, [ST_FIN_WAIT_2] = true};
    uint32_t end = s->seq + s->len;
    bool fin = s->flags & TF_FIN;

    sl_tcp_ecn_receive(c, s);
    if (!takes[c->state]) {
        if (s->len || fin)
            conn_ack_now(c);
        return DONE;
    }
    if (s->len)
        sl_tcp_recv_text(c, s);
    if (takes[c->state])
        sl_tcp_recv_fin(c, end, fin);
    return DONE;
}

void sl_tcp_text_input(struct conn *c, struct seg *s)
{
    trim(c, s);
    take_text(c, s);
}

void sl_tcp_synchronized_input(struct conn *c, struct seg *s)
{
    static enum verdict (*const steps[])(struct conn *, struct seg *) = {check_sequence, check_rst, check_syn,
                                                                         check_ack, take_text};

    for (uint32_t i = 0; i < SL_ARRAY_LEN(steps) && steps[i](c, s) == NEXT; i++)
        ;
}

/* ---- whom a segment belongs to ---- */

static void to_stranger(struct sl_tcp *t, struct seg *s, bool has_floor, uint32_t iss_floor)
{
    struct sl_tcp_listener *l = sl_tcp_listen_find(t, &s->tuple);

    if (l) {
        struct conn *c = sl_tcp_listen_input(l, s, has_floor, iss_floor);

        if (c)
            sl_tcp_synchronized_input(c, s);
        return;
    }
    sl_stat_drop(t->stats, SL_DROP_TCP_NO_CONN);
    sl_tcp_rst_answer(t, s);
}

static void to_conn(struct sl_tcp *t, uint32_t idx, struct seg *s)
{
    static void (*const by_state[ST_COUNT])(struct conn *, struct seg *) = {
        [ST_SYN_SENT] = sl_tcp_connect_input,         [ST_SYN_RCVD] = sl_tcp_synchronized_input,
        [ST_ESTABLISHED] = sl_tcp_synchronized_input, [ST_FIN_WAIT_1] = sl_tcp_synchronized_input,
        [ST_FIN_WAIT_2] = sl_tcp_synchronized_input,  [ST_CLOSE_WAIT] = sl_tcp_synchronized_input,
        [ST_CLOSING] = sl_tcp_synchronized_input,     [ST_LAST_ACK] = sl_tcp_synchronized_input,
    };
    struct conn *c = conn_at(t, idx);

    by_state[c->state](c, s);
}

static void to_request(struct sl_tcp *t, uint32_t idx, struct seg *s)
{
    struct conn *c = sl_tcp_request_input(request_at(t, idx), s);

    if (c)
        sl_tcp_synchronized_input(c, s);
}

static void to_linger(struct sl_tcp *t, uint32_t idx, struct seg *s)
{
    uint32_t iss_floor;

    if (sl_tcp_linger_input(linger_at(t, idx), s, t, &iss_floor))
        to_stranger(t, s, true, iss_floor);
}

static void dispatch(struct sl_tcp *t, struct seg *s)
{
    static void (*const by_kind[])(struct sl_tcp *, uint32_t, struct seg *) = {
        [REF_CONN] = to_conn, [REF_REQUEST] = to_request, [REF_LINGER] = to_linger};
    uint32_t ref = sl_tcp_table_find(&t->table, &s->tuple);

    if (ref)
        by_kind[ref_kind(ref)](t, ref_idx(ref), s);
    else
        to_stranger(t, s, false, 0);
    rte_pktmbuf_free(s->mbuf);
}

/* Parses the batch into segs and begins to fetch their buckets; how many there are. */
static uint32_t parse(struct sl_tcp *t, const struct sl_net_batch *batch, struct seg *segs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < batch->n_segs; i++) {
        struct seg *s = &segs[n];
        enum sl_drop why;

        if (sl_tcp_wire_parse(&batch->segs[i], s, &why)) {
            s->tuple.hash = table_hash(&t->table, &s->tuple);
            table_prefetch(&t->table, s->tuple.hash);
            n++;
            continue;
        }
        sl_stat_drop(t->stats, why);
        rte_pktmbuf_free(s->mbuf);
    }
    return n;
}

/* ---- what a segment will need is fetched some segments ahead, one pointer further at each stage ---- */

#define AHEAD 6u /* segments between two stages: what the memory can have under way, and a cache miss's time */

static void fetch_owner(const struct sl_tcp *t, struct seg *s)
{
    static const struct {
        size_t slab;
        uint32_t lines;
    } kinds[] = {[REF_CONN] = {offsetof(struct sl_tcp, conns), 6},
                 [REF_REQUEST] = {offsetof(struct sl_tcp, requests), 3},
                 [REF_LINGER] = {offsetof(struct sl_tcp, lingers), 2}};
    uint32_t ref = s->guess = sl_tcp_table_guess(&t->table, s->tuple.hash);

    if (ref) {
        const struct slab *slab = (const struct slab *)((const char *)t + kinds[ref_kind(ref)].slab);
        const char *owner = slab_at(slab, ref_idx(ref));

        for (uint32_t i = 0; i < kinds[ref_kind(ref)].lines; i++)
            rte_prefetch0(owner + i * SL_CACHE_LINE);
    }
}

/* The guess may be wrong, and what it names may be gone by then: the memory is there all the same, and nothing but a
 * fetch comes of it. */
static const struct conn *guessed_conn(const struct sl_tcp *t, const struct seg *s)
{
    return s->guess && ref_kind(s->guess) == REF_CONN ? conn_at(t, ref_idx(s->guess)) : NULL;
}

static void fetch_queued(const struct sl_tcp *t, struct seg *s)
{
    const struct conn *c = guessed_conn(t, s);

    if (c)
        rte_prefetch0(node_at(&t->nodes, c->sndq.head));
}

static void fetch_buffer(const struct sl_tcp *t, struct seg *s)
{
    const struct conn *c = guessed_conn(t, s);

    if (c && c->sndq.head)
        rte_prefetch0(node_at(&t->nodes, c->sndq.head)->mbuf);
}

static void dispatch_all(struct sl_tcp *t, struct seg *segs, uint32_t n)
{
    static void (*const stages[])(const struct sl_tcp *, struct seg *) = {fetch_owner, fetch_queued, fetch_buffer};

    for (uint32_t i = 0; i < n + SL_ARRAY_LEN(stages) * AHEAD; i++) {
        for (uint32_t k = 0; k < SL_ARRAY_LEN(stages); k++)
            if (i - k * AHEAD < n)
                stages[k](t, &segs[i - k * AHEAD]);
        if (i - SL_ARRAY_LEN(stages) * AHEAD < n)
            dispatch(t, &segs[i - SL_ARRAY_LEN(stages) * AHEAD]);
    }
}

void sl_tcp_input(struct sl_tcp *t, struct sl_net_batch *batch, uint64_t now)
{
    struct seg segs[SL_NET_BURST];
    uint32_t n;

    t->now = now;
    n = parse(t, batch, segs);
    sl_stat_add(t->stats, SL_CTR_TCP_RX_SEGS, n);
    dispatch_all(t, segs, n);
    for (uint32_t i = 0; i < batch->n_errs; i++)
        sl_tcp_icmp_input(t, &batch->errs[i]);
    batch->n_segs = batch->n_errs = 0;
    sl_tcp_conn_reap(t);
}
