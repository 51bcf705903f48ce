/* Heads of HTTP/1.1 as sluice-load reads them, requests and answers.
 *
 * Input: a byte that chooses the parser and where the bytes are cut, then the bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum http_status (*feed_fn)(struct http_head *, const uint8_t *, uint32_t, uint32_t *);

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "http_fuzz: %s\n", what);
    abort();
}

/* Feeds pieces of 1 to `most` bytes, each in a buffer of exactly its size; how many were taken. */
static uint32_t feed(feed_fn parser, struct http_head *h, const uint8_t *bytes, uint32_t len, struct sl_rng *rng,
                     uint32_t most, enum http_status *verdict)
{
    uint32_t at = 0;

    http_begin(h);
    *verdict = HTTP_MORE;
    while (at < len && *verdict == HTTP_MORE) {
        uint32_t n = 1 + (uint32_t)sl_rng_below(rng, most), used = UINT32_MAX;
        uint8_t *exact;

        n = SL_MIN(n, len - at);
        exact = malloc(n);

        memcpy(exact, bytes + at, n);
        *verdict = parser(h, exact, n, &used);
        free(exact);
        must(used <= n && (used == n || *verdict != HTTP_MORE), "bytes are left although there is more to come");
        at += used;
    }
    return at;
}

static void must_be_same(const struct http_head *a, const struct http_head *b)
{
    must(a->content_bytes == b->content_bytes && a->path_number == b->path_number, "other numbers");
    must(a->status == b->status && a->put == b->put && a->close == b->close, "another head");
}

/* What was understood is a head: it ends with an empty line, and is the same when we have written it. */
static void look(feed_fn parser, const struct http_head *h, const uint8_t *bytes, uint32_t used, struct sl_rng *rng)
{
    bool request = parser == http_request_feed;
    char text[HTTP_TEXT_MAX_BYTES];
    enum http_status verdict;
    struct http_head again;
    uint32_t len;

    must(used <= HTTP_HEAD_MAX_BYTES, "longer than the bound");
    must(bytes[used - 1] == '\n' && (bytes[used - 2] == '\n' || (bytes[used - 2] == '\r' && bytes[used - 3] == '\n')),
         "no empty line at the end");
    must(request ? !h->status : h->status >= 200 && h->status <= 599, "no status, or one too many");
    len = request ? http_request_text(text, "a", h->path_number, h->content_bytes, h->close)
                  : http_answer_text(text, h->content_bytes, h->close);
    must(feed(parser, &again, (const uint8_t *)text, len, rng, 40, &verdict) == len && verdict == HTTP_WHOLE,
         "what we write is no head");
    again.status = h->status;                 /* ours is always 200 */
    again.put = request ? h->put : again.put; /* ours brings a body if there are bytes of it */
    must_be_same(h, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t most[] = {1, 5, 500};
    feed_fn parser = size && data[0] & 1 ? http_request_feed : http_answer_feed;
    enum http_status verdict;
    struct http_head whole;
    struct sl_rng rng;
    uint32_t used;

    if (size < 2 || size > 100000)
        return 0;
    sl_rng_seed(&rng, data[0]);
    data++;
    size--;
    http_begin(&whole);
    verdict = parser(&whole, data, (uint32_t)size, &used);
    for (size_t i = 0; i < SL_ARRAY_LEN(most); i++) {
        enum http_status cut_verdict;
        struct http_head cut;

        must(feed(parser, &cut, data, (uint32_t)size, &rng, most[i], &cut_verdict) == used,
             "what is taken depends on the cuts");
        must(cut_verdict == verdict, "the verdict depends on the cuts");
        must_be_same(&cut, &whole);
    }
    if (verdict == HTTP_WHOLE)
        look(parser, &whole, data, used, &rng);
    return 0;
}
