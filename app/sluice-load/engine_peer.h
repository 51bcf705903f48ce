/* engine_peer: a server driven by hand, message by message, so that it can say the wrong thing to the lean client at any moment. It is the client that is driven by hand
 * (test/helpers/tls_raw.h) with its directions turned round: TLS_AES_128_GCM_SHA256, X25519. May end the process on misuse. */
#ifndef LOAD_ENGINE_PEER_H
#define LOAD_ENGINE_PEER_H

#include <stdio.h>
#include <stdlib.h>

#include "helpers/tls_raw.h"
#include "tls/hello.h"

struct peer {
    struct th_raw c;
    uint8_t share[32];          /* the client's */
    uint8_t c_ap[32], s_ap[32]; /* what both must come to */
    struct sl_hello hello;
};

static inline void peer_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "engine_peer: %s\n", what);
    abort();
}

static inline void peer_init(struct peer *p, struct th_pipe *pipe)
{
    *p = (struct peer){{0}};
    th_raw_init(&p->c, pipe, true);
}

/* Takes the hello. */
static inline void peer_listen(struct peer *p)
{
    struct sl_tls_failure failure;

    th_raw_read(&p->c);
    peer_must(p->c.log.len && sl_hello_parse(p->c.log.p, (uint32_t)p->c.log.len, &p->hello, &failure), "no hello");
    memcpy(p->share, p->hello.share[SL_HELLO_X25519].p, 32);
}

/* A ServerHello as text (hello_text.h), where SHARE stands for ours. */
static inline void peer_hello(struct peer *p, const char *format)
{
    char text[2048], share[65];
    const char *at = strstr(format, "SHARE");
    uint8_t body[1024];

    for (int i = 0; i < 32; i++)
        snprintf(share + 2 * i, 3, "%02x", p->c.share[i]);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at ? at - format : (int)strlen(format)), format, at ? share : "",
             at ? at + 5 : "");
    th_raw_message(&p->c, TH_SERVER_HELLO, body, th_hello_text(text, body, sizeof body), true);
}

#define PEER_HELLO "0303 11*32 [] 1301 00 (002b(0304) 0033(001d (SHARE)))"

/* Keys of the handshake are in force. */
static inline void peer_keys(struct peer *p)
{
    th_raw_handshake_keys(&p->c, p->share);
    th_raw_direction(&p->c.keys.s.rx, p->c.s_hs);
    th_raw_direction(&p->c.keys.s.tx, p->c.c_hs);
}

static inline void peer_say(struct peer *p, uint8_t type, const void *body, size_t len)
{
    th_raw_message(&p->c, type, body, len, true);
}

/* Messages that were said in another way. */
static inline void peer_note(struct peer *p, const void *bytes, size_t len)
{
    struct th_bytes *log = &p->c.log;

    log->room = log->len + len;
    log->p = realloc(log->p, log->room);
    peer_must(log->p, "out of memory");
    memcpy(log->p + log->len, bytes, len);
    log->len += len;
}

/* Of the server, spoiled; then its keys of application data. */
static inline void peer_finished(struct peer *p, uint8_t spoil)
{
    uint8_t verify[32], client[32];
    uint32_t len;

    memcpy(client, p->c.c_hs, 32);
    memcpy(p->c.c_hs, p->c.s_hs, 32); /* of whose secret it is made */
    th_raw_verify_data(&p->c, verify, &len);
    memcpy(p->c.c_hs, client, 32);
    verify[0] ^= spoil;
    peer_say(p, TH_FINISHED, verify, len);
    th_raw_application_secrets(&p->c);
    memcpy(p->c_ap, p->c.c_ap, 32);
    memcpy(p->s_ap, p->c.s_ap, 32);
    th_raw_direction(&p->c.keys.s.tx, p->c.c_hs);
    th_raw_direction(&p->c.keys.s.rx, p->s_ap);
}

static inline void peer_certificates(struct peer *p)
{
    static const uint8_t rubbish[700] = {0, 0, 2};

    peer_say(p, TH_CERTIFICATE, rubbish, sizeof rubbish);
    peer_say(p, TH_CERTIFICATE_VERIFY, rubbish, 76);
}

static inline void peer_flight(struct peer *p)
{
    peer_hello(p, PEER_HELLO);
    peer_keys(p);
    peer_say(p, TH_ENCRYPTED_EXTENSIONS, "\0\0", 2);
    peer_certificates(p);
    peer_finished(p, 0);
}

/* Takes the client's Finished, which is checked, and what stands before it in the same flight. */
static inline void peer_end(struct peer *p, bool certificate)
{
    uint8_t verify[32];
    uint32_t len;

    if (!certificate)
        th_raw_verify_data(&p->c, verify, &len);
    th_raw_read(&p->c);
    peer_must(!p->c.broken && p->c.seen[TH_FINISHED] == 1, "no Finished");
    peer_must(certificate || memcmp(p->c.log.p + p->c.log.len - 32, verify, 32) == 0, "a wrong Finished");
    th_raw_direction(&p->c.keys.s.tx, p->c_ap);
}

#endif
