/* The hello after a HelloRetryRequest: is it the first one again? */
#include "tls/hello_extensions.h"

#define ONE(extension) (UINT64_C(1) << (extension))

static bool may_change(uint16_t type)
{
    uint64_t types = ONE(SL_HELLO_KEY_SHARE) | ONE(SL_HELLO_EARLY_DATA) | ONE(SL_HELLO_COOKIE) |
                     ONE(SL_HELLO_PRE_SHARED_KEY) | ONE(SL_HELLO_PADDING);

    return type < 64 && (types >> type & 1);
}

uint64_t sl_hello_mark(const struct sl_hello *h, const struct sl_hash_key *key)
{
    struct sl_cursor all = sl_bytes_cursor(h->extensions);
    uint64_t chain[2] = {sl_siphash(key, h->fixed.p, h->fixed.len)};

    while (sl_cursor_left(&all)) {
        const uint8_t *from = all.p;
        uint16_t type = sl_cursor_u16(&all);

        sl_hello_vec16(&all);
        if (may_change(type))
            continue;
        chain[1] = sl_siphash(key, from, (size_t)(all.p - from));
        chain[0] = sl_siphash(key, chain, sizeof chain);
    }
    return chain[0];
}

bool sl_hello_repeats(const struct sl_hello *second, uint64_t mark, const struct sl_hash_key *key,
                      enum sl_hello_group asked, struct sl_tls_failure *failure)
{
    bool one_share = second->shares == 1u << asked && second->share_list.len == 4 + second->share[asked].len;

    *failure = (struct sl_tls_failure){0};
    if (one_share && !sl_hello_has(second, SL_HELLO_EARLY_DATA) && sl_hello_mark(second, key) == mark)
        return true;
    *failure = (struct sl_tls_failure){.why = SL_TLS_FAIL_MESSAGE, .alert_sent = SL_ALERT_ILLEGAL_PARAMETER};
    return false;
}
