/* What each mode does when the command line says nothing but its name. */
#include "plan.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

const struct load_mode_info load_modes[LOAD_MODES] = {
    [LOAD_HANDSHAKE] = {"handshake", "a connection each: TLS in full, one request, the end", 64, 1, KIB, 0, false},
    [LOAD_RESUME] = {"resume", "the same, TLS resumed with a ticket of the connection before", 64, 1, KIB, 0, true},
    [LOAD_REQUEST] = {"request", "requests on connections that are kept", 64, 0, KIB, 0, false},
    [LOAD_DOWNLOAD] = {"download", "large answers on connections that are kept", 16, 0, MIB, 0, false},
    [LOAD_UPLOAD] = {"upload", "large requests on connections that are kept", 16, 0, 0, MIB, false},
    [LOAD_HOLD] = {"hold", "idle connections; in the end a random tenth makes a request", 100000, 0, KIB, 0, false},
};
