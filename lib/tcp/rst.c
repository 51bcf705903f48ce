/* Resets. One budget per worker bounds how many answers to strangers leave, so that nobody's forged segments make us a
 * reflector. */
#include "tcp/tcp_internal.h"

#define RST_PERIOD_NS (100 * SL_NS_PER_MS)
#define RST_PER_PERIOD 100u

static bool budget_allows(struct sl_tcp *t)
{
    if (t->now >= t->rst_budget.period_end_ns) {
        t->rst_budget.period_end_ns = t->now + RST_PERIOD_NS;
        t->rst_budget.left = RST_PER_PERIOD + (uint32_t)sl_rng_below(&t->rng, RST_PER_PERIOD);
    }
    if (t->rst_budget.left == 0) {
        sl_stat_drop(t->stats, SL_DROP_TCP_RST_LIMITED);
        return false;
    }
    t->rst_budget.left--;
    return true;
}

void sl_tcp_rst_send(struct sl_tcp *t, const struct tuple *tuple, uint32_t seq, uint32_t ack, uint8_t flags)
{
    struct header h = {.seq = seq, .ack = flags & TF_ACK ? ack : 0, .flags = flags};

    if (sl_tcp_emit_bare(t, tuple, &h) == EMIT_SENT)
        sl_stat_inc(t->stats, SL_CTR_TCP_RST_SENT);
}

/* RFC 9293 3.5.2, group 1. A RST is never answered. */
void sl_tcp_rst_answer(struct sl_tcp *t, const struct seg *s)
{
    if (s->flags & TF_RST || !budget_allows(t))
        return;
    if (s->flags & TF_ACK)
        sl_tcp_rst_send(t, &s->tuple, s->ack, 0, TF_RST);
    else
        sl_tcp_rst_send(t, &s->tuple, 0, s->seq + seg_space(s), TF_RST | TF_ACK);
}
