/* SYN cookies (RFC 4987 3.6) as conversations: what a client notices of them, which is nothing; and what attackers get.
 */
#include "helpers/script.h"
#include "helpers/script_internal.h"

#define ALWAYS (&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_ALWAYS})

static uint64_t dropped(enum sl_drop why) { return sl_stat_read(&g_script.stats.drop[why]); }

static void nothing_is_kept_of_a_syn(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1460 ws 7 sackok ts 1000,0");
    expect("SA 0 ack 1 mss %u sackok ts 0,1000", script_is_ip6() ? 1440 : 1460);
    state("CLOSED");
    assert_int_equal(script_conns(), 0);
    assert_int_equal(script_counter(SL_CTR_TCP_CONNS), 0);
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_SENT), 1);
    quiet(70000); /* it is not sent again */
}

static void the_ack_of_a_cookie_opens_a_connection(void)
{
    u_listen(ALWAYS);
    accept_one("mss 1000");
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_ACCEPTED), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_ACCEPTED), 1);
    u_write(100);
    expect("A 1(100) ack 1");
    peer("A 1(10) ack 101");
    u_read(10);
    expect_ack(11);
    u_shutdown();
    expect("FA 101 ack 11");
    peer("FA 11 ack 102");
    expect("A 102 ack 12");
    state("TIME-WAIT");
}

static void with_timestamps_scaling_and_sack_are_kept(void)
{
    u_listen(ALWAYS);
    accept_one("mss 1220 ws 7 sackok ts 1000,0 wnd 65535");
    peer("A 1 ack 1 wnd 40"); /* 5,120 bytes */
    u_write(20000);
    assert_in_range(drop_all_bytes(), 4000, 5120);
    peer("A 101(100) ack 1");
    expect("A * ack 1 sack 101-201");
    peer("A 1(100) ack 1");
    expect("A * ack 201");
    u_read(200);
    drop_all();
}

static void a_shift_above_14_counts_as_14(void)
{
    u_listen(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_ALWAYS, .snd_max_bytes = 1 << 20});
    accept_one("mss 1220 ws 200 ts 1000,0");
    peer("A 1 ack 1 wnd 1"); /* 16,384 bytes, more than cwnd */
    u_write(40000);
    assert_in_range(drop_all_bytes(), 12000, 13000);
}

static void without_timestamps_there_is_no_scaling_and_no_sack(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1000 ws 7 sackok");
    expect("SA 0 ack 1 nots nosack");
    assert_int_equal(script_last()->wscale, 0);
    peer("A 1 ack 1 wnd 2000");
    state("ESTABLISHED");
    u_write(10000);
    assert_in_range(drop_all_bytes(), 1000, 2000);
    peer("A 101(100) ack 1");
    expect("A * ack 1 noopt");
}

/* What is only almost the client's MSS is the next smaller of the table. */
static void the_mss_is_kept_in_steps(void)
{
    static const struct {
        uint16_t offered, used4, used6;
    } steps[] = {{100, 216, 216},    {216, 216, 216},    {535, 216, 216},    {536, 536, 216},    {1220, 1220, 1220},
                 {1300, 1220, 1280}, {1400, 1380, 1380}, {1412, 1380, 1380}, {1460, 1460, 1440}, {9000, 1460, 1440}};

    u_listen(ALWAYS);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(steps); i++) {
        char options[32];

        on(i);
        snprintf(options, sizeof options, "mss %u", steps[i].offered);
        accept_one(options);
        assert_int_equal(script_info().mss, script_is_ip6() ? steps[i].used6 : steps[i].used4);
    }
}

static void without_an_mss_the_default_holds(void)
{
    u_listen(ALWAYS);
    accept_one("wnd 60000");
    assert_int_equal(script_info().mss, script_is_ip6() ? 1220 : 536);
}

static void the_ack_may_bring_data(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220 ws 7 sackok ts 1000,0");
    expect("SA 0 ack 1");
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    event(SL_STREAM_OPEN | SL_STREAM_READABLE);
    u_read(10);
    expect_ack(11);
}

static void data_stands_in_for_a_lost_last_ack(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220 ts 1000,0");
    expect("SA 0 ack 1");
    after(60000);
    peer("A 1(10) ack 1 ts 61000,%u", script_last()->tsval);
    state("ESTABLISHED");
    assert_int_equal(script_info().srtt_us, 0); /* a minute was no round trip */
    u_read(10);
    expect_ack(11);
}

/* Later segments prove nothing without the first, but must not be answered by a reset either. */
static void later_segments_first_do_no_harm(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    peer("A 1001 ack 1"); /* the SYN-ACK came twice */
    peer("A 1001(10) ack 1");
    peer("FA 1011 ack 1");
    expect_nothing();
    peer("A 1(1000) ack 1");
    state("ESTABLISHED");
    u_read(1000);
    expect_ack(1001);
}

static void a_fin_may_come_with_the_ack(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    peer("FA 1 ack 1");
    state("CLOSE-WAIT");
    event(SL_STREAM_OPEN | SL_STREAM_EOF);
    expect_ack(2);
}

static void the_round_trip_is_known_from_the_echo(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220 ts 1000,0");
    expect("SA 0 ack 1");
    after(200);
    peer("A 1 ack 1");
    state("ESTABLISHED");
    assert_in_range(script_info().srtt_us, 200000, 264000); /* the low bits of the timestamp were ours */
}

/* PAWS at the client: what follows the SYN-ACK is never older, whatever its low bits had to say. */
static void timestamps_never_go_back(void)
{
    u_listen(ALWAYS);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t first;

        on(i);
        after(7);
        peer("S 0 mss 1220 ws %u ts 1000,0%s", i % 15, i & 1 ? " sackok" : "");
        expect("SA 0 ack 1");
        first = script_last()->tsval;
        peer("A 1(1) ack 1");
        expect_within(0, 100, "A 1 ack 2");
        assert_in_range(script_last()->tsval - first, 0, 64 + 100);
    }
}

static void a_repeated_syn_gets_the_same_answer(void)
{
    uint32_t iss;

    u_listen(ALWAYS);
    peer("S 0 mss 1220 ts 1000,0");
    expect("SA 0 ack 1");
    iss = script_last()->seq;
    after(1000);
    peer("S 0 mss 1220 ts 2000,0");
    expect("SA 0 ack 1");
    assert_int_equal(script_last()->seq, iss);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

/* ---- age ---- */
static void a_cookie_lives_for_one_to_two_periods(void)
{
    u_listen(ALWAYS);
    for (uint32_t i = 0; i < 4; i++) {
        on(i);
        peer("S 0 mss 1220");
        expect("SA 0 ack 1");
        after(64000);
        peer("A 1 ack 1");
        state("ESTABLISHED");
    }
}

static void an_expired_cookie_is_refused(void)
{
    u_listen(ALWAYS);
    on(1);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    state("ESTABLISHED");
    u_abort();
    expect("R 1");
    u_release();
    after(120000);
    on(2);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    after(10000);
    on(1);
    peer("A 1 ack 1");
    expect("R 1");
    assert_int_equal(dropped(SL_DROP_TCP_COOKIE_EXPIRED), 1);
    assert_int_equal(script_conns(), 0);
}

/* The user must not get the same bytes in a second connection. */
static void a_cookie_opens_one_connection(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    peer("A 1(10) ack 1");
    u_abort();
    expect("RA 1 ack 11");
    u_release();
    peer("A 1(10) ack 1"); /* was on its way */
    expect("R 1");
    assert_int_equal(script_conns(), 0);
    assert_int_equal(dropped(SL_DROP_TCP_COOKIE_USED), 1);
}

static void without_recent_cookies_none_is_looked_at(void)
{
    u_listen_with(NULL, 1);
    peer("A 1 ack 1");
    expect("R 1");
    assert_int_equal(dropped(SL_DROP_TCP_NO_CONN), 1);
    u_listen_update(ALWAYS);
    on(1);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    after(128001);
    peer("A 1 ack 1");
    expect("R 1");
    assert_int_equal(dropped(SL_DROP_TCP_NO_CONN), 2);
    assert_int_equal(dropped(SL_DROP_TCP_COOKIE_BAD) + dropped(SL_DROP_TCP_COOKIE_EXPIRED), 0);
}

/* ---- when ---- */
static void they_begin_when_the_backlog_is_full(void)
{
    u_listen_with(NULL, 2);
    for (uint32_t i = 0; i < 4; i++) {
        on(i);
        peer("S 0 mss 1220 ws 3 sackok ts 1000,0");
        expect("SA 0 ack 1 sackok");
    }
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_SENT), 2);
    assert_int_equal(script_conns(), 2);
    for (uint32_t i = 4; i-- > 0;) { /* requests stay, and both kinds end well */
        on(i);
        peer("A 1 ack 1");
        state("ESTABLISHED");
    }
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_ACCEPTED), 2);
    assert_int_equal(dropped(SL_DROP_TCP_BACKLOG_FULL), 0);
    on(4);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    state("SYN-RECEIVED");
}

static void they_begin_when_requests_take_half_of_the_table(void)
{
    world(.conns_max = 8);
    u_listen_with(NULL, 64);
    for (uint32_t i = 0; i < 8; i++) {
        on(i);
        peer("S 0 mss 1220");
        expect("SA 0 ack 1");
    }
    assert_int_equal(script_conns(), 5);
    on(7);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

/* There is no room for what the ACK opens: no reset, for the client's bytes will try again. */
static void a_good_cookie_waits_for_room(void)
{
    world(.conns_max = 1);
    u_listen(ALWAYS);
    on(1);
    accept_one("mss 1220");
    on(0);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    expect_nothing();
    assert_int_equal(dropped(SL_DROP_TCP_CONNS_MAX), 1);
    on(1);
    u_abort();
    expect("R 1");
    u_release();
    on(0);
    peer("A 1(10) ack 1");
    state("ESTABLISHED");
    u_read(10);
    expect_ack(11);
}

static void switched_off_the_backlog_drops(void)
{
    u_listen_with(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_OFF}, 1);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    on(1);
    peer("S 0 mss 1220");
    expect_nothing();
    assert_int_equal(dropped(SL_DROP_TCP_BACKLOG_FULL), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_SENT), 0);
}

/* The first SYN met a full backlog, its repetition did not; the client answers the first. */
static void a_cookie_s_ack_takes_the_place_of_a_request(void)
{
    uint32_t cookie;

    u_listen_with(NULL, 1);
    on(1);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    on(0);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    cookie = script_last()->seq;
    on(1);
    peer("A 1 ack 1");
    on(0);
    peer("S 0 mss 1220");
    expect("SA 0 ack 1");
    state("SYN-RECEIVED");
    assert_int_not_equal(script_last()->seq, cookie);
    peer("A 1 ack =%u", cookie + 1);
    state("ESTABLISHED");
    assert_int_equal(script_conns(), 2);
    expect_nothing();
    quiet(10000);
}

static void other_settings_end_what_is_on_its_way(void)
{
    u_listen(ALWAYS);
    peer("S 0 mss 1220 ws 3 ts 1000,0");
    expect("SA 0 ack 1");
    u_listen_update(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_ALWAYS, .rcv_max_bytes = 64 << 20});
    peer("A 1 ack 1");
    expect_nothing();
    assert_int_equal(script_conns(), 0);
}

/* RFC 9293 3.4.1: the new number must be above the old connection's, and a cookie can't choose. */
static void after_time_wait_the_number_is_above_the_old_ones(void)
{
    u_listen(ALWAYS);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t old_end;

        on(i);
        accept_one("mss 1220");
        u_shutdown();
        expect("FA 1 ack 1");
        peer("FA 1 ack 2");
        expect("A 2 ack 2");
        old_end = script_last()->seq;
        u_release();
        peer("S 500000 mss 1220");
        expect("SA * ack 500001");
        assert_true((int32_t)(script_last()->seq - old_end) >= 0);
        peer("A 500001");
        state("ESTABLISHED");
        u_abort();
        expect("R *");
        u_release();
    }
    /* Both kinds were needed. */
    assert_in_range(script_counter(SL_CTR_TCP_COOKIES_SENT), 41, 79);
}

/* ---- what is not a cookie ---- */
static void what_is_not_the_cookie_s_ack_opens_nothing(void)
{
    uint32_t tsval;

    u_listen(ALWAYS);
    peer("S 0 mss 1220 ts 1000,0");
    expect("SA 0 ack 1");
    tsval = script_last()->tsval;
    peer("A 1 ack 2");
    peer("A 1 ack 0");
    peer("A 2 ack 1");
    peer("A 1 ack 1 nots");
    peer("A 1 ack 1 ts 1000,%u", tsval ^ 1);
    peer("A 1 ack 1 from 41000");
    peer("FA 2 ack 1");
    expect_nothing();
    assert_int_equal(dropped(SL_DROP_TCP_COOKIE_BAD), 7);
    peer("RA 1 ack 1");
    expect_nothing();
    peer("SA 0 ack 1 ts 1000,%u", tsval);
    expect("R 1");
    assert_int_equal(script_conns(), 0);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void no_buffer_is_held_for_a_syn(void)
{
    unsigned before = rte_mempool_in_use_count(g_script.frames_pool), hdr = rte_mempool_in_use_count(g_script.hdr_pool);

    u_listen_with(NULL, 4);
    for (uint32_t i = 0; i < 8; i++) {
        on(i);
        peer("S 0(100) mss 1220");
        expect("SA 0 ack 1");
    }
    assert_int_equal(rte_mempool_in_use_count(g_script.frames_pool), before);
    assert_in_range(rte_mempool_in_use_count(g_script.hdr_pool), hdr, hdr + SCRIPT_HELD); /* what the device holds */
}

SCRIPT_MAIN(SCRIPT(nothing_is_kept_of_a_syn), SCRIPT(the_ack_of_a_cookie_opens_a_connection),
            SCRIPT(with_timestamps_scaling_and_sack_are_kept), SCRIPT(a_shift_above_14_counts_as_14),
            SCRIPT(without_timestamps_there_is_no_scaling_and_no_sack), SCRIPT(the_mss_is_kept_in_steps),
            SCRIPT(without_an_mss_the_default_holds), SCRIPT(the_ack_may_bring_data),
            SCRIPT(data_stands_in_for_a_lost_last_ack), SCRIPT(later_segments_first_do_no_harm),
            SCRIPT(a_fin_may_come_with_the_ack), SCRIPT(the_round_trip_is_known_from_the_echo),
            SCRIPT(timestamps_never_go_back), SCRIPT(a_repeated_syn_gets_the_same_answer),
            SCRIPT(a_cookie_lives_for_one_to_two_periods), SCRIPT(an_expired_cookie_is_refused),
            SCRIPT(a_cookie_opens_one_connection), SCRIPT(without_recent_cookies_none_is_looked_at),
            SCRIPT(they_begin_when_the_backlog_is_full), SCRIPT(they_begin_when_requests_take_half_of_the_table),
            SCRIPT(a_good_cookie_waits_for_room), SCRIPT(switched_off_the_backlog_drops),
            SCRIPT(a_cookie_s_ack_takes_the_place_of_a_request), SCRIPT(other_settings_end_what_is_on_its_way),
            SCRIPT(after_time_wait_the_number_is_above_the_old_ones),
            SCRIPT(what_is_not_the_cookie_s_ack_opens_nothing), SCRIPT(no_buffer_is_held_for_a_syn))
