/* Settings of TCP: the configuration's words as tcp's. */
#include "internal.h"

struct sl_tcp_opts sl_worker_tcp_opts(const struct sl_conf_tcp *conf)
{
    static const uint8_t cc[] = {[SL_CONGESTION_CUBIC] = SL_TCP_CC_CUBIC, [SL_CONGESTION_NEWRENO] = SL_TCP_CC_NEWRENO};
    static const uint8_t ecn[] = {[SL_CONF_ECN_OFF] = SL_TCP_ECN_OFF,
                                  [SL_CONF_ECN_ACCEPT] = SL_TCP_ECN_ACCEPT,
                                  [SL_CONF_ECN_ASK] = SL_TCP_ECN_ASK};
    static const uint8_t cookies[] = {[SL_CONF_COOKIES_AUTO] = SL_TCP_COOKIES_AUTO,
                                      [SL_CONF_COOKIES_ALWAYS] = SL_TCP_COOKIES_ALWAYS,
                                      [SL_CONF_COOKIES_OFF] = SL_TCP_COOKIES_OFF};

    return (struct sl_tcp_opts){
        .rcv_max_bytes = (uint32_t)conf->receive_buffer_bytes.v,
        .snd_max_bytes = (uint32_t)conf->send_buffer_bytes.v,
        .keepalive_ns = conf->keepalive_ns.v ? conf->keepalive_ns.v : SL_NEVER,
        .keepalive_interval_ns = conf->keepalive_interval_ns.v,
        .keepalive_probes = (uint32_t)conf->keepalive_probes.v,
        .user_timeout_ns = conf->user_timeout_ns.v,
        .nagle = conf->nagle == SL_ON,
        .pacing = conf->pacing == SL_ON,
        .cc = cc[conf->congestion],
        .ecn = ecn[conf->ecn],
        .cookies = cookies[conf->cookies],
    };
}
