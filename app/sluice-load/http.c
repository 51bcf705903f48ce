/* The parsers are one machine that takes a byte at a time: where bytes are cut can make no difference. A state is a row of the table at the end; what a row
 * does returns the next state. A CR is taken out before: it must stand before an LF, and rows see the LF alone (RFC 9112 2.2). */
#include "http.h"

enum state {
    BEGIN, /* nothing came */
    METHOD,
    TARGET,
    TARGET_NUMBER,
    TARGET_OTHER,
    REQUEST_VERSION,
    ANSWER_VERSION,
    STATUS,
    REASON,
    LINE, /* at the beginning of a field's line */
    NAME,
    VALUE,
    VALUE_LENGTH,
    VALUE_CONNECTION,
    STATES,
    DONE = STATES,
    BAD
};

static const char *const methods[] = {"GET", "PUT", "POST"};
static const struct {
    const char *name;
    enum state value; /* BAD: a body whose length is not told before it */
} fields[] = {{"content-length", VALUE_LENGTH}, {"connection", VALUE_CONNECTION}, {"transfer-encoding", BAD}};

#define NUMBER_MAX (UINT64_C(1) << 58) /* times ten is a number, too */

static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool blank(uint8_t c) { return c == ' ' || c == '\t'; }
static bool visible(uint8_t c) { return c > ' ' && c != 0x7f; }
static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

/* RFC 9110 5.6.2: tchar. */
static bool token(uint8_t c)
{
    return digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool take_digit(struct http_head *h, uint8_t c)
{
    if (h->number >= NUMBER_MAX)
        return false;
    h->number = h->number * 10 + (c - '0');
    return true;
}

/* Another byte of a word, never 0: `word` of index i remains when it has the byte there. */
static void narrow(struct http_head *h, const char *word, size_t i, uint8_t c)
{
    if (h->match & 1u << i && word[h->at] != (char)c)
        h->match &= (uint8_t) ~(1u << i);
}

static void advance(struct http_head *h) { h->at = (uint8_t)SL_MIN(h->at + 1, UINT8_MAX); }

static enum state begin_word(struct http_head *h, enum state state)
{
    h->at = 0;
    h->match = UINT8_MAX;
    h->number = 0;
    return state;
}

/* ---- the first line ---- */

static enum state method(struct http_head *h, uint8_t c)
{
    if (c == '\n' && h->at == 0) /* RFC 9112 2.2: empty lines before a request are no harm */
        return METHOD;
    if (c == ' ') {
        for (size_t i = 0; i < SL_ARRAY_LEN(methods); i++)
            if (h->match & 1u << i && !methods[i][h->at]) {
                h->put = i > 0;
                return begin_word(h, TARGET);
            }
        return BAD;
    }
    if (!token(c))
        return BAD;
    for (size_t i = 0; i < SL_ARRAY_LEN(methods); i++)
        narrow(h, methods[i], i, c);
    advance(h);
    return h->match & ((1u << SL_ARRAY_LEN(methods)) - 1) ? METHOD : BAD;
}

static enum state target(struct http_head *h, uint8_t c)
{
    return c == '/' ? TARGET_NUMBER : visible(c) ? TARGET_OTHER : BAD;
}

static enum state target_number(struct http_head *h, uint8_t c)
{
    if (digit(c))
        return take_digit(h, c) ? TARGET_NUMBER : BAD;
    if (c != ' ')
        return visible(c) ? TARGET_OTHER : BAD;
    h->path_number = h->number;
    return begin_word(h, REQUEST_VERSION);
}

static enum state target_other(struct http_head *h, uint8_t c)
{
    return c == ' ' ? begin_word(h, REQUEST_VERSION) : visible(c) ? TARGET_OTHER : BAD;
}

/* "HTTP/1." and a digit, then `end` and the next state. */
static enum state version(struct http_head *h, uint8_t c, enum state same, uint8_t end, enum state next)
{
    static const char major[] = "HTTP/1.";

    if (h->at > sizeof major - 1)
        return c == end ? begin_word(h, next) : BAD;
    if (h->at == sizeof major - 1 ? !digit(c) : c != (uint8_t)major[h->at])
        return BAD;
    if (h->at == sizeof major - 1)
        h->close = c == '0'; /* whatever else it says */
    advance(h);
    return same;
}

static enum state request_version(struct http_head *h, uint8_t c) { return version(h, c, REQUEST_VERSION, '\n', LINE); }

static enum state answer_version(struct http_head *h, uint8_t c) { return version(h, c, ANSWER_VERSION, ' ', STATUS); }

static enum state status(struct http_head *h, uint8_t c)
{
    if (h->at < 3) {
        if (!digit(c))
            return BAD;
        h->status = (uint16_t)(h->status * 10 + (c - '0'));
        advance(h);
        return STATUS;
    }
    if (h->status < 100 || h->status > 599)
        return BAD;
    return c == '\n' ? LINE : c == ' ' ? REASON : BAD;
}

static enum state text(uint8_t c, enum state same) { return c == '\n' ? LINE : visible(c) || blank(c) ? same : BAD; }

static enum state reason(struct http_head *h, uint8_t c) { return text(c, REASON); }

/* ---- fields ---- */

static enum state name(struct http_head *h, uint8_t c)
{
    if (c == ':') {
        for (size_t i = 0; i < SL_ARRAY_LEN(fields); i++)
            if (h->match & 1u << i && !fields[i].name[h->at])
                return begin_word(h, fields[i].value);
        return VALUE;
    }
    if (!token(c)) /* a blank before the colon, too: RFC 9112 5.1 */
        return BAD;
    for (size_t i = 0; i < SL_ARRAY_LEN(fields); i++)
        narrow(h, fields[i].name, i, lower(c));
    advance(h);
    return NAME;
}

static enum state value(struct http_head *h, uint8_t c) { return text(c, VALUE); }

/* RFC 9112 6.3: digits and nothing else; said twice, it must be the same. `at` is 1 behind a digit, 2 behind the blank after it. */
static enum state value_length(struct http_head *h, uint8_t c)
{
    if (blank(c)) {
        h->at = h->at ? 2 : 0;
        return VALUE_LENGTH;
    }
    if (digit(c)) {
        if (h->at == 2)
            return BAD;
        h->at = 1;
        return take_digit(h, c) ? VALUE_LENGTH : BAD;
    }
    if (c != '\n' || !h->at || (h->length_known && h->content_bytes != h->number))
        return BAD;
    h->length_known = true;
    h->content_bytes = h->number;
    return LINE;
}

/* A list; `at` counts the bytes of "close" that an element began with, and is UINT8_MAX for another word. */
static enum state value_connection(struct http_head *h, uint8_t c)
{
    static const char word[] = "close";

    if (c == ',' || c == '\n') {
        h->close |= h->at == sizeof word - 1;
        h->at = 0;
    } else if (blank(c)) {
        h->at = h->at == 0 || h->at == sizeof word - 1 ? h->at : UINT8_MAX;
    } else {
        h->at = h->at < sizeof word - 1 && lower(c) == (uint8_t)word[h->at] ? h->at + 1 : UINT8_MAX;
    }
    return text(c, VALUE_CONNECTION);
}

/* ---- the end ---- */

/* RFC 9112 6.3. */
static enum state end_answer(struct http_head *h)
{
    if (h->status == 101) /* nobody asked for another protocol */
        return BAD;
    if (h->status < 200) {
        uint16_t so_far = h->head_bytes; /* all of them together are bounded */

        http_begin(h);
        h->head_bytes = so_far;
        return begin_word(h, ANSWER_VERSION);
    }
    if (h->status != 204 && h->status != 304)
        return h->length_known ? DONE : BAD;
    h->content_bytes = 0;
    return DONE;
}

static enum state line(struct http_head *h, uint8_t c)
{
    if (c == '\n')
        return h->status ? end_answer(h) : DONE;
    begin_word(h, NAME);
    return token(c) ? name(h, c) : BAD; /* a blank: obs-fold, RFC 9112 5.2 */
}

static enum state (*const steps[STATES])(struct http_head *h, uint8_t c) = {
    [METHOD] = method,
    [TARGET] = target,
    [TARGET_NUMBER] = target_number,
    [TARGET_OTHER] = target_other,
    [REQUEST_VERSION] = request_version,
    [ANSWER_VERSION] = answer_version,
    [STATUS] = status,
    [REASON] = reason,
    [LINE] = line,
    [NAME] = name,
    [VALUE] = value,
    [VALUE_LENGTH] = value_length,
    [VALUE_CONNECTION] = value_connection,
};

void http_begin(struct http_head *h) { *h = (struct http_head){.state = BEGIN}; }

static enum state take(struct http_head *h, uint8_t c)
{
    if (h->head_bytes == HTTP_HEAD_MAX_BYTES)
        return BAD;
    h->head_bytes++;
    if (h->cr && c != '\n')
        return BAD;
    h->cr = c == '\r';
    return h->cr ? h->state : steps[h->state](h, c);
}

static enum http_status feed(struct http_head *h, enum state first, const uint8_t *bytes, uint32_t len, uint32_t *used)
{
    uint32_t n = 0;

    if (h->state == BEGIN)
        h->state = begin_word(h, first);
    for (; n < len && h->state < STATES; n++)
        h->state = (uint8_t)take(h, bytes[n]);
    *used = n;
    return h->state == DONE ? HTTP_WHOLE : h->state == BAD ? HTTP_BAD : HTTP_MORE;
}

enum http_status http_answer_feed(struct http_head *h, const uint8_t *bytes, uint32_t len, uint32_t *used)
{
    return feed(h, ANSWER_VERSION, bytes, len, used);
}

enum http_status http_request_feed(struct http_head *h, const uint8_t *bytes, uint32_t len, uint32_t *used)
{
    return feed(h, METHOD, bytes, len, used);
}
