/* The extensions of a ClientHello, one function each and a table of them. What needs a look at more than one extension
 * is in hello_parse.c. */
#include "tls/hello_extensions.h"

#define GROUPS(X)                                                                                                      \
    X(SL_HELLO_X25519, 0x001d)                                                                                         \
    X(SL_HELLO_P256, 0x0017)                                                                                           \
    X(SL_HELLO_P384, 0x0018)                                                                                           \
    X(SL_HELLO_X25519MLKEM768, 0x11ec)

#define SIGNATURES(X)                                                                                                  \
    X(SL_HELLO_ECDSA_P256_SHA256, 0x0403)                                                                              \
    X(SL_HELLO_ECDSA_P384_SHA384, 0x0503)                                                                              \
    X(SL_HELLO_ECDSA_P521_SHA512, 0x0603)                                                                              \
    X(SL_HELLO_RSA_PSS_RSAE_SHA256, 0x0804)                                                                            \
    X(SL_HELLO_RSA_PSS_RSAE_SHA384, 0x0805)                                                                            \
    X(SL_HELLO_RSA_PSS_RSAE_SHA512, 0x0806)                                                                            \
    X(SL_HELLO_RSA_PKCS1_SHA256, 0x0401)                                                                               \
    X(SL_HELLO_RSA_PKCS1_SHA384, 0x0501)                                                                               \
    X(SL_HELLO_RSA_PKCS1_SHA512, 0x0601)                                                                               \
    X(SL_HELLO_ED25519, 0x0807)

#define VERSIONS(X)                                                                                                    \
    X(0, 0x0303)                                                                                                       \
    X(1, 0x0304) /* as SL_HELLO_V12, SL_HELLO_V13 */

const uint16_t sl_hello_group_id[SL_HELLO_GROUP_COUNT] = {GROUPS(SL_HELLO_BY_PLACE)};
const uint16_t sl_hello_signature_id[SL_HELLO_SIGNATURE_COUNT] = {SIGNATURES(SL_HELLO_BY_PLACE)};

static const struct sl_hello_number groups[SL_HELLO_SLOTS] = {GROUPS(SL_HELLO_BY_SLOT)};
static const struct sl_hello_number signatures[SL_HELLO_SLOTS] = {SIGNATURES(SL_HELLO_BY_SLOT)};
static const struct sl_hello_number versions[SL_HELLO_SLOTS] = {VERSIONS(SL_HELLO_BY_SLOT)};

/* A key share's length, and the first byte of a point, which is uncompressed (RFC 8446 4.2.8.2); 0: any. X25519MLKEM768
 * is ML-KEM's encapsulation key of 1184 bytes and an X25519 key (draft-ietf-tls-ecdhe-mlkem). */
static const struct {
    uint16_t bytes;
    uint8_t first;
} share_form[SL_HELLO_GROUP_COUNT] = {
    [SL_HELLO_X25519] = {32, 0},
    [SL_HELLO_P256] = {65, 4},
    [SL_HELLO_P384] = {97, 4},
    [SL_HELLO_X25519MLKEM768] = {1184 + 32, 0},
};

/* A list of numbers of two bytes, never empty; the set of those that we know. */
static uint8_t numbers(struct sl_cursor list, const struct sl_hello_number *known, uint32_t *set)
{
    if (list.bad || sl_cursor_left(&list) == 0 || sl_cursor_left(&list) % 2)
        return SL_ALERT_DECODE_ERROR;
    while (sl_cursor_left(&list))
        *set |= sl_hello_set(known, sl_cursor_u16(&list));
    return 0;
}

/* A list of vectors with a length of two bytes each, none of them empty. */
static uint8_t vectors(struct sl_cursor list, struct sl_bytes *out)
{
    *out = sl_hello_rest(&list);
    if (list.bad || sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    while (sl_cursor_left(&list)) {
        struct sl_cursor item = sl_hello_vec16(&list);

        if (sl_cursor_left(&item) == 0)
            return SL_ALERT_DECODE_ERROR;
    }
    return 0;
}

static bool is_text(const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (p[i] == 0 || p[i] > 127)
            return false;
    return true;
}

/* RFC 6066 3. Other types than host_name begin with a length too, and are skipped. */
static uint8_t server_name(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec16(c);

    if (sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    while (sl_cursor_left(&list)) {
        uint8_t type = sl_cursor_u8(&list);
        struct sl_cursor name = sl_hello_vec16(&list);

        if (sl_cursor_left(&name) == 0)
            return SL_ALERT_DECODE_ERROR;
        if (type != 0)
            continue;
        if (h->sni.p || !is_text(name.p, (uint32_t)sl_cursor_left(&name)))
            return SL_ALERT_ILLEGAL_PARAMETER;
        h->sni = sl_hello_rest(&name);
    }
    return 0;
}

/* RFC 6066 4: 1 to 4 stand for 2^9 to 2^12 bytes. */
static uint8_t max_fragment_length(struct sl_cursor *c, struct sl_hello *h)
{
    uint8_t v = sl_cursor_u8(c);

    if (v < 1 || v > 4)
        return SL_ALERT_ILLEGAL_PARAMETER;
    h->max_fragment_bytes = (uint16_t)(256u << v);
    return 0;
}

/* RFC 6066 8. Types other than OCSP are not ours to understand. */
static uint8_t status_request(struct sl_cursor *c, struct sl_hello *h)
{
    if (sl_cursor_u8(c) != 1) {
        sl_cursor_skip(c, sl_cursor_left(c));
        return 0;
    }
    sl_hello_vec16(c); /* responders */
    sl_hello_vec16(c); /* extensions of the request */
    h->ocsp = true;
    return 0;
}

static uint8_t supported_groups(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec16(c);

    h->group_list = sl_hello_rest(&list);
    return numbers(list, groups, &h->groups);
}

/* RFC 8422 5.1.2: of 1.2 only, so hello_parse.c judges what is missing. */
static uint8_t ec_point_formats(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec8(c);

    if (sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    h->uncompressed_points = false;
    while (sl_cursor_left(&list))
        h->uncompressed_points |= sl_cursor_u8(&list) == 0;
    return 0;
}

static uint8_t signature_algorithms(struct sl_cursor *c, struct sl_hello *h)
{
    return numbers(sl_hello_vec16(c), signatures, &h->signatures);
}

static uint8_t signature_algorithms_cert(struct sl_cursor *c, struct sl_hello *h)
{
    return numbers(sl_hello_vec16(c), signatures, &h->cert_signatures);
}

bool sl_hello_next_protocol(struct sl_cursor *list, struct sl_bytes *name)
{
    struct sl_cursor item = sl_hello_vec8(list);

    *name = sl_hello_rest(&item);
    return name->len != 0;
}

/* RFC 7301 3.1: names are not empty. */
static uint8_t alpn(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec16(c);
    struct sl_bytes name;

    if (sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    h->alpn = sl_hello_rest(&list);
    while (sl_cursor_left(&list))
        if (!sl_hello_next_protocol(&list, &name))
            return SL_ALERT_DECODE_ERROR;
    return 0;
}

/* Its presence says all. */
static uint8_t nothing(struct sl_cursor *c, struct sl_hello *h) { return 0; }

/* RFC 8449 4. */
static uint8_t record_size_limit(struct sl_cursor *c, struct sl_hello *h)
{
    h->record_limit_bytes = sl_cursor_u16(c);
    return h->record_limit_bytes < 64 ? SL_ALERT_ILLEGAL_PARAMETER : 0;
}

static uint8_t session_ticket(struct sl_cursor *c, struct sl_hello *h)
{
    h->session_ticket = sl_hello_rest(c);
    sl_cursor_skip(c, sl_cursor_left(c));
    return 0;
}

/* RFC 8446 4.2.11: identities of at least 1 byte with an age of 4, then as many binders of 32 to 255 bytes. */
static uint8_t pre_shared_key(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor identities = sl_hello_vec16(c), binders = sl_hello_vec16(c);
    uint32_t n_binders = 0;

    h->psk_identities = sl_hello_rest(&identities);
    h->psk_binders = sl_hello_rest(&binders);
    if (!h->psk_identities.len || !h->psk_binders.len)
        return SL_ALERT_DECODE_ERROR;
    for (; sl_cursor_left(&identities); h->psk_count++) {
        struct sl_cursor identity = sl_hello_vec16(&identities);

        sl_cursor_skip(&identities, 4);
        if (identities.bad || sl_cursor_left(&identity) == 0)
            return SL_ALERT_DECODE_ERROR;
    }
    for (; sl_cursor_left(&binders); n_binders++) {
        struct sl_cursor binder = sl_hello_vec8(&binders);

        if (sl_cursor_left(&binder) < 32)
            return SL_ALERT_DECODE_ERROR;
    }
    return n_binders == h->psk_count ? 0 : SL_ALERT_ILLEGAL_PARAMETER;
}

/* RFC 8446 4.2.1: where it stands, legacy_version counts no more. */
static uint8_t supported_versions(struct sl_cursor *c, struct sl_hello *h)
{
    uint32_t set = 0;
    uint8_t alert = numbers(sl_hello_vec8(c), versions, &set);

    h->versions = (uint8_t)set;
    return alert;
}

static uint8_t cookie(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor v = sl_hello_vec16(c);

    h->cookie = sl_hello_rest(&v);
    return h->cookie.len ? 0 : SL_ALERT_DECODE_ERROR;
}

/* RFC 8446 4.2.9: 0 is psk_ke, 1 psk_dhe_ke. */
static uint8_t psk_key_exchange_modes(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec8(c);

    if (sl_cursor_left(&list) == 0)
        return SL_ALERT_DECODE_ERROR;
    while (sl_cursor_left(&list)) {
        uint8_t mode = sl_cursor_u8(&list);

        h->psk_modes |= (uint8_t)(mode == 0 ? SL_HELLO_PSK_KE : mode == 1 ? SL_HELLO_PSK_DHE_KE : 0);
    }
    return 0;
}

static uint8_t certificate_authorities(struct sl_cursor *c, struct sl_hello *h)
{
    return vectors(sl_hello_vec16(c), &h->authorities);
}

/* RFC 8446 4.2.8. The list may be empty: the client asks for a HelloRetryRequest. Whether shares are of groups that were
 * offered, and one of each, hello_parse.c sees when all extensions were read. */
static uint8_t key_share(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor list = sl_hello_vec16(c);

    h->share_list = sl_hello_rest(&list);
    while (sl_cursor_left(&list)) {
        uint32_t bit = sl_hello_set(groups, sl_cursor_u16(&list));
        struct sl_cursor key = sl_hello_vec16(&list);
        uint32_t i;

        if (sl_cursor_left(&key) == 0)
            return SL_ALERT_DECODE_ERROR;
        if (!bit)
            continue;
        i = (uint32_t)__builtin_ctz(bit);
        if (sl_cursor_left(&key) != share_form[i].bytes || (share_form[i].first && key.p[0] != share_form[i].first))
            return SL_ALERT_ILLEGAL_PARAMETER;
        h->shares |= bit;
        h->share[i] = sl_hello_rest(&key);
    }
    return 0;
}

/* RFC 5746 3.6: in a first handshake it is empty, and we never do a second. */
static uint8_t renegotiation_info(struct sl_cursor *c, struct sl_hello *h)
{
    struct sl_cursor verify_data = sl_hello_vec8(c);

    h->renegotiation = true;
    return sl_cursor_left(&verify_data) ? SL_ALERT_HANDSHAKE_FAILURE : 0;
}

const struct sl_hello_extension_kind sl_hello_extension_kinds[SL_HELLO_EXTENSION_SLOTS] = {
    [SL_HELLO_SERVER_NAME] = {"server_name", server_name},
    [SL_HELLO_MAX_FRAGMENT_LENGTH] = {"max_fragment_length", max_fragment_length},
    [SL_HELLO_STATUS_REQUEST] = {"status_request", status_request},
    [SL_HELLO_SUPPORTED_GROUPS] = {"supported_groups", supported_groups},
    [SL_HELLO_EC_POINT_FORMATS] = {"ec_point_formats", ec_point_formats},
    [SL_HELLO_SIGNATURE_ALGORITHMS] = {"signature_algorithms", signature_algorithms},
    [SL_HELLO_ALPN] = {"application_layer_protocol_negotiation", alpn},
    [SL_HELLO_PADDING] = {"padding", NULL},
    [SL_HELLO_ENCRYPT_THEN_MAC] = {"encrypt_then_mac", nothing},
    [SL_HELLO_EXTENDED_MASTER_SECRET] = {"extended_master_secret", nothing},
    [SL_HELLO_RECORD_SIZE_LIMIT] = {"record_size_limit", record_size_limit},
    [SL_HELLO_SESSION_TICKET] = {"session_ticket", session_ticket},
    [SL_HELLO_PRE_SHARED_KEY] = {"pre_shared_key", pre_shared_key},
    [SL_HELLO_EARLY_DATA] = {"early_data", nothing},
    [SL_HELLO_SUPPORTED_VERSIONS] = {"supported_versions", supported_versions},
    [SL_HELLO_COOKIE] = {"cookie", cookie},
    [SL_HELLO_PSK_KEY_EXCHANGE_MODES] = {"psk_key_exchange_modes", psk_key_exchange_modes},
    [SL_HELLO_CERTIFICATE_AUTHORITIES] = {"certificate_authorities", certificate_authorities},
    [SL_HELLO_OID_FILTERS] = {"oid_filters", NULL, true},
    [SL_HELLO_POST_HANDSHAKE_AUTH] = {"post_handshake_auth", nothing},
    [SL_HELLO_SIGNATURE_ALGORITHMS_CERT] = {"signature_algorithms_cert", signature_algorithms_cert},
    [SL_HELLO_KEY_SHARE] = {"key_share", key_share},
    [SL_HELLO_RENEGOTIATION_INFO] = {"renegotiation_info", renegotiation_info},
};
