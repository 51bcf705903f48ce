/* plan: what a run is to do. Made once from the command line and only read from then on; all workers share it. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include "base/base.h"
#include "flood.h"

#define LOAD_TARGETS_MAX 64
#define LOAD_ORIGINS_MAX 256
#define LOAD_FLOWS_MAX 8
#define LOAD_FOREVER_NS (UINT64_C(1) << 62) /* until a signal: an origin alone */

enum load_mode {
    LOAD_HANDSHAKE, /* a connection an operation: TLS in full, one request, the end */
    LOAD_RESUME,    /* the same, TLS resumed with a ticket that the first connection got */
    LOAD_REQUEST,   /* an operation is a request on a connection that is kept */
    LOAD_DOWNLOAD,  /* the same, large answers */
    LOAD_UPLOAD,    /* the same, large requests */
    LOAD_HOLD,      /* connections that are opened, stay idle, and in the end make a request on a random tenth */
    LOAD_MODES
};

/* What a mode means where the command line does not say otherwise. */
struct load_mode_info {
    const char *name, *help;
    uint32_t connections, requests; /* requests 0: no end */
    uint64_t get_bytes, put_bytes;
    bool resumed;
};
extern const struct load_mode_info load_modes[LOAD_MODES];

/* One kind of load; several run side by side in a mixed run. Numbers are of all workers together. */
struct load_flow {
    enum load_mode mode;
    uint32_t connections; /* at once */
    uint32_t requests;    /* on one connection; 0: no end */
    double
        rate; /* operations a second, whatever the other side does (open loop); 0: each ends before the next (closed loop) */
    uint64_t get_bytes; /* of an answer */
    uint64_t put_bytes; /* of a request; 0: GET */
};

struct load_plan {
    const char *conf_path;
    struct sl_endpoint targets[LOAD_TARGETS_MAX]; /* the terminator, taken in turn; none: only the origin runs */
    struct sl_endpoint origins[LOAD_ORIGINS_MAX]; /* where our origin listens; none: somebody else's serves */
    uint32_t n_targets, n_origins, n_flows;
    struct load_flow flows[LOAD_FLOWS_MAX]; /* none: an origin alone, or a flood */
    const char *mode;                       /* its name, for reports: of the one flow, "mixed", "flood", "origin" */
    uint64_t warmup_ns, duration_ns;        /* one after the other; what happens in the warm-up is not counted */
    const char *name;                       /* SNI and Host */
    const char *ca_path;                    /* authorities; NULL: certificates are not checked */
    uint32_t check;      /* every so many handshakes one is the full client's, which checks the certificate; 0: none */
    uint32_t share_uses; /* handshakes of the lean client with one key share */
    bool plain;          /* no TLS */
    bool foreign;        /* the origin is not ours: lengths of answers are checked, not their bytes */
    bool json;
    bool flood; /* raw frames instead of connections */
    enum flood_kind flood_kind;
    double flood_rate; /* frames a second; 0: all that the device takes */
};

#endif
