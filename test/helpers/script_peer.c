/* The peer of a segment script: segments and ICMP errors from text. */
#include "helpers/script_internal.h"

#include <stdio.h>
#include <stdlib.h>

static struct script *const g = &g_script;

static void fill_payload(struct th_tcp *t, const struct script_conn *c, const struct script_seg *seg, uint8_t *data)
{
    uint32_t first = t->seq - c->peer_iss - (t->flags & TH_SYN ? 0 : 1);

    for (uint32_t i = 0; i < seg->len; i++)
        data[i] = seg->has & SEG_FILL ? 0xee : script_pattern(true, first + i);
    t->data = data;
    t->len = seg->len;
}

static void fill_options(struct th_tcp *t, const struct script_conn *c, const struct script_seg *seg)
{
    bool agreed = c->ts_ours && c->ts_peer && !(t->flags & TH_SYN);

    t->mss = seg->mss;
    t->wscale = seg->has & SEG_WS ? (uint8_t)(seg->ws + 1) : 0;
    t->sack_ok = seg->has & SEG_SACKOK;
    if (seg->has & SEG_TS) {
        t->has_ts = true;
        t->tsval = seg->tsval;
        t->tsecr = seg->tsecr;
    } else if (agreed && !(seg->has & (SEG_NOTS | SEG_NOOPT))) {
        t->has_ts = true;
        t->tsval = c->ts_val + (uint32_t)((g->now - c->ts_at) / SL_NS_PER_MS);
        t->tsecr = c->ts_echo;
    }
    t->n_sacks = seg->n_sacks;
    for (uint32_t i = 0; i < seg->n_sacks; i++) {
        t->sacks[i][0] = seg->sacks[i][0] + c->iss;
        t->sacks[i][1] = seg->sacks[i][1] + c->iss;
    }
    if (seg->has & SEG_OPT) {
        t->raw_opts = seg->opt;
        t->raw_opts_len = seg->opt_len;
    }
}

static void learn_peer(struct script_conn *c, const struct th_tcp *t, const struct script_seg *seg)
{
    if (t->flags & TH_SYN && !(seg->has & (SEG_SEQ_ABS | SEG_OPT | SEG_BADSUM))) {
        c->ws_peer = t->wscale ? t->wscale - 1 : -1;
        c->ts_peer = t->has_ts;
    }
    if (t->has_ts && (t->flags & TH_SYN || (int32_t)(t->tsval - c->ts_val) > 0)) {
        c->ts_val = t->tsval;
        c->ts_at = g->now;
    }
}

static uint16_t window(const struct script_conn *c, const struct script_seg *seg)
{
    if (seg->has & SEG_WND)
        return seg->wnd;
    if (seg->has & SEG_WIN)
        return (uint16_t)(seg->win >> (c->ws_ours >= 0 && c->ws_peer >= 0 ? c->ws_peer : 0));
    return c->wnd;
}

/* A connection that neither side has named yet comes from the peer. */
static struct script_conn *open_conn(void)
{
    struct script_conn *c = script_conn();

    if (!c->used) {
        *c = (struct script_conn){.used = true,
                                  .lport = SCRIPT_LPORT,
                                  .rport = (uint16_t)(SCRIPT_RPORT + g->current),
                                  .wnd = 65535,
                                  .ws_ours = -1,
                                  .ws_peer = -1};
        c->peer_iss = g->world.peer_iss + g->current * 1000000;
    }
    return c;
}

static void queue(const char *file, int line, const char *text)
{
    static uint8_t data[TH_FRAME_MAX];
    struct script_conn *c = open_conn();
    struct script_seg seg;
    struct th_pkt p = {.kind = TH_TCP, .eth_src = th_mac(2), .eth_dst = th_mac(1), .src = g->remote, .dst = g->local};
    const char *why = script_seg_parse(text, &seg);
    char line_text[400];

    if (why || !(seg.has & SEG_SEQ) || seg.len > sizeof data)
        script_fail(file, line, "\"%s\": %s", text, why ? why : "a sequence number is needed");
    p.tcp = (struct th_tcp){
        .sport = seg.has & SEG_FROM ? seg.from : c->rport, .dport = c->lport, .flags = seg.flags, .urg = seg.urg};
    p.tcp.seq = seg.has & SEG_SEQ_ABS ? seg.seq : seg.seq + c->peer_iss;
    if (seg.has & SEG_ACK)
        p.tcp.ack = seg.has & SEG_ACK_ABS ? seg.ack : seg.ack + c->iss;
    else if (seg.flags & TH_ACK)
        p.tcp.ack = c->sent_end;
    p.tcp.wnd = c->wnd = window(c, &seg);
    fill_options(&p.tcp, c, &seg);
    if (seg.len)
        fill_payload(&p.tcp, c, &seg, data);
    p.lie.tcp_doff = seg.doff;
    p.lie.l4_cksum = seg.has & SEG_BADSUM ? 0x1234 : 0;
    p.tos = seg.has & SEG_CE ? 3 : seg.has & SEG_ECT ? 2 : 0;
    learn_peer(c, &p.tcp, &seg);
    script_note("< %s", script_describe(&p, line_text, sizeof line_text));
    script_deliver(&p);
}

void ts_peer_batch(const char *file, int line, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    queue(file, line, text);
}

void ts_peer(const char *file, int line, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    queue(file, line, text);
    script_run();
}

/* ---- ICMP ---- */
static void icmp(uint8_t type, uint8_t code, uint32_t rest, uint32_t seq)
{
    struct script_conn *c = script_conn();
    struct th_pkt about = {.kind = TH_TCP,
                           .eth_src = th_mac(1),
                           .eth_dst = th_mac(2),
                           .src = g->local,
                           .dst = g->remote},
                  error;
    struct th_store store;
    uint8_t bytes[256];
    size_t len;

    about.tcp = (struct th_tcp){.sport = c->lport,
                                .dport = c->rport,
                                .seq = c->iss + seq,
                                .ack = c->peer_iss + 1,
                                .flags = TH_ACK,
                                .wnd = 1000};
    len = th_encode(&about, bytes, sizeof bytes);
    th_icmp_error(&error, &store, g->remote, type, code, rest, bytes, len, g->ip6 ? 1232 : 28);
    script_note("< ICMP type %u code %u about seq %u", type, code, seq);
    script_deliver(&error);
    script_run();
}

void peer_icmp_unreachable(uint8_t code, uint32_t seq)
{
    static const struct {
        uint8_t code4, type6, code6;
    } twins[] = {{0, 1, 0}, {1, 1, 3}, {2, 4, 1}, {3, 1, 4}, {13, 1, 1}};

    if (!g->ip6) {
        icmp(3, code, 0, seq);
        return;
    }
    for (size_t i = 0; i < SL_ARRAY_LEN(twins); i++)
        if (twins[i].code4 == code)
            icmp(twins[i].type6, twins[i].code6, 0, seq);
}

void peer_icmp_too_big(uint16_t mtu, uint32_t seq)
{
    if (g->ip6)
        icmp(2, 0, mtu, seq);
    else
        icmp(3, 4, mtu, seq);
}
