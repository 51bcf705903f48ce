/* tls_raw: a client driven by hand, message by message, so that a test can say the wrong thing at any moment. It speaks
 * TLS 1.3 with TLS_AES_128_GCM_SHA256 and 1.2 with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, X25519 in both; its key
 * schedule is its own (RFC 8446 7.1, RFC 5246 8.1). It checks no signature. May end the process on misuse. */
#ifndef TH_TLS_RAW_H
#define TH_TLS_RAW_H

#include <psa/crypto.h>

#include "helpers/hello_text.h"
#include "helpers/tls_kit.h"

enum { TH_CCS = 20, TH_ALERT = 21, TH_HANDSHAKE = 22, TH_DATA = 23 }; /* records */

enum { /* messages */
       TH_CLIENT_HELLO = 1,
       TH_SERVER_HELLO = 2,
       TH_NEW_SESSION_TICKET = 4,
       TH_END_OF_EARLY_DATA = 5,
       TH_ENCRYPTED_EXTENSIONS = 8,
       TH_CERTIFICATE = 11,
       TH_SERVER_KEY_EXCHANGE = 12,
       TH_CERTIFICATE_REQUEST = 13,
       TH_SERVER_HELLO_DONE = 14,
       TH_CERTIFICATE_VERIFY = 15,
       TH_CLIENT_KEY_EXCHANGE = 16,
       TH_FINISHED = 20,
       TH_KEY_UPDATE = 24,
};

#define TH_RAW_TICKET_MAX 1024

struct th_raw {
    struct th_pipe *pipe;
    bool v13;
    psa_key_id_t key;
    uint8_t share[32];   /* public */
    struct th_bytes log; /* messages of the handshake so far */
    struct th_bytes in;  /* of the server's messages, what is not yet whole */
    struct th_twin keys; /* of records; .s.rx to the server, .s.tx from it */
    bool seal, open;     /* whether they are in force */
    uint8_t c_hs[32], s_hs[32], master[32], c_ap[32], s_ap[32], res[32]; /* 1.3 */
    uint8_t randoms[64], master12[48];                                   /* client's, server's; 1.2 */
    uint8_t points[133]; /* the server's share, with its length before it */
    bool ems;            /* 1.2: the server takes RFC 7627 */
    /* to be offered */
    uint8_t psk[32], ticket[TH_RAW_TICKET_MAX];
    uint32_t ticket_len, age_add, lifetime_s;
    bool offer;             /* the ticket is offered */
    uint32_t binder_len;    /* 0: 32 */
    uint8_t binder_spoil;   /* xor to its last byte */
    const char *behind_psk; /* extensions behind pre_shared_key, which must be the last */
    /* what has come */
    unsigned seen[256]; /* messages by type */
    unsigned retries, ccs;
    bool resumed;
    int alert;   /* -1: none */
    bool broken; /* a record could not be opened */
    uint8_t data[64];
    size_t data_len;
};

/* What differs from an honest hello, as hello_text; NULL: nothing. */
struct th_raw_hello {
    const char *suites, *session_id, *versions, *groups, *shares, *signatures, *name, *more;
};

void th_raw_init(struct th_raw *c, struct th_pipe *pipe, bool v13);
void th_raw_done(struct th_raw *c);

/* Composes a hello and adds it to the log; malloc'd. */
uint8_t *th_raw_compose(struct th_raw *c, const struct th_raw_hello *h, uint32_t *len);
/* The same, sent in one record. */
void th_raw_hello(struct th_raw *c, const struct th_raw_hello *h);

/* One record, under the keys in force; plain: in clear whatever keys there are. */
void th_raw_record(struct th_raw *c, uint8_t type, const void *bytes, size_t len);
void th_raw_plain(struct th_raw *c, uint8_t type, const void *bytes, size_t len);
/* A message in a record of its own; noted: and in the log. */
void th_raw_message(struct th_raw *c, uint8_t type, const void *body, size_t len, bool noted);

/* Takes all that the server has sent. */
void th_raw_read(struct th_raw *c);

/* Finished with spoil xor'ed to its first byte; not sent when out is given, which has room for 36 bytes. Keys of
 * application data are in force for sending afterwards (1.3). */
void th_raw_finished(struct th_raw *c, uint8_t spoil, uint8_t *out);
void th_raw_use_data_keys(struct th_raw *c);

/* 1.2: ClientKeyExchange with our share, and what follows from it; change_cipher_spec, behind which keys are in force. */
void th_raw_key_exchange(struct th_raw *c);
void th_raw_change_cipher(struct th_raw *c);

/* The honest rest of a handshake whose hello was sent: true when the stream above opened. */
struct sl_stream *th_raw_complete(struct th_raw *c, struct th_rig *r);

/* tls_raw_keys.c */
void th_raw_hash(const struct th_raw *c, uint8_t out[32]);
void th_raw_hmac(const uint8_t key[32], const uint8_t *p, size_t len, uint8_t out[32]);
void th_raw_binder(struct th_raw *c, const uint8_t *hello, size_t len, uint8_t out[32]);
void th_raw_handshake_keys(struct th_raw *c, const uint8_t peer[32]);
void th_raw_application_secrets(struct th_raw *c);
void th_raw_resumption(struct th_raw *c, const uint8_t *nonce, uint32_t nonce_len);
void th_raw_verify_data(struct th_raw *c, uint8_t *out, uint32_t *len);
void th_raw_master12(struct th_raw *c, bool server_took_ems);
void th_raw_direction(struct sl_tls_direction *d, const uint8_t secret[32]);

#endif
