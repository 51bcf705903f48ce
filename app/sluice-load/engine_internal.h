/* engine_internal: what the files of the lean client share. */
#ifndef LOAD_ENGINE_INTERNAL_H
#define LOAD_ENGINE_INTERNAL_H

#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "engine.h"
#include "tls/policy.h"

#define HASH_MAX_BYTES SL_TLS_SECRET_MAX_BYTES
#define RANDOM_BYTES 32
#define SHARE_BYTES 32 /* X25519 */
#define RECORD_HEAD_BYTES 5
#define RECORD_BODY_MAX_BYTES (16384 + 256) /* RFC 8446 5.2 */
#define MESSAGE_HEAD_BYTES 4
#define HELLO_MAX_BYTES 2560 /* ours, with a ticket and its record's header */
#define TEMPLATE_MAX_BYTES 512
#define TICKET_MAX_BYTES 1536
#define MESSAGE_MAX_BYTES 2048   /* of those that are looked at whole */
#define FLIGHT_MAX_BYTES 65536   /* all that a server may send in a handshake */
#define TICKET_LIFE_MAX_S 604800 /* RFC 8446 4.6.1 */

/* RFC 8446 B.1 */
enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

/* RFC 8446 B.3 */
enum {
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_NEW_SESSION_TICKET = 4,
    MESSAGE_ENCRYPTED_EXTENSIONS = 8,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_CERTIFICATE_REQUEST = 13,
    MESSAGE_CERTIFICATE_VERIFY = 15,
    MESSAGE_FINISHED = 20,
};

/* Where a handshake stands: what it does, or reads, next. */
enum load_state {
    LOAD_BEGIN,
    LOAD_SHARED, /* our key share has been computed */
    LOAD_HELLO,
    LOAD_SERVER_HELLO,
    LOAD_AGREE,
    LOAD_AGREED,
    LOAD_EXTENSIONS,
    LOAD_PEER, /* CertificateRequest or Certificate */
    LOAD_CERTIFICATE,
    LOAD_VERIFY,
    LOAD_FINISHED,
    LOAD_ANSWER,
    LOAD_TICKET,
    LOAD_DONE,
    LOAD_FAILED,
    LOAD_STATES
};

struct load_suite {
    uint16_t id;
    bool sha384;
    enum sl_aead_id aead;
};

/* A running hash of messages. */
struct load_hash {
    bool begun, sha384;
    union {
        mbedtls_sha256_context s256;
        mbedtls_sha512_context s512;
    };
};

struct load_ticket {
    uint32_t len; /* 0: there is none */
    uint32_t number;
    uint32_t age_add, lifetime_s;
    uint64_t since_s;
    bool sha384;
    uint8_t salt[HASH_MAX_BYTES];       /* Derive-Secret(Early Secret, "derived", "") */
    uint8_t binder_key[HASH_MAX_BYTES]; /* of the binder's HMAC (RFC 8446 4.2.11.2) */
    uint8_t bytes[TICKET_MAX_BYTES];
};

/* A hello up to what differs from one handshake to the next. */
struct load_template {
    uint32_t len;
    uint32_t share_at, extensions_at; /* the share, the length of all extensions */
    uint8_t bytes[TEMPLATE_MAX_BYTES];
};

struct sl_engine_policy {
    struct sl_engine_policy_conf app;
    struct load_engine_conf conf;
    struct load_template hello;
    uint8_t salt[2][HASH_MAX_BYTES];  /* as the ticket's, without one; by whether the hash is SHA-384 */
    uint8_t empty[2][HASH_MAX_BYTES]; /* hashes of nothing */
    struct {
        uint8_t scalar[SL_OP_SCALAR_MAX_BYTES], point[SL_OP_POINT_MAX_BYTES];
        uint32_t uses; /* that are left */
    } share;
    struct load_ticket ticket;
    struct sl_engine *spare;        /* of handshakes that have ended */
    const struct sl_engine *opener; /* whose `opening` is; NULL: nobody's */
    struct sl_aead_key opening;
    uint8_t record[RECORD_HEAD_BYTES + RECORD_BODY_MAX_BYTES]; /* the one that is being opened or sealed */
};

struct sl_engine {
    struct sl_engine_policy *policy;
    struct sl_engine *next_spare;
    struct sl_wire *wire;
    const struct load_suite *suite;
    const char *alpn;
    uint8_t state; /* enum load_state */
    uint8_t wants; /* enum sl_engine_step */
    bool sealed;   /* keys are in force: for what we say */
    bool opened;   /* the same for what is said to us */
    bool asked;    /* for our certificate */
    bool offered, resumed;
    uint32_t ticket_number; /* of the one that was offered */
    bool psk_sha384;
    struct sl_tls_failure failure;
    uint32_t skip;    /* bytes of a message that are only hashed */
    uint32_t n_kept;  /* bytes of a message that is not all there */
    uint32_t n_hello; /* record's header included */
    uint32_t n_name;
    uint8_t n_context; /* of the request for our certificate */
    struct load_hash log;
    uint8_t salt[HASH_MAX_BYTES]; /* the Early Secret's, when a ticket was offered */
    uint8_t master[HASH_MAX_BYTES];
    uint8_t resumption[HASH_MAX_BYTES];
    struct sl_tls_direction tx, rx;
    struct sl_op op;
    uint8_t context[255];
    char name[SL_SNI_MAX];
    uint8_t hello[HELLO_MAX_BYTES];
    uint8_t kept[MESSAGE_MAX_BYTES];
};

static inline uint32_t hash_bytes(bool sha384) { return sha384 ? 48 : 32; }

/* Ends the handshake; alert 0: none is said. Always false. */
bool load_engine_fail(struct sl_engine *e, enum sl_tls_fail why, uint8_t alert);

/* ---- engine_hello.c ---- */
/* -EINVAL: the settings can't be offered. */
int load_hello_template(struct load_template *t, const struct sl_engine_policy_conf *app, struct sl_err *err);
/* Our half, as e->op has it, and the ticket if there is one. */
void load_hello_compose(struct sl_engine *e);

/* ---- engine_flight.c ---- */
/* Goes through what waits as long as the state is one that reads; false: e->wants more, or it has failed. */
bool load_flight_read(struct sl_engine *e);

/* ---- engine_parse.c: one message each, its header included; false: the handshake has failed ---- */
bool load_parse_server_hello(struct sl_engine *e, const uint8_t *m, uint32_t len);
bool load_parse_extensions(struct sl_engine *e, const uint8_t *m, uint32_t len);
bool load_parse_request(struct sl_engine *e, const uint8_t *m, uint32_t len);
bool load_parse_finished(struct sl_engine *e, const uint8_t *m, uint32_t len);
bool load_parse_ticket(struct sl_engine *e, const uint8_t *m, uint32_t len);

/* ---- engine_say.c ---- */
/* Our end of the handshake in one record. False: no buffer, nothing was written; or it has failed. */
bool load_say_finished(struct sl_engine *e);
/* False: no buffer. */
bool load_say_alert(struct sl_engine *e, uint8_t alert);

/* ---- engine_ticket.c ---- */
/* The policy's ticket while it is of use; NULL: none is. */
const struct load_ticket *load_ticket_usable(const struct sl_engine_policy *p);
uint64_t load_ticket_age_s(const struct load_ticket *t);
/* Takes a NewSessionTicket; one that is of no use is passed over, a malformed one makes the cursor bad. */
void load_ticket_keep(struct sl_engine *e, struct sl_cursor *body);
/* The server did not take it. */
void load_ticket_refused(struct sl_engine *e);

/* ---- engine_keys.c: RFC 8446 7.1 ---- */
void load_hash_begin(struct load_hash *h, bool sha384);
void load_hash_add(struct load_hash *h, const void *p, uint32_t len);
/* The hash of what was added so far; more may follow. */
void load_hash_tell(const struct load_hash *h, uint8_t out[HASH_MAX_BYTES]);
void load_keys_policy(struct sl_engine_policy *p);
/* From the shared secret in e->op: both directions' keys. */
void load_keys_handshake(struct sl_engine *e);
/* verify_data of whoever has that traffic secret. */
void load_keys_finished(const struct sl_engine *e, const uint8_t *secret, uint8_t out[HASH_MAX_BYTES]);
/* The secrets of application data, as of now in the log. */
void load_keys_application(struct sl_engine *e, uint8_t tx[HASH_MAX_BYTES], uint8_t rx[HASH_MAX_BYTES]);
void load_keys_resumption(struct sl_engine *e);
void load_keys_ticket(const struct sl_engine *e, const uint8_t *nonce, uint32_t n_nonce, struct load_ticket *t);

/* ---- engine_record.c ---- */
/* Opens the record in the policy's buffer in place; its content and type. False: the handshake has failed. */
bool load_record_open(struct sl_engine *e, uint32_t body_bytes, uint32_t *content_bytes, uint8_t *type);
/* Seals len bytes that stand behind the header in the policy's buffer; the length of the record. */
uint32_t load_record_seal(struct sl_engine *e, uint8_t type, uint32_t len);
/* Keys of e have changed or are gone. */
void load_record_forget(struct sl_engine *e);

#endif
