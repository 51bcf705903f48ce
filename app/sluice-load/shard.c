#include "shard.h"

#include <time.h>

#include "crypto/crypto.h"

static void wait_for(const struct shard *s, enum phase phase)
{
    const struct timespec pause = {.tv_nsec = (long)SL_NS_PER_MS};

    while (shard_wanted(s) < (uint32_t)phase)
        nanosleep(&pause, NULL);
}

static void reach(struct shard *s, enum phase phase)
{
    __atomic_store_n(&s->reached, (uint32_t)phase + 1, __ATOMIC_RELEASE);
}

int shard_main(void *arg)
{
    struct shard *s = arg;

    sl_worker_thread_is(s->params.id);
    s->failed = sl_crypto_thread_start(&s->err);
    if (s->failed == 0)
        s->failed = host_create(&s->params, sl_port_now(), &s->host, &s->err);
    reach(s, PHASE_MADE);
    wait_for(s, PHASE_RUNS);
    reach(s, PHASE_RUNS);
    if (s->host)
        shard_loop(s);
    reach(s, PHASE_STANDS);
    wait_for(s, PHASE_GONE);
    host_destroy(s->host);
    sl_crypto_thread_stop();
    reach(s, PHASE_GONE);
    return 0;
}
