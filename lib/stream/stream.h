/* stream: the one interface through which bytes pass between rooms: tcp and tls offer it, tls and proxy use it, on the client's side and
 * on the origin's alike. Bytes travel as slices of packet buffers, so that passing them on copies nothing.
 *
 * Data is pulled: a stream that has something new puts itself on the ready list that its user gave it, and the user takes what it has room
 * for. What is not taken stays with the stream and closes the peer's window: that is the whole of back-pressure. Nothing calls up. */
#ifndef SL_STREAM_H
#define SL_STREAM_H

#include <rte_mbuf.h>

#include "base/base.h"

/* len bytes at buf_addr + off of one mbuf segment. A slice holds one reference on that segment (not on a chain behind it). */
struct sl_slice {
    struct rte_mbuf *mbuf;
    uint16_t off, len;
};

static inline const uint8_t *sl_slice_data(const struct sl_slice *s)
{
    return (const uint8_t *)s->mbuf->buf_addr + s->off;
}
static inline void sl_slice_free(struct sl_slice *s) { rte_pktmbuf_free_seg(s->mbuf); }

/* A second slice over the first n bytes of s, with a reference of its own; s keeps the rest. 0 < n < s->len. */
static inline struct sl_slice sl_slice_split(struct sl_slice *s, uint16_t n)
{
    struct sl_slice head = {s->mbuf, s->off, n};

    rte_mbuf_refcnt_update(s->mbuf, 1);
    s->off = (uint16_t)(s->off + n);
    s->len = (uint16_t)(s->len - n);
    return head;
}

/* The largest piece that a user may need whole before it can take any of it: a TLS record with its header (RFC 8446 5.2). However full a stream
 * is, one such piece can always arrive once its user has looked at its beginning (peek). */
#define SL_STREAM_UNIT_MAX_BYTES (5 + 16384 + 256)

/* Why a stream ended other than by close on both sides. */
enum sl_reason {
    SL_REASON_NONE,
    SL_REASON_REFUSED,     /* connect answered by RST */
    SL_REASON_RESET,       /* RST from the peer in mid-stream */
    SL_REASON_TIMEOUT,     /* connect, handshake or retransmissions took too long */
    SL_REASON_UNREACHABLE, /* no route, no neighbour, ICMP says so */
    SL_REASON_PROTOCOL,    /* the peer broke the protocol; a TLS alert was sent or received */
    SL_REASON_TRUNCATED,   /* TLS peer sent FIN without close_notify */
    SL_REASON_NO_RESOURCE, /* memory, ports, table */
    SL_REASON_ABORTED,     /* our side gave up (drain, the other half of the pair failed) */
    SL_REASON_COUNT
};

extern const char *const sl_reason_text[SL_REASON_COUNT];

/* What happened since the user last looked (struct sl_stream.events); and, same bits, what holds now (struct sl_stream.state). */
enum {
    SL_STREAM_OPEN = 1 << 0,     /* established: handshake done, bytes may pass */
    SL_STREAM_READABLE = 1 << 1, /* recv has bytes */
    SL_STREAM_WRITABLE = 1 << 2, /* credit grew after it had been found too small */
    SL_STREAM_EOF = 1 << 3,      /* the peer sends no more; bytes may still wait in recv */
    SL_STREAM_CLOSED = 1 << 4,   /* over: both directions done, or cut short for `reason`; release it */
};

struct sl_stream;

/* What a user may ask about a stream; filled by facts(). Pointers live as long as the stream. */
struct sl_facts {
    struct sl_endpoint local, peer;
    const char *sni, *alpn;      /* "" when none, and on plain TCP */
    const char *version, *suite; /* "" on plain TCP */
    bool resumed;                /* TLS: the handshake was one by a ticket */
    const char *identity;        /* subject of the peer's certificate, once checked (RFC 4514); "" when there is none */
};

struct sl_stream_ops {
    /* Takes received bytes in order: at most max slices and max_bytes bytes; the caller owns the slices. Returns the number of slices, 0 when
     * nothing waits now. Taking bytes opens the peer's window. */
    uint32_t (*recv)(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes);
    /* Copies at most max of the first bytes that wait, takes none of them, and tells how many wait in all. Returns the number copied. NULL: the
     * stream doesn't offer it; streams that TLS runs over do. */
    uint32_t (*peek)(struct sl_stream *s, uint8_t *out, uint32_t max, uint32_t *waiting_bytes);
    /* Bytes that send takes now within the stream's limit. When it is less than the user wants, SL_STREAM_WRITABLE follows once it has grown. */
    uint32_t (*credit)(struct sl_stream *s);
    /* Queues bytes; always takes ownership of the slices, and their bytes are the stream's to change from then on: TLS encrypts them where they
     * stand. So nobody else may read them later; slices that recv gave may be sent on. 0, or -EPIPE when the stream sends no more (the slices are freed). */
    int (*send)(struct sl_stream *s, struct sl_slice *slices, uint32_t n);
    /* No more bytes from us: FIN, or close_notify and FIN, behind what is queued. Receiving goes on. */
    void (*shutdown)(struct sl_stream *s);
    /* Cuts the stream short: RST (TLS: alert where one fits, then RST). It becomes SL_STREAM_CLOSED with this reason; still to be released. */
    void (*abort)(struct sl_stream *s, enum sl_reason reason);
    /* The user lets go of the stream and never touches it again. What was queued and shut down is still delivered; a stream that was not shut
     * down is aborted. */
    void (*release)(struct sl_stream *s);
    void (*facts)(struct sl_stream *s, struct sl_facts *out);
};

/* A FIFO of streams that have events; it belongs to the user of the streams. */
struct sl_ready {
    struct sl_list list; /* of sl_stream.ready_link */
};

struct sl_stream {
    const struct sl_stream_ops *ops;
    struct sl_ready *ready; /* the user's list; NULL: nobody listens */
    struct sl_list ready_link;
    void *owner;    /* the user's object */
    uint8_t events; /* SL_STREAM_*: new since the user took the stream from its list */
    uint8_t state;  /* SL_STREAM_*: what holds now */
    uint8_t reason; /* enum sl_reason, once CLOSED */
};

static inline void sl_ready_init(struct sl_ready *r) { sl_list_init(&r->list); }

static inline void sl_stream_init(struct sl_stream *s, const struct sl_stream_ops *ops)
{
    *s = (struct sl_stream){.ops = ops};
    sl_list_init(&s->ready_link);
}

/* The provider's side: notes events (and state) and queues the stream for its user, once. It clears READABLE and WRITABLE in `state` itself when recv is
 * empty or credit is spent. */
static inline void sl_stream_raise(struct sl_stream *s, uint8_t events)
{
    s->events |= events;
    s->state |= events;
    if (s->ready && sl_list_empty(&s->ready_link))
        sl_list_push_back(&s->ready->list, &s->ready_link);
}

/* The user's side: the next stream with events, and these events; NULL when the list is empty. */
static inline struct sl_stream *sl_ready_take(struct sl_ready *r, uint8_t *events)
{
    struct sl_list *node = sl_list_pop_front(&r->list);
    struct sl_stream *s;

    if (!node)
        return NULL;
    s = sl_container_of(node, struct sl_stream, ready_link);
    *events = s->events;
    s->events = 0;
    return s;
}

/* The user takes (or hands on) a stream: from now on events go to `ready`, and what holds already is raised anew so that nothing is lost. */
static inline void sl_stream_attach(struct sl_stream *s, struct sl_ready *ready, void *owner)
{
    sl_list_remove(&s->ready_link);
    s->ready = ready;
    s->owner = owner;
    if (ready && s->state)
        sl_stream_raise(s, s->state);
}

/* ---- connecting to an origin: who composes the rooms offers it, proxy uses it ---- */
struct sl_conf_tcp; /* conf/conf.h */

struct sl_dial {
    struct sl_endpoint peer;
    /* To choose the local address from, of the peer's family; n_sources 0: the interface's. */
    const struct sl_ip *sources;
    uint32_t n_sources;
    uint16_t lport_min, lport_max; /* local port range, both in it; 0, 0: the default */
    uint64_t timeout_ns;           /* for the connection to be established */
    const struct sl_conf_tcp *tcp; /* settings of the connection; NULL: the defaults */
    struct sl_ready *ready;        /* where the stream will report */
    void *owner;
};

struct sl_dialer {
    /* Starts a connection. The stream reports OPEN, or CLOSED with a reason. NULL at once for want of a route, port or memory (*why says). */
    struct sl_stream *(*dial)(void *ctx, const struct sl_dial *d, uint64_t now, enum sl_reason *why);
    void *ctx;
};

#endif
