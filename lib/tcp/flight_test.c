/* The flight against a byte-by-byte model, with random operations: exact while there is room, and never knowing more than
 * the model when there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tcp/flight.h"

#define SPACE 4000u
#define BASE 0xfffff800u /* numbers wrap on the way */

/* What is known of every byte of [una, nxt). */
struct model {
    uint32_t una, nxt;
    uint32_t now_us;
    bool exact; /* as long as there is room for everything */
    struct {
        uint32_t sent_us;
        uint8_t flags;
    } at[SPACE];
};

static void model_sent(struct model *m, uint32_t end)
{
    for (; m->nxt < end; m->nxt++) {
        m->at[m->nxt].sent_us = m->now_us;
        m->at[m->nxt].flags = 0;
    }
}

/* ---- agreement ---- */

struct sums {
    uint32_t sacked, lost, again, sacked_runs;
};

static void add_run(struct sums *s, uint8_t flags, uint32_t bytes)
{
    if (flags & RUN_SACKED) {
        s->sacked += bytes;
        s->sacked_runs++;
        return;
    }
    s->lost += flags & RUN_LOST ? bytes : 0;
    s->again += flags & RUN_AGAIN ? bytes : 0;
}

/* The list is sorted, without a gap, and its sums are what the runs add up to. */
static void check_sound(const struct flight *f, const struct model *m)
{
    struct sums s = {0};
    uint32_t edge = BASE + m->una;

    assert_int_equal(f->una, edge);
    assert_true(f->n <= FLIGHT_RUNS_MAX && f->first <= f->n);
    for (uint32_t i = f->first; i < f->n; i++) {
        assert_true(seq_gt(f->runs[i].end, edge));
        if (i > f->first)
            assert_false(f->runs[i].flags & f->runs[i - 1].flags & RUN_SACKED);
        assert_int_not_equal(f->runs[i].flags & (RUN_SACKED | RUN_LOST), RUN_SACKED | RUN_LOST);
        add_run(&s, f->runs[i].flags, f->runs[i].end - edge);
        edge = f->runs[i].end;
    }
    assert_int_equal(edge, BASE + m->nxt);
    assert_int_equal(f->sacked_bytes, s.sacked);
    assert_int_equal(f->lost_bytes, s.lost);
    assert_int_equal(f->again_bytes, s.again);
    assert_int_equal(f->sacked_runs, s.sacked_runs);
}

static void check_byte(const struct flight_run *r, uint8_t flags, uint32_t sent_us, bool exact)
{
    if (exact) {
        assert_int_equal(r->flags & (RUN_SACKED | RUN_LOST), flags & (RUN_SACKED | RUN_LOST));
        if (!(flags & RUN_SACKED)) {
            assert_int_equal(r->flags, flags);
            assert_int_equal(r->sent_us, sent_us);
        }
        return;
    }
    if (r->flags & RUN_SACKED) {
        assert_true(flags & RUN_SACKED);
        return;
    }
    if (r->flags & RUN_LOST)
        assert_true(flags & RUN_LOST);
    if (flags & RUN_AGAIN)
        assert_true(r->flags & RUN_AGAIN);
    assert_false(us_later(sent_us, r->sent_us));
}

static void check_model(const struct flight *f, const struct model *m)
{
    uint32_t i = f->first;

    check_sound(f, m);
    for (uint32_t b = m->una; b < m->nxt; b++) {
        while (seq_leq(f->runs[i].end, BASE + b))
            i++;
        check_byte(&f->runs[i], m->at[b].flags, m->at[b].sent_us, m->exact);
    }
}

/* ---- operations on both ---- */

static uint32_t some(struct sl_rng *rng, uint32_t below) { return below ? (uint32_t)sl_rng_below(rng, below) : 0; }
static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static void do_sent(struct flight *f, struct model *m, struct sl_rng *rng)
{
    uint32_t end = least(m->nxt + 1 + some(rng, 40), SPACE);

    if (end == m->nxt)
        return;
    sl_tcp_flight_sent(f, BASE + end, m->now_us);
    model_sent(m, end);
}

static void do_acked(struct flight *f, struct model *m, struct sl_rng *rng)
{
    uint32_t ack = m->una + some(rng, least(m->nxt - m->una + 1, 60u));
    struct piece p;

    while (sl_tcp_flight_take_acked(f, BASE + ack, &p)) {
        assert_int_equal(p.start, BASE + m->una);
        m->una += p.end - p.start;
        assert_true(m->una <= ack);
    }
    assert_int_equal(m->una, ack);
}

static void do_sacked(struct flight *f, struct model *m, struct sl_rng *rng)
{
    uint32_t from = m->una + some(rng, m->nxt - m->una), to = least(from + 1 + some(rng, 60), m->nxt),
             seq = BASE + from;
    struct piece p;
    bool forgot;

    while (seq_lt(seq, BASE + to) && sl_tcp_flight_take_sacked(f, &seq, BASE + to, &p, &forgot)) {
        assert_false(p.flags & RUN_SACKED);
        for (uint32_t b = p.start - BASE; b < p.end - BASE; b++) {
            m->at[b].flags &= (uint8_t)~RUN_LOST;
            m->at[b].flags |= RUN_SACKED;
        }
    }
}

static void do_lose(struct flight *f, struct model *m, struct sl_rng *rng)
{
    uint32_t from = m->una + some(rng, m->nxt - m->una), to = least(from + some(rng, 60), m->nxt);

    sl_tcp_flight_lose(f, BASE + from, BASE + to);
    for (uint32_t b = from; b < to; b++)
        m->at[b].flags |= m->at[b].flags & RUN_SACKED ? 0 : RUN_LOST;
}

static void do_again(struct flight *f, struct model *m, struct sl_rng *rng)
{
    struct range r;
    uint32_t from, to;

    if (!f->lost_bytes)
        return;
    r = sl_tcp_flight_next_lost(f);
    from = r.start - BASE;
    to = from + least(1 + some(rng, 40), r.end - r.start);
    for (uint32_t b = from; b < to; b++) {
        assert_true(m->at[b].flags & RUN_LOST);
        m->at[b].flags = RUN_AGAIN;
        m->at[b].sent_us = m->now_us;
    }
    sl_tcp_flight_again(f, BASE + from, BASE + to, m->now_us);
}

static void do_forget(struct flight *f, struct model *m, struct sl_rng *rng)
{
    bool sacks = !m->exact && some(rng, 2); /* SACKED runs forget their times */

    if (some(rng, 20))
        return;
    if (sacks)
        sl_tcp_flight_forget_sacks(f);
    else
        sl_tcp_flight_forget_losses(f);
    for (uint32_t b = m->una; b < m->nxt; b++)
        m->at[b].flags &= (uint8_t)(sacks ? RUN_AGAIN : ~RUN_LOST);
}

static void (*const ops[])(struct flight *, struct model *, struct sl_rng *) = {do_sent, do_sent,  do_acked, do_sacked,
                                                                                do_lose, do_again, do_forget};

static void run_random(uint64_t seed, uint32_t steps, bool exact)
{
    static struct model m;
    struct flight f = {0};
    struct sl_rng rng;

    sl_rng_seed(&rng, seed);
    memset(&m, 0, sizeof m);
    m.exact = exact;
    m.now_us = (uint32_t)sl_rng_below(&rng, UINT32_MAX);
    model_sent(&m, 1 + some(&rng, 100));
    sl_tcp_flight_init(&f, BASE, BASE + m.nxt, m.now_us);
    for (uint32_t i = 0; i < steps; i++) {
        m.now_us += some(&rng, 50);
        if (m.una == m.nxt)
            do_sent(&f, &m, &rng);
        else
            ops[some(&rng, SL_ARRAY_LEN(ops))](&f, &m, &rng);
        if (exact && f.n > FLIGHT_RUNS_MAX - FLIGHT_RESERVE - 3)
            return;
        check_model(&f, &m);
    }
}

static void it_agrees_with_a_model(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        run_random(seed, 200, true);
}

static void a_full_list_knows_less_and_nothing_wrong(void **state)
{
    for (uint64_t seed = 1000; seed <= 1100; seed++)
        run_random(seed, 600, false);
}

/* ---- named cases ---- */

static struct flight make(uint32_t bytes)
{
    struct flight f = {0};

    sl_tcp_flight_init(&f, BASE, BASE + bytes, 1000);
    return f;
}

static uint32_t sack(struct flight *f, uint32_t from, uint32_t to)
{
    uint32_t seq = BASE + from, bytes = 0;
    struct piece p;
    bool forgot;

    while (sl_tcp_flight_take_sacked(f, &seq, BASE + to, &p, &forgot))
        bytes += p.end - p.start;
    return bytes;
}

static void what_is_sent_at_one_moment_is_one_run(void **state)
{
    struct flight f = make(100);

    sl_tcp_flight_sent(&f, BASE + 200, 1000);
    assert_int_equal(f.n, 1);
    sl_tcp_flight_sent(&f, BASE + 300, 1001);
    assert_int_equal(f.n, 2);
}

static void sacks_merge_nest_and_count_once(void **state)
{
    struct flight f = make(1000);

    assert_int_equal(sack(&f, 100, 200), 100);
    assert_int_equal(sack(&f, 300, 400), 100);
    assert_int_equal(sack(&f, 150, 160), 0); /* nested */
    assert_int_equal(f.sacked_runs, 2);
    assert_int_equal(sack(&f, 200, 300), 100);
    assert_int_equal(f.sacked_runs, 1);
    assert_int_equal(f.sacked_bytes, 300);
    assert_int_equal(sack(&f, 50, 450), 100); /* around everything */
    assert_int_equal(f.n, 3);
}

/* Thousands of blocks (CVE-2019-11477 to 11479): what does not fit is forgotten, and room for retransmissions stays. */
static void thousands_of_sacks_are_bounded(void **state)
{
    struct flight f = make(4000);

    for (uint32_t i = 0; i < 1999; i++)
        sack(&f, i * 2 + 1, i * 2 + 2);
    assert_true(f.n <= FLIGHT_RUNS_MAX - FLIGHT_RESERVE + 2);
    assert_in_range(f.sacked_bytes, 50, 60);
    sl_tcp_flight_lose(&f, BASE, BASE + 4000);
    for (uint32_t i = 0; i < 4000 && f.lost_bytes; i++) {
        struct range r = sl_tcp_flight_next_lost(&f);

        sl_tcp_flight_again(&f, r.start, r.start + 1, 2000 + i);
    }
    assert_int_equal(f.lost_bytes, 0);
    assert_true(f.n <= FLIGHT_RUNS_MAX);
    sl_tcp_flight_sent(&f, BASE + 4001, 9000);
    assert_true(f.n <= FLIGHT_RUNS_MAX);
}

/* A smooth sender over a long path: thousands of moments in flight, told apart to a sixteenth of the time that they span,
 * and a cheap, exact end of the list. */
static void many_moments_keep_their_order_of_magnitude(void **state)
{
    struct flight f = make(10);
    uint32_t una = 0, nxt = 10, worst = 0;

    for (uint32_t i = 1; i < 20000; i++) {
        uint32_t now = 1000 + i * 100;
        struct piece p;

        nxt += 10;
        sl_tcp_flight_sent(&f, BASE + nxt, now);
        if (i < 5000)
            continue;
        una += 10;
        while (sl_tcp_flight_take_acked(&f, BASE + una, &p)) {
            uint32_t sent = 1000 + (p.start - BASE) / 10 * 100;

            assert_false(us_later(sent, p.sent_us));
            worst = SL_MAX(worst, p.sent_us - sent);
        }
    }
    assert_in_range(worst, 100, 500000 / 16);
}

/* What was made one run for want of room gives no round trip. */
static void runs_joined_by_force_are_not_timed(void **state)
{
    struct flight f = make(1);

    for (uint32_t i = 1; i < 1000; i++) {
        sl_tcp_flight_sent(&f, BASE + i * 2, 1000 + i * 7);
        sl_tcp_flight_sent(&f, BASE + i * 2 + 1, 1000 + i * 7);
        sl_tcp_flight_lose(&f, BASE + i * 2, BASE + i * 2 + 1); /* every second byte: no two runs are alike */
    }
    assert_true(f.n <= FLIGHT_RUNS_MAX);
    for (uint32_t i = f.first; i < f.n; i++) {
        if (f.runs[i].end - flight_start(&f, i) > 1)
            assert_true(f.runs[i].flags & RUN_AGAIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_model),
        cmocka_unit_test(a_full_list_knows_less_and_nothing_wrong),
        cmocka_unit_test(what_is_sent_at_one_moment_is_one_run),
        cmocka_unit_test(sacks_merge_nest_and_count_once),
        cmocka_unit_test(thousands_of_sacks_are_bounded),
        cmocka_unit_test(many_moments_keep_their_order_of_magnitude),
        cmocka_unit_test(runs_joined_by_force_are_not_timed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
