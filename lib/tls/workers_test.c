/* Two workers at the same time, each with its own TLS on its own thread: nothing of mbedTLS is shared. Worth most under ThreadSanitizer. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#define WORKERS 2
#define HANDSHAKES 30

static const struct th_cert_opts p256 = {.key = TH_KEY_P256, .subject = "CN=p256"};
static pthread_mutex_t kit = PTHREAD_MUTEX_INITIALIZER; /* the kit's keys are the process's */

/* The answer that came back, or not. */
static bool one_connection(struct th_rig *r, bool old)
{
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);
    struct th_client *c = th_client_new(
        pipe, &(struct th_client_opts){.max = old ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3});
    struct sl_stream *s = th_rig_accept(r, pipe) ? th_rig_handshake(r, c) : NULL;
    char buf[8];
    bool good = s && th_client_write(c, "ping", 4);

    if (s) {
        th_rig_step(r);
        good = good && th_rig_recv(s, buf, sizeof buf) == 4 && th_rig_send(r, s, buf, 4, 4) == 0 &&
               th_client_read(c, buf, sizeof buf) == 4 && memcmp(buf, "ping", 4) == 0;
        s->ops->release(s);
    }
    th_client_free(c);
    th_pipe_free(pipe);
    return good;
}

static void *work(void *arg)
{
    uint32_t *good = arg;
    struct th_rig r;

    pthread_mutex_lock(&kit);
    if (sl_crypto_thread_start(NULL) != 0)
        return NULL;
    th_rig_start(&r, &(struct th_rig_opts){.certs = {&p256}});
    pthread_mutex_unlock(&kit);
    for (uint32_t i = 0; i < HANDSHAKES; i++)
        *good += one_connection(&r, i % 2);
    pthread_mutex_lock(&kit);
    th_rig_stop(&r);
    sl_crypto_thread_stop();
    pthread_mutex_unlock(&kit);
    return NULL;
}

static void workers_share_nothing(void **state)
{
    pthread_t threads[WORKERS];
    uint32_t good[WORKERS] = {0};

    th_key(TH_KEY_P256, 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &good[i]), 0);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(good[i], HANDSHAKES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_share_nothing)};

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
