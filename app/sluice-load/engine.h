/* engine: the load generator's own client of TLS 1.3, behind the same table as mbedTLS's. It is lean: one cipher suite list, X25519, a key share that may serve many handshakes, resumption
 * with a ticket that it keeps, and no look at certificates. It does check the server's Finished. What it leaves out, reports say ("corners"). */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "tls/engine.h"

/* Settings of a policy (struct sl_engine_policy_conf.extra). */
struct load_engine_conf {
    uint32_t share_uses; /* handshakes with one key share; 1: each has its own */
    bool resume;         /* a handshake that has no ticket waits for one before it is done; the others use the newest */
};

extern const struct sl_engine_ops load_engine;

#endif
