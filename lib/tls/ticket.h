/* ticket: session state sealed for the client to keep (RFC 8446 4.6.1; the construct that RFC 5077 4 recommends). Knows
 * nothing of what the state holds. A ticket is
 *
 *     version 1 | key's name 16 | nonce 12 | AES-256-GCM( time of issue 8 | state ) | tag 16
 *
 * and is bound to 32 bytes that the caller gives when it seals and when it opens: what must not have changed in between.
 * Machines that have the same keys open each other's tickets. */
#ifndef SL_TLS_TICKET_H
#define SL_TLS_TICKET_H

#include "tls/policy.h"

#define SL_TICKET_NAME_BYTES 16
#define SL_TICKET_SECRET_BYTES 32
#define SL_TICKET_BINDING_BYTES 32
#define SL_TICKET_STATE_MAX_BYTES 8192
#define SL_TICKET_OVERHEAD_BYTES (1 + SL_TICKET_NAME_BYTES + 12 + 8 + 16)
#define SL_TICKET_MAX_BYTES (SL_TICKET_OVERHEAD_BYTES + SL_TICKET_STATE_MAX_BYTES)

/* ---- keys as machines share them ---- */

/* Tickets are sealed with `current` and opened with any: machines whose files change at different times go on opening
 * each other's. A key is next, current, previous, in this order, and then forgotten. */
enum sl_ticket_role { SL_TICKET_NEXT, SL_TICKET_CURRENT, SL_TICKET_PREVIOUS, SL_TICKET_ROLE_COUNT };
extern const char *const sl_ticket_role_name[SL_TICKET_ROLE_COUNT];

struct sl_ticket_set {
    bool has[SL_TICKET_ROLE_COUNT]; /* current: always */
    uint8_t secret[SL_TICKET_ROLE_COUNT][SL_TICKET_SECRET_BYTES];
};

enum sl_ticket_fault {
    SL_TICKET_FAULT_NONE,
    SL_TICKET_FAULT_ROLE,   /* a line begins with none of next, current, previous */
    SL_TICKET_FAULT_TWICE,  /* a role stands twice */
    SL_TICKET_FAULT_DIGITS, /* no 64 hexadecimal digits behind it */
    SL_TICKET_FAULT_SAME,   /* two roles have one secret */
    SL_TICKET_FAULT_NO_CURRENT,
    SL_TICKET_FAULT_COUNT
};
extern const char *const sl_ticket_fault_text[SL_TICKET_FAULT_COUNT];

#define SL_TICKET_TEXT_MAX 1024

/* Reads the text of a file of keys: lines of a role and 64 hexadecimal digits, blank lines, comments from a '#' on.
 * *line: where the fault stands, from 1; 0: nowhere in particular. The set is erased when there is a fault. */
enum sl_ticket_fault sl_ticket_set_parse(struct sl_ticket_set *set, const char *text, size_t len_bytes, uint32_t *line);
/* The text that parse reads; its length. */
size_t sl_ticket_set_format(const struct sl_ticket_set *set, char out[static SL_TICKET_TEXT_MAX]);
/* A new current and a new next one. */
void sl_ticket_set_make(struct sl_ticket_set *set);
/* Each key becomes what follows; next is a new one. */
void sl_ticket_set_rotate(struct sl_ticket_set *set);
/* The name of a key as tickets carry it, which is no secret; false: mbedTLS has no memory. */
bool sl_ticket_set_name(const struct sl_ticket_set *set, enum sl_ticket_role role,
                        uint8_t out[static SL_TICKET_NAME_BYTES]);
void sl_ticket_set_wipe(struct sl_ticket_set *set);

/* ---- sealing and opening; of one thread ---- */
struct sl_tickets;

/* Without keys at first: seals and opens nothing. NULL: no memory. */
struct sl_tickets *sl_tickets_create(void);
/* Erases its keys. */
void sl_tickets_free(struct sl_tickets *t);
/* Takes these keys instead of those that it has; copies. -ENOMEM: it keeps what it had. */
int sl_tickets_use(struct sl_tickets *t, const struct sl_ticket_set *set);
/* Whether it has keys that may seal. */
bool sl_tickets_ready(const struct sl_tickets *t);

/* Writes a ticket of state_bytes + SL_TICKET_OVERHEAD_BYTES bytes; 0: nothing, because it is not ready, the state is
 * too long or there is no room. */
uint32_t sl_ticket_seal(struct sl_tickets *t, const uint8_t binding[static SL_TICKET_BINDING_BYTES], uint64_t wall_s,
                        const void *state, uint32_t state_bytes, uint8_t *out, uint32_t room_bytes);

enum sl_ticket_verdict {
    SL_TICKET_GOOD,
    SL_TICKET_GOOD_OLD, /* good, but the key will be forgotten next: give a new ticket */
    SL_TICKET_FOREIGN,  /* no ticket of ours, or of a key that we don't have */
    SL_TICKET_ALTERED,  /* not what was sealed, or bound to something else */
    SL_TICKET_EXPIRED,
    SL_TICKET_VERDICT_COUNT
};
extern const char *const sl_ticket_verdict_name[SL_TICKET_VERDICT_COUNT];

/* Opens any bytes as a ticket. state has room for ticket_bytes, and holds *state_bytes (at most ticket_bytes -
 * SL_TICKET_OVERHEAD_BYTES) when the verdict is good, nothing otherwise. A ticket may be used for lifetime_s. */
enum sl_ticket_verdict sl_ticket_open(struct sl_tickets *t, const uint8_t binding[static SL_TICKET_BINDING_BYTES],
                                      uint64_t wall_s, uint32_t lifetime_s, const uint8_t *ticket,
                                      uint32_t ticket_bytes, uint8_t *state, uint32_t *state_bytes);

/* ---- bindings ---- */

/* Of a listener: its name, versions, suites and groups, whether clients show certificates, and their CA and CRL. Equal
 * on machines with the same configuration. */
void sl_ticket_site_binding(const struct sl_tls_settings *settings, const char *listener,
                            uint8_t out[static SL_TICKET_BINDING_BYTES]);
/* Of a host of that listener: the name that the client asked for, normalized; "" for none. */
void sl_ticket_host_binding(const uint8_t site[static SL_TICKET_BINDING_BYTES], const char *host,
                            uint8_t out[static SL_TICKET_BINDING_BYTES]);

#endif
