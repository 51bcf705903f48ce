/* proxy: pairs exchanges on front streams with back streams and moves slices between them: back-pressure, half-close, choice of an origin server. Knows streams only.
 * Today an exchange is a whole connection; with HTTP an exchange is a request, a front has many, and a pooled back outlives its front. */
#ifndef SL_PROXY_H
#define SL_PROXY_H

#include "conf/conf.h"
#include "stat/stat.h"
#include "stream/stream.h"
#include "timer/timer.h"

struct sl_proxy;
struct sl_proxy_upstream; /* servers of one upstream with their health, of one generation of configuration; counted */
struct sl_proxy_service;  /* what a listener's fronts are paired by: upstream, idle timeout, name; counted */

struct sl_proxy_params {
    struct sl_dialer dialer;
    struct sl_stats *stats;
    uint32_t pairs_max;
};

int sl_proxy_create(const struct sl_proxy_params *params, uint64_t now, struct sl_proxy **proxy, struct sl_err *err);
/* Aborts and releases all streams. */
void sl_proxy_destroy(struct sl_proxy *proxy);

/* The upstream of conf->upstreams[index]; one reference; conf must outlive it. */
struct sl_proxy_upstream *sl_proxy_upstream_create(struct sl_proxy *proxy, const struct sl_conf *conf, uint32_t index);
void sl_proxy_upstream_release(struct sl_proxy_upstream *up);
/* The service of conf->listeners[index] over `up` (takes a reference of its own). `generation` is counted through pairs. */
struct sl_proxy_service *sl_proxy_service_create(struct sl_proxy *proxy, const struct sl_conf *conf, uint32_t index,
                                                 struct sl_proxy_upstream *up);
void sl_proxy_service_release(struct sl_proxy_service *svc);
/* Whether the caller's reference is the only one left: no pair uses the service any more. */
bool sl_proxy_service_unused(const struct sl_proxy_service *svc);

/* Where new fronts report. A front is a stream whose owner is a struct sl_proxy_service when it raises OPEN for the first time on this list; the proxy takes it over then. */
struct sl_ready *sl_proxy_fronts(struct sl_proxy *proxy);

void sl_proxy_run(struct sl_proxy *proxy,
                  uint64_t now); /* takes new fronts, moves bytes of every stream that is ready */
void sl_proxy_timers(struct sl_proxy *proxy, uint64_t now); /* idle pairs, dead servers */
uint64_t sl_proxy_next(const struct sl_proxy *proxy);
uint32_t sl_proxy_pairs(const struct sl_proxy *proxy);
/* Ends every pair: front and back aborted (drain's deadline). */
void sl_proxy_abort_all(struct sl_proxy *proxy);

#endif
