/* Any bytes as a ticket and as a file of ticket keys: nothing is read too far, only what was sealed opens, and only with
 * its binding. */
#include <stdlib.h>

#include "tls/ticket.h"

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

#define NOW 1000000
#define DAY 86400

static struct sl_tickets *tickets;
static struct sl_ticket_set set;
static const uint8_t binding[SL_TICKET_BINDING_BYTES] = {7};

static enum sl_ticket_verdict open_exact(const uint8_t *bytes, uint32_t len, uint8_t *state, uint32_t *state_bytes)
{
    enum sl_ticket_verdict verdict = sl_ticket_open(tickets, binding, NOW, DAY, bytes, len, state, state_bytes);

    MUST(verdict < SL_TICKET_VERDICT_COUNT);
    MUST((verdict <= SL_TICKET_GOOD_OLD) || *state_bytes == 0);
    return verdict;
}

/* Bytes of the peer's own, or behind the head of a ticket of ours. */
static void open_any(const uint8_t *data, uint32_t len, bool ours)
{
    uint8_t *ticket = malloc(len + 1), *state = malloc(len + 1);
    uint32_t state_bytes;

    MUST(ticket && state);
    memcpy(ticket, data, len);
    if (ours && len > SL_TICKET_NAME_BYTES) {
        ticket[0] = 1;
        MUST(sl_ticket_set_name(&set, SL_TICKET_CURRENT, ticket + 1));
    }
    MUST(open_exact(ticket, len, state, &state_bytes) >= SL_TICKET_FOREIGN);
    free(ticket);
    free(state);
}

/* A good ticket over the rest, with one byte changed, and cut or whole. */
static void open_spoiled(const uint8_t *data, uint32_t len)
{
    uint32_t state_bytes = len > 3 ? len - 3 : 0, ticket_bytes = state_bytes + SL_TICKET_OVERHEAD_BYTES, cut, got;
    uint8_t *ticket = malloc(ticket_bytes), *state = malloc(ticket_bytes);
    uint8_t change = len > 2 ? data[2] : 0;
    uint32_t at = len > 1 ? (uint32_t)(data[0] << 8 | data[1]) % ticket_bytes : 0;

    MUST(ticket && state);
    if (state_bytes > SL_TICKET_STATE_MAX_BYTES) {
        MUST(sl_ticket_seal(tickets, binding, NOW, data + 3, state_bytes, ticket, ticket_bytes) == 0);
    } else {
        enum sl_ticket_verdict verdict;

        MUST(sl_ticket_seal(tickets, binding, NOW, state_bytes ? data + 3 : NULL, state_bytes, ticket, ticket_bytes) ==
             ticket_bytes);
        ticket[at] ^= change;
        verdict = open_exact(ticket, ticket_bytes, state, &got);
        MUST((verdict == SL_TICKET_GOOD) == (change == 0));
        MUST(change != 0 || (got == state_bytes && (got == 0 || memcmp(state, data + 3, got) == 0)));
        ticket[at] ^= change;
        cut = at;
        MUST(open_exact(ticket, cut, state, &got) >= SL_TICKET_FOREIGN);
    }
    free(ticket);
    free(state);
}

static void read_keys(const uint8_t *data, uint32_t len)
{
    struct sl_ticket_set got, back;
    char text[SL_TICKET_TEXT_MAX];
    enum sl_ticket_fault fault;
    uint32_t line;

    fault = sl_ticket_set_parse(&got, (const char *)data, len, &line);
    MUST(fault < SL_TICKET_FAULT_COUNT);
    if (fault)
        return;
    MUST(got.has[SL_TICKET_CURRENT]);
    MUST(sl_ticket_set_parse(&back, text, sl_ticket_set_format(&got, text), &line) == SL_TICKET_FAULT_NONE);
    MUST(memcmp(&back, &got, sizeof got) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tickets) {
        tickets = sl_tickets_create();
        sl_ticket_set_make(&set);
        MUST(tickets && sl_tickets_use(tickets, &set) == 0);
    }
    if (size == 0 || size > 2 * SL_TICKET_MAX_BYTES)
        return 0;
    if (data[0] % 4 < 2)
        open_any(data + 1, (uint32_t)size - 1, data[0] % 4 == 1);
    else if (data[0] % 4 == 2)
        open_spoiled(data + 1, (uint32_t)size - 1);
    else
        read_keys(data + 1, (uint32_t)size - 1);
    return 0;
}
