/* The ends of a connection: our half (shutdown), the peer's (FIN), and the user who leaves (release). RFC 9293 3.6,
 * 3.10.4. */
#include "tcp/tcp_internal.h"

void sl_tcp_close_shutdown(struct conn *c)
{
    static const uint8_t next[ST_COUNT] = {[ST_ESTABLISHED] = ST_FIN_WAIT_1, [ST_CLOSE_WAIT] = ST_LAST_ACK};

    if (c->flags & F_SHUT || c->state == ST_CLOSED || c->state == ST_TIME_WAIT)
        return;
    c->flags |= F_SHUT;
    c->stream.state &= (uint8_t)~SL_STREAM_WRITABLE;
    if (next[c->state])
        sl_tcp_set_state(c, (enum state)next[c->state]);
    conn_wants_output(c);
}

static void wait_no_longer_than_time_wait(struct conn *c)
{
    if (c->flags & F_RELEASED)
        sl_tcp_timer_limit(c, c->t->now + c->t->time_wait_ns);
}

void sl_tcp_close_release(struct conn *c)
{
    if (c->flags & F_RELEASED)
        return;
    sl_list_remove(&c->stream.ready_link);
    c->stream.ready = NULL;
    c->flags |= F_RELEASED;
    if (c->state == ST_CLOSED || c->state == ST_TIME_WAIT) {
        sl_tcp_conn_bury(c);
        return;
    }
    if (!(c->flags & F_SHUT)) {
        sl_tcp_conn_abort(c, SL_REASON_ABORTED);
        return;
    }
    sl_tcp_conn_drop_reasm(c);
    queue_clear(&c->t->nodes, &c->rcvq);
    if (c->state == ST_FIN_WAIT_2)
        wait_no_longer_than_time_wait(c);
}

void sl_tcp_close_fin_acked(struct conn *c)
{
    switch (c->state) {
    case ST_FIN_WAIT_1:
        sl_tcp_set_state(c, ST_FIN_WAIT_2);
        wait_no_longer_than_time_wait(c);
        break;
    case ST_CLOSING:
        sl_tcp_linger_begin(c);
        break;
    case ST_LAST_ACK:
        sl_tcp_conn_end(c, SL_REASON_NONE);
        break;
    }
}

void sl_tcp_close_peer_fin(struct conn *c)
{
    switch (c->state) {
    case ST_ESTABLISHED:
        sl_tcp_set_state(c, ST_CLOSE_WAIT);
        break;
    case ST_FIN_WAIT_1: /* had our FIN been acknowledged, it would be FIN-WAIT-2 by now */
        sl_tcp_set_state(c, ST_CLOSING);
        break;
    case ST_FIN_WAIT_2:
        sl_tcp_linger_begin(c);
        break;
    }
}
