/* hello_read: one ClientHello message out of records that come in pieces of any size (RFC 8446 5.1). It stands before
 * any cipher, so all is plaintext, and it takes no byte beyond the record in which the message ends. Memory grows with
 * what has come, never with what was announced. Whoever owns a reader feeds it, looks at the message, and replays it to
 * an engine as one well-formed stream. */
#ifndef SL_TLS_HELLO_READ_H
#define SL_TLS_HELLO_READ_H

#include "tls/hello.h"

#define SL_HELLO_MAX_BYTES 65535  /* of a message with its header; mbedTLS takes no more either */
#define SL_HELLO_MAX_RECORDS 2048 /* for one message: more than it takes to send a post-quantum one byte by byte */

enum sl_hello_status {
    SL_HELLO_MORE,    /* the message is not yet whole */
    SL_HELLO_WHOLE,   /* bytes, len are the message */
    SL_HELLO_REFUSED, /* failure says why; alert_sent 0: there is nobody to tell */
};

struct sl_hello_reader {
    enum sl_hello_status status;
    struct sl_tls_failure failure;
    uint8_t *bytes;      /* the message, from its header on */
    uint32_t len, total; /* of what has come; of the whole, 0 until it is known */
    uint32_t room;       /* of bytes */
    uint32_t left;       /* bytes to come of the record */
    uint32_t records;    /* begun so far */
    uint32_t skip_bytes; /* of early data that may still be skipped */
    uint32_t replayed;   /* bytes that sl_hello_replay has given */
    bool retry;          /* the hello after a HelloRetryRequest */
    uint8_t n_head;      /* bytes that have come of `head` */
    uint8_t head[5];     /* of the record: type, version, length */
    uint8_t start[4];    /* of the message: type, length */
};

/* For the first hello of a connection. */
void sl_hello_read_first(struct sl_hello_reader *r);
/* For the hello that answers a HelloRetryRequest: before it may come change_cipher_spec of the compatibility mode
 * (RFC 8446 D.4), and early data, of which at most skip_bytes are thrown away (4.2.10). */
void sl_hello_read_again(struct sl_hello_reader *r, uint32_t skip_bytes);
void sl_hello_read_done(struct sl_hello_reader *r);

/* Takes bytes of the connection; *used of them. Once WHOLE or REFUSED it stays so and takes no more. What comes out does
 * not depend on how the bytes are cut. */
enum sl_hello_status sl_hello_feed(struct sl_hello_reader *r, const uint8_t *bytes, uint32_t len, uint32_t *used);

/* So many bytes can be fed now without one of them being left over: for readers that copy. 0: none. */
uint32_t sl_hello_want(const struct sl_hello_reader *r);

/* The whole message as a stream of records, each but the last full: copies the next bytes of it, at most len; 0: all
 * was given. A message of up to 16,384 bytes is one record. */
uint32_t sl_hello_replay(struct sl_hello_reader *r, void *out, uint32_t len);

#endif
