/* Limits that follow from others where the file does not say them. */
#include "conf/conf.h"

#define HANDSHAKE_BYTES (64u << 10) /* stack, arena and hello of one in flight, as far as most touch them */
#define HANDSHAKES_MIN 64u

uint32_t sl_conf_handshakes(const struct sl_conf *conf)
{
    uint64_t share = conf->dpdk.memory_bytes.v / 4 / SL_MAX(conf->workers.n_cores, 1u);

    if (conf->limits.handshakes.v)
        return (uint32_t)conf->limits.handshakes.v;
    return (uint32_t)SL_MAX(SL_MIN(share / HANDSHAKE_BYTES, (uint64_t)UINT32_MAX), (uint64_t)HANDSHAKES_MIN);
}
