/* The hello after a HelloRetryRequest: read and compared with the first before mbedTLS sees it, which compares nothing. */
#include "tls/engine_mbedtls.h"
#include "tls/hello_read.h"

#define PIECE_BYTES 1024
#define SERVER_HELLO 2
#define KEY_SHARE 51

/* RFC 8446 4.1.3: the random that tells one from a ServerHello. */
static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                         0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                         0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static void note_group(struct sl_engine *e, uint16_t id)
{
    for (enum sl_hello_group g = 0; g < SL_HELLO_GROUP_COUNT; g++)
        if (sl_hello_group_id[g] == id) {
            e->asked = g;
            e->asks_again = true;
        }
}

void sl_engine_note_retry(struct sl_engine *e, const uint8_t *record, uint32_t len)
{
    struct sl_cursor c = sl_cursor_of(record, len);
    const uint8_t *random;

    if (sl_cursor_u8(&c) != MBEDTLS_SSL_MSG_HANDSHAKE)
        return;
    sl_cursor_skip(&c, 4);
    if (sl_cursor_u8(&c) != SERVER_HELLO)
        return;
    sl_cursor_skip(&c, 3 + 2);
    random = sl_cursor_take(&c, sizeof retry_random);
    if (!random || memcmp(random, retry_random, sizeof retry_random) != 0)
        return;
    sl_cursor_skip(&c, sl_cursor_u8(&c));
    sl_cursor_skip(&c, 2 + 1 + 2);
    while (sl_cursor_left(&c)) {
        uint16_t type = sl_cursor_u16(&c), bytes = sl_cursor_u16(&c);
        struct sl_cursor data = sl_cursor_sub(&c, bytes);

        if (type == KEY_SHARE)
            note_group(e, sl_cursor_u16(&data));
    }
}

static enum sl_hello_status read_hello(struct sl_engine *e)
{
    struct sl_hello_reader *r = e->start.hello;
    uint8_t piece[PIECE_BYTES];

    while (r->status == SL_HELLO_MORE) {
        uint32_t used, n = sl_wire_read(e->start.wire, piece, SL_MIN(sl_hello_want(r), PIECE_BYTES));

        if (n)
            sl_hello_feed(r, piece, n, &used);
        else if (sl_wire_ended(e->start.wire))
            break;
        else
            sl_engine_park(e, SL_ENGINE_WANT_BYTES);
    }
    return r->status;
}

int sl_engine_second_hello(struct sl_engine *e)
{
    struct sl_hello_reader *r = e->start.hello;
    struct sl_hash_key key;
    struct sl_hello hello;
    uint64_t mark;
    bool early;

    e->asks_again = false;
    if (!sl_hello_parse(r->bytes, r->len, &hello, &e->refused))
        return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
    sl_crypto_random(&key, sizeof key);
    mark = sl_hello_mark(&hello, &key);
    early = sl_hello_has(&hello, SL_HELLO_EARLY_DATA);
    sl_hello_read_done(r);
    sl_hello_read_again(r, early ? SL_ENGINE_EARLY_DATA_BYTES : 0);
    if (read_hello(e) == SL_HELLO_MORE)
        return MBEDTLS_ERR_SSL_CONN_EOF;
    if (r->status == SL_HELLO_REFUSED)
        e->refused = r->failure;
    else if (sl_hello_parse(r->bytes, r->len, &hello, &e->refused) &&
             sl_hello_repeats(&hello, mark, &key, e->asked, &e->refused))
        return 0;
    return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
}
