/* engine: the load generator's own client of TLS 1.3, behind the same table as mbedTLS's. It is lean: the suites of the settings, X25519, a key share that may serve many handshakes,
 * resumption with a ticket that it keeps and uses many times (a real client uses one once, RFC 8446 C.4), and no look at certificates. It does check the server's Finished. What it
 * leaves out, reports say ("corners"). */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "tls/engine.h"

/* Settings of a policy (struct sl_engine_policy_conf.extra). A policy keeps one ticket: it is for one server, or for several that open each other's tickets. */
struct load_engine_conf {
    uint32_t share_uses; /* handshakes with one key share; 1 or 0: each has its own */
    bool
        resume; /* a handshake that ends while there is no ticket waits for one before it is done; those that begin when there is one offer it */
};

/* sl_tls_failure.code */
enum { LOAD_ENGINE_ASKED_AGAIN = 1 /* HelloRetryRequest: the server wants a group that is not offered */ };

extern const struct sl_engine_ops load_engine;

#endif
