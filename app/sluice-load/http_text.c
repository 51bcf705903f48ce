/* Heads that we write: nothing in them that is not needed. */
#include <inttypes.h>
#include <stdio.h>

#include "http.h"

static const char *closing(bool close) { return close ? "Connection: close\r\n" : ""; }

uint32_t http_request_text(char out[static HTTP_TEXT_MAX_BYTES], const char *host, uint64_t get_bytes,
                           uint64_t put_bytes, bool close)
{
    char length[48] = "";
    int n;

    assert(strlen(host) <= HTTP_HOST_MAX_BYTES);
    if (put_bytes)
        snprintf(length, sizeof length, "Content-Length: %" PRIu64 "\r\n", put_bytes);
    n = snprintf(out, HTTP_TEXT_MAX_BYTES, "%s /%" PRIu64 " HTTP/1.1\r\nHost: %s\r\n%s%s\r\n",
                 put_bytes ? "PUT" : "GET", get_bytes, host, length, closing(close));
    return (uint32_t)n;
}

uint32_t http_answer_text(char out[static HTTP_TEXT_MAX_BYTES], uint64_t bytes, bool close)
{
    return (uint32_t)snprintf(out, HTTP_TEXT_MAX_BYTES, "HTTP/1.1 200 OK\r\nContent-Length: %" PRIu64 "\r\n%s\r\n",
                              bytes, closing(close));
}
