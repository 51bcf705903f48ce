/* A model of the flight that knows every byte, and operations on both with numbers from anywhere: for the test and for the
 * fuzzer. Exact while there is room; the flight never knows more than the model when there is not. Whoever includes this
 * says what MODEL_MUST does, and may say something about functions that walk over bytes: MODEL_PLAIN. */
#ifndef SL_TCP_FLIGHT_MODEL_H
#define SL_TCP_FLIGHT_MODEL_H

#include <string.h>

#include "base/base.h"
#include "tcp/flight.h"

#ifndef MODEL_PLAIN
#define MODEL_PLAIN
#endif
#ifndef MODEL_CHECK_STEPS
#define MODEL_CHECK_STEPS 1u /* from one look at every byte to the next */
#endif

#define MODEL_SPACE 4000u
#define MODEL_BASE 0xfffff800u /* numbers wrap on the way */

/* What is known of every byte of [una, nxt). */
struct model {
    uint32_t una, nxt;
    uint32_t now_us;
    bool exact; /* as long as there is room for everything */
    struct {
        uint32_t sent_us;
        uint8_t flags;
    } at[MODEL_SPACE];
};

MODEL_PLAIN static inline void model_sent(struct model *m, uint32_t end)
{
    for (; m->nxt < end; m->nxt++) {
        m->at[m->nxt].sent_us = m->now_us;
        m->at[m->nxt].flags = 0;
    }
}

/* ---- agreement ---- */

struct model_sums {
    uint32_t sacked, lost, again, sacked_runs;
};

MODEL_PLAIN static inline void model_add_run(struct model_sums *s, uint8_t flags, uint32_t bytes)
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
MODEL_PLAIN static inline void model_check_sound(const struct flight *f, const struct model *m)
{
    struct model_sums s = {0};
    uint32_t edge = MODEL_BASE + m->una;

    MODEL_MUST(f->una == edge);
    MODEL_MUST(f->n <= FLIGHT_RUNS_MAX && f->first <= f->n);
    for (uint32_t i = f->first; i < f->n; i++) {
        MODEL_MUST(seq_gt(f->runs[i].end, edge));
        if (i > f->first)
            MODEL_MUST(!(f->runs[i].flags & f->runs[i - 1].flags & RUN_SACKED));
        MODEL_MUST((f->runs[i].flags & (RUN_SACKED | RUN_LOST)) != (RUN_SACKED | RUN_LOST));
        model_add_run(&s, f->runs[i].flags, f->runs[i].end - edge);
        edge = f->runs[i].end;
    }
    MODEL_MUST(edge == MODEL_BASE + m->nxt);
    MODEL_MUST(f->sacked_bytes == s.sacked);
    MODEL_MUST(f->lost_bytes == s.lost);
    MODEL_MUST(f->again_bytes == s.again);
    MODEL_MUST(f->sacked_runs == s.sacked_runs);
}

MODEL_PLAIN static inline void model_check_byte(const struct flight_run *r, uint8_t flags, uint32_t sent_us, bool exact)
{
    if (exact) {
        MODEL_MUST((r->flags & (RUN_SACKED | RUN_LOST)) == (flags & (RUN_SACKED | RUN_LOST)));
        if (!(flags & RUN_SACKED)) {
            MODEL_MUST(r->flags == flags);
            MODEL_MUST(r->sent_us == sent_us);
        }
        return;
    }
    if (r->flags & RUN_SACKED) {
        MODEL_MUST(flags & RUN_SACKED);
        return;
    }
    if (r->flags & RUN_LOST)
        MODEL_MUST(flags &
                   (RUN_LOST | RUN_SACKED)); /* for want of room it may have been forgotten that it was SACKED */
    if (flags & RUN_AGAIN)
        MODEL_MUST(r->flags & RUN_AGAIN);
    MODEL_MUST(!(us_later(sent_us, r->sent_us)));
}

MODEL_PLAIN static inline void model_check(const struct flight *f, const struct model *m)
{
    uint32_t i = f->first;

    model_check_sound(f, m);
    for (uint32_t b = m->una; b < m->nxt; b++) {
        while (seq_leq(f->runs[i].end, MODEL_BASE + b))
            i++;
        model_check_byte(&f->runs[i], m->at[b].flags, m->at[b].sent_us, m->exact);
    }
}

/* ---- operations on both ---- */

struct model_numbers {
    uint32_t (*below)(void *ctx, uint32_t n); /* n > 0 */
    void *ctx;
};

static inline uint32_t model_some(struct model_numbers *rng, uint32_t below)
{
    return below ? rng->below(rng->ctx, below) : 0;
}
static inline uint32_t model_least(uint32_t a, uint32_t b) { return a < b ? a : b; }

MODEL_PLAIN static inline void model_do_sent(struct flight *f, struct model *m, struct model_numbers *rng)
{
    uint32_t end = model_least(m->nxt + 1 + model_some(rng, 40), MODEL_SPACE);

    if (end == m->nxt)
        return;
    sl_tcp_flight_sent(f, MODEL_BASE + end, m->now_us);
    model_sent(m, end);
}

MODEL_PLAIN static inline void model_do_acked(struct flight *f, struct model *m, struct model_numbers *rng)
{
    uint32_t ack = m->una + model_some(rng, model_least(m->nxt - m->una + 1, 60u));
    struct piece p;

    while (sl_tcp_flight_take_acked(f, MODEL_BASE + ack, &p)) {
        MODEL_MUST(p.start == MODEL_BASE + m->una);
        m->una += p.end - p.start;
        MODEL_MUST(m->una <= ack);
    }
    MODEL_MUST(m->una == ack);
}

MODEL_PLAIN static inline void model_do_sacked(struct flight *f, struct model *m, struct model_numbers *rng)
{
    uint32_t from = m->una + model_some(rng, m->nxt - m->una), to = model_least(from + 1 + model_some(rng, 60), m->nxt),
             seq = MODEL_BASE + from;
    struct piece p;
    bool forgot;

    while (seq_lt(seq, MODEL_BASE + to) && sl_tcp_flight_take_sacked(f, &seq, MODEL_BASE + to, &p, &forgot)) {
        MODEL_MUST(!(p.flags & RUN_SACKED));
        for (uint32_t b = p.start - MODEL_BASE; b < p.end - MODEL_BASE; b++) {
            m->at[b].flags &= (uint8_t)~RUN_LOST;
            m->at[b].flags |= RUN_SACKED;
        }
    }
}

MODEL_PLAIN static inline void model_do_lose(struct flight *f, struct model *m, struct model_numbers *rng)
{
    uint32_t from = m->una + model_some(rng, m->nxt - m->una), to = model_least(from + model_some(rng, 60), m->nxt);

    sl_tcp_flight_lose(f, MODEL_BASE + from, MODEL_BASE + to);
    for (uint32_t b = from; b < to; b++)
        m->at[b].flags |= m->at[b].flags & RUN_SACKED ? 0 : RUN_LOST;
}

MODEL_PLAIN static inline void model_do_again(struct flight *f, struct model *m, struct model_numbers *rng)
{
    struct range r;
    uint32_t from, to;

    if (!f->lost_bytes)
        return;
    r = sl_tcp_flight_next_lost(f);
    from = r.start - MODEL_BASE;
    to = from + model_least(1 + model_some(rng, 40), r.end - r.start);
    for (uint32_t b = from; b < to; b++) {
        MODEL_MUST(m->at[b].flags & (m->exact ? RUN_LOST : RUN_LOST | RUN_SACKED));
        m->at[b].flags = RUN_AGAIN;
        m->at[b].sent_us = m->now_us;
    }
    sl_tcp_flight_again(f, MODEL_BASE + from, MODEL_BASE + to, m->now_us);
}

MODEL_PLAIN static inline void model_do_forget(struct flight *f, struct model *m, struct model_numbers *rng)
{
    bool sacks = !m->exact && model_some(rng, 2); /* SACKED runs forget their times */

    if (model_some(rng, 20))
        return;
    if (sacks)
        sl_tcp_flight_forget_sacks(f);
    else
        sl_tcp_flight_forget_losses(f);
    for (uint32_t b = m->una; b < m->nxt; b++)
        m->at[b].flags &= (uint8_t)(sacks ? RUN_AGAIN : ~RUN_LOST);
}

/* So many steps; an exact model stops when room becomes short. */
static inline void model_run(struct model_numbers *rng, uint32_t steps, bool exact)
{
    static void (*const ops[])(struct flight *, struct model *, struct model_numbers *) = {
        model_do_sent, model_do_sent, model_do_acked, model_do_sacked, model_do_lose, model_do_again, model_do_forget};
    static struct model m;
    struct flight f = {0};

    memset(&m, 0, sizeof m);
    m.exact = exact;
    m.now_us = model_some(rng, UINT32_MAX);
    model_sent(&m, 1 + model_some(rng, 100));
    sl_tcp_flight_init(&f, MODEL_BASE, MODEL_BASE + m.nxt, m.now_us);
    for (uint32_t i = 0; i < steps; i++) {
        m.now_us += model_some(rng, 50);
        if (m.una == m.nxt)
            model_do_sent(&f, &m, rng);
        else
            ops[model_some(rng, SL_ARRAY_LEN(ops))](&f, &m, rng);
        if (exact && f.n > FLIGHT_RUNS_MAX - FLIGHT_RESERVE - 3)
            return;
        if (i % MODEL_CHECK_STEPS == 0)
            model_check(&f, &m);
    }
    model_check(&f, &m);
}

#endif
