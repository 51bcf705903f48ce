/* Heads, whole and cut at every place: the verdict and what was read are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "http.h"

struct sample {
    const char *text;
    enum http_status verdict;
    uint16_t status; /* 0: a request */
    uint64_t content_bytes, path_number;
    bool put, close;
    const char *rest; /* what follows the head */
};

typedef enum http_status (*feed_fn)(struct http_head *, const uint8_t *, uint32_t, uint32_t *);

/* Feeds up to `cut`, then the rest in pieces of `piece`, each in a buffer of exactly its size; how many were taken. */
static uint32_t feed(feed_fn parser, struct http_head *h, const char *text, uint32_t len, uint32_t cut, uint32_t piece,
                     enum http_status *verdict)
{
    uint32_t at = 0;

    http_begin(h);
    *verdict = HTTP_MORE;
    while (at < len && *verdict == HTTP_MORE) {
        uint32_t n = at < cut ? cut - at : SL_MIN(piece, len - at), used = UINT32_MAX;
        uint8_t *exact = malloc(n);

        memcpy(exact, text + at, n);
        *verdict = parser(h, exact, n, &used);
        free(exact);
        assert_true(used <= n);
        assert_true(used == n || *verdict != HTTP_MORE);
        at += used;
    }
    return at;
}

static void check_head(const struct sample *s, const struct http_head *h)
{
    assert_int_equal(h->status, s->status);
    assert_int_equal(h->content_bytes, s->content_bytes);
    assert_int_equal(h->path_number, s->path_number);
    assert_int_equal(h->put, s->put);
    assert_int_equal(h->close, s->close);
}

static void check(feed_fn parser, const struct sample *s)
{
    uint32_t len = (uint32_t)strlen(s->text), end = len - (uint32_t)strlen(s->rest ? s->rest : ""), used;
    enum http_status verdict;
    struct http_head h;

    for (uint32_t cut = 0; cut <= len; cut++) {
        for (uint32_t piece = 1; piece <= len; piece += piece == 1 ? 6 : len) {
            used = feed(parser, &h, s->text, len, cut, piece, &verdict);
            if (verdict != s->verdict || (verdict == HTTP_WHOLE && used != end))
                fail_msg("cut at %u, then %u: verdict %d, used %u, of:\n%s", cut, piece, verdict, used, s->text);
            if (verdict == HTTP_WHOLE)
                check_head(s, &h);
        }
    }
    if (s->verdict != HTTP_MORE) { /* nothing more is taken */
        assert_int_equal(parser(&h, (const uint8_t *)"x", 1, &used), s->verdict);
        assert_int_equal(used, 0);
    }
}

#define CHECK(parser, samples)                                                                                         \
    for (size_t i = 0; i < SL_ARRAY_LEN(samples); i++)                                                                 \
    check(parser, &(samples)[i])

static void answers_of_the_usual_servers_are_read(void **state)
{
    static const struct sample samples[] = {
        {"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
         "Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n"
         "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"65f-400\"\r\n"
         "Accept-Ranges: bytes\r\n\r\nbody",
         HTTP_WHOLE, 200, 1024, .rest = "body"},
        {"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nContent-Length: 157\r\n"
         "Connection: close\r\n\r\n",
         HTTP_WHOLE, 502, 157, .close = true},
        {"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\ncache-control: no-cache\r\n"
         "content-type: text/html\r\nconnection: close\r\n\r\n<html>",
         HTTP_WHOLE, 503, 107, .close = true, .rest = "<html>"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", HTTP_WHOLE, 200},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", HTTP_WHOLE, 200, 3, .close = true, .rest = "abc"},
    };

    (void)state;
    CHECK(http_answer_feed, samples);
}

static void answers_are_read_as_the_rfc_says(void **state)
{
    static const struct sample samples[] = {
        {"HTTP/1.1 200 \r\nContent-Length:7\r\n\r\n", HTTP_WHOLE, 200, 7},
        {"HTTP/1.1 200\r\nContent-Length:\t 7 \t\r\n\r\n", HTTP_WHOLE, 200, 7},
        {"HTTP/1.1 200 OK\nCONTENT-LENGTH: 7\n\n7", HTTP_WHOLE, 200, 7, .rest = "7"}, /* LF alone */
        {"HTTP/1.1 200 OK\nContent-Length: 7\r\n\n", HTTP_WHOLE, 200, 7},
        {"HTTP/1.1 204 No Content\r\n\r\n", HTTP_WHOLE, 204},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 1024\r\n\r\n", HTTP_WHOLE, 304},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 05\r\n\r\n", HTTP_WHOLE, 200, 5},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", HTTP_WHOLE, 200, UINT64_C(1000000000000)},
        {"HTTP/1.1 200 OK\r\nContent-Lengths: 9\r\nContent-Lengt: 8\r\nContent-Length: 5\r\nXContent-Length: 6\r\n\r\n",
         HTTP_WHOLE, 200, 5},
        {"HTTP/1.1 200 OK\r\nX:\r\nY: \r\nContent-Length: 5\r\n\r\n", HTTP_WHOLE, 200, 5},
        {"HTTP/1.1 100 Continue\r\nConnection: close\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
         "Link: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nHTTP",
         HTTP_WHOLE, 200, 1, .rest = "HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", HTTP_MORE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r", HTTP_MORE},
    };

    (void)state;
    CHECK(http_answer_feed, samples);
}

static void answers_that_are_not_understood_are_refused(void **state)
{
    static const struct sample samples[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", HTTP_BAD}, /* the body would end with the connection */
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ntransfer-encoding: gzip, chunked\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 6\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n b\r\n\r\n", HTTP_BAD}, /* obs-fold */
        {"HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\n: 5\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nContent-Length\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 200 OK\r\nX: a\x01\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 600 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1 2x0 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.1\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"HTTP/1. 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"http/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_BAD},
        {"\x15\x03\x03", HTTP_BAD},
    };

    (void)state;
    CHECK(http_answer_feed, samples);
}

static void connections_end_when_the_answer_says_so(void **state)
{
    static const struct {
        const char *value;
        bool close;
    } values[] = {
        {"close", true},
        {"Close", true},
        {"keep-alive, close", true},
        {"close,keep-alive", true},
        {"keep-alive", false},
        {"closed", false},
        {"clo se", false},
        {"close x", false},
        {"x close", false},
        {"", false},
        {" , CLOSE \t, a", true},
        {"clos,e", false},
        {"close\r\nConnection: x", true},
        {"x\r\nConnection: close", true},
        {"disclose", false},
        {",", false},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(values); i++) {
        struct sample s = {text, HTTP_WHOLE, 200, 4, .close = values[i].close};

        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection:%s\r\n\r\n", values[i].value);
        check(http_answer_feed, &s);
    }
}

static void requests_are_read(void **state)
{
    static const struct sample samples[] = {
        {"GET /1024 HTTP/1.1\r\nHost: site.test\r\n\r\nGET", HTTP_WHOLE, .path_number = 1024, .rest = "GET"},
        {"GET / HTTP/1.1\r\nHost: site.test\r\nUser-Agent: h2load nghttp2/1.52.0\r\n\r\n", HTTP_WHOLE},
        {"PUT /7 HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n", HTTP_WHOLE, 0, 65536, 7, .put = true},
        {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", HTTP_WHOLE, 0, 2, 0, .put = true, .rest = "ab"},
        {"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_WHOLE, .put = true}, /* RFC 9112 6.3: no length, no body */
        {"GET /5 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", HTTP_WHOLE, 0, 0, 5, .close = true},
        {"GET /5 HTTP/1.1\r\nConnection: close\r\n\r\n", HTTP_WHOLE, 0, 0, 5, .close = true},
        {"\r\n\r\nGET /5 HTTP/1.1\n\n", HTTP_WHOLE, .path_number = 5},
        {"GET /5a HTTP/1.1\r\n\r\n", HTTP_WHOLE},
        {"GET /5?x=1 HTTP/1.1\r\n\r\n", HTTP_WHOLE},
        {"GET http://a/5 HTTP/1.1\r\n\r\n", HTTP_WHOLE},
        {"GET /5 HTTP/1.1\r\nHost: a\r\n", HTTP_MORE},
    };

    (void)state;
    CHECK(http_request_feed, samples);
}

static void requests_that_are_not_understood_are_refused(void **state)
{
    static const struct sample samples[] = {
        {"PUT /7 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BAD},
        {"PUT /7 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTP_BAD},
        {"DELETE /7 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"get /7 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GETS /7 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"PO /7 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET  /7 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET /7  HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET /7\r\n\r\n", HTTP_BAD},
        {"GET /7 HTTP/1.1 \r\n\r\n", HTTP_BAD},
        {"GET /7 HTTP/1.1\r\n a: b\r\n\r\n", HTTP_BAD},
        {"GET /99999999999999999999 HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET /7 HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", HTTP_BAD},
        {"GE\r\nT /7 HTTP/1.1\r\n\r\n", HTTP_BAD}, /* empty lines come before, not within */
        {"PRI * HTTP/2.0\r\n\r\n", HTTP_BAD},
        {"\x16\x03\x01", HTTP_BAD},
    };

    (void)state;
    CHECK(http_request_feed, samples);
}

/* An answer head of exactly n bytes. */
static char *long_head(uint32_t n)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: ", end[] = "\r\n\r\n";
    char *text = malloc(n);

    memset(text, 'x', n);
    memcpy(text, begin, sizeof begin - 1);
    memcpy(text + n - (sizeof end - 1), end, sizeof end - 1);
    return text;
}

static void heads_are_bounded(void **state)
{
    static const struct {
        uint32_t len;
        enum http_status verdict;
    } cases[] = {{HTTP_HEAD_MAX_BYTES, HTTP_WHOLE}, {HTTP_HEAD_MAX_BYTES + 1, HTTP_BAD}};
    static const char interim[] = "HTTP/1.1 100 \r\n\r\n";
    enum http_status verdict = HTTP_MORE;
    uint32_t used, n = 0;
    struct http_head h;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
        char *text = long_head(cases[i].len);

        for (uint32_t piece = 1; piece < 10000; piece *= 9) {
            used = feed(http_answer_feed, &h, text, cases[i].len, 0, piece, &verdict);
            assert_int_equal(verdict, cases[i].verdict);
            assert_int_equal(used, cases[i].len);
        }
        free(text);
    }
    http_begin(&h);
    for (verdict = HTTP_MORE; verdict == HTTP_MORE && n < 10000; n++) /* interim answers without end */
        verdict = http_answer_feed(&h, (const uint8_t *)interim, sizeof interim - 1, &used);
    assert_int_equal(verdict, HTTP_BAD);
    assert_int_equal(n, HTTP_HEAD_MAX_BYTES / (sizeof interim - 1) + 1);
}

static void a_zero_byte_is_refused(void **state)
{
    static const char method[] = "GET\0 /1 HTTP/1.1\r\n\r\n", name[] = "GET /1 HTTP/1.1\r\ncontent-length\0: 1\r\n\r\n",
                      value[] = "GET /1 HTTP/1.1\r\na: \0\r\n\r\n";
    struct http_head h;
    enum http_status verdict;

    (void)state;
    feed(http_request_feed, &h, method, sizeof method - 1, 0, 1000, &verdict);
    assert_int_equal(verdict, HTTP_BAD);
    feed(http_request_feed, &h, name, sizeof name - 1, 0, 1000, &verdict);
    assert_int_equal(verdict, HTTP_BAD);
    feed(http_request_feed, &h, value, sizeof value - 1, 0, 1000, &verdict);
    assert_int_equal(verdict, HTTP_BAD);
}

static void what_is_written_can_be_read(void **state)
{
    static const uint64_t numbers[] = {0, 1, 1024, UINT64_C(1) << 40};
    char out[HTTP_TEXT_MAX_BYTES], host[HTTP_HOST_MAX_BYTES + 1];
    uint32_t len, used;
    enum http_status verdict;
    struct http_head h;

    (void)state;
    memset(host, 'h', sizeof host);
    host[sizeof host - 1] = 0;
    for (uint32_t i = 0; i < 32; i++) {
        uint64_t get = numbers[i % 4], put = numbers[i / 4 % 4];
        bool close = i / 16;
        struct sample request = {.path_number = get, .content_bytes = put, .put = put > 0, .close = close};
        struct sample answer = {.status = 200, .content_bytes = get, .close = close};

        len = http_request_text(out, host, get, put, close);
        assert_true(len < sizeof out && len == strlen(out));
        used = feed(http_request_feed, &h, out, len, 0, len, &verdict);
        assert_true(verdict == HTTP_WHOLE && used == len);
        check_head(&request, &h);
        len = http_answer_text(out, get, close);
        assert_true(len < sizeof out && len == strlen(out));
        used = feed(http_answer_feed, &h, out, len, 0, len, &verdict);
        assert_true(verdict == HTTP_WHOLE && used == len);
        check_head(&answer, &h);
    }
    len = http_request_text(out, "site.test", 9, 0, false);
    assert_string_equal(out, "GET /9 HTTP/1.1\r\nHost: site.test\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_the_usual_servers_are_read),
        cmocka_unit_test(answers_are_read_as_the_rfc_says),
        cmocka_unit_test(answers_that_are_not_understood_are_refused),
        cmocka_unit_test(connections_end_when_the_answer_says_so),
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(requests_that_are_not_understood_are_refused),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(what_is_written_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
