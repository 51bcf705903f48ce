/* hello_extensions: the syntax of each extension of a ClientHello. */
#ifndef SL_TLS_HELLO_EXTENSIONS_H
#define SL_TLS_HELLO_EXTENSIONS_H

#include "tls/hello.h"

struct sl_hello_extension_kind {
    const char *name; /* IANA's */
    /* Reads the extension's data into h; an alert, or 0. Data left over or missing are the caller's to see. NULL: any
     * data will do. */
    uint8_t (*parse)(struct sl_cursor *c, struct sl_hello *h);
    bool not_here; /* known, but not of a ClientHello (RFC 8446 4.2) */
};

#define SL_HELLO_EXTENSION_SLOTS 64

/* By enum sl_hello_extension; without a name: unknown. */
extern const struct sl_hello_extension_kind sl_hello_extension_kinds[SL_HELLO_EXTENSION_SLOTS];

/* A vector with a length of one or two bytes (RFC 8446 3.4). */
static inline struct sl_cursor sl_hello_vec8(struct sl_cursor *c) { return sl_cursor_sub(c, sl_cursor_u8(c)); }
static inline struct sl_cursor sl_hello_vec16(struct sl_cursor *c) { return sl_cursor_sub(c, sl_cursor_u16(c)); }

static inline struct sl_bytes sl_hello_rest(const struct sl_cursor *c)
{
    return (struct sl_bytes){c->p, (uint32_t)sl_cursor_left(c)};
}

/* The set of one number in a table of ours; 0 when it is not there. */
static inline uint32_t sl_hello_bit(const uint16_t *ids, uint32_t n, uint16_t id)
{
    uint32_t set = 0;

    for (uint32_t i = 0; i < n; i++)
        set |= (uint32_t)(ids[i] == id) << i;
    return set;
}

/* Reserved so that servers learn to skip what they don't know (RFC 8701 2). */
static inline bool sl_hello_grease(uint16_t id) { return (id & 0x0f0f) == 0x0a0a && id >> 8 == (id & 0xff); }

#endif
