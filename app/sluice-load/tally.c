#include "tally.h"

const char *const load_failure_name[LOAD_FAILURES] = {
    [LOAD_FAIL_CONNECT] = "connect",         [LOAD_FAIL_PORTS] = "ports", [LOAD_FAIL_TLS] = "tls",
    [LOAD_FAIL_NOT_RESUMED] = "not_resumed", [LOAD_FAIL_RESET] = "reset", [LOAD_FAIL_EOF] = "eof",
    [LOAD_FAIL_STATUS] = "status",           [LOAD_FAIL_BYTES] = "bytes", [LOAD_FAIL_TIMEOUT] = "timeout",
};

void tally_clear(struct tally *t)
{
    uint64_t open = t->open;

    memset(t, 0, sizeof *t);
    t->open = open;
    histogram_clear(&t->latency);
    histogram_clear(&t->handshake);
}

void tally_merge(struct tally *into, const struct tally *from)
{
    into->operations += from->operations;
    for (size_t i = 0; i < LOAD_FAILURES; i++)
        into->failed[i] += from->failed[i];
    into->handshakes += from->handshakes;
    into->resumed += from->resumed;
    into->checked += from->checked;
    into->bytes_in += from->bytes_in;
    into->bytes_out += from->bytes_out;
    into->open += from->open;
    into->overdue += from->overdue;
    histogram_merge(&into->latency, &from->latency);
    histogram_merge(&into->handshake, &from->handshake);
}

uint64_t tally_failed(const struct tally *t)
{
    uint64_t n = 0;

    for (size_t i = 0; i < LOAD_FAILURES; i++)
        n += t->failed[i];
    return n;
}
