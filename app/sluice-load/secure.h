/* secure: the TLS clients of one worker. Each flow has a lean one (engine.h) and a full one (mbedTLS, which checks the certificate where authorities are known); every so many handshakes are the
 * full one's. */
#ifndef LOAD_SECURE_H
#define LOAD_SECURE_H

#include "conf/conf.h"
#include "plan.h"
#include "tls/tls.h"

struct secure;

/* settings: how TLS is spoken, with the authorities; outlive it. */
int secure_create(const struct load_plan *plan, const struct sl_conf_tls *settings, struct sl_tls *tls,
                  struct secure **secure, struct sl_err *err);
void secure_destroy(struct secure *s);

/* Whether the flow's next handshake is the full client's. */
bool secure_next_is_full(struct secure *s, uint32_t flow);
/* TLS over an established stream, which is taken over: OPEN or CLOSED comes on `ready`. NULL: no memory, lower is gone. */
struct sl_stream *secure_connect(struct secure *s, uint32_t flow, bool full, struct sl_stream *lower,
                                 struct sl_ready *ready, void *owner, uint64_t now);
/* Whether an open stream was resumed. */
bool secure_was_resumed(struct sl_stream *s);

#endif
