/* One worker's TLS for a test: configuration by hand, steps of the loop, and a look at what is left at the end. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tls_rig: %s\n", what);
    abort();
}

static void make_conf(struct th_rig *r, const struct th_rig_opts *o)
{
    static char names[TH_RIG_CERTS][8];

    for (uint32_t i = 0; i < TH_RIG_CERTS && o->certs[i]; i++) {
        snprintf(names[i], sizeof names[i], "cert%u", i);
        th_conf_cert(&r->certs[i], names[i], o->certs[i]);
        r->refs[i].index = i;
        r->conf.n_certificates = r->listener.n_certificates = i + 1;
    }
    for (uint32_t i = 0; i < SL_ARRAY_LEN(r->alpn) && o->alpn[i]; i++) {
        r->alpn[i].s = o->alpn[i];
        r->listener.n_alpn = i + 1;
    }
    if (!r->listener.n_alpn) {
        r->alpn[0].s = "http/1.1";
        r->listener.n_alpn = 1;
    }
    r->listener.name.s = "https";
    r->listener.protocol = SL_PROTOCOL_TLS;
    r->listener.certificates = r->refs;
    r->listener.alpn = r->alpn;
    r->listener.handshake_timeout_ns.v = 10 * SL_NS_PER_S;
    r->conf.certificates = r->certs;
    r->conf.listeners = &r->listener;
    r->conf.n_listeners = 1;
    if (o->settings) {
        r->settings = *o->settings;
        r->conf.tls = &r->settings;
        r->conf.n_tls = 1;
    }
}

void th_rig_start(struct th_rig *r, const struct th_rig_opts *o)
{
    struct sl_tls_params params = {0};
    struct sl_err err = {{0}};
    static unsigned rigs; /* more than one at a time need pools of different names */
    unsigned number = __atomic_fetch_add(&rigs, 1, __ATOMIC_RELAXED);
    char names[3][24];

    *r = (struct th_rig){.now = SL_NS_PER_S, .wall_s = 1767225600, .mbufs = o->mbufs ? o->mbufs : 512};
    snprintf(names[0], sizeof names[0], "tls%u", number);
    snprintf(names[1], sizeof names[1], "feed%u", number);
    r->pool = th_pool(names[0], r->mbufs, 2048);
    r->feed_pool = th_pool(names[1], 1024, 0);
    snprintf(names[2], sizeof names[2], "small%u", number);
    r->small_pool = th_pool(names[2], o->smalls ? o->smalls : 512, 64);
    r->stats = calloc(1, sizeof *r->stats);
    sl_ready_init(&r->ready);
    make_conf(r, o);
    params.pool = r->pool;
    params.small_pool = r->small_pool;
    params.records_per_key = o->records_per_key;
    params.keys_cached = 64;
    params.stats = r->stats;
    params.handshakes_max = o->handshakes_max ? o->handshakes_max : 16;
    params.budget_ns = o->budget_ns ? o->budget_ns : 100 * SL_NS_PER_MS;
    must(sl_tls_create(&params, &r->tls, &err) == 0, err.text);
    r->site = sl_tls_site_create(r->tls, &r->conf, 0, &err);
    must(r->site != NULL, err.text);
}

void th_rig_stop(struct th_rig *r)
{
    must(sl_tls_site_unused(r->site), "the site is still used");
    must(sl_tls_handshakes(r->tls) == 0 && sl_tls_streams(r->tls) == 0, "streams are left");
    sl_tls_site_release(r->site);
    sl_tls_destroy(r->tls);
    must(rte_mempool_full(r->pool) && rte_mempool_full(r->small_pool) && rte_mempool_full(r->feed_pool),
         "mbufs are missing");
    th_pool_free(r->pool);
    th_pool_free(r->small_pool);
    th_pool_free(r->feed_pool);
    for (uint32_t i = 0; i < r->conf.n_certificates; i++)
        th_conf_cert_free(&r->certs[i]);
    free(r->stats);
}

int th_tls_setup(void **state)
{
    (void)state;
    th_eal_init();
    return sl_crypto_thread_start(NULL);
}

int th_tls_teardown(void **state)
{
    (void)state;
    th_keys_free();
    sl_crypto_thread_stop();
    must(sl_crypto_memory()->now_bytes == 0, "mbedTLS still holds memory");
    return 0;
}

struct sl_stream *th_rig_accept(struct th_rig *r, struct th_pipe *p)
{
    return sl_tls_accept(r->tls, r->site, &p->stream, &r->ready, r, r->now);
}

void th_rig_step(struct th_rig *r)
{
    sl_tls_run(r->tls, r->now, r->wall_s + r->now / SL_NS_PER_S);
    sl_tls_crypto(r->tls, r->now);
    sl_tls_timers(r->tls, r->now);
}

struct sl_stream *th_rig_handshake(struct th_rig *r, struct th_client *c)
{
    struct sl_stream *open = NULL;

    for (int i = 0; i < 20000; i++) {
        bool done = th_client_step(c);
        uint8_t events;

        th_rig_step(r);
        if (!open)
            open = sl_ready_take(&r->ready, &events);
        if (c->error || (done && open))
            break;
    }
    return open;
}

uint64_t th_rig_ctr(const struct th_rig *r, enum sl_ctr ctr) { return r->stats->ctr[ctr]; }

int th_rig_send(struct th_rig *r, struct sl_stream *s, const void *bytes, size_t len, size_t piece)
{
    struct sl_slice slices[64];
    uint32_t n = 0;
    int ret = 0;

    for (size_t at = 0; at < len && ret == 0;) {
        size_t k = SL_MIN(piece, len - at);
        struct rte_mbuf *m = th_mbuf_exact(r->feed_pool, (const uint8_t *)bytes + at, k, 0);

        slices[n++] = (struct sl_slice){.mbuf = m, .off = m->data_off, .len = (uint16_t)k};
        at += k;
        if (n == SL_ARRAY_LEN(slices) || at == len) {
            ret = s->ops->send(s, slices, n);
            n = 0;
        }
    }
    return ret;
}

size_t th_rig_recv(struct sl_stream *s, void *out, size_t max)
{
    size_t got = 0;

    while (got < max) {
        struct sl_slice slices[8];
        uint32_t n = s->ops->recv(s, slices, SL_ARRAY_LEN(slices), (uint32_t)(max - got));

        for (uint32_t i = 0; i < n; i++) {
            memcpy((uint8_t *)out + got, sl_slice_data(&slices[i]), slices[i].len);
            got += slices[i].len;
            sl_slice_free(&slices[i]);
        }
        if (!n)
            break;
    }
    return got;
}
