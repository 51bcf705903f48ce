/* States and the moves between them (RFC 9293 figure 5, with the reset and abort that lead to CLOSED from everywhere).
 */
#include "tcp/tcp_internal.h"

const char *const sl_tcp_state_name[ST_COUNT] = {
    [ST_CLOSED] = "CLOSED",         [ST_LISTEN] = "LISTEN",           [ST_SYN_SENT] = "SYN-SENT",
    [ST_SYN_RCVD] = "SYN-RECEIVED", [ST_ESTABLISHED] = "ESTABLISHED", [ST_FIN_WAIT_1] = "FIN-WAIT-1",
    [ST_FIN_WAIT_2] = "FIN-WAIT-2", [ST_CLOSE_WAIT] = "CLOSE-WAIT",   [ST_CLOSING] = "CLOSING",
    [ST_LAST_ACK] = "LAST-ACK",     [ST_TIME_WAIT] = "TIME-WAIT",
};

#define TO(state) (1u << (state))

static const uint16_t moves[ST_COUNT] = {
    /* A passive open is a request before it is a connection: its connection is born established. */
    [ST_CLOSED] = TO(ST_SYN_SENT) | TO(ST_ESTABLISHED),
    [ST_SYN_SENT] = TO(ST_CLOSED) | TO(ST_SYN_RCVD) | TO(ST_ESTABLISHED),
    [ST_SYN_RCVD] = TO(ST_CLOSED) | TO(ST_ESTABLISHED),
    [ST_ESTABLISHED] = TO(ST_CLOSED) | TO(ST_FIN_WAIT_1) | TO(ST_CLOSE_WAIT),
    [ST_FIN_WAIT_1] = TO(ST_CLOSED) | TO(ST_FIN_WAIT_2) | TO(ST_CLOSING) | TO(ST_TIME_WAIT),
    [ST_FIN_WAIT_2] = TO(ST_CLOSED) | TO(ST_TIME_WAIT),
    [ST_CLOSE_WAIT] = TO(ST_CLOSED) | TO(ST_LAST_ACK),
    [ST_CLOSING] = TO(ST_CLOSED) | TO(ST_TIME_WAIT),
    [ST_LAST_ACK] = TO(ST_CLOSED),
    [ST_TIME_WAIT] = TO(ST_CLOSED),
};

bool sl_tcp_state_may_move(enum state from, enum state to) { return moves[from] & TO(to); }

void sl_tcp_set_state(struct conn *c, enum state to)
{
    assert(sl_tcp_state_may_move((enum state)c->state, to));
    c->state = (uint8_t)to;
}
