/* What somebody off the path, or a peer who means ill, may try: each attack, and what it must not get. Floods by many
 * connections are in crowd_test.c. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

#define FLAG_SETS 64u /* all of FIN, SYN, RST, PSH, ACK, URG */
#define CHALLENGES_MOST 9u

static struct conn *conn(void) { return conn_of_stream(u_stream()); }

/* The letters of a set of flags, as scripts have them. */
static const char *letters(uint32_t set)
{
    static char text[8];
    uint32_t n = 0;

    for (uint32_t i = 0; i < 6; i++)
        if (set >> i & 1)
            text[n++] = "FSRPAU"[i];
    if (!n)
        text[n++] = '.';
    text[n] = 0;
    return text;
}

/* ---- SegmentSmack (CVE-2018-5390) ---- */

static void assert_reassembly_is_bounded(void)
{
    const struct conn *c = conn();
    uint32_t segs_max = (c->rcv_adv - c->rcv_nxt) / 256 + 1;

    if (!reasm_of(c))
        return;
    assert_true(reasm_of(c)->n_runs <= REASM_RUNS_MAX);
    assert_true(reasm_of(c)->segs <= segs_max);
    assert_true(c->t->nodes.slab.used <= segs_max);
    assert_true(c->t->nodes.held_bytes <= segs_max * 4096ull);
}

static void one_byte_segments_at_random_offsets_are_bounded(void)
{
    struct sl_rng rng;

    sl_rng_seed(&rng, 1);
    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 10000; i++) {
        peer("A %u(1) ack 1", 2 + (uint32_t)sl_rng_below(&rng, 65000));
        drop_all();
        assert_reassembly_is_bounded();
    }
    assert_int_equal(reasm_of(conn())->n_runs, REASM_RUNS_MAX);
    assert_true(script_drops(SL_DROP_TCP_OOO_FULL) > 9000);
    for (uint32_t i = 0; i < 65; i++) { /* what comes in order is taken all the same */
        peer("A %u(1000) ack 1", 1 + 1000 * i);
        drop_all();
        u_read(conn()->rcvq.bytes);
        drop_all();
    }
    assert_null(reasm_of(conn()));
    assert_int_equal(conn()->t->nodes.held_bytes, 0);
}

/* Each joins the run before which it stands, and holds a buffer. */
static void one_byte_segments_backwards_are_bounded(void)
{
    reach("ESTABLISHED");
    for (uint32_t i = 5000; i > 1; i--) {
        peer("A %u(1) ack 1", i);
        drop_all();
        assert_reassembly_is_bounded();
    }
    assert_int_equal(reasm_of(conn())->n_runs, 1);
    assert_true(script_drops(SL_DROP_TCP_OOO_FULL) > 4000);
}

/* ---- SACK Panic (CVE-2019-11477 to 11479) ---- */

static const unsigned tiny_mss[] = {1, 8, 48, 215};

static void open_by(uint32_t way, unsigned mss)
{
    static const struct sl_tcp_opts always = {.cookies = SL_TCP_COOKIES_ALWAYS};
    char options[64];

    snprintf(options, sizeof options, "mss %u sackok ts 1,0", mss);
    world(0);
    if (way == 2) {
        connect_one(options);
        return;
    }
    u_listen(way == 1 ? &always : NULL);
    accept_one(options);
}

/* Passive, by a cookie, and active. */
static void a_tiny_mss_makes_no_flood_of_segments(void)
{
    for (uint32_t way = 0; way < 3; way++) {
        for (uint32_t i = 0; i < SL_ARRAY_LEN(tiny_mss); i++) {
            open_by(way, tiny_mss[i]);
            assert_int_equal(script_info().mss, TCP_MSS_FLOOR - WIRE_TS_BYTES);
            u_write(2000);
            assert_in_range(drop_all(), 1, 10);
        }
    }
}

static void an_mss_of_zero_has_the_floor_too(void)
{
    u_listen(NULL);
    accept_one("opt 02040000");
    assert_int_equal(script_info().mss, TCP_MSS_FLOOR);
    on(1);
    connect_one("opt 02040000");
    assert_int_equal(script_info().mss, TCP_MSS_FLOOR);
}

static void sacks_of_every_other_byte_are_bounded(void)
{
    open_by(0, 8);
    u_write(2000);
    drop_all();
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t from = 3 + i * 74 % 1990;

        peer("A 1 ack 1 sack %u-%u,%u-%u,%u-%u", from, from + 1, from + 4, from + 5, 1995 - from / 2, 1996 - from / 2);
        drop_all();
        assert_true(flight_of(conn())->n <= FLIGHT_RUNS_MAX);
        assert_true(flight_of(conn())->sacked_bytes <= 2000);
        assert_true(flight_of(conn())->lost_bytes <= 2000);
    }
    assert_true(script_counter(SL_CTR_TCP_RETRANSMITS) <= 200);
    assert_null(sl_tcp_check(conn()->t));
    peer("A 1 ack 2001");
    drop_all();
    assert_int_equal(script_info().flight_bytes, 0);
    assert_int_equal(script_info().sacked_bytes, 0);
    assert_null(flight_of(conn()));
}

/* ---- blind segments (RFC 5961) ---- */

static void a_reset_at_the_last_number_of_the_window_is_challenged_and_behind_it_ignored(void)
{
    reach("ESTABLISHED");
    peer("R 65535");
    expect("A 1 ack 1");
    peer("R 65536");
    peer("R 0");
    expect_nothing();
    state("ESTABLISHED");
}

/* 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static void blind_data_needs_an_ack_of_the_last_window(void)
{
    uint32_t acked = 0;

    reach("ESTABLISHED");
    u_write(200000);
    for (uint32_t i = 0; i < 300 && acked < 200000; i++) {
        acked += drop_all_bytes();
        peer("A 1 ack %u", 1 + acked);
    }
    assert_int_equal(acked, 200000);
    peer("A 1(10) ack %u fill", 200001 - 65536);
    expect("A 200001 ack 1");
    u_read_nothing();
    assert_int_equal(script_drops(SL_DROP_TCP_BAD_ACK), 1);
    peer("A 1(10) ack 200002 fill");
    expect("A 200001 ack 1");
    u_read_nothing();
    peer("A 1(10) ack %u", 200001 - 65535);
    u_read(10);
    expect_ack(11);
}

static void blind_segments_leave_a_handshake_alone(void)
{
    reach("SYN-RECEIVED");
    peer("R 2");
    expect("A 1 ack 1");
    peer("R 70000");
    peer("R 0");
    expect_nothing();
    peer("S 70000 mss 1000");
    expect("A 1 ack 1");
    peer("A 70000(10) ack 1");
    expect("A 1 ack 1");
    peer("A 1(10) ack 2 fill");
    drop_all(); /* RFC 9293 3.10.7.4: <SEQ=SEG.ACK><CTL=RST> */
    state("SYN-RECEIVED");
    peer("A 1 ack 1");
    state("ESTABLISHED");
    u_read_nothing();
}

/* ---- challenge ACKs as a side channel (CVE-2016-5696) ---- */

static uint32_t challenges_of(uint32_t n, uint32_t tries)
{
    uint32_t got = 0;

    on(n);
    for (uint32_t i = 0; i < tries; i++) {
        peer("R %u", 100 + i);
        got += drop_all();
    }
    return got;
}

static void challenges_of_one_connection_say_nothing_of_another(void)
{
    uint32_t differs = 0, first = 0;

    u_listen(NULL);
    for (uint32_t i = 0; i < 16; i++) {
        on(i);
        accept_one(NULL);
    }
    for (uint32_t i = 0; i < 16; i++) { /* each has its own, however many the others used up */
        uint32_t n = challenges_of(i, 200);

        assert_in_range(n, 5, CHALLENGES_MOST);
        first = first ? first : n;
        differs += n != first;
    }
    assert_true(differs > 0); /* the limit is not known from outside */
    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(challenges_of(i, 50), 0);
    after(1600);
    assert_in_range(challenges_of(3, 200), 5, CHALLENGES_MOST);
}

/* Two ends that disagree must not answer each other for ever. */
static void a_storm_of_bare_acks_dies(void)
{
    uint32_t n = 0;

    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 1000; i++) {
        peer("A %u ack 1", 1u << 30);
        peer("A 1 ack 50001"); /* optimistic */
        n += drop_all();
    }
    assert_in_range(n, 1, CHALLENGES_MOST);
    assert_true(script_drops(SL_DROP_TCP_CHALLENGE_LIMITED) > 1900);
    state("ESTABLISHED");
}

static void duplicate_acks_without_end_send_no_more_than_was_in_flight(void)
{
    uint32_t bytes = 0;

    reach("ESTABLISHED");
    u_write(60000);
    assert_int_equal(drop_all_bytes(), 10000);
    for (uint32_t i = 0; i < 3000; i++) {
        peer("A 1 ack 1");
        bytes += drop_all_bytes();
    }
    assert_in_range(bytes, 1000, 11000);
    assert_true(script_info().cwnd_bytes <= 20000);
}

/* RFC 3042. The last recovery ended where it began to be watched, so that no new one may begin (RFC 6582 3.2). */
static void before_a_recovery_two_duplicates_count(void)
{
    uint32_t cwnd;

    reach("ESTABLISHED");
    u_write(10000);
    for (uint32_t i = 0; i < 3; i++)
        peer("A 1 ack 1");
    peer("A 1 ack 10001");
    drop_all();
    u_write(60000);
    drop_all();
    cwnd = script_info().cwnd_bytes;
    for (uint32_t i = 0; i < 300; i++)
        peer("A 1 ack 10001");
    assert_int_equal(script_counter(SL_CTR_TCP_FAST_RECOVERIES), 1);
    assert_in_range(script_info().flight_bytes, 1000, cwnd + 2000);
    drop_all();
}

/* ---- reflection ---- */

static uint32_t answers_without_a_handshake(uint32_t set, uint32_t from)
{
    uint32_t n;

    peer("%s =300(5) ack =100 from %u", letters(set), from);
    n = drop_all();
    if (set & TF_RST)
        assert_int_equal(n, 0);
    assert_in_range(n, 0, 1);
    return n;
}

static void whatever_comes_without_a_handshake_gets_one_answer_at_most(void)
{
    uint32_t resets = 0, answers = 0;

    for (uint32_t set = 0; set < FLAG_SETS; set++)
        resets += answers_without_a_handshake(set, 1000 + set);
    assert_int_equal(script_counter(SL_CTR_TCP_RST_SENT), resets);
    assert_int_equal(script_conns(), 0);
    u_listen(NULL);
    for (uint32_t set = 0; set < FLAG_SETS; set++)
        answers += answers_without_a_handshake(set, 2000 + set);
    assert_int_equal(script_conns(), 4); /* SYN alone, with PSH, URG or both */
    assert_int_equal(answers, 4 + script_counter(SL_CTR_TCP_RST_SENT) - resets);
}

/* SYN+FIN, none (null), FIN+PSH+URG (xmas) and all others. */
static void flags_of_all_kinds_open_nothing_but_by_a_syn(void)
{
    u_listen(NULL);
    for (uint32_t set = 0; set < FLAG_SETS; set++) {
        bool opens = (set & (TF_SYN | TF_ACK | TF_RST | TF_FIN)) == TF_SYN;
        uint32_t before = script_conns();

        answers_without_a_handshake(set, 3000 + set);
        assert_int_equal(script_conns() - before, opens);
    }
    for (uint32_t i = 0; i < 100; i++) {
        after(1000);
        drop_all();
    }
    assert_int_equal(script_conns(), 0);
}

static void flags_of_all_kinds_outside_the_window_leave_a_connection_alone(void)
{
    reach("ESTABLISHED");
    for (uint32_t set = 0; set < FLAG_SETS; set++) {
        peer("%s %u(5) ack 1 fill", letters(set), 1u << 30);
        peer("%s %u ack 1", letters(set), 70000);
        if (!(set & TF_ACK) && !(set & TF_RST)) /* in the window, but nothing counts without ACK */
            peer("%s 1(5) ack 1 fill", letters(set));
        drop_all();
        state("ESTABLISHED");
    }
    u_read_nothing();
    peer("A 1(10) ack 1");
    u_read(10);
    drop_all();
}

/* ---- timestamps (CVE-2005-0356) ---- */

static void no_segment_but_the_next_one_leaves_its_timestamp(void)
{
    static const char *const poison[] = {
        "R 2",          "S 5",           "A 0 ack 1",         "A 0(1) ack 1 fill", ". 1(10) fill",         "F 1",
        "A 5(4) ack 1", "A 1 ack 90000", "A 65536(10) ack 1", "A 70000 ack 1",     "A 1(4) ack 70001 fill"};

    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(poison); i++) {
        peer("%s ts 2000000000,0", poison[i]);
        drop_all();
        assert_int_equal(conn()->ts_recent, 1000);
        state("ESTABLISHED");
    }
    peer("A 1(4) ack 1 ts 1001,0");
    u_read(8);
    drop_all();
}

/* ---- windows ---- */

static void a_shift_of_255_counts_as_14_in_an_answer_to_us(void)
{
    connect_one("opt 020403e8010303ff"); /* and an MSS of 1000 */
    assert_int_equal(script_info().snd_wscale, 14);
    peer("A 1 ack 1 wnd 65535");
    assert_int_equal(script_info().snd_wnd_bytes, 65535u << 14);
    u_write(1000);
    expect("A 1(1000) ack 1");
}

static void a_window_that_opens_and_shuts_brings_no_more_than_it_takes(void)
{
    static const unsigned sizes[] = {0, 1, 5000, 10000};

    reach("ESTABLISHED");
    u_write(60000);
    assert_int_equal(drop_all_bytes(), 10000);
    peer("A 1 ack 10001 wnd 10000");
    assert_int_equal(drop_all_bytes(), 10000);
    assert_true(script_info().cwnd_bytes > 15000); /* it is the window that holds back */
    for (uint32_t i = 0; i < 1000; i++)
        peer("A 1 ack 10001 wnd %u", sizes[i % SL_ARRAY_LEN(sizes)]);
    assert_in_range(drop_all_bytes(), 0, 1000);
    assert_true(script_info().flight_bytes <= 10000);
    state("ESTABLISHED");
}

static void urgent_pointers_of_all_kinds_change_nothing(void)
{
    static const unsigned pointers[] = {0, 1, 10, 11, 65535};

    reach("ESTABLISHED");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(pointers); i++) {
        peer("AU %u(10) ack 1 urg %u", 1 + 10 * i, pointers[i]);
        peer("AU %u ack 1 urg %u", 11 + 10 * i, pointers[i]);
        u_read(10);
        drop_all();
    }
    state("ESTABLISHED");
}

SCRIPT_MAIN(SCRIPT(one_byte_segments_at_random_offsets_are_bounded), SCRIPT(one_byte_segments_backwards_are_bounded),
            SCRIPT(a_tiny_mss_makes_no_flood_of_segments), SCRIPT(an_mss_of_zero_has_the_floor_too),
            SCRIPT(sacks_of_every_other_byte_are_bounded),
            SCRIPT(a_reset_at_the_last_number_of_the_window_is_challenged_and_behind_it_ignored),
            SCRIPT(blind_data_needs_an_ack_of_the_last_window), SCRIPT(blind_segments_leave_a_handshake_alone),
            SCRIPT(challenges_of_one_connection_say_nothing_of_another), SCRIPT(a_storm_of_bare_acks_dies),
            SCRIPT(duplicate_acks_without_end_send_no_more_than_was_in_flight),
            SCRIPT(before_a_recovery_two_duplicates_count),
            SCRIPT(whatever_comes_without_a_handshake_gets_one_answer_at_most),
            SCRIPT(flags_of_all_kinds_open_nothing_but_by_a_syn),
            SCRIPT(flags_of_all_kinds_outside_the_window_leave_a_connection_alone),
            SCRIPT(no_segment_but_the_next_one_leaves_its_timestamp),
            SCRIPT(a_shift_of_255_counts_as_14_in_an_answer_to_us),
            SCRIPT(a_window_that_opens_and_shuts_brings_no_more_than_it_takes),
            SCRIPT(urgent_pointers_of_all_kinds_change_nothing))
