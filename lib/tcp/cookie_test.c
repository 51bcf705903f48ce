/* SYN cookies: the number's properties, and floods at an endpoint that uses them. */
#include "tcp/crowd_rig.h"

#define SAMPLES 100000u

static const struct cookie_terms plain_terms = {.mss = 5, .bits = 7 | COOKIE_SACK_OK, .rcv_shift = 3};

static struct cookie_keys keys_of(uint64_t secret) { return (struct cookie_keys){.base = {{secret, ~secret}}}; }

/* ---- the number ---- */

static enum cookie_verdict verdict(struct cookie_keys *k, const struct tuple *tuple, uint32_t irs,
                                   struct cookie_terms terms, uint32_t cookie, uint64_t now, uint8_t *mss)
{
    enum cookie_verdict v;

    terms.mss = 0xff;
    v = sl_tcp_cookie_check(k, tuple, irs, &terms, cookie, now);
    *mss = terms.mss;
    return v;
}

static void a_cookie_is_good_and_tells_its_mss(void **state)
{
    struct cookie_keys k = keys_of(1);

    for (uint32_t i = 0; i < 2000; i++) {
        struct tuple tuple = tuple_of(i * 77, i & 1);
        struct cookie_terms terms = {.mss = i & 7, .bits = i & 0x3f, .rcv_shift = (uint8_t)(i % 15)};
        uint32_t irs = i * 2654435761u, cookie = sl_tcp_cookie_make(&k, &tuple, irs, &terms, START_NS);
        uint8_t mss;

        assert_int_equal(verdict(&k, &tuple, irs, terms, cookie, START_NS, &mss), COOKIE_GOOD);
        assert_int_equal(mss, terms.mss);
    }
}

static void any_changed_bit_is_refused(void **state)
{
    struct cookie_keys k = keys_of(2);
    struct tuple tuple = tuple_of(5, true);
    uint32_t irs = 12345, cookie = sl_tcp_cookie_make(&k, &tuple, irs, &plain_terms, START_NS);
    uint8_t mss;

    for (uint32_t bit = 0; bit < TUPLE_KEY_BYTES * 8; bit++) {
        struct tuple other = tuple;

        ((uint8_t *)&other)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(verdict(&k, &other, irs, plain_terms, cookie, START_NS, &mss), COOKIE_BAD);
    }
    for (uint32_t bit = 0; bit < 32; bit++) {
        assert_int_equal(verdict(&k, &tuple, irs ^ 1u << bit, plain_terms, cookie, START_NS, &mss), COOKIE_BAD);
        assert_int_equal(verdict(&k, &tuple, irs, plain_terms, cookie ^ 1u << bit, START_NS, &mss), COOKIE_BAD);
    }
    for (uint32_t bit = 0; bit < 8; bit++) {
        struct cookie_terms other = plain_terms;

        other.bits ^= (uint8_t)(1u << bit);
        assert_int_equal(verdict(&k, &tuple, irs, other, cookie, START_NS, &mss), COOKIE_BAD);
        other = plain_terms;
        other.rcv_shift ^= (uint8_t)(1u << bit);
        assert_int_equal(verdict(&k, &tuple, irs, other, cookie, START_NS, &mss), COOKIE_BAD);
    }
    k = keys_of(3);
    assert_int_equal(verdict(&k, &tuple, irs, plain_terms, cookie, START_NS, &mss), COOKIE_BAD);
}

/* Good in its period and the next, known as expired in two more. */
static void age_decides(void **state)
{
    static const enum cookie_verdict by_age[] = {COOKIE_GOOD, COOKIE_GOOD, COOKIE_EXPIRED, COOKIE_EXPIRED, COOKIE_BAD};
    struct cookie_keys k = keys_of(4);
    struct tuple tuple = tuple_of(6, false);
    uint8_t mss;

    for (uint64_t period = 1; period < 300; period++) { /* several epochs of keys, and their borders */
        uint64_t at = period * COOKIE_PERIOD_NS;
        uint32_t cookie = sl_tcp_cookie_make(&k, &tuple, 1, &plain_terms, at);

        for (uint64_t age = 0; age < SL_ARRAY_LEN(by_age); age++) {
            uint64_t first = at + age * COOKIE_PERIOD_NS, last = first + COOKIE_PERIOD_NS - 1;

            assert_int_equal(verdict(&k, &tuple, 1, plain_terms, cookie, first, &mss), by_age[age]);
            assert_int_equal(verdict(&k, &tuple, 1, plain_terms, cookie, last, &mss), by_age[age]);
        }
        assert_int_equal(verdict(&k, &tuple, 1, plain_terms, cookie, at - 1, &mss), COOKIE_BAD); /* not yet made */
    }
}

static void keys_change_with_the_epoch_and_need_no_memory(void **state)
{
    struct cookie_keys k = keys_of(5), fresh = keys_of(5);
    struct tuple tuple = tuple_of(7, false);
    uint64_t late = START_NS + 64 * COOKIE_PERIOD_NS;
    struct sl_hash_key first;

    sl_tcp_cookie_make(&k, &tuple, 1, &plain_terms, START_NS);
    first = k.ready[(START_NS / COOKIE_PERIOD_NS / 64 + 1) & 1].key;
    sl_tcp_cookie_make(&k, &tuple, 1, &plain_terms, late);
    assert_memory_not_equal(&first, &k.ready[(late / COOKIE_PERIOD_NS / 64 + 1) & 1].key, sizeof first);
    assert_int_equal(sl_tcp_cookie_make(&k, &tuple, 9, &plain_terms, late),
                     sl_tcp_cookie_make(&fresh, &tuple, 9, &plain_terms, late));
}

static void guesses_do_not_hit(void **state)
{
    struct cookie_keys k = keys_of(6);
    struct tuple tuple = tuple_of(8, false);
    uint32_t hits = 0;
    struct sl_rng rng;
    uint8_t mss;

    sl_rng_seed(&rng, 1);
    for (uint32_t i = 0; i < SAMPLES; i++)
        hits += verdict(&k, &tuple, i, plain_terms, (uint32_t)sl_rng_next(&rng), START_NS, &mss) == COOKIE_GOOD;
    assert_in_range(hits, 0, 1);
}

static void the_timestamp_is_the_latest_with_its_bits(void **state)
{
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t clock = i * 40503u - 20;

        for (uint8_t bits = 0; bits < 64; bits++) {
            uint32_t value = sl_tcp_cookie_tsval(clock, bits);

            assert_int_equal(value & 63, bits);
            assert_in_range(clock - value, 0, 63); /* also across the wrap */
        }
    }
}

static void the_mss_is_never_more_than_offered(void **state)
{
    for (uint32_t ip4 = 0; ip4 < 2; ip4++) {
        for (uint32_t mss = 0; mss <= UINT16_MAX; mss++) {
            uint8_t i = sl_tcp_cookie_mss_index(ip4, (uint16_t)mss);

            assert_true(sl_tcp_cookie_mss(ip4, i) <= SL_MAX(mss, 216u));
            assert_true(i == 7 || sl_tcp_cookie_mss(ip4, i + 1) > mss);
        }
        assert_true(sl_tcp_cookie_mss(ip4, 0) <= TCP_MSS_FLOOR);
    }
}

/* ---- no structure ---- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Each bit is set in half of the numbers, changes in half of the steps, pairs of bits are independent; numbers and the
 * differences between neighbours repeat no more than chance has it (1.2 pairs among 100,000). */
static void assert_no_structure(uint32_t *v, uint32_t n)
{
    const uint32_t slack = 1100; /* seven standard deviations */
    uint32_t *steps = calloc(n, sizeof *steps), repeats = 0;

    assert_non_null(steps);
    for (uint32_t bit = 0; bit < 32; bit++) {
        uint32_t set = 0, changes = 0, like_next = 0;

        for (uint32_t i = 1; i < n; i++) {
            set += v[i] >> bit & 1;
            changes += (v[i] ^ v[i - 1]) >> bit & 1;
            like_next += (v[i] >> bit ^ v[i] >> (bit + 1) % 32) & 1;
            steps[i] = v[i] - v[i - 1];
        }
        assert_in_range(set, n / 2 - slack, n / 2 + slack);
        assert_in_range(changes, n / 2 - slack, n / 2 + slack);
        assert_in_range(like_next, n / 2 - slack, n / 2 + slack);
    }
    qsort(v, n, sizeof *v, by_value);
    qsort(steps, n, sizeof *steps, by_value);
    for (uint32_t i = 1; i < n; i++)
        repeats += (v[i] == v[i - 1]) + (steps[i] == steps[i - 1]);
    assert_in_range(repeats, 0, 16);
    free(steps);
}

enum row { ROW_COOKIES, ROW_COOKIES_OF_ONE, ROW_ISNS, ROW_TIMESTAMPS, ROWS };

static uint32_t number(struct sl_tcp *t, enum row row, uint32_t i)
{
    struct tuple tuple = tuple_of(row == ROW_COOKIES_OF_ONE ? 0 : i, i >> 16);

    if (row == ROW_ISNS)
        return sl_tcp_isn(t, &tuple);
    if (row == ROW_TIMESTAMPS)
        return sl_tcp_ts_clock(t, &tuple);
    return sl_tcp_cookie_make(&t->cookie_keys, &tuple, row == ROW_COOKIES ? 1 : i, &plain_terms, t->now);
}

/* Neighbouring tuples, and one tuple with neighbouring numbers of its client. */
static void hundred_thousand_numbers_have_no_structure(void **state)
{
    struct sl_tcp t = {.now = START_NS, .isn_key = {{7, 8}}, .ts_key = {{9, 10}}, .cookie_keys = keys_of(11)};
    uint32_t *v = calloc(SAMPLES, sizeof *v);

    assert_non_null(v);
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t i = 0; i < SAMPLES; i++)
            v[i] = number(&t, (enum row)row, i);
        assert_no_structure(v, SAMPLES);
    }
    free(v);
}

/* ---- floods ---- */

static void flood(uint32_t n, uint8_t flags, bool ip6)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, flags);
    for (uint32_t i = 0; i < n; i++) {
        struct tuple tuple = tuple_of(i, ip6);
        struct header h = {.seq = (uint32_t)sl_rng_next(&rng), .flags = flags, .wnd = 1000, .mss = 1460};

        h.ack = flags & TF_ACK ? (uint32_t)sl_rng_next(&rng) : 0;
        h.opts = flags & TF_SYN ? OPT_MSS : 0;
        arrive(&tuple, &h);
        w.now += i % BURST ? 0 : SL_NS_PER_MS;
    }
    run();
}

static void assert_an_honest_client_connects(bool ip6)
{
    struct tuple tuple = tuple_of(1u << 24, ip6);
    struct header h = {.seq = 100, .flags = TF_SYN, .wnd = 1000, .mss = 1460, .wscale = 9, .tsval = 77};
    const struct conn *c;
    uint32_t ref;

    h.opts = OPT_MSS | OPT_TS | OPT_SACK_OK | OPT_WSCALE;
    arrive(&tuple, &h);
    run();
    assert_int_equal(w.last.tcp.flags, TF_SYN | TF_ACK);
    assert_true(w.last.tcp.sack_ok && w.last.tcp.wscale && w.last.tcp.has_ts);
    h = (struct header){.seq = 101, .ack = w.last.tcp.seq + 1, .flags = TF_ACK, .wnd = 1000, .opts = OPT_TS};
    h.tsval = 78;
    h.tsecr = w.last.tcp.tsval;
    arrive(&tuple, &h);
    run();
    tuple.hash = table_hash(&w.tcp->table, &tuple);
    ref = sl_tcp_table_find(&w.tcp->table, &tuple);
    assert_true(ref && ref_kind(ref) == REF_CONN);
    c = conn_at(w.tcp, ref_idx(ref));
    assert_int_equal(c->state, ST_ESTABLISHED);
    assert_int_equal(c->snd_shift, 9);
    assert_int_equal(c->flags & (F_TS | F_SACK | F_WSCALE), F_TS | F_SACK | F_WSCALE);
}

static void a_flood_of_syns_costs_no_memory(void **state)
{
    for (uint32_t ip6 = 0; ip6 < 2; ip6++) {
        uint32_t made;

        make_world(ip6, 1000, 1 << 20);
        flood(2 * BURST, TF_SYN, ip6);
        made = w.tcp->requests.made;
        assert_int_equal(w.tcp->requests.used, BACKLOG);
        flood(100000, TF_SYN, ip6);
        assert_int_equal(w.tcp->requests.used, BACKLOG);
        assert_int_equal(w.tcp->requests.made, made);
        assert_int_equal(w.tcp->conns.used, 0);
        assert_int_equal(w.tcp->table.count, BACKLOG);
        assert_int_equal(w.tcp->nodes.held_bytes, 0);
        assert_true(counter(SL_CTR_TCP_COOKIES_SENT) > 99000);
        assert_null(sl_tcp_check(w.tcp));
        assert_an_honest_client_connects(ip6);
        unmake_world();
    }
}

static void a_flood_of_acks_opens_nothing_and_reflects_nothing(void **state)
{
    for (uint32_t ip6 = 0; ip6 < 2; ip6++) {
        make_world(ip6, 1000, 1 << 20);
        flood(2 * BURST, TF_SYN, ip6);
        flood(100000, TF_ACK, ip6);
        assert_int_equal(w.tcp->conns.made, 1); /* none yet: 0 is no index */
        assert_int_equal(w.tcp->table.count, BACKLOG);
        assert_int_equal(counter(SL_CTR_TCP_RST_SENT), 0);
        assert_true(dropped(SL_DROP_TCP_COOKIE_BAD) > 99000);
        assert_an_honest_client_connects(ip6);
        unmake_world();
    }
}

/* What leaves for strangers leaves room for those who are connected. */
static void cookies_leave_half_of_the_transmit_queue(void **state)
{
    make_world(false, 1000, 1 << 20);
    flood(BURST, TF_SYN, false); /* the gateway is known */
    for (uint32_t i = 0; i < 2000; i++) {
        struct tuple tuple = tuple_of(i, false);

        arrive(&tuple, &(struct header){.seq = i, .flags = TF_SYN, .wnd = 1000});
        if (w.batch.n_segs == BURST - 1) /* nobody fetches frames */
            sl_tcp_input(w.tcp, &w.batch, w.now);
    }
    assert_true(sl_net_tx_room(w.net, 0) >= SL_NET_TX_QUEUE / 2 - 1);
    assert_true(dropped(SL_DROP_TCP_TX_FULL) > 0);
    run();
    unmake_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_good_and_tells_its_mss),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(age_decides),
        cmocka_unit_test(keys_change_with_the_epoch_and_need_no_memory),
        cmocka_unit_test(guesses_do_not_hit),
        cmocka_unit_test(the_timestamp_is_the_latest_with_its_bits),
        cmocka_unit_test(the_mss_is_never_more_than_offered),
        cmocka_unit_test(hundred_thousand_numbers_have_no_structure),
        cmocka_unit_test(a_flood_of_syns_costs_no_memory),
        cmocka_unit_test(a_flood_of_acks_opens_nothing_and_reflects_nothing),
        cmocka_unit_test(cookies_leave_half_of_the_transmit_queue),
    };

    return cmocka_run_group_tests(tests, crowd_setup, th_leak_teardown);
}
