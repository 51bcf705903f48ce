/* tls: TLS of one worker: handshakes (mbedTLS, behind engine.h), the record layer (behind record.h), certificates by SNI, ALPN. Takes a stream below and offers a
 * stream above; knows neither tcp nor proxy. No mbedTLS type stands in this header. */
#ifndef SL_TLS_H
#define SL_TLS_H

#include "conf/conf.h"
#include "stat/stat.h"
#include "stream/stream.h"

struct sl_tls;
struct sl_tls_site; /* what a listener presents: certificates, ALPN, limits; of one generation of configuration; counted */

struct sl_tls_params {
    struct rte_mempool *pool;  /* packet buffers for plaintext and records */
    struct sl_stats *stats;
    uint32_t handshakes_max;   /* in flight; beyond it the oldest that has waited longest without progress gives way, counted */
    uint32_t budget_per_step;  /* handshake steps that compute (a flight answered) per crypto step of the loop; 0: 4 */
};

/* Checks certificates of a configuration: PEM readable, key matches the chain's first certificate, key type and size supported; a listener's certificates have names. */
void sl_tls_check_conf(const struct sl_conf *conf, struct sl_conf_errors *errs);

int sl_tls_create(const struct sl_tls_params *params, struct sl_tls **tls, struct sl_err *err);
void sl_tls_destroy(struct sl_tls *tls);

/* The site of listener conf->listeners[index], with one reference. conf must outlive it. Certificates are parsed when first used. Wall clock in seconds since 1970 is only needed by
 * tickets and X.509 validity and is handed on by run. */
struct sl_tls_site *sl_tls_site_create(struct sl_tls *tls, const struct sl_conf *conf, uint32_t index, struct sl_err *err);
/* Drops a reference; connections hold their own. */
void sl_tls_site_release(struct sl_tls_site *site);
/* Whether the caller's reference is the only one left: no handshake and no stream uses the site (and with it the configuration) any more. */
bool sl_tls_site_unused(const struct sl_tls_site *site);

/* Server side over an established stream `lower`, which it takes over. The stream above reports OPEN on `ready` once the handshake is done (then `owner` is its owner), CLOSED when that failed.
 * Handshakes that fail before OPEN are logged, counted and released by tls itself: the user never sees them. NULL: no memory or over the cap; lower is aborted and released. */
struct sl_stream *sl_tls_accept(struct sl_tls *tls, struct sl_tls_site *site, struct sl_stream *lower, struct sl_ready *ready, void *owner, uint64_t now);

/* Steps of the loop. run: passes events of streams below on to those above and marks handshakes that can go on. crypto: lets handshakes go on within the budget. timers: handshake timeouts. */
void sl_tls_run(struct sl_tls *tls, uint64_t now, uint64_t wall_s);
void sl_tls_crypto(struct sl_tls *tls, uint64_t now);
void sl_tls_timers(struct sl_tls *tls, uint64_t now);
uint64_t sl_tls_next(const struct sl_tls *tls); /* 0: crypto has work left */

/* Handshakes in flight, and streams above in all. */
uint32_t sl_tls_handshakes(const struct sl_tls *tls);
uint32_t sl_tls_streams(const struct sl_tls *tls);

#endif
