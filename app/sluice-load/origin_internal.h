/* What the files of the origin share. */
#ifndef LOAD_ORIGIN_INTERNAL_H
#define LOAD_ORIGIN_INTERNAL_H

#include "http.h"
#include "origin.h"

enum { SERVE_FREE, SERVE_HEAD, SERVE_BODY, SERVE_ANSWER };

/* One connection. There may be a million, idle. */
struct serve {
    struct sl_stream *stream; /* NULL: none */
    struct http_head head;
    uint64_t left_bytes; /* of the body that is taken or sent; of a free one: the next free one */
    uint32_t number;     /* its own */
    uint32_t starved;    /* the next that waits for a buffer, + 1; while waits */
    uint8_t state;       /* SERVE_* */
    bool told;           /* the answer's head is sent */
    bool waits;
};
static_assert(sizeof(struct serve) <= 80, "what an idle connection costs beside tcp");

/* A head that was written before: a load asks for the same again and again. */
struct written {
    uint64_t bytes;
    uint32_t len;
    bool close;
    char text[HTTP_TEXT_MAX_BYTES];
};

struct origin {
    struct origin_params p;
    struct sl_ready accepted, ready;
    struct sl_tcp_listener *listeners[LOAD_ORIGINS_MAX];
    uint32_t n_listeners;
    struct serve *conns;
    uint32_t n_made, free, starved; /* free, starved: numbers + 1; 0: none */
    struct written written[16];
    struct origin_counts counts;
    bool stopping;
    uint32_t stop_at;
};

/* ---- serve.c: one connection ---- */
/* A new one over the stream; false: there is no place. */
bool serve_begin(struct origin *o, struct sl_stream *s);
void serve_event(struct origin *o, struct serve *c, uint8_t events);
/* It found no buffer, and may find one now. */
void serve_again(struct origin *o, struct serve *c);
/* Closed in order, or reset; its place is free. */
void serve_end(struct origin *o, struct serve *c, bool in_order);

#endif
