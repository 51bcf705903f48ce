/* ECN (RFC 3168) as conversations: agreeing on it, marking, echoing, slowing down once per window. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

#define ASK (&(struct sl_tcp_opts){.ecn = SL_TCP_ECN_ASK})
#define OFF (&(struct sl_tcp_opts){.ecn = SL_TCP_ECN_OFF})

static void accept_ecn(const struct sl_tcp_opts *opts)
{
    u_listen(opts);
    peer("SEC 0 mss 1000 sackok ts 1000,0");
    expect("SAE 0 ack 1 noect");
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_client_that_asks_gets_it(void)
{
    accept_ecn(NULL);
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_CONNS), 1);
    u_write(100);
    expect("A 1(100) ack 1 ect");
}

static void cookies_keep_it(void)
{
    accept_ecn(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_ALWAYS});
    assert_int_equal(script_counter(SL_CTR_TCP_COOKIES_ACCEPTED), 1);
    u_write(100);
    expect("A 1(100) ack 1 ect");
}

static void a_cookie_without_timestamps_does_not(void)
{
    u_listen(&(struct sl_tcp_opts){.cookies = SL_TCP_COOKIES_ALWAYS});
    peer("SEC 0 mss 1000");
    expect("SA 0 ack 1");
}

static void a_client_that_does_not_ask_gets_none(void)
{
    static const char *const syns[] = {"S", "SE", "SC"};

    u_listen(ASK);
    for (uint32_t i = 0; i < SL_ARRAY_LEN(syns); i++) {
        on(i);
        peer("%s 0 mss 1000", syns[i]);
        expect("SA 0 ack 1");
        peer("A 1 ack 1");
        peer("A 1(10) ack 1 ce");
        expect_ack(11);
        u_write(100);
        expect("A 1(100) noect");
        u_read(10);
    }
}

static void switched_off_nobody_gets_it(void)
{
    u_listen(OFF);
    peer("SEC 0 mss 1000");
    expect("SA 0 ack 1");
    on(1);
    u_connect(OFF);
    expect("S 0");
}

static void a_client_that_gave_it_up_means_it(void)
{
    u_listen(NULL);
    peer("SEC 0 mss 1000");
    expect("SAE 0 ack 1");
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    u_write(100);
    expect("A 1(100) noect");
}

static void a_dialled_connection_asks_when_told_to(void)
{
    u_connect(ASK);
    expect("SEC 0 noect");
    peer("SAE 0 ack 1 mss 1000");
    expect("A 1 ack 1 noect");
    u_write(100);
    expect("A 1(100) ect");
    on(1);
    u_connect(NULL);
    expect("S 0");
    peer("SAE 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    u_write(100);
    expect("A 1(100) noect");
}

static void an_answer_that_reflects_both_flags_agrees_to_nothing(void)
{
    u_connect(ASK);
    expect("SEC 0");
    peer("SAEC 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    u_write(100);
    expect("A 1(100) noect");
}

/* RFC 3168 6.1.1.1. */
static void a_syn_that_is_sent_again_does_not_ask(void)
{
    u_connect(ASK);
    expect("SEC 0");
    expect_within(900, 1300, "S 0");
    peer("SAE 0 ack 1 mss 1000");
    expect("A 1 ack 1");
    u_write(100);
    expect("A 1(100) noect");
}

static void a_simultaneous_open_may_agree(void)
{
    u_connect(ASK);
    expect("SEC 0");
    peer("SEC 0 mss 1000");
    expect("SAE 0 ack 1");
    peer("SAE 0 ack 1 mss 1000"); /* this ECE is no echo */
    drop_all();
    state("ESTABLISHED");
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 0);
    u_write(100);
    expect("A 1(100) ect");
}

/* ---- receiving ---- */
static void a_mark_is_echoed_at_once_and_until_cwr(void)
{
    accept_ecn(NULL);
    peer("A 1(10) ect");
    expect_within(20, 500, "A 1 ack 11");
    peer("A 11(10) ce");
    expect("AE 1 ack 21 noect"); /* not delayed */
    peer("A 21(10) ect");
    expect_within(0, 500, "AE 1 ack 31");
    u_write(5);
    expect("AE 1(5) ect");
    peer("AC 31(10) ect");
    expect_within(0, 500, "A 6 ack 41");
    peer("AC 41(10) ce"); /* one echo ends, another begins */
    expect("AE 6 ack 51");
    u_read(50);
    drop_all();
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_CE_RECEIVED), 2);
}

static void a_mark_counts_out_of_order_too(void)
{
    accept_ecn(NULL);
    peer("A 101(100) ce");
    expect("AE 1 ack 1 sack 101-201");
}

static void marks_of_what_is_not_taken_say_nothing(void)
{
    accept_ecn(NULL);
    peer("A 1 ack 1 ce"); /* an ACK can't be marked */
    peer("A 1(10) ce badsum");
    expect_nothing();
    peer("A 200001(10) ce"); /* outside the window */
    expect("A 1 ack 1");
    peer("A 1(10) ect");
    expect_ack(11);
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_CE_RECEIVED), 0);
}

/* ---- sending ---- */

/* Ten segments of 988 bytes are out, and each ACK of theirs is an echo: cwnd comes down by a share, over the round trip, and
 * once. */
static void an_echo_takes(const struct sl_tcp_opts *opts, uint32_t tenths)
{
    uint32_t before, sent = 0, share;

    accept_ecn(opts);
    u_write(40000);
    assert_int_equal(drop_all_bytes(), 9880);
    before = script_info().cwnd_bytes;
    assert_int_equal(before, 9880);
    share = before * (10 - tenths) / 10;
    for (uint32_t i = 1; i <= 10; i++) {
        peer("AE 1 ack %u", 1 + i * 988);
        assert_int_equal(script_info().ssthresh_bytes, share);
        if (i < 10)
            sent += drop_all_bytes();
    }
    assert_in_range(sent, share - 2 * 988, share);
    assert_int_equal(script_info().cwnd_bytes, share);
    drop_all();
    assert_in_range(script_info().flight_bytes, share - 988, share);
    peer("AE 1(10) ack 9881"); /* CWR is under way */
    u_read(10);
    drop_all();
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 1);
    peer("AE 11 ack 10869"); /* it arrived: this is another mark */
    drop_all();
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 2);
    assert_int_equal(script_counter(SL_CTR_TCP_RETRANSMITS), 0);
}

static void an_echo_halves_the_window_once(void) { an_echo_takes(&(struct sl_tcp_opts){.cc = SL_TCP_CC_NEWRENO}, 5); }

static void cubic_gives_three_tenths_for_an_echo(void) { an_echo_takes(NULL, 3); }

static void cwr_goes_out_once_with_new_data(void)
{
    accept_ecn(NULL);
    u_write(100);
    expect("A 1(100) ect");
    peer("AE 1 ack 101");
    peer("A 1(10) ack 101 ect");
    expect_within(0, 500, "A 101 ack 11 noect"); /* no new data: no CWR */
    u_write(100);
    expect("AC 101(100) ect");
    u_write(100);
    expect("A 201(100) ect");
    peer("AE 11 ack 301"); /* another window, another reduction */
    u_write(100);
    expect("AC 301(100) ect");
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 2);
    u_read(10);
}

static void retransmissions_are_not_able_and_a_loss_is_told_too(void)
{
    accept_ecn(NULL);
    u_write(100);
    expect("A 1(100) ect");
    expect_within(150, 1100, "A 1(100) noect"); /* the loss probe */
    expect_within(150, 1100, "A 1(100) noect"); /* the timeout */
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 1);
    peer("A 1 ack 101");
    u_write(100);
    expect("AC 101(100) ect");
}

/* It is echoed until there is data to bring CWR, however long that takes. */
static void an_echo_that_goes_on_while_there_is_nothing_to_send_reduces_once(void)
{
    accept_ecn(NULL);
    u_write(100);
    expect("A 1(100) ect");
    peer("AE 1 ack 101");
    for (uint32_t i = 0; i < 5; i++) {
        peer("AE %u(10) ack 101", 1 + i * 10);
        u_read(10);
        drop_all();
    }
    u_write(100);
    expect("AC 101(100) ect");
    peer("AE 51 ack 101");
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 1);
}

/* What a probe repaired is known when something behind it is acknowledged, and nobody reported a duplicate. */
static void a_loss_that_a_probe_repaired_is_told_too(void)
{
    accept_ecn(NULL);
    u_write(100);
    expect("A 1(100) ect");
    expect_within(150, 1100, "A 1(100) noect");
    peer("A 1 ack 101");
    u_write(100);
    expect("A 101(100) ect");
    peer("A 1 ack 201");
    assert_int_equal(script_counter(SL_CTR_TCP_PROBES_REPAIRED), 1);
    assert_int_equal(script_counter(SL_CTR_TCP_RTOS), 0);
    u_write(100);
    expect("AC 201(100) ect");
}

/* The segment that told of the reduction was lost: the next new one tells again, or the echo would go on. */
static void a_lost_cwr_is_sent_again(void)
{
    uint32_t ack = 1, end;
    struct conn *c;

    accept_ecn(NULL);
    u_write(40000);
    drop_all();
    c = conn_of_stream(u_stream());
    do {
        ack += 988;
        peer("A%s 1 ack %u", ack == 989 ? "E" : "", ack);
        drop_all();
    } while (c->flags & F_ECN_CWR);
    assert_int_equal(c->ca, CA_CWR);
    end = ack + script_info().flight_bytes;
    peer("AE 1 ack %u sack %u-%u", ack, ack + 988, end);
    assert_int_equal(c->ca, CA_RECOVERY);
    expect("A %u(988) noect", ack);
    expect("AC %u(988) ect", end);
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 1);
    drop_all();
}

static void window_probes_are_not_able(void)
{
    accept_ecn(NULL);
    peer("A 1 ack 1 wnd 0");
    u_write(100);
    expect_within(100, 5000, "A 1(1) noect");
}

static void an_echo_outside_the_window_is_nobody_s(void)
{
    uint32_t before;

    accept_ecn(NULL);
    u_write(20000);
    drop_all();
    before = script_info().cwnd_bytes;
    peer("AE 900000 ack 989");
    drop_all();
    peer("AE 1 ack 90000");
    drop_all();
    assert_int_equal(script_info().cwnd_bytes, before);
    assert_int_equal(script_counter(SL_CTR_TCP_ECN_REDUCTIONS), 0);
}

/* RFC 6191 as well: the flags of ECN do not hide a SYN. */
static void a_syn_that_asks_ends_time_wait(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("SEC 500000 mss 1000");
    expect("SAE * ack 500001");
    peer("A 500001");
    state("ESTABLISHED");
}

SCRIPT_MAIN(SCRIPT(a_client_that_asks_gets_it), SCRIPT(cookies_keep_it), SCRIPT(a_cookie_without_timestamps_does_not),
            SCRIPT(a_client_that_does_not_ask_gets_none), SCRIPT(switched_off_nobody_gets_it),
            SCRIPT(a_client_that_gave_it_up_means_it), SCRIPT(a_dialled_connection_asks_when_told_to),
            SCRIPT(an_answer_that_reflects_both_flags_agrees_to_nothing), SCRIPT(a_syn_that_is_sent_again_does_not_ask),
            SCRIPT(a_simultaneous_open_may_agree), SCRIPT(a_mark_is_echoed_at_once_and_until_cwr),
            SCRIPT(a_mark_counts_out_of_order_too), SCRIPT(marks_of_what_is_not_taken_say_nothing),
            SCRIPT(an_echo_halves_the_window_once), SCRIPT(cubic_gives_three_tenths_for_an_echo),
            SCRIPT(an_echo_that_goes_on_while_there_is_nothing_to_send_reduces_once),
            SCRIPT(cwr_goes_out_once_with_new_data), SCRIPT(retransmissions_are_not_able_and_a_loss_is_told_too),
            SCRIPT(a_loss_that_a_probe_repaired_is_told_too), SCRIPT(a_lost_cwr_is_sent_again),
            SCRIPT(window_probes_are_not_able), SCRIPT(an_echo_outside_the_window_is_nobody_s),
            SCRIPT(a_syn_that_asks_ends_time_wait))
