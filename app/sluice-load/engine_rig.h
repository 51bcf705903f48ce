/* engine_rig: the lean client in a test: a policy, and handshakes of it over pipes in memory whose other end is the test's. */
#ifndef LOAD_ENGINE_RIG_H
#define LOAD_ENGINE_RIG_H

#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine.h"
#include "tls/policy.h"
#include "tls/record.h"

struct lean {
    struct rte_mempool *pool, *small, *feed;
    struct sl_stats *stats;
    struct sl_engine_shared shared;
    struct sl_tls_settings settings;
    struct sl_engine_policy *policy;
    struct load_engine_conf conf;
    struct sl_wire_shared wires;
    struct sl_record_shared records;
    uint32_t generated, agreed; /* operations */
};

/* One handshake, and the record layer behind it. */
struct shake {
    struct lean *l;
    struct th_pipe *pipe;
    struct sl_wire wire;
    struct sl_engine *e;
    struct sl_engine_report report;
    struct sl_record record;
    bool keyed;
};

static inline void lean_start(struct lean *l, struct load_engine_conf conf, const struct sl_conf_tls *tls,
                              const char *const *alpn)
{
    struct sl_engine_policy_conf p = {
        .shared = &l->shared, .role = SL_ENGINE_CLIENT, .settings = &l->settings, .alpn = alpn, .extra = &l->conf};
    struct sl_err err = {{0}};

    *l = (struct lean){.conf = conf, .stats = calloc(1, sizeof *l->stats)};
    l->pool = th_pool("lean", 512, 2048);
    l->small = th_pool("leansmall", 256, 64);
    l->feed = th_pool("leanfeed", 1024, 0);
    l->shared.ops = sl_op_queue_create();
    sl_tls_settings_resolve(&l->settings, tls);
    l->policy = load_engine.policy_create(&p, &err);
    assert_non_null(l->policy);
    assert_int_equal(sl_wire_shared_init(&l->wires, l->pool, &err), 0);
    l->records = (struct sl_record_shared){
        .pool = l->pool, .small = l->small, .stats = l->stats, .records_max = SL_RECORDS_PER_KEY_MAX};
    assert_int_equal(sl_key_cache_init(&l->records.keys, 16, l->stats), 0);
}

static inline void lean_stop(struct lean *l)
{
    load_engine.policy_destroy(l->policy);
    sl_op_queue_destroy(l->shared.ops);
    sl_wire_shared_done(&l->wires);
    if (l->records.spare)
        rte_pktmbuf_free(l->records.spare);
    sl_key_cache_done(&l->records.keys);
    assert_true(rte_mempool_full(l->pool) && rte_mempool_full(l->small) && rte_mempool_full(l->feed));
    th_pool_free(l->pool);
    th_pool_free(l->small);
    th_pool_free(l->feed);
    free(l->stats);
}

static inline void shake_begin(struct shake *k, struct lean *l, const char *name)
{
    struct sl_engine_start start = {.wire = &k->wire, .name = name};

    *k = (struct shake){.l = l, .pipe = th_pipe_new(l->feed)};
    sl_wire_init(&k->wire, &l->wires, &k->pipe->stream);
    k->e = load_engine.create(l->policy, &start);
    assert_non_null(k->e);
}

static inline void shake_compute(struct shake *k)
{
    struct sl_op *op = k->report.op;

    assert_non_null(op);
    k->l->generated += op->kind == SL_OP_X25519_GENERATE;
    k->l->agreed += op->kind == SL_OP_X25519_AGREE;
    sl_op_submit(k->l->shared.ops, op);
    sl_op_flush(k->l->shared.ops, 1);
    assert_ptr_equal(sl_op_take(k->l->shared.ops), op);
}

/* As far as what has come leads; operations are computed. */
static inline enum sl_engine_step shake_step(struct shake *k)
{
    enum sl_engine_step step;

    while ((step = load_engine.step(k->e, &k->report)) == SL_ENGINE_WANT_OPERATION)
        shake_compute(k);
    sl_wire_flush(&k->wire);
    return step;
}

/* Begins the record layer, as lib/tls would. */
static inline void shake_hand_over(struct shake *k, struct sl_tls_secrets *secrets)
{
    assert_true(load_engine.finish(k->e, secrets));
    load_engine.destroy(k->e);
    k->e = NULL;
    sl_record_start(&k->record, secrets);
    k->keyed = true;
}

static inline void shake_end(struct shake *k)
{
    if (k->e)
        load_engine.destroy(k->e);
    if (k->keyed)
        sl_record_end(&k->record, &k->l->records);
    k->pipe->stream.ops->release(&k->pipe->stream);
    th_pipe_free(k->pipe);
}

static inline void shake_send(struct shake *k, const char *text)
{
    struct sl_record_ctx x = {.shared = &k->l->records, .r = &k->record, .lower = &k->pipe->stream};
    size_t len = strlen(text);
    struct rte_mbuf *m = rte_pktmbuf_alloc(k->l->pool);
    struct sl_slice s = {m, 64, (uint16_t)len};
    enum sl_record_status status;

    memcpy((uint8_t *)m->buf_addr + s.off, text, len);
    assert_int_equal(sl_record_seal(&x, &s, 1, &status), 1);
}

/* What comes next, at most room bytes; fails the test when a record is refused. */
static inline size_t shake_recv(struct shake *k, char *out, size_t room)
{
    struct sl_record_ctx x = {.shared = &k->l->records, .r = &k->record, .lower = &k->pipe->stream};
    enum sl_record_status status = SL_RECORD_OK;
    size_t got = 0;

    while (status == SL_RECORD_OK && got < room) {
        struct sl_slice s[8];
        uint32_t n = sl_record_open(&x, s, SL_ARRAY_LEN(s), (uint32_t)(room - got), &status);

        for (uint32_t i = 0; i < n; i++) {
            memcpy(out + got, sl_slice_data(&s[i]), s[i].len);
            got += s[i].len;
            sl_slice_free(&s[i]);
        }
    }
    assert_int_not_equal(status, SL_RECORD_FAILED);
    return got;
}

static inline void carry(struct th_pipe *from, struct th_pipe *to)
{
    uint8_t buf[2048];
    size_t n;

    while ((n = th_pipe_take(from, buf, sizeof buf)))
        th_pipe_feed(to, buf, n);
    if (from->fin_out && !to->fin_in)
        th_pipe_fin(to);
}

#endif
