/* Bytes of a client up to its ClientHello: the reader of records and the parser behind it.
 *
 * Input: a byte of flags, a byte that chooses where the bytes are cut, then the bytes of the connection, or (MESSAGE) the
 * body of a ClientHello, which is put into records here. What must hold: the verdict does not depend on the cuts, memory
 * stays below twice what has come, the message comes out of a replay as it went in, and all that the parser points at
 * lies in the message. */
#include "tls/hello_read.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE = 1, AGAIN = 2, SMALL_RECORDS = 4 };

#define SKIP_BYTES 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "hello_fuzz: %s\n", what);
    abort();
}

/* 1 to most, at most len. */
static uint32_t piece(struct sl_rng *rng, uint32_t most, uint32_t len)
{
    uint32_t n = 1 + (uint32_t)sl_rng_below(rng, most);

    return SL_MIN(n, len);
}

static void start(struct sl_hello_reader *r, uint8_t flags)
{
    if (flags & AGAIN)
        sl_hello_read_again(r, SKIP_BYTES);
    else
        sl_hello_read_first(r);
}

/* Feeds pieces whose lengths rng says, each in a buffer of exactly its size; the number of bytes taken. */
static uint32_t feed(struct sl_hello_reader *r, const uint8_t *bytes, uint32_t len, struct sl_rng *rng, uint32_t most)
{
    uint32_t at = 0;

    while (at < len && r->status == SL_HELLO_MORE) {
        uint32_t n = rng ? piece(rng, most, len - at) : len - at, used = 0;
        uint32_t want = sl_hello_want(r);
        uint8_t *exact = malloc(n);

        must(want > 0, "nothing is wanted although there is more to come");
        memcpy(exact, bytes + at, n);
        sl_hello_feed(r, exact, n, &used);
        free(exact);
        must(used == n || r->status != SL_HELLO_MORE, "bytes are left although there is more to come");
        must(r->room <= SL_MAX(1024, 2 * r->len) && r->room <= SL_HELLO_MAX_BYTES, "memory beyond the bound");
        must(r->records <= SL_HELLO_MAX_RECORDS + 1, "records beyond the bound");
        at += used;
    }
    must(r->status == SL_HELLO_MORE || sl_hello_want(r) == 0, "more is wanted although all is said");
    return at;
}

static void inside(const uint8_t *msg, uint32_t len, struct sl_bytes b)
{
    must(!b.p || (b.p >= msg && b.p <= msg + len && b.len <= (size_t)(msg + len - b.p)), "bytes outside the message");
    must(b.p || !b.len, "bytes that are nowhere");
}

static const struct sl_hash_key key = {{1, 2}};

static void look(const uint8_t *msg, uint32_t len, const struct sl_hello *h)
{
    const struct sl_bytes all[] = {h->session_id,     h->sni,         h->alpn,        h->cookie, h->session_ticket,
                                   h->psk_identities, h->psk_binders, h->authorities, h->fixed,  h->extensions,
                                   h->group_list,     h->share_list};
    struct sl_cursor list = sl_bytes_cursor(h->alpn);
    struct sl_tls_failure failure;
    char name[SL_HELLO_NAME_ROOM];
    struct sl_bytes protocol;
    uint32_t n = 0;

    for (size_t i = 0; i < SL_ARRAY_LEN(all); i++)
        inside(msg, len, all[i]);
    for (size_t i = 0; i < SL_HELLO_GROUP_COUNT; i++)
        inside(msg, len, h->share[i]);
    for (; sl_hello_next_protocol(&list, &protocol); n += protocol.len + 1)
        inside(msg, len, protocol);
    must(n == h->alpn.len, "protocols do not fill their list");
    must(h->versions && !(h->versions & ~(SL_HELLO_V12 | SL_HELLO_V13)), "no version");
    must(!(h->versions & SL_HELLO_V13) || !(h->shares & ~h->groups), "a share of a group that was not offered");
    must(!sl_hello_has(h, SL_HELLO_PRE_SHARED_KEY) || h->psk_count, "a list of no keys");
    must(!h->psk_binders.p || h->psk_binders.p + h->psk_binders.len == msg + len, "something behind the binders");
    must((sl_hello_name(h, name) == SL_HELLO_NAME_GOOD) == (name[0] != 0), "a name that is none");
    sl_hello_version(h, SL_HELLO_V12 | SL_HELLO_V13, &failure);
    if (h->shares == 1u << SL_HELLO_P256 && !sl_hello_has(h, SL_HELLO_EARLY_DATA))
        must(sl_hello_repeats(h, sl_hello_mark(h, &key), &key, SL_HELLO_P256, &failure) ||
                 h->share_list.len > 4 + h->share[SL_HELLO_P256].len,
             "a hello does not repeat itself");
    sl_hello_mark(h, &key);
}

static void parse(const struct sl_hello_reader *r)
{
    uint8_t *exact = malloc(r->len);
    struct sl_tls_failure failure;
    struct sl_hello h;

    memcpy(exact, r->bytes, r->len);
    if (sl_hello_parse(exact, r->len, &h, &failure))
        look(exact, r->len, &h);
    else
        must(failure.why != SL_TLS_FAIL_NONE && failure.alert_sent, "refused without an alert");
    free(exact);
}

static void replay(struct sl_hello_reader *r, struct sl_rng *rng)
{
    uint32_t room = r->len + 5 * (r->len / 16384 + 1), at = 0, n;
    uint8_t *out = malloc(room);
    struct sl_hello_reader copy;

    while (at < room && (n = sl_hello_replay(r, out + at, piece(rng, 20000, room - at))))
        at += n;
    sl_hello_read_first(&copy);
    must(feed(&copy, out, at, NULL, 0) == at && copy.status == SL_HELLO_WHOLE, "a replay is no hello");
    must(copy.len == r->len && !memcmp(copy.bytes, r->bytes, r->len), "a replay is another hello");
    must(copy.records == (r->len + 16383) / 16384, "a replay has too many records");
    sl_hello_read_done(&copy);
    free(out);
}

/* The body as a message in records; malloc'd. */
static uint8_t *records(const uint8_t *body, uint32_t n, struct sl_rng *rng, uint32_t most, uint32_t *len)
{
    uint8_t *msg = malloc(n + 4), *out = malloc((n + 4) * 6);
    uint32_t put = 0;

    sl_put_u32(msg, 1u << 24 | n);
    memcpy(msg + 4, body, n);
    for (uint32_t at = 0; at < n + 4;) {
        uint32_t k = piece(rng, most, n + 4 - at);

        sl_put_u32(out + put, 0x16030100 | k >> 8);
        out[put + 4] = (uint8_t)k;
        memcpy(out + put + 5, msg + at, k);
        put += k + 5;
        at += k;
    }
    free(msg);
    *len = put;
    return out;
}

static bool same_failure(const struct sl_tls_failure *a, const struct sl_tls_failure *b)
{
    return a->why == b->why && a->alert_sent == b->alert_sent && a->alert_received == b->alert_received;
}

static void run(const uint8_t *bytes, uint32_t len, uint8_t flags, struct sl_rng *rng)
{
    static const uint32_t most[] = {1, 10, 2000};
    struct sl_hello_reader whole;
    uint32_t used;

    start(&whole, flags);
    used = feed(&whole, bytes, len, NULL, 0);
    for (size_t i = 0; i < SL_ARRAY_LEN(most); i++) {
        struct sl_hello_reader cut;
        uint32_t n;

        start(&cut, flags);
        n = feed(&cut, bytes, len, rng, most[i]);
        must(cut.status == whole.status, "the verdict depends on the cuts");
        must(same_failure(&cut.failure, &whole.failure), "the failure depends on the cuts");
        must(cut.status == SL_HELLO_REFUSED || n == used, "what is taken depends on the cuts");
        must(cut.len == whole.len || cut.status == SL_HELLO_REFUSED, "the message depends on the cuts");
        must(cut.status != SL_HELLO_WHOLE || !memcmp(cut.bytes, whole.bytes, whole.len), "other bytes");
        sl_hello_read_done(&cut);
    }
    if (whole.status == SL_HELLO_WHOLE) {
        parse(&whole);
        replay(&whole, rng);
    }
    sl_hello_read_done(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_cursor in = sl_cursor_of(data, size);
    uint8_t flags = sl_cursor_u8(&in), seed = sl_cursor_u8(&in);
    uint32_t len = (uint32_t)sl_cursor_left(&in);
    struct sl_rng rng;

    if (!len)
        return 0;
    sl_rng_seed(&rng, seed);
    if (flags & MESSAGE) {
        uint8_t *bytes = records(in.p, len, &rng, flags & SMALL_RECORDS ? 40 : 16384, &len);

        run(bytes, len, flags, &rng);
        free(bytes);
    } else {
        run(in.p, len, flags, &rng);
    }
    return 0;
}
