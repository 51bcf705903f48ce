/* Initial sequence numbers (RFC 6528): a keyed hash of the tuple plus a clock of 4 us, so that they can't be guessed
 * from outside and still grow per tuple. */
#include "tcp/tcp_internal.h"

uint32_t sl_tcp_isn(const struct sl_tcp *t, const struct tuple *tuple)
{
    return (uint32_t)sl_siphash(&t->isn_key, tuple, TUPLE_KEY_BYTES) + (uint32_t)(t->now / (4 * SL_NS_PER_US));
}

/* The same for the timestamp clock (RFC 7323 5.4): no uptime leaks, and one tuple's clock goes on across connections,
 * as RFC 6191 needs. */
uint32_t sl_tcp_ts_offset(const struct sl_tcp *t, const struct tuple *tuple)
{
    return (uint32_t)sl_siphash(&t->ts_key, tuple, TUPLE_KEY_BYTES);
}

uint32_t sl_tcp_ts_clock(const struct sl_tcp *t, const struct tuple *tuple)
{
    return tcp_now_ms(t) + sl_tcp_ts_offset(t, tuple);
}
