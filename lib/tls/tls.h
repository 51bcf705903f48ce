/* tls: TLS of one worker: handshakes (mbedTLS, behind engine.h), the record layer (record.h), certificates by SNI,
 * ALPN. In either role. Takes a stream below and offers a stream above; knows neither tcp nor proxy. No mbedTLS type stands in
 * this header. */
#ifndef SL_TLS_H
#define SL_TLS_H

#include "conf/conf.h"
#include "stat/stat.h"
#include "stream/stream.h"

struct sl_tls;
/* What a listener presents: certificates, ALPN, limits. Of one generation of configuration; counted. */
struct sl_tls_site;
/* How connections are dialled: settings, authorities, ALPN, limits. Counted like a site. */
struct sl_tls_client;
struct sl_ticket_set; /* ticket.h */
struct sl_engine_ops; /* engine.h */

struct sl_tls_params {
    struct rte_mempool *pool;       /* packet buffers for handshakes, and for bytes that have to be copied */
    struct rte_mempool *small_pool; /* for headers and tags of records: one a record until it is acknowledged, with a
                                       data room of at least 48 */
    struct sl_stats *stats;
    uint32_t handshakes_max;  /* in flight; beyond it the one that waited longest without progress gives way, counted */
    uint64_t budget_ns;       /* what a crypto step may spend on handshakes, by stated prices; 0: 200 us */
    uint32_t keys_cached;     /* expanded cipher keys, two a connection, 1.6 KiB each; 0: 1024 */
    uint64_t records_per_key; /* after which keys change (1.3) or the connection ends (1.2); 0: 2^24 */
    void (*keylog)(const char *path, const char *line, size_t len_bytes); /* as in keylog.h; NULL: none is written */
};

/* Checks certificates of a configuration: PEM readable, in the right order, key matches the first certificate, key type
 * and size supported; those that are not a listener's default have names. Authorities and revocation lists of clients,
 * and ticket keys, can be read. Expiry is no error. On any thread. */
void sl_tls_check_conf(const struct sl_conf *conf, struct sl_conf_errors *errs);

/* All of it belongs to the thread that calls, which has called sl_crypto_thread_start. -ENOMEM; -EINVAL: packet buffers
 * too small for records. */
int sl_tls_create(const struct sl_tls_params *params, struct sl_tls **tls, struct sl_err *err);
/* Aborts and releases the streams below of all connections, and frees what is left of sites; none may be used then. */
void sl_tls_destroy(struct sl_tls *tls);

/* Handshakes in flight, anew. */
void sl_tls_limit(struct sl_tls *tls, uint32_t handshakes_max);

/* The site of listener conf->listeners[index], with one reference. conf must outlive it. Certificates are parsed when
 * first used. Wall clock in seconds since 1970 is only needed by tickets and X.509 validity and is handed on by run. */
struct sl_tls_site *sl_tls_site_create(struct sl_tls *tls, const struct sl_conf *conf, uint32_t index,
                                       struct sl_err *err);
/* Keys for tickets of the sites of this configuration: sets[i] for those with settings conf->tls[i], n of them. Copies.
 * A site has no keys that others share until then. -ENOMEM: some kept what they had. */
int sl_tls_use_tickets(struct sl_tls *tls, const struct sl_conf *conf, const struct sl_ticket_set *sets, uint32_t n);
/* Drops a reference; connections hold their own. */
void sl_tls_site_release(struct sl_tls_site *site);
/* Whether the caller's reference is the only one left: no handshake and no stream uses the site (and with it the
 * configuration) any more. */
bool sl_tls_site_unused(const struct sl_tls_site *site);

/* Server side over an established stream `lower`, which it takes over. The stream above reports OPEN on `ready` once
 * the handshake is done (then `owner` is its owner). Handshakes that fail before are logged, counted and released by tls
 * itself: the user never sees them, so what is returned tells only that it began and is not to be touched before OPEN.
 * NULL: no memory; lower is aborted and released.
 *
 * After OPEN: FIN without close_notify is EOF too, and counted (tls.truncated). A peer that breaks the protocol gets its
 * alert and FIN, and the stream is CLOSED with SL_REASON_PROTOCOL. Both sides' close_notify make it CLOSED at once; the
 * stream below finishes by itself. */
struct sl_stream *sl_tls_accept(struct sl_tls *tls, struct sl_tls_site *site, struct sl_stream *lower,
                                struct sl_ready *ready, void *owner, uint64_t now);

/* All of it but the label outlives the client. */
struct sl_tls_client_conf {
    const char *label; /* what the log calls it; at most 63 bytes */
    /* Versions, suites, groups; client_ca_pem: the authorities that servers' certificates must lead to, without them none
     * is looked at. NULL: the policy intermediate, without authorities. */
    const struct sl_conf_tls *settings;
    const char *const *alpn; /* NULL-terminated, the preferred first; NULL: none */
    uint64_t handshake_timeout_ns;
    const struct sl_engine_ops *engine; /* NULL: mbedTLS */
    const void *engine_conf;            /* for engines of others: struct sl_engine_policy_conf.extra */
};

/* With one reference. NULL with err: no memory, authorities that can't be read, or the engine's reason. */
struct sl_tls_client *sl_tls_client_create(struct sl_tls *tls, const struct sl_tls_client_conf *conf,
                                           struct sl_err *err);
/* Drops a reference; connections hold their own. */
void sl_tls_client_release(struct sl_tls_client *client);

/* Client side over an established stream `lower`, which it takes over, towards a server called name: a host name, which
 * the server is asked for (SNI) and which its certificate must cover where there are authorities; "": neither. The stream
 * above reports OPEN on `ready`, or CLOSED with a reason when the handshake fails: here the user does hear of it. It may
 * also end the stream before; bytes pass from OPEN on. It releases the stream in every case. NULL: no memory; lower is
 * aborted and released. After OPEN all is as with sl_tls_accept. Tickets of servers are not kept. */
struct sl_stream *sl_tls_connect(struct sl_tls *tls, struct sl_tls_client *client, struct sl_stream *lower,
                                 const char *name, struct sl_ready *ready, void *owner, uint64_t now);

/* Steps of the loop. run: passes events of streams below on to those above and marks handshakes that can go on. crypto:
 * lets handshakes go on within the budget. timers: handshake timeouts. */
void sl_tls_run(struct sl_tls *tls, uint64_t now, uint64_t wall_s);
void sl_tls_crypto(struct sl_tls *tls, uint64_t now);
void sl_tls_timers(struct sl_tls *tls, uint64_t now);
uint64_t sl_tls_next(const struct sl_tls *tls); /* 0: crypto has work left */

/* Handshakes in flight, and streams above in all. */
uint32_t sl_tls_handshakes(const struct sl_tls *tls);
uint32_t sl_tls_streams(const struct sl_tls *tls);

#endif
