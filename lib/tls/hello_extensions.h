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

/* Numbers that we know, each in the slot that it names itself, so that a list of thousands costs a look at each. Two in
 * one slot would be an initializer overridden, which the compiler refuses. */
#define SL_HELLO_SLOTS 64
#define SL_HELLO_SLOT(id) (((id) + ((id) >> 8) * 5) % SL_HELLO_SLOTS)

struct sl_hello_number {
    uint16_t id;
    uint16_t set; /* 1 << its place in our enum; 0: an empty slot */
};

/* For lists of X(place, id): a table by place, and one by slot. */
#define SL_HELLO_BY_PLACE(place, id) [place] = (id),
#define SL_HELLO_BY_SLOT(place, id) [SL_HELLO_SLOT(id)] = {(id), 1u << (place)},

/* The set of one number; 0 when it is none of ours. */
static inline uint32_t sl_hello_set(const struct sl_hello_number *slots, uint16_t id)
{
    const struct sl_hello_number *n = &slots[SL_HELLO_SLOT(id)];

    return n->id == id ? n->set : 0;
}

/* Reserved so that servers learn to skip what they don't know (RFC 8701 2). */
static inline bool sl_hello_grease(uint16_t id) { return (id & 0x0f0f) == 0x0a0a && id >> 8 == (id & 0xff); }

#endif
