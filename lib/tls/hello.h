/* hello: a ClientHello read and understood before an engine sees it, so that certificate, policy and settings are chosen
 * for this handshake, and what an engine can't digest, or does not look at, is refused here with the alert that the RFC
 * names. Two layers: a reader collects the message from records that come in pieces of any size; a parser turns the
 * message into facts. RFC 8446 4.1.2, 4.2, 5.1; RFC 5246 7.4.1.2; RFC 6066, 7301, 7507, 7627, 5746, 8422, 8449, 8701. */
#ifndef SL_TLS_HELLO_H
#define SL_TLS_HELLO_H

#include "base/base.h"
#include "tls/failure.h"

/* ---- the message, understood ---- */

/* Bytes of the message; they live as long as it does. p is NULL when there are none to speak of. */
struct sl_bytes {
    const uint8_t *p;
    uint32_t len;
};

static inline struct sl_cursor sl_bytes_cursor(struct sl_bytes b)
{
    return b.p ? sl_cursor_of(b.p, b.len) : (struct sl_cursor){0};
}

/* Sets of versions. */
enum { SL_HELLO_V12 = 1, SL_HELLO_V13 = 2 };

/* What we may choose from; bit 1u << X in the sets below. What a client offers beyond is left out of them. */
enum sl_hello_suite {
    SL_HELLO_TLS13_AES_128_GCM_SHA256,
    SL_HELLO_TLS13_AES_256_GCM_SHA384,
    SL_HELLO_TLS13_CHACHA20_POLY1305_SHA256,
    SL_HELLO_ECDHE_ECDSA_AES_128_GCM_SHA256,
    SL_HELLO_ECDHE_ECDSA_AES_256_GCM_SHA384,
    SL_HELLO_ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
    SL_HELLO_ECDHE_RSA_AES_128_GCM_SHA256,
    SL_HELLO_ECDHE_RSA_AES_256_GCM_SHA384,
    SL_HELLO_ECDHE_RSA_CHACHA20_POLY1305_SHA256,
    SL_HELLO_SUITE_COUNT
};

enum sl_hello_group { SL_HELLO_X25519, SL_HELLO_P256, SL_HELLO_P384, SL_HELLO_X25519MLKEM768, SL_HELLO_GROUP_COUNT };

enum sl_hello_signature {
    SL_HELLO_ECDSA_P256_SHA256, /* in 1.2: SHA-256 with any curve */
    SL_HELLO_ECDSA_P384_SHA384,
    SL_HELLO_ECDSA_P521_SHA512,
    SL_HELLO_RSA_PSS_RSAE_SHA256,
    SL_HELLO_RSA_PSS_RSAE_SHA384,
    SL_HELLO_RSA_PSS_RSAE_SHA512,
    SL_HELLO_RSA_PKCS1_SHA256,
    SL_HELLO_RSA_PKCS1_SHA384,
    SL_HELLO_RSA_PKCS1_SHA512,
    SL_HELLO_ED25519,
    SL_HELLO_SIGNATURE_COUNT
};

/* IANA's numbers of the same. */
extern const uint16_t sl_hello_suite_id[SL_HELLO_SUITE_COUNT];
extern const uint16_t sl_hello_group_id[SL_HELLO_GROUP_COUNT];
extern const uint16_t sl_hello_signature_id[SL_HELLO_SIGNATURE_COUNT];

/* Extensions that a hello may have; IANA's numbers but for the last, which has its own (0xff01). */
enum sl_hello_extension {
    SL_HELLO_SERVER_NAME = 0,
    SL_HELLO_MAX_FRAGMENT_LENGTH = 1,
    SL_HELLO_STATUS_REQUEST = 5,
    SL_HELLO_SUPPORTED_GROUPS = 10,
    SL_HELLO_EC_POINT_FORMATS = 11,
    SL_HELLO_SIGNATURE_ALGORITHMS = 13,
    SL_HELLO_ALPN = 16,
    SL_HELLO_PADDING = 21,
    SL_HELLO_ENCRYPT_THEN_MAC = 22,
    SL_HELLO_EXTENDED_MASTER_SECRET = 23,
    SL_HELLO_RECORD_SIZE_LIMIT = 28,
    SL_HELLO_SESSION_TICKET = 35,
    SL_HELLO_PRE_SHARED_KEY = 41,
    SL_HELLO_EARLY_DATA = 42,
    SL_HELLO_SUPPORTED_VERSIONS = 43,
    SL_HELLO_COOKIE = 44,
    SL_HELLO_PSK_KEY_EXCHANGE_MODES = 45,
    SL_HELLO_CERTIFICATE_AUTHORITIES = 47,
    SL_HELLO_OID_FILTERS = 48,
    SL_HELLO_POST_HANDSHAKE_AUTH = 49,
    SL_HELLO_SIGNATURE_ALGORITHMS_CERT = 50,
    SL_HELLO_KEY_SHARE = 51,
    SL_HELLO_RENEGOTIATION_INFO = 63,
};

/* psk_modes */
enum { SL_HELLO_PSK_KE = 1, SL_HELLO_PSK_DHE_KE = 2 };

struct sl_hello {
    uint16_t legacy_version;
    uint8_t versions;     /* offered, of those that we know; never 0 */
    uint8_t chacha_first; /* versions whose suites the client lists with a ChaCha20-Poly1305 before all others */
    uint32_t suites;      /* set of enum sl_hello_suite */
    bool fallback_scsv;   /* RFC 7507 */
    bool renegotiation;   /* RFC 5746, by the suite or by the (empty) extension */
    uint64_t present;     /* set of enum sl_hello_extension; ask sl_hello_has */

    struct sl_bytes session_id;
    struct sl_bytes sni;            /* host name as it came: ASCII without NUL; use sl_hello_name */
    struct sl_bytes alpn;           /* list for sl_hello_next_protocol */
    struct sl_bytes cookie;         /* RFC 8446 4.2.2 */
    struct sl_bytes session_ticket; /* 1.2, RFC 5077; not NULL but empty: none yet, a new one is welcome */

    uint32_t groups; /* set of enum sl_hello_group; when !has(SUPPORTED_GROUPS) a 1.2 client takes any (RFC 8422 4) */
    uint32_t shares; /* set of enum sl_hello_group: a key share of the right length came */
    uint32_t signatures;      /* set of enum sl_hello_signature */
    uint32_t cert_signatures; /* the same of signature_algorithms_cert, or of `signatures` when there is none */
    struct sl_bytes share[SL_HELLO_GROUP_COUNT];

    uint8_t psk_modes;              /* set of SL_HELLO_PSK_* */
    uint16_t psk_count;             /* identities, each with its binder */
    struct sl_bytes psk_identities; /* the list without its length */
    struct sl_bytes psk_binders;    /* the list without its length; the message ends with it */

    bool ocsp;                   /* status_request asks for OCSP (RFC 6066 8) */
    bool uncompressed_points;    /* ec_point_formats has what every client of 1.2 must have; true when absent */
    uint16_t max_fragment_bytes; /* RFC 6066 4; 0: not asked for */
    uint16_t record_limit_bytes; /* RFC 8449; 0: not asked for */
    struct sl_bytes authorities; /* certificate_authorities, the list without its length */
    struct sl_bytes fixed;       /* what stands before the extensions, from legacy_version on */
    struct sl_bytes extensions;  /* all, without their length */
    struct sl_bytes group_list, share_list; /* supported_groups and key_share, the lists without their lengths */
};

/* Understands a whole message, its four bytes of header included. False: it is to be refused with failure->alert_sent.
 * Bounded in time by its length; allocates nothing. */
bool sl_hello_parse(const uint8_t *msg, uint32_t len, struct sl_hello *out, struct sl_tls_failure *failure);

static inline bool sl_hello_has(const struct sl_hello *h, enum sl_hello_extension e) { return h->present >> e & 1; }

/* The highest version of `ours` (a set) that the client offers. 0: failure says protocol_version, or
 * inappropriate_fallback where the client would not be here but for somebody's interference (RFC 7507 3). */
uint8_t sl_hello_version(const struct sl_hello *h, uint8_t ours, struct sl_tls_failure *failure);

enum sl_hello_name {
    SL_HELLO_NAME_NONE, /* no name, or an address, which is none (RFC 6066 3) though some clients send it */
    SL_HELLO_NAME_GOOD,
    SL_HELLO_NAME_BAD, /* a name that no host can have: nothing covers it, `unrecognized_name` fits */
};
#define SL_HELLO_NAME_ROOM 256

/* The name asked for, in lower case, without a final dot, as sl_names_find wants it; "" unless GOOD. */
enum sl_hello_name sl_hello_name(const struct sl_hello *h, char out[static SL_HELLO_NAME_ROOM]);

/* Stands for all that the hello after a HelloRetryRequest must repeat (RFC 8446 4.1.2): everything but key_share,
 * early_data, cookie, pre_shared_key and padding, in its order. Keyed, so that no client finds two hellos of one mark. */
uint64_t sl_hello_mark(const struct sl_hello *h, const struct sl_hash_key *key);

/* Whether the second hello is the first one, whose mark is given, with one share, of the group that was asked for, and
 * without early data. False: failure says illegal_parameter. */
bool sl_hello_repeats(const struct sl_hello *second, uint64_t mark, const struct sl_hash_key *key,
                      enum sl_hello_group asked, struct sl_tls_failure *failure);

/* The protocols of ALPN in the client's order. Begin with sl_bytes_cursor(h->alpn); false: no more. */
bool sl_hello_next_protocol(struct sl_cursor *list, struct sl_bytes *name);

#endif
