/* TCP_INFO: what lib/tcp tells about a connection, in the layout of Linux. What Sluice has no notion of is zero. */
#include "adapter.h"

#include <errno.h>
#include <linux/tcp.h>

/* Linux's numbers for the states (include/net/tcp_states.h). */
static const struct {
    const char *name;
    uint8_t number;
} states[] = {
    {"ESTABLISHED", 1}, {"SYN-SENT", 2},   {"SYN-RECEIVED", 3}, {"FIN-WAIT-1", 4}, {"FIN-WAIT-2", 5}, {"TIME-WAIT", 6},
    {"CLOSED", 7},      {"CLOSE-WAIT", 8}, {"LAST-ACK", 9},     {"LISTEN", 10},    {"CLOSING", 11},
};

static uint8_t state_of(const char *name)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(states); i++)
        if (strcmp(states[i].name, name) == 0)
            return states[i].number;
    return 0;
}

static const uint8_t ca_state[] = {[SL_TCP_RECOVERY_NONE] = TCP_CA_Open,
                                   [SL_TCP_RECOVERY_CWR] = TCP_CA_CWR,
                                   [SL_TCP_RECOVERY_FAST] = TCP_CA_Recovery,
                                   [SL_TCP_RECOVERY_TIMEOUT] = TCP_CA_Loss};

static uint32_t segs(uint32_t bytes, uint32_t mss) { return mss ? (bytes + mss - 1) / mss : 0; }

static void fill_agreed(struct tcp_info *t, const struct sl_tcp_info *i)
{
    t->tcpi_state = state_of(i->state);
    t->tcpi_options = (i->has_ts ? TCPI_OPT_TIMESTAMPS : 0) | (i->has_sack ? TCPI_OPT_SACK : 0) |
                      (i->has_wscale ? TCPI_OPT_WSCALE : 0);
    t->tcpi_snd_wscale = i->snd_wscale & 15;
    t->tcpi_rcv_wscale = i->rcv_wscale & 15;
    t->tcpi_snd_mss = i->mss;
    t->tcpi_rcv_mss = i->rcv_mss;
    t->tcpi_pmtu = i->mtu;
}

static void fill_flight(struct tcp_info *t, const struct sl_tcp_info *i)
{
    t->tcpi_ca_state = ca_state[i->recovery];
    t->tcpi_retransmits = i->backoff;
    t->tcpi_backoff = i->backoff;
    t->tcpi_unacked = segs(i->flight_bytes, i->mss);
    t->tcpi_sacked = segs(i->sacked_bytes, i->mss);
    t->tcpi_lost = segs(i->lost_bytes, i->mss);
    t->tcpi_total_retrans = i->retransmits;
    t->tcpi_notsent_bytes = i->snd_queued_bytes > i->flight_bytes ? i->snd_queued_bytes - i->flight_bytes : 0;
}

static void fill_times(struct tcp_info *t, const struct sl_tcp_info *i)
{
    t->tcpi_rto = i->rto_ms * 1000;
    t->tcpi_rtt = i->srtt_us;
    t->tcpi_rttvar = i->rttvar_us;
    t->tcpi_snd_cwnd = i->mss ? i->cwnd_bytes / i->mss : 0;
    /* Linux has no word for "none yet" but its largest number. */
    t->tcpi_snd_ssthresh = i->mss && i->ssthresh_bytes < INT32_MAX ? i->ssthresh_bytes / i->mss : INT32_MAX;
    t->tcpi_rcv_space = i->rcv_wnd_bytes;
    t->tcpi_snd_wnd = i->snd_wnd_bytes;
}

int pd_tcp_info(struct pd_sock *s, void *value, socklen_t *len)
{
    struct sl_tcp_info info = {.state = s->listener ? "LISTEN" : "CLOSED"};
    struct tcp_info t = {0};

    if (s->stream)
        sl_tcp_stream_info(s->stream, &info);
    fill_agreed(&t, &info);
    if (s->stream) {
        fill_flight(&t, &info);
        fill_times(&t, &info);
    }
    memset(value, 0, *len);
    memcpy(value, &t, SL_MIN((size_t)*len, sizeof t));
    return 0;
}
