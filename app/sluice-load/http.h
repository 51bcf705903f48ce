/* http: as much of HTTP/1.1 (RFC 9112) as a load needs: heads of requests and answers, bodies by Content-Length only. Parsers take bytes in pieces of any size and are bounded. */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include "base/base.h"

#define HTTP_HEAD_MAX_BYTES 8192
#define HTTP_HOST_MAX_BYTES 253
#define HTTP_TEXT_MAX_BYTES 512 /* a head that we write */

enum http_status { HTTP_MORE, HTTP_WHOLE, HTTP_BAD };

/* A head being read, of a request or of an answer. Small: every connection has one. */
struct http_head {
    uint64_t content_bytes; /* of the body that follows */
    uint64_t path_number;   /* of a request: "/N", the bytes that it asks for; other paths: 0 */
    uint16_t status;        /* of an answer; 0: a request */
    bool put;               /* a request that brings a body: PUT or POST */
    bool close;             /* the connection ends after this */
    uint8_t state;          /* private from here on */
    uint8_t match;          /* words that what came so far may be the beginning of, a bit each */
    uint8_t at;             /* bytes of a word that came */
    bool cr, length_known;
    uint16_t head_bytes;
    uint64_t number; /* being read */
};

void http_begin(struct http_head *h);
/* Take bytes up to the end of the head; *used of them. BAD: not what we understand (a chunked body, an answer whose body ends with the connection, too long), and it stays that.
 * Interim answers (1xx) are passed over. Lines end with CR LF or, as RFC 9112 2.2 allows, with LF alone; a CR without LF and a line that goes on in the next are refused. */
enum http_status http_answer_feed(struct http_head *h, const uint8_t *bytes, uint32_t len, uint32_t *used);
enum http_status http_request_feed(struct http_head *h, const uint8_t *bytes, uint32_t len, uint32_t *used);

/* Write heads; return their length, at most HTTP_TEXT_MAX_BYTES. put_bytes 0: GET. The host is at most HTTP_HOST_MAX_BYTES long. */
uint32_t http_request_text(char out[static HTTP_TEXT_MAX_BYTES], const char *host, uint64_t get_bytes,
                           uint64_t put_bytes, bool close);
uint32_t http_answer_text(char out[static HTTP_TEXT_MAX_BYTES], uint64_t bytes, bool close);

#endif
