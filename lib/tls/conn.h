/* conn: one TLS connection and the worker's TLS state, private to the room. A connection passes through phases; each
 * phase has its own answer to what the stream below reports (table in tls.c). */
#ifndef SL_TLS_CONN_H
#define SL_TLS_CONN_H

#include "tls/engine.h"
#include "tls/hello_read.h"
#include "tls/record.h"
#include "tls/site.h"
#include "tls/ticket.h"
#include "tls/tls.h"

enum sl_tls_phase {
    SL_TLS_HANDSHAKE, /* in flight; the user knows of it only in the client's role */
    SL_TLS_OPEN,      /* bytes pass */
    SL_TLS_ENDED,     /* cut short: the user was told CLOSED and has yet to release it */
    SL_TLS_LINGER,    /* the user is gone or never was: what the peer still sends is thrown away, so that our last bytes
                         are not chased by a RST */
    SL_TLS_PHASE_COUNT
};

struct sl_tls_conn {
    struct sl_stream up;
    struct sl_wire wire;
    struct sl_tls *tls;
    struct sl_tls_terms *terms; /* a site's, or a client's */
    struct sl_list link;        /* in sl_tls.conns */
    union {
        struct {                          /* until the handshake is done */
            struct sl_hello_reader hello; /* before and while there is an engine */
            struct sl_engine *engine;     /* NULL: the hello is not yet whole */
            struct sl_op *op;             /* the engine's, while it is in sl_tls.engines.ops */
            struct sl_list flight;        /* in sl_tls.in_flight, oldest progress first; only in HANDSHAKE */
            uint8_t binding[SL_TICKET_BINDING_BYTES]; /* of the tickets for this name */
        };
        struct sl_record record; /* from then on (keyed) */
    };
    struct sl_list work;   /* in sl_tls.hellos or queue (HANDSHAKE), or in sl_tls.starved */
    struct sl_timer timer; /* handshake's time, then lingering's */
    struct sl_slice *held; /* plaintext that waits for packet buffers; send took it and credit is 0 while it stands */
    uint32_t n_held;
    uint32_t drained_bytes; /* thrown away while lingering */
    uint8_t phase;          /* enum sl_tls_phase */
    bool keyed;             /* `record` is in use */
    bool eof;               /* close_notify or the end of the wire was seen */
    bool shut;              /* the user sends no more */
    bool shut_done;         /* close_notify and FIN are on their way */
    bool resumed;           /* by a ticket */
    const char *sni, *alpn; /* sni on the heap or ""; alpn is the engine policy's */
    const char *suite;
    char *identity; /* on the heap; NULL: no certificate of the peer was checked */
};

static_assert(sizeof(struct sl_tls_conn) <= 464, "what an idle connection holds here");

struct sl_tls {
    struct sl_tls_params params;
    struct sl_engine_shared engines;
    struct sl_wire_shared shared;
    struct sl_record_shared records;
    struct sl_ready lower; /* streams below that have events; their owners are connections */
    struct sl_list conns, in_flight;
    struct sl_list hellos;  /* handshakes without an engine that have bytes to go on with */
    struct sl_list queue;   /* those with an engine that have what they wanted */
    struct sl_list starved; /* connections that wait for packet buffers */
    struct sl_list terms, stores;
    struct sl_fifo linger_timers;
    uint64_t now, retry_ns; /* of the last step; when starved connections try again */
    uint32_t n_flight, n_queue, n_streams;
};

/* ---- tls.c ---- */
/* Puts a connection on the starved list: it is tried again a millisecond later. */
void sl_tls_starve(struct sl_tls_conn *c);

/* ---- conn.c ---- */
/* A connection in flight over `lower`, whose stream above has no user yet. NULL (terms too): no memory; lower was
 * aborted and released. */
struct sl_tls_conn *sl_tls_conn_begin(struct sl_tls *t, struct sl_tls_terms *terms, struct sl_stream *lower,
                                      uint64_t now);
/* Frees a connection that nobody refers to and releases the stream below. */
void sl_tls_conn_free(struct sl_tls_conn *c);
/* Lets go of keys and terms and waits, for a bounded time and number of bytes, for the peer to end its side. */
void sl_tls_conn_linger(struct sl_tls_conn *c);
/* Events of the stream below while lingering: throws away what came; frees c at the end. */
void sl_tls_conn_drain(struct sl_tls_conn *c, uint8_t events);
/* Counts and logs a failure of this connection. */
void sl_tls_conn_log(struct sl_tls_conn *c, enum sl_event_kind kind, const struct sl_tls_failure *f);

/* ---- greet.c ---- */
/* Reads the ClientHello as far as it has come; WHOLE: c->engine has begun with it. REFUSED: *failure, the alert is
 * written. */
enum sl_hello_status sl_tls_greet(struct sl_tls_conn *c, struct sl_tls_failure *failure);

/* ---- connect.c ---- */
/* The same in the client's role, where there is nothing to wait for: WHOLE, or REFUSED. */
enum sl_hello_status sl_tls_dial(struct sl_tls_conn *c, struct sl_tls_failure *failure);

/* ---- handshake.c ---- */
/* Queues the handshake for the crypto step, once. */
void sl_tls_handshake_wake(struct sl_tls_conn *c);
/* Ends a handshake: orderly (what is written is flushed, then FIN) when the peer should still see an alert, otherwise
 * by RST. Frees c now or later; in the client's role the user is told, and releases it. */
void sl_tls_handshake_fail(struct sl_tls_conn *c, const struct sl_tls_failure *f, bool orderly);
/* Takes c out of the lists of handshakes. */
void sl_tls_handshake_leave(struct sl_tls_conn *c);

/* ---- stream.c ---- */
extern const struct sl_stream_ops sl_tls_stream_ops;
/* The handshake is done: the user hears of the stream. */
void sl_tls_stream_open(struct sl_tls_conn *c);
/* It will not be: a user who waits for it is told. */
void sl_tls_stream_refuse(struct sl_tls_conn *c, enum sl_reason reason);
/* Events of the stream below. */
void sl_tls_stream_events(struct sl_tls_conn *c, uint8_t events);
/* Packet buffers may be had again. */
void sl_tls_stream_retry(struct sl_tls_conn *c);

#endif
