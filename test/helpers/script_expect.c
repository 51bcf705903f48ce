/* What a segment script expects of the endpoint: segments, silence, states, events. */
#include "helpers/script_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define SLOP_NS (2 * SL_NS_PER_MS) /* a wheel's tick, and the width of "now" */

static struct script *const g = &g_script;

static bool right_pattern(const struct script_conn *c, const struct th_tcp *t)
{
    uint32_t first = t->seq - c->iss - (t->flags & TH_SYN ? 0 : 1);

    for (uint32_t i = 0; i < t->len; i++)
        if (t->data[i] != script_pattern(false, first + i))
            return false;
    return true;
}

static bool same_sacks(const struct script_conn *c, const struct th_tcp *t, const struct script_seg *seg)
{
    if (t->n_sacks != seg->n_sacks)
        return false;
    for (uint32_t i = 0; i < t->n_sacks; i++)
        if (t->sacks[i][0] - c->peer_iss != seg->sacks[i][0] || t->sacks[i][1] - c->peer_iss != seg->sacks[i][1])
            return false;
    return true;
}

static uint32_t scaled(const struct script_conn *c, const struct th_tcp *t)
{
    return t->flags & TH_SYN || c->ws_ours < 0 || c->ws_peer < 0 ? t->wnd : (uint32_t)t->wnd << c->ws_ours;
}

/* What is wrong with the sequence numbers, flags and length; NULL: nothing. */
static const char *differs_in_header(const struct script_conn *c, const struct th_tcp *t, const struct script_seg *seg)
{
    uint8_t ignored = seg->flags == TH_RST ? TH_PSH | TH_ACK : TH_PSH;

    if (t->dport != (seg->has & SEG_FROM ? seg->from : c->rport) || t->sport != c->lport)
        return "ports";
    if ((t->flags & ~ignored) != (seg->flags & ~ignored))
        return "flags";
    if (seg->has & SEG_SEQ && t->seq != (seg->has & SEG_SEQ_ABS ? seg->seq : seg->seq + c->iss))
        return "sequence number";
    if (t->len != seg->len)
        return "length";
    if (seg->has & SEG_ACK && t->ack != (seg->has & SEG_ACK_ABS ? seg->ack : seg->ack + c->peer_iss))
        return "acknowledgment number";
    if (seg->has & SEG_WND && t->wnd != seg->wnd)
        return "window field";
    if (seg->has & SEG_WIN && scaled(c, t) != seg->win)
        return "window";
    return right_pattern(c, t) ? NULL : "data";
}

static const char *differs_in_options(const struct script_conn *c, const struct th_tcp *t, const struct script_seg *seg)
{
    if (seg->has & SEG_MSS && t->mss != seg->mss)
        return "MSS option";
    if (seg->has & SEG_WS && t->wscale != seg->ws + 1)
        return "window scale option";
    if (seg->has & SEG_SACKOK && !t->sack_ok)
        return "SACK-permitted option";
    if (seg->has & SEG_TS && (!t->has_ts || t->tsecr != seg->tsecr))
        return "timestamp option";
    if (seg->has & SEG_NOTS && t->has_ts)
        return "a timestamp option";
    if (seg->has & SEG_SACK && !same_sacks(c, t, seg))
        return "SACK blocks";
    if (seg->has & SEG_NOSACK && (t->n_sacks || t->sack_ok))
        return "a SACK option";
    if (seg->has & SEG_NOOPT && t->raw_opts_len)
        return "options";
    /* RFC 7323 3.2: once agreed, every segment but RST carries timestamps. */
    if (c->ts_ours && c->ts_peer && !(t->flags & (TH_SYN | TH_RST)) && !t->has_ts)
        return "no timestamp although it was agreed";
    return NULL;
}

static void compare(const char *file, int line, const char *text, const struct script_seg *seg)
{
    const struct script_conn *c = script_conn();
    char got[400];
    const char *why;

    if (g->seen.kind != TH_TCP)
        why = "not TCP";
    else
        why = differs_in_header(c, &g->seen.tcp, seg);
    if (!why)
        why = differs_in_options(c, &g->seen.tcp, seg);
    if (!why && ((seg->has & SEG_ECT && (g->seen.tos & 3) != 2) || (seg->has & SEG_NOECT && g->seen.tos & 3)))
        why = "ECN bits of IP";
    if (why)
        script_fail(file, line, "expected \"%s\", got %s: %s", text, script_describe(&g->seen, got, sizeof got), why);
}

void ts_expect(const char *file, int line, double lo_ms, double hi_ms, const char *fmt, ...)
{
    uint64_t from = g->now + script_ms(lo_ms), to = g->now + script_ms(hi_ms);
    struct script_seg seg;
    const char *why;
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    why = script_seg_parse(text, &seg);
    if (why)
        script_fail(file, line, "\"%s\": %s", text, why);
    if (g->n_incoming)
        script_run();
    while (!g->first && g->now < to)
        script_step(to);
    if (!g->first)
        script_fail(file, line, "expected \"%s\", got nothing", text);
    memcpy(g->seen_bytes, g->first->bytes, g->first->len);
    why = th_decode(g->seen_bytes, g->first->len, &g->seen);
    if (why)
        script_fail(file, line, "expected \"%s\", got a malformed frame: %s", text, why);
    compare(file, line, text, &seg);
    if (g->first->at_ns + SLOP_NS < from || g->first->at_ns > to + SLOP_NS)
        script_fail(file, line, "\"%s\" came at %.3f ms", text, (double)(g->first->at_ns - g->start) / 1e6);
    script_forget(g->first);
}

void ts_expect_nothing(const char *file, int line)
{
    struct th_pkt p;
    char got[400];

    if (g->n_incoming)
        script_run();
    if (!g->first)
        return;
    th_decode(g->first->bytes, g->first->len, &p);
    script_fail(file, line, "expected nothing, got %s", script_describe(&p, got, sizeof got));
}

const struct th_tcp *script_last(void) { return &g->seen.tcp; }
uint32_t script_seq(uint32_t relative) { return relative + script_conn()->iss; }
uint32_t script_last_ack(void) { return g->seen.tcp.ack - script_conn()->peer_iss; }
uint32_t script_conns(void) { return sl_tcp_conns(g->tcp); }

/* ---- states ---- */
struct search {
    const struct script_conn *conn;
    struct sl_tcp_info found;
    bool any;
};

static void look(void *ctx, const struct sl_tcp_info *info)
{
    struct search *s = ctx;

    if (info->local.port == s->conn->lport && info->remote.port == s->conn->rport &&
        sl_ip_equal(&info->remote.ip, &g->remote)) {
        s->found = *info;
        s->any = true;
    }
}

static bool find(struct sl_tcp_info *info)
{
    struct search s = {.conn = script_conn()};
    uint32_t position = 0;

    while (sl_tcp_each(g->tcp, &position, 16, look, &s)) {
    }
    *info = s.found;
    return s.any;
}

struct sl_tcp_info script_info(void)
{
    struct sl_tcp_info info = {.state = "CLOSED"};

    if (!find(&info))
        info.state = "CLOSED";
    return info;
}

void ts_state(const char *file, int line, const char *name)
{
    struct sl_tcp_info info;
    bool any;

    if (g->n_incoming)
        script_run();
    any = find(&info);
    if (!any && (strcmp(name, "CLOSED") == 0 || strcmp(name, "TIME-WAIT") == 0))
        return;
    if (!any || strcmp(info.state, name) != 0)
        script_fail(file, line, "expected state %s, got %s", name, any ? info.state : "no connection");
}

void ts_event(const char *file, int line, uint8_t bits)
{
    script_run();
    if ((script_conn()->events & bits) != bits)
        script_fail(file, line, "expected events 0x%02x, got 0x%02x", bits, script_conn()->events);
}

void ts_no_event(const char *file, int line, uint8_t bits)
{
    script_run();
    if (script_conn()->events & bits)
        script_fail(file, line, "expected none of events 0x%02x, got 0x%02x", bits, script_conn()->events);
}

void forget_events(void)
{
    script_run();
    script_conn()->events = 0;
}

void ts_closed_for(const char *file, int line, enum sl_reason reason)
{
    const struct script_conn *c = script_conn();

    ts_event(file, line, SL_STREAM_CLOSED);
    if (c->reason != reason)
        script_fail(file, line, "closed for \"%s\", not for \"%s\"", sl_reason_text[c->reason], sl_reason_text[reason]);
}
