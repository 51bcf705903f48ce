#include "stream/stream.h"

const char *const sl_reason_text[SL_REASON_COUNT] = {
    [SL_REASON_NONE] = "none",
    [SL_REASON_REFUSED] = "refused",
    [SL_REASON_RESET] = "reset",
    [SL_REASON_TIMEOUT] = "timed out",
    [SL_REASON_UNREACHABLE] = "unreachable",
    [SL_REASON_PROTOCOL] = "protocol error",
    [SL_REASON_TRUNCATED] = "truncated",
    [SL_REASON_NO_RESOURCE] = "out of resources",
    [SL_REASON_ABORTED] = "aborted",
};
