#include "flooder.h"

#include <errno.h>

int flooder_init(struct flooder *f, const struct flooder_params *p, struct sl_err *err)
{
    const struct sl_endpoint *to = &p->plan->targets[p->id % SL_MAX(p->plan->n_targets, 1)];
    int code;

    *f = (struct flooder){.p = *p, .per_ns = p->plan->flood_rate / p->n_workers / (double)SL_NS_PER_S};
    sl_ready_init(&f->ready);
    f->p.from.seed = p->seed;
    if (!p->plan->n_targets)
        return sl_err_set(err, -EINVAL, "a flood needs --to");
    code = tuples_init(&f->target, &f->p.from, to, err);
    if (code == 0 && sl_net_route(p->from.net, &f->target.locals[0], &to->ip, &f->path) < 0)
        code = sl_err_set(err, -EHOSTUNREACH, "no way to the flood's target");
    return code;
}

/* ---- the link address ---- */

struct search {
    const struct sl_ip *ip;
    struct rte_ether_addr mac;
    bool found;
};

static void look_at(void *ctx, const struct sl_net_neighbour_info *info)
{
    struct search *s = ctx;

    if (!sl_ip_equal(&info->ip, s->ip) || rte_is_zero_ether_addr(&info->mac))
        return;
    s->mac = info->mac;
    s->found = true;
}

static void drop_probe(struct flooder *f)
{
    struct sl_stream *s = f->probe;

    if (!s)
        return;
    if (!(s->state & SL_STREAM_CLOSED))
        s->ops->abort(s, SL_REASON_ABORTED);
    s->ops->release(s);
    f->probe = NULL;
}

void flooder_end(struct flooder *f) { drop_probe(f); }

static void begin(struct flooder *f, const struct rte_ether_addr *mac, uint64_t now)
{
    bool is4 = sl_ip_is4(&f->target.target.ip);
    struct flood_conf conf = {.kind = f->p.plan->flood_kind,
                              .source_bits = is4 ? FLOODER_SOURCE4_BITS : FLOODER_SOURCE6_BITS,
                              .to = f->target.target,
                              .source_mac = f->p.from.ifaces[f->path.iface].mac,
                              .to_mac = *mac,
                              .seed = f->p.seed};

    (void)sl_ip_parse(is4 ? FLOODER_SOURCE4 : FLOODER_SOURCE6, &conf.source);
    drop_probe(f);
    f->began_ns = now;
    f->flows = flood_init(&f->flood, &conf, NULL) == 0;
}

void flooder_run(struct flooder *f, uint64_t now)
{
    struct search s = {.ip = sl_net_next_hop(f->p.from.net, &f->path, &f->target.target.ip)};
    struct sl_endpoint local;
    struct sl_stream *stream;
    uint8_t events;
    int why;

    if (f->flows)
        return;
    while ((stream = sl_ready_take(&f->ready, &events)))
        if (stream->state & SL_STREAM_CLOSED)
            drop_probe(f);
    sl_net_each_neighbour(f->p.from.net, look_at, &s);
    if (s.found)
        begin(f, &s.mac, now);
    else if (!f->probe && tuples_take(&f->target, &local))
        f->probe = sl_tcp_connect(f->p.from.tcp, &local, &f->target.target, NULL, &f->ready, NULL, now, &why);
}

/* ---- the frames ---- */

uint32_t flooder_fill(struct flooder *f, uint64_t now, struct rte_mbuf **frames, uint32_t max)
{
    uint32_t n = max;

    if (!f->flows)
        return 0;
    if (f->per_ns > 0) {
        double due = (double)(now - f->began_ns) * f->per_ns - (double)f->sent;

        n = due < 1 ? 0 : (uint32_t)SL_MIN(due, (double)max);
    }
    n = flood_fill(&f->flood, f->p.pool, frames, n);
    f->sent += n;
    return n;
}
