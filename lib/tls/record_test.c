/* The record layer against its twin: every suite, length and fragmentation, both ways; sizes; pools that run dry;
 * buffers that others read. What is wrong with a record stands in record_bad_test.c. */
#include "helpers/helpers.h"
#include "helpers/tls_bench.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DATA 23
#define FIRST_MAX 1371 /* of a record that should fit in one segment, whatever the suite */

static uint8_t bytes[200000], got[200000];

static int setup(void **state)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, 5);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)sl_rng_next(&rng);
    return th_tls_setup(state);
}

/* Both versions with every cipher. */
#define EACH_SUITE(b, v13, aead)                                                                                       \
    for (int v13 = 0; v13 < 2; v13++)                                                                                  \
        for (int aead = 0; aead < SL_AEAD_COUNT; aead++)                                                               \
            for (bool once = (th_bench_start(&(b), v13, (enum sl_aead_id)aead), true); once;                           \
                 once = (th_bench_stop(&(b)), false))

static void every_length_in_every_fragmentation_opens(void **state)
{
    static const size_t lens[] = {1, 2, 15, 16, 17, 100, 1370, 4096, 16383, 16384};
    static const uint32_t slices[] = {1, 3, 16, 260, 1460, 60000};
    static struct th_bench b;

    EACH_SUITE(b, v13, aead)
    {
        uint32_t records = 0;

        for (uint32_t i = 0; i < SL_ARRAY_LEN(lens); i++)
            for (uint32_t k = 0; k < SL_ARRAY_LEN(slices); k++) {
                enum sl_record_status status;

                if (lens[i] / slices[k] > 3000)
                    continue; /* more than the test's pool has */
                b.pipe->slice_max = slices[k];
                th_bench_feed(&b, DATA, bytes + i, lens[i], SL_MIN(k * 7, 16384 - lens[i]));
                assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), lens[i]);
                assert_int_equal(status, SL_RECORD_DRY);
                assert_memory_equal(got, bytes + i, lens[i]);
                records++;
            }
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_RECORDS_OPENED), records);
    }
}

/* In segments as TCP gives them nothing is copied; in more than 64 pieces all of the record is. */
static void only_records_in_many_pieces_are_copied(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    b.pipe->slice_max = 536;
    for (int i = 0; i < 4; i++)
        th_bench_feed(&b, DATA, bytes, 16384, 0);
    assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 4 * 16384);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), 0);
    b.pipe->slice_max = 255; /* 65 pieces */
    th_bench_feed(&b, DATA, bytes, 16384, 0);
    assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 16384);
    assert_memory_equal(got, bytes, 16384);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), 5 + 16384 + 17);
    th_bench_stop(&b);
}

/* Whatever room the caller has: what does not fit is given first next time, and nothing is opened for it. */
static void rooms_of_any_size_lose_nothing(void **state)
{
    static struct th_bench b;
    struct sl_rng rng;

    sl_rng_seed(&rng, 11);
    EACH_SUITE(b, v13, aead)
    {
        size_t have = 0, total = 50000;
        enum sl_record_status status = SL_RECORD_OK;

        for (size_t at = 0, n; at < total; at += n) {
            n = 1 + sl_rng_below(&rng, 16384);
            n = SL_MIN(n, total - at);
            th_bench_feed(&b, DATA, bytes + at, n, sl_rng_below(&rng, 16384 - n + 1));
        }
        b.pipe->slice_max = 700;
        while (have < total) {
            uint32_t slices = 1 + (uint32_t)sl_rng_below(&rng, 9);
            size_t room = 1 + sl_rng_below(&rng, 3000), n;

            room = SL_MIN(room, total - have);
            n = th_bench_open(&b, got + have, room, slices, &status);
            assert_int_equal(n, room);
            have += n;
        }
        assert_memory_equal(got, bytes, total);
        assert_null(b.r.rest);
    }
}

/* A record that would find no room is left below, closed, unless it is the first. */
static void records_are_opened_only_as_far_as_there_is_room(void **state)
{
    static struct th_bench b;
    struct sl_slice v[16];
    enum sl_record_status status;
    uint32_t n;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    for (int i = 0; i < 3; i++)
        th_bench_feed(&b, DATA, bytes, 14000, 0);
    for (int i = 0; i < 3; i++) {
        n = sl_record_open(th_bench_ctx(&b), v, 16, UINT32_MAX, &status);
        assert_int_equal(status, i < 2 ? SL_RECORD_OK : SL_RECORD_DRY);
        assert_int_equal(n, 10);
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_RECORDS_OPENED), i + 1);
        assert_null(b.r.rest);
        while (n)
            sl_slice_free(&v[--n]);
    }
    th_bench_stop(&b);
}

static void a_record_in_part_stays_below(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;
    uint8_t record[200];
    size_t len;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    len = th_twin_seal(&b.twin, DATA, bytes, 100, 0, record);
    for (size_t i = 0; i < len; i++) {
        assert_false(sl_record_ready(th_bench_ctx(&b)));
        assert_int_equal(th_bench_open(&b, got, sizeof got, 8, &status), 0);
        assert_int_equal(status, SL_RECORD_DRY);
        assert_int_equal(b.pipe->in.len - b.pipe->in.taken, i);
        th_pipe_feed(b.pipe, record + i, 1);
    }
    assert_true(sl_record_ready(th_bench_ctx(&b)));
    assert_int_equal(th_bench_open(&b, got, sizeof got, 8, &status), 100);
    assert_false(sl_record_ready(th_bench_ctx(&b)));
    th_pipe_fin(b.pipe);
    assert_true(sl_record_ready(th_bench_ctx(&b)));
    assert_int_equal(th_bench_open(&b, got, sizeof got, 8, &status), 0);
    assert_int_equal(status, SL_RECORD_TRUNCATED);
    th_bench_stop(&b);
}

/* Takes all that was sent; the number of bytes, and the largest record. */
static size_t take_all(struct th_bench *b, size_t *largest)
{
    size_t have = 0;
    uint8_t type, *plain;
    int n;

    *largest = 0;
    while ((n = th_bench_take(b, &type, &plain)) != -2) {
        assert_true(n > 0);
        assert_int_equal(type, DATA);
        assert_true(have + (size_t)n <= sizeof got);
        memcpy(got + have, plain, (size_t)n);
        have += (size_t)n;
        *largest = SL_MAX(*largest, (size_t)n);
    }
    return have;
}

static void what_is_sealed_opens_in_any_slicing(void **state)
{
    static struct th_bench b;
    struct sl_rng rng;

    sl_rng_seed(&rng, 13);
    EACH_SUITE(b, v13, aead)
    {
        for (int i = 0; i < 40; i++) {
            size_t len = 1 + sl_rng_below(&rng, 40000), piece = 20 + sl_rng_below(&rng, 17000), largest;

            assert_int_equal(th_bench_seal(&b, bytes + i, len, piece), SL_RECORD_OK);
            assert_int_equal(take_all(&b, &largest), len);
            assert_memory_equal(got, bytes + i, len);
        }
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), 0);
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_RECORDS_SEALED), b.r.tx.seq);
        assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_KEY_CACHE_MISSES), 1);
    }
}

static void records_begin_small_grow_and_shrink_after_a_pause(void **state)
{
    static struct th_bench b;
    size_t largest;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    th_bench_seal(&b, bytes, 60000, 4000);
    take_all(&b, &largest);
    assert_in_range(largest, FIRST_MAX - 50, FIRST_MAX);
    th_bench_seal(&b, bytes, 40000, 4000);
    take_all(&b, &largest);
    assert_int_equal(largest, 16384);
    b.now += SL_NS_PER_S;
    th_bench_seal(&b, bytes, 40000, 4000);
    take_all(&b, &largest);
    assert_int_equal(largest, 16384);
    b.now += SL_NS_PER_S + 1;
    th_bench_seal(&b, bytes, 40000, 4000);
    take_all(&b, &largest);
    assert_in_range(largest, 1, FIRST_MAX);
    th_bench_stop(&b);
}

/* Header, payload and trailer are no more than was said before. */
static void overhead_is_an_upper_bound(void **state)
{
    static struct th_bench b;

    EACH_SUITE(b, v13, aead)
    {
        for (uint32_t room = 2000; room < 100000; room += 7919) {
            uint32_t len = room - sl_record_overhead(th_bench_ctx(&b), room);
            size_t largest;

            assert_int_equal(th_bench_seal(&b, bytes, len, 1460), SL_RECORD_OK);
            assert_in_range(th_pipe_waiting(b.pipe), len, room);
            take_all(&b, &largest);
        }
    }
}

static void empty_slices_make_no_record(void **state)
{
    static struct th_bench b;
    struct sl_slice v[3];
    enum sl_record_status status;
    size_t largest;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    th_bench_slices(&b, bytes, 30, 10, v, 3);
    v[0].len = v[2].len = 0;
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), v, 3, &status), 3);
    assert_int_equal(take_all(&b, &largest), 10);
    th_bench_slices(&b, bytes, 30, 10, v, 3);
    v[0].len = v[1].len = v[2].len = 0;
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), v, 3, &status), 3);
    assert_int_equal(status, SL_RECORD_OK);
    assert_int_equal(th_pipe_waiting(b.pipe), 0);
    assert_int_equal(b.r.tx.seq, 1);
    th_bench_stop(&b);
}

static uint32_t drain(struct rte_mempool *pool, struct rte_mbuf **taken, uint32_t max, uint32_t leave)
{
    uint32_t n = 0;

    while (n < max && (taken[n] = rte_pktmbuf_alloc(pool)))
        n++;
    for (; leave; leave--)
        rte_pktmbuf_free(taken[--n]);
    return n;
}

/* Without buffers a record is not begun: every number is used once, and every byte is encrypted once, which the twin
 * would see. */
static void a_dry_pool_stops_between_records(void **state)
{
    static struct rte_mbuf *taken[512];
    static struct th_bench b;

    EACH_SUITE(b, v13, aead)
    {
        struct sl_slice v[32];
        enum sl_record_status status = SL_RECORD_OK;
        uint32_t n = th_bench_slices(&b, bytes, 30000, 1000, v, 32), done = 0, tries = 0, k;
        size_t have = 0, largest;

        for (; done < n && tries < 100; tries++) {
            uint64_t seq = b.r.tx.seq;

            k = drain(b.shared.small, taken, SL_ARRAY_LEN(taken), tries % 3);
            done += sl_record_seal(th_bench_ctx(&b), v + done, n - done, &status);
            assert_int_equal(status, done < n ? SL_RECORD_STARVED : SL_RECORD_OK);
            if (tries % 3 == 0)
                assert_int_equal(b.r.tx.seq, seq); /* the pipe gives buffers back at once, so one is enough for all */
            while (k)
                rte_pktmbuf_free(taken[--k]);
        }
        assert_int_equal(done, n);
        have = take_all(&b, &largest);
        assert_int_equal(have, 30000);
        assert_memory_equal(got, bytes, have);
    }
}

/* An alert finds its way all the same. */
static void messages_take_any_buffer(void **state)
{
    static struct rte_mbuf *taken[512];
    static struct th_bench b;
    uint8_t type, *plain;
    uint32_t k;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    k = drain(b.shared.small, taken, SL_ARRAY_LEN(taken), 0);
    assert_int_equal(th_bench_seal(&b, bytes, 10, 10), SL_RECORD_STARVED);
    assert_true(sl_record_alert(th_bench_ctx(&b), SL_ALERT_INTERNAL_ERROR));
    assert_int_equal(th_bench_take(&b, &type, &plain), 2);
    assert_int_equal(plain[1], SL_ALERT_INTERNAL_ERROR);
    while (k)
        rte_pktmbuf_free(taken[--k]);
    th_bench_stop(&b);
}

static void a_record_in_many_pieces_waits_for_buffers(void **state)
{
    static struct rte_mbuf *taken[512];
    static struct th_bench b;

    EACH_SUITE(b, v13, aead)
    {
        enum sl_record_status status;
        uint32_t k = drain(b.shared.pool, taken, SL_ARRAY_LEN(taken), 2);

        b.pipe->slice_max = 20;
        th_bench_feed(&b, DATA, bytes, 9000, 0);
        th_bench_feed(&b, DATA, bytes + 9000, 1000, 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 0);
            assert_int_equal(status, SL_RECORD_STARVED);
            assert_true(sl_record_ready(th_bench_ctx(&b)));
        }
        while (k)
            rte_pktmbuf_free(taken[--k]);
        assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 10000);
        assert_memory_equal(got, bytes, 10000);
    }
}

/* Given up while pieces wait inside: th_bench_stop sees what is left behind. */
static void what_waits_inside_is_given_back(void **state)
{
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    b.pipe->slice_max = 100;
    th_bench_feed(&b, DATA, bytes, 1000, 0);
    assert_int_equal(th_bench_open(&b, got, 150, 64, &status), 150);
    assert_non_null(b.r.rest);
    th_bench_stop(&b);
}

static uint32_t recv_clones(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes);
static const struct sl_stream_ops *real_ops;
static struct rte_mbuf *original;
static struct rte_mempool *clone_pool;

/* The first buffer received is one that somebody else holds too. */
static uint32_t recv_clones(struct sl_stream *s, struct sl_slice *out, uint32_t max, uint32_t max_bytes)
{
    uint32_t n = real_ops->recv(s, out, max, max_bytes);

    if (n && !original) {
        original = out[0].mbuf;
        out[0].mbuf = rte_pktmbuf_clone(original, clone_pool);
    }
    return n;
}

static void buffers_that_others_read_stay_as_they_are(void **state)
{
    static struct th_bench b;
    struct sl_stream_ops ops;
    struct rte_mbuf *clone;
    struct sl_slice v[2];
    enum sl_record_status status;
    uint8_t record[3000];
    size_t len, largest;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    real_ops = b.pipe->stream.ops;
    clone_pool = b.feed;
    ops = *real_ops;
    ops.recv = recv_clones;
    b.pipe->stream.ops = &ops;
    len = th_twin_seal(&b.twin, DATA, bytes, 2000, 0, record);
    th_pipe_feed(b.pipe, record, len);
    assert_int_equal(th_bench_open(&b, got, sizeof got, 64, &status), 2000);
    assert_memory_equal(got, bytes, 2000);
    assert_memory_equal(rte_pktmbuf_mtod(original, uint8_t *), record, original->data_len);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), len);
    rte_pktmbuf_free(original);
    original = NULL;
    b.pipe->stream.ops = real_ops;

    th_bench_slices(&b, bytes, 5000, 4000, v, 2);
    clone = v[0].mbuf;
    v[0].mbuf = rte_pktmbuf_clone(clone, b.feed);
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), v, 2, &status), 2);
    assert_int_equal(status, SL_RECORD_OK);
    assert_int_equal(take_all(&b, &largest), 5000);
    assert_memory_equal(got, bytes, 5000);
    assert_memory_equal(rte_pktmbuf_mtod(clone, uint8_t *), bytes, 4000);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), len + 4000);
    rte_pktmbuf_free(clone);
    th_bench_stop(&b);
}

/* Received buffers have room around the payload: header and trailer go there. Where somebody else holds the buffer nothing
 * around the payload is touched. */
static void records_use_the_room_around_their_payload(void **state)
{
    static const struct {
        uint16_t off, len;
        uint32_t holders; /* of the buffer */
    } cases[] = {{200, 1000, 1},      {13, 1000, 1},       {4, 1000, 1},   {0, 2000, 1},
                 {200, 1976 - 17, 1}, {200, 1976 - 15, 1}, {200, 1976, 1}, {200, 1000, 2}};
    static struct rte_mbuf *taken[512];
    static struct th_bench b;

    EACH_SUITE(b, v13, aead)
    {
        for (uint32_t i = 0; i < SL_ARRAY_LEN(cases); i++) {
            struct rte_mbuf *m = rte_pktmbuf_alloc(b.feed);
            struct sl_slice s = {m, cases[i].off, cases[i].len};
            enum sl_record_status status;
            uint32_t k = drain(b.shared.small, taken, SL_ARRAY_LEN(taken), 1);
            uint8_t around[2048 + 128], *buf = m->buf_addr;
            size_t largest;

            assert_int_equal(m->buf_len, sizeof around);
            memset(buf, 0x77, m->buf_len);
            memset(around, 0x77, sizeof around);
            memcpy(buf + s.off, bytes + i, s.len);
            rte_mbuf_refcnt_set(m, (uint16_t)cases[i].holders);
            b.r.run_bytes = 1u << 16;
            b.r.sealed_at_ns = b.now;
            assert_int_equal(sl_record_seal(th_bench_ctx(&b), &s, 1, &status), 1);
            assert_int_equal(status, SL_RECORD_OK);
            assert_int_equal(take_all(&b, &largest), cases[i].len);
            assert_memory_equal(got, bytes + i, cases[i].len);
            if (cases[i].holders == 2) { /* nothing around the payload was touched */
                assert_memory_equal(buf, around, s.off);
                assert_memory_equal(buf + cases[i].off + cases[i].len, around,
                                    sizeof around - cases[i].off - cases[i].len);
                rte_pktmbuf_free(m);
            }
            while (k)
                rte_pktmbuf_free(taken[--k]);
        }
    }
}

/* A clone as a device's loopback would give it: an indirect buffer over somebody's bytes. */
static void an_indirect_buffer_is_copied_before_it_is_sealed(void **state)
{
    static struct th_bench b;
    struct rte_mbuf *m;
    struct sl_slice s;
    enum sl_record_status status;
    size_t largest;

    th_bench_start(&b, false, SL_AEAD_CHACHA20_POLY1305);
    m = rte_pktmbuf_alloc(b.feed);
    memcpy(rte_pktmbuf_append(m, 1000), bytes, 1000);
    s = (struct sl_slice){rte_pktmbuf_clone(m, b.feed), m->data_off, 1000};
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), &s, 1, &status), 1);
    assert_int_equal(take_all(&b, &largest), 1000);
    assert_memory_equal(got, bytes, 1000);
    assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), bytes, 1000);
    rte_pktmbuf_free(m);
    th_bench_stop(&b);
}

/* Two slices of one buffer, one sealed now and one later. */
static void a_buffer_is_sealed_slice_by_slice(void **state)
{
    static struct th_bench b;
    struct sl_slice s, first;
    enum sl_record_status status;
    size_t largest;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    th_bench_slices(&b, bytes, 1000, 1000, &s, 1);
    first = sl_slice_split(&s, 400);
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), &first, 1, &status), 1);
    assert_memory_equal(sl_slice_data(&s), bytes + 400, 600);
    assert_int_equal(sl_record_seal(th_bench_ctx(&b), &s, 1, &status), 1);
    assert_int_equal(take_all(&b, &largest), 1000);
    assert_memory_equal(got, bytes, 1000);
    assert_int_equal(th_bench_ctr(&b, SL_CTR_TLS_BYTES_COPIED), 0);
    th_bench_stop(&b);
}

static void the_end_erases_keys(void **state)
{
    static const uint8_t zero[sizeof(struct sl_record)];
    static struct th_bench b;
    enum sl_record_status status;

    th_bench_start(&b, true, SL_AEAD_AES_128_GCM);
    th_bench_feed(&b, DATA, bytes, 10, 0);
    th_bench_open(&b, got, sizeof got, 8, &status);
    sl_record_end(&b.r, &b.shared);
    assert_memory_equal(&b.r, zero, sizeof zero);
    for (uint32_t i = 0; i < b.shared.keys.n; i++)
        assert_null(b.shared.keys.slots[i].owner);
    th_bench_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_in_every_fragmentation_opens),
        cmocka_unit_test(only_records_in_many_pieces_are_copied),
        cmocka_unit_test(rooms_of_any_size_lose_nothing),
        cmocka_unit_test(records_are_opened_only_as_far_as_there_is_room),
        cmocka_unit_test(a_record_in_part_stays_below),
        cmocka_unit_test(what_is_sealed_opens_in_any_slicing),
        cmocka_unit_test(records_begin_small_grow_and_shrink_after_a_pause),
        cmocka_unit_test(overhead_is_an_upper_bound),
        cmocka_unit_test(empty_slices_make_no_record),
        cmocka_unit_test(a_dry_pool_stops_between_records),
        cmocka_unit_test(messages_take_any_buffer),
        cmocka_unit_test(a_record_in_many_pieces_waits_for_buffers),
        cmocka_unit_test(what_waits_inside_is_given_back),
        cmocka_unit_test(buffers_that_others_read_stay_as_they_are),
        cmocka_unit_test(records_use_the_room_around_their_payload),
        cmocka_unit_test(an_indirect_buffer_is_copied_before_it_is_sealed),
        cmocka_unit_test(a_buffer_is_sealed_slice_by_slice),
        cmocka_unit_test(the_end_erases_keys),
    };

    return cmocka_run_group_tests(tests, setup, th_tls_teardown);
}
