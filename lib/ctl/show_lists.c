/* conns and neighbours: lists that only the worker may walk. It fills a message a piece at a time, so that neither side holds more than one piece. */
#include <errno.h>
#include <inttypes.h>

#include "ctl/internal.h"

struct list {
    const char *name; /* of the JSON member */
    enum sl_worker_msg_kind kind;
    const char *header; /* of the table for a person */
    void (*json)(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o);
    void (*text)(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o);
};

static void conn_json(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o)
{
    const struct sl_tcp_info *c = &msg->conns[i];
    char local[SL_ENDPOINT_TEXT_MAX], remote[SL_ENDPOINT_TEXT_MAX];

    out_put(o,
            "\"local\":\"%s\",\"remote\":\"%s\",\"state\":\"%s\",\"passive\":%s,\"mss_bytes\":%u,\"snd_wnd_bytes\":%u,"
            "\"rcv_wnd_bytes\":%u,"
            "\"cwnd_bytes\":%u,\"ssthresh_bytes\":%u,\"srtt_us\":%u,\"rto_ms\":%u,\"snd_queued_bytes\":%u,\"rcv_queued_"
            "bytes\":%u,\"retransmits\":%u,\"congestion_control\":\"%s\",\"pacing_bytes_per_s\":%" PRIu64,
            sl_endpoint_format(&c->local, local), sl_endpoint_format(&c->remote, remote), c->state,
            c->passive ? "true" : "false", c->mss, c->snd_wnd_bytes, c->rcv_wnd_bytes, c->cwnd_bytes, c->ssthresh_bytes,
            c->srtt_us, c->rto_ms, c->snd_queued_bytes, c->rcv_queued_bytes, c->retransmits, c->cc,
            c->pacing_bytes_per_s);
}

static void conn_text(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o)
{
    const struct sl_tcp_info *c = &msg->conns[i];
    char local[SL_ENDPOINT_TEXT_MAX], remote[SL_ENDPOINT_TEXT_MAX];

    out_put(o, " %-28s %-28s %-12s %8u %8u %8u %8u %8u %6u %s\n", sl_endpoint_format(&c->local, local),
            sl_endpoint_format(&c->remote, remote), c->state, c->snd_queued_bytes, c->rcv_queued_bytes, c->cwnd_bytes,
            c->snd_wnd_bytes, c->srtt_us, c->retransmits, c->cc);
}

static void neighbour_json(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o)
{
    const struct sl_net_neighbour_info *n = &msg->neighbours[i];
    const uint8_t *mac = n->mac.addr_bytes;
    char ip[SL_IP_TEXT_MAX];

    out_put(o, "\"interface\":\"%s\",\"ip\":\"%s\",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"state\":\"%s\"",
            ctl_iface_name(ctl, n->iface), sl_ip_format(&n->ip, ip), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
            n->state);
}

static void neighbour_text(const struct sl_ctl *ctl, const struct sl_worker_msg *msg, uint32_t i, struct out *o)
{
    const struct sl_net_neighbour_info *n = &msg->neighbours[i];
    const uint8_t *mac = n->mac.addr_bytes;
    char ip[SL_IP_TEXT_MAX];

    out_put(o, " %-12s %-40s %02x:%02x:%02x:%02x:%02x:%02x %s\n", ctl_iface_name(ctl, n->iface),
            sl_ip_format(&n->ip, ip), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], n->state);
}

static bool show(struct sl_ctl *ctl, const struct list *list, struct progress *p, enum format format, struct out *o,
                 int *status)
{
    struct sl_worker_msg *msg = &ctl->msgs[p->worker];

    if (p->stage == 0) {
        if (format == FORMAT_JSON)
            out_put(o, "{\"%s\":[", list->name);
        else
            out_put(o, "%s", list->header);
        p->stage = 1;
    }
    if (p->worker == ctl->params.n_workers) {
        if (format == FORMAT_JSON)
            out_put(o, "]}\n");
        return false;
    }
    if (!ctl->asked[p->worker]) {
        msg->kind = list->kind;
        msg->position = p->position;
        msg->n = 0;
        msg->more = false;
    }
    *status = ctl_ask(ctl, p->worker);
    if (*status) {
        out_put(o, format == FORMAT_JSON ? "]}\n" : "worker %u does not answer\n", p->worker);
        return false;
    }
    for (uint32_t i = 0; i < msg->n; i++) {
        if (format == FORMAT_JSON) {
            out_put(o, "%s{\"worker\":%u,", p->some ? "," : "", p->worker);
            list->json(ctl, msg, i, o);
            out_put(o, "}");
        } else {
            out_put(o, "%6u", p->worker);
            list->text(ctl, msg, i, o);
        }
        p->some = true;
    }
    p->position = msg->position;
    if (!msg->more) {
        p->worker++;
        p->position = 0;
    }
    return true;
}

bool ctl_show_conns(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    static const struct list conns = {
        .name = "conns",
        .kind = SL_MSG_CONNS,
        .header = "worker local                        remote                       state        snd_q    rcv_q    "
                  "cwnd     snd_wnd  srtt_us  rexmit cc\n",
        .json = conn_json,
        .text = conn_text,
    };

    return show(ctl, &conns, p, format, o, status);
}

bool ctl_show_neighbours(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    static const struct list neighbours = {
        .name = "neighbours",
        .kind = SL_MSG_NEIGHBOURS,
        .header = "worker interface    address                                  MAC               state\n",
        .json = neighbour_json,
        .text = neighbour_text,
    };

    return show(ctl, &neighbours, p, format, o, status);
}
