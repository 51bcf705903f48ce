/* What congestion controls keep in a connection. HyStart++ ends with the first slow start and the others' begin there,
 * so they share their place. */
#ifndef SL_TCP_CC_STATE_H
#define SL_TCP_CC_STATE_H

#include <stdint.h>

/* RFC 9406 4.2. Round trips in us; UINT32_MAX: infinite. */
struct hystart {
    uint32_t window_end;   /* the round ends when this is acknowledged */
    uint32_t last_min_us;  /* lastRoundMinRTT */
    uint32_t round_min_us; /* currentRoundMinRTT */
    uint32_t css_base_us;  /* cssBaselineMinRtt; infinite: not in conservative slow start */
    uint8_t samples;       /* rttSampleCount, up to N_RTT_SAMPLE */
    uint8_t css_rounds;    /* rounds spent in conservative slow start */
};

/* RFC 9438 4.1. Windows in bytes. */
struct cubic {
    uint32_t w_max; /* 0: cwnd at which congestion avoidance begins (4.8, 4.10) */
    uint32_t cwnd_prior;
    uint32_t w_est;
    uint32_t w_est_rest, cwnd_rest; /* what is left of divisions by cwnd */
    uint32_t t_us;                  /* time in this epoch as far as cwnd was the limit; stops at its end */
    uint32_t at_us;                 /* when t_us was last moved */
    uint32_t k_us : 30;
    uint32_t running : 1; /* an epoch has begun since the last congestion */
};

union cc_state {
    struct hystart hystart;
    struct cubic cubic;
    uint32_t reno_acked_bytes; /* since cwnd last grew by a segment */
};
_Static_assert(sizeof(union cc_state) <= 32, "the congestion control's part of a connection");

#endif
