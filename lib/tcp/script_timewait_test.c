/* TIME-WAIT: RFC 9293 3.10.7.4 and 3.6.1, RFC 6191, RFC 1337. */
#include "helpers/script.h"

static void it_lasts_two_msl(void)
{
    world(.time_wait_ms = 10000);
    reach("TIME-WAIT");
    u_release();
    after(9000);
    peer("FA 1 ack 2");
    expect("A 2 ack 2"); /* and the 2 MSL begin again */
    after(9000);
    peer("A 2 ack 2");
    drop_all();
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    after(11000);
    peer("FA 1 ack 2");
    expect("R 2");
}

static void the_connection_is_off_the_table(void)
{
    reach("TIME-WAIT");
    u_release();
    assert_int_equal(script_conns(), 0);
    state("TIME-WAIT");
}

static void a_lost_last_ack_is_sent_again(void)
{
    reach("TIME-WAIT");
    for (int i = 0; i < 3; i++) {
        after(1000);
        peer("FA 1 ack 2");
        expect("A 2 ack 2");
    }
}

static void unread_bytes_can_be_read_after_the_end(void)
{
    reach("FIN-WAIT-2");
    peer("FA 1(10) ack 2");
    expect("A 2 ack 12");
    event(SL_STREAM_EOF | SL_STREAM_CLOSED);
    after(1000);
    u_read(10);
}

/* RFC 9293 3.6.1: a SYN whose number is above what the old connection used opens a new one. */
static void a_syn_with_a_newer_number_opens_a_new_connection(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("S 500000 mss 1000");
    expect("SA * ack 500001");
    peer("A 500001");
    state("ESTABLISHED");
}

/* RFC 6191: or one whose timestamp is newer, whatever its number. */
static void a_syn_with_a_newer_timestamp_opens_a_new_connection(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    u_shutdown();
    expect("FA 1");
    peer("FA 1 ack 2 ts 2000,0");
    expect("A 2 ack 2");
    u_release();
    peer("S -5000 mss 1000 ts 3000,0");
    expect("SA * ack -4999 ts 0,3000");
    peer("A -4999 ts 3001,0");
    state("ESTABLISHED");
}

static void a_syn_with_an_older_timestamp_does_not(void)
{
    u_listen(NULL);
    accept_one("mss 1000 ts 1000,0");
    u_shutdown();
    expect("FA 1");
    peer("FA 1 ack 2 ts 2000,0");
    expect("A 2 ack 2");
    u_release();
    peer("S 500000 mss 1000 ts 1500,0");
    expect("A 2 ack 2");
}

static void an_old_syn_is_answered_by_the_last_ack(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("S 0 mss 1000");
    expect("A 2 ack 2");
    peer("S -1000 mss 1000");
    expect("A 2 ack 2");
    assert_int_equal(script_conns(), 0);
}

static void several_syns_make_one_connection(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("S 500000 mss 1000");
    expect("SA * ack 500001");
    peer("S 500000 mss 1000");
    expect("SA * ack 500001");
    assert_int_equal(script_conns(), 1);
    peer("A 500001");
    state("ESTABLISHED");
    peer("S 500000 mss 1000");
    expect("A *");
    assert_int_equal(script_conns(), 1);
}

/* RFC 9293 3.4.1: the new connection's numbers are above the old one's. */
static void the_new_connection_s_numbers_are_above_the_old_ones(void)
{
    uint32_t old_end;

    reach("ESTABLISHED");
    for (uint32_t i = 0; i < 20; i++) {
        u_write(1000);
        drop_all();
        peer("A 1 ack %u", 1001 + i * 1000);
    }
    u_shutdown();
    expect("FA 20001 ack 1");
    peer("FA 1 ack 20002");
    expect("A 20002 ack 2");
    old_end = script_last()->seq;
    u_release();
    peer("S 500000 mss 1000");
    expect("SA * ack 500001");
    assert_true((int32_t)(script_last()->seq - old_end) > 0);
}

static void without_a_listener_a_new_syn_opens_nothing(void)
{
    reach("TIME-WAIT");
    u_release();
    u_unlisten();
    peer("S 500000 mss 1000");
    drop_all();
    assert_int_equal(script_conns(), 0);
}

static void late_data_is_answered_by_an_ack(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("A 1(10) ack 2");
    drop_all(); /* an ACK, or a reset: nobody reads */
    peer("A =1(10) ack 2");
    drop_all();
    assert_int_equal(script_conns(), 0);
}

static void an_old_reset_does_not_hurt(void)
{
    reach("TIME-WAIT");
    u_release();
    peer("R -100");
    expect_nothing();
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
}

static void their_number_is_bounded(void)
{
    world(.time_wait_max = 4);
    for (uint32_t i = 0; i < 12; i++) {
        on(i);
        reach("TIME-WAIT");
        u_release();
    }
    assert_int_equal(script_conns(), 0);
    on(11);
    peer("FA 1 ack 2");
    expect("A 2 ack 2"); /* the newest is kept */
}

static void a_dialled_tuple_in_time_wait_is_in_use_or_made_anew(void)
{
    connect_one(NULL);
    u_shutdown();
    expect("FA 1 ack 1");
    peer("FA 1 ack 2");
    expect("A 2 ack 2");
    u_release();
    if (u_connect(NULL) == 0)
        expect("S *");
    assert_in_range(script_conns(), 0, 1);
}

SCRIPT_MAIN(SCRIPT(it_lasts_two_msl), SCRIPT(the_connection_is_off_the_table), SCRIPT(a_lost_last_ack_is_sent_again),
            SCRIPT(unread_bytes_can_be_read_after_the_end), SCRIPT(a_syn_with_a_newer_number_opens_a_new_connection),
            SCRIPT(a_syn_with_a_newer_timestamp_opens_a_new_connection), SCRIPT(a_syn_with_an_older_timestamp_does_not),
            SCRIPT(an_old_syn_is_answered_by_the_last_ack), SCRIPT(several_syns_make_one_connection),
            SCRIPT(the_new_connection_s_numbers_are_above_the_old_ones),
            SCRIPT(without_a_listener_a_new_syn_opens_nothing), SCRIPT(late_data_is_answered_by_an_ack),
            SCRIPT(an_old_reset_does_not_hurt), SCRIPT(their_number_is_bounded),
            SCRIPT(a_dialled_tuple_in_time_wait_is_in_use_or_made_anew))
